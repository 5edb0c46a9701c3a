/* SPDX-License-Identifier: MIT */
/* Byte queue: in place, lent, out of order, hostile pieces, cost. Random use: test_queue_model.c.
 */
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
#include "util/queue.h"

struct fixture {
  struct failing_alloc a;
  struct tct_chunk_pool pool;
  struct tct_queue q;
};

static void set_up(struct fixture *f, tct_seq begin) {
  failing_alloc_init(&f->a);
  tct_chunk_pool_init(&f->pool, &f->a.vtable, 1u << 30, 1u << 20);
  tct_queue_init(&f->q, begin);
}

/* Nothing may be left over, whatever the test did. */
static void tear_down(struct fixture *f) {
  uint64_t token;
  tct_queue_deinit(&f->q, &f->pool);
  while (tct_queue_returned_pop(&f->q, &f->pool, &token))
    continue;
  tct_queue_check(&f->q);
  assert_int_equal(f->q.charged_bytes, 0);
  tct_chunk_pool_deinit(&f->pool);
  failing_alloc_finish(&f->a);
}

/* The byte that belongs at a stream position; neighbours differ, and so do positions 2008 apart. */
static uint8_t byte_at(tct_seq pos) {
  return (uint8_t)((pos * 2654435761u) >> 23);
}

static void fill_pattern(uint8_t *to, tct_seq pos, uint32_t len) {
  for (uint32_t i = 0; i < len; i++)
    to[i] = byte_at(pos + i);
}

static uint32_t write_pattern(struct fixture *f, tct_seq pos, uint32_t len) {
  uint8_t *bytes = malloc(len + 1);
  assert_non_null(bytes);
  fill_pattern(bytes, pos, len);
  uint32_t done = tct_queue_write_at(&f->q, &f->pool, pos, bytes, len);
  free(bytes);
  tct_queue_check(&f->q);
  return done;
}

static uint32_t append_pattern(struct fixture *f, uint32_t len) {
  return write_pattern(f, f->q.end, len);
}

/* All of [pos, pos+len) reads back as the pattern. */
static void expect_pattern(struct fixture *f, tct_seq pos, uint32_t len) {
  uint8_t *bytes = malloc(len + 1);
  assert_non_null(bytes);
  assert_int_equal(tct_queue_copy_out(&f->q, pos, bytes, len), len);
  for (uint32_t i = 0; i < len; i++)
    if (bytes[i] != byte_at(pos + i))
      fail_msg("byte %u of %u at %u", i, len, pos);
  free(bytes);
}

static void empty__owns_no_memory(void **state) {
  (void)state;
  struct fixture f;
  tct_iov iov[2];
  unsigned n = 2;
  set_up(&f, 5);
  assert_int_equal(tct_queue_len(&f.q), 0);
  assert_int_equal(tct_queue_append(&f.q, &f.pool, "", 0), 0);
  assert_int_equal(tct_queue_peek(&f.q, 5, 10, iov, &n), 0);
  assert_int_equal(n, 0);
  assert_int_equal(f.a.requests, 0);
  assert_int_equal(append_pattern(&f, 100), 100);
  assert_int_equal(f.q.charged_bytes, 2048);
  tct_queue_consume_to(&f.q, &f.pool, 105);
  assert_null(f.q.head);
  assert_int_equal(f.q.charged_bytes, 0);
  assert_int_equal(f.pool.used_bytes, 0);
  tear_down(&f);
}

static void append__across_the_wrap__reads_back(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0xfffff000);
  for (uint32_t len = 1; len < 6000; len += 997)
    assert_int_equal(append_pattern(&f, len), len);
  uint32_t len = tct_queue_len(&f.q);
  expect_pattern(&f, 0xfffff000, len);
  expect_pattern(&f, 0xffffffff, 2);
  tct_queue_consume_to(&f.q, &f.pool, 10);
  tct_queue_check(&f.q);
  expect_pattern(&f, 10, len - 0x1000 - 10);
  tear_down(&f);
}

