/* SPDX-License-Identifier: MIT */
/*
 * draw.c - the time-sequence picture: segments as bars with arrowheads, ACKs and the window's right
 * edge as lines around them, SACK blocks, marks and reasons. Called through plot.h; the panels
 * below are curves.c's, numbers measure.c's.
 *
 * The conventions are those of tcptrace and xplot: time to the right, sequence numbers upwards.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot/compare.h"
#include "cli/plot/curves.h"
#include "cli/plot/draw.h"
#include "cli/plot/shape.h"
#include "cli/show/svg_page.h"
#include "drivers/discard.h"

enum { MERGE_FROM = 3000, HEADS_MAX = 1500, TITLES_MAX = 300, LABEL_NEAR = 46, LABELS_MAX = 24 };

struct drawing {
  struct page g;
  const struct plot *p;
  const struct plot_view *v;
  struct measure m;
  struct page_panel seq;
  unsigned visible[MEASURE_CLASSES];
  bool has_mark[MEASURE_CWR + 1], sees_window;
};

static const char *const css_of_class[MEASURE_CLASSES] = {
    [MEASURE_DATA] = "data",   [MEASURE_AGAIN] = "again", [MEASURE_LATE] = "late",
    [MEASURE_PROBE] = "probe", [MEASURE_SACK] = "sack",   [MEASURE_DSACK] = "dsack"};

static bool is_visible(const struct drawing *d, tct_time at) {
  double ns = at >= d->g.base ? (double)(at - d->g.base) : -1;
  return ns >= d->g.x.from && ns <= d->g.x.to;
}

/* ---- Scales ---------------------------------------------------------------------------------- */

static void set_time(struct drawing *d) {
  tct_time last = d->m.last > d->m.first ? d->m.last - d->m.first : 1;
  double from = (double)d->v->from_ns, to = d->v->to_ns != 0 ? (double)d->v->to_ns : (double)last;
  double margin = (to - from) * 0.015;
  d->g.base = d->m.first;
  d->g.x = (struct scale){from - (from > 0 ? 0 : margin), to + (d->v->to_ns != 0 ? 0 : margin),
                          PAGE_LEFT, (double)d->g.width - PAGE_RIGHT};
}

static void widen(double *low, double *high, double v) {
  *low = fmin(*low, v);
  *high = fmax(*high, v);
}

/* All that was sent; of the window as much as leaves that room. */
static struct scale find_range(struct drawing *d) {
  double low = INFINITY, high = -INFINITY;
  for (size_t i = 0; i < d->m.n_bars; i++) {
    const struct measure_bar *b = &d->m.bar[i];
    if (!is_visible(d, b->at))
      continue;
    d->visible[b->class]++;
    if (b->class == MEASURE_DSACK)
      continue;
    widen(&low, &high, (double)b->from);
    widen(&low, &high, (double)b->to);
  }
  for (size_t i = 0; i < d->m.n_marks; i++)
    if (is_visible(d, d->m.mark[i].at))
      d->has_mark[d->m.mark[i].kind] = true;
  if (low > high)
    low = 0, high = (double)(d->m.top > 0 ? d->m.top : 1);
  double span = fmax(high - low, 10), window = curves_max(&d->g, &d->m.line[MEASURE_WINDOW]);
  double top = high + span * 0.06, room = high + span * 0.3;
  d->sees_window = curves_min(&d->g, &d->m.line[MEASURE_WINDOW]) < room;
  if (window > top && d->sees_window)
    top = fmin(window + span * 0.03, room);
  return (struct scale){low - span * 0.04, top, 0, 0};
}

/* ---- Segments -------------------------------------------------------------------------------- */

