# SPDX-License-Identifier: MIT
# shellcheck shell=bash
# lib.sh - what every interop test begins with: `. "$(dirname "$0")/lib.sh"`.
#
# Puts the test into a network namespace of its own, which goes when the test ends, with all of its
# processes and devices. DEV=tun|tap|xdp says what joins tercet to the kernel; the addresses are the
# same over each. Prints TAP: "ok - name", "not ok - name: why". $1 is the build directory.
set -u
export LC_ALL=C
PATH=$PATH:/usr/sbin:/sbin
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
test_name=$(basename "$0" .sh)
build=$(cd "${1:-$here/../../build}" 2>/dev/null && pwd) || {
  echo "not ok - $test_name: there is no build directory ${1:-build}"
  exit 1
}
tercet=$build/tercet
export DEV=${DEV:-tun}
dev=$DEV:tct0
peer() { /usr/bin/env python3 "$here/peer.py" "$@"; }

skip_all() {
  echo "ok - $test_name # SKIP $*"
  exit 0
}

if [ -z "${TERCET_NS-}" ]; then
  [ "$(id -u)" = 0 ] || skip_all "needs root, for a network namespace and a TUN device"
  [ -c /dev/net/tun ] || skip_all "there is no /dev/net/tun: modprobe tun"
  unshare --net --pid --fork true 2>/dev/null ||
    skip_all "network namespaces are not allowed here"
  TERCET_NS=1 exec unshare --net --mount --pid --fork --kill-child --mount-proc -- "$0" "$@"
fi

failures=0
work=$(mktemp -d) || exit 2
finish() {
  umount -l "$work" 2>/dev/null
  rm -rf "$work"
  [ $failures = 0 ]
  exit $?
}
trap finish EXIT
peer up lo

ok() { echo "ok - $1"; }
not_ok() { # NAME WHY
  echo "not ok - $1: $2"
  failures=$((failures + 1))
}
# NAME COMMAND...: passes when the command does; its output is the reason when it does not.
check() {
  local name=$1
  shift
  # No subshell: the command may be a function that waits for our children.
  if "$@" >"$work/said" 2>&1; then ok "$name"; else not_ok "$name" "$(tail -n 3 "$work/said" | tr '\n' ' ')"; fi
}
# COMMAND... prints TAP lines of its own.
checks() {
  local out bad
  out=$("$@" 2>&1)
  local code=$?
  echo "$out"
  bad=$(grep -c '^not ok' <<<"$out")
  [ $code = 0 ] || [ "$bad" != 0 ] || { not_ok "$*" "exit code $code"; return; }
  failures=$((failures + bad))
}
need() { # COMMAND...: skips the whole test without them
  local c
  for c; do command -v "$c" >/dev/null || skip_all "$c is not installed: tools/install-deps.sh interop"; done
}

# FILE PATTERN [SECONDS]: waits until the file has a matching line.
wait_text() {
  local n=$((${3:-10} * 20))
  while ! grep -qE "$2" "$1" 2>/dev/null; do
    n=$((n - 1))
    [ $n -gt 0 ] || return 1
    sleep 0.05
  done
}
has_device() { grep -q "^ *$1:" /proc/net/dev; }

# xdp: tercet lives in a namespace of its own, on the far end of a veth pair; the kernel of this one
# has the near end and must finish its checksums, as there is no device behind that would.
far() { nsenter -t "$far" -n "$@"; }
if [ "$DEV" = xdp ]; then
  need ip ethtool nsenter
  "$tercet" doctor --plain | grep -q '^AF_XDP: yes' || skip_all "no AF_XDP here: tercet doctor says why"
  unshare --net sleep 3600 &
  far=$!
  while [ "$(readlink /proc/$far/ns/net)" = "$(readlink /proc/self/ns/net)" ]; do sleep 0.02; done
  ip link add tctk type veth peer name tct0 netns $far
  sysctl -qw net.ipv6.conf.tctk.addr_gen_mode=1 2>/dev/null
  ip addr add 10.7.0.1/24 dev tctk && ip addr add fd07::1/64 dev tctk nodad && ip link set tctk up
  ethtool -K tctk tx off >/dev/null 2>&1
  far sh -c 'ip link set lo up; sysctl -qw net.ipv6.conf.tct0.disable_ipv6=1; ip link set tct0 up'
  printf '#!/bin/sh\nexec nsenter -t %s -n -- "%s" "$@"\n' $far "$tercet" >"$work/tercet-far"
  chmod 755 "$work/tercet-far"
  tercet=$work/tercet-far
fi
# Is anything of tercet's left on the machine? The device, or the program at the interface.
is_left() {
  if [ "$DEV" = xdp ]; then far ip link show tct0 | grep -q xdp; else has_device tct0; fi
}

# start_serve DIR [OPTIONS...] (not -q): tercet serve at 10.7.0.2 and fd07::2; sets $served.
start_serve() {
  local dir=$1
  shift
  rm -f "$work/serve.err" # what an earlier one said is no sign of this one
  "$tercet" serve --dev "$dev" --addr 10.7.0.2/24 --addr fd07::2/64 "$@" "$dir" \
    >"$work/serve.log" 2>"$work/serve.err" &
  served=$!
  wait_text "$work/serve.err" '^tercet serves' ||
    { not_ok start_serve "$(tail -n 2 "$work/serve.err" | tr '\n' ' ')"; exit 1; }
}
# Ends it by SIGTERM and says whether it left in good order.
stop_serve() {
  kill -TERM "$served" 2>/dev/null
  wait "$served"
  local code=$?
  [ $code = 0 ] || { tail -n 5 "$work/serve.err"; echo "exit code $code"; }
  return $code
}
# make_file NAME BYTES: pseudo-random, the same each time.
make_file() { peer make "$work/$1" "$2"; }
