/* SPDX-License-Identifier: MIT */
/*
 * udp_output.c - datagrams out: send queues them, tct_output pulls them.
 *
 * Called by sock.c (send) and stack.c (output: sockets take turns, one datagram each). A datagram
 * too large for its path is cut into fragments at once, which wait with the answers (ip_reply.c).
 * Frames point into the queued datagrams, which are kept as `sent` until the next call.
 * RFC 768, RFC 1122 section 4.1, RFC 8085 section 3.2.
 */
#include "udp/udp.h"

#include "wire/udp.h"

enum { MULTICAST_HOPS = 1, PAYLOAD_MAX4 = 65507, PAYLOAD_MAX6 = 65527 };

/* ---- the queue ------------------------------------------------------------------------------- */

void tct_udp_release_sent(tct_stack *s) {
  struct tct_list *node;
  while ((node = tct_list_pop_head(&s->udp->sent)) != NULL)
    tct_udp_dgram_free(s, TCT_CONTAINER_OF(node, struct tct_udp_dgram, node));
}

static struct tct_udp_dgram *get_head(const struct tct_udp *u) {
  struct tct_list *node = tct_list_first(&u->tx);
  return node == NULL ? NULL : TCT_CONTAINER_OF(node, struct tct_udp_dgram, node);
}

/* Waits at the interface that its first datagram goes to. */
static void requeue(tct_stack *s, struct tct_udp *u) {
  const struct tct_udp_dgram *d = get_head(u);
  tct_list_remove(&u->ready);
  if (d != NULL)
    tct_list_push_tail(&s->ifs[d->ifi].udp_ready, &u->ready);
}

void tct_udp_drop_tx(tct_stack *s, struct tct_udp *u) {
  struct tct_udp_dgram *d;
  while ((d = get_head(u)) != NULL) {
    tct_list_remove(&d->node);
    tct_udp_dgram_free(s, d);
  }
  u->tx_bytes = 0;
  tct_list_remove(&u->ready);
}

/* ---- send ------------------------------------------------------------------------------------ */

/* Whom to: what the call says, else the peer that is connected. */
static int get_peer(const struct tct_udp *u, const tct_dgram *d, tct_endpoint *to) {
  bool named = d != NULL && (d->remote.port != 0 || !tct_ip_is_any(d->remote.addr));
  if (!named && !u->connected)
    return TCT_EDESTADDRREQ;
  *to = named ? d->remote : (tct_endpoint){.addr = u->raddr, .port = u->rport};
  return TCT_OK;
}

static int find_path(tct_stack *s, const struct tct_udp *u, const tct_dgram *d,
                     const tct_endpoint *to, struct tct_ip_path *path) {
  uint32_t ifi;
  int err = tct_udp_get_if(s, to, &ifi);
  if (err != TCT_OK)
    return err;
  tct_addr src = u->connected ? u->laddr : u->bound_addr;
  if (d != NULL && !tct_ip_is_any(d->local.addr))
    src = d->local.addr;
  if (ifi == TCT_UDP_NO_IF && d != NULL && d->local.ifc.gen != 0)
    err = tct_udp_get_if(s, &d->local, &ifi);
  if (err != TCT_OK)
    return err;
  if (tct_addr_is_ipv4(src) != tct_addr_is_ipv4(to->addr))
    src = (tct_addr){{0}}; /* a dual-stack socket writes to the other family */
  return tct_ip_path(s, to->addr, src, ifi != TCT_UDP_NO_IF ? ifi : u->ifi, path);
}

static uint8_t choose_hops(const tct_stack *s, const struct tct_udp *u, const tct_dgram *d,
                           tct_addr dst) {
  if (d != NULL && d->hop_limit != 0)
    return d->hop_limit;
  if (u->hop_limit != 0)
    return u->hop_limit;
  return tct_ip_is_multicast(dst) ? MULTICAST_HOPS : s->cfg.hop_limit; /* RFC 1112 6.1 */
}

/* Sets all but the data; d->len stays what it was made for. */
static void fill(const tct_stack *s, const struct tct_udp *u, const tct_dgram *how,
                 const tct_endpoint *to, struct tct_udp_dgram *d) {
  d->remote = to->addr;
  d->rport = to->port;
  d->lport = u->lport;
  d->hop_limit = choose_hops(s, u, how, to->addr);
  d->tclass = (uint8_t)(how != NULL && how->tclass != 0 ? how->tclass : u->dscp << 2);
  d->seg_size = how != NULL ? how->seg_size : 0;
  d->dont_frag = !u->frag_always;
}

