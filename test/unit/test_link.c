/* SPDX-License-Identifier: MIT */
/* The link layer: what neighbours are asked and told, and what waits meanwhile. */
#include "test/lib/ether.h"

#include "test/lib/world.h"

#define FOR_BOTH_FAMILIES for (int v6 = 0; v6 < 2; v6++)

static struct ether e;

static tct_addr addr(bool v6, uint8_t last) {
  return v6 ? ether6(last) : ether4(last);
}

static uint8_t state_of(bool v6, uint8_t last) {
  const struct tct_neigh *n = tct_neigh_find(e.s, e.ifc.index - 1, addr(v6, last));
  return n == NULL ? 0xff : n->state;
}

static uint32_t events(tct_sock k, int *err) {
  tct_event ev;
  uint32_t flags = 0;
  while (tct_event_next(e.s, &ev))
    if (ev.sock.index == k.index && ev.sock.gen == k.gen) {
      flags |= ev.flags;
      *err = ev.err;
    }
  return flags;
}

/* RFC 1122 2.3.2.2: nothing is lost while the address is asked for. */
static void connect__neighbour_unknown__syn_leaves_when_it_answers(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    ether_start(&e);
    ether_connect(&e, addr(v6, 2));
    assert_true(ether_out(&e));
    assert_true(ether_is_question(&e, v6, addr(v6, 2), 0));
    assert_int_equal(e.why, v6 ? TCT_WHY_ND : TCT_WHY_ARP);
    assert_false(ether_out(&e));
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_INCOMPLETE);
    assert_int_equal(ether_answer(&e, v6, 2), TCT_ACCEPTED);
    assert_true(ether_out(&e));
    assert_true(ether_is_to(&e, 2));
    assert_int_equal(e.why, TCT_WHY_SYN);
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_REACHABLE);
    ether_end(&e);
  }
}

static void connect__off_link__router_is_asked_for(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    ether_start(&e);
    ether_connect(&e, v6 ? (tct_addr){{0x20, 1, [15] = 9}} : tct_addr_ipv4(192, 0, 2, 9));
    assert_true(ether_out(&e));
    assert_true(ether_is_question(&e, v6, addr(v6, 254), 0));
    ether_answer(&e, v6, 254);
    assert_true(ether_out(&e));
    assert_true(ether_is_to(&e, 254));
    ether_end(&e);
  }
}

/* Three questions a second apart, then the application hears of it; after a second it begins anew.
 */
static void connect__nobody_answers__ends_as_unreachable(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    int err = 0;
    ether_start(&e);
    tct_sock k = ether_connect(&e, addr(v6, 2));
    for (int i = 0; i < 3; i++) {
      assert_int_equal(ether_drain(&e), 1);
      assert_true(ether_is_question(&e, v6, addr(v6, 2), 0));
      assert_int_equal(events(k, &err), 0);
      ether_wait(&e, TCT_S(1));
    }
    assert_int_equal(ether_drain(&e), 0);
    assert_int_equal(events(k, &err), TCT_EV_CLOSED);
    assert_int_equal(err, TCT_EHOSTUNREACH);
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_FAILED);
    ether_connect(&e, addr(v6, 2));
    assert_int_equal(ether_drain(&e), 0); /* the SYN is lost: nobody is asked so soon */
    assert_true(tct_verdict_count(e.s, TCT_DROP_NO_NEIGHBOUR) > 0);
    ether_wait(&e, TCT_S(3)); /* it goes again */
    assert_true(ether_drain(&e) > 0);
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_INCOMPLETE);
    ether_end(&e);
  }
}

static void strict(tct_config *c) {
  c->profile = TCT_PROFILE_STRICT;
}

/* [RFC9293 MUST-56]: such an error is soft; the SYN's own retries decide. */
static void connect__nobody_answers_strict__soft_error(void **state) {
  (void)state;
  int err = 0;
  ether_start_with(&e, false, strict);
  tct_sock k = ether_connect(&e, ether4(2));
  ether_drain(&e);
  ether_wait(&e, TCT_S(3));
  assert_int_equal(events(k, &err), TCT_EV_SOFT_ERROR);
  ether_drain(&e);
  for (int i = 0; i < 600 && (events(k, &err) & TCT_EV_CLOSED) == 0; i++) {
    ether_wait(&e, TCT_S(1));
    ether_drain(&e);
  }
  assert_int_equal(err, TCT_EHOSTUNREACH); /* and this is why, says the end */
  ether_end(&e);
}

