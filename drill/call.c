/* SPDX-License-Identifier: MIT */
/*
 * call.c - the calls of a script in general: which one, its arguments, whether it sleeps, and its
 * result and errno against what is written. Called by run.c; world.c tries a sleeping call again
 * whenever something happened. Leaves what each call does to call_sock.c, call_io.c, call_tct.c.
 */
#include "drill/run.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "drill/names.h"

#define RETURN_LIMIT_NS 1000000000u    /* packetdrill waits as long */
#define SLEEP_LIMIT_NS 86400000000000u /* a plain call that takes a day will never return */

/* ---- Arguments ------------------------------------------------------------------------------- */

static bool call_number(struct drill_run *r, const struct drill_expr *e, int64_t *v) {
  struct in_addr a;
  if (strcmp(e->text, "htons") == 0 && e->n == 1) {
    if (!drill_call_number(r, e->kids[0], v))
      return false;
    *v = htons((uint16_t)*v);
    return true;
  }
  bool is_addr =
      strcmp(e->text, "inet_addr") == 0 && e->n == 1 && e->kids[0]->kind == DRILL_EXPR_STRING;
  if (!is_addr || inet_pton(AF_INET, e->kids[0]->text, &a) != 1)
    return drill_run_fail(r, "%s() means nothing as a number", e->text);
  *v = a.s_addr;
  return true;
}

static bool or_number(struct drill_run *r, const struct drill_expr *e, int64_t *v) {
  *v = 0;
  for (size_t i = 0; i < e->n; i++) {
    int64_t part;
    if (!drill_call_number(r, e->kids[i], &part))
      return false;
    *v |= part;
  }
  return true;
}

bool drill_call_number(struct drill_run *r, const struct drill_expr *e, int64_t *v) {
  *v = 0;
  switch (e->kind) {
  case DRILL_EXPR_INT:
    *v = e->number;
    break;
  case DRILL_EXPR_WORD:
    if (!drill_names_constant(e->text, v))
      return drill_run_fail(r, "unknown constant %s", e->text);
    break;
  case DRILL_EXPR_OR:
    return or_number(r, e, v);
  case DRILL_EXPR_CALL:
    return call_number(r, e, v);
  case DRILL_EXPR_LIST:
    if (e->n == 1)
      return drill_call_number(r, e->kids[0], v);
    return drill_run_fail(r, "a list of one number expected");
  default:
    return drill_run_fail(r, "a number expected as argument");
  }
  if (*v < INT32_MIN || *v > UINT32_MAX)
    return drill_run_fail(r, "%lld does not fit in 32 bits", (long long)*v);
  return true;
}

int drill_call_int(struct drill_run *r, const struct drill_op *op, size_t i) {
  int64_t v = 0;
  (void)drill_call_number(r, op->call->args[i], &v);
  return (int)(uint32_t)v;
}

const struct drill_expr *drill_call_field(const struct drill_expr *e, const char *name) {
  for (size_t i = 0; i < e->n; i++) {
    const struct drill_expr *k = e->kids[i];
    if (k->kind == DRILL_EXPR_FIELD && strcmp(k->text, name) == 0)
      return k->kids[0];
  }
  return NULL;
}

struct drill_fd *drill_call_fd_named(struct drill_run *r, const struct drill_expr *e) {
  int64_t v;
  if (!drill_call_number(r, e, &v))
    return NULL;
  for (int i = 0; i < DRILL_FDS_MAX; i++)
    if (r->fds[i].is_used && r->fds[i].script == (int)v)
      return &r->fds[i];
  drill_run_fail(r, "%lld is no open descriptor of this script", (long long)v);
  return NULL;
}

struct drill_fd *drill_call_fd(struct drill_run *r, const struct drill_op *op, size_t i) {
  return drill_call_fd_named(r, op->call->args[i]);
}

struct drill_fd *drill_call_fd_add(struct drill_run *r, int64_t script, long live) {
  struct drill_fd *unused = NULL;
  for (int i = 0; i < DRILL_FDS_MAX; i++) {
    struct drill_fd *f = &r->fds[i];
    if (!f->is_used)
      unused = unused ? unused : f;
    else if (f->script == (int)script && script >= 0)
      return drill_run_fail(r, "descriptor %d is in use", f->script), NULL;
  }
  if (!unused)
    return drill_run_fail(r, "too many descriptors"), NULL;
  int name = script >= 0 ? (int)script : 100000 + (int)live;
  *unused = (struct drill_fd){.is_used = true, .script = name, .live = (int)live};
  return unused;
}

