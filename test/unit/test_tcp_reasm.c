/* SPDX-License-Identifier: MIT */
/*
 * Bytes to their places: any order, overlap and repetition gives the stream once; ranges told as
 * SACK blocks in RFC 2018's order, duplicates as D-SACK; bounds, and what happens when memory ends.
 */
#include "test/lib/leaf.h"
#include "test/lib/seg.h"

/* [begin, begin + len) of the stream arrives as one segment, already trimmed to the window. */
static tct_verdict text(struct leaf *f, tct_seq begin, uint32_t len) {
  static uint8_t buf[70000];
  struct tct_pkt p;
  memset(&p, 0, sizeof p);
  for (uint32_t i = 0; i < len; i++)
    buf[20 + i] = seg_octet(begin + i);
  p.l4 = buf;
  p.l4_len = p.l4_have = 20 + len;
  struct tct_text t = {begin, len, 20, &p};
  return tct_tcp_reasm_input(&f->s, &f->c, &t);
}

static void check_stream(struct leaf *f, tct_seq begin) {
  uint8_t buf[4096];
  tct_seq at = begin;
  while (at != f->c.rcv.nxt) {
    uint32_t n = tct_min_u32(tct_seq_len(at, f->c.rcv.nxt), sizeof buf);
    assert_int_equal(tct_queue_copy_out(&f->a.rx, at, buf, n), n);
    for (uint32_t i = 0; i < n; i++)
      assert_int_equal(buf[i], seg_octet(at + i));
    at += n;
  }
}

static void stop(struct leaf *f) {
  tct_tcp_timer_stop(&f->s, &f->c);
  leaf_end(f);
}

/* [RFC9293 SHLD-31] [RFC9293 EP-16] Random pieces against a byte map, numbers wrapping. */
static void random_pieces__any_order__stream_is_whole_and_ranges_match(void **state) {
  (void)state;
  static uint8_t have[6000];
  static const tct_seq bases[] = {1, 0xfffff800u, 0x7ffff000u};
  for (unsigned seed = 0; seed < 60; seed++) {
    struct leaf f;
    struct tct_prng rng;
    uint8_t s[32] = {(uint8_t)seed, 3};
    uint32_t nxt = 0;
    tct_seq base = bases[seed % 3];
    leaf_init(&f, true);
    tct_prng_init(&rng, s);
    memset(have, 0, sizeof have);
    f.c.rcv.nxt = base;
    f.c.rcv.edge = base + sizeof have;
    tct_queue_deinit(&f.a.rx, &f.s.chunks);
    tct_queue_init(&f.a.rx, base);
    for (unsigned i = 0; i < 3000 && nxt < sizeof have; i++) {
      uint32_t from = nxt + (tct_prng_u32(&rng) % 3 == 0 ? 0 : tct_prng_u32(&rng) % 800);
      uint32_t len = 1 + tct_prng_u32(&rng) % 120;
      if (from >= sizeof have)
        continue;
      len = tct_min_u32(len, (uint32_t)sizeof have - from);
      tct_verdict v = text(&f, base + from, len);
      if (v == TCT_ACCEPTED)
        memset(have + from, 1, len);
      else
        assert_int_equal(v, TCT_DROP_OUT_OF_ORDER_LIMIT);
      while (nxt < sizeof have && have[nxt])
        nxt++;
      assert_int_equal(f.c.rcv.nxt, base + nxt);
      for (uint32_t k = nxt; k < sizeof have; k += 7)
        assert_int_equal(tct_ranges_find(&f.a.ooo.set, base + k) != NULL, have[k]);
      tct_ranges_check(&f.a.ooo.set);
    }
    check_stream(&f, base);
    stop(&f);
  }
}

/* ---- SACK blocks ----------------------------------------------------------------------------- */

static struct tct_tcp_opts blocks(struct leaf *f, unsigned room) {
  struct tct_tcp_opts o;
  memset(&o, 0, sizeof o);
  tct_tcp_reasm_sack_blocks(&f->c, &o, room);
  return o;
}

static void assert_block(const struct tct_tcp_opts *o, unsigned i, tct_seq begin, tct_seq end) {
  assert_true(i < o->n_sack);
  assert_int_equal(o->sack[i].begin, begin);
  assert_int_equal(o->sack[i].end, end);
}

/* RFC 2018 4: the block with the newest arrival first, then the next newest. */
static void several_gaps__sack_blocks__newest_arrival_first(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  text(&f, n + 1000, 100);
  text(&f, n + 3000, 100);
  text(&f, n + 2000, 100);
  struct tct_tcp_opts o = blocks(&f, 4);
  assert_int_equal(o.n_sack, 3);
  assert_block(&o, 0, n + 2000, n + 2100);
  assert_block(&o, 1, n + 3000, n + 3100);
  assert_block(&o, 2, n + 1000, n + 1100);
  text(&f, n + 1100, 100); /* grows the oldest, which is the newest now */
  o = blocks(&f, 4);
  assert_int_equal(o.n_sack, 3);
  assert_block(&o, 0, n + 1000, n + 1200);
  assert_block(&o, 1, n + 2000, n + 2100);
  stop(&f);
}

