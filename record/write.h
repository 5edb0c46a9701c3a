/* SPDX-License-Identifier: MIT */
/*
 * write.h - the recorder: its file (write.c) and what the taps know of their stack (tap*.c).
 */
#ifndef RECORD_WRITE_H
#define RECORD_WRITE_H

#include "record/calls.h"

enum { RECORD_SPACES = 64 };

/* Room that was offered by tct_sock_tx_space, whose bytes are looked at after the commit. */
struct record_space {
  tct_sock sock; /* gen 0: free */
  unsigned n;
  tct_iov v[16];
};

struct tct_record {
  /* tap.c */
  struct tct_record *next; /* recorders at work in this thread */
  tct_stack *stack;        /* NULL: none now */
  tct_alloc inner, outer;  /* the caller's allocator; the one that the stack is given */
  uint64_t allocs;         /* asked for so far */
  tct_time now;            /* the last that was written */
  struct record_digest digest;
  struct record_space space[RECORD_SPACES];
  /* write.c */
  int fd, err;       /* err: the first failure, a negated errno */
  uint8_t *window;   /* the part of the file that is mapped */
  size_t window_len; /* 0: none */
  uint64_t window_at;
  uint8_t *block; /* its header, in the window; NULL: none is open */
  size_t used, room;
  uint32_t blocks;
  uint64_t bytes;
};

/* Room for one entry of at most max bytes, or NULL after a failure; ended by record_write_end,
 * which makes it count. What is written in between is lost in a crash, what came before is not. */
uint8_t *record_write_begin(tct_record *r, size_t max);
void record_write_end(tct_record *r, const uint8_t *end, enum record_op op);

/* One whole call, its arguments first; `before` may be NULL. */
void record_write_call(tct_record *r, enum record_op op, const uint64_t *args, unsigned n_args,
                       const tct_iov *before, unsigned n_before);
void record_write_result(tct_record *r, const int64_t *outs, unsigned n_outs, const tct_iov *after,
                         unsigned n_after);

/* ---- tap.c ----------------------------------------------------------------------------------- */
extern _Thread_local tct_record *tct_tap_recorders;

void tct_tap_leave(tct_record *r); /* nothing is recorded by it from now on */

/* Who records this stack; NULL: nobody. */
static inline tct_record *tct_tap_of(const tct_stack *s) {
  tct_record *r = tct_tap_recorders;
  while (r != NULL && r->stack != s)
    r = r->next;
  return r;
}
static inline int tct_tap_done(tct_record *r, int err) {
  record_write_result(r, &(int64_t){err}, 1, NULL, 0);
  return err;
}

#define TAP_SOCK(k) (k).index, (k).gen
#define TAP_CALL(r, op, before, n_before, ...)                                                     \
  do {                                                                                             \
    const uint64_t tap_args[] = {__VA_ARGS__};                                                     \
    record_write_call(r, op, tap_args, sizeof tap_args / 8, before, n_before);                     \
  } while (0)

#endif
