/* SPDX-License-Identifier: MIT */
/*
 * Frames under way: blocks of two sizes that are used again and again, and plain ones for what is
 * larger. Called by whoever puts frames on links or takes them off.
 */
#include <stdlib.h>

#include "sim/world.h"
#include "util/mem.h"

enum { SMALL = 128, LARGE = 1536 }; /* an ACK with all options; a full Ethernet frame */

static struct sim_packet **pool_for(struct tct_sim *w, uint32_t cap) {
  if (cap == SMALL)
    return &w->free_small;
  return cap == LARGE ? &w->free_large : NULL;
}

static struct sim_packet *take(struct tct_sim *w, uint32_t len) {
  uint32_t cap = len <= SMALL ? SMALL : len <= LARGE ? LARGE : len;
  struct sim_packet **pool = pool_for(w, cap), *p;
  if (pool == NULL || *pool == NULL) {
    p = sim_world_alloc(sizeof *p + cap);
  } else {
    p = *pool;
    *pool = p->next;
  }
  p->cap = cap;
  return p;
}

struct sim_packet *sim_packet_new(struct tct_sim *w, uint32_t len) {
  struct sim_packet *p = take(w, len);
  uint32_t cap = p->cap;
  memset(p, 0, offsetof(struct sim_packet, frame.seg)); /* that is read when it sets out */
  p->cap = cap;
  p->frame.bytes = p->bytes;
  p->frame.len = len;
  return p;
}

struct sim_packet *sim_packet_copy(struct tct_sim *w, const struct sim_packet *p) {
  struct sim_packet *c = take(w, p->frame.len);
  uint32_t cap = c->cap;
  memcpy(c, p, sizeof *p + p->frame.len);
  c->cap = cap;
  c->next = NULL;
  c->frame.bytes = c->bytes;
  return c;
}

void sim_packet_free(struct tct_sim *w, struct sim_packet *p) {
  struct sim_packet **pool = pool_for(w, p->cap);
  if (pool == NULL) {
    free(p);
    return;
  }
  p->next = *pool;
  *pool = p;
}

static void free_list(struct sim_packet *p) {
  for (struct sim_packet *next; p != NULL; p = next) {
    next = p->next;
    free(p);
  }
}

void sim_packet_free_pools(struct tct_sim *w) {
  free_list(w->free_small);
  free_list(w->free_large);
}
