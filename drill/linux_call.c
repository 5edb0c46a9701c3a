/* SPDX-License-Identifier: MIT */
/*
 * linux_call.c - the calls of a script made for real. A call that is written with an end (`...`)
 * runs in a thread of its own, and the script goes on once that thread sleeps in the kernel or has
 * returned; every other one is made on the spot. Called through the subject's table.
 */
#define _GNU_SOURCE
#include "drill/linux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/ioctl.h>
#include <sys/sendfile.h>
#include <sys/uio.h>
#include <unistd.h>

enum { CONTROL_CAP = 1024, ASLEEP_TRIES_MAX = 20000 };

/* One call with all that it points to, so that it can outlive the caller's buffers. */
struct job {
  struct drill_run *r;
  long (*work)(struct job *j);
  int fd, flags, what, ms;
  size_t n;
  struct sockaddr_storage name;
  struct msghdr msg;
  struct iovec iov[64];
  uint8_t control[CONTROL_CAP];
  uint8_t *bytes;
  struct pollfd polls[64];
  struct epoll_event events[64];
  /* of the thread */
  pthread_t thread;
  _Atomic long tid;
  _Atomic bool is_done;
  long result;
  uint64_t end_ns;
};

static long or_errno(long result) {
  return result < 0 ? -errno : result;
}

static const struct drill_sys *sys_of(const struct job *j) {
  return j->r->linux->sys;
}

static void *run_job(void *arg) {
  struct job *j = arg;
  uint64_t one = 1;
  atomic_store(&j->tid, (long)gettid());
  j->result = j->work(j);
  j->end_ns = j->r->linux->now(j->r);
  atomic_store(&j->is_done, true);
  (void)!write(j->r->linux->wake, &one, sizeof one);
  return NULL;
}

static char thread_state(long tid) {
  char path[64], text[512];
  snprintf(path, sizeof path, "/proc/self/task/%ld/stat", tid);
  int fd = open(path, O_RDONLY | O_CLOEXEC);
  ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
  if (fd >= 0)
    close(fd);
  text[n > 0 ? n : 0] = '\0';
  const char *end = strrchr(text, ')');
  return end && end[1] ? end[2] : 'R';
}

static void await_sleep(struct job *j) {
  for (int i = 0; i < ASLEEP_TRIES_MAX && !atomic_load(&j->is_done); i++) {
    long tid = atomic_load(&j->tid);
    if (tid && thread_state(tid) == 'S')
      return;
    usleep(20);
  }
}

static void free_job(struct job *j) {
  free(j->bytes);
  free(j);
}

/* Makes the call, or goes on with it: LSOCK_SLEEP as long as it has not returned. *done is then
 * the job with all that came back; the caller frees it. */
static long make_call(struct drill_op *op, struct job *j, struct job **done) {
  *done = j;
  if (!op->call->blocks)
    return j->work(j);
  if (pthread_create(&j->thread, NULL, run_job, j) != 0)
    return drill_run_fail(j->r, "no thread for a call that blocks"), 0;
  op->job = j;
  await_sleep(j);
  return LSOCK_SLEEP;
}

static long end_call(struct drill_op *op, struct job **done) {
  struct job *j = op->job;
  if (!atomic_load(&j->is_done))
    return LSOCK_SLEEP;
  pthread_join(j->thread, NULL);
  op->returned_ns = j->end_ns;
  op->job = NULL;
  *done = j;
  return j->result;
}

static struct job *new_job(struct drill_run *r, long (*work)(struct job *j), int fd) {
  struct job *j = calloc(1, sizeof *j);
  if (!j)
    abort();
  j->r = r;
  j->work = work;
  j->fd = fd;
  return j;
}

/* The first time `j` is made, later the job of the op goes on. */
static long begin_or_end(struct drill_op *op, struct job *fresh, struct job **done) {
  if (!op->job) {
    long result = make_call(op, fresh, done);
    if (!op->job)
      return result;
  } else {
    free_job(fresh);
  }
  return end_call(op, done);
}

static long finish(struct drill_op *op, struct job *fresh) {
  struct job *done = NULL;
  long result = begin_or_end(op, fresh, &done);
  if (result != LSOCK_SLEEP && done)
    free_job(done);
  return result;
}

