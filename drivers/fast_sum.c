/* SPDX-License-Identifier: MIT */
/*
 * fast_sum.c - see fast_sum.h. The core is portable C, compiled for the least processor; what wider
 * units can do is chosen here when the program runs, and handed to the core by tct_config.sum.
 * Called by host/ and whoever makes a stack. The portable twin is core/wire/checksum.c;
 * test/unit/test_fast_sum.c compares them.
 */
#include "drivers/fast_sum.h"

#if defined(__x86_64__)
#include <immintrin.h>
#include <string.h>

/* 32-bit lanes hold sums of signed pairs, each 65536 at the most: so many bytes fit. */
#define BLOCK_BYTES 262144u

/* Four sums of pairs of signed words; the bias that makes words signed is added back at the end. */
__attribute__((target("avx2"))) static uint64_t sum_block(const uint8_t *p, size_t len) {
  const __m256i bias = _mm256_set1_epi16((short)0x8000), ones = _mm256_set1_epi16(1);
  __m256i a = _mm256_setzero_si256(), b = a, c = a, d = a;
  for (size_t at = 0; at < len; at += 128) {
    const __m256i *v = (const __m256i *)(const void *)(p + at);
    a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(v), bias), ones));
    b = _mm256_add_epi32(
        b, _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(v + 1), bias), ones));
    c = _mm256_add_epi32(
        c, _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(v + 2), bias), ones));
    d = _mm256_add_epi32(
        d, _mm256_madd_epi16(_mm256_xor_si256(_mm256_loadu_si256(v + 3), bias), ones));
  }
  int32_t lane[4][8];
  _mm256_storeu_si256((__m256i *)(void *)lane[0], a);
  _mm256_storeu_si256((__m256i *)(void *)lane[1], b);
  _mm256_storeu_si256((__m256i *)(void *)lane[2], c);
  _mm256_storeu_si256((__m256i *)(void *)lane[3], d);
  int64_t sum = (int64_t)(len / 2) * 32768;
  for (unsigned i = 0; i < 32; i++)
    sum += lane[i / 8][i % 8];
  return (uint64_t)sum;
}

static uint64_t sum_rest(const uint8_t *p, size_t len) {
  uint64_t sum = 0;
  for (; len >= 4; len -= 4, p += 4) {
    uint32_t v;
    memcpy(&v, p, 4);
    sum += v;
  }
  if (len >= 2) {
    uint16_t v;
    memcpy(&v, p, 2);
    sum += v;
    p += 2;
  }
  return sum + ((len & 1) != 0 ? *p : 0u);
}

static uint64_t sum_avx2(const void *data, size_t len) {
  const uint8_t *p = data;
  uint64_t sum = 0;
  while (len >= 128) {
    size_t take = len < BLOCK_BYTES ? len / 128 * 128 : BLOCK_BYTES;
    sum += sum_block(p, take);
    p += take;
    len -= take;
  }
  return sum + sum_rest(p, len);
}

/* Two vectors a step: loads, stores and sums share the ports of the processor. */
__attribute__((target("avx2"))) static uint64_t copy_block(uint8_t *to, const uint8_t *p,
                                                           size_t len) {
  const __m256i bias = _mm256_set1_epi16((short)0x8000), ones = _mm256_set1_epi16(1);
  __m256i a = _mm256_setzero_si256(), b = a;
  for (size_t at = 0; at < len; at += 64) {
    const __m256i *from = (const __m256i *)(const void *)(p + at);
    __m256i *into = (__m256i *)(void *)(to + at);
    __m256i v = _mm256_loadu_si256(from), w = _mm256_loadu_si256(from + 1);
    _mm256_storeu_si256(into, v);
    _mm256_storeu_si256(into + 1, w);
    a = _mm256_add_epi32(a, _mm256_madd_epi16(_mm256_xor_si256(v, bias), ones));
    b = _mm256_add_epi32(b, _mm256_madd_epi16(_mm256_xor_si256(w, bias), ones));
  }
  int32_t lane[2][8];
  _mm256_storeu_si256((__m256i *)(void *)lane[0], a);
  _mm256_storeu_si256((__m256i *)(void *)lane[1], b);
  int64_t sum = (int64_t)(len / 2) * 32768;
  for (unsigned i = 0; i < 16; i++)
    sum += lane[i / 8][i % 8];
  return (uint64_t)sum;
}

static uint64_t copy_sum_avx2(void *to, const void *from, size_t len) {
  const uint8_t *p = from;
  uint8_t *q = to;
  uint64_t sum = 0;
  while (len >= 64) {
    size_t take = len < BLOCK_BYTES ? len / 64 * 64 : BLOCK_BYTES;
    sum += copy_block(q, p, take);
    p += take;
    q += take;
    len -= take;
  }
  memcpy(q, p, len);
  return sum + sum_rest(p, len);
}

tct_sum_fn tct_fast_sum(void) {
  return __builtin_cpu_supports("avx2") ? sum_avx2 : NULL;
}

tct_copy_sum_fn tct_fast_copy_sum(void) {
  return __builtin_cpu_supports("avx2") ? copy_sum_avx2 : NULL;
}

#else

tct_copy_sum_fn tct_fast_copy_sum(void) {
  return NULL;
}

tct_sum_fn tct_fast_sum(void) {
  return NULL;
}

#endif
