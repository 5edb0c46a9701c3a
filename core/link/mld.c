/* SPDX-License-Identifier: MIT */
/*
 * mld.c - says which groups we are in: the solicited-node groups, by which neighbours ask for our
 * addresses. A switch that looks into such reports forwards to no group that nobody has spoken for.
 *
 * Called by dad.c when an address is tried, and when it is ours (so it is said twice, RFC 3810
 * 9.1), and by link.c with queries, each answered after a random part of the time it allows. No
 * word when a group is left: the switch forgets it; none in the words of version 1. RFC 3810
 * sections 5 and 6, RFC 3590 (:: before there is a link-local address).
 */
#include "link/link.h"

#include "ip/ip.h"
#include "wire/mld.h"

#define WAIT_MIN_NS                                                                                \
  TCT_MS(100) /* of the span drawn from: a flood of queries is answered so often */
#define WAIT_MAX_NS TCT_S(10)

enum { AT_NEXT_HEADER = 6, HOP_LIMIT = 1, ANSWERS_MAX = 64 };

static const tct_addr all_mld_routers = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x16}};

void tct_mld_init(tct_stack *s) {
  s->link->mld_due = TCT_NEVER;
}

/* ---- out ------------------------------------------------------------------------------------- */

static tct_addr find_link_local(const tct_stack *s, uint32_t ifi) {
  static const tct_addr nobody;
  const struct tct_ip_addrs *own = &s->ip->addrs;
  for (uint32_t i = 0; i < own->n; i++)
    if (own->at[i].ifi == ifi && tct_ip_addr_is_link_local(own->at[i].addr))
      return own->at[i].addr;
  return nobody;
}

static void send(tct_stack *s, uint32_t ifi, tct_addr a, enum tct_mld_record what) {
  uint8_t report[TCT_MLD_REPORT_LEN];
  const tct_addr group = tct_wire_nd_solicited_node(&a);
  struct tct_ip_tx tx = {.src = find_link_local(s, ifi),
                         .dst = all_mld_routers,
                         .ifi = ifi,
                         .proto = TCT_IPPROTO_HOP_BY_HOP,
                         .hop_limit = HOP_LIMIT};
  tct_wire_mld_emit_report(report, &tx.src, &tx.dst, what, &group);
  (void)tct_ip_reply(s, &tx, report, sizeof report, TCT_WHY_MLD);
}

void tct_mld_join(tct_stack *s, uint32_t ifi, tct_addr a) {
  send(s, ifi, a, TCT_MLD_JOINS);
}

/* One report an address, of the first few: nobody shall keep us busy by asking. */
static void answer(tct_stack *s) {
  const struct tct_ip_addrs *own = &s->ip->addrs;
  for (uint32_t i = 0; i < tct_min_u32(own->n, ANSWERS_MAX); i++) {
    const struct tct_ip_addr *k = &own->at[i];
    if (s->ifs[k->ifi].cfg.link == TCT_LINK_ETHERNET && !tct_addr_is_ipv4(k->addr))
      send(s, k->ifi, k->addr, TCT_MLD_IS_MEMBER);
  }
  for (uint32_t i = 0; i < tct_min_u32(s->link->n_dads, ANSWERS_MAX); i++)
    if (!s->link->dads[i].duplicate)
      send(s, s->link->dads[i].ifi, s->link->dads[i].addr, TCT_MLD_IS_MEMBER);
}

void tct_mld_advance(tct_stack *s) {
  if (s->link->mld_due > s->now)
    return;
  s->link->mld_due = TCT_NEVER;
  answer(s);
}

/* ---- in -------------------------------------------------------------------------------------- */

/* A query that comes while an answer waits, soon enough for it, is answered by that one: drawn anew
   for each of a flood, the least of many draws would be at once. */
static void plan_answer(tct_stack *s, uint32_t max_wait_ms) {
  tct_time span = tct_time_min(TCT_MS((tct_time)max_wait_ms), WAIT_MAX_NS);
  span = span < WAIT_MIN_NS ? WAIT_MIN_NS : span;
  if (s->link->mld_due > tct_time_add(s->now, span))
    s->link->mld_due = tct_time_add(s->now, tct_prng_u64(&s->prng) % span + 1);
}

/* A group of the kind that ours are of; which of them, the answer tells. */
static bool is_solicited_node(tct_addr group) {
  tct_addr made = tct_wire_nd_solicited_node(&group);
  return tct_ip_equal(made, group);
}

bool tct_mld_input(tct_stack *s, const tct_frame *f) {
  struct tct_ip_hdr ip;
  struct tct_mld_query q;
  const uint8_t *p = f->iov[0].base;
  size_t have = tct_min_size(f->iov[0].len, f->len);
  if (have <= TCT_IP6_HEADER_LEN || p[AT_NEXT_HEADER] != TCT_IPPROTO_HOP_BY_HOP ||
      tct_wire_ip_parse(p, have, f->len, &ip) != TCT_ACCEPTED || ip.is_frag ||
      ip.payload_have < ip.payload_len)
    return false;
  const uint8_t *end = ip.payload + ip.payload_len;
  p += TCT_IP6_HEADER_LEN;
  if (ip.hop_limit != HOP_LIMIT || !tct_ip_addr_is_link_local(ip.src) ||
      !tct_wire_mld_parse_query(p, (size_t)(end - p), &ip.src, &ip.dst, &q))
    return false;
  if (tct_ip_is_any(q.group) || is_solicited_node(q.group))
    plan_answer(s, q.max_wait_ms);
  return true;
}
