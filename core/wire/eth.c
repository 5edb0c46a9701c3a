/* SPDX-License-Identifier: MIT */
/*
 * eth.c - the Ethernet header, and the link addresses that stand for groups. Called by link/, which
 * decides whether a frame is for us. RFC 894, RFC 1112 section 6.4, RFC 2464 section 7.
 */
#include "wire/eth.h"

#include "util/mem.h"
#include "wire/bytes.h"

enum { AT_SRC = 6, AT_TYPE = 12 };

tct_verdict tct_wire_eth_parse(const uint8_t *p, size_t have, struct tct_eth_hdr *h) {
  memset(h, 0, sizeof *h);
  if (have < TCT_ETH_HEADER_LEN)
    return TCT_DROP_ETH_SHORT;
  memcpy(h->dst.b, p, TCT_ETH_ADDR_LEN);
  memcpy(h->src.b, p + AT_SRC, TCT_ETH_ADDR_LEN);
  h->type = tct_bytes_get16(p + AT_TYPE);
  if (!tct_wire_eth_is_station(&h->src))
    return TCT_DROP_ETH_SOURCE;
  bool known = h->type == TCT_ETH_IP4 || h->type == TCT_ETH_ARP || h->type == TCT_ETH_IP6;
  return known ? TCT_ACCEPTED : TCT_DROP_ETH_TYPE;
}

size_t tct_wire_eth_emit(uint8_t *p, const struct tct_eth_hdr *h) {
  memcpy(p, h->dst.b, TCT_ETH_ADDR_LEN);
  memcpy(p + AT_SRC, h->src.b, TCT_ETH_ADDR_LEN);
  tct_bytes_put16(p + AT_TYPE, h->type);
  return TCT_ETH_HEADER_LEN;
}

bool tct_wire_eth_is_group(const struct tct_mac *a) {
  return (a->b[0] & 1) != 0;
}

bool tct_wire_eth_is_station(const struct tct_mac *a) {
  uint8_t any = 0;
  for (size_t i = 0; i < TCT_ETH_ADDR_LEN; i++)
    any |= a->b[i];
  return any != 0 && !tct_wire_eth_is_group(a);
}

bool tct_wire_eth_equal(const struct tct_mac *a, const struct tct_mac *b) {
  return memcmp(a->b, b->b, TCT_ETH_ADDR_LEN) == 0;
}

struct tct_mac tct_wire_eth_broadcast(void) {
  return (struct tct_mac){{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}};
}

struct tct_mac tct_wire_eth_multicast(const tct_addr *group) {
  const uint8_t *g = group->b + 12;
  if (tct_bytes_addr_is_ipv4(group))
    return (struct tct_mac){{0x01, 0x00, 0x5e, (uint8_t)(g[1] & 0x7f), g[2], g[3]}};
  return (struct tct_mac){{0x33, 0x33, g[0], g[1], g[2], g[3]}};
}
