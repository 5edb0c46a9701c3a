/* SPDX-License-Identifier: MIT */
/*
 * block.c - calls that wait: connect, accept, send, recv and close for small programs.
 *
 * Each asks the stack by level, and turns the loop (loop.c) until the answer is there. The events
 * of the sockets made here end in a small table, so that the reason of an end can still be asked
 * after the core's handle has gone stale.
 */
#include "host/host.h"

static struct tct_host_block *find_block(tct_host *h, tct_sock k) {
  for (unsigned i = 0; i < TCT_HOST_BLOCKS; i++) {
    struct tct_host_block *b = &h->block[i];
    if (b->used && b->sock.index == k.index && b->sock.gen == k.gen)
      return b;
  }
  return NULL;
}

static struct tct_host_block *add_block(tct_host *h, tct_sock k) {
  for (unsigned i = 0; i < TCT_HOST_BLOCKS; i++) {
    struct tct_host_block *b = &h->block[i];
    if (b->used)
      continue;
    *b = (struct tct_host_block){.sock = k, .used = true};
    return b;
  }
  return NULL;
}

bool tct_host_block_event(tct_host *h, const tct_event *ev) {
  struct tct_host_block *b = find_block(h, ev->sock);
  if (b == NULL)
    return false;
  if ((ev->flags & TCT_EV_CONNECTED) != 0)
    b->connected = true;
  if ((ev->flags & TCT_EV_CLOSED) != 0) {
    b->closed = true;
    b->err = ev->err;
    b->why = ev->why;
  }
  return true;
}

static tct_time time_limit(tct_host *h, tct_time timeout_ns) {
  h->now = tct_host_loop_clock();
  return timeout_ns > TCT_NEVER - h->now ? TCT_NEVER : h->now + timeout_ns;
}

/* One more turn, if time and program allow it. */
static int turn_once(tct_host *h, tct_time until) {
  if (h->stopped)
    return TCT_EINTR;
  if (h->now >= until)
    return TCT_ETIMEDOUT;
  return tct_host_turn(h, until);
}

/* The error of a call on a socket that may have ended: the end's reason says more than EBADF. */
static int translate(tct_host *h, tct_sock k, int err) {
  struct tct_host_block *b = find_block(h, k);
  if (err != TCT_EBADF || b == NULL || !b->closed)
    return err;
  return b->err < 0 ? b->err : TCT_EPIPE;
}

int tct_host_ended(tct_host *h, tct_sock k, tct_why *why) {
  struct tct_host_block *b = find_block(h, k);
  if (b == NULL)
    return TCT_EBADF;
  if (why != NULL)
    *why = (tct_why)b->why;
  return b->err;
}

int tct_host_connect(tct_host *h, const tct_endpoint *remote, tct_time timeout_ns, tct_sock *out) {
  tct_time until = time_limit(h, timeout_ns);
  int err = tct_host_turn(h, h->now); /* the program may have been away: tell the stack the time */
  if (err == TCT_OK)
    err = tct_sock_open(h->stack, TCT_TCP, NULL, out);
  if (err < 0)
    return err;
  struct tct_host_block *b = add_block(h, *out);
  err = b != NULL ? tct_sock_connect(h->stack, *out, remote) : TCT_ENOBUFS;
  while (err == TCT_OK && !b->connected && !b->closed)
    err = turn_once(h, until);
  if (err == TCT_OK && !b->closed)
    return TCT_OK;
  if (err == TCT_OK)
    return b->err < 0 ? b->err : TCT_ECONNABORTED; /* tct_host_ended still knows why */
  (void)tct_sock_abort(h->stack, *out);
  if (b != NULL)
    b->used = false;
  return err;
}

int tct_host_listen(tct_host *h, const tct_endpoint *local, unsigned backlog, tct_sock *out) {
  int err = tct_sock_open(h->stack, TCT_TCP, NULL, out);
  if (err < 0)
    return err;
  err = tct_sock_bind(h->stack, *out, local);
  if (err == TCT_OK)
    err = tct_sock_listen(h->stack, *out, backlog);
  if (err == TCT_OK && add_block(h, *out) == NULL)
    err = TCT_ENOBUFS;
  if (err < 0)
    (void)tct_sock_abort(h->stack, *out);
  return err;
}

int tct_host_accept(tct_host *h, tct_sock listener, tct_time timeout_ns, tct_sock *out) {
  tct_time until = time_limit(h, timeout_ns);
  for (;;) {
    int err = tct_sock_accept(h->stack, listener, NULL, out);
    if (err == TCT_OK && add_block(h, *out) == NULL) {
      (void)tct_sock_abort(h->stack, *out);
      return TCT_ENOBUFS;
    }
    if (err != TCT_EAGAIN)
      return translate(h, listener, err);
    err = turn_once(h, until);
    if (err < 0)
      return err;
  }
}

int tct_host_send(tct_host *h, tct_sock k, const void *buf, size_t len, tct_time timeout_ns) {
  tct_time until = time_limit(h, timeout_ns);
  const uint8_t *p = buf;
  while (len > 0) {
    long n = tct_sock_send(h->stack, k, p, len, 0);
    if (n > 0) {
      p += n;
      len -= (size_t)n;
      continue;
    }
    if (n != TCT_EAGAIN)
      return translate(h, k, (int)n);
    int err = turn_once(h, until);
    if (err < 0)
      return err;
  }
  return TCT_OK;
}

long tct_host_recv(tct_host *h, tct_sock k, void *buf, size_t len, tct_time timeout_ns) {
  tct_time until = time_limit(h, timeout_ns);
  for (;;) {
    long n = tct_sock_recv(h->stack, k, buf, len, 0);
    if (n != TCT_EAGAIN)
      return n < 0 ? translate(h, k, (int)n) : n;
    int err = turn_once(h, until);
    if (err < 0)
      return err;
  }
}

int tct_host_wait(tct_host *h, tct_sock k, uint32_t bits, tct_time timeout_ns) {
  tct_time until = time_limit(h, timeout_ns);
  for (;;) {
    int ready = tct_sock_ready(h->stack, k);
    if (ready < 0)
      return translate(h, k, ready);
    if (((uint32_t)ready & bits) != 0)
      return ready;
    int err = turn_once(h, until);
    if (err < 0)
      return err;
  }
}

int tct_host_close(tct_host *h, tct_sock k, tct_time timeout_ns) {
  tct_time until = time_limit(h, timeout_ns);
  struct tct_host_block *b = find_block(h, k);
  if (b == NULL)
    return TCT_EBADF;
  int err = b->closed ? TCT_OK : tct_sock_close(h->stack, k);
  while (err == TCT_OK && !b->closed)
    err = turn_once(h, until);
  if (!b->closed)
    (void)tct_sock_abort(h->stack, k);
  else
    err = b->err;
  b->used = false;
  return err;
}
