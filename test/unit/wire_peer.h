/* SPDX-License-Identifier: MIT */
/*
 * wire_peer.h - one real stack at 10.0.0.1 (and fd00::1), and a peer that is nothing but segments:
 * what it sends is written here, what it gets is parsed and its checksums are proved. Virtual time.
 * Included by one test program each.
 */
#ifndef TCT_TEST_WIRE_PEER_H
#define TCT_TEST_WIRE_PEER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tcp/tcp_listen.h"
#include "test/lib/failing_alloc.h"
#include "util/siphash.h"
#include "wire/icmp.h"

#define OURS tct_addr_ipv4(10, 0, 0, 1)
#define OURS_TOO tct_addr_ipv4(10, 0, 0, 3)
#define PEER tct_addr_ipv4(10, 0, 0, 2)
#define OURS6 ((tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}})
#define PEER6 ((tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}})
#define ANY ((tct_addr){{0}})
#define PORT 80
#define PEER_PORT 5000
#define STATES_MAX 64

struct seg { /* ours or the peer's; zero: the default */
  uint8_t flags;
  uint32_t seq, ack, len;
  uint16_t window, mss, sport, dport;
  uint8_t wscale; /* plus 1, so that 0 means absent */
  bool sack, ts;
  uint32_t tsval, tsecr;
  bool fo, foexp; /* Fast Open */
  uint8_t fo_len, cookie[16];
  tct_addr src, dst;
  tct_why why;  /* out only */
  bool is_icmp; /* out only */
  uint8_t icmp_type, icmp_code;
  tct_sock sock;
};

struct wire {
  tct_stack *s;
  tct_if ifc;
  struct failing_alloc mem;
  tct_config cfg;
  tct_time now;
  struct {
    uint8_t from, to;
    uint16_t why;
  } states[STATES_MAX];
  unsigned n_states;
  tct_sock got_by;
};

static void on_trace(void *ctx, const tct_trace *t) {
  struct wire *w = ctx;
  if (t->kind != TCT_TRACE_STATE || w->n_states == STATES_MAX)
    return;
  w->states[w->n_states].from = t->state_old;
  w->states[w->n_states].to = t->state_new;
  w->states[w->n_states++].why = t->why;
}

static inline bool was_in(const struct wire *w, tct_state from, tct_state to) {
  for (unsigned i = 0; i < w->n_states; i++)
    if (w->states[i].from == from && w->states[i].to == to)
      return true;
  return false;
}

/* Allocates nothing yet: the test may change w->cfg before wire_open. */
static inline void wire_init(struct wire *w, tct_profile profile) {
  memset(w, 0, sizeof *w);
  failing_alloc_init(&w->mem);
  tct_config_init(&w->cfg, sizeof w->cfg);
  w->cfg.alloc = w->mem.vtable;
  w->cfg.deterministic = true;
  w->cfg.seed[0] = 7;
  w->cfg.profile = profile;
  w->cfg.trace = on_trace;
  w->cfg.trace_ctx = w;
  w->now = TCT_S(10);
}

static inline void wire_open(struct wire *w) {
  int err;
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  w->s = tct_new(&w->cfg, &err);
  assert_non_null(w->s);
  tct_advance(w->s, w->now);
  assert_int_equal(tct_if_add(w->s, &ic, &w->ifc), TCT_OK);
  assert_int_equal(tct_if_addr_add(w->s, w->ifc, OURS, 24), TCT_OK);
  assert_int_equal(tct_if_addr_add(w->s, w->ifc, OURS_TOO, 24), TCT_OK);
  assert_int_equal(tct_if_addr_add(w->s, w->ifc, OURS6, 64), TCT_OK);
}

static inline void wire_close(struct wire *w) {
  tct_free(w->s);
  failing_alloc_finish(&w->mem);
}

