/* SPDX-License-Identifier: MIT */
/*
 * tcp_delack.c - how long an ACK may wait, as Linux adapts it: at once while a transfer begins or
 * repairs itself, later when data flows the other way and can carry it. Alone writes
 * c->rcv.delack and c->snd.ato. Called by tcp_recv, which owes and pays ACKs; profiles without
 * quick ACKs keep their one fixed delay. RFC 5681 section 4.2, RFC 9293 section 3.8.6.3 [RFC9293
 * MUST-40]; the adaptation is Linux's (its "pingpong" and "quick" modes).
 */
#include "tcp/calls.h"
#include "util/rule.h"

#define QUICK_MAX TCT_DELACK_QUICK_MAX
#define ATO_UNIT_MS 4u
#define DELAY_MAX_MS 200u

static bool is_adaptive(const tct_stack *s) {
  return s->tcp->profile->adaptive_acks;
}

static uint32_t ato_ms(const struct tct_tcp *c) {
  return c->snd.ato * ATO_UNIT_MS;
}

static __attribute__((noinline)) void set_ato_upto_rto(const tct_stack *s, struct tct_tcp *c,
                                                       uint32_t ms) {
  uint32_t rto_ms = (uint32_t)(tct_tcp_rtt_rto_ns(s, c) / TCT_MS(1));
  c->snd.ato = (uint8_t)tct_min_u32(tct_min_u32(ms, rto_ms) / ATO_UNIT_MS, 255);
}

/* No RTO is shorter than the least of those that are configured. */
static inline void set_ato_ms(const tct_stack *s, struct tct_tcp *c, uint32_t ms) {
  const tct_config *cfg = &s->cfg;
  uint32_t least_ms =
      tct_min_u32(tct_min_u32(cfg->rto_min_ms, cfg->rto_max_ms), cfg->rto_initial_ms);
  if (ms > least_ms || TCT_RULES_VARY)
    set_ato_upto_rto(s, c, ms);
  else
    c->snd.ato = (uint8_t)tct_min_u32(ms / ATO_UNIT_MS, 255);
}

static uint32_t quick_left(const struct tct_tcp *c) {
  return c->rcv.delack & TCT_DELACK_QUICK;
}

static void set_quick(struct tct_tcp *c, uint32_t n) {
  c->rcv.delack = (uint8_t)((c->rcv.delack & ~(unsigned)TCT_DELACK_QUICK) | n);
}

/* As many as half a window has segments: then the sender has got going. */
static __attribute__((noinline)) void grant_quick(const tct_stack *s, struct tct_tcp *c,
                                                  uint32_t max) {
  uint32_t n = tct_tcp_recv_window(c) / (2u * c->rcv.mss);
  n = tct_min_u32(tct_max_u32(n, 2), max);
  if (!s->cfg.no_quickack && n > quick_left(c))
    set_quick(c, n);
}

static uint32_t since_data_ms(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t last = c->extra != NULL ? c->extra->last_recv_ms : c->heard_ms;
  return tct_ms32_since(s->now_ms, last);
}

static __attribute__((noinline)) void begin_ato(const tct_stack *s, struct tct_tcp *c) {
  grant_quick(s, c, QUICK_MAX);
  set_ato_ms(s, c, s->cfg.delack_ms);
}

/* After a longer pause than an RTO the sender starts slowly again. */
static __attribute__((noinline)) void grant_after_rto(const tct_stack *s, struct tct_tcp *c,
                                                      uint32_t pause_ms) {
  if (TCT_MS(pause_ms) > tct_tcp_rtt_rto_ns(s, c))
    grant_quick(s, c, QUICK_MAX);
}

