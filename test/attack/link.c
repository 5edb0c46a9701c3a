/* SPDX-License-Identifier: MIT */
/* Known attacks from the same Ethernet: A079, A111 to A116. */
#include "test/attack/attack.h"

#include "ip/ip.h"
#include "test/lib/ether.h"

enum { FLOOD = 16384, NEIGHBOURS = 64 };

static struct ether e;
static uint8_t p[256];

static tct_addr all_nodes(void) {
  return (tct_addr){{0xff, 2, [15] = 1}};
}

static void small_table(tct_config *c) {
  c->limits.neighbours = NEIGHBOURS;
}

static uint32_t entries(void) {
  return tct_slab_used(&e.s->link->slab);
}

/* ---- A079: neighbour table flood ---------------------------------------------------------------
 */

/* 10.1.x.y, and a /48 of fd07::/64's kind: all on link. */
static tct_addr absent(bool v6, unsigned i) {
  tct_addr a = v6 ? ether6(0) : tct_addr_ipv4(10, 1, 0, 0);
  a.b[14] = (uint8_t)(i >> 8);
  a.b[15] = (uint8_t)i;
  a.b[13] = v6 ? 1 : a.b[13];
  return a;
}

static void start_flooded(bool v6) {
  ether_start_with(&e, false, small_table);
  assert_int_equal(tct_if_addr_add(e.s, e.ifc, tct_addr_ipv4(10, 1, 255, 254), 16), TCT_OK);
  ether_drain(&e);
  ether_connect(&e, v6 ? ether6(2) : ether4(2)); /* the neighbour in use */
  ether_drain(&e);
  ether_answer(&e, v6, 2);
  assert_int_equal(ether_drain(&e), 1);
}

static const struct tct_neigh *in_use(bool v6) {
  return tct_neigh_find(e.s, e.ifc.index - 1, v6 ? ether6(2) : ether4(2));
}

static size_t build_syn_from(tct_addr src) {
  struct tct_tcp_hdr h = {.sport = 9, .dport = 81, .flags = TCT_SYN, .window = 1000};
  bool v4 = tct_addr_is_ipv4(src);
  tct_addr dst = v4 ? ether4(1) : ether6(1);
  size_t at = TCT_ETH_HEADER_LEN + tct_ip_header_len(dst);
  size_t len = tct_wire_tcp_emit(p + at, &h, TCT_TCP_OPT_STRICT);
  tct_wire_tcp_finish(p + at, &src, &dst, NULL, 0);
  ether_header(p, ether_mac(1), ether_mac(0x66), v4 ? TCT_ETH_IP4 : TCT_ETH_IP6);
  return ether_ip(p, src, dst, TCT_IPPROTO_TCP, 64, len);
}

/* RFC 6583: answers to absent hosts take a quarter of the table, and our own flows go before them.
 */
ATTACK(a079_answers_to_absent_neighbours) {
  (void)state;
  FOR_BOTH_FAMILIES {
    start_flooded(v6);
    uint64_t memory = e.s->memory_bytes;
    for (unsigned i = 0; i < FLOOD; i++) {
      ether_in(&e, p, build_syn_from(absent(v6, i)));
      ether_drain(&e);
      assert_true(e.s->link->n_asking <= NEIGHBOURS / 4 && entries() <= NEIGHBOURS);
    }
    assert_true(e.s->memory_bytes < memory + 65536);
    assert_non_null(in_use(v6));
    ether_connect(&e, v6 ? ether6(3) : ether4(3));
    assert_true(ether_out(&e));
    assert_true(ether_is_question(&e, v6, v6 ? ether6(3) : ether4(3), 0));
    ether_answer(&e, v6, 3);
    assert_true(ether_out(&e));
    assert_true(ether_is_to(&e, 3));
    ether_end(&e);
  }
}

