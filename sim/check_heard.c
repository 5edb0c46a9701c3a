/* SPDX-License-Identifier: MIT */
/*
 * check_heard.c - may an end take what it takes? I6 and I7 of segments that came, by the stack's
 * verdict and the shadow of what it had heard before; I31 of what it once said that it holds.
 * Called by check_wire.c for each segment, before the shadow learns it. RFC 9293 section 3.10.7,
 * RFC 5961 sections 3 and 5, RFC 6191 section 2, RFC 2018 section 4.
 */
#include "sim/check_wire.h"

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

/* Only the number expected next resets (RFC 5961 3.2): between what was acknowledged and the
 * highest that came. */
static void judge_reset(struct sim_check_host *h, const struct sim_wire *w, const tct_seg *g) {
  if (!w->any_in || !w->acked || w->reborn || !ASK(h, 6))
    return;
  if (tct_seq_gt(g->seq, w->rcv_max) || tct_seq_lt(g->seq, w->ack))
    WRONG(h, 6, "an RST with the number %u resets, and %u..%u was expected", g->seq, w->ack,
          w->rcv_max);
}

/* RFC 9293 3.10.7.3: a SYN in SYN-SENT opens, from both sides at once. */
static void judge_crossing(struct sim_check_host *h, const tct_trace *t) {
  bool syn = (t->seg.flags & (TCT_SYN | TCT_ACK | TCT_RST)) == TCT_SYN;
  if (ASK(h, 6) && syn && t->verdict == TCT_DROP_SYN_SENT_NO_SYN)
    WRONG(h, 6, "a SYN that crosses ours is ignored");
}

/* RFC 5961 5.2: an ACK of what was never sent says nothing. A SYN within the window of a listener's
 * half-open record ends that before the ACK is looked at (RFC 9293 3.10.7.4, fourth step). */
static void judge_ack(struct sim_check_host *h, const struct sim_wire *w, const tct_seg *g) {
  bool ends_record = w->passive && (g->flags & TCT_SYN) != 0;
  if (!w->syn_sent || w->reborn || w->by_cookie || ends_record || !ASK(h, 7))
    return;
  if (tct_seq_gt(g->ack, w->nxt))
    WRONG(h, 7, "takes an ACK of %u, and has sent up to %u", g->ack, w->nxt);
}

/* What was to replace it never opened: the life in TIME-WAIT speaks again, and the next SYN is
 * judged by it. */
void sim_heard_wakes(struct sim_wire *w) {
  w->syn_sent = false;
  w->any_in = true;
  w->acked = false; /* what it last acknowledged was said for the other life */
  w->ts = w->slept.ts;
  w->ts_known = w->slept.ts_known;
  w->rcv_max = w->slept.rcv_max;
  w->ts_floor = w->slept.ts_floor;
}

/* RFC 6191 2, RFC 9293 3.6.1: a SYN out of TIME-WAIT is newer than all that came. */
static void judge_reopening(struct sim_check_host *h, struct sim_wire *w, const tct_seg *g) {
  if (!w->reopens || !w->any_in || !ASK(h, 6))
    return;
  w->reopens = false;
  if (g->has_ts && w->ts && w->ts_known && tct_seq_lt(g->tsval, w->ts_floor))
    WRONG(h, 6, "a SYN of %u reopens, and the timestamps had come to %u", g->tsval, w->ts_floor);
  if (!g->has_ts && tct_seq_lt(g->seq, w->rcv_max))
    WRONG(h, 6, "a SYN with the number %u reopens, and %u was expected", g->seq, w->rcv_max);
  w->slept.ts = w->ts;
  w->slept.ts_known = w->ts_known;
  w->slept.rcv_max = w->rcv_max;
  w->slept.ts_floor = w->ts_floor;
}

/* The move is told before the segment that has made it. */
static void judge_ended(struct sim_check_host *h, struct sim_wire *w, const tct_seg *g) {
  if (ASK(h, 6) && w->reset && (g->flags & TCT_RST) == 0)
    WRONG(h, 6, "a segment without RST (flags %02x) resets", g->flags);
  w->reset = false;
}

void sim_heard_judge(struct sim_check_host *h, struct sim_wire *w, const tct_trace *t) {
  const tct_seg *g = &t->seg;
  judge_ended(h, w, g);
  judge_crossing(h, t);
  if (t->verdict != TCT_ACCEPTED)
    return;
  if ((g->flags & TCT_RST) != 0)
    judge_reset(h, w, g);
  else if ((g->flags & TCT_ACK) != 0)
    judge_ack(h, w, g);
  else if ((g->flags & TCT_SYN) != 0)
    judge_reopening(h, w, g);
}

/* What check_window.c has to know of a segment without RST. */
void sim_heard_learn(struct sim_wire *w, const tct_trace *t) {
  const tct_seg *g = &t->seg;
  bool taken = t->verdict == TCT_ACCEPTED && (g->flags & TCT_ACK) != 0;
  w->n_heard++;
  w->old_heard = taken && w->top_known && tct_seq_lt(g->seq, w->top) && w->heard &&
                 tct_seq_leq(g->ack, w->una);
  if (taken && (!w->heard || tct_seq_geq(g->ack, w->una))) {
    w->top = w->top_known ? tct_seq_max(w->top, g->seq) : g->seq;
    w->top_known = true;
  }
  if (t->verdict == TCT_DROP_NO_MEMORY)
    w->holds = false; /* what lay behind may have gone with it */
  if (t->verdict != TCT_ACCEPTED || !g->has_ts || !w->acked || tct_seq_gt(g->seq, w->ack))
    return;
  if (!w->ts_known || tct_seq_gt(g->tsval, w->ts_floor))
    w->ts_floor = g->tsval;
  w->ts_known = true;
}

/* Some are made without asking what is held: an end that is through, or a mark that changed. */
static bool tells_all(const tct_sim_frame *f) {
  bool bare = f->seg.len == 0 && (f->seg.flags & (TCT_SYN | TCT_FIN | TCT_RST)) == 0;
  return bare && f->why != TCT_WHY_ACK_ECN && f->why != TCT_WHY_ACK_FIN;
}

/* I31: RFC 2018 8 lets a receiver take back what it has SACKed; this one never does, or a block
 * that was given back has lost something. */
void sim_heard_said(struct sim_check_host *h, struct sim_wire *w, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  tct_seq upto = g->ack;
  if ((g->flags & TCT_ACK) == 0)
    return;
  for (unsigned i = 0; i < g->n_sack; i++)
    upto = tct_seq_max(upto, g->sack[i][1]);
  w->holds = w->holds && tct_seq_gt(w->sack_out, g->ack);
  if (tells_all(f) && w->holds && ASK(h, 31) && upto == g->ack)
    WRONG(h, 31, "has SACKed up to %u, and tells nothing of it any more", w->sack_out);
  if (upto == g->ack)
    return;
  w->sack_out = w->holds ? tct_seq_max(w->sack_out, upto) : upto;
  w->holds = true;
}
