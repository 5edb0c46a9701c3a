/* SPDX-License-Identifier: MIT */
/*
 * tcp_plan.c - the coordinator out: given a connection as it is now, what segment goes next, and
 * why? Pure: reads everything, writes nothing. Called by tcp_output once for each segment and by
 * tcp_check. The order of the questions is the order of urgency. Timers, ACKs and the application
 * only change what it sees. RFC 9293 sections 3.8.4, 3.8.6, 3.9.1; RFC 5681 section 3.
 */
#include "tcp/calls.h"
#include "util/rule.h"

typedef const struct tct_tcp conn;
typedef struct tct_tcp_plan plan_t;

static void set(plan_t *p, tct_why why, tct_seq seq, uint32_t len, uint8_t flags) {
  p->why = why;
  p->seq = seq;
  p->len = len;
  p->flags = flags;
}

static bool has_fin_to_send(conn *c) {
  return (c->snd.flags & (TCT_SND_FIN_WANTED | TCT_SND_FIN_SENT)) == TCT_SND_FIN_WANTED;
}

/* Urgent data still ahead of seq: the pointer is one past its last byte [RFC9293 MUST-62] [RFC9293
 * MUST-31]. */
static uint8_t urgent_flag(conn *c, tct_seq seq) {
  bool ahead = (c->snd.flags & TCT_SND_URGENT) != 0 && tct_seq_lt(seq, c->extra->snd_up);
  if (!TCT_RULE(MUST_31)) /* any number of bytes: on every segment up to the mark */
    ahead = ahead && c->extra->snd_up - seq == 1;
  return ahead && TCT_RULE(MUST_30) ? TCT_URG : 0;
}

/* PSH when nothing is queued behind it [RFC9293 MUST-61] [RFC9293 SHLD-27]. */
static uint8_t data_flags(conn *c, tct_seq seq, uint32_t len) {
  bool last = tct_tcp_push_is_end(c, tct_seq_add(seq, len));
  uint8_t flags = (uint8_t)(TCT_ACK | urgent_flag(c, seq));
  return last && len > 0 && TCT_RULE(MUST_61) ? (uint8_t)(flags | TCT_PSH) : flags;
}

/* ---- The questions, one function each; true: the plan is made -------------------------------- */

/* Our SYN is not acknowledged yet. */
static bool plan_syn(conn *c, plan_t *p) {
  if (tct_tcp_syn_acked(c) || (c->tmr.due & TCT_DUE_SYN) == 0)
    return false;
  bool again = (c->open & TCT_OPEN_SYN_LOST) != 0 ||
               (tct_tcp_fastopen_is_early(c) && !tct_tcp_fastopen_has(c, TCT_FO_FIRST));
  if (c->state == TCT_SYN_SENT) /* the first may carry data [RFC7413 4.2.1] */
    set(p, again ? TCT_WHY_SYN_REXMIT : TCT_WHY_SYN, c->iss, tct_tcp_fastopen_syn_len(c), TCT_SYN);
  else /* a simultaneous open: the original number [RFC9293 MUST-10] [RFC9293 EP-10] */
    set(p, again ? TCT_WHY_SYN_ACK_REXMIT : TCT_WHY_SYN_ACK, c->iss, 0, TCT_SYN | TCT_ACK);
  p->resend = again;
  return true;
}

/* A shut window is asked after with a byte that the peer may refuse [RFC9293 MUST-36]; with the FIN
 * if that is all there is. */
static bool plan_probe(const tct_stack *s, conn *c, plan_t *p) {
  if ((c->snd.flags & TCT_SND_PROBE_DUE) == 0)
    return false;
  if (s->tcp->profile->empty_probe && tct_tcp_syn_acked(c)) {
    set(p, TCT_WHY_PROBE, tct_seq_sub(c->snd.una, 1), 0, TCT_ACK);
    return true;
  }
  tct_seq data_end = tct_tcp_send_data_end(c);
  if (tct_seq_lt(c->snd.una, data_end) && tct_tcp_syn_acked(c)) {
    set(p, TCT_WHY_PROBE, c->snd.una, 1, data_flags(c, c->snd.una, 1));
    p->resend = tct_seq_lt(c->snd.una, c->snd.nxt);
    return true;
  }
  if ((c->snd.flags & TCT_SND_FIN_WANTED) == 0)
    return false;
  set(p, TCT_WHY_PROBE, data_end, 0, TCT_FIN | TCT_ACK);
  p->resend = (c->snd.flags & TCT_SND_FIN_SENT) != 0;
  return true;
}

