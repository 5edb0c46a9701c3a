/* SPDX-License-Identifier: MIT */
/* wire.h - wire.c's functions, for the table of init.c. */
#ifndef PACKETDRILL_WIRE_H
#define PACKETDRILL_WIRE_H

#include <sys/time.h>
#include <sys/types.h>

#include "packetdrill/machine.h"

int pd_wire_send(void *u, const void *packet, size_t len);
int pd_wire_receive(void *u, void *packet, size_t *len, long long *time_us);
int pd_wire_usleep(void *u, useconds_t us);
int pd_wire_gettimeofday(void *u, struct timeval *tv, struct timezone *tz);

#endif
