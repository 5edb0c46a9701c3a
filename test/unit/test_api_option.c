/* SPDX-License-Identifier: MIT */
/*
 * Options: what is set holds and can be read back, what is out of range or not supported is
 * refused, and each does what it says on the wire. RFC 9293
 * sections 3.7.4, 3.8.3, 3.8.4, 3.9.1.9, 3.9.2.
 */
#include "test/lib/at.h"

#define OPT_LAST TCT_OPT_ISN

static void start(struct at *a, tct_state st) {
  at_start(a, (struct at_how){.state = st, .strict = true});
}

static int set(struct at *a, tct_opt o, int64_t v) {
  return tct_sock_set(a->s, a->k, o, v);
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* An option that is taken can be read back as it was set; else it is refused: never ignored. */
static void each_option__each_state_and_value__is_kept_or_refused(void **state) {
  (void)state;
  static const tct_state states[] = {TCT_CLOSED,      TCT_LISTEN,     TCT_SYN_SENT,
                                     TCT_ESTABLISHED, TCT_CLOSE_WAIT, TCT_TIME_WAIT};
  static const int64_t values[] = {-1, 0, 1, 2, 60, 64, 255, 256, 70000, INT64_MAX, INT64_MIN};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(states); i++) {
    struct at a;
    start(&a, states[i]);
    for (int o = -1; o <= (int)OPT_LAST + 1; o++) {
      for (unsigned k = 0; k < TCT_ARRAY_LEN(values); k++) {
        int64_t v = values[k], back = -77;
        int e = set(&a, (tct_opt)o, v);
        assert_true(e == TCT_OK || e == TCT_EINVAL || e == TCT_ENOPROTOOPT || e == TCT_ENOENT ||
                    (e == TCT_EOPNOTSUPP && o == TCT_OPT_FASTOPEN_CONNECT));
        if (e != TCT_OK || o == TCT_OPT_ISN)
          continue;
        assert_int_equal(tct_sock_get(a.s, a.k, (tct_opt)o, &back), TCT_OK);
        bool told_otherwise = o == TCT_OPT_MAXSEG && states[i] >= TCT_ESTABLISHED;
        if (!told_otherwise && back != v)
          fail_msg("option %d: set %lld, got %lld", o, (long long)v, (long long)back);
      }
    }
    at_end(&a);
  }
}

static void read_only_and_foreign_options__set__are_refused(void **state) {
  (void)state;
  static const tct_opt rows[] = {TCT_OPT_RECV_DSCP,     TCT_OPT_ERROR,     TCT_OPT_SOFT_ERROR,
                                 TCT_OPT_URGENT_UNREAD, TCT_OPT_BROADCAST, (tct_opt)999};
  struct at a;
  start(&a, TCT_ESTABLISHED);
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++)
    assert_int_equal(set(&a, rows[i], 1), TCT_ENOPROTOOPT);
  at_end(&a);
}

/* [RFC9293 MAY-18] */
static void congestion_control__known_or_not__kept_or_refused(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(set(&a, TCT_OPT_CONGESTION, TCT_CC_NEWRENO), TCT_OK);
  assert_int_equal(at_get(&a, TCT_OPT_CONGESTION), TCT_CC_NEWRENO);
  assert_int_equal(set(&a, TCT_OPT_CONGESTION, 99), TCT_ENOENT);
  at_end(&a);
}

