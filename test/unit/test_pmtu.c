/* SPDX-License-Identifier: MIT */
/* Path MTUs: who is believed, how low it goes, and when it is forgotten. RFC 1191, 8201, 5927 7. */
#include "test/unit/fake_stack.h"

static uint8_t pkt[2048];
static const tct_addr far4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 7}};
static const tct_addr far6 = {{0x20, 1, 0x0d, 0xb8, [15] = 7}};

/* A router says that a TCP segment of `total` bytes did not fit into mtu. */
static tct_verdict too_big(struct fake *f, bool v6, uint32_t mtu, uint16_t total) {
  uint8_t quote[128], tcp[20] = {0x1f, 0x90, 0, 80};
  tct_addr own = v6 ? A6(1) : A4(10, 0, 0, 1), router = v6 ? A6(2) : A4(10, 0, 0, 2);
  struct tct_ip_hdr h = {.src = own, .dst = v6 ? far6 : far4, .proto = 6};
  size_t q = make_ip(quote, h, tcp, sizeof tcp);
  tct_bytes_put16(quote + (v6 ? 4 : 2), (uint16_t)(v6 ? total - 40 : total));
  struct tct_ip_problem what = {.type = v6 ? 2 : 3, .code = v6 ? 0 : 4, .pointer = mtu};
  return fake_in(f, 0, pkt, make_error(pkt, router, own, what, quote, q));
}

static void too_big__believed__lower_for_that_destination_only(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct fake *f = fake_new();
    tct_addr dst = v6 ? far6 : far4;
    assert_int_equal(too_big(f, v6, 1400, 1500), TCT_ACCEPTED);
    assert_int_equal(f->tcp.event.mtu, 1400);
    assert_int_equal(f->tcp.event.err, TCT_EMSGSIZE);
    assert_int_equal(tct_ip_pmtu(&f->s, dst, 0), 1400);
    assert_int_equal(tct_ip_pmtu(&f->s, v6 ? A6(8) : A4(192, 0, 2, 8), 0), 1500);
    assert_int_equal(f->tcp.mtus, 1);
    assert_int_equal(f->tcp.mtu, 1400);
    assert_addr(f->tcp.mtu_dst, dst);
    struct tct_ip_path path;
    assert_int_equal(tct_ip_path(&f->s, dst, ANY, TCT_IP_NO_IF, &path), TCT_OK);
    assert_int_equal(path.mtu, 1400);
    fake_free(f);
  }
}

/* RFC 5927 7.2: what TCP has not in flight is a lie. */
static void too_big__tcp_disbelieves__nothing_learnt(void **state) {
  (void)state;
  struct fake *f = fake_new();
  f->tcp.icmp_answer = TCT_DROP_ICMP_SEQUENCE;
  assert_int_equal(too_big(f, false, 1400, 1500), TCT_DROP_ICMP_SEQUENCE);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1500);
  assert_int_equal(f->tcp.mtus, 0);
  assert_null(f->s.ip->pmtu.at);
  fake_free(f);
}

/* A098, A110 */
static void too_big__absurdly_small__floor_or_nothing(void **state) {
  (void)state;
  struct fake *f = fake_new();
  const uint32_t tiny[] = {1, 68, 296, 551};
  for (size_t i = 0; i < TCT_ARRAY_LEN(tiny); i++) {
    assert_int_equal(too_big(f, false, tiny[i], 1500), TCT_ACCEPTED);
    assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 552);
  }
  const uint32_t small6[] = {0, 48, 68, 1279};
  for (size_t i = 0; i < TCT_ARRAY_LEN(small6); i++)
    assert_int_equal(too_big(f, true, small6[i], 1500), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(tct_ip_pmtu(&f->s, far6, 0), 1500);
  assert_int_equal(too_big(f, true, 1280, 1500), TCT_ACCEPTED);
  assert_int_equal(tct_ip_pmtu(&f->s, far6, 0), 1280);
  fake_free(f);
}

/* It fitted, or our own link is no larger: then no router said that. Linux believes the first. */
static void too_big__makes_no_sense__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(too_big(f, false, 1500, 1501), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(f->tcp.icmps, 0);
  f->tcp.icmp_answer = TCT_ACCEPTED;
  assert_int_equal(too_big(f, false, 1400, 1400), TCT_ACCEPTED);
  fake_free(f);
  f = fake_new();
  f->s.cfg.profile = TCT_PROFILE_STRICT;
  assert_int_equal(too_big(f, false, 1400, 1400), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(too_big(f, false, 1500, 1501), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(too_big(f, true, 9000, 9001), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(f->tcp.icmps, 0);
  fake_free(f);
}

/* RFC 1191 5: routers that leave the field zero. */
static void too_big__mtu_zero__next_plateau(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(too_big(f, false, 0, 1500), TCT_ACCEPTED);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1492);
  assert_int_equal(too_big(f, false, 0, 1492), TCT_ACCEPTED);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1006);
  assert_int_equal(tct_pmtu_plateau(65535), 32000);
  assert_int_equal(tct_pmtu_plateau(296), 68);
  fake_free(f);
}

static void too_big__larger_than_known__never_raises(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(too_big(f, false, 1000, 1500), TCT_ACCEPTED);
  assert_int_equal(too_big(f, false, 1400, 1500), TCT_ACCEPTED);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1000);
  assert_int_equal(f->tcp.mtu, 1000);
  fake_free(f);
}

