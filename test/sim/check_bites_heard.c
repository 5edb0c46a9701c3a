/* SPDX-License-Identifier: MIT */
/*
 * Does the checker bite where an end takes what it must not take, or lets pass what it must not let
 * pass? Each judgement of sim/check_heard.c and sim/check_window.c, and those of check_conn.c and
 * check_stack.c that came with them, in a case in which it must fire; some in one in which not.
 */
#include "test/sim/bites.h"

/* ---- check_heard.c: I6, I7, I31 ---- */

static void move(struct rig *r, tct_state from, tct_state to, tct_why why) {
  tct_trace t;
  memset(&t, 0, sizeof t);
  t.kind = TCT_TRACE_STATE;
  t.state_old = (uint8_t)from;
  t.state_new = (uint8_t)to;
  t.why = (uint8_t)why;
  t.local = tct_addr_ipv4(10, 0, 0, 2);
  t.remote = tct_addr_ipv4(10, 0, 0, 9);
  t.lport = PORT;
  t.rport = PEER_PORT;
  r->h->config.stack.trace(r->h, &t);
}

static void hear_from(struct rig *r, tct_seg *g, tct_state old, tct_verdict v) {
  if (old == TCT_TIME_WAIT)
    move(r, old, TCT_SYN_RECEIVED, TCT_WHY_NONE);
  else
    move(r, old, TCT_CLOSED, TCT_WHY_RESET);
  hear_seg(r, g, v);
}

static void i6__segment_without_rst_resets__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_seg g = to_peer(TCT_RST, IRS + 1, 0, 0);
  hear_from(&r, &g, TCT_ESTABLISHED, TCT_ACCEPTED);
  assert_content(&r);
  g = to_peer(TCT_ACK, IRS + 1, ISS + 1, 0);
  hear_from(&r, &g, TCT_ESTABLISHED, TCT_ACCEPTED);
  assert_bites(&r, TCT_SIM_I6);
}

static void i6__rst_within_the_window_resets__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  tct_seg g = to_peer(TCT_RST, IRS + 50, 0, 0);
  hear_seg(&r, &g, TCT_DROP_RST_CHALLENGED);
  assert_content(&r);
  hear_seg(&r, &g, TCT_ACCEPTED);
  assert_bites(&r, TCT_SIM_I6);
}

static void i6__crossing_syn_is_ignored__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  tct_seg g = to_peer(TCT_SYN | TCT_ACK, IRS, 5, 0);
  hear_seg(&r, &g, TCT_DROP_SYN_SENT_NO_SYN);
  assert_content(&r);
  g.flags = TCT_SYN;
  hear_seg(&r, &g, TCT_DROP_SYN_SENT_NO_SYN);
  assert_bites(&r, TCT_SIM_I6);
}

static void i6__old_syn_reopens__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  hear(&r, TCT_ACK | TCT_FIN, IRS + 1, ISS + 1, 100);
  hear(&r, TCT_ACK, IRS + 700, ISS + 1, 0); /* within the window, and brings nothing */
  tct_seg g = to_peer(TCT_SYN, IRS + 102, 0, 0);
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  assert_content(&r);
  g.seq = IRS + 50;
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  assert_bites(&r, TCT_SIM_I6);
}

/* The SYN's record is reset before it opens: the next SYN is judged by the life before. */
static void i6__reopening_that_failed__is_forgotten(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  hear(&r, TCT_ACK | TCT_FIN, IRS + 1, ISS + 1, 100);
  tct_seg g = to_peer(TCT_SYN, IRS + 1000, 0, 0),
          own = to_peer(TCT_SYN | TCT_ACK, ISS, IRS + 1001, 0);
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  send_seg(&r, &own, TCT_WHY_SYN_ACK);
  move(&r, TCT_SYN_RECEIVED, TCT_TIME_WAIT, TCT_WHY_RESET);
  g.seq = IRS + 500;
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  assert_content(&r);
  move(&r, TCT_SYN_RECEIVED, TCT_TIME_WAIT, TCT_WHY_RESET);
  g.seq = IRS + 50;
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  assert_bites(&r, TCT_SIM_I6);
}

static void i6__syn_with_an_old_timestamp_reopens__bites(void **state) {
  struct rig r;
  (void)state;
  make(&r);
  tct_seg g = to_peer(TCT_SYN, IRS, 0, 0), own = to_peer(TCT_SYN | TCT_ACK, ISS, IRS + 1, 0);
  g.has_ts = own.has_ts = true;
  g.tsval = 70;
  hear_seg(&r, &g, TCT_ACCEPTED);
  send_seg(&r, &own, TCT_WHY_SYN_ACK);
  g.flags = TCT_ACK;
  g.seq = IRS + 1;
  g.ack = ISS + 1;
  g.tsval = 80;
  hear_seg(&r, &g, TCT_ACCEPTED);
  g.flags = TCT_SYN;
  g.seq = IRS + 1000;
  g.ack = 0;
  g.tsval = 79;
  assert_content(&r);
  hear_from(&r, &g, TCT_TIME_WAIT, TCT_ACCEPTED);
  assert_bites(&r, TCT_SIM_I6);
}

