/* SPDX-License-Identifier: MIT */
/*
 * tcp_timer.c - which deadlines a connection has, the earliest of them, and what happens when one
 * has come. A timer never sends: it changes state so that tcp_plan gives another answer. Alone
 * writes c->tmr. Called by tcp_input (ACKs), tcp_output (sent) and stack.c's advance (the wheel).
 * One main timer, since its kinds exclude each other: REXMIT while something is outstanding, TLP or
 * REORDER in its place when these come sooner, PERSIST behind a closed window, OVERRIDE for a silly
 * one, KEEPALIVE and FIN-WAIT-2 when all is quiet. RFC 6298 section 5, RFC 9293
 * sections 3.8.3, 3.8.6.1.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

void tct_tcp_timer_init(struct tct_tcp *c) {
  c->tmr.main_at = TCT_NEVER;
  c->tmr.wheel_at = TCT_NEVER;
  tct_list_init(&c->tmr.node);
}

void tct_tcp_timer_arm(tct_stack *s, struct tct_tcp *c, tct_time at) {
  c->tmr.wheel_at = at;
  tct_wheel_arm(&s->wheel, &c->tmr.node, at);
}

void tct_tcp_timer_stop(tct_stack *s, struct tct_tcp *c) {
  c->tmr.main_at = TCT_NEVER;
  c->tmr.wheel_at = TCT_NEVER;
  c->tmr.kind = TCT_TIMER_NONE;
  c->tmr.due = 0;
  tct_wheel_cancel(&s->wheel, &c->tmr.node);
}

void tct_tcp_timer_set(tct_stack *s, struct tct_tcp *c, tct_timer kind, tct_time at) {
  c->tmr.kind = (uint8_t)kind;
  c->tmr.main_at = at;
  tct_tcp_timer_refresh(s, c);
}

/* ---- Limits: R1, R2, user time-out ------------------------------------------------------------
 */

static uint32_t user_timeout_ms(const struct tct_tcp *c) {
  return c->extra != NULL ? c->extra->user_timeout_ms : 0;
}

/* Never later than the moment at which the application wants to give up. [RFC9293 EP-42] */
static tct_time capped(const struct tct_tcp *c, tct_time now, tct_time at) {
  uint32_t limit_ms = user_timeout_ms(c);
  if (limit_ms == 0 || limit_ms == UINT32_MAX)
    return at;
  uint32_t gone_ms = tct_ms32_since(tct_time_ms32(now), c->tmr.since_ms);
  return tct_time_min(at, tct_time_add(now, TCT_MS(tct_sub_floor_u32(limit_ms, gone_ms))));
}

static bool is_opening(const struct tct_tcp *c) {
  return !tct_tcp_syn_acked(c) && c->snd.nxt != c->iss;
}

static uint8_t retries_max(const tct_stack *s, const struct tct_tcp *c) {
  if (!is_opening(c))
    return s->cfg.data_retries;
  if (tct_tcp_is_set(c, TCT_OPT_SYN_RETRIES))
    return c->extra->syn_retries;
  if (!TCT_RULE(MUST_23)) /* [RFC9293 MUST-23] by the profile's count */
    return 2;
  if (c->state == TCT_SYN_SENT)
    return s->cfg.syn_retries;
  /* a child whose application may have begun already is not given up lightly (Linux's rule) */
  return (uint8_t)(s->cfg.syn_ack_retries + (tct_tcp_fastopen_is_early(c) ? 1 : 0));
}

/* Linux's first SYNs, a second apart, are not counted; but the time that the count would take
 * without them is a limit as well. */
static bool is_out_of_retries(const tct_stack *s, const struct tct_tcp *c, uint32_t gone_ms) {
  if (!is_opening(c) && s->cfg.r2_ms != 0)
    return gone_ms >= s->cfg.r2_ms;
  unsigned most = retries_max(s, c);
  unsigned linear = c->state == TCT_SYN_SENT && is_opening(c) ? s->tcp->profile->syn_linear : 0;
  uint64_t time_ms = ((2ull << (most < 30 ? most : 30)) - 1) * s->cfg.rto_initial_ms;
  return c->tmr.tries >= most + linear || (linear != 0 && gone_ms >= time_ms);
}

