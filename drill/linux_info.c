/* SPDX-License-Identifier: MIT */
/*
 * linux_info.c - what code blocks read of the kernel beside options of a socket: the namespace's
 * counters under their names in /proc/net. Called by info.c through the subject's table.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool drill_linux_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v) {
  (void)r;
  (void)fd;
  (void)name;
  (void)v;
  return false; /* nothing beside what its options tell */
}

/* Two lines of a table "Tcp: Name Name ..." and "Tcp: 1 2 ...". */
static bool find_in_table(char *names, char *values, const char *name, int64_t *v) {
  char *a, *b;
  const char *n = strtok_r(names, " \n", &a), *x = strtok_r(values, " \n", &b);
  for (; n && x; n = strtok_r(NULL, " \n", &a), x = strtok_r(NULL, " \n", &b)) {
    if (strcmp(n, name) != 0)
      continue;
    *v = strtoll(x, NULL, 10);
    return true;
  }
  return false;
}

static bool find_in_file(const char *path, const char *name, int64_t *v) {
  static char names[16384], values[16384];
  FILE *f = fopen(path, "re");
  bool found = false;
  while (f && !found && fgets(names, sizeof names, f) && fgets(values, sizeof values, f))
    found = find_in_table(names, values, name, v);
  if (f)
    fclose(f);
  return found;
}

/* Lines "Udp6NoPorts  1" of what IPv6 has apart. */
static bool find_ipv6(const char *name, int64_t *v) {
  static const char *const prefixes[] = {"Ip6", "Udp6", "Icmp6"};
  char line[256], known[128];
  long long value;
  FILE *f = fopen("/proc/net/snmp6", "re");
  bool found = false;
  while (f && !found && fgets(line, sizeof line, f)) {
    if (sscanf(line, "%127s %lld", known, &value) != 2)
      continue;
    for (size_t i = 0; i < sizeof prefixes / sizeof prefixes[0]; i++) {
      size_t n = strlen(prefixes[i]);
      found = found || (strncmp(known, prefixes[i], n) == 0 && strcmp(known + n, name) == 0);
    }
    *v = value;
  }
  if (f)
    fclose(f);
  return found;
}

bool drill_linux_counter(struct drill_run *r, const char *name, int64_t *v) {
  if (r->set->ip == DRILL_IP6 && find_ipv6(name, v))
    return true;
  return find_in_file("/proc/net/snmp", name, v) || find_in_file("/proc/net/netstat", name, v);
}
