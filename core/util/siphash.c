/* SPDX-License-Identifier: MIT */
/* SipHash with 1-3 and 2-4 rounds, 64-bit result. See siphash.h. */
#include "util/siphash.h"

/* The rounds are constants in both callers: compilers must be told. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

struct state {
  uint64_t v0, v1, v2, v3;
};

/* Spelled out: compilers see one load in it. */
static inline uint64_t load_le64(const uint8_t *p) {
  return (uint64_t)p[0] | (uint64_t)p[1] << 8 | (uint64_t)p[2] << 16 | (uint64_t)p[3] << 24 |
         (uint64_t)p[4] << 32 | (uint64_t)p[5] << 40 | (uint64_t)p[6] << 48 | (uint64_t)p[7] << 56;
}

/* The last 0..7 bytes, with the length's low byte on top. */
static ALWAYS_INLINE uint64_t load_tail(const uint8_t *p, size_t len) {
  uint64_t x = 0;
  if ((len & 1) != 0)
    x = p[len & 6];
  if ((len & 2) != 0)
    x = x << 16 | (uint64_t)p[(len & 4) + 1] << 8 | p[len & 4];
  if ((len & 4) != 0)
    x = x << 32 | (uint64_t)p[3] << 24 | (uint64_t)p[2] << 16 | (uint64_t)p[1] << 8 | p[0];
  return x | (uint64_t)(len & 0xff) << 56;
}

static inline uint64_t rotate_left(uint64_t x, int bits) {
  return (x << bits) | (x >> (64 - bits));
}

static ALWAYS_INLINE void stir_once(struct state *s) {
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

/* One to four rounds, written out: with a constant no loop is left. */
static ALWAYS_INLINE void stir(struct state *s, const int rounds) {
  stir_once(s);
  if (rounds > 1)
    stir_once(s);
  if (rounds > 2)
    stir_once(s);
  if (rounds > 3)
    stir_once(s);
}

static ALWAYS_INLINE void absorb(struct state *s, uint64_t word, const int rounds) {
  s->v3 ^= word;
  stir(s, rounds);
  s->v0 ^= word;
}

static ALWAYS_INLINE uint64_t hash(const uint64_t key[2], const void *data, size_t len,
                                   const int each, const int last) {
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

/* Nearly always a connection's two ends: a length that is known needs neither loop nor questions.
 */
#define USUAL_LEN 36

uint64_t tct_siphash13(const uint64_t key[2], const void *data, size_t len) {
  return len == USUAL_LEN ? hash(key, data, USUAL_LEN, 1, 3) : hash(key, data, len, 1, 3);
}

uint64_t tct_siphash24(const uint64_t key[2], const void *data, size_t len) {
  return len == USUAL_LEN ? hash(key, data, USUAL_LEN, 2, 4) : hash(key, data, len, 2, 4);
}
