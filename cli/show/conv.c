/* SPDX-License-Identifier: MIT */
/*
 * conv.c - the conversation model: events of one or both ends in, rows out.
 *
 * A row is born when its segment is sent (or, of an end without a trace, when it arrives) and waits
 * in a ring until its fate is known: arrived, lost, or given up on. Rows leave in the order of
 * birth, each once, through v->out. Bounded: CONV_RING_MAX rows wait at most, then the oldest goes
 * as it is. Driven by show.c; the words and pictures are others'.
 */
#include "cli/show/conv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/seq.h"

enum {
  PATIENCE_MS = 3000, /* a segment without news of its fate; */
  LINK_MS = 60000,    /*   one that the link has promised to deliver; */
  EVIDENCE_MS = 400,  /*   one that only an answer can tell of */
  CLOSE_SLACK_NS = 1000000
};

static bool is_past(tct_time now, tct_time at, unsigned ms) {
  return now > at + (tct_time)ms * 1000000;
}

bool conv_init(struct conv *v, unsigned traced, struct show_renderer out) {
  memset(v, 0, sizeof *v);
  v->traced = traced;
  v->out = out;
  v->cap = CONV_RING_MIN;
  v->ring = calloc(v->cap, sizeof *v->ring);
  return v->ring != NULL;
}

void conv_deinit(struct conv *v) {
  conv_conn_free_all(v);
  free(v->ring);
}

struct show_row *conv_by_id(struct conv *v, uint64_t id) {
  return id == 0 || id <= v->first_id ? NULL : conv_at(v, (size_t)(id - 1 - v->first_id));
}

/* ---- Rows leave ------------------------------------------------------------------------------ */

static void remember_seen(struct conv *v, const struct show_row *r) {
  v->seen[v->seen_at++ % CONV_SEEN_MAX] =
      (struct conv_seen){r->conn,        r->seg.seq,   r->seg.ack, r->seg.len,
                         r->frame_first, r->seg.flags, r->from,    r->copies};
}

static void draw_states(struct show_row *r) {
  struct show_conn *c = r->conn;
  const struct show_path *own[2] = {&r->depart, &r->late};
  for (int i = 0; i < 2; i++)
    if (own[i]->n != 0) {
      c->drawn[r->from] = show_path_last(own[i]);
      c->drawn_known[r->from] = true;
    }
  if (r->arrive.n != 0) {
    c->drawn[!r->from] = show_path_last(&r->arrive);
    c->drawn_known[!r->from] = true;
  }
  for (int e = 0; e < 2; e++) {
    r->state[e] = c->drawn[e];
    r->state_known[e] = c->drawn_known[e];
  }
}

/* Drawings lag behind the tally, so each row takes along how things stood. */
static void note_progress(struct show_row *r) {
  const struct show_tally *t = &r->conn->tally;
  r->opened = t->opened;
  r->established[0] = t->established[0];
  r->established[1] = t->established[1];
  r->ends_by_rst = t->rst;
}

static void hand_out(struct conv *v, struct show_row *r) {
  if (r->kind == SHOW_SEG) {
    v->segments += r->segs;
    v->lost += r->fate == SHOW_LOST || r->fate == SHOW_CORRUPTED;
    v->resent += r->is_rexmit;
  }
  if (r->conn != NULL) {
    draw_states(r);
    if (r->kind == SHOW_SEG && r->proto == SHOW_TCP) {
      conv_conn_cover(r->conn, r);
      remember_seen(v, r);
    }
    tally_row(&r->conn->tally, r);
    note_progress(r);
  }
  v->out.row(v->out.ctx, r);
}

/* The arrival as a row of its own. */
static void split_arrival(struct conv *v, struct show_row *r) {
  struct show_row was = *r;
  r->arrive.n = 0;
  struct show_row *s = conv_push(v, SHOW_STATE, !was.from, was.arrived_at); /* may move r */
  if (s == NULL)
    return;
  s->conn = was.conn;
  s->depart = was.arrive;
  s->frame_first = was.frame_first;
}

static bool meets(const struct show_row *r, const struct show_row *next) {
  return next->kind == SHOW_SEG && next->conn == r->conn && next->from != r->from &&
         next->at < r->arrived_at && next->fate != SHOW_LOST && next->fate != SHOW_CORRUPTED &&
         (next->depart.n != 0 || next->arrive.n != 0);
}

