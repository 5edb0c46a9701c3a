/* SPDX-License-Identifier: MIT */
/* The next segment, and why, in each situation; and that asking changes nothing. */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

/* The plan, asked twice: it is pure. */
static struct tct_tcp_plan plan(struct leaf *f) {
  struct tct_tcp_plan p, again;
  struct tct_tcp c = f->c;
  struct tct_tcp_active a = f->a;
  tct_tcp_plan(&f->s, &f->c, &p);
  tct_tcp_plan(&f->s, &f->c, &again);
  assert_memory_equal(&p, &again, sizeof p);
  assert_memory_equal(&c, &f->c, sizeof c);
  assert_memory_equal(&a, &f->a, sizeof a);
  assert_int_equal(tct_tcp_plan_is_idle(&f->s, &f->c), p.why == TCT_WHY_NONE);
  return p;
}

static void is(const struct tct_tcp_plan *p, tct_why why, tct_seq seq, uint32_t len,
               uint8_t flags) {
  if (p->why != why)
    fail_msg("%s instead of %s", tct_why_name(p->why), tct_why_name(why));
  assert_int_equal(p->seq, seq);
  assert_int_equal(p->len, len);
  assert_int_equal(p->flags, flags);
}

static void quiet_connection__plan__is_nothing(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  assert_int_equal(plan(&f).why, TCT_WHY_NONE);
  leaf_end(&f);
}

static void states_that_cannot_speak__plan__is_nothing(void **state) {
  (void)state;
  static const tct_state mute[] = {TCT_CLOSED, TCT_LISTEN, TCT_TIME_WAIT};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(mute); i++) {
    struct leaf f;
    leaf_init(&f, true);
    leaf_queue(&f, 5000);
    f.c.rcv.debts = 3;
    f.c.state = (uint8_t)mute[i];
    assert_int_equal(plan(&f).why, TCT_WHY_NONE);
    leaf_end(&f);
  }
}

static void opening__syn_due__syn_first_and_again(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.state = TCT_SYN_SENT;
  f.c.snd.una = LEAF_ISS;
  f.c.open = 0;
  leaf_queue(&f, 100); /* waits for the handshake */
  struct tct_tcp_plan p = plan(&f);
  assert_int_equal(p.why, TCT_WHY_NONE);
  f.c.tmr.due = TCT_DUE_SYN;
  p = plan(&f);
  is(&p, TCT_WHY_SYN, LEAF_ISS, 0, TCT_SYN);
  f.c.open = TCT_OPEN_SYN_LOST;
  p = plan(&f);
  is(&p, TCT_WHY_SYN_REXMIT, LEAF_ISS, 0, TCT_SYN);
  assert_true(p.resend);
  f.c.state = TCT_SYN_RECEIVED; /* [RFC9293 MUST-10] with the original number */
  f.c.open = 0;
  p = plan(&f);
  is(&p, TCT_WHY_SYN_ACK, LEAF_ISS, 0, TCT_SYN | TCT_ACK);
  leaf_end(&f);
}

/* [RFC9293 MUST-61] [RFC9293 SHLD-27] [RFC9293 SHLD-28] */
static void three_segments_queued__plan__full_ones_and_push_on_the_last(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 2500);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST, 1000, TCT_ACK);
  leaf_sent(&f, 1000);
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 1000, 1000, TCT_ACK);
  leaf_sent(&f, 1000);
  f.c.snd.flags |= TCT_SND_NODELAY;
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 2000, 500, TCT_ACK | TCT_PSH);
  leaf_end(&f);
}

static void offload__full_new_segments__go_as_one_frame_within_its_limits(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.ifc.cfg.gso_max_segs = 4;
  f.ifc.cfg.gso_max_bytes = 65536;
  leaf_queue(&f, 6500);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST, 4000, TCT_ACK);
  assert_int_equal(p.seg_size, 1000);
  f.ifc.cfg.gso_max_bytes = 2500;
  p = plan(&f);
  assert_int_equal(p.len, 2000);
  f.c.cc.cwnd = 1500; /* a short rest of the window is no reason for a short segment */
  p = plan(&f);
  assert_int_equal(p.len, 1000);
  assert_int_equal(p.seg_size, 0);
  leaf_end(&f);
}

static void cwnd_full__new_data__waits(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 20000);
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(&f, 1000);
  assert_int_equal(plan(&f).why, TCT_WHY_NONE);
  f.a.rec.phase = TCT_REC_DISORDER;
  f.a.rec.dupacks = 1; /* RFC 3042: one arrived, one may go */
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_LIMITED_TRANSMIT, FIRST + 10000, 1000, TCT_ACK);
  leaf_end(&f);
}

