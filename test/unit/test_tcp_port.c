/* SPDX-License-Identifier: MIT */
/* tcp_port and sock.c: who may have which local port, and which port an active open gets. RFC 6056,
 * RFC 9293 3.9.1.1. */
#include "test/unit/wire_peer.h"

static struct wire w;

static int setup(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_LINUX);
  wire_open(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_close(&w);
  return 0;
}

static int bind_to(tct_sock k, tct_addr a, uint16_t port) {
  tct_endpoint e = {.addr = a, .port = port};
  return tct_sock_bind(w.s, k, &e);
}

static int connect_to(tct_sock k, tct_addr a, uint16_t port) {
  tct_endpoint e = {.addr = a, .port = port};
  return tct_sock_connect(w.s, k, &e);
}

static tct_sock with(tct_opt o) {
  tct_sock k = open_sock(&w);
  assert_int_equal(tct_sock_set(w.s, k, o, 1), TCT_OK);
  return k;
}

static uint16_t port_of(tct_sock k) {
  tct_endpoint local;
  assert_int_equal(tct_sock_name(w.s, k, &local, NULL), TCT_OK);
  return local.port;
}

/* ---- bind ------------------------------------------------------------------------------------ */

static void bind__same_address_twice__in_use(void **state) {
  (void)state;
  assert_int_equal(bind_to(open_sock(&w), OURS, 80), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), OURS, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(open_sock(&w), OURS_TOO, 80), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), OURS, 81), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), ANY, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(open_sock(&w), OURS6, 80), TCT_OK);
}

static void bind__any_of_a_family__conflicts_within_it(void **state) {
  (void)state;
  tct_addr any4 = tct_addr_ipv4(0, 0, 0, 0);
  assert_int_equal(bind_to(open_sock(&w), any4, 80), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), OURS, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(open_sock(&w), OURS6, 80), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), ANY, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(with(TCT_OPT_V6ONLY), ANY, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(with(TCT_OPT_V6ONLY), ANY, 81), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), any4, 81), TCT_OK);
  assert_int_equal(bind_to(with(TCT_OPT_V6ONLY), OURS, 82), TCT_EINVAL);
}

static void bind__reuse__only_if_both_agree_and_nobody_listens(void **state) {
  (void)state;
  tct_sock a = with(TCT_OPT_REUSEADDR), b = with(TCT_OPT_REUSEADDR);
  assert_int_equal(bind_to(a, OURS, 80), TCT_OK);
  assert_int_equal(bind_to(open_sock(&w), OURS, 80), TCT_EADDRINUSE);
  assert_int_equal(bind_to(b, OURS, 80), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, a, 5), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, b, 5), TCT_EADDRINUSE); /* [RFC9293 MUST-41] */
  assert_int_equal(bind_to(with(TCT_OPT_REUSEADDR), OURS, 80), TCT_EADDRINUSE);
  assert_int_equal(tct_sock_close(w.s, a), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, b, 5), TCT_OK); /* the port is free with the listener */
}

static void bind__reuseport__listeners_share_and_each_gets_some(void **state) {
  (void)state;
  unsigned got[3] = {0};
  tct_sock l[3], k;
  for (unsigned i = 0; i < 3; i++) {
    l[i] = with(TCT_OPT_REUSEPORT);
    assert_int_equal(bind_to(l[i], ANY, 80), TCT_OK);
    assert_int_equal(tct_sock_listen(w.s, l[i], 500), TCT_OK);
  }
  assert_int_equal(bind_to(with(TCT_OPT_REUSEADDR), ANY, 80), TCT_EADDRINUSE);
  for (uint16_t i = 0; i < 300; i++)
    handshake(&w, (uint16_t)(2000 + i), 1);
  for (unsigned i = 0; i < 3; i++)
    while (tct_sock_accept(w.s, l[i], NULL, &k) == TCT_OK)
      got[i]++;
  assert_int_equal(got[0] + got[1] + got[2], 300);
  for (unsigned i = 0; i < 3; i++)
    assert_in_range(got[i], 60, 150);
}

static void bind__foreign_group_or_twice__refused(void **state) {
  (void)state;
  tct_sock k = open_sock(&w);
  assert_int_equal(bind_to(k, tct_addr_ipv4(10, 9, 9, 9), 80), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(k, tct_addr_ipv4(224, 0, 0, 1), 80), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(k, tct_addr_ipv4(10, 0, 0, 255), 80), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(k, OURS, 80), TCT_OK);
  assert_int_equal(bind_to(k, OURS, 81), TCT_EINVAL);
  tct_endpoint e = {.addr = OURS, .port = 99, .ifc = {.index = 7, .gen = 7}};
  assert_int_equal(tct_sock_bind(w.s, open_sock(&w), &e), TCT_ENODEV);
}

