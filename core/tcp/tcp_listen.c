/* SPDX-License-Identifier: MIT */
/*
 * tcp_listen.c - passive opening: what a listener does with a segment (RFC 9293 3.10.7.2), and what
 * a half-open record does with the next one (3.10.7.4 in SYN-RECEIVED). A connection is made only
 * by the segment that completes the handshake; until then there are 64 bytes. Called by tcp_demux,
 * tcp.c (time), sock/ (listen, accept). Leaves the records' places to tcp_syncache, doing without
 * to tcp_cookie, the asked application to tcp_ask, and the connection itself to tcp_child. RFC
 * 4987, RFC 5961; Linux's rules about backlogs.
 */
#include "tcp/tcp_listen.h"
#include "util/plant.h"
#include "util/rule.h"
#include "wire/icmp.h"

#define BACKLOG_MAX 65535u
#define ANSWERS_PER_S 3u       /* of one record, that no timer asked for; two bits count them */
#define JUST_NOW_NS TCT_MS(10) /* how far apart our timer and the peer's may fire */
#define RETRIES_CROWDED 2u     /* when more than half of the backlog is half-open */

/* ---- Life of a listener ---------------------------------------------------------------------- */

int tct_tcp_listen_new(tct_stack *s) {
  return tct_tcp_syncache_new(s);
}

void tct_tcp_listen_free(tct_stack *s) {
  tct_tcp_syncache_free(s);
}

int tct_tcp_listen_start(tct_stack *s, struct tct_tcp *c, unsigned backlog) {
  if (c->state == TCT_LISTEN) {
    c->listener->backlog = tct_min_u32(backlog, BACKLOG_MAX);
    return TCT_OK;
  }
  TCT_ASSERT(c->state == TCT_CLOSED && c->active == NULL);
  struct tct_listener *li = tct_stack_alloc(s, sizeof *li);
  if (li == NULL)
    return TCT_ENOMEM;
  tct_list_init(&li->accept);
  li->backlog = tct_min_u32(backlog, BACKLOG_MAX);
  int e = tct_tcp_port_listen(s, c);
  if (e != TCT_OK) {
    tct_stack_free(s, li, sizeof *li);
    return e;
  }
  tct_tcp_state_set(s, c, TCT_LISTEN, TCT_WHY_NONE);
  c->listener = li;
  return TCT_OK;
}

/* Nobody will accept them: the peers must learn it. */
static void reset_children(tct_stack *s, struct tct_listener *li) {
  struct tct_list *node;
  while ((node = tct_list_pop_head(&li->accept)) != NULL) {
    struct tct_tcp *c = TCT_CONTAINER_OF(node, struct tct_tcp, event);
    c->sockf &= (uint16_t)~TCT_SOCKF_IN_ACCEPT;
    c->ctx.user = NULL;
    if ((c->sockf & TCT_SOCKF_DONE) == 0)
      tct_tcp_state_abort(s, c, TCT_WHY_RST_ABORT);
    tct_tcp_block_free(s, c);
  }
}

void tct_tcp_listen_stop(tct_stack *s, struct tct_tcp *l) {
  struct tct_listener *li = l->listener;
  struct tct_half_open *r;
  uint32_t cursor = 0;
  while (li->half_open_n + li->held_n > 0 &&
         (r = tct_tcp_syncache_of_listener(s, l->index, &cursor)) != NULL)
    tct_tcp_listen_forget(s, r, TCT_CLOSED, TCT_WHY_LISTENER_CLOSED);
  reset_children(s, li);
  tct_tcp_port_release(s, l);
  tct_tcp_ask_free(s, li);
  tct_list_init(&l->ready); /* as a socket without queues goes on */
  tct_stack_free(s, li, sizeof *li);
}

struct tct_tcp *tct_tcp_listen_accept(tct_stack *s, struct tct_tcp *l) {
  struct tct_listener *li = l->listener;
  struct tct_list *node = tct_list_pop_head(&li->accept);
  (void)s;
  if (node == NULL)
    return NULL;
  struct tct_tcp *c = TCT_CONTAINER_OF(node, struct tct_tcp, event);
  li->accept_n--;
  c->sockf &= (uint16_t)~TCT_SOCKF_IN_ACCEPT;
  c->ctx.user = NULL;
  return c;
}

/* Linux's rule: one more than was asked for. */
static bool is_accept_full(const struct tct_tcp *l) {
  return l->listener->accept_n > l->listener->backlog;
}