/* One below the window, so that it must be answered; empty unless asked otherwise [RFC9293 SHLD-12]
 * [RFC9293 MAY-6]. */
static bool plan_keepalive(conn *c, plan_t *p) {
  if ((c->tmr.due & TCT_DUE_KEEPALIVE) == 0)
    return false;
  bool garbage = (c->extra != NULL && c->extra->keep_garbage != 0) || !TCT_RULE(SHLD_12);
  set(p, TCT_WHY_KEEPALIVE, tct_seq_sub(c->snd.nxt, 1), garbage ? 1 : 0, TCT_ACK);
  p->probe_byte = garbage;
  return true;
}

/* The FIN again, when there is no memory for runs. */
static bool plan_bare_fin(conn *c, plan_t *p) {
  if ((c->tmr.due & TCT_DUE_FIN) == 0 || (c->snd.flags & TCT_SND_FIN_SENT) == 0 ||
      c->active != NULL)
    return false;
  set(p, TCT_WHY_FIN_REXMIT, tct_seq_sub(c->snd.nxt, 1), 0, TCT_FIN | TCT_ACK);
  p->resend = true;
  return true;
}

/* The octet of a probe that was refused goes again with what is queued behind it: alone it would
 * hold the rest back for a round trip. */
static uint32_t with_queued(const tct_stack *s, conn *c, uint32_t take) {
  const struct tct_tcp_active *a = c->active;
  bool probe = a->rec.why == TCT_WHY_REOPENED && take == 1 && tct_tcp_send_flight(c) == 1;
  if (!probe || a->n_eor > 0)
    return take;
  uint32_t more = tct_min_u32(tct_tcp_send_unsent(c), tct_tcp_send_window_left(c));
  return take + tct_min_u32(more, tct_tcp_send_mss(s, c) - take);
}

/* [RFC8985 7.3] New data if the peer's window lets it, whatever the congestion window says; else
 * the last segment again. */
static bool plan_tlp(const tct_stack *s, conn *c, plan_t *p) {
  const struct tct_tcp_active *a = c->active;
  uint32_t mss = tct_tcp_send_mss(s, c);
  if ((c->tmr.due & TCT_DUE_TLP) == 0 || a == NULL || a->runs.n == 0)
    return false;
  uint32_t fresh = tct_min_u32(tct_tcp_send_sendable(c), mss);
  bool fin = has_fin_to_send(c) && fresh == tct_tcp_send_unsent(c);
  if (fresh > 0 && fresh <= tct_tcp_send_window_left(c)) {
    set(p, TCT_WHY_TLP, c->snd.nxt, fresh,
        (uint8_t)(data_flags(c, c->snd.nxt, fresh) | (fin ? TCT_FIN : 0)));
    return true;
  }
  const struct tct_run *run = tct_tcp_sack_at(&a->runs, a->runs.n - 1);
  fin = (run->flags & TCT_RUN_FIN) != 0;
  uint32_t len = tct_seq_len(run->begin, run->end) - (fin ? 1u : 0u);
  uint32_t take = len == 0 ? 0 : (len - 1) % tct_max_u32(run->seg_size, 1) + 1;
  take = tct_min_u32(take, mss);
  tct_seq seq = tct_seq_sub(run->end, take + (fin ? 1u : 0u));
  set(p, TCT_WHY_TLP, seq, take, (uint8_t)(data_flags(c, seq, take) | (fin ? TCT_FIN : 0)));
  if (take > 0 && (run->flags & TCT_RUN_PUSH) != 0)
    p->flags |= TCT_PSH;
  p->resend = true;
  return true;
}

