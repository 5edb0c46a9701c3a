/* SPDX-License-Identifier: MIT */
/*
 * net.h - for tests of the simulated network: scripted ends that write down what reaches them, and
 * two stacks with one transfer between them.
 */
#ifndef TEST_SIM_NET_H
#define TEST_SIM_NET_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "tercet/sim_net.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

enum { NET_SEEN_MAX = 4096 };

struct net_end {
  tct_sim *w;
  tct_sim_peer *peer;
  tct_addr addr;
  unsigned n;
  tct_seg seg[NET_SEEN_MAX];
  tct_time at[NET_SEEN_MAX];
};

static inline void net_on_seg(void *ctx, tct_sim_peer *p, const tct_seg *seg,
                              const uint8_t *payload) {
  struct net_end *e = ctx;
  (void)p;
  (void)payload;
  if (e->n == NET_SEEN_MAX)
    return;
  e->at[e->n] = tct_sim_now(e->w);
  e->seg[e->n++] = *seg;
}

static inline void net_end_make(struct net_end *e, tct_sim *w, tct_addr addr) {
  e->w = w;
  e->addr = addr;
  e->n = 0;
  e->peer = tct_sim_peer_new(w, net_on_seg, e, NULL, NULL);
}

static inline tct_seg net_seg(const struct net_end *from, const struct net_end *to, uint32_t seq,
                              uint8_t flags, uint32_t len) {
  tct_seg s;
  memset(&s, 0, sizeof s);
  s.src = from->addr;
  s.dst = to->addr;
  s.sport = 1000;
  s.dport = 80;
  s.seq = seq;
  s.flags = flags;
  s.len = len;
  s.wscale = 0xff;
  return s;
}

static inline void net_send(struct net_end *from, const struct net_end *to, uint32_t seq,
                            uint8_t flags, uint32_t len) {
  static const uint8_t payload[9000] = {'x'};
  tct_seg s = net_seg(from, to, seq, flags, len);
  tct_sim_peer_send(from->peer, &s, payload);
}

/* ---- Two stacks and a transfer each way ---- */

struct net_pair {
  tct_sim *w;
  tct_sim_host *host[2];
  tct_sim_flow client, server;
  tct_sim_server listener;
};

static inline tct_sim_host *net_host(tct_sim *w, tct_addr addr, unsigned prefix_len) {
  tct_sim_host_config c;
  tct_sim_config_init(w, &c);
  c.addr = addr;
  c.prefix_len = prefix_len;
  return tct_sim_host_new(w, &c);
}

/* Everything else is beyond the link, too. */
static inline void net_route_all(tct_sim_host *h, bool ipv6) {
  tct_addr dst = ipv6 ? (tct_addr){{0}} : tct_addr_ipv4(0, 0, 0, 0);
  assert_true(tct_route_add(tct_sim_host_stack(h), dst, 0, (tct_addr){{0}}, tct_sim_host_if(h)) >=
              0);
}

static inline void net_start(struct net_pair *p, const tct_endpoint *to, uint64_t octets) {
  p->listener.flows = &p->server;
  p->listener.n_flows = 1;
  p->client.tx_total = p->server.tx_total = octets;
  p->client.tx_key = p->server.rx_key = 1;
  p->server.tx_key = p->client.rx_key = 2;
  p->client.close = p->server.close = TCT_SIM_CLOSE_AFTER_SEND;
  assert_int_equal(tct_sim_server_listen(&p->listener, p->host[1], 80, 4), TCT_OK);
  assert_int_equal(tct_sim_flow_connect(&p->client, p->host[0], to), TCT_OK);
}

static inline void net_expect_whole(const struct net_pair *p) {
  assert_false(p->client.rx_wrong || p->server.rx_wrong);
  assert_int_equal(p->client.rx_done, p->server.tx_total);
  assert_int_equal(p->server.rx_done, p->client.tx_total);
  assert_true(p->client.closed && p->server.closed);
  assert_int_equal(p->client.err, 0);
  assert_int_equal(p->server.err, 0);
}

#endif
