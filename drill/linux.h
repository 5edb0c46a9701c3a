/* SPDX-License-Identifier: MIT */
/* linux.h - this machine's kernel as the subject: what the linux*.c share. */
#ifndef DRILL_LINUX_H
#define DRILL_LINUX_H

#include "drill/run.h"

#include <sys/socket.h>
#include <sys/uio.h>

/* The calls, with libc's parameters and results: libc's own, or those of a shared object. */
struct drill_sys {
  int (*socket)(int domain, int type, int protocol);
  int (*bind)(int fd, const struct sockaddr *a, socklen_t len);
  int (*listen)(int fd, int backlog);
  int (*accept)(int fd, struct sockaddr *a, socklen_t *len, int flags);
  int (*connect)(int fd, const struct sockaddr *a, socklen_t len);
  int (*shutdown)(int fd, int how);
  int (*close)(int fd);
  int (*fcntl)(int fd, int cmd, long arg);
  int (*ioctl)(int fd, unsigned long request, int *value);
  int (*setsockopt)(int fd, int level, int name, const void *v, socklen_t len);
  int (*getsockopt)(int fd, int level, int name, void *v, socklen_t *len);
  ssize_t (*sendmsg)(int fd, const struct msghdr *m, int flags);
  ssize_t (*recvmsg)(int fd, struct msghdr *m, int flags);
  ssize_t (*writev)(int fd, const struct iovec *v, int n);
  ssize_t (*readv)(int fd, const struct iovec *v, int n);
  int (*pipe)(int fds[2]);
  ssize_t (*splice)(int in, int out, size_t len, unsigned flags);
  int (*poll)(struct pollfd *p, nfds_t n, int ms);
  int (*epoll_create)(void);
  int (*epoll_ctl)(int ep, int what, int fd, struct epoll_event *ev);
  int (*epoll_wait)(int ep, struct epoll_event *ev, int max, int ms);
};

struct drill_wire {
  bool (*settle)(struct drill_run *r);
  bool (*advance)(struct drill_run *r, uint64_t to_ns);
  bool (*step)(struct drill_run *r, uint64_t limit_ns);
  bool (*inject)(struct drill_run *r, struct drill_frame *f, bool is_more);
  int64_t (*stamp)(struct drill_run *r, const struct timespec *t);
};

struct drill_linux {
  const struct drill_sys *sys;
  const struct drill_wire *wire;
  const char *so; /* path of a shared object, or NULL: the kernel */
  uint64_t (*now)(const struct drill_run *r);
  int tun, tap, wake; /* TUN device; packet socket on it; eventfd of calls that returned */
  uint64_t base_ns;   /* CLOCK_MONOTONIC when the script began */
  char congestion[16];
};

extern const struct drill_sys drill_linux_sys;
/* Since the script began. */
uint64_t drill_linux_now(const struct drill_run *r);
/* so.c: a TCP in a shared object, as packetdrill loads it, in the kernel's place. */
bool drill_so_open(struct drill_run *r, const char *path);
bool drill_linux_start(struct drill_run *r);
void drill_linux_stop(struct drill_run *r);
int64_t drill_linux_stamp(struct drill_run *r, const struct timespec *t);
bool drill_linux_settle(struct drill_run *r);
bool drill_linux_advance(struct drill_run *r, uint64_t to_ns);
bool drill_linux_step(struct drill_run *r, uint64_t limit_ns);
bool drill_linux_inject(struct drill_run *r, struct drill_frame *f, bool is_more);

/* linux_net.c: a namespace with one TUN device, the script's addresses, packetdrill's defaults. */
bool drill_linux_net(struct drill_run *r);
/* linux_shell.c: steps run for real, in the namespace. */
bool drill_linux_shell(struct drill_run *r, const char *command);
/* The settings of a kernel as it comes. */
void drill_linux_defaults(void);
bool drill_linux_sysctl(const char *key, const char *value);
/* linux_info.c */
bool drill_linux_tcpi(struct drill_run *r, int fd, const char *name, int64_t *v);
bool drill_linux_counter(struct drill_run *r, const char *name, int64_t *v);

#endif