static void claim(bool v6, unsigned i) {
  tct_addr who = absent(v6, i), own = ether6(1);
  struct tct_arp a = {.op = TCT_ARP_REQUEST,
                      .sender_mac = {{2, 9, 9, 9, (uint8_t)(i >> 8), (uint8_t)i}},
                      .sender = who,
                      .target = ether4(1)};
  struct tct_nd nd = {.type = TCT_ND_SOLICIT, .target = own, .has_mac = true, .mac = a.sender_mac};
  if (v6)
    ether_nd(&e, who, tct_wire_nd_solicited_node(&own), &nd, 9);
  else
    ether_arp(&e, &a, tct_wire_eth_broadcast());
}

/* Forged questions displace each other, never what is in use. */
ATTACK(a079_forged_questions) {
  (void)state;
  FOR_BOTH_FAMILIES {
    start_flooded(v6);
    for (unsigned i = 0; i < FLOOD; i++) {
      claim(v6, i);
      if (v6 || i % 16 == 0)
        ether_drain(&e);
      assert_true(entries() <= NEIGHBOURS);
    }
    ether_drain(&e);
    assert_non_null(in_use(v6));
    assert_memory_equal(in_use(v6)->mac.b, ether_mac(2).b, 6);
    ether_end(&e);
  }
}

/* A flow of ours to each of many absent hosts: each hears of it, and nothing stays. */
ATTACK(a079_sends_to_absent_neighbours) {
  (void)state;
  tct_event ev;
  unsigned closed = 0;
  start_flooded(false);
  uint64_t memory = e.s->memory_bytes;
  for (unsigned i = 0; i < 1000; i++) {
    ether_connect(&e, absent(false, i));
    ether_drain(&e);
    assert_true(e.s->link->n_asking <= NEIGHBOURS / 4);
  }
  for (int i = 0; i < 400; i++) {
    ether_wait(&e, TCT_S(1));
    ether_drain(&e);
  }
  while (tct_event_next(e.s, &ev))
    closed += (ev.flags & TCT_EV_CLOSED) != 0;
  assert_int_equal(closed, 1001); /* the peer in use never answered, either */
  assert_int_equal(e.s->n.ConnsNow, 0);
  assert_int_equal(e.s->link->n_asking, 0);
  assert_true(e.s->memory_bytes < memory + (4u << 20));
  ether_end(&e);
}

/* ---- A111 to A113: neighbour discovery ---------------------------------------------------------
 */

/* A message of the type with these octets after its first eight, checksum right. */
static size_t build_nd(uint8_t type, uint8_t code, uint8_t hops, const uint8_t *rest, size_t n,
                       tct_addr src) {
  uint8_t *m = p + TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN;
  tct_addr own = ether6(1);
  tct_addr dst = type == TCT_ND_SOLICIT ? tct_wire_nd_solicited_node(&own) : all_nodes();
  struct tct_checksum c;
  memset(m, 0, 8);
  m[0] = type;
  m[1] = code;
  memcpy(m + 8, rest, n);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &src, &dst, TCT_IPPROTO_ICMP6, (uint32_t)(8 + n));
  tct_checksum_feed(&c, m, 8 + n);
  tct_bytes_put16(m + 2, tct_checksum_field(&c));
  ether_header(p, tct_wire_eth_multicast(&dst), ether_mac(9), TCT_ETH_IP6);
  return ether_ip(p, src, dst, TCT_IPPROTO_ICMP6, hops, 8 + n);
}

static tct_addr link_local(uint8_t last) {
  return (tct_addr){{0xfe, 0x80, [15] = last}};
}

/* The target is ours where there is one; `extra` octets of options follow. */
static size_t fill_body(uint8_t type, uint8_t *body, size_t extra) {
  static const uint8_t fixed[] = {0, 8, 16, 16, 32};
  tct_addr own = ether6(1);
  memset(body, 0, 64);
  if (type >= TCT_ND_SOLICIT)
    memcpy(body, own.b, 16);
  return fixed[type - TCT_ND_ROUTER_SOLICIT] + extra;
}

static void expect_unmoved(void) {
  assert_int_equal(entries(), 0);
  assert_int_equal(ether_drain(&e), 0);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether6(1)), TCT_OK);
}

