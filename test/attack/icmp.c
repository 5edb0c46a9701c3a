/* SPDX-License-Identifier: MIT */
/* Known attacks by ICMP: A095 to A102 (A099, the black hole, by its simple form). */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

/* A connection with data in flight; `quote` is its first segment with data, as it was sent. */
static uint8_t quote[1500];
static size_t quote_len;

static void fly(int v6, struct lab_peer *p, struct stream *st) {
  lab_init(&l, v6, NULL);
  tct_sock k = lab_listen(&l, 80);
  lab_establish(&l, p, k, 80, false);
  write_more(&l, p->sock, st);
  quote_len = 0;
  while (lab_out(&l, &g))
    if (g.len > 0 && quote_len == 0) {
      memcpy(quote, g.bytes, g.n);
      quote_len = g.n;
    }
  assert_true(quote_len > 0);
}

static tct_verdict send_error(const struct lab_peer *p, uint8_t type, uint8_t code, uint32_t rest,
                              size_t n) {
  uint8_t head[6] = {
      type,         code, (uint8_t)(rest >> 24), (uint8_t)(rest >> 16), (uint8_t)(rest >> 8),
      (uint8_t)rest};
  return lab_in(
      &l, frame,
      lab_build_error(frame, &p->theirs, &p->ours, head, quote, n < quote_len ? n : quote_len));
}

/* The sequence number that the quote bears. */
static void set_quoted_seq(int v6, uint32_t seq) {
  uint8_t *at = quote + (v6 ? 40 : 20) + 4;
  for (unsigned i = 0; i < 4; i++)
    at[i] = (uint8_t)(seq >> (24 - 8 * i));
}

/* [RFC9293 SHLD-26]: only an attempt to open ends by them. */
ATTACK(a095_hard_errors_on_a_live_connection) {
  (void)state;
  static const uint8_t hard4[][2] = {{3, 2}, {3, 3}, {3, 4}}, hard6[][2] = {{1, 1}, {1, 4}, {4, 1}};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < 3; i++) {
    struct lab_peer p;
    struct stream st = {.want = 30000};
    fly(v6, &p, &st);
    const uint8_t *e = v6 ? hard6[i] : hard4[i];
    assert_int_equal(send_error(&p, e[0], e[1], e[1] == 4 && !v6 ? 1400 : 0, 100), TCT_ACCEPTED);
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(60)));
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-56] In SYN-SENT, too. */
ATTACK(a096_soft_errors) {
  (void)state;
  static const uint8_t soft4[][2] = {{3, 0},  {3, 1},  {3, 5},  {3, 11},
                                     {3, 12}, {11, 0}, {11, 1}, {12, 0}};
  static const uint8_t soft6[][2] = {{1, 0}, {1, 3}, {1, 2}, {1, 5},
                                     {1, 6}, {3, 0}, {3, 1}, {4, 0}};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < 8; i++) {
    struct lab_peer p, q;
    struct stream st = {.want = 30000};
    fly(v6, &p, &st);
    const uint8_t *e = v6 ? soft6[i] : soft4[i];
    for (int again = 0; again < 50; again++)
      send_error(&p, e[0], e[1], 0, 100);
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(60)));
    lab_connect(&l, &q, &g);
    memcpy(quote, g.bytes, g.n);
    quote_len = g.n;
    for (int again = 0; again < 50; again++)
      send_error(&q, e[0], e[1], 0, 100);
    assert_int_equal(state_of(&l, q.sock), TCT_SYN_SENT);
    send_at(&l, &q, TCT_SYN | TCT_ACK, q.iss, q.ack);
    assert_int_equal(state_of(&l, q.sock), TCT_ESTABLISHED);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-55] */
ATTACK(a097_source_quench) {
  (void)state;
  struct lab_peer p;
  struct stream st = {.want = 30000};
  fly(0, &p, &st);
  uint32_t cwnd = info_of(&l, p.sock).snd_cwnd;
  for (int again = 0; again < 50; again++)
    assert_int_equal(send_error(&p, 4, 0, 0, 100), TCT_DROP_ICMP_TYPE);
  assert_int_equal(info_of(&l, p.sock).snd_cwnd, cwnd);
  assert_int_equal(lab_events(&l, p.sock, NULL, NULL) & TCT_EV_SOFT_ERROR, 0);
  lab_finish(&l);
}

