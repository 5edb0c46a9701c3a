/* SPDX-License-Identifier: MIT */
/* Known attacks on timers and congestion control: A052 to A068 (A069, ECN, waits for its code). */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;

static tct_sock listener;

static void start(int v6, struct lab_peer *p, bool ts, void (*tweak)(tct_config *)) {
  lab_init(&l, v6, tweak);
  listener = lab_listen(&l, 80);
  lab_establish(&l, p, listener, 80, ts);
}

/* What has left is thrown away, but for how far it went. */
static uint32_t fly(struct lab_peer *p) {
  uint32_t high = p->ack;
  while (lab_out(&l, &g))
    if ((int32_t)(g.tcp.seq + g.len - high) > 0)
      high = g.tcp.seq + g.len;
  return high;
}

/* ---- Persist, retransmission, keep-alive
 * -------------------------------------------------------------- */

/* [RFC9293 MUST-36] */
ATTACK(a052_lost_window_update) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 100000};
    start(v6, &p, false, NULL);
    p.window = 2000;
    lab_ack(&l, &p);
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p);
    st.got = high - p.ack;
    p.ack = high;
    p.window = 0;
    lab_ack(&l, &p); /* the window that opens afterwards is told, and lost */
    tct_time last = 0, gap = 0;
    for (int i = 0; i < 10; i++) {
      assert_true(lab_next(&l, TCT_S(61), &g));
      assert_true(g.len <= 1 && g.why == TCT_WHY_PROBE);
      tct_time this_gap = last == 0 ? 0 : g.at - last;
      assert_true(this_gap >= 2 * gap || this_gap >= TCT_S(60));
      assert_true(this_gap <= TCT_S(60));
      gap = this_gap;
      last = g.at;
      lab_ack(&l, &p);
    }
    p.window = 65535;
    assert_true(lab_next(&l, TCT_S(61), &g)); /* its probe is answered with the open window */
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(61)));
    lab_finish(&l);
  }
}

/* RFC 6298 5.3: only what acknowledges something new pushes the timer. */
ATTACK(a053_timer_pushed_back_by_every_ack) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000};
    start(v6, &p, false, NULL);
    write_more(&l, p.sock, &st);
    assert_true(lab_next(&l, TCT_S(1), &g) && g.len > 0);
    tct_time sent = l.now, again = 0;
    for (int i = 1; i < 100 && again == 0; i++) {
      p.window ^= 1; /* a window update */
      lab_ack(&l, &p);
      if (lab_next(&l, TCT_MS(100), &g) && g.len > 0)
        again = l.now;
    }
    assert_true(again != 0);
    assert_true(again - sent <= TCT_S(3));
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-20] [RFC9293 MUST-23] */
ATTACK(a054_no_backoff) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000};
    int err = 0;
    start(v6, &p, false, NULL);
    write_more(&l, p.sock, &st);
    assert_true(lab_next(&l, TCT_S(1), &g));
    tct_time first = g.at, last = g.at, gap = 0, most = 0;
    while (lab_next(&l, TCT_S(200), &g)) {
      tct_time this_gap = g.at - last;
      assert_true(gap == 0 || this_gap >= 2 * gap || this_gap >= TCT_S(60));
      gap = this_gap;
      most = gap > most ? gap : most;
      last = g.at;
    }
    assert_true(most >= TCT_S(60) && last - first >= TCT_S(100));
    assert_true((lab_events(&l, p.sock, &err, NULL) & TCT_EV_CLOSED) != 0);
    assert_int_equal(err, TCT_ETIMEDOUT);
    lab_finish(&l);
  }
}

static uint32_t rto_of(struct lab_peer *p) {
  return info_of(&l, p->sock).rto;
}

/* [RFC9293 EP-50] */
ATTACK(a055_karn_violation) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000};
    start(v6, &p, false, NULL);
    assert_true(read_stream(&l, &p, &st, TCT_S(2)));
    lab_wait(&l, TCT_S(1));
    uint32_t srtt = info_of(&l, p.sock).rtt;
    st.want += 1000;
    write_more(&l, p.sock, &st);
    assert_true(lab_next(&l, TCT_S(1), &g) && g.len == 1000); /* slow: 3 s */
    assert_true(lab_next(&l, TCT_S(2), &g) && g.why == TCT_WHY_RTO);
    uint32_t backed_off = rto_of(&p);
    lab_wait(&l, TCT_S(3) - TCT_MS(1100));
    lab_drain(&l);
    p.ack += 1000;
    lab_ack(&l, &p);
    assert_int_equal(info_of(&l, p.sock).rtt, srtt);
    assert_true(rto_of(&p) >= backed_off); /* until a clean sample */
    st.want += 1000;
    write_more(&l, p.sock, &st);
    assert_true(lab_next(&l, TCT_S(1), &g) && g.len == 1000);
    lab_wait(&l, TCT_MS(50));
    p.ack += 1000;
    lab_ack(&l, &p);
    assert_true(rto_of(&p) < backed_off);
    lab_finish(&l);
  }
}

