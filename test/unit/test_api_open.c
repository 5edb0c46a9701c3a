/* SPDX-License-Identifier: MIT */
/* OPEN, active and passive, as the application sees it. RFC 9293 section 3.9.1.1. */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true});
}

static tct_sock open_tcp(struct at *a) {
  tct_sock k;
  assert_int_equal(tct_sock_open(a->s, TCT_TCP, NULL, &k), TCT_OK);
  return k;
}

static int bind_to(struct at *a, tct_sock k, tct_addr addr, uint16_t port) {
  tct_endpoint e = {addr, port, {0, 0}};
  return tct_sock_bind(a->s, k, &e);
}

static int connect_to(struct at *a, tct_sock k, tct_addr addr, uint16_t port) {
  tct_endpoint e = {addr, port, {0, 0}};
  return tct_sock_connect(a->s, k, &e);
}

static tct_addr text(const char *s) {
  tct_addr a;
  assert_int_equal(tct_addr_parse(s, &a), TCT_OK);
  return a;
}

/* A second interface with its own network. */
static tct_if add_if(struct at *a, const char *addr, unsigned prefix) {
  tct_if_config ic;
  tct_if i;
  memset(&ic, 0, sizeof ic);
  ic.size = sizeof ic;
  ic.mtu = 1500;
  assert_int_equal(tct_if_add(a->s, &ic, &i), TCT_OK);
  assert_int_equal(tct_if_addr_add(a->s, i, text(addr), prefix), TCT_OK);
  return i;
}

/* [RFC9293 MUST-41] */
static void listen__port_taken_or_asked_again__error_or_same_and_connections_live(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .passive = true});
  tct_sock second = open_tcp(&a);
  int e = bind_to(&a, second, a.local, AT_PORT);
  if (e == TCT_OK)
    e = tct_sock_listen(a.s, second, 5);
  assert_int_equal(e, TCT_EADDRINUSE);
  assert_int_equal(tct_sock_listen(a.s, a.listener, 3),
                   TCT_OK);                                   /* the same record: a new backlog */
  assert_int_equal(tct_sock_listen(a.s, a.k, 3), TCT_EINVAL); /* a connection stays one */
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  AT_IN(&a, .len = 10);
  assert_int_equal(at_read(&a, 100), 10);
  tct_seg t = at_template(&a);
  t.sport = 4001;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true}); /* and still listens */
  (void)at_drain(&a);
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.HalfOpenNow, 1);
  at_end(&a);
}

/* [RFC9293 MUST-42] */
static void listen__port_used_by_an_open_in_progress__succeeds_and_accepts(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_SYN_SENT); /* from port 80 to a host that is silent */
  tct_sock active = a.k;
  a.listener = open_tcp(&a);
  assert_int_equal(bind_to(&a, a.listener, a.local, AT_PORT), TCT_OK);
  assert_int_equal(tct_sock_listen(a.s, a.listener, 5), TCT_OK);
  a.peer.port = 4100; /* another peer's port */
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  assert_non_null(at_out(&a));
  assert_int_equal(a.got.flags, TCT_SYN | TCT_ACK);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(a.s, active, &i), TCT_OK);
  assert_int_equal(i.state, TCT_SYN_SENT);
  at_end(&a);
}

/* [RFC9293 MUST-43] */
static void two_addresses__one_is_bound__syn_leaves_from_it(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_addr second = text("10.0.0.7");
  assert_int_equal(tct_if_addr_add(a.s, a.ifc, second, 24), TCT_OK);
  for (unsigned i = 0; i < 2; i++) {
    tct_sock k = open_tcp(&a);
    tct_addr want = i == 0 ? a.local : second;
    assert_int_equal(bind_to(&a, k, want, 0), TCT_OK);
    assert_int_equal(connect_to(&a, k, a.peer.addr, 99), TCT_OK);
    const tct_seg *g = at_out(&a);
    assert_memory_equal(&g->src, &want, sizeof want);
  }
  at_end(&a);
}

