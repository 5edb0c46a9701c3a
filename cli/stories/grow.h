/* SPDX-License-Identifier: MIT */
/* grow.h - one array idiom of the stories: room for one more element, doubling, never failing. */
#ifndef CLI_STORIES_GROW_H
#define CLI_STORIES_GROW_H

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

static inline void *stage_grow(void *p, size_t *cap, size_t n, size_t size) {
  void *grown = p;
  if (n < *cap)
    return p;
  *cap = *cap ? *cap * 2 : 256;
  grown = realloc(p, *cap * size);
  if (grown != NULL)
    return grown;
  fputs("tercet: out of memory while recording a story\n", stderr);
  abort();
}

#endif