static struct tct_ip_tx get_tx(tct_stack *s, const struct tct_udp_dgram *d) {
  struct tct_ip_tx tx = {.src = d->local,
                         .dst = d->remote,
                         .ifi = d->ifi,
                         .proto = TCT_IPPROTO_UDP,
                         .hop_limit = d->hop_limit,
                         .tclass = d->tclass,
                         .dont_frag = d->dont_frag};
  if (!tct_addr_is_ipv4(d->remote))
    tx.flow_label = tct_ip_flow_label(s, d->local, d->remote, d->lport, d->rport);
  return tx;
}

/* The n bytes at `data` as one datagram through the reply queue, in fragments. */
static bool send_fragments(tct_stack *s, const struct tct_udp_dgram *d, const uint8_t *data,
                           uint32_t n) {
  uint8_t *l4 = tct_stack_alloc(s, TCT_UDP_HEADER_LEN + (size_t)n);
  if (l4 == NULL)
    return false;
  struct tct_ip_tx tx = get_tx(s, d);
  tct_iov payload = {data, n};
  tx.dont_frag = false;
  tct_wire_udp_emit(l4, d->lport, d->rport, (uint16_t)n);
  tct_wire_udp_finish(l4, &tx.src, &tx.dst, &payload, 1);
  memcpy(l4 + TCT_UDP_HEADER_LEN, data, n);
  bool queued = tct_ip_reply(s, &tx, l4, TCT_UDP_HEADER_LEN + n, TCT_WHY_DATAGRAM);
  tct_stack_free(s, l4, TCT_UDP_HEADER_LEN + (size_t)n);
  return queued;
}

static uint32_t get_room(uint32_t mtu, tct_addr dst) {
  return mtu - (uint32_t)tct_ip_header_len(dst) - TCT_UDP_HEADER_LEN;
}

static int check_size(const tct_dgram *d, size_t len, tct_addr dst, uint32_t mtu) {
  size_t max = tct_addr_is_ipv4(dst) ? PAYLOAD_MAX4 : PAYLOAD_MAX6;
  if (len > max)
    return TCT_EMSGSIZE;
  /* Cutting is for datagrams of a size that the caller has found out to fit. */
  bool cut = d != NULL && d->seg_size != 0;
  return cut && d->seg_size > get_room(mtu, dst) ? TCT_EMSGSIZE : TCT_OK;
}

static bool is_full(const struct tct_udp *u, uint32_t len) {
  return u->tx_bytes != 0 && u->tx_bytes + tct_udp_dgram_cost(len) > u->sndbuf_bytes;
}

/* Takes the datagram; TCT_EAGAIN promises a WRITABLE. */
static int enqueue(tct_stack *s, struct tct_udp *u, const struct tct_udp_dgram *like,
                   const void *buf, uint32_t len) {
  if (is_full(u, len)) {
    u->wants_room = true;
    return TCT_EAGAIN;
  }
  struct tct_udp_dgram *d = tct_udp_dgram_new(s, len);
  if (d == NULL)
    return TCT_ENOBUFS;
  *d = *like;
  tct_list_init(&d->node);
  d->len = len;
  if (len > 0)
    memcpy(d->data, buf, len);
  tct_list_push_tail(&u->tx, &d->node);
  u->tx_bytes += tct_udp_dgram_cost(len);
  if (!tct_list_is_linked(&u->ready))
    requeue(s, u);
  return TCT_OK;
}

static int aim(tct_stack *s, struct tct_udp *u, const tct_dgram *d, struct tct_udp_dgram *like,
               uint32_t *mtu) {
  tct_endpoint to;
  int err = get_peer(u, d, &to);
  if (err == TCT_OK)
    err = tct_udp_check_peer(s, u, to.addr, to.port);
  if (err == TCT_OK && d != NULL && d->local.port != 0 && d->local.port != u->lport)
    err = TCT_EADDRNOTAVAIL;
  if (err != TCT_OK)
    return err;
  struct tct_ip_path path;
  err = find_path(s, u, d, &to, &path);
  if (err == TCT_OK)
    err = tct_udp_autobind(s, u);
  if (err != TCT_OK)
    return err;
  fill(s, u, d, &to, like);
  like->local = path.src;
  like->ifi = path.ifi;
  *mtu = path.mtu;
  return TCT_OK;
}

