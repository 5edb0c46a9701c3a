#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Formats every C file of ours, or with --check only tells which are not as .clang-format wants.
set -u
cd "$(dirname "$0")/.." || exit 2
mode=-i
[ "${1-}" = --check ] && mode='--dry-run -Werror'
# shellcheck disable=SC2086 # the mode is words
find include core drivers record host sim drill packetdrill cli test examples bench model -name '*.[ch]' -print0 |
  xargs -0 -r clang-format $mode
