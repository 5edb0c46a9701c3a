/* SPDX-License-Identifier: MIT */
/*
 * tcp_demux.c - whose is this segment? Checks what can be checked without a connection, then asks,
 * in this order, the table of connections, the TIME-WAIT records, the listeners and half-open
 * records; what is left belongs to nobody and is answered by RST. Called by tcp.c. RFC 9293
 * sections 3.1 (checksum), 3.9.2.3 (addresses), 3.10.7.1.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"
#include "util/siphash.h"
#include "wire/bytes.h"

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
  tct_bytes_put32(b + 32, (uint32_t)t->lport << 16 | t->rport);
}

/* Where two addresses differ: 0 for nowhere. A word at a time, and no copy. */
static inline uint64_t address_differs(const tct_addr *a, const tct_addr *b) {
  uint64_t x, y, v, w;
  memcpy(&x, a->b, 8);
  memcpy(&y, b->b, 8);
  memcpy(&v, a->b + 8, 8);
  memcpy(&w, b->b + 8, 8);
  return (x ^ y) | (v ^ w);
}

static inline bool tuple_equal(const struct tct_tuple *a, const struct tct_tuple *b) {
  return a->lport == b->lport && a->rport == b->rport &&
         (address_differs(&a->laddr, &b->laddr) | address_differs(&a->raddr, &b->raddr)) == 0;
}

static inline bool is_hashed(const tct_stack *s, const struct tct_tuple *t) {
  const struct tct_tcp_state *state = s->tcp;
  return state->hashed_key[0] == s->keys.table[0] && state->hashed_key[1] == s->keys.table[1] &&
         tuple_equal(&state->hashed, t);
}

static uint64_t make_hash(const tct_stack *s, const struct tct_tuple *t) {
  uint8_t b[TCT_TUPLE_BYTES];
  tct_tcp_demux_bytes(t, b);
  return tct_siphash13(s->keys.table, b, sizeof b);
}

static __attribute__((noinline)) uint64_t remember_hash(const tct_stack *s,
                                                        const struct tct_tuple *t) {
  struct tct_tcp_state *state = s->tcp;
  state->hash = make_hash(s, t);
  state->hashed = *t;
  memcpy(state->hashed_key, s->keys.table, sizeof state->hashed_key);
  return state->hash;
}

uint64_t tct_tcp_demux_hash(const tct_stack *s, const struct tct_tuple *t) {
  return is_hashed(s, t) ? s->tcp->hash : remember_hash(s, t);
}

