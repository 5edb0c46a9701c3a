/* SPDX-License-Identifier: MIT */
/*
 * ours.c - our stack as the subject of a script: one interface, and virtual time: nothing waits,
 * the clock jumps from one deadline of the stack to the next. Its socket calls are host/lsock's.
 * Called by world.c and the calls, through the subject's table.
 */
#define _GNU_SOURCE
#include "drill/run.h"
#include "tercet/host.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { STEPS_AT_ONE_TIME_MAX = 10000, HELD_MAX = 64 };

static bool add_address(struct drill_run *r, const char *text, unsigned prefix_len) {
  tct_addr a;
  char host[64];
  const char *slash = strchr(text, '/');
  size_t n = slash ? (size_t)(slash - text) : strlen(text);
  if (n >= sizeof host)
    return drill_run_fail(r, "%s is no address", text);
  memcpy(host, text, n);
  host[n] = '\0';
  if (slash)
    prefix_len = (unsigned)strtoul(slash + 1, NULL, 10);
  if (tct_addr_parse(host, &a) != TCT_OK)
    return drill_run_fail(r, "%s is no address", text);
  int err = tct_if_addr_add(r->stack, r->ifc, a, prefix_len);
  return err == TCT_OK || drill_run_fail(r, "cannot add address %s: %s", text, tct_strerror(err));
}

static bool add_interface(struct drill_run *r) {
  bool is_v6 = r->set->ip == DRILL_IP6;
  tct_if_config c = {.size = sizeof c, .link = TCT_LINK_IP};
  c.mtu = r->set->mtu ? r->set->mtu : is_v6 ? 1520 : 1500;
  int err = tct_if_add(r->stack, &c, &r->ifc);
  if (err != TCT_OK)
    return drill_run_fail(r, "cannot add an interface: %s", tct_strerror(err));
  const char *local = r->set->local_ip ? r->set->local_ip
                      : is_v6          ? "fd3d:0a0b:17d6::1"
                                       : "192.168.0.1";
  if (!add_address(r, local, is_v6 ? 48 : 16))
    return false;
  if (r->set->extra_ip && !add_address(r, r->set->extra_ip, is_v6 ? 48 : 16))
    return false;
  tct_addr any = {{0}}, dst = is_v6 ? any : tct_addr_ipv4(0, 0, 0, 0);
  err = tct_route_add(r->stack, dst, 0, any, r->ifc);
  return err == TCT_OK || drill_run_fail(r, "cannot add a route: %s", tct_strerror(err));
}

static bool start(struct drill_run *r) {
  int err = TCT_OK;
  r->config.alloc = tct_host_alloc();
  memcpy(r->config.seed, "packet scripts are deterministic", sizeof r->config.seed);
  r->config.deterministic = true;
  r->stack = tct_new(&r->config, &err);
  if (!r->stack)
    return drill_run_fail(r, "cannot make a stack: %s", tct_strerror(err));
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  if (!add_interface(r))
    return false;
  r->lsock = lsock_new(r->stack);
  return r->lsock || drill_run_fail(r, "no memory for sockets");
}

static void stop(struct drill_run *r) {
  lsock_free(r->lsock);
  if (r->stack)
    tct_free(r->stack);
  r->lsock = NULL;
  r->stack = NULL;
}

static void keep_out(struct drill_run *r, const tct_frame *from) {
  size_t at = 0;
  struct drill_frame *f = drill_world_frame(r, true, from->len);
  for (uint32_t i = 0; i < from->n_iov; i++) {
    memcpy(f->bytes + at, from->iov[i].base, from->iov[i].len);
    at += from->iov[i].len;
  }
  f->why = from->why;
  drill_world_came(r, f);
}

static size_t pull_out(struct drill_run *r) {
  tct_frame frames[TCT_BURST_MAX];
  memset(frames, 0, sizeof frames);
  size_t n = tct_output(r->stack, r->ifc, frames, TCT_BURST_MAX, DRILL_BASE_NS + r->now_ns);
  for (size_t i = 0; i < n && !r->is_dropping; i++)
    keep_out(r, &frames[i]);
  return n;
}

static bool settle(struct drill_run *r) {
  for (int turn = 0; turn < STEPS_AT_ONE_TIME_MAX && !r->failure; turn++) {
    lsock_on_news(r->lsock);
    if (!r->is_holding && pull_out(r) > 0)
      continue;
    if (!r->pending.is_active || !drill_call_retry(r))
      return !r->failure;
  }
  return r->failure ? false : drill_run_fail(r, "the stack sends without end at one instant");
}

