/* SPDX-License-Identifier: MIT */
/* Autotuning: the rule by itself, the receiver's round trips, and a transfer over a long path whose
 * buffers would hold it back if they stayed as they begin. RFC 9293 section 3.8.6. */
#include "test/lib/leaf.h"

#include "tercet/sim.h"

static void next__half_or_less_taken__buffer_stays(void **state) {
  (void)state;
  assert_int_equal(tct_tcp_tune_next(1000, 0, 9000), 1000);
  assert_int_equal(tct_tcp_tune_next(1000, 500, 9000), 1000);
}

static void next__more_than_half_taken__four_times_that_up_to_the_limit(void **state) {
  (void)state;
  assert_int_equal(tct_tcp_tune_next(1000, 501, 9000), 2004);
  assert_int_equal(tct_tcp_tune_next(1000, 3000, 9000), 9000);
  assert_int_equal(tct_tcp_tune_next(1000, UINT32_MAX, 9000), 9000);
  assert_int_equal(tct_tcp_tune_next(9000, 9000, 9000), 9000);
  assert_int_equal(tct_tcp_tune_next(9000, 9000, 500), 9000); /* never smaller */
}

/* The application takes `bytes`, `after_ns` later. */
static void take(struct leaf *f, uint32_t bytes, tct_time after_ns) {
  clock_set(&f->s, f->s.now + after_ns);
  f->a.rx.begin += bytes;
  f->a.rx.end = f->a.rx.begin;
  f->c.rcv.nxt = f->a.rx.begin;
  tct_tcp_tune_on_read(&f->s, &f->c);
}

static void start(struct leaf *f) {
  leaf_init(f, false);
  f->c.rtt.srtt_us8 = 8 * 10000; /* 10 ms */
  take(f, 1, 0);
}

static void on_read__before_a_round_trip_is_over__nothing_changes(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  take(&f, 60000, TCT_MS(9));
  assert_int_equal(f.c.rcv.buf_max, 65535);
  leaf_end(&f);
}

static void on_read__a_full_buffer_a_round_trip__grows_to_four_times(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  take(&f, 60000, TCT_MS(10));
  assert_int_equal(f.c.rcv.buf_max, 240000);
  take(&f, 100000, TCT_MS(10)); /* less than half of it */
  assert_int_equal(f.c.rcv.buf_max, 240000);
  leaf_end(&f);
}

static void on_read__buffer_set_by_the_application__stays(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  f.x.set = 1ull << TCT_OPT_RCVBUF;
  assert_int_equal(tct_tcp_tune_rcv_max(&f.s, &f.c), 65535);
  take(&f, 60000, TCT_MS(10));
  assert_int_equal(f.c.rcv.buf_max, 65535);
  leaf_end(&f);
}

static void on_read__half_of_all_memory_in_use__stays(void **state) {
  struct leaf f;
  (void)state;
  start(&f);
  f.s.chunks.used_bytes = f.s.chunks.limit_bytes / 2 + 1;
  take(&f, 60000, TCT_MS(10));
  assert_int_equal(f.c.rcv.buf_max, 65535);
  assert_int_equal(tct_tcp_tune_snd_limit(&f.s, &f.c), f.s.cfg.sndbuf_bytes);
  f.s.chunks.used_bytes = 0;
  leaf_end(&f);
}

static void text(struct leaf *f, uint32_t tsecr) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  h.opt.has_ts = tsecr != 0;
  h.opt.tsecr = tsecr;
  tct_tcp_tune_on_text(&f->s, &f->c, &h);
}

static void on_text__with_timestamps__round_trip_is_the_echo_s_age(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  f.c.open |= TCT_OPEN_TS;
  text(&f, tct_tcp_options_tsval(&f.s, &f.c) - 40);
  assert_int_equal(tct_tcp_tune_rtt_of(&f.a.tune, &f.c), 40000);
  text(&f, tct_tcp_options_tsval(&f.s, &f.c) - 80);
  assert_int_equal(tct_tcp_tune_rtt_of(&f.a.tune, &f.c), 45000);
  text(&f, tct_tcp_options_tsval(&f.s, &f.c) + 1000); /* from the future: no sample */
  assert_int_equal(tct_tcp_tune_rtt_of(&f.a.tune, &f.c), 45000);
  leaf_end(&f);
}

static void on_text__without_timestamps__a_window_takes_a_round_trip(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  text(&f, 0);
  clock_set(&f.s, f.s.now + TCT_MS(30));
  f.c.rcv.nxt = f.c.rcv.edge;
  f.c.rcv.edge += 65535;
  text(&f, 0);
  assert_int_equal(tct_tcp_tune_rtt_of(&f.a.tune, &f.c), 30000);
  clock_set(&f.s, f.s.now + TCT_MS(50));
  f.c.rcv.nxt = f.c.rcv.edge;
  text(&f, 0); /* a slower one proves nothing */
  assert_int_equal(tct_tcp_tune_rtt_of(&f.a.tune, &f.c), 30000);
  leaf_end(&f);
}

