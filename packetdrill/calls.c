/* SPDX-License-Identifier: MIT */
/*
 * calls.c - the system calls of the interface, with libc's results and errno: each becomes one
 * attempt at host/lsock, repeated by machine.c while it would sleep. Descriptors that are not ours
 * go to libc. Put into the table by init.c.
 */
#define _GNU_SOURCE
#include "packetdrill/calls.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

struct args { /* of any call */
  int fd, a, b, c;
  void *buf;
  const void *from;
  size_t len, done;
  tct_endpoint addr;
  bool has_addr;
  struct msghdr *msg;
  struct iovec one;
  int is_sleepy;     /* the descriptor may block, and for how long: */
  enum lsock_wait w; /* by this one's time-out */
};

static long result(long r) {
  if (r >= 0)
    return r;
  errno = (int)-r;
  return -1;
}

static bool is_ours(struct pd_machine *m, int fd) {
  pthread_mutex_lock(&m->lock);
  bool ours = lsock_has(m->lsock, fd);
  pthread_mutex_unlock(&m->lock);
  return ours;
}

static long give_up(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_give_up(l, a->fd, a->w, a->done);
}

/* No time-out but the socket's own. */
static long run(struct pd_machine *m, long (*attempt)(struct lsock *, void *), struct args *a) {
  struct pd_call c = {attempt, give_up, a, TCT_NEVER};
  pthread_mutex_lock(&m->lock);
  uint64_t ns = lsock_timeout_ns(m->lsock, a->fd, a->w);
  if (ns)
    c.deadline_ns = m->now_ns + ns;
  pthread_mutex_unlock(&m->lock);
  return result(pd_machine_call(m, &c));
}

/* ---- Opening and closing --------------------------------------------------------------------- */

static long try_socket(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_socket(l, a->a, a->b, a->c);
}

int pd_call_socket(void *u, int domain, int type, int protocol) {
  struct args a = {.fd = -1, .a = domain, .b = type, .c = protocol};
  return (int)run(u, try_socket, &a);
}

static long try_bind(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_bind(l, a->fd, &a->addr);
}

int pd_call_bind(void *u, int fd, const struct sockaddr *addr, socklen_t len) {
  struct pd_machine *m = u;
  struct args a = {.fd = fd};
  long r = lsock_address_read(addr, len, &a.addr);
  if (r < 0)
    return (int)result(r);
  pthread_mutex_lock(&m->lock);
  pd_machine_learn(m, a.addr.addr);
  pthread_mutex_unlock(&m->lock);
  return (int)run(m, try_bind, &a);
}

static long try_listen(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_listen(l, a->fd, a->a);
}

int pd_call_listen(void *u, int fd, int backlog) {
  struct args a = {.fd = fd, .a = backlog};
  return (int)run(u, try_listen, &a);
}

static long try_accept(struct lsock *l, void *arg) {
  struct args *a = arg;
  long fd = lsock_accept(l, a->fd, 0, &a->addr);
  if (fd >= 0)
    a->a = lsock_is_v6(l, (int)fd);
  return fd;
}

int pd_call_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len) {
  struct args a = {.fd = fd, .w = LSOCK_WAIT_ACCEPT};
  int r = (int)run(u, try_accept, &a);
  if (r >= 0 && addr && len)
    *len = (socklen_t)lsock_address_write(&a.addr, a.a, addr, *len);
  return r;
}

static long try_connect(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_connect(l, a->fd, a->has_addr ? &a->addr : NULL);
}

int pd_call_connect(void *u, int fd, const struct sockaddr *addr, socklen_t len) {
  struct args a = {.fd = fd, .w = LSOCK_WAIT_CONNECT, .has_addr = true};
  if (addr && len >= sizeof addr->sa_family && addr->sa_family == AF_UNSPEC)
    a.has_addr = false;
  long r = a.has_addr ? lsock_address_read(addr, len, &a.addr) : 0;
  return r < 0 ? (int)result(r) : (int)run(u, try_connect, &a);
}

static long try_close(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_close(l, a->fd);
}

int pd_call_close(void *u, int fd) {
  struct args a = {.fd = fd, .w = LSOCK_WAIT_CLOSE};
  return is_ours(u, fd) ? (int)run(u, try_close, &a) : close(fd);
}

static long try_shutdown(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_shutdown(l, a->fd, a->a);
}

int pd_call_shutdown(void *u, int fd, int how) {
  struct args a = {.fd = fd, .a = how};
  return (int)run(u, try_shutdown, &a);
}

