/* SPDX-License-Identifier: MIT */
/*
 * tcp_reasm.c - received bytes to their final places in the receive queue, the ranges that came out
 * of order, and the SACK blocks that tell of them. Called by tcp_input step 7 with text already
 * trimmed to the window, and by tcp_options. Leaves to tcp_recv when an ACK is owed. RFC 9293
 * section 3.10.7.4 step 7; RFC 2018, RFC 2883.
 */
#include "tcp/calls.h"
#include "util/plant.h"
#include "util/rule.h"

static __attribute__((noinline)) uint32_t store_pieces(tct_stack *s, struct tct_queue *q,
                                                       const struct tct_text *t) {
  const struct tct_pkt *p = t->pkt;
  size_t skip = p->l4_at + t->skip;
  uint32_t done = 0;
  for (uint32_t i = 0; i < p->n_iov && done < t->len; i++) {
    if (skip >= p->iov[i].len) {
      skip -= p->iov[i].len;
      continue;
    }
    uint32_t part = (uint32_t)tct_min_size(p->iov[i].len - skip, t->len - done);
    const uint8_t *from = (const uint8_t *)p->iov[i].base + skip;
    uint32_t took = tct_queue_write_at(q, &s->chunks, tct_seq_add(t->seq, done), from, part);
    done += took;
    skip = 0;
    if (took < part)
      break;
  }
  return done;
}

/* Copies the text from the frame's pieces; returns the length of the prefix that found room. */
static inline uint32_t store(tct_stack *s, struct tct_queue *q, const struct tct_text *t) {
  const struct tct_pkt *p = t->pkt;
  if (p->l4_have < p->l4_len)
    return store_pieces(s, q, t);
  return tct_queue_write_at(q, &s->chunks, t->seq, p->l4 + t->skip, t->len);
}

/* Newest first, without repeats of the same block. */
static void remember_recent(struct tct_tcp_ooo *o, tct_seq begin) {
  memmove(o->recent + 1, o->recent, sizeof o->recent - sizeof o->recent[0]);
  o->recent[0] = begin;
  o->n_recent = (uint8_t)tct_min_u32(o->n_recent + 1u, TCT_ARRAY_LEN(o->recent));
}

/* A connection without an active block gets one: whether a quiet one was given back shows in no
 * frame. */
void tct_tcp_reasm_duplicate(tct_stack *s, struct tct_tcp *c, tct_seq begin, tct_seq end) {
  bool told = (c->open & TCT_OPEN_SACK) != 0 && begin != end;
  struct tct_tcp_active *a = told ? tct_tcp_block_active(s, c) : NULL;
  if (a == NULL)
    return;
  struct tct_tcp_ooo *o = &a->ooo;
  if (o->n_dsack == TCT_DSACK_MAX)
    return; /* the oldest reports go first; what does not fit is only a hint lost */
  o->dsack[o->n_dsack++] = (struct tct_range){begin, end};
}

/* ---- Room for ranges ---- */

void tct_tcp_reasm_init(struct tct_tcp_ooo *o) {
  tct_ranges_init(&o->set, o->first, TCT_OOO_INLINE);
}

/* Empties the set, too. */
void tct_tcp_reasm_deinit(tct_stack *s, struct tct_tcp_ooo *o) {
  if (o->set.at != o->first)
    tct_stack_free(s, o->set.at, o->set.cap * sizeof *o->set.at);
  tct_tcp_reasm_init(o);
}

uint32_t tct_tcp_reasm_ranges_max(const struct tct_tcp *c) {
  return tct_clamp_u32(c->rcv.buf_max / TCT_OOO_BYTES, TCT_OOO_INLINE, TCT_OOO_MAX);
}

static bool grow(tct_stack *s, const struct tct_tcp *c, struct tct_tcp_ooo *o) {
  uint32_t cap = tct_min_u32(2u * o->set.cap, tct_tcp_reasm_ranges_max(c));
  struct tct_ranges larger;
  struct tct_range *at = cap > o->set.cap ? tct_stack_alloc(s, cap * sizeof *at) : NULL;
  if (at == NULL)
    return false;
  tct_ranges_init(&larger, at, (uint16_t)cap);
  larger.n = o->set.n;
  memcpy(at, o->set.at, o->set.n * sizeof *at);
  tct_tcp_reasm_deinit(s, o);
  o->set = larger;
  return true;
}

