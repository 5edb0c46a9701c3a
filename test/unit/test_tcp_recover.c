/* SPDX-License-Identifier: MIT */
/* NewReno, phase by phase: third duplicate, partial ACKs, the end; time-outs; no second reaction.
 */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

static void ack(struct leaf *f, tct_seq upto) {
  struct tct_tcp_ack a = leaf_ack(f, upto, 65535);
  tct_tcp_recover_on_ack(&f->s, &f->c, &a);
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

static void flight_of(struct leaf *f, unsigned segments) {
  for (unsigned i = 0; i < segments; i++) {
    leaf_sent(f, 1000);
    clock_set(&f->s, f->s.now + TCT_MS(1));
  }
}

/* The plan's resend goes out. */
static tct_seq resend(struct leaf *f) {
  struct tct_tcp_plan p;
  tct_tcp_plan(&f->s, &f->c, &p);
  assert_true(p.resend);
  tct_tcp_recover_on_resent(&f->s, &f->c, p.seq, p.seq + p.len, p.why);
  return p.seq;
}

static bool has_loss(struct leaf *f) {
  return tct_tcp_sack_next_lost(&f->c) != NULL;
}

static void two_duplicates__nothing_is_lost(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 10);
  ack(&f, FIRST);
  ack(&f, FIRST);
  assert_false(has_loss(&f));
  assert_int_equal(f.a.rec.phase, TCT_REC_DISORDER);
  assert_int_equal(tct_tcp_recover_pipe(&f.c), 8000); /* RFC 3042: two more may go */
  leaf_end(&f);
}

/* RFC 5681 3.2: the first unacknowledged segment, at once, and half the flight. */
static void third_duplicate__first_segment__is_lost_and_window_halves(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 10);
  for (unsigned i = 0; i < 3; i++)
    ack(&f, FIRST);
  assert_int_equal(f.a.rec.phase, TCT_REC_FAST);
  assert_int_equal(f.a.runs.waiting_bytes, 1000);
  assert_int_equal(f.c.cc.ssthresh, 5000);
  assert_int_equal(resend(&f), FIRST);
  assert_false(has_loss(&f));
  assert_int_equal(f.s.n.TCPFastRetrans, 1);
  leaf_end(&f);
}

/* RFC 6582 3.2 step 3, partial: the next hole goes with no third duplicate of its own. */
static void partial_ack__next_hole__goes_and_recovery_stays(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 10);
  for (unsigned i = 0; i < 3; i++)
    ack(&f, FIRST);
  resend(&f);
  ack(&f, FIRST + 4000);
  assert_int_equal(f.a.rec.phase, TCT_REC_FAST);
  assert_int_equal(resend(&f), FIRST + 4000);
  ack(&f, FIRST + 7000);
  assert_int_equal(resend(&f), FIRST + 7000);
  assert_int_equal(f.c.cc.ssthresh, 5000); /* halved once for one window */
  leaf_end(&f);
}

/* RFC 6582 3.2 step 3, full: the window is the lesser of ssthresh and flight + 1, and growth
 * starts. */
static void full_ack__recovery__ends_without_a_burst(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 10);
  for (unsigned i = 0; i < 3; i++)
    ack(&f, FIRST);
  resend(&f);
  ack(&f, FIRST + 10000);
  assert_int_equal(f.a.rec.phase, TCT_REC_OPEN);
  assert_true(f.c.cc.cwnd <= 5000);
  assert_true(f.c.cc.cwnd >= 1000);
  assert_int_equal(f.a.rec.dupacks, 0);
  assert_int_equal(f.a.runs.waiting_bytes, 0);
  leaf_end(&f);
}

/* RFC 6582 3.2 step 1: duplicates for the window that was repaired start nothing. */
static void duplicates_below_recover__after_a_timeout__no_fast_retransmit(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 6);
  f.c.tmr.tries = 1;
  tct_tcp_recover_on_rto(&f.s, &f.c);
  resend(&f);
  ack(&f, FIRST + 1000);
  for (unsigned i = 0; i < 5; i++)
    ack(&f, FIRST + 1000);
  assert_int_equal(f.s.n.TCPFastRetrans, 0);
  assert_int_equal(f.a.rec.phase, TCT_REC_RTO);
  leaf_end(&f);
}

