/* SPDX-License-Identifier: MIT */
/*
 * tcp_sack.c - the runs: what was sent and not yet acknowledged, in order, each run alike in size,
 * time and fate. Called by tcp_send (sent, acknowledged) and tcp_recover (lost). Leaves to
 * tcp_recover the judgement of what is lost. The ring grows by doubling; at its limit neighbours
 * merge and keep the older time, so that an estimate can only become slower, never wrong. RFC 2018,
 * RFC 6298 section 3, RFC 8985's inputs.
 */
#include "tcp/calls.h"
#include "util/rule.h"

void tct_tcp_sack_init(struct tct_runs *r) {
  r->at = r->first;
  r->head = 0;
  r->n = 0;
  r->cap = TCT_RUNS_INLINE;
}

void tct_tcp_sack_deinit(tct_stack *s, struct tct_runs *r) {
  if (r->at != r->first)
    tct_stack_free(s, r->at, r->cap * sizeof *r->at);
  tct_tcp_sack_init(r);
}

struct tct_run *tct_tcp_sack_at(const struct tct_runs *r, uint32_t i) {
  TCT_ASSERT(i < r->n);
  return &r->at[(r->head + i) & (r->cap - 1)];
}

static bool grow(tct_stack *s, struct tct_runs *r) {
  if (r->cap >= TCT_RUNS_MAX)
    return false;
  struct tct_run *at = tct_stack_alloc(s, 2u * r->cap * sizeof *at);
  if (at == NULL)
    return false;
  for (uint32_t i = 0; i < r->n; i++)
    at[i] = *tct_tcp_sack_at(r, i);
  if (r->at != r->first)
    tct_stack_free(s, r->at, r->cap * sizeof *r->at);
  r->at = at;
  r->head = 0;
  r->cap *= 2;
  return true;
}

/* The new piece continues the last run if it left at the same instant, is cut alike, and what is
 * there is whole segments only: a short one ends a run (and keeps MSG_EOR's boundaries in
 * retransmissions). */
static bool may_extend(const struct tct_run *last, const struct tct_run *piece) {
  return last->flags == 0 && piece->flags == 0 && last->times == piece->times &&
         last->sent_at == piece->sent_at && last->seg_size == piece->seg_size &&
         last->end == piece->begin && tct_seq_len(last->begin, last->end) % last->seg_size == 0;
}

/* Declared lost and not yet sent again. */
static bool waits(const struct tct_run *run) {
  return (run->flags & (TCT_RUN_LOST | TCT_RUN_RESENT)) == TCT_RUN_LOST;
}

static void push(tct_stack *s, struct tct_runs *r, struct tct_run piece) {
  struct tct_run *last = r->n > 0 ? tct_tcp_sack_at(r, r->n - 1) : NULL;
  TCT_ASSERT(last == NULL || last->end == piece.begin);
  if (last != NULL && may_extend(last, &piece)) {
    last->end = piece.end;
    return;
  }
  if (r->n == r->cap && !grow(s, r)) {
    TCT_ASSERT(last != NULL); /* the first few runs need no memory */
    if (waits(last))          /* invariant C11 */
      TCT_CONTAINER_OF(r, struct tct_tcp_active, runs)->rec.lost_bytes +=
          tct_seq_len(piece.begin, piece.end);
    last->end = piece.end; /* detail is lost, not bytes */
    last->times = 2;       /* and no RTT is taken from it */
    last->flags |= piece.flags & TCT_RUN_FIN;
    return;
  }
  r->n++;
  *tct_tcp_sack_at(r, r->n - 1) = piece;
}

void tct_tcp_sack_on_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                          uint16_t seg_size) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  bool fin = (c->snd.flags & TCT_SND_FIN_SENT) != 0 && end == c->snd.nxt;
  if (a == NULL)
    return; /* a FIN alone, without memory: one run is implied */
  struct tct_run run = {begin, end, s->now, seg_size, 1, fin ? TCT_RUN_FIN : 0};
  push(s, &a->runs, run);
}

/* Inserts a copy of run i behind it, both ending/beginning at pos. False if there is no room for
 * detail. */
