/* SPDX-License-Identifier: MIT */
/*
 * tcp_recover.c - the phases of loss recovery: open, disorder, window reduction, fast recovery,
 * after a time-out. Alone writes active->rec but for the sub-structs of tcp_rack, tcp_tlp, tcp_undo
 * and tcp_cc_prr. Told of ACKs, of time-outs and of a smaller path MTU; marks what is lost (or asks
 * tcp_rack), which tcp_plan then sends again. The order of the questions is Linux's. RFC 5681
 * section 3.2, RFC 6582, RFC 6675, RFC 8985 section 6, RFC 5682 (F-RTO, with SACK), RFC 3042
 * (limited transmit follows from the pipe), RFC 6298 section 5.4, RFC 2018 section 8.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

static bool has_sack(const struct tct_tcp *c) {
  return (c->open & TCT_OPEN_SACK) != 0;
}

static bool is_strict(const tct_stack *s) {
  return s->cfg.profile == TCT_PROFILE_STRICT;
}

/* A lost run goes again: as room lets it, and if nothing else is out. RFC 6582 3.2 step 3 has no
 * such condition for the first hole; Linux does. */
bool tct_tcp_recover_may_resend(const tct_stack *s, const struct tct_tcp *c,
                                const struct tct_run *run, uint32_t bytes) {
  bool first = run->begin == c->snd.una && !has_sack(c) && is_strict(s);
  return first || tct_tcp_recover_room(s, c) >= tct_max_u32(bytes, 1) ||
         tct_tcp_recover_pipe_segs(c) == 0;
}

/* ---- Phases ---------------------------------------------------------------------------------- */

static void set_phase(const tct_stack *s, struct tct_tcp *c, uint8_t phase) {
  struct tct_tcp_rec *rec = &c->active->rec;
  if (rec->phase == TCT_REC_RTO && phase != TCT_REC_RTO)
    tct_tcp_past_end_rto(s, c);
  rec->phase = phase;
}

static bool in_reduction(const struct tct_tcp_rec *rec) {
  return rec->phase == TCT_REC_CWR || rec->phase == TCT_REC_FAST;
}

/* What a later undo goes back to: three quarters of the window say as much as ssthresh. */
static uint32_t ssthresh_before(const struct tct_tcp *c, const struct tct_tcp_rec *rec) {
  if (in_reduction(rec))
    return c->cc.ssthresh;
  return tct_max_u32(c->cc.ssthresh, c->cc.cwnd / 4 * 3);
}

static void begin_reduction(tct_stack *s, struct tct_tcp *c, struct tct_tcp_rec *rec) {
  rec->recover = c->snd.nxt;
  tct_tcp_tlp_forget(c);
  rec->past.prior_cwnd = c->cc.cwnd;
  tct_tcp_cc_prr_begin(s, c);
  tct_tcp_ecn_on_cut(c);
}

static void keep_open(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  bool out_of_order = a->runs.sacked.segs > 0 || a->runs.lost.segs > 0 || a->rec.dupacks > 0 ||
                      tct_tcp_undo_has_resent(c);
  uint8_t phase = out_of_order ? TCT_REC_DISORDER : TCT_REC_OPEN;
  if (a->rec.phase == phase)
    return;
  set_phase(s, c, phase);
  a->rec.recover = c->snd.nxt;
}

static void try_open(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  tct_tcp_undo_unstamp(c);
  if (a->rec.phase != TCT_REC_CWR)
    keep_open(s, c, a);
}

/* Less is to be sent, for a reason that is no loss (ECN); once a window. */
void tct_tcp_recover_enter_cwr(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_block_active(s, c);
  if (a == NULL) {
    tct_tcp_cc_on_loss(s, c, tct_min_u32(tct_tcp_send_flight(c), c->cc.cwnd));
    return;
  }
  a->rec.past.prior_ssthresh = 0; /* the network asked for this one: it is not undone */
  if (a->rec.phase >= TCT_REC_CWR)
    return;
  tct_tcp_undo_off(c);
  set_phase(s, c, TCT_REC_CWR); /* first: tcp_cc cuts otherwise for marks than for loss */
  begin_reduction(s, c, &a->rec);
}

