/* SPDX-License-Identifier: MIT */
/*
 * tcp_send.c - the sending side: what is queued, sent and acknowledged, the peer's window, Nagle
 * and the sender's silly-window rule. Alone writes c->snd; makes struct tct_tcp_ack, which says
 * what an ACK meant. Called by tcp_input step 5, sock/ (queueing) and tcp_output (sent). Leaves
 * loss to tcp_recover, the rate to tcp_cc, the choice of the next segment to tcp_plan. RFC 9293
 * sections 3.7.4, 3.8.6; RFC 5681 section 2.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

void tct_tcp_send_init(tct_stack *s, struct tct_tcp *c, tct_seq iss) {
  (void)s;
  c->iss = iss;
  c->snd.una = iss;
  c->snd.nxt = iss;
}

/* ---- What an ACK brings ---------------------------------------------------------------------- */

static void raise_window_max(tct_stack *s, struct tct_tcp *c, uint32_t wnd) {
  uint32_t mss_before = tct_tcp_send_mss(s, c);
  c->snd.wnd_max = wnd;
  tct_tcp_cc_on_mss(s, c, mss_before);
}

/* Linux: a repeated segment may open the window or shut it, not take a part of it back. */
static bool is_mere_shrinking(const tct_stack *s, const struct tct_tcp *c,
                              const struct tct_tcp_hdr *h, uint32_t wnd) {
  bool repeated = h->seq == c->snd.wl1 && tct_seq_leq(h->ack, c->snd.una);
  return s->tcp->profile->keeps_window && repeated && wnd != 0 && wnd < c->snd.wnd;
}

/* Window of newer segments only: SND.WL1, SND.WL2 [RFC9293 EP-28]; and of any that acknowledges
 * more than all before, or SND.UNA would move under an old window and take its edge along [RFC9293
 * EP-47]. Unsigned and scaled [RFC9293 MUST-1] [RFC9293 REC-1]. */
void tct_tcp_send_window(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h, bool syn) {
  uint32_t wnd = TCT_RULE_ELSE(MUST_1, (uint32_t)h->window, (uint32_t)h->window & 0x7fffu);
  if (!syn || TCT_PLANT(WSCALE_ON_SYN))
    wnd <<= tct_tcp_snd_shift(c);
  bool newer = syn || tct_seq_lt(c->snd.wl1, h->seq) ||
               (c->snd.wl1 == h->seq && tct_seq_leq(c->snd.wl2, h->ack)) ||
               (tct_seq_gt(h->ack, c->snd.una) && TCT_RULE(EP_47)) || !TCT_RULE(EP_28);
  if (!newer || (!syn && is_mere_shrinking(s, c, h, wnd)))
    return;
  c->snd.wnd = wnd;
  if (wnd > c->snd.wnd_max)
    raise_window_max(s, c, wnd);
  if (!TCT_PLANT(WL1_KEPT) || syn)
    c->snd.wl1 = syn ? h->seq : tct_seq_max(c->snd.wl1, h->seq);
  c->snd.wl2 = h->ack;
}

static void drop_passed_eor(struct tct_tcp_active *a) {
  uint8_t passed = 0;
  while (passed < a->n_eor && tct_seq_leq(a->eor[passed], a->tx.begin))
    passed++;
  if (passed == 0)
    return;
  memmove(a->eor, a->eor + passed, (size_t)(a->n_eor - passed) * sizeof a->eor[0]);
  a->n_eor = (uint8_t)(a->n_eor - passed);
}

void tct_tcp_send_return_lent(tct_stack *s, struct tct_queue *q) {
  uint64_t token;
  while (tct_queue_returned_pop(q, &s->chunks, &token))
    tct_stack_return_token(s, token);
}

static void free_acked(tct_stack *s, struct tct_tcp *c, struct tct_tcp_active *a) {
  tct_seq upto = tct_seq_min(tct_tcp_send_first_byte(c), a->tx.end);
  if (tct_seq_lt(a->tx.begin, upto))
    tct_queue_consume_to(&a->tx, &s->chunks, upto);
  drop_passed_eor(a);
  if (a->tx.returned != NULL) {
    tct_tcp_send_return_lent(s, &a->tx);
    tct_sock_event_post(s, c, TCT_EV_TX_DONE);
  }
}