ATTACK(a111_neighbour_discovery_from_afar_or_malformed) {
  (void)state;
  uint8_t body[128] = {0};
  ether_start(&e);
  for (uint8_t type = TCT_ND_ROUTER_SOLICIT; type <= TCT_ND_REDIRECT; type++) {
    size_t n = fill_body(type, body, 8);
    for (unsigned hops = 0; hops < 255; hops++)
      assert_int_equal(
          ether_in(&e, p, build_nd(type, 0, (uint8_t)hops, body, n - 8, link_local(9))),
          TCT_DROP_ND_HOP_LIMIT);
    assert_int_equal(ether_in(&e, p, build_nd(type, 1, 255, body, n - 8, link_local(9))),
                     TCT_DROP_ND_FORMAT);
    body[n - 8] = 1; /* and its length is 0 */
    assert_int_equal(ether_in(&e, p, build_nd(type, 0, 255, body, n, link_local(9))),
                     TCT_DROP_ND_OPTION);
    for (size_t len = 0; len + 8 < n; len++)
      assert_int_equal(ether_in(&e, p, build_nd(type, 0, 255, body, len, link_local(9))),
                       TCT_DROP_ND_SHORT);
    size_t whole = build_nd(type, 0, 255, body, n - 8, link_local(9));
    p[TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN + 2] ^= 1;
    assert_int_equal(ether_in(&e, p, whole), TCT_DROP_ND_CHECKSUM);
    expect_unmoved();
  }
  ether_end(&e);
}

/* Sources that no neighbour has, and MACs that no station has. */
ATTACK(a111_neighbour_discovery_from_impossible_senders) {
  (void)state;
  tct_addr own = ether6(1), group = tct_wire_nd_solicited_node(&own);
  tct_addr loopback = {{[15] = 1}}, multicast = all_nodes(), nobody = {{0}};
  struct tct_nd nd = {.type = TCT_ND_SOLICIT, .target = own, .has_mac = true, .mac = ether_mac(9)};
  ether_start(&e);
  assert_int_equal(ether_nd(&e, loopback, group, &nd, 9), TCT_DROP_ND_ADDRESS);
  assert_int_equal(ether_nd(&e, multicast, group, &nd, 9), TCT_DROP_ND_ADDRESS);
  assert_int_equal(ether_nd(&e, own, group, &nd, 9), TCT_DROP_ND_ADDRESS);
  assert_int_equal(ether_nd(&e, nobody, group, &nd, 9), TCT_DROP_ND_ADDRESS); /* with a MAC */
  nd.mac = tct_wire_eth_broadcast();
  assert_int_equal(ether_nd(&e, ether6(9), group, &nd, 9), TCT_DROP_ND_ADDRESS);
  nd.mac = ether_mac(9);
  nd.target = multicast;
  assert_int_equal(ether_nd(&e, ether6(9), group, &nd, 9), TCT_DROP_ND_ADDRESS);
  expect_unmoved();
  ether_end(&e);
}

static tct_verdict router_advert(uint8_t hop_limit, uint16_t lifetime_s, const uint8_t *options,
                                 size_t n) {
  uint8_t body[160] = {0};
  memcpy(body + 8, options, n);
  size_t len = build_nd(TCT_ND_ROUTER_ADVERT, 0, 255, body, 8 + n, link_local(9));
  uint8_t *m = p + TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN;
  uint16_t sum = tct_bytes_get16(m + 2);
  m[4] = hop_limit;
  sum = tct_checksum_update16(sum, 0, (uint16_t)(hop_limit << 8));
  tct_bytes_put16(m + 6, lifetime_s);
  sum = tct_checksum_update16(sum, 0, lifetime_s);
  tct_bytes_put16(m + 2, sum);
  return ether_in(&e, p, len);
}

static uint32_t mtu_of(tct_addr dst) {
  struct tct_ip_path path;
  assert_int_equal(tct_ip_path(e.s, dst, (tct_addr){{0}}, TCT_IP_NO_IF, &path), TCT_OK);
  return path.mtu;
}

