/* SPDX-License-Identifier: MIT */
/*
 * The receiving side's judgement: acceptability, the window to offer, when an ACK is owed,
 * challenge ACKs and timestamps. Each table is run with numbers that wrap.
 */
#include "test/lib/leaf.h"

/* [RFC9293 EP-13] The four cases of RFC 9293 3.10.7.4, seq relative to RCV.NXT. */
static void acceptability__four_cases__as_in_the_table(void **state) {
  (void)state;
  static const struct {
    uint32_t window;
    int32_t seq;
    uint32_t len;
    bool ok;
  } rows[] = {
      {0, 0, 0, true},
      {0, -1, 0, false},
      {0, 1, 0, false},
      {0, 0, 1, false},
      {0, -1, 1, false},
      {0, -1, 2, false},
      {100, 0, 0, true},
      {100, -1, 0, false},
      {100, 99, 0, true},
      {100, 100, 0, false},
      {100, 101, 0, false},
      {100, 0, 1, true},
      {100, -1, 1, false},
      {100, -1, 2, true},
      {100, -50, 50, false},
      {100, -50, 51, true},
      {100, 99, 1, true},
      {100, 100, 1, false},
      {100, 99, 50, true},
      {100, 0, 101, true},
      {100, 50, 1000, true},
      {100, -10, 110, true},
      {100, -1000, 10, false},
      {1, 0, 1, true},
      {1, 1, 1, false},
      {100, -10, 300, true},
      {100, INT32_MIN + 50, 10, false},
      {65535, INT32_MIN + 100, 10, false},
      {1u << 30, INT32_MIN + (1 << 29), 1 << 24, false},
  };
  static const tct_seq bases[] = {5000, 0xffffffffu, 0xffffffa0u, 0x7fffffc0u, 0};
  for (unsigned b = 0; b < TCT_ARRAY_LEN(bases); b++) {
    for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
      struct leaf f;
      leaf_init(&f, true);
      f.c.rcv.nxt = bases[b];
      f.c.rcv.edge = bases[b] + rows[i].window;
      bool ok = tct_tcp_recv_is_acceptable(&f.c, bases[b] + (uint32_t)rows[i].seq, rows[i].len);
      if (ok != rows[i].ok)
        fail_msg("row %u, base %#x", i, bases[b]);
      leaf_end(&f);
    }
  }
}

/* ---- the window ------------------------------------------------------------------------------ */

/* n octets arrived in order and are unread. */
static void fill(struct leaf *f, uint32_t n) {
  static const uint8_t zero[65535];
  assert_int_equal(tct_queue_write_at(&f->a.rx, &f->s.chunks, f->c.rcv.nxt, zero, n), n);
  f->c.rcv.nxt += n;
}

static void read_by_app(struct leaf *f, uint32_t n) {
  tct_queue_consume_to(&f->a.rx, &f->s.chunks, f->a.rx.begin + n);
}

/* [RFC9293 MUST-39] The edge moves by min(half the buffer, a segment) at least. */
static void buffer_full__application_reads_bit_by_bit__edge_moves_in_steps(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  fill(&f, 65535);
  tct_seq edge = f.c.rcv.edge;
  assert_int_equal(tct_tcp_recv_window(&f.c), 0);
  for (unsigned i = 1; i < 1000; i++) {
    read_by_app(&f, 1);
    assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), edge);
  }
  read_by_app(&f, 1);
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), edge + 1000);
  leaf_end(&f);
}

/* [RFC9293 MUST-39] */
static void small_buffer__half_of_it_free__is_worth_telling(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.rcv.buf_max = 600;
  f.c.rcv.edge = f.c.rcv.nxt + 600;
  fill(&f, 600);
  read_by_app(&f, 299);
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), f.c.rcv.edge);
  read_by_app(&f, 1);
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), f.c.rcv.edge + 300);
  leaf_end(&f);
}

/* [RFC9293 SHLD-14] */
static void buffer_made_smaller__edge__never_goes_back(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_seq edge = f.c.rcv.edge;
  f.c.rcv.buf_max = 2000;
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), edge);
  f.x.window_clamp = 10;
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), edge);
  leaf_end(&f);
}

