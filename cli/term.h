/* SPDX-License-Identifier: MIT */
/*
 * term.h - what the terminal at the other end of a stream can do, and colours by role.
 *
 * Used by everything that prints for people. Colour never carries meaning alone: words do.
 */
#ifndef TCT_CLI_TERM_H
#define TCT_CLI_TERM_H

#include <stdbool.h>
#include <stdio.h>

struct term {
  bool tty;       /* a person looks at it now */
  bool colour;    /* escape sequences are welcome */
  bool unicode;   /* else ASCII only */
  unsigned width; /* columns; 100 when nobody knows */
};

enum term_role {
  TERM_PLAIN,
  TERM_SYN,    /* green */
  TERM_DATA,   /* plain */
  TERM_ACK,    /* dim */
  TERM_FIN,    /* yellow */
  TERM_RST,    /* red */
  TERM_REXMIT, /* magenta */
  TERM_LOST,   /* red */
  TERM_DIM,    /* rails, times */
  TERM_STATE,  /* bold */
  TERM_GOOD,   /* green */
  TERM_BAD,    /* red */
  TERM_WARN,   /* yellow */
  TERM_BOLD
};

/* By the stream, NO_COLOR, TERM, COLUMNS and the locale (which it sets for LC_CTYPE). */
void term_init(struct term *t, FILE *out);
/* --color's argument: always, never or auto; false if it is none of them. */
bool term_set_colour(struct term *t, const char *when);
/* --ascii */
void term_set_ascii(struct term *t);

/* The sequence that turns a role on, "" without colour; term_off ends it. */
const char *term_on(const struct term *t, enum term_role role);
const char *term_off(const struct term *t, enum term_role role);
/* Columns that UTF-8 text takes: one a code point, none for escape sequences. */
unsigned term_columns(const char *text);

#endif
