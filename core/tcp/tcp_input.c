/* SPDX-License-Identifier: MIT */
/*
 * tcp_input.c - the coordinator in: a segment for a connection goes through RFC 9293
 * section 3.10.7.3 (in SYN-SENT) or 3.10.7.4 (in every later state), one function a step, in the
 * standard's order. It branches and calls; every computation is in a leaf, every field is written
 * by its owner. Called by tcp_demux. Never sends: what must be said becomes a debt, a mark or a
 * wake-up that tcp_plan sees.
 *
 * Theory of operation, inwards: step 1 asks tcp_recv (acceptable? PAWS?), 2 and 4 move `state` or
 * end it (RFC 5961), 5 moves snd.una and snd.wnd (tcp_send), takes a sample (tcp_rtt), tells
 * tcp_recover and tcp_cc what the ACK meant, 6 the urgent mark, 7 moves rcv.nxt (tcp_reasm), 8
 * takes the FIN. Afterwards: wake, timers, settle.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

/* A segment in hand. */
struct arrival {
  tct_stack *s;
  struct tct_tcp *c;
  struct tct_pkt *p;
  const struct tct_tcp_hdr *h;
  uint32_t text_len; /* payload bytes */
  uint32_t seg_len;  /* SEG.LEN: with SYN and FIN */
  bool only_control; /* zero window: text is refused, ACK, RST and URG are taken [RFC9293 EP-15] */
};

static bool has(const struct arrival *in, uint8_t flag) {
  return (in->h->flags & flag) != 0;
}

static tct_verdict reset_bad_ack(struct arrival *in, tct_verdict v) {
  if (!has(in, TCT_RST))
    tct_tcp_output_reset(in->s, in->p, in->h, TCT_WHY_RST_BAD_ACK);
  return v;
}

/* ---- Established: what both ways in share ---------------------------------------------------- */

/* The handshake is complete: numbers, windows and timers start. */
static void establish(struct arrival *in, tct_why why) {
  tct_stack *s = in->s;
  struct tct_tcp *c = in->c;
  bool clean = c->tmr.tries == 0 && (c->open & TCT_OPEN_SYN_LOST) == 0;
  if (c->rtt.srtt_us8 == 0 && clean && c->tmr.kind == TCT_TIMER_REXMIT)
    tct_tcp_rtt_sample(s, c, tct_tcp_timer_syn_age_ns(s, c, in->p->at));
  tct_tcp_mtu_on_established(s, c);
  if (!tct_tcp_fastopen_has(c, TCT_FO_CHILD)) /* that one may be sending already */
    tct_tcp_cc_init(s, c);
  tct_tcp_fastopen_release(s, c, false);
  c->open |= TCT_OPEN_CONNECTED;
  if (c->state == TCT_SYN_SENT || c->state == TCT_SYN_RECEIVED)
    tct_tcp_state_set(s, c, TCT_ESTABLISHED, why);
  if (c->state == TCT_ESTABLISHED && (c->snd.flags & TCT_SND_FIN_WANTED) != 0)
    tct_tcp_state_set(s, c, TCT_FIN_WAIT_1, TCT_WHY_FIN); /* a close that waited [RFC9293 EP-40] */
  tct_tcp_timer_forgive(c);
  tct_tcp_timer_on_progress(s, c);
  tct_tcp_timer_restart(s, c);
  if ((c->open & TCT_OPEN_ACTIVE) != 0)
    tct_sock_event_post(s, c, TCT_EV_CONNECTED | TCT_EV_WRITABLE);
}

/* ---- SYN-SENT, RFC 9293 3.10.7.3 ------------------------------------------------------------- */

/* [RFC9293 EP-7] Acknowledges nothing that we sent. */
static bool syn_sent_ack_is_bad(const struct arrival *in) {
  const struct tct_tcp *c = in->c;
  return tct_seq_leq(in->h->ack, c->iss) || tct_seq_gt(in->h->ack, c->snd.nxt);
}

