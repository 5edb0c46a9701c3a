/* SPDX-License-Identifier: MIT */
/*
 * Which deadlines there are, when they come, and when everything ends: retransmission, R1 and R2,
 * user time-out, persist, override, FIN-WAIT-2. All in virtual time, by the stack's own deadlines.
 */
#include "test/lib/at.h"

#define STRICT(st) ((struct at_how){.state = (st), .strict = true})

/* The next segment's time since the one before, in ms. */
static uint64_t gap_ms(struct at *a, tct_time max_ns) {
  tct_time before = a->now;
  (void)at_wait(a, max_ns);
  return (a->now - before) / TCT_MS(1);
}

/* ---- retransmission -------------------------------------------------------------------------- */

/* [RFC9293 MUST-19] [RFC9293 MUST-20] [RFC9293 SHLD-9] [RFC9293 SHLD-10] [RFC9293 SHLD-11] */
static void data_never_acknowledged__schedule__doubles_reports_at_r1_and_ends_at_r2(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_lose(&a));
  tct_time start = a.now;
  static const uint64_t want[] = {1000,  2000,  4000,  8000,  16000, 32000, 60000, 60000,
                                  60000, 60000, 60000, 60000, 60000, 60000, 60000};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(want); i++) {
    tct_time before = a.now;
    while (at_lose(&a) == NULL) {
      a.now = tct_deadline(a.s);
      tct_advance(a.s, a.now);
    }
    assert_int_equal((a.now - before) / TCT_MS(1), want[i]);
    assert_int_equal(a.why, TCT_WHY_RTO);
    assert_int_equal(a.got.len, 100);
    uint32_t news = at_events(&a);
    assert_int_equal((news & TCT_EV_SOFT_ERROR) != 0, i == 2); /* the third one: R1 */
  }
  assert_true(a.now - start >= TCT_S(100));
  at_silent(&a, TCT_S(200));
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.err, TCT_ETIMEDOUT);
  assert_int_equal(a.closed_why, TCT_WHY_REXMIT_TIMEOUT);
  at_end(&a);
}

/* [RFC9293 MUST-22] [RFC9293 MUST-23] */
static void syn_never_answered__strict__is_tried_for_three_minutes(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_SYN_SENT, .strict = true, .ipv6 = ipv6 != 0});
    tct_time start = a.now, last = a.now;
    uint64_t gap_before = 0;
    while (at_state(&a) == TCT_SYN_SENT) {
      const tct_seg *g = at_lose(&a);
      if (g != NULL) {
        uint64_t gap = (a.now - last) / TCT_MS(1);
        assert_int_equal(g->flags, TCT_SYN);
        assert_true(gap == 2 * gap_before || gap_before == 0 || gap == 60000);
        gap_before = gap;
        last = a.now;
        continue;
      }
      a.now = tct_deadline(a.s);
      tct_advance(a.s, a.now);
    }
    assert_true(last - start >= TCT_S(180));
    (void)at_events(&a);
    assert_int_equal(a.err, TCT_ETIMEDOUT);
    assert_int_equal(a.closed_why, TCT_WHY_SYN_TIMEOUT);
    at_end(&a);
  }
}

static void ack_of_all__timer__stops(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  AT_IN(&a, .len = 0);
  at_silent(&a, TCT_S(10000));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  at_end(&a);
}

/* RFC 6298 5.3: from the ACK on, not from the first transmission. */
static void ack_of_part__timer__starts_anew(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 2000);
  assert_non_null(at_out(&a));
  assert_non_null(at_lose(&a));
  a.now += TCT_MS(900);
  tct_advance(a.s, a.now);
  AT_IN(&a, .len = 0);
  tct_info i = at_info(&a);
  uint64_t gap = gap_ms(&a, TCT_S(10));
  assert_int_equal(gap, i.rto / 1000);
  assert_true(gap >= 1000);
  at_end(&a);
}

/* A late process must not look like a slow network: input never fires a timer. */
static void process_woke_late__ack_is_already_there__nothing_is_resent(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  a.now += TCT_S(5); /* the time-out has long passed */
  AT_IN(&a, .len = 0);
  tct_advance(a.s, a.now);
  at_quiet(&a);
  assert_int_equal(at_info(&a).total_retrans, 0);
  at_end(&a);
}

