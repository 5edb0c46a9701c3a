/* SPDX-License-Identifier: MIT */
/*
 * options.c - setsockopt and getsockopt: one table from Linux's (level, name) to the core's
 * options and to what lives only here. An option that is not in it fails with ENOPROTOOPT: nothing
 * is accepted and ignored. Called through lsock.h. Leaves values that are no single number to
 * option_struct.c.
 */
#define _GNU_SOURCE
#include "host/lsock/option.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

enum { IPV6_FREEBIND_NAME = 78, ANY_MIN = INT32_MIN, ANY_MAX = INT32_MAX };

enum conv {
  PLAIN, /* the same number */
  FLAG,  /* any non-zero is 1 */
  TOS,   /* the DSCP in the upper six bits */
  HOPS,  /* -1: the default */
  SNDBUF,
  RCVBUF,  /* Linux reports twice what was asked */
  PMTU,    /* IP_PMTUDISC_* */
  LINGER2, /* seconds, bounded */
  DEFER,   /* seconds that become a number of retransmissions and back */
  CLAMP,   /* window clamp, with a floor */
  OWN,     /* opt is an enum lsock_own */
  OWN_FLAG,
  OWN_SWITCH, /* 0 or 1, else EINVAL */
  QUICKACK,
  BROADCAST,
  MAXSEG /* settled once the handshake has begun */
};

struct row {
  int level, name;
  enum conv conv;
  int opt;
  int min, max;
};