static void fin_wanted__with_and_without_data__rides_on_the_last_segment(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.state = TCT_FIN_WAIT_1;
  f.c.snd.flags |= TCT_SND_FIN_WANTED;
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_FIN, FIRST, 0, TCT_FIN | TCT_ACK);
  leaf_queue(&f, 1500);
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST, 1000, TCT_ACK);
  leaf_sent(&f, 1000);
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 1000, 500, TCT_FIN | TCT_ACK | TCT_PSH);
  f.c.snd.wnd = 1500; /* room for the bytes alone */
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 1000, 500, TCT_ACK | TCT_PSH);
  leaf_end(&f);
}

static void debts_and_merged_ack__plan__one_each_then_one_for_all(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_recv_owe_segments(&f.c, TCT_WHY_ACK_DUP, 2);
  for (unsigned i = 0; i < 2; i++) {
    struct tct_tcp_plan p = plan(&f);
    is(&p, TCT_WHY_ACK_DUP, FIRST, 0, TCT_ACK);
    assert_true(p.pays_debt);
    tct_tcp_recv_pay_debt(&f.c);
  }
  tct_tcp_recv_ack_now(&f.c, TCT_WHY_ACK_SECOND);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_ACK_SECOND, FIRST, 0, TCT_ACK);
  leaf_queue(&f, 100); /* [RFC9293 EP-34] data carries it */
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST, 100, TCT_ACK | TCT_PSH);
  leaf_end(&f);
}

static void window_opened__plan__tells_it(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.rcv.flags |= TCT_RCV_WINDOW;
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_WINDOW, FIRST, 0, TCT_ACK);
  leaf_end(&f);
}

/* [RFC9293 MUST-36] */
static void probe_due__plan__one_byte_of_what_waits_or_the_fin(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.snd.wnd = 0;
  f.c.snd.flags |= TCT_SND_PROBE_DUE;
  leaf_queue(&f, 5000);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_PROBE, FIRST, 1, TCT_ACK);
  assert_false(p.resend);
  leaf_sent(&f, 1);
  f.c.snd.flags |= TCT_SND_PROBE_DUE;
  p = plan(&f);
  is(&p, TCT_WHY_PROBE, FIRST, 1, TCT_ACK);
  assert_true(p.resend);
  leaf_end(&f);
  leaf_init(&f, true);
  f.c.state = TCT_FIN_WAIT_1;
  f.c.snd.wnd = 0;
  f.c.snd.flags |= TCT_SND_PROBE_DUE | TCT_SND_FIN_WANTED;
  p = plan(&f);
  is(&p, TCT_WHY_PROBE, FIRST, 0, TCT_FIN | TCT_ACK);
  leaf_end(&f);
}

/* [RFC9293 SHLD-12] [RFC9293 MAY-6] */
static void keepalive_due__plan__one_below_the_window_and_empty(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.tmr.due = TCT_DUE_KEEPALIVE;
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_KEEPALIVE, FIRST - 1, 0, TCT_ACK);
  f.x.keep_garbage = 1;
  p = plan(&f);
  is(&p, TCT_WHY_KEEPALIVE, FIRST - 1, 1, TCT_ACK);
  assert_true(p.probe_byte);
  leaf_end(&f);
}

static void no_memory_for_runs__fin_due_again__goes_from_conn_alone(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.active = NULL;
  f.c.state = TCT_FIN_WAIT_1;
  f.c.snd.flags |= TCT_SND_FIN_WANTED;
  struct tct_tcp_plan p;
  tct_tcp_plan(&f.s, &f.c, &p);
  is(&p, TCT_WHY_FIN, FIRST, 0, TCT_FIN | TCT_ACK);
  f.c.snd.nxt++;
  f.c.snd.flags |= TCT_SND_FIN_SENT;
  tct_tcp_plan(&f.s, &f.c, &p);
  assert_int_equal(p.why, TCT_WHY_NONE);
  f.c.tmr.due = TCT_DUE_FIN;
  tct_tcp_plan(&f.s, &f.c, &p);
  is(&p, TCT_WHY_FIN_REXMIT, FIRST, 0, TCT_FIN | TCT_ACK);
  f.c.active = &f.a;
  f.a.tx.begin = f.a.tx.end = FIRST;
  leaf_end(&f);
}

/* [RFC9293 SHLD-16] [RFC9293 EP-43] Inside the window that is left, lowest first, at the old cuts.
 */
static void lost_runs__plan__lowest_first_within_the_window(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_sent(&f, 700);
  leaf_sent(&f, 1000);
  leaf_sent(&f, 1000);
  f.a.rec.why = TCT_WHY_RTO;
  tct_tcp_sack_mark_lost(&f.s, &f.c, FIRST, f.c.snd.nxt);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_RTO, FIRST, 700, TCT_ACK | TCT_PSH);
  tct_tcp_recover_on_resent(&f.s, &f.c, FIRST, FIRST + 700, TCT_WHY_RTO);
  f.c.snd.wnd = 1200;
  p = plan(&f);
  is(&p, TCT_WHY_RTO, FIRST + 700, 500, TCT_ACK);
  f.c.snd.wnd = 700;
  assert_int_equal(plan(&f).why, TCT_WHY_NONE);
  leaf_end(&f);
}