/* What a stack is made of stays; the rest is as if it had been there from now on. */
static void config__changed_while_running__holds_for_new_sockets(void **state) {
  (void)state;
  struct at a;
  tct_config c;
  tct_sock k;
  int64_t v = 0;
  start(&a, TCT_ESTABLISHED);
  tct_config_get(a.s, &c);
  c.hop_limit = 77;
  assert_int_equal(tct_config_set(a.s, &c), TCT_OK);
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_get(a.s, k, TCT_OPT_HOP_LIMIT, &v), TCT_OK);
  assert_int_equal(v, 77);
  assert_int_equal(at_get(&a, TCT_OPT_HOP_LIMIT), 64);
  c.profile = TCT_PROFILE_LINUX;
  assert_int_equal(tct_config_set(a.s, &c), TCT_EINVAL);
  c.profile = TCT_PROFILE_STRICT;
  c.port_first = 5, c.port_last = 4;
  assert_int_equal(tct_config_set(a.s, &c), TCT_EINVAL);
  at_end(&a);
}

static void not_deterministic(tct_config *c) {
  c->deterministic = false;
}

/* A number that a program may choose could be guessed: only in stacks that are reproducible anyway.
 */
static void isn__ordinary_stack__cannot_be_fixed(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_CLOSED, .config = not_deterministic});
  assert_int_equal(set(&a, TCT_OPT_ISN, 5), TCT_ENOPROTOOPT);
  at_end(&a);
}

/* ---- what they do ---------------------------------------------------------------------------- */

/* [RFC9293 MUST-17] [RFC9293 SHLD-7] */
static void nodelay__two_tiny_writes__leave_before_any_ack(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  assert_int_equal(at_get(&a, TCT_OPT_NODELAY), 0);
  at_write(&a, 1);
  at_write(&a, 1);
  assert_int_equal(at_drain(&a), 1); /* both in one: they were gathered [RFC9293 MAY-16] */
  at_write(&a, 1);
  at_quiet(&a);
  at_set(&a, TCT_OPT_NODELAY, 1); /* lets out at once what was held back */
  assert_int_equal(at_drain(&a), 1);
  at_write(&a, 1);
  assert_int_equal(at_drain(&a), 1);
  at_set(&a, TCT_OPT_NODELAY, 0);
  at_write(&a, 1);
  at_quiet(&a);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_drain(&a), 1);
  at_end(&a);
}

static void set_46(struct at *a) {
  at_set(a, TCT_OPT_DSCP, 46);
  at_set(a, TCT_OPT_HOP_LIMIT, 7);
}

static void assert_marks(struct at *a, unsigned dscp, unsigned hops) {
  assert_int_equal(a->got.tclass >> 2, dscp);
  assert_int_equal(a->got.hop_limit, hops);
}

/* [RFC9293 MUST-48] [RFC9293 MUST-49] [RFC9293 SHLD-22] SYN, ACK, data, resend, FIN, RST. */
static void dscp_and_hop_limit_set__every_segment__shows_them(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    at_start(&a, (struct at_how){
                     .state = TCT_SYN_SENT, .strict = true, .ipv6 = ipv6 != 0, .before = set_46});
    assert_marks(&a, 46, 7);
    AT_IN(&a, .flags = TCT_SYN);
    assert_non_null(at_out(&a));
    assert_marks(&a, 46, 7);
    a.written = a.peer.irs + 1;
    at_write(&a, 10);
    assert_non_null(at_lose(&a));
    assert_marks(&a, 46, 7);
    (void)at_wait(&a, TCT_S(10));
    assert_marks(&a, 46, 7);
    AT_IN(&a, .len = 5000);
    (void)at_wait(&a, TCT_S(1));
    assert_marks(&a, 46, 7);
    assert_int_equal(tct_sock_abort(a.s, a.k), TCT_OK);
    assert_non_null(at_out(&a));
    assert_true((a.got.flags & TCT_RST) != 0);
    assert_marks(&a, 46, 7);
    at_end(&a);
  }
}

/* [RFC9293 MUST-48] [RFC9293 MUST-49] A listener's hold for what it accepts, SYN,ACK and TIME-WAIT
 * too. */