/* ---- Sockets ----------------------------------------------------------------------------------
 */

static long do_socket(struct drill_run *r, int domain, int type, int protocol) {
  const struct drill_linux *l = r->linux;
  int fd = l->sys->socket(domain, type, protocol);
  if (fd >= 0 && (type & 0xf) == SOCK_STREAM &&
      l->sys->setsockopt(fd, IPPROTO_TCP, TCP_CONGESTION, l->congestion,
                         (socklen_t)strlen(l->congestion)) < 0)
    drill_run_skip(r, drill_arena_printf(r->arena, "this kernel has no %s", l->congestion));
  return or_errno(fd);
}

static long do_bind(struct drill_run *r, int fd, const tct_endpoint *local) {
  struct sockaddr_storage name;
  socklen_t len = (socklen_t)drill_call_sockaddr(r, local, &name);
  return or_errno(r->linux->sys->bind(fd, (struct sockaddr *)&name, len));
}

static long do_listen(struct drill_run *r, int fd, int backlog) {
  return or_errno(r->linux->sys->listen(fd, backlog));
}

static long work_accept(struct job *j) {
  socklen_t len = sizeof j->name;
  return or_errno(sys_of(j)->accept(j->fd, (struct sockaddr *)&j->name, &len, j->flags));
}

static long do_accept(struct drill_run *r, struct drill_op *op, int fd, int flags,
                      tct_endpoint *peer) {
  struct job *j = new_job(r, work_accept, fd), *done = NULL;
  j->flags = flags;
  long result = begin_or_end(op, j, &done);
  if (result == LSOCK_SLEEP || !done)
    return result;
  if (result >= 0)
    (void)drill_call_endpoint(&done->name, peer);
  free_job(done);
  return result;
}

static long work_connect(struct job *j) {
  return or_errno(sys_of(j)->connect(j->fd, (struct sockaddr *)&j->name, (socklen_t)j->n));
}

static long do_connect(struct drill_run *r, struct drill_op *op, int fd,
                       const tct_endpoint *remote) {
  struct job *j = new_job(r, work_connect, fd);
  j->n = drill_call_sockaddr(r, remote, &j->name);
  return finish(op, j);
}

static long do_shutdown(struct drill_run *r, int fd, int how) {
  return or_errno(r->linux->sys->shutdown(fd, how));
}

static long work_close(struct job *j) {
  return or_errno(sys_of(j)->close(j->fd));
}

static long do_close(struct drill_run *r, struct drill_op *op, int fd) {
  /* the op keeps it while it sleeps */
  return finish(op, new_job(r, work_close, fd)); /* NOLINT(clang-analyzer-unix.Malloc) */
}

