/* SPDX-License-Identifier: MIT */
/*
 * tcp_rack.c - RACK: what was sent before something that has arrived, and a little more than a
 * round trip ago, is lost. Alone writes rec.rack and, of rec.past, what reordering has taught.
 * Called by tcp_sack for each piece that arrives and by tcp_recover, which acts on what is found.
 * Where it is switched off, RFC 6675's rule of three. Leaves marks and sums to tcp_sack. RFC 8985
 * sections 6 and 8 (as Linux: two more round trips of patience than the text only with D-SACKs),
 * RFC 6675 section 4.
 *
 * Cost: only when something newly arrived, so at most once for each segment that we send; what is
 * SACKed or waits to be sent again is passed over, and the walk ends at what was sent later.
 */
#include "tcp/calls.h"

#define PERSIST_RECOVERIES 16 /* RFC 8985 6.2 step 4: how long a wider window stays */
#define STEPS_MAX 255u
#define TIMER_SLACK_NS TCT_MS(2) /* Linux's least time-out */

static struct tct_tcp_past *past_of(const struct tct_tcp *c) {
  return &c->active->rec.past;
}

uint32_t tct_tcp_rack_reordering(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_past *past = tct_tcp_past_of(c);
  return past != NULL && past->reordering != 0 ? past->reordering : s->cfg.reordering;
}

bool tct_tcp_rack_is_on(const tct_stack *s, const struct tct_tcp *c) {
  return (c->open & TCT_OPEN_SACK) != 0 && s->cfg.rack == TCT_ON;
}

/* [RFC8985 6.2 step 2] One that went more than once and came back in less than the least round trip
 * is the original: it says nothing of when the resent one left. */
void tct_tcp_rack_on_delivered(struct tct_tcp *c, const struct tct_tcp_ack *ack,
                               const struct tct_run *run) {
  struct tct_tcp_rack *rack = &c->active->rec.rack;
  uint64_t rtt_ns = tct_time_sub(ack->at, run->sent_at);
  if (run->times > 1 && rtt_ns / 1000 < c->rtt.min_us)
    return;
  rack->advanced = true;
  rack->rtt_ns = rtt_ns;
  if (!tct_tcp_rack_sent_after(run, rack->sent_at, rack->end))
    return;
  rack->sent_at = run->sent_at;
  rack->end = run->end;
}

/* What recovery changed asks for another look. */
void tct_tcp_rack_look_again(struct tct_tcp *c) {
  c->active->rec.rack.advanced = true;
}

/* ---- The window for reordering --------------------------------------------------------------- */

/* [RFC8985 6.2 step 4] None while a repair goes on, or with three segments of proof, on a path that
 * never reordered. */
static uint64_t window_ns(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_tcp_past *past = &a->rec.past;
  if (past->reord_seen == 0) {
    bool proof = a->runs.sacked.segs >= tct_tcp_rack_reordering(s, c);
    if (a->rec.phase >= TCT_REC_FAST || (proof && !s->cfg.rack_no_dupthresh))
      return 0;
  }
  if (c->rtt.min_us == UINT32_MAX)
    return 0;
  uint64_t quarter_us = c->rtt.min_us / 4;
  return TCT_US(tct_min_u64(quarter_us * (past->reo_steps + 1u), c->rtt.srtt_us8 / 8));
}

/* [RFC8985 6.2 step 4] A D-SACK tells that we were too quick: a quarter more, at most once in a
 * round trip; forgotten after 16 recoveries without. */
void tct_tcp_rack_adapt(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_past *past = past_of(c);
  bool arrived = ack->newest.begin != ack->newest.end;
  if (s->cfg.rack_static_window || !arrived)
    return;
  if (ack->newest.sent_at < past->reo_changed_at)
    past->reo_dsack = false;
  if (past->reo_dsack) {
    past->reo_steps =
        past->reo_steps < STEPS_MAX - 1 ? (uint8_t)(past->reo_steps + 1) : STEPS_MAX - 1;
    past->reo_dsack = false;
    past->reo_changed_at = s->now;
    past->reo_persist = PERSIST_RECOVERIES;
  } else if (past->reo_persist == 0) {
    past->reo_steps = 0;
  }
}

void tct_tcp_rack_on_dsack(struct tct_tcp *c) {
  struct tct_tcp_past *past = past_of(c);
  if (past->reord_seen > 0)
    past->reo_dsack = true;
}

/* A recovery ended: true or false? */
void tct_tcp_rack_on_recovered(struct tct_tcp *c, bool needless) {
  struct tct_tcp_past *past = past_of(c);
  if (needless && past->reo_persist < PERSIST_RECOVERIES)
    past->reo_persist++;
  else if (!needless && past->reo_persist > 0)
    past->reo_persist--;
}

static void learn(tct_stack *s, struct tct_tcp *c, uint32_t segs) {
  struct tct_tcp_past *past = past_of(c);
  past->reord_seen = past->reord_seen < UINT32_MAX ? past->reord_seen + 1 : UINT32_MAX;
  if (segs > tct_tcp_rack_reordering(s, c))
    past->reordering = (uint16_t)tct_min_u32(segs, s->cfg.max_reordering);
}

/* [RFC8985 6.2 step 3] What lies at `low` arrived after what lies further on. */
void tct_tcp_rack_on_reordered(tct_stack *s, struct tct_tcp *c, tct_seq low, bool by_echo) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t span = tct_seq_ahead(low, tct_tcp_sack_fack(c));
  if (span == 0)
    return;
  learn(s, c, (span + mss - 1) / mss);
  if (by_echo)
    s->n.TCPTSReorder++;
  else
    s->n.TCPSACKReorder++;
}

