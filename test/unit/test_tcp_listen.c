/* SPDX-License-Identifier: MIT */
/* tcp_listen, tcp_child: a listener and its half-open records, judged from the wire. */
#include "test/unit/wire_peer.h"

static struct wire w;

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

static tct_sock open_listener(unsigned backlog) {
  wire_open(&w);
  return listen_on(&w, ANY, PORT, backlog);
}

/* ---- 3.10.7.2 -------------------------------------------------------------------------------- */

static void listen__rst__is_ignored(void **state) { /* [RFC9293 EP-2] */
  (void)state;
  open_listener(5);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 1}), TCT_DROP_TCP_LISTEN_RST);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST | TCT_ACK, .seq = 1}),
                   TCT_DROP_TCP_LISTEN_RST);
  expect_silence(&w);
  (void)handshake(&w, PEER_PORT, 500);
}

static void listen__ack__draws_rst_with_its_number(void **state) { /* [RFC9293 EP-3] */
  (void)state;
  open_listener(5);
  const uint8_t flags[] = {TCT_ACK, TCT_SYN | TCT_ACK, TCT_FIN | TCT_ACK};
  for (unsigned i = 0; i < 3; i++) {
    assert_int_equal(put(&w, (struct seg){.flags = flags[i], .seq = 9, .ack = 777 + i}),
                     TCT_DROP_TCP_LISTEN_ACK);
    struct seg r = expect(&w, TCT_RST);
    assert_int_equal(r.seq, 777 + i);
    assert_int_equal(r.why, TCT_WHY_RST_LISTEN);
  }
  assert_int_equal(counters(&w).HalfOpenNow, 0);
}

static void
listen__neither_syn_nor_ack_nor_rst__is_dropped(void **state) { /* [RFC9293 EP-6] [RFC9293 EP-39] */
  (void)state;
  open_listener(5);
  assert_int_equal(put(&w, (struct seg){.flags = 0, .seq = 1}), TCT_DROP_TCP_LISTEN_FLAGS);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_FIN, .seq = 1}), TCT_DROP_TCP_LISTEN_FLAGS);
  expect_silence(&w);
}

static void listen__syn__answers_with_its_number_plus_one(void **state) { /* [RFC9293 EP-4] */
  (void)state;
  open_listener(5);
  const uint32_t numbers[] = {500, 4294967295u};
  for (uint16_t i = 0; i < 2; i++) {
    put(&w, (struct seg){.flags = TCT_SYN, .seq = numbers[i], .sport = (uint16_t)(5000 + i)});
    struct seg r = expect(&w, TCT_SYN | TCT_ACK);
    assert_int_equal(r.ack, numbers[i] + 1);
    assert_int_equal(r.why, TCT_WHY_SYN_ACK);
    assert_int_equal(r.mss, 1460);
  }
  assert_int_equal(counters(&w).HalfOpenNow, 2);
  assert_true(was_in(&w, TCT_LISTEN, TCT_SYN_RECEIVED));
}

static void
listen__syn_with_data__data_is_delivered_once_and_late(void **state) { /* [RFC9293 EP-5] */
  (void)state;
  char buf[300];
  tct_sock l = open_listener(5), k;
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 500, .len = 100});
  struct seg r = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(r.ack, 501);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_EAGAIN);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = r.seq + 1, .len = 100});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_recv(w.s, k, buf, sizeof buf, 0), 100);
  assert_int_equal((uint8_t)buf[0], 501 & 255);
  assert_int_equal(tct_sock_recv(w.s, k, buf, sizeof buf, 0), TCT_EAGAIN);
}

static void listen__syn_options__only_what_was_offered_comes_back(void **state) {
  (void)state;
  open_listener(50);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 1});
  struct seg r = expect(&w, TCT_SYN | TCT_ACK);
  assert_true(!r.ts && !r.sack && r.wscale == 0);
  put(&w, (struct seg){.flags = TCT_SYN,
                       .seq = 1,
                       .sport = 2,
                       .ts = true,
                       .tsval = 99,
                       .sack = true,
                       .wscale = 8});
  r = expect(&w, TCT_SYN | TCT_ACK);
  assert_true(r.ts && r.sack && r.wscale != 0);
  assert_int_equal(r.tsecr, 99);
}