static void dscp_and_hop_limit_of_a_listener__child_and_record__show_them(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){
                   .state = TCT_SYN_RECEIVED, .strict = true, .passive = true, .before = set_46});
  assert_marks(&a, 46, 7);
  AT_IN(&a, .len = 0);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  assert_non_null(at_out(&a));
  assert_marks(&a, 46, 7);
  AT_IN(&a, .flags = TCT_FIN);
  assert_non_null(at_out(&a));
  assert_marks(&a, 46, 7);
  at_pass(&a, TCT_S(20));
  AT_IN(&a, .flags = TCT_FIN, .seq = -1, .ghost = true);
  assert_non_null(at_out(&a));
  assert_marks(&a, 46, 7);
  at_end(&a);
}

/* [RFC9293 SHLD-21] */
static void dscp__changed_while_connected__later_segments_show_it(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_NODELAY, 1);
  at_write(&a, 1);
  assert_non_null(at_out(&a));
  assert_marks(&a, 0, 64);
  at_set(&a, TCT_OPT_DSCP, 10);
  at_write(&a, 1);
  assert_non_null(at_out(&a));
  assert_marks(&a, 10, 64);
  at_end(&a);
}

/* [RFC9293 MAY-9] */
static void dscp__of_the_last_packet_received__can_be_asked(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 1, .tclass = 10 << 2);
  assert_int_equal(at_get(&a, TCT_OPT_RECV_DSCP), 10);
  AT_IN(&a, .len = 1, .tclass = 46 << 2 | 3);
  assert_int_equal(at_get(&a, TCT_OPT_RECV_DSCP), 46);
  at_end(&a);
}

/* [RFC9293 MUST-21] One of two connections. */
static void user_timeout__of_one_of_two__only_that_one_dies(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  tct_sock other;
  tct_endpoint e = {a.peer.addr, 4001, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &other), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, other, &e), TCT_OK);
  const tct_seg *g = at_out(&a);
  tct_seg t = at_template(&a);
  t.sport = 4001;
  t.dport = g->sport;
  t.ack = g->seq + 1;
  at_raw(&a, &t, (struct seg_diff){.flags = TCT_SYN});
  (void)at_drain(&a);
  at_set(&a, TCT_OPT_USER_TIMEOUT_MS, 10000);
  at_write(&a, 5);
  assert_int_equal(tct_sock_send(a.s, other, "hello", 5, 0), 5);
  at_pass(&a, TCT_S(12));
  assert_int_equal(at_state(&a), TCT_CLOSED);
  tct_info i = {.size = sizeof i};
  assert_int_equal(tct_sock_info(a.s, other, &i), TCT_OK);
  assert_int_equal(i.state, TCT_ESTABLISHED);
  at_end(&a);
}

/* [RFC9293 SHLD-10] */
static void r1_set__report__comes_at_that_resend(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_R1_RETRIES, 5);
  at_write(&a, 5);
  for (unsigned i = 1; i <= 6; i++) {
    at_pass(&a, at_info(&a).rto * TCT_US(1));
    assert_int_equal((at_events(&a) & TCT_EV_SOFT_ERROR) != 0, i == 5);
  }
  at_end(&a);
}

static void two_syns(struct at *a) {
  at_set(a, TCT_OPT_SYN_RETRIES, 2);
}

static void syn_retries_set__silent_peer__ends_after_them(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_SENT, .strict = true, .before = two_syns});
  unsigned syns = 0;
  for (unsigned i = 0; i < 100 && at_state(&a) == TCT_SYN_SENT; i++) {
    if (at_lose(&a) != NULL)
      syns++;
    a.now = tct_deadline(a.s) == TCT_NEVER ? a.now : tct_deadline(a.s);
    tct_advance(a.s, a.now);
  }
  assert_int_equal(syns, 2);
  at_end(&a);
}