/* RFC 8106 5.1: such lengths are even where they must be odd, or beyond the end. */
ATTACK(a112_rdnss_of_odd_lengths) {
  (void)state;
  uint8_t option[128] = {25};
  ether_start(&e);
  for (unsigned said = 0; said < 256; said++)
    for (size_t n = 8; n <= sizeof option; n += 8) {
      option[1] = (uint8_t)said;
      if (said > 0 && said * 8 < n)
        option[said * 8 + 1] = (uint8_t)(n / 8 - said); /* the rest is one unknown option */
      tct_verdict v = router_advert(64, 1800, option, n);
      bool whole = said > 0 && said * 8 <= n;
      assert_int_equal(v, whole ? TCT_DROP_ND_TYPE : TCT_DROP_ND_OPTION);
      memset(option + 1, 0, sizeof option - 1);
    }
  expect_unmoved();
  ether_end(&e);
}

/* Nothing that a router says is taken, so nothing absurd is, nor ten thousand of anything. */
ATTACK(a113_router_advertisements_with_absurd_values) {
  (void)state;
  static const uint32_t mtus[] = {0, 68, 1279, 1000000};
  tct_addr far = {{0x20, 1, [15] = 9}};
  ether_start(&e);
  uint64_t memory = e.s->memory_bytes;
  uint32_t routes = e.s->ip->routes.n;
  for (size_t i = 0; i < TCT_ARRAY_LEN(mtus); i++) {
    uint8_t option[8] = {5, 1};
    tct_bytes_put32(option + 4, mtus[i]);
    assert_int_equal(router_advert(1, 65535, option, sizeof option), TCT_DROP_ND_TYPE);
  }
  for (uint32_t i = 0; i < 10000; i++) {
    uint8_t option[32] = {3, 4, 64, 0xc0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    option[16] = 0x20;
    option[17] = 1;
    tct_bytes_put32(option + 20, i);
    assert_int_equal(router_advert(0, (uint16_t)i, option, sizeof option), TCT_DROP_ND_TYPE);
  }
  assert_int_equal(mtu_of(far), 1500);
  assert_int_equal(e.s->cfg.hop_limit, 64);
  assert_int_equal(e.s->ip->routes.n, routes);
  assert_int_equal(e.s->memory_bytes, memory);
  expect_unmoved();
  ether_end(&e);
}

/* ---- A114 to A116: frames, ARP ------------------------------------------------------------------
 */

ATTACK(a114_short_and_odd_frames) {
  (void)state;
  static const uint16_t types[] = {0,      46,     1500,   0x0600, 0x0800, 0x0806, 0x86dd,
                                   0x8100, 0x88a8, 0x8035, 0x8847, 0x8863, 0xffff};
  uint64_t seed = 5;
  ether_start(&e);
  for (size_t t = 0; t < TCT_ARRAY_LEN(types); t++)
    for (size_t len = 0; len <= 74; len++)
      for (int filling = 0; filling < 4; filling++) {
        for (size_t i = 0; i < len; i++) {
          seed = seed * 6364136223846793005u + 1442695040888963407u;
          p[i] = filling == 0 ? 0 : filling == 1 ? 0xff : (uint8_t)(seed >> 33);
        }
        uint8_t header[14];
        ether_header(header, filling == 2 ? tct_wire_eth_broadcast() : ether_mac(1), ether_mac(9),
                     types[t]);
        memcpy(p, header, len < 14 ? len : 14);
        if (len > 14 && filling >= 2)
          p[14] = types[t] == 0x86dd ? 0x60 : 0x45;
        tct_verdict v = ether_in(&e, p, len);
        assert_true(v != TCT_ACCEPTED);
        if (len < 14)
          assert_int_equal(v, TCT_DROP_ETH_SHORT);
        bool known = types[t] == 0x0800 || types[t] == 0x0806 || types[t] == 0x86dd;
        if (len >= 14 && !known)
          assert_int_equal(v, TCT_DROP_ETH_TYPE);
        ether_drain(&e);
      }
  assert_int_equal(entries(), 0);
  ether_end(&e);
}

/* RFC 1122 3.3.6, and others' frames on a device that shows them. */
ATTACK(a114_frames_for_others) {
  (void)state;
  ether_start(&e);
  size_t len = build_syn_from(ether4(2));
  memcpy(p, ether_mac(7).b, 6);
  assert_int_equal(ether_in(&e, p, len), TCT_DROP_ETH_NOT_FOR_US);
  memset(p, 0xff, 6);
  assert_int_equal(ether_in(&e, p, len), TCT_DROP_ETH_GROUP);
  memcpy(p, ether_mac(1).b, 6);
  p[6] |= 1; /* sent by a group */
  assert_int_equal(ether_in(&e, p, len), TCT_DROP_ETH_SOURCE);
  p[6] &= 0xfe;
  p[12] = 0x86;
  p[13] = 0xdd;
  assert_int_equal(ether_in(&e, p, len), TCT_DROP_IP_VERSION); /* IPv4 under IPv6's type */
  expect_unmoved();
  ether_end(&e);
}

ATTACK(a115_malformed_arp) {
  (void)state;
  static const uint8_t lengths[] = {0, 1, 4, 5, 6, 7, 16, 255};
  struct tct_arp a = {
      .op = TCT_ARP_REQUEST, .sender_mac = ether_mac(9), .sender = ether4(9), .target = ether4(1)};
  ether_start(&e);
  ether_header(p, tct_wire_eth_broadcast(), ether_mac(9), TCT_ETH_ARP);
  tct_wire_arp_emit(p + 14, &a);
  for (size_t len = 14; len < 42; len++)
    assert_int_equal(ether_in(&e, p, len), TCT_DROP_ARP_SHORT);
  for (size_t h = 0; h < TCT_ARRAY_LEN(lengths); h++)
    for (size_t q = 0; q < TCT_ARRAY_LEN(lengths); q++) {
      p[18] = lengths[h];
      p[19] = lengths[q];
      if (lengths[h] != 6 || lengths[q] != 4)
        assert_int_equal(ether_in(&e, p, 60), TCT_DROP_ARP_FORMAT);
    }
  expect_unmoved();
  ether_end(&e);
}

/* Senders that are no station or no host's address make no entry. */
ATTACK(a115_arp_from_impossible_senders) {
  (void)state;
  const tct_addr bad[] = {tct_addr_ipv4(127, 0, 0, 1), tct_addr_ipv4(224, 0, 0, 1), ether4(255),
                          tct_addr_ipv4(255, 255, 255, 255), tct_addr_ipv4(240, 0, 0, 1)};
  struct tct_arp a = {.op = TCT_ARP_REQUEST, .sender_mac = ether_mac(9), .target = ether4(1)};
  ether_start(&e);
  for (size_t i = 0; i < TCT_ARRAY_LEN(bad); i++) {
    a.sender = bad[i];
    assert_int_equal(ether_arp(&e, &a, tct_wire_eth_broadcast()), TCT_DROP_ARP_SENDER);
  }
  ether_header(p, ether_mac(1), ether_mac(9), TCT_ETH_ARP);
  a.sender = ether4(9);
  a.sender_mac = tct_wire_eth_broadcast();
  tct_wire_arp_emit(p + 14, &a);
  assert_int_equal(ether_in(&e, p, 42), TCT_DROP_ARP_SENDER);
  expect_unmoved();
  a.sender_mac = ether_mac(9);
  a.sender = tct_addr_ipv4(192, 0, 2, 1); /* not on this link: answered, not remembered */
  assert_int_equal(ether_arp(&e, &a, tct_wire_eth_broadcast()), TCT_ACCEPTED);
  assert_int_equal(ether_drain(&e), 1);
  expect_unmoved();
  ether_end(&e);
}

static void expect_still_ours(unsigned conflicts) {
  tct_counters n;
  tct_stack_counters(e.s, &n);
  assert_int_equal(n.AddrConflicts, conflicts);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether4(1)), TCT_OK);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, ether6(1)), TCT_OK);
}

