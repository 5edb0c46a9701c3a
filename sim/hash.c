/* SPDX-License-Identifier: MIT */
/*
 * Multiply and fold, eight octets a step, in four lanes that do not wait for one another. Called by
 * link.c for each frame and by flow.c for what is read. Octets are taken as little-endian words.
 */
#include "sim/hash.h"

#include "util/mem.h"

#define FACTOR UINT64_C(0x9fb21c651e98df25)

/* One load: eight of them are eight questions to a sanitizer. */
static inline uint64_t get64(const uint8_t *p) {
  uint64_t w;
  memcpy(&w, p, sizeof w);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
  w = __builtin_bswap64(w);
#endif
  return w;
}

static inline uint64_t fold(uint64_t lane, uint64_t word) {
  lane = (lane ^ word) * FACTOR;
  return lane ^ lane >> 32;
}

static uint64_t fold_tail(uint64_t lane, const uint8_t *p, size_t len) {
  for (; len >= 8; p += 8, len -= 8)
    lane = fold(lane, get64(p));
  for (uint64_t i = 0; i < len; i++)
    lane = fold(lane, p[i] | i << 8);
  return lane;
}

uint64_t sim_hash(uint64_t chain, const void *bytes, size_t len) {
  const uint8_t *p = bytes;
  uint64_t a = chain, b = chain ^ 1, c = chain ^ 2, d = chain ^ 3, sum = len;
  for (; len >= 32; p += 32, len -= 32) {
    a = fold(a, get64(p));
    b = fold(b, get64(p + 8));
    c = fold(c, get64(p + 16));
    d = fold(d, get64(p + 24));
  }
  sum = fold(fold(fold(fold(sum, a), b), c), d);
  return fold_tail(sum, p, len);
}
