/* SPDX-License-Identifier: MIT */
/*
 * settings.c - what the run is about: addresses and MTU, which packetdrill tells a kernel by
 * configuring a device and tells us not at all. So they are read from its own command line, from
 * the option lines of the scripts named there, and from the flags of --so_flags, which win.
 * Called by init.c.
 */
#define _GNU_SOURCE
#include "packetdrill/machine.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 65536, SCRIPT_BYTES_MAX = 4096 };

struct found {
  struct pd_settings *to;
  bool is_v6;
  uint32_t mtu;
};

static void take_local(struct pd_settings *s, const char *text) {
  char host[64];
  tct_addr a;
  size_t n = strcspn(text, "/, \t\n\r\"");
  if (n >= sizeof host)
    return;
  memcpy(host, text, n);
  host[n] = '\0';
  if (tct_addr_parse(host, &a) != TCT_OK)
    return;
  bool is_v4 = tct_addr_is_ipv4(a);
  *(is_v4 ? &s->local4 : &s->local6) = a;
  *(is_v4 ? &s->is_local4_given : &s->is_local6_given) = true;
}

/* "name=value", at the beginning of text. */
static const char *value_of(const char *text, const char *name) {
  size_t n = strlen(name);
  return strncmp(text, name, n) == 0 && text[n] == '=' ? text + n + 1 : NULL;
}

static void take_option(struct found *f, const char *text) {
  const char *v;
  if ((v = value_of(text, "--local_ip")))
    take_local(f->to, v);
  if ((v = value_of(text, "--mtu")))
    f->mtu = (uint32_t)strtoul(v, NULL, 10);
  if ((v = value_of(text, "--ip_version")))
    f->is_v6 = strncmp(v, "ipv6", 4) == 0;
}

/* The option lines stand at the top of a script. */
static void read_script(struct found *f, const char *path) {
  char text[SCRIPT_BYTES_MAX + 1];
  FILE *file = fopen(path, "r");
  if (!file)
    return;
  text[fread(text, 1, SCRIPT_BYTES_MAX, file)] = '\0';
  (void)fclose(file);
  for (char *line = text; line && *line; line = strchr(line, '\n')) {
    line += *line == '\n';
    if (strncmp(line, "--", 2) == 0)
      take_option(f, line);
  }
}

static size_t read_arguments(char *to) {
  FILE *file = fopen("/proc/self/cmdline", "r");
  size_t n = file ? fread(to, 1, ARGUMENTS_MAX - 1, file) : 0;
  if (file)
    (void)fclose(file);
  to[n] = '\0';
  return n;
}

static void read_command_line(struct found *f) {
  char *args = calloc(1, ARGUMENTS_MAX);
  if (!args)
    return;
  size_t n = read_arguments(args);
  for (size_t i = 0; i < n; i += strlen(args + i) + 1)
    if (strlen(args + i) > 4 && strcmp(args + i + strlen(args + i) - 4, ".pkt") == 0)
      read_script(f, args + i);
  for (size_t i = 0; i < n; i += strlen(args + i) + 1)
    take_option(f, args + i);
  free(args);
}

/* profile=strict,local=ADDRESS,mtu4=N,mtu6=N,deadline=SECONDS,pcap=FILE */
static void take_flag(struct pd_settings *s, const char *flag) {
  const char *v;
  if ((v = value_of(flag, "profile")))
    s->profile = strncmp(v, "strict", 6) == 0 ? TCT_PROFILE_STRICT : TCT_PROFILE_LINUX;
  if ((v = value_of(flag, "local")))
    take_local(s, v);
  if ((v = value_of(flag, "mtu4")))
    s->mtu4 = (uint32_t)strtoul(v, NULL, 10);
  if ((v = value_of(flag, "mtu6")))
    s->mtu6 = (uint32_t)strtoul(v, NULL, 10);
  if ((v = value_of(flag, "deadline")))
    s->give_up_ns = (uint64_t)strtoul(v, NULL, 10) * 1000000000u;
  if ((v = value_of(flag, "pcap")))
    (void)snprintf(s->pcap, sizeof s->pcap, "%.*s", (int)strcspn(v, ","), v);
}

void pd_settings_read(struct pd_settings *s, const char *flags) {
  struct found f = {.to = s};
  *s = (struct pd_settings){.profile = TCT_PROFILE_LINUX,
                            .mtu4 = 1500,
                            .mtu6 = 1520,
                            .give_up_ns = UINT64_C(600) * 1000000000u};
  if (tct_addr_parse("192.168.0.1", &s->local4) < 0 ||
      tct_addr_parse("fd3d:0a0b:17d6::1", &s->local6) < 0)
    return;
  read_command_line(&f);
  if (f.mtu >= 1280)
    *(f.is_v6 ? &s->mtu6 : &s->mtu4) = f.mtu;
  else if (f.mtu >= 576)
    s->mtu4 = f.mtu;
  while (flags && *flags) {
    take_flag(s, flags);
    flags += strcspn(flags, ",");
    flags += *flags == ',';
  }
}
