/* SPDX-License-Identifier: MIT */
/* Known attacks on congestion marks: A069. A peer that marks everything, tells everything or
 * nothing, a path that loses and clears: D keeps RFC 3168's rules, and the stream arrives. */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

enum { NOT_ECT = 0, ECT0 = 2, CE = 3, SETUP = TCT_ECE | TCT_CWR };

/* The packet of P, with IP's two bits. */
static tct_verdict send_marked(struct lab_peer *p, const struct lab_seg *s, uint8_t bits) {
  size_t n = lab_build(p, s, frame);
  if (l.v6) {
    frame[1] = (uint8_t)(frame[1] | bits << 4);
    return lab_in(&l, frame, n);
  }
  frame[1] = bits;
  frame[10] = frame[11] = 0;
  uint16_t sum = lab_sum16(frame, 20);
  frame[10] = (uint8_t)(sum >> 8);
  frame[11] = (uint8_t)sum;
  return lab_in(&l, frame, n);
}

static tct_verdict send_flags_marked(struct lab_peer *p, unsigned flags, uint8_t bits) {
  struct lab_seg s = {.flags = FLAG(flags), .seq = p->seq, .ack = p->ack, .window = p->window};
  return send_marked(p, &s, bits);
}

static uint8_t bits_of(const struct lab_got *got) {
  return got->ip.tclass & 3;
}

/* D's flags and bits are legal, whatever the agreement is. */
static void judge(const struct lab_got *got, bool agreed, uint32_t *high) {
  bool fresh = got->len > 0 && (int32_t)(got->tcp.seq - *high) >= 0;
  if (fresh)
    *high = got->tcp.seq + got->len;
  assert_int_equal(bits_of(got), agreed && fresh ? ECT0 : NOT_ECT);
  if (!fresh || !agreed)
    assert_int_equal(got->tcp.flags & TCT_CWR, 0);
  if (!agreed)
    assert_int_equal(got->tcp.flags & TCT_ECE, 0);
}

static void open_with(struct lab_peer *p, bool v6, bool agreed) {
  lab_init(&l, v6, NULL);
  tct_sock k = lab_listen(&l, 80);
  lab_peer_init(&l, p, 80);
  struct lab_seg syn = {.flags = FLAG(agreed ? TCT_SYN | SETUP : TCT_SYN),
                        .seq = p->iss,
                        .window = p->window,
                        .opt = "\2\4\5\264",
                        .opt_len = 4};
  assert_int_equal(send_marked(p, &syn, NOT_ECT), TCT_ACCEPTED);
  expect_flags(&l, &g, agreed ? TCT_SYN | TCT_ACK | TCT_ECE : TCT_SYN | TCT_ACK);
  assert_int_equal(bits_of(&g), NOT_ECT);
  p->irs = g.tcp.seq;
  p->ack = g.tcp.seq + 1;
  p->seq = p->iss + 1;
  assert_int_equal(send_flags_marked(p, TCT_ACK, NOT_ECT), TCT_ACCEPTED);
  assert_int_equal(tct_sock_accept(l.s, k, NULL, &p->sock), TCT_OK);
}

/* D sends while every ACK says ECE and every ninth segment is lost. */
static void send_to_a_teller(struct lab_peer *p, bool agreed) {
  struct stream st = {.want = 100000};
  uint32_t high = p->ack;
  unsigned n = 0;
  while (st.got < st.want) {
    write_more(&l, p->sock, &st);
    assert_true(lab_next(&l, TCT_S(130), &g));
    judge(&g, agreed, &high);
    if (++n % 9 == 0 || g.len == 0)
      continue;
    if (g.tcp.seq == p->ack) {
      p->ack += g.len;
      st.got += g.len;
    }
    (void)send_flags_marked(p, TCT_ACK | TCT_ECE, NOT_ECT);
  }
  tct_info i = info_of(&l, p->sock);
  assert_true(i.snd_ssthresh >= 2 * i.snd_mss);
}

/* D receives: each segment comes marked, and again as a retransmission without a mark. */
static void receive_from_a_marker(struct lab_peer *p, bool agreed) {
  static uint8_t data[500], buf[1000];
  for (unsigned i = 0; i < 40; i++) {
    bool cwr = i % 8 == 7;
    for (unsigned again = 0; again < 2; again++) {
      struct lab_seg s = {.flags = FLAG(cwr ? TCT_ACK | TCT_CWR : TCT_ACK),
                          .seq = p->seq,
                          .ack = p->ack,
                          .window = p->window,
                          .data = data,
                          .len = sizeof data};
      (void)send_marked(p, &s, again ? NOT_ECT : cwr ? ECT0 : CE);
    }
    p->seq += sizeof data;
    assert_true(lab_next(&l, TCT_S(1), &g));
    do {
      assert_int_equal((g.tcp.flags & TCT_ECE) != 0, agreed && !cwr);
      assert_int_equal(bits_of(&g), NOT_ECT);
    } while (lab_next(&l, TCT_S(1), &g));
    assert_int_equal(lab_read(&l, p->sock, buf, sizeof buf), sizeof data);
    lab_drain(&l);
  }
}

ATTACK(a069_ecn_rules) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int agreed = 0; agreed < 2; agreed++) {
    struct lab_peer p;
    open_with(&p, v6 != 0, agreed != 0);
    receive_from_a_marker(&p, agreed != 0);
    send_to_a_teller(&p, agreed != 0);
    lab_finish(&l);
  }
}

/* ECE for ever cuts once a round trip, never below two segments; marks on SYN, bare ACKs and RST
 * mean nothing. */
ATTACK(a069_marks_where_none_belong) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    open_with(&p, v6 != 0, true);
    for (unsigned i = 0; i < 100; i++)
      (void)send_flags_marked(&p, TCT_ACK | SETUP, CE);
    expect_silence(&l); /* nothing to answer: no data */
    assert_int_equal(info_of(&l, p.sock).snd_ssthresh >= 1u << 20, 1);
    (void)send_flags_marked(&p, TCT_SYN | SETUP, CE);
    while (lab_out(&l, &g))
      assert_int_equal(g.tcp.flags & SETUP, 0); /* challenge ACKs tell of no mark */
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a069_ecn_rules),
      cmocka_unit_test(a069_marks_where_none_belong),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
