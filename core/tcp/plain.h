/* SPDX-License-Identifier: MIT */
/*
 * plain.h - what leaves in the plain state (tcp_plan.c's is_plain) and what comes in it
 * (tcp_fast.c's), told to the owners of the fields: what their own functions do there, in place.
 * Part of tcp_plain.c and tcp_fast.c, which alone include it; each function belongs to the file in
 * its name, and a test holds the two to each other.
 */
#ifndef TCT_TCP_PLAIN_H
#define TCT_TCP_PLAIN_H

#include "tcp/calls.h"

/* ---- tcp_delack.c, tcp_recv.c ---------------------------------------------------------------- */

static inline void tct_tcp_delack_plain_data(const tct_stack *s, struct tct_tcp *c,
                                             uint32_t now_ms) {
  uint32_t last_ms = c->extra != NULL ? c->extra->last_recv_ms : c->heard_ms;
  if (s->tcp->profile->adaptive_acks && tct_ms32_since(now_ms, last_ms) < c->snd.ato * 4u)
    c->rcv.delack |= TCT_DELACK_DIALOGUE;
}

static inline void tct_tcp_recv_plain_ack(tct_stack *s, struct tct_tcp *c, tct_seq edge) {
  struct tct_tcp_active *a = c->active;
  bool owed = (c->rcv.flags & (TCT_RCV_ACK_NOW | TCT_RCV_DELACK)) != 0;
  if (owed && (c->rcv.delack & TCT_DELACK_QUICK) != 0)
    tct_tcp_delack_on_ack_sent(s, c, true);
  c->rcv.delack &= (uint8_t) ~(TCT_DELACK_PUSHED | TCT_DELACK_PUSHED_TWICE);
  c->rcv.edge = edge;
  c->rcv.ack_sent = c->rcv.nxt;
  c->rcv.flags &= (uint8_t) ~(TCT_RCV_ACK_NOW | TCT_RCV_DELACK | TCT_RCV_WINDOW);
  a->full_since_ack = 0;
  a->read_at_ack = a->rx.begin;
  a->delack_at = TCT_NEVER;
}

/* ---- tcp_send.c, tcp_push.c, tcp_cc.c -------------------------------------------------------- */

static inline void tct_tcp_send_plain_data(tct_stack *s, struct tct_tcp *c,
                                           const struct tct_tcp_plan *p, uint32_t now_ms) {
  struct tct_tcp_active *a = c->active;
  uint32_t len = p->len, mss = p->mss;
  bool is_small = len > mss ? len % mss != 0 : len != mss;
  if (c->snd.una == c->snd.nxt)
    tct_tcp_cc_on_start(s, c);
  c->snd.nxt = tct_seq_add(c->snd.nxt, len);
  if (c->snd.nxt == a->tx.end)
    a->cork_at = TCT_NEVER;
  if (is_small)
    a->small_end = c->snd.nxt;
  else if (tct_seq_lt(a->small_end, c->snd.una))
    a->small_end = c->snd.una;
  c->sent_ms = now_ms;
  a->sent_at = s->now;
  a->cc.sent = true;
}

static inline void tct_tcp_push_plain_data(struct tct_tcp *c, const struct tct_tcp_plan *p) {
  c->active->train_end = tct_seq_add(p->seq, p->train);
}

/* ---- tcp_sack.c ------------------------------------------------------------------------------ */

/* The only run: as nearly always when one writes and waits for the answer. No MSG_EOR is about. */
static inline void tct_tcp_sack_plain_data(tct_stack *s, struct tct_tcp *c, tct_seq begin,
                                           uint16_t seg_size) {
  struct tct_tcp_active *a = c->active;
  struct tct_runs *r = &a->runs;
  tct_seq end = c->snd.nxt;
  if (r->n > 0) {
    tct_tcp_sack_on_sent(s, c, begin, end, seg_size);
    return;
  }
  struct tct_run *run = &r->at[r->head];
  *run = (struct tct_run){
      .begin = begin, .end = end, .sent_at = s->now, .seg_size = seg_size, .times = 1};
  if (end == a->tx.end)
    run->flags |= TCT_RUN_PUSH;
  if (end == a->train_end)
    run->flags |= TCT_RUN_TRAIN;
  tct_tcp_rate_on_sent(s, c, run);
  r->n = 1;
  r->all.bytes += tct_seq_len(begin, end);
  r->all.segs += tct_tcp_sack_segs(run);
}

/* ---- sock_event.c ---------------------------------------------------------------------------- */

static inline void tct_sock_event_plain_data(tct_stack *s, struct tct_tcp *c) {
  tct_sock_event_marks(s, c);
  if ((c->sockf & TCT_SOCKF_WANTS_ROOM) != 0)
    tct_sock_event_writable(s, c);
}

/* ---- What comes: tcp_recv.c, tcp_keep.c, tcp_timer.c, tcp_ecn.c -------------------------------
 */

