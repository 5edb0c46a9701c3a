/* SPDX-License-Identifier: MIT */
/* Known attacks on parsing: A001 to A019. Headers that lie about themselves. */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

/* A SYN with these options: answered, reset, or dropped; D does not hang, and goes on. */
static void send_syn_with(const void *opt, size_t n) {
  struct lab_peer p;
  lab_peer_init(&l, &p, 80);
  struct lab_seg syn = {.flags = TCT_SYN, .seq = p.iss, .window = 65535, .opt = opt, .opt_len = n};
  lab_send(&l, &p, &syn);
  if (!lab_out(&l, &g))
    return;
  assert_true(g.is_tcp && (g.tcp.flags & (TCT_SYN | TCT_RST)) != 0);
  expect_silence(&l);
  p.seq++;
  send_at(&l, &p, TCT_RST, p.seq, 0);
  expect_silence(&l);
}

/* [RFC9293 MUST-7] */
ATTACK(a001_option_length_zero) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (int kind = 2; kind < 256; kind++) {
      uint8_t opt[40];
      memset(opt, 0xaa, sizeof opt);
      opt[0] = (uint8_t)kind;
      opt[1] = 0;
      send_syn_with(opt, sizeof opt);
    }
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* In every kind of segment that is looked at. [RFC9293 MUST-7] */
ATTACK(a002_option_length_one) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p, q;
    for (int kind = 2; kind < 256; kind++) {
      uint8_t opt[8] = {(uint8_t)kind, 1, 2, 4, 5, 0xb4, 1, 1};
      send_syn_with(opt, sizeof opt);
    }
    uint8_t opt[8] = {2, 1, 2, 4, 5, 0xb4, 5, 1};
    lab_establish(&l, &p, k, 80, false);
    struct lab_seg data = {.flags = TCT_ACK,
                           .seq = p.seq,
                           .ack = p.ack,
                           .window = 100,
                           .opt = opt,
                           .opt_len = sizeof opt,
                           .data = "x",
                           .len = 1};
    assert_int_equal(lab_send(&l, &p, &data), TCT_ACCEPTED);
    lab_connect(&l, &q, &g);
    struct lab_seg answer = {.flags = TCT_SYN | TCT_ACK,
                             .seq = q.iss,
                             .ack = q.ack,
                             .window = 100,
                             .opt = opt,
                             .opt_len = sizeof opt};
    lab_send(&l, &q, &answer);
    assert_int_equal(state_of(&l, q.sock), TCT_ESTABLISHED);
    struct lab_seg rst = {.flags = TCT_RST, .seq = p.seq + 1, .opt = opt, .opt_len = sizeof opt};
    lab_send(&l, &p, &rst);
    assert_int_equal(state_of(&l, p.sock), TCT_CLOSED);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* The frame is a heap block of its size: the sanitizer sees a byte too far. [RFC9293 MUST-7] */
ATTACK(a003_option_overruns_header) {
  (void)state;
  static const uint8_t rows[][4] = {{1, 1, 1, 2},   {1, 1, 2, 4},   {1, 2, 4, 5},
                                    {1, 1, 5, 255}, {1, 1, 8, 10},  {1, 1, 3, 3},
                                    {1, 1, 4, 3},   {1, 1, 34, 18}, {1, 1, 254, 255}};
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++)
      send_syn_with(rows[i], 4);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

ATTACK(a004_data_offset_out_of_range) {
  (void)state;
  static const uint8_t zeros[64];
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer live, closed, fresh;
    lab_establish(&l, &live, k, 80, false);
    lab_peer_init(&l, &closed, 999);
    lab_peer_init(&l, &fresh, 80);
    struct lab_peer *peers[] = {&live, &closed, &fresh};
    for (int doff = 0; doff < 16; doff++)
      for (size_t n = 0; n <= 60; n++)
        for (int i = 0; i < 3; i++) {
          if (doff >= 5 && (size_t)doff * 4 <= 20 + n)
            continue;
          struct lab_seg seg = {.flags = FLAG(i == 2 ? TCT_SYN : TCT_ACK),
                                .seq = peers[i]->seq,
                                .ack = peers[i]->ack,
                                .window = 100,
                                .data = zeros,
                                .len = n,
                                .doff = doff == 0 ? -1 : doff};
          tct_verdict v = lab_send(&l, peers[i], &seg);
          assert_int_equal(v, TCT_DROP_TCP_OFFSET);
          expect_silence(&l);
        }
    assert_int_equal(info_of(&l, live.sock).rcv_nxt, live.seq);
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    lab_finish(&l);
  }
}

