/* SPDX-License-Identifier: MIT */
/* The pool of chunks. See chunk.h. */
#include "util/chunk.h"

#include "util/assert.h"
#include "util/mem.h"

#define BLOCK_ALIGN 64u

TCT_STATIC_ASSERT(sizeof(struct tct_chunk) <= 64, "a lent chunk's header fits in its block");

static void release_idle(struct tct_chunk_pool *pool, uint32_t kind) {
  pool->alloc->free(pool->alloc->ctx, tct_chunk_pop_idle(pool, kind), tct_chunk_class_bytes[kind]);
}

/* Makes room under the limit at the cost of idle blocks of other sizes; at most 512 of them. */
static bool make_room(struct tct_chunk_pool *pool, uint32_t bytes) {
  if (bytes > pool->limit_bytes || pool->used_bytes > pool->limit_bytes - bytes)
    return false;
  for (uint32_t kind = 0; kind < TCT_CHUNK_CLASSES; kind++)
    while (pool->idle[kind] != NULL &&
           pool->used_bytes + pool->idle_bytes > pool->limit_bytes - bytes)
      release_idle(pool, kind);
  return true;
}

static struct tct_chunk *take_block(struct tct_chunk_pool *pool, uint32_t kind) {
  if (pool->idle[kind] != NULL)
    return tct_chunk_pop_idle(pool, kind);
  if (!make_room(pool, tct_chunk_class_bytes[kind]))
    return NULL;
  return pool->alloc->alloc(pool->alloc->ctx, tct_chunk_class_bytes[kind], BLOCK_ALIGN);
}

void tct_chunk_pool_init(struct tct_chunk_pool *pool, const tct_alloc *alloc, uint64_t limit_bytes,
                         uint64_t idle_max_bytes) {
  *pool = (struct tct_chunk_pool){
      .alloc = alloc,
      .limit_bytes = limit_bytes,
      .idle_max_bytes = idle_max_bytes,
  };
}

void tct_chunk_pool_deinit(struct tct_chunk_pool *pool) {
  TCT_ASSERT(pool->used_bytes == 0);
  for (uint32_t kind = 0; kind < TCT_CHUNK_CLASSES; kind++)
    while (pool->idle[kind] != NULL)
      release_idle(pool, kind);
  TCT_ASSERT(pool->idle_bytes == 0);
}

struct tct_chunk *tct_chunk_new_any(struct tct_chunk_pool *pool, enum tct_chunk_class kind) {
  struct tct_chunk *chunk = take_block(pool, kind);
  return chunk != NULL ? tct_chunk_begin(pool, chunk, kind) : NULL;
}

TCT_HOT void tct_chunk_free(struct tct_chunk_pool *pool, struct tct_chunk *chunk) {
  uint32_t kind = chunk->kind;
  TCT_ASSERT(kind < TCT_CHUNK_CLASSES && pool->used_bytes >= tct_chunk_class_bytes[kind]);
  pool->used_bytes -= tct_chunk_class_bytes[kind];
  chunk->next = pool->idle[kind];
  pool->idle[kind] = chunk;
  pool->idle_class_bytes[kind] += tct_chunk_class_bytes[kind];
  pool->idle_bytes += tct_chunk_class_bytes[kind];
  if (pool->idle_class_bytes[kind] * TCT_CHUNK_CLASSES > pool->idle_max_bytes)
    release_idle(pool, kind);
}
