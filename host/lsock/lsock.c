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
  tct_config c;
  if (!l)
    return NULL;
  l->stack = s;
  tct_config_get(s, &c);
  l->is_strict = c.profile == TCT_PROFILE_STRICT;
  return l;
}

void lsock_set_fds(struct lsock *l, const struct lsock_fds *fds) {
  l->fds = *fds;
}

void lsock_set_epoch(struct lsock *l, int64_t epoch_ns) {
  l->epoch_ns = epoch_ns;
}

static void free_file(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (!f)
    return;
  if (f->pipe)
    lsock_pipe_close(l, fd);
  lsock_errqueue_free(f);
  lsock_wmem_free(f);
  l->files[fd] = NULL;
  free(f->interest);
  free(f);
}

void lsock_file_drop(struct lsock *l, int fd) {
  lsock_ready_forget(l, fd);
  free_file(l, fd);
  if (l->fds.drop)
    l->fds.drop(l->fds.ctx, fd);
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

bool lsock_has(struct lsock *l, int fd) {
  return lsock_file_at(l, fd) != NULL;
}

bool lsock_is_v6(struct lsock *l, int fd) {
  const struct lsock_file *f = lsock_file_at(l, fd);
  return f && f->is_v6;
}

struct lsock_file *lsock_file_socket(struct lsock *l, int fd, long *err) {
  struct lsock_file *f = lsock_file_at(l, fd);
  bool is_socket = f && (f->kind == LSOCK_TCP || f->kind == LSOCK_UDP);
  *err = !f ? -EBADF : !is_socket ? -ENOTSOCK : 0;
  return *err ? NULL : f;
}

/* A number that comes round again was closed by somebody else. */
static void bury(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (!f)
    return;
  if (f->has_handle)
    (void)tct_sock_close(l->stack, f->handle);
  lsock_ready_forget(l, fd);
  free_file(l, fd);
}

static int choose_number(struct lsock *l) {
  if (l->fds.make) {
    int fd = l->fds.make(l->fds.ctx);
    if (fd < LSOCK_FILES_MAX)
      return fd;
    l->fds.drop(l->fds.ctx, fd);
    return -EMFILE;
  }
  for (int fd = LSOCK_FD_FIRST; fd < LSOCK_FILES_MAX; fd++)
    if (!l->files[fd])
      return fd;
  return -EMFILE;
}

int lsock_file_new(struct lsock *l, enum lsock_kind kind) {
  int fd = choose_number(l);
  struct lsock_file *f = fd < 0 ? NULL : calloc(1, sizeof *f);
  if (fd < 0)
    return fd;
  if (!f) {
    if (l->fds.drop)
      l->fds.drop(l->fds.ctx, fd);
    return -ENOMEM;
  }
  bury(l, fd);
  f->kind = (uint8_t)kind;
  f->is_strict = l->is_strict;
  l->files[fd] = f;
  return fd;
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
    lsock_file_drop(l, fd);
    return r;
  }
  return fd;
}

long lsock_bind(struct lsock *l, int fd, const tct_endpoint *local) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->phase != LSOCK_IDLE)
    return -EINVAL;
  err = lsock_file_open(l, fd);
  return err < 0 ? err : tct_sock_bind(l->stack, f->handle, local);
}

long lsock_listen(struct lsock *l, int fd, int backlog) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
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
  child->rcvtimeo_ns = from->rcvtimeo_ns;
  child->sndtimeo_ns = from->sndtimeo_ns;
  child->tos = from->tos;
  memcpy(child->own, from->own, sizeof child->own);
}

long lsock_accept(struct lsock *l, int fd, int flags, tct_endpoint *peer) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (f->kind != LSOCK_TCP)
    return -EOPNOTSUPP;
  if (f->phase != LSOCK_LISTENING)
    return -EINVAL;
  int ready = tct_sock_ready(l->stack, f->handle);
  if (ready >= 0 && !(ready & TCT_EV_ACCEPT))
    return f->err ? lsock_file_take_err(f) : lsock_file_wait(f, 0);
  int child = lsock_file_new(l, LSOCK_TCP);
  if (child < 0)
    return child;
  struct lsock_file *c = l->files[child];
  int r = tct_sock_accept(l->stack, f->handle, user_of(child), &c->handle);
  if (r < 0) {
    lsock_file_drop(l, child);
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
  f->tx_bytes = 0;
  f->connect_told = f->connect_lost = f->read_shut = f->write_shut = f->had_eof = false;
  lsock_errqueue_free(f);
  lsock_wmem_free(f);
  return lsock_file_open(l, fd);
}

void lsock_file_connecting(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  f->phase = LSOCK_CONNECTING;
  f->is_active = true;
  lsock_wmem_free(f);
  /* of an attempt before */
  f->read_shut = f->write_shut = f->connect_told = f->connect_lost = f->had_eof = false;
  f->tx_bytes = 0;
  lsock_ready_wake(l, fd, 0);
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
  lsock_file_connecting(l, fd);
  if (lsock_fastopen_waits(l, f))
    return 0;
  return f->is_nonblock ? -EINPROGRESS : LSOCK_SLEEP;
}

/* Linux tells the outcome once: success or the error, or ECONNABORTED if SO_ERROR was asked before;
 * later calls see a connected socket, or one that may try again. */
static long finish_connect(struct lsock_file *f) {
  bool is_lost = f->connect_lost || (f->phase == LSOCK_OVER && !f->connect_told);
  if (is_lost) {
    f->connect_lost = false;
    f->phase = LSOCK_IDLE;
    return f->err ? lsock_file_take_err(f) : -ECONNABORTED;
  }
  if (f->connect_told)
    return -EISCONN;
  f->connect_told = true;
  return 0;
}

