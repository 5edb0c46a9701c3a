/* SPDX-License-Identifier: MIT */
/*
 * Does the checker bite on the wire? Frames that no right stack sends, told to the checker as if
 * one had; windows and timers of a stack that was turned against the rule.
 */
#include "test/sim/bites.h"

/* ---- I7 to I10: numbers and windows on the wire ---- */

static void i7__acknowledges_less_than_before__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  hear(&r, TCT_ACK, IRS + 1, ISS + 1, 100);
  say(&r, TCT_ACK, ISS + 1, IRS + 101, 0, TCT_WHY_ACK_SECOND);
  tct_seg g = to_peer(TCT_ACK, ISS + 1, IRS + 51, 0);
  g.window_raw = 2000;
  assert_content(&r);
  send_seg(&r, &g, TCT_WHY_ACK_SECOND);
  assert_bites(&r, TCT_SIM_I7);
}

static void i7__acknowledges_what_never_came__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 2, 0, TCT_WHY_ACK_SECOND);
  assert_bites(&r, TCT_SIM_I7);
}

static void i7__leaves_out_numbers__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK, ISS + 2, IRS + 1, 100, TCT_WHY_DATA);
  assert_bites(&r, TCT_SIM_I7);
}

static void i7__data_after_its_fin__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK | TCT_FIN, ISS + 1, IRS + 1, 100, TCT_WHY_DATA);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_RTO);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 101, TCT_WHY_RTO);
  assert_bites(&r, TCT_SIM_I7);
}

static void i7__una_goes_back__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  step(&r);
  assert_content(&r);
  conn_of(&r)->snd.una -= 10;
  step(&r);
  assert_bites(&r, TCT_SIM_I7);
}

/* The ACK with a cookie, and what the stack says of it first. */
static void hear_cookie(struct rig *r, uint32_t len) {
  tct_trace t;
  memset(&t, 0, sizeof t);
  t.kind = TCT_TRACE_STATE;
  t.why = TCT_WHY_SYN_ACK_COOKIE;
  t.state_old = TCT_LISTEN;
  t.state_new = TCT_SYN_RECEIVED;
  t.local = tct_addr_ipv4(10, 0, 0, 2);
  t.remote = tct_addr_ipv4(10, 0, 0, 9);
  t.lport = PORT;
  t.rport = PEER_PORT;
  r->h->config.stack.trace(r->h, &t);
  hear(r, TCT_ACK, IRS + 1, ISS + 1, len);
}

/* RFC 4987 3.6: what a cookie opened is over, and the same cookie opens it again. */
static void i7__cookie_comes_twice__begins_anew_and_bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  hear(&r, TCT_SYN, IRS, 0, 0);
  say(&r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK_COOKIE);
  hear_cookie(&r, 100);
  hear(&r, TCT_ACK, IRS + 101, ISS + 1, 100);
  say(&r, TCT_ACK, ISS + 1, IRS + 201, 100, TCT_WHY_DATA);
  hear(&r, TCT_ACK, IRS + 201, ISS + 101, 0);
  hear_cookie(&r, 100);
  say(&r, TCT_ACK, ISS + 1, IRS + 101, 50, TCT_WHY_DATA);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 51, IRS + 201, 0, TCT_WHY_ACK_SECOND);
  assert_bites(&r, TCT_SIM_I7);
}

static void i7__keepalive_behind_a_cookie__has_an_older_number(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  hear(&r, TCT_SYN, IRS, 0, 0);
  say(&r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK_COOKIE);
  hear_cookie(&r, 0);
  say(&r, TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_KEEPALIVE);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_DATA);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 102, IRS + 1, 0, TCT_WHY_ACK_SECOND);
  assert_bites(&r, TCT_SIM_I7);
}

static void i8__sends_again_what_is_acknowledged__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_DATA);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_RTO);
  hear(&r, TCT_ACK, IRS + 1, ISS + 101, 0);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_RTO);
  assert_bites(&r, TCT_SIM_I8);
}

static void hear_sack(struct rig *r) {
  tct_seg g = to_peer(TCT_ACK, IRS + 1, ISS + 1, 0);
  g.n_sack = 1;
  g.sack[0][0] = ISS + 101;
  g.sack[0][1] = ISS + 301;
  hear_seg(r, &g, TCT_ACCEPTED);
}

static void i8__sends_again_what_is_sacked__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  for (uint32_t i = 0; i < 3; i++)
    say(&r, TCT_ACK, ISS + 1 + 100 * i, IRS + 1, 100, TCT_WHY_DATA);
  hear_sack(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_FAST_REXMIT);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 201, IRS + 1, 100, TCT_WHY_FAST_REXMIT);
  assert_bites(&r, TCT_SIM_I8);
}

