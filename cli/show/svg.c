/* SPDX-License-Identifier: MIT */
/*
 * svg.c - the ladder as a picture: one self-contained SVG, text as text, a title for each arrow.
 *
 * Rows come from stage.c as they do to ladder.c and are even-spaced. The rails are bars in the
 * colour of the state; arrows slope down as time does, a folded run is three arrows, a lost one
 * ends half-way. Light and dark follow the reader's settings. The body is kept in memory until its
 * height is known; at ROWS_MAX rows drawing stops with a count, so that memory is bounded.
 * svg_page.c has the parts that do not depend on rows.
 */
#define _GNU_SOURCE
#include "cli/show/svg_page.h"

#include <stdlib.h>
#include <string.h>

enum { ROWS_MAX = 1200, LINE = 16, SLOPE = 12, FACTS_COLUMNS = 57 };

static const char *role_class(enum term_role role) {
  static const char *const names[] = {
      [TERM_PLAIN] = "data", [TERM_SYN] = "syn",    [TERM_DATA] = "data",    [TERM_ACK] = "ack",
      [TERM_FIN] = "fin",    [TERM_RST] = "rst",    [TERM_REXMIT] = "again", [TERM_LOST] = "rst",
      [TERM_DIM] = "ack",    [TERM_STATE] = "data", [TERM_GOOD] = "syn",     [TERM_BAD] = "rst",
      [TERM_WARN] = "fin",   [TERM_BOLD] = "data"};
  return names[role];
}

struct svg *svg_new(const struct render *r, bool animated) {
  struct svg *s = calloc(1, sizeof *s);
  if (s == NULL)
    return NULL;
  s->r = *r;
  s->animated = animated;
  s->body = open_memstream(&s->text, &s->text_len);
  if (s->body == NULL) {
    free(s);
    return NULL;
  }
  return s;
}

void svg_free(struct svg *s) {
  if (s == NULL)
    return;
  if (s->body != NULL)
    fclose(s->body);
  free(s->text);
  free(s->change);
  free(s);
}

void svg_set_base(struct svg *s, tct_time base) {
  s->r.base = base;
}

void svg_summary(struct svg *s, bool good, const char *sentence) {
  s->good = good;
  line_clear(&s->sentence);
  line_add(&s->sentence, "%s", sentence);
}

/* ---- States ---------------------------------------------------------------------------------- */

static void add_change(struct svg *s, int end, unsigned y, uint8_t state, bool is_event) {
  if (s->n_change == s->cap_change) {
    size_t cap = s->cap_change == 0 ? 32 : s->cap_change * 2;
    struct svg_change *p = realloc(s->change, cap * sizeof *p);
    if (p == NULL) {
      s->failed = true;
      return;
    }
    s->change = p;
    s->cap_change = cap;
  }
  s->change[s->n_change++] = (struct svg_change){end, y, state, is_event};
}

static void put_state(struct svg *s, int end, unsigned y, const struct show_path *p) {
  if (p->n == 0)
    return;
  uint8_t state = show_path_last(p);
  add_change(s, end, y, state, true);
  fprintf(s->body, "<text class=\"state\" x=\"%d\" y=\"%u\" text-anchor=\"%s\">%s</text>\n",
          end == SHOW_LEFT ? SVG_LEFT - 14 : SVG_RIGHT + 14, y + 4,
          end == SHOW_LEFT ? "end" : "start", words_state(state));
}

/* ---- Head ------------------------------------------------------------------------------------ */

static const char *state_before(const struct show_row *r, int end) {
  const struct show_path *p = end == r->from ? &r->depart : &r->arrive;
  if (p->n != 0)
    return words_state(p->state[0]);
  return r->state_known[end] ? words_state(r->state[end]) : NULL;
}

