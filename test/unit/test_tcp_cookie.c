/* SPDX-License-Identifier: MIT */
/* tcp_cookie, tcp_syncache: what is not kept comes back whole; what is kept has a bound. RFC 4987.
 */
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

static tct_sock open_with(tct_cookies policy, unsigned backlog) {
  w.cfg.cookies = policy;
  wire_open(&w);
  return listen_on(&w, ANY, PORT, backlog);
}

/* ---- Round trips ----------------------------------------------------------------------------- */

/* Every window scale, SACK or not, both families, every MSS of note: what the child has is what the
 * SYN said, and its MSS is never more. */
static void cookie__every_option__comes_back(void **state) {
  (void)state;
  const uint16_t sizes[] = {0,    1,    47,   48,   100,  535,  536,  537,  1219, 1220,
                            1299, 1300, 1400, 1439, 1440, 1452, 1460, 1461, 8940, 65535};
  tct_sock l = open_with(TCT_COOKIES_ALWAYS, 5), k;
  uint16_t port = 1000;
  for (unsigned shape = 0; shape < 16 * 2 * 2 * 2; shape++) {
    bool v6 = (shape & 1) != 0, ts = (shape & 2) != 0, sack = (shape & 4) != 0;
    uint8_t wscale = (uint8_t)(shape >> 3); /* 0: none; 15 offers 14 */
    for (unsigned i = 0; i < TCT_ARRAY_LEN(sizes); i++) {
      struct seg syn = {.flags = TCT_SYN,
                        .seq = 12345 + shape,
                        .sport = ++port,
                        .mss = sizes[i],
                        .ts = ts,
                        .tsval = 777,
                        .sack = sack,
                        .wscale = wscale,
                        .src = v6 ? PEER6 : PEER};
      assert_int_equal(put(&w, syn), TCT_ACCEPTED);
      struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
      assert_int_equal(sa.why, TCT_WHY_SYN_ACK_COOKIE);
      assert_int_equal(counters(&w).HalfOpenNow, 0);
      struct seg ack = {.flags = TCT_ACK,
                        .seq = syn.seq + 1,
                        .ack = sa.seq + 1,
                        .sport = port,
                        .ts = ts,
                        .tsval = 800,
                        .tsecr = sa.tsval,
                        .src = syn.src};
      assert_int_equal(put(&w, ack), TCT_ACCEPTED);
      assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
      tct_info info = {.size = sizeof info};
      assert_int_equal(tct_sock_info(w.s, k, &info), TCT_OK);
      assert_int_equal(info.state, TCT_ESTABLISHED);
      assert_int_equal(info.irs, syn.seq);
      assert_int_equal((info.options & TCT_INFO_TIMESTAMPS) != 0, ts);
      assert_int_equal((info.options & TCT_INFO_SACK) != 0, ts && sack && sa.sack);
      assert_int_equal(sa.sack, ts && sack);
      assert_int_equal((info.options & TCT_INFO_WSCALE) != 0, ts && wscale != 0);
      assert_int_equal(sa.wscale != 0,
                       ts && wscale != 0); /* nothing is promised that could not be kept */
      if (ts && wscale != 0)
        assert_int_equal(info.snd_wscale, wscale - 1 > 14 ? 14 : wscale - 1);
      uint32_t most = sizes[i] != 0 ? tct_max_u32(sizes[i], 48) : v6 ? 1220 : 536;
      assert_true(info.snd_mss + (ts ? 12 : 0) <= most || info.snd_mss == 36 || info.snd_mss == 48);
      assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
      expect(&w, TCT_RST | TCT_ACK);
    }
  }
  assert_int_equal(counters(&w).SyncookiesRecv, counters(&w).SyncookiesSent);
  assert_int_equal(counters(&w).SyncookiesFailed, 0);
}

static struct seg cookie(uint32_t irs) {
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = irs}), TCT_ACCEPTED);
  return expect(&w, TCT_SYN | TCT_ACK);
}

static void cookie__tsval__is_never_ahead_of_the_clock(void **state) {
  (void)state;
  open_with(TCT_COOKIES_ALWAYS, 5);
  struct tct_tuple t = {OURS, PEER, PORT, PEER_PORT};
  for (unsigned i = 0; i < 300; i++) {
    w.now += TCT_MS(7);
    put(&w,
        (struct seg){
            .flags = TCT_SYN, .seq = i, .ts = true, .sack = i & 1, .wscale = (uint8_t)(i % 15)});
    struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
    uint32_t age = tct_time_ms32(w.now) + tct_tcp_options_ts_offset(w.s, &t) - sa.tsval;
    assert_in_range(age, 0, 63);
  }
}

static void cookie__data_without_the_bare_ack__connects_too(void **state) {
  (void)state;
  char buf[9];
  tct_sock l = open_with(TCT_COOKIES_ALWAYS, 5), k;
  struct seg sa = cookie(500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1, .len = 9}),
                   TCT_ACCEPTED);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 9, 0), 9);
}

