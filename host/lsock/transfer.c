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
  PAGE_BYTES = 4096,
  FRAGS_MAX = 17 /* pieces of memory that one buffer of Linux can name */
};

static unsigned core_send_flags(int flags) {
  return (flags & MSG_MORE ? (unsigned)TCT_MSG_MORE : 0u) |
         (flags & MSG_EOR ? (unsigned)TCT_MSG_EOR : 0u) |
         (flags & MSG_OOB ? (unsigned)TCT_MSG_URGENT : 0u);
}

/* May bytes be written at all? 1: yes; else the call's result. */
static long check_send(struct lsock_file *f, int flags) {
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

/* Pages that a piece of memory lies in, less the one that it shares with the piece before it. */
static unsigned frags_of(const struct lsock_pieces *p, size_t i) {
  uintptr_t at = (uintptr_t)p->iov[i].iov_base, end = at + p->iov[i].iov_len;
  if (p->iov[i].iov_len == 0)
    return 0;
  unsigned pages = (unsigned)((end - 1) / PAGE_BYTES - at / PAGE_BYTES + 1);
  bool follows = i > 0 && p->iov[i - 1].iov_len > 0 &&
                 (uintptr_t)p->iov[i - 1].iov_base + p->iov[i - 1].iov_len == at;
  return follows && at % PAGE_BYTES ? pages - 1 : pages;
}

/* A buffer names so many pieces of zero-copy memory: does a new one begin behind piece i? *frags:
 * pieces in this one so far. */
static bool ends_buffer(const struct lsock_file *f, const struct lsock_pieces *p, size_t i,
                        unsigned *frags) {
  if (!(p->flags & MSG_ZEROCOPY) || !f->own[LSOCK_OWN_ZEROCOPY])
    return false;
  *frags += frags_of(p, i);
  if (i + 1 == p->n || *frags + frags_of(p, i + 1) <= FRAGS_MAX)
    return false;
  *frags = 0;
  return true;
}

/* One piece, from byte *done of the message on; begin: the piece's first. 0, or why it stopped. */
static long hand_over_piece(struct lsock *l, struct lsock_file *f, const struct iovec *v,
                            size_t begin, int flags, size_t *done) {
  size_t end = begin + v->iov_len;
  while (*done < end) {
    if (!v->iov_base)
      return -EFAULT;
    size_t room = f->is_strict ? SIZE_MAX : lsock_wmem_room(l, f);
    if (room == 0)
      return TCT_EAGAIN;
    size_t n = end - *done < room ? end - *done : room;
    bool is_end = *done + n == end;
    long r = tct_sock_send(l->stack, f->handle, (const char *)v->iov_base + *done - begin, n,
                           core_send_flags(is_end ? flags : flags & ~(MSG_EOR | MSG_OOB)));
    if (r < 0)
      return r;
    *done += (size_t)r;
    lsock_wmem_took(f, (size_t)r, is_end && (size_t)r == n && (flags & MSG_EOR));
  }
  return 0;
}

/* From byte `*done` on, as far as there is room. What marks the end of a message belongs to its
 * last piece. */
static long hand_over(struct lsock *l, struct lsock_file *f, const struct lsock_pieces *p,
                      size_t *done) {
  size_t begin = 0, total = length_of(p);
  unsigned frags = 0;
  for (size_t i = 0; i < p->n; begin += p->iov[i++].iov_len) {
    bool is_last = begin + p->iov[i].iov_len == total;
    int flags = is_last ? p->flags : p->flags & ~(MSG_EOR | MSG_OOB);
    if (ends_buffer(f, p, i, &frags) && !is_last)
      flags |= MSG_EOR;
    long r = hand_over_piece(l, f, &p->iov[i], begin, flags, done);
    if (r < 0)
      return r;
  }
  return 0;
}

static long end_send(struct lsock *l, struct lsock_file *f, const struct lsock_pieces *p,
                     size_t done) {
  f->is_send_asleep = false;
  lsock_errqueue_on_sent(l, f, p->flags, done);
  return (long)done;
}

/* A write that sleeps is woken when a third of the buffer is free, not by the first byte. */
static long sleep_or_end(struct lsock *l, struct lsock_file *f, const struct lsock_pieces *p,
                         size_t done) {
  long wait = lsock_file_wait(f, p->flags);
  f->is_short = true;
  f->is_send_asleep = wait == LSOCK_SLEEP;
  return wait == LSOCK_SLEEP || !done ? wait : end_send(l, f, p, done);
}

long lsock_transfer_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  long r = lsock_fastopen_send(l, fd, p, done);
  if (r != 1)
    return r;
  r = check_send(f, p->flags);
  if (r != 1)
    return *done && r != LSOCK_SLEEP ? end_send(l, f, p, *done) : r;
  if (f->is_send_asleep && !lsock_ready_is_writeable(l, f))
    return sleep_or_end(l, f, p, *done);
  r = hand_over(l, f, p, done);
  if (r == TCT_EAGAIN)
    return sleep_or_end(l, f, p, *done);
  return r < 0 && !*done ? r : end_send(l, f, p, *done);
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
  return lsock_transfer_send(l, fd, &(struct lsock_pieces){.iov = &one, .n = 1, .flags = flags},
                             done);
}