/* A sample from the oldest that went once and is acknowledged now, if nothing that went twice is
 * (Karn, [RFC9293 MUST-18]); else from what is SACKed; else from the peer's echo of our clock. */
uint64_t tct_tcp_send_rtt_of(const tct_stack *s, const struct tct_tcp *c,
                             const struct tct_tcp_ack *a) {
  bool clean = !a->resent_acked || !TCT_RULE(MUST_18);
  if (a->first_at != TCT_NEVER && clean)
    return tct_time_sub(a->at, a->first_at);
  if (a->sacked_first_at != TCT_NEVER)
    return tct_time_sub(a->at, a->sacked_first_at);
  if (!a->advanced || !a->has_ts || a->tsecr == 0)
    return TCT_NEVER;
  uint32_t age_ms = tct_tcp_options_tsval(s, c) - a->tsecr;
  return age_ms < 0x7fffffffu ? TCT_MS(age_ms) : TCT_NEVER;
}

/* RFC 5681 section 2: outstanding data, no data, no SYN or FIN, the same ACK and the same window.
 */
static bool is_duplicate(const struct tct_tcp *c, const struct tct_tcp_hdr *h, uint32_t text_len,
                         bool window_changed) {
  return tct_tcp_send_flight(c) > 0 && text_len == 0 && (h->flags & (TCT_SYN | TCT_FIN)) == 0 &&
         h->ack == c->snd.una && !window_changed &&
         c->snd.wnd > 0; /* answers to probes prove nothing */
}

static void advance(tct_stack *s, struct tct_tcp *c, const struct tct_tcp_hdr *h,
                    struct tct_tcp_ack *a) {
  struct tct_tcp_active *act = c->active;
  bool syn_acked = !tct_tcp_syn_acked(c);
  a->acked_bytes = tct_seq_len(c->snd.una, h->ack);
  a->advanced = true;
  a->fin_acked = (c->snd.flags & TCT_SND_FIN_SENT) != 0 && h->ack == c->snd.nxt;
  a->acked_bytes -= (syn_acked ? 1u : 0u) + (a->fin_acked && a->acked_bytes > 0 ? 1u : 0u);
  if (act != NULL)
    tct_tcp_sack_on_ack(c, h->ack, a);
  c->snd.una = h->ack;
  c->open |= TCT_OPEN_SYN_ACKED;
  if ((c->snd.flags & TCT_SND_URGENT) != 0 && tct_seq_geq(h->ack, c->extra->snd_up))
    c->snd.flags &= (uint8_t)~TCT_SND_URGENT;
  TCT_EXTRA_ADD(c, bytes_acked, a->acked_bytes);
  if (act == NULL)
    return;
  free_acked(s, c, act);
  a->reneged = act->runs.n > 0 && (tct_tcp_sack_at(&act->runs, 0)->flags & TCT_RUN_SACKED) != 0;
}

static void begin_ack(const struct tct_tcp *c, const struct tct_pkt *p, const struct tct_tcp_hdr *h,
                      struct tct_tcp_ack *a) {
  memset(a, 0, sizeof *a);
  a->ack = h->ack;
  a->at = p->at;
  a->rtt_ns = TCT_NEVER;
  a->first_at = a->last_at = TCT_NEVER;
  a->sacked_first_at = a->sacked_last_at = TCT_NEVER;
  a->flight_before = tct_tcp_send_flight(c);
  a->fack_before = tct_tcp_sack_fack(c);
  a->has_ts = (c->open & TCT_OPEN_TS) != 0 && h->opt.has_ts;
  a->tsecr = h->opt.tsecr;
}

/* A SACK of what left before the head last did puts the time-out off, as an ACK would; of what left
 * later it does not, or the time-out would never come during a repair (Linux). */
static bool restarts_by_sack(const struct tct_tcp *c, const struct tct_tcp_ack *a) {
  const struct tct_tcp_active *act = c->active;
  return a->sacked_first_at != TCT_NEVER && act->runs.n > 0 &&
         a->sacked_first_at < tct_tcp_sack_at(&act->runs, 0)->sent_at;
}

