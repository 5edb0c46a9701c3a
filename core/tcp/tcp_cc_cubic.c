/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_cubic.c - CUBIC: the window is a cubic function of the time since the last loss, flat
 * around the window at which it came. Called through tcp_cc.c alone. Leaves the end of slow start
 * to tcp_cc_hystart. Integers only: windows in segments, times in 1/1024 s, shares in 1/1024. The
 * LINUX profile has Linux's constants and steps (a cut to 717/1024, C = 41 * 10 / 2^10, growth
 * of 5 % a round trip before the first loss); STRICT the standard's. RFC 9438.
 */
#include "tcp/tcp_cc.h"

#define BETA 717u                 /* of 1024: what is left after a loss, 0.7 */
#define C_1024 410u               /* C = 0.4 */
#define UPDATE_MS 31u             /* with an unchanged window the curve is not asked more often */
#define BLIND_CNT_MAX 20          /* no loss seen yet: at least one segment for 20 acknowledged */
#define QUIET_AFTER_LOSS_MS 1000u /* delays right after a recovery say nothing */

struct cubic {
  struct tct_hystart hystart;
  uint32_t cnt;        /* acknowledged segments for each one more */
  uint32_t max_before; /* W_max: the window before the last cut, segments; 0: none yet */
  uint32_t last_cwnd;  /* when the curve was last asked: */
  uint32_t last_ms;
  uint32_t origin; /* the curve's plateau */
  uint32_t k;      /* from the epoch's start to the plateau, 1/1024 s */
  uint32_t delay_min_us;
  uint32_t epoch_ms;
  uint32_t acked;    /* for the Reno-friendly estimate, segments */
  uint32_t friendly; /* that estimate: what NewReno would have by now */
  uint32_t prior;    /* window before the last cut (RFC 9438 4.3: alpha becomes 1 there) */
  bool epoch;        /* epoch_ms is set */
};

static struct cubic *cubic_of(void *state) {
  return state;
}

static uint32_t now_ms(const tct_stack *s) {
  return s->now_ms;
}

static bool is_linux(const tct_stack *s) {
  return s->cfg.profile == TCT_PROFILE_LINUX;
}

static void reset(const tct_stack *s, const struct tct_tcp *c, struct cubic *q) {
  memset(q, 0, sizeof *q);
  tct_tcp_cc_hystart_init(s, c, &q->hystart);
}

static void init(tct_stack *s, struct tct_tcp *c, void *state) {
  reset(s, c, cubic_of(state));
}

/* ---- The curve ------------------------------------------------------------------------------- */

/* Largest r with r^3 <= x, a bit a turn. */
static uint32_t cube_root(uint64_t x) {
  uint64_t r = 0;
  for (int bit = 21; bit >= 0; bit--) {
    uint64_t t = r | (uint64_t)1 << bit;
    if (t <= 2642245 && t * t * t <= x)
      r = t;
  }
  return (uint32_t)r;
}

/* K = cubic root of (W_max - cwnd) / C, in 1/1024 s: 2^30 seconds^3 units, C in 1/1024. */
static uint32_t time_to_plateau(uint32_t gap_segs) {
  return cube_root(((uint64_t)1 << 40) / C_1024 * gap_segs);
}

/* |W_cubic - plateau| at a distance of t/1024 s: C t^3. */
static uint32_t rise(uint64_t t) {
  if (t >= (uint64_t)1 << 18) /* more than four minutes: out of all bounds */
    return TCT_CWND_MAX;
  uint64_t cube = t * t * t; /* < 2^54 */
  return (uint32_t)tct_min_u64(tct_mul_div(cube, C_1024, (uint64_t)1 << 40), TCT_CWND_MAX);
}

static void begin_epoch(const tct_stack *s, struct cubic *q, uint32_t cwnd, uint32_t acked) {
  q->epoch = true;
  q->epoch_ms = now_ms(s);
  q->acked = acked;
  q->friendly = cwnd;
  q->k = 0;
  q->origin = cwnd;
  if (q->max_before > cwnd) {
    q->k = time_to_plateau(q->max_before - cwnd);
    q->origin = q->max_before;
  }
}