static void more_gaps_than_room__sack_blocks__are_the_newest_ones(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  for (unsigned i = 1; i <= 6; i++)
    text(&f, n + 1000 * i, 100);
  struct tct_tcp_opts o = blocks(&f, 3);
  assert_int_equal(o.n_sack, 3);
  assert_block(&o, 0, n + 6000, n + 6100);
  assert_block(&o, 1, n + 5000, n + 5100);
  assert_block(&o, 2, n + 4000, n + 4100);
  stop(&f);
}

static void gap_filled__sack_blocks__are_gone(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  text(&f, n + 100, 100);
  text(&f, n, 100);
  assert_int_equal(blocks(&f, 4).n_sack, 0);
  assert_int_equal(f.c.rcv.nxt, n + 200);
  assert_int_equal(f.c.rcv.ack_why, TCT_WHY_ACK_GAP_FILLED);
  stop(&f);
}

/* RFC 2883 4: what came twice is told first, once, and then the block that holds it. */
static void duplicate_beyond_a_gap__dsack__first_once_and_oldest_first(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  text(&f, n + 1000, 300);
  text(&f, n + 1100, 100);
  tct_tcp_reasm_duplicate(&f.s, &f.c, n - 50, n);
  struct tct_tcp_opts o = blocks(&f, 4);
  assert_block(&o, 0, n + 1100, n + 1200);
  assert_block(&o, 1, n + 1000, n + 1300);
  tct_tcp_reasm_on_sack_sent(&f.c);
  o = blocks(&f, 4);
  assert_block(&o, 0, n - 50, n);
  assert_block(&o, 1, n + 1000, n + 1300);
  tct_tcp_reasm_on_sack_sent(&f.c);
  assert_int_equal(blocks(&f, 4).n_sack, 1);
  stop(&f);
}

/* RFC 2883 4: a duplicate equal to the whole block is told twice: as D-SACK and as block. */
static void duplicate_of_a_whole_block__dsack__is_followed_by_the_block(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  text(&f, n + 1000, 100);
  text(&f, n + 1000, 100);
  struct tct_tcp_opts o = blocks(&f, 4);
  assert_int_equal(o.n_sack, 2);
  assert_block(&o, 0, n + 1000, n + 1100);
  assert_block(&o, 1, n + 1000, n + 1100);
  stop(&f);
}

static void five_duplicates__dsack__keeps_the_first_four(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_seq n = f.c.rcv.nxt;
  tct_tcp_reasm_duplicate(&f.s, &f.c, n - 9, n - 8); /* SACK was not agreed on */
  assert_int_equal(f.a.ooo.n_dsack, 0);
  f.c.open |= TCT_OPEN_SACK;
  for (unsigned i = 0; i < 5; i++)
    tct_tcp_reasm_duplicate(&f.s, &f.c, n - 100 + 10 * i, n - 95 + 10 * i);
  assert_int_equal(f.a.ooo.n_dsack, TCT_DSACK_MAX);
  assert_int_equal(f.a.ooo.dsack[0].begin, n - 100);
  stop(&f);
}

/* ---- bounds ---------------------------------------------------------------------------------- */

static void one_byte_pieces__ranges__are_bounded_and_the_rest_is_dropped(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_seq n = f.c.rcv.nxt;
  unsigned most = tct_tcp_reasm_ranges_max(&f.c);
  assert_int_equal(most, f.c.rcv.buf_max / TCT_OOO_BYTES);
  for (unsigned i = 0; i < most; i++)
    assert_int_equal(text(&f, n + 2 + 2 * i, 1), TCT_ACCEPTED);
  assert_int_equal(text(&f, n + 2 + 2 * most, 1), TCT_DROP_OUT_OF_ORDER_LIMIT);
  assert_int_equal(f.s.n.TCPOFODrop, 1);
  assert_int_equal(text(&f, n + 3, 1), TCT_ACCEPTED); /* what joins two still fits */
  assert_int_equal(text(&f, n, 2), TCT_ACCEPTED);
  check_stream(&f, n);
  stop(&f);
}

/* Thousands of segments lost at once, as at the end of slow start on a long path. */
static void large_buffer__many_gaps__are_all_held_and_their_memory_comes_back(void **state) {
  enum { GAPS = 9000 };
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.rcv.buf_max = 16u << 20;
  f.c.rcv.edge = f.c.rcv.nxt + f.c.rcv.buf_max;
  tct_seq n = f.c.rcv.nxt;
  for (unsigned i = 0; i < GAPS; i++)
    assert_int_equal(text(&f, n + 1 + 2 * i, 1), TCT_ACCEPTED);
  assert_int_equal(f.a.ooo.set.n, GAPS);
  for (unsigned i = 0; i < GAPS; i++)
    assert_int_equal(text(&f, n + 2 * i, 1), TCT_ACCEPTED);
  assert_int_equal(f.c.rcv.nxt, n + 2 * GAPS);
  assert_ptr_equal(f.a.ooo.set.at, f.a.ooo.first);
  stop(&f);
}