const char *draw_short_why(uint16_t why) {
  switch (why) {
  case TCT_WHY_RTO:
    return "RTO";
  case TCT_WHY_FAST_REXMIT:
    return "fast retransmit";
  case TCT_WHY_PARTIAL_ACK:
    return "partial ACK";
  case TCT_WHY_TLP:
    return "TLP";
  case TCT_WHY_RACK:
    return "RACK";
  case TCT_WHY_REORDER:
    return "RACK timer";
  case TCT_WHY_RESCUE:
    return "rescue";
  case TCT_WHY_LIMITED_TRANSMIT:
    return "limited transmit";
  case TCT_WHY_FRTO:
    return "F-RTO";
  case TCT_WHY_SYN_REXMIT:
  case TCT_WHY_SYN_ACK_REXMIT:
    return "SYN again";
  case TCT_WHY_FIN_REXMIT:
    return "FIN again";
  case TCT_WHY_MTU_PROBE:
    return "MTU probe";
  case TCT_WHY_MTU_REDUCED:
    return "smaller MTU";
  case TCT_WHY_REOPENED:
    return "window reopened";
  case TCT_WHY_PROBE:
    return "window probe";
  case TCT_WHY_KEEPALIVE:
    return "keep-alive";
  default:
    return NULL;
  }
}

/* Thin ones are given a pixel; what was sent again must be seen in any crowd. */
static void bar_ends(const struct drawing *d, const struct measure_bar *b, double *low,
                     double *high) {
  *low = scale_px(&d->seq.y, (double)b->from);
  *high = scale_px(&d->seq.y, (double)b->to);
  double least = b->class == MEASURE_AGAIN || b->class == MEASURE_LATE ? 6 : 1.4;
  if (*low - *high < least) {
    double middle = (*low + *high) / 2;
    *low = middle + least / 2;
    *high = middle - least / 2;
  }
}

static void put_bar_head(struct drawing *d, double x, double low, double high) {
  double h = fmin(3.2, (low - high) * 0.4);
  if (low - high < 4.5)
    return; /* too short for a head to be seen */
  fprintf(d->g.out, "M%.1f %.1fl2.6 %.1f 2.6 %.1f", x - 2.6, high + h, -h, h);
  fprintf(d->g.out, "M%.1f %.1fh4", x - 2, low);
}

static void put_title(struct drawing *d, const struct measure_bar *b) {
  struct line l, t;
  line_clear(&l);
  line_clear(&t);
  words_duration(&t, b->at - d->g.base);
  if (b->number != 0)
    line_add(&l, "#%u, ", b->number);
  line_add(&l, "%s: %lld to %lld, %lld bytes", t.b, (long long)b->from, (long long)b->to - 1,
           (long long)(b->to - b->from));
  if (b->class == MEASURE_SACK || b->class == MEASURE_DSACK)
    line_add(&l, b->class == MEASURE_SACK ? ", SACK" : ", D-SACK: arrived twice");
  if (b->why != TCT_WHY_NONE && b->why < TCT_WHY_COUNT)
    line_add(&l, "; %s%s", tct_why_text((tct_why)b->why), b->inferred ? " (guessed)" : "");
  fputs("<title>", d->g.out);
  svg_escape(d->g.out, l.b);
  fputs("</title>", d->g.out);
}

static void put_one(struct drawing *d, const struct measure_bar *b) {
  double low, high, x = page_x(&d->g, b->at);
  bar_ends(d, b, &low, &high);
  fprintf(d->g.out, "<path class=\"bar %s\" d=\"M%.1f %.1fV%.1f", css_of_class[b->class], x, low,
          high);
  if (b->class <= MEASURE_PROBE)
    put_bar_head(d, x, low, high);
  fputs("\">", d->g.out);
  put_title(d, b);
  fputs("</path>\n", d->g.out);
}

static void put_many(struct drawing *d, enum measure_class class) {
  bool heads = class <= MEASURE_PROBE && d->visible[class] <= HEADS_MAX;
  struct shape_bars s;
  fprintf(d->g.out, "<path class=\"bar %s\" d=\"", css_of_class[class]);
  shape_bars_begin(&s, d->g.out, d->visible[class] > MERGE_FROM);
  for (size_t i = 0; i < d->m.n_bars; i++) {
    const struct measure_bar *b = &d->m.bar[i];
    double low, high, x = page_x(&d->g, b->at);
    if (b->class != class || !is_visible(d, b->at))
      continue;
    bar_ends(d, b, &low, &high);
    shape_bars_put(&s, x, low, high);
    if (heads)
      put_bar_head(d, x, low, high);
  }
  shape_bars_end(&s);
  fputs("\"/>\n", d->g.out);
}

