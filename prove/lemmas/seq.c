/* SPDX-License-Identifier: MIT */
/* P1: sequence numbers. util/seq.h against the definition by remainders modulo 2^32, in 64 bits
 * where nothing wraps; and what TCP relies on. For all numbers of 32 bits. RFC 9293 section 3.4. */
#include "util/seq.h"

#define HALF 0x80000000u

/* How far b lies ahead of a, by the book. */
static uint64_t ahead(tct_seq a, tct_seq b) {
  return (0x100000000u + (uint64_t)b - a) % 0x100000000u;
}

bool lemma_add_is_remainder(tct_seq a, uint32_t n) {
  return tct_seq_add(a, n) == ((uint64_t)a + n) % 0x100000000u;
}

bool lemma_sub_is_remainder(tct_seq a, uint32_t n) {
  return tct_seq_sub(a, n) == (0x100000000u + (uint64_t)a - n) % 0x100000000u;
}

bool lemma_lt_is_by_the_book(tct_seq a, tct_seq b) {
  return tct_seq_lt(a, b) == (ahead(a, b) >= 1 && ahead(a, b) < HALF);
}

bool lemma_leq_is_by_the_book(tct_seq a, tct_seq b) {
  return tct_seq_leq(a, b) == (ahead(a, b) < HALF);
}

bool lemma_gt_geq_are_turned_round(tct_seq a, tct_seq b) {
  return tct_seq_gt(a, b) == tct_seq_lt(b, a) && tct_seq_geq(a, b) == tct_seq_leq(b, a);
}

bool lemma_leq_is_lt_or_equal(tct_seq a, tct_seq b) {
  return tct_seq_leq(a, b) == (tct_seq_lt(a, b) || a == b);
}

bool lemma_lt_is_irreflexive(tct_seq a) {
  return !tct_seq_lt(a, a);
}

bool lemma_lt_is_asymmetric(tct_seq a, tct_seq b) {
  return !(tct_seq_lt(a, b) && tct_seq_lt(b, a));
}

bool lemma_one_of_three_but_at_half(tct_seq a, tct_seq b) {
  int n = (tct_seq_lt(a, b) ? 1 : 0) + (tct_seq_lt(b, a) ? 1 : 0) + (a == b ? 1 : 0);
  return n == 1 || ahead(a, b) == HALF;
}

bool lemma_at_half_neither_is_less(tct_seq a) {
  tct_seq b = tct_seq_add(a, HALF);
  return !tct_seq_lt(a, b) && !tct_seq_lt(b, a) && !tct_seq_leq(a, b);
}

bool refuted_one_of_three_always(tct_seq a, tct_seq b) {
  return tct_seq_lt(a, b) || tct_seq_lt(b, a) || a == b;
}

bool lemma_lt_is_transitive_within_half(tct_seq a, tct_seq b, tct_seq c) {
  if (!tct_seq_lt(a, b) || !tct_seq_lt(b, c) || ahead(a, b) + ahead(b, c) >= HALF)
    return true;
  return tct_seq_lt(a, c);
}

/* Two windows of 2^30, the largest that RFC 7323 has, in a row. */
bool lemma_lt_is_transitive_over_two_windows(tct_seq a, tct_seq b, tct_seq c) {
  if (!tct_seq_lt(a, b) || !tct_seq_lt(b, c) || ahead(a, b) > 0x3fffffffu ||
      ahead(b, c) > 0x40000000u)
    return true;
  return tct_seq_lt(a, c);
}

bool refuted_lt_is_transitive(tct_seq a, tct_seq b, tct_seq c) {
  return !(tct_seq_lt(a, b) && tct_seq_lt(b, c)) || tct_seq_lt(a, c);
}

bool lemma_lt_does_not_see_where_zero_is(tct_seq a, tct_seq b, uint32_t n) {
  return tct_seq_lt(a, b) == tct_seq_lt(tct_seq_add(a, n), tct_seq_add(b, n)) &&
         tct_seq_leq(a, b) == tct_seq_leq(tct_seq_sub(a, n), tct_seq_sub(b, n));
}

