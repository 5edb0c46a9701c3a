/* SPDX-License-Identifier: MIT */
/*
 * option_struct.c - options whose value is a structure or a text, and those that only read.
 * Called by options.c, which has the plain numbers.
 */
#define _GNU_SOURCE
#include "host/lsock/option.h"
#include "host/lsock/tcpinfo.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum {
  NAME_MAX_LEN = 16, /* of a congestion control, the zero byte counted */
  MEMINFO_WORDS = 9,
  TCP_IS_MPTCP_NAME = 43
};

long lsock_option_put(void *value, size_t *len, const void *from, size_t size) {
  if (*len > size)
    *len = size;
  if (*len)
    memcpy(value, from, *len);
  return 0;
}

/* ---- set ------------------------------------------------------------------------------------- */

static long set_linger(struct lsock_file *f, const struct lsock_option *o) {
  struct linger g;
  if (o->len < sizeof g)
    return -EINVAL;
  memcpy(&g, o->in, sizeof g);
  f->linger_on = g.l_onoff != 0;
  f->linger_s = g.l_linger < 0 ? INT32_MAX : g.l_linger;
  return 0;
}

static long set_timeout(struct lsock_file *f, const struct lsock_option *o) {
  struct timeval tv;
  if (o->len < sizeof tv)
    return -EINVAL;
  memcpy(&tv, o->in, sizeof tv);
  if (tv.tv_usec < 0 || tv.tv_usec >= 1000000)
    return -EDOM;
  uint64_t ns = tv.tv_sec < 0 ? 1 : (uint64_t)tv.tv_sec * 1000000000u + (uint64_t)tv.tv_usec * 1000;
  *(o->name == SO_RCVTIMEO ? &f->rcvtimeo_ns : &f->sndtimeo_ns) = ns;
  return 0;
}

/* Linux's names; unknown ones are ENOENT. */
static const struct {
  const char *name;
  tct_cc cc;
} algorithms[] = {{"reno", TCT_CC_NEWRENO},
                  {"cubic", TCT_CC_CUBIC},
                  {"bbr", TCT_CC_BBR},
                  {"dctcp", TCT_CC_DCTCP}};

static long set_congestion(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  char name[NAME_MAX_LEN] = {0};
  if (o->len == 0)
    return -EINVAL;
  memcpy(name, o->in, o->len < NAME_MAX_LEN ? o->len : NAME_MAX_LEN - 1);
  if (!f->has_handle)
    return -EINVAL;
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
    if (strcmp(name, algorithms[i].name) == 0)
      return tct_sock_set(l->stack, f->handle, TCT_OPT_CONGESTION, algorithms[i].cc);
  return -ENOENT;
}

/* 32 bits or 64; all ones in 32: no limit. */
static long set_pacing(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  uint64_t rate = 0;
  uint32_t word;
  if (o->len < sizeof word)
    return -EINVAL;
  memcpy(&word, o->in, sizeof word);
  rate = word == UINT32_MAX ? INT64_MAX : word;
  if (o->len >= sizeof rate)
    memcpy(&rate, o->in, sizeof rate);
  if (!f->has_handle)
    return -EINVAL;
  return tct_sock_set(l->stack, f->handle, TCT_OPT_MAX_PACING_RATE,
                      rate > INT64_MAX ? INT64_MAX : (int64_t)rate);
}

static long set_stamping(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  int flags;
  if (o->len < sizeof flags)
    return -EINVAL;
  memcpy(&flags, o->in, sizeof flags);
  return lsock_errqueue_set_flags(l, f, flags);
}

