/* SPDX-License-Identifier: MIT */
/*
 * parse_call.c - system calls and their expressions. Called by parse.c. Leaves the meaning of words
 * and the shape of structures to the calls: here all braces are lists of fields.
 */
#include "drill/parse.h"

#include <stdlib.h>
#include <string.h>

enum { KIDS_MAX = 64, DEPTH_MAX = 16 };

static bool parse_expr(struct drill_parser *p, int depth, struct drill_expr **out);

static struct drill_expr *new_expr(struct drill_parser *p, enum drill_expr_kind kind) {
  struct drill_expr *e = drill_arena_get(p->arena, sizeof *e);
  e->kind = kind;
  e->line = drill_parse_peek(p, 0)->line;
  return e;
}

static void set_kids(struct drill_parser *p, struct drill_expr *e, struct drill_expr **kids,
                     size_t n) {
  e->kids = drill_arena_get(p->arena, (n + 1) * sizeof(struct drill_expr *));
  if (n)
    memcpy(e->kids, kids, n * sizeof(struct drill_expr *));
  e->n = n;
}

/* Expressions with commas up to the closing character, which is taken. */
static bool parse_kids(struct drill_parser *p, int depth, char close, struct drill_expr *e) {
  struct drill_expr *kids[KIDS_MAX];
  size_t n = 0;
  if (!drill_parse_is_char(p, close)) {
    do {
      if (n == KIDS_MAX)
        return drill_parse_fail(p, "more than %d items", KIDS_MAX);
      if (!parse_expr(p, depth + 1, &kids[n++]))
        return false;
    } while (drill_parse_take_char(p, ','));
  }
  set_kids(p, e, kids, n);
  return drill_parse_want_char(p, close);
}

static bool parse_strings(struct drill_parser *p, struct drill_expr **out) {
  struct drill_expr *e = new_expr(p, DRILL_EXPR_STRING);
  char *text = NULL;
  size_t len = 0;
  for (; drill_parse_peek(p, 0)->kind == DRILL_STRING; p->pos++) {
    const struct drill_token *t = drill_parse_peek(p, 0);
    char *joined = drill_arena_get(p->arena, len + t->len + 1);
    if (len)
      memcpy(joined, text, len);
    memcpy(joined + len, t->text, t->len);
    text = joined;
    len += t->len;
  }
  e->text = text;
  e->len = len;
  *out = e;
  return true;
}

/* A word alone, name(args), name=value or name(args)=value. */
static bool parse_word(struct drill_parser *p, int depth, struct drill_expr **out) {
  struct drill_expr *e = new_expr(p, DRILL_EXPR_WORD);
  e->text = drill_parse_peek(p, 0)->text;
  p->pos++;
  if (drill_parse_take_char(p, '(')) {
    e->kind = DRILL_EXPR_CALL;
    if (!parse_kids(p, depth, ')', e))
      return false;
  }
  *out = e;
  if (!drill_parse_take_char(p, '='))
    return true;
  struct drill_expr *value;
  if (!parse_expr(p, depth + 1, &value))
    return false;
  e->kind = DRILL_EXPR_FIELD;
  set_kids(p, e, &value, 1);
  return true;
}

static bool parse_number(struct drill_parser *p, struct drill_expr **out) {
  struct drill_expr *e = new_expr(p, DRILL_EXPR_INT);
  *out = e;
  return drill_parse_want_int(p, INT64_MIN, INT64_MAX, &e->number);
}

static bool parse_prim(struct drill_parser *p, int depth, struct drill_expr **out) {
  const struct drill_token *t = drill_parse_peek(p, 0);
  if (depth > DEPTH_MAX)
    return drill_parse_fail(p, "nested too deeply");
  switch (t->kind) {
  case DRILL_ELLIPSIS:
    *out = new_expr(p, DRILL_EXPR_ANY);
    p->pos++;
    return true;
  case DRILL_INT:
  case DRILL_HEX:
    return parse_number(p, out);
  case DRILL_STRING:
    return parse_strings(p, out);
  case DRILL_WORD:
    return parse_word(p, depth, out);
  default:
    break;
  }
  if (drill_parse_take_char(p, '[')) {
    *out = new_expr(p, DRILL_EXPR_LIST);
    return parse_kids(p, depth, ']', *out);
  }
  if (drill_parse_take_char(p, '{')) {
    *out = new_expr(p, DRILL_EXPR_STRUCT);
    return parse_kids(p, depth, '}', *out);
  }
  return drill_parse_fail(p, "an argument expected before '%s'", t->text);
}

static bool parse_expr(struct drill_parser *p, int depth, struct drill_expr **out) {
  struct drill_expr *kids[KIDS_MAX] = {NULL};
  size_t n = 0;
  do {
    if (n == KIDS_MAX)
      return drill_parse_fail(p, "more than %d parts", KIDS_MAX);
    if (!parse_prim(p, depth, &kids[n++]))
      return false;
  } while (drill_parse_take_char(p, '|'));
  *out = kids[0];
  if (n == 1)
    return true;
  *out = new_expr(p, DRILL_EXPR_OR);
  set_kids(p, *out, kids, n);
  return true;
}

/* Free text in parentheses after a result. */
static bool skip_note(struct drill_parser *p) {
  int depth = 0;
  do {
    if (drill_parse_peek(p, 0)->kind == DRILL_END)
      return drill_parse_fail(p, "')' expected before the end of the script");
    if (drill_parse_is_char(p, '('))
      depth++;
    if (drill_parse_is_char(p, ')'))
      depth--;
    p->pos++;
  } while (depth > 0);
  return true;
}

static bool parse_result(struct drill_parser *p, struct drill_call *c) {
  if (drill_parse_take_char(p, '?')) {
    c->any_result = true;
  } else if (!drill_parse_want_int(p, INT64_MIN, INT64_MAX, &c->result)) {
    return false;
  }
  const struct drill_token *t = drill_parse_peek(p, 0);
  if (t->kind == DRILL_WORD) {
    c->error = t->text;
    p->pos++;
  }
  while (drill_parse_is_char(p, '('))
    if (!skip_note(p))
      return false;
  return true;
}

bool drill_parse_call(struct drill_parser *p, struct drill_call **out) {
  struct drill_call *c = drill_arena_get(p->arena, sizeof *c);
  *out = c;
  if (drill_parse_peek(p, 0)->kind == DRILL_ELLIPSIS) {
    p->pos++;
    c->blocks = true;
    if (!drill_parse_time(p, &c->end_ns))
      return false;
  }
  if (drill_parse_peek(p, 0)->kind != DRILL_WORD)
    return drill_parse_fail(p, "the name of a call expected");
  c->name = drill_parse_peek(p, 0)->text;
  p->pos++;
  struct drill_expr args = {0};
  if (!drill_parse_want_char(p, '(') || !parse_kids(p, 0, ')', &args))
    return false;
  c->args = args.kids;
  c->n_args = args.n;
  return drill_parse_want_char(p, '=') && parse_result(p, c);
}
