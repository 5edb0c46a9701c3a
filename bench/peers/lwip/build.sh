#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fetches lwIP from Debian's source package and builds it as the benchmark wants it, into
# build-bench/peers/lwip/: one library a side, so that each has its own globals, and lwip_tun.
#   bench/peers/lwip/build.sh
# Debian's own library is threaded and untuned. A private apt directory holds the list of sources:
# nothing on this machine is changed.
set -eu
cd "$(dirname "$0")/../../.."
here=bench/peers/lwip
out=build-bench/peers/lwip
fail() { echo "lwip: $*" >&2; exit 1; }

mkdir -p "$out"
out=$(cd "$out" && pwd)
if [ ! -d "$out/src" ]; then
  apt=$out/apt
  mkdir -p "$apt/lists/partial" "$apt/cache/archives/partial"
  # shellcheck source=/dev/null
  . /etc/os-release
  [ "${ID:-}" = debian ] || fail "its source package is fetched from Debian, and this is ${ID:-unknown}"
  echo "deb-src http://deb.debian.org/debian ${VERSION_CODENAME} main" >"$apt/sources.list"
  cat >"$apt/apt.conf" <<EOF
Dir::Etc::sourcelist "$apt/sources.list";
Dir::Etc::sourceparts "-";
Dir::State::lists "$apt/lists";
Dir::Cache "$apt/cache";
APT::Sandbox::User "";
EOF
  export APT_CONFIG=$apt/apt.conf
  apt-get -q update >"$out/apt.log" 2>&1 || { tail -n 5 "$out/apt.log" >&2; fail "apt-get update failed"; }
  (cd "$apt" && apt-get -q source lwip >>"$out/apt.log" 2>&1) || { tail -n 5 "$out/apt.log" >&2; fail "no source package"; }
  mv "$apt"/lwip-*/ "$out/src"
fi

core=$out/src/src
flags='-O2 -flto -w' # ours (meson.build)
[ "$(uname -m)" = x86_64 ] && flags="$flags -mmemset-strategy=vector_loop:2048:noalign,libcall:-1:noalign"
sources="$core/core/init.c $core/core/def.c $core/core/inet_chksum.c $core/core/ip.c $core/core/mem.c
  $core/core/memp.c $core/core/netif.c $core/core/pbuf.c $core/core/sys.c $core/core/tcp.c
  $core/core/tcp_in.c $core/core/tcp_out.c $core/core/timeouts.c $core/core/ipv4/icmp.c
  $core/core/ipv4/ip4.c $core/core/ipv4/ip4_addr.c $core/core/ipv4/ip4_frag.c"

make_one() { # NAME MSS PCBS CHECKSUMS
  [ "$out/$1.so" -nt "$here/node.c" ] && [ "$out/$1.so" -nt "$here/lwipopts.h" ] && return
  # shellcheck disable=SC2086 # the list is words
  ${CC:-cc} $flags -fPIC -shared -fvisibility=default -DBENCH_MSS="$2" -DBENCH_PCBS="$3" \
    -DBENCH_CHECKSUMS="$4" -I"$here" -I. -I"$core/include" $sources "$here/node.c" -o "$out/$1.so"
}

# The client of connect-close has 32 connections, so that its oldest TIME-WAIT makes room: its best.
for checksums in 1 0; do
  for side in client server; do
    make_one "$side-1460-$checksums" 1460 20100 $checksums
    make_one "$side-8960-$checksums" 8960 64 $checksums
    make_one "$side-65495-$checksums" 65495 64 $checksums
  done
  make_one "recycling-1460-$checksums" 1460 32 $checksums
done
# Behind a TUN device: a program of its own.
if [ ! "$out/lwip_tun" -nt bench/peers/lwip_tun.c ] || [ ! "$out/lwip_tun" -nt "$here/lwipopts.h" ]; then
  # shellcheck disable=SC2086 # the list is words
  ${CC:-cc} $flags -DBENCH_MSS=1460 -DBENCH_PCBS=64 -DBENCH_CHECKSUMS=1 -I"$here" -I. -I"$core/include" \
    $sources bench/peers/lwip_tun.c -o "$out/lwip_tun"
fi
echo "lwip: $(sed -n 's/^#define LWIP_VERSION_\(MAJOR\|MINOR\|REVISION\) *//p' "$core/include/lwip/init.h" |
  paste -sd.) in $out"
