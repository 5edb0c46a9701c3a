/* SPDX-License-Identifier: MIT */
/*
 * close.c - the ends: shutdown, close with and without lingering, abort; and how a call that sleeps
 * gives up. Called through lsock.h.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <sys/socket.h>

/* A listener stops listening, an attempt to connect ends: both may be used again. */
static long shutdown_unopened(struct lsock *l, int fd, int how) {
  struct lsock_file *f = l->files[fd];
  if (f->phase == LSOCK_LISTENING && how == SHUT_WR)
    return 0;
  if (f->phase == LSOCK_CONNECTING) {
    (void)tct_sock_abort(l->stack, f->handle);
    f->err = ECONNRESET; /* what Linux's disconnect leaves */
  } else {
    (void)tct_sock_close(l->stack, f->handle);
  }
  f->has_handle = false;
  f->phase = LSOCK_IDLE;
  long r = lsock_file_open(l, fd);
  lsock_ready_wake(l, fd, 0);
  return r;
}

long lsock_shutdown(struct lsock *l, int fd, int how) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
    return -EINVAL;
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_OVER) { /* nothing to shut, and yet it is shut */
    f->read_shut = f->read_shut || how != SHUT_WR;
    f->write_shut = f->write_shut || how != SHUT_RD;
    return -ENOTCONN;
  }
  if (f->phase == LSOCK_LISTENING || f->phase == LSOCK_CONNECTING)
    return shutdown_unopened(l, fd, how);
  if (how != SHUT_WR)
    f->read_shut = true;
  if (how != SHUT_RD)
    f->write_shut = true;
  int r = tct_sock_shutdown(l->stack, f->handle, (tct_how)how);
  lsock_ready_wake(l, fd, 0);
  return r;
}

/* Has the peer acknowledged all, our FIN as well? */
static bool is_drained(struct lsock *l, const struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  if (!f->has_handle || tct_sock_info(l->stack, f->handle, &i) < 0)
    return true;
  return i.snd_una == i.snd_nxt && i.notsent_bytes == 0 && i.state != TCT_ESTABLISHED &&
         i.state != TCT_CLOSE_WAIT;
}

/* SO_LINGER with a time: close sleeps. Unread data make a reset instead, and nothing to wait for.
 * True: go on sleeping. */
static bool linger(struct lsock *l, struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  if (!f->linger_on || f->linger_s == 0 || f->phase != LSOCK_CONNECTED || !f->has_handle)
    return false;
  if (!f->is_lingering) {
    if (tct_sock_info(l->stack, f->handle, &i) < 0 || i.unread_bytes)
      return false;
    f->is_lingering = true;
    f->linger_until = tct_now(l->stack) + (uint64_t)f->linger_s * 1000000000u;
    (void)tct_sock_shutdown(l->stack, f->handle, TCT_SHUT_WR);
  }
  return !is_drained(l, f) && tct_now(l->stack) < f->linger_until;
}

long lsock_close(struct lsock *l, int fd) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (linger(l, f))
    return LSOCK_SLEEP;
  if (f->has_handle && f->linger_on && f->linger_s == 0)
    (void)tct_sock_abort(l->stack, f->handle);
  else if (f->has_handle)
    (void)tct_sock_close(l->stack, f->handle);
  lsock_file_drop(l, fd);
  return 0;
}

long lsock_abort(struct lsock *l, int fd) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  long r = f->has_handle ? tct_sock_abort(l->stack, f->handle) : 0;
  lsock_file_drop(l, fd);
  return r;
}

/* ---- Sleeping -------------------------------------------------------------------------------- */

uint64_t lsock_timeout_ns(struct lsock *l, int fd, enum lsock_wait w) {
  const struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return 0;
  switch (w) {
  case LSOCK_WAIT_ACCEPT:
  case LSOCK_WAIT_RECV:
    return f->rcvtimeo_ns;
  case LSOCK_WAIT_CONNECT:
  case LSOCK_WAIT_SEND:
    return f->sndtimeo_ns;
  case LSOCK_WAIT_CLOSE:
    return (uint64_t)f->linger_s * 1000000000u;
  }
  return 0;
}

long lsock_give_up(struct lsock *l, int fd, enum lsock_wait w, size_t done) {
  if (w == LSOCK_WAIT_CLOSE)
    return lsock_close(l, fd);
  if (w == LSOCK_WAIT_CONNECT)
    return -EINPROGRESS;
  return w == LSOCK_WAIT_SEND && done ? (long)done : -EAGAIN;
}
