/* SPDX-License-Identifier: MIT */
/* The fast checksum against one that adds byte by byte. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/checksum.h"

enum { MAX_LEN = 200, MAX_OFFSET = 16 };

static void fill(uint8_t *p, size_t len, int how) {
  uint64_t seed = 1;
  for (size_t i = 0; i < len; i++)
    p[i] = how == 0 ? 0 : how == 1 ? 0xff : (uint8_t)next_random(&seed);
}

static uint16_t naive_field(const uint8_t *p, size_t len) {
  return (uint16_t)~naive_add(0, p, len, 0);
}

static void sum__of_the_example_of_rfc1071__is_ddf2(void **state) {
  (void)state;
  static const uint8_t p[] = {0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7};
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed(&c, p, sizeof p);
  assert_int_equal(tct_checksum_sum(&c), 0xddf2);
  assert_int_equal(tct_checksum_field(&c), 0x220d);
}

static void any_length_and_alignment__agrees_with_naive(void **state) {
  (void)state;
  uint8_t p[MAX_LEN + MAX_OFFSET];
  for (int how = 0; how < 3; how++) {
    fill(p, sizeof p, how);
    for (size_t off = 0; off < MAX_OFFSET; off++)
      for (size_t len = 0; len <= MAX_LEN; len++)
        assert_int_equal(tct_checksum_of(p + off, len), naive_field(p + off, len));
  }
}

static void long_buffer_of_ones__does_not_overflow(void **state) {
  (void)state;
  size_t len = 1u << 20;
  uint8_t *p = malloc(len + 1);
  assert_non_null(p);
  memset(p, 0xff, len + 1);
  p[len] = 0x12;
  assert_int_equal(tct_checksum_of(p, len + 1), naive_field(p, len + 1));
  free(p);
}

/* Pieces of any lengths, odd ones among them [RFC9293 MUST-2]. */
static void pieces__cut_anywhere__sum_as_one(void **state) {
  (void)state;
  uint8_t p[300];
  uint64_t seed = 7;
  fill(p, sizeof p, 2);
  for (int round = 0; round < 3000; round++) {
    struct tct_checksum c;
    size_t at = 0;
    tct_checksum_init(&c);
    while (at < sizeof p) {
      size_t len = next_random(&seed) % 40;
      len = len < sizeof p - at ? len : sizeof p - at;
      tct_checksum_feed(&c, p + at, len);
      at += len;
    }
    assert_int_equal(tct_checksum_field(&c), naive_field(p, sizeof p));
  }
}

static void iov__any_skip_and_length__sums_just_those_bytes(void **state) {
  (void)state;
  uint8_t p[60];
  fill(p, sizeof p, 2);
  tct_iov iov[] = {{p, 7}, {p + 7, 0}, {p + 7, 20}, {NULL, 0}, {p + 27, 1}, {p + 28, 32}};
  for (size_t skip = 0; skip <= sizeof p; skip++)
    for (size_t len = 0; len <= sizeof p - skip; len++) {
      struct tct_checksum c;
      tct_checksum_init(&c);
      tct_checksum_feed_iov(&c, iov, 6, skip, len);
      assert_int_equal(tct_checksum_field(&c), naive_field(p + skip, len));
    }
}

static void iov__asked_for_more_than_there_is__stops_at_the_end(void **state) {
  (void)state;
  uint8_t p[9];
  fill(p, sizeof p, 2);
  tct_iov iov[] = {{p, 4}, {p + 4, 5}};
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed_iov(&c, iov, 2, 3, 1000);
  assert_int_equal(tct_checksum_field(&c), naive_field(p + 3, 6));
}

static void copy__any_length_and_parity__copies_and_sums(void **state) {
  (void)state;
  uint8_t p[MAX_LEN];
  fill(p, sizeof p, 2);
  for (size_t first = 0; first < 2; first++)
    for (size_t len = first; len <= MAX_LEN; len++) {
      struct tct_checksum c;
      uint8_t *to = malloc(len > 0 ? len : 1);
      assert_non_null(to);
      tct_checksum_init(&c);
      tct_checksum_copy(&c, to, p, first);
      tct_checksum_copy(&c, to + first, p + first, len - first);
      assert_memory_equal(to, p, len);
      assert_int_equal(tct_checksum_field(&c), naive_field(p, len));
      free(to);
    }
}

