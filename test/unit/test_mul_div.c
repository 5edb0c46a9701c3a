/* SPDX-License-Identifier: MIT */
/* a * b / c without 128-bit types, against fixed results and, where there are such types, against
 * them. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/prng.h"

static void fixed_results(void **state) {
  (void)state;
  const uint64_t max = UINT64_MAX;
  assert_true(tct_mul_div(0, max, 7) == 0);
  assert_true(tct_mul_div(7, 6, 5) == 8);
  assert_true(tct_mul_div(max, max, max) == max);
  assert_true(tct_mul_div(max, 3, 4) == 13835058055282163711u);
  assert_true(tct_mul_div(1000000007, 12345678901234567u, 998244353) == 12367391761898921u);
  assert_true(tct_mul_div(max - 1, max, max) == max - 1);
  assert_true(tct_mul_div(1u << 31, 1u << 31, 1u << 31) == 1u << 31);
}

static void too_large_or_no_divisor__saturates(void **state) {
  (void)state;
  assert_true(tct_mul_div(UINT64_MAX, 2, 1) == UINT64_MAX);
  assert_true(tct_mul_div(UINT64_MAX, UINT64_MAX, UINT64_MAX - 1) == UINT64_MAX);
  assert_true(tct_mul_div(1, 1, 0) == UINT64_MAX);
  assert_int_equal(tct_mul_div_u32(UINT32_MAX, 2, 1), UINT32_MAX);
  assert_int_equal(tct_mul_div_u32(UINT32_MAX, 3, 4), 3221225471u);
  assert_int_equal(tct_mul_div_u32(7, 6, 5), 8);
  assert_int_equal(tct_mul_div_u32(1, 1, 0), UINT32_MAX);
}

#ifdef __SIZEOF_INT128__
__extension__ typedef unsigned __int128 wide;

static void random_numbers__as_with_128_bits(void **state) {
  (void)state;
  struct tct_prng prng;
  tct_prng_init(&prng, (const uint8_t[32]){1});
  for (int i = 0; i < 200000; i++) {
    uint64_t a = tct_prng_u64(&prng) >> tct_prng_below(&prng, 64);
    uint64_t b = tct_prng_u64(&prng) >> tct_prng_below(&prng, 64);
    uint64_t c = (tct_prng_u64(&prng) >> tct_prng_below(&prng, 64)) | 1;
    wide exact = (wide)a * b / c;
    uint64_t expected = exact > UINT64_MAX ? UINT64_MAX : (uint64_t)exact;
    if (tct_mul_div(a, b, c) != expected)
      fail_msg("%llu * %llu / %llu", (unsigned long long)a, (unsigned long long)b,
               (unsigned long long)c);
  }
}
#endif

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fixed_results),
      cmocka_unit_test(too_large_or_no_divisor__saturates),
#ifdef __SIZEOF_INT128__
      cmocka_unit_test(random_numbers__as_with_128_bits),
#endif
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
