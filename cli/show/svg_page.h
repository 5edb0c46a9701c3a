/* SPDX-License-Identifier: MIT */
/* svg_page.h - what svg.c (rows) and svg_page.c (style, rails, frame) share; nobody else. */
#ifndef TCT_SHOW_SVG_PAGE_H
#define TCT_SHOW_SVG_PAGE_H

#include "cli/show/render.h"

enum { SVG_WIDTH = 860, SVG_LEFT = 250, SVG_RIGHT = 730, SVG_MIDDLE = 490 };

/* From y on the rail of this end has the colour of this state. */
struct svg_change {
  int end;
  unsigned y;
  uint8_t state;
  bool is_event; /* gets a dot */
};

struct svg {
  struct render r;
  bool animated, began, failed, good;
  FILE *body; /* into text */
  char *text;
  size_t text_len;
  unsigned y, top, rows, left_out;
  struct svg_change *change;
  size_t n_change, cap_change;
  struct show_row held; /* the first of two rows that cross */
  bool has_held;
  struct line sentence;
};

void svg_escape(FILE *out, const char *text);
/* Bytes of text for one line of so many columns. */
size_t svg_break(const char *text, unsigned columns);

#endif