static bool is_backlog_full(const struct tct_tcp *l) {
  return l->listener->half_open_n >= tct_max_u32(l->listener->backlog, 1);
}

static tct_verdict overflow(tct_stack *s) {
  s->n.ListenOverflows++;
  s->n.ListenDrops++;
  return TCT_DROP_ACCEPT_QUEUE;
}

/* ---- Records --------------------------------------------------------------------------------- */

static struct tct_tcp *listener_of(tct_stack *s, const struct tct_half_open *r) {
  return tct_slab_at(&s->tcp->conns, r->listener);
}

tct_seq tct_tcp_listen_iss(tct_stack *s, struct tct_tcp *c, const struct tct_tuple *t) {
  const uint64_t bit = (uint64_t)1 << TCT_OPT_ISN;
  if (c->extra == NULL || (c->extra->set & bit) == 0)
    return tct_tcp_options_isn(s, t);
  c->extra->set &= ~bit; /* the next one only */
  return c->extra->fixed_isn;
}

/* What the SYN says and we agree to. */
static uint8_t agree(const tct_stack *s, const struct tct_tcp *l, const struct tct_tcp_opts *o) {
  uint8_t opts = TCT_HALF_WSCALE;
  if (o->has_wscale && tct_tcp_options_offers(s, l, TCT_OPT_WSCALE))
    opts = o->wscale > 14 ? 14 : o->wscale;
  if (o->has_ts && tct_tcp_options_offers(s, l, TCT_OPT_TIMESTAMPS))
    opts |= TCT_HALF_TS;
  if (o->sack_permitted && tct_tcp_options_offers(s, l, TCT_OPT_SACK))
    opts |= TCT_HALF_SACK;
  return opts;
}

/* [RFC9293 EP-4]; text and FIN on a SYN are left for the peer to send again [RFC9293 EP-5] [RFC9293
 * EP-39] */
void tct_tcp_listen_fill_record(tct_stack *s, const struct tct_listen_syn *y,
                                struct tct_half_open *r) {
  r->irs = y->h->seq;
  r->iss = y->iss;
  r->tsval = y->h->opt.tsval;
  r->mss = y->h->opt.has_mss ? y->h->opt.mss : 0;
  r->ifi = (uint8_t)y->p->ifi;
  r->listener = y->l->index;
  r->opts = agree(s, y->l, &y->h->opt);
  tct_tcp_ecn_agree(s, y->l, y->p, y->h, r);
  if (y->reopens)
    r->life |= TCT_HALF_REOPENS;
}

/* The connection that this record would become, as far as options and window need it. */
static void imagine(const struct tct_tcp *l, const struct tct_half_open *r, struct tct_tcp *c) {
  memset(c, 0, sizeof *c);
  c->key = r->key;
  c->ifi = r->ifi;
  c->state = TCT_SYN_RECEIVED;
  c->extra = l->extra;
  c->rcv.buf_max = l->rcv.buf_max;
  c->rcv.ts_recent = r->tsval;
  c->open |= (r->opts & TCT_HALF_TS) != 0 ? TCT_OPEN_TS : 0;
  c->open |= (r->opts & TCT_HALF_SACK) != 0 ? TCT_OPEN_SACK : 0;
  c->open |= (r->opts & TCT_HALF_WSCALE) != TCT_HALF_WSCALE ? TCT_OPEN_WSCALE : 0;
}

void tct_tcp_listen_syn_ack(tct_stack *s, struct tct_tcp *l, const struct tct_half_open *r,
                            struct tct_tcp_reply *a) {
  struct tct_tcp like;
  imagine(l, r, &like);
  like.ts_offset = tct_tcp_options_ts_offset(s, &r->key);
  memset(a, 0, sizeof *a);
  a->key = r->key; /* the address that was asked answers [RFC9293 MUST-45] */
  if (!TCT_RULE(MUST_45))
    a->key.laddr.b[15] ^= 1;
  a->ifi = r->ifi;
  a->h.seq = r->iss;
  a->h.ack = tct_seq_add(r->irs, 1);
  a->h.flags = TCT_SYN | TCT_ACK;
  a->h.window = (uint16_t)tct_tcp_recv_syn_window(s, &like);
  a->tclass = l->tclass;
  a->hop_limit = l->hop_limit;
  tct_tcp_options_syn(s, &like, &a->h.opt);
  tct_wire_tcp_set_ace(&a->h, tct_tcp_ecn_syn_ack(s, r, &a->h.opt));
}

