/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc.h - what a congestion-control algorithm is [RFC9293 MAY-18]: told what ACKs meant, it sets
 * c->cc. Included by tcp_cc.c and the algorithms alone. An algorithm never sends, marks or times
 * anything. RFC 5681, RFC 9743.
 */
#ifndef TCT_TCP_TCP_CC_H
#define TCT_TCP_TCP_CC_H

#include "tcp/tcp.h"

#define TCT_CWND_MAX (1u << 30)

struct tct_tcp_cc_ops {
  const char *name;
  void (*on_ack)(tct_stack *s, struct tct_tcp *c,
                 const struct tct_tcp_ack *ack);                     /* outside recovery */
  void (*on_loss)(tct_stack *s, struct tct_tcp *c, uint32_t flight); /* once a window */
  void (*on_rto)(tct_stack *s, struct tct_tcp *c, uint32_t flight);  /* first expiry of a series */
  void (*on_recovered)(tct_stack *s, struct tct_tcp *c, uint32_t flight);
};

const struct tct_tcp_cc_ops *tct_tcp_cc_reno(void);

#endif
