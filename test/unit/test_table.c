/* SPDX-License-Identifier: MIT */
/* Hash index: growth in small steps, removal at any moment of it, the bounds, and random use
 * against an array. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/failing_alloc.h"
#include "util/mem.h"
#include "util/prng.h"
#include "util/siphash.h"
#include "util/table.h"

static uint64_t hash_number(uint32_t n) {
  const uint64_t key[2] = {1, 2};
  return tct_siphash13(key, &n, sizeof(n));
}

/* Is (hash, ref) among the candidates? */
static bool is_found(const struct tct_table *t, uint64_t hash, uint32_t ref) {
  struct tct_table_it it;
  uint32_t found = tct_table_first(t, hash, &it);
  while (found != TCT_TABLE_NONE && found != ref)
    found = tct_table_next(t, &it);
  return found == ref;
}

static void empty__finds_nothing_and_owns_nothing(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  struct tct_table_it it;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, 10);
  tct_table_prefetch(&t, 5);
  assert_int_equal(tct_table_first(&t, 5, &it), TCT_TABLE_NONE);
  assert_false(tct_table_remove(&t, 5, 1));
  tct_table_check(&t);
  assert_int_equal(a.requests, 0);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

static void insert__same_hash_twice__both_are_candidates(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  struct tct_table_it it;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, 10);
  assert_true(tct_table_insert(&t, 0xabcdef0000000001, 7));
  assert_true(tct_table_insert(&t, 0xabcdef0000000002, TCT_TABLE_REF_MAX)); /* same high half */
  assert_int_equal(tct_table_first(&t, 0xabcdef0000000003, &it), 7);
  assert_int_equal(tct_table_next(&t, &it), TCT_TABLE_REF_MAX);
  assert_int_equal(tct_table_next(&t, &it), TCT_TABLE_NONE);
  assert_int_equal(tct_table_first(&t, 0xabcdee0000000001, &it), TCT_TABLE_NONE);
  assert_true(tct_table_remove(&t, 0xabcdef0000000001, 7));
  assert_false(tct_table_remove(&t, 0xabcdef0000000001, 7));
  assert_int_equal(tct_table_first(&t, 0xabcdef0000000001, &it), TCT_TABLE_REF_MAX);
  assert_int_equal(tct_table_used(&t), 1);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

static void insert__at_the_limit__is_refused(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, 1000);
  for (uint32_t i = 0; i < 1000; i++)
    assert_true(tct_table_insert(&t, hash_number(i), i));
  assert_false(tct_table_insert(&t, hash_number(1000), 1000));
  assert_true(tct_table_remove(&t, hash_number(500), 500));
  assert_true(tct_table_insert(&t, hash_number(1000), 1000));
  assert_false(is_found(&t, hash_number(500), 500));
  for (uint32_t i = 0; i <= 1000; i++)
    assert_int_equal(is_found(&t, hash_number(i), i), i != 500);
  tct_table_check(&t);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

/* No call clears more than 512 slots or looks at more than 8 old ones, and none but the first asks
 * twice for memory, or for more than a segment. */
static void growth__is_spread_over_calls(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  const uint32_t n = 300000;
  uint32_t growths = 0;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, n);
  for (uint32_t i = 0; i < n; i++) {
    struct tct_table before = t;
    size_t requests = a.requests, bytes = a.bytes_out;
    assert_true(tct_table_insert(&t, hash_number(i), i));
    assert_true(a.requests - requests <= 1 || i == 0);
    assert_true(a.bytes_out <= bytes + (1u << 15) && bytes <= a.bytes_out + (1u << 15) + 1024);
    growths += t.live.bits != before.live.bits;
    if (before.spare.segment != NULL && t.spare.segment != NULL)
      assert_int_equal(t.cursor - before.cursor, 512);
    else if (before.old.segment != NULL && t.old.segment != NULL)
      assert_int_equal(t.cursor - before.cursor, 8);
    assert_true(t.live.bits - before.live.bits <= 1 || before.live.segment == NULL);
    assert_true(is_found(&t, hash_number(i / 2), i / 2)); /* also in the middle of a growth */
    if (i % 20011 == 0)
      tct_table_check(&t);
  }
  assert_int_equal(growths, 14); /* 64 to 524288 slots */
  assert_true(t.probe_max < 100);
  for (uint32_t i = 0; i < n; i++)
    assert_true(is_found(&t, hash_number(i), i));
  for (uint32_t i = 0; i < n; i++)
    assert_true(tct_table_remove(&t, hash_number(i), i));
  assert_int_equal(tct_table_used(&t), 0);
  tct_table_check(&t);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

