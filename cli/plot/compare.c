/* SPDX-License-Identifier: MIT */
/*
 * compare.c - several flows over one time axis: what each got through, its congestion window (or
 * what it has in flight, when nobody told the window), its round trips. Called by draw.c.
 */
#include "cli/plot/compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>

#include "cli/plot/curves.h"
#include "cli/plot/draw.h"
#include "cli/plot/shape.h"

static const char *const css[COMPARE_FLOWS_MAX] = {"a1", "a2", "a3", "a4", "a5", "a6"};

struct compare {
  struct page g;
  const struct plot *p;
  const struct plot_view *v;
  struct measure m[COMPARE_FLOWS_MAX];
  struct page_legend item[COMPARE_FLOWS_MAX];
  struct line name[COMPARE_FLOWS_MAX];
  unsigned n;
  tct_time last;
};

static uint64_t weight(const struct plot_flow *f) {
  return f->bytes[0] + f->bytes[1];
}

/* Whether the flow is among the largest, earlier ones first when equal. */
static bool is_large(const struct plot *p, size_t flow) {
  unsigned larger = 0;
  for (size_t i = 0; i < p->n_flows; i++)
    larger += weight(&p->flow[i]) > weight(&p->flow[flow]) ||
              (i < flow && weight(&p->flow[i]) == weight(&p->flow[flow]));
  return larger < COMPARE_FLOWS_MAX;
}

static bool measure_all(struct compare *c) {
  bool ok = true;
  c->g.base = TCT_NEVER;
  for (size_t i = 0; i < c->p->n_flows && c->n < COMPARE_FLOWS_MAX && ok; i++) {
    const struct plot_flow *f = &c->p->flow[i];
    if (!is_large(c->p, i))
      continue;
    int from = c->v->from >= 0 ? c->v->from : f->bytes[1] > f->bytes[0];
    ok = measure_flow(&c->m[c->n++], c->p, i, from);
    c->g.base = f->first < c->g.base ? f->first : c->g.base;
    c->last = f->last > c->last ? f->last : c->last;
  }
  return ok;
}

static void name_all(struct compare *c) {
  for (unsigned i = 0; i < c->n; i++) {
    const struct plot_flow *f = c->m[i].flow;
    struct line *l = &c->name[i];
    line_clear(l);
    if (f->name[0] != '\0')
      line_add(l, "%s", f->name);
    else
      words_endpoint(l, &f->addr[c->m[i].from], f->port[c->m[i].from]);
    c->item[i] = (struct page_legend){css[i], l->b, PAGE_LINE};
  }
}

static const struct measure_curve *curve_of(const struct measure *m, unsigned which) {
  if (which == 0)
    return &m->line[MEASURE_ACK];
  if (which == 1)
    return m->line[MEASURE_CWND].n != 0 ? &m->line[MEASURE_CWND] : &m->line[MEASURE_FLIGHT];
  return m->line[MEASURE_SRTT].n != 0 ? &m->line[MEASURE_SRTT] : &m->rtt;
}

static double draw_panel(struct compare *c, unsigned which, double y, double height) {
  static const char *const titles[] = {"acknowledged, bytes", "congestion window, bytes",
                                       "round-trip time"};
  double max = 0;
  for (unsigned i = 0; i < c->n; i++)
    max = fmax(max, curves_max(&c->g, curve_of(&c->m[i], which)));
  double top = page_legend(&c->g, y, titles[which], c->item, which == 0 ? c->n : 0);
  struct page_panel n = {.unit = which == 2 ? SCALE_TIME : SCALE_BYTES, .top = top};
  n.bottom = top + height;
  n.y = (struct scale){0, max > 0 ? max * 1.06 : 1, n.bottom, n.top};
  page_panel_begin(&c->g, &n);
  for (unsigned i = 0; i < c->n; i++)
    curves_line(&c->g, &n, curve_of(&c->m[i], which), css[i]);
  page_panel_end(&c->g);
  return n.bottom;
}

static void write_facts(const struct compare *c, struct line *l) {
  line_clear(l);
  for (unsigned i = 0; i < c->n; i++) {
    const struct measure *m = &c->m[i];
    double took = (double)(m->last - m->first);
    line_add(l, "%s%s %.2f Mbit/s", i == 0 ? "" : " · ", c->name[i].b,
             took > 0 ? (double)m->bytes * 8e3 / took : 0);
    if (m->again != 0)
      line_add(l, ", %u sent again", m->again);
  }
}

static void draw_all(struct compare *c) {
  double to = c->last > c->g.base ? (double)(c->last - c->g.base) : 1, from = 0;
  double plots = (double)c->g.height - 216;
  struct line facts;
  if (c->v->to_ns != 0)
    to = (double)c->v->to_ns;
  from = (double)c->v->from_ns;
  c->g.x = (struct scale){from, to, PAGE_LEFT, (double)c->g.width - PAGE_RIGHT};
  write_facts(c, &facts);
  page_begin(&c->g, c->v->title != NULL ? c->v->title : "connections side by side", facts.b);
  double y = draw_panel(c, 0, 82, plots * 0.42);
  y = draw_panel(c, 1, y + 26, plots * 0.36);
  y = draw_panel(c, 2, y + 26, plots * 0.22);
  page_time_axis(&c->g, y);
  page_end(&c->g);
}

int compare_write(const struct plot *p, const struct plot_view *v, FILE *out) {
  struct compare *c = calloc(1, sizeof *c);
  if (c == NULL)
    return -1;
  c->p = p;
  c->v = v;
  c->g.out = out;
  c->g.width = v->width != 0 ? v->width : 1120;
  c->g.height = v->height != 0 ? v->height : 820;
  bool ok = measure_all(c) && c->n != 0;
  if (ok) {
    name_all(c);
    draw_all(c);
  }
  for (unsigned i = 0; i < c->n; i++)
    measure_free(&c->m[i]);
  free(c);
  if (!ok)
    errno = ENOMEM;
  return ok && !ferror(out) ? 0 : -1;
}
