/* SPDX-License-Identifier: MIT */
/* calls.h - calls.c's functions, for the table of init.c. */
#ifndef PACKETDRILL_CALLS_H
#define PACKETDRILL_CALLS_H

#include "packetdrill/interface.h"
#include "packetdrill/machine.h"

int pd_call_socket(void *u, int domain, int type, int protocol);
int pd_call_bind(void *u, int fd, const struct sockaddr *addr, socklen_t len);
int pd_call_listen(void *u, int fd, int backlog);
int pd_call_accept(void *u, int fd, struct sockaddr *addr, socklen_t *len);
int pd_call_connect(void *u, int fd, const struct sockaddr *addr, socklen_t len);
ssize_t pd_call_read(void *u, int fd, void *buf, size_t len);
ssize_t pd_call_readv(void *u, int fd, const struct iovec *iov, int n);
ssize_t pd_call_recv(void *u, int fd, void *buf, size_t len, int flags);
ssize_t pd_call_recvfrom(void *u, int fd, void *buf, size_t len, int flags, struct sockaddr *from,
                         socklen_t *from_len);
ssize_t pd_call_recvmsg(void *u, int fd, struct msghdr *m, int flags);
ssize_t pd_call_write(void *u, int fd, const void *buf, size_t len);
ssize_t pd_call_writev(void *u, int fd, const struct iovec *iov, int n);
ssize_t pd_call_send(void *u, int fd, const void *buf, size_t len, int flags);
ssize_t pd_call_sendto(void *u, int fd, const void *buf, size_t len, int flags,
                       const struct sockaddr *to, socklen_t to_len);
ssize_t pd_call_sendmsg(void *u, int fd, const struct msghdr *m, int flags);
int pd_call_fcntl(void *u, int fd, int cmd, ...);
int pd_call_ioctl(void *u, int fd, unsigned long request, ...);
int pd_call_close(void *u, int fd);
int pd_call_shutdown(void *u, int fd, int how);
int pd_call_getsockopt(void *u, int fd, int level, int name, void *value, socklen_t *len);
int pd_call_setsockopt(void *u, int fd, int level, int name, const void *value, socklen_t len);
int pd_call_poll(void *u, struct pollfd *fds, nfds_t n, int timeout_ms);
int pd_call_epoll_create(void *u, int size);
int pd_call_epoll_ctl(void *u, int ep, int op, int fd, struct epoll_event *ev);
int pd_call_epoll_wait(void *u, int ep, struct epoll_event *ev, int max, int timeout_ms);
int pd_call_pipe(void *u, int fds[2]);
ssize_t pd_call_splice(void *u, int in, off64_t *in_at, int out, off64_t *out_at, size_t len,
                       unsigned flags);

#endif