static inline size_t write_packet(uint8_t *b, const struct seg *g) {
  bool ipv4 = tct_addr_is_ipv4(g->src);
  struct tct_tcp_hdr h = {.sport = g->sport,
                          .dport = g->dport,
                          .seq = g->seq,
                          .ack = g->ack,
                          .flags = g->flags,
                          .window = g->window};
  h.opt.has_mss = g->mss != 0;
  h.opt.mss = g->mss;
  h.opt.has_wscale = g->wscale != 0;
  h.opt.wscale = (uint8_t)(g->wscale - 1);
  h.opt.sack_permitted = g->sack;
  h.opt.has_ts = g->ts;
  h.opt.tsval = g->tsval;
  h.opt.tsecr = g->tsecr;
  h.opt.has_tfo = g->fo;
  h.opt.tfo_exp = g->foexp;
  h.opt.tfo_len = g->fo_len;
  memcpy(h.opt.tfo_cookie, g->cookie, sizeof g->cookie);
  size_t ip_len = ipv4 ? 20 : 40;
  size_t tcp_len = tct_wire_tcp_emit(b + ip_len, &h, TCT_TCP_OPT_LINUX);
  struct tct_ip_hdr ip = {.src = g->src,
                          .dst = g->dst,
                          .family = ipv4 ? 4 : 6,
                          .proto = 6,
                          .hop_limit = 64,
                          .payload_len = (uint16_t)(tcp_len + g->len)};
  assert_int_equal(tct_wire_ip_emit(b, &ip), ip_len);
  for (uint32_t i = 0; i < g->len; i++)
    b[ip_len + tcp_len + i] = (uint8_t)(g->seq + i);
  tct_iov payload = {b + ip_len + tcp_len, g->len};
  tct_wire_tcp_finish(b + ip_len, &g->src, &g->dst, &payload, 1);
  return ip_len + tcp_len + g->len;
}

/* The frame is an exact-size copy on the heap: a read too far is seen. */
static inline tct_verdict put_packet(struct wire *w, const uint8_t *b, size_t len) {
  uint8_t *exact = malloc(len);
  assert_non_null(exact);
  memcpy(exact, b, len);
  tct_iov v = {exact, len};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)len};
  tct_input(w->s, w->ifc, &f, 1, w->now);
  w->got_by = f.sock;
  free(exact);
  return (tct_verdict)f.verdict;
}

static inline tct_verdict put(struct wire *w, struct seg g) {
  uint8_t b[2048];
  if (tct_ip_equal(g.src, ANY))
    g.src = PEER;
  if (tct_ip_equal(g.dst, ANY))
    g.dst = tct_addr_is_ipv4(g.src) ? OURS : OURS6;
  g.sport = g.sport != 0 ? g.sport : PEER_PORT;
  g.dport = g.dport != 0 ? g.dport : PORT;
  g.window = g.window != 0 ? g.window : 60000;
  return put_packet(w, b, write_packet(b, &g));
}

static inline void parse_tcp(const struct tct_ip_hdr *ip, struct seg *g) {
  struct tct_tcp_hdr h;
  assert_true(tct_wire_tcp_checksum_ok(&ip->src, &ip->dst, ip->payload, ip->payload_len));
  assert_int_equal(tct_wire_tcp_parse(ip->payload, ip->payload_len, &h), TCT_ACCEPTED);
  g->flags = h.flags;
  g->seq = h.seq;
  g->ack = h.ack;
  g->len = ip->payload_len - h.header_len;
  g->window = h.window;
  g->sport = h.sport;
  g->dport = h.dport;
  g->mss = h.opt.has_mss ? h.opt.mss : 0;
  g->wscale = (uint8_t)(h.opt.has_wscale ? h.opt.wscale + 1 : 0);
  g->sack = h.opt.sack_permitted;
  g->ts = h.opt.has_ts;
  g->tsval = h.opt.tsval;
  g->tsecr = h.opt.tsecr;
  g->fo = h.opt.has_tfo;
  g->foexp = h.opt.tfo_exp;
  g->fo_len = h.opt.tfo_len;
  memcpy(g->cookie, h.opt.tfo_cookie, sizeof g->cookie);
}

