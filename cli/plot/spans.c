/* SPDX-License-Identifier: MIT */
/* spans.c - see spans.h. Called by measure.c. Bounded: a hostile capture costs SPANS_MAX at most.
 */
#include "cli/plot/spans.h"

#include <string.h>

/* The first span that ends behind `at`. */
static size_t find(const struct spans *s, int64_t at) {
  size_t low = 0, high = s->n;
  while (low < high) {
    size_t mid = low + (high - low) / 2;
    if (s->s[mid].to > at)
      high = mid;
    else
      low = mid + 1;
  }
  return low;
}

static void cut_out(struct spans *s, size_t first, size_t n) {
  memmove(&s->s[first], &s->s[first + n], (s->n - first - n) * sizeof s->s[0]);
  s->n -= n;
}

static void put_in(struct spans *s, size_t i, int64_t from, int64_t to) {
  if (s->n == SPANS_MAX) {
    cut_out(s, 0, 1);
    if (i > 0)
      i--;
  }
  memmove(&s->s[i + 1], &s->s[i], (s->n - i) * sizeof s->s[0]);
  s->s[i] = (struct span){from, to};
  s->n++;
}

void spans_add(struct spans *s, int64_t from, int64_t to) {
  if (to <= from)
    return;
  size_t i = find(s, from - 1), last = i; /* -1: neighbours grow together */
  while (last < s->n && s->s[last].from <= to) {
    from = s->s[last].from < from ? s->s[last].from : from;
    to = s->s[last].to > to ? s->s[last].to : to;
    last++;
  }
  if (last > i)
    cut_out(s, i, last - i);
  put_in(s, i, from, to);
}

void spans_remove(struct spans *s, int64_t from, int64_t to) {
  if (to <= from)
    return;
  size_t i = find(s, from);
  while (i < s->n && s->s[i].from < to) {
    struct span was = s->s[i];
    cut_out(s, i, 1);
    if (was.to > to)
      put_in(s, i, to, was.to);
    if (was.from < from)
      put_in(s, i, was.from, from);
    if (was.to > to)
      return;
    i = find(s, from);
  }
}

bool spans_touch(const struct spans *s, int64_t from, int64_t to) {
  size_t i = find(s, from);
  return i < s->n && s->s[i].from < to;
}

int64_t spans_sum(const struct spans *s, int64_t from, int64_t to) {
  int64_t sum = 0;
  for (size_t i = find(s, from); i < s->n && s->s[i].from < to; i++) {
    int64_t a = s->s[i].from > from ? s->s[i].from : from;
    int64_t b = s->s[i].to < to ? s->s[i].to : to;
    sum += b > a ? b - a : 0;
  }
  return sum;
}
