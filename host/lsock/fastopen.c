/* SPDX-License-Identifier: MIT */
/*
 * fastopen.c - Linux's Fast Open calls: connect that waits for its first data, and sends that open.
 * Called by lsock.c (connect), transfer.c and message.c (sends), option_struct.c (keys). What goes
 * with the SYN is the core's affair. RFC 7413; results as Linux's tcp(7) and its kernel have them.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { SYN_BYTES_MAX = 65535 };

bool lsock_fastopen_waits(struct lsock *l, const struct lsock_file *f) {
  bool is_open = f->has_handle && f->phase == LSOCK_CONNECTING;
  return is_open && (tct_sock_ready(l->stack, f->handle) & TCT_EV_WRITABLE);
}

/* The first bytes of all pieces, in one; NULL: no memory. */
static uint8_t *gather(const struct lsock_pieces *p, size_t *len) {
  size_t total = 0;
  uint8_t *to = malloc(SYN_BYTES_MAX);
  for (size_t i = 0; to && i < p->n && total < SYN_BYTES_MAX; i++) {
    size_t n = p->iov[i].iov_len;
    n = n < SYN_BYTES_MAX - total ? n : SYN_BYTES_MAX - total;
    if (n)
      memcpy(to + total, p->iov[i].iov_base, n);
    total += n;
  }
  *len = total;
  return to;
}

static bool has_null(const struct lsock_pieces *p) {
  for (size_t i = 0; i < p->n; i++)
    if (!p->iov[i].iov_base && p->iov[i].iov_len)
      return true;
  return false;
}

/* The SYN leaves; `to` NULL: of a connect before. Without blocking the call ends here. */
static long begin(struct lsock *l, int fd, const struct lsock_pieces *p, const tct_endpoint *to) {
  struct lsock_file *f = lsock_file_at(l, fd);
  size_t len;
  long r = lsock_file_open(l, fd);
  if (r < 0)
    return r;
  if (has_null(p))
    return -EFAULT;
  uint8_t *bytes = gather(p, &len);
  if (!bytes)
    return -ENOBUFS;
  bool sleeps = lsock_file_wait(f, p->flags) == LSOCK_SLEEP;
  r = tct_sock_connect_send(l->stack, f->handle, to, bytes, len, sleeps ? TCT_MSG_MORE : 0);
  free(bytes);
  if (r < 0)
    return r;
  if (to)
    lsock_file_connecting(l, fd);
  f->syn_bytes = (size_t)r;
  f->tx_bytes += (uint64_t)r;
  if (!sleeps)
    return r > 0 ? r : -EINPROGRESS;
  f->is_opening_send = true;
  return LSOCK_SLEEP;
}

/* The attempt that this call began, or found, has ended. */
static long finish(struct lsock_file *f, size_t *done) {
  f->is_opening_send = false;
  if (f->phase == LSOCK_CONNECTED) {
    f->connect_told = true;
    *done = f->syn_bytes;
    return 1;
  }
  f->connect_lost = false;
  f->phase = LSOCK_IDLE;
  return f->err ? lsock_file_take_err(f) : -ECONNABORTED;
}

long lsock_fastopen_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  bool waits = lsock_fastopen_waits(l, f);
  tct_config c;
  tct_config_get(l->stack, &c);
  if (f->is_opening_send)
    return f->phase == LSOCK_CONNECTING ? LSOCK_SLEEP : finish(f, done);
  if ((!(p->flags & MSG_FASTOPEN) && !waits) || *done)
    return 1;
  if (!(c.fastopen & TCT_FASTOPEN_CLIENT) || p->to_err == -EAFNOSUPPORT)
    return -EOPNOTSUPP;
  f->syn_bytes = 0;
  if (waits)
    return begin(l, fd, p, NULL);
  if (f->phase == LSOCK_CONNECTING) {
    f->is_opening_send = lsock_file_wait(f, p->flags) == LSOCK_SLEEP;
    return f->is_opening_send ? LSOCK_SLEEP : -EALREADY;
  }
  if (f->phase == LSOCK_IDLE && !f->connect_lost)
    return p->to_err ? p->to_err : begin(l, fd, p, p->to);
  return f->connect_told || f->phase == LSOCK_LISTENING ? -EISCONN : finish(f, done);
}

/* ---- TCP_FASTOPEN_KEY: 16 bytes, or 32 with the key before --------------------------------------
 */

static uint64_t get64(const uint8_t *p) {
  uint64_t v = 0;
  for (int i = 8; i-- > 0;)
    v = v << 8 | p[i];
  return v;
}

long lsock_fastopen_key_set(struct lsock *l, const struct lsock_file *f, const void *value,
                            size_t len) {
  const uint8_t *p = value;
  uint64_t keys[2][2];
  if (len != 16 && len != 32)
    return -EINVAL;
  for (size_t i = 0; i < len / 8; i++)
    keys[i / 2][i % 2] = get64(p + 8 * i);
  return tct_sock_fastopen_key_set(l->stack, f->handle, (const uint64_t(*)[2])keys,
                                   (unsigned)len / 16);
}

/* `out` has room for 32 bytes; their number, or a negative errno. */
long lsock_fastopen_key_get(struct lsock *l, const struct lsock_file *f, uint8_t *out) {
  uint64_t keys[2][2];
  int n = tct_sock_fastopen_key_get(l->stack, f->handle, keys);
  for (int i = 0; i < 16 * n; i++)
    out[i] = (uint8_t)(keys[i / 16][i / 8 % 2] >> 8 * (i % 8));
  return n < 0 ? n : 16 * n;
}
