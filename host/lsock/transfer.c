/* SPDX-License-Identifier: MIT */
/*
 * transfer.c - send and receive with Linux's flags and errno rules. Called through lsock.h and by
 * message.c, to which names and control messages are left.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

enum {
  SEND_FLAGS = MSG_DONTWAIT | MSG_NOSIGNAL | MSG_MORE | MSG_EOR | MSG_OOB,
  RECV_FLAGS = MSG_DONTWAIT | MSG_PEEK | MSG_TRUNC | MSG_WAITALL | MSG_NOSIGNAL
};

static unsigned core_send_flags(int flags) {
  return (flags & MSG_MORE ? (unsigned)TCT_MSG_MORE : 0u) |
         (flags & MSG_EOR ? (unsigned)TCT_MSG_EOR : 0u) |
         (flags & MSG_OOB ? (unsigned)TCT_MSG_URGENT : 0u);
}

/* May bytes be written at all? 1: yes; else the call's result. */
static long check_send(struct lsock_file *f, int flags) {
  if (flags & ~SEND_FLAGS)
    return -EOPNOTSUPP;
  if (f->err)
    return lsock_file_take_err(f);
  if (f->write_shut)
    return -EPIPE;
  switch ((enum lsock_phase)f->phase) {
  case LSOCK_CONNECTING:
    return lsock_file_wait(f, flags);
  case LSOCK_CONNECTED:
    return 1;
  default:
    return -EPIPE;
  }
}

static size_t length_of(const struct lsock_pieces *p) {
  size_t total = 0;
  for (size_t i = 0; i < p->n; i++)
    total += p->iov[i].iov_len;
  return total;
}

/* From byte `*done` on, as far as there is room. 0, or why it stopped. */
static long hand_over(struct lsock *l, struct lsock_file *f, const struct lsock_pieces *p,
                      size_t *done) {
  size_t begin = 0, total = length_of(p);
  for (size_t i = 0; i < p->n; begin += p->iov[i++].iov_len) {
    size_t end = begin + p->iov[i].iov_len;
    while (*done < end) {
      if (!p->iov[i].iov_base)
        return -EFAULT;
      /* What marks the end of a message belongs to its last piece. */
      int flags = end == total ? p->flags : p->flags & ~(MSG_EOR | MSG_OOB);
      long r = tct_sock_send(l->stack, f->handle, (const char *)p->iov[i].iov_base + *done - begin,
                             end - *done, core_send_flags(flags));
      if (r < 0)
        return r;
      *done += (size_t)r;
    }
  }
  return 0;
}

long lsock_transfer_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  long r = check_send(f, p->flags);
  if (r != 1)
    return *done && r != LSOCK_SLEEP ? (long)*done : r;
  r = hand_over(l, f, p, done);
  if (r == TCT_EAGAIN) {
    long wait = lsock_file_wait(f, p->flags);
    return wait == LSOCK_SLEEP || !*done ? wait : (long)*done;
  }
  return r < 0 && !*done ? r : (long)*done;
}

long lsock_send(struct lsock *l, int fd, const void *buf, size_t len, int flags, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  struct iovec one = {(void *)(uintptr_t)buf, len};
  if (!f)
    return -EBADF;
  if (f->kind == LSOCK_UDP)
    return lsock_sendto(l, fd, buf, len, flags, NULL);
  if (f->kind != LSOCK_TCP)
    return -ENOTSOCK;
  return lsock_transfer_send(l, fd, &(struct lsock_pieces){&one, 1, flags}, done);
}

