/* SPDX-License-Identifier: MIT */
/* BBR against a path that is one formula: a rate, a delay, a queue. Startup finds the rate, Drain
 * empties the queue, cycles keep both; loss bounds it. draft-ietf-ccwg-bbr. */
#include "tcp/tcp_cc.h"
#include "tcp/tcp_cc_bbr.h"
#include "test/lib/leaf.h"

#define MAX_IN_PATH 4096

struct path { /* segments of 1000 bytes under way, in order */
  struct leaf f;
  tct_time ack_at[MAX_IN_PATH];
  struct tct_run run[MAX_IN_PATH];
  unsigned head, n, queue_max;
  uint64_t bottleneck; /* bytes a second */
  tct_time delay_ns, free_at;
  uint32_t lost_segs;
  uint64_t delivered;
};

static void begin(struct path *p, uint64_t bottleneck, tct_time delay_ns) {
  memset(p, 0, sizeof *p);
  leaf_init(&p->f, false);
  p->f.s.cfg.congestion = TCT_CC_BBR;
  p->f.s.cfg.pacing_ss_percent = 200;
  p->f.s.cfg.pacing_ca_percent = 120;
  p->f.c.rtt.srtt_us8 = (uint32_t)(delay_ns / 1000) * 8;
  p->bottleneck = bottleneck;
  p->delay_ns = delay_ns;
  p->queue_max = MAX_IN_PATH;
}

static void end(struct path *p) {
  tct_tcp_cc_drop(&p->f.s, &p->f.x);
  leaf_end(&p->f);
}

static const struct tct_bbr *bbr_of(const struct path *p) {
  return p->f.x.cc.state;
}

static uint32_t queued(const struct path *p) { /* segments that wait for the bottleneck */
  tct_time wait = tct_time_sub(p->free_at, p->f.s.now);
  return (uint32_t)(wait * p->bottleneck / TCT_S(1) / 1000);
}

/* One segment enters the path: served in turn, or dropped by a full queue. */
static void send_one(struct path *p) {
  struct leaf *f = &p->f;
  tct_seq at = f->c.snd.nxt;
  struct tct_run run = {.begin = at, .end = at + 1000, .sent_at = f->s.now, .seg_size = 1000};
  f->c.snd.nxt += 1000;
  tct_tcp_rate_on_sent(&f->s, &f->c, &run);
  tct_tcp_pace_on_sent(&f->s, &f->c, 1000);
  f->a.runs.n = 1; /* something is outstanding */
  if (queued(p) >= p->queue_max) {
    p->lost_segs++;
    run.end = run.begin; /* remembered as lost */
  } else {
    p->free_at = tct_time_max(p->free_at, f->s.now) + TCT_S(1) * 1000 / p->bottleneck;
  }
  unsigned i = (p->head + p->n++) % MAX_IN_PATH;
  assert_true(p->n < MAX_IN_PATH);
  p->run[i] = run;
  p->ack_at[i] = tct_time_max(p->free_at, f->s.now) + p->delay_ns;
}

static void take_ack(struct path *p) {
  struct leaf *f = &p->f;
  struct tct_run run = p->run[p->head];
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  p->head = (p->head + 1) % MAX_IN_PATH;
  p->n--;
  f->c.snd.una += 1000;
  f->a.runs.n = p->n > 0;
  a.advanced = true;
  a.rtt_ns = TCT_NEVER;
  if (run.begin == run.end) {
    a.newly_lost_bytes = 1000;
  } else {
    a.acked_bytes = a.delivered_bytes = 1000;
    a.delivered_segs = 1;
    a.newest = run;
    a.rtt_ns = f->s.now - run.sent_at;
    p->delivered += 1000;
  }
  f->a.cc.limited = true;
  tct_tcp_rate_on_ack(&f->s, &f->c, &a);
  tct_tcp_cc_on_ack(&f->s, &f->c, &a);
}

