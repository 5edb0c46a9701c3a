/* SPDX-License-Identifier: MIT */
/* UDP sockets: whose datagram it is, what is refused, queues and their bounds, errors, lives. */
#include "test/unit/udp_test.h"

/* ---- whose ----------------------------------------------------------------------------------- */

static void demux__connected_then_own_address_then_any(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k[3];
  for (int i = 0; i < 3; i++) {
    k[i] = open_sock(f);
    assert_int_equal(tct_udp_set(&f->s, k[i], TCT_OPT_REUSEADDR, 1), TCT_OK);
  }
  assert_int_equal(bind_to(f, k[0], ANY, 9), TCT_OK);
  assert_int_equal(bind_to(f, k[1], ours4, 9), TCT_OK);
  assert_int_equal(bind_to(f, k[2], ANY, 9), TCT_OK);
  assert_int_equal(connect_to(f, k[2], peer4, 77), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 9), 24), TCT_OK);
  in_udp(f, peer4, 77, ours4, 9, "connected");
  in_udp(f, peer4, 78, ours4, 9, "address");
  in_udp(f, peer4, 77, A4(10, 0, 0, 9), 9, "any");
  in_udp(f, A6(2), 77, A6(1), 9, "any six");
  expect_text(f, k[2], "connected");
  expect_text(f, k[1], "address");
  expect_text(f, k[0], "any");
  expect_text(f, k[0], "any six");
  for (int i = 0; i < 3; i++)
    expect_nothing(f, k[i]);
  fake_free(f);
}

