/* SPDX-License-Identifier: MIT */
/* Hash index. See table.h.
 *
 * The top bits of the tag choose the home slot. Robin Hood: entries of a run are ordered by home,
 * so a search may stop at the first entry that is nearer to its home than the search is to its own.
 *
 * Growth: when live is 5/8 full, an array of twice the size is asked for (spare) and cleared
 * piecewise; then live becomes old, spare becomes live, and old's slots are moved from 0 up. In old
 * nothing is shifted any more: entries that have left stay as GONE, so that runs keep their order.
 * A segment of old is given back once the cursor is so far behind its end that nothing whose home
 * lies in it can be left: a search that comes to a segment that is gone has come to its end.
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
  return (i - get_home(a, tct_table_slot(a, i)->tag)) & (count_slots(a) - 1);
}

static uint32_t segments_of(const struct tct_table_array *a) {
  return a->bits > TCT_TABLE_SEGMENT_BITS ? 1u << (a->bits - TCT_TABLE_SEGMENT_BITS) : 1;
}

static size_t segment_bytes(const struct tct_table_array *a) {
  return sizeof(struct tct_table_slot) << tct_min_u32(a->bits, TCT_TABLE_SEGMENT_BITS);
}

/* The list of segments, without any. */
static bool alloc_list(struct tct_table *t, struct tct_table_array *a, uint32_t bits) {
  *a = (struct tct_table_array){.bits = bits};
  size_t bytes = segments_of(a) * sizeof(void *);
  a->segment = t->alloc->alloc(t->alloc->ctx, bytes, 64);
  if (a->segment != NULL)
    memset(a->segment, 0, bytes);
  return a->segment != NULL;
}

/* The segment that slot i is in. */
static bool alloc_segment(struct tct_table *t, struct tct_table_array *a, uint32_t i) {
  struct tct_table_slot **segment = &a->segment[i >> TCT_TABLE_SEGMENT_BITS];
  if (*segment == NULL)
    *segment = t->alloc->alloc(t->alloc->ctx, segment_bytes(a), 64);
  return *segment != NULL;
}

static void free_segment(struct tct_table *t, struct tct_table_array *a, uint32_t n) {
  if (a->segment[n] != NULL)
    t->alloc->free(t->alloc->ctx, a->segment[n], segment_bytes(a));
  a->segment[n] = NULL;
}

static void free_array(struct tct_table *t, struct tct_table_array *a) {
  if (a->segment == NULL)
    return;
  for (uint32_t n = 0; n < segments_of(a); n++)
    free_segment(t, a, n);
  t->alloc->free(t->alloc->ctx, a->segment, segments_of(a) * sizeof(void *));
  a->segment = NULL;
}

/* They lie in one segment. */
static void clear_slots(struct tct_table_array *a, uint32_t from, uint32_t n) {
  struct tct_table_slot *slot = tct_table_slot(a, from);
  memset(slot, 0xff, n * sizeof *slot); /* ref = TCT_TABLE_NONE */
}

static bool is_gone(const struct tct_table_array *a, uint32_t i) {
  return a->segment[i >> TCT_TABLE_SEGMENT_BITS] == NULL;
}

/* -- one array ------------------------------------------------------------------------------------
 */

/* From it->distance on; leaves the slot found at it->distance - 1. */
static uint32_t scan(const struct tct_table_array *a, struct tct_table_it *it) {
  for (;;) {
    TCT_STEP();
    uint32_t i = get_place(a, it->tag, it->distance);
    if (is_gone(a, i))
      return TCT_TABLE_NONE;
    const struct tct_table_slot *slot = tct_table_slot(a, i);
    if (slot->ref == TCT_TABLE_NONE)
      return TCT_TABLE_NONE;
    bool match = slot->tag == it->tag; /* its home is where the search began */
    if (!match && get_distance(a, i) < it->distance)
      return TCT_TABLE_NONE;
    it->distance++;
    if (match && slot->ref != GONE)
      return slot->ref;
  }
}

/* The number of the slot of this very entry, or TCT_TABLE_NONE. */
static uint32_t locate(const struct tct_table_array *a, uint32_t tag, uint32_t ref) {
  struct tct_table_it it = {.tag = tag};
  if (a->segment == NULL)
    return TCT_TABLE_NONE;
  uint32_t found = scan(a, &it);
  while (found != TCT_TABLE_NONE && found != ref)
    found = scan(a, &it);
  return found == TCT_TABLE_NONE ? found : get_place(a, tag, it.distance - 1);
}

/* Slots from the home slot to the first free one, but no more than the bound and one. */
static uint32_t measure_run(const struct tct_table_array *a, uint32_t tag) {
  uint32_t run = 0;
  while (run <= TCT_TABLE_PROBE_MAX &&
         tct_table_slot(a, get_place(a, tag, run))->ref != TCT_TABLE_NONE)
    run++;
  return run;
}

/* Whoever is nearer to home gives way. There is a free slot. */
static void place(struct tct_table_array *a, struct tct_table_slot entry) {
  uint32_t distance = 0;
  uint32_t i = get_home(a, entry.tag);
  struct tct_table_slot *slot = tct_table_slot(a, i);
  while (slot->ref != TCT_TABLE_NONE) {
    uint32_t theirs = get_distance(a, i);
    if (theirs < distance) {
      struct tct_table_slot evicted = *slot;
      *slot = entry;
      entry = evicted;
      a->reach = tct_max_u32(a->reach, distance);
      distance = theirs;
    }
    i = (i + 1) & (count_slots(a) - 1);
    slot = tct_table_slot(a, i);
    distance++;
  }
  *slot = entry;
  a->reach = tct_max_u32(a->reach, distance);
}