struct drill_fd *drill_call_fd_new(struct drill_run *r, const struct drill_op *op, long live) {
  return drill_call_fd_add(r, op->call->result, live);
}

long drill_call_sleep(struct drill_run *r, struct drill_op *op, int64_t ms, long at_end) {
  if (ms < 0)
    return LSOCK_SLEEP;
  op->has_deadline = true;
  op->deadline_ns = op->start_ns + (uint64_t)ms * 1000000u;
  return r->now_ns >= op->deadline_ns ? at_end : LSOCK_SLEEP;
}

bool drill_call_is_null(const struct drill_expr *e) {
  return e->kind == DRILL_EXPR_WORD && strcmp(e->text, "NULL") == 0;
}

/* ---- Addresses ------------------------------------------------------------------------------- */

size_t drill_call_sockaddr(const struct drill_run *r, const tct_endpoint *e,
                           struct sockaddr_storage *out) {
  memset(out, 0, sizeof *out);
  if (!e)
    return sizeof(struct sockaddr_in);
  if (r->set->ip == DRILL_IP4) {
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(e->port)};
    memcpy(&a.sin_addr, e->addr.b + 12, 4);
    memcpy(out, &a, sizeof a);
    return sizeof a;
  }
  struct sockaddr_in6 a = {.sin6_family = AF_INET6, .sin6_port = htons(e->port)};
  memcpy(&a.sin6_addr, e->addr.b, 16);
  memcpy(out, &a, sizeof a);
  return sizeof a;
}

bool drill_call_endpoint(const struct sockaddr_storage *from, tct_endpoint *out) {
  struct sockaddr_in6 a;
  struct sockaddr_in a4;
  memset(out, 0, sizeof *out);
  if (from->ss_family == AF_INET6) {
    memcpy(&a, from, sizeof a);
    out->port = ntohs(a.sin6_port);
    memcpy(out->addr.b, &a.sin6_addr, 16);
  } else if (from->ss_family == AF_INET) {
    memcpy(&a4, from, sizeof a4);
    const uint8_t *b = (const uint8_t *)&a4.sin_addr;
    out->port = ntohs(a4.sin_port);
    out->addr = tct_addr_ipv4(b[0], b[1], b[2], b[3]);
  }
  return from->ss_family == AF_INET || from->ss_family == AF_INET6;
}

/* ---- Results --------------------------------------------------------------------------------- */

static char *show_result(struct drill_run *r, long long result, const char *error) {
  return drill_arena_printf(r->arena, "%lld%s%s", result, error ? " " : "", error ? error : "");
}

static char *show_live(struct drill_run *r, long result) {
  if (result >= 0)
    return show_result(r, result, NULL);
  const char *name = drill_names_errno(-result);
  return name ? show_result(r, -1, name) : drill_arena_printf(r->arena, "-1 (errno %ld)", -result);
}

static const struct drill_call_row *find_row(const char *name) {
  const struct drill_call_row *const tables[] = {drill_call_sock_rows, drill_call_io_rows,
                                                 drill_call_file_rows, drill_call_tct_rows};
  for (size_t t = 0; t < sizeof tables / sizeof tables[0]; t++)
    for (const struct drill_call_row *row = tables[t]; row->name; row++)
      if (strcmp(row->name, name) == 0)
        return row;
  return NULL;
}

static bool is_wanted(const struct drill_call *c, const struct drill_call_row *row, long result) {
  if (c->any_result || (row->makes_fd && c->result >= 0 && result >= 0))
    return true;
  return c->result == (result < 0 ? -1 : result);
}

static bool check_result(struct drill_run *r, const struct drill_op *op, long result) {
  const struct drill_call *c = op->call;
  int64_t want_errno = 0;
  if (c->error && !drill_names_constant(c->error, &want_errno))
    return drill_run_fail(r, "unknown errno %s", c->error);
  const struct drill_call_row *row = find_row(c->name);
  bool ok = is_wanted(c, row, result) && (!c->error || -result == want_errno);
  drill_log_note(r, op->line, "%s() = %s", c->name,
                 row->makes_fd && result >= 0 ? "a descriptor" : show_live(r, result));
  if (ok || r->set->non_fatal_syscall || r->is_logged)
    return true;
  char *expected = show_result(r, c->result, c->error), *seen = show_live(r, result);
  return drill_run_differ(r, expected, seen, "%s(): expected %s, seen %s", c->name, expected, seen);
}

