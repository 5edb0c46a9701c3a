/* SPDX-License-Identifier: MIT */
/*
 * nd.c - IPv6 neighbour discovery messages. Called by link/nd.c. RFC 4861 sections 4.3 to 4.6.
 */
#include "wire/nd.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"

enum { OPT_SOURCE = 1, OPT_TARGET = 2, OPT_UNIT = 8 };
enum {
  AT_FLAGS = 4,
  AT_TARGET_ADDR = 8,
  HEADER_LEN = 24,
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

static uint8_t make_flags(const struct tct_nd *nd) {
  unsigned flags = (nd->router ? FLAG_ROUTER : 0u) | (nd->solicited ? FLAG_SOLICITED : 0u) |
                   (nd->override ? FLAG_OVERRIDE : 0u);
  return (uint8_t)flags;
}

size_t tct_wire_nd_emit(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                        const struct tct_nd *nd) {
  struct tct_checksum c;
  size_t len = HEADER_LEN + (nd->has_mac ? OPT_UNIT : 0u);
  memset(p, 0, len);
  p[0] = nd->type;
  p[AT_FLAGS] = make_flags(nd);
  memcpy(p + AT_TARGET_ADDR, nd->target.b, 16);
  if (nd->has_mac) {
    p[HEADER_LEN] = nd->type == TCT_ND_ADVERT ? OPT_TARGET : OPT_SOURCE;
    p[HEADER_LEN + 1] = 1;
    memcpy(p + HEADER_LEN + 2, nd->mac.b, TCT_ETH_ADDR_LEN);
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
