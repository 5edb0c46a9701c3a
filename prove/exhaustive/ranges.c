/* SPDX-License-Identifier: MIT */
/*
 * P6: util/ranges.c and the joining of tcp_reasm.c on every set of at most 6 ranges over 16
 * positions, with every argument within and one beyond, at four places of the number space (two of
 * them across a wrap). A set of positions is a bit mask; masks and ranges are one to one, since
 * ranges that touch are merged.
 */
#include "prove/exhaustive/exhaustive.h"
#include "tcp/tcp_reasm.c"
#include "util/ranges.c"

#define POSITIONS 16u
#define CAP 6u

static const tct_seq bases[] = {5000, 0xfffffff8u, 0x7ffffff8u, 0xfffffff0u};
static tct_seq base;
static struct tct_range room[CAP + 1]; /* the last one must stay as it is */

static uint32_t bits(unsigned begin, unsigned end) {
  return (1u << end) - (1u << begin);
}

/* Number of runs of ones. */
static unsigned runs_of(uint32_t mask) {
  return (unsigned)__builtin_popcount(mask & ~(mask << 1));
}

static struct tct_ranges make(uint32_t mask) {
  struct tct_ranges r;
  tct_ranges_init(&r, room, CAP);
  room[CAP].begin = room[CAP].end = 0xdead;
  for (unsigned i = 0; i < POSITIONS; i++) {
    if ((mask >> i & 1) == 0)
      continue;
    if (i == 0 || (mask >> (i - 1) & 1) == 0)
      r.at[r.n++].begin = base + i;
    r.at[r.n - 1].end = base + i + 1;
  }
  return r;
}

/* Sorted, apart, inside, nothing written behind the array. */
static uint32_t read_back(const struct tct_ranges *r) {
  uint32_t mask = 0;
  unsigned last = 0;
  CLAIM(r->n <= CAP && room[CAP].begin == 0xdead && room[CAP].end == 0xdead, "room");
  for (unsigned i = 0; i < r->n; i++) {
    uint32_t begin = r->at[i].begin - base, end = r->at[i].end - base;
    CLAIM(begin < end && end <= POSITIONS && (i == 0 || begin > last), "order of %u", i);
    mask |= bits(begin, end);
    last = end;
  }
  return mask;
}

static void try_add(uint32_t mask, unsigned begin, unsigned end) {
  struct tct_ranges r = make(mask);
  struct tct_range merged = {0, 0};
  uint32_t want = mask | bits(begin, end);
  bool ok = tct_ranges_add(&r, base + begin, base + end, &merged);
  /* refused exactly when it would be a range of its own too many */
  bool alone = runs_of(want) == runs_of(mask) + 1 &&
               (mask & (bits(begin, end) | bits(begin, end) << 1 | bits(begin, end) >> 1)) == 0;
  CLAIM(ok == !(alone && runs_of(mask) == CAP), "%#x + [%u,%u)", mask, begin, end);
  CLAIM(read_back(&r) == (ok ? want : mask), "%#x + [%u,%u)", mask, begin, end);
  if (!ok)
    return;
  uint32_t low = merged.begin - base, high = merged.end - base;
  CLAIM(low <= begin && high >= end && (want & bits(low, high)) == bits(low, high) &&
            (low == 0 || (want >> (low - 1) & 1) == 0) && (want >> high & 1) == 0,
        "merged of %#x + [%u,%u)", mask, begin, end);
}

static void try_trims(uint32_t mask, unsigned pos) {
  struct tct_ranges r = make(mask);
  tct_ranges_trim_before(&r, base + pos);
  CLAIM(read_back(&r) == (mask & ~bits(0, pos)), "%#x before %u", mask, pos);
  r = make(mask);
  tct_ranges_trim_from(&r, base + pos);
  CLAIM(read_back(&r) == (mask & bits(0, pos)), "%#x from %u", mask, pos);
}

static void try_find(uint32_t mask, unsigned pos) {
  struct tct_ranges r = make(mask);
  const struct tct_range *found = tct_ranges_find(&r, base + pos);
  CLAIM((found != NULL) == ((mask >> pos & 1) != 0), "%#x at %u", mask, pos);
  CLAIM(found == NULL || (found->begin - base <= pos && pos < found->end - base), "%#x", mask);
}

static void try_questions(uint32_t mask, unsigned begin, unsigned end) {
  struct tct_ranges r = make(mask);
  struct tct_range part = {0, 0};
  uint32_t in = mask & bits(begin, end);
  CLAIM(tct_ranges_covers(&r, base + begin, base + end) == (in == bits(begin, end)), "%#x [%u,%u)",
        mask, begin, end);
  bool any = tct_ranges_overlap(&r, base + begin, base + end, &part);
  CLAIM(any == (in != 0), "%#x [%u,%u)", mask, begin, end);
  if (!any)
    return;
  unsigned low = (unsigned)__builtin_ctz(in);
  unsigned high = low + (unsigned)__builtin_ctz(~(in >> low));
  CLAIM(part.begin - base == low && part.end - base == high, "part of %#x [%u,%u)", mask, begin,
        end);
}

/* What tcp_reasm makes of text in order that ends at `end`: the stream goes on to the end of the
 * run that it reaches into or touches, and nothing of that stays behind. */
static void try_join(uint32_t mask, unsigned end) {
  struct tct_tcp_ooo o;
  o.set = make(mask);
  unsigned upto = (unsigned)(join(&o, base + end) - base);
  unsigned want = end;
  while (mask >> want & 1)
    want++;
  CLAIM(upto == want && read_back(&o.set) == (mask & ~bits(0, want)), "%#x join %u", mask, end);
}

static void try_all(void (*one)(uint32_t mask, unsigned pos), unsigned from, unsigned upto) {
  for (unsigned b = 0; b < TCT_ARRAY_LEN(bases); b++) {
    base = bases[b];
    for (uint32_t mask = 0; mask < 1u << POSITIONS; mask++) {
      for (unsigned pos = from; runs_of(mask) <= CAP && pos <= upto; pos++)
        one(mask, pos);
    }
  }
}

static void try_all_pairs(void (*one)(uint32_t mask, unsigned begin, unsigned end), bool empty) {
  for (unsigned b = 0; b < TCT_ARRAY_LEN(bases); b++) {
    base = bases[b];
    for (uint32_t mask = 0; mask < 1u << POSITIONS; mask++) {
      for (unsigned begin = 0; runs_of(mask) <= CAP && begin < POSITIONS; begin++) {
        for (unsigned end = begin + (empty ? 0 : 1); end <= POSITIONS; end++)
          one(mask, begin, end);
      }
    }
  }
}

int main(void) {
  try_all_pairs(try_add, false);
  settle("P6 ranges: add joins what it touches, keeps order and bound, refuses one too many");
  try_all(try_trims, 0, POSITIONS);
  settle("P6 ranges: trimmed on either side, nothing else is lost");
  try_all(try_find, 0, POSITIONS);
  settle("P6 ranges: the range around a number is found");
  try_all_pairs(try_questions, true);
  settle("P6 ranges: covered and overlapping parts");
  try_all(try_join, 0, POSITIONS);
  settle("P6 reassembly: the stream goes on exactly to the next gap");
  printf("%u goals, %u proved\n", goals, goals);
  return 0;
}
