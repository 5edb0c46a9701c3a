/* SPDX-License-Identifier: MIT */
/*
 * replay.h - what `tercet replay` (replay.c) and its view of single calls (replay_step.c) share.
 */
#ifndef TCT_CLI_REPLAY_H
#define TCT_CLI_REPLAY_H

#include "cli/net.h"
#include "record/play.h"

struct step;

/* Prints every call from number `from` on, and what it changed. NULL: no memory. */
struct step *step_new(FILE *out, bool json, bool ascii, uint64_t from);
void step_free(struct step *s);
/* One event of the stack during the call; kept until the call is printed. */
void step_trace(struct step *s, const tct_trace *t);
/* After the call was made; start is time 0 of what is printed. */
void step_call(struct step *s, const struct record_play *p, const struct record_call *c,
               tct_time start);

struct script;

/* A packet script of what is played; out stays the caller's. NULL: no memory. */
struct script *script_new(FILE *out);
void script_free(struct script *s);
/* All of a recording into a new file. */
bool script_write(const char *recording, const char *path, const char *comment);
void script_trace(struct script *s, const tct_trace *t);
void script_call(struct script *s, const struct record_play *p, const struct record_call *c);

#endif
