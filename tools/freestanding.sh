#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Compiles the whole core without a C library's headers in reach: by a compiler given for this
# machine or another. The objects stay in OUT.
#   tools/freestanding.sh OUT COMPILER [FLAGS...]
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
out=$1
shift
rm -rf "$out"
mkdir -p "$out"
# The compiler's own directory holds <stddef.h> <stdint.h> <stdbool.h>; nothing else is searched.
own=$("$1" -print-file-name=include)
[ -d "$own" ] || own=$("$1" -print-resource-dir)/include
find core -name '*.c' | sort | TCT_OUT=$out xargs -P"$(nproc)" -I{} sh -c '
  object=$TCT_OUT/$(echo "$1" | tr / _).o; shift
  exec "$@" -o "$object"' sh {} "$@" -std=c11 -ffreestanding -nostdinc -isystem "$own" -O2 \
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -Wvla -Werror \
  -Iinclude -Icore -I. -c {} || exit 1
echo "$(find "$out" -name '*.o' | wc -l) files compile freestanding by $*"
