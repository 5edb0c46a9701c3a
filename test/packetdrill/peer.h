/* SPDX-License-Identifier: MIT */
/*
 * peer.h - the other end of the library's wire, as packetdrill plays it: segments written by hand
 * and taken apart again. For driver.c.
 */
#ifndef TEST_PACKETDRILL_PEER_H
#define TEST_PACKETDRILL_PEER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "packetdrill/interface.h"

enum { FIN = 1, SYN = 2, RST = 4, PSH = 8, ACK = 16 };
enum { LOCAL_PORT = 8080, PEER_PORT = 40000, PEER_ISN = 1000 };

struct segment {
  uint8_t flags;
  uint32_t seq, ack;
  uint16_t sport, dport, window;
  size_t len;
  uint8_t options[40];
  size_t n_options;
  long long at_us;
};

struct peer {
  struct packetdrill_interface *i;
  bool is_v6;
  uint16_t port, local_port;
  const uint8_t *more; /* options of a SYN behind its MSS, in whole words */
  size_t n_more;
  uint32_t snd_nxt, rcv_nxt; /* the peer's own numbers */
};

/* A segment of the peer's with len zero bytes, at its numbers. */
void peer_send(struct peer *p, uint8_t flags, size_t len);
/* The next one that leaves the stack; false: the library gave up. */
bool peer_receive(struct peer *p, struct segment *out);
long long peer_now(const struct peer *p);
/* Three segments, or two: the connection is open. */
void peer_connect(struct peer *p);

#endif
