/* SPDX-License-Identifier: MIT */
/*
 * ip_reasm.c - fragments to whole packets, in bounded memory.
 *
 * Called by ip_input.c with each fragment. Leaves to wire/ the rules about one fragment alone, to
 * icmp.c the time-exceeded. A datagram is a sorted list of its fragments; an overlap kills it and
 * all that comes of it later (RFC 5722, for both families); an exact duplicate is ignored.
 *
 * When memory is short the oldest datagram goes of those whose sources (by a keyed hash, 64 values)
 * hold most. So a flood from one place throws out itself, and one from everywhere throws out what
 * has waited long, while an honest datagram's fragments come within milliseconds of each other.
 * What one peer can see of another is that it shares a 64th of this table with somebody busy.
 * RFC 791 section 3.2, RFC 815, RFC 1122 section 3.3.2, RFC 8200 section 4.5, RFC 3168 section 5.3.
 */
#include "ip/ip.h"

#include "util/pieces.h"
#include "util/plant.h"
#include "wire/ipv6.h"
#include "util/steps.h"

enum { DGRAMS_MIN = 4, DGRAMS_MAX = 65536 };
enum { ECN_MASK = 3, ECN_CE = 3 };

struct frag {
  struct frag *next;
  uint32_t off, len;
  uint8_t data[];
};

struct dgram {
  uint32_t link; /* of free ones, by slab */
  uint32_t index;
  struct tct_list by_age, by_bucket;
  tct_addr src, dst;
  uint32_t id;
  uint32_t key; /* family, and of IPv4 the protocol */
  uint64_t hash;
  struct frag *first, *last;
  uint32_t charged_bytes; /* all its fragments, with their headers */
  uint32_t held_bytes;    /* payload in the fragments */
  uint32_t total_bytes;   /* payload of the whole, 0: the last fragment has not come */
  uint32_t ifi;
  uint16_t n_frags;
  uint8_t bucket;
  bool dead; /* keeps its place so that late fragments die with it */
  bool has_ce, has_not_ect;
  struct tct_ip_hdr head; /* of the fragment at offset 0; family 0: not here yet */
  tct_time expires;
};
TCT_STATIC_ASSERT(sizeof(struct dgram) % 8 == 0, "a slab wants multiples of 8");

static struct tct_ip_reasm *get_reasm(const tct_stack *s) {
  return &s->ip->reasm;
}

void tct_ip_reasm_init(tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  uint32_t limit = s->cfg.limits.reasm_bytes; /* a quarter for the slab, the rest for fragments */
  uint32_t n = tct_clamp_u32(limit / 4 / (uint32_t)sizeof(struct dgram), DGRAMS_MIN, DGRAMS_MAX);
  tct_slab_init(&t->dgrams, &s->alloc, sizeof(struct dgram), offsetof(struct dgram, link), n);
  tct_table_init(&t->table, &s->alloc, n);
  tct_list_init(&t->by_age);
  for (uint32_t i = 0; i < TCT_IP_REASM_BUCKETS; i++)
    tct_list_init(&t->bucket[i].dgrams);
  t->bytes_max = limit - limit / 4;
}

/* ---- the table ------------------------------------------------------------------------------ */

static uint32_t get_key(const struct tct_ip_hdr *h) {
  return h->family == 4 ? 0x400u | h->proto : 0x600u; /* IPv6: RFC 8200 leaves next header out */
}

static uint64_t hash_of(const tct_stack *s, const struct tct_ip_hdr *h) {
  return tct_ip_hash(s, TCT_IP_HASH_REASM, h->src, h->dst, h->id ^ get_key(h) << 16);
}

static struct dgram *find(const tct_stack *s, const struct tct_ip_hdr *h, uint64_t hash) {
  struct tct_ip_reasm *t = get_reasm(s);
  struct tct_table_it it;
  uint32_t ref = tct_table_first(&t->table, hash, &it);
  for (; ref != TCT_TABLE_NONE; ref = tct_table_next(&t->table, &it)) {
    struct dgram *d = tct_slab_at(&t->dgrams, ref);
    if (d->id == h->id && d->key == get_key(h) && tct_ip_equal(d->src, h->src) &&
        tct_ip_equal(d->dst, h->dst))
      return d;
  }
  return NULL;
}