/* RTT by the frame's own arrival, not by when the process looked. */
static void frame_arrived_earlier__sample__uses_its_own_time(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  tct_seg t = at_template(&a);
  static uint8_t buf[SEG_PACKET_MAX];
  struct seg_diff d = {0};
  size_t len = seg_make(&t, &d, buf);
  tct_iov v = {buf, len};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)len, .at = a.now + TCT_MS(20)};
  a.now += TCT_MS(700);
  tct_input(a.s, a.ifc, &f, 1, a.now);
  tct_info i = at_info(&a);
  assert_true(i.rtt <= 20000);
  at_end(&a);
}

/* [RFC9293 EP-50] [RFC9293 MUST-18] */
static void resent_data_acknowledged__backoff__stays_until_new_data_is(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_lose(&a));
  assert_int_equal(gap_ms(&a, TCT_S(10)), 1000);
  AT_IN(&a, .len = 0); /* of the repeat: says nothing about time */
  at_write(&a, 100);
  assert_non_null(at_lose(&a));
  assert_int_equal(gap_ms(&a, TCT_S(10)), 2000);
  AT_IN(&a, .len = 0);
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  AT_IN(&a, .len = 0); /* went once: a clean sample */
  at_write(&a, 100);
  assert_non_null(at_lose(&a));
  assert_int_equal(gap_ms(&a, TCT_S(10)), 1000);
  at_end(&a);
}

/* ---- user time-out --------------------------------------------------------------------------- */

/* [RFC9293 MUST-21] [RFC9293 EP-42] */
static void user_timeout_set__silent_peer__ends_at_that_time(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_set(&a, TCT_OPT_USER_TIMEOUT_MS, 10000);
  at_write(&a, 100);
  at_pass(&a, TCT_MS(9900));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  at_pass(&a, TCT_MS(200));
  assert_int_equal(at_state(&a), TCT_CLOSED);
  (void)at_events(&a);
  assert_int_equal(a.err, TCT_ETIMEDOUT);
  assert_int_equal(a.closed_why, TCT_WHY_USER_TIMEOUT);
  at_end(&a);
}

static void give_up_after_100_s(tct_config *c) {
  c->r2_ms = 100000;
}

/* [RFC9293 MUST-20] [RFC9293 SHLD-11] The stack's own R2 by time. */
static void r2_ms_configured__silent_peer__ends_at_the_next_time_out(void **state) {
  (void)state;
  struct at a;
  struct at_how how = STRICT(TCT_ESTABLISHED);
  how.config = give_up_after_100_s;
  at_start(&a, how);
  at_write(&a, 100);
  at_pass(&a, TCT_S(99));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  at_pass(&a, TCT_S(61));
  assert_int_equal(at_state(&a), TCT_CLOSED);
  (void)at_events(&a);
  assert_int_equal(a.err, TCT_ETIMEDOUT);
  assert_int_equal(a.closed_why, TCT_WHY_REXMIT_TIMEOUT);
  at_end(&a);
}

/* [RFC9293 MUST-21] */
static void user_timeout_endless__silent_peer__is_tried_for_days(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_set(&a, TCT_OPT_USER_TIMEOUT_MS, UINT32_MAX);
  at_write(&a, 100);
  at_pass(&a, TCT_S(5u * 86400u));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  assert_int_equal(gap_ms(&a, TCT_S(61)) <= 60000, 1);
  at_end(&a);
}

/* RFC 5482 4: each new piece of progress starts it anew. */
static void user_timeout_set__peer_acknowledges_bit_by_bit__connection_lives(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_set(&a, TCT_OPT_USER_TIMEOUT_MS, 3000);
  at_write(&a, 5000);
  for (unsigned i = 0; i < 5; i++) {
    while (at_lose(&a) != NULL)
      ;
    at_pass(&a, TCT_MS(2500));
    a.peer.rcv_nxt += 1000;
    AT_IN(&a, .len = 0);
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  }
  at_end(&a);
}

static void user_timeout_set__unanswered_syn__ends_then(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_SYN_SENT));
  at_set(&a, TCT_OPT_USER_TIMEOUT_MS, 4000);
  at_pass(&a, TCT_S(15));
  assert_int_equal(at_state(&a), TCT_CLOSED);
  (void)at_events(&a);
  assert_int_equal(a.err, TCT_ETIMEDOUT);
  at_end(&a);
}

