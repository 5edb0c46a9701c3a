/* SPDX-License-Identifier: MIT */
/*
 * lsock.c - descriptors, the life of a socket, and the core's news turned into what Linux keeps in
 * a socket: a pending error, a phase, edges. Called by programs that want Linux's calls. Leaves
 * bytes to transfer.c, options to options.c, poll and epoll to ready.c.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <linux/sockios.h>
#include <sys/socket.h>
#include <netinet/in.h>

struct lsock *lsock_new(tct_stack *s) {
  struct lsock *l = calloc(1, sizeof *l);
  if (l)
    l->stack = s;
  return l;
}

static void free_file(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (!f)
    return;
  l->files[fd] = NULL;
  free(f->interest);
  free(f);
}

void lsock_free(struct lsock *l) {
  if (!l)
    return;
  for (int fd = 0; fd < LSOCK_FILES_MAX; fd++)
    free_file(l, fd);
  free(l);
}

struct lsock_file *lsock_file_at(struct lsock *l, int fd) {
  return fd < 0 || fd >= LSOCK_FILES_MAX ? NULL : l->files[fd];
}

int lsock_file_new(struct lsock *l, enum lsock_kind kind) {
  for (int fd = LSOCK_FD_FIRST; fd < LSOCK_FILES_MAX; fd++) {
    if (l->files[fd])
      continue;
    struct lsock_file *f = calloc(1, sizeof *f);
    if (!f)
      return -ENOMEM;
    f->kind = (uint8_t)kind;
    l->files[fd] = f;
    return fd;
  }
  return -EMFILE;
}

long lsock_file_take_err(struct lsock_file *f) {
  long err = -f->err;
  f->err = 0;
  return err;
}

long lsock_file_wait(const struct lsock_file *f, int msg_flags) {
  return f->is_nonblock || (msg_flags & MSG_DONTWAIT) ? -EAGAIN : LSOCK_SLEEP;
}

/* The core's user pointer is the descriptor; an event counts only if the handle still fits. */
static void *user_of(int fd) {
  return (void *)(intptr_t)fd;
}

long lsock_file_open(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (f->has_handle)
    return 0;
  int r =
      tct_sock_open(l->stack, f->kind == LSOCK_UDP ? TCT_UDP : TCT_TCP, user_of(fd), &f->handle);
  if (r < 0)
    return r;
  f->has_handle = true;
  return 0;
}

long lsock_socket(struct lsock *l, int domain, int type, int protocol) {
  int kind = type & ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (domain != AF_INET && domain != AF_INET6)
    return -EAFNOSUPPORT;
  if (kind != SOCK_STREAM && kind != SOCK_DGRAM)
    return -ESOCKTNOSUPPORT;
  int want = kind == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP;
  if (protocol != 0 && protocol != want)
    return -EPROTONOSUPPORT;
  int fd = lsock_file_new(l, kind == SOCK_STREAM ? LSOCK_TCP : LSOCK_UDP);
  if (fd < 0)
    return fd;
  l->files[fd]->is_nonblock = type & SOCK_NONBLOCK;
  l->files[fd]->is_v6 = domain == AF_INET6;
  long r = lsock_file_open(l, fd);
  if (r < 0) {
    free_file(l, fd);
    return r;
  }
  return fd;
}

/* The socket calls below work on sockets only. */
static struct lsock_file *find_socket(struct lsock *l, int fd, long *err) {
  struct lsock_file *f = lsock_file_at(l, fd);
  *err = !f ? -EBADF : f->kind == LSOCK_EPOLL ? -ENOTSOCK : 0;
  return *err ? NULL : f;
}

long lsock_bind(struct lsock *l, int fd, const tct_endpoint *local) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->phase != LSOCK_IDLE)
    return -EINVAL;
  err = lsock_file_open(l, fd);
  return err < 0 ? err : tct_sock_bind(l->stack, f->handle, local);
}

