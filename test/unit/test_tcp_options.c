/* SPDX-License-Identifier: MIT */
/* What is offered, what two SYNs agree on, and the numbers that identify a connection. */
#include "test/lib/at.h"
#include "test/lib/leaf.h"

/* ---- agreement ------------------------------------------------------------------------------- */

/* Each option counts only if both SYNs had it. */
static void each_option__offered_by_one_side_only__is_not_used(void **state) {
  (void)state;
  for (unsigned mine = 0; mine < 8; mine++) {
    for (unsigned theirs = 0; theirs < 8; theirs++) {
      struct at a;
      struct at_how how = {.state = TCT_SYN_SENT, .strict = true};
      how.ts = (mine & 1) != 0;
      how.sack = (mine & 2) != 0;
      how.wscale = (mine & 4) != 0 ? 3 : 0;
      at_start(&a, how);
      assert_int_equal(a.got.has_ts, how.ts);
      assert_int_equal(a.got.sack_permitted, how.sack);
      assert_int_equal(a.got.wscale != 0xff, how.wscale != 0);
      a.peer.ts = (theirs & 1) != 0;
      a.peer.sack = (theirs & 2) != 0;
      a.peer.wscale = (theirs & 4) != 0 ? 3 : 0;
      AT_IN(&a, .flags = TCT_SYN);
      tct_info i = at_info(&a);
      assert_int_equal(i.state, TCT_ESTABLISHED);
      assert_int_equal((i.options & TCT_INFO_TIMESTAMPS) != 0, (mine & theirs & 1) != 0);
      assert_int_equal((i.options & TCT_INFO_SACK) != 0, (mine & theirs & 2) != 0);
      assert_int_equal((i.options & TCT_INFO_WSCALE) != 0, (mine & theirs & 4) != 0);
      assert_int_equal(i.snd_wscale, (mine & theirs & 4) != 0 ? 2 : 0);
      const tct_seg *g = at_out(&a);
      assert_int_equal(g->has_ts, (mine & theirs & 1) != 0);
      at_end(&a);
    }
  }
}

/* RFC 7323 2.3: a shift above 14 counts as 14; 2.2: the SYN's own window is never scaled. */
static void window_scale__above_14__is_14_and_syn_is_unscaled(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_SENT, .wscale = 1});
  a.peer.wscale = 200;
  a.peer.window = 1000;
  AT_IN(&a, .flags = TCT_SYN);
  assert_int_equal(at_info(&a).snd_wscale, 14);
  assert_int_equal(at_info(&a).snd_wnd, 1000);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_info(&a).snd_wnd, 1000u << 14);
  at_end(&a);
}

static void receive_buffer__window_scale__is_the_least_that_tells_it(void **state) {
  (void)state;
  static const struct {
    uint32_t bytes;
    uint8_t shift;
  } rows[] = {{1, 0},      {65535, 0},    {65536, 1},     {131070, 1},
              {131071, 2}, {1u << 20, 5}, {1u << 30, 14}, {UINT32_MAX, 14}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++)
    assert_int_equal(tct_tcp_options_wscale(rows[i].bytes), rows[i].shift);
}

/* ---- MSS ------------------------------------------------------------------------------------- */

/* [RFC9293 MUST-15] [RFC9293 MUST-14] */
static void peer_mss__absent_zero_or_tiny__default_or_floor(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_opts o;
  leaf_init(&f, true);
  memset(&o, 0, sizeof o);
  assert_int_equal(tct_tcp_options_peer_mss(&f.s, &o, true), 536);
  assert_int_equal(tct_tcp_options_peer_mss(&f.s, &o, false), 1220);
  o.has_mss = true;
  assert_int_equal(tct_tcp_options_peer_mss(&f.s, &o, true), 536);
  o.mss = 1;
  assert_int_equal(tct_tcp_options_peer_mss(&f.s, &o, true), 48);
  o.mss = 65535;
  assert_int_equal(tct_tcp_options_peer_mss(&f.s, &o, true), 65535);
  leaf_end(&f);
}

/* [RFC9293 MUST-67] [RFC9293 SHLD-5] [RFC9293 SHLD-6] [RFC9293 MAY-3] Of the interface's least MTU,
 * headers off. */
static void announced_mss__by_mtu_and_family__is_mtu_less_fixed_headers(void **state) {
  (void)state;
  static const struct {
    uint32_t mtu;
    bool ipv6;
    uint16_t mss;
  } rows[] = {{1500, false, 1460}, {1500, true, 1440},  {576, false, 536},
              {1280, true, 1220},  {9000, false, 8960}, {70000, false, 65495}};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    struct at a;
    at_start(&a, (struct at_how){
                     .state = TCT_SYN_SENT, .ipv6 = rows[i].ipv6, .mtu = rows[i].mtu, .ts = true});
    assert_int_equal(a.got.mss, rows[i].mss);
    at_end(&a);
  }
}

/* [RFC9293 SHLD-6] What varies is announced by its least: after the MTU shrank, the next SYN says
 * so. */
