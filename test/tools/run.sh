#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Tests the checks in tools/: each must pass a clean little tree and name the fault in a bad one.
set -u
cd "$(dirname "$0")/../.." || exit 2
tools=$PWD/tools
export TCT_TREE
TCT_TREE=$(mktemp -d)
trap 'rm -rf "$TCT_TREE"' EXIT
failed=0

fresh() { # a tree that every check likes
  rm -rf "${TCT_TREE:?}"/*
  mkdir -p "$TCT_TREE"/{core/tcp,core/util,include/tercet,docs,test/unit,test/script}
  cd "$TCT_TREE" || exit 2
  printf '/* SPDX-License-Identifier: MIT */\n/* The public header of a test. */\n' >include/tercet/tercet.h
  cat >core/tcp/tcp_rtt.c <<'C'
/* SPDX-License-Identifier: MIT */
/* Round-trip times of a test: called by nobody, leaves all to others. RFC 6298. */
#include <stdint.h>

int tct_tcp_rtt_sample(int x);

/* [RFC9293 MUST-10] */
int tct_tcp_rtt_sample(int x) {
  return x;
}
C
  echo "core_sources += files('tcp_rtt.c')" >core/tcp/meson.build
  printf 'id\tlevel\tsection\twhat\nMUST-10\tMUST\t3\tdo a thing\nSHLD-1\tSHOULD\t3\tdo more\n' >docs/rfc9293-rows.tsv
  printf 'SHLD-1\tnobody needs it\n' >docs/refused.tsv
  cat >test/unit/test_tcp_rtt.c <<'C'
/* SPDX-License-Identifier: MIT */
/* A test of a test. */

/* It says what it is given [RFC9293 MUST-10]. */
static void sample__given__is_said(void **state) {
  (void)state;
}
C
  echo 'unit:test_tcp_rtt:sample__given__is_said' >passed.txt
  "$tools/rfcmap" --write >/dev/null
  cd - >/dev/null || exit 2
}

expect() { # NAME EXIT TEXT COMMAND...: the command exits so and prints that text
  local name=$1 code=$2 text=$3 out
  shift 3
  out=$("$@" 2>&1)
  if [ $? -ne "$code" ] || ! printf '%s' "$out" | grep -qF -- "$text"; then
    echo "FAIL $name: wanted exit $code and '$text', got:"
    printf '%s\n' "$out" | head -n 8
    failed=1
  fi
}

add() { printf '%s\n' "$1" >>"$TCT_TREE/core/tcp/tcp_rtt.c"; }
mistakes=$tools/simple-mistakes.sh
layers=$tools/layers.sh
rfcmap=$tools/rfcmap

# bad NAME LINE TEXT: the line goes into the core's file; what is said of them all is read at once.
names=() texts=()
bad() {
  add "$2"
  names+=("$1")
  texts+=("$3")
}

fresh
expect 'a clean tree has no mistakes' 0 'no simple mistakes' "$mistakes"
expect 'a clean tree keeps the layers' 0 'keep the layers' "$layers"
expect 'a clean tree conforms' 0 '2 rows, 1 refused, 0 complaints' "$rfcmap" --check "$TCT_TREE/passed.txt"

fresh
bad 'malloc in the core' 'void *f(void) { return malloc(3); }' 'no C library'
bad 'a float' 'float x;' 'floating point'
bad 'a global' 'static int count;' 'outside a stack'
bad 'division of sizes' 'int n = sizeof(a) / sizeof(a[0]);' 'TCT_ARRAY_LEN'
bad 'order of sequence numbers' '  if (seg->seq < c->rcv.nxt) return;' 'sequence numbers wrap'
bad 'order of sequence numbers, to the right' '  if (end > c->snd.una) return;' 'end > c->snd.una'
bad 'subtraction of times' '  span = now - then;' 'tct_time_sub'
bad 'equal times' '  if (now == c->due) return;' 'equal times are luck'
bad 'unbounded copy' '  strcpy(a, b);' 'no bound'
bad 'unfinished work' "/* TO""DO: all of it */" 'unfinished work'
bad 'a static function with a prefix' 'static int tct_tcp_rtt_hidden(int x) {' 'begin with a verb'
bad 'a function of another file' 'int tct_tcp_sack_mark(int x) {' 'lives in another file'
bad 'a wide line' "/* $(printf '%0100d' 0) */" 'over 100 columns'
bad 'a tab' "$(printf 'int\tx;')" 'tab'
bad 'a path of one machine' '/* see /ho''me/me/notes */' 'path of one machine'
bad 'a conditional' '#ifdef TCT_FAST' 'conditionals per 1000 lines'
bad 'a mark that nobody expects' '  TCT_MARK(odd_branch);' 'no test expects'
bad 'a long function' "int tct_tcp_rtt_long(void) {
$(yes '  x++;' | head -n 75)
}" 'needs a defence'

said=$("$mistakes") && { echo 'FAIL a file full of mistakes passes'; failed=1; }
for i in "${!names[@]}"; do
  printf '%s' "$said" | grep -qF -- "${texts[i]}" ||
    { echo "FAIL ${names[i]}: nobody says '${texts[i]}'"; failed=1; }
