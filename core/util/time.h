/* SPDX-License-Identifier: MIT */
/* Arithmetic on tct_time (nanoseconds) that never wraps: TCT_NEVER plus anything is TCT_NEVER, and
 * no time lies before 0. Also the 32-bit millisecond stamps that small records keep; those do wrap.
 */
#ifndef TCT_UTIL_TIME_H
#define TCT_UTIL_TIME_H

#include <stdint.h>

#include "tercet/tercet.h"

#define TCT_US(x) ((tct_time)(x)*1000u)
#define TCT_MS(x) ((tct_time)(x)*1000000u)
#define TCT_S(x) ((tct_time)(x)*1000000000u)

static inline tct_time tct_time_add(tct_time t, tct_time span_ns) {
  return span_ns > TCT_NEVER - t ? TCT_NEVER : t + span_ns;
}

/* later - earlier, or 0 if the caller's order is wrong. */
static inline tct_time tct_time_sub(tct_time later, tct_time earlier) {
  return later > earlier ? later - earlier : 0;
}

static inline tct_time tct_time_min(tct_time a, tct_time b) {
  return a < b ? a : b;
}

static inline tct_time tct_time_max(tct_time a, tct_time b) {
  return a > b ? a : b;
}

/* Milliseconds modulo 2^32: wraps each 49.7 days. */
static inline uint32_t tct_time_ms32(tct_time t) {
  return (uint32_t)(t / 1000000u);
}

static inline uint32_t tct_ms32_add(uint32_t stamp_ms32, uint32_t span_ms) {
  return (uint32_t)(stamp_ms32 + span_ms);
}

/* Milliseconds from one wrapped stamp to a later one less than 49.7 days away. */
static inline uint32_t tct_ms32_since(uint32_t now_ms32, uint32_t then_ms32) {
  return (uint32_t)(now_ms32 - then_ms32);
}

#endif
