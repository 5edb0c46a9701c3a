/* SPDX-License-Identifier: MIT */
/*
 * args.h - one table of options per verb: parsed from it, explained from it. See args.c.
 */
#ifndef TCT_CLI_ARGS_H
#define TCT_CLI_ARGS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum args_exit { ARGS_EXIT_OK = 0, ARGS_EXIT_NETWORK = 1, ARGS_EXIT_USAGE = 2, ARGS_EXIT_BUG = 3 };
enum { ARGS_GO = -1 }; /* args_parse: no reason to exit */

enum args_kind {
  ARGS_FLAG,   /* to: bool, set to true */
  ARGS_TEXT,   /* to: const char * */
  ARGS_NUMBER, /* to: uint32_t, min..max */
  ARGS_CALL    /* call(to, value) says NULL, or what is wrong */
};

struct args_option {
  const char *name; /* "dev" for --dev; NULL ends a table */
  char letter;      /* 'o' for -o, or 0 */
  enum args_kind kind;
  void *to;
  const char *value; /* what help calls the value, NULL for flags */
  const char *help;
  uint32_t min, max;
  const char *(*call)(void *to, const char *value);
};

struct args_verb {
  const char *name;                    /* "serve" */
  const char *operands;                /* "DIR" */
  const char *about;                   /* one or two sentences */
  const char *more;                    /* after the options; or NULL */
  const struct args_option *tables[3]; /* own options first, shared ones after; NULL ends */
  unsigned min_operands, max_operands;
};

enum { ARGS_OPERANDS_MAX = 4 };

struct args {
  const char *operand[ARGS_OPERANDS_MAX];
  unsigned n;
};

/* ARGS_GO, or the exit code: 0 after --help, 2 after one sentence on stderr. */
int args_parse(const struct args_verb *v, int argc, char **argv, struct args *out);
/* "tercet VERB: sentence; see tercet VERB --help" on stderr. Always ARGS_EXIT_USAGE. */
int args_wrong(const struct args_verb *v, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* "tercet VERB: sentence" on stderr; returns code. */
int args_fail(const struct args_verb *v, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
bool args_number(const char *text, uint32_t min, uint32_t max, uint32_t *out);

#endif