long lsock_sendto(struct lsock *l, int fd, const void *buf, size_t len, int flags,
                  const tct_endpoint *to) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (f->kind == LSOCK_TCP) {
    size_t done = 0;
    struct iovec one = {(void *)(uintptr_t)buf, len};
    struct lsock_pieces p = {.iov = &one, .n = 1, .flags = flags, .to = to};
    return lsock_transfer_send(l, fd, &p, &done);
  }
  if (f->kind != LSOCK_UDP)
    return -ENOTSOCK;
  if (flags & MSG_OOB)
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

/* No bytes were there: why not, in Linux's order. A FIN that was read is the end for ever. */
static long end_of_recv(const struct lsock *l, struct lsock_file *f, int flags) {
  if (f->had_eof && !l->is_strict && f->phase != LSOCK_IDLE && f->phase != LSOCK_LISTENING)
    return 0;
  if (f->err)
    return lsock_file_take_err(f);
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_LISTENING)
    return f->read_shut ? 0 : -ENOTCONN;
  if (f->phase == LSOCK_OVER || f->read_shut)
    return 0;
  return lsock_file_wait(f, flags);
}

static bool has_bytes(struct lsock *l, const struct lsock_file *f) {
  tct_info info = {.size = sizeof info};
  return tct_sock_info(l->stack, f->handle, &info) == 0 && info.unread_bytes > 0;
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

/* MSG_WAITALL and SO_RCVLOWAT: a blocking read sleeps until so much is there, nothing more can
 * come, or the window is shut. */
static bool is_too_little(struct lsock *l, struct lsock_file *f, size_t len, int flags) {
  int64_t lowat = 1;
  tct_info info = {.size = sizeof info};
  if (f->is_nonblock || (flags & MSG_DONTWAIT))
    return false;
  if (tct_sock_get(l->stack, f->handle, TCT_OPT_RCVLOWAT, &lowat) < 0 || lowat < 1)
    lowat = 1;
  size_t target = (flags & MSG_WAITALL) || len < (size_t)lowat ? len : (size_t)lowat;
  if (tct_sock_info(l->stack, f->handle, &info) < 0)
    return false;
  bool is_open = !(tct_sock_ready(l->stack, f->handle) & (TCT_EV_EOF | TCT_EV_CLOSED));
  return is_open && !f->read_shut && info.unread_bytes < target && info.rcv_wnd > 0;
}

static long recv_stream(struct lsock *l, struct lsock_file *f, void *buf, size_t len, int flags) {
  if (f->phase != LSOCK_CONNECTED)
    return end_of_recv(l, f, flags);
  if (len == 0)
    return 0;
  int ready = tct_sock_ready(l->stack, f->handle);
  bool is_discard = (flags & (MSG_TRUNC | MSG_PEEK)) == MSG_TRUNC;
  if (is_too_little(l, f, len, flags))
    return LSOCK_SLEEP;
  if (!buf && !is_discard && ready >= 0 && (ready & TCT_EV_READABLE) && has_bytes(l, f))
    return -EFAULT;
  if (!buf && !is_discard)
    return end_of_recv(l, f, flags);
  long r = is_discard ? discard_stream(l, f, len)
                      : tct_sock_recv(l->stack, f->handle, buf, len,
                                      flags & MSG_PEEK ? (unsigned)TCT_MSG_PEEK : 0u);
  return r == TCT_EAGAIN || r == TCT_EBADF ? end_of_recv(l, f, flags) : r;
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
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (flags & MSG_ERRQUEUE) {
    struct msghdr m = {.msg_flags = 0};
    return lsock_errqueue_recv(l, f, &m);
  }
  if (flags & MSG_OOB)
    return -EINVAL; /* urgent bytes stay in the stream */
  return f->kind == LSOCK_UDP ? recv_dgram(l, f, buf, len, flags, from)
                              : recv_stream(l, f, buf, len, flags);
}

long lsock_read(struct lsock *l, int fd, void *buf, size_t len) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (f && f->kind == LSOCK_PIPE)
    return lsock_pipe_read(f, buf, len);
  if (f && f->kind == LSOCK_EPOLL)
    return -EINVAL;
  return lsock_recv(l, fd, buf, len, 0);
}

long lsock_write(struct lsock *l, int fd, const void *buf, size_t len, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (f && f->kind == LSOCK_PIPE)
    return lsock_pipe_write(f, buf, len);
  if (f && f->kind == LSOCK_EPOLL)
    return -EINVAL;
  return lsock_send(l, fd, buf, len, 0, done);
}
