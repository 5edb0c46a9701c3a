/* SPDX-License-Identifier: MIT */
/*
 * call_io.c - the calls that move bytes or wait for them: read, write and kin, msghdr, poll, epoll.
 * Called through call.c's table. What is written is the pattern of frame.c at its place in the
 * stream, and what is read must be that pattern: a byte too many, too few or in the wrong place is
 * seen.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { POLL_MAX = 64, IOV_MAX_HERE = 64 };

static uint8_t *get_buffer(struct drill_run *r, size_t n) {
  if (n > DRILL_BUFFER_MAX)
    return drill_run_fail(r, "%zu bytes are too many", n), NULL;
  if (n + 1 <= r->buffer_cap)
    return r->buffer;
  free(r->buffer);
  r->buffer = malloc(n + 1);
  r->buffer_cap = r->buffer ? n + 1 : 0;
  if (!r->buffer)
    drill_run_fail(r, "no memory for a buffer of %zu bytes", n);
  return r->buffer;
}

/* What a write hands over; NULL for NULL. */
static uint8_t *fill_out(struct drill_run *r, struct drill_fd *fd, const struct drill_expr *e,
                         size_t n) {
  if (drill_call_is_null(e))
    return NULL;
  uint8_t *p = get_buffer(r, n);
  if (!p)
    return NULL;
  for (size_t i = 0; i < n; i++)
    p[i] = drill_frame_pattern(fd->tx + (uint32_t)i);
  if (e->kind == DRILL_EXPR_STRING) {
    memset(p, 0, n);
    memcpy(p, e->text, e->len < n ? e->len : n);
    if (fd->conn)
      fd->conn->own_tx = true;
  }
  return p;
}

/* What a read brought; e may be the text that it should be. */
static bool check_in(struct drill_run *r, struct drill_fd *fd, const struct drill_expr *e,
                     const uint8_t *p, size_t n) {
  if (e && e->kind == DRILL_EXPR_STRING) {
    bool is_equal = e->len >= n && memcmp(e->text, p, n) == 0;
    return is_equal || drill_run_fail(r, "what was read is not what is written here");
  }
  if (!fd->conn || fd->conn->own_rx || fd->conn->is_udp)
    return true;
  for (size_t i = 0; i < n; i++)
    if (p[i] != drill_frame_pattern(fd->rx + (uint32_t)i))
      return drill_run_fail(r, "byte %zu of the stream is not what the peer sent there",
                            (size_t)fd->rx + i);
  return true;
}

/* ---- Buffers of one call ----------------------------------------------------------------------
 */

/* iov of a list of {..., N}, all in one piece of memory; text: the first one's, if it is written.
 */
struct io {
  struct iovec iov[IOV_MAX_HERE];
  size_t n, bytes;
  bool is_null;
  const struct drill_expr *text;
};

static bool read_iov(struct drill_run *r, const struct drill_expr *list, struct io *x) {
  *x = (struct io){.n = 0};
  if (!list || list->kind != DRILL_EXPR_LIST || list->n > IOV_MAX_HERE)
    return drill_run_fail(r, "a list of {..., N} expected");
  for (size_t i = 0; i < list->n; i++) {
    const struct drill_expr *v = list->kids[i];
    int64_t n;
    if (v->kind != DRILL_EXPR_STRUCT || v->n != 2 || !drill_call_number(r, v->kids[1], &n))
      return drill_run_fail(r, "{..., N} expected in the list");
    x->iov[x->n++].iov_len = (size_t)n;
    x->bytes += (size_t)n;
    x->is_null = x->is_null || drill_call_is_null(v->kids[0]);
    if (i == 0 && v->kids[0]->kind == DRILL_EXPR_STRING)
      x->text = v->kids[0];
  }
  return true;
}

static bool read_plain(struct drill_run *r, struct drill_op *op, struct io *x) {
  int n = drill_call_int(r, op, 2);
  *x = (struct io){.n = 1, .bytes = (size_t)n};
  x->iov[0].iov_len = (size_t)n;
  x->is_null = drill_call_is_null(op->call->args[1]);
  if (op->call->args[1]->kind == DRILL_EXPR_STRING)
    x->text = op->call->args[1];
  return !r->failure;
}

static void point_iov(struct io *x, uint8_t *p) {
  for (size_t i = 0; i < x->n; i++) {
    x->iov[i].iov_base = p;
    if (p)
      p += x->iov[i].iov_len;
  }
}

