/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_reno.c - NewReno's window: slow start, congestion avoidance, halving. Called through
 * tcp_cc.c alone, and by algorithms that are NewReno but for one thing. RFC 5681 sections 3.1 and
 * 3.2, RFC 6582, RFC 3465 (bytes are counted, L = 2); in the LINUX profile whole segments.
 * [RFC9293 MUST-19]
 */
#include "tcp/tcp_cc.h"

/* RFC 5681 (4) halves what was in flight, Linux the window. */
uint32_t tct_tcp_cc_reno_half(const tct_stack *s, const struct tct_tcp *c, uint32_t flight) {
  if (s->cfg.profile == TCT_PROFILE_STRICT)
    return tct_max_u32(flight / 2, 2u * c->snd.mss);
  return tct_max_u32(tct_tcp_cc_segs(s, c) / 2, 2) * tct_tcp_send_mss(s, c);
}

static uint32_t ssthresh(tct_stack *s, struct tct_tcp *c, void *state, uint32_t flight) {
  (void)state;
  return tct_tcp_cc_reno_half(s, c, flight);
}

/* Bytes acknowledged, not ACKs received: dividing an ACK into many gains a peer nothing. The count
 * for avoidance is in bytes here. */
static void grow_strict(struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  uint32_t *count = c->extra != NULL ? &c->extra->cc.acked_segs : &a->cc.acked_segs;
  uint32_t mss = c->snd.mss;
  if (tct_tcp_cc_in_slow_start(c)) {
    c->cc.cwnd += tct_min_u32(ack->acked_bytes, 2 * mss);
  } else {
    *count = tct_add_sat_u32(*count, ack->acked_bytes);
    if (*count < c->cc.cwnd)
      return;
    *count -= c->cc.cwnd;
    c->cc.cwnd += mss;
  }
  c->cc.cwnd = tct_min_u32(c->cc.cwnd, TCT_CWND_MAX);
}

void tct_tcp_cc_reno_grow(tct_stack *s, struct tct_tcp *c, void *state,
                          const struct tct_tcp_ack *ack) {
  uint32_t segs = ack->delivered_segs;
  (void)state;
  if (s->cfg.profile == TCT_PROFILE_STRICT) {
    grow_strict(c, ack);
    return;
  }
  if (tct_tcp_cc_in_slow_start(c))
    segs = tct_tcp_cc_slow_start(s, c, segs);
  if (segs > 0)
    tct_tcp_cc_avoid(s, c, tct_tcp_cc_segs(s, c), segs);
}

/* A call, not a table that others name: the core then needs no global offset table. */
const struct tct_cc_ops *tct_tcp_cc_reno(void) {
  static const struct tct_cc_ops ops = {
      .id = TCT_CC_NEWRENO, .on_ack = tct_tcp_cc_reno_grow, .ssthresh = ssthresh};
  return &ops;
}
