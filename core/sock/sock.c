/* SPDX-License-Identifier: MIT */
/*
 * sock.c - sockets as the application opens, connects and closes them: the user calls of RFC 9293
 * section 3.9.1 but for SEND, RECEIVE (sock_io.c) and STATUS (sock_info.c). Nothing blocks and
 * nothing is sent here: state changes, and tct_output tells the peer. UDP handles are passed on to
 * udp/.
 */
#include "sock/sock.h"
#include "util/rule.h"

int tct_sock_open(tct_stack *s, tct_proto p, void *user, tct_sock *out) {
  if (p == TCT_UDP)
    return tct_udp_open(s, user, out);
  if (p != TCT_TCP)
    return TCT_EINVAL;
  struct tct_tcp *c = tct_tcp_block_new(s);
  if (c == NULL)
    return TCT_ENOMEM;
  c->ctx.user = user;
  *out = tct_tcp_block_handle(c);
  return TCT_OK;
}

/* Neither opened nor used up. */
static bool is_fresh(const struct tct_tcp *c) {
  return c->state == TCT_CLOSED && (c->sockf & TCT_SOCKF_DONE) == 0;
}

/* The interface that an endpoint names: *ifi stays as it is when it names none. */
static int find_if(tct_stack *s, const tct_endpoint *e, uint32_t *ifi) {
  if (e->ifc.index == 0 && e->ifc.gen == 0)
    return TCT_OK;
  struct tct_iface *ifc = tct_stack_if(s, e->ifc);
  if (ifc == NULL)
    return TCT_ENODEV;
  *ifi = (uint32_t)(ifc - s->ifs);
  return TCT_OK;
}

/* ---- bind ------------------------------------------------------------------------------------ */

/* Ours, or anybody's where a gateway's interface takes everything. */
static bool may_bind(const tct_stack *s, tct_addr a, uint32_t ifi) {
  if (tct_ip_is_any(a) || tct_ip_is_local(s, a))
    return true;
  if (tct_ip_is_multicast(a) || tct_ip_is_broadcast(s, a))
    return false;
  for (uint32_t i = 0; i < s->n_ifs; i++) {
    if (s->ifs[i].cfg.any_dst && (ifi == UINT32_MAX || ifi == i))
      return true;
  }
  return false;
}

/* [RFC9293 MUST-43] */
int tct_sock_bind(tct_stack *s, tct_sock k, const tct_endpoint *local) {
  if (tct_sock_is_udp(k))
    return tct_udp_bind(s, k, local);
  struct tct_tcp *c = tct_sock_find(s, k);
  uint32_t ifi = UINT32_MAX;
  if (c == NULL)
    return TCT_EBADF;
  if (!is_fresh(c) || (c->sockf & TCT_SOCKF_BOUND) != 0)
    return TCT_EINVAL;
  if ((c->sockf & TCT_SOCKF_V6ONLY) != 0 && tct_addr_is_ipv4(local->addr))
    return TCT_EINVAL;
  int e = find_if(s, local, &ifi);
  if (e == TCT_OK && !may_bind(s, local->addr, ifi))
    e = TCT_EADDRNOTAVAIL;
  if (e == TCT_OK)
    e = tct_tcp_port_bind(s, c, local->addr, local->port);
  if (e == TCT_OK && ifi != UINT32_MAX) {
    c->ifi = (uint8_t)ifi;
    c->sockf |= TCT_SOCKF_IFC;
  }
  return e;
}

/* ---- connect --------------------------------------------------------------------------------- */

/* [RFC9293 MUST-46] */
static int check_peer(const tct_stack *s, const struct tct_tcp *c, const tct_endpoint *remote) {
  bool any_ipv4 = (c->sockf & TCT_SOCKF_BOUND) != 0 && tct_ip_is_any(c->key.laddr) &&
                  tct_addr_is_ipv4(c->key.laddr);
  if (tct_ip_is_any(remote->addr) || remote->port == 0)
    return TCT_EDESTADDRREQ;
  if (tct_ip_is_multicast(remote->addr) && TCT_RULE(MUST_46))
    return TCT_ENETUNREACH;
  if (tct_ip_is_broadcast(s, remote->addr) && TCT_RULE(MUST_46))
    return TCT_EACCES;
  if ((c->sockf & TCT_SOCKF_V6ONLY) != 0 && tct_addr_is_ipv4(remote->addr))
    return TCT_ENETUNREACH;
  return any_ipv4 && !tct_addr_is_ipv4(remote->addr) ? TCT_EADDRNOTAVAIL : TCT_OK;
}

