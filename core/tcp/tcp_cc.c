/* SPDX-License-Identifier: MIT */
/*
 * tcp_cc.c - congestion control's door: what an ACK meant comes in, how much may fly goes out.
 * Dispatches to the algorithm of the connection, and keeps what all of them share: the initial
 * window, whether the window was the limit, what silence does to it. Alone, with its algorithms and
 * tcp_cc_prr, writes c->cc, active->cc and extra->cc. Integers only. RFC 5681 sections 3.1 and 4.1,
 * RFC 6928, RFC 9293 section 3.8.2 [MAY-18]; an unused window as Linux, docs/profiles.md.
 */
#include "tcp/tcp_cc.h"
#include "util/mul_div.h"
#include "util/plant.h"
#include "util/rule.h"

/* ---- Which algorithm ------------------------------------------------------------------------- */

static const struct tct_cc_ops *find_ops(tct_cc id) {
  switch (id) {
  case TCT_CC_CUBIC:
    return &tct_tcp_cc_cubic_ops;
  case TCT_CC_BBR:
    return tct_tcp_cc_bbr();
  case TCT_CC_DCTCP:
    return tct_tcp_cc_dctcp();
  case TCT_CC_DEFAULT:
  case TCT_CC_NEWRENO:
    return tct_tcp_cc_reno();
  default:
    return NULL;
  }
}

static __attribute__((noinline)) const struct tct_cc_ops *find_ops_or_reno(tct_cc id) {
  const struct tct_cc_ops *ops = find_ops(id);
  return ops != NULL ? ops : tct_tcp_cc_reno();
}

/* Mostly CUBIC's. */
static inline const struct tct_cc_ops *ops_of(const tct_stack *s, const struct tct_tcp *c) {
  tct_cc id = tct_tcp_cc_algorithm(s, c);
  return id == TCT_CC_CUBIC ? &tct_tcp_cc_cubic_ops : find_ops_or_reno(id);
}

bool tct_tcp_cc_is_known(tct_cc id) {
  return find_ops(id) != NULL;
}

/* The record is in extra itself where it fits, so that they come into the cache together. */
static void *new_state(tct_stack *s, struct tct_extra *x, uint16_t bytes) {
  if (bytes <= sizeof x->cc_room)
    return memset(x->cc_room, 0, bytes);
  return tct_stack_alloc(s, bytes);
}

void tct_tcp_cc_drop(tct_stack *s, struct tct_extra *x) {
  if (x->cc.state != x->cc_room)
    tct_stack_free(s, x->cc.state, x->cc.state_bytes);
  x->cc.state = NULL;
  x->cc.state_bytes = 0;
}

/* All that was sent has arrived, the FIN last: no window holds anything back any more. */
static bool is_all_over(const struct tct_tcp *c) {
  return (c->snd.flags & TCT_SND_FIN_SENT) != 0 && c->snd.una == c->snd.nxt;
}

/* The algorithm's record, made when it is first wanted: connections that never sent have none. */
static void *state_of(tct_stack *s, struct tct_tcp *c) {
  const struct tct_cc_ops *ops = ops_of(s, c);
  struct tct_extra *x = ops->state_bytes > 0 ? tct_tcp_block_extra(s, c) : NULL;
  if (x == NULL)
    return NULL;
  if (x->cc.state != NULL && x->cc.state_bytes == ops->state_bytes)
    return x->cc.state;
  if (is_all_over(c))
    return NULL;
  tct_tcp_cc_drop(s, x);
  x->cc.state = new_state(s, x, ops->state_bytes);
  if (x->cc.state == NULL)
    return NULL;
  x->cc.state_bytes = ops->state_bytes;
  if (ops->init != NULL)
    ops->init(s, c, x->cc.state);
  return x->cc.state;
}

/* TCT_OPT_CONGESTION; a running connection keeps its window. */
int tct_tcp_cc_choose(tct_stack *s, struct tct_tcp *c, tct_cc id) {
  if (!tct_tcp_cc_is_known(id))
    return TCT_ENOENT;
  if (id == tct_tcp_cc_algorithm(s, c) && c->extra != NULL && c->extra->cc.algorithm != 0)
    return TCT_OK;
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x == NULL)
    return TCT_ENOMEM;
  tct_tcp_cc_drop(s, x);
  x->cc.algorithm = (uint8_t)(id == TCT_CC_DEFAULT ? s->cfg.congestion : id);
  return TCT_OK;
}

