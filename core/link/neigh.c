/* SPDX-License-Identifier: MIT */
/*
 * neigh.c - the neighbour table of both families: who has which link address, how sure we are, and
 * who waits for it.
 *
 * Asked by link.c for each frame, told by arp.c and nd.c what neighbours say. Strangers can make
 * entries in two ways: by being answered to (those are `asking`, a quarter of the table at most,
 * and give way to our own flows) and by asking for us (those take the place of entries that nothing
 * was sent to lately). So neither a scan nor a flood costs an entry in use. RFC 4861 section 7, RFC
 * 826, RFC 1122 section 2.3.2, RFC 6583.
 */
#include "link/link.h"

#include "ip/ip.h"
#include "util/siphash.h"

#define ASK_AGAIN_NS TCT_S(1)
#define DELAY_NS TCT_S(5)
#define IN_USE_NS TCT_S(30)
#define REACHABLE_MS 30000u /* times a half to one and a half, by lot */

enum { TRIES_MAX = 3, RECLAIM_STEPS = 16 };

/* ---- finding --------------------------------------------------------------------------------- */

static uint64_t hash(const struct tct_link_state *l, uint32_t ifi, tct_addr a) {
  uint8_t b[20];
  memcpy(b, a.b, 16);
  b[16] = (uint8_t)ifi;
  b[17] = (uint8_t)(ifi >> 8);
  b[18] = b[19] = 0;
  return tct_siphash13(l->key, b, sizeof b);
}

static struct tct_neigh *entry_at(const struct tct_link_state *l, uint32_t ref) {
  return tct_slab_at(&l->slab, ref);
}

static uint32_t find_ref(const struct tct_link_state *l, uint32_t ifi, tct_addr a) {
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&l->table, hash(l, ifi, a), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&l->table, &it)) {
    const struct tct_neigh *n = entry_at(l, ref);
    if (n->ifi == ifi && tct_ip_equal(n->addr, a))
      return ref;
  }
  return TCT_TABLE_NONE;
}

struct tct_neigh *tct_neigh_find(const tct_stack *s, uint32_t ifi, tct_addr a) {
  uint32_t ref = find_ref(s->link, ifi, a);
  return ref == TCT_TABLE_NONE ? NULL : entry_at(s->link, ref);
}

bool tct_neigh_is_known(const struct tct_neigh *n) {
  return n->state >= TCT_NEIGH_REACHABLE;
}

/* ---- states ---------------------------------------------------------------------------------- */

static void set_timer(tct_stack *s, struct tct_neigh *n, struct tct_list *list, tct_time span_ns) {
  n->due = tct_time_add(s->now, span_ns);
  tct_list_move_tail(list, &n->timer);
}

static void ask(tct_stack *s, struct tct_neigh *n) {
  bool unicast = n->state == TCT_NEIGH_PROBE;
  n->tries++;
  set_timer(s, n, &s->link->second, ASK_AGAIN_NS);
  if (tct_addr_is_ipv4(n->addr))
    tct_arp_ask(s, n->ifi, n->addr, unicast ? &n->mac : NULL);
  else
    tct_nd_ask(s, n->ifi, n->addr, unicast);
}

static void drop_held(tct_stack *s, struct tct_neigh *n) {
  tct_stack_free(s, n->held, n->held_len);
  n->held = NULL;
  n->held_len = 0;
}

/* Who waited may send, which is lost: TCP's own timers and limits then say what comes of it. */
static void release_in_vain(tct_stack *s, struct tct_neigh *n) {
  if (n->held != NULL)
    s->verdicts[TCT_DROP_NO_NEIGHBOUR]++;
  drop_held(s, n);
  tct_tcp_on_no_neighbour(s, &n->flows[TCT_LINK_TCP]);
  tct_udp_on_no_neighbour(s, &n->flows[TCT_LINK_UDP]);
}

static void fail(tct_stack *s, struct tct_neigh *n) {
  n->state = TCT_NEIGH_FAILED;
  set_timer(s, n, &s->link->second, ASK_AGAIN_NS);
  release_in_vain(s, n);
}