static void demux__families__v6only_and_ipv4_any(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock six = open_sock(f), four = open_sock(f);
  assert_int_equal(tct_udp_set(&f->s, six, TCT_OPT_V6ONLY, 1), TCT_OK);
  assert_int_equal(bind_to(f, six, ANY, 9), TCT_OK);
  assert_int_equal(in_udp(f, peer4, 5, ours4, 9, "x"), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(bind_to(f, four, any4, 9), TCT_OK); /* side by side */
  assert_int_equal(in_udp(f, peer4, 5, ours4, 9, "four"), TCT_ACCEPTED);
  assert_int_equal(in_udp(f, A6(2), 5, A6(1), 9, "six"), TCT_ACCEPTED);
  expect_text(f, four, "four");
  expect_text(f, six, "six");
  assert_int_equal(tct_udp_set(&f->s, six, TCT_OPT_V6ONLY, 0), TCT_EINVAL);
  assert_int_equal(connect_to(f, six, peer4, 5), TCT_ENETUNREACH);
  assert_int_equal(connect_to(f, four, A6(2), 5), TCT_ENETUNREACH);
  fake_free(f);
}

static void connected__datagram_of_another__port_unreachable(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  assert_int_equal(connect_to(f, k, peer4, 77), TCT_OK);
  assert_int_equal(in_udp(f, peer4, 78, ours4, 9, "x"), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(in_udp(f, A4(10, 0, 0, 3), 77, ours4, 9, "x"), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(fake_icmp(f, 0).kind, TCT_ICMP_UNREACH_PORT);
  tct_endpoint local, remote;
  assert_int_equal(tct_udp_name(&f->s, k, &local, &remote), TCT_OK);
  assert_addr(local.addr, ours4);
  assert_addr(remote.addr, peer4);
  assert_int_equal(local.port, 9);
  assert_int_equal(remote.port, 77);
  assert_int_equal(tct_udp_connect(&f->s, k, NULL), TCT_OK); /* and free again */
  assert_int_equal(in_udp(f, peer4, 78, ours4, 9, "x"), TCT_ACCEPTED);
  fake_free(f);
}

static void reuseport__several_sockets__each_peer_has_one_and_all_get_some(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k[4];
  unsigned got[4] = {0};
  for (int i = 0; i < 4; i++) {
    k[i] = open_sock(f);
    assert_int_equal(tct_udp_set(&f->s, k[i], TCT_OPT_REUSEPORT, 1), TCT_OK);
    assert_int_equal(bind_to(f, k[i], ANY, 9), TCT_OK);
  }
  for (uint16_t port = 1; port <= 100; port++) {
    assert_int_equal(in_udp(f, peer4, port, ours4, 9, "a"), TCT_ACCEPTED);
    assert_int_equal(in_udp(f, peer4, port, ours4, 9, "b"), TCT_ACCEPTED);
    for (int i = 0; i < 4; i++)
      if ((tct_udp_ready(&f->s, k[i]) & TCT_EV_READABLE) != 0) {
        expect_text(f, k[i], "a");
        expect_text(f, k[i], "b");
        got[i]++;
      }
  }
  assert_int_equal(got[0] + got[1] + got[2] + got[3], 100);
  for (int i = 0; i < 4; i++)
    assert_true(got[i] > 8);
  fake_free(f);
}

static void bind__address_in_use__refused_unless_both_share(void **state) {
  (void)state;
  struct fake *f = fake_new();
  bound(f, ours4, 9);
  tct_sock k = open_sock(f);
  assert_int_equal(bind_to(f, k, ours4, 9), TCT_EADDRINUSE);
  assert_int_equal(bind_to(f, k, ANY, 9), TCT_EADDRINUSE);
  assert_int_equal(bind_to(f, k, any4, 9), TCT_EADDRINUSE);
  assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_REUSEADDR, 1), TCT_OK); /* one is not both */
  assert_int_equal(bind_to(f, k, ours4, 9), TCT_EADDRINUSE);
  assert_int_equal(bind_to(f, k, A4(10, 0, 0, 50), 9), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(f, k, A6(1), 9), TCT_OK);
  assert_int_equal(bind_to(f, k, A6(1), 10), TCT_EINVAL);
  tct_endpoint stale = {.port = 11, .ifc = {0, 99}};
  assert_int_equal(tct_udp_bind(&f->s, open_sock(f), &stale), TCT_ENODEV);
  fake_free(f);
}

/* RFC 6056: random in the configured range, never twice, and an end. */
static void ephemeral_ports__until_none_is_left(void **state) {
  (void)state;
  struct fake *f = fake_new();
  bool used[64] = {false};
  unsigned in_order = 0, last = 0;
  f->s.cfg.port_first = 50000;
  f->s.cfg.port_last = 50049;
  for (int i = 0; i < 50; i++) {
    tct_endpoint local;
    tct_sock k = bound(f, ANY, 0);
    assert_int_equal(tct_udp_name(&f->s, k, &local, NULL), TCT_OK);
    assert_in_range(local.port, 50000, 50049);
    assert_false(used[local.port - 50000]);
    used[local.port - 50000] = true;
    in_order += local.port == last + 1;
    last = local.port;
  }
  assert_true(in_order < 25);
  assert_int_equal(bind_to(f, open_sock(f), ANY, 0), TCT_EADDRINUSE);
  fake_free(f);
}

static void bound_to_interface__other_interface__not_heard(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if other = fake_add_if(f, (tct_if_config){.mtu = 1500});
  tct_sock k = open_sock(f);
  tct_endpoint at = {.port = 9, .ifc = other};
  assert_int_equal(tct_udp_bind(&f->s, k, &at), TCT_OK);
  assert_int_equal(in_udp(f, peer4, 5, ours4, 9, "x"), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(fake_in(f, 1, pkt, make_udp(pkt, peer4, ours4, 5, 9, "x")), TCT_ACCEPTED);
  fake_free(f);
}

/* ---- what is refused ------------------------------------------------------------------------- */

/* A117 */
static void length_field__lies__dropped_or_exact(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  const uint16_t bad[] = {0, 7, 13, 65535};
  for (size_t i = 0; i < TCT_ARRAY_LEN(bad); i++) {
    size_t n = make_udp(pkt, peer4, ours4, 5, 9, "data");
    tct_bytes_put16(pkt + 24, bad[i]);
    tct_bytes_put16(pkt + 26, 0);
    assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_UDP_LEN);
  }
  size_t n = make_udp(pkt, peer4, ours4, 5, 9, "data");
  tct_bytes_put16(pkt + 24, 8 + 2); /* shorter than IP says: exactly that */
  tct_bytes_put16(pkt + 26, 0);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_ACCEPTED);
  expect_text(f, k, "da");
  tct_bytes_put16(pkt + 24, 8);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_ACCEPTED);
  expect_text(f, k, "");
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* A118 */
static void checksum__zero_or_wrong__by_the_family(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  size_t n = make_udp(pkt, peer4, ours4, 5, 9, "four");
  tct_bytes_put16(pkt + 26, 0);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_ACCEPTED);
  expect_text(f, k, "four");
  pkt[27] = 1;
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_UDP_CHECKSUM);
  n = make_udp(pkt, A6(2), A6(1), 5, 9, "six");
  tct_bytes_put16(pkt + 46, 0);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_UDP_CHECKSUM);
  tct_iov v = {pkt, n};
  tct_frame frame = {.iov = &v, .n_iov = 1, .len = (uint32_t)n, .csum = TCT_CSUM_GOOD};
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_ACCEPTED); /* the device has looked */
  assert_int_equal(frame.sock.index, k.index);
  assert_int_equal(frame.sock.gen, k.gen);
  fake_free(f);
}

