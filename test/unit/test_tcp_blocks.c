/* SPDX-License-Identifier: MIT */
/* SACK options from friend and foe: whole segments, merged; nonsense refused; the cost bounded.
 * [RFC2018 5] [RFC2883 4] */
#include "test/lib/leaf.h"

#define FIRST (LEAF_ISS + 1)

static void start(struct leaf *f, unsigned segments) {
  leaf_init(f, false);
  f->c.open |= TCT_OPEN_SACK;
  f->c.snd.wnd_max = 1u << 30;
  leaf_queue(f, segments * 100 + 1); /* so that none of them ends a write */
  for (unsigned i = 0; i < segments; i++)
    leaf_sent(f, 100);
}

static struct tct_tcp_ack sack(struct leaf *f, uint32_t begin, uint32_t end) {
  struct tct_tcp_hdr h;
  struct tct_tcp_ack a;
  memset(&h, 0, sizeof h);
  memset(&a, 0, sizeof a);
  a.at = f->s.now;
  a.sacked_first_at = TCT_NEVER;
  a.ack = h.ack = f->c.snd.una;
  h.opt.n_sack = 1;
  h.opt.sack[0].begin = FIRST + begin;
  h.opt.sack[0].end = FIRST + end;
  tct_tcp_blocks_on_ack(&f->s, &f->c, &h, &a);
  return a;
}

static void parts_of_segments__are_not_marked(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 10); /* one run: sent at one instant */
  assert_int_equal(f.a.runs.n, 1);
  struct tct_tcp_ack a = sack(&f, 150, 450);
  assert_int_equal(a.sacked_bytes, 200); /* [200, 400) */
  assert_int_equal(f.a.runs.n, 3);
  a = sack(&f, 401, 499);
  assert_int_equal(a.sacked_bytes, 0);
  assert_int_equal(f.a.runs.n, 3);
  assert_int_equal(tct_tcp_sack_fack(&f.c), FIRST + 400);
  leaf_end(&f);
}

static void neighbours__marked__merge(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 10);
  sack(&f, 200, 300);
  sack(&f, 400, 500);
  assert_int_equal(f.a.runs.n, 5);
  struct tct_tcp_ack a = sack(&f, 200, 500);
  assert_int_equal(a.sacked_bytes, 100);
  assert_int_equal(a.delivered_segs, 1);
  assert_int_equal(f.a.runs.n, 3);
  assert_int_equal(f.a.runs.sacked.segs, 3);
  assert_true(a.reorders); /* it lies below what had arrived */
  assert_int_equal(a.reord, FIRST + 300);
  leaf_end(&f);
}

static void nonsense__is_refused(void **state) {
  (void)state;
  static const uint32_t blocks[][2] = {
      {500, 400},              /* reversed */
      {500, 500},              /* empty */
      {500, 1001},             /* beyond what was sent */
      {1000, 2000},            /* never sent */
      {0, 500},                /* begins at snd.una: then it would be acknowledged */
      {0u - 500, 200},         /* begins below */
      {0u - 500, 0u - 100},    /* old */
      {0x80000000u, 500},      /* half the space away */
      {500, 0x80000000u + 500} /* a span of half the space */
  };
  struct leaf f;
  for (unsigned i = 0; i < TCT_ARRAY_LEN(blocks); i++) {
    start(&f, 10);
    struct tct_tcp_ack a = sack(&f, blocks[i][0], blocks[i][1]);
    assert_int_equal(a.sacked_bytes, 0);
    assert_int_equal(f.a.runs.sacked.segs, 0);
    assert_int_equal(f.a.runs.n, 1);
    leaf_end(&f);
  }
}

static void sack_not_agreed__option__is_ignored(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 10);
  f.c.open &= (uint8_t)~TCT_OPEN_SACK;
  struct tct_tcp_ack a = sack(&f, 200, 500);
  assert_int_equal(a.sacked_bytes, 0);
  leaf_end(&f);
}