/* [RFC9293 MUST-43] */
static void two_addresses__listener_on_one__other_is_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_LISTEN);
  tct_addr second = text("10.0.0.7");
  assert_int_equal(tct_if_addr_add(a.s, a.ifc, second, 24), TCT_OK);
  tct_seg t = at_template(&a);
  t.dst = second;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true});
  assert_int_equal(at_out(&a)->flags, TCT_RST | TCT_ACK);
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  assert_int_equal(at_out(&a)->flags, TCT_SYN | TCT_ACK);
  at_end(&a);
}

/* [RFC9293 MUST-44] */
static void two_interfaces__no_address_named__source_fits_the_route(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_if first = a.ifc, other = add_if(&a, "192.168.5.1", 24);
  tct_addr gateway = text("192.168.5.254");
  assert_int_equal(tct_route_add(a.s, text("172.16.0.0"), 16, gateway, other), TCT_OK);
  static const struct {
    const char *dst, *src;
    bool second;
  } rows[] = {{"10.0.0.2", "10.0.0.1", false},
              {"192.168.5.9", "192.168.5.1", true},
              {"172.16.0.9", "192.168.5.1", true}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    tct_sock k = open_tcp(&a);
    assert_int_equal(connect_to(&a, k, text(rows[i].dst), 99), TCT_OK);
    a.ifc = rows[i].second ? first : other;
    at_quiet(&a);
    a.ifc = rows[i].second ? other : first;
    const tct_seg *g = at_out(&a);
    assert_non_null(g);
    tct_addr want = text(rows[i].src);
    assert_memory_equal(&g->src, &want, sizeof want);
  }
  at_end(&a);
}

/* [RFC9293 MUST-45] */
static void accepted_on_a_second_address__replies__keep_it(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_addr second = text("10.0.0.7"), any = {{0}};
  assert_int_equal(tct_if_addr_add(a.s, a.ifc, second, 24), TCT_OK);
  a.listener = open_tcp(&a);
  assert_int_equal(bind_to(&a, a.listener, any, AT_PORT), TCT_OK);
  assert_int_equal(tct_sock_listen(a.s, a.listener, 5), TCT_OK);
  a.local = second;
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  assert_memory_equal(&at_out(&a)->src, &second, sizeof second);
  AT_IN(&a, .len = 10);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  a.written = a.peer.irs + 1;
  at_write(&a, 10);
  assert_memory_equal(&at_out(&a)->src, &second, sizeof second);
  at_end(&a);
}

/* [RFC9293 MUST-45] */
static void routes_change_mid_flow__segments__keep_their_source(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_if other = add_if(&a, "192.168.5.1", 24);
  tct_addr zero = {{0}};
  assert_int_equal(tct_route_add(a.s, a.peer.addr, 32, zero, other), TCT_OK);
  at_write(&a, 10);
  const tct_seg *g = at_out(&a);
  if (g == NULL) { /* by whichever interface */
    a.ifc = other;
    g = at_out(&a);
  }
  assert_non_null(g);
  assert_memory_equal(&g->src, &a.local, sizeof a.local);
  at_end(&a);
}

/* [RFC9293 MUST-46] */
static void connect__to_what_is_no_peer__local_error_and_no_packet(void **state) {
  (void)state;
  static const char *const rows[] = {"255.255.255.255", "10.0.0.255", "224.0.0.1", "239.1.2.3",
                                     "ff02::1",         "ff0e::5",    "0.0.0.0",   "::"};
  struct at a;
  start(&a, TCT_CLOSED);
  tct_addr zero = {{0}};
  assert_int_equal(tct_if_addr_add(a.s, a.ifc, text("fd07::1"), 64), TCT_OK);
  assert_int_equal(tct_route_add(a.s, text("0.0.0.0"), 0, zero, a.ifc), TCT_OK);
  assert_int_equal(tct_route_add(a.s, zero, 0, zero, a.ifc), TCT_OK);
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    tct_sock k = open_tcp(&a);
    if (connect_to(&a, k, text(rows[i]), 99) >= 0)
      fail_msg("%s was taken", rows[i]);
    at_quiet(&a);
    assert_int_equal(connect_to(&a, k, a.peer.addr, 99), TCT_OK); /* the socket is still good */
    assert_non_null(at_out(&a));
  }
  at_end(&a);
}

/* ---- mistakes of the caller ------------------------------------------------------------------ */

