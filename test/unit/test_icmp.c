/* SPDX-License-Identifier: MIT */
/* ICMP: echo, when to be silent, how often to speak, and what is made of others' errors. */
#include "test/unit/fake_stack.h"

static uint8_t pkt[70000];

static const tct_addr ours4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
static const tct_addr peer4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}};

/* ---- echo ------------------------------------------------------------------------------------ */

static void echo__any_length__same_data_from_the_asked_address(void **state) {
  (void)state;
  static uint8_t data[1452];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i * 3);
  for (int v6 = 0; v6 < 2; v6++) {
    struct fake *f = fake_new();
    assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 9), 24), TCT_OK);
    tct_addr src = v6 ? A6(2) : peer4, dst = v6 ? A6(1) : A4(10, 0, 0, 9);
    for (size_t n = 0; n <= sizeof data; n += 121) {
      assert_int_equal(fake_in(f, 0, pkt, make_echo(pkt, src, dst, data, n)), TCT_ACCEPTED);
      struct tct_icmp_hdr e = fake_icmp(f, 0);
      assert_int_equal(e.kind, TCT_ICMP_ECHO_REPLY);
      assert_int_equal(e.id, 77);
      assert_int_equal(e.seq, 5);
      assert_int_equal(e.body_len, n);
      assert_memory_equal(e.body, data, n);
      assert_addr(fake_ip(f).src, dst);
      assert_addr(fake_ip(f).dst, src);
      assert_int_equal(f->why, TCT_WHY_ECHO_REPLY);
    }
    assert_int_equal(f->s.n.InEchos, f->s.n.OutEchoReps);
    fake_free(f);
  }
}

/* Cut here, put together again by a second stack. */
static void echo__larger_than_the_mtu__fragments_that_fit_together(void **state) {
  (void)state;
  static uint8_t data[30000], request[31000];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i / 7);
  for (int v6 = 0; v6 < 2; v6++) {
    struct fake *f = fake_new(), *peer = fake_new();
    tct_addr src = v6 ? A6(2) : peer4, dst = v6 ? A6(1) : ours4;
    assert_int_equal(tct_if_addr_add(&peer->s, if0(peer), src, 64 - 40 * !v6), TCT_OK);
    assert_int_equal(tct_if_addr_del(&peer->s, if0(peer), dst), TCT_OK);
    size_t n = make_echo(request, src, dst, data, sizeof data);
    assert_int_equal(fake_in(f, 0, request, n), TCT_ACCEPTED);
    unsigned frames = 0;
    tct_verdict v = TCT_HELD_FRAGMENT;
    for (; fake_out(f, 0); frames++) {
      assert_int_equal(v, TCT_HELD_FRAGMENT);
      assert_int_equal(f->why, TCT_WHY_FRAGMENT);
      v = fake_in(peer, 0, f->frame, f->frame_len);
    }
    assert_int_equal(v, TCT_DROP_ICMP_NO_SOCKET); /* whole, its checksum good, and nobody asked */
    assert_int_equal(peer->s.n.ReasmOKs, 1);
    assert_int_equal(frames, v6 ? 21 : 21);
    fake_free(f);
    fake_free(peer);
  }
}

/* A101: nothing beyond the packet's own end comes back. */
static void echo__lengths_lie__no_extra_bytes(void **state) {
  (void)state;
  struct fake *f = fake_new();
  for (uint16_t total = 20; total < 28; total++) {
    make_echo(pkt, peer4, ours4, "secret", 6);
    tct_bytes_put16(pkt + 2, total);
    tct_bytes_put16(pkt + 10, 0);
    tct_bytes_put16(pkt + 10, tct_checksum_of(pkt, 20));
    tct_verdict v = fake_in(f, 0, pkt, 34);
    assert_true(v == TCT_DROP_ICMP_SHORT || v == TCT_DROP_ICMP_CHECKSUM);
  }
  size_t n = make_echo(pkt, peer4, ours4, "secret", 6);
  tct_bytes_put16(pkt + 2, (uint16_t)(n + 1));
  tct_bytes_put16(pkt + 10, 0);
  tct_bytes_put16(pkt + 10, tct_checksum_of(pkt, 20));
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_TOTAL_LEN);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

static void echo__checksum_wrong__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  size_t n = make_echo(pkt, A6(2), A6(1), "abc", 3);
  pkt[n - 1] ^= 1;
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_CHECKSUM);
  fake_free(f);
}