/* ---- a closed window ------------------------------------------------------------------------- */

/* The peer shuts its window with everything acknowledged and data waiting. */
static void shut_window(struct at *a) {
  at_start(a, STRICT(TCT_ESTABLISHED));
  a->peer.window = 0;
  AT_IN(a, .len = 0);
  at_write(a, 500);
}

/* [RFC9293 MUST-36] [RFC9293 SHLD-29] [RFC9293 SHLD-30] [RFC9293 MUST-37] [RFC9293 SHLD-17] */
static void window_shut__probes__first_after_rto_then_doubling_for_hours(void **state) {
  (void)state;
  struct at a;
  shut_window(&a);
  uint64_t want = 1000;
  tct_time start = a.now;
  while (a.now - start < TCT_S(7200)) {
    assert_int_equal(gap_ms(&a, TCT_S(61)), want);
    assert_int_equal(a.why, TCT_WHY_PROBE);
    assert_int_equal(a.got.len, 1);
    assert_int_equal(a.got.seq, a.peer.irs + 1);
    a.peer.rcv_nxt = a.peer.irs + 1; /* refused */
    AT_IN(&a, .len = 0);
    want = want * 2 > 60000 ? 60000 : want * 2;
  }
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  a.peer.window = 5000;
  AT_IN(&a, .len = 0);
  const tct_seg *g = at_out(&a);
  assert_non_null(g);
  assert_int_equal(g->seq, a.peer.irs + 1);
  (void)at_drain(&a);
  AT_IN(&a, .len = 0);
  (void)at_drain(&a);
  assert_int_equal(a.peer.rcv_nxt, a.peer.irs + 1 + 500);
  at_end(&a);
}

/* [RFC9293 MUST-37] is about peers that answer; one that is silent is dead. */
static void window_shut__peer_silent__ends_at_r2(void **state) {
  (void)state;
  struct at a;
  shut_window(&a);
  at_pass(&a, TCT_S(100));
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  at_pass(&a, TCT_S(3600));
  assert_int_equal(at_state(&a), TCT_CLOSED);
  at_end(&a);
}

/* [RFC9293 MUST-35] [RFC9293 MUST-34] */
static void window_pulled_to_zero__data_in_flight__is_probed(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 3000);
  while (at_lose(&a) != NULL)
    ;
  a.peer.window = 0;
  AT_IN(&a, .len = 0);
  (void)at_wait(&a, TCT_S(61));
  assert_int_equal(a.why, TCT_WHY_PROBE);
  assert_int_equal(a.got.len, 1);
  a.peer.rcv_nxt = a.peer.irs + 1;
  for (unsigned i = 0; i < 30; i++) { /* more than R2 */
    AT_IN(&a, .len = 0);
    (void)at_wait(&a, TCT_S(61));
    a.peer.rcv_nxt = a.peer.irs + 1;
    assert_int_equal(a.got.len, 1);
  }
  a.peer.window = 65535;
  AT_IN(&a, .len = 0);
  for (unsigned i = 0; i < 20 && a.peer.rcv_nxt != a.peer.irs + 3001; i++) {
    (void)at_wait(&a, TCT_S(61));
    AT_IN(&a, .len = 0);
  }
  assert_int_equal(a.peer.rcv_nxt, a.peer.irs + 3001);
  at_end(&a);
}

/* [RFC9293 MUST-38] The override: 0.1 to 1 s after a silly window was all there was. */
static void window_barely_open__override__sends_what_fits_within_a_second(void **state) {
  (void)state;
  for (unsigned strict = 0; strict < 2; strict++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = strict != 0});
    a.peer.window = 10;
    AT_IN(&a, .len = 0);
    at_write(&a, 3000);
    uint64_t gap = gap_ms(&a, TCT_S(2));
    assert_true(gap >= 100 && gap <= 1000);
    assert_int_equal(a.why, TCT_WHY_SWS_OVERRIDE);
    assert_int_equal(a.got.len, 10);
    at_end(&a);
  }
}

/* ---- the rest -------------------------------------------------------------------------------- */

