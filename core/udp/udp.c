/* SPDX-License-Identifier: MIT */
/*
 * udp.c - the lives of UDP sockets, their options and their news.
 *
 * Called by sock.c, which knows UDP's handles by their top bit, and by stack.c. A closed socket
 * lets what it was given to send still leave; its handle ends when CLOSED is pulled. RFC 1122
 * section 4.1.
 */
#include "udp/udp.h"

enum { SOCKS_MAX = 0x7ffffff };

int tct_udp_new(tct_stack *s) {
  struct tct_udp_state *t = tct_stack_alloc(s, sizeof *t);
  s->udp = t;
  if (t == NULL)
    return TCT_ENOMEM;
  uint32_t n = tct_clamp_u32(s->cfg.limits.udp, 1, SOCKS_MAX);
  tct_slab_init(&t->socks, &s->alloc, sizeof(struct tct_udp), offsetof(struct tct_udp, link), n);
  tct_slab_init(&t->ports, &s->alloc, sizeof(struct tct_udp_port),
                offsetof(struct tct_udp_port, link), tct_min_u32(n, 65535));
  tct_table_init(&t->by_tuple, &s->alloc, n);
  tct_table_init(&t->by_port, &s->alloc, tct_min_u32(n, 65535));
  tct_list_init(&t->events);
  tct_list_init(&t->sent);
  t->key[0] = s->keys.table[0];
  t->key[1] = s->keys.table[1];
  return TCT_OK;
}
TCT_STATIC_ASSERT(sizeof(struct tct_udp) % 8 == 0, "a slab wants multiples of 8");
TCT_STATIC_ASSERT(sizeof(struct tct_udp_port) % 8 == 0, "a slab wants multiples of 8");

static void free_rx(tct_stack *s, struct tct_udp *u) {
  struct tct_list *node;
  while ((node = tct_list_pop_head(&u->rx)) != NULL)
    tct_udp_dgram_free(s, TCT_CONTAINER_OF(node, struct tct_udp_dgram, node));
  u->rx_bytes = 0;
}

static void free_sock(tct_stack *s, struct tct_udp *u) {
  tct_udp_unbind(s, u);
  free_rx(s, u);
  tct_udp_drop_tx(s, u);
  tct_list_remove(&u->event);
  u->life = TCT_UDP_FREE;
  tct_slab_free(&s->udp->socks, u->index);
}

void tct_udp_free(tct_stack *s) {
  struct tct_udp_state *t = s->udp;
  if (t == NULL)
    return;
  for (uint32_t i = 0; i < tct_slab_index_end(&t->socks); i++) {
    struct tct_udp *u = tct_slab_at(&t->socks, i);
    if (u->life != TCT_UDP_FREE)
      free_sock(s, u);
  }
  tct_udp_release_sent(s);
  TCT_ASSERT(t->queued_bytes == 0);
  tct_table_deinit(&t->by_tuple);
  tct_table_deinit(&t->by_port);
  tct_slab_deinit(&t->socks);
  tct_slab_deinit(&t->ports);
  tct_stack_free(s, t, sizeof *t);
  s->udp = NULL;
}

/* ---- handles --------------------------------------------------------------------------------- */

static struct tct_udp *find_any(const tct_stack *s, tct_sock k) {
  if ((k.index & TCT_SOCK_UDP_BIT) == 0 || k.gen == 0)
    return NULL;
  struct tct_udp *u = tct_slab_at(&s->udp->socks, k.index & ~TCT_SOCK_UDP_BIT);
  bool has_handle = u != NULL && (u->life == TCT_UDP_OPEN || u->life == TCT_UDP_CLOSING);
  return has_handle && u->gen == k.gen ? u : NULL;
}

struct tct_udp *tct_udp_find(const tct_stack *s, tct_sock k) {
  struct tct_udp *u = find_any(s, k);
  return u != NULL && u->life == TCT_UDP_OPEN ? u : NULL;
}

tct_sock tct_udp_handle(const struct tct_udp *u) {
  return (tct_sock){u->index | TCT_SOCK_UDP_BIT, u->gen};
}

