/* SPDX-License-Identifier: MIT */
/* Coverage marks: TCT_MARK(tlp_after_ack_loss) in an odd branch, and the one test that is about
 * that branch expects the mark. Costs nothing unless -DTCT_MARKS=1; then the test library owns the
 * table. */
#ifndef TCT_UTIL_MARK_H
#define TCT_UTIL_MARK_H

#if defined(TCT_MARKS) && TCT_MARKS
void tct_mark_hit(const char *name);
#define TCT_MARK(name) tct_mark_hit(#name)
#else
#define TCT_MARK(name) ((void)0)
#endif

#endif
