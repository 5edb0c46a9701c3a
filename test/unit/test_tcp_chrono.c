/* SPDX-License-Identifier: MIT */
/* What a sender's time goes into: each kind by itself, and the sums over a change. */
#include "test/lib/leaf.h"

static uint8_t kind(struct leaf *f) {
  return tct_tcp_chrono_kind(&f->s, &f->c);
}

static void nothing_queued__kind__is_none(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  assert_int_equal(kind(&f), TCT_CHRONO_NONE);
  leaf_end(&f);
}

static void in_flight__kind__is_busy(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  leaf_sent(&f, 1000);
  assert_int_equal(kind(&f), TCT_CHRONO_BUSY);
  leaf_end(&f);
}

static void unsent_beyond_the_peers_window__kind__is_rwnd(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  leaf_queue(&f, 3000);
  f.c.snd.wnd = 1500;
  leaf_sent(&f, 1000);
  assert_int_equal(kind(&f), TCT_CHRONO_RWND);
  f.c.snd.wnd = 2000;
  assert_int_equal(kind(&f), TCT_CHRONO_BUSY);
  leaf_end(&f);
}

/* The congestion window comes first: then it is not the peer who holds back. */
static void both_windows_full__kind__is_busy(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  leaf_queue(&f, 3000);
  f.c.snd.wnd = 1000;
  f.c.cc.cwnd = 1000;
  leaf_sent(&f, 1000);
  assert_int_equal(kind(&f), TCT_CHRONO_BUSY);
  leaf_end(&f);
}

static void all_sent_and_a_write_came_up_short__kind__is_sndbuf(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  leaf_sent(&f, 1000);
  f.c.sockf |= TCT_SOCKF_WANTS_ROOM;
  assert_int_equal(kind(&f), TCT_CHRONO_SNDBUF);
  leaf_end(&f);
}

static void kinds_change__times__add_up(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  tct_tcp_chrono_update(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_MS(5)); /* idle: nobody's */
  leaf_queue(&f, 2000);
  f.c.snd.wnd = 0;
  tct_tcp_chrono_update(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_MS(30));
  f.c.snd.wnd = 65535;
  tct_tcp_chrono_update(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_MS(7));
  assert_int_equal(tct_tcp_chrono_ns(&f.s, &f.c, TCT_CHRONO_RWND), TCT_MS(30));
  assert_int_equal(tct_tcp_chrono_ns(&f.s, &f.c, TCT_CHRONO_BUSY), TCT_MS(7));
  f.c.state = TCT_CLOSED;
  tct_tcp_chrono_update(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  assert_int_equal(tct_tcp_chrono_ns(&f.s, &f.c, TCT_CHRONO_BUSY), TCT_MS(7));
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nothing_queued__kind__is_none),
      cmocka_unit_test(in_flight__kind__is_busy),
      cmocka_unit_test(unsent_beyond_the_peers_window__kind__is_rwnd),
      cmocka_unit_test(both_windows_full__kind__is_busy),
      cmocka_unit_test(all_sent_and_a_write_came_up_short__kind__is_sndbuf),
      cmocka_unit_test(kinds_change__times__add_up),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
