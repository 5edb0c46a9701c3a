/* SPDX-License-Identifier: MIT */
/*
 * Tapes: each random choice of a run in order, recorded or replayed. Called by world.c; shrinkers
 * shorten what is recorded here. Choice 0 is the harmless one everywhere, so any tape is a run.
 */
#include "sim/tape.h"

#include <stdlib.h>

#include "sim/world.h"

void tct_sim_tape_append(tct_sim_tape *t, uint32_t group, uint32_t value) {
  if (t->n == t->cap) {
    t->cap = t->cap ? t->cap * 2 : 1024;
    t->at = sim_world_grow(t->at, t->cap * sizeof *t->at);
  }
  t->at[t->n++] = (tct_sim_choice){group, value};
}

void tct_sim_tape_free(tct_sim_tape *t) {
  free(t->at);
  *t = (tct_sim_tape){0};
}

uint32_t sim_tape_choose(struct tct_sim_tape *t, unsigned group, uint32_t bound, uint32_t drawn) {
  if (!t->replaying) {
    tct_sim_tape_append(t, group, drawn);
    return drawn;
  }
  if (t->pos >= t->n)
    return 0;
  return t->at[t->pos++].value % bound;
}
