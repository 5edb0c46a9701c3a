/* SPDX-License-Identifier: MIT */
/* The tests' own allocator: it must fail when told to, or the tests that use it prove nothing. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/failing_alloc.h"

static void fail_nth__counts_from_the_next__then_recovers(void **state) {
  (void)state;
  struct failing_alloc a;
  failing_alloc_init(&a);
  void *one = a.vtable.alloc(a.vtable.ctx, 10, 1);
  failing_alloc_fail_nth(&a, 2);
  void *two = a.vtable.alloc(a.vtable.ctx, 20, 64);
  assert_non_null(one);
  assert_non_null(two);
  assert_int_equal((uintptr_t)two % 64, 0);
  assert_null(a.vtable.alloc(a.vtable.ctx, 1, 1));
  void *three = a.vtable.alloc(a.vtable.ctx, 30, 8);
  assert_non_null(three);
  assert_int_equal(a.bytes_out, 60);
  a.vtable.free(a.vtable.ctx, two, 20);
  a.vtable.free(a.vtable.ctx, one, 10);
  a.vtable.free(a.vtable.ctx, three, 30);
  assert_int_equal(a.bytes_peak, 60);
  assert_int_equal(a.failed, 1);
  failing_alloc_finish(&a);
}

static void bytes_max__refuses_what_exceeds_it(void **state) {
  (void)state;
  struct failing_alloc a;
  failing_alloc_init(&a);
  a.bytes_max = 100;
  void *one = a.vtable.alloc(a.vtable.ctx, 100, 1);
  assert_non_null(one);
  assert_null(a.vtable.alloc(a.vtable.ctx, 1, 1));
  a.vtable.free(a.vtable.ctx, one, 100);
  failing_alloc_finish(&a);
}

struct tally {
  int runs, complete;
};

static void take_three(struct failing_alloc *a, void *arg) {
  struct tally *tally = arg;
  void *got[3] = {0};
  int n = 0;
  while (n < 3 && (got[n] = a->vtable.alloc(a->vtable.ctx, 5, 1)))
    n++;
  tally->runs++;
  tally->complete += n == 3;
  while (n > 0)
    a->vtable.free(a->vtable.ctx, got[--n], 5);
}

static void each__fails_every_request_once__and_ends(void **state) {
  (void)state;
  struct tally tally = {0};
  assert_int_equal(failing_alloc_each(take_three, &tally), 3);
  assert_int_equal(tally.runs, 4);
  assert_int_equal(tally.complete, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fail_nth__counts_from_the_next__then_recovers),
      cmocka_unit_test(bytes_max__refuses_what_exceeds_it),
      cmocka_unit_test(each__fails_every_request_once__and_ends),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
