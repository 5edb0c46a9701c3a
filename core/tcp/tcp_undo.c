/* SPDX-License-Identifier: MIT */
/*
 * tcp_undo.c - was the repair needless? Then window and threshold are as before. Two kinds of
 * proof: the peer echoes a time before our first retransmission (Eifel, RFC 3522, RFC 4015), or
 * reports every retransmission as a duplicate (D-SACK, RFC 2883, RFC 3708). The third, F-RTO (RFC
 * 5682), needs the order of events: it is in tcp_recover, which asks here and decides on phases.
 * Alone writes the undo fields of rec.past. All as Linux does it.
 */
#include "tcp/calls.h"

static struct tct_tcp_past *past_of(const struct tct_tcp *c) {
  return &c->active->rec.past;
}

/* The peer echoes a time of our clock before `at`: it answers something sent earlier. */
bool tct_tcp_undo_echo_is_before(const struct tct_tcp *c, const struct tct_tcp_ack *ack,
                                 tct_time at) {
  uint32_t ts = tct_ms32_add(tct_time_ms32(at), c->ts_offset);
  return ack->has_ts && ack->tsecr != 0 && tct_seq_lt(ack->tsecr, ts);
}

/* ---- What happened --------------------------------------------------------------------------- */

/* A cut is made; what is under way again may yet be reported as duplicate. */
void tct_tcp_undo_begin(struct tct_tcp *c) {
  struct tct_tcp_past *past = past_of(c);
  uint32_t segs = c->active->runs.resent.segs + (past->tlp == TCT_TLP_RESENT ? 1u : 0u);
  past->undo_on = true;
  past->undo_from = c->snd.una;
  past->undo_resent = segs > 0 ? (int32_t)tct_min_u32(segs, INT32_MAX) : -1;
}

/* What to go back to. Not for cuts that the network asked for (ECN). */
void tct_tcp_undo_remember(struct tct_tcp *c, uint32_t ssthresh, uint32_t cwnd) {
  past_of(c)->prior_ssthresh = ssthresh;
  past_of(c)->prior_cwnd = cwnd;
}

void tct_tcp_undo_off(struct tct_tcp *c) {
  past_of(c)->undo_on = false;
  past_of(c)->prior_ssthresh = 0;
}

void tct_tcp_undo_on_resent(const tct_stack *s, struct tct_tcp *c, uint32_t segs) {
  struct tct_tcp_past *past = past_of(c);
  if (!past->stamped) {
    past->stamped = true;
    past->first_resent_ts = tct_tcp_options_tsval(s, c);
  }
  if (past->undo_resent < 0)
    past->undo_resent = 0;
  past->undo_resent += (int32_t)segs;
}

/* Something sent again is still out, or was acknowledged in part only. */
static bool has_resent(const struct tct_tcp *c) {
  const struct tct_runs *r = &c->active->runs;
  return r->resent.segs > 0 || (r->n > 0 && tct_tcp_sack_at(r, 0)->times > 1);
}

void tct_tcp_undo_unstamp(struct tct_tcp *c) {
  if (!has_resent(c))
    past_of(c)->stamped = false;
}

bool tct_tcp_undo_has_resent(const struct tct_tcp *c) {
  return has_resent(c);
}

/* A segment that went again, and ends at `end`, is reported to have come twice. */
void tct_tcp_undo_on_duplicate(struct tct_tcp *c, tct_seq end, uint32_t segs) {
  struct tct_tcp_past *past = past_of(c);
  if (!past->undo_on || past->undo_resent <= 0 || !tct_seq_gt(end, past->undo_from))
    return;
  past->undo_resent -= (int32_t)tct_min_u32(segs, (uint32_t)past->undo_resent);
}

/* ---- D-SACK ---------------------------------------------------------------------------------- */

