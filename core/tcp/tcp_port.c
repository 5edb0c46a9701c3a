/* SPDX-License-Identifier: MIT */
/*
 * tcp_port.c - local ports: who may bind which, which listener a SYN is for, and a port for whoever
 * names none. Called by sock/ (bind, connect, listen) and tcp_demux (listeners). Only sockets that
 * bind are in `bound`; connections made without bind are told apart by their tuple alone. RFC 6056
 * section 3.3.4, RFC 9293 section 3.9.1.1.
 */
#include "tcp/tcp_listen.h"
#include "util/plant.h"
#include "util/rule.h"
#include "util/siphash.h"

#define STEPS 16384u   /* search positions: what one peer sees moves with few others */
#define TRIES_NEAR 64u /* ports tried in order, then by lot: a bound on the search */
#define TRIES_LOT 1024u
#define STEP_MAX 8u

static uint64_t hash_port(const tct_stack *s, uint16_t port) {
  uint8_t b[2] = {(uint8_t)(port >> 8), (uint8_t)port};
  return tct_siphash13(s->keys.table, b, sizeof b);
}

static uint64_t hash_local(const tct_stack *s, tct_addr a, uint16_t port) {
  uint8_t b[18];
  memcpy(b, a.b, 16);
  b[16] = (uint8_t)(port >> 8);
  b[17] = (uint8_t)port;
  return tct_siphash13(s->keys.table, b, sizeof b);
}

/* ---- Conflicts ------------------------------------------------------------------------------- */

static tct_addr any_ipv4(void) {
  return tct_addr_ipv4(0, 0, 0, 0);
}

/* Which families a local address stands for when it is an "any": bit 0 IPv4, bit 1 IPv6; 0: a
 * specific one. */
static unsigned families_of_any(tct_addr a, bool v6only) {
  if (!tct_ip_is_any(a))
    return 0;
  if (tct_addr_is_ipv4(a))
    return 1;
  return v6only ? 2 : 3;
}

static unsigned family_of(tct_addr a) {
  return tct_addr_is_ipv4(a) ? 1 : 2;
}

/* Could one segment be for both? */
static bool overlaps(const struct tct_tcp *c, tct_addr a, const struct tct_tcp *o) {
  unsigned mine = families_of_any(a, (c->sockf & TCT_SOCKF_V6ONLY) != 0);
  unsigned theirs = families_of_any(o->key.laddr, (o->sockf & TCT_SOCKF_V6ONLY) != 0);
  if (mine == 0 && theirs == 0)
    return tct_ip_equal(a, o->key.laddr);
  if (mine == 0)
    mine = family_of(a);
  if (theirs == 0)
    theirs = family_of(o->key.laddr);
  return (mine & theirs) != 0;
}

/* Linux's rule: both must agree to share, and REUSEADDR shares with no listener. A record that is
 * only opening holds nobody up [RFC9293 MUST-42], one that is through neither. */
static bool may_share(const struct tct_tcp *c, const struct tct_tcp *o) {
  unsigned both = c->sockf & o->sockf;
  bool opening = o->state == TCT_SYN_SENT || o->state == TCT_SYN_RECEIVED;
  if ((opening && TCT_RULE(MUST_42)) || (o->sockf & TCT_SOCKF_DONE) != 0)
    return true;
  if ((both & TCT_SOCKF_REUSEPORT) != 0)
    return true;
  return (both & TCT_SOCKF_REUSEADDR) != 0 && o->state != TCT_LISTEN;
}

static bool conflicts(tct_stack *s, const struct tct_tcp *c, tct_addr a, uint16_t port) {
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&s->tcp->bound, hash_port(s, port), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->tcp->bound, &it)) {
    const struct tct_tcp *o = tct_slab_at(&s->tcp->conns, ref);
    if (o != c && o->key.lport == port && overlaps(c, a, o) && !may_share(c, o))
      return true;
  }
  return false;
}

static uint32_t range_of(const tct_stack *s) {
  return (uint32_t)s->cfg.port_last - s->cfg.port_first + 1;
}

/* For bind to port 0: by lot, since the peer is not known yet. 0: none. */
static uint16_t draw_port(tct_stack *s, const struct tct_tcp *c, tct_addr a) {
  for (unsigned i = 0; i < TRIES_LOT; i++) {
    uint16_t port = (uint16_t)(s->cfg.port_first + tct_prng_below(&s->prng, range_of(s)));
    if (!conflicts(s, c, a, port))
      return port;
  }
  return 0;
}

