/* SPDX-License-Identifier: MIT */
/*
 * row.h - one row of a conversation, and the connection it belongs to.
 *
 * conv.c makes rows out of trace events, stage.c folds them and adds the rules between them, the
 * renderers (ladder, plain, json, svg) draw them and change nothing.
 */
#ifndef TCT_SHOW_ROW_H
#define TCT_SHOW_ROW_H

#include "cli/show/show.h"

enum show_kind {
  SHOW_SEG,
  SHOW_STATE, /* a state changed without a segment: timer, close() */
  SHOW_NOTE,  /* text: a remark of the program */
  SHOW_TIMER, /* a timer fired */
  SHOW_DROP,  /* a packet that never became a segment */
  SHOW_CC,    /* congestion window */
  SHOW_AGAIN, /* a second copy of an earlier frame arrives */
  /* Added by stage.c for drawings: */
  SHOW_SECTION, /* text: OPEN, DATA, CLOSE */
  SHOW_GAP,     /* time passes */
  SHOW_CONN,    /* from here on another connection */
  SHOW_OPENED   /* text: the handshake in one line */
};

enum { SHOW_PATH_MAX = 4, SHOW_TEXT_MAX = 208 };
enum { SHOW_TCP = 6, SHOW_UDP = 17, SHOW_ICMP = 1, SHOW_OTHER = 255 };

/* States in the order they were taken: n 0 is "no change", else at least 2. */
struct show_path {
  uint8_t n, state[SHOW_PATH_MAX];
  bool inferred;
  uint16_t why;
};

struct show_conn;

struct show_row {
  uint8_t kind, from; /* the end that sends, or where it happened */
  uint8_t proto, fate, copies;
  bool traced_out; /* the sender's own trace told of it */
  bool has_link, has_arrived, is_rexmit, is_injected;
  uint8_t cross; /* 1: drawn together with the next row, which it meets on the way; 2: that */
  struct show_conn *conn; /* NULL: of no connection */
  uint32_t frame_first, frame_last;
  tct_time at, arrived_at;
  tct_seg seg;
  uint32_t arrived_bytes;
  uint32_t seq_rel, ack_rel;
  uint16_t why, verdict;
  struct show_path depart; /* at the sender's end, by sending */
  struct show_path arrive; /* at the other end, by its arrival */
  struct show_path late;   /* at the sender's end, by the arrival of the row it crossed */
  bool opened, established[2], ends_by_rst; /* the connection as of this row */
  uint8_t state[2];                         /* after this row */
  bool state_known[2];
  uint32_t acks_first, acks_last; /* frames that this ACK newly covers; 0: none */
  tct_time rtt_ns;                /* 0: unknown */
  uint32_t segs;                  /* folded: how many segments; else 1 */
  uint32_t fold_bytes;
  tct_time until;                 /* folded: when the last of them was sent */
  uint8_t fold;                   /* enum show_fold */
  uint32_t value, value2, value3; /* TIMER, CC */
  char text[SHOW_TEXT_MAX];
};

enum show_fold {
  SHOW_FOLD_NONE,
  SHOW_FOLD_DATA,
  SHOW_FOLD_ACKS,
  SHOW_FOLD_DUPACKS,
  SHOW_FOLD_SYNS
};

/* Data on its way, so that an ACK can say which frames it covers. */
struct show_flight {
  uint32_t end, frame;
  tct_time at;
  bool resent;
};
enum { SHOW_FLIGHT_MIN = 16, SHOW_FLIGHT_MAX = 2048 };

/* What a state change waits for: the segment that caused it. */
struct show_pending {
  struct show_path path;
  tct_time at;
};

struct show_conn {
  uint32_t number; /* from 1 */
  tct_addr addr[2];
  uint16_t port[2];
  uint32_t isn[2], next[2]; /* next: end of what was sent */
  uint32_t fin_end[2];      /* number after the FIN */
  bool has_isn[2], has_next[2], has_fin[2];
  uint8_t syn_flags[2];       /* of the last SYN */
  uint8_t state[2], drawn[2]; /* as events came; as rows were handed out */
  bool known[2], drawn_known[2];
  int opener;                /* -1: not seen */
  bool is_foreign;           /* its SYN came from an end without a trace */
  uint8_t section;           /* OPEN, DATA, CLOSE so far: stage.c alone */
  bool told_open, told_conn; /* the same */
  struct show_pending pending[2];
  uint64_t last_in[2], last_out[2]; /* row ids + 1; 0: none */
  struct show_flight *flight[2];    /* flight_n of flight_cap */
  uint32_t flight_n[2], flight_cap[2];
  struct show_conn *next_in_bucket;
  uint64_t used; /* when it was last looked up, by count */
  /* For sections and the closing sentence; written by tally.c alone. */
  struct show_tally {
    tct_time first_at, syn_at, open_at, last_at;
    uint32_t segs[2], lost, resent, syns[2], syn_acks;
    uint32_t data_end[2]; /* relative */
    bool any, has_syn, established[2], opened, both_syn, cookie;
    bool fin[2], fin_acked[2], rst, rst_in_open;
    int first_fin, rst_from; /* -1: none */
    uint32_t rst_frame;
    uint16_t closed_why[2], syn_verdict; /* of the last SYN that arrived */
  } tally;
};

/* The end that is called the client: the one that opened. */
static inline int show_client_end(const struct show_conn *c) {
  return c != NULL && c->opener == SHOW_RIGHT ? SHOW_RIGHT : SHOW_LEFT;
}

static inline uint8_t show_path_last(const struct show_path *p) {
  return p->state[p->n - 1];
}

/* Adds a step; a path that is full keeps its ends and loses its middle. */
static inline void show_path_add(struct show_path *p, uint8_t from, uint8_t to) {
  if (p->n == 0)
    p->state[p->n++] = from;
  if (p->n == SHOW_PATH_MAX)
    p->n--;
  p->state[p->n++] = to;
}

/* Everything that draws is one of these. */
struct show_renderer {
  void (*row)(void *ctx, const struct show_row *r);
  void *ctx;
};

#endif
