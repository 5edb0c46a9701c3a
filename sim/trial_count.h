/* SPDX-License-Identifier: MIT */
/*
 * trial_count.h - what trials have seen: states and events, transitions, features, faults, packets.
 * Numbers only, so that the counts of several processes are added up. See trial_count.c.
 */
#ifndef SIM_TRIAL_COUNT_H
#define SIM_TRIAL_COUNT_H

#include <stdio.h>

#include "sim/app.h"

/* What may happen to a connection: a segment, a timer, a call. */
/* clang-format off */
#define SIM_SEGMENTS(X)                                                                            \
  X(SYN, "SYN")                                                                                    \
  X(SYN_ACK, "SYN,ACK") X(ACK, "ACK") X(DATA, "data") X(FIN, "FIN") X(DATA_FIN, "data,FIN")        \
      X(RST, "RST") X(RST_ACK, "RST,ACK") X(URGENT, "URG") X(BARE, "no ACK")
/* clang-format on */
typedef enum sim_segment {
#define X(name, word) SIM_SEGMENT_##name,
  SIM_SEGMENTS(X)
#undef X
      SIM_SEGMENT_COUNT
} sim_segment;

enum {
  SIM_TIMERS = TCT_TIMER_REORDER + 1,
  SIM_EVENT_TIMER = SIM_SEGMENT_COUNT,
  SIM_EVENT_CALL = SIM_EVENT_TIMER + SIM_TIMERS,
  SIM_EVENT_COUNT = SIM_EVENT_CALL + SIM_CALL_COUNT,
  SIM_EDGES = TCT_STATE_COUNT * TCT_STATE_COUNT,
  SIM_CONN_PACKETS_MAX = 1024,
  SIM_SIZES = 25 /* frames by 64 octets, all beyond 1535 in the last */
};

struct sim_trial_counts { /* uint64_t throughout */
  uint64_t trials, steered, connections, connections_v6, refused, datagram_flows;
  uint64_t packets, packets_v6, octets, events, simulated_ms, host_ms;
  uint64_t twice, packets_twice; /* trials that were played again: trial_again.c */
  uint64_t fault[TCT_SIM_FAULT_COUNT];
  uint64_t feature[SIM_FEATURE_COUNT];
  uint64_t pair[SIM_FEATURE_COUNT][SIM_FEATURE_COUNT]; /* trials with both, first < second */
  uint64_t cell[TCT_STATE_COUNT][SIM_EVENT_COUNT];
  uint64_t edge[SIM_EDGES];
  uint64_t edge_pair[SIM_EDGES][SIM_EDGES]; /* one connection: this, then that */
  uint64_t conn_packets[SIM_CONN_PACKETS_MAX + 1];
  uint64_t size[SIM_SIZES];
  uint64_t asked[TCT_SIM_I_COUNT]; /* how often each invariant was judged */
};

void sim_trial_counts_add(struct sim_trial_counts *to, const struct sim_trial_counts *from);
/* Packets of a connection, both ways, as its client saw them: the middle one of all. */
uint64_t sim_trial_counts_median(const struct sim_trial_counts *c);
/* The figures; `all`: tables too. */
void sim_trial_counts_print(const struct sim_trial_counts *c, bool all, FILE *to);
/* What a long run must reach: says each floor missed, one a line; returns how many. */
unsigned sim_trial_counts_floors(const struct sim_trial_counts *c, FILE *to);

#endif
