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

enum lsock_kind { LSOCK_FREE, LSOCK_TCP, LSOCK_UDP, LSOCK_EPOLL, LSOCK_PIPE };

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
  bool has_edge; /* woken since the last report */
  bool is_spent; /* EPOLLONESHOT has fired */
};

/* Options that live here alone: flags and numbers that Linux keeps in the socket and that the
 * core has no part in. Accepted sockets inherit them. */
enum lsock_own {
  LSOCK_OWN_DEBUG,
  LSOCK_OWN_DONTROUTE,
  LSOCK_OWN_OOBINLINE,
  LSOCK_OWN_BROADCAST,
  LSOCK_OWN_PRIORITY,
  LSOCK_OWN_MARK,
  LSOCK_OWN_TIMESTAMP,
  LSOCK_OWN_TIMESTAMPNS,
  LSOCK_OWN_TSFLAGS, /* SO_TIMESTAMPING */
  LSOCK_OWN_ZEROCOPY,
  LSOCK_OWN_SELECT_ERR_QUEUE,
  LSOCK_OWN_INQ,
  LSOCK_OWN_FREEBIND,
  LSOCK_OWN_RECVERR,
  LSOCK_OWN_RECVERR6,
  LSOCK_OWN_QUICKACK_OFF,
  LSOCK_OWN_COUNT
};

struct lsock_queue; /* errqueue.c */
struct lsock_wmem;  /* wmem.c */
struct lsock_pipe;  /* pipe.c */

struct lsock_file {
  uint8_t kind, phase;
  bool has_handle, is_nonblock, is_v6;
  bool read_shut, write_shut;
  bool is_strict;       /* of a stack that keeps to the RFC */
  bool is_active;       /* it connected, was not accepted */
  bool had_eof;         /* the peer's FIN was reached */
  bool connect_told;    /* connect() has reported success */
  bool connect_lost;    /* an attempt failed that connect() has not reported */
  bool is_opening_send; /* a send opens, or waits for what opens (fastopen.c) */
  size_t syn_bytes;     /* of it that went with the SYN */
  bool linger_on, is_lingering, is_cloexec;
  bool is_send_asleep; /* a write sleeps until there is room */
  bool is_short;       /* a write or poll found no room: SOCK_NOSPACE */
  int linger_s;
  int err;                 /* what SO_ERROR would give, positive */
  int soft_err;            /* and what it gives when there is no such error */
  uint32_t sndbuf, rcvbuf; /* as Linux reports them (doubled); 0: never set */
  uint8_t tos;
  int own[LSOCK_OWN_COUNT];
  uint64_t rcvtimeo_ns, sndtimeo_ns; /* 0: for ever */
  uint64_t linger_until;
  uint64_t rx_at;                  /* stack time of the last arrival that was told */
  uint64_t tx_bytes;               /* handed to the core */
  uint32_t news[LSOCK_NEWS_KINDS]; /* how often each TCT_EV_* bit came */
  tct_sock handle;
  struct lsock_interest *interest; /* EPOLL: LSOCK_INTEREST_MAX of them */
  struct lsock_wmem *wmem;         /* wmem.c */
  struct lsock_queue *errors;      /* NULL: nothing was ever queued */
  struct lsock_pipe *pipe;         /* PIPE: shared by both ends */
  bool is_pipe_writer;
};

struct lsock {
  tct_stack *stack;
  struct lsock_fds fds; /* all NULL: plain numbers */
  bool is_strict;       /* the stack keeps to the RFC: where Linux does not, so do we */
  int64_t epoch_ns;     /* stack time to wall time */
  struct lsock_file *files[LSOCK_FILES_MAX];
};

/* What one send call hands over. */
struct lsock_pieces {
  const struct iovec *iov;
  size_t n;
  int flags;
  const tct_endpoint *to; /* MSG_FASTOPEN; NULL: none given */
  long to_err;            /* an address that is none: errno, negative */
};
/* transfer.c: a stream's send; *done as in lsock_send. */
long lsock_transfer_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done);

/* fastopen.c */
/* Connected in name only: the SYN waits for the first data. */
bool lsock_fastopen_waits(struct lsock *l, const struct lsock_file *f);
/* What Fast Open makes of a send: 1, go on with it from *done; else the call's result. */
long lsock_fastopen_send(struct lsock *l, int fd, const struct lsock_pieces *p, size_t *done);
long lsock_fastopen_key_set(struct lsock *l, const struct lsock_file *f, const void *value,
                            size_t len);
long lsock_fastopen_key_get(struct lsock *l, const struct lsock_file *f, uint8_t *out);

