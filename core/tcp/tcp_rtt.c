/* SPDX-License-Identifier: MIT */
/*
 * tcp_rtt.c - round-trip time and the retransmission time-out. Alone writes c->rtt. Called by
 * tcp_input with one clean sample per ACK (Karn's rule is kept in tcp_sack) and by tcp_timer. RFC
 * 6298, RFC 9293 section 3.8.1 [RFC9293 MUST-18].
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

#define LEAST_WINDOW_MS 300000u
#define SAMPLE_US_MAX (1u << 28) /* about 268 s: eight times that still fits 32 bits */

void tct_tcp_rtt_init(struct tct_tcp *c) {
  c->rtt.srtt_us8 = 0;
  c->rtt.rttvar_us4 = 0;
  c->rtt.min_us = UINT32_MAX;
}

/* RFC 6298 2.2 and 2.3 in fixed point: srtt in eighths, rttvar in quarters, so the gains are
 * shifts. */
static void sample_by_rfc(struct tct_tcp_rtt *r, uint32_t us) {
  uint32_t srtt = r->srtt_us8 / 8;
  uint32_t delta = us > srtt ? us - srtt : srtt - us;
  r->rttvar_us4 = r->rttvar_us4 - r->rttvar_us4 / 4 + delta;
  r->srtt_us8 = tct_max_u32(r->srtt_us8 - r->srtt_us8 / 8 + us, 8);
}

/* Linux: a round trip that is shorter than before widens the deviation by an eighth only ... */
static void sample_like_linux(struct tct_tcp_rtt *r, uint32_t us) {
  uint32_t srtt = r->srtt_us8 / 8, quarter = r->rttvar_us4 / 4;
  bool less = us < srtt;
  uint32_t error = less ? srtt - us : us - srtt;
  r->srtt_us8 = tct_max_u32(r->srtt_us8 - srtt + us, 1);
  if (error <= quarter)
    r->rttvar_us4 -= quarter - error;
  else
    r->rttvar_us4 += less ? (error - quarter) / 8 : error - quarter;
}

/* ... and the time-out is made of the largest deviation in a round trip, which comes down by a
 * quarter in each. */
static void hold_deviation(const tct_stack *s, struct tct_tcp *c, bool first) {
  struct tct_extra *x = c->extra;
  uint32_t least_us = s->cfg.rto_min_ms * 1000, dev_us = c->rtt.rttvar_us4;
  if (x == NULL)
    return;
  if (first || x->dev_us == 0) {
    x->dev_us = x->dev_max_us = tct_max_u32(dev_us, least_us);
    x->dev_end = c->snd.nxt;
    return;
  }
  x->dev_max_us = tct_max_u32(x->dev_max_us, dev_us);
  x->dev_us = tct_max_u32(x->dev_us, x->dev_max_us);
  if (!tct_seq_gt(c->snd.una, x->dev_end))
    return;
  x->dev_us -= (x->dev_us - tct_min_u32(x->dev_max_us, x->dev_us)) / 4;
  x->dev_end = c->snd.nxt;
  x->dev_max_us = least_us;
}

static void set_from(struct tct_tcp_least *l, unsigned from, uint32_t us, uint32_t now_ms) {
  for (unsigned i = from; i < TCT_ARRAY_LEN(l->us); i++) {
    l->us[i] = us;
    l->at_ms[i] = now_ms;
  }
}

static void drop_oldest(struct tct_tcp_least *l, uint32_t us, uint32_t now_ms) {
  memmove(l->us, l->us + 1, sizeof l->us - sizeof l->us[0]);
  memmove(l->at_ms, l->at_ms + 1, sizeof l->at_ms - sizeof l->at_ms[0]);
  set_from(l, TCT_ARRAY_LEN(l->us) - 1, us, now_ms);
}

/* The least of the last five minutes (Linux's tcp_min_rtt_wlen), with three samples: the least, the
 * least since that one, the least since that. When the first is too old the next takes its place;
 * a quarter and half of the window into it, fresh ones are taken in, so that there is a next. */
