/* SPDX-License-Identifier: MIT */
/*
 * task.c - a script played in a process of its own: the kernel as the subject needs a network
 * namespace that belongs to nobody else, and a script that hangs must not hang its player. Called
 * by the `drill` command. The result comes back through a pipe.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "drill/drill.h"

enum { DETAILS_MAX = 1 << 20 };

static void send_all(int fd, const void *p, size_t n) {
  for (const char *at = p; n > 0;) {
    ssize_t k = write(fd, at, n);
    if (k <= 0)
      return;
    at += k;
    n -= (size_t)k;
  }
}

static void send_text(int fd, const char *text) {
  send_all(fd, text ? text : "", text ? strlen(text) + 1 : 1);
}

/* On a busy machine a script's clock is only worth something ahead of the others; no harm if that
 * is refused. */
static void run_ahead(void) {
  struct sched_param p = {.sched_priority = 1};
  (void)sched_setscheduler(0, SCHED_RR, &p);
}

static void play_child(const char *path, const struct drill_options *o, int to) {
  struct drill_result res;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  signal(SIGPIPE, SIG_IGN);
  if (o->against == DRILL_AGAINST_LINUX)
    run_ahead();
  drill_play_file(path, o, &res);
  send_all(to, &res, sizeof res);
  send_text(to, res.details);
  send_text(to, res.frames);
  send_text(to, res.log);
  _exit(0);
}

bool drill_start(const char *path, const struct drill_options *o, struct drill_task *t) {
  int ends[2];
  struct drill_options told = *o;
  if (pipe(ends) < 0)
    return false;
  t->progress = mmap(NULL, sizeof(int), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  told.progress = t->progress == MAP_FAILED ? NULL : t->progress;
  t->pipe = ends[0];
  t->pid = fork();
  if (t->pid == 0) {
    close(ends[0]);
    play_child(path, &told, ends[1]);
  }
  close(ends[1]);
  return t->pid > 0;
}

/* All that comes until the writer is gone; false: nothing has come yet. */
static bool collect(int fd, char *to, size_t cap, size_t *n) {
  struct pollfd p = {.fd = fd, .events = POLLIN};
  *n = 0;
  for (;;) {
    int ready = poll(&p, 1, *n ? -1 : 0);
    if (ready < 0 && errno == EINTR)
      continue;
    if (ready <= 0)
      return false;
    ssize_t k = read(fd, to + *n, cap - *n);
    if (k <= 0)
      return true;
    *n += (size_t)k;
  }
}

/* The next text of those that came; none if it is empty. */
static char *take_text(const char **at, const char *end) {
  size_t left = (size_t)(end - *at), len = strnlen(*at, left);
  char *text = len ? strndup(*at, len) : NULL;
  *at += len < left ? len + 1 : len;
  return text;
}

/* The record, then texts, each with its final zero byte. */
static void take_result(const char *bytes, size_t n, struct drill_result *out) {
  if (n < sizeof *out)
    return;
  memcpy(out, bytes, sizeof *out);
  const char *at = bytes + sizeof *out, *end = bytes + n;
  out->details = take_text(&at, end);
  out->frames = take_text(&at, end);
  out->log = take_text(&at, end);
}

void drill_finish(struct drill_task *t, struct drill_result *out) {
  size_t n = 0;
  int line = 0, status;
  char *bytes = malloc(DETAILS_MAX);
  bool ended = bytes && collect(t->pipe, bytes, DETAILS_MAX, &n);
  if (!ended)
    kill(t->pid, SIGKILL);
  if (t->progress != MAP_FAILED) {
    line = *t->progress;
    munmap((void *)(uintptr_t)t->progress, sizeof(int));
  }
  *out = (struct drill_result){.passed = false, .line = line};
  (void)snprintf(out->why, sizeof out->why, "%s",
                 ended ? "the process that played it died" : "nothing more happened");
  if (bytes)
    take_result(bytes, n, out);
  free(bytes);
  close(t->pipe);
  while (waitpid(t->pid, &status, 0) < 0 && errno == EINTR)
    continue;
}
