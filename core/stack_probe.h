/* SPDX-License-Identifier: MIT */
/*
 * stack_probe.h - what a checker may read of a stack's inside, without changing anything (but what
 * changes no frame, by its last function). Included by sim/ and by tests; not public. Cheap enough
 * to be asked after every packet.
 */
#ifndef TCT_STACK_PROBE_H
#define TCT_STACK_PROBE_H

#include "tercet/tercet.h"

struct tct_probe_conn {
  tct_addr laddr, raddr;
  uint16_t lport, rport;
  uint8_t state;    /* tct_state */
  uint8_t timer;    /* tct_timer, the main one */
  uint8_t tries;    /* its expiries in a row */
  uint8_t backoff;  /* doublings in force */
  bool ready;       /* will be asked for output */
  bool in_wheel;    /* its timer node is armed */
  bool opening;     /* our SYN is not acknowledged */
  bool connected;   /* was ESTABLISHED once */
  bool closed;      /* the application has closed it */
  bool done;        /* the protocol is through */
  bool accepting;   /* in a listener's queue */
  uint32_t news;    /* TCT_EV_* that wait to be pulled */
  bool news_queued; /* and will be */
  uint32_t iss, irs, una, nxt, rcv_nxt, rcv_edge;
  uint32_t snd_wnd, wnd_max;
  uint32_t rcv_limit, rcv_free, rcv_mss; /* the buffer, what can be told to be free, segments */
  uint32_t cwnd, ssthresh, mss, pipe, flight;
  uint32_t pipe_segs;
  bool sack;                           /* agreed */
  uint32_t sacked, lost, resent, sent; /* bytes, of what was sent and is not acknowledged */
  uint32_t hopeful_segs;               /* neither SACKed nor lost */
  uint64_t
      recuts; /* of the whole stack: cuts taken back and retransmissions lost. Each may cut again */
  uint64_t tlp_cuts; /* of the whole stack: losses that a tail loss probe had repaired */
  uint32_t segs;     /* that are sent and not acknowledged */
  uint32_t dupacks;  /* that stand for segments where there is no SACK */
  uint32_t srtt_us8, rttvar_us4;
  uint32_t unread, unsent;
  tct_time main_at, wheel_at, next_at;
  tct_time rto_ns; /* with backoff */
  bool pace_held;  /* data waits for its turn, with a timer */
};
/* False: no such TCP socket. */
bool tct_stack_probe_conn(const tct_stack *s, tct_sock k, struct tct_probe_conn *p);

/* Its tct_state alone; -1: no such TCP socket. */
int tct_stack_probe_state(const tct_stack *s, tct_sock k);

/* How much may be written, and how much if all were acknowledged. False: no such connection. */
bool tct_stack_probe_room(const tct_stack *s, tct_sock k, uint32_t *room, uint32_t *limit);

struct tct_probe_stack {
  uint32_t conns;       /* live */
  uint32_t conns_armed; /* of them, with a timer in the wheel */
  uint32_t wheel_nodes; /* in the wheel altogether */
  uint32_t actives, extras;
  uint32_t half_open, time_wait, tuples, bound, listeners;
  uint64_t buffer_bytes, memory_bytes, reasm_bytes, reply_bytes;
  uint32_t reasm_overlaps; /* fragments that lie over others: none */
};
/* Walks everything: for sweeps. */
void tct_stack_probe(const tct_stack *s, struct tct_probe_stack *p);

/* Over all that a refused frame must leave alone: one socket's blocks (k {0,0}: none) and what the
 * stack's layers hold; counters and clock left out. Differs between runs of a program: it knows
 * addresses. */
uint64_t tct_stack_probe_hash(const tct_stack *s, tct_sock k);

/* What the path to dst may carry now, as the stack believes. */
uint32_t tct_stack_probe_pmtu(tct_stack *s, tct_addr dst);

/* List steps taken so far by this thread, in all stacks; 0 for ever unless TCT_CHECK. */
uint64_t tct_stack_probe_steps(void);

/* From now on quiet blocks are kept for so long, however many; 0: for no time, and one goes when
 * another is wanted; TCT_NEVER: for ever. */
void tct_stack_probe_keep(tct_stack *s, tct_time quiet_ns);

#endif
