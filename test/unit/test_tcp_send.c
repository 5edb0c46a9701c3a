/* SPDX-License-Identifier: MIT */
/*
 * The sending side: what an ACK means, whose window counts, how much may go (Nagle, silly windows,
 * boundaries), what the application may queue.
 */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

static uint32_t usable(struct leaf *f) {
  bool override;
  return tct_tcp_send_usable(&f->s, &f->c, &override);
}

static bool wants_override(struct leaf *f) {
  bool override;
  (void)tct_tcp_send_usable(&f->s, &f->c, &override);
  return override;
}

static void stop(struct leaf *f) {
  tct_tcp_timer_stop(&f->s, &f->c);
  tct_list_remove(&f->c.ready);
  tct_list_remove(&f->c.event);
  leaf_end(f);
}

/* ---- what an ACK means ----------------------------------------------------------------------- */

static void ack_of_part__meaning__counts_bytes_and_takes_a_sample(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_sent(&f, 1000);
  leaf_sent(&f, 1000);
  clock_set(&f.s, f.s.now + TCT_MS(30));
  struct tct_tcp_ack a = leaf_ack(&f, FIRST + 1000, 65535);
  assert_true(a.advanced);
  assert_false(a.duplicate);
  assert_int_equal(a.acked_bytes, 1000);
  assert_int_equal(a.flight_before, 2000);
  assert_true(a.rtt_ns == TCT_MS(30));
  assert_int_equal(tct_tcp_send_flight(&f.c), 1000);
  stop(&f);
}

/* RFC 5681 2: all five conditions. */
static void same_ack_again__duplicate__only_if_nothing_else_changed(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  assert_false(leaf_ack(&f, FIRST, 65535).duplicate); /* nothing outstanding */
  leaf_sent(&f, 1000);
  assert_true(leaf_ack(&f, FIRST, 65535).duplicate);
  assert_false(leaf_ack(&f, FIRST, 60000).duplicate); /* a window update */
  assert_true(leaf_ack(&f, FIRST, 60000).duplicate);
  assert_false(leaf_ack(&f, FIRST - 10, 60000).duplicate);
  stop(&f);
}

static void syn_and_fin__acked_bytes__leave_them_out(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.state = TCT_FIN_WAIT_1;
  leaf_sent(&f, 500);
  tct_tcp_send_on_sent(&f.s, &f.c, f.c.snd.nxt, f.c.snd.nxt + 1, true);
  tct_tcp_sack_on_sent(&f.s, &f.c, f.c.snd.nxt - 1, f.c.snd.nxt, 1);
  struct tct_tcp_ack a = leaf_ack(&f, f.c.snd.nxt, 65535);
  assert_int_equal(a.acked_bytes, 500);
  assert_true(a.fin_acked);
  stop(&f);
}

/* ---- whose window ---------------------------------------------------------------------------- */

static void window_from(struct leaf *f, tct_seq seq, tct_seq ack, uint16_t window) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  h.seq = seq;
  h.ack = ack;
  h.window = window;
  tct_tcp_send_window(&f->s, &f->c, &h, false);
}

/* [RFC9293 EP-28] [RFC9293 EP-47] SND.WL1 < SEG.SEQ, or equal and SND.WL2 =< SEG.ACK. */
static void older_segment__window__is_not_taken(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  window_from(&f, 5000, 100, 3000);
  window_from(&f, 4999, 200, 9999); /* older text */
  assert_int_equal(f.c.snd.wnd, 3000);
  window_from(&f, 5000, 99, 9999); /* older ACK */
  assert_int_equal(f.c.snd.wnd, 3000);
  window_from(&f, 5000, 100, 2000); /* the same: taken */
  assert_int_equal(f.c.snd.wnd, 2000);
  window_from(&f, 5001, 50, 7000); /* newer text */
  assert_int_equal(f.c.snd.wnd, 7000);
  stop(&f);
}

/* [RFC9293 MUST-1] [RFC9293 REC-1] */
static void window_field__with_scale_14__is_unsigned_and_a_gigabyte(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  window_from(&f, 5000, 100, 0xffff);
  assert_int_equal(f.c.snd.wnd, 65535);
  f.c.wscale = 14;
  window_from(&f, 5001, 100, 0xffff);
  assert_int_equal(f.c.snd.wnd, 65535u << 14);
  assert_int_equal(tct_tcp_send_window_left(&f.c), 65535u << 14);
  assert_int_equal(f.c.snd.wnd_max, 65535u << 14);
  stop(&f);
}

