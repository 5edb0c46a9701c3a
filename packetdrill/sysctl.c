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

enum { VALUE_MAX = 256 };

static size_t count(void) {
  size_t n = 0;
  while (lsock_sysctl_name(n))
    n++;
  return n;
}

void pd_sysctl_open(struct pd_machine *m) {
  size_t n = count();
  m->sysctls = malloc(n * sizeof *m->sysctls);
  for (size_t i = 0; m->sysctls && i < n; i++) {
    char path[128];
    (void)snprintf(path, sizeof path, "/proc/sys/net/ipv4/%s", lsock_sysctl_name(i));
    m->sysctls[i] = open(path, O_RDONLY | O_CLOEXEC);
  }
}

void pd_sysctl_close(struct pd_machine *m) {
  size_t n = count();
  for (size_t i = 0; m->sysctls && i < n; i++)
    if (m->sysctls[i] >= 0)
      (void)close(m->sysctls[i]);
  free(m->sysctls);
}

/* A value that the stack has not leaves its setting as it was. */
void pd_sysctl_read(struct pd_machine *m) {
  size_t n = count();
  tct_config next;
  tct_config_get(m->stack, &next);
  for (size_t i = 0; m->sysctls && i < n; i++) {
    char value[VALUE_MAX];
    ssize_t len = m->sysctls[i] < 0 ? -1 : pread(m->sysctls[i], value, sizeof value - 1, 0);
    if (len <= 0)
      continue;
    value[len] = '\0';
    value[strcspn(value, "\n")] = '\0';
    (void)lsock_sysctl_set(&next, lsock_sysctl_name(i), value);
  }
  if (memcmp(&next, &m->config, sizeof next) != 0 && tct_config_set(m->stack, &next) == TCT_OK)
    tct_config_get(m->stack, &m->config);
}
