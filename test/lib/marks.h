/* SPDX-License-Identifier: MIT */
/*
 * Coverage marks, the tests' side. An odd branch in the core says TCT_MARK(name); the one test
 * which is about that branch proves that it got there:
 *
 *   EXPECT_MARK(tlp_after_ack_loss) { … calls into the core … }
 *
 * fails unless the mark was hit inside the block (which must be left by its end, not by return).
 */
#ifndef TEST_LIB_MARKS_H
#define TEST_LIB_MARKS_H

#include <stdbool.h>

struct mark_expectation {
  const char *name;
  unsigned long hits_before;
  bool entered;
};

/* How often the mark was hit since the program began. */
unsigned long mark_hits(const char *name);
/* The two halves of EXPECT_MARK. The second is true once, then fails the test if nothing was hit.
 */
struct mark_expectation mark_expect(const char *name);
bool mark_pending(struct mark_expectation *e);

#define EXPECT_MARK(name)                                                                          \
  for (struct mark_expectation mark_of_##name = mark_expect(#name); mark_pending(&mark_of_##name);)

#endif