static void append__much__uses_large_chunks_little_small_ones(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  for (int i = 0; i < 12; i++)
    append_pattern(&f, 1000);
  assert_int_equal(f.q.charged_bytes, 6 * 2048);
  for (int i = 0; i < 100; i++)
    append_pattern(&f, 10000);
  assert_true(f.q.charged_bytes < 1012000 + 1012000 / 100 + 2 * 32768);
  assert_true(f.a.requests < 50);
  expect_pattern(&f, 0, 1012000);
  tear_down(&f);
  set_up(&f, 0);
  append_pattern(&f, 30000); /* one write that needs one: no detour over small ones */
  assert_int_equal(f.q.charged_bytes, 32768);
  tear_down(&f);
}

static void append__no_large_block_left__makes_do_with_small_ones(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  f.a.bytes_max = 30000;
  assert_int_equal(append_pattern(&f, 100000), 14 * tct_chunk_data_bytes(TCT_CHUNK_SMALL));
  expect_pattern(&f, 0, 14 * tct_chunk_data_bytes(TCT_CHUNK_SMALL));
  assert_int_equal(append_pattern(&f, 1), 0);
  tct_queue_consume_to(&f.q, &f.pool, 5000);
  assert_true(append_pattern(&f, 100000) > 0);
  tear_down(&f);
}

static void append__pool_at_its_limit__is_short(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  f.pool.limit_bytes = 4096;
  assert_int_equal(append_pattern(&f, 5000), 2 * tct_chunk_data_bytes(TCT_CHUNK_SMALL));
  assert_int_equal(tct_queue_len(&f.q), 2 * tct_chunk_data_bytes(TCT_CHUNK_SMALL));
  tear_down(&f);
}

/* -- in place -------------------------------------------------------------------------------------
 */

static uint32_t offer(struct fixture *f, uint32_t want, unsigned pieces_max) {
  tct_iov iov[8];
  unsigned n = pieces_max;
  uint32_t got = tct_queue_append_space(&f->q, &f->pool, iov, &n, want);
  tct_seq pos = f->q.end;
  uint32_t sum = 0;
  assert_true(n <= pieces_max);
  for (unsigned i = 0; i < n; i++) {
    assert_true(iov[i].len > 0);
    fill_pattern((uint8_t *)iov[i].base, pos, (uint32_t)iov[i].len);
    pos += (uint32_t)iov[i].len;
    sum += (uint32_t)iov[i].len;
  }
  assert_int_equal(sum, got);
  tct_queue_check(&f->q);
  return got;
}

static void append_space__commit_part__the_rest_is_room_again(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0xfffffe00);
  assert_int_equal(offer(&f, 5000, 8), 5000);
  assert_int_equal(tct_queue_len(&f.q), 0);
  assert_false(tct_queue_append_commit(&f.q, 5001));
  assert_true(tct_queue_append_commit(&f.q, 700));
  tct_queue_check(&f.q);
  assert_false(tct_queue_append_commit(&f.q, 1)); /* used up */
  assert_true(tct_queue_append_commit(&f.q, 0));
  assert_int_equal(append_pattern(&f, 3000), 3000);
  assert_int_equal(f.q.charged_bytes, 3 * 2048); /* the same three chunks */
  assert_int_equal(offer(&f, 100000, 1), 2 * tct_chunk_data_bytes(TCT_CHUNK_SMALL) - 3700);
  assert_true(tct_queue_append_commit(&f.q, 10));
  expect_pattern(&f, 0xfffffe00, 3710);
  tct_queue_discard_from(&f.q, &f.pool, f.q.end);
  assert_int_equal(f.q.charged_bytes, 2 * 2048); /* unused room went back */
  tear_down(&f);
}

static void append_space__everything_before_is_consumed__places_stay(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  append_pattern(&f, 1000);
  assert_int_equal(offer(&f, 4000, 8), 4000); /* written to right here */
  tct_queue_consume_to(&f.q, &f.pool, 1000);
  tct_queue_check(&f.q);
  assert_true(f.q.charged_bytes > 0);
  assert_true(tct_queue_append_commit(&f.q, 4000));
  expect_pattern(&f, 1000, 4000);
  tct_queue_consume_to(&f.q, &f.pool, 5000);
  assert_int_equal(f.q.charged_bytes, 0);
  tear_down(&f);
}

