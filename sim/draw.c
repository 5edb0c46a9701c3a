/* SPDX-License-Identifier: MIT */
/*
 * Draws for plans: see draw.h. Called by trial_draw.c only; knows nothing of what is drawn.
 */
#include "sim/draw.h"

#include "util/mem.h"

void sim_draw_init(struct sim_draw *d, uint64_t seed, uint64_t stream) {
  uint8_t bytes[32] = {0};
  for (unsigned i = 0; i < 8; i++) {
    bytes[i] = (uint8_t)(seed >> (8 * i));
    bytes[8 + i] = (uint8_t)(stream >> (8 * i));
  }
  tct_prng_init(&d->prng, bytes);
}

uint32_t sim_draw_below(struct sim_draw *d, uint32_t bound) {
  return bound == 0 ? 0 : tct_prng_below(&d->prng, bound);
}

uint32_t sim_draw_range(struct sim_draw *d, uint32_t low, uint32_t high) {
  return high <= low ? low : low + sim_draw_below(d, high - low + 1);
}

bool sim_draw_coin(struct sim_draw *d) {
  return sim_draw_below(d, 2) == 1;
}

bool sim_draw_chance(struct sim_draw *d, uint32_t n, uint32_t m) {
  return sim_draw_below(d, m) < n;
}

uint32_t sim_draw_skewed(struct sim_draw *d, uint32_t low, uint32_t high) {
  unsigned doublings = 0;
  uint32_t top = low;
  while (top <= high / 2) {
    top *= 2;
    doublings++;
  }
  top = low << sim_draw_below(d, doublings + 1);
  return sim_draw_range(d, top, tct_min_u32(high, top > high / 2 ? high : 2 * top));
}

uint32_t sim_draw_weighted(struct sim_draw *d, const uint8_t *weight, uint32_t n) {
  uint32_t sum = 0, at;
  for (uint32_t i = 0; i < n; i++)
    sum += weight[i];
  at = sim_draw_below(d, sum);
  for (uint32_t i = 0; i < n; i++) {
    if (at < weight[i])
      return i;
    at -= weight[i];
  }
  return 0;
}

uint64_t sim_draw_subset(struct sim_draw *d, uint64_t all) {
  return tct_prng_u64(&d->prng) & all;
}
