/* SPDX-License-Identifier: MIT */
/*
 * conv_conn.c - the connections of a conversation: who talks to whom, numbers counted from each
 * side's ISN, which frames an ACK covers. Called by conv.c and its neighbours only.
 */
#include "cli/show/conv.h"

#include <stdlib.h>
#include <string.h>

#include "util/seq.h"

struct tuple {
  const tct_addr *addr[2];
  uint16_t port[2];
};

uint32_t conv_seg_end(const tct_seg *seg) {
  uint32_t end = seg->seq + seg->len;
  end += (seg->flags & TCT_SYN) != 0;
  end += (seg->flags & TCT_FIN) != 0;
  return end;
}

static bool is_same(const struct show_conn *c, const struct tuple *t) {
  for (int e = 0; e < 2; e++)
    if (c->port[e] != t->port[e] || memcmp(&c->addr[e], t->addr[e], sizeof c->addr[e]) != 0)
      return false;
  return true;
}

/* Nobody attacks a drawing: any spread will do. */
static struct show_conn **bucket_of(struct conv *v, const struct tuple *t) {
  uint32_t h = (uint32_t)t->port[0] << 16 | t->port[1];
  for (int e = 0; e < 2; e++)
    for (int i = 0; i < 16; i++)
      h = (h ^ t->addr[e]->b[i]) * 16777619u;
  return &v->bucket[(h ^ h >> 16) % CONV_BUCKETS];
}

static struct show_conn *reset_conn(struct conv *v, struct show_conn *c, const struct tuple *t) {
  struct show_conn **bucket = bucket_of(v, t);
  memset(c, 0, sizeof *c);
  c->number = ++v->conns_seen;
  c->used = ++v->uses;
  c->opener = -1;
  c->tally.first_fin = c->tally.rst_from = -1;
  for (int e = 0; e < 2; e++) {
    c->addr[e] = *t->addr[e];
    c->port[e] = t->port[e];
    c->known[e] = v->listening[e];
    c->state[e] = v->listening[e] ? TCT_LISTEN : TCT_CLOSED;
    c->drawn[e] = c->state[e];
    c->drawn_known[e] = c->known[e];
  }
  c->next_in_bucket = *bucket; /* the newest stands first: a port that is used again */
  *bucket = c;
  return c;
}

static void forget_conn(struct conv *v, struct show_conn *c) {
  struct tuple t = {{&c->addr[0], &c->addr[1]}, {c->port[0], c->port[1]}};
  struct show_conn **at = bucket_of(v, &t);
  for (size_t i = 0; i < v->n; i++)
    if (conv_at(v, i)->conn == c)
      conv_at(v, i)->conn = NULL;
  for (size_t i = 0; i < CONV_SEEN_MAX; i++)
    if (v->seen[i].conn == c)
      v->seen[i].conn = NULL;
  while (*at != NULL && *at != c)
    at = &(*at)->next_in_bucket;
  if (*at == c)
    *at = c->next_in_bucket;
  for (int e = 0; e < 2; e++) {
    v->n_pending -= c->pending[e].path.n != 0;
    free(c->flight[e]);
    c->flight[e] = NULL;
  }
  if (c->number == 1) { /* its story is kept for the closing sentence */
    v->first = *c;
    v->has_first = true;
  }
}

/* A free place, or the one that was not used for longest. */
static struct show_conn *new_conn(struct conv *v, const struct tuple *t) {
  size_t oldest = 0;
  if (v->n_conns < CONV_CONNS_MAX) {
    struct show_conn *c = malloc(sizeof *c);
    if (c == NULL) {
      v->failed = true;
      return NULL;
    }
    v->conn[v->n_conns++] = c;
    return reset_conn(v, c, t);
  }
  for (size_t i = 1; i < CONV_CONNS_MAX; i++)
    if (v->conn[i]->used < v->conn[oldest]->used)
      oldest = i;
  forget_conn(v, v->conn[oldest]);
  return reset_conn(v, v->conn[oldest], t);
}

