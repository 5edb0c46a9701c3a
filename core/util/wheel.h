/* SPDX-License-Identifier: MIT */
/* Hierarchical timing wheel: O(1) arm and cancel for any number of nodes of 16 bytes.
 *
 * Eight levels of 64 slots; a slot of level 0 is 2^17 ns wide (131 us), each level is 64 times
 * coarser, and together they span all of tct_time. Each slot remembers the earliest deadline armed
 * in it, so tct_wheel_next() is exact as long as nothing was cancelled, and never late.
 *
 * The owner of a node keeps the exact deadline. tct_wheel_advance() hands over whole slots: the
 * owner fires the nodes that are due and arms the early ones again, which then land on a finer
 * level. Each hand-over brings an early node at least one level down, or to a level-0 slot with a
 * later earliest deadline. */
#ifndef TCT_UTIL_WHEEL_H
#define TCT_UTIL_WHEEL_H

#include <stdint.h>

#include "tercet/tercet.h"
#include "util/list.h"

#define TCT_WHEEL_TICK_SHIFT 17
#define TCT_WHEEL_LEVELS 8
#define TCT_WHEEL_SLOTS 64

struct tct_wheel_slot {
  struct tct_list nodes;
  tct_time earliest; /* of the deadlines armed since the slot was last empty */
};

struct tct_wheel {
  tct_time now; /* of the last advance */
  uint64_t occupied[TCT_WHEEL_LEVELS];
  struct tct_wheel_slot slot[TCT_WHEEL_LEVELS * TCT_WHEEL_SLOTS];
};

void tct_wheel_init(struct tct_wheel *w, tct_time now);

/* Moves the node here from wherever it is on this wheel or on a due list. TCT_NEVER only cancels. A
 * deadline that has passed is handed over by the next advance. The node must have been
 * tct_list_init()ed once. */
void tct_wheel_arm(struct tct_wheel *w, struct tct_list *node, tct_time deadline);
void tct_wheel_cancel(struct tct_wheel *w, struct tct_list *node);

/* The earliest time at which something may be due; TCT_NEVER if nothing is armed. */
tct_time tct_wheel_next(const struct tct_wheel *w);

/* now must not go back. Appends to `due` the nodes of each slot whose earliest deadline has come,
 * slots in the order of that deadline, nodes in the order of arming. */
void tct_wheel_advance(struct tct_wheel *w, tct_time now, struct tct_list *due);

void tct_wheel_check(const struct tct_wheel *w);

#endif
