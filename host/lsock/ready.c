/* SPDX-License-Identifier: MIT */
/*
 * ready.c - poll and epoll: what holds now, and for edge-triggered interest, what happened since.
 * Called through lsock.h; lsock.c tells it of news. Leaves time-outs to callers.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <stdlib.h>

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

static uint32_t mask_of_stream(struct lsock *l, const struct lsock_file *f) {
  uint32_t mask = f->has_handle ? mask_of_core(l, f) : 0;
  if (f->phase == LSOCK_LISTENING)
    return mask & (POLLIN | POLLRDNORM);
  if (f->phase == LSOCK_CONNECTING)
    return f->err ? POLLERR : 0;
  if (f->phase == LSOCK_IDLE || f->phase == LSOCK_OVER)
    mask |= POLLOUT | POLLWRNORM | POLLHUP;
  if (f->read_shut || f->phase == LSOCK_OVER)
    mask |= POLLIN | POLLRDNORM | POLLRDHUP;
  if (f->write_shut)
    mask |= POLLOUT | POLLWRNORM;
  if ((mask & POLLRDHUP) && f->write_shut)
    mask |= POLLHUP;
  return mask | (f->err ? (uint32_t)POLLERR : 0);
}

uint32_t lsock_ready_mask(struct lsock *l, int fd) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return POLLNVAL;
  switch ((enum lsock_kind)f->kind) {
  case LSOCK_TCP:
    return mask_of_stream(l, f);
  case LSOCK_UDP:
    return mask_of_core(l, f) | (f->err ? (uint32_t)POLLERR : 0);
  default:
    return 0;
  }
}

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
  if (!mask || ((in->events & EPOLLET) && !in->has_edge))
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

static void for_each_set(struct lsock *l, int fd, bool is_gone) {
  for (int ep = 0; ep < LSOCK_FILES_MAX; ep++) {
    struct lsock_file *e = l->files[ep];
    if (!e || e->kind != LSOCK_EPOLL || !e->interest)
      continue;
    struct lsock_interest *in = find_interest(e, fd);
    if (in && is_gone)
      in->fd = -1;
    if (in && !is_gone)
      in->has_edge = true;
  }
}

void lsock_ready_edge(struct lsock *l, int fd) {
  for_each_set(l, fd, false);
}

void lsock_ready_forget(struct lsock *l, int fd) {
  for_each_set(l, fd, true);
}