/* R2 by time or by count [RFC9293 MUST-20] [RFC9293 MUST-21] [RFC9293 MUST-22]; true: it is over.
 */
static bool give_up(tct_stack *s, struct tct_tcp *c) {
  uint32_t limit_ms = user_timeout_ms(c);
  uint32_t gone_ms = tct_ms32_since(s->now_ms, c->tmr.since_ms);
  bool opening = is_opening(c);
  tct_why why = opening ? TCT_WHY_SYN_TIMEOUT : TCT_WHY_REXMIT_TIMEOUT;
  bool over = is_out_of_retries(s, c, gone_ms);
  if (opening && !TCT_RULE(MUST_22)) /* [RFC9293 MUST-22] */
    over = false;
  if (limit_ms != 0 && TCT_RULE(MUST_21)) {
    over = limit_ms != UINT32_MAX && gone_ms >= limit_ms;
    why = TCT_WHY_USER_TIMEOUT;
  }
  over = over && TCT_RULE_ELSE(MUST_20, true, opening);
  tct_tcp_fastopen_client_on_timeout(s, c, over);
  if (!over)
    return false;
  s->n.TCPAbortOnTimeout++;
  tct_tcp_state_end(s, c, c->soft_err != 0 && opening ? -(int)c->soft_err : TCT_ETIMEDOUT, why);
  return true;
}

/* R1: tell the application, ask routing again; and for a smaller path. [RFC9293 SHLD-9] [RFC9293
 * SHLD-10] */
static void at_r1(tct_stack *s, struct tct_tcp *c) {
  uint8_t r1 = c->extra != NULL && c->extra->r1_retries != 0 ? c->extra->r1_retries : 3;
  if (!is_opening(c))
    tct_tcp_mtu_on_timeout(s, c, r1);
  if (c->tmr.tries != r1)
    return;
  /* what the network said is a better reason than that nobody answers */
  tct_sock_event_soft(s, c, c->soft_err != 0 ? -(int)c->soft_err : TCT_ETIMEDOUT);
}

/* ---- Expiries -------------------------------------------------------------------------------- */

static void on_rexmit(tct_stack *s, struct tct_tcp *c) {
  bool linear =
      is_opening(c) && c->state == TCT_SYN_SENT && c->tmr.tries < s->tcp->profile->syn_linear;
  if (give_up(s, c))
    return;
  c->tmr.tries = c->tmr.tries < 255 ? (uint8_t)(c->tmr.tries + 1) : 255;
  if (!linear && !TCT_PLANT(NO_BACKOFF))
    c->tmr.backoff = c->tmr.backoff < 16 ? (uint8_t)(c->tmr.backoff + 1) : 16;
  at_r1(s, c);
  if (is_opening(c)) {
    c->tmr.due |= TCT_DUE_SYN;
    c->open |= TCT_OPEN_SYN_LOST;
  } else {
    tct_tcp_recover_on_rto(s, c);
    tct_sock_event_writable(s, c); /* the send buffer's size follows the window */
  }
  tct_time rto = tct_tcp_rtt_rto_ns(s, c);
  tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, capped(c, s->now, tct_time_add(s->now, rto)));
  tct_tcp_output_wake(s, c);
}

static tct_time persist_ns(const tct_stack *s, const struct tct_tcp *c) {
  tct_time base = tct_tcp_rtt_base_rto_ns(s, c);
  unsigned shift = c->tmr.backoff < 16 ? c->tmr.backoff : 16;
  return tct_min_u64(TCT_RULE(SHLD_30) ? base << shift : base,
                     TCT_MS(s->tcp->profile->persist_max_ms));
}

/* A peer that answers may keep its window shut for ever [RFC9293 MUST-37]; one that is silent is
 * dead. */
static void on_persist(tct_stack *s, struct tct_tcp *c) {
  if (give_up(s, c))
    return;
  c->tmr.tries = c->tmr.tries < 255 ? (uint8_t)(c->tmr.tries + 1) : 255;
  c->tmr.backoff = c->tmr.backoff < 16 ? (uint8_t)(c->tmr.backoff + 1) : 16;
  if (TCT_RULE(MUST_36))
    c->snd.flags |= TCT_SND_PROBE_DUE;
  tct_tcp_timer_set(s, c, TCT_TIMER_PERSIST,
                    capped(c, s->now, tct_time_add(s->now, persist_ns(s, c))));
  tct_tcp_output_wake(s, c);
}

