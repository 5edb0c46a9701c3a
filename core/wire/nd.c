/* SPDX-License-Identifier: MIT */
/*
 * nd.c - IPv6 neighbour discovery messages. Called by link/nd.c. RFC 4861 sections 4.3 to 4.6.
 */
#include "wire/nd.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"

enum { OPT_SOURCE = 1, OPT_TARGET = 2, OPT_PREFIX = 3, OPT_MTU = 5, OPT_UNIT = 8 };
enum { PREFIX_ON_LINK = 0x80, PREFIX_AUTONOMOUS = 0x40 };
enum {
  AT_FLAGS = 4,
  AT_TARGET_ADDR = 8,
  FLAG_ROUTER = 0x80,
  FLAG_SOLICITED = 0x40,
  FLAG_OVERRIDE = 0x20
};

/* Where the options begin; SIZE_MAX: too short, or no such type. */
static size_t find_options(uint8_t type) {
  static const uint8_t at[] = {8, 16, 24, 24, 40};
  return tct_wire_nd_is_type(type) ? at[type - TCT_ND_ROUTER_SOLICIT] : SIZE_MAX;
}

static void read_option(const uint8_t *p, size_t len, struct tct_nd *out) {
  uint8_t want = out->type == TCT_ND_ADVERT ? OPT_TARGET : OPT_SOURCE;
  if (p[0] != want || len != OPT_UNIT || out->has_mac)
    return;
  memcpy(out->mac.b, p + 2, TCT_ETH_ADDR_LEN);
  out->has_mac = true;
}

tct_verdict tct_wire_nd_parse(const uint8_t *p, size_t len, struct tct_nd *out) {
  memset(out, 0, sizeof *out);
  if (len < 8)
    return TCT_DROP_ND_SHORT;
  out->type = p[0];
  size_t at = find_options(p[0]);
  if (at == SIZE_MAX || p[1] != 0)
    return TCT_DROP_ND_FORMAT;
  if (len < at)
    return TCT_DROP_ND_SHORT;
  if (out->type == TCT_ND_SOLICIT || out->type == TCT_ND_ADVERT)
    tct_bytes_get_addr6(p + AT_TARGET_ADDR, &out->target);
  if (out->type == TCT_ND_ADVERT) {
    out->router = (p[AT_FLAGS] & FLAG_ROUTER) != 0;
    out->solicited = (p[AT_FLAGS] & FLAG_SOLICITED) != 0;
    out->override = (p[AT_FLAGS] & FLAG_OVERRIDE) != 0;
  }
  while (at < len) {
    size_t rest = len - at;
    size_t size = rest < 2 ? 0 : (size_t)p[at + 1] * OPT_UNIT;
    if (size == 0 || size > rest)
      return TCT_DROP_ND_OPTION;
    read_option(p + at, size, out);
    at += size;
  }
  return TCT_ACCEPTED;
}

static void read_prefix(const uint8_t *p, struct tct_nd_router *out) {
  if (out->n_prefixes == TCT_ND_PREFIXES_MAX)
    return;
  struct tct_nd_prefix *k = &out->prefixes[out->n_prefixes++];
  k->bits = p[2];
  k->on_link = (p[3] & PREFIX_ON_LINK) != 0;
  k->autonomous = (p[3] & PREFIX_AUTONOMOUS) != 0;
  k->valid_s = tct_bytes_get32(p + 4);
  k->preferred_s = tct_bytes_get32(p + 8);
  tct_bytes_get_addr6(p + 16, &k->prefix);
}

void tct_wire_nd_parse_router(const uint8_t *p, size_t len, struct tct_nd_router *out) {
  memset(out, 0, sizeof *out);
  out->lifetime_s = tct_bytes_get16(p + 6);
  for (size_t at = find_options(TCT_ND_ROUTER_ADVERT); at + 2 <= len && p[at + 1] != 0;) {
    size_t size = (size_t)p[at + 1] * OPT_UNIT;
    if (size > len - at)
      return;
    if (p[at] == OPT_PREFIX && size == 4u * OPT_UNIT)
      read_prefix(p + at, out);
    if (p[at] == OPT_MTU && size == OPT_UNIT)
      out->mtu = tct_bytes_get32(p + at + 4);
    at += size;
  }
}

static uint8_t make_flags(const struct tct_nd *nd) {
  unsigned flags = (nd->router ? FLAG_ROUTER : 0u) | (nd->solicited ? FLAG_SOLICITED : 0u) |
                   (nd->override ? FLAG_OVERRIDE : 0u);
  return (uint8_t)flags;
}

size_t tct_wire_nd_emit(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                        const struct tct_nd *nd) {
  struct tct_checksum c;
  size_t at = find_options(nd->type), len = at + (nd->has_mac ? OPT_UNIT : 0u);
  memset(p, 0, len);
  p[0] = nd->type;
  p[AT_FLAGS] = make_flags(nd);
  if (nd->type != TCT_ND_ROUTER_SOLICIT)
    memcpy(p + AT_TARGET_ADDR, nd->target.b, 16);
  if (nd->has_mac) {
    p[at] = nd->type == TCT_ND_ADVERT ? OPT_TARGET : OPT_SOURCE;
    p[at + 1] = 1;
    memcpy(p + at + 2, nd->mac.b, TCT_ETH_ADDR_LEN);
  }
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_ICMP6, (uint32_t)len);
  tct_checksum_feed(&c, p, len);
  tct_bytes_put16(p + 2, tct_checksum_field(&c));
  return len;
}

tct_addr tct_wire_nd_solicited_node(const tct_addr *a) {
  tct_addr g = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, a->b[13], a->b[14], a->b[15]}};
  return g;
}
