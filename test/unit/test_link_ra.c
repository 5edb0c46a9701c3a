/* SPDX-License-Identifier: MIT */
/* What routers advertise, and what of it is believed. A-numbers are those of the attacks repeated.
 */
#include "test/lib/ether.h"

#include "ip/ip.h"

static struct ether e;
static uint8_t p[1024];

struct advert {
  uint8_t from; /* fe80::from */
  uint8_t hop_limit;
  uint16_t lifetime_s;
  uint8_t options[600];
  size_t n;
};

static tct_addr link_local(uint8_t last) {
  return (tct_addr){{0xfe, 0x80, [15] = last}};
}

static tct_addr prefix_at(uint16_t i) {
  return (tct_addr){{0x20, 1, 0x0d, 0xb8, (uint8_t)(i >> 8), (uint8_t)i}};
}

static const tct_addr far = {{0x20, 1, 0x0d, 0xb9, [15] = 9}};

static void add_mtu(struct advert *a, uint32_t mtu) {
  uint8_t *o = a->options + a->n;
  memset(o, 0, 8);
  o[0] = 5;
  o[1] = 1;
  tct_bytes_put32(o + 4, mtu);
  a->n += 8;
}

static void add_prefix(struct advert *a, tct_addr prefix, uint8_t bits, uint32_t valid_s,
                       uint32_t preferred_s) {
  uint8_t *o = a->options + a->n;
  memset(o, 0, 32);
  o[0] = 3;
  o[1] = 4;
  o[2] = bits;
  o[3] = 0xc0;
  tct_bytes_put32(o + 4, valid_s);
  tct_bytes_put32(o + 8, preferred_s);
  memcpy(o + 16, prefix.b, 16);
  a->n += 32;
}

static tct_verdict give(const struct advert *a) {
  uint8_t *m = p + TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN;
  tct_addr src = link_local(a->from), dst = {{0xff, 2, [15] = 1}};
  struct tct_checksum c;
  memset(m, 0, 16);
  m[0] = TCT_ND_ROUTER_ADVERT;
  m[4] = a->hop_limit;
  tct_bytes_put16(m + 6, a->lifetime_s);
  memcpy(m + 16, a->options, a->n);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &src, &dst, TCT_IPPROTO_ICMP6, (uint32_t)(16 + a->n));
  tct_checksum_feed(&c, m, 16 + a->n);
  tct_bytes_put16(m + 2, tct_checksum_field(&c));
  ether_header(p, tct_wire_eth_multicast(&dst), ether_mac(a->from), TCT_ETH_IP6);
  return ether_in(&e, p, ether_ip(p, src, dst, TCT_IPPROTO_ICMP6, 255, 16 + a->n));
}

/* The stack is up, has its link-local address and has asked once. */
static void start(void) {
  ether_start_with(&e, ETHER_DAD | ETHER_AUTOCONF, NULL);
  for (int i = 0; i < 3; i++) {
    ether_wait(&e, TCT_S(1));
    ether_drain(&e);
  }
}

static int path_to(tct_addr dst, struct tct_ip_path *path) {
  return tct_ip_path(e.s, dst, (tct_addr){{0}}, TCT_IP_NO_IF, path);
}

static void start__nobody_answers__three_questions_then_silence(void **state) {
  (void)state;
  unsigned asked = 0, before = 0;
  static const uint8_t all_routers[16] = {0xff, 2, [15] = 2};
  ether_start_with(&e, ETHER_DAD | ETHER_AUTOCONF, NULL);
  for (int i = 0; i < 60; i++) {
    ether_wait(&e, TCT_MS(500));
    while (ether_out(&e)) {
      bool is = e.len == 14 + 40 + 16 && e.frame[54] == TCT_ND_ROUTER_SOLICIT;
      asked += is;
      before += asked == 0;
      if (!is)
        continue;
      assert_memory_equal(e.frame + 14 + 24, all_routers, 16);
      assert_int_equal(e.frame[14 + 8], 0xfe); /* from the link-local address */
      assert_int_equal(e.frame[14 + 7], 255);
      tct_addr src, dst;
      struct tct_checksum c;
      memcpy(src.b, e.frame + 22, 16);
      memcpy(dst.b, e.frame + 38, 16);
      tct_checksum_init(&c);
      tct_checksum_feed_pseudo(&c, &src, &dst, TCT_IPPROTO_ICMP6, 16);
      tct_checksum_feed(&c, e.frame + 54, 16);
      assert_true(tct_checksum_is_ok(&c));
    }
  }
  assert_int_equal(asked, 3);
  /* IPv4's announcement, our group, the test of the address, our group again, its announcement */
  assert_int_equal(before, 5);
  assert_true(tct_deadline(e.s) == TCT_NEVER);
  ether_end(&e);
}

