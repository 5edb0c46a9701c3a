/* SPDX-License-Identifier: MIT */
/*
 * call_sock.c - the calls that make, name, open, close and adjust sockets. Called through call.c's
 * table; does the work through host/lsock.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum { VALUE_CAP = 256 };

static long attempt_socket(struct drill_run *r, struct drill_op *op) {
  int domain = r->set->ip == DRILL_IP4 ? AF_INET : AF_INET6;
  if (op->call->args[0]->kind != DRILL_EXPR_ANY)
    domain = drill_call_int(r, op, 0);
  int type = drill_call_int(r, op, 1), protocol = drill_call_int(r, op, 2);
  if (r->failure)
    return 0;
  long live = r->subject->socket(r, domain, type, protocol);
  if (live < 0)
    return live;
  struct drill_fd *fd = drill_call_fd_new(r, op, live);
  if (!fd)
    return 0;
  fd->conn = r->current = drill_conn_new(r, DRILL_CONN_NEW);
  fd->conn->fd = fd->script;
  fd->conn->is_udp = (type & 0xf) == SOCK_DGRAM;
  return live;
}

/* The address of sockaddr forms: `...` is the usual one. */
static bool read_endpoint(struct drill_run *r, const struct drill_expr *e, tct_endpoint *out) {
  const struct drill_expr *port, *addr;
  if (e->kind != DRILL_EXPR_STRUCT)
    return true;
  port = drill_call_field(e, "sin_port");
  addr = drill_call_field(e, "sin_addr");
  if (!port)
    port = drill_call_field(e, "sin6_port");
  if (!addr)
    addr = drill_call_field(e, "sin6_addr");
  int64_t v;
  if (port && port->kind == DRILL_EXPR_CALL && port->n == 1 &&
      drill_call_number(r, port->kids[0], &v))
    out->port = (uint16_t)v;
  if (addr && addr->kind == DRILL_EXPR_CALL && addr->n == 1 &&
      addr->kids[0]->kind == DRILL_EXPR_STRING)
    out->addr = drill_conn_address(addr->kids[0]->text);
  return !r->failure;
}

static long attempt_bind(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  tct_endpoint local = {.addr = r->local, .port = r->set->bind_port};
  if (!fd || !read_endpoint(r, op->call->args[1], &local))
    return 0;
  long result = r->subject->bind(r, fd->live, &local);
  if (result == 0 && fd->conn && fd->conn->is_udp)
    fd->conn->lport = local.port;
  return result;
}

static long attempt_listen(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int backlog = drill_call_int(r, op, 1);
  if (r->failure)
    return 0;
  long result = r->subject->listen(r, fd->live, backlog);
  if (result == 0 && fd->conn && fd->conn->state == DRILL_CONN_NEW) {
    fd->conn->state = DRILL_CONN_LISTENING;
    r->current = fd->conn;
  }
  return result;
}

/* The connection object that the live one belongs to. */
static struct drill_conn *find_accepted(struct drill_run *r, const tct_endpoint *peer) {
  for (struct drill_conn *c = r->conns; c; c = c->older) {
    bool is_child = c->state >= DRILL_CONN_RECEIVED && c->rport == peer->port;
    if (is_child && memcmp(c->remote.b, peer->addr.b, 16) == 0)
      return c;
  }
  return NULL;
}

static long attempt_accept(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  tct_endpoint peer = {.port = 0};
  int flags = op->call->n_args == 4 ? drill_call_int(r, op, 3) : 0;
  if (r->failure)
    return 0;
  long live = r->subject->accept(r, op, fd->live, flags, &peer);
  if (live < 0)
    return live;
  struct drill_fd *child = drill_call_fd_new(r, op, live);
  if (!child)
    return 0;
  child->conn = find_accepted(r, &peer);
  if (!child->conn)
    return drill_run_fail(r, "accept() gave a connection of no line here"), 0;
  child->conn->fd = child->script;
  return live;
}

/* The SYN that is about to leave belongs to this object, or to a new one if the socket had one
 * before. */
void drill_call_connecting(struct drill_run *r, struct drill_fd *fd, const tct_endpoint *remote) {
  struct drill_conn *c = fd->conn;
  if (!c)
    return;
  bool is_udp = c->is_udp;
  if (c->state != DRILL_CONN_NEW) {
    c->fd = -1;
    c = fd->conn = drill_conn_new(r, DRILL_CONN_NEW);
    c->fd = fd->script;
    c->is_udp = is_udp;
    fd->rx = fd->tx = 0;
  }
  c->state = DRILL_CONN_CONNECTING;
  c->number = ++r->n_conns;
  c->remote = remote->addr;
  c->rport = remote->port;
  r->current = c;
}

static long attempt_connect(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  if (!fd)
    return 0;
  const struct drill_expr *where = op->call->args[1];
  if (where->kind == DRILL_EXPR_WORD && strcmp(where->text, "AF_UNSPEC") == 0)
    return r->subject->connect(r, op, fd->live, NULL);
  tct_endpoint remote = {.addr = r->remote, .port = r->set->connect_port};
  if (!read_endpoint(r, where, &remote))
    return 0;
  long result = r->subject->connect(r, op, fd->live, &remote);
  bool is_start =
      result == -EINPROGRESS || (result == LSOCK_SLEEP && !op->is_begun) ||
      (result == 0 && fd->conn && (fd->conn->is_udp || fd->conn->state == DRILL_CONN_NEW));
  if (is_start)
    drill_call_connecting(r, fd, &remote);
  op->is_begun = true;
  return result;
}

