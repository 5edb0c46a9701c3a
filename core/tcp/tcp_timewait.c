/* SPDX-License-Identifier: MIT */
/*
 * tcp_timewait.c - what is left of a connection that this side closed first: 64 bytes that answer
 * the peer's repeated FIN, keep old segments away, and judge a SYN that wants the same ports.
 * Called by tcp_state (a new record), tcp_demux (segments), tcp.c (time), tcp_listen (reopening). A
 * record exists apart from the socket: the application may still be reading. RFC 9293
 * sections 3.6.1 and 3.10.7.4, RFC 6191, RFC 1337.
 *
 * Expiries are kept in ticks of 100 ms, rounded up. A ring of ticks has a list each; a record whose
 * wait was restarted moves when the old tick comes. Ends at most 100 ms late, and RECORDS_PER_CALL
 * a call.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

#define TICK_NS TCT_MS(100)
#define TICKS 4096u      /* the ring: 409 s; a later expiry waits on the last tick and moves on */
#define TICKS_MAX 30000u /* longest wait that 16 bits can tell from one that is over */
#define RECORDS_PER_CALL 512u
#define ANSWER_TICKS 5u /* an answer that nothing demands is given twice a second */
#define ISS_STEP 65536u /* beyond any segment of the old connection that is still under way */

struct tct_tw_table {
  struct tct_slab slab;   /* struct tct_time_wait */
  struct tct_table index; /* of the tuple */
  uint32_t *tails;        /* TICKS of them once there is a record */
  uint64_t occupied[TICKS / 64];
  uint64_t tick;    /* of the last advance: this and earlier ones are done */
  uint64_t soonest; /* there is nothing at any before this: where the search begins */
};

static struct tct_tw_table *table_of(const tct_stack *s) {
  return s->tcp->tw;
}

int tct_tcp_timewait_new(tct_stack *s) {
  struct tct_tw_table *w = tct_stack_alloc(s, sizeof *w);
  if (w == NULL)
    return TCT_ENOMEM;
  tct_slab_init(&w->slab, &s->alloc, sizeof(struct tct_time_wait),
                offsetof(struct tct_time_wait, next), s->cfg.limits.time_wait);
  tct_table_init(&w->index, &s->alloc, s->cfg.limits.time_wait);
  s->tcp->tw = w;
  return TCT_OK;
}

void tct_tcp_timewait_free(tct_stack *s) {
  struct tct_tw_table *w = table_of(s);
  if (w == NULL)
    return;
  tct_stack_free(s, w->tails, TICKS * sizeof *w->tails);
  tct_table_deinit(&w->index);
  tct_slab_deinit(&w->slab);
  tct_stack_free(s, w, sizeof *w);
  s->tcp->tw = NULL;
}

/* ---- Ticks ----------------------------------------------------------------------------------- */

static uint64_t expiry_of(const struct tct_tw_table *w, const struct tct_time_wait *r) {
  int16_t ahead = (int16_t)(uint16_t)(r->expiry_100ms - (uint16_t)w->tick);
  return ahead < 0 ? w->tick - (uint64_t)(-ahead) : w->tick + (uint64_t)ahead;
}

/* A tick's list is a ring; `tails` has its newest, whose next is the oldest: first in, first out.
 */
static void link_at(struct tct_tw_table *w, struct tct_time_wait *r, uint32_t index,
                    uint64_t tick) {
  uint64_t last = w->tick + TICKS - 1;
  w->soonest = tct_min_u64(w->soonest, tick);
  uint32_t at = (uint32_t)((tick < last ? tick : last) % TICKS);
  r->next = index;
  if (w->tails[at] != TCT_SLAB_NONE) {
    struct tct_time_wait *newest = tct_slab_at(&w->slab, w->tails[at]);
    r->next = newest->next;
    newest->next = index;
  }
  w->tails[at] = index;
  w->occupied[at / 64] |= (uint64_t)1 << at % 64;
}

static uint32_t unlink_oldest(struct tct_tw_table *w, uint32_t at) {
  struct tct_time_wait *newest = tct_slab_at(&w->slab, w->tails[at]);
  uint32_t index = newest->next;
  newest->next = ((struct tct_time_wait *)tct_slab_at(&w->slab, index))->next;
  if (index == w->tails[at]) {
    w->tails[at] = TCT_SLAB_NONE;
    w->occupied[at / 64] &= ~((uint64_t)1 << at % 64);
  }
  return index;
}

