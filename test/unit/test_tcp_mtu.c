/* SPDX-License-Identifier: MIT */
/* The path's MTU as a connection sees it: what it limits, who may change it, what is sent again. */
#include "test/lib/at.h"

#include "wire/icmp.h"

static void start(struct at *a, bool ipv6) {
  at_start(a,
           (struct at_how){
               .state = TCT_ESTABLISHED, .ipv6 = ipv6, .strict = true, .mss = 9000, .mtu = 4000});
}

static uint32_t mss_of(bool ipv6, uint32_t mtu) {
  return mtu - (ipv6 ? 60 : 40);
}

/* [RFC9293 MUST-16] [RFC9293 EP-51] */
static void too_big__segment_in_flight__goes_again_smaller_without_a_timeout(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    at_write(&a, 3000);
    const tct_seg *g = at_lose(&a);
    assert_int_equal(g->len, 3000);
    uint32_t cwnd = at_info(&a).snd_cwnd;
    unsigned kind = ipv6 ? TCT_ICMP_PACKET_TOO_BIG : TCT_ICMP_UNREACH_FRAG_NEEDED;
    assert_int_equal(at_icmp(&a, kind, 1400), TCT_ACCEPTED);
    uint32_t left = 3000, seq = a.peer.irs + 1, mss = mss_of(ipv6 != 0, 1400);
    while (left > 0) {
      g = at_out(&a);
      assert_non_null(g);
      assert_int_equal(g->seq, seq);
      assert_int_equal(g->len, left > mss ? mss : left);
      assert_int_equal(a.why, TCT_WHY_MTU_REDUCED);
      left -= g->len;
      seq += g->len;
    }
    at_quiet(&a);
    assert_int_equal(at_info(&a).snd_cwnd, cwnd); /* no congestion: RFC 8201 5.4 */
    AT_IN(&a, .len = 0);
    at_write(&a, 3000); /* and new data keeps to it */
    assert_int_equal(at_out(&a)->len, mss);
    at_end(&a);
  }
}

/* RFC 5927: only what quotes a number in flight counts. [RFC9293 MUST-54] */
static void too_big__quotes_what_is_not_in_flight__is_refused(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    unsigned kind = ipv6 ? TCT_ICMP_PACKET_TOO_BIG : TCT_ICMP_UNREACH_FRAG_NEEDED;
    at_write(&a, 3000);
    assert_non_null(at_out(&a));
    AT_IN(&a, .len = 0); /* acknowledged meanwhile */
    assert_int_equal(at_icmp(&a, kind, 1300), TCT_DROP_ICMP_SEQUENCE);
    at_quiet(&a);
    at_write(&a, 3000);
    assert_int_equal(at_out(&a)->len, 3000);
    at_end(&a);
  }
}

/* Attack: a tiny MTU must not make a header of every byte. */
static void too_big__absurdly_small__is_not_believed(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    at_write(&a, 3000);
    assert_non_null(at_lose(&a));
    unsigned kind = ipv6 ? TCT_ICMP_PACKET_TOO_BIG : TCT_ICMP_UNREACH_FRAG_NEEDED;
    (void)at_icmp(&a, kind, 68);
    const tct_seg *g = at_out(&a);
    if (g != NULL)
      assert_true(g->len >= (ipv6 ? 1220u : 512u));
    at_end(&a);
  }
}

static void too_big__larger_than_ours__changes_nothing(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  at_write(&a, 3000);
  assert_non_null(at_lose(&a));
  (void)at_icmp(&a, TCT_ICMP_UNREACH_FRAG_NEEDED, 9000);
  at_quiet(&a);
  assert_int_equal(at_info(&a).snd_mss, 3960);
  at_end(&a);
}

/* The next connection of the same path starts with what was learnt. */
static void too_big__other_connection_later__starts_small(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_write(&a, 3000);
  assert_non_null(at_lose(&a));
  assert_int_equal(at_icmp(&a, TCT_ICMP_PACKET_TOO_BIG, 1400), TCT_ACCEPTED);
  (void)at_drain(&a);
  tct_sock k;
  tct_endpoint e = {a.peer.addr, 4001, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, k, &e), TCT_OK);
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(a.s, k, &i), TCT_OK);
  assert_int_equal(i.pmtu, 1400);
  at_end(&a);
}

static void interface_mtu_changed__live_connection__follows(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  at_write(&a, 3000);
  assert_int_equal(at_lose(&a)->len, 3000);
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_MTU, 1500), TCT_OK);
  assert_int_equal(at_out(&a)->len, 1460);
  (void)at_drain(&a);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_MTU, 4000), TCT_OK);
  at_write(&a, 3000);
  assert_int_equal(at_out(&a)->len, 3000);
  at_end(&a);
}

/* MAXSEG is the least of the three. */
static void own_maxseg__segments__keep_to_it(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  at_set(&a, TCT_OPT_MAXSEG, 700);
  at_write(&a, 2000);
  assert_int_equal(at_out(&a)->len, 700);
  at_end(&a);
}

static void search_often(tct_config *c) {
  c->mtu_probing = TCT_MTU_PROBING_ALWAYS;
  c->mtu_probe_interval_s = 10;
  c->slow_start_after_idle = TCT_OFF;
  c->initial_window_segs = 20;
}

static void send_and_acknowledge(struct at *a, unsigned rounds, uint32_t len_max) {
  const tct_seg *g;
  for (unsigned i = 0; i < rounds; i++) {
    at_write(a, 20000);
    while ((g = at_out(a)) != NULL) {
      assert_in_range(g->len, 0, len_max);
      AT_IN(a, .len = 0);
    }
    at_pass(a, TCT_S(1));
  }
}

/* RFC 4821 7.3: nothing is tried that the own interface does not carry. Found by `tercet sim --seed
 * 45`: the second search began with what the peer takes. */
static void search__begun_again__stays_below_the_interface_mtu(void **state) {
  struct at a;
  (void)state;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED,
                               .strict = true,
                               .mss = 1460,
                               .mtu = 1200,
                               .config = search_often});
  send_and_acknowledge(&a, 40, mss_of(false, 1200));
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(too_big__segment_in_flight__goes_again_smaller_without_a_timeout),
      cmocka_unit_test(too_big__quotes_what_is_not_in_flight__is_refused),
      cmocka_unit_test(too_big__absurdly_small__is_not_believed),
      cmocka_unit_test(too_big__larger_than_ours__changes_nothing),
      cmocka_unit_test(too_big__other_connection_later__starts_small),
      cmocka_unit_test(interface_mtu_changed__live_connection__follows),
      cmocka_unit_test(own_maxseg__segments__keep_to_it),
      cmocka_unit_test(search__begun_again__stays_below_the_interface_mtu),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