static void enter_fast(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a, bool ece) {
  uint32_t ssthresh = ssthresh_before(c, &a->rec);
  tct_tcp_undo_unstamp(c);
  if (has_sack(c))
    s->n.TCPSackRecovery++;
  else
    s->n.TCPRenoRecovery++;
  a->rec.past.prior_ssthresh = 0;
  tct_tcp_undo_begin(c);
  if (!in_reduction(&a->rec)) {
    if (!ece)
      tct_tcp_undo_remember(c, ssthresh, c->cc.cwnd);
    begin_reduction(s, c, &a->rec);
  }
  set_phase(s, c, TCT_REC_FAST);
}

/* Duplicates of the window that was repaired start nothing (RFC 6582 3.2 step 1). Linux holds the
 * phase until more than recover is acknowledged, where there is no SACK. */
static bool holds_on(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  if (has_sack(c) || c->snd.una != a->rec.recover)
    return false;
  a->rec.repaired = is_strict(s);
  if (is_strict(s))
    return false;
  tct_tcp_undo_unstamp(c);
  return true;
}

/* True: the phase is held. */
static bool end_recovery(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                         struct tct_tcp_ack *ack) {
  bool undo = tct_tcp_undo_may(c, ack);
  if (undo) {
    s->n.TCPLossUndo += a->rec.phase == TCT_REC_RTO;
    s->n.TCPFullUndo += a->rec.phase != TCT_REC_RTO;
    tct_tcp_undo_now(s, c, false);
  } else {
    tct_tcp_rack_on_recovered(c, false);
  }
  if (holds_on(s, c, a))
    return true;
  if (a->rec.phase == TCT_REC_FAST) {
    tct_tcp_cc_prr_end(s, c);
    ack->moves_no_window = is_strict(s);
  }
  set_phase(s, c, TCT_REC_OPEN);
  a->rec.reneged = false;
  return false;
}

/* ---- What is lost ---------------------------------------------------------------------------- */

static void lose_first(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a, tct_why why) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  if (a->runs.n == 0 || (tct_tcp_sack_at(&a->runs, 0)->flags & TCT_RUN_LOST) != 0)
    return;
  a->rec.why = (uint8_t)why;
  tct_tcp_sack_mark_lost(s, c, c->snd.una, tct_seq_min(tct_seq_add(c->snd.una, mss), c->snd.nxt));
}

/* RFC 5681 3.2 the third duplicate; RFC 6582 3.2 a partial ACK shows the next hole. */
static void find_without_sack(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                              const struct tct_tcp_ack *ack) {
  bool enough = a->rec.dupacks >= tct_tcp_rack_reordering(s, c) && !a->rec.repaired;
  if (a->rec.phase == TCT_REC_FAST && ack->advanced)
    lose_first(s, c, a, TCT_WHY_PARTIAL_ACK);
  else if (a->rec.phase < TCT_REC_FAST && enough)
    lose_first(s, c, a, TCT_WHY_FAST_REXMIT);
}

static void find_lost(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                      struct tct_tcp_ack *ack) {
  uint32_t resent = a->runs.resent.segs, lost = a->runs.lost_ever.segs;
  if (a->runs.n == 0)
    return;
  if (!has_sack(c))
    find_without_sack(s, c, a, ack);
  else if (!tct_tcp_rack_is_on(s, c))
    tct_tcp_rack_without(s, c);
  else if (tct_tcp_rack_on_ack(s, c))
    ack->restart_timer = false;
  ack->lost_resent = ack->lost_resent || a->runs.resent.segs < resent;
  if (has_sack(c) && a->runs.lost_ever.segs != lost)
    a->rec.why = a->rec.phase >= TCT_REC_FAST ? TCT_WHY_RACK : TCT_WHY_FAST_REXMIT;
}