void tct_tcp_send_on_ack(tct_stack *s, struct tct_tcp *c, const struct tct_pkt *p,
                         const struct tct_tcp_hdr *h, struct tct_tcp_ack *a) {
  uint32_t text_len = p->l4_len - h->header_len;
  uint32_t wnd_before = c->snd.wnd;
  tct_tcp_cc_on_burst_end(s, c); /* if the last burst is still unjudged */
  begin_ack(c, p, h, a);
  a->has_text = text_len > 0;
  a->moves_no_window = tct_seq_lt(h->ack, c->snd.una);
  if (h->opt.n_sack > 0 && tct_tcp_past_is_waiting(c))
    (void)tct_tcp_block_active(s, c);
  tct_tcp_blocks_on_ack(s, c, h, a);
  bool advanced = TCT_PLANT(PLAIN_COMPARE_ACK) ? tct_plant_less(c->snd.una, h->ack)
                                               : tct_seq_gt(h->ack, c->snd.una);
  if (tct_seq_geq(h->ack, c->snd.una))
    tct_tcp_send_window(s, c, h, (h->flags & TCT_SYN) != 0);
  a->window_changed = c->snd.wnd != wnd_before;
  a->duplicate = !advanced && is_duplicate(c, h, text_len, a->window_changed);
  if (advanced)
    advance(s, c, h, a);
  a->rtt_ns = tct_tcp_send_rtt_of(s, c, a);
  a->restart_timer = a->advanced || restarts_by_sack(c, a) || TCT_PLANT(RTO_PUSHED_BACK);
  if (a->advanced || a->window_changed)
    c->snd.flags &= (uint8_t)~TCT_SND_OVERRIDE;
  if (c->snd.wnd == 0)
    return;
  c->snd.flags &= (uint8_t)~TCT_SND_PROBE_DUE;
  if (wnd_before == 0 && tct_tcp_send_flight(c) > 0)
    tct_tcp_recover_on_refused(s, c, TCT_WHY_REOPENED);
}

/* ---- How much may go ---------------------------------------------------------------------------
 */

/* Up to the right edge of the peer's window; 0 when it was pulled back below nxt [RFC9293 MUST-34]
 * [RFC9293 SHLD-15]. */
uint32_t tct_tcp_send_window_left(const struct tct_tcp *c) {
  if (!TCT_RULE(MUST_34))
    return c->snd.wnd - tct_tcp_send_flight(c);
  uint32_t wnd = c->snd.wnd + (TCT_PLANT(SEND_WINDOW_PLUS_ONE) && c->snd.wnd > 0 ? 1u : 0u);
  return tct_seq_ahead(c->snd.nxt, tct_seq_add(tct_tcp_send_first_byte(c), wnd));
}

/* The number of a segment without text: SND.NXT; but a window probe lies beyond the peer's edge,
 * and with its number counted the peer would not accept our ACKs until it opens. An edge that only
 * its scale has rounded down (RFC 7323 2.4) is none: the peer has what lies beyond, and would find
 * the edge's number old; both sides could wait for each other so for ever. Linux's choice, too. */
tct_seq tct_tcp_send_bare_seq(const struct tct_tcp *c) {
  tct_seq edge = tct_seq_add(c->snd.una, c->snd.wnd);
  uint32_t over = tct_seq_ahead(edge, c->snd.nxt);
  bool probe = c->snd.wnd == 0 && over == 1;
  bool rounded = over < UINT32_C(1) << tct_tcp_snd_shift(c);
  return over == 0 || !tct_tcp_syn_acked(c) || (rounded && !probe) ? c->snd.nxt : edge;
}

/* MSG_EOR ended a write here. */
bool tct_tcp_send_is_eor(const struct tct_tcp *c, tct_seq pos) {
  const struct tct_tcp_active *a = c->active;
  for (unsigned i = 0; a != NULL && i < a->n_eor; i++)
    if (a->eor[i] == pos)
      return true;
  return false;
}

/* Everything queued up to the next boundary that MSG_EOR set. */
uint32_t tct_tcp_send_sendable(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  uint32_t unsent = tct_tcp_send_unsent(c);
  for (unsigned i = 0; a != NULL && i < a->n_eor; i++) {
    uint32_t upto = tct_seq_ahead(c->snd.nxt, a->eor[i]);
    if (upto > 0)
      return tct_min_u32(unsent, upto);
  }
  return unsent;
}

/* All that is queued fits, and is less than a segment: does it have to wait for more [RFC9293
 * MAY-16]? Nagle is on by default [RFC9293 SHLD-7], can be turned off [RFC9293 MUST-17], and never
 * holds back when nothing is outstanding [RFC9293 MUST-60]. */
