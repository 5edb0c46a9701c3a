/* SPDX-License-Identifier: MIT */
/*
 * udp_bind.c - which socket an address and a port belong to.
 *
 * bind and connect fill two tables, keyed so that peers cannot steer them: one by tuple, where a
 * datagram finds its socket (connected first, then its own address, then any), one by local port,
 * where a newcomer finds those it might clash with. Ephemeral ports are random: RFC 6056 3.3.1.
 */
#include "udp/udp.h"

#include "util/siphash.h"

enum { TUPLE_BYTES = 36, PORTS = 65536 };

static const tct_addr any4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
static const tct_addr any = {{0}};

static uint64_t hash_tuple(const tct_stack *s, const struct tct_udp_tuple *t) {
  uint8_t in[TUPLE_BYTES];
  memcpy(in, t->local.b, 16);
  memcpy(in + 16, t->remote.b, 16);
  in[32] = (uint8_t)(t->lport >> 8);
  in[33] = (uint8_t)t->lport;
  in[34] = (uint8_t)(t->rport >> 8);
  in[35] = (uint8_t)t->rport;
  return tct_siphash13(s->udp->key, in, sizeof in);
}

static uint64_t hash_port(const tct_stack *s, uint32_t port) {
  uint8_t in[2] = {(uint8_t)(port >> 8), (uint8_t)port};
  return tct_siphash13(s->udp->key, in, sizeof in);
}

/* ---- finding --------------------------------------------------------------------------------- */

static bool is_match(const struct tct_udp *u, const struct tct_udp_tuple *t) {
  if (u->lport != t->lport || u->rport != t->rport)
    return false;
  if (u->ifi != TCT_UDP_NO_IF && u->ifi != t->ifi)
    return false;
  return tct_ip_equal(u->laddr, t->local) && tct_ip_equal(u->raddr, t->remote);
}

/* The pick-th socket bound to exactly this, counted in *n. */
static struct tct_udp *find_nth(const tct_stack *s, const struct tct_udp_tuple *t, uint32_t pick,
                                uint32_t *n) {
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&s->udp->by_tuple, hash_tuple(s, t), &it);
  *n = 0;
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->udp->by_tuple, &it)) {
    struct tct_udp *u = tct_slab_at(&s->udp->socks, ref);
    if (is_match(u, t) && (*n)++ == pick)
      return u;
  }
  return NULL;
}

/* Of several that share an address by REUSEPORT or REUSEADDR, a peer always gets the same one. */
static struct tct_udp *find(const tct_stack *s, const struct tct_udp_tuple *t, uint64_t who) {
  uint32_t n;
  struct tct_udp *first = find_nth(s, t, UINT32_MAX, &n);
  if (n > 0)
    first = find_nth(s, t, (uint32_t)(who % n), &n);
  return first;
}

struct tct_udp *tct_udp_lookup(const tct_stack *s, const struct tct_udp_tuple *t) {
  uint64_t who = hash_tuple(s, t);
  struct tct_udp *u = find(s, t, who);
  struct tct_udp_tuple wild = {.local = t->local, .lport = t->lport, .ifi = t->ifi};
  if (u == NULL)
    u = find(s, &wild, who);
  wild.local = any4;
  if (u == NULL && tct_addr_is_ipv4(t->local))
    u = find(s, &wild, who);
  wild.local = any;
  if (u != NULL)
    return u;
  u = find(s, &wild, who);
  return u != NULL && u->v6only && tct_addr_is_ipv4(t->local) ? NULL : u;
}

/* ---- the tables ------------------------------------------------------------------------------ */

static struct tct_udp_port *find_port(const tct_stack *s, uint32_t port) {
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&s->udp->by_port, hash_port(s, port), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->udp->by_port, &it)) {
    struct tct_udp_port *p = tct_slab_at(&s->udp->ports, ref);
    if (p->port == port)
      return p;
  }
  return NULL;
}

static struct tct_udp_port *add_port(tct_stack *s, uint32_t port) {
  uint32_t index;
  struct tct_udp_port *p = tct_slab_alloc(&s->udp->ports, &index);
  if (p == NULL)
    return NULL;
  *p = (struct tct_udp_port){.index = index, .port = port};
  tct_list_init(&p->socks);
  if (tct_table_insert(&s->udp->by_port, hash_port(s, port), index))
    return p;
  tct_slab_free(&s->udp->ports, index);
  return NULL;
}

