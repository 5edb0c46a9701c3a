/* SPDX-License-Identifier: MIT */
/*
 * at.h - one stack, one interface and a scripted peer, brought to any state of a connection by an
 * exchange of segments (never by writing into the stack). The peer keeps its own numbers; what a
 * test sends is a difference from what the peer would say next, and what it pulls is checked for
 * sums and lengths and moves the peer's RCV.NXT.
 *
 *   struct at a;
 *   at_start(&a, (struct at_how){.state = TCT_ESTABLISHED});
 *   AT_IN(&a, .len = 100);
 *   const tct_seg *g = at_wait(&a, TCT_S(1));          pulls; timers fire on the way
 *   at_end(&a);                                         all memory came back
 */
#ifndef TEST_LIB_AT_H
#define TEST_LIB_AT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/calls.h"
#include "test/lib/failing_alloc.h"
#include "test/lib/seg.h"

#define AT_PEER_PORT 4000
#define AT_PORT 80 /* of the listener, and of whoever binds */
#define AT_PEER_ISN 100000u

struct at;
struct at_how {
  tct_state state;
  bool ipv6, passive;  /* passive: the peer opens; the way to SYN-RECEIVED is then a record */
  tct_profile profile; /* the zero value is LINUX; see strict */
  bool strict;
  bool ts, sack;                 /* offered by both */
  uint8_t wscale;                /* peer's shift + 1; 0: no window scale */
  uint16_t mss, window;          /* of the peer; 0: 1000 and 65535 */
  uint32_t mtu;                  /* 0: 1500 */
  void (*config)(tct_config *c); /* before the stack is made */
  void (*before)(struct at *a);  /* on the fresh socket (or the listener, before listen) */
};

struct at_peer {
  tct_addr addr;
  uint16_t port;
  uint32_t iss, snd_nxt, rcv_nxt, irs;
  uint16_t window; /* field of what it sends */
  uint16_t mss;
  uint32_t ts_recent;
  bool ts, sack;
  uint8_t wscale; /* + 1 */
};

struct at {
  struct failing_alloc mem;
  tct_stack *s;
  tct_if ifc;
  tct_time now;
  struct at_how how;
  tct_addr local;
  uint16_t lport;
  struct at_peer peer;
  tct_sock k, listener; /* the connection */
  uint8_t frame[SEG_PACKET_MAX];
  size_t frame_len;
  tct_seg got; /* what was pulled last, and why it was sent */
  const uint8_t *payload;
  uint16_t why;
  uint16_t verdict; /* of what went in last */
  uint32_t news;    /* of k, all that at_events pulled */
  int err;          /* of CLOSED or SOFT_ERROR */
  uint16_t closed_why;
  unsigned closed;           /* how often CLOSED came */
  uint32_t written, read_at; /* sequence numbers of the next octets to write and to read */
};

void at_start(struct at *a, struct at_how how);
/* False, and nothing is left behind, when memory is refused: for tests that fail allocations. */
bool at_try_start(struct at *a, struct at_how how);
void at_end(struct at *a);
void at_config(tct_config *c, struct failing_alloc *mem, bool strict);

/* ---- the peer speaks ------------------------------------------------------------------------- */

tct_verdict at_in(struct at *a, struct seg_diff d);
#define AT_IN(a, ...) at_in((a), (struct seg_diff){__VA_ARGS__})
/* As if it were a different end of the network: nothing of the peer's is used but its addresses. */
tct_verdict at_raw(struct at *a, const tct_seg *t, struct seg_diff d);
tct_verdict at_packet(struct at *a, const void *p, size_t len);
tct_seg at_template(const struct at *a);
/* An ICMP error from the peer's side that quotes what is in a->frame. kind: enum tct_icmp_kind. */
tct_verdict at_icmp(struct at *a, unsigned kind, uint32_t mtu);

/* ---- the stack speaks ------------------------------------------------------------------------ */

const tct_seg *at_out(struct at *a);  /* NULL: nothing to send now */
const tct_seg *at_lose(struct at *a); /* the same, but the peer never saw it */
/* Nothing is sent now. */
void at_quiet(struct at *a);
/* Pulls everything, and how many that was. */
unsigned at_drain(struct at *a);
/* The next segment, timers firing meanwhile; fails when none comes within max_ns. */
const tct_seg *at_wait(struct at *a, tct_time max_ns);
/* Nothing is sent for so long. */
void at_silent(struct at *a, tct_time ns);
/* Time passes and timers fire; what is sent is lost. */
void at_pass(struct at *a, tct_time ns);
/* Flags, and SEQ and ACK relative to the peer's RCV.NXT (before this segment) and SND.NXT. */
void at_is(const struct at *a, const tct_seg *g, uint8_t flags, int32_t ack, uint32_t len);

/* ---- the application ------------------------------------------------------------------------- */

uint32_t at_events(struct at *a); /* of k, since the last call; children of the listener are k */
long at_write(struct at *a, size_t len); /* octets by the stack's own sequence numbers */
/* Reads until nothing more comes, checks the octets; returns their number. */
long at_read(struct at *a, size_t max);
tct_state at_state(struct at *a);
tct_info at_info(struct at *a);
int64_t at_get(struct at *a, tct_opt o);
void at_set(struct at *a, tct_opt o, int64_t value);
struct tct_tcp *at_conn(struct at *a); /* to read */
const char *at_name(tct_state st);

#endif
