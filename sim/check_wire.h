/* SPDX-License-Identifier: MIT */
/*
 * check_wire.h - the shadow of one end of one connection: what it has sent and heard, by nobody's
 * word but the wire's and the verdicts on what came. check_wire.c keeps it, check_conn.c reads it,
 * check_sack.c keeps what the peer says it holds.
 */
#ifndef SIM_CHECK_WIRE_H
#define SIM_CHECK_WIRE_H

#include "sim/check.h"
#include "util/seq.h"

#define SIM_SACK_MAX 64
struct sim_sack { /* sorted, apart; what does not fit is forgotten */
  uint32_t n;
  struct {
    tct_seq begin, end;
  } at[SIM_SACK_MAX];
};
void sim_sack_add(struct sim_sack *s, tct_seq begin, tct_seq end);
void sim_sack_drop_below(struct sim_sack *s, tct_seq una);
/* Is all of it held by the peer? */
bool sim_sack_holds(const struct sim_sack *s, tct_seq begin, tct_seq end);

struct sim_wire {
  tct_addr local, remote;
  uint16_t lport, rport;
  uint32_t boot; /* of the host, when this began */
  tct_sock sock; /* {0,0}: not known yet */
  /* the newest SYN that came */
  bool syn_heard, syn_ts;
  uint8_t syn_wscale;
  uint32_t syn_seq, syn_len, syn_window, syns, syn_acks, cookies;
  /* what this end has said */
  bool reborn;    /* the next SYN begins another life, whatever its number */
  bool by_cookie; /* what comes next does, by an ACK with a cookie: told before the segment */
  bool syn_sent, acked, fin_sent, passive, agreed; /* agreed: both SYNs are known */
  bool ts_out, ts, scaled;
  uint8_t wscale_out, wscale_in;
  tct_seq isn, nxt, ack, edge;
  /* what it was told */
  bool heard, any_in; /* any_in: rcv_max holds */
  tct_seq una, limit, rcv_max;
  struct sim_sack *sack;
  uint64_t refused; /* allocations in the whole world, when this life began */
  /* replies */
  uint32_t credit;  /* pure ACKs and RSTs that something has paid for */
  uint32_t resets;  /* RSTs that a segment without RST has paid for */
  uint32_t ack_row; /* pure ACKs since anything else happened, none much later than the other */
  tct_time ack_row_at;
  uint32_t quiet_in;
  uint32_t challenges; /* in the second challenge_s of the stack's clock */
  uint64_t challenge_s;
  /* for differential runs */
  uint64_t digest, ack_digest, acks;
  /* since the last step: check_conn.c clears them */
  uint32_t sent_bytes, new_bytes; /* new: never sent before */
  uint32_t forced_bytes;          /* window or congestion window were not asked */
  /* Karn: the newest stretch that went more than once */
  tct_seq again_from, again_to;
  tct_seq una_before; /* at the last step */
  bool sack_news;     /* something was SACKed since the last step */
  /* since the last step, too: for check_window.c */
  uint32_t n_heard;   /* segments that came */
  bool old_heard;     /* the last one was older than another that was taken */
  bool probed, spoke; /* it asked after a shut window; it sent something with a number */
  bool top_known;     /* top holds */
  tct_seq top;        /* the highest number of a segment whose ACK was taken */
  bool holds;         /* it has SACKed something beyond its ACK, up to sack_out */
  tct_seq sack_out;
  bool reopens, ts_known; /* out of TIME-WAIT; ts_floor holds */
  bool reset;             /* the segment that is told next has ended it */
  uint32_t ts_floor;      /* the newest timestamp of what was taken in order */
  struct {                /* of the life in TIME-WAIT that a SYN wants to replace */
    bool ts, ts_known;
    tct_seq rcv_max;
    uint32_t ts_floor;
  } slept;
};

#endif