static void leave_port(tct_stack *s, struct tct_udp *u) {
  struct tct_udp_port *p = find_port(s, u->lport);
  TCT_ASSERT(p != NULL && p->n > 0);
  tct_list_remove(&u->on_port);
  p->n--;
  if (p->n > 0)
    return;
  bool was_in = tct_table_remove(&s->udp->by_port, hash_port(s, p->port), p->index);
  TCT_ASSERT(was_in);
  tct_slab_free(&s->udp->ports, p->index);
}

static bool join_port(tct_stack *s, struct tct_udp *u) {
  struct tct_udp_port *p = find_port(s, u->lport);
  if (p == NULL)
    p = add_port(s, u->lport);
  if (p == NULL)
    return false;
  tct_list_push_tail(&p->socks, &u->on_port);
  p->n++;
  return true;
}

void tct_udp_unbind(tct_stack *s, struct tct_udp *u) {
  if (u->lport == 0)
    return;
  bool was_in = tct_table_remove(&s->udp->by_tuple, u->hash, u->index);
  TCT_ASSERT(was_in);
  leave_port(s, u);
  u->lport = 0;
}

/* Puts u, whose addresses and other port are set, into the tables under lport. */
static int enter(tct_stack *s, struct tct_udp *u, uint16_t lport) {
  TCT_ASSERT(u->lport == 0 && lport != 0);
  struct tct_udp_tuple t = {u->laddr, u->raddr, lport, u->rport, u->ifi};
  u->lport = lport;
  u->hash = hash_tuple(s, &t);
  if (join_port(s, u)) {
    if (tct_table_insert(&s->udp->by_tuple, u->hash, u->index))
      return TCT_OK;
    leave_port(s, u);
  }
  u->lport = 0;
  return TCT_ENOBUFS;
}

/* ---- ports ----------------------------------------------------------------------------------- */

/* Would wildcard a (of a socket that is v6only or not) take what is sent to b? */
static bool covers(tct_addr a, bool v6only, tct_addr b) {
  if (tct_ip_equal(a, any))
    return !v6only || !tct_addr_is_ipv4(b);
  return tct_ip_equal(a, any4) && tct_addr_is_ipv4(b);
}

static bool clashes(const struct tct_udp *u, tct_addr want, uint32_t ifi, const struct tct_udp *v) {
  bool apart = ifi != TCT_UDP_NO_IF && v->ifi != TCT_UDP_NO_IF && ifi != v->ifi;
  bool share = (u->reuse_addr && v->reuse_addr) || (u->reuse_port && v->reuse_port);
  if (u == v || apart || share)
    return false;
  return tct_ip_equal(want, v->laddr) || covers(want, u->v6only, v->laddr) ||
         covers(v->laddr, v->v6only, want);
}

static bool is_free(const tct_stack *s, const struct tct_udp *u, tct_addr want, uint32_t ifi,
                    uint16_t port) {
  const struct tct_udp_port *p = find_port(s, port);
  if (p == NULL)
    return true;
  for (struct tct_list *n = p->socks.next; n != &p->socks; n = n->next)
    if (clashes(u, want, ifi, TCT_CONTAINER_OF(n, struct tct_udp, on_port)))
      return false;
  return true;
}

/* From a random start to the next port that nobody is on; 0 if there is none. */
static uint16_t choose_port(tct_stack *s) {
  uint32_t first = tct_max_u32(s->cfg.port_first, 1);
  uint32_t n = s->cfg.port_last >= first ? s->cfg.port_last - first + 1 : 1;
  uint32_t at = tct_prng_below(&s->prng, n);
  for (uint32_t tried = 0; tried < n; tried++, at = at + 1 == n ? 0 : at + 1)
    if (find_port(s, first + at) == NULL)
      return (uint16_t)(first + at);
  return 0;
}

int tct_udp_autobind(tct_stack *s, struct tct_udp *u) {
  if (u->lport != 0)
    return TCT_OK;
  uint16_t port = choose_port(s);
  return port == 0 ? TCT_EADDRINUSE : enter(s, u, port);
}

/* ---- bind ------------------------------------------------------------------------------------ */

int tct_udp_get_if(tct_stack *s, const tct_endpoint *e, uint32_t *ifi) {
  *ifi = TCT_UDP_NO_IF;
  if (e->ifc.gen == 0)
    return TCT_OK;
  const struct tct_iface *ifc = tct_stack_if(s, e->ifc);
  if (ifc == NULL)
    return TCT_ENODEV;
  *ifi = (uint32_t)(ifc - s->ifs);
  return TCT_OK;
}

