/* SPDX-License-Identifier: MIT */
/* Range set: fixed cases, the bound, and random use against a bitmap across the wrap. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/prng.h"
#include "util/ranges.h"

#define CAP 6

struct fixture {
  struct tct_range at[CAP];
  struct tct_ranges set;
};

static void set_up(struct fixture *f) {
  tct_ranges_init(&f->set, f->at, CAP);
}

/* Pairs of begin, end in order. */
static void expect(const struct fixture *f, const uint32_t *pairs, uint32_t n) {
  tct_ranges_check(&f->set);
  assert_int_equal(f->set.n, n);
  for (uint32_t i = 0; i < n; i++) {
    assert_int_equal(f->at[i].begin, pairs[2 * i]);
    assert_int_equal(f->at[i].end, pairs[2 * i + 1]);
  }
}

#define EXPECT(f, ...)                                                                             \
  expect((f), (const uint32_t[]){__VA_ARGS__},                                                     \
         (uint32_t)(sizeof((const uint32_t[]){__VA_ARGS__}) / (2 * sizeof(uint32_t))))

static void add__touching_overlapping_apart(void **state) {
  (void)state;
  struct fixture f;
  struct tct_range merged;
  set_up(&f);
  assert_null(tct_ranges_first(&f.set));
  assert_true(tct_ranges_add(&f.set, 100, 200, &merged));
  assert_true(tct_ranges_add(&f.set, 300, 400, NULL));
  EXPECT(&f, 100, 200, 300, 400);
  assert_true(tct_ranges_add(&f.set, 400, 410, &merged)); /* touches the end */
  assert_true(merged.begin == 300 && merged.end == 410);
  assert_true(tct_ranges_add(&f.set, 290, 300, &merged)); /* touches the beginning */
  assert_true(merged.begin == 290 && merged.end == 410);
  assert_true(tct_ranges_add(&f.set, 150, 160, &merged)); /* inside */
  assert_true(merged.begin == 100 && merged.end == 200);
  assert_true(tct_ranges_add(&f.set, 250, 260, NULL));
  EXPECT(&f, 100, 200, 250, 260, 290, 410);
  assert_true(tct_ranges_add(&f.set, 199, 290, &merged)); /* swallows one, joins two */
  assert_true(merged.begin == 100 && merged.end == 410);
  EXPECT(&f, 100, 410);
  assert_int_equal(tct_ranges_first(&f.set)->begin, 100);
}

static void add__to_a_full_set__only_what_can_be_merged(void **state) {
  (void)state;
  struct fixture f;
  struct tct_range merged = {7, 7};
  set_up(&f);
  for (uint32_t i = 0; i < CAP; i++)
    assert_true(tct_ranges_add(&f.set, 10 * i, 10 * i + 5, NULL));
  assert_false(tct_ranges_add(&f.set, 6, 9, &merged));
  assert_false(tct_ranges_add(&f.set, 1000, 1001, &merged));
  assert_true(merged.begin == 7 && merged.end == 7);
  EXPECT(&f, 0, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55);
  assert_true(tct_ranges_add(&f.set, 5, 9, NULL));
  assert_true(tct_ranges_add(&f.set, 25, 30, NULL));
  EXPECT(&f, 0, 9, 10, 15, 20, 35, 40, 45, 50, 55);
  assert_true(tct_ranges_add(&f.set, 1000, 1001, NULL));
}

static void trim__cuts_and_drops(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f);
  tct_ranges_trim_before(&f.set, 5);
  tct_ranges_trim_from(&f.set, 5);
  tct_ranges_add(&f.set, 0xfffffff0, 0xfffffff8, NULL);
  tct_ranges_add(&f.set, 0xfffffffc, 4, NULL);
  tct_ranges_add(&f.set, 8, 12, NULL);
  tct_ranges_trim_before(&f.set, 0xfffffff0);
  EXPECT(&f, 0xfffffff0, 0xfffffff8, 0xfffffffc, 4, 8, 12);
  tct_ranges_trim_before(&f.set, 0xfffffff8);
  EXPECT(&f, 0xfffffffc, 4, 8, 12);
  tct_ranges_trim_before(&f.set, 1);
  EXPECT(&f, 1, 4, 8, 12);
  tct_ranges_trim_from(&f.set, 10);
  EXPECT(&f, 1, 4, 8, 10);
  tct_ranges_trim_from(&f.set, 8);
  EXPECT(&f, 1, 4);
  tct_ranges_trim_from(&f.set, 1);
  assert_int_equal(f.set.n, 0);
}

