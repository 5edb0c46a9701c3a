/* SPDX-License-Identifier: MIT */
/*
 * One stack (profile STRICT, alone with its interface) and one model, fed with the same events. The
 * stack is given two milliseconds after each, so that what it delays is out; what it sends again by
 * rules that the model has not (duplicate ACKs) is known by its numbers and left out.
 */
#include <stdlib.h>
#include <string.h>

#include "tercet/sim.h"
#include "test/model/judge.h"

#define MS ((tct_time)1000000)
#define OUR_PORT 80
#define PEER_PORT 4000
#define PASS_NS (250000 * MS)

/* ---- memory and set-up -------------------------------------------------------------------------
 */

static void *take_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  (void)align;
  return malloc(size);
}

static void give_memory(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static tct_stack *make_stack(const struct sequence *s) {
  tct_config c;
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){take_memory, give_memory, NULL};
  c.deterministic = true;
  c.seed[0] = 1;
  c.profile = TCT_PROFILE_STRICT;
  c.delack_ms = 1;
  c.r2_ms = 100000;
  c.rack = c.tlp = c.frto = TCT_OFF;
  c.no_sack = c.no_wscale = true;
  c.no_timestamps = !s->timestamps;
  c.ecn = TCT_ECN_OFF;
  c.rcvbuf_bytes = s->rcv_buffer;
  c.rcvbuf_max_bytes = s->rcv_buffer;
  return tct_new(&c, &err);
}

static void open_pair(struct pair *p, const struct sequence *s) {
  tct_addr v6 = {{0xfd, [15] = 1}};
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  memset(p, 0, offsetof(struct pair, buf));
  p->s = s;
  p->reading = true;
  p->now = 10000 * MS;
  p->local = s->ipv6 ? v6 : tct_addr_ipv4(10, 0, 0, 1);
  v6.b[15] = 2;
  p->remote = s->ipv6 ? v6 : tct_addr_ipv4(10, 0, 0, 2);
  p->stack = make_stack(s);
  if (p->stack == NULL || tct_if_add(p->stack, &ic, &p->ifc) != TCT_OK ||
      tct_if_addr_add(p->stack, p->ifc, p->local, s->ipv6 ? 64 : 24) != TCT_OK)
    abort();
  struct model_config mc = {.local = {.addr = p->local, .port = OUR_PORT},
                            .remote = {.addr = p->remote, .port = PEER_PORT},
                            .mss = s->ipv6 ? 1440 : 1460,
                            .rcv_buffer = s->rcv_buffer,
                            .timestamps = s->timestamps,
                            .msl_ns = 120000 * MS};
  model_user_init(&p->m, &mc);
  p->m.now = p->now;
  tct_advance(p->stack, p->now);
}

static void close_pair(struct pair *p) {
  model_user_deinit(&p->m);
  tct_free(p->stack);
}

/* ---- what an end sends -------------------------------------------------------------------------
 */

static uint8_t octet_at(uint32_t seq) {
  return (uint8_t)((seq * 5u) ^ (seq >> 7));
}

/* nxt: what this end had sent up to now, moved on by what is new. */
static void note_bytes(struct answer *a, const tct_seg *g, const uint8_t *payload, uint32_t *nxt,
                       uint32_t iss) {
  bool fin = (g->flags & TCT_FIN) != 0;
  uint32_t end = g->seq + g->len + fin;
  for (uint32_t i = 0; i < g->len; i++)
    a->wrong_bytes |= payload[i] != octet_at(g->seq + i - iss);
  if (g->len + fin == 0)
    return;
  if (!pair_is_before(*nxt, end)) {
    a->again = true;
    return;
  }
  if (g->len > 0 && pair_is_before(*nxt, end - fin)) {
    if (!a->data)
      a->data_from = *nxt;
    a->data = true;
    a->data_joins |= pair_is_before(g->seq, *nxt);
    a->data_to = end - fin;
  }
  if (fin) {
    a->fin = true;
    a->fin_seq = end - 1;
  }
  *nxt = end;
}

static void note_segment(struct answer *a, const tct_seg *g, const uint8_t *payload, uint32_t *nxt,
                         uint32_t *iss) {
  if (g->flags & TCT_RST) {
    a->rst = true;
    a->rst_has_ack = (g->flags & TCT_ACK) != 0;
    a->rst_seq = g->seq;
    a->rst_ack = a->rst_has_ack ? g->ack : 0;
    return;
  }
  if (g->flags & TCT_SYN) {
    a->syn = true;
    a->syn_seq = g->seq;
    *iss = g->seq;
    *nxt = g->seq + 1;
  } else {
    note_bytes(a, g, payload, nxt, *iss);
  }
  if (a->again && g->len + ((g->flags & TCT_FIN) != 0) > 0) {
    a->acked_again = g->ack;
    a->window = g->window_raw;
  } else if (g->flags & TCT_ACK) {
    a->ack = true;
    a->acked = g->ack;
    a->window = g->window_raw;
  }
}