/* IPv4's total length, checksum put right. */
static size_t build_syn_saying(uint32_t total) {
  struct lab_peer p;
  lab_peer_init(&l, &p, 80);
  struct lab_seg syn = {.flags = TCT_SYN, .seq = p.iss, .window = 65535};
  size_t n = lab_build(&p, &syn, frame);
  frame[2] = (uint8_t)(total >> 8);
  frame[3] = (uint8_t)total;
  frame[10] = frame[11] = 0;
  uint16_t sum = lab_sum16(frame, 20);
  frame[10] = (uint8_t)(sum >> 8);
  frame[11] = (uint8_t)sum;
  return n;
}

ATTACK(a005_ip_total_length_below_headers) {
  (void)state;
  static const uint32_t totals[] = {0, 1, 19, 20, 21, 39};
  lab_init(&l, false, NULL);
  tct_sock k = lab_listen(&l, 80);
  for (size_t i = 0; i < TCT_ARRAY_LEN(totals); i++) {
    tct_verdict v = lab_in(&l, frame, build_syn_saying(totals[i]));
    assert_int_equal(v, totals[i] < 20 ? TCT_DROP_IP_TOTAL_LEN : TCT_DROP_TCP_SHORT);
    expect_silence(&l);
  }
  expect_service(&l, k, 80);
  lab_finish(&l);
}

ATTACK(a006_ip_total_length_beyond_frame) {
  (void)state;
  lab_init(&l, false, NULL);
  tct_sock k = lab_listen(&l, 80);
  size_t n = build_syn_saying(1500);
  memset(frame + 36, 0, 2); /* the sum that trailing zeros would make right */
  uint16_t sum = lab_sum(&l.theirs, &l.ours, TCT_IPPROTO_TCP, frame + 20, 1480);
  frame[36] = (uint8_t)(sum >> 8);
  frame[37] = (uint8_t)sum;
  assert_int_equal(lab_in(&l, frame, n), TCT_DROP_IP_TOTAL_LEN);
  expect_silence(&l);
  expect_service(&l, k, 80);
  lab_finish(&l);
}

ATTACK(a007_frame_longer_than_packet) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[100];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_establish(&l, &p, k, 80, false);
    struct lab_seg seg = {
        .flags = TCT_ACK, .seq = p.seq, .ack = p.ack, .window = 100, .data = "x", .len = 1};
    memset(frame, 0xaa, 200);
    size_t n = lab_build(&p, &seg, frame);
    memset(frame + n, 0xaa, 60);
    assert_int_equal(lab_in(&l, frame, n + 60), TCT_ACCEPTED);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 1);
    assert_int_equal(buf[0], 'x');
    assert_int_equal(info_of(&l, p.sock).rcv_nxt, p.seq + 1);
    lab_finish(&l);
  }
}

static void pull(const void *opt, size_t opt_len, struct stream *st) {
  struct lab_peer p;
  tct_sock k = lab_listen(&l, 80);
  lab_open(&l, &p, 80, opt, opt_len);
  assert_int_equal(tct_sock_accept(l.s, k, NULL, &p.sock), TCT_OK);
  assert_true(read_stream(&l, &p, st, TCT_S(5)));
}

ATTACK(a008_mss_zero) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct stream st = {.want = 4096};
    lab_init(&l, v6, NULL);
    pull("\2\4\0\0", 4, &st);
    assert_true(st.seg_min >= 48 && st.frames <= 4096 / 48 + 2);
    lab_finish(&l);
  }
}

