/* SPDX-License-Identifier: MIT */
/* The pool of chunks: its limit over all classes, what it keeps and what it gives back. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "test/lib/failing_alloc.h"
#include "util/chunk.h"
#include "util/mem.h"

static void new__block_sizes_include_the_header(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  failing_alloc_init(&a);
  tct_chunk_pool_init(&pool, &a.vtable, 100000, 100000);
  const size_t bytes[TCT_CHUNK_CLASSES] = {2048, 32768, 64};
  for (uint32_t kind = 0; kind < TCT_CHUNK_CLASSES; kind++) {
    struct tct_chunk *c = tct_chunk_new(&pool, (enum tct_chunk_class)kind);
    assert_non_null(c);
    assert_int_equal(a.bytes_out, bytes[kind]);
    assert_int_equal(pool.used_bytes, bytes[kind]);
    assert_int_equal(tct_chunk_block_bytes((enum tct_chunk_class)kind), bytes[kind]);
    uint32_t data = tct_chunk_data_bytes((enum tct_chunk_class)kind);
    if (data > 0)
      memset(c->data, 0xee, data); /* the address sanitizer watches the block's end */
    tct_chunk_free(&pool, c);
    pool.idle_max_bytes = 0;
    tct_chunk_free(&pool, tct_chunk_new(&pool, (enum tct_chunk_class)kind)); /* not kept now */
    assert_int_equal(a.bytes_out, 0);
    pool.idle_max_bytes = 100000;
  }
  tct_chunk_pool_deinit(&pool);
  failing_alloc_finish(&a);
}

static void free__keeps_up_to_a_third_of_the_bound_for_each_class(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  struct tct_chunk *c[10];
  failing_alloc_init(&a);
  tct_chunk_pool_init(&pool, &a.vtable, 1000000, 3 * 4 * 2048);
  for (int i = 0; i < 10; i++)
    c[i] = tct_chunk_new(&pool, TCT_CHUNK_SMALL);
  struct tct_chunk *large = tct_chunk_new(&pool, TCT_CHUNK_LARGE);
  for (int i = 0; i < 10; i++)
    tct_chunk_free(&pool, c[i]);
  assert_int_equal(pool.idle_bytes, 4 * 2048);
  tct_chunk_free(&pool, large); /* larger than its share */
  assert_int_equal(pool.idle_bytes, 4 * 2048);
  assert_int_equal(a.bytes_out, 4 * 2048);
  size_t requests = a.requests;
  struct tct_chunk *again = tct_chunk_new(&pool, TCT_CHUNK_SMALL);
  assert_int_equal(a.requests, requests); /* from the idle ones */
  assert_true(again->fill == 0 && again->cap == 0 && again->next == NULL && again->token == 0);
  tct_chunk_free(&pool, again);
  tct_chunk_pool_deinit(&pool);
  failing_alloc_finish(&a);
}

static void new__at_the_limit__takes_idle_blocks_of_other_classes_then_refuses(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  struct tct_chunk *c[16];
  failing_alloc_init(&a);
  tct_chunk_pool_init(&pool, &a.vtable, 32768, 1000000);
  for (int i = 0; i < 16; i++)
    c[i] = tct_chunk_new(&pool, TCT_CHUNK_SMALL);
  assert_null(tct_chunk_new(&pool, TCT_CHUNK_SMALL));
  assert_null(tct_chunk_new(&pool, TCT_CHUNK_LENT));
  for (int i = 0; i < 15; i++)
    tct_chunk_free(&pool, c[i]);
  assert_null(tct_chunk_new(&pool, TCT_CHUNK_LARGE)); /* one small one is still in use */
  tct_chunk_free(&pool, c[15]);
  struct tct_chunk *large = tct_chunk_new(&pool, TCT_CHUNK_LARGE);
  assert_non_null(large);
  assert_int_equal(a.bytes_peak, 32768);
  assert_int_equal(pool.idle_bytes, 0);
  tct_chunk_free(&pool, large);
  tct_chunk_pool_deinit(&pool);
  failing_alloc_finish(&a);
}

static void new__allocator_fails__null_and_nothing_counted(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  failing_alloc_init(&a);
  tct_chunk_pool_init(&pool, &a.vtable, 1000000, 1000000);
  failing_alloc_fail_nth(&a, 1);
  assert_null(tct_chunk_new(&pool, TCT_CHUNK_SMALL));
  assert_int_equal(pool.used_bytes, 0);
  tct_chunk_pool_deinit(&pool);
  failing_alloc_finish(&a);
}

static void deinit_pool(void *arg) {
  tct_chunk_pool_deinit(arg);
}

static void deinit__with_a_chunk_out__traps(void **state) {
  (void)state;
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  failing_alloc_init(&a);
  tct_chunk_pool_init(&pool, &a.vtable, 1000000, 1000000);
  struct tct_chunk *c = tct_chunk_new(&pool, TCT_CHUNK_SMALL);
  assert_true(call_traps(deinit_pool, &pool));
  tct_chunk_free(&pool, c);
  tct_chunk_pool_deinit(&pool);
  failing_alloc_finish(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(new__block_sizes_include_the_header),
      cmocka_unit_test(free__keeps_up_to_a_third_of_the_bound_for_each_class),
      cmocka_unit_test(new__at_the_limit__takes_idle_blocks_of_other_classes_then_refuses),
      cmocka_unit_test(new__allocator_fails__null_and_nothing_counted),
      cmocka_unit_test(deinit__with_a_chunk_out__traps),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
