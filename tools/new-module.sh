#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Begins a module: .c, .h and (for the core) its unit test, each with its first comment, and lists them.
#   tools/new-module.sh core/tcp/tcp_thing "What it is, in one line."
set -u
cd "${TCT_TREE:-$(dirname "$0")/..}" || exit 2
[ $# = 2 ] || { sed -n '3,4s/^# *//p' "$0" >&2; exit 2; }
path=$1 what=$2
name=$(basename "$path") dir=$(dirname "$path")
case $dir in
  core/*) list=core header=${path#core/} ;;
  drivers) list=driver header=$path ;;
  host | sim | drill | cli) list=$dir header=$path ;;
  *) echo "new-module: no modules live in $dir; give one like core/tcp/tcp_thing" >&2; exit 2 ;;
esac
[ -f "$dir/meson.build" ] || { echo "new-module: $dir/ has no meson.build" >&2; exit 2; }
for made in "$path.c" "$path.h"; do
  [ ! -e "$made" ] || { echo "new-module: $made is there already" >&2; exit 2; }
done
guard=TCT_$(basename "$dir" | tr a-z A-Z)_$(echo "$name" | tr a-z A-Z)_H

cat >"$path.h" <<C
/* SPDX-License-Identifier: MIT */
/*
 * $what
 */
#ifndef $guard
#define $guard

#include "tercet/tercet.h"

#endif
C
cat >"$path.c" <<C
/* SPDX-License-Identifier: MIT */
/*
 * $what
 * Called by: … Leaves to others: … RFC sections: …
 */
#include "$header.h"
C
echo "${list}_sources += files('$name.c')" >>"$dir/meson.build"
echo "made $path.c $path.h"
[ "$list" = core ] || exit 0

test=test/unit/test_$name.c
[ ! -e "$test" ] || exit 0
cat >"$test" <<C
/* SPDX-License-Identifier: MIT */
/* Tests of $header: ${what,} */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#include "$header.h"

static void state__event__outcome(void **state) {
  (void)state;
  fail_msg("no test is written yet");
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(state__event__outcome),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
C
sed -i "s/^unit_tests = \[/&\n  '$name',/" test/unit/meson.build
echo "made $test, which fails until it is written"
