/* SPDX-License-Identifier: MIT */
/* sock/: calls and news as an application sees them, over a wire that the test holds. */
#include "test/unit/wire_peer.h"

static struct wire w;
static tct_sock k;       /* the socket under test */
static struct seg syn;   /* what it sent */
static uint32_t peer_at; /* the peer's next number */

static int setup(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.no_timestamps = true;
  wire_open(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_close(&w);
  return 0;
}

static void start_connect(void) {
  tct_endpoint e = {.addr = PEER, .port = PEER_PORT};
  k = open_sock(&w);
  assert_int_equal(tct_sock_connect(w.s, k, &e), TCT_OK);
  syn = expect(&w, TCT_SYN);
  peer_at = 100;
}

static tct_verdict from_peer(uint8_t flags, uint32_t ack, uint32_t len) {
  struct seg g = {.flags = flags, .seq = peer_at, .ack = ack, .len = len, .dport = syn.sport};
  return put(&w, g);
}

/* From the peer's side, what has arrived so far is acknowledged as `ack` bytes of ours. */
static void connected(void) {
  start_connect();
  assert_int_equal(from_peer(TCT_SYN | TCT_ACK, syn.seq + 1, 0), TCT_ACCEPTED);
  peer_at++;
  expect(&w, TCT_ACK);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_CONNECTED | TCT_EV_WRITABLE);
}

static void drain_wire(void) {
  struct seg g;
  while (get(&w, &g))
    continue;
}

/* ---- CLOSED: once, last, after the data ------------------------------------------------------ */

static void connect__refused__closed_says_so_and_the_handle_is_stale(void **state) {
  (void)state;
  tct_event ev = {0};
  start_connect();
  put(&w,
      (struct seg){.flags = TCT_RST | TCT_ACK, .seq = 0, .ack = syn.seq + 1, .dport = syn.sport});
  assert_int_equal(tct_sock_recv(w.s, k, &ev, 1, 0), TCT_ECONNREFUSED);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
  assert_int_equal(ev.err, TCT_ECONNREFUSED);
  assert_int_equal(ev.why, TCT_WHY_REFUSED);
  assert_ptr_equal(ev.user, &w);
  assert_int_equal(tct_sock_close(w.s, k), TCT_EBADF);
  assert_int_equal(counters(&w).ConnsNow, 0);
}

static void
reset__unread_data__closed_waits_until_it_is_read(void **state) { /* [RFC9293 MUST-12] */
  (void)state;
  char buf[64];
  int64_t err;
  tct_event ev = {0};
  connected();
  from_peer(TCT_ACK, syn.seq + 1, 30);
  peer_at += 30;
  from_peer(TCT_RST, 0, 0);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_READABLE);
  assert_int_equal(tct_sock_ready(w.s, k) & (TCT_EV_READABLE | TCT_EV_CLOSED), TCT_EV_READABLE);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 20, 0), 20);
  assert_int_equal(events_of(&w, k, NULL), 0);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 20, 0), 10);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 20, 0), TCT_ECONNRESET);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_ERROR, &err) == TCT_OK && err == TCT_ECONNRESET);
  assert_true(tct_sock_get(w.s, k, TCT_OPT_ERROR, &err) == TCT_OK && err == 0);
  assert_int_equal(tct_sock_send(w.s, k, "x", 1, 0), TCT_ECONNRESET);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
  assert_int_equal(ev.err, TCT_ECONNRESET);
  assert_int_equal(ev.why, TCT_WHY_RESET);
}