/* ---- Windows --------------------------------------------------------------------------------- */

uint32_t tct_tcp_cc_segs(const tct_stack *s, const struct tct_tcp *c) {
  return tct_max_u32(c->cc.cwnd / tct_tcp_send_mss(s, c), 1);
}

/* RFC 6928 2: ten segments; the standard's, but not Linux's, are at most 14600 bytes or two. */
static uint32_t initial_window(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t segs = s->cfg.initial_window_segs, mss = c->snd.mss;
  if (s->cfg.profile == TCT_PROFILE_LINUX)
    return segs * tct_tcp_send_mss(s, c);
  return tct_min_u32(segs * mss, tct_max_u32(2 * mss, segs * 1460));
}

static void stamp(const tct_stack *s, struct tct_tcp *c) {
  if (c->extra == NULL)
    return;
  c->extra->cc.stamp_ms = s->now_ms;
  c->extra->cc.used_bytes = 0;
}

void tct_tcp_cc_init(tct_stack *s, struct tct_tcp *c) {
  bool lost = (c->open & TCT_OPEN_SYN_LOST) != 0 &&
              (c->tmr.tries > 1 || s->cfg.profile == TCT_PROFILE_STRICT);
  c->cc.cwnd = lost ? tct_tcp_send_mss(s, c) : initial_window(s, c);
  if (!TCT_RULE(MUST_19))
    c->cc.cwnd = TCT_CWND_MAX;
  c->cc.ssthresh = TCT_SSTHRESH_NONE;
  if (c->extra != NULL && c->extra->cc.algorithm == 0)
    c->extra->cc.algorithm = (uint8_t)s->cfg.congestion; /* a later default does not change it */
  stamp(s, c);
  tct_tcp_rate_init(c);
  if (ops_of(s, c)->wants_pace) /* the first window is paced, too */
    (void)state_of(s, c);
}

static uint32_t before_cut(const struct tct_tcp *c) {
  return tct_max_u32(c->cc.ssthresh, c->cc.cwnd / 4 * 3);
}

/* Segments have another size now: as many of them as before, or as many bytes; but one, and two for
 * ssthresh, at the least. */
void tct_tcp_cc_on_mss(tct_stack *s, struct tct_tcp *c, uint32_t before) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  if (c->state < TCT_ESTABLISHED || before == mss)
    return;
  c->cc.cwnd = tct_max_u32(c->cc.cwnd, tct_max_u32(mss, before));
  c->cc.ssthresh = tct_max_u32(c->cc.ssthresh, 2 * tct_max_u32(mss, before));
  if (s->cfg.profile != TCT_PROFILE_LINUX)
    return;
  c->cc.cwnd = tct_min_u32(c->cc.cwnd / before, TCT_CWND_MAX / mss) * mss;
  if (c->cc.ssthresh != TCT_SSTHRESH_NONE)
    c->cc.ssthresh = tct_min_u32(c->cc.ssthresh / before, TCT_CWND_MAX / mss) * mss;
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    a->cc.out_max_bytes = tct_min_u32(a->cc.out_max_bytes / before, TCT_CWND_MAX / mss) * mss;
}

void tct_tcp_cc_on_probe(const tct_stack *s, struct tct_tcp *c, bool lost) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  c->cc.cwnd = lost ? c->cc.cwnd + mss : tct_max_u32(c->cc.cwnd - mss, mss);
}

/* Only where the window is a number of segments, which tct_tcp_cc_on_mss will keep. */
void tct_tcp_cc_on_probed(const tct_stack *s, struct tct_tcp *c, uint32_t before, uint32_t now) {
  uint32_t mss = tct_tcp_send_mss(s, c), segs = tct_tcp_cc_segs(s, c);
  if (s->cfg.profile != TCT_PROFILE_LINUX)
    return;
  c->cc.cwnd = tct_max_u32(tct_mul_div_u32(segs, before, now), 1) * mss;
  c->cc.ssthresh = before_cut(c);
}

/* ---- Growth, for the algorithms -------------------------------------------------------------- */

