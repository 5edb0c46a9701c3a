/* SPDX-License-Identifier: MIT */
/*
 * show.h - a conversation before your eyes: traces of one or both ends in, a ladder, plain lines,
 * JSON or an SVG picture out.
 *
 * Used by every verb that shows segments (demo, handshake, listen, connect, get, serve).
 *
 *   struct show_opts o;
 *   show_opts_init(&o, stdout);          picks ladder on a terminal, plain lines else
 *   o.names[SHOW_LEFT] = "client"; o.names[SHOW_RIGHT] = "server";
 *   o.traced = 1 << SHOW_LEFT | 1 << SHOW_RIGHT;
 *   struct show *show = show_new(&o, error, sizeof error);
 *   config.trace = show_sink_fn; config.trace_ctx = show_sink(show, SHOW_LEFT);  (each stack)
 *   ... per frame on a simulated link: show_link(show, SHOW_LEFT, packet, len, SHOW_LOST, now) ...
 *   ... on a real one, when the loop is idle: show_flush(show, now) ...
 *   show_finish(show, &outcome); show_free(show);
 *
 * Events must come in the order of their times. Rows are drawn as soon as what happened to their
 * segment is known.
 */
#ifndef TCT_CLI_SHOW_H
#define TCT_CLI_SHOW_H

#include <stdio.h>

#include "cli/term.h"
#include "tercet/tercet.h"

enum { SHOW_LEFT, SHOW_RIGHT };
enum show_mode { SHOW_NONE, SHOW_LADDER, SHOW_PLAIN, SHOW_JSON };
enum show_numbers {
  SHOW_RELATIVE, /* seq 1 */
  SHOW_BOTH,     /* seq 1 (501): --abs */
  SHOW_ABSOLUTE  /* seq 501 */
};
/* What a link did to a packet that was put on it. */
enum show_fate {
  SHOW_DELIVERED,
  SHOW_LOST,
  SHOW_DUPLICATED, /* delivered, and delivered again */
  SHOW_DELAYED,    /* delivered, overtaken by others */
  SHOW_CORRUPTED   /* delivered with wrong bytes */
};

struct show_opts {
  enum show_mode mode;
  FILE *out;
  struct term term;
  enum show_numbers numbers;
  bool why;             /* --why: a reason for each segment, with the RFC section */
  bool window;          /* the window on every row, raw and real */
  bool no_fold;         /* every segment its own row */
  bool no_sections;     /* no OPEN / DATA / CLOSE rules */
  bool no_summary;      /* no closing sentence */
  const char *title;    /* a line above; also the SVG's title */
  const char *names[2]; /* "client", "server"; "left", "right" if unset */
  unsigned traced;      /* bit (1 << end): its trace is fed; the other's state is inferred */
  const char *svg_path; /* NULL: no picture */
  bool svg_animated;    /* arrows draw themselves one after the other */
};

struct show;
struct show_sink;

/* How it ended, for exit codes and for checks. Of the first connection unless it says total. */
struct show_outcome {
  bool opened;                     /* the three-way (or simultaneous) handshake was completed */
  bool refused;                    /* RST answered the SYN */
  bool no_answer;                  /* SYNs, and nothing came back */
  bool reset;                      /* opened, then RST */
  bool closed;                     /* both FINs acknowledged */
  uint64_t bytes[2];               /* delivered payload sent by the left end, by the right end */
  uint32_t segments, lost, resent; /* totals */
  uint32_t connections;            /* total */
};

void show_opts_init(struct show_opts *o, FILE *out);
/* NULL: no memory or svg_path cannot be made; the sentence is in error. Strings are not copied:
 * they must outlive the show. */
struct show *show_new(const struct show_opts *o, char *error, size_t cap);
void show_free(struct show *s);

/* One event of the stack at that end. */
void show_trace(struct show *s, int end, const tct_trace *t);
/* The same as a tct_trace_fn: ctx is show_sink(s, end). */
void show_sink_fn(void *ctx, const tct_trace *t);
struct show_sink *show_sink(struct show *s, int end);

/* The link's word about a packet that `from` put on it, right after it was sent and in that order.
 * A packet that no trace told of (a scripted peer, an attacker) becomes a row of its own. */
void show_link(struct show *s, int from, const void *packet, size_t len, enum show_fate fate,
               tct_time at);
/* A remark between the rails, e.g. what the application does. Copied, at most 200 bytes. */
void show_note(struct show *s, tct_time at, const char *text);
/* Draw what is older than now and still held back. For loops on a real clock. */
void show_flush(struct show *s, tct_time now);
/* Draws the rest, the closing sentence and the picture. 0, or -1: an output could not be written
 * and show_error says which. o may be NULL. */
int show_finish(struct show *s, struct show_outcome *o);
const char *show_error(const struct show *s);

#endif