ATTACK(a009_tiny_mss) {
  (void)state;
  static const uint8_t mss[] = {1, 8, 47, 48};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(mss); i++) {
    uint8_t opt[4] = {2, 4, 0, mss[i]};
    struct stream st = {.want = 65536};
    lab_init(&l, v6, NULL);
    pull(opt, 4, &st);
    assert_int_equal(st.seg_max, 48); /* the floor, cfg.mss_min */
    assert_true(st.frames <= 65536 / 48 + 16);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-15] */
ATTACK(a010_mss_option_of_wrong_length) {
  (void)state;
  static const uint8_t rows[][8] = {{2, 3, 5, 1, 1, 1, 1, 0}, {2, 6, 5, 0xb4, 0, 0, 0, 0}};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct stream st = {.want = 5000};
    lab_init(&l, v6, NULL);
    pull(rows[i], 8, &st);
    assert_int_equal(st.seg_max, v6 ? 1220 : 536);
    lab_finish(&l);
  }
}

ATTACK(a011_window_scale_above_14) {
  (void)state;
  static const uint8_t shifts[] = {15, 31, 32, 255};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(shifts); i++) {
    uint8_t opt[8] = {2, 4, 5, 0xb4, 1, 3, 3, shifts[i]};
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_open(&l, &p, 80, opt, sizeof opt);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &p.sock), TCT_OK);
    p.window = 65535;
    lab_ack(&l, &p);
    assert_int_equal(info_of(&l, p.sock).snd_wscale, 14);
    assert_int_equal(info_of(&l, p.sock).snd_wnd, 65535u << 14);
    struct lab_peer q; /* and when D has opened */
    lab_connect(&l, &q, &g);
    struct lab_seg answer = {.flags = TCT_SYN | TCT_ACK,
                             .seq = q.iss,
                             .ack = q.ack,
                             .window = 65535,
                             .opt = opt,
                             .opt_len = sizeof opt};
    lab_send(&l, &q, &answer);
    q.seq++;
    lab_ack(&l, &q);
    assert_int_equal(info_of(&l, q.sock).snd_wscale, 14);
    assert_int_equal(info_of(&l, q.sock).snd_wnd, 65535u << 14);
    lab_finish(&l);
  }
}

ATTACK(a012_malformed_sack) {
  (void)state;
  static const uint8_t rows[][40] = {{1, 1, 5, 3},
                                     {5, 9, 0, 0, 0, 1, 0, 0, 0, 2},
                                     {5, 11, 0, 0, 0, 1, 0, 0, 0, 2, 9},
                                     {5, 2},
                                     {1, 1, 5, 34},
                                     {1, 1, 5, 42},
                                     {5, 22, 1, 1, 1, 1, 2, 2, 2, 2}};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct lab_peer p;
    struct stream st = {.want = 3000};
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, true);
    write_more(&l, p.sock, &st);
    assert_true(lab_drain(&l) >= 2);
    struct lab_seg ack = {.flags = TCT_ACK,
                          .seq = p.seq,
                          .ack = p.ack + 1000,
                          .window = 65535,
                          .opt = rows[i],
                          .opt_len = 28};
    assert_int_equal(lab_send(&l, &p, &ack), TCT_ACCEPTED);
    assert_int_equal(info_of(&l, p.sock).snd_una, p.ack + 1000);
    lab_check(&l);
    lab_finish(&l);
  }
}

