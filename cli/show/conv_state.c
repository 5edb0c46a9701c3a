/* SPDX-License-Identifier: MIT */
/*
 * conv_state.c - joins state changes to the segments that cause them.
 *
 * A stack reports a change before or after the segment, at the same instant; the table below says
 * what may cause which. What nothing explains (a timer, close() with data still to send) becomes a
 * row of its own. For an end without a trace the diagram of infer.c stands in. Called by conv.c.
 */
#include "cli/show/conv.h"

#include "cli/show/infer.h"
#include "util/seq.h"

enum { BY_NOTHING = 0, BY_SENDING = 1, BY_ARRIVAL = 2 };
enum { CLOSE_SLACK_NS = 1000000 }; /* a real loop sends its FIN a little after close() */

struct cause {
  uint8_t by, flags; /* one of the flags at least; 0: any segment */
};

static struct cause cause_of(uint8_t from, uint8_t to) {
  switch (to) {
  case TCT_SYN_SENT:
    return (struct cause){BY_SENDING, TCT_SYN};
  case TCT_SYN_RECEIVED:
    return (struct cause){BY_ARRIVAL, TCT_SYN};
  case TCT_ESTABLISHED:
    return (struct cause){BY_ARRIVAL, TCT_ACK};
  case TCT_FIN_WAIT_1:
  case TCT_LAST_ACK:
    return (struct cause){BY_SENDING, TCT_FIN};
  case TCT_FIN_WAIT_2:
    return (struct cause){BY_ARRIVAL, TCT_ACK};
  case TCT_CLOSE_WAIT:
  case TCT_CLOSING:
    return (struct cause){BY_ARRIVAL, TCT_FIN};
  case TCT_TIME_WAIT:
    return (struct cause){BY_ARRIVAL, TCT_FIN | TCT_ACK};
  case TCT_LISTEN:
    return (struct cause){BY_ARRIVAL, TCT_RST};
  default:
    break;
  }
  if (from == TCT_LAST_ACK)
    return (struct cause){BY_ARRIVAL, TCT_ACK | TCT_RST};
  if (from == TCT_TIME_WAIT)
    return (struct cause){BY_ARRIVAL, TCT_RST | TCT_SYN};
  return (struct cause){BY_ARRIVAL | BY_SENDING, TCT_RST};
}

static bool explains(struct cause c, uint8_t by, uint8_t flags) {
  return (c.by & by) != 0 && (c.flags == 0 || (flags & c.flags) != 0);
}

static struct cause cause_of_path(const struct show_path *p) {
  return cause_of(p->state[p->n - 2], show_path_last(p));
}

static void extend(struct show_path *p, const tct_trace *t) {
  show_path_add(p, t->state_old, t->state_new);
  p->why = t->why;
}

/* The change comes after its segment. */
static bool join_to_earlier(struct conv *v, struct show_conn *c, int end, const tct_trace *t) {
  struct cause cause = cause_of(t->state_old, t->state_new);
  struct show_row *in = conv_by_id(v, c->last_in[end]);
  struct show_row *out = conv_by_id(v, c->last_out[end]);
  if (in != NULL && in->arrived_at == t->at && explains(cause, BY_ARRIVAL, in->seg.flags) &&
      (in->arrive.n == 0 || show_path_last(&in->arrive) == t->state_old)) {
    extend(&in->arrive, t);
    return true;
  }
  if (out != NULL && out->at == t->at && explains(cause, BY_SENDING, out->seg.flags) &&
      out->depart.n == 0) {
    extend(&out->depart, t);
    return true;
  }
  return false;
}

void conv_state_on_change(struct conv *v, struct show_conn *c, int end, const tct_trace *t) {
  struct show_pending *p = &c->pending[end];
  if (!c->known[end]) { /* what it was before the first row */
    c->drawn[end] = t->state_old;
    c->drawn_known[end] = true;
  }
  c->state[end] = t->state_new;
  c->known[end] = true;
  if (p->path.n != 0 && (p->at != t->at || show_path_last(&p->path) != t->state_old))
    conv_state_give_up(v, c, end);
  if (p->path.n == 0 && join_to_earlier(v, c, end, t))
    return;
  v->n_pending += p->path.n == 0;
  p->at = t->at;
  extend(&p->path, t);
}

static void clear_pending(struct conv *v, struct show_pending *p) {
  p->path = (struct show_path){0};
  v->n_pending--;
}