static uint32_t least_of_window(struct tct_tcp_least *l, uint32_t us, uint32_t now_ms) {
  if (l->us[0] == 0 || us <= l->us[0] || tct_ms32_since(now_ms, l->at_ms[2]) > LEAST_WINDOW_MS)
    set_from(l, 0, us, now_ms);
  else if (us <= l->us[1])
    set_from(l, 1, us, now_ms);
  else if (us <= l->us[2])
    set_from(l, 2, us, now_ms);
  while (tct_ms32_since(now_ms, l->at_ms[0]) > LEAST_WINDOW_MS)
    drop_oldest(l, us, now_ms);
  uint32_t age_ms = tct_ms32_since(now_ms, l->at_ms[0]);
  if (l->at_ms[1] == l->at_ms[0] && age_ms > LEAST_WINDOW_MS / 4)
    set_from(l, 1, us, now_ms);
  else if (l->at_ms[2] == l->at_ms[1] && age_ms > LEAST_WINDOW_MS / 2)
    set_from(l, 2, us, now_ms);
  return l->us[0];
}

TCT_HOT void tct_tcp_rtt_sample(const tct_stack *s, struct tct_tcp *c, uint64_t rtt_ns) {
  uint32_t us = (uint32_t)tct_clamp_u64(rtt_ns / 1000, 1, SAMPLE_US_MAX);
  bool first = c->rtt.srtt_us8 == 0;
  if (c->extra != NULL)
    c->rtt.min_us = least_of_window(&c->extra->least, us, s->now_ms);
  else
    c->rtt.min_us = tct_min_u32(c->rtt.min_us, us);
  if (first) {
    c->rtt.srtt_us8 = us * 8;
    c->rtt.rttvar_us4 = us * 2;
  } else if (s->cfg.profile == TCT_PROFILE_STRICT) {
    sample_by_rfc(&c->rtt, us);
  } else {
    sample_like_linux(&c->rtt, us);
  }
  hold_deviation(s, c, first);
}

TCT_HOT tct_time tct_tcp_rtt_base_rto_ns(const tct_stack *s, const struct tct_tcp *c) {
  tct_time min_ns = TCT_PLANT(RTO_WITHOUT_FLOOR) ? 0 : TCT_MS(s->cfg.rto_min_ms);
  tct_time max_ns = TCT_MS(s->cfg.rto_max_ms);
  if (c->rtt.srtt_us8 == 0 || !TCT_RULE(MUST_18)) {
    /* RFC 6298 5.7: after a lost SYN the first guess for data is 3 s */
    bool lost = (c->open & (TCT_OPEN_SYN_LOST | TCT_OPEN_CONNECTED)) ==
                (TCT_OPEN_SYN_LOST | TCT_OPEN_CONNECTED);
    return lost ? TCT_S(3) : TCT_MS(s->cfg.rto_initial_ms);
  }
  if (s->cfg.profile == TCT_PROFILE_STRICT) {
    tct_time rto = TCT_US((tct_time)c->rtt.srtt_us8 / 8 + tct_max_u32(c->rtt.rttvar_us4, 1000));
    return tct_clamp_u64(rto, min_ns, max_ns);
  }
  /* Linux: the floor is under the variance term, so the RTO is srtt + 200 ms at the least */
  uint32_t var_us =
      c->extra != NULL && c->extra->dev_us != 0 ? c->extra->dev_us : c->rtt.rttvar_us4;
  tct_time var_ns = tct_max_u64(TCT_US(var_us), min_ns);
  return tct_min_u64(TCT_US((tct_time)c->rtt.srtt_us8 / 8) + var_ns, max_ns);
}

/* Doubled for each expiry since the last clean sample or new data acknowledged [RFC9293 EP-50]. */
tct_time tct_tcp_rtt_rto_ns(const tct_stack *s, const struct tct_tcp *c) {
  tct_time base = tct_tcp_rtt_base_rto_ns(s, c);
  unsigned shift = c->tmr.backoff < 16 ? c->tmr.backoff : 16;
  return tct_min_u64(TCT_RULE(MUST_19) ? base << shift : base, TCT_MS(s->cfg.rto_max_ms));
}
