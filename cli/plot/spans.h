/* SPDX-License-Identifier: MIT */
/* spans.h - a small sorted set of number ranges: holes, SACKed bytes, bytes sent again. spans.c */
#ifndef TCT_PLOT_SPANS_H
#define TCT_PLOT_SPANS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SPANS_MAX = 1024 };
struct span {
  int64_t from, to; /* to: the first that is not in it */
};
struct spans {
  size_t n;
  struct span s[SPANS_MAX];
};

/* When it is full the lowest span is forgotten. */
void spans_add(struct spans *s, int64_t from, int64_t to);
void spans_remove(struct spans *s, int64_t from, int64_t to);
bool spans_touch(const struct spans *s, int64_t from, int64_t to);
/* How many numbers of from..to are in it. */
int64_t spans_sum(const struct spans *s, int64_t from, int64_t to);

#endif
