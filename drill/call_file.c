/* SPDX-License-Identifier: MIT */
/*
 * call_file.c - pipes, and files of this machine: pipe, splice, open, sendfile; and cap_set. Called
 * through call.c's table. What goes out this way is not the runner's pattern, so it is not
 * compared.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

static long attempt_pipe(struct drill_run *r, struct drill_op *op) {
  const struct drill_expr *e = op->call->args[0];
  int64_t names[2];
  int live[2];
  if (e->kind != DRILL_EXPR_LIST || e->n != 2)
    return drill_run_fail(r, "pipe() wants [a, b]"), 0;
  if (!drill_call_number(r, e->kids[0], &names[0]) || !drill_call_number(r, e->kids[1], &names[1]))
    return 0;
  long result = r->subject->pipe(r, live);
  for (int i = 0; result == 0 && i < 2; i++)
    if (!drill_call_fd_add(r, names[i], live[i]))
      return 0;
  return result;
}

static long attempt_splice(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *in = drill_call_fd(r, op, 0), *out = drill_call_fd(r, op, 2);
  int len = drill_call_int(r, op, 4), flags = drill_call_int(r, op, 5);
  if (!drill_call_is_null(op->call->args[1]) || !drill_call_is_null(op->call->args[3]))
    return drill_run_fail(r, "splice() with offsets is not for streams"), 0;
  if (r->failure)
    return 0;
  long result = r->subject->splice(r, op, in->live, out->live, (size_t)len, flags);
  if (result > 0)
    in->rx += (uint32_t)result;
  if (out->conn)
    out->conn->own_tx = true;
  return result;
}

static long attempt_open(struct drill_run *r, struct drill_op *op) {
  const struct drill_expr *path = op->call->args[0];
  int flags = drill_call_int(r, op, 1);
  if (path->kind != DRILL_EXPR_STRING)
    return drill_run_fail(r, "open() wants a path in quotes"), 0;
  if (r->failure)
    return 0;
  int live = open(path->text, flags | O_CLOEXEC, 0600);
  if (live < 0)
    return -errno;
  struct drill_fd *fd = drill_call_fd_new(r, op, live);
  if (fd)
    fd->is_host = true;
  return live;
}

/* sendfile(out, in, [offset], n) */
static long attempt_sendfile(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *out = drill_call_fd(r, op, 0), *in = drill_call_fd(r, op, 1);
  int64_t at;
  int len = drill_call_int(r, op, 3);
  if (!drill_call_number(r, op->call->args[2], &at) || r->failure)
    return 0;
  if (!in->is_host)
    return -EINVAL;
  if (out->conn)
    out->conn->own_tx = true;
  off_t off = (off_t)at;
  return r->subject->sendfile(r, op, out->live, in->live, &off, (size_t)len);
}

/* Rights of the runner itself, which no subject asks for. */
static long attempt_cap_set(struct drill_run *r, struct drill_op *op) {
  (void)r;
  (void)op;
  return 0;
}

const struct drill_call_row drill_call_file_rows[] = {
    {"pipe", 1, 1, attempt_pipe, false},       {"splice", 6, 6, attempt_splice, false},
    {"open", 2, 3, attempt_open, true},        {"sendfile", 4, 4, attempt_sendfile, false},
    {"cap_set", 3, 3, attempt_cap_set, false}, {NULL, 0, 0, NULL, false},
};
