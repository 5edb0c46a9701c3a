/* SPDX-License-Identifier: MIT */
/*
 * quick.h - the questions that every segment asks many times, answered in place: how much is in
 * flight, how large a segment is, how much room there is, how long the time-out is; and the first
 * step of calls that mostly find nothing to do. Part of calls.h, which includes it; each function
 * belongs to the file in its name.
 */
#ifndef TCT_TCP_QUICK_H
#define TCT_TCP_QUICK_H

#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"
#include "util/steps.h"

/* ---- tcp_block.c, tcp_state.c, tcp_check.c, tcp_trace.c -------------------------------------- */

/* Attached if there is none; NULL: no memory. */
static inline struct tct_tcp_active *tct_tcp_block_active(tct_stack *s, struct tct_tcp *c) {
  return c->active != NULL ? c->active : tct_tcp_block_attach(s, c);
}

/* What a plain segment touches beside its connection's slot, which is in the cache. (Always in
 * place: gcc leaves out calls of what only prefetches.) */
static inline __attribute__((always_inline)) void tct_tcp_block_prefetch(const tct_stack *s,
                                                                         const struct tct_tcp *c) {
  if (s->cfg.info != TCT_INFO_FULL) /* it has its own place */
    tct_mem_prefetch(c->extra, TCT_EXTRA_HOT_BYTES);
  tct_mem_prefetch(c->active, TCT_ACTIVE_HOT_BYTES);
}

/* ESTABLISHED, FIN-WAIT-1, FIN-WAIT-2 */
static inline bool tct_tcp_state_may_receive(const struct tct_tcp *c) {
  return c->state == TCT_ESTABLISHED || c->state == TCT_FIN_WAIT_1 || c->state == TCT_FIN_WAIT_2;
}

static inline void tct_tcp_check(const tct_stack *s, const struct tct_tcp *c) {
  TCT_CHECKED(tct_tcp_check_conn(s, c));
}

/* A segment is being taken in, until trace_in. Cause before effect: what it draws is told after it.
 */
static inline void tct_tcp_trace_hold(tct_stack *s) {
  s->tcp->holding = tct_stack_traces(s);
}

static inline void tct_tcp_trace_in(tct_stack *s, const struct tct_pkt *p, const struct tct_tcp *c,
                                    tct_verdict v) {
  s->seg_told = true;
  s->tcp->holding = false;
  if (tct_stack_traces(s))
    tct_tcp_trace_tell_in(s, p, c, v);
}

/* ---- tcp_demux.c ----------------------------------------------------------------------------- */

/* Frame k of a burst comes: whose it was guessed to be is tried first. */
static inline void tct_tcp_demux_expect(tct_stack *s, size_t k) {
  if (s->tcp->guess[k] != NULL)
    s->tcp->found_last = s->tcp->guess[k];
}

/* ---- tcp_accecn.c, tcp_options.c ------------------------------------------------------------- */

/* Bytes that data segments must leave for it: a peer of whom we get data hears it on ours. */
static inline uint32_t tct_tcp_accecn_len(const struct tct_tcp *c) {
  bool accurate = (c->rcv.ecn & TCT_ECNF_ACCURATE) != 0 && c->extra != NULL;
  return accurate && c->extra->ecn_n.on_data ? 12 : 0;
}

/* What options take on a data segment without SACK. */
static inline uint32_t tct_tcp_options_len(const struct tct_tcp *c) {
  return ((c->open & TCT_OPEN_TS) != 0 ? 12 : 0) + tct_tcp_accecn_len(c);
}

static inline uint32_t tct_tcp_options_tsval(const tct_stack *s, const struct tct_tcp *c) {
  return tct_ms32_add(s->now_ms, c->ts_offset);
}

/* ---- tcp_recv.c, tcp_delack.c ---------------------------------------------------------------- */

/* edge - nxt */
static inline uint32_t tct_tcp_recv_window(const struct tct_tcp *c) {
  return tct_seq_len(c->rcv.nxt, c->rcv.edge);
}

