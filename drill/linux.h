/* SPDX-License-Identifier: MIT */
/* linux.h - this machine's kernel as the subject: what the linux*.c share. */
#ifndef DRILL_LINUX_H
#define DRILL_LINUX_H

#include "drill/run.h"

struct drill_linux {
  int tun, tap, wake; /* TUN device; packet socket on it; eventfd of calls that returned */
  uint64_t base_ns;   /* CLOCK_MONOTONIC when the script began */
  char congestion[16];
};

/* Since the script began. */
uint64_t drill_linux_now(const struct drill_run *r);
bool drill_linux_start(struct drill_run *r);
void drill_linux_stop(struct drill_run *r);
int64_t drill_linux_stamp(struct drill_run *r, const struct timespec *t);
bool drill_linux_settle(struct drill_run *r);
bool drill_linux_advance(struct drill_run *r, uint64_t to_ns);
bool drill_linux_step(struct drill_run *r, uint64_t limit_ns);
bool drill_linux_inject(struct drill_run *r, struct drill_frame *f, bool is_more);

/* linux_net.c: a namespace with one TUN device, the script's addresses, packetdrill's defaults. */
bool drill_linux_net(struct drill_run *r);
/* linux_shell.c: steps run for real, in the namespace. */
bool drill_linux_shell(struct drill_run *r, const char *command);
/* The settings of a kernel as it comes. */
void drill_linux_defaults(void);
bool drill_linux_sysctl(const char *key, const char *value);
/* linux_info.c */
bool drill_linux_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v);
bool drill_linux_counter(struct drill_run *r, const char *name, int64_t *v);

#endif
