/* SPDX-License-Identifier: MIT */
/*
 * Bytes in and out: copied, in place, lent; marks; levels and edges of readiness; MORE and EOR;
 * when what was written leaves. RFC 9293 sections 3.9.1.2, 3.9.1.3.
 */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true});
}

/* The peer takes and acknowledges everything there is; returns the number of segments with text. */
static unsigned play_out(struct at *a) {
  unsigned n = 0;
  for (unsigned i = 0; i < 2000; i++) {
    const tct_seg *g = at_out(a);
    n += g != NULL && g->len > 0;
    if (g == NULL && a->peer.rcv_nxt == at_info(a).snd_una)
      break;
    if (g == NULL)
      AT_IN(a, .len = 0);
  }
  return n;
}

/* ---- when it leaves -------------------------------------------------------------------------- */

/* [RFC9293 MUST-60] */
static void one_short_write__nothing_outstanding__leaves_at_once(void **state) {
  (void)state;
  for (unsigned strict = 0; strict < 2; strict++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = strict != 0});
    at_write(&a, 1);
    at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 1);
    AT_IN(&a, .len = 0);
    at_write(&a, 2); /* and again */
    at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 2);
    at_end(&a);
  }
}

/* [RFC9293 MUST-61] [RFC9293 SHLD-28] 3000 octets by MSS 1000: PSH on the third. */
static void three_segments__push__is_on_the_last(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 3000);
  at_is(&a, at_out(&a), TCT_ACK, 0, 1000);
  at_is(&a, at_out(&a), TCT_ACK, 0, 1000);
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 1000);
  at_end(&a);
}

/* [RFC9293 SHLD-27] [RFC9293 SHLD-28] */
static void many_small_writes__behind_a_shut_window__leave_as_full_segments(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  a.peer.window = 0;
  AT_IN(&a, .len = 0);
  for (unsigned i = 0; i < 30; i++)
    at_write(&a, 100);
  at_quiet(&a);
  a.peer.window = 65535;
  AT_IN(&a, .len = 0);
  assert_int_equal(play_out(&a), 3);
  at_end(&a);
}

/* RFC 9293 3.10.2: text before the handshake is complete waits for it. [RFC9293 EP-12] */
static void written_while_opening__handshake_completes__text_follows(void **state) {
  (void)state;
  static const tct_state states[] = {TCT_SYN_SENT, TCT_SYN_RECEIVED};
  for (unsigned i = 0; i < 2; i++) {
    struct at a;
    start(&a, states[i]);
    assert_int_equal(at_write(&a, 1500), 1500);
    at_quiet(&a);
    AT_IN(&a, .flags = i == 0 ? TCT_SYN : 0);
    (void)play_out(&a);
    assert_int_equal(a.peer.rcv_nxt, a.peer.irs + 1 + 1500);
    at_end(&a);
  }
}

/* MORE holds a partial segment back; the next write without it lets all go. */
static void more_follows__partial_segment__waits_for_it_or_200_ms(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_send(a.s, a.k, "abc", 3, TCT_MSG_MORE), 3);
  at_quiet(&a);
  assert_int_equal(tct_sock_send(a.s, a.k, "def", 3, 0), 3);
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 6);
  assert_memory_equal(a.payload, "abcdef", 6);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_sock_send(a.s, a.k, "abc", 3, TCT_MSG_MORE), 3);
  tct_time before = a.now;
  assert_int_equal(at_wait(&a, TCT_S(1))->len, 3);
  assert_int_equal(a.now - before, TCT_MS(200));
  at_end(&a);
}

/* EOR: the next write never joins this segment; also when it goes again. */
static void end_of_record__next_write__begins_a_segment_of_its_own(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_NODELAY, 1);
  assert_int_equal(tct_sock_send(a.s, a.k, "abc", 3, TCT_MSG_EOR), 3);
  assert_int_equal(tct_sock_send(a.s, a.k, "defg", 4, 0), 4);
  assert_int_equal(at_lose(&a)->len, 3);
  assert_int_equal(at_lose(&a)->len, 4);
  assert_int_equal(at_wait(&a, TCT_S(10))->len, 3);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_wait(&a, TCT_S(10))->len, 4);
  at_end(&a);
}

