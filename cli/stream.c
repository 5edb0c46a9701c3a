/* SPDX-License-Identifier: MIT */
/*
 * stream.c - carries bytes between one connection and standard input and output, like netcat.
 *
 * Called by connect.c and listen.c when their connection is open. Input is read straight into the
 * send queue, output written straight from the receive queue; the end of input becomes a
 * half-close. Nothing here blocks: the loop must keep answering the peer. The command's programs
 * send no urgent data [RFC9293 SHLD-13] and leave the Diffserv field alone once they have begun
 * [RFC9293 SHLD-23].
 */
#define _GNU_SOURCE
#include "cli/stream.h"

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum { PIECES = 8 };
#define SECOND 1000000000ull

static void on_input(void *ctx, int fd, uint32_t ready) {
  struct stream *s = ctx;
  (void)fd;
  (void)ready;
  s->in_ready = true;
  s->in_watched = false;
}

static void on_signal(void *ctx, int number) {
  struct stream *s = ctx;
  (void)number;
  s->interrupted = true;
  tct_host_stop(s->net->host, 0);
}

int stream_catch_signals(struct stream *s) {
  return tct_host_on_signal(s->net->host, on_signal, s);
}

/* ---- Standard input to the peer -------------------------------------------------------------- */

static void end_input(struct stream *s) {
  s->in_done = true;
  (void)tct_sock_shutdown(s->net->stack, s->sock, TCT_SHUT_WR);
}

static void watch_input(struct stream *s) {
  if (s->in_watched || s->in_ready || s->in_plain)
    return;
  int err = tct_host_watch(s->net->host, STDIN_FILENO, EPOLLIN | EPOLLONESHOT, on_input, s);
  s->in_watched = err == TCT_OK;
  s->in_plain = err == TCT_EOPNOTSUPP; /* a plain file: always ready */
  if (!s->in_watched && !s->in_plain)
    end_input(s); /* there is no standard input */
}

/* One read into the send queue. False: nothing more for now. */
static bool read_input(struct stream *s) {
  tct_iov space[PIECES];
  unsigned n = PIECES;
  int err = tct_sock_tx_space(s->net->stack, s->sock, space, &n);
  if (err != TCT_OK) {
    s->in_done = err != TCT_EAGAIN; /* ended; the reading side tells why */
    return false;
  }
  struct iovec to[PIECES];
  for (unsigned i = 0; i < n; i++)
    to[i] = (struct iovec){(void *)(uintptr_t)space[i].base, space[i].len};
  ssize_t got = readv(STDIN_FILENO, to, (int)n);
  s->in_ready = false; /* a pipe or terminal may have been emptied: ask before the next read */
  if (got > 0)
    return tct_sock_tx_commit(s->net->stack, s->sock, (size_t)got, 0) == TCT_OK && s->in_plain;
  if (got == 0 || (errno != EAGAIN && errno != EINTR))
    end_input(s);
  return false;
}

static void move_in(struct stream *s) {
  if (!s->in_done)
    watch_input(s);
  while (!s->in_done && (s->in_plain || s->in_ready))
    if (!read_input(s))
      break;
  if (!s->in_done)
    watch_input(s);
}

/* ---- The peer to standard output ------------------------------------------------------------- */

/* How much of the piece went out; -1: standard output is gone. */
static long write_piece(struct stream *s, const tct_iov *v) {
  size_t at = 0;
  while (at < v->len) {
    long n = sink_write(&s->sink, s->net->host, (const char *)v->base + at, v->len - at);
    if (n < 0)
      return -1;
    if (n == 0)
      break;
    at += (size_t)n;
  }
  return (long)at;
}

/* One look at what waits. True: all of it went out, and there may be more. */
static bool move_pieces(struct stream *s, int *code) {
  tct_iov v[PIECES];
  unsigned n = PIECES;
  if (tct_sock_rx_peek(s->net->stack, s->sock, v, &n) < 0)
    return false;
  for (unsigned i = 0; i < n; i++) {
    long took = write_piece(s, &v[i]);
    if (took < 0) {
      *code = args_fail(s->net->verb, ARGS_EXIT_USAGE, "%s", s->sink.error);
      return false;
    }
    if (took > 0 && tct_sock_rx_consume(s->net->stack, s->sock, (size_t)took) < 0)
      return false;
    if ((size_t)took < v[i].len)
      return false;
  }
  return n > 0;
}

/* ARGS_GO, or the exit code. Until nothing waits or there is no room: when the peer has sent all it
 * has, no event will bring us back here. */
static int move_ready(struct stream *s) {
  int code = ARGS_GO;
  while (move_pieces(s, &code))
    continue;
  return code;
}

/* Did the peer's side end? A reset is told here. */
static int look_for_end(struct stream *s) {
  char byte;
  long n = tct_sock_recv(s->net->stack, s->sock, &byte, 1, TCT_MSG_PEEK);
  if (n > 0 || n == TCT_EAGAIN)
    return ARGS_GO;
  if (n == 0) {
    s->out_done = true;
    return ARGS_GO;
  }
  tct_why why = TCT_WHY_NONE;
  int ended = tct_host_ended(s->net->host, s->sock, &why);
  int err = n == TCT_EBADF && ended < 0 ? ended : (int)n;
  if (n == TCT_EBADF && ended == 0) { /* both sides had ended: that is no error */
    s->out_done = s->in_done = true;
    return ARGS_GO;
  }
  return args_fail(s->net->verb, ARGS_EXIT_NETWORK, "%s", net_explain(s->net, &s->peer, err, why));
}

static int move_out(struct stream *s) {
  if (s->out_done)
    return ARGS_GO;
  int code = move_ready(s);
  if (code == ARGS_GO)
    code = look_for_end(s);
  /* A person at the keyboard is not asked to type the end after the peer has left. */
  if (s->out_done && !s->in_done && isatty(STDIN_FILENO))
    end_input(s);
  return code;
}

/* ---- Both ------------------------------------------------------------------------------------ */

static int carry(struct stream *s) {
  int code = ARGS_GO;
  while (code == ARGS_GO && !(s->in_done && s->out_done)) {
    move_in(s);
    code = move_out(s);
    if (code != ARGS_GO || (s->in_done && s->out_done))
      break;
    if (s->interrupted)
      break;
    if (tct_host_turn(s->net->host, TCT_NEVER) < 0)
      code = args_fail(s->net->verb, ARGS_EXIT_NETWORK, "the device was removed under us");
  }
  return code;
}

int stream_run(struct stream *s) {
  if (!sink_open(&s->sink, NULL))
    return args_fail(s->net->verb, ARGS_EXIT_USAGE, "%s", s->sink.error);
  if (s->no_input)
    end_input(s);
  int code = carry(s);
  int err = tct_host_close(s->net->host, s->sock, s->interrupted ? SECOND : 30 * SECOND);
  sink_abandon(&s->sink);
  if (code != ARGS_GO)
    return code;
  if (err < 0 && !s->interrupted)
    return args_fail(s->net->verb, ARGS_EXIT_NETWORK, "%s",
                     net_explain(s->net, &s->peer, err, TCT_WHY_NONE));
  return ARGS_EXIT_OK;
}
