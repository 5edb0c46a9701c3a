/* SPDX-License-Identifier: MIT */
/* tcp_timewait: what is left of a connection that we closed first. RFC 9293 3.6.1, RFC 6191, RFC
 * 1337. */
#include "test/unit/wire_peer.h"

static struct wire w;
static tct_sock l;
static struct seg sa; /* our SYN,ACK of the connection that ended */

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

#define IRS 500u
#define FIN_SEQ (IRS + 1u) /* the peer's FIN, no data before it */

/* Open from the peer, closed by us first. */
static void end_in_time_wait_from(uint16_t port, bool ts) {
  tct_sock k;
  tct_event ev = {0};
  put(&w, (struct seg){.flags = TCT_SYN, .seq = IRS, .sport = port, .ts = ts, .tsval = 1000});
  sa = expect(&w, TCT_SYN | TCT_ACK);
  struct seg g = {.flags = TCT_ACK,
                  .seq = IRS + 1,
                  .ack = sa.seq + 1,
                  .sport = port,
                  .ts = ts,
                  .tsval = 1001,
                  .tsecr = sa.tsval};
  put(&w, g);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  struct seg fin = expect(&w, TCT_FIN | TCT_ACK);
  assert_int_equal(fin.seq, sa.seq + 1);
  g.flags = TCT_FIN | TCT_ACK;
  g.ack = fin.seq + 1;
  g.tsval = 1002;
  put(&w, g);
  assert_int_equal(expect(&w, TCT_ACK).ack, FIN_SEQ + 1);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
  assert_int_equal(ev.err, 0);
}

static void end_in_time_wait(bool ts) {
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  end_in_time_wait_from(PEER_PORT, ts);
  assert_int_equal(counters(&w).TimeWaitNow, 1);
  assert_int_equal(counters(&w).ConnsNow, 1); /* the listener: the block is free */
}

static struct seg peers_fin(void) {
  return (struct seg){.flags = TCT_FIN | TCT_ACK, .seq = FIN_SEQ, .ack = sa.seq + 2};
}

static void time_wait__fin_again__acknowledged_and_restarted(
    void **state) { /* [RFC9293 EP-31] [RFC9293 MUST-13] */
  (void)state;
  end_in_time_wait(false); /* 2 MSL: 60 s */
  tct_time begin = w.now;
  for (unsigned i = 0; i < 3; i++) { /* [A046] */
    assert_int_equal(put(&w, peers_fin()), TCT_ACCEPTED);
    struct seg a = expect(&w, TCT_ACK);
    assert_int_equal(a.seq, sa.seq + 2);
    assert_int_equal(a.ack, FIN_SEQ + 1);
    assert_int_equal(a.why, TCT_WHY_ACK_TIME_WAIT);
  }
  pass(&w, TCT_S(45));
  put(&w, peers_fin());
  expect(&w, TCT_ACK);
  pass(&w, begin + TCT_MS(104900) - w.now);
  assert_int_equal(counters(&w).TimeWaitNow, 1);
  pass(&w, TCT_MS(201));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
  assert_true(was_in(&w, TCT_TIME_WAIT, TCT_CLOSED));
  put(&w, peers_fin());
  expect(&w, TCT_RST); /* nobody remembers */
  assert_true(tct_deadline(w.s) == TCT_NEVER);
}

static void time_wait__untouched__lasts_two_msl(void **state) { /* [RFC9293 MUST-13] */
  (void)state;
  w.now += TCT_MS(33);
  end_in_time_wait(false);
  pass(&w, TCT_MS(59999));
  assert_int_equal(counters(&w).TimeWaitNow, 1);
  pass(&w, TCT_MS(102));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
  assert_int_equal(counters(&w).TW, 1);
}

static void time_wait__rst__is_ignored(void **state) { /* [A045] RFC 1337 */
  (void)state;
  end_in_time_wait(false);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = FIN_SEQ + 1}),
                   TCT_DROP_TIME_WAIT_RST);
  expect_silence(&w);
  put(&w, peers_fin());
  expect(&w, TCT_ACK);
}

