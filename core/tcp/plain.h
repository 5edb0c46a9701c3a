/* SPDX-License-Identifier: MIT */
/*
 * plain.h - what leaves in the plain state (tcp_plan.c's is_plain), told to the owners of the
 * fields: what their own functions do there, in place. Part of tcp_plain.c, which alone includes
 * it; each function belongs to the file in its name, and a test holds the two to each other.
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
  struct tct_tcp_active *a = c->u.active;
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

static inline void tct_tcp_send_plain_data(tct_stack *s, struct tct_tcp *c, uint32_t len,
                                           uint32_t now_ms) {
  struct tct_tcp_active *a = c->u.active;
  uint32_t mss = tct_tcp_send_mss(s, c);
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
  c->u.active->train_end = tct_seq_add(p->seq, p->train);
}

/* ---- sock_event.c ---------------------------------------------------------------------------- */

static inline void tct_sock_event_plain_data(tct_stack *s, struct tct_tcp *c) {
  const struct tct_extra *x = c->extra;
  if (x != NULL && (x->notsent_lowat != 0 || x->n_reached < x->n_marks))
    tct_sock_event_marks(s, c);
  if ((c->sockf & TCT_SOCKF_WANTS_ROOM) != 0)
    tct_sock_event_writable(s, c);
}

#endif
