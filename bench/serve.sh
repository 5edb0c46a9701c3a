#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# tercet over TUN beside the kernel's TCP over veth, the same clients, in one run, in rounds:
#   bench/serve.sh BUILD [ROUNDS [SECONDS]]
# `tercet serve` beside nginx (sendfile, one worker): 1 kB and 100 kB by wrk, 100 MB by curl, the
# server on the first core and the client on the last. An echo (examples/echo.c beside accept and
# recv): 1 B there and back, and connections, client and server on one core. Prints a line a figure:
# question, who, value. Called by tools/bench; needs root.
rounds=${2:-5} seconds=${3:-1}
# shellcheck source=test/interop/lib.sh
. "$(dirname "$0")/../test/interop/lib.sh"
need nginx wrk curl ip nsenter taskset
last=$(($(nproc) - 1))
client=$build/bench/bench_echo_client
say() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-0}"; }

mount -t tmpfs -o size=300m none "$work" && mkdir -p "$work/www" || exit 2
head -c 1000 /dev/urandom >"$work/www/1k"
head -c 100000 /dev/urandom >"$work/www/100k"
head -c 100000000 /dev/urandom >"$work/www/100m"
chmod 755 "$work" "$work/www"
for f in tcp_tw_reuse=1 tcp_max_tw_buckets=2000 ip_local_port_range='1024 65535'; do
  sysctl -qw net.ipv4."$f" 2>/dev/null
done

# The kernel's side: a namespace behind a veth pair.
unshare --net sleep 3600 &
other=$!
while [ "$(readlink /proc/$other/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
ip link add v0 type veth peer name v1 netns $other
ip addr add 10.8.0.1/24 dev v0 && ip link set v0 up
over() { nsenter -t $other -n "$@"; }
# CUBIC, as it comes and as ours: an algorithm that paces, as some machines set, is a quarter as fast here.
over sh -c 'ip addr add 10.8.0.2/24 dev v1; ip link set v1 up; ip link set lo up
  ip route replace 10.8.0.0/24 dev v1 src 10.8.0.2 congctl cubic
  sysctl -qw net.ipv4.tcp_max_tw_buckets=2000 2>/dev/null'
cat >"$work/nginx.conf" <<CONF
error_log $work/nginx.err; pid $work/nginx.pid; worker_processes 1; daemon on; user root;
events { worker_connections 1024; }
http { access_log off; sendfile on; tcp_nopush on; keepalive_requests 1000000000;
  open_file_cache max=100;
  client_body_temp_path $work/t1; proxy_temp_path $work/t2; fastcgi_temp_path $work/t3;
  uwsgi_temp_path $work/t4; scgi_temp_path $work/t5;
  server { listen 0.0.0.0:80; root $work/www; } }
CONF
over taskset -c 0 nginx -c "$work/nginx.conf" || exit 2
over taskset -c 0 "$client" serve 7 &
taskset -c 0 "$tercet" serve -q --dev tun:tct0 --addr 10.7.0.2/24 "$work/www" >"$work/serve.log" 2>&1 &
for ((i = 0; i < 100; i++)); do
  curl -s -o "$work/got" --max-time 1 http://10.7.0.2/1k && break
  sleep 0.05
done
cmp -s "$work/got" "$work/www/1k" || { echo "serve.sh: tercet serve does not answer" >&2; exit 1; }

by_wrk() { # ADDR FILE
  taskset -c $last wrk -t1 -c64 -d"${seconds}s" "http://$1/$2" 2>&1 |
    awk '/Requests.sec/ { r = $2 } /Socket errors|Non-2xx/ { bad = 1 } END { print bad ? 0 : r }'
}
by_curl() { # ADDR
  taskset -c $last curl -s -o /dev/null --max-time 60 -w '%{speed_download}\n' "http://$1/100m" |
    awk '{ printf "%.3f", $1 / 1e9 }'
}
for ((i = 0; i < rounds; i++)); do
  for f in 1k 100k; do
    say "serve$f" tercet "$(by_wrk 10.7.0.2 $f)"
    say "serve$f" nginx "$(by_wrk 10.8.0.2 $f)"
  done
  say serve100m tercet "$(by_curl 10.7.0.2)"
  say serve100m nginx "$(by_curl 10.8.0.2)"
done
kill -TERM %3 2>/dev/null
wait %3 2>/dev/null

# examples/echo.c has the address 10.7.0.2 and port 7 of its own.
taskset -c 0 "$build/examples/example_echo" >"$work/echo.log" 2>&1 &
for ((i = 0; i < 100; i++)); do
  "$client" ping 10.7.0.2 7 10 >"$work/got" 2>&1 && break
  sleep 0.05
done
ms=$(awk -v s="$seconds" 'BEGIN { print s * 500 }')
for ((i = 0; i < rounds; i++)); do
  for what in ping connect; do
    say $what tercet "$(taskset -c 0 "$client" $what 10.7.0.2 7 "$ms")"
    say $what kernel "$(taskset -c 0 "$client" $what 10.8.0.2 7 "$ms")"
  done
done