static bool may_bind(const tct_stack *s, const struct tct_udp *u, tct_addr a, uint32_t ifi) {
  if (u->v6only && tct_addr_is_ipv4(a))
    return false;
  if (tct_ip_is_any(a) || tct_ip_is_local(s, a))
    return true;
  return ifi != TCT_UDP_NO_IF && s->ifs[ifi].cfg.any_dst && !tct_ip_is_multicast(a) &&
         !tct_ip_is_broadcast(s, a);
}

int tct_udp_bind(tct_stack *s, tct_sock k, const tct_endpoint *local) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  if (local == NULL || u->lport != 0)
    return TCT_EINVAL;
  uint32_t ifi;
  int err = tct_udp_get_if(s, local, &ifi);
  if (err != TCT_OK)
    return err;
  if (!may_bind(s, u, local->addr, ifi))
    return TCT_EADDRNOTAVAIL;
  if (local->port != 0 && !is_free(s, u, local->addr, ifi, local->port))
    return TCT_EADDRINUSE;
  uint16_t port = local->port != 0 ? local->port : choose_port(s);
  if (port == 0)
    return TCT_EADDRINUSE;
  u->bound_addr = u->laddr = local->addr;
  u->bound_ifi = u->ifi = ifi;
  err = enter(s, u, port);
  if (err != TCT_OK) {
    u->bound_addr = u->laddr = any;
    u->bound_ifi = u->ifi = TCT_UDP_NO_IF;
  }
  return err;
}

/* ---- connect --------------------------------------------------------------------------------- */

int tct_udp_check_peer(const tct_stack *s, const struct tct_udp *u, tct_addr a, uint16_t port) {
  bool v4 = tct_addr_is_ipv4(a);
  if (port == 0 || tct_ip_is_any(a))
    return TCT_EINVAL;
  bool bound_to_other = !tct_ip_equal(u->bound_addr, any) && tct_addr_is_ipv4(u->bound_addr) != v4;
  if ((u->v6only && v4) || bound_to_other)
    return TCT_ENETUNREACH;
  return tct_ip_is_broadcast(s, a) && !u->broadcast ? TCT_EACCES : TCT_OK;
}

/* The same socket under other addresses. On failure it is where it was. */
static int move(tct_stack *s, struct tct_udp *u, const struct tct_udp *to) {
  struct tct_udp was = *u;
  uint16_t port = u->lport != 0 ? u->lport : choose_port(s);
  if (port == 0)
    return TCT_EADDRINUSE;
  tct_udp_unbind(s, u);
  u->laddr = to->laddr;
  u->raddr = to->raddr;
  u->rport = to->rport;
  u->connected = to->connected;
  int err = enter(s, u, port);
  if (err == TCT_OK)
    return TCT_OK;
  u->laddr = was.laddr;
  u->raddr = was.raddr;
  u->rport = was.rport;
  u->connected = was.connected;
  if (was.lport != 0 && enter(s, u, was.lport) != TCT_OK)
    u->laddr = u->bound_addr = any; /* memory is out: unbound, as a new one */
  return err;
}

static int disconnect(tct_stack *s, struct tct_udp *u) {
  struct tct_udp to = {.laddr = u->bound_addr};
  int err = u->connected ? move(s, u, &to) : TCT_OK;
  if (err == TCT_OK)
    u->ifi = u->bound_ifi;
  return err;
}

int tct_udp_connect(tct_stack *s, tct_sock k, const tct_endpoint *remote) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  if (remote == NULL || (tct_ip_is_any(remote->addr) && remote->port == 0))
    return disconnect(s, u);
  uint32_t ifi;
  int err = tct_udp_get_if(s, remote, &ifi);
  if (err == TCT_OK)
    err = tct_udp_check_peer(s, u, remote->addr, remote->port);
  if (err != TCT_OK)
    return err;
  struct tct_ip_path path;
  if (ifi == TCT_UDP_NO_IF)
    ifi = u->bound_ifi;
  err = tct_ip_path(s, remote->addr, u->bound_addr, ifi, &path);
  if (err != TCT_OK)
    return err;
  struct tct_udp to = {
      .laddr = path.src, .raddr = remote->addr, .rport = remote->port, .connected = true};
  err = move(s, u, &to);
  if (err == TCT_OK)
    u->ifi = ifi; /* a link-local peer lives on one link */
  return err;
}