/* Every entry in its own time leaves and comes back, wherever growth stands: segments that were
 * given back hold nobody. */
static void growth__while_entries_leave_and_return__each_is_found(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  const uint32_t n = 12000; /* old arrays of up to four segments */
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, n);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t early = i / 2, other = i - i / 16;
    assert_true(tct_table_insert(&t, hash_number(i), i));
    assert_true(tct_table_remove(&t, hash_number(early), early));
    assert_false(is_found(&t, hash_number(early), early));
    assert_true(is_found(&t, hash_number(other), other) || other == early);
    assert_true(tct_table_insert(&t, hash_number(early), early));
    bool passed_a_segment = t.old.segment != NULL && t.cursor % 4096 < 64;
    for (uint32_t k = 0; passed_a_segment && k <= i; k++)
      assert_true(is_found(&t, hash_number(k), k));
    if (i % 4001 == 0)
      tct_table_check(&t);
  }
  for (uint32_t i = 0; i < n; i++)
    assert_true(tct_table_remove(&t, hash_number(i), i));
  assert_int_equal(tct_table_used(&t), 0);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

/* A hash that a peer could steer would be a bug elsewhere; here it costs a bounded probe, no more.
 */
static void all_hashes_equal__probe_bound_refuses(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  uint32_t taken = 0;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, 100000);
  for (uint32_t i = 0; i < 3000; i++)
    taken += tct_table_insert(&t, 0xffffffffffffffff, i);
  tct_table_check(&t);
  assert_in_range(taken, TCT_TABLE_PROBE_MAX, 3 * TCT_TABLE_PROBE_MAX);
  assert_int_equal(taken, tct_table_used(&t));
  assert_true(t.probe_max <= TCT_TABLE_PROBE_MAX);
  uint32_t removed = 0;
  for (uint32_t i = 0; i < 3000; i++)
    removed += tct_table_remove(&t, 0xffffffffffffffff, i);
  assert_int_equal(removed, taken);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

static void no_memory_to_grow__works_on_to_seven_eighths_and_recovers(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_table t;
  uint32_t n = 0;
  failing_alloc_init(&a);
  tct_table_init(&t, &a.vtable, 100000);
  a.bytes_max = 600; /* the first array only */
  while (tct_table_insert(&t, hash_number(n), n))
    n++;
  assert_int_equal(n, 56);
  tct_table_check(&t);
  assert_true(tct_table_remove(&t, hash_number(3), 3));
  assert_true(tct_table_insert(&t, hash_number(3), 3));
  a.bytes_max = 0;
  uint32_t refused = 0;
  for (uint32_t end = n + 5000; n < end; n++)
    while (!tct_table_insert(&t, hash_number(n), n))
      refused++;
  assert_true(refused < 10); /* only until the new array is clear */
  for (uint32_t i = 0; i < n; i++)
    assert_true(is_found(&t, hash_number(i), i));
  tct_table_check(&t);
  tct_table_deinit(&t);
  failing_alloc_finish(&a);
}

static void insert_many(struct failing_alloc *a, void *arg) {
  struct tct_table t;
  (void)arg;
  tct_table_init(&t, &a->vtable, 2000);
  for (uint32_t i = 0; i < 1000; i++)
    while (!tct_table_insert(&t, hash_number(i), i))
      assert_true(a->failed > 0);
  for (uint32_t i = 0; i < 1000; i++)
    assert_true(is_found(&t, hash_number(i), i));
  tct_table_check(&t);
  tct_table_deinit(&t);
}

