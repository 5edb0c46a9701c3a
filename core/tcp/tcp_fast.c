/* SPDX-License-Identifier: MIT */
/*
 * tcp_fast.c - header prediction: the segment that nearly all are. The connection is established
 * and plain (nothing lost, nothing beyond a gap, no mark, no probe, no urgent byte), the segment is
 * the next in order, with no flag but ACK and PSH and no option but the timestamp that was agreed,
 * and it brings new text, acknowledges something new, or both. Then most steps of tcp_input.c have
 * nothing to decide. Likewise the ACK of our FIN where nothing else is out, with the peer's FIN or
 * without. Called by tcp_input.c first of all; what is not plain is left to it untouched.
 *
 * Owner of no field: asks the same owners in the same order as tcp_input.c and leaves out the
 * questions whose answers are known. Afterwards every bit is as if the general way had been taken:
 * test/fuzz/fast.c and test/unit/test_tcp_fast.c compare two stacks that differ in this alone
 * (tct_config.no_fast_path). Van Jacobson's header prediction, as RFC 9293 section 3.10 allows.
 */
#include "tcp/plain.h"
#include "util/rule.h"

/* What both ways below share; `fin`, a constant in each: it is our FIN that is acknowledged. */
#define ALWAYS_INLINE inline __attribute__((always_inline))

/* The segment in hand. */
struct plain {
  struct tct_pkt *p;
  const struct tct_tcp_hdr *h;
  uint32_t text_len;
  bool advances; /* it acknowledges something new */
  uint32_t now_ms;
};

/* may: flags that it may have besides ACK. */
static ALWAYS_INLINE bool is_plain_header(const struct tct_tcp *c, const struct tct_tcp_hdr *h,
                                          unsigned may) {
  bool ts = (c->open & TCT_OPEN_TS) != 0;
  return (h->flags | may) == (TCT_ACK | may) && !h->ae && h->opt.has_ts == ts &&
         h->header_len == (ts ? TCT_TCP_HEADER_LEN + 12 : TCT_TCP_HEADER_LEN);
}

#define SND_ODD (TCT_SND_FIN_SENT | TCT_SND_URGENT | TCT_SND_OVERRIDE | TCT_SND_PROBE_DUE)
#define RCV_ODD (TCT_RCV_FIN | TCT_RCV_SHUT | TCT_RCV_URGENT | TCT_RCV_FIN_OOO)

/* All that the general way would look at in the record itself, at once; but for its state, and the
 * flags of which the caller knows more. */
static ALWAYS_INLINE bool is_plain_so_far(const struct tct_tcp *c, unsigned odd) {
  odd |= c->rcv.ecn & (unsigned)(TCT_ECNF_CLASSIC | TCT_ECNF_ACCURATE);
  odd |= c->tmr.tries;
  odd |= c->tmr.due;
  return odd == 0 && c->tmr.kind != TCT_TIMER_PERSIST && c->snd.wnd != 0;
}

static bool is_plain_conn(const struct tct_tcp *c) {
  unsigned odd = c->state ^ TCT_ESTABLISHED;
  odd |= c->snd.flags & (unsigned)SND_ODD;
  odd |= c->rcv.flags & (unsigned)RCV_ODD;
  odd |= c->sockf & (unsigned)TCT_SOCKF_CLOSED;
  return is_plain_so_far(c, odd);
}

static ALWAYS_INLINE bool is_plain_active(const struct tct_tcp_active *a) {
  uint32_t odd = a->rec.phase;
  odd |= a->rec.dupacks;
  odd |= a->rec.past.tlp;
  odd |= a->n_eor;
  odd |= a->ooo.set.n;
  odd |= a->runs.sacked.segs | a->runs.lost.segs | a->runs.resent.segs;
  return odd == 0 && a->ooo.set.at == a->ooo.first;
}

/* A newer window: of a later segment, or an ACK of no less; not shut; not the largest ever, which
 * changes what a segment may hold. */
static ALWAYS_INLINE bool is_plain_window(const struct tct_tcp *c, const struct plain *in) {
  uint32_t wnd = (uint32_t)in->h->window << tct_tcp_snd_shift(c);
  if (wnd == 0 || wnd > c->snd.wnd_max)
    return false;
  if (in->h->seq != c->snd.wl1)
    return tct_seq_lt(c->snd.wl1, in->h->seq);
  return in->advances || (tct_seq_leq(c->snd.wl2, in->h->ack) && wnd >= c->snd.wnd);
}