static tct_verdict syn_sent_take_syn(struct arrival *in) {
  tct_stack *s = in->s;
  struct tct_tcp *c = in->c;
  tct_tcp_recv_start(s, c, in->h->seq);
  tct_tcp_options_agree(s, c, &in->h->opt, in->h->window);
  tct_tcp_ecn_on_syn(s, c, in->p, in->h);
  if (has(in, TCT_ACK)) { /* [RFC9293 EP-9] [RFC9293 EP-12] */
    struct tct_tcp_ack ack;
    tct_tcp_send_on_ack(s, c, in->p, in->h, &ack);
    tct_tcp_send_window(in->s, c, in->h, true);
    establish(in, TCT_WHY_SYN_ACK);
    if (tct_tcp_fastopen_has(c, TCT_FO_MORE))
      tct_tcp_recv_ack_later(s, c, TCT_WHY_HANDSHAKE_ACK);
    else
      tct_tcp_recv_ack_now(c, TCT_WHY_HANDSHAKE_ACK);
    tct_tcp_fastopen_client_on_syn_ack(s, c, &in->h->opt);
    return TCT_ACCEPTED;
  }
  if (!TCT_RULE(MUST_10))
    return TCT_DROP_SYN_SENT_NO_SYN;
  /* Both sides opened at once [RFC9293 MUST-10] [RFC9293 EP-10]; text waits for the peer's
   * retransmission */
  tct_tcp_send_window(in->s, c, in->h, true);
  tct_tcp_state_set(s, c, TCT_SYN_RECEIVED, TCT_WHY_SYN);
  tct_tcp_timer_set_due(s, c, TCT_DUE_SYN);
  c->open &= (uint8_t)~TCT_OPEN_SYN_LOST; /* this SYN,ACK is the first */
  return TCT_ACCEPTED;
}

static tct_verdict input_syn_sent(struct arrival *in, bool *done) {
  *done = true;
  if (has(in, TCT_ACK) && syn_sent_ack_is_bad(in) && TCT_RULE(EP_7)) {
    tct_tcp_timer_on_bad_ack(in->s, in->c);
    return reset_bad_ack(in, TCT_DROP_SYN_SENT_ACK);
  }
  if (has(in, TCT_RST)) { /* [RFC9293 EP-8] */
    if (!has(in, TCT_ACK))
      return TCT_DROP_SYN_SENT_RST;
    tct_tcp_state_end(in->s, in->c, TCT_ECONNREFUSED, TCT_WHY_REFUSED);
    return TCT_ACCEPTED;
  }
  if (!has(in, TCT_SYN)) /* [RFC9293 EP-11] [RFC9293 EP-39] */
    return TCT_DROP_SYN_SENT_NO_SYN;
  tct_verdict v = syn_sent_take_syn(in);
  *done = in->c->state != TCT_ESTABLISHED || (in->text_len == 0 && !has(in, TCT_FIN));
  return v;
}

/* ---- Step 1: sequence number ----------------------------------------------------------------- */

/* An old duplicate or a probe must be answered, always; an empty segment far away only so often, or
 * two ends could answer each other for ever. [RFC9293 EP-14] [RFC9293 EP-45] [RFC9293 EP-48] */
static void answer_unacceptable(struct arrival *in) {
  struct tct_tcp *c = in->c;
  bool probe = in->seg_len > 0 || in->h->seq == tct_seq_sub(c->rcv.nxt, 1);
  if (!TCT_RULE(EP_14))
    return;
  if (!probe) {
    (void)tct_tcp_recv_challenge(in->s, c);
    return;
  }
  tct_seq end = tct_seq_add(in->h->seq, in->text_len);
  if (in->text_len > 0 && tct_seq_leq(end, c->rcv.nxt)) {
    tct_tcp_reasm_duplicate(in->s, c, in->h->seq, end);
    tct_tcp_delack_hurry(in->s, c, TCT_DELACK_QUICK_MAX);
    in->s->n.TCPDSACKOldSent++;
  }
  tct_why why = in->h->seq == c->rcv.nxt ? TCT_WHY_ACK_PROBE : TCT_WHY_ACK_OLD;
  tct_tcp_recv_owe_segments(c, why, tct_tcp_reasm_segments(in->p, in->text_len));
}

static tct_verdict check_timestamps(struct arrival *in) {
  if ((in->c->open & TCT_OPEN_TS) == 0 || has(in, TCT_RST))
    return TCT_ACCEPTED;
  if (!in->h->opt
           .has_ts) /* RFC 7323 3.2; a SYN may be a rebooted peer's, whom step 4 must answer */
    return has(in, TCT_SYN) ? TCT_ACCEPTED : TCT_DROP_NO_TIMESTAMP;
  if (tct_tcp_recv_paws_ok(in->s, in->c, in->h))
    return TCT_ACCEPTED;
  in->s->n.PAWSEstab++;
  answer_unacceptable(in);
  return TCT_DROP_PAWS;
}

