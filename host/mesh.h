/* SPDX-License-Identifier: MIT */
/*
 * mesh.h (internal) - what several hosts on one device share: a ring from each to each. See mesh.c.
 */
#ifndef TCT_HOST_MESH_H
#define TCT_HOST_MESH_H

#include "host/ring.h"
#include "tercet/host.h"

enum { TCT_MESH_CORES_MAX = 64 };

struct tct_mesh_core {
  _Alignas(64) _Atomic bool asleep;
  _Atomic bool poked;
  _Atomic uint64_t strays, lost;
  int event_fd;
};

struct tct_host_mesh {
  unsigned n;
  tct_keys keys; /* the same in all stacks: ownership hangs on them, and cookies too */
  char dev[24];  /* "tun:NAME", once core 0 has made it */
  struct tct_mesh_core core[TCT_MESH_CORES_MAX];
  struct tct_ring *ring; /* n * n: [from * n + to] */
};

/* Keeps of f[0..n) what is this core's, in order, and hands on the rest; how many were kept. */
size_t tct_host_mesh_steer(tct_host *h, tct_frame *f, size_t n);
/* Up to n frames that others handed to this core; valid until the next call. */
size_t tct_host_mesh_take(tct_host *h, tct_frame *f, tct_iov *v, size_t n);
/* Say so before sleeping; false: something has come meanwhile, do not. */
bool tct_host_mesh_may_sleep(tct_host *h);
void tct_host_mesh_awake(tct_host *h);

#endif
