/* SPDX-License-Identifier: MIT */
/* tcp_fastopen, tcp_fastopen_client, tcp_fastopen_cache: cookies, limits, and what is remembered of
 * servers. RFC 7413. What goes over the wire when is in test/script/rfc7413. */
#include "test/unit/wire_peer.h"

static struct wire w;

/* Linux's notation a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4: four words, lowest byte first. */
static const uint64_t key[2] = {0xb2b2b2b2a1a1a1a1u, 0xd4d4d4d4c3c3c3c3u};
static const uint64_t other[2] = {0x2222222211111111u, 0x4444444433333333u};

static int setup(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.fastopen = TCT_FASTOPEN_CLIENT | TCT_FASTOPEN_SERVER;
  memcpy(w.cfg.keys.fastopen[0], key, sizeof key);
  memcpy(w.cfg.keys.fastopen[1], other, sizeof other);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_close(&w);
  return 0;
}

/* ---- Cookies --------------------------------------------------------------------------------- */

/* What Linux 6.18 makes under this key for these addresses. */
static void cookie__known_addresses__is_linux_s(void **state) {
  (void)state;
  static const uint8_t want4[8] = {0x30, 0x21, 0xb9, 0xd8, 0x89, 0x01, 0x7e, 0xeb};
  static const uint8_t want6[8] = {0xc1, 0xd1, 0xe9, 0x74, 0x2a, 0x47, 0xa9, 0xbc};
  struct tct_tuple t = {tct_addr_ipv4(192, 168, 0, 1), tct_addr_ipv4(192, 0, 2, 1), 8080, 4321};
  uint8_t got[TCT_FASTOPEN_COOKIE_LEN];
  wire_open(&w);
  tct_tcp_fastopen_cookie(key, &t, got);
  assert_memory_equal(got, want4, 8);
  t.rport = 99; /* ports are no part of it */
  tct_tcp_fastopen_cookie(key, &t, got);
  assert_memory_equal(got, want4, 8);
  assert_int_equal(tct_addr_parse("fd3d:a0b:17d6::1", &t.laddr), TCT_OK);
  assert_int_equal(tct_addr_parse("fd3d:fa7b:d17d::1", &t.raddr), TCT_OK);
  tct_tcp_fastopen_cookie(key, &t, got);
  assert_memory_equal(got, want6, 8);
}

static tct_sock listen_fast(unsigned limit) {
  tct_sock l;
  wire_open(&w);
  l = listen_on(&w, ANY, PORT, 16);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_FASTOPEN, limit), TCT_OK);
  return l;
}

static struct seg syn_with(const uint64_t k[2], uint16_t port, uint32_t len) {
  struct tct_tuple t = {OURS, PEER, PORT, port};
  struct seg g = {.flags = TCT_SYN, .seq = 1000, .len = len, .sport = port, .mss = 1000};
  g.fo = true;
  g.fo_len = 8;
  tct_tcp_fastopen_cookie(k, &t, g.cookie);
  return g;
}

/* The right cookie, the old key's, one bit off, other lengths: who is let in, who gets the right
 * one. */
static void syn__each_cookie__is_judged(void **state) {
  (void)state;
  tct_sock l = listen_fast(100), k;
  assert_int_equal(put(&w, syn_with(key, 1, 10)), TCT_ACCEPTED);
  struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(sa.ack, 1011);
  assert_false(sa.fo);
  assert_int_equal(put(&w, syn_with(other, 2, 10)), TCT_ACCEPTED);
  sa = expect(&w, TCT_SYN | TCT_ACK);
  assert_int_equal(sa.ack, 1011);
  assert_true(sa.fo && sa.fo_len == 8); /* a new one by the first key */
  assert_memory_equal(sa.cookie, syn_with(key, 2, 0).cookie, 8);
  assert_int_equal(counters(&w).TCPFastOpenPassiveAltKey, 1);
  for (unsigned bit = 0; bit < 64; bit++) {
    struct seg bad = syn_with(key, (uint16_t)(10 + bit), 10);
    bad.cookie[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_int_equal(put(&w, bad), TCT_ACCEPTED);
    sa = expect(&w, TCT_SYN | TCT_ACK);
    assert_int_equal(sa.ack, 1001);
    assert_true(sa.fo);
    assert_memory_equal(sa.cookie, syn_with(key, 1, 0).cookie, 8);
    bad.flags = TCT_RST;
    bad.seq = 1001;
    bad.len = 0;
    assert_int_equal(put(&w, bad), TCT_ACCEPTED);
  }
  for (uint8_t len = 4; len <= 16; len = (uint8_t)(len + 2)) {
    struct seg odd = syn_with(key, (uint16_t)(100 + len), 10);
    odd.fo_len = len;
    assert_int_equal(put(&w, odd), TCT_ACCEPTED);
    assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, len == 8 ? 1011 : 1001);
  }
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
}

