/* SPDX-License-Identifier: MIT */
/*
 * read.h - a recording, one call after the other. See read.c.
 */
#ifndef RECORD_READ_H
#define RECORD_READ_H

#include "record/calls.h"

struct record_reader;

/* NULL: one sentence is in error. */
struct record_reader *record_read_open(const char *path, char *error, size_t cap);
/* The same of an open stream, which becomes the reader's; name is for messages and is copied. */
struct record_reader *record_read_stream(FILE *f, const char *name, char *error, size_t cap);
void record_read_free(struct record_reader *r);
/* 1: a call. 0: the end. -1: the file is wrong, and record_read_error says where; it stays so. */
int record_read_next(struct record_reader *r, struct record_call *c);
const char *record_read_error(const struct record_reader *r);
/* The value of KEY in what the recording program said of itself, "" if it said nothing. */
void record_read_about(const struct record_reader *r, const char *key, char *value, size_t cap);
/* After the end was read: the file stops before the recording was finished. */
bool record_read_is_cut(const struct record_reader *r);

#endif