bool lemma_add_sub_cancel(tct_seq a, uint32_t n) {
  return tct_seq_sub(tct_seq_add(a, n), n) == a && tct_seq_add(tct_seq_sub(a, n), n) == a;
}

bool lemma_add_moves_forward(tct_seq a, uint32_t n) {
  return n == 0 || n >= HALF || tct_seq_lt(a, tct_seq_add(a, n));
}

bool lemma_add_keeps_order_within_half(tct_seq a, uint32_t m, uint32_t n) {
  if (m >= HALF || n >= HALF)
    return true;
  return tct_seq_lt(tct_seq_add(a, m), tct_seq_add(a, n)) == (m < n);
}

bool lemma_len_is_the_distance(tct_seq a, tct_seq b) {
  if (!tct_seq_leq(a, b))
    return true;
  return tct_seq_len(a, b) == ahead(a, b) && tct_seq_add(a, tct_seq_len(a, b)) == b;
}

bool lemma_len_adds_up(tct_seq a, tct_seq b, tct_seq c) {
  if (!tct_seq_leq(a, b) || !tct_seq_leq(b, c) || !tct_seq_leq(a, c) ||
      ahead(a, b) + ahead(b, c) >= HALF)
    return true;
  return (uint64_t)tct_seq_len(a, b) + tct_seq_len(b, c) == tct_seq_len(a, c);
}

bool lemma_ahead_is_len_or_nothing(tct_seq a, tct_seq b) {
  return tct_seq_ahead(a, b) == (tct_seq_leq(a, b) ? ahead(a, b) : 0);
}

bool lemma_between_is_by_the_book(tct_seq low, tct_seq x, tct_seq high) {
  return tct_seq_between(low, x, high) == (ahead(low, x) < ahead(low, high));
}

bool lemma_between_is_low_leq_x_lt_high(tct_seq low, tct_seq x, tct_seq high) {
  if (!tct_seq_leq(low, high))
    return true;
  return tct_seq_between(low, x, high) ==
         (tct_seq_leq(low, x) && ahead(low, x) < HALF && ahead(low, x) < ahead(low, high));
}

bool lemma_nothing_between_equals(tct_seq low, tct_seq x) {
  return !tct_seq_between(low, x, low);
}

/* RCV.NXT =< SEG.SEQ < RCV.NXT+RCV.WND */
bool lemma_window_test_is_the_rfcs(tct_seq nxt, uint32_t wnd, tct_seq seq) {
  if (wnd > 0x40000000u)
    return true;
  return tct_seq_between(nxt, seq, tct_seq_add(nxt, wnd)) ==
         (tct_seq_leq(nxt, seq) && tct_seq_lt(seq, tct_seq_add(nxt, wnd)));
}

/* SND.UNA < SEG.ACK =< SND.NXT */
bool lemma_ack_test_is_the_rfcs(tct_seq una, uint32_t flight, tct_seq ack) {
  if (flight > 0x40000000u)
    return true;
  tct_seq nxt = tct_seq_add(una, flight);
  return (tct_seq_gt(ack, una) && tct_seq_leq(ack, nxt)) ==
         (ahead(una, ack) >= 1 && ahead(una, ack) <= flight);
}

bool lemma_max_min_are_one_each(tct_seq a, tct_seq b) {
  tct_seq low = tct_seq_min(a, b), high = tct_seq_max(a, b);
  if (ahead(a, b) == HALF)
    return low == a && high == a;
  return (low == a || low == b) && tct_seq_leq(low, a) && tct_seq_leq(low, b) &&
         tct_seq_geq(high, a) && tct_seq_geq(high, b) && (low == a ? high == b : high == a);
}

bool lemma_max_min_commute_but_at_half(tct_seq a, tct_seq b) {
  if (ahead(a, b) == HALF)
    return true;
  return tct_seq_min(a, b) == tct_seq_min(b, a) && tct_seq_max(a, b) == tct_seq_max(b, a);
}

bool refuted_max_commutes(tct_seq a, tct_seq b) {
  return tct_seq_max(a, b) == tct_seq_max(b, a);
}
