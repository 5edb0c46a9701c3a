/* SPDX-License-Identifier: MIT */
/*
 * tcp_trace.c - segments, states and timers told to whoever listens (tct_config.trace). Called
 * where they happen; decides nothing. The ladder, the packet scripts and the stories of `tercet
 * demo` live by these events.
 */
#include "tcp/calls.h"

static void copy_options(const struct tct_tcp_opts *o, tct_seg *seg) {
  seg->mss = o->has_mss ? o->mss : 0;
  seg->wscale = o->has_wscale ? o->wscale : 0xff;
  seg->sack_permitted = o->sack_permitted;
  seg->has_ts = o->has_ts;
  seg->tsval = o->tsval;
  seg->tsecr = o->tsecr;
  seg->n_sack = o->n_sack;
  for (unsigned i = 0; i < o->n_sack; i++) {
    seg->sack[i][0] = o->sack[i].begin;
    seg->sack[i][1] = o->sack[i].end;
  }
}

static void copy_header(const struct tct_tcp_hdr *h, tct_seg *seg) {
  seg->sport = h->sport;
  seg->dport = h->dport;
  seg->seq = h->seq;
  seg->ack = h->ack;
  seg->flags = h->flags;
  seg->window_raw = h->window;
  seg->window_bytes = h->window;
  seg->urgent = h->urgent;
  copy_options(&h->opt, seg);
}

void tct_tcp_trace_seg(const struct tct_pkt *p, const struct tct_tcp_hdr *h, tct_seg *seg) {
  memset(seg, 0, sizeof *seg);
  copy_header(h, seg);
  seg->src = p->ip.src;
  seg->dst = p->ip.dst;
  seg->len = p->l4_len - h->header_len;
  seg->hop_limit = p->ip.hop_limit;
  seg->tclass = p->ip.tclass;
  seg->seg_size = p->seg_size;
}

static void trace_tuple(tct_trace *t, const struct tct_tuple *key) {
  t->local = key->laddr;
  t->remote = key->raddr;
  t->lport = key->lport;
  t->rport = key->rport;
}

static void tell(tct_stack *s, tct_trace *t) {
  if (s->tcp->holding && s->tcp->held_n < TCT_TRACE_HELD_MAX)
    s->tcp->held[s->tcp->held_n++] = *t;
  else
    tct_stack_trace(s, t);
}

void tct_tcp_trace_tell_in(tct_stack *s, const struct tct_pkt *p, const struct tct_tcp *c,
                           tct_verdict v) {
  tct_trace t = {.kind = TCT_TRACE_SEG_IN, .verdict = (uint16_t)v};
  t.ifc = tct_stack_if_handle(s, p->ifi);
  t.seg = p->seg;
  if ((t.seg.flags & TCT_SYN) == 0 && c != NULL)
    t.seg.window_bytes = (uint32_t)t.seg.window_raw << tct_tcp_snd_shift(c);
  trace_tuple(&t, &(struct tct_tuple){p->ip.dst, p->ip.src, p->seg.dport, p->seg.sport});
  t.sock = p->sock;
  t.state_old = t.state_new = c != NULL ? c->state : TCT_CLOSED;
  tct_stack_trace(s, &t);
  for (unsigned i = 0; i < s->tcp->held_n; i++)
    tct_stack_trace(s, &s->tcp->held[i]);
  s->tcp->held_n = 0;
}

void tct_tcp_trace_out(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_hdr *h,
                       const struct tct_tcp_plan *p) {
  if (!tct_stack_traces(s))
    return;
  tct_trace t = {.kind = TCT_TRACE_SEG_OUT, .why = (uint16_t)p->why};
  copy_header(h, &t.seg);
  t.seg.src = c->key.laddr;
  t.seg.dst = c->key.raddr;
  t.seg.len = p->len;
  t.seg.seg_size = p->seg_size;
  t.seg.hop_limit = c->hop_limit;
  t.seg.tclass = c->tclass | tct_tcp_ecn_ip(s, c, p);
  if ((h->flags & TCT_SYN) == 0)
    t.seg.window_bytes = (uint32_t)h->window << tct_tcp_rcv_shift(c);
  trace_tuple(&t, &c->key);
  t.ifc = tct_stack_if_handle(s, c->ifi);
  t.sock = tct_tcp_block_handle(c);
  t.state_old = t.state_new = c->state;
  tct_stack_trace(s, &t);
}

void tct_tcp_trace_reply(tct_stack *s, const struct tct_tcp_reply *r) {
  if (!tct_stack_traces(s))
    return;
  tct_trace t = {.kind = TCT_TRACE_SEG_OUT, .why = (uint16_t)r->why};
  copy_header(&r->h, &t.seg);
  t.seg.src = r->key.laddr;
  t.seg.dst = r->key.raddr;
  t.seg.hop_limit = r->hop_limit != 0 ? r->hop_limit : s->cfg.hop_limit;
  t.seg.tclass = r->tclass;
  trace_tuple(&t, &r->key);
  t.ifc = tct_stack_if_handle(s, r->ifi);
  tell(s, &t);
}

void tct_tcp_trace_state(tct_stack *s, struct tct_tcp_who who, tct_state from, tct_state to,
                         tct_why why) {
  if (!tct_stack_traces(s))
    return;
  tct_trace t = {.kind = TCT_TRACE_STATE, .why = (uint16_t)why};
  t.state_old = (uint8_t)from;
  t.state_new = (uint8_t)to;
  t.sock = who.sock;
  t.ifc = tct_stack_if_handle(s, who.ifi);
  trace_tuple(&t, who.key);
  tct_stack_trace(s, &t);
}

static void fill(tct_stack *s, const struct tct_tcp *c, tct_trace *t) {
  t->sock = tct_tcp_block_handle(c);
  t->ifc = tct_stack_if_handle(s, c->ifi);
  t->state_old = t->state_new = c->state;
  trace_tuple(t, &c->key);
}

void tct_tcp_trace_timer(tct_stack *s, const struct tct_tcp *c, tct_timer kind) {
  tct_trace t = {.kind = TCT_TRACE_TIMER, .value = (uint32_t)kind, .value2 = c->tmr.tries};
  if (!tct_stack_traces(s))
    return;
  fill(s, c, &t);
  tct_stack_trace(s, &t);
}

void tct_tcp_trace_cc(tct_stack *s, const struct tct_tcp *c) {
  tct_trace t = {.kind = TCT_TRACE_CC, .value = c->cc.cwnd, .value2 = c->cc.ssthresh};
  if (!tct_stack_traces(s))
    return;
  t.value3 = c->rtt.srtt_us8 / 8;
  fill(s, c, &t);
  tct_stack_trace(s, &t);
}