static void other_news_with_the_end__two_events_closed_last(void **state) {
  (void)state;
  tct_event first, second, none;
  connected();
  assert_int_equal(tct_sock_send(w.s, k, "abc", 3, 0), 3);
  assert_int_equal(tct_sock_mark(w.s, k, 3, TCT_MARK_ACKED, 42), TCT_OK);
  drain_wire();
  from_peer(TCT_ACK, syn.seq + 4, 0);
  from_peer(TCT_RST, 0, 0);
  assert_true(tct_event_next(w.s, &first));
  assert_int_equal(first.flags, TCT_EV_MARK);
  uint64_t token;
  assert_true(tct_sock_mark_next(w.s, k, &token)); /* the handle still lives */
  assert_int_equal(token, 42);
  assert_true(tct_event_next(w.s, &second));
  assert_int_equal(second.flags, TCT_EV_CLOSED);
  assert_false(tct_event_next(w.s, &none));
}

static void close__by_us__handle_lives_until_closed_is_pulled(void **state) {
  (void)state;
  tct_event ev = {0};
  char buf[4];
  connected();
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  assert_int_equal(tct_sock_close(w.s, k), TCT_EBADF);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 4, 0), TCT_EBADF);
  tct_info info = {.size = sizeof info};
  assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
  assert_int_equal(info.state, TCT_FIN_WAIT_1);
  assert_int_equal(counters(&w).OrphansNow, 1);
  struct seg fin = expect(&w, TCT_FIN | TCT_ACK);
  assert_int_equal(events_of(&w, k, NULL), 0);
  from_peer(TCT_FIN | TCT_ACK, fin.seq + 1, 0);
  expect(&w, TCT_ACK);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED); /* at entry to TIME-WAIT */
  assert_int_equal(ev.err, 0);
  assert_int_equal(ev.why, TCT_WHY_CLOSED);
  assert_int_equal(counters(&w).OrphansNow, 0);
  assert_int_equal(counters(&w).ConnsNow, 0);
  assert_int_equal(counters(&w).TimeWaitNow, 1);
}

static void close__then_abort_in_every_order__counts_stay_right(void **state) {
  (void)state;
  connected();
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  struct seg fin = expect(&w, TCT_FIN | TCT_ACK);
  from_peer(TCT_FIN | TCT_ACK, fin.seq + 1, 0);
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK); /* in TIME-WAIT, CLOSED not pulled */
  drain_wire();
  assert_int_equal(counters(&w).OrphansNow, 0);
  connected();
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK); /* in FIN-WAIT-1 */
  assert_int_equal(counters(&w).OrphansNow, 0);
  assert_int_equal(counters(&w).ConnsNow, 0);
  assert_int_equal(events_of(&w, k, NULL), 0);
}

static void close__never_opened__one_closed(void **state) {
  (void)state;
  tct_event ev = {0};
  k = open_sock(&w);
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
  assert_int_equal(ev.why, TCT_WHY_CLOSED_LOCAL);
}

static void close__unread_data__rst(void **state) { /* [RFC9293 SHLD-3] */
  (void)state;
  tct_event ev = {0};
  connected();
  from_peer(TCT_ACK, syn.seq + 1, 30);
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  assert_int_equal(expect(&w, TCT_RST | TCT_ACK).why, TCT_WHY_RST_UNREAD);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
}

static void orphans__beyond_the_limit__reset(void **state) { /* [A073] */
  (void)state;
  wire_close(&w);
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.limits.orphans = 10;
  wire_open(&w);
  for (unsigned i = 0; i < 30; i++) {
    connected();
    assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
    drain_wire();
  }
  assert_int_equal(counters(&w).OrphansNow, 10);
  assert_int_equal(counters(&w).TCPAbortOnMemory, 20);
}

/* ---- The stream ------------------------------------------------------------------------------ */

static void peer_fin__eof_then_zero(void **state) {
  (void)state;
  char buf[8];
  connected();
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), TCT_EAGAIN);
  from_peer(TCT_FIN | TCT_ACK, syn.seq + 1, 5);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_READABLE | TCT_EV_EOF);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, TCT_MSG_PEEK), 5);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 5);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 0);
  assert_int_equal(tct_sock_send(w.s, k, "still", 5, 0), 5); /* half-closed */
}

