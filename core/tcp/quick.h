/* SPDX-License-Identifier: MIT */
/*
 * quick.h - the questions that every segment asks many times, answered in place: how much is in
 * flight, how large a segment is, how much room there is, how long the time-out is. Part of
 * calls.h, which includes it; each function belongs to the file in its name. Nothing here writes.
 */
#ifndef TCT_TCP_QUICK_H
#define TCT_TCP_QUICK_H

#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

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
  return tct_ms32_add(tct_time_ms32(s->now), c->ts_offset);
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
  const struct tct_tcp_active *a = tct_tcp_active(c);
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
  if (!s->tcp->profile->half_small_window || c->snd.wnd_max == 0)
    return mss;
  /* Linux: of a small window at most half, so that there are always two segments to clock it */
  uint32_t half = c->snd.wnd_max > TCT_SMALL_WINDOW ? c->snd.wnd_max / 2 : c->snd.wnd_max;
  return tct_min_u32(mss, tct_max_u32(tct_max_u32(half, s->cfg.mss_min), 1));
}

/* ---- tcp_recover.c, tcp_cc.c ----------------------------------------------------------------- */

/* Bytes thought to be in the network: not what arrived or is lost, but what was sent again. */
static inline uint32_t tct_tcp_recover_pipe(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  uint32_t flight = tct_tcp_send_flight(c);
  if (a == NULL)
    return flight;
  const struct tct_runs *r = &a->runs;
  uint32_t gone =
      tct_add_sat_u32(r->sacked.bytes + r->lost.bytes, a->rec.dupacks * (uint32_t)c->snd.mss);
  return tct_sub_floor_u32(tct_add_sat_u32(flight, r->resent.bytes), gone);
}

static inline uint32_t tct_tcp_recover_pipe_segs(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
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

static inline uint32_t tct_tcp_recover_room(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_recover_room_of(s, c, tct_tcp_send_mss(s, c));
}

/* ---- tcp_reasm.c ----------------------------------------------------------------------------- */

/* Would an ACK tell of blocks: text or a FIN beyond a gap, or text that came twice? */
static inline bool tct_tcp_reasm_has_news(const struct tct_tcp *c, const struct tct_tcp_active *a) {
  return a->ooo.set.n > 0 || a->ooo.n_dsack > 0 || (c->rcv.flags & TCT_RCV_FIN_OOO) != 0;
}

/* ---- tcp_timer.c ----------------------------------------------------------------------------- */

/* The earliest that the connection waits for. */
static inline tct_time tct_tcp_timer_next(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = tct_tcp_active(c);
  tct_time at = c->tmr.main_at;
  if (a == NULL)
    return at;
  if ((c->rcv.flags & TCT_RCV_DELACK) != 0)
    at = tct_time_min(at, a->delack_at);
  return tct_time_min(tct_time_min(at, a->cork_at), a->pace.wake_at);
}

#endif
