/* SPDX-License-Identifier: MIT */
/*
 * ICMP errors as routers send them. Called by router.c and link_fault.c with the packet that they
 * could not forward, by forge.c with one that never was. RFC 1812 section 4.3, RFC 4443
 * section 2.4.
 */
#include "sim/ip.h"
#include "util/mem.h"
#include "wire/icmp.h"

static bool is_multicast(const tct_addr *a) {
  return tct_wire_ip_family(a) == 4 ? a->b[12] >= 224 : a->b[0] == 0xff;
}

static bool draws_error(const struct tct_ip_hdr *ip) {
  struct tct_icmp_hdr h;
  if (ip->frag_off_bytes != 0 || is_multicast(&ip->dst))
    return false;
  if (ip->proto != TCT_IPPROTO_ICMP && ip->proto != TCT_IPPROTO_ICMP6)
    return true;
  return tct_wire_icmp_parse(ip->family, ip->payload, ip->payload_have, &h) == TCT_ACCEPTED &&
         !tct_icmp_kind_is_error(h.kind) && h.kind != TCT_ICMP_REDIRECT;
}

static tct_addr router_address(uint8_t family) {
  static const tct_addr six = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xfe}};
  return family == 4 ? tct_addr_ipv4(192, 0, 2, 254) : six;
}

static uint32_t emit(const struct tct_ip_hdr *about, const tct_addr *from,
                     const struct tct_icmp_error *e, uint8_t *to, uint32_t cap) {
  static const tct_addr none;
  struct tct_ip_hdr ip = {.dst = about->src, .family = about->family, .hop_limit = 64};
  size_t head, body;
  ip.src = memcmp(from, &none, sizeof none) == 0 ? router_address(about->family) : *from;
  ip.proto = about->family == 4 ? TCT_IPPROTO_ICMP : TCT_IPPROTO_ICMP6;
  head = tct_wire_ip_emit_len(&ip);
  body = tct_wire_icmp_emit_error(to + head, cap - head, &ip.src, &ip.dst, e);
  if (body == 0)
    return 0;
  ip.payload_len = (uint16_t)body;
  tct_wire_ip_emit(to, &ip);
  return (uint32_t)(head + body);
}

/* NOLINTNEXTLINE(readability-function-size): what is quoted, what is said, and where to */
uint32_t sim_icmp_error(const uint8_t *packet, uint32_t len, enum tct_icmp_kind kind,
                        uint32_t mtu_bytes, const tct_addr *from, uint8_t *to, uint32_t cap) {
  struct tct_ip_hdr ip;
  struct tct_icmp_error e = {.quote = packet, .quote_len = len};
  if (tct_wire_ip_parse(packet, len, len, &ip) != TCT_ACCEPTED || !draws_error(&ip))
    return 0;
  e.what = tct_wire_icmp_problem(ip.family, kind);
  if (kind == TCT_ICMP_SOURCE_QUENCH && ip.family == 4) /* obsolete: our own stack sends none */
    e.what = (struct tct_ip_problem){.type = 4, .report = true};
  e.what.pointer = mtu_bytes;
  return e.what.type == 0 ? 0 : emit(&ip, from, &e, to, cap);
}