static void time_wait__old_data__acknowledged_now_and_then(void **state) {
  (void)state;
  struct seg g;
  unsigned acks = 0;
  end_in_time_wait(false);
  for (unsigned i = 0; i < 100; i++) {
    struct seg old = {.flags = TCT_ACK, .seq = IRS - 50, .ack = sa.seq + 2, .len = 20};
    assert_int_equal(put(&w, old), TCT_DROP_TIME_WAIT_OLD);
    while (get(&w, &g)) {
      assert_int_equal(g.flags, TCT_ACK);
      acks++;
    }
    pass(&w, TCT_MS(10));
  }
  assert_in_range(acks, 2, 3); /* in one second */
}

static void time_wait__last_ack_repeated__silence(void **state) {
  (void)state;
  end_in_time_wait(false);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = FIN_SEQ + 1, .ack = sa.seq + 2}),
                   TCT_ACCEPTED);
  expect_silence(&w);
  assert_int_equal(
      put(&w, (struct seg){.flags = TCT_ACK, .seq = FIN_SEQ + 1, .ack = sa.seq + 2, .len = 3}),
      TCT_DROP_DATA_AFTER_FIN);
  expect_silence(&w);
}

/* ---- Reuse ----------------------------------------------------------------------------------- */

static void
time_wait__syn_above__reopens_with_a_higher_number(void **state) { /* [RFC9293 MAY-2] [A047] */
  (void)state;
  tct_sock k;
  end_in_time_wait(false);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = FIN_SEQ + 1000}), TCT_ACCEPTED);
  struct seg again = expect(&w, TCT_SYN | TCT_ACK);
  assert_true(tct_seq_gt(again.seq, sa.seq + 2));
  assert_true(was_in(&w, TCT_TIME_WAIT, TCT_SYN_RECEIVED));
  put(&w, (struct seg){.flags = TCT_ACK, .seq = FIN_SEQ + 1001, .ack = again.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

static void
time_wait__syn_above_was_an_old_one__back_to_time_wait(void **state) { /* [RFC9293 MAY-2] */
  (void)state;
  end_in_time_wait(false);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = FIN_SEQ + 1000});
  expect(&w, TCT_SYN | TCT_ACK);
  put(&w, (struct seg){.flags = TCT_RST, .seq = FIN_SEQ + 1001}); /* the peer knows nothing of it */
  assert_int_equal(counters(&w).HalfOpenNow, 0);
  assert_true(was_in(&w, TCT_SYN_RECEIVED, TCT_TIME_WAIT));
  put(&w, peers_fin());
  assert_int_equal(expect(&w, TCT_ACK).why, TCT_WHY_ACK_TIME_WAIT);
}

static void time_wait__reopening__the_record_ends_meanwhile(void **state) {
  (void)state;
  tct_sock k;
  end_in_time_wait(false);
  pass(&w, TCT_MS(59950));
  put(&w, (struct seg){.flags = TCT_SYN, .seq = FIN_SEQ + 1000});
  struct seg again = expect(&w, TCT_SYN | TCT_ACK);
  pass(&w, TCT_MS(500));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = FIN_SEQ + 1001, .ack = again.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

static void
time_wait__syn_below__ack_in_linux_silence_in_strict(void **state) { /* [RFC9293 SHLD-4] [A047] */
  (void)state;
  for (unsigned strict = 0; strict < 2; strict++) {
    wire_init(&w, strict ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX);
    end_in_time_wait(false);
    assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = IRS - 10}),
                     TCT_DROP_TIME_WAIT_SYN);
    if (strict)
      expect_silence(&w);
    else
      assert_int_equal(expect(&w, TCT_ACK).ack, FIN_SEQ + 1);
    assert_int_equal(counters(&w).HalfOpenNow, 0);
    if (!strict)
      wire_close(&w);
  }
}

