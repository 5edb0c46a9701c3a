/* SPDX-License-Identifier: MIT */
/* Bounded sorted set of sequence ranges [begin, end): what has arrived out of order (tcp_reasm),
 * what the peer has told us it holds. Ranges are disjoint and do not touch: neighbours are merged.
 * The array is the caller's. All positions of a set lie within 2^31 of each other; that too is the
 * caller's promise, kept by the receive window. */
#ifndef TCT_UTIL_RANGES_H
#define TCT_UTIL_RANGES_H

#include <stdbool.h>
#include <stdint.h>

#include "util/seq.h"

struct tct_range {
  tct_seq begin;
  tct_seq end;
};

struct tct_ranges {
  struct tct_range *at; /* cap entries, the first n in use, ascending */
  uint16_t n;
  uint16_t cap;
};

void tct_ranges_init(struct tct_ranges *r, struct tct_range *at, uint16_t cap);

/* begin < end. Joins all that it overlaps or touches; *merged (may be NULL) is the range that now
 * contains it. False, and nothing changed, if it would be one range too many. */
bool tct_ranges_add(struct tct_ranges *r, tct_seq begin, tct_seq end, struct tct_range *merged);

/* Nothing below pos / nothing at or above pos remains. */
void tct_ranges_trim_before(struct tct_ranges *r, tct_seq pos);
void tct_ranges_trim_from(struct tct_ranges *r, tct_seq pos);

/* Is all of [begin, end) in the set? An empty range always is. */
bool tct_ranges_covers(const struct tct_ranges *r, tct_seq begin, tct_seq end);

/* The lowest part of [begin, end) that is in the set; false if none. */
bool tct_ranges_overlap(const struct tct_ranges *r, tct_seq begin, tct_seq end,
                        struct tct_range *part);

/* The range that contains pos, or NULL. */
const struct tct_range *tct_ranges_find(const struct tct_ranges *r, tct_seq pos);

/* The lowest range, or NULL if the set is empty. */
static inline const struct tct_range *tct_ranges_first(const struct tct_ranges *r) {
  return r->n == 0 ? (const struct tct_range *)0 : &r->at[0];
}

void tct_ranges_check(const struct tct_ranges *r);

#endif
