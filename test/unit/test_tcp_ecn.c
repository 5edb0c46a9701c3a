/* SPDX-License-Identifier: MIT */
/* Congestion notification: who asks, who agrees, which packets are ECT, marks told and heeded. */
#include "test/lib/at.h"

enum { NOT_ECT = 0, ECT0 = 2, CE = 3, SETUP = TCT_ECE | TCT_CWR };

static uint8_t ip_bits(const struct at *a) {
  return (uint8_t)((a->how.ipv6 ? a->frame[1] >> 4 : a->frame[1]) & 3);
}

static uint8_t ecn_flags(const tct_seg *g) {
  assert_non_null(g);
  return g->flags & SETUP;
}

static void ask(struct at *a) {
  assert_int_equal(tct_sock_set(a->s, a->k, TCT_OPT_ECN, TCT_ECN_ON), TCT_OK);
}

static void start_closed(struct at *a, bool ipv6) {
  at_start(a, (struct at_how){.state = TCT_SYN_SENT, .ipv6 = ipv6, .strict = true, .before = ask});
}

/* An active opener with whom the peer has agreed. */
static void start(struct at *a, bool ipv6) {
  start_closed(a, ipv6);
  a->peer.snd_nxt = a->peer.iss;
  AT_IN(a, .flags = TCT_SYN | TCT_ECE);
  assert_int_equal(at_state(a), TCT_ESTABLISHED);
  assert_int_equal(ecn_flags(at_out(a)), 0);
  assert_int_equal(ip_bits(a), NOT_ECT);
}

/* [RFC9293 SHLD-8] RFC 3168 6.1.1 */
static void syn_sent__each_answer__ece_alone_agrees(void **state) {
  static const struct {
    uint8_t flags;
    bool agreed;
  } cases[] = {{0, false}, {TCT_ECE, true}, {TCT_CWR, false}, {SETUP, false}};
  (void)state;
  for (unsigned i = 0; i < 2 * TCT_ARRAY_LEN(cases); i++) {
    struct at a;
    start_closed(&a, i % 2 != 0);
    a.peer.snd_nxt = a.peer.iss;
    AT_IN(&a, .flags = (uint8_t)(TCT_SYN | cases[i / 2].flags));
    assert_non_null(at_out(&a));
    assert_int_equal((at_info(&a).options & TCT_INFO_ECN) != 0, cases[i / 2].agreed);
    at_write(&a, 100);
    assert_non_null(at_out(&a));
    assert_int_equal(ip_bits(&a), cases[i / 2].agreed ? ECT0 : NOT_ECT);
    at_end(&a);
  }
}

static void switch_off(tct_config *c) {
  c->ecn = TCT_ECN_OFF;
}

/* RFC 3168 6.1.1: the whole table of a listener's answers */
static void listener__each_syn__agrees_to_both_bits_on_a_plain_packet(void **state) {
  (void)state;
  for (unsigned i = 0; i < 32; i++) {
    struct at a;
    uint8_t flags = (uint8_t)((i & 1 ? TCT_ECE : 0) | (i & 2 ? TCT_CWR : 0));
    uint8_t field = i >> 2 & 3;
    bool off = i >= 16;
    at_start(&a, (struct at_how){
                     .state = TCT_LISTEN, .strict = true, .config = off ? switch_off : NULL});
    a.peer.snd_nxt = a.peer.iss;
    AT_IN(&a, .flags = (uint8_t)(TCT_SYN | flags), .no_ack = true, .tclass = field);
    const tct_seg *g = at_out(&a);
    bool agreed = flags == SETUP && field == NOT_ECT && !off;
    assert_int_equal(ecn_flags(g), agreed ? TCT_ECE : 0);
    assert_int_equal(ip_bits(&a), NOT_ECT);
    at_end(&a);
  }
}

/* RFC 3168 6.1.4, 6.1.5, 6.1.6 */
static void established__each_kind_of_segment__only_new_data_is_ect(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    at_write(&a, 500);
    assert_non_null(at_lose(&a));
    assert_int_equal(ip_bits(&a), ECT0);
    assert_non_null(at_wait(&a, TCT_S(5))); /* the retransmission */
    assert_int_equal(a.why, TCT_WHY_RTO);
    assert_int_equal(ip_bits(&a), NOT_ECT);
    AT_IN(&a, .len = 10, .tclass = ECT0);
    (void)at_wait(&a, TCT_S(1));
    assert_int_equal(a.got.len, 0);
    assert_int_equal(ip_bits(&a), NOT_ECT);
    at_end(&a);
  }
}