/* False: silence. */
static inline bool get(struct wire *w, struct seg *g) {
  uint8_t b[2048];
  tct_frame f;
  size_t len = 0;
  struct tct_ip_hdr ip;
  memset(g, 0, sizeof *g);
  if (tct_output(w->s, w->ifc, &f, 1, w->now) == 0)
    return false;
  for (uint32_t i = 0; i < f.n_iov; i++) {
    memcpy(b + len, f.iov[i].base, f.iov[i].len);
    len += f.iov[i].len;
  }
  assert_int_equal(tct_wire_ip_parse(b, len, len, &ip), TCT_ACCEPTED);
  g->src = ip.src;
  g->dst = ip.dst;
  g->why = (tct_why)f.why;
  g->sock = f.sock;
  if (ip.proto == 6) {
    parse_tcp(&ip, g);
    return true;
  }
  g->is_icmp = true;
  g->icmp_type = ip.payload[0];
  g->icmp_code = ip.payload[1];
  return true;
}

static inline struct seg expect(struct wire *w, uint8_t flags) {
  struct seg g;
  assert_true(get(w, &g));
  assert_false(g.is_icmp);
  assert_int_equal(g.flags, flags);
  return g;
}

static inline void expect_silence(struct wire *w) {
  struct seg g;
  if (get(w, &g))
    fail_msg("flags %#x seq %u ack %u why %s", g.flags, g.seq, g.ack, tct_why_name(g.why));
}

/* Time passes as a driver lets it pass: from deadline to deadline. */
static inline void pass(struct wire *w, tct_time span_ns) {
  tct_time end = w->now + span_ns;
  for (;;) {
    tct_time at = tct_deadline(w->s);
    if (at > end)
      break;
    assert_true(at >= w->now || at + TCT_MS(1) >= w->now);
    w->now = at > w->now ? at : w->now;
    tct_advance(w->s, w->now);
    if (tct_deadline(w->s) <= w->now) /* what is due every time would never end */
      w->now += TCT_US(10);
  }
  w->now = end;
  tct_advance(w->s, w->now);
}

static inline tct_counters counters(const struct wire *w) {
  tct_counters c;
  tct_stack_counters(w->s, &c);
  return c;
}

static inline tct_sock open_sock(struct wire *w) {
  tct_sock k;
  assert_int_equal(tct_sock_open(w->s, TCT_TCP, w, &k), TCT_OK);
  return k;
}

static inline tct_sock listen_on(struct wire *w, tct_addr a, uint16_t port, unsigned backlog) {
  tct_sock k = open_sock(w);
  tct_endpoint e = {.addr = a, .port = port};
  assert_int_equal(tct_sock_bind(w->s, k, &e), TCT_OK);
  assert_int_equal(tct_sock_listen(w->s, k, backlog), TCT_OK);
  return k;
}

/* The events of one socket OR-ed; others are lost. */
static inline uint32_t events_of(struct wire *w, tct_sock k, tct_event *last) {
  tct_event ev;
  uint32_t flags = 0;
  while (tct_event_next(w->s, &ev)) {
    if (ev.sock.index != k.index || ev.sock.gen != k.gen)
      continue;
    flags |= ev.flags;
    if (last != NULL)
      *last = ev;
  }
  return flags;
}

/* SYN, SYN-ACK, ACK with the given peer number; returns the SYN-ACK. */
static inline struct seg handshake(struct wire *w, uint16_t peer_port, uint32_t irs) {
  assert_int_equal(put(w, (struct seg){.flags = TCT_SYN, .seq = irs, .sport = peer_port}),
                   TCT_ACCEPTED);
  struct seg sa = expect(w, TCT_SYN | TCT_ACK);
  assert_int_equal(sa.ack, irs + 1);
  assert_int_equal(
      put(w, (struct seg){.flags = TCT_ACK, .seq = irs + 1, .ack = sa.seq + 1, .sport = peer_port}),
      TCT_ACCEPTED);
  return sa;
}

#endif
