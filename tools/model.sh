#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `make model`: random sequences given to the stack and to model/, every answer compared.
#   tools/model.sh SEQUENCES SEED
set -u
cd "$(dirname "$0")/.." || exit 2
dir=build-model
[ -f $dir/build.ninja ] ||
  meson setup $dir -Dtests=true -Dcheck=true -Ddefault_library=static >/dev/null || exit 1
ninja -C $dir --quiet test/model/differential test/model/model_link || exit 1
$dir/test/model/differential --sequences "$1" --seed "$2" || exit 1
CMOCKA_MESSAGE_OUTPUT=TAP MODEL_SEED=$2 $dir/test/model/model_link