/* What is marked is repaired as after a time-out, with the window as it is. */
static void repair(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a, tct_why why) {
  a->rec.why = (uint8_t)why;
  a->rec.dupacks = 0;
  if (a->rec.phase == TCT_REC_RTO || a->runs.lost.segs == 0)
    return;
  tct_tcp_undo_off(c);
  a->rec.recover = c->snd.nxt;
  a->rec.frto = false;
  set_phase(s, c, TCT_REC_RTO);
}

/* [RFC4821 7.7] A probe was too large: in pieces again, and that is no congestion. */
static void repair_probe(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  tct_tcp_recover_on_mtu(s, c);
  repair(s, c, a, TCT_WHY_MTU_REDUCED);
}

/* ---- An ACK, phase by phase ------------------------------------------------------------------ */

static void in_open(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                    struct tct_tcp_ack *ack) {
  if (!has_sack(c) && ack->advanced)
    a->rec.dupacks = 0;
  tct_tcp_dupack_add(s, c, ack);
  if (a->rec.phase <= TCT_REC_DISORDER && tct_tcp_undo_is_all_duplicate(c)) {
    s->n.TCPDSACKUndo++;
    tct_tcp_rack_on_recovered(c, true);
    tct_tcp_undo_now(s, c, false);
  }
  find_lost(s, c, a, ack);
  if (a->runs.lost.segs == 0)
    try_open(s, c, a);
  else if (a->rec.phase <= TCT_REC_DISORDER && tct_tcp_mtu_take_loss(s, c))
    repair_probe(s, c, a);
  else
    enter_fast(s, c, a, ack->ece);
}

/* A hole filled by what had only been late: true if retransmissions are under way, and nothing can
 * be said before they are answered. */
static bool undo_partial(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                         const struct tct_tcp_ack *ack, tct_seq una_before) {
  if (!tct_tcp_undo_is_late(c, ack))
    return false;
  tct_tcp_rack_on_reordered(s, c, una_before, true);
  if (a->runs.resent.segs > 0)
    return true;
  tct_tcp_undo_unstamp(c);
  tct_tcp_undo_now(s, c, true);
  s->n.TCPPartialUndo++;
  keep_open(s, c, a);
  return false;
}

static void in_fast(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                    struct tct_tcp_ack *ack) {
  tct_seq una_before = tct_seq_sub(c->snd.nxt, ack->flight_before);
  if (!ack->advanced)
    tct_tcp_dupack_add(s, c, ack);
  else if (undo_partial(s, c, a, ack, una_before))
    return;
  if (tct_tcp_undo_is_all_duplicate(c)) {
    s->n.TCPDSACKUndo++;
    tct_tcp_rack_on_recovered(c, true);
    tct_tcp_undo_now(s, c, false);
    try_open(s, c, a);
  }
  find_lost(s, c, a, ack);
  if (a->rec.phase != TCT_REC_FAST && a->runs.lost.segs > 0)
    enter_fast(s, c, a, ack->ece);
}

/* True: the time-out was false, nothing is lost. */
static bool undo_rto(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                     const struct tct_tcp_ack *ack, bool frto) {
  if (!frto && !tct_tcp_undo_may(c, ack))
    return false;
  tct_tcp_undo_now(s, c, true);
  s->n.TCPLossUndo++;
  s->n.TCPSpuriousRTOs += frto;
  tct_tcp_timer_reset_tries(c);
  if (holds_on(s, c, a) || !(frto || has_sack(c)))
    return true;
  set_phase(s, c, TCT_REC_OPEN);
  a->rec.reneged = false;
  return true;
}

static bool could_send_new(const tct_stack *s, const struct tct_tcp *c) {
  (void)s;
  return tct_tcp_send_unsent(c) > 0 && tct_tcp_send_window_left(c) > 0;
}

/* [RFC5682 3.1] True: new data goes now, and what comes back for it will tell. */
static bool go_on_frto(const tct_stack *s, struct tct_tcp *c, struct tct_tcp_rec *rec,
                       const struct tct_tcp_ack *ack) {
  bool recovered = tct_seq_geq(c->snd.una, rec->recover);
  if (tct_seq_gt(c->snd.nxt, rec->recover)) {
    if (ack->sacked_bytes > 0 || ack->duplicate)
      rec->frto = false; /* step 3.a: the loss was real */
    return false;
  }
  if (!ack->advanced || recovered)
    return false;
  rec->recover = c->snd.nxt;
  if (could_send_new(s, c)) {
    rec->frto_new = true; /* step 2.b */
    return true;
  }
  rec->frto = false;
  return false;
}

