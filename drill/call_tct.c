/* SPDX-License-Identifier: MIT */
/*
 * call_tct.c - calls that packetdrill has not: they reach what the core offers beside Linux's
 * sockets, and choose which connection the next lines are about. All begin with tct_. Called
 * through call.c's table.
 */
#define _GNU_SOURCE
#include "drill/run.h"

#include <errno.h>
#include <string.h>

/* True with the script skipped while the kernel is the subject. */
static bool is_ours_only(struct drill_run *r, const struct drill_op *op) {
  return r->subject != &drill_subject_ours && !drill_run_skip(r, op->call->name);
}

/* tct_use(fd): from here on, packets are of this socket's connection. */
static long attempt_use(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  if (!fd)
    return 0;
  if (!fd->conn)
    return -ENOTSOCK;
  r->current = fd->conn;
  return 0;
}

/* tct_set(fd, TCT_OPT_X, value) */
static long attempt_set(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int opt = drill_call_int(r, op, 1);
  int64_t value;
  tct_sock k;
  if (!drill_call_number(r, op->call->args[2], &value) || r->failure)
    return 0;
  long err = lsock_handle(r->lsock, fd->live, &k);
  return err < 0 ? err : tct_sock_set(r->stack, k, (tct_opt)opt, value);
}

/* tct_get(fd, TCT_OPT_X) = value */
static long attempt_get(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int opt = drill_call_int(r, op, 1);
  int64_t value = 0;
  tct_sock k;
  if (r->failure)
    return 0;
  long err = lsock_handle(r->lsock, fd->live, &k);
  if (err == 0)
    err = tct_sock_get(r->stack, k, (tct_opt)opt, &value);
  return err < 0 ? err : (long)value;
}

/* tct_news(fd, TCT_EV_X) = how often that came */
static long attempt_news(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int flag = drill_call_int(r, op, 1);
  return r->failure ? 0 : lsock_news_count(r->lsock, fd->live, (uint32_t)flag);
}

/* tct_syn_answer(listener, TCT_SYN_X): the oldest SYN that waits for our word. */
static long attempt_syn_answer(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  int word = drill_call_int(r, op, 1), code = op->call->n_args > 2 ? drill_call_int(r, op, 2) : 0;
  tct_sock k;
  tct_syn_info info;
  if (r->failure)
    return 0;
  long err = lsock_handle(r->lsock, fd->live, &k);
  if (err < 0)
    return err;
  if (!tct_syn_next(r->stack, k, &info))
    return -EAGAIN;
  return tct_syn_answer(r->stack, info.syn, (tct_syn_word)word, (unsigned)code);
}

/* tct_if_set(TCT_IF_UP, 0) */
static long attempt_if_set(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  int what = drill_call_int(r, op, 0), value = drill_call_int(r, op, 1);
  return r->failure ? 0 : tct_if_set(r->stack, r->ifc, (tct_if_what)what, (uint32_t)value);
}

static bool read_address(struct drill_run *r, const struct drill_op *op, tct_addr *a) {
  const struct drill_expr *e = op->call->args[0];
  if (e->kind != DRILL_EXPR_STRING)
    return drill_run_fail(r, "an address in quotes expected");
  *a = drill_conn_address(e->text);
  return true;
}

/* tct_addr_add("192.168.0.9", 16) */
static long attempt_addr_add(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  tct_addr a;
  int prefix_len = drill_call_int(r, op, 1);
  if (!read_address(r, op, &a) || r->failure)
    return 0;
  return tct_if_addr_add(r->stack, r->ifc, a, (unsigned)prefix_len);
}

static long attempt_addr_del(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  tct_addr a;
  return read_address(r, op, &a) ? tct_if_addr_del(r->stack, r->ifc, a) : 0;
}

/* tct_drain(ms): close everything, reset what is left after that time. */
static long attempt_drain(struct drill_run *r, struct drill_op *op) {
  if (is_ours_only(r, op))
    return 0;
  int ms = drill_call_int(r, op, 0);
  if (r->failure)
    return 0;
  tct_drain(r->stack, DRILL_BASE_NS + r->now_ns + (uint64_t)(uint32_t)ms * 1000000u);
  return 0;
}

/* tct_isn(fd) = ISS as it is on the wire, for scripts about ISNs; only its lower 31 bits. */
static long attempt_isn(struct drill_run *r, struct drill_op *op) {
  struct drill_fd *fd = drill_call_fd(r, op, 0);
  if (!fd)
    return 0;
  if (!fd->conn || !fd->conn->has_live)
    return -ENOTCONN;
  return (long)(fd->conn->isn_live & 0x7fffffff);
}

const struct drill_call_row drill_call_tct_rows[] = {
    {"tct_use", 1, 1, attempt_use, false},
    {"tct_set", 3, 3, attempt_set, false},
    {"tct_get", 2, 2, attempt_get, false},
    {"tct_news", 2, 2, attempt_news, false},
    {"tct_syn_answer", 2, 3, attempt_syn_answer, false},
    {"tct_if_set", 2, 2, attempt_if_set, false},
    {"tct_addr_add", 2, 2, attempt_addr_add, false},
    {"tct_addr_del", 1, 1, attempt_addr_del, false},
    {"tct_drain", 1, 1, attempt_drain, false},
    {"tct_isn", 1, 1, attempt_isn, false},
    {NULL, 0, 0, NULL, false},
};
