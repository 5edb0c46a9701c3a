/* SPDX-License-Identifier: MIT */
/*
 * nd.c - neighbour discovery: what is asked and answered on Ethernet for IPv6.
 *
 * Called by link.c with every IPv6 frame before IP sees it, by neigh.c and dad.c to ask. Only what
 * comes from this link counts: hop limit 255, no fragment, no extension header (RFC 6980).
 * Redirects are ignored; what routers advertise is ra.c's. RFC 4861 sections 6.1, 7.1 and 7.2,
 * RFC 4862 section 5.4.
 */
#include "link/link.h"

#include "ip/ip.h"
#include "wire/checksum.h"

enum { AT_NEXT_HEADER = 6, HOP_LIMIT = 255 };

static const tct_addr all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const tct_addr nobody; /* :: */

/* ---- out ------------------------------------------------------------------------------------- */

static void send(tct_stack *s, uint32_t ifi, tct_addr src, tct_addr dst, struct tct_nd *nd) {
  uint8_t message[TCT_ND_EMIT_MAX];
  struct tct_ip_tx tx = {
      .src = src, .dst = dst, .ifi = ifi, .proto = TCT_IPPROTO_ICMP6, .hop_limit = HOP_LIMIT};
  nd->mac = tct_link_mac(s, ifi);
  size_t len = tct_wire_nd_emit(message, &src, &dst, nd);
  (void)tct_ip_reply(s, &tx, message, (uint32_t)len, TCT_WHY_ND);
}

void tct_nd_ask(tct_stack *s, uint32_t ifi, tct_addr target, bool unicast) {
  struct tct_ip_path path;
  struct tct_nd nd = {.type = TCT_ND_SOLICIT, .target = target, .has_mac = true};
  if (tct_ip_path(s, target, nobody, ifi, &path) != TCT_OK)
    return;
  send(s, ifi, path.src, unicast ? target : tct_wire_nd_solicited_node(&target), &nd);
}

void tct_nd_ask_router(tct_stack *s, uint32_t ifi, tct_addr from) {
  static const tct_addr all_routers = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};
  struct tct_nd nd = {.type = TCT_ND_ROUTER_SOLICIT, .has_mac = true};
  send(s, ifi, from, all_routers, &nd);
}

void tct_nd_ask_duplicate(tct_stack *s, uint32_t ifi, tct_addr a) {
  struct tct_nd nd = {.type = TCT_ND_SOLICIT, .target = a};
  send(s, ifi, nobody, tct_wire_nd_solicited_node(&a), &nd);
}

void tct_nd_announce(tct_stack *s, uint32_t ifi, tct_addr a) {
  struct tct_nd nd = {.type = TCT_ND_ADVERT, .target = a, .override = true, .has_mac = true};
  send(s, ifi, a, all_nodes, &nd);
}