static void i8__sends_again_what_is_sacked_without_memory__passes(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  for (uint32_t i = 0; i < 3; i++)
    say(&r, TCT_ACK, ISS + 1 + 100 * i, IRS + 1, 100, TCT_WHY_DATA);
  tct_sim_fault_note(r.w, TCT_SIM_FAULT_ALLOC_FAILURE);
  hear_sack(&r);
  say(&r, TCT_ACK, ISS + 201, IRS + 1, 100, TCT_WHY_FAST_REXMIT);
  assert_content(&r);
  tct_sim_free(r.w);
}

static void i9__beyond_the_offered_window__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 1000, TCT_WHY_DATA);
  say(&r, TCT_ACK, ISS + 1001, IRS + 1, 1, TCT_WHY_PROBE);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 1001, IRS + 1, 1, TCT_WHY_DATA);
  assert_bites(&r, TCT_SIM_I9);
}

static void i9__more_than_cwnd_in_flight__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  struct tct_tcp *c = conn_of(&r);
  struct sim_wire *w = sim_wire_find(r.h, &c->key.laddr, &c->key.raddr, c->key.lport, c->key.rport);
  tct_sim_check_switch(r.k, TCT_SIM_I12, false);
  c->snd.nxt += 40000;
  c->cc.cwnd = 14600;
  w->sent_bytes = w->new_bytes = 1460;
  step(&r);
  assert_bites(&r, TCT_SIM_I9);
}

static void i10__right_edge_goes_back__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_seg g = to_peer(TCT_ACK, ISS + 1, IRS + 1, 0);
  hear(&r, TCT_ACK, IRS + 1, ISS + 1, 0);
  send_seg(&r, &g, TCT_WHY_WINDOW);
  assert_content(&r);
  g.window_raw = 999;
  send_seg(&r, &g, TCT_WHY_WINDOW);
  assert_bites(&r, TCT_SIM_I10);
}

/* ---- I11, I12: window and timers ---- */

static void i11__less_than_a_segment__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  conn_of(&r)->cc.cwnd = 100;
  step(&r);
  assert_bites(&r, TCT_SIM_I11);
}

static void i11__two_cuts_in_one_window__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  struct tct_tcp *c = conn_of(&r);
  tct_sim_check_switch(r.k, TCT_SIM_I12, false);
  c->snd.nxt += 10000;
  c->cc.cwnd = 30000;
  step(&r);
  c->cc.ssthresh = 15000;
  c->cc.cwnd = 15000;
  step(&r);
  assert_content(&r);
  c->cc.ssthresh = 7500;
  step(&r);
  assert_bites(&r, TCT_SIM_I11);
}

static void expire(struct rig *r) {
  struct sim_conn *c = shadow_of(r);
  c->timed_out = true;
  c->heard = false;
  step(r);
}

static void i11__many_segments_after_a_time_out__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_switch(r.k, TCT_SIM_I12, false);
  conn_of(&r)->snd.nxt += 2000;
  expire(&r);
  assert_bites(&r, TCT_SIM_I11);
}

static void i12__octets_in_flight_and_no_timer__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  conn_of(&r)->snd.nxt += 10;
  step(&r);
  assert_bites(&r, TCT_SIM_I12);
}

static void set_timer(struct rig *r, uint8_t tries, tct_time wait) {
  tct_stack *s = tct_sim_host_stack(r->host[1]);
  struct tct_tcp *c = conn_of(r);
  tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, tct_now(s) + wait);
  c->tmr.tries = tries;
}

static void i12__second_wait_no_longer_than_the_first__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_switch(r.k, TCT_SIM_I11, false);
  conn_of(&r)->snd.nxt += 10;
  set_timer(&r, 1, SEC(2));
  expire(&r);
  assert_content(&r);
  set_timer(&r, 2, SEC(3));
  expire(&r);
  assert_bites(&r, TCT_SIM_I12);
}

static void i12__sample_of_what_went_twice__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  struct tct_tcp *c = conn_of(&r);
  struct sim_wire *w = sim_wire_find(r.h, &c->key.laddr, &c->key.raddr, c->key.lport, c->key.rport);
  step(&r);
  w->ts = false;
  w->again_from = c->snd.una;
  w->again_to = c->snd.una + 10;
  c->snd.una += 10;
  c->snd.nxt += 10;
  c->rtt.srtt_us8 += 8000;
  step(&r);
  assert_bites(&r, TCT_SIM_I12);
}

/* ---- I14 to I17: who speaks when ---- */

static void i14__frame_after_all_is_closed__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_sim_check_quiet(r.k, true);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 0, TCT_WHY_KEEPALIVE);
  assert_bites(&r, TCT_SIM_I14);
}

