/* SPDX-License-Identifier: MIT */
/*
 * message.c - sendmsg and recvmsg: pieces, names, control messages. Called through lsock.h. The
 * bytes themselves go through transfer.c, the error queue is errqueue.c's.
 */
#define _GNU_SOURCE
#include "host/lsock/internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

enum { PIECES_MAX = 1024, TCP_INQ_TYPE = 36 };

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

/* ---- sendmsg --------------------------------------------------------------------------------- */

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

/* Of the messages that sendmsg may carry, a stream takes those of SOL_SOCKET that Linux knows;
 * none of them is known here. */
static long check_control(const struct msghdr *m) {
  if (!m->msg_control || !m->msg_controllen)
    return 0;
  for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c; c = CMSG_NXTHDR((struct msghdr *)(uintptr_t)m, c))
    if (c->cmsg_level == SOL_SOCKET || c->cmsg_len < sizeof *c)
      return -EINVAL;
  return 0;
}

long lsock_sendmsg(struct lsock *l, int fd, const struct msghdr *m, int flags, size_t *done) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  if (!f)
    return err;
  if (!m)
    return -EFAULT;
  long total = check_pieces(m);
  if (total < 0)
    return total;
  if (f->kind == LSOCK_UDP)
    return send_dgram(l, fd, m, flags, (size_t)total);
  err = check_control(m);
  if (err < 0)
    return err;
  tct_endpoint to;
  struct lsock_pieces p = {.iov = m->msg_iov, .n = m->msg_iovlen, .flags = flags};
  if (m->msg_name)
    p.to_err = lsock_address_read(m->msg_name, m->msg_namelen, &to);
  p.to = m->msg_name && p.to_err == 0 ? &to : NULL;
  return lsock_transfer_send(l, fd, &p, done);
}

/* ---- recvmsg --------------------------------------------------------------------------------- */

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

/* A peek begins at the front each time, a datagram is one: a flat read, then dealt out. */
static long recv_flat(struct lsock *l, int fd, const struct msghdr *m, int flags,
                      tct_endpoint *from) {
  size_t at = 0, total = (size_t)check_pieces(m);
  uint8_t *flat = malloc(total + 1);
  if (!flat)
    return -ENOMEM;
  long r = lsock_recvfrom(l, fd, flat, total, flags, from);
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

/* TCP_INQ: what is left to read, the peer's FIN counted as one byte. */
static int left_to_read(struct lsock *l, struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  if (!f->has_handle || tct_sock_info(l->stack, f->handle, &i) < 0)
    return f->had_eof;
  int ready = tct_sock_ready(l->stack, f->handle);
  bool has_fin = ready >= 0 && (ready & TCT_EV_EOF);
  return (int)i.unread_bytes + has_fin;
}

static void put_control(struct lsock *l, struct lsock_file *f, struct msghdr *m, long n) {
  size_t used = 0;
  if (n > 0)
    lsock_cmsg_put_times(l, f, m, &used, f->rx_at);
  if (f->kind == LSOCK_TCP && f->own[LSOCK_OWN_INQ]) {
    int inq = left_to_read(l, f);
    struct lsock_cmsg c = {SOL_TCP, TCP_INQ_TYPE, &inq, sizeof inq};
    lsock_cmsg_put(m, &used, &c);
  }
  m->msg_controllen = used;
}

static void name_peer(const struct lsock_file *f, struct msghdr *m, const tct_endpoint *from) {
  if (f->kind != LSOCK_UDP || !m->msg_name) {
    m->msg_namelen = 0; /* a stream has one peer: nobody is named */
    return;
  }
  m->msg_namelen = (socklen_t)lsock_address_write(from, f->is_v6, m->msg_name, m->msg_namelen);
}

long lsock_recvmsg(struct lsock *l, int fd, struct msghdr *m, int flags) {
  long err;
  struct lsock_file *f = lsock_file_socket(l, fd, &err);
  tct_endpoint from = {.port = 0};
  if (!f)
    return err;
  if (!m)
    return -EFAULT;
  long total = check_pieces(m), r;
  if (total < 0)
    return total;
  if (flags & MSG_ERRQUEUE)
    return lsock_errqueue_recv(l, f, m);
  bool is_flat = m->msg_iovlen > 1 && ((flags & (MSG_PEEK | MSG_WAITALL)) || f->kind == LSOCK_UDP);
  r = is_flat ? recv_flat(l, fd, m, flags, &from) : recv_pieces(l, fd, m, flags, &from);
  if (r < 0)
    return r;
  m->msg_flags = 0;
  put_control(l, f, m, r);
  if (f->kind == LSOCK_UDP && r > total)
    m->msg_flags |= MSG_TRUNC;
  name_peer(f, m, &from);
  return r;
}
