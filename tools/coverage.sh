#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# `make coverage`: which lines and branches of core/ the unit tests and packet scripts reach.
#   tools/coverage.sh [LINES_MIN BRANCHES_MIN]      fails below (95 90)
# A branch is one way out of a condition, `a && b` has four. Left out are the branches that an
# assertion makes (lines that say TCT_ASSERT, TCT_CHECKED, TCT_NEVER_HAPPENS: reaching the other one
# is the bug), and two files that only check: tcp_check.c, stack_probe.c. The figure with all
# branches is printed, too. Simulation, attacks and fuzzing are not counted.
set -u
cd "$(dirname "$0")/.." || exit 2
lines_min=${1:-95} branches_min=${2:-90}
dir=build-coverage
tools/build.sh $dir -Dtests=true -Dmarks=true -Ddefault_library=static -Doptimization=0 -Ddebug=true \
  -Db_coverage=true || exit 1
find $dir -name '*.gcda' -delete
tools/run-tests $dir --kind unit,script --timeout 900 >$dir/tests.txt || {
  tail -n 40 $dir/tests.txt
  exit 1
}
# Never -o /dev/null: gcovr tries whether it may write there and then unlinks it, which root may.
count() { # PATTERN-OF-LINES [option ...]
  local pattern=$1
  shift
  gcovr -r . -f core/ -e core/tcp/tcp_check.c -e core/stack_probe.c \
    --exclude-branches-by-pattern "$pattern" "$@" $dir/libtercet.a.p 2>/dev/null
}
asserts='.*(TCT_ASSERT|TCT_CHECKED|TCT_NEVER_HAPPENS).*'
count "$asserts" --json-summary $dir/coverage.json --html-details $dir/coverage.html -o $dir/report.txt
python3 - $dir/coverage.json <<'END'
import json, sys
print(f"{'file':34} {'lines':>6} {'%':>6} {'branches':>9} {'%':>6}")
for f in json.load(open(sys.argv[1], encoding="utf-8"))["files"]:
    if f["line_total"]:
        branches = f"{f['branch_percent']:6.1f}" if f["branch_total"] else "     -"
        print(f"{f['filename']:34} {f['line_total']:6} {f['line_percent']:6.1f} {f['branch_total']:9} {branches}")
END
all=$(count 'no such line' -s -o $dir/report.txt | sed -n 's/^branches: //p')
echo "all branches, assertions' too: $all"
count "$asserts" -s -o $dir/report.txt --fail-under-line "$lines_min" --fail-under-branch "$branches_min" |
  grep -E '^(lines|functions|branches)'
exit "${PIPESTATUS[0]}"
