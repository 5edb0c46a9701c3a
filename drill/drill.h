/* SPDX-License-Identifier: MIT */
/* drill.h - play packet scripts against the stack in this process, in virtual time. */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "tercet/record.h"

enum drill_against { DRILL_AGAINST_OURS, DRILL_AGAINST_LINUX };

struct drill_options {
  enum drill_against against;
  const char *const *overrides; /* script options, "name" or "name=value" */
  size_t n_overrides;
  bool parse_only;
  bool log;         /* play to the end whatever is expected, and give a log for drill_compare */
  const char *so;   /* with DRILL_AGAINST_LINUX: a shared object in its place, or NULL */
  bool any_profile; /* against the kernel: scripts for the strict profile, too */
  volatile int *progress; /* where the line being played is told, or NULL */
  tct_trace_fn trace;     /* of the stack, or NULL */
  void *trace_ctx;
};

struct drill_result {
  bool passed;
  bool skipped;          /* the kernel cannot play it; why says what is ours only */
  bool is_refused;       /* this machine does not let its kernel be asked */
  bool is_timing;        /* it failed by time alone */
  bool names_ip_version; /* the script says which; else it means either */
  int line;              /* of the failure; 0: the file could not be read */
  char why[1024];        /* one line */
  char *log;             /* if it was asked for; free() it */
  char *details;         /* expected, seen; free() it; NULL: none */
  char *frames;          /* all up to there, in the script's notation; free() it; NULL: none */
};

/* Against the kernel a script must be played in a process of its own: drill_start. */
void drill_play_file(const char *path, const struct drill_options *o, struct drill_result *out);

/* A script that plays in a process of its own, so that several can do so at a time. */
struct drill_task {
  int pid, pipe;
  volatile int *progress; /* the line it is at */
};
bool drill_start(const char *path, const struct drill_options *o, struct drill_task *t);
/* The pipe is readable at the end: takes the result then; before that, ends the process. */
void drill_finish(struct drill_task *t, struct drill_result *out);

/* Is "name" or "name=value" an option that a script may have? If not, why, in one sentence. */
bool drill_check_option(const char *option, char *why, size_t cap);

#endif