/* Where a send goes to, as packetdrill has it: always where connect would, unless it is said. */
static size_t name_peer(struct drill_run *r, struct drill_fd *fd, const struct drill_expr *where,
                        tct_endpoint *to, struct sockaddr_storage *name) {
  *to = (tct_endpoint){.addr = r->remote, .port = r->set->connect_port};
  if (where && where->kind == DRILL_EXPR_WORD && strcmp(where->text, "AF_UNSPEC") == 0)
    return drill_call_sockaddr(r, NULL, name);
  if (fd->conn && fd->conn->is_udp && fd->conn->rport)
    to->port = fd->conn->rport;
  else if (fd->conn && fd->conn->is_udp)
    fd->conn->rport = to->port;
  return drill_call_sockaddr(r, to, name);
}

/* m has name and control; x the bytes. */
static long send_out(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, struct io *x,
                     struct msghdr *m, int flags) {
  static const struct drill_expr any = {.kind = DRILL_EXPR_ANY};
  if (!x->is_null)
    point_iov(x, fill_out(r, fd, x->text ? x->text : &any, x->bytes));
  if (r->failure)
    return 0;
  m->msg_iov = x->iov;
  m->msg_iovlen = x->n;
  long result = r->subject->sendmsg(r, op, fd->live, m, flags);
  if (result > 0)
    fd->tx += (uint32_t)result;
  return result;
}

static long take_in(struct drill_run *r, struct drill_op *op, struct drill_fd *fd, struct io *x,
                    struct msghdr *m, int flags) {
  uint8_t *p = x->is_null ? NULL : get_buffer(r, x->bytes);
  if (r->failure)
    return 0;
  point_iov(x, p);
  m->msg_iov = x->iov;
  m->msg_iovlen = x->n;
  long result = r->subject->recvmsg(r, op, fd->live, m, flags);
  if (result <= 0 || (flags & MSG_ERRQUEUE))
    return result;
  bool has_bytes = p && !(flags & MSG_TRUNC);
  if (has_bytes && !check_in(r, fd, x->text, p, (size_t)result))
    return 0;
  if (!(flags & MSG_PEEK))
    fd->rx += (uint32_t)result;
  return result;
}

/* ---- Plain ------------------------------------------------------------------------------------
 */

static long do_write(struct drill_run *r, struct drill_op *op, int flags) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  struct io x;
  struct msghdr m = {.msg_name = NULL};
  return read_plain(r, op, &x) && fd ? send_out(r, op, fd, &x, &m, flags) : 0;
}

static long attempt_write(struct drill_run *r, struct drill_op *op) {
  return do_write(r, op, 0);
}

static long attempt_send(struct drill_run *r, struct drill_op *op) {
  return do_write(r, op, drill_call_int(r, op, 3));
}

/* A send with MSG_FASTOPEN or on a socket set up for it connects: what follows is of it. */
static bool begins_connecting(const struct drill_fd *fd, const struct drill_op *op, long result) {
  bool is_new = fd->conn && !fd->conn->is_udp && fd->conn->state == DRILL_CONN_NEW;
  bool is_start = result >= 0 || result == -EINPROGRESS || result == LSOCK_SLEEP;
  return is_new && is_start && !op->is_begun;
}

static long send_to(struct drill_run *r, struct drill_op *op, struct io *x,
                    const struct drill_expr *where, struct msghdr *m, int flags) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  struct sockaddr_storage name;
  tct_endpoint to;
  if (!fd)
    return 0;
  bool has_to = !where || !drill_call_is_null(where);
  m->msg_namelen = has_to ? (socklen_t)name_peer(r, fd, where, &to, &name) : 0;
  m->msg_name = has_to ? &name : NULL;
  long result = send_out(r, op, fd, x, m, flags);
  m->msg_name = NULL;
  if (has_to && begins_connecting(fd, op, result))
    drill_call_connecting(r, fd, &to);
  op->is_begun = true;
  return result;
}

static long attempt_sendto(struct drill_run *r, struct drill_op *op) {
  struct io x;
  struct msghdr m = {.msg_name = NULL};
  int flags = drill_call_int(r, op, 3);
  return read_plain(r, op, &x) ? send_to(r, op, &x, op->call->args[4], &m, flags) : 0;
}

static long do_read(struct drill_run *r, struct drill_op *op, int flags) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  struct io x;
  struct msghdr m = {.msg_name = NULL};
  return read_plain(r, op, &x) && fd ? take_in(r, op, fd, &x, &m, flags) : 0;
}

