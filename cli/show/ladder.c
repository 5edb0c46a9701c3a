/* SPDX-License-Identifier: MIT */
/*
 * ladder.c - the ladder: time and frame at the left, states outside the two rails, facts and arrows
 * between them. Rows come from stage.c and are printed at once.
 *
 * The width decides: from 90 columns all; below, absolute numbers go and facts flow over several
 * lines; below 64, states move between the rails. A line is made as UTF-8 and folded to ASCII at
 * the end if need be, glyph by glyph.
 */
#include "cli/show/render.h"

#include <string.h>

enum {
  FULL_WIDTH = 90,
  STATES_WIDTH = 64,
  LEFT_FULL = 27,  /* 8 time, 1, 5 frame, 12 state, 1 */
  LEFT_TIGHT = 25, /* 7 time, 1, 4 frame, 12 state, 1 */
  LEFT_SMALL = 17, /* 8 time, 1, 7 frame, 1 */
  RIGHT_FULL = 13, /* 1, 12 state */
  INNER_MAX = 62,
  INNER_MIN = 24,
  TIME_WIDTH = 8
};

/* What stands on one line of the drawing. */
struct cells {
  const char *time, *frame, *left, *right;
  struct line inner;
  enum term_role role;
  bool left_new, right_new; /* states that just changed */
};

void ladder_init(struct ladder *l, const struct render *r) {
  memset(l, 0, sizeof *l);
  l->r = *r;
  unsigned width = r->term.width < 44 ? 44 : r->term.width;
  bool has_states = width >= STATES_WIDTH;
  bool is_tight = has_states && width < FULL_WIDTH;
  l->left = is_tight ? LEFT_TIGHT : has_states ? LEFT_FULL : LEFT_SMALL;
  l->time_width = is_tight ? TIME_WIDTH - 1 : TIME_WIDTH;
  l->right = has_states ? RIGHT_FULL : 0;
  l->inner = width - l->left - l->right - 2;
  if (l->inner > INNER_MAX)
    l->inner = INNER_MAX;
  if (l->inner < INNER_MIN)
    l->inner = INNER_MIN;
  if (width < FULL_WIDTH && r->words.numbers == SHOW_BOTH)
    l->r.words.numbers = SHOW_RELATIVE;
}

/* ---- One line -------------------------------------------------------------------------------- */

static void put(struct ladder *l, enum term_role role, const char *text) {
  struct line copy;
  line_clear(&copy);
  line_add(&copy, "%s", text);
  if (!l->r.term.unicode)
    words_to_ascii(copy.b);
  if (copy.b[strspn(copy.b, " ")] == '\0')
    fputs(copy.b, l->r.out); /* blank: no colour to waste */
  else
    fprintf(l->r.out, "%s%s%s", term_on(&l->r.term, role), copy.b, term_off(&l->r.term, role));
}

static void put_padding(struct ladder *l, unsigned want, unsigned have) {
  if (have < want)
    fprintf(l->r.out, "%*s", (int)(want - have), "");
}

/* A range of frames that is too long for its place keeps its beginning. */
static void add_frame(struct line *l, const char *frame, unsigned room) {
  if (term_columns(frame) <= room)
    line_add(l, "%s", frame);
  else
    line_add(l, "%.*s…", (int)strspn(frame, "0123456789"), frame);
}

static void put_margin(struct ladder *l, const struct cells *c) {
  struct line place;
  unsigned state = term_columns(c->left), before_state = l->left - 1 - state;
  unsigned room = before_state - l->time_width - 1 - (state != 0);
  line_clear(&place);
  line_add(&place, "%*s ", (int)l->time_width, c->time);
  add_frame(&place, c->frame, room);
  put(l, TERM_DIM, place.b);
  put_padding(l, before_state, line_columns(&place));
  put(l, c->left_new ? TERM_STATE : TERM_DIM, c->left);
  fputc(' ', l->r.out);
}