/* ---- the stack ---------------------------------------------------------------------------------
 */

static void pull_frames(struct pair *p) {
  size_t n;
  uint32_t iss = p->core_iss;
  while ((n = tct_output_copy(p->stack, p->ifc, p->buf, sizeof p->buf, p->now)) > 0) {
    tct_seg g;
    const uint8_t *payload;
    if (!tct_sim_seg_parse(p->buf, (uint32_t)n, &g, &payload))
      continue;
    if (p->core.syn && (g.flags & TCT_SYN) && g.seq == p->core_iss)
      continue; /* sent again */
    note_segment(&p->core, &g, payload, &p->core_nxt, &iss);
    p->core_iss = iss;
  }
}

static void set_up_socket(struct pair *p, tct_sock k) {
  if (tct_sock_set(p->stack, k, TCT_OPT_NODELAY, 1) != TCT_OK)
    abort();
}

static void take_hash(struct answer *a, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++)
    a->got_hash = a->got_hash * 1099511628211u + bytes[i] + 1;
  a->got += n;
}

static void read_core(struct pair *p) {
  while (p->has_k && p->reading) {
    long n = tct_sock_recv(p->stack, p->k, p->buf, sizeof p->buf, 0);
    if (n <= 0)
      return;
    take_hash(&p->core, p->buf, (size_t)n);
  }
}

static void start_reading_anew(struct answer *a) {
  a->got = a->got_hash = 0;
  a->eof = a->urgent = false;
  a->err = 0;
}

static void pull_events(struct pair *p) {
  tct_event ev;
  while (tct_event_next(p->stack, &ev)) {
    if (ev.flags & TCT_EV_ACCEPT) {
      if (tct_sock_accept(p->stack, p->listener, NULL, &p->k) == TCT_OK) {
        p->has_k = true;
        set_up_socket(p, p->k);
      }
      continue;
    }
    p->core.eof |= (ev.flags & TCT_EV_EOF) != 0;
    p->core.urgent |= (ev.flags & TCT_EV_URGENT) != 0;
    if ((ev.flags & TCT_EV_CLOSED) && p->has_k && ev.sock.index == p->k.index) {
      p->has_k = false;
      p->core.err = ev.err;
    }
  }
}

static void turn_core(struct pair *p) {
  pull_frames(p);
  pull_events(p);
  read_core(p);
  pull_frames(p);
  pull_events(p);
}

static void pass_core(struct pair *p, tct_time until) {
  unsigned rounds = 0;
  for (;;) {
    tct_time at = tct_deadline(p->stack);
    if (at > until || rounds++ > 100000)
      break;
    p->now = at > p->now ? at : p->now;
    tct_advance(p->stack, p->now);
    turn_core(p);
  }
  p->now = until;
  tct_advance(p->stack, p->now);
  turn_core(p);
}

static tct_state state_of_core(struct pair *p) {
  tct_info i = {.size = sizeof i};
  tct_counters c;
  tct_stack_counters(p->stack, &c);
  if (c.HalfOpenNow > 0)
    return TCT_SYN_RECEIVED;
  if (p->has_k && tct_sock_info(p->stack, p->k, &i) == TCT_OK && i.state != TCT_CLOSED &&
      i.state != TCT_TIME_WAIT) {
    p->core.una = i.snd_una;
    return (tct_state)i.state;
  }
  if (c.TimeWaitNow > 0)
    return TCT_TIME_WAIT;
  return p->has_listener ? TCT_LISTEN : TCT_CLOSED;
}

static void give_core(struct pair *p, const tct_seg *g, const uint8_t *payload) {
  uint8_t *bytes = malloc(200u + g->len);
  uint32_t len = tct_sim_seg_emit(g, payload, bytes, 200u + g->len);
  tct_iov v = {bytes, len};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = len, .at = p->now};
  tct_input(p->stack, p->ifc, &f, 1, p->now);
  p->verdict = f.verdict;
  free(bytes);
}

/* ---- the model ---------------------------------------------------------------------------------
 */

static void pull_model(struct pair *p) {
  uint32_t iss = (uint32_t)(p->m.snd.iss & 0xffffffff);
  struct answer *a = &p->model;
  for (size_t i = 0; i < p->m.n_out; i++) {
    const tct_seg *g = &p->m.out[i].seg;
    if (a->syn && (g->flags & TCT_SYN) && g->seq == a->syn_seq)
      continue;
    note_segment(a, g, p->m.out[i].payload, &p->model_nxt, &iss);
  }
  model_send_clear(&p->m);
}