static void cookie__age__good_for_64_s_gone_after_128(void **state) {
  (void)state;
  tct_sock l = open_with(TCT_COOKIES_ALWAYS, 50), k;
  for (unsigned age_s = 1; age_s <= 200; age_s += 7) {
    struct seg sa = cookie(500);
    pass(&w, TCT_S(age_s));
    (void)cookie(9); /* keeps cookies near */
    tct_verdict v = put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1});
    if (age_s <= 64)
      assert_int_equal(v, TCT_ACCEPTED);
    if (age_s > 128)
      assert_int_equal(v, TCT_DROP_COOKIE);
    if (v == TCT_ACCEPTED)
      assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
    struct seg g;
    if (v == TCT_ACCEPTED)
      assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    while (get(&w, &g))
      assert_true(g.flags & TCT_RST);
  }
}

static void cookie__forged__is_reset_and_counted(void **state) {
  (void)state;
  open_with(TCT_COOKIES_ALWAYS, 5);
  struct seg sa = cookie(500);
  const struct seg forged[] = {
      {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 2},
      {.flags = TCT_ACK, .seq = 501, .ack = sa.seq},
      {.flags = TCT_ACK, .seq = 502, .ack = sa.seq + 1},
      {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1, .sport = 5001},
      {.flags = TCT_ACK, .seq = 501, .ack = (sa.seq ^ 8) + 1},
      {.flags = TCT_ACK, .seq = 501, .ack = (sa.seq ^ 1) + 1},
      {.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1, .dst = OURS_TOO},
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(forged); i++) {
    assert_int_equal(put(&w, forged[i]), TCT_DROP_COOKIE);
    assert_int_equal(expect(&w, TCT_RST).seq, forged[i].ack);
  }
  assert_int_equal(counters(&w).SyncookiesFailed, TCT_ARRAY_LEN(forged));
  assert_int_equal(counters(&w).ConnsNow, 1);
}

static void cookie__none_sent_lately__ack_is_not_even_tried(void **state) {
  (void)state;
  open_with(TCT_COOKIES_ALWAYS, 5);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = 7}),
                   TCT_DROP_TCP_LISTEN_ACK);
  expect(&w, TCT_RST);
  (void)cookie(500);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = 7}), TCT_DROP_COOKIE);
  pass(&w, TCT_S(130));
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = 7}),
                   TCT_DROP_TCP_LISTEN_ACK);
}

static void cookie__keys_rotated__older_cookie_still_holds(void **state) {
  (void)state;
  tct_keys k = {.table = {1, 2},
                .isn = {3, 4},
                .port = {5, 6},
                .ts = {7, 8},
                .cookie = {{9, 10}, {11, 12}},
                .fastopen = {{13, 14}, {15, 16}}};
  w.cfg.keys = k;
  open_with(TCT_COOKIES_ALWAYS, 5);
  struct seg sa = cookie(500);
  k.cookie[1][0] = 9;
  k.cookie[1][1] = 10;
  k.cookie[0][0] = 99;
  assert_int_equal(tct_keys_set(w.s, &k), TCT_OK);
  assert_int_not_equal(cookie(500).seq, sa.seq);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1}),
                   TCT_ACCEPTED);
}

/* ---- Floods ---------------------------------------------------------------------------------- */

static struct seg from_nowhere(uint32_t i) {
  struct seg g = {.flags = TCT_SYN, .seq = i * 7919u};
  g.src = tct_addr_ipv4(11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i);
  g.sport = (uint16_t)(1024 + i % 60000);
  return g;
}

static void drain_output(void) {
  struct seg g;
  while (get(&w, &g))
    continue;
}

static void
flood__with_cookies__honest_clients_connect_and_memory_is_flat(void **state) { /* [A070] */
  (void)state;
  tct_sock l = open_with(TCT_COOKIES_OVERFLOW, 128), k;
  tct_event ev;
  uint64_t flat = 0;
  for (uint32_t i = 0; i < 40000; i++) {
    assert_int_equal(put(&w, from_nowhere(i)), TCT_ACCEPTED);
    drain_output();
    if (i == 1000)
      flat = counters(&w).MemoryBytesNow;
    if (i % 1000 != 999)
      continue;
    w.now += TCT_MS(100);
    tct_advance(w.s, w.now);
    drain_output();
    uint16_t port = (uint16_t)(2000 + i / 1000);
    assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = i, .sport = port}),
                     TCT_ACCEPTED);
    struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
    put(&w, (struct seg){.flags = TCT_ACK, .seq = i + 1, .ack = sa.seq + 1, .sport = port});
    assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
    assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    drain_output();
    while (tct_event_next(w.s, &ev))
      continue;
  }
  assert_int_equal(counters(&w).HalfOpenNow, 128);
  assert_true(counters(&w).MemoryBytesNow <= flat + 4096);
  assert_true(counters(&w).SyncookiesSent > 39000);
}