static void echo__marked__dscp_returned_without_ecn(void **state) {
  (void)state;
  struct fake *f = fake_new();
  make_echo(pkt, peer4, ours4, "abc", 3);
  uint8_t l4[11];
  memcpy(l4, pkt + 20, 11);
  struct tct_ip_hdr h = {.src = peer4, .dst = ours4, .proto = 1, .tclass = 0xbb};
  assert_int_equal(fake_in(f, 0, pkt, make_ip(pkt, h, l4, 11)), TCT_ACCEPTED);
  fake_icmp(f, 0);
  assert_int_equal(fake_ip(f).tclass, 0xb8);
  fake_free(f);
}

/* ---- errors out ------------------------------------------------------------------------------ */

static void closed_port__probe__quoted_error(void **state) {
  (void)state;
  struct fake *f = fake_new();
  char text[1300];
  memset(text, 'a', sizeof text - 1);
  text[sizeof text - 1] = 0;
  size_t n = make_udp(pkt, peer4, ours4, 1000, 9, text);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_UDP_NO_SOCKET);
  struct tct_icmp_hdr e = fake_icmp(f, 0);
  assert_int_equal(e.kind, TCT_ICMP_UNREACH_PORT);
  assert_int_equal(f->frame_len, 576); /* RFC 1812 4.3.2.3 */
  assert_memory_equal(e.body, pkt, e.body_len);
  n = make_udp(pkt, A6(2), A6(1), 1000, 9, text);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_UDP_NO_SOCKET);
  e = fake_icmp(f, 0);
  assert_int_equal(f->frame_len, 1280); /* RFC 4443 2.4(c) */
  assert_memory_equal(e.body, pkt, e.body_len);
  assert_int_equal(f->s.n.NoPorts, 2);
  assert_int_equal(f->s.n.OutIcmpErrors, 2);
  fake_free(f);
}

static struct tct_pkt look(struct fake *f, tct_iov *v, size_t len) {
  struct tct_pkt p = {.ifi = 0, .iov = v, .n_iov = 1};
  (void)f;
  *v = (tct_iov){pkt, len};
  assert_int_equal(tct_wire_ip_parse(pkt, len, len, &p.ip), TCT_ACCEPTED);
  p.l4 = p.ip.payload;
  p.l4_have = p.l4_len = p.ip.payload_len;
  return p;
}

static const struct tct_ip_problem port_closed = {.type = 3, .code = 3, .report = true};

/* A100: RFC 1122 3.2.2, RFC 4443 2.4(e). */
static void error__about_what_must_not_be_answered__silence(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_iov v;
  uint8_t quoted[64];
  struct tct_ip_hdr h = {
      .src = peer4, .dst = ours4, .proto = 17, .is_frag = true, .frag_off_bytes = 8};
  size_t q = make_udp(quoted, ours4, peer4, 1, 2, "x");
  struct tct_pkt cases[8];
  size_t n = 0;
  static uint8_t buf[8][256];
  static tct_iov iov[8];
#define CASE(length)                                                                               \
  do {                                                                                             \
    size_t case_len = (length);                                                                    \
    cases[n] = look(f, &v, case_len);                                                              \
    memcpy(buf[n], pkt, case_len);                                                                 \
    iov[n] = (tct_iov){buf[n], case_len};                                                          \
    cases[n].iov = &iov[n];                                                                        \
    cases[n].ip.payload = buf[n] + cases[n].ip.header_len;                                         \
    n++;                                                                                           \
  } while (0)
  CASE(make_error(pkt, peer4, ours4, port_closed, quoted, q)); /* an error */
  CASE(make_udp(pkt, peer4, A4(255, 255, 255, 255), 1, 2, "x"));
  CASE(make_udp(pkt, peer4, A4(10, 0, 0, 255), 1, 2, "x"));
  CASE(make_udp(pkt, peer4, A4(224, 0, 0, 1), 1, 2, "x"));
  CASE(make_udp(pkt, A4(0, 0, 0, 0), ours4, 1, 2, "x"));
  CASE(make_udp(pkt, A4(127, 0, 0, 1), ours4, 1, 2, "x"));
  CASE(make_ip(pkt, h, "12345678", 8)); /* a later fragment */
  CASE(make_udp(pkt, A4(224, 0, 0, 9), ours4, 1, 2, "x"));
  for (size_t i = 0; i < n; i++)
    tct_icmp_send_error(&f->s, &cases[i], port_closed);
  assert_false(fake_out(f, 0));
  struct tct_pkt good = look(f, &v, make_udp(pkt, peer4, ours4, 1, 2, "x"));
  struct tct_ip_problem silent = port_closed;
  silent.report = false;
  tct_icmp_send_error(&f->s, &good, silent);
  assert_false(fake_out(f, 0));
  tct_icmp_send_error(&f->s, &good, port_closed);
  assert_true(fake_out(f, 0)); /* so it was the cases, not the call */
  fake_free(f);
}