static int check_may_connect(const tct_stack *s, const struct tct_tcp *c) {
  if (c->state == TCT_SYN_SENT || c->state == TCT_SYN_RECEIVED)
    return TCT_EALREADY;
  if (c->state != TCT_CLOSED)
    return TCT_EISCONN;
  if ((c->sockf & TCT_SOCKF_DONE) != 0)
    return TCT_EINVAL;
  return s->tcp->drain_at != TCT_NEVER ? TCT_ESHUTDOWN : TCT_OK;
}

/* Local end: as bound, or by routing [RFC9293 MUST-44] and by lot. */
static int choose_local(tct_stack *s, const struct tct_tcp *c, const tct_endpoint *remote,
                        struct tct_tuple *t, struct tct_ip_path *path) {
  static const tct_addr any = {{0}};
  uint32_t ifi = (c->sockf & TCT_SOCKF_IFC) != 0 ? c->ifi : UINT32_MAX;
  tct_addr src = TCT_RULE_ELSE(MUST_43, c->key.laddr, any);
  int e = find_if(s, remote, &ifi);
  if (e == TCT_OK && tct_ip_is_any(src) && !TCT_RULE(MUST_44))
    e = TCT_EADDRNOTAVAIL;
  if (e == TCT_OK)
    e = tct_ip_path(s, remote->addr, src, ifi, path);
  if (e != TCT_OK)
    return e;
  memset(t, 0, sizeof *t);
  t->laddr = path->src;
  t->raddr = remote->addr;
  t->lport = c->key.lport;
  t->rport = remote->port;
  if ((c->sockf & TCT_SOCKF_BOUND) == 0)
    return tct_tcp_port_choose(s, t);
  return tct_tcp_port_is_used(s, t) ? TCT_EADDRNOTAVAIL : TCT_OK;
}

/* From here on the address stays what it is [RFC9293 MUST-45]. */
static int start_connect(tct_stack *s, struct tct_tcp *c, const struct tct_tuple *t,
                         const struct tct_ip_path *path) {
  struct tct_tcp_opts none;
  struct tct_tuple before = c->key;
  memset(&none, 0, sizeof none);
  c->key = *t;
  if (!tct_tcp_demux_add(s, c)) {
    c->key = before;
    return TCT_ENOMEM;
  }
  c->ifi = (uint8_t)path->ifi;
  c->open |= TCT_OPEN_ACTIVE;
  c->ts_offset = tct_tcp_options_ts_offset(s, t);
  c->peer_mss = tct_tcp_options_peer_mss(s, &none, tct_bytes_addr_is_ipv4(&t->raddr));
  tct_tcp_send_init(s, c, tct_tcp_listen_iss(s, c, t));
  tct_tcp_mtu_set(s, c, path->mtu);
  tct_tcp_state_set(s, c, TCT_SYN_SENT, TCT_WHY_SYN);
  return TCT_OK;
}

/* Ready to be sent; what is queued may go with it. */
void tct_sock_launch_syn(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_fastopen_client_launch(s, c);
  tct_tcp_send_on_sent(s, c, c->iss, tct_seq_add(c->iss, 1), false); /* the SYN's number */
  tct_tcp_timer_set_due(s, c, TCT_DUE_SYN);
  s->n.ActiveOpens++;
}

/* From CLOSED to SYN-SENT, with no SYN yet. */
static int open_actively(tct_stack *s, struct tct_tcp *c, const tct_endpoint *remote) {
  struct tct_tuple t;
  struct tct_ip_path path;
  int e = check_may_connect(s, c);
  if (e == TCT_OK)
    e = check_peer(s, c, remote);
  if (e == TCT_OK)
    e = choose_local(s, c, remote, &t, &path);
  if (e == TCT_OK)
    e = start_connect(s, c, &t, &path);
  return e;
}

