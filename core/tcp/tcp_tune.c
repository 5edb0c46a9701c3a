/* SPDX-License-Identifier: MIT */
/*
 * tcp_tune.c - how large a connection's buffers have to be, so that they are never what limits it:
 * the receive buffer grows with what the application takes in a round trip (dynamic right-sizing),
 * the send buffer with the congestion window. Alone writes active->tune. Called by tcp_input
 * (round-trip times as a receiver sees them), tcp_recv (the application has read) and tcp_send. A
 * buffer that the application has set, or a stack short of memory, is left as it is. RFC 9293
 * section 3.8.6.2.2 leaves the size to us; the method is Fisk and Feng's, 2001.
 */
#include "tcp/calls.h"

/* No growth beyond half of all memory for queues: the rest is for those who have less. */
static bool is_short_of_memory(const tct_stack *s) {
  return s->chunks.used_bytes > s->chunks.limit_bytes / 2;
}

void tct_tcp_tune_init(struct tct_tcp_tune *t) {
  memset(t, 0, sizeof *t);
  t->since = TCT_NEVER;
  t->window_since = TCT_NEVER;
}

/* Nothing of it is lost while there is no block, where extra can keep it. */
void tct_tcp_tune_save(struct tct_tcp *c) {
  if (c->extra != NULL)
    c->extra->tune = c->active->tune;
}

void tct_tcp_tune_recall(const struct tct_tcp *c, struct tct_tcp_tune *t) {
  if (c->extra != NULL)
    *t = c->extra->tune;
  else
    tct_tcp_tune_init(t);
}

/* Nothing comes of it: no buffer may grow, and there is no extra, whose connections are told of it.
 * So nothing is measured, and the block makes way as soon as it is quiet. */
static bool is_idle(const tct_stack *s, const struct tct_tcp *c) {
  return c->extra == NULL && !tct_tcp_tune_is_on(s);
}

/* NULL: nothing is known. */
const struct tct_tcp_tune *tct_tcp_tune_known(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a != NULL)
    return &a->tune;
  bool kept = c->extra != NULL && !tct_tcp_tune_is_stale(s, &c->extra->tune, c);
  return kept ? &c->extra->tune : NULL;
}

/* The largest that the buffer may become: our window scale has to allow for it. */
uint32_t tct_tcp_tune_rcv_max(const tct_stack *s, const struct tct_tcp *c) {
  if (tct_tcp_is_set(c, TCT_OPT_RCVBUF))
    return c->rcv.buf_max;
  return tct_max_u32(c->rcv.buf_max, s->cfg.rcvbuf_max_bytes);
}

/* ---- Round trips as the receiver sees them ----------------------------------------------------
 */

/* With timestamps each segment with text tells when what it answers had left. */
static void sample_echo(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_tune *t,
                        const struct tct_tcp_hdr *h) {
  uint32_t age_ms = tct_ms32_since(tct_tcp_options_tsval(s, c), h->opt.tsecr);
  if (h->opt.tsecr == 0 || age_ms > 60000)
    return;
  uint32_t us = 1000 * tct_max_u32(age_ms, 1);
  t->rtt_us = t->rtt_us == 0 ? us : t->rtt_us - t->rtt_us / 8 + us / 8;
}

/* Without: a full window cannot come in less than a round trip; the shortest time counts. */
static void sample_window(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_tune *t) {
  bool begun = t->window_since != TCT_NEVER;
  if (begun && tct_seq_lt(c->rcv.nxt, t->window_end))
    return;
  if (begun) {
    uint32_t us =
        (uint32_t)tct_clamp_u64(tct_time_sub(s->now, t->window_since) / 1000, 1, 60000000);
    t->rtt_us = t->rtt_us == 0 ? us : tct_min_u32(t->rtt_us, us);
  }
  t->window_since = s->now;
  t->window_end = c->rcv.edge;
}

/* Text has come. */
TCT_HOT void tct_tcp_tune_on_text(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || is_idle(s, c))
    return;
  if (a->tune.since != TCT_NEVER && tct_tcp_tune_is_stale(s, &a->tune, c))
    tct_tcp_tune_init(&a->tune);
  if ((c->open & TCT_OPEN_TS) != 0 && h->opt.has_ts)
    sample_echo(s, c, &a->tune, h);
  else
    sample_window(s, c, &a->tune);
}

/* ---- The receive buffer ------------------------------------------------------------------------
 */

/* Taken in one round trip: more than half of what there was room for? Then four times as much: a
 * sender in slow start doubles in this round trip and again before we look next. */
uint32_t tct_tcp_tune_next(uint32_t buf_bytes, uint32_t taken_bytes, uint32_t max_bytes) {
  if (taken_bytes <= buf_bytes / 2 || buf_bytes >= max_bytes)
    return buf_bytes;
  uint32_t wanted = taken_bytes > max_bytes / 4 ? max_bytes : 4 * taken_bytes;
  return tct_clamp_u32(wanted, buf_bytes, max_bytes);
}

/* The application has read up to rx.begin. */
void tct_tcp_tune_on_read(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || is_idle(s, c))
    return;
  struct tct_tcp_tune *t = &a->tune;
  if (t->since != TCT_NEVER && tct_time_sub(s->now, t->since) < TCT_US(tct_tcp_tune_rtt_of(t, c)))
    return; /* this round trip goes on, and so it is not stale */
  if (tct_tcp_tune_is_stale(s, t, c))
    tct_tcp_tune_init(t);
  uint32_t rtt_us = tct_tcp_tune_rtt_of(t, c);
  if (t->since != TCT_NEVER && rtt_us != 0) {
    uint32_t max = tct_tcp_tune_rcv_max(s, c);
    t->taken = tct_seq_len(t->seq, a->rx.begin);
    if (c->rcv.buf_max < max && !is_short_of_memory(s))
      tct_tcp_recv_init(s, c, tct_tcp_tune_next(c->rcv.buf_max, t->taken, max));
  }
  t->since = s->now;
  t->seq = a->rx.begin;
}

/* ---- The send buffer ---------------------------------------------------------------------------
 */

/* What a segment costs Linux: header room and bookkeeping, rounded as its allocator does. Programs
 * that write without waiting rely on what that lets them queue. */
static uint32_t segment_cost(uint32_t mss) {
  uint32_t size = 2048;
  while (size < mss + 640)
    size *= 2;
  return size + 256;
}

/* Twice the congestion window: one in flight, one to be sent when its ACKs come. */
uint32_t tct_tcp_tune_snd_limit(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t least = s->cfg.sndbuf_bytes, max = s->cfg.sndbuf_max_bytes;
  if (c->extra != NULL && c->extra->sndbuf != 0)
    return c->extra->sndbuf;
  if (max <= least || is_short_of_memory(s))
    return least;
  uint32_t mss = tct_tcp_send_mss(s, c), segs = tct_max_u32(c->cc.cwnd / mss, 10);
  uint32_t cost = segment_cost(mss);
  return segs > max / (2 * cost) ? max : tct_clamp_u32(2 * segs * cost, least, max);
}