static void put_class(struct drawing *d, enum measure_class class) {
  if (d->visible[class] > TITLES_MAX) {
    put_many(d, class);
    return;
  }
  for (size_t i = 0; i < d->m.n_bars; i++)
    if (d->m.bar[i].class == class && is_visible(d, d->m.bar[i].at))
      put_one(d, &d->m.bar[i]);
}

/* ---- Marks ----------------------------------------------------------------------------------- */

static void put_symbols(struct drawing *d, enum measure_mark_kind kind, const char *css,
                        const char *shape) {
  double last_x = -99, last_y = -99;
  if (!d->has_mark[kind])
    return;
  fprintf(d->g.out, "<path class=\"%s\" d=\"", css);
  for (size_t i = 0; i < d->m.n_marks; i++) {
    const struct measure_mark *k = &d->m.mark[i];
    if (k->kind != kind || !is_visible(d, k->at))
      continue;
    double x = page_x(&d->g, k->at), y = scale_px(&d->seq.y, (double)k->v + k->len / 2.0);
    if (fabs(x - last_x) < 1 && fabs(y - last_y) < 1.5)
      continue; /* in the same place */
    fputc('M', d->g.out);
    scale_put(d->g.out, x);
    fputc(' ', d->g.out);
    scale_put(d->g.out, y);
    fputs(shape, d->g.out);
    last_x = x;
    last_y = y;
  }
  fputs("\"/>\n", d->g.out);
}

static void put_marks(struct drawing *d) {
  put_symbols(d, MEASURE_DUP_ACK, "ack", "m-2.5 0h5m-2.5 0v3.5");
  put_symbols(d, MEASURE_CE, "dot ecn", "h0");
  put_symbols(d, MEASURE_ECE, "dot ecn", "h0");
  put_symbols(d, MEASURE_ZERO_WINDOW, "shut", "l-4 -6h8z");
  put_symbols(d, MEASURE_LOST, "lost", "m-4 -4l8 8m0 -8l-8 8");
}

static void label_marks(struct drawing *d) {
  static const struct {
    enum measure_mark_kind kind;
    const char *css, *text;
    bool once;
  } words[] = {{MEASURE_SYN, "data", "SYN", false},
               {MEASURE_FIN, "data", "FIN", false},
               {MEASURE_RST, "lost", "RST", false},
               {MEASURE_ZERO_WINDOW, "window", "window 0", true},
               {MEASURE_CWR, "ecn", "CWR", false}};
  for (size_t w = 0; w < sizeof words / sizeof words[0]; w++) {
    double last = -999;
    for (size_t i = 0; i < d->m.n_marks; i++) {
      const struct measure_mark *k = &d->m.mark[i];
      double x = page_x(&d->g, k->at);
      if (k->kind != words[w].kind || !is_visible(d, k->at) || x - last < LABEL_NEAR)
        continue;
      page_label(&d->g, &d->seq, words[w].css, x, scale_px(&d->seq.y, (double)k->v), words[w].text);
      last = x;
    }
  }
}

struct group {
  const struct measure_bar *first;
  unsigned n;
  double last_x;
};

static void label_group(struct drawing *d, const struct group *p) {
  struct line l;
  double low, high;
  const char *word = p->n != 0 ? draw_short_why(p->first->why) : NULL;
  if (p->n == 0)
    return;
  if (word == NULL)
    word = p->first->class == MEASURE_PROBE ? "probe" : "again";
  line_clear(&l);
  line_add(&l, "%s%s", word, p->first->inferred && p->first->why != TCT_WHY_NONE ? "?" : "");
  if (p->n > 1)
    line_add(&l, " ×%u", p->n);
  bar_ends(d, p->first, &low, &high);
  double y = low - high > 20 ? high - 4 : (low + high) / 2; /* clear of the ACKs' line below */
  page_label(&d->g, &d->seq, css_of_class[p->first->class], page_x(&d->g, p->first->at), y, l.b);
}

static bool has_news(const struct measure_bar *b) {
  if (b->class == MEASURE_DATA)
    return draw_short_why(b->why) != NULL;
  return b->class == MEASURE_AGAIN || b->class == MEASURE_PROBE;
}

