/* SPDX-License-Identifier: MIT */
/*
 * xdp_prog.h - the few instructions at an interface that hand its frames to AF_XDP sockets. See
 * xdp_prog.c.
 */
#ifndef TCT_XDP_PROG_H
#define TCT_XDP_PROG_H

#include <stdbool.h>

struct tct_xdp_prog {
  int map_fd, prog_fd, link_fd;
  bool generic; /* run by the kernel after the driver, not by the driver */
};

/* In the driver, if it can; else behind it. 0, or a negated errno, and then nothing is left. */
int tct_xdp_prog_attach(struct tct_xdp_prog *p, unsigned ifindex);
/* From now on frames of this queue go to the socket. */
int tct_xdp_prog_direct(const struct tct_xdp_prog *p, unsigned queue, int socket_fd);
void tct_xdp_prog_detach(struct tct_xdp_prog *p);

#endif