/* Whatever is sent has a checksum, and it is never zero. */
static void send__all_payloads__checksum_present_and_good(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  assert_int_equal(connect_to(f, k, peer4, 77), TCT_OK);
  bool all_ones = false;
  for (uint32_t i = 0; i < 65536; i++) {
    uint8_t two[2] = {(uint8_t)(i >> 8), (uint8_t)i};
    assert_int_equal(tct_udp_send(&f->s, k, NULL, two, 2), 2);
    assert_true(fake_out(f, 0));
    struct tct_ip_hdr h = fake_ip(f);
    uint16_t sum = tct_bytes_get16(h.payload + 6);
    assert_int_not_equal(sum, 0);
    all_ones |= sum == 0xffff;
    assert_true(tct_wire_udp_checksum_ok(&h.src, &h.dst, h.payload, h.payload_len));
  }
  assert_true(all_ones);
  fake_free(f);
}

/* ---- queues ---------------------------------------------------------------------------------- */

static void receive_queue__full__new_ones_dropped_until_read(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_RCVBUF, 4000), TCT_OK);
  unsigned n = 0;
  char text[16];
  for (; n < 1000; n++) {
    text[0] = (char)('a' + n % 26);
    text[1] = 0;
    if (in_udp(f, peer4, 5, ours4, 9, text) != TCT_ACCEPTED)
      break;
  }
  assert_in_range(n, 20, 60);
  assert_int_equal(f->s.verdicts[TCT_DROP_UDP_QUEUE_FULL], 1);
  for (unsigned i = 0; i < n; i++) {
    text[0] = (char)('a' + i % 26);
    expect_text(f, k, text);
  }
  assert_int_equal(in_udp(f, peer4, 5, ours4, 9, "x"), TCT_ACCEPTED);
  fake_free(f);
}

static void receive__buffer_too_small__cut_and_full_length_told(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  char got[4];
  tct_dgram d;
  in_udp(f, peer4, 5, ours4, 9, "longer");
  in_udp(f, peer4, 6, ours4, 9, "next");
  assert_int_equal(tct_udp_recv(&f->s, k, &d, got, 4, TCT_MSG_PEEK), 4);
  assert_int_equal(d.len, 6);
  assert_int_equal(tct_udp_recv(&f->s, k, &d, got, 4, 0), 4);
  assert_int_equal(d.len, 6);
  assert_addr(d.remote.addr, peer4);
  assert_int_equal(d.remote.port, 5);
  assert_addr(d.local.addr, ours4);
  assert_int_equal(d.local.port, 9);
  assert_int_equal(d.hop_limit, 60);
  expect_text(f, k, "next");
  assert_int_equal(tct_udp_recv(&f->s, k, NULL, got, 4, TCT_MSG_MORE), TCT_EINVAL);
  fake_free(f);
}

