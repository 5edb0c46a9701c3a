/* SPDX-License-Identifier: MIT */
/*
 * arp.c - ARP for IPv4 over Ethernet. The lengths in the packet must be the only ones that there
 * are: nothing is ever found with their help. Called by link/arp.c. RFC 826.
 */
#include "wire/arp.h"

#include "util/mem.h"
#include "wire/bytes.h"

enum { HARDWARE_ETHERNET = 1, IPV4_LEN = 4 };
enum { AT_OP = 6, AT_SENDER_MAC = 8, AT_SENDER = 14, AT_TARGET_MAC = 18, AT_TARGET = 24 };

tct_verdict tct_wire_arp_parse(const uint8_t *p, size_t have, struct tct_arp *a) {
  memset(a, 0, sizeof *a);
  if (have < TCT_ARP_LEN)
    return TCT_DROP_ARP_SHORT;
  bool ours = tct_bytes_get16(p) == HARDWARE_ETHERNET && tct_bytes_get16(p + 2) == TCT_ETH_IP4 &&
              p[4] == TCT_ETH_ADDR_LEN && p[5] == IPV4_LEN;
  a->op = tct_bytes_get16(p + AT_OP);
  if (!ours || (a->op != TCT_ARP_REQUEST && a->op != TCT_ARP_REPLY))
    return TCT_DROP_ARP_FORMAT;
  memcpy(a->sender_mac.b, p + AT_SENDER_MAC, TCT_ETH_ADDR_LEN);
  memcpy(a->target_mac.b, p + AT_TARGET_MAC, TCT_ETH_ADDR_LEN);
  tct_bytes_get_addr4(p + AT_SENDER, &a->sender);
  tct_bytes_get_addr4(p + AT_TARGET, &a->target);
  return TCT_ACCEPTED;
}

size_t tct_wire_arp_emit(uint8_t *p, const struct tct_arp *a) {
  tct_bytes_put16(p, HARDWARE_ETHERNET);
  tct_bytes_put16(p + 2, TCT_ETH_IP4);
  p[4] = TCT_ETH_ADDR_LEN;
  p[5] = IPV4_LEN;
  tct_bytes_put16(p + AT_OP, a->op);
  memcpy(p + AT_SENDER_MAC, a->sender_mac.b, TCT_ETH_ADDR_LEN);
  memcpy(p + AT_SENDER, a->sender.b + 12, IPV4_LEN);
  memcpy(p + AT_TARGET_MAC, a->target_mac.b, TCT_ETH_ADDR_LEN);
  memcpy(p + AT_TARGET, a->target.b + 12, IPV4_LEN);
  return TCT_ARP_LEN;
}