/* A short segment goes again together with the short ones behind it, if no MSG_EOR stands between
 * and all of it makes one segment (Linux). `most`: mss, or what the window leaves. */
static uint32_t with_followers(const tct_stack *s, conn *c, const struct tct_run *run,
                               uint32_t most, uint8_t *push) {
  const struct tct_tcp_active *a = c->active;
  uint32_t take = tct_seq_len(run->begin, run->end);
  if (!s->tcp->profile->joins_resent || take > run->seg_size)
    return take;
  for (uint32_t i = tct_tcp_sack_find(&a->runs, run->end); i < a->runs.n; i++) {
    const struct tct_run *next = tct_tcp_sack_at(&a->runs, i);
    uint32_t len = tct_seq_len(next->begin, next->end);
    bool plain = (next->flags & (TCT_RUN_SACKED | TCT_RUN_FIN)) == 0 && len <= next->seg_size;
    if (!plain || take + len > most || tct_tcp_send_is_eor(c, next->begin))
      break;
    take += len;
    *push |= next->flags & TCT_RUN_PUSH;
  }
  return take;
}

/* What was declared lost, lowest first, as far as window and congestion window let it [RFC9293
 * SHLD-16]: what lies beyond a shrunken edge waits [RFC9293 MAY-7]. */
static bool plan_lost(const tct_stack *s, conn *c, plan_t *p) {
  const struct tct_run *run = tct_tcp_sack_next_lost(c);
  if (run == NULL || tct_tcp_recover_holds_back(s, c))
    return false;
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t len = tct_seq_len(run->begin, run->end);
  bool fin = (run->flags & TCT_RUN_FIN) != 0 && run->end == c->snd.nxt;
  uint32_t bytes = fin ? len - 1 : len;
  uint32_t room = tct_seq_ahead(run->begin, tct_seq_add(c->snd.una, c->snd.wnd));
  uint32_t take = tct_min_u32(tct_min_u32(bytes, mss), run->seg_size != 0 ? run->seg_size : mss);
  take = tct_min_u32(take, room);
  if (take == 0 && bytes > 0)
    return false; /* beyond a window that was pulled back */
  if (!tct_tcp_recover_may_resend(s, c, run, take))
    return false;
  fin = fin && take == bytes;
  uint8_t push = take >= bytes && take > 0 ? run->flags & TCT_RUN_PUSH : 0;
  if (!fin && take == bytes && take > 0)
    take = with_followers(s, c, run, tct_min_u32(mss, room), &push);
  take = fin ? take : with_queued(s, c, take);
  tct_why why = bytes == 0 ? TCT_WHY_FIN_REXMIT : (tct_why)c->active->rec.why;
  set(p, why, run->begin, take, (uint8_t)(data_flags(c, run->begin, take) | (fin ? TCT_FIN : 0)));
  p->train = tct_tcp_push_resend_train(s, c, run);
  if (p->train > 0 && take >= p->train)
    p->flags |= TCT_PSH;
  if (push != 0)
    p->flags |= TCT_PSH;
  p->resend = true;
  return true;
}

/* With its headers it is still one IP packet. */
static bool fits_frame(const tct_if_config *cfg, conn *c, uint32_t bytes) {
  uint32_t headers = (uint32_t)tct_ip_header_len(c->key.raddr) + TCT_TCP_HEADER_MAX;
  return bytes <= cfg->gso_max_bytes && bytes + headers <= UINT16_MAX;
}

/* Several full segments go as one frame where the interface cuts them: all new, none of them
 * special. */
