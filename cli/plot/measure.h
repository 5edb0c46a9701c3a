/* SPDX-License-Identifier: MIT */
/*
 * measure.h - one direction of one connection as curves and bars, in numbers: the input of draw.c
 * and chart.c. See measure.c.
 */
#ifndef TCT_PLOT_MEASURE_H
#define TCT_PLOT_MEASURE_H

#include "cli/plot/plot.h"

struct measure_point {
  tct_time at;
  int64_t v;
};
struct measure_curve {
  struct measure_point *p;
  size_t n, cap;
  tct_time until; /* what it said then may have changed unseen; 0: it holds to the end */
};

enum measure_class {
  MEASURE_DATA,
  MEASURE_AGAIN, /* octets that had been sent before */
  MEASURE_LATE,  /* new to the observer, but not in order: reordered, or sent again */
  MEASURE_PROBE, /* no new octet: keep-alives and probes of a shut window */
  MEASURE_SACK,
  MEASURE_DSACK,
  MEASURE_CLASSES
};
struct measure_bar {
  tct_time at;
  int64_t from, to; /* relative to the ISN; to: the first octet that is not in it */
  uint32_t number;
  uint16_t why;
  uint8_t class, flags;
  bool inferred; /* the why is our guess */
};

enum measure_mark_kind {
  MEASURE_SYN,
  MEASURE_FIN,
  MEASURE_RST,
  MEASURE_LOST,
  MEASURE_ZERO_WINDOW,
  MEASURE_DUP_ACK,
  MEASURE_CE,  /* a router marked data */
  MEASURE_ECE, /* an ACK tells of it */
  MEASURE_CWR  /* the sender answers */
};
struct measure_mark {
  tct_time at;
  int64_t v;
  uint8_t kind;
  uint32_t len; /* of LOST */
};

enum measure_line {
  MEASURE_ACK,
  MEASURE_WINDOW, /* the right edge */
  MEASURE_CWND,
  MEASURE_SSTHRESH,
  MEASURE_FLIGHT,
  MEASURE_SRTT, /* ns */
  MEASURE_LINES
};

struct measure {
  const struct plot_flow *flow;
  size_t flow_index;
  int from;
  bool at_receiver; /* seen where the data arrives */
  bool on_wire;
  tct_time first, last;
  struct measure_curve line[MEASURE_LINES];
  struct measure_curve rtt; /* single samples, ns */
  struct measure_bar *bar;
  size_t n_bars, cap_bars;
  struct measure_mark *mark;
  size_t n_marks, cap_marks;
  int64_t top;    /* highest octet sent, + 1 */
  int64_t acked;  /* highest acknowledged */
  uint64_t bytes; /* payload acknowledged, or seen if there were no ACKs */
  uint32_t segments, again, lost, late;
  uint32_t by_why[TCT_WHY_COUNT]; /* of those sent again */
  tct_time rtt_min, rtt_max;
  bool no_memory;
};

/* False: no memory. */
bool measure_flow(struct measure *m, const struct plot *p, size_t flow, int from);
void measure_free(struct measure *m);

#endif