int tct_udp_open(tct_stack *s, void *user, tct_sock *out) {
  uint32_t index;
  struct tct_udp *u = tct_slab_alloc(&s->udp->socks, &index);
  if (u == NULL)
    return tct_slab_used(&s->udp->socks) < s->udp->socks.limit ? TCT_ENOMEM : TCT_ENOBUFS;
  uint32_t gen = u->gen == 0 ? 1 : u->gen;
  uint32_t rcvbuf = s->cfg.rcvbuf_bytes, sndbuf = s->cfg.sndbuf_bytes;
  *u = (struct tct_udp){.index = index,
                        .gen = gen,
                        .life = TCT_UDP_OPEN,
                        .bound_ifi = TCT_UDP_NO_IF,
                        .ifi = TCT_UDP_NO_IF,
                        .rcvbuf_bytes = rcvbuf != 0 ? rcvbuf : TCT_UDP_BUFFER_BYTES,
                        .sndbuf_bytes = sndbuf != 0 ? sndbuf : TCT_UDP_BUFFER_BYTES,
                        .user = user};
  tct_list_init(&u->on_port);
  tct_list_init(&u->event);
  tct_list_init(&u->ready);
  tct_list_init(&u->rx);
  tct_list_init(&u->tx);
  *out = tct_udp_handle(u);
  return TCT_OK;
}

int tct_udp_close(tct_stack *s, tct_sock k) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  tct_udp_unbind(s, u);
  free_rx(s, u);
  u->life = TCT_UDP_CLOSING;
  u->news = 0; /* nothing else can matter now */
  tct_udp_note(s, u, TCT_EV_CLOSED);
  return TCT_OK;
}

/* CLOSED was pulled: the handle is stale. */
static void end_handle(tct_stack *s, struct tct_udp *u) {
  u->gen = u->gen == UINT32_MAX ? 1 : u->gen + 1;
  u->life = TCT_UDP_DRAINING;
  if (tct_list_is_empty(&u->tx))
    free_sock(s, u);
}

/* Also of one that was closed and whose CLOSED nobody has pulled: no event follows. */
int tct_udp_abort(tct_stack *s, tct_sock k) {
  struct tct_udp *u = find_any(s, k);
  if (u == NULL)
    return TCT_EBADF;
  tct_udp_drop_tx(s, u);
  end_handle(s, u);
  return TCT_OK;
}

void tct_udp_on_drained(tct_stack *s, struct tct_udp *u) {
  if (u->life == TCT_UDP_DRAINING)
    free_sock(s, u);
}

bool tct_udp_next(tct_stack *s, tct_sock *cursor) {
  uint32_t i = 0;
  if ((cursor->index & TCT_SOCK_UDP_BIT) != 0)
    i = (cursor->index & ~TCT_SOCK_UDP_BIT) + 1;
  for (; i < tct_slab_index_end(&s->udp->socks); i++) {
    const struct tct_udp *u = tct_slab_at(&s->udp->socks, i);
    if (u->life == TCT_UDP_OPEN || u->life == TCT_UDP_CLOSING) {
      *cursor = tct_udp_handle(u);
      return true;
    }
  }
  return false;
}

int tct_udp_user(tct_stack *s, tct_sock k, void **user) {
  const struct tct_udp *u = find_any(s, k);
  if (u == NULL)
    return TCT_EBADF;
  *user = u->user;
  return TCT_OK;
}

static void fill_endpoint(const tct_stack *s, tct_endpoint *e, tct_addr a, uint16_t port,
                          uint32_t ifi) {
  if (e == NULL)
    return;
  tct_if ifc = {0, 0};
  *e = (tct_endpoint){
      .addr = a, .port = port, .ifc = ifi == TCT_UDP_NO_IF ? ifc : tct_stack_if_handle(s, ifi)};
}

int tct_udp_name(tct_stack *s, tct_sock k, tct_endpoint *local, tct_endpoint *remote) {
  const struct tct_udp *u = find_any(s, k);
  if (u == NULL)
    return TCT_EBADF;
  fill_endpoint(s, local, u->laddr, u->lport, u->ifi);
  fill_endpoint(s, remote, u->raddr, u->rport, u->ifi);
  return TCT_OK;
}

