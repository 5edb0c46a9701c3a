/* SPDX-License-Identifier: MIT */
/*
 * row.h - the conditions under which goodput is measured: one row of the table each.
 *
 * Read by path.c, which turns a row and a seed into the fate of each packet, and by the two
 * programs that run flows over it: memory.c (this stack) and kernel.c (Linux's).
 */
#ifndef GOODPUT_ROW_H
#define GOODPUT_ROW_H

#include <stdbool.h>
#include <stdint.h>

enum { GOODPUT_FLOWS = 2 };

struct goodput_row {
  const char *name, *title;
  uint64_t rate_bps;
  uint64_t rtt_ns;
  uint32_t queue_bytes;
  uint32_t loss_ppm, reorder_ppm; /* of the data's direction */
  uint64_t reorder_max_ns;
  uint64_t stall_min_ns, stall_max_ns; /* 0: none */
  uint64_t policer_bps;
  uint32_t policer_bytes;
  uint64_t clock_ns; /* of the hosts; the kernel's cannot be made coarse */
  unsigned flows;
  uint64_t flow_rtt_ns[GOODPUT_FLOWS]; /* on top of rtt_ns */
};

extern const struct goodput_row goodput_rows[];
extern const unsigned goodput_n_rows;

const struct goodput_row *goodput_row_find(const char *name);
/* Whether its packets' fates depend on the seed. */
bool goodput_row_is_random(const struct goodput_row *r);
/* Named in a comma-separated list, as `loss-1` or `loss-*`; NULL: all. */
bool goodput_row_is_chosen(const struct goodput_row *r, const char *list);

#endif