static void shutdown__write__epipe_and_fin_after_the_data(void **state) {
  (void)state;
  connected();
  assert_int_equal(tct_sock_send(w.s, k, "abc", 3, 0), 3);
  assert_int_equal(tct_sock_shutdown(w.s, k, TCT_SHUT_WR), TCT_OK);
  assert_int_equal(tct_sock_send(w.s, k, "d", 1, 0), TCT_EPIPE);
  struct seg g = expect(&w, TCT_FIN | TCT_PSH | TCT_ACK);
  assert_int_equal(g.len, 3);
  assert_int_equal(tct_sock_shutdown(w.s, k, TCT_SHUT_WR), TCT_OK);
  assert_int_equal(tct_sock_shutdown(w.s, open_sock(&w), TCT_SHUT_WR), TCT_ENOTCONN);
}

static void shutdown__read__what_comes_is_thrown_away(void **state) {
  (void)state;
  char buf[8];
  wire_close(&w);
  wire_init(&w, TCT_PROFILE_STRICT);
  wire_open(&w);
  connected();
  from_peer(TCT_ACK, syn.seq + 1, 5);
  assert_int_equal(tct_sock_shutdown(w.s, k, TCT_SHUT_RD), TCT_OK);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 0);
  peer_at += 5;
  from_peer(TCT_ACK, syn.seq + 1, 5);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 0);
  assert_int_equal(counters(&w).BufferBytesNow, 0);
}

static void shutdown__read__on_linux_what_comes_can_be_read(void **state) {
  (void)state;
  char buf[8];
  connected();
  from_peer(TCT_ACK, syn.seq + 1, 5);
  assert_int_equal(tct_sock_shutdown(w.s, k, TCT_SHUT_RD), TCT_OK);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 5);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 0);
  peer_at += 5;
  from_peer(TCT_ACK, syn.seq + 1, 5);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 5);
}

static void send__before_the_handshake__waits_and_goes(void **state) {
  (void)state;
  start_connect();
  assert_int_equal(tct_sock_send(w.s, k, "early", 5, 0), 5);
  expect_silence(&w);
  from_peer(TCT_SYN | TCT_ACK, syn.seq + 1, 0);
  struct seg g = expect(&w, TCT_ACK | TCT_PSH);
  assert_int_equal(g.len, 5);
  assert_int_equal(g.seq, syn.seq + 1);
}

static void send__buffer_full__writable_once_a_third_is_free(void **state) {
  (void)state;
  static char big[4000];
  connected();
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_SNDBUF, 3000), TCT_OK);
  assert_int_equal(tct_sock_send(w.s, k, big, sizeof big, 0), 3000);
  assert_int_equal(tct_sock_send(w.s, k, big, 1, 0), TCT_EAGAIN);
  assert_false(tct_sock_ready(w.s, k) & TCT_EV_WRITABLE);
  drain_wire();
  from_peer(TCT_ACK, syn.seq + 1 + 900, 0);
  assert_int_equal(events_of(&w, k, NULL), 0);
  from_peer(TCT_ACK, syn.seq + 1 + 1100, 0);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_WRITABLE);
  from_peer(TCT_ACK, syn.seq + 1 + 2200, 0);
  assert_int_equal(events_of(&w, k, NULL), 0); /* nobody was short since */
}

static long fill_buffer(void) {
  static const uint8_t piece[4096];
  long n, sum = 0;
  while ((n = tct_sock_send(w.s, k, piece, sizeof piece, 0)) > 0)
    sum += n;
  assert_int_equal(n, TCT_EAGAIN);
  return sum;
}

/* The tuned buffer is a multiple of the congestion window. An undo that a D-SACK brings makes that
 * larger without acknowledging anything new. */
static void full_buffer__window_grows_without_new_ack__writer_is_told(void **state) {
  (void)state;
  connected();
  struct tct_tcp *c = tct_tcp_block_at(w.s, k);
  fill_buffer();
  drain_wire();
  c->cc.cwnd *= 16; /* as an undo does */
  assert_int_equal(events_of(&w, k, NULL), 0);
  from_peer(TCT_ACK, syn.seq + 1, 0);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_WRITABLE);
  assert_true(fill_buffer() > 0);
}

