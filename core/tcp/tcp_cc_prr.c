/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc_prr.c - proportional rate reduction: in a recovery the window comes down from what it was
 * to ssthresh in step with what arrives, neither at once nor in bursts. Alone writes rec.prr;
 * called by tcp_recover (begin, end) and tcp_cc (each ACK in phases FAST and CWR). RFC 6937 section
 * 3, RFC 9937: the slow-start bound, one segment more only on an ACK that shows progress and no new
 * loss. The LINUX profile counts segments, STRICT bytes.
 */
#include "tcp/calls.h"
#include "util/plant.h"

#define TCT_FLIGHT_ANY (1u << 30)

/* The window in units. Pure. */
uint32_t tct_tcp_cc_prr_window(const struct tct_tcp_prr *prr, const struct tct_tcp_prr_in *in) {
  uint32_t send;
  if (in->pipe > in->ssthresh) { /* what arrived, in proportion */
    uint64_t share = (uint64_t)in->ssthresh * prr->delivered + prr->prior_cwnd - 1;
    uint32_t due = (uint32_t)tct_min_u64(share / tct_max_u32(prr->prior_cwnd, 1), UINT32_MAX);
    send = tct_sub_floor_u32(due, prr->out);
  } else { /* back up to ssthresh, as fast as slow start would */
    send = tct_max_u32(tct_sub_floor_u32(prr->delivered, prr->out), in->delivered);
    send += in->safe ? in->unit : 0;
    send = tct_min_u32(send, in->ssthresh - in->pipe);
  }
  if (prr->out == 0) /* the first retransmission goes whatever happens */
    send = tct_max_u32(send, in->unit);
  return tct_add_sat_u32(in->pipe, send);
}

static bool counts_segs(const tct_stack *s) {
  return s->cfg.profile == TCT_PROFILE_LINUX;
}

/* How many bytes one of prr's units is. */
static uint32_t unit_bytes(const tct_stack *s, const struct tct_tcp *c) {
  return counts_segs(s) ? tct_tcp_send_mss(s, c) : 1;
}

void tct_tcp_cc_prr_begin(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_prr *prr = &c->active->rec.prr;
  uint32_t cwnd = c->cc.cwnd;
  memset(prr, 0, sizeof *prr);
  prr->prior_cwnd = cwnd / unit_bytes(s, c);
  /* FlightSize before the ACK that tells; what limited transmit sent beyond the window does not
   * count: RFC 5681 3.2 step 2 */
  uint32_t flight = tct_max_u32(tct_tcp_send_flight(c), c->active->rec.flight_bytes);
  tct_tcp_cc_on_loss(s, c, tct_min_u32(flight, cwnd));
  c->cc.cwnd = cwnd;
}

/* True: a reduction is under way, and the window was set. */
bool tct_tcp_cc_prr_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || (a->rec.phase != TCT_REC_FAST && a->rec.phase != TCT_REC_CWR))
    return false;
  uint32_t mss = tct_tcp_send_mss(s, c), unit = unit_bytes(s, c);
  struct tct_tcp_prr_in in = {
      .delivered = counts_segs(s) ? ack->delivered_segs : ack->delivered_bytes,
      .pipe = counts_segs(s) ? tct_tcp_recover_pipe_segs(c) : tct_tcp_recover_pipe(c),
      .ssthresh = c->cc.ssthresh / unit,
      .unit = mss / unit,
      .safe = ack->advanced && ack->newly_lost_segs == 0,
  };
  if (in.delivered == 0)
    return true;
  a->rec.prr.delivered = tct_add_sat_u32(a->rec.prr.delivered, in.delivered);
  uint32_t window = tct_tcp_cc_prr_window(&a->rec.prr, &in);
  c->cc.cwnd = tct_max_u32(window * unit, mss);
  tct_tcp_trace_cc(s, c);
  return true;
}

/* Anything that left during a reduction, new or again. */
void tct_tcp_cc_prr_on_sent(const tct_stack *s, struct tct_tcp *c, uint32_t segs, uint32_t bytes) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL && (a->rec.phase == TCT_REC_FAST || a->rec.phase == TCT_REC_CWR))
    a->rec.prr.out = tct_add_sat_u32(a->rec.prr.out, counts_segs(s) ? segs : bytes);
}

/* The end of a reduction, unless it was undone: the window is ssthresh, and no burst follows, since
 * the reduction kept the pipe full. RFC 6582's caution is for what had no such help. */
void tct_tcp_cc_prr_end(tct_stack *s, struct tct_tcp *c) {
  const struct tct_tcp_rec *rec = &c->active->rec;
  bool cautious = !counts_segs(s) && (c->open & TCT_OPEN_SACK) == 0 && rec->phase == TCT_REC_FAST;
  if (rec->phase != TCT_REC_CWR && !rec->past.undo_on)
    return;
  tct_tcp_cc_on_recovered(s, c, cautious ? tct_tcp_send_flight(c) : TCT_FLIGHT_ANY);
}

/* After a time-out: what may still be under way, and one segment. */
void tct_tcp_cc_prr_restart(tct_stack *s, struct tct_tcp *c) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t pipe = counts_segs(s) ? tct_tcp_recover_pipe_segs(c) * mss : tct_tcp_recover_pipe(c);
  if (!TCT_PLANT(CWND_KEPT_AT_TIME_OUT))
    c->cc.cwnd = pipe + mss;
  tct_tcp_trace_cc(s, c);
}
