/* SPDX-License-Identifier: MIT */
/*
 * page.c - the page of a plot: style for light and dark, heading, legends, frames, grid, axes and
 * labels that keep out of each other's way. Called by draw.c and curves.c.
 */
#include "cli/plot/page.h"

#include <math.h>
#include <string.h>

#include "cli/show/svg_page.h"

enum { TICKS_MAX = 24 }; /* far out, where doubles have gaps, adding a step might never end */

static const char style[] =
    "text{font:12px system-ui,-apple-system,'Segoe UI',Roboto,'DejaVu Sans',sans-serif;"
    "fill:#57606a}\n"
    ".title{font-size:17px;font-weight:600;fill:#1f2328}.sub{font-size:12.5px}\n"
    ".head{font-weight:600;fill:#1f2328}.tick{font-size:11px;font-variant-numeric:tabular-nums}\n"
    ".page{fill:#fff}.plot{fill:#fff}.edge{fill:none;stroke:#d0d7de}.frame{fill:none;"
    "stroke:#afb8c1}\n"
    ".grid{fill:none;stroke:#eaeef2}\n"
    ".note{font-size:10.5px;paint-order:stroke;stroke:#fff;stroke-width:3px;"
    "stroke-linejoin:round}\n"
    "path{fill:none;stroke-width:1.5}.bar{stroke-width:1.6}.dot{stroke-width:3.4;"
    "stroke-linecap:round}\n"
    ".dash{stroke-dasharray:5 "
    "4}.thin{stroke-width:.7;opacity:.55}.guide{stroke-width:1;opacity:.28}.area{stroke:none;"
    "opacity:.16}\n"
    ".data{stroke:#0969da}.again{stroke:#bf3989}.late{stroke:#8250df}.probe{stroke:#57606a}\n"
    ".ack{stroke:#1a7f37}.window{stroke:#9a6700}.sack{stroke:#e0791b}.dsack{stroke:#8a4600}\n"
    ".lost{stroke:#cf222e}.flight{stroke:#1b7c83}.cwnd{stroke:#0969da}.ssthresh{stroke:#8c959f}\n"
    ".ecn{stroke:#d4a72c}.a1{stroke:#0969da}.a2{stroke:#bf3989}.a3{stroke:#1a7f37}"
    ".a4{stroke:#9a6700}.a5{stroke:#8250df}.a6{stroke:#cf222e}\n"
    "text.again{fill:#a0276f}text.late{fill:#6639ba}text.lost{fill:#cf222e}text.data{fill:#0550ae}"
    "text.ack{fill:#116329}text.window{fill:#7d4e00}text.ecn{fill:#7d4e00}\n"
    "text.again,text.late,text.lost,text.data,text.ack,text.window,text.ecn{stroke:#fff}\n"
    ".area.flight{fill:#1b7c83}.shut{fill:#9a6700}\n"
    "@media(prefers-color-scheme:dark){\n"
    "text{fill:#9198a1}.title,.head{fill:#e6edf3}.page,.plot{fill:#0d1117}.edge{stroke:#30363d}"
    ".frame{stroke:#484f58}.grid{stroke:#21262d}.note{stroke:#0d1117}\n"
    ".data,.cwnd,.a1{stroke:#58a6ff}.again,.a2{stroke:#ff7bc0}.late,.a5{stroke:#bc8cff}"
    ".probe{stroke:#9198a1}.ack,.a3{stroke:#3fb950}.window,.a4{stroke:#d29922}"
    ".sack{stroke:#f0883e}.dsack{stroke:#ffc680}.lost,.a6{stroke:#ff7b72}.flight{stroke:#39c5cf}"
    ".ssthresh{stroke:#6e7681}.ecn{stroke:#e3b341}\n"
    "text.again{fill:#ff9bce}text.late{fill:#d2a8ff}text.lost{fill:#ffa198}text.data{fill:#79c0ff}"
    "text.ack{fill:#56d364}text.window,text.ecn{fill:#e3b341}\n"
    "text.again,text.late,text.lost,text.data,text.ack,text.window,text.ecn{stroke:#0d1117}\n"
    ".area.flight{fill:#39c5cf}.shut{fill:#d29922}}\n";

