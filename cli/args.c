/* SPDX-License-Identifier: MIT */
/*
 * args.c - the command line of a verb: options in any order, --name VALUE or --name=VALUE, -o
 * VALUE, -- ends them.
 *
 * Called first by every verb that has options. Each wrong word gets one sentence that names it
 * and exit code 2. The help text is made from the same table, so that it can't lie.
 */
#include "cli/args.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static void say(const struct args_verb *v, const char *format, va_list args) {
  fprintf(stderr, "tercet %s: ", v->name);
  vfprintf(stderr, format, args);
}

int args_wrong(const struct args_verb *v, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(v, format, args);
  va_end(args);
  fprintf(stderr, "; see tercet %s --help\n", v->name);
  return ARGS_EXIT_USAGE;
}

int args_fail(const struct args_verb *v, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  say(v, format, args);
  va_end(args);
  fputc('\n', stderr);
  return code;
}

bool args_number(const char *text, uint32_t min, uint32_t max, uint32_t *out) {
  uint64_t n = 0;
  if (*text == '\0')
    return false;
  for (; *text != '\0'; text++) {
    if (*text < '0' || *text > '9')
      return false;
    n = n * 10 + (uint64_t)(*text - '0');
    if (n > UINT32_MAX)
      return false;
  }
  *out = (uint32_t)n;
  return n >= min && n <= max;
}

/* ---- Help ------------------------------------------------------------------------------------ */

static void print_option(const struct args_option *o) {
  char left[64];
  snprintf(left, sizeof left, "%c%c%s --%s%s%s", o->letter != 0 ? '-' : ' ',
           o->letter != 0 ? o->letter : ' ', o->letter != 0 ? "," : " ", o->name,
           o->value != NULL ? " " : "", o->value != NULL ? o->value : "");
  if (strlen(left) > 26)
    printf("  %s\n  %-26s %s\n", left, "", o->help);
  else
    printf("  %-26s %s\n", left, o->help);
}

static void print_help(const struct args_verb *v) {
  printf("tercet %s [OPTIONS]%s%s\n\n%s\n\nOptions:\n", v->name, v->operands[0] != '\0' ? " " : "",
         v->operands, v->about);
  for (unsigned t = 0; t < 3 && v->tables[t] != NULL; t++)
    for (const struct args_option *o = v->tables[t]; o->name != NULL; o++)
      print_option(o);
  printf("  %-26s %s\n", "-h, --help", "this text");
  if (v->more != NULL)
    printf("\n%s\n", v->more);
  printf("\nExit: 0 as asked; 1 the network said no; 2 wrong usage or missing rights; 3 a bug.\n");
}

/* ---- Parsing --------------------------------------------------------------------------------- */

static const struct args_option *find_option(const struct args_verb *v, const char *name,
                                             size_t len, char letter) {
  for (unsigned t = 0; t < 3 && v->tables[t] != NULL; t++)
    for (const struct args_option *o = v->tables[t]; o->name != NULL; o++) {
      if (letter != 0 && o->letter == letter)
        return o;
      if (letter == 0 && strlen(o->name) == len && memcmp(o->name, name, len) == 0)
        return o;
    }
  return NULL;
}

static int store(const struct args_verb *v, const struct args_option *o, const char *value) {
  const char *wrong;
  switch (o->kind) {
  case ARGS_FLAG:
    *(bool *)o->to = true;
    return ARGS_GO;
  case ARGS_TEXT:
    *(const char **)o->to = value;
    return ARGS_GO;
  case ARGS_NUMBER:
    if (args_number(value, o->min, o->max, o->to))
      return ARGS_GO;
    return args_wrong(v, "--%s takes a number from %u to %u, not '%s'", o->name, o->min, o->max,
                      value);
  case ARGS_CALL:
    wrong = o->call(o->to, value);
    return wrong == NULL ? ARGS_GO : args_wrong(v, "--%s '%s': %s", o->name, value, wrong);
  }
  return ARGS_EXIT_BUG;
}

struct cursor {
  int argc, at;
  char **argv;
};

static int parse_option(const struct args_verb *v, struct cursor *c) {
  const char *word = c->argv[c->at], *name = word + 1, *value = NULL;
  const struct args_option *o;
  if (word[1] == '-') {
    size_t len = strcspn(++name, "=");
    o = find_option(v, name, len, 0);
    value = name[len] == '=' ? name + len + 1 : NULL;
  } else {
    o = find_option(v, NULL, 0, word[1]);
    value = word[2] != '\0' ? word + 2 : NULL;
  }
  if (o == NULL)
    return args_wrong(v, "unknown option '%s'", word);
  if (o->value == NULL && value != NULL)
    return args_wrong(v, "option '%s': --%s takes no value", word, o->name);
  if (o->value != NULL && value == NULL && c->at + 1 == c->argc)
    return args_wrong(v, "option '%s' wants a value (%s)", word, o->value);
  if (o->value != NULL && value == NULL)
    value = c->argv[++c->at];
  return store(v, o, value);
}

int args_parse(const struct args_verb *v, int argc, char **argv, struct args *out) {
  struct cursor c = {argc, 1, argv};
  bool options = true;
  out->n = 0;
  for (; c.at < argc; c.at++) {
    const char *word = argv[c.at];
    if (options && (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)) {
      print_help(v);
      return ARGS_EXIT_OK;
    }
    if (options && strcmp(word, "--") == 0) {
      options = false;
    } else if (options && word[0] == '-' && word[1] != '\0') {
      int code = parse_option(v, &c);
      if (code != ARGS_GO)
        return code;
    } else if (out->n == v->max_operands) {
      return args_wrong(v, "'%s' is one word too many", word);
    } else {
      out->operand[out->n++] = word;
    }
  }
  if (out->n < v->min_operands)
    return args_wrong(v, "something is missing: it takes %s", v->operands);
  return ARGS_GO;
}
