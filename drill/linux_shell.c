/* SPDX-License-Identifier: MIT */
/*
 * linux_shell.c - shell steps for the kernel: run for real by `sh -c`, in the namespace and in the
 * script's directory. The helpers that packetdrill's scripts expect beside them are given by a few
 * shell functions, so that scripts run wherever they lie; `defaults.sh` is known here. A script
 * that does not call it meets the kernel's own defaults. Called by linux_call.c's table,
 * linux_net.c.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* net.ipv4.tcp_sack, net/ipv4/tcp_sack or /proc/sys/net/ipv4/tcp_sack */
bool drill_linux_sysctl(const char *key, const char *value) {
  char path[256];
  const char *from = strncmp(key, "/proc/sys/", 10) == 0 ? key + 10 : key;
  bool has_slash = strchr(from, '/') != NULL;
  snprintf(path, sizeof path, "/proc/sys/%s", from);
  for (char *c = path + 10; *c && !has_slash; c++)
    if (*c == '.')
      *c = '/';
  int fd = open(path, O_WRONLY | O_CLOEXEC);
  if (fd < 0)
    return false;
  bool ok = write(fd, value, strlen(value)) == (ssize_t)strlen(value);
  close(fd);
  return ok;
}

struct setting {
  const char *key, *value;
};

/* A kernel as it comes: what a machine's owner may have changed and a new namespace inherits. */
static const struct setting as_it_comes[] = {
    {"tcp_rmem", "4096 131072 6291456"},
    {"tcp_wmem", "4096 16384 4194304"},
    {NULL, NULL},
};

/* What defaults.sh means to packetdrill's scripts. */
static const struct setting of_packetdrill[] = {
    {"tcp_rmem", "4096 540000 15728640"},
    {"tcp_wmem", "4096 262144 4194304"},
    {"tcp_timestamps", "1"},
    {"tcp_sack", "1"},
    {"tcp_dsack", "1"},
    {"tcp_fack", "0"},
    {"tcp_reordering", "3"},
    {"tcp_syn_retries", "5"},
    {"tcp_synack_retries", "5"},
    {"tcp_slow_start_after_idle", "0"},
    {"tcp_early_retrans", "4"},
    {"tcp_recovery", "1"},
    {"tcp_frto", "2"},
    {"tcp_tso_win_divisor", "3"},
    {"tcp_pacing_ss_ratio", "200"},
    {"tcp_pacing_ca_ratio", "120"},
    {"tcp_ecn", "0"},
    {"tcp_ecn_option", "2"},
    {"tcp_fastopen", "0x70403"},
    {"tcp_fastopen_key", "a1a1a1a1-b2b2b2b2-c3c3c3c3-d4d4d4d4"},
    {"tcp_notsent_lowat", "4294967295"},
    {"tcp_syncookies", "1"},
    {NULL, NULL},
};

/* Settings that this kernel has not are passed over. */
static void set_all(const struct setting *s) {
  char key[80];
  for (; s->key; s++) {
    snprintf(key, sizeof key, "net.ipv4.%s", s->key);
    (void)drill_linux_sysctl(key, s->value);
  }
}

void drill_linux_defaults(void) {
  set_all(as_it_comes);
}

/* The congestion control is set socket by socket: a namespace may not have every one as default. */
static const char prelude[] =
    "set_one() {\n"
    "  k=${1%%=*}; v=${1#*=}; k=${k#/proc/sys/}\n"
    "  case $k in */*) ;; *) k=$(echo \"$k\" | tr . /) ;; esac\n"
    "  case $k in *tcp_congestion_control) return 0 ;; esac\n"
    "  echo \"$v\" > \"/proc/sys/$k\"\n"
    "}\n"
    "sysctl() {\n"
    "  s=0\n"
    "  for a; do case $a in -*) ;; *=*) set_one \"$a\" 2>/dev/null || s=1 ;; esac; done\n"
    "  return $s\n"
    "}\n"
    "set_sysctls() { sysctl \"$@\"; }\n";

/* The end of the word that stands at p. */
static const char *word_end(const char *p) {
  while (*p && !isspace((unsigned char)*p) && !strchr(";&|", *p))
    p++;
  return p;
}

static bool word_is(const char *p, const char *end, const char *tail) {
  size_t n = strlen(tail);
  return (size_t)(end - p) >= n && memcmp(end - n, tail, n) == 0;
}

/* Words that mean the helpers of packetdrill's own tree, replaced by what stands for them here. */
static void write_command(FILE *to, const char *p) {
  while (*p) {
    const char *end = word_end(p);
    if (end == p) {
      fputc(*p++, to);
      continue;
    }
    if (word_is(p, end, "defaults.sh"))
      set_all(of_packetdrill);
    if (word_is(p, end, "defaults.sh") || memmem(p, (size_t)(end - p), "sysctl_restore", 14))
      fputs(":", to);
    else if (word_is(p, end, "set_sysctls.py"))
      fputs("set_sysctls", to);
    else if (word_is(p, end, "change") && p > end - 7)
      fputs("replace", to); /* of a route; ours has another prefix */
    else
      fwrite(p, 1, (size_t)(end - p), to);
    p = end;
  }
}

static void note_congestion(struct drill_run *r, const char *command) {
  const char *at = strstr(command, "tcp_congestion_control=");
  if (!at)
    return;
  at += strlen("tcp_congestion_control=");
  size_t n = strspn(at, "abcdefghijklmnopqrstuvwxyz0123456789_");
  if (n < sizeof r->linux->congestion)
    snprintf(r->linux->congestion, sizeof r->linux->congestion, "%.*s", (int)n, at);
}

static void run_child(const struct drill_run *r, const char *command) {
  char dir[512];
  const char *slash = strrchr(r->path, '/');
  snprintf(dir, sizeof dir, "%.*s", slash ? (int)(slash - r->path) : 1, slash ? r->path : ".");
  if (chdir(*dir ? dir : "/") < 0)
    _exit(126);
  int quiet = open("/dev/null", O_WRONLY);
  if (quiet >= 0)
    dup2(quiet, 1);
  execl("/bin/sh", "sh", "-c", command, (char *)NULL);
  _exit(127);
}

bool drill_linux_shell(struct drill_run *r, const char *command) {
  char *text = NULL;
  size_t size;
  int status = 0;
  FILE *to = open_memstream(&text, &size);
  if (!to)
    return drill_run_fail(r, "no memory for a shell step");
  fputs(prelude, to);
  write_command(to, command);
  fclose(to);
  note_congestion(r, command);
  pid_t child = fork();
  if (child == 0)
    run_child(r, text);
  free(text);
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
    continue;
  if (child < 0 || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return drill_run_fail(r, "the shell step '%.200s' failed with status %d", command,
                          WIFEXITED(status) ? WEXITSTATUS(status) : -1);
  return true;
}