static void listener__own_keys__are_its_own(void **state) {
  (void)state;
  tct_sock l = listen_fast(100);
  uint64_t mine[1][2] = {{5, 6}}, got[2][2];
  assert_int_equal(tct_sock_fastopen_key_get(w.s, l, got), 2);
  assert_memory_equal(got[0], key, sizeof key);
  assert_int_equal(tct_sock_fastopen_key_set(w.s, l, (const uint64_t(*)[2])mine, 0), TCT_EINVAL);
  assert_int_equal(tct_sock_fastopen_key_set(w.s, l, (const uint64_t(*)[2])mine, 3), TCT_EINVAL);
  assert_int_equal(tct_sock_fastopen_key_set(w.s, l, (const uint64_t(*)[2])mine, 1), TCT_OK);
  assert_int_equal(tct_sock_fastopen_key_get(w.s, l, got), 1);
  assert_memory_equal(got[0], mine[0], sizeof mine[0]);
  assert_int_equal(put(&w, syn_with(key, 1, 10)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1001);
  assert_int_equal(put(&w, syn_with(mine[0], 2, 10)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1011);
}

/* ---- The limit ------------------------------------------------------------------------------- */

/* Cookies of a flood cost the limit and no more; what is over it is served as of old. */
static void syn__over_the_limit__waits_for_the_handshake(void **state) {
  (void)state;
  tct_sock l = listen_fast(3), k;
  for (uint16_t port = 1; port <= 10; port++) {
    assert_int_equal(put(&w, syn_with(key, port, 10)), TCT_ACCEPTED);
    assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, port <= 3 ? 1011 : 1001);
    if (port <= 3)
      assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  }
  assert_int_equal(counters(&w).TCPFastOpenPassive, 3);
  assert_int_equal(counters(&w).TCPFastOpenListenOverflow, 7);
}

/* [RFC7413 5.1] Each RST to an accepted child holds its place for a minute, to the second. */
static void rst__accepted_child__holds_its_place_for_a_minute(void **state) {
  (void)state;
  tct_sock l = listen_fast(2), k;
  for (uint16_t port = 1; port <= 2; port++) {
    assert_int_equal(put(&w, syn_with(key, port, 10)), TCT_ACCEPTED);
    expect(&w, TCT_SYN | TCT_ACK);
    assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
    struct seg rst = {.flags = TCT_RST, .seq = 1011, .sport = port};
    assert_int_equal(put(&w, rst), TCT_ACCEPTED);
    pass(&w, TCT_S(10));
  }
  assert_int_equal(put(&w, syn_with(key, 3, 10)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1001);
  put(&w, (struct seg){.flags = TCT_RST, .seq = 1001, .sport = 3});
  pass(&w, TCT_S(41)); /* the first RST is 61 s old, the second 51 s */
  assert_int_equal(put(&w, syn_with(key, 4, 10)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1011);
  assert_int_equal(put(&w, syn_with(key, 5, 10)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1001);
}

/* However the end comes, the place is free again. */
static void child__each_end__frees_its_place(void **state) {
  (void)state;
  tct_sock l = listen_fast(1), k;
  for (uint16_t port = 1; port <= 4; port++) {
    assert_int_equal(put(&w, syn_with(key, port, 10)), TCT_ACCEPTED);
    struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
    assert_int_equal(sa.ack, 1011);
    if (port == 1) /* not accepted: it holds a place in the accept queue, and no other */
      assert_int_equal(put(&w, (struct seg){.flags = TCT_RST, .seq = 1011, .sport = port}),
                       TCT_ACCEPTED);
    assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
    if (port == 2)
      put(&w, (struct seg){.flags = TCT_ACK, .seq = 1011, .ack = sa.seq + 1, .sport = port});
    if (port == 3)
      assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    if (port == 3)
      expect(&w, TCT_RST | TCT_ACK);
    if (port == 4)
      assert_int_equal(tct_sock_close(w.s, l), TCT_OK);
  }
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK); /* its listener is gone */
}

/* Every allocation on the way fails once: the SYN is served without Fast Open, or later. */
static void syn__no_memory__falls_back(void **state) {
  (void)state;
  tct_sock l = listen_fast(100);
  bool opened = false;
  for (uint16_t n = 0; !opened && n < 50; n++) {
    struct seg sa;
    failing_alloc_fail_nth(&w.mem, n + 1u);
    tct_verdict v = put(&w, syn_with(key, (uint16_t)(n + 1), 10));
    bool answered = get(&w, &sa);
    failing_alloc_fail_nth(&w.mem, 0);
    opened = answered && sa.ack == 1011;
    if (answered && !opened) /* never half of it */
      assert_int_equal(sa.ack, 1001);
    assert_true(answered || v != TCT_ACCEPTED);
  }
  assert_true(opened);
  assert_int_equal(tct_sock_close(w.s, l), TCT_OK);
  struct seg g;
  while (get(&w, &g))
    ;
}

/* [A048] Without Fast Open data on a SYN is neither kept nor acknowledged, whatever it carries. */
static void syn_with_data__not_asked_for__is_left(void **state) {
  (void)state;
  wire_open(&w);
  tct_sock l = listen_on(&w, ANY, PORT, 16), k;
  assert_int_equal(put(&w, syn_with(key, 1, 100)), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1001);
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_EAGAIN);
  assert_int_equal(tct_sock_set(w.s, l, TCT_OPT_FASTOPEN, 5), TCT_OK);
  struct seg fin = syn_with(key, 2, 100);
  fin.flags |= TCT_FIN; /* a FIN on a SYN is for nobody */
  assert_int_equal(put(&w, fin), TCT_ACCEPTED);
  assert_int_equal(expect(&w, TCT_SYN | TCT_ACK).ack, 1001);
}

/* ---- What is remembered of servers ----------------------------------------------------------- */

static struct tct_tuple to(uint32_t n) {
  return (struct tct_tuple){
      OURS, tct_addr_ipv4(11, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n), 1, 2};
}

static void cache__many_servers__bounded_and_the_latest_stay(void **state) {
  (void)state;
  struct tct_fastopen_known k;
  wire_open(&w);
  uint64_t empty = counters(&w).MemoryBytesNow;
  uint64_t full = 0;
  for (uint32_t n = 0; n < 5000; n++) {
    struct tct_tuple t = to(n);
    k = (struct tct_fastopen_known){.mss = (uint16_t)(n + 1), .cookie_len = 8};
    tct_tcp_fastopen_cache_set(w.s, &t, &k);
    full = n == 0 ? counters(&w).MemoryBytesNow : full;
    tct_tcp_fastopen_cache_get(w.s, &t, &k);
    assert_int_equal(k.mss, n + 1);
    struct tct_tuple dear = to(0); /* asked for each time */
    tct_tcp_fastopen_cache_get(w.s, &dear, &k);
    assert_int_equal(k.mss, 1);
  }
  assert_int_equal(counters(&w).MemoryBytesNow, full);
  assert_true(full - empty < 64 << 10);
  unsigned known = 0;
  for (uint32_t n = 0; n < 5000; n++) {
    struct tct_tuple t = to(n);
    tct_tcp_fastopen_cache_get(w.s, &t, &k);
    known += k.mss != 0;
    assert_true(k.mss == 0 || k.mss == n + 1);
  }
  assert_in_range(known, 400, 512);
  tct_fastopen_forget(w.s);
  assert_int_equal(counters(&w).MemoryBytesNow, empty);
  struct tct_tuple t = to(4999);
  tct_tcp_fastopen_cache_get(w.s, &t, &k);
  assert_int_equal(k.mss, 0);
}

static void cache__no_memory__nothing_is_kept(void **state) {
  (void)state;
  struct tct_fastopen_known k = {.mss = 1, .cookie_len = 8};
  struct tct_tuple t = to(1);
  wire_open(&w);
  failing_alloc_fail_nth(&w.mem, 1);
  tct_tcp_fastopen_cache_set(w.s, &t, &k);
  failing_alloc_fail_nth(&w.mem, 0);
  tct_tcp_fastopen_cache_get(w.s, &t, &k);
  assert_int_equal(k.mss, 0);
}

/* ---- The opener ------------------------------------------------------------------------------ */

static struct seg syn_ack_of(struct seg syn, uint32_t took) {
  struct seg sa = {.flags = TCT_SYN | TCT_ACK, .seq = 7000, .ack = syn.seq + 1 + took, .mss = 1200};
  sa.sport = syn.dport;
  sa.dport = syn.sport;
  return sa;
}

/* Every allocation on the way fails once: the call fails, or the SYN goes without its data; and no
 * byte that was taken is lost. */
static void connect_send__no_memory__loses_nothing(void **state) {
  (void)state;
  const tct_endpoint peer = {.addr = PEER, .port = 90};
  bool whole = false;
  wire_open(&w);
  w.cfg.fastopen |= TCT_FASTOPEN_CLIENT_NO_COOKIE;
  tct_config c;
  tct_config_get(w.s, &c);
  c.fastopen |= TCT_FASTOPEN_CLIENT_NO_COOKIE;
  assert_int_equal(tct_config_set(w.s, &c), TCT_OK);
  for (uint16_t n = 0; !whole && n < 50; n++) {
    tct_sock k = open_sock(&w);
    failing_alloc_fail_nth(&w.mem, n + 1u);
    long took = tct_sock_connect_send(w.s, k, &peer, "0123456789", 10, 0);
    failing_alloc_fail_nth(&w.mem, 0);
    if (took >= 0) {
      struct seg syn = expect(&w, TCT_SYN);
      assert_true(syn.len == 0 || syn.len == (uint32_t)took);
      assert_int_equal(put(&w, syn_ack_of(syn, syn.len)), TCT_ACCEPTED);
      struct seg ack;
      assert_true(get(&w, &ack));
      assert_int_equal(ack.len, (uint32_t)took - syn.len);
      whole = syn.len == 10;
    }
    assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    struct seg rest;
    while (get(&w, &rest))
      ;
  }
  assert_true(whole);
}

/* The core's own way: FASTOPEN_CONNECT, then any of the calls that queue. */
static void deferred__first_bytes__go_with_the_syn(void **state) {
  (void)state;
  const tct_endpoint peer = {.addr = PEER, .port = 90};
  static const char lent[] = "0123456789";
  w.cfg.fastopen |= TCT_FASTOPEN_CLIENT_NO_COOKIE;
  wire_open(&w);
  for (unsigned way = 0; way < 3; way++) {
    tct_sock k = open_sock(&w);
    tct_iov v;
    unsigned n = 1;
    assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_FASTOPEN_CONNECT, 1), TCT_OK);
    assert_int_equal(tct_sock_connect(w.s, k, &peer), TCT_OK);
    expect_silence(&w);
    assert_int_equal(tct_sock_connect(w.s, k, &peer), TCT_EALREADY);
    assert_true((tct_sock_ready(w.s, k) & TCT_EV_WRITABLE) != 0);
    if (way == 0) {
      assert_int_equal(tct_sock_send(w.s, k, lent, 10, 0), 10);
    } else if (way == 1) {
      assert_int_equal(tct_sock_tx_space(w.s, k, &v, &n), TCT_OK);
      memcpy((void *)(uintptr_t)v.base, lent, 10);
      assert_int_equal(tct_sock_tx_commit(w.s, k, 10, 0), TCT_OK);
    } else {
      assert_int_equal(tct_sock_tx_lend(w.s, k, lent, 10, 77), TCT_OK);
    }
    struct seg syn = expect(&w, TCT_SYN);
    assert_int_equal(syn.len, 10);
    assert_int_equal(put(&w, syn_ack_of(syn, 10)), TCT_ACCEPTED);
    assert_int_equal(expect(&w, TCT_ACK).len, 0);
    tct_info i = {.size = sizeof i};
    assert_int_equal(tct_sock_info(w.s, k, &i), TCT_OK);
    assert_true((i.options & TCT_INFO_SYN_DATA) != 0);
    assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    expect(&w, TCT_RST | TCT_ACK);
  }
}