/* Empty, one below, and acknowledging more than before: from a peer that does not know yet that we
 * took the octet of its window probe. Its ACK counts: two ends in that state would else refuse each
 * other's ACKs, and answer each other, for ever. */
static bool is_ack_of_probing_peer(const struct arrival *in) {
  const struct tct_tcp *c = in->c;
  return in->seg_len == 0 && has(in, TCT_ACK) && in->h->seq == tct_seq_sub(c->rcv.nxt, 1) &&
         tct_seq_gt(in->h->ack, c->snd.una) && tct_seq_leq(in->h->ack, c->snd.nxt);
}

static tct_verdict step1_seq(struct arrival *in) {
  struct tct_tcp *c = in->c;
  tct_verdict v = check_timestamps(in);
  if (v != TCT_ACCEPTED)
    return v;
  /* a RST is judged by its number alone (RFC 5961 3.2), however far its text may reach */
  if (tct_tcp_recv_is_acceptable(c, in->h->seq, has(in, TCT_RST) ? 0 : in->seg_len))
    return TCT_ACCEPTED;
  if (in->h->seq == c->rcv.nxt && tct_tcp_recv_window(c) == 0 && !has(in, TCT_SYN)) {
    in->only_control = true; /* [RFC9293 EP-15] [RFC9293 MUST-66] */
    if (TCT_RULE(MUST_66))
      return TCT_ACCEPTED;
  }
  if (has(in, TCT_RST)) /* [RFC9293 EP-17] */
    return TCT_DROP_RST_OUTSIDE_WINDOW;
  if (has(in, TCT_SYN)) /* [RFC9293 EP-23]: step 4 looks at any SYN */
    return TCT_ACCEPTED;
  answer_unacceptable(in);
  if (!is_ack_of_probing_peer(in))
    return TCT_DROP_SEQ_OUTSIDE_WINDOW;
  in->only_control = true;
  return TCT_ACCEPTED;
}

/* ---- Step 2: RST ----------------------------------------------------------------------------- */

static int reset_in_close_wait(const struct arrival *in) {
  return in->s->tcp->profile->close_wait_reset;
}

/* [RFC9293 EP-20] [RFC9293 EP-21]; data on a RST is allowed and ignored [RFC9293 SHLD-2]. */
static void reset(struct arrival *in) {
  struct tct_tcp *c = in->c;
  switch (c->state) {
  case TCT_SYN_RECEIVED: /* an active opener; a listener's child is a record [RFC9293 MUST-11], or
                            was opened early and is a connection to its application */
    if (tct_tcp_fastopen_is_early(c)) {
      tct_tcp_fastopen_release(in->s, c, true);
      tct_tcp_state_end(in->s, c, TCT_ECONNRESET, TCT_WHY_RESET);
      break;
    }
    tct_tcp_state_end(in->s, c, TCT_RULE_ELSE(MUST_11, TCT_ECONNREFUSED, 0), TCT_WHY_REFUSED);
    break;
  case TCT_LAST_ACK: /* CLOSE-WAIT, in the text, until the FIN leaves: then bytes are lost */
    tct_tcp_state_end(in->s, c, tct_tcp_send_unsent(c) > 0 ? reset_in_close_wait(in) : 0,
                      TCT_WHY_RESET);
    break;
  case TCT_CLOSE_WAIT:
    tct_tcp_state_end(in->s, c, reset_in_close_wait(in), TCT_WHY_RESET);
    break;
  case TCT_CLOSING:
    tct_tcp_state_end(in->s, c, 0, TCT_WHY_RESET);
    break;
  default:
    tct_tcp_state_end(in->s, c, TCT_RULE_ELSE(MUST_12, TCT_ECONNRESET, 0),
                      TCT_WHY_RESET); /* [RFC9293 MUST-12] */
  }
}

