/* SPDX-License-Identifier: MIT */
/*
 * tcp_ecn.c - explicit congestion notification: what our SYN asks and what was agreed, marks that
 * came told to the peer, the peer's word heeded. Writes c->rcv.ecn and active->ecn_cut; with
 * tcp_accecn.c, which has the counters of the accurate kind.
 * Called by tcp_input (what came), tcp_plan and tcp_output (what goes), tcp_listen and tcp_child
 * (passive opening). Leaves how much is cut to tcp_cc, the marks on fragments to ip/ip_reasm.
 * RFC 3168 section 6.1 [RFC9293 SHLD-8], RFC 8311, RFC 8257 section 3.2 (the exact receiver).
 */
#include "tcp/tcp_ecn.h"
#include "util/rule.h"

enum { ACE_NONE = 0, ACE_ECE = 1, ACE_CWR = 2, ACE_CLASSIC = 3, ACE_ACCURATE = 7 };

/* ---- What is agreed: RFC 3168 6.1.1, RFC 9768 3.1 -------------------------------------------- */

tct_ecn tct_tcp_ecn_mode(const tct_stack *s, const struct tct_tcp *c) {
  bool own = tct_tcp_is_set(c, TCT_OPT_ECN);
  if (!TCT_RULE(SHLD_8))
    return TCT_ECN_OFF;
  return (tct_ecn)(own ? c->extra->ecn : s->cfg.ecn);
}

/* DCTCP is nothing without marks: it asks, and agrees, whatever the mode is (as in Linux). */
static bool lives_by_marks(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_cc_algorithm(s, c) == TCT_CC_DCTCP && TCT_RULE(SHLD_8);
}

/* A SYN that was not answered may have met somebody who drops such SYNs: it goes again without
 * (RFC 3168 6.1.1.1). Either SYN may be the one that is answered. The accurate one is to be tried
 * twice (RFC 9768 3.1.4.1), which Linux does not. */
static bool falls_back(const tct_stack *s, const struct tct_tcp *c, tct_ecn mode) {
  bool twice = mode == TCT_ECN_ACCURATE && s->cfg.profile == TCT_PROFILE_STRICT;
  bool again = (c->open & TCT_OPEN_SYN_LOST) != 0;
  return again && s->cfg.ecn_fallback == TCT_ON && !(twice && c->tmr.tries <= 1);
}

static unsigned syn_ace(const tct_stack *s, const struct tct_tcp *c) {
  tct_ecn mode = tct_tcp_ecn_mode(s, c);
  if (falls_back(s, c, mode))
    return ACE_NONE;
  if (lives_by_marks(s, c))
    return ACE_CLASSIC;
  if (mode == TCT_ECN_ACCURATE)
    return ACE_ACCURATE;
  return mode == TCT_ECN_ON || mode == TCT_ECN_ACCURATE_ASK_CLASSIC ? ACE_CLASSIC : ACE_NONE;
}

/* Our SYN,ACK, of two SYNs that crossed. */
static unsigned crossed_ace(const struct tct_tcp *c) {
  if (tct_ecn_is_accurate(c))
    return tct_tcp_accecn_code(tct_ecn_syn_field(c));
  return tct_ecn_is_classic(c) ? ACE_ECE : ACE_NONE;
}

/* A lost SYN has cut the window already, which the peer is told as of any other cut. */
static void agree_classic(struct tct_tcp *c, bool agreed) {
  tct_ecn_put(c, TCT_ECNF_CLASSIC, agreed);
  tct_ecn_put(c, TCT_ECNF_TELL_CWR, agreed && (c->open & TCT_OPEN_SYN_LOST) != 0);
}

/* Of a SYN,ACK ECE alone agrees to the classic kind; all three bits are a peer that throws ours
 * back; the rest tells how our SYN came. */
static void on_syn_ack(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                       const struct tct_tcp_hdr *h) {
  unsigned ace = tct_wire_tcp_ace(h);
  bool classic = (h->flags & (TCT_ECE | TCT_CWR)) == TCT_ECE;
  if ((c->rcv.ecn & TCT_ECNF_ASKED_ACCURATE) == 0 || ace == ACE_ECE)
    agree_classic(c, classic);
  else if (ace != ACE_NONE && ace != ACE_ACCURATE &&
           tct_tcp_accecn_start(s, c, p->ip.tclass & TCT_IP_ECN_MASK))
    tct_tcp_accecn_on_syn_ack(c, h);
}