long lsock_listen(struct lsock *l, int fd, int backlog) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->kind != LSOCK_TCP)
    return -EOPNOTSUPP;
  if (f->phase != LSOCK_IDLE && f->phase != LSOCK_LISTENING)
    return -EINVAL;
  err = lsock_file_open(l, fd);
  if (err < 0)
    return err;
  int r = tct_sock_listen(l->stack, f->handle, backlog < 0 ? UINT16_MAX : (unsigned)backlog);
  if (r >= 0)
    f->phase = LSOCK_LISTENING;
  return r;
}

/* Options that the core does not know and Linux hands down to accepted sockets. */
static void inherit(struct lsock_file *child, const struct lsock_file *from, int flags) {
  child->phase = LSOCK_CONNECTED;
  child->connect_told = true;
  child->has_handle = true;
  child->is_nonblock = flags & SOCK_NONBLOCK;
  child->is_v6 = from->is_v6;
  child->linger_on = from->linger_on;
  child->linger_s = from->linger_s;
  child->sndbuf = from->sndbuf;
  child->rcvbuf = from->rcvbuf;
  child->tos = from->tos;
  child->oob_inline = from->oob_inline;
}

long lsock_accept(struct lsock *l, int fd, int flags, tct_endpoint *peer) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->kind != LSOCK_TCP)
    return -EOPNOTSUPP;
  if (f->phase != LSOCK_LISTENING)
    return -EINVAL;
  int child = lsock_file_new(l, LSOCK_TCP);
  if (child < 0)
    return child;
  struct lsock_file *c = l->files[child];
  int r = tct_sock_accept(l->stack, f->handle, user_of(child), &c->handle);
  if (r < 0) {
    free_file(l, child);
    return r == TCT_EAGAIN ? lsock_file_wait(f, 0) : r;
  }
  inherit(c, f, flags);
  tct_endpoint local;
  if (peer)
    (void)tct_sock_name(l->stack, c->handle, &local, peer);
  return child;
}

/* AF_UNSPEC: what is open is reset, and the socket may be used again. */
static long disconnect(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (f->has_handle)
    (void)tct_sock_abort(l->stack, f->handle);
  f->has_handle = false;
  f->phase = LSOCK_IDLE;
  f->err = 0;
  f->connect_told = f->read_shut = f->write_shut = false;
  return lsock_file_open(l, fd);
}

static long start_connect(struct lsock *l, int fd, const tct_endpoint *remote) {
  struct lsock_file *f = l->files[fd];
  long r = lsock_file_open(l, fd);
  if (r < 0)
    return r;
  r = tct_sock_connect(l->stack, f->handle, remote);
  if (r < 0)
    return r;
  if (f->kind == LSOCK_UDP)
    return 0;
  f->phase = LSOCK_CONNECTING;
  f->read_shut = f->write_shut = f->connect_told = false; /* of an attempt before */
  return f->is_nonblock ? -EINPROGRESS : LSOCK_SLEEP;
}

/* Linux tells success once and says EISCONN afterwards. */
static long finish_connect(struct lsock_file *f) {
  if (f->err) {
    f->phase = LSOCK_IDLE;
    return lsock_file_take_err(f);
  }
  if (f->connect_told)
    return f->phase == LSOCK_OVER ? -ECONNABORTED : -EISCONN;
  f->connect_told = true;
  return 0;
}

long lsock_connect(struct lsock *l, int fd, const tct_endpoint *remote) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (!remote)
    return disconnect(l, fd);
  switch ((enum lsock_phase)f->phase) {
  case LSOCK_IDLE:
    return f->err ? finish_connect(f) : start_connect(l, fd, remote);
  case LSOCK_CONNECTING:
    return f->is_nonblock ? -EALREADY : LSOCK_SLEEP;
  case LSOCK_LISTENING:
    return -EISCONN;
  case LSOCK_CONNECTED:
  case LSOCK_OVER:
    return finish_connect(f);
  }
  return -EINVAL;
}

long lsock_shutdown(struct lsock *l, int fd, int how) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
    return -EINVAL;
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_OVER)
    return -ENOTCONN;
  if (how != SHUT_WR)
    f->read_shut = true;
  if (how != SHUT_RD)
    f->write_shut = true;
  int r = tct_sock_shutdown(l->stack, f->handle, (tct_how)how);
  lsock_ready_edge(l, fd);
  return r;
}

