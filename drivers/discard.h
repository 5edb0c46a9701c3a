/* SPDX-License-Identifier: MIT */
/*
 * discard.h - away with an output that was begun and cannot be finished. Called by whoever opened
 * it by name.
 */
#ifndef TCT_DISCARD_H
#define TCT_DISCARD_H

/* Removes a regular file; a device (as /dev/null), a pipe or a directory stays. */
void tct_discard(const char *path);

#endif
