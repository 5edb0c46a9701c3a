/* SPDX-License-Identifier: MIT */
/*
 * measure.c - walks through what was seen of one direction of a connection: which octets were sent
 * again, what was acknowledged, SACKed, in flight, how long round trips took.
 *
 * Called by draw.c and chart.c. The sender's own view is taken when its trace is there, else that
 * of the receiver or of whoever captured. In flight is RFC 6675's pipe: sent, neither acknowledged
 * nor SACKed nor to be taken for lost; round trips follow Karn (RFC 6298 section 3). Reasons that a
 * capture does not tell are guessed, and marked as guesses.
 */
#include "cli/plot/measure.h"

#include <stdlib.h>
#include <string.h>

#include "cli/plot/spans.h"

enum { QUIET_MS = 150, LOST_AFTER_SEGMENTS = 3 };

/* Sent and not yet acknowledged, for round trips. */
struct sent {
  int64_t from, to;
  tct_time at;
  bool again;
};

struct walk {
  struct measure *m;
  const struct plot *p;
  bool has_base;
  uint32_t base;    /* the number of octet 0 */
  int64_t una, max; /* relative */
  bool has_una, has_fin;
  int64_t fin;       /* the FIN's own number */
  int64_t fack;      /* highest SACKed, + 1 */
  int64_t rto_max;   /* all below was taken for lost when a time-out fired */
  uint32_t size_max; /* largest segment, to count duplicates by */
  unsigned dups;
  uint32_t window;
  bool has_window;
  tct_time sent_at; /* the last data */
  struct spans holes, sacked, resent;
  struct sent *sent;
  size_t head, n_sent, cap_sent;
};

/* ---- Results grow ---------------------------------------------------------------------------- */

static void *reserve(struct measure *m, void *old, size_t *cap, size_t n, size_t size) {
  if (n < *cap)
    return old;
  size_t want = *cap == 0 ? 128 : *cap * 2;
  void *grown = m->no_memory ? NULL : realloc(old, want * size);
  if (grown == NULL)
    m->no_memory = true;
  else
    *cap = want;
  return grown;
}

static void add_point(struct measure *m, struct measure_curve *c, tct_time at, int64_t v) {
  struct measure_point *p = reserve(m, c->p, &c->cap, c->n, sizeof *p);
  if (p == NULL)
    return;
  c->p = p;
  c->p[c->n++] = (struct measure_point){at, v};
}

/* A step: nothing when the value stays. */
static void add_step(struct measure *m, enum measure_line which, tct_time at, int64_t v) {
  struct measure_curve *c = &m->line[which];
  if (c->n == 0 || c->p[c->n - 1].v != v)
    add_point(m, c, at, v);
}

static void add_bar(struct measure *m, const struct measure_bar *bar) {
  struct measure_bar *b = reserve(m, m->bar, &m->cap_bars, m->n_bars, sizeof *b);
  if (b == NULL)
    return;
  m->bar = b;
  m->bar[m->n_bars++] = *bar;
}

static void add_mark(struct measure *m, enum measure_mark_kind kind, tct_time at, int64_t v,
                     uint32_t len) {
  struct measure_mark *k = reserve(m, m->mark, &m->cap_marks, m->n_marks, sizeof *k);
  if (k == NULL)
    return;
  m->mark = k;
  m->mark[m->n_marks++] = (struct measure_mark){at, v, (uint8_t)kind, len};
}

/* ---- Numbers --------------------------------------------------------------------------------- */

/* Numbers wrap at 2^32: what is nearest to the newest one is meant. */
static int64_t unwrap(struct walk *w, uint32_t seq) {
  if (!w->has_base) {
    w->has_base = true;
    w->base = seq;
    w->max = w->una = 0;
  }
  uint32_t near = w->base + (uint32_t)w->max;
  return w->max + (int32_t)(seq - near);
}

/* ---- In flight ------------------------------------------------------------------------------- */

static int64_t flight_of(struct walk *w) {
  int64_t una = w->una, max = w->max;
  int64_t gone = w->fack - (int64_t)w->size_max * LOST_AFTER_SEGMENTS;
  if (gone < w->rto_max)
    gone = w->rto_max;
  if (gone > max)
    gone = max;
  int64_t pipe = max - una - spans_sum(&w->sacked, una, max);
  if (gone > una)
    pipe -= gone - una - spans_sum(&w->sacked, una, gone);
  pipe += spans_sum(&w->resent, una, gone > una ? gone : una);
  return pipe > 0 ? pipe : 0;
}

