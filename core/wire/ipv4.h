/* SPDX-License-Identifier: MIT */
/* ipv4.h - the IPv4 header; see ip.h for the struct and the way in. */
#ifndef TCT_WIRE_IPV4_H
#define TCT_WIRE_IPV4_H

#include "wire/ip.h"

/* As tct_wire_ip_parse, for a frame that begins with version 4. */
tct_verdict tct_wire_ipv4_parse(const uint8_t *p, size_t have, size_t frame_len,
                                struct tct_ip_hdr *h);
/* 20 bytes with their checksum. */
size_t tct_wire_ipv4_emit(uint8_t *p, const struct tct_ip_hdr *h);

#endif
