/* SPDX-License-Identifier: MIT */
/* Byte queue: random use against a plain byte array, with lent memory, holes, room taken in place
 * and memory that runs out. */
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

#define SPAN 200000u

struct model {
  uint8_t byte[SPAN]; /* by position - base */
  bool written[SPAN];
  tct_seq base;
  uint32_t begin; /* from base */
  uint32_t end;
};

static struct model model;

static void compare(struct fixture *f, struct tct_prng *prng) {
  static uint8_t got[SPAN];
  tct_queue_check(&f->q);
  assert_int_equal(f->q.begin, tct_seq_add(model.base, model.begin));
  assert_int_equal(f->q.end, tct_seq_add(model.base, model.end));
  if (model.begin == model.end)
    return;
  uint32_t from = model.begin + tct_prng_below(prng, model.end - model.begin);
  uint32_t to = from;
  while (to < model.end && model.written[to])
    to++;
  uint32_t len = tct_min_u32(to - from, 1 + tct_prng_below(prng, SPAN));
  assert_int_equal(tct_queue_copy_out(&f->q, tct_seq_add(model.base, from), got, len), len);
  assert_memory_equal(got, model.byte + from, len);
}

/* Bytes written at an offset, as far as the queue took them. */
static void write_both(struct fixture *f, struct tct_prng *prng, uint32_t at, uint32_t len) {
  static uint8_t bytes[SPAN];
  tct_prng_fill(prng, bytes, len);
  tct_seq pos = tct_seq_add(model.base, at);
  uint32_t done = at == model.end ? tct_queue_append(&f->q, &f->pool, bytes, len)
                                  : tct_queue_write_at(&f->q, &f->pool, pos, bytes, len);
  assert_true(done <= len && (done == len || f->a.failed > 0));
  memcpy(model.byte + at, bytes, done);
  memset(model.written + at, true, done);
  if (done > 0)
    model.end = tct_max_u32(model.end, at + done);
}

static void commit_both(struct fixture *f, struct tct_prng *prng, uint32_t want) {
  tct_iov iov[3];
  unsigned n = 1 + tct_prng_below(prng, 3);
  uint32_t got = tct_queue_append_space(&f->q, &f->pool, iov, &n, want);
  uint32_t len = tct_prng_below(prng, got + 1);
  uint32_t at = model.end;
  assert_true(got <= want);
  for (unsigned i = 0; i < n; i++) {
    uint8_t *place = (uint8_t *)iov[i].base;
    tct_prng_fill(prng, place, iov[i].len);
    uint32_t piece = tct_min_u32((uint32_t)iov[i].len, model.end + len - at);
    memcpy(model.byte + at, place, piece);
    at += piece;
  }
  if (tct_prng_below(prng, 4) == 0)
    tct_queue_consume_to(&f->q, &f->pool, f->q.begin); /* harmless in between */
  assert_true(tct_queue_append_commit(&f->q, len));
  memset(model.written + model.end, true, len);
  model.end += len;
}

/* Lent blocks are on the heap, so that a late touch is found; the token is the block. */
static void lend_both(struct fixture *f, struct tct_prng *prng, uint32_t len) {
  uint8_t *block = malloc(len);
  assert_non_null(block);
  tct_prng_fill(prng, block, len);
  if (!tct_queue_append_lent(&f->q, &f->pool, block, len, (uint64_t)(uintptr_t)block)) {
    free(block);
    return;
  }
  memcpy(model.byte + model.end, block, len);
  memset(model.written + model.end, true, len);
  model.end += len;
}

static void take_back(struct fixture *f) {
  uint64_t token;
  while (tct_queue_returned_pop(&f->q, &f->pool, &token))
    free((void *)(uintptr_t)token);
}

static void discard_both(struct fixture *f, uint32_t at) {
  tct_queue_discard_from(&f->q, &f->pool, tct_seq_add(model.base, at));
  memset(model.written + at, false, SPAN - at);
  model.end = at;
}

static void consume_both(struct fixture *f, uint32_t at) {
  tct_queue_consume_to(&f->q, &f->pool, tct_seq_add(model.base, at));
  model.begin = at;
}

static uint32_t draw_len(struct tct_prng *prng, uint32_t room) {
  static const uint32_t most[] = {3, 100, 1460, 9000, 70000};
  return tct_min_u32(room, 1 + tct_prng_below(prng, most[tct_prng_below(prng, 5)]));
}

static void step_random(struct fixture *f, struct tct_prng *prng, bool holes) {
  uint32_t room = SPAN - model.end;
  uint32_t held = model.end - model.begin;
  uint32_t what = tct_prng_below(prng, 100);
  uint32_t somewhere = model.begin + tct_prng_below(prng, held + 1);
  if (what < 30 && room > 0) {
    write_both(f, prng, model.end, draw_len(prng, room));
  } else if (what < 50 && room > 0) {
    uint32_t ahead = tct_prng_below(prng, tct_min_u32(room, 20000));
    uint32_t at = holes ? model.end + ahead : model.end;
    write_both(f, prng, at, draw_len(prng, SPAN - at));
  } else if (what < 60 && holes) {
    write_both(f, prng, somewhere, draw_len(prng, SPAN - somewhere));
  } else if (what < 70 && room > 0) {
    commit_both(f, prng, draw_len(prng, room));
  } else if (what < 75 && room > 0 && !holes) {
    lend_both(f, prng, draw_len(prng, room));
  } else if (what < 80) {
    discard_both(f, tct_prng_below(prng, 3) ? model.end - tct_min_u32(held, 3000) : somewhere);
  } else if (what < 90) {
    consume_both(f, tct_prng_below(prng, 5) ? model.begin + tct_min_u32(held, 5000) : somewhere);
  } else if (what < 91) {
    consume_both(f, model.end);
  }
  take_back(f);
}

static void play(uint32_t round) {
  struct tct_prng prng;
  struct fixture f;
  tct_prng_init(&prng, (const uint8_t[32]){(uint8_t)round, 1});
  memset(&model, 0, sizeof(model));
  model.base = round % 3 ? tct_seq_sub(0, tct_prng_below(&prng, SPAN)) : tct_prng_u32(&prng);
  set_up(&f, model.base);
  f.pool.idle_max_bytes = round % 4 == 0 ? 0 : 1u << 20;
  if (round % 4 == 1)
    f.a.bytes_max = 40000;
  for (uint32_t step = 0; step < 2000 && model.end < SPAN; step++) {
    step_random(&f, &prng, round % 2 == 0);
    compare(&f, &prng);
  }
  tct_queue_deinit(&f.q, &f.pool);
  take_back(&f);
  tear_down(&f);
}

static void random_use__agrees_with_an_array(void **state) {
  (void)state;
  for (uint32_t round = 0; round < 120; round++)
    play(round);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_use__agrees_with_an_array),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
