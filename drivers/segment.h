/* SPDX-License-Identifier: MIT */
/* segment.h - one frame of the core into the packets that a plain wire carries. See segment.c. */
#ifndef TCT_SEGMENT_H
#define TCT_SEGMENT_H

#include "tercet/tercet.h"

/* One packet, flat, from its first header on, every checksum complete; valid during the call. */
typedef void (*tct_segment_fn)(void *ctx, const void *packet, size_t len);

/* Calls fn for each packet of f in order. Returns how many there were; 0: f is no IP packet that
 * could be cut (its headers lie), and fn was not called. */
size_t tct_segment(const tct_frame *f, tct_segment_fn fn, void *ctx);
/* The same of frames with a link header of link_len bytes (14 on Ethernet), which each packet gets.
 */
size_t tct_segment_linked(const tct_frame *f, size_t link_len, tct_segment_fn fn, void *ctx);

/* True when f is one packet as it stands, so that nothing above need be called. */
static inline bool tct_segment_is_plain(const tct_frame *f) {
  return f->seg_size == 0 && f->csum == TCT_CSUM_DONE;
}

#endif