long tct_udp_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf, size_t len) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  if (buf == NULL && len > 0)
    return TCT_EINVAL;
  int err = tct_udp_take_error(u);
  struct tct_udp_dgram like = {.len = 0};
  uint32_t mtu = 0;
  if (err == TCT_OK)
    err = aim(s, u, d, &like, &mtu);
  if (err == TCT_OK)
    err = check_size(d, len, like.remote, mtu);
  if (err != TCT_OK)
    return err;
  tct_udp_release_sent(s);
  if (like.seg_size == 0 && len > get_room(mtu, like.remote))
    err = send_fragments(s, &like, buf, (uint32_t)len) ? TCT_OK : TCT_ENOBUFS;
  else
    err = enqueue(s, u, &like, buf, (uint32_t)len);
  if (err != TCT_OK)
    return err;
  u->last_raddr = like.remote;
  u->last_rport = like.rport;
  s->n.OutDatagrams++;
  return (long)len;
}

/* ---- output ---------------------------------------------------------------------------------- */

static void emit(tct_stack *s, const struct tct_udp_dgram *d, uint32_t n, struct tct_out *out,
                 tct_frame *f) {
  struct tct_ip_tx tx = get_tx(s, d);
  tct_iov payload = {d->data + d->cut, n};
  size_t header = tct_ip_output_header(s, &tx, TCT_UDP_HEADER_LEN + n, out->header);
  tct_wire_udp_emit(out->header + header, d->lport, d->rport, (uint16_t)n);
  tct_wire_udp_finish(out->header + header, &tx.src, &tx.dst, &payload, 1);
  header += TCT_UDP_HEADER_LEN;
  out->iov[0] = (tct_iov){out->header, header};
  out->iov[1] = payload;
  *f = (tct_frame){.iov = out->iov,
                   .n_iov = n > 0 ? 2 : 1,
                   .len = (uint32_t)header + n,
                   .why = TCT_WHY_DATAGRAM,
                   .at = s->now};
}

static void finish_head(tct_stack *s, struct tct_udp *u, struct tct_udp_dgram *d) {
  tct_list_move_tail(&s->udp->sent, &d->node);
  u->tx_bytes -= tct_udp_dgram_cost(d->len);
  if (u->wants_room && u->tx_bytes <= u->sndbuf_bytes - u->sndbuf_bytes / 3) {
    u->wants_room = false;
    if (u->life == TCT_UDP_OPEN)
      tct_udp_note(s, u, TCT_EV_WRITABLE);
  }
}

void tct_udp_on_no_neighbour(tct_stack *s, struct tct_list *flows) {
  struct tct_list *node;
  while ((node = tct_list_first(flows)) != NULL) {
    struct tct_udp *u = TCT_CONTAINER_OF(node, struct tct_udp, ready);
    requeue(s, u);
    if (!u->connected)
      continue;
    u->soft_err = TCT_EHOSTUNREACH;
    if (!u->soft_errors_off)
      tct_udp_note(s, u, TCT_EV_SOFT_ERROR);
  }
}

/* One datagram of u. False: it made no frame, since its interface can no longer take it whole. */
static bool output_one(tct_stack *s, struct tct_udp *u, struct tct_out *out, tct_frame *f) {
  struct tct_udp_dgram *d = get_head(u);
  uint32_t rest = d->len - d->cut;
  uint32_t n = d->seg_size != 0 ? tct_min_u32(d->seg_size, rest) : rest;
  bool fits = n <= get_room(s->ifs[d->ifi].cfg.mtu, d->remote);
  if (fits) {
    emit(s, d, n, out, f);
    if (u->life != TCT_UDP_DRAINING)
      f->sock = tct_udp_handle(u);
  } else {
    send_fragments(s, d, d->data + d->cut, n);
  }
  d->cut += n;
  if (d->cut == d->len)
    finish_head(s, u, d);
  requeue(s, u);
  if (tct_list_is_empty(&u->tx))
    tct_udp_on_drained(s, u);
  return fits;
}

static __attribute__((noinline)) size_t output_ready(tct_stack *s, uint32_t ifi, tct_frame *f,
                                                     struct tct_out *out, size_t n) {
  struct tct_list *ready = &s->ifs[ifi].udp_ready;
  size_t done = 0;
  if (out == s->out) /* the first frame of this call: no earlier one can still be in use */
    tct_udp_release_sent(s);
  while (done < n && !tct_list_is_empty(ready)) {
    struct tct_list *node = tct_list_pop_head(ready);
    struct tct_udp *u = TCT_CONTAINER_OF(node, struct tct_udp, ready);
    if (!tct_stack_may_send(s, ifi, get_head(u)->remote, node, TCT_LINK_UDP))
      continue;
    if (output_one(s, u, &out[done], &f[done]))
      done++;
  }
  return done;
}

/* Mostly there is nothing. */
size_t tct_udp_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out, size_t n) {
  bool idle = tct_list_is_empty(&s->ifs[ifi].udp_ready) && tct_list_is_empty(&s->udp->sent);
  return idle ? 0 : output_ready(s, ifi, f, out, n);
}
