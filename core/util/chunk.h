/* SPDX-License-Identifier: MIT */
/* Chunks: the pieces of memory that byte queues are made of, and the pool that they come from.
 *
 * Blocks have one of three sizes, header included; freed blocks are kept for the next taker up to a
 * bound. The limit counts what is held from the allocator, in use or idle. Only queue.c and stack
 * set-up call it. */
#ifndef TCT_UTIL_CHUNK_H
#define TCT_UTIL_CHUNK_H

#include <stdint.h>

#include "tercet/tercet.h"
#include "util/seq.h"

enum tct_chunk_class {
  TCT_CHUNK_SMALL, /* 2 KiB block: what a quiet connection holds */
  TCT_CHUNK_LARGE, /* 32 KiB block: for bulk */
  TCT_CHUNK_LENT,  /* 64 byte block: header only, data is somebody else's memory */
  TCT_CHUNK_CLASSES
};

struct tct_chunk {
  struct tct_chunk *next;
  uint8_t *data;  /* behind this header, or the lent memory */
  uint64_t token; /* LENT: what the lender knows the memory by */
  tct_seq start;  /* stream position of data[0] */
  uint32_t cap;   /* bytes of the stream that belong in this chunk; may be less than its room */
  uint32_t fill;  /* one past the highest byte written, from data[0] */
  uint32_t kind;  /* enum tct_chunk_class */
};

struct tct_chunk_pool {
  const tct_alloc *alloc;
  struct tct_chunk *idle[TCT_CHUNK_CLASSES]; /* kept for the next taker, last freed first */
  uint64_t idle_class_bytes[TCT_CHUNK_CLASSES];
  uint64_t limit_bytes;    /* used + idle never goes above */
  uint64_t used_bytes;     /* blocks that queues hold */
  uint64_t idle_bytes;     /* sum of idle_class_bytes */
  uint64_t idle_max_bytes; /* each class keeps up to a third of it; the rest goes back at once */
};

/* A block as the allocator sees it, and the bytes of a stream that fit in one. */
static const uint32_t tct_chunk_class_bytes[TCT_CHUNK_CLASSES] = {2048, 32768, 64};
static inline uint32_t tct_chunk_block_bytes(enum tct_chunk_class kind) {
  return tct_chunk_class_bytes[kind];
}
static inline uint32_t tct_chunk_data_bytes(enum tct_chunk_class kind) {
  uint32_t bytes = tct_chunk_block_bytes(kind);
  return kind == TCT_CHUNK_LENT ? 0 : bytes - (uint32_t)sizeof(struct tct_chunk);
}

void tct_chunk_pool_init(struct tct_chunk_pool *pool, const tct_alloc *alloc, uint64_t limit_bytes,
                         uint64_t idle_max_bytes);
/* All chunks must have been given back. */
void tct_chunk_pool_deinit(struct tct_chunk_pool *pool);

/* In chunk.c's hands: one that is idle, and what a chunk is at first. */
static inline struct tct_chunk *tct_chunk_pop_idle(struct tct_chunk_pool *pool, uint32_t kind) {
  struct tct_chunk *chunk = pool->idle[kind];
  pool->idle[kind] = chunk->next;
  pool->idle_class_bytes[kind] -= tct_chunk_class_bytes[kind];
  pool->idle_bytes -= tct_chunk_class_bytes[kind];
  return chunk;
}

static inline struct tct_chunk *tct_chunk_begin(struct tct_chunk_pool *pool,
                                                struct tct_chunk *chunk, uint32_t kind) {
  *chunk = (struct tct_chunk){
      .data = kind == TCT_CHUNK_LENT ? NULL : (uint8_t *)(chunk + 1),
      .kind = kind,
  };
  pool->used_bytes += tct_chunk_class_bytes[kind];
  return chunk;
}

struct tct_chunk *tct_chunk_new_any(struct tct_chunk_pool *pool, enum tct_chunk_class kind);

/* NULL at the limit, or when the allocator has nothing. Mostly a small one is idle. */
static inline struct tct_chunk *tct_chunk_new(struct tct_chunk_pool *pool,
                                              enum tct_chunk_class kind) {
  if (kind == TCT_CHUNK_SMALL && pool->idle[TCT_CHUNK_SMALL] != NULL)
    return tct_chunk_begin(pool, tct_chunk_pop_idle(pool, TCT_CHUNK_SMALL), TCT_CHUNK_SMALL);
  return tct_chunk_new_any(pool, kind);
}
void tct_chunk_free(struct tct_chunk_pool *pool, struct tct_chunk *chunk);

#endif