/* Equal reasons shortly after each other share one label. How many there are; drawn if asked. */
static unsigned group_reasons(struct drawing *d, double near, bool draws) {
  struct group now = {0};
  unsigned groups = 0;
  for (size_t i = 0; i < d->m.n_bars; i++) {
    const struct measure_bar *b = &d->m.bar[i];
    if (!has_news(b) || !is_visible(d, b->at))
      continue;
    double x = page_x(&d->g, b->at);
    bool joins = now.n != 0 && b->why == now.first->why && b->class == now.first->class &&
                 x - now.last_x < near;
    if (!joins) {
      if (draws)
        label_group(d, &now);
      now = (struct group){.first = b};
      groups++;
    }
    now.n++;
    now.last_x = x;
  }
  if (draws)
    label_group(d, &now);
  return groups;
}

/* So many that nobody could read them are left to the colours. */
static void label_reasons(struct drawing *d) {
  double near = LABEL_NEAR;
  while (near < 400 && group_reasons(d, near, false) > LABELS_MAX)
    near *= 2;
  if (near < 400)
    group_reasons(d, near, true);
}

/* ---- The panel ------------------------------------------------------------------------------- */

static unsigned add_item(struct page_legend *items, unsigned n, bool there,
                         const struct page_legend *item) {
  if (there)
    items[n++] = *item;
  return n;
}

static unsigned fill_legend(const struct drawing *d, struct page_legend *items) {
  const unsigned *v = d->visible;
  const bool *k = d->has_mark;
  const struct {
    bool there;
    struct page_legend item;
  } all[] = {
      {v[MEASURE_DATA] != 0, {"data", "segment", PAGE_BAR}},
      {v[MEASURE_AGAIN] != 0, {"again", "sent again", PAGE_BAR}},
      {v[MEASURE_LATE] != 0, {"late", "out of order", PAGE_BAR}},
      {v[MEASURE_PROBE] != 0, {"probe", "probe", PAGE_BAR}},
      {k[MEASURE_LOST], {"lost", "lost on the way", PAGE_CROSS}},
      {d->m.line[MEASURE_ACK].n != 0, {"ack", "acknowledged", PAGE_LINE}},
      {d->sees_window, {"window", "receive window", PAGE_LINE}},
      {v[MEASURE_SACK] != 0, {"sack", "SACK", PAGE_BLOCK}},
      {v[MEASURE_DSACK] != 0, {"dsack", "D-SACK", PAGE_BLOCK}},
      {k[MEASURE_CE] || k[MEASURE_ECE], {"ecn", "congestion mark (ECN)", PAGE_DOT}},
  };
  unsigned n = 0;
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    n = add_item(items, n, all[i].there, &all[i].item);
  return n;
}

static double draw_sequence(struct drawing *d, double y, double height) {
  struct page_legend items[12];
  struct scale range = find_range(d);
  unsigned n = fill_legend(d, items);
  double top = page_legend(&d->g, y, "sequence number, bytes", items, n);
  height -= top - y - 9; /* further lines of the legend */
  range.px_from = top + height;
  range.px_to = top;
  d->seq = (struct page_panel){.unit = SCALE_BYTES, .top = top, .bottom = top + height, .y = range};
  page_panel_begin(&d->g, &d->seq);
  curves_line(&d->g, &d->seq, &d->m.line[MEASURE_WINDOW], "window");
  curves_line(&d->g, &d->seq, &d->m.line[MEASURE_ACK], "ack");
  put_class(d, MEASURE_SACK);
  put_class(d, MEASURE_DSACK);
  put_class(d, MEASURE_DATA);
  put_class(d, MEASURE_PROBE);
  put_class(d, MEASURE_LATE);
  put_class(d, MEASURE_AGAIN);
  put_marks(d);
  label_marks(d);
  label_reasons(d);
  page_panel_end(&d->g);
  return d->seq.bottom;
}

/* ---- Words above ----------------------------------------------------------------------------- */

static void make_title(const struct drawing *d, struct line *l) {
  const struct plot_flow *f = d->m.flow;
  int from = d->m.from;
  line_clear(l);
  if (d->v->title != NULL) {
    line_add(l, "%s", d->v->title);
    return;
  }
  for (int i = 0; i < 2; i++) {
    int e = i == 0 ? from : !from;
    const char *name = d->v->names[e] != NULL ? d->v->names[e] : e == 0 ? "client" : "server";
    line_add(l, "%s%s ", i == 0 ? "" : " → ", name);
    words_endpoint(l, &f->addr[e], f->port[e]);
  }
}

