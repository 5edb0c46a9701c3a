/* SPDX-License-Identifier: MIT */
/* compare.h - two runs of one script: where they first part. */
#ifndef DRILL_COMPARE_H
#define DRILL_COMPARE_H

#include <stdbool.h>
#include <stddef.h>

struct drill_difference {
  int line;
  char what[64];
  char ours[512], theirs[512]; /* with their times */
};

/* The two logs of log.c. False: nothing differs. */
bool drill_compare(const char *ours, const char *theirs, struct drill_difference *d);

#endif