static void append_space__withdrawn_by_append__commit_is_refused(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  offer(&f, 100, 8);
  assert_int_equal(tct_queue_append(&f.q, &f.pool, "abc", 3), 3);
  assert_false(tct_queue_append_commit(&f.q, 100));
  assert_int_equal(tct_queue_len(&f.q), 3);
  tear_down(&f);
}

static void append_space__no_memory__offers_nothing(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  f.a.bytes_max = 1;
  assert_int_equal(offer(&f, 100, 8), 0);
  assert_true(tct_queue_append_commit(&f.q, 0));
  tear_down(&f);
}

/* -- lent memory ----------------------------------------------------------------------------------
 */

static void lent__is_read_in_place_and_comes_back_once_consumed(void **state) {
  (void)state;
  struct fixture f;
  uint8_t lent[2][5000];
  tct_iov iov[4];
  unsigned n = 4;
  uint64_t token = 0;
  set_up(&f, 0);
  append_pattern(&f, 100);
  fill_pattern(lent[0], 100, 5000);
  fill_pattern(lent[1], 5100, 5000);
  assert_true(tct_queue_append_lent(&f.q, &f.pool, lent[0], 5000, 11));
  tct_queue_check(&f.q);
  assert_true(tct_queue_append_lent(&f.q, &f.pool, lent[1], 5000, 22));
  append_pattern(&f, 50);
  assert_int_equal(tct_queue_peek(&f.q, 90, 20000, iov, &n), 10060);
  assert_int_equal(n, 4);
  assert_ptr_equal(iov[1].base, lent[0]);
  assert_int_equal(iov[1].len, 5000);
  expect_pattern(&f, 0, 10150);
  assert_int_equal(f.q.charged_bytes, 2 * 2048 + 2 * (64 + 5000));
  tct_queue_consume_to(&f.q, &f.pool, 5099);
  assert_false(tct_queue_returned_pop(&f.q, &f.pool, &token));
  tct_queue_consume_to(&f.q, &f.pool, 10150);
  assert_int_equal(f.q.charged_bytes, 0);
  assert_true(tct_queue_returned_pop(&f.q, &f.pool, &token) && token == 11);
  assert_true(tct_queue_returned_pop(&f.q, &f.pool, &token) && token == 22);
  assert_false(tct_queue_returned_pop(&f.q, &f.pool, &token));
  tear_down(&f);
}

static void lent__discarded_or_left_at_the_end__comes_back_too(void **state) {
  (void)state;
  struct fixture f;
  const uint8_t lent[100] = {0};
  uint64_t token = 0;
  set_up(&f, 0);
  assert_true(tct_queue_append_lent(&f.q, &f.pool, lent, 100, 1));
  assert_true(tct_queue_append_lent(&f.q, &f.pool, lent, 100, 2));
  tct_queue_discard_from(&f.q, &f.pool, 30); /* 30 bytes of the first remain */
  tct_queue_check(&f.q);
  assert_int_equal(f.q.charged_bytes, 64 + 30);
  assert_true(tct_queue_returned_pop(&f.q, &f.pool, &token) && token == 2);
  assert_false(tct_queue_returned_pop(&f.q, &f.pool, &token));
  tct_queue_deinit(&f.q, &f.pool);
  assert_true(tct_queue_returned_pop(&f.q, &f.pool, &token) && token == 1);
  tear_down(&f);
}

static void lent__peer_sends_the_same_bytes_again__lent_memory_is_not_written(void **state) {
  (void)state;
  struct fixture f;
  uint8_t lent[100];
  memset(lent, 'x', sizeof(lent));
  set_up(&f, 0);
  append_pattern(&f, 50);
  assert_true(tct_queue_append_lent(&f.q, &f.pool, lent, 100, 1));
  assert_int_equal(write_pattern(&f, 0, 200), 200);
  for (int i = 0; i < 100; i++)
    assert_int_equal(lent[i], 'x');
  expect_pattern(&f, 0, 50);
  expect_pattern(&f, 150, 50);
  tear_down(&f);
}

