/* SPDX-License-Identifier: MIT */
/*
 * ip_reply.c - answers that are fixed by what came in, waiting for tct_output: one ring of whole
 * packets an interface.
 *
 * Filled by TCP (RST, SYN-ACK, TIME-WAIT), ICMP and UDP (datagrams that need fragments); emptied by
 * stack.c. A packet lies in one piece; where the ring's end is too short for it a filler record
 * takes the rest. Frames that were handed out point into the ring: those bytes (`lent`) stay until
 * the next call. If the ring must grow meanwhile, the old block is kept for them (`retired`).
 */
#include "ip/ip.h"

enum { CAP_MIN = 4096, UNIT = 8 };

struct record { /* then the packet, rounded up to UNIT */
  uint32_t len;
  uint16_t why;
  uint16_t filler; /* 1: nothing in here */
};
TCT_STATIC_ASSERT(sizeof(struct record) == UNIT, "a filler must fit in any rest of the ring");

struct block {         /* stands before the ring's bytes */
  struct block *older; /* of retired ones */
  size_t size;
};

static struct block *get_block(uint8_t *ring) {
  return (struct block *)(void *)(ring - sizeof(struct block));
}

static uint32_t round_up(uint32_t n) {
  return (n + UNIT - 1) & ~(uint32_t)(UNIT - 1);
}

static uint32_t get_record_bytes(uint32_t len) {
  return UNIT + round_up(len);
}

static struct record *get_record(const struct tct_replies *r, uint32_t pos) {
  return (struct record *)(void *)(r->ring + pos);
}

static uint32_t wrap(const struct tct_replies *r, uint32_t pos) {
  return pos >= r->cap ? pos - r->cap : pos;
}

static void free_retired(tct_stack *s, struct tct_replies *r) {
  struct block *b = r->retired;
  r->retired = NULL;
  while (b != NULL) {
    struct block *older = b->older;
    tct_stack_free(s, b, b->size);
    b = older;
  }
}

/* Returns what is kept. */
static struct block *retire(tct_stack *s, const struct tct_replies *r) {
  struct block *old = get_block(r->ring);
  if (r->lent > 0) {
    old->older = r->retired;
    return old;
  }
  tct_stack_free(s, old, old->size);
  return r->retired;
}

/* Moves what is not lent to a new block; the old one is kept while frames point into it. */
static bool grow(tct_stack *s, struct tct_replies *r, uint32_t cap) {
  struct block *b = tct_stack_alloc(s, sizeof *b + cap), *retired = NULL;
  if (b == NULL)
    return false;
  b->size = sizeof *b + cap;
  uint8_t *ring = (uint8_t *)(b + 1);
  if (r->ring != NULL) {
    uint32_t live = r->used - r->lent, from = wrap(r, r->head + r->lent);
    uint32_t first = tct_min_u32(live, r->cap - from);
    memcpy(ring, r->ring + from, first);
    memcpy(ring + first, r->ring, live - first);
    retired = retire(s, r);
  }
  *r =
      (struct tct_replies){.ring = ring, .cap = cap, .used = r->used - r->lent, .retired = retired};
  return true;
}

static bool make_room(tct_stack *s, struct tct_replies *r, uint32_t need) {
  if (r->cap - r->used >= need)
    return true;
  uint32_t cap_max = s->cfg.limits.reply_bytes & ~(uint32_t)(UNIT - 1);
  uint64_t want = (uint64_t)(r->used - r->lent) + need;
  uint64_t cap = tct_max_u32(r->cap, CAP_MIN);
  while (cap < want)
    cap *= 2;
  cap = tct_min_u64(cap, cap_max);
  return cap >= want && (r->cap < cap || r->lent > 0) && grow(s, r, (uint32_t)cap);
}

/* Room for len bytes, which make_room has promised; wraps first if it must. */
static uint8_t *push(struct tct_replies *r, uint32_t len, tct_why why) {
  uint32_t bytes = get_record_bytes(len);
  if (r->used == 0)
    r->head = 0;
  uint32_t tail = wrap(r, r->head + r->used);
  if (tail >= r->head && r->used < r->cap && r->cap - tail < bytes) {
    *get_record(r, tail) = (struct record){.len = r->cap - tail - UNIT, .filler = 1};
    r->used += r->cap - tail;
    tail = 0;
  }
  TCT_ASSERT(r->cap - r->used >= bytes && r->cap - tail >= bytes);
  *get_record(r, tail) = (struct record){.len = len, .why = (uint16_t)why};
  r->used += bytes;
  return r->ring + tail + UNIT;
}

static void push_whole(tct_stack *s, const struct tct_ip_tx *tx, const void *l4, uint32_t len,
                       tct_why why) {
  uint32_t header = (uint32_t)tct_ip_header_len(tx->dst);
  uint8_t *p = push(&s->ifs[tx->ifi].replies, header + len, why);
  tct_ip_output_header(s, tx, len, p);
  memcpy(p + header, l4, len);
}

struct cut { /* how a packet is divided */
  uint32_t header, step, n;
};

static struct cut plan_cut(const struct tct_ip_tx *tx, uint32_t len, uint32_t mtu) {
  struct cut c;
  c.header = tct_bytes_addr_is_ipv4(&tx->dst) ? TCT_IP4_HEADER_LEN
                                              : TCT_IP6_HEADER_LEN + TCT_IP6_FRAGMENT_LEN;
  c.step = (mtu - c.header) & ~7u;
  c.n = (len + c.step - 1) / c.step;
  return c;
}