static void scaled_window__field__never_promises_more_than_the_edge(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.wscale = 7 << 4;
  for (uint32_t window = 0; window < 70000; window += 37) {
    f.c.rcv.edge = f.c.rcv.nxt + window;
    uint32_t told = (uint32_t)tct_tcp_recv_window_field(&f.c, f.c.rcv.edge, false) << 7;
    assert_true(told <= window && window - told < 128);
  }
  f.c.rcv.edge = f.c.rcv.nxt + 70000;
  assert_int_equal(tct_tcp_recv_window_field(&f.c, f.c.rcv.edge, true), 65535); /* never scaled */
  leaf_end(&f);
}

static void after_fin__edge__stands_still(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  fill(&f, 30000);
  f.c.rcv.flags |= TCT_RCV_FIN;
  f.c.rcv.nxt++;
  read_by_app(&f, 30000);
  assert_int_equal(tct_tcp_recv_edge_to_offer(&f.c), f.c.rcv.edge);
  leaf_end(&f);
}

/* ---- when an ACK is owed --------------------------------------------------------------------- */

static void in_order(struct leaf *f, uint32_t len) {
  tct_tcp_recv_on_in_order(&f->s, &f->c, len, len, false);
}

/* [RFC9293 SHLD-18] [RFC9293 MUST-40] */
static void one_small_segment__ack__is_delayed_less_than_half_a_second(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  in_order(&f, 100);
  assert_int_equal(f.c.rcv.flags & TCT_RCV_ACK_NOW, 0);
  assert_true((f.c.rcv.flags & TCT_RCV_DELACK) != 0);
  assert_true(f.a.delack_at > f.s.now && f.a.delack_at < f.s.now + TCT_MS(500));
  tct_time due = f.a.delack_at;
  clock_set(&f.s, f.s.now + TCT_MS(100));
  in_order(&f, 100); /* not put off by the next one */
  assert_true(f.a.delack_at == due);
  tct_tcp_recv_on_delack_timer(&f.s, &f.c);
  assert_true((f.c.rcv.flags & TCT_RCV_ACK_NOW) != 0);
  assert_int_equal(f.c.rcv.ack_why, TCT_WHY_ACK_DELAYED);
  tct_tcp_timer_stop(&f.s, &f.c);
  leaf_end(&f);
}

/* [RFC9293 SHLD-19] Two full segments, or as many bytes. */
static void second_full_segment__ack__is_due_at_once(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  in_order(&f, 1000);
  assert_int_equal(f.c.rcv.flags & TCT_RCV_ACK_NOW, 0);
  in_order(&f, 1000);
  assert_true((f.c.rcv.flags & TCT_RCV_ACK_NOW) != 0);
  tct_tcp_recv_on_ack_sent(&f.s, &f.c, f.c.rcv.edge);
  assert_false(tct_tcp_recv_is_owing(&f.c));
  for (unsigned i = 0; i < 3; i++)
    in_order(&f, 500);
  assert_int_equal(f.c.rcv.flags & TCT_RCV_ACK_NOW, 0);
  in_order(&f, 500);
  assert_true((f.c.rcv.flags & TCT_RCV_ACK_NOW) != 0);
  tct_tcp_timer_stop(&f.s, &f.c);
  leaf_end(&f);
}

/* RFC 5681 4.2 */
static void gap_filled_or_fin__ack__is_due_at_once(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_recv_on_in_order(&f.s, &f.c, 10, 10, true);
  assert_int_equal(f.c.rcv.ack_why, TCT_WHY_ACK_GAP_FILLED);
  tct_tcp_recv_on_ack_sent(&f.s, &f.c, f.c.rcv.edge);
  tct_tcp_recv_on_in_order(&f.s, &f.c, 1, 0, false); /* [RFC9293 EP-36] */
  assert_true((f.c.rcv.flags & TCT_RCV_ACK_NOW) != 0);
  assert_int_equal(f.c.rcv.ack_why, TCT_WHY_ACK_FIN);
  leaf_end(&f);
}