static void note_flight(struct walk *w, tct_time at) {
  add_step(w->m, MEASURE_FLIGHT, at, flight_of(w));
}

/* ---- Round trips ----------------------------------------------------------------------------- */

static void remember_sent(struct walk *w, int64_t from, int64_t to, tct_time at) {
  if (w->head > 4096 && w->head > w->n_sent / 2) {
    memmove(w->sent, w->sent + w->head, (w->n_sent - w->head) * sizeof *w->sent);
    w->n_sent -= w->head;
    w->head = 0;
  }
  struct sent *s = reserve(w->m, w->sent, &w->cap_sent, w->n_sent, sizeof *s);
  if (s == NULL)
    return;
  w->sent = s;
  w->sent[w->n_sent++] = (struct sent){from, to, at, false};
}

static void spoil_samples(struct walk *w, int64_t from, int64_t to) {
  size_t low = w->head, high = w->n_sent;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (w->sent[mid].to > from)
      high = mid;
    else
      low = mid + 1;
  }
  for (; low < w->n_sent && w->sent[low].from < to; low++)
    w->sent[low].again = true;
}

static void take_sample(struct walk *w, tct_time at, int64_t ack) {
  struct measure *m = w->m;
  const struct sent *newest = NULL;
  bool again = false;
  for (; w->head < w->n_sent && w->sent[w->head].to <= ack; w->head++) {
    newest = &w->sent[w->head];
    again = again || newest->again;
  }
  if (newest == NULL || again || at < newest->at)
    return;
  tct_time rtt = at - newest->at;
  add_point(m, &m->rtt, at, (int64_t)rtt);
  m->rtt_min = m->rtt.n == 1 || rtt < m->rtt_min ? rtt : m->rtt_min;
  m->rtt_max = rtt > m->rtt_max ? rtt : m->rtt_max;
}

/* ---- Data ------------------------------------------------------------------------------------ */

/* What a sender that says nothing probably had in mind. */
static uint16_t guess_why(const struct walk *w, const struct plot_event *e, int64_t from,
                          int64_t to) {
  bool quiet = e->at > w->sent_at + (tct_time)QUIET_MS * 1000000;
  if (w->fack > from || w->dups >= LOST_AFTER_SEGMENTS)
    return from == w->una && quiet && w->fack <= to ? TCT_WHY_RTO : TCT_WHY_FAST_REXMIT;
  if (from == w->una && quiet)
    return TCT_WHY_RTO;
  return to == w->max && from > w->una ? TCT_WHY_TLP : TCT_WHY_NONE;
}

static enum measure_class class_of(const struct walk *w, const struct plot_event *e, int64_t from,
                                   int64_t to) {
  bool is_told_probe = e->why == TCT_WHY_KEEPALIVE || e->why == TCT_WHY_PROBE;
  if (is_told_probe || (from == w->una - 1 && to <= w->una && to - from == 1))
    return to > w->max ? MEASURE_DATA : MEASURE_PROBE;
  if (from >= w->max)
    return MEASURE_DATA;
  if (w->m->at_receiver || w->m->on_wire)
    return spans_touch(&w->holes, from, to) ? MEASURE_LATE : MEASURE_AGAIN;
  return MEASURE_AGAIN;
}

/* A super-segment is drawn as the segments that it stands for. */
static void add_bars(struct walk *w, const struct measure_bar *whole, uint32_t seg_size) {
  struct measure_bar b = *whole;
  int64_t size = seg_size != 0 ? seg_size : whole->to - whole->from;
  for (; b.from < whole->to; b.from = b.to) {
    b.to = b.from + size < whole->to ? b.from + size : whole->to;
    add_bar(w->m, &b);
  }
}

static void count_again(struct measure *m, const struct measure_bar *b) {
  if (b->class == MEASURE_LATE)
    m->late++;
  if (b->class != MEASURE_AGAIN)
    return;
  m->again++;
  m->by_why[b->why < TCT_WHY_COUNT ? b->why : TCT_WHY_NONE]++;
}