ATTACK(a013_timestamp_of_wrong_length) {
  (void)state;
  static const uint8_t rows[][12] = {{8, 8, 0, 0, 0, 1, 0, 0},
                                     {8, 12, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0}};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    lab_listen(&l, 80);
    lab_open(&l, &p, 80, rows[i], i == 0 ? 8 : 12);
    assert_false(p.ts); /* none in the SYN,ACK */
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-6] */
ATTACK(a014_unknown_options_and_garbage_after_end) {
  (void)state;
  static const uint8_t unknown[] = {200, 6, 1, 2, 3, 4, 254, 4, 9, 9, 1, 1, 1, 0, 2, 4, 0, 1};
  static const uint8_t then_mss[] = {200, 6, 1, 2, 3, 4, 254, 4, 9, 9, 2, 4, 5, 0xb4};
  static const uint8_t nops[40] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                   1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 2, 4, 5, 0xb4};
  FOR_BOTH_FAMILIES {
    struct stream st = {.want = 5000}, st2 = {.want = 5000}, st3 = {.want = 5000};
    lab_init(&l, v6, NULL);
    pull(unknown, sizeof unknown, &st);
    assert_int_equal(st.seg_max, v6 ? 1220 : 536);
    lab_finish(&l);
    lab_init(&l, v6, NULL);
    pull(then_mss, sizeof then_mss, &st2);
    assert_int_equal(st2.seg_max, v6 ? 1440 : 1460);
    lab_finish(&l);
    lab_init(&l, v6, NULL);
    pull(nops, sizeof nops, &st3);
    assert_int_equal(st3.seg_max, v6 ? 1440 : 1460);
    lab_finish(&l);
  }
}

/* Every bit of a segment of 100 bytes of data. [RFC9293 MUST-2] [RFC9293 MUST-3] */
ATTACK(a015_bad_checksum) {
  (void)state;
  uint8_t data[100] = "some data";
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_establish(&l, &p, k, 80, true);
    struct lab_seg seg = {
        .flags = TCT_ACK, .seq = p.seq, .ack = p.ack, .window = 100, .data = data, .len = 100};
    size_t n = lab_build(&p, &seg, frame), from = v6 ? 40 : 20;
    for (size_t bit = from * 8; bit < n * 8; bit++) {
      frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
      tct_verdict v = lab_in(&l, frame, n);
      assert_true(v == TCT_DROP_TCP_CHECKSUM || v == TCT_DROP_TCP_OFFSET);
      expect_silence(&l);
      frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_int_equal(lab_read(&l, p.sock, data, sizeof data), TCT_EAGAIN);
    assert_int_equal(lab_in(&l, frame, n), TCT_ACCEPTED);
    assert_int_equal(lab_read(&l, p.sock, data, sizeof data), 100);
    lab_finish(&l);
  }
}

static void send_urgent(struct lab_peer *p, const char *data, size_t n, uint16_t urgent) {
  struct lab_seg seg = {.flags = TCT_ACK | TCT_URG,
                        .seq = p->seq,
                        .ack = p->ack,
                        .window = 100,
                        .urgent = urgent,
                        .data = data,
                        .len = n};
  assert_int_equal(lab_send(&l, p, &seg), TCT_ACCEPTED);
  p->seq += (uint32_t)n;
}

ATTACK(a016_urgent_pointer_zero) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[100];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_establish(&l, &p, k, 80, false);
    send_urgent(&p, "0123456789", 10, 0);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 10);
    assert_memory_equal(buf, "0123456789", 10);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
    lab_finish(&l);
  }
}

ATTACK(a017_urgent_pointer_past_the_segment) {
  (void)state;
  static const uint16_t pointers[] = {11, 1000, 65535};
  FOR_BOTH_FAMILIES {
    uint8_t buf[100];
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_establish(&l, &p, k, 80, false);
    for (size_t i = 0; i < TCT_ARRAY_LEN(pointers); i++) {
      send_urgent(&p, "0123456789", 10, pointers[i]);
      send_urgent(&p, "", 0, pointers[i]);
      long all = 0;
      for (long n; (n = lab_read(&l, p.sock, buf + all, sizeof buf - (size_t)all)) > 0; all += n)
        continue;
      assert_int_equal(all, 10);
      assert_memory_equal(buf, "0123456789", 10);
      lab_check(&l);
    }
    lab_finish(&l);
  }
}

/* What RFC 9293 3.10.7.1 and .2 answer. */
static unsigned answer_of(unsigned flags, bool listens) {
  if ((flags & TCT_RST) != 0)
    return 0;
  if (!listens)
    return (flags & TCT_ACK) != 0 ? TCT_RST : TCT_RST | TCT_ACK;
  if ((flags & TCT_ACK) != 0)
    return TCT_RST;
  return (flags & TCT_SYN) != 0 ? TCT_SYN | TCT_ACK : 0;
}

