/* SPDX-License-Identifier: MIT */
/*
 * The world's event heap: a binary heap by time, then by the order of scheduling, so that equal
 * times are first come, first served. Called by world.c only. Knows nothing of what an event does.
 */
#include "sim/world.h"

static bool is_before(const struct sim_event *a, const struct sim_event *b) {
  return a->at != b->at ? a->at < b->at : a->order < b->order;
}

void sim_heap_push(struct sim_heap *h, const struct sim_event *e) {
  size_t i = h->n++;
  if (h->n > h->cap) {
    h->cap = h->cap ? h->cap * 2 : 64;
    h->at = sim_world_grow(h->at, h->cap * sizeof *h->at);
  }
  while (i > 0 && is_before(e, &h->at[(i - 1) / 2])) {
    h->at[i] = h->at[(i - 1) / 2];
    i = (i - 1) / 2;
  }
  h->at[i] = *e;
}

const struct sim_event *sim_heap_first(const struct sim_heap *h) {
  return h->n ? &h->at[0] : NULL;
}

/* `moved` takes the place of the first, and sinks to where it belongs. */
static void sink(struct sim_heap *h, const struct sim_event *moved) {
  size_t i = 0;
  for (;;) {
    size_t child = 2 * i + 1;
    if (child >= h->n)
      break;
    if (child + 1 < h->n && is_before(&h->at[child + 1], &h->at[child]))
      child++;
    if (!is_before(&h->at[child], moved))
      break;
    h->at[i] = h->at[child];
    i = child;
  }
  h->at[i] = *moved;
}

struct sim_event sim_heap_pop(struct sim_heap *h) {
  struct sim_event first = h->at[0];
  struct sim_event moved = h->at[--h->n];
  if (h->n > 0)
    sink(h, &moved);
  return first;
}

struct sim_event sim_heap_replace(struct sim_heap *h, const struct sim_event *e) {
  struct sim_event first = h->at[0];
  sink(h, e);
  return first;
}