/* [RFC9293 EP-43] [RFC9293 MUST-19] */
static void timeout__all_outstanding__is_lost_and_lowest_goes_first(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 8);
  f.c.tmr.tries = 1;
  tct_tcp_recover_on_rto(&f.s, &f.c);
  assert_int_equal(f.a.runs.waiting_bytes, 8000);
  assert_int_equal(tct_tcp_recover_pipe(&f.c), 0);
  assert_int_equal(f.c.cc.cwnd, 1000);
  assert_int_equal(f.c.cc.ssthresh, 4000);
  assert_int_equal(resend(&f), FIRST);
  struct tct_tcp_plan p;
  tct_tcp_plan(&f.s, &f.c, &p);
  assert_int_equal(p.why, TCT_WHY_NONE); /* cwnd is one segment */
  leaf_end(&f);
}

/* RFC 5681 3.1 (4): ssthresh falls once for a window, however often its time-out comes. */
static void second_timeout_of_a_series__ssthresh__stays(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 8);
  f.c.tmr.tries = 1;
  tct_tcp_recover_on_rto(&f.s, &f.c);
  resend(&f);
  f.c.tmr.tries = 2;
  tct_tcp_recover_on_rto(&f.s, &f.c);
  assert_int_equal(f.c.cc.ssthresh, 4000);
  assert_int_equal(f.a.runs.waiting_bytes, 8000);
  leaf_end(&f);
}

static void more_duplicates_than_segments__pipe__never_counts_them(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 4);
  for (unsigned i = 0; i < 1000; i++)
    ack(&f, FIRST);
  assert_true(f.a.rec.dupacks <= 4); /* Savage 1999 */
  assert_int_equal(tct_tcp_recover_pipe(&f.c), 0);
  leaf_end(&f);
}

/* [RFC4015 3.2] Acknowledged before anything went again: the time-out was false. */
static void lost_then_acknowledged_before_the_resend__time_out__is_undone(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 5);
  f.c.tmr.tries = 1;
  tct_tcp_recover_on_rto(&f.s, &f.c);
  assert_int_equal(f.a.runs.waiting_bytes, 5000);
  assert_int_equal(f.c.cc.cwnd, 1000);
  ack(&f, FIRST + 2500); /* the time-out was too early */
  assert_int_equal(f.a.runs.waiting_bytes, 0);
  assert_int_equal(f.a.runs.lost.segs, 0);
  assert_true(f.c.cc.cwnd >= 10000);
  assert_int_equal(f.s.n.TCPLossUndo, 1);
  ack(&f, FIRST + 5000);
  assert_int_equal(f.a.runs.all.bytes, 0);
  leaf_end(&f);
}

/* RFC 8201 5.4 [RFC9293 EP-51]: too large pieces go again in smaller ones, and no window shrinks.
 */
static void smaller_path_mtu__large_segments__are_lost_but_no_congestion(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  flight_of(&f, 3);
  leaf_sent(&f, 300);
  f.c.snd.mss = 500;
  tct_tcp_recover_on_mtu(&f.s, &f.c);
  assert_int_equal(f.a.runs.waiting_bytes, 3000);
  assert_int_equal(f.c.cc.cwnd, 10000);
  struct tct_tcp_plan p;
  tct_tcp_plan(&f.s, &f.c, &p);
  assert_int_equal(p.why, TCT_WHY_MTU_REDUCED);
  assert_int_equal(p.len, 500);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(two_duplicates__nothing_is_lost),
      cmocka_unit_test(third_duplicate__first_segment__is_lost_and_window_halves),
      cmocka_unit_test(partial_ack__next_hole__goes_and_recovery_stays),
      cmocka_unit_test(full_ack__recovery__ends_without_a_burst),
      cmocka_unit_test(duplicates_below_recover__after_a_timeout__no_fast_retransmit),
      cmocka_unit_test(timeout__all_outstanding__is_lost_and_lowest_goes_first),
      cmocka_unit_test(second_timeout_of_a_series__ssthresh__stays),
      cmocka_unit_test(more_duplicates_than_segments__pipe__never_counts_them),
      cmocka_unit_test(lost_then_acknowledged_before_the_resend__time_out__is_undone),
      cmocka_unit_test(smaller_path_mtu__large_segments__are_lost_but_no_congestion),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
