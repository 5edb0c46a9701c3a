/* SPDX-License-Identifier: MIT */
/* Proofs that a cut was needless, and what is no proof: echoes, D-SACKs, lies.
 * [RFC3522 3.2] [RFC4015 3.2] [RFC3708 3.2] [RFC2883 4] */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

static void start(struct leaf *f) {
  leaf_init(f, false);
  f->c.open |= TCT_OPEN_SACK | TCT_OPEN_TS;
  f->c.snd.mss = 1012; /* 1000 with timestamps */
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(f, 1000);
}

/* A cut is made, and the first segment goes again 100 ms later. */
static void cut_and_resend(struct leaf *f) {
  tct_tcp_undo_remember(&f->c, 20000, 10000);
  f->c.cc.cwnd = f->c.cc.ssthresh = 5000;
  tct_tcp_undo_begin(&f->c);
  clock_set(&f->s, f->s.now + TCT_MS(100));
  tct_tcp_sack_mark_lost(&f->s, &f->c, FIRST, FIRST + 1000);
  tct_tcp_recover_on_resent(&f->s, &f->c, FIRST, FIRST + 1000, TCT_WHY_FAST_REXMIT);
  f->x.total_retrans = 1;
}

static struct tct_tcp_ack echo(const struct leaf *f, tct_time at) {
  return (struct tct_tcp_ack){.has_ts = true,
                              .tsecr = tct_ms32_add(tct_time_ms32(at), f->c.ts_offset),
                              .ack = f->c.snd.una};
}

static void echo_of_before_the_resend__is_late(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  tct_time sent = f.s.now;
  cut_and_resend(&f);
  struct tct_tcp_ack a = echo(&f, sent);
  assert_true(tct_tcp_undo_is_late(&f.c, &a));
  a = echo(&f, f.s.now);
  assert_false(tct_tcp_undo_is_late(&f.c, &a));
  a = echo(&f, sent);
  a.tsecr = 0; /* no echo */
  assert_false(tct_tcp_undo_is_late(&f.c, &a));
  a.has_ts = false;
  assert_false(tct_tcp_undo_is_late(&f.c, &a));
  leaf_end(&f);
}

static void acknowledged_before_anything_went_again__is_late(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  struct tct_tcp_ack a = {.ack = FIRST};
  tct_tcp_undo_begin(&f.c);
  assert_true(tct_tcp_undo_is_late(&f.c, &a));
  tct_tcp_undo_off(&f.c);
  assert_false(tct_tcp_undo_is_late(&f.c, &a));
  leaf_end(&f);
}

static bool dsack(struct leaf *f, tct_seq begin, tct_seq end, struct tct_tcp_ack *a) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  memset(a, 0, sizeof *a);
  h.ack = f->c.snd.una;
  h.opt.n_sack = 1;
  h.opt.sack[0].begin = begin;
  h.opt.sack[0].end = end;
  return tct_tcp_undo_on_dsack(&f->s, &f->c, &h, a);
}

static void every_resent_segment_reported__cut__is_undone(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_ack a;
  start(&f);
  cut_and_resend(&f);
  assert_false(tct_tcp_undo_is_all_duplicate(&f.c));
  f.c.snd.una = FIRST + 10000;
  assert_true(dsack(&f, FIRST, FIRST + 1000, &a));
  assert_true(a.dsack);
  assert_int_equal(f.x.dsack_dups, 1);
  assert_true(tct_tcp_undo_is_all_duplicate(&f.c));
  tct_tcp_undo_now(&f.s, &f.c, true);
  assert_int_equal(f.c.cc.cwnd, 10000);
  assert_int_equal(f.c.cc.ssthresh, 20000);
  assert_int_equal(f.a.runs.lost.segs, 0);
  assert_false(tct_tcp_undo_is_all_duplicate(&f.c)); /* once */
  f.c.snd.una = FIRST;
  leaf_end(&f);
}

static void nothing_resent_yet__is_not_all_duplicate(void **state) {
  (void)state;
  struct leaf f;
  start(&f);
  tct_tcp_undo_begin(&f.c);
  assert_false(tct_tcp_undo_is_all_duplicate(&f.c));
  leaf_end(&f);
}

/* More duplicates than were ever sent again, or a longer range than was ever offered. */
static void unbelievable_reports__change_nothing(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_ack a;
  start(&f);
  cut_and_resend(&f);
  f.c.snd.una = FIRST + 10000;
  assert_false(dsack(&f, FIRST, FIRST + 4000, &a));
  assert_false(dsack(&f, FIRST - 200000, FIRST + 1000, &a));
  assert_false(dsack(&f, FIRST + 1000, FIRST + 1000, &a));
  assert_false(dsack(&f, FIRST + 2000, FIRST + 1000, &a));
  assert_false(tct_tcp_undo_is_all_duplicate(&f.c));
  assert_int_equal(f.s.n.TCPDSACKIgnored, 4);
  f.c.snd.una = FIRST;
  leaf_end(&f);
}

static void report_from_before_the_cut__counts_for_nothing(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_ack a;
  start(&f);
  cut_and_resend(&f);
  f.c.snd.una = FIRST + 10000;
  (void)dsack(&f, FIRST - 1000, FIRST, &a);
  assert_false(tct_tcp_undo_is_all_duplicate(&f.c));
  f.c.snd.una = FIRST;
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo_of_before_the_resend__is_late),
      cmocka_unit_test(acknowledged_before_anything_went_again__is_late),
      cmocka_unit_test(every_resent_segment_reported__cut__is_undone),
      cmocka_unit_test(nothing_resent_yet__is_not_all_duplicate),
      cmocka_unit_test(unbelievable_reports__change_nothing),
      cmocka_unit_test(report_from_before_the_cut__counts_for_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
