/* SPDX-License-Identifier: MIT */
/*
 * tcp_blocks.c - a SACK option comes in: its blocks are judged, and what they report is marked on
 * the scoreboard. Called by tcp_send for each ACK that has the option, before snd.una moves. Leaves
 * the book-keeping of runs to tcp_sack (whose first comment has the bound on the cost), D-SACK to
 * tcp_undo, reordering to tcp_rack. RFC 2018 section 5, RFC 2883 section 4, RFC 6675 section 4.
 */
#include "tcp/calls.h"

static uint32_t payload_of(const struct tct_run *run) {
  return tct_seq_len(run->begin, run->end) - ((run->flags & TCT_RUN_FIN) != 0 ? 1u : 0u);
}

static bool ends_whole(const struct tct_run *run) {
  return (run->flags & TCT_RUN_FIN) == 0 && payload_of(run) % tct_max_u32(run->seg_size, 1) == 0;
}

/* Where segments of the run begin or end: the first such place at or behind pos, the last at or
 * before it. */
static tct_seq cut_up(const struct tct_run *run, tct_seq pos) {
  uint32_t off = tct_seq_ahead(run->begin, pos), size = tct_max_u32(run->seg_size, 1);
  uint32_t up = (off + size - 1) / size * size;
  return up >= payload_of(run) && off > 0 ? run->end : tct_seq_add(run->begin, up);
}

static tct_seq cut_down(const struct tct_run *run, tct_seq pos) {
  uint32_t off = tct_seq_ahead(run->begin, pos), size = tct_max_u32(run->seg_size, 1);
  if (tct_seq_geq(pos, run->end))
    return run->end;
  return tct_seq_add(run->begin, off / size * size);
}

/* Cuts run *i so that what remains as run *i is whole segments inside b; false: there are none. */
static bool narrow(tct_stack *s, struct tct_runs *r, uint32_t *i, struct tct_range b) {
  const struct tct_run *run = tct_tcp_sack_at(r, *i);
  tct_seq from = cut_up(run, b.begin), upto = cut_down(run, b.end);
  if (!tct_seq_lt(from, upto))
    return false;
  if (from != run->begin) {
    if (!tct_tcp_sack_split(s, r, *i, from))
      return false;
    ++*i;
  }
  return upto == tct_tcp_sack_at(r, *i)->end || tct_tcp_sack_split(s, r, *i, upto);
}

/* After a time-out that was real, what comes in late is no news. */
static bool counts_as_reordering(const struct tct_tcp *c) {
  const struct tct_tcp_rec *rec = &c->active->rec;
  return rec->phase != TCT_REC_RTO || rec->past.undo_on;
}

/* The run has arrived. A retransmission of it that was not for a loss may still be under way. */
static void take_sacked(struct tct_tcp *c, struct tct_runs *r, struct tct_run *run,
                        struct tct_tcp_ack *a) {
  uint32_t segs = tct_tcp_sack_segs(run);
  bool first = r->sacked.segs == 0;
  unsigned flags = run->flags;
  tct_tcp_sack_deliver(c, a, run, segs);
  a->sacked_bytes += tct_seq_len(run->begin, run->end);
  if (run->times == 1) {
    if (counts_as_reordering(c) && tct_seq_lt(run->begin, tct_tcp_sack_fack(c)))
      tct_tcp_sack_note_reordering(a, run->begin);
    if (tct_seq_leq(run->end, c->active->rec.recover))
      a->orig_acked = true;
    a->sacked_first_at = tct_time_min(a->sacked_first_at, run->sent_at);
    a->sacked_last_at = run->sent_at;
  }
  if ((flags & TCT_RUN_LOST) != 0)
    flags &= (unsigned)~(TCT_RUN_LOST | TCT_RUN_RESENT);
  tct_tcp_sack_set_flags(r, run, flags | TCT_RUN_SACKED);
  if (first || tct_seq_gt(run->end, r->fack))
    r->fack = run->end;
}

/* The run was reported as arrived twice. */
static void take_duplicate(struct tct_tcp *c, const struct tct_run *run, struct tct_tcp_ack *a) {
  if (run->times == 1)
    return;
  tct_tcp_undo_on_duplicate(c, run->end, tct_tcp_sack_segs(run));
  if ((run->flags & TCT_RUN_SACKED) != 0 && counts_as_reordering(c))
    tct_tcp_sack_note_reordering(a, run->begin);
}

