/* SPDX-License-Identifier: MIT */
/*
 * udp.h - the UDP header. Called by udp/udp.c, which finds the socket. RFC 768, RFC 1122 section
 * 4.1, RFC 8200 section 8.1.
 */
#ifndef TCT_WIRE_UDP_H
#define TCT_WIRE_UDP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "wire/ip.h"

enum { TCT_UDP_HEADER_LEN = 8 };

struct tct_udp_hdr {
  uint16_t sport, dport;
  uint16_t len;      /* header and data, <= what IP carried */
  uint16_t checksum; /* 0: the sender made none */
};

/* p[0..have) is readable, len what IP carried (have < len when the frame is scattered). Bytes
 * after the datagram's own length are not part of it: deliver out->len - 8. */
tct_verdict tct_wire_udp_parse(const uint8_t *p, size_t have, size_t len, struct tct_udp_hdr *out);
/* Over exactly len = hdr.len bytes. None at all is fine for IPv4 and wrong for IPv6. */
bool tct_wire_udp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                              size_t len);
/* The same for a frame in pieces, from the packet's IP header on, that ip describes. */
bool tct_wire_udp_checksum_ok_iov(const struct tct_ip_hdr *ip, const struct tct_udp_hdr *udp,
                                  const tct_iov *iov, size_t n);

/* Eight bytes; the checksum field is zero until finished. */
size_t tct_wire_udp_emit(uint8_t *p, uint16_t sport, uint16_t dport, uint16_t payload_len);
/* Sets the checksum over header and payload pieces. */
void tct_wire_udp_finish(uint8_t *p, const tct_addr *src, const tct_addr *dst, const tct_iov *iov,
                         size_t n);

#endif
