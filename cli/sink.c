/* SPDX-License-Identifier: MIT */
/*
 * sink.c - writes what was received: to standard output without ever blocking the event loop, or
 * to a file that gets its name only when it is complete.
 *
 * Called by get, listen and connect. The file grows without a name where the file system can do
 * that (nothing is left even after kill -9), else beside its target under a name of its own.
 */
#define _GNU_SOURCE
#include "cli/sink.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PIPE_SAFE = 4096 /* what a ready pipe always takes without waiting */ };

static bool fail(struct sink *k, const char *what) {
  snprintf(k->error, sizeof k->error, "cannot write %.200s: %s",
           k->path != NULL ? k->path : "standard output", what);
  return false;
}

static bool open_stdout(struct sink *k) {
  struct stat st = {0};
  k->path = NULL;
  k->fd = STDOUT_FILENO;
  if (fstat(k->fd, &st) < 0)
    return fail(k, strerror(errno));
  k->plain = S_ISREG(st.st_mode);
  if (k->plain)
    return true;
  /* A description of our own: O_NONBLOCK on the shared one would surprise the shell. */
  int fd = open("/proc/self/fd/1", O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  k->nonblocking = fd >= 0;
  if (fd >= 0)
    k->fd = fd;
  return true;
}

static bool open_temp(struct sink *k) {
  char dir[4096];
  const char *slash = strrchr(k->path, '/');
  size_t len = slash == NULL ? 1 : slash == k->path ? 1 : (size_t)(slash - k->path);
  if (strlen(k->path) >= sizeof dir)
    return fail(k, "the name is too long");
  memcpy(dir, slash == NULL ? "." : k->path, len);
  dir[len] = '\0';
  snprintf(k->temp, sizeof k->temp, "%s.tercet-%d", k->path, (int)getpid());
  k->fd = open(dir, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0666);
  k->nameless = k->fd >= 0;
  if (k->fd < 0)
    k->fd = open(k->temp, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0666);
  return k->fd >= 0 || fail(k, strerror(errno));
}

bool sink_open(struct sink *k, const char *path) {
  struct stat st = {0};
  memset(k, 0, sizeof *k);
  k->fd = -1;
  k->path = path;
  if (path == NULL || strcmp(path, "-") == 0)
    return open_stdout(k);
  k->plain = true;
  if (stat(path, &st) != 0 || S_ISREG(st.st_mode))
    return open_temp(k);
  if (S_ISDIR(st.st_mode))
    return fail(k, "it is a directory; name a file in it");
  k->plain = false; /* /dev/null, a named pipe */
  k->nonblocking = true;
  k->fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOCTTY);
  return k->fd >= 0 || fail(k, strerror(errno));
}

static void on_room(void *ctx, int fd, uint32_t ready) {
  struct sink *k = ctx;
  (void)fd;
  (void)ready;
  k->watched = false;
}

static void wait_for_room(struct sink *k, tct_host *h) {
  if (!k->watched && tct_host_watch(h, k->fd, EPOLLOUT | EPOLLONESHOT, on_room, k) == TCT_OK)
    k->watched = true;
}

static bool may_write(const struct sink *k) {
  struct pollfd p = {.fd = k->fd, .events = POLLOUT};
  return k->plain || k->nonblocking || poll(&p, 1, 0) != 0;
}

long sink_write(struct sink *k, tct_host *h, const void *buf, size_t len) {
  if (!may_write(k)) {
    wait_for_room(k, h);
    return 0;
  }
  if (!k->plain && !k->nonblocking && len > PIPE_SAFE)
    len = PIPE_SAFE;
  ssize_t n;
  do
    n = write(k->fd, buf, len);
  while (n < 0 && errno == EINTR);
  if (n >= 0)
    return n;
  if (errno == EAGAIN) {
    wait_for_room(k, h);
    return 0;
  }
  (void)fail(k, strerror(errno));
  return -1;
}

static bool give_name(struct sink *k) {
  char self[40];
  snprintf(self, sizeof self, "/proc/self/fd/%d", k->fd);
  if (linkat(AT_FDCWD, self, AT_FDCWD, k->temp, AT_SYMLINK_FOLLOW) < 0)
    return fail(k, strerror(errno));
  k->nameless = false;
  return true;
}

bool sink_commit(struct sink *k) {
  bool ok = true;
  if (k->temp[0] != '\0') {
    ok = !k->nameless || give_name(k);
    if (ok && rename(k->temp, k->path) < 0)
      ok = fail(k, strerror(errno));
    if (ok)
      k->temp[0] = '\0';
  }
  sink_abandon(k);
  return ok;
}

void sink_abandon(struct sink *k) {
  if (k->temp[0] != '\0' && !k->nameless)
    unlink(k->temp);
  if (k->fd > STDERR_FILENO)
    close(k->fd);
  k->temp[0] = '\0';
  k->fd = -1;
}