static void establish_neighbour(bool v6) {
  ether_connect(&e, addr(v6, 2));
  ether_drain(&e);
  ether_answer(&e, v6, 2);
  assert_int_equal(ether_drain(&e), 1);
}

/* RFC 4861 7.3.3: reachable for a while, then used on trust for 5 s, then asked, by itself. */
static void neighbour__silent_while_used__probed_then_forgotten(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    ether_start(&e);
    establish_neighbour(v6);
    ether_wait(&e, TCT_S(46));
    ether_drain(&e); /* the SYN again, on trust */
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_DELAY);
    ether_wait(&e, TCT_S(5));
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_PROBE);
    assert_true(ether_out(&e));
    assert_true(ether_is_question(&e, v6, addr(v6, 2), 2));
    ether_answer(&e, v6, 2);
    assert_int_equal(state_of(v6, 2), TCT_NEIGH_REACHABLE);
    ether_wait(&e, TCT_S(46));
    ether_drain(&e);
    for (int i = 0; i < 9; i++) {
      ether_wait(&e, TCT_S(1));
      ether_drain(&e);
    }
    assert_true(state_of(v6, 2) == 0xff || state_of(v6, 2) == TCT_NEIGH_INCOMPLETE);
    ether_end(&e);
  }
}

static void request__for_us__answered_and_learnt(void **state) {
  (void)state;
  struct tct_arp q = {
      .op = TCT_ARP_REQUEST, .sender_mac = ether_mac(7), .sender = ether4(7), .target = ether4(1)};
  struct tct_arp a;
  ether_start(&e);
  assert_int_equal(ether_arp(&e, &q, tct_wire_eth_broadcast()), TCT_ACCEPTED);
  assert_true(ether_out(&e));
  assert_true(ether_is_to(&e, 7));
  assert_int_equal(tct_wire_arp_parse(e.frame + 14, e.len - 14, &a), TCT_ACCEPTED);
  assert_int_equal(a.op, TCT_ARP_REPLY);
  assert_memory_equal(a.sender.b, ether4(1).b, 16);
  assert_memory_equal(a.sender_mac.b, ether_mac(1).b, 6);
  assert_memory_equal(a.target.b, ether4(7).b, 16);
  assert_int_equal(state_of(false, 7), TCT_NEIGH_STALE);
  ether_connect(&e, ether4(7));
  assert_true(ether_out(&e));
  assert_int_equal(e.why, TCT_WHY_SYN); /* no question: he has told us */
  ether_end(&e);
}

static void solicitation__for_us__answered_and_learnt(void **state) {
  (void)state;
  struct tct_nd q = {
      .type = TCT_ND_SOLICIT, .target = ether6(1), .has_mac = true, .mac = ether_mac(7)};
  struct tct_nd a;
  tct_addr own = ether6(1), group = tct_wire_nd_solicited_node(&own);
  ether_start(&e);
  assert_int_equal(ether_nd(&e, ether6(7), group, &q, 7), TCT_ACCEPTED);
  assert_true(ether_out(&e));
  assert_true(ether_is_to(&e, 7));
  assert_int_equal(tct_wire_nd_parse(e.frame + 54, e.len - 54, &a), TCT_ACCEPTED);
  assert_true(a.type == TCT_ND_ADVERT && a.solicited && a.override && a.has_mac);
  assert_memory_equal(a.target.b, own.b, 16);
  assert_memory_equal(a.mac.b, ether_mac(1).b, 6);
  assert_int_equal(state_of(true, 7), TCT_NEIGH_DELAY); /* stale, and the answer went there */
  ether_end(&e);
}

