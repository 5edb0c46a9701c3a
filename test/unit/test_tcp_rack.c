/* SPDX-License-Identifier: MIT */
/* RACK by itself: which runs are lost, how long to wait for the others; the window for reordering
 * and what teaches it; RFC 6675's rule where RACK is off. [RFC8985 6.2] [RFC6675 4] */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

static void start(struct leaf *f) {
  leaf_init(f, false);
  f->c.open |= TCT_OPEN_SACK;
  f->c.rtt.srtt_us8 = 8 * 100000;
  f->c.rtt.min_us = 100000;
}

/* n segments, a millisecond apart */
static void flight_of(struct leaf *f, unsigned n) {
  for (unsigned i = 0; i < n; i++) {
    leaf_sent(f, 1000);
    clock_set(&f->s, f->s.now + TCT_MS(1));
  }
}

/* [begin, end) in segments is SACKed now. */
static void sack(struct leaf *f, unsigned begin, unsigned end) {
  struct tct_tcp_hdr h;
  struct tct_tcp_ack a;
  memset(&h, 0, sizeof h);
  memset(&a, 0, sizeof a);
  a.at = f->s.now;
  a.ack = h.ack = f->c.snd.una;
  a.sacked_first_at = TCT_NEVER;
  h.opt.n_sack = 1;
  h.opt.sack[0].begin = FIRST + begin * 1000;
  h.opt.sack[0].end = FIRST + end * 1000;
  tct_tcp_blocks_on_ack(&f->s, &f->c, &h, &a);
}

static uint32_t lost(const struct leaf *f) {
  return f->a.runs.lost.segs;
}

static void nothing_arrived__detect__finds_nothing(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  flight_of(&f, 5);
  clock_set(&f.s, f.s.now + TCT_S(10));
  assert_true(tct_tcp_rack_detect(&f.s, &f.c) == 0);
  assert_int_equal(lost(&f), 0);
  leaf_end(&f);
}

/* The second came back after 100 ms: the first, sent 1 ms before it, has 24 ms left of 125. */
static void one_sacked__detect__waits_a_quarter_of_the_round_trip(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  tct_time began = f.s.now;
  flight_of(&f, 5);
  clock_set(&f.s, began + TCT_MS(101));
  sack(&f, 1, 2);
  assert_true(tct_tcp_rack_detect(&f.s, &f.c) == TCT_MS(24));
  assert_int_equal(lost(&f), 0);
  clock_set(&f.s, f.s.now + TCT_MS(24));
  assert_true(tct_tcp_rack_detect(&f.s, &f.c) == 0);
  assert_int_equal(lost(&f), 1); /* and nothing that was sent later */
  leaf_end(&f);
}

static void three_sacked__detect__waits_for_nothing(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  tct_time began = f.s.now;
  flight_of(&f, 6);
  clock_set(&f.s, began + TCT_MS(103));
  sack(&f, 1, 4);
  assert_true(tct_tcp_rack_detect(&f.s, &f.c) == 0);
  assert_int_equal(lost(&f), 1);
  leaf_end(&f);
}

/* tcp_recovery's bit 4, and a path known to reorder: the number alone proves nothing. */
static void three_sacked__on_a_reordering_path__are_given_time(void **state) {
  (void)state;
  struct leaf f;
  for (unsigned i = 0; i < 2; i++) {
    start(&f);
    tct_time began = f.s.now;
    flight_of(&f, 6);
    f.a.rec.past.reord_seen = i;
    f.s.cfg.rack_no_dupthresh = i == 0;
    clock_set(&f.s, began + TCT_MS(103));
    sack(&f, 1, 4);
    assert_true(tct_tcp_rack_detect(&f.s, &f.c) > 0);
    assert_int_equal(lost(&f), 0);
    leaf_end(&f);
  }
}

static void resent_segment__later_one_arrives__is_lost_again(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  flight_of(&f, 4);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  sack(&f, 1, 4);
  (void)tct_tcp_rack_detect(&f.s, &f.c);
  tct_tcp_sack_on_resent(&f.s, &f.c, FIRST, FIRST + 1000, false);
  assert_int_equal(f.a.runs.resent.segs, 1);
  clock_set(&f.s, f.s.now + TCT_MS(1));
  flight_of(&f, 1); /* sent after the retransmission */
  f.a.rec.phase = TCT_REC_FAST;
  clock_set(&f.s, f.s.now + TCT_MS(110));
  sack(&f, 4, 5);
  (void)tct_tcp_rack_detect(&f.s, &f.c);
  assert_int_equal(f.a.runs.resent.segs, 0);
  assert_int_equal(f.a.runs.waiting_bytes, 1000);
  assert_int_equal(f.s.n.TCPLostRetransmit, 1);
  leaf_end(&f);
}