done

fresh
add '/* malloc( in a comment, and a "float" in a string: */ const char s[] = "float malloc(";'
expect 'comments and strings are not code' 0 'no simple mistakes' "$mistakes"
fresh
add '  span = now - then; /* not a mistake: then was just set to an earlier now */'
expect 'an excused line' 0 'no simple mistakes' "$mistakes"
fresh
sed -i 1d "$TCT_TREE/core/tcp/tcp_rtt.c"
expect 'no SPDX line' 1 'no SPDX line' "$mistakes"
fresh
echo >"$TCT_TREE/core/tcp/meson.build"
expect 'a file that is not built' 1 'no meson.build lists it' "$mistakes"

fresh
add '#include <string.h>'
expect 'a C library header in the core' 1 'the core includes <string.h>' "$layers"
fresh
add '#include "ip/ip_input.h"'
expect 'TCP that reaches into IP' 1 'tcp may not include ip' "$layers"
fresh
add '#include "host/loop.h"'
expect 'the core that knows its host' 1 'tcp may not include host' "$layers"

fresh
echo >"$TCT_TREE/passed.txt"
expect 'a test that did not pass' 1 'did not run and pass' "$rfcmap" --check "$TCT_TREE/passed.txt"
fresh
sed -i 's/\[RFC9293 MUST-10\]//' "$TCT_TREE/core/tcp/tcp_rtt.c"
expect 'a row without code' 1 'MUST-10 (MUST) has no code' "$rfcmap" --check "$TCT_TREE/passed.txt"
fresh
rm "$TCT_TREE/test/unit/test_tcp_rtt.c"
expect 'a row without test' 1 'MUST-10 (MUST) has no test' "$rfcmap" --check "$TCT_TREE/passed.txt"
fresh
rm "$TCT_TREE/docs/refused.tsv"
expect 'a row that nobody did' 1 'SHLD-1 (SHOULD) has no code' "$rfcmap" --check "$TCT_TREE/passed.txt"
fresh
expect 'a page that is fresh' 0 'is what the tags say' "$rfcmap" --page
sed -i 's/do a thing/do another/' "$TCT_TREE/docs/rfc9293-rows.tsv"
expect 'a page that is stale' 1 'is out of date' "$rfcmap" --page
fresh
add '/* [RFC9293 MUST-99] */'
expect 'a tag of no row' 1 'there is no such row' "$rfcmap" --check "$TCT_TREE/passed.txt"
fresh
sed -i 's/It says/They say/; s/MUST-10\]/MUST-9..10, 11]/' "$TCT_TREE/test/unit/test_tcp_rtt.c"
expect 'a tag of several rows' 0 'sample__given__is_said' "$rfcmap" --tests MUST-11

fresh
sed -i 's/It says.*/A long comment that says what it is given [RFC9293\n * MUST-10] and no more. *\//' "$TCT_TREE/test/unit/test_tcp_rtt.c"
expect 'a tag that a line break cut' 0 'sample__given__is_said' "$rfcmap" --tests MUST-10
fresh
mkdir "$TCT_TREE/test/attack"
printf '/* x */\nint a;\n/* [RFC9293 SHLD-1] */\nATTACK(a001_land) {\n}\n' >"$TCT_TREE/test/attack/state.c"
expect 'a tag of a test that a macro makes' 0 'attack:attack_state:a001_land' "$rfcmap" --tests SHLD-1

# The runner itself: what fails must be counted, whatever way it fails.
runner() { # LINES-OF-SHELL WANTED-CLOSING-LINE
  mkdir -p "$TCT_TREE/build/test"
  printf '#!/bin/sh\n%s\n' "$1" >"$TCT_TREE/prog"
  chmod +x "$TCT_TREE/prog"
  printf 'unit\tprog\t%s\n' "$TCT_TREE/prog" >"$TCT_TREE/build/test/tests.txt"
  expect "runner: $2" "$3" "$2" "$tools/run-tests" "$TCT_TREE/build" --timeout 2
}
runner 'echo "1..1"; echo "ok 1 - a"' '1 passed, 0 failed' 0
runner 'echo "ok 1 - a"; echo "not ok 2 - b"; exit 1' '1 passed, 1 failed' 1
runner 'echo "1..2"; echo "ok 1 - a"; kill -SEGV $$' '1 passed, 1 failed' 1
runner 'echo "ok a/b.pkt"; echo "FAIL a/c.pkt:3 no"; exit 1' '1 passed, 1 failed' 1
runner 'echo "ok 1 - a"; echo leak >&2; exit 23' '1 passed, 1 failed' 1
runner 'exit 0' '0 passed, 1 failed' 1
runner 'sleep 9' '0 passed, 1 failed' 1
runner 'echo "ok 1 - a"; echo "ok 2 # SKIP no rights"' '1 passed, 0 failed, 1 skipped' 0
runner 'echo "7 passed, 2 failed"; exit 1' '7 passed, 2 failed' 1

[ $failed = 0 ] && echo "the tools find what they are for"
exit $failed