/* RFC 4861 7.2.5: without override, another MAC is not taken, but doubt is. */
static void advertisement__other_mac__taken_only_with_override(void **state) {
  (void)state;
  struct tct_nd nd = {
      .type = TCT_ND_ADVERT, .target = ether6(2), .has_mac = true, .mac = ether_mac(9)};
  tct_addr all = {{0xff, 2, [15] = 1}};
  ether_start(&e);
  establish_neighbour(true);
  assert_int_equal(ether_nd(&e, ether6(2), all, &nd, 9), TCT_ACCEPTED);
  assert_int_equal(state_of(true, 2), TCT_NEIGH_STALE);
  const struct tct_neigh *n = tct_neigh_find(e.s, 0, ether6(2));
  assert_memory_equal(n->mac.b, ether_mac(2).b, 6);
  nd.override = true;
  assert_int_equal(ether_nd(&e, ether6(2), all, &nd, 9), TCT_ACCEPTED);
  assert_memory_equal(n->mac.b, ether_mac(9).b, 6);
  assert_int_equal(state_of(true, 2), TCT_NEIGH_STALE);
  ether_end(&e);
}

/* An answer that nobody asked for makes no entry. */
static void reply__unasked__ignored(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    ether_start(&e);
    assert_int_equal(ether_answer(&e, v6, 9),
                     v6 ? TCT_DROP_ND_NOT_FOR_US : TCT_DROP_ARP_NOT_FOR_US);
    assert_int_equal(state_of(v6, 9), 0xff);
    ether_end(&e);
  }
}

/* What a router says of a better way: 10.0.0.66 or fd07::66 for the connection's packet. */
static tct_verdict redirect(bool v6, tct_addr dst) {
  uint8_t p[160] = {0};
  size_t ip_len = v6 ? TCT_IP6_HEADER_LEN : TCT_IP4_HEADER_LEN, len = v6 ? 40 : 8 + 28;
  tct_addr router = addr(v6, 254), own = addr(v6, 1), better = addr(v6, 66);
  uint8_t *m = p + TCT_ETH_HEADER_LEN + ip_len;
  struct tct_checksum c;
  m[0] = v6 ? TCT_ND_REDIRECT : 5;
  m[1] = v6 ? 0 : 1; /* IPv4: for this host */
  memcpy(m + (v6 ? 8 : 4), better.b + (v6 ? 0 : 12), v6 ? 16 : 4);
  if (v6)
    memcpy(m + 24, dst.b, 16);
  else
    memcpy(m + 8, e.frame + TCT_ETH_HEADER_LEN, 28); /* the SYN, as the router saw it */
  tct_checksum_init(&c);
  if (v6)
    tct_checksum_feed_pseudo(&c, &router, &own, TCT_IPPROTO_ICMP6, (uint32_t)len);
  tct_checksum_feed(&c, m, len);
  tct_bytes_put16(m + 2, tct_checksum_field(&c));
  ether_header(p, ether_mac(1), ether_mac(254), v6 ? TCT_ETH_IP6 : TCT_ETH_IP4);
  return ether_in(&e, p,
                  ether_ip(p, router, own, v6 ? TCT_IPPROTO_ICMP6 : TCT_IPPROTO_ICMP, 255, len));
}

/* RFC 4861 8, RFC 1122 3.2.2.2: whoever may say where our packets go may read them. Not even the
   router may, whose word it would be. */
static void redirect__from_our_router__next_hop_stays(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    tct_addr dst = v6 ? (tct_addr){{0x20, 1, [15] = 9}} : tct_addr_ipv4(192, 0, 2, 9);
    ether_start(&e);
    ether_connect(&e, dst);
    ether_drain(&e);
    ether_answer(&e, v6, 254);
    assert_int_equal(ether_drain(&e), 1);
    tct_verdict v = redirect(v6, dst);
    if (v6)
      assert_int_equal(v, TCT_DROP_ND_TYPE);
    assert_int_equal(state_of(v6, 66), 0xff);
    ether_wait(&e, TCT_S(1)); /* the SYN again */
    assert_int_equal(ether_drain(&e), 1);
    assert_true(ether_is_to(&e, 254));
    ether_end(&e);
  }
}

static void send_datagrams(tct_sock *k, tct_addr to) {
  tct_dgram d = {.remote = {.addr = to, .port = 9}};
  assert_int_equal(tct_sock_open(e.s, TCT_UDP, NULL, k), TCT_OK);
  for (int i = 0; i < 3; i++)
    assert_int_equal(tct_dgram_send(e.s, *k, &d, "x", 1), 1);
}

