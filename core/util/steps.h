/* SPDX-License-Identifier: MIT */
/* Work counted in list steps: TCT_STEP() stands in each loop whose length a peer may have a hand
 * in. Costs nothing unless -DTCT_CHECK=1; then a checker asks how many steps one packet cost
 * (stack_probe.h). By steps and not by time, so that a busy machine changes nothing. */
#ifndef TCT_UTIL_STEPS_H
#define TCT_UTIL_STEPS_H

#include <stdint.h>

#if defined(TCT_CHECK) && TCT_CHECK
extern _Thread_local uint64_t tct_steps_taken; /* steps.c: the one variable of check builds */
#define TCT_STEP() ((void)tct_steps_taken++)
#else
#define TCT_STEP() ((void)0)
#endif

#endif
