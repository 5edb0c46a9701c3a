/* SPDX-License-Identifier: MIT */
/*
 * tcp_recover.c - which bytes are lost. Alone writes active->rec. Told of ACKs, of time-outs and of
 * a smaller path MTU; marks runs LOST, which tcp_plan then sends again. Without SACK in use: fast
 * retransmit on the third duplicate, NewReno's partial ACKs, everything outstanding after a
 * time-out. RFC 5681 section 3.2, RFC 6582, RFC 3042 (limited transmit follows from the pipe), RFC
 * 6298 section 5.4.
 */
#include "tcp/calls.h"
#include "util/rule.h"

#define DUPACKS 3u
#define LIMITED_TRANSMIT 2u

static void mark_first(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a, tct_why why) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  tct_seq end = tct_seq_min(tct_seq_add(c->snd.una, mss), c->snd.nxt);
  a->rec.why = (uint8_t)why;
  a->rec.lost_bytes += tct_tcp_sack_mark_lost(s, c, c->snd.una, end);
}

/* Segments that duplicate ACKs prove to have arrived. Before a repair only RFC 3042's two count;
 * after a time-out none do, the window is built up anew. */
static uint32_t proven_segs(const struct tct_tcp_rec *rec) {
  if (rec->phase == TCT_REC_OPEN)
    return tct_min_u32(rec->dupacks, LIMITED_TRANSMIT);
  return rec->phase == TCT_REC_FAST ? rec->dupacks : 0;
}

/* What is in the network: not what is lost, nor one segment for each duplicate ACK. */
uint32_t tct_tcp_recover_pipe(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t flight = tct_tcp_send_flight(c);
  if (a == NULL)
    return flight;
  uint32_t gone = tct_add_sat_u32(a->rec.lost_bytes, proven_segs(&a->rec) * c->snd.mss);
  return tct_sub_floor_u32(flight, gone);
}

static void begin_fast(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  a->rec.phase = TCT_REC_FAST;
  a->rec.recover = c->snd.nxt;
  a->rec.acked_in_recovery = 0;
  s->n.TCPFastRetrans++;
  /* what limited transmit sent beyond the window does not count: RFC 5681 3.2 step 2 */
  tct_tcp_cc_on_loss(s, c, tct_min_u32(tct_tcp_send_flight(c), c->cc.cwnd));
  tct_tcp_ecn_on_cut(c);
  mark_first(s, c, a, TCT_WHY_FAST_REXMIT);
}

/* A round trip brings at most one duplicate for each segment that was out when it began: forged
 * ones buy nothing (Savage 1999; RFC 5681 3.2 allows such a limit). */
static void count_duplicate(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_rec *rec) {
  uint32_t now_ms = tct_time_ms32(s->now), round_ms = c->rtt.srtt_us8 / 8000 + 1;
  if (rec->dupacks == 0 || tct_ms32_since(now_ms, rec->dupacks_ms) >= round_ms) {
    uint32_t segs = (tct_tcp_send_flight(c) + c->snd.mss - 1) / c->snd.mss;
    rec->dupacks_max = (uint16_t)tct_min_u32(segs, UINT16_MAX);
    rec->dupacks_ms = now_ms;
  }
  if (rec->dupacks < rec->dupacks_max)
    rec->dupacks++;
}

static void on_duplicate(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  count_duplicate(s, c, &a->rec);
  /* RFC 6582 3.2: not again for losses of the window that was repaired already */
  if (a->rec.phase == TCT_REC_OPEN && a->rec.dupacks == DUPACKS &&
      tct_seq_gt(c->snd.una, a->rec.recover))
    begin_fast(s, c, a);
}

/* RFC 6582 3.2 step 3: a partial ACK shows the next hole; the window deflates by what was
 * acknowledged. */
static void on_partial(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                       const struct tct_tcp_ack *ack) {
  uint32_t segs = ack->acked_bytes / c->snd.mss;
  a->rec.dupacks = (uint16_t)tct_sub_floor_u32(a->rec.dupacks, segs > 0 ? segs - 1 : 0);
  a->rec.acked_in_recovery += ack->acked_bytes;
  mark_first(s, c, a, TCT_WHY_PARTIAL_ACK);
}

static void on_advance(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a,
                       const struct tct_tcp_ack *ack) {
  bool whole = tct_seq_geq(c->snd.una, a->rec.recover);
  if (a->rec.phase == TCT_REC_FAST && !whole) {
    on_partial(s, c, a, ack);
    return;
  }
  a->rec.dupacks = 0;
  if (a->rec.phase == TCT_REC_OPEN) {
    a->rec.recover = tct_seq_max(a->rec.recover,
                                 tct_seq_sub(c->snd.una, 1)); /* follows, or it would come round */
    return;
  }
  if (a->rec.phase == TCT_REC_FAST)
    tct_tcp_cc_on_recovered(s, c, tct_tcp_send_flight(c));
  if (whole)
    a->rec.phase = TCT_REC_OPEN;
}

void tct_tcp_recover_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL)
    return;
  if (ack->advanced)
    on_advance(s, c, a, ack);
  else if (ack->duplicate)
    on_duplicate(s, c, a);
}

/* [RFC9293 EP-43] All that is outstanding counts as lost; the first unacknowledged goes first. */
void tct_tcp_recover_on_rto(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  bool again = c->tmr.tries > 1;
  if (!again)
    tct_tcp_cc_on_rto(s, c, tct_tcp_send_flight(c));
  tct_tcp_ecn_on_cut(c);
  s->n.TCPTimeouts++;
  if (a == NULL) {
    c->tmr.due |= TCT_DUE_FIN;
    return;
  }
  a->rec.phase = TCT_REC_RTO;
  a->rec.recover = c->snd.nxt;
  a->rec.dupacks = 0;
  a->rec.why = TCT_WHY_RTO;
  a->rec.lost_bytes += tct_tcp_sack_mark_lost(s, c, c->snd.una, c->snd.nxt);
}

/* Bytes that a shut window refused (a probe's, or what was in flight when it was pulled back) are
 * repeated as soon as there is room, not a time-out later. */
void tct_tcp_recover_on_reopened(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL)
    return;
  a->rec.why = TCT_WHY_REOPENED;
  a->rec.lost_bytes += tct_tcp_sack_mark_lost(s, c, c->snd.una, c->snd.nxt);
}

/* The path shrank: what is out in too large pieces is gone, and that is no congestion (RFC
 * 8201 5.4). */
void tct_tcp_recover_on_mtu(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t mss = tct_tcp_send_mss(s, c);
  for (uint32_t i = 0; a != NULL && i < a->runs.n; i++) {
    struct tct_run run = *tct_tcp_sack_at(&a->runs, i);
    if (run.seg_size <= mss || tct_seq_len(run.begin, run.end) <= mss)
      continue;
    a->rec.why = TCT_WHY_MTU_REDUCED;
    a->rec.lost_bytes += tct_tcp_sack_mark_lost(s, c, run.begin, run.end);
  }
}

void tct_tcp_recover_on_lost_acked(struct tct_tcp *c, uint32_t bytes) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  TCT_ASSERT(bytes <= a->rec.lost_bytes);
  a->rec.lost_bytes -= bytes;
}

void tct_tcp_recover_on_resent(struct tct_tcp *c, uint32_t bytes) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL)
    return;
  TCT_ASSERT(bytes <= a->rec.lost_bytes);
  a->rec.lost_bytes -= bytes;
}
