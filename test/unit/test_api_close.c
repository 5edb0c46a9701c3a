/* SPDX-License-Identifier: MIT */
/* CLOSE, SHUTDOWN, ABORT, drain, and how each end is told. RFC 9293 sections 3.6, 3.9.1.4, 3.9.1.5.
 */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true});
}

static bool is_stale(struct at *a) {
  return tct_sock_ready(a->s, a->k) == TCT_EBADF;
}

/* ---- how an end is told ---------------------------------------------------------------------- */

/* [RFC9293 MUST-12] */
static void peer_closes_or_resets__application__can_tell_them_apart(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 5, .flags = TCT_FIN);
  uint32_t news = at_events(&a);
  assert_true((news & TCT_EV_EOF) != 0 && (news & TCT_EV_CLOSED) == 0);
  assert_int_equal(at_read(&a, 5), 5);
  assert_int_equal(at_read(&a, 5), 0);
  at_end(&a);
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 5);
  AT_IN(&a, .flags = TCT_RST);
  news = at_events(&a);
  assert_int_equal(news & (TCT_EV_EOF | TCT_EV_CLOSED), 0); /* held back: five octets are unread */
  assert_int_equal(at_read(&a, 5), 5);
  assert_int_equal(at_read(&a, 5), TCT_ECONNRESET);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.err, TCT_ECONNRESET);
  assert_int_equal(a.closed_why, TCT_WHY_RESET);
  at_end(&a);
}

static void both_sides_done__closed__comes_once_last_and_after_reading(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_FIN_WAIT_2);
  AT_IN(&a, .len = 100, .flags = TCT_FIN);
  assert_int_equal(at_state(&a), TCT_TIME_WAIT);
  assert_int_equal(at_events(&a) & TCT_EV_CLOSED, 0);
  assert_int_equal(at_read(&a, 40), 40);
  assert_int_equal(at_events(&a) & TCT_EV_CLOSED, 0);
  assert_int_equal(at_read(&a, 100), 60);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.err, 0);
  assert_int_equal(a.closed_why, TCT_WHY_CLOSED);
  assert_true(is_stale(&a));
  at_pass(&a, TCT_S(1000));
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  at_end(&a);
}

static void closed_by_the_application__handle__lives_until_closed_is_pulled(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  char c;
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_EBADF); /* nothing more can be asked of it */
  assert_int_equal(tct_sock_recv(a.s, a.k, &c, 1, 0), TCT_EBADF);
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_1); /* but to be looked at */
  (void)at_drain(&a);
  AT_IN(&a, .flags = TCT_FIN);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_true(is_stale(&a));
  at_end(&a);
}

static void never_opened__close_and_abort__work(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  assert_int_equal(a.err, 0);
  at_end(&a);
  start(&a, TCT_CLOSED);
  assert_int_equal(tct_sock_abort(a.s, a.k), TCT_OK);
  (void)at_events(&a);
  assert_int_equal(a.closed, 0);
  at_end(&a);
}

/* ---- half-close ------------------------------------------------------------------------------ */

/* [RFC9293 EP-33] [RFC9293 EP-29] */
static void shut_for_sending__peer_goes_on__data_is_read_and_acknowledged(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_FIN_WAIT_2);
  assert_int_equal(at_write(&a, 1), TCT_EPIPE);
  for (unsigned i = 0; i < 5; i++) {
    AT_IN(&a, .len = 1000);
    AT_IN(&a, .len = 1000);
    at_is(&a, at_out(&a), TCT_ACK, 0, 0);
    assert_int_equal(at_read(&a, 5000), 2000);
    at_silent(&a, TCT_S(1000));
  }
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  at_end(&a);
}

static void shut_for_reading__data__is_taken_and_thrown_away(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 100);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_RD), TCT_OK);
  assert_int_equal(at_read(&a, 10), 0);
  for (unsigned i = 0; i < 200; i++) {
    AT_IN(&a, .len = 1000);
    (void)at_drain(&a);
  }
  assert_true(at_info(&a).rcv_wnd > 60000);
  assert_int_equal(at_read(&a, 10), 0);
  at_write(&a, 10);
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 10);
  at_end(&a);
}

