/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_hystart.c - when slow start has gone far enough: before there is loss, the round trips
 * grow. Two ways. Linux's: the least delay of a round is well above the least ever, or the ACKs of
 * one round arrive in a train longer than half of it. RFC 9406 (HyStart++): the least delay of a
 * round rose against the round before; then five rounds of a quarter of the growth decide. Called
 * by tcp_cc_cubic. Writes nothing but struct tct_hystart.
 */
#include "tcp/tcp_cc.h"

#define LOW_WINDOW_SEGS 16u     /* below it nothing is concluded */
#define TRAIN_GAP_US 2000u      /* ACKs this close belong together */
#define SAMPLES_MIN 8u          /* RFC 9406 4.3 N_RTT_SAMPLE */
#define THRESH_MIN_US 4000u     /* MIN_RTT_THRESH */
#define THRESH_MAX_US 16000u    /* MAX_RTT_THRESH */
#define CSS_ROUNDS 5            /* CSS_ROUNDS */
#define GSO_BURST_BYTES 262144u /* four of the largest frames: what a sender may let go at once */

static void begin_round(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h) {
  h->round_at = s->now;
  h->last_at = s->now;
  h->end = c->snd.nxt;
  h->round_rtt_us = UINT32_MAX;
  h->samples = 0;
}

void tct_tcp_cc_hystart_init(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h) {
  memset(h, 0, sizeof *h);
  h->before_us = UINT32_MAX;
  begin_round(s, c, h);
}

static uint32_t threshold_us(uint32_t rtt_us) {
  return tct_clamp_u32(rtt_us / 8, THRESH_MIN_US, THRESH_MAX_US);
}

/* ---- Linux's --------------------------------------------------------------------------------- */

/* How much later ACKs may come because the sender's frames leave in bursts: 1 ms at the most. */
static uint32_t burst_us(const tct_stack *s, const struct tct_tcp *c) {
  uint64_t rate = tct_tcp_pace_rate(s, c);
  return (uint32_t)tct_min_u64(tct_mul_div(GSO_BURST_BYTES, 1000000, rate), 1000);
}

static bool is_train_long(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h,
                          uint32_t least_us) {
  if (tct_time_sub(s->now, h->last_at) > TCT_US(TRAIN_GAP_US))
    return false;
  h->last_at = s->now;
  uint32_t limit_us = tct_add_sat_u32(least_us, burst_us(s, c));
  if (!tct_tcp_pace_is_on(s, c)) /* paced ACKs may be spread over half a round trip */
    limit_us /= 2;
  return tct_time_sub(s->now, h->round_at) > TCT_US(limit_us);
}

static bool is_delay_up(struct tct_hystart *h, uint32_t rtt_us, uint32_t least_us) {
  h->round_rtt_us = tct_min_u32(h->round_rtt_us, rtt_us);
  if (h->samples < SAMPLES_MIN) {
    h->samples++;
    return false;
  }
  return h->round_rtt_us > tct_add_sat_u32(least_us, threshold_us(least_us));
}

static __attribute__((noinline)) bool is_far_enough(const tct_stack *s, const struct tct_tcp *c,
                                                    struct tct_hystart *h, uint32_t rtt_us,
                                                    uint32_t least_us) {
  bool train = is_train_long(s, c, h, least_us);
  bool delay = is_delay_up(h, rtt_us, least_us);
  h->found = train || delay;
  return h->found;
}

bool tct_tcp_cc_hystart_classic(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h,
                                uint32_t rtt_us, uint32_t least_us) {
  if (tct_seq_gt(c->snd.una, h->end))
    begin_round(s, c, h);
  if (c->cc.cwnd < LOW_WINDOW_SEGS * tct_tcp_send_mss(s, c))
    return false;
  return is_far_enough(s, c, h, rtt_us, least_us);
}

/* ---- HyStart++ ------------------------------------------------------------------------------- */

static void begin_round_plus(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h) {
  if (h->css_rounds == 0) /* in CSS the baseline stays */
    h->before_us = h->round_rtt_us;
  begin_round(s, c, h);
}

/* RFC 9406 4.2 */
bool tct_tcp_cc_hystart_plus(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h,
                             uint32_t rtt_us) {
  if (tct_seq_gt(c->snd.una, h->end)) {
    if (h->css_rounds == 1) { /* the delay stayed up for all of them */
      h->css_rounds = 0;
      h->found = true;
      return true;
    }
    h->css_rounds = h->css_rounds > 0 ? (uint8_t)(h->css_rounds - 1) : 0;
    begin_round_plus(s, c, h);
  }
  h->round_rtt_us = tct_min_u32(h->round_rtt_us, rtt_us);
  h->samples = h->samples < SAMPLES_MIN ? (uint8_t)(h->samples + 1) : h->samples;
  if (h->samples < SAMPLES_MIN || h->before_us == UINT32_MAX)
    return false;
  if (h->css_rounds > 0 && h->round_rtt_us < h->before_us) { /* it was a jitter */
    h->css_rounds = 0;
    h->before_us = UINT32_MAX;
  } else if (h->css_rounds == 0 &&
             h->round_rtt_us >= tct_add_sat_u32(h->before_us, threshold_us(h->before_us))) {
    h->css_rounds = CSS_ROUNDS;
    h->before_us = h->round_rtt_us; /* cssBaselineMinRtt */
  }
  return false;
}