static void put_cells(struct ladder *l, const struct cells *c) {
  static const char rail[] = "│";
  put_margin(l, c);
  put(l, TERM_DIM, rail);
  put(l, c->role, c->inner.b);
  put_padding(l, l->inner, line_columns(&c->inner));
  put(l, TERM_DIM, rail);
  if (c->right[0] != '\0') {
    fputc(' ', l->r.out);
    put(l, c->right_new ? TERM_STATE : TERM_DIM, c->right);
  }
  fputc('\n', l->r.out);
}

static struct cells empty_cells(enum term_role role) {
  struct cells c = {.time = "", .frame = "", .left = "", .right = "", .role = role};
  line_clear(&c.inner);
  return c;
}

/* Bytes of text that one line of `room` columns takes: up to a space if there is one. */
static size_t break_text(const char *text, unsigned room) {
  size_t at = 0, space = 0;
  for (unsigned columns = 0; text[at] != '\0'; columns++) {
    if (text[at] == ' ' && strncmp(text + at, " ·", 3) != 0)
      space = at; /* a dot stays with what it follows */
    if (columns == room)
      return space != 0 ? space : at;
    at++;
    while (((unsigned char)text[at] & 0xc0) == 0x80)
      at++;
  }
  return at;
}

/* Between the rails, a space away from them, over as many lines as it takes. What stands outside
 * is for the first line; c is emptied. */
static void put_text(struct ladder *l, struct cells *c, enum term_role role, const char *text) {
  do {
    size_t n = break_text(text, l->inner - 2);
    line_clear(&c->inner);
    line_add(&c->inner, " %.*s", (int)n, text);
    c->role = role;
    put_cells(l, c);
    *c = empty_cells(role);
    for (text += n; *text == ' ';)
      text++;
  } while (*text != '\0');
}

/* ---- Time, frame, head ----------------------------------------------------------------------- */

static void write_time(const struct ladder *l, struct line *out, tct_time at) {
  uint64_t ns = at > l->r.base ? at - l->r.base : 0;
  line_clear(out);
  if (ns >= 10000000000u)
    line_add(out, "%llu.%02u s", (unsigned long long)(ns / 1000000000),
             (unsigned)(ns / 10000000 % 100));
  else if (l->decimals == 3)
    line_add(out, "%llu.%03u", (unsigned long long)(ns / 1000000), (unsigned)(ns / 1000 % 1000));
  else
    line_add(out, "%llu.%u", (unsigned long long)((ns + 50000) / 1000000),
             (unsigned)((ns + 50000) / 100000 % 10));
}

static void put_pair(struct ladder *l, const char *left, const char *right) {
  struct line text;
  unsigned at = l->left + 1, end = l->left + l->inner + 1;
  unsigned width = end + 1 + l->right;
  unsigned have = term_columns(left), more = term_columns(right);
  line_clear(&text);
  line_pad_to(&text, have < at ? at - have : l->time_width);
  line_add(&text, "%s", left);
  line_pad_to(&text, end + more <= width + 8 ? end : width > more ? width - more : 0);
  line_add(&text, "%s", right);
  put(l, TERM_BOLD, text.b);
  fputc('\n', l->r.out);
}

static void put_names(struct ladder *l, const struct show_conn *c) {
  struct line name[2];
  for (int e = 0; e < 2; e++) {
    line_clear(&name[e]);
    line_add(&name[e], "%s", l->r.words.names[e]);
    if ((l->r.traced >> e & 1) == 0)
      line_add(&name[e], " (inferred)");
    if (l->r.words.numbers == SHOW_BOTH && c != NULL && c->has_isn[e])
      line_add(&name[e], " ISN %u", c->isn[e]);
  }
  put_pair(l, name[0].b, name[1].b);
}

static const char *state_before(const struct show_row *r, int end) {
  const struct show_path *p = end == r->from ? &r->depart : &r->arrive;
  if (p->n != 0)
    return words_state(p->state[0]);
  return r->state_known[end] ? words_state(r->state[end]) : "";
}