/* When the time-out would be if nothing had come between: it counts from the head's last
 * transmission. May have passed. */
static tct_time rto_of_head(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  tct_time from = a != NULL && a->runs.n > 0 ? tct_tcp_sack_at(&a->runs, 0)->sent_at : s->now;
  return tct_time_add(from, tct_tcp_rtt_rto_ns(s, c));
}

static void back_to_rexmit(tct_stack *s, struct tct_tcp *c) {
  tct_time at = tct_time_max(rto_of_head(s, c), tct_time_add(s->now, 1));
  tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, capped(c, s->now, at));
}

/* [RFC8985 7.3] The plan has a probe to make. */
static void on_tlp(tct_stack *s, struct tct_tcp *c) {
  back_to_rexmit(s, c);
  if (!tct_tcp_tlp_may_go(c))
    return;
  c->tmr.due |= TCT_DUE_TLP;
  tct_tcp_output_wake(s, c);
}

static void on_reorder(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_recover_on_reorder_timer(s, c);
  back_to_rexmit(s, c);
  tct_tcp_output_wake(s, c);
}

static void on_main(tct_stack *s, struct tct_tcp *c) {
  tct_timer kind = (tct_timer)c->tmr.kind;
  tct_tcp_trace_timer(s, c, kind);
  c->tmr.main_at = TCT_NEVER;
  switch (kind) {
  case TCT_TIMER_REXMIT:
    on_rexmit(s, c);
    break;
  case TCT_TIMER_TLP:
    on_tlp(s, c);
    break;
  case TCT_TIMER_REORDER:
    on_reorder(s, c);
    break;
  case TCT_TIMER_PERSIST:
    on_persist(s, c);
    break;
  case TCT_TIMER_OVERRIDE:
    c->tmr.kind = TCT_TIMER_NONE;
    c->snd.flags |= TCT_SND_OVERRIDE;
    tct_tcp_output_wake(s, c);
    break;
  case TCT_TIMER_KEEPALIVE:
    tct_tcp_keep_on_timer(s, c);
    break;
  case TCT_TIMER_FIN_WAIT_2:
    tct_tcp_state_end(s, c, 0, TCT_WHY_FIN_WAIT_2_TIMEOUT);
    break;
  default:
    break;
  }
}

void tct_tcp_timer_fire(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  c->tmr.wheel_at = TCT_NEVER;
  if (a != NULL && (c->rcv.flags & TCT_RCV_DELACK) != 0 && a->delack_at <= s->now) {
    tct_tcp_trace_timer(s, c, TCT_TIMER_DELACK);
    tct_tcp_recv_on_delack_timer(s, c);
    tct_tcp_output_wake(s, c);
  }
  if (tct_tcp_pace_on_timer(s, c)) {
    tct_tcp_trace_timer(s, c, TCT_TIMER_PACE);
    tct_tcp_output_wake(s, c);
  }
  if (a != NULL && a->cork_at <= s->now) {
    a->cork_at = TCT_NEVER;
    c->snd.flags = (uint8_t)((c->snd.flags & ~TCT_SND_MORE) | TCT_SND_OVERRIDE);
    tct_tcp_output_wake(s, c);
  }
  if (c->tmr.main_at <= s->now)
    on_main(s, c);
  if (c->state != TCT_CLOSED && c->state != TCT_TIME_WAIT)
    tct_tcp_timer_refresh(s, c);
}

/* ---- Which kind, from the state (invariant C8) ----------------------------------------------- */

static bool wants_to_send(const struct tct_tcp *c) {
  bool fin = (c->snd.flags & (TCT_SND_FIN_WANTED | TCT_SND_FIN_SENT)) == TCT_SND_FIN_WANTED;
  return tct_tcp_send_unsent(c) > 0 || fin;
}