/* What a device merged is several datagrams. */
static void super_frame__several_datagrams__read_one_by_one(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  size_t n = make_udp(pkt, peer4, ours4, 5, 9, "aaaabbbbcc");
  tct_iov v[2] = {{pkt, 30}, {pkt + 30, n - 30}};
  tct_frame frame = {
      .iov = v, .n_iov = 2, .len = (uint32_t)n, .seg_size = 4, .csum = TCT_CSUM_GOOD};
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_ACCEPTED);
  expect_text(f, k, "aaaa");
  expect_text(f, k, "bbbb");
  expect_text(f, k, "cc");
  expect_nothing(f, k);
  fake_free(f);
}

static void send_queue__full__again_then_writable(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  tct_event ev;
  static uint8_t data[1000];
  assert_int_equal(connect_to(f, k, peer4, 77), TCT_OK);
  assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_SNDBUF, 12000), TCT_OK);
  int n = 0;
  while (tct_udp_send(&f->s, k, NULL, data, sizeof data) > 0)
    n++;
  assert_in_range(n, 9, 11);
  assert_int_equal(tct_udp_send(&f->s, k, NULL, data, sizeof data), TCT_EAGAIN);
  assert_int_equal(tct_udp_ready(&f->s, k) & TCT_EV_WRITABLE, 0);
  assert_true(fake_out(f, 0));
  assert_false(tct_udp_event_next(&f->s, &ev)); /* not for one */
  for (int i = 0; i < 4; i++)
    assert_true(fake_out(f, 0));
  assert_true(tct_udp_event_next(&f->s, &ev));
  assert_int_equal(ev.flags, TCT_EV_WRITABLE);
  assert_int_not_equal(tct_udp_ready(&f->s, k) & TCT_EV_WRITABLE, 0);
  while (fake_out(f, 0))
    ;
  assert_false(tct_udp_event_next(&f->s, &ev)); /* once */
  fake_free(f);
}