/* Times of a fast path need more digits. */
static void choose_decimals(struct ladder *l, const struct show_row *r) {
  bool is_fast = r->has_arrived && r->arrived_at - r->at < 1000000;
  l->decimals = is_fast ? 3 : 1;
}

static void begin(struct ladder *l, const struct show_row *r) {
  struct cells c = empty_cells(TERM_PLAIN);
  if (l->r.title != NULL) {
    put(l, TERM_BOLD, l->r.title);
    fprintf(l->r.out, "\n\n");
  }
  if (r->conn != NULL) {
    struct line name[2];
    for (int e = 0; e < 2; e++) {
      line_clear(&name[e]);
      words_endpoint(&name[e], &r->conn->addr[e], r->conn->port[e]);
    }
    put_pair(l, name[0].b, name[1].b);
  }
  put_names(l, r->conn);
  c.time = "ms";
  c.frame = "#";
  if (l->right != 0) {
    c.left = state_before(r, SHOW_LEFT);
    c.right = state_before(r, SHOW_RIGHT);
  }
  put_cells(l, &c);
  choose_decimals(l, r);
  l->began = true;
}

/* ---- Segments -------------------------------------------------------------------------------- */

static void write_frame(struct line *l, const struct show_row *r) {
  line_clear(l);
  words_frames(l, r->frame_first, r->frame_last, r->frame_last - r->frame_first + 1 == r->segs);
}

/* Adds a remark to the facts if it still fits there, two spaces away, at the end of the line. */
static bool append_if_room(const struct ladder *l, struct line *facts, const char *text) {
  unsigned room = l->inner - 2, have = line_columns(facts), more = term_columns(text);
  if (have + 2 + more > room)
    return false;
  line_pad_to(facts, room - more);
  line_add(facts, "%s", text);
  return true;
}

static const char *sender_state(const struct show_row *r) {
  return r->depart.n != 0 ? words_state(show_path_last(&r->depart)) : "";
}

static const char *receiver_state(const struct show_row *r) {
  return r->arrive.n != 0 ? words_state(show_path_last(&r->arrive)) : "";
}

static void set_state(const struct ladder *l, struct cells *c, int end, const char *state) {
  if (l->right == 0)
    return;
  if (end == SHOW_LEFT) {
    c->left = state;
    c->left_new = true;
  } else {
    c->right = state;
    c->right_new = true;
  }
}

/* The options of a SYN, on a line of their own as they are many. */
static void put_options(struct ladder *l, struct cells *c, const struct show_row *r) {
  struct line text;
  line_clear(&text);
  if ((r->seg.flags & TCT_SYN) == 0 || (r->is_rexmit && r->seg.mss != 0))
    return; /* sent again, they are the same */
  line_add(&text, (r->seg.flags & TCT_ACK) != 0 ? "agrees " : "offers ");
  size_t before = text.n;
  for (unsigned brevity = 0; brevity < 3; brevity++) {
    text.n = before;
    words_options(&text, &r->seg, brevity);
    if (line_columns(&text) + 2 <= l->inner)
      break;
  }
  if (text.n == before) {
    line_clear(&text);
    line_add(&text, "no options");
  }
  put_text(l, c, TERM_SYN, text.b);
}

static bool is_quiet(enum term_role role) {
  return role == TERM_DIM || role == TERM_SYN;
}

