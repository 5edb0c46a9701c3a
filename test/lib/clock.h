/* SPDX-License-Identifier: MIT */
/* clock.h - for tests of one file: the time that a stack has seen. */
#ifndef TCT_TEST_LIB_CLOCK_H
#define TCT_TEST_LIB_CLOCK_H

#include "stack.h"

static inline void clock_set(tct_stack *s, tct_time now) {
  s->now = now;
  s->now_ms = tct_time_ms32(now);
}

#endif
