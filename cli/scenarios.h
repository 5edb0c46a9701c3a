/* SPDX-License-Identifier: MIT */
/* scenarios.h - named worlds for `tercet sim --scenario`: plans as text. See scenarios.c. */
#ifndef TCT_CLI_SCENARIOS_H
#define TCT_CLI_SCENARIOS_H

#include <stddef.h>

struct scenario {
  const char *name;
  const char *about; /* one line */
  const char *sees;  /* what to look for */
  const char *plan;  /* without its seed */
};

extern const struct scenario scenarios[];
extern const size_t n_scenarios;
const struct scenario *scenarios_find(const char *name); /* NULL: there is none */

#endif