static void bind__port_0__gets_one_of_the_range_that_is_free(void **state) {
  (void)state;
  bool seen[65536] = {false};
  for (unsigned i = 0; i < 500; i++) {
    tct_sock k = open_sock(&w);
    assert_int_equal(bind_to(k, OURS, 0), TCT_OK);
    uint16_t port = port_of(k);
    assert_in_range(port, 32768, 60999);
    assert_false(seen[port]);
    seen[port] = true;
  }
}

static void listen__port_that_is_opening__is_allowed(void **state) { /* [RFC9293 MUST-42] */
  (void)state;
  tct_sock k = open_sock(&w), l = open_sock(&w), child;
  assert_int_equal(bind_to(k, OURS, 7000), TCT_OK);
  assert_int_equal(connect_to(k, PEER, 9), TCT_OK);
  expect(&w, TCT_SYN);
  assert_int_equal(bind_to(l, OURS, 7000), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, l, 5), TCT_OK);
  put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .dport = 7000});
  struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 2, .ack = sa.seq + 1, .dport = 7000});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &child), TCT_OK);
}

/* ---- Which listener -------------------------------------------------------------------------- */

static unsigned hits(tct_sock l) {
  tct_sock k;
  unsigned n = 0;
  while (tct_sock_accept(w.s, l, NULL, &k) == TCT_OK)
    n++;
  return n;
}

static void listener__the_closest_match_wins(void **state) {
  (void)state;
  tct_sock all = with(TCT_OPT_REUSEPORT), v4 = with(TCT_OPT_REUSEPORT),
           one = with(TCT_OPT_REUSEPORT);
  assert_int_equal(bind_to(all, ANY, PORT), TCT_OK);
  assert_int_equal(bind_to(v4, tct_addr_ipv4(0, 0, 0, 0), PORT), TCT_OK);
  assert_int_equal(bind_to(one, OURS_TOO, PORT), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, all, 5), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, v4, 5), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, one, 5), TCT_OK);
  const struct {
    tct_addr src, dst;
    unsigned to;
  } rows[] = {{PEER, OURS, 1}, {PEER, OURS_TOO, 2}, {PEER6, OURS6, 0}};
  for (uint16_t i = 0; i < 3; i++) {
    put(&w, (struct seg){.flags = TCT_SYN,
                         .seq = 1,
                         .src = rows[i].src,
                         .dst = rows[i].dst,
                         .sport = (uint16_t)(50 + i)});
    struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
    put(&w, (struct seg){.flags = TCT_ACK,
                         .seq = 2,
                         .ack = sa.seq + 1,
                         .src = rows[i].src,
                         .dst = rows[i].dst,
                         .sport = (uint16_t)(50 + i)});
    assert_int_equal(hits(all), rows[i].to == 0);
    assert_int_equal(hits(v4), rows[i].to == 1);
    assert_int_equal(hits(one), rows[i].to == 2);
  }
}

/* Who was found last is asked first only as long as nobody comes or goes. */
static void listener__one_comes_or_goes__the_next_syn_finds_the_closest(void **state) {
  (void)state;
  tct_sock all = with(TCT_OPT_REUSEPORT), one = with(TCT_OPT_REUSEPORT);
  assert_int_equal(bind_to(all, tct_addr_ipv4(0, 0, 0, 0), PORT), TCT_OK);
  assert_int_equal(bind_to(one, OURS, PORT), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, all, 5), TCT_OK);
  for (uint16_t i = 0; i < 6; i++) { /* twice each: all; one; all again */
    if (i == 2)
      assert_int_equal(tct_sock_listen(w.s, one, 5), TCT_OK);
    if (i == 4)
      assert_int_equal(tct_sock_close(w.s, one), TCT_OK);
    struct seg syn = {.flags = TCT_SYN, .seq = 1, .src = PEER, .dst = OURS, .sport = 60};
    syn.sport = (uint16_t)(60 + i);
    put(&w, syn);
    struct seg sa = expect(&w, TCT_SYN | TCT_ACK);
    syn.flags = TCT_ACK;
    syn.seq = 2;
    syn.ack = sa.seq + 1;
    put(&w, syn);
    assert_int_equal(hits(all), i < 2 || i > 3);
    if (i == 2 || i == 3)
      assert_int_equal(hits(one), 1);
  }
}

