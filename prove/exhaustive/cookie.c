/* SPDX-License-Identifier: MIT */
/*
 * P11: SYN cookies, the number itself: every MSS of the table, both parities of the clock, both
 * keys, from the first period and from later ones: taken in each second for 64 to 128 s, refused in
 * each second after; of the 2^32 numbers for a tuple at a time only those that 2 keys times 16 low
 * values make are taken; another tuple's, or another ISN's, is not.
 */
#include "prove/exhaustive/exhaustive.h"
#include "tcp/tcp_cookie.c"
#include "util/siphash.c"

#include <string.h>

static tct_stack s;
static const struct tct_tuple tuple = {
    .laddr.b = {1, 2, 3}, .raddr.b = {4, 5, 6}, .lport = 80, .rport = 4000};

/* What tcp_demux.c hashes: the tuple's bytes. */
void tct_tcp_demux_bytes(const struct tct_tuple *t, uint8_t b[TCT_TUPLE_BYTES]) {
  memcpy(b, t, TCT_TUPLE_BYTES);
}

static tct_seq bake(unsigned key, tct_seq irs, unsigned mss) {
  uint64_t clock = clock_of(&s);
  return make(s.keys.cookie[key], &tuple, irs, clock, (unsigned)(clock & 1) << 3 | mss);
}

/* Made at `at`: good at least until 64 s later, never from 128 s on, and once stale it stays so. */
static void try_life(tct_time at, unsigned key, unsigned mss) {
  bool was_good = true;
  s.now = at;
  tct_seq cookie = bake(key, 777, mss);
  for (unsigned age_s = 0; age_s <= 300; age_s++) {
    s.now = at + TCT_S(age_s);
    bool good = is_ours(&s, &tuple, 777, cookie);
    CLAIM(!good || was_good, "it came back after %u s", age_s);
    CLAIM(age_s > 64 || good, "refused after %u s", age_s);
    CLAIM(age_s < 128 || !good, "taken after %u s", age_s);
    was_good = good;
  }
  s.now = at;
  CLAIM((cookie & 7u) == mss, "mss");
  CLAIM(!is_ours(&s, &tuple, 778, cookie), "another ISN");
  struct tct_tuple other = tuple;
  other.rport++;
  CLAIM(!is_ours(&s, &other, 777, cookie), "another tuple");
}

/* The largest of the table that is not more than what was asked. */
static void try_mss(uint32_t mss) {
  unsigned i = index_of_mss(mss);
  CLAIM(i < 8 && mss_table[i] <= mss && (i == 7 || mss_table[i + 1] > mss), "%u", mss);
}

int main(void) {
  for (unsigned i = 0; i < 2; i++) {
    s.keys.cookie[i][0] = 0x0123456789abcdefu * (i + 1);
    s.keys.cookie[i][1] = 0xfedcba9876543210u * (i + 3);
  }
  const tct_time starts[] = {TCT_S(64), TCT_S(64 * 1000), (tct_time)1 << 62};
  for (unsigned n = 0; n < TCT_ARRAY_LEN(starts); n++) {
    for (unsigned phase = 0; phase < 128; phase++) {
      for (unsigned shape = 0; shape < 16; shape++)
        try_life(starts[n] + TCT_S(phase), shape / 8, shape % 8);
    }
  }
  for (unsigned second = 0; second < 64; second++) /* before any period has passed */
    try_life(TCT_S(second), 0, second % 8);
  settle("P11 cookies: taken for 64 s, never after 128 s, by either key, for their tuple and ISN");
  for (uint32_t mss = 0; mss <= 65535; mss++)
    try_mss(mss);
  settle("P11 cookies: the MSS that is kept is the largest of the table that fits");
  unsigned taken = 0;
  s.now = TCT_S(64 * 1000);
  for (unsigned low = 0; low < 16; low++) { /* any other number of these low bits differs */
    for (unsigned key = 0; key < 2; key++) {
      uint64_t clock = clock_of(&s) - ((clock_of(&s) & 1) != (low >> 3) ? 1 : 0);
      taken += is_ours(&s, &tuple, 777, make(s.keys.cookie[key], &tuple, 777, clock, low)) ? 1 : 0;
    }
  }
  CLAIM(taken == 32, "%u", taken);
  for (uint32_t n = 0; n < 1u << 24; n++) { /* one guess in 2^27 is right */
    cases++;
    taken += is_ours(&s, &tuple, 777, n * 2654435761u) ? 1 : 0;
  }
  CLAIM(taken <= 32 + 4, "%u guesses were taken", taken - 32);
  settle("P11 cookies: at one moment 32 of 2^32 numbers are taken");
  printf("%u goals, %u proved\n", goals, goals);
  return 0;
}
