/* SPDX-License-Identifier: MIT */
/*
 * eth.h - the Ethernet header, and the link addresses that stand for groups.
 *
 * Called by link/. Frames have no frame check sequence and no VLAN tag: who wants a VLAN gives the
 * stack an interface without the tag. RFC 894, RFC 1112 section 6.4, RFC 2464 section 7.
 */
#ifndef TCT_WIRE_ETH_H
#define TCT_WIRE_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"

enum { TCT_ETH_HEADER_LEN = 14, TCT_ETH_ADDR_LEN = 6 };
enum { TCT_ETH_IP4 = 0x0800, TCT_ETH_ARP = 0x0806, TCT_ETH_IP6 = 0x86dd };

struct tct_mac {
  uint8_t b[TCT_ETH_ADDR_LEN];
};

struct tct_eth_hdr {
  struct tct_mac dst, src;
  uint16_t type;
};

/* ACCEPTED, or why not: short, a length or a protocol that we do not speak, sent by a group. */
tct_verdict tct_wire_eth_parse(const uint8_t *p, size_t have, struct tct_eth_hdr *h);
size_t tct_wire_eth_emit(uint8_t *p, const struct tct_eth_hdr *h);
bool tct_wire_eth_is_group(const struct tct_mac *a);
/* One station's: no group, not all zero. */
bool tct_wire_eth_is_station(const struct tct_mac *a);
bool tct_wire_eth_equal(const struct tct_mac *a, const struct tct_mac *b);
struct tct_mac tct_wire_eth_broadcast(void);
/* Where packets to the IP multicast address go. */
struct tct_mac tct_wire_eth_multicast(const tct_addr *group);

#endif
