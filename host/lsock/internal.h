/* SPDX-License-Identifier: MIT */
/* internal.h - what the files of host/lsock share; nobody else includes it. */
#ifndef HOST_LSOCK_INTERNAL_H
#define HOST_LSOCK_INTERNAL_H

#include "host/lsock/lsock.h"

enum {
  LSOCK_FD_FIRST = 3,
  LSOCK_FILES_MAX = 4096,
  LSOCK_INTEREST_MAX = 256,
  LSOCK_NEWS_KINDS = 11
};

enum lsock_kind { LSOCK_FREE, LSOCK_TCP, LSOCK_UDP, LSOCK_EPOLL };

/* Linux's view of a stream socket, coarser than the TCP state. */
enum lsock_phase {
  LSOCK_IDLE, /* neither connected nor listening */
  LSOCK_LISTENING,
  LSOCK_CONNECTING,
  LSOCK_CONNECTED, /* opened at some time; also after the peer's FIN */
  LSOCK_OVER       /* was connected, the core has let go */
};

struct lsock_interest { /* one descriptor in an epoll set */
  int fd;               /* -1: unused */
  uint32_t events;
  epoll_data_t data;
  bool has_edge; /* news came since the last report */
  bool is_spent; /* EPOLLONESHOT has fired */
};

struct lsock_file {
  uint8_t kind, phase;
  bool has_handle, is_nonblock, is_v6;
  bool read_shut, write_shut;
  bool connect_told; /* connect() has reported success */
  bool linger_on;
  bool oob_inline;
  int linger_s;
  int err;                 /* what SO_ERROR would give, positive */
  uint32_t sndbuf, rcvbuf; /* as Linux reports them (doubled); 0: never set */
  uint8_t tos;
  uint32_t news[LSOCK_NEWS_KINDS]; /* how often each TCT_EV_* bit came */
  tct_sock handle;
  struct lsock_interest *interest; /* EPOLL: LSOCK_INTEREST_MAX of them */
};

struct lsock {
  tct_stack *stack;
  struct lsock_file *files[LSOCK_FILES_MAX];
};

/* What one send call hands over. */
struct lsock_pieces {
  const struct iovec *iov;
  size_t n;
  int flags;
};
/* transfer.c: a stream's send; *done as in lsock_send. */
long lsock_transfer_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done);

/* NULL: no such descriptor. */
struct lsock_file *lsock_file_at(struct lsock *l, int fd);
int lsock_file_new(struct lsock *l, enum lsock_kind kind);
/* A fresh core socket for a file that has none; 0 or a negative errno. */
long lsock_file_open(struct lsock *l, int fd);
/* Takes the pending error: 0 or a negative errno. */
long lsock_file_take_err(struct lsock_file *f);
/* Sleep or -EAGAIN, as the descriptor and the call's flags say. */
long lsock_file_wait(const struct lsock_file *f, int msg_flags);
/* POLL* bits that hold now. */
uint32_t lsock_ready_mask(struct lsock *l, int fd);
/* Something happened on fd: edges for all epoll sets. */
void lsock_ready_edge(struct lsock *l, int fd);
/* fd was closed. */
void lsock_ready_forget(struct lsock *l, int fd);

#endif
