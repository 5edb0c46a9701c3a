/* SPDX-License-Identifier: MIT */
/*
 * tcp_recv.c - the receiving side's judgement: is a segment acceptable, what window to offer, when
 * is an ACK owed and for which reason, challenge ACKs, timestamps. Alone writes c->rcv (tcp_reasm
 * moves rcv.nxt through tct_tcp_recv_on_in_order). Leaves bytes to tcp_reasm, sending to tcp_plan.
 * RFC 9293 sections 3.4, 3.8.5, 3.8.6; RFC 5681 section 4.2, RFC 5961, RFC 7323.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

#define CHALLENGES_PER_S 10u       /* per connection: nothing is learnt about other connections */
#define PAWS_IDLE_S (24u * 86400u) /* RFC 7323 5.5: an older TS.Recent proves nothing */

void tct_tcp_recv_init(tct_stack *s, struct tct_tcp *c, uint32_t buf_max) {
  (void)s;
  c->rcv.buf_max = buf_max;
}

/* Linux's habit: whole segments, of a buffer that nobody has set. */
static uint32_t whole_segments(const tct_stack *s, const struct tct_tcp *c, tct_addr peer,
                               uint32_t ifi, uint32_t window) {
  uint32_t mss = tct_tcp_options_mss(s, peer, ifi, 0);
  bool cut = s->tcp->profile->whole_windows && window > mss && !tct_tcp_is_set(c, TCT_OPT_RCVBUF);
  return cut ? window - window % mss : window;
}

/* The window that goes out on a SYN or SYN,ACK: unscaled, so 65535 at the most. */
uint32_t tct_tcp_recv_window_for(const tct_stack *s, const struct tct_tcp *c, tct_addr peer,
                                 uint32_t ifi) {
  uint32_t limit = tct_tcp_recv_limit(c);
  if (limit >= 2 * 65535) /* whatever a whole segment takes off */
    return 65535;
  return tct_min_u32(whole_segments(s, c, peer, ifi, limit), 65535);
}

uint32_t tct_tcp_recv_syn_window(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_recv_window_for(s, c, c->key.raddr, c->ifi);
}

void tct_tcp_recv_start(tct_stack *s, struct tct_tcp *c, tct_seq irs) {
  c->irs = irs;
  c->rcv.buf_max = whole_segments(s, c, c->key.raddr, c->ifi, c->rcv.buf_max);
  c->rcv.nxt = tct_seq_add(irs, 1);
  c->rcv.edge = tct_seq_add(c->rcv.nxt, tct_tcp_recv_syn_window(s, c));
  c->rcv.ack_sent = c->rcv.nxt;
  /* Grows to what is seen; but who announced less than 536 gets no larger ones. [RFC9293 SHLD-19]
   */
  bool small = c->extra != NULL && c->extra->maxseg != 0 && c->extra->maxseg < 536;
  c->rcv.mss = small ? c->extra->maxseg : 536;
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  tct_queue_init(&a->rx, c->rcv.nxt); /* made for data queued before anything could be received */
  a->read_at_ack = c->rcv.nxt;
}

/* Buffer, or the application's clamp. */
/* No window of less than a unit of its scale can be told; and with less than two, less one octet
 * each, what is left of one could stay too small to be told while half of all is not free again. */
uint32_t tct_tcp_recv_limit(const struct tct_tcp *c) {
  uint32_t least = 2 * ((1u << tct_tcp_rcv_shift(c)) - 1), limit = c->rcv.buf_max;
  if (c->extra != NULL && c->extra->window_clamp != 0)
    limit = tct_min_u32(limit, c->extra->window_clamp);
  return tct_max_u32(limit, least);
}

/* The four cases of RFC 9293 3.10.7.4. [RFC9293 EP-13] */
bool tct_tcp_recv_is_acceptable(const struct tct_tcp *c, tct_seq seq, uint32_t len) {
  uint32_t window = tct_tcp_recv_window(c);
  if (!TCT_RULE(EP_13))
    return true;
  if (window == 0)
    return len == 0 && seq == c->rcv.nxt;
  if (TCT_PLANT(PLAIN_COMPARE_WINDOW))
    return !tct_plant_less(seq, c->rcv.nxt) && tct_plant_less(seq, c->rcv.edge);
  if (tct_seq_between(c->rcv.nxt, seq, c->rcv.edge))
    return true;
  /* It begins below: then rcv.nxt is in it, or all of it is old. Not asked by comparing ends, which
   * would take a segment 2^31 below for one that reaches beyond the window. One that does, from
   * below, is missed by the standard's four cases; it is wanted and cut like any other
   * [RFC9293 EP-16] */
  return tct_seq_between(seq, c->rcv.nxt, tct_seq_add(seq, len));
}

