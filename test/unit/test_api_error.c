/* SPDX-License-Identifier: MIT */
/* ICMP errors and soft errors as the application sees them. RFC 9293 sections 3.9.1.8, 3.9.2.2; RFC
 * 5927. */
#include "test/lib/at.h"

#include "wire/icmp.h"

static void start(struct at *a, tct_state st, bool ipv6) {
  at_start(a, (struct at_how){.state = st, .strict = true, .ipv6 = ipv6});
}

/* Something is in flight, and a->frame is it. */
static void put_in_flight(struct at *a) {
  at_write(a, 10);
  assert_non_null(at_lose(a));
}

static const unsigned soft_kinds[] = {TCT_ICMP_UNREACH_NET,
                                      TCT_ICMP_UNREACH_HOST,
                                      TCT_ICMP_UNREACH_SRC_ROUTE,
                                      TCT_ICMP_TIME_EXCEEDED_TRANSIT,
                                      TCT_ICMP_TIME_EXCEEDED_REASSEMBLY,
                                      TCT_ICMP_PARAM_PROBLEM};
static const unsigned hard_kinds[] = {TCT_ICMP_UNREACH_PROTO, TCT_ICMP_UNREACH_PORT};

static bool has_kind(unsigned kind, bool ipv6) {
  return tct_wire_icmp_problem(ipv6 ? 6 : 4, (enum tct_icmp_kind)kind).type != 0;
}

/* [RFC9293 MUST-47] [RFC9293 SHLD-25] [RFC9293 MUST-54] [RFC9293 MUST-56] */
static void soft_error__established__is_told_and_the_connection_lives(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2 * TCT_ARRAY_LEN(soft_kinds); i++) {
    struct at a;
    bool ipv6 = i % 2 != 0;
    if (!has_kind(soft_kinds[i / 2], ipv6))
      continue;
    start(&a, TCT_ESTABLISHED, ipv6);
    put_in_flight(&a);
    assert_int_equal(at_icmp(&a, soft_kinds[i / 2], 0), TCT_ACCEPTED);
    assert_true((at_events(&a) & TCT_EV_SOFT_ERROR) != 0);
    assert_true(a.err < 0);
    assert_int_equal(at_get(&a, TCT_OPT_SOFT_ERROR), a.err);
    assert_int_equal(at_get(&a, TCT_OPT_SOFT_ERROR), 0); /* told once */
    assert_int_equal(at_get(&a, TCT_OPT_ERROR), 0);      /* and it is no hard one */
    a.peer.rcv_nxt = a.written;
    AT_IN(&a, .len = 10);
    assert_int_equal(at_read(&a, 100), 10);
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
    at_end(&a);
  }
}

/* [RFC9293 SHLD-20] */
static void reports_switched_off__soft_error__is_no_event(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED, false);
  at_set(&a, TCT_OPT_SOFT_ERRORS, 0);
  put_in_flight(&a);
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_HOST, 0), TCT_ACCEPTED);
  assert_int_equal(at_events(&a) & TCT_EV_SOFT_ERROR, 0);
  at_set(&a, TCT_OPT_SOFT_ERRORS, 1);
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_HOST, 0), TCT_ACCEPTED);
  assert_true((at_events(&a) & TCT_EV_SOFT_ERROR) != 0);
  at_end(&a);
}