static bool step(struct drill_run *r, uint64_t limit_ns) {
  tct_time deadline = tct_deadline(r->stack);
  if (r->pending.is_active && r->pending.has_deadline &&
      deadline > DRILL_BASE_NS + r->pending.deadline_ns)
    deadline = DRILL_BASE_NS + r->pending.deadline_ns;
  if (deadline == TCT_NEVER || deadline > DRILL_BASE_NS + limit_ns)
    return false;
  if (deadline > DRILL_BASE_NS + r->now_ns)
    r->now_ns = deadline - DRILL_BASE_NS;
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  return settle(r);
}

static bool advance(struct drill_run *r, uint64_t to_ns) {
  int same = 0;
  while (!r->failure) {
    uint64_t before = r->now_ns;
    if (!step(r, to_ns))
      break;
    same = r->now_ns == before ? same + 1 : 0;
    if (same > STEPS_AT_ONE_TIME_MAX)
      return drill_run_fail(r, "a timer of the stack is due without end at one instant");
  }
  if (r->failure)
    return false;
  if (to_ns > r->now_ns)
    r->now_ns = to_ns;
  tct_advance(r->stack, DRILL_BASE_NS + r->now_ns);
  return settle(r);
}

/* Frames of ours may have come between those that are held. */
static struct drill_frame *next_held(struct drill_frame *f) {
  do
    f = f->next;
  while (f && f->is_out);
  return f;
}

static bool hand_in(struct drill_run *r) {
  tct_frame frames[HELD_MAX];
  tct_iov iov[HELD_MAX];
  memset(frames, 0, sizeof frames);
  struct drill_frame *f = r->held;
  for (unsigned i = 0; i < r->n_held; i++, f = next_held(f)) {
    iov[i] = (tct_iov){f->bytes, f->len};
    frames[i] = (tct_frame){
        .iov = &iov[i], .n_iov = 1, .len = (uint32_t)f->len, .at = DRILL_BASE_NS + r->now_ns};
  }
  (void)tct_input(r->stack, r->ifc, frames, r->n_held, DRILL_BASE_NS + r->now_ns);
  f = r->held;
  for (unsigned i = 0; i < r->n_held; i++, f = next_held(f))
    f->verdict = frames[i].verdict;
  r->n_held = 0;
  return settle(r);
}

static bool inject(struct drill_run *r, struct drill_frame *f, bool is_more) {
  if (r->n_held == 0)
    r->held = f;
  r->n_held++;
  return is_more && r->n_held < HELD_MAX ? true : hand_in(r);
}

/* Stamps are of the stack's clock. */
static int64_t stamp(struct drill_run *r, const struct timespec *t) {
  (void)r;
  return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec - (int64_t)DRILL_BASE_NS;
}

/* ---- Socket calls -----------------------------------------------------------------------------
 */

static long do_socket(struct drill_run *r, int domain, int type, int protocol) {
  return lsock_socket(r->lsock, domain, type, protocol);
}
static long do_bind(struct drill_run *r, int fd, const tct_endpoint *local) {
  return lsock_bind(r->lsock, fd, local);
}
static long do_listen(struct drill_run *r, int fd, int backlog) {
  return lsock_listen(r->lsock, fd, backlog);
}
/* SO_RCVTIMEO and its kin end a sleep. */
static long or_give_up(struct drill_run *r, struct drill_op *op, int fd, enum lsock_wait which,
                       long result) {
  uint64_t limit_ns = result == LSOCK_SLEEP ? lsock_timeout_ns(r->lsock, fd, which) : 0;
  if (limit_ns == 0)
    return result;
  op->has_deadline = true;
  op->deadline_ns = op->start_ns + limit_ns;
  return r->now_ns < op->deadline_ns ? LSOCK_SLEEP : lsock_give_up(r->lsock, fd, which, op->done);
}

static long do_accept(struct drill_run *r, struct drill_op *op, int fd, int flags,
                      tct_endpoint *peer) {
  long result = lsock_accept(r->lsock, fd, flags, peer);
  return or_give_up(r, op, fd, LSOCK_WAIT_ACCEPT, result);
}
static long do_connect(struct drill_run *r, struct drill_op *op, int fd,
                       const tct_endpoint *remote) {
  return or_give_up(r, op, fd, LSOCK_WAIT_CONNECT, lsock_connect(r->lsock, fd, remote));
}
static long do_shutdown(struct drill_run *r, int fd, int how) {
  return lsock_shutdown(r->lsock, fd, how);
}
static long do_close(struct drill_run *r, struct drill_op *op, int fd) {
  return or_give_up(r, op, fd, LSOCK_WAIT_CLOSE, lsock_close(r->lsock, fd));
}
static long do_abort(struct drill_run *r, int fd) {
  return lsock_abort(r->lsock, fd);
}
static long do_fcntl(struct drill_run *r, int fd, int cmd, long arg) {
  return lsock_fcntl(r->lsock, fd, cmd, arg);
}
static long do_ioctl(struct drill_run *r, int fd, unsigned long request, int *value) {
  return lsock_ioctl(r->lsock, fd, request, value);
}
static long do_setsockopt(struct drill_run *r, int fd, int level, int name, const void *v,
                          size_t len) {
  return lsock_setsockopt(r->lsock, fd, level, name, v, len);
}
static long do_getsockopt(struct drill_run *r, int fd, int level, int name, void *v, size_t *len) {
  return lsock_getsockopt(r->lsock, fd, level, name, v, len);
}

