/* SPDX-License-Identifier: MIT */
/*
 * icmp.c - ICMP of both families: echo, errors in, errors out.
 *
 * Called by ip_input.c with messages and by anybody with a reason for an error. Leaves the bytes to
 * wire/icmp and the belief in an error to the transport that it quotes (RFC 5927): a stranger must
 * have guessed a live tuple, and for TCP a sequence number in flight, before anything happens.
 * RFC 792, RFC 1122 section 3.2.2, RFC 4443, RFC 1191, RFC 8201, RFC 6633 (quench is ignored).
 */
#include "ip/ip.h"

#include "util/pieces.h"
#include "util/plant.h"
#include "util/rule.h"
#include "wire/icmp.h"

enum { ERR_NO_NET = -64 /* Linux's ENONET: for host isolated, nowhere else */ };
enum { ECN_BITS = 3, MESSAGE_COST_MS = 1000 / TCT_ICMP_LIMIT_PER_S };

/* ---- errors out ----------------------------------------------------------------------------- */

void tct_icmp_init(tct_stack *s) {
  for (uint32_t i = 0; i < TCT_ICMP_LIMIT_BUCKETS; i++)
    s->ip->icmp_limit[i] = (struct tct_icmp_bucket){
        .credit_ms = TCT_ICMP_LIMIT_BURST * MESSAGE_COST_MS, .at_ms = s->now_ms};
}

/* A bucket for each hash value of the destination (IPv6: its /64), and no budget shared by all: so
 * nobody learns from the answers to himself how many others got (RFC 4443 2.4(f) without the side
 * channel of a global counter). The ceiling follows from the table's size: 512 buckets of 5 a
 * second are 2560 messages a second, at most 576 or 1280 bytes each. Two peers share a bucket by a
 * secret key only, and the random part of the cost keeps one from counting the other's messages. */
static bool may_send(tct_stack *s, tct_addr dst) {
  tct_addr net = tct_addr_is_ipv4(dst) ? dst : tct_ip_addr_mask(dst, 64);
  uint64_t hash = tct_ip_hash(s, TCT_IP_HASH_ICMP_LIMIT, net, (tct_addr){{0}}, 0);
  struct tct_icmp_bucket *b = &s->ip->icmp_limit[hash % TCT_ICMP_LIMIT_BUCKETS];
  uint32_t now_ms = s->now_ms;
  uint32_t credit = tct_add_sat_u32(b->credit_ms, tct_ms32_since(now_ms, b->at_ms));
  b->credit_ms = tct_min_u32(credit, TCT_ICMP_LIMIT_BURST * MESSAGE_COST_MS);
  b->at_ms = now_ms;
  uint32_t cost = MESSAGE_COST_MS + tct_prng_below(&s->prng, MESSAGE_COST_MS / 4);
  if (b->credit_ms < cost) {
    s->verdicts[TCT_DROP_ICMP_LIMIT]++;
    return false;
  }
  b->credit_ms -= cost;
  return true;
}

/* Errors about errors would never end. What cannot be read might be one. */
static bool is_about_error(const struct tct_pkt *p) {
  if (p->ip.proto != TCT_IPPROTO_ICMP && p->ip.proto != TCT_IPPROTO_ICMP6)
    return false;
  if (p->ip.payload == NULL || p->ip.frag_off_bytes != 0)
    return true;
  struct tct_icmp_hdr h;
  if (tct_wire_icmp_parse(p->ip.family, p->ip.payload, p->ip.payload_have, &h) != TCT_ACCEPTED)
    return true;
  return h.kind == TCT_ICMP_REDIRECT || tct_icmp_kind_is_error(h.kind);
}

static bool is_group(const tct_stack *s, tct_addr a) {
  return tct_ip_is_multicast(a) || tct_ip_is_broadcast(s, a);
}

/* RFC 4443 2.4(e.3): an unknown option that asks for a report, also from a group. */
static bool may_answer_group(const struct tct_pkt *p, const struct tct_ip_problem *what) {
  return p->ip.family == 6 && what->type == 4 && what->code == 2;
}

/* RFC 1122 3.2.2 and RFC 4443 2.4(e). A later IPv6 fragment may be malformed in itself, and RFC
 * 8200 4.5 wants that told. */