static void connect__wrong_moment_or_place__named_errors(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_SYN_SENT);
  assert_int_equal(connect_to(&a, a.k, a.peer.addr, 99), TCT_EALREADY);
  AT_IN(&a, .flags = TCT_SYN);
  assert_int_equal(connect_to(&a, a.k, a.peer.addr, 99), TCT_EISCONN);
  tct_sock k = open_tcp(&a);
  assert_int_equal(connect_to(&a, k, a.peer.addr, 0), TCT_EDESTADDRREQ);
  assert_int_equal(connect_to(&a, k, text("203.0.113.5"), 9), TCT_ENETUNREACH);
  assert_int_equal(bind_to(&a, k, text("203.0.113.5"), 9), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(&a, k, text("224.0.0.5"), 9), TCT_EADDRNOTAVAIL);
  assert_int_equal(bind_to(&a, k, a.local, 700), TCT_OK);
  assert_int_equal(bind_to(&a, k, a.local, 701), TCT_EINVAL);
  assert_int_equal(tct_sock_accept(a.s, k, NULL, &k), TCT_EINVAL);
  at_end(&a);
}

static void stale_handle__every_call__is_ebadf(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_sock k = a.k, none = {0, 0}, never = {12345, 77};
  assert_int_equal(tct_sock_abort(a.s, k), TCT_OK);
  const tct_sock bad[] = {k, none, never, {k.index, k.gen + 1}};
  tct_endpoint e = {a.peer.addr, 9, {0, 0}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(bad); i++) {
    tct_sock b = bad[i], out;
    int64_t v;
    char c = 0;
    void *user;
    tct_iov iov;
    unsigned n = 1;
    tct_info info = {.size = sizeof info};
    uint64_t token;
    assert_int_equal(tct_sock_bind(a.s, b, &e), TCT_EBADF);
    assert_int_equal(tct_sock_connect(a.s, b, &e), TCT_EBADF);
    assert_int_equal(tct_sock_listen(a.s, b, 1), TCT_EBADF);
    assert_int_equal(tct_sock_accept(a.s, b, NULL, &out), TCT_EBADF);
    assert_int_equal(tct_sock_shutdown(a.s, b, TCT_SHUT_WR), TCT_EBADF);
    assert_int_equal(tct_sock_close(a.s, b), TCT_EBADF);
    assert_int_equal(tct_sock_abort(a.s, b), TCT_EBADF);
    assert_int_equal(tct_sock_name(a.s, b, NULL, NULL), TCT_EBADF);
    assert_int_equal(tct_sock_user(a.s, b, &user), TCT_EBADF);
    assert_int_equal(tct_sock_send(a.s, b, &c, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_recv(a.s, b, &c, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_tx_space(a.s, b, &iov, &n), TCT_EBADF);
    assert_int_equal(tct_sock_tx_commit(a.s, b, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_rx_peek(a.s, b, &iov, &n), TCT_EBADF);
    assert_int_equal(tct_sock_rx_consume(a.s, b, 1), TCT_EBADF);
    assert_int_equal(tct_sock_tx_lend(a.s, b, &c, 1, 5), TCT_EBADF);
    assert_int_equal(tct_sock_mark(a.s, b, 1, TCT_MARK_SENT, 5), TCT_EBADF);
    assert_false(tct_sock_mark_next(a.s, b, &token));
    assert_int_equal(tct_sock_ready(a.s, b), TCT_EBADF);
    assert_int_equal(tct_sock_set(a.s, b, TCT_OPT_NODELAY, 1), TCT_EBADF);
    assert_int_equal(tct_sock_get(a.s, b, TCT_OPT_NODELAY, &v), TCT_EBADF);
    assert_int_equal(tct_sock_info(a.s, b, &info), TCT_EBADF);
  }
  at_end(&a);
}

/* A slot used again never answers to the handle of before. */
static void slot_reused__old_handle__stays_stale(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_sock first = open_tcp(&a);
  for (unsigned i = 0; i < 300; i++) {
    assert_int_equal(tct_sock_abort(a.s, first), TCT_OK);
    tct_sock next = open_tcp(&a);
    assert_int_equal(tct_sock_ready(a.s, first), TCT_EBADF);
    assert_true(next.gen != 0 && (next.index != first.index || next.gen != first.gen));
    first = next;
  }
  at_end(&a);
}

/* ---- ephemeral ports ------------------------------------------------------------------------- */

/* RFC 6056: in the range, never twice for one peer, and not one after the other. */
static void no_port_named__many_opens__distinct_ports_without_a_pattern(void **state) {
  (void)state;
  struct at a;
  static uint8_t used[65536];
  unsigned steps_of_one = 0;
  uint16_t last = 0;
  memset(used, 0, sizeof used);
  at_start(&a, (struct at_how){.state = TCT_CLOSED});
  for (unsigned i = 0; i < 400; i++) {
    tct_endpoint l;
    tct_sock k = open_tcp(&a);
    assert_int_equal(connect_to(&a, k, a.peer.addr, 99), TCT_OK);
    assert_int_equal(tct_sock_name(a.s, k, &l, NULL), TCT_OK);
    assert_true(l.port >= 32768 && l.port <= 60999);
    assert_int_equal(used[l.port]++, 0);
    steps_of_one += l.port == last + 1;
    last = l.port;
  }
  assert_true(steps_of_one < 300);
  at_end(&a);
}

/* ---- source routes: refused ------------------------------------------------------------------ */

/* [RFC9293 MUST-51] [RFC9293 MUST-52] [RFC9293 MUST-53] [RFC9293 SHLD-24] Refused, docs/refused.tsv
 * says why. */
static void syn_with_a_source_route__listener__drops_it_by_name(void **state) {
  (void)state;
  static const uint8_t kinds[] = {131, 137}; /* loose, strict */
  for (unsigned i = 0; i < 2; i++) {
    struct at a;
    static uint8_t plain[SEG_PACKET_MAX], routed[SEG_PACKET_MAX];
    start(&a, TCT_LISTEN);
    tct_seg t = at_template(&a);
    size_t len = seg_make(&t, &(struct seg_diff){.flags = TCT_SYN, .no_ack = true}, plain);
    memcpy(routed, plain, 20);
    const uint8_t route[8] = {kinds[i], 7, 8, 10, 0, 0, 9, 0}; /* completed */
    memcpy(routed + 20, route, sizeof route);
    memcpy(routed + 28, plain + 20, len - 20);
    routed[0] = 0x47;
    routed[3] = (uint8_t)(len + 8);
    routed[10] = routed[11] = 0;
    uint32_t sum = 0;
    for (unsigned k = 0; k < 28; k += 2)
      sum += (uint32_t)(routed[k] << 8 | routed[k + 1]);
    sum = (sum & 0xffff) + (sum >> 16);
    sum = ~((sum & 0xffff) + (sum >> 16));
    routed[10] = (uint8_t)(sum >> 8);
    routed[11] = (uint8_t)sum;
    assert_int_equal(at_packet(&a, routed, len + 8), TCT_DROP_IP_SOURCE_ROUTE);
    while (at_out(&a) != NULL) /* no SYN,ACK; an ICMP error would be no TCP */
      assert_int_equal(a.got.sport, 0);
    AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
    assert_int_equal(at_out(&a)->flags, TCT_SYN | TCT_ACK);
    at_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(listen__port_taken_or_asked_again__error_or_same_and_connections_live),
      cmocka_unit_test(listen__port_used_by_an_open_in_progress__succeeds_and_accepts),
      cmocka_unit_test(two_addresses__one_is_bound__syn_leaves_from_it),
      cmocka_unit_test(two_addresses__listener_on_one__other_is_refused),
      cmocka_unit_test(two_interfaces__no_address_named__source_fits_the_route),
      cmocka_unit_test(accepted_on_a_second_address__replies__keep_it),
      cmocka_unit_test(routes_change_mid_flow__segments__keep_their_source),
      cmocka_unit_test(connect__to_what_is_no_peer__local_error_and_no_packet),
      cmocka_unit_test(connect__wrong_moment_or_place__named_errors),
      cmocka_unit_test(stale_handle__every_call__is_ebadf),
      cmocka_unit_test(slot_reused__old_handle__stays_stale),
      cmocka_unit_test(no_port_named__many_opens__distinct_ports_without_a_pattern),
      cmocka_unit_test(syn_with_a_source_route__listener__drops_it_by_name),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
