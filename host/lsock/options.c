/* SPDX-License-Identifier: MIT */
/*
 * options.c - setsockopt and getsockopt: one table from Linux's (level, name) to the core's
 * options, and a few that live only here. An option that is not in it fails with ENOPROTOOPT:
 * nothing is accepted and ignored. Called through lsock.h.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

#ifndef TCP_NOTSENT_LOWAT
#define TCP_NOTSENT_LOWAT 25
#endif

enum conv {
  PLAIN, /* the same number */
  FLAG,  /* any non-zero is 1 */
  TIMES_1000,
  TOS,     /* the DSCP in the upper six bits */
  DOUBLED, /* SO_SNDBUF, SO_RCVBUF: Linux reports twice what was asked */
  PMTU     /* IP_PMTUDISC_* */
};

struct row {
  int level, name;
  enum conv conv;
  tct_opt opt;
  int min, max;
};

static const struct row rows[] = {
    {SOL_SOCKET, SO_KEEPALIVE, FLAG, TCT_OPT_KEEPALIVE, 0, INT32_MAX},
    {SOL_SOCKET, SO_REUSEADDR, FLAG, TCT_OPT_REUSEADDR, 0, INT32_MAX},
    {SOL_SOCKET, SO_REUSEPORT, FLAG, TCT_OPT_REUSEPORT, 0, INT32_MAX},
    {SOL_SOCKET, SO_BROADCAST, FLAG, TCT_OPT_BROADCAST, 0, INT32_MAX},
    {SOL_SOCKET, SO_SNDBUF, DOUBLED, TCT_OPT_SNDBUF, 0, INT32_MAX},
    {SOL_SOCKET, SO_RCVBUF, DOUBLED, TCT_OPT_RCVBUF, 0, INT32_MAX},
    {SOL_SOCKET, SO_RCVLOWAT, PLAIN, TCT_OPT_RCVLOWAT, 0, INT32_MAX},
    {SOL_TCP, TCP_NODELAY, FLAG, TCT_OPT_NODELAY, INT32_MIN, INT32_MAX},
    {SOL_TCP, TCP_CORK, FLAG, TCT_OPT_CORK, INT32_MIN, INT32_MAX},
    {SOL_TCP, TCP_QUICKACK, FLAG, TCT_OPT_QUICKACK, INT32_MIN, INT32_MAX},
    {SOL_TCP, TCP_MAXSEG, PLAIN, TCT_OPT_MAXSEG, 88, 32767},
    {SOL_TCP, TCP_KEEPIDLE, PLAIN, TCT_OPT_KEEPIDLE_S, 1, 32767},
    {SOL_TCP, TCP_KEEPINTVL, PLAIN, TCT_OPT_KEEPINTVL_S, 1, 32767},
    {SOL_TCP, TCP_KEEPCNT, PLAIN, TCT_OPT_KEEPCNT, 1, 127},
    {SOL_TCP, TCP_SYNCNT, PLAIN, TCT_OPT_SYN_RETRIES, 1, 127},
    {SOL_TCP, TCP_LINGER2, TIMES_1000, TCT_OPT_FIN_WAIT_2_MS, 0, 60},
    {SOL_TCP, TCP_DEFER_ACCEPT, PLAIN, TCT_OPT_DEFER_ACCEPT_S, 0, INT32_MAX},
    {SOL_TCP, TCP_WINDOW_CLAMP, PLAIN, TCT_OPT_WINDOW_CLAMP, 0, INT32_MAX},
    {SOL_TCP, TCP_USER_TIMEOUT, PLAIN, TCT_OPT_USER_TIMEOUT_MS, 0, INT32_MAX},
    {SOL_TCP, TCP_NOTSENT_LOWAT, PLAIN, TCT_OPT_NOTSENT_LOWAT, INT32_MIN, INT32_MAX},
    {SOL_IP, IP_TOS, TOS, TCT_OPT_DSCP, 0, 255},
    {SOL_IP, IP_TTL, PLAIN, TCT_OPT_HOP_LIMIT, 1, 255},
    {SOL_IP, IP_MTU_DISCOVER, PMTU, TCT_OPT_PMTU_DISCOVER, 0, 5},
    {SOL_IPV6, IPV6_TCLASS, TOS, TCT_OPT_DSCP, 0, 255},
    {SOL_IPV6, IPV6_UNICAST_HOPS, PLAIN, TCT_OPT_HOP_LIMIT, 1, 255},
    {SOL_IPV6, IPV6_V6ONLY, FLAG, TCT_OPT_V6ONLY, 0, INT32_MAX},
    {SOL_IPV6, IPV6_MTU_DISCOVER, PMTU, TCT_OPT_PMTU_DISCOVER, 0, 5},
};

static const struct row *find_row(int level, int name) {
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].level == level && rows[i].name == name)
      return &rows[i];
  return NULL;
}

static struct lsock_file *find_socket(struct lsock *l, int fd, long *err) {
  struct lsock_file *f = lsock_file_at(l, fd);
  *err = !f ? -EBADF : f->kind == LSOCK_EPOLL ? -ENOTSOCK : 0;
  return *err ? NULL : f;
}

