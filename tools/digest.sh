#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# One seed, one history. The digest of a fixed scenario (sim/digest_main.c) must be the number stored
# in tools/digest.txt, and the small trials of 1000 seeds must give one digest, whatever it is: under
# gcc and clang, -O0 and -O2, on 32 bits (i686) and on a big-endian machine (s390x, by qemu).
#   tools/digest.sh [--store] [--seeds N]
# `--store` writes the scenario's number that gcc -O2 gives.
set -u
cd "$(dirname "$0")/.." || exit 2
work=$(mktemp -d) || exit 2
trap 'rm -rf "$work"' EXIT

store=false seeds=1000
while [ $# -gt 0 ]; do
  case $1 in
    --store) store=true ;;
    --seeds) seeds=$2; shift ;;
    *) echo "digest: there is no option '$1'" >&2; exit 2 ;;
  esac
  shift
done

# The sources of the core, the links and what they need; nothing of the host.
mapfile -t sources < <(find core -name '*.c' | sort; ls sim/*.c record/*.c drivers/segment.c)

build() { # compiler level -> path of the program
  local out="$work/$1$2"
  mkdir -p "$out.o"
  # shellcheck disable=SC2016 # the inner shell expands
  printf '%s\n' "${sources[@]}" | xargs -P "$(nproc)" -I{} sh -c \
    'exec "$0" -std=c11 "$1" -w -Iinclude -Icore -I. -c "$2" -o "$3/$(echo "$2" | tr / _).o"' \
    "$1" "$2" {} "$out.o" || return 1
  "$1" -static "$out.o"/*.o -o "$out" || return 1
  echo "$out"
}

if $store; then
  program=$(build gcc -O2) && "$program" | cut -d' ' -f1 > tools/digest.txt && cat tools/digest.txt
  exit
fi

stored=$(cat tools/digest.txt 2>/dev/null)
of_seeds='' # the first compiler's; all others must agree
passed=0 failed=0 skipped=0

judge() { # what is wanted name
  if [ -n "$1" ] && [ "$1" = "$2" ]; then
    echo "ok - $3"
    passed=$((passed + 1))
  else
    echo "not ok - $3: ${1:-did not build or run} instead of ${2:-nothing stored}"
    failed=$((failed + 1))
  fi
}

try() { # compiler level [emulator]
  local program number
  for command in "$1" ${3:+"$3"}; do
    if ! command -v "$command" > /dev/null; then
      echo "ok - digest $1 $2 # SKIP no $command; tools/install-deps.sh check-all"
      skipped=$((skipped + 1))
      return
    fi
  done
  program=$(build "$1" "$2")
  number=$(${3:-} "$program" | cut -d' ' -f1)
  judge "$number" "$stored" "digest $1 $2"
  number=$(${3:-} "$program" 1 "$seeds" | cut -d' ' -f1)
  of_seeds=${of_seeds:-$number}
  judge "$number" "$of_seeds" "digest of $seeds seeds $1 $2"
  rm -rf "${work:?}/$1$2" "${work:?}/$1$2.o"
}

try gcc -O2
try gcc -O0
try clang -O2
try clang -O0
try i686-linux-gnu-gcc -O2 qemu-i386
try s390x-linux-gnu-gcc -O2 qemu-s390x
echo "# digest of $seeds seeds: $of_seeds"
[ "$failed" -eq 0 ]
