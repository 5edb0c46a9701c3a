/* SPDX-License-Identifier: MIT */
/* Multicast listener reports: what switches and routers are told of our groups, and when. */
#include "test/lib/ether.h"

#include "wire/mld.h"

static struct ether e;

enum { AT_IP = 14, AT_HOPS = 54, AT_MLD = 62, AT_RECORD = 70, REPORT_LEN = 90 };

static const tct_addr all_mld_routers = {{0xff, 2, [15] = 0x16}};
static const tct_addr link_local = {{0xfe, 0x80, [15] = 0x99}};

/* The frame that came out is a report of this kind about the group of fd07::last. */
static bool is_report(enum tct_mld_record what, uint8_t last) {
  static const uint8_t to[6] = {0x33, 0x33, 0, 0, 0, 0x16};
  static const uint8_t alert[8] = {TCT_IPPROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
  tct_addr own = ether6(last), group = tct_wire_nd_solicited_node(&own), src, dst;
  struct tct_checksum c;
  if (e.len != REPORT_LEN || memcmp(e.frame, to, 6) != 0 || e.frame[AT_MLD] != TCT_MLD_REPORT)
    return false;
  assert_int_equal(e.why, TCT_WHY_MLD);
  assert_int_equal(e.frame[AT_IP + 6], TCT_IPPROTO_HOP_BY_HOP);
  assert_int_equal(e.frame[AT_IP + 7], 1); /* hop limit */
  assert_memory_equal(e.frame + AT_IP + 24, all_mld_routers.b, 16);
  assert_memory_equal(e.frame + AT_HOPS, alert, sizeof alert);
  assert_int_equal(tct_bytes_get16(e.frame + AT_MLD + 6), 1);
  tct_bytes_get_addr6(e.frame + AT_IP + 8, &src);
  tct_bytes_get_addr6(e.frame + AT_IP + 24, &dst);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &src, &dst, TCT_IPPROTO_ICMP6, REPORT_LEN - AT_MLD);
  tct_checksum_feed(&c, e.frame + AT_MLD, REPORT_LEN - AT_MLD);
  assert_true(tct_checksum_is_ok(&c));
  return e.frame[AT_RECORD] == what && memcmp(e.frame + AT_RECORD + 4, group.b, 16) == 0;
}

static unsigned count_reports(enum tct_mld_record what, uint8_t last) {
  unsigned n = 0;
  while (ether_out(&e))
    n += is_report(what, last);
  return n;
}

/* RFC 3810 6.1: told at once, and again; RFC 4862 5.4.2: before the question about duplicates. */
static void address__tried_and_then_ours__told_each_time(void **state) {
  (void)state;
  static const uint8_t nobody[16];
  ether_start_with(&e, ETHER_DAD, NULL);
  assert_true(ether_out(&e)); /* ARP */
  assert_true(ether_out(&e));
  assert_true(is_report(TCT_MLD_JOINS, 1));
  assert_memory_equal(e.frame + AT_IP + 8, nobody, 16);
  assert_true(ether_out(&e));
  assert_int_equal(e.why, TCT_WHY_ND);
  assert_false(ether_out(&e));
  ether_wait(&e, TCT_S(1));
  assert_int_equal(count_reports(TCT_MLD_JOINS, 1), 1);
  ether_end(&e);
}

/* A report's source is the link-local address once there is one: routers hear no other. */
static void address__beside_a_link_local_one__reported_from_it(void **state) {
  (void)state;
  ether_start(&e);
  assert_int_equal(tct_if_addr_add(e.s, e.ifc, link_local, 64), TCT_OK);
  ether_drain(&e);
  assert_int_equal(tct_if_addr_add(e.s, e.ifc, ether6(5), 64), TCT_OK);
  assert_true(ether_out(&e));
  assert_true(is_report(TCT_MLD_JOINS, 5));
  assert_memory_equal(e.frame + AT_IP + 8, link_local.b, 16);
  ether_end(&e);
}

struct question {
  uint8_t hop_limit, type;
  uint16_t wait_code;
  tct_addr from, group;
  size_t len; /* of the message: 24 in version 1, 28 and more in version 2 */
  bool spoiled, no_alert;
};

static struct question sound(void) {
  return (struct question){
      .hop_limit = 1, .type = TCT_MLD_QUERY, .wait_code = 1000, .from = link_local, .len = 28};
}

static tct_verdict ask(const struct question *q) {
  static const uint8_t hops[8] = {TCT_IPPROTO_ICMP6, 0, 5, 2, 0, 0, 1, 0};
  uint8_t p[128] = {0}, *m = p + AT_MLD;
  tct_addr all = {{0xff, 2, [15] = 1}};
  struct tct_checksum c;
  memcpy(p + AT_HOPS, hops, sizeof hops);
  if (q->no_alert)
    p[AT_HOPS + 2] = 1; /* padding */
  m[0] = q->type;
  tct_bytes_put16(m + 4, q->wait_code);
  memcpy(m + 8, q->group.b, 16);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &q->from, &all, TCT_IPPROTO_ICMP6, (uint32_t)q->len);
  tct_checksum_feed(&c, m, q->len);
  tct_bytes_put16(m + 2, (uint16_t)(tct_checksum_field(&c) ^ (q->spoiled ? 1 : 0)));
  ether_header(p, tct_wire_eth_multicast(&all), ether_mac(9), TCT_ETH_IP6);
  return ether_in(&e, p,
                  ether_ip(p, q->from, all, TCT_IPPROTO_HOP_BY_HOP, q->hop_limit, 8 + q->len));
}

