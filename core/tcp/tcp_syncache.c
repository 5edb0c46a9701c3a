/* SPDX-License-Identifier: MIT */
/*
 * tcp_syncache.c - where half-open connections live: 64-byte records, four to a bucket, two buckets
 * to choose from by keyed hash, nothing beside them. Called by tcp_listen, tcp_ask. Leaves to them
 * what a record means.
 *
 * The table grows by one bucket at a time (linear hashing): 8 KiB are allocated now and then, no
 * call moves more than a few records. It never shrinks: 80 bytes a record at limits.half_open, and
 * a flood finds no more. There is no timer node: each slice of 128 records knows the earliest time
 * at which one of them may be due, and a hand goes round. Bound: a record is fired within 10 ms of
 * its time while at most SLICES_PER_SWEEP slices have something due, and within 160 ms however
 * large the table is. RFC 4987 section 3.3.
 */
#include "tcp/tcp_listen.h"
#include "util/plant.h"

#define SLICES_PER_SWEEP 16u
#define SWEEP_AGAIN_NS TCT_MS(10)
#define WRAP_NS TCT_S(300) /* 16 bits of 10 ms tell 327 s apart */

static struct tct_syn_cache *cache_of(const tct_stack *s) {
  return s->tcp->syn;
}

static uint32_t slices_of(const struct tct_syn_cache *k) {
  return (k->buckets + TCT_SYN_SLICE_BUCKETS - 1) / TCT_SYN_SLICE_BUCKETS;
}

int tct_tcp_syncache_new(tct_stack *s) {
  struct tct_syn_cache *k = tct_stack_alloc(s, sizeof *k);
  if (k == NULL)
    return TCT_ENOMEM;
  k->limit = s->cfg.limits.half_open;
  /* a fifth of the places stays free, so that each record finds one */
  k->slices_max = (uint32_t)((uint64_t)k->limit * 5 / 4 / TCT_SYN_SLICE) + 1;
  k->buckets_max = k->slices_max * TCT_SYN_SLICE_BUCKETS;
  k->next_at = TCT_NEVER;
  s->tcp->syn = k;
  return TCT_OK;
}

void tct_tcp_syncache_free(tct_stack *s) {
  struct tct_syn_cache *k = cache_of(s);
  if (k == NULL)
    return;
  for (uint32_t i = 0; i < slices_of(k); i++)
    tct_stack_free(s, k->slices[i].at, TCT_SYN_SLICE * sizeof(struct tct_half_open));
  tct_stack_free(s, k->slices, k->slices_max * sizeof *k->slices);
  tct_stack_free(s, k, sizeof *k);
  s->tcp->syn = NULL;
}

/* ---- Places ---------------------------------------------------------------------------------- */

static struct tct_half_open *bucket_at(const struct tct_syn_cache *k, uint32_t b) {
  return k->slices[b / TCT_SYN_SLICE_BUCKETS].at +
         (size_t)(b % TCT_SYN_SLICE_BUCKETS) * TCT_SYN_BUCKET;
}

/* A bucket's number among n that are not a power of two: buckets not split yet take their twins'
 * records. */
static uint32_t place(uint32_t h, uint32_t n) {
  uint32_t mask = n <= 1 ? 0 : UINT32_MAX >> __builtin_clz(n - 1);
  uint32_t b = h & mask;
  return b < n ? b : b & mask >> 1;
}

/* Bits 24 to 31 of the high half stay out, a handle keeps gen8 there. */
static uint32_t choice(uint64_t hash, unsigned which) {
  return which == 0 ? (uint32_t)hash : (uint32_t)(hash >> 32) & 0xffffffu;
}

static bool is_free(const struct tct_half_open *r) {
  return tct_half_phase(r) == TCT_HALF_FREE;
}

static struct tct_half_open *free_place(const struct tct_syn_cache *k, uint32_t b) {
  struct tct_half_open *r = bucket_at(k, b);
  for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++) {
    if (is_free(&r[i]))
      return &r[i];
  }
  return NULL;
}