static void charge(tct_stack *s, struct dgram *d, uint32_t bytes) {
  get_reasm(s)->bytes += bytes;
  get_reasm(s)->bucket[d->bucket].bytes += bytes;
  d->charged_bytes += bytes;
}

static void discharge(tct_stack *s, struct dgram *d, uint32_t bytes) {
  TCT_ASSERT(bytes <= d->charged_bytes);
  get_reasm(s)->bytes -= bytes;
  get_reasm(s)->bucket[d->bucket].bytes -= bytes;
  d->charged_bytes -= bytes;
}

/* The struct itself weighs in its bucket, so that many small datagrams count as what they are; its
 * memory is the slab's. */
static void weigh(tct_stack *s, const struct dgram *d, bool on) {
  uint32_t *bytes = &get_reasm(s)->bucket[d->bucket].bytes;
  *bytes = on ? *bytes + (uint32_t)sizeof *d : *bytes - (uint32_t)sizeof *d;
}

static void free_frags(tct_stack *s, struct dgram *d) {
  while (d->first != NULL) {
    struct frag *f = d->first;
    d->first = f->next;
    discharge(s, d, (uint32_t)sizeof *f + f->len);
    tct_stack_free(s, f, sizeof *f + f->len);
  }
  d->last = NULL;
  d->held_bytes = 0;
}

static void free_dgram(tct_stack *s, struct dgram *d) {
  struct tct_ip_reasm *t = get_reasm(s);
  free_frags(s, d);
  weigh(s, d, false);
  tct_list_remove(&d->by_age);
  tct_list_remove(&d->by_bucket);
  bool was_in = tct_table_remove(&t->table, d->hash, d->index);
  TCT_ASSERT(was_in);
  tct_slab_free(&t->dgrams, d->index);
}

void tct_ip_reasm_deinit(tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  while (!tct_list_is_empty(&t->by_age))
    free_dgram(s, TCT_CONTAINER_OF(tct_list_first(&t->by_age), struct dgram, by_age));
  tct_table_deinit(&t->table);
  tct_slab_deinit(&t->dgrams);
}

/* The oldest of the heaviest bucket. */
static struct dgram *choose_victim(const tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  uint32_t heaviest = 0;
  for (uint32_t i = 1; i < TCT_IP_REASM_BUCKETS; i++)
    if (t->bucket[i].bytes > t->bucket[heaviest].bytes)
      heaviest = i;
  struct tct_list *node = tct_list_first(&t->bucket[heaviest].dgrams);
  return node == NULL ? NULL : TCT_CONTAINER_OF(node, struct dgram, by_bucket);
}

static void evict(tct_stack *s, struct dgram *victim) {
  if (!victim->dead)
    s->n.ReasmFails++;
  free_dgram(s, victim);
}

/* Room for bytes more, at the cost of others but never of `keep`. */
static bool make_room(tct_stack *s, uint32_t bytes, const struct dgram *keep) {
  struct tct_ip_reasm *t = get_reasm(s);
  while (t->bytes_max - t->bytes < bytes) {
    struct dgram *victim = choose_victim(s);
    if (victim == NULL || victim == keep)
      return false;
    evict(s, victim);
  }
  return true;
}

static struct dgram *add_dgram(tct_stack *s, const struct tct_pkt *p, uint64_t hash) {
  struct tct_ip_reasm *t = get_reasm(s);
  if (tct_slab_used(&t->dgrams) == t->dgrams.limit)
    evict(s, choose_victim(s));
  uint32_t index;
  struct dgram *d = tct_slab_alloc(&t->dgrams, &index);
  if (d == NULL)
    return NULL;
  if (!tct_table_insert(&t->table, hash, index)) {
    tct_slab_free(&t->dgrams, index);
    return NULL;
  }
  uint64_t bucket = tct_ip_hash(s, TCT_IP_HASH_REASM_SOURCE, p->ip.src, (tct_addr){{0}}, 0);
  *d = (struct dgram){.index = index,
                      .src = p->ip.src,
                      .dst = p->ip.dst,
                      .id = p->ip.id,
                      .key = get_key(&p->ip),
                      .hash = hash,
                      .ifi = p->ifi,
                      .bucket = (uint8_t)(bucket % TCT_IP_REASM_BUCKETS),
                      .expires = tct_time_add(s->now, TCT_IP_REASM_TIMEOUT_NS)};
  tct_list_init(&d->by_age);
  tct_list_init(&d->by_bucket);
  tct_list_push_tail(&t->by_age, &d->by_age);
  tct_list_push_tail(&t->bucket[d->bucket].dgrams, &d->by_bucket);
  weigh(s, d, true);
  return d;
}

