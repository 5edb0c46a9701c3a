/* SPDX-License-Identifier: MIT */
/*
 * What a trial sees of its connections: states by events, transitions after transitions, packets of
 * each connection, sizes of frames; and the moment of which an act waits. Fed by the traces of the
 * stacks, the taps of the links and the calls of the applications. Judges nothing: that is the
 * checker's (sim_check.h).
 */
#include <stdlib.h>

#include "sim/trial_run.h"
#include "sim/world.h"
#include "stack_probe.h"
#include "util/mem.h"

/* ---- Connections by tuple: an entry may be taken over by another, and then begins anew ---- */

static uint32_t slot_of(const tct_addr *remote, uint16_t lport, uint16_t rport) {
  uint32_t x = (uint32_t)lport * 31u + (uint32_t)rport * 17u + remote->b[15];
  return (x ^ x >> 8) % SIM_WATCH_CONNS;
}

static bool is_it(const struct sim_watch_conn *c, const tct_trace *t) {
  return c->used && c->lport == t->lport && c->rport == t->rport &&
         memcmp(&c->remote, &t->remote, sizeof c->remote) == 0;
}

static struct sim_watch_conn *find(const struct sim_trial_node *n, const tct_trace *t) {
  struct sim_watch_conn *c = &n->conns[slot_of(&t->remote, t->lport, t->rport)];
  return is_it(c, t) ? c : NULL;
}

static struct sim_watch_conn *find_or_take(const struct sim_trial_node *n, const tct_trace *t) {
  struct sim_watch_conn *c = &n->conns[slot_of(&t->remote, t->lport, t->rport)];
  if (is_it(c, t))
    return c;
  memset(c, 0, sizeof *c);
  c->used = true;
  c->local = t->local;
  c->remote = t->remote;
  c->lport = t->lport;
  c->rport = t->rport;
  c->edge = SIM_EDGES;
  return c;
}

/* ---- Counting ---- */

static sim_segment segment_of(const tct_seg *g) {
  bool fin = (g->flags & TCT_FIN) != 0;
  if (g->flags & TCT_SYN)
    return g->flags & TCT_ACK ? SIM_SEGMENT_SYN_ACK : SIM_SEGMENT_SYN;
  if (g->flags & TCT_RST)
    return g->flags & TCT_ACK ? SIM_SEGMENT_RST_ACK : SIM_SEGMENT_RST;
  if ((g->flags & TCT_ACK) == 0)
    return SIM_SEGMENT_BARE;
  if (g->flags & TCT_URG)
    return SIM_SEGMENT_URGENT;
  if (g->len > 0)
    return fin ? SIM_SEGMENT_DATA_FIN : SIM_SEGMENT_DATA;
  return fin ? SIM_SEGMENT_FIN : SIM_SEGMENT_ACK;
}

static uint32_t segments(const tct_seg *g) {
  return g->seg_size == 0 ? 1 : (g->len + g->seg_size - 1) / g->seg_size;
}

static struct sim_watch_sock *sock_at(struct sim_trial_node *n, tct_sock k) {
  if (k.index >= n->n_socks) {
    uint32_t more = k.index + 64;
    n->socks = sim_world_grow(n->socks, more * sizeof *n->socks);
    memset(n->socks + n->n_socks, 0, (more - n->n_socks) * sizeof *n->socks);
    n->n_socks = more;
  }
  return &n->socks[k.index];
}

static void close_account(struct sim_trial_counts *c, struct sim_watch_sock *s) {
  if (s->packets != 0)
    c->conn_packets[tct_min_u32(s->packets, SIM_CONN_PACKETS_MAX)]++;
  s->packets = 0;
}

/* Of clients only, whose sockets begin with a SYN of their own. */
static void open_account(struct sim_trial_node *n, tct_sock k) {
  struct sim_watch_sock *s = sock_at(n, k);
  close_account(n->trial->counts, s);
  s->gen = k.gen;
}

static void count_packets(struct sim_trial_node *n, const tct_trace *t) {
  struct sim_watch_sock *s;
  if (t->sock.gen == 0 || t->sock.index >= n->n_socks)
    return;
  s = &n->socks[t->sock.index];
  if (s->gen == t->sock.gen)
    s->packets += segments(&t->seg);
}