static tct_verdict step2_rst(struct arrival *in, bool *done) {
  if (!has(in, TCT_RST))
    return TCT_ACCEPTED;
  *done = true;
  if (in->h->seq == in->c->rcv.nxt || TCT_PLANT(RST_IN_WINDOW)) { /* [RFC9293 EP-18] */
    reset(in);
    return TCT_ACCEPTED;
  }
  tct_tcp_fastopen_client_on_stray_rst(in->s, in->c);
  if (TCT_RULE(EP_19)) /* [RFC9293 EP-19] */
    (void)tct_tcp_recv_challenge(in->s, in->c);
  return TCT_DROP_RST_CHALLENGED;
}

/* ---- Step 4: SYN ----------------------------------------------------------------------------- */

static tct_verdict step4_syn(struct arrival *in, bool *done) {
  struct tct_tcp *c = in->c;
  if (!has(in, TCT_SYN))
    return TCT_ACCEPTED;
  /* The peer's SYN again, now with an ACK, completes a simultaneous open. */
  if (c->state == TCT_SYN_RECEIVED && in->h->seq == c->irs && has(in, TCT_ACK)) {
    if (in->s->tcp->profile->acks_crossed_syn_ack) {
      tct_tcp_reasm_duplicate(in->s, c, c->irs, tct_seq_add(c->irs, 1));
      tct_tcp_recv_owe(c, TCT_WHY_ACK_OLD);
    }
    return TCT_ACCEPTED;
  }
  *done = true;
  if (TCT_PLANT(SYN_RESETS))
    tct_tcp_state_end(in->s, c, TCT_ECONNRESET, TCT_WHY_RESET);
  if (has(in, TCT_ACK) && in->h->seq == c->irs)
    tct_tcp_ecn_on_syn_ack_again(c, in->p);
  if (tct_tcp_fastopen_is_early(c) && in->h->seq == c->irs && !has(in, TCT_ACK)) {
    tct_tcp_fastopen_on_syn_again(in->s, c);
    return TCT_DROP_SYN_REPEAT;
  }
  if (TCT_RULE(EP_23)) /* [RFC9293 EP-22] [RFC9293 EP-23] */
    (void)tct_tcp_recv_challenge(in->s, c);
  return TCT_DROP_SYN_CHALLENGED;
}

/* ---- Step 5: ACK ----------------------------------------------------------------------------- */

/* [RFC9293 EP-26] */
static tct_verdict ack_syn_received(struct arrival *in) {
  struct tct_tcp *c = in->c;
  bool bad = !tct_seq_gt(in->h->ack, c->snd.una) || tct_seq_gt(in->h->ack, c->snd.nxt);
  if (bad && TCT_RULE(EP_26))
    return reset_bad_ack(in, TCT_DROP_SYN_RCVD_ACK);
  tct_tcp_ecn_on_third_ack(c, in->h, in->text_len);
  tct_tcp_send_window(in->s, c, in->h, has(in, TCT_SYN));
  establish(in, TCT_WHY_HANDSHAKE_ACK);
  return TCT_ACCEPTED;
}

/* [RFC9293 EP-27] [RFC9293 MAY-12] */
static tct_verdict check_ack_range(struct arrival *in) {
  struct tct_tcp *c = in->c;
  if (tct_seq_gt(in->h->ack, c->snd.nxt) && !TCT_PLANT(ACK_OF_UNSENT)) {
    (void)tct_tcp_recv_challenge(in->s, c);
    return TCT_DROP_ACK_UNSENT;
  }
  if (tct_seq_lt(in->h->ack, tct_seq_sub(c->snd.una, c->snd.wnd_max)) && TCT_RULE(MAY_12)) {
    (void)tct_tcp_recv_challenge(in->s, c);
    return TCT_DROP_ACK_TOO_OLD;
  }
  return TCT_ACCEPTED;
}

static void take_ack(struct arrival *in, struct tct_tcp_ack *a) {
  tct_stack *s = in->s;
  struct tct_tcp *c = in->c;
  tct_tcp_send_on_ack(s, c, in->p, in->h, a);
  tct_tcp_ecn_on_ack(s, c, in->h, a);
  if (a->advanced)
    tct_tcp_mtu_on_ack(s, c);
  if (a->rtt_ns != TCT_NEVER) {
    tct_tcp_rtt_sample(s, c, a->rtt_ns);
    tct_tcp_timer_forgive(c);
  }
  tct_tcp_timer_on_answer(c, s->now);
  if (s->tcp->profile->ack_ends_soft_error)
    c->soft_err = 0;
  if (a->advanced)
    tct_tcp_timer_on_progress(s, c);
  tct_tcp_cc_on_news(s, c, a);
  tct_tcp_recover_on_ack(s, c, a);
  if (a->ece)
    tct_tcp_ecn_heed(s, c, a);
  tct_tcp_rate_on_ack(s, c, a);
  if (!a->moves_no_window)
    tct_tcp_cc_on_ack(s, c, a);
  if (a->advanced)
    tct_sock_event_marks(s, c);
  tct_sock_event_writable(s, c); /* the buffer's size follows the window: an undo makes room, too */
  if (a->restart_timer)
    tct_tcp_timer_restart(s, c); /* RFC 6298 5.2, 5.3 */
}

