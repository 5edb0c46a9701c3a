/* SPDX-License-Identifier: MIT */
/*
 * ip_input.c - one received frame: may it come from there, is it for us, is it whole, whose is it?
 *
 * Called by stack.c for each frame, with the clock set. Leaves to wire/ the bytes, to ip_reasm.c
 * the fragments, to icmp.c what is said about a refusal. We are a host: nothing is forwarded.
 * Packets may come in by any interface for any of our addresses (RFC 1122 section 3.3.4.2, the weak
 * model), but for loopback and link-local ones. RFC 1122 section 3.2.1, RFC 6274, RFC 8200.
 */
#include "ip/ip.h"
#include "util/rule.h"

#include "wire/icmp.h"

static size_t sum_pieces(const tct_frame *f) {
  size_t sum = 0;
  for (uint32_t i = 0; i < f->n_iov; i++)
    sum += f->iov[i].len;
  return sum;
}

/* `seg` is TCP's, and only where there is a trace; the header is cleared by who reads it. */
static tct_verdict parse(uint32_t ifi, const tct_frame *f, struct tct_pkt *p) {
  const size_t from = offsetof(struct tct_pkt, ifi);
  memset((uint8_t *)p + from, 0, offsetof(struct tct_pkt, seg) - from);
  p->ifi = ifi;
  p->iov = f->iov;
  p->n_iov = f->n_iov;
  p->at = f->at;
  p->csum = f->csum;
  p->seg_size = f->seg_size;
  p->ip.family = 0;
  if (f->n_iov == 0)
    return TCT_DROP_IP_SHORT;
  size_t len = tct_min_size(f->len, f->n_iov == 1 ? f->iov[0].len : sum_pieces(f));
  size_t have = tct_min_size(f->iov[0].len, len);
  tct_verdict v = tct_wire_ip_parse(f->iov[0].base, have, len, &p->ip);
  p->l4 = p->ip.payload;
  p->l4_have = p->ip.payload_have;
  p->l4_len = p->ip.payload_len;
  p->l4_at = p->ip.header_len;
  return v;
}

/* An IPv6 header with our form of IPv4 addresses never gets here: upstairs nobody could tell. */
static tct_verdict check_source(const tct_stack *s, const struct tct_pkt *p) {
  TCT_CHECKED(tct_wire_ip_family(&p->ip.src) == p->ip.family);
  TCT_CHECKED(tct_wire_ip_family(&p->ip.dst) == p->ip.family);
  bool bad =
      tct_ip_is_bad_source(s, p->ifi, p->ip.src) && TCT_RULE(MUST_63); /* [RFC9293 MUST-63] */
  return bad ? TCT_DROP_IP_SOURCE : TCT_ACCEPTED;
}

static tct_verdict check_destination(const tct_stack *s, const struct tct_pkt *p) {
  tct_addr dst = p->ip.dst;
  const struct tct_iface *ifc = &s->ifs[p->ifi];
  if (tct_ip_is_multicast(dst))
    return tct_ip_addr_is_all_nodes(dst) ? TCT_ACCEPTED : TCT_DROP_IP_NOT_FOR_US;
  if (tct_ip_is_broadcast(s, dst))
    return TCT_ACCEPTED;
  if (!tct_ip_addr_is_unicast(dst))
    return TCT_DROP_IP_NOT_FOR_US;
  if (tct_ip_addr_is_loopback(dst) && !ifc->cfg.loopback)
    return TCT_DROP_IP_NOT_FOR_US;
  if (ifc->cfg.any_dst)
    return TCT_ACCEPTED;
  bool ours =
      tct_ip_addr_is_link_local(dst) ? tct_ip_addr_is_on(s, dst, p->ifi) : tct_ip_is_local(s, dst);
  return ours ? TCT_ACCEPTED : TCT_DROP_IP_NOT_FOR_US;
}

/* Segments merged by a device are merged TCP or UDP; anything else that claims so is a lie. */
static tct_verdict check_super(const struct tct_pkt *p) {
  bool may = !p->ip.is_frag && (p->ip.proto == TCT_IPPROTO_TCP || p->ip.proto == TCT_IPPROTO_UDP);
  return p->seg_size == 0 || may ? TCT_ACCEPTED : TCT_DROP_IP_TOTAL_LEN;
}

