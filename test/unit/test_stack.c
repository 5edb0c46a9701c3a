/* SPDX-License-Identifier: MIT */
/* The stack as a whole: configuration, interfaces, time, events, tokens, counters, keys. */
#include "test/lib/at.h"

static tct_stack *make(struct failing_alloc *mem, void (*change)(tct_config *c), int *err) {
  tct_config c;
  at_config(&c, mem, true);
  if (change != NULL)
    change(&c);
  *err = 0;
  return tct_new(&c, err);
}

/* ---- configuration --------------------------------------------------------------------------- */

static void no_seed(tct_config *c) {
  memset(c->seed, 0, sizeof c->seed);
  c->deterministic = false;
}
static void wrong_size(tct_config *c) {
  c->size--;
}
static void no_alloc(tct_config *c) {
  c->alloc.alloc = NULL;
}
static void ports_turned(tct_config *c) {
  c->port_first = 2000;
  c->port_last = 1999;
}
static void delack_too_long(tct_config *c) {
  c->delack_ms = 500;
}
static void rto_max_below_default_min(tct_config *c) {
  c->rto_max_ms = 100;
}
static void rto_turned(tct_config *c) {
  c->rto_min_ms = 5000;
  c->rto_max_ms = 4000;
}

static void rto_of_days(tct_config *c) {
  c->rto_max_ms = 3600001;
}
static void first_rto_of_days(tct_config *c) {
  c->rto_initial_ms = 3600001;
}

/* [RFC9293 MUST-40] A delayed ACK of half a second cannot even be asked for. */
static void config__each_wrong_one__is_refused(void **state) {
  (void)state;
  void (*const wrong[])(tct_config *) = {
      no_seed,      wrong_size,        no_alloc,
      ports_turned, delack_too_long,   rto_turned,
      rto_of_days,  first_rto_of_days, rto_max_below_default_min};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(wrong); i++) {
    struct failing_alloc mem;
    int err;
    failing_alloc_init(&mem);
    assert_null(make(&mem, wrong[i], &err));
    assert_int_equal(err, TCT_EINVAL);
    failing_alloc_finish(&mem);
  }
}

static void rto_min_and_first_port_only(tct_config *c) {
  c->rto_min_ms = 60000;
  c->port_first = 50000;
}

/* The other of each pair is the profile's, and fits. */
static void config__one_value_of_a_pair__is_judged_beside_the_default(void **state) {
  (void)state;
  struct failing_alloc mem;
  int err;
  failing_alloc_init(&mem);
  tct_stack *s = make(&mem, rto_min_and_first_port_only, &err);
  assert_non_null(s);
  tct_free(s);
  failing_alloc_finish(&mem);
}

static void zero_seed_said_to_be_deterministic__stack__is_made(void **state) {
  (void)state;
  struct failing_alloc mem;
  tct_config c;
  int err;
  failing_alloc_init(&mem);
  at_config(&c, &mem, true);
  memset(c.seed, 0, sizeof c.seed);
  tct_stack *s = tct_new(&c, &err);
  assert_non_null(s);
  tct_free(s);
  tct_free(NULL);
  failing_alloc_finish(&mem);
}

static void no_memory__n_th_request__tct_new_fails_cleanly(void **state) {
  (void)state;
  for (size_t n = 1;; n++) {
    struct failing_alloc mem;
    int err;
    failing_alloc_init(&mem);
    failing_alloc_fail_nth(&mem, n);
    tct_stack *s = make(&mem, NULL, &err);
    bool failed = mem.failed > 0;
    if (failed) {
      assert_null(s);
      assert_int_equal(err, TCT_ENOMEM);
    }
    tct_free(s);
    failing_alloc_finish(&mem);
    if (!failed)
      break;
  }
}

/* ---- interfaces ------------------------------------------------------------------------------ */