static tct_verdict step5_ack(struct arrival *in, bool *done) {
  struct tct_tcp *c = in->c;
  struct tct_tcp_ack a;
  *done = true;
  if (!has(in, TCT_ACK)) /* [RFC9293 EP-25] */
    return TCT_DROP_NO_ACK;
  bool is_late = tct_tcp_fastopen_is_early(c) && c->tmr.tries > 1;
  /* a close in SYN-RECEIVED has led to FIN-WAIT-1 with the SYN still unacknowledged */
  tct_verdict v = tct_tcp_syn_acked(c) ? check_ack_range(in) : ack_syn_received(in);
  if (v != TCT_ACCEPTED)
    return v;
  take_ack(in, &a);
  if (is_late && tct_tcp_send_flight(c) > 0) /* two time-outs: its data went the SYN,ACK's way */
    tct_tcp_recover_on_rto(in->s, c);
  *done = false;
  if (a.fin_acked)
    tct_tcp_state_on_fin_acked(in->s, c);
  *done = c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT;
  return TCT_ACCEPTED;
}

/* ---- Steps 6 and 7: urgent, text ------------------------------------------------------------- */

/* [RFC9293 EP-32] */
static void step6_urg(struct arrival *in) {
  if (has(in, TCT_URG) && (tct_tcp_state_may_receive(in->c) || !TCT_RULE(EP_32)))
    tct_tcp_recv_urgent(in->s, in->c, in->h);
}

static bool trim(struct arrival *in, struct tct_text *t) {
  struct tct_range part;
  tct_seq begin = tct_seq_add(in->h->seq, has(in, TCT_SYN) ? 1u : 0u);
  if (!tct_tcp_recv_trim(in->c, begin, in->text_len, &part))
    return false;
  if ((in->c->rcv.flags & TCT_RCV_FIN_OOO) != 0 &&
      !TCT_PLANT(DATA_AFTER_FIN)) /* nothing follows a FIN [RFC9293 EP-35] */
    part.end = tct_seq_min(part.end, in->c->active->fin_seq);
  if (!tct_seq_lt(part.begin, part.end))
    return false;
  t->seq = part.begin;
  t->len = tct_seq_len(part.begin, part.end);
  t->skip = in->h->header_len + tct_seq_len(begin, part.begin);
  if (TCT_PLANT(OFF_BY_ONE_BEYOND_GAP) && part.begin != in->c->rcv.nxt)
    t->skip--;
  t->pkt = in->p;
  return true;
}

/* The application has closed both ways: what comes now would be lost, and the peer must know
 * [RFC9293 SHLD-3]. */
static tct_verdict refuse_text(struct arrival *in) {
  bool is_told = (in->c->sockf & TCT_SOCKF_CLOSED) == 0;
  in->s->n.TCPAbortOnData++;
  if (in->s->tcp->profile->shut_keeps_text) /* as if nobody were here */
    tct_tcp_output_reset(in->s, in->p, in->h, TCT_WHY_RST_AFTER_CLOSE);
  else
    tct_tcp_output_rst(in->s, in->c, TCT_WHY_RST_AFTER_CLOSE);
  tct_tcp_state_end(in->s, in->c, is_told ? TCT_ECONNRESET : 0, TCT_WHY_RST_AFTER_CLOSE);
  return TCT_DROP_DATA_AFTER_CLOSE;
}

/* Linux takes shutdown of both ways for a close, once its FIN is on the way. */
static bool has_shut_both(const struct arrival *in) {
  bool waits = in->c->state == TCT_FIN_WAIT_1 || in->c->state == TCT_FIN_WAIT_2;
  return waits && (in->c->rcv.flags & TCT_RCV_SHUT) != 0 && in->s->tcp->profile->shut_keeps_text;
}

