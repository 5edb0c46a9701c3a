#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The byte budgets of the records that connections are made of: each field with its place and size,
# read from the debug information that gcc writes, so it cannot differ from the code.
#   tools/sizes.sh [-s]                            -s: totals only
#   tools/sizes.sh HEADER STRUCT BUDGET            any other record
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
# The records are those whose size a header asserts to be a number: header, struct, budget in bytes.
records=$(grep -rnoE '_Static_assert\(sizeof\(struct [a-z_0-9]+\) == [0-9]+' core --include='*.h' |
  sed 's/^core\/\([^:]*\):[0-9]*:.*struct \([a-z_0-9]*\)) == \([0-9]*\)/\1 \2 \3/')
brief=0
[ "${1-}" = -s ] && { brief=1; shift; }
[ $# = 3 ] && records="$1 $2 $3"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
while read -r header struct budget; do
  [ -n "$header" ] || continue
  printf '#include "%s"\nstruct %s record_;\n' "$header" "$struct" >"$work/one.c"
  if ! gcc -std=c11 -g -gdwarf-4 -Iinclude -Icore -I. -c "$work/one.c" -o "$work/one.o" 2>"$work/err"; then
    echo "sizes: no struct $struct in $header: $(grep -m1 error "$work/err")" >&2
    bad=1
    continue
  fi
  readelf --debug-dump=info "$work/one.o" 2>/dev/null |
    python3 tools/sizes.py "$struct" "$budget" $brief || bad=1
done <<<"$records"
exit $bad
