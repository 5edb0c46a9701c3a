/* SPDX-License-Identifier: MIT */
/*
 * route.c - which interface leads to an address: the longest prefix whose interface is up.
 *
 * tct_route_add and tct_route_del are public; ip_path.c asks; ip_addr.c says which subnets are
 * on-link. A sorted table with a binary search in each length that is in use: connections keep what
 * they found. An IPv4 address never matches a route shorter than 96 bits, so that ::/0 is IPv6's
 * default only. RFC 1122 section 3.3.1.
 */
#include "ip/ip.h"

#include "wire/bytes.h"

enum { GROW_FROM = 8, IPV4_BITS = 96 };

/* Longest first, then by prefix, then added before on-link, then by interface. */
static int compare(const struct tct_ip_route *a, const struct tct_ip_route *b) {
  if (a->bits != b->bits)
    return a->bits > b->bits ? -1 : 1;
  int order = memcmp(a->prefix.b, b->prefix.b, 16);
  if (order != 0)
    return order;
  if ((a->addrs == 0) != (b->addrs == 0))
    return a->addrs == 0 ? -1 : 1;
  if (a->addrs == 0 || a->ifi == b->ifi)
    return 0; /* of added ones there is one a prefix */
  return a->ifi < b->ifi ? -1 : 1;
}

/* First route that does not come before r. */
static uint32_t find_place(const struct tct_ip_routes *t, const struct tct_ip_route *r) {
  uint32_t low = 0, high = t->n;
  while (low < high) {
    uint32_t mid = low + (high - low) / 2;
    if (compare(&t->at[mid], r) < 0)
      low = mid + 1;
    else
      high = mid;
  }
  return low;
}

static struct tct_ip_route *find_same(const struct tct_ip_routes *t, const struct tct_ip_route *r) {
  uint32_t i = find_place(t, r);
  return i < t->n && compare(&t->at[i], r) == 0 ? &t->at[i] : NULL;
}

static bool insert(tct_stack *s, const struct tct_ip_route *r) {
  struct tct_ip_routes *t = &s->ip->routes;
  if (t->n == t->cap) {
    uint32_t cap = t->cap == 0 ? GROW_FROM : t->cap * 2;
    void *at = tct_ip_addr_regrow(s, t->at, t->cap * sizeof *t->at, cap * sizeof *t->at);
    if (at == NULL)
      return false;
    t->at = at;
    t->cap = cap;
  }
  TCT_ASSERT(t->at != NULL);
  uint32_t i = find_place(t, r);
  memmove(t->at + i + 1, t->at + i, (t->n - i) * sizeof *t->at);
  t->at[i] = *r;
  t->n++;
  t->changes++;
  t->count[r->bits]++;
  tct_ip_path_forget(s);
  return true;
}

static void erase(tct_stack *s, struct tct_ip_route *r) {
  struct tct_ip_routes *t = &s->ip->routes;
  uint32_t i = (uint32_t)(r - t->at);
  t->count[r->bits]--;
  t->n--;
  t->changes++;
  memmove(t->at + i, t->at + i + 1, (t->n - i) * sizeof *t->at);
  tct_ip_path_forget(s);
}

void tct_route_deinit(tct_stack *s) {
  struct tct_ip_routes *t = &s->ip->routes;
  tct_stack_free(s, t->at, t->cap * sizeof *t->at);
  memset(t, 0, sizeof *t);
}

/* Does r's interface take it now? Loopback addresses never leave by another. */
static bool is_usable(const tct_stack *s, const struct tct_ip_route *r, tct_addr dst,
                      uint32_t ifi_want, int *err) {
  const struct tct_iface *ifc = &s->ifs[r->ifi];
  if (ifi_want != TCT_IP_NO_IF && r->ifi != ifi_want)
    return false;
  if (tct_ip_addr_is_loopback(dst) && !ifc->cfg.loopback)
    return false;
  if (!ifc->up)
    *err = TCT_ENETDOWN;
  return ifc->up;
}

