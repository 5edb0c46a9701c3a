/* SPDX-License-Identifier: MIT */
/* The generator: fixed history for a seed, all seed bytes count, bounds are kept and fair. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/lib/expect_trap.h"
#include "util/mem.h"
#include "util/prng.h"

static void init_counting(struct tct_prng *prng, uint8_t seed[32]) {
  for (uint8_t i = 0; i < 32; i++)
    seed[i] = i;
  tct_prng_init(prng, seed);
}

/* Computed apart: SipHash-2-4, key = first half of the seed, input = second half and the counter.
 */
static void known_seed__known_history(void **state) {
  (void)state;
  struct tct_prng prng;
  uint8_t seed[32];
  init_counting(&prng, seed);
  assert_true(tct_prng_u64(&prng) == 0xf8b4fc7e156568d7);
  assert_true(tct_prng_u64(&prng) == 0x1fc4653bf5892fc8);
  assert_true(tct_prng_u32(&prng) == 0x20149b7b);
  assert_true(tct_prng_u64(&prng) == 0x46db3432cc94ff3f);
}

static void each_seed_byte__matters(void **state) {
  (void)state;
  struct tct_prng prng;
  uint8_t seed[32];
  init_counting(&prng, seed);
  uint64_t first = tct_prng_u64(&prng);
  for (int i = 0; i < 32; i++) {
    seed[i] ^= 0x80;
    tct_prng_init(&prng, seed);
    assert_true(tct_prng_u64(&prng) != first);
    seed[i] ^= 0x80;
  }
}

static void below__keeps_the_bound_and_is_fair(void **state) {
  (void)state;
  struct tct_prng prng;
  uint8_t seed[32];
  init_counting(&prng, seed);
  uint32_t count[7] = {0};
  for (int i = 0; i < 70000; i++) {
    uint32_t x = tct_prng_below(&prng, 7);
    assert_true(x < 7);
    count[x]++;
  }
  for (int i = 0; i < 7; i++)
    assert_in_range(count[i], 9500, 10500);
  for (int i = 0; i < 100; i++)
    assert_int_equal(tct_prng_below(&prng, 1), 0);
  /* Three quarters of 2^32: without drawing again, a third of the results would come twice as
   * often. */
  uint32_t low = 0;
  for (int i = 0; i < 30000; i++)
    low += tct_prng_below(&prng, 0xc0000000u) < 0x60000000u;
  assert_in_range(low, 14500, 15500);
  uint32_t thirds[3] = {0};
  for (int i = 0; i < 30000; i++)
    thirds[tct_prng_below(&prng, 0xc0000000u) % 3]++;
  for (int i = 0; i < 3; i++)
    assert_in_range(thirds[i], 9500, 10500);
}

static void draw_below_zero(void *arg) {
  tct_prng_below(arg, 0);
}

static void below_zero__traps(void **state) {
  (void)state;
  struct tct_prng prng;
  uint8_t seed[32];
  init_counting(&prng, seed);
  assert_true(call_traps(draw_below_zero, &prng));
}

static void fill__any_length__is_the_stream_of_words_in_little_endian(void **state) {
  (void)state;
  struct tct_prng prng;
  struct tct_prng twin;
  uint8_t seed[32];
  for (size_t len = 0; len <= 24; len++) {
    uint8_t got[25];
    memset(got, 0xee, sizeof(got));
    init_counting(&prng, seed);
    init_counting(&twin, seed);
    tct_prng_fill(&prng, got, len);
    for (size_t i = 0; i < len; i += 8) {
      uint64_t word = tct_prng_u64(&twin);
      for (size_t k = i; k < len && k < i + 8; k++, word >>= 8)
        assert_int_equal(got[k], word & 0xff);
    }
    assert_int_equal(got[len], 0xee);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(known_seed__known_history),
      cmocka_unit_test(each_seed_byte__matters),
      cmocka_unit_test(below__keeps_the_bound_and_is_fair),
      cmocka_unit_test(below_zero__traps),
      cmocka_unit_test(fill__any_length__is_the_stream_of_words_in_little_endian),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