static void rcvlowat__fewer_bytes__no_event(void **state) {
  (void)state;
  connected();
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_RCVLOWAT, 10), TCT_OK);
  from_peer(TCT_ACK, syn.seq + 1, 9);
  peer_at += 9;
  assert_int_equal(events_of(&w, k, NULL), 0);
  assert_false(tct_sock_ready(w.s, k) & TCT_EV_READABLE);
  from_peer(TCT_ACK, syn.seq + 1, 1);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_READABLE);
}

static void in_place__space_commit_peek_consume(void **state) {
  (void)state;
  tct_iov v[4];
  unsigned n = 4;
  connected();
  assert_int_equal(tct_sock_tx_space(w.s, k, v, &n), TCT_OK);
  assert_in_range(n, 1, 4);
  assert_true(v[0].len >= 7);
  memcpy((void *)(uintptr_t)v[0].base, "written", 7);
  assert_int_equal(tct_sock_tx_commit(w.s, k, 7, 0), TCT_OK);
  assert_int_equal(expect(&w, TCT_ACK | TCT_PSH).len, 7);
  assert_int_equal(tct_sock_tx_commit(w.s, k, 1u << 30, 0), TCT_EINVAL);
  from_peer(TCT_ACK, syn.seq + 8, 50);
  n = 4;
  assert_int_equal(tct_sock_rx_peek(w.s, k, v, &n), TCT_OK);
  assert_int_equal(n, 1);
  assert_int_equal(v[0].len, 50);
  assert_int_equal(*(const uint8_t *)v[0].base, peer_at & 255);
  assert_int_equal(tct_sock_rx_consume(w.s, k, 51), TCT_EINVAL);
  assert_int_equal(tct_sock_rx_consume(w.s, k, 50), TCT_OK);
  n = 4;
  assert_int_equal(tct_sock_rx_peek(w.s, k, v, &n), TCT_EAGAIN);
  assert_int_equal(n, 0);
}

static void lend__memory_comes_back_when_acknowledged_or_aborted(void **state) {
  (void)state;
  static const char mine[3000] = "lent";
  uint64_t token;
  connected();
  assert_int_equal(tct_sock_tx_lend(w.s, k, mine, sizeof mine, 77), TCT_OK);
  drain_wire();
  assert_false(tct_returned_next(w.s, &token));
  from_peer(TCT_ACK, syn.seq + 1 + 3000, 0);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_TX_DONE);
  assert_true(tct_returned_next(w.s, &token));
  assert_int_equal(token, 77);
  assert_int_equal(tct_sock_tx_lend(w.s, k, mine, sizeof mine, 78), TCT_OK);
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
  assert_true(tct_returned_next(w.s, &token));
  assert_int_equal(token, 78);
  assert_false(tct_returned_next(w.s, &token));
}