static void i7__ack_of_what_was_never_sent_is_taken__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  say(&r, TCT_ACK, ISS + 1, IRS + 1, 100, TCT_WHY_DATA);
  hear(&r, TCT_ACK, IRS + 1, ISS + 101, 0);
  assert_content(&r);
  hear(&r, TCT_ACK, IRS + 1, ISS + 102, 0);
  assert_bites(&r, TCT_SIM_I7);
}

static void i31__forgets_what_it_has_sacked__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  hear(&r, TCT_ACK, IRS + 101, ISS + 1, 100);
  tct_seg g = to_peer(TCT_ACK, ISS + 1, IRS + 1, 0);
  g.n_sack = 1;
  g.sack[0][0] = IRS + 101;
  g.sack[0][1] = IRS + 201;
  send_seg(&r, &g, TCT_WHY_ACK_DUP);
  assert_content(&r);
  g.n_sack = 0;
  send_seg(&r, &g, TCT_WHY_ACK_DUP);
  assert_bites(&r, TCT_SIM_I31);
}

/* ---- check_window.c: I9, I12 ---- */

static struct sim_wire *wire_of(struct rig *r) {
  struct tct_tcp *c = conn_of(r);
  return sim_wire_find(r->h, &c->key.laddr, &c->key.raddr, c->key.lport, c->key.rport);
}

static void i9__old_segment_sets_the_window__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  step(&r);
  wire_of(&r)->n_heard = 1;
  wire_of(&r)->old_heard = true;
  step(&r);
  assert_content(&r);
  wire_of(&r)->n_heard = 1;
  wire_of(&r)->old_heard = true;
  conn_of(&r)->snd.wnd -= 10;
  step(&r);
  assert_bites(&r, TCT_SIM_I9);
}

static void i9__room_that_is_not_told__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  step(&r);
  shadow_of(&r)->has_read = true;
  step(&r);
  assert_content(&r);
  conn_of(&r)->rcv.edge = conn_of(&r)->rcv.nxt; /* as if it were shut, and all is read */
  shadow_of(&r)->has_read = true;
  step(&r);
  assert_bites(&r, TCT_SIM_I9);
}

static void set_timer(struct rig *r, tct_timer kind, tct_time wait) {
  tct_stack *s = tct_sim_host_stack(r->host[1]);
  tct_tcp_timer_set(s, conn_of(r), kind, tct_now(s) + wait);
}

static void i12__shut_window_that_nobody_asks_after__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  step(&r);
  conn_of(&r)->snd.wnd = 0;
  conn_of(&r)->snd.nxt += 10;
  set_timer(&r, TCT_TIMER_PERSIST, SEC(2));
  shadow_of(&r)->persisted = true;
  wire_of(&r)->probed = true;
  step(&r);
  assert_content(&r);
  shadow_of(&r)->persisted = true;
  step(&r);
  assert_bites(&r, TCT_SIM_I12);
}

static void i12__time_out_put_off_for_nothing__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  conn_of(&r)->snd.nxt += 10;
  set_timer(&r, TCT_TIMER_REXMIT, SEC(2));
  step(&r);
  wire_of(&r)->spoke = true; /* something was sent: it may be */
  set_timer(&r, TCT_TIMER_REXMIT, SEC(3));
  step(&r);
  assert_content(&r);
  set_timer(&r, TCT_TIMER_REXMIT, SEC(4));
  step(&r);
  assert_bites(&r, TCT_SIM_I12);
}

/* ---- check_conn.c ---- */

static void expire(struct rig *r, uint8_t tries, tct_time wait) {
  struct sim_conn *c = shadow_of(r);
  set_timer(r, TCT_TIMER_REXMIT, wait);
  conn_of(r)->tmr.tries = tries;
  c->timed_out = c->fired = true;
  c->heard = false;
  step(r);
}

/* RFC 6298 5.7: a SACK brings a sample that may leave mean and deviation as they are. */
static void i12__second_wait_no_longer_after_a_sack__passes(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sim_check_switch(r.k, TCT_SIM_I11, false);
  conn_of(&r)->snd.nxt += 10;
  expire(&r, 1, SEC(2));
  wire_of(&r)->sack_news = true;
  step(&r);
  expire(&r, 2, SEC(2));
  assert_content(&r);
  expire(&r, 3, SEC(2)); /* and nothing has come since */
  assert_bites(&r, TCT_SIM_I12);
}