/* RFC 5227 2.4(b): defended by one announcement in ten seconds, never given up. */
ATTACK(a116_own_ipv4_address_claimed) {
  (void)state;
  struct tct_arp a = {
      .op = TCT_ARP_REPLY, .sender_mac = ether_mac(9), .sender = ether4(1), .target = ether4(1)};
  unsigned conflicts = 0;
  ether_start(&e);
  for (uint16_t op = TCT_ARP_REQUEST; op <= TCT_ARP_REPLY; op++)
    for (int i = 0; i < 100; i++) {
      a.op = op;
      assert_int_equal(ether_arp(&e, &a, tct_wire_eth_broadcast()), TCT_DROP_ARP_CONFLICT);
      expect_still_ours(++conflicts);
      assert_int_equal(ether_drain(&e), conflicts == 1);
    }
  ether_wait(&e, TCT_S(11));
  assert_int_equal(ether_arp(&e, &a, tct_wire_eth_broadcast()), TCT_DROP_ARP_CONFLICT);
  assert_int_equal(ether_drain(&e), 1);
  assert_true(ether_is_question(&e, false, ether4(1), 0)); /* the announcement */
  p[13] = 0x35;                                            /* RARP */
  ether_header(p, ether_mac(1), ether_mac(9), 0x8035);
  a.op = 4;
  tct_wire_arp_emit(p + 14, &a);
  assert_int_equal(ether_in(&e, p, 60), TCT_DROP_ETH_TYPE);
  expect_still_ours(conflicts + 1);
  assert_int_equal(entries(), 0);
  ether_end(&e);
}