/* lsock.c */
/* An attempt to connect has begun. */
void lsock_file_connecting(struct lsock *l, int fd);
/* NULL: no such descriptor. */
struct lsock_file *lsock_file_at(struct lsock *l, int fd);
/* NULL: *err is -EBADF, or -ENOTSOCK for what is no socket. */
struct lsock_file *lsock_file_socket(struct lsock *l, int fd, long *err);
int lsock_file_new(struct lsock *l, enum lsock_kind kind);
/* The file goes, and its number back to where it came from. */
void lsock_file_drop(struct lsock *l, int fd);
/* A fresh core socket for a file that has none; 0 or a negative errno. */
long lsock_file_open(struct lsock *l, int fd);
/* Takes the pending error: 0 or a negative errno. */
long lsock_file_take_err(struct lsock_file *f);
/* Sleep or -EAGAIN, as the descriptor and the call's flags say. */
long lsock_file_wait(const struct lsock_file *f, int msg_flags);

/* ready.c */
/* POLL* bits that hold now. */
uint32_t lsock_ready_mask(struct lsock *l, int fd);
/* Somebody who sleeps on fd would be woken: an edge for all epoll sets that asked for any of
 * `events`; 0 wakes all, as a change of state does. */
void lsock_ready_wake(struct lsock *l, int fd, uint32_t events);
/* At least a third of the send buffer is free, and TCP_NOTSENT_LOWAT allows more. */
bool lsock_ready_is_writeable(struct lsock *l, struct lsock_file *f);
/* fd was closed. */
void lsock_ready_forget(struct lsock *l, int fd);

/* errqueue.c: the error queue and what waits to get there. */
/* A send call has handed over its bytes: stamps and zero-copy notices that it asked for. */
void lsock_errqueue_on_sent(struct lsock *l, struct lsock_file *f, int flags, size_t n);
/* Bytes may have been sent or acknowledged. True: something was queued. */
bool lsock_errqueue_on_news(struct lsock *l, struct lsock_file *f);
/* An ICMP error, for sockets with IP_RECVERR. */
bool lsock_errqueue_on_icmp(struct lsock *l, struct lsock_file *f, int err);
/* The core has let go: nothing more will be acknowledged. */
void lsock_errqueue_on_closed(struct lsock *l, struct lsock_file *f);
bool lsock_errqueue_is_empty(const struct lsock_file *f);
long lsock_errqueue_recv(struct lsock *l, struct lsock_file *f, struct msghdr *m);
void lsock_errqueue_free(struct lsock_file *f);
/* SO_TIMESTAMPING: flags from now on. */
long lsock_errqueue_set_flags(struct lsock *l, struct lsock_file *f, int flags);

/* cmsg.c: appends one control message; *used grows; MSG_CTRUNC when it does not fit. */
struct lsock_cmsg {
  int level, type;
  const void *data;
  size_t len;
};
void lsock_cmsg_put(struct msghdr *m, size_t *used, const struct lsock_cmsg *c);
/* SCM_TIMESTAMPING and kin for bytes that arrived at this stack time. */
void lsock_cmsg_put_times(struct lsock *l, const struct lsock_file *f, struct msghdr *m,
                          size_t *used, uint64_t at);
void lsock_cmsg_put_stamp(struct lsock *l, struct msghdr *m, size_t *used, uint64_t at);

/* wmem.c: what Linux's send buffer would take; for the LINUX profile. */
/* Bytes that may be handed over next, without asking again; 0: none. */
size_t lsock_wmem_room(struct lsock *l, struct lsock_file *f);
/* They were; counts tx_bytes. is_eor: nothing is put behind them. */
void lsock_wmem_took(struct lsock_file *f, size_t n, bool is_eor);
bool lsock_wmem_is_writeable(struct lsock *l, struct lsock_file *f);
uint32_t lsock_wmem_queued(struct lsock *l, struct lsock_file *f);
/* What SO_SNDBUF says, and what the core is told so that it never says no before us. */
uint32_t lsock_wmem_limit(struct lsock *l, struct lsock_file *f);
uint32_t lsock_wmem_core_limit(uint32_t linux_limit);
void lsock_wmem_free(struct lsock_file *f);

/* pipe.c */
void lsock_pipe_close(struct lsock *l, int fd);
uint32_t lsock_pipe_mask(const struct lsock_file *f);
long lsock_pipe_read(struct lsock_file *f, void *buf, size_t len);
long lsock_pipe_write(struct lsock_file *f, const void *buf, size_t len);

#endif