static bool should_send(const tct_stack *s, const struct tct_pkt *p,
                        const struct tct_ip_problem *what) {
  if (!what->report || p->ip.family == 0)
    return false;
  if (tct_ip_is_bad_source(s, p->ifi, p->ip.src))
    return false;
  if (is_group(s, p->ip.dst) && !may_answer_group(p, what))
    return false;
  bool malformed6 = p->ip.family == 6 && what->type == 4;
  if (p->ip.frag_off_bytes != 0 && !malformed6)
    return false;
  return !is_about_error(p) || TCT_PLANT(ERROR_ANSWERS_ERROR);
}

/* Back by the routes we have; to a link-local peer, or as a gateway, where it came from. */
static bool aim(tct_stack *s, const struct tct_pkt *p, struct tct_ip_tx *tx) {
  struct tct_ip_path path;
  tct_addr src = is_group(s, p->ip.dst) ? (tct_addr){{0}} : p->ip.dst;
  bool here = tct_ip_addr_is_link_local(p->ip.src) || s->ifs[p->ifi].cfg.any_dst ||
              s->ifs[p->ifi].cfg.loopback;
  if (tct_ip_path(s, p->ip.src, src, here ? p->ifi : TCT_IP_NO_IF, &path) != TCT_OK)
    return false;
  *tx = (struct tct_ip_tx){.src = path.src,
                           .dst = p->ip.src,
                           .ifi = path.ifi,
                           .hop_limit = s->cfg.hop_limit,
                           .proto = p->ip.family == 4 ? TCT_IPPROTO_ICMP : TCT_IPPROTO_ICMP6};
  return true;
}

void tct_icmp_send_error(tct_stack *s, const struct tct_pkt *p, struct tct_ip_problem what) {
  struct tct_ip_tx tx;
  if (!should_send(s, p, &what) || !aim(s, p, &tx) || !may_send(s, tx.dst))
    return;
  uint8_t quote[TCT_ICMP6_ERROR_MAX], message[TCT_ICMP6_ERROR_MAX];
  size_t len = tct_min_size((size_t)p->ip.header_len + p->ip.payload_len, sizeof quote);
  struct tct_icmp_error e = {.what = what, .quote = quote};
  e.quote_len = tct_pieces_copy(quote, p->iov, p->n_iov, 0, len);
  len = tct_wire_icmp_emit_error(message, sizeof message, &tx.src, &tx.dst, &e);
  if (TCT_NEVER_HAPPENS(len == 0))
    return;
  if (tct_ip_reply(s, &tx, message, (uint32_t)len, TCT_WHY_ICMP_ERROR))
    s->n.OutIcmpErrors++;
}

/* ---- echo ----------------------------------------------------------------------------------- */

/* The same data back, from the address that was asked. Never for a group: smurf. */
static tct_verdict answer_echo(tct_stack *s, const struct tct_pkt *p,
                               const struct tct_icmp_hdr *h) {
  s->n.InEchos++;
  if (is_group(s, p->ip.dst))
    return TCT_DROP_IP_BROADCAST;
  struct tct_ip_tx tx;
  if (!aim(s, p, &tx))
    return TCT_ACCEPTED;
  size_t cap = TCT_ICMP_HEADER_LEN + h->body_len;
  uint8_t *message = tct_stack_alloc(s, cap);
  if (message == NULL)
    return TCT_DROP_NO_MEMORY;
  struct tct_icmp_echo echo = {true, h->id, h->seq, h->body, h->body_len};
  size_t len = tct_wire_icmp_emit_echo(message, cap, &tx.src, &tx.dst, &echo);
  tx.tclass = (uint8_t)(p->ip.tclass & ~ECN_BITS);
  bool queued = tct_ip_reply(s, &tx, message, (uint32_t)len, TCT_WHY_ECHO_REPLY);
  tct_stack_free(s, message, cap);
  if (!queued)
    return TCT_DROP_REPLY_QUEUE_FULL;
  s->n.OutEchoReps++;
  return TCT_ACCEPTED;
}

/* ---- errors in ------------------------------------------------------------------------------ */

