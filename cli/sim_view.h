/* SPDX-License-Identifier: MIT */
/* sim_view.h - what one played world looked like: words, ladder, graph, page. See sim_view.c. */
#ifndef TCT_CLI_SIM_VIEW_H
#define TCT_CLI_SIM_VIEW_H

#include "cli/args.h"
#include "sim/trial_count.h"

struct sim_view_options {
  const char *title, *about, *sees; /* NULL: a world without a name */
  const char *svg, *plot, *html;    /* files; NULL: not wanted */
  bool ladder, json, ascii;
  const char *color;
};

struct sim_view;
/* Of the first flow of the plan, between its two hosts. NULL: a sentence was printed. */
struct sim_view *sim_view_new(const struct args_verb *verb, const struct sim_view_options *o,
                              const struct sim_trial_plan *p);
/* Sets tap and trace of the run. */
void sim_view_attach(struct sim_view *v, struct sim_trial_run *run);
/* Prints what happened and writes the files; frees. An exit code for the files alone. */
int sim_view_finish(struct sim_view *v, const struct sim_trial_result *r,
                    const struct sim_trial_counts *c);

#endif