static inline bool tct_tcp_delack_is_quick(const struct tct_tcp *c) {
  return (c->rcv.delack & TCT_DELACK_QUICK) != 0 && (c->rcv.delack & TCT_DELACK_DIALOGUE) == 0;
}

/* All that came is read, and it was less than a full segment: nothing more is on its way. */
static inline bool tct_tcp_delack_is_due_on_read(const struct tct_tcp *c) {
  uint8_t f = c->rcv.delack;
  return (f & TCT_DELACK_PUSHED_TWICE) != 0 ||
         (f & (TCT_DELACK_PUSHED | TCT_DELACK_DIALOGUE)) == TCT_DELACK_PUSHED;
}

/* ---- tcp_tune.c ------------------------------------------------------------------------------ */

/* May a receive buffer that nobody has set grow at all? */
static inline bool tct_tcp_tune_is_on(const tct_stack *s) {
  return s->cfg.rcvbuf_max_bytes > s->cfg.rcvbuf_bytes;
}

/* 0: not known */
static inline uint32_t tct_tcp_tune_rtt_of(const struct tct_tcp_tune *t, const struct tct_tcp *c) {
  return t != NULL && t->rtt_us != 0 ? t->rtt_us : c->rtt.srtt_us8 / 8;
}

/* A round trip that began so long ago says nothing: the next one begins anew. */
static inline bool tct_tcp_tune_is_stale(const tct_stack *s, const struct tct_tcp_tune *t,
                                         const struct tct_tcp *c) {
  tct_time age_ns = tct_time_sub(s->now, t->since);
  return t->since == TCT_NEVER ||
         (age_ns >= TCT_S(1) && age_ns >= 8 * TCT_US(tct_tcp_tune_rtt_of(t, c)));
}

/* ---- tcp_reasm.c ----------------------------------------------------------------------------- */

/* One past the last byte that can be read: a FIN takes a number and is no byte. */
static inline tct_seq tct_tcp_reasm_data_end(const struct tct_tcp *c) {
  return (c->rcv.flags & TCT_RCV_FIN) != 0 ? tct_seq_sub(c->rcv.nxt, 1) : c->rcv.nxt;
}

/* ---- tcp_send.c ------------------------------------------------------------------------------ */

/* Bytes start behind the SYN; una counts it, the queue does not. */
static inline tct_seq tct_tcp_send_first_byte(const struct tct_tcp *c) {
  return tct_tcp_syn_acked(c) ? c->snd.una : tct_seq_add(c->iss, 1);
}

/* One past the last queued byte. */
static inline tct_seq tct_tcp_send_data_end(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a != NULL)
    return a->tx.end;
  bool fin = (c->snd.flags & TCT_SND_FIN_SENT) != 0;
  return fin ? tct_seq_sub(c->snd.nxt, 1) : c->snd.nxt;
}

/* The SYN's number is none of it: it holds back nothing that may go before it is acknowledged. */
static inline uint32_t tct_tcp_send_flight(const struct tct_tcp *c) {
  return tct_seq_ahead(tct_tcp_send_first_byte(c), c->snd.nxt);
}

/* Queued, never sent; a FIN left out. */
static inline uint32_t tct_tcp_send_unsent(const struct tct_tcp *c) {
  return tct_seq_ahead(c->snd.nxt, tct_tcp_send_data_end(c));
}

#define TCT_SMALL_WINDOW 536u

/* Payload bytes now: the lesser of the peer's MSS and what the path can carry, less option bytes
 * [RFC9293 MUST-16]. */
static inline uint32_t tct_tcp_send_mss(const tct_stack *s, const struct tct_tcp *c) {
  uint32_t options = TCT_RULE(MUST_16) ? tct_tcp_options_len(c) : 0;
  uint32_t mss = tct_max_u32(tct_sub_floor_u32(c->snd.mss, options), 1);
  /* Linux: of a small window at most half, so that there are always two segments to clock it */
  uint32_t half = c->snd.wnd_max > TCT_SMALL_WINDOW ? c->snd.wnd_max / 2 : c->snd.wnd_max;
  if (half >= mss || !s->tcp->profile->half_small_window || c->snd.wnd_max == 0)
    return mss;
  return tct_min_u32(mss, tct_max_u32(tct_max_u32(half, s->cfg.mss_min), 1));
}