/* Where the window should be a round trip from now. */
static uint32_t target(const tct_stack *s, const struct cubic *q, uint32_t cwnd) {
  uint64_t t_ms = (uint64_t)tct_ms32_since(now_ms(s), q->epoch_ms) + (q->delay_min_us + 999) / 1000;
  uint64_t t = t_ms * 1024 / 1000;
  uint32_t off = rise(t < q->k ? q->k - t : t - q->k);
  uint32_t w = t < q->k ? tct_sub_floor_u32(q->origin, off) : tct_add_sat_u32(q->origin, off);
  /* RFC 9438 4.2: between the window and one and a half of it */
  return is_linux(s) ? w : tct_clamp_u32(w, cwnd, cwnd + cwnd / 2);
}

/* Never less than NewReno with this cut would have: alpha = 3 (1 - beta) / (1 + beta), that is one
 * segment for each 15/8 of a window acknowledged (RFC 9438 4.3; after the prior window: each one).
 */
static void be_friendly(const tct_stack *s, struct cubic *q, uint32_t cwnd) {
  bool grown = !is_linux(s) && q->friendly >= q->prior;
  uint32_t each = tct_max_u32(grown ? cwnd : (uint32_t)((uint64_t)cwnd * 15 / 8), 1);
  uint32_t more = q->acked > each ? (q->acked - 1) / each : 0;
  q->acked -= more * each;
  q->friendly = tct_add_sat_u32(q->friendly, more);
  if (q->friendly > cwnd)
    q->cnt = tct_min_u32(q->cnt, cwnd / (q->friendly - cwnd));
}

static void ask_curve(const tct_stack *s, struct cubic *q, uint32_t cwnd, uint32_t acked) {
  q->last_cwnd = cwnd;
  q->last_ms = now_ms(s);
  if (!q->epoch)
    begin_epoch(s, q, cwnd, acked);
  uint32_t want = target(s, q, cwnd);
  q->cnt = want > cwnd ? cwnd / (want - cwnd) : tct_min_u32(cwnd, UINT32_MAX / 100) * 100;
  if (q->max_before == 0 && q->cnt > BLIND_CNT_MAX && is_linux(s))
    q->cnt = BLIND_CNT_MAX;
}

static void update(const tct_stack *s, struct cubic *q, uint32_t cwnd, uint32_t acked) {
  uint32_t age_ms = tct_ms32_since(now_ms(s), q->last_ms);
  q->acked = tct_add_sat_u32(q->acked, acked);
  if (q->last_cwnd == cwnd && age_ms <= UPDATE_MS)
    return;
  if (!q->epoch || age_ms > 0) /* at most once a millisecond */
    ask_curve(s, q, cwnd, acked);
  be_friendly(s, q, cwnd);
  q->cnt = tct_max_u32(q->cnt, 2); /* half a window a round trip at the most */
}

/* ---- Told by tcp_cc.c ------------------------------------------------------------------------ */

/* HyStart++ grows a quarter while it doubts: RFC 9406 4.2, CSS_GROWTH_DIVISOR. */
static uint32_t slow_start_share(struct cubic *q, uint32_t segs) {
  if (q->hystart.css_rounds == 0)
    return segs;
  q->acked = tct_add_sat_u32(q->acked, segs);
  uint32_t take = q->acked / 4;
  q->acked %= 4;
  return take;
}

static void on_ack(tct_stack *s, struct tct_tcp *c, void *state, const struct tct_tcp_ack *ack) {
  struct cubic *q = cubic_of(state);
  uint32_t segs = ack->delivered_segs;
  if (tct_tcp_cc_in_slow_start(c)) {
    segs = tct_tcp_cc_slow_start(s, c, slow_start_share(q, segs));
    if (segs == 0 || tct_tcp_cc_in_slow_start(c))
      return;
  }
  if (segs == 0)
    return;
  update(s, q, tct_tcp_cc_segs(s, c), segs);
  tct_tcp_cc_avoid(s, c, q->cnt, segs);
}