static void stack_limit__buffer_bytes__for_all_sockets_together(void **state) {
  (void)state;
  tct_limits l = {.udp = 64,
                  .buffer_bytes = 20000,
                  .reasm_bytes = 5000,
                  .reply_bytes = 5000,
                  .routes = 8,
                  .addrs = 8};
  struct fake *f = fake_new_with(&l);
  static uint8_t data[1000];
  char text[1001];
  memset(text, 'a', 1000);
  text[1000] = 0;
  bound(f, ANY, 9);
  tct_verdict v = TCT_ACCEPTED;
  for (int i = 0; i < 30 && v == TCT_ACCEPTED; i++)
    v = in_udp(f, peer4, 5, ours4, 9, text);
  assert_int_equal(v, TCT_DROP_NO_MEMORY);
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  assert_int_equal(tct_udp_send(&f->s, bound(f, ANY, 10), &d, data, 1000), TCT_ENOBUFS);
  assert_true(f->s.udp->queued_bytes <= 20000);
  fake_free(f);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static void port_unreachable(struct fake *f, uint8_t code) {
  uint8_t quote[64];
  size_t q = make_udp(quote, ours4, peer4, 9, 77, "x");
  struct tct_ip_problem what = {.type = 3, .code = code};
  fake_in(f, 0, pkt, make_error(pkt, peer4, ours4, what, quote, q));
}

static void error__connected__event_and_pending_once(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  tct_event ev;
  int64_t value;
  port_unreachable(f, 3);
  assert_false(tct_udp_event_next(&f->s, &ev)); /* not connected: nobody's */
  assert_int_equal(f->s.verdicts[TCT_DROP_ICMP_NO_SOCKET], 1);
  assert_int_equal(connect_to(f, k, peer4, 77), TCT_OK);
  port_unreachable(f, 3);
  assert_true(tct_udp_event_next(&f->s, &ev));
  assert_true((ev.flags & TCT_EV_SOFT_ERROR) != 0);
  assert_int_equal(ev.err, TCT_ECONNREFUSED);
  assert_int_equal(tct_udp_send(&f->s, k, NULL, "x", 1), TCT_ECONNREFUSED);
  assert_int_equal(tct_udp_send(&f->s, k, NULL, "x", 1), 1);
  port_unreachable(f, 3);
  assert_int_equal(tct_udp_recv(&f->s, k, NULL, pkt, 10, 0), TCT_ECONNREFUSED);
  expect_nothing(f, k);
  port_unreachable(f, 1); /* soft: told, never returned */
  expect_nothing(f, k);
  assert_int_equal(tct_udp_get(&f->s, k, TCT_OPT_SOFT_ERROR, &value), TCT_OK);
  assert_int_equal(value, TCT_EHOSTUNREACH);
  assert_int_equal(tct_udp_get(&f->s, k, TCT_OPT_SOFT_ERROR, &value), TCT_OK);
  assert_int_equal(value, 0);
  fake_free(f);
}

/* ---- options, lives -------------------------------------------------------------------------- */

static void options__set_and_get__or_a_named_error(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = open_sock(f);
  int64_t value;
  const struct {
    tct_opt o;
    int64_t good, bad;
  } rows[] = {{TCT_OPT_SNDBUF, 5000, 0},     {TCT_OPT_RCVBUF, 5000, -1},
              {TCT_OPT_DSCP, 63, 64},        {TCT_OPT_HOP_LIMIT, 255, 256},
              {TCT_OPT_V6ONLY, 1, 2},        {TCT_OPT_REUSEADDR, 1, 2},
              {TCT_OPT_REUSEPORT, 1, -1},    {TCT_OPT_BROADCAST, 1, 2},
              {TCT_OPT_PMTU_DISCOVER, 0, 2}, {TCT_OPT_SOFT_ERRORS, 0, 2}};
  assert_int_equal(tct_udp_get(&f->s, k, TCT_OPT_HOP_LIMIT, &value), TCT_OK);
  assert_int_equal(value, 64);
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    assert_int_equal(tct_udp_set(&f->s, k, rows[i].o, rows[i].good), TCT_OK);
    assert_int_equal(tct_udp_set(&f->s, k, rows[i].o, rows[i].bad), TCT_EINVAL);
    assert_int_equal(tct_udp_get(&f->s, k, rows[i].o, &value), TCT_OK);
    assert_int_equal(value, rows[i].good);
  }
  assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_NODELAY, 1), TCT_ENOPROTOOPT);
  assert_int_equal(tct_udp_get(&f->s, k, TCT_OPT_KEEPALIVE, &value), TCT_ENOPROTOOPT);
  fake_free(f);
}

static void close__datagrams_waiting__still_leave_and_handle_ends_with_closed(void **state) {
  (void)state;
  struct fake *f = fake_new();
  int me;
  void *user;
  tct_sock k;
  tct_event ev;
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  assert_int_equal(tct_udp_open(&f->s, &me, &k), TCT_OK);
  assert_int_equal(bind_to(f, k, ANY, 9), TCT_OK);
  assert_int_equal(tct_udp_send(&f->s, k, &d, "last", 4), 4);
  in_udp(f, peer4, 5, ours4, 9, "unread");
  assert_int_equal(tct_udp_close(&f->s, k), TCT_OK);
  assert_int_equal(tct_udp_close(&f->s, k), TCT_EBADF);
  assert_int_equal(tct_udp_send(&f->s, k, &d, "x", 1), TCT_EBADF);
  assert_int_equal(tct_udp_user(&f->s, k, &user), TCT_OK);
  assert_int_equal(in_udp(f, peer4, 5, ours4, 9, "x"), TCT_DROP_UDP_NO_SOCKET);
  bound(f, ANY, 9); /* the port is free at once */
  assert_true(tct_udp_event_next(&f->s, &ev));
  assert_int_equal(ev.flags, TCT_EV_CLOSED);
  assert_int_equal(ev.err, 0);
  assert_ptr_equal(ev.user, &me);
  assert_int_equal(tct_udp_user(&f->s, k, &user), TCT_EBADF);
  assert_false(tct_udp_event_next(&f->s, &ev));
  unsigned out = 0;
  while (fake_out(f, 0))
    out += fake_ip(f).proto == 17;
  assert_int_equal(out, 1);
  assert_int_equal(tct_slab_used(&f->s.udp->socks), 1);
  fake_free(f);
}

