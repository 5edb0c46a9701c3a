/* SPDX-License-Identifier: MIT */
/*
 * The coordinator in: the steps' order, what is left of a segment after trimming, bursts and
 * super-segments, text in pieces. Both families where the bytes differ.
 */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true, .sack = true});
}

/* ---- step 1 ---------------------------------------------------------------------------------- */

/* [RFC9293 EP-14] [RFC9293 EP-45] Each in its own connection: never a RST, one ACK, nothing
 * delivered. */
static void unacceptable__each_kind__one_ack_with_the_current_numbers(void **state) {
  (void)state;
  static const struct seg_diff rows[] = {
      {.seq = -1, .ghost = true},
      {.seq = -500, .len = 500, .ghost = true},
      {.seq = -1, .len = 1, .ghost = true},
      {.seq = 65536, .len = 10, .ghost = true},
      {.seq = -2000000000, .len = 10, .ghost = true},
      /* 2^31 below the window, where comparing ends goes wrong */
      {.seq = INT32_MIN + 100, .len = 10, .ghost = true},
      {.seq = INT32_MIN + 65400, .len = 100, .ghost = true},
      {.seq = -1, .flags = TCT_FIN, .ghost = true},
  };
  for (unsigned i = 0; i < 2 * TCT_ARRAY_LEN(rows); i++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .ipv6 = i % 2 != 0});
    assert_int_equal(at_in(&a, rows[i / 2]), TCT_DROP_SEQ_OUTSIDE_WINDOW);
    const tct_seg *g = at_out(&a);
    at_is(&a, g, TCT_ACK, 0, 0);
    assert_int_equal(g->seq, a.peer.rcv_nxt);
    at_quiet(&a);
    assert_int_equal(at_read(&a, 100), TCT_EAGAIN);
    at_end(&a);
  }
}

/* [RFC9293 EP-16] Old, new and beyond the window in one segment: the new octets once. */
static void straddling_segment__both_ends__are_trimmed(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 1000);
  assert_int_equal(at_read(&a, 400), 400);
  (void)at_drain(&a);
  AT_IN(&a, .seq = -700, .len = 1500, .ghost = true);
  a.peer.snd_nxt += 800;
  assert_int_equal(at_read(&a, 5000), 1400);
  assert_int_equal(at_info(&a).rcv_nxt, a.peer.snd_nxt);
  (void)at_drain(&a);
  tct_info i = at_info(&a);
  AT_IN(&a, .len = i.rcv_wnd - 1000); /* nearly fills the window, unread */
  (void)at_drain(&a);
  AT_IN(&a, .len = 5000, .ghost = true);
  i = at_info(&a);
  assert_int_equal(i.rcv_wnd, 0);
  assert_int_equal(i.rcv_nxt, a.peer.snd_nxt + 1000);
  long n = at_read(&a, 100000);
  assert_int_equal(a.read_at, a.peer.snd_nxt + 1000);
  assert_true(n > 60000);
  at_end(&a);
}

/* [RFC9293 EP-25] [RFC9293 EP-27] */
static void established__no_ack_or_ack_of_the_unsent__data_is_not_used(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(AT_IN(&a, .no_ack = true, .len = 10, .ghost = true), TCT_DROP_NO_ACK);
  at_quiet(&a);
  assert_int_equal(AT_IN(&a, .ack = 1, .len = 10, .ghost = true), TCT_DROP_ACK_UNSENT);
  at_is(&a, at_out(&a), TCT_ACK, 0, 0);
  assert_int_equal(at_read(&a, 100), TCT_EAGAIN);
  AT_IN(&a, .len = 10);
  assert_int_equal(at_read(&a, 100), 10);
  at_end(&a);
}

/* ---- RST and SYN: RFC 5961 ------------------------------------------------------------------- */

/* [RFC9293 EP-17] [RFC9293 EP-18] [RFC9293 EP-19] [RFC9293 SHLD-2] */
static void rst__at_each_distance__silence_reset_or_challenge(void **state) {
  (void)state;
  static const struct {
    int32_t seq;
    uint32_t len;
    bool reset, challenge;
  } rows[] = {
      {0, 0, true, false},        {0, 10, true, false},          {1, 0, false, true},
      {65534, 0, false, true},    {65535, 0, false, false},      {-1, 0, false, false},
      {-100000, 0, false, false}, {2000000000, 0, false, false},
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct at a;
    start(&a, TCT_ESTABLISHED);
    AT_IN(&a, .flags = TCT_RST, .seq = rows[i].seq, .len = rows[i].len);
    assert_int_equal(at_state(&a), rows[i].reset ? TCT_CLOSED : TCT_ESTABLISHED);
    if (rows[i].challenge)
      at_is(&a, at_out(&a), TCT_ACK, 0, 0);
    at_quiet(&a);
    at_end(&a);
  }
}

