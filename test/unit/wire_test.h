/* SPDX-License-Identifier: MIT */
/* wire_test.h - what the tests of core/wire share: exact-size copies, so that the sanitizer sees a
 * read one byte too far; a fixed-seed generator; addresses; a checksum done the slow way. */
#ifndef TCT_TEST_WIRE_TEST_H
#define TCT_TEST_WIRE_TEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tercet/tercet.h"

#define ADDR4(a, b, c, d) ((tct_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}})
#define ADDR6(last) ((tct_addr){{0xfd, 0x07, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}})

/* The caller frees it. */
static inline uint8_t *exact_copy(const void *p, size_t len) {
  uint8_t *copy = malloc(len);
  assert_non_null(copy);
  if (len > 0)
    memcpy(copy, p, len);
  return copy;
}

static inline uint32_t next_random(uint64_t *state) {
  *state = *state * 6364136223846793005u + 1442695040888963407u;
  return (uint32_t)(*state >> 33);
}

/* The Internet checksum's plain sum, byte by byte; `at` is the position parity of p[0]. */
static inline uint32_t naive_add(uint32_t sum, const uint8_t *p, size_t len, size_t at) {
  for (size_t i = 0; i < len; i++) {
    sum += (at + i) % 2 == 0 ? (uint32_t)p[i] << 8 : p[i];
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

#endif
