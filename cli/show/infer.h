/* SPDX-License-Identifier: MIT */
/* infer.h - the state of an end that we cannot see, from the segments that it must have seen. */
#ifndef TCT_SHOW_INFER_H
#define TCT_SHOW_INFER_H

#include "tercet/tercet.h"

/* What the segment means for the end in question. */
struct infer_seg {
  uint8_t flags;
  bool acks_syn, acks_fin; /* of that end */
};

/* The state after sending it; `state` when nothing changes. */
uint8_t infer_send(uint8_t state, uint8_t flags);
/* The state after it arrived in order. */
uint8_t infer_receive(uint8_t state, const struct infer_seg *s);

#endif