/* [RFC9293 MUST-66] [RFC9293 EP-15] [RFC9293 EP-48] */
static void own_window_shut__probe_ack_urg_and_rst__are_seen(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  while (at_info(&a).rcv_wnd > 0)
    AT_IN(&a, .len = tct_min_u32(at_info(&a).rcv_wnd, 20000), .ack = -100);
  (void)at_drain(&a);
  for (unsigned i = 0; i < 20; i++) { /* probes, without limit */
    AT_IN(&a, .len = 1, .ack = -100, .ghost = true);
    const tct_seg *g = at_out(&a);
    at_is(&a, g, TCT_ACK, 0, 0);
    assert_int_equal(g->window_raw, 0);
  }
  AT_IN(&a, .len = 1, .ghost = true); /* text refused, ACK taken */
  assert_int_equal(at_info(&a).unacked, 0);
  (void)at_drain(&a);
  (void)at_events(&a);
  tct_seg t = at_template(&a);
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_URG, .urgent = 5});
  assert_true((at_events(&a) & TCT_EV_URGENT) != 0);
  AT_IN(&a, .flags = TCT_RST);
  assert_int_equal(at_state(&a), TCT_CLOSED);
  at_end(&a);
}

/* ---- bursts ---------------------------------------------------------------------------------- */

struct tally {
  unsigned acks, dsacks;
};

static struct tally tally_acks(struct at *a) {
  struct tally t = {0, 0};
  while (at_out(a) != NULL) {
    t.acks++;
    t.dsacks += a->got.n_sack > 0 && (int32_t)(a->got.sack[0][0] - a->got.ack) < 0;
  }
  return t;
}

/* [RFC9293 MAY-13] k out-of-order segments draw the same ACKs in one burst as one by one. */
static void out_of_order_burst__one_frame_or_many__same_duplicate_acks(void **state) {
  (void)state;
  for (unsigned k = 1; k <= 12; k++) {
    struct at one, many, super;
    start(&one, TCT_ESTABLISHED);
    start(&many, TCT_ESTABLISHED);
    start(&super, TCT_ESTABLISHED);
    struct tally t1 = {0, 0};
    for (unsigned i = 0; i < k; i++) {
      AT_IN(&one, .seq = 1000 + 1000 * (int32_t)i, .len = 1000);
      struct tally t = tally_acks(&one);
      t1.acks += t.acks;
    }
    for (unsigned i = 0; i < k; i++)
      AT_IN(&many, .seq = 1000 + 1000 * (int32_t)i, .len = 1000);
    AT_IN(&super, .seq = 1000, .len = 1000 * k, .seg_size = 1000);
    assert_int_equal(t1.acks, k);
    assert_int_equal(tally_acks(&many).acks, k);
    assert_int_equal(tally_acks(&super).acks, k);
    at_end(&one);
    at_end(&many);
    at_end(&super);
  }
}

/* [RFC9293 MUST-58] [RFC9293 MUST-59] In order: far fewer ACKs, and the last covers all. */
static void in_order_burst__ten_segments__one_ack_that_covers_all(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 10; i++)
    AT_IN(&a, .len = 1000);
  const tct_seg *g = at_out(&a);
  at_is(&a, g, TCT_ACK, 0, 0);
  at_quiet(&a);
  at_end(&a);
}

/* RFC 2883: each duplicate has its report, oldest first. */
static void old_segments_again__burst__one_dsack_each(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 4; i++)
    AT_IN(&a, .len = 1000);
  (void)at_drain(&a);
  for (int32_t i = 0; i < 3; i++)
    AT_IN(&a, .seq = -4000 + 1000 * i, .len = 1000, .ghost = true);
  for (unsigned i = 0; i < 3; i++) {
    assert_non_null(at_out(&a));
    assert_int_equal(a.got.n_sack, 1);
    assert_int_equal(a.got.sack[0][0], a.peer.snd_nxt - 4000 + 1000 * i);
    assert_int_equal(a.got.sack[0][1], a.peer.snd_nxt - 3000 + 1000 * i);
  }
  at_quiet(&a);
  at_end(&a);
}

