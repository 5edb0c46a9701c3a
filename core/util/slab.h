/* SPDX-License-Identifier: MIT */
/* Fixed-size objects with a stable index <-> pointer mapping: connections, half-open and TIME-WAIT
 * records, active blocks. Grown one page at a time through a two-level table: no object ever moves,
 * and no growth touches more than one page and one table, though it may ask for more.
 *
 * A new object's memory is zero. A reused one holds what its last life left there, but for the four
 * bytes at link_offset: so a generation field outlives the object, and stale handles can be told.
 * Pages go back to the allocator in deinit only. */
#ifndef TCT_UTIL_SLAB_H
#define TCT_UTIL_SLAB_H

#include <stdint.h>

#include "tercet/tercet.h"

#define TCT_SLAB_NONE UINT32_MAX /* no index: lists of indices may end with it */

struct tct_slab {
  const tct_alloc *alloc;
  uint8_t *chunk;        /* that the last pages came out of */
  uint8_t ***tables;     /* directory -> table -> page; NULL where nothing is yet */
  uint32_t object_bytes; /* multiple of 8 */
  uint32_t link_offset;  /* where in a free object the index of the next free one is kept */
  uint32_t limit;        /* objects, at most */
  uint32_t used;         /* objects handed out */
  uint32_t fresh;        /* objects ever handed out: indices below it have memory */
  uint32_t capacity;     /* objects that the pages held now can take */
  uint32_t free_head;    /* the object freed last, or TCT_SLAB_NONE */
  uint32_t page_shift;   /* a page holds 1 << page_shift objects */
};

/* Allocates nothing yet. `alloc` must outlive the slab. */
void tct_slab_init(struct tct_slab *slab, const tct_alloc *alloc, uint32_t object_bytes,
                   uint32_t link_offset, uint32_t limit);
void tct_slab_deinit(struct tct_slab *slab);

/* NULL at the limit, or when the allocator has nothing. */
void *tct_slab_alloc(struct tct_slab *slab, uint32_t *index);
void tct_slab_free(struct tct_slab *slab, uint32_t index);

/* The object, live or freed; NULL if no object ever had that index, so a hostile handle is
 * harmless. */
void *tct_slab_at(const struct tct_slab *slab, uint32_t index);

static inline uint32_t tct_slab_used(const struct tct_slab *slab) {
  return slab->used;
}

static inline uint32_t tct_slab_capacity(const struct tct_slab *slab) {
  return slab->capacity;
}

/* Indices below this have been used at least once: the bound for a walk over all objects. */
static inline uint32_t tct_slab_index_end(const struct tct_slab *slab) {
  return slab->fresh;
}

/* Bytes asked of the allocator. */
uint64_t tct_slab_bytes(const struct tct_slab *slab);

void tct_slab_check(const struct tct_slab *slab);

#endif
