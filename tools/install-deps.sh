#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Installs what a make target needs and this machine lacks, from Debian's packages, saying so in one
# line. The lists below are the only place where a dependency is named.
#   tools/install-deps.sh build|check|coverage|check-all|interop|prove|bench ...
set -u

# package, or package=command: the command being there will do, wherever it came from.
build="gcc=gcc libc6-dev meson=meson ninja-build=ninja pkg-config=pkg-config libmnl-dev libxdp-dev libbpf-dev"
check="$build libcmocka-dev"
interop="curl=curl nginx-light=nginx tshark=tshark wrk=wrk apache2-utils=ab iproute2=ip
  ethtool=ethtool nftables=nft procps=pgrep"
coverage="$check python3=python3 gcovr=gcovr"
prove="gcc=gcc libc6-dev python3=python3 frama-c-base=frama-c why3=why3 z3=z3 spin=spin libcmocka-dev"
check_all="$coverage $interop $prove python3=python3 clang=clang llvm=llvm-nm lld=wasm-ld libclang-rt-14-dev g++=g++
  clang-format=clang-format clang-tidy=clang-tidy cppcheck=cppcheck shellcheck=shellcheck
  git=git qemu-user=qemu-s390x gcc-s390x-linux-gnu=s390x-linux-gnu-gcc libc6-dev-s390x-cross
  gcc-i686-linux-gnu=i686-linux-gnu-gcc libc6-dev-i386-cross"
bench="$build python3=python3 iproute2=ip dpkg-dev=dpkg-source golang-go=go golang-gvisor-gvisor-dev
  nginx-light=nginx wrk=wrk curl=curl ethtool=ethtool slirp4netns=slirp4netns"

is_there() { # PACKAGE[=COMMAND]
  case $1 in
    *=*) PATH=$PATH:/usr/sbin:/sbin command -v "${1#*=}" >/dev/null && return ;;
  esac
  [ "$(dpkg-query -W -f='${db:Status-Status}' "${1%%=*}" 2>/dev/null)" = installed ]
}

fail() {
  echo "install-deps: $*" >&2
  exit 2
}

wanted=
for set in "$@"; do
  case $set in
    build) wanted="$wanted $build" ;;
    check) wanted="$wanted $check" ;;
    interop) wanted="$wanted $check $interop" ;;
    prove) wanted="$wanted $prove" ;;
    check-all) wanted="$wanted $check_all" ;;
    coverage) wanted="$wanted $coverage" ;;
    bench) wanted="$wanted $bench" ;;
    *) fail "no list called '$set'; there are build, check, interop, coverage, prove, check-all, bench" ;;
  esac
done

missing=
for entry in $wanted; do
  is_there "$entry" && continue
  case " $missing " in
    *" ${entry%%=*} "*) ;;
    *) missing="$missing ${entry%%=*}" ;;
  esac
done
missing=${missing# }
[ -n "$missing" ] || exit 0

command -v apt-get >/dev/null ||
  fail "needed and not here: $missing. This is no Debian: install them by this system's own means."
as_root=
if [ "$(id -u)" != 0 ]; then
  command -v sudo >/dev/null ||
    fail "needed and not here: $missing. Run as root: apt-get install $missing"
  as_root=sudo
fi

echo "installing from Debian's packages: $missing"
log=$(mktemp) || fail "no room for a temporary file"
trap 'rm -f "$log"' EXIT
apt() {
  $as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y "$@" </dev/null >>"$log" 2>&1
}
# nginx is wanted as a program for tests, not as a server on this machine: nothing may start it.
policy=/usr/sbin/policy-rc.d
case " $missing " in *" nginx-light "*)
  if [ ! -e $policy ]; then
    trap 'rm -f "$log"; $as_root rm -f $policy' EXIT
    printf '#!/bin/sh\nexit 101\n' | $as_root tee $policy >/dev/null && $as_root chmod 755 $policy
  fi ;;
esac
# The lists may be missing or old: fetch them, but do not insist before the install has failed, too.
# shellcheck disable=SC2086 # the list is words
if ! { apt update && apt install --no-install-recommends $missing; }; then
  tail -n 15 "$log" >&2
  fail "apt-get could not install: $missing (its last words are above)"
fi