void conv_state_give_up(struct conv *v, struct show_conn *c, int end) {
  struct show_pending *p = &c->pending[end];
  if (p->path.n == 0)
    return;
  struct show_row *r = conv_push(v, SHOW_STATE, end, p->at);
  if (r != NULL) {
    r->conn = c;
    r->depart = p->path;
    r->why = p->path.why;
  }
  clear_pending(v, p);
}

static bool is_explained_by(const struct show_pending *p, const tct_seg *seg, tct_time at) {
  return p->path.n != 0 && at - p->at <= CLOSE_SLACK_NS &&
         explains(cause_of_path(&p->path), BY_SENDING, seg->flags);
}

void conv_state_before_sent(struct conv *v, struct show_conn *c, int end, const tct_trace *t) {
  const struct show_pending *p = &c->pending[end];
  if (p->path.n != 0 && p->at < t->at && !is_explained_by(p, &t->seg, t->at))
    conv_state_give_up(v, c, end);
}

void conv_state_on_sent(struct conv *v, struct show_row *r) {
  struct show_conn *c = r->conn;
  struct show_pending *p = &c->pending[r->from];
  c->last_out[r->from] = conv_id_of(v, r) + 1;
  if (is_explained_by(p, &r->seg, r->at)) {
    r->depart = p->path;
    clear_pending(v, p);
  }
}

void conv_state_on_arrived(struct conv *v, struct show_row *r) {
  struct show_conn *c = r->conn;
  int end = !r->from;
  struct show_pending *p = &c->pending[end];
  c->last_in[end] = conv_id_of(v, r) + 1;
  if (p->path.n != 0 && r->arrived_at == p->at &&
      explains(cause_of_path(&p->path), BY_ARRIVAL, r->seg.flags)) {
    r->arrive = p->path;
    clear_pending(v, p);
  }
}

/* ---- An end without a trace ------------------------------------------------------------------ */

static void infer_step(struct show_conn *c, int end, uint8_t to, struct show_path *path) {
  uint8_t from = c->state[end];
  c->known[end] = true;
  if (from == to)
    return;
  show_path_add(path, from, to);
  path->inferred = true;
  c->state[end] = to;
}

static void infer_arrival(struct show_row *r, tct_time at) {
  struct show_conn *c = r->conn;
  int end = !r->from;
  struct infer_seg s = {.flags = r->seg.flags};
  bool has_ack = (r->seg.flags & TCT_ACK) != 0;
  s.acks_syn = has_ack && c->has_isn[end] && tct_seq_gt(r->seg.ack, c->isn[end]);
  s.acks_fin = has_ack && c->has_fin[end] && tct_seq_geq(r->seg.ack, c->fin_end[end]);
  /* Nothing is known of a listener before its SYN: that a SYN was answered says it listened. */
  if (!c->known[end] && (s.flags & (TCT_SYN | TCT_ACK)) == TCT_SYN && c->state[end] == TCT_CLOSED)
    c->state[end] = c->drawn[end] = TCT_LISTEN;
  r->has_arrived = true;
  r->arrived_at = at;
  infer_step(c, end, infer_receive(c->state[end], &s), &r->arrive);
}

void conv_state_infer_sent(struct show_row *r) {
  bool takes_numbers = conv_seg_end(&r->seg) != r->seg.seq;
  if (!takes_numbers) /* nothing will ever tell of a bare ACK: believe the best */
    infer_arrival(r, r->at);
}

void conv_state_infer_from_peer(struct conv *v, struct show_row *r) {
  struct show_conn *c = r->conn;
  bool has_ack = (r->seg.flags & TCT_ACK) != 0, is_rst = (r->seg.flags & TCT_RST) != 0;
  for (size_t i = 0; i < v->n; i++) {
    struct show_row *sent = conv_at(v, i);
    if (sent->kind == SHOW_SEG && sent->conn == c && sent->from != r->from && !sent->has_arrived &&
        sent->proto == SHOW_TCP && has_ack && tct_seq_leq(conv_seg_end(&sent->seg), r->seg.ack)) {
      if (is_rst) { /* it arrived, but at nobody */
        sent->has_arrived = true;
        sent->arrived_at = r->at;
      } else {
        infer_arrival(sent, r->at);
      }
    }
  }
  infer_step(c, r->from, infer_send(c->state[r->from], r->seg.flags), &r->depart);
}
