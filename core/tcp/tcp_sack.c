/* SPDX-License-Identifier: MIT */
/*
 * tcp_sack.c - the scoreboard: runs of what was sent and not yet acknowledged, in order, each run
 * alike in size, time and fate, and their sums. Called by tcp_send (sent, acknowledged),
 * tcp_blocks (SACKed), tcp_recover and tcp_rack (lost). Leaves to them the judgement of what is
 * lost, to tcp_undo what a duplicate report means. RFC 2018 sections 5 and 8, RFC 6675 section 4
 * (Update), RFC 6298 section 3, RFC 8985's inputs.
 *
 * Cost, whatever the peer says: a block is found by bisection, marks whole segments only, and what
 * is marked merges with its SACKed neighbours. So a run can be split only where we cut segments and
 * marked only once, and a block that was seen before is passed over: all moves of the ring together
 * are at most two for each segment sent, of at most half of TCT_RUNS_MAX entries each. The ring
 * grows by doubling; at its limit neighbours merge and keep the older time, so that an estimate can
 * only become slower, never wrong.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"
#include "util/steps.h"

/* ---- The ring -------------------------------------------------------------------------------- */

void tct_tcp_sack_init(struct tct_runs *r) {
  memset(r, 0, offsetof(struct tct_runs, first)); /* a run is written before it is read */
  r->at = r->first;
  r->cap = TCT_RUNS_INLINE;
}

void tct_tcp_sack_deinit(tct_stack *s, struct tct_runs *r) {
  if (r->at != r->first)
    tct_stack_free(s, r->at, r->cap * sizeof *r->at);
}

/* The first run that ends behind pos; r->n if there is none. */
uint32_t tct_tcp_sack_find(const struct tct_runs *r, tct_seq pos) {
  uint32_t low = 0, high = r->n;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (tct_seq_gt(tct_tcp_sack_at(r, middle)->end, pos))
      high = middle;
    else
      low = middle + 1;
  }
  return low;
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

/* Runs [from, upto) move by one place towards the head or the tail. */
static void move_down(struct tct_runs *r, uint32_t from, uint32_t upto) {
  for (uint32_t k = from; k < upto; k++)
    r->at[(r->head + k + r->cap - 1) & (r->cap - 1)] = r->at[(r->head + k) & (r->cap - 1)];
}

static void move_up(struct tct_runs *r, uint32_t from, uint32_t upto) {
  for (uint32_t k = upto; k > from; k--)
    r->at[(r->head + k) & (r->cap - 1)] = r->at[(r->head + k + r->cap - 1) & (r->cap - 1)];
}

/* A place at i, the shorter side moving away; what stands there is for the caller to write. */
static bool open_gap(tct_stack *s, struct tct_runs *r, uint32_t i) {
  if (r->n == r->cap && !grow(s, r))
    return false;
  if (i >= r->n / 2) {
    move_up(r, i, r->n);
  } else {
    move_down(r, 0, i);
    r->head = (r->head + r->cap - 1) & (r->cap - 1);
  }
  r->n++;
  return true;
}

/* Runs [i, i + k) go. */
void tct_tcp_sack_remove(struct tct_runs *r, uint32_t i, uint32_t k) {
  if (i >= r->n / 2) {
    for (uint32_t to = i; to + k < r->n; to++)
      *tct_tcp_sack_at(r, to) = *tct_tcp_sack_at(r, to + k);
  } else {
    for (uint32_t to = i + k; to > k; to--)
      *tct_tcp_sack_at(r, to - 1) = *tct_tcp_sack_at(r, to - 1 - k);
    r->head = (r->head + k) & (r->cap - 1);
  }
  r->n -= k;
}

/* ---- Sums ------------------------------------------------------------------------------------ */

/* Declared lost and not yet sent again. */
static bool waits(const struct tct_run *run) {
  return (run->flags & (TCT_RUN_LOST | TCT_RUN_RESENT)) == TCT_RUN_LOST;
}

static void add(struct tct_run_sum *sum, const struct tct_run_sum *more) {
  sum->bytes += more->bytes;
  sum->segs += more->segs;
}