static void
linux_profile__first_data__is_acknowledged_at_once_then_a_dialogue_delays(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  in_order(&f, 10);
  assert_int_equal(f.c.rcv.ack_why, TCT_WHY_ACK_QUICK);
  tct_tcp_recv_on_ack_sent(&f.s, &f.c, f.c.rcv.edge);
  assert_int_equal(f.c.rcv.delack & TCT_DELACK_QUICK, 15);
  f.x.last_recv_ms = tct_time_ms32(f.s.now);
  tct_tcp_delack_on_data_sent(&f.s, &f.c); /* a reply: the next ACK waits for the next one */
  in_order(&f, 10);
  assert_int_equal(f.c.rcv.flags & TCT_RCV_ACK_NOW, 0);
  tct_tcp_timer_stop(&f.s, &f.c);
  leaf_end(&f);
}

static void many_debts__count__is_bounded_and_paid_one_by_one(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_tcp_recv_owe_segments(&f.c, TCT_WHY_ACK_DUP, 3);
  assert_int_equal(f.c.rcv.debts, 3);
  tct_tcp_recv_owe_segments(&f.c, TCT_WHY_ACK_DUP, 100000);
  assert_int_equal(f.c.rcv.debts, TCT_ACK_DEBT_MAX);
  for (unsigned i = 0; i < TCT_ACK_DEBT_MAX; i++)
    tct_tcp_recv_pay_debt(&f.c);
  assert_false(tct_tcp_recv_is_owing(&f.c));
  leaf_end(&f);
}

static void full_segments_grow__estimate__never_exceeds_what_was_announced(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  in_order(&f, 1400);
  assert_int_equal(f.c.rcv.mss, 1400);
  in_order(&f, 30000); /* a jumbo cannot raise the step of window updates */
  assert_int_equal(f.c.rcv.mss, 1460);
  tct_tcp_timer_stop(&f.s, &f.c);
  leaf_end(&f);
}

/* ---- challenge ACKs, timestamps -------------------------------------------------------------- */

/* RFC 5961 10 */
static void challenges__in_one_second__are_limited_and_come_back_in_the_next(void **state) {
  (void)state;
  struct leaf f;
  unsigned granted = 0;
  leaf_init(&f, true);
  for (unsigned i = 0; i < 100; i++)
    granted += tct_tcp_recv_challenge(&f.s, &f.c);
  assert_int_equal(granted, 10);
  clock_set(&f.s, f.s.now + TCT_S(1));
  assert_true(tct_tcp_recv_challenge(&f.s, &f.c));
  assert_int_equal(f.x.challenge_acks, 11);
  leaf_end(&f);
}

static struct tct_tcp_hdr stamped(tct_seq seq, uint32_t tsval) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  h.seq = seq;
  h.opt.has_ts = true;
  h.opt.tsval = tsval;
  return h;
}

/* RFC 7323 5.3, 5.5 */
static void older_timestamp__paws__refuses_it_unless_ours_is_24_days_old(void **state) {
  (void)state;
  static const uint32_t recents[] = {1000, 0x7fffffff, 0xffffffff, 0};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(recents); i++) {
    struct leaf f;
    leaf_init(&f, true);
    f.c.rcv.ts_recent = recents[i];
    f.c.rcv.ts_recent_s = (uint32_t)(f.s.now / TCT_S(1));
    struct tct_tcp_hdr old = stamped(f.c.rcv.nxt, recents[i] - 1);
    struct tct_tcp_hdr same = stamped(f.c.rcv.nxt, recents[i]);
    struct tct_tcp_hdr newer = stamped(f.c.rcv.nxt, recents[i] + 1);
    assert_false(tct_tcp_recv_paws_ok(&f.s, &f.c, &old));
    assert_true(tct_tcp_recv_paws_ok(&f.s, &f.c, &same));
    assert_true(tct_tcp_recv_paws_ok(&f.s, &f.c, &newer));
    clock_set(&f.s, f.s.now + TCT_S(24u * 86400u));
    assert_false(tct_tcp_recv_paws_ok(&f.s, &f.c, &old));
    clock_set(&f.s, f.s.now + TCT_S(1));
    assert_true(tct_tcp_recv_paws_ok(&f.s, &f.c, &old));
    leaf_end(&f);
  }
}