int tct_tcp_port_bind(tct_stack *s, struct tct_tcp *c, tct_addr a, uint16_t port) {
  TCT_ASSERT((c->sockf & TCT_SOCKF_BOUND) == 0);
  if (port == 0)
    port = draw_port(s, c, a);
  if (port == 0 || conflicts(s, c, a, port))
    return TCT_EADDRINUSE;
  if (!tct_table_insert(&s->tcp->bound, hash_port(s, port), c->index))
    return TCT_ENOMEM;
  c->sockf |= TCT_SOCKF_BOUND;
  c->key.laddr = a;
  c->key.lport = port;
  return TCT_OK;
}

void tct_tcp_port_release(tct_stack *s, struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_BOUND) == 0)
    return;
  bool found = TCT_PLANT(PORT_LEAK) ||
               tct_table_remove(&s->tcp->bound, hash_port(s, c->key.lport), c->index);
  TCT_ASSERT(found);
  (void)found;
  /* it may have listened or not: an entry that is not there is no harm */
  s->tcp->listening.conn = NULL;
  (void)tct_table_remove(&s->tcp->listeners, hash_local(s, c->key.laddr, c->key.lport), c->index);
  c->sockf &= (uint16_t)~TCT_SOCKF_BOUND;
}

/* ---- Listeners ------------------------------------------------------------------------------- */

/* Two that were bound with REUSEADDR cannot both listen. [RFC9293 MUST-41] */
int tct_tcp_port_listen(tct_stack *s, struct tct_tcp *c) {
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&s->tcp->bound, hash_port(s, c->key.lport), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->tcp->bound, &it)) {
    const struct tct_tcp *o = tct_slab_at(&s->tcp->conns, ref);
    bool rival = o != c && o->state == TCT_LISTEN && o->key.lport == c->key.lport;
    if (rival && overlaps(c, c->key.laddr, o) && !may_share(c, o) && TCT_RULE(MUST_41))
      return TCT_EADDRINUSE;
  }
  uint64_t hash = hash_local(s, c->key.laddr, c->key.lport);
  s->tcp->listening.conn = NULL;
  return tct_table_insert(&s->tcp->listeners, hash, c->index) ? TCT_OK : TCT_ENOMEM;
}

struct want { /* a listener of exactly this local end */
  tct_addr addr;
  uint16_t port;
  bool both_families; /* IPv4 asks an IPv6 "any" */
};

/* The k-th that fits; *n: how many there are. */
static struct tct_tcp *find_listener(tct_stack *s, const struct want *w, uint32_t k, uint32_t *n) {
  struct tct_table_it it;
  struct tct_tcp *found = NULL;
  *n = 0;
  uint32_t ref = tct_table_first(&s->tcp->listeners, hash_local(s, w->addr, w->port), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->tcp->listeners, &it)) {
    struct tct_tcp *l = tct_slab_at(&s->tcp->conns, ref);
    bool shut_out = w->both_families && (l->sockf & TCT_SOCKF_V6ONLY) != 0;
    if (l->key.lport != w->port || !tct_ip_equal(l->key.laddr, w->addr) || shut_out)
      continue;
    if ((*n)++ == k)
      found = l;
  }
  return found;
}

/* Of several with REUSEPORT the tuple's hash chooses, so that a connection stays with one of them.
 */
static struct tct_tcp *choose_listener(tct_stack *s, const struct want *w,
                                       const struct tct_tuple *t, uint32_t *n) {
  struct tct_tcp *l = find_listener(s, w, 0, n);
  uint32_t again;
  return *n > 1 ? find_listener(s, w, (uint32_t)tct_tcp_demux_hash(s, t) % *n, &again) : l;
}

struct tct_tcp *tct_tcp_port_listener(tct_stack *s, const struct tct_tuple *t) {
  static const tct_addr any = {{0}};
  tct_addr laddr = t->laddr;
  uint16_t lport = t->lport;
  if (tct_table_used(&s->tcp->listeners) == 0)
    return NULL;
  if (s->tcp->listening.conn != NULL && s->tcp->listening.lport == lport &&
      tct_ip_equal(s->tcp->listening.laddr, laddr))
    return s->tcp->listening.conn;
  bool ipv4 = tct_addr_is_ipv4(laddr);
  uint32_t n;
  struct tct_tcp *l = choose_listener(s, &(struct want){laddr, lport, false}, t, &n);
  if (l == NULL && ipv4)
    l = choose_listener(s, &(struct want){any_ipv4(), lport, false}, t, &n);
  if (l == NULL)
    l = choose_listener(s, &(struct want){any, lport, ipv4}, t, &n);
  if (l != NULL && n == 1) {
    s->tcp->listening.conn = l;
    s->tcp->listening.laddr = laddr;
    s->tcp->listening.lport = lport;
  }
  return l;
}