/* More debts than are kept: merged, bounded, and the connection goes on. */
static void hundred_duplicates_in_a_burst__acks__are_bounded(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 100; i++)
    AT_IN(&a, .seq = 5000, .len = 10);
  unsigned n = at_drain(&a);
  assert_true(n >= 1 && n <= TCT_ACK_DEBT_MAX);
  AT_IN(&a, .len = 5000);
  a.peer.snd_nxt += 10;
  assert_int_equal(at_read(&a, 10000), 5010);
  at_end(&a);
}

/* ---- text in pieces -------------------------------------------------------------------------- */

static void frame_in_pieces__headers_in_the_first__octets_are_whole(void **state) {
  (void)state;
  static uint8_t buf[SEG_PACKET_MAX];
  for (unsigned cut = 0; cut < 60; cut++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .ipv6 = cut % 2 != 0});
    tct_seg t = at_template(&a);
    size_t len = seg_make(&t, &(struct seg_diff){.len = 301}, buf);
    size_t head = len - 301;
    size_t first = head + cut % 7, second = cut * 5 % 290;
    tct_iov v[3] = {
        {buf, first}, {buf + first, second}, {buf + first + second, len - first - second}};
    tct_frame f = {.iov = v, .n_iov = 3, .len = (uint32_t)len, .at = a.now};
    tct_input(a.s, a.ifc, &f, 1, a.now);
    assert_int_equal(f.verdict, TCT_ACCEPTED);
    assert_int_equal(at_read(&a, 1000), 301);
    at_end(&a);
  }
}

static void frame_in_pieces__bad_sum_in_the_last__dropped(void **state) {
  (void)state;
  static uint8_t buf[SEG_PACKET_MAX];
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_seg t = at_template(&a);
  size_t len = seg_make(&t, &(struct seg_diff){.len = 300}, buf);
  buf[len - 1] ^= 1;
  tct_iov v[2] = {{buf, 60}, {buf + 60, len - 60}};
  tct_frame f = {.iov = v, .n_iov = 2, .len = (uint32_t)len, .at = a.now};
  tct_input(a.s, a.ifc, &f, 1, a.now);
  assert_int_equal(f.verdict, TCT_DROP_TCP_CHECKSUM);
  f.csum = TCT_CSUM_GOOD; /* the device has looked */
  tct_input(a.s, a.ifc, &f, 1, a.now);
  assert_int_equal(f.verdict, TCT_ACCEPTED);
  at_end(&a);
}

/* ---- FIN ------------------------------------------------------------------------------------- */

/* [RFC9293 EP-36] Whatever the order in which text and FIN come. */
static void fin_beyond_a_gap__each_order__taken_when_all_is_in(void **state) {
  (void)state;
  for (unsigned with_text = 0; with_text < 2; with_text++) {
    struct at a;
    start(&a, TCT_ESTABLISHED);
    if (with_text)
      AT_IN(&a, .seq = 500, .len = 500, .flags = TCT_FIN);
    else
      AT_IN(&a, .seq = 1000, .flags = TCT_FIN);
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
    assert_int_equal(at_drain(&a), 1);
    assert_int_equal(at_events(&a) & TCT_EV_EOF, 0);
    AT_IN(&a, .len = with_text ? 500 : 1000);
    assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
    assert_true((at_events(&a) & TCT_EV_EOF) != 0);
    assert_int_equal(at_read(&a, 5000), 1000);
    assert_int_equal(at_read(&a, 1), 0);
    assert_non_null(at_out(&a));
    assert_int_equal(a.got.ack, AT_PEER_ISN + 1 + 1000 + 1);
    at_end(&a);
  }
}

/* [RFC9293 EP-35] [RFC9293 EP-32] */
static void after_fin__data_and_urg__are_ignored(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSE_WAIT);
  AT_IN(&a, .len = 10, .flags = TCT_URG, .urgent = 5);
  assert_int_equal(at_events(&a) & (TCT_EV_URGENT | TCT_EV_READABLE), 0);
  assert_int_equal(at_read(&a, 10), 0);
  assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
  at_end(&a);
}

