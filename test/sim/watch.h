/* SPDX-License-Identifier: MIT */
/*
 * watch.h - rules that hold for every conversation, checked on the wire while a simulation runs:
 * what an end sends must fit what it has said and heard before. Fed by a link's tap (both ends of
 * every frame) and by the traces of both stacks. Knows connections by the client's port. Included
 * by the one test that uses it. RFC 9293 sections 3.3.2, 3.4, 3.8.6.
 */
#ifndef TEST_SIM_WATCH_H
#define TEST_SIM_WATCH_H

#include <stdio.h>
#include <string.h>

#include "tercet/sim.h"
#include "util/seq.h"

enum { WATCH_CONNS_MAX = 16 };

struct watch_end {
  bool syn_sent, acked, heard; /* acked: it has sent an ACK; heard: an offer reached it */
  uint32_t isn;
  uint8_t wscale;      /* 0xff: none offered */
  uint32_t ack, edge;  /* the highest it has sent */
  uint32_t una, limit; /* the highest that reached it: acknowledged, and offered */
};

struct watch_conn {
  uint16_t port;
  struct watch_end end[2];
};

struct watch {
  struct watch_conn conn[WATCH_CONNS_MAX];
  unsigned n;
  char wrong[200];
};

static void watch_wrong(struct watch *w, const tct_sim_frame *f, const char *what, uint32_t bound) {
  const tct_seg *g = &f->seg;
  if (w->wrong[0] != 0)
    return;
  snprintf(w->wrong, sizeof w->wrong, "frame %u at %.6f s, %u+%u ack %u flags %02x (%s): %s %u",
           (unsigned)f->number, (double)f->sent_at / 1e9, g->seq, g->len, g->ack, g->flags,
           tct_why_name((tct_why)f->why), what, bound);
}

static struct watch_conn *watch_find(struct watch *w, unsigned from, const tct_seg *g) {
  uint16_t port = from == 0 ? g->sport : g->dport;
  for (unsigned i = 0; i < w->n; i++)
    if (w->conn[i].port == port)
      return &w->conn[i];
  if (w->n == WATCH_CONNS_MAX)
    return NULL;
  memset(&w->conn[w->n], 0, sizeof w->conn[w->n]);
  w->conn[w->n].port = port;
  return &w->conn[w->n++];
}

static unsigned watch_shift(const struct watch_conn *c, unsigned from, const tct_seg *g) {
  bool both = c->end[0].wscale != 0xff && c->end[1].wscale != 0xff;
  return (g->flags & TCT_SYN) == 0 && both ? c->end[from].wscale : 0;
}

static void watch_syn(struct watch_conn *c, const tct_sim_frame *f) {
  struct watch_end *e = &c->end[f->dir];
  if (e->syn_sent && e->isn == f->seg.seq)
    return;
  if ((f->seg.flags & TCT_ACK) == 0) /* another connection of the same ports */
    memset(c->end, 0, sizeof c->end);
  memset(e, 0, sizeof *e);
  e->syn_sent = true;
  e->isn = f->seg.seq;
  e->wscale = f->seg.wscale;
}

/* An ACK never takes back an ACK, and an offered window is never shrunk, scaling's rounding aside.
 */
static void watch_ack(struct watch *w, struct watch_conn *c, const tct_sim_frame *f) {
  struct watch_end *e = &c->end[f->dir];
  unsigned shift = watch_shift(c, f->dir, &f->seg);
  uint32_t edge = f->seg.ack + ((uint32_t)f->seg.window_raw << shift), slack = (1u << shift) - 1;
  if (e->acked && tct_seq_lt(f->seg.ack, e->ack))
    watch_wrong(w, f, "an acknowledgment went back, from", e->ack);
  if (e->acked && tct_seq_lt(edge + slack, e->edge))
    watch_wrong(w, f, "the window's right edge went back, from", e->edge);
  if (!e->acked || tct_seq_gt(edge, e->edge))
    e->edge = edge;
  e->ack = f->seg.ack;
  e->acked = true;
}

/* Never past what was offered, a probe's octet aside; never what is known to have arrived. */
static void watch_data(struct watch *w, struct watch_conn *c, const tct_sim_frame *f) {
  struct watch_end *e = &c->end[f->dir];
  uint32_t end = f->seg.seq + f->seg.len;
  bool probe = f->why == TCT_WHY_PROBE || f->why == TCT_WHY_KEEPALIVE;
  if (!e->heard)
    return;
  if (tct_seq_gt(end, e->limit + (probe ? 1u : 0u)))
    watch_wrong(w, f, "data past the offered window, up to", e->limit);
  if (!probe && tct_seq_leq(end, e->una))
    watch_wrong(w, f, "sent again though acknowledged, up to", e->una);
}