static unsigned probe(struct fake *f, tct_addr src, unsigned n) {
  unsigned answers = 0;
  for (unsigned i = 0; i < n; i++) {
    fake_in(f, 0, pkt, make_udp(pkt, src, A4(10, 0, 0, 1), 1000, 9, "x"));
    while (fake_out(f, 0))
      answers++;
  }
  return answers;
}

/* A102: 5 a second for a destination, after a burst of at most 6. */
static void rate_limit__10000_probes_a_second__few_answers(void **state) {
  (void)state;
  struct fake *f = fake_new();
  unsigned answers = 0;
  for (unsigned i = 0; i < 100000; i++) {
    answers += probe(f, peer4, 1);
    clock_set(&f->s, f->s.now + 100000); /* 0.1 ms */
  }
  assert_in_range(answers, 30, 10 * TCT_ICMP_LIMIT_PER_S + TCT_ICMP_LIMIT_BURST);
  assert_int_equal(f->s.verdicts[TCT_DROP_ICMP_LIMIT], 100000 - answers);
  fake_free(f);
}

/* What one peer gets does not depend on what others asked for. */
static void rate_limit__others_flood__peer_still_answered(void **state) {
  (void)state;
  struct fake *f = fake_new();
  unsigned answered = 0;
  for (unsigned i = 0; i < 40; i++)
    probe(f, A4(172, 16, 1, (uint8_t)i), 100);
  for (unsigned i = 0; i < 40; i++)
    answered += probe(f, A4(172, 16, 2, (uint8_t)i), 1);
  assert_true(answered >= 30); /* 40 busy buckets of 512: about 3 of 40 fall into one of them */
  fake_free(f);
}

/* The ceiling over all destinations follows from the table's size. */
static void rate_limit__spoofed_everywhere__ceiling_holds(void **state) {
  (void)state;
  struct fake *f = fake_new();
  unsigned answers = 0;
  for (unsigned i = 0; i < 50000; i++)
    answers += probe(f, A4(172, 16, (uint8_t)(i / 250), (uint8_t)(1 + i % 250)), 1);
  assert_true(answers <= TCT_ICMP_LIMIT_BUCKETS * TCT_ICMP_LIMIT_BURST);
  fake_free(f);
}

/* ---- errors in ------------------------------------------------------------------------------- */

/* A TCP segment of ours to the peer, as a router quotes it. */
static size_t make_quote(uint8_t *p, tct_addr src, tct_addr dst, uint16_t total) {
  uint8_t tcp[20] = {0x1f, 0x90, 0, 80, 0x11, 0x22, 0x33, 0x44};
  size_t n = make_ip(p, (struct tct_ip_hdr){.src = src, .dst = dst, .proto = 6}, tcp, sizeof tcp);
  if (tct_bytes_addr_is_ipv4(&src))
    tct_bytes_put16(p + 2, total);
  else
    tct_bytes_put16(p + 4, (uint16_t)(total - 40));
  return n;
}

static tct_verdict send_error(struct fake *f, bool v6, struct tct_ip_problem what) {
  uint8_t quote[128];
  tct_addr own = v6 ? A6(1) : A4(10, 0, 0, 1), far = v6 ? A6(99) : A4(192, 0, 2, 7);
  size_t q = make_quote(quote, own, far, 1500);
  tct_addr router = v6 ? A6(2) : A4(10, 0, 0, 2);
  return fake_in(f, 0, pkt, make_error(pkt, router, own, what, quote, q));
}