static void put_end(struct svg *s, const struct show_row *r, int end) {
  struct line addr;
  const char *state = state_before(r, end);
  const struct show_path *p = end == r->from ? &r->depart : &r->arrive;
  int x = end == SHOW_LEFT ? SVG_LEFT : SVG_RIGHT;
  line_clear(&addr);
  if (r->conn != NULL)
    words_endpoint(&addr, &r->conn->addr[end], r->conn->port[end]);
  fprintf(s->body, "<text class=\"name\" x=\"%d\" y=\"%u\" text-anchor=\"middle\">", x, s->y + 14);
  svg_escape(s->body, s->r.words.names[end]);
  fprintf(s->body, "</text>\n<text class=\"small\" x=\"%d\" y=\"%u\" text-anchor=\"middle\">", x,
          s->y + 30);
  svg_escape(s->body, addr.b);
  fprintf(s->body, "%s</text>\n", (s->r.traced >> end & 1) != 0 ? "" : " (states inferred)");
  if (state == NULL)
    return;
  add_change(s, end, s->y + 44, p->n != 0 ? p->state[0] : r->state[end], false);
  fprintf(s->body, "<text class=\"state\" x=\"%d\" y=\"%u\" text-anchor=\"%s\">%s</text>\n",
          end == SHOW_LEFT ? x - 14 : x + 14, s->y + 56, end == SHOW_LEFT ? "end" : "start", state);
}

static void begin(struct svg *s, const struct show_row *r) {
  s->began = true;
  s->y = s->r.title != NULL ? 52 : 24;
  put_end(s, r, SHOW_LEFT);
  put_end(s, r, SHOW_RIGHT);
  s->top = s->y + 44;
  s->y += 66;
}

/* ---- Text between the rails ------------------------------------------------------------------ */

static void open_group(struct svg *s) {
  fprintf(s->body, "<g class=\"row\"");
  if (s->animated)
    fprintf(s->body, " style=\"animation-delay:%u.%us\"", s->rows * 4 / 10, s->rows * 4 % 10);
  fprintf(s->body, ">");
  s->rows++;
}

static void put_place(struct svg *s, const struct show_row *r) {
  uint64_t ns = r->at > s->r.base ? r->at - s->r.base : 0;
  struct line l;
  line_clear(&l);
  if (ns >= 10000000000u)
    line_add(&l, "%llu.%02u s", (unsigned long long)(ns / 1000000000),
             (unsigned)(ns / 10000000 % 100));
  else
    line_add(&l, "%llu.%u ms", (unsigned long long)((ns + 50000) / 1000000),
             (unsigned)((ns + 50000) / 100000 % 10));
  fprintf(s->body, "<text class=\"small\" x=\"86\" y=\"%u\" text-anchor=\"end\">%s</text>\n",
          s->y + 12, l.b);
  if (r->kind != SHOW_SEG)
    return;
  line_clear(&l);
  line_add(&l, "#");
  words_frames(&l, r->frame_first, r->frame_last, r->frame_last - r->frame_first + 1 == r->segs);
  fprintf(s->body, "<text class=\"small\" x=\"96\" y=\"%u\">%s</text>\n", s->y + 12, l.b);
}

static void put_line(struct svg *s, const char *css, const char *text) {
  fprintf(s->body, "<text class=\"%s\" x=\"%d\" y=\"%u\">", css, SVG_LEFT + 14, s->y + 12);
  svg_escape(s->body, text);
  fprintf(s->body, "</text>\n");
  s->y += LINE;
}

/* Wrapped at spaces; the drawing is in fixed columns. */
static void put_note(struct svg *s, const char *css, const char *text) {
  while (*text != '\0') {
    size_t n = svg_break(text, FACTS_COLUMNS + 4);
    struct line l;
    line_clear(&l);
    line_add(&l, "%.*s", (int)n, text);
    put_line(s, css, l.b);
    for (text += n; *text == ' ';)
      text++;
  }
}

/* Where a text of so many characters ends; fixed-width fonts differ little at this size. */
static int after(int x, const struct line *l) {
  return x + (int)line_columns(l) * 29 / 4;
}