/* A Fast Open cookie is given once, with the first SYN,ACK (Linux's habit). */
static void add_cookie(const struct tct_listen_syn *y, struct tct_tcp_opts *o) {
  if (y == NULL || !y->has_cookie)
    return;
  o->has_tfo = true;
  o->tfo_exp = y->cookie_exp;
  o->tfo_len = TCT_FASTOPEN_COOKIE_LEN;
  memcpy(o->tfo_cookie, y->cookie, sizeof y->cookie);
}

static void send_syn_ack(tct_stack *s, struct tct_tcp *l, const struct tct_half_open *r,
                         const struct tct_listen_syn *y, tct_why why) {
  struct tct_tcp_reply a;
  tct_tcp_listen_syn_ack(s, l, r, &a);
  a.why = why;
  add_cookie(y, &a.h.opt);
  if (tct_tcp_output_reply(s, &a) && why == TCT_WHY_SYN_ACK_REXMIT)
    s->n.RetransSegs++;
}

static tct_time rto_ns(const tct_stack *s, const struct tct_half_open *r) {
  tct_time rto = TCT_MS(s->cfg.rto_initial_ms) << tct_half_retries(r);
  return tct_min_u64(tct_min_u64(rto, TCT_MS(s->cfg.rto_max_ms)), TCT_S(240));
}

static tct_state origin(const struct tct_half_open *r) {
  return (r->life & TCT_HALF_REOPENS) != 0 ? TCT_TIME_WAIT : TCT_LISTEN;
}

void tct_tcp_listen_answer(tct_stack *s, struct tct_tcp *l, struct tct_half_open *r,
                           const struct tct_listen_syn *y) {
  tct_half_set_phase(r, TCT_HALF_ANSWERING);
  l->listener->half_open_n++;
  s->n.HalfOpenNow++;
  r->sent_ms = (uint16_t)s->now_ms;
  r->timed = 1;
  tct_tcp_trace_state(s, (struct tct_tcp_who){.key = &r->key, .ifi = r->ifi}, origin(r),
                      TCT_SYN_RECEIVED, TCT_WHY_SYN);
  send_syn_ack(s, l, r, y, TCT_WHY_SYN_ACK);
  tct_tcp_syncache_set_due(s, r, tct_time_add(s->now, rto_ns(s, r)));
}

/* Out of the counters and the cache. */
static void remove_record(tct_stack *s, struct tct_half_open *r) {
  struct tct_listener *li = listener_of(s, r)->listener;
  if (tct_half_phase(r) == TCT_HALF_HELD) {
    li->held_n--;
    s->tcp->syn->held--;
    s->n.HeldNow--;
  } else {
    li->half_open_n--;
    s->n.HalfOpenNow--;
  }
  tct_tcp_syncache_remove(s, r);
}

/* [RFC9293 MUST-11]: the listener goes on as if nothing had been. */
void tct_tcp_listen_forget(tct_stack *s, struct tct_half_open *r, tct_state to, tct_why why) {
  bool reopens = (r->life & TCT_HALF_REOPENS) != 0;
  if (reopens)
    to = TCT_TIME_WAIT; /* the old SYN led back to where we were [RFC9293 MAY-2] */
  if (tct_half_phase(r) != TCT_HALF_HELD) {
    s->n.AttemptFails++;
    tct_tcp_trace_state(s, (struct tct_tcp_who){.key = &r->key, .ifi = r->ifi}, TCT_SYN_RECEIVED,
                        to, why);
  }
  if (reopens)
    tct_tcp_timewait_unpark(s, &r->key);
  remove_record(s, r);
}

/* ---- A SYN for a listener -------------------------------------------------------------------- */

static tct_verdict send_cookie(tct_stack *s, struct tct_listen_syn *y) {
  tct_tcp_cookie_send(s, y);
  return TCT_ACCEPTED;
}

static tct_verdict drop_syn(tct_stack *s, tct_verdict v) {
  s->n.ListenDrops++;
  return v;
}

/* A SYN that meets TIME-WAIT is never answered by a cookie: its number has to lie above the old
 * ones. */
