/* SPDX-License-Identifier: MIT */
/* In cmocka programs a failed FUZZ_CHECK fails one test, not the program: this takes the place of
 * fuzz.c's weak one. */
#include "test/fuzz/fuzz.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

void fuzz_fail(const char *file, int line, const char *what) {
  print_error("not so: %s\n", what);
  _fail(file, line);
}