static void push_fragments(tct_stack *s, const struct tct_ip_tx *tx, const uint8_t *l4,
                           uint32_t len, const struct cut *c) {
  struct tct_ip_piece piece = {.id = tct_ip_output_id(s, tx)};
  for (; piece.off < len; piece.off += c->step) {
    piece.len = tct_min_u32(c->step, len - piece.off);
    piece.more = piece.off + piece.len < len;
    uint8_t *p = push(&s->ifs[tx->ifi].replies, c->header + piece.len, TCT_WHY_FRAGMENT);
    tct_ip_output_fragment(s, tx, &piece, p);
    memcpy(p + c->header, l4 + piece.off, piece.len);
  }
}

static bool refuse(tct_stack *s) {
  s->verdicts[TCT_DROP_REPLY_QUEUE_FULL]++;
  return false;
}

bool tct_ip_reply(tct_stack *s, const struct tct_ip_tx *tx, const void *l4, uint32_t len,
                  tct_why why) {
  TCT_ASSERT(tx->ifi < s->n_ifs);
  struct tct_replies *r = &s->ifs[tx->ifi].replies;
  uint32_t mtu = tct_ip_pmtu(s, tx->dst, tx->ifi);
  uint32_t record = get_record_bytes(tct_min_u32((uint32_t)tct_ip_header_len(tx->dst) + len, mtu));
  bool whole = tct_ip_header_len(tx->dst) + len <= mtu;
  if (!whole && (tx->dont_frag || len > UINT16_MAX - TCT_IP4_HEADER_LEN))
    return refuse(s);
  struct cut c = whole ? (struct cut){.n = 1} : plan_cut(tx, len, mtu);
  /* One record more than needed: wrapping can leave as much unused at the end. */
  if (!make_room(s, r, (c.n + 1) * record))
    return refuse(s);
  if (whole)
    push_whole(s, tx, l4, len, why);
  else
    push_fragments(s, tx, l4, len, &c);
  return true;
}

bool tct_ip_reply_raw(tct_stack *s, uint32_t ifi, const void *frame, uint32_t len, tct_why why) {
  struct tct_replies *r = &s->ifs[ifi].replies;
  if (!make_room(s, r, 2 * get_record_bytes(len)))
    return refuse(s);
  memcpy(push(r, len, why), frame, len);
  return true;
}

void tct_ip_reply_release_shown(tct_stack *s, struct tct_replies *r) {
  free_retired(s, r);
  if (r->lent == 0)
    return;
  r->head = wrap(r, r->head + r->lent);
  r->used -= r->lent;
  r->lent = 0;
  if (r->used == 0 && r->cap > CAP_MIN) { /* a burst is over: its memory goes back */
    tct_stack_free(s, get_block(r->ring), get_block(r->ring)->size);
    memset(r, 0, sizeof *r);
    (void)make_room(s, r, UNIT);
  }
}

/* The least ring is there from the start: a stack without memory can still answer. */
bool tct_ip_reply_init(tct_stack *s, struct tct_replies *r) {
  return make_room(s, r, UNIT);
}

void tct_ip_reply_deinit(tct_stack *s) {
  for (uint32_t i = 0; i < s->n_ifs; i++) {
    struct tct_replies *r = &s->ifs[i].replies;
    free_retired(s, r);
    if (r->ring != NULL)
      tct_stack_free(s, get_block(r->ring), get_block(r->ring)->size);
    memset(r, 0, sizeof *r);
  }
}

static void show(tct_frame *f, struct tct_out *out, const struct record *rec) {
  out->iov[0] = (tct_iov){.base = rec + 1, .len = rec->len};
  *f = (tct_frame){.iov = out->iov, .n_iov = 1, .len = rec->len, .why = rec->why};
}

static size_t lend(const tct_stack *s, struct tct_replies *r, tct_frame *f, struct tct_out *out,
                   size_t n) {
  size_t done = 0;
  while (done < n && r->lent < r->used) {
    const struct record *rec = get_record(r, wrap(r, r->head + r->lent));
    r->lent += get_record_bytes(rec->len);
    if (rec->filler)
      continue;
    show(&f[done], &out[done], rec);
    f[done].at = s->now;
    done++;
  }
  return done;
}

size_t tct_ip_reply_output(tct_stack *s, uint32_t ifi, tct_frame *f, struct tct_out *out,
                           size_t n) {
  struct tct_replies *r = &s->ifs[ifi].replies;
  if (out == s->out) /* the first frame of this call: no earlier one can still be in use */
    tct_ip_reply_release(s, ifi);
  return r->lent < r->used ? lend(s, r, f, out, n) : 0;
}

/* R1: records fill `used` exactly; R2: none crosses the end; R3: lent ends at a record's border. */
void tct_ip_reply_check(const struct tct_replies *r) {
  uint32_t done = 0;
  bool border = r->lent == 0;
  TCT_ASSERT(r->used <= r->cap && r->lent <= r->used);
  while (done < r->used) {
    uint32_t pos = wrap(r, r->head + done);
    uint32_t bytes = get_record_bytes(get_record(r, pos)->len);
    TCT_ASSERT(bytes <= r->cap - pos);
    done += bytes;
    border |= done == r->lent;
  }
  TCT_ASSERT(done == r->used && border);
}