/* RFC 1191 6.3, RFC 8201 4: not before 5 minutes; we wait 10, from the last error on. */
static void age__ten_minutes__forgotten_and_tcp_told(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(too_big(f, false, 1400, 1500), TCT_ACCEPTED);
  clock_set(&f->s, f->s.now + TCT_S(300));
  assert_int_equal(too_big(f, false, 1300, 1500), TCT_ACCEPTED);
  clock_set(&f->s, f->s.now + TCT_S(599));
  tct_ip_advance(&f->s);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1300);
  assert_int_equal(f->tcp.mtus, 2);
  assert_int_equal(tct_ip_next_deadline(&f->s), f->s.now + TCT_S(1));
  clock_set(&f->s, f->s.now + TCT_S(1));
  tct_ip_advance(&f->s);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1500);
  assert_int_equal(f->tcp.mtus, 3);
  assert_int_equal(f->tcp.mtu, 1500);
  assert_addr(f->tcp.mtu_dst, far4);
  assert_int_equal(tct_ip_next_deadline(&f->s), TCT_NEVER);
  fake_free(f);
}

static void age__clock_at_the_end_of_time__nothing_to_forget(void **state) {
  (void)state;
  struct fake *f = fake_new();
  clock_set(&f->s, TCT_NEVER);
  tct_pmtu_advance(&f->s);
  assert_null(f->s.ip->pmtu.at);
  assert_int_equal(f->tcp.mtus, 0);
  fake_free(f);
}

static void cache__more_destinations_than_room__bounded_and_sane(void **state) {
  (void)state;
  struct fake *f = fake_new();
  for (uint32_t i = 0; i < 5000; i++) {
    tct_addr dst = A4(172, (uint8_t)(16 + i / 65536), (uint8_t)(i / 256), (uint8_t)i);
    tct_pmtu_learn(&f->s, dst, 0, 1300);
    assert_int_equal(tct_ip_pmtu(&f->s, dst, 0), 1300);
  }
  assert_true(f->mem.bytes_out < 200000);
  fake_free(f);
}

static void cache__no_memory__interface_mtu(void **state) {
  (void)state;
  struct fake *f = fake_new();
  f->mem.bytes_max = f->mem.bytes_out;
  tct_pmtu_learn(&f->s, far4, 0, 1300);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1500);
  f->mem.bytes_max = 0;
  fake_free(f);
}

static void link_local__same_address_on_two_links__two_paths(void **state) {
  (void)state;
  struct fake *f = fake_new();
  fake_add_if(f, (tct_if_config){.mtu = 1500});
  tct_pmtu_learn(&f->s, LL6(5), 1, 1300);
  assert_int_equal(tct_ip_pmtu(&f->s, LL6(5), 0), 1500);
  assert_int_equal(tct_ip_pmtu(&f->s, LL6(5), 1), 1300);
  fake_free(f);
}

/* UDP has no sequence number: the quoted socket must be there and talk to that peer. */
static void too_big__about_udp__only_of_a_peer_it_talks_to(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k;
  tct_endpoint at = {.port = 700}, to = {.addr = far4, .port = 53};
  tct_dgram d = {.remote = to};
  uint8_t quote[128];
  assert_int_equal(tct_udp_open(&f->s, NULL, &k), TCT_OK);
  assert_int_equal(tct_udp_bind(&f->s, k, &at), TCT_OK);
  struct tct_ip_problem what = {.type = 3, .code = 4, .pointer = 1200};
  size_t q = make_udp(quote, A4(10, 0, 0, 1), far4, 700, 53, "x");
  tct_bytes_put16(quote + 2, 1500);
  size_t n = make_error(pkt, A4(10, 0, 0, 2), A4(10, 0, 0, 1), what, quote, q);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_NO_SOCKET);
  assert_int_equal(tct_udp_send(&f->s, k, &d, "x", 1), 1);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_ACCEPTED);
  assert_int_equal(tct_ip_pmtu(&f->s, far4, 0), 1200);
  assert_int_equal(f->tcp.mtu, 1200);
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(too_big__believed__lower_for_that_destination_only),
      cmocka_unit_test(too_big__tcp_disbelieves__nothing_learnt),
      cmocka_unit_test(too_big__absurdly_small__floor_or_nothing),
      cmocka_unit_test(too_big__makes_no_sense__dropped),
      cmocka_unit_test(too_big__mtu_zero__next_plateau),
      cmocka_unit_test(too_big__larger_than_known__never_raises),
      cmocka_unit_test(age__ten_minutes__forgotten_and_tcp_told),
      cmocka_unit_test(age__clock_at_the_end_of_time__nothing_to_forget),
      cmocka_unit_test(cache__more_destinations_than_room__bounded_and_sane),
      cmocka_unit_test(cache__no_memory__interface_mtu),
      cmocka_unit_test(link_local__same_address_on_two_links__two_paths),
      cmocka_unit_test(too_big__about_udp__only_of_a_peer_it_talks_to),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
