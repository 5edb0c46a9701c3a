/* SPDX-License-Identifier: MIT */
/*
 * ip_path.c - where packets to somebody leave, and from which of our addresses.
 *
 * Asked by TCP and UDP when a peer is first named, and for each ICMP answer. Leaves to route.c the
 * longest match and to the caller whether a broadcast is allowed. Source choice is RFC 6724
 * section 5: rules 1, 2, 5, 6 and 8 (we have no deprecated, home or temporary addresses), with the
 * default policy table of section 2.1.
 */
#include "ip/ip.h"

#include "wire/bytes.h"

enum { SCOPE_INTERFACE = 1, SCOPE_LINK = 2, SCOPE_SITE = 5, SCOPE_GLOBAL = 14 };

static unsigned get_scope(tct_addr a) {
  if (tct_bytes_addr_is_ipv4(&a)) {
    bool link = a.b[12] == 127 || (a.b[12] == 169 && a.b[13] == 254);
    return link ? SCOPE_LINK : SCOPE_GLOBAL;
  }
  if (a.b[0] == 0xff)
    return a.b[1] & 15;
  if (tct_ip_addr_is_link_local(a) || tct_ip_addr_is_loopback(a))
    return SCOPE_LINK;
  return a.b[0] == 0xfe && (a.b[1] & 0xc0) == 0xc0 ? SCOPE_SITE : SCOPE_GLOBAL;
}

struct policy {
  tct_addr prefix;
  uint8_t bits, label;
};

static const struct policy policies[] = {
    /* longest first, so that the first match is the best */
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}}, 128, 0},
    {{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}}, 96, 4},
    {{{0}}, 96, 3},
    {{{0x20, 0x01}}, 32, 5},
    {{{0x20, 0x02}}, 16, 2},
    {{{0x3f, 0xfe}}, 16, 12},
    {{{0xfe, 0xc0}}, 10, 11},
    {{{0xfc}}, 7, 13},
    {{{0}}, 0, 1},
};

static unsigned get_label(tct_addr a) {
  for (size_t i = 0; i < TCT_ARRAY_LEN(policies); i++)
    if (tct_ip_addr_common_bits(a, policies[i].prefix) >= policies[i].bits)
      return policies[i].label;
  return 1;
}

struct aim { /* what sources are measured against */
  tct_addr dst;
  uint32_t ifi;
  unsigned scope, label;
};

/* RFC 6724 counts no further than the source's own prefix. */
static unsigned get_match(const struct tct_ip_addr *a, const struct aim *aim) {
  return tct_min_u32(tct_ip_addr_common_bits(a->addr, aim->dst), a->prefix_bits);
}

/* Is a a better source than b? One rule a step. */
static bool is_better(const struct tct_ip_addr *a, const struct tct_ip_addr *b,
                      const struct aim *aim) {
  bool same_a = tct_ip_equal(a->addr, aim->dst), same_b = tct_ip_equal(b->addr, aim->dst);
  if (same_a != same_b)
    return same_a;
  unsigned scope_a = get_scope(a->addr), scope_b = get_scope(b->addr);
  if (scope_a != scope_b)
    return scope_a < scope_b ? scope_a >= aim->scope : scope_b < aim->scope;
  if ((a->ifi == aim->ifi) != (b->ifi == aim->ifi))
    return a->ifi == aim->ifi;
  bool label_a = get_label(a->addr) == aim->label, label_b = get_label(b->addr) == aim->label;
  if (label_a != label_b)
    return label_a;
  unsigned match_a = get_match(a, aim), match_b = get_match(b, aim);
  if (match_a != match_b)
    return match_a > match_b;
  return a->order < b->order;
}

/* Addresses of a narrow scope serve their own interface only; loopback ones loopback peers only. */
static bool is_candidate(const struct tct_ip_addr *a, const struct aim *aim) {
  if (tct_bytes_addr_is_ipv4(&a->addr) != tct_bytes_addr_is_ipv4(&aim->dst))
    return false;
  if (tct_ip_addr_is_loopback(a->addr) && !tct_ip_addr_is_loopback(aim->dst))
    return tct_ip_equal(a->addr, aim->dst);
  return a->ifi == aim->ifi || !tct_ip_addr_is_link_local(a->addr);
}