/* A FIN that lies beyond a full window waits for room as its bytes do. */
static void fin_behind_a_full_window__reading__lets_it_in(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  while (at_info(&a).rcv_wnd > 0)
    AT_IN(&a, .len = tct_min_u32(at_info(&a).rcv_wnd, 20000));
  (void)at_drain(&a);
  AT_IN(&a, .flags = TCT_FIN, .ghost = true);
  assert_int_equal(at_drain(&a), 1);
  (void)at_read(&a, 100000);
  (void)at_drain(&a);
  AT_IN(&a, .flags = TCT_FIN);
  assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
  assert_int_equal(at_read(&a, 1), 0);
  at_end(&a);
}

/* [RFC9293 EP-35] A peer that sends from beyond its own FIN, in each order: the FIN stands. */
static void text_beyond_the_fin__each_order__is_no_part_of_the_stream(void **state) {
  (void)state;
  for (unsigned order = 0; order < 5; order++) {
    struct at a;
    start(&a, TCT_ESTABLISHED);
    if (order == 0 || order == 1) /* the text first; then the FIN alone, or behind its own text */
      AT_IN(&a, .seq = 1 + 100 * (int32_t)order, .len = 50, .ghost = true);
    if (order == 2) /* the FIN first, beyond a gap, then text across it */
      AT_IN(&a, .seq = 100, .flags = TCT_FIN, .ghost = true);
    if (order == 3) { /* two FINs: the nearer one */
      AT_IN(&a, .seq = 300, .flags = TCT_FIN, .ghost = true);
      AT_IN(&a, .seq = 100, .flags = TCT_FIN, .ghost = true);
      AT_IN(&a, .seq = 200, .flags = TCT_FIN, .ghost = true);
    }
    if (order == 4) { /* more from beyond it, then a later FIN that fills the gap */
      AT_IN(&a, .seq = 100, .flags = TCT_FIN, .ghost = true);
      (void)at_drain(&a);
      AT_IN(&a, .seq = 500, .len = 10, .ghost = true);
      at_is(&a, at_out(&a), TCT_ACK, 0, 0);
    }
    uint32_t nxt = a.peer.snd_nxt;
    if (order == 4)
      AT_IN(&a, .len = 200, .flags = TCT_FIN, .ghost = true);
    else if (order < 2)
      AT_IN(&a, .len = 100 * order, .flags = TCT_FIN, .ghost = true);
    else
      AT_IN(&a, .len = 200, .ghost = true);
    assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
    assert_int_equal(at_info(&a).rcv_nxt, nxt + (order == 0 ? 1u : 101u));
    if (order > 0)
      assert_int_equal(at_read(&a, 1000), 100);
    assert_int_equal(at_read(&a, 1000), 0);
    at_end(&a);
  }
}

/* [RFC9293 EP-21] [RFC9293 MUST-12] Once the FIN is out nothing is told; before, bytes are lost. */
static void last_ack__rst__is_told_only_while_bytes_wait(void **state) {
  (void)state;
  for (unsigned waits = 0; waits < 2; waits++) {
    struct at a;
    start(&a, TCT_CLOSE_WAIT);
    a.peer.window = waits != 0 ? 0 : 60000;
    AT_IN(&a, .len = 0);
    at_write(&a, 100);
    assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
    (void)at_drain(&a);
    assert_int_equal(at_state(&a), TCT_LAST_ACK);
    AT_IN(&a, .flags = TCT_RST);
    (void)at_events(&a);
    assert_int_equal(a.closed, 1);
    assert_int_equal(a.err, waits != 0 ? TCT_ECONNRESET : 0);
    at_end(&a);
  }
}

/* [RFC9293 EP-41] The peer would wait for our FIN for ever. */
static void last_ack_or_closing__abort__rst_unless_the_fin_went(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct at a;
    bool went = i % 2 != 0, closing = i / 2 != 0;
    start(&a, closing ? TCT_ESTABLISHED : TCT_CLOSE_WAIT);
    a.peer.window = went ? 60000 : 0;
    AT_IN(&a, .len = 0);
    at_write(&a, 100);
    assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
    (void)at_drain(&a);
    if (closing)
      AT_IN(&a, .flags = TCT_FIN, .ack = went ? -1 : 0);
    (void)at_drain(&a);
    assert_int_equal(at_state(&a), closing ? TCT_CLOSING : TCT_LAST_ACK);
    assert_int_equal(tct_sock_abort(a.s, a.k), TCT_OK);
    if (!went)
      assert_int_equal(at_out(&a)->flags, TCT_RST | TCT_ACK);
    at_quiet(&a);
    at_end(&a);
  }
}