static long try_fcntl(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_fcntl(l, a->fd, a->a, (long)a->len);
}

int pd_call_fcntl(void *u, int fd, int cmd, ...) {
  va_list ap;
  va_start(ap, cmd);
  long value = va_arg(ap, long);
  va_end(ap);
  if (!is_ours(u, fd))
    return fcntl(fd, cmd, value);
  struct args a = {.fd = fd, .a = cmd, .len = (size_t)value};
  return (int)run(u, try_fcntl, &a);
}

static long try_ioctl(struct lsock *l, void *arg) {
  struct args *a = arg;
  return a->buf ? lsock_ioctl(l, a->fd, a->len, a->buf) : -EFAULT;
}

int pd_call_ioctl(void *u, int fd, unsigned long request, ...) {
  va_list ap;
  va_start(ap, request);
  void *value = va_arg(ap, void *);
  va_end(ap);
  if (!is_ours(u, fd))
    return ioctl(fd, request, value);
  struct args a = {.fd = fd, .len = request, .buf = value};
  return (int)run(u, try_ioctl, &a);
}

/* ---- Reading --------------------------------------------------------------------------------- */

static long try_recvmsg(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_recvmsg(l, a->fd, a->msg, a->a);
}

ssize_t pd_call_recvmsg(void *u, int fd, struct msghdr *m, int flags) {
  struct args a = {.fd = fd, .msg = m, .a = flags, .w = LSOCK_WAIT_RECV};
  return run(u, try_recvmsg, &a);
}

static long try_read(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_read(l, a->fd, a->buf, a->len);
}

ssize_t pd_call_read(void *u, int fd, void *buf, size_t len) {
  struct args a = {.fd = fd, .buf = buf, .len = len, .w = LSOCK_WAIT_RECV};
  return is_ours(u, fd) ? run(u, try_read, &a) : read(fd, buf, len);
}

ssize_t pd_call_readv(void *u, int fd, const struct iovec *iov, int n) {
  struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
  if (n < 0 || n > 1024)
    return result(-EINVAL);
  return pd_call_recvmsg(u, fd, &m, 0);
}

static long try_recv(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_recvfrom(l, a->fd, a->buf, a->len, a->a, &a->addr);
}

ssize_t pd_call_recv(void *u, int fd, void *buf, size_t len, int flags) {
  struct args a = {.fd = fd, .buf = buf, .len = len, .a = flags, .w = LSOCK_WAIT_RECV};
  return run(u, try_recv, &a);
}

/* A stream names nobody: length 0. */
/* NOLINTNEXTLINE(readability-function-size): the parameters are libc\'s */
ssize_t pd_call_recvfrom(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                         socklen_t *from_len) {
  ssize_t r = pd_call_recv(u, fd, buf, len, flags);
  if (r >= 0 && from && from_len)
    *from_len = 0;
  return r;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static long try_sendmsg(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_sendmsg(l, a->fd, a->msg, a->a, &a->done);
}

ssize_t pd_call_sendmsg(void *u, int fd, const struct msghdr *m, int flags) {
  struct args a = {
      .fd = fd, .msg = (struct msghdr *)(uintptr_t)m, .a = flags, .w = LSOCK_WAIT_SEND};
  return run(u, try_sendmsg, &a);
}

static long try_write(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_write(l, a->fd, a->from, a->len, &a->done);
}

ssize_t pd_call_write(void *u, int fd, const void *buf, size_t len) {
  struct args a = {.fd = fd, .from = buf, .len = len, .w = LSOCK_WAIT_SEND};
  return is_ours(u, fd) ? run(u, try_write, &a) : write(fd, buf, len);
}

ssize_t pd_call_writev(void *u, int fd, const struct iovec *iov, int n) {
  struct msghdr m = {.msg_iov = (struct iovec *)(uintptr_t)iov, .msg_iovlen = (size_t)n};
  if (n < 0 || n > 1024)
    return result(-EINVAL);
  return pd_call_sendmsg(u, fd, &m, 0);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libc\'s */
ssize_t pd_call_sendto(void *u, int fd, const void *buf, size_t len, int flags,
                       const struct sockaddr *to, socklen_t to_len) {
  struct iovec one = {(void *)(uintptr_t)buf, len};
  struct msghdr m = {.msg_name = (void *)(uintptr_t)to,
                     .msg_namelen = to ? to_len : 0,
                     .msg_iov = &one,
                     .msg_iovlen = 1};
  return pd_call_sendmsg(u, fd, &m, flags);
}

ssize_t pd_call_send(void *u, int fd, const void *buf, size_t len, int flags) {
  return pd_call_sendto(u, fd, buf, len, flags, NULL, 0);
}

/* ---- Options --------------------------------------------------------------------------------- */

static long try_getsockopt(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_getsockopt(l, a->fd, a->a, a->b, a->buf, &a->len);
}

int pd_call_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len) {
  struct args a = {.fd = fd, .a = level, .b = name, .buf = value, .len = len ? *len : 0};
  if (!len)
    return (int)result(-EFAULT);
  if ((int)*len < 0)
    return (int)result(-EINVAL);
  int r = (int)run(u, try_getsockopt, &a);
  if (r == 0)
    *len = (socklen_t)a.len;
  return r;
}

static long try_setsockopt(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_setsockopt(l, a->fd, a->a, a->b, a->from, a->len);
}

int pd_call_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len) {
  struct args a = {.fd = fd, .a = level, .b = name, .from = value, .len = len};
  return (int)len < 0 ? (int)result(-EINVAL) : (int)run(u, try_setsockopt, &a);
}

