/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_bbr.c - BBR, version 3 as far as draft-ietf-ccwg-bbr defines it: a model of the path (its
 * rate and its least round trip, and what loss told of both), a paced rate near the first and a
 * window near their product. Called through tcp_cc.c alone, with the rate sample of tcp_rate.c.
 * Leaves sending to tcp_pace. Integers only: gains in 1/256, rates in bytes a second, windows in
 * bytes. What tells of loss is the sample of an ACK, not each lost packet by itself.
 */
#include "tcp/tcp_cc_bbr.h"

#include "tcp/tcp_cc.h"

#define UNIT 256u
#define STARTUP_GAIN 709u  /* 2.77 = 4 ln 2 */
#define DRAIN_GAIN 128u    /* 0.5 */
#define CWND_GAIN 512u     /* 2 */
#define UP_GAIN 320u       /* 1.25 */
#define UP_CWND_GAIN 576u  /* 2.25 */
#define DOWN_GAIN 230u     /* 0.9 */
#define MARGIN_PERCENT 99u /* paced a little below the estimate: no standing queue */
#define LOSS_PERCENT 2u
#define SEEN_PERCENT (MARGIN_PERCENT - LOSS_PERCENT)
#define STARTUP_LOSSES                                                                             \
  6u /* so many ACKs with loss in a round, and more than 2 %: the pipe is full */
#define MIN_RTT_WINDOW_NS TCT_S(10)
#define PROBE_RTT_EVERY_NS TCT_S(5)
#define PROBE_RTT_FOR_NS TCT_MS(200)
#define MIN_SEGS 4u
#define AGGREGATION_ROUNDS 5u /* half of the draft's window of ten: two halves are kept */
#define NONE UINT32_MAX

typedef struct tct_bbr bbr;

static uint32_t mss_of(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_send_mss(s, c);
}

static uint32_t clamp_window(uint64_t bytes) {
  return (uint32_t)tct_min_u64(bytes, TCT_CWND_MAX);
}

static uint32_t beta_of(uint32_t x) { /* 0.7 */
  return (uint32_t)((uint64_t)x * 7 / 10);
}

/* ---- The model ------------------------------------------------------------------------------- */

static uint64_t max_bw(const bbr *b) {
  return tct_max_u64(b->bw_hi[0], b->bw_hi[1]);
}

static uint64_t bw_of(const bbr *b) {
  return tct_min_u64(max_bw(b), b->bw_lo);
}

/* What fills the path, times a gain; before any estimate the initial window does. */
static uint32_t inflight_for(const tct_stack *s, const struct tct_tcp *c, const bbr *b,
                             uint32_t gain) {
  if (b->min_rtt_ns == TCT_NEVER || max_bw(b) == 0)
    return clamp_window((uint64_t)s->cfg.initial_window_segs * mss_of(s, c));
  uint64_t bdp = tct_mul_div(bw_of(b), b->min_rtt_ns, TCT_S(1));
  return clamp_window(tct_min_u64(bdp, TCT_CWND_MAX) * gain / UNIT);
}

static uint32_t least_window(const tct_stack *s, const struct tct_tcp *c) {
  return MIN_SEGS * mss_of(s, c);
}

/* 15 % below the bound: room for others. */
static uint32_t with_headroom(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  if (b->inflight_hi == NONE)
    return NONE;
  uint32_t room = tct_max_u32((uint32_t)((uint64_t)b->inflight_hi * 15 / 100), mss_of(s, c));
  return tct_max_u32(tct_sub_floor_u32(b->inflight_hi, room), least_window(s, c));
}

static void start_round(const struct tct_tcp *c, bbr *b) {
  b->round_end = c->extra->rate.delivered_bytes;
}

static bool has_reached(uint32_t delivered, uint32_t mark) {
  return tct_seq_geq(delivered, mark); /* wraps like a sequence number */
}

