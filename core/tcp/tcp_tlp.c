/* SPDX-License-Identifier: MIT */
/*
 * tcp_tlp.c - the tail loss probe: when the end of a flight stays unanswered for two round trips,
 * one segment more brings the SACK that shows what is lost, instead of a time-out. Alone writes
 * rec.past.tlp and tlp_end. Called by tcp_timer (when, and that it is time), tcp_output (it left)
 * and tcp_recover (what came back). tcp_plan makes the segment. RFC 8985 section 7, with Linux's
 * figures: a minimal RTO for a delayed ACK, 2 ms of slack, never later than the RTO.
 */
#include "tcp/calls.h"

#define SLACK_NS TCT_MS(2)
#define ACK_DELAY_NS TCT_MS(200) /* RFC 8985's worst case of a delayed ACK */

static struct tct_tcp_past *past_of(const struct tct_tcp *c) {
  return &c->active->rec.past;
}

/* [RFC8985 7.2] Only with SACK, and while nothing is being repaired. */
/* RFC 8985 7.2: no probe while something is SACKed; the tail, repeated, may be just that. */
static bool has_sacked(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL && a->runs.sacked.segs > 0;
}

static bool may_probe(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (s->cfg.tlp != TCT_ON || a == NULL || a->runs.n == 0 || (c->open & TCT_OPEN_SACK) == 0)
    return false;
  if (!tct_tcp_syn_acked(c)) /* Fast Open: the timer is the SYN's */
    return false;
  return a->rec.phase == TCT_REC_OPEN || a->rec.phase == TCT_REC_CWR;
}

/* [RFC8985 7.2] When the probe is due, if that is before the time-out at rto_at. */
TCT_HOT tct_time tct_tcp_tlp_at(const tct_stack *s, const struct tct_tcp *c, tct_time rto_at) {
  if (!may_probe(s, c))
    return TCT_NEVER;
  bool strict = s->cfg.profile == TCT_PROFILE_STRICT;
  tct_time delay_ns = strict ? ACK_DELAY_NS : TCT_MS(s->cfg.rto_min_ms);
  tct_time wait_ns = TCT_MS(s->cfg.rto_initial_ms);
  if (c->rtt.srtt_us8 != 0)
    wait_ns = TCT_US((tct_time)c->rtt.srtt_us8 / 4) +
              (c->active->runs.all.segs == 1 ? delay_ns : SLACK_NS);
  return tct_time_min(tct_time_add(s->now, wait_ns), rto_at);
}

/* One probe at a time: false if the last is not settled. */
bool tct_tcp_tlp_may_go(const struct tct_tcp *c) {
  return past_of(c)->tlp == TCT_TLP_NONE && !has_sacked(c);
}

void tct_tcp_tlp_on_sent(tct_stack *s, struct tct_tcp *c, bool resent) {
  struct tct_tcp_past *past = past_of(c);
  past->tlp = resent ? TCT_TLP_RESENT : TCT_TLP_NEW;
  past->tlp_end = c->snd.nxt;
  s->n.TCPLossProbes++;
}

/* Another reaction has taken over. */
void tct_tcp_tlp_forget(struct tct_tcp *c) {
  past_of(c)->tlp = TCT_TLP_NONE;
}

/* [RFC8985 7.4.2] True: the probe repaired a loss, which is congestion. A duplicate report of the
 * probe, or the same ACK twice, tells that both copies arrived. */
bool tct_tcp_tlp_on_ack(struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_past *past = past_of(c);
  bool nothing_new = !ack->advanced && !ack->has_text && !ack->window_changed;
  if (past->tlp == TCT_TLP_NONE || tct_seq_lt(ack->ack, past->tlp_end))
    return false;
  if (past->tlp == TCT_TLP_NEW || ack->dsack_tlp) {
    past->tlp = TCT_TLP_NONE;
    return false;
  }
  if (tct_seq_gt(ack->ack, past->tlp_end)) {
    past->tlp = TCT_TLP_NONE;
    return true;
  }
  if (nothing_new && ack->sacked_bytes == 0)
    past->tlp = TCT_TLP_NONE;
  return false;
}
