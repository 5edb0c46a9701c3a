/* SPDX-License-Identifier: MIT */
/*
 * ra.c - what routers advertise: a default router, prefixes that are on link, addresses made from
 * them, the link's MTU. Only for interfaces with `autoconf`; on others nothing of it is believed.
 *
 * Called by nd.c with each advertisement, woken by link.c. Lists are short and full is full:
 * whoever floods gains nothing. Values beyond what is sane are passed over. Not taken: the hop
 * limit (it is tct_config's), preferred lifetimes (nothing is deprecated), more than one router at
 * a time. RFC 4861 sections 6.3.4 and 6.3.7, RFC 4862 section 5.5, RFC 7217.
 */
#include "link/link.h"

#include "ip/ip.h"
#include "util/siphash.h"

#define ASK_AGAIN_NS TCT_S(4)
#define STEP_NS TCT_S(1)
#define TWO_HOURS_NS TCT_S(7200)

enum { ASKS_MAX = 3, DUPLICATES_MAX = 3, MTU_MIN = 1280 };

static const tct_addr link_prefix = {{0xfe, 0x80}};
static const tct_addr everywhere; /* ::/0 */

static struct tct_ra *find(const tct_stack *s, uint32_t ifi) {
  for (uint32_t i = 0; i < s->link->n_ras; i++)
    if (s->link->ras[i].ifi == ifi)
      return &s->link->ras[i];
  return NULL;
}

int tct_ra_if_add(tct_stack *s, uint32_t ifi) {
  struct tct_link_state *l = s->link;
  struct tct_ra fresh = {.ifi = ifi, .step_at = s->now, .router_until = TCT_NEVER};
  struct tct_ra *again = find(s, ifi); /* of an interface that was not made in the end */
  if (again != NULL) {
    *again = fresh;
    return TCT_OK;
  }
  struct tct_ra *at =
      tct_ip_addr_regrow(s, l->ras, l->n_ras * sizeof *at, (l->n_ras + (size_t)1) * sizeof *at);
  if (at == NULL)
    return TCT_ENOMEM;
  l->ras = at;
  l->ras[l->n_ras++] = fresh;
  return TCT_OK;
}

void tct_ra_deinit(tct_stack *s) {
  tct_stack_free(s, s->link->ras, s->link->n_ras * sizeof *s->link->ras);
}

/* RFC 7217: the same here each time (as long as the keys are), another one elsewhere. */
static tct_addr make_addr(const tct_stack *s, const struct tct_ra *r, tct_addr prefix) {
  uint8_t in[15];
  tct_addr a = tct_ip_addr_mask(prefix, 64);
  memcpy(in, a.b, 8);
  memcpy(in + 8, s->ifs[r->ifi].cfg.mac, 6);
  in[14] = r->duplicates;
  uint64_t id = tct_siphash24(s->keys.port, in, sizeof in);
  for (int i = 0; i < 8; i++)
    a.b[8 + i] = (uint8_t)(id >> (8 * i));
  return a;
}

/* ---- router, prefixes ------------------------------------------------------------------------ */

static tct_time get_end(const tct_stack *s, uint32_t lifetime_s) {
  return lifetime_s == UINT32_MAX ? TCT_NEVER : tct_time_add(s->now, TCT_S(lifetime_s));
}

static void drop_router(tct_stack *s, struct tct_ra *r) {
  (void)tct_route_del(s, everywhere, 0);
  r->has_router = false;
  r->router_until = TCT_NEVER;
}

static void take_router(tct_stack *s, struct tct_ra *r, tct_addr src, uint16_t lifetime_s) {
  bool same = r->has_router && tct_ip_equal(r->router, src);
  if (same && lifetime_s == 0)
    drop_router(s, r);
  if (lifetime_s == 0 || (r->has_router && !same))
    return;
  tct_if ifc = tct_stack_if_handle(s, r->ifi);
  if (!same && tct_route_add(s, everywhere, 0, src, ifc) != TCT_OK)
    return; /* the application has named one */
  r->has_router = true;
  r->router = src;
  r->router_until = get_end(s, lifetime_s);
}

static struct tct_ra_prefix *find_prefix(struct tct_ra *r, const struct tct_nd_prefix *p) {
  struct tct_ra_prefix *vacant = NULL;
  for (int i = 0; i < TCT_RA_PREFIXES; i++) {
    struct tct_ra_prefix *k = &r->prefixes[i];
    if (k->used && k->bits == p->bits && tct_ip_equal(k->prefix, p->prefix))
      return k;
    if (!k->used && vacant == NULL)
      vacant = k;
  }
  if (vacant != NULL)
    *vacant = (struct tct_ra_prefix){.prefix = p->prefix, .bits = p->bits};
  return vacant;
}

static void drop_prefix(tct_stack *s, struct tct_ra *r, struct tct_ra_prefix *k) {
  if (k->on_link)
    tct_route_link_del(s, k->prefix, k->bits, r->ifi);
  if (k->has_own)
    (void)tct_if_addr_del(s, tct_stack_if_handle(s, r->ifi), k->own);
  memset(k, 0, sizeof *k);
}

/* RFC 4862 5.5.3(e): nobody ends an address at once by a forged lifetime. */
static void set_end(const tct_stack *s, struct tct_ra_prefix *k, uint32_t valid_s) {
  tct_time end = get_end(s, valid_s), floor = tct_time_add(s->now, TWO_HOURS_NS);
  if (!k->has_own || end > floor || end > k->until)
    k->until = end;
  else if (k->until > floor)
    k->until = floor;
}

