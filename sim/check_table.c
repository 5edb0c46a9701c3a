/* SPDX-License-Identifier: MIT */
/*
 * check_table.c - a hash table of pointers for the checker: open addressing, grown by doubling,
 * nothing is ever taken out (a world ends with its tables). Called by the check_*.c that keep
 * something by a key; equality is theirs to see.
 */
#include <stdlib.h>

#include "sim/check.h"
#include "util/mem.h"

static void put(struct sim_table *t, uint64_t hash, void *item) {
  size_t i = (size_t)hash & (t->cap - 1);
  while (t->slot[i].item != NULL)
    i = (i + 1) & (t->cap - 1);
  t->slot[i].hash = hash;
  t->slot[i].item = item;
}

static void grow(struct sim_table *t) {
  struct sim_table old = *t;
  t->cap = old.cap ? old.cap * 2 : 64;
  t->slot = sim_world_alloc(t->cap * sizeof *t->slot);
  memset(t->slot, 0, t->cap * sizeof *t->slot);
  for (size_t i = 0; i < old.cap; i++)
    if (old.slot[i].item != NULL)
      put(t, old.slot[i].hash, old.slot[i].item);
  free(old.slot);
}

void *sim_table_next(const struct sim_table *t, uint64_t hash, size_t *at) {
  if (t->cap == 0)
    return NULL;
  size_t i = *at == SIZE_MAX ? (size_t)hash & (t->cap - 1) : (*at + 1) & (t->cap - 1);
  for (; t->slot[i].item != NULL; i = (i + 1) & (t->cap - 1)) {
    if (t->slot[i].hash == hash) {
      *at = i;
      return t->slot[i].item;
    }
  }
  return NULL;
}

void sim_table_add(struct sim_table *t, uint64_t hash, void *item) {
  if (2 * (t->n + 1) > t->cap)
    grow(t);
  t->n++;
  put(t, hash, item);
}

void sim_table_free(struct sim_table *t, void (*free_item)(void *item)) {
  for (size_t i = 0; i < t->cap; i++)
    if (t->slot[i].item != NULL && free_item != NULL)
      free_item(t->slot[i].item);
  free(t->slot);
  memset(t, 0, sizeof *t);
}
