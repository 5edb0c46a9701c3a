/* SPDX-License-Identifier: MIT */
/*
 * conv.h - the conversation: trace events in, rows out in the order in which they were sent.
 *
 * conv.c takes events and hands out rows; conv_conn.c keeps connections and the numbers of each;
 * conv_state.c finds the segment that a state change belongs to; conv_link.c listens to the link.
 * All state is here.
 */
#ifndef TCT_SHOW_CONV_H
#define TCT_SHOW_CONV_H

#include "cli/show/row.h"

enum {
  CONV_CONNS_MAX = 4096, /* known at a time; the longest unused goes first */
  CONV_BUCKETS = 4096,
  CONV_RING_MIN = 64,
  CONV_RING_MAX = 16384, /* rows that wait for their fate */
  CONV_SEEN_MAX = 256    /* rows handed out that a second copy can still be recognised by */
};

/* Enough of a row that was handed out to know it again. */
struct conv_seen {
  const struct show_conn *conn;
  uint32_t seq, ack, len, frame;
  uint8_t flags, from, copies;
};

struct conv {
  unsigned traced;
  struct show_renderer out;
  tct_time now, base; /* base: the first event's time */
  bool has_base;
  uint32_t frames, conns_seen, segments, lost, resent;
  uint64_t first_id; /* of ring[0th]; ids count up by one */
  size_t head, n, cap;
  struct show_row *ring;
  struct show_conn *conn[CONV_CONNS_MAX]; /* the first n_conns are there */
  size_t n_conns;
  struct show_conn *bucket[CONV_BUCKETS];
  struct show_conn first; /* as it was, once the table had to let it go */
  bool has_first;
  uint64_t uses;
  unsigned n_pending; /* state changes that wait for their segment */
  bool listening[2];
  struct conv_seen seen[CONV_SEEN_MAX];
  unsigned seen_at;
  bool failed; /* no memory: what follows is not drawn */
};

bool conv_init(struct conv *v, unsigned traced, struct show_renderer out);
void conv_deinit(struct conv *v);
void conv_trace(struct conv *v, int end, const tct_trace *t);
void conv_link(struct conv *v, int from, const void *packet, size_t len, enum show_fate fate,
               tct_time at);
void conv_note(struct conv *v, tct_time at, const char *text);
/* Time has come to `now`, and nothing more happened before it. */
void conv_flush(struct conv *v, tct_time now);
void conv_finish(struct conv *v);
static inline bool conv_is_traced(const struct conv *v, int end) {
  return (v->traced >> end & 1) != 0;
}

/* ---- conv.c, for its neighbours -------------------------------------------------------------- */
struct show_row *conv_push(struct conv *v, enum show_kind kind, int from, tct_time at);
struct show_row *conv_by_id(struct conv *v, uint64_t id); /* NULL: handed out already */
struct show_row *conv_add_seg(struct conv *v, struct show_conn *c, int from, const tct_seg *seg,
                              tct_time at);
static inline struct show_row *conv_at(struct conv *v, size_t i) {
  return &v->ring[(v->head + i) % v->cap];
}
static inline uint64_t conv_id_of(const struct conv *v, const struct show_row *r) {
  size_t slot = (size_t)(r - v->ring);
  return v->first_id + (slot + v->cap - v->head) % v->cap;
}

/* ---- conv_conn.c ----------------------------------------------------------------------------- */
/* From the end's own view. NULL: no memory. */
struct show_conn *conv_conn_find(struct conv *v, int end, const tct_addr *local, uint16_t lport,
                                 const tct_addr *remote, uint16_t rport);
struct show_conn *conv_conn_of_seg(struct conv *v, int from, const tct_seg *seg);
void conv_conn_free_all(struct conv *v);
/* Learns ISNs, notices resent data, sets the relative numbers. */
void conv_conn_count(struct show_conn *c, struct show_row *r);
/* Which frames a row's ACK newly covers; called as rows are handed out. */
void conv_conn_cover(struct show_conn *c, struct show_row *r);
uint32_t conv_seg_end(const tct_seg *seg);

/* ---- conv_state.c ---------------------------------------------------------------------------- */
void conv_state_on_change(struct conv *v, struct show_conn *c, int end, const tct_trace *t);
/* Before the row is made: a change that this segment does not explain came before it. */
void conv_state_before_sent(struct conv *v, struct show_conn *c, int end, const tct_trace *t);
void conv_state_on_sent(struct conv *v, struct show_row *r);
void conv_state_on_arrived(struct conv *v, struct show_row *r);
/* Changes of this connection's end that nothing explained become rows of their own. */
void conv_state_give_up(struct conv *v, struct show_conn *c, int end);
void conv_state_infer_sent(struct show_row *r);
/* A segment of the traced end: what it proves about earlier ones, then about itself. */
void conv_state_infer_from_peer(struct conv *v, struct show_row *r);

/* ---- tally.c --------------------------------------------------------------------------------- */
void tally_row(struct show_tally *t, const struct show_row *r);

#endif