/* [RFC2883 4] The first block lies below the ACK, or inside the second. */
static bool is_dsack(tct_stack *s, const struct tct_tcp_hdr *h) {
  const struct tct_tcp_sack_block *b = h->opt.sack;
  if (tct_seq_lt(b[0].begin, h->ack)) {
    s->n.TCPDSACKRecv++;
    return true;
  }
  if (h->opt.n_sack < 2 || tct_seq_gt(b[0].end, b[1].end) || tct_seq_lt(b[0].begin, b[1].begin))
    return false;
  s->n.TCPDSACKOfoRecv++;
  return true;
}

/* Segments that it reports; 0: not to be believed, since no such range was ever in flight or more
 * duplicates are claimed than were ever resent. */
static uint32_t count_duplicates(tct_stack *s, struct tct_tcp *c, struct tct_range b,
                                 struct tct_tcp_ack *a) {
  const struct tct_tcp_past *past = past_of(c);
  uint32_t mss = tct_tcp_send_mss(s, c), len = tct_seq_ahead(b.begin, b.end);
  if (len == 0 || len > c->snd.wnd_max || c->extra == NULL)
    return 0;
  uint32_t segs = (len + mss - 1) / mss;
  a->dsack_tlp = segs == 1 && past->tlp != TCT_TLP_NONE && past->tlp_end == b.end;
  c->extra->dsack_dups += segs;
  if (c->extra->dsack_dups > c->extra->total_retrans)
    return 0;
  if (!a->dsack_tlp)
    tct_tcp_rack_on_dsack(c);
  a->dsack = true;
  a->delivered_segs += segs; /* they, too, have left the network */
  return segs;
}

/* Before snd.una moves. True: the first block is a D-SACK to be believed. */
bool tct_tcp_undo_on_dsack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                           struct tct_tcp_ack *a) {
  struct tct_range b = {h->opt.sack[0].begin, h->opt.sack[0].end};
  if (c->active == NULL || !is_dsack(s, h))
    return false;
  uint32_t segs = count_duplicates(s, c, b, a);
  if (segs == 0) {
    s->n.TCPDSACKIgnored++;
    return false;
  }
  if (tct_seq_leq(b.end, c->snd.una)) /* of what was dropped since: counted by size */
    tct_tcp_undo_on_duplicate(c, b.end, segs);
  return true;
}

/* ---- Judgements ------------------------------------------------------------------------------ */

/* [RFC3522 3.2] What is acknowledged now had only been late. Before anything was resent that is
 * plain; after, the echo tells. */
static bool was_late(const struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  const struct tct_tcp_rec *rec = &c->active->rec;
  if (rec->past.stamped)
    return ack->has_ts && ack->tsecr != 0 && tct_seq_lt(ack->tsecr, rec->past.first_resent_ts);
  return (c->open & TCT_OPEN_SACK) != 0 || tct_seq_lt(c->snd.una, rec->recover);
}

bool tct_tcp_undo_is_late(const struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  return past_of(c)->undo_on && was_late(c, ack);
}

/* [RFC3708 3.2] Every retransmission came as a duplicate. */
bool tct_tcp_undo_is_all_duplicate(const struct tct_tcp *c) {
  return past_of(c)->undo_on && past_of(c)->undo_resent == 0;
}

bool tct_tcp_undo_may(const struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  return tct_tcp_undo_is_all_duplicate(c) || tct_tcp_undo_is_late(c, ack);
}

/* [RFC4015 3.2] As if there had been no cut. `not_lost`: nor are there losses. */
void tct_tcp_undo_now(tct_stack *s, struct tct_tcp *c, bool not_lost) {
  struct tct_tcp_past *past = past_of(c);
  if (not_lost)
    tct_tcp_sack_clear_lost(c);
  if (past->prior_ssthresh != 0) {
    tct_tcp_cc_on_undo(s, c, past->prior_cwnd, past->prior_ssthresh);
    tct_tcp_ecn_on_undo(c);
  }
  past->undo_on = false;
  tct_tcp_rack_look_again(c);
}