void tct_tcp_ecn_on_syn(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                        const struct tct_tcp_hdr *h) {
  unsigned ace = tct_wire_tcp_ace(h);
  bool both = (c->rcv.ecn & TCT_ECNF_ASKED_ACCURATE) != 0 && ace == ACE_ACCURATE;
  if ((c->rcv.ecn & TCT_ECNF_ASKED) == 0)
    return;
  if ((h->flags & TCT_ACK) != 0)
    on_syn_ack(s, c, p, h);
  else if (both)
    (void)tct_tcp_accecn_start(s, c, p->ip.tclass & TCT_IP_ECN_MASK);
  else
    tct_ecn_put(c, TCT_ECNF_CLASSIC, (ace & ACE_CLASSIC) == ACE_CLASSIC);
}

void tct_tcp_ecn_on_syn_ack_again(struct tct_tcp *c, const struct tct_pkt *p) {
  unsigned field = p->ip.tclass & TCT_IP_ECN_MASK;
  if (!tct_ecn_is_accurate(c) || (c->open & TCT_OPEN_ACTIVE) == 0)
    return;
  tct_ecn_set_syn_field(c, field);
  tct_ecn_put(c, TCT_ECNF_HANDSHAKE, true);
}

/* ---- A listener's side ----------------------------------------------------------------------- */

/* A SYN must not be ECT itself in RFC 3168 6.1.1: who marks it so may do so to all and sundry. With
 * the accurate kind that is told instead; and there any combination that is in nobody's use yet
 * asks for it (RFC 9768 3.1.3). */
void tct_tcp_ecn_agree(const tct_stack *s, const struct tct_tcp *l, const struct tct_pkt *p,
                       const struct tct_tcp_hdr *h, struct tct_half_open *r) {
  unsigned ace = tct_wire_tcp_ace(h), field = p->ip.tclass & TCT_IP_ECN_MASK;
  tct_ecn mode = tct_tcp_ecn_mode(s, l);
  bool wanted = lives_by_marks(s, l), plain = field == TCT_IP_NOT_ECT || h->ae || wanted;
  bool classic = (ace & ACE_CLASSIC) == ACE_CLASSIC && plain;
  r->accecn = mode >= TCT_ECN_ACCURATE && ace != ACE_NONE && ace != ACE_CLASSIC && !wanted;
  r->syn_ecn = field & TCT_IP_ECN_MASK;
  if (r->accecn || (classic && (mode != TCT_ECN_OFF || wanted)))
    r->opts |= TCT_HALF_ECN;
}

void tct_tcp_ecn_on_syn_again(struct tct_half_open *r, const struct tct_tcp_hdr *h) {
  r->repeated = 1;
  r->repeated_plain = tct_wire_tcp_ace(h) == ACE_NONE;
}

/* What was not answered goes with less: the option may be what is dropped, then the bits
 * (RFC 9768 3.2.3.2.2, 3.1.4.2). What was agreed stays agreed. */
unsigned tct_tcp_ecn_syn_ack(const tct_stack *s, const struct tct_half_open *r,
                             struct tct_tcp_opts *o) {
  unsigned retries = r->life & TCT_HALF_RETRIES;
  if ((r->opts & TCT_HALF_ECN) == 0)
    return ACE_NONE;
  if (!r->accecn)
    return ACE_ECE; /* [RFC9293 SHLD-8] */
  if (retries == 0 && !r->repeated && s->cfg.ecn_option != TCT_ECN_OPTION_NEVER && !o->has_tfo)
    tct_tcp_accecn_initial(o);
  return retries >= 2 || r->repeated_plain ? ACE_NONE : tct_tcp_accecn_code(r->syn_ecn);
}

void tct_tcp_ecn_on_child(tct_stack *s, struct tct_tcp *c, const struct tct_half_open *r) {
  bool agreed = (r->opts & TCT_HALF_ECN) != 0;
  if (agreed && r->accecn)
    (void)tct_tcp_accecn_start(s, c, r->syn_ecn);
  else
    tct_ecn_put(c, TCT_ECNF_CLASSIC, agreed);
}