/* ---- Arrivals ---- */

static bool add_range(tct_stack *s, const struct tct_tcp *c, struct tct_tcp_ooo *o,
                      struct tct_range r) {
  if (tct_ranges_add(&o->set, r.begin, r.end, NULL))
    return true;
  return grow(s, c, o) && tct_ranges_add(&o->set, r.begin, r.end, NULL);
}

/* Beyond a gap. Bounded in ranges and in memory really held, so that one-byte pieces cost their
 * sender more than us; what does not fit is dropped, the sender repeats it. */
static __attribute__((noinline)) tct_verdict input_out_of_order(tct_stack *s, struct tct_tcp *c,
                                                                struct tct_tcp_active *a,
                                                                const struct tct_text *t) {
  struct tct_tcp_ooo *o = &a->ooo;
  const struct tct_range new = {t->seq, tct_seq_add(t->seq, t->len)};
  struct tct_range twice;
  bool room = a->rx.charged_bytes < 2 * c->rcv.buf_max + 65536u;
  if (!room || !TCT_RULE(SHLD_31)) { /* [RFC9293 SHLD-31] */
    s->n.TCPOFODrop++;
    return TCT_DROP_OUT_OF_ORDER_LIMIT;
  }
  if (tct_ranges_overlap(&o->set, new.begin, new.end, &twice))
    tct_tcp_reasm_duplicate(s, c, twice.begin, twice.end);
  if (!add_range(s, c, o, new)) {
    s->n.TCPOFODrop++;
    return TCT_DROP_OUT_OF_ORDER_LIMIT;
  }
  uint32_t stored = store(s, &a->rx, t);
  if (stored < t->len) { /* no memory: only what was stored may be told as received */
    tct_ranges_trim_from(&o->set, tct_seq_add(t->seq, stored));
    if (tct_seq_lt(tct_seq_add(t->seq, stored), a->rx.end))
      tct_queue_discard_from(&a->rx, &s->chunks, tct_seq_add(t->seq, stored));
    s->n.TCPOFODrop++;
    return TCT_DROP_NO_MEMORY;
  }
  remember_recent(o, t->seq);
  TCT_EXTRA_ADD(c, rcv_ooopack, tct_tcp_reasm_segments(t->pkt, t->len));
  s->n.TCPOFOQueue++;
  return TCT_ACCEPTED;
}

/* Where the stream now ends without a gap, after [.., end) arrived: it may have covered several
 * ranges and reach into a further one. */
static tct_seq join(struct tct_tcp_ooo *o, tct_seq end) {
  tct_ranges_trim_before(&o->set, end);
  const struct tct_range *first = tct_ranges_first(&o->set);
  if (first == NULL || first->begin != end || TCT_PLANT(GAP_NEVER_JOINED))
    return end;
  end = first->end;
  tct_ranges_trim_before(&o->set, end);
  return end;
}

void tct_tcp_reasm_discard(tct_stack *s, struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL)
    return;
  tct_seq end = tct_tcp_reasm_data_end(c);
  if (tct_seq_lt(a->rx.begin, end) && tct_seq_leq(end, a->rx.end))
    tct_queue_consume_to(&a->rx, &s->chunks, end);
}

void tct_tcp_reasm_end_at(tct_stack *s, struct tct_tcp *c, tct_seq end) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || a->ooo.set.n == 0)
    return;
  tct_ranges_trim_from(&a->ooo.set, end);
  if (a->ooo.set.n == 0)
    tct_tcp_reasm_deinit(s, &a->ooo);
  if (tct_seq_leq(a->rx.begin, end) && tct_seq_lt(end, a->rx.end))
    tct_queue_discard_from(&a->rx, &s->chunks, end);
}

