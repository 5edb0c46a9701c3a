/* SPDX-License-Identifier: MIT */
/*
 * model.h - a second TCP, written from RFC 9293 and from nothing else, to compare the first with.
 *
 * Small, slow and plain: one connection, streams kept whole in arrays, sequence numbers counted on
 * in 64 bits so that nothing wraps, every answer sent at once. No congestion control, no SACK, no
 * delayed ACKs. It knows nothing of core/: only the public names of tercet.h. Called by test/model.
 * RFC 9293 section 3.10; RFC 5961 3, 4, 5; RFC 6298; RFC 7323 (if asked); RFC 6191 without
 * timestamps; RFC 1122's close in both directions (MAY-1, SHLD-3).
 *
 *   user.c    3.10.1 to 3.10.6  calls            arrive.c  3.10.7.1 to .3  no connection yet
 *   accept.c  3.10.7.4          all other states  send.c    3.8.6           what leaves, windows
 *   timer.c   3.10.8            time-outs         bytes.c   the two streams
 */
#ifndef MODEL_MODEL_H
#define MODEL_MODEL_H

#include "tercet/tercet.h"

typedef int64_t model_pos; /* a sequence number that never wraps; the wire has its low 32 bits */
/* So far from zero that no number below the first is ever negative; 0 itself means "none". */
#define MODEL_FIRST_TURN ((model_pos)4 << 32)

struct model_config {
  tct_endpoint local, remote;
  uint32_t mss;        /* told to the peer */
  uint32_t rcv_buffer; /* bytes */
  bool timestamps, wscale;
  uint8_t shift; /* ours, if wscale */
  tct_time msl_ns;
};

enum { /* model.news: what the application has been told */
       MODEL_OPENED = 1,
       MODEL_EOF = 2,
       MODEL_RESET = 4,
       MODEL_REFUSED = 8,
       MODEL_TIMEOUT = 16,
       MODEL_URGENT = 32
};

struct model_segment {
  tct_seg seg;
  uint8_t *payload;
};

struct model_stream { /* all bytes since the start; have[i]: byte i is there */
  uint8_t *at;
  bool *have;
  size_t n, cap;
};

struct model_snd {
  model_pos iss, una, nxt, wl1, wl2;
  int64_t wnd, wnd_max;
  uint32_t mss; /* most bytes in a segment */
  uint8_t shift;
  bool fin_asked; /* after the last byte written */
  bool fin_sent;
};

struct model_rcv {
  model_pos irs, nxt, edge; /* edge: the right edge that was told */
  model_pos fin;            /* where the stream ends; 0: not known */
  model_pos up;             /* urgent data ends here; 0: none */
  model_pos read;           /* the application has taken what is before this */
  uint8_t shift;
};

struct model_timers { /* TCT_NEVER: off */
  tct_time rexmit, persist, time_wait, fin_wait_2;
  tct_time rto, srtt, rttvar;
  bool measured;            /* srtt holds */
  model_pos timed;          /* an ACK of this measures a round trip; 0: none under way */
  tct_time timed_at, since; /* since: what is first in the queue was first sent */
  unsigned tries, probes;
};

struct model_ts {
  bool on, offered;
  uint32_t recent;
  model_pos last_ack_sent;
};

/* What a TIME-WAIT was before a SYN opened anew: it comes back if that SYN was an old duplicate
 * [RFC9293 MAY-2]. */
struct model_parked {
  bool held;
  struct model_snd snd;
  struct model_rcv rcv;
  struct model_ts ts;
  tct_time until;
};

struct model {
  struct model_config cfg;
  tct_time now;
  tct_state state;
  bool listening;   /* a listener stands behind: CLOSED is LISTEN then */
  bool from_listen; /* [RFC9293 MUST-11] */
  bool deaf;        /* closed in both directions: what comes in is refused by RST */
  uint32_t next_iss;
  struct model_snd snd;
  struct model_rcv rcv;
  struct model_timers tmr;
  struct model_ts ts;
  struct model_parked parked;
  struct model_stream tx, rx; /* byte 0 has the number after the SYN's */
  unsigned news;
  struct model_segment *out; /* what leaves, in order; the caller takes it by model_send_clear */
  size_t n_out, cap_out;
};

/* One arriving segment, its numbers in our counting. */
struct model_arrival {
  const tct_seg *seg;
  const uint8_t *payload;
  model_pos seq, ack, raw; /* raw: SEG.SEQ as it came */
  int64_t len;             /* SYN and FIN count */
  int64_t wnd;             /* scaled */
  uint8_t flags;
};

/* ---- bytes.c ----------------------------------------------------------------------------------
 */

/* The number next to `near` whose low 32 bits are `wire`. */
model_pos model_bytes_near(model_pos near, uint32_t wire);
void model_bytes_put(struct model_stream *b, size_t at, const uint8_t *from, size_t n);
/* How many bytes are there without a gap, from the start on. */
size_t model_bytes_whole(const struct model_stream *b, size_t from);
void model_bytes_clear(struct model_stream *b);

/* ---- user.c: what an application does; negative TCT_E* if it may not ---------------------------
 */

void model_user_init(struct model *m, const struct model_config *c);
/* What belongs to one connection; the settings and the listener stay. */
void model_user_forget(struct model *m);
void model_user_deinit(struct model *m);
void model_user_listen(struct model *m);
void model_user_connect(struct model *m);
int model_user_send(struct model *m, const void *bytes, size_t n);
/* Bytes taken; 0: none now, or the end (MODEL_EOF). */
size_t model_user_receive(struct model *m, void *to, size_t n);
int model_user_close(struct model *m);      /* the RFC's CLOSE: no more from this side */
int model_user_close_both(struct model *m); /* nor will anything be read */
void model_user_abort(struct model *m);
/* The connection is no more; a listener behind it takes the next. */
void model_user_gone(struct model *m, unsigned news);

/* ---- arrive.c, accept.c ------------------------------------------------------------------------
 */

void model_arrive(struct model *m, const tct_seg *seg, const uint8_t *payload);
void model_accept(struct model *m, struct model_arrival *a);
void model_accept_rest(struct model *m, struct model_arrival *a); /* from the sixth step on */

/* ---- send.c ------------------------------------------------------------------------------------
 */

void model_send_syn(struct model *m);
void model_send_ack(struct model *m);
void model_send_rst(struct model *m, const struct model_arrival *a);
void model_send_abort(struct model *m);
/* All that the window lets go now; with `override`, small pieces too. */
void model_send_ready(struct model *m, bool override);
void model_send_again(struct model *m);
void model_send_probe(struct model *m);
/* Tells of a window that grew enough. */
void model_send_window(struct model *m);
void model_send_clear(struct model *m);
model_pos model_send_end(const struct model *m);   /* after the last byte written */
bool model_send_is_waiting(const struct model *m); /* bytes or a FIN that were never sent */

/* ---- timer.c -----------------------------------------------------------------------------------
 */

void model_timer_init(struct model *m);
tct_time model_timer_deadline(const struct model *m);
void model_timer_advance(struct model *m, tct_time now);
void model_timer_on_sent(struct model *m, model_pos end, bool again);
void model_timer_on_ack(struct model *m);
void model_timer_time_wait(struct model *m);

#endif