/* [RFC9293 MAY-7] What lies beyond a shrunken edge is not sent again, which is one of the two ways
 * allowed. */
static void window_shrunk__resends__stay_within_it(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 8000);
  while (at_lose(&a) != NULL)
    ;
  a.peer.window = 2000;
  AT_IN(&a, .len = 0);
  for (unsigned i = 0; i < 6; i++) {
    const tct_seg *g = at_wait(&a, TCT_S(61));
    assert_true(g->seq + g->len - (a.peer.irs + 1) <= 2000);
    a.peer.rcv_nxt = a.peer.irs + 1;
  }
  at_end(&a);
}

/* ---- in place -------------------------------------------------------------------------------- */

static void written_in_place__any_split__arrives_whole(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned round = 1; round < 40; round++) {
    tct_iov v[3];
    unsigned n = 3;
    size_t offered = 0, want = round * 97, done = 0;
    assert_int_equal(tct_sock_tx_space(a.s, a.k, v, &n), TCT_OK);
    assert_true(n >= 1);
    for (unsigned i = 0; i < n; i++) {
      uint8_t *to = (uint8_t *)(uintptr_t)v[i].base;
      for (size_t k = 0; k < v[i].len && done < want; k++, done++)
        to[k] = seg_octet(a.written + (uint32_t)done);
      offered += v[i].len;
    }
    assert_int_equal(tct_sock_tx_commit(a.s, a.k, offered + 1, 0), TCT_EINVAL);
    assert_int_equal(tct_sock_tx_commit(a.s, a.k, done, 0), TCT_OK);
    a.written += (uint32_t)done;
    const tct_seg *g;
    while ((g = at_out(&a)) != NULL) {
      for (uint32_t k = 0; k < g->len; k++)
        assert_int_equal(a.payload[k], seg_octet(g->seq + k));
    }
    AT_IN(&a, .len = 0);
  }
  (void)play_out(&a);
  assert_int_equal(a.peer.rcv_nxt, a.written);
  at_end(&a);
}

static void read_in_place__piece_by_piece__sees_each_octet_once(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 40; i++)
    AT_IN(&a, .len = 999);
  uint32_t at = a.peer.iss + 1;
  unsigned rounds = 0;
  while (at != a.peer.snd_nxt) {
    tct_iov v[2];
    unsigned n = 2;
    size_t seen = 0;
    assert_int_equal(tct_sock_rx_peek(a.s, a.k, v, &n), TCT_OK);
    for (unsigned i = 0; i < n; i++) {
      for (size_t k = 0; k < v[i].len; k++)
        assert_int_equal(((const uint8_t *)v[i].base)[k],
                         seg_octet(at + (uint32_t)seen + (uint32_t)k));
      seen += v[i].len;
    }
    size_t take = rounds++ % 2 != 0 ? seen : seen / 2 + 1;
    assert_int_equal(tct_sock_rx_consume(a.s, a.k, take), TCT_OK);
    at += (uint32_t)take;
  }
  tct_iov v[1];
  unsigned n = 1;
  assert_int_equal(tct_sock_rx_peek(a.s, a.k, v, &n), TCT_EAGAIN);
  assert_int_equal(n, 0);
  assert_int_equal(tct_sock_rx_consume(a.s, a.k, 1), TCT_EINVAL);
  at_end(&a);
}

static void peek_flag__octets__stay(void **state) {
  (void)state;
  struct at a;
  char buf[8];
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 5, .data = "hello");
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(tct_sock_recv(a.s, a.k, buf, sizeof buf, TCT_MSG_PEEK), 5);
    assert_memory_equal(buf, "hello", 5);
  }
  assert_int_equal(tct_sock_recv(a.s, a.k, buf, 2, 0), 2);
  assert_int_equal(tct_sock_recv(a.s, a.k, buf, sizeof buf, 0), 3);
  assert_memory_equal(buf, "llo", 3);
  at_end(&a);
}

/* ---- lent memory ----------------------------------------------------------------------------- */