/* ---- one fragment --------------------------------------------------------------------------- */

static tct_verdict kill(tct_stack *s, struct dgram *d, tct_verdict v) {
  free_frags(s, d);
  d->dead = true;
  s->n.ReasmFails++;
  return v;
}

/* What this fragment says about the whole must not contradict what is known. */
static bool fits_total(const struct dgram *d, const struct tct_ip_hdr *h) {
  uint32_t end = (uint32_t)h->frag_off_bytes + h->payload_len;
  if (!h->frag_more) {
    bool beyond = d->last != NULL && d->last->off + d->last->len > end;
    return !beyond && (d->total_bytes == 0 || d->total_bytes == end);
  }
  return d->total_bytes == 0 || end <= d->total_bytes;
}

/* The fragment behind which f belongs, NULL for the front. Mostly fragments come in order. */
static struct frag *find_before(const struct dgram *d, uint32_t off) {
  if (d->last != NULL && d->last->off < off)
    return d->last;
  struct frag *before = NULL;
  for (struct frag *f = d->first; f != NULL && f->off < off; f = f->next) {
    TCT_STEP();
    before = f;
  }
  return before;
}

static bool is_same(const struct frag *a, const struct frag *b) {
  return a->off == b->off && a->len == b->len && memcmp(a->data, b->data, a->len) == 0;
}

enum placing { PLACED, DUPLICATE, OVERLAP };

static enum placing place(struct dgram *d, struct frag *f) {
  struct frag *before = find_before(d, f->off);
  struct frag *after = before == NULL ? d->first : before->next;
  if (after != NULL && is_same(after, f))
    return DUPLICATE;
  if (before != NULL && before->off + before->len > f->off && !TCT_PLANT(FRAGMENTS_OVERLAP))
    return OVERLAP;
  if (after != NULL && f->off + f->len > after->off && !TCT_PLANT(FRAGMENTS_OVERLAP))
    return OVERLAP;
  f->next = after;
  if (before == NULL)
    d->first = f;
  else
    before->next = f;
  if (after == NULL)
    d->last = f;
  return PLACED;
}

static void note_header(struct dgram *d, const struct tct_pkt *p) {
  d->has_ce |= (p->ip.tclass & ECN_MASK) == ECN_CE;
  d->has_not_ect |= (p->ip.tclass & ECN_MASK) == 0;
  if (p->ip.frag_off_bytes == 0) {
    d->head = p->ip;
    d->ifi = p->ifi;
  }
  if (!p->ip.frag_more)
    d->total_bytes = (uint32_t)p->ip.frag_off_bytes + p->ip.payload_len;
}

static struct frag *copy_frag(tct_stack *s, const struct tct_pkt *p) {
  struct frag *f = tct_stack_alloc(s, sizeof *f + p->ip.payload_len);
  if (f == NULL)
    return NULL;
  f->off = p->ip.frag_off_bytes;
  f->len = p->ip.payload_len;
  tct_pieces_copy(f->data, p->iov, p->n_iov, p->l4_at, f->len);
  return f;
}

/* HELD also for what is ignored: a duplicate, or a late piece of a dead datagram. */
static tct_verdict take(tct_stack *s, struct dgram *d, const struct tct_pkt *p) {
  uint32_t cost = (uint32_t)sizeof(struct frag) + p->ip.payload_len;
  if (!fits_total(d, &p->ip))
    return kill(s, d, TCT_DROP_FRAGMENT_OVERLAP);
  if (d->n_frags >= TCT_IP_REASM_FRAGS_MAX || !make_room(s, cost, d))
    return kill(s, d, TCT_DROP_FRAGMENT_LIMIT);
  struct frag *f = copy_frag(s, p);
  if (f == NULL)
    return TCT_DROP_NO_MEMORY;
  enum placing how = place(d, f);
  if (how != PLACED) {
    tct_stack_free(s, f, sizeof *f + f->len);
    return how == DUPLICATE ? TCT_HELD_FRAGMENT : kill(s, d, TCT_DROP_FRAGMENT_OVERLAP);
  }
  charge(s, d, cost);
  d->n_frags++;
  d->held_bytes += f->len;
  note_header(d, p);
  return TCT_HELD_FRAGMENT;
}