static void move_on(struct walk *w, const struct measure_bar *b) {
  if (b->class == MEASURE_DATA && b->from > w->max)
    spans_add(&w->holes, w->max, b->from);
  if (b->class == MEASURE_LATE)
    spans_remove(&w->holes, b->from, b->to);
  if (b->class == MEASURE_AGAIN) {
    if (b->why == TCT_WHY_RTO && b->from <= w->una)
      w->rto_max = w->max;
    spans_add(&w->resent, b->from, b->to);
    spoil_samples(w, b->from, b->to);
  }
  if (b->to > w->max) {
    remember_sent(w, b->from, b->to, b->at);
    w->max = b->to;
  }
}

static void mark_flags(struct walk *w, const struct plot_event *e, int64_t at) {
  if ((e->flags & TCT_SYN) != 0)
    add_mark(w->m, MEASURE_SYN, e->at, at, 0);
  if ((e->flags & TCT_FIN) != 0) {
    add_mark(w->m, MEASURE_FIN, e->at, at + e->len, 0);
    w->fin = at + e->len;
    w->has_fin = true;
  }
  if ((e->flags & TCT_RST) != 0)
    add_mark(w->m, MEASURE_RST, e->at, at + e->len, 0);
  if (e->is_ce && e->len != 0)
    add_mark(w->m, MEASURE_CE, e->at, at, 0);
  if ((e->flags & TCT_CWR) != 0 && (e->flags & TCT_SYN) == 0)
    add_mark(w->m, MEASURE_CWR, e->at, at, 0);
}

static void walk_data(struct walk *w, const struct plot_event *e) {
  int64_t from = unwrap(w, e->seq);
  int64_t to = from + e->len + ((e->flags & TCT_SYN) != 0) + ((e->flags & TCT_FIN) != 0);
  mark_flags(w, e, from);
  if ((e->flags & TCT_RST) != 0 || to == from)
    return;
  struct measure_bar b = {.at = e->at, .from = from, .to = to, .number = e->number};
  b.flags = e->flags;
  b.class = (uint8_t)class_of(w, e, from, to);
  b.why = e->why;
  if (b.why == TCT_WHY_NONE && b.class == MEASURE_AGAIN) {
    b.why = guess_why(w, e, from, to);
    b.inferred = true;
  }
  w->m->segments += e->seg_size != 0 ? (e->len + e->seg_size - 1) / e->seg_size : 1;
  uint32_t size = e->seg_size != 0 ? e->seg_size : e->len;
  w->size_max = size > w->size_max ? size : w->size_max;
  count_again(w->m, &b);
  add_bars(w, &b, e->seg_size);
  move_on(w, &b);
  w->sent_at = e->at;
  if (w->max > w->m->top)
    w->m->top = w->max;
  note_flight(w, e->at);
}

static void walk_lost(struct walk *w, const struct plot_event *e) {
  if (e->len == 0 && (e->flags & (TCT_SYN | TCT_FIN)) == 0)
    return;
  add_mark(w->m, MEASURE_LOST, e->at, unwrap(w, e->seq), e->len);
  w->m->lost++;
}

/* ---- What comes back ------------------------------------------------------------------------- */

static void walk_sacks(struct walk *w, const struct plot_event *e, int64_t ack) {
  for (unsigned i = 0; i < e->n_sack; i++) {
    const struct plot_sack *k = &w->p->sack[e->sack_at + i];
    struct measure_bar b = {.at = e->at, .from = unwrap(w, k->from), .number = e->number};
    b.to = b.from + (int32_t)(k->to - k->from);
    bool within_next = i == 0 && e->n_sack > 1 && k->from - k[1].from < k[1].to - k[1].from &&
                       k->to - k[1].from <= k[1].to - k[1].from;
    bool is_dsack = i == 0 && (b.from < ack || within_next); /* RFC 2883 4 */
    b.class = is_dsack ? MEASURE_DSACK : MEASURE_SACK;
    if (b.to <= b.from || b.to > w->max)
      continue; /* acknowledges what nobody sent: not to be drawn as true */
    add_bar(w->m, &b);
    if (is_dsack)
      continue;
    spans_add(&w->sacked, b.from, b.to);
    w->fack = b.to > w->fack ? b.to : w->fack;
  }
}

static void walk_window(struct walk *w, const struct plot_event *e, int64_t ack) {
  bool is_known = !w->m->on_wire || w->m->flow->scale_known;
  w->window = e->window;
  w->has_window = true;
  if (!is_known || (e->flags & TCT_RST) != 0)
    return;
  add_step(w->m, MEASURE_WINDOW, e->at, ack + e->window);
  if (e->window == 0 && (e->flags & TCT_SYN) == 0)
    add_mark(w->m, MEASURE_ZERO_WINDOW, e->at, ack, 0);
}