static void listen__bound_to_one_address__other_is_refused(
    void **state) { /* [RFC9293 MUST-43] [RFC9293 MUST-45] */
  (void)state;
  wire_open(&w);
  listen_on(&w, OURS_TOO, PORT, 5);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1}), TCT_DROP_TCP_NO_SOCKET);
  expect(&w, TCT_RST | TCT_ACK);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .dst = OURS_TOO});
  struct seg r = expect(&w, TCT_SYN | TCT_ACK);
  assert_true(tct_ip_equal(r.src, OURS_TOO));
}

static void listen__ipv6__same_path(void **state) {
  (void)state;
  tct_sock l = open_listener(5), k;
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 7, .src = PEER6});
  struct seg r = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(r.mss, 1440);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 8, .ack = r.seq + 1, .src = PEER6});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

/* ---- SYN-RECEIVED ---------------------------------------------------------------------------- */

static struct seg half_open(uint32_t irs) {
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = irs}), TCT_ACCEPTED);
  return expect(&w, TCT_SYN | TCT_ACK);
}

static void
syn_received__rst__returns_to_listen(void **state) { /* [RFC9293 EP-20] [RFC9293 MUST-11] */
  (void)state;
  tct_sock l = open_listener(5), k;
  for (unsigned i = 0; i < 100; i++) {
    half_open(500);
    assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 501}), TCT_ACCEPTED);
    assert_int_equal(counters(&w).HalfOpenNow, 0);
  }
  expect_silence(&w);
  assert_int_equal(events_of(&w, l, NULL), 0);
  assert_true(was_in(&w, TCT_SYN_RECEIVED, TCT_LISTEN));
  handshake(&w, PEER_PORT, 900);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(counters(&w).ConnsNow, 2);
}

static void
syn_received__rst_beside_the_number__is_challenged_a_few_times(void **state) { /* [RFC9293 EP-19] */
  (void)state;
  open_listener(5);
  struct seg sa = half_open(500), g;
  unsigned answers = 0;
  for (unsigned i = 0; i < 20; i++) {
    assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 600 + i}),
                     TCT_DROP_RST_CHALLENGED);
    while (get(&w, &g)) {
      assert_int_equal(g.flags, TCT_ACK);
      assert_int_equal(g.seq, sa.seq + 1);
      assert_int_equal(g.ack, 501);
      answers++;
    }
  }
  assert_in_range(answers, 1, 3);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 400}),
                   TCT_DROP_RST_OUTSIDE_WINDOW);
  assert_int_equal(counters(&w).HalfOpenNow, 1);
}

static void syn_received__same_syn__draws_the_same_answer(void **state) {
  (void)state;
  open_listener(5);
  struct seg sa = half_open(500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 500}), TCT_ACCEPTED);
  struct seg r = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(r.seq, sa.seq);
  assert_int_equal(r.why, TCT_WHY_SYN_ACK_REXMIT);
  for (unsigned i = 0; i < 10; i++)
    put(&w, (struct seg){.flags = TCT_SYN, .seq = 500});
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 500}), TCT_DROP_SYN_REPEAT);
  assert_int_equal(counters(&w).HalfOpenNow, 1);
}

static void
syn_received__other_syn_in_window__returns_to_listen(void **state) { /* [RFC9293 EP-22] */
  (void)state;
  open_listener(5);
  half_open(500);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 600});
  expect_silence(&w);
  assert_int_equal(counters(&w).HalfOpenNow, 0);
  half_open(600);
}

static void syn_received__other_syn_outside__draws_ack_and_the_exact_rst_ends_it(void **state) {
  (void)state;
  open_listener(5);
  half_open(100000);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 500}), TCT_DROP_SYN_CHALLENGED);
  struct seg r = expect(&w, TCT_ACK);
  assert_int_equal(r.ack, 100001);
  put(&w, (struct seg){.flags = TCT_RST, .seq = r.ack});
  half_open(500);
}

