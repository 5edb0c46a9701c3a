/* SPDX-License-Identifier: MIT */
/* ipv6.h - the IPv6 header and its extension headers; see ip.h for the struct and the way in. */
#ifndef TCT_WIRE_IPV6_H
#define TCT_WIRE_IPV6_H

#include "wire/ip.h"

/* As tct_wire_ip_parse, for a frame that begins with version 6. */
tct_verdict tct_wire_ipv6_parse(const uint8_t *p, size_t have, size_t frame_len,
                                struct tct_ip_hdr *h);
/* Walks on in a reassembled payload of len bytes, all readable, that begins with next_header. h is
 * the first fragment's header: its addresses, header_len and counts go on from there. Afterwards
 * h->is_frag is false and h->payload is the upper layer. IPv4 has no chain: use it for IPv6 only.
 */
tct_verdict tct_wire_ipv6_parse_chain(uint8_t next_header, const uint8_t *payload, size_t len,
                                      struct tct_ip_hdr *h);
/* 40 bytes, or 48 with the fragment header when h->is_frag. */
size_t tct_wire_ipv6_emit(uint8_t *p, const struct tct_ip_hdr *h);

/* Used by icmp.c too, to find the ports in a quoted packet: length of the extension header at p
 * by its own length byte, 0 if next_header is none or `have` cannot hold its first 8 bytes. */
size_t tct_wire_ipv6_ext_len(uint8_t next_header, const uint8_t *p, size_t have);

#endif