static void run_for(struct path *p, tct_time span) {
  struct leaf *f = &p->f;
  tct_time until = f->s.now + span;
  while (f->s.now < until) {
    while (tct_tcp_send_flight(&f->c) + 1000 <= f->c.cc.cwnd &&
           tct_tcp_pace_not_before(&f->s, &f->c) == 0)
      send_one(p);
    if (tct_tcp_send_flight(&f->c) + 1000 > f->c.cc.cwnd)
      f->a.pace.phase = TCT_PACE_FREE; /* as tct_tcp_pace_on_burst_end: it was not the pace */
    tct_time next = until, pace = tct_tcp_pace_not_before(&f->s, &f->c);
    if (p->n > 0)
      next = tct_time_min(next, p->ack_at[p->head]);
    if (pace != 0 && tct_tcp_send_flight(&f->c) + 1000 <= f->c.cc.cwnd)
      next = tct_time_min(next, pace);
    clock_set(&f->s, tct_time_max(next, f->s.now + 1));
    while (p->n > 0 && p->ack_at[p->head] <= f->s.now)
      take_ack(p);
  }
}

/* 1.25 MB/s, 40 ms: BDP 50 segments. Within a second the model has both to 5 %. */
static void startup__empty_path__finds_rate_and_delay(void **state) {
  (void)state;
  struct path *p = test_malloc(sizeof *p);
  begin(p, 1250000, TCT_MS(40));
  run_for(p, TCT_S(1));
  assert_true(bbr_of(p)->full);
  uint64_t bw = tct_max_u64(bbr_of(p)->bw_hi[0], bbr_of(p)->bw_hi[1]);
  assert_in_range(bw, 1190000, 1320000);
  assert_in_range(bbr_of(p)->min_rtt_ns, TCT_MS(40), TCT_MS(42));
  end(p);
  test_free(p);
}

/* After Startup and Drain the rate is used and hardly anything is queued. */
static void probe_bw__ten_seconds__full_rate_and_short_queue(void **state) {
  (void)state;
  struct path *p = test_malloc(sizeof *p);
  begin(p, 1250000, TCT_MS(40));
  run_for(p, TCT_S(2));
  uint64_t before = p->delivered;
  uint32_t worst = 0;
  for (unsigned i = 0; i < 100; i++) {
    run_for(p, TCT_MS(100));
    worst = tct_max_u32(worst, queued(p));
  }
  assert_in_range(p->delivered - before, 11900000, 12600000); /* 95 % of 12.5 MB */
  assert_in_range(worst, 0, 60);
  end(p);
  test_free(p);
}

/* Each 5 s the window falls to half of the BDP for 200 ms: the delay is measured anew. */
static void probe_rtt__delay_rose__is_learnt_within_twenty_seconds(void **state) {
  (void)state;
  struct path *p = test_malloc(sizeof *p);
  begin(p, 1250000, TCT_MS(40));
  run_for(p, TCT_S(2));
  p->delay_ns = TCT_MS(60);
  run_for(p, TCT_S(20));
  assert_in_range(bbr_of(p)->min_rtt_ns, TCT_MS(60), TCT_MS(64));
  end(p);
  test_free(p);
}

/* A queue of 10 segments: Startup overfills it, is told so by loss, and then loses little. */
static void shallow_queue__loss__bounds_the_inflight(void **state) {
  (void)state;
  struct path *p = test_malloc(sizeof *p);
  begin(p, 1250000, TCT_MS(40));
  p->queue_max = 10;
  run_for(p, TCT_S(3));
  assert_true(bbr_of(p)->full);
  uint32_t before = p->lost_segs;
  uint64_t delivered = p->delivered;
  run_for(p, TCT_S(10));
  assert_in_range(p->lost_segs - before, 0, 500); /* of 12500: 4 % */
  assert_in_range(p->delivered - delivered, 10600000, 12600000);
  end(p);
  test_free(p);
}

/* The path becomes four times as fast: probing finds it. */
static void rate_rises__probing__follows(void **state) {
  (void)state;
  struct path *p = test_malloc(sizeof *p);
  begin(p, 1250000, TCT_MS(40));
  run_for(p, TCT_S(3));
  p->bottleneck = 5000000;
  run_for(p, TCT_S(25));
  uint64_t before = p->delivered;
  run_for(p, TCT_S(2));
  assert_true(p->delivered - before > 8000000);
  end(p);
  test_free(p);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(startup__empty_path__finds_rate_and_delay),
      cmocka_unit_test(probe_bw__ten_seconds__full_rate_and_short_queue),
      cmocka_unit_test(probe_rtt__delay_rose__is_learnt_within_twenty_seconds),
      cmocka_unit_test(shallow_queue__loss__bounds_the_inflight),
      cmocka_unit_test(rate_rises__probing__follows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