static void
syn_received__wrong_ack__rst_and_then_the_right_one_connects(void **state) { /* [RFC9293 EP-26] */
  (void)state;
  tct_sock l = open_listener(5), k;
  struct seg sa = half_open(500);
  const uint32_t wrong[] = {0, 2, (uint32_t)-1, 70000};
  for (unsigned i = 0; i < 4; i++) {
    assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + wrong[i]}),
                     TCT_DROP_SYN_RCVD_ACK);
    assert_int_equal(expect(&w, TCT_RST).seq, sa.seq + wrong[i]);
  }
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1}),
                   TCT_ACCEPTED);
  assert_int_equal(events_of(&w, l, NULL), TCT_EV_ACCEPT);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  tct_info info = {.size = sizeof info};
  assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
  assert_int_equal(info.state, TCT_ESTABLISHED);
  assert_int_equal(info.rcv_nxt, 501);
  assert_int_equal(info.snd_nxt, sa.seq + 1);
  assert_int_equal(counters(&w).HalfOpenNow, 0);
  assert_int_equal(counters(&w).PassiveOpens, 1);
}

static void
syn_received__no_ack_or_outside__is_dropped(void **state) { /* [RFC9293 EP-25] [RFC9293 EP-14] */
  (void)state;
  open_listener(5);
  struct seg sa = half_open(500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_FIN, .seq = 501}), TCT_DROP_NO_ACK);
  expect_silence(&w);
  assert_int_equal(
      put(&w, (struct seg){.flags = TCT_ACK, .seq = 400000, .ack = sa.seq + 1, .len = 5}),
      TCT_DROP_SEQ_OUTSIDE_WINDOW);
  assert_int_equal(expect(&w, TCT_ACK).ack, 501);
}

static void syn_received__timestamps__old_and_missing_are_refused(void **state) {
  (void)state;
  open_listener(5);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 500, .ts = true, .tsval = 1000});
  struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
  struct seg ack = {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1};
  assert_int_equal(put(&w, ack), TCT_DROP_NO_TIMESTAMP);
  ack.ts = true;
  ack.tsval = 999;
  assert_int_equal(put(&w, ack), TCT_DROP_PAWS);
  struct seg a = expect(&w, TCT_ACK);
  assert_true(a.ts);
  assert_int_equal(a.tsecr, 1000);
  ack.tsval = 1001;
  ack.tsecr = sa.tsval;
  assert_int_equal(put(&w, ack), TCT_ACCEPTED);
}

static void syn_received__data_and_fin_with_the_ack__both_are_taken(void **state) {
  (void)state;
  char buf[64];
  tct_sock l = open_listener(5), k;
  struct seg sa = half_open(500);
  put(&w, (struct seg){.flags = TCT_ACK | TCT_FIN, .seq = 501, .ack = sa.seq + 1, .len = 10});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_true(events_of(&w, k, NULL) & TCT_EV_EOF);
  assert_int_equal(tct_sock_recv(w.s, k, buf, sizeof buf, 0), 10);
  assert_int_equal(tct_sock_recv(w.s, k, buf, sizeof buf, 0), 0);
}

/* ---- Time ------------------------------------------------------------------------------------ */

static void syn_received__silence__syn_ack_again_with_doubling_then_gone(void **state) {
  (void)state;
  open_listener(5);
  w.now += 3456789; /* off every grid */
  tct_time begin = w.now;
  half_open(500);
  const unsigned at_s[] = {1, 3, 7, 15, 31};
  for (unsigned i = 0; i < 5; i++) {
    pass(&w, begin + TCT_S(at_s[i]) - TCT_MS(1) - w.now);
    expect_silence(&w);
    pass(&w, TCT_MS(2)); /* exact to the millisecond */
    struct seg r = expect(&w, TCT_SYN | TCT_ACK);
    assert_int_equal(r.why, TCT_WHY_SYN_ACK_REXMIT);
  }
  pass(&w, TCT_S(40));
  expect_silence(&w); /* [A071] six packets for one SYN */
  assert_int_equal(counters(&w).HalfOpenNow, 0);
  assert_true(was_in(&w, TCT_SYN_RECEIVED, TCT_CLOSED));
  assert_true(tct_deadline(w.s) == TCT_NEVER);
}

