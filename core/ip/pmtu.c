/* SPDX-License-Identifier: MIT */
/*
 * pmtu.c - what is known of path MTUs: a bounded cache that forgets after ten minutes.
 *
 * icmp.c tells it of a packet that was too big, once the transport has believed it; everybody else
 * asks tct_ip_pmtu. An unbelieved error never gets here, and the set that an entry falls into
 * depends on a secret key: a stranger cannot choose whose entry his own pushes out (four to a set).
 * RFC 1191 sections 5 to 7, RFC 8201 section 4; not here: probing (TCP's).
 */
#include "ip/ip.h"

#include "wire/bytes.h"

enum { ENTRIES = TCT_PMTU_SETS * TCT_PMTU_WAYS };

void tct_pmtu_init(tct_stack *s) {
  s->ip->pmtu.earliest = TCT_NEVER;
}

void tct_pmtu_deinit(tct_stack *s) {
  tct_stack_free(s, s->ip->pmtu.at, ENTRIES * sizeof *s->ip->pmtu.at);
  s->ip->pmtu.at = NULL;
}

uint32_t tct_pmtu_plateau(uint32_t refused_bytes) {
  static const uint16_t plateau[] = {32000, 17914, 8166, 4352, 2002, 1492, 1006, 508, 296};
  for (size_t i = 0; i < TCT_ARRAY_LEN(plateau); i++)
    if (plateau[i] < refused_bytes)
      return plateau[i];
  return 68;
}

static uint32_t get_if_key(tct_addr dst, uint32_t ifi) {
  return tct_ip_addr_is_link_local(dst) ? ifi : 0;
}

static struct tct_pmtu_entry *get_set(const tct_stack *s, tct_addr dst, uint32_t if_key) {
  uint64_t hash = tct_ip_hash(s, TCT_IP_HASH_PMTU, dst, (tct_addr){{0}}, if_key);
  return s->ip->pmtu.at + (hash % TCT_PMTU_SETS) * TCT_PMTU_WAYS;
}

static struct tct_pmtu_entry *find(const tct_stack *s, tct_addr dst, uint32_t ifi) {
  uint32_t if_key = get_if_key(dst, ifi);
  struct tct_pmtu_entry *set = get_set(s, dst, if_key);
  for (int i = 0; i < TCT_PMTU_WAYS; i++)
    if (set[i].mtu != 0 && set[i].ifi == if_key && tct_ip_equal(set[i].dst, dst))
      return &set[i];
  return NULL;
}

uint32_t tct_ip_pmtu(tct_stack *s, tct_addr dst, uint32_t ifi) {
  uint32_t mtu = s->ifs[ifi].cfg.mtu;
  if (s->ip->pmtu.at == NULL)
    return mtu;
  const struct tct_pmtu_entry *e = find(s, dst, ifi);
  return e == NULL || e->expires <= s->now ? mtu : tct_min_u32(e->mtu, mtu);
}

/* A free entry of the set, else the one that would expire first. */
static struct tct_pmtu_entry *choose_victim(const tct_stack *s, tct_addr dst, uint32_t if_key) {
  struct tct_pmtu_entry *set = get_set(s, dst, if_key);
  struct tct_pmtu_entry *victim = &set[0];
  for (int i = 0; i < TCT_PMTU_WAYS; i++) {
    if (set[i].mtu == 0)
      return &set[i];
    if (set[i].expires < victim->expires)
      victim = &set[i];
  }
  return victim;
}

void tct_pmtu_learn(tct_stack *s, tct_addr dst, uint32_t ifi, uint32_t mtu) {
  struct tct_pmtu *t = &s->ip->pmtu;
  if (t->at == NULL)
    t->at = tct_stack_alloc(s, ENTRIES * sizeof *t->at);
  if (t->at == NULL)
    return; /* without memory the transport still has its own copy */
  struct tct_pmtu_entry *e = find(s, dst, ifi);
  if (e != NULL && e->expires > s->now && e->mtu < mtu)
    return; /* an error never raises it */
  if (e == NULL)
    e = choose_victim(s, dst, get_if_key(dst, ifi));
  *e = (struct tct_pmtu_entry){.dst = dst,
                               .ifi = get_if_key(dst, ifi),
                               .mtu = mtu,
                               .expires = tct_time_add(s->now, TCT_PMTU_AGE_NS)};
  t->earliest = tct_time_min(t->earliest, e->expires);
}

tct_time tct_pmtu_next_deadline(const tct_stack *s) {
  return s->ip->pmtu.earliest;
}

/* Forgetting is how a path gets larger again: the transport may try its interface's MTU. */
static void forget(tct_stack *s, struct tct_pmtu_entry *e) {
  int err;
  uint32_t want = tct_ip_addr_is_link_local(e->dst) ? e->ifi : TCT_IP_NO_IF;
  const struct tct_ip_route *r = tct_route_find(s, e->dst, want, &err);
  e->mtu = 0;
  if (r != NULL)
    tct_tcp_on_mtu(s, r->ifi, e->dst, s->ifs[r->ifi].cfg.mtu);
}

void tct_pmtu_advance(tct_stack *s) {
  struct tct_pmtu *t = &s->ip->pmtu;
  if (t->at == NULL || s->now < t->earliest)
    return;
  t->earliest = TCT_NEVER;
  for (uint32_t i = 0; i < ENTRIES; i++) {
    struct tct_pmtu_entry *e = &t->at[i];
    if (e->mtu != 0 && e->expires <= s->now)
      forget(s, e);
    else if (e->mtu != 0)
      t->earliest = tct_time_min(t->earliest, e->expires);
  }
}
