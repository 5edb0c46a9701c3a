/* SPDX-License-Identifier: MIT */
/*
 * The runs of what was sent: against a map with one entry a byte, with numbers that wrap; the
 * ring's growth and its limit; Karn's rule.
 */
#include "test/lib/leaf.h"

#define SPAN 40000u

struct byte { /* what the model knows of one sequence number */
  tct_time sent_at;
  uint8_t times, lost, resent, sacked;
};

struct model {
  struct leaf f;
  struct byte at[SPAN];
  uint32_t base, una, nxt; /* una and nxt relative to base */
  struct tct_prng rng;
};

static uint32_t below(struct model *m, uint32_t n) {
  return tct_prng_u32(&m->rng) % n;
}

static tct_seq seq_of(const struct model *m, uint32_t offset) {
  return m->base + offset;
}

/* The connection begins at `base`, as if its SYN had been acknowledged. */
static void start(struct model *m, uint32_t base, uint8_t seed) {
  uint8_t s[32] = {seed, 7};
  memset(m, 0, sizeof *m);
  leaf_init(&m->f, true);
  m->f.c.open |= TCT_OPEN_SACK;
  tct_prng_init(&m->rng, s);
  m->base = base;
  m->f.c.iss = base - 1;
  m->f.c.snd.una = base;
  m->f.c.snd.nxt = base;
}

static void send_new(struct model *m, uint32_t len, uint16_t size) {
  struct leaf *f = &m->f;
  if (m->nxt + len > SPAN)
    return;
  f->c.snd.nxt += len;
  tct_tcp_sack_on_sent(&f->s, &f->c, seq_of(m, m->nxt), seq_of(m, m->nxt + len), size);
  for (uint32_t i = 0; i < len; i++)
    m->at[m->nxt + i] = (struct byte){f->s.now, 1, 0, 0, 0};
  m->nxt += len;
}

static void lose(struct model *m, uint32_t b, uint32_t e) {
  struct leaf *f = &m->f;
  uint32_t marked = 0, before = f->a.runs.waiting_bytes;
  for (uint32_t i = b; i < e; i++) {
    bool waits = m->at[i].lost && !m->at[i].resent;
    if (m->at[i].sacked)
      continue;
    marked += !waits;
    m->at[i].lost = 1;
    m->at[i].resent = 0;
  }
  tct_tcp_sack_mark_lost(&f->s, &f->c, seq_of(m, b), seq_of(m, e));
  assert_int_equal(f->a.runs.waiting_bytes - before, marked);
}

static void resend(struct model *m, uint32_t b, uint32_t e) {
  struct leaf *f = &m->f;
  uint32_t paid = 0;
  for (uint32_t i = b; i < e; i++) {
    bool waits = m->at[i].lost && !m->at[i].resent;
    paid += waits;
    m->at[i].resent |= waits;
    m->at[i].sent_at = f->s.now;
    m->at[i].times++;
  }
  uint32_t before = f->a.runs.waiting_bytes;
  tct_tcp_sack_on_resent(&f->s, &f->c, seq_of(m, b), seq_of(m, e), false);
  assert_int_equal(before - f->a.runs.waiting_bytes, paid);
}

static struct tct_tcp_ack news(struct model *m) {
  struct tct_tcp_ack a;
  memset(&a, 0, sizeof a);
  a.at = m->f.s.now;
  a.first_at = a.last_at = a.sacked_first_at = a.sacked_last_at = TCT_NEVER;
  return a;
}

static void ack(struct model *m, uint32_t upto) {
  struct leaf *f = &m->f;
  struct tct_tcp_ack a = news(m);
  uint32_t arrived = 0;
  for (uint32_t i = m->una; i < upto; i++)
    arrived += !m->at[i].sacked;
  a.ack = seq_of(m, upto);
  tct_tcp_sack_on_ack(&f->c, a.ack, &a);
  assert_int_equal(a.delivered_bytes, arrived);
  f->c.snd.una = a.ack;
  m->una = upto;
}

/* A SACK block: only what lies in it is marked, and never a part of a segment. */
static void sack(struct model *m, uint32_t b, uint32_t e) {
  struct leaf *f = &m->f;
  struct tct_tcp_ack a = news(m);
  struct tct_tcp_hdr h;
  uint32_t before = f->a.runs.sacked.bytes;
  memset(&h, 0, sizeof h);
  h.ack = f->c.snd.una;
  h.opt.n_sack = 1;
  h.opt.sack[0].begin = seq_of(m, b);
  h.opt.sack[0].end = seq_of(m, e);
  tct_tcp_blocks_on_ack(&f->s, &f->c, &h, &a);
  assert_int_equal(f->a.runs.sacked.bytes - before, a.sacked_bytes);
  for (uint32_t i = m->una; i < m->nxt; i++) {
    const struct tct_run *run =
        tct_tcp_sack_at(&f->a.runs, tct_tcp_sack_find(&f->a.runs, seq_of(m, i)));
    bool now = (run->flags & TCT_RUN_SACKED) != 0;
    assert_true(now >= m->at[i].sacked);
    if (!now || m->at[i].sacked)
      continue;
    assert_true(i >= b && i < e);
    m->at[i].sacked = 1;
    m->at[i].resent &= !m->at[i].lost;
    m->at[i].lost = 0;
  }
}

