/* SPDX-License-Identifier: MIT */
/* The ring between two cores: order, bytes, bounds, the way round its end, two threads. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "host/ring.h"

enum { FRAMES = 20000, LEN_MAX = 5000 };

static int setup(void **state) {
  struct tct_ring *r = aligned_alloc(64, sizeof *r);
  r->head = r->tail = 0;
  *state = r;
  return 0;
}

static int teardown(void **state) {
  free(*state);
  return 0;
}

static uint32_t len_of(uint32_t n) {
  return 1 + n * 2654435761u % LEN_MAX;
}

static bool put(struct tct_ring *r, uint32_t n) {
  static _Thread_local uint8_t bytes[LEN_MAX];
  tct_iov v[2] = {{bytes, 1}, {bytes + 1, len_of(n) - 1}};
  memset(bytes, (int)(n & 0xff), len_of(n));
  tct_frame f = {.iov = v, .n_iov = 2, .len = len_of(n), .seg_size = (uint16_t)n, .at = n};
  return tct_ring_put(r, &f);
}

static void expect(const tct_frame *f, uint32_t n) {
  const uint8_t *p = f->iov[0].base;
  assert_int_equal(f->len, len_of(n));
  assert_int_equal(f->seg_size, (uint16_t)n);
  assert_int_equal(f->at, n);
  for (uint32_t i = 0; i < f->len; i++)
    assert_int_equal(p[i], n & 0xff);
}

static void ring__filled_and_emptied_many_times__each_frame_once_in_order(void **state) {
  struct tct_ring *r = *state;
  tct_frame f[7];
  tct_iov v[7];
  uint32_t in = 0, out = 0;
  assert_true(tct_ring_is_empty(r));
  while (out < FRAMES) {
    while (in < FRAMES && put(r, in))
      in++;
    assert_true(in - out >= TCT_RING_BYTES / (LEN_MAX + 64) - 8 || in == FRAMES);
    for (size_t n = 1; n > 0 && out < FRAMES;) {
      n = tct_ring_peek(r, f, v, 7);
      for (size_t i = 0; i < n; i++)
        expect(&f[i], out++);
      tct_ring_release(r, n);
    }
  }
  assert_true(tct_ring_is_empty(r));
}

static void ring__peeked_twice__shows_the_same(void **state) {
  struct tct_ring *r = *state;
  tct_frame f[2];
  tct_iov v[2];
  assert_true(put(r, 5));
  assert_int_equal(tct_ring_peek(r, f, v, 2), 1);
  assert_int_equal(tct_ring_peek(r, f, v, 2), 1);
  expect(&f[0], 5);
  assert_false(tct_ring_is_empty(r));
}

static void ring__frame_too_large_or_ring_full__refused(void **state) {
  struct tct_ring *r = *state;
  tct_frame huge = {.len = TCT_RING_BYTES};
  assert_false(tct_ring_put(r, &huge));
  uint32_t n = 0;
  while (put(r, n))
    n++;
  assert_false(put(r, n));
  assert_true(n > 100);
}

static void *write_all(void *ctx) {
  for (uint32_t n = 0; n < FRAMES; n++)
    while (!put(ctx, n))
      ;
  return NULL;
}

static void ring__two_threads__each_frame_once_in_order(void **state) {
  struct tct_ring *r = *state;
  pthread_t writer;
  tct_frame f[16];
  tct_iov v[16];
  uint32_t out = 0;
  assert_int_equal(pthread_create(&writer, NULL, write_all, r), 0);
  while (out < FRAMES) {
    size_t n = tct_ring_peek(r, f, v, 16);
    for (size_t i = 0; i < n; i++)
      expect(&f[i], out++);
    tct_ring_release(r, n);
  }
  pthread_join(writer, NULL);
  assert_true(tct_ring_is_empty(r));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(ring__filled_and_emptied_many_times__each_frame_once_in_order,
                                      setup, teardown),
      cmocka_unit_test_setup_teardown(ring__peeked_twice__shows_the_same, setup, teardown),
      cmocka_unit_test_setup_teardown(ring__frame_too_large_or_ring_full__refused, setup, teardown),
      cmocka_unit_test_setup_teardown(ring__two_threads__each_frame_once_in_order, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