/* Without cookies the table takes its limit, says so, and empties again. */
static void flood__without_cookies__table_grows_to_its_limit_and_no_further(void **state) {
  (void)state;
  const uint32_t limit = 4096;
  w.cfg.limits.half_open = limit;
  open_with(TCT_COOKIES_NEVER, 60000);
  uint64_t before = counters(&w).MemoryBytesNow;
  uint32_t taken = 0;
  for (uint32_t i = 0; i < 3 * limit; i++) {
    tct_verdict v = put(&w, from_nowhere(i));
    assert_true(v == TCT_ACCEPTED || v == TCT_DROP_SYN_LIMIT);
    taken += v == TCT_ACCEPTED;
    drain_output();
  }
  assert_in_range(taken, limit * 95 / 100, limit);
  assert_int_equal(counters(&w).HalfOpenNow, taken);
  /* 64 bytes each, and little beside */
  assert_true(counters(&w).MemoryBytesNow - before <= limit * 64 * 11 / 10 + 65536);
  for (uint32_t i = 0; i < 3 * limit; i++) { /* each is found again: its exact RST removes it */
    struct seg g = from_nowhere(i);
    g.flags = TCT_RST;
    g.seq++;
    taken -= put(&w, g) == TCT_ACCEPTED;
  }
  assert_int_equal(taken, 0);
  assert_int_equal(counters(&w).HalfOpenNow, 0);
}

/* However many are due, none is forgotten and none is later than the bound. */
static void flood__many_due__all_are_fired_within_the_bound(void **state) {
  (void)state;
  struct seg g;
  w.cfg.limits.half_open = 32768;
  w.cfg.limits.reply_bytes = 16u << 20;
  open_with(TCT_COOKIES_NEVER, 60000);
  uint32_t taken = 0;
  for (uint32_t i = 0; i < 20000; i++) {
    taken += put(&w, from_nowhere(i)) == TCT_ACCEPTED;
    if (i % 64 == 0)
      w.now += TCT_US(300);
  }
  drain_output();
  tct_time last = w.now;
  uint32_t again = 0;
  pass(&w, last + TCT_MS(1000 + 160 + 10) - w.now);
  while (get(&w, &g))
    again += g.why == TCT_WHY_SYN_ACK_REXMIT;
  assert_int_equal(again, taken);
  pass(&w, TCT_S(70));
  drain_output();
  assert_int_equal(counters(&w).HalfOpenNow, 0);
}

/* A record that growth has moved keeps its time. */
static void syncache__growth__each_record_fires_in_its_own_time(void **state) {
  (void)state;
  enum { N = 400 };
  struct seg g;
  open_with(TCT_COOKIES_NEVER, 60000);
  tct_time begin = w.now;
  for (uint32_t i = 0; i < N; i++) {
    assert_int_equal(put(&w, from_nowhere(i)), TCT_ACCEPTED);
    w.now += TCT_MS(2);
  }
  drain_output();
  for (uint32_t i = 0; i < N; i++) {
    tct_time due = begin + TCT_MS(2) * i + TCT_S(1);
    pass(&w, due + TCT_US(500) - w.now);
    assert_true(get(&w, &g));
    assert_true(tct_ip_equal(g.dst, from_nowhere(i).src));
    expect_silence(&w);
  }
}

/* Growth and fullness move records from bucket to bucket: all stay findable at every size. */
static void syncache__growth__nothing_gets_lost_at_any_size(void **state) {
  (void)state;
  w.cfg.limits.half_open = 1024;
  open_with(TCT_COOKIES_NEVER, 60000);
  uint32_t n = 0;
  for (uint32_t i = 0; i < 1024; i++) {
    n += put(&w, from_nowhere(i)) == TCT_ACCEPTED;
    drain_output();
    uint32_t found = 0;
    for (uint32_t k = 0; k <= i; k++) {
      struct seg g = from_nowhere(k);
      struct tct_tuple t = {OURS, g.src, PORT, g.sport};
      struct tct_half_open *r = tct_tcp_syncache_find(w.s, &t);
      found += r != NULL;
      if (r != NULL)
        assert_ptr_equal(tct_tcp_syncache_at(w.s, tct_tcp_syncache_handle(w.s, r)), r);
    }
    assert_int_equal(found, n);
  }
  assert_int_equal(n, 1024); /* up to the limit each one finds a place */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(cookie__every_option__comes_back),
      T(cookie__tsval__is_never_ahead_of_the_clock),
      T(cookie__data_without_the_bare_ack__connects_too),
      T(cookie__age__good_for_64_s_gone_after_128),
      T(cookie__forged__is_reset_and_counted),
      T(cookie__none_sent_lately__ack_is_not_even_tried),
      T(cookie__keys_rotated__older_cookie_still_holds),
      T(flood__with_cookies__honest_clients_connect_and_memory_is_flat),
      T(flood__without_cookies__table_grows_to_its_limit_and_no_further),
      T(flood__many_due__all_are_fired_within_the_bound),
      T(syncache__growth__each_record_fires_in_its_own_time),
      T(syncache__growth__nothing_gets_lost_at_any_size),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
