/* SPDX-License-Identifier: MIT */
/*
 * The edges of the public calls: handles of the wrong kind, arguments that make no sense, limits
 * that are reached, a stack without counters per connection. What they refuse, and that nothing
 * breaks.
 */
#include "test/lib/at.h"

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true});
}

static tct_sock open_of(struct at *a, tct_proto p) {
  tct_sock k;
  assert_int_equal(tct_sock_open(a->s, p, a, &k), TCT_OK);
  return k;
}

static int bind_at(struct at *a, tct_sock k, tct_addr addr, uint16_t port, tct_if ifc) {
  tct_endpoint e = {addr, port, ifc};
  return tct_sock_bind(a->s, k, &e);
}

static int connect_at(struct at *a, tct_sock k, tct_addr addr, uint16_t port) {
  tct_endpoint e = {addr, port, {0, 0}};
  return tct_sock_connect(a->s, k, &e);
}

static const tct_addr any;
static const tct_if no_if;

/* ---- handles of the wrong kind --------------------------------------------------------------- */

static void udp_handle__calls_of_tcp__are_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_sock u = open_of(&a, TCT_UDP), child;
  tct_endpoint e = {a.peer.addr, 9, {0, 0}};
  tct_info i = {.size = sizeof i};
  tct_iov v[2];
  unsigned n = 2;
  assert_int_equal(tct_sock_connect_send(a.s, u, &e, "x", 1, 0), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_listen(a.s, u, 1), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_accept(a.s, u, NULL, &child), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_shutdown(a.s, u, TCT_SHUT_WR), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_info(a.s, u, &i), TCT_EOPNOTSUPP);
  assert_true(tct_sock_tx_space(a.s, u, v, &n) < 0);
  assert_true(tct_sock_tx_commit(a.s, u, 1, 0) < 0);
  assert_true(tct_sock_tx_lend(a.s, u, "x", 1, 1) < 0);
  assert_true(tct_sock_rx_peek(a.s, u, v, &n) < 0);
  assert_true(tct_sock_rx_consume(a.s, u, 0) < 0);
  assert_true(tct_sock_mark(a.s, u, 1, TCT_MARK_SENT, 1) < 0);
  uint64_t token;
  assert_false(tct_sock_mark_next(a.s, u, &token));
  assert_int_equal(tct_sock_send(a.s, u, "x", 1, 0), TCT_EDESTADDRREQ);
  assert_int_equal(tct_sock_send(a.s, u, "x", 1, TCT_MSG_MORE), TCT_EOPNOTSUPP);
  at_end(&a);
}

static void tcp_handle__calls_of_udp__are_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_dgram d = {.remote = {a.peer.addr, 9, {0, 0}}};
  char buf[8];
  assert_int_equal(tct_dgram_send(a.s, a.k, &d, "x", 1), TCT_EOPNOTSUPP);
  assert_int_equal(tct_dgram_recv(a.s, a.k, &d, buf, sizeof buf, 0), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_open(a.s, (tct_proto)99, NULL, &(tct_sock){0, 0}), TCT_EINVAL);
  at_end(&a);
}

