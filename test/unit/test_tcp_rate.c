/* SPDX-License-Identifier: MIT */
/* Delivery-rate samples: over the longer of sending and acknowledging, marked when the application
 * was the limit. draft-ietf-ccwg-bbr 4.1. */
#include "test/lib/leaf.h"

static struct tct_tcp_ack ack(struct leaf *f, uint32_t segs) {
  struct tct_tcp_ack a = leaf_ack(f, f->c.snd.una + segs * 1000, 65535);
  tct_tcp_rate_on_ack(&f->s, &f->c, &a);
  return a;
}

/* Ten segments at once, acknowledged 100 ms later: 10000 bytes in 100 ms. */
static void burst__acknowledged_at_once__window_over_round_trip(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  struct tct_tcp_ack a = ack(&f, 10);
  assert_int_equal(a.rate.delivered_bytes, 10000);
  assert_int_equal(a.rate.interval_ns, TCT_MS(100));
  assert_int_equal(f.x.rate.told, 100000);
  assert_int_equal(f.x.rate.delivered_segs, 10);
  leaf_end(&f);
}

/* Sent 10 ms apart (100 kB/s), then all acknowledged in one heap: the sending took longer than the
 * heap, and the sample does not believe in more than was sent. */
static void acks_bunched__sample__is_no_faster_than_sending(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  for (unsigned i = 0; i < 10; i++) {
    leaf_sent(&f, 1000);
    clock_set(&f.s, f.s.now + TCT_MS(10));
  }
  (void)ack(&f, 1); /* at 100 ms */
  clock_set(&f.s, f.s.now + TCT_MS(1));
  struct tct_tcp_ack a = ack(&f, 9);
  assert_int_equal(a.rate.interval_ns, TCT_MS(101)); /* the newest left at 90 ms, before any ACK */
  assert_int_equal(a.rate.delivered_bytes, 10000);
  leaf_end(&f);
}

/* A pipe that the application left half empty: the sample is marked, and does not lower what is
 * told. */
static void application_limited__sample__is_marked(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  assert_false(ack(&f, 10).rate.app_limited);
  tct_tcp_rate_on_burst_end(&f.s, &f.c);
  leaf_sent(&f, 1000);
  tct_tcp_rate_on_burst_end(&f.s, &f.c);
  clock_set(&f.s, f.s.now + TCT_MS(50));
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(50));
  (void)ack(&f, 1);
  clock_set(&f.s, f.s.now + TCT_MS(50));
  assert_true(ack(&f, 1).rate.app_limited);
  assert_int_equal(f.x.rate.told, 100000);
  leaf_end(&f);
}

/* Nothing outstanding: an hour's silence is in no sample. */
static void silence__next_sample__begins_with_the_next_data(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  (void)ack(&f, 1);
  clock_set(&f.s, f.s.now + TCT_S(3600));
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(100));
  assert_int_equal(ack(&f, 1).rate.interval_ns, TCT_MS(100));
  leaf_end(&f);
}

/* Less time than the least round trip: no sample. */
static void shorter_than_least_round_trip__no_sample(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.rtt.min_us = 100000;
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(99));
  assert_int_equal(ack(&f, 1).rate.interval_ns, 0);
  leaf_end(&f);
}

static void no_extra_block__nothing_is_sampled(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  f.c.extra = NULL;
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(99));
  assert_int_equal(ack(&f, 1).rate.interval_ns, 0);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(burst__acknowledged_at_once__window_over_round_trip),
      cmocka_unit_test(acks_bunched__sample__is_no_faster_than_sending),
      cmocka_unit_test(application_limited__sample__is_marked),
      cmocka_unit_test(silence__next_sample__begins_with_the_next_data),
      cmocka_unit_test(shorter_than_least_round_trip__no_sample),
      cmocka_unit_test(no_extra_block__nothing_is_sampled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
