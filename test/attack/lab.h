/* SPDX-License-Identifier: MIT */
/*
 * lab.h - one whole stack ("D", under attack) on a wire that belongs to the test ("P", the
 * attacker).
 *
 * For test/attack and the fuzz targets. P's packets are written byte by byte here, with a checksum
 * of its own, so that a mistake of the core cannot hide itself. Frames go in as heap copies of
 * exactly their size; each frame that D sends is taken apart and checked. Time is virtual.
 */
#ifndef TEST_ATTACK_LAB_H
#define TEST_ATTACK_LAB_H

#include "stack.h"
#include "tcp/calls.h"
#include "test/fuzz/fuzz.h"
#include "wire/icmp.h"
#include "wire/tcp.h"

#define LAB_FRAME_MAX 66000

struct lab {
  struct fuzz_mem mem;
  tct_stack *s;
  tct_if ifc;
  bool v6; /* the family that helpers use */
  tct_addr ours, theirs;
  tct_time now;
  uint64_t in, out;   /* frames so far */
  uint16_t port_next; /* of P */
};

/* What D sent, taken apart. */
struct lab_got {
  struct tct_ip_hdr ip;
  struct tct_tcp_hdr tcp; /* if ip.proto is TCP and it is no fragment */
  struct tct_icmp_hdr icmp;
  bool is_tcp, is_icmp;
  const uint8_t *data; /* payload of TCP */
  uint32_t len;
  uint16_t why;
  tct_time at;
  size_t n;
  uint8_t bytes[LAB_FRAME_MAX];
};

/* One connection as P sees it. */
struct lab_peer {
  tct_addr ours, theirs; /* D's, P's */
  uint16_t dport, sport; /* D's, P's */
  uint32_t seq, ack;     /* what P sends next, what it expects */
  uint32_t iss, irs;     /* P's, D's */
  uint32_t tsval, tsecr;
  uint16_t window;
  uint8_t hop_limit; /* 0: 60 */
  bool ts;           /* put timestamps on what is built */
  tct_sock sock;     /* D's end, {0,0} if none */
};

struct lab_seg {
  uint8_t flags, reserved; /* reserved: the four bits below the offset */
  uint32_t seq, ack;
  uint16_t window, urgent;
  const void *opt; /* raw, padded with zeros to a multiple of 4 */
  size_t opt_len;
  const void *data;
  size_t len;
  int doff;   /* 0: right; else this, -1 for 0 */
  bool no_ts; /* although the peer has agreed on them */
};

/* 10.0.0.1/24 and fd07::1/64 are D's, .2 and ::2 are P's. tweak may be NULL. */
void lab_init(struct lab *l, bool v6, void (*tweak)(tct_config *c));
/* All sockets aborted, an hour gone by: then nothing may be left, on the wire or in memory. */
void lab_finish(struct lab *l);

/* The packet for the segment; returns its length. */
size_t lab_build(const struct lab_peer *p, const struct lab_seg *g, uint8_t *frame);
size_t lab_build_ip(uint8_t *frame, const tct_addr *src, const tct_addr *dst, uint8_t proto,
                    const void *payload, size_t n);
uint16_t lab_sum(const tct_addr *src, const tct_addr *dst, uint8_t proto, const uint8_t *p,
                 size_t n);
uint16_t lab_sum16(const uint8_t *p, size_t n);
/* ICMP error about the packet. */
size_t lab_build_error(uint8_t *frame, const tct_addr *src, const tct_addr *dst,
                       const uint8_t type_code_rest[6], const void *quote, size_t n);

tct_verdict lab_in(struct lab *l, const void *frame, size_t n);
tct_verdict lab_send(struct lab *l, const struct lab_peer *p, const struct lab_seg *g);
/* The next frame of D, checked; false: none now. */
bool lab_out(struct lab *l, struct lab_got *g);
/* How many there were, thrown away. */
unsigned lab_drain(struct lab *l);
/* Time passes: due timers fire, nothing is pulled. */
void lab_wait(struct lab *l, tct_time ns);
/* Time passes up to the next frame that D sends, or until the time is over: then false. */
bool lab_next(struct lab *l, tct_time ns, struct lab_got *g);
void lab_check(const struct lab *l);

/* ---- Ready-made connections -------------------------------------------------------------------
 */

tct_sock lab_listen(struct lab *l, uint16_t port);
void lab_peer_init(struct lab *l, struct lab_peer *p, uint16_t dport);
/* P opens to a listener of D's; opt are the raw options of the SYN. The child is not accepted. */
void lab_open(struct lab *l, struct lab_peer *p, uint16_t dport, const void *opt, size_t opt_len);
/* ... with MSS 1460 and, if ts, timestamps, SACK and a window scale; accepted from listener k. */
void lab_establish(struct lab *l, struct lab_peer *p, tct_sock k, uint16_t dport, bool ts);
/* D opens: up to its SYN, which is in g. */
void lab_connect(struct lab *l, struct lab_peer *p, struct lab_got *g);
/* In order, ACK and PSH set; p->seq moves on. */
tct_verdict lab_data(struct lab *l, struct lab_peer *p, const void *data, size_t n);
/* P acknowledges all that it has got. */
tct_verdict lab_ack(struct lab *l, struct lab_peer *p);
/* P takes note of what D sent: p->ack goes on if it is in order. */
void lab_note(struct lab_peer *p, const struct lab_got *g);
long lab_read(struct lab *l, tct_sock k, void *buf, size_t n);
/* All events that wait for this socket, OR-ed; those of others are lost. err and why may be NULL.
 */
uint32_t lab_events(struct lab *l, tct_sock k, int *err, uint16_t *why);

#endif