static size_t iov_bytes(const struct msghdr *m) {
  size_t n = 0;
  for (size_t i = 0; i < m->msg_iovlen; i++)
    n += m->msg_iov[i].iov_len;
  return n;
}

static void *iov_base(const struct msghdr *m) {
  return m->msg_iovlen ? m->msg_iov[0].iov_base : NULL;
}

/* A pipe knows no messages. */
static long do_sendmsg(struct drill_run *r, struct drill_op *op, int fd, const struct msghdr *m,
                       int flags) {
  long result = lsock_sendmsg(r->lsock, fd, m, flags, &op->done);
  if (result == -ENOTSOCK)
    result = lsock_write(r->lsock, fd, iov_base(m), iov_bytes(m), &op->done);
  return or_give_up(r, op, fd, LSOCK_WAIT_SEND, result);
}

static long do_recvmsg(struct drill_run *r, struct drill_op *op, int fd, struct msghdr *m,
                       int flags) {
  long result = lsock_recvmsg(r->lsock, fd, m, flags);
  if (result == -ENOTSOCK)
    result = lsock_read(r->lsock, fd, iov_base(m), iov_bytes(m));
  return or_give_up(r, op, fd, LSOCK_WAIT_RECV, result);
}

static long do_pipe(struct drill_run *r, int fds[2]) {
  return lsock_pipe(r->lsock, fds);
}
static long do_splice(struct drill_run *r, struct drill_op *op, int in, int out, size_t len,
                      int flags) {
  (void)op;
  return lsock_splice(r->lsock, in, out, len, (unsigned)flags);
}

/* From a host's file: what a kernel would read itself. */
static long do_sendfile(struct drill_run *r, struct drill_op *op, int out, int in, off_t *off,
                        size_t len) {
  uint8_t *p = len <= DRILL_BUFFER_MAX ? malloc(len + 1) : NULL;
  if (!p)
    return -ENOMEM;
  ssize_t n = pread(in, p, len, *off);
  long result = n < 0 ? -errno : lsock_send(r->lsock, out, p, (size_t)n, 0, &op->done);
  free(p);
  if (result > 0)
    *off += result;
  return or_give_up(r, op, out, LSOCK_WAIT_SEND, result);
}

static long do_poll(struct drill_run *r, struct drill_op *op, struct pollfd *fds, size_t n,
                    int ms) {
  long ready = lsock_poll(r->lsock, fds, n);
  return ready ? ready : drill_call_sleep(r, op, ms, 0);
}
static long do_epoll_create(struct drill_run *r) {
  return lsock_epoll_create(r->lsock);
}
static long do_epoll_ctl(struct drill_run *r, int ep, int what, int fd, struct epoll_event *ev) {
  return lsock_epoll_ctl(r->lsock, ep, what, fd, ev);
}
static long do_epoll_wait(struct drill_run *r, struct drill_op *op, int ep, struct epoll_event *ev,
                          int max, int ms) {
  long n = lsock_epoll_wait(r->lsock, ep, ev, max);
  return n ? n : drill_call_sleep(r, op, ms, 0);
}

const struct drill_subject drill_subject_ours = {
    .name = "ours",
    .start = start,
    .stop = stop,
    .settle = settle,
    .advance = advance,
    .step = step,
    .inject = inject,
    .shell = drill_shell,
    .stamp = stamp,
    .tcpi = drill_info_tcpi,
    .counter = drill_info_counter,
    .socket = do_socket,
    .bind = do_bind,
    .listen = do_listen,
    .accept = do_accept,
    .connect = do_connect,
    .shutdown = do_shutdown,
    .close = do_close,
    .abort = do_abort,
    .fcntl = do_fcntl,
    .ioctl = do_ioctl,
    .setsockopt = do_setsockopt,
    .getsockopt = do_getsockopt,
    .sendmsg = do_sendmsg,
    .recvmsg = do_recvmsg,
    .pipe = do_pipe,
    .splice = do_splice,
    .sendfile = do_sendfile,
    .poll = do_poll,
    .epoll_create = do_epoll_create,
    .epoll_ctl = do_epoll_ctl,
    .epoll_wait = do_epoll_wait,
};
