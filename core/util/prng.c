/* SPDX-License-Identifier: MIT */
/* Keyed counter generator. See prng.h. */
#include "util/prng.h"

#include "util/assert.h"
#include "util/mem.h"
#include "util/siphash.h"

/* Spelled out: compilers see one store in it. */
static inline void store_le64(uint8_t *p, uint64_t x) {
  p[0] = (uint8_t)x;
  p[1] = (uint8_t)(x >> 8);
  p[2] = (uint8_t)(x >> 16);
  p[3] = (uint8_t)(x >> 24);
  p[4] = (uint8_t)(x >> 32);
  p[5] = (uint8_t)(x >> 40);
  p[6] = (uint8_t)(x >> 48);
  p[7] = (uint8_t)(x >> 56);
}

void tct_prng_init(struct tct_prng *prng, const uint8_t seed[32]) {
  tct_siphash_key(prng->key, seed);
  memcpy(prng->block, seed + 16, 16);
  prng->counter = 0;
}

uint64_t tct_prng_u64(struct tct_prng *prng) {
  store_le64(prng->block + 16, prng->counter);
  prng->counter++;
  return tct_siphash24(prng->key, prng->block, sizeof(prng->block));
}

uint32_t tct_prng_u32(struct tct_prng *prng) {
  return (uint32_t)(tct_prng_u64(prng) >> 32);
}

/* Scales a 32-bit number to the bound and draws again in the few cases that would favour some
 * results (2^32 is not a multiple of most bounds). Each turn succeeds with probability above one
 * half. */
uint32_t tct_prng_below(struct tct_prng *prng, uint32_t bound) {
  TCT_ASSERT(bound != 0);
  uint32_t unfair = (uint32_t)((UINT32_MAX - bound + 1u) % bound);
  uint64_t scaled;
  do {
    scaled = (uint64_t)tct_prng_u32(prng) * bound;
  } while ((uint32_t)scaled < unfair);
  return (uint32_t)(scaled >> 32);
}

void tct_prng_fill(struct tct_prng *prng, void *to, size_t len) {
  uint8_t *p = to;
  while (len > 0) {
    uint8_t word[8];
    size_t piece = tct_min_size(len, sizeof(word));
    store_le64(word, tct_prng_u64(prng));
    memcpy(p, word, piece);
    p += piece;
    len -= piece;
  }
}