static void add_reasons(const struct measure *m, struct line *l) {
  const char *lead = " (";
  for (unsigned w = 0; w < TCT_WHY_COUNT; w++) {
    const char *word = draw_short_why((uint16_t)w);
    if (m->by_why[w] == 0 || word == NULL)
      continue;
    line_add(l, "%s%u %s%s", lead, m->by_why[w], word, m->on_wire && m->flow->whys == 0 ? "?" : "");
    lead = ", ";
  }
  if (lead[0] == ',')
    line_add(l, ")");
}

void draw_facts(const struct measure *m, struct line *l) {
  tct_time took = m->last > m->first ? m->last - m->first : 0;
  words_size(l, m->bytes);
  line_add(l, " in ");
  words_duration(l, took);
  if (took != 0) {
    double rate = (double)m->bytes * 8e9 / (double)took;
    line_add(l, ", %.*f %s", rate < 1e7 ? 2 : 1, rate < 1e6 ? rate / 1e3 : rate / 1e6,
             rate < 1e6 ? "kbit/s" : "Mbit/s");
  }
  line_add(l, " · %u segments", m->segments);
  if (m->lost != 0)
    line_add(l, " · %u lost", m->lost);
  line_add(l, " · %u sent again", m->again);
  add_reasons(m, l);
  if (m->rtt.n == 0)
    return;
  line_add(l, " · round trip ");
  words_duration(l, m->rtt_min);
  line_add(l, " to ");
  words_duration(l, m->rtt_max);
}

static void draw_page(struct drawing *d) {
  struct line title, facts;
  double plots = (double)d->g.height - 216, y;
  make_title(d, &title);
  line_clear(&facts);
  draw_facts(&d->m, &facts);
  if (d->p->left_out != 0)
    line_add(&facts, " · the capture goes on, %llu events are left out",
             (unsigned long long)d->p->left_out);
  page_begin(&d->g, title.b, facts.b);
  y = draw_sequence(d, 82, plots * 0.6);
  y = curves_windows(&d->g, &d->m, y + 26, plots * 0.23);
  y = curves_rtt(&d->g, &d->m, y + 26, plots * 0.17);
  page_time_axis(&d->g, y);
  page_end(&d->g);
}

int plot_write_svg(const struct plot *p, const struct plot_view *v, FILE *out) {
  size_t flow;
  int from;
  if (v->all)
    return compare_write(p, v, out);
  struct drawing *d = calloc(1, sizeof *d);
  if (d == NULL || !plot_choose(p, v, &flow, &from)) {
    free(d);
    errno = d == NULL ? ENOMEM : EINVAL;
    return -1;
  }
  d->p = p;
  d->v = v;
  d->g.out = out;
  d->g.width = v->width != 0 ? v->width : 1120;
  d->g.height = v->height != 0 ? v->height : 820;
  bool ok = measure_flow(&d->m, p, flow, from);
  if (ok) {
    set_time(d);
    draw_page(d);
  }
  measure_free(&d->m);
  free(d);
  if (!ok)
    errno = ENOMEM;
  return ok && !ferror(out) ? 0 : -1;
}

bool plot_write_path(const struct plot *p, const struct plot_view *v, const char *path, char *error,
                     size_t cap) {
  bool to_stdout = strcmp(path, "-") == 0;
  size_t flow;
  int from;
  if (!plot_choose(p, v, &flow, &from)) {
    snprintf(error, cap, "there is nothing to plot: no TCP segment was seen");
    return false;
  }
  FILE *f = to_stdout ? stdout : fopen(path, "w");
  int wrote = f != NULL ? plot_write_svg(p, v, f) : -1, err = errno;
  if (f != NULL && (to_stdout ? fflush(f) : fclose(f)) != 0 && wrote == 0) {
    wrote = -1;
    err = errno;
  }
  if (wrote == 0)
    return true;
  snprintf(error, cap, "cannot write %s: %s", path, strerror(err));
  if (f != NULL && !to_stdout)
    tct_discard(path);
  return false;
}
