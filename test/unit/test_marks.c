/* SPDX-License-Identifier: MIT */
/* The tests' own EXPECT_MARK: it sees the branch that is taken, and fails where it is not. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>

#include <cmocka.h>

#include "test/lib/marks.h"
#include "util/mark.h"

static int half(int x) {
  if (x % 2 != 0) {
    TCT_MARK(half_of_odd);
    return (x - 1) / 2;
  }
  return x / 2;
}

static void marked_branch__taken__is_seen(void **state) {
  (void)state;
  EXPECT_MARK (half_of_odd) {
    assert_int_equal(half(7), 3);
  }
}

static void marked_branch__not_taken__leaves_the_count(void **state) {
  (void)state;
  unsigned long before = mark_hits("half_of_odd");
  struct mark_expectation e = mark_expect("half_of_odd");
  assert_int_equal(half(8), 4);
  assert_true(mark_pending(&e)); /* first pass: into the block */
  assert_int_equal(mark_hits("half_of_odd"), before);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(marked_branch__taken__is_seen),
      cmocka_unit_test(marked_branch__not_taken__leaves_the_count),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
