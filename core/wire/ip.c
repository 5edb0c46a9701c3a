/* SPDX-License-Identifier: MIT */
/*
 * ip.c - the fork between the two IP families, the only one on the way of a packet.
 * Called by ip_input and ip_output. The headers themselves are ipv4.c and ipv6.c.
 */
#include "wire/ip.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/ipv4.h"
#include "wire/ipv6.h"

tct_verdict tct_wire_ip_parse(const uint8_t *p, size_t have, size_t frame_len,
                              struct tct_ip_hdr *h) {
  uint8_t version = have > 0 ? p[0] >> 4 : 0;
  if (version == 4)
    return tct_wire_ipv4_parse(p, have, frame_len, h);
  if (version == 6)
    return tct_wire_ipv6_parse(p, have, frame_len, h);
  memset(h, 0, sizeof *h);
  return have == 0 ? TCT_DROP_IP_SHORT : TCT_DROP_IP_VERSION; /* RFC 1122 3.2.1.1: silently */
}

size_t tct_wire_ip_emit_len(const struct tct_ip_hdr *h) {
  if (h->family == 4)
    return TCT_IP4_HEADER_LEN;
  return h->is_frag ? TCT_IP6_HEADER_LEN + TCT_IP6_FRAGMENT_LEN : TCT_IP6_HEADER_LEN;
}

size_t tct_wire_ip_emit(uint8_t *p, const struct tct_ip_hdr *h) {
  return h->family == 4 ? tct_wire_ipv4_emit(p, h) : tct_wire_ipv6_emit(p, h);
}

uint8_t tct_wire_ip_family(const tct_addr *a) {
  return tct_bytes_addr_is_ipv4(a) ? 4 : 6;
}
