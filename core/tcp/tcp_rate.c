/* SPDX-License-Identifier: MIT */
/*
 * tcp_rate.c - how fast data arrives: each run remembers how much had arrived when it left; when
 * the newest of what an ACK brings is known, the difference over the longer of the two times (of
 * sending it, of its being acknowledged) is a sample. Alone writes extra->rate and ack.rate.
 * Called by tcp_sack (left), tcp_input (each ACK), tcp_cc (a burst ended). Without an extra block
 * there are no samples. draft-ietf-ccwg-bbr section 4.1, as Linux.
 */
#include "tcp/calls.h"

void tct_tcp_rate_init(struct tct_tcp *c) {
  if (c->extra != NULL)
    c->extra->rate.delivered_segs = 1; /* the SYN counts, as in Linux */
}

void tct_tcp_rate_mark_limited(struct tct_tcp *c) {
  tct_tcp_rate_set_limited(c, tct_tcp_recover_pipe(c));
}

static bool is_past(uint32_t delivered, uint32_t mark) {
  return tct_seq_gt(delivered, mark); /* wraps like a sequence number */
}

static void take_sample(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *a) {
  struct tct_tcp_rate_keep *k = &c->extra->rate;
  const struct tct_run *newest = &a->newest;
  struct tct_tcp_rate *r = &a->rate;
  uint64_t sending_ns = tct_time_sub(newest->sent_at, newest->first_sent_at);
  uint64_t acking_ns = tct_time_sub(s->now, newest->delivered_at);
  k->first_sent_at = newest->sent_at;
  r->prior_delivered = newest->delivered;
  r->delivered_bytes = k->delivered_bytes - newest->delivered;
  r->lost_bytes = c->active->runs.lost_ever.bytes - newest->lost;
  r->in_flight = newest->in_flight & ~1u;
  r->app_limited = (newest->in_flight & 1u) != 0;
  r->interval_ns = tct_max_u64(sending_ns, acking_ns);
  /* faster than the path can answer: ACKs were held back and bunched, it says nothing */
  if (c->rtt.min_us != UINT32_MAX && r->interval_ns < TCT_US(c->rtt.min_us))
    r->interval_ns = 0;
}

/* The last sample, for tct_info; a limited one only if it is not below what was told. */
static void tell(struct tct_tcp_rate_keep *k, const struct tct_tcp_rate *r) {
  uint64_t rate =
      r->interval_ns != 0 ? tct_mul_div(r->delivered_bytes, TCT_S(1), r->interval_ns) : 0;
  if (r->interval_ns == 0 || (r->app_limited && rate < k->told))
    return;
  k->told = rate;
  k->told_limited = r->app_limited;
}

TCT_HOT void tct_tcp_rate_on_ack(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *a) {
  if (c->extra == NULL)
    return;
  struct tct_tcp_rate_keep *k = &c->extra->rate;
  k->delivered_bytes += a->delivered_bytes;
  k->delivered_segs += a->delivered_segs;
  if (a->ce_bytes > 0)
    k->delivered_ce_segs += (a->ce_bytes + tct_tcp_send_mss(s, c) - 1) / tct_tcp_send_mss(s, c);
  if (k->app_limited && is_past(k->delivered_bytes, k->app_limited_end))
    k->app_limited = false;
  if (a->delivered_bytes == 0)
    return;
  if (a->newest.end != a->newest.begin && a->newest.delivered_at != 0)
    take_sample(s, c, a);
  k->delivered_at = s->now;
  tell(k, &a->rate);
}
