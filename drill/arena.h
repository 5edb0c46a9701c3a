/* SPDX-License-Identifier: MIT */
/* arena.h - memory that lives as long as one script and is given back at once. */
#ifndef DRILL_ARENA_H
#define DRILL_ARENA_H

#include <stddef.h>

struct drill_arena {
  struct drill_block *blocks;
};

/* Zeroed and aligned for anything; ends the program when memory is out (this is a test tool). */
void *drill_arena_get(struct drill_arena *a, size_t size);
char *drill_arena_copy(struct drill_arena *a, const char *text, size_t len);
char *drill_arena_printf(struct drill_arena *a, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void drill_arena_free(struct drill_arena *a);

#endif
