/* SPDX-License-Identifier: MIT */
/*
 * lsock.h - Linux's socket calls over the core's handles: descriptors, errno results, options,
 * readiness. Used by the script runner; written so that anything which has to look like Linux's
 * sockets (blocking calls, a preloaded library) can stand on it.
 *
 * Nothing here sleeps and nothing here knows the time. A call that would sleep on a blocking
 * descriptor returns LSOCK_SLEEP; the caller moves frames and time and then makes the same call
 * again. Results are >= 0 or a negative errno, as the kernel's own are. Arguments and constants
 * are Linux's (<sys/socket.h>, <netinet/tcp.h>, <poll.h>, <sys/epoll.h>), addresses are the core's.
 */
#ifndef HOST_LSOCK_LSOCK_H
#define HOST_LSOCK_LSOCK_H

#include <limits.h>
#include <poll.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/socket.h>

#include "tercet/record.h"

struct lsock;

/* Would sleep: move the world on and ask again. */
#define LSOCK_SLEEP LONG_MIN

/* Where descriptor numbers come from: `make` gives a number that is free in the caller's eyes (or a
 * negative errno), `drop` takes one back. A number that is made again stands for a file that was
 * closed behind our back: that one is closed then. */
struct lsock_fds {
  int (*make)(void *ctx);
  void (*drop)(void *ctx, int fd);
  void *ctx;
};

/* The stack is the caller's and outlives this. NULL: no memory. */
struct lsock *lsock_new(tct_stack *s);
void lsock_free(struct lsock *l);
/* Before the first descriptor; otherwise they are numbered from 3 on. */
void lsock_set_fds(struct lsock *l, const struct lsock_fds *fds);
/* What is added to the stack's time in the stamps that programs read (wall time at time 0). */
void lsock_set_epoch(struct lsock *l, int64_t epoch_ns);
/* Pulls all news of the stack; call it after every tct_input and tct_advance. */
void lsock_on_news(struct lsock *l);

/* domain AF_INET or AF_INET6; type SOCK_STREAM or SOCK_DGRAM, | SOCK_NONBLOCK. */
long lsock_socket(struct lsock *l, int domain, int type, int protocol);
long lsock_bind(struct lsock *l, int fd, const tct_endpoint *local);
long lsock_listen(struct lsock *l, int fd, int backlog);
/* flags: SOCK_NONBLOCK. peer may be NULL. */
long lsock_accept(struct lsock *l, int fd, int flags, tct_endpoint *peer);
/* remote NULL: AF_UNSPEC, which disconnects. */
long lsock_connect(struct lsock *l, int fd, const tct_endpoint *remote);
long lsock_shutdown(struct lsock *l, int fd, int how);
/* With SO_LINGER and a time, sleeps until all is acknowledged. */
long lsock_close(struct lsock *l, int fd);
long lsock_fcntl(struct lsock *l, int fd, int cmd, long arg);
long lsock_ioctl(struct lsock *l, int fd, unsigned long request, int *value);
/* Sockets and pipes. */
long lsock_read(struct lsock *l, int fd, void *buf, size_t len);
long lsock_write(struct lsock *l, int fd, const void *buf, size_t len, size_t *done);
long lsock_pipe(struct lsock *l, int fds[2]);
/* Between a pipe of ours and a stream, either way; offsets do not exist here. */
long lsock_splice(struct lsock *l, int in, int out, size_t len, unsigned flags);
/* Is it a descriptor of ours? And an IPv6 socket? */
bool lsock_has(struct lsock *l, int fd);
bool lsock_is_v6(struct lsock *l, int fd);

/* How long a call may sleep at most, by SO_RCVTIMEO, SO_SNDTIMEO or SO_LINGER; 0: for ever. The
 * caller of LSOCK_SLEEP calls lsock_give_up when that time has passed: the call's result. */
enum lsock_wait {
  LSOCK_WAIT_ACCEPT,
  LSOCK_WAIT_CONNECT,
  LSOCK_WAIT_RECV,
  LSOCK_WAIT_SEND,
  LSOCK_WAIT_CLOSE
};
uint64_t lsock_timeout_ns(struct lsock *l, int fd, enum lsock_wait w);
long lsock_give_up(struct lsock *l, int fd, enum lsock_wait w, size_t done);

/* `done` carries what an interrupted blocking send has already handed over; 0 at first. */
long lsock_send(struct lsock *l, int fd, const void *buf, size_t len, int flags, size_t *done);
/* Datagrams; of a stream socket `to` counts with MSG_FASTOPEN only. A stream send that may sleep is
 * better made by lsock_sendmsg, which keeps count of what is done. */
long lsock_sendto(struct lsock *l, int fd, const void *buf, size_t len, int flags,
                  const tct_endpoint *to);
long lsock_recv(struct lsock *l, int fd, void *buf, size_t len, int flags);
long lsock_recvfrom(struct lsock *l, int fd, void *buf, size_t len, int flags, tct_endpoint *from);

/* Pieces, names and control messages, as the system calls of these names. msg_flags, msg_namelen
 * and msg_controllen come back as Linux sets them. MSG_ERRQUEUE reads the error queue. */
long lsock_sendmsg(struct lsock *l, int fd, const struct msghdr *m, int flags, size_t *done);
long lsock_recvmsg(struct lsock *l, int fd, struct msghdr *m, int flags);

/* A struct sockaddr of len bytes to an endpoint: 0, -EFAULT, -EINVAL or -EAFNOSUPPORT; and back:
 * the full length, of which at most cap bytes are written. An IPv6 socket sees IPv4 peers as
 * mapped. */
long lsock_address_read(const void *addr, size_t len, tct_endpoint *out);
size_t lsock_address_write(const tct_endpoint *e, bool is_v6, void *addr, size_t cap);

long lsock_setsockopt(struct lsock *l, int fd, int level, int name, const void *value, size_t len);
/* *len: room in, bytes out. */
long lsock_getsockopt(struct lsock *l, int fd, int level, int name, void *value, size_t *len);

/* What holds now; the caller keeps the time-out. Fills in revents, returns how many are not 0. */
long lsock_poll(struct lsock *l, struct pollfd *fds, size_t n);
long lsock_epoll_create(struct lsock *l);
long lsock_epoll_ctl(struct lsock *l, int ep, int op, int fd, struct epoll_event *ev);
long lsock_epoll_wait(struct lsock *l, int ep, struct epoll_event *ev, int max);

/* The handle behind a descriptor. -ENOTCONN once the core has let go of it. */
long lsock_handle(struct lsock *l, int fd, tct_sock *out);
/* Like the core's, but a socket that the core has let go of reports TCT_CLOSED. */
long lsock_info(struct lsock *l, int fd, tct_info *info);
/* How often news with this TCT_EV_* bit came since the descriptor was made. */
long lsock_news_count(struct lsock *l, int fd, uint32_t flag);
/* RST instead of FIN, and the descriptor is gone. */
long lsock_abort(struct lsock *l, int fd);

#endif