uint32_t tct_tcp_cc_slow_start(const tct_stack *s, struct tct_tcp *c, uint32_t segs) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t room = (tct_sub_floor_u32(c->cc.ssthresh, c->cc.cwnd) + mss - 1) / mss;
  uint32_t take = tct_min_u32(tct_min_u32(segs, room), TCT_CWND_MAX / mss);
  c->cc.cwnd = tct_min_u32(c->cc.cwnd + take * mss, TCT_CWND_MAX);
  return segs - take;
}

/* Without an extra block the count lives in active, and a quiet time forgets it. */
static uint32_t *count_of(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (c->extra != NULL)
    return &c->extra->cc.acked_segs;
  return a != NULL ? &a->cc.acked_segs : NULL;
}

void tct_tcp_cc_avoid(const tct_stack *s, struct tct_tcp *c, uint32_t every, uint32_t segs) {
  uint32_t *count = count_of(c), mss = tct_tcp_send_mss(s, c), more = 0;
  if (count == NULL)
    return;
  if (*count >= every) { /* `every` fell since: one now, not all at once */
    *count = 0;
    more = 1;
  }
  *count = tct_add_sat_u32(*count, segs);
  more += *count / every;
  *count %= every;
  c->cc.cwnd = tct_min_u32(c->cc.cwnd + tct_min_u32(more, TCT_CWND_MAX / mss) * mss, TCT_CWND_MAX);
}

/* ---- Was the window the limit? --------------------------------------------------------------- */

/* Growth that nobody tested is not trusted. In slow start half a window in use is enough: it
 * doubles within the round trip. Linux's rule, both profiles' (RFC 7661's aim). */
bool tct_tcp_cc_is_limited(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return false;
  return a->cc.limited || (tct_tcp_cc_in_slow_start(c) && c->cc.cwnd / 2 < a->cc.out_max_bytes);
}

/* What was not used for an RTO is half given back; ssthresh remembers. */
static __attribute__((noinline)) void give_back(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_cc_keep *k = &c->extra->cc;
  const struct tct_tcp_active *a = c->active;
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t used = tct_max_u32(k->used_bytes, initial_window(s, c));
  bool held_by_buffer = (c->sockf & TCT_SOCKF_WANTS_ROOM) != 0;
  if (a->rec.phase == TCT_REC_OPEN && !held_by_buffer && used < c->cc.cwnd) {
    c->cc.ssthresh = before_cut(c);
    c->cc.cwnd = (c->cc.cwnd / mss + used / mss) / 2 * mss;
    tct_tcp_trace_cc(s, c);
  }
  stamp(s, c);
}

static void judge_starving(tct_stack *s, struct tct_tcp *c, uint32_t out) {
  struct tct_tcp_cc_keep *k = &c->extra->cc;
  uint32_t idle_ms = tct_ms32_since(s->now_ms, k->stamp_ms);
  k->used_bytes = tct_max_u32(k->used_bytes, out);
  if (idle_ms > 0 && s->cfg.slow_start_after_idle == TCT_ON &&
      TCT_MS(idle_ms) >= tct_tcp_rtt_base_rto_ns(s, c) && !ops_of(s, c)->owns_cwnd)
    give_back(s, c);
}

/* What room there is waits to become a train's (tcp_push). */
static __attribute__((noinline)) bool is_train_held(const tct_stack *s, const struct tct_tcp *c,
                                                    uint32_t mss) {
  bool wants_override;
  return tct_tcp_send_unsent(c) > 0 &&
         tct_tcp_recover_room_of(s, c, mss) < tct_tcp_send_window_left(c) &&
         tct_tcp_push_should_wait(s, c, tct_tcp_send_usable(s, c, &wants_override));
}

/* No room for a segment, or none to be used. */
static bool is_window_full(const tct_stack *s, const struct tct_tcp *c, uint32_t mss) {
  if (tct_tcp_recover_room_upto(s, c, mss, mss) < mss)
    return true;
  return c->active->rec.phase == TCT_REC_DISORDER && is_train_held(s, c, mss);
}

/* At the end of a burst: how far was the window used? The strongest sign within a round trip
 * counts. */
