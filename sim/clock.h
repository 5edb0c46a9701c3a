/* SPDX-License-Identifier: MIT */
/*
 * clock.h - what a host takes for the time: it may run fast or slow, jump ahead, or tick seldom,
 * and never goes back. Called by host.c and host_fault.c.
 */
#ifndef SIM_CLOCK_H
#define SIM_CLOCK_H

#include "tercet/tercet.h"

enum { SIM_CLOCK_TRUE_RATE = 1000000 };

struct sim_clock {
  tct_time true_base, base; /* it showed `base` when the world's clock stood at true_base */
  tct_time tick_ns;         /* 0, 1: no ticks */
  tct_time shown;           /* at the last change: never less again */
  uint32_t rate_ppm;
};

void sim_clock_init(struct sim_clock *c, tct_time tick_ns);
tct_time sim_clock_read(const struct sim_clock *c, tct_time now);
/* The first true time, not before now, at which it shows at least t. */
tct_time sim_clock_when(const struct sim_clock *c, tct_time now, tct_time t);
/* From now on. */
void sim_clock_set(struct sim_clock *c, tct_time now, uint32_t rate_ppm, tct_time tick_ns);
void sim_clock_jump(struct sim_clock *c, tct_time now, tct_time by_ns);

#endif