static long do_abort(struct drill_run *r, int fd) {
  struct linger at_once = {.l_onoff = 1, .l_linger = 0};
  (void)r->linux->sys->setsockopt(fd, SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
  return or_errno(r->linux->sys->close(fd));
}

static long do_fcntl(struct drill_run *r, int fd, int cmd, long arg) {
  return or_errno(r->linux->sys->fcntl(fd, cmd, arg));
}

static long do_ioctl(struct drill_run *r, int fd, unsigned long request, int *value) {
  return or_errno(r->linux->sys->ioctl(fd, request, value));
}

static long do_setsockopt(struct drill_run *r, int fd, int level, int name, const void *v,
                          size_t len) {
  return or_errno(r->linux->sys->setsockopt(fd, level, name, v, (socklen_t)len));
}

static long do_getsockopt(struct drill_run *r, int fd, int level, int name, void *v, size_t *len) {
  socklen_t n = (socklen_t)*len;
  long result = or_errno(r->linux->sys->getsockopt(fd, level, name, v, &n));
  *len = n;
  return result;
}

/* ---- Bytes ------------------------------------------------------------------------------------
 */

/* A copy of the header, with buffers of the job's own behind it. */
static bool copy_msghdr(struct job *j, const struct msghdr *m) {
  size_t bytes = 0;
  j->msg = *m;
  for (size_t i = 0; i < m->msg_iovlen; i++)
    bytes += m->msg_iov[i].iov_len;
  bool is_null = m->msg_iovlen && !m->msg_iov[0].iov_base;
  uint8_t *p = j->bytes = is_null ? NULL : malloc(bytes + 1);
  if (!is_null && !p)
    return drill_run_fail(j->r, "no memory for %zu bytes", bytes);
  for (size_t i = 0; i < m->msg_iovlen; i++) {
    j->iov[i] = (struct iovec){p, m->msg_iov[i].iov_len};
    p = p ? p + m->msg_iov[i].iov_len : NULL;
  }
  j->msg.msg_iov = j->iov;
  if (m->msg_name && m->msg_namelen <= sizeof j->name) {
    memcpy(&j->name, m->msg_name, m->msg_namelen);
    j->msg.msg_name = &j->name;
  }
  j->msg.msg_controllen = m->msg_controllen < CONTROL_CAP ? m->msg_controllen : CONTROL_CAP;
  if (j->msg.msg_controllen) {
    memcpy(j->control, m->msg_control, j->msg.msg_controllen);
    j->msg.msg_control = j->control;
  }
  j->n = bytes;
  return true;
}

static bool is_socket(const struct job *j) {
  int type;
  socklen_t len = sizeof type;
  return sys_of(j)->getsockopt(j->fd, SOL_SOCKET, SO_TYPE, &type, &len) == 0;
}

static long work_send(struct job *j) {
  if (!is_socket(j))
    return or_errno(sys_of(j)->writev(j->fd, j->iov, (int)j->msg.msg_iovlen));
  return or_errno(sys_of(j)->sendmsg(j->fd, &j->msg, j->flags));
}

static long do_sendmsg(struct drill_run *r, struct drill_op *op, int fd, const struct msghdr *m,
                       int flags) {
  struct job *j = new_job(r, work_send, fd);
  j->flags = flags;
  if (!copy_msghdr(j, m)) {
    free_job(j);
    return 0;
  }
  if (j->bytes)
    memcpy(j->bytes, m->msg_iov[0].iov_base, j->n);
  return finish(op, j);
}

static long work_recv(struct job *j) {
  if (!is_socket(j))
    return or_errno(sys_of(j)->readv(j->fd, j->iov, (int)j->msg.msg_iovlen));
  return or_errno(sys_of(j)->recvmsg(j->fd, &j->msg, j->flags));
}

static long do_recvmsg(struct drill_run *r, struct drill_op *op, int fd, struct msghdr *m,
                       int flags) {
  struct job *j = new_job(r, work_recv, fd), *done = NULL;
  j->flags = flags;
  if (!copy_msghdr(j, m)) {
    free_job(j);
    return 0;
  }
  long result = begin_or_end(op, j, &done);
  if (result == LSOCK_SLEEP || !done)
    return result;
  if (result > 0 && done->bytes)
    memcpy(m->msg_iov[0].iov_base, done->bytes,
           (size_t)result < done->n ? (size_t)result : done->n);
  if (result >= 0) {
    if (done->msg.msg_controllen && m->msg_control)
      memcpy(m->msg_control, done->control, done->msg.msg_controllen);
    m->msg_controllen = done->msg.msg_controllen;
    m->msg_flags = done->msg.msg_flags;
  }
  free_job(done);
  return result;
}

/* ---- Pipes and files ---------------------------------------------------------------------------
 */

static long do_pipe(struct drill_run *r, int fds[2]) {
  return or_errno(r->linux->sys->pipe(fds));
}

static long work_splice(struct job *j) {
  return or_errno(sys_of(j)->splice(j->fd, j->what, j->n, (unsigned)j->flags));
}

static long do_splice(struct drill_run *r, struct drill_op *op, int in, int out, size_t len,
                      int flags) {
  struct job *j = new_job(r, work_splice, in);
  j->what = out;
  j->n = len;
  j->flags = flags;
  return finish(op, j); /* NOLINT(clang-analyzer-unix.Malloc): the op keeps it */
}

/* Never written with an end in practice: made on the spot. */
static long do_sendfile(struct drill_run *r, struct drill_op *op, int out, int in, off_t *off,
                        size_t len) {
  (void)r;
  (void)op;
  return or_errno(sendfile(out, in, off, len));
}

/* ---- Readiness ------------------------------------------------------------------------------- */

static long work_poll(struct job *j) {
  return or_errno(sys_of(j)->poll(j->polls, j->n, j->ms));
}

static long do_poll(struct drill_run *r, struct drill_op *op, struct pollfd *fds, size_t n,
                    int ms) {
  struct job *j = new_job(r, work_poll, -1), *done = NULL;
  j->n = n;
  j->ms = ms;
  memcpy(j->polls, fds, n * sizeof *fds);
  long result = begin_or_end(op, j, &done);
  if (result == LSOCK_SLEEP || !done)
    return result;
  memcpy(fds, done->polls, n * sizeof *fds);
  free_job(done);
  return result;
}

static long do_epoll_create(struct drill_run *r) {
  return or_errno(r->linux->sys->epoll_create());
}

static long do_epoll_ctl(struct drill_run *r, int ep, int what, int fd, struct epoll_event *ev) {
  return or_errno(r->linux->sys->epoll_ctl(ep, what, fd, ev));
}

static long work_epoll(struct job *j) {
  return or_errno(sys_of(j)->epoll_wait(j->fd, j->events, j->what, j->ms));
}

static long do_epoll_wait(struct drill_run *r, struct drill_op *op, int ep, struct epoll_event *ev,
                          int max, int ms) {
  struct job *j = new_job(r, work_epoll, ep), *done = NULL;
  j->what = max;
  j->ms = ms;
  long result = begin_or_end(op, j, &done);
  if (result == LSOCK_SLEEP || !done)
    return result;
  if (result > 0)
    memcpy(ev, done->events, (size_t)result * sizeof *ev);
  free_job(done);
  return result;
}

/* ---- Packets and the clock: the kernel's, or the shared object's ----------------------------- */

static bool settle(struct drill_run *r) {
  return r->linux->wire->settle(r);
}

static bool advance(struct drill_run *r, uint64_t to_ns) {
  return r->linux->wire->advance(r, to_ns);
}

static bool step(struct drill_run *r, uint64_t limit_ns) {
  return r->linux->wire->step(r, limit_ns);
}

static bool inject(struct drill_run *r, struct drill_frame *f, bool is_more) {
  return r->linux->wire->inject(r, f, is_more);
}

static int64_t stamp(struct drill_run *r, const struct timespec *t) {
  return r->linux->wire->stamp(r, t);
}

/* ---- libc's own, where its parameters are others -------------------------------------------- */

static int libc_fcntl(int fd, int cmd, long arg) {
  return fcntl(fd, cmd, arg);
}

static int libc_ioctl(int fd, unsigned long request, int *value) {
  return ioctl(fd, request, value);
}

static int libc_pipe(int fds[2]) {
  return pipe2(fds, O_CLOEXEC);
}

static ssize_t libc_splice(int in, int out, size_t len, unsigned flags) {
  return splice(in, NULL, out, NULL, len, flags);
}

static int libc_epoll_create(void) {
  return epoll_create1(EPOLL_CLOEXEC);
}

static int libc_accept(int fd, struct sockaddr *a, socklen_t *len, int flags) {
  return accept4(fd, a, len, flags);
}

static int libc_bind(int fd, const struct sockaddr *a, socklen_t len) {
  return bind(fd, a, len);
}

static int libc_connect(int fd, const struct sockaddr *a, socklen_t len) {
  return connect(fd, a, len);
}

const struct drill_sys drill_linux_sys = {
    .socket = socket,
    .bind = libc_bind,
    .listen = listen,
    .accept = libc_accept,
    .connect = libc_connect,
    .shutdown = shutdown,
    .close = close,
    .fcntl = libc_fcntl,
    .ioctl = libc_ioctl,
    .setsockopt = setsockopt,
    .getsockopt = getsockopt,
    .sendmsg = sendmsg,
    .recvmsg = recvmsg,
    .writev = writev,
    .readv = readv,
    .pipe = libc_pipe,
    .splice = libc_splice,
    .poll = poll,
    .epoll_create = libc_epoll_create,
    .epoll_ctl = epoll_ctl,
    .epoll_wait = epoll_wait,
};

const struct drill_subject drill_subject_linux = {
    .name = "linux",
    .start = drill_linux_start,
    .stop = drill_linux_stop,
    .settle = settle,
    .advance = advance,
    .step = step,
    .inject = inject,
    .shell = drill_linux_shell,
    .stamp = stamp,
    .tcpi = drill_linux_tcpi,
    .counter = drill_linux_counter,
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