static const struct row rows[] = {
    {SOL_SOCKET, SO_KEEPALIVE, FLAG, TCT_OPT_KEEPALIVE, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_REUSEADDR, FLAG, TCT_OPT_REUSEADDR, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_REUSEPORT, FLAG, TCT_OPT_REUSEPORT, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_BROADCAST, BROADCAST, TCT_OPT_BROADCAST, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_SNDBUF, SNDBUF, TCT_OPT_SNDBUF, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_SNDBUFFORCE, SNDBUF, TCT_OPT_SNDBUF, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_RCVBUF, RCVBUF, TCT_OPT_RCVBUF, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_RCVBUFFORCE, RCVBUF, TCT_OPT_RCVBUF, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_RCVLOWAT, PLAIN, TCT_OPT_RCVLOWAT, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_DEBUG, OWN_FLAG, LSOCK_OWN_DEBUG, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_DONTROUTE, OWN_FLAG, LSOCK_OWN_DONTROUTE, ANY_MIN, ANY_MAX},
    /* Urgent bytes always stay in the stream here [RFC9293 MUST-30]. */
    {SOL_SOCKET, SO_OOBINLINE, OWN_FLAG, LSOCK_OWN_OOBINLINE, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_PRIORITY, OWN, LSOCK_OWN_PRIORITY, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_MARK, OWN, LSOCK_OWN_MARK, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_TIMESTAMP, OWN_FLAG, LSOCK_OWN_TIMESTAMP, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_TIMESTAMPNS, OWN_FLAG, LSOCK_OWN_TIMESTAMPNS, ANY_MIN, ANY_MAX},
    {SOL_SOCKET, SO_ZEROCOPY, OWN_SWITCH, LSOCK_OWN_ZEROCOPY, 0, 1},
    {SOL_SOCKET, SO_SELECT_ERR_QUEUE, OWN_FLAG, LSOCK_OWN_SELECT_ERR_QUEUE, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_NODELAY, FLAG, TCT_OPT_NODELAY, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_CORK, FLAG, TCT_OPT_CORK, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_QUICKACK, QUICKACK, TCT_OPT_QUICKACK, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_MAXSEG, MAXSEG, TCT_OPT_MAXSEG, 88, 32767},
    {SOL_TCP, TCP_KEEPIDLE, PLAIN, TCT_OPT_KEEPIDLE_S, 1, 32767},
    {SOL_TCP, TCP_KEEPINTVL, PLAIN, TCT_OPT_KEEPINTVL_S, 1, 32767},
    {SOL_TCP, TCP_KEEPCNT, PLAIN, TCT_OPT_KEEPCNT, 1, 127},
    {SOL_TCP, TCP_SYNCNT, PLAIN, TCT_OPT_SYN_RETRIES, 1, 127},
    {SOL_TCP, TCP_LINGER2, LINGER2, TCT_OPT_FIN_WAIT_2_MS, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_DEFER_ACCEPT, DEFER, TCT_OPT_DEFER_ACCEPT_S, ANY_MIN, ANY_MAX},
    {SOL_TCP, TCP_WINDOW_CLAMP, CLAMP, TCT_OPT_WINDOW_CLAMP, 0, ANY_MAX},
    {SOL_TCP, TCP_USER_TIMEOUT, PLAIN, TCT_OPT_USER_TIMEOUT_MS, 0, ANY_MAX},
    {SOL_TCP, TCP_FASTOPEN, PLAIN, TCT_OPT_FASTOPEN, 0, ANY_MAX},
    {SOL_TCP, TCP_FASTOPEN_CONNECT, PLAIN, TCT_OPT_FASTOPEN_CONNECT, 0, 1},
    {SOL_TCP, TCP_FASTOPEN_NO_COOKIE, PLAIN, TCT_OPT_FASTOPEN_NO_COOKIE, 0, 1},
    {SOL_TCP, TCP_NOTSENT_LOWAT, PLAIN, TCT_OPT_NOTSENT_LOWAT, ANY_MIN, ANY_MAX},
    {SOL_TCP, LSOCK_TCP_INQ, OWN_SWITCH, LSOCK_OWN_INQ, 0, 1},
    {SOL_IP, IP_TOS, TOS, TCT_OPT_DSCP, ANY_MIN, ANY_MAX},
    {SOL_IP, IP_TTL, HOPS, TCT_OPT_HOP_LIMIT, -1, 255},
    {SOL_IP, IP_MTU_DISCOVER, PMTU, TCT_OPT_PMTU_DISCOVER, 0, 5},
    {SOL_IP, IP_FREEBIND, OWN_FLAG, LSOCK_OWN_FREEBIND, ANY_MIN, ANY_MAX},
    {SOL_IP, IP_RECVERR, OWN_FLAG, LSOCK_OWN_RECVERR, ANY_MIN, ANY_MAX},
    {SOL_IPV6, IPV6_TCLASS, TOS, TCT_OPT_DSCP, -1, 255},
    {SOL_IPV6, IPV6_UNICAST_HOPS, HOPS, TCT_OPT_HOP_LIMIT, -1, 255},
    {SOL_IPV6, IPV6_V6ONLY, FLAG, TCT_OPT_V6ONLY, ANY_MIN, ANY_MAX},
    {SOL_IPV6, IPV6_MTU_DISCOVER, PMTU, TCT_OPT_PMTU_DISCOVER, 0, 5},
    {SOL_IPV6, IPV6_FREEBIND_NAME, OWN_FLAG, LSOCK_OWN_FREEBIND, ANY_MIN, ANY_MAX},
    {SOL_IPV6, IPV6_RECVERR, OWN_FLAG, LSOCK_OWN_RECVERR6, ANY_MIN, ANY_MAX},
};

/* TCP's options are of streams only, IPv6's of IPv6 sockets only. */
static const struct row *find_row(const struct lsock_file *f, int level, int name) {
  if ((level == SOL_TCP && f->kind != LSOCK_TCP) || (level == SOL_IPV6 && !f->is_v6))
    return NULL;
  for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
    if (rows[i].level == level && rows[i].name == name)
      return &rows[i];
  return NULL;
}

/* ---- Numbers, Linux's and the core's --------------------------------------------------------- */