static void i11__second_expiry_cuts_again__bites(void **state) {
  struct rig r;
  struct tct_tcp *c;
  (void)state;
  make_open(&r, 100);
  c = conn_of(&r);
  c->snd.nxt += 10;
  set_timer(&r, TCT_TIMER_REXMIT, SEC(1));
  c->cc.cwnd = c->cc.ssthresh = 20000;
  step(&r);
  c->cc.cwnd = tct_tcp_send_mss(tct_sim_host_stack(r.host[1]), c);
  c->cc.ssthresh = 10000;
  expire(&r, 1, SEC(2));
  expire(&r, 2, SEC(4));
  assert_content(&r);
  c->cc.ssthresh = 5000;
  expire(&r, 3, SEC(8));
  assert_bites(&r, TCT_SIM_I11);
}

static void i7__rcv_nxt_moves_behind_the_fin__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  step(&r);
  shadow_of(&r)->state = TCT_CLOSE_WAIT;
  step(&r);
  assert_content(&r);
  shadow_of(&r)->state = TCT_CLOSE_WAIT;
  conn_of(&r)->rcv.nxt += 1;
  step(&r);
  assert_bites(&r, TCT_SIM_I7);
}

static void i24__icmp_error_ends_an_open_connection__bites(void **state) {
  struct rig r;
  tct_trace t;
  (void)state;
  make(&r);
  memset(&t, 0, sizeof t);
  t.kind = TCT_TRACE_STATE;
  t.state_new = TCT_CLOSED;
  t.why = TCT_WHY_ICMP_UNREACHABLE;
  t.state_old = TCT_SYN_SENT;
  r.h->config.stack.trace(r.h, &t);
  assert_content(&r);
  t.state_old = TCT_ESTABLISHED;
  r.h->config.stack.trace(r.h, &t);
  assert_bites(&r, TCT_SIM_I24);
}

static void i20__old_handle_that_reaches_somebody__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  tct_sock k = r.server.app.sock, younger = {k.index, k.gen + 2};
  sim_conn_at(r.h, younger); /* the checker believes in another; the stack still has the old one */
  assert_bites(&r, TCT_SIM_I20);
}

static void i15__more_challenges_than_anybody_needs__bites(void **state) {
  struct rig r;
  (void)state;
  make_forged(&r);
  for (unsigned i = 0; i < 40 && tct_sim_check_failed(r.k) == NULL; i++) {
    hear(&r, TCT_ACK, IRS + 1, ISS + 1, 0);
    say(&r, TCT_ACK, ISS + 1, IRS + 1, 0, TCT_WHY_ACK_CHALLENGE);
  }
  assert_bites(&r, TCT_SIM_I15);
}

/* ---- check_stack.c ---- */

static void i6__time_wait_cut_short_though_there_is_room__bites(void **state) {
  struct rig r;
  (void)state;
  make_open(&r, 100);
  sim_stack_sweep(r.h);
  assert_content(&r);
  tct_sim_host_stack(r.host[1])->n.TCPTimeWaitOverflow++;
  sim_stack_sweep(r.h);
  assert_bites(&r, TCT_SIM_I6);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(i6__segment_without_rst_resets__bites),
      cmocka_unit_test(i6__rst_within_the_window_resets__bites),
      cmocka_unit_test(i6__crossing_syn_is_ignored__bites),
      cmocka_unit_test(i6__old_syn_reopens__bites),
      cmocka_unit_test(i6__reopening_that_failed__is_forgotten),
      cmocka_unit_test(i6__syn_with_an_old_timestamp_reopens__bites),
      cmocka_unit_test(i7__ack_of_what_was_never_sent_is_taken__bites),
      cmocka_unit_test(i31__forgets_what_it_has_sacked__bites),
      cmocka_unit_test(i9__old_segment_sets_the_window__bites),
      cmocka_unit_test(i9__room_that_is_not_told__bites),
      cmocka_unit_test(i12__shut_window_that_nobody_asks_after__bites),
      cmocka_unit_test(i12__time_out_put_off_for_nothing__bites),
      cmocka_unit_test(i12__second_wait_no_longer_after_a_sack__passes),
      cmocka_unit_test(i11__second_expiry_cuts_again__bites),
      cmocka_unit_test(i7__rcv_nxt_moves_behind_the_fin__bites),
      cmocka_unit_test(i24__icmp_error_ends_an_open_connection__bites),
      cmocka_unit_test(i20__old_handle_that_reaches_somebody__bites),
      cmocka_unit_test(i15__more_challenges_than_anybody_needs__bites),
      cmocka_unit_test(i6__time_wait_cut_short_though_there_is_room__bites),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
