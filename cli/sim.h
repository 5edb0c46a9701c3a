/* SPDX-License-Identifier: MIT */
/* sim.h - what the files of `tercet sim` share: see sim.c, sim_many.c, sim_capture.c. */
#ifndef TCT_CLI_SIM_H
#define TCT_CLI_SIM_H

#include <stdio.h>

#include "cli/args.h"
#include "sim/trial_count.h"

enum { SIM_JOBS_MAX = 64 };

struct sim_many {
  uint64_t first, last;
  uint64_t skip;          /* invariants, a bit each */
  uint32_t jobs, seconds; /* seconds 0: all of them */
  bool small;
  double cpu_seconds, wall_seconds; /* out */
};

/* Plays the seeds in so many processes, with a live line on a terminal; failures are printed as
 * they come. digest: of all seeds that were played, in any order. False: errno says why. */
bool sim_many_play(struct sim_many *m, struct sim_trial_counts *counts, uint64_t *digest,
                   unsigned *failed);
/* Plays it again, up to an event (0: whole), into a capture file. 0 or a negated errno. */
int sim_capture(const struct sim_trial_plan *p, tct_sim_tape *tape, uint64_t until,
                const char *path);
/* Makes it small within so many seconds and writes STEM.plan, STEM.rec, STEM.pkt, STEM.pcapng:
 * sim_shrink.c. The exit code. */
int sim_shrink_verb(const struct args_verb *verb, const struct sim_trial_plan *plan,
                    uint32_t seconds, const char *stem);
/* The one line to paste. */
void sim_print_failure(const struct sim_trial_result *r, uint64_t seed, bool small, FILE *to);

#endif
