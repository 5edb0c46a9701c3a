/* SPDX-License-Identifier: MIT */
/* cli/plot's numbers: what is told of a connection becomes the right curves, bars and marks. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cli/plot/measure.h"
#include "cli/plot/spans.h"
#include "test/unit/plot_story.h"

static unsigned count_bars(const struct measure *m, enum measure_class class) {
  unsigned n = 0;
  for (size_t i = 0; i < m->n_bars; i++)
    n += m->bar[i].class == class;
  return n;
}

static unsigned count_marks(const struct measure *m, enum measure_mark_kind kind) {
  unsigned n = 0;
  for (size_t i = 0; i < m->n_marks; i++)
    n += m->mark[i].kind == kind;
  return n;
}

static int64_t value_at(const struct measure_curve *c, tct_time at) {
  int64_t v = -1;
  for (size_t i = 0; i < c->n && c->p[i].at <= at; i++)
    v = c->p[i].v;
  return v;
}

static void measure__recovery__is_told_in_full(void **state) {
  struct measure m;
  (void)state;
  tell_recovery();
  assert_int_equal(plot->n_flows, 1);
  assert_true(measure_flow(&m, plot, 0, 0));
  assert_false(m.at_receiver || m.on_wire);
  assert_int_equal(count_bars(&m, MEASURE_DATA), 11); /* the SYN has a number, too */
  assert_int_equal(count_bars(&m, MEASURE_AGAIN), 2);
  assert_int_equal(count_bars(&m, MEASURE_SACK), 7);
  assert_int_equal(count_bars(&m, MEASURE_DSACK), 1);
  assert_int_equal(count_marks(&m, MEASURE_LOST), 1);
  assert_int_equal(count_marks(&m, MEASURE_DUP_ACK), 7);
  assert_int_equal(m.by_why[TCT_WHY_RACK], 1);
  assert_int_equal(m.by_why[TCT_WHY_TLP], 1);
  assert_int_equal(m.bytes, 10 * MSS); /* across the wrap of the numbers */
  assert_int_equal(m.acked, 10 * MSS + 1);
  measure_free(&m);
}

static void measure__in_flight__is_what_may_still_arrive(void **state) {
  struct measure m;
  (void)state;
  tell_recovery();
  assert_true(measure_flow(&m, plot, 0, 0));
  const struct measure_curve *f = &m.line[MEASURE_FLIGHT];
  assert_int_equal(value_at(f, MS(1030)), 10 * MSS);
  /* 2 acknowledged, 3 SACKed, the hole not yet three segments below: 5 in flight. */
  assert_int_equal(value_at(f, MS(1041) + 5999), 6 * MSS);
  /* All but the hole arrived, and the hole counts as lost. */
  assert_int_equal(value_at(f, MS(1041) + 20000), 0);
  assert_int_equal(value_at(f, MS(1043)), MSS); /* it goes again */
  assert_int_equal(value_at(f, MS(1070)), 0);
  measure_free(&m);
}

/* RFC 6298 section 3: what was sent twice gives no round trip. */
static void measure__round_trips__follow_karn(void **state) {
  struct measure m;
  (void)state;
  tell_recovery();
  assert_true(measure_flow(&m, plot, 0, 0));
  assert_int_equal(m.rtt.n, 2);
  assert_int_equal(m.rtt.p[0].v, MS(20)); /* SYN */
  assert_int_equal(m.rtt.p[1].v, MS(20)); /* the first two */
  measure_free(&m);
}

static void measure__window_and_cwnd__are_steps(void **state) {
  struct measure m;
  (void)state;
  tell_recovery();
  assert_true(measure_flow(&m, plot, 0, 0));
  assert_int_equal(value_at(&m.line[MEASURE_WINDOW], MS(1070)), 10 * MSS + 1 + 20000);
  assert_int_equal(value_at(&m.line[MEASURE_CWND], MS(1041)), 12000);
  assert_int_equal(value_at(&m.line[MEASURE_CWND], MS(1050)), 6000);
  assert_int_equal(value_at(&m.line[MEASURE_SRTT], MS(1050)), MS(20));
  measure_free(&m);
}

/* ---- Seen by others -------------------------------------------------------------------------- */

static void see(tct_time at, const tct_seg *seg) {
  static uint32_t number;
  plot_seen(plot, at, seg, ++number, TCT_WHY_NONE);
}

static void measure__capture__guesses_reasons_and_says_so(void **state) {
  struct measure m;
  tct_seg s;
  (void)state;
  for (uint32_t i = 0; i < 6; i++) {
    s = segment(0, TCT_ACK, 1 + i * MSS, MSS, 1);
    see(MS(10), &s);
  }
  for (uint32_t i = 0; i < 4; i++) {
    s = segment(1, TCT_ACK, 1, 0, 1);
    see(MS(30), &s);
  }
  s = segment(0, TCT_ACK, 1, MSS, 1);
  see(MS(31), &s);
  see(MS(531), &s);
  assert_true(measure_flow(&m, plot, 0, 0));
  assert_true(m.on_wire);
  assert_int_equal(m.again, 2);
  assert_int_equal(m.by_why[TCT_WHY_FAST_REXMIT], 1);
  assert_int_equal(m.by_why[TCT_WHY_RTO], 1);
  assert_true(m.bar[6].inferred);
  assert_int_equal(m.line[MEASURE_WINDOW].n, 0); /* without SYNs its scale is unknown */
  measure_free(&m);
}

