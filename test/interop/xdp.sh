#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What only AF_XDP has: nothing is left at the interface, also after kill -9; an interface that is
# deleted; drivers without XDP; addresses that others have; and what is said when it cannot be used.
DEV=xdp
. "$(dirname "$0")/lib.sh"
need curl

mkdir "$work/www"
make_file www/file 3000000
whole() { # ADDRESS
  curl -sSf -g -m 20 -o "$work/got" "http://$1/file" && cmp "$work/got" "$work/www/file"
}
gone() { ! is_left; }
refuses() { # NAME WORD INTERFACE [OPTIONS...]: exit code 2, and one line that has the word
  local name=$1 word=$2 at=$3 said code
  shift 3
  said=$("$tercet" serve --addr 10.7.0.2/24 --dev "xdp:$at" "$@" "$work/www" 2>&1 >/dev/null </dev/null)
  code=$?
  if [ $code = 2 ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -qF -- "$word" <<<"$said"; then
    ok "$name"
  else
    not_ok "$name" "exit $code, '$said'"
  fi
}

start_serve "$work/www"
check xdp__while_serving__a_program_is_at_the_interface is_left
check xdp__ipv4__same_bytes whole 10.7.0.2
check xdp__ipv6__same_bytes whole '[fd07::2]'
refuses xdp__taken__is_said 'another program' tct0
kill -9 "$served"
wait "$served" 2>/dev/null
check xdp__after_kill_9__the_interface_is_the_kernels_again gone
start_serve "$work/www" --pcapng "$work/out.pcapng"
check xdp__at_once_again__same_bytes whole 10.7.0.2
check xdp__serve__ends_in_good_order stop_serve
check xdp__after_the_end__the_interface_is_the_kernels_again gone

# [RFC 4862 5.4] the kernel's end has fd07::1 and says so
refuses dad__address_of_the_kernels_end__is_refused 'fd07::1 belongs to another' tct0 --addr fd07::1/64
check dad__refused__the_interface_is_the_kernels_again gone

refuses xdp__no_such_interface__is_said 'no interface tct9' tct9
refuses xdp__no_ethernet__is_said 'no Ethernet' lo
refuses xdp__mtu_over_the_interfaces__is_said 'ip link set tct0 mtu 2000' tct0 --mtu 2000
refuses xdp__mtu_too_large__is_said 'MTU 9000' tct0 --mtu 9000
refuses xdp__several_cores__are_refused 'tun: device only' tct0 --cores 2
if "$tercet" serve --dev xdp:tct0 "$work/www" 2>&1 | grep -q -- --addr; then
  ok xdp__no_address__is_asked_for
else
  not_ok xdp__no_address__is_asked_for "it is not"
fi
cp "$build/tercet" "$work/tercet" && chmod 755 "$work" "$work/tercet"
if far "$here/peer.py" nobody "$work/tercet" serve --dev xdp:tct0 --addr 10.7.0.2/24 "$work/www" 2>&1 |
  grep -q CAP_NET_ADMIN; then
  ok xdp__no_rights__are_named
else
  not_ok xdp__no_rights__are_named "they are not"
fi
far ip addr add 10.9.0.1/24 dev tct0
refuses xdp__address_of_the_kernel__is_said 'ip addr flush dev tct0' tct0
far ip addr flush dev tct0
far ip link set tct0 down
refuses xdp__down__is_said 'ip link set tct0 up' tct0
far ip link set tct0 up

# A bridge has no XDP of its own: the kernel runs the program behind it. Large frames, too.
ip link set tctk mtu 3000
far sh -c 'ip link set tct0 mtu 3000; ip link add br0 type bridge
  sysctl -qw net.ipv6.conf.br0.disable_ipv6=1; ip link set tct0 master br0; ip link set br0 mtu 3000 up'
dev=xdp:br0
start_serve "$work/www"
check xdp__generic_mode__is_used bash -c "nsenter -t $far -n ip link show br0 | grep -q xdpgeneric"
check xdp__generic_mode_mtu_3000__same_bytes whole 10.7.0.2
check xdp__generic_mode__ends_in_good_order stop_serve
far ip link del br0
dev=xdp:tct0

start_serve "$work/www"
ip link del tctk
told() { # the server leaves by itself, and says why
  for _ in $(seq 100); do
    kill -0 "$served" 2>/dev/null || break
    sleep 0.05
  done
  kill -0 "$served" 2>/dev/null && { echo 'it is still there'; return 1; }
  grep -q 'tct0 was removed' "$work/serve.err" || { cat "$work/serve.err"; return 1; }
}
check xdp__interface_deleted__serve_ends_and_says_so told