/* To who asked; whoever asked as nobody is told with all others. */
static void answer(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip, tct_addr target) {
  bool named = !tct_ip_is_any(ip->src);
  struct tct_nd nd = {.type = TCT_ND_ADVERT,
                      .target = target,
                      .solicited = named,
                      .override = true,
                      .has_mac = true};
  send(s, ifi, target, named ? ip->src : all_nodes, &nd);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* Of a station, not of a group, and not our own: nobody else says it, unless he claims it. */
static bool is_source_ok(const tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                         const struct tct_nd *nd) {
  bool anonymous = tct_ip_is_any(ip->src);
  if (tct_ip_is_multicast(ip->src) || tct_ip_addr_is_loopback(ip->src))
    return false;
  if (nd->has_mac && (anonymous || !tct_wire_eth_is_station(&nd->mac)))
    return false;
  if (nd->type == TCT_ND_SOLICIT && tct_ip_addr_is_on(s, ip->src, ifi))
    return false;
  tct_addr group = tct_wire_nd_solicited_node(&nd->target);
  return !anonymous || (nd->type == TCT_ND_SOLICIT && tct_ip_equal(ip->dst, group));
}

/* RFC 4862 5.4.3: another's test of the address that we test is a claim. */
static tct_verdict take_solicit(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                                const struct tct_nd *nd) {
  bool anonymous = tct_ip_is_any(ip->src);
  if (tct_dad_is_tentative(s, ifi, nd->target)) {
    if (!anonymous)
      return TCT_DROP_ND_NOT_FOR_US;
    tct_dad_on_claim(s, ifi, nd->target);
    return TCT_DROP_ND_CONFLICT;
  }
  if (!tct_ip_addr_is_on(s, nd->target, ifi))
    return TCT_DROP_ND_NOT_FOR_US;
  if (nd->has_mac)
    tct_neigh_on_hint(s, ifi, ip->src, &nd->mac);
  answer(s, ifi, ip, nd->target);
  return TCT_ACCEPTED;
}

static tct_verdict take_advert(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                               const struct tct_nd *nd) {
  if (tct_ip_is_multicast(ip->dst) && nd->solicited)
    return TCT_DROP_ND_ADDRESS;
  if (tct_dad_is_tentative(s, ifi, nd->target)) {
    tct_dad_on_claim(s, ifi, nd->target);
    return TCT_DROP_ND_CONFLICT;
  }
  if (tct_ip_addr_is_on(s, nd->target, ifi)) { /* ours stays ours: RFC 4862 5.4.4 */
    s->n.AddrConflicts++;
    return TCT_DROP_ND_CONFLICT;
  }
  struct tct_neigh_news w = {.mac = nd->mac,
                             .has_mac = nd->has_mac,
                             .solicited = nd->solicited,
                             .override = nd->override,
                             .router = nd->router};
  return tct_neigh_on_answer(s, ifi, nd->target, &w) ? TCT_ACCEPTED : TCT_DROP_ND_NOT_FOR_US;
}

static bool is_sum_ok(const struct tct_ip_hdr *ip) {
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &ip->src, &ip->dst, TCT_IPPROTO_ICMP6, ip->payload_len);
  tct_checksum_feed(&c, ip->payload, ip->payload_len);
  return tct_checksum_is_ok(&c);
}

static tct_verdict take(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                        const struct tct_eth_hdr *eth) {
  struct tct_nd nd;
  struct tct_mac own = tct_link_mac(s, ifi);
  if (ip->hop_limit != HOP_LIMIT)
    return TCT_DROP_ND_HOP_LIMIT;
  if (ip->payload_have < ip->payload_len)
    return TCT_DROP_ND_SHORT; /* no message of ours is so long that a driver would cut it */
  if (!is_sum_ok(ip))
    return TCT_DROP_ND_CHECKSUM;
  tct_verdict v = tct_wire_nd_parse(ip->payload, ip->payload_len, &nd);
  if (v != TCT_ACCEPTED)
    return v;
  if (nd.type == TCT_ND_REDIRECT || nd.type == TCT_ND_ROUTER_SOLICIT)
    return TCT_DROP_ND_TYPE;
  if (tct_wire_eth_equal(&eth->src, &own))
    return TCT_DROP_ND_ADDRESS; /* our own, sent back by the link: no duplicate */
  if (nd.type == TCT_ND_ROUTER_ADVERT)
    return tct_ra_input(s, ifi, ip, &nd);
  if (!tct_ip_addr_is_unicast(nd.target) || !is_source_ok(s, ifi, ip, &nd))
    return TCT_DROP_ND_ADDRESS;
  return nd.type == TCT_ND_SOLICIT ? take_solicit(s, ifi, ip, &nd) : take_advert(s, ifi, ip, &nd);
}

bool tct_nd_input(tct_stack *s, uint32_t ifi, const tct_frame *f, const struct tct_eth_hdr *eth,
                  tct_verdict *v) {
  struct tct_ip_hdr ip;
  const uint8_t *p = f->iov[0].base;
  size_t have = tct_min_size(f->iov[0].len, f->len);
  if (have <= TCT_IP6_HEADER_LEN || p[AT_NEXT_HEADER] != TCT_IPPROTO_ICMP6 ||
      !tct_wire_nd_is_type(p[TCT_IP6_HEADER_LEN]))
    return false;
  *v = tct_wire_ip_parse(p, have, f->len, &ip);
  if (*v == TCT_ACCEPTED && ip.family != 6)
    return false;
  if (*v == TCT_ACCEPTED)
    *v = take(s, ifi, &ip, eth);
  return true;
}
