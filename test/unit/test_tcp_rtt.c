/* SPDX-License-Identifier: MIT */
/* Round-trip time and time-out against numbers worked by hand from RFC 6298. */
#include "test/lib/leaf.h"

static double rto_ms(struct leaf *f) {
  return (double)tct_tcp_rtt_rto_ns(&f->s, &f->c) / 1e6;
}

static void near_ms(double is, double want) {
  if (is < want - 0.01 || is > want + 0.01)
    fail_msg("%.4f ms instead of %.4f ms", is, want);
}

/* RFC 6298 2.1 */
static void no_sample__rto__is_one_second(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  near_ms(rto_ms(&f), 1000);
  leaf_end(&f);
}

/* [RFC9293 MUST-18] RFC 6298 2.2, 2.3: R = 1000, 500, 1000 ms. */
static void three_samples__srtt_rttvar_rto__as_worked_by_hand(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(1000));
  near_ms(rto_ms(&f), 3000); /* 1000 + 4 * 500 */
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(500));
  near_ms(rto_ms(&f), 2937.5); /* 937.5 + 4 * 500 */
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(1000));
  near_ms(rto_ms(&f), 2507.8125); /* 945.3125 + 4 * 390.625 */
  assert_int_equal(f.c.rtt.min_us, 500000);
  leaf_end(&f);
}

static void steady_samples__rto__sinks_to_the_floor_of_one_second(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  for (unsigned i = 0; i < 200; i++)
    tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(100));
  near_ms(rto_ms(&f), 1000); /* RFC 6298 2.4 */
  near_ms(f.c.rtt.srtt_us8 / 8000.0, 100);
  leaf_end(&f);
}

/* Linux: srtt + max(4 * rttvar, 200 ms). */
static void linux_profile__steady_samples__floor_is_under_the_variance(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(100));
  near_ms(rto_ms(&f), 300); /* 100 + 4 * 50 */
  for (unsigned i = 0; i < 200; i++)
    tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(100));
  near_ms(rto_ms(&f), 300); /* 100 + 200 */
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(900));
  near_ms(rto_ms(&f), 1000); /* 200 + 4 * 200 */
  leaf_end(&f);
}

/* [RFC9293 MUST-19] RFC 6298 5.5: doubled, up to the maximum. */
static void expiries__rto__doubles_up_to_the_maximum(void **state) {
  (void)state;
  struct leaf f;
  static const double want[] = {1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000};
  leaf_init(&f, true);
  for (unsigned i = 0; i < TCT_ARRAY_LEN(want); i++) {
    f.c.tmr.backoff = (uint8_t)i;
    near_ms(rto_ms(&f), want[i]);
  }
  f.c.tmr.backoff = 255;
  near_ms(rto_ms(&f), 60000);
  leaf_end(&f);
}

/* RFC 6298 5.7: 3 s for data when the SYN went twice; the SYN itself starts at 1 s. */
static void syn_was_lost__rto_of_data__starts_at_three_seconds(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open = TCT_OPEN_SYN_LOST;
  near_ms(rto_ms(&f), 1000);
  f.c.open |= TCT_OPEN_CONNECTED;
  near_ms(rto_ms(&f), 3000);
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(400));
  near_ms(rto_ms(&f), 1200);
  leaf_end(&f);
}

static void extreme_samples__estimate__stays_sane(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_rtt_sample(&f.s, &f.c, 0); /* on one machine */
  assert_int_equal(f.c.rtt.min_us, 1);
  near_ms(rto_ms(&f), 1000);
  for (unsigned i = 0; i < 100; i++)
    tct_tcp_rtt_sample(&f.s, &f.c, i % 2 != 0 ? 0 : UINT64_MAX);
  near_ms(rto_ms(&f), 60000);
  for (unsigned i = 0; i < 1000; i++)
    tct_tcp_rtt_sample(&f.s, &f.c, TCT_US(1));
  near_ms(rto_ms(&f), 1000);
  assert_true(f.c.rtt.srtt_us8 >= 8);
  leaf_end(&f);
}

/* The path became longer: the least of old is forgotten after five minutes, not before, and not all
 * at once if it came closer in steps. */
static void path_became_longer__five_minutes__least_follows(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(20));
  for (unsigned i = 0; i < 299; i++) {
    clock_set(&f.s, f.s.now + TCT_S(1));
    tct_tcp_rtt_sample(&f.s, &f.c, i < 200 ? TCT_MS(50) : TCT_MS(80));
    assert_int_equal(f.c.rtt.min_us, 20000);
  }
  clock_set(&f.s, f.s.now + TCT_S(2));
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(80));
  assert_int_equal(f.c.rtt.min_us, 50000);
  clock_set(&f.s, f.s.now + TCT_S(301));
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(80));
  assert_int_equal(f.c.rtt.min_us, 80000);
  tct_tcp_rtt_sample(&f.s, &f.c, TCT_MS(10));
  assert_int_equal(f.c.rtt.min_us, 10000);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_sample__rto__is_one_second),
      cmocka_unit_test(three_samples__srtt_rttvar_rto__as_worked_by_hand),
      cmocka_unit_test(steady_samples__rto__sinks_to_the_floor_of_one_second),
      cmocka_unit_test(linux_profile__steady_samples__floor_is_under_the_variance),
      cmocka_unit_test(expiries__rto__doubles_up_to_the_maximum),
      cmocka_unit_test(syn_was_lost__rto_of_data__starts_at_three_seconds),
      cmocka_unit_test(extreme_samples__estimate__stays_sane),
      cmocka_unit_test(path_became_longer__five_minutes__least_follows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