/* RFC 7323 4.3; it is not older than the last, and there if it was agreed. */
static inline void tct_tcp_recv_plain_timestamp(const tct_stack *s, struct tct_tcp *c,
                                                const struct tct_tcp_hdr *h) {
  if (!h->opt.has_ts || tct_seq_gt(h->seq, c->rcv.ack_sent))
    return;
  c->rcv.ts_recent = h->opt.tsval;
  c->rcv.ts_recent_s = (uint32_t)(s->now / TCT_S(1));
}

/* No keep-alive is unanswered. */
static inline void tct_tcp_keep_on_plain(struct tct_tcp *c, uint32_t now_ms) {
  c->heard_ms = now_ms;
}

/* Something new is acknowledged, no expiry was counted and no probe is due. */
static inline void tct_tcp_timer_on_plain_ack(struct tct_tcp *c, uint32_t now_ms) {
  c->tmr.since_ms = now_ms;
}

static inline void tct_tcp_ecn_on_plain_ack(struct tct_tcp *c) {
  bool here = c->active->ecn_cut == c->snd.una;
  c->rcv.ecn =
      (uint16_t)(here ? c->rcv.ecn | TCT_ECNF_CUT_HERE : c->rcv.ecn & (unsigned)~TCT_ECNF_CUT_HERE);
}

/* ---- tcp_recover.c --------------------------------------------------------------------------- */

/* Nothing is dubious: what follows the numbers goes along. */
static inline void tct_tcp_recover_on_plain_text(struct tct_tcp *c) {
  struct tct_tcp_rec *rec = &c->active->rec;
  rec->frto_new = false;
  rec->reneging = false;
  rec->flight_bytes = tct_seq_len(c->snd.una, c->snd.nxt);
  rec->recover = tct_seq_max(rec->recover, tct_seq_sub(c->snd.una, 1));
}

static inline void tct_tcp_recover_on_plain_ack(const tct_stack *s, struct tct_tcp *c,
                                                const struct tct_tcp_ack *ack) {
  struct tct_tcp_rec *rec = &c->active->rec;
  rec->frto_new = false;
  rec->reneging = false;
  rec->repaired = false;
  rec->flight_bytes = ack->flight_before;
  if (rec->past.reo_dsack || rec->past.reo_steps != 0)
    tct_tcp_rack_adapt(s, c, ack);
  rec->recover = tct_seq_max(rec->recover, tct_seq_sub(c->snd.una, 1));
}

/* ---- tcp_send.c ------------------------------------------------------------------------------ */

/* One window more, of a segment that may tell of it. */
static inline void tct_tcp_send_plain_window(struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  c->snd.wnd = (uint32_t)h->window << tct_tcp_snd_shift(c);
  c->snd.wl1 = h->seq;
  c->snd.wl2 = h->ack;
}

static inline void tct_tcp_send_free_plain(tct_stack *s, struct tct_tcp *c,
                                           struct tct_tcp_active *a) {
  tct_seq upto = tct_seq_min(c->snd.una, a->tx.end);
  if (tct_seq_lt(a->tx.begin, upto))
    tct_queue_consume_to(&a->tx, &s->chunks, upto);
  if (a->tx.returned != NULL) {
    tct_tcp_send_return_lent(s, &a->tx);
    tct_sock_event_post(s, c, TCT_EV_TX_DONE);
  }
}

/* SND.UNA moves: no SYN, urgent byte or end of a record is outstanding, nothing is SACKed, the
 * window was taken. fin, a constant: our FIN is acknowledged, else none is outstanding. */
static inline __attribute__((always_inline)) void
tct_tcp_send_on_plain_ack(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                          const struct tct_tcp_hdr *h, struct tct_tcp_ack *a, bool fin) {
  const size_t half = offsetof(struct tct_tcp_ack, first_at);
  memset(a, 0, half); /* in two steps: each is short enough to be done with plain stores */
  memset((uint8_t *)a + half, 0, offsetof(struct tct_tcp_ack, newest) - half);
  a->newest.begin = a->newest.end = c->snd.una; /* of newest and rate no more is read */
  a->rate.interval_ns = 0;
  a->ack = h->ack;
  a->at = p->at;
  a->first_at = a->last_at = TCT_NEVER;
  a->sacked_first_at = a->sacked_last_at = TCT_NEVER;
  a->flight_before = tct_seq_len(c->snd.una, c->snd.nxt);
  a->fack_before = c->snd.una;
  a->has_ts = h->opt.has_ts;
  a->tsecr = h->opt.tsecr;
  a->advanced = true;
  a->acked_bytes = tct_seq_len(c->snd.una, h->ack) - (fin ? 1u : 0u);
  a->fin_acked = fin;
  if (fin)
    tct_tcp_sack_on_ack(c, h->ack, a);
  else
    tct_tcp_sack_on_plain_ack(c, h->ack, a);
  c->snd.una = h->ack;
  TCT_EXTRA_ADD(c, bytes_acked, a->acked_bytes);
  tct_tcp_send_free_plain(s, c, c->active);
  bool clean = a->first_at != TCT_NEVER && !a->resent_acked;
  a->rtt_ns = clean ? tct_time_sub(a->at, a->first_at) : tct_tcp_send_rtt_of(s, c, a);
  a->restart_timer = true;
}

#endif