/* Established, everything at its right number. */
static void try_flags_established(tct_sock k, unsigned flags) {
  struct lab_peer p;
  lab_establish(&l, &p, k, 80, false);
  send_flags(&l, &p, flags);
  unsigned want = 0;
  tct_state st = TCT_ESTABLISHED;
  if ((flags & TCT_RST) != 0)
    st = TCT_CLOSED;
  else if ((flags & TCT_SYN) != 0)
    want = TCT_ACK; /* a challenge */
  else if ((flags & (TCT_ACK | TCT_FIN)) == (TCT_ACK | TCT_FIN)) {
    st = TCT_CLOSE_WAIT;
    want = TCT_ACK;
  }
  assert_int_equal(state_of(&l, p.sock), st);
  if (want != 0)
    expect_flags(&l, &g, want);
  expect_silence(&l);
  tct_sock_abort(l.s, p.sock);
  lab_drain(&l);
}

ATTACK(a018_flag_combinations) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (unsigned flags = 0; flags < 64; flags++)
      for (unsigned listens = 0; listens < 2; listens++) {
        struct lab_peer p;
        lab_peer_init(&l, &p, listens ? 80 : 81);
        send_at(&l, &p, flags, p.iss + flags * 1000, 77);
        unsigned want = answer_of(flags, listens);
        if (want != 0)
          expect_flags(&l, &g, want);
        expect_silence(&l);
      }
    for (unsigned flags = 0; flags < 64; flags++)
      try_flags_established(k, flags);
    for (int i = 0; i < 18; i++) { /* three minutes */
      lab_wait(&l, TCT_S(10));
      lab_drain(&l);
    }
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-52] Every frame that leaves is looked at by lab_out: all four are zero there. */
ATTACK(a019_reserved_bits) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (unsigned bit = 0; bit < 4; bit++) {
    uint8_t buf[16], bits = (uint8_t)(1u << bit);
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_peer_init(&l, &p, 80);
    struct lab_seg seg = {.flags = TCT_SYN, .reserved = bits, .seq = p.iss, .window = 65535};
    lab_send(&l, &p, &seg);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    assert_false(g.tcp.ae);
    p.ack = g.tcp.seq + 1;
    p.seq++;
    struct lab_seg data = {.flags = TCT_ACK,
                           .reserved = bits,
                           .seq = p.seq,
                           .ack = p.ack,
                           .window = 65535,
                           .data = "hello",
                           .len = 5};
    assert_int_equal(lab_send(&l, &p, &data), TCT_ACCEPTED);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &p.sock), TCT_OK);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 5);
    assert_true(lab_next(&l, TCT_S(1), &g) && !g.tcp.ae);
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a001_option_length_zero),
      cmocka_unit_test(a002_option_length_one),
      cmocka_unit_test(a003_option_overruns_header),
      cmocka_unit_test(a004_data_offset_out_of_range),
      cmocka_unit_test(a005_ip_total_length_below_headers),
      cmocka_unit_test(a006_ip_total_length_beyond_frame),
      cmocka_unit_test(a007_frame_longer_than_packet),
      cmocka_unit_test(a008_mss_zero),
      cmocka_unit_test(a009_tiny_mss),
      cmocka_unit_test(a010_mss_option_of_wrong_length),
      cmocka_unit_test(a011_window_scale_above_14),
      cmocka_unit_test(a012_malformed_sack),
      cmocka_unit_test(a013_timestamp_of_wrong_length),
      cmocka_unit_test(a014_unknown_options_and_garbage_after_end),
      cmocka_unit_test(a015_bad_checksum),
      cmocka_unit_test(a016_urgent_pointer_zero),
      cmocka_unit_test(a017_urgent_pointer_past_the_segment),
      cmocka_unit_test(a018_flag_combinations),
      cmocka_unit_test(a019_reserved_bits),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