/* The first that fits goes behind the facts, the others below, loud ones apart from quiet ones. */
static void put_notes(struct ladder *l, struct cells *c, const struct show_row *r,
                      struct line *facts) {
  struct words_note notes[WORDS_NOTES_MAX];
  unsigned n = words_notes(notes, r, &l->r.words), used = 0;
  for (unsigned i = 0; i < n && used == 0; i++)
    if (notes[i].text.n != 0 && append_if_room(l, facts, notes[i].text.b)) {
      line_clear(&notes[i].text);
      used = 1;
    }
  put_text(l, c, words_role(r), facts->b);
  put_options(l, c, r);
  for (unsigned i = 0; i < n;) {
    struct line text = notes[i].text;
    enum term_role role = notes[i].role;
    for (i++; i < n && is_quiet(notes[i].role) == is_quiet(role); i++)
      if (notes[i].text.n != 0)
        line_add(&text, "%s%s", text.n == 0 ? "" : " · ", notes[i].text.b);
    if (text.n != 0)
      put_text(l, c, role, text.b);
  }
}

static void put_facts(struct ladder *l, const struct show_row *r) {
  struct cells c = empty_cells(words_role(r));
  struct line time, frame, facts;
  write_time(l, &time, r->at);
  write_frame(&frame, r);
  c.time = time.b;
  c.frame = frame.b;
  set_state(l, &c, r->from, sender_state(r));
  if (r->proto != SHOW_TCP) {
    put_text(l, &c, words_role(r), r->text[0] != '\0' ? r->text : tct_why_text((tct_why)r->why));
    return;
  }
  if (r->conn == NULL) {
    put_text(l, &c, words_role(r), "a segment of a connection long gone");
    return;
  }
  words_facts(&facts, r, l->r.words.numbers, l->inner >= 44);
  put_notes(l, &c, r, &facts);
}

/* The shaft, from the rail it leaves; a lost one ends two thirds of the way. */
static void write_arrow(const struct ladder *l, struct line *a, const struct show_row *r) {
  const char *shaft = r->segs > 1 ? "═" : "─";
  unsigned width = l->inner, tail = width * 2 / 3;
  bool is_lost = r->fate == SHOW_LOST, to_right = r->from == SHOW_LEFT;
  line_clear(a);
  if (r->fate == SHOW_CORRUPTED) {
    line_add(a, "%s", to_right ? "" : "✗");
    line_repeat(a, shaft, width - 1);
    line_add(a, "%s", to_right ? "✗" : "");
  } else if (is_lost && to_right) {
    line_repeat(a, shaft, tail);
    line_add(a, "✗");
  } else if (is_lost) {
    line_repeat(a, " ", width - tail - 1);
    line_add(a, "✗");
    line_repeat(a, shaft, tail);
  } else if (to_right) {
    line_repeat(a, shaft, width - 1 - (r->fate == SHOW_DUPLICATED));
    line_add(a, r->fate == SHOW_DUPLICATED ? "▶▶" : "▶");
  } else {
    line_add(a, r->fate == SHOW_DUPLICATED ? "◀◀" : "◀");
    line_repeat(a, shaft, width - 1 - (r->fate == SHOW_DUPLICATED));
  }
}

static void put_inner_states(struct ladder *l, const struct show_row *r) {
  struct cells c = empty_cells(TERM_STATE);
  struct line text;
  line_clear(&text);
  if (l->right != 0)
    return;
  const struct show_path *paths[3] = {&r->depart, &r->arrive, &r->late};
  for (int i = 0; i < 3; i++)
    if (paths[i]->n != 0)
      line_add(&text, "%s%s: %s", text.n == 0 ? "" : ", ",
               l->r.words.names[i == 1 ? !r->from : r->from],
               words_state(show_path_last(paths[i])));
  if (text.n != 0)
    put_text(l, &c, TERM_STATE, text.b);
}

static void put_arrow(struct ladder *l, const struct show_row *r) {
  bool is_lost = r->fate == SHOW_LOST || r->fate == SHOW_CORRUPTED;
  struct cells c = empty_cells(is_lost ? TERM_LOST : words_role(r));
  write_arrow(l, &c.inner, r);
  set_state(l, &c, !r->from, receiver_state(r));
  put_cells(l, &c);
  put_inner_states(l, r);
}

