/* SPDX-License-Identifier: MIT */
/*
 * shell.c - shell steps. Nothing is ever run: the few commands that scripts use to adjust the
 * kernel are understood and change the stack's configuration instead; a command or setting that is
 * not known is an error that names it. Called by run.c. Settings hold from then on, as the kernel's
 * do.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WORDS_MAX = 64 };

struct command {
  char *words[WORDS_MAX];
  size_t n;
  const char *to; /* where the last redirection goes, or NULL */
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
  c->rcvbuf_max_bytes = (uint32_t)nth_number(v, 2);
  return true;
}
static bool set_wmem(tct_config *c, const char *v) {
  c->sndbuf_bytes = (uint32_t)nth_number(v, 1);
  c->sndbuf_max_bytes = (uint32_t)nth_number(v, 2);
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
static bool set_ecn_option(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->ecn_option = (uint8_t)(n + 1);
  return n >= 0 && n < TCT_ECN_OPTION_ALWAYS;
}
static bool set_ecn_fallback(tct_config *c, const char *v) {
  c->ecn_fallback = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
/* Linux has bits that only it knows: they change nothing here. */
static bool set_fastopen(tct_config *c, const char *v) {
  c->fastopen = ((uint32_t)nth_number(v, 0) & 0x607u) | TCT_FASTOPEN_NONE;
  return true;
}
static bool set_fastopen_blackhole(tct_config *c, const char *v) {
  c->fastopen_blackhole_s = (uint32_t)nth_number(v, 0);
  return true;
}
/* Four words in hex, as Linux prints the bytes of a key; behind a comma the one before. */
static bool read_key(const char **v, uint64_t key[2]) {
  uint32_t words[4];
  for (int i = 0; i < 4; i++) {
    char *end;
    words[i] = (uint32_t)strtoul(*v, &end, 16);
    if (end == *v || (i < 3 && *end != '-'))
      return false;
    *v = end + (i < 3);
  }
  key[0] = words[0] | (uint64_t)words[1] << 32;
  key[1] = words[2] | (uint64_t)words[3] << 32;
  return true;
}
static bool set_fastopen_key(tct_config *c, const char *v) {
  if (!read_key(&v, c->keys.fastopen[0]))
    return false;
  memcpy(c->keys.fastopen[1], c->keys.fastopen[0], sizeof c->keys.fastopen[0]);
  return *v != ',' || (v++, read_key(&v, c->keys.fastopen[1]));
}
/* What the stack has not: only switching it off is granted. */
static bool want_zero(tct_config *c, const char *v) {
  (void)c;
  return nth_number(v, 0) == 0;
}
static bool set_congestion(tct_config *c, const char *v) {
  static const char *const names[] = {[TCT_CC_NEWRENO] = "reno",
                                      [TCT_CC_CUBIC] = "cubic",
                                      [TCT_CC_BBR] = "bbr",
                                      [TCT_CC_DCTCP] = "dctcp"};
  for (size_t i = TCT_CC_NEWRENO; i < sizeof names / sizeof names[0]; i++) {
    if (strcmp(names[i], v) != 0)
      continue;
    c->congestion = (uint8_t)i;
    return true;
  }
  return false;
}
static bool set_after_idle(tct_config *c, const char *v) {
  c->slow_start_after_idle = nth_number(v, 0) != 0 ? TCT_ON : TCT_OFF;
  return true;
}
static bool set_notsent_lowat(tct_config *c, const char *v) {
  int64_t n = nth_number(v, 0);
  c->notsent_lowat_bytes = n < 0 || n >= UINT32_MAX ? UINT32_MAX : (uint32_t)n;
  return true;
}
static bool set_rto_max(tct_config *c, const char *v) {
  c->rto_max_ms = (uint32_t)nth_number(v, 0);
  return true;
}
static bool set_mss_min(tct_config *c, const char *v) {
  c->mss_min = (uint16_t)nth_number(v, 0);
  return true;
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
    {"tcp_ecn", set_ecn},
    {"tcp_ecn_fallback", set_ecn_fallback},
    {"tcp_ecn_option", set_ecn_option},
    {"tcp_fastopen", set_fastopen},
    {"tcp_fastopen_key", set_fastopen_key},
    {"tcp_mtu_probing", want_zero},
    {"tcp_congestion_control", set_congestion},
    {"tcp_slow_start_after_idle", set_after_idle},
    {"tcp_notsent_lowat", set_notsent_lowat},
    {"tcp_rto_max_ms", set_rto_max},
    {"tcp_min_snd_mss", set_mss_min},
    {"tcp_min_tso_segs", take_any},
    {"tcp_tso_win_divisor", take_any},
    {"tcp_pacing_ss_ratio", take_any},
    {"tcp_pacing_ca_ratio", take_any},
    {"tcp_no_metrics_save", take_any},
    {"tcp_fastopen_blackhole_timeout_sec", set_fastopen_blackhole},
};

/* The last part of net.ipv4.x, net/ipv4/x or /proc/sys/net/ipv4/x. */
static const char *base_name(const char *path) {
  const char *base = path;
  for (const char *c = path; *c; c++)
    if (*c == '/' || *c == '.')
      base = c + 1;
  return base;
}

/* What the kernel has beside the settings above, and what changes nothing that a script sees here.
 */
static bool is_without_effect(const char *path, const char *base) {
  static const char *const names[] = {
      "tcp_dsack",
      "tcp_fack",
      "tcp_reordering",
      "tcp_early_retrans",
      "tcp_recovery",
      "tcp_frto",
      "tcp_autocorking",
      "tcp_limit_output_bytes",
      "tcp_ecn_option",
      "tcp_moderate_rcvbuf",
      "tcp_adv_win_scale",
      "tcp_app_win",
      "tcp_notsent_lowat",
      "tcp_slow_start_after_idle",
      "tcp_base_mss",
      "tcp_mtu_probing",
      "tcp_retries1",
      "tcp_orphan_retries",
      "tcp_tw_reuse",
      "tcp_max_syn_backlog",
      "tcp_comp_sack_delay_ns",
      "tcp_comp_sack_nr",
      "tcp_comp_sack_slack_ns",
      "tcp_invalid_ratelimit",
      "tcp_challenge_ack_limit",
      "tcp_min_rtt_wlen",
      "tcp_syn_linear_timeouts",
      "tcp_tso_rtt_log",
      "tcp_thin_linear_timeouts",
      "tcp_keepalive_time",
      "tcp_keepalive_intvl",
      "tcp_keepalive_probes",
      "tcp_backlog_ack_defer",
      "tcp_pingpong_thresh",
      "tcp_shrink_window",
      "tcp_reflect_tos",
      "tcp_no_ssthresh_metrics_save",
      "tcp_max_reordering",
      "tcp_min_snd_mss",
      "tcp_rto_max_ms",
      "tcp_congestion_control",
      "tcp_fastopen",
      "tcp_fastopen_key",
      "tcp_ecn",
  };
  if (strstr(path, "net.core.") || strstr(path, "net/core/") || strstr(path, "conf"))
    return true;
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
    if (strcmp(names[i], base) == 0)
      return true;
  return false;
}

/* The stack's configuration as it is now, and as it is from now on. */
static bool get_config(struct drill_run *r, tct_config *c) {
  if (r->stack)
    tct_config_get(r->stack, c);
  else
    *c = r->config;
  return true;
}

static bool put_config(struct drill_run *r, const tct_config *c, const char *what) {
  if (!r->stack) {
    r->config = *c;
    return true;
  }
  int err = tct_config_set(r->stack, c);
  return err == TCT_OK || drill_run_fail(r, "%s: %s", what, tct_strerror(err));
}

/* The step's status: 0, or 1 where the kernel has no such setting. */
static int apply_setting(struct drill_run *r, const char *key, const char *value) {
  const char *base = base_name(key);
  tct_config c;
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (strcmp(settings[i].key, base) != 0)
      continue;
    get_config(r, &c);
    if (settings[i].set(&c, value))
      return put_config(r, &c, base) ? 0 : 1;
  }
  return is_without_effect(key, base) ? 0 : 1;
}

/* ---- Commands -------------------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end) {
  size_t n = strlen(text), m = strlen(end);
  return n >= m && strcmp(text + n - m, end) == 0;
}

static bool has_word(const struct command *c, const char *word) {
  for (size_t i = 1; i < c->n; i++)
    if (strcmp(c->words[i], word) == 0)
      return true;
  return false;
}

static const char *word_after(const struct command *c, const char *word) {
  for (size_t i = 1; i + 1 < c->n; i++)
    if (strcmp(c->words[i], word) == 0)
      return c->words[i + 1];
  return NULL;
}

/* sysctl -q key=value ...; `sysctl key` asks whether there is one. */
static int run_settings(struct drill_run *r, const struct command *c) {
  int status = 0;
  bool is_lenient = has_word(c, "-e") || has_word(c, "-eq") || has_word(c, "-qe");
  for (size_t i = 1; i < c->n; i++) {
    char *eq = strchr(c->words[i], '=');
    if (c->words[i][0] == '-')
      continue;
    if (eq)
      *eq = '\0';
    int one = eq ? apply_setting(r, c->words[i], eq + 1)
                 : !is_without_effect(c->words[i], base_name(c->words[i]));
    status = one && !is_lenient ? 1 : status;
  }
  return status;
}

/* What packetdrill's scripts take for granted and is not the profile's own default. */
static int run_defaults(struct drill_run *r) {
  static const char *const usual[][2] = {
      {"net.ipv4.tcp_rmem", "4096 540000 15728640"},
      {"net.ipv4.tcp_wmem", "4096 262144 4194304"},
      {"net.ipv4.tcp_syn_retries", "5"},
      {"net.ipv4.tcp_synack_retries", "5"},
      {"net.ipv4.tcp_slow_start_after_idle", "0"},
      {"net.ipv4.tcp_ecn", "0"},
      {"net.ipv4.tcp_ecn_option", "2"},
      {"net.ipv4.tcp_fastopen", "0x70403"},
      {"net.ipv4.tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
      {"net.ipv4.tcp_syncookies", "1"},
  };
  for (size_t i = 0; i < sizeof usual / sizeof usual[0]; i++)
    (void)apply_setting(r, usual[i][0], usual[i][1]);
  return 0;
}

static int run_sleep(struct drill_run *r, const struct command *c) {
  double s = c->n > 1 ? strtod(c->words[1], NULL) : 0;
  uint64_t to_ns = r->now_ns + (uint64_t)(s * 1e9);
  if (r->is_started)
    return drill_world_advance(r, to_ns) ? 0 : 1;
  r->now_ns = to_ns;
  return 0;
}

/* ip route change ... mtu lock N initcwnd N; ip tcp_metrics flush: nothing is remembered. */
static int run_ip(struct drill_run *r, const struct command *c) {
  const char *mtu = word_after(c, "lock") ? word_after(c, "lock") : word_after(c, "mtu");
  const char *segs = word_after(c, "initcwnd");
  tct_config config;
  if (has_word(c, "tcp_metrics"))
    return 0;
  if (!has_word(c, "route") && !has_word(c, "ro") && !has_word(c, "r"))
    return -1;
  if (segs && get_config(r, &config)) {
    config.initial_window_segs = (uint8_t)strtoul(segs, NULL, 10);
    (void)put_config(r, &config, "initcwnd");
  }
  if (mtu && drill_world_start(r))
    (void)tct_if_set(r->stack, r->ifc, TCT_IF_MTU, (uint32_t)strtoul(mtu, NULL, 10));
  return 0;
}

static int run_tc(struct drill_run *r, const struct command *c) {
  const char *limit = word_after(c, "limit");
  r->is_dropping =
      limit && strcmp(limit, "0") == 0 && !has_word(c, "delete") && !has_word(c, "del");
  return 0;
}

/* ---- Counters: nstat, and whether one of its lines rose since ----------------------------------
 */

static int run_grep(struct drill_run *r, const struct command *c) {
  const char *what = NULL;
  for (size_t i = 1; i < c->n; i++) {
    if (strncmp(c->words[i], "/proc/net/", 10) == 0)
      return 0; /* who listens: no such file here, and no script goes on otherwise */
    if (c->words[i][0] != '-' && !what)
      what = c->words[i];
  }
  if (!what)
    return 1;
  size_t prefix = strncmp(what, "TcpExt", 6) == 0 ? 6 : strncmp(what, "Tcp", 3) == 0 ? 3 : 0;
  return drill_info_rose(r, what + prefix) ? 0 : 1;
}

static int run_nstat(struct drill_run *r) {
  drill_info_note(r);
  return 0;
}

/* ---- Files: a script may want one of zeros ------------------------------------------------------
 */

static int run_dd(struct drill_run *r, const struct command *c) {
  const char *path = NULL;
  uint64_t size = 512, count = 1;
  for (size_t i = 1; i < c->n; i++) {
    const char *w = c->words[i];
    if (strncmp(w, "of=/tmp/", 8) == 0)
      path = w + 3;
    if (strncmp(w, "bs=", 3) == 0) {
      char *unit;
      size = strtoull(w + 3, &unit, 10);
      size *= *unit == 'K' || *unit == 'k' ? 1024 : *unit == 'M' ? 1048576 : 1;
    }
    if (strncmp(w, "count=", 6) == 0)
      count = strtoull(w + 6, NULL, 10);
  }
  if (!path || size * count > DRILL_BUFFER_MAX)
    return -1;
  (void)r;
  FILE *f = fopen(path, "we");
  bool ok = f && ftruncate(fileno(f), (off_t)(size * count)) == 0;
  if (f)
    fclose(f);
  return ok ? 0 : 1;
}

static int run_rm(const struct command *c) {
  for (size_t i = 1; i < c->n; i++)
    if (strncmp(c->words[i], "/tmp/", 5) == 0)
      (void)unlink(c->words[i]);
  return 0;
}

/* echo value > /proc/sys/... */
static int run_echo(struct drill_run *r, const struct command *c) {
  char value[256] = "";
  if (!c->to)
    return 0;
  for (size_t i = 1; i < c->n; i++) {
    size_t n = strlen(value);
    snprintf(value + n, sizeof value - n, "%s%s", i > 1 ? " " : "", c->words[i]);
  }
  if (strncmp(c->to, "/proc/sys/", 10) == 0)
    return apply_setting(r, c->to, value);
  return strncmp(c->to, "/sys/module/tcp_", 16) == 0 ? 0 : -1;
}

/* ---- One command after the other ----------------------------------------------------------------
 */

/* The status; -1: it needs a host. */
static int run_command(struct drill_run *r, const struct command *c) {
  const char *name = c->words[0];
  if (strcmp(name, "true") == 0 || strcmp(name, ":") == 0 || strstr(name, "sysctl_restore"))
    return 0;
  if (strcmp(name, "false") == 0)
    return 1;
  if (ends_with(name, "defaults.sh"))
    return run_defaults(r);
  if (strcmp(name, "sysctl") == 0 || ends_with(name, "set_sysctls.py"))
    return run_settings(r, c);
  if (strcmp(name, "sleep") == 0)
    return run_sleep(r, c);
  if (strcmp(name, "ip") == 0)
    return run_ip(r, c);
  if (strcmp(name, "tc") == 0)
    return run_tc(r, c);
  if (strcmp(name, "ethtool") == 0)
    return 0; /* no offload here */
  if (strcmp(name, "nstat") == 0)
    return run_nstat(r);
  if (strcmp(name, "grep") == 0)
    return run_grep(r, c);
  if (strcmp(name, "echo") == 0)
    return run_echo(r, c);
  if (strcmp(name, "dd") == 0)
    return run_dd(r, c);
  return strcmp(name, "rm") == 0 ? run_rm(c) : -1;
}

/* "> file", ">>file", "2>&1": where to, without the sign; NULL: no redirection stands here. */
static char *take_redirection(struct drill_run *r, const char **p) {
  const char *q = *p + (isdigit((unsigned char)**p) != 0);
  if (*q != '>' && *q != '<')
    return NULL;
  while (*q == '>' || *q == '<')
    q++;
  while (*q == ' ')
    q++;
  size_t n = 0;
  while (q[n] && !strchr(" \t\n;|", q[n]) && (q[n] != '&' || n == 0))
    n++;
  *p = q + n;
  return drill_arena_copy(r->arena, q, n);
}

/* One word at *p, quotes taken off; NULL at the end of the command. */
static char *next_word(struct drill_run *r, const char **p) {
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

static void read_command(struct drill_run *r, const char **p, struct command *c) {
  *c = (struct command){.n = 0};
  for (;;) {
    while (**p == ' ' || **p == '\t' || (**p == '\\' && (*p)[1] == '\n'))
      *p += **p == '\\' ? 2 : 1;
    if (**p == '#')
      *p += strcspn(*p, "\n");
    if (!**p || strchr("\n;&|", **p) || c->n == WORDS_MAX)
      return;
    char *to = take_redirection(r, p);
    if (to)
      c->to = to;
    else
      c->words[c->n++] = next_word(r, p);
  }
}

enum joint { THEN, AND_THEN, OR_ELSE, PIPE };

static enum joint read_joint(const char **p) {
  enum joint j = THEN;
  if (strncmp(*p, "&&", 2) == 0)
    j = AND_THEN;
  else if (strncmp(*p, "||", 2) == 0)
    j = OR_ELSE;
  else if (**p == '|')
    j = PIPE;
  while (**p && strchr("\n;&| \t", **p))
    (*p)++;
  return j;
}

bool drill_shell(struct drill_run *r, const char *text) {
  const char *p = text;
  int status = 0;
  enum joint joint = THEN;
  while (*p && !r->failure) {
    struct command c;
    read_command(r, &p, &c);
    bool is_due = joint == AND_THEN ? status == 0 : joint == OR_ELSE ? status != 0 : true;
    enum joint next = read_joint(&p);
    bool is_read = next == PIPE && c.n && strcmp(c.words[0], "nstat") == 0;
    if (c.n && is_due && !is_read) /* what nstat tells is for the command behind it */
      status = run_command(r, &c);
    if (joint == PIPE)
      drill_info_note(r);
    if (status < 0)
      return drill_run_fail(
          r, "the shell step '%s' needs a host; docs/drill.md lists what drill knows", c.words[0]);
    joint = next;
  }
  if (status > 0)
    return drill_run_fail(r, "the shell step '%.200s' failed", text);
  return !r->failure;
}