/* Only the new part inside the window is text [RFC9293 EP-16] [RFC9293 EP-33]. */
bool tct_tcp_recv_trim(const struct tct_tcp *c, tct_seq begin, uint32_t len,
                       struct tct_range *part) {
  part->begin = tct_seq_max(begin, c->rcv.nxt);
  part->end = tct_seq_min(tct_seq_add(begin, len), c->rcv.edge);
  return tct_seq_lt(part->begin, part->end);
}

/* Bytes that the application has not taken, out-of-order ones left out: those lie inside the
 * window. */
static uint32_t unread(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a == NULL ? 0 : tct_seq_len(a->rx.begin, tct_tcp_reasm_data_end(c));
}

uint32_t tct_tcp_recv_free(const struct tct_tcp *c) {
  return tct_sub_floor_u32(tct_tcp_recv_limit(c), unread(c));
}

static bool has_gap(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL && a->ooo.set.n > 0;
}

/* How far it is open is the application's affair, for as long as it likes [RFC9293 MAY-8]. The
 * right edge moves in worthwhile steps only [RFC9293 MUST-39], and never back [RFC9293 SHLD-14]. */
tct_seq tct_tcp_recv_edge_to_offer(const struct tct_tcp *c) {
  if ((c->rcv.flags & TCT_RCV_FIN) != 0 || tct_tcp_fastopen_is_early(c))
    return c->rcv.edge; /* a SYN,ACK that goes again could not tell of more */
  uint32_t most = (65535u << tct_tcp_rcv_shift(c));
  tct_seq target = tct_seq_add(c->rcv.nxt, tct_min_u32(tct_tcp_recv_free(c), most));
  uint32_t gain = tct_seq_ahead(c->rcv.edge, target);
  uint32_t step = tct_min_u32(tct_tcp_recv_limit(c) / 2, c->rcv.mss);
  if (TCT_PLANT(EDGE_MOVES_LEFT) && has_gap(c)) /* what is held beyond a gap takes up room */
    return tct_seq_max(c->rcv.nxt, tct_seq_sub(c->rcv.edge, c->rcv.mss));
  if (gain == 0)
    return c->rcv.edge;
  return gain >= step || !TCT_RULE(MUST_39) ? target : c->rcv.edge;
}

/* Of a SYN,ACK: its window begins behind the data that a Fast Open SYN brought. */
tct_seq tct_tcp_recv_syn_edge(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t window = tct_min_u32(tct_tcp_recv_syn_window(s, c), tct_tcp_recv_free(c));
  return tct_seq_max(c->rcv.edge, tct_seq_add(c->rcv.nxt, window));
}

uint16_t tct_tcp_recv_window_field(const struct tct_tcp *c, tct_seq edge, bool syn) {
  uint32_t window = tct_seq_len(c->rcv.nxt, edge);
  return (uint16_t)tct_min_u32(syn ? window : window >> tct_tcp_rcv_shift(c), 65535);
}

bool tct_tcp_recv_is_owing(const struct tct_tcp *c) {
  return c->rcv.debts > 0 || (c->rcv.flags & (TCT_RCV_ACK_NOW | TCT_RCV_DELACK)) != 0;
}

/* Duplicate ACKs are counted by the peer, so each segment that draws one is a debt of its own. */
void tct_tcp_recv_owe_segments(struct tct_tcp *c, tct_why why, uint32_t n) {
  c->rcv.debts = (uint8_t)tct_min_u32(c->rcv.debts + n, TCT_ACK_DEBT_MAX);
  c->rcv.ack_why = (uint8_t)why;
}

void tct_tcp_recv_owe(struct tct_tcp *c, tct_why why) {
  tct_tcp_recv_owe_segments(c, why, 1);
}