static void interface__stale_handle_or_bad_value__is_refused(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_LISTEN});
  tct_if_config ic = {.size = sizeof ic, .mtu = 500};
  tct_if i, stale = {a.ifc.index, a.ifc.gen + 2}, none = {0, 0};
  assert_int_equal(tct_if_add(a.s, &ic, &i), TCT_EINVAL);
  ic.mtu = 1500;
  ic.size = 1;
  assert_int_equal(tct_if_add(a.s, &ic, &i), TCT_EINVAL);
  assert_int_equal(tct_if_set(a.s, stale, TCT_IF_UP, 0), TCT_EBADF);
  assert_int_equal(tct_if_set(a.s, none, TCT_IF_UP, 0), TCT_EBADF);
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_MTU, 575), TCT_EINVAL);
  tct_frame f;
  assert_int_equal(tct_output(a.s, stale, &f, 1, a.now), 0);
  uint8_t b = 0x45;
  tct_iov v = {&b, 1};
  memset(&f, 0, sizeof f);
  f.iov = &v;
  f.n_iov = f.len = 1;
  assert_int_equal(tct_input(a.s, stale, &f, 1, a.now), 1);
  assert_int_equal(f.verdict, TCT_DROP_IF_DOWN);
  at_end(&a);
}

/* Down: nothing in, nothing out, and the connections wait. */
static void interface_down__connection__waits_and_goes_on(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_UP, 0), TCT_OK);
  at_write(&a, 100);
  at_silent(&a, TCT_S(3));
  assert_int_equal(AT_IN(&a, .len = 10, .ghost = true), TCT_DROP_IF_DOWN);
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_UP, 1), TCT_OK);
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 100);
  at_end(&a);
}

/* The way that was found for the first is not that of the second. */
static void interface_down__connect_again__no_way_until_it_is_up(void **state) {
  (void)state;
  struct at a;
  static const int want[] = {TCT_OK, TCT_ENETDOWN, TCT_OK};
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true});
  tct_endpoint e = {a.peer.addr, 4000, {0, 0}};
  for (unsigned i = 0; i < 3; i++) {
    tct_sock k;
    assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_UP, i != 1), TCT_OK);
    assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
    assert_int_equal(tct_sock_connect(a.s, k, &e), want[i]);
    assert_int_equal(tct_sock_abort(a.s, k), TCT_OK);
  }
  at_end(&a);
}

/* A peer's SYN is answered for a listener; somebody else of that port may not call the same peer.
 */
static void half_open__connect_of_its_tuple__refused_until_it_is_gone(void **state) {
  (void)state;
  struct at a;
  tct_sock l, k;
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true});
  tct_endpoint here = {a.local, 5000, {0, 0}}, there = {a.peer.addr, 4000, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &l), TCT_OK);
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_set(a.s, l, TCT_OPT_REUSEPORT, 1), TCT_OK);
  assert_int_equal(tct_sock_set(a.s, k, TCT_OPT_REUSEPORT, 1), TCT_OK);
  assert_int_equal(tct_sock_bind(a.s, l, &here), TCT_OK);
  assert_int_equal(tct_sock_bind(a.s, k, &here), TCT_OK);
  assert_int_equal(tct_sock_listen(a.s, l, 5), TCT_OK);
  tct_seg t = at_template(&a);
  t.sport = 4000;
  t.dport = 5000;
  t.mss = 1000;
  assert_int_equal(at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN, .no_ack = true}),
                   TCT_ACCEPTED);
  assert_int_equal(at_out(&a)->flags, TCT_SYN | TCT_ACK);
  assert_int_equal(tct_sock_connect(a.s, k, &there), TCT_EADDRNOTAVAIL);
  assert_int_equal(tct_sock_close(a.s, l), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, k, &there), TCT_OK);
  assert_int_equal(at_out(&a)->flags, TCT_SYN);
  assert_int_equal(tct_sock_abort(a.s, k), TCT_OK);
  at_end(&a);
}

static void address_removed__its_connections__end_with_that_reason(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .ipv6 = ipv6 != 0});
    assert_int_equal(tct_if_addr_del(a.s, a.ifc, a.local), TCT_OK);
    (void)at_events(&a);
    assert_int_equal(a.closed, 1);
    assert_int_equal(a.err, TCT_EADDRNOTAVAIL);
    assert_int_equal(a.closed_why, TCT_WHY_ADDRESS_REMOVED);
    at_silent(&a, TCT_S(10));
    at_end(&a);
  }
}

/* ---- the four calls -------------------------------------------------------------------------- */

static void output_copy__small_buffer__takes_nothing_and_loses_nothing(void **state) {
  (void)state;
  struct at a;
  uint8_t buf[1500];
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  at_write(&a, 100);
  assert_int_equal(tct_output_copy(a.s, a.ifc, buf, 1499, a.now), 0);
  size_t n = tct_output_copy(a.s, a.ifc, buf, sizeof buf, a.now);
  assert_int_equal(n, 140);
  tct_seg g;
  const uint8_t *payload;
  assert_true(seg_read(buf, n, &g, &payload));
  assert_int_equal(g.len, 100);
  assert_int_equal(tct_output_copy(a.s, a.ifc, buf, sizeof buf, a.now), 0);
  at_end(&a);
}

