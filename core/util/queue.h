/* SPDX-License-Identifier: MIT */
/* Byte queue made of chunks: the send queue and the receive queue of a connection.
 *
 * Positions are stream positions (sequence numbers); a span is less than 2^31. An empty queue holds
 * no memory. A send queue only grows at its end. A receive queue may be written anywhere at or
 * after `begin`: bytes land at their final place, chunks exist only where bytes are, so there may
 * be holes. The queue does not know which bytes below `end` were never written: its owner keeps
 * ranges for that (tcp_reasm). Limits per connection are the owner's too; it reads charged_bytes.
 */
#ifndef TCT_UTIL_QUEUE_H
#define TCT_UTIL_QUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "util/chunk.h"
#include "util/seq.h"

/* A queue that holds, or is about to hold, more than this uses large chunks. */
#define TCT_QUEUE_BULK_BYTES 16384u

struct tct_queue {
  struct tct_chunk *head; /* sorted by start, disjoint */
  struct tct_chunk *tail;
  struct tct_chunk *hint[2];  /* where the last walks ended: new data and repairs interleave */
  struct tct_chunk *returned; /* lent chunks that are done with, oldest first */
  struct tct_chunk *returned_tail;
  tct_seq begin;           /* first byte not consumed */
  tct_seq end;             /* one past the highest byte written */
  uint32_t charged_bytes;  /* blocks held, and lent memory at its own size */
  uint32_t reserved_bytes; /* offered by append_space and not yet committed */
  uint32_t walk_steps;     /* chunks stepped over since init: tests bound it */
  uint32_t hint_oldest;    /* index of the hint to give up next */
};

void tct_queue_init(struct tct_queue *q, tct_seq begin);

/* Frees all chunks. Lent ones go to `returned`, which the owner pops until it is empty. */
void tct_queue_deinit(struct tct_queue *q, struct tct_chunk_pool *pool);

static inline uint32_t tct_queue_len(const struct tct_queue *q) {
  return tct_seq_len(q->begin, q->end);
}

/* Copies to the end. Returns the bytes taken: fewer than len only when the pool has no more. */
uint32_t tct_queue_append(struct tct_queue *q, struct tct_chunk_pool *pool, const void *data,
                          uint32_t len);

/* Room at the end, to be written in place: at most *n pieces and `want` bytes; sets *n; returns the
 * bytes. The places stay valid until commit, also if all data before them is consumed meanwhile;
 * any other append or discard withdraws the offer. */
uint32_t tct_queue_append_space(struct tct_queue *q, struct tct_chunk_pool *pool, tct_iov *iov,
                                unsigned *n, uint32_t want);
/* The first len bytes of the offer are data now; the rest is withdrawn. False if more than offered.
 */
bool tct_queue_append_commit(struct tct_queue *q, uint32_t len);

/* Takes the memory itself as the next len > 0 bytes, until it is popped from `returned`. False if
 * the pool has no header left. */
bool tct_queue_append_lent(struct tct_queue *q, struct tct_chunk_pool *pool, const void *base,
                           uint32_t len, uint64_t token);

/* Pops the token of one lent piece that is no longer needed; false when there is none. */
bool tct_queue_returned_pop(struct tct_queue *q, struct tct_chunk_pool *pool, uint64_t *token);

/* Writes bytes at their place, pos >= begin; the same place may be written again. Returns the
 * length of the prefix written: short only when the pool has no more. */
uint32_t tct_queue_write_at(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos,
                            const void *data, uint32_t len);

/* begin = pos, which lies in [begin, end]. Frees what lies wholly before. */
void tct_queue_consume_to(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos);

/* end = pos, which lies in [begin, end]. Frees what lies wholly at or after it, unused room
 * included: so with pos == end it gives back what append_space held. */
void tct_queue_discard_from(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos);

/* Where bytes [pos, pos+len) lie: at most *n pieces; sets *n; returns the bytes covered, a prefix
 * that ends at `end` or at a missing chunk. The places stay valid until consumed or discarded. pos
 * >= begin. */
uint32_t tct_queue_peek(struct tct_queue *q, tct_seq pos, uint32_t len, tct_iov *iov, unsigned *n);

/* The same as a copy; returns the bytes copied. */
uint32_t tct_queue_copy_out(struct tct_queue *q, tct_seq pos, void *to, uint32_t len);

void tct_queue_check(const struct tct_queue *q);

#endif