/* ---- tcp_sack.c, tcp_rack.c ------------------------------------------------------------------ */

static inline uint32_t tct_tcp_sack_payload(const struct tct_run *run) {
  return tct_seq_len(run->begin, run->end) - ((run->flags & TCT_RUN_FIN) != 0 ? 1u : 0u);
}

/* Segments as they left. A FIN rides on the last one, or is one alone. */
static inline uint32_t tct_tcp_sack_segs(const struct tct_run *run) {
  uint32_t len = tct_tcp_sack_payload(run);
  if (len <= run->seg_size || run->seg_size == 0)
    return run->begin == run->end ? 0 : 1;
  return (len + run->seg_size - 1) / run->seg_size;
}

/* [RFC8985 6.2] Sent later, or at the same instant and further on. */
static inline bool tct_tcp_rack_sent_after(const struct tct_run *run, tct_time sent_at,
                                           tct_seq end) {
  return run->sent_at > sent_at || (run->sent_at == sent_at && tct_seq_gt(run->end, end));
}

static inline struct tct_run *tct_tcp_sack_at(const struct tct_runs *r, uint32_t i) {
  TCT_STEP();
  TCT_ASSERT(i < r->n);
  return &r->at[(r->head + i) & (r->cap - 1)];
}

/* ---- tcp_recover.c, tcp_cc.c ----------------------------------------------------------------- */

/* Bytes thought to be in the network: not what arrived or is lost, but what was sent again. */
static inline uint32_t tct_tcp_recover_pipe(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  uint32_t flight = tct_tcp_send_flight(c);
  if (a == NULL)
    return flight;
  const struct tct_runs *r = &a->runs;
  uint32_t gone =
      tct_add_sat_u32(r->sacked.bytes + r->lost.bytes, a->rec.dupacks * (uint32_t)c->snd.mss);
  return tct_sub_floor_u32(tct_add_sat_u32(flight, r->resent.bytes), gone);
}

static inline uint32_t tct_tcp_recover_pipe_segs(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return c->snd.una != c->snd.nxt ? 1 : 0;
  const struct tct_runs *r = &a->runs;
  uint32_t gone = r->sacked.segs + r->lost.segs + a->rec.dupacks;
  return tct_sub_floor_u32(r->all.segs + r->resent.segs, gone);
}

static inline uint32_t tct_tcp_cc_window(const struct tct_tcp *c) {
  return c->cc.cwnd;
}

/* Bytes that the congestion window lets out now. Linux counts segments, however small. mss:
 * tct_tcp_send_mss. */
static inline uint32_t tct_tcp_recover_room_of(const tct_stack *s, const struct tct_tcp *c,
                                               uint32_t mss) {
  uint32_t window = tct_tcp_cc_window(c);
  if (TCT_PLANT(SEND_PAST_CWND))
    window += 3 * mss;
  if (s->cfg.profile == TCT_PROFILE_STRICT)
    return tct_sub_floor_u32(window, tct_tcp_recover_pipe(c));
  return tct_sub_floor_u32(window / mss, tct_tcp_recover_pipe_segs(c)) * mss;
}

/* Of `want` bytes, how many: mostly all of them, which takes no division to see. */
static inline uint32_t tct_tcp_recover_room_upto(const tct_stack *s, const struct tct_tcp *c,
                                                 uint32_t mss, uint32_t want) {
  uint64_t out = ((uint64_t)tct_tcp_recover_pipe_segs(c) + 1) * mss;
  if (s->cfg.profile != TCT_PROFILE_STRICT && out + want <= tct_tcp_cc_window(c))
    return want;
  return tct_min_u32(want, tct_tcp_recover_room_of(s, c, mss));
}

static inline uint32_t tct_tcp_recover_room(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_recover_room_of(s, c, tct_tcp_send_mss(s, c));
}