static void marks__sent_and_acked__in_the_order_reached(void **state) {
  (void)state;
  uint64_t token;
  connected();
  assert_int_equal(tct_sock_mark(w.s, k, 10, TCT_MARK_ACKED, 1), TCT_OK);
  assert_int_equal(tct_sock_mark(w.s, k, 10, TCT_MARK_SENT, 2), TCT_OK);
  assert_int_equal(tct_sock_mark(w.s, k, 5, TCT_MARK_ACKED, 3), TCT_OK);
  assert_false(tct_sock_mark_next(w.s, k, &token));
  assert_int_equal(tct_sock_send(w.s, k, "0123456789", 10, 0), 10);
  expect(&w, TCT_ACK | TCT_PSH);
  assert_int_equal(events_of(&w, k, NULL), TCT_EV_MARK);
  from_peer(TCT_ACK, syn.seq + 6, 0);
  from_peer(TCT_ACK, syn.seq + 11, 0);
  for (unsigned i = 0; i < 3; i++) {
    assert_true(tct_sock_mark_next(w.s, k, &token));
    assert_int_equal(token, i == 0 ? 2 : i == 1 ? 3 : 1);
  }
  assert_false(tct_sock_mark_next(w.s, k, &token));
  assert_int_equal(tct_sock_mark(w.s, k, 4, TCT_MARK_ACKED, 9), TCT_OK); /* long since */
  assert_true(tct_sock_mark_next(w.s, k, &token));
  for (unsigned i = 0; i < TCT_MARKS_MAX; i++)
    assert_int_equal(tct_sock_mark(w.s, k, 1000 + i, TCT_MARK_ACKED, i), TCT_OK);
  assert_int_equal(tct_sock_mark(w.s, k, 2000, TCT_MARK_ACKED, 0), TCT_ENOBUFS);
}

/* ---- Options, drain, soft errors ------------------------------------------------------------- */

static void options__nothing_is_accepted_and_ignored(void **state) {
  (void)state;
  int64_t v;
  k = open_sock(&w);
  for (int o = -3; o <= TCT_OPT_ISN + 3; o++) {
    int set = tct_sock_set(w.s, k, (tct_opt)o, 1);
    int get_it = tct_sock_get(w.s, k, (tct_opt)o, &v);
    if (set == TCT_OK && o != TCT_OPT_ISN && o != TCT_OPT_MAXSEG && o != TCT_OPT_CONGESTION)
      assert_true(get_it == TCT_OK && v == 1);
    if (set != TCT_OK && set != TCT_EINVAL && set != TCT_ENOENT)
      assert_int_equal(set, TCT_ENOPROTOOPT);
  }
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_BROADCAST, 1), TCT_ENOPROTOOPT);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_ERROR, 1), TCT_ENOPROTOOPT);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_NODELAY, 2), TCT_EINVAL);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_DSCP, 64), TCT_EINVAL);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_HOP_LIMIT, 0), TCT_EINVAL);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_KEEPCNT, 128), TCT_EINVAL);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_CONGESTION, 5), TCT_ENOENT);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_MAXSEG, 20), TCT_EINVAL);
  for (int o = 0; o <= TCT_OPT_ISN; o++) { /* the ends of each range, without a crash */
    (void)(tct_sock_set(w.s, k, (tct_opt)o, INT64_MIN) +
           tct_sock_set(w.s, k, (tct_opt)o, INT64_MAX));
    (void)(tct_sock_set(w.s, k, (tct_opt)o, -1) + tct_sock_set(w.s, k, (tct_opt)o, UINT32_MAX));
  }
}

static void options__defaults_are_told(void **state) {
  (void)state;
  const struct {
    tct_opt o;
    int64_t v;
  } rows[] = {{TCT_OPT_KEEPIDLE_S, 7200}, {TCT_OPT_KEEPINTVL_S, 75}, {TCT_OPT_KEEPCNT, 9},
              {TCT_OPT_KEEPALIVE, 0},     {TCT_OPT_R1_RETRIES, 3},   {TCT_OPT_NODELAY, 0},
              {TCT_OPT_HOP_LIMIT, 64},    {TCT_OPT_DSCP, 0},         {TCT_OPT_SOFT_ERRORS, 1},
              {TCT_OPT_TIMESTAMPS, 0},    {TCT_OPT_SACK, 1},         {TCT_OPT_RCVLOWAT, 1}};
  int64_t v;
  k = open_sock(&w);
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    assert_int_equal(tct_sock_get(w.s, k, rows[i].o, &v), TCT_OK);
    assert_int_equal(v, rows[i].v);
  }
}