/* The first tick with records after `tick`, UINT64_MAX if none. Looks at 65 words at the most. */
static uint64_t next_occupied(const struct tct_tw_table *w) {
  uint64_t start = tct_max_u64(w->tick + 1, w->soonest);
  uint32_t from = (uint32_t)(start % TICKS);
  uint64_t before =
      ((uint64_t)1 << from % 64) - 1; /* of the first word, and the last's to look at */
  for (uint32_t i = 0; i <= TICKS / 64; i++) {
    uint32_t word = (from / 64 + i) % (TICKS / 64);
    uint64_t bits = w->occupied[word];
    if (i == 0)
      bits &= ~before;
    if (i == TICKS / 64)
      bits &= before;
    if (bits == 0)
      continue;
    uint32_t at = word * 64 + (uint32_t)__builtin_ctzll(bits);
    return start + (at + TICKS - from) % TICKS;
  }
  return UINT64_MAX;
}

static uint64_t expiry_from_now(const tct_stack *s) {
  tct_time wait_ns = 2 * TCT_MS(s->cfg.msl_ms); /* [RFC9293 MUST-13] */
  uint64_t now = s->now / TICK_NS;
  uint64_t end = (tct_time_add(s->now, wait_ns) + TICK_NS - 1) / TICK_NS;
  return tct_min_u64(end, now + TICKS_MAX);
}

/* ---- Records --------------------------------------------------------------------------------- */

static struct tct_time_wait *lookup(const tct_stack *s, const struct tct_tuple *t,
                                    uint32_t *index) {
  struct tct_tw_table *w = table_of(s);
  struct tct_table_it it;
  if (tct_table_used(&w->index) == 0)
    return NULL;
  uint32_t ref = tct_table_first(&w->index, tct_tcp_demux_hash(s, t), &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&w->index, &it)) {
    struct tct_time_wait *r = tct_slab_at(&w->slab, ref);
    if (memcmp(&r->key, t, sizeof *t) == 0) {
      *index = ref;
      return r;
    }
  }
  return NULL;
}

struct tct_time_wait *tct_tcp_timewait_find(tct_stack *s, const struct tct_tuple *t) {
  uint32_t index;
  struct tct_time_wait *r = lookup(s, t, &index);
  return r != NULL && (r->flags & TCT_TW_PARKED) == 0 ? r : NULL;
}

bool tct_tcp_timewait_has(const tct_stack *s, const struct tct_tuple *t) {
  uint32_t index;
  return lookup(s, t, &index) != NULL;
}

/* Out of the index; its place is free once its tick has come. */
static void bury(tct_stack *s, struct tct_time_wait *r, uint32_t index) {
  bool found = tct_table_remove(&table_of(s)->index, tct_tcp_demux_hash_once(s, &r->key), index);
  TCT_ASSERT(found);
  (void)found;
  r->flags |= TCT_TW_DEAD;
  s->n.TimeWaitNow--;
}

static void tell_end(tct_stack *s, const struct tct_time_wait *r, tct_why why) {
  if ((r->flags & TCT_TW_PARKED) == 0)
    tct_tcp_trace_state(s, (struct tct_tcp_who){.key = &r->key, .ifi = r->ifi}, TCT_TIME_WAIT,
                        TCT_CLOSED, why);
}

void tct_tcp_timewait_drop(tct_stack *s, const struct tct_tuple *t) {
  uint32_t index;
  struct tct_time_wait *r = lookup(s, t, &index);
  if (r == NULL)
    return;
  tell_end(s, r, TCT_WHY_SYN);
  bury(s, r, index);
}

void tct_tcp_timewait_park(tct_stack *s, const struct tct_tuple *t) {
  uint32_t index;
  struct tct_time_wait *r = lookup(s, t, &index);
  if (r != NULL)
    r->flags |= TCT_TW_PARKED;
}

void tct_tcp_timewait_unpark(tct_stack *s, const struct tct_tuple *t) {
  uint32_t index;
  struct tct_time_wait *r = lookup(s, t, &index);
  if (r != NULL)
    r->flags &= (uint8_t)~TCT_TW_PARKED;
}

/* The table is full: the record that would end first goes now. Restarted ones met on the way are
 * moved on. */
static bool evict(tct_stack *s) {
  struct tct_tw_table *w = table_of(s);
  for (unsigned i = 0; i < 8; i++) {
    uint64_t tick = next_occupied(w);
    if (tick == UINT64_MAX)
      return false;
    uint32_t index = unlink_oldest(w, (uint32_t)(tick % TICKS));
    struct tct_time_wait *r = tct_slab_at(&w->slab, index);
    bool dead = (r->flags & TCT_TW_DEAD) != 0;
    if (!dead && expiry_of(w, r) > tick && i < 7) {
      link_at(w, r, index, expiry_of(w, r));
      continue;
    }
    if (!dead) {
      s->n.TCPTimeWaitOverflow++;
      tell_end(s, r, TCT_WHY_NO_MEMORY);
      bury(s, r, index);
    }
    tct_slab_free(&w->slab, index);
    return true;
  }
  return false;
}

