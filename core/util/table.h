/* SPDX-License-Identifier: MIT */
/* Hash index: from a 64-bit keyed hash to 32-bit references (slab indices). The caller hashes and
 * compares keys; the table stores 8 bytes an entry, no key.
 *
 * Open addressing, Robin Hood order. Growth is spread: the new array is got and cleared a piece at
 * a time and the old one emptied and given back likewise, by the insertions and removals that
 * follow, so no call has to touch more than some kilobytes. Never shrinks before deinit. The hash
 * must be one that peers cannot steer (siphash.h): the probe bound relies on it. */
#ifndef TCT_UTIL_TABLE_H
#define TCT_UTIL_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "tercet/tercet.h"

#define TCT_TABLE_NONE UINT32_MAX
#define TCT_TABLE_REF_MAX (UINT32_MAX - 2)
#define TCT_TABLE_PROBE_MAX 512u /* an insertion that would need a longer probe is refused */

struct tct_table_slot {
  uint32_t tag; /* high half of the hash; its top bits choose the slot */
  uint32_t ref; /* or TCT_TABLE_NONE: free; or TCT_TABLE_NONE - 1: was here, moved or removed */
};

#define TCT_TABLE_SEGMENT_BITS 12u /* 32 KiB: no call gets, clears or gives back more at once */

struct tct_table_array {
  struct tct_table_slot **segment; /* NULL: no array; one of them NULL: none yet, or given back */
  uint32_t bits;                   /* it has 1 << bits slots */
  uint32_t reach;                  /* no entry is further from its home */
};

/* The address of slot i, whose segment is there. */
static inline struct tct_table_slot *tct_table_slot(const struct tct_table_array *a, uint32_t i) {
  return &a->segment[i >> TCT_TABLE_SEGMENT_BITS][i & ((1u << TCT_TABLE_SEGMENT_BITS) - 1)];
}

struct tct_table {
  const tct_alloc *alloc;
  struct tct_table_array live; /* insertions go here */
  struct tct_table_array old;  /* being emptied into live, from slot 0 up to cursor so far */
  struct tct_table_array
      spare; /* being cleared, up to cursor; becomes live, and live becomes old */
  uint32_t cursor;
  uint32_t limit;     /* entries, at most */
  uint32_t used;      /* entries */
  uint32_t live_used; /* of these, in live */
  uint32_t probe_max; /* slots that the longest insertion so far stepped over */
};

struct tct_table_it {
  uint32_t tag;
  uint32_t distance; /* slots from the home slot to the next to look at */
  bool in_old;
};

/* Allocates nothing yet. `alloc` must outlive the table. */
void tct_table_init(struct tct_table *t, const tct_alloc *alloc, uint32_t limit);
void tct_table_deinit(struct tct_table *t);

/* ref <= TCT_TABLE_REF_MAX; the same (hash, ref) must not be in already. False at the limit, when
 * the allocator has nothing and the array is full, or beyond the probe bound. */
bool tct_table_insert(struct tct_table *t, uint64_t hash, uint32_t ref);

/* False if it is not there. */
bool tct_table_remove(struct tct_table *t, uint64_t hash, uint32_t ref);

/* Candidates: references whose stored 32 bits of hash are equal. The caller compares the key, and
 * goes on until TCT_TABLE_NONE. No insertion or removal in between. */
uint32_t tct_table_first(const struct tct_table *t, uint64_t hash, struct tct_table_it *it);
uint32_t tct_table_next(const struct tct_table *t, struct tct_table_it *it);

/* Fetches the cache line that tct_table_first() will want; for bursts. Always in place: gcc leaves
 * out calls of what only prefetches. */
static inline __attribute__((always_inline)) void tct_table_prefetch(const struct tct_table *t,
                                                                     uint64_t hash) {
  if (t->live.segment != (struct tct_table_slot **)0)
    __builtin_prefetch(tct_table_slot(&t->live, (uint32_t)(hash >> 32) >> (32 - t->live.bits)));
}

static inline uint32_t tct_table_used(const struct tct_table *t) {
  return t->used;
}

void tct_table_check(const struct tct_table *t);

#endif
