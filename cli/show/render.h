/* SPDX-License-Identifier: MIT */
/* render.h - the four ways to draw rows, and the closing sentence. Each is one file. */
#ifndef TCT_SHOW_RENDER_H
#define TCT_SHOW_RENDER_H

#include "cli/show/words.h"

/* What all of them need to know. names are never NULL here. */
struct render {
  FILE *out;
  struct term term;
  struct words_context words;
  const char *title; /* or NULL */
  unsigned traced;   /* bit per end */
  tct_time base;     /* time 0 of the drawing */
  bool has_base;
};

/* ---- ladder.c: states at two rails, arrows between them -------------------------------------- */
struct ladder {
  struct render r;
  unsigned left, inner, right; /* columns before, between and behind the rails */
  unsigned time_width, decimals;
  bool began;
  struct show_row held; /* the first of two rows that cross */
  bool has_held;
};
void ladder_init(struct ladder *l, const struct render *r);
void ladder_row(void *ctx, const struct show_row *r);

/* ---- plain.c: one event, one line ------------------------------------------------------------ */
void plain_row(void *ctx, const struct show_row *r); /* ctx: struct render */

/* ---- json.c: JSON Lines, schema tercet.segments version 1 ------------------------------------ */
void json_begin(struct render *r);
void json_row(void *ctx, const struct show_row *r); /* ctx: struct render */
void json_summary(struct render *r, const struct show_conn *c, const struct line *sentence);

/* ---- svg.c: the same rows as a picture ------------------------------------------------------- */
struct svg;
struct svg *svg_new(const struct render *r, bool animated);
void svg_free(struct svg *s);
void svg_set_base(struct svg *s, tct_time base);
void svg_row(void *ctx, const struct show_row *r); /* ctx: struct svg */
void svg_summary(struct svg *s, bool good, const char *sentence);
/* 0, or -1 with errno when it could not be written. */
int svg_write(struct svg *s, FILE *out);

/* ---- summary.c ------------------------------------------------------------------------------- */
/* "opened, moved 77 B up ...". Returns true when all went as it should. */
bool summary_write(struct line *l, const struct show_conn *c, const char *const *names);

#endif