static void allocator_fails_anywhere__nothing_is_lost(void **state) {
  (void)state;
  assert_int_equal(failing_alloc_each(insert_many, NULL),
                   12); /* 64 to 2048 slots, list and slots */
}

/* -- against an array -----------------------------------------------------------------------------
 */

#define REFS 900u

struct world {
  struct tct_table t;
  struct tct_prng prng;
  uint64_t hash[REFS];
  bool in[REFS];
  uint32_t used;
};

/* All entries of this tag are candidates, each once, and no others. */
static void compare_candidates(const struct world *x, uint64_t hash) {
  bool seen[REFS] = {false};
  struct tct_table_it it;
  uint32_t expected = 0;
  uint32_t ref = tct_table_first(&x->t, hash, &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&x->t, &it)) {
    assert_true(ref < REFS && x->in[ref] && !seen[ref] && x->hash[ref] >> 32 == hash >> 32);
    seen[ref] = true;
  }
  for (uint32_t i = 0; i < REFS; i++) {
    expected += x->in[i] && x->hash[i] >> 32 == hash >> 32;
    expected -= seen[i];
  }
  assert_int_equal(expected, 0);
}

/* Clusters at both ends of the array make runs that wrap; few tags make many equal ones. */
static uint64_t draw_hash(struct world *x, uint32_t style) {
  uint64_t hash = tct_prng_u64(&x->prng);
  switch (style % 4) {
  case 0:
    return hash;
  case 1:
    return hash | 0xc000000000000000;
  case 2:
    return (hash & 0x0000000fffffffff) | (hash & 1 ? 0xfffffff000000000 : 0);
  default:
    return (hash & 0x1f000000ffffffff) | 0x2000000000;
  }
}

static void random_use__agrees_with_an_array(void **state) {
  (void)state;
  static struct world x;
  for (uint32_t round = 0; round < 12; round++) {
    struct failing_alloc a;
    failing_alloc_init(&a);
    memset(&x, 0, sizeof(x));
    tct_prng_init(&x.prng, (const uint8_t[32]){(uint8_t)round});
    tct_table_init(&x.t, &a.vtable, 100000);
    for (uint32_t step = 0; step < 8000; step++) {
      uint32_t ref = tct_prng_below(&x.prng, REFS);
      uint32_t bias = (step / 1000) % 2 == 0 ? 80 : 25;
      bool wants_in = tct_prng_below(&x.prng, 100) < bias;
      if (wants_in && !x.in[ref]) {
        x.hash[ref] = draw_hash(&x, round);
        x.in[ref] = tct_table_insert(&x.t, x.hash[ref], ref);
        x.used += x.in[ref];
        assert_true(x.in[ref] || round % 4 != 0); /* clusters may meet the probe bound */
      } else if (!wants_in) {
        assert_int_equal(tct_table_remove(&x.t, x.hash[ref], ref), x.in[ref]);
        x.used -= x.in[ref];
        x.in[ref] = false;
      }
      assert_int_equal(tct_table_used(&x.t), x.used);
      if (step % 7 == 0)
        compare_candidates(&x, x.hash[tct_prng_below(&x.prng, REFS)]);
      if (step % 101 == 0)
        tct_table_check(&x.t);
    }
    tct_table_deinit(&x.t);
    failing_alloc_finish(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty__finds_nothing_and_owns_nothing),
      cmocka_unit_test(insert__same_hash_twice__both_are_candidates),
      cmocka_unit_test(insert__at_the_limit__is_refused),
      cmocka_unit_test(growth__is_spread_over_calls),
      cmocka_unit_test(growth__while_entries_leave_and_return__each_is_found),
      cmocka_unit_test(all_hashes_equal__probe_bound_refuses),
      cmocka_unit_test(no_memory_to_grow__works_on_to_seven_eighths_and_recovers),
      cmocka_unit_test(allocator_fails_anywhere__nothing_is_lost),
      cmocka_unit_test(random_use__agrees_with_an_array),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