static void take(struct tct_run_sum *sum, const struct tct_run_sum *less) {
  TCT_ASSERT(less->bytes <= sum->bytes && less->segs <= sum->segs);
  sum->bytes -= less->bytes;
  sum->segs -= less->segs;
}

static struct tct_run_sum sum_of(const struct tct_run *run) {
  return (struct tct_run_sum){tct_seq_len(run->begin, run->end), tct_tcp_sack_segs(run)};
}

static void book(struct tct_runs *r, const struct tct_run *run) {
  struct tct_run_sum sum = sum_of(run);
  add(&r->all, &sum);
  if ((run->flags & TCT_RUN_SACKED) != 0)
    add(&r->sacked, &sum);
  if ((run->flags & TCT_RUN_LOST) != 0)
    add(&r->lost, &sum);
  if ((run->flags & TCT_RUN_RESENT) != 0)
    add(&r->resent, &sum);
  if (waits(run))
    r->waiting_bytes += sum.bytes;
}

static void unbook(struct tct_runs *r, const struct tct_run *run) {
  struct tct_run_sum sum = sum_of(run);
  take(&r->all, &sum);
  if ((run->flags & TCT_RUN_SACKED) != 0)
    take(&r->sacked, &sum);
  if ((run->flags & TCT_RUN_LOST) != 0)
    take(&r->lost, &sum);
  if ((run->flags & TCT_RUN_RESENT) != 0)
    take(&r->resent, &sum);
  if (waits(run))
    r->waiting_bytes -= sum.bytes;
}

void tct_tcp_sack_set_flags(struct tct_runs *r, struct tct_run *run, unsigned flags) {
  unbook(r, run);
  run->flags = (uint8_t)flags;
  book(r, run);
}

uint32_t tct_tcp_sack_fack(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL || a->runs.sacked.segs == 0)
    return c->snd.una;
  return tct_seq_max(a->runs.fack, c->snd.una);
}

/* ---- Sent ------------------------------------------------------------------------------------ */

/* What is there is whole segments only: a short one ends a run (and keeps MSG_EOR's boundaries in
 * retransmissions). */
static bool ends_whole(const struct tct_run *run) {
  return (run->flags & TCT_RUN_LAST) == 0 && run->seg_size != 0 &&
         tct_seq_len(run->begin, run->end) % run->seg_size == 0;
}

/* The piece continues the last run if it left at the same instant and is cut alike. */
static bool may_extend(const struct tct_run *last, const struct tct_run *piece) {
  return (last->flags | TCT_RUN_LAST) == (piece->flags | TCT_RUN_LAST) &&
         last->times == piece->times && last->sent_at == piece->sent_at &&
         last->delivered == piece->delivered && last->seg_size == piece->seg_size &&
         last->end == piece->begin && ends_whole(last);
}

static void extend(struct tct_runs *r, struct tct_run *run, const struct tct_run *piece) {
  unbook(r, run);
  run->end = piece->end;
  run->flags |= piece->flags & TCT_RUN_LAST;
  book(r, run);
}

static void push(tct_stack *s, struct tct_runs *r, const struct tct_run *piece) {
  struct tct_run *last = r->n > 0 ? tct_tcp_sack_at(r, r->n - 1) : NULL;
  TCT_ASSERT(last == NULL || last->end == piece->begin);
  if (last != NULL && may_extend(last, piece) && (piece->flags & TCT_RUN_FIN) == 0) {
    last->end = piece->end;
    last->flags |= piece->flags & TCT_RUN_LAST;
    book(r, piece); /* its segments are more: those before are whole */
    return;
  }
  if (open_gap(s, r, r->n)) {
    *tct_tcp_sack_at(r, r->n - 1) = *piece;
    book(r, piece);
    return;
  }
  TCT_ASSERT(last != NULL); /* the first few runs need no memory */
  r->judged_to = r->lost_from;
  /* of what is new nothing has arrived or is lost; if it counted as lost, as the last run may after
   * a time-out, the pipe would stay empty and new data would go without end */
  unsigned fate = TCT_RUN_SACKED | TCT_RUN_LOST | TCT_RUN_RESENT;
  if ((last->flags & fate) != 0)
    tct_tcp_sack_set_flags(r, last, last->flags & ~fate);
  extend(r, last, piece); /* detail is lost, not bytes */
  last->times = 2;        /* and no RTT is taken from it */
}

