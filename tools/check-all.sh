#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `make check-all`: what `make check` leaves out, one line a step. In CI (CI=true) a skip is a failure.
#   tools/check-all.sh [STEP...]       these steps only;  --list names them
# A step is a function here. It exits 0, or 77 to skip (its last line says why), or fails; if its last
# line is `N passed, M failed`, those numbers count, else the step counts as one.
set -u
cd "$(dirname "$0")/.." || exit 2
logs=build-all
san='-Dtests=true -Dcheck=true -Dmarks=true -Ddefault_library=static -Doptimization=1 -Ddebug=true'

# What another compiler or sanitizer may find: all but the tools' own tests, which know neither, and
# interop, which is a step of its own.
stack=unit,script,attack,fuzz,sim

need() { # FILE-OR-DIRECTORY: skips the step where it is not there
  [ -e "$1" ] || { echo "$1 is not there"; exit 77; }
}

step_format() { tools/format.sh --check; }
step_shellcheck() {
  local scripts
  mapfile -t scripts < <(find .ci tools test -name '*.sh' -o -path '.ci/run')
  shellcheck -S warning -x -P SCRIPTDIR "${scripts[@]}"
}
step_cells() { tools/cells --check; } # the table is what the text's rules make
step_headers() { tools/headers.sh; }
step_build() { tools/build.sh build; }
step_release() { # what is installed: one program for the optimizer, so it may see what nobody meant
  tools/build.sh build-release -Db_lto=true &&
    [ "$(build-release/digest | cut -d' ' -f1)" = "$(cat tools/digest.txt)" ] &&
    build-release/tercet drill --quiet test/script && build-release/tercet sim --seeds 1..200
}
step_symbols() { tools/build.sh build && tools/symbols.sh build; }
step_sizes() { tools/sizes.sh -s; }
step_freestanding() {
  tools/freestanding.sh $logs/free-gcc gcc && tools/freestanding.sh $logs/free-clang clang
}
step_wasm32() { tools/wasm.sh; }
step_install() { tools/install-test.sh; }
step_clang() {
  # shellcheck disable=SC2086
  CC=clang tools/build.sh build-clang $san -Db_sanitize=address,undefined -Db_lundef=false &&
    tools/run-tests build-clang --timeout 300 --kind $stack
}
# Uninitialised bytes. libmnl is not instrumented, what it fills in would count as such; clang 14 does not
# know the thread-local memory of a library opened by dlopen, which is what the packetdrill test opens.
step_msan() {
  # shellcheck disable=SC2086
  CC=clang tools/build.sh build-msan $san -Db_sanitize=memory -Db_lundef=false &&
    tools/run-tests build-msan --timeout 400 --kind $stack --without test_tun,test_host,packetdrill
}
step_integer() { # unsigned wrap, lossy conversions, outside of the files of tools/integer-wrap.txt
  local checks=-fsanitize=unsigned-integer-overflow,unsigned-shift-base,implicit-conversion
  # shellcheck disable=SC2086
  CC=clang tools/build.sh build-integer $san -Db_sanitize=undefined -Db_lundef=false \
    "-Dc_args=$checks -fsanitize-ignorelist=$PWD/tools/integer-wrap.txt" &&
    tools/run-tests build-integer --timeout 300 --kind $stack
}
step_optimised() { # the tests as users get the code: gcc -O2, no sanitizer, no internal checks
  tools/build.sh build-o2 -Dtests=true -Dmarks=true -Ddefault_library=static &&
    tools/run-tests build-o2 --timeout 300 --kind $stack
}
step_attack_full() { # attacks on resources at the list's own counts
  tools/build.sh build-o2 -Dtests=true -Dmarks=true -Ddefault_library=static &&
    build-o2/test/attack/attack_full
}
step_digest() { tools/digest.sh; }
step_cppcheck() {
  cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
    --error-exitcode=1 -j "$(nproc)" -Iinclude -Icore -I. --suppress=missingInclude \
    --suppress=unusedFunction --suppress=internalAstError --suppress=normalCheckLevelMaxBranches \
    core drivers record host sim drill packetdrill cli
}
step_tidy() {
  tools/build.sh build || return
  local files
  mkdir -p $logs/tidy # clang does not know this option of gcc's
  sed 's/ -mmemset-strategy=[^ "]*//g' build/compile_commands.json >$logs/tidy/compile_commands.json
  mapfile -t files < <(find core drivers record host sim drill packetdrill cli -name '*.c' | sort)
  printf '%s\n' "${files[@]}" | xargs -P"$(nproc)" -n 4 \
    clang-tidy --quiet -p $logs/tidy 2>/dev/null
}
step_conformance() {
  [ -f build-check/passed.txt ] || tools/check.sh >/dev/null
  tools/rfcmap --check build-check/passed.txt
}
step_coverage() { tools/coverage.sh 95 90; }
step_probe() { tools/conformance-probe; }
step_planted() { tools/planted --sample 12 --seconds 40; }
step_drill_probe() { tools/build.sh build && tools/drill-probe; }
step_script_linux() { tools/build.sh build && tools/script-linux; }
step_script_so() { # the shared object for packetdrill, driven as packetdrill drives it
  tools/build.sh build &&
    build/tercet drill --quiet --against "$PWD/build/packetdrill/libtercet-packetdrill.so" \
      test/script/kernel
}
step_goodput() { # a few rows of the table; a median that fell fails
  tools/goodput --rows loss-0,loss-1,reorder-1,stall,policer,clock-15.6ms
}
step_flood() { # honest clients, memory and an established flow in a SYN flood: docs/security.md
  tools/build.sh build-goodput -Dbench=true && build-goodput/bench/bench_flood seconds=5 floors=1
}
step_sim() { # 200,000 connections, each kind of fault, each pair of features: see docs/sim.md
  make --no-print-directory sim
}
step_prove() { prove/run; }
# One seed: what breaks here was broken by the change. New inputs are for the long runs (docs/assurance.md).
step_fuzz() { tools/fuzz --seed 1; }
step_interop() {
  local failed=0 passed=0 skipped=0 n
  need test/interop/lib.sh
  tools/build.sh build || return
  # Over TUN all of them; what is quick and moves data over the other devices, too.
  for t in test/interop/*.sh {tap,xdp}:test/interop/{get,serve,stream}.sh; do
    [ "$(basename "$t")" = lib.sh ] && continue
    case $t in *:*) dev=${t%%:*} ;; *) dev=tun ;; esac
    DEV=$dev timeout 900 "${t#*:}" "$PWD/build" </dev/null >$logs/interop.one 2>&1
    n=$?
    cat $logs/interop.one
    [ $n = 0 ] || grep -qE '^(not ok|FAIL)' $logs/interop.one || { echo "not ok $t: exit code $n"; failed=$((failed + 1)); }
    skipped=$((skipped + $(grep -ciE '^(ok|not ok).*# *skip' $logs/interop.one)))
    passed=$((passed + $(grep -E '^ok ' $logs/interop.one | grep -civE '# *skip')))
    failed=$((failed + $(grep -E '^(not ok|FAIL) ' $logs/interop.one | grep -civE '# *skip')))
  done
  echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
  [ $failed = 0 ] && [ $((passed + skipped)) != 0 ]
}
step_readme() { tools/readme-commands.sh; }

steps='format shellcheck cells headers build release symbols sizes freestanding wasm32 install digest cppcheck tidy
  optimised attack_full clang msan integer conformance coverage probe planted drill_probe script_linux script_so goodput flood sim prove fuzz interop readme'
[ "${1-}" = --list ] && { echo $steps; exit 0; }
[ $# -gt 0 ] && steps=$*

mkdir -p $logs
passed=0 failed=0 skipped=0
for step in $steps; do
  declare -F "step_$step" >/dev/null || {
    echo "check-all: no step '$step'; there are: $("$0" --list)" >&2
    exit 2
  }
  [ -t 1 ] && printf '  ... %s\r' "$step"
  started=$(date +%s)
  (set -u; "step_$step") >"$logs/$step.log" 2>&1 </dev/null
  code=$?
  took=$(($(date +%s) - started))
  last=$(tail -n 1 "$logs/$step.log")
  said=
  if [[ $last =~ ^([0-9]+)\ passed,\ ([0-9]+)\ failed(,\ ([0-9]+)\ skipped)?$ ]]; then
    p=${BASH_REMATCH[1]} f=${BASH_REMATCH[2]} s=${BASH_REMATCH[4]:-0}
    said=" $last"
    [ $code = 0 ] || [ "$f" != 0 ] || f=1
  elif [ $code = 0 ]; then p=1 f=0 s=0
  elif [ $code = 77 ]; then p=0 f=0 s=1
  else p=0 f=1 s=0
  fi
  passed=$((passed + p)) failed=$((failed + f)) skipped=$((skipped + s))
  if [ "$f" != 0 ]; then
    printf 'FAIL %-13s %4d s%s\n' "$step" $took "$said"
    grep -vE '^(ok|  ok) ' "$logs/$step.log" | tail -n 40 | sed 's/^/     /'
    echo "     (all of it: $logs/$step.log)"
  elif [ "$s" != 0 ]; then
    printf 'skip %-13s %4d s%s\n' "$step" $took "${said:- $last}"
    [ -z "$said" ] || grep -iE '# *skip|^skip' "$logs/$step.log" | head -n 10 | sed 's/^/     /'
  else
    printf '  ok %-13s %4d s%s\n' "$step" $took "$said"
  fi
done
if [ "${CI-}" = true ] && [ $skipped != 0 ]; then
  echo "in CI nothing may be skipped: $skipped skips count as failures"
  failed=$((failed + skipped)) skipped=0
fi
echo "$passed passed, $failed failed$([ $skipped = 0 ] || echo ", $skipped skipped")"
[ $failed = 0 ]