const struct tct_ip_route *tct_route_find(const tct_stack *s, tct_addr dst, uint32_t ifi_want,
                                          int *err) {
  const struct tct_ip_routes *t = &s->ip->routes;
  uint32_t end = 0;
  unsigned last = tct_bytes_addr_is_ipv4(&dst) ? IPV4_BITS : 0;
  *err = TCT_ENETUNREACH;
  while (end < t->n && t->at[end].bits >= last) {
    unsigned bits = t->at[end].bits; /* the next length that is in use */
    end += t->count[bits];
    struct tct_ip_route key = {.prefix = tct_ip_addr_mask(dst, bits), .bits = (uint8_t)bits};
    uint32_t i = find_place(t, &key);
    for (; i < end && tct_ip_equal(t->at[i].prefix, key.prefix); i++)
      if (is_usable(s, &t->at[i], dst, ifi_want, err))
        return &t->at[i];
  }
  return NULL;
}

bool tct_route_link_add(tct_stack *s, tct_addr a, unsigned bits, uint32_t ifi) {
  struct tct_ip_route r = {
      .prefix = tct_ip_addr_mask(a, bits), .ifi = ifi, .addrs = 1, .bits = (uint8_t)bits};
  struct tct_ip_route *same = find_same(&s->ip->routes, &r);
  if (same == NULL)
    return insert(s, &r);
  same->addrs++;
  return true;
}

void tct_route_link_del(tct_stack *s, tct_addr a, unsigned bits, uint32_t ifi) {
  struct tct_ip_route r = {
      .prefix = tct_ip_addr_mask(a, bits), .ifi = ifi, .addrs = 1, .bits = (uint8_t)bits};
  struct tct_ip_route *same = find_same(&s->ip->routes, &r);
  TCT_ASSERT(same != NULL);
  same->addrs--;
  if (same->addrs == 0)
    erase(s, same);
}

/* TCT_EINVAL for a prefix with bits set behind its end: more likely a slip than a wish. */
static int make_key(tct_addr dst, unsigned prefix_len, struct tct_ip_route *r) {
  bool v4 = tct_bytes_addr_is_ipv4(&dst);
  if (prefix_len > (v4 ? 32u : 128u))
    return TCT_EINVAL;
  unsigned bits = v4 ? prefix_len + IPV4_BITS : prefix_len;
  *r = (struct tct_ip_route){.prefix = dst, .bits = (uint8_t)bits};
  return tct_ip_equal(tct_ip_addr_mask(dst, bits), dst) ? TCT_OK : TCT_EINVAL;
}

int tct_route_add(tct_stack *s, tct_addr dst, unsigned prefix_len, tct_addr gateway, tct_if i) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  if (ifc == NULL)
    return TCT_EBADF;
  struct tct_ip_route r;
  int err = make_key(dst, prefix_len, &r);
  if (err != TCT_OK)
    return err;
  bool same_family = tct_bytes_addr_is_ipv4(&gateway) == tct_bytes_addr_is_ipv4(&dst);
  if (!tct_ip_is_any(gateway) && (!same_family || !tct_ip_addr_is_unicast(gateway)))
    return TCT_EINVAL;
  r.gateway = gateway;
  r.ifi = (uint32_t)(ifc - s->ifs);
  if (find_same(&s->ip->routes, &r) != NULL)
    return TCT_EEXIST;
  if (s->ip->routes.n_added >= s->cfg.limits.routes)
    return TCT_ENOBUFS;
  if (!insert(s, &r))
    return TCT_ENOMEM;
  s->ip->routes.n_added++;
  return TCT_OK;
}

int tct_route_del(tct_stack *s, tct_addr dst, unsigned prefix_len) {
  struct tct_ip_route r;
  int err = make_key(dst, prefix_len, &r);
  if (err != TCT_OK)
    return err;
  struct tct_ip_route *same = find_same(&s->ip->routes, &r);
  if (same == NULL)
    return TCT_ENOENT;
  erase(s, same);
  s->ip->routes.n_added--;
  return TCT_OK;
}
