/* SPDX-License-Identifier: MIT */
/* DCTCP: alpha follows the share of marked bytes, and the cut follows alpha. RFC 8257. */
#include "tcp/tcp_cc.h"
#include "test/lib/leaf.h"

static void window_of_acks(struct leaf *f, uint32_t segs, uint32_t marked_segs) {
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  a.advanced = true;
  a.acked_bytes = a.delivered_bytes = segs * 1000;
  a.delivered_segs = segs;
  a.ce_bytes = marked_segs * 1000;
  a.rtt_ns = TCT_NEVER;
  f->c.snd.una = f->c.snd.nxt;
  f->c.snd.nxt += 1;
  tct_tcp_cc_on_news(&f->s, &f->c, &a);
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

static uint32_t cut(struct leaf *f, uint32_t cwnd) {
  f->c.cc.cwnd = cwnd;
  f->a.rec.phase = TCT_REC_CWR;
  tct_tcp_cc_on_loss(&f->s, &f->c, cwnd);
  f->a.rec.phase = TCT_REC_OPEN;
  return f->c.cc.ssthresh;
}

static void begin(struct leaf *f) {
  leaf_init(f, false);
  f->s.cfg.congestion = TCT_CC_DCTCP;
}

static void end(struct leaf *f) {
  tct_tcp_cc_drop(&f->s, &f->x);
  leaf_end(f);
}

/* RFC 8257 3.3: alpha starts at 1: as NewReno. */
static void first_mark__cut__is_half(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  assert_int_equal(cut(&f, 100000), 50000);
  end(&f);
}

/* 16 windows without a mark: alpha = 1024 less a sixteenth (rounded down) each time. From 1024:
 * 960 900 844 792 743 697 654 614 576 540 507 476 447 420 394 370: cut by 370 / 2048 = 18 of 100.
 */
static void no_marks__alpha__decays_by_a_sixteenth(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  for (unsigned i = 0; i <= 16; i++) /* the first one only begins a window */
    window_of_acks(&f, 10, 0);
  assert_int_equal(cut(&f, 100000), 82000);
  for (unsigned i = 0; i < 200; i++)
    window_of_acks(&f, 10, 0);
  assert_int_equal(cut(&f, 100000), 100000);
  end(&f);
}

/* A quarter of all bytes is marked, for long: alpha comes to a quarter (256, less than one step of
 * rounding), the cut to an eighth. */
static void quarter_marked__cut__is_an_eighth(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  for (unsigned i = 0; i < 300; i++)
    window_of_acks(&f, 8, 2);
  uint32_t left = cut(&f, 100000);
  assert_in_range(left, 86000, 88000);
  end(&f);
}

/* RFC 8257 3.5: loss is loss. */
static void loss__cut__is_half_whatever_alpha(void **state) {
  (void)state;
  struct leaf f;
  begin(&f);
  for (unsigned i = 0; i < 200; i++)
    window_of_acks(&f, 10, 0);
  f.c.cc.cwnd = 100000;
  tct_tcp_cc_on_loss(&f.s, &f.c, 100000);
  assert_int_equal(f.c.cc.ssthresh, 50000);
  end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(first_mark__cut__is_half),
      cmocka_unit_test(no_marks__alpha__decays_by_a_sixteenth),
      cmocka_unit_test(quarter_marked__cut__is_an_eighth),
      cmocka_unit_test(loss__cut__is_half_whatever_alpha),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
