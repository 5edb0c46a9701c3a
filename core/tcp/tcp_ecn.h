/* SPDX-License-Identifier: MIT */
/*
 * tcp_ecn.h - what the two files about congestion marks share: tcp_ecn (which kind was agreed, RFC
 * 3168's own) and tcp_accecn (RFC 9768's counters). The others know calls.h only.
 */
#ifndef TCT_TCP_TCP_ECN_H
#define TCT_TCP_TCP_ECN_H

#include "tcp/calls.h"

enum { TCT_IP_NOT_ECT, TCT_IP_ECT1, TCT_IP_ECT0, TCT_IP_CE, TCT_IP_ECN_MASK = 3 };

static inline bool tct_ecn_is_classic(const struct tct_tcp *c) {
  return (c->rcv.ecn & TCT_ECNF_CLASSIC) != 0;
}

static inline bool tct_ecn_is_accurate(const struct tct_tcp *c) {
  return (c->rcv.ecn & TCT_ECNF_ACCURATE) != 0;
}

static inline void tct_ecn_put(struct tct_tcp *c, unsigned bit, bool on) {
  c->rcv.ecn = (uint16_t)(on ? c->rcv.ecn | bit : c->rcv.ecn & ~bit);
}

static inline void tct_ecn_set_syn_field(struct tct_tcp *c, unsigned field) {
  unsigned rest = c->rcv.ecn & (unsigned)~TCT_ECNF_SYN_FIELD;
  c->rcv.ecn = (uint16_t)(rest | field << TCT_ECNF_SYN_SHIFT);
}

static inline unsigned tct_ecn_syn_field(const struct tct_tcp *c) {
  return (unsigned)(c->rcv.ecn >> TCT_ECNF_SYN_SHIFT) & TCT_IP_ECN_MASK;
}

/* ---- tcp_accecn.c ---------------------------------------------------------------------------- */
/* How the IP field of a SYN, or SYN,ACK, is told in the three bits (tables 2 and 3). */
unsigned tct_tcp_accecn_code(unsigned field);
/* From here on counters; false: no memory for them, so no ECN. field: of the peer's SYN. */
bool tct_tcp_accecn_start(tct_stack *s, struct tct_tcp *c, unsigned field);
void tct_tcp_accecn_on_syn_ack(struct tct_tcp *c, const struct tct_tcp_hdr *h);
void tct_tcp_accecn_on_third_ack(struct tct_tcp *c, unsigned ace);
void tct_tcp_accecn_on_segment(struct tct_tcp *c, const struct tct_pkt *p, uint32_t text_len);
void tct_tcp_accecn_on_ack(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a);
void tct_tcp_accecn_on_sent(struct tct_tcp *c, bool bare);
unsigned tct_tcp_accecn_ace(const struct tct_tcp *c, bool bare);

#endif
