/* SPDX-License-Identifier: MIT */
/*
 * nd.h - IPv6 neighbour discovery messages: bytes to struct and back. Called by link/nd.c, which
 * has checked hop limit and checksum and decides whom to believe. RFC 4861 section 4.
 */
#ifndef TCT_WIRE_ND_H
#define TCT_WIRE_ND_H

#include "wire/eth.h"

enum {
  TCT_ND_ROUTER_SOLICIT = 133,
  TCT_ND_ROUTER_ADVERT = 134,
  TCT_ND_SOLICIT = 135,
  TCT_ND_ADVERT = 136,
  TCT_ND_REDIRECT = 137
};
enum { TCT_ND_EMIT_MAX = 32 };

struct tct_nd {
  uint8_t type;
  bool router, solicited, override; /* advertisements */
  tct_addr target;
  bool has_mac; /* source link address of a solicitation, target's of an advertisement */
  struct tct_mac mac;
};

enum { TCT_ND_PREFIXES_MAX = 8 }; /* of one advertisement; more are passed over */

struct tct_nd_prefix {
  tct_addr prefix;
  uint8_t bits; /* as it stands: 0..255 */
  bool on_link, autonomous;
  uint32_t valid_s, preferred_s; /* UINT32_MAX: for ever */
};

struct tct_nd_router {
  uint16_t lifetime_s;
  uint32_t mtu; /* 0: not said */
  uint32_t n_prefixes;
  struct tct_nd_prefix prefixes[TCT_ND_PREFIXES_MAX];
};

static inline bool tct_wire_nd_is_type(uint8_t type) {
  return type >= TCT_ND_ROUTER_SOLICIT && type <= TCT_ND_REDIRECT;
}
/* The whole ICMPv6 message. Solicitations and advertisements of neighbours are read; of the other
 * types only the options are looked at. An option of length 0, or one that is not whole, refuses
 * the message; unknown ones are passed over. */
tct_verdict tct_wire_nd_parse(const uint8_t *p, size_t len, struct tct_nd *out);
/* Of a router advertisement that tct_wire_nd_parse has accepted. */
void tct_wire_nd_parse_router(const uint8_t *p, size_t len, struct tct_nd_router *out);
/* A solicitation or advertisement of a neighbour, or a solicitation of routers, with its checksum;
 * returns its length. */
size_t tct_wire_nd_emit(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                        const struct tct_nd *nd);
/* The group that who has this address is in. RFC 4291 2.7.1. */
tct_addr tct_wire_nd_solicited_node(const tct_addr *a);

#endif
