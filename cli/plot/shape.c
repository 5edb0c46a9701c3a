/* SPDX-License-Identifier: MIT */
/*
 * shape.c - see shape.h. Called by draw.c and panel.c, which give pixels; knows nothing of TCP.
 */
#include "cli/plot/shape.h"

#include <math.h>
#include <string.h>

#include "cli/plot/scale.h"

static double to_column(double x) {
  return (double)lround(x * 2) / 2;
}

/* ---- Bars ------------------------------------------------------------------------------------ */

void shape_bars_begin(struct shape_bars *b, FILE *out, bool merge) {
  *b = (struct shape_bars){.out = out, .merge = merge};
}

static void write_bar(struct shape_bars *b, double x, double y1, double y2) {
  fputc('M', b->out);
  scale_put(b->out, x);
  fputc(' ', b->out);
  scale_put(b->out, y1);
  fputc('V', b->out);
  scale_put(b->out, y2);
}

void shape_bars_end(struct shape_bars *b) {
  for (unsigned i = 0; i < b->n; i++)
    write_bar(b, b->x, b->range[i].high, b->range[i].low);
  b->n = 0;
}

static bool touches(const struct shape_range *a, double low, double high) {
  return low <= a->high + 0.6 && high >= a->low - 0.6;
}

/* The range to grow: one that touches, or the nearest when there is room for no more. */
static struct shape_range *find_range(struct shape_bars *b, double low, double high) {
  struct shape_range *nearest = NULL;
  double least = INFINITY;
  for (unsigned i = 0; i < b->n; i++) {
    struct shape_range *r = &b->range[i];
    double away = low > r->high ? low - r->high : r->low - high;
    if (touches(r, low, high))
      return r;
    if (away < least) {
      least = away;
      nearest = r;
    }
  }
  return b->n == SHAPE_RANGES_MAX ? nearest : NULL;
}

void shape_bars_put(struct shape_bars *b, double x, double y1, double y2) {
  double low = fmin(y1, y2), high = fmax(y1, y2);
  if (!b->merge) {
    write_bar(b, x, high, low);
    return;
  }
  if (to_column(x) != b->x || b->n == 0) {
    shape_bars_end(b);
    b->x = to_column(x);
  }
  struct shape_range *r = find_range(b, low, high);
  if (r == NULL) {
    b->range[b->n++] = (struct shape_range){low, high};
    return;
  }
  r->low = fmin(r->low, low);
  r->high = fmax(r->high, high);
}

/* ---- Steps ----------------------------------------------------------------------------------- */

void shape_steps_begin(struct shape_steps *s, FILE *out, bool merge) {
  *s = (struct shape_steps){.out = out, .merge = merge};
}

static void go(struct shape_steps *s, char way, double to) {
  fputc(way, s->out);
  scale_put(s->out, to);
}

static void write_column(struct shape_steps *s) {
  if (!s->waiting)
    return;
  s->waiting = false;
  if (s->any) {
    go(s, 'H', s->x);
  } else {
    go(s, 'M', s->x);
    fputc(' ', s->out);
    scale_put(s->out, s->first);
    s->any = true;
  }
  if (s->low < fmin(s->first, s->last))
    go(s, 'V', s->low);
  if (s->high > fmax(s->first, s->last))
    go(s, 'V', s->high);
  go(s, 'V', s->last);
}

void shape_steps_put(struct shape_steps *s, double x, double y) {
  double column = s->merge ? to_column(x) : x;
  if (s->waiting && column - s->x < 0.04) {
    s->last = y;
    s->low = fmin(s->low, y);
    s->high = fmax(s->high, y);
    return;
  }
  write_column(s);
  s->x = column;
  s->first = s->last = s->low = s->high = y;
  s->waiting = true;
}

void shape_steps_end(struct shape_steps *s, double x) {
  write_column(s);
  if (s->any)
    go(s, 'H', x);
}

/* ---- Dots ------------------------------------------------------------------------------------ */

void shape_dots_begin(struct shape_dots *d, FILE *out, bool merge) {
  *d = (struct shape_dots){.out = out, .merge = merge, .column = -1};
}

static bool is_taken(struct shape_dots *d, double x, double y) {
  long column = lround(x);
  unsigned row = (unsigned)lround(fmax(y, 0) * 2) % (64 * 64);
  if (column != d->column)
    memset(d->used, 0, sizeof d->used);
  d->column = column;
  bool was = (d->used[row / 64] >> row % 64 & 1) != 0;
  d->used[row / 64] |= 1ull << row % 64;
  return was;
}

void shape_dots_put(struct shape_dots *d, double x, double y) {
  if (d->merge && is_taken(d, x, y))
    return;
  go(&(struct shape_steps){.out = d->out}, 'M', x);
  fputc(' ', d->out);
  scale_put(d->out, y);
  fputs("h0", d->out);
}
