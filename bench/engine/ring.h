/* SPDX-License-Identifier: MIT */
/*
 * ring.h - the link of the engine benchmark: packet slots in memory, one ring each way. Every
 * engine writes its packets into them and takes the other side's out of them; when a ring runs
 * empty it starts again at its first slot, so that a short exchange stays in few cache lines.
 */
#ifndef TCT_BENCH_RING_H
#define TCT_BENCH_RING_H

#include <stdbool.h>
#include <stdint.h>

#define RING_SLOTS 512

struct ring {
  uint8_t *memory; /* RING_SLOTS slots of slot_bytes */
  uint32_t slot_bytes;
  uint32_t head, n; /* slots that wait: n of them from head on, wrapped */
  uint32_t len[RING_SLOTS];
  uint64_t packets, bytes, dropped; /* since the start */
};

bool ring_init(struct ring *r, uint32_t mtu);

/* The next free slot, to be written and then committed; NULL when all are taken. */
static inline uint8_t *ring_slot(struct ring *r) {
  if (r->n == RING_SLOTS) {
    r->dropped++;
    return 0;
  }
  if (r->n == 0)
    r->head = 0;
  return r->memory + (uint64_t)((r->head + r->n) % RING_SLOTS) * r->slot_bytes;
}

static inline void ring_commit(struct ring *r, uint32_t len) {
  r->len[(r->head + r->n) % RING_SLOTS] = len;
  r->n++;
  r->packets++;
  r->bytes += len;
}

/* The oldest packet; it stays readable until the next ring_slot. NULL when there is none. */
static inline uint8_t *ring_take(struct ring *r, uint32_t *len) {
  if (r->n == 0)
    return 0;
  uint8_t *p = r->memory + (uint64_t)r->head * r->slot_bytes;
  *len = r->len[r->head];
  r->head = (r->head + 1) % RING_SLOTS;
  r->n--;
  return p;
}

#endif
