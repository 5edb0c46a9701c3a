/* SPDX-License-Identifier: MIT */
/*
 * udp_input.c - datagrams and errors in, and the receive queue.
 *
 * Called by ip_input.c (datagrams), icmp.c (errors) and sock.c (recv). A full queue drops what
 * comes: what was there first is read first. What a device merged is cut again here.
 * RFC 768, RFC 1122 section 4.1, RFC 8200 section 8.1.
 */
#include "udp/udp.h"

#include "util/pieces.h"
#include "wire/icmp.h"
#include "wire/udp.h"

static tct_verdict check(const struct tct_pkt *p, struct tct_udp_hdr *h) {
  tct_verdict v = tct_wire_udp_parse(p->l4, p->l4_have, p->l4_len, h);
  if (v != TCT_ACCEPTED || p->csum != TCT_CSUM_CHECK)
    return v;
  return tct_wire_udp_checksum_ok_iov(&p->ip, h, p->iov, p->n_iov) ? TCT_ACCEPTED
                                                                   : TCT_DROP_UDP_CHECKSUM;
}

static tct_verdict refuse_port(tct_stack *s, const struct tct_pkt *p) {
  s->n.NoPorts++;
  tct_icmp_send_error(s, p, tct_wire_icmp_problem(p->ip.family, TCT_ICMP_UNREACH_PORT));
  return TCT_DROP_UDP_NO_SOCKET;
}

struct part { /* of a packet's payload: one datagram */
  const struct tct_udp_hdr *h;
  uint32_t at, len;
};

static tct_verdict enqueue(tct_stack *s, struct tct_udp *u, const struct tct_pkt *p,
                           const struct part *part) {
  uint32_t cost = tct_udp_dgram_cost(part->len);
  size_t from = (size_t)p->l4_at + TCT_UDP_HEADER_LEN + part->at;
  if (u->rx_bytes + cost > u->rcvbuf_bytes && !tct_list_is_empty(&u->rx))
    return TCT_DROP_UDP_QUEUE_FULL;
  struct tct_udp_dgram *d = tct_udp_dgram_new(s, part->len);
  if (d == NULL)
    return TCT_DROP_NO_MEMORY;
  d->local = p->ip.dst;
  d->remote = p->ip.src;
  d->lport = part->h->dport;
  d->rport = part->h->sport;
  d->hop_limit = p->ip.hop_limit;
  d->tclass = p->ip.tclass;
  d->ifi = p->ifi;
  tct_pieces_copy(d->data, p->iov, p->n_iov, from, part->len);
  tct_list_push_tail(&u->rx, &d->node);
  u->rx_bytes += cost;
  s->n.InDatagrams++;
  return TCT_ACCEPTED;
}

tct_verdict tct_udp_input(tct_stack *s, struct tct_pkt *p) {
  struct tct_udp_hdr h;
  tct_verdict v = check(p, &h);
  if (v != TCT_ACCEPTED)
    return v;
  struct tct_udp_tuple t = {p->ip.dst, p->ip.src, h.dport, h.sport, p->ifi};
  struct tct_udp *u = tct_udp_lookup(s, &t);
  if (u == NULL)
    return refuse_port(s, p);
  p->sock = tct_udp_handle(u);
  uint32_t len = (uint32_t)h.len - TCT_UDP_HEADER_LEN;
  struct part part = {.h = &h};
  do {
    part.len = p->seg_size != 0 ? tct_min_u32(p->seg_size, len - part.at) : len;
    v = enqueue(s, u, p, &part);
    part.at += part.len;
  } while (v == TCT_ACCEPTED && part.at < len);
  if (!tct_list_is_empty(&u->rx)) {
    u->recv_tclass = p->ip.tclass;
    tct_udp_note(s, u, TCT_EV_READABLE);
  }
  return v;
}

/* Only who is connected hears of an error: of others it is not known whom they still talk to. A
 * too-big is also believed about the peer that was last sent to. */
static bool is_believable(const struct tct_udp *u, const struct tct_icmp_event *e) {
  if (u->connected)
    return true;
  return e->mtu != 0 && u->last_rport == e->rport && tct_ip_equal(u->last_raddr, e->remote);
}

tct_verdict tct_udp_icmp_input(tct_stack *s, const struct tct_icmp_event *e) {
  struct tct_udp_tuple t = {e->local, e->remote, e->lport, e->rport, e->ifi};
  struct tct_udp *u = tct_udp_lookup(s, &t);
  if (u == NULL || !is_believable(u, e))
    return TCT_DROP_ICMP_NO_SOCKET;
  if (!u->connected)
    return TCT_ACCEPTED;
  u->soft_err = e->err;
  if (e->hard) {
    u->pending_err = e->err;
    tct_udp_note(s, u, TCT_EV_READABLE); /* recv says it now */
  }
  if (!u->soft_errors_off)
    tct_udp_note(s, u, TCT_EV_SOFT_ERROR);
  return TCT_ACCEPTED;
}

/* ---- recv ------------------------------------------------------------------------------------ */

static void describe(const tct_stack *s, const struct tct_udp_dgram *d, tct_dgram *out) {
  tct_if ifc = tct_stack_if_handle(s, d->ifi);
  *out = (tct_dgram){.local = {d->local, d->lport, ifc},
                     .remote = {d->remote, d->rport, ifc},
                     .hop_limit = d->hop_limit,
                     .tclass = d->tclass,
                     .len = d->len};
}

long tct_udp_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len, unsigned flags) {
  struct tct_udp *u = tct_udp_find(s, k);
  if (u == NULL)
    return TCT_EBADF;
  if ((flags & ~(unsigned)TCT_MSG_PEEK) != 0 || (buf == NULL && len > 0))
    return TCT_EINVAL;
  int err = tct_udp_take_error(u);
  if (err != TCT_OK)
    return err;
  struct tct_list *node = tct_list_first(&u->rx);
  if (node == NULL)
    return TCT_EAGAIN;
  struct tct_udp_dgram *first = TCT_CONTAINER_OF(node, struct tct_udp_dgram, node);
  size_t n = tct_min_size(len, first->len);
  if (n > 0)
    memcpy(buf, first->data, n);
  if (d != NULL)
    describe(s, first, d);
  if ((flags & TCT_MSG_PEEK) == 0) {
    tct_list_remove(&first->node);
    u->rx_bytes -= tct_udp_dgram_cost(first->len);
    tct_udp_dgram_free(s, first);
  }
  return (long)n;
}
