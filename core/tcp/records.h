/* SPDX-License-Identifier: MIT */
/*
 * records.h - what stands for a connection before and after it is one: the listener, the half-open
 * record, the TIME-WAIT record. Part of tcp.h, which includes it; each is written by the file named
 * beside it.
 */
#ifndef TCT_TCP_RECORDS_H
#define TCT_TCP_RECORDS_H

#include "tcp/tcp.h"

/* ---- listener, half-open, TIME-WAIT: tcp_listen.c and tcp_timewait.c --------------------------
 */

#define TCT_FASTOPEN_RESET_S 60u
struct tct_fastopen_queue {                /* tcp_fastopen.c */
  uint32_t pending_n;                      /* children whose SYN,ACK is not acknowledged */
  uint32_t reset_n;                        /* what RSTs of the last minute still hold */
  uint32_t at_s;                           /* the second that reset_of was brought up to */
  uint16_t reset_of[TCT_FASTOPEN_RESET_S]; /* by second */
};
struct tct_listener {
  struct tct_fastopen_queue fastopen;
  struct tct_list accept; /* children, by struct tct_tcp.event */
  uint32_t accept_n, backlog;
  uint32_t half_open_n; /* records of ours that were answered */
  uint32_t held_n;      /* and those that wait for the application's word */
  uint32_t cookie_s;    /* second of the last cookie sent; bare ACKs count as cookies near it */
  bool cookie_any;
  tct_syn *asked; /* ring: HELD ones that the application was not told of yet; tcp_ask.c */
  uint32_t asked_cap, asked_head, asked_n;
};

enum { /* half_open.opts: window scale as offered in the low nibble, 15: none; what both agreed on
        */
       TCT_HALF_WSCALE = 15,
       TCT_HALF_TS = 16,
       TCT_HALF_SACK = 32,
       TCT_HALF_ECN = 64
};
enum { /* half_open.life */
       TCT_HALF_RETRIES = 15,
       TCT_HALF_PHASE = 48, /* the four below */
       TCT_HALF_FREE = 0,
       TCT_HALF_ANSWERING = 16,
       TCT_HALF_HELD = 32,
       TCT_HALF_DEFERRED = 48,
       TCT_HALF_DEFER_OVER = 64, /* waited long enough for data: the next bare ACK will do */
       TCT_HALF_REOPENS =
           128 /* a TIME-WAIT record stands behind and comes back if this leads to nothing */
};

/* 64 bytes to the byte, IPv6 included. */
struct tct_half_open {
  struct tct_tuple key;
  tct_seq irs, iss;
  uint32_t tsval;    /* peer's, to echo */
  uint16_t mss;      /* as the peer's option says, 0: none */
  uint8_t ifi, gen8; /* gen8: tells this life from an earlier one in tct_syn handles */
  uint32_t listener; /* index of its conn */
  uint16_t due_10ms; /* wrapped: when the SYN,ACK goes again or the record ends ... */
  uint16_t sent_ms;  /* wrapped: first SYN,ACK, for the RTT sample */
  uint8_t opts;      /* TCT_HALF_* */
  uint8_t life;
  uint8_t
      fine; /* ... and its milliseconds 0..9 (4 bits); second mod 4, answers given in it (2, 2) */
  uint8_t timed : 1;          /* sent_ms is there: no record of a cookie */
  uint8_t accecn : 1;         /* TCT_HALF_ECN means RFC 9768's */
  uint8_t syn_ecn : 2;        /* IP's two bits of the SYN */
  uint8_t repeated : 1;       /* the SYN came again ... */
  uint8_t repeated_plain : 1; /* ... and no longer asked */
};
_Static_assert(sizeof(struct tct_half_open) == 64, "half-open: one cache line");

enum { TCT_TW_TS = 1, TCT_TW_PARKED = 2, TCT_TW_DEAD = 4 }; /* time_wait.flags */
struct tct_time_wait {
  struct tct_tuple key;
  tct_seq snd_nxt, rcv_nxt;
  uint32_t ts_recent;
  uint16_t window; /* field of the last ACK */
  uint8_t ifi, wscale;
  uint16_t expiry_100ms; /* wrapped */
  uint16_t last_ack;     /* stamp of the last ACK sent, 100 ms: limits answers */
  uint8_t flags;         /* TCT_TW_* */
  uint8_t tclass, hop_limit, spare;
  uint32_t next; /* in its tick's list; the slab's freelist */
};
_Static_assert(sizeof(struct tct_time_wait) == 64, "TIME-WAIT: one cache line");

#endif