static bool is_plain(const tct_stack *s, const struct tct_tcp *c, struct plain *in) {
  const struct tct_tcp_hdr *h = in->h;
  if (!is_plain_header(c, h, TCT_PSH) || !is_plain_conn(c) || h->seq != c->rcv.nxt ||
      in->text_len > tct_tcp_recv_window(c))
    return false;
  uint32_t acked = tct_seq_ahead(c->snd.una, h->ack);
  in->advances = acked != 0;
  if (!in->advances && (h->ack != c->snd.una || in->text_len == 0))
    return false;
  if (tct_seq_gt(h->ack, c->snd.nxt) || !is_plain_window(c, in))
    return false;
  if (h->opt.has_ts && (int32_t)tct_ms32_since(h->opt.tsval, c->rcv.ts_recent) < 0)
    return false;
  const struct tct_tcp_active *a = c->active;
  if (a == NULL ? in->advances : !is_plain_active(a))
    return false;
  /* who only receives has told congestion control nothing yet, and does not now */
  bool tells = in->advances || c->snd.una != c->snd.nxt;
  return (c->extra == NULL || !c->extra->mtup.on) && (!tells || tct_tcp_cc_is_plain(s, c));
}

static ALWAYS_INLINE void count(struct tct_tcp *c, const struct plain *in) {
  struct tct_extra *x = c->extra;
  if (x == NULL)
    return;
  uint32_t segs = tct_tcp_reasm_segments(in->p, in->text_len);
  x->segs_in += segs;
  x->data_segs_in += in->text_len > 0 ? segs : 0;
  x->last_ack_ms = in->now_ms;
}

/* Step 5 where something new is acknowledged. */
static ALWAYS_INLINE void take_ack(tct_stack *s, struct tct_tcp *c, const struct plain *in,
                                   const bool fin) {
  struct tct_tcp_ack a;
  tct_tcp_send_on_plain_ack(s, c, in->p, in->h, &a, fin);
  a.has_text = in->text_len > 0;
  tct_tcp_ecn_on_plain_ack(c);
  if (a.rtt_ns != TCT_NEVER) {
    tct_tcp_rtt_sample(s, c, a.rtt_ns);
    tct_tcp_timer_forgive(c);
  }
  tct_tcp_timer_on_plain_ack(c, in->now_ms);
  if (fin && c->extra != NULL && c->extra->cc.state != NULL)
    tct_tcp_cc_on_news(s, c, &a);
  tct_tcp_recover_on_plain_ack(s, c, &a);
  tct_tcp_rate_on_ack(s, c, &a);
  if (!fin)
    tct_tcp_cc_on_plain_ack(s, c, &a);
  if (c->extra != NULL && (c->extra->notsent_lowat | c->extra->n_marks) != 0)
    tct_sock_event_marks(s, c);
}

/* Nothing left since tcp_cc and tcp_rate looked at the last burst's end, and nothing waits: they
 * would find what they found then. */
static ALWAYS_INLINE bool is_burst_judged(const struct tct_tcp *c, const bool fin) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_extra *x = c->extra;
  if (a->cc.sent || a->tx.end != (fin ? tct_seq_sub(c->snd.nxt, 1) : c->snd.nxt))
    return false;
  return x == NULL || (x->rate.app_limited &&
                       tct_seq_add(x->rate.delivered_bytes, tct_seq_len(c->snd.una, c->snd.nxt)) ==
                           x->rate.app_limited_end);
}

static ALWAYS_INLINE void step5_ack(tct_stack *s, struct tct_tcp *c, const struct plain *in,
                                    const bool fin) {
  if (c->active != NULL && !is_burst_judged(c, fin))
    tct_tcp_cc_on_burst_end(s, c);
  tct_tcp_send_plain_window(c, in->h);
  if (s->tcp->profile->ack_ends_soft_error)
    c->soft_err = 0;
  if (in->advances)
    take_ack(s, c, in, fin);
  else if (c->active != NULL)
    tct_tcp_recover_on_plain_text(c);
  if ((c->sockf & TCT_SOCKF_WANTS_ROOM) != 0)
    tct_sock_event_writable(s, c);
  if (in->advances)
    tct_tcp_timer_restart(s, c);
}

