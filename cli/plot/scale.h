/* SPDX-License-Identifier: MIT */
/* scale.h - from values to pixels, and round numbers for axes. See scale.c. */
#ifndef TCT_PLOT_SCALE_H
#define TCT_PLOT_SCALE_H

#include "cli/show/words.h"

struct scale {
  double from, to; /* values */
  double px_from, px_to;
};
enum scale_unit { SCALE_TIME, SCALE_BYTES };

double scale_px(const struct scale *s, double v);
/* The distance of ticks: 1, 2 or 5 times a power of ten, so that at most max + 1 fit in span. */
double scale_step(double span, unsigned max);
/* The n-th multiple of step on the axis, from 0. */
double scale_tick(const struct scale *s, double step, unsigned n);
/* "1.5 s", "250 ms", "64 kB": the axis has one unit, and as many decimals as the step wants. Times
 * are in ns. */
void scale_label(struct line *l, enum scale_unit unit, const struct scale *axis, double v,
                 double step);
/* A number of pixels with one decimal at most, as short as SVG takes it. */
void scale_put(FILE *out, double px);

#endif