void tct_tcp_ecn_on_third_ack(struct tct_tcp *c, const struct tct_tcp_hdr *h, uint32_t text_len) {
  bool bare = text_len == 0 && h->opt.n_sack == 0 && (h->flags & TCT_SYN) == 0;
  if (tct_ecn_is_accurate(c) && bare)
    tct_tcp_accecn_on_third_ack(c, tct_wire_tcp_ace(h));
}

/* ---- What goes out --------------------------------------------------------------------------- */

/* Data that goes for the first time: not SYN, pure ACK, retransmission or window probe, whose loss
 * nobody would answer with a smaller window (RFC 3168 6.1.4 to 6.1.6). */
static bool is_capable(const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  bool special = p->resend || p->probe_byte || p->why == TCT_WHY_PROBE;
  bool agreed = (c->rcv.ecn & (TCT_ECNF_CLASSIC | TCT_ECNF_ACCURATE)) != 0;
  bool spoilt = (c->rcv.ecn & TCT_ECNF_NO_ECT) != 0;
  return agreed && !spoilt && p->len > 0 && !special && (p->flags & TCT_SYN) == 0;
}

/* Where every queue marks, everything is ECT, or it would be dropped in others' stead (RFC 8257
 * 4.3, 5562). */
static bool is_all_capable(const tct_stack *s, const struct tct_tcp *c,
                           const struct tct_tcp_plan *p) {
  bool asks = (p->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN && syn_ace(s, c) != ACE_NONE;
  return (asks || tct_ecn_is_classic(c)) && lives_by_marks(s, c);
}

uint8_t tct_tcp_ecn_ip(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  return is_capable(c, p) || is_all_capable(s, c, p) ? TCT_IP_ECT0 : TCT_IP_NOT_ECT;
}

/* ECE on every ACK from the mark to the peer's CWR (6.1.3); our own CWR on the first new segment
 * behind the cut, since a lost one is not repaired (6.1.2). */
static unsigned classic_ace(const struct tct_tcp *c, const struct tct_tcp_plan *p) {
  unsigned ace = (c->rcv.ecn & TCT_ECNF_ECHO) != 0 ? ACE_ECE : ACE_NONE;
  if ((c->rcv.ecn & TCT_ECNF_TELL_CWR) != 0 && is_capable(c, p))
    ace |= ACE_CWR;
  return ace;
}

static bool is_bare(const struct tct_tcp_plan *p) {
  return p->len == 0 && (p->flags & (TCT_FIN | TCT_RST)) == 0;
}

unsigned tct_tcp_ecn_ace(const tct_stack *s, const struct tct_tcp *c,
                         const struct tct_tcp_plan *p) {
  if ((p->flags & TCT_SYN) != 0)
    return (p->flags & TCT_ACK) != 0 ? crossed_ace(c) : syn_ace(s, c);
  if (tct_ecn_is_accurate(c))
    return tct_tcp_accecn_ace(c, is_bare(p));
  return tct_ecn_is_classic(c) ? classic_ace(c, p) : ACE_NONE;
}

void tct_tcp_ecn_on_sent(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_plan *p) {
  if ((p->flags & (TCT_SYN | TCT_ACK)) == TCT_SYN) {
    unsigned ace = syn_ace(s, c);
    tct_ecn_put(c, TCT_ECNF_ASKED, (c->rcv.ecn & TCT_ECNF_ASKED) != 0 || ace != ACE_NONE);
    if (ace == ACE_ACCURATE)
      tct_ecn_put(c, TCT_ECNF_ASKED_ACCURATE, true);
    return;
  }
  if (is_capable(c, p))
    tct_ecn_put(c, TCT_ECNF_TELL_CWR, false);
  if (tct_ecn_is_accurate(c) && (p->flags & TCT_SYN) == 0)
    tct_tcp_accecn_on_sent(c, is_bare(p));
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
  tct_ecn_put(c, TCT_ECNF_ECHO, ce);
  tct_tcp_delack_hurry(s, c, 1);
}

/* Enough of the echo. The peer's window may be one segment now: data is acknowledged at once. A
 * bare CWR is nobody's duty, but Linux takes it. */
static void take_cwr(struct tct_tcp *c, uint32_t text_len) {
  tct_ecn_put(c, TCT_ECNF_ECHO, false);
  if (text_len > 0)
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_ECN);
}

