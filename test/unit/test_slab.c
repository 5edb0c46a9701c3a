/* SPDX-License-Identifier: MIT */
/* Slab: exhaustion both ways, stale slots, stable places, and random use against a plain array. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "test/lib/failing_alloc.h"
#include "util/mem.h"
#include "util/prng.h"
#include "util/slab.h"

/* What a connection looks like to the slab: a generation that must outlive the slot. */
struct thing {
  uint32_t gen;
  uint32_t link;
  uint64_t value;
  uint8_t rest[240];
};

enum { CHUNK = 2 << 20, FROM = 32 * CHUNK };

static void init_things(struct tct_slab *slab, struct failing_alloc *a, uint32_t limit) {
  tct_slab_init(slab, &a->vtable, sizeof(struct thing), offsetof(struct thing, link), limit);
}

static void alloc__to_the_limit__then_null(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 100);
  assert_int_equal(tct_slab_capacity(&slab), 0);
  for (uint32_t i = 0; i < 100; i++) {
    struct thing *t = tct_slab_alloc(&slab, &index);
    assert_non_null(t);
    assert_int_equal(index, i);
    assert_ptr_equal(tct_slab_at(&slab, i), t);
    assert_int_equal((uintptr_t)t % 64, 0);
    assert_true(t->gen == 0 && t->value == 0); /* never used: zero */
  }
  assert_null(tct_slab_alloc(&slab, &index));
  assert_int_equal(tct_slab_used(&slab), 100);
  assert_int_equal(tct_slab_capacity(&slab), 100);
  tct_slab_free(&slab, 40);
  assert_ptr_equal(tct_slab_alloc(&slab, &index), tct_slab_at(&slab, 40));
  assert_int_equal(index, 40);
  assert_null(tct_slab_alloc(&slab, &index));
  tct_slab_check(&slab);
  assert_int_equal(tct_slab_bytes(&slab), a.bytes_out);
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void free__generation_survives_and_last_freed_comes_first(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 10);
  for (uint32_t i = 0; i < 3; i++)
    ((struct thing *)tct_slab_alloc(&slab, &index))->gen = 70 + i;
  tct_slab_free(&slab, 0);
  tct_slab_free(&slab, 2);
  tct_slab_free(&slab, 1);
  for (uint32_t i = 0; i < 3; i++)
    assert_int_equal(((struct thing *)tct_slab_at(&slab, i))->gen, 70 + i);
  const uint32_t order[] = {1, 2, 0, 3};
  for (int i = 0; i < 4; i++) {
    assert_non_null(tct_slab_alloc(&slab, &index));
    assert_int_equal(index, order[i]);
  }
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void at__of_an_index_never_used__is_null(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 1000);
  assert_null(tct_slab_at(&slab, 0));
  assert_non_null(tct_slab_alloc(&slab, &index));
  assert_non_null(tct_slab_at(&slab, 0));
  assert_null(tct_slab_at(&slab, 1));
  assert_null(tct_slab_at(&slab, 999));
  assert_null(tct_slab_at(&slab, 1u << 30));
  assert_null(tct_slab_at(&slab, TCT_SLAB_NONE));
  assert_int_equal(tct_slab_index_end(&slab), 1);
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void limit_zero__gives_nothing_and_asks_for_nothing(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 0);
  assert_null(tct_slab_alloc(&slab, &index));
  assert_int_equal(a.requests, 0);
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void small_limit__small_page(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 3);
  for (uint32_t i = 0; i < 3; i++)
    assert_non_null(tct_slab_alloc(&slab, &index));
  assert_true(a.bytes_out <= sizeof(void *) + 512 * sizeof(void *) + 4 * sizeof(struct thing));
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void growth__asks_for_a_page_at_a_time_and_moves_nothing(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  const uint32_t n = FROM / sizeof(struct thing) + 128 * 600; /* tables are of 512 pages */
  failing_alloc_init(&a);
  init_things(&slab, &a, 10000000);
  void **places = malloc(n * sizeof(*places));
  assert_non_null(places);
  size_t most[2] = {0, 0}; /* before 64 MiB are held, and after that */
  for (uint32_t i = 0; i < n; i++) {
    size_t before = a.bytes_out;
    size_t requests = a.requests;
    places[i] = tct_slab_alloc(&slab, &index);
    assert_true(a.requests - requests <= 3);
    size_t *m = &most[i >= FROM / sizeof(struct thing)];
    *m = a.bytes_out - before > *m ? a.bytes_out - before : *m;
    assert_int_equal((uintptr_t)places[i] % 64, 0);
    assert_int_equal(((struct thing *)places[i])->value, 0);
    ((struct thing *)places[i])->value = i;
  }
  assert_true(most[0] < 2 * 65536); /* a page, a table, and at first the directory */
  assert_in_range(most[1], CHUNK, CHUNK + 512 * sizeof(void *));
  for (uint32_t i = 0; i < n; i++)
    assert_true(tct_slab_at(&slab, i) == places[i] && ((struct thing *)places[i])->value == i);
  assert_int_equal(tct_slab_bytes(&slab), a.bytes_out);
  assert_true(a.bytes_out < (size_t)n * sizeof(struct thing) + CHUNK + 2 * 65536);
  free(places);
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void use_with_failures(struct failing_alloc *a, void *arg) {
  struct tct_slab slab;
  uint32_t got = 0;
  uint32_t index;
  init_things(&slab, a, 200);
  for (uint32_t tries = 0; tries < 300; tries++) {
    struct thing *t = tct_slab_alloc(&slab, &index);
    if (t == NULL)
      continue;
    assert_int_equal(index, got);
    t->value = got++;
  }
  tct_slab_check(&slab);
  assert_int_equal(got, 200); /* one failure is not the end: the next call tries again */
  for (uint32_t i = 0; i < got; i++)
    assert_int_equal(((struct thing *)tct_slab_at(&slab, i))->value, i);
  tct_slab_deinit(&slab);
  *(uint32_t *)arg += 1;
}

static void allocator_fails_anywhere__slab_stays_whole(void **state) {
  (void)state;
  uint32_t runs = 0;
  assert_int_equal(failing_alloc_each(use_with_failures, &runs), 4); /* directory, table, 2 pages */
  assert_int_equal(runs, 5);
}

static void chunk_refused__next_call_asks_again(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  const uint32_t n = FROM / sizeof(struct thing); /* so far page by page */
  failing_alloc_init(&a);
  init_things(&slab, &a, 10000000);
  for (uint32_t i = 0; i < n; i++)
    assert_non_null(tct_slab_alloc(&slab, &index));
  a.bytes_max = a.bytes_out + CHUNK - 1;
  assert_null(tct_slab_alloc(&slab, &index));
  assert_null(tct_slab_alloc(&slab, &index));
  tct_slab_check(&slab);
  a.bytes_max = 0;
  for (uint32_t i = 0; i < 1000; i++)
    assert_non_null(tct_slab_alloc(&slab, &index));
  assert_int_equal(index, n + 999);
  assert_int_equal(tct_slab_bytes(&slab), a.bytes_out);
  tct_slab_check(&slab);
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void free_unused(void *arg) {
  tct_slab_free(arg, 1);
}

static void check_slab(void *arg) {
  tct_slab_check(arg);
}

static void free__of_what_is_not_out__traps(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_slab slab;
  uint32_t index;
  failing_alloc_init(&a);
  init_things(&slab, &a, 10);
  assert_non_null(tct_slab_alloc(&slab, &index));
  assert_true(call_traps(free_unused, &slab));
  assert_non_null(tct_slab_alloc(&slab, &index));
  assert_false(call_traps(check_slab, &slab));
  tct_slab_free(&slab, 0);
  tct_slab_free(&slab, 0); /* found by the check at the latest */
  assert_true(call_traps(check_slab, &slab));
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

/* Random use against an array that says what each index should hold. Odd sizes of object, too. */
static void use_at_random(uint32_t object_bytes, uint8_t seed) {
  enum { LIMIT = 700 };
  static uint64_t expected[LIMIT]; /* 0: not out */
  struct failing_alloc a;
  struct tct_slab slab;
  struct tct_prng prng;
  tct_prng_init(&prng, (const uint8_t[32]){seed});
  failing_alloc_init(&a);
  memset(expected, 0, sizeof(expected));
  tct_slab_init(&slab, &a.vtable, object_bytes, object_bytes - 4, LIMIT);
  uint32_t used = 0;
  for (uint64_t step = 1; step < 20000; step++) {
    uint32_t index = tct_prng_below(&prng, LIMIT);
    uint32_t bias = (step / 2000) % 2 == 0 ? 70 : 30;
    if (tct_prng_below(&prng, 100) < bias) {
      void *object = tct_slab_alloc(&slab, &index);
      assert_int_equal(object == NULL, used == LIMIT);
      if (object == NULL)
        continue;
      assert_true(expected[index] == 0);
      memset(object, 0x55, object_bytes);
      memcpy(object, &step, 8);
      expected[index] = step;
      used++;
    } else if (expected[index] != 0) {
      tct_slab_free(&slab, index);
      expected[index] = 0;
      used--;
    }
    assert_int_equal(tct_slab_used(&slab), used);
    if (step % 500 != 0)
      continue;
    tct_slab_check(&slab);
    for (uint32_t i = 0; i < LIMIT; i++)
      if (expected[i] != 0)
        assert_memory_equal(tct_slab_at(&slab, i), &expected[i], 8);
  }
  tct_slab_deinit(&slab);
  failing_alloc_finish(&a);
}

static void random_use__agrees_with_an_array(void **state) {
  (void)state;
  use_at_random(16, 1);
  use_at_random(64, 2);
  use_at_random(264, 3);
  use_at_random(40000, 4); /* larger than a page: one each */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(alloc__to_the_limit__then_null),
      cmocka_unit_test(free__generation_survives_and_last_freed_comes_first),
      cmocka_unit_test(at__of_an_index_never_used__is_null),
      cmocka_unit_test(limit_zero__gives_nothing_and_asks_for_nothing),
      cmocka_unit_test(small_limit__small_page),
      cmocka_unit_test(growth__asks_for_a_page_at_a_time_and_moves_nothing),
      cmocka_unit_test(allocator_fails_anywhere__slab_stays_whole),
      cmocka_unit_test(chunk_refused__next_call_asks_again),
      cmocka_unit_test(free__of_what_is_not_out__traps),
      cmocka_unit_test(random_use__agrees_with_an_array),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