static uint32_t fill_of(const struct tct_syn_cache *k, uint32_t b) {
  const struct tct_half_open *r = bucket_at(k, b);
  uint32_t n = 0;
  for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++)
    n += is_free(&r[i]) ? 0 : 1;
  return n;
}

static void move_to(struct tct_syn_cache *k, struct tct_half_open *from, uint32_t bucket,
                    struct tct_half_open *to) {
  struct tct_syn_slice *slice = &k->slices[bucket / TCT_SYN_SLICE_BUCKETS];
  slice->earliest = tct_time_min(slice->earliest, k->next_at); /* early is harmless */
  *to = *from;
  memset(from, 0, sizeof *from);
}

static uint32_t bucket_of(const tct_stack *s, const struct tct_half_open *r, uint64_t hash) {
  const struct tct_syn_cache *k = cache_of(s);
  uint32_t b = place(choice(hash, 0), k->buckets);
  const struct tct_half_open *first = bucket_at(k, b);
  return r >= first && r < first + TCT_SYN_BUCKET ? b : place(choice(hash, 1), k->buckets);
}

struct tct_half_open *tct_tcp_syncache_find(tct_stack *s, const struct tct_tuple *t) {
  struct tct_syn_cache *k = cache_of(s);
  if (k->used == 0)
    return NULL;
  uint64_t hash = tct_tcp_demux_hash(s, t);
  for (unsigned which = 0; which < 2; which++) {
    struct tct_half_open *r = bucket_at(k, place(choice(hash, which), k->buckets));
    for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++) {
      if (!is_free(&r[i]) && memcmp(&r[i].key, t, sizeof *t) == 0)
        return &r[i];
    }
  }
  return NULL;
}

/* ---- Growth ---------------------------------------------------------------------------------- */

static bool add_slice(tct_stack *s, struct tct_syn_cache *k) {
  if (k->slices == NULL)
    k->slices = tct_stack_alloc(s, k->slices_max * sizeof *k->slices);
  if (k->slices == NULL)
    return false;
  struct tct_syn_slice *slice = &k->slices[k->buckets / TCT_SYN_SLICE_BUCKETS];
  slice->at = tct_stack_alloc(s, TCT_SYN_SLICE * sizeof(struct tct_half_open));
  slice->earliest = TCT_NEVER;
  return slice->at != NULL;
}

/* One bucket more; its twin's records that belong there move. */
static void split(tct_stack *s, struct tct_syn_cache *k, uint32_t twin) {
  uint32_t fresh = k->buckets++;
  struct tct_half_open *r = bucket_at(k, twin);
  for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++) {
    if (is_free(&r[i]))
      continue;
    uint64_t hash = tct_tcp_demux_hash(s, &r[i].key);
    unsigned which = place(choice(hash, 0), fresh) == twin ? 0 : 1; /* by which choice it is here */
    if (place(choice(hash, which), k->buckets) == fresh)
      move_to(k, &r[i], fresh, free_place(k, fresh));
  }
}

static bool grow(tct_stack *s, struct tct_syn_cache *k) {
  if (k->buckets == k->buckets_max)
    return false;
  if (k->buckets % TCT_SYN_SLICE_BUCKETS == 0 && !add_slice(s, k))
    return false;
  if (k->buckets == 0) {
    k->buckets = TCT_SYN_SLICE_BUCKETS;
    return true;
  }
  uint32_t half = 1u << (31 - __builtin_clz(k->buckets));
  split(s, k, k->buckets - half);
  return true;
}

/* The bucket is full: can one of its four move to its other bucket, which may have to make room
 * itself? Looks at 4 + 16 records. */
static struct tct_half_open *make_room(tct_stack *s, struct tct_syn_cache *k, uint32_t b,
                                       unsigned deeper) {
  struct tct_half_open *r = bucket_at(k, b);
  for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++) {
    uint64_t hash = tct_tcp_demux_hash(s, &r[i].key);
    uint32_t b0 = place(choice(hash, 0), k->buckets), b1 = place(choice(hash, 1), k->buckets);
    uint32_t other = b0 == b ? b1 : b0;
    struct tct_half_open *to = free_place(k, other);
    if (to == NULL && deeper > 0 && other != b)
      to = make_room(s, k, other, deeper - 1);
    if (to != NULL) {
      move_to(k, &r[i], other, to);
      return &r[i];
    }
  }
  return NULL;
}

