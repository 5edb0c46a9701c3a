/* SPDX-License-Identifier: MIT */
/* Bounded sorted set of sequence ranges. See ranges.h. All searches are binary. */
#include "util/ranges.h"

#include "util/assert.h"
#include "util/mem.h"
#include "util/plant.h"

/* Index of the first range that ends at or after pos; n if none. */
static uint32_t find_ending(const struct tct_ranges *r, tct_seq pos) {
  uint32_t low = 0;
  uint32_t high = r->n;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    if (tct_seq_lt(r->at[middle].end, pos))
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Index of the first range that begins after pos; n if none. */
static uint32_t find_beginning_after(const struct tct_ranges *r, tct_seq pos) {
  uint32_t low = 0;
  uint32_t high = r->n;
  while (low < high) {
    uint32_t middle = (low + high) / 2;
    bool before = TCT_PLANT(PLAIN_COMPARE_RANGES) ? r->at[middle].begin <= pos
                                                  : tct_seq_leq(r->at[middle].begin, pos);
    if (before)
      low = middle + 1;
    else
      high = middle;
  }
  return low;
}

/* Moves the entries from `from` on so that they start at `to`. */
static void shift(struct tct_ranges *r, uint32_t from, uint32_t to) {
  memmove(&r->at[to], &r->at[from], (r->n - from) * sizeof(r->at[0]));
  r->n = (uint16_t)(r->n + to - from);
}

void tct_ranges_init(struct tct_ranges *r, struct tct_range *at, uint16_t cap) {
  *r = (struct tct_ranges){.at = at, .cap = cap};
}

bool tct_ranges_add(struct tct_ranges *r, tct_seq begin, tct_seq end, struct tct_range *merged) {
  TCT_ASSERT(tct_seq_lt(begin, end));
  uint32_t first = find_ending(r, begin);
  uint32_t past = find_beginning_after(r, end);
  struct tct_range sum = {begin, end};
  if (first == past) {
    if (r->n == r->cap)
      return false;
    shift(r, first, first + 1);
  } else {
    sum.begin = tct_seq_min(begin, r->at[first].begin);
    sum.end = tct_seq_max(end, r->at[past - 1].end);
    shift(r, past, first + 1);
  }
  r->at[first] = sum;
  if (merged != NULL)
    *merged = sum;
  return true;
}

void tct_ranges_trim_before(struct tct_ranges *r, tct_seq pos) {
  shift(r, find_ending(r, tct_seq_add(pos, 1)), 0);
  if (r->n > 0)
    r->at[0].begin = tct_seq_max(r->at[0].begin, pos);
}

void tct_ranges_trim_from(struct tct_ranges *r, tct_seq pos) {
  r->n = (uint16_t)find_beginning_after(r, tct_seq_sub(pos, 1));
  if (r->n > 0)
    r->at[r->n - 1].end = tct_seq_min(r->at[r->n - 1].end, pos);
}

const struct tct_range *tct_ranges_find(const struct tct_ranges *r, tct_seq pos) {
  uint32_t i = find_ending(r, tct_seq_add(pos, 1));
  return i < r->n && tct_seq_leq(r->at[i].begin, pos) ? &r->at[i] : NULL;
}

bool tct_ranges_covers(const struct tct_ranges *r, tct_seq begin, tct_seq end) {
  if (begin == end)
    return true;
  const struct tct_range *range = tct_ranges_find(r, begin);
  return range != NULL && tct_seq_leq(end, range->end);
}

bool tct_ranges_overlap(const struct tct_ranges *r, tct_seq begin, tct_seq end,
                        struct tct_range *part) {
  uint32_t i = find_ending(r, tct_seq_add(begin, 1));
  if (begin == end || i == r->n || tct_seq_geq(r->at[i].begin, end))
    return false;
  part->begin = tct_seq_max(begin, r->at[i].begin);
  part->end = tct_seq_min(end, r->at[i].end);
  return true;
}

void tct_ranges_check(const struct tct_ranges *r) {
  TCT_ASSERT(r->n <= r->cap);
  for (uint32_t i = 0; i < r->n; i++) {
    TCT_ASSERT(tct_seq_lt(r->at[i].begin, r->at[i].end));
    TCT_ASSERT(i == 0 || tct_seq_lt(r->at[i - 1].end, r->at[i].begin));
  }
}