/* ---- A port for an active open, RFC 6056 algorithm 4 ----------------------------------------- */

/* Also by a peer's SYN that a listener of this port has answered: its record would be there still
 * when the connection has become one of TIME-WAIT. */
bool tct_tcp_port_is_used(tct_stack *s, const struct tct_tuple *t) {
  return tct_tcp_demux_find(s, t) != NULL || tct_tcp_timewait_has(s, t) ||
         tct_tcp_syncache_find(s, t) != NULL;
}

/* Ports that somebody has bound are left to him, and those whose answers would come to another of
 * the stacks that share the address. */
static bool is_free(tct_stack *s, struct tct_tuple *t, uint32_t offset) {
  struct tct_table_it it;
  t->lport = (uint16_t)(s->cfg.port_first + offset);
  if (tct_table_used(&s->tcp->bound) > 0 &&
      tct_table_first(&s->tcp->bound, hash_port(s, t->lport), &it) != TCT_TABLE_NONE)
    return false;
  if (!tct_stack_owner_is_us(s, &(struct tct_conversation){t->laddr, t->raddr, t->lport, t->rport}))
    return false;
  return !tct_tcp_port_is_used(s, t);
}

static uint64_t hash_peer(const tct_stack *s, const struct tct_tuple *t, uint8_t which) {
  uint8_t b[35];
  memcpy(b, t->laddr.b, 16);
  memcpy(b + 16, t->raddr.b, 16);
  b[32] = (uint8_t)(t->rport >> 8);
  b[33] = (uint8_t)t->rport;
  b[34] = which;
  return tct_siphash24(s->keys.port, b, sizeof b);
}

/* Where the order of this peer's ports begins and whose step it is: remembered, since one peer is
 * connected to again and again. */
static void find_order(const tct_stack *s, const struct tct_tuple *t) {
  struct tct_tcp_state *state = s->tcp;
  if (state->chosen.rport == t->rport && tct_ip_equal(state->chosen.raddr, t->raddr) &&
      tct_ip_equal(state->chosen.laddr, t->laddr) && state->chosen.key[0] == s->keys.port[0] &&
      state->chosen.key[1] == s->keys.port[1])
    return;
  state->chosen.step = (uint32_t)(hash_peer(s, t, 1) % STEPS);
  state->chosen.begin = (uint32_t)(hash_peer(s, t, 0) % range_of(s));
  state->chosen.laddr = t->laddr;
  state->chosen.raddr = t->raddr;
  state->chosen.rport = t->rport;
  memcpy(state->chosen.key, s->keys.port, sizeof state->chosen.key);
}

static int choose_by_lot(tct_stack *s, struct tct_tuple *t) {
  for (unsigned i = 0; i < TRIES_LOT; i++) {
    if (is_free(s, t, tct_prng_below(&s->prng, range_of(s))))
      return TCT_OK;
  }
  t->lport = 0;
  return TCT_EADDRNOTAVAIL;
}

/* Each peer sees an order of its own that begins where only we know; steps of random length keep
 * the next port from being read off the last. Without memory for the positions, by lot. */
int tct_tcp_port_choose(tct_stack *s, struct tct_tuple *t) {
  uint32_t range = range_of(s);
  if (s->tcp->port_steps == NULL)
    s->tcp->port_steps = tct_stack_alloc(s, STEPS * sizeof *s->tcp->port_steps);
  if (s->tcp->port_steps == NULL)
    return choose_by_lot(s, t);
  find_order(s, t);
  uint16_t *step = &s->tcp->port_steps[s->tcp->chosen.step];
  uint32_t begin = s->tcp->chosen.begin;
  for (uint32_t i = 0; i < TRIES_NEAR && i < range; i++) {
    if (!is_free(s, t, (begin + *step + i) % range))
      continue;
    *step = (uint16_t)((*step + i + 1 + tct_prng_below(&s->prng, STEP_MAX)) % range);
    return TCT_OK;
  }
  return choose_by_lot(s, t);
}

void tct_tcp_port_free(tct_stack *s) {
  tct_stack_free(s, s->tcp->port_steps, STEPS * sizeof *s->tcp->port_steps);
  s->tcp->port_steps = NULL;
}
