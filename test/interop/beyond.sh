#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# HOST beyond this machine: with the commands of `tercet handshake --help`, a server in another
# namespace behind the kernel's forwarding is reached; without them it is not.
. "$(dirname "$0")/lib.sh"
need ip nft

unshare --net sleep 600 &
other=$!
sleep 0.2
ip link add v0 type veth peer name v1 netns $other
ip addr add 10.8.0.1/24 dev v0 && ip link set v0 up
nsenter -t $other -n sh -c 'ip addr add 10.8.0.2/24 dev v1; ip link set v1 up; ip link set lo up'
nsenter -t $other -n "$here/peer.py" hello-server 80 >"$work/hello.out" &
wait_text "$work/hello.out" ready

shake() {
  "$tercet" handshake --plain --timeout 3 --dev tun:tct0 --addr 10.7.0.2/24 10.8.0.2:80
}
refused() { ! "$@"; }
check handshake__nothing_forwarded__no_answer refused shake
check doctor__nothing_forwarded__says_no bash -c "'$tercet' doctor --plain | grep -q '^IP forwarding: no'"

# The commands themselves, from the help text.
"$tercet" handshake --help | sed -n 's/^  \(\(sysctl\|nft\) .*\)/\1/p' >"$work/commands"
check help__names_four_commands test "$(wc -l <"$work/commands")" = 4
check help__commands__run sh -e "$work/commands"
check handshake__forwarded_and_masqueraded__opens shake
check doctor__forwarded__says_yes bash -c "'$tercet' doctor --plain | grep -q '^masquerade: yes'"
kill $other