/* RFC 6191's table. */
static void time_wait__may_reopen__by_timestamp_then_by_number(
    void **state) { /* [RFC9293 SHLD-4] [RFC9293 MAY-2] */
  (void)state;
  wire_open(&w);
  const struct {
    bool had, has;
    int ts, seq;
    bool yes;
  } rows[] = {
      {true, true, 1, -5, true},  {true, true, 1, 5, true},    {true, true, 0, 5, true},
      {true, true, 0, -5, false}, {true, true, -1, 5, false},  {true, true, -1, -5, false},
      {true, false, 0, 5, true},  {true, false, 0, -5, false}, {false, true, 0, -5, true},
      {false, true, 0, 5, true},  {false, false, 0, 5, true},  {false, false, 0, -5, false},
  };
  const uint32_t bases[] = {1000, 0, 0xffffffffu, 0x80000000u};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    for (unsigned b = 0; b < TCT_ARRAY_LEN(bases); b++) {
      struct tct_tcp_hdr h = {.flags = TCT_SYN, .seq = bases[b] + (uint32_t)rows[i].seq};
      h.opt.has_ts = rows[i].has;
      h.opt.tsval = bases[b] + (uint32_t)rows[i].ts;
      assert_int_equal(tct_tcp_timewait_may_reopen(&h, bases[b], rows[i].had, bases[b]),
                       rows[i].yes);
    }
  }
}

static void time_wait__timestamps__newer_opens_older_does_not(void **state) { /* [RFC9293 SHLD-4] */
  (void)state;
  end_in_time_wait(true);
  struct seg syn = {.flags = TCT_SYN, .seq = IRS - 10, .ts = true, .tsval = 900};
  assert_int_equal(put(&w, syn), TCT_DROP_TIME_WAIT_SYN);
  struct seg a = expect(&w, TCT_ACK);
  assert_int_equal(a.tsecr, 1002);
  syn.tsval = 1003;
  assert_int_equal(put(&w, syn), TCT_ACCEPTED);
  struct seg again = expect(&w, TCT_SYN | TCT_ACK);
  assert_true(tct_seq_gt(again.seq, sa.seq + 2));
  assert_true((int32_t)(again.tsval - sa.tsval) >= 0);
}

static void time_wait__cookies_always__a_reopening_syn_gets_none(void **state) {
  (void)state;
  tct_sock k;
  w.cfg.cookies = TCT_COOKIES_OVERFLOW;
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 1);
  end_in_time_wait_from(PEER_PORT, false);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 1}); /* the backlog is full now */
  expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = FIN_SEQ + 1000}),
                   TCT_DROP_SYN_BACKLOG);
  expect_silence(&w);
  put(&w, peers_fin()); /* still in TIME-WAIT */
  expect(&w, TCT_ACK);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_EAGAIN);
}

static void time_wait__no_listener_any_more__syn_is_dropped(void **state) {
  (void)state;
  end_in_time_wait(false);
  assert_int_equal(tct_sock_close(w.s, l), TCT_OK);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = FIN_SEQ + 1000}),
                   TCT_DROP_TIME_WAIT_SYN);
  expect_silence(&w);
}

/* ---- The table ------------------------------------------------------------------------------- */

