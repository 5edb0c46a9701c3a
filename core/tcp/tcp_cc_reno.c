/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_reno.c - NewReno's window: slow start, congestion avoidance, halving. Called through
 * tcp_cc.c alone. RFC 5681 sections 3.1 and 3.2, RFC 6582, RFC 3465 (bytes are counted, L = 2).
 * [RFC9293 MUST-19]
 */
#include "tcp/calls.h"
#include "tcp/tcp_cc.h"

static uint32_t half_of(const struct tct_tcp *c, uint32_t flight) {
  return tct_max_u32(flight / 2, 2u * c->snd.mss);
}

/* Bytes acknowledged, not ACKs received: dividing an ACK into many gains a peer nothing. */
static void on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t mss = c->snd.mss;
  bool whole = s->cfg.profile == TCT_PROFILE_LINUX; /* Linux counts all that is acknowledged */
  if (c->cc.cwnd < c->cc.ssthresh) {
    c->cc.cwnd += whole ? ack->acked_bytes : tct_min_u32(ack->acked_bytes, 2 * mss);
    return;
  }
  a->cc_acked = tct_add_sat_u32(a->cc_acked, ack->acked_bytes);
  if (a->cc_acked < c->cc.cwnd)
    return;
  a->cc_acked -= c->cc.cwnd;
  c->cc.cwnd += mss;
}

static void on_loss(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  (void)s;
  c->cc.ssthresh = half_of(c, flight);
  c->cc.cwnd = c->cc.ssthresh;
}

static void on_rto(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  (void)s;
  c->cc.ssthresh = half_of(c, flight);
  c->cc.cwnd = c->snd.mss;
}

/* RFC 6582 3.2 step 3, option 1: no burst at the end of recovery. */
static void on_recovered(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  uint32_t mss = c->snd.mss;
  (void)s;
  c->cc.cwnd = tct_min_u32(c->cc.ssthresh, tct_max_u32(flight, mss) + mss);
}

/* A call, not a table that others name: the core then needs no global offset table. */
const struct tct_tcp_cc_ops *tct_tcp_cc_reno(void) {
  static const struct tct_tcp_cc_ops ops = {"newreno", on_ack, on_loss, on_rto, on_recovered};
  return &ops;
}