static uint32_t span(const tct_stack *s, conn *c, uint32_t mss, uint32_t usable) {
  const tct_if_config *cfg = &s->ifs[c->ifi].cfg;
  if (usable <= mss)
    return usable;
  uint32_t segs = cfg->gso_max_segs == 0 ? 1 : tct_min_u32(usable / mss, cfg->gso_max_segs);
  while (segs > 1 && !fits_frame(cfg, c, segs * mss))
    segs--;
  if (segs > 1 && tct_tcp_pace_is_on(s, c))
    segs = tct_min_u32(segs, tct_max_u32(tct_tcp_pace_quantum(s, c) / mss, 1));
  if ((c->snd.flags & TCT_SND_URGENT) != 0 || (c->rcv.ecn & TCT_ECNF_TELL_CWR) != 0)
    segs = 1; /* CWR stands on one segment: who cuts the frame may copy its flags */
  if ((c->sockf & TCT_SOCKF_NO_DF) != 0 && tct_bytes_addr_is_ipv4(&c->key.raddr))
    segs = 1; /* who cuts it counts up from its ID, over those of the next (RFC 6864 4.2) */
  return segs * mss;
}

static tct_why why_new_data(conn *c) {
  const struct tct_tcp_active *a = c->active;
  if ((c->snd.flags & TCT_SND_OVERRIDE) != 0)
    return TCT_WHY_SWS_OVERRIDE;
  if (a != NULL && a->rec.phase == TCT_REC_DISORDER)
    return TCT_WHY_LIMITED_TRANSMIT; /* [RFC3042 2] */
  return a != NULL && a->rec.frto_new ? TCT_WHY_FRTO : TCT_WHY_DATA;
}

static bool may_send_data(conn *c) {
  if (tct_tcp_fastopen_is_early(c)) /* answers need not wait for the handshake [RFC7413 4.2.2] */
    return c->state >= TCT_SYN_RECEIVED && c->state <= TCT_LAST_ACK;
  return c->state >= TCT_ESTABLISHED && c->state <= TCT_LAST_ACK && tct_tcp_syn_acked(c);
}

/* New data in full segments as far as it goes [RFC9293 SHLD-28], the FIN behind it, and any ACK
 * that is owed on it [RFC9293 EP-34]. */
static bool plan_new(const tct_stack *s, conn *c, plan_t *p) {
  bool override, wait;
  if (tct_tcp_send_unsent(c) == 0 || !may_send_data(c))
    return false;
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t usable = tct_tcp_send_usable(s, c, &override), len = span(s, c, mss, usable);
  if (len == 0 || tct_tcp_push_should_wait(s, c, usable))
    return false;
  uint32_t probe = tct_tcp_mtu_probe_len(s, c, &wait);
  if (wait)
    return false;
  if (probe > 0) { /* [RFC4821 7.3] there is more behind it, so it ends nothing */
    set(p, TCT_WHY_MTU_PROBE, c->snd.nxt, probe, TCT_ACK);
    return true;
  }
  set(p, why_new_data(c), c->snd.nxt, len, data_flags(c, c->snd.nxt, len));
  p->train = tct_tcp_push_train(s, c, usable);
  if (p->train > 0 && len >= p->train && TCT_RULE(MUST_61))
    p->flags |= TCT_PSH;
  p->seg_size = len > mss ? (uint16_t)mss : 0;
  bool last = len == tct_tcp_send_unsent(c);
  if (last && has_fin_to_send(c) && tct_tcp_send_window_left(c) > len)
    p->flags |= TCT_FIN;
  return true;
}

/* Repairs, then new data, at their pace. */
static bool plan_paced(const tct_stack *s, conn *c, plan_t *p) {
  if (tct_tcp_pace_not_before(s, c) != 0)
    return false;
  return plan_lost(s, c, p) || plan_new(s, c, p);
}

/* [RFC9293 EP-40] A FIN alone; in SYN-RECEIVED's successor it may follow an unacknowledged SYN. */
static bool plan_fin(conn *c, plan_t *p) {
  if (!has_fin_to_send(c) || c->state < TCT_ESTABLISHED || tct_tcp_send_unsent(c) > 0)
    return false;
  if (tct_tcp_send_window_left(c) == 0 && tct_tcp_syn_acked(c))
    return false;
  set(p, TCT_WHY_FIN, c->snd.nxt, 0, TCT_FIN | TCT_ACK);
  return true;
}

static bool may_ack(conn *c) {
  return c->state >= TCT_SYN_RECEIVED && c->state < TCT_TIME_WAIT;
}