/* Across the wrap of 32-bit milliseconds, and one jump of ten hours. */
ATTACK(a056_clock_jump_and_wrap) {
  (void)state;
  static const tct_time spans[] = {TCT_S(86400) * 50, TCT_S(36000),
                                   TCT_MS(4294967296ull - 1000000 - 500)};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(spans); i++)
    for (int busy = 0; busy < 2; busy++) {
      struct lab_peer p;
      struct stream st = {.want = busy ? 5000 : 0};
      start(v6, &p, false, NULL);
      if (busy) {
        write_more(&l, p.sock, &st);
        lab_drain(&l);
      }
      l.now += spans[i]; /* at once, not from deadline to deadline */
      tct_advance(l.s, l.now);
      assert_true(lab_drain(&l) <= 4); /* no storm */
      assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
      st.want = 20000;
      assert_true(read_stream(&l, &p, &st, TCT_S(130)));
      lab_finish(&l);
    }
}

/* [RFC9293 MUST-25] [RFC9293 MUST-26] [RFC9293 MUST-27] [RFC9293 MUST-28] */
ATTACK(a057_keepalive_defaults) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    start(v6, &p, false, NULL);
    assert_false(lab_next(&l, TCT_S(3 * 3600), &g));
    assert_int_equal(tct_sock_set(l.s, p.sock, TCT_OPT_KEEPALIVE, 1), TCT_OK);
    lab_ack(&l, &p);
    tct_time idle = l.now;
    for (int i = 0; i < 5; i++) {
      assert_true(lab_next(&l, TCT_S(3 * 3600), &g));
      assert_int_equal(g.why, TCT_WHY_KEEPALIVE);
      assert_true(g.at - idle >= TCT_S(7200));
      lab_ack(&l, &p);
      idle = l.now;
    }
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    for (int minute = 0; minute < 119;
         minute++) { /* a stranger's guesses are no sign of P's life */
      lab_wait(&l, TCT_S(60));
      send_at(&l, &p, TCT_ACK, p.seq - 100000, p.ack);
      send_data_at(&l, &p, p.seq + 0x40000000u, "x", 1);
      lab_drain(&l);
    }
    assert_true(lab_next(&l, TCT_S(61), &g));
    assert_int_equal(g.why, TCT_WHY_KEEPALIVE);
    unsigned probes = 0;
    while (lab_next(&l, TCT_S(3 * 3600), &g))
      probes += g.why == TCT_WHY_KEEPALIVE;
    assert_true(probes >= 2); /* one lost probe is not the end */
    assert_int_equal(state_of(&l, p.sock), TCT_CLOSED);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-40] [RFC9293 SHLD-19] */
ATTACK(a058_delayed_ack_bounds) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t data[1460] = {0}, buf[1460];
    size_t mss = v6 ? 1440 : 1460;
    start(v6, &p, false, NULL);
    for (unsigned i = 1; i <= 40; i++) {
      lab_data(&l, &p, data, mss);
      while (lab_read(&l, p.sock, buf, sizeof buf) > 0)
        continue;
      unsigned n = lab_drain(&l);
      if (i % 2 == 0 && i > 4)
        assert_true(n >= 1);
      lab_wait(&l, TCT_MS(1));
    }
    lab_drain(&l);
    lab_wait(&l, TCT_S(2));
    lab_drain(&l);
    lab_data(&l, &p, data, mss);
    tct_time came = l.now;
    assert_true(lab_next(&l, TCT_S(1), &g));
    assert_true(g.at - came <= TCT_MS(500));
    assert_int_equal(g.tcp.ack, p.seq);
    lab_finish(&l);
  }
}

static void tweak_small_buffer(tct_config *c) {
  c->rcvbuf_bytes = 8192;
}