static void turn_model(struct pair *p) {
  pull_model(p);
  size_t n;
  while (p->reading && !p->app_gone && (n = model_user_receive(&p->m, p->buf, sizeof p->buf)) > 0)
    take_hash(&p->model, p->buf, n);
  pull_model(p);
  p->model.eof |= (p->m.news & MODEL_EOF) != 0 && !p->m.deaf;
  p->model.urgent |= (p->m.news & MODEL_URGENT) != 0 && !p->m.deaf;
  p->model.state = p->m.state;
  p->model.una = (uint32_t)(p->m.snd.una & 0xffffffff);
  if (p->m.state == TCT_CLOSE_WAIT && p->m.snd.fin_asked)
    p->model.state = TCT_LAST_ACK; /* the stack has it from the call on, the text from the FIN on */
  p->model.err = p->m.news & MODEL_RESET     ? TCT_ECONNRESET
                 : p->m.news & MODEL_REFUSED ? TCT_ECONNREFUSED
                 : p->m.news & MODEL_TIMEOUT ? TCT_ETIMEDOUT
                                             : 0;
}

/* ---- one event ---------------------------------------------------------------------------------
 */

static uint32_t anchor_of(const struct pair *p, unsigned from) {
  const struct model *m = &p->m;
  switch (from) {
  case FROM_EDGE:
    return (uint32_t)(m->rcv.edge & 0xffffffff);
  case FROM_IRS:
    return (uint32_t)(m->rcv.irs & 0xffffffff);
  case FROM_SND_UNA:
    return (uint32_t)(m->snd.una & 0xffffffff);
  case FROM_SND_NXT:
    return (uint32_t)(m->snd.nxt & 0xffffffff);
  case FROM_ISS:
    return (uint32_t)(m->snd.iss & 0xffffffff);
  case FROM_RCV_NXT:
    return (uint32_t)(m->rcv.nxt & 0xffffffff);
  default:
    return p->s->peer_isn;
  }
}

static tct_seg make_segment(const struct pair *p, const struct event *e) {
  tct_seg g;
  memset(&g, 0, sizeof g);
  g.src = p->remote;
  g.dst = p->local;
  g.sport = PEER_PORT;
  g.dport = OUR_PORT;
  g.flags = e->flags;
  g.seq = anchor_of(p, e->seq_from) + (uint32_t)e->seq;
  g.ack = e->flags & TCT_ACK ? anchor_of(p, e->ack_from) + (uint32_t)e->ack : 0;
  g.len = e->len;
  g.window_raw = e->window;
  g.urgent = e->urgent;
  g.wscale = 0xff;
  g.mss = e->flags & TCT_SYN ? e->mss : 0;
  g.has_ts = p->s->timestamps && e->stamp != STAMP_NONE;
  g.tsval = (uint32_t)(p->now / MS) - (e->stamp == STAMP_OLD ? 1000000u : 0u);
  return g;
}

static void do_segment(struct pair *p, const struct event *e, struct tally *t) {
  static uint8_t payload[70000];
  tct_seg g = make_segment(p, e);
  bool syn = (g.flags & TCT_SYN) != 0;
  for (uint32_t i = 0; i < g.len; i++)
    payload[i] = octet_at(g.seq + syn + i);
  t->segments++;
  p->seq = g.seq;
  p->ack = g.ack;
  t->cells[p->m.state][e->flags & 63]++;
  give_core(p, &g, payload);
  pull_frames(p); /* the number that it chose, if it opens anew */
  p->m.next_iss = p->core_iss;
  tct_state before = p->m.state;
  model_arrive(&p->m, &g, payload);
  if (p->m.state == TCT_SYN_RECEIVED && before != TCT_SYN_RECEIVED && p->m.from_listen) {
    start_reading_anew(&p->core);
    start_reading_anew(&p->model);
    p->has_k = p->app_gone = false; /* what is left of an older connection is nobody's */
  }
}

static void do_connect(struct pair *p) {
  tct_endpoint here = {.addr = p->local, .port = OUR_PORT};
  tct_endpoint there = {.addr = p->remote, .port = PEER_PORT};
  if (p->m.state != TCT_CLOSED || p->has_k)
    return;
  if (tct_sock_open(p->stack, TCT_TCP, NULL, &p->k) != TCT_OK)
    abort();
  set_up_socket(p, p->k);
  if (tct_sock_bind(p->stack, p->k, &here) != TCT_OK ||
      tct_sock_connect(p->stack, p->k, &there) != TCT_OK) {
    tct_sock_abort(p->stack, p->k);
    return;
  }
  p->has_k = true;
  p->app_gone = false;
  start_reading_anew(&p->core);
  start_reading_anew(&p->model);
  pull_frames(p);
  p->m.next_iss = p->core_iss;
  model_user_connect(&p->m);
}

