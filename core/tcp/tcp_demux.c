/* SPDX-License-Identifier: MIT */
/*
 * tcp_demux.c - whose is this segment? Checks what can be checked without a connection, then asks,
 * in this order, the table of connections, the TIME-WAIT records, the listeners and half-open
 * records; what is left belongs to nobody and is answered by RST. Called by tcp.c. RFC 9293
 * sections 3.1 (checksum), 3.9.2.3 (addresses), 3.10.7.1.
 */
#include "tcp/calls.h"
#include "util/rule.h"
#include "util/siphash.h"

void tct_tcp_demux_tuple(const struct tct_pkt *p, const struct tct_tcp_hdr *h,
                         struct tct_tuple *t) {
  t->laddr = p->ip.dst;
  t->raddr = p->ip.src;
  t->lport = h->dport;
  t->rport = h->sport;
}

/* By value and not as it lies in memory: every machine makes the same frames from one seed. */
void tct_tcp_demux_bytes(const struct tct_tuple *t, uint8_t b[TCT_TUPLE_BYTES]) {
  memcpy(b, t->laddr.b, 16);
  memcpy(b + 16, t->raddr.b, 16);
  b[32] = (uint8_t)(t->lport >> 8);
  b[33] = (uint8_t)t->lport;
  b[34] = (uint8_t)(t->rport >> 8);
  b[35] = (uint8_t)t->rport;
}

uint64_t tct_tcp_demux_hash(const tct_stack *s, const struct tct_tuple *t) {
  uint8_t b[TCT_TUPLE_BYTES];
  tct_tcp_demux_bytes(t, b);
  return tct_siphash13(s->keys.table, b, sizeof b);
}

static bool tuple_equal(const struct tct_tuple *a, const struct tct_tuple *b) {
  uint64_t x[4], y[4];
  memcpy(x, a, sizeof x);
  memcpy(y, b, sizeof y);
  return a->lport == b->lport && a->rport == b->rport &&
         ((x[0] ^ y[0]) | (x[1] ^ y[1]) | (x[2] ^ y[2]) | (x[3] ^ y[3])) == 0;
}

/* The one that was found last, most likely; blocks stay where they are for as long as the stack. */
struct tct_tcp *tct_tcp_demux_find(tct_stack *s, const struct tct_tuple *t) {
  struct tct_table_it it;
  struct tct_tcp *last = s->tcp->found_last;
  if (last != NULL && (last->sockf & TCT_SOCKF_DEMUX) != 0 && tuple_equal(&last->key, t))
    return last;
  uint64_t hash = tct_tcp_demux_hash(s, t);
  uint32_t ref = tct_table_first(&s->tcp->tuples, hash, &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&s->tcp->tuples, &it)) {
    struct tct_tcp *c = tct_slab_at(&s->tcp->conns, ref);
    if (!tuple_equal(&c->key, t))
      continue;
    s->tcp->found_last = c;
    return c;
  }
  return NULL;
}

bool tct_tcp_demux_add(tct_stack *s, struct tct_tcp *c) {
  TCT_ASSERT((c->sockf & TCT_SOCKF_DEMUX) == 0);
  if (!tct_table_insert(&s->tcp->tuples, tct_tcp_demux_hash(s, &c->key), c->index))
    return false;
  c->sockf |= TCT_SOCKF_DEMUX;
  return true;
}

void tct_tcp_demux_remove(tct_stack *s, struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_DEMUX) == 0)
    return;
  bool found = tct_table_remove(&s->tcp->tuples, tct_tcp_demux_hash(s, &c->key), c->index);
  TCT_ASSERT(found);
  (void)found;
  c->sockf &= (uint16_t)~TCT_SOCKF_DEMUX;
}

/* [RFC9293 MUST-57] [RFC9293 MUST-63] A segment from or to an address that is no single host's is
 * dropped without a word, and so is one that claims to come from ourselves (LAND). */
static tct_verdict check_addresses(tct_stack *s, const struct tct_pkt *p,
                                   const struct tct_tcp_hdr *h) {
  if (p->known_pair)
    return h->sport == 0 || h->dport == 0 ? TCT_DROP_TCP_SOURCE : TCT_ACCEPTED;
  if (TCT_RULE(MUST_57) && (tct_ip_is_multicast(p->ip.dst) || tct_ip_is_broadcast(s, p->ip.dst)))
    return TCT_DROP_TCP_BROADCAST;
  if (TCT_RULE(MUST_63) && tct_ip_is_bad_source(s, p->ifi, p->ip.src))
    return TCT_DROP_TCP_SOURCE;
  if (h->sport == 0 || h->dport == 0)
    return TCT_DROP_TCP_SOURCE;
  return TCT_ACCEPTED;
}