static void advance(struct walk *w, tct_time at, int64_t ack) {
  take_sample(w, at, ack);
  w->una = ack;
  w->dups = 0;
  spans_remove(&w->sacked, INT64_MIN / 2, ack);
  spans_remove(&w->resent, INT64_MIN / 2, ack);
  if (w->fack < ack)
    w->fack = ack;
}

static void walk_ack(struct walk *w, const struct plot_event *e) {
  if ((e->flags & TCT_ACK) == 0 || !w->has_base)
    return;
  int64_t ack = unwrap(w, e->ack);
  if (ack > w->max && !w->m->on_wire)
    return;
  if (ack > w->max)
    w->max = ack; /* the capture missed the data */
  bool is_dup = w->has_una && ack == w->una && e->len == 0 && w->max > w->una &&
                (e->flags & (TCT_SYN | TCT_FIN | TCT_RST)) == 0 &&
                (e->n_sack != 0 || (w->has_window && e->window == w->window));
  if (is_dup) {
    w->dups++;
    add_mark(w->m, MEASURE_DUP_ACK, e->at, ack, 0);
  }
  if (!w->has_una || ack > w->una)
    advance(w, e->at, ack);
  w->has_una = true;
  add_step(w->m, MEASURE_ACK, e->at, w->una);
  walk_sacks(w, e, ack);
  walk_window(w, e, ack);
  if ((e->flags & TCT_ECE) != 0 && (e->flags & TCT_SYN) == 0)
    add_mark(w->m, MEASURE_ECE, e->at, ack, 0);
  note_flight(w, e->at);
}

static void walk_cc(struct walk *w, const struct plot_event *e) {
  add_step(w->m, MEASURE_CWND, e->at, e->seq);
  add_step(w->m, MEASURE_SSTHRESH, e->at, e->ack);
  if (e->len == 0)
    return;
  add_step(w->m, MEASURE_SRTT, e->at, (int64_t)e->len * 1000);
  w->m->line[MEASURE_SRTT].until = e->at; /* told with the window alone */
}

/* ---- The whole ------------------------------------------------------------------------------- */

static void walk_event(struct walk *w, const struct plot_event *e) {
  if (e->kind == PLOT_CC) {
    if (e->from == w->m->from)
      walk_cc(w, e);
    return;
  }
  if (e->kind == PLOT_LOST) {
    if (e->from == w->m->from && !w->m->at_receiver)
      walk_lost(w, e);
    return;
  }
  if (e->from == w->m->from)
    walk_data(w, e);
  else
    walk_ack(w, e);
}

static int choose_view(const struct plot_flow *f, int from) {
  return f->seen[from] ? from : f->seen[!from] ? !from : PLOT_WIRE;
}

bool measure_flow(struct measure *m, const struct plot *p, size_t flow, int from) {
  struct walk *w = calloc(1, sizeof *w);
  memset(m, 0, sizeof *m);
  if (w == NULL)
    return false;
  m->flow = &p->flow[flow];
  m->flow_index = flow;
  m->from = from;
  m->first = m->flow->first;
  m->last = m->flow->last;
  int view = choose_view(m->flow, from);
  m->at_receiver = view == !from;
  m->on_wire = view == PLOT_WIRE;
  w->m = m;
  w->p = p;
  for (size_t i = 0; i < p->n_events; i++) {
    const struct plot_event *e = &p->event[i];
    bool is_seen_here = e->kind != PLOT_SEG || e->seen_at == view;
    if (e->flow == flow && is_seen_here)
      walk_event(w, e);
  }
  m->acked = w->has_una ? w->una : w->max; /* nobody acknowledged: what was sent */
  int64_t marks = m->flow->has_syn[from] + (w->has_fin && m->acked > w->fin);
  m->bytes = (uint64_t)(m->acked > marks ? m->acked - marks : 0);
  free(w->sent);
  free(w);
  return !m->no_memory;
}

void measure_free(struct measure *m) {
  for (unsigned i = 0; i < MEASURE_LINES; i++)
    free(m->line[i].p);
  free(m->rtt.p);
  free(m->bar);
  free(m->mark);
}