/* A piece in each chunk costs us far more than its sender: memory that is really held is the bound.
 */
static void spread_pieces__memory_held__is_bounded(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.rcv.buf_max = 4000;
  f.c.rcv.edge = f.c.rcv.nxt + (1u << 29);
  for (unsigned i = 1; i < 60; i++)
    (void)text(&f, f.c.rcv.nxt + 100000 * i, 1);
  assert_true(f.s.n.TCPOFODrop > 0);
  assert_true(f.a.rx.charged_bytes < 2 * 4000 + 65536u + 2 * 40000u);
  tct_verdict v = text(&f, f.c.rcv.nxt, 4); /* in order is taken all the same */
  assert_int_equal(v, TCT_ACCEPTED);
  stop(&f);
}

static void no_memory_beyond_a_gap__segment__is_not_told_as_received(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.open |= TCT_OPEN_SACK;
  tct_seq n = f.c.rcv.nxt;
  f.mem.bytes_max = 1;
  assert_int_equal(text(&f, n + 1000, 100), TCT_DROP_NO_MEMORY);
  assert_int_equal(blocks(&f, 4).n_sack, 0);
  assert_int_equal(text(&f, n, 100), TCT_DROP_NO_MEMORY);
  assert_int_equal(f.c.rcv.nxt, n);
  f.mem.bytes_max = 0;
  assert_int_equal(text(&f, n, 100), TCT_ACCEPTED);
  check_stream(&f, n);
  stop(&f);
}

/* Half of a piece found room: what is told is that half, and an older range in its place survives.
 */
static void memory_ends_within_a_piece__ranges__say_only_what_is_stored(void **state) {
  (void)state;
  for (unsigned fail_at = 1; fail_at < 6; fail_at++) {
    struct leaf f;
    leaf_init(&f, true);
    tct_seq n = f.c.rcv.nxt;
    f.c.rcv.buf_max = 1u << 20;
    f.c.rcv.edge = n + (1u << 20);
    assert_int_equal(text(&f, n + 30000, 100), TCT_ACCEPTED);
    failing_alloc_fail_nth(&f.mem, fail_at);
    (void)text(&f, n + 1000, 60000);
    failing_alloc_fail_nth(&f.mem, 0);
    tct_queue_check(&f.a.rx);
    for (unsigned i = 0; i < f.a.ooo.set.n; i++) {
      struct tct_range r = f.a.ooo.set.at[i];
      uint8_t b;
      for (tct_seq q = r.begin; q != r.end; q++) {
        assert_int_equal(tct_queue_copy_out(&f.a.rx, q, &b, 1), 1);
        assert_int_equal(b, seg_octet(q));
      }
    }
    for (tct_seq q = n; q != n + 61000; q += 500)
      (void)text(&f, q, 500);
    check_stream(&f, n);
    assert_int_equal(f.c.rcv.nxt, n + 61000);
    stop(&f);
  }
}

/* ---- nobody reads ---------------------------------------------------------------------------- */

static void reading_shut__in_order_data__is_acknowledged_and_thrown_away(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  tct_seq n = f.c.rcv.nxt;
  f.c.rcv.flags |= TCT_RCV_SHUT;
  assert_int_equal(text(&f, n, 5000), TCT_ACCEPTED);
  assert_int_equal(f.c.rcv.nxt, n + 5000);
  assert_int_equal(tct_queue_len(&f.a.rx), 0);
  assert_int_equal(text(&f, n + 6000, 100), TCT_ACCEPTED); /* a gap is still a gap */
  assert_int_equal(text(&f, n + 5000, 1000), TCT_ACCEPTED);
  assert_int_equal(f.c.rcv.nxt, n + 6100);
  assert_int_equal(tct_queue_len(&f.a.rx), 0);
  stop(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_pieces__any_order__stream_is_whole_and_ranges_match),
      cmocka_unit_test(several_gaps__sack_blocks__newest_arrival_first),
      cmocka_unit_test(more_gaps_than_room__sack_blocks__are_the_newest_ones),
      cmocka_unit_test(gap_filled__sack_blocks__are_gone),
      cmocka_unit_test(duplicate_beyond_a_gap__dsack__first_once_and_oldest_first),
      cmocka_unit_test(duplicate_of_a_whole_block__dsack__is_followed_by_the_block),
      cmocka_unit_test(five_duplicates__dsack__keeps_the_first_four),
      cmocka_unit_test(one_byte_pieces__ranges__are_bounded_and_the_rest_is_dropped),
      cmocka_unit_test(large_buffer__many_gaps__are_all_held_and_their_memory_comes_back),
      cmocka_unit_test(spread_pieces__memory_held__is_bounded),
      cmocka_unit_test(no_memory_beyond_a_gap__segment__is_not_told_as_received),
      cmocka_unit_test(memory_ends_within_a_piece__ranges__say_only_what_is_stored),
      cmocka_unit_test(reading_shut__in_order_data__is_acknowledged_and_thrown_away),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
