#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs every libFuzzer target of test/fuzz for FUZZ_SECONDS (default 10), from its corpus. What breaks a
# target is left in build-fuzz/ and said.
#   tools/fuzz.sh [TARGET...]
set -u
cd "$(dirname "$0")/.." || exit 2
seconds=${FUZZ_SECONDS:-10}
CC=clang tools/build.sh build-fuzz -Dfuzz=true -Dcheck=true -Ddefault_library=static \
  -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1 -Ddebug=true \
  -Dc_args=-fsanitize=fuzzer-no-link || {
  echo "0 passed, 1 failed"
  exit 1
}
run_one() { # TARGET
  local new=build-fuzz/corpus/$1 corpus=test/fuzz/corpus/$1 log=build-fuzz/$1.log
  mkdir -p "$new"
  [ -d "$corpus" ] || corpus=
  if "build-fuzz/test/fuzz/fuzz_$1" -max_total_time="$seconds" -timeout=10 -max_len=4000 -rss_limit_mb=3000 \
    -print_final_stats=1 -artifact_prefix="build-fuzz/$1-" "$new" $corpus >"$log" 2>&1 </dev/null; then
    echo "ok $1: $(sed -n 's/^stat::number_of_executed_units: *//p' "$log") runs in $seconds s"
  else
    echo "FAIL $1"
    grep -E 'ERROR|SUMMARY|runtime error|Test unit written' "$log" | head -n 6 | sed 's/^/     /'
  fi
}
export -f run_one
export seconds
targets=("$@")
[ $# -gt 0 ] || mapfile -t targets < <(find build-fuzz/test/fuzz -maxdepth 1 -name 'fuzz_*' -type f |
  sed 's/.*fuzz_//' | sort)
[ ${#targets[@]} -gt 0 ] || { echo "there is no fuzz target"; exit 77; }
printf '%s\n' "${targets[@]}" | xargs -P"$(nproc)" -I{} bash -c 'run_one {}' | tee build-fuzz/said
failed=$(grep -c '^FAIL' build-fuzz/said)
echo "$(grep -c '^ok' build-fuzz/said) passed, $failed failed"
[ "$failed" = 0 ]