static tct_verdict take_syn(tct_stack *s, struct tct_listen_syn *y) {
  bool full = is_backlog_full(y->l);
  bool may_cookie = s->cfg.cookies != TCT_COOKIES_NEVER && !y->reopens;
  if (is_accept_full(y->l))
    return overflow(s);
  if (y->l->extra != NULL && y->l->extra->syn_policy == TCT_SYN_ASK)
    return tct_tcp_ask_hold(s, y);
  if (may_cookie && (full || s->cfg.cookies == TCT_COOKIES_ALWAYS))
    return send_cookie(s, y);
  if (full)
    return drop_syn(s, TCT_DROP_SYN_BACKLOG);
  if (tct_tcp_fastopen_take_syn(s, y))
    return TCT_ACCEPTED;
  struct tct_half_open *r = tct_tcp_syncache_insert(s, y->t);
  if (r == NULL)
    return may_cookie ? send_cookie(s, y) : drop_syn(s, TCT_DROP_SYN_LIMIT);
  if (y->reopens)
    tct_tcp_timewait_park(s, y->t);
  tct_tcp_listen_fill_record(s, y, r);
  tct_tcp_listen_answer(s, y->l, r, y);
  return TCT_ACCEPTED;
}

/* ---- A segment with ACK, without a record ---------------------------------------------------- */

/* A segment with ACK for a listener without a record. [RFC9293 EP-3] */
static tct_verdict take_ack(tct_stack *s, struct tct_listen_syn *y) {
  struct tct_half_open r;
  bool made;
  if ((y->h->flags & TCT_SYN) == 0 && tct_tcp_cookie_is_near(s, y->l)) {
    if (tct_tcp_cookie_check(s, y, &r)) {
      if (is_accept_full(y->l))
        return overflow(s);
      s->n.SyncookiesRecv++;
      tct_tcp_trace_state(s, (struct tct_tcp_who){.key = y->t, .ifi = r.ifi}, TCT_LISTEN,
                          TCT_SYN_RECEIVED, TCT_WHY_SYN_ACK_COOKIE);
      return tct_tcp_child_open(s, y, &r, &made);
    }
    s->n.SyncookiesFailed++;
    tct_tcp_output_reset(s, y->p, y->h, TCT_WHY_RST_LISTEN);
    return TCT_DROP_COOKIE;
  }
  if (TCT_RULE(EP_3))
    tct_tcp_output_reset(s, y->p, y->h, TCT_WHY_RST_LISTEN);
  return TCT_DROP_TCP_LISTEN_ACK;
}

/* ---- A segment for a record, RFC 9293 3.10.7.4 ----------------------------------------------- */

/* Limited per record, so that it tells nothing about anybody else. */
static bool may_answer(const tct_stack *s, struct tct_half_open *r) {
  unsigned second = (unsigned)(s->now / TCT_S(1)) & 3u;
  unsigned given = (r->fine >> 4 & 3u) == second ? r->fine >> 6 : 0;
  if (given == ANSWERS_PER_S)
    return false;
  r->fine = (uint8_t)((r->fine & 15u) | second << 4 | (given + 1) << 6);
  return true;
}

/* The ACK that unacceptable segments draw, and RFC 5961's challenge. */
static void challenge(tct_stack *s, struct tct_half_open *r, tct_why why) {
  struct tct_tcp *l = listener_of(s, r);
  struct tct_tcp_reply a;
  if (!may_answer(s, r))
    return;
  tct_tcp_listen_syn_ack(s, l, r, &a);
  struct tct_tcp_opts syn = a.h.opt;
  memset(&a.h.opt, 0, sizeof a.h.opt);
  a.h.opt.has_ts = syn.has_ts;
  a.h.opt.tsval = syn.tsval;
  a.h.opt.tsecr = syn.tsecr;
  if (syn.has_wscale) /* no SYN: the field is scaled, RFC 7323 2.2 */
    a.h.window = (uint16_t)(a.h.window >> syn.wscale);
  a.h.seq = tct_seq_add(r->iss, 1);
  a.h.flags = TCT_ACK;
  a.h.ae = false;
  a.why = why;
  if (why == TCT_WHY_ACK_CHALLENGE)
    s->n.TCPChallengeACK++;
  (void)tct_tcp_output_reply(s, &a);
}

static uint32_t window_of(tct_stack *s, const struct tct_half_open *r) {
  return tct_tcp_recv_window_for(s, listener_of(s, r), r->key.raddr, r->ifi);
}

