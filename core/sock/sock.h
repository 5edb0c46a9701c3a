/* SPDX-License-Identifier: MIT */
/*
 * sock.h - what the files of sock/ share: from a handle to a connection, and what every call does
 * at its end.
 */
#ifndef TCT_SOCK_SOCK_H
#define TCT_SOCK_SOCK_H

#include "tcp/calls.h"

static inline bool tct_sock_is_udp(tct_sock k) {
  return (k.index & TCT_SOCK_UDP_BIT) != 0;
}

/* The connection of a handle that the application may still use; NULL: TCT_EBADF. */
static inline struct tct_tcp *tct_sock_find(tct_stack *s, tct_sock k) {
  struct tct_tcp *c = s->tcp->found_last; /* most likely */
  if (c == NULL || c->index != k.index || c->gen != k.gen || (k.gen & 1u) == 0)
    c = tct_tcp_block_at(s, k);
  bool held = c != NULL && (c->sockf & (TCT_SOCKF_CLOSED | TCT_SOCKF_IN_ACCEPT)) == 0;
  return held ? c : NULL;
}

/* What was changed is looked through, and a block that fell quiet or woke changes lists. */
static inline void tct_sock_finish(tct_stack *s, struct tct_tcp *c) {
  tct_tcp_block_settle(s, c);
  tct_tcp_check(s, c);
}

/* The SYN of a connection in SYN-SENT leaves, with what is queued if Fast Open may. sock.c */
void tct_sock_launch_syn(tct_stack *s, struct tct_tcp *c);

/* The application has queued something: a connect that waited for that goes on. */
static inline void tct_sock_launch_deferred(tct_stack *s, struct tct_tcp *c) {
  if (tct_tcp_fastopen_has(c, TCT_FO_DEFERRED))
    tct_sock_launch_syn(s, c);
}

/* Bytes that can be read now. sock_io.c */
uint32_t tct_sock_io_unread(const struct tct_tcp *c);

#endif
