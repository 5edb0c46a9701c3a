/* SPDX-License-Identifier: MIT */
/*
 * fast_sum.h - the Internet checksum's sum by this processor's widest unit, for tct_config.sum.
 */
#ifndef TCT_DRIVERS_FAST_SUM_H
#define TCT_DRIVERS_FAST_SUM_H

#include "tercet/tercet.h"

/* The best that this processor has, asked at run time; NULL: the core's own is as good. */
tct_sum_fn tct_fast_sum(void);
/* And for tct_config.copy_sum. */
tct_copy_sum_fn tct_fast_copy_sum(void);

#endif
