/* SPDX-License-Identifier: MIT */
/*
 * The allocator for tests; see failing_alloc.h. Memory is filled with a pattern, so that code which
 * relies on zeroes fails here and not in the field; freed memory goes to free() at once, so that
 * the address sanitizer sees late uses.
 */
#define _POSIX_C_SOURCE 200809L /* posix_memalign */
#include "test/lib/failing_alloc.h"

#include <stdarg.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

struct failing_block {
  struct failing_block *next;
  void *at;
  size_t size;
};

static bool refuse(struct failing_alloc *a, size_t size) {
  a->requests++;
  bool refused =
      a->fail_at != 0 && (a->requests == a->fail_at || (a->fail_after && a->requests > a->fail_at));
  refused = refused || (a->bytes_max != 0 && size > a->bytes_max - a->bytes_out);
  a->failed += refused;
  return refused;
}

static void *take(void *ctx, size_t size, size_t align) {
  struct failing_alloc *a = ctx;
  assert_true(size > 0);
  assert_true(align > 0 && (align & (align - 1)) == 0);
  if (refuse(a, size))
    return NULL;
  struct failing_block *block = malloc(sizeof *block);
  assert_non_null(block);
  size_t least = align < 16 ? 16 : align; /* what the contract promises at least */
  assert_int_equal(posix_memalign(&block->at, least, size), 0);
  memset(block->at, 0xa5, size);
  block->size = size;
  block->next = a->first;
  a->first = block;
  a->blocks_out++;
  a->bytes_out += size;
  if (a->bytes_out > a->bytes_peak)
    a->bytes_peak = a->bytes_out;
  return block->at;
}

static void give_back(void *ctx, void *p, size_t size) {
  struct failing_alloc *a = ctx;
  if (!p)
    return;
  struct failing_block **link = &a->first;
  while (*link && (*link)->at != p)
    link = &(*link)->next;
  struct failing_block *block = *link;
  if (!block)
    fail_msg("freed %p, which is not out: twice, or never taken", p);
  assert_int_equal(block->size, size);
  *link = block->next;
  a->blocks_out--;
  a->bytes_out -= size;
  free(block->at);
  free(block);
}

void failing_alloc_init(struct failing_alloc *a) {
  memset(a, 0, sizeof *a);
  a->vtable.alloc = take;
  a->vtable.free = give_back;
  a->vtable.ctx = a;
}

void failing_alloc_fail_nth(struct failing_alloc *a, size_t n) {
  a->fail_at = n ? a->requests + n : 0;
}

void failing_alloc_finish(struct failing_alloc *a) {
  if (a->blocks_out == 0)
    return;
  fail_msg("leak: %zu blocks, %zu bytes never came back", a->blocks_out, a->bytes_out);
}

size_t failing_alloc_each(void (*body)(struct failing_alloc *a, void *arg), void *arg) {
  for (size_t n = 1;; n++) {
    struct failing_alloc a;
    failing_alloc_init(&a);
    failing_alloc_fail_nth(&a, n);
    body(&a, arg);
    failing_alloc_finish(&a);
    if (a.failed == 0)
      return n - 1;
  }
}