static void peer_has_closed__sending__goes_on(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSE_WAIT);
  at_write(&a, 3000);
  while (at_out(&a) != NULL)
    AT_IN(&a, .len = 0);
  assert_int_equal(a.peer.rcv_nxt, a.written);
  assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
  at_end(&a);
}

static void shutdown__wrong_state_or_how__named_errors(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_ENOTCONN);
  at_end(&a);
  start(&a, TCT_LISTEN);
  assert_int_equal(tct_sock_shutdown(a.s, a.listener, TCT_SHUT_RD), TCT_ENOTCONN);
  at_end(&a);
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, (tct_how)7), TCT_EINVAL);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK); /* again: nothing new */
  assert_int_equal(at_drain(&a), 1);
  at_end(&a);
}

/* ---- close that loses data ------------------------------------------------------------------- */

/* [RFC9293 SHLD-3] [RFC9293 MAY-1] */
static void close__with_unread_octets__resets(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 1);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  const tct_seg *g = at_out(&a);
  assert_true((g->flags & TCT_RST) != 0);
  assert_int_equal(a.why, TCT_WHY_RST_UNREAD);
  at_quiet(&a);
  at_end(&a);
}

/* [RFC9293 SHLD-3] [RFC9293 MAY-1] */
static void closed__data_arrives__resets(void **state) {
  (void)state;
  for (unsigned acked = 0; acked < 2; acked++) {
    struct at a;
    start(&a, TCT_ESTABLISHED);
    assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
    (void)at_drain(&a);
    assert_int_equal(AT_IN(&a, .len = 5, .ack = acked ? 0 : -1), TCT_DROP_DATA_AFTER_CLOSE);
    assert_true((at_out(&a)->flags & TCT_RST) != 0);
    (void)at_events(&a);
    assert_int_equal(a.closed, 1);
    at_end(&a);
  }
}

/* [RFC9293 EP-40] Everything that was written before close arrives, however slow. */
static void close__with_queued_data__is_sent_before_the_fin(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(at_write(&a, 100000), 100000);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  uint32_t fin_at = 0;
  for (unsigned i = 0; i < 1000 && at_state(&a) != TCT_FIN_WAIT_2; i++) {
    const tct_seg *g = at_out(&a);
    if (g == NULL) {
      AT_IN(&a, .len = 0);
      continue;
    }
    if ((g->flags & TCT_FIN) != 0)
      fin_at = g->seq + g->len;
  }
  assert_int_equal(fin_at, a.peer.irs + 1 + 100000);
  at_end(&a);
}

/* ---- listeners ------------------------------------------------------------------------------- */

static void listener_closed__waiting_children_and_records__are_reset(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_LISTEN);
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  (void)at_drain(&a);
  AT_IN(&a, .len = 5); /* complete, not accepted */
  (void)at_drain(&a);
  tct_seg t = at_template(&a);
  t.sport = 4001;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true});
  (void)at_drain(&a);
  assert_int_equal(tct_sock_close(a.s, a.listener), TCT_OK);
  assert_true((at_out(&a)->flags & TCT_RST) != 0);
  (void)at_drain(&a);
  tct_event ev;
  unsigned closed = 0;
  while (tct_event_next(a.s, &ev))
    closed += (ev.flags & TCT_EV_CLOSED) != 0;
  assert_int_equal(closed, 1); /* the listener's: a child has no news before accept */
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.HalfOpenNow, 0);
  assert_int_equal(n.ConnsNow, 0);
  AT_IN(&a, .len = 0); /* nobody */
  assert_true((at_out(&a)->flags & TCT_RST) != 0);
  at_end(&a);
}

/* [RFC9293 MUST-11] [RFC9293 EP-20] */
static void record_reset_by_its_peer__listener__goes_on_accepting(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .passive = true, .strict = true});
  AT_IN(&a, .flags = TCT_RST, .no_ack = true);
  at_quiet(&a);
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.HalfOpenNow, 0);
  a.peer.port++;
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  assert_int_equal(at_out(&a)->flags, TCT_SYN | TCT_ACK);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  at_end(&a);
}

/* ---- many ------------------------------------------------------------------------------------ */

static void few_orphans(tct_config *c) {
  c->limits.orphans = 2;
}

