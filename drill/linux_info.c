/* SPDX-License-Identifier: MIT */
/*
 * linux_info.c - what code blocks read while the kernel is the subject: TCP_INFO and SO_MEMINFO of
 * a live descriptor, and the namespace's counters under their names in /proc/net. Called by info.c
 * through the subject's table. The layout of TCP_INFO is a table here: headers are older than
 * kernels.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* clang-format off */
static const struct field {
  const char *name;
  uint16_t at;
  uint8_t bytes;
} fields[] = {
    {"state", 0, 1}, {"ca_state", 1, 1}, {"retransmits", 2, 1}, {"probes", 3, 1},
    {"backoff", 4, 1}, {"options", 5, 1},
    {"rto", 8, 4}, {"ato", 12, 4}, {"snd_mss", 16, 4}, {"rcv_mss", 20, 4}, {"unacked", 24, 4},
    {"sacked", 28, 4}, {"lost", 32, 4}, {"retrans", 36, 4}, {"fackets", 40, 4},
    {"last_data_sent", 44, 4}, {"last_ack_sent", 48, 4}, {"last_data_recv", 52, 4},
    {"last_ack_recv", 56, 4}, {"pmtu", 60, 4}, {"rcv_ssthresh", 64, 4}, {"rtt", 68, 4},
    {"rttvar", 72, 4}, {"snd_ssthresh", 76, 4}, {"snd_cwnd", 80, 4}, {"advmss", 84, 4},
    {"reordering", 88, 4}, {"rcv_rtt", 92, 4}, {"rcv_space", 96, 4}, {"total_retrans", 100, 4},
    {"pacing_rate", 104, 8}, {"max_pacing_rate", 112, 8}, {"bytes_acked", 120, 8},
    {"bytes_received", 128, 8}, {"segs_out", 136, 4}, {"segs_in", 140, 4},
    {"notsent_bytes", 144, 4}, {"min_rtt", 148, 4}, {"data_segs_in", 152, 4},
    {"data_segs_out", 156, 4}, {"delivery_rate", 160, 8}, {"busy_time", 168, 8},
    {"rwnd_limited", 176, 8}, {"sndbuf_limited", 184, 8}, {"delivered", 192, 4},
    {"delivered_ce", 196, 4}, {"bytes_sent", 200, 8}, {"bytes_retrans", 208, 8},
    {"dsack_dups", 216, 4}, {"reord_seen", 220, 4}, {"rcv_ooopack", 224, 4}, {"snd_wnd", 228, 4},
    {"rcv_wnd", 232, 4}, {"rehash", 236, 4}, {"total_rto", 240, 2},
    {"total_rto_recoveries", 242, 2}, {"total_rto_time", 244, 4}, {"received_ce", 248, 4},
    {"delivered_e1_bytes", 252, 4}, {"delivered_e0_bytes", 256, 4},
    {"delivered_ce_bytes", 260, 4}, {"received_e1_bytes", 264, 4},
    {"received_e0_bytes", 268, 4}, {"received_ce_bytes", 272, 4},
};
/* clang-format on */

static bool find_field(const uint8_t *info, size_t len, const char *name, int64_t *v) {
  uint8_t one;
  uint16_t two;
  uint32_t four;
  for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++) {
    const struct field *f = &fields[i];
    if (strcmp(f->name, name) != 0 || (size_t)f->at + f->bytes > len)
      continue;
    const uint8_t *p = info + f->at;
    if (f->bytes == 8)
      memcpy(v, p, 8);
    else if (f->bytes == 4)
      *v = (memcpy(&four, p, 4), four);
    else if (f->bytes == 2)
      *v = (memcpy(&two, p, 2), two);
    else
      *v = (memcpy(&one, p, 1), one);
    return true;
  }
  return false;
}

bool drill_linux_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v) {
  uint8_t info[512] = {0};
  socklen_t len = sizeof info;
  if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, info, &len) < 0)
    return drill_run_fail(r, "tcp_info: %s", strerror(errno));
  /* Bit fields have no offset. */
  if (strcmp(name, "snd_wscale") == 0)
    return *v = info[6] & 15, true;
  if (strcmp(name, "rcv_wscale") == 0)
    return *v = info[6] >> 4, true;
  if (strcmp(name, "delivery_rate_app_limited") == 0)
    return *v = info[7] & 1, true;
  if (strcmp(name, "fastopen_client_fail") == 0)
    return *v = info[7] >> 1 & 3, true;
  return find_field(info, len, name, v);
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