static tct_timer kind_wanted(const tct_stack *s, const struct tct_tcp *c) {
  bool override = false;
  if (c->state == TCT_CLOSED || c->state == TCT_LISTEN || c->state == TCT_TIME_WAIT)
    return TCT_TIMER_NONE;
  bool outstanding = c->snd.una != c->snd.nxt;
  if (TCT_PLANT(FIN_NOT_RESENT) && (c->snd.flags & TCT_SND_FIN_SENT) != 0)
    outstanding = tct_tcp_send_flight(c) > 1;
  if (!is_opening(c) && c->snd.wnd == 0 && (outstanding || wants_to_send(c)) && TCT_RULE(MUST_35))
    return TCT_TIMER_PERSIST; /* [RFC9293 MUST-35] [RFC9293 SHLD-29] */
  if (outstanding)
    return TCT_TIMER_REXMIT;
  if (tct_tcp_send_unsent(c) > 0 && tct_tcp_send_usable(s, c, &override) == 0 && override)
    return TCT_TIMER_OVERRIDE;
  if (c->state == TCT_FIN_WAIT_2 && (c->sockf & TCT_SOCKF_CLOSED) != 0)
    return TCT_TIMER_FIN_WAIT_2;
  return tct_tcp_keep_next(s, c) == TCT_NEVER ? TCT_TIMER_NONE : TCT_TIMER_KEEPALIVE;
}

/* When it would be due, started now. */
static tct_time time_of(const tct_stack *s, const struct tct_tcp *c, tct_timer kind) {
  bool own = c->extra != NULL && c->extra->fin_wait_2_ms != 0;
  switch (kind) {
  case TCT_TIMER_PERSIST:
    return tct_time_add(s->now, persist_ns(s, c));
  case TCT_TIMER_REXMIT:
    return tct_time_add(s->now, tct_tcp_rtt_rto_ns(s, c));
  case TCT_TIMER_OVERRIDE:
    return tct_time_add(s->now, TCT_MS(s->tcp->profile->override_ms));
  case TCT_TIMER_FIN_WAIT_2:
    return tct_time_add(s->now, TCT_MS(own ? c->extra->fin_wait_2_ms : s->cfg.fin_wait_2_ms));
  case TCT_TIMER_KEEPALIVE:
    return tct_tcp_keep_next(s, c);
  default:
    return TCT_NEVER;
  }
}

/* A time-out, or what stands in its place until it. */
static bool is_for_answer(uint8_t kind) {
  return kind == TCT_TIMER_REXMIT || kind == TCT_TIMER_TLP || kind == TCT_TIMER_REORDER;
}

static bool runs_already(const struct tct_tcp *c, tct_timer kind) {
  bool same = kind == c->tmr.kind || (kind == TCT_TIMER_REXMIT && is_for_answer(c->tmr.kind));
  return same && (c->tmr.main_at != TCT_NEVER || kind == TCT_TIMER_NONE);
}

/* After anything that may change what is awaited. A timer of the right kind that runs is left to
 * run. */
void tct_tcp_timer_update(tct_stack *s, struct tct_tcp *c) {
  tct_timer kind = kind_wanted(s, c);
  if (runs_already(c, kind)) {
    tct_tcp_timer_refresh(s, c);
    return;
  }
  if (c->tmr.kind == TCT_TIMER_PERSIST && kind != TCT_TIMER_PERSIST)
    c->tmr.backoff = 0; /* doubled for probes of a shut window: it says nothing about the path */
  tct_time at = time_of(s, c, kind);
  bool unanswered = kind == TCT_TIMER_REXMIT || kind == TCT_TIMER_PERSIST;
  if (!(is_for_answer(c->tmr.kind) && is_for_answer((uint8_t)kind)) && unanswered) {
    c->tmr.since_ms = s->now_ms;
    if (kind == TCT_TIMER_PERSIST || c->tmr.kind == TCT_TIMER_KEEPALIVE)
      c->tmr.tries = 0;
  }
  if (unanswered)
    at = capped(c, s->now, at);
  if (!unanswered && kind != TCT_TIMER_KEEPALIVE)
    c->tmr.tries = 0;
  tct_tcp_timer_set(s, c, kind, at);
}

/* [RFC8985 7.2] A probe comes before the time-out at rto_at. */
static void allow_probe(tct_stack *s, struct tct_tcp *c, tct_time rto_at) {
  if (!is_for_answer(c->tmr.kind))
    return;
  tct_time at = tct_tcp_tlp_at(s, c, rto_at > s->now ? rto_at : TCT_NEVER);
  if (at != TCT_NEVER)
    tct_tcp_timer_set(s, c, TCT_TIMER_TLP, at);
}

