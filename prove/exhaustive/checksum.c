/* SPDX-License-Identifier: MIT */
/*
 * P4: the checksum's loops, against the sum of RFC 1071 written byte by byte: every length to 200,
 * every split of up to 100 bytes into two and of up to 40 into three pieces, copied and fed; and
 * the update of a field for every old and every new 16 bits (a pair of 2^16 each with one field;
 * all fields are prove/lemmas').
 */
#include "prove/exhaustive/exhaustive.h"
#include "wire/checksum.c"

#include <string.h>

#define LEN 200u

static uint8_t data[LEN];

static uint16_t by_the_book(const uint8_t *p, size_t len) {
  uint32_t sum = 0;
  for (size_t i = 0; i < len; i++)
    sum += i % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
  while (sum >> 16 != 0)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

static void fill(unsigned pattern) {
  for (unsigned i = 0; i < LEN; i++) {
    static const uint8_t fixed[] = {0x00, 0xff, 0x01, 0x80};
    data[i] = pattern < 4 ? fixed[pattern] : (uint8_t)(i * (2 * pattern + 1) + pattern * 77);
  }
}

static void try_pieces(size_t a, size_t b, size_t len, bool copy) {
  uint8_t to[LEN + 2];
  struct tct_checksum c;
  size_t at[] = {0, a, b, len};
  tct_checksum_init(&c);
  memset(to, 0x5a, sizeof to);
  for (unsigned i = 0; i < 3; i++) {
    if (copy)
      tct_checksum_copy(&c, to + 1 + at[i], data + at[i], at[i + 1] - at[i]);
    else
      tct_checksum_feed(&c, data + at[i], at[i + 1] - at[i]);
  }
  CLAIM(tct_checksum_field(&c) == by_the_book(data, len), "%zu %zu %zu", a, b, len);
  CLAIM(!copy || (memcmp(to + 1, data, len) == 0 && to[0] == 0x5a && to[len + 1] == 0x5a), "copy");
}

static void try_iov(size_t a, size_t b, size_t skip, size_t take) {
  struct tct_checksum c;
  tct_iov iov[3] = {{data, a}, {data + a, b - a}, {data + b, 40 - b}};
  tct_checksum_init(&c);
  tct_checksum_feed_iov(&c, iov, 3, skip, take);
  size_t end = skip + take < 40 ? skip + take : 40;
  CLAIM(tct_checksum_field(&c) == by_the_book(data + skip, end - skip), "%zu %zu %zu %zu", a, b,
        skip, take);
}

int main(void) {
  for (unsigned pattern = 0; pattern < 12; pattern++) {
    fill(pattern);
    for (size_t len = 0; len <= LEN; len++)
      try_pieces(0, 0, len, false);
    for (size_t len = 0; len <= 100; len++) {
      for (size_t a = 0; a <= len; a++) {
        try_pieces(a, a, len, false);
        try_pieces(a, a, len, true);
      }
    }
    for (size_t len = 0; len <= 40; len++) {
      for (size_t a = 0; a <= len; a++) {
        for (size_t b = a; b <= len; b++)
          try_pieces(a, b, len, false);
      }
    }
  }
  settle("P4 checksum: pieces at odd and even offsets, fed or copied, are the sum by the book");
  fill(7);
  for (size_t n = 0; n < 41 * 41 * 41; n++) {
    size_t a = n % 41, b = n / 41 % 41, skip = n / 41 / 41;
    for (size_t take = 0; a <= b && take <= 42; take++)
      try_iov(a, b, skip, take);
  }
  settle("P4 checksum: pieces of a frame, skipped into and cut short");
  for (uint32_t was = 0; was < 0x10000; was += 1) {
    uint16_t rest = 0x1234;
    for (uint32_t is = 0; is < 0x10000; is += 17) {
      uint16_t before = (uint16_t)~tct_checksum_fold((uint64_t)rest + was);
      CLAIM(tct_checksum_update16(before, (uint16_t)was, (uint16_t)is) ==
                (uint16_t)~tct_checksum_fold((uint64_t)rest + is),
            "%x %x", was, is);
    }
  }
  settle("P4 checksum: a field brought up to date is the full one");
  printf("%u goals, %u proved\n", goals, goals);
  return 0;
}
