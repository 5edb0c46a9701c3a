/* SPDX-License-Identifier: MIT */
/* Congestion control: initial window, slow start, avoidance, what does not grow it, idle restart.
 */
#include "test/lib/leaf.h"

static struct tct_tcp_ack acked(uint32_t bytes) {
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  a.acked_bytes = bytes;
  a.advanced = true;
  a.was_cwnd_limited = true;
  a.rtt_ns = TCT_NEVER;
  return a;
}

static void on_ack(struct leaf *f, uint32_t bytes) {
  struct tct_tcp_ack a = acked(bytes);
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

/* RFC 6928 2: min(10 * MSS, max(2 * MSS, 14600)). */
static void initial_window__by_mss__is_rfc_6928s(void **state) {
  (void)state;
  static const struct {
    uint16_t mss;
    uint32_t want;
  } rows[] = {{536, 5360}, {1000, 10000}, {1460, 14600}, {2000, 14600}, {9000, 18000}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct leaf f;
    leaf_init(&f, true);
    f.c.snd.mss = rows[i].mss;
    tct_tcp_cc_init(&f.s, &f.c);
    assert_int_equal(f.c.cc.cwnd, rows[i].want);
    leaf_end(&f);
  }
}

/* RFC 5681 3.1: a lost SYN means one segment. */
static void syn_was_lost__initial_window__is_one_segment(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SYN_LOST;
  tct_tcp_cc_init(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 1000);
  leaf_end(&f);
}

/* [RFC9293 MUST-19] Each acknowledged byte is one more, two segments an ACK at the most (RFC 3465).
 */
static void slow_start__acks__double_the_window_in_a_round_trip(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  for (unsigned i = 0; i < 10; i++)
    on_ack(&f, 1000);
  assert_int_equal(f.c.cc.cwnd, 20000);
  on_ack(&f, 50000);
  assert_int_equal(f.c.cc.cwnd, 22000);
  leaf_end(&f);
}

/* [RFC9293 MUST-19] */
static void avoidance__a_windowful_of_acks__adds_one_segment(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.cc.ssthresh = 5000;
  for (unsigned i = 0; i < 9; i++)
    on_ack(&f, 1000);
  assert_int_equal(f.c.cc.cwnd, 10000);
  on_ack(&f, 1000);
  assert_int_equal(f.c.cc.cwnd, 11000);
  leaf_end(&f);
}

/* Savage 1999: many ACKs for the same bytes gain nothing. */
static void ack_division__avoidance_and_slow_start__count_bytes(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  for (unsigned i = 0; i < 1000; i++)
    on_ack(&f, 1);
  assert_int_equal(f.c.cc.cwnd, 11000);
  leaf_end(&f);
}

static void window_not_used__acks__do_not_grow_it(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  struct tct_tcp_ack a = acked(1000);
  a.was_cwnd_limited = false;
  tct_tcp_cc_on_ack(&f.s, &f.c, &a);
  assert_int_equal(f.c.cc.cwnd, 10000);
  leaf_sent(&f, 1000);
  assert_false(tct_tcp_cc_is_limited(&f.c));
  for (unsigned i = 0; i < 9; i++)
    leaf_sent(&f, 1000);
  assert_true(tct_tcp_cc_is_limited(&f.c));
  leaf_end(&f);
}

static void fast_recovery__acks__leave_the_window(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.a.rec.phase = TCT_REC_FAST;
  on_ack(&f, 1000);
  assert_int_equal(f.c.cc.cwnd, 10000);
  leaf_end(&f);
}

/* RFC 5681 (4): max(FlightSize / 2, 2 * SMSS). */
static void small_flight__loss__ssthresh_is_two_segments(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_cc_on_loss(&f.s, &f.c, 3000);
  assert_int_equal(f.c.cc.ssthresh, 2000);
  tct_tcp_cc_on_rto(&f.s, &f.c, 1000);
  assert_int_equal(f.c.cc.ssthresh, 2000);
  assert_int_equal(f.c.cc.cwnd, 1000);
  leaf_end(&f);
}

/* RFC 5681 4.1 */
static void idle_longer_than_rto__window__restarts_but_never_grows(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_sent(&f, 1000);
  (void)leaf_ack(&f, f.c.snd.nxt, 65535);
  f.c.cc.cwnd = 50000;
  f.s.now += TCT_MS(900);
  tct_tcp_cc_on_idle(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 50000);
  f.s.now += TCT_MS(200);
  tct_tcp_cc_on_idle(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 10000);
  f.c.cc.cwnd = 3000;
  tct_tcp_cc_on_idle(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 3000);
  leaf_end(&f);
}

static void endless_acks__window__stays_below_its_bound(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.ssthresh = UINT32_MAX;
  for (unsigned i = 0; i < 64; i++)
    on_ack(&f, 1u << 29);
  assert_int_equal(f.c.cc.cwnd, 1u << 30);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initial_window__by_mss__is_rfc_6928s),
      cmocka_unit_test(syn_was_lost__initial_window__is_one_segment),
      cmocka_unit_test(slow_start__acks__double_the_window_in_a_round_trip),
      cmocka_unit_test(avoidance__a_windowful_of_acks__adds_one_segment),
      cmocka_unit_test(ack_division__avoidance_and_slow_start__count_bytes),
      cmocka_unit_test(window_not_used__acks__do_not_grow_it),
      cmocka_unit_test(fast_recovery__acks__leave_the_window),
      cmocka_unit_test(small_flight__loss__ssthresh_is_two_segments),
      cmocka_unit_test(idle_longer_than_rto__window__restarts_but_never_grows),
      cmocka_unit_test(endless_acks__window__stays_below_its_bound),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