/* One ACK for all that is in order: merges over a burst, and says what is true after all of it.
 * [RFC9293 MUST-58] [RFC9293 MUST-59] */
void tct_tcp_recv_ack_now(struct tct_tcp *c, tct_why why) {
  if (!TCT_RULE(MUST_58) || !TCT_RULE(MUST_59))
    tct_tcp_recv_owe(c, why);
  c->rcv.flags |= TCT_RCV_ACK_NOW;
  c->rcv.ack_why = (uint8_t)why;
}

static void delay_ack(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  if ((c->rcv.flags & TCT_RCV_DELACK) != 0)
    return;
  uint32_t delay_ms = TCT_RULE_ELSE(MUST_40, tct_min_u32(tct_tcp_delack_ms(s, c), 499), 900);
  c->rcv.flags |= TCT_RCV_DELACK;
  if (!TCT_PLANT(DELAYED_ACK_FORGOTTEN))
    a->delack_at = tct_time_add(s->now, TCT_MS(delay_ms)); /* [RFC9293 MUST-40] */
  if (a->delack_at < c->tmr.wheel_at)                      /* then it is the earliest of all */
    tct_tcp_timer_arm(s, c, a->delack_at);
}

/* The second full segment. Linux: anything beyond the first, unless more lies unread than at the
 * last ACK: then the application's reading will draw it. */
static bool is_second(const tct_stack *s, const struct tct_tcp *c, const struct tct_tcp_active *a) {
  if (a->full_since_ack <= c->rcv.mss)
    return false;
  if (!s->tcp->profile->adaptive_acks)
    return a->full_since_ack >= 2u * c->rcv.mss;
  return tct_seq_len(a->read_at_ack, a->rx.begin) >= a->full_since_ack;
}

/* Linux lets the FIN's ACK wait for ours, if data had come before: from ESTABLISHED only. */
static __attribute__((noinline)) void take_fin(tct_stack *s, struct tct_tcp *c,
                                               const struct tct_tcp_active *a) {
  tct_tcp_delack_expect_reply(s, c);
  if (s->tcp->profile->adaptive_acks && c->state == TCT_ESTABLISHED &&
      tct_tcp_delack_ms(s, c) > 0 && (a == NULL || a->full_since_ack <= c->rcv.mss))
    tct_tcp_recv_ack_later(s, c, TCT_WHY_ACK_FIN); /* also where nothing had come for long */
  else
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_FIN);
}

void tct_tcp_recv_ack_later(tct_stack *s, struct tct_tcp *c, tct_why why) {
  struct tct_tcp_active *a = tct_tcp_block_active(s, c);
  if (a != NULL)
    delay_ack(s, c, a);
  else
    tct_tcp_recv_ack_now(c, why);
}

/* Never above what we announced: a full segment must be possible. */
static __attribute__((noinline)) void learn_mss(const tct_stack *s, struct tct_tcp *c,
                                                uint32_t seg_len) {
  c->rcv.mss = (uint16_t)tct_min_u32(seg_len, tct_tcp_options_mss(s, c->key.raddr, c->ifi, 0));
}

/* rcv.nxt moves by `bytes`; the segment that did it carried seg_len a piece. A number is taken by
 * FIN as well: then seg_len is 0. [RFC9293 SHLD-18] [RFC9293 SHLD-19] */
void tct_tcp_recv_on_in_order(tct_stack *s, struct tct_tcp *c, uint32_t bytes, uint32_t seg_len,
                              bool filled_gap) {
  struct tct_tcp_active *a = c->active;
  c->rcv.nxt = tct_seq_add(c->rcv.nxt, bytes);
  if (tct_seq_gt(c->rcv.nxt, c->rcv.edge))
    c->rcv.edge = c->rcv.nxt; /* a FIN just beyond a full window */
  if (seg_len > c->rcv.mss)
    learn_mss(s, c, seg_len);
  if (seg_len > 0)
    tct_tcp_delack_on_data(s, c, seg_len);
  if (a != NULL)
    a->full_since_ack = tct_add_sat_u32(a->full_since_ack, bytes);
  if (seg_len == 0 && TCT_RULE(SHLD_18)) {
    take_fin(s, c, a); /* [RFC9293 EP-36] */
  } else if (a == NULL || !TCT_RULE(SHLD_18)) {
    tct_tcp_recv_ack_now(c, seg_len == 0 ? TCT_WHY_ACK_FIN : TCT_WHY_ACK_QUICK);
  } else if (filled_gap) {
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_GAP_FILLED);
  } else if (is_second(s, c, a) && TCT_RULE(SHLD_19)) {
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_SECOND);
  } else if (tct_tcp_delack_is_quick(c) || (c->rcv.flags & TCT_RCV_QUICKACK) != 0) {
    tct_tcp_recv_ack_now(c, TCT_WHY_ACK_QUICK);
  } else {
    delay_ack(s, c, a);
  }
}

