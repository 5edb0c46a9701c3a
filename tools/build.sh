#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configures DIR if that is due and builds it, in few lines. The compiler is $CC, as usual.
#   tools/build.sh DIR [-Doption=value ...]
set -u
cd "$(dirname "$0")/.." || exit 2
dir=$1
shift
started=$(date +%s)
asked="${CC:-cc} $*"
log=$(mktemp)
trap 'rm -f "$log"' EXIT

# A build made with other options, or moved here from elsewhere, is made anew.
if [ -f "$dir/build.ninja" ] && [ "$(cat "$dir/asked" 2>/dev/null)" != "$asked $PWD" ]; then
  rm -rf "$dir"
fi
if [ ! -f "$dir/build.ninja" ]; then
  mkdir -p "$dir"
  if ! meson setup "$dir" "$@" >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    echo "build: meson could not configure $dir (its last words are above)" >&2
    exit 1
  fi
  echo "$asked $PWD" >"$dir/asked"
fi

if [ -t 1 ]; then
  NINJA_STATUS='[%f/%t] ' ninja -C "$dir" || exit 1
elif ! ninja -C "$dir" --quiet >"$log" 2>&1; then
  # Without a terminal only what went wrong is of interest.
  awk '/^FAILED:/ { on = 1; print; getline; next } on' "$log" | head -n 60 >&2
  exit 1
fi
echo "built $dir/ in $(($(date +%s) - started)) s"
