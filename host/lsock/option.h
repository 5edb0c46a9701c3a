/* SPDX-License-Identifier: MIT */
/* option.h - what options.c and option_struct.c share; nobody else includes it. */
#ifndef HOST_LSOCK_OPTION_H
#define HOST_LSOCK_OPTION_H

#include "host/lsock/internal.h"

enum {
  LSOCK_BUF_MAX = 4 << 20, /* net.core.wmem_max and rmem_max of Linux 6.18 */
  LSOCK_TCP_INQ = 36       /* TCP_INQ, TCP_CM_INQ */
};

struct lsock_option {
  int level, name;
  const void *in;
  size_t len;
  void *out;
  size_t *out_len;
};

/* Options whose value is no single number, or that only read: false if this is none; else *r is
 * the call's result. */
bool lsock_option_set(struct lsock *l, struct lsock_file *f, const struct lsock_option *o, long *r);
bool lsock_option_get(struct lsock *l, struct lsock_file *f, const struct lsock_option *o, long *r);
/* Cut to the caller's room, as Linux does. 0. */
long lsock_option_put(void *value, size_t *len, const void *from, size_t size);

#endif