/* [RFC9293 MUST-34] [RFC9293 SHLD-15] */
static void window_pulled_back__usable__is_none_not_negative(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 9000);
  for (unsigned i = 0; i < 8; i++)
    leaf_sent(&f, 1000);
  (void)leaf_ack(&f, FIRST, 2000);
  assert_int_equal(tct_tcp_send_window_left(&f.c), 0);
  assert_int_equal(usable(&f), 0);
  (void)leaf_ack(&f, FIRST + 8000, 2000);
  assert_int_equal(usable(&f), 1000);
  stop(&f);
}

/* ---- Nagle ----------------------------------------------------------------------------------- */

/* [RFC9293 SHLD-7] [RFC9293 MUST-17] [RFC9293 MUST-60] */
static void small_write__with_data_outstanding__waits_unless_nodelay(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 10);
  assert_int_equal(usable(&f), 10); /* nothing outstanding: at once */
  leaf_sent(&f, 10);
  leaf_queue(&f, 20);
  assert_int_equal(usable(&f), 0);
  assert_false(wants_override(&f));
  f.c.snd.flags |= TCT_SND_NODELAY;
  assert_int_equal(usable(&f), 20);
  f.c.snd.flags = 0;
  (void)leaf_ack(&f, FIRST + 10, 65535);
  assert_int_equal(usable(&f), 20);
  stop(&f);
}

static void last_bytes_before_fin__with_data_outstanding__go_at_once(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_sent(&f, 10);
  leaf_queue(&f, 20);
  f.c.snd.flags |= TCT_SND_FIN_WANTED;
  assert_int_equal(usable(&f), 20);
  stop(&f);
}

/* Linux's variant: only a small segment in flight holds a small one back. */
static void linux_profile__full_segments_outstanding__small_one_goes(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, false);
  leaf_sent(&f, 1000);
  f.a.small_end = f.c.snd.una;
  leaf_queue(&f, 20);
  assert_int_equal(usable(&f), 20);
  leaf_sent(&f, 20);
  leaf_queue(&f, 30);
  assert_int_equal(usable(&f), 0);
  stop(&f);
}

static void corked__partial_segment__waits_for_full_or_timer(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.snd.flags |= TCT_SND_CORK;
  leaf_queue(&f, 400);
  tct_tcp_send_on_queued(&f.s, &f.c, 0);
  assert_int_equal(usable(&f), 0);
  assert_true(f.a.cork_at == f.s.now + TCT_MS(200));
  leaf_queue(&f, 700);
  assert_int_equal(usable(&f), 1100); /* plan takes whole segments of it */
  clock_set(&f.s, f.s.now + TCT_MS(200));
  assert_true(usable(&f) > 0);
  stop(&f);
}

/* ---- silly windows --------------------------------------------------------------------------- */

/* [RFC9293 MUST-38] [RFC9293 EP-49] */
static void barely_open_window__sender__waits_for_mss_half_or_override(void **state) {
  (void)state;
  static const struct {
    uint32_t wnd, wnd_max, usable;
    bool override;
  } rows[] = {
      {1000, 65535, 1000, false}, /* a full segment */
      {999, 65535, 0, true},      {10, 65535, 0, true},
      {400, 800, 400, false}, /* half of the largest ever */
      {399, 800, 0, true},        {1, 1, 1, false},
      {0, 65535, 0, false}, /* the persist timer's business */
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct leaf f;
    leaf_init(&f, true);
    leaf_queue(&f, 5000);
    f.c.snd.wnd = rows[i].wnd;
    f.c.snd.wnd_max = rows[i].wnd_max;
    if (usable(&f) != rows[i].usable || wants_override(&f) != rows[i].override)
      fail_msg("row %u: %u", i, usable(&f));
    f.c.snd.flags |= TCT_SND_OVERRIDE;
    assert_int_equal(usable(&f), rows[i].wnd);
    stop(&f);
  }
}

static void window_small_but_data_outstanding__no_override__the_ack_will_come(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_sent(&f, 1000);
  leaf_queue(&f, 5000);
  f.c.snd.wnd = 1100;
  assert_int_equal(usable(&f), 0);
  assert_false(wants_override(&f));
  stop(&f);
}

/* ---- boundaries ------------------------------------------------------------------------------ */

