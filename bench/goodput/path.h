/* SPDX-License-Identifier: MIT */
/*
 * path.h - what the network does to each packet: a bottleneck, and faults by row and seed.
 *
 * One model for both: memory.c asks it in virtual time for this stack's packets, kernel.c in real
 * time for Linux's. Whether packet n of a direction is lost, or late and by how much, is a function
 * of seed, direction and n; stalls are a function of the seed and the time since the first packet.
 * So two senders that are given the same row and seed meet the same trace, whatever they send.
 */
#ifndef GOODPUT_PATH_H
#define GOODPUT_PATH_H

#include "bench/goodput/row.h"

#define GOODPUT_LOST UINT64_MAX
#define GOODPUT_STALLS_MAX 64
#define GOODPUT_DROPS_MAX 16384 /* remembered; a power of two */

struct goodput_side { /* one direction; 0 carries the data */
  uint64_t n;         /* packets so far */
  uint64_t busy_until_ns;
  uint64_t out_ns; /* arrival of the last one, where order is kept behind the bottleneck */
  uint64_t tokens_at_ns;
  uint64_t token_bits;
};

/* Seen on the wire, where data enters the network: the same yardstick for both stacks. */
struct goodput_count {
  uint32_t isn, highest, recover; /* after the last octet seen; and when the last episode began */
  bool started;
  uint64_t data_segs, resent_segs;
  uint64_t episodes; /* spells of retransmission, each ending when what was out then is repaired */
  /* Resent though no copy had been dropped; and spells that began so. */
  uint64_t needless_segs, mistakes;
  uint64_t n_drops, n_repaired;        /* all of the first n_repaired are */
  uint32_t drop[GOODPUT_DROPS_MAX][2]; /* the latest dropped ranges, those repaired made empty */
};

struct goodput_path {
  const struct goodput_row *row;
  uint64_t seed;
  bool resequence; /* late packets hold back those behind them: no sender can take them for lost */
  bool started;
  uint64_t start_ns;
  struct goodput_side side[2];
  uint64_t stall[GOODPUT_STALLS_MAX][2]; /* from, until, since start_ns */
  unsigned n_stalls;
  uint64_t dropped_by_fault, dropped_by_queue, dropped_by_policer, late;
  struct goodput_count count[GOODPUT_FLOWS];
};

/* Flow f's server listens on this port. */
enum { GOODPUT_PORT = 5001 };

void goodput_path_init(struct goodput_path *p, const struct goodput_row *r, uint64_t seed);
/* An IPv4 TCP packet enters at `now`: when it leaves, or GOODPUT_LOST. Time must not go back. */
uint64_t goodput_path_carry(struct goodput_path *p, unsigned dir, uint64_t now_ns,
                            const uint8_t *packet, uint32_t len);

#endif