static void report_duplicate_head(struct arrival *in) {
  struct tct_tcp *c = in->c;
  tct_seq begin = tct_seq_add(in->h->seq, has(in, TCT_SYN) ? 1u : 0u);
  if (tct_seq_lt(begin, c->rcv.nxt))
    tct_tcp_reasm_duplicate(in->s, c, begin,
                            tct_seq_min(tct_seq_add(begin, in->text_len), c->rcv.nxt));
}

static tct_seq fin_seq_of(const struct arrival *in) {
  return tct_seq_sub(tct_seq_add(in->h->seq, in->seg_len), 1);
}

/* A peer that sent something from beyond its own FIN: the FIN stands, that is forgotten. */
static void forget_beyond_fin(struct arrival *in) {
  struct tct_tcp *c = in->c;
  if (has(in, TCT_FIN) && !in->only_control && tct_tcp_state_may_receive(c) &&
      tct_seq_leq(c->rcv.nxt, fin_seq_of(in)))
    tct_tcp_reasm_end_at(in->s, c, fin_seq_of(in));
}

static tct_verdict step7_text(struct arrival *in) {
  tct_stack *s = in->s;
  struct tct_tcp *c = in->c;
  struct tct_text t;
  forget_beyond_fin(in);
  if (in->text_len == 0)
    return TCT_ACCEPTED;
  if (!tct_tcp_state_may_receive(c) && !TCT_PLANT(DATA_AFTER_FIN)) /* [RFC9293 EP-35] */
    return TCT_DROP_DATA_AFTER_FIN;
  if (in->only_control) { /* [RFC9293 EP-48] a probe of our shut window */
    tct_tcp_recv_owe(c, TCT_WHY_ACK_PROBE);
    return TCT_DROP_SEQ_OUTSIDE_WINDOW;
  }
  if (!trim(in, &t)) {
    if ((c->rcv.flags & TCT_RCV_FIN_OOO) != 0) /* from beyond a FIN that waits, like that one */
      tct_tcp_recv_owe(c, TCT_WHY_ACK_DUP);
    return TCT_ACCEPTED;
  }
  if (((c->sockf & TCT_SOCKF_CLOSED) != 0 || has_shut_both(in)) && TCT_RULE(SHLD_3))
    return refuse_text(in);
  report_duplicate_head(in);
  tct_tcp_ecn_on_text(s, c, in->p);
  bool in_order = t.seq == c->rcv.nxt;
  tct_verdict v = tct_tcp_reasm_input(s, c, &t);
  tct_tcp_tune_on_text(s, c, in->h);
  if (!in_order)
    tct_tcp_delack_on_data(s, c, c->rcv.mss);
  if (c->extra != NULL)
    c->extra->last_recv_ms = s->now_ms;
  if (!in_order) /* [RFC9293 MAY-13] one duplicate ACK a segment */
    tct_tcp_recv_owe_segments(c, TCT_WHY_ACK_DUP, tct_tcp_reasm_segments(in->p, in->text_len));
  if (in_order &&
      t.len != in->text_len) /* partly old, or beyond our window: the peer is out of step */
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_OLD);
  if (v == TCT_ACCEPTED && in_order)
    tct_sock_event_readable(s, c);
  return v;
}

/* ---- Step 8: FIN ----------------------------------------------------------------------------- */

/* [RFC9293 EP-36]: it takes the number behind the last byte, and only when all of those are in. */
void tct_tcp_input_take_fin(tct_stack *s, struct tct_tcp *c) {
  c->rcv.flags |= TCT_RCV_FIN;
  c->rcv.flags &= (uint8_t)~TCT_RCV_FIN_OOO;
  tct_tcp_recv_on_in_order(s, c, 1, 0, false);
  tct_sock_event_post(s, c, TCT_EV_READABLE | TCT_EV_EOF);
  tct_tcp_state_on_fin_received(s, c);
}

static void remember_fin(struct arrival *in, tct_seq fin_seq) {
  struct tct_tcp *c = in->c;
  struct tct_tcp_active *a = tct_tcp_block_active(in->s, c);
  if (a == NULL || !tct_seq_leq(fin_seq, c->rcv.edge))
    return;
  bool knows = (c->rcv.flags & TCT_RCV_FIN_OOO) != 0;
  a->fin_seq = knows ? tct_seq_min(a->fin_seq, fin_seq) : fin_seq;
  c->rcv.flags |= TCT_RCV_FIN_OOO;
  tct_tcp_reasm_on_fin(c);
  if (in->text_len == 0)
    tct_tcp_recv_owe(c, TCT_WHY_ACK_DUP);
}