void page_text(struct page *g, const char *css, double x, double y, const char *text) {
  fprintf(g->out, "<text class=\"%s\" x=\"", css);
  scale_put(g->out, x);
  fputs("\" y=\"", g->out);
  scale_put(g->out, y);
  fputs("\">", g->out);
  svg_escape(g->out, text);
  fputs("</text>\n", g->out);
}

void page_begin(struct page *g, const char *title, const char *desc) {
  fprintf(g->out,
          "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%u\" height=\"%u\" "
          "viewBox=\"0 0 %u %u\" role=\"img\" aria-labelledby=\"title summary\">\n"
          "<title id=\"title\">",
          g->width, g->height, g->width, g->height);
  svg_escape(g->out, title);
  fputs("</title>\n<desc id=\"summary\">Time-sequence graph. ", g->out);
  svg_escape(g->out, desc);
  fprintf(g->out,
          "</desc>\n<style>\n%s</style>\n<rect class=\"page\" width=\"%u\" height=\"%u\" "
          "rx=\"8\"/>\n<rect class=\"edge\" x=\".5\" y=\".5\" width=\"%u\" height=\"%u\" "
          "rx=\"8\"/>\n",
          style, g->width, g->height, g->width - 1, g->height - 1);
  page_text(g, "title", PAGE_LEFT - 58, 32, title);
  page_text(g, "sub", PAGE_LEFT - 58, 52, desc);
}

void page_end(struct page *g) {
  fputs("</svg>\n", g->out);
}

/* ---- Legends --------------------------------------------------------------------------------- */

static void put_glyph(struct page *g, const struct page_legend *i, double x, double y) {
  static const char *const shapes[] = {
      [PAGE_BAR] = "m8 -10v11m-2.5 -8l2.5 -3 2.5 3",
      [PAGE_BLOCK] = "m8 -10v11",
      [PAGE_LINE] = "m0 -4h18",
      [PAGE_DASHED] = "m0 -4h18",
      [PAGE_DOT] = "m9 -4h0",
      [PAGE_AREA] = "m0 -9h18v10h-18z",
      [PAGE_CROSS] = "m5 -8l8 8m0 -8l-8 8",
  };
  static const char *const css[] = {
      [PAGE_BAR] = "bar ", [PAGE_BLOCK] = "bar ", [PAGE_LINE] = "",  [PAGE_DASHED] = "dash ",
      [PAGE_DOT] = "dot ", [PAGE_AREA] = "area ", [PAGE_CROSS] = "",
  };
  fprintf(g->out, "<path class=\"%s%s\" d=\"M%.0f %.0f%s\"/>", css[i->glyph], i->css, x, y,
          shapes[i->glyph]);
}

/* What a text of this size is wide, near enough: proportional letters differ. */
static double width_of(const char *text, double size) {
  return term_columns(text) * size * 0.56;
}

double page_legend(struct page *g, double y, const char *title, const struct page_legend *items,
                   unsigned n) {
  double left = PAGE_LEFT + width_of(title, 13) + 22, x = left;
  page_text(g, "head", PAGE_LEFT, y, title);
  for (unsigned i = 0; i < n; i++) {
    double width = 24 + width_of(items[i].text, 12) + 12;
    if (x + width > g->width - PAGE_RIGHT + 8) {
      x = left;
      y += 17;
    }
    put_glyph(g, &items[i], x, y);
    page_text(g, "tick", x + 24, y, items[i].text);
    x += width;
  }
  return y + 9;
}

/* ---- Panels ---------------------------------------------------------------------------------- */

static unsigned ticks_y(const struct page_panel *n) {
  return (unsigned)fmax(3, (n->bottom - n->top) / 34);
}

static void put_grid_x(struct page *g, const struct page_panel *n) {
  double step = scale_step(g->x.to - g->x.from, PAGE_TICKS_X);
  fputs("<path class=\"grid\" d=\"", g->out);
  for (unsigned i = 0; i < TICKS_MAX; i++) {
    double v = scale_tick(&g->x, step, i);
    if (v <= g->x.to)
      fprintf(g->out, "M%.1f %.1fV%.1f", scale_px(&g->x, v), n->top, n->bottom);
  }
  fputs("\"/>\n", g->out);
}