static void stale_handle__each_call__bad_handle(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned udp = 0; udp < 2; udp++) {
    tct_sock k = open_of(&a, udp != 0 ? TCT_UDP : TCT_TCP);
    assert_int_equal(tct_sock_abort(a.s, k), TCT_OK);
    tct_endpoint e = {a.peer.addr, 9, {0, 0}}, out;
    tct_iov v[2];
    unsigned n = 2;
    void *user;
    int64_t value;
    char buf[4];
    assert_int_equal(tct_sock_bind(a.s, k, &e), TCT_EBADF);
    assert_int_equal(tct_sock_connect(a.s, k, &e), TCT_EBADF);
    assert_int_equal(tct_sock_send(a.s, k, "x", 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_recv(a.s, k, buf, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_name(a.s, k, &out, NULL), TCT_EBADF);
    assert_int_equal(tct_sock_user(a.s, k, &user), TCT_EBADF);
    assert_int_equal(tct_sock_get(a.s, k, TCT_OPT_ERROR, &value), TCT_EBADF);
    assert_int_equal(tct_sock_set(a.s, k, TCT_OPT_HOP_LIMIT, 3), TCT_EBADF);
    assert_int_equal(tct_sock_ready(a.s, k), TCT_EBADF);
    assert_int_equal(tct_sock_close(a.s, k), TCT_EBADF);
    assert_int_equal(tct_sock_abort(a.s, k), TCT_EBADF);
    if (udp != 0)
      continue;
    assert_int_equal(tct_sock_connect_send(a.s, k, &e, "x", 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_tx_space(a.s, k, v, &n), TCT_EBADF);
    assert_int_equal(tct_sock_tx_commit(a.s, k, 1, 0), TCT_EBADF);
    assert_int_equal(tct_sock_tx_lend(a.s, k, "x", 1, 1), TCT_EBADF);
    assert_int_equal(tct_sock_rx_peek(a.s, k, v, &n), TCT_EBADF);
    assert_int_equal(tct_sock_rx_consume(a.s, k, 0), TCT_EBADF);
    assert_int_equal(tct_sock_mark(a.s, k, 1, TCT_MARK_SENT, 1), TCT_EBADF);
  }
  at_end(&a);
}

/* ---- names and places ------------------------------------------------------------------------ */

static void walk__tcp_and_udp__each_once_with_its_name_and_user(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_sock u = open_of(&a, TCT_UDP), cursor = {0, 0};
  assert_int_equal(bind_at(&a, u, a.local, 53, no_if), TCT_OK);
  unsigned tcp = 0, udp = 0;
  while (tct_sock_next(a.s, &cursor)) {
    tct_endpoint local, remote;
    void *user = &a;
    assert_int_equal(tct_sock_name(a.s, cursor, &local, &remote), TCT_OK);
    assert_int_equal(tct_sock_name(a.s, cursor, NULL, NULL), TCT_OK);
    assert_int_equal(tct_sock_user(a.s, cursor, &user), TCT_OK);
    bool is_udp = local.port == 53;
    assert_ptr_equal(user, is_udp ? (void *)&a : NULL);
    udp += is_udp;
    tcp += !is_udp;
  }
  assert_int_equal(tcp, 1);
  assert_int_equal(udp, 1);
  at_end(&a);
}

static void bind__interface_named__holds_and_a_stale_one_is_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_sock k = open_of(&a, TCT_TCP), u = open_of(&a, TCT_UDP);
  tct_if stale = {a.ifc.index + 7, a.ifc.gen};
  assert_int_equal(bind_at(&a, k, any, 700, stale), TCT_ENODEV);
  assert_true(bind_at(&a, u, any, 700, stale) < 0);
  assert_int_equal(bind_at(&a, k, any, 700, a.ifc), TCT_OK);
  assert_int_equal(bind_at(&a, k, any, 701, a.ifc), TCT_EINVAL); /* once */
  tct_endpoint local;
  assert_int_equal(tct_sock_name(a.s, k, &local, NULL), TCT_OK);
  assert_int_equal(local.ifc.index, a.ifc.index);
  assert_int_equal(connect_at(&a, k, a.peer.addr, 9), TCT_OK);
  at_end(&a);
}

static void families__v6only_or_bound_to_any_ipv4__the_other_is_unreachable(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true});
  tct_addr v6 = {{0xfd, [15] = 9}};
  tct_sock six = open_of(&a, TCT_TCP), four = open_of(&a, TCT_TCP);
  assert_int_equal(tct_sock_set(a.s, six, TCT_OPT_V6ONLY, 1), TCT_OK);
  assert_int_equal(connect_at(&a, six, a.peer.addr, 9), TCT_ENETUNREACH);
  assert_int_equal(bind_at(&a, four, tct_addr_ipv4(0, 0, 0, 0), 800, no_if), TCT_OK);
  assert_true(connect_at(&a, four, v6, 9) < 0);
  assert_int_equal(connect_at(&a, four, a.peer.addr, 9), TCT_OK);
  at_end(&a);
}

static void draining_stack__connect__is_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_sock k = open_of(&a, TCT_TCP);
  tct_drain(a.s, a.now + TCT_S(5));
  assert_int_equal(connect_at(&a, k, a.peer.addr, 9), TCT_ESHUTDOWN);
  at_end(&a);
}