static void lost_segment__sacked__is_lost_no_more(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 10);
  tct_tcp_sack_mark_lost(&f.s, &f.c, FIRST + 100, FIRST + 300);
  tct_tcp_sack_on_resent(&f.s, &f.c, FIRST + 100, FIRST + 200, false);
  sack(&f, 100, 300);
  assert_int_equal(f.a.runs.lost.segs, 0);
  assert_int_equal(f.a.runs.resent.segs, 0);
  assert_int_equal(f.a.runs.waiting_bytes, 0);
  assert_int_equal(f.a.runs.sacked.segs, 2);
  leaf_end(&f);
}

/* Every other segment of 4000: as many runs as segments, then all merge again; no more runs than
 * the ring may hold, no memory beyond it. */
static void comb_of_blocks__runs__are_bounded(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 5000);
  for (uint32_t i = 1; i < 5000; i += 2)
    sack(&f, i * 100, i * 100 + 100);
  assert_true(f.a.runs.n <= TCT_RUNS_MAX);
  assert_true(f.a.runs.cap <= TCT_RUNS_MAX);
  for (uint32_t i = 1; i < 4999; i++)
    sack(&f, i * 100, i * 100 + 100);
  sack(&f, 100, 500000);
  assert_int_equal(f.a.runs.n, 2);
  assert_int_equal(f.a.runs.sacked.segs, 4999);
  leaf_end(&f);
}

static void no_memory_to_split__block__is_left_unmarked(void **state) {
  (void)state;
  struct leaf f;
  start(&f, 100);
  f.mem.bytes_max = f.mem.bytes_out;
  for (uint32_t i = 1; i < 100; i += 2)
    sack(&f, i * 100, i * 100 + 100);
  assert_true(f.a.runs.n <= TCT_RUNS_INLINE);
  assert_true(f.a.runs.sacked.segs < 50);
  assert_int_equal(f.a.runs.all.segs, 100);
  leaf_end(&f);
}

/* Two blocks, the first inside the second: what is in the first came twice. */
static void d_sack_above_una__resent_segment__is_no_longer_under_way(void **state) {
  (void)state;
  struct leaf f;
  struct tct_tcp_hdr h;
  struct tct_tcp_ack a;
  start(&f, 10);
  tct_tcp_sack_mark_lost(&f.s, &f.c, FIRST + 200, FIRST + 300);
  tct_tcp_recover_on_resent(&f.s, &f.c, FIRST + 200, FIRST + 300, TCT_WHY_RACK);
  f.x.total_retrans = 1;
  f.a.rec.past.undo_on = true;
  f.a.rec.past.undo_from = FIRST;
  memset(&h, 0, sizeof h);
  memset(&a, 0, sizeof a);
  a.sacked_first_at = TCT_NEVER;
  h.ack = FIRST;
  h.opt.n_sack = 2;
  h.opt.sack[0].begin = FIRST + 200;
  h.opt.sack[0].end = FIRST + 300;
  h.opt.sack[1].begin = FIRST + 100;
  h.opt.sack[1].end = FIRST + 400;
  tct_tcp_blocks_on_ack(&f.s, &f.c, &h, &a);
  assert_true(a.dsack);
  assert_int_equal(f.s.n.TCPDSACKOfoRecv, 1);
  assert_int_equal(f.a.runs.resent.segs, 0);
  assert_int_equal(f.a.rec.past.undo_resent, 0);
  assert_int_equal(f.a.runs.sacked.segs, 3);
  leaf_end(&f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parts_of_segments__are_not_marked),
      cmocka_unit_test(neighbours__marked__merge),
      cmocka_unit_test(nonsense__is_refused),
      cmocka_unit_test(sack_not_agreed__option__is_ignored),
      cmocka_unit_test(lost_segment__sacked__is_lost_no_more),
      cmocka_unit_test(comb_of_blocks__runs__are_bounded),
      cmocka_unit_test(no_memory_to_split__block__is_left_unmarked),
      cmocka_unit_test(d_sack_above_una__resent_segment__is_no_longer_under_way),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