/* Neighbours that both arrived need no telling apart, as long as their segments can be counted. */
static bool join(struct tct_run *run, const struct tct_run *next) {
  bool alike = (run->flags & ~(TCT_RUN_PUSH | TCT_RUN_TRAIN)) == TCT_RUN_SACKED &&
               (next->flags & ~TCT_RUN_LAST) == TCT_RUN_SACKED;
  bool single = payload_of(next) <= run->seg_size && payload_of(next) <= next->seg_size;
  bool fin_alone = payload_of(next) == 0; /* a segment of its own, which a joined run would hide */
  if (!alike || fin_alone || !ends_whole(run) || !(single || next->seg_size == run->seg_size))
    return false;
  run->end = next->end;
  run->flags = next->flags;
  run->times = run->times > next->times ? run->times : next->times;
  run->sent_at = tct_time_min(run->sent_at, next->sent_at);
  return true;
}

static void join_all(struct tct_runs *r, uint32_t from, uint32_t upto) {
  uint32_t last = from;
  for (uint32_t i = from + 1; i < upto; i++) {
    if (join(tct_tcp_sack_at(r, last), tct_tcp_sack_at(r, i)))
      continue;
    if (++last != i)
      *tct_tcp_sack_at(r, last) = *tct_tcp_sack_at(r, i);
  }
  if (last + 1 < upto)
    tct_tcp_sack_remove(r, last + 1, upto - last - 1);
}

static void mark_block(tct_stack *s, struct tct_tcp *c, struct tct_range b, bool duplicate,
                       struct tct_tcp_ack *a) {
  struct tct_runs *r = &c->active->runs;
  uint32_t first = tct_tcp_sack_find(r, b.begin), i = first;
  for (; i < r->n && tct_seq_lt(tct_tcp_sack_at(r, i)->begin, b.end); i++) {
    bool sacked = (tct_tcp_sack_at(r, i)->flags & TCT_RUN_SACKED) != 0;
    if (sacked && !duplicate)
      continue;
    if (!sacked && !narrow(s, r, &i, b))
      continue;
    struct tct_run *run = tct_tcp_sack_at(r, i);
    if (duplicate)
      take_duplicate(c, run, a);
    if (!sacked)
      take_sacked(c, r, run, a);
    if (duplicate) /* that retransmission has arrived, too */
      tct_tcp_sack_set_flags(r, run, run->flags & (unsigned)~TCT_RUN_RESENT);
  }
  join_all(r, first > 0 ? first - 1 : 0, i < r->n ? i + 1 : r->n);
}

static bool was_told(const struct tct_runs *r, struct tct_range b) {
  for (unsigned i = 0; i < r->n_told; i++)
    if (r->told[i].begin == b.begin && r->told[i].end == b.end)
      return true;
  return false;
}

/* Not reversed, not beyond what was sent, not below what is acknowledged; a block may start at
 * snd.una only as a duplicate. */
static bool is_valid(const struct tct_tcp *c, struct tct_range b) {
  return tct_seq_lt(b.begin, b.end) && tct_seq_leq(b.end, c->snd.nxt) &&
         tct_seq_gt(b.begin, c->snd.una);
}

/* The valid blocks of the option, ascending: reordering is told from what lies below. *dup: which
 * of them is the D-SACK, n if none. */
static unsigned sort_blocks(tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_hdr *h,
                            bool dsack, struct tct_range to[4], unsigned *dup) {
  unsigned n = 0;
  *dup = UINT8_MAX;
  for (unsigned i = 0; i < h->opt.n_sack && i < 4; i++) {
    struct tct_range b = {h->opt.sack[i].begin, h->opt.sack[i].end};
    bool is_dup = dsack && i == 0;
    if (!is_valid(c, b)) {
      s->n.TCPSACKDiscard += !is_dup && tct_seq_gt(b.end, c->snd.una);
      continue;
    }
    unsigned k = n++;
    for (; k > 0 && tct_seq_gt(to[k - 1].begin, b.begin); k--)
      to[k] = to[k - 1];
    to[k] = b;
    *dup = is_dup ? k : *dup != UINT8_MAX && *dup >= k ? *dup + 1 : *dup;
  }
  return n;
}

/* [RFC2018 5] What the peer says it holds. Before snd.una moves. */
void tct_tcp_blocks_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a) {
  struct tct_tcp_active *act = c->active;
  struct tct_range b[4];
  unsigned dup;
  if ((c->open & TCT_OPEN_SACK) == 0 || h->opt.n_sack == 0)
    return;
  bool dsack = tct_tcp_undo_on_dsack(s, c, h, a);
  if (act == NULL || act->runs.n == 0)
    return;
  unsigned n = sort_blocks(s, c, h, dsack, b, &dup);
  for (unsigned i = 0; i < n; i++) {
    if (i == dup || !was_told(&act->runs, b[i]))
      mark_block(s, c, b[i], i == dup, a);
  }
  if (n == 0)
    return;
  memcpy(act->runs.told, b, n * sizeof b[0]);
  act->runs.n_told = (uint8_t)n;
}