/* [RFC9293 EP-22] Its own number lies left of the window, whatever comes behind it. */
static void half_open__syn_ack_again_with_text__stays(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .passive = true, .strict = true});
  assert_int_equal(AT_IN(&a, .flags = TCT_SYN, .seq = -1, .len = 10, .ghost = true),
                   TCT_DROP_SYN_CHALLENGED);
  at_is(&a, at_out(&a), TCT_ACK, 0, 0);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  at_end(&a);
}

/* A peer that rebooted without timestamps, while a SYN,ACK with them waits: it must not meet
 * silence (docs/security.md, A029). */
static void half_open_with_timestamps__new_syn_without__begins_anew(void **state) {
  (void)state;
  struct at a;
  at_start(&a,
           (struct at_how){.state = TCT_SYN_RECEIVED, .passive = true, .strict = true, .ts = true});
  assert_int_equal(AT_IN(&a, .no_ack = true, .no_ts = true, .len = 5, .ghost = true),
                   TCT_DROP_NO_TIMESTAMP);
  assert_int_equal(
      AT_IN(&a, .flags = TCT_SYN, .no_ack = true, .seq = 500, .no_ts = true, .ghost = true),
      TCT_ACCEPTED);
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.HalfOpenNow, 0);
  at_end(&a);
}

/* Two ends whose probes crossed: each stands one below what the other expects. */
static void empty_segment_one_below__acknowledges_something_new__its_ack_counts(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 100);
  assert_non_null(at_out(&a));
  AT_IN(&a, .seq = -1, .ack = -100, .ghost = true);
  at_is(&a, at_out(&a), TCT_ACK, 0, 0);
  assert_int_equal(at_info(&a).unacked, 1);
  AT_IN(&a, .seq = -1, .ghost = true);
  assert_int_equal(at_info(&a).unacked, 0);
  at_end(&a);
}

/* A record of TIME-WAIT whose window was full at the end. */
static void time_wait__window_shut__only_the_edge_is_acceptable(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_FIN_WAIT_2);
  while (at_info(&a).rcv_wnd > 1)
    AT_IN(&a, .len = tct_min_u32(at_info(&a).rcv_wnd - 1, 20000));
  (void)at_drain(&a);
  AT_IN(&a, .flags = TCT_FIN);
  (void)at_drain(&a);
  at_pass(&a, TCT_S(2));
  assert_int_equal(AT_IN(&a, .len = 0), TCT_ACCEPTED);
  at_quiet(&a);
  assert_int_equal(AT_IN(&a, .seq = 1, .ghost = true), TCT_DROP_TIME_WAIT_OLD);
  assert_non_null(at_out(&a));
  at_end(&a);
}

/* Half the number space away before and after are a matter of one octet; with text on top an end
 * could seem to lie behind the window: never more than an ACK. */
static void text_half_the_space_away__each_distance__is_refused(void **state) {
  (void)state;
  static const int32_t around[] = {-70000, -65536, -65535, -1500, -100, -2, -1, 0, 1, 100, 70000};
  for (unsigned i = 0; i < 3 * TCT_ARRAY_LEN(around); i++) {
    struct at a;
    start(&a, TCT_ESTABLISHED);
    int32_t seq = (int32_t)(0x80000000u + (uint32_t)around[i / 3]);
    assert_int_equal(AT_IN(&a, .seq = seq, .len = i % 3 * 1000, .ghost = true),
                     TCT_DROP_SEQ_OUTSIDE_WINDOW);
    (void)at_drain(&a);
    assert_int_equal(at_read(&a, 10), TCT_EAGAIN);
    at_end(&a);
  }
}