static bool check_end(struct drill_run *r, const struct drill_op *op) {
  uint64_t slack = drill_run_tolerance(r, op->end_ns - op->start_ns);
  uint64_t end_ns = op->returned_ns ? op->returned_ns : r->now_ns;
  if ((end_ns + slack >= op->end_ns && end_ns <= op->end_ns + slack) || r->is_logged)
    return true;
  r->is_timing = true;
  return drill_run_fail(r, "%s() should return at %.6f s and did at %.6f s", op->call->name,
                        (double)op->end_ns / 1e9, (double)end_ns / 1e9);
}

static bool finish_op(struct drill_run *r, const struct drill_op *op, long result) {
  int line = r->line;
  r->line = op->line;
  bool ok = !r->failure && check_result(r, op, result) && (!op->call->blocks || check_end(r, op));
  r->line = line;
  return ok;
}

bool drill_call_retry(struct drill_run *r) {
  long result = r->pending.attempt(r, &r->pending);
  if (result == LSOCK_SLEEP && !r->failure)
    return false;
  r->pending.is_active = false;
  struct drill_op op = r->pending;
  (void)finish_op(r, &op, result);
  return true;
}

/* A plain call that sleeps: the world goes on until it returns. */
static bool wait_for_pending(struct drill_run *r, uint64_t limit_ns) {
  while (r->pending.is_active && !r->failure)
    if (!drill_world_step(r, limit_ns))
      break;
  if (r->failure || !r->pending.is_active)
    return !r->failure;
  return drill_run_fail(r, "%s() sleeps and nothing wakes it", r->pending.call->name);
}

bool drill_call_finish(struct drill_run *r) {
  return !r->pending.is_active || wait_for_pending(r, r->now_ns + SLEEP_LIMIT_NS);
}

/* A call that has just been woken on a real clock needs a moment to return. */
static void await_pending(struct drill_run *r) {
  uint64_t limit_ns = r->now_ns + RETURN_LIMIT_NS;
  while (r->linux && r->pending.is_active && !r->failure)
    if (!drill_world_step(r, limit_ns))
      return;
}

static bool start_op(struct drill_run *r, struct drill_op *op) {
  await_pending(r);
  long result = op->attempt(r, op);
  if (r->failure)
    return false;
  if (result != LSOCK_SLEEP)
    return finish_op(r, op, result) && drill_world_settle(r);
  if (r->pending.is_active)
    return drill_run_fail(r, "%s() would sleep while another call does", op->call->name);
  op->is_active = true;
  r->pending = *op;
  if (!drill_world_settle(r))
    return false;
  return op->call->blocks || wait_for_pending(r, r->now_ns + SLEEP_LIMIT_NS);
}

/* What is only asked of our stack: the kernel is not, and the answer is taken as it is written. */
static bool is_passed_over(const struct drill_run *r, const char *name) {
  return r->linux && (strcmp(name, "tct_news") == 0 || strcmp(name, "tct_get") == 0);
}

bool drill_call_play(struct drill_run *r, const struct drill_event *e) {
  const struct drill_call *c = e->call;
  if (is_passed_over(r, c->name))
    return true;
  const struct drill_call_row *row = find_row(c->name);
  if (!row)
    return drill_run_fail(r, "there is no call %s()", c->name);
  if (c->n_args < row->min_args || c->n_args > row->max_args)
    return drill_run_fail(r, "%s() takes %u arguments, not %zu", c->name, row->min_args, c->n_args);
  struct drill_op op = {.call = c, .attempt = row->attempt, .line = e->line, .start_ns = r->now_ns};
  uint64_t base_ns = e->when == DRILL_AFTER ? r->now_ns - e->from_ns : 0;
  /* The end is counted from where the beginning was counted. */
  op.end_ns = c->end_ns + (e->when == DRILL_AFTER ? base_ns : 0);
  return start_op(r, &op);
}
