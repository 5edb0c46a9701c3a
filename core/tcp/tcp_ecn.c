/* SPDX-License-Identifier: MIT */
/*
 * tcp_ecn.c - explicit congestion notification: what our SYN asks and what was agreed, marks that
 * came told to the peer, the peer's word heeded. Alone writes c->rcv.ecn and active->ecn_cut.
 * Called by tcp_input (what came), tcp_plan and tcp_output (what goes), tcp_listen and tcp_child
 * (passive opening). Leaves how much is cut to tcp_cc, the marks on fragments to ip/ip_reasm.
 * RFC 3168 section 6.1 [RFC9293 SHLD-8], RFC 8311, RFC 8257 section 3.2 (the exact receiver).
 */
#include "tcp/calls.h"
#include "util/rule.h"

enum { ECN_MASK = 3, ECN_NOT_ECT = 0, ECN_ECT0 = 2, ECN_CE = 3 };
enum { SYN_SETUP = TCT_ECE | TCT_CWR };

static bool is_classic(const struct tct_tcp *c) {
  return (c->rcv.ecn & TCT_ECNF_CLASSIC) != 0;
}

static void put(struct tct_tcp *c, unsigned bit, bool on) {
  c->rcv.ecn = (uint16_t)(on ? c->rcv.ecn | bit : c->rcv.ecn & ~bit);
}

/* ---- What is agreed: RFC 3168 6.1.1 ---------------------------------------------------------- */

tct_ecn tct_tcp_ecn_mode(const tct_stack *s, const struct tct_tcp *c) {
  bool own = c->extra != NULL && (c->extra->set >> TCT_OPT_ECN & 1) != 0;
  if (!TCT_RULE(SHLD_8))
    return TCT_ECN_OFF;
  return (tct_ecn)(own ? c->extra->ecn : s->cfg.ecn);
}

static bool asks(tct_ecn mode) {
  return mode == TCT_ECN_ON || mode == TCT_ECN_ACCURATE || mode == TCT_ECN_ACCURATE_ASK_CLASSIC;
}

/* A SYN that was not answered may have met somebody who drops such SYNs: it goes again without
 * (RFC 3168 6.1.1.1). Either SYN may be the one that is answered. */
uint8_t tct_tcp_ecn_syn_flags(const tct_stack *s, const struct tct_tcp *c, bool again) {
  if (c->state != TCT_SYN_SENT)
    return is_classic(c) ? TCT_ECE : 0;
  if (!asks(tct_tcp_ecn_mode(s, c)) || (again && s->cfg.ecn_fallback == TCT_ON))
    return 0;
  return SYN_SETUP;
}

/* Of a SYN,ACK ECE alone agrees; both are a peer that throws our bits back. */
void tct_tcp_ecn_on_syn(struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  uint8_t want = (h->flags & TCT_ACK) != 0 ? TCT_ECE : SYN_SETUP;
  bool agreed = (h->flags & SYN_SETUP) == want && (c->rcv.ecn & TCT_ECNF_ASKED) != 0;
  put(c, TCT_ECNF_CLASSIC, agreed);
}

/* A SYN must not be ECT itself (RFC 3168 6.1.1): who marks it so may do so to all and sundry. */
bool tct_tcp_ecn_may_agree(const tct_stack *s, const struct tct_tcp *l, const struct tct_pkt *p,
                           const struct tct_tcp_hdr *h) {
  bool asked = (h->flags & SYN_SETUP) == SYN_SETUP;
  bool plain = (p->ip.tclass & ECN_MASK) == ECN_NOT_ECT || h->ae;
  return asked && plain && tct_tcp_ecn_mode(s, l) != TCT_ECN_OFF;
}

void tct_tcp_ecn_on_child(struct tct_tcp *c, const struct tct_half_open *r) {
  put(c, TCT_ECNF_CLASSIC, (r->opts & TCT_HALF_ECN) != 0);
}

/* ---- What goes out --------------------------------------------------------------------------- */

/* Data that goes for the first time: not SYN, pure ACK, retransmission or window probe, whose loss
 * nobody would answer with a smaller window (RFC 3168 6.1.4 to 6.1.6). */
static bool is_capable(const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  bool special = p->resend || p->probe_byte || p->why == TCT_WHY_PROBE;
  return is_classic(c) && p->len > 0 && !special && (p->flags & TCT_SYN) == 0;
}

uint8_t tct_tcp_ecn_ip(const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  return is_capable(c, p) ? ECN_ECT0 : ECN_NOT_ECT;
}

/* ECE on every ACK from the mark to the peer's CWR (6.1.3); our own CWR on the first new segment
 * behind the cut, since a lost one is not repaired (6.1.2). */