static void i14__data_while_all_are_quiet__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_sim_check_quiet(r.k, false);
  say(&r, TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_KEEPALIVE);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 1, TCT_WHY_DATA);
  assert_bites(&r, TCT_SIM_I14);
}

static void i15__bare_acks_without_end__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  for (unsigned i = 0; i < 2000 && tct_sim_check_failed(r.k) == NULL; i++) {
    hear(&r, TCT_ACK, IRS + 1, ISS + 1, 0);
    say(&r, TCT_ACK, ISS + 1, IRS + 1, 0, TCT_WHY_ACK_OLD);
  }
  assert_bites(&r, TCT_SIM_I15);
}

static void do_nothing(void *ctx) {
  struct rig *r = ctx;
  tct_sim_at(r->w, tct_sim_now(r->w), do_nothing, r);
}

static void i15__instant_that_does_not_end__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  r.w->steps = SIM_STEPS_PER_INSTANT_MAX - 1000;
  tct_sim_at(r.w, 0, do_nothing, &r);
  for (unsigned i = 0; i < 2; i++)
    sim_world_count_step(r.w);
  r.w->steps = SIM_STEPS_PER_INSTANT_MAX + 1;
  sim_check_stuck(r.w);
  assert_bites(&r, TCT_SIM_I15);
}

static void i16__more_replies_than_segments__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  for (unsigned i = 0; i < 4; i++) /* two segments came, of four replies one was the SYN,ACK */
    say(&r, TCT_ACK, ISS + 1, IRS + 1, 0, TCT_WHY_ACK_OLD);
  assert_content(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 0, TCT_WHY_ACK_OLD);
  assert_bites(&r, TCT_SIM_I16);
}

static void i16__reset_answers_a_reset__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  hear(&r, TCT_RST, 1, 0, 0);
  say(&r, TCT_RST, 1, 0, 0, TCT_WHY_RST_NO_SOCKET);
  assert_bites(&r, TCT_SIM_I16);
}

static void i17__three_cookies_for_one_syn__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  hear(&r, TCT_SYN, IRS, 0, 0);
  say(&r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK_COOKIE);
  assert_content(&r);
  say(&r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK_COOKIE);
  assert_bites(&r, TCT_SIM_I17);
}

static void i17__syn_acks_without_end__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  hear(&r, TCT_SYN, IRS, 0, 0);
  for (unsigned i = 0; i < 400 && tct_sim_check_failed(r.k) == NULL; i++)
    say(&r, TCT_SYN | TCT_ACK, ISS, IRS + 1, 0, TCT_WHY_SYN_ACK_REXMIT);
  assert_bites(&r, TCT_SIM_I17);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(i7__acknowledges_less_than_before__bites),
      cmocka_unit_test(i7__acknowledges_what_never_came__bites),
      cmocka_unit_test(i7__leaves_out_numbers__bites),
      cmocka_unit_test(i7__data_after_its_fin__bites),
      cmocka_unit_test(i7__una_goes_back__bites),
      cmocka_unit_test(i7__cookie_comes_twice__begins_anew_and_bites),
      cmocka_unit_test(i7__keepalive_behind_a_cookie__has_an_older_number),
      cmocka_unit_test(i8__sends_again_what_is_acknowledged__bites),
      cmocka_unit_test(i8__sends_again_what_is_sacked__bites),
      cmocka_unit_test(i8__sends_again_what_is_sacked_without_memory__passes),
      cmocka_unit_test(i9__beyond_the_offered_window__bites),
      cmocka_unit_test(i9__more_than_cwnd_in_flight__bites),
      cmocka_unit_test(i10__right_edge_goes_back__bites),
      cmocka_unit_test(i11__less_than_a_segment__bites),
      cmocka_unit_test(i11__two_cuts_in_one_window__bites),
      cmocka_unit_test(i11__many_segments_after_a_time_out__bites),
      cmocka_unit_test(i12__octets_in_flight_and_no_timer__bites),
      cmocka_unit_test(i12__second_wait_no_longer_than_the_first__bites),
      cmocka_unit_test(i12__sample_of_what_went_twice__bites),
      cmocka_unit_test(i14__frame_after_all_is_closed__bites),
      cmocka_unit_test(i14__data_while_all_are_quiet__bites),
      cmocka_unit_test(i15__bare_acks_without_end__bites),
      cmocka_unit_test(i15__instant_that_does_not_end__bites),
      cmocka_unit_test(i16__more_replies_than_segments__bites),
      cmocka_unit_test(i16__reset_answers_a_reset__bites),
      cmocka_unit_test(i17__three_cookies_for_one_syn__bites),
      cmocka_unit_test(i17__syn_acks_without_end__bites),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