/* [RFC9293 MUST-39] */
ATTACK(a059_silly_window_receiver) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t data[1000] = {0}, byte;
    start(v6, &p, false, tweak_small_buffer);
    uint32_t wnd;
    while ((wnd = info_of(&l, p.sock).rcv_wnd) > 0) {
      lab_data(&l, &p, data, wnd < sizeof data ? wnd : sizeof data);
      lab_drain(&l);
    }
    uint32_t edge = p.seq;
    for (unsigned i = 0; i < 8000; i++) {
      assert_int_equal(lab_read(&l, p.sock, &byte, 1), 1);
      while (lab_out(&l, &g)) {
        uint32_t offered = g.tcp.ack + g.tcp.window;
        assert_true(offered == edge || offered - edge >= 1000);
        edge = offered;
      }
    }
    assert_true(edge - p.seq >= 1000);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-38] */
ATTACK(a060_silly_window_sender) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    start(v6, &p, false, NULL);
    uint32_t right = p.ack, small = 0;
    uint8_t bytes[6000] = {0};
    p.window = 10;
    for (unsigned i = 0; i < 300; i++) {
      (void)!tct_sock_send(l.s, p.sock, bytes, 10, 0);
      lab_ack(&l, &p);
      while (lab_out(&l, &g)) {
        small += g.len > 0 && g.len < 100;
        right = g.tcp.seq + g.len;
      }
      p.window = (uint16_t)(p.window + 10);
      lab_wait(&l, TCT_MS(20));
    }
    /* Some on idle, some on the override timer (half a second): not one for each of 300 offers. */
    assert_true(small <= 300 * 20 / 500 + 3);
    assert_true(right - p.ack > 0);
    lab_finish(&l);
  }
}

/* Two small writes and a wait for the answer: Nagle here, a delayed ACK there. */
ATTACK(a061_nagle_and_delayed_ack_stall) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    start(v6, &p, false, NULL);
    tct_time begun = l.now;
    assert_int_equal(tct_sock_send(l.s, p.sock, "0123456789", 10, 0), 10);
    assert_true(lab_next(&l, TCT_S(1), &g) && g.len == 10);
    assert_int_equal(tct_sock_send(l.s, p.sock, "0123456789", 10, 0), 10);
    lab_note(&p, &g);
    lab_wait(&l, TCT_MS(200)); /* P is another such stack */
    lab_ack(&l, &p);
    assert_true(lab_next(&l, TCT_S(1), &g) && g.len == 10);
    assert_true(g.at - begun < TCT_MS(500));
    lab_finish(&l);
  }
}

/* In each state, with each timer armed: silence, and every byte back (lab_finish). */
ATTACK(a062_reset_and_abort_leave_timers) {
  (void)state;
  for (int how = 0; how < 18; how++) {
    struct lab_peer p;
    struct stream st = {.want = 50000};
    start(how & 1, &p, false, NULL);
    switch (how / 2) {
    case 0:
      break;
    case 1:
      write_more(&l, p.sock, &st);
      lab_drain(&l);
      break; /* REXMIT */
    case 2:
      p.window = 0;
      lab_ack(&l, &p);
      write_more(&l, p.sock, &st);
      lab_drain(&l);
      break; /* PERSIST */
    case 3:
      (void)!tct_sock_set(l.s, p.sock, TCT_OPT_KEEPALIVE, 1);
      break;
    case 4:
      lab_data(&l, &p, "x", 1);
      break; /* DELACK */
    case 5:
      tct_sock_shutdown(l.s, p.sock, TCT_SHUT_WR);
      lab_drain(&l);
      break;
    case 6:
      send_flags(&l, &p, TCT_FIN | TCT_ACK);
      p.seq++;
      lab_drain(&l);
      break;
    case 7:
      (void)!tct_sock_send(l.s, p.sock, "x", 1, TCT_MSG_MORE);
      break; /* cork */
    default:
      tct_sock_shutdown(l.s, p.sock, TCT_SHUT_WR);
      lab_drain(&l);
      p.ack++;
      lab_ack(&l, &p);
    }
    if (how % 4 < 2) {
      send_at(&l, &p, TCT_RST, p.seq + (how / 2 == 4 ? 1u : 0u), 0);
      tct_event ev;
      while (tct_event_next(l.s, &ev))
        continue;
    } else {
      assert_int_equal(tct_sock_abort(l.s, p.sock), TCT_OK);
    }
    lab_drain(&l);
    assert_false(lab_next(&l, TCT_S(3600), &g));
    lab_finish(&l);
  }
}