/* RFC 5681 3.2, RFC 6937 3: a repair, too, waits for room in the window. */
static void pipe_above_cwnd__lost_segments__go_as_there_is_room(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  for (unsigned i = 0; i < 10; i++)
    leaf_sent(&f, 1000);
  f.c.open |= TCT_OPEN_SACK;
  f.c.cc.cwnd = 8999;
  f.a.rec.why = TCT_WHY_FAST_REXMIT;
  tct_tcp_sack_mark_lost(&f.s, &f.c, FIRST, FIRST + 2000);
  assert_int_equal(plan(&f).why, TCT_WHY_NONE);
  f.c.cc.cwnd = 9000;
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_FAST_REXMIT, FIRST, 1000, TCT_ACK | TCT_PSH);
  tct_tcp_recover_on_resent(&f.s, &f.c, FIRST, FIRST + 1000, TCT_WHY_FAST_REXMIT);
  assert_int_equal(plan(&f).why, TCT_WHY_NONE);
  leaf_end(&f);
}

static void lost_fin__plan__goes_with_its_data_or_alone(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.state = TCT_FIN_WAIT_1;
  f.c.snd.flags |= TCT_SND_FIN_WANTED;
  leaf_queue(&f, 500);
  tct_tcp_send_on_sent(&f.s, &f.c, FIRST, FIRST + 501, true);
  tct_tcp_sack_on_sent(&f.s, &f.c, FIRST, FIRST + 501, 500);
  f.a.rec.why = TCT_WHY_RTO;
  tct_tcp_sack_mark_lost(&f.s, &f.c, FIRST, FIRST + 501);
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_RTO, FIRST, 500, TCT_FIN | TCT_ACK | TCT_PSH);
  struct tct_tcp_ack ack = {0};
  tct_tcp_sack_on_ack(&f.c, FIRST + 500, &ack);
  f.c.snd.una = FIRST + 500;
  tct_queue_consume_to(&f.a.tx, &f.s.chunks, FIRST + 500);
  p = plan(&f);
  is(&p, TCT_WHY_FIN_REXMIT, FIRST + 500, 0, TCT_FIN | TCT_ACK);
  leaf_end(&f);
}

/* [RFC9293 MUST-62] [RFC9293 MUST-30] URG for as long as urgent octets lie ahead. */
static void urgent_data_queued__plan__carries_urg_up_to_its_end(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 3000);
  f.c.snd.flags |= TCT_SND_URGENT;
  f.x.snd_up = FIRST + 1500;
  struct tct_tcp_plan p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST, 1000, TCT_ACK | TCT_URG);
  leaf_sent(&f, 1000);
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 1000, 1000, TCT_ACK | TCT_URG);
  leaf_sent(&f, 1000);
  p = plan(&f);
  is(&p, TCT_WHY_DATA, FIRST + 2000, 1000, TCT_ACK | TCT_PSH);
  leaf_end(&f);
}

static void interface_that_cuts__urgent_data__goes_one_by_one(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.ifc.cfg.gso_max_segs = 8;
  f.ifc.cfg.gso_max_bytes = 65536;
  leaf_queue(&f, 3000);
  f.c.snd.flags |= TCT_SND_URGENT;
  f.x.snd_up = FIRST + 1500;
  struct tct_tcp_plan p = plan(&f);
  assert_int_equal(p.len, 1000);
  assert_int_equal(p.seg_size, 0);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(quiet_connection__plan__is_nothing),
      cmocka_unit_test(states_that_cannot_speak__plan__is_nothing),
      cmocka_unit_test(opening__syn_due__syn_first_and_again),
      cmocka_unit_test(three_segments_queued__plan__full_ones_and_push_on_the_last),
      cmocka_unit_test(offload__full_new_segments__go_as_one_frame_within_its_limits),
      cmocka_unit_test(cwnd_full__new_data__waits),
      cmocka_unit_test(fin_wanted__with_and_without_data__rides_on_the_last_segment),
      cmocka_unit_test(debts_and_merged_ack__plan__one_each_then_one_for_all),
      cmocka_unit_test(window_opened__plan__tells_it),
      cmocka_unit_test(probe_due__plan__one_byte_of_what_waits_or_the_fin),
      cmocka_unit_test(keepalive_due__plan__one_below_the_window_and_empty),
      cmocka_unit_test(no_memory_for_runs__fin_due_again__goes_from_conn_alone),
      cmocka_unit_test(lost_runs__plan__lowest_first_within_the_window),
      cmocka_unit_test(pipe_above_cwnd__lost_segments__go_as_there_is_room),
      cmocka_unit_test(lost_fin__plan__goes_with_its_data_or_alone),
      cmocka_unit_test(urgent_data_queued__plan__carries_urg_up_to_its_end),
      cmocka_unit_test(interface_that_cuts__urgent_data__goes_one_by_one),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