static void forget_fd(struct drill_fd *fd) {
  if (fd->conn)
    fd->conn->fd = -1;
  *fd = (struct drill_fd){.is_used = false};
}

static long attempt_close(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  if (!fd)
    return 0;
  long result = fd->is_host ? close(fd->live) : r->subject->close(r, op, fd->live);
  if (result != LSOCK_SLEEP)
    forget_fd(fd);
  return result;
}

static long attempt_abort(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  if (!fd)
    return 0;
  long result = r->subject->abort(r, fd->live);
  forget_fd(fd);
  return result;
}

static long attempt_shutdown(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int how = drill_call_int(r, op, 1);
  return r->failure ? 0 : r->subject->shutdown(r, fd->live, how);
}

static long attempt_fcntl(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int cmd = drill_call_int(r, op, 1), arg = op->call->n_args > 2 ? drill_call_int(r, op, 2) : 0;
  return r->failure ? 0 : r->subject->fcntl(r, fd->live, cmd, arg);
}

static long attempt_ioctl(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int request = drill_call_int(r, op, 1);
  int want = op->call->n_args > 2 ? drill_call_int(r, op, 2) : 0, value = want;
  if (r->failure)
    return 0;
  long result = r->subject->ioctl(r, fd->live, (unsigned long)request, &value);
  if (result == 0 && value != want && request != FIONBIO)
    drill_run_fail(r, "ioctl(): the value should be %d and is %d", want, value);
  return result;
}

/* ---- Options --------------------------------------------------------------------------------- */

static bool read_linger(struct drill_run *r, const struct drill_expr *e, struct linger *g) {
  const struct drill_expr *on = drill_call_field(e, "onoff"), *s = drill_call_field(e, "linger");
  int64_t on_v, s_v;
  if (!on || !s)
    return drill_run_fail(r, "{onoff=N, linger=N} expected");
  if (!drill_call_number(r, on, &on_v) || !drill_call_number(r, s, &s_v))
    return false;
  *g = (struct linger){.l_onoff = (int)on_v, .l_linger = (int)s_v};
  return true;
}

/* The bytes of a written option value; *len 0 for NULL and `...`. */
static bool read_value(struct drill_run *r, const struct drill_expr *e, uint8_t *value,
                       size_t *len) {
  struct linger g;
  int64_t v;
  *len = 0;
  if (e->kind == DRILL_EXPR_LIST && e->n == 1)
    e = e->kids[0];
  if (e->kind == DRILL_EXPR_ANY || (e->kind == DRILL_EXPR_WORD && strcmp(e->text, "NULL") == 0))
    return true;
  if (e->kind == DRILL_EXPR_STRING) {
    *len = e->len < VALUE_CAP ? e->len : VALUE_CAP;
    memcpy(value, e->text, *len);
    return true;
  }
  if (e->kind == DRILL_EXPR_STRUCT) {
    if (!read_linger(r, e, &g))
      return false;
    memcpy(value, &g, *len = sizeof g);
    return true;
  }
  if (!drill_call_number(r, e, &v))
    return false;
  int n = (int)(uint32_t)v;
  memcpy(value, &n, *len = sizeof n);
  return true;
}

static long attempt_setsockopt(struct drill_run *r, struct drill_op *op) {
  uint8_t value[VALUE_CAP] = {0};
  size_t have;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int level = drill_call_int(r, op, 1), name = drill_call_int(r, op, 2);
  int len = drill_call_int(r, op, 4);
  if (!read_value(r, op->call->args[3], value, &have) || r->failure)
    return 0;
  if (len < 0 || len > VALUE_CAP)
    return -EINVAL;
  return r->subject->setsockopt(r, fd->live, level, name, have ? value : NULL, (size_t)len);
}

static long attempt_getsockopt(struct drill_run *r, struct drill_op *op) {
  uint8_t want[VALUE_CAP] = {0}, value[VALUE_CAP] = {0};
  size_t want_len, len;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int level = drill_call_int(r, op, 1), name = drill_call_int(r, op, 2);
  int room = drill_call_int(r, op, 4);
  if (!read_value(r, op->call->args[3], want, &want_len) || r->failure)
    return 0;
  if (room < 0 || room > VALUE_CAP)
    return -EINVAL;
  len = (size_t)room;
  long result = r->subject->getsockopt(r, fd->live, level, name, value, &len);
  if (op->call->args[3]->kind == DRILL_EXPR_ANY)
    return result;
  if (memcmp(want, value, want_len) != 0) {
    int want_v, v;
    memcpy(&want_v, want, sizeof v);
    memcpy(&v, value, sizeof v);
    drill_run_fail(r, "getsockopt(): the value should be %d and is %d", want_v, v);
  }
  return result;
}

const struct drill_call_row drill_call_sock_rows[] = {
    {"socket", 3, 3, attempt_socket, true},
    {"bind", 3, 3, attempt_bind, false},
    {"listen", 2, 2, attempt_listen, false},
    {"accept", 3, 3, attempt_accept, true},
    {"accept4", 4, 4, attempt_accept, true},
    {"connect", 3, 3, attempt_connect, false},
    {"close", 1, 1, attempt_close, false},
    {"shutdown", 2, 2, attempt_shutdown, false},
    {"fcntl", 2, 3, attempt_fcntl, false},
    {"ioctl", 2, 3, attempt_ioctl, false},
    {"setsockopt", 5, 5, attempt_setsockopt, false},
    {"getsockopt", 5, 5, attempt_getsockopt, false},
    {"tct_abort", 1, 1, attempt_abort, false},
    {NULL, 0, 0, NULL, false},
};