static void lent_memory__acknowledged_or_not__comes_back_exactly_once(void **state) {
  (void)state;
  struct at a;
  static uint8_t memory[3000];
  uint64_t token;
  start(&a, TCT_ESTABLISHED);
  for (uint32_t i = 0; i < sizeof memory; i++)
    memory[i] = seg_octet(a.written + i);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, memory, sizeof memory, 77), TCT_OK);
  const tct_seg *g;
  while ((g = at_out(&a)) != NULL) {
    for (uint32_t k = 0; k < g->len; k++)
      assert_int_equal(a.payload[k], seg_octet(g->seq + k));
    assert_false(tct_returned_next(a.s, &token));
  }
  a.peer.rcv_nxt -= 1;
  AT_IN(&a, .len = 0); /* all but one octet */
  assert_false(tct_returned_next(a.s, &token));
  a.peer.rcv_nxt += 1;
  AT_IN(&a, .len = 0);
  assert_true((at_events(&a) & TCT_EV_TX_DONE) != 0);
  assert_true(tct_returned_next(a.s, &token));
  assert_int_equal(token, 77);
  assert_false(tct_returned_next(a.s, &token));
  for (uint64_t i = 0; i < 40; i++) /* and when the connection ends */
    assert_int_equal(tct_sock_tx_lend(a.s, a.k, memory, 10, 100 + i), TCT_OK);
  assert_int_equal(tct_sock_abort(a.s, a.k), TCT_OK);
  for (uint64_t i = 0; i < 40; i++) {
    assert_true(tct_returned_next(a.s, &token));
    assert_int_equal(token, 100 + i);
  }
  assert_false(tct_returned_next(a.s, &token));
  at_end(&a);
}

static void lend__nothing_or_too_much__is_refused(void **state) {
  (void)state;
  struct at a;
  uint64_t token;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, "x", 0, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, NULL, 5, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, "x", 1, 1), TCT_EPIPE);
  assert_false(tct_returned_next(a.s, &token)); /* what was not taken never comes back */
  at_end(&a);
}

/* ---- marks ----------------------------------------------------------------------------------- */

static void marks__sent_and_acknowledged__are_told_when_reached_in_that_order(void **state) {
  (void)state;
  struct at a;
  uint64_t token;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_mark(a.s, a.k, 1500, TCT_MARK_ACKED, 3), TCT_OK);
  assert_int_equal(tct_sock_mark(a.s, a.k, 1500, TCT_MARK_SENT, 2), TCT_OK);
  assert_int_equal(tct_sock_mark(a.s, a.k, 1000, TCT_MARK_SENT, 1), TCT_OK);
  assert_int_equal(tct_sock_mark(a.s, a.k, 0, TCT_MARK_ACKED, 9), TCT_OK); /* at once */
  assert_true(tct_sock_mark_next(a.s, a.k, &token));
  assert_int_equal(token, 9);
  at_write(&a, 1500);
  assert_non_null(at_out(&a));
  assert_true((at_events(&a) & TCT_EV_MARK) != 0);
  assert_true(tct_sock_mark_next(a.s, a.k, &token));
  assert_int_equal(token, 1);
  assert_false(tct_sock_mark_next(a.s, a.k, &token));
  AT_IN(&a, .len = 0);
  (void)at_drain(&a);
  assert_true(tct_sock_mark_next(a.s, a.k, &token));
  assert_int_equal(token, 2);
  (void)at_events(&a);
  AT_IN(&a, .len = 0);
  assert_true((at_events(&a) & TCT_EV_MARK) != 0);
  assert_true(tct_sock_mark_next(a.s, a.k, &token));
  assert_int_equal(token, 3);
  for (unsigned i = 0; i < TCT_MARKS_MAX; i++)
    assert_int_equal(tct_sock_mark(a.s, a.k, 9000 + i, TCT_MARK_SENT, i), TCT_OK);
  assert_int_equal(tct_sock_mark(a.s, a.k, 9999, TCT_MARK_SENT, 1), TCT_ENOBUFS);
  at_end(&a);
}

/* ---- events and levels ----------------------------------------------------------------------- */