/* What an end took: a segment that it had to refuse tells it nothing, whatever it says. */
static void watch_taken(struct watch_conn *c, unsigned end, const tct_seg *g) {
  struct watch_end *to = &c->end[end];
  uint32_t edge = g->ack + ((uint32_t)g->window_raw << watch_shift(c, 1 - end, g));
  if ((g->flags & (TCT_ACK | TCT_RST)) != TCT_ACK)
    return;
  if (!to->heard || tct_seq_gt(edge, to->limit))
    to->limit = edge;
  if (!to->heard || tct_seq_gt(g->ack, to->una))
    to->una = g->ack;
  to->heard = true;
}

static inline void watch_frame(struct watch *w, const tct_sim_frame *f) {
  struct watch_conn *c = f->is_tcp ? watch_find(w, f->dir, &f->seg) : NULL;
  if (c == NULL || (f->seg.flags & TCT_RST) != 0)
    return;
  if (f->seg.flags & TCT_SYN)
    watch_syn(c, f);
  if (!c->end[f->dir].syn_sent)
    return; /* of a connection that its end has forgotten */
  if (f->seg.flags & TCT_ACK)
    watch_ack(w, c, f);
  if (f->seg.len > 0)
    watch_data(w, c, f);
}

/* Figure 5 of RFC 9293, and what its text adds: aborts and time-outs lead to CLOSED from anywhere,
 * LISTEN may send, a passive SYN-RECEIVED returns to LISTEN, a reused TIME-WAIT opens again. */
static bool watch_may_go(tct_state from, tct_state to) {
  static const uint16_t next[TCT_STATE_COUNT] = {
      [TCT_CLOSED] = 1 << TCT_LISTEN | 1 << TCT_SYN_SENT,
      [TCT_LISTEN] = 1 << TCT_SYN_RECEIVED | 1 << TCT_SYN_SENT | 1 << TCT_ESTABLISHED,
      [TCT_SYN_SENT] = 1 << TCT_SYN_RECEIVED | 1 << TCT_ESTABLISHED,
      [TCT_SYN_RECEIVED] =
          1 << TCT_ESTABLISHED | 1 << TCT_FIN_WAIT_1 | 1 << TCT_LISTEN | 1 << TCT_CLOSE_WAIT,
      [TCT_ESTABLISHED] = 1 << TCT_FIN_WAIT_1 | 1 << TCT_CLOSE_WAIT,
      [TCT_FIN_WAIT_1] = 1 << TCT_FIN_WAIT_2 | 1 << TCT_CLOSING,
      [TCT_FIN_WAIT_2] = 1 << TCT_TIME_WAIT,
      [TCT_CLOSE_WAIT] = 1 << TCT_LAST_ACK,
      [TCT_CLOSING] = 1 << TCT_TIME_WAIT,
      [TCT_TIME_WAIT] = 1 << TCT_SYN_RECEIVED};
  return to == TCT_CLOSED || (next[from] >> to & 1) != 0;
}

struct watch_sink { /* of one stack's trace */
  struct watch *watch;
  unsigned end;
};

static inline void watch_trace(void *ctx, const tct_trace *t) {
  struct watch_sink *k = ctx;
  struct watch *w = k->watch;
  if (t->kind == TCT_TRACE_SEG_IN) {
    struct watch_conn *c = watch_find(w, 1 - k->end, &t->seg);
    /* With its window shut an end refuses what is at its edge, but hears the ACK in it [EP-15]. */
    if (c != NULL && (t->verdict == TCT_ACCEPTED || t->seg.seq == c->end[k->end].ack))
      watch_taken(c, k->end, &t->seg);
  }
  if (t->kind != TCT_TRACE_STATE || watch_may_go((tct_state)t->state_old, (tct_state)t->state_new))
    return;
  if (w->wrong[0] == 0)
    snprintf(w->wrong, sizeof w->wrong, "from %s to %s at %.6f s",
             tct_state_name((tct_state)t->state_old), tct_state_name((tct_state)t->state_new),
             (double)t->at / 1e9);
}

#endif