static void advert__router_prefix_mtu__all_used_until_they_end(void **state) {
  (void)state;
  struct tct_ip_path path;
  struct advert a = {.from = 9, .lifetime_s = 1800};
  start();
  assert_int_equal(path_to(far, &path), TCT_ENETUNREACH);
  add_prefix(&a, prefix_at(7), 64, 7200, 3600);
  add_mtu(&a, 1400);
  assert_int_equal(give(&a), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(1)); /* the new address is tested first */
  ether_drain(&e);
  assert_int_equal(path_to(far, &path), TCT_OK);
  assert_int_equal(path.mtu, 1400);
  assert_memory_equal(path.src.b, prefix_at(7).b, 8);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, path.src), TCT_OK);
  tct_addr own = path.src;
  ether_connect(&e, far);
  assert_int_equal(ether_drain(&e), 1);
  assert_true(ether_is_question(&e, true, link_local(9), 0));
  tct_addr mate = prefix_at(7);
  mate.b[15] = 0x33;
  ether_connect(&e, mate); /* on link: asked for itself */
  assert_int_equal(ether_drain(&e), 1);
  assert_true(ether_is_question(&e, true, mate, 0));
  ether_wait(&e, TCT_S(1800));
  ether_drain(&e);
  assert_int_equal(path_to(far, &path), TCT_ENETUNREACH);
  assert_int_equal(path_to(mate, &path), TCT_OK);
  ether_wait(&e, TCT_S(5400));
  ether_drain(&e);
  assert_int_equal(path_to(mate, &path), TCT_ENETUNREACH);
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, own), TCT_EADDRNOTAVAIL);
  ether_end(&e);
}

/* RFC 4861 6.3.4: the router itself says that it is none any more. */
static void advert__lifetime_zero__router_goes_at_once(void **state) {
  (void)state;
  struct tct_ip_path path;
  struct advert a = {.from = 9, .lifetime_s = 1800};
  start();
  assert_int_equal(give(&a), TCT_ACCEPTED);
  assert_int_equal(path_to(far, &path), TCT_OK);
  a.from = 8;
  a.lifetime_s = 0; /* another's word about itself */
  assert_int_equal(give(&a), TCT_ACCEPTED);
  assert_int_equal(path_to(far, &path), TCT_OK);
  a.from = 9;
  assert_int_equal(give(&a), TCT_ACCEPTED);
  assert_int_equal(path_to(far, &path), TCT_ENETUNREACH);
  ether_end(&e);
}

/* RFC 4862 5.5.3(e) */
static void advert__lifetime_cut__two_hours_remain(void **state) {
  (void)state;
  struct tct_ip_path path;
  struct advert a = {.from = 9, .lifetime_s = 65535}, cut = {.from = 9, .lifetime_s = 65535};
  start();
  add_prefix(&a, prefix_at(7), 64, 86400, 86400);
  add_prefix(&cut, prefix_at(7), 64, 0, 0);
  assert_int_equal(give(&a), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(2));
  assert_int_equal(path_to(far, &path), TCT_OK);
  assert_int_equal(give(&cut), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(7199));
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, path.src), TCT_OK);
  assert_int_equal(give(&cut), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(2));
  assert_int_equal(tct_if_addr_state(e.s, e.ifc, path.src), TCT_EADDRNOTAVAIL);
  ether_end(&e);
}