static void datagrams__neighbour_unknown__all_leave_in_order_when_it_answers(void **state) {
  (void)state;
  tct_sock k;
  ether_start(&e);
  send_datagrams(&k, ether4(2));
  assert_int_equal(ether_drain(&e), 1);
  assert_true(ether_is_question(&e, false, ether4(2), 0));
  ether_answer(&e, false, 2);
  assert_int_equal(ether_drain(&e), 3);
  assert_int_equal(e.why, TCT_WHY_DATAGRAM);
  ether_end(&e);
}

static void datagrams__nobody_answers__lost_and_socket_goes_on(void **state) {
  (void)state;
  tct_sock k;
  ether_start(&e);
  send_datagrams(&k, ether4(2));
  ether_drain(&e);
  ether_wait(&e, TCT_S(3));
  ether_drain(&e);
  assert_int_equal(tct_verdict_count(e.s, TCT_DROP_NO_NEIGHBOUR), 3);
  assert_int_equal(tct_sock_close(e.s, k), TCT_OK);
  ether_end(&e);
}

/* Groups need no neighbour. */
static void datagram__broadcast_and_multicast__goes_at_once(void **state) {
  (void)state;
  tct_sock k;
  tct_dgram d = {.remote = {.addr = tct_addr_ipv4(239, 1, 2, 3), .port = 9}};
  static const uint8_t group[6] = {1, 0, 0x5e, 1, 2, 3}, all[6] = {255, 255, 255, 255, 255, 255};
  ether_start(&e);
  assert_int_equal(tct_sock_open(e.s, TCT_UDP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_set(e.s, k, TCT_OPT_BROADCAST, 1), TCT_OK);
  d.local.ifc = e.ifc;
  assert_int_equal(tct_dgram_send(e.s, k, &d, "x", 1), 1);
  assert_true(ether_out(&e));
  assert_memory_equal(e.frame, group, 6);
  d.remote.addr = ether4(255);
  assert_int_equal(tct_dgram_send(e.s, k, &d, "x", 1), 1);
  assert_true(ether_out(&e));
  assert_memory_equal(e.frame, all, 6);
  ether_end(&e);
}

static size_t build_syn(uint8_t *p, tct_addr src, uint16_t sport) {
  struct tct_tcp_hdr h = {.sport = sport, .dport = 80, .seq = 1, .flags = TCT_SYN, .window = 1000};
  tct_addr dst = tct_addr_is_ipv4(src) ? ether4(1) : ether6(1);
  size_t ip = tct_ip_header_len(dst);
  size_t len = tct_wire_tcp_emit(p + TCT_ETH_HEADER_LEN + ip, &h, TCT_TCP_OPT_STRICT);
  tct_wire_tcp_finish(p + TCT_ETH_HEADER_LEN + ip, &src, &dst, NULL, 0);
  ether_header(p, ether_mac(1), ether_mac(src.b[15]), ip == 20 ? TCT_ETH_IP4 : TCT_ETH_IP6);
  return ether_ip(p, src, dst, TCT_IPPROTO_TCP, 64, len);
}

/* RFC 1122 2.3.2.2: of answers, the latest is kept. */
static void answers__neighbour_unknown__latest_one_leaves(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t p[128];
    ether_start(&e);
    for (uint16_t port = 1; port <= 3; port++) {
      size_t len = build_syn(p, addr(v6, 2), port);
      assert_int_equal(ether_in(&e, p, len), TCT_DROP_TCP_NO_SOCKET);
    }
    assert_int_equal(ether_drain(&e), 1);
    assert_true(ether_is_question(&e, v6, addr(v6, 2), 0));
    assert_int_equal(tct_verdict_count(e.s, TCT_DROP_NO_NEIGHBOUR), 2);
    ether_answer(&e, v6, 2);
    assert_int_equal(ether_drain(&e), 1);
    assert_true(ether_is_to(&e, 2));
    assert_int_equal(e.why, TCT_WHY_RST_NO_SOCKET);
    assert_int_equal(tct_bytes_get16(e.frame + 14 + (v6 ? 40 : 20) + 2), 3);
    ether_end(&e);
  }
}

