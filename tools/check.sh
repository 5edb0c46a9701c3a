#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `make check`: one build under ASan and UBSan with all internal checks on, and every quick test.
set -u
cd "$(dirname "$0")/.." || exit 2
tools/build.sh build-check -Dtests=true -Dcheck=true -Dmarks=true -Ddefault_library=static \
  -Db_sanitize=address,undefined -Doptimization=1 -Ddebug=true || {
  echo "0 passed, 1 failed"
  exit 1
}
exec tools/run-tests build-check "$@"