bool lsock_option_set(struct lsock *l, struct lsock_file *f, const struct lsock_option *o,
                      long *r) {
  bool is_socket = o->level == SOL_SOCKET, is_tcp = o->level == SOL_TCP && f->kind == LSOCK_TCP;
  bool is_timeout = is_socket && (o->name == SO_RCVTIMEO || o->name == SO_SNDTIMEO);
  bool is_key = is_tcp && o->name == TCP_FASTOPEN_KEY;
  bool is_ours = is_timeout || is_key || (is_tcp && o->name == TCP_CONGESTION) ||
                 (is_socket && (o->name == SO_LINGER || o->name == SO_MAX_PACING_RATE ||
                                o->name == SO_TIMESTAMPING));
  if (!is_ours)
    return false;
  if (!o->in)
    *r = -EFAULT;
  else if (is_timeout)
    *r = set_timeout(f, o);
  else if (is_key)
    *r = lsock_fastopen_key_set(l, f, o->in, o->len);
  else if (is_tcp)
    *r = set_congestion(l, f, o);
  else if (o->name == SO_LINGER)
    *r = set_linger(f, o);
  else if (o->name == SO_MAX_PACING_RATE)
    *r = set_pacing(l, f, o);
  else
    *r = set_stamping(l, f, o);
  return true;
}

/* ---- get ------------------------------------------------------------------------------------- */

static int64_t ask_core(struct lsock *l, const struct lsock_file *f, tct_opt o, int64_t otherwise) {
  int64_t v;
  return f->has_handle && tct_sock_get(l->stack, f->handle, o, &v) >= 0 ? v : otherwise;
}

static int take_error(struct lsock *l, struct lsock_file *f) {
  int err = (int)-lsock_file_take_err(f);
  if (err)
    return err;
  err = f->has_handle ? (int)-ask_core(l, f, TCT_OPT_SOFT_ERROR, 0) : f->soft_err;
  f->soft_err = 0;
  return err == ETIMEDOUT ? 0 : err; /* silence alone is no error yet */
}

/* Numbers that only read: false if this is none. */
static bool get_number(struct lsock *l, struct lsock_file *f, int name, int *v) {
  switch (name) {
  case SO_ERROR:
    *v = take_error(l, f);
    return true;
  case SO_TYPE:
    *v = f->kind == LSOCK_TCP ? SOCK_STREAM : SOCK_DGRAM;
    return true;
  case SO_ACCEPTCONN:
    *v = f->phase == LSOCK_LISTENING;
    return true;
  case SO_DOMAIN:
    *v = f->is_v6 ? AF_INET6 : AF_INET;
    return true;
  case SO_PROTOCOL:
    *v = f->kind == LSOCK_TCP ? IPPROTO_TCP : IPPROTO_UDP;
    return true;
  case SO_SNDLOWAT:
    *v = 1;
    return true;
  case SO_INCOMING_CPU:
    *v = 0;
    return true;
  case SO_TIMESTAMPING:
    *v = f->own[LSOCK_OWN_TSFLAGS];
    return true;
  default:
    return false;
  }
}

static long get_timeout(const struct lsock_file *f, const struct lsock_option *o) {
  uint64_t ns = o->name == SO_RCVTIMEO ? f->rcvtimeo_ns : f->sndtimeo_ns;
  struct timeval tv = {.tv_sec = (time_t)(ns / 1000000000u),
                       .tv_usec = (suseconds_t)(ns % 1000000000u / 1000)};
  return lsock_option_put(o->out, o->out_len, &tv, sizeof tv);
}

static long get_pacing(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  int64_t rate = ask_core(l, f, TCT_OPT_MAX_PACING_RATE, INT64_MAX);
  uint64_t wide = rate <= 0 || rate == INT64_MAX ? UINT64_MAX : (uint64_t)rate;
  uint32_t word = wide > UINT32_MAX ? UINT32_MAX : (uint32_t)wide;
  return *o->out_len >= sizeof wide ? lsock_option_put(o->out, o->out_len, &wide, sizeof wide)
                                    : lsock_option_put(o->out, o->out_len, &word, sizeof word);
}

/* Unread and unsent bytes and the buffers; what Linux counts beyond that is nothing here. */
static long get_meminfo(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  uint32_t words[MEMINFO_WORDS] = {0};
  tct_info info = {.size = sizeof info};
  if (f->kind == LSOCK_TCP && f->has_handle && tct_sock_info(l->stack, f->handle, &info) == 0) {
    words[0] = info.unread_bytes;
    words[5] =
        f->is_strict ? info.snd_nxt - info.snd_una + info.notsent_bytes : lsock_wmem_queued(l, f);
  }
  words[1] = f->rcvbuf ? f->rcvbuf : (uint32_t)ask_core(l, f, TCT_OPT_RCVBUF, 0);
  words[3] = f->is_strict ? (uint32_t)ask_core(l, f, TCT_OPT_SNDBUF, 0) : lsock_wmem_limit(l, f);
  return lsock_option_put(o->out, o->out_len, words, sizeof words);
}