static void dad__nobody_objects__address_is_ours_after_a_second(void **state) {
  (void)state;
  ether_start_with(&e, true, NULL);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether6(1)), TCT_EINPROGRESS);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether4(1)), TCT_OK);
  assert_int_equal(tct_if_addr_add(e.s, e.ifc, ether6(1), 64), TCT_EEXIST);
  assert_int_equal(ether_drain(&e), 3); /* IPv4's announcement, our group, the question */
  assert_true(ether_is_question(&e, true, ether6(1), 0));
  static const uint8_t nobody[16];
  assert_memory_equal(e.frame + 14 + 8, nobody, 16);
  ether_wait(&e, TCT_MS(999));
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether6(1)), TCT_EINPROGRESS);
  ether_wait(&e, TCT_MS(1));
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether6(1)), TCT_OK);
  assert_int_equal(ether_drain(&e), 2); /* our group again; announced */
  assert_int_equal(e.why, TCT_WHY_ND);
  ether_connect(&e, ether6(2));
  assert_int_equal(ether_drain(&e), 1);
  ether_end(&e);
}

static void dad__claimed__address_is_not_used(void **state) {
  (void)state;
  tct_addr own = ether6(1), group = tct_wire_nd_solicited_node(&own), all = {{0xff, 2, [15] = 1}};
  struct tct_nd claims[2] = {
      {.type = TCT_ND_SOLICIT, .target = own},
      {.type = TCT_ND_ADVERT, .target = own, .override = true, .has_mac = true}};
  for (int i = 0; i < 2; i++) {
    claims[1].mac = ether_mac(9);
    ether_start_with(&e, true, NULL);
    tct_addr from = i == 0 ? (tct_addr){{0}} : own;
    assert_int_equal(ether_nd(&e, from, i == 0 ? group : all, &claims[i], 9), TCT_DROP_ND_CONFLICT);
    assert_int_equal(tct_if_addr_state(e.s, e.ifc, own), TCT_EADDRINUSE);
    ether_wait(&e, TCT_S(5));
    assert_int_equal(tct_if_addr_state(e.s, e.ifc, own), TCT_EADDRINUSE);
    tct_counters n;
    tct_stack_counters(e.s, &n);
    assert_int_equal(n.AddrConflicts, 1);
    assert_int_equal(tct_if_addr_del(e.s, e.ifc, own), TCT_OK);
    assert_int_equal(tct_if_addr_state(e.s, e.ifc, own), TCT_EADDRNOTAVAIL);
    ether_end(&e);
  }
}

/* Our own question, sent back by the link, is no claim (RFC 7527's trouble). */
static void dad__own_question_comes_back__no_conflict(void **state) {
  (void)state;
  tct_addr own = ether6(1), group = tct_wire_nd_solicited_node(&own);
  struct tct_nd q = {.type = TCT_ND_SOLICIT, .target = own};
  ether_start_with(&e, true, NULL);
  assert_int_equal(ether_nd(&e, (tct_addr){{0}}, group, &q, 1), TCT_DROP_ND_ADDRESS);
  ether_wait(&e, TCT_S(1));
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, own), TCT_OK);
  ether_end(&e);
}

static void if_add__bad_ethernet__refused(void **state) {
  (void)state;
  tct_if out;
  tct_if_config c = {.size = sizeof c, .link = TCT_LINK_ETHERNET, .mtu = 1500};
  ether_start(&e);
  assert_int_equal(tct_if_add(e.s, &c, &out), TCT_EINVAL); /* no MAC */
  c.mac[0] = 1;
  assert_int_equal(tct_if_add(e.s, &c, &out), TCT_EINVAL); /* a group's */
  c.mac[0] = 2;
  c.loopback = true;
  assert_int_equal(tct_if_add(e.s, &c, &out), TCT_EINVAL);
  c.loopback = false;
  assert_int_equal(tct_if_add(e.s, &c, &out), TCT_OK);
  ether_end(&e);
}

/* ---- Two stacks, frames lost ------------------------------------------------------------------
 */

struct talk {
  struct world w;
  tct_sock k[2], listener;
  size_t sent, got;
  uint64_t seed;
  bool connected;
};

enum { TALK_BYTES = 300000 };

static bool lose_some(void *ctx, unsigned from, const uint8_t *bytes, size_t len) {
  struct talk *t = ctx;
  (void)from;
  (void)bytes;
  (void)len;
  t->seed = t->seed * 6364136223846793005u + 1442695040888963407u;
  return t->seed >> 60 == 0;
}