static void short_send__room_again__writable_once_at_a_third(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_SNDBUF, 9000);
  assert_int_equal(at_write(&a, 1000), 1000);
  (void)at_drain(&a);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_events(&a) & TCT_EV_WRITABLE, 0); /* it never came up short */
  assert_int_equal(at_write(&a, 10000), 9000);
  (void)at_drain(&a);
  a.peer.rcv_nxt = a.written - 9000 + 2000;
  AT_IN(&a, .len = 0);
  assert_int_equal(at_events(&a) & TCT_EV_WRITABLE, 0);           /* less than a third */
  assert_true((tct_sock_ready(a.s, a.k) & TCT_EV_WRITABLE) != 0); /* but by level there is room */
  a.peer.rcv_nxt += 1000;
  AT_IN(&a, .len = 0);
  assert_true((at_events(&a) & TCT_EV_WRITABLE) != 0);
  a.peer.rcv_nxt += 1000;
  AT_IN(&a, .len = 0);
  assert_int_equal(at_events(&a) & TCT_EV_WRITABLE, 0); /* once */
  at_end(&a);
}

static void each_arrival__readable__is_news_again_though_nothing_was_read(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 3; i++) {
    AT_IN(&a, .len = 10);
    assert_true((at_events(&a) & TCT_EV_READABLE) != 0);
    assert_int_equal(at_events(&a), 0);
  }
  AT_IN(&a, .seq = 100, .len = 10); /* beyond a gap: nothing to read yet */
  assert_int_equal(at_events(&a), 0);
  at_end(&a);
}

static void many_events_of_one_socket__pulled__come_as_one(void **state) {
  (void)state;
  struct at a;
  tct_event ev;
  at_start(&a, (struct at_how){.state = TCT_SYN_SENT, .strict = true});
  AT_IN(&a, .flags = TCT_SYN, .len = 10);
  AT_IN(&a, .len = 10, .flags = TCT_FIN);
  assert_true(tct_event_next(a.s, &ev));
  assert_int_equal(ev.flags, TCT_EV_CONNECTED | TCT_EV_READABLE | TCT_EV_WRITABLE | TCT_EV_EOF);
  assert_false(tct_event_next(a.s, &ev));
  at_end(&a);
}

static void child_before_accept__its_news__come_after_it(void **state) {
  (void)state;
  struct at a;
  tct_event ev;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .strict = true, .passive = true});
  AT_IN(&a, .len = 10, .flags = TCT_FIN);
  assert_true(tct_event_next(a.s, &ev));
  assert_int_equal(ev.flags, TCT_EV_ACCEPT);
  assert_int_equal(ev.sock.index, a.listener.index);
  assert_false(tct_event_next(a.s, &ev));
  int mine;
  assert_int_equal(tct_sock_accept(a.s, a.listener, &mine, &a.k), TCT_OK);
  assert_true(tct_event_next(a.s, &ev));
  assert_true((ev.flags & (TCT_EV_READABLE | TCT_EV_EOF)) == (TCT_EV_READABLE | TCT_EV_EOF));
  assert_ptr_equal(ev.user, &mine);
  a.read_at = a.peer.iss + 1;
  assert_int_equal(at_read(&a, 100), 10);
  at_end(&a);
}

static void levels__in_each_state__say_what_holds(void **state) {
  (void)state;
  static const struct {
    tct_state st;
    int want;
  } rows[] = {
      {TCT_CLOSED, 0},
      {TCT_LISTEN, 0},
      {TCT_SYN_SENT, 0},
      {TCT_ESTABLISHED, TCT_EV_CONNECTED | TCT_EV_WRITABLE},
      {TCT_FIN_WAIT_1, TCT_EV_CONNECTED},
      {TCT_FIN_WAIT_2, TCT_EV_CONNECTED},
      {TCT_CLOSE_WAIT, TCT_EV_CONNECTED | TCT_EV_WRITABLE | TCT_EV_READABLE | TCT_EV_EOF},
      {TCT_LAST_ACK, TCT_EV_CONNECTED | TCT_EV_READABLE | TCT_EV_EOF},
      {TCT_TIME_WAIT, TCT_EV_CONNECTED | TCT_EV_READABLE | TCT_EV_EOF | TCT_EV_CLOSED},
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct at a;
    start(&a, rows[i].st);
    if (tct_sock_ready(a.s, a.k) != rows[i].want)
      fail_msg("%s: %#x", at_name(rows[i].st), (unsigned)tct_sock_ready(a.s, a.k));
    at_end(&a);
  }
}