/* Of what was sent last of all that is acknowledged, as Linux; else what the echo tells. */
static uint64_t newest_rtt_ns(const struct tct_tcp_ack *ack) {
  if (ack->last_at != TCT_NEVER && !ack->resent_acked)
    return tct_time_sub(ack->at, ack->last_at);
  if (ack->sacked_last_at != TCT_NEVER)
    return tct_time_sub(ack->at, ack->sacked_last_at);
  return ack->rtt_ns;
}

/* A round-trip sample: the least delay, and whether slow start has gone far enough. */
TCT_HOT static void on_news(tct_stack *s, struct tct_tcp *c, void *state,
                            const struct tct_tcp_ack *ack) {
  struct cubic *q = cubic_of(state);
  uint32_t us;
  bool enough;
  if (ack->rtt_ns == TCT_NEVER)
    return;
  if (q->epoch && tct_ms32_since(now_ms(s), q->epoch_ms) < QUIET_AFTER_LOSS_MS)
    return;
  us = (uint32_t)tct_clamp_u64(newest_rtt_ns(ack) / 1000, 1, UINT32_MAX / 2);
  if (q->delay_min_us == 0 || us < q->delay_min_us)
    q->delay_min_us = us;
  if (q->hystart.found || !tct_tcp_cc_in_slow_start(c))
    return;
  if (is_linux(s))
    enough = tct_tcp_cc_hystart_classic(s, c, &q->hystart, us, q->delay_min_us);
  else
    enough = tct_tcp_cc_hystart_plus(s, c, &q->hystart, us);
  if (enough)
    c->cc.ssthresh = c->cc.cwnd;
}

/* RFC 9438 4.6, 4.7: cut to 0.7; a window that did not come back to the last maximum makes room
 * (fast convergence). */
static uint32_t ssthresh(tct_stack *s, struct tct_tcp *c, void *state, uint32_t flight) {
  struct cubic *q = cubic_of(state);
  uint32_t cwnd = tct_tcp_cc_segs(s, c), mss = tct_tcp_send_mss(s, c);
  q->epoch = false;
  q->prior = cwnd;
  q->max_before = cwnd < q->max_before ? (uint32_t)((uint64_t)cwnd * (1024 + BETA) / 2048) : cwnd;
  if (is_linux(s))
    return tct_max_u32((uint32_t)((uint64_t)cwnd * BETA / 1024), 2) * mss;
  return tct_max_u32((uint32_t)((uint64_t)flight * 7 / 10), 2u * c->snd.mss);
}

/* RFC 9438 4.8: after a time-out K is 0 and slow start is as at the first. Linux forgets the
 * maximum too. */
static void on_rto(tct_stack *s, struct tct_tcp *c, void *state) {
  struct cubic *q = cubic_of(state);
  uint32_t max_before = q->max_before, prior = q->prior;
  reset(s, c, q);
  if (is_linux(s))
    return;
  q->max_before = max_before;
  q->prior = prior;
  q->hystart.found = true; /* RFC 9406 4.3: the first slow start only */
}

/* RFC 9438 5.8: the clock stands while nothing is sent. */
TCT_HOT static void on_start(tct_stack *s, struct tct_tcp *c, void *state) {
  struct cubic *q = cubic_of(state);
  uint32_t idle_ms = tct_ms32_since(now_ms(s), c->sent_ms);
  uint32_t age_ms = tct_ms32_since(now_ms(s), q->epoch_ms);
  if (q->epoch)
    q->epoch_ms = tct_ms32_add(q->epoch_ms, tct_min_u32(idle_ms, age_ms));
}

const struct tct_cc_ops tct_tcp_cc_cubic_ops = {.id = TCT_CC_CUBIC,
                                                .state_bytes = sizeof(struct cubic),
                                                .init = init,
                                                .on_news = on_news,
                                                .on_ack = on_ack,
                                                .ssthresh = ssthresh,
                                                .on_rto = on_rto,
                                                .on_start = on_start};
