/* SPDX-License-Identifier: MIT */
/*
 * collect.c - keeps what happened to whom: flows by their four numbers, events in order of time.
 * Called by the verbs while things happen and by read.c. Judges nothing: that is measure.c's.
 */
#include "cli/plot/plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void plot_view_init(struct plot_view *v) {
  memset(v, 0, sizeof *v);
  v->from = -1;
  v->names[0] = "client";
  v->names[1] = "server";
}

struct plot *plot_new(void) {
  return calloc(1, sizeof(struct plot));
}

void plot_free(struct plot *p) {
  if (p == NULL)
    return;
  free(p->event);
  free(p->sack);
  free(p->flow);
  free(p);
}

/* Room for one more element; NULL: there is none, and the plot knows. */
static void *reserve(struct plot *p, void *old, size_t *cap, size_t n, size_t size) {
  if (n < *cap)
    return old;
  size_t want = *cap == 0 ? 256 : *cap * 2;
  void *grown = realloc(old, want * size);
  if (grown == NULL)
    p->no_memory = true;
  else
    *cap = want;
  return grown;
}

static struct plot_event *push(struct plot *p, uint32_t flow, enum plot_kind kind, tct_time at) {
  if (p->n_events >= PLOT_EVENTS_MAX || p->no_memory) {
    p->left_out++;
    return NULL;
  }
  struct plot_event *grown = reserve(p, p->event, &p->cap_events, p->n_events, sizeof *p->event);
  if (grown == NULL)
    return NULL;
  p->event = grown;
  struct plot_event *e = &p->event[p->n_events++];
  *e = (struct plot_event){.at = at, .flow = flow, .kind = (uint8_t)kind};
  struct plot_flow *f = &p->flow[flow];
  f->last = at > f->last ? at : f->last;
  return e;
}

/* ---- Flows ----------------------------------------------------------------------------------- */

struct pair { /* as one end sees it */
  const tct_addr *addr[2];
  uint16_t port[2];
};

static uint32_t hash_end(const tct_addr *a, uint16_t port) {
  uint32_t h = 2166136261u;
  for (unsigned i = 0; i < sizeof a->b; i++)
    h = (h ^ a->b[i]) * 16777619u;
  return (h ^ port) * 16777619u;
}

/* The same for both directions. */
static uint32_t hash_pair(const struct pair *k) {
  uint32_t h = hash_end(k->addr[0], k->port[0]) + hash_end(k->addr[1], k->port[1]);
  return (h ^ h >> 15) % PLOT_BUCKETS;
}

/* Which end of f the pair's first one is; -1: another flow. */
static int end_in(const struct plot_flow *f, const struct pair *k) {
  for (int e = 0; e < 2; e++)
    if (f->port[e] == k->port[0] && f->port[!e] == k->port[1] &&
        memcmp(&f->addr[e], k->addr[0], sizeof(tct_addr)) == 0 &&
        memcmp(&f->addr[!e], k->addr[1], sizeof(tct_addr)) == 0)
      return e;
  return -1;
}

/* The newest comes first: ports are used again. */
static struct plot_flow *find_flow(struct plot *p, const struct pair *k, int *end) {
  for (uint32_t i = p->bucket[hash_pair(k)]; i != 0; i = p->flow[i - 1].next)
    if ((*end = end_in(&p->flow[i - 1], k)) >= 0)
      return &p->flow[i - 1];
  return NULL;
}

static struct plot_flow *add_flow(struct plot *p, const struct pair *k, bool swapped, tct_time at) {
  uint32_t h = hash_pair(k);
  if (p->n_flows >= PLOT_FLOWS_MAX) {
    p->left_out++;
    return NULL;
  }
  struct plot_flow *grown = reserve(p, p->flow, &p->cap_flows, p->n_flows, sizeof *p->flow);
  if (grown == NULL)
    return NULL;
  p->flow = grown;
  struct plot_flow *f = &p->flow[p->n_flows++];
  *f = (struct plot_flow){.first = at, .last = at, .next = p->bucket[h]};
  for (int e = 0; e < 2; e++) {
    f->addr[e] = *k->addr[swapped ? !e : e];
    f->port[e] = k->port[swapped ? !e : e];
  }
  p->bucket[h] = (uint32_t)p->n_flows;
  return f;
}