/* Each debt has an ACK of its own; peers count them. */
static bool plan_debt(conn *c, plan_t *p) {
  if (!may_ack(c) || c->rcv.debts == 0)
    return false;
  tct_seq seq = tct_tcp_send_bare_seq(c);
  set(p, (tct_why)c->rcv.ack_why, seq, 0, (uint8_t)(TCT_ACK | urgent_flag(c, seq)));
  p->pays_debt = true;
  return true;
}

/* One for all that is in order, if nothing above carried it [RFC9293 MUST-58] [RFC9293 MUST-59]. */
static bool plan_ack(conn *c, plan_t *p) {
  if (!may_ack(c) || (c->rcv.flags & (TCT_RCV_ACK_NOW | TCT_RCV_WINDOW)) == 0)
    return false;
  bool ack = (c->rcv.flags & TCT_RCV_ACK_NOW) != 0;
  tct_why why = ack ? (tct_why)c->rcv.ack_why : TCT_WHY_WINDOW;
  set(p, why, tct_tcp_send_bare_seq(c), 0, TCT_ACK);
  return true;
}

/* Every question below would be answered with no: so it is after each last segment of a burst. */
static inline bool has_nothing_to_say(conn *c) {
  const struct tct_tcp_active *a = c->active;
  if (tct_tcp_send_unsent(c) > 0)
    return false;
  unsigned odd = (unsigned)c->rcv.debts | c->tmr.due;
  odd |= c->rcv.flags & (unsigned)(TCT_RCV_ACK_NOW | TCT_RCV_WINDOW);
  odd |= (c->snd.flags & (unsigned)TCT_SND_PROBE_DUE) | (unsigned)has_fin_to_send(c);
  if (odd != 0 || !tct_tcp_syn_acked(c))
    return false;
  return a == NULL || a->runs.waiting_bytes == 0;
}

/* ---- The plain state, where nearly all segments are made ------------------------------------- */

/* Established, and nothing that any question above but those about new data and ACKs is about:
 * nothing due, owed singly, lost, probed, paced, marked, bounded or half closed. */
static bool is_plain(const tct_stack *s, conn *c) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_extra *x = c->extra;
  if (c->state != TCT_ESTABLISHED || a == NULL || !tct_tcp_syn_acked(c))
    return false;
  unsigned odd = (unsigned)c->tmr.due | c->rcv.debts | (c->snd.flags & ~(unsigned)TCT_SND_NODELAY) |
                 (c->rcv.ecn & TCT_ECNF_ANY_SAID) | a->n_eor | a->rec.phase | a->rec.frto_new;
  if (odd != 0 || a->runs.waiting_bytes != 0 || s->cfg.no_fast_path || TCT_RULES_VARY)
    return false;
  if (x != NULL && (x->mtup.on || x->fastopen != NULL))
    return false;
  return !tct_tcp_pace_is_on(s, c);
}

/* What tct_tcp_send_usable says, where no MSG_EOR, cork or override is about. */
static uint32_t plain_usable(const tct_stack *s, conn *c, uint32_t mss, uint32_t unsent) {
  const struct tct_tcp_active *a = c->active;
  uint32_t window = tct_seq_ahead(c->snd.nxt, tct_seq_add(c->snd.una, c->snd.wnd));
  uint32_t usable = tct_tcp_recover_room_upto(s, c, mss, tct_min_u32(unsent, window));
  if (usable >= mss || usable == 0)
    return usable;
  if (usable < unsent)
    return window == usable && window >= c->snd.wnd_max / 2 ? usable : 0;
  bool may = c->snd.una == c->snd.nxt || (c->snd.flags & TCT_SND_NODELAY) != 0 ||
             (s->tcp->profile->minshall && tct_seq_leq(a->small_end, c->snd.una));
  return may ? usable : 0;
}