static struct tct_time_wait *new_record(tct_stack *s, uint32_t *index) {
  struct tct_tw_table *w = table_of(s);
  if (w->tails == NULL) {
    w->tails = tct_stack_alloc(s, TICKS * sizeof *w->tails);
    if (w->tails == NULL)
      return NULL;
    memset(w->tails, 0xff, TICKS * sizeof *w->tails); /* TCT_SLAB_NONE */
  }
  if (tct_slab_used(&w->slab) == 0)
    w->tick = s->now / TICK_NS;
  struct tct_time_wait *r = tct_slab_alloc(&w->slab, index);
  if (r == NULL && evict(s))
    r = tct_slab_alloc(&w->slab, index);
  return r;
}

bool tct_tcp_timewait_add(tct_stack *s, const struct tct_tcp *c) {
  struct tct_tw_table *w = table_of(s);
  uint32_t index;
  TCT_CHECKED(!tct_tcp_timewait_has(s, &c->key)); /* who opens a tuple ends its record first */
  struct tct_time_wait *r = new_record(s, &index);
  if (r == NULL)
    return false;
  memset(r, 0, sizeof *r);
  r->key = c->key;
  r->snd_nxt = c->snd.nxt;
  r->rcv_nxt = c->rcv.nxt;
  r->ts_recent = c->rcv.ts_recent;
  r->window = tct_tcp_recv_window_field(c, c->rcv.edge, false);
  r->ifi = c->ifi;
  r->wscale = c->wscale;
  r->flags = (c->open & TCT_OPEN_TS) != 0 ? TCT_TW_TS : 0;
  r->tclass = c->tclass;
  r->hop_limit = c->hop_limit;
  r->last_ack = (uint16_t)(s->now / TICK_NS + 0x10000u - ANSWER_TICKS);
  uint64_t expiry = expiry_from_now(s);
  r->expiry_100ms = (uint16_t)expiry;
  if (!tct_table_insert(&w->index, tct_tcp_demux_hash(s, &r->key), index)) {
    tct_slab_free(&w->slab, index);
    return false;
  }
  link_at(w, r, index, expiry);
  s->n.TimeWaitNow++;
  return true;
}

/* ---- Time ------------------------------------------------------------------------------------ */

/* Its tick has come: over, or moved to where a restart has put its end. */
static void on_tick(tct_stack *s, uint32_t index) {
  struct tct_tw_table *w = table_of(s);
  struct tct_time_wait *r = tct_slab_at(&w->slab, index);
  uint64_t expiry = expiry_of(w, r);
  if ((r->flags & TCT_TW_DEAD) == 0 && expiry > w->tick) {
    link_at(w, r, index, expiry);
    return;
  }
  if ((r->flags & TCT_TW_DEAD) == 0) {
    s->n.TW++;
    tell_end(s, r, TCT_WHY_CLOSED);
    bury(s, r, index);
  }
  tct_slab_free(&w->slab, index);
}

void tct_tcp_timewait_advance(tct_stack *s) {
  struct tct_tw_table *w = table_of(s);
  uint64_t now = s->now / TICK_NS;
  uint32_t left = RECORDS_PER_CALL;
  while (tct_slab_used(&w->slab) > 0) {
    uint64_t tick = next_occupied(w);
    if (tick != UINT64_MAX)
      w->soonest = tick;
    if (tick > now)
      break;
    uint32_t at = (uint32_t)(tick % TICKS);
    w->tick = tick; /* so that what is moved on goes behind it */
    while (left > 0 && (w->occupied[at / 64] >> at % 64 & 1) != 0) {
      left--;
      on_tick(s, unlink_oldest(w, at));
    }
    if (left == 0) {
      w->tick = tick - 1; /* the rest at the next call: the deadline says at once */
      return;
    }
  }
  w->tick = tct_max_u64(w->tick, now);
}