/* ---- the whole ------------------------------------------------------------------------------ */

/* A congestion mark on any fragment is one on the whole; with Not-ECT beside it somebody lies. */
static bool merge_ecn(struct dgram *d) {
  if (!d->has_ce)
    return true;
  d->head.tclass |= ECN_CE;
  return !d->has_not_ect;
}

static size_t emit_head(const struct dgram *d, uint8_t *p) {
  struct tct_ip_hdr h = d->head;
  h.is_frag = false;
  h.frag_more = false;
  h.dont_frag = false;
  h.payload_len = (uint16_t)d->total_bytes;
  return tct_wire_ip_emit(p, &h);
}

static bool build(tct_stack *s, const struct dgram *d, struct tct_ip_whole *whole) {
  uint32_t header = d->head.family == 4 ? TCT_IP4_HEADER_LEN : TCT_IP6_HEADER_LEN;
  whole->size = header + d->total_bytes;
  whole->buf = tct_stack_alloc(s, whole->size);
  if (whole->buf == NULL)
    return false;
  emit_head(d, whole->buf);
  for (const struct frag *f = d->first; f != NULL; f = f->next)
    memcpy(whole->buf + header + f->off, f->data, f->len);
  whole->iov = (tct_iov){.base = whole->buf, .len = whole->size};
  return true;
}

/* p becomes the whole packet, as if it had come in one frame. */
static tct_verdict present(struct tct_pkt *p, const struct dgram *d, struct tct_ip_whole *whole) {
  uint32_t header = (uint32_t)(whole->size - d->total_bytes);
  p->ip = d->head;
  p->ip.is_frag = false;
  p->ip.frag_more = false;
  p->ip.header_len = (uint16_t)header;
  p->ip.payload = whole->buf + header;
  p->ip.payload_len = (uint16_t)d->total_bytes;
  p->ip.payload_have = (uint16_t)d->total_bytes;
  p->ip.proto_offset = d->head.family == 4 ? 9 : 6;
  p->iov = &whole->iov;
  p->n_iov = 1;
  p->csum = TCT_CSUM_CHECK;
  p->reassembled = true;
  tct_verdict v = TCT_ACCEPTED;
  if (p->ip.family == 6)
    v = tct_wire_ipv6_parse_chain(d->head.proto, p->ip.payload, d->total_bytes, &p->ip);
  p->l4 = p->ip.payload;
  p->l4_have = p->ip.payload_have;
  p->l4_len = p->ip.payload_len;
  p->l4_at = p->ip.header_len;
  return v;
}

static tct_verdict complete(tct_stack *s, struct tct_pkt *p, struct dgram *d,
                            struct tct_ip_whole *whole) {
  uint32_t max = d->head.family == 4 ? UINT16_MAX - TCT_IP4_HEADER_LEN : UINT16_MAX;
  if (d->total_bytes > max)
    return kill(s, d, TCT_DROP_FRAGMENT_TOO_BIG);
  if (!merge_ecn(d))
    return kill(s, d, TCT_DROP_FRAGMENT_OVERLAP);
  if (!build(s, d, whole))
    return kill(s, d, TCT_DROP_NO_MEMORY);
  tct_verdict v = present(p, d, whole);
  s->n.ReasmOKs++;
  free_dgram(s, d);
  return v;
}

tct_verdict tct_ip_reasm_input(tct_stack *s, struct tct_pkt *p, struct tct_ip_whole *whole) {
  if (p->ip.payload_len == 0)
    return TCT_DROP_FRAGMENT_SIZE; /* says nothing, and would split no overlap */
  uint64_t hash = hash_of(s, &p->ip);
  struct dgram *d = find(s, &p->ip, hash);
  if (d == NULL)
    d = add_dgram(s, p, hash);
  if (d == NULL)
    return TCT_DROP_FRAGMENT_LIMIT;
  if (d->dead)
    return TCT_DROP_FRAGMENT_OVERLAP;
  tct_verdict v = take(s, d, p);
  if (v != TCT_HELD_FRAGMENT || d->total_bytes == 0 || d->held_bytes != d->total_bytes)
    return v;
  return complete(s, p, d, whole);
}