static inline void judge_use(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (!tct_tcp_syn_acked(c))
    return;
  if (!a->cc.sent && tct_tcp_send_unsent(c) == 0)
    return;
  uint32_t mss = tct_tcp_send_mss(s, c);
  bool limited = is_window_full(s, c, mss);
  if (!a->cc.sent && !limited)
    return;
  a->cc.sent = false;
  uint32_t out = a->runs.all.segs * mss;
  if (tct_seq_geq(c->snd.una, a->cc.used_end) || limited ||
      (!a->cc.limited && out > a->cc.out_max_bytes)) {
    a->cc.limited = limited;
    a->cc.out_max_bytes = out;
    a->cc.used_end = c->snd.nxt;
  }
  if (c->extra == NULL)
    return;
  if (tct_tcp_cc_is_limited(c))
    stamp(s, c);
  else
    judge_starving(s, c, out);
}

TCT_HOT void tct_tcp_cc_judge_burst(tct_stack *s, struct tct_tcp *c) {
  judge_use(s, c);
  tct_tcp_rate_on_burst_end(s, c);
}

void tct_tcp_cc_on_sent(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    a->cc.sent = true;
}

/* ---- Told of ACKs and losses ----------------------------------------------------------------- */

/* An answer to a keep-alive, or a window: it tells nothing of the path, and there need not be a
 * block to take it. */
static bool is_of_nothing(const struct tct_tcp_ack *ack) {
  return ack->flight_before == 0 && ack->acked_bytes == 0 && ack->delivered_bytes == 0;
}

/* What the ACK tells of the path, before recovery draws its conclusions: as in Linux. */
void tct_tcp_cc_on_news(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  if (c->active == NULL || is_of_nothing(ack))
    return;
  const struct tct_cc_ops *ops = ops_of(s, c);
  void *state = ops->on_news != NULL ? state_of(s, c) : NULL;
  if (state != NULL)
    ops->on_news(s, c, state, ack);
}

/* Every ACK comes by; the window grows outside recovery, by what arrived. */
void tct_tcp_cc_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  uint32_t before = c->cc.cwnd;
  if (c->active == NULL || is_of_nothing(ack) || !TCT_RULE(MUST_19))
    return;
  const struct tct_cc_ops *ops = ops_of(s, c);
  void *state = state_of(s, c);
  if (!ops->owns_cwnd && tct_tcp_cc_prr_on_ack(s, c, ack))
    return;
  bool heard = ack->acked_bytes > 0;
  bool grows = heard && tct_tcp_cc_is_limited(c);
  if (ops->owns_cwnd && state != NULL)
    ops->on_ack(s, c, state, ack);
  else if (grows && state == NULL)
    tct_tcp_cc_reno_grow(s, c, NULL, ack);
  else if (grows)
    ops->on_ack(s, c, state, ack);
  if (heard && c->extra != NULL) /* Linux's stamp: any progress */
    c->extra->cc.stamp_ms = s->now_ms;
  if (c->cc.cwnd != before)
    tct_tcp_trace_cc(s, c);
}

/* Both of the above at once; between them nobody looks at what they write. */
void tct_tcp_cc_on_plain_ack(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_ack *ack) {
  const struct tct_cc_ops *ops = ops_of(s, c);
  void *state = c->extra != NULL ? c->extra->cc.state : NULL;
  uint32_t before = c->cc.cwnd;
  if (ops->on_news != NULL)
    ops->on_news(s, c, state, ack);
  if (ack->acked_bytes > 0 && tct_tcp_cc_is_limited(c))
    ops->on_ack(s, c, state, ack);
  if (ack->acked_bytes > 0 && c->extra != NULL)
    c->extra->cc.stamp_ms = s->now_ms;
  if (c->cc.cwnd != before)
    tct_tcp_trace_cc(s, c);
}

static uint32_t ssthresh_now(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  const struct tct_cc_ops *ops = ops_of(s, c);
  void *state = state_of(s, c);
  uint32_t *count = count_of(c);
  if (count != NULL)
    *count = 0; /* growth begins anew */
  if (ops->state_bytes > 0 && state == NULL)
    return tct_tcp_cc_reno_half(s, c, flight);
  return ops->ssthresh(s, c, state, flight);
}

/* Once a window: loss was found. Who reduces step by step (tcp_cc_prr) sets cwnd anew. */
void tct_tcp_cc_on_loss(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  c->cc.ssthresh = ssthresh_now(s, c, flight);
  if (!ops_of(s, c)->owns_cwnd)
    c->cc.cwnd = c->cc.ssthresh;
  tct_tcp_trace_cc(s, c);
}

