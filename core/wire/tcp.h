/* SPDX-License-Identifier: MIT */
/*
 * tcp.h - the TCP header. Called by tcp_input's front and by tcp_output; leaves every judgement of
 * what a segment means to them. RFC 9293 section 3.1.
 */
#ifndef TCT_WIRE_TCP_H
#define TCT_WIRE_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "wire/ip.h"
#include "wire/tcp_opt.h"

enum { TCT_TCP_HEADER_LEN = 20, TCT_TCP_HEADER_MAX = 60, TCT_TCP_CHECKSUM_AT = 16 };

struct tct_tcp_hdr {
  uint16_t sport, dport;
  uint32_t seq, ack;
  uint8_t flags;    /* TCT_FIN ... TCT_CWR, as on the wire */
  bool ae;          /* accurate ECN's bit, the lowest of the once reserved four */
  uint8_t reserved; /* the other three, never acted upon [RFC9293 EP-52]; sent as 0 */
  uint16_t window;  /* unscaled */
  uint16_t urgent;
  uint8_t header_len; /* parse only: 20..60 */
  struct tct_tcp_opts opt;
};

/* AE, CWR and ECE as one number: accurate ECN's ACE field, RFC 9768 3.2.2. */
static inline unsigned tct_wire_tcp_ace(const struct tct_tcp_hdr *h) {
  return (h->ae ? 4u : 0u) | ((h->flags & TCT_CWR) != 0 ? 2u : 0u) |
         ((h->flags & TCT_ECE) != 0 ? 1u : 0u);
}
static inline void tct_wire_tcp_set_ace(struct tct_tcp_hdr *h, unsigned ace) {
  h->ae = (ace & 4u) != 0;
  h->flags = (uint8_t)((h->flags & ~(TCT_CWR | TCT_ECE)) | ((ace & 2u) != 0 ? TCT_CWR : 0) |
                       ((ace & 1u) != 0 ? TCT_ECE : 0));
}

/* p[0..len) is the readable part of the segment, which holds all of its header. The payload is
 * what follows header_len. TCP_SHORT, TCP_OFFSET or ACCEPTED. */
tct_verdict tct_wire_tcp_parse(const uint8_t *p, size_t len, struct tct_tcp_hdr *out);
/* False: drop without any reaction. Not asked when the device has verified it. */
bool tct_wire_tcp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                              size_t len);
/* The same for a frame in pieces, from the packet's IP header on, that ip describes; fast: for long
 * pieces, or NULL. */
bool tct_wire_tcp_checksum_ok_flat(const struct tct_ip_hdr *ip, const uint8_t *p, uint32_t len,
                                   tct_sum_fn fast);
bool tct_wire_tcp_checksum_ok_iov(const struct tct_ip_hdr *ip, const tct_iov *iov, size_t n,
                                  tct_sum_fn fast);

/* Header and options, 20..60 bytes; p has room for 60. The checksum is zero until finished. */
size_t tct_wire_tcp_emit(uint8_t *p, const struct tct_tcp_hdr *h, enum tct_tcp_opt_layout layout);
/* Sets the checksum over the emitted header and n payload pieces [RFC9293 MUST-2]. */
void tct_wire_tcp_finish(uint8_t *p, const tct_addr *src, const tct_addr *dst, const tct_iov *iov,
                         size_t n);
struct tct_wire_payload {
  const tct_iov *iov;
  size_t n;
  tct_sum_fn fast; /* for long pieces, or NULL */
};
void tct_wire_tcp_finish_with(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                              const struct tct_wire_payload *payload);
/* For a device that finishes it: sets the field to the pseudo-header's sum. */
void tct_wire_tcp_finish_partial(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                                 uint32_t payload_len);

#endif
