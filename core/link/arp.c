/* SPDX-License-Identifier: MIT */
/*
 * arp.c - ARP: what is asked and answered on Ethernet for IPv4, and the defence of our addresses.
 *
 * Called by link.c with what came in, by neigh.c to ask. Believed is only what answers a question
 * of ours or comes with one for us, and what is said of an entry that we have. Nothing that anybody
 * says takes an address from us: a claim is counted and answered by one announcement in ten
 * seconds. RFC 826, RFC 1122 section 2.3.2, RFC 5227 sections 2.3 and 2.4(b).
 */
#include "link/link.h"

#include "ip/ip.h"
#include "wire/bytes.h"

#define DEFEND_AGAIN_NS TCT_S(10)

static void send(tct_stack *s, uint32_t ifi, const struct tct_arp *a, const struct tct_mac *to) {
  uint8_t frame[TCT_ETH_HEADER_LEN + TCT_ARP_LEN];
  struct tct_eth_hdr eth = {.dst = *to, .src = tct_link_mac(s, ifi), .type = TCT_ETH_ARP};
  size_t len = tct_wire_eth_emit(frame, &eth);
  len += tct_wire_arp_emit(frame + len, a);
  (void)tct_ip_reply_raw(s, ifi, frame, (uint32_t)len, TCT_WHY_ARP);
}

/* From an address of ours that the target would call its neighbour (RFC 1122 2.3.2 leaves which).
 */
void tct_arp_ask(tct_stack *s, uint32_t ifi, tct_addr target, const struct tct_mac *to) {
  struct tct_ip_path path;
  struct tct_mac all = tct_wire_eth_broadcast();
  if (tct_ip_path(s, target, (tct_addr){{0}}, ifi, &path) != TCT_OK)
    return;
  struct tct_arp a = {.op = TCT_ARP_REQUEST,
                      .sender_mac = tct_link_mac(s, ifi),
                      .sender = path.src,
                      .target = target};
  send(s, ifi, &a, to != NULL ? to : &all);
}

void tct_arp_announce(tct_stack *s, uint32_t ifi, tct_addr own) {
  struct tct_mac all = tct_wire_eth_broadcast();
  struct tct_arp a = {
      .op = TCT_ARP_REQUEST, .sender_mac = tct_link_mac(s, ifi), .sender = own, .target = own};
  send(s, ifi, &a, &all);
}

static void answer(tct_stack *s, uint32_t ifi, const struct tct_arp *q) {
  struct tct_arp a = {.op = TCT_ARP_REPLY,
                      .sender_mac = tct_link_mac(s, ifi),
                      .sender = q->target,
                      .target_mac = q->sender_mac,
                      .target = q->sender};
  send(s, ifi, &a, &q->sender_mac);
}

static void on_conflict(tct_stack *s, uint32_t ifi, tct_addr own) {
  tct_time *at = &s->link->defended_at[(own.b[15] ^ own.b[14] * 5u) % TCT_LINK_DEFENCES];
  s->n.AddrConflicts++;
  if (*at != 0 && tct_time_sub(s->now, *at) < DEFEND_AGAIN_NS)
    return;
  *at = tct_time_max(s->now, 1);
  tct_arp_announce(s, ifi, own);
}

/* Only who may be a neighbour gets an entry. */
static bool is_on_link(const tct_stack *s, uint32_t ifi, tct_addr a) {
  int err;
  const struct tct_ip_route *r = tct_route_find(s, a, ifi, &err);
  return r != NULL && tct_ip_is_any(r->gateway);
}

/* A probe (RFC 5227 1.1) has no sender address yet. */
static bool is_sender_ok(const tct_stack *s, uint32_t ifi, const struct tct_arp *a) {
  if (!tct_wire_eth_is_station(&a->sender_mac))
    return false;
  if (tct_ip_is_any(a->sender))
    return a->op == TCT_ARP_REQUEST;
  return !tct_ip_addr_is_loopback(a->sender) && tct_ip_addr_is_unicast(a->sender) &&
         !tct_ip_is_broadcast(s, a->sender) && s->ifs[ifi].up;
}

static tct_verdict take_request(tct_stack *s, uint32_t ifi, const struct tct_arp *a) {
  if (!tct_ip_is_any(a->sender) && is_on_link(s, ifi, a->sender))
    tct_neigh_on_hint(s, ifi, a->sender, &a->sender_mac);
  answer(s, ifi, a);
  return TCT_ACCEPTED;
}

tct_verdict tct_arp_input(tct_stack *s, uint32_t ifi, const uint8_t *p, size_t have) {
  struct tct_arp a;
  tct_verdict v = tct_wire_arp_parse(p, have, &a);
  if (v != TCT_ACCEPTED)
    return v;
  struct tct_mac own = tct_link_mac(s, ifi);
  if (!is_sender_ok(s, ifi, &a) || tct_wire_eth_equal(&a.sender_mac, &own))
    return TCT_DROP_ARP_SENDER;
  if (tct_ip_addr_is_on(s, a.sender, ifi)) {
    on_conflict(s, ifi, a.sender);
    return TCT_DROP_ARP_CONFLICT;
  }
  bool for_us = tct_ip_addr_is_on(s, a.target, ifi);
  if (a.op == TCT_ARP_REQUEST && for_us)
    return take_request(s, ifi, &a);
  struct tct_neigh_news w = {.mac = a.sender_mac,
                             .has_mac = true,
                             .solicited = a.op == TCT_ARP_REPLY && for_us,
                             .override = true};
  bool known = !tct_ip_is_any(a.sender) && tct_neigh_on_answer(s, ifi, a.sender, &w);
  return known ? TCT_ACCEPTED : TCT_DROP_ARP_NOT_FOR_US;
}