bool tct_tcp_cc_is_marked(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a != NULL && a->rec.phase == TCT_REC_CWR;
}

/* First expiry of a series. RFC 5681 3.1: the window is one segment, whatever was before. */
void tct_tcp_cc_on_rto(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  const struct tct_cc_ops *ops = ops_of(s, c);
  if (!TCT_RULE(MUST_19))
    return;
  c->cc.ssthresh = ssthresh_now(s, c, flight);
  if (!TCT_PLANT(CWND_KEPT_AT_TIME_OUT))
    c->cc.cwnd = tct_tcp_send_mss(s, c);
  void *state = state_of(s, c);
  if (ops->on_rto != NULL && state != NULL)
    ops->on_rto(s, c, state);
  stamp(s, c);
  tct_tcp_trace_cc(s, c);
}

/* RFC 6582 3.2 step 3, option 1: no burst at the end of recovery. */
void tct_tcp_cc_on_recovered(tct_stack *s, struct tct_tcp *c, uint32_t flight) {
  uint32_t mss = c->snd.mss;
  if (ops_of(s, c)->owns_cwnd)
    return;
  c->cc.cwnd = tct_min_u32(c->cc.ssthresh, tct_max_u32(flight, mss) + mss);
  stamp(s, c);
  tct_tcp_trace_cc(s, c);
}

/* The loss was none (RFC 4015 3.2, RFC 3708): as if nothing had been, but no smaller than now. */
void tct_tcp_cc_on_undo(tct_stack *s, struct tct_tcp *c, uint32_t prior_cwnd,
                        uint32_t prior_ssthresh) {
  const struct tct_cc_ops *ops = ops_of(s, c);
  void *state = state_of(s, c);
  if (ops->undo != NULL && state != NULL)
    c->cc.cwnd = ops->undo(s, c, state, prior_cwnd);
  else
    c->cc.cwnd = tct_max_u32(c->cc.cwnd, prior_cwnd);
  c->cc.ssthresh = tct_max_u32(c->cc.ssthresh, prior_ssthresh);
  stamp(s, c);
  tct_tcp_trace_cc(s, c);
}

/* ---- Silence --------------------------------------------------------------------------------- */

/* RFC 5681 4.1: after an RTO of silence the window says nothing about the path any more. Linux
 * halves it for each RTO, down to the initial one. */
static void restart(tct_stack *s, struct tct_tcp *c, tct_time idle_ns) {
  tct_time rto_ns = tct_tcp_rtt_base_rto_ns(s, c);
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t least = tct_min_u32(initial_window(s, c), c->cc.cwnd), cwnd = c->cc.cwnd;
  if (s->cfg.profile == TCT_PROFILE_STRICT) {
    c->cc.cwnd = least;
    return;
  }
  c->cc.ssthresh = before_cut(c);
  for (idle_ns -= rto_ns; idle_ns > 0 && cwnd > least; idle_ns -= tct_min_u64(rto_ns, idle_ns))
    cwnd = cwnd / mss / 2 * mss;
  c->cc.cwnd = tct_max_u32(cwnd, least);
  stamp(s, c);
  tct_tcp_trace_cc(s, c);
}

void tct_tcp_cc_on_idle(tct_stack *s, struct tct_tcp *c) {
  uint32_t idle_ms = tct_ms32_since(s->now_ms, c->sent_ms);
  if (idle_ms == 0) /* no time-out is that short */
    return;
  bool wanted = s->cfg.slow_start_after_idle == TCT_ON && !ops_of(s, c)->owns_cwnd;
  if (wanted && tct_tcp_syn_acked(c) && TCT_MS(idle_ms) > tct_tcp_rtt_base_rto_ns(s, c))
    restart(s, c, TCT_MS(idle_ms));
}

TCT_HOT void tct_tcp_cc_on_start(tct_stack *s, struct tct_tcp *c) {
  void *state = c->extra != NULL ? c->extra->cc.state : NULL;
  if (state == NULL)
    return;
  const struct tct_cc_ops *ops = ops_of(s, c);
  if (ops->on_start != NULL && c->extra->cc.state_bytes == ops->state_bytes)
    ops->on_start(s, c, state);
}