static void abort__open_or_closed__stale_at_once_and_no_event(void **state) {
  (void)state;
  for (int closed = 0; closed < 2; closed++) {
    struct fake *f = fake_new();
    tct_event ev;
    tct_sock k = bound(f, ANY, 9);
    tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
    assert_int_equal(tct_udp_send(&f->s, k, &d, "gone", 4), 4);
    in_udp(f, peer4, 5, ours4, 9, "unread");
    if (closed)
      assert_int_equal(tct_udp_close(&f->s, k), TCT_OK);
    assert_int_equal(tct_udp_abort(&f->s, k), TCT_OK);
    assert_int_equal(tct_udp_ready(&f->s, k), TCT_EBADF);
    assert_int_equal(tct_udp_abort(&f->s, k), TCT_EBADF);
    assert_false(tct_udp_event_next(&f->s, &ev));
    assert_false(fake_out(f, 0));
    assert_int_equal(tct_slab_used(&f->s.udp->socks), 0);
    bound(f, ANY, 9);
    fake_free(f);
  }
}

static void handles__slot_used_again__old_one_stale(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_event ev;
  tct_sock first = open_sock(f);
  assert_true((first.index & TCT_SOCK_UDP_BIT) != 0);
  assert_int_equal(tct_udp_close(&f->s, first), TCT_OK);
  assert_true(tct_udp_event_next(&f->s, &ev));
  tct_sock second = open_sock(f);
  assert_int_equal(first.index, second.index);
  assert_int_not_equal(first.gen, second.gen);
  assert_int_equal(tct_udp_ready(&f->s, first), TCT_EBADF);
  assert_true(tct_udp_ready(&f->s, second) >= 0);
  const tct_sock bad[] = {{0, 0}, {TCT_SOCK_UDP_BIT, 0}, {UINT32_MAX, 1}, {1, 1}};
  for (size_t i = 0; i < TCT_ARRAY_LEN(bad); i++)
    assert_int_equal(tct_udp_ready(&f->s, bad[i]), TCT_EBADF);
  fake_free(f);
}

static void next__walks_every_socket_once(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock at = {0, 0};
  assert_false(tct_udp_next(&f->s, &at));
  for (int i = 0; i < 5; i++)
    open_sock(f);
  int n = 0;
  while (tct_udp_next(&f->s, &at))
    n++;
  assert_int_equal(n, 5);
  fake_free(f);
}

static void open__limit_reached__enobufs(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k;
  for (int i = 0; i < 64; i++)
    open_sock(f);
  assert_int_equal(tct_udp_open(&f->s, NULL, &k), TCT_ENOBUFS);
  fake_free(f);
}

static void events__in_the_order_of_arrival__each_socket_once(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k[3];
  tct_event ev;
  for (uint16_t i = 0; i < 3; i++)
    k[i] = bound(f, ANY, (uint16_t)(10 + i));
  const uint16_t order[] = {2, 0, 2, 1, 0};
  for (size_t i = 0; i < TCT_ARRAY_LEN(order); i++)
    in_udp(f, peer4, 5, ours4, (uint16_t)(10 + order[i]), "x");
  const uint16_t want[] = {2, 0, 1};
  for (size_t i = 0; i < 3; i++) {
    assert_true(tct_udp_event_next(&f->s, &ev));
    assert_int_equal(ev.sock.index, k[want[i]].index);
    assert_int_equal(ev.flags, TCT_EV_READABLE);
  }
  assert_false(tct_udp_event_next(&f->s, &ev));
  in_udp(f, peer4, 5, ours4, 10, "y"); /* unread or not: each arrival is news again */
  assert_true(tct_udp_event_next(&f->s, &ev));
  fake_free(f);
}