static void end_of_record__usable__stops_there(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  leaf_queue(&f, 300);
  tct_tcp_send_on_queued(&f.s, &f.c, TCT_MSG_EOR);
  leaf_queue(&f, 2000);
  tct_tcp_send_on_queued(&f.s, &f.c, 0);
  assert_int_equal(usable(&f), 300);
  leaf_sent(&f, 300);
  assert_int_equal(usable(&f), 2000);
  (void)leaf_ack(&f, FIRST + 300, 65535);
  assert_int_equal(f.a.n_eor, 0);
  stop(&f);
}

static void all_boundaries_taken__further_write__is_refused_until_one_is_passed(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  for (unsigned i = 0; i < TCT_EOR_MAX; i++)
    assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, "x", 1, TCT_MSG_EOR), 1);
  assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, "x", 1, TCT_MSG_EOR), TCT_EAGAIN);
  leaf_sent(&f, 1);
  (void)leaf_ack(&f, FIRST + 1, 65535);
  assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, "x", 1, TCT_MSG_EOR), 1);
  stop(&f);
}

/* A write that was cut short has not ended: its boundary and its urgent mark belong to its last
 * byte. */
static void write_cut_short__boundary_and_urgent__wait_for_the_rest(void **state) {
  (void)state;
  struct leaf f;
  static uint8_t big[300000];
  leaf_init(&f, true);
  f.x.sndbuf = 1000;
  assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, big, 3000, TCT_MSG_EOR | TCT_MSG_URGENT), 1000);
  assert_int_equal(f.a.n_eor, 0);
  assert_int_equal(f.c.snd.flags & TCT_SND_URGENT, 0);
  assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, big, 1, 0), TCT_EAGAIN);
  stop(&f);
}

/* ---- room ------------------------------------------------------------------------------------ */

static void not_sent_low_water__queued_data__closes_the_queue(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.x.notsent_lowat = 500;
  leaf_queue(&f, 499);
  assert_true(tct_tcp_send_room(&f.s, &f.c) > 0);
  leaf_queue(&f, 1);
  assert_int_equal(tct_tcp_send_room(&f.s, &f.c), 0);
  leaf_sent(&f, 500);
  assert_true(tct_tcp_send_room(&f.s, &f.c) > 0);
  stop(&f);
}

static void no_memory__write__says_so_and_queues_nothing(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.mem.bytes_max = 1;
  assert_int_equal(tct_tcp_send_queue(&f.s, &f.c, "abc", 3, 0), TCT_ENOBUFS);
  assert_int_equal(tct_tcp_send_unsent(&f.c), 0);
  stop(&f);
}

/* [RFC9293 MUST-16] */
static void timestamps_on__segment_size__is_less_by_the_option(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  assert_int_equal(tct_tcp_send_mss(&f.s, &f.c), 1000);
  f.c.open |= TCT_OPEN_TS;
  assert_int_equal(tct_tcp_send_mss(&f.s, &f.c), 988);
  stop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(ack_of_part__meaning__counts_bytes_and_takes_a_sample),
      cmocka_unit_test(same_ack_again__duplicate__only_if_nothing_else_changed),
      cmocka_unit_test(syn_and_fin__acked_bytes__leave_them_out),
      cmocka_unit_test(older_segment__window__is_not_taken),
      cmocka_unit_test(window_field__with_scale_14__is_unsigned_and_a_gigabyte),
      cmocka_unit_test(window_pulled_back__usable__is_none_not_negative),
      cmocka_unit_test(small_write__with_data_outstanding__waits_unless_nodelay),
      cmocka_unit_test(last_bytes_before_fin__with_data_outstanding__go_at_once),
      cmocka_unit_test(linux_profile__full_segments_outstanding__small_one_goes),
      cmocka_unit_test(corked__partial_segment__waits_for_full_or_timer),
      cmocka_unit_test(barely_open_window__sender__waits_for_mss_half_or_override),
      cmocka_unit_test(window_small_but_data_outstanding__no_override__the_ack_will_come),
      cmocka_unit_test(end_of_record__usable__stops_there),
      cmocka_unit_test(all_boundaries_taken__further_write__is_refused_until_one_is_passed),
      cmocka_unit_test(write_cut_short__boundary_and_urgent__wait_for_the_rest),
      cmocka_unit_test(not_sent_low_water__queued_data__closes_the_queue),
      cmocka_unit_test(no_memory__write__says_so_and_queues_nothing),
      cmocka_unit_test(timestamps_on__segment_size__is_less_by_the_option),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
