/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: util/queue against a plain array of bytes. Appends, room in place, lent memory,
 * writes with holes, consumption, discards, copies out; the pool's memory may run out at any
 * request.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "util/queue.h"

enum { SPAN = 150000, PIECES = 6 };

struct model {
  uint8_t byte[SPAN];
  bool written[SPAN];
  uint32_t begin, end; /* from base */
  tct_seq base;
  uint64_t lent;      /* tokens given out: 0 .. lent-1 */
  bool is_back[4096]; /* each comes back once */
};

static struct model m;
static struct tct_queue q;
static struct tct_chunk_pool pool;
static uint8_t pattern[65536]; /* lent memory lives here, so it must never change */

static tct_seq at(uint32_t pos) {
  return tct_seq_add(m.base, pos);
}

static void note(uint32_t pos, const uint8_t *bytes, uint32_t len) {
  if (len == 0)
    return;
  memcpy(m.byte + pos, bytes, len);
  memset(m.written + pos, true, len);
  if (pos + len > m.end)
    m.end = pos + len;
}

static void take_returned(void) {
  uint64_t token;
  while (tct_queue_returned_pop(&q, &pool, &token)) {
    FUZZ_CHECK(token < m.lent && !m.is_back[token]);
    m.is_back[token] = true;
  }
}

static uint32_t clip(uint32_t pos, uint32_t len) {
  return len < SPAN - pos ? len : SPAN - pos;
}

static void append(struct fuzz_in *in) {
  uint32_t at_pattern = fuzz_below(in, 256),
           len = clip(m.end, (uint32_t)fuzz_u16(in) >> (fuzz_u8(in) & 15u));
  uint32_t done = tct_queue_append(&q, &pool, pattern + at_pattern, clip(m.end, len % 65000));
  FUZZ_CHECK(done <= len);
  note(m.end, pattern + at_pattern, done);
}

static void append_lent(struct fuzz_in *in) {
  uint32_t len = clip(m.end, 1 + fuzz_below(in, 5000)), at_pattern = fuzz_below(in, 256);
  if (len == 0 || !tct_queue_append_lent(&q, &pool, pattern + at_pattern, len, m.lent))
    return;
  m.lent++;
  note(m.end, pattern + at_pattern, len);
}

static void append_in_place(struct fuzz_in *in) {
  tct_iov v[PIECES];
  unsigned n = 1 + fuzz_below(in, PIECES);
  uint32_t want = clip(m.end, 1 + fuzz_below(in, 40000)), sum = 0;
  if (want == 0)
    return;
  uint32_t offer = tct_queue_append_space(&q, &pool, v, &n, want);
  uint32_t use = offer == 0 ? 0 : fuzz_below(in, 65536) % (offer + 1);
  for (unsigned i = 0; i < n; i++) {
    uint32_t part = (uint32_t)v[i].len < use - sum ? (uint32_t)v[i].len : use - sum;
    memcpy((void *)(uintptr_t)v[i].base, pattern + sum, part);
    sum += part;
  }
  FUZZ_CHECK(offer <= want && sum == use);
  FUZZ_CHECK(!tct_queue_append_commit(&q, offer + 1));
  FUZZ_CHECK(tct_queue_append_commit(&q, use));
  note(m.end, pattern, use);
}

static void write_at(struct fuzz_in *in) {
  uint32_t pos = m.begin + fuzz_below(in, 65536);
  uint32_t at_pattern = fuzz_below(in, 256);
  if (pos >= SPAN)
    return;
  uint32_t len = clip(pos, fuzz_below(in, 9000));
  uint32_t done = tct_queue_write_at(&q, &pool, at(pos), pattern + at_pattern, len);
  FUZZ_CHECK(done <= len);
  note(pos, pattern + at_pattern, done);
}

static void consume(struct fuzz_in *in) {
  m.begin += fuzz_below(in, 65536) % (m.end - m.begin + 1);
  tct_queue_consume_to(&q, &pool, at(m.begin));
  take_returned();
}

static void discard(struct fuzz_in *in) {
  uint32_t pos = m.begin + fuzz_below(in, 65536) % (m.end - m.begin + 1);
  memset(m.written + pos, false, SPAN - pos);
  m.end = pos;
  tct_queue_discard_from(&q, &pool, at(pos));
  take_returned();
}

/* What was written reads back, from any place up to the next hole. */
static void read_back(struct fuzz_in *in) {
  static uint8_t got[SPAN];
  if (m.begin == m.end)
    return;
  uint32_t from = m.begin + fuzz_below(in, 65536) % (m.end - m.begin), to = from;
  while (to < m.end && m.written[to])
    to++;
  FUZZ_CHECK(tct_queue_copy_out(&q, at(from), got, to - from) == to - from);
  FUZZ_CHECK(to == from || memcmp(got, m.byte + from, to - from) == 0);
}

static void compare(void) {
  tct_queue_check(&q);
  FUZZ_CHECK(q.begin == at(m.begin) && q.end == at(m.end));
  FUZZ_CHECK(q.charged_bytes == 0 || q.head != NULL || q.returned != NULL);
}

static void finish(struct fuzz_mem *mem) {
  tct_queue_deinit(&q, &pool);
  take_returned();
  for (uint64_t i = 0; i < m.lent; i++)
    FUZZ_CHECK(m.is_back[i]);
  FUZZ_CHECK(q.charged_bytes == 0 && pool.used_bytes == 0);
  tct_chunk_pool_deinit(&pool);
  fuzz_mem_finish(mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const tct_seq bases[] = {0, 0xffff8000u, 0x7fff8000u, 0x12345678u};
  static void (*const ops[])(struct fuzz_in *) = {append,   append,  append_in_place, append_lent,
                                                  write_at, consume, discard,         read_back};
  struct fuzz_in in = {data, size};
  struct fuzz_mem mem;
  fuzz_mem_init(&mem);
  for (size_t i = 0; i < sizeof pattern; i++)
    pattern[i] = (uint8_t)(i * 31 + i / 251);
  memset(&m, 0, sizeof m);
  m.base = bases[fuzz_below(&in, 4)];
  bool is_rx = (fuzz_u8(&in) & 1) != 0; /* holes are for queues that nobody appends to */
  mem.fail_in = mem.fail_every = fuzz_u8(&in);
  tct_chunk_pool_init(&pool, &mem.vtable, 1u << (17 + fuzz_below(&in, 4)), 1u << 16);
  tct_queue_init(&q, m.base);
  for (unsigned steps = 0; in.left > 0 && steps < 400; steps++) {
    uint32_t op = fuzz_below(&in, 8);
    if (is_rx && op < 4)
      op = 4;
    if (!is_rx && op == 4)
      op = 0;
    ops[op](&in);
    compare();
  }
  finish(&mem);
  return 0;
}