void tct_tcp_sack_on_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                          uint16_t seg_size) {
  struct tct_tcp_active *a = c->active;
  bool fin = (c->snd.flags & TCT_SND_FIN_SENT) != 0 && end == c->snd.nxt;
  if (a == NULL)
    return; /* a FIN alone, without memory: one run is implied */
  struct tct_run run = {.begin = begin,
                        .end = end,
                        .sent_at = s->now,
                        .seg_size = seg_size,
                        .times = 1,
                        .flags = fin ? TCT_RUN_FIN : 0};
  bool last = !fin && end == a->tx.end; /* which is_end says as well, and more */
  if (last || tct_tcp_push_is_end(c, fin ? tct_seq_sub(end, 1) : end))
    run.flags |= TCT_RUN_PUSH;
  if (end == a->train_end)
    run.flags |= TCT_RUN_TRAIN;
  tct_tcp_rate_on_sent(s, c, &run);
  struct tct_runs *r = &a->runs;
  if (r->n == 0) { /* as nearly always when one writes and waits for the answer */
    struct tct_run_sum sum = sum_of(&run);
    r->at[r->head] = run;
    r->n = 1;
    add(&r->all, &sum);
    return;
  }
  push(s, r, &run);
}

/* A copy of run i comes behind it, both ending and beginning at pos. False: no room for detail. */
bool tct_tcp_sack_split(tct_stack *s, struct tct_runs *r, uint32_t i, tct_seq pos) {
  struct tct_run left = *tct_tcp_sack_at(r, i), right = left;
  TCT_ASSERT(tct_seq_lt(left.begin, pos) && tct_seq_lt(pos, left.end));
  if (!open_gap(s, r, i + 1))
    return false;
  unbook(r, &left);
  left.end = pos;
  left.flags &= (uint8_t)~TCT_RUN_LAST;
  right.begin = pos;
  book(r, &left);
  book(r, &right);
  *tct_tcp_sack_at(r, i) = left;
  *tct_tcp_sack_at(r, i + 1) = right;
  return true;
}

/* The beginning of run i went again as `piece`, just like the end of the run before it. */
static bool hand_over(struct tct_runs *r, uint32_t i, const struct tct_run *piece) {
  struct tct_run *run = tct_tcp_sack_at(r, i);
  struct tct_run *before = i > 0 ? tct_tcp_sack_at(r, i - 1) : NULL;
  if (before == NULL || !may_extend(before, piece))
    return false;
  unbook(r, run);
  run->begin = piece->end;
  extend(r, before, piece);
  if (run->begin == run->end)
    tct_tcp_sack_remove(r, i, 1);
  else
    book(r, run);
  return true;
}

static uint8_t once_more(uint8_t times) {
  return times < 255 ? (uint8_t)(times + 1) : 255;
}

/* `piece`, the beginning of run i, waits no longer. It was the lowest that did, but for probes of a
 * shut window: then what lies behind is to be looked at again. */
static void pass_over(struct tct_runs *r, uint32_t i, const struct tct_run *piece) {
  for (uint32_t k = tct_tcp_sack_find(r, r->lost_from); k < i; k++) {
    if (!waits(tct_tcp_sack_at(r, k)))
      continue;
    r->judged_to = tct_seq_min(r->judged_to, piece->begin);
    return;
  }
  r->lost_from = tct_seq_max(r->lost_from, piece->end);
}

/* Run i, or as much of it as lies in [begin, end), went again; returns where that ends. */
static tct_seq resend_run(tct_stack *s, struct tct_tcp *c, uint32_t i, tct_seq end, bool probe) {
  struct tct_runs *r = &c->active->runs;
  struct tct_run piece = *tct_tcp_sack_at(r, i);
  bool lost = waits(&piece);
  if (tct_seq_lt(end, piece.end)) {
    piece.end = end;
    piece.flags &= (uint8_t)~TCT_RUN_LAST;
  }
  piece.sent_at = s->now;
  piece.times = once_more(piece.times);
  tct_tcp_rate_on_sent(s, c, &piece);
  piece.flags |= lost && !probe ? TCT_RUN_RESENT : 0;
  if (lost && !probe)
    pass_over(r, i, &piece);
  if (hand_over(r, i, &piece))
    return piece.end;
  if (piece.end != tct_tcp_sack_at(r, i)->end && !tct_tcp_sack_split(s, r, i, piece.end))
    piece.end = tct_tcp_sack_at(r, i)->end; /* no room for detail: as if all of it had gone */
  struct tct_run *run = tct_tcp_sack_at(r, i);
  piece.begin = run->begin;
  piece.end = run->end;
  piece.flags |= run->flags;
  unbook(r, run);
  *run = piece;
  book(r, run);
  return run->end;
}

