#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# What a user of the library gets: installs into an empty directory, then builds a program outside the
# tree with nothing but pkg-config, once against the shared library and once against the static one.
set -u
cd "$(dirname "$0")/.." || exit 2
tools/build.sh build-release -Db_lto=true || exit 1
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT
DESTDIR=$root meson install -C build-release --no-rebuild --quiet || exit 1
pc=$(dirname "$(find "$root" -name libtercet.pc)")
libdir=$(dirname "$(find "$root" -name libtercet.a)")
export PKG_CONFIG_PATH=$pc PKG_CONFIG_SYSROOT_DIR=$root PKG_CONFIG_ALLOW_SYSTEM_CFLAGS=1
cat >"$root/user.c" <<'C'
#include <tercet/tercet.h>
#include <stdio.h>
int main(void) {
  puts(tct_strerror(TCT_ECONNREFUSED));
  return 0;
}
C
# shellcheck disable=SC2046
gcc -std=c11 -Wall -Werror -o "$root/shared" "$root/user.c" $(pkg-config --cflags --libs libtercet) &&
  LD_LIBRARY_PATH=$libdir "$root/shared" || exit 1
for lto in -flto -fno-lto; do # the objects hold both
  # shellcheck disable=SC2046
  gcc -std=c11 -Wall -Werror $lto -o "$root/static" "$root/user.c" $(pkg-config --cflags libtercet) \
    "$libdir/libtercet.a" && "$root/static" || exit 1
done
ldd "$root/static" | grep -q tercet && { echo "the static program needs the shared library"; exit 1; }
echo "installed: $(cd "$root" && find usr -type f -o -type l | grep -c tercet) files"