static void fast_open__config_says_no__connect_send_is_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_endpoint e = {a.peer.addr, 9, {0, 0}};
  tct_sock k = open_of(&a, TCT_TCP);
  assert_int_equal(tct_sock_connect_send(a.s, k, &e, "x", 1, 0), TCT_EOPNOTSUPP);
  assert_int_equal(tct_sock_connect_send(a.s, k, &e, "x", 1, 0x80), TCT_EINVAL);
  at_end(&a);
}

/* ---- sending in place, lending, marks -------------------------------------------------------- */

static void in_place_and_lent__wrong_arguments__are_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_iov v[4];
  unsigned n = 0;
  assert_int_equal(tct_sock_tx_space(a.s, a.k, v, &n), TCT_EINVAL);
  n = 4;
  assert_true(tct_sock_tx_space(a.s, a.k, v, &n) >= 0);
  assert_true(n > 0);
  assert_int_equal(tct_sock_tx_commit(a.s, a.k, 1u << 30, 0), TCT_EINVAL);
  assert_int_equal(tct_sock_tx_commit(a.s, a.k, 1, 0x4000), TCT_EINVAL);
  assert_int_equal(tct_sock_tx_commit(a.s, a.k, 0, 0), TCT_OK);
  at_quiet(&a);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, NULL, 10, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, "x", 0, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, "x", (size_t)2 << 30, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_mark(a.s, a.k, 1, (tct_mark)7, 1), TCT_EINVAL);
  assert_int_equal(tct_sock_mark(a.s, open_of(&a, TCT_TCP), 1, TCT_MARK_SENT, 1), TCT_ENOTCONN);
  assert_int_equal(tct_sock_send(a.s, a.k, "x", 1, 0x4000), TCT_EINVAL);
  at_end(&a);
}

static void full_buffer__in_place_and_lent__again_later_then_writable(void **state) {
  (void)state;
  struct at a;
  static char block[4096];
  start(&a, TCT_ESTABLISHED);
  a.peer.window = 0;
  AT_IN(&a, .len = 0);
  while (tct_sock_send(a.s, a.k, block, sizeof block, 0) > 0)
    continue;
  tct_iov v[2];
  unsigned n = 2;
  assert_int_equal(tct_sock_tx_space(a.s, a.k, v, &n), TCT_EAGAIN);
  assert_int_equal(n, 0);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, block, sizeof block, 5), TCT_EAGAIN);
  assert_int_equal(tct_sock_ready(a.s, a.k) & TCT_EV_WRITABLE, 0);
  at_end(&a);
}

static void after_shutdown__sending_in_place__broken_pipe(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_FIN_WAIT_2);
  tct_iov v[2];
  unsigned n = 2;
  assert_int_equal(tct_sock_tx_space(a.s, a.k, v, &n), TCT_EPIPE);
  assert_int_equal(n, 0);
  assert_int_equal(tct_sock_tx_commit(a.s, a.k, 1, 0), TCT_EPIPE);
  assert_int_equal(tct_sock_tx_lend(a.s, a.k, "x", 1, 1), TCT_EPIPE);
  at_end(&a);
}

/* ---- UDP: who may share a port --------------------------------------------------------------- */

static void udp_port__each_pair_of_owners__shared_only_if_both_say_so(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  for (unsigned how = 0; how < 16; how++) {
    tct_sock u = open_of(&a, TCT_UDP), v = open_of(&a, TCT_UDP);
    assert_int_equal(tct_sock_set(a.s, u, TCT_OPT_REUSEADDR, how & 1), TCT_OK);
    assert_int_equal(tct_sock_set(a.s, v, TCT_OPT_REUSEADDR, how >> 1 & 1), TCT_OK);
    assert_int_equal(tct_sock_set(a.s, u, TCT_OPT_REUSEPORT, how >> 2 & 1), TCT_OK);
    assert_int_equal(tct_sock_set(a.s, v, TCT_OPT_REUSEPORT, how >> 3 & 1), TCT_OK);
    bool share = (how & 3) == 3 || (how & 12) == 12;
    assert_int_equal(bind_at(&a, u, any, 900, no_if), TCT_OK);
    assert_int_equal(bind_at(&a, v, a.local, 900, no_if), share ? TCT_OK : TCT_EADDRINUSE);
    assert_int_equal(bind_at(&a, u, any, 901, no_if), TCT_EINVAL);
    assert_int_equal(tct_sock_abort(a.s, u), TCT_OK);
    assert_int_equal(tct_sock_abort(a.s, v), TCT_OK);
  }
  at_end(&a);
}