static void put_fact(struct svg *s, const char *css, int x, const struct line *l) {
  fprintf(s->body, "<text class=\"%s\" x=\"%d\" y=\"%u\">", css, x, s->y + 12);
  svg_escape(s->body, l->b);
  fprintf(s->body, "</text>");
}

/* In columns, unless long numbers push what follows. */
static void put_facts(struct svg *s, const struct show_row *r, const char *side) {
  uint32_t bytes = r->fold == SHOW_FOLD_DATA ? r->fold_bytes : r->seg.len;
  int x = SVG_LEFT + 14, at;
  struct line l, css;
  line_clear(&l);
  line_clear(&css);
  line_add(&css, "facts flags %s", role_class(words_role(r)));
  words_flags(&l, r->seg.flags);
  put_fact(s, css.b, x, &l);
  at = after(x, &l) + 8 > x + 66 ? after(x, &l) + 8 : x + 66;
  line_clear(&l);
  line_add(&l, "seq ");
  words_range(&l, s->r.words.numbers, r);
  put_fact(s, "facts", at, &l);
  at = after(at, &l) + 14;
  line_clear(&l);
  if (bytes != 0)
    words_size(&l, bytes);
  if (after(at, &l) < x + 186)
    at = x + 186 - after(0, &l);
  if (bytes != 0)
    put_fact(s, "facts", at, &l);
  at = after(at, &l) + 14;
  if ((r->seg.flags & TCT_ACK) != 0) {
    line_clear(&l);
    line_add(&l, "ack ");
    words_number(&l, words_ack_how(s->r.words.numbers, r), r->ack_rel, r->seg.ack);
    put_fact(s, "facts", at, &l);
  }
  if (side != NULL) {
    fprintf(s->body, "<text class=\"note\" x=\"%d\" y=\"%u\" text-anchor=\"end\">", SVG_RIGHT - 14,
            s->y + 12);
    svg_escape(s->body, side);
    fprintf(s->body, "</text>");
  }
  fputc('\n', s->body);
  s->y += LINE;
}

static void put_options(struct svg *s, const struct show_row *r) {
  struct line l;
  line_clear(&l);
  if ((r->seg.flags & TCT_SYN) == 0 || (r->is_rexmit && r->seg.mss != 0))
    return;
  line_add(&l, (r->seg.flags & TCT_ACK) != 0 ? "agrees " : "offers ");
  size_t before = l.n;
  words_options(&l, &r->seg, 0);
  put_note(s, "note", l.n == before ? "no options" : l.b);
}

static bool is_quiet(enum term_role role) {
  return role == TERM_DIM || role == TERM_SYN;
}

/* The first remark stands at the right of the facts if there is room. */
static void put_words(struct svg *s, const struct show_row *r) {
  struct words_note notes[WORDS_NOTES_MAX];
  struct line facts, css;
  unsigned n = words_notes(notes, r, &s->r.words);
  words_facts(&facts, r, s->r.words.numbers, true);
  bool fits = n != 0 && line_columns(&facts) + 2 + line_columns(&notes[0].text) <= FACTS_COLUMNS;
  bool is_plain = n != 0 && notes[0].role != TERM_REXMIT && notes[0].role != TERM_LOST;
  unsigned first = fits && is_plain ? 1 : 0;
  put_facts(s, r, first != 0 ? notes[0].text.b : NULL);
  put_options(s, r);
  for (unsigned i = first; i < n;) {
    struct line text = notes[i].text;
    enum term_role role = notes[i].role;
    for (i++; i < n && is_quiet(notes[i].role) == is_quiet(role); i++)
      line_add(&text, " · %s", notes[i].text.b);
    line_clear(&css);
    line_add(&css, "note %s", is_quiet(role) ? "" : role_class(role));
    put_note(s, css.b, text.b);
  }
}

/* ---- Arrows ---------------------------------------------------------------------------------- */

static void put_head(struct svg *s, int x, unsigned y, int towards, const char *css) {
  int back = x - towards * 10;
  fprintf(s->body, "<path class=\"head %s\" d=\"M%d %uL%d %uL%d %uZ\"/>\n", css, x, y, back, y - 5,
          back, y + 4);
}

