/* SPDX-License-Identifier: MIT */
/*
 * tcp_keep.c - keep-alive: is the peer of a quiet connection still there? Off until asked for
 * [RFC9293 MUST-25] [RFC9293 MAY-5]. Called by tcp_timer (what is next, it has come) and tcp_input
 * (something was heard). RFC 9293 section 3.8.4.
 */
#include "tcp/calls.h"
#include "util/rule.h"

static uint32_t idle_s(const struct tct_tcp *c) {
  /* [RFC9293 MUST-27] [RFC9293 MUST-28] */
  uint32_t own = c->extra != NULL ? c->extra->keepidle_s : 0;
  return own != 0 && TCT_RULE(MUST_27) ? own : TCT_RULE_ELSE(MUST_28, 7200u, 60u);
}

static uint32_t interval_s(const struct tct_tcp *c) {
  return c->extra != NULL && c->extra->keepintvl_s != 0 ? c->extra->keepintvl_s : 75;
}

static uint32_t count_max(const struct tct_tcp *c) {
  /* one lost probe proves nothing [RFC9293 MUST-29] */
  return TCT_RULE_ELSE(MUST_29, c->extra != NULL && c->extra->keepcnt != 0 ? c->extra->keepcnt : 9u,
                       1u);
}

static bool is_on(const struct tct_tcp *c) {
  bool wanted = (c->sockf & TCT_SOCKF_KEEPALIVE) != 0 || !TCT_RULE(MUST_25);
  if (!TCT_RULE(MUST_24))
    wanted = false;
  return wanted && c->state >= TCT_ESTABLISHED && c->state <= TCT_CLOSE_WAIT;
}

/* A whole interval with nothing heard and nothing outstanding [RFC9293 MUST-26] (tcp_timer asks
 * only then). */
tct_time tct_tcp_keep_next(const tct_stack *s, const struct tct_tcp *c) {
  if (!is_on(c))
    return TCT_NEVER;
  if (c->tmr.kind == TCT_TIMER_KEEPALIVE && c->tmr.tries > 0)
    return tct_time_add(s->now, TCT_S(interval_s(c)));
  uint32_t quiet_ms = tct_ms32_since(s->now_ms, c->heard_ms);
  return tct_time_add(s->now, tct_time_sub(TCT_S(idle_s(c)), TCT_MS(quiet_ms)));
}

void tct_tcp_keep_on_timer(tct_stack *s, struct tct_tcp *c) {
  uint32_t quiet_ms = tct_ms32_since(s->now_ms, c->heard_ms);
  if (c->tmr.tries == 0 && TCT_MS(quiet_ms) < TCT_S(idle_s(c)) && TCT_RULE(MUST_26)) {
    tct_tcp_timer_set(s, c, TCT_TIMER_KEEPALIVE,
                      tct_tcp_keep_next(s, c)); /* heard since: put off */
    return;
  }
  if (c->tmr.tries >= count_max(c)) {
    s->n.TCPAbortOnTimeout++;
    tct_tcp_output_rst(s, c, TCT_WHY_KEEPALIVE_TIMEOUT);
    tct_tcp_state_end(s, c, TCT_ETIMEDOUT, TCT_WHY_KEEPALIVE_TIMEOUT);
    return;
  }
  tct_tcp_timer_count_try(c);
  s->n.TCPKeepAlive++;
  tct_tcp_timer_set_due(s, c, TCT_DUE_KEEPALIVE);
  tct_tcp_timer_set(s, c, TCT_TIMER_KEEPALIVE, tct_time_add(s->now, TCT_S(interval_s(c))));
}

/* The timer finds out when it comes: nothing is armed per segment. */
void tct_tcp_keep_on_heard(tct_stack *s, struct tct_tcp *c) {
  c->heard_ms = s->now_ms;
  if (c->tmr.kind == TCT_TIMER_KEEPALIVE && c->tmr.tries > 0) {
    tct_tcp_timer_reset_tries(c);
    tct_tcp_timer_clear_due(c, TCT_DUE_KEEPALIVE);
    tct_tcp_timer_set(s, c, TCT_TIMER_KEEPALIVE, tct_tcp_keep_next(s, c));
  }
}