static bool may_send_remnant(const tct_stack *s, const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  if ((c->snd.flags & (TCT_SND_FIN_WANTED | TCT_SND_OVERRIDE)) != 0)
    return true;
  if ((c->snd.flags & (TCT_SND_CORK | TCT_SND_MORE)) != 0)
    return a != NULL && a->cork_at <= s->now;
  if ((c->snd.flags & TCT_SND_NODELAY) != 0 && TCT_RULE(MUST_17))
    return true;
  if (!TCT_RULE(MUST_60))
    return false;
  if (s->tcp->profile->minshall && a != NULL && tct_seq_leq(a->small_end, c->snd.una))
    return true;
  return tct_tcp_send_flight(c) == 0 || !TCT_RULE(SHLD_7);
}

/* The sender's silly-window rule. [RFC9293 EP-49] [RFC9293 MUST-38] */
uint32_t tct_tcp_send_usable(const tct_stack *s, const struct tct_tcp *c, bool *wants_override) {
  uint32_t mss = tct_tcp_send_mss(s, c);
  uint32_t queued = tct_tcp_send_sendable(c);
  uint32_t window = tct_tcp_send_window_left(c);
  uint32_t usable = tct_min_u32(tct_min_u32(queued, window), tct_tcp_recover_room(s, c));
  *wants_override = false;
  if (usable == 0)
    return 0;
  if (usable >= mss)
    return usable;
  if (usable == queued && (queued < tct_tcp_send_unsent(c) || may_send_remnant(s, c)))
    return usable;
  if (usable == queued)
    return 0; /* Nagle or cork: an ACK, more data or the cork's timer will come */
  if (!TCT_RULE(MUST_38) || (c->snd.flags & TCT_SND_OVERRIDE) != 0)
    return usable;
  if (window == usable && window >= c->snd.wnd_max / 2)
    return usable;
  *wants_override = tct_tcp_send_flight(c) == 0;
  return 0;
}

void tct_tcp_send_on_sent(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end, bool fin) {
  TCT_ASSERT(begin == c->snd.nxt);
  struct tct_tcp_active *a = c->active;
  if (tct_tcp_send_flight(c) == 0)
    tct_tcp_cc_on_start(s, c);
  c->snd.nxt = end;
  c->snd.flags &= (uint8_t)~TCT_SND_OVERRIDE;
  if (fin)
    c->snd.flags |= TCT_SND_FIN_SENT;
  c->sent_ms = s->now_ms;
  if (a == NULL)
    return;
  if (tct_tcp_send_unsent(c) == 0)
    a->cork_at = TCT_NEVER;
  bool is_small =
      tct_seq_len(begin, end) % tct_tcp_send_mss(s, c) != 0 && !tct_tcp_mtu_is_probe(c, begin);
  if (is_small && c->state != TCT_SYN_SENT) /* a SYN's data is as large as it may be */
    a->small_end = end;
  else if (tct_seq_lt(a->small_end, c->snd.una))
    a->small_end = c->snd.una; /* follows, or it would come round */
  a->sent_at = s->now;
  tct_tcp_cc_on_sent(c);
}

void tct_tcp_send_on_probe_sent(struct tct_tcp *c) {
  c->snd.flags &= (uint8_t)~TCT_SND_PROBE_DUE;
}

/* ---- The application's side --------------------------------------------------------------------
 */

uint32_t tct_tcp_send_limit(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_tune_snd_limit(s, c);
}

uint32_t tct_tcp_send_room_of(const tct_stack *s, const struct tct_tcp *c, uint32_t limit) {
  const struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return limit;
  bool own = c->extra != NULL && c->extra->notsent_lowat != 0;
  if (tct_tcp_send_unsent(c) >= (own ? c->extra->notsent_lowat : s->cfg.notsent_lowat_bytes))
    return 0;
  return a->n_eor == TCT_EOR_MAX ? 0 : tct_sub_floor_u32(limit, tct_queue_len(&a->tx));
}

uint32_t tct_tcp_send_room(const tct_stack *s, const struct tct_tcp *c) {
  return tct_tcp_send_room_of(s, c, tct_tcp_send_limit(s, c));
}

/* Linux lets its probe timer release a corked remnant: an RTO. */
static tct_time cork_ns(const tct_stack *s, const struct tct_tcp *c) {
  bool by_rto = s->tcp->profile->cork_for_rto && tct_tcp_syn_acked(c);
  return by_rto ? tct_max_u64(tct_tcp_rtt_base_rto_ns(s, c), TCT_MS(200)) : TCT_MS(200);
}

