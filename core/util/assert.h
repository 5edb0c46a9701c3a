/* SPDX-License-Identifier: MIT */
/* Our own mistakes, caught. Never for what a peer or a caller can cause: that gets a verdict or an
 * error.
 *
 * TCT_ASSERT        on in every build: cheap tests whose failure would corrupt memory
 * TCT_CHECKED       only with -DTCT_CHECK=1 (all test and simulation builds): may cost
 * TCT_NEVER_HAPPENS for an `if`: traps in check builds, in a release the caller takes the safe
 * branch */
#ifndef TCT_UTIL_ASSERT_H
#define TCT_UTIL_ASSERT_H

#define TCT_ASSERT(x) ((x) ? (void)0 : __builtin_trap())
#define TCT_STATIC_ASSERT(x, text) _Static_assert(x, text)

#if defined(TCT_CHECK) && TCT_CHECK
#define TCT_CHECKS 1
#define TCT_CHECKED(x) TCT_ASSERT(x)
#define TCT_NEVER_HAPPENS(x) ((x) ? (__builtin_trap(), 1) : 0)
#else
#define TCT_CHECKS 0
#define TCT_CHECKED(x) ((void)(0 && (x))) /* still compiled, never evaluated */
#define TCT_NEVER_HAPPENS(x) (x)
#endif

#endif