static int64_t to_core(struct lsock_file *f, const struct row *row, int v) {
  switch (row->conv) {
  case FLAG:
    return v != 0;
  case TIMES_1000:
    return (int64_t)v * 1000;
  case TOS:
    f->tos = (uint8_t)v;
    return v >> 2;
  case PMTU:
    return v != IP_PMTUDISC_DONT;
  case DOUBLED: {
    uint32_t floor = row->name == SO_SNDBUF ? 2304 : 1152;
    uint32_t asked = (uint32_t)v < floor ? floor : (uint32_t)v;
    *(row->name == SO_SNDBUF ? &f->sndbuf : &f->rcvbuf) = asked * 2;
    return asked;
  }
  default:
    return v;
  }
}

static int from_core(const struct lsock_file *f, const struct row *row, int64_t v) {
  switch (row->conv) {
  case FLAG:
    return v != 0;
  case TIMES_1000:
    return (int)(v / 1000);
  case TOS:
    return f->tos;
  case PMTU:
    return v ? IP_PMTUDISC_WANT : IP_PMTUDISC_DONT;
  case DOUBLED: {
    uint32_t set = row->name == SO_SNDBUF ? f->sndbuf : f->rcvbuf;
    return set ? (int)set : (int)v;
  }
  default:
    return (int)v;
  }
}

static long set_linger(struct lsock_file *f, const void *value, size_t len) {
  struct linger g;
  if (len < sizeof g)
    return -EINVAL;
  memcpy(&g, value, sizeof g);
  f->linger_on = g.l_onoff != 0;
  f->linger_s = g.l_linger;
  return 0;
}

static long set_congestion(struct lsock *l, struct lsock_file *f, const char *name, size_t len) {
  if (len != 4 || memcmp(name, "reno", 4) != 0)
    return -ENOENT;
  return tct_sock_set(l->stack, f->handle, TCT_OPT_CONGESTION, TCT_CC_NEWRENO);
}

long lsock_setsockopt(struct lsock *l, int fd, int level, int name, const void *value, size_t len) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (!value)
    return -EFAULT;
  if (level == SOL_SOCKET && name == SO_LINGER)
    return set_linger(f, value, len);
  if (level == SOL_TCP && name == TCP_CONGESTION)
    return f->has_handle ? set_congestion(l, f, value, len) : -EINVAL;
  int v = 0;
  if (len < sizeof v)
    return -EINVAL;
  memcpy(&v, value, sizeof v);
  if (level == SOL_SOCKET && name == SO_OOBINLINE) {
    /* Urgent bytes always stay in the stream here [RFC9293 MUST-30]. */
    f->oob_inline = v != 0;
    return 0;
  }
  const struct row *row = find_row(level, name);
  if (!row || (level == SOL_TCP && f->kind != LSOCK_TCP))
    return -ENOPROTOOPT;
  if (v < row->min || v > row->max)
    return -EINVAL;
  if (!f->has_handle)
    return -EINVAL;
  return tct_sock_set(l->stack, f->handle, row->opt, to_core(f, row, v));
}

/* Options that only read. *v and 0, or a negative errno. */
static long get_own(struct lsock_file *f, int level, int name, int *v) {
  if (level != SOL_SOCKET)
    return -ENOPROTOOPT;
  switch (name) {
  case SO_ERROR:
    *v = (int)-lsock_file_take_err(f);
    return 0;
  case SO_TYPE:
    *v = f->kind == LSOCK_TCP ? SOCK_STREAM : SOCK_DGRAM;
    return 0;
  case SO_ACCEPTCONN:
    *v = f->phase == LSOCK_LISTENING;
    return 0;
  case SO_DOMAIN:
    *v = f->is_v6 ? AF_INET6 : AF_INET;
    return 0;
  case SO_PROTOCOL:
    *v = f->kind == LSOCK_TCP ? IPPROTO_TCP : IPPROTO_UDP;
    return 0;
  case SO_OOBINLINE:
    *v = f->oob_inline;
    return 0;
  default:
    return -ENOPROTOOPT;
  }
}

static long get_table(struct lsock *l, struct lsock_file *f, const struct row *row, int *v) {
  if (row->conv == TOS) {
    *v = f->tos;
    return 0;
  }
  if (!f->has_handle)
    return -EINVAL;
  int64_t got = 0;
  int r = tct_sock_get(l->stack, f->handle, row->opt, &got);
  if (r >= 0)
    *v = from_core(f, row, got);
  return r;
}

static long put_value(void *value, size_t *len, const void *from, size_t size) {
  if (*len > size)
    *len = size;
  memcpy(value, from, *len);
  return 0;
}

long lsock_getsockopt(struct lsock *l, int fd, int level, int name, void *value, size_t *len) {
  long err;
  struct lsock_file *f = find_socket(l, fd, &err);
  if (!f)
    return err;
  if (!value || !len)
    return -EFAULT;
  if (level == SOL_SOCKET && name == SO_LINGER) {
    struct linger g = {.l_onoff = f->linger_on, .l_linger = f->linger_s};
    return put_value(value, len, &g, sizeof g);
  }
  if (level == SOL_TCP && name == TCP_CONGESTION)
    return put_value(value, len, "reno", 5);
  int v = 0;
  const struct row *row = find_row(level, name);
  long r = row ? get_table(l, f, row, &v) : get_own(f, level, name, &v);
  return r < 0 ? r : put_value(value, len, &v, sizeof v);
}