static void do_listen(struct pair *p) {
  tct_endpoint here = {.addr = p->local, .port = OUR_PORT};
  if (p->m.state != TCT_CLOSED || p->has_listener || p->has_k)
    return;
  if (tct_sock_open(p->stack, TCT_TCP, NULL, &p->listener) != TCT_OK)
    abort();
  set_up_socket(p, p->listener);
  if (tct_sock_bind(p->stack, p->listener, &here) != TCT_OK ||
      tct_sock_listen(p->stack, p->listener, 8) != TCT_OK) {
    tct_sock_abort(p->stack, p->listener);
    return;
  }
  p->has_listener = true;
  model_user_listen(&p->m);
}

static void do_write(struct pair *p, const struct event *e) {
  uint32_t first = (uint32_t)p->m.tx.n + 1;
  if (!p->has_k)
    return;
  for (uint32_t i = 0; i < e->len; i++)
    p->buf[i] = octet_at(first + i);
  if (tct_sock_send(p->stack, p->k, p->buf, e->len, 0) == (long)e->len)
    model_user_send(&p->m, p->buf, e->len);
}

static void do_end(struct pair *p, unsigned kind) {
  if (!p->has_k)
    return;
  p->app_gone = kind != EVENT_SHUT;
  if (kind == EVENT_SHUT) {
    if (p->m.state != TCT_SYN_SENT && tct_sock_shutdown(p->stack, p->k, TCT_SHUT_WR) == TCT_OK)
      model_user_close(&p->m);
  } else if (kind == EVENT_CLOSE) {
    tct_sock_close(p->stack, p->k);
    if (p->m.state != TCT_LISTEN) /* what had died before, its error unread */
      model_user_close_both(&p->m);
  } else {
    tct_sock_abort(p->stack, p->k);
    p->has_k = false;
    if (p->m.state != TCT_LISTEN)
      model_user_abort(&p->m);
  }
}

static void do_event(struct pair *p, const struct event *e, struct tally *t) {
  switch (e->kind) {
  case EVENT_SEGMENT:
    do_segment(p, e, t);
    break;
  case EVENT_CONNECT:
    do_connect(p);
    break;
  case EVENT_LISTEN:
    do_listen(p);
    break;
  case EVENT_WRITE:
    do_write(p, e);
    break;
  case EVENT_READ_NOT:
  case EVENT_READ:
    p->reading = e->kind == EVENT_READ;
    break;
  case EVENT_PASS:
    break;
  default:
    do_end(p, e->kind);
  }
  turn_model(p);
  turn_core(p);
}

/* What an event does is told anew; what the application has seen goes on. */
static void clear_answer(struct answer *a) {
  struct answer keep = *a;
  memset(a, 0, sizeof *a);
  a->got = keep.got;
  a->got_hash = keep.got_hash;
  a->eof = keep.eof;
  a->urgent = keep.urgent;
  a->err = keep.err;
}

/* Only so long that delayed ACKs are out; for records so long that answers are not limited. */
static tct_time time_after(const struct pair *p, const struct event *e) {
  if (e->kind == EVENT_PASS)
    return PASS_NS;
  if (p->m.state == TCT_SYN_RECEIVED && p->m.from_listen)
    return 400 * MS;
  return p->m.state == TCT_TIME_WAIT ? 1100 * MS : 2 * MS;
}

bool pair_run(const struct sequence *s, struct tally *t, struct difference *d) {
  static struct pair p;
  unsigned verdict = 1;
  open_pair(&p, s);
  t->sequences++;
  for (d->event = 0; d->event < s->n; d->event++) {
    const struct event *e = &s->at[d->event];
    d->before = p.m.state;
    model_pos edge = p.m.rcv.edge;
    clear_answer(&p.core);
    clear_answer(&p.model);
    t->events++;
    do_event(&p, e, t);
    tct_time until = p.now + time_after(&p, e);
    pass_core(&p, until);
    model_timer_advance(&p.m, until);
    turn_model(&p);
    p.core.state = state_of_core(&p);
    d->core = p.core;
    d->model = p.model;
    d->what = e->kind == EVENT_PASS ? judge_after_time(&p.core, &p.model)
                                    : judge_answers(&p.core, &p.model);
    bool other = d->before == TCT_SYN_RECEIVED && p.m.state == TCT_TIME_WAIT; /* it came back */
    if (d->before != TCT_LISTEN && !other && !judge_window(&p, edge) && d->what == NULL)
      d->what = "window";
    if (d->what != NULL && (verdict = judge_allowed(&p, e, d, t)) != 1)
      break;
  }
  t->stopped += verdict == 2;
  close_pair(&p);
  return verdict != 0;
}
