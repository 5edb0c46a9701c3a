/* SPDX-License-Identifier: MIT */
/*
 * host.h (internal) - the one struct behind tct_host, shared by host.c, device.c, loop.c and
 * block.c.
 */
#ifndef TCT_HOST_HOST_H
#define TCT_HOST_HOST_H

#include "drivers/af_xdp.h"
#include "drivers/driver.h"
#include "drivers/tun.h"
#include "host/mesh.h"
#include "tercet/host.h"

enum {
  TCT_HOST_TURN_FRAMES = 256,    /* drained, and sent, in one turn at most */
  TCT_HOST_TURN_BYTES = 1 << 19, /* the same in bytes: ACKs go out while the data is still cached */
  TCT_HOST_TURN_EVENTS = 1024,
  TCT_HOST_WATCHES = 8,
  TCT_HOST_BLOCKS = 64
};

struct tct_host_watch {
  int fd; /* -1: free */
  tct_host_fd_fn fn;
  void *ctx;
};

/* A socket of the blocking calls: what its events have said so far. */
struct tct_host_block {
  tct_sock sock;
  bool used, connected, closed;
  int err;
  uint16_t why;
};

struct tct_host {
  tct_stack *stack;
  tct_if ifc;
  struct tct_driver drv;
  struct tct_tun tun; /* what drv.ctx points to, when it is one */
  struct tct_tun_addr addr[TCT_HOST_ADDRS];
  unsigned n_addr;
  tct_time now;
  tct_host_frame_fn frame_fn;
  void *frame_ctx;

  tct_host_event_fn event_fn;
  tct_host_fn idle_fn, output_fn, alarm_fn;
  tct_host_signal_fn signal_fn;
  void *event_ctx, *idle_ctx, *output_ctx, *alarm_ctx, *signal_ctx;
  tct_time alarm_at;

  int epoll_fd, signal_fd;
  bool stopped;
  int result;
  unsigned busy_turns;        /* turns since the other descriptors were looked at */
  struct tct_host_mesh *mesh; /* NULL: alone */
  unsigned core;
  uint32_t taken[TCT_MESH_CORES_MAX]; /* of each ring: frames that the last take still shows */
  tct_iov taken_iov[TCT_BURST_MAX];
  tct_host_fn poke_fn;
  void *poke_ctx;
  tct_time spin_max_ns, spin_ns, worked_at;
  struct tct_host_watch watch[TCT_HOST_WATCHES];
  struct tct_host_block block[TCT_HOST_BLOCKS];
  tct_frame frames[TCT_BURST_MAX];
};

struct tct_host_complaint {
  char *text;
  size_t cap;
};

/* host.c: one sentence; always false. */
bool tct_host_complain(struct tct_host_complaint *e, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* device.c: chooses h->addr and opens h->drv. */
bool tct_host_device_open(tct_host *h, const tct_host_config *c, struct tct_host_complaint *e);
/* loop.c */
int tct_host_loop_init(tct_host *h);
void tct_host_loop_deinit(tct_host *h);
void tct_host_loop_flush(tct_host *h);
tct_time tct_host_loop_clock(void);
/* block.c: true when the event was for a socket of the blocking calls. */
bool tct_host_block_event(tct_host *h, const tct_event *ev);

#endif