static void cork__remnant__leaves_after_200_ms(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_set(&a, TCT_OPT_CORK, 1);
  at_write(&a, 300);
  at_quiet(&a);
  assert_int_equal(gap_ms(&a, TCT_S(1)), 200);
  assert_int_equal(a.got.len, 300);
  at_write(&a, 300);
  at_quiet(&a);
  at_set(&a, TCT_OPT_CORK, 0);
  AT_IN(&a, .len = 0);
  assert_non_null(at_out(&a));
  at_end(&a);
}

static void fin_wait_2__orphan_only__ends_after_its_time(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_FIN_WAIT_2));
  at_silent(&a, TCT_S(100000)); /* half closed by shutdown: the peer may take for ever */
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  at_silent(&a, TCT_S(59));
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  at_silent(&a, TCT_S(2));
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.closed_why, TCT_WHY_FIN_WAIT_2_TIMEOUT);
  AT_IN(&a, .flags = TCT_FIN); /* a stranger by now */
  assert_non_null(at_out(&a));
  assert_true((a.got.flags & TCT_RST) != 0);
  at_end(&a);
}

/* Nothing to wait for: the wheel may hold an old node or two, but not for ever. */
static void idle_connection__deadlines__run_out(void **state) {
  (void)state;
  struct at a;
  unsigned wakes = 0;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  AT_IN(&a, .len = 200);
  (void)at_read(&a, 200);
  (void)at_wait(&a, TCT_S(1)); /* the delayed ACK */
  while (tct_deadline(a.s) != TCT_NEVER && wakes++ < 100) {
    a.now = tct_deadline(a.s) > a.now ? tct_deadline(a.s) : a.now;
    tct_advance(a.s, a.now);
    at_quiet(&a);
  }
  assert_true(wakes < 10);
  at_end(&a);
}

/* Time may come in any steps: one giant one fires what is due, once. */
static void one_giant_step__advance__fires_once_and_goes_on(void **state) {
  (void)state;
  struct at a;
  at_start(&a, STRICT(TCT_ESTABLISHED));
  at_write(&a, 100);
  assert_non_null(at_lose(&a));
  a.now += TCT_S(1000);
  tct_advance(a.s, a.now);
  assert_non_null(at_lose(&a));
  assert_int_equal(a.why, TCT_WHY_RTO);
  at_quiet(&a);
  assert_int_equal(gap_ms(&a, TCT_S(10)), 2000);
  tct_advance(a.s, TCT_S(1)); /* back: taken as the last time */
  at_quiet(&a);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(data_never_acknowledged__schedule__doubles_reports_at_r1_and_ends_at_r2),
      cmocka_unit_test(syn_never_answered__strict__is_tried_for_three_minutes),
      cmocka_unit_test(ack_of_all__timer__stops),
      cmocka_unit_test(ack_of_part__timer__starts_anew),
      cmocka_unit_test(process_woke_late__ack_is_already_there__nothing_is_resent),
      cmocka_unit_test(frame_arrived_earlier__sample__uses_its_own_time),
      cmocka_unit_test(resent_data_acknowledged__backoff__stays_until_new_data_is),
      cmocka_unit_test(user_timeout_set__silent_peer__ends_at_that_time),
      cmocka_unit_test(r2_ms_configured__silent_peer__ends_at_the_next_time_out),
      cmocka_unit_test(user_timeout_endless__silent_peer__is_tried_for_days),
      cmocka_unit_test(user_timeout_set__peer_acknowledges_bit_by_bit__connection_lives),
      cmocka_unit_test(user_timeout_set__unanswered_syn__ends_then),
      cmocka_unit_test(window_shut__probes__first_after_rto_then_doubling_for_hours),
      cmocka_unit_test(window_shut__peer_silent__ends_at_r2),
      cmocka_unit_test(window_pulled_to_zero__data_in_flight__is_probed),
      cmocka_unit_test(window_barely_open__override__sends_what_fits_within_a_second),
      cmocka_unit_test(cork__remnant__leaves_after_200_ms),
      cmocka_unit_test(fin_wait_2__orphan_only__ends_after_its_time),
      cmocka_unit_test(idle_connection__deadlines__run_out),
      cmocka_unit_test(one_giant_step__advance__fires_once_and_goes_on),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