/* A row whose arrival changed its receiver's state after that end had sent something: in the order
 * of sending, the later change would stand before the earlier. Two that simply met on the way are
 * drawn as crossing; else the arrival becomes a row of its own. */
static void untangle(struct conv *v, struct show_row *r) {
  if (r->kind != SHOW_SEG || r->arrive.n == 0 || v->n < 2)
    return;
  struct show_row *next = conv_at(v, 1);
  if (r->cross == 0 && meets(r, next)) {
    r->cross = 1;
    next->cross = 2;
    next->late = r->arrive;
    r->arrive.n = 0;
    return;
  }
  for (size_t i = 1; i < v->n; i++) {
    struct show_row *later = conv_at(v, i);
    if (later->at >= r->arrived_at)
      return;
    if (later->conn == r->conn && later->from != r->from && later->depart.n != 0) {
      split_arrival(v, r);
      return;
    }
  }
}

static bool is_waiting_for_answer(const struct conv *v, const struct show_row *r) {
  return !conv_is_traced(v, !r->from) && conv_is_traced(v, r->from);
}

static bool is_settled(const struct conv *v, const struct show_row *r, tct_time now) {
  if (now <= r->at)
    return false;
  if (r->kind != SHOW_SEG || r->proto != SHOW_TCP || r->conn == NULL)
    return true;
  if (r->fate == SHOW_LOST || r->fate == SHOW_CORRUPTED)
    return true;
  if (r->has_arrived)
    return now > r->arrived_at;
  if (is_waiting_for_answer(v, r))
    return (r->seg.flags & TCT_RST) != 0 || is_past(now, r->at, EVIDENCE_MS);
  return is_past(now, r->at, r->has_link ? LINK_MS : PATIENCE_MS);
}

static void drop_head(struct conv *v) {
  struct show_row *r = conv_at(v, 0);
  untangle(v, r);
  struct show_row copy = *conv_at(v, 0);
  v->head = (v->head + 1) % v->cap;
  v->n--;
  v->first_id++;
  hand_out(v, &copy);
}

static void settle(struct conv *v, tct_time now) {
  while (v->n != 0) {
    struct show_row *r = conv_at(v, 0);
    if (!is_settled(v, r, now))
      return;
    if (r->cross == 0 && r->kind == SHOW_SEG && r->arrive.n != 0 && v->n > 1 &&
        conv_at(v, 1)->at < r->arrived_at && !is_settled(v, conv_at(v, 1), now))
      return; /* it may have to be drawn with the next one */
    drop_head(v);
  }
}

/* ---- Rows are born --------------------------------------------------------------------------- */

static bool grow(struct conv *v) {
  struct show_row *ring = calloc(v->cap * 2, sizeof *ring);
  if (ring == NULL)
    return false;
  for (size_t i = 0; i < v->n; i++)
    ring[i] = *conv_at(v, i);
  free(v->ring);
  v->ring = ring;
  v->cap *= 2;
  v->head = 0;
  return true;
}

struct show_row *conv_push(struct conv *v, enum show_kind kind, int from, tct_time at) {
  if (v->n == v->cap && v->cap >= CONV_RING_MAX)
    drop_head(v);
  if (v->n == v->cap && !grow(v)) {
    v->failed = true;
    return NULL;
  }
  struct show_row *r = conv_at(v, v->n++);
  *r = (struct show_row){.kind = (uint8_t)kind, .from = (uint8_t)from, .at = at, .segs = 1};
  if (!v->has_base) {
    v->base = at;
    v->has_base = true;
  }
  return r;
}

static uint32_t count_wire_segs(const tct_seg *seg) {
  return seg->seg_size == 0 || seg->len <= seg->seg_size
             ? 1
             : (seg->len + seg->seg_size - 1) / seg->seg_size;
}

struct show_row *conv_add_seg(struct conv *v, struct show_conn *c, int from, const tct_seg *seg,
                              tct_time at) {
  struct show_row *r = conv_push(v, SHOW_SEG, from, at);
  if (r == NULL)
    return NULL;
  r->conn = c;
  r->seg = *seg;
  r->proto = SHOW_TCP;
  r->segs = count_wire_segs(seg);
  r->frame_first = v->frames + 1;
  v->frames += r->segs;
  r->frame_last = v->frames;
  return r;
}