static void run_rto(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                    struct tct_tcp_ack *ack) {
  bool recovered = tct_seq_geq(c->snd.una, a->rec.recover);
  if (ack->advanced && undo_rto(s, c, a, ack, false))
    return;
  if (a->rec.frto) {
    if (ack->orig_acked && undo_rto(s, c, a, ack, true)) /* step 3.b */
      return;
    if (go_on_frto(s, c, &a->rec, ack))
      return;
  }
  if (recovered) {
    (void)end_recovery(s, c, a, ack);
    return;
  }
  if (!has_sack(c) && ack->advanced)
    a->rec.dupacks = 0;
  else if (tct_seq_gt(c->snd.nxt, a->rec.recover))
    tct_tcp_dupack_add(s, c, ack);
}

static void in_rto(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                   struct tct_tcp_ack *ack) {
  run_rto(s, c, a, ack);
  find_lost(s, c, a, ack);
  if (a->rec.phase == TCT_REC_OPEN || ack->lost_resent)
    in_open(s, c, a, ack);
}

/* The peer took back what it had SACKed: a time-out soon, which forgets all its SACKs. */
static bool is_reneging(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack) {
  if (!ack->reneged || !ack->advanced)
    return false;
  tct_time wait_ns = tct_max_u64(TCT_US((tct_time)c->rtt.srtt_us8 / 16), TCT_MS(10));
  tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, tct_time_add(s->now, wait_ns));
  ack->restart_timer = false;
  c->active->rec.reneging = true;
  return true;
}

/* A phase ends when all that was out at its begin is acknowledged. True: nothing more to be done.
 */
static bool try_end(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                    struct tct_tcp_ack *ack) {
  if (a->rec.phase == TCT_REC_OPEN) {
    a->rec.past.stamped = false;
    return false;
  }
  if (tct_seq_lt(c->snd.una, a->rec.recover))
    return false;
  if (a->rec.phase == TCT_REC_FAST) {
    if (!has_sack(c))
      a->rec.dupacks = 0;
    return end_recovery(s, c, a, ack);
  }
  if (a->rec.phase == TCT_REC_CWR && c->snd.una != a->rec.recover) {
    tct_tcp_cc_prr_end(s, c);
    set_phase(s, c, TCT_REC_OPEN);
  }
  return false;
}

static void run_phase(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                      struct tct_tcp_ack *ack) {
  if (is_reneging(s, c, ack) || try_end(s, c, a, ack))
    return;
  if (a->rec.phase == TCT_REC_FAST)
    in_fast(s, c, a, ack);
  else if (a->rec.phase == TCT_REC_RTO)
    in_rto(s, c, a, ack);
  else
    in_open(s, c, a, ack);
}

/* Anything but an ACK that only goes on. */
static bool is_dubious(const struct tct_tcp_active *a, const struct tct_tcp_ack *ack) {
  bool news = ack->sacked_bytes > 0 || ack->dsack || ack->ece || ack->reneged;
  return news || a->rec.phase != TCT_REC_OPEN || ack->duplicate;
}

/* The probe repaired a loss [RFC8985 7.4.2]: the window is cut, and nothing else is to be done.
 * What else of this window is lost cuts no second time (RFC 5681 4.3), but with Linux. */
static void on_probe_repaired(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  begin_reduction(s, c, &a->rec);
  set_phase(s, c, TCT_REC_CWR);
  s->n.TCPLossProbeRecovery++;
  if (is_strict(s) && c->snd.una != c->snd.nxt)
    return;
  tct_tcp_cc_prr_end(s, c);
  keep_open(s, c, a);
}

