/* SPDX-License-Identifier: MIT */
/* Sequence arithmetic, time arithmetic and the small helpers of mem.h and assert.h. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "util/mem.h"
#include "util/seq.h"
#include "util/time.h"

static void order__across_the_wrap__is_kept(void **state) {
  (void)state;
  const uint32_t bases[] = {0, 1, 0x7fffffff, 0x80000000, 0xfffffff0, 0xffffffff};
  const uint32_t steps[] = {1, 2, 0xffff, 0x40000000, 0x7ffffffe, 0x7fffffff};
  for (size_t i = 0; i < TCT_ARRAY_LEN(bases); i++) {
    for (size_t k = 0; k < TCT_ARRAY_LEN(steps); k++) {
      tct_seq a = bases[i];
      tct_seq b = tct_seq_add(a, steps[k]);
      assert_true(tct_seq_lt(a, b) && tct_seq_leq(a, b));
      assert_true(tct_seq_gt(b, a) && tct_seq_geq(b, a));
      assert_false(tct_seq_lt(b, a) || tct_seq_leq(b, a));
      assert_false(tct_seq_gt(a, b) || tct_seq_geq(a, b));
      assert_int_equal(tct_seq_max(a, b), b);
      assert_int_equal(tct_seq_max(b, a), b);
      assert_int_equal(tct_seq_min(a, b), a);
      assert_int_equal(tct_seq_min(b, a), a);
      assert_int_equal(tct_seq_len(a, b), steps[k]);
      assert_int_equal(tct_seq_ahead(a, b), steps[k]);
      assert_int_equal(tct_seq_ahead(b, a), 0);
      assert_int_equal(tct_seq_sub(b, steps[k]), a);
    }
    assert_false(tct_seq_lt(bases[i], bases[i]) || tct_seq_gt(bases[i], bases[i]));
    assert_true(tct_seq_leq(bases[i], bases[i]) && tct_seq_geq(bases[i], bases[i]));
    assert_int_equal(tct_seq_len(bases[i], bases[i]), 0);
  }
}

static void order__half_the_circle_away__neither_is_less(void **state) {
  (void)state;
  tct_seq a = 5;
  tct_seq b = tct_seq_add(a, 0x80000000u);
  assert_false(tct_seq_lt(a, b) || tct_seq_lt(b, a));
  assert_false(tct_seq_leq(a, b) || tct_seq_leq(b, a));
}

static void between__takes_low_and_leaves_high(void **state) {
  (void)state;
  tct_seq low = 0xfffffffe;
  tct_seq high = 3;
  assert_false(tct_seq_between(low, 0xfffffffd, high));
  assert_true(tct_seq_between(low, 0xfffffffe, high));
  assert_true(tct_seq_between(low, 0, high));
  assert_true(tct_seq_between(low, 2, high));
  assert_false(tct_seq_between(low, 3, high));
  assert_false(tct_seq_between(low, 0x80000000, high));
  assert_false(tct_seq_between(7, 7, 7));
}

static void take_len_backwards(void *arg) {
  uint32_t *len = arg;
  *len = tct_seq_len(*len + 1, *len);
}

static void len__of_a_reversed_range__traps(void **state) {
  (void)state;
  uint32_t len = 10;
  assert_true(call_traps(take_len_backwards, &len));
}

static void time__never_wraps(void **state) {
  (void)state;
  assert_int_equal(TCT_US(3), 3000);
  assert_int_equal(TCT_MS(3), 3000000);
  assert_int_equal(TCT_S(3), 3000000000u);
  assert_true(tct_time_add(1, 2) == 3);
  assert_true(tct_time_add(TCT_NEVER - 1, 1) == TCT_NEVER);
  assert_true(tct_time_add(TCT_NEVER - 1, 2) == TCT_NEVER);
  assert_true(tct_time_add(TCT_NEVER, 5) == TCT_NEVER);
  assert_true(tct_time_add(5, TCT_NEVER) == TCT_NEVER);
  assert_int_equal(tct_time_sub(9, 4), 5);
  assert_int_equal(tct_time_sub(4, 9), 0);
  assert_true(tct_time_min(4, TCT_NEVER) == 4);
  assert_true(tct_time_max(4, TCT_NEVER) == TCT_NEVER);
}

static void ms32__wraps_and_differences_survive_it(void **state) {
  (void)state;
  tct_time before = TCT_MS(0xfffffff0u) + 999999;
  tct_time after = before + TCT_MS(0x20);
  assert_int_equal(tct_time_ms32(before), 0xfffffff0u);
  assert_int_equal(tct_time_ms32(after), 0x10);
  assert_int_equal(tct_ms32_since(tct_time_ms32(after), tct_time_ms32(before)), 0x20);
}

static void clamp__ceiling_beats_floor(void **state) {
  (void)state;
  assert_int_equal(tct_clamp_u32(5, 1, 9), 5);
  assert_int_equal(tct_clamp_u32(0, 1, 9), 1);
  assert_int_equal(tct_clamp_u32(10, 1, 9), 9);
  assert_int_equal(tct_clamp_u32(5, 9, 1), 1);
  assert_int_equal(tct_clamp_u64(UINT64_MAX, 1, 9), 9);
  assert_int_equal(tct_add_sat_u32(UINT32_MAX - 1, 1), UINT32_MAX);
  assert_int_equal(tct_add_sat_u32(UINT32_MAX - 1, 2), UINT32_MAX);
  assert_int_equal(tct_add_sat_u32(1, 2), 3);
  assert_int_equal(tct_sub_floor_u32(3, 5), 0);
  assert_int_equal(tct_sub_floor_u32(5, 3), 2);
  assert_int_equal(tct_min_size(3, 5), 3);
}

struct outer {
  int before;
  int member;
};

static void container_of__finds_the_struct(void **state) {
  (void)state;
  struct outer o = {1, 2};
  assert_ptr_equal(TCT_CONTAINER_OF(&o.member, struct outer, member), &o);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(order__across_the_wrap__is_kept),
      cmocka_unit_test(order__half_the_circle_away__neither_is_less),
      cmocka_unit_test(between__takes_low_and_leaves_high),
      cmocka_unit_test(len__of_a_reversed_range__traps),
      cmocka_unit_test(time__never_wraps),
      cmocka_unit_test(ms32__wraps_and_differences_survive_it),
      cmocka_unit_test(clamp__ceiling_beats_floor),
      cmocka_unit_test(container_of__finds_the_struct),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