static void release(tct_stack *s, struct tct_neigh *n) {
  struct tct_iface *ifc = &s->ifs[n->ifi];
  if (n->held != NULL)
    (void)tct_ip_reply_raw(s, n->ifi, n->held, n->held_len, (tct_why)n->held_why);
  drop_held(s, n);
  tct_list_splice_tail(&ifc->tcp_ready, &n->flows[TCT_LINK_TCP]);
  tct_list_splice_tail(&ifc->udp_ready, &n->flows[TCT_LINK_UDP]);
}

/* Its MAC is good to send to. */
static void become_known(tct_stack *s, struct tct_neigh *n, enum tct_neigh_state state) {
  struct tct_link_state *l = s->link;
  bool asked = !tct_neigh_is_known(n);
  n->state = (uint8_t)state;
  n->tries = 0;
  tct_list_remove(&n->timer);
  if (state == TCT_NEIGH_REACHABLE) {
    uint32_t ms = REACHABLE_MS / 2 + tct_prng_below(&s->prng, REACHABLE_MS);
    n->reachable_until = tct_time_add(s->now, TCT_MS(ms));
  }
  if (!asked)
    return;
  l->n_asking--;
  tct_list_move_tail(&l->known, &n->order);
  release(s, n);
}

void tct_neigh_on_use(tct_stack *s, struct tct_neigh *n) {
  n->used_at = s->now;
  n->used = true;
  if (n->state == TCT_NEIGH_REACHABLE && s->now >= n->reachable_until)
    n->state = TCT_NEIGH_STALE;
  if (n->state != TCT_NEIGH_STALE)
    return;
  n->state = TCT_NEIGH_DELAY;
  set_timer(s, n, &s->link->delay, DELAY_NS);
}

/* ---- making and unmaking --------------------------------------------------------------------- */

static void free_entry(tct_stack *s, struct tct_neigh *n) {
  struct tct_link_state *l = s->link;
  uint32_t ref = find_ref(l, n->ifi, n->addr);
  TCT_ASSERT(ref != TCT_TABLE_NONE && entry_at(l, ref) == n);
  if (!tct_neigh_is_known(n))
    l->n_asking--;
  if (n->state == TCT_NEIGH_INCOMPLETE)
    release_in_vain(s, n);
  tct_list_remove(&n->order);
  tct_list_remove(&n->timer);
  (void)tct_table_remove(&l->table, hash(l, n->ifi, n->addr), ref);
  tct_slab_free(&l->slab, ref);
  l->stamp++;
}

static bool is_in_use(const tct_stack *s, const struct tct_neigh *n) {
  return n->used && tct_time_sub(s->now, n->used_at) < IN_USE_NS;
}

static bool has_flows(const struct tct_neigh *n) {
  return !tct_list_is_empty(&n->flows[0]) || !tct_list_is_empty(&n->flows[1]);
}

/* Takes the place of one that is not missed: looks at some from the head on, and puts those to the
 * tail, so that the next search goes on where this one ends. */
static bool reclaim(tct_stack *s, struct tct_list *list) {
  bool known = list == &s->link->known;
  for (int i = 0; i < RECLAIM_STEPS && !tct_list_is_empty(list); i++) {
    struct tct_neigh *n = TCT_CONTAINER_OF(tct_list_first(list), struct tct_neigh, order);
    if (known ? !is_in_use(s, n) : !has_flows(n)) {
      free_entry(s, n);
      return true;
    }
    tct_list_move_tail(list, &n->order);
  }
  return false;
}

static uint32_t asking_max(const tct_stack *s) {
  return tct_max_u32(s->cfg.limits.neighbours / 4, 1);
}

static struct tct_neigh *make(tct_stack *s, uint32_t ifi, tct_addr a) {
  struct tct_link_state *l = s->link;
  uint32_t ref;
  struct tct_neigh *n = NULL;
  if (tct_slab_used(&l->slab) < s->cfg.limits.neighbours || reclaim(s, &l->known))
    n = tct_slab_alloc(&l->slab, &ref);
  if (n == NULL)
    return NULL;
  if (!tct_table_insert(&l->table, hash(l, ifi, a), ref)) {
    tct_slab_free(&l->slab, ref);
    return NULL;
  }
  memset(n, 0, sizeof *n);
  n->ifi = ifi;
  n->addr = a;
  tct_list_init(&n->order);
  tct_list_init(&n->timer);
  tct_list_init(&n->flows[0]);
  tct_list_init(&n->flows[1]);
  return n;
}