void tct_tcp_recover_on_ack(tct_stack *s, struct tct_tcp *c, struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  struct tct_run_sum before = a->runs.lost_ever;
  a->rec.frto_new = false;
  a->rec.reneging = false;
  a->rec.repaired = a->rec.repaired && !ack->advanced;
  a->rec.flight_bytes = ack->flight_before;
  tct_tcp_dupack_eat(s, c, ack);
  if (has_sack(c) && ack->reorders)
    tct_tcp_rack_on_reordered(s, c, ack->reord, false);
  tct_tcp_rack_adapt(s, c, ack);
  if (tct_tcp_tlp_on_ack(c, ack))
    on_probe_repaired(s, c, a);
  if (is_dubious(a, ack))
    run_phase(s, c, a, ack);
  else
    a->rec.recover = tct_seq_max(a->rec.recover, tct_seq_sub(c->snd.una, 1)); /* follows */
  ack->newly_lost_bytes = a->runs.lost_ever.bytes - before.bytes;
  ack->newly_lost_segs = a->runs.lost_ever.segs - before.segs;
}

/* ---- Time-outs ------------------------------------------------------------------------------- */

/* [RFC8985 6.2 step 5] The time allowed for reordering is over. */
void tct_tcp_recover_on_reorder_timer(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  struct tct_tcp_ack one = {.delivered_segs = 1, .delivered_bytes = tct_tcp_send_mss(s, c)};
  if (a == NULL)
    return;
  uint32_t lost = a->runs.lost_ever.segs;
  (void)tct_tcp_rack_detect(s, c);
  if (a->runs.lost_ever.segs == lost)
    return;
  one.newly_lost_segs = 1;
  a->rec.why = TCT_WHY_REORDER;
  if (a->rec.phase == TCT_REC_FAST)
    return;
  enter_fast(s, c, a, false);
  (void)tct_tcp_cc_prr_on_ack(s, c, &one);
}

/* [RFC9293 EP-43] All that is outstanding counts as lost, unless it left less than a round trip ago
 * (Linux; RFC 8985 6.3 too). A SACKed head means that the peer has reneged: RFC 2018 8, which
 * STRICT takes at its word. */
static void lose_all(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  bool reneged = a->runs.n > 0 && (tct_tcp_sack_at(&a->runs, 0)->flags & TCT_RUN_SACKED) != 0;
  bool every = reneged || is_strict(s);
  s->n.TCPSACKReneging += reneged;
  a->rec.reneged = a->rec.reneged || reneged;
  a->rec.dupacks = 0;
  if (every)
    tct_tcp_sack_forget_sacked(c);
  for (uint32_t i = 0; i < a->runs.n; i++) {
    if (i == 0 || every || !tct_tcp_rack_is_recent(s, c, tct_tcp_sack_at(&a->runs, i)))
      tct_tcp_sack_lose(s, &a->runs, i);
  }
}

/* RFC 5681 3.1 (4): ssthresh falls once for a window, however often its time-out comes. */
void tct_tcp_recover_on_rto(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  bool again = c->tmr.tries > 1;
  s->n.TCPTimeouts++;
  tct_tcp_past_count_rto(s, c, again);
  if (a == NULL) {
    if (!again)
      tct_tcp_cc_on_rto(s, c, tct_tcp_send_flight(c));
    c->tmr.due |= TCT_DUE_FIN;
    return;
  }
  struct tct_tcp_rec *rec = &a->rec;
  bool anew = rec->phase < TCT_REC_FAST;
  bool cut = rec->phase <= TCT_REC_DISORDER || tct_seq_leq(rec->recover, c->snd.una) ||
             (rec->phase == TCT_REC_RTO && !again) || TCT_PLANT(CUT_TWICE_A_WINDOW);
  uint32_t proven = tct_max_u32(a->runs.sacked.segs, rec->dupacks);
  lose_all(s, c, a);
  if (cut) {
    tct_tcp_undo_remember(c, ssthresh_before(c, rec), c->cc.cwnd);
    tct_tcp_cc_on_rto(s, c, tct_tcp_send_flight(c));
    tct_tcp_undo_begin(c);
  }
  if (TCT_RULE(MUST_19))
    tct_tcp_cc_prr_restart(s, c);
  if (rec->phase <= TCT_REC_DISORDER)
    tct_tcp_rack_on_rto(s, c, proven);
  tct_tcp_ecn_on_cut(c);
  set_phase(s, c, TCT_REC_RTO);
  rec->recover = c->snd.nxt;
  tct_tcp_tlp_forget(c);
  rec->frto = s->cfg.frto == TCT_ON && (anew || again);
  rec->frto_new = false;
  rec->reneging = false;
  rec->why = TCT_WHY_RTO;
}