/* Where everything else would say no: new data, or else an ACK, or nothing. False: ask them all. */
static bool plan_plain(const tct_stack *s, conn *c, plan_t *p) {
  if (!is_plain(s, c))
    return false;
  const struct tct_tcp_active *a = c->active;
  uint32_t unsent = tct_seq_ahead(c->snd.nxt, a->tx.end);
  uint32_t mss = unsent > 0 ? tct_tcp_send_mss(s, c) : 0;
  uint32_t usable = unsent > 0 ? plain_usable(s, c, mss, unsent) : 0;
  p->plain = true;
  if (usable > 0) {
    uint32_t len = usable <= mss ? usable : span(s, c, mss, usable);
    uint32_t begun = tct_seq_ahead(c->snd.nxt, a->train_end);
    set(p, TCT_WHY_DATA, c->snd.nxt, len, len == unsent ? TCT_ACK | TCT_PSH : TCT_ACK);
    p->train = begun > 0 || usable < 2 * mss ? begun : tct_tcp_push_train(s, c, usable);
    if (p->train > 0 && len >= p->train)
      p->flags |= TCT_PSH;
    p->seg_size = len > mss ? (uint16_t)mss : 0;
    p->mss = mss;
    return true;
  }
  if ((c->rcv.flags & (TCT_RCV_ACK_NOW | TCT_RCV_WINDOW)) == 0)
    return true;
  bool ack = (c->rcv.flags & TCT_RCV_ACK_NOW) != 0;
  p->plain = !tct_tcp_reasm_has_news(c, a); /* no SACK goes with it */
  set(p, ack ? (tct_why)c->rcv.ack_why : TCT_WHY_WINDOW, tct_tcp_send_bare_seq(c), 0, TCT_ACK);
  return true;
}

/* ---------------------------------------------------------------------------------------------- */

static __attribute__((noinline)) void plan_any(const tct_stack *s, conn *c, plan_t *p) {
  if (c->state == TCT_CLOSED || c->state == TCT_LISTEN || c->state == TCT_TIME_WAIT)
    return;
  if (plan_syn(c, p) || c->state == TCT_SYN_SENT)
    return;
  if ((c->rcv.ecn & TCT_ECNF_HANDSHAKE) != 0 && plan_ack(c, p))
    return; /* bare, before any data: RFC 9768 3.2.2.1 */
  if (plan_probe(s, c, p) || plan_keepalive(c, p) || plan_bare_fin(c, p))
    return;
  if (plan_debt(c, p) || plan_tlp(s, c, p) || plan_paced(s, c, p) || plan_fin(c, p))
    return;
  (void)plan_ack(c, p);
}

/* The short answer is the long one: that is what makes it one. */
static bool is_as_any(const tct_stack *s, conn *c, const plan_t *p) {
  plan_t q = {0};
  plan_any(s, c, &q);
  return p->why == q.why && p->seq == q.seq && p->len == q.len && p->train == q.train &&
         p->seg_size == q.seg_size && p->flags == q.flags && p->resend == q.resend &&
         p->pays_debt == q.pays_debt && p->probe_byte == q.probe_byte;
}

void tct_tcp_plan(const tct_stack *s, const struct tct_tcp *c, struct tct_tcp_plan *p) {
  memset(p, 0, sizeof *p);
  if (has_nothing_to_say(c))
    return;
  if (plan_plain(s, c, p))
    TCT_CHECKED(is_as_any(s, c, p));
  else
    plan_any(s, c, p);
}

bool tct_tcp_plan_wants_data(const tct_stack *s, const struct tct_tcp *c) {
  struct tct_tcp_plan p;
  memset(&p, 0, sizeof p);
  return c->state >= TCT_ESTABLISHED && c->state <= TCT_LAST_ACK &&
         (plan_lost(s, c, &p) || plan_new(s, c, &p));
}

bool tct_tcp_plan_is_spent(const struct tct_tcp *c) {
  return c->state == TCT_SYN_SENT ? (c->tmr.due & TCT_DUE_SYN) == 0 : has_nothing_to_say(c);
}

bool tct_tcp_plan_is_idle(const tct_stack *s, const struct tct_tcp *c) {
  struct tct_tcp_plan p;
  tct_tcp_plan(s, c, &p);
  return p.why == TCT_WHY_NONE;
}
