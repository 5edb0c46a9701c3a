/* SPDX-License-Identifier: MIT */
/*
 * eval.c - code blocks: the small part of Python that scripts use, evaluated on the spot.
 * Statements are assert, name = e, name += e, print(...); e is integers, names, + - * // % & |,
 * comparisons that may be chained, and, or, not. Variables live to the script's end. Called by
 * run.c.
 */
#include "drill/run.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct eval {
  struct drill_run *r;
  const char *p;
  int depth;
};

enum { DEPTH_MAX = 100 };

static int64_t eval_or(struct eval *x);

/* Blanks, and line ends that a backslash joins. */
static void skip_blank(struct eval *x) {
  for (;;) {
    if (*x->p == ' ' || *x->p == '\t')
      x->p++;
    else if (x->p[0] == '\\' && x->p[1] == '\n')
      x->p += 2;
    else if (x->p[0] == '\\' && !x->p[1])
      x->p++;
    else
      return;
  }
}

static bool take(struct eval *x, const char *op) {
  size_t n = strlen(op);
  skip_blank(x);
  if (strncmp(x->p, op, n) != 0)
    return false;
  x->p += n;
  return true;
}

static bool is_name_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

static bool take_word(struct eval *x, const char *word) {
  size_t n = strlen(word);
  skip_blank(x);
  if (strncmp(x->p, word, n) != 0 || is_name_char(x->p[n]))
    return false;
  x->p += n;
  return true;
}

static char *take_name(struct eval *x) {
  skip_blank(x);
  size_t n = 0;
  while (is_name_char(x->p[n]))
    n++;
  char *name = drill_arena_copy(x->r->arena, x->p, n);
  x->p += n;
  return name;
}

static struct drill_var *find_var(struct drill_run *r, const char *name) {
  for (struct drill_var *v = r->vars; v; v = v->next)
    if (strcmp(v->name, name) == 0)
      return v;
  return NULL;
}

static int64_t read_name(struct eval *x, const char *name) {
  int64_t value = 0;
  if (strcmp(name, "True") == 0)
    return 1;
  if (strcmp(name, "False") == 0)
    return 0;
  const struct drill_var *v = find_var(x->r, name);
  if (v)
    return v->value;
  (void)drill_info_lookup(x->r, name, &value);
  return value;
}

static int64_t eval_prim(struct eval *x) {
  if (x->r->failure || ++x->depth > DEPTH_MAX)
    return 0;
  int64_t v = 0;
  if (take(x, "(")) {
    v = eval_or(x);
    if (!take(x, ")"))
      drill_run_fail(x->r, "')' missing in a code block");
  } else if (take(x, "-")) {
    v = -eval_prim(x);
  } else if (isdigit((unsigned char)*x->p)) {
    char *end;
    v = strtoll(x->p, &end, 0);
    x->p = end;
  } else if (is_name_char(*x->p)) {
    v = read_name(x, take_name(x));
  } else {
    drill_run_fail(x->r, "a value expected in a code block at '%.20s'", x->p);
  }
  x->depth--;
  return v;
}

static int64_t eval_product(struct eval *x) {
  int64_t v = eval_prim(x), w;
  while (!x->r->failure) {
    if (take(x, "//")) {
      w = eval_prim(x);
      v = w ? v / w : (int64_t)drill_run_fail(x->r, "division by zero in a code block");
    } else if (take(x, "*")) {
      v *= eval_prim(x);
    } else if (take(x, "%")) {
      w = eval_prim(x);
      v = w ? v % w : (int64_t)drill_run_fail(x->r, "division by zero in a code block");
    } else {
      break;
    }
  }
  return v;
}

static int64_t eval_sum(struct eval *x) {
  int64_t v = eval_product(x);
  while (!x->r->failure) {
    if (take(x, "+"))
      v += eval_product(x);
    else if (take(x, "-"))
      v -= eval_product(x);
    else
      break;
  }
  return v;
}

static int64_t eval_bits_and(struct eval *x) {
  int64_t v = eval_sum(x);
  while (!x->r->failure && take(x, "&"))
    v &= eval_sum(x);
  return v;
}

static int64_t eval_bits_or(struct eval *x) {
  int64_t v = eval_bits_and(x);
  while (!x->r->failure && take(x, "|"))
    v |= eval_bits_and(x);
  return v;
}