tct_time tct_tcp_timewait_next_deadline(const tct_stack *s) {
  const struct tct_tw_table *w = table_of(s);
  uint64_t tick = tct_slab_used(&w->slab) > 0 ? next_occupied(w) : UINT64_MAX;
  return tick == UINT64_MAX ? TCT_NEVER : tick * TICK_NS;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static void answer(tct_stack *s, struct tct_time_wait *r) {
  struct tct_tcp_reply a;
  memset(&a, 0, sizeof a);
  a.key = r->key;
  a.ifi = r->ifi;
  a.h.seq = r->snd_nxt;
  a.h.ack = r->rcv_nxt;
  a.h.flags = TCT_ACK;
  a.h.window = r->window;
  a.tclass = r->tclass;
  a.hop_limit = r->hop_limit;
  a.why = TCT_WHY_ACK_TIME_WAIT;
  if ((r->flags & TCT_TW_TS) != 0) {
    a.h.opt.has_ts = true;
    a.h.opt.tsval = s->now_ms + tct_tcp_options_ts_offset(s, &r->key);
    a.h.opt.tsecr = r->ts_recent;
  }
  r->last_ack = (uint16_t)(s->now / TICK_NS);
  (void)tct_tcp_output_reply(s, &a);
}

/* Two ends could answer each other for ever: what nothing demands is limited, per record. */
static void answer_limited(tct_stack *s, struct tct_time_wait *r) {
  if ((uint16_t)((uint16_t)(s->now / TICK_NS) - r->last_ack) >= ANSWER_TICKS)
    answer(s, r);
}

/* RFC 6191 section 2. A SYN without an older sibling's timestamp to measure by is judged by its
 * number [RFC9293 MAY-2] [RFC9293 EP-24]; timestamps tell better [RFC9293 SHLD-4]. */
bool tct_tcp_timewait_may_reopen(const struct tct_tcp_hdr *h, tct_seq rcv_nxt, bool has_ts,
                                 uint32_t ts_recent) {
  bool above = tct_seq_geq(h->seq, rcv_nxt) && TCT_RULE(MAY_2);
  if (TCT_PLANT(TIME_WAIT_TAKES_OLD_SYN))
    return true;
  if (!h->opt.has_ts || !TCT_RULE(SHLD_4))
    return above;
  if (!has_ts)
    return true;
  int32_t newer = (int32_t)tct_ms32_since(h->opt.tsval, ts_recent);
  return newer > 0 || (newer == 0 && above);
}

static tct_verdict input_syn(tct_stack *s, struct tct_time_wait *r, const struct tct_tcp_hdr *h,
                             bool *reopen, tct_seq *iss_min) {
  bool pure = (h->flags & (TCT_ACK | TCT_FIN)) == 0;
  if (pure &&
      tct_tcp_timewait_may_reopen(h, r->rcv_nxt, (r->flags & TCT_TW_TS) != 0, r->ts_recent)) {
    *reopen = true;
    *iss_min = tct_seq_add(r->snd_nxt, ISS_STEP);
    return TCT_ACCEPTED;
  }
  if (!pure || s->tcp->profile->time_wait_old_syn_acked)
    answer_limited(s, r);
  return TCT_DROP_TIME_WAIT_SYN;
}

static bool is_acceptable(const struct tct_time_wait *r, tct_seq seq, uint32_t len) {
  uint32_t window = (uint32_t)r->window << (r->wscale >> 4);
  tct_seq edge = tct_seq_add(r->rcv_nxt, window);
  if (window == 0)
    return len == 0 && seq == r->rcv_nxt;
  return tct_seq_between(r->rcv_nxt, seq, edge) ||
         (len > 0 && tct_seq_between(r->rcv_nxt, tct_seq_add(seq, len - 1), edge));
}

/* The peer did not hear our last ACK. [RFC9293 EP-31] */
static tct_verdict input_fin_again(tct_stack *s, struct tct_time_wait *r,
                                   const struct tct_tcp_hdr *h) {
  if (h->opt.has_ts && (int32_t)tct_ms32_since(h->opt.tsval, r->ts_recent) > 0)
    r->ts_recent = h->opt.tsval;
  if (!TCT_RULE(EP_31))
    return TCT_DROP_TIME_WAIT_OLD;
  r->expiry_100ms = (uint16_t)expiry_from_now(s); /* it moves when its old tick comes */
  answer(s, r);
  return TCT_ACCEPTED;
}

tct_verdict tct_tcp_timewait_input(tct_stack *s, struct tct_time_wait *r, struct tct_pkt *p,
                                   const struct tct_tcp_hdr *h, bool *reopen, tct_seq *iss_min) {
  uint32_t len = p->l4_len - h->header_len + ((h->flags & TCT_FIN) != 0 ? 1u : 0u);
  *reopen = false;
  if ((h->flags & TCT_RST) != 0) /* else old duplicates could end the wait: RFC 1337 */
    return TCT_DROP_TIME_WAIT_RST;
  if ((h->flags & TCT_SYN) != 0)
    return input_syn(s, r, h, reopen, iss_min);
  if ((h->flags & TCT_FIN) != 0 && tct_seq_add(h->seq, len) == r->rcv_nxt)
    return input_fin_again(s, r, h);
  if (!is_acceptable(r, h->seq, len) ||
      ((h->flags & TCT_ACK) != 0 && tct_seq_gt(h->ack, r->snd_nxt))) {
    answer_limited(s, r);
    return TCT_DROP_TIME_WAIT_OLD;
  }
  if ((h->flags & TCT_ACK) == 0) /* [RFC9293 EP-25] */
    return TCT_DROP_NO_ACK;
  return len > 0 ? TCT_DROP_DATA_AFTER_FIN : TCT_ACCEPTED; /* what could it still say? */
}
