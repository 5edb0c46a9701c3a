/* SPDX-License-Identifier: MIT */
/* Times and the helpers of util/mem.h: nothing wraps but the stamps that are meant to. */
#include "util/mem.h"
#include "util/time.h"

bool lemma_add_never_wraps(tct_time t, tct_time span) {
  tct_time sum = tct_time_add(t, span);
  return sum >= t && sum >= span && (sum == TCT_NEVER || sum - t == span);
}

bool lemma_never_plus_anything_is_never(tct_time span) {
  return tct_time_add(TCT_NEVER, span) == TCT_NEVER && tct_time_add(span, TCT_NEVER) == TCT_NEVER;
}

bool lemma_sub_is_distance_or_nothing(tct_time later, tct_time earlier) {
  tct_time d = tct_time_sub(later, earlier);
  return later >= earlier ? earlier + d == later : d == 0;
}

bool lemma_min_max(tct_time a, tct_time b) {
  return tct_time_min(a, b) <= a && tct_time_min(a, b) <= b && tct_time_max(a, b) >= a &&
         tct_time_max(a, b) >= b && (tct_time_min(a, b) == a ? tct_time_max(a, b) == b : true);
}

bool lemma_stamp_distance_survives_the_wrap(uint32_t then, uint32_t span) {
  return tct_ms32_since(tct_ms32_add(then, span), then) == span;
}

bool lemma_clamp(uint32_t x, uint32_t low, uint32_t high) {
  uint32_t y = tct_clamp_u32(x, low, high);
  if (low > high)
    return y == high;
  return y >= low && y <= high && (x < low || x > high || y == x);
}

bool lemma_saturated_sum(uint32_t a, uint32_t b) {
  uint64_t sum = (uint64_t)a + b;
  return tct_add_sat_u32(a, b) == (sum > UINT32_MAX ? UINT32_MAX : sum);
}

bool lemma_floored_difference(uint32_t a, uint32_t b) {
  return tct_sub_floor_u32(a, b) == (a >= b ? a - b : 0);
}

/* The 32-bit a * b / c: rounds down, stops at the top. */
bool lemma_mul_div_without_divisor(uint32_t a, uint32_t b) {
  return tct_mul_div_u32(a, b, 0) == UINT32_MAX;
}

/* What prove/contracts admit, since Frama-C's integers know no bits. */
bool lemma_masked_is_at_most_the_mask(uint32_t x, uint32_t mask) {
  return (x & mask) <= mask;
}

bool lemma_high_nibble(uint8_t x) {
  return x >> 4 <= 15;
}