/* TCP_DEFER_ACCEPT counts in SYN-ACK retransmissions of 1, 2, 4 ... s, and so rounds up. */
static int round_defer(int seconds) {
  int period = 1, timeout = 1;
  if (seconds <= 0)
    return 0;
  while (seconds > period && period < 255) {
    timeout = timeout * 2 > 120 ? 120 : timeout * 2;
    period += timeout;
  }
  return period > 255 ? 255 : period;
}

/* SO_SNDBUF, SO_RCVBUF: at most the sysctl's maximum, twice as much, and no less than the floor. */
static uint32_t double_buffer(int v, bool is_send) {
  uint32_t asked = (uint32_t)v > LSOCK_BUF_MAX ? LSOCK_BUF_MAX : (uint32_t)v;
  uint32_t floor = is_send ? 4608 : 2304;
  return asked * 2 < floor ? floor : asked * 2;
}

static int64_t buffer_to_core(struct lsock_file *f, const struct row *row, int v) {
  uint32_t both = double_buffer(v, row->conv == SNDBUF);
  *(row->conv == SNDBUF ? &f->sndbuf : &f->rcvbuf) = both;
  return row->conv == SNDBUF && !f->is_strict ? lsock_wmem_core_limit(both) : both / 2;
}

/* Streams keep the ECN bits to themselves. */
static int64_t tos_to_core(struct lsock_file *f, const struct row *row, int v) {
  if (row->level == SOL_IPV6 && v == -1)
    v = 0;
  f->tos = (uint8_t)(f->kind == LSOCK_TCP ? v & 0xfc : v);
  return f->tos >> 2;
}

static int64_t to_core(struct lsock_file *f, const struct row *row, int v) {
  switch (row->conv) {
  case FLAG:
  case BROADCAST:
    return v != 0;
  case QUICKACK:
    f->own[LSOCK_OWN_QUICKACK_OFF] = !(v & 1);
    return v & 1;
  case TOS:
    return tos_to_core(f, row, v);
  case HOPS:
    return v == -1 ? 64 : v;
  case PMTU:
    return v != IP_PMTUDISC_DONT;
  case SNDBUF:
  case RCVBUF:
    return buffer_to_core(f, row, v);
  case LINGER2:
    return v < 0 ? 1 : v > 120 ? 120000 : (int64_t)v * 1000;
  case DEFER:
    return round_defer(v);
  case CLAMP:
    return v && v < 1152 ? 1152 : v;
  default:
    break;
  }
  if (row->opt == TCT_OPT_NOTSENT_LOWAT)
    return (uint32_t)v;
  if (row->opt == TCT_OPT_RCVLOWAT)
    return v < 0 ? INT32_MAX / 2 : v == 0 ? 1 : v > INT32_MAX / 2 ? INT32_MAX / 2 : v;
  return v;
}

static int from_core(const struct lsock_file *f, const struct row *row, int64_t v) {
  switch (row->conv) {
  case FLAG:
  case BROADCAST:
    return v != 0;
  case LINGER2:
    return (int)(v / 1000);
  case TOS:
    return f->tos;
  case PMTU:
    return v ? IP_PMTUDISC_WANT : IP_PMTUDISC_DONT;
  case QUICKACK:
    return !f->own[LSOCK_OWN_QUICKACK_OFF];
  case SNDBUF:
    return f->sndbuf ? (int)f->sndbuf : (int)v;
  case RCVBUF:
    return f->rcvbuf ? (int)f->rcvbuf : f->is_strict ? (int)v : 2 * (int)v;
  default:
    return (int)v;
  }
}

/* ---- set ------------------------------------------------------------------------------------- */

static long set_own(struct lsock_file *f, const struct row *row, int v) {
  f->own[row->opt] = row->conv == OWN_FLAG ? v != 0 : v;
  return 0;
}