/* RFC 5961 3.2 looks at the number, not at how far the text of a RST reaches. */
static void rst__number_left_of_window_but_text_inside__silence(void **state) {
  (void)state;
  for (unsigned record = 0; record < 2; record++) {
    struct at a;
    at_start(&a, (struct at_how){.state = record != 0 ? TCT_SYN_RECEIVED : TCT_ESTABLISHED,
                                 .passive = record != 0,
                                 .strict = true});
    assert_int_equal(AT_IN(&a, .flags = TCT_RST, .seq = -1, .len = 100, .ghost = true),
                     TCT_DROP_RST_OUTSIDE_WINDOW);
    at_quiet(&a);
    at_end(&a);
  }
}

/* [RFC9293 EP-9] Data and FIN that come with the SYN,ACK are used after it. */
static void syn_sent__syn_ack_with_data_and_fin__all_is_taken(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_SYN_SENT);
  AT_IN(&a, .flags = TCT_SYN | TCT_FIN, .len = 20);
  assert_int_equal(at_state(&a), TCT_CLOSE_WAIT);
  assert_int_equal(at_read(&a, 100), 20);
  assert_int_equal(at_read(&a, 100), 0);
  assert_non_null(at_out(&a));
  assert_int_equal(a.got.ack, a.peer.snd_nxt);
  at_end(&a);
}

/* [RFC9293 MUST-5] [RFC9293 MUST-7] [RFC9293 MUST-64] Bytes of options on data, whatever they are.
 */
static void random_option_bytes__data__is_taken_or_dropped_but_nothing_breaks(void **state) {
  (void)state;
  struct tct_prng rng;
  uint8_t seed[32] = {9};
  tct_prng_init(&rng, seed);
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < 3000; i++) {
    uint8_t options[40];
    for (unsigned k = 0; k < sizeof options; k++)
      options[k] = (uint8_t)(tct_prng_u32(&rng) % (k % 2 != 0 ? 12 : 256));
    uint8_t n = (uint8_t)(tct_prng_u32(&rng) % 11 * 4);
    AT_IN(&a, .len = 3, .options = options, .options_len = n);
    assert_int_equal(a.verdict, TCT_ACCEPTED);
    (void)at_drain(&a);
    (void)at_read(&a, 100);
  }
  assert_int_equal(a.read_at, a.peer.snd_nxt);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(unacceptable__each_kind__one_ack_with_the_current_numbers),
      cmocka_unit_test(straddling_segment__both_ends__are_trimmed),
      cmocka_unit_test(established__no_ack_or_ack_of_the_unsent__data_is_not_used),
      cmocka_unit_test(rst__at_each_distance__silence_reset_or_challenge),
      cmocka_unit_test(own_window_shut__probe_ack_urg_and_rst__are_seen),
      cmocka_unit_test(out_of_order_burst__one_frame_or_many__same_duplicate_acks),
      cmocka_unit_test(in_order_burst__ten_segments__one_ack_that_covers_all),
      cmocka_unit_test(old_segments_again__burst__one_dsack_each),
      cmocka_unit_test(hundred_duplicates_in_a_burst__acks__are_bounded),
      cmocka_unit_test(frame_in_pieces__headers_in_the_first__octets_are_whole),
      cmocka_unit_test(frame_in_pieces__bad_sum_in_the_last__dropped),
      cmocka_unit_test(fin_beyond_a_gap__each_order__taken_when_all_is_in),
      cmocka_unit_test(after_fin__data_and_urg__are_ignored),
      cmocka_unit_test(text_beyond_the_fin__each_order__is_no_part_of_the_stream),
      cmocka_unit_test(last_ack__rst__is_told_only_while_bytes_wait),
      cmocka_unit_test(last_ack_or_closing__abort__rst_unless_the_fin_went),
      cmocka_unit_test(half_open__syn_ack_again_with_text__stays),
      cmocka_unit_test(half_open_with_timestamps__new_syn_without__begins_anew),
      cmocka_unit_test(empty_segment_one_below__acknowledges_something_new__its_ack_counts),
      cmocka_unit_test(time_wait__window_shut__only_the_edge_is_acceptable),
      cmocka_unit_test(text_half_the_space_away__each_distance__is_refused),
      cmocka_unit_test(rst__number_left_of_window_but_text_inside__silence),
      cmocka_unit_test(fin_behind_a_full_window__reading__lets_it_in),
      cmocka_unit_test(syn_sent__syn_ack_with_data_and_fin__all_is_taken),
      cmocka_unit_test(random_option_bytes__data__is_taken_or_dropped_but_nothing_breaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
