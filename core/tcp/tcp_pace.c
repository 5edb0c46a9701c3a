/* SPDX-License-Identifier: MIT */
/*
 * tcp_pace.c - not all at once: how fast data may leave, and when the next piece. Alone writes
 * active->pace. Called by tcp_plan (may it go now? pure), tcp_output (it left; the burst ended) and
 * tcp_timer. On when the configuration, the application's limit or the algorithm wants it; ACKs,
 * probes and whatever carries no data are never held.
 *
 * Each byte has its price in time. Sending runs ahead of the clock by a quantum, about 1 ms or two
 * segments, then waits until the clock has caught up. A clock that ticks late (1 ms, 15.6 ms)
 * loses nothing: a wait that ended late is carried over, up to CREDIT_NS; an application that was
 * silent gets no credit.
 */
#include "tcp/calls.h"
#include "tcp/tcp_cc_bbr.h"

#define QUANTUM_NS TCT_MS(1)
#define CREDIT_NS TCT_MS(20)

static const struct tct_bbr *bbr_of(const tct_stack *s, const struct tct_tcp *c) {
  bool on = tct_tcp_cc_algorithm(s, c) == TCT_CC_BBR && c->extra != NULL;
  return on ? c->extra->cc.state : NULL;
}

static uint64_t limit_of(const struct tct_tcp *c) {
  return c->extra != NULL && c->extra->max_pacing_rate != 0 ? c->extra->max_pacing_rate
                                                            : UINT64_MAX;
}

/* Linux's: a window in a round trip, twice that while it doubles, a fifth more otherwise; or what
 * the algorithm says. */
uint64_t tct_tcp_pace_rate(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_bbr *b = bbr_of(s, c);
  uint32_t percent =
      c->cc.cwnd < c->cc.ssthresh / 2 ? s->cfg.pacing_ss_percent : s->cfg.pacing_ca_percent;
  uint64_t bytes = (uint64_t)tct_max_u32(c->cc.cwnd, tct_tcp_send_flight(c)) * percent / 100;
  uint64_t rate = b != NULL ? b->rate : tct_mul_div(bytes, 8000000, c->rtt.srtt_us8);
  return tct_max_u64(tct_min_u64(rate, limit_of(c)), 1);
}

static uint64_t price_ns(uint64_t rate, uint64_t bytes) {
  return rate == UINT64_MAX ? 0 : tct_mul_div(bytes, TCT_S(1), rate);
}

static uint64_t quantum_ns(const tct_stack *s, const struct tct_tcp *c, uint64_t rate) {
  return tct_max_u64(QUANTUM_NS, price_ns(rate, 2 * (uint64_t)tct_tcp_send_mss(s, c)));
}

/* Pure. Sending has run ahead of the clock. 0: not by too much. */
tct_time tct_tcp_pace_held_until(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a->pace.phase != TCT_PACE_HELD &&
      a->pace.at <= tct_time_add(s->now, quantum_ns(s, c, tct_tcp_pace_rate(s, c))))
    return 0;
  return a->pace.at;
}

/* How many bytes one frame may hold. */
uint32_t tct_tcp_pace_quantum(const tct_stack *s, const struct tct_tcp *c) {
  uint64_t bytes = tct_mul_div(tct_tcp_pace_rate(s, c), QUANTUM_NS, TCT_S(1));
  return (uint32_t)tct_clamp_u64(bytes, 2 * (uint64_t)tct_tcp_send_mss(s, c), 65536);
}

void tct_tcp_pace_on_sent(const tct_stack *s, struct tct_tcp *c, uint32_t bytes) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || !tct_tcp_pace_is_on(s, c))
    return;
  struct tct_tcp_pace *p = &a->pace;
  uint64_t rate = tct_tcp_pace_rate(s, c);
  if (p->phase == TCT_PACE_FREE)
    p->at = tct_time_max(p->at, s->now);
  else
    p->at = tct_time_max(p->at, tct_time_sub(s->now, CREDIT_NS));
  p->at = tct_time_add(p->at, price_ns(rate, bytes));
  bool ahead = p->at > tct_time_add(s->now, quantum_ns(s, c, rate));
  p->phase = ahead ? TCT_PACE_HELD : TCT_PACE_RUNNING;
}

/* The pace holds, until `at`; but has the flow anything to say? */
void tct_tcp_pace_wait(tct_stack *s, struct tct_tcp *c, tct_time at) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  bool waits = at != 0 && tct_tcp_plan_wants_data(s, c);
  a->pace.wake_at = waits ? at : TCT_NEVER;
  if (!waits)
    a->pace.phase = TCT_PACE_FREE;
  else
    tct_tcp_timer_refresh(s, c);
}

/* True: the wait is over. */
bool tct_tcp_pace_on_timer(const tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || a->pace.wake_at > s->now)
    return false;
  a->pace.wake_at = TCT_NEVER;
  return true;
}
