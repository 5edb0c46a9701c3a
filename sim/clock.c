/* SPDX-License-Identifier: MIT */
/*
 * A host's clock, which need not be the world's. Called by host.c for each reading and by
 * host_fault.c for changes.
 */
#include "sim/clock.h"

#include "util/mul_div.h"
#include "util/time.h"

void sim_clock_init(struct sim_clock *c, tct_time tick_ns) {
  *c = (struct sim_clock){.tick_ns = tick_ns, .rate_ppm = SIM_CLOCK_TRUE_RATE};
}

static tct_time read_fine(const struct sim_clock *c, tct_time now) {
  tct_time span = tct_time_sub(now, c->true_base);
  if (c->rate_ppm != SIM_CLOCK_TRUE_RATE)
    span = tct_mul_div(span, c->rate_ppm, SIM_CLOCK_TRUE_RATE);
  return tct_time_add(c->base, span);
}

tct_time sim_clock_read(const struct sim_clock *c, tct_time now) {
  tct_time t = read_fine(c, now);
  if (c->tick_ns > 1)
    t -= t % c->tick_ns;
  return tct_time_max(t, c->shown);
}

tct_time sim_clock_when(const struct sim_clock *c, tct_time now, tct_time t) {
  tct_time past = c->tick_ns > 1 ? t % c->tick_ns : 0, span;
  if (past != 0)
    t = tct_time_add(t, c->tick_ns - past);
  span = tct_time_sub(t, c->base);
  if (c->rate_ppm != SIM_CLOCK_TRUE_RATE)
    span = tct_time_add(tct_mul_div(span, SIM_CLOCK_TRUE_RATE, c->rate_ppm), 1);
  return tct_time_max(now, tct_time_add(c->true_base, span));
}

void sim_clock_set(struct sim_clock *c, tct_time now, uint32_t rate_ppm, tct_time tick_ns) {
  c->shown = sim_clock_read(c, now);
  c->base = read_fine(c, now);
  c->true_base = now;
  c->rate_ppm = rate_ppm ? rate_ppm : SIM_CLOCK_TRUE_RATE;
  c->tick_ns = tick_ns;
}

void sim_clock_jump(struct sim_clock *c, tct_time now, tct_time by_ns) {
  sim_clock_set(c, now, c->rate_ppm, c->tick_ns);
  c->base = tct_time_add(c->base, by_ns);
}
