/* SPDX-License-Identifier: MIT */
/*
 * shell.c - shell steps. Nothing is ever run: the few commands that scripts use to adjust the
 * kernel are understood and change the stack's configuration instead; a command or setting that is
 * not known is an error that names it. Called by run.c. Settings must come before the first socket.
 */
#include "drill/run.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 64 };

struct command {
  char *words[WORDS_MAX];
  size_t n;
};

/* ---- Settings -------------------------------------------------------------------------------- */

/* The n-th number of "4096 131072 6291456"; the last one if there are fewer. */
static int64_t nth_number(const char *text, int n) {
  int64_t v = 0;
  char *end = (char *)(uintptr_t)text;
  for (int i = 0; i <= n; i++) {
    char *next;
    int64_t got = strtoll(end, &next, 0);
    if (next == end)
      break;
    v = got;
    end = next;
  }
  return v;
}

static bool set_timestamps(tct_config *c, const char *v) {
  c->no_timestamps = nth_number(v, 0) == 0;
  return true;
}
static bool set_sack(tct_config *c, const char *v) {
  c->no_sack = nth_number(v, 0) == 0;
  return true;
}
static bool set_wscale(tct_config *c, const char *v) {
  c->no_wscale = nth_number(v, 0) == 0;
  return true;
}
static bool set_syn_retries(tct_config *c, const char *v) {
  c->syn_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_synack_retries(tct_config *c, const char *v) {
  c->syn_ack_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_retries2(tct_config *c, const char *v) {
  c->data_retries = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_fin_timeout(tct_config *c, const char *v) {
  c->fin_wait_2_ms = (uint32_t)nth_number(v, 0) * 1000;
  return true;
}
static bool set_rto_min(tct_config *c, const char *v) {
  c->rto_min_ms = (uint32_t)(nth_number(v, 0) / 1000);
  return true;
}
static bool set_rmem(tct_config *c, const char *v) {
  c->rcvbuf_bytes = (uint32_t)nth_number(v, 1);
  return true;
}
static bool set_wmem(tct_config *c, const char *v) {
  c->sndbuf_bytes = (uint32_t)nth_number(v, 1);
  return true;
}
static bool set_ports(tct_config *c, const char *v) {
  c->port_first = (uint16_t)nth_number(v, 0);
  c->port_last = (uint16_t)nth_number(v, 1);
  return true;
}
static bool set_cookies(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->cookies = n == 2 ? TCT_COOKIES_ALWAYS : n == 1 ? TCT_COOKIES_OVERFLOW : TCT_COOKIES_NEVER;
  return n >= 0 && n <= 2;
}
static bool set_ttl(tct_config *c, const char *v) {
  c->hop_limit = (uint8_t)nth_number(v, 0);
  return true;
}
static bool set_ecn(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->ecn = (uint8_t)(n + 1);
  return n >= 0 && n < TCT_ECN_ACCURATE_PASSIVE;
}
static bool set_ecn_fallback(tct_config *c, const char *v) {
  c->ecn_fallback = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
/* What the stack has not: only switching it off is granted. */
static bool want_zero(tct_config *c, const char *v) {
  (void)c;
  return nth_number(v, 0) == 0;
}
static bool want_reno(tct_config *c, const char *v) {
  (void)c;
  return strcmp(v, "reno") == 0;
}
/* How the kernel batches and paces; nothing that a script sees here. */
static bool take_any(tct_config *c, const char *v) {
  (void)c;
  (void)v;
  return true;
}

static const struct {
  const char *key;
  bool (*set)(tct_config *c, const char *v);
} settings[] = {
    {"tcp_timestamps", set_timestamps},
    {"tcp_sack", set_sack},
    {"tcp_window_scaling", set_wscale},
    {"tcp_syn_retries", set_syn_retries},
    {"tcp_synack_retries", set_synack_retries},
    {"tcp_retries2", set_retries2},
    {"tcp_fin_timeout", set_fin_timeout},
    {"tcp_rto_min_us", set_rto_min},
    {"tcp_rmem", set_rmem},
    {"tcp_wmem", set_wmem},
    {"ip_local_port_range", set_ports},
    {"tcp_syncookies", set_cookies},
    {"ip_default_ttl", set_ttl},
    {"tcp_fastopen", want_zero},
    {"tcp_ecn", set_ecn},
    {"tcp_ecn_fallback", set_ecn_fallback},
    {"tcp_mtu_probing", want_zero},
    {"tcp_congestion_control", want_reno},
    {"tcp_min_tso_segs", take_any},
    {"tcp_tso_win_divisor", take_any},
    {"tcp_pacing_ss_ratio", take_any},
    {"tcp_pacing_ca_ratio", take_any},
    {"tcp_no_metrics_save", take_any},
    {"tcp_fastopen_blackhole_timeout_sec", take_any},
};

/* The last part of net.ipv4.x, net/ipv4/x or /proc/sys/net/ipv4/x. */
static const char *base_name(const char *path) {
  const char *base = path;
  for (const char *c = path; *c; c++)
    if (*c == '/' || *c == '.')
      base = c + 1;
  return base;
}

static bool apply_setting(struct drill_run *r, const char *key, const char *value) {
  const char *base = base_name(key);
  if (r->stack)
    return drill_run_fail(r, "%s is set too late: the first socket is made already", base);
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (strcmp(settings[i].key, base) != 0)
      continue;
    if (settings[i].set(&r->config, value))
      return true;
    return drill_run_fail(r, "%s=%s: the stack has no such setting yet", base, value);
  }
  return drill_run_fail(r, "unknown setting %s", key);
}

/* ---- Commands -------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static bool run_settings(struct drill_run *r, const struct command *c) {
  for (size_t i = 1; i < c->n; i++) {
    char *eq = strchr(c->words[i], '=');
    if (!eq)
      continue; /* -q, -e, -w */
    *eq = '\0';
    if (!apply_setting(r, c->words[i], eq + 1))
      return false;
  }
  return true;
}

static bool has_word(const struct command *c, const char *word) {
  for (size_t i = 1; i < c->n; i++)
    if (strcmp(c->words[i], word) == 0)
      return true;
  return false;
}

static bool run_sleep(struct drill_run *r, const struct command *c) {
  double s = c->n > 1 ? strtod(c->words[1], NULL) : 0;
  uint64_t to_ns = r->now_ns + (uint64_t)(s * 1e9);
  if (r->stack)
    return drill_world_advance(r, to_ns);
  r->now_ns = to_ns;
  return true;
}

static bool run_command(struct drill_run *r, const struct command *c) {
  const char *name = c->words[0];
  if (strcmp(name, "true") == 0 || strcmp(name, ":") == 0)
    return true;
  if (ends_with(name, "defaults.sh") || strstr(name, "sysctl_restore"))
    return true;
  if (strcmp(name, "sysctl") == 0 || ends_with(name, "set_sysctls.py"))
    return run_settings(r, c);
  if (strcmp(name, "sleep") == 0)
    return run_sleep(r, c);
  bool is_metrics_flush = has_word(c, "tcp_metrics") && has_word(c, "flush");
  if (strcmp(name, "ip") == 0 && is_metrics_flush)
    return true; /* nothing is remembered */
  if (strcmp(name, "ethtool") == 0 && has_word(c, "off"))
    return true; /* no offload here */
  if (strcmp(name, "tc") == 0 && has_word(c, "pfifo") && !has_word(c, "limit"))
    return true;
  return drill_run_fail(r,
                        "the shell step '%s' needs a host; drill knows true, sysctl, "
                        "set_sysctls.py, defaults.sh, sleep",
                        name);
}

/* One word at *p, quotes taken off; NULL at the end of the command. */
static char *next_word(struct drill_run *r, const char **p) {
  while (**p == ' ' || **p == '\t' || (**p == '\\' && (*p)[1] == '\n'))
    *p += **p == '\\' ? 2 : 1;
  if (!**p || strchr("\n;&|", **p))
    return NULL;
  char *word = drill_arena_get(r->arena, strlen(*p) + 1), quote = '\0';
  size_t n = 0;
  for (; **p && (quote || !strchr(" \t\n;&|", **p)); (*p)++) {
    bool is_quote = quote ? **p == quote : **p == '"' || **p == '\'';
    if (is_quote)
      quote = quote ? '\0' : **p;
    else
      word[n++] = **p;
  }
  return word;
}

bool drill_shell(struct drill_run *r, const char *text) {
  const char *p = text;
  while (*p && !r->failure) {
    struct command c = {.n = 0};
    char *word;
    while (c.n < WORDS_MAX && (word = next_word(r, &p)))
      c.words[c.n++] = word;
    if (c.n && c.words[0][0] == '#') {
      while (*p && *p != '\n')
        p++;
    } else if (c.n && !run_command(r, &c)) {
      return false;
    }
    bool is_either = p[0] == '|' && p[1] == '|';
    while (*p && strchr("\n;&| \t", *p))
      p++;
    if (!is_either)
      continue;
    while (*p && *p != '\n' && *p != ';')
      p++; /* the first one succeeded */
  }
  return !r->failure;
}
