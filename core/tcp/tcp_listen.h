/* SPDX-License-Identifier: MIT */
/*
 * tcp_listen.h - what the five files of passive opening share: tcp_listen (the judgement),
 * tcp_syncache (where half-open records live and when they are due), tcp_child (the connection that
 * comes of one), tcp_cookie (doing without a record), tcp_ask (the application is asked first). The
 * others know calls.h only.
 */
#ifndef TCT_TCP_TCP_LISTEN_H
#define TCT_TCP_TCP_LISTEN_H

#include "tcp/calls.h"

static inline unsigned tct_half_phase(const struct tct_half_open *r) {
  return r->life & TCT_HALF_PHASE;
}

static inline void tct_half_set_phase(struct tct_half_open *r, unsigned phase) {
  r->life = (uint8_t)((r->life & (0xffu - TCT_HALF_PHASE)) | phase);
}

static inline unsigned tct_half_retries(const struct tct_half_open *r) {
  return r->life & TCT_HALF_RETRIES;
}

/* ---- tcp_syncache.c -------------------------------------------------------------------------- */
#define TCT_SYN_BUCKET 4u /* places of a bucket */
#define TCT_SYN_SLICE_BUCKETS                                                                      \
  32u /* a slice: what is allocated, and looked through, at once: 8 KiB */
#define TCT_SYN_SLICE (TCT_SYN_BUCKET * TCT_SYN_SLICE_BUCKETS)

struct tct_syn_slice {
  struct tct_half_open *at; /* TCT_SYN_SLICE places */
  tct_time earliest;        /* no record in it is due before */
};
struct tct_syn_cache {
  struct tct_syn_slice *slices;
  uint32_t slices_max;
  uint32_t buckets, buckets_max; /* grows a bucket at a time (linear hashing) */
  uint32_t used, limit, held;
  uint32_t hand, hand_at; /* slice being looked through, and the place in it */
  uint32_t hand_left;     /* slices that this advance may still look through */
  tct_time next_at;       /* nothing is due before */
  tct_time advanced_at;
  bool all_due; /* so much time has passed that 16 bits cannot tell */
  uint8_t gen8;
};

int tct_tcp_syncache_new(tct_stack *s);
void tct_tcp_syncache_free(tct_stack *s);
tct_time tct_tcp_syncache_next_deadline(const tct_stack *s);
/* A new record with its key and gen8, the rest zero but for phase ANSWERING; NULL: full or no
 * memory. Records move: pointers to others are stale afterwards. */
struct tct_half_open *tct_tcp_syncache_insert(tct_stack *s, const struct tct_tuple *t);
struct tct_half_open *tct_tcp_syncache_find(tct_stack *s, const struct tct_tuple *t);
void tct_tcp_syncache_remove(tct_stack *s, struct tct_half_open *r);
tct_time tct_tcp_syncache_due(const tct_stack *s, const struct tct_half_open *r);
void tct_tcp_syncache_set_due(tct_stack *s, struct tct_half_open *r,
                              tct_time at); /* within 300 s */
/* A handle, and back; NULL: that life is over. */
tct_syn tct_tcp_syncache_handle(const tct_stack *s, const struct tct_half_open *r);
struct tct_half_open *tct_tcp_syncache_at(tct_stack *s, tct_syn y);
/* The clock hand: begin, then each record that is due, which must be removed or get a new due time,
 * then end. */
void tct_tcp_syncache_sweep_begin(tct_stack *s);
struct tct_half_open *tct_tcp_syncache_sweep_next(tct_stack *s);
void tct_tcp_syncache_sweep_end(tct_stack *s);
/* Any record of this listener; *cursor starts at 0. */
struct tct_half_open *tct_tcp_syncache_of_listener(tct_stack *s, uint32_t listener,
                                                   uint32_t *cursor);

/* ---- tcp_listen.c ---------------------------------------------------------------------------- */
struct tct_listen_syn { /* a SYN in hand */
  struct tct_tcp *l;
  struct tct_pkt *p;
  const struct tct_tcp_hdr *h;
  const struct tct_tuple *t;
  tct_seq iss;
  bool reopens;                /* a TIME-WAIT record stands behind it */
  bool has_cookie, cookie_exp; /* Fast Open: the SYN,ACK gives this one (tcp_fastopen.c) */
  uint8_t cookie[TCT_FASTOPEN_COOKIE_LEN];
};
void tct_tcp_listen_fill_record(tct_stack *s, const struct tct_listen_syn *y,
                                struct tct_half_open *r);
/* SYN,ACK; timer. y: the SYN itself is in hand, NULL: it was, once. */
void tct_tcp_listen_answer(tct_stack *s, struct tct_tcp *l, struct tct_half_open *r,
                           const struct tct_listen_syn *y);
/* The record goes; `to` and `why` are for the trace, LISTEN or CLOSED. */
void tct_tcp_listen_forget(tct_stack *s, struct tct_half_open *r, tct_state to, tct_why why);
/* SYN,ACK for a record, in the listener's manner; the caller may change it before it goes. */
void tct_tcp_listen_syn_ack(tct_stack *s, struct tct_tcp *l, const struct tct_half_open *r,
                            struct tct_tcp_reply *a);

/* ---- tcp_child.c ----------------------------------------------------------------------------- */
/* The connection that r has promised, completed by the segment in hand; *made: it is in the accept
 * queue. */
tct_verdict tct_tcp_child_open(tct_stack *s, const struct tct_listen_syn *y,
                               const struct tct_half_open *r, bool *made);

/* The same before the handshake is over, for Fast Open: in SYN-RECEIVED, in the tables, in the
 * accept queue; NULL: no memory. */
struct tct_tcp *tct_tcp_child_open_early(tct_stack *s, const struct tct_listen_syn *y,
                                         const struct tct_half_open *r);

/* ---- tcp_cookie.c ---------------------------------------------------------------------------- */
void tct_tcp_cookie_send(tct_stack *s, const struct tct_listen_syn *y);
bool tct_tcp_cookie_is_near(const tct_stack *s,
                            const struct tct_tcp *l); /* some were sent lately */
/* The record that was never kept, from the segment that answers it; false: no cookie of ours. */
bool tct_tcp_cookie_check(tct_stack *s, const struct tct_listen_syn *y, struct tct_half_open *r);

/* ---- tcp_ask.c ------------------------------------------------------------------------------- */
tct_verdict tct_tcp_ask_hold(tct_stack *s, const struct tct_listen_syn *y);
tct_verdict tct_tcp_ask_input(tct_stack *s, struct tct_half_open *r,
                              const struct tct_listen_syn *y);
void tct_tcp_ask_free(tct_stack *s, struct tct_listener *li);

#endif
