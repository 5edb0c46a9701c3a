/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc.h - what a congestion-control algorithm is [RFC9293 MAY-18]: told what ACKs meant, it sets
 * c->cc. Included by tcp_cc.c and the algorithms alone. An algorithm never sends, marks or times
 * anything. Windows are bytes, but whole segments of tct_tcp_send_mss in the LINUX profile, which
 * counts packets. RFC 5681, RFC 9743.
 */
#ifndef TCT_TCP_TCP_CC_H
#define TCT_TCP_TCP_CC_H

#include "tcp/calls.h"

#define TCT_CWND_MAX (1u << 30)
#define TCT_SSTHRESH_NONE 0x7fffffffu /* not known yet; Linux's TCP_INFINITE_SSTHRESH */

/* `state` is the algorithm's own record, state_bytes of it, zeroed at first; NULL if it has none or
 * there is no memory for it, and then an algorithm behaves as NewReno. */
struct tct_cc_ops {
  tct_cc id;
  uint16_t state_bytes;
  bool owns_cwnd;  /* no proportional rate reduction, no restart after idle: it knows better */
  bool wants_pace; /* paced whatever the configuration says */
  void (*init)(tct_stack *s, struct tct_tcp *c, void *state);
  /* each ACK, before the window grows; also those that acknowledge nothing */
  void (*on_news)(tct_stack *s, struct tct_tcp *c, void *state, const struct tct_tcp_ack *ack);
  /* growth: outside recovery, and only when the window was the limit; or each ACK if owns_cwnd */
  void (*on_ack)(tct_stack *s, struct tct_tcp *c, void *state, const struct tct_tcp_ack *ack);
  /* once a window of data when there was loss (or a mark): bytes */
  uint32_t (*ssthresh)(tct_stack *s, struct tct_tcp *c, void *state, uint32_t flight);
  void (*on_rto)(tct_stack *s, struct tct_tcp *c, void *state);
  /* the first data after a time with nothing outstanding */
  void (*on_start)(tct_stack *s, struct tct_tcp *c, void *state);
  uint32_t (*undo)(tct_stack *s, struct tct_tcp *c, void *state, uint32_t prior_cwnd); /* cwnd */
};

const struct tct_cc_ops *tct_tcp_cc_reno(void);
/* The default, read in place; hidden, or a shared library would find it through a table. */
extern const struct tct_cc_ops tct_tcp_cc_cubic_ops __attribute__((visibility("hidden")));
const struct tct_cc_ops *tct_tcp_cc_bbr(void);
const struct tct_cc_ops *tct_tcp_cc_dctcp(void);

/* ---- tcp_cc.c, for the algorithms ------------------------------------------------------------ */
bool tct_tcp_cc_is_marked(const struct tct_tcp *c); /* the cut under way is for a mark */
static inline bool tct_tcp_cc_in_slow_start(const struct tct_tcp *c) {
  return c->cc.cwnd < c->cc.ssthresh;
}
/* Slow start by `segs`; returns those that are left over once ssthresh is reached. */
uint32_t tct_tcp_cc_slow_start(const tct_stack *s, struct tct_tcp *c, uint32_t segs);
/* Congestion avoidance: one segment more for each `every` acknowledged. */
void tct_tcp_cc_avoid(const tct_stack *s, struct tct_tcp *c, uint32_t every, uint32_t segs);
uint32_t tct_tcp_cc_reno_half(const tct_stack *s, const struct tct_tcp *c, uint32_t flight);
void tct_tcp_cc_reno_grow(tct_stack *s, struct tct_tcp *c, void *state,
                          const struct tct_tcp_ack *ack);

/* ---- tcp_cc_hystart.c: when slow start has gone far enough ----------------------------------- */
struct tct_hystart {
  tct_time round_at, last_at; /* the round's start, the last ACK of the train */
  tct_seq end;                /* snd.nxt when the round began */
  uint32_t round_rtt_us;      /* least in this round; UINT32_MAX: none */
  uint32_t before_us;         /* RFC 9406: least in the round before; in CSS, when it began */
  uint8_t samples;
  uint8_t css_rounds; /* RFC 9406: rounds of conservative slow start left; 0: none runs */
  bool found;
};
void tct_tcp_cc_hystart_init(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h);
/* Linux's: delay and ACK train. True: leave slow start now. */
bool tct_tcp_cc_hystart_classic(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h,
                                uint32_t rtt_us, uint32_t least_us);
/* HyStart++: true: leave slow start now; while h->css_rounds is not 0, grow a quarter. */
bool tct_tcp_cc_hystart_plus(const tct_stack *s, const struct tct_tcp *c, struct tct_hystart *h,
                             uint32_t rtt_us);

#endif