static bool is_acceptable(tct_stack *s, const struct tct_half_open *r, tct_seq seq, uint32_t len) {
  tct_seq nxt = tct_seq_add(r->irs, 1), edge = tct_seq_add(nxt, window_of(s, r));
  return tct_seq_between(nxt, seq, edge) ||
         (len > 0 && tct_seq_between(nxt, tct_seq_add(seq, len - 1), edge));
}

/* Our timer repeated the SYN,ACK just now: it is on its way, and a second one would only draw a
 * challenge. Both ends count from nearly the same moment, so after a loss this is the rule. */
static bool was_just_repeated(const tct_stack *s, const struct tct_half_open *r) {
  tct_time sent = tct_time_sub(tct_tcp_syncache_due(s, r), rto_ns(s, r));
  bool by_timer = tct_half_phase(r) == TCT_HALF_ANSWERING && tct_half_retries(r) > 0;
  return by_timer && tct_time_sub(s->now, sent) < JUST_NOW_NS;
}

/* The peer did not hear our SYN,ACK. */
static tct_verdict repeat_syn(tct_stack *s, struct tct_half_open *r, const struct tct_tcp_hdr *h) {
  if (was_just_repeated(s, r) || !may_answer(s, r))
    return TCT_DROP_SYN_REPEAT;
  if (h->opt.has_ts && (int32_t)tct_ms32_since(h->opt.tsval, r->tsval) > 0)
    r->tsval = h->opt.tsval;
  tct_tcp_ecn_on_syn_again(r, h);
  send_syn_ack(s, listener_of(s, r), r, NULL, TCT_WHY_SYN_ACK_REXMIT);
  return TCT_ACCEPTED;
}

/* [RFC9293 EP-17] [RFC9293 EP-19] [RFC9293 EP-20] */
static tct_verdict take_rst(tct_stack *s, struct tct_half_open *r, const struct tct_tcp_hdr *h) {
  if (!is_acceptable(s, r, h->seq, 0)) /* by its number alone, RFC 5961 3.2 */
    return TCT_DROP_RST_OUTSIDE_WINDOW;
  if (h->seq != tct_seq_add(r->irs, 1)) {
    challenge(s, r, TCT_WHY_ACK_CHALLENGE);
    return TCT_DROP_RST_CHALLENGED;
  }
  if (!TCT_RULE(EP_20) || !TCT_RULE(MUST_11))
    return TCT_DROP_SYN_RCVD_RST;
  tct_tcp_listen_forget(s, r, TCT_LISTEN, TCT_WHY_RESET);
  return TCT_ACCEPTED;
}

static tct_verdict check_timestamps(tct_stack *s, struct tct_half_open *r,
                                    const struct tct_tcp_hdr *h) {
  if ((r->opts & TCT_HALF_TS) == 0)
    return TCT_ACCEPTED;
  if (!h->opt.has_ts) /* RFC 7323 3.2; a SYN may be a rebooted peer's, who must be answered */
    return (h->flags & TCT_SYN) != 0 ? TCT_ACCEPTED : TCT_DROP_NO_TIMESTAMP;
  if ((int32_t)tct_ms32_since(h->opt.tsval, r->tsval) >= 0)
    return TCT_ACCEPTED;
  s->n.PAWSEstab++;
  challenge(s, r, TCT_WHY_ACK_OLD);
  return TCT_DROP_PAWS;
}

static uint8_t defer_s(const struct tct_tcp *l) {
  return l->extra != NULL ? l->extra->defer_accept_s : 0;
}

/* The application wants connections that have something to read: a bare ACK waits in the record. */
static bool should_defer(const struct tct_listen_syn *y, const struct tct_half_open *r) {
  bool bare = y->p->l4_len == y->h->header_len && (y->h->flags & TCT_FIN) == 0;
  return bare && defer_s(y->l) != 0 && (r->life & TCT_HALF_DEFER_OVER) == 0;
}