/* ---- Readiness ------------------------------------------------------------------------------- */

/* Milliseconds from now; negative: for ever. */
static long run_until(struct pd_machine *m, const struct pd_call *c, int timeout_ms) {
  struct pd_call timed = *c;
  timed.deadline_ns = TCT_NEVER;
  pthread_mutex_lock(&m->lock);
  if (timeout_ms >= 0)
    timed.deadline_ns = m->now_ns + (uint64_t)timeout_ms * 1000000u;
  pthread_mutex_unlock(&m->lock);
  return result(pd_machine_call(m, &timed));
}

static long nothing(struct lsock *l, void *arg) {
  (void)l;
  (void)arg;
  return 0;
}

static long try_poll(struct lsock *l, void *arg) {
  struct args *a = arg;
  long n = lsock_poll(l, a->buf, a->len);
  return n ? n : LSOCK_SLEEP;
}

int pd_call_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms) {
  struct args a = {.fd = -1, .buf = fds, .len = n};
  struct pd_call c = {try_poll, nothing, &a, 0};
  if (!fds && n)
    return (int)result(-EFAULT);
  return (int)run_until(u, &c, timeout_ms);
}

static long try_epoll_create(struct lsock *l, void *arg) {
  (void)arg;
  return lsock_epoll_create(l);
}

int pd_call_epoll_create(void *u, int size) {
  struct args a = {.fd = -1};
  return size <= 0 ? (int)result(-EINVAL) : (int)run(u, try_epoll_create, &a);
}

static long try_epoll_ctl(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_epoll_ctl(l, a->fd, a->a, a->b, a->buf);
}

int pd_call_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *ev) {
  struct args a = {.fd = ep, .a = op, .b = fd, .buf = ev};
  return (int)run(u, try_epoll_ctl, &a);
}

static long try_epoll_wait(struct lsock *l, void *arg) {
  struct args *a = arg;
  long n = lsock_epoll_wait(l, a->fd, a->buf, a->a);
  return n ? n : LSOCK_SLEEP;
}

int pd_call_epoll_wait(void *u, int ep, struct epoll_event *ev, int max, int timeout_ms) {
  struct args a = {.fd = ep, .buf = ev, .a = max};
  struct pd_call c = {try_epoll_wait, nothing, &a, 0};
  return (int)run_until(u, &c, timeout_ms);
}

/* ---- Pipes ----------------------------------------------------------------------------------- */

static long try_pipe(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_pipe(l, a->buf);
}

int pd_call_pipe(void *u, int fds[2]) {
  struct args a = {.fd = -1, .buf = fds};
  return fds ? (int)run(u, try_pipe, &a) : (int)result(-EFAULT);
}

static long try_splice(struct lsock *l, void *arg) {
  struct args *a = arg;
  return lsock_splice(l, a->fd, a->b, a->len, (unsigned)a->c);
}

/* NOLINTNEXTLINE(readability-function-size): the parameters are libc\'s */
ssize_t pd_call_splice(void *u, int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
                       unsigned flags) {
  struct args a = {.fd = in, .b = out, .len = len, .c = (int)flags, .w = LSOCK_WAIT_RECV};
  if (in_at || out_at)
    return result(-ESPIPE);
  return run(u, try_splice, &a);
}
