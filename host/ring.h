/* SPDX-License-Identifier: MIT */
/*
 * ring.h - frames on their way from one thread to another: one writer, one reader. See ring.c.
 */
#ifndef TCT_HOST_RING_H
#define TCT_HOST_RING_H

#include <stdatomic.h>

#include "tercet/tercet.h"

enum { TCT_RING_BYTES = 1 << 20 };

/* head and tail count bytes and never go back; each is written by one side only. */
struct tct_ring {
  _Alignas(64) _Atomic uint64_t tail; /* the writer's: what may be read ends here */
  _Alignas(64) _Atomic uint64_t head; /* the reader's: what is free again ends here */
  _Alignas(64) uint8_t bytes[TCT_RING_BYTES];
};

/* False: no room; the frame is lost, as on any wire. */
bool tct_ring_put(struct tct_ring *r, const tct_frame *f);
/* Up to n frames, whose bytes stay in the ring until tct_ring_release. `v` has room for n. */
size_t tct_ring_peek(struct tct_ring *r, tct_frame *f, tct_iov *v, size_t n);
void tct_ring_release(struct tct_ring *r, size_t n);
bool tct_ring_is_empty(struct tct_ring *r);

#endif
