/* SPDX-License-Identifier: MIT */
/*
 * The simulated world: one clock, one generator, one list of what is due. Called by whoever plays a
 * scenario (tests, `tercet demo`); leaves frames to link.c, stacks to host.c, scripted ends to
 * peer.c. Time moves only in run_one, and only forward.
 */
#include "sim/check.h"

#include <stdio.h>
#include <stdlib.h>

#include "sim/fault.h"
#include "sim/tape.h"
#include "util/mem.h"

void *sim_world_alloc(size_t size) {
  return sim_world_grow(NULL, size);
}

void *sim_world_grow(void *p, size_t size) {
  void *grown = realloc(p, size);
  if (grown == NULL) {
    fputs("tercet: the simulation is out of memory\n", stderr);
    abort();
  }
  return grown;
}

tct_sim *tct_sim_new(uint64_t seed) {
  tct_sim *w = sim_world_alloc(sizeof *w);
  uint8_t bytes[32] = {0};
  memset(w, 0, sizeof *w);
  for (unsigned i = 0; i < 8; i++)
    bytes[i] = (uint8_t)(seed >> (8 * i));
  tct_prng_init(&w->prng, bytes);
  w->last = &w->first;
  w->last_slot = &w->slots;
  return w;
}

static void run_action(void *ctx, void *arg);

/* Whether an event that never came to pass leaves a block of its own behind. */
static bool owns_block(const struct sim_event *e) {
  const struct sim_packet *p = e->arg;
  if (e->fn == sim_link_arrive)
    return !p->queued;
  return e->fn == run_action || e->fn == sim_link_launch_late;
}

static void free_events(tct_sim *w) {
  for (size_t i = 0; i < w->heap.n; i++)
    if (owns_block(&w->heap.at[i]))
      free(w->heap.at[i].arg);
  free(w->heap.at);
  memset(&w->heap, 0, sizeof w->heap);
}

void tct_sim_free(tct_sim *w) {
  if (w == NULL)
    return;
  free_events(w);
  sim_fault_free_all(w);
  for (size_t i = 0; i < TCT_SIM_CLASS_APP; i++)
    free(w->targets[i].at);
  sim_link_free_all(w);
  for (struct sim_node *n = w->first, *next; n != NULL; n = next) {
    next = n->next;
    n->free(n);
  }
  free_events(w); /* what a host's end is a reason for: its traces are heard to the last */
  sim_check_free(w);
  sim_packet_free_pools(w);
  free(w->content);
  free(w);
}

tct_time tct_sim_now(const tct_sim *w) {
  return w->now;
}

/* The generator moves on whether its number is used or not: what is drawn outside of the tape (the
 * stacks' seeds) then does not depend on there being one. */
static uint32_t choose(tct_sim *w, unsigned group, uint32_t bound, uint32_t drawn) {
  return w->tape == NULL ? drawn : sim_tape_choose(w->tape, group, bound, drawn);
}

uint32_t sim_world_draw(struct tct_sim *w, unsigned group, uint32_t bound) {
  return choose(w, group, bound, tct_prng_below(&w->prng, bound));
}

bool sim_world_chance_drawn(struct tct_sim *w, unsigned group, uint32_t ppm) {
  return choose(w, group, 2, tct_prng_below(&w->prng, 1000000) < ppm) != 0;
}

uint32_t tct_sim_below(tct_sim *w, uint32_t bound) {
  return sim_world_draw(w, 0, bound);
}

uint32_t tct_sim_draw(tct_sim *w, unsigned group, uint32_t bound) {
  return sim_world_draw(w, group, bound);
}

bool tct_sim_chance(tct_sim *w, unsigned group, uint32_t ppm) {
  return sim_world_chance(w, group, ppm);
}

void tct_sim_tape_set(tct_sim *w, tct_sim_tape *t) {
  w->tape = t;
}

void sim_world_add_target(struct tct_sim *w, tct_sim_fault_class c, void *target) {
  struct sim_targets *t = &w->targets[c];
  if (t->n == t->cap) {
    t->cap = t->cap ? t->cap * 2 : 8;
    t->at = sim_world_grow(t->at, t->cap * sizeof(void *));
  }
  t->at[t->n++] = target;
}

