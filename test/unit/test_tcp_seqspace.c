/* SPDX-License-Identifier: MIT */
/* Numbers that wrap: in the handshake, in the middle of data, at the FIN; and una coming round to
 * ISS. */
#include "test/lib/at.h"
#include "test/lib/leaf.h"

static uint32_t our_isn;

static void fix_isn(struct at *a) {
  at_set(a, TCT_OPT_ISN, our_isn);
}

/* [RFC9293 EP-4] SYN 4294967295 draws ACK 0. */
static void listener__syn_with_the_highest_number__ack_is_zero(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_LISTEN, .strict = true});
  a.peer.snd_nxt = a.peer.iss = UINT32_MAX;
  AT_IN(&a, .flags = TCT_SYN, .no_ack = true);
  const tct_seg *g = at_out(&a);
  assert_int_equal(g->flags, TCT_SYN | TCT_ACK);
  assert_int_equal(g->ack, 0);
  AT_IN(&a, .len = 3);
  assert_int_equal(tct_sock_accept(a.s, a.listener, NULL, &a.k), TCT_OK);
  a.read_at = 0;
  assert_int_equal(at_read(&a, 10), 3);
  at_end(&a);
}

/* A whole life with both numbers wrapping at each place in turn: data, gaps, losses, FIN. */
static void both_numbers__wrap_at_each_place__nothing_is_different(void **state) {
  (void)state;
  for (uint32_t back = 0; back < 8; back++) {
    struct at a;
    our_isn = 0u - 1 - back * 500;
    at_start(&a, (struct at_how){
                     .state = TCT_SYN_SENT, .strict = true, .before = fix_isn, .sack = true});
    assert_int_equal(a.got.seq, our_isn);
    a.peer.snd_nxt = a.peer.iss = our_isn + 200;
    a.read_at = a.peer.iss + 1;
    a.written = our_isn + 1;
    AT_IN(&a, .flags = TCT_SYN);
    assert_non_null(at_out(&a));
    at_write(&a, 3000); /* out, the first lost and repaired */
    assert_non_null(at_lose(&a));
    assert_non_null(at_lose(&a));
    assert_non_null(at_lose(&a));
    AT_IN(&a, .seq = 1000, .len = 700); /* in, beyond a gap */
    assert_non_null(at_out(&a));
    assert_int_equal(a.got.n_sack, 1);
    assert_int_equal(a.got.sack[0][0], a.peer.snd_nxt + 1000);
    AT_IN(&a, .len = 1000);
    a.peer.snd_nxt += 700;
    assert_int_equal(at_read(&a, 5000), 1700);
    for (unsigned i = 0; i < 50 && a.peer.rcv_nxt != our_isn + 3001; i++) {
      (void)at_wait(&a, TCT_S(61));
      AT_IN(&a, .len = 0);
    }
    assert_int_equal(a.peer.rcv_nxt, our_isn + 3001);
    assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
    (void)at_drain(&a);
    assert_int_equal(a.peer.rcv_nxt, our_isn + 3002);
    AT_IN(&a, .flags = TCT_FIN);
    assert_int_equal(at_state(&a), TCT_TIME_WAIT);
    at_end(&a);
  }
}

/* After 4 GiB una equals ISS again: that is no handshake. */
static void una_comes_round_to_iss__data__goes_on(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_plan p;
  leaf_init(&f, true);
  f.c.snd.una = f.c.snd.nxt = LEAF_ISS;
  f.a.cc.used_end = LEAF_ISS;
  tct_queue_deinit(&f.a.tx, &f.s.chunks);
  tct_queue_init(&f.a.tx, LEAF_ISS);
  leaf_queue(&f, 1500);
  f.c.snd.flags |= TCT_SND_NODELAY;
  tct_tcp_plan(&f.s, &f.c, &p);
  assert_int_equal(p.why, TCT_WHY_DATA);
  assert_int_equal(p.seq, LEAF_ISS);
  leaf_sent(&f, 1000);
  leaf_sent(&f, 500);
  struct tct_tcp_ack a = leaf_ack(&f, LEAF_ISS + 1000, 65535);
  assert_int_equal(a.acked_bytes, 1000);
  assert_int_equal(tct_tcp_send_flight(&f.c), 500);
  a = leaf_ack(&f, LEAF_ISS + 1500, 65535);
  assert_int_equal(a.acked_bytes, 500);
  assert_int_equal(tct_queue_len(&f.a.tx), 0);
  leaf_end(&f);
}

/* The same with time: a connection idle for longer than its numbers, stamps and clocks take to
 * wrap. */
static void idle_for_a_year__data_both_ways__still_flows(void **state) {
  (void)state;
  for (unsigned ts = 0; ts < 2; ts++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true, .ts = ts != 0});
    for (unsigned i = 1; i <= 12; i++) {
      at_silent(&a, TCT_S(31u * 86400u));
      AT_IN(&a, .len = 10);
      assert_int_equal(at_read(&a, 100), 10);
      (void)at_wait(&a, TCT_S(1));
      at_write(&a, 10);
      at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 10);
      AT_IN(&a, .len = 0);
      assert_true(at_info(&a).rto <= 3000000); /* no sample of a month */
    }
    at_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(listener__syn_with_the_highest_number__ack_is_zero),
      cmocka_unit_test(both_numbers__wrap_at_each_place__nothing_is_different),
      cmocka_unit_test(una_comes_round_to_iss__data__goes_on),
      cmocka_unit_test(idle_for_a_year__data_both_ways__still_flows),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
