/* SPDX-License-Identifier: MIT */
/* draw.h - what draw.c lends to the other drawings. */
#ifndef TCT_PLOT_DRAW_H
#define TCT_PLOT_DRAW_H

#include "cli/plot/measure.h"
#include "cli/show/words.h"

/* "50.0 kB in 1.2 s, 333 kbit/s · 36 segments · 2 sent again (1 TLP, 1 RACK)" */
void draw_facts(const struct measure *m, struct line *l);
/* A reason in at most two words; NULL: it is nothing special. */
const char *draw_short_why(uint16_t why);

#endif
