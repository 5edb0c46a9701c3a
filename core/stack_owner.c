/* SPDX-License-Identifier: MIT */
/*
 * stack_owner.c - which of several stacks that share an address a conversation belongs to: one
 * stack a core, nothing shared, each conversation with the stack that its tuple's hash names. The
 * hash's key is the table's, so all of them must have been given the same tct_keys.
 *
 * Asked by whoever moves frames between cores (host/mesh.c), by ip/ of what it has put together
 * from fragments, which every stack gets, and by tcp/ when it chooses a port.
 */
#include "stack.h"
#include "util/siphash.h"
#include "wire/bytes.h"
#include "wire/icmp.h"

enum { PORTS_LEN = 4 };

static uint32_t find_owner(const tct_stack *s, const struct tct_conversation *c) {
  uint8_t b[36];
  memcpy(b, c->local.b, 16);
  memcpy(b + 16, c->remote.b, 16);
  tct_bytes_put16(b + 32, c->lport);
  tct_bytes_put16(b + 34, c->rport);
  return (uint32_t)(tct_siphash13(s->keys.table, b, sizeof b) >> 32) % s->cfg.cores;
}

bool tct_stack_owner_is_us(const tct_stack *s, const struct tct_conversation *c) {
  return s->cfg.cores < 2 || find_owner(s, c) == s->cfg.core;
}

static bool is_icmp(const struct tct_ip_hdr *ip) {
  return ip->proto == (ip->family == 4 ? TCT_IPPROTO_ICMP : TCT_IPPROTO_ICMP6);
}

/* An error belongs to whom it quotes, and there we are the sender. */
static bool read_quote(const struct tct_ip_hdr *ip, struct tct_conversation *c) {
  struct tct_icmp_hdr h;
  struct tct_icmp_quote q;
  if (!is_icmp(ip) ||
      tct_wire_icmp_parse(ip->family, ip->payload, ip->payload_have, &h) != TCT_ACCEPTED ||
      !tct_icmp_kind_is_error(h.kind))
    return false;
  if (!tct_wire_icmp_parse_quote(ip->family, h.body, h.body_len, &q) || !q.has_ports)
    return false;
  *c = (struct tct_conversation){q.src, q.dst, q.sport, q.dport};
  return true;
}

/* False: no ports, so anybody may answer. */
static bool read_conversation(const struct tct_ip_hdr *ip, struct tct_conversation *c) {
  bool ports = ip->proto == TCT_IPPROTO_TCP || ip->proto == TCT_IPPROTO_UDP;
  if (!ports || ip->payload_have < PORTS_LEN)
    return read_quote(ip, c);
  *c = (struct tct_conversation){ip->dst, ip->src, tct_bytes_get16(ip->payload + 2),
                                 tct_bytes_get16(ip->payload)};
  return true;
}

/* Without ports the addresses decide: of all who put the fragments together, one may answer. */
bool tct_stack_owner_is_us_whole(const tct_stack *s, const struct tct_ip_hdr *ip) {
  struct tct_conversation c;
  if (s->cfg.cores < 2)
    return true;
  if (!read_conversation(ip, &c))
    c = (struct tct_conversation){ip->dst, ip->src, 0, 0};
  return find_owner(s, &c) == s->cfg.core;
}

int tct_frame_owner(const tct_stack *s, const tct_frame *f) {
  struct tct_ip_hdr ip;
  struct tct_conversation c;
  if (s->cfg.cores < 2 || f->n_iov == 0 ||
      tct_wire_ip_parse(f->iov[0].base, f->iov[0].len, f->len, &ip) != TCT_ACCEPTED)
    return TCT_OWNER_ANY;
  if (ip.is_frag)
    return TCT_OWNER_ALL;
  return read_conversation(&ip, &c) ? (int)find_owner(s, &c) : TCT_OWNER_ANY;
}
