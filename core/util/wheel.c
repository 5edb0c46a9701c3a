/* SPDX-License-Identifier: MIT */
/* Hierarchical timing wheel. See wheel.h.
 *
 * A deadline goes to the level of the highest group of six bits in which its tick differs from the
 * present one. So all nodes of a level lie in the same slot of the level above as the time at which
 * they were armed, slots of a level never wrap, and the first occupied slot of a level is its
 * earliest. */
#include "util/wheel.h"

#include "util/assert.h"
#include "util/time.h"

#define SLOT_BITS 6

TCT_STATIC_ASSERT(1 << SLOT_BITS == TCT_WHEEL_SLOTS,
                  "six bits choose a slot, one word shows a level");
TCT_STATIC_ASSERT(TCT_WHEEL_TICK_SHIFT + SLOT_BITS * TCT_WHEEL_LEVELS >= 64,
                  "the levels span all of time: no overflow list");

static uint32_t choose_slot(const struct tct_wheel *w, tct_time deadline) {
  uint64_t tick = tct_time_max(deadline, w->now) >> TCT_WHEEL_TICK_SHIFT;
  uint64_t differs = tick ^ (w->now >> TCT_WHEEL_TICK_SHIFT);
  uint32_t level = (63u - (uint32_t)__builtin_clzll(differs | 1)) / SLOT_BITS;
  uint32_t index = (uint32_t)(tick >> (level * SLOT_BITS)) & (TCT_WHEEL_SLOTS - 1);
  return level * TCT_WHEEL_SLOTS + index;
}

static void clear_slot_bit(struct tct_wheel *w, uint32_t slot) {
  w->occupied[slot / TCT_WHEEL_SLOTS] &= ~((uint64_t)1 << (slot % TCT_WHEEL_SLOTS));
}

void tct_wheel_init(struct tct_wheel *w, tct_time now) {
  w->now = now;
  for (uint32_t level = 0; level < TCT_WHEEL_LEVELS; level++)
    w->occupied[level] = 0;
  for (uint32_t i = 0; i < TCT_WHEEL_LEVELS * TCT_WHEEL_SLOTS; i++) {
    tct_list_init(&w->slot[i].nodes);
    w->slot[i].earliest = TCT_NEVER;
  }
}

void tct_wheel_arm(struct tct_wheel *w, struct tct_list *node, tct_time deadline) {
  tct_wheel_cancel(w, node);
  if (deadline == TCT_NEVER)
    return;
  uint32_t i = choose_slot(w, deadline);
  struct tct_wheel_slot *slot = &w->slot[i];
  slot->earliest =
      tct_list_is_empty(&slot->nodes) ? deadline : tct_time_min(slot->earliest, deadline);
  tct_list_push_tail(&slot->nodes, node);
  w->occupied[i / TCT_WHEEL_SLOTS] |= (uint64_t)1 << (i % TCT_WHEEL_SLOTS);
}

/* A node that is alone has its list's head on both sides: that tells which slot becomes empty, if
 * the head is a slot of ours and not a due list. */
void tct_wheel_cancel(struct tct_wheel *w, struct tct_list *node) {
  struct tct_list *head = node->next;
  bool alone = head == node->prev && head != node;
  tct_list_remove(node);
  if (!alone || (uintptr_t)head < (uintptr_t)w->slot)
    return;
  uintptr_t offset = (uintptr_t)head - (uintptr_t)w->slot;
  if (offset < sizeof(w->slot))
    clear_slot_bit(w, (uint32_t)(offset / sizeof(w->slot[0])));
}

/* The slot with the earliest deadline; NULL if nothing is armed. Looks at one slot a level. */
static const struct tct_wheel_slot *find_earliest(const struct tct_wheel *w) {
  const struct tct_wheel_slot *best = NULL;
  for (uint32_t level = 0; level < TCT_WHEEL_LEVELS; level++) {
    if (w->occupied[level] == 0)
      continue;
    uint32_t index = (uint32_t)__builtin_ctzll(w->occupied[level]);
    const struct tct_wheel_slot *slot = &w->slot[level * TCT_WHEEL_SLOTS + index];
    if (best == NULL || slot->earliest < best->earliest)
      best = slot;
  }
  return best;
}

tct_time tct_wheel_next(const struct tct_wheel *w) {
  const struct tct_wheel_slot *slot = find_earliest(w);
  return slot == NULL ? TCT_NEVER : slot->earliest;
}

void tct_wheel_advance(struct tct_wheel *w, tct_time now, struct tct_list *due) {
  TCT_ASSERT(now >= w->now);
  w->now = now;
  for (;;) {
    const struct tct_wheel_slot *found = find_earliest(w);
    if (found == NULL || found->earliest > now)
      return;
    uint32_t i = (uint32_t)(found - w->slot);
    tct_list_splice_tail(due, &w->slot[i].nodes);
    clear_slot_bit(w, i);
  }
}

void tct_wheel_check(const struct tct_wheel *w) {
  for (uint32_t i = 0; i < TCT_WHEEL_LEVELS * TCT_WHEEL_SLOTS; i++) {
    uint64_t bit = (w->occupied[i / TCT_WHEEL_SLOTS] >> (i % TCT_WHEEL_SLOTS)) & 1;
    TCT_ASSERT((bit != 0) == !tct_list_is_empty(&w->slot[i].nodes));
  }
}
