/* SPDX-License-Identifier: MIT */
/*
 * chart.c - the time-sequence graph in characters: braille dots on a Unicode terminal, else ASCII.
 * What was sent again and what was lost has signs of its own. Called through plot.h.
 */
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "cli/plot/draw.h"
#include "cli/plot/scale.h"

enum { ROWS = 20, COLUMNS_MAX = 200, AXIS = 10, DOTS_X = 2, DOTS_Y = 4 };

struct cell {
  uint8_t dots; /* braille's bits */
  uint8_t sign; /* 0, or a letter over them */
  bool is_ack;  /* nothing but the ACK line is here */
};

struct chart {
  struct cell cell[ROWS][COLUMNS_MAX];
  unsigned columns;
  struct scale x, y; /* to dots; y counts upwards */
  tct_time base;
  const struct term *term;
};

static void put_dot(struct chart *c, double x, double y, bool is_ack) {
  static const uint8_t bits[DOTS_Y][DOTS_X] = {
      {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
  long column = lround(x), row = ROWS * DOTS_Y - 1 - lround(y);
  if (column < 0 || row < 0 || column >= (long)c->columns * DOTS_X || row >= ROWS * DOTS_Y)
    return;
  struct cell *k = &c->cell[row / DOTS_Y][column / DOTS_X];
  k->is_ack = is_ack && (k->dots == 0 || k->is_ack);
  k->dots |= bits[row % DOTS_Y][column % DOTS_X];
}

static void put_sign(struct chart *c, double x, double y, char sign) {
  long column = lround(x) / DOTS_X, row = (ROWS * DOTS_Y - 1 - lround(y)) / DOTS_Y;
  if (column < 0 || row < 0 || column >= (long)c->columns || row >= ROWS)
    return;
  struct cell *k = &c->cell[row][column];
  if (k->sign != 'X')
    k->sign = (uint8_t)sign;
}

static double x_of(const struct chart *c, tct_time at) {
  return scale_px(&c->x, at >= c->base ? (double)(at - c->base) : -1);
}

/* Within the picture: numbers of a hostile capture may lie anywhere. */
static int pixel(double v, double max) {
  return (int)fmin(fmax(v, 0), fmax(max, 0));
}

static void put_bars(struct chart *c, const struct measure *m) {
  for (size_t i = 0; i < m->n_bars; i++) {
    const struct measure_bar *b = &m->bar[i];
    double x = x_of(c, b->at), low = scale_px(&c->y, (double)b->from);
    double high = scale_px(&c->y, (double)b->to);
    if (b->class == MEASURE_AGAIN || b->class == MEASURE_LATE)
      put_sign(c, x, (low + high) / 2, b->class == MEASURE_AGAIN ? 'R' : 'o');
    if (b->class != MEASURE_DATA || high < 0 || low > c->y.px_to)
      continue;
    for (int y = pixel(low, c->y.px_to); y <= pixel(high, c->y.px_to); y++)
      put_dot(c, x, y, false);
  }
  for (size_t i = 0; i < m->n_marks; i++)
    if (m->mark[i].kind == MEASURE_LOST)
      put_sign(c, x_of(c, m->mark[i].at), scale_px(&c->y, (double)m->mark[i].v), 'X');
}

static void put_acks(struct chart *c, const struct measure *m) {
  const struct measure_curve *a = &m->line[MEASURE_ACK];
  for (size_t i = 0; i < a->n; i++) {
    double to = i + 1 < a->n ? x_of(c, a->p[i + 1].at) : c->x.px_to;
    double from = x_of(c, a->p[i].at);
    if (to < 0 || from > c->x.px_to)
      continue;
    for (int x = pixel(from, c->x.px_to); x <= pixel(to, c->x.px_to); x++)
      put_dot(c, x, scale_px(&c->y, (double)a->p[i].v), true);
  }
}

static void print_cell(const struct chart *c, const struct cell *k, FILE *out) {
  const struct term *t = c->term;
  if (k->sign != 0) {
    enum term_role role = k->sign == 'X' ? TERM_LOST : TERM_REXMIT;
    fprintf(out, "%s%c%s", term_on(t, role), k->sign, term_off(t, role));
    return;
  }
  if (k->dots == 0 || !t->unicode) {
    fputc(k->dots == 0 ? ' ' : k->is_ack ? '.' : '|', out);
    return;
  }
  enum term_role role = k->is_ack ? TERM_SYN : TERM_PLAIN;
  fprintf(out, "%s\xe2%c%c%s", term_on(t, role), 0xa0 | k->dots >> 6, 0x80 | (k->dots & 0x3f),
          term_off(t, role));
}

static void print_rows(const struct chart *c, FILE *out) {
  double step = scale_step(c->y.to - c->y.from, 6);
  for (unsigned r = 0; r < ROWS; r++) {
    double per_row = (c->y.to - c->y.from) / ROWS, low = c->y.from + (ROWS - 1 - r) * per_row;
    double tick = scale_tick(&(struct scale){.from = low}, step, 0);
    struct line l;
    line_clear(&l);
    if (tick < low + per_row - 1e-9)
      scale_label(&l, SCALE_BYTES, &c->y, tick, step);
    fprintf(out, "%*s %s", AXIS - 2, l.b, c->term->unicode ? "│" : "|");
    unsigned last = c->columns;
    while (last > 0 && c->cell[r][last - 1].dots == 0 && c->cell[r][last - 1].sign == 0)
      last--;
    for (unsigned i = 0; i < last; i++)
      print_cell(c, &c->cell[r][i], out);
    fputc('\n', out);
  }
}

static void print_axis(const struct chart *c, FILE *out) {
  double step = scale_step(c->x.to - c->x.from, c->columns / 14 + 1);
  struct line ticks, labels;
  line_clear(&ticks);
  line_clear(&labels);
  for (unsigned i = 0; i < c->columns; i++)
    line_add(&ticks, "%s", c->term->unicode ? "─" : "-");
  for (unsigned i = 0; i < COLUMNS_MAX && scale_tick(&c->x, step, i) <= c->x.to; i++) {
    double v = scale_tick(&c->x, step, i);
    unsigned at = (unsigned)(scale_px(&c->x, v) / DOTS_X);
    if (labels.n != 0)
      line_pad_to(&labels, at);
    scale_label(&labels, SCALE_TIME, &c->x, v, step);
  }
  if (!c->term->unicode)
    words_to_ascii(labels.b);
  fprintf(out, "%*s %s%s\n%*s %s\n", AXIS - 2, "", c->term->unicode ? "└" : "+", ticks.b, AXIS - 1,
          "", labels.b);
}

static void print_chart(struct chart *c, const struct measure *m, FILE *out) {
  struct line facts;
  put_acks(c, m);
  put_bars(c, m);
  line_clear(&facts);
  draw_facts(m, &facts);
  if (!c->term->unicode)
    words_to_ascii(facts.b);
  print_rows(c, out);
  print_axis(c, out);
  fprintf(out, "%s\n", facts.b);
  fputs(c->term->unicode ? "⣿ sent  ⠒ acknowledged  R sent again  o out of order  X lost\n"
                         : "| sent  . acknowledged  R sent again  o out of order  X lost\n",
        out);
}

static void set_scales(struct chart *c, const struct measure *m, const struct plot_view *v) {
  double last = m->last > m->first ? (double)(m->last - m->first) : 1;
  double to = v->to_ns != 0 ? (double)v->to_ns : last;
  int64_t low = m->top, high = 0;
  for (size_t i = 0; i < m->n_bars; i++) {
    const struct measure_bar *b = &m->bar[i];
    double at = (double)(b->at - m->first);
    if (at < (double)v->from_ns || at > to || b->class == MEASURE_DSACK)
      continue;
    low = b->from < low ? b->from : low;
    high = b->to > high ? b->to : high;
  }
  if (high <= low)
    high = low + 1;
  c->base = m->first;
  c->x = (struct scale){(double)v->from_ns, to, 0, (double)c->columns * DOTS_X - 1};
  c->y = (struct scale){(double)low, (double)high, 0, ROWS * DOTS_Y - 1};
}

int plot_write_text(const struct plot *p, const struct plot_view *v, const struct term *t,
                    FILE *out) {
  size_t flow;
  int from;
  struct measure m;
  struct chart *c = calloc(1, sizeof *c);
  if (c == NULL || !plot_choose(p, v, &flow, &from)) {
    free(c);
    errno = c == NULL ? ENOMEM : EINVAL;
    return -1;
  }
  c->term = t;
  c->columns = t->width > AXIS + 20 ? t->width - AXIS : 20;
  if (c->columns > COLUMNS_MAX)
    c->columns = COLUMNS_MAX;
  bool ok = measure_flow(&m, p, flow, from);
  if (ok) {
    set_scales(c, &m, v);
    print_chart(c, &m, out);
  }
  measure_free(&m);
  free(c);
  if (!ok)
    errno = ENOMEM;
  return ok && !ferror(out) ? 0 : -1;
}