/* [RFC9293 MUST-54]: to the connection that is quoted, with Linux's errno. A095, A096. */
static void error__each_code__reaches_tcp_with_its_errno(void **state) {
  (void)state;
  const struct {
    bool v6;
    uint8_t type, code;
    int err;
    bool hard;
  } rows[] = {
      {false, 3, 0, TCT_ENETUNREACH, false},   {false, 3, 1, TCT_EHOSTUNREACH, false},
      {false, 3, 2, TCT_ENOPROTOOPT, true},    {false, 3, 3, TCT_ECONNREFUSED, true},
      {false, 3, 5, TCT_EOPNOTSUPP, false},    {false, 3, 6, TCT_ENETUNREACH, false},
      {false, 3, 7, TCT_EHOSTDOWN, false},     {false, 3, 8, -64, false},
      {false, 3, 9, TCT_ENETUNREACH, false},   {false, 3, 10, TCT_EHOSTUNREACH, false},
      {false, 3, 11, TCT_ENETUNREACH, false},  {false, 3, 12, TCT_EHOSTUNREACH, false},
      {false, 3, 13, TCT_EHOSTUNREACH, false}, {false, 11, 0, TCT_EHOSTUNREACH, false},
      {false, 11, 1, TCT_EHOSTUNREACH, false}, {false, 12, 0, TCT_EPROTO, false},
      {true, 1, 0, TCT_ENETUNREACH, false},    {true, 1, 1, TCT_EACCES, true},
      {true, 1, 3, TCT_EHOSTUNREACH, false},   {true, 1, 4, TCT_ECONNREFUSED, true},
      {true, 3, 0, TCT_EHOSTUNREACH, false},   {true, 4, 1, TCT_EPROTO, false},
  };
  struct fake *f = fake_new();
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct tct_ip_problem what = {.type = rows[i].type, .code = rows[i].code};
    assert_int_equal(send_error(f, rows[i].v6, what), TCT_ACCEPTED);
    assert_int_equal(f->tcp.icmps, i + 1);
    const struct tct_icmp_event *e = &f->tcp.event;
    assert_int_equal(e->err, rows[i].err);
    assert_int_equal(e->hard, rows[i].hard);
    assert_int_equal(e->code, rows[i].code);
    assert_int_equal(e->lport, 8080);
    assert_int_equal(e->rport, 80);
    assert_true(e->has_seq);
    assert_int_equal(e->seq, 0x11223344);
    assert_addr(e->local, rows[i].v6 ? A6(1) : A4(10, 0, 0, 1));
    assert_addr(e->remote, rows[i].v6 ? A6(99) : A4(192, 0, 2, 7));
    assert_int_equal(e->mtu, 0);
  }
  assert_int_equal(f->tcp.mtus, 0);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* [RFC9293 MUST-55], RFC 6633, A097. Redirects too: our links have no next hop. */
static void source_quench__in_flight__ignored(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(send_error(f, false, (struct tct_ip_problem){.type = 4}), TCT_DROP_ICMP_TYPE);
  assert_int_equal(send_error(f, false, (struct tct_ip_problem){.type = 5}), TCT_DROP_ICMP_TYPE);
  assert_int_equal(send_error(f, true, (struct tct_ip_problem){.type = 137}), TCT_DROP_ICMP_TYPE);
  assert_int_equal(f->tcp.icmps, 0);
  fake_free(f);
}

static void error__quote_is_not_ours__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint8_t quote[128];
  size_t q = make_quote(quote, A4(10, 0, 0, 55), A4(192, 0, 2, 7), 1500);
  size_t n = make_error(pkt, peer4, ours4, port_closed, quote, q);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_QUOTE);
  q = make_quote(quote, ours4, A4(192, 0, 2, 7), 1500);
  n = make_error(pkt, peer4, ours4, port_closed, quote, 23); /* no ports in it */
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_QUOTE);
  n = make_error(pkt, peer4, ours4, port_closed, quote, 0);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_QUOTE);
  n = make_error(pkt, peer4, A4(10, 0, 0, 255), port_closed, quote, q);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_ICMP_QUOTE);
  assert_int_equal(f->tcp.icmps, 0);
  n = make_error(pkt, peer4, ours4, port_closed, quote, 28); /* header and 8: enough */
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_ACCEPTED);
  assert_int_equal(f->tcp.icmps, 1);
  fake_free(f);
}

/* TCP's verdict is the frame's. */
static void error__tcp_disbelieves__its_verdict(void **state) {
  (void)state;
  struct fake *f = fake_new();
  f->tcp.icmp_answer = TCT_DROP_ICMP_SEQUENCE;
  assert_int_equal(send_error(f, false, port_closed), TCT_DROP_ICMP_SEQUENCE);
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(echo__any_length__same_data_from_the_asked_address),
      cmocka_unit_test(echo__larger_than_the_mtu__fragments_that_fit_together),
      cmocka_unit_test(echo__lengths_lie__no_extra_bytes),
      cmocka_unit_test(echo__checksum_wrong__dropped),
      cmocka_unit_test(echo__marked__dscp_returned_without_ecn),
      cmocka_unit_test(closed_port__probe__quoted_error),
      cmocka_unit_test(error__about_what_must_not_be_answered__silence),
      cmocka_unit_test(rate_limit__10000_probes_a_second__few_answers),
      cmocka_unit_test(rate_limit__others_flood__peer_still_answered),
      cmocka_unit_test(rate_limit__spoofed_everywhere__ceiling_holds),
      cmocka_unit_test(error__each_code__reaches_tcp_with_its_errno),
      cmocka_unit_test(source_quench__in_flight__ignored),
      cmocka_unit_test(error__quote_is_not_ours__dropped),
      cmocka_unit_test(error__tcp_disbelieves__its_verdict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