void tct_tcp_recv_on_delack_timer(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    a->delack_at = TCT_NEVER;
  c->rcv.flags &= (uint8_t)~TCT_RCV_DELACK;
  tct_tcp_delack_on_timer(s, c);
  tct_tcp_recv_ack_now(c, TCT_WHY_ACK_DELAYED);
}

/* A segment with the ACK bit has left: it tells all that is in order, and the window up to edge. */
void tct_tcp_recv_on_ack_sent(tct_stack *s, struct tct_tcp *c, tct_seq edge) {
  struct tct_tcp_active *a = c->active;
  TCT_ASSERT(tct_seq_leq(c->rcv.edge, edge) || TCT_PLANT(EDGE_MOVES_LEFT));
  tct_tcp_delack_on_ack_sent(s, c, tct_tcp_recv_is_owing(c));
  c->rcv.edge = edge;
  c->rcv.ack_sent = c->rcv.nxt;
  c->rcv.flags &= (uint8_t) ~(TCT_RCV_ACK_NOW | TCT_RCV_DELACK | TCT_RCV_WINDOW);
  if (a != NULL) {
    a->full_since_ack = 0;
    a->read_at_ack = a->rx.begin;
    a->delack_at = TCT_NEVER; /* its timer finds nothing due and goes back to sleep */
  }
}

void tct_tcp_recv_pay_debt(struct tct_tcp *c) {
  TCT_ASSERT(c->rcv.debts > 0);
  c->rcv.debts--;
}

static void ack_on_read(tct_stack *s, struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL || (c->rcv.flags & TCT_RCV_DELACK) == 0)
    return;
  bool all = unread(c) == 0 && a->ooo.set.n == 0;
  bool second = a->full_since_ack > c->rcv.mss && s->tcp->profile->adaptive_acks;
  if (!second && !(all && tct_tcp_delack_is_due_on_read(c)))
    return;
  tct_tcp_recv_ack_now(c, TCT_WHY_ACK_READ);
  tct_tcp_output_wake(s, c);
}

/* A window worth telling: twice what the peer still has, or enough after none. */
void tct_tcp_recv_on_app_read(tct_stack *s, struct tct_tcp *c) {
  if ((c->rcv.flags & TCT_RCV_URGENT) != 0 && tct_tcp_recv_urgent_unread(c) == 0)
    c->rcv.flags &= (uint8_t)~TCT_RCV_URGENT;
  if (!tct_tcp_state_may_receive(c))
    return;
  tct_tcp_tune_on_read(s, c);
  ack_on_read(s, c);
  uint32_t left = tct_tcp_recv_window(c);
  if (left > tct_tcp_recv_limit(c) / 2) /* then it cannot be twice as much */
    return;
  tct_seq edge = tct_tcp_recv_edge_to_offer(c);
  uint32_t gain = tct_seq_ahead(c->rcv.edge, edge);
  if (gain == 0 || gain < left || TCT_PLANT(WINDOW_UPDATE_MISSING))
    return;
  c->rcv.flags |= TCT_RCV_WINDOW;
  tct_tcp_output_wake(s, c);
}

/* On: at once from now on, and what was delayed too (Linux's TCP_QUICKACK). */
void tct_tcp_recv_set_quickack(tct_stack *s, struct tct_tcp *c, bool on) {
  c->rcv.flags = (uint8_t)(on ? c->rcv.flags | TCT_RCV_QUICKACK : c->rcv.flags & ~TCT_RCV_QUICKACK);
  if (!on)
    tct_tcp_delack_forbid_quick(c);
  if (!on || (c->rcv.flags & TCT_RCV_DELACK) == 0)
    return;
  tct_tcp_recv_ack_now(c, TCT_WHY_ACK_QUICK);
  tct_tcp_output_wake(s, c);
}