TCT_HOT tct_verdict tct_tcp_reasm_input(tct_stack *s, struct tct_tcp *c, const struct tct_text *t) {
  struct tct_tcp_active *a = tct_tcp_block_active(s, c);
  if (a == NULL)
    return TCT_DROP_NO_MEMORY;
  if (t->seq != c->rcv.nxt)
    return input_out_of_order(s, c, a, t);
  struct tct_range twice;
  bool had_gap = a->ooo.set.n > 0;
  if (had_gap && tct_ranges_overlap(&a->ooo.set, t->seq, tct_seq_add(t->seq, t->len), &twice))
    tct_tcp_reasm_duplicate(s, c, twice.begin, twice.end);
  uint32_t stored = store(s, &a->rx, t);
  if (stored == 0 && !TCT_PLANT(ACK_WITHOUT_MEMORY))
    return TCT_DROP_NO_MEMORY;
  tct_seq end = tct_seq_add(t->seq, TCT_PLANT(ACK_WITHOUT_MEMORY) ? t->len : stored);
  if (had_gap)
    end = join(&a->ooo, end);
  if (a->ooo.set.n == 0 && a->ooo.set.at != a->ooo.first)
    tct_tcp_reasm_deinit(s, &a->ooo);
  uint32_t seg_len = t->pkt->seg_size != 0 ? t->pkt->seg_size : t->len;
  TCT_EXTRA_ADD(c, bytes_received, tct_seq_len(c->rcv.nxt, end));
  tct_tcp_recv_on_in_order(s, c, tct_seq_len(c->rcv.nxt, end), seg_len, had_gap);
  if ((c->rcv.flags & TCT_RCV_SHUT) != 0 && !s->tcp->profile->shut_keeps_text)
    tct_tcp_reasm_discard(s, c);
  return TCT_ACCEPTED;
}

/* A duplicate is told even if it is all of a block: the block that holds it follows (RFC 2883 4).
 */
static void add_block(struct tct_tcp_opts *o, unsigned room, struct tct_range r, bool has_dsack) {
  for (unsigned i = has_dsack ? 1 : 0; i < o->n_sack; i++) {
    if (o->sack[i].begin == r.begin && o->sack[i].end == r.end)
      return;
  }
  if (o->n_sack >= room)
    return;
  o->sack[o->n_sack].begin = r.begin;
  o->sack[o->n_sack++].end = r.end;
}

/* Around a number that is held; a FIN beyond a gap is the last of its block, or a block of its own.
 */
static bool find_block(const struct tct_tcp *c, const struct tct_tcp_active *a, tct_seq at,
                       struct tct_range *block) {
  bool fin = (c->rcv.flags & TCT_RCV_FIN_OOO) != 0;
  const struct tct_range *r = tct_ranges_find(&a->ooo.set, at);
  if (r == NULL && (!fin || at != a->fin_seq))
    return false;
  if (r == NULL)
    r = tct_ranges_find(&a->ooo.set, tct_seq_sub(at, 1));
  *block = r != NULL ? *r : (struct tct_range){at, at};
  if (fin && block->end == a->fin_seq)
    block->end = tct_seq_add(block->end, 1);
  return true;
}

void tct_tcp_reasm_on_fin(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a != NULL)
    remember_recent(&a->ooo, a->fin_seq);
}

/* First a duplicate to report, then the block of the newest arrival, then older ones (RFC 2018 4,
 * RFC 2883 4). */
void tct_tcp_reasm_sack_blocks(const struct tct_tcp *c, struct tct_tcp_opts *o, unsigned room) {
  const struct tct_tcp_active *a = c->active;
  struct tct_range block;
  if (a == NULL)
    return;
  bool dsack = a->ooo.n_dsack > 0;
  if (dsack)
    add_block(o, room, a->ooo.dsack[0], true);
  for (unsigned i = 0; i < a->ooo.n_recent; i++) {
    if (find_block(c, a, a->ooo.recent[i], &block))
      add_block(o, room, block, dsack);
  }
  for (unsigned i = 0; i < a->ooo.set.n && o->n_sack < room; i++) {
    if (find_block(c, a, a->ooo.set.at[i].begin, &block))
      add_block(o, room, block, dsack);
  }
  if ((c->rcv.flags & TCT_RCV_FIN_OOO) != 0 && find_block(c, a, a->fin_seq, &block))
    add_block(o, room, block, dsack); /* one without text is in no range */
}

void tct_tcp_reasm_on_sack_sent(struct tct_tcp *c) {
  struct tct_tcp_active *a = c->active;
  if (a == NULL || a->ooo.n_dsack == 0)
    return;
  memmove(a->ooo.dsack, a->ooo.dsack + 1, sizeof a->ooo.dsack - sizeof a->ooo.dsack[0]);
  a->ooo.n_dsack--;
}
