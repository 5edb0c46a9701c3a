/* SPDX-License-Identifier: MIT */
/*
 * cmsg.c - control messages into a caller's buffer, as the kernel's put_cmsg does it. Called by
 * message.c and errqueue.c.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

void lsock_cmsg_put(struct msghdr *m, size_t *used, const struct lsock_cmsg *c) {
  size_t room = m->msg_control && m->msg_controllen > *used ? m->msg_controllen - *used : 0;
  size_t len = CMSG_LEN(c->len);
  struct cmsghdr h = {.cmsg_len = len, .cmsg_level = c->level, .cmsg_type = c->type};
  uint8_t *at = (uint8_t *)m->msg_control + *used;
  if (room < sizeof h) {
    m->msg_flags |= MSG_CTRUNC;
    return;
  }
  if (room < len) {
    m->msg_flags |= MSG_CTRUNC;
    h.cmsg_len = len = room;
  }
  memcpy(at, &h, sizeof h);
  memcpy(at + CMSG_LEN(0), c->data, len - CMSG_LEN(0));
  *used += CMSG_SPACE(c->len) < room ? CMSG_SPACE(c->len) : room;
}

static struct timespec wall_time(const struct lsock *l, uint64_t at) {
  uint64_t ns = at + (uint64_t)l->epoch_ns;
  return (struct timespec){(time_t)(ns / 1000000000u), (long)(ns % 1000000000u)};
}

void lsock_cmsg_put_stamp(struct lsock *l, struct msghdr *m, size_t *used, uint64_t at) {
  struct timespec stamps[3] = {wall_time(l, at), {0, 0}, {0, 0}};
  struct lsock_cmsg c = {SOL_SOCKET, SCM_TIMESTAMPING, stamps, sizeof stamps};
  lsock_cmsg_put(m, used, &c);
}

void lsock_cmsg_put_times(struct lsock *l, const struct lsock_file *f, struct msghdr *m,
                          size_t *used, uint64_t at) {
  int want = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
  struct timespec ts = wall_time(l, at);
  if (f->own[LSOCK_OWN_TIMESTAMPNS]) {
    struct lsock_cmsg c = {SOL_SOCKET, SO_TIMESTAMPNS, &ts, sizeof ts};
    lsock_cmsg_put(m, used, &c);
  } else if (f->own[LSOCK_OWN_TIMESTAMP]) {
    struct timeval tv = {ts.tv_sec, ts.tv_nsec / 1000};
    struct lsock_cmsg c = {SOL_SOCKET, SO_TIMESTAMP, &tv, sizeof tv};
    lsock_cmsg_put(m, used, &c);
  }
  if ((f->own[LSOCK_OWN_TSFLAGS] & want) == want)
    lsock_cmsg_put_stamp(l, m, used, at);
}
