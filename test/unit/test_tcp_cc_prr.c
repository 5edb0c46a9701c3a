/* SPDX-License-Identifier: MIT */
/* PRR's window as a pure function, with figures by hand, in segments and in bytes; and a whole
 * recovery of it. [RFC6937 3] [RFC9937 4] */
#include "test/lib/leaf.h"

static uint32_t window(struct tct_tcp_prr prr, struct tct_tcp_prr_in in) {
  return tct_tcp_cc_prr_window(&prr, &in);
}

/* ten out, ssthresh 7: of three delivered, ceil(7 * 3 / 10) = 3 may have gone */
static void pipe_above_ssthresh__window__sends_in_proportion(void **state) {
  (void)state;
  struct tct_tcp_prr prr = {.delivered = 3, .out = 1, .prior_cwnd = 10};
  struct tct_tcp_prr_in in = {.delivered = 1, .pipe = 8, .ssthresh = 7, .unit = 1};
  assert_int_equal(window(prr, in), 8 + 2);
  prr.out = 3;
  assert_int_equal(window(prr, in), 8);
  prr.out = 4; /* never less than nothing */
  assert_int_equal(window(prr, in), 8);
}

static void pipe_below_ssthresh__window__sends_what_arrived(void **state) {
  (void)state;
  struct tct_tcp_prr prr = {.delivered = 4, .out = 3, .prior_cwnd = 10};
  struct tct_tcp_prr_in in = {.delivered = 2, .pipe = 3, .ssthresh = 7, .unit = 1};
  assert_int_equal(window(prr, in), 3 + 2);
  in.safe = true; /* progress, no new loss: one more */
  assert_int_equal(window(prr, in), 3 + 3);
  in.pipe = 6; /* never beyond ssthresh */
  assert_int_equal(window(prr, in), 7);
  prr.out = 0;
  in.delivered = 1;
  in.safe = false;
  in.pipe = 1; /* what was not sent for earlier ACKs may still go */
  assert_int_equal(window(prr, in), 1 + 4);
}

static void nothing_sent_yet__window__lets_the_first_repair_go(void **state) {
  (void)state;
  struct tct_tcp_prr prr = {.delivered = 100, .out = 0, .prior_cwnd = 100000};
  struct tct_tcp_prr_in in = {.delivered = 100, .pipe = 90000, .ssthresh = 50000, .unit = 1000};
  assert_int_equal(window(prr, in), 91000);
  prr.prior_cwnd = 0; /* a begin without a window must not divide by it */
  assert_true(window(prr, in) >= 91000);
}

static void huge_figures__window__does_not_wrap(void **state) {
  (void)state;
  struct tct_tcp_prr prr = {.delivered = UINT32_MAX, .out = 1, .prior_cwnd = 1};
  struct tct_tcp_prr_in in = {.pipe = 1u << 30, .ssthresh = 1000, .unit = 1000};
  assert_int_equal(window(prr, in), UINT32_MAX); /* saturates */
  in.pipe = 10;
  in.delivered = UINT32_MAX;
  in.ssthresh = 1u << 30;
  assert_int_equal(window(prr, in), 1u << 30);
}

/* Each ACK of a loss-free rest delivers one segment: at the end ssthresh are out. */
static void whole_recovery__window__comes_to_ssthresh(void **state) {
  (void)state;
  struct tct_tcp_prr prr = {.prior_cwnd = 20};
  uint32_t pipe = 19, sent = 0; /* one of twenty is lost */
  for (unsigned ack = 0; ack < 19; ack++) {
    struct tct_tcp_prr_in in = {.delivered = 1, .pipe = --pipe, .ssthresh = 10, .unit = 1};
    prr.delivered++;
    uint32_t cwnd = tct_tcp_cc_prr_window(&prr, &in);
    while (pipe < cwnd) {
      pipe++;
      prr.out++;
      sent++;
    }
  }
  assert_int_equal(pipe, 10);
  assert_int_equal(sent, 10);
}

/* Through the door: LINUX counts segments, however small. */
static void begin_ack_end__linux__in_whole_segments(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.open |= TCT_OPEN_SACK;
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(&f, 1000);
  f.a.rec.phase = TCT_REC_FAST;
  tct_tcp_cc_prr_begin(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, 10000); /* not at once */
  uint32_t ssthresh = f.c.cc.ssthresh;
  assert_true(ssthresh >= 5000 && ssthresh < 10000);
  struct tct_tcp_ack ack = {.delivered_segs = 1, .delivered_bytes = 1000};
  assert_true(tct_tcp_cc_prr_on_ack(&f.s, &f.c, &ack));
  assert_int_equal(f.c.cc.cwnd % 1000, 0);
  f.a.rec.past.undo_on = true;
  tct_tcp_cc_prr_end(&f.s, &f.c);
  assert_int_equal(f.c.cc.cwnd, ssthresh);
  f.a.rec.phase = TCT_REC_OPEN;
  assert_false(tct_tcp_cc_prr_on_ack(&f.s, &f.c, &ack));
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(pipe_above_ssthresh__window__sends_in_proportion),
      cmocka_unit_test(pipe_below_ssthresh__window__sends_what_arrived),
      cmocka_unit_test(nothing_sent_yet__window__lets_the_first_repair_go),
      cmocka_unit_test(huge_figures__window__does_not_wrap),
      cmocka_unit_test(whole_recovery__window__comes_to_ssthresh),
      cmocka_unit_test(begin_ack_end__linux__in_whole_segments),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