static bool get_socket(struct lsock *l, struct lsock_file *f, const struct lsock_option *o,
                       long *r) {
  struct linger g = {.l_onoff = f->linger_on, .l_linger = f->linger_s};
  int v;
  if (get_number(l, f, o->name, &v))
    *r = lsock_option_put(o->out, o->out_len, &v, sizeof v);
  else if (o->name == SO_LINGER)
    *r = lsock_option_put(o->out, o->out_len, &g, sizeof g);
  else if (o->name == SO_RCVTIMEO || o->name == SO_SNDTIMEO)
    *r = get_timeout(f, o);
  else if (o->name == SO_MAX_PACING_RATE)
    *r = get_pacing(l, f, o);
  else if (o->name == SO_MEMINFO)
    *r = get_meminfo(l, f, o);
  else
    return false;
  return true;
}

static long get_congestion(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  char name[NAME_MAX_LEN] = "reno";
  int64_t cc = ask_core(l, f, TCT_OPT_CONGESTION, TCT_CC_NEWRENO);
  for (size_t i = 0; i < sizeof algorithms / sizeof algorithms[0]; i++)
    if ((int64_t)algorithms[i].cc == cc)
      memcpy(name, algorithms[i].name, strlen(algorithms[i].name) + 1);
  return lsock_option_put(o->out, o->out_len, name, sizeof name);
}

static long get_info(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  struct lsock_tcp_info out;
  lsock_tcpinfo_fill(l, f, &out);
  return lsock_option_put(o->out, o->out_len, &out, sizeof out);
}

static long get_fastopen_key(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  uint8_t key[32];
  long n = lsock_fastopen_key_get(l, f, key);
  return n < 0 ? n : lsock_option_put(o->out, o->out_len, key, (size_t)n);
}

static bool get_tcp(struct lsock *l, struct lsock_file *f, const struct lsock_option *o, long *r) {
  int none = 0;
  if (o->name == TCP_CONGESTION)
    *r = get_congestion(l, f, o);
  else if (o->name == TCP_INFO)
    *r = get_info(l, f, o);
  else if (o->name == TCP_FASTOPEN_KEY)
    *r = get_fastopen_key(l, f, o);
  else if (o->name == TCP_CC_INFO) /* the loss-based ones tell nothing: length 0 */
    *r = lsock_option_put(o->out, o->out_len, &none, 0);
  else if (o->name == TCP_IS_MPTCP_NAME)
    *r = lsock_option_put(o->out, o->out_len, &none, sizeof none);
  else
    return false;
  return true;
}

/* IP_MTU: of the route, so only where there is a peer. */
static long get_mtu(struct lsock *l, struct lsock_file *f, const struct lsock_option *o) {
  tct_info info = {.size = sizeof info};
  if (f->kind != LSOCK_TCP || f->phase != LSOCK_CONNECTED || !f->has_handle ||
      tct_sock_info(l->stack, f->handle, &info) < 0)
    return -ENOTCONN;
  int mtu = (int)info.pmtu;
  return lsock_option_put(o->out, o->out_len, &mtu, sizeof mtu);
}

bool lsock_option_get(struct lsock *l, struct lsock_file *f, const struct lsock_option *o,
                      long *r) {
  bool is_mtu =
      (o->level == SOL_IP && o->name == IP_MTU) || (o->level == SOL_IPV6 && o->name == IPV6_MTU);
  if (o->level == SOL_SOCKET)
    return get_socket(l, f, o, r);
  if (o->level == SOL_TCP && f->kind == LSOCK_TCP)
    return get_tcp(l, f, o, r);
  if (is_mtu && (o->level == SOL_IP || f->is_v6)) {
    *r = get_mtu(l, f, o);
    return true;
  }
  return false;
}