/* ---- tcp_reasm.c ----------------------------------------------------------------------------- */

/* Of a super-segment's payload. */
static inline uint32_t tct_tcp_reasm_segments(const struct tct_pkt *p, uint32_t len) {
  return p->seg_size == 0 || len == 0 ? 1 : (len + p->seg_size - 1) / p->seg_size;
}

/* Would an ACK tell of blocks: text or a FIN beyond a gap, or text that came twice? */
static inline bool tct_tcp_reasm_has_news(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  return a->ooo.set.n > 0 || a->ooo.n_dsack > 0 || (c->rcv.flags & TCT_RCV_FIN_OOO) != 0;
}

/* ---- tcp_timer.c ----------------------------------------------------------------------------- */

/* The earliest that the connection waits for. */
static inline tct_time tct_tcp_timer_next(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  tct_time at = c->tmr.main_at;
  if (a == NULL)
    return at;
  if ((c->rcv.flags & TCT_RCV_DELACK) != 0)
    at = tct_time_min(at, a->delack_at);
  return tct_time_min(tct_time_min(at, a->cork_at), a->pace.wake_at);
}

/* One deadline was set, or moved: no other can be before the wheel's, which tcp_check asserts.
 * Re-arming later leaves the wheel alone: the node moves when it fires early. */
static inline void tct_tcp_timer_await(tct_stack *s, struct tct_tcp *c, tct_time at) {
  if (at < c->tmr.wheel_at)
    tct_tcp_timer_arm(s, c, at);
}

/* After the state changed, or more than one deadline did. */
static inline void tct_tcp_timer_refresh(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_timer_await(s, c, tct_tcp_timer_next(c));
}

/* The backoff ends [EP-50]. */
static inline void tct_tcp_timer_forgive(struct tct_tcp *c) {
  c->tmr.backoff = 0;
}

/* ---- sock_event.c ---------------------------------------------------------------------------- */

/* una or nxt moved: places that the application has marked may be reached. */
static inline void tct_sock_event_marks(tct_stack *s, struct tct_tcp *c) {
  const struct tct_extra *x = c->extra;
  if (x != NULL && (x->notsent_lowat != 0 || x->n_reached < x->n_marks))
    tct_sock_event_marks_told(s, c);
}

/* ---- tcp_output.c ---------------------------------------------------------------------------- */

/* Asks the plan again: onto the ready list. */
static inline void tct_tcp_output_wake(tct_stack *s, struct tct_tcp *c) {
  if (!tct_list_is_linked(&c->ready) && c->state != TCT_CLOSED && c->state != TCT_LISTEN)
    tct_list_push_tail(&s->ifs[c->ifi].tcp_ready, &c->ready);
}

/* ---- tcp_rate.c ------------------------------------------------------------------------------ */

/* The run leaves, first or again. Nothing outstanding: the clocks start anew. */
static inline void tct_tcp_rate_on_sent(const tct_stack *s, struct tct_tcp *c,
                                        struct tct_run *run) {
  const struct tct_tcp_active *a = c->active;
  if (c->extra == NULL)
    return;
  struct tct_tcp_rate_keep *k = &c->extra->rate;
  if (a->runs.n == 0) {
    k->first_sent_at = s->now;
    k->delivered_at = s->now;
  }
  run->first_sent_at = k->first_sent_at;
  run->delivered_at = k->delivered_at;
  run->delivered = k->delivered_bytes;
  run->lost = a->runs.lost_ever.bytes;
  run->in_flight = (tct_tcp_recover_pipe(c) & ~1u) | (k->app_limited ? 1u : 0u);
}

/* Not the path is the limit, until all that is out now has arrived. */
static inline void tct_tcp_rate_set_limited(struct tct_tcp *c, uint32_t pipe) {
  c->extra->rate.app_limited = true;
  c->extra->rate.app_limited_end = c->extra->rate.delivered_bytes + pipe;
}

