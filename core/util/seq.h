/* SPDX-License-Identifier: MIT */
/* Sequence numbers: 32-bit positions that wrap. The only place in the core where unsigned
 * arithmetic may wrap. Everybody compares and subtracts positions through here, never with < or -.
 *
 * a < b means that b lies 1 .. 2^31-1 ahead of a. At a distance of exactly 2^31 neither is less:
 * TCP's windows are at most 2^30, so live positions are never so far apart.  RFC 9293 section 3.4.
 */
#ifndef TCT_UTIL_SEQ_H
#define TCT_UTIL_SEQ_H

#include <stdbool.h>
#include <stdint.h>

#include "util/assert.h"

typedef uint32_t tct_seq;

static inline tct_seq tct_seq_add(tct_seq a, uint32_t n) {
  return (tct_seq)(a + n);
}

static inline tct_seq tct_seq_sub(tct_seq a, uint32_t n) {
  return (tct_seq)(a - n);
}

static inline bool tct_seq_lt(tct_seq a, tct_seq b) {
  return (uint32_t)(b - a - 1) < 0x7fffffffu;
}

static inline bool tct_seq_leq(tct_seq a, tct_seq b) {
  return (uint32_t)(b - a) < 0x80000000u;
}

static inline bool tct_seq_gt(tct_seq a, tct_seq b) {
  return tct_seq_lt(b, a);
}

static inline bool tct_seq_geq(tct_seq a, tct_seq b) {
  return tct_seq_leq(b, a);
}

/* low <= x < high, walking forward from low; nothing lies between equal ends. */
static inline bool tct_seq_between(tct_seq low, tct_seq x, tct_seq high) {
  return (uint32_t)(x - low) < (uint32_t)(high - low);
}

static inline tct_seq tct_seq_max(tct_seq a, tct_seq b) {
  return tct_seq_lt(a, b) ? b : a;
}

static inline tct_seq tct_seq_min(tct_seq a, tct_seq b) {
  return tct_seq_lt(b, a) ? b : a;
}

/* Bytes from `from` up to `to`, which must not lie before it. */
static inline uint32_t tct_seq_len(tct_seq from, tct_seq to) {
  TCT_ASSERT(tct_seq_leq(from, to));
  return (uint32_t)(to - from);
}

/* The same where the order is not known: 0 if `to` lies at or before `from`. */
static inline uint32_t tct_seq_ahead(tct_seq from, tct_seq to) {
  return tct_seq_lt(from, to) ? (uint32_t)(to - from) : 0;
}

#endif
