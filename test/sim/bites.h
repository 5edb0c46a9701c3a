/* SPDX-License-Identifier: MIT */
/*
 * bites.h - what the tests of the simulator's checker share: a world of two real stacks with one
 * connection, and the means to tell its checker of frames that no right stack sends. Included by
 * check_bites.c, check_bites_wire.c and check_apart.c.
 */
#ifndef TEST_SIM_BITES_H
#define TEST_SIM_BITES_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "sim/check_conn.h"
#include "sim/check_wire.h"
#include "tcp/calls.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { PORT = 80, PEER_PORT = 1000, ISS = 300, IRS = 500 };

/* Two real stacks with one connection between them; frames are also forged in host 1's name. */
struct rig {
  tct_sim *w;
  tct_sim_check *k;
  tct_sim_host *host[2];
  tct_sim_link *link;
  tct_sim_server listener;
  tct_sim_flow client, server;
  struct sim_check_host *h; /* the checker's view of host 1, the server */
  struct sim_node *node;
};

static inline void init_host(struct rig *r, int i, tct_time msl_ms) {
  tct_sim_host_config c;
  tct_sim_config_init(r->w, &c);
  c.stack.msl_ms = (uint32_t)msl_ms;
  c.addr = tct_addr_ipv4(10, 0, 0, (uint8_t)(1 + i));
  c.prefix_len = 24;
  r->host[i] = tct_sim_host_new(r->w, &c);
  assert_non_null(r->host[i]);
}

static inline void make(struct rig *r) {
  static const tct_sim_path path = {.delay_ns = 10000000};
  memset(r, 0, sizeof *r);
  r->w = tct_sim_new(1);
  r->k = tct_sim_check_new(r->w);
  init_host(r, 0, 100);
  init_host(r, 1, 100);
  r->link = tct_sim_link_new(r->w, tct_sim_host_end(r->host[0]), tct_sim_host_end(r->host[1]),
                             &path, &path);
  r->h = r->k->host[1];
  r->node = tct_sim_host_end(r->host[1]).node;
  r->listener.flows = &r->server;
  r->listener.n_flows = 1;
  assert_int_equal(tct_sim_server_listen(&r->listener, r->host[1], PORT, 4), 0);
}

/* An open connection on which each side has sent so much. */
static inline void make_open(struct rig *r, uint64_t octets) {
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = PORT};
  make(r);
  r->client.tx_total = r->server.tx_total = octets;
  r->client.tx_key = r->server.rx_key = 1;
  r->client.rx_key = r->server.tx_key = 2;
  assert_int_equal(tct_sim_flow_connect(&r->client, r->host[0], &to), 0);
  tct_sim_run(r->w, SEC(5));
  assert_null(tct_sim_check_failed(r->k));
  assert_true(r->server.connected);
  assert_int_equal(r->server.rx_done, octets);
}

static inline void assert_bites(struct rig *r, tct_sim_invariant i) {
  const tct_sim_failure *f = tct_sim_check_failed(r->k);
  char line[400];
  assert_non_null(f);
  tct_sim_check_line(f, line, sizeof line);
  if (f->id != i)
    fail_msg("another one bites: %s", line);
  assert_true(f->text[0] != 0);
  assert_int_not_equal(tct_sim_check_count(r->k, i), 0);
  tct_sim_free(r->w);
}

static inline void assert_content(struct rig *r) {
  const tct_sim_failure *f = tct_sim_check_failed(r->k);
  if (f != NULL)
    fail_msg("too early: %s", f->text);
}

static inline struct tct_tcp *conn_of(struct rig *r) {
  tct_stack *s = tct_sim_host_stack(r->host[1]);
  return tct_tcp_block_at(s, r->server.app.sock);
}

static inline struct sim_conn *shadow_of(struct rig *r) {
  return sim_conn_at(r->h, r->server.app.sock);
}

static inline void step(struct rig *r) {
  sim_conn_touch(r->h, shadow_of(r));
  sim_check_step(r->node);
}

/* ---- Forged conversations: host 1 at port 80 with nobody at 10.0.0.9 ---- */

static inline tct_seg to_peer(uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len) {
  tct_seg g;
  memset(&g, 0, sizeof g);
  g.src = tct_addr_ipv4(10, 0, 0, 2);
  g.dst = tct_addr_ipv4(10, 0, 0, 9);
  g.sport = PORT;
  g.dport = PEER_PORT;
  g.flags = flags;
  g.seq = seq;
  g.ack = ack;
  g.len = len;
  g.window_raw = 1000;
  g.wscale = 0xff;
  return g;
}

static inline void send_seg(struct rig *r, const tct_seg *g, tct_why why) {
  static uint8_t text[2000], bytes[2100];
  tct_sim_frame f;
  const uint8_t *payload;
  memset(&f, 0, sizeof f);
  f.bytes = bytes;
  f.len = tct_sim_seg_emit(g, text, bytes, sizeof bytes);
  f.why = (uint16_t)why;
  f.is_tcp = tct_sim_seg_parse(bytes, f.len, &f.seg, &payload);
  assert_true(f.is_tcp);
  sim_check_sent(r->node, &f);
}

static inline void say(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len,
                       tct_why why) {
  tct_seg g = to_peer(flags, seq, ack, len);
  send_seg(r, &g, why);
}

static inline void hear_seg(struct rig *r, tct_seg *g, tct_verdict v) {
  tct_trace t;
  memset(&t, 0, sizeof t);
  g->src = tct_addr_ipv4(10, 0, 0, 9);
  g->dst = tct_addr_ipv4(10, 0, 0, 2);
  g->sport = PEER_PORT;
  g->dport = PORT;
  t.kind = TCT_TRACE_SEG_IN;
  t.verdict = (uint16_t)v;
  t.local = g->dst;
  t.remote = g->src;
  t.lport = PORT;
  t.rport = PEER_PORT;
  t.seg = *g;
  r->h->config.stack.trace(r->h, &t);
}

static inline void hear(struct rig *r, uint8_t flags, uint32_t seq, uint32_t ack, uint32_t len) {
  tct_seg g = to_peer(flags, seq, ack, len);
  hear_seg(r, &g, TCT_ACCEPTED);
}

static inline void make_forged(struct rig *r) {
  make(r);
  hear(r, TCT_SYN, IRS, 0, 0);
  say(r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK);
  hear(r, TCT_ACK, IRS + 1, ISS + 1, 0);
  assert_content(r);
}

#endif
