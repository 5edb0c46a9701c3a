/* SPDX-License-Identifier: MIT */
/* This processor's sum against the core's: every length, every offset, the values that wrap. */
#include "test/unit/wire_test.h"

#include "drivers/fast_sum.h"
#include "wire/checksum.h"

static uint8_t bytes[4096 + 64];

static uint16_t sum_of(tct_sum_fn fast, const uint8_t *p, size_t len, bool odd_before) {
  struct tct_checksum c;
  static const uint8_t one[1] = {0x7f};
  tct_checksum_init_with(&c, fast);
  if (odd_before)
    tct_checksum_feed(&c, one, 1);
  tct_checksum_feed(&c, p, len);
  return tct_checksum_sum(&c);
}

static void compare_all(tct_sum_fn fast) {
  for (size_t len = 0; len <= 700; len++)
    for (size_t off = 0; off < 33; off += 3)
      for (int odd = 0; odd < 2; odd++)
        assert_int_equal(sum_of(fast, bytes + off, len, odd != 0),
                         sum_of(NULL, bytes + off, len, odd != 0));
  assert_int_equal(sum_of(fast, bytes, sizeof bytes, false),
                   sum_of(NULL, bytes, sizeof bytes, false));
}

static void fast_sum__any_bytes__is_the_portable_sum(void **state) {
  (void)state;
  uint64_t seed = 1;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)next_random(&seed);
  compare_all(tct_fast_sum());
}

static void fast_sum__zeros_and_ones__keep_the_two_zeros_apart(void **state) {
  (void)state;
  memset(bytes, 0, sizeof bytes);
  compare_all(tct_fast_sum());
  assert_int_equal(sum_of(tct_fast_sum(), bytes, 512, false), 0);
  memset(bytes, 0xff, sizeof bytes);
  compare_all(tct_fast_sum());
  assert_int_equal(sum_of(tct_fast_sum(), bytes, 512, false), 0xffff);
}

static void fast_sum__largest_frame__does_not_overflow(void **state) {
  (void)state;
  static uint8_t large[1 << 20];
  memset(large, 0xff, sizeof large);
  assert_int_equal(sum_of(tct_fast_sum(), large, sizeof large, false), 0xffff);
  memset(large, 0x7f, sizeof large);
  assert_int_equal(sum_of(tct_fast_sum(), large, sizeof large, false),
                   sum_of(NULL, large, sizeof large, false));
}

static uint16_t copied_sum(tct_copy_sum_fn fast, uint8_t *to, const uint8_t *p, size_t len) {
  struct tct_checksum c;
  tct_checksum_init(&c);
  c.fast_copy = fast;
  tct_checksum_copy(&c, to, p, len);
  return tct_checksum_sum(&c);
}

static void fast_copy__any_bytes__same_bytes_and_the_portable_sum(void **state) {
  (void)state;
  static uint8_t to[sizeof bytes], large[(1 << 19) + 77], there[sizeof large];
  uint64_t seed = 2;
  for (size_t i = 0; i < sizeof bytes; i++)
    bytes[i] = (uint8_t)next_random(&seed);
  for (size_t len = 0; len <= 700; len++)
    for (size_t off = 0; off < 33; off += 3) {
      memset(to, 0x5a, sizeof to);
      assert_int_equal(copied_sum(tct_fast_copy_sum(), to + 7, bytes + off, len),
                       sum_of(NULL, bytes + off, len, false));
      assert_memory_equal(to + 7, bytes + off, len);
      assert_int_equal(to[6], 0x5a);
      assert_int_equal(to[7 + len], 0x5a); /* and not one more */
    }
  memset(large, 0xff, sizeof large);
  assert_int_equal(copied_sum(tct_fast_copy_sum(), there, large, sizeof large),
                   sum_of(NULL, large, sizeof large, false));
  assert_memory_equal(there, large, sizeof large);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fast_sum__any_bytes__is_the_portable_sum),
      cmocka_unit_test(fast_sum__zeros_and_ones__keep_the_two_zeros_apart),
      cmocka_unit_test(fast_sum__largest_frame__does_not_overflow),
      cmocka_unit_test(fast_copy__any_bytes__same_bytes_and_the_portable_sum),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