static void quickack__each_segment__is_acknowledged_at_once(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  AT_IN(&a, .len = 1);
  at_quiet(&a);
  at_set(&a, TCT_OPT_QUICKACK, 1);
  (void)at_drain(&a);
  for (unsigned i = 0; i < 5; i++) {
    AT_IN(&a, .len = 1);
    at_is(&a, at_out(&a), TCT_ACK, 0, 0);
  }
  at_set(&a, TCT_OPT_QUICKACK, 0);
  AT_IN(&a, .len = 1);
  at_quiet(&a);
  at_end(&a);
}

/* [RFC9293 SHLD-14] */
static void window_clamp_and_rcvbuf__made_smaller__edge_stands_then_follows(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  uint32_t edge = at_info(&a).rcv_nxt + at_info(&a).rcv_wnd;
  at_set(&a, TCT_OPT_WINDOW_CLAMP, 5000);
  for (unsigned i = 0; i < 100; i++) {
    AT_IN(&a, .len = 1000);
    AT_IN(&a, .len = 1000);
    const tct_seg *g = at_out(&a);
    assert_true((int32_t)(g->ack + g->window_raw - edge) >= 0);
    edge = g->ack + g->window_raw;
    (void)at_read(&a, 5000);
    (void)at_drain(&a);
  }
  assert_true(at_info(&a).rcv_wnd <= 5000);
  at_set(&a, TCT_OPT_WINDOW_CLAMP, 0);
  at_set(&a, TCT_OPT_RCVBUF, 65535);
  AT_IN(&a, .len = 1000);
  AT_IN(&a, .len = 1000);
  assert_non_null(at_out(&a));
  assert_true(at_info(&a).rcv_wnd > 60000);
  at_end(&a);
}

static void sndbuf_and_notsent_lowat__writes__stop_there(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_SNDBUF, 3000);
  assert_int_equal(at_write(&a, 10000), 3000);
  assert_int_equal(at_write(&a, 1), TCT_EAGAIN);
  (void)at_drain(&a);
  AT_IN(&a, .len = 0);
  assert_true((at_events(&a) & TCT_EV_WRITABLE) != 0);
  at_set(&a, TCT_OPT_NOTSENT_LOWAT, 100);
  assert_int_equal(at_write(&a, 500), 500);
  assert_int_equal(at_write(&a, 1), TCT_EAGAIN);
  (void)at_drain(&a); /* sent is enough, though not acknowledged */
  assert_true((at_events(&a) & TCT_EV_WRITABLE) != 0);
  at_end(&a);
}

static void rcvlowat__fewer_octets__are_no_news(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_RCVLOWAT, 100);
  AT_IN(&a, .len = 99);
  assert_int_equal(at_events(&a) & TCT_EV_READABLE, 0);
  assert_int_equal(tct_sock_ready(a.s, a.k) & TCT_EV_READABLE, 0);
  AT_IN(&a, .len = 1);
  assert_true((at_events(&a) & TCT_EV_READABLE) != 0);
  assert_true((tct_sock_ready(a.s, a.k) & TCT_EV_READABLE) != 0);
  at_set(&a, TCT_OPT_RCVLOWAT, 1000);
  AT_IN(&a, .flags = TCT_FIN); /* the end is news however little came */
  assert_true((at_events(&a) & TCT_EV_READABLE) != 0);
  at_end(&a);
}

static void pmtu_discovery_off__ipv4__has_no_df(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 10);
  assert_non_null(at_out(&a));
  assert_int_equal(a.frame[6] & 0x40, 0x40);
  AT_IN(&a, .len = 0);
  at_set(&a, TCT_OPT_PMTU_DISCOVER, 0);
  at_write(&a, 10);
  assert_non_null(at_out(&a));
  assert_int_equal(a.frame[6] & 0x40, 0);
  at_end(&a);
}