/* Follows the pauses between segments. */
static inline void adapt_ato(const tct_stack *s, struct tct_tcp *c) {
  uint32_t pause_ms = since_data_ms(s, c), half_ms = s->cfg.delack_ms / 2;
  if (c->snd.ato == 0)
    begin_ato(s, c);
  else if (pause_ms <= half_ms)
    set_ato_ms(s, c, ato_ms(c) / 2 + half_ms);
  else if (pause_ms < ato_ms(c))
    set_ato_ms(s, c, ato_ms(c) / 2 + pause_ms);
  else
    grant_after_rto(s, c, pause_ms);
}

/* Data came, in order or not; `seg_len` a segment. */
TCT_HOT void tct_tcp_delack_on_data(tct_stack *s, struct tct_tcp *c, uint32_t seg_len) {
  if (!is_adaptive(s))
    return;
  if (seg_len < c->rcv.mss) /* the end of something that was written */
    c->rcv.delack |=
        (c->rcv.delack & TCT_DELACK_PUSHED) != 0 ? TCT_DELACK_PUSHED_TWICE : TCT_DELACK_PUSHED;
  adapt_ato(s, c);
}

static bool is_dialogue(const struct tct_tcp *c) {
  return (c->rcv.delack & TCT_DELACK_DIALOGUE) != 0;
}

/* The ACK waits for so long, for data of ours to carry it. */
uint32_t tct_tcp_delack_ms(const tct_stack *s, const struct tct_tcp *c) {
  if (!is_adaptive(s))
    return s->cfg.delack_ms;
  uint32_t ato = ato_ms(c), rtt_ms = c->rtt.srtt_us8 / 8000;
  if (ato > s->cfg.delack_ms && rtt_ms != 0)
    ato = tct_min_u32(ato, tct_max_u32(rtt_ms, s->cfg.delack_ms));
  return tct_min_u32(ato, DELAY_MAX_MS);
}

/* It waited in vain: wait longer, or expect no dialogue. */
void tct_tcp_delack_on_timer(tct_stack *s, struct tct_tcp *c) {
  if (!is_adaptive(s))
    return;
  set_ato_ms(s, c, is_dialogue(c) ? s->cfg.delack_ms : 2 * ato_ms(c));
  c->rcv.delack &= (uint8_t)~TCT_DELACK_DIALOGUE;
}

/* owed: it was awaited, not only carried along. */
void tct_tcp_delack_on_ack_sent(const tct_stack *s, struct tct_tcp *c, bool owed) {
  c->rcv.delack &= (uint8_t) ~(TCT_DELACK_PUSHED | TCT_DELACK_PUSHED_TWICE);
  if (quick_left(c) == 0 || !owed)
    return;
  set_quick(c, quick_left(c) - 1);
  if (quick_left(c) == 0)
    set_ato_ms(s, c, s->cfg.delack_ms);
}

/* A reply within the time that an ACK would wait: its ACKs can ride on the next ones. */
void tct_tcp_delack_on_data_sent(const tct_stack *s, struct tct_tcp *c) {
  if (is_adaptive(s) && since_data_ms(s, c) < ato_ms(c))
    c->rcv.delack |= TCT_DELACK_DIALOGUE;
}

/* The sender repeats itself, or the path marks: it needs to know soon; the next `max` go at once,
 * or fewer. */
void tct_tcp_delack_hurry(const tct_stack *s, struct tct_tcp *c, uint8_t max) {
  c->rcv.delack &= (uint8_t)~TCT_DELACK_DIALOGUE;
  grant_quick(s, c, max);
  set_ato_ms(s, c, s->cfg.delack_ms);
}

/* The peer has closed: what comes next is ours. */
void tct_tcp_delack_expect_reply(const tct_stack *s, struct tct_tcp *c) {
  if (is_adaptive(s))
    c->rcv.delack |= TCT_DELACK_DIALOGUE;
}

/* TCP_QUICKACK off. */
void tct_tcp_delack_forbid_quick(struct tct_tcp *c) {
  set_quick(c, 0);
  c->rcv.delack |= TCT_DELACK_DIALOGUE;
}
