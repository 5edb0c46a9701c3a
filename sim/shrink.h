/* SPDX-License-Identifier: MIT */
/*
 * shrink.h - a failing trial made small: the least world, and the fewest choices, in which the same
 * invariant still does not hold. See shrink.c; used by `tercet sim --shrink`.
 */
#ifndef SIM_SHRINK_H
#define SIM_SHRINK_H

#include "sim/trial.h"

typedef struct sim_shrink {
  struct sim_trial_plan plan;     /* in: one that fails; out: the least that does */
  tct_sim_tape tape;              /* out: its choices; free with tct_sim_tape_free */
  struct sim_trial_result result; /* of playing plan and tape */
  uint32_t plays;                 /* trials played so far */
  /* Asked before each play: false ends the search with what was found. NULL: no bound. */
  bool (*go_on)(void *ctx);
  void (*tell)(void *ctx, const char *what); /* after each kind of cut; NULL */
  /* Plays and judges a trial; NULL: sim_trial_play. */
  void (*play)(void *ctx, const struct sim_trial_plan *p, const struct sim_trial_run *run,
               struct sim_trial_result *out);
  void *ctx;
  /* private */
  uint64_t least; /* frames of the shortest failing run so far */
  bool taped;
} sim_shrink;

/* False: the plan does not fail (result says so), nothing was done. */
bool sim_shrink_run(sim_shrink *s);
/* Plays what is left once more, e.g. with a tap; run->tape is set here. */
void sim_shrink_replay(sim_shrink *s, struct sim_trial_run *run, struct sim_trial_result *out);
/* Choices of the tape that do harm, or are otherwise not 0. */
size_t sim_shrink_choices(const tct_sim_tape *t);
/* The tape as comment lines behind a plan, "#tape GROUP:VALUE …", and back: a plan file with them
 * plays the same run. */
void sim_shrink_print_tape(const tct_sim_tape *t, FILE *to);
bool sim_shrink_read_tape(tct_sim_tape *t, FILE *from);

#endif
