/* SPDX-License-Identifier: MIT */
/* Where PSH stands in the LINUX profile, and which trains wait. The figures were seen on Linux
 * 6.18. */
#include "test/lib/leaf.h"

/* RTT 100 ms, ten segments of 1000 may go, so many bytes are queued. */
static void start(struct leaf *f, uint32_t queued) {
  leaf_init(f, false);
  f->c.rtt.srtt_us8 = 8 * 100000;
  f->c.rtt.min_us = 100000;
  leaf_queue(f, queued);
}

static void far_peer__train__is_two_segments(void **state) {
  struct leaf f;
  (void)state;
  start(&f, 20000);
  assert_int_equal(tct_tcp_push_train(&f.s, &f.c, 10000), 2000);
  assert_int_equal(tct_tcp_push_train(&f.s, &f.c, 1000), 0); /* one alone is none */
  f.s.cfg.min_tso_segs = 4;
  assert_int_equal(tct_tcp_push_train(&f.s, &f.c, 10000), 4000);
  leaf_end(&f);
}

/* Half a window at the most, however near the peer is. */
static void near_peer__train__is_half_a_window(void **state) {
  struct leaf f;
  (void)state;
  start(&f, 20000);
  f.c.rtt.srtt_us8 = 8 * 100;
  f.c.rtt.min_us = 100;
  assert_int_equal(tct_tcp_push_train(&f.s, &f.c, 10000), 5000);
  leaf_end(&f);
}

static void strict_profile__train__there_is_none(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, true);
  leaf_queue(&f, 20000);
  assert_int_equal(tct_tcp_push_train(&f.s, &f.c, 10000), 0);
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 1000));
  leaf_end(&f);
}

static void train_begun__next_segment__ends_it_with_psh(void **state) {
  struct leaf f;
  struct tct_tcp_plan p;
  (void)state;
  start(&f, 20000);
  for (unsigned i = 0; i < 4; i++) {
    tct_tcp_plan(&f.s, &f.c, &p);
    assert_int_equal(p.flags, i % 2 == 0 ? TCT_ACK : TCT_ACK | TCT_PSH);
    leaf_sent(&f, p.len);
    tct_tcp_push_on_sent(&f.c, p.seq, p.train);
  }
  leaf_end(&f);
}

/* [RFC9293 MUST-61] */
static void boundary_of_a_write__is_an_end__wherever_it_stands(void **state) {
  struct leaf f;
  (void)state;
  start(&f, 300);
  f.a.eor[0] = f.c.snd.nxt + 100;
  f.a.n_eor = 1;
  assert_true(tct_tcp_push_is_end(&f.c, f.c.snd.nxt + 100));
  assert_false(tct_tcp_push_is_end(&f.c, f.c.snd.nxt + 200));
  assert_true(tct_tcp_push_is_end(&f.c, f.c.snd.nxt + 300));
  leaf_end(&f);
}

/* Nine are out and one more might go. */
static void short_train__waits__only_if_the_next_ack_is_near(void **state) {
  struct leaf f;
  (void)state;
  start(&f, 30000);
  for (unsigned i = 0; i < 9; i++)
    leaf_sent(&f, 1000);
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 1000)); /* the first ACK is far away */
  clock_set(&f.s, f.s.now + TCT_MS(60));
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 1000)); /* it left too long ago */
  f.a.sent_at = f.s.now;
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 1000)); /* nothing came out of order */
  f.a.rec.phase = TCT_REC_DISORDER;
  assert_true(tct_tcp_push_should_wait(&f.s, &f.c, 1000));
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 2000));  /* a whole train */
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 21000)); /* all there is */
  f.a.rec.phase = TCT_REC_FAST;
  assert_false(tct_tcp_push_should_wait(&f.s, &f.c, 1000));
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(far_peer__train__is_two_segments),
      cmocka_unit_test(near_peer__train__is_half_a_window),
      cmocka_unit_test(strict_profile__train__there_is_none),
      cmocka_unit_test(train_begun__next_segment__ends_it_with_psh),
      cmocka_unit_test(boundary_of_a_write__is_an_end__wherever_it_stands),
      cmocka_unit_test(short_train__waits__only_if_the_next_ack_is_near),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