/* ---- Traces ---- */

/* Acts alone want to know what a connection's segments say. */
static bool has_acts(const struct sim_trial_node *n) {
  return n->trial->plan->n_acts != 0;
}

static void on_segment_in(struct sim_trial_node *n, const tct_trace *t) {
  struct sim_watch_conn *c = t->sock.gen == 0 || has_acts(n) ? find(n, t) : NULL;
  unsigned state = t->sock.gen != 0 ? t->state_old : c != NULL ? c->state : TCT_CLOSED;
  bool opens = t->verdict == TCT_ACCEPTED && (t->seg.flags & (TCT_SYN | TCT_ACK)) == TCT_SYN;
  if (state == TCT_CLOSED &&
      (opens || t->verdict == TCT_DROP_TCP_LISTEN_ACK || t->verdict == TCT_DROP_TCP_LISTEN_RST))
    state = TCT_LISTEN;
  n->trial->counts->cell[state][segment_of(&t->seg)]++;
  count_packets(n, t);
  if (c == NULL || t->verdict != TCT_ACCEPTED)
    return;
  if (t->seg.flags & TCT_ACK) {
    c->heard_ack = t->seg.ack;
    c->heard_window = t->seg.window_raw;
  }
  if (t->seg.has_ts)
    c->tsval = t->seg.tsval;
}

static void on_segment_out(struct sim_trial_node *n, const tct_trace *t) {
  struct sim_watch_conn *c = has_acts(n) ? find(n, t) : NULL;
  count_packets(n, t);
  if (c == NULL || (t->seg.flags & TCT_RST) != 0)
    return;
  c->seq = t->seg.seq + t->seg.len + ((t->seg.flags & (TCT_SYN | TCT_FIN)) != 0);
  if (t->seg.flags & TCT_ACK) {
    c->ack = t->seg.ack;
    c->window = t->seg.window_bytes;
  }
  c->has_ts = t->seg.has_ts;
  c->tsecr = t->seg.tsval;
}

static void run_act(void *ctx, void *arg) {
  (void)arg;
  sim_act_do(ctx);
}

static void look_for_acts(struct sim_trial_node *n, const tct_trace *t,
                          const struct sim_watch_conn *c) {
  struct sim_trial *trial = n->trial;
  for (uint32_t i = 0; i < trial->plan->n_acts; i++) {
    struct sim_trial_doing *d = &trial->doing[i];
    if (d->left == 0 || d->plan->host != n->index || d->plan->state != t->state_new)
      continue;
    if (--d->left != 0)
      continue;
    d->sock = t->sock;
    d->conn = *c;
    sim_world_schedule(trial->w, tct_sim_now(trial->w) + d->plan->after_us * UINT64_C(1000),
                       run_act, d, NULL);
  }
}

static void on_state(struct sim_trial_node *n, const tct_trace *t) {
  struct sim_trial_counts *counts = n->trial->counts;
  struct sim_watch_conn *c = find_or_take(n, t);
  uint16_t edge = (uint16_t)(t->state_old * TCT_STATE_COUNT + t->state_new);
  if (t->state_old == TCT_CLOSED || t->state_old == TCT_LISTEN)
    c->edge = SIM_EDGES;
  counts->edge[edge]++;
  if (c->edge != SIM_EDGES)
    counts->edge_pair[c->edge][edge]++;
  c->edge = edge;
  c->state = t->state_new;
  if (t->state_new == TCT_SYN_SENT && t->sock.gen != 0)
    open_account(n, t->sock);
  look_for_acts(n, t, c);
}

static void on_trace(void *ctx, const tct_trace *t) {
  struct sim_trial_node *n = ctx;
  const struct sim_trial_run *run = n->trial->run;
  switch ((tct_trace_kind)t->kind) {
  case TCT_TRACE_SEG_IN:
    on_segment_in(n, t);
    break;
  case TCT_TRACE_SEG_OUT:
    on_segment_out(n, t);
    break;
  case TCT_TRACE_STATE:
    on_state(n, t);
    break;
  case TCT_TRACE_TIMER:
    n->trial->counts->cell[t->state_old][SIM_EVENT_TIMER + t->value]++;
    break;
  case TCT_TRACE_DROP:
  case TCT_TRACE_CC:
    break;
  }
  if (run->trace != NULL)
    run->trace(run->trace_ctx, t);
}

