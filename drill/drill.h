/* SPDX-License-Identifier: MIT */
/* drill.h - play packet scripts against the stack in this process, in virtual time. */
#ifndef DRILL_DRILL_H
#define DRILL_DRILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct drill_options {
  const char *const *overrides; /* script options, "name" or "name=value" */
  size_t n_overrides;
  bool parse_only;
};

struct drill_result {
  bool passed;
  bool names_ip_version; /* the script says which; else it means either */
  int line;              /* of the failure; 0: the file could not be read */
  char why[1024];        /* one line */
  char *details;         /* expected, seen, the frames up to there; free() it; NULL: none */
};

void drill_play_file(const char *path, const struct drill_options *o, struct drill_result *out);

/* Is "name" or "name=value" an option that a script may have? If not, why, in one sentence. */
bool drill_check_option(const char *option, char *why, size_t cap);

#endif