/* RFC 7323 4.3 (2): SEG.SEQ =< Last.ACK.sent. */
static void timestamp_of_a_later_segment__echo__stays_the_oldest_unacknowledged(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_TS;
  f.c.rcv.ts_recent = 50;
  struct tct_tcp_hdr first = stamped(f.c.rcv.nxt, 60), second = stamped(f.c.rcv.nxt + 100, 70);
  tct_tcp_recv_on_timestamp(&f.s, &f.c, &first);
  assert_int_equal(f.c.rcv.ts_recent, 60);
  tct_tcp_recv_on_timestamp(&f.s, &f.c, &second);
  assert_int_equal(f.c.rcv.ts_recent, 60);
  f.c.rcv.nxt += 200;
  tct_tcp_recv_on_ack_sent(&f.s, &f.c, f.c.rcv.edge);
  tct_tcp_recv_on_timestamp(&f.s, &f.c, &second);
  assert_int_equal(f.c.rcv.ts_recent, 70);
  leaf_end(&f);
}

/* ---- urgent ---------------------------------------------------------------------------------- */

static void urgent(struct leaf *f, int32_t seq, uint16_t pointer) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  h.seq = f->c.rcv.nxt + (uint32_t)seq;
  h.flags = TCT_ACK | TCT_URG;
  h.urgent = pointer;
  f->c.news = 0;
  tct_tcp_recv_urgent(&f->s, &f->c, &h);
}

/* [RFC9293 MUST-32] [RFC9293 MUST-62] */
static void urgent_pointer__news__only_when_new_or_further(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  urgent(&f, 0, 10);
  assert_int_equal(f.c.news, TCT_EV_URGENT);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c),
                   10); /* the octet before the pointer is the last */
  urgent(&f, 0, 10);
  assert_int_equal(f.c.news, 0);
  urgent(&f, -5, 12); /* an older segment with an end below */
  assert_int_equal(f.c.news, 0);
  urgent(&f, 5, 20);
  assert_int_equal(f.c.news, TCT_EV_URGENT);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 25);
  tct_list_remove(&f.c.event);
  leaf_end(&f);
}

/* [RFC9293 MUST-33] */
static void urgent_data_read__unread_urgent__counts_down_to_none(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 0);
  urgent(&f, 0, 10);
  fill(&f, 30);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 10);
  read_by_app(&f, 4);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 6);
  read_by_app(&f, 6);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 0);
  read_by_app(&f, 20);
  assert_int_equal(tct_tcp_recv_urgent_unread(&f.c), 0);
  tct_list_remove(&f.c.event);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(acceptability__four_cases__as_in_the_table),
      cmocka_unit_test(buffer_full__application_reads_bit_by_bit__edge_moves_in_steps),
      cmocka_unit_test(small_buffer__half_of_it_free__is_worth_telling),
      cmocka_unit_test(buffer_made_smaller__edge__never_goes_back),
      cmocka_unit_test(scaled_window__field__never_promises_more_than_the_edge),
      cmocka_unit_test(after_fin__edge__stands_still),
      cmocka_unit_test(one_small_segment__ack__is_delayed_less_than_half_a_second),
      cmocka_unit_test(second_full_segment__ack__is_due_at_once),
      cmocka_unit_test(gap_filled_or_fin__ack__is_due_at_once),
      cmocka_unit_test(linux_profile__first_data__is_acknowledged_at_once_then_a_dialogue_delays),
      cmocka_unit_test(many_debts__count__is_bounded_and_paid_one_by_one),
      cmocka_unit_test(full_segments_grow__estimate__never_exceeds_what_was_announced),
      cmocka_unit_test(challenges__in_one_second__are_limited_and_come_back_in_the_next),
      cmocka_unit_test(older_timestamp__paws__refuses_it_unless_ours_is_24_days_old),
      cmocka_unit_test(timestamp_of_a_later_segment__echo__stays_the_oldest_unacknowledged),
      cmocka_unit_test(urgent_pointer__news__only_when_new_or_further),
      cmocka_unit_test(urgent_data_read__unread_urgent__counts_down_to_none),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