static tct_verdict complete(tct_stack *s, struct tct_half_open *r, struct tct_listen_syn *y) {
  bool made, reopens = (r->life & TCT_HALF_REOPENS) != 0;
  if (y->h->ack != tct_seq_add(r->iss, 1) && TCT_RULE(EP_26)) { /* [RFC9293 EP-26] */
    tct_tcp_output_reset(s, y->p, y->h, TCT_WHY_RST_BAD_ACK);
    return TCT_DROP_SYN_RCVD_ACK;
  }
  if (is_accept_full(y->l)) /* the SYN,ACK goes again, and the peer's ACK with it */
    return overflow(s);
  if (should_defer(y, r)) {
    if (tct_half_phase(r) != TCT_HALF_DEFERRED)
      tct_tcp_syncache_set_due(s, r, tct_time_add(s->now, TCT_S(defer_s(y->l))));
    tct_half_set_phase(r, TCT_HALF_DEFERRED);
    return TCT_DROP_SYN_DEFERRED;
  }
  tct_verdict v = tct_tcp_child_open(s, y, r, &made);
  if (!made)
    return v;
  if (reopens)
    tct_tcp_timewait_drop(s, y->t);
  remove_record(s, r);
  return v;
}

static tct_verdict input_record(tct_stack *s, struct tct_half_open *r, struct tct_listen_syn *y) {
  const struct tct_tcp_hdr *h = y->h;
  uint32_t len = y->p->l4_len - h->header_len + ((h->flags & TCT_FIN) != 0 ? 1u : 0u) +
                 ((h->flags & TCT_SYN) != 0 ? 1u : 0u);
  if ((h->flags & (TCT_SYN | TCT_ACK | TCT_RST)) == TCT_SYN && h->seq == r->irs)
    return repeat_syn(s, r, h);
  if ((h->flags & TCT_RST) != 0)
    return take_rst(s, r, h);
  bool acceptable = is_acceptable(s, r, h->seq, len);
  tct_verdict v = check_timestamps(s, r, h);
  if (v != TCT_ACCEPTED)
    return v;
  /* the SYN's own number lies left of the window, whatever comes behind it */
  if (!acceptable || ((h->flags & TCT_SYN) != 0 && h->seq == r->irs)) {
    challenge(s, r, (h->flags & TCT_SYN) != 0 ? TCT_WHY_ACK_CHALLENGE : TCT_WHY_ACK_OLD);
    return (h->flags & TCT_SYN) != 0 ? TCT_DROP_SYN_CHALLENGED : TCT_DROP_SEQ_OUTSIDE_WINDOW;
  }
  if ((h->flags & TCT_SYN) != 0 && TCT_RULE(EP_22)) { /* [RFC9293 EP-22] */
    tct_tcp_listen_forget(s, r, TCT_LISTEN, TCT_WHY_SYN);
    return TCT_ACCEPTED;
  }
  if ((h->flags & TCT_ACK) == 0) /* [RFC9293 EP-25] */
    return TCT_DROP_NO_ACK;
  return complete(s, r, y);
}

/* ---- Both, and the other ways in ------------------------------------------------------------- */

/* No record: RFC 9293 3.10.7.2. */
static tct_verdict input_listen(tct_stack *s, struct tct_listen_syn *y) {
  if ((y->h->flags & TCT_RST) != 0) /* [RFC9293 EP-2] */
    return TCT_DROP_TCP_LISTEN_RST;
  if ((y->h->flags & TCT_ACK) != 0)
    return take_ack(s, y);
  if ((y->h->flags & TCT_SYN) == 0) /* [RFC9293 EP-6] [RFC9293 EP-39] */
    return TCT_DROP_TCP_LISTEN_FLAGS;
  y->iss = tct_tcp_listen_iss(s, y->l, y->t);
  return take_syn(s, y);
}

tct_verdict tct_tcp_listen_input(tct_stack *s, struct tct_tcp *l, struct tct_pkt *p,
                                 const struct tct_tcp_hdr *h, const struct tct_tuple *t) {
  struct tct_listen_syn y = {.l = l, .p = p, .h = h, .t = t};
  struct tct_half_open *r = tct_tcp_syncache_find(s, t);
  if ((l->sockf & TCT_SOCKF_IFC) != 0 &&
      l->ifi != p->ifi) { /* bound to another interface: nobody is here */
    tct_tcp_output_reset(s, p, h, TCT_WHY_RST_NO_SOCKET);
    return TCT_DROP_TCP_NO_SOCKET;
  }
  if (r == NULL)
    return input_listen(s, &y);
  y.l = listener_of(s, r);
  return tct_half_phase(r) == TCT_HALF_HELD ? tct_tcp_ask_input(s, r, &y) : input_record(s, r, &y);
}

