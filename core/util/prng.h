/* SPDX-License-Identifier: MIT */
/* The one random generator of a stack: SipHash-2-4 over a counter, keyed by a 32-byte seed. Who
 * does not know the seed cannot tell the next output from the earlier ones. Same seed, same
 * numbers, everywhere. It gathers no entropy: the seed is the caller's. */
#ifndef TCT_UTIL_PRNG_H
#define TCT_UTIL_PRNG_H

#include <stddef.h>
#include <stdint.h>

struct tct_prng {
  uint64_t key[2];   /* first half of the seed */
  uint8_t block[24]; /* second half of the seed, then the counter as little-endian bytes */
  uint64_t counter;  /* numbers drawn so far */
};

void tct_prng_init(struct tct_prng *prng, const uint8_t seed[32]);
uint64_t tct_prng_u64(struct tct_prng *prng);
uint32_t tct_prng_u32(struct tct_prng *prng);

/* Uniform in 0 .. bound-1; bound must not be 0. */
uint32_t tct_prng_below(struct tct_prng *prng, uint32_t bound);

/* For keys and identifiers. */
void tct_prng_fill(struct tct_prng *prng, void *to, size_t len);

#endif
