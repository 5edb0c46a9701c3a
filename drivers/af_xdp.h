/* SPDX-License-Identifier: MIT */
/*
 * af_xdp.h - Ethernet frames straight from and to a network interface, past the kernel's stack. See
 * af_xdp.c; af_xdp_none.c stands in for it where libxdp was missing at build time.
 */
#ifndef TCT_AF_XDP_H
#define TCT_AF_XDP_H

#include "drivers/driver.h"

enum { TCT_AF_XDP_MTU_MAX = 3822 }; /* a frame, and the kernel's 256 bytes, fit a page */

struct tct_af_xdp;

struct tct_af_xdp_config {
  const char *name; /* of an interface that is up, has one queue and no address of the kernel's */
  uint32_t mtu;     /* 0: the interface's, up to TCT_AF_XDP_MTU_MAX */
};

struct tct_af_xdp_stats {
  uint64_t frames_in, frames_out;
  uint64_t lost_in, lost_out; /* in: told by the kernel, for want of room */
};

/* NULL: one sentence is in error, and nothing is left behind. */
struct tct_af_xdp *tct_af_xdp_open(const struct tct_af_xdp_config *c, char *error, size_t cap);
/* The interface is the kernel's again, as it is when the process is killed. */
void tct_af_xdp_close(struct tct_af_xdp *x);
struct tct_driver tct_af_xdp_driver(struct tct_af_xdp *x);
/* "native, zero-copy", "native, copy" or "generic, copy" */
const char *tct_af_xdp_mode(const struct tct_af_xdp *x);
void tct_af_xdp_stats_get(const struct tct_af_xdp *x, struct tct_af_xdp_stats *out);
/* NULL, or why this build has none. */
const char *tct_af_xdp_missing(void);

#endif
