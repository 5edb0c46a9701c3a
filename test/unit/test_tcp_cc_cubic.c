/* SPDX-License-Identifier: MIT */
/* CUBIC: the curve, the cut, fast convergence, the Reno-friendly region; HyStart and HyStart++. The
 * figures were computed by hand from RFC 9438's formulas. */
#include "tcp/tcp_cc.h"
#include "test/lib/leaf.h"

static void begin(struct leaf *f, bool strict) {
  leaf_init(f, strict);
  f->s.cfg.congestion = TCT_CC_CUBIC;
  f->a.cc.limited = true;
}

static void end(struct leaf *f) {
  tct_tcp_cc_drop(&f->s, &f->x);
  leaf_end(f);
}

static void on_ack(struct leaf *f, uint32_t segs, uint64_t rtt_ns) {
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  a.acked_bytes = segs * 1000;
  a.delivered_segs = segs;
  a.advanced = true;
  a.rtt_ns = rtt_ns;
  a.last_at = TCT_NEVER;
  a.sacked_last_at = TCT_NEVER;
  tct_tcp_cc_on_news(&f->s, &f->c, &a);
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

/* A round trip of 100 ms whose ACKs come in ten equal steps. */
static void round_trip(struct leaf *f) {
  uint32_t segs = tct_tcp_cc_segs(&f->s, &f->c);
  for (unsigned i = 0; i < 10; i++) {
    clock_set(&f->s, f->s.now + TCT_MS(10));
    on_ack(f, segs * (i + 1) / 10 - segs * i / 10, TCT_NEVER);
  }
}

static uint32_t segs_of(const struct leaf *f) {
  return tct_tcp_cc_segs(&f->s, &f->c);
}

/* RFC 9438 4.6: 0.7; Linux's 717/1024 of 100 is 70.02. */
static void loss__cut__is_seven_tenths(void **state) {
  (void)state;
  for (int strict = 0; strict < 2; strict++) {
    struct leaf f;
    begin(&f, strict != 0);
    f.c.cc.cwnd = 100000;
    tct_tcp_cc_on_loss(&f.s, &f.c, 100000);
    assert_int_equal(f.c.cc.ssthresh, 70000);
    f.c.cc.cwnd = 2000;
    tct_tcp_cc_on_loss(&f.s, &f.c, 2000);
    assert_int_equal(f.c.cc.ssthresh, 2000);
    end(&f);
  }
}

/* W_max 100, cut to 70: K = cubic root of 30 / 0.4 = 4.217 s. At K the window is W_max again; the
 * curve is flat there: at K + 1 s, 0.4 segments more. */
static void after_loss__curve__is_back_at_k(void **state) {
  (void)state;
  for (int strict = 0; strict < 2; strict++) {
    struct leaf f;
    begin(&f, strict != 0);
    f.c.cc.cwnd = 100000;
    tct_tcp_cc_on_loss(&f.s, &f.c, 100000);
    for (unsigned i = 0; i < 20; i++) /* 2 s: 100 - 0.4 * 2.217^3 = 95.6 */
      round_trip(&f);
    assert_in_range(segs_of(&f), 93, 96);
    for (unsigned i = 0; i < 22; i++)
      round_trip(&f);
    assert_in_range(segs_of(&f), 98, 100);
    for (unsigned i = 0; i < 50; i++) /* K + 5 s: 100 + 0.4 * 125 = 150 */
      round_trip(&f);
    assert_in_range(segs_of(&f), 145, 151);
    end(&f);
  }
}

/* RFC 9438 4.7: the second loss at 80, below 100: W_max = 80 * (1 + 0.7) / 2 = 68, so that the
 * curve's plateau is there: from 56 on, K = cubic root of 12 / 0.4 = 3.1 s. */
static void loss_below_maximum__fast_convergence__lowers_the_plateau(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.c.cc.cwnd = 100000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 100000);
  f.c.cc.cwnd = 80000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 80000);
  assert_int_equal(f.c.cc.ssthresh, 56000);
  for (unsigned i = 0; i < 31; i++)
    round_trip(&f);
  assert_in_range(segs_of(&f), 66, 72); /* without it: 79 */
  end(&f);
}

/* RFC 9438 4.3: a small window over a short path follows NewReno's line: alpha = 9/17 segments a
 * round trip. From 7 after 10: 100 round trips, 53 segments more; the cubic of 10 s would give 8.
 */
static void short_path__reno_friendly__keeps_up_with_newreno(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.c.cc.cwnd = 10000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 10000);
  assert_int_equal(f.c.cc.ssthresh, 7000);
  for (unsigned i = 0; i < 100; i++) {
    clock_set(&f.s, f.s.now + TCT_MS(2));
    on_ack(&f, segs_of(&f), TCT_NEVER);
  }
  assert_in_range(segs_of(&f), 45, 62);
  end(&f);
}

/* RFC 9438 5.8: an hour of silence is no growth. */
static void idle__next_data__curve_goes_on_where_it_stood(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.s.cfg.slow_start_after_idle = TCT_OFF;
  f.c.cc.cwnd = 100000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 100000);
  for (unsigned i = 0; i < 20; i++)
    round_trip(&f);
  uint32_t before = segs_of(&f);
  f.c.sent_ms = tct_time_ms32(f.s.now);
  clock_set(&f.s, f.s.now + TCT_S(3600));
  tct_tcp_cc_on_start(&f.s, &f.c);
  round_trip(&f);
  assert_in_range(segs_of(&f), before, before + 2);
  end(&f);
}

