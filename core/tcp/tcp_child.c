/* SPDX-License-Identifier: MIT */
/*
 * tcp_child.c - the connection that a half-open record has promised: made when the segment that
 * completes the handshake is there, in SYN-RECEIVED for as long as tcp_input needs to see that it
 * does. Called by tcp_listen. Leaves the judgement of the segment to tcp_input. RFC 9293
 * section 3.10.7.4, fifth step, SYN-RECEIVED.
 */
#include "tcp/tcp_listen.h"

static bool copy_extra(tct_stack *s, const struct tct_tcp *l, struct tct_tcp *c) {
  const struct tct_extra *from = l->extra;
  if (from == NULL || from->set == 0)
    return true;
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x == NULL)
    return false;
  x->set = from->set;
  x->sndbuf = from->sndbuf;
  x->notsent_lowat = from->notsent_lowat;
  x->user_timeout_ms = from->user_timeout_ms;
  x->fin_wait_2_ms = from->fin_wait_2_ms;
  x->window_clamp = from->window_clamp;
  x->rcvlowat = from->rcvlowat;
  x->keepidle_s = from->keepidle_s;
  x->keepintvl_s = from->keepintvl_s;
  x->maxseg = from->maxseg;
  x->keepcnt = from->keepcnt;
  x->r1_retries = from->r1_retries;
  x->syn_retries = from->syn_retries;
  x->keep_garbage = from->keep_garbage;
  x->no_ts = from->no_ts;
  x->no_sack = from->no_sack;
  x->no_wscale = from->no_wscale;
  x->ecn = from->ecn;
  x->max_pacing_rate = from->max_pacing_rate;
  x->mtu_probing = from->mtu_probing;
  if ((from->set >> TCT_OPT_CONGESTION & 1) != 0)
    x->cc.algorithm = from->cc.algorithm;
  return true;
}

/* What the application has set on the listener holds for what it accepts. */
static bool inherit(tct_stack *s, const struct tct_tcp *l, struct tct_tcp *c) {
  c->snd.flags |= l->snd.flags & (TCT_SND_NODELAY | TCT_SND_CORK);
  c->rcv.flags |= l->rcv.flags & TCT_RCV_QUICKACK;
  c->sockf |= l->sockf & (TCT_SOCKF_KEEPALIVE | TCT_SOCKF_NO_SOFT | TCT_SOCKF_NO_DF);
  c->tclass = l->tclass;
  c->hop_limit = l->hop_limit;
  tct_tcp_recv_init(s, c, l->rcv.buf_max);
  return copy_extra(s, l, c);
}

static void restore_options(const struct tct_half_open *r, struct tct_tcp_opts *o) {
  memset(o, 0, sizeof *o);
  o->has_mss = r->mss != 0;
  o->mss = r->mss;
  o->has_ts = (r->opts & TCT_HALF_TS) != 0;
  o->tsval = r->tsval;
  o->sack_permitted = (r->opts & TCT_HALF_SACK) != 0;
  o->has_wscale = (r->opts & TCT_HALF_WSCALE) != TCT_HALF_WSCALE;
  o->wscale = r->opts & TCT_HALF_WSCALE;
}

/* The first SYN,ACK's way and back, if it went once; with timestamps tcp_input measures. */
static void sample_rtt(const tct_stack *s, const struct tct_half_open *r, struct tct_tcp *c,
                       tct_time at) {
  uint16_t ms = (uint16_t)tct_ms32_since(tct_time_ms32(at), r->sent_ms);
  if (tct_half_retries(r) > 0)
    c->open |= TCT_OPEN_SYN_LOST;
  else if ((r->opts & TCT_HALF_TS) == 0 && r->timed != 0)
    tct_tcp_rtt_sample(s, c,
                       TCT_MS(ms == 0 || ms > 0x7fff ? 1 : ms)); /* not finer than the stamp */
}

/* The connection as it stands in SYN-RECEIVED, in no table yet. */
static struct tct_tcp *make_child(tct_stack *s, const struct tct_listen_syn *y,
                                  const struct tct_half_open *r) {
  struct tct_tcp_opts opt;
  struct tct_tcp *c = tct_tcp_block_new(s);
  if (c == NULL)
    return NULL;
  c->key = r->key;
  c->ifi = r->ifi;
  c->ts_offset = tct_tcp_options_ts_offset(s, &r->key);
  if (!inherit(s, y->l, c)) {
    tct_tcp_block_free(s, c);
    return NULL;
  }
  restore_options(r, &opt);
  tct_tcp_state_set(s, c, TCT_SYN_RECEIVED, TCT_WHY_NONE); /* the record was traced */
  tct_tcp_send_init(s, c, r->iss);
  tct_tcp_send_on_sent(s, c, r->iss, tct_seq_add(r->iss, 1), false);
  tct_tcp_recv_start(s, c, r->irs);
  tct_tcp_options_agree(s, c, &opt, y->h->window);
  tct_tcp_ecn_on_child(s, c, r);
  c->snd.wl1 = r->irs;
  c->snd.wl2 = r->iss;
  sample_rtt(s, r, c, y->p->at);
  return c;
}

static void enter_accept(struct tct_tcp *l, struct tct_tcp *c) {
  c->sockf |= TCT_SOCKF_IN_ACCEPT;
  c->ctx.parent = (uint64_t)l->gen << 32 | l->index;
  tct_list_push_tail(&l->listener->accept, &c->event);
  l->listener->accept_n++;
}

static void leave_accept(struct tct_tcp *l, struct tct_tcp *c) {
  tct_list_remove(&c->event);
  l->listener->accept_n--;
}

static tct_verdict refuse(tct_stack *s) {
  s->n.ListenDrops++;
  return TCT_DROP_NO_MEMORY;
}

struct tct_tcp *tct_tcp_child_open_early(tct_stack *s, const struct tct_listen_syn *y,
                                         const struct tct_half_open *r) {
  struct tct_tcp *c = make_child(s, y, r);
  if (c == NULL)
    return NULL;
  if (tct_tcp_fastopen_of(s, c) == NULL || !tct_tcp_demux_add(s, c)) {
    tct_tcp_block_free(s, c);
    return NULL;
  }
  enter_accept(y->l, c);
  y->p->sock = tct_tcp_block_handle(c);
  s->n.PassiveOpens++;
  tct_tcp_trace_state(s, (struct tct_tcp_who){.key = &c->key, .ifi = c->ifi}, TCT_LISTEN,
                      TCT_SYN_RECEIVED, TCT_WHY_SYN);
  return c;
}

/* Hands the completing segment itself to the new connection. r: the record, kept or not. *made: it
 * worked. */
tct_verdict tct_tcp_child_open(tct_stack *s, const struct tct_listen_syn *y,
                               const struct tct_half_open *r, bool *made) {
  struct tct_tcp *c = make_child(s, y, r);
  *made = false;
  if (c == NULL)
    return refuse(s);
  if (!tct_tcp_demux_add(s, c)) {
    tct_tcp_block_free(s, c);
    return refuse(s);
  }
  enter_accept(y->l, c);
  tct_verdict v = tct_tcp_input_segment(s, c, y->p, y->h);
  if (c->state == TCT_SYN_RECEIVED) { /* the segment did not complete anything after all */
    leave_accept(y->l, c);
    tct_tcp_block_free(s, c);
    return v;
  }
  *made = true;
  y->p->sock = tct_tcp_block_handle(c);
  s->n.PassiveOpens++;
  tct_tcp_block_settle(s, c);
  tct_tcp_check(s, c);
  tct_sock_event_post(s, y->l, TCT_EV_ACCEPT);
  return v;
}
