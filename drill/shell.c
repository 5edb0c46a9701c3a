/* SPDX-License-Identifier: MIT */
/*
 * shell.c - shell steps. Nothing is ever run: the few commands that scripts use to adjust the
 * kernel are understood and change the stack's configuration instead; a command or setting that is
 * not known is an error that names it. Called by run.c. Settings hold from then on, as the kernel's
 * do; which of them means what is host/lsock/sysctl.c's.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "host/lsock/sysctl.h"

enum { WORDS_MAX = 64 };

struct command {
  char *words[WORDS_MAX];
  size_t n;
  const char *to; /* where the last redirection goes, or NULL */
};

/* ---- Settings -------------------------------------------------------------------------------- */

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
  tct_config c;
  get_config(r, &c);
  if (lsock_sysctl_set(&c, key, value) < 0)
    return 1;
  return put_config(r, &c, key) ? 0 : 1;
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
    int one = eq ? apply_setting(r, c->words[i], eq + 1) : !lsock_sysctl_is_known(c->words[i]);
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

/* ip route change ... mtu lock N initcwnd N; ip tcp_metrics flush. */
static int run_ip(struct drill_run *r, const struct command *c) {
  const char *mtu = word_after(c, "lock") ? word_after(c, "lock") : word_after(c, "mtu");
  const char *segs = word_after(c, "initcwnd");
  tct_config config;
  if (has_word(c, "tcp_metrics")) {
    if (r->stack && has_word(c, "flush"))
      tct_fastopen_forget(r->stack);
    return 0;
  }
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
  tct_config cfg;
  get_config(r, &cfg);
  cfg.pacing = has_word(c, "fq") ? TCT_ON : TCT_OFF; /* fq is what paces in the kernel */
  return put_config(r, &cfg, "tc") ? 0 : 1;
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