/* Before the first loss Linux grows at least 5 % a round trip. */
static void no_loss_yet__avoidance__grows_a_twentieth_a_round_trip(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.c.cc.cwnd = 200000;
  f.c.cc.ssthresh = 100000;
  round_trip(&f);
  assert_in_range(segs_of(&f), 209, 211);
  end(&f);
}

/* ---- HyStart --------------------------------------------------------------------------------- */

/* A round: all that is out is acknowledged by `acks` ACKs, gap_us apart, each with that delay. */
static void hystart_round(struct leaf *f, uint32_t acks, uint32_t gap_us, uint32_t rtt_us) {
  f->c.snd.una = f->c.snd.nxt;
  f->c.snd.nxt += 100000;
  f->c.snd.una += 1;
  for (uint32_t i = 0; i < acks; i++) {
    clock_set(&f->s, f->s.now + TCT_US(gap_us));
    on_ack(f, 1, TCT_US(rtt_us));
  }
}

/* Least ever 100 ms: threshold 12.5 ms (an eighth). Eight samples are taken, the ninth decides. */
static void linux_hystart__delay_up_by_an_eighth__slow_start_ends(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.c.cc.cwnd = 20000;
  hystart_round(&f, 10, 3000, 100000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  hystart_round(&f, 10, 3000, 112000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  hystart_round(&f, 8, 3000, 113000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  uint32_t cwnd = f.c.cc.cwnd;
  clock_set(&f.s, f.s.now + TCT_MS(3));
  on_ack(&f, 1, TCT_US(113000));
  assert_int_equal(f.c.cc.ssthresh, cwnd);
  end(&f);
}

/* ACKs at most 2 ms apart for longer than half of the least delay. */
static void linux_hystart__ack_train__slow_start_ends(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  f.c.cc.cwnd = 20000;
  hystart_round(&f, 24, 2000, 100000); /* 48 ms */
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  hystart_round(&f, 24, 2001, 100000); /* one gap too wide, and the train is over */
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  hystart_round(&f, 28, 2000, 100000); /* 54 ms after its first: beyond (100 + 1) / 2 */
  assert_true(f.c.cc.ssthresh < 0x7fffffff);
  end(&f);
}

static void linux_hystart__below_sixteen_segments__is_blind(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, false);
  hystart_round(&f, 5, 3000, 100000);
  f.c.cc.cwnd = 5000;
  hystart_round(&f, 10, 3000, 200000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  end(&f);
}

/* RFC 9406 4.2: up by an eighth, then five rounds at a quarter of the growth; up all the time:
 * leave. */
static void hystart_plus__delay_stays_up__leaves_after_five_rounds(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, true);
  hystart_round(&f, 10, 1000, 100000);
  hystart_round(&f, 10, 1000, 100000);
  uint32_t before = f.c.cc.cwnd;
  hystart_round(&f, 8, 1000, 120000); /* the eighth sample enters conservative slow start */
  assert_int_equal(f.c.cc.cwnd, before + 7000);
  before = f.c.cc.cwnd;
  hystart_round(&f, 8, 1000, 120000);
  assert_int_equal(f.c.cc.cwnd, before + 2000);
  for (unsigned i = 0; i < 3; i++)
    hystart_round(&f, 8, 1000, 120000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  hystart_round(&f, 8, 1000, 120000);
  assert_true(f.c.cc.ssthresh < 0x7fffffff);
  end(&f);
}

/* RFC 9406 4.2: below the baseline again: it was jitter, on with slow start. */
static void hystart_plus__delay_falls_back__slow_start_goes_on(void **state) {
  (void)state;
  struct leaf f;
  begin(&f, true);
  hystart_round(&f, 10, 1000, 100000);
  hystart_round(&f, 10, 1000, 100000);
  hystart_round(&f, 8, 1000, 120000);
  hystart_round(&f, 8, 1000, 100000);
  uint32_t before = f.c.cc.cwnd;
  hystart_round(&f, 8, 1000, 100000);
  assert_int_equal(f.c.cc.cwnd, before + 8000);
  for (unsigned i = 0; i < 10; i++)
    hystart_round(&f, 8, 1000, 100000);
  assert_int_equal(f.c.cc.ssthresh, 0x7fffffff);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(loss__cut__is_seven_tenths),
      cmocka_unit_test(after_loss__curve__is_back_at_k),
      cmocka_unit_test(loss_below_maximum__fast_convergence__lowers_the_plateau),
      cmocka_unit_test(short_path__reno_friendly__keeps_up_with_newreno),
      cmocka_unit_test(idle__next_data__curve_goes_on_where_it_stood),
      cmocka_unit_test(no_loss_yet__avoidance__grows_a_twentieth_a_round_trip),
      cmocka_unit_test(linux_hystart__delay_up_by_an_eighth__slow_start_ends),
      cmocka_unit_test(linux_hystart__ack_train__slow_start_ends),
      cmocka_unit_test(linux_hystart__below_sixteen_segments__is_blind),
      cmocka_unit_test(hystart_plus__delay_stays_up__leaves_after_five_rounds),
      cmocka_unit_test(hystart_plus__delay_falls_back__slow_start_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