void tct_ip_reasm_release(tct_stack *s, struct tct_ip_whole *whole) {
  if (!TCT_PLANT(LEAK_OF_FRAGMENTS))
    tct_stack_free(s, whole->buf, whole->size);
  whole->buf = NULL;
}

/* ---- time ----------------------------------------------------------------------------------- */

tct_time tct_ip_reasm_next_deadline(const tct_stack *s) {
  struct tct_list *node = tct_list_first(&get_reasm(s)->by_age);
  return node == NULL ? TCT_NEVER : TCT_CONTAINER_OF(node, struct dgram, by_age)->expires;
}

/* Only who sent the front can know from the quote what it was. RFC 1122 3.3.2, RFC 8200 4.5. */
static void report_timeout(tct_stack *s, const struct dgram *d) {
  if (d->dead || d->head.family == 0 || d->first == NULL)
    return;
  uint8_t header[TCT_IP_EMIT_MAX];
  size_t len = tct_wire_ip_emit(header, &d->head);
  tct_iov iov[2] = {{header, len}, {d->first->data, d->first->len}};
  struct tct_pkt p = {.ip = d->head, .ifi = d->ifi, .iov = iov, .n_iov = 2, .l4_at = (uint32_t)len};
  p.ip.header_len = (uint16_t)len;
  p.ip.payload = d->first->data;
  p.ip.payload_len = (uint16_t)d->first->len;
  p.ip.payload_have = p.ip.payload_len;
  p.l4 = p.ip.payload;
  p.l4_have = p.l4_len = d->first->len;
  tct_icmp_send_error(
      s, &p,
      (struct tct_ip_problem){.type = d->head.family == 4 ? 11 : 3, .code = 1, .report = true});
}

void tct_ip_reasm_advance(tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  while (!tct_list_is_empty(&t->by_age)) {
    struct dgram *d = TCT_CONTAINER_OF(tct_list_first(&t->by_age), struct dgram, by_age);
    if (d->expires > s->now)
      return;
    if (!d->dead) {
      s->n.ReasmFails++;
      s->verdicts[TCT_DROP_FRAGMENT_TIMEOUT]++;
    }
    report_timeout(s, d);
    free_dgram(s, d);
  }
}

/* F1: fragments are sorted and disjoint; F2: what is charged is held; F3: within the limit. */
static uint32_t check_dgram(const struct dgram *d) {
  uint32_t bytes = 0, held = 0, end = 0;
  for (const struct frag *f = d->first; f != NULL; f = f->next) {
    TCT_ASSERT(f->off >= end);
    end = f->off + f->len;
    held += f->len;
    bytes += (uint32_t)sizeof *f + f->len;
    TCT_ASSERT((f->next == NULL) == (f == d->last));
  }
  TCT_ASSERT(held == d->held_bytes && bytes == d->charged_bytes);
  return bytes;
}

static uint32_t count_overlaps(const struct dgram *d) {
  uint32_t n = 0, end = 0;
  for (const struct frag *f = d->first; f != NULL; f = f->next) {
    n += f->off < end;
    end = f->off + f->len;
  }
  return n;
}

uint32_t tct_ip_reasm_overlaps(const tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  uint32_t n = 0;
  for (struct tct_list *at = t->by_age.next; at != &t->by_age; at = at->next)
    n += count_overlaps(TCT_CONTAINER_OF(at, struct dgram, by_age));
  return n;
}

void tct_ip_reasm_check(const tct_stack *s) {
  struct tct_ip_reasm *t = get_reasm(s);
  uint32_t bytes = 0;
  for (struct tct_list *n = t->by_age.next; n != &t->by_age; n = n->next)
    bytes += check_dgram(TCT_CONTAINER_OF(n, struct dgram, by_age));
  TCT_ASSERT(bytes == t->bytes && bytes <= t->bytes_max);
  uint64_t weight = 0;
  for (uint32_t i = 0; i < TCT_IP_REASM_BUCKETS; i++)
    weight += t->bucket[i].bytes;
  TCT_ASSERT(weight == bytes + (uint64_t)tct_slab_used(&t->dgrams) * sizeof(struct dgram));
}