/* [RFC9293 MUST-3] */
static bool checksum_ok(const struct tct_pkt *p) {
  if (p->csum != TCT_CSUM_CHECK || !TCT_RULE(MUST_3))
    return true;
  if (p->l4_have >= p->l4_len)
    return tct_wire_tcp_checksum_ok(&p->ip.src, &p->ip.dst, p->l4, p->l4_len);
  return tct_wire_tcp_checksum_ok_iov(&p->ip, p->iov, p->n_iov);
}

/* A listener, or nobody. [RFC9293 EP-1] */
static tct_verdict input_unconnected(tct_stack *s, struct tct_pkt *p, const struct tct_tcp_hdr *h,
                                     const struct tct_tuple *t) {
  uint32_t hash = (uint32_t)tct_tcp_demux_hash(s, t);
  struct tct_tcp *l = tct_tcp_port_listener(s, t->laddr, t->lport, hash);
  if (l != NULL)
    return tct_tcp_listen_input(s, l, p, h, t);
  if ((h->flags & TCT_RST) == 0)
    tct_tcp_output_reset(s, p, h, TCT_WHY_RST_NO_SOCKET);
  return TCT_DROP_TCP_NO_SOCKET;
}

static tct_verdict input_time_wait(tct_stack *s, struct tct_time_wait *w, struct tct_pkt *p,
                                   const struct tct_tcp_hdr *h, const struct tct_tuple *t) {
  bool reopen = false;
  tct_seq iss_min = 0;
  tct_verdict v = tct_tcp_timewait_input(s, w, p, h, &reopen, &iss_min);
  if (!reopen)
    return v;
  struct tct_tcp *l =
      tct_tcp_port_listener(s, t->laddr, t->lport, (uint32_t)tct_tcp_demux_hash(s, t));
  if (l == NULL)
    return TCT_DROP_TIME_WAIT_SYN;
  /* The old record goes when the new connection is sure of a place; its numbers start above the
   * old. */
  return tct_tcp_listen_reopen(s, l, p, h, t, iss_min);
}

static tct_verdict input_by_owner(tct_stack *s, struct tct_pkt *p, const struct tct_tcp_hdr *h) {
  struct tct_tuple t;
  tct_tcp_demux_tuple(p, h, &t);
  struct tct_tcp *c = tct_tcp_demux_find(s, &t);
  if (c != NULL) {
    tct_sock k = tct_tcp_block_handle(c);
    p->sock = k;
    tct_verdict v = tct_tcp_input_segment(s, c, p, h);
    c = tct_tcp_block_at(s, k); /* a segment may end a connection that nobody holds */
    tct_tcp_trace_in(s, p, c, v);
    if (c != NULL)
      tct_tcp_check(s, c);
    return v;
  }
  struct tct_time_wait *w = tct_tcp_timewait_find(s, &t);
  tct_verdict v = w != NULL ? input_time_wait(s, w, p, h, &t) : input_unconnected(s, p, h, &t);
  tct_tcp_trace_in(s, p, NULL, v);
  return v;
}

tct_verdict tct_tcp_demux_input(tct_stack *s, struct tct_pkt *p) {
  struct tct_tcp_hdr h;
  s->n.InSegs++;
  tct_verdict v = tct_wire_tcp_parse(p->l4, p->l4_have, &h);
  if (v == TCT_ACCEPTED && h.header_len > p->l4_len)
    v = TCT_DROP_TCP_OFFSET;
  if (v == TCT_ACCEPTED && !checksum_ok(p))
    v = TCT_DROP_TCP_CHECKSUM;
  if (v != TCT_ACCEPTED) {
    s->n.InErrs++;
    return v;
  }
  tct_tcp_trace_hold(s);
  v = check_addresses(s, p, &h);
  if (tct_stack_traces(s))
    tct_tcp_trace_seg(p, &h, &p->seg);
  if (v != TCT_ACCEPTED) {
    tct_tcp_trace_in(s, p, NULL, v);
    return v;
  }
  return input_by_owner(s, p, &h);
}