static void measure__capture__a_filled_hole_is_not_a_second_copy(void **state) {
  struct measure m;
  (void)state;
  static const uint32_t order[] = {0, 2, 3, 1, 3};
  for (size_t i = 0; i < sizeof order / sizeof order[0]; i++) {
    tct_seg s = segment(0, TCT_ACK, 1 + order[i] * MSS, MSS, 1);
    see(MS(10 + i), &s);
  }
  assert_true(measure_flow(&m, plot, 0, 0));
  assert_int_equal(m.late, 1);
  assert_int_equal(m.again, 1);
  measure_free(&m);
}

static void collect__window__is_scaled_when_both_syns_were_seen(void **state) {
  tct_seg syn = segment(0, TCT_SYN, 0, 0, 0), answer = segment(1, TCT_SYN | TCT_ACK, 0, 0, 1);
  tct_seg ack = segment(1, TCT_ACK, 1, 0, 1);
  (void)state;
  syn.wscale = 3;
  answer.wscale = 7;
  see(1, &syn);
  see(2, &answer);
  see(3, &ack);
  assert_int_equal(plot->event[1].window, 20000);
  assert_int_equal(plot->event[2].window, 20000 << 7);
}

static void collect__ports_used_again__are_another_flow(void **state) {
  tct_seg syn = segment(0, TCT_SYN, 0, 0, 0);
  (void)state;
  see(1, &syn);
  see(2, &syn); /* sent again: the same */
  assert_int_equal(plot->n_flows, 1);
  syn.seq += 77777;
  see(3, &syn);
  assert_int_equal(plot->n_flows, 2);
}

static void choose__nothing_said__is_the_side_that_sent_more(void **state) {
  struct plot_view v;
  size_t flow;
  int from;
  tct_seg syn = segment(0, TCT_SYN, 0, 0, 0), data = segment(1, TCT_ACK, 1, 500, 1);
  (void)state;
  plot_view_init(&v);
  assert_false(plot_choose(plot, &v, &flow, &from));
  see(1, &syn);
  see(2, &data);
  assert_true(plot_choose(plot, &v, &flow, &from));
  assert_int_equal(from, 1);
  v.from = 0;
  assert_true(plot_choose(plot, &v, &flow, &from));
  assert_int_equal(from, 0);
  v.flow = 2;
  assert_false(plot_choose(plot, &v, &flow, &from));
}

/* ---- Spans ----------------------------------------------------------------------------------- */

static void spans__neighbours__grow_together(void **state) {
  struct spans s = {0};
  (void)state;
  spans_add(&s, 10, 20);
  spans_add(&s, 30, 40);
  assert_int_equal(s.n, 2);
  spans_add(&s, 20, 30);
  assert_int_equal(s.n, 1);
  assert_int_equal(spans_sum(&s, 0, 100), 30);
  spans_remove(&s, 15, 35);
  assert_int_equal(s.n, 2);
  assert_int_equal(spans_sum(&s, 0, 100), 10);
  assert_true(spans_touch(&s, 14, 16));
  assert_false(spans_touch(&s, 15, 35));
}

static void spans__too_many__forget_the_lowest(void **state) {
  static struct spans s;
  (void)state;
  for (int64_t i = 0; i < SPANS_MAX + 10; i++)
    spans_add(&s, i * 10, i * 10 + 5);
  assert_int_equal(s.n, SPANS_MAX);
  assert_int_equal(s.s[0].from, 100);
}

/* Against one flag a number. */
static void spans__any_order__agree_with_a_bitmap(void **state) {
  static struct spans s;
  static bool bit[200];
  uint32_t seed = 7;
  (void)state;
  for (unsigned round = 0; round < 3000; round++) {
    seed = seed * 1664525u + 1013904223u;
    int64_t from = seed >> 8 & 127, to = from + (seed >> 20 & 31);
    bool add = (seed >> 30) != 0;
    for (int64_t i = from; i < to; i++)
      bit[i] = add;
    if (add)
      spans_add(&s, from, to);
    else
      spans_remove(&s, from, to);
    int64_t sum = 0;
    for (unsigned i = 0; i < 200; i++)
      sum += bit[i];
    assert_int_equal(spans_sum(&s, 0, 200), sum);
    for (size_t i = 1; i < s.n; i++)
      assert_true(s.s[i - 1].to < s.s[i].from);
  }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void) {
  const struct CMUnitTest tests[] = {
      TEST(measure__recovery__is_told_in_full),
      TEST(measure__in_flight__is_what_may_still_arrive),
      TEST(measure__round_trips__follow_karn),
      TEST(measure__window_and_cwnd__are_steps),
      TEST(measure__capture__guesses_reasons_and_says_so),
      TEST(measure__capture__a_filled_hole_is_not_a_second_copy),
      TEST(collect__window__is_scaled_when_both_syns_were_seen),
      TEST(collect__ports_used_again__are_another_flow),
      TEST(choose__nothing_said__is_the_side_that_sent_more),
      TEST(spans__neighbours__grow_together),
      TEST(spans__too_many__forget_the_lowest),
      TEST(spans__any_order__agree_with_a_bitmap),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
