/* SPDX-License-Identifier: MIT */
/* merge.h - packets of a burst that continue one another as one frame. See merge.c. */
#ifndef TCT_MERGE_H
#define TCT_MERGE_H

#include "tercet/tercet.h"

/* f: n frames as a driver received them, each in one piece that may be written. Of frames that are
 * joined the tct_iov must be neighbours in one array; they become the pieces of one. Returns how
 * many frames are left, from f[0] on, in their order: each as it was, or a super-segment. sum: as
 * in tct_config, may be NULL. */
size_t tct_merge(tct_frame *f, size_t n, tct_link link, tct_sum_fn sum);

#endif