/* RFC 6928 section 3.2, RFC 6298 section 5.7: a handshake that lost something begins with care. */
static void syn_received__syn_ack_was_lost__child_begins_with_one_segment(void **state) {
  (void)state;
  tct_info info = {.size = sizeof info};
  wire_init(&w, TCT_PROFILE_STRICT);
  tct_sock l = open_listener(5), k;
  struct seg sa = half_open(500);
  pass(&w, TCT_MS(1001));
  expect(&w, TCT_SYN | TCT_ACK);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
  assert_int_equal(info.snd_cwnd, info.snd_mss);
  assert_int_equal(info.rtt, 0); /* Karn: whose answer is it? */
}

static void syn_received__answered_after_40_ms__that_is_the_first_sample(void **state) {
  (void)state;
  tct_info info = {.size = sizeof info};
  tct_sock l = open_listener(5), k;
  struct seg sa = half_open(500);
  pass(&w, TCT_MS(40));
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
  assert_int_equal(info.rtt, 40000);
}

static void syn_received__a_day_without_advance__ends_all_the_same(void **state) {
  (void)state;
  open_listener(5);
  half_open(500);
  for (unsigned i = 0; i < 8; i++) {
    w.now += TCT_S(86400);
    tct_advance(w.s, w.now);
  }
  assert_int_equal(counters(&w).HalfOpenNow, 0);
}

static void syn_received__hard_error_quoting_the_syn_ack__ends_it(void **state) {
  (void)state;
  open_listener(5);
  struct seg sa = half_open(500);
  for (unsigned right = 0; right < 2; right++) {
    uint8_t quote[128], msg[256], b[512];
    struct seg q = {.flags = TCT_SYN | TCT_ACK,
                    .seq = sa.seq + 1 - right,
                    .ack = 501,
                    .src = OURS,
                    .dst = PEER,
                    .sport = PORT,
                    .dport = PEER_PORT};
    struct tct_icmp_error e = {.what = {.type = 3, .code = 3, .report = true},
                               .quote = quote,
                               .quote_len = write_packet(quote, &q)};
    tct_addr from = PEER, to = OURS;
    size_t n = tct_wire_icmp_emit_error(msg, sizeof msg, &from, &to, &e);
    struct tct_ip_hdr ip = {.src = PEER,
                            .dst = OURS,
                            .family = 4,
                            .proto = 1,
                            .hop_limit = 64,
                            .payload_len = (uint16_t)n};
    size_t at = tct_wire_ip_emit(b, &ip);
    memcpy(b + at, msg, n);
    tct_verdict v = put_packet(&w, b, at + n);
    assert_int_equal(v == TCT_ACCEPTED, right);
    assert_int_equal(counters(&w).HalfOpenNow, 1 - right);
  }
}

/* ---- Backlog, accept queue ------------------------------------------------------------------- */

static void accept_queue_full__syn_and_ack_are_dropped_until_room(void **state) { /* [A078] */
  (void)state;
  tct_sock l, k;
  w.cfg.cookies = TCT_COOKIES_NEVER;
  l = open_listener(2);
  handshake(&w, 1000, 1);
  handshake(&w, 1001, 1);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 5, .sport = 1003});
  struct seg early = expect(&w, TCT_SYN | TCT_ACK);
  handshake(&w, 1002, 1); /* backlog + 1 */
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 1004}),
                   TCT_DROP_ACCEPT_QUEUE);
  struct seg late = {.flags = TCT_ACK, .seq = 6, .ack = early.seq + 1, .sport = 1003};
  assert_int_equal(put(&w, late), TCT_DROP_ACCEPT_QUEUE);
  expect_silence(&w);
  assert_int_equal(counters(&w).ListenOverflows, 2);
  assert_int_equal(counters(&w).ListenDrops, 2);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  pass(&w, TCT_S(1)); /* the SYN,ACK goes again, and the peer's ACK with it */
  expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(put(&w, late), TCT_ACCEPTED);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_EAGAIN);
}