/* The comparison that stands here, NULL if none; longer ones first. */
static const char *take_comparison(struct eval *x) {
  static const char *const all[] = {"==", "!=", "<=", ">=", "<", ">"};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++)
    if (take(x, all[i]))
      return all[i];
  return NULL;
}

static bool compare(const char *op, int64_t a, int64_t b) {
  switch (op[0]) {
  case '=':
    return a == b;
  case '!':
    return a != b;
  case '<':
    return op[1] ? a <= b : a < b;
  default:
    return op[1] ? a >= b : a > b;
  }
}

static int64_t eval_comparison(struct eval *x) {
  int64_t a = eval_bits_or(x);
  const char *op = x->r->failure ? NULL : take_comparison(x);
  if (!op)
    return a;
  bool all = true;
  for (; op; op = x->r->failure ? NULL : take_comparison(x)) {
    int64_t b = eval_bits_or(x);
    all = all && compare(op, a, b);
    a = b;
  }
  return all;
}

static int64_t eval_not(struct eval *x) {
  return take_word(x, "not") ? !eval_not(x) : eval_comparison(x);
}

static int64_t eval_and(struct eval *x) {
  int64_t v = eval_not(x);
  while (!x->r->failure && take_word(x, "and")) {
    int64_t w = eval_not(x);
    v = v && w;
  }
  return v;
}

static int64_t eval_or(struct eval *x) {
  int64_t v = eval_and(x);
  while (!x->r->failure && take_word(x, "or")) {
    int64_t w = eval_and(x);
    v = v || w;
  }
  return v;
}

static void skip_statement(struct eval *x) {
  char quote = '\0';
  int depth = 0;
  for (; *x->p; x->p++) {
    if (quote)
      quote = *x->p == quote ? '\0' : quote;
    else if (*x->p == '"' || *x->p == '\'')
      quote = *x->p;
    else if (*x->p == '(')
      depth++;
    else if (*x->p == ')')
      depth--;
    else if (depth <= 0 && (*x->p == '\n' || *x->p == ';' || *x->p == '#'))
      return;
  }
}

static void run_assert(struct eval *x) {
  const char *from = x->p;
  x->r->is_unanswered = false;
  int64_t v = eval_or(x);
  const char *to = x->p;
  if (x->r->failure)
    return;
  skip_blank(x);
  if (*x->p == ',')
    skip_statement(x);
  if (x->r->is_unanswered || (v && !x->r->is_logged))
    return;
  char *text = drill_arena_copy(x->r->arena, from, (size_t)(to - from));
  struct eval left = {.r = x->r, .p = from};
  int64_t seen = eval_bits_or(&left);
  if (x->r->is_logged) {
    drill_log_note(x->r, x->r->line, "assert%s: the left side is %lld", text, (long long)seen);
    return;
  }
  drill_run_fail(x->r, "assertion fails: %s (the left side is %lld)", text, (long long)seen);
}

static void run_assignment(struct eval *x) {
  const char *name = take_name(x);
  bool is_adding = take(x, "+=");
  if (!*name || (!is_adding && !take(x, "="))) {
    drill_run_fail(x->r, "a code block may hold assert, assignments and print, not '%.30s'", x->p);
    return;
  }
  int64_t value = eval_or(x);
  struct drill_var *v = find_var(x->r, name);
  if (!v) {
    v = drill_arena_get(x->r->arena, sizeof *v);
    v->name = name;
    if (is_adding)
      (void)drill_info_lookup(x->r, name, &v->value);
    v->next = x->r->vars;
    x->r->vars = v;
  }
  v->value = is_adding ? v->value + value : value;
}

static void run_statement(struct eval *x) {
  if (take_word(x, "assert"))
    run_assert(x);
  else if (take_word(x, "print"))
    skip_statement(x);
  else
    run_assignment(x);
  if (x->r->failure)
    return;
  skip_blank(x);
  if (*x->p == '#')
    while (*x->p && *x->p != '\n')
      x->p++;
  if (*x->p && *x->p != '\n' && *x->p != ';')
    drill_run_fail(x->r, "'%.30s' is too much in a code block", x->p);
}

bool drill_eval(struct drill_run *r, const char *code) {
  struct eval x = {.r = r, .p = code};
  while (!r->failure) {
    skip_blank(&x);
    if (*x.p == '#') {
      while (*x.p && *x.p != '\n')
        x.p++;
    } else if (*x.p == '\n' || *x.p == ';') {
      x.p++;
    } else if (!*x.p) {
      return true;
    } else {
      run_statement(&x);
    }
  }
  return false;
}