void conv_conn_free_all(struct conv *v) {
  for (size_t i = 0; i < v->n_conns; i++) {
    free(v->conn[i]->flight[0]);
    free(v->conn[i]->flight[1]);
    free(v->conn[i]);
  }
  v->n_conns = 0;
}

static struct show_conn *find(struct conv *v, const struct tuple *t) {
  struct show_conn *c = *bucket_of(v, t);
  while (c != NULL && !is_same(c, t))
    c = c->next_in_bucket;
  if (c != NULL)
    c->used = ++v->uses;
  return c;
}

struct show_conn *conv_conn_find(struct conv *v, int end, const tct_addr *local, uint16_t lport,
                                 const tct_addr *remote, uint16_t rport) {
  struct tuple t = {{local, remote}, {lport, rport}};
  if (end == SHOW_RIGHT)
    t = (struct tuple){{remote, local}, {rport, lport}};
  struct show_conn *c = find(v, &t);
  return c != NULL ? c : new_conn(v, &t);
}

/* The same addresses and ports again, after both ends were done: another connection. */
static bool is_reuse(const struct show_conn *c, int from, const tct_seg *seg) {
  bool over = c->tally.rst || (c->tally.fin[0] && c->tally.fin[1]);
  return (seg->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN && c->has_isn[from] &&
         c->isn[from] != seg->seq && over;
}

struct show_conn *conv_conn_of_seg(struct conv *v, int from, const tct_seg *seg) {
  struct tuple t = {{&seg->src, &seg->dst}, {seg->sport, seg->dport}};
  if (from == SHOW_RIGHT)
    t = (struct tuple){{&seg->dst, &seg->src}, {seg->dport, seg->sport}};
  struct show_conn *c = find(v, &t);
  if (c == NULL || !is_reuse(c, from, seg))
    return c != NULL ? c : new_conn(v, &t);
  struct show_pending pending[2] = {c->pending[0], c->pending[1]};
  c->pending[0].path.n = c->pending[1].path.n = 0;
  c = new_conn(v, &t);
  if (c != NULL)
    for (int e = 0; e < 2; e++)
      c->pending[e] = pending[e];
  return c;
}

static void learn_isn(struct show_conn *c, int from, const tct_seg *seg) {
  if ((seg->flags & TCT_SYN) != 0 && !(c->has_isn[from] && c->has_next[!from])) {
    c->isn[from] = seg->seq;
    c->has_isn[from] = true;
    if (c->opener < 0 && (seg->flags & TCT_ACK) == 0)
      c->opener = from;
  }
  if (!c->has_isn[from] && (seg->flags & TCT_RST) == 0) {
    c->isn[from] = seg->seq - 1; /* joined in the middle: the first byte seen is number 1 */
    c->has_isn[from] = true;
  }
  if (!c->has_isn[!from] && (seg->flags & (TCT_ACK | TCT_RST)) == TCT_ACK) {
    c->isn[!from] = seg->ack - 1;
    c->has_isn[!from] = true;
  }
}

/* Without a word from the stack: what takes up numbers that were sent before is sent again. */
static bool is_resent(const struct show_conn *c, int from, const tct_seg *seg) {
  uint32_t end = conv_seg_end(seg);
  if ((seg->flags & TCT_SYN) != 0 && c->syn_flags[from] != seg->flags)
    return false; /* simultaneous open: first a SYN, then the same number in a SYN,ACK */
  return c->has_next[from] && end != seg->seq && tct_seq_leq(end, c->next[from]);
}

static bool why_is_resend(uint16_t why) {
  switch (why) {
  case TCT_WHY_SYN_REXMIT:
  case TCT_WHY_SYN_ACK_REXMIT:
  case TCT_WHY_FIN_REXMIT:
  case TCT_WHY_RTO:
  case TCT_WHY_FAST_REXMIT:
  case TCT_WHY_PARTIAL_ACK:
  case TCT_WHY_RACK:
  case TCT_WHY_REORDER:
  case TCT_WHY_RESCUE:
  case TCT_WHY_MTU_REDUCED:
    return true;
  default:
    return false;
  }
}

/* These may carry new data as well as old. */
static bool why_tells_nothing(uint16_t why) {
  return why == TCT_WHY_NONE || why == TCT_WHY_TLP || why == TCT_WHY_REOPENED;
}

void conv_conn_count(struct show_conn *c, struct show_row *r) {
  int from = r->from;
  uint32_t end = conv_seg_end(&r->seg);
  if (!c->has_next[0] && !c->has_next[1])
    c->is_foreign = (r->seg.flags & TCT_SYN) != 0 && !r->traced_out;
  learn_isn(c, from, &r->seg);
  r->is_rexmit =
      why_is_resend(r->why) || (why_tells_nothing(r->why) && is_resent(c, from, &r->seg));
  if ((r->seg.flags & TCT_SYN) != 0)
    c->syn_flags[from] = r->seg.flags;
  if (r->is_injected) /* a stranger's numbers say nothing about where this side is */
    r->is_rexmit = false;
  else if (!c->has_next[from] || tct_seq_gt(end, c->next[from])) {
    c->next[from] = end;
    c->has_next[from] = true;
  }
  if ((r->seg.flags & TCT_FIN) != 0 && !r->is_injected) {
    c->fin_end[from] = end;
    c->has_fin[from] = true;
  }
  r->seq_rel = c->has_isn[from] ? r->seg.seq - c->isn[from] : r->seg.seq;
  r->ack_rel = c->has_isn[!from] ? r->seg.ack - c->isn[!from] : r->seg.ack;
}

/* Room for one more; the oldest goes when there are too many. */
static bool make_room(struct show_conn *c, int e) {
  uint32_t cap = c->flight_cap[e];
  if (c->flight_n[e] < cap)
    return true;
  if (cap == SHOW_FLIGHT_MAX) {
    memmove(c->flight[e], c->flight[e] + 1, (cap - 1) * sizeof **c->flight);
    c->flight_n[e]--;
    return true;
  }
  cap = cap == 0 ? SHOW_FLIGHT_MIN : cap * 2;
  struct show_flight *p = realloc(c->flight[e], cap * sizeof *p);
  if (p == NULL)
    return false;
  c->flight[e] = p;
  c->flight_cap[e] = cap;
  return true;
}

static void remember_flight(struct show_conn *c, const struct show_row *r) {
  uint32_t end = conv_seg_end(&r->seg);
  if (end != r->seg.seq && make_room(c, r->from))
    c->flight[r->from][c->flight_n[r->from]++] =
        (struct show_flight){end, r->frame_first, r->at, r->is_rexmit};
}

static void cover(struct show_row *r, const struct show_flight *f) {
  if (r->acks_first == 0 || f->frame < r->acks_first)
    r->acks_first = f->frame;
  if (f->frame < r->acks_last)
    return;
  r->acks_last = f->frame;
  r->rtt_ns = f->resent || !r->has_arrived || r->arrived_at < f->at ? 0 : r->arrived_at - f->at;
}

/* In order of sending, so a resent piece may stand behind later numbers: all are looked at. */
void conv_conn_cover(struct show_conn *c, struct show_row *r) {
  int other = !r->from;
  uint32_t keep = 0, n = c->flight_n[other];
  struct show_flight *flight = c->flight[other];
  if (r->is_injected)
    return;
  remember_flight(c, r);
  if ((r->seg.flags & (TCT_ACK | TCT_RST)) != TCT_ACK)
    return;
  for (uint32_t i = 0; i < n; i++) {
    if (tct_seq_gt(flight[i].end, r->seg.ack))
      flight[keep++] = flight[i];
    else
      cover(r, &flight[i]);
  }
  c->flight_n[other] = keep;
}
