/* SPDX-License-Identifier: MIT */
/*
 * compare.c - the logs of two runs of one script, line by line: frames against frames, results
 * against results; what differs first in the script is told. Called by the `drill` command's
 * --diff. Times may be off by what a kernel's timer wheel makes of them.
 */
#define _GNU_SOURCE
#include "drill/compare.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SLACK_US 10000u /* a kernel's timers are that coarse */

struct entry {
  bool is_there;
  int line;
  uint64_t at_us;
  const char *text;
  size_t len;
};

/* The next entry of a kind; *p moves behind it. */
static struct entry next_entry(const char **p, char kind) {
  struct entry e = {.is_there = false};
  while (**p) {
    const char *line = *p;
    size_t n = strcspn(line, "\n");
    *p += n + (line[n] == '\n');
    if (line[0] != kind)
      continue;
    char *end;
    e.line = (int)strtol(line + 2, &end, 10);
    e.at_us = strtoull(end, &end, 10);
    e.text = end + 1;
    e.len = n - (size_t)(end + 1 - line);
    e.is_there = true;
    return e;
  }
  return e;
}

static void tell(char *to, size_t cap, const struct entry *e) {
  if (!e->is_there)
    snprintf(to, cap, "nothing");
  else
    snprintf(to, cap, "%.6f %.*s", (double)e->at_us / 1e6, (int)e->len, e->text);
}

/* What is wrong between two entries, or NULL. */
static const char *judge(const struct entry *a, const struct entry *b, uint64_t before_us) {
  if (a->is_there != b->is_there)
    return a->is_there ? "only ours" : "only theirs";
  if (a->len != b->len || memcmp(a->text, b->text, a->len) != 0)
    return "differs";
  uint64_t off = a->at_us > b->at_us ? a->at_us - b->at_us : b->at_us - a->at_us;
  uint64_t span = a->at_us > before_us ? a->at_us - before_us : 0;
  uint64_t slack = span / 6 > SLACK_US ? span / 6 : SLACK_US;
  return off > slack ? "time differs" : NULL;
}

static bool compare_kind(const char *ours, const char *theirs, char kind,
                         struct drill_difference *d) {
  uint64_t before_us = 0;
  for (;;) {
    struct entry a = next_entry(&ours, kind), b = next_entry(&theirs, kind);
    if (!a.is_there && !b.is_there)
      return false;
    const char *what = judge(&a, &b, before_us);
    before_us = a.at_us;
    if (!what)
      continue;
    d->line = !a.is_there ? b.line : !b.is_there || a.line < b.line ? a.line : b.line;
    snprintf(d->what, sizeof d->what, "%s %s", kind == 'P' ? "what left" : "a result", what);
    tell(d->ours, sizeof d->ours, &a);
    tell(d->theirs, sizeof d->theirs, &b);
    return true;
  }
}

bool drill_compare(const char *ours, const char *theirs, struct drill_difference *d) {
  struct drill_difference results, frames;
  bool has_result = compare_kind(ours, theirs, 'C', &results);
  bool has_frame = compare_kind(ours, theirs, 'P', &frames);
  if (has_result && (!has_frame || results.line < frames.line))
    *d = results;
  else if (has_frame)
    *d = frames;
  return has_result || has_frame;
}
