/* SPDX-License-Identifier: MIT */
/*
 * pipe.c - pipes of our own, so that splice can move bytes between them and our sockets. Called
 * through lsock.h.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

enum { PIPE_BYTES = 65536 };

struct lsock_pipe {
  uint8_t bytes[PIPE_BYTES];
  size_t begin, len;
  int readers, writers;
};

static int new_end(struct lsock *l, struct lsock_pipe *p, bool is_writer) {
  int fd = lsock_file_new(l, LSOCK_PIPE);
  if (fd < 0)
    return fd;
  l->files[fd]->pipe = p;
  l->files[fd]->is_pipe_writer = is_writer;
  *(is_writer ? &p->writers : &p->readers) = 1;
  return fd;
}

long lsock_pipe(struct lsock *l, int fds[2]) {
  struct lsock_pipe *p = calloc(1, sizeof *p);
  if (!p)
    return -ENOMEM;
  int in = new_end(l, p, false);
  if (in < 0) {
    free(p);
    return in;
  }
  int out = new_end(l, p, true);
  if (out < 0) {
    (void)lsock_close(l, in);
    return out;
  }
  fds[0] = in;
  fds[1] = out;
  return 0;
}

void lsock_pipe_close(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  struct lsock_pipe *p = f->pipe;
  *(f->is_pipe_writer ? &p->writers : &p->readers) = 0;
  f->pipe = NULL;
  if (!p->writers && !p->readers)
    free(p);
}

uint32_t lsock_pipe_mask(const struct lsock_file *f) {
  const struct lsock_pipe *p = f->pipe;
  if (f->is_pipe_writer)
    return (p->len < PIPE_BYTES ? POLLOUT | POLLWRNORM : 0u) | (p->readers ? 0u : POLLERR);
  return (p->len ? POLLIN | POLLRDNORM : 0u) | (p->writers ? 0u : POLLHUP);
}

static size_t put(struct lsock_pipe *p, const uint8_t *from, size_t len) {
  size_t n = len < PIPE_BYTES - p->len ? len : PIPE_BYTES - p->len;
  for (size_t i = 0; i < n; i++)
    p->bytes[(p->begin + p->len + i) % PIPE_BYTES] = from[i];
  p->len += n;
  return n;
}

static void drop(struct lsock_pipe *p, size_t n) {
  p->begin = (p->begin + n) % PIPE_BYTES;
  p->len -= n;
}

/* What lies in one piece at the front. */
static size_t front(const struct lsock_pipe *p, size_t max) {
  size_t n = p->len < max ? p->len : max;
  return n < PIPE_BYTES - p->begin ? n : PIPE_BYTES - p->begin;
}

long lsock_pipe_read(struct lsock_file *f, void *buf, size_t len) {
  struct lsock_pipe *p = f->pipe;
  size_t done = 0, n;
  if (f->is_pipe_writer)
    return -EBADF;
  if (len == 0)
    return 0;
  if (p->len == 0)
    return p->writers ? lsock_file_wait(f, 0) : 0;
  while ((n = front(p, len - done)) > 0) {
    memcpy((uint8_t *)buf + done, p->bytes + p->begin, n);
    drop(p, n);
    done += n;
  }
  return (long)done;
}

long lsock_pipe_write(struct lsock_file *f, const void *buf, size_t len) {
  struct lsock_pipe *p = f->pipe;
  if (!f->is_pipe_writer)
    return -EBADF;
  if (!p->readers)
    return -EPIPE;
  if (len == 0)
    return 0;
  size_t n = put(p, buf, len);
  return n ? (long)n : lsock_file_wait(f, 0);
}

/* ---- splice ---------------------------------------------------------------------------------- */

/* Nothing to move: sleep, or not. */
static long wait_for(const struct lsock_file *f, unsigned flags) {
  return flags & SPLICE_F_NONBLOCK ? -EAGAIN : lsock_file_wait(f, 0);
}

static long from_socket(struct lsock *l, int in, struct lsock_file *out, size_t len,
                        unsigned flags) {
  struct lsock_pipe *p = out->pipe;
  size_t room = PIPE_BYTES - p->len, want = len < room ? len : room;
  if (!p->readers)
    return -EPIPE;
  if (want == 0)
    return wait_for(out, flags);
  uint8_t *bytes = malloc(want);
  if (!bytes)
    return -ENOMEM;
  long r = lsock_recv(l, in, bytes, want, flags & SPLICE_F_NONBLOCK ? MSG_DONTWAIT : 0);
  if (r > 0)
    (void)put(p, bytes, (size_t)r);
  free(bytes);
  return r;
}

static long to_socket(struct lsock *l, struct lsock_file *in, int out, size_t len, unsigned flags) {
  struct lsock_pipe *p = in->pipe;
  long moved = 0;
  if (p->len == 0)
    return p->writers ? wait_for(in, flags) : 0;
  while ((size_t)moved < len && p->len > 0) {
    size_t n = front(p, len - (size_t)moved), done = 0;
    bool is_more = (flags & SPLICE_F_MORE) || (n < p->len && (size_t)moved + n < len);
    int how = (is_more ? MSG_MORE : 0) | (moved || (flags & SPLICE_F_NONBLOCK) ? MSG_DONTWAIT : 0);
    long r = lsock_send(l, out, p->bytes + p->begin, n, how, &done);
    drop(p, done);
    moved += (long)done;
    if (r < 0 || done < n)
      return moved ? moved : r;
  }
  return moved;
}

long lsock_splice(struct lsock *l, int in, int out, size_t len, unsigned flags) {
  struct lsock_file *from = lsock_file_at(l, in), *to = lsock_file_at(l, out);
  if (!from || !to)
    return -EBADF;
  if (len == 0)
    return 0;
  if (from->kind == LSOCK_TCP && to->kind == LSOCK_PIPE)
    return to->is_pipe_writer ? from_socket(l, in, to, len, flags) : -EBADF;
  if (from->kind == LSOCK_PIPE && to->kind == LSOCK_TCP)
    return from->is_pipe_writer ? -EBADF : to_socket(l, from, out, len, flags);
  return -EINVAL;
}
