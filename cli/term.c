/* SPDX-License-Identifier: MIT */
/*
 * term.c - see term.h. Asks the stream, the environment and the locale once; everything after that
 * is a table look-up, so that tests can set the fields by hand.
 */
#define _GNU_SOURCE
#include "cli/term.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

enum { WIDTH_UNKNOWN = 100, WIDTH_MAX = 1000 };

static const char *const sequences[] = {
    [TERM_PLAIN] = "",          [TERM_SYN] = "\033[32m",  [TERM_DATA] = "",
    [TERM_ACK] = "\033[2m",     [TERM_FIN] = "\033[33m",  [TERM_RST] = "\033[31m",
    [TERM_REXMIT] = "\033[35m", [TERM_LOST] = "\033[31m", [TERM_DIM] = "\033[2m",
    [TERM_STATE] = "\033[1m",   [TERM_GOOD] = "\033[32m", [TERM_BAD] = "\033[31m",
    [TERM_WARN] = "\033[33m",   [TERM_BOLD] = "\033[1m",
};

static unsigned parse_columns(const char *text) {
  char *end;
  if (text == NULL || text[0] == '\0')
    return 0;
  unsigned long n = strtoul(text, &end, 10);
  return *end == '\0' && n <= WIDTH_MAX ? (unsigned)n : 0;
}

static unsigned find_width(int fd) {
  struct winsize size;
  unsigned columns = parse_columns(getenv("COLUMNS"));
  if (columns == 0 && ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col <= WIDTH_MAX)
    columns = size.ws_col;
  return columns == 0 ? WIDTH_UNKNOWN : columns;
}

void term_init(struct term *t, FILE *out) {
  const char *no_colour = getenv("NO_COLOR"), *kind = getenv("TERM");
  int fd = fileno(out);
  setlocale(LC_CTYPE, "");
  t->tty = fd >= 0 && isatty(fd) == 1;
  t->colour = t->tty && (no_colour == NULL || no_colour[0] == '\0') && kind != NULL &&
              strcmp(kind, "dumb") != 0;
  t->unicode = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
  t->width = find_width(fd);
}

bool term_set_colour(struct term *t, const char *when) {
  if (strcmp(when, "always") == 0)
    t->colour = true;
  else if (strcmp(when, "never") == 0)
    t->colour = false;
  else
    return strcmp(when, "auto") == 0;
  return true;
}

void term_set_ascii(struct term *t) {
  t->unicode = false;
}

const char *term_on(const struct term *t, enum term_role role) {
  return t->colour ? sequences[role] : "";
}

const char *term_off(const struct term *t, enum term_role role) {
  return t->colour && sequences[role][0] != '\0' ? "\033[0m" : "";
}

unsigned term_columns(const char *text) {
  unsigned columns = 0;
  bool escape = false;
  for (; *text != '\0'; text++) {
    if (*text == '\033')
      escape = true;
    else if (escape)
      escape = *text != 'm';
    else if (((unsigned char)*text & 0xc0) != 0x80)
      columns++;
  }
  return columns;
}