static void alloc_body(struct failing_alloc *a, void *arg) {
  (void)arg;
  struct fake *f = calloc(1, sizeof *f);
  tct_sock k;
  static uint8_t data[3000];
  fake_start(f, NULL);
  f->s.alloc = a->vtable;
  if (tct_ip_new(&f->s) == TCT_OK && tct_udp_new(&f->s) == TCT_OK &&
      tct_if_addr_add(&f->s, if0(f), ours4, 24) == TCT_OK &&
      tct_udp_open(&f->s, NULL, &k) == TCT_OK) {
    int err = bind_to(f, k, ANY, 9);
    assert_true(err == TCT_OK || err == TCT_ENOBUFS);
    if (err == TCT_OK)
      in_udp(f, peer4, 5, ours4, 9, "x");
    err = connect_to(f, k, peer4, 5);
    assert_true(err == TCT_OK || err == TCT_ENOBUFS);
    if (err == TCT_OK) {
      long n = tct_udp_send(&f->s, k, NULL, data, 1000);
      assert_true(n == 1000 || n == TCT_ENOBUFS);
      n = tct_udp_send(&f->s, k, NULL, data, 3000);
      assert_true(n == 3000 || n == TCT_ENOBUFS);
    }
    fake_check(f);
    tct_udp_close(&f->s, k);
  }
  tct_udp_free(&f->s);
  tct_ip_free(&f->s);
  free(f);
}

static void memory_fails__each_time__named_and_nothing_leaks(void **state) {
  (void)state;
  assert_true(failing_alloc_each(alloc_body, NULL) > 10);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(demux__connected_then_own_address_then_any),
      cmocka_unit_test(demux__families__v6only_and_ipv4_any),
      cmocka_unit_test(connected__datagram_of_another__port_unreachable),
      cmocka_unit_test(reuseport__several_sockets__each_peer_has_one_and_all_get_some),
      cmocka_unit_test(bind__address_in_use__refused_unless_both_share),
      cmocka_unit_test(ephemeral_ports__until_none_is_left),
      cmocka_unit_test(bound_to_interface__other_interface__not_heard),
      cmocka_unit_test(length_field__lies__dropped_or_exact),
      cmocka_unit_test(checksum__zero_or_wrong__by_the_family),
      cmocka_unit_test(send__all_payloads__checksum_present_and_good),
      cmocka_unit_test(receive_queue__full__new_ones_dropped_until_read),
      cmocka_unit_test(receive__buffer_too_small__cut_and_full_length_told),
      cmocka_unit_test(super_frame__several_datagrams__read_one_by_one),
      cmocka_unit_test(send_queue__full__again_then_writable),
      cmocka_unit_test(stack_limit__buffer_bytes__for_all_sockets_together),
      cmocka_unit_test(error__connected__event_and_pending_once),
      cmocka_unit_test(options__set_and_get__or_a_named_error),
      cmocka_unit_test(close__datagrams_waiting__still_leave_and_handle_ends_with_closed),
      cmocka_unit_test(abort__open_or_closed__stale_at_once_and_no_event),
      cmocka_unit_test(handles__slot_used_again__old_one_stale),
      cmocka_unit_test(next__walks_every_socket_once),
      cmocka_unit_test(open__limit_reached__enobufs),
      cmocka_unit_test(events__in_the_order_of_arrival__each_socket_once),
      cmocka_unit_test(memory_fails__each_time__named_and_nothing_leaks),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