/* ---- Losses that are no congestion ----------------------------------------------------------- */

/* Bytes that a shut window refused (a probe's, or what was in flight when it was pulled back) are
 * repeated as soon as there is room, not a time-out later; those that went with a SYN as soon as
 * the SYN,ACK leaves them out [RFC7413 4.2.1]. */
void tct_tcp_recover_on_refused(tct_stack *s, struct tct_tcp *c, tct_why why) {
  if (c->active == NULL)
    return;
  tct_tcp_sack_mark_lost(s, c, c->snd.una, c->snd.nxt);
  repair(s, c, c->active, why);
}

/* The path shrank: what is out in too large pieces is gone, and that is no congestion (RFC
 * 8201 5.4). */
void tct_tcp_recover_on_mtu(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  uint32_t mss = tct_tcp_send_mss(s, c);
  for (uint32_t i = 0; a != NULL && i < a->runs.n; i++) {
    const struct tct_run *run = tct_tcp_sack_at(&a->runs, i);
    if (run->seg_size <= mss || tct_seq_len(run->begin, run->end) <= mss)
      continue;
    tct_tcp_sack_recut(&a->runs, i, (uint16_t)mss);
    tct_tcp_sack_lose(s, &a->runs, i);
    a->rec.why = TCT_WHY_MTU_REDUCED;
  }
  if (a != NULL && a->rec.why == TCT_WHY_MTU_REDUCED)
    repair(s, c, a, TCT_WHY_MTU_REDUCED);
}

/* ---- Sent, quiet ----------------------------------------------------------------------------- */

/* [begin, end) went again. */
void tct_tcp_recover_on_resent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end,
                               tct_why why) {
  struct tct_tcp_active *a = c->active;
  bool probe = why == TCT_WHY_TLP;
  if (a == NULL)
    return;
  if (!probe && s->tcp->profile->joins_resent && tct_seq_len(begin, end) <= UINT16_MAX)
    tct_tcp_sack_merge(c, begin, end);
  uint32_t segs = a->runs.resent.segs;
  tct_tcp_sack_on_resent(s, c, begin, end, probe);
  segs = a->runs.resent.segs - tct_min_u32(segs, a->runs.resent.segs);
  if (probe || segs == 0)
    return;
  tct_tcp_undo_on_resent(s, c, segs);
  tct_tcp_cc_prr_on_sent(s, c, segs, tct_seq_len(begin, end));
  if (a->rec.phase == TCT_REC_RTO)
    s->n.TCPSlowStartRetrans += segs;
  else
    s->n.TCPFastRetrans += segs;
  if (a->rec.frto_new) /* there was nothing new to send */
    a->rec.frto = a->rec.frto_new = false;
}

/* Retransmissions wait while new data shows whether they are needed (F-RTO), and for the time-out
 * that a reneging peer causes. */
bool tct_tcp_recover_holds_back(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_rec *rec = &c->active->rec;
  if (!rec->frto_new || rec->reneging)
    return rec->reneging;
  return tct_seq_gt(c->snd.nxt, rec->recover) ||
         (could_send_new(s, c) && tct_tcp_recover_room(s, c) > 0);
}

/* All is acknowledged and nothing waits: no phase outlives that, if there is nothing to keep it. */
void tct_tcp_recover_on_quiet(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a->rec.phase == TCT_REC_OPEN || c->extra != NULL)
    return;
  if (in_reduction(&a->rec))
    tct_tcp_cc_prr_end(s, c);
  set_phase(s, c, TCT_REC_OPEN);
  a->rec.frto = false;
}