/* A113 */
static void advert__absurd_values__not_taken(void **state) {
  (void)state;
  static const uint32_t mtus[] = {0, 1, 68, 1279, 1501, 1000000, UINT32_MAX};
  struct tct_ip_path path;
  start();
  uint32_t addrs = e.s->ip->addrs.n, routes = e.s->ip->routes.n;
  for (size_t i = 0; i < TCT_ARRAY_LEN(mtus); i++) {
    struct advert a = {.from = 9, .hop_limit = 1};
    add_mtu(&a, mtus[i]);
    assert_int_equal(give(&a), TCT_ACCEPTED);
    assert_int_equal(e.s->ifs[0].cfg.mtu, 1500);
  }
  assert_int_equal(e.s->cfg.hop_limit, 64);
  struct advert a = {.from = 9};
  add_prefix(&a, link_local(0), 64, 7200, 7200);
  add_prefix(&a, (tct_addr){{0xff, 5}}, 64, 7200, 7200);
  add_prefix(&a, (tct_addr){{0}}, 0, 7200, 7200);
  add_prefix(&a, tct_addr_ipv4(10, 0, 0, 0), 96, 7200, 7200);
  add_prefix(&a, prefix_at(1), 129, 7200, 7200);
  add_prefix(&a, prefix_at(2), 64, 7200, 7201);
  assert_int_equal(give(&a), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(2));
  assert_int_equal(e.s->ip->addrs.n, addrs);
  assert_int_equal(e.s->ip->routes.n, routes);
  assert_int_equal(path_to(far, &path), TCT_ENETUNREACH);
  ether_end(&e);
}

/* A113: ten thousand prefixes, and as many routers. */
static void advert__flood__lists_stay_short(void **state) {
  (void)state;
  start();
  uint32_t addrs = e.s->ip->addrs.n;
  uint64_t memory = 0;
  for (unsigned i = 0; i < 10000; i++) {
    struct advert a = {.from = (uint8_t)(2 + i % 200), .lifetime_s = (uint16_t)(1 + i)};
    add_prefix(&a, prefix_at((uint16_t)i), 64, 7200, 7200);
    assert_int_equal(give(&a), TCT_ACCEPTED);
    ether_drain(&e);
    if (i == 100)
      memory = e.s->memory_bytes;
  }
  ether_wait(&e, TCT_S(2));
  ether_drain(&e);
  assert_int_equal(e.s->ip->addrs.n, addrs + TCT_RA_PREFIXES);
  assert_int_equal(e.s->ip->routes.n_added, 2); /* IPv4's of the test, and one */
  assert_true(e.s->memory_bytes <= memory + 8192);
  ether_end(&e);
}

/* The application's own default route stays. */
static void advert__route_of_the_application__kept(void **state) {
  (void)state;
  struct advert a = {.from = 9, .lifetime_s = 10};
  start();
  assert_int_equal(tct_route_add(e.s, (tct_addr){{0}}, 0, link_local(7), e.ifc), TCT_OK);
  assert_int_equal(give(&a), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(20));
  int err;
  const struct tct_ip_route *r = tct_route_find(e.s, far, TCT_IP_NO_IF, &err);
  assert_non_null(r);
  assert_memory_equal(r->gateway.b, link_local(7).b, 16);
  ether_end(&e);
}

static void advert__without_autoconf__ignored(void **state) {
  (void)state;
  struct advert a = {.from = 9, .lifetime_s = 1800};
  ether_start(&e);
  add_mtu(&a, 1400);
  assert_int_equal(give(&a), TCT_DROP_ND_TYPE);
  assert_int_equal(e.s->ifs[0].cfg.mtu, 1500);
  ether_end(&e);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(start__nobody_answers__three_questions_then_silence),
      cmocka_unit_test(advert__router_prefix_mtu__all_used_until_they_end),
      cmocka_unit_test(advert__lifetime_zero__router_goes_at_once),
      cmocka_unit_test(advert__lifetime_cut__two_hours_remain),
      cmocka_unit_test(advert__absurd_values__not_taken),
      cmocka_unit_test(advert__flood__lists_stay_short),
      cmocka_unit_test(advert__route_of_the_application__kept),
      cmocka_unit_test(advert__without_autoconf__ignored),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
