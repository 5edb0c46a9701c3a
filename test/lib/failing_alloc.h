/* SPDX-License-Identifier: MIT */
/*
 * An allocator for tests: counts what is out, checks that sizes given back are those taken, finds
 * leaks, and can fail the n-th request. Called by any test that makes a stack or a container; the
 * core knows it only as its struct tct_alloc.
 */
#ifndef TEST_LIB_FAILING_ALLOC_H
#define TEST_LIB_FAILING_ALLOC_H

#include "tercet/tercet.h"

struct failing_block; /* book-keeping, in failing_alloc.c */

struct failing_alloc {
  tct_alloc vtable;            /* hand this to the code under test; it points back here */
  struct failing_block *first; /* every block that is out */
  size_t blocks_out, bytes_out, bytes_peak;
  size_t requests;  /* all requests so far, failed ones included */
  size_t fail_at;   /* the request with this number fails, counted from 1; 0: none does */
  bool fail_after;  /* and all that follow it, too */
  size_t failed;    /* how many were refused */
  size_t bytes_max; /* refuse what would exceed this; 0: no limit */
};

/* The struct must stay where it is until failing_alloc_finish: the vtable points to it. */
void failing_alloc_init(struct failing_alloc *a);
/* The n-th request from now on fails (1 is the very next); 0 switches failing off. */
void failing_alloc_fail_nth(struct failing_alloc *a, size_t n);
/* Asserts that nothing is out. */
void failing_alloc_finish(struct failing_alloc *a);

/*
 * Runs `body` with the 1st, 2nd, 3rd … request failing until a run in which none failed, asserting
 * after each that all memory came back. `body` returns nothing: it must cope, whatever fails.
 * Returns the number of runs in which a request failed.
 */
size_t failing_alloc_each(void (*body)(struct failing_alloc *a, void *arg), void *arg);

#endif