/* The runs of [begin, end), each one short segment, go again as one: as if they had been one, sent
 * when the first was. */
void tct_tcp_sack_merge(struct tct_tcp *c, tct_seq begin, tct_seq end) {
  struct tct_runs *r = &c->active->runs;
  uint32_t i = tct_tcp_sack_find(r, begin), k = i + 1;
  if (i == r->n || tct_tcp_sack_at(r, i)->begin != begin)
    return;
  struct tct_run *run = tct_tcp_sack_at(r, i);
  for (; k < r->n && tct_seq_leq(tct_tcp_sack_at(r, k)->end, end); k++)
    continue;
  if (k == i + 1)
    return;
  unbook(r, run);
  for (uint32_t n = i + 1; n < k; n++) {
    const struct tct_run *next = tct_tcp_sack_at(r, n);
    unbook(r, next);
    run->end = next->end;
    run->times = run->times > next->times ? run->times : next->times;
    run->flags |= next->flags & TCT_RUN_LAST;
  }
  run->seg_size = (uint16_t)tct_seq_len(run->begin, run->end);
  book(r, run);
  tct_tcp_sack_remove(r, i + 1, k - i - 1);
  r->judged_to = r->lost_from; /* may lie inside */
}

/* [begin, end) went again: as a repair, or as a probe, which repairs nothing that is known. */
void tct_tcp_sack_on_resent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                            bool probe) {
  struct tct_tcp_active *a = c->active;
  struct tct_runs *r = a != NULL ? &a->runs : NULL;
  while (r != NULL && tct_seq_lt(begin, end)) {
    uint32_t i = tct_tcp_sack_find(r, begin);
    if (i == r->n || tct_seq_geq(tct_tcp_sack_at(r, i)->begin, end))
      return;
    if (tct_seq_lt(tct_tcp_sack_at(r, i)->begin, begin) && tct_tcp_sack_split(s, r, i, begin))
      i++;
    begin = resend_run(s, c, i, end, probe);
  }
}

/* ---- Lost ------------------------------------------------------------------------------------ */

/* Run i is lost, perhaps for the second time. */
void tct_tcp_sack_lose(tct_stack *s, struct tct_runs *r, uint32_t i) {
  struct tct_run *run = tct_tcp_sack_at(r, i);
  struct tct_run_sum sum = sum_of(run);
  if (((run->flags & TCT_RUN_SACKED) != 0 && !TCT_PLANT(RESENDS_SACKED)) || waits(run))
    return;
  if ((run->flags & (TCT_RUN_LOST | TCT_RUN_RESENT)) == (TCT_RUN_LOST | TCT_RUN_RESENT)) {
    tct_tcp_sack_set_flags(r, run, run->flags & (unsigned)~TCT_RUN_RESENT);
    s->n.TCPLostRetransmit += sum.segs;
  } else { /* a retransmission that an undo had left under way is gone, too */
    tct_tcp_sack_set_flags(r, run, (run->flags | TCT_RUN_LOST) & (unsigned)~TCT_RUN_RESENT);
  }
  add(&r->lost_ever, &sum);
  if (waits(run) && (r->waiting_bytes == sum.bytes || tct_seq_lt(run->begin, r->lost_from)))
    r->lost_from = r->judged_to = run->begin;
}

