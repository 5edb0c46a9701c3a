/* SPDX-License-Identifier: MIT */
/* tcp_ask: a listener whose application is asked before a SYN is answered. */
#include "test/unit/wire_peer.h"

static struct wire w;

static int setup(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_LINUX);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_close(&w);
  return 0;
}

static tct_sock open_asker(void) {
  wire_open(&w);
  tct_sock l = listen_on(&w, ANY, PORT, 5);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_SYN_POLICY, TCT_SYN_ASK), TCT_OK);
  return l;
}

static tct_syn_info hold(tct_sock l, uint32_t irs) {
  tct_syn_info info;
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = irs}), TCT_ACCEPTED);
  expect_silence(&w);
  assert_int_equal(events_of(&w, l, NULL), TCT_EV_SYN);
  assert_int_equal(tct_sock_ready(w.s, l), TCT_EV_SYN);
  assert_true(tct_syn_next(w.s, l, &info));
  assert_int_equal(info.remote.port, PEER_PORT);
  assert_int_equal(info.local.port, PORT);
  assert_false(tct_syn_next(w.s, l, &info));
  return info;
}

static void ask__accept__goes_on_as_always(void **state) {
  (void)state;
  tct_sock l = open_asker(), k;
  tct_syn_info info = hold(l, 500);
  assert_int_equal(counters(&w).HeldNow, 1);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 500}), TCT_DROP_SYN_HELD);
  expect_silence(&w);
  assert_int_equal(events_of(&w, l, NULL), 0);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_ACCEPT, 0), TCT_OK);
  struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(counters(&w).HeldNow, 0);
  assert_int_equal(counters(&w).HalfOpenNow, 1);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_ACCEPT, 0), TCT_ENOENT);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

static void ask__reset_unreach_drop__as_said(void **state) {
  (void)state;
  struct seg g;
  tct_sock l = open_asker();
  tct_syn_info info = hold(l, 500);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_RESET, 0), TCT_OK);
  struct seg r = expect(&w, TCT_RST | TCT_ACK);
  assert_int_equal(r.ack, 501);
  assert_int_equal(r.why, TCT_WHY_RST_REFUSED);
  info = hold(l, 600);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_UNREACH, 1), TCT_OK);
  assert_true(get(&w, &g));
  assert_true(g.is_icmp);
  assert_int_equal(g.icmp_type, 3);
  assert_int_equal(g.icmp_code, 1);
  info = hold(l, 700);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_DROP, 0), TCT_OK);
  expect_silence(&w);
  assert_int_equal(counters(&w).HeldNow, 0);
}

static void ask__no_word__forgotten_and_asked_anew(void **state) {
  (void)state;
  tct_sock l = open_asker();
  tct_syn_info info = hold(l, 500);
  pass(&w, TCT_S(4));
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 500}); /* alive: keeps its place */
  pass(&w, TCT_S(4));
  assert_int_equal(counters(&w).HeldNow, 1);
  pass(&w, TCT_S(2));
  assert_int_equal(counters(&w).HeldNow, 0);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_ACCEPT, 0), TCT_ENOENT);
  (void)hold(l, 500);
  assert_int_equal(tct_sock_close(w.s, l), TCT_OK);
  assert_int_equal(counters(&w).HeldNow, 0);
}

static void ask__flood__is_bounded_by_its_own_limit(void **state) {
  (void)state;
  tct_syn_info info;
  unsigned told = 0;
  w.cfg.limits.held = 100;
  tct_sock l = open_asker();
  for (uint16_t i = 0; i < 300; i++)
    put(&w, (struct seg){.flags = TCT_SYN, .seq = i, .sport = (uint16_t)(1 + i)});
  assert_int_equal(counters(&w).HeldNow, 100);
  assert_int_equal(tct_verdict_count(w.s, TCT_DROP_SYN_LIMIT), 200);
  while (tct_syn_next(w.s, l, &info))
    told++;
  assert_int_equal(told, 100);
  pass(&w, TCT_S(6));
  assert_int_equal(counters(&w).HeldNow, 0);
  (void)hold(l, 9);
}

static void ask__syn_with_other_number__the_question_stays_the_answer_is_new(void **state) {
  (void)state;
  tct_sock l = open_asker(), k;
  tct_syn_info info = hold(l, 500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 9000, .mss = 600}),
                   TCT_DROP_SYN_HELD);
  assert_false(tct_syn_next(w.s, l, &info));
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_ACCEPT, 0), TCT_OK);
  struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(sa.ack, 9001);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 9001, .ack = sa.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

static void ask__segments_that_answer_nothing__ack_reset_rst_ends_others_dropped(void **state) {
  (void)state;
  tct_sock l = open_asker();
  tct_syn_info info = hold(l, 500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = 7}),
                   TCT_DROP_TCP_LISTEN_ACK);
  assert_int_equal(expect(&w, TCT_RST).seq, 7);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_FIN, .seq = 501}), TCT_DROP_TCP_LISTEN_FLAGS);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 99}), TCT_DROP_RST_OUTSIDE_WINDOW);
  assert_int_equal(counters(&w).HeldNow, 1);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 501}), TCT_ACCEPTED);
  assert_int_equal(counters(&w).HeldNow, 0);
  assert_int_equal(tct_syn_answer(w.s, info.syn, TCT_SYN_ACCEPT, 0), TCT_ENOENT);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(ask__accept__goes_on_as_always),
      T(ask__reset_unreach_drop__as_said),
      T(ask__no_word__forgotten_and_asked_anew),
      T(ask__flood__is_bounded_by_its_own_limit),
      T(ask__syn_with_other_number__the_question_stays_the_answer_is_new),
      T(ask__segments_that_answer_nothing__ack_reset_rst_ends_others_dropped),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
