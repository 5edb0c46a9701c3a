/* SPDX-License-Identifier: MIT */
/*
 * driver.h - what a source and sink of frames looks like to the event loop.
 *
 * A driver moves frames between a stack and a device. It owns the buffers of the frames that it
 * hands in; it knows nothing of TCP, timers or sockets. Used by host/loop.c; written by tun.c,
 * af_xdp.c.
 */
#ifndef TCT_DRIVER_H
#define TCT_DRIVER_H

#include "tercet/tercet.h"

struct tct_driver_ops {
  /* Fill up to n frames without blocking; they stay valid until the next call. *drained: there are
     no more for now. Negative: the device is gone for good (a negated errno). */
  long (*recv)(void *ctx, tct_frame *f, size_t n, tct_time now, bool *drained);
  /* Take n frames. What the device cannot take now is lost, as on any link. */
  void (*send)(void *ctx, const tct_frame *f, size_t n);
  void (*close)(void *ctx);
};

struct tct_driver {
  const struct tct_driver_ops *ops;
  void *ctx;
  int fd; /* readable when frames wait */
  const char *name;
  tct_link link;
  uint8_t mac[6]; /* ETHERNET: the stack's own */
  bool alone;     /* on the link with the kernel's end: no duplicates there */
  uint32_t mtu;
  bool csum_offload;                    /* the device finishes checksums, cuts and joins */
  uint32_t gso_max_bytes, gso_max_segs; /* of super-segments that send takes; 0: none */
};

#endif