static void interface_mtu_shrinks__next_syn__announces_less(void **state) {
  (void)state;
  struct at a;
  tct_sock k;
  at_start(&a, (struct at_how){.state = TCT_SYN_SENT});
  assert_int_equal(tct_if_set(a.s, a.ifc, TCT_IF_MTU, 1400), TCT_OK);
  tct_endpoint e = {a.peer.addr, 99, {0, 0}};
  assert_int_equal(tct_sock_open(a.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_connect(a.s, k, &e), TCT_OK);
  const tct_seg *g = at_out(&a);
  assert_int_equal(g->flags, TCT_SYN);
  assert_int_equal(g->mss, 1360);
  at_end(&a);
}

/* ---- ISN ------------------------------------------------------------------------------------- */

static struct tct_tuple tuple(uint16_t lport, uint16_t rport) {
  struct tct_tuple t;
  memset(&t, 0, sizeof t);
  t.laddr = tct_addr_ipv4(10, 0, 0, 1);
  t.raddr = tct_addr_ipv4(10, 0, 0, 2);
  t.lport = lport;
  t.rport = rport;
  return t;
}

/* [RFC9293 MUST-8] [RFC9293 SHLD-1] */
static void isn__of_one_tuple__ticks_every_four_microseconds(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  struct tct_tuple t = tuple(80, 4000);
  tct_seq first = tct_tcp_options_isn(&f.s, &t);
  clock_set(&f.s, f.s.now + TCT_S(1));
  assert_int_equal(tct_tcp_options_isn(&f.s, &t) - first, 250000);
  clock_set(&f.s, f.s.now + TCT_S(17180)); /* 4.77 hours: once round */
  assert_int_equal(tct_tcp_options_isn(&f.s, &t) - first, (uint32_t)(17181ull * 250000));
  leaf_end(&f);
}

/* [RFC9293 EP-46] The clock is the wall's: numbers after a restart are above those before it. */
static void isn__epoch_of_the_restarted_stack__goes_on_where_the_wall_clock_is(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  struct tct_tuple t = tuple(80, 4000);
  tct_seq before = tct_tcp_options_isn(&f.s, &t);
  f.s.cfg.epoch_ns = f.s.now + TCT_S(2); /* restarted two seconds later */
  clock_set(&f.s, 0);
  assert_int_equal(tct_tcp_options_isn(&f.s, &t) - before, 500000);
  leaf_end(&f);
}

/* [RFC9293 MUST-9] [RFC9293 SHLD-1] Another tuple or another key gives an unrelated number. */
static void isn__other_port_address_or_key__shows_no_pattern(void **state) {
  (void)state;
  struct leaf f;
  uint32_t ones = 0, same = 0;
  leaf_init(&f, true);
  f.s.keys.isn[0] = 11;
  f.s.keys.isn[1] = 12;
  tct_seq last = 0, delta_last = 0;
  for (uint16_t port = 1; port <= 1000; port++) {
    struct tct_tuple t = tuple(80, port);
    tct_seq isn = tct_tcp_options_isn(&f.s, &t);
    tct_seq delta = isn - last;
    for (unsigned b = 0; b < 32; b++)
      ones += delta >> b & 1;
    same += delta == delta_last;
    delta_last = delta;
    last = isn;
  }
  assert_true(ones > 15000 && ones < 17000); /* of 32000 bits */
  assert_true(same < 3);
  struct tct_tuple t = tuple(80, 7), u = t;
  u.raddr = tct_addr_ipv4(10, 0, 0, 3);
  tct_seq mine = tct_tcp_options_isn(&f.s, &t);
  assert_int_not_equal(mine, tct_tcp_options_isn(&f.s, &u));
  f.s.keys.isn[1] = 13;
  assert_int_not_equal(mine, tct_tcp_options_isn(&f.s, &t));
  leaf_end(&f);
}

/* One peer sees one clock (RFC 6191 lives by it), another peer another. */
static void timestamp_offset__by_address_pair__not_by_port(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.s.keys.ts[0] = 5;
  struct tct_tuple t = tuple(80, 4000), u = tuple(81, 4001), w = t;
  w.raddr = tct_addr_ipv4(10, 0, 0, 3);
  assert_int_equal(tct_tcp_options_ts_offset(&f.s, &t), tct_tcp_options_ts_offset(&f.s, &u));
  assert_int_not_equal(tct_tcp_options_ts_offset(&f.s, &t), tct_tcp_options_ts_offset(&f.s, &w));
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_option__offered_by_one_side_only__is_not_used),
      cmocka_unit_test(window_scale__above_14__is_14_and_syn_is_unscaled),
      cmocka_unit_test(receive_buffer__window_scale__is_the_least_that_tells_it),
      cmocka_unit_test(peer_mss__absent_zero_or_tiny__default_or_floor),
      cmocka_unit_test(announced_mss__by_mtu_and_family__is_mtu_less_fixed_headers),
      cmocka_unit_test(interface_mtu_shrinks__next_syn__announces_less),
      cmocka_unit_test(isn__of_one_tuple__ticks_every_four_microseconds),
      cmocka_unit_test(isn__epoch_of_the_restarted_stack__goes_on_where_the_wall_clock_is),
      cmocka_unit_test(isn__other_port_address_or_key__shows_no_pattern),
      cmocka_unit_test(timestamp_offset__by_address_pair__not_by_port),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