static void step8_fin(struct arrival *in) {
  struct tct_tcp *c = in->c;
  if (!tct_tcp_state_may_receive(c)) /* [RFC9293 EP-39]; a repeated FIN was answered in step 1 */
    return;
  tct_seq fin_seq = fin_seq_of(in);
  bool here = has(in, TCT_FIN) && !in->only_control;
  if (here && (fin_seq == c->rcv.nxt || !TCT_RULE(EP_36))) {
    tct_tcp_input_take_fin(in->s, c);
    return;
  }
  if (in->only_control && has(in, TCT_FIN) && in->text_len == 0)
    tct_tcp_recv_owe(c, TCT_WHY_ACK_PROBE); /* no room even for its number */
  if (here && tct_seq_gt(fin_seq, c->rcv.nxt))
    remember_fin(in, fin_seq);
  if ((c->rcv.flags & TCT_RCV_FIN_OOO) != 0 && c->active->fin_seq == c->rcv.nxt)
    tct_tcp_input_take_fin(in->s, c);
}

/* ---- The list -------------------------------------------------------------------------------- */

static tct_verdict run_steps(struct arrival *in) {
  bool done = false;
  tct_verdict v = step1_seq(in);
  if (v != TCT_ACCEPTED)
    return v;
  v = step2_rst(in, &done);
  if (!done) /* step 3, security and compartment: none are supported */
    v = step4_syn(in, &done);
  if (!done)
    tct_tcp_ecn_on_segment(in->s, in->c, in->p, in->h, in->text_len);
  if (!done && has(in, TCT_ACK))
    tct_tcp_recv_on_timestamp(in->s, in->c, in->h);
  if (!done)
    v = step5_ack(in, &done);
  if (done)
    return v;
  step6_urg(in);
  v = step7_text(in);
  if (in->c->state != TCT_CLOSED && v != TCT_DROP_NO_MEMORY)
    step8_fin(in);
  return v;
}

static tct_verdict run_syn_sent(struct arrival *in) {
  bool done;
  tct_verdict v = input_syn_sent(in, &done);
  if (done)
    return v;
  step6_urg(in); /* text or FIN came with the SYN,ACK: go on at the sixth step */
  v = step7_text(in);
  step8_fin(in);
  return v;
}

static void count(const struct arrival *in) {
  struct tct_extra *x = in->c->extra;
  uint32_t now_ms = in->s->now_ms;
  if (x == NULL)
    return;
  uint32_t segs = tct_tcp_reasm_segments(in->p, in->text_len);
  x->segs_in += segs;
  x->data_segs_in += in->text_len > 0 ? segs : 0;
  if (has(in, TCT_ACK))
    x->last_ack_ms = now_ms;
}

static __attribute__((noinline)) tct_verdict
input_stepwise(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p, const struct tct_tcp_hdr *h) {
  uint32_t text_len = p->l4_len - h->header_len;
  uint32_t controls = ((h->flags & TCT_SYN) != 0 ? 1u : 0u) + ((h->flags & TCT_FIN) != 0 ? 1u : 0u);
  struct arrival in = {s, c, p, h, text_len, text_len + controls, false};
  tct_sock k = tct_tcp_block_handle(c);
  count(&in);
  tct_verdict v = c->state == TCT_SYN_SENT ? run_syn_sent(&in) : run_steps(&in);
  if (c->gen != k.gen || c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT)
    return v;
  if (v == TCT_ACCEPTED) { /* what nobody believes is no sign of the peer's life */
    c->recv_tclass = p->ip.tclass;
    tct_tcp_keep_on_heard(s, c);
  }
  tct_tcp_output_wake(s, c);
  return v;
}

TCT_HOT tct_verdict tct_tcp_input_segment(tct_stack *s, struct tct_tcp *c, struct tct_pkt *p,
                                          const struct tct_tcp_hdr *h) {
  tct_verdict fast;
  return tct_tcp_fast_input(s, c, p, h, &fast) ? fast : input_stepwise(s, c, p, h);
}
