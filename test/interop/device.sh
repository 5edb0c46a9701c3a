#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What is left on the machine: nothing, also after kill -9; and what is said when rights, names or
# addresses are wrong: one sentence, exit code 2.
. "$(dirname "$0")/lib.sh"

mkdir "$work/www"
start_serve "$work/www"
if has_device tct0; then ok device__while_serving__is_there; else not_ok device__while_serving__is_there missing; fi

refuses() { # NAME WORD COMMAND...: exit code 2, and one line that has the word
  local name=$1 word=$2 said code
  shift 2
  said=$("$@" 2>&1 >/dev/null </dev/null)
  code=$?
  if [ $code = 2 ] && [ "$(wc -l <<<"$said")" = 1 ] && grep -qF -- "$word" <<<"$said"; then
    ok "$name"
  else
    not_ok "$name" "exit $code, '$said'"
  fi
}
refuses name__taken__is_said tct0 "$tercet" serve --dev tun:tct0 --addr 10.8.0.2/24 "$work/www"

kill -9 "$served"
wait "$served" 2>/dev/null
if has_device tct0; then not_ok device__after_kill_9__is_gone "tct0 is there"; else ok device__after_kill_9__is_gone; fi

cp "$tercet" "$work/tercet" && chmod 755 "$work" "$work/tercet"
refuses rights__missing__are_named CAP_NET_ADMIN \
  peer nobody "$work/tercet" serve --dev tun:tct0 --addr 10.7.0.2/24 "$work/www"
refuses dir__missing__is_named /nowhere "$tercet" serve --dev tun:tct0 --addr 10.7.0.2/24 /nowhere
refuses addr__no_prefix__is_named 10.7.0.2 "$tercet" serve --addr 10.7.0.2 "$work/www"
refuses addr__network_itself__is_named 10.7.0.0/24 "$tercet" serve --addr 10.7.0.0/24 "$work/www"
refuses addr__no_peer__asks_for_one --peer-addr "$tercet" serve --addr 10.7.0.2/32 "$work/www"
refuses addr__nonsense__is_named 10.7.0.256 "$tercet" serve --addr 10.7.0.256/24 "$work/www"
refuses dev__nonsense__is_named vpn:x "$tercet" serve --dev vpn:x "$work/www"
refuses mtu__too_small_for_ipv6__is_named 1000 "$tercet" serve --addr fd07::2/64 --mtu 1000 "$work/www"
refuses port__out_of_range__is_named 65536 "$tercet" serve --port 65536 "$work/www"
refuses pcapng__cannot_be_written__is_named /nowhere/x \
  "$tercet" serve --addr 10.7.0.2/24 --pcapng /nowhere/x "$work/www"
refuses verb__unknown__is_named nonsense "$tercet" nonsense
refuses host_port__no_port__is_named 10.7.0.1 "$tercet" handshake 10.7.0.1
refuses demo__animate_without_picture__is_said --svg "$tercet" demo open-close --animate
refuses operand__missing__is_said DIR "$tercet" serve

# A pcapng that was begun for a device that could not be made does not stay.
refuses rights__missing_with_pcapng__are_named CAP_NET_ADMIN \
  peer nobody "$work/tercet" serve --addr 10.7.0.2/24 --pcapng /tmp/tct-left.$$ "$work/www"
if [ -e /tmp/tct-left.$$ ]; then not_ok pcapng__device_failed__is_removed "it is there"; else ok pcapng__device_failed__is_removed; fi

# A point-to-point pair without a common prefix.
"$tercet" serve --dev tun:tct0 --addr 192.0.2.9/32 --peer-addr 192.0.2.77 -q "$work/www" &
served=$!
for _ in $(seq 100); do has_device tct0 && break; sleep 0.05; done
sleep 0.2
check peer_addr__pair_without_prefix__reaches_us peer reach 192.0.2.9 80
kill -TERM $served
check serve__sigterm_idle__exit_0 wait $served

for verb in serve get listen connect handshake doctor; do
  check "help__${verb}__exit_0" "$tercet" $verb --help
done
check doctor__as_root__says_yes bash -c "'$tercet' doctor --plain | grep -q '^TUN device: yes'"

# What is no regular file is never removed, whatever goes wrong after it was opened.
mknod "$work/null" c 1 3
"$tercet" get --dev tun:lo --pcapng "$work/null" --svg "$work/null" --plot "$work/null" http://10.7.0.1/ >/dev/null 2>&1
check output__a_device_and_no_interface__stays_a_device test -c "$work/null"