/* ---- news ------------------------------------------------------------------------------------ */

void tct_udp_note(tct_stack *s, struct tct_udp *u, uint32_t news) {
  u->news |= news;
  if (!tct_list_is_linked(&u->event))
    tct_list_push_tail(&s->udp->events, &u->event);
}

TCT_HOT bool tct_udp_event_next(tct_stack *s, tct_event *ev) {
  struct tct_list *node = tct_list_pop_head(&s->udp->events);
  if (node == NULL)
    return false;
  struct tct_udp *u = TCT_CONTAINER_OF(node, struct tct_udp, event);
  *ev = (tct_event){.sock = tct_udp_handle(u), .flags = u->news, .user = u->user};
  if (u->news & TCT_EV_SOFT_ERROR)
    ev->err = u->soft_err;
  u->news = 0;
  if (ev->flags & TCT_EV_CLOSED) {
    ev->why = TCT_WHY_CLOSED;
    end_handle(s, u);
  }
  return true;
}

static bool has_room(const struct tct_udp *u) {
  return u->tx_bytes <= u->sndbuf_bytes - u->sndbuf_bytes / 3;
}

int tct_udp_ready(tct_stack *s, tct_sock k) {
  const struct tct_udp *u = find_any(s, k);
  if (u == NULL)
    return TCT_EBADF;
  if (u->life == TCT_UDP_CLOSING)
    return TCT_EV_CLOSED;
  int ready = has_room(u) ? TCT_EV_WRITABLE : 0;
  if (!tct_list_is_empty(&u->rx) || u->pending_err != TCT_OK)
    ready |= TCT_EV_READABLE;
  return u->soft_err != TCT_OK ? ready | TCT_EV_SOFT_ERROR : ready;
}

int tct_udp_take_error(struct tct_udp *u) {
  int err = u->pending_err;
  u->pending_err = TCT_OK;
  return err;
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct tct_udp_dgram *tct_udp_dgram_new(tct_stack *s, uint32_t len) {
  uint32_t cost = tct_udp_dgram_cost(len);
  if (s->udp->queued_bytes + s->chunks.used_bytes + cost > s->cfg.limits.buffer_bytes)
    return NULL;
  struct tct_udp_dgram *d = tct_stack_alloc(s, cost);
  if (d == NULL)
    return NULL;
  tct_list_init(&d->node);
  d->len = len;
  s->udp->queued_bytes += cost;
  return d;
}

void tct_udp_dgram_free(tct_stack *s, struct tct_udp_dgram *d) {
  uint32_t cost = tct_udp_dgram_cost(d->len);
  s->udp->queued_bytes -= cost;
  tct_stack_free(s, d, cost);
}

/* ---- options --------------------------------------------------------------------------------- */

static int set_bool(bool *to, int64_t value) {
  if (value != 0 && value != 1)
    return TCT_EINVAL;
  *to = value == 1;
  return TCT_OK;
}

static int set_buffer(uint32_t *to, int64_t value) {
  if (value < 1 || value > INT32_MAX)
    return TCT_EINVAL;
  *to = (uint32_t)value;
  return TCT_OK;
}

static int set_byte(uint8_t *to, int64_t value, int64_t low, int64_t high) {
  if (value < low || value > high)
    return TCT_EINVAL;
  *to = (uint8_t)value;
  return TCT_OK;
}

/* What says no when it is 1 inside, because zero must be the default. */
static int set_inverted(bool *to, int64_t value) {
  return value == 0 || value == 1 ? set_bool(to, 1 - value) : TCT_EINVAL;
}

int tct_udp_set(tct_stack *s, tct_sock k, tct_opt o, int64_t value) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  switch (o) {
  case TCT_OPT_SNDBUF:
    return set_buffer(&u->sndbuf_bytes, value);
  case TCT_OPT_RCVBUF:
    return set_buffer(&u->rcvbuf_bytes, value);
  case TCT_OPT_DSCP:
    return set_byte(&u->dscp, value, 0, 63);
  case TCT_OPT_HOP_LIMIT:
    return set_byte(&u->hop_limit, value, 1, 255);
  case TCT_OPT_V6ONLY: /* a bound socket's place in the table depends on it */
    return u->lport != 0 ? TCT_EINVAL : set_bool(&u->v6only, value);
  case TCT_OPT_REUSEADDR:
    return set_bool(&u->reuse_addr, value);
  case TCT_OPT_REUSEPORT:
    return set_bool(&u->reuse_port, value);
  case TCT_OPT_BROADCAST:
    return set_bool(&u->broadcast, value);
  case TCT_OPT_PMTU_DISCOVER:
    return set_inverted(&u->frag_always, value);
  case TCT_OPT_SOFT_ERRORS:
    return set_inverted(&u->soft_errors_off, value);
  default:
    return TCT_ENOPROTOOPT;
  }
}

