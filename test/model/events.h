/* SPDX-License-Identifier: MIT */
/*
 * events.h - sequences of events: drawn from a seed, made smaller while they still show something,
 * and written as words or as a packet script. Called by differential.c.
 */
#ifndef TEST_MODEL_EVENTS_H
#define TEST_MODEL_EVENTS_H

#include <stdio.h>

#include "test/model/pair.h"

void events_draw(struct sequence *s, uint64_t seed);
/* Fewer events, and simpler ones, with the same first difference. */
void events_shrink(struct sequence *s, struct difference *d);
void events_print(FILE *to, const struct sequence *s, const struct difference *d);

#endif
