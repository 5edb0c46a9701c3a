/* SPDX-License-Identifier: MIT */
/* page.h - what stands around the curves: style, heading, legends, axes, labels. See page.c. */
#ifndef TCT_PLOT_PAGE_H
#define TCT_PLOT_PAGE_H

#include "cli/plot/measure.h"
#include "cli/plot/scale.h"

enum { PAGE_LEFT = 84, PAGE_RIGHT = 26, PAGE_TICKS_X = 12, PAGE_BOXES_MAX = 400 };

struct page_box {
  double x1, y1, x2, y2;
};

/* A drawing in progress. Times are ns since base. */
struct page {
  FILE *out;
  unsigned width, height;
  tct_time base;
  struct scale x;
  struct page_box box[PAGE_BOXES_MAX]; /* taken by labels */
  unsigned n_boxes, panels;
};

struct page_panel {
  const char *title;
  enum scale_unit unit;
  double top, bottom; /* pixels */
  struct scale y;
};

enum page_glyph { PAGE_BAR, PAGE_BLOCK, PAGE_LINE, PAGE_DASHED, PAGE_DOT, PAGE_AREA, PAGE_CROSS };
struct page_legend {
  const char *css, *text;
  enum page_glyph glyph;
};

void page_begin(struct page *g, const char *title, const char *desc);
void page_text(struct page *g, const char *css, double x, double y, const char *text);
/* Title and legend above the panel; returns the y where its frame may begin. */
double page_legend(struct page *g, double y, const char *title, const struct page_legend *items,
                   unsigned n);
/* Frame, grid and the value axis; opens the clipped group that page_panel_end closes. */
void page_panel_begin(struct page *g, const struct page_panel *n);
void page_panel_end(struct page *g);
/* The numbers of the time axis, below the last panel. */
void page_time_axis(struct page *g, double y);
void page_end(struct page *g);

/* A label near a point: right of it, left, above or below; not at all when all is taken. */
bool page_label(struct page *g, const struct page_panel *n, const char *css, double x, double y,
                const char *text);
static inline double page_x(const struct page *g, tct_time at) {
  return scale_px(&g->x, at >= g->base ? (double)(at - g->base) : -(double)(g->base - at));
}

#endif
