/* SPDX-License-Identifier: MIT */
/*
 * The table behind TCT_MARK: one counter a name. Linked into the core by builds with the meson
 * option `marks`, so it depends on nothing but libc. The tests' half (which fails tests) is
 * expect_mark.c.
 */
#include "test/lib/marks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "util/mark.h"

#define MARKS_MAX 512

static struct {
  const char *name;
  unsigned long hits;
} marks[MARKS_MAX];

static unsigned long *find_counter(const char *name) {
  for (size_t i = 0; i < MARKS_MAX; i++) {
    if (!marks[i].name)
      marks[i].name = name;
    if (marks[i].name == name || strcmp(marks[i].name, name) == 0)
      return &marks[i].hits;
  }
  fprintf(stderr, "more than %d coverage marks: raise MARKS_MAX\n", MARKS_MAX);
  abort();
}

void tct_mark_hit(const char *name) {
  ++*find_counter(name);
}

unsigned long mark_hits(const char *name) {
  return *find_counter(name);
}
