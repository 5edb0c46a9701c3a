/* SPDX-License-Identifier: MIT */
/* How long an ACK may wait under the LINUX profile. The figures were seen on Linux 6.18. RFC 5681
 * section 4.2. */
#include "test/lib/at.h"
#include "test/lib/leaf.h"

static void start(struct leaf *f) {
  leaf_init(f, false);
  f->s.cfg.delack_ms = 40;
  f->c.rtt.srtt_us8 = 8 * 100000; /* 100 ms */
}

/* Data comes after a pause, as tcp_input tells. */
static void data(struct leaf *f, uint32_t pause_ms, uint32_t len) {
  clock_set(&f->s, f->s.now + TCT_MS(pause_ms));
  tct_tcp_delack_on_data(&f->s, &f->c, len);
  f->x.last_recv_ms = tct_time_ms32(f->s.now);
}

/* [RFC9293 MUST-40] */
static void first_data__wait__is_forty_ms_and_sixteen_are_quick(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 0); /* nothing came: nothing to wait for */
  data(&f, 0, 1000);
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 40);
  assert_int_equal(f.c.rcv.delack & TCT_DELACK_QUICK, 16);
  leaf_end(&f);
}

static void small_window__quick_ones__as_many_as_half_of_it_has_segments(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  f.c.rcv.edge = f.c.rcv.nxt + 10000;
  data(&f, 0, 1000);
  assert_int_equal(f.c.rcv.delack & TCT_DELACK_QUICK, 5);
  leaf_end(&f);
}

static void quick_ones__are_used_up_by_acks_that_were_owed(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  data(&f, 0, 1000);
  for (unsigned i = 0; i < 20; i++)
    tct_tcp_delack_on_ack_sent(&f.s, &f.c, false);
  assert_true(tct_tcp_delack_is_quick(&f.c));
  for (unsigned i = 0; i < 16; i++)
    tct_tcp_delack_on_ack_sent(&f.s, &f.c, true);
  assert_false(tct_tcp_delack_is_quick(&f.c));
  leaf_end(&f);
}

static void pauses_grow__wait__follows_them(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  data(&f, 0, 1000);
  tct_tcp_delack_on_timer(&f.s, &f.c); /* in vain: twice as long */
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 80);
  data(&f, 60, 1000);
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 100); /* 80 / 2 + 60 */
  data(&f, 1, 1000);
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 68); /* 100 / 2 + 20, in fours */
  leaf_end(&f);
}

static void wait__longer_than_a_round_trip__is_cut_to_it(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  f.c.rtt.srtt_us8 = 8 * 50000;
  data(&f, 0, 1000);
  tct_tcp_delack_on_timer(&f.s, &f.c);
  assert_int_equal(tct_tcp_delack_ms(&f.s, &f.c), 50);
  leaf_end(&f);
}

static void pause_longer_than_the_rto__quick_ones__are_granted_anew(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  data(&f, 0, 1000);
  f.c.rcv.delack &= (uint8_t)~TCT_DELACK_QUICK;
  data(&f, 900, 1000);
  assert_int_equal(f.c.rcv.delack & TCT_DELACK_QUICK, 16);
  leaf_end(&f);
}

static void reply_within_the_wait__begins_a_dialogue__a_vain_wait_ends_it(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  data(&f, 0, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(39));
  tct_tcp_delack_on_data_sent(&f.s, &f.c);
  assert_false(tct_tcp_delack_is_quick(&f.c));
  tct_tcp_delack_on_timer(&f.s, &f.c);
  assert_true(tct_tcp_delack_is_quick(&f.c));
  clock_set(&f.s, f.s.now + TCT_MS(41));
  tct_tcp_delack_on_data_sent(&f.s, &f.c); /* too late to be a reply */
  assert_true(tct_tcp_delack_is_quick(&f.c));
  leaf_end(&f);
}

static void read_of_a_small_segment__ack_is_due__in_a_dialogue_only_of_two(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  data(&f, 0, 1000);
  assert_false(tct_tcp_delack_is_due_on_read(&f.c));
  data(&f, 0, 10);
  assert_true(tct_tcp_delack_is_due_on_read(&f.c));
  tct_tcp_delack_expect_reply(&f.s, &f.c);
  assert_false(tct_tcp_delack_is_due_on_read(&f.c));
  data(&f, 0, 10);
  assert_true(tct_tcp_delack_is_due_on_read(&f.c));
  tct_tcp_delack_on_ack_sent(&f.s, &f.c, true);
  assert_false(tct_tcp_delack_is_due_on_read(&f.c));
  leaf_end(&f);
}

/* ---- The same on the wire ---------------------------------------------------------------------
 */

/* [RFC9293 EP-36] With nothing before it the FIN is acknowledged at once, after data 40 ms later:
 * most programs close within that time, and their FIN carries the ACK. */
static void fin__after_data__ack_waits_for_ours(void **state) {
  struct at a;
  (void)state;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED});
  AT_IN(&a, .flags = TCT_FIN | TCT_ACK);
  at_wait(&a, TCT_MS(1));
  assert_int_equal(a.why, TCT_WHY_ACK_FIN);
  at_end(&a);
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED});
  AT_IN(&a, .len = 100);
  at_wait(&a, TCT_MS(1));
  assert_int_equal(a.why, TCT_WHY_ACK_QUICK);
  AT_IN(&a, .flags = TCT_FIN | TCT_ACK);
  at_silent(&a, TCT_MS(39));
  at_wait(&a, TCT_MS(2));
  assert_int_equal(a.why, TCT_WHY_ACK_DELAYED);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_data__wait__is_forty_ms_and_sixteen_are_quick),
      cmocka_unit_test(small_window__quick_ones__as_many_as_half_of_it_has_segments),
      cmocka_unit_test(quick_ones__are_used_up_by_acks_that_were_owed),
      cmocka_unit_test(pauses_grow__wait__follows_them),
      cmocka_unit_test(wait__longer_than_a_round_trip__is_cut_to_it),
      cmocka_unit_test(pause_longer_than_the_rto__quick_ones__are_granted_anew),
      cmocka_unit_test(reply_within_the_wait__begins_a_dialogue__a_vain_wait_ends_it),
      cmocka_unit_test(read_of_a_small_segment__ack_is_due__in_a_dialogue_only_of_two),
      cmocka_unit_test(fin__after_data__ack_waits_for_ours),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
