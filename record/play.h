/* SPDX-License-Identifier: MIT */
/*
 * play.h - a recording's calls, made again on a stack of its own, and compared. See play.c.
 */
#ifndef RECORD_PLAY_H
#define RECORD_PLAY_H

#include "record/read.h"

/* Sees each frame: one that came in after the stack has judged it, one that goes out. */
typedef void (*record_play_frame_fn)(void *ctx, const tct_frame *f, bool outbound, tct_time now);

enum record_verdict {
  RECORD_SAME,
  RECORD_DIFFERENT, /* the stack does something else than it did: `why` */
  RECORD_BAD        /* the file holds a call that nobody can have made: `why` */
};

struct record_lent {
  struct record_lent *next;
  uint64_t number; /* what the stack is told: the caller's tokens need not differ */
  uint64_t token;
  uint8_t bytes[];
};

struct record_play {
  /* Set by the caller before the first call; all may be zero. */
  tct_trace_fn trace;
  void *trace_ctx;
  record_play_frame_fn frame;
  void *frame_ctx;
  uint64_t memory_max; /* 0: 8 GiB */
  /* To be read. */
  tct_stack *stack;
  struct record_digest digest;  /* of this stack so far */
  unsigned ended;               /* stacks whose digest was compared at their end */
  int64_t out[RECORD_OUTS_MAX]; /* what the last call gave back */
  char why[400];
  /* play.c's own */
  const struct record_call *call;
  uint64_t allocs, memory;
  size_t refused_at;
  struct record_lent *lent;
  uint64_t lends; /* so far */
  uint8_t *buffer;
  size_t buffer_cap, dirty; /* dirty: that much of it may not be zero */
};

void record_play_init(struct record_play *p);
void record_play_deinit(struct record_play *p);
enum record_verdict record_play_call(struct record_play *p, const struct record_call *c);

/* ---- For play_sock.c ------------------------------------------------------------------------- */
/* Makes the call and writes its numbers into out, which are compared if it says SAME. */
typedef enum record_verdict (*record_play_fn)(struct record_play *p, const struct record_call *c,
                                              int64_t *out);
extern const record_play_fn record_play_sock[RECORD_OPS];

/* Writes why; BAD. */
enum record_verdict record_play_wrong(struct record_play *p, const char *what);
/* n zeroed bytes, or NULL if that is too much; p->dirty is to be set to what is written there. */
uint8_t *record_play_buffer(struct record_play *p, uint64_t n);
/* Lent memory came back; returns its token. */
uint64_t record_play_forget(struct record_play *p, uint64_t number);

static inline tct_sock record_play_sock_at(const struct record_call *c) {
  return (tct_sock){(uint32_t)c->arg[0], (uint32_t)c->arg[1]};
}
static inline tct_if record_play_if_at(const struct record_call *c, unsigned i) {
  return (tct_if){(uint32_t)c->arg[i], (uint32_t)c->arg[i + 1]};
}

#endif