static void listener__v6only__ipv4_finds_nobody(void **state) {
  (void)state;
  tct_sock l = with(TCT_OPT_V6ONLY);
  assert_int_equal(bind_to(l, ANY, PORT), TCT_OK);
  assert_int_equal(tct_sock_listen(w.s, l, 5), TCT_OK);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1}), TCT_DROP_TCP_NO_SOCKET);
  expect(&w, TCT_RST | TCT_ACK);
  assert_int_equal(put(&w, (struct seg){.flags = TCT_SYN, .seq = 1, .src = PEER6}), TCT_ACCEPTED);
}

/* ---- connect --------------------------------------------------------------------------------- */

static void
connect__who_cannot_be_a_peer__error_and_no_packet(void **state) { /* [RFC9293 MUST-46] */
  (void)state;
  tct_sock k = open_sock(&w);
  tct_addr all_nodes = {{0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
  assert_int_equal(connect_to(k, tct_addr_ipv4(255, 255, 255, 255), 9), TCT_EACCES);
  assert_int_equal(connect_to(k, tct_addr_ipv4(10, 0, 0, 255), 9), TCT_EACCES);
  assert_int_equal(connect_to(k, tct_addr_ipv4(224, 0, 0, 1), 9), TCT_ENETUNREACH);
  assert_int_equal(connect_to(k, all_nodes, 9), TCT_ENETUNREACH);
  assert_int_equal(connect_to(k, ANY, 9), TCT_EDESTADDRREQ);
  assert_int_equal(connect_to(k, PEER, 0), TCT_EDESTADDRREQ);
  assert_int_equal(connect_to(k, tct_addr_ipv4(99, 0, 0, 1), 9), TCT_ENETUNREACH);
  expect_silence(&w);
  assert_int_equal(connect_to(k, PEER, 9), TCT_OK); /* a refusal has used nothing up */
  expect(&w, TCT_SYN);
}

static void connect__bound_address__is_the_source(void **state) { /* [RFC9293 MUST-43] */
  (void)state;
  tct_sock k = open_sock(&w);
  assert_int_equal(bind_to(k, OURS_TOO, 0), TCT_OK);
  assert_int_equal(connect_to(k, PEER, 9), TCT_OK);
  struct seg syn = expect(&w, TCT_SYN);
  assert_true(tct_ip_equal(syn.src, OURS_TOO));
  assert_int_equal(syn.sport, port_of(k));
  k = open_sock(&w);
  assert_int_equal(bind_to(k, OURS6, 0), TCT_OK);
  assert_int_equal(connect_to(k, PEER, 9), TCT_EADDRNOTAVAIL);
}

static void connect__two_interfaces__source_fits_the_route(void **state) { /* [RFC9293 MUST-44] */
  (void)state;
  tct_if second;
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  assert_int_equal(tct_if_add(w.s, &ic, &second), TCT_OK);
  assert_int_equal(tct_if_addr_add(w.s, second, tct_addr_ipv4(172, 16, 0, 1), 16), TCT_OK);
  assert_int_equal(connect_to(open_sock(&w), tct_addr_ipv4(172, 16, 5, 5), 9), TCT_OK);
  expect_silence(&w);
  tct_if first = w.ifc;
  w.ifc = second;
  assert_true(tct_ip_equal(expect(&w, TCT_SYN).src, tct_addr_ipv4(172, 16, 0, 1)));
  w.ifc = first;
}

static void connect__twice_or_same_tuple__refused(void **state) {
  (void)state;
  tct_sock a = with(TCT_OPT_REUSEADDR), b = with(TCT_OPT_REUSEADDR);
  assert_int_equal(bind_to(a, OURS, 7000), TCT_OK);
  assert_int_equal(bind_to(b, OURS, 7000), TCT_OK);
  assert_int_equal(connect_to(a, PEER, 9), TCT_OK);
  assert_int_equal(connect_to(a, PEER, 9), TCT_EALREADY);
  assert_int_equal(connect_to(b, PEER, 9), TCT_EADDRNOTAVAIL);
  assert_int_equal(connect_to(b, PEER, 10), TCT_OK);
}

/* [A081] 1000 to one peer and 1000 to many: none used twice, no pattern, and what one peer sees
 * does not move with the others. */
static void connect__ephemeral_ports__differ_and_do_not_step(void **state) {
  (void)state;
  static bool seen[65536];
  unsigned same_step = 0;
  uint16_t before = 0, step_before = 0;
  memset(seen, 0, sizeof seen);
  for (unsigned i = 0; i < 1000; i++) {
    tct_sock k = open_sock(&w);
    assert_int_equal(connect_to(k, PEER, 9), TCT_OK);
    uint16_t port = port_of(k), step = (uint16_t)(port - before);
    assert_in_range(port, 32768, 60999);
    assert_false(seen[port]);
    seen[port] = true;
    same_step += step == step_before;
    before = port;
    step_before = step;
    assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
  }
  assert_in_range(same_step, 0, 300);
}

static uint16_t ephemeral(tct_addr peer) {
  tct_sock k = open_sock(&w);
  assert_int_equal(connect_to(k, peer, 9), TCT_OK);
  uint16_t port = port_of(k);
  assert_int_equal(tct_sock_abort(w.s, k), TCT_OK);
  return port;
}

static void connect__many_peers__each_has_an_order_of_its_own(void **state) {
  (void)state;
  unsigned near = 0;
  uint16_t first = ephemeral(PEER);
  for (unsigned i = 10; i < 210; i++) {
    uint16_t port = ephemeral(tct_addr_ipv4(10, 0, 0, (uint8_t)i));
    near += (uint16_t)(port - first + 500) < 1000;
  }
  assert_in_range(near, 0, 30);                               /* by chance 7 */
  assert_in_range((uint16_t)(ephemeral(PEER) - first), 1, 8); /* the others have not moved it */
}

static void connect__tuple_in_time_wait__another_port_or_none(void **state) {
  (void)state;
  wire_close(&w);
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.port_first = w.cfg.port_last = 40000;
  wire_open(&w);
  tct_sock k = open_sock(&w);
  assert_int_equal(connect_to(k, PEER, 9), TCT_OK);
  struct seg syn = expect(&w, TCT_SYN);
  struct seg g = {
      .flags = TCT_SYN | TCT_ACK, .seq = 1, .ack = syn.seq + 1, .sport = 9, .dport = 40000};
  assert_int_equal(put(&w, g), TCT_ACCEPTED);
  expect(&w, TCT_ACK);
  assert_int_equal(tct_sock_close(w.s, k), TCT_OK);
  expect(&w, TCT_FIN | TCT_ACK);
  g.flags = TCT_FIN | TCT_ACK;
  g.seq = 2;
  g.ack = syn.seq + 2;
  assert_int_equal(put(&w, g), TCT_ACCEPTED);
  expect(&w, TCT_ACK);
  assert_int_equal(counters(&w).TimeWaitNow, 1);
  assert_int_equal(connect_to(open_sock(&w), PEER, 9), TCT_EADDRNOTAVAIL);
  pass(&w, TCT_S(61));
  assert_int_equal(connect_to(open_sock(&w), PEER, 9), TCT_OK);
}

static void connect__range_nearly_used_up__finds_the_last_and_then_says_so(void **state) {
  (void)state;
  tct_sock k;
  wire_close(&w);
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.port_first = 40000;
  w.cfg.port_last = 40199;
  wire_open(&w);
  tct_sock bound = open_sock(&w);
  assert_int_equal(bind_to(bound, OURS_TOO, 40100), TCT_OK);
  for (unsigned i = 0; i < 199; i++)
    assert_int_equal(connect_to(open_sock(&w), PEER, 9), TCT_OK);
  k = open_sock(&w);
  assert_int_equal(connect_to(k, PEER, 9), TCT_EADDRNOTAVAIL);
  assert_int_equal(connect_to(k, PEER, 10), TCT_OK); /* another peer port: all are free again */
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(bind__same_address_twice__in_use),
      T(bind__any_of_a_family__conflicts_within_it),
      T(bind__reuse__only_if_both_agree_and_nobody_listens),
      T(bind__reuseport__listeners_share_and_each_gets_some),
      T(bind__foreign_group_or_twice__refused),
      T(bind__port_0__gets_one_of_the_range_that_is_free),
      T(listen__port_that_is_opening__is_allowed),
      T(listener__the_closest_match_wins),
      T(listener__one_comes_or_goes__the_next_syn_finds_the_closest),
      T(listener__v6only__ipv4_finds_nobody),
      T(connect__who_cannot_be_a_peer__error_and_no_packet),
      T(connect__bound_address__is_the_source),
      T(connect__two_interfaces__source_fits_the_route),
      T(connect__twice_or_same_tuple__refused),
      T(connect__ephemeral_ports__differ_and_do_not_step),
      T(connect__many_peers__each_has_an_order_of_its_own),
      T(connect__tuple_in_time_wait__another_port_or_none),
      T(connect__range_nearly_used_up__finds_the_last_and_then_says_so),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
