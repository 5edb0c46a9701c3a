#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The newcomer's test: a Debian 12 with gcc and make and nothing else, made by debootstrap in a temporary
# directory, the tree as git would clone it, and the targets given (default: demo check). Run by hand, as
# root; it installs debootstrap and takes a minute before it begins.
#   tools/fresh-machine.sh [TARGET...]
set -u
cd "$(dirname "$0")/.." || exit 2
[ "$(id -u)" = 0 ] || { echo "fresh-machine: needs root, for chroot" >&2; exit 2; }
command -v debootstrap >/dev/null ||
  apt-get -q -y install --no-install-recommends debootstrap >/dev/null || exit 2
[ $# -gt 0 ] || set -- demo check
root=$(mktemp -d) && chmod 755 "$root" # as any root directory: nobody may pass
trap 'umount "$root/proc" "$root/dev" "$root" 2>/dev/null; rm -rf --one-file-system "$root"' EXIT
mirror=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null |
  sed -nE 's/^(URIs:|deb( \[.*\])?) *(http[^ ]*).*/\3/p' | head -n 1)
echo "a fresh Debian 12 in $root"
debootstrap --variant=minbase --include=gcc,libc6-dev,make bookworm "$root" "$mirror" >"$root.log" 2>&1 ||
  { tail -n 5 "$root.log"; rm -f "$root.log"; exit 1; }
rm -f "$root.log"
mount --bind "$root" "$root" # its root must be a mount point, or no test can unshare mounts
cp /etc/resolv.conf "$root/etc/"
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
mount -t proc proc "$root/proc"
mount --bind /dev "$root/dev"
mkdir "$root/tercet"
git ls-files -z --cached --others --exclude-standard | tar cf - --null -T - --ignore-failed-read 2>/dev/null |
  tar xf - -C "$root/tercet"
for target in "$@"; do
  echo "== make $target"
  started=$(date +%s)
  chroot "$root" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
    make --no-print-directory -C /tercet "$target" || exit 1
  echo "== $target took $(($(date +%s) - started)) s"
done