static void lent__no_header_left__is_refused_and_changes_nothing(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  append_pattern(&f, 50);
  failing_alloc_fail_nth(&f.a, 1);
  assert_false(tct_queue_append_lent(&f.q, &f.pool, "x", 1, 1));
  tct_queue_check(&f.q);
  assert_int_equal(tct_queue_len(&f.q), 50);
  tear_down(&f);
}

/* -- out of order ---------------------------------------------------------------------------------
 */

static void write_at__beyond_a_hole__peek_stops_there(void **state) {
  (void)state;
  struct fixture f;
  tct_iov iov[8];
  unsigned n = 8;
  set_up(&f, 1000);
  assert_int_equal(write_pattern(&f, 1000, 500), 500);
  assert_int_equal(write_pattern(&f, 21000, 500), 500);
  assert_int_equal(f.q.end, 21500);
  assert_int_equal(tct_queue_peek(&f.q, 1000, 100000, iov, &n), 500);
  assert_int_equal(f.q.charged_bytes, 2 * 2048); /* none for the hole */
  expect_pattern(&f, 21000, 500);
  assert_int_equal(write_pattern(&f, 1400, 19700), 19700); /* overlaps both sides */
  expect_pattern(&f, 1000, 20500);
  tct_queue_consume_to(&f.q, &f.pool, 21100);
  tct_queue_check(&f.q);
  expect_pattern(&f, 21100, 400);
  tear_down(&f);
}

static void discard_from__drops_what_came_out_of_order(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  write_pattern(&f, 0, 3000);
  for (tct_seq pos = 5000; pos < 50000; pos += 5000)
    write_pattern(&f, pos, 1000);
  tct_queue_discard_from(&f.q, &f.pool, 3000);
  tct_queue_check(&f.q);
  assert_int_equal(f.q.end, 3000);
  assert_int_equal(f.q.charged_bytes, 2 * 2048);
  expect_pattern(&f, 0, 3000);
  write_pattern(&f, 3000, 3000);
  expect_pattern(&f, 0, 6000);
  tct_queue_discard_from(&f.q, &f.pool, 0);
  assert_int_equal(f.q.charged_bytes, 0);
  tear_down(&f);
}

static void write_at__no_memory__queue_and_end_unchanged(void **state) {
  (void)state;
  struct fixture f;
  set_up(&f, 0);
  write_pattern(&f, 0, 100);
  failing_alloc_fail_nth(&f.a, 1);
  assert_int_equal(write_pattern(&f, 10000, 100), 0);
  assert_int_equal(f.q.end, 100);
  tear_down(&f);
}

/* Single bytes all over a window of 64 KiB: what is held stays near the window, in any order. */
static void expect_bounded(struct fixture *f, uint32_t window) {
  assert_true(f->q.charged_bytes <= 2 * window + 32768);
}

static void hostile_single_bytes__memory_held_stays_near_the_span(void **state) {
  (void)state;
  const uint32_t window = 65536;
  struct tct_prng prng;
  struct fixture f;
  tct_prng_init(&prng, (const uint8_t[32]){9});
  for (uint32_t style = 0; style < 40; style++) {
    tct_seq base = style % 2 ? 0xffff8000 : 12345;
    set_up(&f, base);
    for (uint32_t i = 0; i < 3000; i++) {
      uint32_t at = tct_prng_below(&prng, window);
      if (style < 4)
        at = window - 1 - i; /* backwards */
      else if (style < 8)
        at = (i * 2009 * (style - 3)) % window;
      else if (style < 12 && i % 2)
        at = (f.q.tail->start + f.q.tail->cap - base) % window; /* right behind a chunk */
      else if (style < 16)
        at = (at / 3000 * 3000) + (i % 3);
      assert_int_equal(tct_queue_write_at(&f.q, &f.pool, base + at, "x", 1), 1);
      expect_bounded(&f, window);
    }
    tct_queue_check(&f.q);
    write_pattern(&f, base, window);
    expect_pattern(&f, base, window);
    expect_bounded(&f, window);
    tear_down(&f);
  }
}

