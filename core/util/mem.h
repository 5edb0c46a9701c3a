/* SPDX-License-Identifier: MIT */
/* The four memory functions that the core may call, and the small helpers that every file needs.
 *
 * Everybody in core/ includes it. <string.h> is not there on a freestanding target, so the four are
 * declared here; the compiler or the embedder supplies them. */
#ifndef TCT_UTIL_MEM_H
#define TCT_UTIL_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "util/mul_div.h"

void *memcpy(void *restrict to, const void *restrict from, size_t n);
void *memmove(void *to, const void *from, size_t n);
void *memset(void *to, int byte, size_t n);
int memcmp(const void *a, const void *b, size_t n);

/* On the way of each plain segment, or of a call that sends or takes a few octets. These functions
 * stand side by side in the program, and what they need only rarely apart from them (noinline): the
 * instruction cache holds little more than them, and scattered they push each other out. */
#define TCT_HOT __attribute__((hot))

#define TCT_ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* From a pointer to a member to the struct around it. */
#define TCT_CONTAINER_OF(ptr, type, member)                                                        \
  ((type *)(void *)((unsigned char *)(void *)(ptr)-offsetof(type, member)))

/* All cache lines of n bytes are asked for at once, so that they are under way together. */
static inline __attribute__((always_inline)) void tct_mem_prefetch(const void *p, size_t n) {
  for (size_t at = 0; p != NULL && at < n; at += 64)
    __builtin_prefetch((const uint8_t *)p + at);
}

static inline uint32_t tct_min_u32(uint32_t a, uint32_t b) {
  return a < b ? a : b;
}

static inline uint32_t tct_max_u32(uint32_t a, uint32_t b) {
  return a > b ? a : b;
}

static inline uint64_t tct_min_u64(uint64_t a, uint64_t b) {
  return a < b ? a : b;
}

static inline uint64_t tct_max_u64(uint64_t a, uint64_t b) {
  return a > b ? a : b;
}

static inline size_t tct_min_size(size_t a, size_t b) {
  return a < b ? a : b;
}

/* If low > high, high wins: a ceiling is a promise to somebody else, a floor is our own wish. */
static inline uint32_t tct_clamp_u32(uint32_t x, uint32_t low, uint32_t high) {
  return tct_min_u32(tct_max_u32(x, low), high);
}

static inline uint64_t tct_clamp_u64(uint64_t x, uint64_t low, uint64_t high) {
  return tct_min_u64(tct_max_u64(x, low), high);
}

/* Counters and byte budgets stop at the top instead of wrapping to a small number. */
static inline uint32_t tct_add_sat_u32(uint32_t a, uint32_t b) {
  return b > UINT32_MAX - a ? UINT32_MAX : a + b;
}

static inline uint32_t tct_sub_floor_u32(uint32_t a, uint32_t b) {
  return a > b ? a - b : 0;
}

#endif
