/* SPDX-License-Identifier: MIT */
/*
 * steps.c - the count of list steps behind invariant I26, in check builds alone; see steps.h. Read
 * by the simulator's checker, written by TCT_STEP.
 */
#include "util/steps.h"

#if defined(TCT_CHECK) && TCT_CHECK
_Thread_local uint64_t tct_steps_taken;
#else
extern int tct_steps_are_not_counted; /* a file must declare something */
#endif