/* Linux's choice of errno, code by code. */
static int get_unreach_err4(uint8_t code) {
  static const int16_t err[16] = {
      TCT_ENETUNREACH,  TCT_EHOSTUNREACH, TCT_ENOPROTOOPT,  TCT_ECONNREFUSED,
      TCT_EMSGSIZE,     TCT_EOPNOTSUPP,   TCT_ENETUNREACH,  TCT_EHOSTDOWN,
      ERR_NO_NET,       TCT_ENETUNREACH,  TCT_EHOSTUNREACH, TCT_ENETUNREACH,
      TCT_EHOSTUNREACH, TCT_EHOSTUNREACH, TCT_EHOSTUNREACH, TCT_EHOSTUNREACH};
  return code < TCT_ARRAY_LEN(err) ? err[code] : TCT_EHOSTUNREACH;
}

static int get_unreach_err6(uint8_t code) {
  static const int16_t err[7] = {TCT_ENETUNREACH,  TCT_EACCES, TCT_EHOSTUNREACH, TCT_EHOSTUNREACH,
                                 TCT_ECONNREFUSED, TCT_EACCES, TCT_EACCES};
  return code < TCT_ARRAY_LEN(err) ? err[code] : TCT_EPROTO;
}

static int get_err(uint8_t family, const struct tct_icmp_hdr *h) {
  switch (h->kind) {
  case TCT_ICMP_PACKET_TOO_BIG:
  case TCT_ICMP_UNREACH_FRAG_NEEDED:
    return TCT_EMSGSIZE;
  case TCT_ICMP_TIME_EXCEEDED_TRANSIT:
  case TCT_ICMP_TIME_EXCEEDED_REASSEMBLY:
    return TCT_EHOSTUNREACH;
  case TCT_ICMP_PARAM_PROBLEM:
  case TCT_ICMP_ERROR_OTHER:
    return TCT_EPROTO;
  default:
    return family == 4 ? get_unreach_err4(h->code) : get_unreach_err6(h->code);
  }
}

/* What RFC 9293 3.9.2.2 counts as hard: codes 2 to 4, and in ICMPv6 1 and 4. */
static bool is_hard(uint8_t family, const struct tct_icmp_hdr *h) {
  if (h->kind == TCT_ICMP_PACKET_TOO_BIG)
    return true;
  if (family == 4)
    return h->type == 3 && h->code >= 2 && h->code <= 4;
  return h->type == 1 && (h->code == 1 || h->code == 4);
}

static bool is_too_big(enum tct_icmp_kind kind) {
  return kind == TCT_ICMP_UNREACH_FRAG_NEEDED || kind == TCT_ICMP_PACKET_TOO_BIG;
}

/* The interface that the quoted packet left by, as far as routing still says so. */
static uint32_t find_out_if(const tct_stack *s, const struct tct_pkt *p, tct_addr dst) {
  int err;
  bool here = tct_ip_addr_is_link_local(dst) || s->ifs[p->ifi].cfg.any_dst;
  const struct tct_ip_route *r = tct_route_find(s, dst, here ? p->ifi : TCT_IP_NO_IF, &err);
  return r == NULL ? p->ifi : r->ifi;
}

/* A too-big must make sense: of a packet that is larger than what it allows, and allowing less than
 * our own link does. 0: it does not. Below the family's floor, IPv6 says to throw it away (RFC 8201
 * 4) and IPv4 gets the floor: whoever wants tiny segments wants harm. */
static uint32_t get_mtu(const tct_stack *s, uint32_t ifi, const struct tct_icmp_hdr *h,
                        const struct tct_icmp_quote *q) {
  bool v4 = tct_addr_is_ipv4(q->dst);
  uint32_t mtu = h->mtu;
  if (v4 && mtu == 0)
    mtu = tct_pmtu_plateau(q->total_len);
  if (s->cfg.profile != TCT_PROFILE_LINUX && q->total_len != 0 && mtu >= q->total_len)
    return 0;
  if (mtu >= s->ifs[ifi].cfg.mtu)
    return 0;
  if (v4 && TCT_PLANT(PMTU_BELOW_FLOOR))
    return tct_max_u32(mtu, 68);
  if (v4)
    return tct_min_u32(tct_max_u32(mtu, TCT_PMTU_FLOOR4), s->ifs[ifi].cfg.mtu);
  return mtu < TCT_PMTU_FLOOR6 ? 0 : mtu;
}

