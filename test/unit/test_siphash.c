/* SPDX-License-Identifier: MIT */
/* SipHash against the published 2-4 vectors; 1-3 against an independent implementation in another
 * language. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "util/mem.h"
#include "util/siphash.h"

struct vector {
  uint32_t len;
  uint64_t hash24;
  uint64_t hash13;
};

/* Key bytes 00..0f, input bytes 00, 01, 02, ... */
static const struct vector vectors[] = {
    {0, 0x726fdb47dd0e0e31, 0xabac0158050fc4dc},  {1, 0x74f839c593dc67fd, 0xc9f49bf37d57ca93},
    {2, 0x0d6c8009d9a94f5a, 0x82cb9b024dc7d44d},  {3, 0x85676696d7fb7e2d, 0x8bf80ab8e7ddf7fb},
    {4, 0xcf2794e0277187b7, 0xcf75576088d38328},  {5, 0x18765564cd99a68d, 0xdef9d52f49533b67},
    {6, 0xcbc9466e58fee3ce, 0xc50d2b50c59f22a7},  {7, 0xab0200f58b01d137, 0xd3927d989bb11140},
    {8, 0x93f5f5799a932462, 0x369095118d299a8e},  {15, 0xa129ca6149be45e5, 0xd320d86d2a519956},
    {16, 0x3f2acc7f57c29bdb, 0xcc4fdd1a7d908b66}, {63, 0x958a324ceb064572, 0x9d199062b7bbb3a8},
};

static void count_up(uint8_t *bytes, uint32_t n) {
  for (uint32_t i = 0; i < n; i++)
    bytes[i] = (uint8_t)i;
}

static void vectors__agree(void **state) {
  (void)state;
  uint8_t input[64];
  uint64_t key[2];
  count_up(input, sizeof(input));
  tct_siphash_key(key, input);
  assert_true(key[0] == 0x0706050403020100 && key[1] == 0x0f0e0d0c0b0a0908);
  for (size_t i = 0; i < TCT_ARRAY_LEN(vectors); i++) {
    assert_true(tct_siphash24(key, input, vectors[i].len) == vectors[i].hash24);
    assert_true(tct_siphash13(key, input, vectors[i].len) == vectors[i].hash13);
  }
}

static void unaligned_input__gives_the_same(void **state) {
  (void)state;
  uint8_t input[64];
  uint8_t moved[72];
  const uint64_t key[2] = {1, 2};
  count_up(input, sizeof(input));
  for (uint32_t shift = 0; shift < 8; shift++) {
    memcpy(moved + shift, input, 63);
    assert_true(tct_siphash13(key, moved + shift, 63) == tct_siphash13(key, input, 63));
  }
}

static void every_bit_of_key_and_input__changes_the_hash(void **state) {
  (void)state;
  uint8_t input[13];
  uint64_t key[2] = {3, 4};
  count_up(input, sizeof(input));
  uint64_t plain = tct_siphash13(key, input, sizeof(input));
  for (size_t bit = 0; bit < 8 * sizeof(input); bit++) {
    input[bit / 8] ^= (uint8_t)(1u << (bit % 8));
    assert_true(tct_siphash13(key, input, sizeof(input)) != plain);
    input[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  }
  for (size_t bit = 0; bit < 128; bit++) {
    key[bit / 64] ^= (uint64_t)1 << (bit % 64);
    assert_true(tct_siphash13(key, input, sizeof(input)) != plain);
    key[bit / 64] ^= (uint64_t)1 << (bit % 64);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(vectors__agree),
      cmocka_unit_test(unaligned_input__gives_the_same),
      cmocka_unit_test(every_bit_of_key_and_input__changes_the_hash),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