static void put_cross(struct svg *s, int x, unsigned y) {
  fprintf(s->body, "<path class=\"cross\" d=\"M%d %ul10 10m0 -10l-10 10\"/>\n", x - 5, y - 5);
}

static void put_shaft(struct svg *s, const struct show_row *r, int x1, int x2, unsigned y) {
  const char *css = role_class(words_role(r));
  bool is_lost = r->fate == SHOW_LOST;
  int towards = x2 > x1 ? 1 : -1;
  int end = is_lost ? x1 + (x2 - x1) * 3 / 5 : x2;
  unsigned y2 = is_lost ? y + SLOPE * 3 / 5 : y + SLOPE;
  fprintf(s->body, "<path class=\"shaft %s\" pathLength=\"1\" d=\"M%d %uL%d %u\"/>\n", css, x1, y,
          end - (is_lost ? 0 : towards * 8), y2);
  if (is_lost || r->fate == SHOW_CORRUPTED)
    put_cross(s, is_lost ? end : x2 - towards * 8, y2);
  else
    put_head(s, x2, y2, towards, css);
  if (is_lost)
    fprintf(s->body, "<path class=\"ghost\" d=\"M%d %uL%d %u\"/>\n", end + towards * 10, y2 + 1, x2,
            y + SLOPE);
}

static void put_arrow(struct svg *s, const struct show_row *r) {
  int from = r->from == SHOW_LEFT ? SVG_LEFT + 4 : SVG_RIGHT - 4;
  int to = r->from == SHOW_LEFT ? SVG_RIGHT - 4 : SVG_LEFT + 4;
  unsigned copies = r->segs > 3 ? 3 : r->segs > 1 ? r->segs : r->fate == SHOW_DUPLICATED ? 2 : 1;
  for (unsigned i = 0; i < copies; i++)
    put_shaft(s, r, from, to, s->y + i * 5);
  s->y += (copies - 1) * 5;
}

/* For those who hear the picture: the whole row in words. */
static void put_title(struct svg *s, const struct show_row *r) {
  struct line l;
  const char *from = s->r.words.names[r->from], *to = s->r.words.names[!r->from];
  line_clear(&l);
  words_facts(&l, r, s->r.words.numbers, false);
  fprintf(s->body, "<title>#%u %s to %s: ", r->frame_first, from, to);
  svg_escape(s->body, l.b);
  fprintf(s->body, "</title>");
  line_clear(&l);
  if (r->depart.n != 0)
    line_add(&l, "%s becomes %s. ", from, words_state(show_path_last(&r->depart)));
  if (r->arrive.n != 0)
    line_add(&l, "%s becomes %s. ", to, words_state(show_path_last(&r->arrive)));
  if (r->fate == SHOW_LOST)
    line_add(&l, "Lost on the way. ");
  if (r->why != TCT_WHY_NONE)
    line_add(&l, "Sent because: %s.", tct_why_text((tct_why)r->why));
  if (l.n != 0) {
    fprintf(s->body, "<desc>");
    svg_escape(s->body, l.b);
    fprintf(s->body, "</desc>");
  }
}

static void put_segment_text(struct svg *s, const struct show_row *r) {
  put_place(s, r);
  put_state(s, r->from, s->y + 8, &r->depart);
  if (r->proto != SHOW_TCP || r->conn == NULL)
    put_note(s, "facts fin", r->text[0] != '\0' ? r->text : tct_why_text((tct_why)r->why));
  else
    put_words(s, r);
}

static void put_segment(struct svg *s, const struct show_row *r) {
  open_group(s);
  put_title(s, r);
  put_segment_text(s, r);
  s->y += 4;
  put_arrow(s, r);
  put_state(s, !r->from, s->y + SLOPE, &r->arrive);
  s->y += SLOPE + 14;
  fprintf(s->body, "</g>\n");
}