static void backlog_of_half_open_full__syn_is_dropped_without_cookies(void **state) {
  (void)state;
  w.cfg.cookies = TCT_COOKIES_NEVER;
  open_listener(4);
  for (uint16_t i = 0; i < 4; i++)
    assert_int_equal(
        put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = (uint16_t)(100 + i)}),
        TCT_ACCEPTED);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 200}),
                   TCT_DROP_SYN_BACKLOG);
  assert_int_equal(counters(&w).ListenDrops, 1);
}

static void listener_closed__records_and_children_go(void **state) {
  (void)state;
  tct_event ev = {0};
  tct_sock l = open_listener(5);
  handshake(&w, 1001, 1);
  half_open(500);
  assert_int_equal(tct_sock_close(w.s, l), TCT_OK);
  struct seg r = expect(&w, TCT_RST | TCT_ACK);
  assert_int_equal(r.dport, 1001);
  assert_int_equal(counters(&w).HalfOpenNow, 0);
  assert_int_equal(events_of(&w, l, &ev), TCT_EV_CLOSED);
  assert_int_equal(counters(&w).ConnsNow, 0);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1}), TCT_DROP_TCP_NO_SOCKET);
}

static void
listener__second_listen__changes_the_backlog_only(void **state) { /* [RFC9293 MUST-41] */
  (void)state;
  tct_sock l = open_listener(5), k;
  handshake(&w, 1001, 1);
  assert_int_equal(tct_sock_listen(w.s, l, 7), TCT_OK);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  tct_sock second = open_sock(&w);
  tct_endpoint e = {.addr = ANY, .port = PORT};
  assert_int_equal(tct_sock_bind(w.s, second, &e), TCT_EADDRINUSE);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 2, .ack = 0, .sport = 1001, .len = 0});
  assert_int_equal(tct_sock_send(w.s, k, "x", 1, 0), 1);
}

static void options_of_listener__hold_for_children(void **state) {
  (void)state;
  int64_t v;
  tct_sock l = open_listener(5), k;
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_NODELAY, 1), TCT_OK);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_KEEPIDLE_S, 33), TCT_OK);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_DSCP, 46), TCT_OK);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_RCVBUF, 20000), TCT_OK);
  handshake(&w, 1001, 1);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_NODELAY, &v) == TCT_OK && v == 1);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_KEEPIDLE_S, &v) == TCT_OK && v == 33);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_DSCP, &v) == TCT_OK && v == 46);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_RCVBUF, &v) == TCT_OK && v == 20000);
}

static void window_of_syn_ack__is_what_the_child_accepts(void **state) {
  (void)state;
  const tct_profile profiles[] = {TCT_PROFILE_LINUX, TCT_PROFILE_STRICT};
  for (unsigned i = 0; i < 2; i++) {
    for (unsigned v6 = 0; v6 < 2; v6++) {
      wire_init(&w, profiles[i]);
      tct_sock l = open_listener(5), k;
      tct_addr src = v6 ? PEER6 : PEER;
      put(&w, (struct seg){.flags = TCT_SYN, .seq = 7, .src = src});
      struct seg r = expect(&w, TCT_SYN | TCT_ACK);
      put(&w, (struct seg){.flags = TCT_ACK, .seq = 8, .ack = r.seq + 1, .src = src});
      assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
      tct_info info = {.size = sizeof info};
      assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
      assert_int_equal(info.rcv_wnd, r.window);
      if (i + v6 < 2)
        wire_close(&w);
    }
  }
}

/* ---- Deferred accept ------------------------------------------------------------------------- */

static void defer_accept__bare_ack_waits__data_makes_the_child(void **state) {
  (void)state;
  tct_sock l = open_listener(5), k;
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_DEFER_ACCEPT_S, 10), TCT_OK);
  struct seg sa = half_open(500);
  struct seg ack = {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1};
  assert_int_equal(put(&w, ack), TCT_DROP_SYN_DEFERRED);
  pass(&w, TCT_S(5));
  expect_silence(&w);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_EAGAIN);
  ack.len = 3;
  assert_int_equal(put(&w, ack), TCT_ACCEPTED);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

static void defer_accept__time_over__next_bare_ack_will_do(void **state) {
  (void)state;
  tct_sock l = open_listener(5), k;
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_DEFER_ACCEPT_S, 10), TCT_OK);
  struct seg sa = half_open(500);
  struct seg ack = {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1};
  put(&w, ack);
  pass(&w, TCT_MS(10010));
  expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(put(&w, ack), TCT_ACCEPTED);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

