/* SPDX-License-Identifier: MIT */
/* arena.c - see arena.h. Everything that a script's parse and run leave behind lies here. */
#include "drill/arena.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct drill_block {
  struct drill_block *next;
  max_align_t data[];
};

void *drill_arena_get(struct drill_arena *a, size_t size) {
  struct drill_block *b = calloc(1, sizeof *b + size);
  if (!b) {
    fputs("out of memory\n", stderr);
    exit(3);
  }
  b->next = a->blocks;
  a->blocks = b;
  return b->data;
}

char *drill_arena_copy(struct drill_arena *a, const char *text, size_t len) {
  char *copy = drill_arena_get(a, len + 1);
  memcpy(copy, text, len);
  return copy;
}

char *drill_arena_printf(struct drill_arena *a, const char *format, ...) {
  va_list args;
  va_start(args, format);
  int len = vsnprintf(NULL, 0, format, args);
  va_end(args);
  if (len < 0)
    len = 0;
  char *text = drill_arena_get(a, (size_t)len + 1);
  va_start(args, format);
  vsnprintf(text, (size_t)len + 1, format, args);
  va_end(args);
  return text;
}

void drill_arena_free(struct drill_arena *a) {
  while (a->blocks) {
    struct drill_block *next = a->blocks->next;
    free(a->blocks);
    a->blocks = next;
  }
}