static void add(struct tct_run_sum *sum, const struct tct_run *run, unsigned flag) {
  if (flag != 0 && (run->flags & flag) == 0)
    return;
  sum->bytes += tct_seq_len(run->begin, run->end);
  sum->segs += tct_tcp_sack_segs(run);
}

static void compare_sums(const struct tct_runs *r) {
  struct tct_run_sum want[4] = {{0, 0}};
  const struct tct_run_sum *kept[] = {&r->all, &r->sacked, &r->lost, &r->resent};
  static const unsigned flags[] = {0, TCT_RUN_SACKED, TCT_RUN_LOST, TCT_RUN_RESENT};
  for (uint32_t i = 0; i < r->n; i++)
    for (unsigned k = 0; k < 4; k++)
      add(&want[k], tct_tcp_sack_at(r, i), flags[k]);
  for (unsigned k = 0; k < 4; k++) {
    assert_int_equal(kept[k]->bytes, want[k].bytes);
    assert_int_equal(kept[k]->segs, want[k].segs);
  }
}

/* Every byte is in exactly one run, and each run says of it what the map says. */
static void compare(struct model *m) {
  const struct tct_runs *r = &m->f.a.runs;
  uint32_t at = m->una, first_waiting = UINT32_MAX;
  for (uint32_t i = 0; i < r->n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(r, i);
    assert_int_equal(run->begin, seq_of(m, at));
    assert_true(run->begin != run->end);
    for (; seq_of(m, at) != run->end; at++) {
      const struct byte *b = &m->at[at];
      if (!b->sacked) { /* what arrived keeps no such detail */
        assert_true(run->sent_at == b->sent_at);
        assert_int_equal(run->times, b->times);
      }
      assert_int_equal((run->flags & TCT_RUN_SACKED) != 0, b->sacked);
      assert_int_equal((run->flags & TCT_RUN_LOST) != 0, b->lost);
      assert_int_equal((run->flags & TCT_RUN_RESENT) != 0, b->resent);
      if (b->lost && !b->resent && first_waiting == UINT32_MAX)
        first_waiting = at;
    }
  }
  assert_int_equal(at, m->nxt);
  compare_sums(r);
  const struct tct_run *next = tct_tcp_sack_next_lost(&m->f.c);
  assert_int_equal(next != NULL, first_waiting != UINT32_MAX);
  if (next != NULL)
    assert_true(tct_seq_between(next->begin, seq_of(m, first_waiting), next->end));
}

static void step(struct model *m) {
  uint32_t flight = m->nxt - m->una;
  uint32_t b = m->una + (flight > 0 ? below(m, flight) : 0);
  uint32_t e = b + (flight > 0 ? 1 + below(m, m->nxt - b) : 0);
  clock_set(&m->f.s, m->f.s.now + TCT_US(below(m, 2))); /* often at the same instant: runs merge */
  switch (flight == 0 ? 0 : below(m, 10)) {
  case 0:
  case 1:
  case 2:
  case 3:
    send_new(m, 1 + below(m, 60), 20);
    break;
  case 4:
    lose(m, b, e);
    break;
  case 5:
  case 6:
    e = e - b > 100 ? b + 100 : e;
    for (uint32_t i = b; i < e; i++)
      if (m->at[i].times == 255)
        return;
    resend(m, b, e);
    break;
  case 7:
  case 8:
    sack(m, b, e);
    break;
  default:
    ack(m, m->una + 1 + below(m, e - m->una));
    break;
  }
}

static void random_history__runs__say_of_each_byte_what_the_map_says(void **state) {
  (void)state;
  static struct model m;
  static const uint32_t bases[] = {1, 0x7ffff000u, 0xfffffff0u, 0xffffe000u};
  for (unsigned seed = 0; seed < 24; seed++) {
    start(&m, bases[seed % TCT_ARRAY_LEN(bases)], (uint8_t)seed);
    for (unsigned i = 0; i < 600 && m.nxt < SPAN - 100; i++) {
      step(&m);
      compare(&m);
    }
    ack(&m, m.nxt);
    assert_int_equal(m.f.a.runs.n, 0);
    assert_int_equal(m.f.a.runs.waiting_bytes, 0);
    leaf_end(&m.f);
  }
}

static void whole_segments_of_one_instant__sent__are_one_run(void **state) {
  (void)state;
  static struct model m;
  start(&m, 5000, 1);
  send_new(&m, 1000, 1000);
  send_new(&m, 1000, 1000);
  send_new(&m, 300, 1000); /* a short one ends the run */
  assert_int_equal(m.f.a.runs.n, 1);
  send_new(&m, 1000, 1000);
  assert_int_equal(m.f.a.runs.n, 2);
  clock_set(&m.f.s, m.f.s.now + TCT_MS(1));
  send_new(&m, 1000, 1000);
  assert_int_equal(m.f.a.runs.n, 3);
  compare(&m);
  leaf_end(&m.f);
}

