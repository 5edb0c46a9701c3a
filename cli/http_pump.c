/* SPDX-License-Identifier: MIT */
/*
 * http_pump.c - moves a response into a socket: own bytes by copy, a file's bytes as they lie in
 * the page cache, or, of what is not mapped, by one preadv straight into the send queue's chunks.
 *
 * Called by http_conn.c whenever the socket may take more.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <sys/uio.h>

#include "cli/http_response.h"

enum { PUMP_PIECES = 16, LEND_MAX = 262144, LEND_MIN = 4096 };

static bool is_last(const struct http_response *a) {
  return a->at + 1 == a->n;
}

static int pump_text(struct http_response *a, tct_stack *s, tct_sock k) {
  struct http_piece *p = &a->piece[a->at];
  unsigned flags = p->count > 0 || !is_last(a) ? TCT_MSG_MORE : 0;
  if (p->text.failed)
    return TCT_ENOMEM;
  while (a->text_at < p->text.len) {
    long n = tct_sock_send(s, k, p->text.buf + a->text_at, p->text.len - a->text_at, flags);
    if (n < 0)
      return (int)n;
    a->text_at += (size_t)n;
  }
  return TCT_OK;
}

/* One preadv into the queue; how many bytes it brought. */
static long pump_some(struct http_response *a, tct_stack *s, tct_sock k) {
  struct http_piece *p = &a->piece[a->at];
  tct_iov space[PUMP_PIECES];
  struct iovec to[PUMP_PIECES];
  unsigned n = PUMP_PIECES;
  uint64_t room = 0;
  int err = tct_sock_tx_space(s, k, space, &n);
  if (err < 0)
    return err;
  for (unsigned i = 0; i < n; i++) {
    uint64_t left = p->count - room;
    to[i].iov_base = (void *)(uintptr_t)space[i].base;
    to[i].iov_len = space[i].len < left ? space[i].len : (size_t)left;
    room += to[i].iov_len;
  }
  ssize_t got = preadv(a->fd, to, (int)n, (off_t)p->from);
  if (got <= 0)
    return got < 0 && errno == EINTR ? TCT_EINTR : TCT_EPROTO;
  bool more = (uint64_t)got < p->count || !is_last(a);
  err = tct_sock_tx_commit(s, k, (size_t)got, more ? TCT_MSG_MORE : 0);
  return err < 0 ? err : got;
}

/* As large a piece as there is room for; how long it was. */
static long lend_some(struct http_response *a, tct_stack *s, tct_sock k) {
  const struct http_piece *p = &a->piece[a->at];
  if (a->map->broken)
    return TCT_EPROTO;
  int err = TCT_EAGAIN;
  for (size_t len = LEND_MAX; err == TCT_EAGAIN && len >= LEND_MIN; len /= 4) {
    if (len > p->count)
      len = (size_t)p->count;
    uint64_t token = http_map_lend(a->map);
    err = tct_sock_tx_lend(s, k, a->map->base + p->from, len, token);
    if (err == TCT_OK)
      return (long)len;
    http_map_return(token);
  }
  return err;
}

static int pump_file(struct http_response *a, tct_stack *s, tct_sock k) {
  struct http_piece *p = &a->piece[a->at];
  while (p->count > 0) {
    long n = a->map != NULL ? lend_some(a, s, k) : pump_some(a, s, k);
    if (n == TCT_EINTR)
      continue;
    if (n < 0)
      return (int)n;
    p->from += (uint64_t)n;
    p->count -= (uint64_t)n;
  }
  return TCT_OK;
}

int http_response_pump(struct http_response *a, tct_stack *s, tct_sock k) {
  for (; a->at < a->n; a->at++, a->text_at = 0) {
    int err = pump_text(a, s, k);
    if (err == TCT_OK)
      err = pump_file(a, s, k);
    if (err != TCT_OK)
      return err;
  }
  return TCT_OK;
}
