/* SPDX-License-Identifier: MIT */
/* Known attacks on opening: A030 to A037. Addresses that are no host's, half-open ends, crossing
 * SYNs. */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;

static void send_syn(struct lab_peer *p) {
  send_at(&l, p, TCT_SYN, p->iss, 0);
}

/* ---- Addresses
 * ------------------------------------------------------------------------------------ */

/* [RFC9293 MUST-63] */
ATTACK(a030_land) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    struct lab_peer p;
    lab_peer_init(&l, &p, 80);
    p.theirs = p.ours;
    p.sport = 80;
    send_syn(&p);
    expect_silence(&l);
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-57] */
ATTACK(a031_syn_to_or_from_a_group) {
  (void)state;
  const tct_addr groups4[] = {tct_addr_ipv4(255, 255, 255, 255), tct_addr_ipv4(10, 0, 0, 255),
                              tct_addr_ipv4(224, 0, 0, 1), tct_addr_ipv4(0, 0, 0, 0)};
  const tct_addr groups6[] = {
      {{0xff, 2, [15] = 1}}, {{0xff, 1, [15] = 1}}, {{0xff, 5, [15] = 9}}, {{0}}};
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (size_t i = 0; i < 4; i++)
      for (int from = 0; from < 2; from++)
        for (uint16_t port = 80; port <= 81; port++) {
          struct lab_peer p;
          lab_peer_init(&l, &p, port);
          *(from ? &p.theirs : &p.ours) = v6 ? groups6[i] : groups4[i];
          send_syn(&p);
          send_at(&l, &p, TCT_ACK, p.iss, 1);
          expect_silence(&l);
        }
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* ---- Openings
 * --------------------------------------------------------------------------------------- */

ATTACK(a032_half_open_discovery) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int ts = 0; ts < 2; ts++) {
    struct lab_peer p;
    int err = 0;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, ts);
    lab_events(&l, p.sock, NULL, NULL);
    struct lab_seg syn = {
        .flags = TCT_SYN, .seq = p.seq + 0x12345678, .window = 1000, .no_ts = true};
    lab_send(&l, &p, &syn); /* P has forgotten everything */
    expect_flags(&l, &g, TCT_ACK);
    assert_int_equal(g.tcp.ack, p.seq);
    struct lab_seg rst = {.flags = TCT_RST, .seq = g.tcp.ack, .no_ts = true};
    lab_send(&l, &p, &rst);
    assert_true((lab_events(&l, p.sock, &err, NULL) & TCT_EV_CLOSED) != 0);
    assert_int_equal(err, TCT_ECONNRESET);
    assert_int_equal(lab_events(&l, p.sock, NULL, NULL), 0);
    expect_silence(&l);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

ATTACK(a033_old_duplicate_syn) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    tct_sock child;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_peer_init(&l, &p, 80);
    send_syn(&p);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    send_at(&l, &p, TCT_RST, g.tcp.ack, 0);
    assert_int_equal(lab_events(&l, k, NULL, NULL), 0);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &child), TCT_EAGAIN);
    p.iss += 500000;
    send_syn(&p);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    send_at(&l, &p, TCT_ACK, p.iss + 1, g.tcp.seq + 1);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &child), TCT_OK);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-20] */
ATTACK(a034_reset_in_syn_received) {
  (void)state;
  FOR_BOTH_FAMILIES {
    tct_sock child;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    uint64_t memory = 0;
    for (int i = 0; i < 100; i++) {
      struct lab_peer p;
      lab_peer_init(&l, &p, 80);
      send_syn(&p);
      expect_flags(&l, &g, TCT_SYN | TCT_ACK);
      send_at(&l, &p, TCT_RST, p.iss + 1, 0);
      expect_silence(&l);
      assert_int_equal(l.s->n.HalfOpenNow, 0);
      if (i == 0)
        memory = l.s->memory_bytes;
      assert_int_equal(l.s->memory_bytes, memory);
    }
    assert_int_equal(lab_events(&l, k, NULL, NULL), 0);
    assert_int_equal(tct_sock_accept(l.s, k, NULL, &child), TCT_EAGAIN);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

static void answer_syn(struct lab_peer *p) {
  send_at(&l, p, TCT_SYN | TCT_ACK, p->iss, p->ack);
  p->seq = p->iss + 1;
}

/* [RFC9293 EP-7] */
ATTACK(a035_bad_syn_ack_in_syn_sent) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    lab_connect(&l, &p, &g);
    uint32_t bad[] = {p.irs, p.irs + 2, p.irs - 1, p.irs + 0x80000000u};
    for (size_t i = 0; i < TCT_ARRAY_LEN(bad); i++) {
      assert_int_equal(send_at(&l, &p, TCT_SYN | TCT_ACK, p.iss, bad[i]), TCT_DROP_SYN_SENT_ACK);
      expect_flags(&l, &g, TCT_RST);
      assert_int_equal(g.tcp.seq, bad[i]);
      expect_silence(&l);
      assert_int_equal(state_of(&l, p.sock), TCT_SYN_SENT);
    }
    answer_syn(&p);
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_finish(&l);
  }
}

/* [RFC9293 EP-8] */
ATTACK(a036_reset_in_syn_sent) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    int err = 0;
    lab_init(&l, v6, NULL);
    lab_connect(&l, &p, &g);
    send_at(&l, &p, TCT_RST, 0, 0);
    send_at(&l, &p, TCT_RST | TCT_ACK, 0, p.irs);
    send_at(&l, &p, TCT_RST | TCT_ACK, 0, p.irs + 2);
    expect_silence(&l);
    assert_int_equal(state_of(&l, p.sock), TCT_SYN_SENT);
    send_at(&l, &p, TCT_RST | TCT_ACK, 0, p.irs + 1);
    assert_true((lab_events(&l, p.sock, &err, NULL) & TCT_EV_CLOSED) != 0);
    assert_int_equal(err, TCT_ECONNREFUSED);
    lab_finish(&l);
  }
}

/* [RFC9293 MUST-10] [RFC9293 EP-10] */
ATTACK(a037_simultaneous_open) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t buf[16];
    lab_init(&l, v6, NULL);
    lab_connect(&l, &p, &g);
    send_syn(&p);
    assert_true(lab_next(&l, 0, &g));
    assert_int_equal(g.tcp.flags, TCT_SYN | TCT_ACK);
    assert_int_equal(g.tcp.seq, p.irs);
    assert_int_equal(g.tcp.ack, p.iss + 1);
    answer_syn(&p);
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_drain(&l);
    assert_int_equal(lab_data(&l, &p, "hello", 5), TCT_ACCEPTED);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 5);
    struct stream st = {.want = 5000};
    assert_true(read_stream(&l, &p, &st, TCT_S(5)));
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a030_land),
      cmocka_unit_test(a031_syn_to_or_from_a_group),
      cmocka_unit_test(a032_half_open_discovery),
      cmocka_unit_test(a033_old_duplicate_syn),
      cmocka_unit_test(a034_reset_in_syn_received),
      cmocka_unit_test(a035_bad_syn_ack_in_syn_sent),
      cmocka_unit_test(a036_reset_in_syn_sent),
      cmocka_unit_test(a037_simultaneous_open),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
