/* SPDX-License-Identifier: MIT */
/* EXPECT_MARK of marks.h: fails the cmocka test whose block did not take the marked branch. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/marks.h"

struct mark_expectation mark_expect(const char *name) {
  return (struct mark_expectation){.name = name, .hits_before = mark_hits(name)};
}

bool mark_pending(struct mark_expectation *e) {
  if (!e->entered) {
    e->entered = true;
    return true;
  }
  if (mark_hits(e->name) == e->hits_before)
    fail_msg("the mark %s was not hit", e->name);
  return false;
}