long lsock_connect(struct lsock *l, int fd, const tct_endpoint *remote) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (!remote)
    return disconnect(l, fd);
  switch ((enum lsock_phase)f->phase) {
  case LSOCK_IDLE:
    return f->connect_lost ? finish_connect(f) : start_connect(l, fd, remote);
  case LSOCK_CONNECTING:
    if (lsock_fastopen_waits(l, f))
      return -EISCONN;
    return f->is_nonblock ? -EALREADY : LSOCK_SLEEP;
  case LSOCK_LISTENING:
    return -EISCONN;
  case LSOCK_CONNECTED:
  case LSOCK_OVER:
    return finish_connect(f);
  }
  return -EINVAL;
}

/* ---- fcntl, ioctl ---------------------------------------------------------------------------- */

long lsock_fcntl(struct lsock *l, int fd, int cmd, long arg) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (cmd == F_GETFL)
    return O_RDWR | (f->is_nonblock ? O_NONBLOCK : 0);
  if (cmd == F_GETFD || cmd == F_SETFD) {
    f->is_cloexec = cmd == F_SETFD ? arg & FD_CLOEXEC : f->is_cloexec;
    return cmd == F_GETFD ? f->is_cloexec : 0;
  }
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
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
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
  case SIOCINQ: /* the peer's FIN is no byte */
    *value = f->phase == LSOCK_CONNECTING ? 0 : (int)info.unread_bytes;
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
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (!f->has_handle)
    return -ENOTCONN;
  *out = f->handle;
  return 0;
}

long lsock_info(struct lsock *l, int fd, tct_info *info) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
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

/* ---- News ------------------------------------------------------------------------------------ */

/* The core lets go of the handle: what is left is the error and Linux's after-life. A reset in
 * CLOSE-WAIT is a broken pipe there, and by the RFC a reset like any other. */
static void on_closed(struct lsock *l, struct lsock_file *f, const tct_event *ev) {
  bool in_close_wait = f->had_eof && !f->write_shut && !l->is_strict;
  f->has_handle = false;
  if (ev->err)
    f->err = ev->err == TCT_ECONNRESET && in_close_wait ? EPIPE : -ev->err;
  f->connect_lost = f->phase == LSOCK_CONNECTING;
  f->phase = f->phase == LSOCK_CONNECTED ? LSOCK_OVER : LSOCK_IDLE;
  f->read_shut = f->write_shut = true;
  lsock_errqueue_on_closed(l, f);
}

/* IP_RECVERR: a soft error is one that the next call reports. */
static void on_soft_error(struct lsock *l, int fd, int err) {
  struct lsock_file *f = l->files[fd];
  f->soft_err = err;
  if (!lsock_errqueue_on_icmp(l, f, err))
    return;
  f->err = err;
  lsock_ready_wake(l, fd, POLLERR);
}

static bool is_same(tct_sock a, tct_sock b) {
  return a.index == b.index && a.gen == b.gen;
}

static void wake(struct lsock *l, int fd, const tct_event *ev) {
  const uint32_t in = POLLIN | POLLRDNORM | POLLPRI | POLLRDBAND;
  if (ev->flags & (TCT_EV_READABLE | TCT_EV_ACCEPT | TCT_EV_URGENT))
    lsock_ready_wake(l, fd, in);
  if (ev->flags & TCT_EV_WRITABLE)
    lsock_ready_wake(l, fd, POLLOUT | POLLWRNORM | POLLWRBAND);
  if ((ev->flags & TCT_EV_CLOSED) && ev->err)
    lsock_ready_wake(l, fd, POLLERR);
  if (ev->flags & (TCT_EV_CONNECTED | TCT_EV_EOF | TCT_EV_CLOSED))
    lsock_ready_wake(l, fd, 0);
}

static void on_event(struct lsock *l, const tct_event *ev) {
  int fd = (int)(intptr_t)ev->user;
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f || !f->has_handle || !is_same(f->handle, ev->sock))
    return;
  for (int i = 0; i < LSOCK_NEWS_KINDS; i++)
    f->news[i] += ev->flags >> i & 1;
  if (ev->flags & TCT_EV_CONNECTED)
    f->phase = LSOCK_CONNECTED;
  if (ev->flags & TCT_EV_READABLE)
    f->rx_at = tct_now(l->stack);
  if (ev->flags & TCT_EV_EOF)
    f->had_eof = true;
  if (ev->flags & TCT_EV_SOFT_ERROR)
    on_soft_error(l, fd, -ev->err);
  if (ev->flags & TCT_EV_CLOSED)
    on_closed(l, f, ev);
  wake(l, fd, ev);
}

/* What comes without an event: bytes sent or acknowledged that somebody waits for. */
static void look_at(struct lsock *l, int fd) {
  struct lsock_file *f = l->files[fd];
  if (f->errors && lsock_errqueue_on_news(l, f))
    lsock_ready_wake(l, fd, POLLERR);
  if (f->is_short && lsock_ready_is_writeable(l, f)) {
    f->is_short = false;
    lsock_ready_wake(l, fd, POLLOUT | POLLWRNORM | POLLWRBAND);
  }
}

void lsock_on_news(struct lsock *l) {
  tct_event ev;
  while (tct_event_next(l->stack, &ev))
    on_event(l, &ev);
  for (int fd = 0; fd < LSOCK_FILES_MAX; fd++)
    if (l->files[fd] && l->files[fd]->kind == LSOCK_TCP)
      look_at(l, fd);
}

long lsock_news_count(struct lsock *l, int fd, uint32_t flag) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  for (int i = 0; i < LSOCK_NEWS_KINDS; i++)
    if (flag == 1u << i)
      return (long)f->news[i];
  return -EINVAL;
}