static void update_round(const struct tct_tcp *c, bbr *b, const struct tct_tcp_rate *r) {
  b->round_start = r->interval_ns != 0 && has_reached(r->prior_delivered, b->round_end);
  if (!b->round_start)
    return;
  start_round(c, b);
  b->rounds++;
  b->rounds_since_probe++;
}

static void update_max_bw(bbr *b, const struct tct_tcp_rate *r, uint64_t bw) {
  if (bw > 0 && (bw >= max_bw(b) || !r->app_limited))
    b->bw_hi[1] = tct_max_u64(b->bw_hi[1], bw);
}

/* Two probing cycles are remembered. */
static void age_max_bw(bbr *b) {
  if (b->bw_hi[1] == 0)
    return;
  b->bw_hi[0] = b->bw_hi[1];
  b->bw_hi[1] = 0;
}

/* ---- What loss says: short-term bounds ------------------------------------------------------- */

static void reset_short_term(bbr *b) {
  b->bw_lo = UINT64_MAX;
  b->inflight_lo = NONE;
}

static bool is_probing(const bbr *b) {
  return b->state == TCT_BBR_STARTUP || b->state == TCT_BBR_REFILL || b->state == TCT_BBR_UP;
}

static bool is_in_probe_bw(const bbr *b) {
  return b->state >= TCT_BBR_DOWN && b->state <= TCT_BBR_UP;
}

static void cut_short_term(const struct tct_tcp *c, bbr *b) {
  if (b->bw_lo == UINT64_MAX)
    b->bw_lo = max_bw(b);
  if (b->inflight_lo == NONE)
    b->inflight_lo = c->cc.cwnd;
  /* What was measured is lower by our own margin and by the loss that is put up with: neither says
   * that the path is slower, and without this the bounds would sink by that much each round. */
  uint64_t bw = b->bw_latest / SEEN_PERCENT * 100;
  uint32_t inflight = b->inflight_latest / SEEN_PERCENT * 100;
  b->bw_lo = tct_min_u64(b->bw_lo, tct_max_u64(bw, b->bw_lo / 10 * 7));
  b->inflight_lo = tct_min_u32(b->inflight_lo, tct_max_u32(inflight, beta_of(b->inflight_lo)));
}

/* Marks count as loss does: the draft bounds by either. */
static void update_congestion(const struct tct_tcp *c, bbr *b, const struct tct_tcp_ack *ack,
                              uint64_t bw) {
  const struct tct_tcp_rate *r = &ack->rate;
  b->bw_latest = tct_max_u64(b->bw_latest, bw);
  b->inflight_latest = tct_max_u32(b->inflight_latest, r->delivered_bytes);
  b->loss_round_start = r->interval_ns != 0 && has_reached(r->prior_delivered, b->loss_round_end);
  if (b->loss_round_start)
    b->loss_round_end = c->extra->rate.delivered_bytes;
  if (ack->newly_lost_bytes > 0 || ack->ce_bytes > 0)
    b->losses = b->losses < 255 ? (uint8_t)(b->losses + 1) : 255;
  if (!b->loss_round_start)
    return;
  if (b->losses > 0 && !is_probing(b))
    cut_short_term(c, b);
  b->losses_in_round = b->losses;
  b->losses = 0;
}

static void advance_latest(bbr *b, const struct tct_tcp_rate *r, uint64_t bw) {
  if (!b->loss_round_start)
    return;
  b->bw_latest = bw;
  b->inflight_latest = r->delivered_bytes;
}

/* More than 2 % of what was out when the newest that arrived was sent is lost. */
static bool is_too_high(const struct tct_tcp_rate *r) {
  return r->lost_bytes > (uint64_t)r->in_flight * LOSS_PERCENT / 100 && r->lost_bytes > 0;
}

/* ---- States ---------------------------------------------------------------------------------- */

