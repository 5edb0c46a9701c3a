/* SPDX-License-Identifier: MIT */
/*
 * The path of the goodput benchmark: the same for two senders, and what its rows say. If it were
 * not, the table beside Linux's would compare two networks rather than two stacks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "bench/goodput/path.h"

#define MS(x) ((uint64_t)(x)*1000000u)
#define SEC(x) ((uint64_t)(x)*1000000000u)

enum { FULL = 1500, HEADERS = 40, WIRE_NS = 120000 };

/* An IPv4 TCP packet of `len` octets; only what path.c reads is filled in. */
static const uint8_t *make_packet(unsigned flow, uint32_t seq) {
  static uint8_t b[FULL];
  memset(b, 0, sizeof b);
  b[0] = 0x45;
  b[9] = 6;
  b[22] = (uint8_t)((GOODPUT_PORT + flow) >> 8);
  b[23] = (uint8_t)(GOODPUT_PORT + flow);
  for (unsigned i = 0; i < 4; i++)
    b[24 + i] = (uint8_t)(seq >> (24 - 8 * i));
  b[32] = 5 << 4;
  return b;
}

static void init(struct goodput_path *p, const char *row, uint64_t seed) {
  const struct goodput_row *r = goodput_row_find(row);
  assert_non_null(r);
  goodput_path_init(p, r, seed);
}

static uint64_t carry(struct goodput_path *p, uint64_t now_ns, uint32_t seq) {
  return goodput_path_carry(p, 0, now_ns, make_packet(0, seq), FULL);
}

static void path__clean__delay_and_rate_are_exact(void **state) {
  struct goodput_path p;
  (void)state;
  init(&p, "loss-0", 1);
  assert_int_equal(carry(&p, SEC(5), 0), SEC(5) + WIRE_NS + MS(20));
  assert_int_equal(carry(&p, SEC(5), 1), SEC(5) + 2 * WIRE_NS + MS(20));
}

static void path__burst__queue_holds_one_product(void **state) {
  struct goodput_path p;
  unsigned n = 0;
  (void)state;
  init(&p, "loss-0", 1);
  for (uint32_t i = 0; i < 1000; i++)
    n += carry(&p, 0, i) != GOODPUT_LOST;
  assert_int_equal(n, 500000 / FULL);
  assert_int_equal(p.dropped_by_queue, 1000 - n);
}

/* Sent at other times, in other numbers per millisecond: packet n has the same fate. */
static void path__loss__depends_on_the_number_alone(void **state) {
  struct goodput_path slow, fast, other;
  unsigned lost = 0, differ = 0;
  (void)state;
  init(&slow, "loss-3", 7);
  init(&fast, "loss-3", 7);
  init(&other, "loss-3", 8);
  for (uint32_t i = 0; i < 20000; i++) {
    bool a = carry(&slow, MS(5) * i, i) == GOODPUT_LOST;
    assert_int_equal(a, carry(&fast, (uint64_t)WIRE_NS * i, 0) == GOODPUT_LOST);
    differ += a != (carry(&other, MS(5) * i, i) == GOODPUT_LOST);
    lost += a;
  }
  assert_in_range(lost, 540, 660);
  assert_in_range(differ, 1000, 1300);
}

static void path__loss__spares_the_acks(void **state) {
  struct goodput_path p;
  (void)state;
  init(&p, "loss-10", 7);
  for (uint32_t i = 0; i < 1000; i++)
    assert_true(goodput_path_carry(&p, 1, MS(1) * i, make_packet(0, i), HEADERS) != GOODPUT_LOST);
}

static void path__reordering__late_by_up_to_ten_ms_none_lost(void **state) {
  struct goodput_path p;
  unsigned late = 0;
  (void)state;
  init(&p, "reorder-3", 3);
  for (uint32_t i = 0; i < 20000; i++) {
    uint64_t now_ns = MS(1) * i, at_ns = carry(&p, now_ns, i);
    assert_in_range(at_ns - now_ns, MS(20) + WIRE_NS, MS(30) + WIRE_NS);
    late += at_ns - now_ns > MS(20) + WIRE_NS;
  }
  assert_in_range(late, 540, 660);
}

/* The oracle's path: the same packets are late, but nothing overtakes them. */
static void path__resequenced__order_is_kept(void **state) {
  struct goodput_path p;
  uint64_t last = 0;
  (void)state;
  init(&p, "reorder-3", 3);
  p.resequence = true;
  for (uint32_t i = 0; i < 20000; i++) {
    uint64_t at_ns = carry(&p, (uint64_t)WIRE_NS * i, i);
    assert_true(at_ns >= last);
    last = at_ns;
  }
  assert_in_range(p.late, 540, 660);
}

