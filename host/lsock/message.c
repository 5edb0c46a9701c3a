/* SPDX-License-Identifier: MIT */
/*
 * message.c - sendmsg and recvmsg: pieces, names, control messages. Called through lsock.h. The
 * bytes themselves go through transfer.c.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { PIECES_MAX = 1024 };

static long check_pieces(const struct msghdr *m) {
  size_t total = 0;
  if (m->msg_iovlen > PIECES_MAX)
    return -EMSGSIZE;
  if (m->msg_iovlen && !m->msg_iov)
    return -EFAULT;
  for (size_t i = 0; i < m->msg_iovlen; i++) {
    if (m->msg_iov[i].iov_len > INT32_MAX)
      return -EINVAL;
    total += m->msg_iov[i].iov_len;
  }
  return total > INT32_MAX ? -EINVAL : (long)total;
}

/* Datagrams are taken whole. */
static long send_dgram(struct lsock *l, int fd, const struct msghdr *m, int flags, size_t total) {
  tct_endpoint to;
  long r = m->msg_name ? lsock_address_read(m->msg_name, m->msg_namelen, &to) : 0;
  if (r < 0)
    return r;
  uint8_t *flat = malloc(total + 1);
  size_t at = 0;
  if (!flat)
    return -ENOMEM;
  for (size_t i = 0; i < m->msg_iovlen; i++) {
    if (m->msg_iov[i].iov_len)
      memcpy(flat + at, m->msg_iov[i].iov_base, m->msg_iov[i].iov_len);
    at += m->msg_iov[i].iov_len;
  }
  r = lsock_sendto(l, fd, flat, total, flags, m->msg_name ? &to : NULL);
  free(flat);
  return r;
}

long lsock_sendmsg(struct lsock *l, int fd, const struct msghdr *m, int flags, size_t *done) {
  struct lsock_file *f = lsock_file_at(l, fd);
  if (!f)
    return -EBADF;
  if (f->kind != LSOCK_TCP && f->kind != LSOCK_UDP)
    return -ENOTSOCK;
  if (!m)
    return -EFAULT;
  long total = check_pieces(m);
  if (total < 0)
    return total;
  if (f->kind == LSOCK_UDP)
    return send_dgram(l, fd, m, flags, (size_t)total);
  return lsock_transfer_send(l, fd, &(struct lsock_pieces){m->msg_iov, m->msg_iovlen, flags}, done);
}

/* Reads what is there piece by piece; only the first piece may wait. */
static long recv_pieces(struct lsock *l, int fd, const struct msghdr *m, int flags,
                        tct_endpoint *from) {
  size_t done = 0;
  if (m->msg_iovlen == 0)
    return lsock_recvfrom(l, fd, NULL, 0, flags, from);
  for (size_t i = 0; i < m->msg_iovlen; i++) {
    const struct iovec *v = &m->msg_iov[i];
    if (v->iov_len == 0 && m->msg_iovlen > 1)
      continue;
    int how = done ? (flags & ~MSG_WAITALL) | MSG_DONTWAIT : flags;
    long r = lsock_recvfrom(l, fd, v->iov_base, v->iov_len, how, from);
    if (r < 0)
      return done ? (long)done : r;
    done += (size_t)r;
    if ((size_t)r < v->iov_len)
      break;
  }
  return (long)done;
}

/* A peek begins at the front each time: one flat read, then dealt out. */
static long recv_flat(struct lsock *l, int fd, const struct msghdr *m, int flags, size_t total) {
  uint8_t *flat = malloc(total + 1);
  tct_endpoint from;
  size_t at = 0;
  if (!flat)
    return -ENOMEM;
  long r = lsock_recvfrom(l, fd, flat, total, flags, &from);
  for (size_t i = 0; r > 0 && i < m->msg_iovlen && at < (size_t)r && at < total; i++) {
    size_t n = m->msg_iov[i].iov_len;
    if (n > (size_t)r - at)
      n = (size_t)r - at;
    if (n)
      memcpy(m->msg_iov[i].iov_base, flat + at, n);
    at += n;
  }
  free(flat);
  return r;
}

static void name_peer(const struct lsock_file *f, struct msghdr *m, const tct_endpoint *from) {
  if (f->kind != LSOCK_UDP || !m->msg_name) {
    m->msg_namelen = 0; /* a stream has one peer: nobody is named */
    return;
  }
  m->msg_namelen = (socklen_t)lsock_address_write(from, f->is_v6, m->msg_name, m->msg_namelen);
}

long lsock_recvmsg(struct lsock *l, int fd, struct msghdr *m, int flags) {
  struct lsock_file *f = lsock_file_at(l, fd);
  tct_endpoint from = {.port = 0};
  if (!f)
    return -EBADF;
  if (f->kind != LSOCK_TCP && f->kind != LSOCK_UDP)
    return -ENOTSOCK;
  if (!m)
    return -EFAULT;
  long total = check_pieces(m), r;
  if (total < 0)
    return total;
  bool is_flat = m->msg_iovlen > 1 && ((flags & (MSG_PEEK | MSG_WAITALL)) || f->kind == LSOCK_UDP);
  r = is_flat ? recv_flat(l, fd, m, flags, (size_t)total) : recv_pieces(l, fd, m, flags, &from);
  if (r < 0)
    return r;
  m->msg_flags = 0;
  m->msg_controllen = 0;
  if (f->kind == LSOCK_UDP && r > total)
    m->msg_flags |= MSG_TRUNC;
  name_peer(f, m, &from);
  return r;
}