/* Seven tenths: 92 bytes a record all in; fuller, and more SYNs find both buckets taken. */
static bool is_filling_up(const struct tct_syn_cache *k) {
  return k->used >= k->buckets / 10 * 7 * TCT_SYN_BUCKET;
}

static struct tct_half_open *find_place(tct_stack *s, struct tct_syn_cache *k, uint64_t hash) {
  uint32_t a = place(choice(hash, 0), k->buckets), b = place(choice(hash, 1), k->buckets);
  uint32_t in_a = fill_of(k, a);
  struct tct_half_open *r = free_place(k, in_a == 0 || in_a <= fill_of(k, b) ? a : b);
  for (unsigned deeper = 0; deeper < 2 && r == NULL; deeper++) {
    r = make_room(s, k, a, deeper);
    r = r != NULL ? r : make_room(s, k, b, deeper);
  }
  return r;
}

struct tct_half_open *tct_tcp_syncache_insert(tct_stack *s, const struct tct_tuple *t) {
  struct tct_syn_cache *k = cache_of(s);
  if (k->used >= k->limit)
    return NULL;
  if (is_filling_up(k))
    (void)grow(s, k); /* without memory it fills up further */
  if (k->buckets == 0)
    return NULL;
  if (k->used == 0)
    k->advanced_at = s->now;
  uint64_t hash = tct_tcp_demux_hash(s, t);
  struct tct_half_open *r = find_place(s, k, hash);
  if (r == NULL)
    return NULL;
  memset(r, 0, sizeof *r);
  r->key = *t;
  tct_half_set_phase(r, TCT_HALF_ANSWERING);
  k->gen8 = k->gen8 == 255 ? 1 : (uint8_t)(k->gen8 + 1);
  r->gen8 = k->gen8;
  k->used++;
  return r;
}

void tct_tcp_syncache_remove(tct_stack *s, struct tct_half_open *r) {
  TCT_ASSERT(!is_free(r));
  if (TCT_PLANT(LEAK_OF_HALF_OPEN) && tct_half_retries(r) > 0)
    return;
  memset(r, 0, sizeof *r);
  cache_of(s)->used--;
}

/* ---- Handles --------------------------------------------------------------------------------- */

tct_syn tct_tcp_syncache_handle(const tct_stack *s, const struct tct_half_open *r) {
  uint64_t hash = tct_tcp_demux_hash(s, &r->key);
  return (tct_syn){(uint32_t)hash, ((uint32_t)(hash >> 32) & 0xffffffu) | (uint32_t)r->gen8 << 24};
}

/* Records move, so a handle is the hash that finds them, and gen8. */
struct tct_half_open *tct_tcp_syncache_at(tct_stack *s, tct_syn y) {
  struct tct_syn_cache *k = cache_of(s);
  uint64_t hash = (uint64_t)y.gen << 32 | y.index;
  for (unsigned which = 0; k->used > 0 && which < 2; which++) {
    struct tct_half_open *r = bucket_at(k, place(choice(hash, which), k->buckets));
    for (uint32_t i = 0; i < TCT_SYN_BUCKET; i++) {
      tct_syn own = is_free(&r[i]) ? (tct_syn){0, 0} : tct_tcp_syncache_handle(s, &r[i]);
      if (own.gen != 0 && own.gen == y.gen && own.index == y.index)
        return &r[i];
    }
  }
  return NULL;
}

/* ---- Time ------------------------------------------------------------------------------------ */

void tct_tcp_syncache_set_due(tct_stack *s, struct tct_half_open *r, tct_time at) {
  struct tct_syn_cache *k = cache_of(s);
  uint64_t ms = (at + TCT_MS(1) - 1) / TCT_MS(1);
  uint32_t b = bucket_of(s, r, tct_tcp_demux_hash(s, &r->key));
  struct tct_syn_slice *slice = &k->slices[b / TCT_SYN_SLICE_BUCKETS];
  r->due_10ms = (uint16_t)(ms / 10);
  r->fine = (uint8_t)((r->fine & 0xf0u) | ms % 10);
  slice->earliest = tct_time_min(slice->earliest, TCT_MS(ms));
  k->next_at = tct_time_min(k->next_at, TCT_MS(ms));
}