static void udp_connect__wrong_then_none_then_again__follows(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_CLOSED);
  tct_sock u = open_of(&a, TCT_UDP);
  tct_endpoint remote;
  assert_true(connect_at(&a, u, a.peer.addr, 0) < 0);
  assert_true(connect_at(&a, u, any, 9) < 0);
  assert_int_equal(connect_at(&a, u, a.peer.addr, 9), TCT_OK);
  assert_int_equal(connect_at(&a, u, a.peer.addr, 10), TCT_OK);
  assert_int_equal(tct_sock_name(a.s, u, NULL, &remote), TCT_OK);
  assert_int_equal(remote.port, 10);
  assert_int_equal(connect_at(&a, u, any, 0), TCT_OK); /* away with the peer */
  assert_int_equal(tct_sock_send(a.s, u, "x", 1, 0), TCT_EDESTADDRREQ);
  int64_t value = 77;
  assert_int_equal(tct_sock_get(a.s, u, TCT_OPT_ERROR, &value), TCT_OK);
  assert_int_equal(value, 0);
  assert_int_equal(tct_sock_get(a.s, u, TCT_OPT_RECV_DSCP, &value), TCT_OK);
  at_end(&a);
}

/* ---- the stack's own settings ---------------------------------------------------------------- */

static void config_set__what_a_stack_is_made_of__cannot_change(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_config was, c;
  tct_config_get(a.s, &was);
#define REFUSED(change)                                                                            \
  c = was;                                                                                         \
  change;                                                                                          \
  assert_int_equal(tct_config_set(a.s, &c), TCT_EINVAL)
  REFUSED(c.size--);
  REFUSED(c.alloc.alloc = NULL);
  REFUSED(c.alloc.free = NULL);
  REFUSED(c.alloc.ctx = &c);
  REFUSED(c.seed[3] ^= 1);
  REFUSED(c.deterministic = !c.deterministic);
  REFUSED(c.keys.isn[0] ^= 1);
  REFUSED(c.epoch_ns++);
  REFUSED(c.profile = c.profile == TCT_PROFILE_LINUX ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX);
  REFUSED(c.info = c.info == TCT_INFO_FULL ? TCT_INFO_BASIC : TCT_INFO_FULL);
  REFUSED(c.limits.conns++);
  REFUSED(c.limits.half_open++);
  REFUSED(c.limits.held++);
  REFUSED(c.limits.time_wait++);
  REFUSED(c.limits.udp++);
  REFUSED(c.limits.orphans++);
  REFUSED(c.limits.buffer_bytes++);
  REFUSED(c.limits.reasm_bytes++);
  REFUSED(c.limits.reply_bytes++);
  REFUSED(c.limits.routes++);
  REFUSED(c.limits.addrs++);
  REFUSED(c.limits.ifs++);
  REFUSED(c.trace_ctx = &c);
#undef REFUSED
  assert_int_equal(tct_config_set(a.s, &was), TCT_OK);
  at_end(&a);
}

static void two_interfaces(tct_config *c) {
  c->limits.ifs = 2;
}

static void interfaces__limit_and_wrong_values__are_refused(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true, .config = two_interfaces});
  tct_if_config ic = {.size = sizeof ic, .mtu = 1500};
  tct_if more;
  assert_int_equal(tct_if_add(a.s, &ic, &more), TCT_OK);
  assert_int_equal(tct_if_add(a.s, &ic, &more), TCT_ENOBUFS);
  ic.mtu = 575;
  assert_int_equal(tct_if_add(a.s, &ic, &more), TCT_EINVAL);
  ic.mtu = 1500;
  ic.size = 3;
  assert_int_equal(tct_if_add(a.s, &ic, &more), TCT_EINVAL);
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_MTU, 575), TCT_EINVAL);
  assert_int_equal(tct_if_set(a.s, a.ifc, (tct_if_what)9, 1500), TCT_EINVAL);
  at_end(&a);
}