static void option_isn__fixes_the_next_one_and_only_in_deterministic_stacks(void **state) {
  (void)state;
  tct_endpoint e = {.addr = PEER, .port = PEER_PORT};
  k = open_sock(&w);
  assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_ISN, 5000), TCT_OK);
  assert_int_equal(tct_sock_connect(w.s, k, &e), TCT_OK);
  assert_int_equal(expect(&w, TCT_SYN).seq, 5000);
  tct_sock l = listen_on(&w, ANY, PORT, 5);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_ISN, 100), TCT_OK);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 1});
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).seq, 100);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .sport = 2});
  assert_int_not_equal(expect(&w, TCT_SYN | TCT_ACK).seq, 100);
  wire_close(&w);
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.deterministic = false;
  wire_open(&w);
  assert_int_equal(tct_sock_set(w.s, open_sock(&w), TCT_OPT_ISN, 5000), TCT_ENOPROTOOPT);
}

static void drain__fin_on_all__deadline_resets_the_rest(void **state) {
  (void)state;
  tct_event ev = {0};
  tct_sock l = listen_on(&w, ANY, PORT, 5);
  connected();
  tct_drain(w.s, w.now + TCT_S(5));
  assert_int_equal(events_of(&w, l, &ev), TCT_EV_CLOSED);
  expect(&w, TCT_FIN | TCT_ACK);
  assert_int_equal(tct_sock_listen(w.s, open_sock(&w), 5), TCT_ESHUTDOWN);
  pass(&w, TCT_S(4));
  drain_wire();
  pass(&w, TCT_S(2));
  struct seg g, last = {0};
  while (get(&w, &g))
    last = g;
  assert_int_equal(last.why, TCT_WHY_RST_DRAIN);
  assert_true(events_of(&w, k, &ev) & TCT_EV_CLOSED);
  assert_int_equal(ev.flags, TCT_EV_CLOSED);
  assert_true(tct_deadline(w.s) == TCT_NEVER);
}