/* UDP and ICMP are told of as segments without flags. */
static uint8_t proto_of(const tct_trace *t) {
  if (t->kind != TCT_TRACE_SEG_OUT)
    return t->seg.flags == 0 && t->seg.sport == 0 ? SHOW_OTHER : SHOW_TCP;
  if (t->why == TCT_WHY_ECHO_REPLY || t->why == TCT_WHY_ICMP_ERROR)
    return SHOW_ICMP;
  if (t->why == TCT_WHY_DATAGRAM || t->why == TCT_WHY_FRAGMENT)
    return SHOW_UDP;
  return SHOW_TCP;
}

static void add_other(struct conv *v, int from, const tct_trace *t, uint8_t proto) {
  struct show_row *r = conv_add_seg(v, NULL, from, &t->seg, t->at);
  if (r == NULL)
    return;
  r->proto = proto;
  r->why = t->why;
  r->traced_out = t->kind == TCT_TRACE_SEG_OUT;
}

static void on_seg_out(struct conv *v, int end, const tct_trace *t) {
  uint8_t proto = proto_of(t);
  if (proto != SHOW_TCP) {
    add_other(v, end, t, proto);
    return;
  }
  struct show_conn *c = conv_conn_of_seg(v, end, &t->seg);
  if (c == NULL)
    return;
  conv_state_before_sent(v, c, end, t);
  struct show_row *r = conv_add_seg(v, c, end, &t->seg, t->at);
  if (r == NULL)
    return;
  r->why = t->why;
  r->traced_out = true;
  conv_conn_count(c, r);
  conv_state_on_sent(v, r);
  if (!conv_is_traced(v, !end))
    conv_state_infer_sent(r);
}

static bool is_same_segment(const struct show_row *r, const struct show_conn *c, int from,
                            const tct_seg *seg) {
  if (r->kind != SHOW_SEG || r->conn != c || r->from != from || r->proto != SHOW_TCP)
    return false;
  if (r->segs > 1) /* cut on the way: a piece of it */
    return seg->len != 0 && seg->seq - r->seg.seq < r->seg.len;
  return r->seg.seq == seg->seq && r->seg.flags == seg->flags && r->seg.len == seg->len &&
         r->seg.ack == seg->ack;
}

/* The oldest that may still arrive. */
static struct show_row *find_sent(struct conv *v, const struct show_conn *c, int from,
                                  const tct_seg *seg) {
  for (size_t i = 0; i < v->n; i++) {
    struct show_row *r = conv_at(v, i);
    bool may_arrive = !r->has_arrived && r->fate != SHOW_LOST && r->fate != SHOW_CORRUPTED;
    if (may_arrive && is_same_segment(r, c, from, seg))
      return r;
  }
  return NULL;
}

/* The link delivers a packet twice and the second copy comes now. */
static bool on_second_copy(struct conv *v, struct show_conn *c, int from, const tct_trace *t) {
  uint32_t frame = 0;
  for (size_t i = 0; i < v->n && frame == 0; i++) {
    struct show_row *r = conv_at(v, i);
    if (r->has_arrived && r->copies == 2 && is_same_segment(r, c, from, &t->seg)) {
      frame = r->frame_first;
      r->copies = 3;
    }
  }
  for (size_t i = 0; i < CONV_SEEN_MAX && frame == 0; i++) {
    struct conv_seen *s = &v->seen[i];
    if (s->conn == c && s->from == from && s->copies == 2 && s->seq == t->seg.seq &&
        s->ack == t->seg.ack && s->len == t->seg.len && s->flags == t->seg.flags) {
      frame = s->frame;
      s->copies = 3;
    }
  }
  if (frame == 0)
    return false;
  struct show_row *r = conv_push(v, SHOW_AGAIN, !from, t->at);
  if (r == NULL)
    return true;
  r->conn = c;
  r->frame_first = frame;
  r->verdict = t->verdict;
  return true;
}

static void arrive(struct conv *v, struct show_row *r, const tct_trace *t) {
  r->verdict = t->verdict;
  r->arrived_bytes += t->seg.len;
  if (r->arrived_bytes < r->seg.len)
    return; /* one of several pieces */
  r->has_arrived = true;
  r->arrived_at = t->at;
  conv_state_on_arrived(v, r);
}

