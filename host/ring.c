/* SPDX-License-Identifier: MIT */
/*
 * ring.c - a queue of frames between two threads without a lock. Called by mesh.c.
 *
 * A record is a header and the frame's bytes, in one piece; one that would run over the end begins
 * at the front, behind a filler. Bounded by its size: who writes into a full ring loses the frame.
 */
#include "host/ring.h"

#include <string.h>

enum { UNIT = 16 };

struct record {
  uint32_t len;
  uint16_t seg_size, csum_start, csum_offset;
  uint8_t csum;
  uint8_t is_filler;
  tct_time at;
};

static size_t whole(size_t len) {
  return (sizeof(struct record) + len + UNIT - 1) / UNIT * UNIT;
}

static struct record read_record(const struct tct_ring *r, uint64_t at) {
  struct record rec;
  memcpy(&rec, r->bytes + at % TCT_RING_BYTES, sizeof rec);
  return rec;
}

static void write_record(struct tct_ring *r, uint64_t at, const struct record *rec) {
  memcpy(r->bytes + at % TCT_RING_BYTES, rec, sizeof *rec);
}

static void copy_pieces(uint8_t *to, const tct_frame *f) {
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(to, f->iov[i].base, f->iov[i].len);
    to += f->iov[i].len;
  }
}

bool tct_ring_put(struct tct_ring *r, const tct_frame *f) {
  uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
  uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
  size_t need = whole(f->len), to_end = TCT_RING_BYTES - tail % TCT_RING_BYTES;
  size_t filler = to_end < need ? to_end : 0;
  if (f->len > TCT_RING_BYTES / 4 || tail + filler + need - head > TCT_RING_BYTES)
    return false;
  if (filler >= sizeof(struct record))
    write_record(r, tail, &(struct record){.is_filler = 1});
  tail += filler;
  struct record rec = {f->len, f->seg_size, f->csum_start, f->csum_offset, f->csum, 0, f->at};
  write_record(r, tail, &rec);
  copy_pieces(r->bytes + tail % TCT_RING_BYTES + sizeof rec, f);
  atomic_store_explicit(&r->tail, tail + need, memory_order_release);
  return true;
}

/* Where the next record is: past a filler, or past an end too short even for one. */
static uint64_t skip_filler(const struct tct_ring *r, uint64_t at) {
  size_t to_end = TCT_RING_BYTES - at % TCT_RING_BYTES;
  if (to_end < sizeof(struct record) || read_record(r, at).is_filler != 0)
    return at + to_end;
  return at;
}

size_t tct_ring_peek(struct tct_ring *r, tct_frame *f, tct_iov *v, size_t n) {
  uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
  uint64_t at = atomic_load_explicit(&r->head, memory_order_relaxed);
  size_t got = 0;
  for (; got < n && at < tail; got++) {
    at = skip_filler(r, at);
    struct record rec = read_record(r, at);
    v[got] = (tct_iov){r->bytes + at % TCT_RING_BYTES + sizeof rec, rec.len};
    f[got] = (tct_frame){.iov = &v[got],
                         .n_iov = 1,
                         .len = rec.len,
                         .seg_size = rec.seg_size,
                         .csum = rec.csum,
                         .csum_start = rec.csum_start,
                         .csum_offset = rec.csum_offset,
                         .at = rec.at};
    at += whole(rec.len);
  }
  return got;
}

void tct_ring_release(struct tct_ring *r, size_t n) {
  uint64_t at = atomic_load_explicit(&r->head, memory_order_relaxed);
  for (size_t i = 0; i < n; i++) {
    at = skip_filler(r, at);
    at += whole(read_record(r, at).len);
  }
  atomic_store_explicit(&r->head, at, memory_order_release);
}

bool tct_ring_is_empty(struct tct_ring *r) {
  return atomic_load_explicit(&r->tail, memory_order_acquire) ==
         atomic_load_explicit(&r->head, memory_order_relaxed);
}