static void snd_limit__follows_the_window_within_its_bounds(void **state) {
  struct leaf f;
  (void)state;
  leaf_init(&f, false);
  f.c.cc.cwnd = 10000;
  assert_int_equal(tct_tcp_tune_snd_limit(&f.s, &f.c), f.s.cfg.sndbuf_bytes);
  f.c.cc.cwnd = 500000;
  assert_int_equal(tct_tcp_tune_snd_limit(&f.s, &f.c), 2 * 500 * 2304); /* as Linux reckons */
  f.c.cc.cwnd = 1u << 30;
  assert_int_equal(tct_tcp_tune_snd_limit(&f.s, &f.c), f.s.cfg.sndbuf_max_bytes);
  f.x.sndbuf = 5000; /* the application's word */
  assert_int_equal(tct_tcp_tune_snd_limit(&f.s, &f.c), 5000);
  leaf_end(&f);
}

/* ---- A path that needs 5 MB in flight ---------------------------------------------------------
 */

struct pair {
  tct_sim *w;
  tct_sim_host *from, *to;
  tct_sim_flow tx, rx;
  tct_sim_server server;
};

static tct_sim_host *make_host(struct pair *p, uint8_t last, bool fixed) {
  tct_sim_host_config c;
  tct_sim_config_init(p->w, &c);
  c.addr = tct_addr_ipv4(10, 0, 0, last);
  c.prefix_len = 24;
  c.stack.profile = TCT_PROFILE_LINUX;
  if (fixed)
    c.stack.rcvbuf_max_bytes = c.stack.rcvbuf_bytes = 131072;
  return tct_sim_host_new(p->w, &c);
}

static void transfer(struct pair *p, bool fixed, uint64_t bytes) {
  static const tct_sim_path path = {.delay_ns = 50000000, .rate_bps = 400000000};
  memset(p, 0, sizeof *p);
  p->w = tct_sim_new(7);
  p->from = make_host(p, 1, false);
  p->to = make_host(p, 2, fixed);
  tct_sim_link_new(p->w, tct_sim_host_end(p->from), tct_sim_host_end(p->to), &path, &path);
  p->server.flows = &p->rx;
  p->server.n_flows = 1;
  p->rx.close = TCT_SIM_CLOSE_ON_EOF;
  p->tx.tx_total = bytes;
  p->tx.close = TCT_SIM_CLOSE_AFTER_SEND;
  assert_int_equal(tct_sim_server_listen(&p->server, p->to, 80, 4), 0);
  tct_endpoint remote = {tct_addr_ipv4(10, 0, 0, 2), 80, {0, 0}};
  assert_int_equal(tct_sim_flow_connect(&p->tx, p->from, &remote), 0);
  (void)tct_sim_run(p->w, TCT_S(60));
  assert_int_equal(p->rx.rx_done, bytes);
}

/* 30 MB at 50 MB/s take 0.6 s and the slow start; with 128 KiB a round trip of 100 ms, 24 s. */
static void long_fat_path__buffers_grow__the_line_is_the_limit(void **state) {
  struct pair p;
  (void)state;
  transfer(&p, false, 30000000);
  assert_true(p.rx.eof_at < TCT_MS(2500));
  tct_sim_free(p.w);
}

static void long_fat_path__fixed_buffer__holds_the_sender_back(void **state) {
  struct pair p;
  (void)state;
  transfer(&p, true, 10000000);
  assert_true(p.rx.eof_at > TCT_S(7));
  tct_sim_free(p.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(next__half_or_less_taken__buffer_stays),
      cmocka_unit_test(next__more_than_half_taken__four_times_that_up_to_the_limit),
      cmocka_unit_test(on_read__before_a_round_trip_is_over__nothing_changes),
      cmocka_unit_test(on_read__a_full_buffer_a_round_trip__grows_to_four_times),
      cmocka_unit_test(on_read__buffer_set_by_the_application__stays),
      cmocka_unit_test(on_read__half_of_all_memory_in_use__stays),
      cmocka_unit_test(on_text__with_timestamps__round_trip_is_the_echo_s_age),
      cmocka_unit_test(on_text__without_timestamps__a_window_takes_a_round_trip),
      cmocka_unit_test(snd_limit__follows_the_window_within_its_bounds),
      cmocka_unit_test(long_fat_path__buffers_grow__the_line_is_the_limit),
      cmocka_unit_test(long_fat_path__fixed_buffer__holds_the_sender_back),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
