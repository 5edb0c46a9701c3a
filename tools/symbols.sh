#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# The proof that the core does no I/O: linked by itself, it needs memcpy memmove memset memcmp and
# nothing else. Also: it has no writable data, and the shared library exports the public header's
# functions and no others.
#   tools/symbols.sh [BUILD_DIR]     a release build, default build/
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
build=${1:-build}
archive=$build/libtercet.a
[ -f "$archive" ] || { echo "symbols: $archive is not there; run make first" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0

# The archive is thin: it names objects by paths from the build directory.
ld -r -o "$work/core.o" --whole-archive "$archive" || exit 2
for symbol in $(nm -u "$work/core.o" | awk '{print $NF}' | grep -vxE 'mem(cpy|move|set|cmp)'); do
  users=$(nm -A -u "$archive" 2>/dev/null | awk -v s="$symbol" '$NF == s {print $1}' |
    sed 's/.*[:/]\([^:/]*\)\.o:$/\1/' | sort -u | tr '\n' ' ')
  echo "the core needs '$symbol' (in: ${users% }); it may call memcpy memmove memset memcmp only"
  bad=1
done

# .data.rel.ro: const tables of pointers, as position-independent code has them. They are written once,
# by the loader, which then makes their pages read-only; nm calls them d like what is writable.
objdump -t "$work/core.o" | awk '/[.]t?(data|bss)|[*]COM[*]/ && !/ d  [.]|[.]data[.]rel[.]ro/ {
  print "the core has the writable variable " $NF "; state belongs in the stack, tables are const"
  bad = 1 } END { exit bad }' || bad=1

# What a recording must see goes through its wrappers: a file that calls the core past them lacks
# #include "tercet/record.h".
tapped=$(sed -n 's/^#define \(tct_[a-z0-9_]*\) tct_tap_.*/\1/p' include/tercet/record.h | paste -sd'|')
for library in host sim drill cli; do
  [ -f "$build/libtercet-$library.a" ] || continue
  nm -A -u "$build/libtercet-$library.a" 2>/dev/null | grep -E " U ($tapped)\$" | sort -u |
    sed 's/.*[:/]\([^:/]*\)\.o: *U \(.*\)/\1 calls \2 past the recorder; include "tercet\/record.h"/'
done >"$work/past"
[ -s "$work/past" ] && { cat "$work/past"; bad=1; }

if [ -f "$build/libtercet.so" ]; then
  nm -D --defined-only "$build/libtercet.so" | awk '$2 ~ /^[TDBRW]$/ {print $3}' |
    sed 's/@.*//' | sort >"$work/exported"
  grep -v '^#' include/tercet/tercet.h | grep -o 'TCT_API[^(]*(' | sed -n 's/.*[ *]\([a-z0-9_]*\)($/\1/p' |
    sort >"$work/declared"
  comm -23 "$work/exported" "$work/declared" |
    sed 's/$/ is exported and not marked TCT_API in tercet.h/' >"$work/wrong"
  comm -13 "$work/exported" "$work/declared" |
    sed 's/$/ is declared in tercet.h and nowhere defined/' >>"$work/wrong"
  if [ -s "$work/wrong" ]; then
    cat "$work/wrong"
    bad=1
  fi
  echo "$(wc -l <"$work/exported") functions exported"
fi
[ $bad = 0 ] && echo "the core needs: $(nm -u "$work/core.o" | awk '{print $NF}' | xargs)"
exit $bad
