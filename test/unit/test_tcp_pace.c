/* SPDX-License-Identifier: MIT */
/* Pacing: Linux's rates, and that no clock loses any of them. */
#include "test/lib/leaf.h"

static void begin(struct leaf *f) {
  leaf_init(f, false);
  f->s.cfg.pacing = TCT_ON;
  f->s.cfg.pacing_ss_percent = 200;
  f->s.cfg.pacing_ca_percent = 120;
  f->c.rtt.srtt_us8 = 8 * 100000;
  f->a.pace.wake_at = TCT_NEVER;
}

/* 10 segments in 100 ms: twice that in slow start, 1.2 times once half of ssthresh is reached. */
static void rate__slow_start_and_avoidance__two_and_one_point_two(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  assert_int_equal(tct_tcp_pace_rate(&f.s, &f.c), 200000);
  f.c.cc.ssthresh = 20000;
  assert_int_equal(tct_tcp_pace_rate(&f.s, &f.c), 120000);
  f.x.max_pacing_rate = 50000;
  assert_int_equal(tct_tcp_pace_rate(&f.s, &f.c), 50000);
  leaf_end(&f);
}

static void off__nothing_is_held(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  f.s.cfg.pacing = TCT_OFF;
  for (unsigned i = 0; i < 100; i++) {
    assert_int_equal(tct_tcp_pace_not_before(&f.s, &f.c), 0);
    tct_tcp_pace_on_sent(&f.s, &f.c, 1000);
  }
  leaf_end(&f);
}

/* Bytes that leave within `span` when the clock moves in steps of `tick`. */
static uint64_t bytes_in(struct leaf *f, tct_time span, tct_time tick) {
  uint64_t sent = 0;
  tct_time until = f->s.now + span;
  leaf_queue(f, 1000000);
  while (f->s.now < until) {
    while (tct_tcp_pace_not_before(&f->s, &f->c) == 0) {
      tct_tcp_pace_on_sent(&f->s, &f->c, 1000);
      sent += 1000;
    }
    clock_set(&f->s, f->s.now + tick);
  }
  return sent;
}

/* 1 MB/s for 2 s, whatever the clock: within a quantum and one late tick. */
static void clock_resolutions__rate__is_kept(void **state) {
  (void)state;
  static const tct_time ticks[] = {TCT_US(1), TCT_US(10), TCT_MS(1), TCT_US(15600)};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(ticks); i++) {
    struct leaf f;
    begin(&f);
    f.x.max_pacing_rate = 1000000;
    f.c.rtt.srtt_us8 = 8 * 1000;
    uint64_t sent = bytes_in(&f, TCT_S(2), ticks[i]);
    assert_in_range(sent, 1980000, 2025000);
    leaf_end(&f);
  }
}

/* An application's silence is no credit: after it at most a quantum (2 ms here: two segments) and
 * the segment that crosses it. */
static void silence__no_credit_grows(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  f.x.max_pacing_rate = 1000000;
  f.c.rtt.srtt_us8 = 8 * 1000;
  (void)bytes_in(&f, TCT_MS(100), TCT_MS(1));
  tct_tcp_send_drop(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_S(10));
  tct_tcp_pace_on_burst_end(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_S(10));
  unsigned n = 0;
  while (tct_tcp_pace_not_before(&f.s, &f.c) == 0) {
    tct_tcp_pace_on_sent(&f.s, &f.c, 1000);
    n++;
  }
  assert_in_range(n, 2, 3);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(rate__slow_start_and_avoidance__two_and_one_point_two),
      cmocka_unit_test(off__nothing_is_held),
      cmocka_unit_test(clock_resolutions__rate__is_kept),
      cmocka_unit_test(silence__no_credit_grows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