static void set_gains(bbr *b, uint32_t pacing, uint32_t cwnd) {
  b->pacing_gain = (uint16_t)pacing;
  b->cwnd_gain = (uint16_t)cwnd;
}

static void enter(bbr *b, enum tct_bbr_state state) {
  static const uint16_t gains[][2] = {
      [TCT_BBR_STARTUP] = {STARTUP_GAIN, CWND_GAIN}, [TCT_BBR_DRAIN] = {DRAIN_GAIN, CWND_GAIN},
      [TCT_BBR_DOWN] = {DOWN_GAIN, CWND_GAIN},       [TCT_BBR_CRUISE] = {UNIT, CWND_GAIN},
      [TCT_BBR_REFILL] = {UNIT, CWND_GAIN},          [TCT_BBR_UP] = {UP_GAIN, UP_CWND_GAIN},
      [TCT_BBR_PROBE_RTT] = {UNIT, UNIT / 2},
  };
  b->state = (uint8_t)state;
  set_gains(b, gains[state][0], gains[state][1]);
}

/* From 2 to 3 s, and one round more or not: flows shall not probe in step. Drawn from the
 * connection's own number and progress, so that nobody else's traffic shows in it. */
static void pick_wait(const struct tct_tcp *c, bbr *b) {
  uint64_t mixed = (uint64_t)(b->rounds & 0xffffu) * 2654435761u;
  mixed = (c->iss ^ (mixed & UINT32_MAX)) * 2246822519u;
  uint32_t x = (uint32_t)(mixed & UINT32_MAX);
  x ^= x >> 15;
  b->rounds_since_probe = x & 1u;
  b->probe_wait_ns = TCT_S(2) + TCT_MS((x >> 1) % 1000);
}

static void start_down(const tct_stack *s, const struct tct_tcp *c, bbr *b) {
  b->losses = 0;
  b->bw_latest = 0;
  b->inflight_latest = 0;
  b->up_cnt_bytes = NONE;
  pick_wait(c, b);
  b->cycle_at = s->now;
  b->ack_phase = TCT_BBR_ACKS_STOPPING;
  start_round(c, b);
  enter(b, TCT_BBR_DOWN);
}

static void start_refill(const struct tct_tcp *c, bbr *b) {
  reset_short_term(b);
  b->up_rounds = 0;
  b->up_acked_bytes = 0;
  b->ack_phase = TCT_BBR_ACKS_REFILLING;
  start_round(c, b);
  enter(b, TCT_BBR_REFILL);
}

/* Each round of probing upward doubles how fast the bound rises. */
static void raise_slope(const tct_stack *s, const struct tct_tcp *c, bbr *b) {
  uint32_t mss = mss_of(s, c), segs = 1u << b->up_rounds;
  b->up_rounds = b->up_rounds < 16 ? (uint8_t)(b->up_rounds + 1) : 16;
  b->up_cnt_bytes = tct_max_u32(c->cc.cwnd / segs, mss);
}

static void start_up(const tct_stack *s, const struct tct_tcp *c, bbr *b) {
  b->ack_phase = TCT_BBR_ACKS_STARTING;
  start_round(c, b);
  b->cycle_at = s->now;
  enter(b, TCT_BBR_UP);
  raise_slope(s, c, b);
}

static void on_too_high(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                        const struct tct_tcp_rate *r) {
  uint32_t aim = tct_min_u32(inflight_for(s, c, b, UNIT), c->cc.cwnd);
  b->probing_samples = false;
  if (!r->app_limited)
    b->inflight_hi = tct_max_u32(tct_max_u32(r->in_flight, beta_of(aim)), least_window(s, c));
  if (b->state == TCT_BBR_UP)
    start_down(s, c, b);
}