static void put_axis_y(struct page *g, const struct page_panel *n) {
  double step = scale_step(n->y.to - n->y.from, ticks_y(n));
  for (unsigned i = 0; i < TICKS_MAX; i++) {
    struct line l;
    double v = scale_tick(&n->y, step, i), y = scale_px(&n->y, v);
    if (v > n->y.to + step * 1e-9)
      return;
    line_clear(&l);
    scale_label(&l, n->unit, &n->y, v, step);
    fprintf(g->out, "<path class=\"grid\" d=\"M%.1f %.1fH%.1f\"/>", g->x.px_from, y, g->x.px_to);
    fprintf(g->out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"end\">%s</text>\n",
            g->x.px_from - 8, y + 4, l.b);
  }
}

void page_panel_begin(struct page *g, const struct page_panel *n) {
  double width = g->x.px_to - g->x.px_from, height = n->bottom - n->top;
  g->panels++;
  fprintf(g->out, "<rect class=\"plot\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
          g->x.px_from, n->top, width, height);
  put_grid_x(g, n);
  put_axis_y(g, n);
  fprintf(g->out, "<rect class=\"frame\" x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>\n",
          g->x.px_from, n->top, width, height);
  fprintf(g->out,
          "<clipPath id=\"p%u\"><rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\"/>"
          "</clipPath>\n<g clip-path=\"url(#p%u)\">\n",
          g->panels, g->x.px_from, n->top, width, height, g->panels);
}

void page_panel_end(struct page *g) {
  fputs("</g>\n", g->out);
}

void page_time_axis(struct page *g, double y) {
  double step = scale_step(g->x.to - g->x.from, PAGE_TICKS_X);
  for (unsigned i = 0; i < TICKS_MAX; i++) {
    struct line l;
    double v = scale_tick(&g->x, step, i);
    if (v > g->x.to)
      break;
    line_clear(&l);
    scale_label(&l, SCALE_TIME, &g->x, v, step);
    fprintf(g->out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">%s</text>\n",
            scale_px(&g->x, v), y + 16, l.b);
  }
  fprintf(g->out, "<text class=\"tick\" x=\"%.1f\" y=\"%.1f\" text-anchor=\"middle\">",
          (g->x.px_from + g->x.px_to) / 2, y + 33);
  fputs("time since the first segment</text>\n", g->out);
}

/* ---- Labels ---------------------------------------------------------------------------------- */

static bool is_free(const struct page *g, const struct page_box *b) {
  for (unsigned i = 0; i < g->n_boxes; i++) {
    const struct page_box *o = &g->box[i];
    if (b->x1 < o->x2 && o->x1 < b->x2 && b->y1 < o->y2 && o->y1 < b->y2)
      return false;
  }
  return true;
}

bool page_label(struct page *g, const struct page_panel *n, const char *css, double x, double y,
                const char *text) {
  static const signed char place[][2] = {{1, 1}, {-1, -1}, {1, 0}, {-1, 0},
                                         {1, 2}, {-1, -2}, {1, -1}};
  double width = width_of(text, 11.6);
  for (unsigned i = 0; i < sizeof place / sizeof place[0] && g->n_boxes < PAGE_BOXES_MAX; i++) {
    double left = place[i][0] > 0 ? x + 5 : x - 5 - width, base = y + 3.5 + place[i][1] * 12;
    struct page_box b = {left - 2, base - 9, left + width + 2, base + 3};
    bool inside = b.x1 >= g->x.px_from && b.x2 <= g->x.px_to && b.y1 >= n->top && b.y2 <= n->bottom;
    if (!inside || !is_free(g, &b))
      continue;
    struct line class;
    line_clear(&class);
    line_add(&class, "note %s", css);
    page_text(g, class.b, left, base, text);
    g->box[g->n_boxes++] = b;
    return true;
  }
  return false;
}