/* RFC 4862 5.4.4 */
ATTACK(a116_own_ipv6_address_claimed) {
  (void)state;
  struct tct_nd nd = {.type = TCT_ND_ADVERT,
                      .target = ether6(1),
                      .override = true,
                      .has_mac = true,
                      .mac = ether_mac(9)};
  ether_start(&e);
  assert_int_equal(ether_nd(&e, ether6(1), all_nodes(), &nd, 9), TCT_DROP_ND_CONFLICT);
  expect_still_ours(1);
  nd.solicited = true;
  assert_int_equal(ether_nd(&e, ether6(9), ether6(1), &nd, 9), TCT_DROP_ND_CONFLICT);
  expect_still_ours(2);
  assert_int_equal(entries(), 0);
  assert_int_equal(ether_drain(&e), 0);
  ether_end(&e);
}

/* A neighbour in use is moved by a forged reply only until it is asked again itself. */
ATTACK(a116_neighbour_claimed) {
  (void)state;
  struct tct_arp a = {
      .op = TCT_ARP_REPLY, .sender_mac = ether_mac(9), .sender = ether4(2), .target = ether4(77)};
  ether_start(&e);
  ether_connect(&e, ether4(2));
  ether_drain(&e);
  ether_answer(&e, false, 2);
  ether_drain(&e);
  ether_arp(&e, &a, tct_wire_eth_broadcast());
  const struct tct_neigh *n = tct_neigh_find(e.s, e.ifc.index - 1, ether4(2));
  assert_int_equal(n->state, TCT_NEIGH_STALE); /* not trusted for long */
  ether_end(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a079_answers_to_absent_neighbours),
      cmocka_unit_test(a079_forged_questions),
      cmocka_unit_test(a079_sends_to_absent_neighbours),
      cmocka_unit_test(a111_neighbour_discovery_from_afar_or_malformed),
      cmocka_unit_test(a111_neighbour_discovery_from_impossible_senders),
      cmocka_unit_test(a112_rdnss_of_odd_lengths),
      cmocka_unit_test(a113_router_advertisements_with_absurd_values),
      cmocka_unit_test(a114_short_and_odd_frames),
      cmocka_unit_test(a114_frames_for_others),
      cmocka_unit_test(a115_malformed_arp),
      cmocka_unit_test(a115_arp_from_impossible_senders),
      cmocka_unit_test(a116_own_ipv4_address_claimed),
      cmocka_unit_test(a116_own_ipv6_address_claimed),
      cmocka_unit_test(a116_neighbour_claimed),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
