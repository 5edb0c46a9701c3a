/* SPDX-License-Identifier: MIT */
/*
 * trial_again.c - I31, I32: a trial is played once more, with quiet blocks given back at other
 * times and the frames of a burst handed to the stacks by other calls. Nothing on any wire may be
 * different. Called by trial.c for a run that asks for it.
 */
#include <stdio.h>
#include <stdlib.h>

#include "sim/hash.h"
#include "sim/trial_count.h"
#include "sim/world.h"
#include "util/mem.h"

struct seen { /* a hash of each frame of a play, when it was sent */
  size_t n, cap;
  struct one {
    uint64_t hash;
    tct_time at;
  } * frame;
};

static void see(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct seen *s = ctx;
  if (arriving)
    return;
  if (s->n == s->cap) {
    s->cap = s->cap != 0 ? 2 * s->cap : 1024;
    s->frame = sim_world_grow(s->frame, s->cap * sizeof *s->frame);
  }
  s->frame[s->n++] = (struct one){sim_hash(f->sent_at << 1 | f->dir, f->bytes, f->len), f->sent_at};
}

/* What is drawn at each allocation, and what fails at the n-th, knows which blocks there are. */
static bool depends_on_memory(const struct sim_trial_plan *p) {
  for (uint32_t i = 0; i < p->n_faults; i++)
    if (p->fault[i].kind == TCT_SIM_FAULT_ALLOC_FAILURE)
      return true;
  return false;
}

/* With the same choices, if there is a tape: the first play has come to its end. */
static void play(const struct sim_trial_plan *p, const struct sim_trial_run *first,
                 struct seen *seen, struct sim_trial_result *out) {
  struct sim_trial_run run = {.skip = first->skip, .tape = first->tape};
  if (seen != NULL) {
    run.tap = see;
    run.tap_ctx = seen;
  }
  if (run.tape == NULL) {
    sim_trial_play(p, &run, out);
    return;
  }
  bool replaying = run.tape->replaying;
  size_t pos = run.tape->pos;
  run.tape->replaying = true;
  run.tape->pos = 0;
  sim_trial_play(p, &run, out);
  run.tape->replaying = replaying;
  run.tape->pos = pos;
}

static void tell(const struct seen *a, const struct seen *b, struct sim_trial_result *out,
                 tct_sim_invariant i) {
  size_t n = 0;
  while (n < a->n && n < b->n && a->frame[n].hash == b->frame[n].hash)
    n++;
  out->failed = true;
  out->invariant = (unsigned)i;
  out->event = out->events;
  out->frame = n + 1;
  out->at = n < a->n ? a->frame[n].at : n < b->n ? b->frame[n].at : out->ended_at;
  snprintf(out->what, sizeof out->what, "frame %zu of %zu is another when %s", n + 1, a->n,
           i == TCT_SIM_I31 ? "quiet blocks are given back at other times"
                            : "the frames of a burst come by other calls");
}

static bool is_same(const struct sim_trial_result *a, const struct sim_trial_result *b) {
  return a->frames == b->frames && a->digest == b->digest && !b->failed;
}

/* Which of the two was it, and which frame was the first? */
static void look_closer(const struct sim_trial_plan *p, const struct sim_trial_plan *other,
                        const struct sim_trial_run *run, struct sim_trial_result *out) {
  struct seen was = {0}, is = {0};
  struct sim_trial_plan *one = sim_world_alloc(sizeof *one);
  struct sim_trial_result r;
  play(p, run, &was, &r);
  *one = *p;
  one->give_back = other->give_back;
  play(one, run, &is, &r);
  bool quiet = !is_same(out, &r);
  if (!quiet) {
    is.n = 0;
    play(other, run, &is, &r);
  }
  tell(&was, &is, out, quiet ? TCT_SIM_I31 : TCT_SIM_I32);
  free(was.frame);
  free(is.frame);
  free(one);
}

void sim_trial_again(const struct sim_trial_plan *p, const struct sim_trial_run *run,
                     struct sim_trial_result *out) {
  struct sim_trial_plan *other;
  struct sim_trial_result r;
  if (depends_on_memory(p))
    return;
  other = sim_world_alloc(sizeof *other);
  *other = *p;
  other->give_back = p->give_back == TCT_SIM_GIVE_BACK_NEVER ? TCT_SIM_GIVE_BACK_AT_RANDOM
                                                             : TCT_SIM_GIVE_BACK_NEVER;
  other->one_by_one = p->one_by_one == 0;
  play(other, run, NULL, &r);
  if (run->counts != NULL) {
    run->counts->twice++;
    run->counts->packets_twice += r.frames;
    run->counts->asked[TCT_SIM_I31]++;
    run->counts->asked[TCT_SIM_I32]++;
  }
  if (!is_same(out, &r))
    look_closer(p, other, run, out);
  free(other);
}