/* Something new is acknowledged: whoever tries again begins to count anew. */
void tct_tcp_timer_on_progress(const tct_stack *s, struct tct_tcp *c) {
  c->tmr.tries = 0;
  c->tmr.since_ms = s->now_ms;
  c->tmr.due &= (uint8_t)~TCT_DUE_TLP;
}

/* No FIN is wanted, or it was the last to be acknowledged. */
static bool is_all_said(const struct tct_tcp *c) {
  if (c->state == TCT_ESTABLISHED)
    return (c->snd.flags & TCT_SND_FIN_WANTED) == 0;
  bool closing = c->state == TCT_FIN_WAIT_1 || c->state == TCT_LAST_ACK;
  return closing && (c->snd.flags & TCT_SND_FIN_SENT) != 0;
}

/* All is acknowledged and nothing waits: what update below would find. */
static bool stop_plainly(struct tct_tcp *c) {
  if (c->snd.una != c->snd.nxt || !is_all_said(c) || tct_tcp_send_unsent(c) > 0 ||
      (c->sockf & TCT_SOCKF_KEEPALIVE) != 0 || !is_for_answer(c->tmr.kind) || TCT_RULES_VARY)
    return false;
  c->tmr.kind = TCT_TIMER_NONE;
  c->tmr.main_at = TCT_NEVER; /* the wheel's node fires early, and goes back to sleep */
  return true;
}

/* RFC 6298 5.2, 5.3: the ACK acknowledged something new. The backoff stays until a clean sample or
 * data that went once is acknowledged [RFC9293 EP-50]: that is tcp_input's call to forgive. */
TCT_HOT void tct_tcp_timer_restart(tct_stack *s, struct tct_tcp *c) {
  if (stop_plainly(c))
    return;
  if (is_for_answer(c->tmr.kind) || c->tmr.kind == TCT_TIMER_PERSIST) {
    c->tmr.kind = TCT_TIMER_NONE; /* so that update starts it anew */
    c->tmr.main_at = TCT_NEVER;
  }
  uint32_t since_ms = c->tmr.since_ms;
  tct_tcp_timer_update(s, c);
  c->tmr.since_ms = since_ms;
  allow_probe(s, c, c->tmr.main_at);
}

/* As below, where the window is open and no user time-out is set, in one step: the time-out runs or
 * is started, and a probe comes before it. False: it is not so, or not so simple. */
static bool start_plainly(tct_stack *s, struct tct_tcp *c, bool first) {
  const struct tct_tcp_active *a = c->active;
  bool runs = is_for_answer(c->tmr.kind) && c->tmr.main_at != TCT_NEVER;
  bool idle = c->tmr.kind == TCT_TIMER_NONE || c->tmr.kind == TCT_TIMER_KEEPALIVE;
  if (a == NULL || a->runs.n == 0 || !(runs || idle) || user_timeout_ms(c) != 0 ||
      c->snd.wnd == 0 || c->snd.una == c->snd.nxt || TCT_RULES_VARY)
    return false;
  tct_time rto_ns = tct_tcp_rtt_rto_ns(s, c);
  tct_time rto_at = tct_time_add(tct_tcp_sack_at(&a->runs, 0)->sent_at, rto_ns);
  if (rto_at <= s->now)
    return false;
  if (!runs) {
    c->tmr.since_ms = s->now_ms;
    if (c->tmr.kind == TCT_TIMER_KEEPALIVE)
      c->tmr.tries = 0;
    c->tmr.kind = TCT_TIMER_REXMIT;
    c->tmr.main_at = tct_time_add(s->now, rto_ns);
  } else if (c->tmr.kind == TCT_TIMER_TLP && !first) {
    c->tmr.kind = TCT_TIMER_REXMIT;
    c->tmr.main_at = rto_at;
  }
  tct_time probe_at = tct_tcp_tlp_at(s, c, rto_at);
  if (probe_at != TCT_NEVER) {
    c->tmr.kind = TCT_TIMER_TLP;
    c->tmr.main_at = probe_at;
  }
  tct_tcp_timer_await(s, c, c->tmr.main_at);
  return true;
}

