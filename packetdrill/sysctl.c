/* SPDX-License-Identifier: MIT */
/*
 * sysctl.c - scripts turn the kernel's knobs in /proc/sys; the stack follows. The files stay open
 * and are read again at each call, so that a change in the middle of a script holds at once.
 * Called by machine.c, calls.c and wire.c. Which knob means what is host/lsock/sysctl.c's.
 */
#define _GNU_SOURCE
#include "packetdrill/machine.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/lsock/sysctl.h"

enum { VALUE_MAX = 96 };

struct pd_knob {
  int fd; /* -1: this kernel has it not */
  bool is_refused;
  char value[VALUE_MAX];
};

static size_t count(void) {
  size_t n = 0;
  while (lsock_sysctl_name(n))
    n++;
  return n;
}

void pd_sysctl_open(struct pd_machine *m) {
  size_t n = count();
  m->knobs = calloc(n, sizeof *m->knobs);
  for (size_t i = 0; m->knobs && i < n; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", lsock_sysctl_name(i));
    m->knobs[i].fd = open(path, O_RDONLY | O_CLOEXEC);
  }
}

void pd_sysctl_close(struct pd_machine *m) {
  size_t n = count();
  for (size_t i = 0; m->knobs && i < n; i++)
    if (m->knobs[i].fd >= 0)
      (void)close(m->knobs[i].fd);
  free(m->knobs);
}

/* True: another value than at the last look. */
static bool look(struct pd_knob *k) {
  char value[VALUE_MAX];
  ssize_t len = k->fd < 0 ? -1 : pread(k->fd, value, sizeof value - 1, 0);
  if (len <= 0)
    return false;
  value[len] = '\0';
  value[strcspn(value, "\n")] = '\0';
  if (strcmp(value, k->value) == 0)
    return false;
  memcpy(k->value, value, sizeof value);
  return true;
}

/* A value that the stack has not leaves its setting as it was, and the others alone. */
void pd_sysctl_read(struct pd_machine *m) {
  size_t n = count();
  for (size_t i = 0; m->knobs && i < n; i++) {
    tct_config c;
    if (!look(&m->knobs[i]))
      continue;
    tct_config_get(m->stack, &c);
    int err = lsock_sysctl_set(&c, lsock_sysctl_name(i), m->knobs[i].value);
    m->knobs[i].is_refused = err < 0 || tct_config_set(m->stack, &c) < 0;
  }
}