uint8_t tct_tcp_ecn_flags(const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  unsigned flags = 0;
  if ((p->flags & TCT_SYN) != 0 || !is_classic(c))
    return 0;
  if ((c->rcv.ecn & TCT_ECNF_ECHO) != 0)
    flags |= TCT_ECE;
  if ((c->rcv.ecn & TCT_ECNF_TELL_CWR) != 0 && is_capable(c, p))
    flags |= TCT_CWR;
  return (uint8_t)flags;
}

void tct_tcp_ecn_on_sent(struct tct_tcp *c, const struct tct_tcp_plan *p) {
  if ((p->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN && (p->flags & SYN_SETUP) == SYN_SETUP)
    put(c, TCT_ECNF_ASKED, true);
  if (is_capable(c, p))
    put(c, TCT_ECNF_TELL_CWR, false);
}

/* ---- What came: marks ------------------------------------------------------------------------ */

/* DCTCP: an ACK says of all that it covers whether it was marked; so at a change what was before is
 * acknowledged by itself (RFC 8257 3.2). */
static void echo_exactly(tct_stack *s, struct tct_tcp *c, bool ce) {
  if (((c->rcv.ecn & TCT_ECNF_ECHO) != 0) == ce)
    return;
  if (c->rcv.ack_sent != c->rcv.nxt) {
    tct_tcp_output_ack_now(s, c, TCT_WHY_ACK_ECN);
    tct_tcp_recv_on_ack_sent(s, c, c->rcv.edge);
  }
  put(c, TCT_ECNF_ECHO, ce);
  tct_tcp_delack_hurry(s, c, 1);
}

/* The mark is told at once: the peer's window may be one segment already (Linux's habit). */
static void echo_until_cwr(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h, bool ce) {
  if ((h->flags & TCT_CWR) != 0) {
    put(c, TCT_ECNF_ECHO, false);
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_ECN);
  }
  if (!ce || (c->rcv.ecn & TCT_ECNF_ECHO) != 0)
    return;
  put(c, TCT_ECNF_ECHO, true);
  tct_tcp_delack_hurry(s, c, 2);
}

void tct_tcp_ecn_on_text(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                         const struct tct_tcp_hdr *h) {
  unsigned field = p->ip.tclass & ECN_MASK;
  if (!is_classic(c))
    return;
  if ((c->rcv.ecn & TCT_ECNF_EXACT) != 0)
    echo_exactly(s, c, field == ECN_CE);
  else
    echo_until_cwr(s, c, h, field == ECN_CE);
  if (field != ECN_NOT_ECT)
    put(c, TCT_ECNF_SEEN, true);
  else if ((c->rcv.ecn & TCT_ECNF_SEEN) != 0)
    tct_tcp_delack_hurry(s, c, 2); /* no longer ECT: a retransmission, so the peer waits */
}

void tct_tcp_ecn_set_exact(struct tct_tcp *c, bool exact) {
  put(c, TCT_ECNF_EXACT, exact);
}

/* ---- What came: the peer's word -------------------------------------------------------------- */

/* What must outlive a quiet connection's block: a mark told again when nothing is under way, by a
 * window update, say, is the one that was heeded. */
tct_seq tct_tcp_ecn_fresh_cut(const struct tct_tcp *c) {
  bool here = (c->rcv.ecn & TCT_ECNF_CUT_HERE) != 0;
  return here ? c->snd.una : tct_seq_sub(c->snd.una, 1);
}

static void note_cut(struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  put(c, TCT_ECNF_CUT_HERE, a != NULL && a->ecn_cut == c->snd.una);
}

void tct_tcp_ecn_on_ack(struct tct_tcp *c, const struct tct_tcp_hdr *h, struct tct_tcp_ack *a) {
  a->ece = is_classic(c) && (h->flags & (TCT_ECE | TCT_SYN)) == TCT_ECE;
  a->ce_bytes = a->ece ? a->acked_bytes : 0;
  if (a->advanced)
    note_cut(c);
}

/* Once for each window of data: what was under way at the last cut was marked before it (6.1.2).
 * Losses that are being repaired have cut it already. */
void tct_tcp_ecn_heed(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = tct_tcp_active(c);
  if (a == NULL || ack->flight_before == 0 || a->rec.phase != TCT_REC_OPEN)
    return;
  if (!tct_seq_gt(c->snd.una, a->ecn_cut))
    return;
  a->ecn_cut = c->snd.nxt;
  note_cut(c);
  tct_tcp_cc_on_loss(s, c, tct_min_u32(ack->flight_before, c->cc.cwnd));
  tct_tcp_ecn_on_cut(c);
}

void tct_tcp_ecn_on_cut(struct tct_tcp *c) {
  if (is_classic(c))
    put(c, TCT_ECNF_TELL_CWR, true);
}

void tct_tcp_ecn_on_undo(struct tct_tcp *c) {
  put(c, TCT_ECNF_TELL_CWR, false);
}
