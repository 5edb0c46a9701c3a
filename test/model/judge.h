/* SPDX-License-Identifier: MIT */
/*
 * judge.h - are two answers to one event the same, or may they differ? Called by pair.c.
 */
#ifndef TEST_MODEL_JUDGE_H
#define TEST_MODEL_JUDGE_H

#include "test/model/pair.h"

/* The first thing that differs, NULL: nothing. */
const char *judge_answers(const struct answer *c, const struct answer *m);
/* After a long time: neither how often nor when, only where it led. */
const char *judge_after_time(const struct answer *c, const struct answer *m);
/* [RFC9293 SHLD-14, MUST-39] How much of the room is told is the receiver's to choose, but for two
 * ends: never less than was told before, never more than there is. The model then goes on with
 * what the stack has told. */
bool judge_window(struct pair *p, model_pos edge_before);
/* 0: this may not differ; 1: it may, go on; 2: it may, stop here. */
unsigned judge_allowed(const struct pair *p, const struct event *e, const struct difference *d,
                       struct tally *t);
/* The table: name and clause of row i; NULL at its end. */
const char *judge_row(unsigned i, const char **clause);

#endif
