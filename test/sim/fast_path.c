/* SPDX-License-Identifier: MIT */
/*
 * The fast path changes no frame: small trials with it and without it, the same digest of each.
 *
 *   fast_path [FIRST LAST]     1 200
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "sim/trial.h"

static uint64_t digest_of(const struct sim_trial_plan *plan, bool no_fast_path, uint64_t *frames) {
  struct sim_trial_run run = {.no_fast_path = no_fast_path};
  struct sim_trial_result r;
  sim_trial_play(plan, &run, &r);
  *frames += r.frames;
  return sim_trial_digest(plan, &r);
}

int main(int argc, char **argv) {
  static struct sim_trial_plan plan;
  uint64_t first = argc > 2 ? strtoull(argv[1], NULL, 10) : 1, frames = 0;
  uint64_t last = argc > 2 ? strtoull(argv[2], NULL, 10) : 200;
  unsigned bad = 0;
  for (uint64_t seed = first; seed <= last; seed++) {
    sim_trial_draw(&plan, seed, SIM_TRIAL_SMALL);
    if (digest_of(&plan, false, &frames) == digest_of(&plan, true, &frames))
      continue;
    printf("# seed %" PRIu64 "\n", seed);
    bad++;
  }
  printf("# %" PRIu64 " frames\n", frames);
  printf("%s - fast_path__on_and_off__same_digests\n", bad == 0 ? "ok" : "not ok");
  return 0;
}
