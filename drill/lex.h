/* SPDX-License-Identifier: MIT */
/* lex.h - a script's text as tokens. The parser looks ahead freely, so all are made at once. */
#ifndef DRILL_LEX_H
#define DRILL_LEX_H

#include <stdbool.h>
#include <stddef.h>

#include "drill/arena.h"

enum drill_tok {
  DRILL_END,
  DRILL_CODE, /* text: what is between %{ and }%, stripped */
  DRILL_ELLIPSIS,
  DRILL_OPTION, /* text: the name; value: what follows '=', or NULL */
  DRILL_FLOAT,
  DRILL_INT,
  DRILL_HEX,
  DRILL_WORD,
  DRILL_STRING, /* text: unescaped bytes, may hold zeros */
  DRILL_SHELL,  /* text: between the back quotes */
  DRILL_IPV4,
  DRILL_IPV6,
  DRILL_CHAR /* text: one character */
};

struct drill_token {
  enum drill_tok kind;
  int line;
  char *text;
  size_t len;
  char *value;
};

struct drill_tokens {
  struct drill_token *at; /* ends with DRILL_END */
  size_t n;
  int error_line; /* 0: all well */
  const char *error;
};

/* text must end with a zero byte beyond len. */
void drill_lex(struct drill_arena *a, const char *text, size_t len, struct drill_tokens *out);

#endif