ATTACK(a098_path_mtu_poisoning) {
  (void)state;
  static const uint32_t mtus[] = {0, 48, 68, 296, 551, 1000};
  FOR_BOTH_FAMILIES
  for (size_t i = 0; i < TCT_ARRAY_LEN(mtus); i++) {
    struct lab_peer p;
    struct stream st = {.want = 30000};
    fly(v6, &p, &st);
    uint32_t mss = info_of(&l, p.sock).snd_mss, seq = p.ack;
    uint32_t wrong[] = {seq - 1, seq - 100000, seq + 0x40000000u, info_of(&l, p.sock).snd_nxt};
    for (size_t k = 0; k < TCT_ARRAY_LEN(wrong); k++) {
      set_quoted_seq(v6, wrong[k]);
      tct_verdict v = send_error(&p, v6 ? 2 : 3, v6 ? 0 : 4, mtus[i], 100);
      assert_true(v == TCT_DROP_ICMP_SEQUENCE || v == TCT_DROP_ICMP_QUOTE);
      assert_int_equal(info_of(&l, p.sock).snd_mss, mss);
    }
    set_quoted_seq(v6, seq);
    send_error(&p, v6 ? 2 : 3, v6 ? 0 : 4, mtus[i], 100);
    assert_true(info_of(&l, p.sock).snd_mss >= (v6 ? 1220 : 512)); /* floors: 1280, 552 */
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(60)));
    lab_finish(&l);
  }
}

/* Every frame over 1280 bytes vanishes, and nobody says so: smaller ones are tried at R1. (Probing,
 * RFC 4821 and 8899, is another issue's.) */
ATTACK(a099_path_mtu_black_hole) {
  static bool have[200000];
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    struct stream st = {.want = 100000};
    memset(have, 0, sizeof have);
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    tct_time begun = l.now;
    tct_seq first = p.ack;
    while (st.got < st.want) {
      write_more(&l, p.sock, &st);
      assert_true(lab_next(&l, TCT_S(61), &g));
      if (g.n > 1280)
        continue;
      for (uint32_t i = 0; i < g.len; i++) /* what comes out of order is kept */
        have[(g.tcp.seq - first + i) % sizeof have] = true;
      for (; have[p.ack - first]; p.ack++)
        st.got++;
      lab_ack(&l, &p);
    }
    assert_true(l.now - begun <= TCT_S(60));
    lab_finish(&l);
  }
}

static bool draws_answer(const uint8_t *packet, size_t n) {
  lab_in(&l, packet, n);
  lab_wait(&l, TCT_S(2)); /* no limit is in the way */
  return lab_drain(&l) > 0;
}

static void put_sum(uint8_t *l4, size_t at, const tct_addr *src, const tct_addr *dst, uint8_t proto,
                    size_t n) {
  l4[at] = l4[at + 1] = 0;
  uint16_t sum = lab_sum(src, dst, proto, l4, n);
  l4[at] = (uint8_t)(sum >> 8);
  l4[at + 1] = (uint8_t)sum;
}