/* RFC 3168 6.1.3 */
static void established__marked_data__ece_until_cwr(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    AT_IN(&a, .len = 1000, .tclass = CE);
    assert_int_equal(ecn_flags(at_wait(&a, 0)), TCT_ECE); /* at once */
    AT_IN(&a, .len = 1000, .tclass = ECT0);
    assert_int_equal(ecn_flags(at_wait(&a, TCT_S(1))), TCT_ECE);
    AT_IN(&a, .len = 1000, .tclass = ECT0, .flags = TCT_CWR);
    assert_int_equal(ecn_flags(at_wait(&a, 0)), 0);
    assert_true((at_info(&a).options & TCT_INFO_ECN_SEEN) != 0);
    at_end(&a);
  }
}

/* A mark on what is not new text counts for nothing: a stranger's old duplicate. */
static void established__marked_duplicate__is_not_told(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  AT_IN(&a, .len = 1000, .tclass = ECT0);
  (void)at_wait(&a, TCT_S(1));
  AT_IN(&a, .seq = -1000, .len = 1000, .tclass = CE, .ghost = true);
  assert_int_equal(ecn_flags(at_wait(&a, 0)), 0);
  at_end(&a);
}

/* RFC 8257 3.2: an ACK never covers marked and unmarked bytes. */
static void exact_receiver__marks_come_and_go__each_ack_covers_one_kind(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    at_set(&a, TCT_OPT_CONGESTION, TCT_CC_DCTCP);
    AT_IN(&a, .len = 100, .tclass = ECT0);
    uint32_t edge = a.peer.snd_nxt;
    AT_IN(&a, .len = 100, .tclass = CE); /* the first is still unacknowledged */
    const tct_seg *g = at_wait(&a, 0);
    assert_int_equal(ecn_flags(g), 0);
    assert_int_equal(g->ack, edge);
    g = at_wait(&a, TCT_S(1));
    assert_int_equal(ecn_flags(g), TCT_ECE);
    assert_int_equal(g->ack, a.peer.snd_nxt);
    AT_IN(&a, .len = 100, .tclass = ECT0);
    g = at_wait(&a, TCT_S(1));
    assert_int_equal(ecn_flags(g), 0);
    at_end(&a);
  }
}

/* RFC 3168 6.1.2 */
static void established__ece_again_and_again__one_cut_a_round_trip(void **state) {
  (void)state;
  for (unsigned ipv6 = 0; ipv6 < 2; ipv6++) {
    struct at a;
    start(&a, ipv6 != 0);
    at_write(&a, 8000);
    for (unsigned i = 0; i < 8; i++)
      assert_non_null(at_lose(&a));
    AT_IN(&a, .ack = 1000, .flags = TCT_ECE);
    uint32_t cut = at_info(&a).snd_ssthresh;
    assert_true(cut < 8000);
    AT_IN(&a, .ack = 2000, .flags = TCT_ECE);
    AT_IN(&a, .ack = 8000, .flags = TCT_ECE);
    assert_int_equal(at_info(&a).snd_ssthresh, cut);
    at_end(&a);
  }
}

/* Nothing under way: nothing to cut, whatever a stranger says. */
static void idle__ece__cuts_nothing(void **state) {
  (void)state;
  struct at a;
  start(&a, false);
  uint32_t cwnd = at_info(&a).snd_cwnd;
  for (unsigned i = 0; i < 5; i++)
    AT_IN(&a, .flags = TCT_ECE);
  assert_int_equal(at_info(&a).snd_cwnd, cwnd);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(syn_sent__each_answer__ece_alone_agrees),
      cmocka_unit_test(listener__each_syn__agrees_to_both_bits_on_a_plain_packet),
      cmocka_unit_test(established__each_kind_of_segment__only_new_data_is_ect),
      cmocka_unit_test(established__marked_data__ece_until_cwr),
      cmocka_unit_test(established__marked_duplicate__is_not_told),
      cmocka_unit_test(exact_receiver__marks_come_and_go__each_ack_covers_one_kind),
      cmocka_unit_test(established__ece_again_and_again__one_cut_a_round_trip),
      cmocka_unit_test(idle__ece__cuts_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