static bool split(tct_stack *s, struct tct_runs *r, uint32_t i, tct_seq pos) {
  struct tct_run *run = tct_tcp_sack_at(r, i);
  TCT_ASSERT(tct_seq_lt(run->begin, pos) && tct_seq_lt(pos, run->end));
  if (r->n == r->cap && !grow(s, r))
    return false;
  r->n++;
  for (uint32_t k = r->n - 1; k > i; k--)
    *tct_tcp_sack_at(r, k) = *tct_tcp_sack_at(r, k - 1);
  run = tct_tcp_sack_at(r, i);
  run->end = pos;
  run->flags &= (uint8_t)~TCT_RUN_FIN;
  tct_tcp_sack_at(r, i + 1)->begin = pos;
  return true;
}

/* [begin, end) went again. Returns the bytes that no longer wait to be resent. */
uint32_t tct_tcp_sack_on_resent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t bytes = 0;
  for (uint32_t i = 0; a != NULL && i < a->runs.n; i++) {
    struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (tct_seq_geq(run->begin, end))
      break;
    if (tct_seq_leq(run->end, begin))
      continue;
    if (tct_seq_lt(run->begin, begin) && split(s, &a->runs, i, begin))
      continue; /* its second half comes next */
    if (tct_seq_lt(end, tct_tcp_sack_at(&a->runs, i)->end))
      (void)split(s, &a->runs, i, end);
    run = tct_tcp_sack_at(&a->runs, i);
    run->sent_at = s->now;
    run->times = run->times < 255 ? (uint8_t)(run->times + 1) : 255;
    if (waits(run)) {
      run->flags |= TCT_RUN_RESENT;
      bytes += tct_seq_len(run->begin, run->end);
    }
  }
  return bytes;
}

void tct_tcp_sack_on_ack(tct_stack *s, struct tct_tcp *c, tct_seq una, tct_time *sent_at,
                         uint32_t *lost_acked) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  (void)s;
  bool ambiguous = false;
  *sent_at = TCT_NEVER;
  *lost_acked = 0;
  while (a != NULL && a->runs.n > 0) {
    struct tct_run *run = tct_tcp_sack_at(&a->runs, 0);
    if (tct_seq_leq(una, run->begin))
      return;
    tct_seq upto = tct_seq_min(una, run->end);
    if (waits(run))
      *lost_acked += tct_seq_len(run->begin, upto);
    /* Karn [RFC9293 MUST-18]; and what waited behind a hole says how long the repair took, not the
     * path */
    ambiguous = (ambiguous || run->times > 1) && TCT_RULE(MUST_18);
    *sent_at = ambiguous ? TCT_NEVER : run->sent_at;
    run->begin = upto;
    if (run->begin != run->end)
      return;
    a->runs.head = (a->runs.head + 1) & (a->runs.cap - 1);
    a->runs.n--;
  }
}

uint32_t tct_tcp_sack_mark_lost(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t bytes = 0;
  for (uint32_t i = 0; a != NULL && i < a->runs.n; i++) {
    struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (tct_seq_geq(run->begin, end))
      break;
    if (tct_seq_leq(run->end, begin) || (run->flags & TCT_RUN_SACKED) != 0)
      continue;
    if (tct_seq_lt(run->begin, begin) && split(s, &a->runs, i, begin))
      continue;
    if (tct_seq_lt(end, run->end))
      (void)split(s, &a->runs, i, end);
    run = tct_tcp_sack_at(&a->runs, i);
    if (waits(run))
      continue;
    run->flags = (uint8_t)((run->flags | TCT_RUN_LOST) & ~TCT_RUN_RESENT);
    bytes += tct_seq_len(run->begin, run->end);
  }
  return bytes;
}

void tct_tcp_sack_clear_lost(struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  for (uint32_t i = 0; a != NULL && i < a->runs.n; i++)
    tct_tcp_sack_at(&a->runs, i)->flags &= (uint8_t) ~(TCT_RUN_LOST | TCT_RUN_RESENT);
}

/* Losses are resent lowest first, and the resent ones are behind: the walk is over what was resent
 * since. */
const struct tct_run *tct_tcp_sack_next_lost(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL || a->rec.lost_bytes == 0)
    return NULL;
  for (uint32_t i = 0; i < a->runs.n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (waits(run))
      return run;
  }
  return NULL;
}