long lsock_sendto(struct lsock *l, int fd, const void *buf, size_t len, int flags,
                  const tct_endpoint *to) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (f->kind == LSOCK_TCP) {
    size_t done = 0;
    if (flags & MSG_FASTOPEN)
      return -EOPNOTSUPP;
    return lsock_send(l, fd, buf, len, flags, &done);
  }
  if (f->kind != LSOCK_UDP)
    return -ENOTSOCK;
  if (flags & ~(MSG_DONTWAIT | MSG_NOSIGNAL))
    return -EOPNOTSUPP;
  if (f->err)
    return lsock_file_take_err(f);
  if (!buf && len)
    return -EFAULT;
  tct_dgram d = {0};
  if (to)
    d.remote = *to;
  long r = tct_dgram_send(l->stack, f->handle, &d, buf, len);
  return r == TCT_EAGAIN ? lsock_file_wait(f, flags) : r;
}

/* No bytes were there: why not, in Linux's order. */
static long end_of_recv(struct lsock_file *f, int flags) {
  if (f->err)
    return lsock_file_take_err(f);
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_LISTENING)
    return f->read_shut ? 0 : -ENOTCONN;
  if (f->phase == LSOCK_OVER || f->read_shut)
    return 0;
  return lsock_file_wait(f, flags);
}

static long discard_stream(struct lsock *l, struct lsock_file *f, size_t len) {
  char scratch[4096];
  size_t done = 0;
  long r = 0;
  while (done < len) {
    size_t n = len - done < sizeof scratch ? len - done : sizeof scratch;
    r = tct_sock_recv(l->stack, f->handle, scratch, n, 0);
    if (r <= 0)
      break;
    done += (size_t)r;
  }
  return done ? (long)done : r;
}

static long recv_stream(struct lsock *l, struct lsock_file *f, void *buf, size_t len, int flags) {
  if (f->phase != LSOCK_CONNECTED)
    return end_of_recv(f, flags);
  if (len == 0)
    return 0;
  if (!buf && !(flags & MSG_TRUNC))
    return -EFAULT;
  if (flags & MSG_WAITALL && !(flags & MSG_PEEK)) {
    tct_info info = {.size = sizeof info};
    int r = tct_sock_info(l->stack, f->handle, &info);
    bool is_open = !(tct_sock_ready(l->stack, f->handle) & (TCT_EV_EOF | TCT_EV_CLOSED));
    if (r == 0 && is_open && info.unread_bytes < len && !f->is_nonblock)
      return LSOCK_SLEEP;
  }
  long r = flags & MSG_TRUNC ? discard_stream(l, f, len)
                             : tct_sock_recv(l->stack, f->handle, buf, len,
                                             flags & MSG_PEEK ? (unsigned)TCT_MSG_PEEK : 0u);
  return r == TCT_EAGAIN || r == TCT_EBADF ? end_of_recv(f, flags) : r;
}

long lsock_recv(struct lsock *l, int fd, void *buf, size_t len, int flags) {
  return lsock_recvfrom(l, fd, buf, len, flags, NULL);
}

static long recv_dgram(struct lsock *l, struct lsock_file *f, void *buf, size_t len, int flags,
                       tct_endpoint *from) {
  if (f->err)
    return lsock_file_take_err(f);
  tct_dgram d = {0};
  long r = tct_dgram_recv(l->stack, f->handle, &d, buf, len,
                          flags & MSG_PEEK ? (unsigned)TCT_MSG_PEEK : 0u);
  if (r == TCT_EAGAIN)
    return f->read_shut ? 0 : lsock_file_wait(f, flags);
  if (r >= 0 && from)
    *from = d.remote;
  return r >= 0 && (flags & MSG_TRUNC) ? (long)d.len : r;
}

long lsock_recvfrom(struct lsock *l, int fd, void *buf, size_t len, int flags, tct_endpoint *from) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (f->kind == LSOCK_EPOLL)
    return -ENOTSOCK;
  if (flags & MSG_ERRQUEUE)
    return -EAGAIN; /* nothing is ever queued there yet */
  if (flags & MSG_OOB)
    return -EINVAL; /* urgent bytes stay in the stream */
  if (flags & ~RECV_FLAGS)
    return -EOPNOTSUPP;
  return f->kind == LSOCK_UDP ? recv_dgram(l, f, buf, len, flags, from)
                              : recv_stream(l, f, buf, len, flags);
}
