/* SPDX-License-Identifier: MIT */
/* Congestion control: initial window, slow start, avoidance, what does not grow it, idle restart.
 */
#include "test/lib/leaf.h"

static struct tct_tcp_ack acked(uint32_t bytes) {
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  a.acked_bytes = bytes;
  a.delivered_segs = bytes / 1000;
  a.advanced = true;
  a.rtt_ns = TCT_NEVER;
  return a;
}

/* An ACK while the window was the limit. */
static void on_ack(struct leaf *f, uint32_t bytes) {
  struct tct_tcp_ack a = acked(bytes);
  f->a.cc.limited = true;
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

static void end(struct leaf *f) {
  tct_tcp_cc_drop(&f->s, &f->x);
  leaf_end(f);
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

/* RFC 5681 3.1: one segment, and a segment's bytes are those without its options. A lone FIN has no
 * active block where memory was short, so nothing else corrects it. */
static void time_out__timestamps__window_is_one_segment_without_its_options(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_TS;
  tct_tcp_cc_on_rto(&f.s, &f.c, 5000);
  assert_int_equal(f.c.cc.cwnd, 988);
  f.c.open |= TCT_OPEN_SYN_LOST;
  tct_tcp_cc_init(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 988);
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
  tct_tcp_cc_on_ack(&f.s, &f.c, &a);
  assert_int_equal(f.c.cc.cwnd, 10000);
  leaf_sent(&f, 1000);
  tct_tcp_cc_on_burst_end(&f.s, &f.c);
  assert_false(tct_tcp_cc_is_limited(&f.c));
  for (unsigned i = 0; i < 9; i++)
    leaf_sent(&f, 1000);
  tct_tcp_cc_on_burst_end(&f.s, &f.c);
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
  clock_set(&f.s, f.s.now + TCT_MS(900));
  tct_tcp_cc_on_idle(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 50000);
  clock_set(&f.s, f.s.now + TCT_MS(200));
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

/* ---- The LINUX profile counts segments; the figures are those of its sources' rules by hand ----
 */

/* Slow start up to ssthresh exactly, the rest of the ACK counts towards avoidance. */
static void linux_reno__ack_across_ssthresh__rest_counts_for_avoidance(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.ssthresh = 12000;
  on_ack(&f, 5000);
  assert_int_equal(f.c.cc.cwnd, 12000);
  assert_int_equal(f.x.cc.acked_segs, 3);
  on_ack(&f, 9000);
  assert_int_equal(f.c.cc.cwnd, 13000);
  assert_int_equal(f.x.cc.acked_segs, 0);
  end(&f);
}

/* Not flight but window is halved. */
static void linux_reno__loss__halves_the_window(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.cwnd = 11000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 3000);
  assert_int_equal(f.c.cc.ssthresh, 5000);
  end(&f);
}

/* Ten segments of any size, options taken off. */
static void linux__initial_window__is_ten_segments(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.snd.mss = 8960;
  f.c.open |= TCT_OPEN_TS;
  tct_tcp_cc_init(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 89480);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  end(&f);
}

/* Half for each RTO of silence beyond the first, not below the initial window; ssthresh keeps three
 * quarters. RTO is 1 s: 900 ms nothing, 3.5 s halve 80 to 20 (2.5 RTOs: thrice, but 80 40 20). */
static void linux__idle__halves_for_each_rto(void **state) {
  (void)state;
  static const struct {
    uint32_t idle_ms, cwnd, want, ssthresh;
  } rows[] = {{900, 80000, 80000, 0x7fffffff >> 1},
              {1001, 80000, 40000, 0x7fffffff >> 1},
              {2500, 80000, 20000, 0x7fffffff >> 1},
              {30000, 80000, 10000, 0x7fffffff >> 1},
              {30000, 5000, 5000, 0x7fffffff >> 1}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct leaf f;
    leaf_init(&f, false);
    leaf_sent(&f, 1000);
    (void)leaf_ack(&f, f.c.snd.nxt, 65535);
    f.c.cc.cwnd = rows[i].cwnd;
    f.c.cc.ssthresh = 20000;
    clock_set(&f.s, f.s.now + TCT_MS(rows[i].idle_ms));
    tct_tcp_cc_on_idle(&f.s, &f.c);
    assert_int_equal(f.c.cc.cwnd, rows[i].want);
    if (i > 0)
      assert_int_equal(f.c.cc.ssthresh, tct_max_u32(20000, rows[i].cwnd / 4 * 3));
    f.s.cfg.slow_start_after_idle = TCT_OFF;
    f.c.cc.cwnd = rows[i].cwnd;
    tct_tcp_cc_on_idle(&f.s, &f.c);
    assert_int_equal(f.c.cc.cwnd, rows[i].cwnd);
    end(&f);
  }
}

/* An application that uses 12 of 40 segments for an RTO: (40 + 12) / 2. */
static void unused_window__after_an_rto__is_half_given_back(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.cwnd = 40000;
  f.c.cc.ssthresh = 20000;
  f.x.cc.stamp_ms = tct_time_ms32(f.s.now);
  for (unsigned i = 0; i < 12; i++)
    leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(999));
  tct_tcp_cc_on_burst_end(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 40000);
  clock_set(&f.s, f.s.now + TCT_MS(1));
  f.a.cc.sent = true;
  tct_tcp_cc_on_burst_end(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 26000);
  assert_int_equal(f.c.cc.ssthresh, 30000);
  end(&f);
}

/* RFC 4015 3.2: back to what was, and never down. */
static void undo__window_and_ssthresh__are_what_they_were(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.cwnd = 20000;
  tct_tcp_cc_on_rto(&f.s, &f.c, 20000);
  assert_int_equal(f.c.cc.cwnd, 1000);
  assert_int_equal(f.c.cc.ssthresh, 10000);
  tct_tcp_cc_on_undo(&f.s, &f.c, 20000, 0x7fffffff);
  assert_int_equal(f.c.cc.cwnd, 20000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  end(&f);
}

/* The path's segments shrank: as many as before. */
static void linux__mss_changes__segments_stay(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.cc.ssthresh = 7000;
  f.c.snd.mss = 500;
  tct_tcp_cc_on_mss(&f.s, &f.c, 1000);
  assert_int_equal(f.c.cc.cwnd, 5000);
  assert_int_equal(f.c.cc.ssthresh, 3500);
  end(&f);
}

static void unknown_algorithm__choose__is_refused(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  assert_int_equal(tct_tcp_cc_choose(&f.s, &f.c, (tct_cc)77), TCT_ENOENT);
  assert_int_equal(tct_tcp_cc_choose(&f.s, &f.c, TCT_CC_CUBIC), TCT_OK);
  assert_int_equal(tct_tcp_cc_algorithm(&f.s, &f.c), TCT_CC_CUBIC);
  end(&f);
}

/* No memory for the algorithm's record (a large one: small ones have their room): NewReno's growth
 * and halving. */
static void bbr__no_memory__is_newreno(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.s.cfg.congestion = TCT_CC_BBR;
  failing_alloc_fail_nth(&f.mem, 1);
  f.c.cc.ssthresh = 10000;
  on_ack(&f, 10000);
  assert_int_equal(f.c.cc.cwnd, 11000);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(initial_window__by_mss__is_rfc_6928s),
      cmocka_unit_test(syn_was_lost__initial_window__is_one_segment),
      cmocka_unit_test(time_out__timestamps__window_is_one_segment_without_its_options),
      cmocka_unit_test(slow_start__acks__double_the_window_in_a_round_trip),
      cmocka_unit_test(avoidance__a_windowful_of_acks__adds_one_segment),
      cmocka_unit_test(ack_division__avoidance_and_slow_start__count_bytes),
      cmocka_unit_test(window_not_used__acks__do_not_grow_it),
      cmocka_unit_test(fast_recovery__acks__leave_the_window),
      cmocka_unit_test(small_flight__loss__ssthresh_is_two_segments),
      cmocka_unit_test(idle_longer_than_rto__window__restarts_but_never_grows),
      cmocka_unit_test(endless_acks__window__stays_below_its_bound),
      cmocka_unit_test(linux_reno__ack_across_ssthresh__rest_counts_for_avoidance),
      cmocka_unit_test(linux_reno__loss__halves_the_window),
      cmocka_unit_test(linux__initial_window__is_ten_segments),
      cmocka_unit_test(linux__idle__halves_for_each_rto),
      cmocka_unit_test(unused_window__after_an_rto__is_half_given_back),
      cmocka_unit_test(undo__window_and_ssthresh__are_what_they_were),
      cmocka_unit_test(linux__mss_changes__segments_stay),
      cmocka_unit_test(unknown_algorithm__choose__is_refused),
      cmocka_unit_test(bbr__no_memory__is_newreno),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
