/* SPDX-License-Identifier: MIT */
/* The slow half of mul_div.h: a product that does not fit in 64 bits, divided bit by bit. */
#include "util/mul_div.h"

struct wide {
  uint64_t high;
  uint64_t low;
};

static struct wide multiply(uint64_t a, uint64_t b) {
  const uint64_t mask = UINT32_MAX;
  uint64_t low = (a & mask) * (b & mask);
  uint64_t cross_a = (a >> 32) * (b & mask);
  uint64_t cross_b = (a & mask) * (b >> 32);
  uint64_t middle = (low >> 32) + (cross_a & mask) + (cross_b & mask);
  struct wide product = {
      (a >> 32) * (b >> 32) + (cross_a >> 32) + (cross_b >> 32) + (middle >> 32),
      (middle << 32) | (low & mask),
  };
  return product;
}

/* Schoolbook division, one quotient bit a turn. x.high < c, so the quotient fits. */
static uint64_t divide(struct wide x, uint64_t c) {
  uint64_t rest = x.high;
  uint64_t quotient = 0;
  for (int bit = 63; bit >= 0; bit--) {
    uint64_t carry = rest >> 63;
    rest = (rest << 1) | ((x.low >> bit) & 1);
    quotient <<= 1;
    if (carry != 0 || rest >= c) {
      rest -= c;
      quotient |= 1;
    }
  }
  return quotient;
}

uint64_t tct_mul_div(uint64_t a, uint64_t b, uint64_t c) {
  if (c == 0)
    return UINT64_MAX;
  if (((a | b) >> 32) == 0)
    return a * b / c;
  struct wide product = multiply(a, b);
  if (product.high == 0)
    return product.low / c;
  if (product.high >= c)
    return UINT64_MAX;
  return divide(product, c);
}
