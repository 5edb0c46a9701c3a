/* SPDX-License-Identifier: MIT */
/*
 * tcp_pace.c - how fast data may leave. Called by tcp_plan and the algorithms; pure.
 */
#include "tcp/calls.h"

#define SLOW_START_PERCENT 200u
#define AVOIDANCE_PERCENT 120u

/* Linux's: a window in a round trip, twice that while it doubles, a fifth more otherwise. */
uint64_t tct_tcp_pace_rate(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t percent = c->cc.cwnd < c->cc.ssthresh / 2 ? SLOW_START_PERCENT : AVOIDANCE_PERCENT;
  uint64_t bytes = (uint64_t)tct_max_u32(c->cc.cwnd, tct_tcp_send_flight(c)) * percent / 100;
  (void)s;
  return tct_mul_div(bytes, 8000000, c->rtt.srtt_us8);
}

bool tct_tcp_pace_is_on(const tct_stack *s, const struct tct_tcp *c) {
  (void)s;
  (void)c;
  return false;
}
