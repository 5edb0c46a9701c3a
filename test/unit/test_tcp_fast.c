/* SPDX-License-Identifier: MIT */
/* The fast path: alike with the general one, bit for bit, in whatever comes; and really taken where
 * it should be. */
#include "test/lib/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "util/prng.h"

enum { BYTES = 700 };

static void fail_here(const char *what) {
  fail_msg("not alike: %s", what);
}

static struct tct_prng prng;

static void fill(uint8_t *bytes, uint8_t seed) {
  const uint8_t key[32] = {seed};
  tct_prng_init(&prng, key);
  tct_prng_fill(&prng, bytes, BYTES);
}

static void random_lives__both_ways_in__same_memory(void **state) {
  (void)state;
  struct twins_result r = {0, 0};
  uint8_t bytes[BYTES];
  for (unsigned n = 0; n < 96; n++) {
    fill(bytes, (uint8_t)n);
    bytes[0] = (uint8_t)(n * 37);
    bytes[1] = (uint8_t)(n * 11);
    twins_play(bytes, BYTES, fail_here, &r);
  }
  assert_true(r.fast_segs > r.segs / 16);
  assert_true(r.fast_segs < r.segs);
}

/* Write, read, carry, wait: steps of twins.c that spoil nothing. */
static void calm_lives__both_ways_in__same_memory_most_of_it_fast(void **state) {
  (void)state;
  static const uint8_t calm[] = {18, 19, 12, 13, 22, 23, 24, 6, 8, 0xe0, 0xe1};
  struct twins_result r = {0, 0};
  uint8_t bytes[BYTES];
  for (unsigned n = 0; n < 64; n++) {
    fill(bytes, (uint8_t)n);
    bytes[0] = (uint8_t)(n * 37 & 0xbf);    /* no small buffers: */
    bytes[1] = (uint8_t)((n * 11 & 0xf1));  /* CUBIC and NewReno, no ECN, memory enough */
    bytes[2] &= 0x34;                       /* no faults */
    for (unsigned i = 3; i < BYTES; i += 3) /* some take two bytes more, some take fewer */
      bytes[i] = calm[bytes[i] % sizeof calm];
    twins_play(bytes, BYTES, fail_here, &r);
  }
  assert_true(r.fast_segs > r.segs / 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_lives__both_ways_in__same_memory),
      cmocka_unit_test(calm_lives__both_ways_in__same_memory_most_of_it_fast),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
