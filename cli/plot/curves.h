/* SPDX-License-Identifier: MIT */
/* curves.h - the panels below the sequence numbers: windows and round trips. See curves.c. */
#ifndef TCT_PLOT_CURVES_H
#define TCT_PLOT_CURVES_H

#include "cli/plot/page.h"

/* One step line of a panel, within the page's time. */
void curves_line(struct page *g, const struct page_panel *n, const struct measure_curve *c,
                 const char *css);
/* cwnd, ssthresh, in flight; then round trips. Each draws at y and returns where it ended. */
double curves_windows(struct page *g, const struct measure *m, double y, double height);
double curves_rtt(struct page *g, const struct measure *m, double y, double height);
/* The largest value while the page's time lasts; 0 if there is none. */
double curves_max(const struct page *g, const struct measure_curve *c);
/* The least; infinite if there is none. */
double curves_min(const struct page *g, const struct measure_curve *c);

#endif