/* Closes the gap that this entry leaves by moving the run's rest one slot towards home. */
static void take_out(const struct tct_table_array *a, uint32_t i) {
  for (;;) {
    uint32_t next = (i + 1) & (count_slots(a) - 1);
    if (tct_table_slot(a, next)->ref == TCT_TABLE_NONE || get_distance(a, next) == 0)
      break;
    *tct_table_slot(a, i) = *tct_table_slot(a, next);
    i = next;
  }
  tct_table_slot(a, i)->ref = TCT_TABLE_NONE;
}

/* -- growth ---------------------------------------------------------------------------------------
 */

static void clear_some(struct tct_table *t) {
  if (!alloc_segment(t, &t->spare, t->cursor))
    return;
  uint32_t n = tct_min_u32(CLEAR_SLOTS, count_slots(&t->spare) - t->cursor);
  clear_slots(&t->spare, t->cursor, n);
  t->cursor += n;
  if (t->cursor < count_slots(&t->spare))
    return;
  t->old = t->live;
  t->live = t->spare;
  t->spare.segment = NULL;
  t->live_used = 0;
  t->cursor = 0;
}

/* Called each MOVE_SLOTS slots, which divide a segment. */
static void give_back_behind(struct tct_table *t) {
  uint32_t end = t->cursor - tct_min_u32(t->cursor, t->old.reach + 1);
  uint32_t n = end >> TCT_TABLE_SEGMENT_BITS;
  if (n > 0)
    free_segment(t, &t->old, n - 1);
}

static void move_some(struct tct_table *t) {
  for (uint32_t n = 0; n < MOVE_SLOTS && t->cursor < count_slots(&t->old); n++, t->cursor++) {
    struct tct_table_slot *slot = tct_table_slot(&t->old, t->cursor);
    if (slot->ref >= GONE)
      continue;
    place(&t->live, *slot);
    t->live_used++;
    slot->ref = GONE;
  }
  if (t->cursor == count_slots(&t->old))
    free_array(t, &t->old);
  else
    give_back_behind(t);
}

/* The share of growth that each insertion and removal bears. */
static void step_growth(struct tct_table *t) {
  if (t->spare.segment != NULL)
    clear_some(t);
  else if (t->old.segment != NULL)
    move_some(t);
}

static void start_growth(struct tct_table *t) {
  if (t->spare.segment != NULL || t->old.segment != NULL || t->live.bits >= LAST_BITS)
    return;
  if (alloc_list(t, &t->spare, t->live.bits + 1))
    t->cursor = 0;
}

/* Is there a place for one more? Starts growth in time; goes on to 7/8 where memory is short. */
static bool make_room(struct tct_table *t) {
  if (t->live.segment == NULL) {
    if (!alloc_list(t, &t->live, FIRST_BITS))
      return false;
    if (!alloc_segment(t, &t->live, 0)) {
      free_array(t, &t->live);
      return false;
    }
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
  TCT_CHECKED(locate(&t->live, entry.tag, ref) == TCT_TABLE_NONE &&
              locate(&t->old, entry.tag, ref) == TCT_TABLE_NONE);
  uint32_t run = measure_run(&t->live, entry.tag);
  if (run > TCT_TABLE_PROBE_MAX)
    return false;
  t->probe_max = tct_max_u32(t->probe_max, run);
  if (run == 0)
    *tct_table_slot(&t->live, get_home(&t->live, entry.tag)) = entry;
  else
    place(&t->live, entry);
  t->live_used++;
  t->used++;
  return true;
}

bool tct_table_remove(struct tct_table *t, uint64_t hash, uint32_t ref) {
  step_growth(t);
  uint32_t at = locate(&t->live, get_tag(hash), ref);
  if (at != TCT_TABLE_NONE) {
    take_out(&t->live, at);
    t->live_used--;
    t->used--;
    return true;
  }
  if (t->old.segment != NULL)
    at = locate(&t->old, get_tag(hash), ref);
  if (at == TCT_TABLE_NONE)
    return false;
  tct_table_slot(&t->old, at)->ref = GONE;
  t->used--;
  return true;
}

uint32_t tct_table_first(const struct tct_table *t, uint64_t hash, struct tct_table_it *it) {
  *it = (struct tct_table_it){.tag = get_tag(hash)};
  return tct_table_next(t, it);
}

uint32_t tct_table_next(const struct tct_table *t, struct tct_table_it *it) {
  uint32_t ref = TCT_TABLE_NONE;
  if (!it->in_old && t->live.segment != NULL)
    ref = scan(&t->live, it);
  if (ref != TCT_TABLE_NONE || t->old.segment == NULL)
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
  for (uint32_t i = 0; a->segment != NULL && i < count_slots(a); i++) {
    if (is_gone(a, i) || tct_table_slot(a, i)->ref == TCT_TABLE_NONE)
      continue;
    entries += tct_table_slot(a, i)->ref != GONE;
    uint32_t before = (i + count_slots(a) - 1) & (count_slots(a) - 1);
    uint32_t distance = get_distance(a, i);
    TCT_ASSERT(distance == 0 || is_gone(a, before) ||
               tct_table_slot(a, before)->ref != TCT_TABLE_NONE);
    TCT_ASSERT(distance == 0 || is_gone(a, before) || get_distance(a, before) + 1 >= distance);
    TCT_ASSERT(distance <= a->reach);
  }
  return entries;
}

void tct_table_check(const struct tct_table *t) {
  uint32_t in_live = check_array(&t->live);
  TCT_ASSERT(in_live == t->live_used);
  TCT_ASSERT(in_live + check_array(&t->old) == t->used);
  TCT_ASSERT(t->used <= t->limit || t->used == 0);
}