static void send_and_recv__wrong_state_or_flags__named_errors(void **state) {
  (void)state;
  struct at a;
  char c = 0;
  start(&a, TCT_CLOSED);
  assert_int_equal(tct_sock_send(a.s, a.k, &c, 1, 0), TCT_ENOTCONN);
  assert_int_equal(tct_sock_recv(a.s, a.k, &c, 1, 0), TCT_ENOTCONN);
  at_end(&a);
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(tct_sock_send(a.s, a.k, &c, 1, 0x80), TCT_EINVAL);
  assert_int_equal(tct_sock_recv(a.s, a.k, &c, 1, 0x80), TCT_EINVAL);
  assert_int_equal(tct_sock_recv(a.s, a.k, &c, 1, 0), TCT_EAGAIN);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  assert_int_equal(tct_sock_send(a.s, a.k, &c, 1, 0), TCT_EPIPE);
  AT_IN(&a, .flags = TCT_RST);
  assert_int_equal(tct_sock_send(a.s, a.k, &c, 1, 0), TCT_ECONNRESET);
  at_end(&a);
}

/* More than a burst, and nothing that is a socket of ours. */
static void prefetch__any_handles__nothing_changes(void **state) {
  (void)state;
  struct at a;
  tct_info before = {.size = sizeof before}, after = {.size = sizeof after};
  tct_sock k[200] = {{0, 0}};
  start(&a, TCT_ESTABLISHED);
  for (uint32_t i = 0; i < TCT_ARRAY_LEN(k); i++)
    k[i] = (tct_sock){.index = i * 0x01234567u, .gen = i};
  k[7] = a.k;
  assert_int_equal(tct_sock_info(a.s, a.k, &before), TCT_OK);
  tct_sock_prefetch(a.s, k, TCT_ARRAY_LEN(k));
  tct_sock_prefetch(a.s, NULL, 0);
  assert_int_equal(tct_sock_info(a.s, a.k, &after), TCT_OK);
  assert_memory_equal(&before, &after, sizeof before);
  assert_int_equal(tct_sock_send(a.s, a.k, "x", 1, 0), 1);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_short_write__nothing_outstanding__leaves_at_once),
      cmocka_unit_test(three_segments__push__is_on_the_last),
      cmocka_unit_test(many_small_writes__behind_a_shut_window__leave_as_full_segments),
      cmocka_unit_test(written_while_opening__handshake_completes__text_follows),
      cmocka_unit_test(more_follows__partial_segment__waits_for_it_or_200_ms),
      cmocka_unit_test(end_of_record__next_write__begins_a_segment_of_its_own),
      cmocka_unit_test(window_shrunk__resends__stay_within_it),
      cmocka_unit_test(written_in_place__any_split__arrives_whole),
      cmocka_unit_test(read_in_place__piece_by_piece__sees_each_octet_once),
      cmocka_unit_test(peek_flag__octets__stay),
      cmocka_unit_test(lent_memory__acknowledged_or_not__comes_back_exactly_once),
      cmocka_unit_test(lend__nothing_or_too_much__is_refused),
      cmocka_unit_test(marks__sent_and_acknowledged__are_told_when_reached_in_that_order),
      cmocka_unit_test(short_send__room_again__writable_once_at_a_third),
      cmocka_unit_test(each_arrival__readable__is_news_again_though_nothing_was_read),
      cmocka_unit_test(many_events_of_one_socket__pulled__come_as_one),
      cmocka_unit_test(child_before_accept__its_news__come_after_it),
      cmocka_unit_test(levels__in_each_state__say_what_holds),
      cmocka_unit_test(send_and_recv__wrong_state_or_flags__named_errors),
      cmocka_unit_test(prefetch__any_handles__nothing_changes),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