/* New data left; it is the only that is out, or there was some before. A probe takes the place of
 * any other timer, as it does in Linux. */
TCT_HOT void tct_tcp_timer_on_new_data(tct_stack *s, struct tct_tcp *c, bool first) {
  if (start_plainly(s, c, first))
    return;
  bool was_tlp = c->tmr.kind == TCT_TIMER_TLP;
  tct_tcp_timer_update(s, c);
  if (was_tlp && !first)
    back_to_rexmit(s, c);
  allow_probe(s, c, rto_of_head(s, c));
}

/* The head, or a probe, went again: the time-out counts from now. */
void tct_tcp_timer_on_head_resent(tct_stack *s, struct tct_tcp *c) {
  if (c->tmr.kind != TCT_TIMER_REXMIT && c->tmr.kind != TCT_TIMER_TLP)
    return;
  tct_time at = tct_time_add(s->now, tct_tcp_rtt_rto_ns(s, c));
  tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, capped(c, s->now, at));
}

/* An answer is awaited, and what waits for it runs: update has nothing to do. */
TCT_HOT static bool runs_plainly(const struct tct_tcp *c) {
  bool outstanding = c->snd.una != c->snd.nxt && c->snd.wnd != 0 && tct_tcp_syn_acked(c);
  return outstanding && is_for_answer(c->tmr.kind) && c->tmr.main_at != TCT_NEVER &&
         !TCT_RULES_VARY;
}

/* Asked whether a probe is to go, the plan had none. */
void tct_tcp_timer_on_idle(tct_stack *s, struct tct_tcp *c) {
  c->tmr.due &= (uint8_t)~TCT_DUE_TLP;
  if (!runs_plainly(c))
    tct_tcp_timer_update(s, c);
}

/* How long ago the one SYN left: its timer knows. */
tct_time tct_tcp_timer_syn_age_ns(const tct_stack *s, const struct tct_tcp *c, tct_time at) {
  if (user_timeout_ms(c) != 0) /* the timer may have been cut short */
    return TCT_MS(tct_ms32_since(tct_time_ms32(at), c->tmr.since_ms));
  return tct_time_sub(at, tct_time_sub(c->tmr.main_at, tct_tcp_rtt_base_rto_ns(s, c)));
}

/* An old connection's remains answered: our RST has ended it, and the SYN may be heard now (Linux).
 */
void tct_tcp_timer_on_bad_ack(tct_stack *s, struct tct_tcp *c) {
  uint32_t ms = s->tcp->profile->syn_bad_ack_ms;
  if (ms != 0 && c->tmr.tries == 0 && c->tmr.kind == TCT_TIMER_REXMIT)
    tct_tcp_timer_set(s, c, TCT_TIMER_REXMIT, tct_time_add(s->now, TCT_MS(ms)));
}

/* The peer answered, if only to say that its window is shut, or pulled back [RFC9293 SHLD-17]. */
void tct_tcp_timer_on_answer(struct tct_tcp *c, tct_time now) {
  if (c->tmr.kind != TCT_TIMER_PERSIST || !TCT_RULE(MUST_37))
    return;
  c->tmr.tries = 0;
  c->tmr.since_ms = tct_time_ms32(now);
}

/* RFC 6298 5.1: something that wants an answer has left; start the timer if none runs for it. */
void tct_tcp_timer_on_sent(tct_stack *s, struct tct_tcp *c) {
  c->tmr.due &= (uint8_t) ~(TCT_DUE_SYN | TCT_DUE_FIN);
  if (!runs_plainly(c))
    tct_tcp_timer_update(s, c);
}

void tct_tcp_timer_set_due(tct_stack *s, struct tct_tcp *c, uint8_t bit) {
  c->tmr.due |= bit;
  tct_tcp_output_wake(s, c);
}

void tct_tcp_timer_clear_due(struct tct_tcp *c, uint8_t bit) {
  c->tmr.due &= (uint8_t)~bit;
}

void tct_tcp_timer_count_try(struct tct_tcp *c) {
  c->tmr.tries = c->tmr.tries < 255 ? (uint8_t)(c->tmr.tries + 1) : 255;
}

void tct_tcp_timer_reset_tries(struct tct_tcp *c) {
  c->tmr.tries = 0;
}