/* The same datagram for a closed port, in each shape that must not be answered. */
ATTACK(a100_errors_about_errors) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t udp[16] = {0, 7, 0, 99, 0, 16}, inner[200];
    lab_init(&l, v6, NULL);
    put_sum(udp, 6, &l.theirs, &l.ours, TCT_IPPROTO_UDP, 16);
    size_t n = lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_UDP, udp, 16);
    assert_true(draws_answer(frame, n)); /* or the rest would prove nothing */
    memcpy(inner, frame, n);
    static const uint8_t heads[][6] = {{3, 3}, {11, 0}, {12, 0}, {5, 0},
                                       {4, 0}, {1, 4},  {2, 0},  {127, 0}};
    for (size_t i = 0; i < TCT_ARRAY_LEN(heads);
         i++) /* errors, also unknown ones, about anything */
      if (v6 == (i >= 5 || i == 0))
        assert_false(
            draws_answer(frame, lab_build_error(frame, &l.theirs, &l.ours, heads[i], inner, n)));
    const tct_addr groups4[] = {tct_addr_ipv4(255, 255, 255, 255), tct_addr_ipv4(10, 0, 0, 255),
                                tct_addr_ipv4(224, 0, 0, 1)};
    const tct_addr groups6[] = {
        {{0xff, 2, [15] = 1}}, {{0xff, 1, [15] = 1}}, {{0xff, 5, [15] = 1}}};
    for (size_t i = 0; i < 3; i++) {
      const tct_addr *dst = v6 ? &groups6[i] : &groups4[i];
      put_sum(udp, 6, &l.theirs, dst, TCT_IPPROTO_UDP, 16);
      assert_false(
          draws_answer(frame, lab_build_ip(frame, &l.theirs, dst, TCT_IPPROTO_UDP, udp, 16)));
      put_sum(udp, 6, dst, &l.ours, TCT_IPPROTO_UDP, 16);
      assert_false(
          draws_answer(frame, lab_build_ip(frame, dst, &l.ours, TCT_IPPROTO_UDP, udp, 16)));
    }
    tct_addr nobody = v6 ? (tct_addr){{0}} : tct_addr_ipv4(0, 0, 0, 0);
    put_sum(udp, 6, &nobody, &l.ours, TCT_IPPROTO_UDP, 16);
    assert_false(
        draws_answer(frame, lab_build_ip(frame, &nobody, &l.ours, TCT_IPPROTO_UDP, udp, 16)));
    if (!v6) { /* a fragment that is not the first, of a protocol that we have not */
      n = lab_build_ip(frame, &l.theirs, &l.ours, 200, udp, 16);
      frame[6] = 0;
      frame[7] = 2;
      frame[10] = frame[11] = 0;
      uint16_t sum = lab_sum16(frame, 20);
      frame[10] = (uint8_t)(sum >> 8);
      frame[11] = (uint8_t)sum;
      assert_false(draws_answer(frame, n));
    }
    lab_finish(&l);
  }
}

/* The answer is as long as the packet was, not as it says. */
ATTACK(a101_icmp_length_mismatch) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t icmp = v6 ? TCT_IPPROTO_ICMP6 : TCT_IPPROTO_ICMP;
    uint8_t l4[8 + 64] = {v6 ? 128 : 8};
    lab_init(&l, v6, NULL);
    for (size_t n = 0; n < 8; n++) {
      if (n >= 4)
        put_sum(l4, 2, &l.theirs, &l.ours, icmp, n);
      lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, icmp, l4, n));
      expect_silence(&l);
    }
    for (size_t n = 8; n <= sizeof l4; n += 7) {
      put_sum(l4, 2, &l.theirs, &l.ours, icmp, n);
      size_t all = lab_build_ip(frame, &l.theirs, &l.ours, icmp, l4, n);
      memset(frame + all, 0x55, 50);
      lab_in(&l, frame, all + 50); /* a frame that is longer */
      assert_true(lab_out(&l, &g) && g.is_icmp && g.n == all);
      frame[v6 ? 5 : 3] =
          (uint8_t)(frame[v6 ? 5 : 3] + 60); /* and one that says more than it has */
      if (!v6) {
        frame[10] = frame[11] = 0;
        uint16_t sum = lab_sum16(frame, 20);
        frame[10] = (uint8_t)(sum >> 8);
        frame[11] = (uint8_t)sum;
      }
      assert_int_equal(lab_in(&l, frame, all), TCT_DROP_IP_TOTAL_LEN);
      expect_silence(&l);
    }
    l4[0] = v6 ? 129 : 0; /* replies to what nobody asked */
    put_sum(l4, 2, &l.theirs, &l.ours, icmp, sizeof l4);
    lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, icmp, l4, sizeof l4));
    expect_silence(&l);
    lab_finish(&l);
  }
}

/* Five a second to one place, after six at once. */
ATTACK(a102_error_rate_limit) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t udp[16] = {0, 7, 0, 99, 0, 16};
    unsigned answers = 0;
    lab_init(&l, v6, NULL);
    put_sum(udp, 6, &l.theirs, &l.ours, TCT_IPPROTO_UDP, 16);
    for (unsigned i = 0; i < 20000; i++) { /* two seconds */
      lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_UDP, udp, 16));
      answers += lab_drain(&l);
      lab_wait(&l, TCT_US(100));
    }
    assert_in_range(answers, 6, 6 + 10);
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a095_hard_errors_on_a_live_connection),
      cmocka_unit_test(a096_soft_errors),
      cmocka_unit_test(a097_source_quench),
      cmocka_unit_test(a098_path_mtu_poisoning),
      cmocka_unit_test(a099_path_mtu_black_hole),
      cmocka_unit_test(a100_errors_about_errors),
      cmocka_unit_test(a101_icmp_length_mismatch),
      cmocka_unit_test(a102_error_rate_limit),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
