/* SPDX-License-Identifier: MIT */
/*
 * parse_option.c - what the option lines of a script (and of the command line) set. Called by
 * parse.c. Options that drive packetdrill's own machinery and mean nothing here are taken and do
 * nothing, by name; one that nobody knows is an error.
 */
#include "drill/parse.h"

#include <stdlib.h>
#include <string.h>

static bool set_ip(struct drill_settings *s, const char *v) {
  if (strcmp(v, "ipv4") == 0)
    s->ip = DRILL_IP4;
  else if (strcmp(v, "ipv4-mapped-ipv6") == 0)
    s->ip = DRILL_IP4_MAPPED;
  else if (strcmp(v, "ipv6") == 0)
    s->ip = DRILL_IP6;
  else
    return false;
  return true;
}

static bool set_named_ip(struct drill_settings *s, const char *v) {
  return s->ip_named = set_ip(s, v);
}

/* What the command line says for scripts that name none. */
static bool set_default_ip(struct drill_settings *s, const char *v) {
  return s->ip_named || set_ip(s, v);
}

static bool set_profile(struct drill_settings *s, const char *v) {
  if (strcmp(v, "strict") == 0)
    s->profile = TCT_PROFILE_STRICT;
  else if (strcmp(v, "linux") == 0)
    s->profile = TCT_PROFILE_LINUX;
  else
    return false;
  return s->profile_named = true;
}

/* What the command line says for scripts that name none. */
static bool set_default_profile(struct drill_settings *s, const char *v) {
  return s->profile_named || set_profile(s, v);
}

static bool set_non_fatal(struct drill_settings *s, const char *v) {
  s->non_fatal_packet = strstr(v, "packet") != NULL;
  s->non_fatal_syscall = strstr(v, "syscall") != NULL;
  return s->non_fatal_packet || s->non_fatal_syscall;
}

static bool read_number(const char *v, uint64_t max, uint64_t *out) {
  char *end;
  *out = strtoull(v, &end, 0);
  return *v && *v != '-' && !*end && *out <= max;
}

static bool set_port(uint16_t *port, const char *v) {
  uint64_t n;
  if (!read_number(v, 65535, &n) || n == 0)
    return false;
  *port = (uint16_t)n;
  return true;
}

static bool set_mtu(struct drill_settings *s, const char *v) {
  uint64_t n;
  if (!read_number(v, 65535, &n) || n < 576)
    return false;
  s->mtu = (uint32_t)n;
  return true;
}

static bool set_tolerance(struct drill_settings *s, const char *v) {
  uint64_t n;
  if (!read_number(v, 3600000000u, &n))
    return false;
  s->tolerance_ns = n * 1000;
  return true;
}

static bool set_percent(struct drill_settings *s, const char *v) {
  char *end;
  s->tolerance_percent = strtod(v, &end);
  return *v && !*end && s->tolerance_percent >= 0 && s->tolerance_percent <= 100;
}

static bool set_tick(struct drill_settings *s, const char *v) {
  return read_number(v, 1000000000, &s->ts_tick_us);
}

static bool set_epoch(struct drill_settings *s, const char *v) {
  s->epoch_set = true;
  return read_number(v, UINT64_MAX / 2, &s->epoch_ns);
}

static bool set_address(const char **to, const char *v) {
  tct_addr a;
  size_t host = strcspn(v, "/");
  char text[64];
  if (host >= sizeof text)
    return false;
  memcpy(text, v, host);
  text[host] = '\0';
  *to = v;
  return tct_addr_parse(text, &a) == TCT_OK;
}

static bool set_local(struct drill_settings *s, const char *v) {
  return set_address(&s->local_ip, v);
}
static bool set_remote(struct drill_settings *s, const char *v) {
  return set_address(&s->remote_ip, v);
}
static bool set_extra(struct drill_settings *s, const char *v) {
  return set_address(&s->extra_ip, v);
}
static bool set_bind_port(struct drill_settings *s, const char *v) {
  return set_port(&s->bind_port, v);
}
static bool set_connect_port(struct drill_settings *s, const char *v) {
  return set_port(&s->connect_port, v);
}
static bool ignore_value(struct drill_settings *s, const char *v) {
  (void)s;
  (void)v;
  return true;
}