static void probe_upward(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                         const struct tct_tcp_ack *ack) {
  if (!tct_tcp_cc_is_limited(c) || c->cc.cwnd < b->inflight_hi)
    return;
  b->up_acked_bytes += ack->delivered_bytes;
  if (b->up_acked_bytes >= b->up_cnt_bytes) {
    uint32_t n = b->up_acked_bytes / b->up_cnt_bytes;
    b->up_acked_bytes -= n * b->up_cnt_bytes;
    b->inflight_hi = clamp_window((uint64_t)b->inflight_hi + (uint64_t)n * mss_of(s, c));
  }
  if (b->round_start)
    raise_slope(s, c, b);
}

static void adapt_long_term(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                            const struct tct_tcp_ack *ack) {
  const struct tct_tcp_rate *r = &ack->rate;
  if (b->ack_phase == TCT_BBR_ACKS_STARTING && b->round_start)
    b->ack_phase = TCT_BBR_ACKS_FEEDBACK;
  if (b->ack_phase == TCT_BBR_ACKS_STOPPING && b->round_start) {
    b->probing_samples = false;
    b->ack_phase = TCT_BBR_ACKS_INIT;
    if (!r->app_limited && is_in_probe_bw(b))
      age_max_bw(b);
  }
  if (is_too_high(r)) {
    if (b->probing_samples)
      on_too_high(s, c, b, r);
    return;
  }
  if (b->inflight_hi == NONE)
    return;
  b->inflight_hi = tct_max_u32(b->inflight_hi, r->in_flight);
  if (b->state == TCT_BBR_UP)
    probe_upward(s, c, b, ack);
}

static bool is_time_to_probe(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  uint32_t segs = tct_min_u32(inflight_for(s, c, b, UNIT), c->cc.cwnd) / mss_of(s, c);
  bool reno_would = b->rounds_since_probe >= tct_min_u32(segs, 63); /* coexistence */
  return tct_time_sub(s->now, b->cycle_at) > b->probe_wait_ns || reno_would;
}

static bool is_time_to_cruise(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  uint32_t pipe = tct_tcp_recover_pipe(c);
  return pipe <= with_headroom(s, c, b) && pipe <= inflight_for(s, c, b, UNIT);
}

static bool is_time_to_go_down(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  return tct_time_sub(s->now, b->cycle_at) > b->min_rtt_ns &&
         tct_tcp_recover_pipe(c) >= inflight_for(s, c, b, UP_GAIN);
}

static void cycle(const tct_stack *s, const struct tct_tcp *c, bbr *b) {
  if ((b->state == TCT_BBR_DOWN || b->state == TCT_BBR_CRUISE) && is_time_to_probe(s, c, b))
    start_refill(c, b);
  else if (b->state == TCT_BBR_DOWN && is_time_to_cruise(s, c, b))
    enter(b, TCT_BBR_CRUISE);
  else if (b->state == TCT_BBR_REFILL && b->round_start) {
    b->probing_samples = true;
    start_up(s, c, b);
  } else if (b->state == TCT_BBR_UP && is_time_to_go_down(s, c, b))
    start_down(s, c, b);
}

/* Startup ends when three rounds brought less than a quarter more, or loss says so. */
static void check_full(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                       const struct tct_tcp_rate *r) {
  if (b->full || !b->round_start)
    return;
  if (b->losses_in_round >= STARTUP_LOSSES && is_too_high(r)) {
    b->full = true;
    b->inflight_hi = tct_max_u32(inflight_for(s, c, b, UNIT), b->inflight_latest);
    return;
  }
  if (r->app_limited)
    return;
  if (max_bw(b) >= b->full_bw / 4 * 5) {
    b->full_bw = max_bw(b);
    b->full_rounds = 0;
    return;
  }
  b->full = ++b->full_rounds >= 3;
}

static void check_startup_and_drain(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                                    const struct tct_tcp_rate *r) {
  check_full(s, c, b, r);
  if (b->state == TCT_BBR_STARTUP && b->full)
    enter(b, TCT_BBR_DRAIN);
  if (b->state == TCT_BBR_DRAIN && tct_tcp_recover_pipe(c) <= inflight_for(s, c, b, UNIT))
    start_down(s, c, b);
}

