/* SPDX-License-Identifier: MIT */
/* Hash index. See table.h.
 *
 * The top bits of the tag choose the home slot. Robin Hood: entries of a run are ordered by home,
 * so a search may stop at the first entry that is nearer to its home than the search is to its own.
 *
 * Growth: when live is 5/8 full, an array of twice the size is asked for (spare) and cleared
 * piecewise; then live becomes old, spare becomes live, and old's slots are moved from 0 up. In old
 * nothing is shifted any more: entries that have left stay as GONE, so that runs keep their order.
 * Numbers: of N slots, N/256 insertions clear and N/8 move, so old never exceeds 5/8 + 1/256 and
 * live is 3/8 full at the end. */
#include "util/table.h"
#include "util/steps.h"

#include "util/assert.h"
#include "util/mem.h"

#define GONE (TCT_TABLE_NONE - 1)
#define FIRST_BITS 6u
#define LAST_BITS 28u
#define CLEAR_SLOTS 512u
#define MOVE_SLOTS 8u

TCT_STATIC_ASSERT(GONE > TCT_TABLE_REF_MAX, "no reference looks like a marker");

static uint32_t count_slots(const struct tct_table_array *a) {
  return 1u << a->bits;
}

static uint32_t get_home(const struct tct_table_array *a, uint32_t tag) {
  return tag >> (32 - a->bits);
}

static uint32_t get_place(const struct tct_table_array *a, uint32_t tag, uint32_t distance) {
  return (get_home(a, tag) + distance) & (count_slots(a) - 1);
}

/* How far the entry in slot i is from its home. */
static uint32_t get_distance(const struct tct_table_array *a, uint32_t i) {
  return (i - get_home(a, a->at[i].tag)) & (count_slots(a) - 1);
}

static bool alloc_array(struct tct_table *t, struct tct_table_array *a, uint32_t bits) {
  size_t bytes = sizeof(a->at[0]) << bits;
  a->at = t->alloc->alloc(t->alloc->ctx, bytes, 64);
  a->bits = bits;
  return a->at != NULL;
}

static void free_array(struct tct_table *t, struct tct_table_array *a) {
  if (a->at != NULL)
    t->alloc->free(t->alloc->ctx, a->at, sizeof(a->at[0]) << a->bits);
  a->at = NULL;
}

static void clear_slots(struct tct_table_array *a, uint32_t from, uint32_t n) {
  memset(&a->at[from], 0xff, n * sizeof(a->at[0])); /* ref = TCT_TABLE_NONE */
}

/* -- one array ------------------------------------------------------------------------------------
 */

/* From it->distance on; leaves the slot found at it->distance - 1. */
static uint32_t scan(const struct tct_table_array *a, struct tct_table_it *it) {
  for (;;) {
    TCT_STEP();
    uint32_t i = get_place(a, it->tag, it->distance);
    const struct tct_table_slot *slot = &a->at[i];
    if (slot->ref == TCT_TABLE_NONE || get_distance(a, i) < it->distance)
      return TCT_TABLE_NONE;
    it->distance++;
    if (slot->tag == it->tag && slot->ref != GONE)
      return slot->ref;
  }
}

/* The slot of this very entry, or NULL. */
static struct tct_table_slot *locate(const struct tct_table_array *a, uint32_t tag, uint32_t ref) {
  struct tct_table_it it = {.tag = tag};
  if (a->at == NULL)
    return NULL;
  for (;;) {
    uint32_t found = scan(a, &it);
    if (found == TCT_TABLE_NONE)
      return NULL;
    if (found == ref)
      return &a->at[get_place(a, tag, it.distance - 1)];
  }
}

/* Slots from the home slot to the first free one, but no more than the bound and one. */
static uint32_t measure_run(const struct tct_table_array *a, uint32_t tag) {
  uint32_t run = 0;
  while (run <= TCT_TABLE_PROBE_MAX && a->at[get_place(a, tag, run)].ref != TCT_TABLE_NONE)
    run++;
  return run;
}

/* Whoever is nearer to home gives way. There is a free slot. */
static void place(const struct tct_table_array *a, struct tct_table_slot entry) {
  uint32_t distance = 0;
  uint32_t i = get_home(a, entry.tag);
  while (a->at[i].ref != TCT_TABLE_NONE) {
    uint32_t theirs = get_distance(a, i);
    if (theirs < distance) {
      struct tct_table_slot evicted = a->at[i];
      a->at[i] = entry;
      entry = evicted;
      distance = theirs;
    }
    i = (i + 1) & (count_slots(a) - 1);
    distance++;
  }
  a->at[i] = entry;
}

/* Closes the gap by moving the run's rest one slot towards home. */
static void take_out(const struct tct_table_array *a, uint32_t i) {
  for (;;) {
    uint32_t next = (i + 1) & (count_slots(a) - 1);
    if (a->at[next].ref == TCT_TABLE_NONE || get_distance(a, next) == 0)
      break;
    a->at[i] = a->at[next];
    i = next;
  }
  a->at[i].ref = TCT_TABLE_NONE;
}

/* -- growth ---------------------------------------------------------------------------------------
 */

