/* SPDX-License-Identifier: MIT */
/* compare.h - all flows in one picture. See compare.c. */
#ifndef TCT_PLOT_COMPARE_H
#define TCT_PLOT_COMPARE_H

#include "cli/plot/plot.h"

enum { COMPARE_FLOWS_MAX = 6 }; /* as many colours as can be told apart; the largest flows */

int compare_write(const struct plot *p, const struct plot_view *v, FILE *out);

#endif