/* ---- The least round trip -------------------------------------------------------------------- */

static bool update_min_rtt(const tct_stack *s, bbr *b, uint64_t rtt_ns) {
  bool expired = s->now > tct_time_add(b->probe_rtt_at, PROBE_RTT_EVERY_NS);
  if (rtt_ns != TCT_NEVER && (rtt_ns < b->probe_rtt_ns || expired)) {
    b->probe_rtt_ns = tct_max_u64(rtt_ns, 1000);
    b->probe_rtt_at = s->now;
  }
  if (b->probe_rtt_ns < b->min_rtt_ns || s->now > tct_time_add(b->min_rtt_at, MIN_RTT_WINDOW_NS)) {
    b->min_rtt_ns = b->probe_rtt_ns;
    b->min_rtt_at = b->probe_rtt_at;
  }
  return expired;
}

static uint32_t probe_rtt_window(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  return tct_max_u32(inflight_for(s, c, b, UNIT / 2), least_window(s, c));
}

static void leave_probe_rtt(const tct_stack *s, struct tct_tcp *c, bbr *b) {
  b->probe_rtt_at = s->now;
  c->cc.cwnd = tct_max_u32(c->cc.cwnd, b->saved_cwnd);
  reset_short_term(b);
  if (!b->full) {
    enter(b, TCT_BBR_STARTUP);
    return;
  }
  start_down(s, c, b);
  enter(b, TCT_BBR_CRUISE);
}

static void in_probe_rtt(const tct_stack *s, struct tct_tcp *c, bbr *b) {
  tct_tcp_rate_mark_limited(c); /* what is measured now says nothing of the path's rate */
  if (b->probe_rtt_done_at == TCT_NEVER) {
    if (tct_tcp_recover_pipe(c) > probe_rtt_window(s, c, b))
      return;
    b->probe_rtt_done_at = tct_time_add(s->now, PROBE_RTT_FOR_NS);
    b->probe_rtt_round = false;
    start_round(c, b);
    return;
  }
  b->probe_rtt_round = b->probe_rtt_round || b->round_start;
  if (b->probe_rtt_round && s->now > b->probe_rtt_done_at)
    leave_probe_rtt(s, c, b);
}

static void check_probe_rtt(const tct_stack *s, struct tct_tcp *c, bbr *b, bool expired) {
  if (b->state != TCT_BBR_PROBE_RTT && expired && !b->idle_restart) {
    b->saved_cwnd = c->cc.cwnd;
    b->probe_rtt_done_at = TCT_NEVER;
    b->ack_phase = TCT_BBR_ACKS_STOPPING;
    start_round(c, b);
    enter(b, TCT_BBR_PROBE_RTT);
  }
  if (b->state == TCT_BBR_PROBE_RTT)
    in_probe_rtt(s, c, b);
}

/* ---- ACKs that come in heaps ----------------------------------------------------------------- */

/* How much more than the rate explains arrived at once: the window has room for that. */
static void update_aggregation(const tct_stack *s, const struct tct_tcp *c, bbr *b,
                               uint32_t delivered) {
  uint64_t expected = tct_mul_div(bw_of(b), tct_time_sub(s->now, b->heap_at), TCT_S(1));
  if (b->heap_bytes <= expected) {
    b->heap_bytes = 0;
    b->heap_at = s->now;
    expected = 0;
  }
  b->heap_bytes = tct_add_sat_u32(b->heap_bytes, delivered);
  uint32_t extra =
      (uint32_t)tct_min_u64(b->heap_bytes - tct_min_u64(expected, b->heap_bytes), c->cc.cwnd);
  if (b->round_start && ++b->heap_rounds >= (b->full ? AGGREGATION_ROUNDS : 1)) {
    b->heap_rounds = 0;
    b->extra_acked[0] = b->extra_acked[1];
    b->extra_acked[1] = 0;
  }
  b->extra_acked[1] = tct_max_u32(b->extra_acked[1], extra);
}

