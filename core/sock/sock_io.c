/* SPDX-License-Identifier: MIT */
/*
 * sock_io.c - bytes between the application and a connection's queues: copied, in place, or lent;
 * marks; datagrams passed on to udp/. SEND and RECEIVE of RFC 9293 section 3.9.1. Nothing is sent
 * here: the plan is woken.
 */
#include "sock/sock.h"
#include "util/rule.h"

/* ---- send ------------------------------------------------------------------------------------ */

/* TCT_OK: bytes may be queued. Before the handshake is complete they wait (RFC 9293 3.10.2). */
static int check_send(const struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_DONE) != 0)
    return c->err != 0 ? -(int)c->err : TCT_EPIPE;
  if (c->state == TCT_CLOSED || c->state == TCT_LISTEN)
    return TCT_ENOTCONN;
  if ((c->snd.flags & TCT_SND_FIN_WANTED) != 0)
    return TCT_EPIPE;
  return TCT_OK;
}

static void want_room(struct tct_tcp *c) {
  c->sockf |= TCT_SOCKF_WANTS_ROOM;
}

#define SEND_FLAGS ((unsigned)(TCT_MSG_MORE | TCT_MSG_EOR | TCT_MSG_URGENT))

/* [RFC9293 MUST-30]: urgent data ends with the last byte of a send that says so. */
TCT_HOT long tct_sock_send(tct_stack *s, tct_sock k, const void *buf, size_t len, unsigned flags) {
  if (tct_sock_is_udp(k))
    return flags != 0 ? TCT_EOPNOTSUPP : tct_udp_send(s, k, NULL, buf, len);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if ((flags & ~SEND_FLAGS) != 0)
    return TCT_EINVAL;
  int e = check_send(c);
  if (e != TCT_OK || len == 0)
    return e;
  long took = tct_tcp_send_queue(s, c, buf, len, flags);
  if (took == TCT_EAGAIN || took == TCT_ENOBUFS || (took >= 0 && (size_t)took < len))
    want_room(c);
  tct_sock_launch_deferred(s, c);
  tct_sock_finish(s, c);
  return took;
}

int tct_sock_tx_space(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (*n == 0)
    return TCT_EINVAL;
  int e = check_send(c);
  uint32_t room = e == TCT_OK ? tct_tcp_send_room(s, c) : 0;
  if (e == TCT_OK && room == 0) {
    want_room(c);
    e = TCT_EAGAIN;
  }
  struct tct_tcp_active *a = e == TCT_OK ? tct_tcp_block_active(s, c) : NULL;
  if (e == TCT_OK && (a == NULL || tct_queue_append_space(&a->tx, &s->chunks, v, n, room) == 0))
    e = TCT_ENOBUFS;
  if (e != TCT_OK)
    *n = 0;
  tct_sock_finish(s, c);
  return e;
}

int tct_sock_tx_commit(tct_stack *s, tct_sock k, size_t len, unsigned flags) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  int e = check_send(c);
  struct tct_tcp_active *a = c->active;
  if (e != TCT_OK)
    return e;
  if (a == NULL || len > a->tx.reserved_bytes || (flags & ~SEND_FLAGS) != 0)
    return TCT_EINVAL;
  if (!tct_queue_append_commit(&a->tx, (uint32_t)len))
    return TCT_EINVAL;
  if (len > 0) {
    tct_tcp_send_on_queued(s, c, flags);
    tct_sock_launch_deferred(s, c);
  }
  tct_sock_finish(s, c);
  return TCT_OK;
}

/* Taken whole or not at all: more than the buffer's room waits until the queue is empty. */
int tct_sock_tx_lend(tct_stack *s, tct_sock k, const void *base, size_t len, uint64_t token) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (len == 0 || len > 1u << 30 || base == NULL)
    return TCT_EINVAL;
  int e = check_send(c);
  if (e != TCT_OK)
    return e;
  uint32_t room = tct_tcp_send_room(s, c);
  struct tct_tcp_active *a = tct_tcp_block_active(s, c);
  if (a == NULL || !tct_stack_expect_token(s))
    return TCT_ENOMEM;
  if (room == 0 || (len > room && tct_queue_len(&a->tx) > 0)) {
    want_room(c);
    e = TCT_EAGAIN;
  } else if (!tct_queue_append_lent(&a->tx, &s->chunks, base, (uint32_t)len, token)) {
    e = TCT_ENOBUFS;
  }
  if (e == TCT_OK) {
    tct_tcp_send_on_queued(s, c, 0);
    tct_sock_launch_deferred(s, c);
  } else {
    s->tokens_lent--;
  }
  tct_sock_finish(s, c);
  return e;
}

