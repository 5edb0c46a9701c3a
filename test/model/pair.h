/* SPDX-License-Identifier: MIT */
/*
 * pair.h - the stack and the model side by side: one event is given to both, and what each did of
 * it is compared. Called by differential.c; the events are drawn and written down by events.c.
 */
#ifndef TEST_MODEL_PAIR_H
#define TEST_MODEL_PAIR_H

#include "model/model.h"

enum event_kind {
  EVENT_SEGMENT,
  EVENT_CONNECT,
  EVENT_LISTEN,
  EVENT_WRITE,
  EVENT_SHUT,  /* the RFC's CLOSE */
  EVENT_CLOSE, /* of both directions */
  EVENT_ABORT,
  EVENT_READ_NOT, /* from now on what arrives stays unread */
  EVENT_READ,
  EVENT_PASS /* 250 s: all that times out has timed out */
};

enum anchor { /* what a segment's numbers are counted from, as both ends have it then */
              FROM_RCV_NXT,
              FROM_EDGE,
              FROM_IRS,
              FROM_SND_UNA,
              FROM_SND_NXT,
              FROM_ISS,
              FROM_PEER_ISN
};

enum { STAMP_NEW, STAMP_NONE, STAMP_OLD }; /* of a segment, where timestamps are in use */

struct event {
  uint8_t kind, flags, seq_from, ack_from, stamp;
  int32_t seq, ack; /* added to the anchor */
  uint32_t len;     /* bytes of text, or written */
  uint16_t window, urgent, mss;
};

struct sequence {
  bool ipv6, timestamps;
  uint32_t peer_isn, iss;
  uint32_t rcv_buffer;
  unsigned n;
  struct event at[40];
};

/* What one end did of one event. */
struct answer {
  bool ack, rst, rst_has_ack, syn, fin, data, again, wrong_bytes;
  bool data_joins; /* new bytes came in a segment that began with old ones */
  uint32_t acked, rst_seq, rst_ack, syn_seq, fin_seq, data_from, data_to, window, acked_again;
  uint32_t una; /* 0: not known */
  tct_state state;
  uint64_t got; /* bytes the application has read of this connection */
  uint64_t got_hash;
  bool eof, urgent;
  int err; /* how it ended: 0 or TCT_E* */
};

struct difference {
  unsigned event;   /* which one; == sequence.n: none */
  const char *what; /* the first thing that differs */
  struct answer core, model;
  tct_state before; /* the state it happened in */
};

enum { ALLOWED_MAX = 24 };
struct tally {
  uint64_t sequences, events, segments, stopped;
  uint64_t allowed[ALLOWED_MAX];
  uint64_t cells[TCT_STATE_COUNT][64]; /* state x control bits that were tried */
};

struct pair { /* of pair.c; judge.c reads it and moves m.rcv.edge */
  const struct sequence *s;
  struct model m;
  tct_stack *stack;
  tct_if ifc;
  tct_sock k, listener;
  bool has_k, has_listener, reading;
  tct_time now;
  tct_addr local, remote;
  uint32_t core_iss, core_nxt, model_nxt; /* as the wire has shown them */
  uint32_t seq, ack;                      /* of the segment given last */
  uint16_t verdict;                       /* of the stack, on that segment */
  bool app_gone;                          /* closed or aborted: it reads no more */
  struct answer core, model;
  uint8_t buf[70000];
};

static inline bool pair_is_before(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) < 0;
}

/* True: both did the same, or what differs is in the table of what may. */
bool pair_run(const struct sequence *s, struct tally *t, struct difference *d);

#endif