static int64_t take_soft_error(struct tct_udp *u) {
  int64_t err = u->soft_err;
  u->soft_err = TCT_OK;
  return err;
}

int tct_udp_get(tct_stack *s, tct_sock k, tct_opt o, int64_t *value) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  switch (o) {
  case TCT_OPT_SNDBUF:
    *value = u->sndbuf_bytes;
    break;
  case TCT_OPT_RCVBUF:
    *value = u->rcvbuf_bytes;
    break;
  case TCT_OPT_DSCP:
    *value = u->dscp;
    break;
  case TCT_OPT_RECV_DSCP:
    *value = u->recv_tclass >> 2;
    break;
  case TCT_OPT_HOP_LIMIT:
    *value = u->hop_limit != 0 ? u->hop_limit : s->cfg.hop_limit;
    break;
  case TCT_OPT_V6ONLY:
    *value = u->v6only;
    break;
  case TCT_OPT_REUSEADDR:
    *value = u->reuse_addr;
    break;
  case TCT_OPT_REUSEPORT:
    *value = u->reuse_port;
    break;
  case TCT_OPT_BROADCAST:
    *value = u->broadcast;
    break;
  case TCT_OPT_PMTU_DISCOVER:
    *value = !u->frag_always;
    break;
  case TCT_OPT_SOFT_ERRORS:
    *value = !u->soft_errors_off;
    break;
  case TCT_OPT_ERROR:
    *value = tct_udp_take_error(u);
    break;
  case TCT_OPT_SOFT_ERROR:
    *value = take_soft_error(u);
    break;
  default:
    return TCT_ENOPROTOOPT;
  }
  return TCT_OK;
}

/* ---- invariants ------------------------------------------------------------------------------ */

static uint64_t sum_costs(const struct tct_list *list) {
  uint64_t sum = 0;
  for (const struct tct_list *n = list->next; n != list; n = n->next)
    sum += tct_udp_dgram_cost(TCT_CONTAINER_OF(n, struct tct_udp_dgram, node)->len);
  return sum;
}

/* U1: what is charged is what is queued; U2: a socket with datagrams to send is in one ready list;
 * U3: a port means a place in the table and on the port. */
void tct_udp_check(const tct_stack *s) {
  const struct tct_udp_state *t = s->udp;
  uint64_t all = sum_costs(&t->sent);
  for (uint32_t i = 0; i < tct_slab_index_end(&t->socks); i++) {
    const struct tct_udp *u = tct_slab_at(&t->socks, i);
    if (u->life == TCT_UDP_FREE)
      continue;
    uint64_t rx = sum_costs(&u->rx), tx = sum_costs(&u->tx);
    TCT_ASSERT(rx == u->rx_bytes && tx == u->tx_bytes);
    TCT_ASSERT(tct_list_is_linked(&u->ready) == !tct_list_is_empty(&u->tx));
    TCT_ASSERT(tct_list_is_linked(&u->on_port) == (u->lport != 0));
    all += rx + tx;
  }
  TCT_ASSERT(all == t->queued_bytes);
}
