/* SPDX-License-Identifier: MIT */
/* Keep-alive: off until asked for, probes when quiet, answers, and how it ends. RFC 9293 3.8.4. */
#include "test/lib/at.h"

static void start(struct at *a, bool on) {
  at_start(a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  if (on)
    at_set(a, TCT_OPT_KEEPALIVE, 1);
}

/* Sends what the peer answers a probe with, if one comes within max; false: none came. */
static void expect_probe(struct at *a, tct_time after_ns) {
  at_silent(a, after_ns - TCT_MS(1));
  const tct_seg *g = at_wait(a, TCT_MS(2));
  assert_int_equal(a->why, TCT_WHY_KEEPALIVE);
  assert_int_equal(g->seq, a->peer.rcv_nxt - 1);
  assert_int_equal(g->flags, TCT_ACK);
}

/* [RFC9293 MUST-25] [RFC9293 MAY-5] */
static void fresh_connection__a_week_idle__nothing_is_sent(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  assert_int_equal(at_get(&a, TCT_OPT_KEEPALIVE), 0);
  at_silent(&a, TCT_S(7 * 86400));
  at_end(&a);
}

/* [RFC9293 MUST-24] [RFC9293 MUST-28] [RFC9293 SHLD-12] */
static void switched_on__preset_interval__is_two_hours(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  assert_int_equal(at_get(&a, TCT_OPT_KEEPIDLE_S), 7200);
  expect_probe(&a, TCT_S(7200));
  assert_int_equal(a.got.len, 0);
  at_end(&a);
}

/* [RFC9293 MUST-24] */
static void switched_off_again__probes__stop(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  expect_probe(&a, TCT_S(5));
  AT_IN(&a, .len = 0);
  at_set(&a, TCT_OPT_KEEPALIVE, 0);
  at_silent(&a, TCT_S(100000));
  at_end(&a);
}

/* [RFC9293 MUST-24] Of two connections only the one that asked. */
static void one_of_two__switched_on__only_that_one_probes(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  tct_sock second;
  tct_endpoint e = {a.peer.addr, 4001, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &second), TCT_OK);
  assert_int_equal(tct_sock_set(a.s, second, TCT_OPT_KEEPALIVE, 1), TCT_OK);
  assert_int_equal(tct_sock_set(a.s, second, TCT_OPT_KEEPIDLE_S, 5), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, second, &e), TCT_OK);
  const tct_seg *g = at_out(&a);
  tct_seg t = at_template(&a);
  t.sport = 4001;
  t.dport = g->sport;
  t.seq = 700;
  t.ack = g->seq + 1;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN});
  assert_non_null(at_out(&a));
  g = at_wait(&a, TCT_S(6));
  assert_int_equal(g->dport, 4001);
  assert_int_equal(a.why, TCT_WHY_KEEPALIVE);
  at_end(&a);
}

/* [RFC9293 MUST-27] [RFC9293 MUST-26] */
static void interval_set__something_heard_just_before__probe_is_put_off(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  at_silent(&a, TCT_MS(4900));
  AT_IN(&a, .len = 0);
  expect_probe(&a, TCT_S(5));
  AT_IN(&a, .len = 0);
  expect_probe(&a, TCT_S(5));
  at_end(&a);
}

/* [RFC9293 MUST-26] */
static void data_unacknowledged__interval_passes__data_goes_again_and_no_probe(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 2);
  at_write(&a, 10);
  assert_non_null(at_lose(&a));
  for (unsigned i = 0; i < 4; i++) {
    (void)at_wait(&a, TCT_S(20));
    assert_int_equal(a.why, TCT_WHY_RTO);
    a.peer.rcv_nxt = a.peer.irs + 1;
  }
  at_end(&a);
}

/* [RFC9293 MUST-29] */
static void first_probe_lost__second_answered__connection_lives(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  at_set(&a, TCT_OPT_KEEPINTVL_S, 3);
  expect_probe(&a, TCT_S(5));
  expect_probe(&a, TCT_S(3));
  AT_IN(&a, .len = 0);
  expect_probe(&a, TCT_S(5));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  at_end(&a);
}

static void all_probes_unanswered__count_set__resets_and_reports(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  at_set(&a, TCT_OPT_KEEPINTVL_S, 3);
  at_set(&a, TCT_OPT_KEEPCNT, 4);
  expect_probe(&a, TCT_S(5));
  for (unsigned i = 0; i < 3; i++)
    expect_probe(&a, TCT_S(3));
  const tct_seg *g = at_wait(&a, TCT_S(4));
  assert_true((g->flags & TCT_RST) != 0);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.err, TCT_ETIMEDOUT);
  assert_int_equal(a.closed_why, TCT_WHY_KEEPALIVE_TIMEOUT);
  at_end(&a);
}

/* [RFC9293 MAY-6] */
static void garbage_byte_asked_for__probe__carries_one_octet_of_the_past(void **state) {
  (void)state;
  struct at a;
  start(&a, true);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  at_set(&a, TCT_OPT_KEEP_GARBAGE, 1);
  expect_probe(&a, TCT_S(5));
  assert_int_equal(a.got.len, 1);
  AT_IN(&a, .len = 0);
  at_write(&a, 10); /* and it was not taken for data */
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 10);
  at_end(&a);
}

/* A peer whose keep-alive we answer, with timestamps, in CLOSE-WAIT too. */
static void peers_keepalive__each_state__is_answered(void **state) {
  (void)state;
  static const tct_state states[] = {TCT_ESTABLISHED, TCT_FIN_WAIT_2, TCT_CLOSE_WAIT};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(states); i++) {
    struct at a;
    at_start(&a, (struct at_how){.state = states[i], .strict = true, .ts = true});
    for (unsigned k = 0; k < 30; k++) { /* never rate-limited away */
      AT_IN(&a, .seq = -1, .len = k % 2, .ghost = true);
      at_is(&a, at_out(&a), TCT_ACK, 0, 0);
      at_quiet(&a);
    }
    at_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(fresh_connection__a_week_idle__nothing_is_sent),
      cmocka_unit_test(switched_on__preset_interval__is_two_hours),
      cmocka_unit_test(switched_off_again__probes__stop),
      cmocka_unit_test(one_of_two__switched_on__only_that_one_probes),
      cmocka_unit_test(interval_set__something_heard_just_before__probe_is_put_off),
      cmocka_unit_test(data_unacknowledged__interval_passes__data_goes_again_and_no_probe),
      cmocka_unit_test(first_probe_lost__second_answered__connection_lives),
      cmocka_unit_test(all_probes_unanswered__count_set__resets_and_reports),
      cmocka_unit_test(garbage_byte_asked_for__probe__carries_one_octet_of_the_past),
      cmocka_unit_test(peers_keepalive__each_state__is_answered),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