/* An answer and many connections: everybody has a turn. */
static void many_ready__output_one_by_one__turns_are_fair(void **state) {
  (void)state;
  struct at a;
  enum { N = 8 };
  tct_sock k[N];
  unsigned seen[N] = {0};
  static uint8_t big[20000];
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true});
  for (unsigned i = 0; i < N; i++) {
    tct_endpoint e = {a.peer.addr, (uint16_t)(4000 + i), {0, 0}};
    assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k[i]), TCT_OK);
    assert_int_equal(tct_sock_connect(a.s, k[i], &e), TCT_OK);
    const tct_seg *g = at_out(&a);
    tct_seg t = at_template(&a);
    t.sport = g->dport;
    t.dport = g->sport;
    t.ack = g->seq + 1;
    t.mss = 1000;
    at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN});
    assert_non_null(at_out(&a));
  }
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(tct_sock_send(a.s, k[i], big, sizeof big, 0), sizeof big);
  for (unsigned i = 0; i < 3 * N; i++) {
    const tct_seg *g = at_out(&a);
    assert_non_null(g);
    seen[g->dport - 4000]++;
  }
  for (unsigned i = 0; i < N; i++)
    assert_int_equal(seen[i], 3);
  at_end(&a);
}

static void output_burst__more_than_the_bound__fills_at_most_64(void **state) {
  (void)state;
  struct at a;
  tct_frame f[100];
  static uint8_t big[200000];
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .mss = 100, .config = NULL});
  at_conn(&a)->cc.cwnd = 1u << 20; /* a window this test is not about */
  assert_true(tct_sock_send(a.s, a.k, big, sizeof big, 0) > 0);
  assert_int_equal(tct_output(a.s, a.ifc, f, 100, a.now), TCT_BURST_MAX);
  for (unsigned i = 1; i < TCT_BURST_MAX; i++)
    assert_ptr_not_equal(f[i].iov, f[i - 1].iov);
  at_end(&a);
}

/* What is cut only when it is its turn is sent by the same call: nothing would wake a driver that
 * was told that there was nothing. */
static void output__mtu_fell_while_a_datagram_waited__fragments_in_the_same_call(void **state) {
  (void)state;
  struct at a;
  tct_sock k;
  tct_frame f[TCT_BURST_MAX];
  static uint8_t data[1400];
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED});
  tct_dgram d = {.remote = {.addr = at_conn(&a)->key.raddr, .port = 7}};
  assert_int_equal(tct_sock_open(a.s, TCT_UDP, NULL, &k), TCT_OK);
  assert_int_equal(tct_dgram_send(a.s, k, &d, data, sizeof data), 1400);
  a.s->ifs[a.ifc.index - 1].cfg.mtu = 600;
  assert_int_equal(tct_output(a.s, a.ifc, f, TCT_BURST_MAX, a.now), 3);
  for (unsigned i = 0; i < 3; i++)
    assert_int_equal(f[i].why, TCT_WHY_FRAGMENT);
  assert_int_equal(tct_output(a.s, a.ifc, f, TCT_BURST_MAX, a.now), 0);
  assert_int_equal(tct_sock_close(a.s, k), TCT_OK);
  at_end(&a);
}

static void every_frame__verdict__is_counted_under_its_name(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  uint64_t before = tct_verdict_count(a.s, TCT_DROP_TCP_CHECKSUM);
  AT_IN(&a, .len = 1, .bad_checksum = true);
  assert_int_equal(tct_verdict_count(a.s, TCT_DROP_TCP_CHECKSUM), before + 1);
  assert_int_equal(tct_verdict_count(a.s, TCT_VERDICT_COUNT), 0);
  tct_counters n;
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.InErrs, 1);
  assert_int_equal(n.CurrEstab, 1);
  assert_int_equal(n.ActiveOpens, 1);
  assert_int_equal(n.ConnsNow, 1);
  assert_int_equal(n.MemoryBytesNow + sizeof(struct tct_stack), a.mem.bytes_out);
  at_end(&a);
}

/* ---- keys, names ----------------------------------------------------------------------------- */