/* ---- What comes out: rate and window --------------------------------------------------------- */

static void set_rate(bbr *b, uint32_t gain) {
  uint64_t rate = tct_mul_div(bw_of(b), (uint64_t)gain * MARGIN_PERCENT, UNIT * 100u);
  if (rate > 0 && (b->full || rate > b->rate))
    b->rate = rate;
}

static uint32_t model_bound(const tct_stack *s, const struct tct_tcp *c, const bbr *b) {
  uint32_t cap = NONE;
  if (b->state == TCT_BBR_CRUISE || b->state == TCT_BBR_PROBE_RTT)
    cap = with_headroom(s, c, b);
  else if (b->state == TCT_BBR_DOWN || b->state == TCT_BBR_REFILL || b->state == TCT_BBR_UP)
    cap = b->inflight_hi;
  cap = tct_min_u32(cap, b->inflight_lo);
  if (b->state == TCT_BBR_PROBE_RTT)
    cap = tct_min_u32(cap, probe_rtt_window(s, c, b));
  return tct_max_u32(cap, least_window(s, c));
}

/* In a loss recovery: what has arrived may be replaced, what is lost may not; at once. */
static uint32_t window_in_recovery(const tct_stack *s, const struct tct_tcp *c,
                                   const struct tct_tcp_ack *ack) {
  uint32_t cwnd = tct_max_u32(tct_sub_floor_u32(c->cc.cwnd, ack->newly_lost_bytes), mss_of(s, c));
  return tct_max_u32(cwnd, tct_tcp_recover_pipe(c) + ack->delivered_bytes);
}

static void set_window(const tct_stack *s, struct tct_tcp *c, bbr *b,
                       const struct tct_tcp_ack *ack) {
  uint32_t extra = tct_max_u32(b->extra_acked[0], b->extra_acked[1]);
  uint32_t quantum = 3 * (uint32_t)tct_min_u64(b->rate / 1000 + mss_of(s, c), 65536);
  uint32_t aim = clamp_window((uint64_t)inflight_for(s, c, b, b->cwnd_gain) + extra);
  aim = tct_max_u32(tct_max_u32(aim, quantum), least_window(s, c));
  if (b->state == TCT_BBR_UP)
    aim += 2 * mss_of(s, c);
  uint32_t cwnd = c->cc.cwnd;
  if (b->in_recovery)
    cwnd = window_in_recovery(s, c, ack);
  cwnd = clamp_window((uint64_t)cwnd + ack->delivered_bytes);
  if (b->full)
    cwnd = tct_min_u32(cwnd, aim);
  else if (c->cc.cwnd >= aim && c->extra->rate.delivered_bytes >= least_window(s, c) * 2)
    cwnd = tct_min_u32(cwnd, c->cc.cwnd);
  cwnd = tct_max_u32(cwnd, least_window(s, c));
  c->cc.cwnd = tct_min_u32(cwnd, model_bound(s, c, b));
}

/* ---- Told by tcp_cc.c ------------------------------------------------------------------------ */

/* Before anything is known: the initial window in a round trip, as fast as Startup wants. */
static void init(tct_stack *s, struct tct_tcp *c, void *state) {
  bbr *b = state;
  uint64_t rtt_us = c->rtt.srtt_us8 != 0 ? c->rtt.srtt_us8 / 8 : 1000;
  b->min_rtt_ns = c->rtt.srtt_us8 != 0 ? TCT_US(rtt_us) : TCT_NEVER;
  b->probe_rtt_ns = b->min_rtt_ns;
  b->min_rtt_at = s->now;
  b->probe_rtt_at = s->now;
  b->probe_rtt_done_at = TCT_NEVER;
  b->heap_at = s->now;
  b->cycle_at = s->now;
  b->inflight_hi = NONE;
  b->up_cnt_bytes = NONE;
  reset_short_term(b);
  start_round(c, b);
  b->loss_round_end = b->round_end;
  enter(b, TCT_BBR_STARTUP);
  b->rate = tct_mul_div(c->cc.cwnd, (uint64_t)STARTUP_GAIN * 1000000 / UNIT, rtt_us);
}