/* Linux: none within half a second of the last one. */
static bool is_pause_over(const tct_stack *s, struct tct_extra *x) {
  uint32_t now_ms = tct_max_u32(s->now_ms, 1);
  if (x->challenge_ms != 0 &&
      tct_ms32_since(now_ms, x->challenge_ms) < s->tcp->profile->challenge_pause_ms)
    return false;
  x->challenge_ms = now_ms;
  return true;
}

/* RFC 5961 10: limited per connection, so that no budget is shared with anybody else's connection.
 */
bool tct_tcp_recv_challenge(tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  uint32_t now_s = (uint32_t)(s->now / TCT_S(1)) + 1;
  if (x == NULL || (!is_pause_over(s, x) && !TCT_PLANT(CHALLENGES_UNLIMITED)))
    return false;
  if (x->challenge_s != now_s) {
    x->challenge_s = now_s;
    x->challenge_left = CHALLENGES_PER_S;
  }
  if (TCT_PLANT(CHALLENGES_UNLIMITED))
    x->challenge_left = CHALLENGES_PER_S;
  if (x->challenge_left == 0)
    return false;
  x->challenge_left--;
  x->challenge_acks++;
  s->n.TCPChallengeACK++;
  tct_tcp_recv_owe(c, TCT_WHY_ACK_CHALLENGE);
  return true;
}

static bool is_outdated(const tct_stack *s, const struct tct_tcp *c) {
  return (uint32_t)(s->now / TCT_S(1)) - c->rcv.ts_recent_s > PAWS_IDLE_S;
}

/* RFC 7323 5.3 R1: older than the last one taken, unless that one is itself too old to tell. */
bool tct_tcp_recv_paws_ok(const tct_stack *s, const struct tct_tcp *c,
                          const struct tct_tcp_hdr *h) {
  int32_t slack = s->tcp->profile->paws_slack_ticks;
  return (int32_t)tct_ms32_since(h->opt.tsval, c->rcv.ts_recent) >= -slack || is_outdated(s, c);
}

/* RFC 7323 4.3: only a segment that spans the last ACK sent, so that a delayed ACK echoes the
 * oldest. */
void tct_tcp_recv_on_timestamp(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  if ((c->open & TCT_OPEN_TS) == 0 || !h->opt.has_ts || tct_seq_gt(h->seq, c->rcv.ack_sent))
    return;
  if ((int32_t)tct_ms32_since(h->opt.tsval, c->rcv.ts_recent) < 0 && !is_outdated(s, c))
    return;
  c->rcv.ts_recent = h->opt.tsval;
  c->rcv.ts_recent_s = (uint32_t)(s->now / TCT_S(1));
}

static tct_seq read_upto(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL ? a->rx.begin : tct_tcp_reasm_data_end(c);
}

/* The pointer names the byte after the last urgent one [RFC9293 MUST-62]; news only when that end
 * is new or has moved forward [RFC9293 MUST-32]. */
void tct_tcp_recv_urgent(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h) {
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x == NULL || !TCT_RULE(MUST_30))
    return;
  tct_seq up = tct_seq_add(h->seq, TCT_RULE_ELSE(MUST_62, h->urgent, h->urgent + 1u));
  bool known = (c->rcv.flags & TCT_RCV_URGENT) != 0;
  if (tct_seq_leq(up, read_upto(c)))
    return; /* a pointer to nothing, or to what was read */
  if (known && tct_seq_leq(up, x->rcv_up))
    return;
  x->rcv_up = up;
  c->rcv.flags |= TCT_RCV_URGENT;
  if (TCT_RULE(MUST_32))
    tct_sock_event_post(s, c, TCT_EV_URGENT);
}

/* [RFC9293 MUST-33] Bytes from the application's place up to the mark. */
uint32_t tct_tcp_recv_urgent_unread(const struct tct_tcp *c) {
  if ((c->rcv.flags & TCT_RCV_URGENT) == 0 || !TCT_RULE(MUST_33))
    return 0;
  return tct_seq_ahead(read_upto(c), c->extra->rcv_up);
}