tct_time tct_tcp_syncache_due(const tct_stack *s, const struct tct_half_open *r) {
  uint64_t now_10ms = s->now / TCT_MS(10);
  int16_t ahead = (int16_t)(uint16_t)(r->due_10ms - (uint16_t)now_10ms);
  uint64_t at = ahead >= 0 ? now_10ms + (uint64_t)ahead
                           : now_10ms - tct_min_u64((uint64_t)(-(int)ahead), now_10ms);
  return TCT_MS(at * 10 + (r->fine & 15u));
}

tct_time tct_tcp_syncache_next_deadline(const tct_stack *s) {
  return cache_of(s)->next_at;
}

void tct_tcp_syncache_sweep_begin(tct_stack *s) {
  struct tct_syn_cache *k = cache_of(s);
  k->all_due = tct_time_sub(s->now, k->advanced_at) > WRAP_NS && k->used > 0;
  k->advanced_at = s->now;
  k->hand_at = 0;
  k->hand_left = 0;
  if (k->buckets == 0 || k->next_at > s->now)
    return;
  k->hand_left = k->all_due ? slices_of(k) : tct_max_u32(SLICES_PER_SWEEP, slices_of(k) / 16);
  k->hand_left = tct_min_u32(k->hand_left, slices_of(k));
}

static void next_slice(struct tct_syn_cache *k) {
  k->hand = k->hand + 1 < slices_of(k) ? k->hand + 1 : 0;
  k->hand_at = 0;
}

/* To a slice in which something may be due; false: none, or enough for this time. */
static bool find_slice(tct_stack *s, struct tct_syn_cache *k) {
  for (uint32_t i = 0; i < slices_of(k) && k->hand_left > 0; i++) {
    if (k->slices[k->hand].earliest <= s->now) {
      k->hand_left--;
      k->slices[k->hand].earliest = TCT_NEVER; /* gathered anew on the way through */
      return true;
    }
    next_slice(k);
  }
  return false;
}

struct tct_half_open *tct_tcp_syncache_sweep_next(tct_stack *s) {
  struct tct_syn_cache *k = cache_of(s);
  while (k->hand_at > 0 || find_slice(s, k)) {
    struct tct_syn_slice *slice = &k->slices[k->hand];
    while (k->hand_at < TCT_SYN_SLICE) {
      struct tct_half_open *r = &slice->at[k->hand_at++];
      if (is_free(r))
        continue;
      tct_time due = k->all_due ? s->now : tct_tcp_syncache_due(s, r);
      if (due <= s->now)
        return r;
      slice->earliest = tct_time_min(slice->earliest, due);
    }
    next_slice(k);
  }
  return NULL;
}

void tct_tcp_syncache_sweep_end(tct_stack *s) {
  struct tct_syn_cache *k = cache_of(s);
  tct_time at = TCT_NEVER;
  if (k->next_at > s->now)
    return;
  for (uint32_t i = 0; i < slices_of(k); i++)
    at = tct_time_min(at, k->slices[i].earliest);
  if (at <= s->now)
    at = tct_time_add(s->now, SWEEP_AGAIN_NS);
  k->next_at = k->used == 0 ? TCT_NEVER : at;
}

struct tct_half_open *tct_tcp_syncache_of_listener(tct_stack *s, uint32_t listener,
                                                   uint32_t *cursor) {
  struct tct_syn_cache *k = cache_of(s);
  for (; *cursor < k->buckets * TCT_SYN_BUCKET; (*cursor)++) {
    struct tct_half_open *r = &k->slices[*cursor / TCT_SYN_SLICE].at[*cursor % TCT_SYN_SLICE];
    if (!is_free(r) && r->listener == listener)
      return r;
  }
  return NULL;
}