long lsock_close(struct lsock *l, int fd) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (f->has_handle && f->linger_on && f->linger_s == 0)
    (void)tct_sock_abort(l->stack, f->handle);
  else if (f->has_handle)
    (void)tct_sock_close(l->stack, f->handle);
  lsock_ready_forget(l, fd);
  free_file(l, fd);
  return 0;
}

long lsock_abort(struct lsock *l, int fd) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  long r = f->has_handle ? tct_sock_abort(l->stack, f->handle) : 0;
  lsock_ready_forget(l, fd);
  free_file(l, fd);
  return r;
}

long lsock_fcntl(struct lsock *l, int fd, int cmd, long arg) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (cmd == F_GETFL)
    return O_RDWR | (f->is_nonblock ? O_NONBLOCK : 0);
  if (cmd != F_SETFL)
    return -EINVAL;
  f->is_nonblock = arg & O_NONBLOCK;
  return 0;
}

static long ioctl_urgent(struct lsock *l, struct lsock_file *f, int *value) {
  int64_t unread = 0;
  int r = tct_sock_get(l->stack, f->handle, TCT_OPT_URGENT_UNREAD, &unread);
  *value = r == 0 && unread == 1;
  return r;
}

long lsock_ioctl(struct lsock *l, int fd, unsigned long request, int *value) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->phase == LSOCK_LISTENING)
    return -EINVAL;
  if (request == FIONBIO) {
    f->is_nonblock = *value != 0;
    return 0;
  }
  tct_info info = {.size = sizeof info};
  err = lsock_info(l, fd, &info);
  if (err < 0)
    return err;
  switch (request) {
  case SIOCINQ:
    *value = (int)info.unread_bytes;
    return 0;
  case SIOCOUTQ:
    *value = (int)(info.snd_nxt - info.snd_una + info.notsent_bytes);
    return 0;
  case SIOCOUTQNSD:
    *value = (int)info.notsent_bytes;
    return 0;
  case SIOCATMARK:
    return f->has_handle ? ioctl_urgent(l, f, value) : -EINVAL;
  default:
    return -ENOTTY;
  }
}

long lsock_handle(struct lsock *l, int fd, tct_sock *out) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (!f->has_handle)
    return -ENOTCONN;
  *out = f->handle;
  return 0;
}

long lsock_info(struct lsock *l, int fd, tct_info *info) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->has_handle) {
    int r = tct_sock_info(l->stack, f->handle, info);
    if (r != TCT_EBADF)
      return r;
  }
  size_t size = info->size;
  memset(info, 0, size);
  info->size = size;
  info->state = TCT_CLOSED;
  return 0;
}

/* The core lets go of the handle: what is left is the error and Linux's after-life. */
static void on_closed(struct lsock_file *f, const tct_event *ev) {
  f->has_handle = false;
  if (ev->err)
    f->err = -ev->err;
  f->phase = f->phase == LSOCK_CONNECTED ? LSOCK_OVER : LSOCK_IDLE;
  f->read_shut = f->write_shut = true;
}

static bool is_same(tct_sock a, tct_sock b) {
  return a.index == b.index && a.gen == b.gen;
}

void lsock_on_news(struct lsock *l) {
  tct_event ev;
  while (tct_event_next(l->stack, &ev)) {
    int fd = (int)(intptr_t)ev.user;
    struct lsock_file *f = lsock_file_at(l, fd);
    if (!f || !f->has_handle || !is_same(f->handle, ev.sock))
      continue;
    for (int i = 0; i < LSOCK_NEWS_KINDS; i++)
      f->news[i] += ev.flags >> i & 1;
    if (ev.flags & TCT_EV_CONNECTED)
      f->phase = LSOCK_CONNECTED;
    if (ev.flags & TCT_EV_CLOSED)
      on_closed(f, &ev);
    lsock_ready_edge(l, fd);
  }
}

long lsock_news_count(struct lsock *l, int fd, uint32_t flag) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  for (int i = 0; i < LSOCK_NEWS_KINDS; i++)
    if (flag == 1u << i)
      return (long)f->news[i];
  return -EINVAL;
}
