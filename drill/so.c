/* SPDX-License-Identifier: MIT */
/*
 * so.c - a TCP in a shared object in the kernel's place, loaded and driven as packetdrill does it:
 * its calls through the table that packetdrill_interface_init fills in, its clock by gettimeofday,
 * time passed by usleep and by waiting for the next packet. The namespace with its device stays,
 * for shell steps and sysctls. Called by linux.c; docs/packetdrill.md has the rules.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "drill/linux.h"
#include "packetdrill/interface.h"

enum { PACKET_CAP = 65536 + 64 };
#define PASS_US 1000
#define SPIN_US 20 /* before an event the clock is asked over and over, for so long */

/* One library a process: its functions know of no script. */
static struct packetdrill_interface so;

/* ---- The clock and packets ---------------------------------------------------------------------
 */

static uint64_t clock_us(void) {
  struct timeval t = {0, 0};
  so.gettimeofday(so.userdata, &t, NULL);
  return (uint64_t)t.tv_sec * 1000000u + (uint64_t)t.tv_usec;
}

static uint64_t now_of(const struct drill_run *r) {
  if (!r->linux->base_ns)
    r->linux->base_ns = clock_us() * 1000;
  return clock_us() * 1000 - r->linux->base_ns;
}

static bool settle(struct drill_run *r) {
  uint64_t count;
  (void)!read(r->linux->wake, &count, sizeof count);
  r->now_ns = now_of(r);
  if (r->pending.is_active && !r->failure)
    (void)drill_call_retry(r);
  return !r->failure;
}

static bool advance(struct drill_run *r, uint64_t to_ns) {
  uint64_t now = now_of(r);
  if (to_ns > now + SPIN_US * 1000)
    so.usleep(so.userdata, (useconds_t)((to_ns - now) / 1000 - SPIN_US));
  while (now_of(r) < to_ns)
    continue;
  return settle(r);
}

/* Nothing is to come: a call that sleeps may still end by its own time. */
static bool pass_time(struct drill_run *r, uint64_t limit_ns) {
  if (!r->pending.is_active || now_of(r) >= limit_ns)
    return false;
  so.usleep(so.userdata, PASS_US);
  usleep(50); /* the call's thread comes to run */
  return settle(r);
}

/* The next packet, whenever it comes: as packetdrill waits for one. */
static bool step(struct drill_run *r, uint64_t limit_ns) {
  static uint8_t bytes[PACKET_CAP];
  size_t n = sizeof bytes;
  long long at_us = 0;
  if (so.netdev_receive(so.userdata, bytes, &n, &at_us) != 0 || n == 0)
    return pass_time(r, limit_ns);
  struct drill_frame *f = drill_world_frame(r, true, n);
  memcpy(f->bytes, bytes, n);
  f->at_ns = (uint64_t)at_us * 1000 - r->linux->base_ns;
  drill_world_came(r, f);
  return settle(r);
}

static bool inject(struct drill_run *r, struct drill_frame *f, bool is_more) {
  (void)is_more;
  if (so.netdev_send(so.userdata, f->bytes, f->len) != 0 && errno != EINVAL)
    return drill_run_fail(r, "netdev_send: %s", strerror(errno));
  return settle(r);
}

static int64_t stamp(struct drill_run *r, const struct timespec *t) {
  return (int64_t)t->tv_sec * 1000000000 + t->tv_nsec - (int64_t)r->linux->base_ns;
}

/* ---- Calls ------------------------------------------------------------------------------------
 */

#define U so.userdata

static int so_socket(int domain, int type, int protocol) {
  return so.socket(U, domain, type, protocol);
}
static int so_bind(int fd, const struct sockaddr *a, socklen_t len) {
  return so.bind(U, fd, a, len);
}
static int so_listen(int fd, int backlog) {
  return so.listen(U, fd, backlog);
}
static int so_accept(int fd, struct sockaddr *a, socklen_t *len, int flags) {
  (void)flags; /* packetdrill has accept alone */
  return so.accept(U, fd, a, len);
}
static int so_connect(int fd, const struct sockaddr *a, socklen_t len) {
  return so.connect(U, fd, a, len);
}
static int so_shutdown(int fd, int how) {
  return so.shutdown(U, fd, how);
}
static int so_close(int fd) {
  return so.close(U, fd);
}
static int so_fcntl(int fd, int cmd, long arg) {
  return so.fcntl(U, fd, cmd, arg);
}
static int so_ioctl(int fd, unsigned long request, int *value) {
  return so.ioctl(U, fd, request, value);
}
static int so_setsockopt(int fd, int level, int name, const void *v, socklen_t len) {
  return so.setsockopt(U, fd, level, name, v, len);
}
static int so_getsockopt(int fd, int level, int name, void *v, socklen_t *len) {
  return so.getsockopt(U, fd, level, name, v, len);
}