int tct_sock_connect(tct_stack *s, tct_sock k, const tct_endpoint *remote) {
  if (tct_sock_is_udp(k))
    return tct_udp_connect(s, k, remote);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  int e = open_actively(s, c, remote);
  if (e == TCT_OK && tct_tcp_fastopen_client_defers(s, c))
    tct_sock_event_post(s, c, TCT_EV_WRITABLE); /* it waits for the first write */
  else if (e == TCT_OK)
    tct_sock_launch_syn(s, c);
  return e;
}

/* A connect that waits for its data, or one that is made here. */
static int open_with_data(tct_stack *s, struct tct_tcp *c, const tct_endpoint *remote) {
  if ((s->cfg.fastopen & TCT_FASTOPEN_CLIENT) == 0)
    return TCT_EOPNOTSUPP;
  if (tct_tcp_fastopen_has(c, TCT_FO_DEFERRED))
    return remote == NULL ? TCT_OK : TCT_EALREADY;
  if (remote == NULL)
    return TCT_EINVAL;
  return tct_tcp_fastopen_of(s, c) != NULL ? open_actively(s, c, remote) : TCT_ENOMEM;
}

/* [RFC7413 4.2.1] Only what goes with the SYN is taken: the rest is sent as ever. */
long tct_sock_connect_send(tct_stack *s, tct_sock k, const tct_endpoint *remote, const void *buf,
                           size_t len, unsigned flags) {
  if (tct_sock_is_udp(k))
    return TCT_EOPNOTSUPP;
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if ((flags & ~(unsigned)TCT_MSG_MORE) != 0)
    return TCT_EINVAL;
  int e = open_with_data(s, c, remote);
  if (e != TCT_OK)
    return e;
  uint32_t room = tct_tcp_fastopen_client_room(s, c);
  long took = room > 0 && len > 0 ? tct_tcp_send_queue(s, c, buf, tct_min_size(len, room), 0) : 0;
  if ((flags & TCT_MSG_MORE) != 0 && took >= 0 && (size_t)took < len)
    c->extra->fastopen->flags |= TCT_FO_MORE;
  tct_sock_launch_syn(s, c);
  tct_sock_finish(s, c);
  return took > 0 ? took : 0;
}

/* ---- listen, accept -------------------------------------------------------------------------- */

/* [RFC9293 MUST-41]: a new record or an error, and nothing else is touched. */
int tct_sock_listen(tct_stack *s, tct_sock k, unsigned backlog) {
  if (tct_sock_is_udp(k))
    return TCT_EOPNOTSUPP;
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (c->state != TCT_LISTEN && !is_fresh(c))
    return TCT_EINVAL;
  if (s->tcp->drain_at != TCT_NEVER)
    return TCT_ESHUTDOWN;
  if ((c->sockf & TCT_SOCKF_BOUND) == 0) {
    int e = tct_tcp_port_bind(s, c, c->key.laddr, 0);
    if (e != TCT_OK)
      return e;
  }
  return tct_tcp_listen_start(s, c, backlog);
}

/* What happened before goes to the new owner's queue. */
int tct_sock_accept(tct_stack *s, tct_sock k, void *user, tct_sock *child) {
  if (tct_sock_is_udp(k))
    return TCT_EOPNOTSUPP;
  struct tct_tcp *l = tct_sock_find(s, k);
  if (l == NULL)
    return TCT_EBADF;
  if (l->state != TCT_LISTEN)
    return TCT_EINVAL;
  struct tct_tcp *c = tct_tcp_listen_accept(s, l);
  if (c == NULL)
    return TCT_EAGAIN;
  c->ctx.user = user;
  *child = tct_tcp_block_handle(c);
  tct_sock_event_post(s, c, c->news);
  return TCT_OK;
}

/* ---- The ends -------------------------------------------------------------------------------- */

