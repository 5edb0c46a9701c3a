/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: util/ranges against one bit per position. The first bytes choose the base (often
 * near a wrap) and the capacity; the rest is a list of operations, each followed by a comparison of
 * everything that the set can be asked.
 */
#include "test/fuzz/fuzz.h"

#include <string.h>

#include "util/ranges.h"

enum { SPAN = 256, CAP_MAX = 24 }; /* each position is asked after each step: few of them */

struct model {
  bool has[SPAN + 1]; /* the last is never set: ends every run */
  tct_seq base;
};

static tct_seq at(const struct model *m, uint32_t pos) {
  return tct_seq_add(m->base, pos);
}

static uint32_t count_runs(const struct model *m) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < SPAN; i++)
    n += m->has[i] && !m->has[i + 1];
  return n;
}

static void compare(const struct model *m, const struct tct_ranges *r) {
  uint32_t n = 0;
  tct_ranges_check(r);
  FUZZ_CHECK(r->n == count_runs(m));
  for (uint32_t i = 0; i < SPAN; i++) {
    const struct tct_range *found = tct_ranges_find(r, at(m, i));
    FUZZ_CHECK((found != NULL) == m->has[i]);
    FUZZ_CHECK(found == NULL || found == &r->at[n]);
    n += m->has[i] && !m->has[i + 1];
  }
  FUZZ_CHECK((tct_ranges_first(r) != NULL) == (r->n > 0));
}

static void add(struct model *m, struct tct_ranges *r, uint32_t from, uint32_t to) {
  struct model was = *m;
  struct tct_range merged;
  memset(m->has + from, true, to - from);
  bool fits = count_runs(m) <= r->cap;
  FUZZ_CHECK(tct_ranges_add(r, at(m, from), at(m, to), &merged) == fits);
  if (!fits) {
    *m = was;
    return;
  }
  uint32_t low = from, high = to;
  while (low > 0 && m->has[low - 1])
    low--;
  while (m->has[high])
    high++;
  FUZZ_CHECK(merged.begin == at(m, low) && merged.end == at(m, high));
}

static void ask(const struct model *m, const struct tct_ranges *r, uint32_t from, uint32_t to) {
  struct tct_range part;
  uint32_t low = from;
  bool all = true;
  for (uint32_t i = from; i < to; i++)
    all = all && m->has[i];
  FUZZ_CHECK(tct_ranges_covers(r, at(m, from), at(m, to)) == all);
  while (low < to && !m->has[low])
    low++;
  uint32_t high = low;
  while (high < to && m->has[high])
    high++;
  FUZZ_CHECK(tct_ranges_overlap(r, at(m, from), at(m, to), &part) == (low < to));
  FUZZ_CHECK(low == to || (part.begin == at(m, low) && part.end == at(m, high)));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const tct_seq bases[] = {0, 0xffffff00u, 0x7fffff00u, 0x80000000u};
  struct fuzz_in in = {data, size};
  struct tct_range array[CAP_MAX];
  struct tct_ranges r;
  struct model m = {.base = bases[fuzz_below(&in, 4)] + fuzz_u8(&in)};
  tct_ranges_init(&r, array, (uint16_t)(1 + fuzz_below(&in, CAP_MAX)));
  while (in.left > 0) {
    uint8_t op = fuzz_u8(&in);
    uint32_t from = fuzz_below(&in, SPAN), len = op & 0x80 ? fuzz_below(&in, SPAN) : op >> 2 & 15;
    uint32_t to = from + len > SPAN ? SPAN : from + len;
    if ((op & 3) <= 1 && from < to)
      add(&m, &r, from, to);
    else if ((op & 3) == 2)
      ask(&m, &r, from, to);
    else if ((op & 3) == 3 && (op & 4) != 0) {
      tct_ranges_trim_before(&r, at(&m, from));
      memset(m.has, false, from);
    } else if ((op & 3) == 3) {
      tct_ranges_trim_from(&r, at(&m, from));
      memset(m.has + from, false, SPAN - from);
    }
    compare(&m, &r);
  }
  return 0;
}
