/* SPDX-License-Identifier: MIT */
/*
 * view.h - pictures that a ladder cannot give: a header's fields, two number rulers, two runs side
 * by side, octets in the clear. Each prints nothing when nobody looks or when lines are for
 * programs.
 */
#ifndef CLI_STORIES_VIEW_H
#define CLI_STORIES_VIEW_H

#include "cli/stories/stage.h"

/* The TCP header with its fields named, the SYN bit and the ISN told apart. */
void view_header(struct stage *st, const struct stage_frame *f);
/* Hex and text of the payload. */
void view_payload(struct stage *st, const struct stage_frame *f);
/* Segments of two scenes in two columns, at most n of each. */
void view_side_by_side(struct stage *st, unsigned left, unsigned right, unsigned n);

struct view_ruler { /* one direction at one moment; numbers relative to the ISN */
  uint32_t una, nxt, rcv_nxt, end;
};
void view_rulers(struct stage *st, tct_time at, const struct view_ruler r[2]);
/* The client's congestion window on that port from 0 to `until` as a line of bars; all ports of the
 * scene have one scale. */
void view_windows(struct stage *st, unsigned scene, uint16_t port, tct_time until);

#endif