/* RFC 3810 6.2: within the time that the query allows, and once. */
static void query__of_all_groups__answered_in_time(void **state) {
  (void)state;
  for (int version = 1; version <= 2; version++) {
    struct question q = sound();
    q.len = version == 1 ? 24 : 28;
    ether_start(&e);
    assert_int_equal(ask(&q), TCT_ACCEPTED);
    assert_int_equal(ask(&q), TCT_ACCEPTED);
    assert_false(ether_out(&e)); /* all at once would be a burst */
    ether_wait(&e, TCT_MS(1001));
    assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 1);
    ether_wait(&e, TCT_S(20));
    assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 0);
    ether_end(&e);
  }
}

static void query__while_an_address_is_tried__it_is_told_too(void **state) {
  (void)state;
  struct question q = sound();
  q.wait_code = 0; /* the least: a tenth of a second */
  ether_start_with(&e, ETHER_DAD, NULL);
  ether_drain(&e);
  assert_int_equal(ask(&q), TCT_ACCEPTED);
  ether_wait(&e, TCT_MS(101));
  assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 1);
  ether_end(&e);
}

static void query__of_one_group__answered_if_it_is_of_our_kind(void **state) {
  (void)state;
  struct question q = sound();
  tct_addr own = ether6(1);
  ether_start(&e);
  q.group = (tct_addr){{0xff, 2, [15] = 0xfb}};
  assert_int_equal(ask(&q), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(2));
  assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 0);
  q.group = tct_wire_nd_solicited_node(&own);
  assert_int_equal(ask(&q), TCT_ACCEPTED);
  ether_wait(&e, TCT_S(2));
  assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 1);
  ether_end(&e);
}

/* RFC 3810 5.1.14: from the link, by a router's own address, marked for routers. */
static void query__not_sound__no_answer(void **state) {
  (void)state;
  struct question bad[8];
  for (int i = 0; i < 8; i++)
    bad[i] = sound();
  bad[0].hop_limit = 2;
  bad[1].from = ether6(9);
  bad[2].spoiled = true;
  bad[3].no_alert = true;
  bad[4].type = TCT_MLD_REPORT;
  bad[5].len = 23;
  bad[6].len = 26;
  bad[7].type = 131;
  ether_start(&e);
  for (int i = 0; i < 8; i++)
    (void)ask(&bad[i]);
  ether_wait(&e, TCT_S(20));
  assert_int_equal(count_reports(TCT_MLD_IS_MEMBER, 1), 0);
  ether_end(&e);
}

/* A flood of questions that want an answer at once gets some twenty a second, not one each. */
static void query__flood__few_answers(void **state) {
  (void)state;
  struct question q = sound();
  unsigned n = 0;
  q.wait_code = 0;
  ether_start(&e);
  for (int ms = 0; ms < 1000; ms++) {
    ask(&q);
    ether_wait(&e, TCT_MS(1));
    n += count_reports(TCT_MLD_IS_MEMBER, 1);
  }
  assert_true(n >= 5 && n <= 60);
  ether_end(&e);
}

/* RFC 3810 5.1.3: the wait as a floating number; never later than ten seconds all the same. */
static void query__wait_as_a_floating_number__read(void **state) {
  (void)state;
  uint8_t p[8 + 28] = {TCT_IPPROTO_ICMP6, 0, 1, 0, 5, 2};
  tct_addr all = {{0xff, 2, [15] = 1}};
  struct tct_mld_query q;
  const struct {
    uint16_t code;
    uint32_t ms;
  } row[] = {{0x7fff, 32767}, {0x8000, 32768}, {0x8001, 32776}, {0xffff, 8387584}};
  for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
    struct tct_checksum c;
    memset(p + 8, 0, 28);
    p[8] = TCT_MLD_QUERY;
    tct_bytes_put16(p + 12, row[i].code);
    tct_checksum_init(&c);
    tct_checksum_feed_pseudo(&c, &link_local, &all, TCT_IPPROTO_ICMP6, 28);
    tct_checksum_feed(&c, p + 8, 28);
    tct_bytes_put16(p + 10, tct_checksum_field(&c));
    assert_true(tct_wire_mld_parse_query(p, sizeof p, &link_local, &all, &q));
    assert_int_equal(q.max_wait_ms, row[i].ms);
    for (size_t len = 0; len < sizeof p; len++)
      assert_false(tct_wire_mld_parse_query(p, len, &link_local, &all, &q));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(address__tried_and_then_ours__told_each_time),
      cmocka_unit_test(address__beside_a_link_local_one__reported_from_it),
      cmocka_unit_test(query__of_all_groups__answered_in_time),
      cmocka_unit_test(query__while_an_address_is_tried__it_is_told_too),
      cmocka_unit_test(query__of_one_group__answered_if_it_is_of_our_kind),
      cmocka_unit_test(query__not_sound__no_answer),
      cmocka_unit_test(query__flood__few_answers),
      cmocka_unit_test(query__wait_as_a_floating_number__read),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
