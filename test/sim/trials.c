/* SPDX-License-Identifier: MIT */
/*
 * Every seed that ever failed, then as many others as there is time for. `tercet sim --seed S`
 * plays one of them with its numbers.
 *
 *   trials [FIRST LAST [SECONDS]]     1 1500 20
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/trial_count.h"

static struct sim_trial_plan plan;
static struct sim_trial_counts counts;

static bool play(uint64_t seed, bool small) {
  struct sim_trial_run run = {.counts = &counts};
  struct sim_trial_result r;
  sim_trial_draw(&plan, seed, small ? SIM_TRIAL_SMALL : 0);
  sim_trial_play(&plan, &run, &r);
  if (r.failed)
    printf("# tercet sim --seed %" PRIu64 "%s --until %" PRIu64 ": I%u %s\n", seed,
           small ? " --small" : "", r.event, r.invariant, r.what);
  return !r.failed;
}

static void replay(const char *path) {
  char line[300];
  unsigned ran = 0, bad = 0;
  FILE *f = fopen(path, "r");
  while (f != NULL && fgets(line, sizeof line, f) != NULL) {
    char *rest;
    uint64_t seed = strtoull(line, &rest, 10);
    if (rest == line)
      continue;
    ran++;
    bad += !play(seed, strncmp(rest, " small ", 7) == 0);
  }
  if (f != NULL)
    fclose(f);
  printf("%s - seeds_that_failed_once__hold_now # %u\n", ran != 0 && bad == 0 ? "ok" : "not ok",
         ran);
}

static void explore(uint64_t first, uint64_t last, time_t seconds) {
  time_t start = time(NULL);
  unsigned bad = 0;
  for (uint64_t seed = first; seed <= last && time(NULL) - start < seconds; seed++)
    bad += !play(seed, false);
  printf("# %" PRIu64 " trials, %" PRIu64 " connections, %" PRIu64 " packets\n", counts.trials,
         counts.connections, counts.packets);
  printf("%s - trials__first_seeds__all_invariants_hold\n", bad == 0 ? "ok" : "not ok");
}

int main(int argc, char **argv) {
  replay("test/sim/seeds.txt");
  explore(argc > 2 ? strtoull(argv[1], NULL, 10) : 1, argc > 2 ? strtoull(argv[2], NULL, 10) : 1500,
          argc > 3 ? atoi(argv[3]) : 20);
  return 0;
}