static void table_full__oldest_goes_and_is_counted(void **state) { /* [A075] */
  (void)state;
  w.cfg.limits.time_wait = 100;
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  for (uint16_t i = 0; i < 300; i++) {
    end_in_time_wait_from((uint16_t)(2000 + i), false);
    pass(&w, TCT_MS(10));
  }
  assert_int_equal(counters(&w).TimeWaitNow, 100);
  assert_int_equal(counters(&w).TCPTimeWaitOverflow, 200);
  struct tct_tuple t = {OURS, PEER, PORT, 2299};
  assert_non_null(tct_tcp_timewait_find(w.s, &t));
  t.rport = 2000;
  assert_null(tct_tcp_timewait_find(w.s, &t));
  pass(&w, TCT_S(61));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

/* A flood fills the table many times over within one tick: order of arrival holds there, too. */
static void table_full_at_one_moment__oldest_goes(void **state) { /* [A075] */
  (void)state;
  w.cfg.limits.time_wait = 100;
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  for (uint16_t i = 0; i < 150; i++)
    end_in_time_wait_from((uint16_t)(2000 + i), false);
  assert_int_equal(counters(&w).TimeWaitNow, 100);
  for (uint16_t i = 0; i < 150; i++) {
    struct tct_tuple t = {OURS, PEER, PORT, (uint16_t)(2000 + i)};
    assert_int_equal(tct_tcp_timewait_find(w.s, &t) != NULL, i >= 50);
  }
  pass(&w, TCT_S(61));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

/* Restarts at random: each record ends 2 MSL after its last FIN, whatever the others do. */
static void table__many_restarts__each_ends_in_its_time(void **state) {
  (void)state;
  enum { N = 200 };
  tct_time last[N];
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  for (uint16_t i = 0; i < N; i++) {
    end_in_time_wait_from((uint16_t)(2000 + i), false);
    last[i] = w.now;
    pass(&w, TCT_MS(37));
  }
  uint32_t lot = 1;
  for (unsigned step = 0; step < 1500; step++) {
    lot = lot * 1664525u + 1013904223u;
    uint16_t i = (uint16_t)(lot >> 16) % N;
    struct tct_tuple t = {OURS, PEER, PORT, (uint16_t)(2000 + i)};
    struct tct_time_wait *r = tct_tcp_timewait_find(w.s, &t);
    if (r != NULL) {
      struct seg fin = {
          .flags = TCT_FIN | TCT_ACK, .seq = FIN_SEQ, .ack = r->snd_nxt, .sport = t.rport};
      assert_int_equal(put(&w, fin), TCT_ACCEPTED);
      expect(&w, TCT_ACK);
      last[i] = w.now;
    }
    pass(&w, TCT_MS(200));
    for (uint16_t k = 0; k < N; k++) {
      t.rport = (uint16_t)(2000 + k);
      bool there = tct_tcp_timewait_find(w.s, &t) != NULL;
      if (w.now < last[k] + TCT_S(60))
        assert_true(there);
      if (w.now > last[k] + TCT_S(60) + TCT_MS(100))
        assert_false(there);
    }
  }
  pass(&w, TCT_S(61));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

/* More on one tick than one call ends: the rest follows at once, none is forgotten. */
static void table__thousands_on_one_tick__all_end(void **state) {
  (void)state;
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  for (uint16_t i = 0; i < 9000; i++)
    end_in_time_wait_from((uint16_t)(2000 + i), false);
  assert_int_equal(counters(&w).TimeWaitNow, 9000);
  w.now += TCT_S(60);
  unsigned calls = 0;
  while (tct_deadline(w.s) <= w.now && calls < 100) {
    tct_advance(w.s, w.now);
    calls++;
  }
  assert_in_range(calls, 2, 20);
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

static void table__long_silence__everything_has_ended(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_STRICT);
  w.cfg.msl_ms = 600000; /* longer than the ring of ticks */
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 50);
  end_in_time_wait_from(PEER_PORT, false);
  pass(&w, TCT_S(1199));
  assert_int_equal(counters(&w).TimeWaitNow, 1);
  pass(&w, TCT_S(2));
  assert_int_equal(counters(&w).TimeWaitNow, 0);
  end_in_time_wait_from(PEER_PORT, false);
  w.now += TCT_S(86400);
  tct_advance(w.s, w.now);
  tct_advance(w.s, w.now);
  assert_int_equal(counters(&w).TimeWaitNow, 0);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(time_wait__fin_again__acknowledged_and_restarted),
      T(time_wait__untouched__lasts_two_msl),
      T(time_wait__rst__is_ignored),
      T(time_wait__old_data__acknowledged_now_and_then),
      T(time_wait__last_ack_repeated__silence),
      T(time_wait__syn_above__reopens_with_a_higher_number),
      T(time_wait__syn_above_was_an_old_one__back_to_time_wait),
      T(time_wait__reopening__the_record_ends_meanwhile),
      T(time_wait__syn_below__ack_in_linux_silence_in_strict),
      T(time_wait__may_reopen__by_timestamp_then_by_number),
      T(time_wait__timestamps__newer_opens_older_does_not),
      T(time_wait__cookies_always__a_reopening_syn_gets_none),
      T(time_wait__no_listener_any_more__syn_is_dropped),
      T(table_full__oldest_goes_and_is_counted),
      T(table_full_at_one_moment__oldest_goes),
      T(table__many_restarts__each_ends_in_its_time),
      T(table__thousands_on_one_tick__all_end),
      T(table__long_silence__everything_has_ended),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
