/* SPDX-License-Identifier: MIT */
/*
 * draw.h - numbers for a plan, drawn from a seed before anything runs: coins, uniform, skewed,
 * weighted, subsets. Used by trial_draw.c. What is drawn while a world runs goes through
 * sim_world_draw (world.h) instead, so that it can be put on a tape.
 */
#ifndef SIM_DRAW_H
#define SIM_DRAW_H

#include <stdbool.h>
#include <stdint.h>

#include "util/prng.h"

struct sim_draw {
  struct tct_prng prng;
};

/* `stream` parts the numbers of one seed: topology, hosts, faults, flows. A change to how one part
 * is drawn leaves the others as they were. */
void sim_draw_init(struct sim_draw *d, uint64_t seed, uint64_t stream);
/* 0 .. bound-1; 0 when bound is 0. */
uint32_t sim_draw_below(struct sim_draw *d, uint32_t bound);
/* low .. high, both included. */
uint32_t sim_draw_range(struct sim_draw *d, uint32_t low, uint32_t high);
bool sim_draw_coin(struct sim_draw *d);
/* True with a chance of n in m. */
bool sim_draw_chance(struct sim_draw *d, uint32_t n, uint32_t m);
/* low .. high, each order of magnitude as likely as the next; low >= 1. */
uint32_t sim_draw_skewed(struct sim_draw *d, uint32_t low, uint32_t high);
/* An index, with the chance that its weight has among all. */
uint32_t sim_draw_weighted(struct sim_draw *d, const uint8_t *weight, uint32_t n);
/* Each of the bits of `all` with a chance of 1/2. */
uint64_t sim_draw_subset(struct sim_draw *d, uint64_t all);

#endif
