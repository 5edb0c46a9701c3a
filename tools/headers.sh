#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Every header compiles alone: ours as C11 by gcc and clang, the public ones as C++17, too.
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
warn='-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wundef -Werror -Iinclude -Icore -I.'
strict='-Wstrict-prototypes -Wmissing-prototypes -Wvla'

try() { # WHAT COMMAND...
  local what=$1
  shift
  "$@" >"$work/out" 2>&1 && return
  echo "$what does not compile alone:"
  head -n 8 "$work/out"
  touch "$work/bad"
}

n=0
for h in $(find include core drivers record host sim drill packetdrill cli test model -name '*.h' | sort); do
  n=$((n + 1))
  printf '#include "%s"\nextern int not_empty;\n' "$h" >"$work/h.c"
  gnu=
  case $h in *packetdrill/*) gnu=-D_GNU_SOURCE ;; esac # useconds_t, as the files that use them say
  for cc in gcc clang; do
    command -v $cc >/dev/null || continue
    # shellcheck disable=SC2086 # flags are words
    try "$h ($cc)" $cc -std=c11 $gnu $strict $warn -fsyntax-only "$work/h.c"
  done
  case $h in include/*) ;; *) continue ;; esac
  cp "$work/h.c" "$work/h.cc"
  for cxx in g++ clang++; do
    command -v $cxx >/dev/null || continue
    # shellcheck disable=SC2086
    try "$h ($cxx)" $cxx -std=c++17 $warn -fsyntax-only "$work/h.cc"
  done
done
[ ! -e "$work/bad" ] && echo "$n headers compile alone"