tct_verdict tct_tcp_listen_reopen(tct_stack *s, struct tct_tcp *l, struct tct_pkt *p,
                                  const struct tct_tcp_hdr *h, const struct tct_tuple *t,
                                  tct_seq iss_min) {
  struct tct_listen_syn y = {.l = l, .p = p, .h = h, .t = t, .reopens = true};
  TCT_ASSERT(tct_tcp_syncache_find(s, t) == NULL); /* a record would have parked the old one */
  y.iss = tct_seq_max(tct_tcp_listen_iss(s, l, t), iss_min);
  return take_syn(s, &y);
}

/* Only an error about the SYN,ACK that is under way (RFC 5927), and only one that will stay (RFC
 * 9293 3.9.2.2). */
bool tct_tcp_listen_icmp(tct_stack *s, const struct tct_icmp_event *e, const struct tct_tuple *t) {
  struct tct_half_open *r = tct_tcp_syncache_find(s, t);
  if (r == NULL || tct_half_phase(r) == TCT_HALF_HELD || !e->has_seq || e->seq != r->iss)
    return false;
  bool too_big = e->kind == TCT_ICMP_UNREACH_FRAG_NEEDED || e->kind == TCT_ICMP_PACKET_TOO_BIG;
  if (e->hard && !too_big)
    tct_tcp_listen_forget(s, r, TCT_CLOSED, TCT_WHY_ICMP_UNREACHABLE);
  return true;
}

/* ---- Time ------------------------------------------------------------------------------------ */

static unsigned retries_max(const tct_stack *s, const struct tct_tcp *l) {
  const struct tct_listener *li = l->listener;
  bool crowded = li->half_open_n > 8 && li->half_open_n > li->backlog / 2;
  unsigned most = tct_min_u32(s->cfg.syn_ack_retries, TCT_HALF_RETRIES);
  return crowded ? tct_min_u32(most, RETRIES_CROWDED) : most;
}

static void trace_timer(tct_stack *s, const struct tct_half_open *r) {
  tct_trace t = {.kind = TCT_TRACE_TIMER,
                 .value = TCT_TIMER_SYN_ACK,
                 .value2 = tct_half_retries(r),
                 .state_old = TCT_SYN_RECEIVED,
                 .state_new = TCT_SYN_RECEIVED};
  if (!tct_stack_traces(s))
    return;
  t.local = r->key.laddr;
  t.remote = r->key.raddr;
  t.lport = r->key.lport;
  t.rport = r->key.rport;
  t.ifc = tct_stack_if_handle(s, r->ifi);
  tct_stack_trace(s, &t);
}

static void fire(tct_stack *s, struct tct_half_open *r) {
  struct tct_tcp *l = listener_of(s, r);
  bool ours = tct_ip_is_local(s, r->key.laddr) || s->ifs[r->ifi].cfg.any_dst;
  if (tct_half_phase(r) == TCT_HALF_HELD) { /* the application had its time */
    tct_tcp_listen_forget(s, r, TCT_LISTEN, TCT_WHY_SYN_TIMEOUT);
    return;
  }
  trace_timer(s, r);
  if (!ours || (tct_half_retries(r) >= retries_max(s, l) && !TCT_PLANT(SYN_ACK_FOR_EVER))) {
    tct_tcp_listen_forget(s, r, TCT_CLOSED, ours ? TCT_WHY_SYN_TIMEOUT : TCT_WHY_ADDRESS_REMOVED);
    return;
  }
  if (tct_half_phase(r) == TCT_HALF_DEFERRED) {
    tct_half_set_phase(r, TCT_HALF_ANSWERING);
    r->life |= TCT_HALF_DEFER_OVER;
  }
  if (tct_half_retries(r) < retries_max(s, l))
    r->life++; /* retries are its lowest bits */
  send_syn_ack(s, l, r, NULL, TCT_WHY_SYN_ACK_REXMIT);
  tct_tcp_syncache_set_due(s, r, tct_time_add(s->now, rto_ns(s, r)));
}

tct_time tct_tcp_listen_next_deadline(const tct_stack *s) {
  return tct_tcp_syncache_next_deadline(s);
}

void tct_tcp_listen_advance(tct_stack *s) {
  struct tct_half_open *r;
  tct_tcp_syncache_sweep_begin(s);
  while ((r = tct_tcp_syncache_sweep_next(s)) != NULL)
    fire(s, r);
  tct_tcp_syncache_sweep_end(s);
}
