/* SPDX-License-Identifier: MIT */
/*
 * sysctl.h - Linux's knobs in net.ipv4 as settings of a stack: one table for the script runner's
 * shell steps and for the packetdrill library, which reads /proc/sys itself.
 */
#ifndef HOST_LSOCK_SYSCTL_H
#define HOST_LSOCK_SYSCTL_H

#include "tercet/record.h"

/* name: "tcp_sack", or with a path before it (net.ipv4.tcp_sack, /proc/sys/net/ipv4/tcp_sack).
 * 0: done, by tct_config_set's next call. -ENOENT: no such setting. -EINVAL: the stack has not this
 * value. */
int lsock_sysctl_set(tct_config *c, const char *name, const char *value);
/* Would set know the name? */
bool lsock_sysctl_is_known(const char *name);
/* The names, one after the other; NULL behind the last. */
const char *lsock_sysctl_name(size_t i);

#endif