static void shut_receive(tct_stack *s, struct tct_tcp *c) {
  c->rcv.flags |= TCT_RCV_SHUT;
  if (s->tcp->profile->shut_keeps_text)
    return;
  tct_tcp_reasm_discard(s, c);
  tct_tcp_recv_on_app_read(s, c);
  tct_sock_event_on_drained(s, c);
}

int tct_sock_shutdown(tct_stack *s, tct_sock k, tct_how how) {
  if (tct_sock_is_udp(k))
    return TCT_EOPNOTSUPP;
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (how > TCT_SHUT_RDWR)
    return TCT_EINVAL;
  if (c->state == TCT_CLOSED || c->state == TCT_LISTEN)
    return TCT_ENOTCONN;
  if (how != TCT_SHUT_WR)
    shut_receive(s, c);
  if (how != TCT_SHUT_RD)
    tct_tcp_state_shut_send(s, c);
  tct_sock_finish(s, c);
  return TCT_OK;
}

/* Orphans cost memory that nobody here can free: beyond the limit they are reset. */
static void limit_orphans(tct_stack *s, struct tct_tcp *c) {
  if (c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT ||
      s->n.OrphansNow <= s->cfg.limits.orphans)
    return;
  s->n.TCPAbortOnMemory++;
  tct_tcp_state_abort(s, c, TCT_WHY_RST_ABORT);
}

int tct_sock_close(tct_stack *s, tct_sock k) {
  if (tct_sock_is_udp(k))
    return tct_udp_close(s, k);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  tct_tcp_state_close(s, c);
  limit_orphans(s, c);
  tct_sock_finish(s, c);
  return TCT_OK;
}

/* Also for a handle that was closed and has not ended yet. */
int tct_sock_abort(tct_stack *s, tct_sock k) {
  if (tct_sock_is_udp(k))
    return tct_udp_abort(s, k);
  struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL || (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0)
    return TCT_EBADF;
  if ((c->sockf & TCT_SOCKF_DONE) == 0)
    tct_tcp_state_abort(s, c, TCT_WHY_RST_ABORT);
  tct_tcp_block_free(s, c);
  return TCT_OK;
}

void tct_drain(tct_stack *s, tct_time deadline) {
  tct_tcp_drain(s, deadline);
}

/* ---- Looking around -------------------------------------------------------------------------- */

static bool next_tcp(tct_stack *s, tct_sock *cursor) {
  uint32_t i = cursor->gen == 0 ? 0 : cursor->index + 1;
  for (; i < tct_slab_index_end(&s->tcp->conns); i++) {
    const struct tct_tcp *c = tct_slab_at(&s->tcp->conns, i);
    if (!tct_tcp_block_is_live(s, c) || (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0)
      continue;
    *cursor = tct_tcp_block_handle(c);
    return true;
  }
  return false;
}

bool tct_sock_next(tct_stack *s, tct_sock *cursor) {
  if (!tct_sock_is_udp(*cursor) && next_tcp(s, cursor))
    return true;
  if (!tct_sock_is_udp(*cursor))
    *cursor = (tct_sock){0, 0};
  return tct_udp_next(s, cursor);
}

int tct_sock_name(tct_stack *s, tct_sock k, tct_endpoint *local, tct_endpoint *remote) {
  if (tct_sock_is_udp(k))
    return tct_udp_name(s, k, local, remote);
  const struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL)
    return TCT_EBADF;
  bool on_if = c->key.rport != 0 || (c->sockf & TCT_SOCKF_IFC) != 0;
  tct_if ifc = on_if ? tct_stack_if_handle(s, c->ifi) : (tct_if){0, 0};
  if (local != NULL)
    *local = (tct_endpoint){c->key.laddr, c->key.lport, ifc};
  if (remote != NULL)
    *remote = (tct_endpoint){c->key.raddr, c->key.rport, ifc};
  return TCT_OK;
}

int tct_sock_user(tct_stack *s, tct_sock k, void **user) {
  if (tct_sock_is_udp(k))
    return tct_udp_user(s, k, user);
  const struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL || (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0)
    return TCT_EBADF;
  *user = c->ctx.user;
  return TCT_OK;
}
