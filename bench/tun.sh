#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Bulk through a TUN device to and from the kernel's TCP, in one run, in rounds:
#   bench/tun.sh BUILD [ROUNDS [MS]]
# With offloads beside kernel to kernel over veth; without, at MTU 1500, beside lwIP and veth without
# offloads; over TAP beside slirp4netns. One client for all (bench_bulk_client); "same": client and
# server on the first core, "cross": the client on the last. Spinning: the stack looks at the device
# for up to 50 us before it sleeps. Prints a line a figure: question, who, value; a question is
# offload|plain|slirp - to|from the kernel (or connect) - where ("cpu": same, for a second of the
# CPU time of the stack's process). A line "left out" tells what could not run and why. All
# namespaces and devices go with it. Called by tools/bench; root.
rounds=${2:-5} ms=${3:-400}
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/../test/interop/lib.sh"
need ip nsenter taskset ethtool
last=$(($(nproc) - 1))
client=$build/bench/bench_bulk_client
spin_us=50
say() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-0}"; }
left_out() { printf 'left out\t%s\t%s\n' "$1" "$2"; }

# The kernel's defaults but for these, so that a machine's own tuning is not what is compared.
tune() {
  local f
  for f in tcp_no_metrics_save=1 tcp_tw_reuse=1 \
    tcp_rmem='4096 131072 6291456' tcp_wmem='4096 16384 4194304' ip_local_port_range='1024 65535'; do
    sysctl -qw net.ipv4."$f" 2>/dev/null
  done
  ip link set lo up
}
tune
new_net() { # sets $net: a process that holds a namespace, tuned
  unshare --net sleep 3600 &
  net=$!
  while [ "$(readlink /proc/$net/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
  # shellcheck disable=SC2016 # expanded there
  nsenter -t $net -n bash -c "$(declare -f tune); tune"
}

# Kernel to kernel: 10.8.0.2 behind a pair as it comes, 10.9.0.2 behind one without offloads.
new_net
other=$net
over() { nsenter -t $other -n "$@"; }
join_pair() { # NUMBER SUBNET
  ip link add "v$1" type veth peer name w0 netns $other && ip addr add "$2.1/24" dev "v$1" &&
    ip link set "v$1" up && over ip link set w0 name "w$1" && over ip addr add "$2.2/24" dev "w$1" &&
    over ip link set "w$1" up
}
join_pair 1 10.8.0 && join_pair 2 10.9.0 || exit 2
ethtool -K v2 tx off tso off gso off gro off >/dev/null 2>&1
over ethtool -K w2 tx off tso off gso off gro off >/dev/null 2>&1
over taskset -c 0 "$client" serve &

declare -A pid device
ready() { # NAME: what it runs has said so
  wait_text "$work/$1" '^ready' 5 || { left_out "$1" "$(tail -n 1 "$work/$1" | tr '\t' ' ')"; return 1; }
}
start_tercet() { # NAME DEV ADDR OPTION...
  local name=$1
  shift
  taskset -c 0 "$build/bench/bench_tun" "$@" >"$work/$name" 2>&1 &
  pid[$name]=$! device[$name]=${1#*:}
  ready "$name"
}
start_lwip() { # NAME DEV SUBNET [SPIN_US]
  local name=$1 dev=$2 net=$3 program=$build/peers/lwip/lwip_tun
  shift 3
  [ -x "$program" ] || { left_out "$name" "lwIP is not built"; return 1; }
  taskset -c 0 "$program" "$dev" "$net.2" "$@" >"$work/$name" 2>&1 &
  pid[$name]=$! device[$name]=$dev
  ready "$name" || return 1
  ip link set "$dev" mtu 1500 txqueuelen 10000 addrgenmode none up && # as ours sets them
    ip addr add "$net.1/24" dev "$dev"
}
start_tercet offload tun:t1 10.7.1.2/24 || exit 1
start_tercet offload-spin tun:t2 10.7.2.2/24 spin=$spin_us || exit 1
grep -q 'offload on' "$work/offload" || left_out offload "this TUN device takes no super-segments"
start_tercet plain tun:t3 10.7.3.2/24 offload=0 buffer=262144 || exit 1
start_tercet plain-spin tun:t4 10.7.4.2/24 offload=0 buffer=262144 spin=$spin_us || exit 1
start_tercet plain-parity tun:t5 10.7.5.2/24 offload=0 buffer=262144 parity=1 || exit 1
lwip=
start_lwip lwIP t6 10.7.6 && start_lwip lwIP-spin t7 10.7.7 $spin_us && lwip=1

pinned() { # CORE COMMAND...: "" for any
  local core=$1
  shift
  if [ -n "$core" ]; then taskset -c "$core" "$@"; else "$@"; fi
}
to_kernel() { pinned "$1" "$client" recv "$2" "${3:-19}" "$ms" 2>>"$work/errors"; } # CORE ADDR [PORT]
from_kernel() { pinned "$1" "$client" send "$2" 9 "$ms" ${3:+"$3"} 2>>"$work/errors"; } # CORE ADDR [own]
both_ways() { # KIND WHERE CORE WHO ADDR
  say "$1-to-$2" "$4" "$(to_kernel "$3" "$5")"
  say "$1-from-$2" "$4" "$(from_kernel "$3" "$5")"
}
# The kernel with the congestion control that this machine has chosen, where that is not CUBIC.
own=$(cat /proc/sys/net/ipv4/tcp_congestion_control)
own_choice() { # WHERE CORE
  [ "$own" != cubic ] || return 0
  say "offload-to-$1" "veth, $own" "$(to_kernel "$2" 10.8.0.2 29)"
  say "offload-from-$1" "veth, $own" "$(from_kernel "$2" 10.8.0.2 own)"
  say "offload-from-$1" "tercet, $own" "$(from_kernel "$2" 10.7.1.2 own)"
}
spent() { cut -d ' ' -f 1 "/proc/${pid[$1]}/schedstat" 2>/dev/null || echo 0; } # NAME: ns of CPU
carried() { awk -v d="${device[$1]}:" -v c="$2" '$1 == d { print $c }' /proc/net/dev; } # NAME COLUMN
# Both ends on one core, and what the stack's process took for it: octets for a second of its CPU time.
plain_same() { # WHO ADDR NAME
  local way time octets column
  for way in to from; do
    [ $way = to ] && column=2 || column=10
    time=$(spent "$3") octets=$(carried "$3" $column)
    say "plain-$way-same" "$1" "$(${way}_kernel 0 "$2")"
    time=$(($(spent "$3") - time)) octets=$(($(carried "$3" $column) - octets))
    [ $time = 0 ] ||
      say "plain-$way-cpu" "$1" "$(awk -v o=$octets -v t=$time 'BEGIN { printf "%.0f", o / t * 1e9 }')"
  done
}
plain_on() { # WHERE CORE WHO ADDR NAME
  if [ "$1" = same ]; then plain_same "$3" "$4" "$5"; else both_ways plain "$1" "$2" "$3" "$4"; fi
}
everywhere() { # WHERE CORE
  both_ways offload "$1" "$2" tercet 10.7.1.2
  both_ways offload "$1" "$2" veth 10.8.0.2
  own_choice "$1" "$2"
  plain_on "$1" "$2" tercet 10.7.3.2 plain
  plain_on "$1" "$2" "tercet, parity" 10.7.5.2 plain-parity
  [ -z "$lwip" ] || plain_on "$1" "$2" lwIP 10.7.6.2 lwIP
  both_ways plain "$1" "$2" veth 10.9.0.2
}
for ((i = 0; i < rounds; i++)); do
  everywhere same 0
  [ "$last" = 0 ] && continue
  everywhere cross "$last"
  both_ways offload cross "$last" "tercet, spinning" 10.7.2.2
  both_ways plain cross "$last" "tercet, spinning" 10.7.4.2
  [ -z "$lwip" ] || both_ways plain cross "$last" "lwIP, spinning" 10.7.7.2
done
[ "$last" != 0 ] || left_out cross "one processor only"

# ---- Behind a tap: slirp4netns with a server of this namespace, and ours, which serves itself ------
# Nobody is pinned: slirp4netns and its server are two processes, ours is one.
command -v slirp4netns >/dev/null || { left_out slirp4netns "it is not installed"; exit 0; }
for to in 127.0.0.0/8 127.0.0.1; do # slirp4netns's own sockets, too, send by CUBIC
  ip route replace local $to dev lo scope host src 127.0.0.1 table local proto kernel congctl cubic 2>/dev/null
done
"$client" serve &
"$build/bench/bench_echo_client" serve 7 &
start_slirp() { # NAME MTU: sets $net
  new_net
  slirp4netns --configure --mtu="$2" --ready-fd=3 $net tap0 3>"$work/$1.ready" >"$work/$1" 2>&1 &
  wait_text "$work/$1.ready" 1 5 ||
    { left_out "slirp4netns, MTU $2" "$(tail -n 1 "$work/$1" | tr '\t' ' ')"; return 1; }
}
inside="" inside_big=""
start_slirp slirp 1500 && inside=$net
start_slirp slirp-big 65520 && inside_big=$net
start_tercet tap tap:t8 10.7.8.2/24 || exit 1
start_tercet tap-plain tap:t9 10.7.9.2/24 offload=0 || exit 1
behind() { # WHO ADDR COMMAND...: the client runs under COMMAND
  local who=$1 addr=$2
  shift 2
  say slirp-to "$who" "$("$@" "$client" recv "$addr" 19 "$ms" 2>>"$work/errors")"
  say slirp-from "$who" "$("$@" "$client" send "$addr" 9 "$ms" 2>>"$work/errors")"
  say slirp-connect "$who" "$("$@" timeout 30 "$build/bench/bench_echo_client" connect "$addr" 7 "$ms" \
    2>>"$work/errors")"
}
for ((i = 0; i < rounds; i++)); do
  behind "tercet, TAP" 10.7.8.2 env
  behind "tercet, TAP without offload" 10.7.9.2 env
  [ -z "$inside" ] || behind "slirp4netns, MTU 1500" 10.0.2.2 nsenter -t "$inside" -n
  [ -z "$inside_big" ] || behind "slirp4netns, MTU 65520" 10.0.2.2 nsenter -t "$inside_big" -n
done
cat "$work/errors" >&2
