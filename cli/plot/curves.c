/* SPDX-License-Identifier: MIT */
/*
 * curves.c - panels of step lines and dots under one time axis: congestion window, slow-start
 * threshold, bytes in flight; round-trip times. Called by draw.c and compare.c.
 */
#include "cli/plot/curves.h"

#include <math.h>

#include "cli/plot/shape.h"

enum { MERGE_FROM = 4000, SSTHRESH_UNSET = 0x40000000 };

static bool is_before(const struct page *g, tct_time at) {
  return at < g->base || (double)(at - g->base) < g->x.from;
}

static bool is_after(const struct page *g, tct_time at) {
  return at > g->base && (double)(at - g->base) > g->x.to;
}

static void put_steps(struct page *g, const struct page_panel *n, const struct measure_curve *c,
                      double *first, double *last) {
  struct shape_steps s;
  shape_steps_begin(&s, g->out, c->n > MERGE_FROM);
  *first = -1;
  for (size_t i = 0; i < c->n; i++) {
    if (i + 1 < c->n && is_before(g, c->p[i + 1].at))
      continue; /* the last one before the page still holds when it begins */
    if (is_after(g, c->p[i].at))
      break;
    double x = fmax(page_x(g, c->p[i].at), g->x.px_from);
    *first = *first < 0 ? x : *first;
    shape_steps_put(&s, x, fmax(scale_px(&n->y, (double)c->p[i].v), n->top - 9));
  }
  *last = c->until != 0 ? fmin(page_x(g, c->until), g->x.px_to) : g->x.px_to;
  shape_steps_end(&s, *last);
}

void curves_line(struct page *g, const struct page_panel *n, const struct measure_curve *c,
                 const char *css) {
  double first, last;
  if (c->n == 0)
    return;
  fprintf(g->out, "<path class=\"%s\" d=\"", css);
  put_steps(g, n, c, &first, &last);
  fputs("\"/>\n", g->out);
}

static void put_area(struct page *g, const struct page_panel *n, const struct measure_curve *c,
                     const char *css) {
  double first, last;
  if (c->n == 0)
    return;
  fprintf(g->out, "<path class=\"area %s\" d=\"", css);
  put_steps(g, n, c, &first, &last);
  fprintf(g->out, "V%.1fH%.1fZ\"/>\n", n->bottom, first);
}

/* Whether point i is the value at any time of the page. */
static bool holds(const struct page *g, const struct measure_curve *c, size_t i) {
  return !is_after(g, c->p[i].at) && (i + 1 == c->n || !is_before(g, c->p[i + 1].at));
}

double curves_max(const struct page *g, const struct measure_curve *c) {
  double max = 0;
  for (size_t i = 0; i < c->n; i++)
    if (holds(g, c, i) && c->p[i].v < SSTHRESH_UNSET)
      max = fmax(max, (double)c->p[i].v);
  return max;
}

double curves_min(const struct page *g, const struct measure_curve *c) {
  double min = INFINITY;
  for (size_t i = 0; i < c->n; i++)
    if (holds(g, c, i))
      min = fmin(min, (double)c->p[i].v);
  return min;
}

/* What was sent again and what was lost stands as a thin line in every panel. */
static void put_guides(struct page *g, const struct page_panel *n, const struct measure *m) {
  struct shape_bars b;
  fputs("<path class=\"guide again\" d=\"", g->out);
  shape_bars_begin(&b, g->out, true);
  for (size_t i = 0; i < m->n_bars; i++)
    if (m->bar[i].class == MEASURE_AGAIN && !is_before(g, m->bar[i].at) &&
        !is_after(g, m->bar[i].at))
      shape_bars_put(&b, page_x(g, m->bar[i].at), n->top, n->bottom);
  shape_bars_end(&b);
  fputs("\"/>\n", g->out);
}

static struct page_panel make_panel(enum scale_unit unit, double top, double height, double max) {
  struct page_panel n = {.unit = unit, .top = top, .bottom = top + height};
  n.y = (struct scale){0, max > 0 ? max * 1.08 : 1, n.bottom, n.top};
  return n;
}

double curves_windows(struct page *g, const struct measure *m, double y, double height) {
  struct page_legend items[3];
  unsigned n_items = 0;
  const struct measure_curve *cwnd = &m->line[MEASURE_CWND], *flight = &m->line[MEASURE_FLIGHT];
  const struct measure_curve *ssthresh = &m->line[MEASURE_SSTHRESH];
  double max = fmax(curves_max(g, cwnd), curves_max(g, flight));
  double threshold = curves_max(g, ssthresh);
  if (cwnd->n != 0)
    items[n_items++] = (struct page_legend){"cwnd", "cwnd", PAGE_LINE};
  if (ssthresh->n != 0 && threshold > 0)
    items[n_items++] = (struct page_legend){"ssthresh", "ssthresh", PAGE_DASHED};
  items[n_items++] = (struct page_legend){"flight", "in flight", PAGE_AREA};
  if (threshold <= max * 1.6)
    max = fmax(max, threshold);
  const char *title = cwnd->n != 0     ? "congestion window, bytes"
                      : m->at_receiver ? "arrived and not yet acknowledged, bytes"
                                       : "in flight, bytes";
  double top = page_legend(g, y, title, items, cwnd->n != 0 ? n_items : 0);
  struct page_panel n = make_panel(SCALE_BYTES, top, height, max);
  page_panel_begin(g, &n);
  put_guides(g, &n, m);
  put_area(g, &n, flight, "flight");
  curves_line(g, &n, flight, flight->n > MERGE_FROM ? "thin flight" : "flight");
  curves_line(g, &n, ssthresh, "dash ssthresh");
  curves_line(g, &n, cwnd, "cwnd");
  page_panel_end(g);
  return n.bottom;
}

static void put_dots(struct page *g, const struct page_panel *n, const struct measure_curve *c,
                     const char *css) {
  struct shape_dots d;
  fprintf(g->out, "<path class=\"dot %s\" d=\"", css);
  shape_dots_begin(&d, g->out, c->n > MERGE_FROM);
  for (size_t i = 0; i < c->n; i++)
    if (!is_before(g, c->p[i].at) && !is_after(g, c->p[i].at))
      shape_dots_put(&d, page_x(g, c->p[i].at), scale_px(&n->y, (double)c->p[i].v));
  fputs("\"/>\n", g->out);
}

double curves_rtt(struct page *g, const struct measure *m, double y, double height) {
  const struct measure_curve *srtt = &m->line[MEASURE_SRTT];
  struct page_legend items[2] = {{"ack", "one segment and its ACK", PAGE_DOT},
                                 {"cwnd", "smoothed, as the sender has it", PAGE_LINE}};
  double max = fmax(curves_max(g, &m->rtt), curves_max(g, srtt));
  double top = page_legend(
      g, y, m->at_receiver ? "from arrival to ACK (seen at the receiver)" : "round-trip time",
      items, srtt->n != 0 ? 2 : 1);
  struct page_panel n = make_panel(SCALE_TIME, top, height, max);
  page_panel_begin(g, &n);
  put_guides(g, &n, m);
  put_dots(g, &n, &m->rtt, "ack");
  curves_line(g, &n, srtt, "cwnd");
  page_panel_end(g);
  return n.bottom;
}