/* ---- Congestion control
 * -------------------------------------------------------------------------------- */

/* Slow start for so many bytes, acknowledged a segment at a time, each in `pieces` steps; returns
 * cwnd. */
static uint32_t grow(int v6, unsigned pieces, uint32_t bytes) {
  struct lab_peer p;
  struct stream st = {.want = 400000}; /* never the limit, and written once */
  start(v6, &p, true, NULL);
  uint32_t first = p.ack, high = p.ack, mss = info_of(&l, p.sock).snd_mss, step = mss / pieces;
  while (p.ack - first < bytes) {
    write_more(&l, p.sock, &st);
    while (lab_out(&l, &g)) /* P's ACKs are behind: more is in flight than they say */
      high = (int32_t)(g.tcp.seq + g.len - high) > 0 ? g.tcp.seq + g.len : high;
    assert_true(high != p.ack);
    p.ack += high - p.ack < step ? high - p.ack : step;
    p.tsval++;
    lab_ack(&l, &p);
  }
  uint32_t cwnd = info_of(&l, p.sock).snd_cwnd;
  lab_finish(&l);
  return cwnd;
}

ATTACK(a063_ack_division) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint32_t honest = grow(v6, 1, 60000), divided = grow(v6, 100, 60000);
    assert_true(honest >= 60000); /* it did grow */
    assert_true(divided <= honest + honest / 10);
  }
}

/* D opens over a path of 50 ms: a malicious receiver is quicker with duplicates than the path is.
 */
ATTACK(a064_duplicate_ack_spoofing) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000000};
    lab_init(&l, v6, NULL);
    lab_connect(&l, &p, &g);
    lab_wait(&l, TCT_MS(50));
    send_at(&l, &p, TCT_SYN | TCT_ACK, p.iss, p.ack);
    p.seq++;
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p), flight = high - p.ack;
    assert_true(flight > 5000);
    for (int i = 0; i < 1000; i++) {
      lab_ack(&l, &p);
      uint32_t now = fly(&p);
      high = (int32_t)(now - high) > 0 ? now : high;
      lab_wait(&l, TCT_US(30));
    }
    assert_true(high - p.ack <=
                2 * flight); /* one window more in this round trip, as an honest path */
    lab_finish(&l);
  }
}

/* [RFC9293 EP-27] */
ATTACK(a065_optimistic_ack) {
  (void)state;
  static const uint32_t beyond[] = {1, 1460, 1u << 30};
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 1000000};
    start(v6, &p, false, NULL);
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p), cwnd = info_of(&l, p.sock).snd_cwnd, una = info_of(&l, p.sock).snd_una;
    for (size_t i = 0; i < TCT_ARRAY_LEN(beyond); i++) {
      struct lab_seg ack = {
          .flags = TCT_ACK, .seq = p.seq, .ack = high + beyond[i], .window = 65535};
      assert_int_equal(lab_send(&l, &p, &ack), TCT_DROP_ACK_UNSENT);
      expect_bare_ack(&l, &p, &g);
      lab_wait(&l, TCT_MS(300));
    }
    assert_int_equal(info_of(&l, p.sock).snd_cwnd, cwnd);
    assert_int_equal(info_of(&l, p.sock).snd_una, una);
    lab_finish(&l);
  }
}

static size_t put_sack(uint8_t *opt, unsigned n, const uint32_t *edges) {
  opt[0] = opt[1] = 1;
  opt[2] = 5;
  opt[3] = (uint8_t)(2 + 8 * n);
  for (unsigned i = 0; i < 2 * n; i++)
    for (unsigned b = 0; b < 4; b++)
      opt[4 + 4 * i + b] = (uint8_t)(edges[i] >> (24 - 8 * b));
  return 4 + 8 * n;
}

static void send_sack(struct lab_peer *p, unsigned n, const uint32_t *edges) {
  uint8_t opt[36];
  struct lab_seg ack = {
      .flags = TCT_ACK, .seq = p->seq, .ack = p->ack, .window = p->window, .opt = opt};
  ack.opt_len = put_sack(opt, n, edges);
  p->tsval++;
  lab_send(&l, p, &ack);
}

static void tweak_large_buffers(tct_config *c) {
  c->sndbuf_bytes = 1 << 20;
  c->initial_window_segs = 200;
}