static void pseudo_header__ipv4__is_the_twelve_bytes_of_rfc9293(void **state) {
  (void)state;
  static const uint8_t want[] = {10, 7, 0, 1, 192, 168, 255, 254, 0, 6, 0x12, 0x35};
  tct_addr src = ADDR4(10, 7, 0, 1), dst = ADDR4(192, 168, 255, 254);
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &src, &dst, 6, 0x1235);
  assert_int_equal(tct_checksum_sum(&c), naive_add(0, want, sizeof want, 0));
}

static void pseudo_header__ipv6__is_the_forty_bytes_of_rfc8200(void **state) {
  (void)state;
  tct_addr src = ADDR6(1), dst = ADDR6(0xfe);
  uint8_t want[40] = {0};
  memcpy(want, src.b, 16);
  memcpy(want + 16, dst.b, 16);
  tct_bytes_put32(want + 32, 0x00012345);
  want[39] = 58;
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &src, &dst, 58, 0x00012345);
  assert_int_equal(tct_checksum_sum(&c), naive_add(0, want, sizeof want, 0));
}

static void is_ok__field_in_place__true_and_any_flipped_bit_false(void **state) {
  (void)state;
  uint8_t p[40];
  fill(p, sizeof p, 2);
  tct_bytes_put16(p + 10, 0);
  tct_bytes_put16(p + 10, tct_checksum_of(p, sizeof p));
  for (size_t bit = 0; bit <= sizeof p * 8; bit++) {
    struct tct_checksum c;
    bool flipped = bit < sizeof p * 8;
    if (flipped)
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    tct_checksum_init(&c);
    tct_checksum_feed(&c, p, sizeof p);
    assert_int_equal(tct_checksum_is_ok(&c), !flipped);
    if (flipped)
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
  }
}

static void update__any_change__equals_computing_anew(void **state) {
  (void)state;
  static const uint16_t edges[] = {0, 1, 0x7fff, 0x8000, 0xfffe, 0xffff};
  uint64_t seed = 3;
  uint8_t p[20];
  fill(p, sizeof p, 2);
  for (int round = 0; round < 20000; round++) {
    uint16_t field = tct_checksum_of(p, sizeof p);
    size_t at = next_random(&seed) % 9 * 2;
    uint32_t was = tct_bytes_get32(p + at);
    uint32_t is = round % 3 == 0 ? (uint32_t)edges[round % 6] << 16 | edges[round / 6 % 6]
                                 : next_random(&seed) << 1;
    tct_bytes_put32(p + at, is);
    assert_int_equal(tct_checksum_update32(field, was, is), tct_checksum_of(p, sizeof p));
    tct_bytes_put16(p + at, (uint16_t)was);
    assert_int_equal(tct_checksum_update16(tct_checksum_update32(field, was, is),
                                           (uint16_t)(is >> 16), (uint16_t)was),
                     tct_checksum_of(p, sizeof p));
    p[19] |= 1; /* never all zero, where the two zeros would differ */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(sum__of_the_example_of_rfc1071__is_ddf2),
      cmocka_unit_test(any_length_and_alignment__agrees_with_naive),
      cmocka_unit_test(long_buffer_of_ones__does_not_overflow),
      cmocka_unit_test(pieces__cut_anywhere__sum_as_one),
      cmocka_unit_test(iov__any_skip_and_length__sums_just_those_bytes),
      cmocka_unit_test(iov__asked_for_more_than_there_is__stops_at_the_end),
      cmocka_unit_test(copy__any_length_and_parity__copies_and_sums),
      cmocka_unit_test(pseudo_header__ipv4__is_the_twelve_bytes_of_rfc9293),
      cmocka_unit_test(pseudo_header__ipv6__is_the_forty_bytes_of_rfc8200),
      cmocka_unit_test(is_ok__field_in_place__true_and_any_flipped_bit_false),
      cmocka_unit_test(update__any_change__equals_computing_anew),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