static const struct valued {
  const char *name;
  bool (*set)(struct drill_settings *s, const char *v);
  const char *wanted;
} valued[] = {
    {"ip_version", set_named_ip, "ipv4, ipv4-mapped-ipv6 or ipv6"},
    {"default_ip_version", set_default_ip, "ipv4, ipv4-mapped-ipv6 or ipv6"},
    {"profile", set_profile, "strict or linux"},
    {"default_profile", set_default_profile, "strict or linux"},
    {"non_fatal", set_non_fatal, "packet, syscall"},
    {"mtu", set_mtu, "576 to 65535"},
    {"tolerance_usecs", set_tolerance, "microseconds"},
    {"tolerance_percent", set_percent, "0 to 100"},
    {"tcp_ts_tick_usecs", set_tick, "microseconds"},
    {"epoch_ns", set_epoch, "nanoseconds"},
    {"local_ip", set_local, "an address"},
    {"remote_ip", set_remote, "an address"},
    {"extra_ip", set_extra, "an address"},
    {"bind_port", set_bind_port, "1 to 65535"},
    {"connect_port", set_connect_port, "1 to 65535"},
    {"gateway_ip", ignore_value, ""},
    {"netmask_ip", ignore_value, ""},
    {"mss", ignore_value, ""},
    {"init_scripts", ignore_value, ""},
    {"speed", ignore_value, ""},
    {"code_command", ignore_value, ""},
    {"code_format", ignore_value, ""},
    {"code_sockopt", ignore_value, ""},
    {"so_filename", ignore_value, ""},
    {"so_flags", ignore_value, ""},
    {"tcp_md5_secret", ignore_value, ""},
    {"wire_client_device", ignore_value, ""},
    {"wire_server_device", ignore_value, ""},
    {"wire_server_ip", ignore_value, ""},
    {"wire_server_port", ignore_value, ""},
};

/* As strict as virtual time allows, where packetdrill's own rules have jitter and habits to bear.
 */
static bool set_exact(struct drill_settings *s) {
  s->tolerance_ns = 1000000;
  s->tolerance_percent = 0;
  s->allow_leftovers = false;
  return true;
}

static bool set_flag(struct drill_settings *s, const char *name) {
  static const char *const without_effect[] = {"verbose",     "is_anyip",    "send_omit_free",
                                               "wire_client", "wire_server", "debug"};
  if (strcmp(name, "tcp_ts_ecr_scaled") == 0)
    return s->ts_ecr_scaled = true;
  if (strcmp(name, "strict_segments") == 0)
    return s->strict_segments = true;
  if (strcmp(name, "exact") == 0)
    return set_exact(s);
  if (strcmp(name, "no_leftovers") == 0)
    return s->allow_leftovers = false, true;
  if (strcmp(name, "allow_leftovers") == 0)
    return s->allow_leftovers = true;
  if (strcmp(name, "hold_output") == 0)
    return s->hold_output = true;
  if (strcmp(name, "dry_run") == 0)
    return s->parse_only = true;
  for (size_t i = 0; i < sizeof without_effect / sizeof without_effect[0]; i++)
    if (strcmp(name, without_effect[i]) == 0)
      return true;
  return false;
}

/* NAME=word, NAME="text", NAME=`command` */
static bool add_define(struct drill_parser *p, const char *v) {
  const char *eq = strchr(v, '=');
  if (!eq || eq == v)
    return drill_parse_fail(p, "--define wants NAME=value");
  if (p->n_defines == DRILL_DEFINES_MAX)
    return drill_parse_fail(p, "too many defines");
  p->defines[p->n_defines++] = (struct drill_define){
      .name = drill_arena_copy(p->arena, v, (size_t)(eq - v)), .value = eq + 1};
  return true;
}

/* The quotes around a whole value are not part of it. */
static const char *unquote(struct drill_parser *p, char *v) {
  size_t n = strlen(v);
  if (n < 2 || v[0] != '"' || v[n - 1] != '"')
    return v;
  return drill_arena_copy(p->arena, v + 1, n - 2);
}

bool drill_parse_option(struct drill_parser *p, const char *name, char *value) {
  struct drill_settings *s = &p->script->set;
  if (!value) {
    if (set_flag(s, name))
      return true;
    return drill_parse_fail(p, "there is no option --%s without a value", name);
  }
  if (strcmp(name, "define") == 0)
    return add_define(p, value);
  const char *v = unquote(p, value);
  for (size_t i = 0; i < sizeof valued / sizeof valued[0]; i++) {
    if (strcmp(valued[i].name, name) != 0)
      continue;
    if (valued[i].set(s, v))
      return true;
    return drill_parse_fail(p, "--%s=%s: %s expected", name, v, valued[i].wanted);
  }
  return drill_parse_fail(p, "there is no option --%s=", name);
}