/* [RFC9293 MUST-18] Karn: what went twice gives no sample, nor does what waited behind it. */
static void resent_bytes__acknowledged__give_no_sample(void **state) {
  (void)state;
  static struct model m;
  start(&m, 5000, 1);
  tct_time first = m.f.s.now;
  send_new(&m, 1000, 1000);
  clock_set(&m.f.s, m.f.s.now + TCT_MS(100));
  lose(&m, 0, 1000);
  resend(&m, 0, 1000);
  send_new(&m, 1000, 1000);
  tct_time second = m.f.s.now;
  assert_true(first != second);
  send_new(&m, 1000, 999);
  struct tct_tcp_ack a = news(&m);
  tct_tcp_sack_on_ack(&m.f.c, seq_of(&m, 1500), &a);
  assert_true(a.resent_acked);
  a = news(&m);
  tct_tcp_sack_on_ack(&m.f.c, seq_of(&m, 2000), &a);
  assert_false(a.resent_acked);
  assert_true(a.first_at == second);
  leaf_end(&m.f);
}

static void ring_full__further_segments__merge_and_lose_no_byte(void **state) {
  (void)state;
  static struct model m;
  start(&m, 0xfffff000u, 1);
  for (unsigned i = 0; i < TCT_RUNS_MAX + 500; i++) {
    clock_set(&m.f.s, m.f.s.now + TCT_US(1));
    send_new(&m, 1, 1);
  }
  const struct tct_runs *r = &m.f.a.runs;
  assert_int_equal(r->n, TCT_RUNS_MAX);
  assert_int_equal(tct_tcp_sack_at(r, r->n - 1)->end, m.f.c.snd.nxt);
  assert_int_equal(tct_seq_len(tct_tcp_sack_at(r, 0)->begin, m.f.c.snd.nxt), TCT_RUNS_MAX + 500);
  for (uint32_t i = 1; i < r->n; i++)
    assert_int_equal(tct_tcp_sack_at(r, i - 1)->end, tct_tcp_sack_at(r, i)->begin);
  /* no sample from what lost its detail */
  assert_true(tct_tcp_sack_at(r, r->n - 1)->times > 1);
  leaf_end(&m.f);
}

static void ring_full_and_last_run_lost__further_segment__is_under_way(void **state) {
  (void)state;
  static struct model m;
  start(&m, 1, 1);
  for (unsigned i = 0; i < TCT_RUNS_MAX; i++) {
    clock_set(&m.f.s, m.f.s.now + TCT_US(1));
    send_new(&m, 1, 1);
  }
  lose(&m, m.nxt - 1, m.nxt);
  clock_set(&m.f.s, m.f.s.now + TCT_US(1));
  send_new(&m, 1, 1);
  assert_int_equal(m.f.a.runs.waiting_bytes, 0);
  assert_true(tct_tcp_recover_pipe(&m.f.c) >= 1); /* it fills the window: C11 */
  leaf_end(&m.f);
}

static void no_memory__segments__merge_as_at_the_limit(void **state) {
  (void)state;
  static struct model m;
  start(&m, 1, 1);
  m.f.mem.bytes_max = 1;
  for (unsigned i = 0; i < 40; i++) {
    clock_set(&m.f.s, m.f.s.now + TCT_US(1));
    send_new(&m, 10, 10);
  }
  assert_int_equal(m.f.a.runs.n, TCT_RUNS_INLINE);
  assert_int_equal(tct_tcp_sack_at(&m.f.a.runs, TCT_RUNS_INLINE - 1)->end, m.f.c.snd.nxt);
  leaf_end(&m.f);
}

/* One call that loses, resends or acknowledges must not cost more than the runs it passes. */
static void acknowledged_runs__ring__is_reused_without_growing(void **state) {
  (void)state;
  static struct model m;
  start(&m, 1, 1);
  for (unsigned i = 0; i < 1000; i++) {
    clock_set(&m.f.s, m.f.s.now + TCT_US(1));
    send_new(&m, 10, 10);
    if (m.nxt - m.una > 100)
      ack(&m, m.una + 10);
  }
  assert_int_equal(m.f.a.runs.cap, TCT_RUNS_INLINE);
  compare(&m);
  leaf_end(&m.f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(random_history__runs__say_of_each_byte_what_the_map_says),
      cmocka_unit_test(whole_segments_of_one_instant__sent__are_one_run),
      cmocka_unit_test(resent_bytes__acknowledged__give_no_sample),
      cmocka_unit_test(ring_full__further_segments__merge_and_lose_no_byte),
      cmocka_unit_test(ring_full_and_last_run_lost__further_segment__is_under_way),
      cmocka_unit_test(no_memory__segments__merge_as_at_the_limit),
      cmocka_unit_test(acknowledged_runs__ring__is_reused_without_growing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