/* Both facts, then one arrow with two heads: neither caused the other. */
static void put_crossing(struct ladder *l, const struct show_row *a, const struct show_row *b) {
  struct cells c = empty_cells(words_role(b));
  unsigned half = (l->inner - 3) / 2;
  put_facts(l, a);
  put_facts(l, b);
  line_add(&c.inner, "◀");
  line_repeat(&c.inner, "─", half);
  line_add(&c.inner, "╳");
  line_repeat(&c.inner, "─", l->inner - 3 - half);
  line_add(&c.inner, "▶");
  set_state(l, &c, b->from, b->late.n != 0 ? words_state(show_path_last(&b->late)) : "");
  set_state(l, &c, !b->from, receiver_state(b));
  put_cells(l, &c);
  put_inner_states(l, b);
}

static void put_segment(struct ladder *l, const struct show_row *r) {
  if (r->cross == 1) {
    l->held = *r;
    l->has_held = true;
    return;
  }
  if (l->has_held) {
    l->has_held = false;
    put_crossing(l, &l->held, r);
    return;
  }
  put_facts(l, r);
  put_arrow(l, r);
}

/* ---- The rest -------------------------------------------------------------------------------- */

static void put_rule(struct ladder *l, const char *dash, const char *text, enum term_role role) {
  struct cells c = empty_cells(role);
  unsigned have = term_columns(text) + 2;
  unsigned half = have < l->inner ? (l->inner - have) / 2 : 0;
  if (have > l->inner) {
    put_text(l, &c, role, text);
    return;
  }
  line_repeat(&c.inner, dash, half);
  line_add(&c.inner, " %s ", text);
  line_repeat(&c.inner, dash, l->inner - have - half);
  put_cells(l, &c);
}

static void put_gap(struct ladder *l, const struct show_row *r) {
  struct line text;
  unsigned have = term_columns(r->text);
  unsigned half = have < l->inner ? (l->inner - have) / 2 : 0;
  line_clear(&text);
  line_repeat(&text, " ", l->left);
  line_add(&text, "┆");
  line_repeat(&text, " ", half);
  line_add(&text, "%s", r->text);
  line_pad_to(&text, l->left + 1 + l->inner);
  line_add(&text, "┆");
  put(l, TERM_DIM, text.b);
  fputc('\n', l->r.out);
}

static void put_event(struct ladder *l, const struct show_row *r) {
  struct cells c = empty_cells(TERM_DIM);
  struct line time, text;
  enum term_role role = r->kind == SHOW_NOTE                            ? TERM_BOLD
                        : r->kind == SHOW_DROP || r->kind == SHOW_AGAIN ? TERM_WARN
                                                                        : TERM_DIM;
  write_time(l, &time, r->at);
  line_clear(&text);
  words_event(&text, r, &l->r.words);
  c.time = time.b;
  if (r->kind == SHOW_STATE)
    set_state(l, &c, r->from, sender_state(r));
  put_text(l, &c, role, text.b);
  if (r->kind == SHOW_STATE)
    put_inner_states(l, r);
}

static void put_opened(struct ladder *l, const struct show_row *r) {
  struct cells c = empty_cells(TERM_GOOD);
  put_text(l, &c, TERM_GOOD, r->text);
}

void ladder_row(void *ctx, const struct show_row *r) {
  struct ladder *l = ctx;
  if (!l->began)
    begin(l, r);
  switch (r->kind) {
  case SHOW_SEG:
    put_segment(l, r);
    break;
  case SHOW_SECTION:
    put_rule(l, "╌", r->text, TERM_DIM);
    break;
  case SHOW_CONN:
    put_rule(l, "═", r->text, TERM_BOLD);
    break;
  case SHOW_GAP:
    put_gap(l, r);
    break;
  case SHOW_OPENED:
    put_opened(l, r);
    break;
  default:
    put_event(l, r);
    break;
  }
  if (l->r.term.tty)
    fflush(l->r.out);
}
