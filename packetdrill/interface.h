/* SPDX-License-Identifier: MIT */
/*
 * interface.h - the table of functions by which packetdrill drives a TCP in a shared object
 * (--so_filename): one pointer of ours, then one function a system call with libc's parameters,
 * then four of its own. The order is the contract; docs/packetdrill.md has the rules.
 */
#ifndef PACKETDRILL_INTERFACE_H
#define PACKETDRILL_INTERFACE_H

#include <poll.h>
#include <stddef.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>
#include <sys/uio.h>

struct packetdrill_interface {
  void *userdata;
  void (*free)(void *u);
  int (*socket)(void *u, int domain, int type, int protocol);
  int (*bind)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
  int (*listen)(void *u, int fd, int backlog);
  int (*accept)(void *u, int fd, struct sockaddr *addr, socklen_t *len);
  int (*connect)(void *u, int fd, const struct sockaddr *addr, socklen_t len);
  ssize_t (*read)(void *u, int fd, void *buf, size_t len);
  ssize_t (*readv)(void *u, int fd, const struct iovec *iov, int n);
  ssize_t (*recv)(void *u, int fd, void *buf, size_t len, int flags);
  ssize_t (*recvfrom)(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                      socklen_t *from_len);
  ssize_t (*recvmsg)(void *u, int fd, struct msghdr *m, int flags);
  ssize_t (*write)(void *u, int fd, const void *buf, size_t len);
  ssize_t (*writev)(void *u, int fd, const struct iovec *iov, int n);
  ssize_t (*send)(void *u, int fd, const void *buf, size_t len, int flags);
  ssize_t (*sendto)(void *u, int fd, const void *buf, size_t len, int flags,
                    const struct sockaddr *to, socklen_t to_len);
  ssize_t (*sendmsg)(void *u, int fd, const struct msghdr *m, int flags);
  int (*fcntl)(void *u, int fd, int cmd, ...);
  int (*ioctl)(void *u, int fd, unsigned long request, ...);
  int (*close)(void *u, int fd);
  int (*shutdown)(void *u, int fd, int how);
  int (*getsockopt)(void *u, int fd, int level, int name, void *value, socklen_t *len);
  int (*setsockopt)(void *u, int fd, int level, int name, const void *value, socklen_t len);
  int (*poll)(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
  int (*netdev_send)(void *u, const void *packet, size_t len);
  int (*netdev_receive)(void *u, void *packet, size_t *len, long long *time_us);
  int (*usleep)(void *u, useconds_t us);
  int (*gettimeofday)(void *u, struct timeval *tv, struct timezone *tz);
  int (*epoll_create)(void *u, int size);
  int (*epoll_ctl)(void *u, int ep, int op, int fd, struct epoll_event *ev);
  int (*epoll_wait)(void *u, int ep, struct epoll_event *ev, int max, int timeout_ms);
  int (*pipe)(void *u, int fds[2]);
  ssize_t (*splice)(void *u, int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
                    unsigned flags);
};

/* The one symbol that packetdrill looks for. */
void packetdrill_interface_init(const char *flags, struct packetdrill_interface *out);

#endif