/* SACK panic: small segments, eight bytes at a time, in no order. */
ATTACK(a066_sack_panic) {
  (void)state;
  FOR_BOTH_FAMILIES {
    static const uint8_t opt[12] = {2, 4, 0, 48, 4, 2, 1, 1, 1, 3, 3, 7};
    struct lab_peer p;
    struct stream st = {.want = 300000};
    lab_init(&l, v6, tweak_large_buffers);
    tct_sock k = lab_listen(&l, 80);
    lab_open(&l, &p, 80, opt, sizeof opt);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &p.sock), TCT_OK);
    lab_ack(&l, &p);
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p);
    uint64_t memory = l.s->memory_bytes;
    for (uint32_t i = 0; i < 4000; i++) {
      uint32_t at = p.ack + 16 + i * 7919 % (high - p.ack - 32) / 8 * 8;
      uint32_t edges[6] = {at, at + 8, high - 8, high, p.ack + 8, p.ack + 16};
      send_sack(&p, 3, edges);
      lab_drain(&l);
    }
    lab_check(&l);
    assert_true(l.s->memory_bytes <= memory + 400000);
    assert_true(read_stream(&l, &p, &st, TCT_S(130)));
    lab_finish(&l);
  }
}

/* Blocks that say nothing true are as if they were not there. Two of each: the third of three equal
 * ACKs would mean something whatever its blocks. */
ATTACK(a067_sack_of_nonsense) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < 7; i++) {
    struct lab_peer p;
    struct stream st = {.want = 100000};
    start(v6, &p, true, NULL);
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p);
    uint32_t rows[7][2] = {
        {p.ack + 3000, p.ack + 2000},   {high, high + 1000},
        {high + 5000, high + 9000},     {p.ack + 1000, p.ack + 1000},
        {p.ack - 70000, p.ack - 69000}, {p.ack + 0x80000000u, p.ack + 0x80000001u},
        {p.ack + 1000, high + 1}};
    for (int twice = 0; twice < 2; twice++) {
      send_sack(&p, 1, rows[i]);
      lab_check(&l);
      while (lab_out(&l, &g))
        assert_true(g.why != TCT_WHY_FAST_REXMIT && g.why != TCT_WHY_PARTIAL_ACK);
      assert_int_equal(info_of(&l, p.sock).sacked, 0);
    }
    assert_true(read_stream(&l, &p, &st, TCT_S(130)));
    lab_finish(&l);
  }
}

/* One segment after a time-out, at most the initial window after idle. */
ATTACK(a068_after_time_out_and_after_idle) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int idle = 0; idle < 2; idle++) {
    struct lab_peer p;
    struct stream st = {.want = 200000};
    start(v6, &p, false, NULL);
    assert_true(read_stream(&l, &p, &st, TCT_S(5)));
    uint32_t mss = v6 ? 1440 : 1460;
    if (idle)
      lab_wait(&l, TCT_S(30));
    st.want = 400000;
    write_more(&l, p.sock, &st);
    uint32_t high = fly(&p);
    if (idle) {
      assert_true(high - p.ack <= 10 * mss);
    } else {
      assert_true(lab_next(&l, TCT_S(5), &g));
      assert_int_equal(g.why, TCT_WHY_RTO);
      assert_int_equal(g.tcp.seq, p.ack);
      expect_silence(&l);
      assert_int_equal(info_of(&l, p.sock).snd_cwnd, mss);
    }
    assert_true(read_stream(&l, &p, &st, TCT_S(130)));
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a052_lost_window_update),
      cmocka_unit_test(a053_timer_pushed_back_by_every_ack),
      cmocka_unit_test(a054_no_backoff),
      cmocka_unit_test(a055_karn_violation),
      cmocka_unit_test(a056_clock_jump_and_wrap),
      cmocka_unit_test(a057_keepalive_defaults),
      cmocka_unit_test(a058_delayed_ack_bounds),
      cmocka_unit_test(a059_silly_window_receiver),
      cmocka_unit_test(a060_silly_window_sender),
      cmocka_unit_test(a061_nagle_and_delayed_ack_stall),
      cmocka_unit_test(a062_reset_and_abort_leave_timers),
      cmocka_unit_test(a063_ack_division),
      cmocka_unit_test(a064_duplicate_ack_spoofing),
      cmocka_unit_test(a065_optimistic_ack),
      cmocka_unit_test(a066_sack_panic),
      cmocka_unit_test(a067_sack_of_nonsense),
      cmocka_unit_test(a068_after_time_out_and_after_idle),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