/* The same without SACK: more duplicates than can be told from a loss. */
void tct_tcp_rack_on_many_duplicates(tct_stack *s, struct tct_tcp *c, uint32_t segs) {
  learn(s, c, segs);
  s->n.TCPRenoReorder++;
}

/* A time-out with many duplicates before it: we had been too patient. */
void tct_tcp_rack_on_rto(const tct_stack *s, struct tct_tcp *c, uint32_t proven_segs) {
  struct tct_tcp_past *past = past_of(c);
  if (proven_segs >= s->cfg.reordering && past->reordering > s->cfg.reordering)
    past->reordering = 0;
}

/* ---- What is lost ---------------------------------------------------------------------------- */

/* Nanoseconds until the run counts as lost. */
static uint64_t left_ns(const tct_stack *s, const struct tct_tcp *c, const struct tct_run *run,
                        uint64_t wnd_ns) {
  const struct tct_tcp_rack *rack = &c->active->rec.rack;
  uint64_t patience_ns = tct_time_add(rack->rtt_ns, wnd_ns);
  return tct_time_sub(patience_ns, tct_time_sub(s->now, run->sent_at));
}

/* Too young to be declared lost by a time-out. */
bool tct_tcp_rack_is_recent(const tct_stack *s, const struct tct_tcp *c,
                            const struct tct_run *run) {
  return left_ns(s, c, run, 0) > 0;
}

static bool is_judged(const struct tct_run *run) {
  bool waits = (run->flags & (TCT_RUN_LOST | TCT_RUN_RESENT)) == TCT_RUN_LOST;
  return waits || (run->flags & TCT_RUN_SACKED) != 0;
}

/* Runs [i, upto), until one that went `times` times and left after the newest that arrived: behind
 * it, in the order of such transmissions, all did. */
static void detect_in(tct_stack *s, struct tct_tcp *c, uint32_t i, uint32_t upto, uint8_t times,
                      uint64_t *wait_ns) {
  struct tct_tcp_active *a = c->active;
  const struct tct_tcp_rack *rack = &a->rec.rack;
  uint64_t wnd_ns = window_ns(s, c);
  for (; i < upto; i++) {
    const struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (is_judged(run))
      continue;
    bool after = tct_tcp_rack_sent_after(run, rack->sent_at, rack->end) || rack->sent_at == 0;
    if (after && run->times <= times)
      return;
    if (after || (run->sent_at == rack->sent_at && run->end == rack->end))
      continue;
    uint64_t left = left_ns(s, c, run, wnd_ns);
    if (left == 0)
      tct_tcp_sack_lose(s, &a->runs, i);
    *wait_ns = tct_max_u64(*wait_ns, left);
  }
}

/* [RFC8985 6.2 step 5] Marks what is lost; returns how long to wait for the rest, 0: not at all.
 * First what was sent again, then what was not: between lies what is judged already, and is passed
 * over. */
uint64_t tct_tcp_rack_detect(tct_stack *s, struct tct_tcp *c) {
  struct tct_runs *r = &c->active->runs;
  uint64_t wait_ns = 0;
  tct_seq lost_from = r->lost_from, judged_to = r->judged_to;
  bool skip = r->waiting_bytes > 0 && tct_seq_lt(lost_from, judged_to);
  if (skip)
    detect_in(s, c, 0, tct_tcp_sack_find(r, lost_from), 2, &wait_ns);
  detect_in(s, c, skip ? tct_tcp_sack_find(r, judged_to) : 0, r->n, 1, &wait_ns);
  if (r->waiting_bytes == 0)
    return wait_ns;
  if (!skip || r->lost_from != lost_from) /* what was sent again is lost again: begin anew */
    judged_to = r->lost_from;
  uint32_t i = tct_tcp_sack_find(r, judged_to);
  while (i < r->n && is_judged(tct_tcp_sack_at(r, i)))
    i++;
  r->judged_to = i < r->n ? tct_tcp_sack_at(r, i)->begin : c->snd.nxt;
  return wait_ns;
}

/* After an ACK; true: the timer for what may only be reordered is set. */
bool tct_tcp_rack_on_ack(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_rack *rack = &c->active->rec.rack;
  if (!rack->advanced)
    return false;
  rack->advanced = false;
  uint64_t wait_ns = tct_tcp_rack_detect(s, c);
  if (wait_ns == 0)
    return false;
  wait_ns = tct_min_u64(wait_ns + TIMER_SLACK_NS, tct_tcp_rtt_rto_ns(s, c));
  tct_tcp_timer_set(s, c, TCT_TIMER_REORDER, tct_time_add(s->now, wait_ns));
  return true;
}

/* [RFC6675 4] IsLost, for all at once, from the top: three SACKed islands above, or more than two
 * segments. Retransmissions are not judged. */
void tct_tcp_rack_without(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  uint32_t threshold = tct_tcp_rack_reordering(s, c), islands = 0, bytes = 0;
  uint32_t enough = (threshold - 1) * tct_tcp_send_mss(s, c);
  bool sacked_above = false;
  for (uint32_t i = a->runs.sacked.segs > 0 ? a->runs.n : 0; i > 0; i--) {
    const struct tct_run *run = tct_tcp_sack_at(&a->runs, i - 1);
    bool sacked = (run->flags & TCT_RUN_SACKED) != 0;
    bytes += sacked ? tct_seq_len(run->begin, run->end) : 0;
    islands += sacked && !sacked_above ? 1 : 0;
    sacked_above = sacked;
    if (!sacked && (run->flags & TCT_RUN_LOST) == 0 && (islands >= threshold || bytes > enough))
      tct_tcp_sack_lose(s, &a->runs, i - 1);
  }
}
