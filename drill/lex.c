/* SPDX-License-Identifier: MIT */
/*
 * lex.c - cuts a packet script into tokens: the longest match wins, on a tie the earlier kind of
 * drill_tok. Called by parse.c. Leaves all meaning to it: no word is reserved here.
 */
#include "drill/lex.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

struct lexer {
  struct drill_arena *arena;
  const char *p, *end;
  int line;
  struct drill_tokens *out;
  size_t cap;
};

static void fail(struct lexer *x, int line, const char *error) {
  if (!x->out->error) {
    x->out->error = error;
    x->out->error_line = line;
  }
  x->p = x->end;
}

static struct drill_token *push_token(struct lexer *x, enum drill_tok kind, const char *text,
                                      size_t len) {
  struct drill_tokens *o = x->out;
  if (o->n == x->cap) {
    size_t cap = x->cap ? x->cap * 2 : 256;
    struct drill_token *at = drill_arena_get(x->arena, cap * sizeof *at);
    if (o->n)
      memcpy(at, o->at, o->n * sizeof *at);
    o->at = at;
    x->cap = cap;
  }
  struct drill_token *t = &o->at[o->n++];
  *t = (struct drill_token){.kind = kind, .line = x->line, .len = len};
  t->text = drill_arena_copy(x->arena, text, len);
  return t;
}

/* Moves on, counting lines. */
static void skip(struct lexer *x, size_t n) {
  for (size_t i = 0; i < n; i++)
    if (x->p[i] == '\n')
      x->line++;
  x->p += n;
}

static bool is_word_char(char c) {
  return isalnum((unsigned char)c) || c == '_';
}

static size_t match_digits(const char *p) {
  size_t n = 0;
  while (isdigit((unsigned char)p[n]))
    n++;
  return n;
}

static size_t match_int(const char *p) {
  size_t sign = *p == '-';
  size_t n = match_digits(p + sign);
  return n ? sign + n : 0;
}

static size_t match_float(const char *p) {
  size_t n = *p == '-';
  n += match_digits(p + n);
  if (p[n] != '.')
    return 0;
  size_t fraction = match_digits(p + n + 1);
  return fraction ? n + 1 + fraction : 0;
}

static size_t match_hex(const char *p) {
  if (p[0] != '0' || p[1] != 'x')
    return 0;
  size_t n = 2;
  while (isxdigit((unsigned char)p[n]))
    n++;
  return n > 2 ? n : 0;
}

static size_t match_word(const char *p) {
  size_t n = 0;
  while (is_word_char(p[n]))
    n++;
  return n;
}

static size_t match_ipv4(const char *p) {
  size_t n = 0;
  for (int part = 0; part < 4; part++) {
    size_t digits = match_digits(p + n);
    if (digits == 0 || digits > 3)
      return 0;
    n += digits;
    if (part < 3 && p[n++] != '.')
      return 0;
  }
  return n;
}

static size_t match_ipv6(const char *p) {
  char text[64];
  size_t n = 0;
  while (isxdigit((unsigned char)p[n]) || p[n] == ':' || p[n] == '.')
    n++;
  if (n < 2 || n >= sizeof text)
    return 0;
  memcpy(text, p, n);
  text[n] = '\0';
  unsigned char addr[16];
  if (inet_pton(AF_INET6, text, addr) == 1)
    return n;
  bool has_colon_behind = text[--n] == ':';
  text[n] = '\0';
  return has_colon_behind && inet_pton(AF_INET6, text, addr) == 1 ? n : 0;
}

static bool lex_longest(struct lexer *x) {
  static const struct {
    enum drill_tok kind;
    size_t (*match)(const char *p);
  } kinds[] = {{DRILL_FLOAT, match_float}, {DRILL_INT, match_int},   {DRILL_HEX, match_hex},
               {DRILL_WORD, match_word},   {DRILL_IPV4, match_ipv4}, {DRILL_IPV6, match_ipv6}};
  size_t best = 0;
  enum drill_tok kind = DRILL_END;
  for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
    size_t n = kinds[i].match(x->p);
    if (n > best) {
      best = n;
      kind = kinds[i].kind;
    }
  }
  if (!best)
    return false;
  push_token(x, kind, x->p, best);
  skip(x, best);
  return true;
}

static int hex_digit(char c) {
  if (isdigit((unsigned char)c))
    return c - '0';
  return isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10 : -1;
}

/* One escape at p (after the backslash): its value, and how many characters; -1: none such. */
static int unescape(const char *p, size_t *n) {
  static const char from[] = "nrtfv\\\"", to[] = "\n\r\t\f\v\\\"";
  *n = 1;
  const char *at = *p ? strchr(from, *p) : NULL;
  if (at)
    return (unsigned char)to[at - from];
  if (*p != 'x' || hex_digit(p[1]) < 0 || hex_digit(p[2]) < 0)
    return -1;
  *n = 3;
  return hex_digit(p[1]) * 16 + hex_digit(p[2]);
}

