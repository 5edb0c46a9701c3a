#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One seed, one history: the digest of a fixed scenario (sim/digest_main.c) must be the number
# stored in tools/digest.txt under gcc and clang, -O0 and -O2. `--store` writes the number that
# gcc -O2 gives.
set -u
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

# The sources of the core, the links and what they need; nothing of the host.
mapfile -t sources < <(find core -name '*.c' | sort; ls sim/*.c record/*.c drivers/segment.c)

build() { # compiler level -> path of the program
  local out="$work/$1$2"
  mkdir -p "$out.o"
  # shellcheck disable=SC2016 # the inner shell expands
  printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} sh -c \
    'exec "$0" -std=c11 "$1" -w -Iinclude -Icore -I. -c "$2" -o "$3/$(echo "$2" | tr / _).o"' \
    "$1" "$2" {} "$out.o" || return 1
  "$1" "$out.o"/*.o -o "$out" || return 1
  echo "$out"
}

if [ "${1:-}" = --store ]; then
  program=$(build gcc -O2) && "$program" | cut -d' ' -f1 > tools/digest.txt && cat tools/digest.txt
  exit
fi

stored=$(cat tools/digest.txt 2>/dev/null)
passed=0 failed=0 skipped=0
for cc in gcc clang; do
  for level in -O0 -O2; do
    if ! command -v "$cc" > /dev/null; then
      echo "ok - digest $cc $level # SKIP no $cc; apt-get install $cc"
      skipped=$((skipped + 1))
      continue
    fi
    seen=$(program=$(build "$cc" "$level") && "$program" | cut -d' ' -f1)
    if [ -n "$seen" ] && [ "$seen" = "$stored" ]; then
      echo "ok - digest $cc $level"
      passed=$((passed + 1))
    else
      echo "not ok - digest $cc $level: ${seen:-did not build} instead of ${stored:-nothing stored}"
      failed=$((failed + 1))
    fi
  done
done
[ "$failed" -eq 0 ]