/* Chunks three cells apart, then one byte right behind each: large blocks there would hold a
 * multiple of what they can ever be filled with. */
static void hostile_bytes_between_chunks__get_no_large_blocks(void **state) {
  (void)state;
  struct fixture f;
  const uint32_t cell = tct_chunk_data_bytes(TCT_CHUNK_SMALL);
  set_up(&f, 0);
  for (uint32_t i = 0; i < 20; i++)
    assert_int_equal(tct_queue_write_at(&f.q, &f.pool, (3 * i + 1) * cell, "x", 1), 1);
  for (uint32_t i = 0; i < 20; i++)
    assert_int_equal(tct_queue_write_at(&f.q, &f.pool, (3 * i + 2) * cell, "x", 1), 1);
  tct_queue_check(&f.q);
  assert_true(f.q.charged_bytes <= 39 * 2048 + 32768); /* only the last one lies open */
  tear_down(&f);
}

/* -- cost -----------------------------------------------------------------------------------------
 */

/* New data is sent from the middle of a long queue while repairs are made elsewhere, and the front
 * is acknowledged: each place is a few steps from a known one. */
static void long_queue__places_in_use__are_found_without_walks(void **state) {
  (void)state;
  struct fixture f;
  tct_iov iov[4];
  set_up(&f, 0);
  append_pattern(&f, 8u << 20);
  tct_seq fresh = 4u << 20;
  tct_seq repair = 1u << 20;
  unsigned n = 4;
  tct_queue_peek(&f.q, fresh, 1, iov, &n);
  n = 4;
  tct_queue_peek(&f.q, repair, 1, iov, &n);
  uint32_t steps = f.q.walk_steps;
  for (uint32_t i = 0; i < 600; i++) {
    n = 4;
    assert_int_equal(tct_queue_peek(&f.q, fresh, 1460, iov, &n), 1460);
    fresh += 1460;
    n = 4;
    assert_int_equal(tct_queue_peek(&f.q, repair, 1460, iov, &n), 1460);
    repair += 1460;
    tct_queue_consume_to(&f.q, &f.pool, f.q.begin + 1460);
    assert_int_equal(tct_queue_append(&f.q, &f.pool, "x", 1), 1);
  }
  assert_true(f.q.walk_steps - steps < 120); /* 2 x 27 chunks passed */
  tear_down(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(empty__owns_no_memory),
      cmocka_unit_test(append__across_the_wrap__reads_back),
      cmocka_unit_test(append__much__uses_large_chunks_little_small_ones),
      cmocka_unit_test(append__no_large_block_left__makes_do_with_small_ones),
      cmocka_unit_test(append__pool_at_its_limit__is_short),
      cmocka_unit_test(append_space__commit_part__the_rest_is_room_again),
      cmocka_unit_test(append_space__everything_before_is_consumed__places_stay),
      cmocka_unit_test(append_space__withdrawn_by_append__commit_is_refused),
      cmocka_unit_test(append_space__no_memory__offers_nothing),
      cmocka_unit_test(lent__is_read_in_place_and_comes_back_once_consumed),
      cmocka_unit_test(lent__discarded_or_left_at_the_end__comes_back_too),
      cmocka_unit_test(lent__peer_sends_the_same_bytes_again__lent_memory_is_not_written),
      cmocka_unit_test(lent__no_header_left__is_refused_and_changes_nothing),
      cmocka_unit_test(write_at__beyond_a_hole__peek_stops_there),
      cmocka_unit_test(discard_from__drops_what_came_out_of_order),
      cmocka_unit_test(write_at__no_memory__queue_and_end_unchanged),
      cmocka_unit_test(hostile_single_bytes__memory_held_stays_near_the_span),
      cmocka_unit_test(hostile_bytes_between_chunks__get_no_large_blocks),
      cmocka_unit_test(long_queue__places_in_use__are_found_without_walks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