static bool is_reopened(const struct plot_flow *f, int from, const tct_seg *seg) {
  return (seg->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN && f->has_syn[from] &&
         f->isn[from] != seg->seq;
}

static struct plot_flow *flow_of(struct plot *p, const tct_seg *seg, tct_time at, int *from) {
  struct pair k = {{&seg->src, &seg->dst}, {seg->sport, seg->dport}};
  struct plot_flow *f = find_flow(p, &k, from);
  if (f != NULL && !is_reopened(f, *from, seg))
    return f;
  bool swapped = (seg->flags & (TCT_SYN | TCT_ACK)) == (TCT_SYN | TCT_ACK);
  *from = swapped;
  return add_flow(p, &k, swapped, at);
}

/* ---- Segments -------------------------------------------------------------------------------- */

static void learn(struct plot_flow *f, int from, const tct_seg *seg) {
  f->bytes[from] += seg->len;
  f->segments[from]++;
  f->reset = f->reset || (seg->flags & TCT_RST) != 0;
  if ((seg->flags & TCT_SYN) == 0)
    return;
  f->has_syn[from] = true;
  f->isn[from] = seg->seq;
  f->wscale[from] = seg->wscale;
  f->scale_known = f->has_syn[0] && f->has_syn[1];
}

static void keep_sacks(struct plot *p, struct plot_event *e, const tct_seg *seg) {
  unsigned n = seg->n_sack <= 4 ? seg->n_sack : 4;
  e->sack_at = (uint32_t)p->n_sacks;
  for (unsigned i = 0; i < n; i++) {
    struct plot_sack *grown = reserve(p, p->sack, &p->cap_sacks, p->n_sacks, sizeof *p->sack);
    if (grown == NULL)
      return;
    p->sack = grown;
    p->sack[p->n_sacks++] = (struct plot_sack){seg->sack[i][0], seg->sack[i][1]};
    e->n_sack++;
  }
}

static struct plot_event *add_segment(struct plot *p, enum plot_kind kind, tct_time at,
                                      const tct_seg *seg) {
  int from;
  struct plot_flow *f = flow_of(p, seg, at, &from);
  if (f == NULL)
    return NULL;
  struct plot_event *e = push(p, (uint32_t)(f - p->flow), kind, at);
  if (e == NULL)
    return NULL;
  e->from = (uint8_t)from;
  e->flags = seg->flags;
  e->seq = seg->seq;
  e->ack = seg->ack;
  e->len = seg->len;
  e->seg_size = seg->seg_size;
  e->window = seg->window_bytes;
  e->win_raw = seg->window_raw;
  e->is_ce = (seg->tclass & 3) == 3;
  if (kind == PLOT_SEG)
    keep_sacks(p, e, seg);
  return e;
}

static void note_seen(struct plot *p, struct plot_event *e, int seen_at, const tct_seg *seg) {
  struct plot_flow *f = &p->flow[e->flow];
  e->seen_at = (uint8_t)seen_at;
  f->seen[seen_at] = true;
  f->whys += e->why != TCT_WHY_NONE;
  if (seen_at != !e->from) /* both ends may tell: count what is sent */
    learn(f, e->from, seg);
}

static uint32_t scale_window(const struct plot_flow *f, int from, const tct_seg *seg) {
  bool scaled = f->scale_known && f->wscale[0] != 0xff && f->wscale[1] != 0xff;
  unsigned shift = f->wscale[from] > 14 ? 14 : f->wscale[from];
  return scaled && (seg->flags & TCT_SYN) == 0 ? (uint32_t)seg->window_raw << shift
                                               : seg->window_raw;
}

/* UDP and ICMP are told of as segments too, without flags. */
static bool is_tcp(const tct_trace *t) {
  return t->seg.flags != 0 && t->why != TCT_WHY_ECHO_REPLY && t->why != TCT_WHY_ICMP_ERROR &&
         t->why != TCT_WHY_DATAGRAM && t->why != TCT_WHY_FRAGMENT;
}

static void trace_segment(struct plot *p, const tct_trace *t) {
  struct plot_event *e = is_tcp(t) ? add_segment(p, PLOT_SEG, t->at, &t->seg) : NULL;
  bool is_out = t->kind == TCT_TRACE_SEG_OUT;
  if (e == NULL)
    return;
  e->why = is_out ? t->why : TCT_WHY_NONE;
  note_seen(p, e, is_out ? e->from : !e->from, &t->seg);
  if (p->flow[e->flow].scale_known) /* a stack that answers SYNs from a cache does not know yet */
    e->window = scale_window(&p->flow[e->flow], e->from, &t->seg);
  if (!is_out && !p->flow[e->flow].seen[e->from])
    learn(&p->flow[e->flow], e->from, &t->seg); /* from an end that tells nothing itself */
}

void plot_cc(struct plot *p, tct_time at, const tct_seg *seg, const uint32_t cc[3]) {
  struct pair k = {{&seg->src, &seg->dst}, {seg->sport, seg->dport}};
  int end;
  struct plot_flow *f = find_flow(p, &k, &end);
  struct plot_event *e = f != NULL ? push(p, (uint32_t)(f - p->flow), PLOT_CC, at) : NULL;
  if (e == NULL)
    return;
  e->from = e->seen_at = (uint8_t)end;
  f->has_cc[end] = true;
  e->seq = cc[0];
  e->ack = cc[1];
  e->len = cc[2];
}

static void trace_cc(struct plot *p, const tct_trace *t) {
  const uint32_t cc[3] = {t->value, t->value2, t->value3};
  tct_seg seg = {.src = t->local, .dst = t->remote, .sport = t->lport, .dport = t->rport};
  plot_cc(p, t->at, &seg, cc);
}

void plot_trace(struct plot *p, const tct_trace *t) {
  if (t->kind == TCT_TRACE_SEG_IN || t->kind == TCT_TRACE_SEG_OUT)
    trace_segment(p, t);
  else if (t->kind == TCT_TRACE_CC)
    trace_cc(p, t);
}

void plot_trace_fn(void *ctx, const tct_trace *t) {
  plot_trace(ctx, t);
}

void plot_lost(struct plot *p, tct_time at, const tct_seg *seg) {
  struct plot_event *e = add_segment(p, PLOT_LOST, at, seg);
  if (e != NULL)
    e->seen_at = e->from;
}

void plot_seen(struct plot *p, tct_time at, const tct_seg *seg, uint32_t number, uint16_t why) {
  struct plot_event *e = add_segment(p, PLOT_SEG, at, seg);
  if (e == NULL)
    return;
  e->why = why;
  note_seen(p, e, PLOT_WIRE, seg);
  e->number = number;
  e->window = scale_window(&p->flow[e->flow], e->from, seg);
}

/* ---- Choosing -------------------------------------------------------------------------------- */

void plot_name_flow(struct plot *p, uint16_t port, const char *name) {
  for (size_t i = 0; i < p->n_flows; i++)
    if (p->flow[i].port[0] == port)
      snprintf(p->flow[i].name, sizeof p->flow[i].name, "%s", name);
}

static uint64_t weight(const struct plot_flow *f) {
  return (f->bytes[0] + f->bytes[1]) * 16 + f->segments[0] + f->segments[1];
}

bool plot_choose(const struct plot *p, const struct plot_view *v, size_t *flow, int *from) {
  *flow = 0;
  if (p->n_flows == 0 || v->flow > p->n_flows)
    return false;
  for (size_t i = 0; i < p->n_flows; i++)
    if (weight(&p->flow[i]) > weight(&p->flow[*flow]))
      *flow = i;
  if (v->flow != 0)
    *flow = v->flow - 1;
  const struct plot_flow *f = &p->flow[*flow];
  *from = v->from >= 0 ? v->from : f->bytes[1] > f->bytes[0];
  return true;
}
