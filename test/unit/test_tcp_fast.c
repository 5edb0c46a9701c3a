/* SPDX-License-Identifier: MIT */
/* The fast path: alike with the general one, bit for bit, in whatever comes; and really taken where
 * it should be. */
#include "test/lib/twins.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Steps of twins.c: ours are even, the peer's odd. */
enum { CARRY_ONE = 0, CARRY_ALL = 6, READ = 12, WRITE_FEW = 22, WAIT = 24, END = 30 };
enum { SHUT = 230, CLOSE = 245 }; /* what END takes */

/* A little text each way, so that the windows are known. */
#define TALK WRITE_FEW, 8, WRITE_FEW + 1, 8, CARRY_ALL, READ, 9, 9, READ + 1, 9, 9, CARRY_ALL
enum { TALK_BYTES = 12 };

/* Who ends first, how, and what is carried in between. */
static void closing__same_memory_and_the_short_way(void **state) {
  (void)state;
  for (unsigned n = 0; n < 256; n++) {
    struct twins_result talked = {0, 0}, r = {0, 0};
    uint8_t how = (uint8_t)((n & 0x38) << 1 | (n & 2)), more = (n & 64) != 0 ? 0x10 : 0x01;
    uint8_t first = n & 1, second = 1 - first;
    uint8_t between = (n & 128) != 0 ? CARRY_ALL : CARRY_ONE + first;
    uint8_t ends[] = {(n & 2) != 0 ? SHUT : CLOSE, (n & 4) != 0 ? SHUT : CLOSE};
    uint8_t life[] = {how,       more,         0,       TALK,     END + first, ends[0], between,
                      CARRY_ALL, END + second, ends[1], CARRY_ALL};
    twins_play(life, 3 + TALK_BYTES, fail_here, &talked);
    twins_play(life, sizeof life, fail_here, &r);
    assert_true(r.fast_segs > talked.fast_segs);
  }
}

static void closing_lives__both_ways_in__same_memory(void **state) {
  (void)state;
  static const uint8_t talk[] = {TALK};
  static const uint8_t steps[] = {CARRY_ONE, CARRY_ONE, CARRY_ALL, WRITE_FEW, WAIT, END, END, END};
  struct twins_result r = {0, 0};
  uint8_t raw[BYTES], life[BYTES];
  for (unsigned n = 0; n < 1500; n++) {
    unsigned len = 3 + TALK_BYTES;
    fill(raw, (uint8_t)n);
    for (unsigned i = 0; i < 3; i++)
      life[i] = (uint8_t)(raw[i] ^ (n * 37) >> i);
    memcpy(life + 3, talk, sizeof talk);
    for (unsigned i = 3; i < 60; i++) {
      uint8_t op = steps[(raw[i] ^ n >> 8) & 7u];
      life[len++] = (uint8_t)(op | (raw[i + 100] & 1));
      if (op == END)
        life[len++] = (raw[i + 200] & 1) != 0 ? SHUT : CLOSE;
      else if (op == WAIT)
        life[len++] = raw[i + 200] & 7;
      else if (op != CARRY_ALL)
        life[len++] = raw[i + 200];
    }
    twins_play(life, len, fail_here, &r);
  }
  assert_true(r.fast_segs > r.segs / 16);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_lives__both_ways_in__same_memory),
      cmocka_unit_test(calm_lives__both_ways_in__same_memory_most_of_it_fast),
      cmocka_unit_test(closing__same_memory_and_the_short_way),
      cmocka_unit_test(closing_lives__both_ways_in__same_memory),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