static void path__stall__holds_back_in_order_and_loses_nothing(void **state) {
  struct goodput_path p;
  uint64_t last = 0, longest = 0;
  (void)state;
  init(&p, "stall", 3);
  for (uint32_t i = 0; i < 60000; i++) {
    uint64_t now_ns = MS(1) * i / 2, at_ns = carry(&p, now_ns, i);
    assert_true(at_ns != GOODPUT_LOST && at_ns >= last + WIRE_NS);
    longest = at_ns - now_ns > longest ? at_ns - now_ns : longest;
    last = at_ns;
  }
  assert_in_range(longest, MS(320), MS(2900));
  for (unsigned i = 0; i < p.n_stalls; i++)
    assert_in_range(p.stall[i][1] - p.stall[i][0], MS(300), MS(2500));
}

static void path__policer__lets_its_rate_and_one_bucket_pass(void **state) {
  struct goodput_path p;
  uint64_t passed = 0;
  (void)state;
  init(&p, "policer", 1);
  for (uint32_t i = 0; i < 10 * 8333; i++) /* ten seconds at the link's rate */
    passed += carry(&p, (uint64_t)WIRE_NS * i, i) != GOODPUT_LOST ? FULL : 0;
  assert_in_range(passed, 25000000 + 100000 - 2 * FULL, 25000000 + 100000 + FULL);
}

static void path__two_flows__have_their_own_delays(void **state) {
  struct goodput_path p;
  (void)state;
  init(&p, "two-flows", 1);
  assert_int_equal(goodput_path_carry(&p, 0, 0, make_packet(0, 0), FULL), WIRE_NS + MS(10));
  assert_int_equal(goodput_path_carry(&p, 0, 0, make_packet(1, 0), FULL), 2 * WIRE_NS + MS(40));
}

/* Sequence numbers may wrap; a spell ends where everything out at its beginning is repaired. */
static void path__counts__spells_of_retransmission(void **state) {
  const uint32_t data = FULL - HEADERS, first = UINT32_MAX - 3 * data;
  const unsigned sent[] = {0, 1, 2, 3, 4, 5, 1, 3, 6, 2, 7, 6, 5, 8};
  struct goodput_path p;
  (void)state;
  init(&p, "loss-0", 1);
  for (unsigned i = 0; i < sizeof sent / sizeof sent[0]; i++)
    carry(&p, MS(1) * i, first + sent[i] * data);
  assert_int_equal(p.count[0].data_segs, 14);
  assert_int_equal(p.count[0].resent_segs, 5);
  assert_int_equal(p.count[0].episodes, 2);
}

/* Only what was dropped needs to be sent again, and only once. */
static void path__resent_without_a_loss__is_a_mistake(void **state) {
  const uint32_t data = FULL - HEADERS;
  struct goodput_path p;
  uint32_t lost = 0;
  (void)state;
  init(&p, "loss-10", 1);
  for (uint32_t i = 1; i < 200; i++)
    if (carry(&p, MS(1) * i, i * data) == GOODPUT_LOST)
      lost = i;
  assert_in_range(lost, 150, 199);
  assert_int_equal(p.count[0].mistakes, 0);
  init(&p, "loss-0", 1);
  for (uint32_t i = 1; i < 10; i++)
    carry(&p, MS(1) * i, i * data);
  p.count[0].drop[0][0] = 4 * data;
  p.count[0].drop[0][1] = 5 * data;
  p.count[0].n_drops = 1;
  carry(&p, MS(20), 4 * data);
  assert_int_equal(p.count[0].needless_segs, 0);
  carry(&p, MS(21), 4 * data);
  assert_int_equal(p.count[0].needless_segs, 1);
  assert_int_equal(p.count[0].mistakes, 0); /* that spell began rightly */
  carry(&p, MS(30), 10 * data);
  carry(&p, MS(31), 10 * data);
  assert_int_equal(p.count[0].mistakes, 1);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(path__clean__delay_and_rate_are_exact),
      cmocka_unit_test(path__burst__queue_holds_one_product),
      cmocka_unit_test(path__loss__depends_on_the_number_alone),
      cmocka_unit_test(path__loss__spares_the_acks),
      cmocka_unit_test(path__reordering__late_by_up_to_ten_ms_none_lost),
      cmocka_unit_test(path__resequenced__order_is_kept),
      cmocka_unit_test(path__stall__holds_back_in_order_and_loses_nothing),
      cmocka_unit_test(path__policer__lets_its_rate_and_one_bucket_pass),
      cmocka_unit_test(path__two_flows__have_their_own_delays),
      cmocka_unit_test(path__counts__spells_of_retransmission),
      cmocka_unit_test(path__resent_without_a_loss__is_a_mistake),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