static tct_verdict ask_transport(tct_stack *s, uint8_t proto, const struct tct_icmp_event *e) {
  if (proto == TCT_IPPROTO_TCP)
    return tct_tcp_icmp_input(s, e); /* [RFC9293 MUST-54] */
  return proto == TCT_IPPROTO_UDP ? tct_udp_icmp_input(s, e) : TCT_DROP_ICMP_NO_SOCKET;
}

static tct_verdict take_error(tct_stack *s, const struct tct_pkt *p, const struct tct_icmp_hdr *h) {
  struct tct_icmp_quote q;
  if (!tct_wire_icmp_parse_quote(p->ip.family, h->body, h->body_len, &q) || !q.has_ports)
    return TCT_DROP_ICMP_QUOTE;
  bool ours = tct_ip_is_local(s, q.src) || s->ifs[p->ifi].cfg.any_dst;
  if (!ours || is_group(s, p->ip.dst))
    return TCT_DROP_ICMP_QUOTE;
  struct tct_icmp_event e = {.kind = (uint8_t)h->kind,
                             .code = h->code,
                             .err = get_err(p->ip.family, h),
                             .hard = is_hard(p->ip.family, h),
                             .local = q.src,
                             .remote = q.dst,
                             .lport = q.sport,
                             .rport = q.dport,
                             .seq = q.seq,
                             .has_seq = q.has_seq,
                             .ifi = p->ifi};
  if (!is_too_big(h->kind))
    return ask_transport(s, q.proto, &e);

  e.ifi = find_out_if(s, p, q.dst);
  e.mtu = get_mtu(s, e.ifi, h, &q);
  if (e.mtu == 0)
    return TCT_DROP_ICMP_QUOTE;
  tct_verdict v = ask_transport(s, q.proto, &e);
  if (v == TCT_ACCEPTED) {
    tct_pmtu_learn(s, q.dst, e.ifi, e.mtu);
    tct_tcp_on_mtu(s, e.ifi, q.dst, tct_ip_pmtu(s, q.dst, e.ifi));
  }
  return v;
}

/* ---- in ------------------------------------------------------------------------------------- */

static tct_verdict dispatch(tct_stack *s, struct tct_pkt *p, const uint8_t *message, size_t len) {
  if (p->csum == TCT_CSUM_CHECK && !tct_wire_icmp_checksum_ok(&p->ip.src, &p->ip.dst, message, len))
    return TCT_DROP_ICMP_CHECKSUM;
  struct tct_icmp_hdr h;
  tct_verdict v = tct_wire_icmp_parse(p->ip.family, message, len, &h);
  if (v != TCT_ACCEPTED)
    return v;
  if (h.kind == TCT_ICMP_ECHO_REQUEST)
    return answer_echo(s, p, &h);
  if (h.kind == TCT_ICMP_ECHO_REPLY)
    return TCT_DROP_ICMP_NO_SOCKET; /* we ask nobody */
  if (h.kind == TCT_ICMP_SOURCE_QUENCH && TCT_RULE(MUST_55))
    return TCT_DROP_ICMP_TYPE; /* [RFC9293 MUST-55] */
  if (!tct_icmp_kind_is_error(h.kind))
    return TCT_DROP_ICMP_TYPE;
  v = take_error(s, p, &h);
  if (TCT_PLANT(ERROR_ANSWERS_ERROR) && v == TCT_DROP_ICMP_NO_SOCKET)
    tct_icmp_send_error(s, p, tct_wire_icmp_problem(p->ip.family, TCT_ICMP_UNREACH_PORT));
  return v;
}

tct_verdict tct_icmp_input(tct_stack *s, struct tct_pkt *p) {
  if (p->l4_have == p->l4_len)
    return dispatch(s, p, p->l4, p->l4_len);
  uint8_t *flat = tct_stack_alloc(s, p->l4_len);
  if (flat == NULL)
    return TCT_DROP_NO_MEMORY;
  tct_pieces_copy(flat, p->iov, p->n_iov, p->l4_at, p->l4_len);
  tct_verdict v = dispatch(s, p, flat, p->l4_len);
  tct_stack_free(s, flat, p->l4_len);
  return v;
}