/* An answer that is quicker than any round trip is the first copy's. */
static void resent_segment__answered_too_soon__moves_no_clock(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  struct tct_tcp_ack a = {.at = f.s.now + TCT_MS(50)};
  struct tct_run run = {
      .begin = FIRST, .end = FIRST + 1000, .sent_at = f.s.now, .seg_size = 1000, .times = 2};
  tct_tcp_rack_on_delivered(&f.c, &a, &run);
  assert_false(f.a.rec.rack.advanced);
  a.at = f.s.now + TCT_MS(100);
  tct_tcp_rack_on_delivered(&f.c, &a, &run);
  assert_true(f.a.rec.rack.advanced);
  assert_true(f.a.rec.rack.rtt_ns == TCT_MS(100));
  leaf_end(&f);
}

/* A step for each D-SACK, once a round trip, and 16 recoveries until it is forgotten. */
static void d_sacks__window__widens_and_comes_back(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  struct tct_tcp_past *past = &f.a.rec.past;
  struct tct_tcp_ack a = {.newest = {.begin = 1, .end = 2}};
  tct_tcp_rack_on_dsack(&f.c);
  assert_false(past->reo_dsack); /* not on a path that never reordered */
  past->reord_seen = 1;
  for (unsigned i = 1; i <= 3; i++) {
    clock_set(&f.s, f.s.now + TCT_MS(100));
    a.newest.sent_at = f.s.now;
    tct_tcp_rack_on_dsack(&f.c);
    tct_tcp_rack_adapt(&f.s, &f.c, &a);
    assert_int_equal(past->reo_steps, i);
    a.newest.sent_at = f.s.now - 1; /* of before the change: no further step */
    tct_tcp_rack_on_dsack(&f.c);
    tct_tcp_rack_adapt(&f.s, &f.c, &a);
    assert_int_equal(past->reo_steps, i);
  }
  a.newest.sent_at = f.s.now;
  for (unsigned i = 0; i < 16; i++) {
    tct_tcp_rack_adapt(&f.s, &f.c, &a);
    assert_int_equal(past->reo_steps, 3);
    tct_tcp_rack_on_recovered(&f.c, false);
  }
  tct_tcp_rack_adapt(&f.s, &f.c, &a);
  assert_int_equal(past->reo_steps, 0);
  leaf_end(&f);
}

static void reordering_seen__span__is_learnt_and_bounded(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  flight_of(&f, 10);
  sack(&f, 7, 8);
  assert_int_equal(tct_tcp_rack_reordering(&f.s, &f.c), 3);
  tct_tcp_rack_on_reordered(&f.s, &f.c, FIRST, false);
  assert_int_equal(tct_tcp_rack_reordering(&f.s, &f.c), 8);
  assert_int_equal(f.s.n.TCPSACKReorder, 1);
  f.s.cfg.max_reordering = 5;
  tct_tcp_rack_on_many_duplicates(&f.s, &f.c, 100);
  assert_int_equal(tct_tcp_rack_reordering(&f.s, &f.c), 5);
  tct_tcp_rack_on_rto(&f.s, &f.c, 3); /* a time-out with that much proof: we were too patient */
  assert_int_equal(tct_tcp_rack_reordering(&f.s, &f.c), 3);
  leaf_end(&f);
}

/* [RFC6675 4] IsLost: three islands, or more than two segments, above. */
static void rack_is_off__islands_or_bytes_above__decide(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  flight_of(&f, 10);
  sack(&f, 2, 3);
  sack(&f, 4, 5);
  tct_tcp_rack_without(&f.s, &f.c);
  assert_int_equal(lost(&f), 0);
  sack(&f, 6, 7);
  tct_tcp_rack_without(&f.s, &f.c);
  assert_int_equal(lost(&f), 2); /* the two below the first island */
  sack(&f, 7, 10);
  tct_tcp_rack_without(&f.s, &f.c);
  assert_int_equal(lost(&f), 4); /* each hole now has more than two segments above */
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_arrived__detect__finds_nothing),
      cmocka_unit_test(one_sacked__detect__waits_a_quarter_of_the_round_trip),
      cmocka_unit_test(three_sacked__detect__waits_for_nothing),
      cmocka_unit_test(three_sacked__on_a_reordering_path__are_given_time),
      cmocka_unit_test(resent_segment__later_one_arrives__is_lost_again),
      cmocka_unit_test(resent_segment__answered_too_soon__moves_no_clock),
      cmocka_unit_test(d_sacks__window__widens_and_comes_back),
      cmocka_unit_test(reordering_seen__span__is_learnt_and_bounded),
      cmocka_unit_test(rack_is_off__islands_or_bytes_above__decide),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