/* ---- Frames, calls ---- */

static void on_frame(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct sim_trial *t = ctx;
  if (!arriving) {
    t->counts->size[tct_min_u32(f->len / 64, SIM_SIZES - 1)]++;
    t->counts->octets += f->len;
  }
  if (t->run->tap != NULL)
    t->run->tap(t->run->tap_ctx, f, arriving);
}

static void on_call(void *ctx, tct_sim_host *h, tct_sock k, sim_call call) {
  struct sim_trial *t = ctx;
  const tct_stack *s = tct_sim_host_stack(h);
  int state = s != NULL ? tct_stack_probe_state(s, k) : -1;
  if (state >= 0)
    t->counts->cell[state][SIM_EVENT_CALL + call]++;
}

/* ---- Life ---- */

void sim_watch_init(struct sim_trial_node *n, tct_config *c) {
  n->conns = sim_world_alloc(SIM_WATCH_CONNS * sizeof *n->conns);
  memset(n->conns, 0, SIM_WATCH_CONNS * sizeof *n->conns);
  c->trace = on_trace;
  c->trace_ctx = n;
}

void sim_watch_free(struct sim_trial_node *n) {
  free(n->conns);
  free(n->socks);
}

void sim_watch_start(struct sim_trial *t) {
  for (uint32_t i = 0; i < t->plan->n_links; i++)
    tct_sim_link_tap(t->link[i], on_frame, t);
  for (uint32_t i = 0; i < t->plan->n_acts; i++) {
    const struct sim_trial_act *a = &t->plan->act[i];
    t->doing[i] = (struct sim_trial_doing){.trial = t, .plan = a, .left = tct_max_u32(a->nth, 1)};
  }
  t->app.on_call = on_call;
  t->app.ctx = t;
}

static void count_features(struct sim_trial_counts *c, const struct sim_trial_plan *p) {
  uint64_t all = 0;
  for (uint32_t i = 0; i < p->n_hosts; i++)
    if (p->host[i].kind == SIM_TRIAL_STACK)
      all |= p->host[i].features;
  for (unsigned a = 0; a < SIM_FEATURE_COUNT; a++) {
    if ((all >> a & 1) == 0)
      continue;
    c->feature[a]++;
    for (unsigned b = a + 1; b < SIM_FEATURE_COUNT; b++)
      c->pair[a][b] += all >> b & 1;
  }
}

void sim_watch_end(struct sim_trial *t) {
  struct sim_trial_counts *c = t->counts;
  uint64_t ms = tct_sim_now(t->w) / 1000000u, stacks = 0;
  for (uint32_t i = 0; i < t->plan->n_hosts; i++) {
    stacks += t->node[i].host != NULL;
    for (uint32_t k = 0; k < t->node[i].n_socks; k++)
      close_account(c, &t->node[i].socks[k]);
  }
  for (unsigned i = 0; i < TCT_SIM_FAULT_COUNT; i++)
    c->fault[i] += tct_sim_fault_count(t->w, i);
  for (unsigned i = 0; i < TCT_SIM_I_COUNT; i++)
    c->asked[i] += tct_sim_check_count(t->check, (tct_sim_invariant)i);
  count_features(c, t->plan);
  c->trials++;
  c->steered += t->plan->n_acts != 0;
  c->connections += t->app.opened - t->app.failed;
  c->connections_v6 += t->plan->ipv6 ? t->app.opened - t->app.failed : 0;
  c->refused += t->app.failed;
  c->datagram_flows += t->app.dgram_flows;
  c->packets += tct_sim_frames(t->w);
  c->packets_v6 += t->plan->ipv6 ? tct_sim_frames(t->w) : 0;
  c->events += t->w->events;
  c->simulated_ms += ms;
  c->host_ms += ms * stacks;
}