static long attempt_read(struct drill_run *r, struct drill_op *op) {
  return do_read(r, op, 0);
}

static long attempt_recv(struct drill_run *r, struct drill_op *op) {
  return do_read(r, op, drill_call_int(r, op, 3));
}

/* ---- Scatter and gather -----------------------------------------------------------------------
 */

static long attempt_writev(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  struct io x;
  struct msghdr m = {.msg_name = NULL};
  return read_iov(r, op->call->args[1], &x) && fd ? send_out(r, op, fd, &x, &m, 0) : 0;
}

static long attempt_readv(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  struct io x;
  struct msghdr m = {.msg_name = NULL};
  return read_iov(r, op->call->args[1], &x) && fd ? take_in(r, op, fd, &x, &m, 0) : 0;
}

/* ---- msghdr -----------------------------------------------------------------------------------
 */

/* A written msghdr: its pieces, flags and control messages. */
struct message {
  struct io io;
  int64_t flags;
  const struct drill_expr *control; /* NULL: none */
  struct drill_control wanted;
};

static bool read_message(struct drill_run *r, const struct drill_expr *e, struct message *m) {
  if (e->kind != DRILL_EXPR_STRUCT)
    return drill_run_fail(r, "a msghdr in { } expected");
  const struct drill_expr *flags = drill_call_field(e, "msg_flags");
  m->control = drill_call_field(e, "msg_control");
  m->flags = 0;
  m->wanted.len = 0;
  if (flags && !drill_call_number(r, flags, &m->flags))
    return false;
  if (m->control && !drill_cmsg_build(r, m->control, &m->wanted))
    return false;
  return read_iov(r, drill_call_field(e, "msg_iov"), &m->io);
}

static long attempt_sendmsg(struct drill_run *r, struct drill_op *op) {
  int flags = drill_call_int(r, op, 2);
  struct message x = {0};
  struct msghdr m = {.msg_name = NULL};
  if (!read_message(r, op->call->args[1], &x))
    return 0;
  m.msg_control = x.wanted.len ? x.wanted.bytes : NULL;
  m.msg_controllen = x.wanted.len;
  return send_to(r, op, &x.io, NULL, &m, flags);
}

/* The live header begins as a copy of the written one, so a call that fails changes nothing. */
static long attempt_recvmsg(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int flags = drill_call_int(r, op, 2);
  struct message x = {0};
  struct drill_control live;
  struct sockaddr_storage name;
  if (!fd || !read_message(r, op->call->args[1], &x))
    return 0;
  live = x.wanted;
  struct msghdr m = {.msg_name = &name, .msg_namelen = sizeof name};
  m.msg_control = live.len ? live.bytes : NULL;
  m.msg_controllen = live.len;
  m.msg_flags = (int)x.flags;
  long result = take_in(r, op, fd, &x.io, &m, flags);
  if (result < 0 || r->failure)
    return result;
  if (m.msg_flags != (int)x.flags)
    drill_run_fail(r, "recvmsg(): msg_flags should be 0x%x and are 0x%x", (unsigned)x.flags,
                   (unsigned)m.msg_flags);
  live.len = m.msg_controllen;
  (void)drill_cmsg_check(r, &x.wanted, &live);
  return result;
}

/* ---- Readiness ------------------------------------------------------------------------------- */

static bool read_pollfd(struct drill_run *r, const struct drill_expr *e, struct pollfd *p,
                        int64_t *revents) {
  const struct drill_expr *fd = drill_call_field(e, "fd"), *ev = drill_call_field(e, "events");
  const struct drill_expr *rev = drill_call_field(e, "revents");
  int64_t events;
  if (!fd || !ev)
    return drill_run_fail(r, "{fd=N, events=E, revents=E} expected");
  const struct drill_fd *f = drill_call_fd_named(r, fd);
  *revents = 0;
  if (!f || !drill_call_number(r, ev, &events))
    return false;
  if (rev && rev->kind != DRILL_EXPR_ANY && !drill_call_number(r, rev, revents))
    return false;
  *p = (struct pollfd){.fd = f->live, .events = (short)events};
  return true;
}