static long set_core(struct lsock *l, struct lsock_file *f, const struct row *row, int v) {
  if (!f->has_handle)
    return -EINVAL;
  if (row->conv == MAXSEG && !f->is_strict && f->phase != LSOCK_IDLE)
    return f->phase == LSOCK_LISTENING ? tct_sock_set(l->stack, f->handle, TCT_OPT_MAXSEG, v) : 0;
  if (row->conv == HOPS && v == 0)
    return row->level == SOL_IP ? -EINVAL : 0;
  return tct_sock_set(l->stack, f->handle, (tct_opt)row->opt, to_core(f, row, v));
}

static long set_row(struct lsock *l, struct lsock_file *f, const struct row *row, int v) {
  if (v < row->min || v > row->max)
    return -EINVAL;
  if (row->conv == BROADCAST) {
    f->own[LSOCK_OWN_BROADCAST] = v != 0;
    return f->kind == LSOCK_UDP ? set_core(l, f, row, v) : 0;
  }
  bool is_own = row->conv == OWN || row->conv == OWN_FLAG || row->conv == OWN_SWITCH;
  return is_own ? set_own(f, row, v) : set_core(l, f, row, v);
}

/* SOL_IP takes numbers of one byte, too. */
static long read_number(int level, const void *value, size_t len, int *v) {
  if (len >= sizeof *v) {
    memcpy(v, value, sizeof *v);
    return 0;
  }
  if (level != SOL_IP || len == 0)
    return -EINVAL;
  *v = *(const uint8_t *)value;
  return 0;
}

long lsock_setsockopt(struct lsock *l, int fd, int level, int name, const void *value, size_t len) {
  long err;
  int v = 0;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (len > INT32_MAX)
    return -EINVAL;
  struct lsock_option o = {.level = level, .name = name, .in = value, .len = len};
  if (lsock_option_set(l, f, &o, &err))
    return err;
  const struct row *row = find_row(f, level, name);
  if (!row)
    return -ENOPROTOOPT;
  if (!value)
    return -EFAULT;
  err = read_number(level, value, len, &v);
  return err < 0 ? err : set_row(l, f, row, v);
}

/* ---- get ------------------------------------------------------------------------------------- */

static long get_row(struct lsock *l, struct lsock_file *f, const struct row *row, int *v) {
  int64_t got = 0;
  if (row->conv == OWN || row->conv == OWN_FLAG || row->conv == OWN_SWITCH) {
    *v = f->own[row->opt];
    return 0;
  }
  if (row->conv == BROADCAST && f->kind != LSOCK_UDP) {
    *v = f->own[LSOCK_OWN_BROADCAST];
    return 0;
  }
  if (row->conv == SNDBUF && !f->is_strict) {
    *v = (int)lsock_wmem_limit(l, f);
    return 0;
  }
  if (row->conv != TOS && row->conv != QUICKACK) {
    if (!f->has_handle)
      return -EINVAL;
    int r = tct_sock_get(l->stack, f->handle, (tct_opt)row->opt, &got);
    if (r < 0)
      return r;
  }
  *v = from_core(f, row, got);
  return 0;
}

/* SOL_IP gives one byte to who has room for no more. */
static long put_number(int level, int v, void *value, size_t *len) {
  uint8_t byte = (uint8_t)v;
  bool is_byte = level == SOL_IP && *len > 0 && *len < sizeof v && v >= 0 && v <= 255;
  return is_byte ? lsock_option_put(value, len, &byte, 1)
                 : lsock_option_put(value, len, &v, sizeof v);
}

long lsock_getsockopt(struct lsock *l, int fd, int level, int name, void *value, size_t *len) {
  long err;
  int v = 0;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (!len || (!value && *len > 0))
    return -EFAULT;
  if (*len > INT32_MAX)
    return -EINVAL;
  struct lsock_option o = {.level = level, .name = name, .out = value, .out_len = len};
  if (lsock_option_get(l, f, &o, &err))
    return err;
  const struct row *row = find_row(f, level, name);
  err = row ? get_row(l, f, row, &v) : -ENOPROTOOPT;
  return err < 0 ? err : put_number(level, v, value, len);
}