/* Plain reads and writes are made as such, so that those functions are driven, too. */
static bool is_plain(const struct msghdr *m, int flags) {
  return flags == 0 && m->msg_iovlen == 1 && !m->msg_name && !m->msg_control;
}
static ssize_t so_sendmsg(int fd, const struct msghdr *m, int flags) {
  if (is_plain(m, flags))
    return so.write(U, fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len);
  if (m->msg_iovlen == 1 && !m->msg_control && m->msg_name)
    return so.sendto(U, fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len, flags, m->msg_name,
                     m->msg_namelen);
  return so.sendmsg(U, fd, m, flags);
}
static ssize_t so_recvmsg(int fd, struct msghdr *m, int flags) {
  if (is_plain(m, flags))
    return so.read(U, fd, m->msg_iov[0].iov_base, m->msg_iov[0].iov_len);
  return so.recvmsg(U, fd, m, flags);
}
static ssize_t so_writev(int fd, const struct iovec *v, int n) {
  return n == 1 ? so.write(U, fd, v->iov_base, v->iov_len) : so.writev(U, fd, v, n);
}
static ssize_t so_readv(int fd, const struct iovec *v, int n) {
  return n == 1 ? so.read(U, fd, v->iov_base, v->iov_len) : so.readv(U, fd, v, n);
}
static int so_pipe(int fds[2]) {
  return so.pipe(U, fds);
}
static ssize_t so_splice(int in, int out, size_t len, unsigned flags) {
  return so.splice(U, in, NULL, out, NULL, len, flags);
}
static int so_poll(struct pollfd *p, nfds_t n, int ms) {
  return so.poll(U, p, n, ms);
}
static int so_epoll_create(void) {
  return so.epoll_create(U, 1);
}
static int so_epoll_ctl(int ep, int what, int fd, struct epoll_event *ev) {
  return so.epoll_ctl(U, ep, what, fd, ev);
}
static int so_epoll_wait(int ep, struct epoll_event *ev, int max, int ms) {
  return so.epoll_wait(U, ep, ev, max, ms);
}

static const struct drill_sys so_sys = {
    .socket = so_socket,
    .bind = so_bind,
    .listen = so_listen,
    .accept = so_accept,
    .connect = so_connect,
    .shutdown = so_shutdown,
    .close = so_close,
    .fcntl = so_fcntl,
    .ioctl = so_ioctl,
    .setsockopt = so_setsockopt,
    .getsockopt = so_getsockopt,
    .sendmsg = so_sendmsg,
    .recvmsg = so_recvmsg,
    .writev = so_writev,
    .readv = so_readv,
    .pipe = so_pipe,
    .splice = so_splice,
    .poll = so_poll,
    .epoll_create = so_epoll_create,
    .epoll_ctl = so_epoll_ctl,
    .epoll_wait = so_epoll_wait,
};

bool drill_so_open(struct drill_run *r, const char *path) {
  static const struct drill_wire wire = {settle, advance, step, inject, stamp};
  void (*init)(const char *flags, struct packetdrill_interface *out) = NULL;
  void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  r->is_refused = true;
  if (!lib)
    return drill_run_fail(r, "cannot load %s: %s", path, dlerror());
  void *symbol = dlsym(lib, "packetdrill_interface_init");
  memcpy(&init, &symbol, sizeof init);
  if (!init)
    return drill_run_fail(r, "%s has no packetdrill_interface_init", path);
  r->is_refused = false;
  init("", &so);
  r->linux->sys = &so_sys;
  r->linux->wire = &wire;
  r->linux->now = now_of;
  r->linux->base_ns = 0;
  return true;
}
