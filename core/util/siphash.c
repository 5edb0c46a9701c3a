/* SPDX-License-Identifier: MIT */
/* SipHash with 1-3 and 2-4 rounds, 64-bit result. See siphash.h. */
#include "util/siphash.h"

struct state {
  uint64_t v0, v1, v2, v3;
};

/* Spelled out: compilers see one load in it. */
static inline uint64_t load_le64(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
         (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* The last 0..7 bytes, with the length's low byte on top. */
static uint64_t load_tail(const uint8_t *p, size_t len) {
  uint64_t x = (uint64_t)(len & 0xff) << 56;
  for (size_t i = 0; i < (len & 7); i++)
    x |= (uint64_t)p[i] << (8 * i);
  return x;
}

static inline uint64_t rotate_left(uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

static inline void stir(struct state *s, int rounds) {
  for (int i = 0; i < rounds; i++) {
    s->v0 += s->v1;
    s->v2 += s->v3;
    s->v1 = rotate_left(s->v1, 13) ^ s->v0;
    s->v3 = rotate_left(s->v3, 16) ^ s->v2;
    s->v0 = rotate_left(s->v0, 32);
    s->v2 += s->v1;
    s->v0 += s->v3;
    s->v1 = rotate_left(s->v1, 17) ^ s->v2;
    s->v3 = rotate_left(s->v3, 21) ^ s->v0;
    s->v2 = rotate_left(s->v2, 32);
  }
}

static inline void absorb(struct state *s, uint64_t word, int rounds) {
  s->v3 ^= word;
  stir(s, rounds);
  s->v0 ^= word;
}

/* Inlined into both callers, so that the rounds are constants there: compilers must be told. */
static inline __attribute__((always_inline)) uint64_t
hash(const uint64_t key[2], const void *data, size_t len, const int each, const int last) {
  /* "somepseudorandomlygeneratedbytes" in big-endian words: the constants of the algorithm. */
  struct state s = {
      key[0] ^ 0x736f6d6570736575u,
      key[1] ^ 0x646f72616e646f6du,
      key[0] ^ 0x6c7967656e657261u,
      key[1] ^ 0x7465646279746573u,
  };
  const uint8_t *p = data;
  size_t left = len;
  for (; left >= 8; left -= 8, p += 8)
    absorb(&s, load_le64(p), each);
  absorb(&s, load_tail(p, len), each);
  s.v2 ^= 0xff;
  stir(&s, last);
  return s.v0 ^ s.v1 ^ s.v2 ^ s.v3;
}

void tct_siphash_key(uint64_t key[2], const uint8_t bytes[16]) {
  key[0] = load_le64(bytes);
  key[1] = load_le64(bytes + 8);
}

uint64_t tct_siphash13(const uint64_t key[2], const void *data, size_t len) {
  return hash(key, data, len, 1, 3);
}

uint64_t tct_siphash24(const uint64_t key[2], const void *data, size_t len) {
  return hash(key, data, len, 2, 4);
}