/* What a write's flags, or a cork, mean for the bytes that are queued now. */
static __attribute__((noinline)) void apply_flags(tct_stack *s, struct tct_tcp *c,
                                                  struct tct_tcp_active *a, unsigned flags) {
  bool held = (c->snd.flags & TCT_SND_CORK) != 0 || (flags & TCT_MSG_MORE) != 0;
  c->snd.flags = (uint8_t)(c->snd.flags & ~TCT_SND_MORE);
  if ((flags & TCT_MSG_MORE) != 0)
    c->snd.flags |= TCT_SND_MORE;
  if (!held)
    a->cork_at = TCT_NEVER;
  else if (a->cork_at == TCT_NEVER)
    a->cork_at = tct_time_add(s->now, cork_ns(s, c));
  tct_tcp_timer_await(s, c, a->cork_at);
  if ((flags & TCT_MSG_EOR) != 0 && a->n_eor < TCT_EOR_MAX)
    a->eor[a->n_eor++] = a->tx.end;
  if ((flags & TCT_MSG_URGENT) != 0 && tct_tcp_block_extra(s, c) != NULL) {
    c->extra->snd_up = a->tx.end; /* one past the last urgent byte [RFC9293 MUST-62] */
    c->snd.flags |= TCT_SND_URGENT;
  }
}

/* Queued bytes are there: flags that came with them, and the plan to be asked. */
TCT_HOT void tct_tcp_send_on_queued(tct_stack *s, struct tct_tcp *c, unsigned flags) {
  struct tct_tcp_active *a = c->active;
  bool corked = (c->snd.flags & (TCT_SND_CORK | TCT_SND_MORE)) != 0 || a->cork_at != TCT_NEVER;
  if (flags != 0 || corked)
    apply_flags(s, c, a, flags);
  if (tct_tcp_send_flight(c) == 0 && c->sent_ms != s->now_ms) /* or it is not idle */
    tct_tcp_cc_on_idle(s, c);
  tct_tcp_output_wake(s, c);
}

/* Of len bytes, how many there is room for: mostly all of them, which is seen without asking what
 * the buffer may have beyond its least size. */
static size_t room_upto(const tct_stack *s, const struct tct_tcp *c, size_t len) {
  const struct tct_tcp_active *a = c->active;
  const struct tct_extra *x = c->extra;
  uint32_t least = x != NULL && x->sndbuf != 0 ? x->sndbuf : s->cfg.sndbuf_bytes;
  bool fits = a != NULL && len <= least && tct_queue_len(&a->tx) <= least - len;
  bool own_lowat = x != NULL && x->notsent_lowat != 0;
  if (fits && !own_lowat && tct_tcp_send_unsent(c) < s->cfg.notsent_lowat_bytes && a->n_eor == 0)
    return len;
  return tct_min_size(len, tct_tcp_send_room(s, c));
}

long tct_tcp_send_queue(tct_stack *s, struct tct_tcp *c, const void *buf, size_t len,
                        unsigned flags) {
  size_t want = room_upto(s, c, len);
  if (want == 0)
    return TCT_EAGAIN;
  struct tct_tcp_active *a = tct_tcp_block_active(s, c);
  if (a == NULL)
    return TCT_ENOMEM;
  uint32_t took = tct_queue_append(&a->tx, &s->chunks, buf, (uint32_t)want);
  if (took == 0)
    return TCT_ENOBUFS;
  /* a write cut short ends nowhere yet: MORE and EOR belong to its last byte */
  tct_tcp_send_on_queued(s, c,
                         took == len ? flags : (flags & (unsigned)~(TCT_MSG_EOR | TCT_MSG_URGENT)));
  return (long)took;
}

void tct_tcp_send_drop(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  tct_queue_deinit(&a->tx, &s->chunks);
  tct_tcp_send_return_lent(s, &a->tx);
  tct_queue_init(&a->tx, tct_tcp_send_first_byte(c));
  tct_tcp_sack_deinit(s, &a->runs);
  tct_tcp_sack_init(&a->runs);
  a->rec.phase = TCT_REC_OPEN;
  a->n_eor = 0;
  a->cork_at = TCT_NEVER;
}
