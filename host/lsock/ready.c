/* SPDX-License-Identifier: MIT */
/*
 * ready.c - poll and epoll: what holds now, and for edge-triggered interest, what happened since.
 * Called through lsock.h; lsock.c tells it of news. Leaves time-outs to callers.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <stdlib.h>

/* ---- Levels ---------------------------------------------------------------------------------- */

/* sk_stream_is_writeable: what is free is at least half of what is taken, and what is unsent is
 * less than half of the mark. */
bool lsock_ready_is_writeable(struct lsock *l, struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  int64_t limit = 0, lowat = 0;
  if (!f->is_strict)
    return lsock_wmem_is_writeable(l, f);
  if (!f->has_handle || tct_sock_info(l->stack, f->handle, &i) < 0 ||
      tct_sock_get(l->stack, f->handle, TCT_OPT_SNDBUF, &limit) < 0)
    return true;
  if (tct_sock_get(l->stack, f->handle, TCT_OPT_NOTSENT_LOWAT, &lowat) < 0)
    lowat = 0;
  int64_t queued = (int64_t)(i.snd_nxt - i.snd_una) + i.notsent_bytes;
  bool is_low = lowat == 0 || (int64_t)i.notsent_bytes * 2 < lowat;
  return is_low && limit - queued >= queued / 2;
}

static uint32_t mask_of_core(struct lsock *l, const struct lsock_file *f) {
  int ready = tct_sock_ready(l->stack, f->handle);
  if (ready < 0)
    return 0;
  uint32_t mask = 0;
  if (ready & (TCT_EV_READABLE | TCT_EV_ACCEPT))
    mask |= POLLIN | POLLRDNORM;
  if (ready & TCT_EV_EOF)
    mask |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (ready & TCT_EV_WRITABLE)
    mask |= POLLOUT | POLLWRNORM;
  if (ready & TCT_EV_URGENT)
    mask |= POLLPRI;
  return mask;
}

/* Whoever asks and finds no room is told when there is some. */
static uint32_t mask_of_open(struct lsock *l, struct lsock_file *f) {
  uint32_t mask = mask_of_core(l, f);
  if (!f->write_shut && !lsock_ready_is_writeable(l, f))
    mask &= ~(uint32_t)(POLLOUT | POLLWRNORM);
  if (!f->write_shut && !(mask & POLLOUT))
    f->is_short = true;
  return mask;
}

static uint32_t mask_of_error(const struct lsock_file *f) {
  uint32_t mask = f->err || !lsock_errqueue_is_empty(f) ? POLLERR : 0;
  bool is_priority = !lsock_errqueue_is_empty(f) && f->own[LSOCK_OWN_SELECT_ERR_QUEUE];
  return mask | (is_priority ? POLLPRI : 0u);
}

static uint32_t mask_of_stream(struct lsock *l, struct lsock_file *f) {
  if (f->phase == LSOCK_LISTENING)
    return mask_of_core(l, f) & (POLLIN | POLLRDNORM);
  if (f->phase == LSOCK_CONNECTING)
    return mask_of_error(f) | (lsock_fastopen_waits(l, f) ? POLLOUT | POLLWRNORM : 0u);
  uint32_t mask = f->phase == LSOCK_CONNECTED && f->has_handle ? mask_of_open(l, f) : 0;
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_OVER)
    mask |= POLLOUT | POLLWRNORM | POLLHUP;
  if (f->read_shut || f->phase == LSOCK_OVER)
    mask |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (f->write_shut)
    mask |= POLLOUT | POLLWRNORM;
  if ((mask & POLLRDHUP) && f->write_shut)
    mask |= POLLHUP;
  return mask | mask_of_error(f);
}

uint32_t lsock_ready_mask(struct lsock *l, int fd) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return POLLNVAL;
  switch ((enum lsock_kind)f->kind) {
  case LSOCK_TCP:
    return mask_of_stream(l, f);
  case LSOCK_UDP:
    return mask_of_core(l, f) | mask_of_error(f);
  case LSOCK_PIPE:
    return lsock_pipe_mask(f);
  default:
    return 0;
  }
}

/* ---- poll, epoll ----------------------------------------------------------------------------- */

