/* SPDX-License-Identifier: MIT */
/* Whose is a segment, and what is said to one that is nobody's. */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st, bool ipv6) {
  at_start(a, (struct at_how){.state = st, .strict = true, .ipv6 = ipv6});
}

/* From port 5555 to a port where nobody listens. */
static tct_seg stranger(const struct at *a) {
  tct_seg t = at_template(a);
  t.sport = 5555;
  t.dport = 9;
  t.seq = 7000;
  t.ack = 8000;
  t.has_ts = false;
  return t;
}

/* [RFC9293 EP-1] Numbers and flags of the RST, for each kind of segment. */
static void nobody__each_segment__rst_with_the_right_numbers(void **state) {
  (void)state;
  static const struct {
    uint8_t flags;
    bool no_ack;
    uint32_t len;
    uint8_t want;
    uint32_t seq, ack;
  } rows[] = {
      {TCT_SYN, true, 0, TCT_RST | TCT_ACK, 0, 7001},
      {TCT_SYN, true, 5, TCT_RST | TCT_ACK, 0, 7006},
      {TCT_FIN, true, 0, TCT_RST | TCT_ACK, 0, 7001},
      {TCT_SYN | TCT_FIN, true, 3, TCT_RST | TCT_ACK, 0, 7005},
      {0, true, 10, TCT_RST | TCT_ACK, 0, 7010},
      {0, true, 0, TCT_RST | TCT_ACK, 0, 7000},
      {0, false, 0, TCT_RST, 8000, 0},
      {0, false, 10, TCT_RST, 8000, 0},
      {TCT_FIN, false, 0, TCT_RST, 8000, 0},
      {TCT_SYN, false, 0, TCT_RST, 8000, 0},
  };
  for (unsigned i = 0; i < 2 * TCT_ARRAY_LEN(rows); i++) {
    unsigned r = i / 2;
    struct at a;
    start(&a, TCT_LISTEN, i % 2 != 0);
    tct_seg t = stranger(&a);
    struct seg_diff d = {.flags = rows[r].flags, .no_ack = rows[r].no_ack, .len = rows[r].len};
    assert_int_equal(at_raw(&a, &t, d), TCT_DROP_TCP_NO_SOCKET);
    const tct_seg *g = at_out(&a);
    assert_non_null(g);
    assert_int_equal(g->flags, rows[r].want);
    assert_int_equal(g->seq, rows[r].seq);
    assert_int_equal(g->ack, rows[r].ack);
    assert_int_equal(g->sport, 9);
    assert_int_equal(g->dport, 5555);
    at_quiet(&a);
    at_end(&a);
  }
}

/* [RFC9293 EP-1] */
static void nobody__rst__silence(void **state) {
  (void)state;
  for (unsigned i = 0; i < 4; i++) {
    struct at a;
    start(&a, TCT_LISTEN, i % 2 != 0);
    tct_seg t = stranger(&a);
    at_raw(&a, &t, (struct seg_diff){.flags = TCT_RST, .no_ack = i / 2 != 0});
    at_quiet(&a);
    at_end(&a);
  }
}

/* [RFC9293 MUST-3] */
static void bad_checksum__any_segment__no_reaction(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2; i++) {
    struct at a;
    start(&a, TCT_ESTABLISHED, i != 0);
    assert_int_equal(AT_IN(&a, .len = 10, .bad_checksum = true), TCT_DROP_TCP_CHECKSUM);
    assert_int_equal(AT_IN(&a, .flags = TCT_RST, .bad_checksum = true), TCT_DROP_TCP_CHECKSUM);
    tct_seg t = stranger(&a);
    assert_int_equal(at_raw(&a, &t, (struct seg_diff){.bad_checksum = true}),
                     TCT_DROP_TCP_CHECKSUM);
    at_silent(&a, TCT_S(2));
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
    AT_IN(&a, .len = 10);
    assert_int_equal(at_read(&a, 100), 10);
    at_end(&a);
  }
}

/* [RFC9293 MUST-57] [RFC9293 MUST-63] */
static void addresses_of_nobody__syn__silence(void **state) {
  (void)state;
  static const struct {
    uint8_t src[4], dst[4];
  } rows[] = {
      {{10, 0, 0, 2}, {10, 0, 0, 255}}, {{10, 0, 0, 2}, {255, 255, 255, 255}},
      {{10, 0, 0, 2}, {224, 0, 0, 1}},  {{0, 0, 0, 0}, {10, 0, 0, 1}},
      {{224, 0, 0, 1}, {10, 0, 0, 1}},  {{255, 255, 255, 255}, {10, 0, 0, 1}},
      {{10, 0, 0, 255}, {10, 0, 0, 1}}, {{127, 0, 0, 1}, {10, 0, 0, 1}},
      {{10, 0, 0, 1}, {10, 0, 0, 1}}, /* LAND */
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct at a;
    start(&a, TCT_LISTEN, false);
    tct_seg t = at_template(&a);
    const uint8_t *s = rows[i].src, *d = rows[i].dst;
    t.src = tct_addr_ipv4(s[0], s[1], s[2], s[3]);
    t.dst = tct_addr_ipv4(d[0], d[1], d[2], d[3]);
    tct_verdict v = at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true});
    assert_int_not_equal(v, TCT_ACCEPTED);
    at_silent(&a, TCT_S(3));
    t.dport = 9; /* nor a RST */
    at_raw(&a, &t, (struct seg_diff){.len = 0});
    at_quiet(&a);
    at_end(&a);
  }
}