/* ---- receive --------------------------------------------------------------------------------- */

uint32_t tct_sock_io_unread(const struct tct_tcp *c) {
  const struct tct_tcp_active *a = c->active;
  return a == NULL ? 0 : tct_seq_ahead(a->rx.begin, tct_tcp_reasm_data_end(c));
}

/* Nothing to read: 0 for the end of the stream, or why. */
static __attribute__((noinline)) int why_no_bytes(const struct tct_tcp *c) {
  if ((c->sockf & TCT_SOCKF_DONE) != 0)
    return -(int)c->err;
  if (c->state == TCT_CLOSED || c->state == TCT_LISTEN)
    return TCT_ENOTCONN;
  return (c->rcv.flags & (TCT_RCV_FIN | TCT_RCV_SHUT)) != 0 ? TCT_OK : TCT_EAGAIN;
}

static void consume(tct_stack *s, struct tct_tcp *c, uint32_t len) {
  struct tct_tcp_active *a = c->active;
  tct_queue_consume_to(&a->rx, &s->chunks, tct_seq_add(a->rx.begin, (uint32_t)len));
  tct_tcp_recv_on_app_read(s, c);
  if ((c->sockf & TCT_SOCKF_DONE) != 0 && tct_sock_io_unread(c) == 0)
    tct_sock_event_on_drained(s, c);
}

long tct_sock_recv(tct_stack *s, tct_sock k, void *buf, size_t len, unsigned flags) {
  if (tct_sock_is_udp(k))
    return tct_udp_recv(s, k, NULL, buf, len, flags);
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if ((flags & ~(unsigned)TCT_MSG_PEEK) != 0)
    return TCT_EINVAL;
  uint32_t unread = tct_sock_io_unread(c);
  if (unread == 0)
    return why_no_bytes(c);
  uint32_t take = (uint32_t)tct_min_size(len, unread);
  struct tct_tcp_active *a = c->active;
  take = tct_queue_copy_out(&a->rx, a->rx.begin, buf, take);
  if ((flags & TCT_MSG_PEEK) == 0)
    consume(s, c, take);
  tct_sock_finish(s, c);
  return (long)take;
}

TCT_HOT int tct_sock_rx_peek(tct_stack *s, tct_sock k, tct_iov *v, unsigned *n) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  uint32_t unread = tct_sock_io_unread(c);
  if (unread == 0) {
    *n = 0;
    return why_no_bytes(c);
  }
  struct tct_tcp_active *a = c->active;
  (void)tct_queue_peek(&a->rx, a->rx.begin, unread, v, n);
  return TCT_OK;
}

TCT_HOT int tct_sock_rx_consume(tct_stack *s, tct_sock k, size_t len) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (len > tct_sock_io_unread(c))
    return TCT_EINVAL;
  if (len > 0)
    consume(s, c, (uint32_t)len);
  tct_sock_finish(s, c);
  return TCT_OK;
}

/* ---- marks ----------------------------------------------------------------------------------- */

/* Sequence numbers tell places apart that lie within 2 GiB: as far ahead as a mark may be. */
int tct_sock_mark(tct_stack *s, tct_sock k, uint64_t offset, tct_mark what, uint64_t token) {
  struct tct_tcp *c = tct_sock_find(s, k);
  if (c == NULL)
    return TCT_EBADF;
  if (what > TCT_MARK_ACKED)
    return TCT_EINVAL;
  if (c->state < TCT_SYN_SENT)
    return TCT_ENOTCONN;
  struct tct_extra *x = tct_tcp_block_extra(s, c);
  if (x != NULL && x->marks == NULL)
    x->marks = tct_stack_alloc(s, TCT_MARKS_MAX * sizeof *x->marks);
  if (x == NULL || x->marks == NULL)
    return TCT_ENOMEM;
  if (x->n_marks == TCT_MARKS_MAX)
    return TCT_ENOBUFS;
  x->marks[x->n_marks++] = (struct tct_tcp_mark){offset, token, (uint8_t)what};
  tct_sock_event_marks(s, c);
  return TCT_OK;
}