long lsock_poll(struct lsock *l, struct pollfd *fds, size_t n) {
  long ready = 0;
  for (size_t i = 0; i < n; i++) {
    fds[i].revents = 0;
    if (fds[i].fd < 0)
      continue;
    uint32_t asked = (uint32_t)(uint16_t)fds[i].events | POLLERR | POLLHUP | POLLNVAL;
    fds[i].revents = (short)(lsock_ready_mask(l, fds[i].fd) & asked);
    if (fds[i].revents)
      ready++;
  }
  return ready;
}

long lsock_epoll_create(struct lsock *l) {
  int fd = lsock_file_new(l, LSOCK_EPOLL);
  if (fd < 0)
    return fd;
  struct lsock_file *f = l->files[fd];
  f->interest = calloc(LSOCK_INTEREST_MAX, sizeof *f->interest);
  if (!f->interest) {
    (void)lsock_close(l, fd);
    return -ENOMEM;
  }
  for (int i = 0; i < LSOCK_INTEREST_MAX; i++)
    f->interest[i].fd = -1;
  return fd;
}

static struct lsock_interest *find_interest(struct lsock_file *ep, int fd) {
  for (int i = 0; i < LSOCK_INTEREST_MAX; i++)
    if (ep->interest[i].fd == fd)
      return &ep->interest[i];
  return NULL;
}

static void set_interest(struct lsock_interest *in, int fd, const struct epoll_event *ev) {
  *in = (struct lsock_interest){
      .fd = fd, .events = ev->events | EPOLLERR | EPOLLHUP, .data = ev->data, .has_edge = true};
}

long lsock_epoll_ctl(struct lsock *l, int ep, int op, int fd, struct epoll_event *ev) {
  struct lsock_file *e = lsock_file_at(l, ep);
  if (!e || !lsock_file_at(l, fd))
    return -EBADF;
  if (e->kind != LSOCK_EPOLL || ep == fd)
    return -EINVAL;
  if (op != EPOLL_CTL_DEL && !ev)
    return -EFAULT;
  struct lsock_interest *in = find_interest(e, fd);
  switch (op) {
  case EPOLL_CTL_ADD:
    if (in)
      return -EEXIST;
    in = find_interest(e, -1);
    if (!in)
      return -ENOSPC;
    set_interest(in, fd, ev);
    return 0;
  case EPOLL_CTL_MOD:
    if (!in)
      return -ENOENT;
    set_interest(in, fd, ev);
    return 0;
  case EPOLL_CTL_DEL:
    if (!in)
      return -ENOENT;
    in->fd = -1;
    return 0;
  default:
    return -EINVAL;
  }
}

/* 0, or the events to report for this interest now. */
static uint32_t take_events(struct lsock *l, struct lsock_interest *in) {
  if (in->fd < 0 || in->is_spent)
    return 0;
  uint32_t mask = lsock_ready_mask(l, in->fd) & in->events;
  if (!mask) {
    in->has_edge = false; /* looked at in vain: off the ready list until woken */
    return 0;
  }
  if ((in->events & EPOLLET) && !in->has_edge)
    return 0;
  in->has_edge = false;
  in->is_spent = in->events & EPOLLONESHOT;
  return mask;
}

long lsock_epoll_wait(struct lsock *l, int ep, struct epoll_event *ev, int max) {
  struct lsock_file *e = lsock_file_at(l, ep);
  if (!e)
    return -EBADF;
  if (e->kind != LSOCK_EPOLL || max <= 0)
    return -EINVAL;
  int n = 0;
  for (int i = 0; i < LSOCK_INTEREST_MAX && n < max; i++) {
    uint32_t mask = take_events(l, &e->interest[i]);
    if (mask)
      ev[n++] = (struct epoll_event){.events = mask, .data = e->interest[i].data};
  }
  return n;
}

static struct lsock_interest *interest_in(struct lsock *l, int ep, int fd) {
  struct lsock_file *e = l->files[ep];
  return e && e->kind == LSOCK_EPOLL && e->interest ? find_interest(e, fd) : NULL;
}

void lsock_ready_wake(struct lsock *l, int fd, uint32_t events) {
  for (int ep = 0; ep < LSOCK_FILES_MAX; ep++) {
    struct lsock_interest *in = interest_in(l, ep, fd);
    if (in && (!events || (in->events & events)))
      in->has_edge = true;
  }
}

void lsock_ready_forget(struct lsock *l, int fd) {
  for (int ep = 0; ep < LSOCK_FILES_MAX; ep++) {
    struct lsock_interest *in = interest_in(l, ep, fd);
    if (in)
      in->fd = -1;
  }
}