/* [RFC9293 SHLD-26] RFC 5927 5.2: hard errors end what is not yet open, and nothing else. */
static void hard_error__opening_or_established__ends_the_former_only(void **state) {
  (void)state;
  for (unsigned i = 0; i < 2 * TCT_ARRAY_LEN(hard_kinds); i++) {
    struct at a;
    bool ipv6 = i % 2 != 0;
    if (ipv6 && hard_kinds[i / 2] == TCT_ICMP_UNREACH_PROTO)
      continue; /* a parameter problem there, which is soft */
    start(&a, TCT_SYN_SENT, ipv6);
    assert_int_equal(at_icmp(&a, hard_kinds[i / 2], 0), TCT_ACCEPTED);
    (void)at_events(&a);
    assert_int_equal(a.closed, 1);
    assert_true(a.err < 0);
    assert_int_equal(a.closed_why, TCT_WHY_ICMP_UNREACHABLE);
    at_end(&a);
    start(&a, TCT_ESTABLISHED, ipv6);
    put_in_flight(&a);
    assert_int_equal(at_icmp(&a, hard_kinds[i / 2], 0), TCT_ACCEPTED);
    assert_int_equal(at_state(&a), TCT_ESTABLISHED);
    at_end(&a);
  }
}

/* What the network said while the SYNs went unanswered is the reason that is given. */
static void soft_error_while_opening__time_out__names_it(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_SYN_SENT, false);
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_HOST, 0), TCT_ACCEPTED);
  assert_int_equal(at_state(&a), TCT_SYN_SENT);
  at_pass(&a, TCT_S(400));
  (void)at_events(&a);
  assert_int_equal(a.err, TCT_EHOSTUNREACH);
  assert_int_equal(a.closed_why, TCT_WHY_SYN_TIMEOUT);
  at_end(&a);
}

/* [RFC9293 MUST-54] The connection that is quoted, and only with a number in flight. */
static void two_connections__error_quotes_one__only_that_one_hears(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED, false);
  tct_sock other;
  tct_endpoint e = {a.peer.addr, 4001, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &other), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, other, &e), TCT_OK);
  assert_non_null(at_lose(&a)); /* its SYN is in a.frame */
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_PORT, 0), TCT_ACCEPTED);
  tct_event ev;
  unsigned n = 0;
  while (tct_event_next(a.s, &ev)) {
    n++;
    assert_int_equal(ev.sock.index, other.index);
    assert_int_equal(ev.err, TCT_ECONNREFUSED);
  }
  assert_int_equal(n, 1);
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  put_in_flight(&a);
  a.frame[24] ^= 0x40; /* another sequence number */
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_HOST, 0), TCT_DROP_ICMP_SEQUENCE);
  a.frame[24] ^= 0x40;
  a.frame[23] ^= 1; /* another port */
  assert_int_equal(at_icmp(&a, TCT_ICMP_UNREACH_HOST, 0), TCT_DROP_ICMP_NO_SOCKET);
  assert_int_equal(at_events(&a), 0);
  at_end(&a);
}

/* [RFC9293 MUST-55] */
static void source_quench__bulk_sending__changes_nothing(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED, false);
  at_write(&a, 20000);
  assert_non_null(at_lose(&a));
  uint32_t cwnd = at_info(&a).snd_cwnd;
  (void)at_icmp(&a, TCT_ICMP_SOURCE_QUENCH, 0);
  assert_int_equal(at_info(&a).snd_cwnd, cwnd);
  assert_int_equal(at_events(&a), 0);
  assert_int_equal(at_get(&a, TCT_OPT_SOFT_ERROR), 0);
  at_end(&a);
}

/* The reset's error is told by whichever way is asked first, once. */
static void pending_error__asked_by_option__is_told_once(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED, false);
  AT_IN(&a, .flags = TCT_RST);
  assert_int_equal(at_get(&a, TCT_OPT_ERROR), TCT_ECONNRESET);
  assert_int_equal(at_get(&a, TCT_OPT_ERROR), 0);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(soft_error__established__is_told_and_the_connection_lives),
      cmocka_unit_test(reports_switched_off__soft_error__is_no_event),
      cmocka_unit_test(hard_error__opening_or_established__ends_the_former_only),
      cmocka_unit_test(soft_error_while_opening__time_out__names_it),
      cmocka_unit_test(two_connections__error_quotes_one__only_that_one_hears),
      cmocka_unit_test(source_quench__bulk_sending__changes_nothing),
      cmocka_unit_test(pending_error__asked_by_option__is_told_once),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
