/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc.c - congestion control's door: what an ACK meant comes in, how much may fly goes out.
 * Dispatches to the algorithm of the connection (today NewReno alone, tcp_cc_reno.c). Alone, with
 * its algorithms, writes c->cc and active->cc_*. Integers only. RFC 5681 section 3.1, RFC 6928, RFC
 * 9293 section 3.8.2 [MAY-18].
 */
#include "tcp/tcp_cc.h"
#include "tcp/calls.h"
#include "util/rule.h"

static const struct tct_tcp_cc_ops *ops_of(const struct tct_tcp *c) {
  (void)c;
  return tct_tcp_cc_reno();
}

/* RFC 6928 2: ten segments, but at most 14600 bytes or two segments; one if the SYN was lost. */
void tct_tcp_cc_init(tct_stack *s, struct tct_tcp *c) {
  uint32_t mss = c->snd.mss;
  uint32_t segs = s->cfg.initial_window_segs;
  uint32_t window = tct_min_u32(segs * mss, tct_max_u32(2 * mss, segs * 1460));
  bool lost = (c->open & TCT_OPEN_SYN_LOST) != 0 &&
              (c->tmr.tries > 1 || s->cfg.profile == TCT_PROFILE_STRICT);
  c->cc.cwnd = lost ? mss : window;
  if (!TCT_RULE(MUST_19))
    c->cc.cwnd = TCT_CWND_MAX;
  c->cc.ssthresh = TCT_CWND_MAX;
}

uint32_t tct_tcp_cc_window(const struct tct_tcp *c) {
  return c->cc.cwnd;
}

/* Was the window the limit when the newest data left? Growth that nobody tested is not trusted (RFC
 * 7661). */
bool tct_tcp_cc_is_limited(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  return a != NULL && (a->rec.phase == TCT_REC_RTO || tct_seq_lt(c->snd.una, a->cc_used));
}

void tct_tcp_cc_on_sent(struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL)
    return;
  uint32_t flight = tct_tcp_send_flight(c);
  bool slow_start = c->cc.cwnd < c->cc.ssthresh;
  /* in slow start half a window in use is enough: it doubles within the round trip (Linux's rule)
   */
  if (flight + c->snd.mss > c->cc.cwnd || (slow_start && flight >= c->cc.cwnd / 2))
    a->cc_used = c->snd.nxt;
}

void tct_tcp_cc_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  bool recovering = a != NULL && a->rec.phase == TCT_REC_FAST;
  if (ack->acked_bytes == 0 || recovering || !ack->was_cwnd_limited || !TCT_RULE(MUST_19))
    return;
  ops_of(c)->on_ack(s, c, ack);
  c->cc.cwnd = tct_min_u32(c->cc.cwnd, TCT_CWND_MAX);
  tct_tcp_trace_cc(s, c);
}

void tct_tcp_cc_on_loss(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  ops_of(c)->on_loss(s, c, flight);
  tct_tcp_trace_cc(s, c);
}

void tct_tcp_cc_on_rto(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  if (!TCT_RULE(MUST_19))
    return;
  ops_of(c)->on_rto(s, c, flight);
  tct_tcp_trace_cc(s, c);
}

void tct_tcp_cc_on_recovered(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  ops_of(c)->on_recovered(s, c, flight);
  tct_tcp_trace_cc(s, c);
}

/* RFC 5681 4.1: after an RTO of silence the window says nothing about the path any more. */
void tct_tcp_cc_on_idle(tct_stack *s, struct tct_tcp *c) {
  uint32_t mss = c->snd.mss;
  uint32_t restart = tct_min_u32(s->cfg.initial_window_segs * mss, c->cc.cwnd);
  uint32_t idle_ms = tct_ms32_since(tct_time_ms32(s->now), c->sent_ms);
  if (tct_tcp_syn_acked(c) && TCT_MS(idle_ms) > tct_tcp_rtt_base_rto_ns(s, c))
    c->cc.cwnd = restart;
}