static void stale_handles__every_call__ebadf(void **state) {
  (void)state;
  char b[4];
  tct_iov v;
  unsigned n = 1;
  int64_t o;
  uint64_t token;
  void *user;
  tct_info info = {.size = sizeof info};
  tct_endpoint e = {.addr = PEER, .port = 1};
  tct_syn_info si;
  k = open_sock(&w);
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
  const tct_sock stale[] = {
      k, {0, 0}, {7, 1}, {UINT32_MAX, 1}, {0x7fffffff, 3}, {k.index, k.gen + 2}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(stale); i++) {
    tct_sock x = stale[i];
    assert_int_equal(tct_sock_connect(w.s, x, &e), TCT_EBADF);
    assert_int_equal(tct_sock_bind(w.s, x, &e), TCT_EBADF);
    assert_int_equal(tct_sock_close(w.s, x), TCT_EBADF);
    assert_int_equal(tct_sock_abort(w.s, x), TCT_EBADF);
    assert_int_equal(tct_sock_send(w.s, x, b, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_recv(w.s, x, b, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_get(w.s, x, TCT_OPT_DSCP, &o), TCT_EBADF);
    assert_int_equal(tct_sock_set(w.s, x, TCT_OPT_DSCP, 0), TCT_EBADF);
    assert_int_equal(tct_sock_ready(w.s, x), TCT_EBADF);
    assert_int_equal(tct_sock_user(w.s, x, &user), TCT_EBADF);
    if ((x.index & TCT_SOCK_UDP_BIT) != 0)
      continue;
    assert_int_equal(tct_sock_listen(w.s, x, 1), TCT_EBADF);
    assert_int_equal(tct_sock_accept(w.s, x, NULL, &k), TCT_EBADF);
    assert_int_equal(tct_sock_shutdown(w.s, x, TCT_SHUT_WR), TCT_EBADF);
    assert_int_equal(tct_sock_info(w.s, x, &info), TCT_EBADF);
    assert_int_equal(tct_sock_tx_space(w.s, x, &v, &n), TCT_EBADF);
    assert_int_equal(tct_sock_rx_peek(w.s, x, &v, &n), TCT_EBADF);
    assert_int_equal(tct_sock_tx_lend(w.s, x, b, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_mark(w.s, x, 0, TCT_MARK_SENT, 0), TCT_EBADF);
    assert_false(tct_sock_mark_next(w.s, x, &token));
    assert_false(tct_syn_next(w.s, x, &si));
  }
  assert_int_equal(tct_syn_answer(w.s, (tct_syn){1, 0x01000000}, TCT_SYN_DROP, 0), TCT_ENOENT);
}

static void no_memory_body(struct failing_alloc *a, void *arg) {
  (void)arg;
  struct wire v;
  int err;
  struct seg g;
  tct_event ev;
  uint64_t token;
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  tct_endpoint e = {.addr = PEER, .port = PEER_PORT};
  wire_init(&v, TCT_PROFILE_LINUX);
  v.cfg.alloc = a->vtable;
  v.s = tct_new(&v.cfg, &err);
  if (v.s == NULL)
    return;
  tct_sock c = {0, 0};
  bool up =
      tct_if_add(v.s, &ic, &v.ifc) == TCT_OK && tct_if_addr_add(v.s, v.ifc, OURS, 24) == TCT_OK &&
      tct_sock_open(v.s, TCT_TCP, NULL, &c) == TCT_OK && tct_sock_connect(v.s, c, &e) == TCT_OK;
  if (up && get(&v, &g)) {
    put(&v, (struct seg){.flags = TCT_SYN | TCT_ACK, .seq = 9, .ack = g.seq + 1, .dport = g.sport});
    (void)(tct_sock_send(v.s, c, "hello", 5, 0) + tct_sock_mark(v.s, c, 5, TCT_MARK_ACKED, 1));
    if (tct_sock_tx_lend(v.s, c, "there", 5, 2) != TCT_OK)
      assert_true(a->failed > 0);
    put(&v,
        (struct seg){.flags = TCT_ACK, .seq = 10, .ack = g.seq + 1, .dport = g.sport, .len = 50});
    while (get(&v, &g))
      continue;
    (void)tct_sock_close(v.s, c); /* may have ended already */
    while (get(&v, &g) || tct_event_next(v.s, &ev) || tct_returned_next(v.s, &token))
      continue;
  }
  tct_free(v.s);
  failing_alloc_finish(&v.mem);
}

static void no_memory__somewhere__error_and_nothing_leaks(void **state) {
  (void)state;
  assert_true(failing_alloc_each(no_memory_body, NULL) > 8);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(connect__refused__closed_says_so_and_the_handle_is_stale),
      T(reset__unread_data__closed_waits_until_it_is_read),
      T(other_news_with_the_end__two_events_closed_last),
      T(close__by_us__handle_lives_until_closed_is_pulled),
      T(close__then_abort_in_every_order__counts_stay_right),
      T(close__never_opened__one_closed),
      T(close__unread_data__rst),
      T(orphans__beyond_the_limit__reset),
      T(peer_fin__eof_then_zero),
      T(shutdown__write__epipe_and_fin_after_the_data),
      T(shutdown__read__what_comes_is_thrown_away),
      T(shutdown__read__on_linux_what_comes_can_be_read),
      T(send__before_the_handshake__waits_and_goes),
      T(send__buffer_full__writable_once_a_third_is_free),
      T(full_buffer__window_grows_without_new_ack__writer_is_told),
      T(rcvlowat__fewer_bytes__no_event),
      T(in_place__space_commit_peek_consume),
      T(lend__memory_comes_back_when_acknowledged_or_aborted),
      T(marks__sent_and_acked__in_the_order_reached),
      T(options__nothing_is_accepted_and_ignored),
      T(options__defaults_are_told),
      T(option_isn__fixes_the_next_one_and_only_in_deterministic_stacks),
      T(drain__fin_on_all__deadline_resets_the_rest),
      T(stale_handles__every_call__ebadf),
      T(no_memory__somewhere__error_and_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