static void overlap_and_covers__at_the_edges(void **state) {
  (void)state;
  struct fixture f;
  struct tct_range part;
  set_up(&f);
  tct_ranges_add(&f.set, 10, 20, NULL);
  tct_ranges_add(&f.set, 30, 40, NULL);
  assert_false(tct_ranges_overlap(&f.set, 0, 10, &part));
  assert_false(tct_ranges_overlap(&f.set, 20, 30, &part));
  assert_true(tct_ranges_overlap(&f.set, 0, 11, &part));
  assert_true(part.begin == 10 && part.end == 11);
  assert_true(tct_ranges_overlap(&f.set, 15, 35, &part)); /* the lowest only */
  assert_true(part.begin == 15 && part.end == 20);
  assert_true(tct_ranges_overlap(&f.set, 25, 100, &part));
  assert_true(part.begin == 30 && part.end == 40);
  assert_true(tct_ranges_covers(&f.set, 10, 20) && tct_ranges_covers(&f.set, 39, 40));
  assert_false(tct_ranges_covers(&f.set, 10, 21) || tct_ranges_covers(&f.set, 9, 20));
  assert_false(tct_ranges_covers(&f.set, 15, 35));
  assert_true(tct_ranges_covers(&f.set, 25, 25));
  assert_null(tct_ranges_find(&f.set, 20));
  assert_ptr_equal(tct_ranges_find(&f.set, 39), &f.at[1]);
}

/* -- against a bitmap -----------------------------------------------------------------------------
 */

#define SPAN 400u

struct model {
  bool has[SPAN + 1]; /* the last is never set: a guard */
  tct_seq base;
};

static uint32_t count_runs(const struct model *m) {
  uint32_t runs = 0;
  for (uint32_t i = 0; i < SPAN; i++)
    runs += m->has[i] && !m->has[i + 1];
  return runs;
}

static void compare(const struct model *m, const struct tct_ranges *set) {
  tct_ranges_check(set);
  uint32_t k = 0;
  for (uint32_t i = 0; i < SPAN; i++) {
    tct_seq pos = tct_seq_add(m->base, i);
    assert_int_equal(tct_ranges_find(set, pos) != NULL, m->has[i]);
    if (m->has[i] && (i == 0 || !m->has[i - 1]))
      assert_int_equal(set->at[k].begin, pos);
    if (m->has[i] && !m->has[i + 1])
      assert_int_equal(set->at[k++].end, pos + 1);
  }
  assert_int_equal(k, set->n);
}

static void mark_range(struct model *m, uint32_t low, uint32_t high, bool value) {
  for (uint32_t i = low; i < high; i++)
    m->has[i] = value;
}

static void compare_questions(const struct model *m, const struct tct_ranges *set, uint32_t low,
                              uint32_t high) {
  struct tct_range part;
  uint32_t first = low;
  while (first < high && !m->has[first])
    first++;
  uint32_t past = first;
  while (past < high && m->has[past])
    past++;
  tct_seq begin = tct_seq_add(m->base, low);
  tct_seq end = tct_seq_add(m->base, high);
  assert_int_equal(tct_ranges_covers(set, begin, end), first == low && past == high);
  bool overlaps = tct_ranges_overlap(set, begin, end, &part);
  assert_int_equal(overlaps, first < high);
  if (!overlaps)
    return;
  assert_int_equal(part.begin, tct_seq_add(m->base, first));
  assert_int_equal(part.end, tct_seq_add(m->base, past));
}

static void add_both(struct model *m, struct tct_ranges *set, uint32_t low, uint32_t high) {
  struct model before = *m;
  struct tct_range merged;
  mark_range(m, low, high, true);
  bool fits = count_runs(m) <= set->cap;
  tct_seq begin = tct_seq_add(m->base, low);
  tct_seq end = tct_seq_add(m->base, high);
  assert_int_equal(tct_ranges_add(set, begin, end, &merged), fits);
  if (!fits)
    *m = before;
  else
    assert_true(tct_seq_leq(merged.begin, begin) && tct_seq_geq(merged.end, end) &&
                tct_ranges_covers(set, merged.begin, merged.end));
}

static void random_use__agrees_with_a_bitmap(void **state) {
  (void)state;
  struct tct_prng prng;
  struct tct_range at[12];
  struct tct_ranges set;
  tct_prng_init(&prng, (const uint8_t[32]){5});
  for (uint32_t round = 0; round < 60; round++) {
    struct model m = {.base = round % 2 ? tct_seq_sub(0, SPAN / 2) : tct_prng_u32(&prng)};
    tct_ranges_init(&set, at, (uint16_t)(1 + round % TCT_ARRAY_LEN(at)));
    for (uint32_t step = 0; step < 300; step++) {
      uint32_t low = tct_prng_below(&prng, SPAN);
      uint32_t most = tct_prng_below(&prng, 4) ? 12 : SPAN;
      uint32_t high = tct_min_u32(SPAN, low + 1 + tct_prng_below(&prng, most));
      uint32_t what = tct_prng_below(&prng, 40);
      if (what == 0) {
        tct_ranges_trim_before(&set, tct_seq_add(m.base, low));
        mark_range(&m, 0, low, false);
      } else if (what == 1) {
        tct_ranges_trim_from(&set, tct_seq_add(m.base, low));
        mark_range(&m, low, SPAN, false);
      } else if (what < 20) {
        compare_questions(&m, &set, low, high);
      } else {
        add_both(&m, &set, low, high);
      }
      compare(&m, &set);
    }
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(add__touching_overlapping_apart),
      cmocka_unit_test(add__to_a_full_set__only_what_can_be_merged),
      cmocka_unit_test(trim__cuts_and_drops),
      cmocka_unit_test(overlap_and_covers__at_the_edges),
      cmocka_unit_test(random_use__agrees_with_a_bitmap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