/* [RFC9293 MUST-9] Other keys, other numbers; the connections of before are still found. */
static void keys_replaced__live_connection__is_still_found_and_isns_change(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  struct tct_tuple t = at_conn(&a)->key;
  tct_seq isn = tct_tcp_options_isn(a.s, &t);
  tct_keys k;
  memset(&k, 0x5a, sizeof k);
  assert_int_equal(tct_keys_set(a.s, &k), TCT_OK);
  assert_int_not_equal(tct_tcp_options_isn(a.s, &t), isn);
  AT_IN(&a, .len = 10);
  assert_int_equal(at_read(&a, 100), 10);
  at_end(&a);
}

static void names__every_value_and_beyond__have_a_text(void **state) {
  (void)state;
  for (unsigned i = 0; i <= TCT_VERDICT_COUNT; i++)
    assert_true(strlen(tct_verdict_name((tct_verdict)i)) > 0);
  for (unsigned i = 0; i <= TCT_WHY_COUNT; i++) {
    assert_true(strlen(tct_why_name((tct_why)i)) > 0);
    assert_true(strlen(tct_why_text((tct_why)i)) > 0);
  }
  for (unsigned i = 0; i <= TCT_STATE_COUNT; i++)
    assert_true(strlen(tct_state_name((tct_state)i)) > 0);
  for (int i = -140; i <= 1; i++)
    assert_true(strlen(tct_strerror(i)) > 0);
  assert_string_equal(tct_state_name(TCT_SYN_RECEIVED), "SYN-RECEIVED");
  assert_string_equal(tct_why_name(TCT_WHY_RTO), "RTO");
  assert_string_equal(tct_verdict_name(TCT_DROP_TCP_CHECKSUM), "DROP_TCP_CHECKSUM");
}

/* A million timers may be due at once: a call fires some of them and says that there are more. */
static void many_due__advance__fires_them_in_bounded_calls(void **state) {
  (void)state;
  struct at a;
  enum { N = 1000 };
  tct_frame f[TCT_BURST_MAX];
  tct_counters n;
  size_t made, syns = 0;
  unsigned calls = 0;
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .strict = true});
  for (unsigned i = 0; i < N; i++) {
    tct_sock k;
    tct_endpoint e = {a.peer.addr, (uint16_t)(4000 + i), {0, 0}};
    assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
    assert_int_equal(tct_sock_connect(a.s, k, &e), TCT_OK);
  }
  while ((made = tct_output(a.s, a.ifc, f, TCT_BURST_MAX, a.now)) > 0)
    syns += made;
  assert_int_equal(syns, N);
  a.now += TCT_S(1) + TCT_MS(1);
  do {
    tct_advance(a.s, a.now);
    calls++;
    syns = 0;
    while ((made = tct_output(a.s, a.ifc, f, TCT_BURST_MAX, a.now)) > 0)
      syns += made;
    assert_in_range(syns, 1, 256);
  } while (tct_deadline(a.s) <= a.now && calls < 100);
  tct_stack_counters(a.s, &n);
  assert_int_equal(n.RetransSegs, N);
  assert_in_range(calls, N / 256, 20);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(config__each_wrong_one__is_refused),
      cmocka_unit_test(config__one_value_of_a_pair__is_judged_beside_the_default),
      cmocka_unit_test(zero_seed_said_to_be_deterministic__stack__is_made),
      cmocka_unit_test(no_memory__n_th_request__tct_new_fails_cleanly),
      cmocka_unit_test(interface__stale_handle_or_bad_value__is_refused),
      cmocka_unit_test(interface_down__connection__waits_and_goes_on),
      cmocka_unit_test(interface_down__connect_again__no_way_until_it_is_up),
      cmocka_unit_test(half_open__connect_of_its_tuple__refused_until_it_is_gone),
      cmocka_unit_test(address_removed__its_connections__end_with_that_reason),
      cmocka_unit_test(output_copy__small_buffer__takes_nothing_and_loses_nothing),
      cmocka_unit_test(many_ready__output_one_by_one__turns_are_fair),
      cmocka_unit_test(many_due__advance__fires_them_in_bounded_calls),
      cmocka_unit_test(output_burst__more_than_the_bound__fills_at_most_64),
      cmocka_unit_test(output__mtu_fell_while_a_datagram_waited__fragments_in_the_same_call),
      cmocka_unit_test(every_frame__verdict__is_counted_under_its_name),
      cmocka_unit_test(keys_replaced__live_connection__is_still_found_and_isns_change),
      cmocka_unit_test(names__every_value_and_beyond__have_a_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