static void port_zero__either_side__dropped(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_LISTEN, false);
  tct_seg t = stranger(&a);
  t.sport = 0;
  assert_int_equal(at_raw(&a, &t, (struct seg_diff){.len = 0}), TCT_DROP_TCP_SOURCE);
  t = stranger(&a);
  t.dport = 0;
  assert_int_equal(at_raw(&a, &t, (struct seg_diff){.len = 0}), TCT_DROP_TCP_SOURCE);
  at_quiet(&a);
  at_end(&a);
}

/* [RFC9293 EP-53] */
static void data_offset__below_five_or_past_the_end__dropped(void **state) {
  (void)state;
  for (unsigned offset = 0; offset < 16; offset++) {
    struct at a;
    static uint8_t buf[SEG_PACKET_MAX];
    start(&a, TCT_ESTABLISHED, false);
    tct_seg t = at_template(&a);
    size_t len = seg_make(&t, &(struct seg_diff){.len = 0}, buf);
    uint32_t sum = (uint32_t)(buf[36] << 8 | buf[37]);
    sum += 0xffffu - (uint32_t)(((offset << 4) - buf[32]) << 8 & 0xffff);
    buf[32] = (uint8_t)(offset << 4);
    sum = (sum & 0xffff) + (sum >> 16);
    buf[36] = (uint8_t)(sum >> 8);
    buf[37] = (uint8_t)sum;
    tct_verdict v = at_packet(&a, buf, len);
    if (offset == 5)
      assert_int_equal(v, TCT_ACCEPTED);
    else
      assert_true(v == TCT_DROP_TCP_OFFSET || v == TCT_DROP_TCP_CHECKSUM ||
                  v == TCT_DROP_TCP_SHORT);
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
    at_end(&a);
  }
}

static void any_prefix_of_a_packet__input__has_a_verdict_and_no_effect(void **state) {
  (void)state;
  static uint8_t buf[SEG_PACKET_MAX];
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, TCT_ESTABLISHED, ipv6 != 0);
    tct_seg t = at_template(&a);
    size_t len = seg_make(&t, &(struct seg_diff){.len = 30}, buf);
    for (size_t n = 0; n < len; n++)
      assert_int_not_equal(at_packet(&a, buf, n), TCT_ACCEPTED);
    at_quiet(&a);
    assert_int_equal(at_packet(&a, buf, len), TCT_ACCEPTED);
    at_end(&a);
  }
}

/* A connection, then a record, then a listener, in that order; each by its own tuple. */
static void many_connections__segments__reach_their_own(void **state) {
  (void)state;
  struct at a;
  enum { N = 500 };
  static tct_sock k[N];
  start(&a, TCT_CLOSED, false);
  for (unsigned i = 0; i < N; i++) {
    tct_endpoint local = {a.local, (uint16_t)(1000 + i % 50), {0, 0}};
    tct_endpoint e = {a.peer.addr, (uint16_t)(4000 + i), {0, 0}};
    assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k[i]), TCT_OK);
    assert_int_equal(tct_sock_set(a.s, k[i], TCT_OPT_REUSEADDR, 1), TCT_OK);
    assert_int_equal(tct_sock_bind(a.s, k[i], &local), TCT_OK);
    assert_int_equal(tct_sock_connect(a.s, k[i], &e), TCT_OK);
    const tct_seg *g = at_out(&a);
    assert_int_equal(g->dport, 4000 + i);
    tct_seg t = at_template(&a);
    t.sport = g->dport;
    t.dport = g->sport;
    t.ack = g->seq + 1;
    at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN});
    assert_non_null(at_out(&a));
  }
  for (unsigned i = 0; i < N; i++) {
    tct_info in = {.size = sizeof in};
    uint8_t b;
    tct_endpoint l, r;
    assert_int_equal(tct_sock_info(a.s, k[i], &in), TCT_OK);
    assert_int_equal(tct_sock_name(a.s, k[i], &l, &r), TCT_OK);
    tct_seg t = at_template(&a);
    t.sport = r.port;
    t.dport = l.port;
    t.seq = in.rcv_nxt;
    t.ack = in.snd_nxt;
    uint8_t mark = (uint8_t)(i * 7);
    assert_int_equal(at_raw(&a, &t, (struct seg_diff){.len = 1, .data = &mark}), TCT_ACCEPTED);
    assert_int_equal(tct_sock_recv(a.s, k[i], &b, 1, 0), 1);
    assert_int_equal(b, mark);
  }
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(nobody__each_segment__rst_with_the_right_numbers),
      cmocka_unit_test(nobody__rst__silence),
      cmocka_unit_test(bad_checksum__any_segment__no_reaction),
      cmocka_unit_test(addresses_of_nobody__syn__silence),
      cmocka_unit_test(port_zero__either_side__dropped),
      cmocka_unit_test(data_offset__below_five_or_past_the_end__dropped),
      cmocka_unit_test(any_prefix_of_a_packet__input__has_a_verdict_and_no_effect),
      cmocka_unit_test(many_connections__segments__reach_their_own),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