static void orphans_beyond_the_limit__close__resets_the_newest(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .config = few_orphans});
  tct_sock more[3];
  for (unsigned i = 0; i < 3; i++) {
    tct_endpoint e = {a.peer.addr, (uint16_t)(5000 + i), {0, 0}};
    assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &more[i]), TCT_OK);
    assert_int_equal(tct_sock_connect(a.s, more[i], &e), TCT_OK);
    const tct_seg *g = at_out(&a);
    tct_seg t = at_template(&a);
    t.sport = g->dport;
    t.dport = g->sport;
    t.ack = g->seq + 1;
    at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN});
    (void)at_drain(&a);
  }
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  assert_int_equal(tct_sock_close(a.s, more[0]), TCT_OK);
  while (at_out(&a) != NULL)
    assert_int_equal(a.got.flags & TCT_RST, 0);
  assert_int_equal(tct_sock_close(a.s, more[1]), TCT_OK);
  assert_true((at_out(&a)->flags & TCT_RST) != 0);
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.OrphansNow, 2);
  at_end(&a);
}

static void drain__connections__get_fin_and_at_the_deadline_rst(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .passive = true});
  tct_drain(a.s, a.now + TCT_S(10));
  assert_true((at_out(&a)->flags & TCT_FIN) != 0);
  tct_seg t = at_template(&a);
  t.sport = 4001;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true});
  assert_true((at_out(&a)->flags & TCT_RST) != 0); /* nobody listens any more */
  AT_IN(&a, .len = 10);
  assert_int_equal(at_read(&a, 100), 10); /* what was under way still arrives */
  at_pass(&a, TCT_MS(9900));
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  const tct_seg *g = at_wait(&a, TCT_S(1));
  assert_true((g->flags & TCT_RST) != 0);
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  tct_sock k;
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_listen(a.s, k, 1), TCT_OK); /* the drain is over */
  at_end(&a);
}

/* [RFC9293 MUST-13] [RFC9293 EP-31] */
static void time_wait__repeated_fin__is_acknowledged_for_twice_the_msl(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_TIME_WAIT, .strict = true, .ipv6 = ipv6 != 0});
    at_silent(&a, TCT_S(180)); /* MSL is 120 s */
    AT_IN(&a, .flags = TCT_FIN, .seq = -1, .ghost = true);
    at_is(&a, at_out(&a), TCT_ACK, 0, 0);
    at_silent(&a, TCT_S(238)); /* restarted */
    AT_IN(&a, .flags = TCT_FIN, .seq = -1, .ghost = true);
    at_is(&a, at_out(&a), TCT_ACK, 0, 0);
    at_silent(&a, TCT_S(242));
    AT_IN(&a, .flags = TCT_FIN, .seq = -1, .ghost = true);
    assert_true((at_out(&a)->flags & TCT_RST) != 0);
    at_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(peer_closes_or_resets__application__can_tell_them_apart),
      cmocka_unit_test(both_sides_done__closed__comes_once_last_and_after_reading),
      cmocka_unit_test(closed_by_the_application__handle__lives_until_closed_is_pulled),
      cmocka_unit_test(never_opened__close_and_abort__work),
      cmocka_unit_test(shut_for_sending__peer_goes_on__data_is_read_and_acknowledged),
      cmocka_unit_test(shut_for_reading__data__is_taken_and_thrown_away),
      cmocka_unit_test(peer_has_closed__sending__goes_on),
      cmocka_unit_test(shutdown__wrong_state_or_how__named_errors),
      cmocka_unit_test(close__with_unread_octets__resets),
      cmocka_unit_test(closed__data_arrives__resets),
      cmocka_unit_test(close__with_queued_data__is_sent_before_the_fin),
      cmocka_unit_test(listener_closed__waiting_children_and_records__are_reset),
      cmocka_unit_test(record_reset_by_its_peer__listener__goes_on_accepting),
      cmocka_unit_test(orphans_beyond_the_limit__close__resets_the_newest),
      cmocka_unit_test(drain__connections__get_fin_and_at_the_deadline_rst),
      cmocka_unit_test(time_wait__repeated_fin__is_acknowledged_for_twice_the_msl),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
