/* SPDX-License-Identifier: MIT */
/*
 * arp.h - ARP for IPv4 over Ethernet: bytes to struct and back. Called by link/arp.c, which decides
 * whom to believe. RFC 826, RFC 5227 section 1.1 (words).
 */
#ifndef TCT_WIRE_ARP_H
#define TCT_WIRE_ARP_H

#include "wire/eth.h"

enum { TCT_ARP_LEN = 28, TCT_ARP_REQUEST = 1, TCT_ARP_REPLY = 2 };

struct tct_arp {
  uint16_t op;
  struct tct_mac sender_mac, target_mac;
  tct_addr sender, target; /* IPv4 */
};

/* Bytes after the 28 are padding. */
tct_verdict tct_wire_arp_parse(const uint8_t *p, size_t have, struct tct_arp *a);
size_t tct_wire_arp_emit(uint8_t *p, const struct tct_arp *a);

#endif