uint64_t tct_sim_digest(const tct_sim *w) {
  return w->digest;
}

void tct_sim_skip_digest(tct_sim *w) {
  w->no_digest = true;
}

uint64_t tct_sim_frames(const tct_sim *w) {
  return w->frames;
}

void sim_world_add(struct tct_sim *w, struct sim_node *n) {
  n->world = w;
  n->next = NULL;
  *w->last = n;
  w->last = &n->next;
}

void sim_world_schedule_as(struct tct_sim *w, tct_time at, uint64_t order, sim_event_fn fn,
                           void *ctx, void *arg) {
  struct sim_event e = {.at = at > w->now ? at : w->now, .order = order, .fn = fn};
  e.ctx = ctx;
  e.arg = arg;
  sim_heap_push(&w->heap, &e);
}

void sim_world_schedule(struct tct_sim *w, tct_time at, sim_event_fn fn, void *ctx, void *arg) {
  sim_world_schedule_as(w, at, w->order++, fn, ctx, arg);
}

void sim_world_count_step(struct tct_sim *w) {
  w->steps++;
}

bool sim_world_is_stuck(const struct tct_sim *w) {
  return w->steps > SIM_STEPS_PER_INSTANT_MAX;
}

static void act_all(struct tct_sim *w) {
  for (struct sim_node *n = w->first; n != NULL; n = n->next)
    if (n->act != NULL)
      n->act(n);
}

struct action {
  tct_sim *world;
  void (*fn)(void *ctx);
};

static void run_action(void *ctx, void *arg) {
  struct action *a = arg;
  tct_sim *w = a->world;
  act_all(w); /* socket calls use the stack's last known clock: let it be this instant */
  a->fn(ctx);
  free(a);
  act_all(w);
}

void tct_sim_at(tct_sim *w, tct_time when, void (*fn)(void *ctx), void *ctx) {
  struct action *a = sim_world_alloc(sizeof *a);
  *a = (struct action){w, fn};
  sim_world_schedule(w, when, run_action, ctx, a);
}

/* Where frames stand in line, the next one's arrival takes the place of this one's. */
static struct sim_event take_first(struct sim_heap *h) {
  const struct sim_event *e = sim_heap_first(h);
  struct sim_event next;
  if (e->fn == sim_link_arrive && sim_link_next_arrival(e->ctx, e->arg, &next))
    return sim_heap_replace(h, &next);
  return sim_heap_pop(h);
}

static void run_one(tct_sim *w) {
  struct sim_event e = take_first(&w->heap);
  if (e.at != w->now)
    w->steps = 0;
  w->now = e.at;
  w->events++;
  sim_world_count_step(w);
  e.fn(e.ctx, e.arg);
}

/* The caller may use sockets next: their stacks must know what time it is. */
static void move_to(tct_sim *w, tct_time until) {
  if (until == TCT_NEVER || until <= w->now)
    return;
  w->now = until;
  w->steps = 0;
  act_all(w);
}

tct_sim_outcome tct_sim_run_while(tct_sim *w, tct_time until, bool (*done)(void *ctx), void *ctx) {
  w->steps = 0;
  act_all(w);
  for (;;) {
    const struct sim_event *e = sim_heap_first(&w->heap);
    if (sim_world_is_stuck(w))
      sim_check_stuck(w);
    if (sim_check_is_wrong(w))
      return TCT_SIM_WRONG;
    if (sim_world_is_stuck(w))
      return TCT_SIM_STUCK;
    if (done != NULL && done(ctx))
      return TCT_SIM_DONE;
    if (e == NULL || e->at > until) {
      bool idle = e == NULL;
      move_to(w, until);
      return idle ? TCT_SIM_IDLE : TCT_SIM_TIME;
    }
    run_one(w);
  }
}

tct_sim_outcome tct_sim_run(tct_sim *w, tct_time until) {
  return tct_sim_run_while(w, until, NULL, NULL);
}