/* A connect that waits for its data ends in every way, and no SYN was ever sent. */
static void deferred__each_end__is_silent(void **state) {
  (void)state;
  const tct_endpoint peer = {.addr = PEER, .port = 90};
  w.cfg.fastopen |= TCT_FASTOPEN_CLIENT_NO_COOKIE;
  wire_open(&w);
  for (unsigned way = 0; way < 3; way++) {
    tct_sock k = open_sock(&w);
    assert_int_equal(tct_sock_set(w.s, k, TCT_OPT_FASTOPEN_CONNECT, 1), TCT_OK);
    assert_int_equal(tct_sock_connect(w.s, k, &peer), TCT_OK);
    pass(&w, TCT_S(100));
    expect_silence(&w);
    if (way == 0)
      assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
    else if (way == 1)
      assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
    else
      assert_int_equal(tct_sock_shutdown(w.s, k, TCT_SHUT_WR), TCT_OK);
    expect_silence(&w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(cookie__known_addresses__is_linux_s, setup, teardown),
      cmocka_unit_test_setup_teardown(syn__each_cookie__is_judged, setup, teardown),
      cmocka_unit_test_setup_teardown(listener__own_keys__are_its_own, setup, teardown),
      cmocka_unit_test_setup_teardown(syn__over_the_limit__waits_for_the_handshake, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(rst__accepted_child__holds_its_place_for_a_minute, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(child__each_end__frees_its_place, setup, teardown),
      cmocka_unit_test_setup_teardown(syn__no_memory__falls_back, setup, teardown),
      cmocka_unit_test_setup_teardown(syn_with_data__not_asked_for__is_left, setup, teardown),
      cmocka_unit_test_setup_teardown(cache__many_servers__bounded_and_the_latest_stay, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(cache__no_memory__nothing_is_kept, setup, teardown),
      cmocka_unit_test_setup_teardown(connect_send__no_memory__loses_nothing, setup, teardown),
      cmocka_unit_test_setup_teardown(deferred__first_bytes__go_with_the_syn, setup, teardown),
      cmocka_unit_test_setup_teardown(deferred__each_end__is_silent, setup, teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