/* Text between p and its closing quote; NULL: there is none. */
static const char *find_quote(const struct lexer *x, const char *p, char quote) {
  for (; p < x->end; p++) {
    if (*p == quote)
      return p;
    if (*p == '\\')
      p++;
  }
  return NULL;
}

static void lex_string(struct lexer *x) {
  const char *close = find_quote(x, x->p + 1, '"');
  if (!close) {
    fail(x, x->line, "string without a closing quote");
    return;
  }
  struct drill_token *t = push_token(x, DRILL_STRING, x->p + 1, (size_t)(close - x->p - 1));
  size_t len = 0;
  for (const char *p = x->p + 1; p < close; p++) {
    size_t n = 0;
    int c = *p == '\\' ? unescape(p + 1, &n) : (unsigned char)*p;
    if (c < 0) {
      fail(x, x->line, "unknown escape in a string; there are \\xHH \\n \\r \\t \\f \\v \\\\ \\\"");
      return;
    }
    t->text[len++] = (char)c;
    p += n;
  }
  t->text[len] = '\0';
  t->len = len;
  skip(x, (size_t)(close + 1 - x->p));
}

static void lex_shell(struct lexer *x) {
  const char *close = find_quote(x, x->p + 1, '`');
  if (!close) {
    fail(x, x->line, "shell step without a closing back quote");
    return;
  }
  push_token(x, DRILL_SHELL, x->p + 1, (size_t)(close - x->p - 1));
  skip(x, (size_t)(close + 1 - x->p));
}

static void lex_code(struct lexer *x) {
  const char *from = x->p + 2, *close = strstr(from, "}%");
  if (!close) {
    fail(x, x->line, "%{ without }%");
    return;
  }
  const char *to = close;
  while (from < to && (*from == ' ' || *from == '\t'))
    from++;
  while (to > from && (to[-1] == ' ' || to[-1] == '\t'))
    to--;
  push_token(x, DRILL_CODE, from, (size_t)(to - from));
  skip(x, (size_t)(close + 2 - x->p));
}

/* --name or --name=value; the value runs to white space, quoted parts may hold some. */
static void lex_option(struct lexer *x) {
  size_t n = 2 + match_word(x->p + 2);
  struct drill_token *t = push_token(x, DRILL_OPTION, x->p + 2, n - 2);
  if (x->p[n] == '=') {
    const char *from = x->p + n + 1, *p = from;
    char quote = '\0';
    for (; p < x->end && (quote || !isspace((unsigned char)*p)); p++) {
      if (quote ? *p == quote : (*p == '"' || *p == '`'))
        quote = quote ? '\0' : *p;
    }
    t->value = drill_arena_copy(x->arena, from, (size_t)(p - from));
    n = (size_t)(p - x->p);
  }
  skip(x, n);
}

/* White space and comments; false if a comment has no end. */
static bool skip_blank(struct lexer *x) {
  const char *close;
  for (;;) {
    if (x->p < x->end && (*x->p == ' ' || *x->p == '\t' || *x->p == '\n')) {
      skip(x, 1);
    } else if (x->p[0] == '/' && x->p[1] == '/') {
      close = strchr(x->p, '\n');
      if (!close)
        return false;
      skip(x, (size_t)(close - x->p));
    } else if (x->p[0] == '/' && x->p[1] == '*') {
      close = strstr(x->p + 2, "*/");
      if (!close)
        return false;
      skip(x, (size_t)(close + 2 - x->p));
    } else {
      return true;
    }
  }
}

static void lex_one(struct lexer *x) {
  if (x->p[0] == '%' && x->p[1] == '{') {
    lex_code(x);
  } else if (strncmp(x->p, "...", 3) == 0) {
    push_token(x, DRILL_ELLIPSIS, x->p, 3);
    skip(x, 3);
  } else if (x->p[0] == '-' && x->p[1] == '-' && is_word_char(x->p[2])) {
    lex_option(x);
  } else if (*x->p == '"') {
    lex_string(x);
  } else if (*x->p == '`') {
    lex_shell(x);
  } else if (!lex_longest(x)) {
    if (!isprint((unsigned char)*x->p)) {
      fail(x, x->line, "a character that no script may hold (carriage return?)");
      return;
    }
    push_token(x, DRILL_CHAR, x->p, 1);
    skip(x, 1);
  }
}

void drill_lex(struct drill_arena *a, const char *text, size_t len, struct drill_tokens *out) {
  *out = (struct drill_tokens){0};
  struct lexer x = {.arena = a, .p = text, .end = text + len, .line = 1, .out = out};
  if (memchr(text, '\0', len))
    fail(&x, 1, "a zero byte: this is no script");
  while (x.p < x.end) {
    if (!skip_blank(&x)) {
      fail(&x, x.line, "comment without an end");
      break;
    }
    if (x.p < x.end)
      lex_one(&x);
  }
  push_token(&x, DRILL_END, "", 0);
}