static void on_seg_in(struct conv *v, int end, const tct_trace *t) {
  if (proto_of(t) != SHOW_TCP) {
    add_other(v, !end, t, SHOW_OTHER);
    return;
  }
  int from = !end;
  struct show_conn *c = conv_conn_of_seg(v, from, &t->seg);
  if (c == NULL)
    return;
  struct show_row *r = find_sent(v, c, from, &t->seg);
  if (r == NULL && on_second_copy(v, c, from, t))
    return;
  if (r == NULL) {
    r = conv_add_seg(v, c, from, &t->seg, t->at);
    if (r == NULL)
      return;
    r->is_injected = conv_is_traced(v, from);
    conv_conn_count(c, r);
    if (!conv_is_traced(v, from))
      conv_state_infer_from_peer(v, r);
  }
  arrive(v, r, t);
}

static void on_state(struct conv *v, int end, const tct_trace *t) {
  static const tct_addr nobody;
  if (t->rport == 0 && memcmp(&t->remote, &nobody, sizeof nobody) == 0) {
    v->listening[end] = t->state_new == TCT_LISTEN;
    return;
  }
  struct show_conn *c = conv_conn_find(v, end, &t->local, t->lport, &t->remote, t->rport);
  if (c != NULL && t->state_old != t->state_new)
    conv_state_on_change(v, c, end, t);
}

static void on_rest(struct conv *v, int end, const tct_trace *t) {
  enum show_kind kind = t->kind == TCT_TRACE_TIMER  ? SHOW_TIMER
                        : t->kind == TCT_TRACE_DROP ? SHOW_DROP
                                                    : SHOW_CC;
  struct show_conn *c = NULL;
  if (t->kind != TCT_TRACE_DROP && t->rport != 0)
    c = conv_conn_find(v, end, &t->local, t->lport, &t->remote, t->rport);
  struct show_row *r = conv_push(v, kind, end, t->at);
  if (r == NULL)
    return;
  r->conn = c;
  r->verdict = t->verdict;
  r->value = t->value;
  r->value2 = t->value2;
  r->value3 = t->value3;
}

/* Changes that waited for a segment of their own instant, which has passed. */
static void give_up_old_changes(struct conv *v, tct_time now) {
  if (v->n_pending == 0)
    return;
  for (size_t i = 0; i < v->n_conns; i++)
    for (int e = 0; e < 2; e++) {
      struct show_pending *p = &v->conn[i]->pending[e];
      bool may_follow = p->path.n != 0 && (show_path_last(&p->path) == TCT_FIN_WAIT_1 ||
                                           show_path_last(&p->path) == TCT_LAST_ACK ||
                                           show_path_last(&p->path) == TCT_SYN_SENT);
      tct_time slack = may_follow ? CLOSE_SLACK_NS : 0;
      if (p->path.n != 0 && now > p->at + slack)
        conv_state_give_up(v, v->conn[i], e);
    }
}

static void come_to(struct conv *v, tct_time now) {
  if (now <= v->now)
    return;
  v->now = now;
  give_up_old_changes(v, now);
  settle(v, now);
}

void conv_trace(struct conv *v, int end, const tct_trace *t) {
  come_to(v, t->at);
  switch (t->kind) {
  case TCT_TRACE_SEG_OUT:
    on_seg_out(v, end, t);
    break;
  case TCT_TRACE_SEG_IN:
    on_seg_in(v, end, t);
    break;
  case TCT_TRACE_STATE:
    on_state(v, end, t);
    break;
  default:
    on_rest(v, end, t);
    break;
  }
}

void conv_note(struct conv *v, tct_time at, const char *text) {
  come_to(v, at);
  struct show_row *r = conv_push(v, SHOW_NOTE, SHOW_LEFT, at);
  if (r != NULL)
    snprintf(r->text, sizeof r->text, "%s", text);
}

void conv_flush(struct conv *v, tct_time now) {
  come_to(v, now);
}

void conv_finish(struct conv *v) {
  give_up_old_changes(v, UINT64_MAX - 2000000);
  while (v->n != 0)
    drop_head(v);
}
