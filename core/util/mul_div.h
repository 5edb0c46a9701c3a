/* SPDX-License-Identifier: MIT */
/* a * b / c without a 128-bit type: rates, pacing and congestion windows use it.
 *
 * Rounds down. Saturates at the type's maximum, also when c is 0, so that a rate over no time is
 * "as fast as can be" and never a trap. */
#ifndef TCT_UTIL_MUL_DIV_H
#define TCT_UTIL_MUL_DIV_H

#include <stdint.h>

uint64_t tct_mul_div(uint64_t a, uint64_t b, uint64_t c);

static inline uint32_t tct_mul_div_u32(uint32_t a, uint32_t b, uint32_t c) {
  uint64_t quotient = c == 0 ? UINT32_MAX : (uint64_t)a * b / c;
  return quotient > UINT32_MAX ? UINT32_MAX : (uint32_t)quotient;
}

#endif