/* What of [begin, end) is not SACKed. */
void tct_tcp_sack_mark_lost(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end) {
  struct tct_tcp_active *a = c->active;
  struct tct_runs *r = a != NULL ? &a->runs : NULL;
  for (uint32_t i = r != NULL ? tct_tcp_sack_find(r, begin) : 0; r != NULL && i < r->n; i++) {
    struct tct_run run = *tct_tcp_sack_at(r, i);
    if (tct_seq_geq(run.begin, end))
      return;
    if ((run.flags & TCT_RUN_SACKED) != 0 || waits(&run))
      continue;
    if (tct_seq_lt(run.begin, begin) && tct_tcp_sack_split(s, r, i, begin))
      continue; /* its second half comes next */
    if (tct_seq_lt(end, run.end))
      (void)tct_tcp_sack_split(s, r, i, end);
    tct_tcp_sack_lose(s, r, i);
  }
}

/* Nothing is lost after all; what was sent again stays under way. */
void tct_tcp_sack_clear_lost(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  for (uint32_t i = 0; a != NULL && i < a->runs.n && a->runs.lost.segs > 0; i++) {
    struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    tct_tcp_sack_set_flags(&a->runs, run, run->flags & (unsigned)~TCT_RUN_LOST);
  }
}

/* The peer may have thrown away what it had SACKed (RFC 2018 8). When it SACKs the same again, that
 * is no news of this moment: no RTT is taken from it, and no time-out was false for it (RFC 5682
 * 3.1). */
void tct_tcp_sack_forget_sacked(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  a->runs.n_told = 0;
  a->runs.judged_to = a->runs.lost_from;
  for (uint32_t i = 0; i < a->runs.n && a->runs.sacked.segs > 0; i++) {
    struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if ((run->flags & TCT_RUN_SACKED) == 0)
      continue;
    tct_tcp_sack_set_flags(&a->runs, run, run->flags & (unsigned)~TCT_RUN_SACKED);
    run->times = (uint8_t)tct_max_u32(run->times, 2);
  }
}

/* Run i goes again in smaller pieces. */
void tct_tcp_sack_recut(struct tct_runs *r, uint32_t i, uint16_t seg_size) {
  struct tct_run *run = tct_tcp_sack_at(r, i);
  unbook(r, run);
  run->seg_size = seg_size;
  book(r, run);
}

/* Losses are resent lowest first, and nothing below lost_from waits. */
const struct tct_run *tct_tcp_sack_next_lost(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL || a->runs.waiting_bytes == 0)
    return NULL;
  for (uint32_t i = tct_tcp_sack_find(&a->runs, a->runs.lost_from); i < a->runs.n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (waits(run))
      return run;
  }
  return NULL;
}

/* ---- Arrived --------------------------------------------------------------------------------- */

void tct_tcp_sack_note_reordering(struct tct_tcp_ack *a, tct_seq begin) {
  if (!a->reorders || tct_seq_lt(begin, a->reord))
    a->reord = begin;
  a->reorders = true;
}

/* [RFC8985 6.2 step 2] The echo tells the copies apart only where the ACK moves: of an
 * out-of-order segment it is an older one's (RFC 7323 4.3), and says nothing of what is SACKed. */
static bool answers_first_copy(const struct tct_tcp *c, const struct tct_tcp_ack *a,
                               const struct tct_run *piece) {
  return piece->times > 1 && tct_seq_leq(piece->end, a->ack) &&
         tct_tcp_undo_echo_is_before(c, a, piece->sent_at);
}

/* `piece`, of `segs` segments, is newly known to have arrived. */
void tct_tcp_sack_deliver(struct tct_tcp *c, struct tct_tcp_ack *a, const struct tct_run *piece,
                          uint32_t segs) {
  a->delivered_bytes += tct_seq_len(piece->begin, piece->end);
  a->delivered_segs += segs;
  if (a->newest.begin == a->newest.end ||
      tct_tcp_rack_sent_after(piece, a->newest.sent_at, a->newest.end))
    a->newest = *piece;
  if (!answers_first_copy(c, a, piece))
    tct_tcp_rack_on_delivered(c, a, piece);
}