static struct tct_neigh *make_asking(tct_stack *s, uint32_t ifi, tct_addr a, bool flow) {
  struct tct_link_state *l = s->link;
  if (l->n_asking >= asking_max(s) && (!flow || !reclaim(s, &l->asking)))
    return NULL;
  struct tct_neigh *n = make(s, ifi, a);
  if (n == NULL)
    return NULL;
  l->n_asking++;
  tct_list_push_tail(&l->asking, &n->order);
  ask(s, n);
  return n;
}

/* ---- next hop -------------------------------------------------------------------------------- */

static tct_addr find_gateway(const tct_stack *s, uint32_t ifi, tct_addr dst) {
  int err;
  const struct tct_ip_route *r = tct_route_find(s, dst, ifi, &err);
  return r == NULL || tct_ip_is_any(r->gateway) ? dst : r->gateway;
}

struct tct_neigh *tct_neigh_next_hop(tct_stack *s, uint32_t ifi, tct_addr dst, bool flow) {
  struct tct_link_state *l = s->link;
  uint32_t mix = dst.b[15] ^ (uint32_t)dst.b[14] * 5 ^ (uint32_t)dst.b[13] * 11;
  struct tct_link_hop *hop = &l->hops[(mix ^ ifi) % TCT_LINK_HOPS];
  uint64_t stamp = l->stamp + s->ip->routes.changes;
  if (hop->stamp == stamp && hop->ifi == ifi && tct_ip_equal(hop->dst, dst))
    return entry_at(l, hop->neigh);
  tct_addr via = find_gateway(s, ifi, dst);
  struct tct_neigh *n = tct_neigh_find(s, ifi, via);
  if (n == NULL)
    n = make_asking(s, ifi, via, flow);
  if (n == NULL)
    return NULL;
  stamp = l->stamp + s->ip->routes.changes; /* making one may have ended another */
  *hop = (struct tct_link_hop){dst, ifi, find_ref(l, ifi, via), stamp};
  return n;
}

void tct_neigh_hold(tct_stack *s, struct tct_neigh *n, const tct_frame *f) {
  uint8_t *copy = tct_stack_alloc(s, f->len);
  if (n->held != NULL || copy == NULL)
    s->verdicts[TCT_DROP_NO_NEIGHBOUR]++;
  drop_held(s, n);
  if (copy == NULL)
    return;
  n->held = copy;
  n->held_len = f->len;
  n->held_why = f->why;
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(copy, f->iov[i].base, f->iov[i].len);
    copy += f->iov[i].len;
  }
}

/* ---- what neighbours say --------------------------------------------------------------------- */

void tct_neigh_on_hint(tct_stack *s, uint32_t ifi, tct_addr a, const struct tct_mac *mac) {
  struct tct_neigh *n = tct_neigh_find(s, ifi, a);
  if (n == NULL) {
    n = make(s, ifi, a);
    if (n == NULL)
      return;
    n->state = TCT_NEIGH_STALE;
    n->mac = *mac;
    tct_list_push_tail(&s->link->known, &n->order);
    return;
  }
  if (tct_neigh_is_known(n) && tct_wire_eth_equal(&n->mac, mac))
    return;
  n->mac = *mac;
  become_known(s, n, TCT_NEIGH_STALE);
}

/* RFC 4861 7.2.5, of an entry whose MAC is known. */
static void update(tct_stack *s, struct tct_neigh *n, const struct tct_neigh_news *w) {
  bool other = w->has_mac && !tct_wire_eth_equal(&n->mac, &w->mac);
  if (other && !w->override) {
    if (n->state == TCT_NEIGH_REACHABLE)
      n->state = TCT_NEIGH_STALE;
    return;
  }
  n->router = w->router;
  if (other)
    n->mac = w->mac;
  if (w->solicited)
    become_known(s, n, TCT_NEIGH_REACHABLE);
  else if (other)
    become_known(s, n, TCT_NEIGH_STALE);
}

bool tct_neigh_on_answer(tct_stack *s, uint32_t ifi, tct_addr a, const struct tct_neigh_news *w) {
  struct tct_neigh *n = tct_neigh_find(s, ifi, a);
  if (n == NULL)
    return false;
  if (tct_neigh_is_known(n)) {
    update(s, n, w);
    return true;
  }
  if (!w->has_mac)
    return false;
  n->mac = w->mac;
  n->router = w->router;
  become_known(s, n, w->solicited ? TCT_NEIGH_REACHABLE : TCT_NEIGH_STALE);
  return true;
}