static void take_prefix(tct_stack *s, struct tct_ra *r, const struct tct_nd_prefix *p) {
  struct tct_ra_prefix *k = find_prefix(r, p);
  if (k == NULL || (!k->used && p->valid_s == 0))
    return;
  k->used = true;
  set_end(s, k, p->valid_s);
  if (p->on_link && !k->on_link)
    k->on_link = tct_route_link_add(s, k->prefix, k->bits, r->ifi);
  if (!p->autonomous || k->bits != 64 || k->has_own || p->valid_s == 0)
    return;
  k->own = make_addr(s, r, k->prefix);
  k->has_own = tct_if_addr_add(s, tct_stack_if_handle(s, r->ifi), k->own, 128) == TCT_OK;
}

/* Neither the link's own prefix nor one that no host can have. */
static bool is_prefix_sane(const struct tct_nd_prefix *p) {
  bool whole = p->bits <= 128 && p->preferred_s <= p->valid_s;
  return whole && !tct_ip_addr_is_link_local(p->prefix) && !tct_ip_is_multicast(p->prefix) &&
         !tct_ip_is_any(p->prefix) && !tct_addr_is_ipv4(p->prefix);
}

tct_verdict tct_ra_input(tct_stack *s, uint32_t ifi, const struct tct_ip_hdr *ip,
                         const struct tct_nd *nd) {
  struct tct_ra *r = find(s, ifi);
  struct tct_nd_router a;
  if (r == NULL)
    return TCT_DROP_ND_TYPE;
  if (!tct_ip_addr_is_link_local(ip->src) || tct_ip_addr_is_on(s, ip->src, ifi) ||
      (nd->has_mac && !tct_wire_eth_is_station(&nd->mac)))
    return TCT_DROP_ND_ADDRESS;
  tct_wire_nd_parse_router(ip->payload, ip->payload_len, &a);
  if (nd->has_mac)
    tct_neigh_on_hint(s, ifi, ip->src, &nd->mac);
  take_router(s, r, ip->src, a.lifetime_s);
  for (uint32_t i = 0; i < a.n_prefixes; i++) {
    a.prefixes[i].prefix =
        tct_ip_addr_mask(a.prefixes[i].prefix, tct_min_u32(a.prefixes[i].bits, 128));
    if (is_prefix_sane(&a.prefixes[i]))
      take_prefix(s, r, &a.prefixes[i]);
  }
  if (r->mtu_max == 0)
    r->mtu_max = s->ifs[ifi].cfg.mtu;
  if (a.mtu >= MTU_MIN && a.mtu <= r->mtu_max && a.mtu != s->ifs[ifi].cfg.mtu)
    (void)tct_if_set(s, tct_stack_if_handle(s, ifi), TCT_IF_MTU, a.mtu);
  r->asks = ASKS_MAX;
  return TCT_ACCEPTED;
}

/* ---- time ------------------------------------------------------------------------------------ */

tct_time tct_ra_next_deadline(const tct_stack *s) {
  tct_time at = TCT_NEVER;
  for (uint32_t i = 0; i < s->link->n_ras; i++) {
    const struct tct_ra *r = &s->link->ras[i];
    if (r->ifi >= s->n_ifs)
      continue;
    at = tct_time_min(at, tct_time_min(r->step_at, r->router_until));
    for (int k = 0; k < TCT_RA_PREFIXES; k++)
      if (r->prefixes[k].used)
        at = tct_time_min(at, r->prefixes[k].until);
  }
  return at;
}

/* First an address of the link's own prefix, then up to three questions. */
static void step(tct_stack *s, struct tct_ra *r) {
  tct_addr own = make_addr(s, r, link_prefix);
  int state = tct_ip_addr_is_on(s, own, r->ifi) ? TCT_OK : tct_link_addr_state(s, r->ifi, own);
  r->step_at = tct_time_add(s->now, STEP_NS);
  if (state == TCT_OK) {
    r->step_at = r->asks < ASKS_MAX ? tct_time_add(s->now, ASK_AGAIN_NS) : TCT_NEVER;
    if (r->asks < ASKS_MAX)
      tct_nd_ask_router(s, r->ifi, own);
    r->asks = (uint8_t)tct_min_u32(r->asks + 1u, ASKS_MAX);
  } else if (state == TCT_EADDRNOTAVAIL) {
    (void)tct_if_addr_add(s, tct_stack_if_handle(s, r->ifi), own, 64);
  } else if (state == TCT_EADDRINUSE) {
    (void)tct_link_addr_forget(s, r->ifi, own);
    r->duplicates++;
    if (r->duplicates > DUPLICATES_MAX)
      r->step_at = TCT_NEVER; /* somebody does not want us here */
  }
}

void tct_ra_advance(tct_stack *s) {
  for (uint32_t i = 0; i < s->link->n_ras; i++) {
    struct tct_ra *r = &s->link->ras[i];
    if (r->ifi >= s->n_ifs)
      continue;
    if (r->step_at <= s->now)
      step(s, r);
    if (r->has_router && r->router_until <= s->now)
      drop_router(s, r);
    for (int k = 0; k < TCT_RA_PREFIXES; k++)
      if (r->prefixes[k].used && r->prefixes[k].until <= s->now)
        drop_prefix(s, r, &r->prefixes[k]);
  }
}