static void
no_memory__somewhere__nothing_is_lost_and_a_later_try_works_body(struct failing_alloc *a,
                                                                 void *arg) {
  struct wire v;
  int err;
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  (void)arg;
  wire_init(&v, TCT_PROFILE_LINUX);
  v.cfg.alloc = a->vtable;
  v.s = tct_new(&v.cfg, &err);
  if (v.s == NULL)
    return;
  tct_sock l = {0, 0}, k;
  tct_endpoint e = {.addr = ANY, .port = PORT};
  bool up =
      tct_if_add(v.s, &ic, &v.ifc) == TCT_OK && tct_if_addr_add(v.s, v.ifc, OURS, 24) == TCT_OK &&
      tct_sock_open(v.s, TCT_TCP, NULL, &l) == TCT_OK && tct_sock_bind(v.s, l, &e) == TCT_OK &&
      tct_sock_set(v.s, l, TCT_OPT_KEEPIDLE_S, 5) == TCT_OK && tct_sock_listen(v.s, l, 5) == TCT_OK;
  for (unsigned i = 0; up && i < 3; i++) { /* as a peer would try again */
    struct seg g;
    put(&v, (struct seg){.flags = TCT_SYN, .seq = 500});
    while (get(&v, &g)) {
      if (g.flags == (TCT_SYN | TCT_ACK))
        put(&v, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = g.seq + 1, .len = 4});
    }
    pass(&v, TCT_MS(1500));
  }
  if (up && a->fail_at != 0 && a->failed > 0)
    assert_in_range(tct_sock_accept(v.s, l, NULL, &k) + 200, 0, 200); /* an answer, whichever */
  tct_free(v.s);
  failing_alloc_finish(&v.mem);
}

static void no_memory__somewhere__nothing_is_lost(void **state) {
  (void)state;
  wire_open(&w);
  assert_true(failing_alloc_each(no_memory__somewhere__nothing_is_lost_and_a_later_try_works_body,
                                 NULL) > 8);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(listen__rst__is_ignored),
      T(listen__ack__draws_rst_with_its_number),
      T(listen__neither_syn_nor_ack_nor_rst__is_dropped),
      T(listen__syn__answers_with_its_number_plus_one),
      T(listen__syn_with_data__data_is_delivered_once_and_late),
      T(listen__syn_options__only_what_was_offered_comes_back),
      T(listen__bound_to_one_address__other_is_refused),
      T(listen__ipv6__same_path),
      T(syn_received__rst__returns_to_listen),
      T(syn_received__rst_beside_the_number__is_challenged_a_few_times),
      T(syn_received__same_syn__draws_the_same_answer),
      T(syn_received__other_syn_in_window__returns_to_listen),
      T(syn_received__other_syn_outside__draws_ack_and_the_exact_rst_ends_it),
      T(syn_received__wrong_ack__rst_and_then_the_right_one_connects),
      T(syn_received__no_ack_or_outside__is_dropped),
      T(syn_received__timestamps__old_and_missing_are_refused),
      T(syn_received__data_and_fin_with_the_ack__both_are_taken),
      T(syn_received__silence__syn_ack_again_with_doubling_then_gone),
      T(syn_received__syn_ack_was_lost__child_begins_with_one_segment),
      T(syn_received__answered_after_40_ms__that_is_the_first_sample),
      T(syn_received__a_day_without_advance__ends_all_the_same),
      T(syn_received__hard_error_quoting_the_syn_ack__ends_it),
      T(accept_queue_full__syn_and_ack_are_dropped_until_room),
      T(backlog_of_half_open_full__syn_is_dropped_without_cookies),
      T(listener_closed__records_and_children_go),
      T(listener__second_listen__changes_the_backlog_only),
      T(options_of_listener__hold_for_children),
      T(window_of_syn_ack__is_what_the_child_accepts),
      T(defer_accept__bare_ack_waits__data_makes_the_child),
      T(defer_accept__time_over__next_bare_ack_will_do),
      T(no_memory__somewhere__nothing_is_lost),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
