/* SPDX-License-Identifier: MIT */
/*
 * dad.c - duplicate address detection: an IPv6 address is ours when nobody has claimed it for a
 * second. Until then IP does not know it, so it is neither used nor answered for.
 *
 * Called by ip/ip_addr.c when an address comes or goes, by nd.c with claims. One question, as RFC
 * 4862 5.1 has it by default. IPv4 addresses are announced and used at once, as Linux does: RFC
 * 5227's probes would cost each start seconds. RFC 4862 section 5.4.
 */
#include "link/link.h"

#include "ip/ip.h"

#define WAIT_NS TCT_S(1)

enum { GROW_FROM = 4 };

static struct tct_dad *find(const tct_stack *s, uint32_t ifi, tct_addr a) {
  for (uint32_t i = 0; s->link != NULL && i < s->link->n_dads; i++) {
    struct tct_dad *d = &s->link->dads[i];
    if (d->ifi == ifi && tct_ip_equal(d->addr, a))
      return d;
  }
  return NULL;
}

static void erase(struct tct_link_state *l, struct tct_dad *d) {
  *d = l->dads[--l->n_dads];
}

static bool make_room(tct_stack *s) {
  struct tct_link_state *l = s->link;
  if (l->n_dads < l->dads_cap)
    return true;
  uint32_t cap = l->dads_cap == 0 ? GROW_FROM : 2 * l->dads_cap;
  struct tct_dad *at = tct_ip_addr_regrow(s, l->dads, l->dads_cap * sizeof *at, cap * sizeof *at);
  if (at == NULL)
    return false;
  l->dads = at;
  l->dads_cap = cap;
  return true;
}

static int start(tct_stack *s, uint32_t ifi, tct_addr a, unsigned prefix_len) {
  if (find(s, ifi, a) != NULL)
    return TCT_EEXIST;
  if (s->link->n_dads >= s->cfg.limits.addrs)
    return TCT_ENOBUFS;
  if (!make_room(s))
    return TCT_ENOMEM;
  s->link->dads[s->link->n_dads++] = (struct tct_dad){.addr = a,
                                                      .ifi = ifi,
                                                      .prefix_len = (uint8_t)prefix_len,
                                                      .due = tct_time_add(s->now, WAIT_NS)};
  tct_mld_join(s, ifi, a); /* or a switch may keep the answer from us */
  tct_nd_ask_duplicate(s, ifi, a);
  return TCT_OK;
}

bool tct_link_addr_must_wait(tct_stack *s, uint32_t ifi, tct_addr a, unsigned prefix_len,
                             int *err) {
  const tct_if_config *c = &s->ifs[ifi].cfg;
  if (c->link != TCT_LINK_ETHERNET || c->no_dad || tct_addr_is_ipv4(a))
    return false;
  *err = start(s, ifi, a, prefix_len);
  return true;
}

void tct_link_on_addr_added(tct_stack *s, uint32_t ifi, tct_addr a) {
  if (s->ifs[ifi].cfg.link != TCT_LINK_ETHERNET)
    return;
  if (tct_addr_is_ipv4(a)) {
    tct_arp_announce(s, ifi, a);
    return;
  }
  tct_mld_join(s, ifi, a);
  tct_nd_announce(s, ifi, a);
}

int tct_link_addr_state(const tct_stack *s, uint32_t ifi, tct_addr a) {
  const struct tct_dad *d = find(s, ifi, a);
  if (d == NULL)
    return TCT_EADDRNOTAVAIL;
  return d->duplicate ? TCT_EADDRINUSE : TCT_EINPROGRESS;
}

bool tct_link_addr_forget(tct_stack *s, uint32_t ifi, tct_addr a) {
  struct tct_dad *d = find(s, ifi, a);
  if (d != NULL)
    erase(s->link, d);
  return d != NULL;
}

bool tct_dad_is_tentative(const tct_stack *s, uint32_t ifi, tct_addr a) {
  const struct tct_dad *d = find(s, ifi, a);
  return d != NULL && !d->duplicate;
}

void tct_dad_on_claim(tct_stack *s, uint32_t ifi, tct_addr a) {
  struct tct_dad *d = find(s, ifi, a);
  s->n.AddrConflicts++;
  if (d != NULL)
    d->duplicate = true;
}

tct_time tct_dad_next_deadline(const tct_stack *s) {
  tct_time at = TCT_NEVER;
  for (uint32_t i = 0; i < s->link->n_dads; i++)
    if (!s->link->dads[i].duplicate)
      at = tct_time_min(at, s->link->dads[i].due);
  return at;
}

/* Where nobody can answer, and without memory for it now, it waits on. */
static void finish(tct_stack *s, struct tct_dad *d) {
  struct tct_dad own = *d;
  if (s->ifs[own.ifi].up && s->ip->addrs.n < s->cfg.limits.addrs &&
      tct_ip_addr_install(s, own.ifi, own.addr, own.prefix_len) == TCT_OK)
    erase(s->link, d);
  else
    d->due = tct_time_add(s->now, WAIT_NS);
}

void tct_dad_advance(tct_stack *s) {
  for (uint32_t i = s->link->n_dads; i > 0; i--) { /* from behind: finishing one moves the rest */
    struct tct_dad *d = &s->link->dads[i - 1];
    if (!d->duplicate && d->due <= s->now)
      finish(s, d);
  }
}

void tct_dad_deinit(tct_stack *s) {
  tct_stack_free(s, s->link->dads, s->link->dads_cap * sizeof *s->link->dads);
}