uint64_t tct_tcp_demux_hash_once(const tct_stack *s, const struct tct_tuple *t) {
  return is_hashed(s, t) ? s->tcp->hash : make_hash(s, t);
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

/* ---- A burst -------------------------------------------------------------------------------- */

#define BURST_FROM 4u    /* frames that are worth it ... */
#define CONNS_FROM 2048u /* ... where not all connections lie in the cache anyway */
#define RUNS_BYTES 128u  /* before the first run */

/* Only of the plain form, and only a guess: demux judges the packet later. */
static bool guess_tuple(const tct_frame *f, struct tct_tuple *t) {
  const uint8_t *p = f->n_iov > 0 ? f->iov[0].base : NULL;
  if (p == NULL || f->iov[0].len < 60)
    return false;
  bool four = p[0] == 0x45 && p[9] == TCT_IPPROTO_TCP;
  if (!four && (p[0] >> 4 != 6 || p[6] != TCT_IPPROTO_TCP))
    return false;
  if (four) {
    tct_bytes_get_addr4(p + 12, &t->raddr);
    tct_bytes_get_addr4(p + 16, &t->laddr);
  } else {
    tct_bytes_get_addr6(p + 8, &t->raddr);
    tct_bytes_get_addr6(p + 24, &t->laddr);
  }
  const uint8_t *l4 = p + (four ? TCT_IP4_HEADER_LEN : TCT_IP6_HEADER_LEN);
  t->rport = tct_bytes_get16(l4);
  t->lport = tct_bytes_get16(l4 + 2);
  return true;
}

/* In four rounds, each asking for what the next one reads: places in the table, connections, their
 * blocks, what these point to. The misses of a whole burst are under way together. Returns for how
 * many frames there is a guess. (All in one: gcc leaves out calls of what only prefetches.) */
size_t tct_tcp_demux_prefetch(tct_stack *s, const tct_frame *f, size_t n) {
  struct tct_table_it it;
  uint64_t hash[TCT_BURST_MAX];
  struct tct_tcp **guess = s->tcp->guess;
  struct tct_tuple t;
  if (n < BURST_FROM || tct_table_used(&s->tcp->tuples) < CONNS_FROM)
    return 0;
  n = tct_min_size(n, TCT_BURST_MAX);
  for (size_t i = 0; i < n; i++) /* a wrong one is no harm */
    hash[i] = guess_tuple(&f[i], &t) ? tct_tcp_demux_hash(s, &t) : 0;
  for (size_t i = 0; i < n; i++) /* with nothing between them, their walks of page tables overlap */
    tct_table_prefetch(&s->tcp->tuples, hash[i]);
  for (size_t i = 0; i < n; i++) {
    uint32_t ref = tct_table_first(&s->tcp->tuples, hash[i], &it);
    guess[i] = ref != TCT_TABLE_NONE ? tct_slab_at(&s->tcp->conns, ref) : NULL;
    tct_mem_prefetch(guess[i], s->tcp->near_bytes);
  }
  for (size_t i = 0; i < n; i++) {
    const struct tct_tcp_active *a = guess[i] != NULL ? guess[i]->active : NULL;
    if (guess[i] != NULL)
      tct_tcp_block_prefetch(s, guess[i]);
    if (a != NULL)
      tct_mem_prefetch(&a->runs, RUNS_BYTES);
  }
  for (size_t i = 0; i < n; i++) {
    const struct tct_tcp_active *a = guess[i] != NULL ? guess[i]->active : NULL;
    if (a == NULL)
      continue;
    tct_mem_prefetch(a->tx.head, sizeof *a->tx.head);
    tct_mem_prefetch(&a->runs.at[a->runs.head], sizeof a->runs.at[0]);
  }
  return n;
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
static bool checksum_ok(const tct_stack *s, const struct tct_pkt *p) {
  if (p->csum != TCT_CSUM_CHECK || !TCT_RULE(MUST_3))
    return true;
  if (p->l4_have < p->l4_len)
    return tct_wire_tcp_checksum_ok_iov(&p->ip, p->iov, p->n_iov, s->cfg.sum);
  return tct_wire_tcp_checksum_ok_flat(&p->ip, p->l4, p->l4_len, s->cfg.sum);
}

/* A listener, or nobody. [RFC9293 EP-1] */
static __attribute__((noinline)) tct_verdict input_unconnected(tct_stack *s, struct tct_pkt *p,
                                                               const struct tct_tcp_hdr *h,
                                                               const struct tct_tuple *t) {
  struct tct_tcp *l = tct_tcp_port_listener(s, t);
  if (l != NULL)
    return tct_tcp_listen_input(s, l, p, h, t);
  if ((h->flags & TCT_RST) == 0 || TCT_PLANT(RST_ANSWERS_RST))
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
  struct tct_tcp *l = tct_tcp_port_listener(s, t);
  if (l == NULL)
    return TCT_DROP_TIME_WAIT_SYN;
  /* The old record goes when the new connection is sure of a place; its numbers start above the
   * old. */
  return tct_tcp_listen_reopen(s, l, p, h, t, iss_min);
}

/* Is it for the connection that the last one was for? Answered without a copy of the tuple. */
static bool is_for(const struct tct_tcp *c, const struct tct_pkt *p, const struct tct_tcp_hdr *h) {
  if (c == NULL || (c->sockf & TCT_SOCKF_DEMUX) == 0 || c->key.lport != h->dport ||
      c->key.rport != h->sport)
    return false;
  return (address_differs(&c->key.laddr, &p->ip.dst) |
          address_differs(&c->key.raddr, &p->ip.src)) == 0;
}

static tct_verdict input_by_owner(tct_stack *s, struct tct_pkt *p, const struct tct_tcp_hdr *h) {
  struct tct_tuple t;
  struct tct_tcp *c = s->tcp->found_last;
  if (!is_for(c, p, h)) {
    tct_tcp_demux_tuple(p, h, &t);
    c = tct_tcp_demux_find(s, &t);
  }
  if (c != NULL) {
    tct_sock k = tct_tcp_block_handle(c);
    p->sock = k;
    tct_verdict v = tct_tcp_input_segment(s, c, p, h);
    if (c->gen != k.gen) /* a segment may end a connection that nobody holds; its slot stays */
      c = NULL;
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
  if (v == TCT_ACCEPTED && !checksum_ok(s, p))
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