/* `piece` is acknowledged; segs of it are complete. */
static void take_acked(struct tct_tcp *c, struct tct_tcp_ack *a, const struct tct_run *piece,
                       uint32_t segs) {
  a->acked_segs += segs;
  if (piece->times > 1) {
    a->resent_acked = true;
  } else if ((piece->flags & TCT_RUN_SACKED) == 0) {
    a->first_at = tct_time_min(a->first_at, piece->sent_at);
    a->last_at = piece->sent_at;
    if (tct_seq_lt(piece->begin, a->fack_before))
      tct_tcp_sack_note_reordering(a, piece->begin);
    if (tct_seq_leq(piece->end, c->active->rec.recover))
      a->orig_acked = true;
  }
  if ((piece->flags & TCT_RUN_SACKED) == 0)
    tct_tcp_sack_deliver(c, a, piece, segs);
}

/* Drops what is acknowledged. */
void tct_tcp_sack_on_ack(struct tct_tcp *c, tct_seq una, struct tct_tcp_ack *a) {
  struct tct_runs *r = &c->active->runs;
  while (r->n > 0) {
    struct tct_run *run = tct_tcp_sack_at(r, 0), piece = *run;
    if (tct_seq_leq(una, run->begin))
      return;
    uint32_t segs = tct_tcp_sack_segs(run);
    unbook(r, run);
    run->begin = tct_seq_min(una, run->end);
    if (run->begin != run->end) {
      book(r, run);
      segs -= tct_min_u32(tct_tcp_sack_segs(run), segs);
      piece.end = run->begin;
      piece.flags &= (uint8_t)~TCT_RUN_LAST;
    }
    if (segs > 0)
      take_acked(c, a, &piece, segs);
    else if ((piece.flags & TCT_RUN_SACKED) == 0)
      a->delivered_bytes += tct_seq_len(piece.begin, piece.end);
    if (run->begin != run->end)
      return;
    r->head = (r->head + 1) & (r->cap - 1);
    r->n--;
  }
}

/* One that went once and arrived, up to `end`: its RTT, RACK's newest. */
static void take_plain(struct tct_tcp_active *act, struct tct_tcp_ack *a, const struct tct_run *run,
                       tct_seq end, uint32_t segs) {
  struct tct_tcp_rack *rack = &act->rec.rack;
  a->acked_segs += segs;
  a->delivered_segs += segs;
  a->first_at = tct_time_min(a->first_at, run->sent_at);
  a->last_at = run->sent_at;
  a->newest = *run; /* the later ones left later */
  a->newest.end = end;
  rack->advanced = true;
  rack->rtt_ns = tct_time_sub(a->at, run->sent_at);
  if (!tct_tcp_rack_sent_after(&a->newest, rack->sent_at, rack->end))
    return;
  rack->sent_at = run->sent_at;
  rack->end = end;
}

/* It is acknowledged up to una, which may lie within a segment. */
static void take_plain_part(struct tct_tcp_active *act, struct tct_tcp_ack *a, struct tct_run *run,
                            tct_seq una) {
  struct tct_run_sum before = sum_of(run);
  tct_seq begin = run->begin;
  run->begin = una;
  struct tct_run_sum after = sum_of(run);
  uint32_t segs = before.segs - tct_min_u32(after.segs, before.segs);
  act->runs.all.bytes -= before.bytes - after.bytes;
  act->runs.all.segs -= segs;
  a->delivered_bytes += before.bytes - after.bytes;
  if (segs == 0)
    return;
  take_plain(act, a, run, una, segs);
  a->newest.begin = begin;
}

/* The same where nothing is SACKed, lost or under way again. */
void tct_tcp_sack_on_plain_ack(struct tct_tcp *c, tct_seq una, struct tct_tcp_ack *a) {
  struct tct_tcp_active *act = c->active;
  struct tct_runs *r = &act->runs;
  while (r->n > 0) {
    struct tct_run *run = tct_tcp_sack_at(r, 0);
    if (tct_seq_leq(una, run->begin))
      return;
    if (run->times != 1) { /* a probe's */
      tct_tcp_sack_on_ack(c, una, a);
      return;
    }
    if (tct_seq_lt(una, run->end)) {
      take_plain_part(act, a, run, una);
      return;
    }
    uint32_t len = tct_seq_len(run->begin, run->end), segs = tct_tcp_sack_segs(run);
    r->all.bytes -= len;
    r->all.segs -= segs;
    a->delivered_bytes += len;
    take_plain(act, a, run, run->end, segs);
    run->begin = run->end;
    r->head = (r->head + 1) & (r->cap - 1);
    r->n--;
  }
}