static void talk_turn(void *ctx) {
  struct talk *t = ctx;
  uint8_t buf[4096];
  tct_event ev;
  long n;
  for (int i = 0; i < 2; i++)
    while (tct_event_next(t->w.s[i], &ev))
      t->connected |= (ev.flags & TCT_EV_CONNECTED) != 0;
  if (t->k[1].gen == 0)
    (void)!tct_sock_accept(t->w.s[1], t->listener, NULL, &t->k[1]);
  memset(buf, 'x', sizeof buf);
  while (t->connected && t->sent < TALK_BYTES &&
         (n = tct_sock_send(t->w.s[0], t->k[0], buf, sizeof buf, 0)) > 0)
    t->sent += (size_t)n;
  while (t->k[1].gen != 0 && (n = tct_sock_recv(t->w.s[1], t->k[1], buf, sizeof buf, 0)) > 0)
    t->got += (size_t)n;
}

static void talk(bool v6, bool lossy) {
  static struct talk t;
  memset(&t, 0, sizeof t);
  assert_true(
      world_start(&t.w, (struct world_how){.ipv6 = v6, .ethernet = true, .seed = 5}, false));
  t.w.ctx = &t;
  t.w.lose = lossy ? lose_some : NULL;
  t.seed = 99;
  world_run(&t.w, t.w.now + TCT_S(2)); /* addresses are ours now */
  tct_endpoint at = {.addr = t.w.addr[1], .port = 80};
  assert_int_equal(tct_sock_open(t.w.s[1], TCT_TCP, NULL, &t.listener), TCT_OK);
  assert_int_equal(tct_sock_bind(t.w.s[1], t.listener, &at), TCT_OK);
  assert_int_equal(tct_sock_listen(t.w.s[1], t.listener, 5), TCT_OK);
  assert_int_equal(tct_sock_open(t.w.s[0], TCT_TCP, NULL, &t.k[0]), TCT_OK);
  assert_int_equal(tct_sock_connect(t.w.s[0], t.k[0], &at), TCT_OK);
  t.w.turn = talk_turn;
  tct_time began = t.w.now;
  for (int i = 0; i < 300 && t.got < t.sent + (t.sent == 0); i++)
    world_run(&t.w, t.w.now + TCT_S(1));
  assert_true(t.got >= TALK_BYTES && t.got == t.sent);
  assert_true(lossy || t.w.now - began <= TCT_S(2));
  for (int i = 0; i < 2; i++)
    tct_link_check(t.w.s[i]);
  world_end(&t.w);
}

static void two_ethernet_stacks__transfer__arrives(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES
  talk(v6 != 0, false);
}

static void two_ethernet_stacks__one_frame_in_sixteen_lost__arrives(void **state) {
  (void)state;
  FOR_BOTH_FAMILIES
  talk(v6 != 0, true);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(connect__neighbour_unknown__syn_leaves_when_it_answers),
      cmocka_unit_test(connect__off_link__router_is_asked_for),
      cmocka_unit_test(connect__nobody_answers__ends_as_unreachable),
      cmocka_unit_test(connect__nobody_answers_strict__soft_error),
      cmocka_unit_test(neighbour__silent_while_used__probed_then_forgotten),
      cmocka_unit_test(request__for_us__answered_and_learnt),
      cmocka_unit_test(solicitation__for_us__answered_and_learnt),
      cmocka_unit_test(advertisement__other_mac__taken_only_with_override),
      cmocka_unit_test(reply__unasked__ignored),
      cmocka_unit_test(redirect__from_our_router__next_hop_stays),
      cmocka_unit_test(datagrams__neighbour_unknown__all_leave_in_order_when_it_answers),
      cmocka_unit_test(datagrams__nobody_answers__lost_and_socket_goes_on),
      cmocka_unit_test(datagram__broadcast_and_multicast__goes_at_once),
      cmocka_unit_test(answers__neighbour_unknown__latest_one_leaves),
      cmocka_unit_test(dad__nobody_objects__address_is_ours_after_a_second),
      cmocka_unit_test(dad__claimed__address_is_not_used),
      cmocka_unit_test(dad__own_question_comes_back__no_conflict),
      cmocka_unit_test(if_add__bad_ethernet__refused),
      cmocka_unit_test(two_ethernet_stacks__transfer__arrives),
      cmocka_unit_test(two_ethernet_stacks__one_frame_in_sixteen_lost__arrives),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