/* RFC 6864 4.2: who cuts a super-segment counts up from its ID, so the next frame's is another. */
static void pmtu_discovery_off__interface_that_cuts__no_id_twice(void **state) {
  (void)state;
  struct at a;
  tct_frame f[16];
  bool seen[65536] = {false};
  start(&a, TCT_ESTABLISHED);
  at_set(&a, TCT_OPT_PMTU_DISCOVER, 0);
  a.s->ifs[0].cfg.gso_max_segs = 9; /* more than one frame's ID steps ahead of the last */
  a.s->ifs[0].cfg.gso_max_bytes = 60000;
  at_write(&a, 10000);
  size_t n = tct_output(a.s, a.ifc, f, 16, a.now);
  assert_true(n > 1);
  for (size_t i = 0; i < n; i++) {
    const uint8_t *ip = f[i].iov[0].base;
    uint32_t text_len = f[i].len - (uint32_t)f[i].iov[0].len;
    uint32_t packets = f[i].seg_size == 0 ? 1 : (text_len + f[i].seg_size - 1) / f[i].seg_size;
    for (uint32_t k = 0; k < packets; k++) {
      uint16_t id = (uint16_t)(((uint32_t)ip[4] << 8 | ip[5]) + k);
      assert_false(seen[id]);
      seen[id] = true;
    }
  }
  at_end(&a);
}

/* [RFC9293 MAY-4] What can never be a fragment needs no ID: original and resend have the same. */
static void resend__ipv4_id__is_that_of_the_original(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_ESTABLISHED);
  at_write(&a, 10);
  assert_non_null(at_lose(&a));
  uint8_t id[2] = {a.frame[4], a.frame[5]};
  (void)at_wait(&a, TCT_S(10));
  assert_memory_equal(id, a.frame + 4, 2);
  at_end(&a);
}

static void fin_wait_2_time_set__orphan__ends_then(void **state) {
  (void)state;
  struct at a;
  start(&a, TCT_FIN_WAIT_2);
  at_set(&a, TCT_OPT_FIN_WAIT_2_MS, 3000);
  assert_int_equal(tct_sock_close(a.s, a.k), TCT_OK);
  at_silent(&a, TCT_MS(2900));
  (void)at_events(&a);
  assert_int_equal(a.closed, 0);
  at_silent(&a, TCT_MS(200));
  (void)at_events(&a);
  assert_int_equal(a.closed, 1);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_option__each_state_and_value__is_kept_or_refused),
      cmocka_unit_test(read_only_and_foreign_options__set__are_refused),
      cmocka_unit_test(congestion_control__known_or_not__kept_or_refused),
      cmocka_unit_test(config__changed_while_running__holds_for_new_sockets),
      cmocka_unit_test(isn__ordinary_stack__cannot_be_fixed),
      cmocka_unit_test(nodelay__two_tiny_writes__leave_before_any_ack),
      cmocka_unit_test(dscp_and_hop_limit_set__every_segment__shows_them),
      cmocka_unit_test(dscp_and_hop_limit_of_a_listener__child_and_record__show_them),
      cmocka_unit_test(dscp__changed_while_connected__later_segments_show_it),
      cmocka_unit_test(dscp__of_the_last_packet_received__can_be_asked),
      cmocka_unit_test(user_timeout__of_one_of_two__only_that_one_dies),
      cmocka_unit_test(r1_set__report__comes_at_that_resend),
      cmocka_unit_test(syn_retries_set__silent_peer__ends_after_them),
      cmocka_unit_test(quickack__each_segment__is_acknowledged_at_once),
      cmocka_unit_test(window_clamp_and_rcvbuf__made_smaller__edge_stands_then_follows),
      cmocka_unit_test(sndbuf_and_notsent_lowat__writes__stop_there),
      cmocka_unit_test(rcvlowat__fewer_octets__are_no_news),
      cmocka_unit_test(pmtu_discovery_off__ipv4__has_no_df),
      cmocka_unit_test(pmtu_discovery_off__interface_that_cuts__no_id_twice),
      cmocka_unit_test(resend__ipv4_id__is_that_of_the_original),
      cmocka_unit_test(fin_wait_2_time_set__orphan__ends_then),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