/* Two that met on the way: their words, then both arrows over the same stretch of time. */
static void put_crossing(struct svg *s, const struct show_row *a, const struct show_row *b) {
  open_group(s);
  put_title(s, b);
  put_segment_text(s, a);
  s->y += 6;
  put_segment_text(s, b);
  s->y += 4;
  unsigned y = s->y, drop = 24 - SLOPE;
  for (int i = 0; i < 2; i++) {
    const struct show_row *r = i == 0 ? a : b;
    const char *css = role_class(words_role(r));
    int from = r->from == SHOW_LEFT ? SVG_LEFT + 4 : SVG_RIGHT - 4;
    int to = r->from == SHOW_LEFT ? SVG_RIGHT - 4 : SVG_LEFT + 4;
    fprintf(s->body, "<path class=\"shaft %s\" pathLength=\"1\" d=\"M%d %uL%d %u\"/>\n", css, from,
            y, to - (to > from ? 8 : -8), y + SLOPE + drop);
    put_head(s, to, y + SLOPE + drop, to > from ? 1 : -1, css);
  }
  put_state(s, b->from, y + SLOPE + drop, &b->late);
  put_state(s, !b->from, y + SLOPE + drop, &b->arrive);
  s->y += SLOPE + drop + 14;
  fprintf(s->body, "</g>\n");
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void put_rule(struct svg *s, const char *text) {
  s->y += 4;
  fprintf(s->body, "<path class=\"rule\" d=\"M%d %uH%d\"/>\n", SVG_LEFT + 8, s->y + 8,
          SVG_RIGHT - 8);
  fprintf(s->body, "<rect class=\"page\" x=\"%d\" y=\"%u\" width=\"%u\" height=\"16\"/>",
          SVG_MIDDLE - (int)(term_columns(text) * 4 + 10), s->y, term_columns(text) * 8 + 20);
  fprintf(s->body, "<text class=\"section\" x=\"%d\" y=\"%u\" text-anchor=\"middle\">", SVG_MIDDLE,
          s->y + 12);
  svg_escape(s->body, text);
  fprintf(s->body, "</text>\n");
  s->y += 26;
}

static void put_gap(struct svg *s, const char *text) {
  fprintf(s->body, "<path class=\"gap\" d=\"M%d %uv22M%d %uv22\"/>", SVG_LEFT, s->y, SVG_RIGHT,
          s->y);
  fprintf(s->body, "<text class=\"note\" x=\"%d\" y=\"%u\" text-anchor=\"middle\">", SVG_MIDDLE,
          s->y + 15);
  svg_escape(s->body, text);
  fprintf(s->body, "</text>\n");
  s->y += 28;
}

static void put_event(struct svg *s, const struct show_row *r) {
  struct line l;
  line_clear(&l);
  words_event(&l, r, &s->r.words);
  open_group(s);
  put_place(s, r);
  if (r->kind == SHOW_STATE)
    put_state(s, r->from, s->y + 8, &r->depart);
  put_note(s, r->kind == SHOW_NOTE ? "facts" : r->kind == SHOW_STATE ? "note" : "note fin", l.b);
  s->y += 12;
  fprintf(s->body, "</g>\n");
}

static void draw(struct svg *s, const struct show_row *r) {
  switch (r->kind) {
  case SHOW_SEG:
    if (r->cross == 1) {
      s->held = *r;
      s->has_held = true;
    } else if (s->has_held) {
      s->has_held = false;
      put_crossing(s, &s->held, r);
    } else {
      put_segment(s, r);
    }
    break;
  case SHOW_SECTION:
  case SHOW_CONN:
    put_rule(s, r->text);
    break;
  case SHOW_GAP:
    put_gap(s, r->text);
    break;
  case SHOW_OPENED:
    put_line(s, "note syn", r->text);
    s->y += 6;
    break;
  default:
    put_event(s, r);
    break;
  }
}

void svg_row(void *ctx, const struct show_row *r) {
  struct svg *s = ctx;
  if (!s->began)
    begin(s, r);
  if (s->rows >= ROWS_MAX) {
    s->left_out++;
    return;
  }
  draw(s, r);
}