/* The application was the limit: what is out now is the last of a full pipe. */
static inline void tct_tcp_rate_on_burst_end(const tct_stack *s, struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (c->extra == NULL || a == NULL || a->runs.waiting_bytes > 0)
    return;
  uint32_t unsent = tct_tcp_send_unsent(c), pipe = tct_tcp_recover_pipe(c);
  uint32_t most = tct_max_u32(c->snd.mss, 1); /* no less than tct_tcp_send_mss */
  uint32_t mss = unsent == 0 && pipe + most <= tct_tcp_cc_window(c) ? most : tct_tcp_send_mss(s, c);
  if (unsent < mss && pipe + mss <= tct_tcp_cc_window(c))
    tct_tcp_rate_set_limited(c, pipe);
}

/* ---- tcp_cc.c, tcp_pace.c, tcp_chrono.c ------------------------------------------------------ */

static inline tct_cc tct_tcp_cc_algorithm(const tct_stack *s, const struct tct_tcp *c) {
  uint8_t own = c->extra != NULL ? c->extra->cc.algorithm : 0;
  return own != 0 ? (tct_cc)own : (tct_cc)s->cfg.congestion;
}

/* For tcp_fast.c: does the algorithm hear of ACKs that acknowledge something alone, and has its
 * record? */
static inline bool tct_tcp_cc_is_plain(const tct_stack *s, const struct tct_tcp *c) {
  tct_cc id = tct_tcp_cc_algorithm(s, c);
  return id == TCT_CC_NEWRENO ||
         (id == TCT_CC_CUBIC && c->extra != NULL && c->extra->cc.state != NULL);
}

/* Nothing more leaves now. */
static inline void tct_tcp_cc_on_burst_end(tct_stack *s, struct tct_tcp *c) {
  if (c->active != NULL)
    tct_tcp_cc_judge_burst(s, c);
}

/* A rate of UINT64_MAX is no limit. */
static inline bool tct_tcp_pace_is_on(const tct_stack *s, const struct tct_tcp *c) {
  uint64_t limit = c->extra != NULL ? c->extra->max_pacing_rate : 0;
  return s->cfg.pacing == TCT_ON || (limit != 0 && limit != UINT64_MAX) ||
         tct_tcp_cc_algorithm(s, c) == TCT_CC_BBR;
}

/* Pure. 0: now. */
static inline tct_time tct_tcp_pace_not_before(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL || a->pace.at <= s->now || !tct_tcp_pace_is_on(s, c))
    return 0;
  return tct_tcp_pace_held_until(s, c);
}

/* Nothing more leaves now: because of the pace, or has the flow itself nothing to say? */
static inline void tct_tcp_pace_on_burst_end(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  tct_time at = tct_tcp_pace_not_before(s, c);
  if (a != NULL && at != 0)
    tct_tcp_pace_wait(s, c, at);
  if (a == NULL || at != 0)
    return;
  a->pace.wake_at = TCT_NEVER;
  a->pace.phase = TCT_PACE_FREE;
}

/* TCT_CHRONO_* */
static inline uint8_t tct_tcp_chrono_kind(const tct_stack *s, const struct tct_tcp *c) {
  if (tct_tcp_send_unsent(c) == 0 && (!tct_tcp_syn_acked(c) || tct_tcp_send_flight(c) == 0))
    return TCT_CHRONO_NONE;
  if (tct_tcp_send_unsent(c) == 0 && (c->sockf & TCT_SOCKF_WANTS_ROOM) == 0)
    return TCT_CHRONO_BUSY;
  return tct_tcp_chrono_kind_busy(s, c);
}

static inline void tct_tcp_chrono_update(const tct_stack *s, struct tct_tcp *c) {
  struct tct_extra *x = c->extra;
  if (x == NULL)
    return;
  bool over = c->state == TCT_CLOSED || c->state == TCT_TIME_WAIT;
  uint8_t kind = over ? TCT_CHRONO_NONE : tct_tcp_chrono_kind(s, c);
  if (kind != x->chrono_kind)
    tct_tcp_chrono_set(s, x, kind);
}

#endif