/* ---- without counters per connection --------------------------------------------------------- */

static void basic(tct_config *c) {
  c->info = TCT_INFO_BASIC;
}

/* Data both ways, loss, silence, both ends: all that would be counted or remembered on the side. */
static void info_basic__a_whole_life_with_losses__works(void **state) {
  (void)state;
  for (unsigned strict = 0; strict < 2; strict++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED,
                                 .strict = strict != 0,
                                 .sack = true,
                                 .ts = true,
                                 .wscale = 3,
                                 .config = basic});
    at_write(&a, 20000);
    assert_non_null(at_lose(&a));
    (void)at_drain(&a);
    for (unsigned i = 0; i < 4; i++)
      AT_IN(&a, .ack = 0);
    at_pass(&a, TCT_MS(300));
    at_pass(&a, TCT_S(4));
    AT_IN(&a, .len = 700);
    AT_IN(&a, .seq = 700, .len = 700, .ghost = true);
    (void)at_drain(&a);
    AT_IN(&a, .len = 1400);
    assert_int_equal(at_read(&a, 5000), 2100);
    for (unsigned i = 0; i < 200 && at_info(&a).unacked + at_info(&a).notsent_bytes > 0; i++) {
      (void)at_wait(&a, TCT_S(70));
      (void)at_drain(&a);
      AT_IN(&a, .len = 0);
    }
    assert_int_equal(at_info(&a).unacked, 0);
    assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
    (void)at_drain(&a);
    AT_IN(&a, .flags = TCT_FIN);
    (void)at_drain(&a);
    assert_int_equal(at_state(&a), TCT_TIME_WAIT);
    at_end(&a);
  }
}

static void info__wrong_sizes__are_refused_and_short_ones_filled(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  tct_info i;
  memset(&i, 0, sizeof i);
  i.size = 3;
  assert_int_equal(tct_sock_info(a.s, a.k, &i), TCT_EINVAL);
  i.size = sizeof i + 1;
  assert_int_equal(tct_sock_info(a.s, a.k, &i), TCT_EINVAL);
  i.size = offsetof(tct_info, rto);
  i.rto = 4711;
  assert_int_equal(tct_sock_info(a.s, a.k, &i), TCT_OK);
  assert_int_equal(i.state, TCT_ESTABLISHED);
  assert_int_equal(i.rto, 4711);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(udp_handle__calls_of_tcp__are_refused),
      cmocka_unit_test(tcp_handle__calls_of_udp__are_refused),
      cmocka_unit_test(stale_handle__each_call__bad_handle),
      cmocka_unit_test(walk__tcp_and_udp__each_once_with_its_name_and_user),
      cmocka_unit_test(bind__interface_named__holds_and_a_stale_one_is_refused),
      cmocka_unit_test(families__v6only_or_bound_to_any_ipv4__the_other_is_unreachable),
      cmocka_unit_test(draining_stack__connect__is_refused),
      cmocka_unit_test(fast_open__config_says_no__connect_send_is_refused),
      cmocka_unit_test(in_place_and_lent__wrong_arguments__are_refused),
      cmocka_unit_test(full_buffer__in_place_and_lent__again_later_then_writable),
      cmocka_unit_test(after_shutdown__sending_in_place__broken_pipe),
      cmocka_unit_test(udp_port__each_pair_of_owners__shared_only_if_both_say_so),
      cmocka_unit_test(udp_connect__wrong_then_none_then_again__follows),
      cmocka_unit_test(config_set__what_a_stack_is_made_of__cannot_change),
      cmocka_unit_test(interfaces__limit_and_wrong_values__are_refused),
      cmocka_unit_test(info_basic__a_whole_life_with_losses__works),
      cmocka_unit_test(info__wrong_sizes__are_refused_and_short_ones_filled),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
