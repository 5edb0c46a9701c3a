/* SPDX-License-Identifier: MIT */
/*
 * shape.h - SVG paths that stay small however much is drawn: what falls into one column of pixels
 * is merged. See shape.c.
 */
#ifndef TCT_PLOT_SHAPE_H
#define TCT_PLOT_SHAPE_H

#include <stdbool.h>
#include <stdio.h>

enum { SHAPE_RANGES_MAX = 24 }; /* in one column; more are drawn as if they touched */

struct shape_range {
  double low, high; /* pixels, low < high */
};

/* Vertical bars. They come in the order of x. */
struct shape_bars {
  FILE *out;
  bool merge; /* half-pixel columns; else each for itself */
  double x;
  unsigned n;
  struct shape_range range[SHAPE_RANGES_MAX];
};
void shape_bars_begin(struct shape_bars *b, FILE *out, bool merge);
void shape_bars_put(struct shape_bars *b, double x, double y1, double y2);
void shape_bars_end(struct shape_bars *b);

/* A line in steps: level until the next x. */
struct shape_steps {
  FILE *out;
  bool merge, any, waiting; /* waiting: the column is not written yet */
  double x, first, last, low, high;
};
void shape_steps_begin(struct shape_steps *s, FILE *out, bool merge);
void shape_steps_put(struct shape_steps *s, double x, double y);
/* Goes on, level, to x. */
void shape_steps_end(struct shape_steps *s, double x);

/* Dots, for a stroke with round ends; in a merged picture one a pixel and colour. */
struct shape_dots {
  FILE *out;
  bool merge;
  long column;
  unsigned long long used[64]; /* rows of this column that have one */
};
void shape_dots_begin(struct shape_dots *d, FILE *out, bool merge);
void shape_dots_put(struct shape_dots *d, double x, double y);

#endif
