#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The core as a WebAssembly module: compiles for wasm32 and links with the four mem* as imports.
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tools/freestanding.sh "$work/obj" clang --target=wasm32-unknown-unknown || exit 1
printf '%s\n' memcpy memmove memset memcmp >"$work/allowed"
wasm-ld --no-entry --export-all --allow-undefined-file="$work/allowed" \
  -o "$work/tercet.wasm" "$work"/obj/*.o || exit 1
echo "linked: $(($(wc -c <"$work/tercet.wasm") / 1024)) KiB of wasm"