static const struct tct_ip_addr *choose_source(const tct_stack *s, const struct aim *aim) {
  const struct tct_ip_addrs *own = &s->ip->addrs;
  const struct tct_ip_addr *best = NULL;
  for (uint32_t i = 0; i < own->n; i++) {
    const struct tct_ip_addr *a = &own->at[i];
    if (is_candidate(a, aim) && (best == NULL || is_better(a, best, aim)))
      best = a;
  }
  return best;
}

static uint32_t find_loopback_if(const tct_stack *s) {
  for (uint32_t i = 0; i < s->n_ifs; i++)
    if (s->ifs[i].cfg.loopback && s->ifs[i].up)
      return i;
  return TCT_IP_NO_IF;
}

static bool is_group(const tct_stack *s, tct_addr a) {
  return tct_ip_is_multicast(a) || tct_ip_is_broadcast(s, a);
}

/* Gateways answer for everybody on the interface they were asked on, and a group is reached on the
 * interface that is named: neither needs a route. */
static bool needs_route(const tct_stack *s, tct_addr dst, uint32_t ifi_want) {
  if (ifi_want == TCT_IP_NO_IF)
    return true;
  return !s->ifs[ifi_want].cfg.any_dst && !is_group(s, dst);
}

static int choose_if(const tct_stack *s, tct_addr dst, uint32_t ifi_want, uint32_t *ifi) {
  if (ifi_want != TCT_IP_NO_IF && !s->ifs[ifi_want].up)
    return TCT_ENETDOWN;
  if (ifi_want == TCT_IP_NO_IF && tct_ip_addr_is_link_local(dst))
    return TCT_ENETUNREACH; /* each link has its own: the caller must say which */
  if (ifi_want == TCT_IP_NO_IF && tct_ip_is_local(s, dst)) {
    *ifi = find_loopback_if(s);
    if (*ifi != TCT_IP_NO_IF)
      return TCT_OK;
  }
  int err;
  const struct tct_ip_route *r = tct_route_find(s, dst, ifi_want, &err);
  if (r == NULL && needs_route(s, dst, ifi_want))
    return err;
  *ifi = r != NULL ? r->ifi : ifi_want;
  return TCT_OK;
}

/* All but the path's MTU, which is learnt and forgotten at any time. */
static int choose(tct_stack *s, tct_addr dst, tct_addr src_want, uint32_t ifi_want,
                  struct tct_ip_path *out) {
  int err = choose_if(s, dst, ifi_want, &out->ifi);
  if (err != TCT_OK)
    return err;
  if (tct_ip_is_any(src_want)) {
    struct aim aim = {dst, out->ifi, get_scope(dst), get_label(dst)};
    const struct tct_ip_addr *a = choose_source(s, &aim);
    if (a == NULL)
      return TCT_EADDRNOTAVAIL;
    out->src = a->addr;
  } else {
    bool other_family = tct_bytes_addr_is_ipv4(&src_want) != tct_bytes_addr_is_ipv4(&dst);
    if (other_family || (!tct_ip_is_local(s, src_want) && !s->ifs[out->ifi].cfg.any_dst))
      return TCT_EADDRNOTAVAIL;
    out->src = src_want;
  }
  return TCT_OK;
}

int tct_ip_path(tct_stack *s, tct_addr dst, tct_addr src_want, uint32_t ifi_want,
                struct tct_ip_path *out) {
  struct tct_ip_asked *last = &s->ip->asked;
  TCT_ASSERT(ifi_want == TCT_IP_NO_IF || ifi_want < s->n_ifs);
  bool again = last->known && last->ifi_want == ifi_want && tct_ip_equal(last->dst, dst) &&
               tct_ip_equal(last->src_want, src_want);
  if (again) {
    out->ifi = last->ifi;
    out->src = last->src;
  } else {
    int err = choose(s, dst, src_want, ifi_want, out);
    if (err != TCT_OK)
      return err;
    *last = (struct tct_ip_asked){dst, src_want, out->src, ifi_want, out->ifi, true};
  }
  out->mtu = tct_ip_pmtu(s, dst, out->ifi);
  return TCT_OK;
}

void tct_ip_path_forget(tct_stack *s) {
  s->ip->asked.known = false;
}