static __attribute__((noinline)) tct_verdict refuse_protocol(tct_stack *s,
                                                             const struct tct_pkt *p) {
  struct tct_ip_problem what;
  if (p->ip.family == 4) /* tunnels end here too: nothing is ever unpacked */
    what = tct_wire_icmp_problem(4, TCT_ICMP_UNREACH_PROTO);
  else
    what = (struct tct_ip_problem){
        .type = 4, .code = 1, .report = true, .pointer = p->ip.proto_offset};
  tct_icmp_send_error(s, p, what);
  return TCT_DROP_NO_PROTOCOL;
}

TCT_HOT static tct_verdict deliver(tct_stack *s, struct tct_pkt *p) {
  uint8_t proto = p->ip.proto;
  if (proto == TCT_IPPROTO_TCP)
    return tct_tcp_input(s, p); /* which refuses what was sent to a group [RFC9293 MUST-57] */
  if (proto == TCT_IPPROTO_UDP)
    return tct_udp_input(s, p);
  if (proto == (p->ip.family == 4 ? TCT_IPPROTO_ICMP : TCT_IPPROTO_ICMP6))
    return tct_icmp_input(s, p);
  return refuse_protocol(s, p);
}

static tct_verdict reassemble(tct_stack *s, struct tct_pkt *p) {
  struct tct_ip_whole whole = {.buf = NULL};
  tct_verdict v = tct_ip_reasm_input(s, p, &whole);
  if (v == TCT_ACCEPTED)
    v = tct_stack_owner_is_us_whole(s, &p->ip) ? deliver(s, p) : TCT_DROP_OTHER_CORE;
  else if (p->reassembled && p->ip.problem.type != 0)
    tct_icmp_send_error(s, p, p->ip.problem);
  tct_ip_reasm_release(s, &whole);
  return v;
}

/* By the bytes that differ most among peers. */
static struct tct_ip_pair *place_of_pair(const tct_stack *s, const struct tct_pkt *p) {
  uint32_t mix = p->ip.src.b[15] ^ (uint32_t)p->ip.src.b[14] * 5 ^ (uint32_t)p->ip.dst.b[15] * 11;
  return &s->ip->pairs[(mix ^ p->ifi) % TCT_IP_PAIRS];
}

static bool is_known_pair(const struct tct_ip_pair *pair, const struct tct_pkt *p) {
  return pair->known && pair->ifi == p->ifi && memcmp(&pair->src, &p->ip.src, 16) == 0 &&
         memcmp(&pair->dst, &p->ip.dst, 16) == 0;
}

/* Groups stay out: there are few packets to them, and TCP takes none. */
static void remember_pair(tct_stack *s, struct tct_ip_pair *pair, const struct tct_pkt *p) {
  if (tct_ip_is_multicast(p->ip.dst) || tct_ip_is_broadcast(s, p->ip.dst))
    return;
  *pair = (struct tct_ip_pair){p->ip.src, p->ip.dst, p->ifi, true};
}

static tct_verdict accept_or_refuse(tct_stack *s, struct tct_pkt *p, const tct_frame *f) {
  tct_verdict parsed = parse(p->ifi, f, p);
  if (p->ip.family == 0)
    return parsed;
  struct tct_ip_pair *pair = place_of_pair(s, p);
  p->known_pair = parsed == TCT_ACCEPTED && is_known_pair(pair, p);
  if (p->known_pair)
    return check_super(p);
  if (parsed != TCT_ACCEPTED && p->ip.problem.type == 0)
    return parsed;
  tct_verdict v = check_source(s, p);
  if (v == TCT_ACCEPTED)
    v = check_destination(s, p);
  if (v == TCT_ACCEPTED && parsed != TCT_ACCEPTED)
    tct_icmp_send_error(s, p, p->ip.problem);
  if (parsed != TCT_ACCEPTED)
    return parsed;
  if (v == TCT_ACCEPTED)
    remember_pair(s, pair, p);
  return v == TCT_ACCEPTED ? check_super(p) : v;
}

TCT_HOT tct_verdict tct_ip_input(tct_stack *s, uint32_t ifi, tct_frame *f) {
  struct tct_pkt p;
  s->n.InReceives++;
  tct_ip_reply_release(s, ifi);
  p.ifi = ifi;
  p.sock = (tct_sock){0, 0};
  tct_verdict v = s->ifs[ifi].up ? accept_or_refuse(s, &p, f) : TCT_DROP_IF_DOWN;
  if (v == TCT_ACCEPTED)
    v = p.ip.is_frag ? reassemble(s, &p) : deliver(s, &p);
  f->sock = p.sock;
  return v;
}