bool tct_sock_mark_next(tct_stack *s, tct_sock k, uint64_t *token) {
  struct tct_tcp *c = tct_sock_find(s, k);
  struct tct_extra *x = c != NULL ? c->extra : NULL;
  if (x == NULL || x->n_reached == 0)
    return false;
  *token = x->marks[0].token;
  x->n_reached--;
  x->n_marks--;
  memmove(x->marks, x->marks + 1, x->n_marks * sizeof *x->marks);
  return true;
}

/* ---- level ----------------------------------------------------------------------------------- */

static uint32_t ready_listener(tct_stack *s, struct tct_tcp *l) {
  uint32_t bits = l->listener->accept_n > 0 ? TCT_EV_ACCEPT : 0;
  return bits | (tct_tcp_ask_has(s, l) ? TCT_EV_SYN : 0u);
}

static uint32_t ready_receive(const struct tct_tcp *c) {
  uint32_t lowat = c->extra != NULL ? tct_max_u32(c->extra->rcvlowat, 1) : 1;
  bool eof = (c->rcv.flags & TCT_RCV_FIN) != 0;
  bool done = (c->sockf & TCT_SOCKF_DONE) != 0;
  bool shut = (c->rcv.flags & TCT_RCV_SHUT) != 0;
  uint32_t bits = eof ? TCT_EV_EOF : 0;
  if (eof || done || shut || tct_sock_io_unread(c) >= lowat)
    bits |= TCT_EV_READABLE;
  if (tct_tcp_recv_urgent_unread(c) > 0)
    bits |= TCT_EV_URGENT;
  return bits;
}

int tct_sock_ready(tct_stack *s, tct_sock k) {
  if (tct_sock_is_udp(k))
    return tct_udp_ready(s, k);
  struct tct_tcp *c = tct_tcp_block_at(s, k);
  if (c == NULL || (c->sockf & TCT_SOCKF_IN_ACCEPT) != 0)
    return TCT_EBADF;
  if (c->state == TCT_LISTEN)
    return (int)ready_listener(s, c);
  bool done = (c->sockf & TCT_SOCKF_DONE) != 0;
  if (c->state == TCT_CLOSED && !done)
    return 0;
  uint32_t bits = ready_receive(c);
  if ((c->open & TCT_OPEN_CONNECTED) != 0)
    bits |= TCT_EV_CONNECTED;
  bool open = (c->open & TCT_OPEN_CONNECTED) != 0 || tct_tcp_fastopen_is_early(c) ||
              tct_tcp_fastopen_has(c, TCT_FO_DEFERRED);
  if (check_send(c) == TCT_OK && open && tct_tcp_send_room(s, c) > 0)
    bits |= TCT_EV_WRITABLE;
  if (done && tct_sock_io_unread(c) == 0)
    bits |= TCT_EV_CLOSED;
  return (int)bits;
}

/* ---- datagrams ------------------------------------------------------------------------------- */

long tct_dgram_send(tct_stack *s, tct_sock k, const tct_dgram *d, const void *buf, size_t len) {
  return tct_sock_is_udp(k) ? tct_udp_send(s, k, d, buf, len) : TCT_EOPNOTSUPP;
}

long tct_dgram_recv(tct_stack *s, tct_sock k, tct_dgram *d, void *buf, size_t len, unsigned flags) {
  return tct_sock_is_udp(k) ? tct_udp_recv(s, k, d, buf, len, flags) : TCT_EOPNOTSUPP;
}

void tct_sock_prefetch(const tct_stack *s, const tct_sock *k, size_t n) {
  for (size_t done = 0, now; done < n; done += now) {
    now = tct_min_size(n - done, TCT_BURST_MAX);
    tct_tcp_block_prefetch_all(s, k + done, now);
  }
}