static long attempt_poll(struct drill_run *r, struct drill_op *op) {
  const struct drill_expr *list = op->call->args[0];
  struct pollfd fds[POLL_MAX];
  int64_t want[POLL_MAX] = {0};
  int n = drill_call_int(r, op, 1), ms = drill_call_int(r, op, 2);
  if (list->kind != DRILL_EXPR_LIST || list->n > POLL_MAX || n < 0 || (size_t)n != list->n)
    return drill_run_fail(r, "poll() wants a list of as many pollfd as it says"), 0;
  for (size_t i = 0; i < list->n; i++)
    if (!read_pollfd(r, list->kids[i], &fds[i], &want[i]))
      return 0;
  long ready = r->subject->poll(r, op, fds, list->n, ms);
  for (size_t i = 0; ready != LSOCK_SLEEP && i < list->n; i++)
    if (fds[i].revents != (short)want[i])
      drill_run_fail(r, "poll(): revents should be 0x%x and are 0x%x", (unsigned)want[i],
                     (unsigned)fds[i].revents);
  return ready;
}

static long attempt_epoll_create(struct drill_run *r, struct drill_op *op) {
  long live = r->subject->epoll_create(r);
  if (live >= 0)
    (void)drill_call_fd_new(r, op, live);
  return live;
}

/* {events=E, fd=N} or ptr=, u32=, u64= in place of fd. */
static bool read_epoll(struct drill_run *r, const struct drill_expr *e, struct epoll_event *ev) {
  static const char *const words[] = {"ptr", "u32", "u64"};
  const struct drill_expr *events = drill_call_field(e, "events"), *fd = drill_call_field(e, "fd");
  int64_t v;
  if (!events || !drill_call_number(r, events, &v))
    return drill_run_fail(r, "{events=E, fd=N} expected");
  *ev = (struct epoll_event){.events = (uint32_t)v};
  if (fd) {
    const struct drill_fd *f = drill_call_fd_named(r, fd);
    ev->data.u64 = f ? (uint64_t)f->live : 0;
    return f != NULL;
  }
  for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
    const struct drill_expr *d = drill_call_field(e, words[i]);
    if (d && !drill_call_number(r, d, &v))
      return false;
    if (d)
      ev->data.u64 = (uint64_t)v;
  }
  return true;
}

static long attempt_epoll_ctl(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *ep = drill_call_fd(r, op, 0), *fd = drill_call_fd(r, op, 2);
  int what = drill_call_int(r, op, 1);
  struct epoll_event ev = {.events = 0};
  if (r->failure)
    return 0;
  if (op->call->args[3]->kind == DRILL_EXPR_STRUCT && !read_epoll(r, op->call->args[3], &ev))
    return 0;
  return r->subject->epoll_ctl(r, ep->live, what, fd->live, &ev);
}

static long attempt_epoll_wait(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *ep = drill_call_fd(r, op, 0);
  int max = drill_call_int(r, op, 2), ms = drill_call_int(r, op, 3);
  struct epoll_event want = {.events = 0}, seen[POLL_MAX];
  if (r->failure || !read_epoll(r, op->call->args[1], &want))
    return 0;
  memset(seen, 0, sizeof seen);
  long n = r->subject->epoll_wait(r, op, ep->live, seen, max < POLL_MAX ? max : POLL_MAX, ms);
  if (n == LSOCK_SLEEP || n < 0)
    return n;
  uint64_t data = n ? seen[0].data.u64 : want.data.u64; /* packed: no address of it is taken */
  if (seen[0].events != want.events || data != want.data.u64)
    drill_run_fail(r, "epoll_wait(): the first event should be 0x%x and is 0x%x (data %s)",
                   want.events, seen[0].events, data == want.data.u64 ? "as written" : "differs");
  return n;
}

const struct drill_call_row drill_call_io_rows[] = {
    {"read", 3, 3, attempt_read, false},
    {"recv", 4, 4, attempt_recv, false},
    {"recvfrom", 6, 6, attempt_recv, false},
    {"readv", 3, 3, attempt_readv, false},
    {"recvmsg", 3, 3, attempt_recvmsg, false},
    {"write", 3, 3, attempt_write, false},
    {"send", 4, 4, attempt_send, false},
    {"sendto", 6, 6, attempt_sendto, false},
    {"writev", 3, 3, attempt_writev, false},
    {"sendmsg", 3, 3, attempt_sendmsg, false},
    {"poll", 3, 3, attempt_poll, false},
    {"epoll_create", 1, 1, attempt_epoll_create, true},
    {"epoll_ctl", 4, 4, attempt_epoll_ctl, false},
    {"epoll_wait", 4, 4, attempt_epoll_wait, false},
    {NULL, 0, 0, NULL, false},
};