/* ---- time ------------------------------------------------------------------------------------ */

static struct tct_neigh *first_of(const struct tct_list *timers) {
  struct tct_list *node = tct_list_first(timers);
  return node == NULL ? NULL : TCT_CONTAINER_OF(node, struct tct_neigh, timer);
}

tct_time tct_neigh_next_deadline(const tct_stack *s) {
  const struct tct_neigh *a = first_of(&s->link->second), *b = first_of(&s->link->delay);
  return tct_time_min(a == NULL ? TCT_NEVER : a->due, b == NULL ? TCT_NEVER : b->due);
}

static void on_timer(tct_stack *s, struct tct_neigh *n) {
  tct_list_remove(&n->timer);
  if (n->state == TCT_NEIGH_DELAY) {
    n->state = TCT_NEIGH_PROBE;
    n->tries = 0;
  }
  bool asks = n->state == TCT_NEIGH_INCOMPLETE || n->state == TCT_NEIGH_PROBE;
  if (asks && n->tries < TRIES_MAX)
    ask(s, n);
  else if (n->state == TCT_NEIGH_INCOMPLETE)
    fail(s, n);
  else
    free_entry(s, n); /* silent now: the next who sends there begins anew */
}

void tct_neigh_advance(tct_stack *s) {
  struct tct_list *const lists[] = {&s->link->second, &s->link->delay};
  for (size_t i = 0; i < TCT_ARRAY_LEN(lists); i++)
    for (struct tct_neigh *n = first_of(lists[i]); n != NULL && n->due <= s->now;
         n = first_of(lists[i]))
      on_timer(s, n);
}

/* ---- birth and end --------------------------------------------------------------------------- */

void tct_neigh_init(tct_stack *s) {
  struct tct_link_state *l = s->link;
  uint32_t max = s->cfg.limits.neighbours;
  tct_slab_init(&l->slab, &s->alloc, sizeof(struct tct_neigh), offsetof(struct tct_neigh, link),
                max);
  tct_table_init(&l->table, &s->alloc, max);
  tct_list_init(&l->known);
  tct_list_init(&l->asking);
  tct_list_init(&l->second);
  tct_list_init(&l->delay);
  l->stamp = 1;
}

/* Flows that wait have gone before: tcp/ and udp/ end first. */
void tct_neigh_deinit(tct_stack *s) {
  struct tct_link_state *l = s->link;
  struct tct_list *const lists[] = {&l->known, &l->asking};
  for (size_t i = 0; i < TCT_ARRAY_LEN(lists); i++)
    for (struct tct_list *node = lists[i]->next; node != lists[i]; node = node->next)
      drop_held(s, TCT_CONTAINER_OF(node, struct tct_neigh, order));
  tct_table_deinit(&l->table);
  tct_slab_deinit(&l->slab);
}

static void check_entry(const struct tct_neigh *n, bool known) {
  bool timed = n->state != TCT_NEIGH_REACHABLE && n->state != TCT_NEIGH_STALE;
  TCT_ASSERT(tct_neigh_is_known(n) == known);                                         /* L1 */
  TCT_ASSERT(tct_list_is_linked(&n->timer) == timed);                                 /* L2 */
  TCT_ASSERT(n->state == TCT_NEIGH_INCOMPLETE || (n->held == NULL && !has_flows(n))); /* L3 */
}

void tct_neigh_check(const tct_stack *s) {
  const struct tct_link_state *l = s->link;
  uint32_t n[2] = {0, 0};
  const struct tct_list *const lists[] = {&l->asking, &l->known};
  for (unsigned i = 0; i < 2; i++)
    for (struct tct_list *node = lists[i]->next; node != lists[i]; node = node->next) {
      check_entry(TCT_CONTAINER_OF(node, struct tct_neigh, order), i == 1);
      n[i]++;
    }
  TCT_ASSERT(n[0] == l->n_asking && n[0] <= asking_max(s)); /* L4 */
  TCT_ASSERT(n[0] + n[1] == tct_slab_used(&l->slab) && n[0] + n[1] <= s->cfg.limits.neighbours);
}