static void clear_some(struct tct_table *t) {
  uint32_t n = tct_min_u32(CLEAR_SLOTS, count_slots(&t->spare) - t->cursor);
  clear_slots(&t->spare, t->cursor, n);
  t->cursor += n;
  if (t->cursor < count_slots(&t->spare))
    return;
  t->old = t->live;
  t->live = t->spare;
  t->spare.at = NULL;
  t->live_used = 0;
  t->cursor = 0;
}

static void move_some(struct tct_table *t) {
  for (uint32_t n = 0; n < MOVE_SLOTS && t->cursor < count_slots(&t->old); n++, t->cursor++) {
    struct tct_table_slot *slot = &t->old.at[t->cursor];
    if (slot->ref >= GONE)
      continue;
    place(&t->live, *slot);
    t->live_used++;
    slot->ref = GONE;
  }
  if (t->cursor == count_slots(&t->old))
    free_array(t, &t->old);
}

/* The share of growth that each insertion and removal bears. */
static void step_growth(struct tct_table *t) {
  if (t->spare.at != NULL)
    clear_some(t);
  else if (t->old.at != NULL)
    move_some(t);
}

static void start_growth(struct tct_table *t) {
  if (t->spare.at != NULL || t->old.at != NULL || t->live.bits >= LAST_BITS)
    return;
  if (alloc_array(t, &t->spare, t->live.bits + 1))
    t->cursor = 0;
}

/* Is there a place for one more? Starts growth in time; goes on to 7/8 where memory is short. */
static bool make_room(struct tct_table *t) {
  if (t->live.at == NULL) {
    if (!alloc_array(t, &t->live, FIRST_BITS))
      return false;
    clear_slots(&t->live, 0, count_slots(&t->live));
  }
  uint32_t eighth = count_slots(&t->live) / 8;
  if (t->live_used >= 5 * eighth)
    start_growth(t);
  return t->live_used < 7 * eighth;
}

/* -- the whole ------------------------------------------------------------------------------------
 */

static uint32_t get_tag(uint64_t hash) {
  return (uint32_t)(hash >> 32);
}

void tct_table_init(struct tct_table *t, const tct_alloc *alloc, uint32_t limit) {
  *t = (struct tct_table){.alloc = alloc, .limit = limit};
}

void tct_table_deinit(struct tct_table *t) {
  free_array(t, &t->live);
  free_array(t, &t->old);
  free_array(t, &t->spare);
  tct_table_init(t, t->alloc, t->limit);
}

bool tct_table_insert(struct tct_table *t, uint64_t hash, uint32_t ref) {
  TCT_ASSERT(ref <= TCT_TABLE_REF_MAX);
  struct tct_table_slot entry = {get_tag(hash), ref};
  step_growth(t);
  if (t->used >= t->limit || !make_room(t))
    return false;
  TCT_CHECKED(locate(&t->live, entry.tag, ref) == NULL && locate(&t->old, entry.tag, ref) == NULL);
  uint32_t run = measure_run(&t->live, entry.tag);
  if (run > TCT_TABLE_PROBE_MAX)
    return false;
  t->probe_max = tct_max_u32(t->probe_max, run);
  place(&t->live, entry);
  t->live_used++;
  t->used++;
  return true;
}

bool tct_table_remove(struct tct_table *t, uint64_t hash, uint32_t ref) {
  step_growth(t);
  struct tct_table_slot *slot = locate(&t->live, get_tag(hash), ref);
  if (slot != NULL) {
    take_out(&t->live, (uint32_t)(slot - t->live.at));
    t->live_used--;
    t->used--;
    return true;
  }
  slot = locate(&t->old, get_tag(hash), ref);
  if (slot == NULL)
    return false;
  slot->ref = GONE;
  t->used--;
  return true;
}

uint32_t tct_table_first(const struct tct_table *t, uint64_t hash, struct tct_table_it *it) {
  *it = (struct tct_table_it){.tag = get_tag(hash)};
  return tct_table_next(t, it);
}

uint32_t tct_table_next(const struct tct_table *t, struct tct_table_it *it) {
  uint32_t ref = TCT_TABLE_NONE;
  if (!it->in_old && t->live.at != NULL)
    ref = scan(&t->live, it);
  if (ref != TCT_TABLE_NONE || t->old.at == NULL)
    return ref;
  if (!it->in_old) {
    it->in_old = true;
    it->distance = 0;
  }
  return scan(&t->old, it);
}

/* -- invariants -----------------------------------------------------------------------------------
 */

/* Entries of one array; each can be reached from its home, in Robin Hood order. */
static uint32_t check_array(const struct tct_table_array *a) {
  uint32_t entries = 0;
  for (uint32_t i = 0; a->at != NULL && i < count_slots(a); i++) {
    if (a->at[i].ref == TCT_TABLE_NONE)
      continue;
    entries += a->at[i].ref != GONE;
    uint32_t before = (i + count_slots(a) - 1) & (count_slots(a) - 1);
    uint32_t distance = get_distance(a, i);
    TCT_ASSERT(distance == 0 || a->at[before].ref != TCT_TABLE_NONE);
    TCT_ASSERT(distance == 0 || get_distance(a, before) + 1 >= distance);
  }
  return entries;
}

void tct_table_check(const struct tct_table *t) {
  uint32_t in_live = check_array(&t->live);
  TCT_ASSERT(in_live == t->live_used);
  TCT_ASSERT(in_live + check_array(&t->old) == t->used);
  TCT_ASSERT(t->used <= t->limit || t->used == 0);
}