static tct_verdict step7_text(tct_stack *s, struct tct_tcp *c, const struct plain *in) {
  const struct tct_text t = {in->h->seq, in->text_len, in->h->header_len, in->p};
  tct_verdict v = tct_tcp_reasm_input(s, c, &t);
  tct_tcp_tune_on_text(s, c, in->h);
  if (c->extra != NULL)
    c->extra->last_recv_ms = in->now_ms;
  if (v == TCT_ACCEPTED)
    tct_sock_event_readable(s, c);
  return v;
}

/* Our FIN is acknowledged, which was all that was out, and there is no text. */
static bool is_plain_end(const tct_stack *s, const struct tct_tcp *c, const struct plain *in) {
  const struct tct_tcp_hdr *h = in->h;
  const struct tct_extra *x = c->extra;
  if (c->state != TCT_FIN_WAIT_1 && c->state != TCT_LAST_ACK)
    return false;
  unsigned may = c->state == TCT_FIN_WAIT_1 ? TCT_PSH | TCT_FIN : TCT_PSH;
  unsigned odd = c->snd.flags & (unsigned)(SND_ODD & ~TCT_SND_FIN_SENT);
  odd |= c->rcv.flags & (unsigned)(TCT_RCV_URGENT | TCT_RCV_FIN_OOO);
  if (!is_plain_header(c, h, may) || !is_plain_so_far(c, odd) || h->seq != c->rcv.nxt ||
      in->text_len > 0 || tct_tcp_recv_window(c) == 0)
    return false;
  bool fin_alone = c->snd.nxt == tct_seq_add(c->snd.una, 1) && tct_tcp_syn_acked(c) &&
                   (c->snd.flags & TCT_SND_FIN_SENT) != 0;
  if (!fin_alone || h->ack != c->snd.nxt || !is_plain_window(c, in))
    return false;
  if (h->opt.has_ts && (int32_t)tct_ms32_since(h->opt.tsval, c->rcv.ts_recent) < 0)
    return false;
  if (c->active == NULL || !is_plain_active(c->active))
    return false;
  tct_cc id = tct_tcp_cc_algorithm(s, c); /* no record of it is made any more */
  return (id == TCT_CC_NEWRENO || (id == TCT_CC_CUBIC && x != NULL)) &&
         (x == NULL || (!x->mtup.on && x->fastopen == NULL));
}

static bool is_over(const struct tct_tcp *c, tct_sock k) {
  return c->gen != k.gen || c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT;
}

/* Steps 5 and 8. False: it is not so, and nothing was done. */
static __attribute__((noinline)) bool take_end(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p,
                                               const struct tct_tcp_hdr *h) {
  const struct plain in = {p, h, p->l4_len - h->header_len, true, s->now_ms};
  tct_sock k = tct_tcp_block_handle(c);
  if (!is_plain_end(s, c, &in))
    return false;
  s->tcp->fast_segs++;
  count(c, &in);
  tct_tcp_recv_plain_timestamp(s, c, h);
  step5_ack(s, c, &in, true);
  tct_tcp_state_on_fin_acked(s, c);
  if (!is_over(c, k) && (h->flags & TCT_FIN) != 0)
    tct_tcp_input_take_fin(s, c);
  if (is_over(c, k))
    return true;
  c->recv_tclass = p->ip.tclass;
  tct_tcp_keep_on_plain(c, in.now_ms);
  tct_tcp_output_wake(s, c);
  return true;
}

/* False: not plain, and nothing was done. */
TCT_HOT bool tct_tcp_fast_input(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p,
                                const struct tct_tcp_hdr *h, tct_verdict *v) {
  struct plain in = {p, h, p->l4_len - h->header_len, false, s->now_ms};
  if (TCT_RULES_VARY || s->cfg.no_fast_path)
    return false;
  if (!is_plain(s, c, &in)) {
    *v = TCT_ACCEPTED;
    return take_end(s, c, p, h);
  }
  s->tcp->fast_segs++;
  count(c, &in);
  tct_tcp_recv_plain_timestamp(s, c, h);
  step5_ack(s, c, &in, false);
  *v = in.text_len > 0 ? step7_text(s, c, &in) : TCT_ACCEPTED;
  if (*v == TCT_ACCEPTED) {
    c->recv_tclass = p->ip.tclass;
    tct_tcp_keep_on_plain(c, in.now_ms);
  }
  tct_tcp_output_wake(s, c);
  return true;
}