/* Out of it the window is again what it was. */
static void follow_recovery(struct tct_tcp *c, bbr *b) {
  uint8_t phase = c->active->rec.phase;
  bool in = phase == TCT_REC_FAST || phase == TCT_REC_RTO;
  if (b->in_recovery && !in) {
    c->cc.cwnd = tct_max_u32(c->cc.cwnd, b->saved_cwnd);
    b->saved_cwnd = 0;
  }
  b->in_recovery = in;
}

static void on_ack(tct_stack *s, struct tct_tcp *c, void *state, const struct tct_tcp_ack *ack) {
  bbr *b = state;
  const struct tct_tcp_rate *r = &ack->rate;
  uint64_t bw = r->interval_ns != 0 ? tct_mul_div(r->delivered_bytes, TCT_S(1), r->interval_ns) : 0;
  follow_recovery(c, b);
  update_round(c, b, r);
  update_congestion(c, b, ack, bw);
  update_max_bw(b, r, bw);
  update_aggregation(s, c, b, ack->delivered_bytes);
  check_startup_and_drain(s, c, b, r);
  if (b->full) {
    adapt_long_term(s, c, b, ack);
    cycle(s, c, b);
  }
  bool expired = update_min_rtt(s, b, ack->rtt_ns);
  check_probe_rtt(s, c, b, expired);
  if (ack->delivered_bytes > 0)
    b->idle_restart = false;
  advance_latest(b, r, bw);
  set_rate(b, b->pacing_gain);
  set_window(s, c, b, ack);
}

/* The window stays: the model bounds it. */
static uint32_t ssthresh(tct_stack *s, struct tct_tcp *c, void *state, uint32_t flight) {
  bbr *b = state;
  (void)s;
  (void)flight;
  b->saved_cwnd = tct_max_u32(b->saved_cwnd, c->cc.cwnd);
  return c->cc.ssthresh;
}

/* A time-out says nothing new but that what was out may be gone. */
static void on_rto(tct_stack *s, struct tct_tcp *c, void *state) {
  bbr *b = state;
  (void)s;
  (void)c;
  b->full_bw = 0;
  b->full_rounds = 0;
}

static void on_start(tct_stack *s, struct tct_tcp *c, void *state) {
  bbr *b = state;
  if (!c->extra->rate.app_limited)
    return;
  b->idle_restart = true;
  b->heap_at = s->now;
  b->heap_bytes = 0;
  if (b->state == TCT_BBR_PROBE_RTT && s->now > b->probe_rtt_done_at)
    leave_probe_rtt(s, c, b);
  else if (is_in_probe_bw(b))
    set_rate(b, UNIT);
}

static uint32_t undo(tct_stack *s, struct tct_tcp *c, void *state, uint32_t prior_cwnd) {
  bbr *b = state;
  (void)s;
  reset_short_term(b);
  b->losses = 0;
  return tct_max_u32(c->cc.cwnd, prior_cwnd);
}

const struct tct_cc_ops *tct_tcp_cc_bbr(void) {
  static const struct tct_cc_ops ops = {.id = TCT_CC_BBR,
                                        .state_bytes = sizeof(struct tct_bbr),
                                        .owns_cwnd = true,
                                        .wants_pace = true,
                                        .init = init,
                                        .on_ack = on_ack,
                                        .ssthresh = ssthresh,
                                        .on_rto = on_rto,
                                        .on_start = on_start,
                                        .undo = undo};
  return &ops;
}