/* The mark is told at once: the peer's window may be one segment already (Linux's habit). */
static void echo_until_cwr(tct_stack *s, struct tct_tcp *c, bool ce) {
  if (!ce || (c->rcv.ecn & TCT_ECNF_ECHO) != 0)
    return;
  tct_ecn_put(c, TCT_ECNF_ECHO, true);
  tct_tcp_delack_hurry(s, c, 2);
}

void tct_tcp_ecn_on_text(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p) {
  unsigned field = p->ip.tclass & TCT_IP_ECN_MASK;
  if (!tct_ecn_is_classic(c))
    return;
  if (field == TCT_IP_CE)
    TCT_EXTRA_ADD(c, ecn_n.received_ce, 1);
  if (lives_by_marks(s, c))
    echo_exactly(s, c, field == TCT_IP_CE);
  else
    echo_until_cwr(s, c, field == TCT_IP_CE);
  if (field != TCT_IP_NOT_ECT)
    tct_ecn_put(c, TCT_ECNF_SEEN, true);
  else if ((c->rcv.ecn & TCT_ECNF_SEEN) != 0)
    tct_tcp_delack_hurry(s, c, 2); /* no longer ECT: a retransmission, so the peer waits */
}

void tct_tcp_ecn_on_segment(const tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                            const struct tct_tcp_hdr *h, uint32_t text_len) {
  bool syn = (h->flags & TCT_SYN) != 0, exact = lives_by_marks(s, c);
  if (tct_ecn_is_accurate(c) && !syn)
    tct_tcp_accecn_on_segment(c, p, text_len);
  else if (tct_ecn_is_classic(c) && !syn && !exact && (h->flags & TCT_CWR) != 0)
    take_cwr(c, text_len);
}

/* ---- What came: the peer's word -------------------------------------------------------------- */

/* What must outlive a quiet connection's block: a mark told again when nothing is under way, by a
 * window update, say, is the one that was heeded. */
tct_seq tct_tcp_ecn_fresh_cut(const struct tct_tcp *c) {
  bool here = (c->rcv.ecn & TCT_ECNF_CUT_HERE) != 0;
  return here ? c->snd.una : tct_seq_sub(c->snd.una, 1);
}

static void note_cut(struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  tct_ecn_put(c, TCT_ECNF_CUT_HERE, a != NULL && a->ecn_cut == c->snd.una);
}

void tct_tcp_ecn_on_ack(const tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                        struct tct_tcp_ack *a) {
  a->ece = tct_ecn_is_classic(c) && (h->flags & (TCT_ECE | TCT_SYN)) == TCT_ECE;
  a->ce_bytes = a->ece ? a->acked_bytes : 0;
  if (a->ece)
    TCT_EXTRA_ADD(c, ecn_n.delivered_ce, (a->acked_bytes + a->sacked_bytes) / c->snd.mss);
  if (tct_ecn_is_accurate(c))
    tct_tcp_accecn_on_ack(s, c, h, a);
  if (a->advanced)
    note_cut(c);
}

/* Once for each window of data: what was under way at the last cut was marked before it (6.1.2).
 * Losses that are being repaired have cut it already. */
void tct_tcp_ecn_heed(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || ack->flight_before == 0 || a->rec.phase >= TCT_REC_CWR)
    return;
  if (!tct_seq_gt(c->snd.una, a->ecn_cut))
    return;
  a->ecn_cut = c->snd.nxt;
  note_cut(c);
  tct_tcp_recover_enter_cwr(s, c);
}

void tct_tcp_ecn_on_cut(struct tct_tcp *c) {
  if (tct_ecn_is_classic(c))
    tct_ecn_put(c, TCT_ECNF_TELL_CWR, true);
}

void tct_tcp_ecn_on_undo(struct tct_tcp *c) {
  tct_ecn_put(c, TCT_ECNF_TELL_CWR, false);
}
