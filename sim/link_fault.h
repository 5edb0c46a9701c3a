/* SPDX-License-Identifier: MIT */
/*
 * link_fault.h - what installed faults do to a frame on a link. Called by link.c only, and only
 * when a direction has any.
 */
#ifndef SIM_LINK_FAULT_H
#define SIM_LINK_FAULT_H

#include "sim/fault.h"

struct sim_limits { /* in force now; 0: none. The faults that set them, NULL: the path has it so */
  uint64_t rate_bps;
  uint32_t queue_bytes, mtu_bytes;
  struct sim_slot *rate, *queue, *mtu;
};

struct sim_passing { /* a frame while its way is decided */
  struct tct_sim *world;
  struct sim_packet *p;
  tct_time extra_ns;     /* of the path's late ones and copies */
  uint32_t cut_to_bytes; /* what a truncation leaves; 0: all */
  uint32_t flip_at, flip_bits;
  uint32_t fragment_bytes; /* 0: in one piece */
  bool in_order;           /* its fragments */
  bool twice;              /* the path itself has it so */
  struct sim_slot *holder; /* has it wait to be overtaken */
};

void sim_link_fault_limits(struct sim_slot *slots, struct sim_limits *m);
/* The frame is larger than m->mtu_bytes. True: it is cut or answered; false: just lost. */
bool sim_link_fault_too_big(const struct sim_limits *m, struct sim_passing *y);
/* Fate, time, company. */
void sim_link_fault_frame(struct sim_slot *slots, struct sim_passing *y);
/* The bytes. True: the frame was taken over, held back or in fragments. */
bool sim_link_fault_alter(struct sim_passing *y);
/* It is on its way: those that wait to be overtaken count it. */
void sim_link_fault_passed(struct sim_slot *slots, const struct sim_passing *y,
                           tct_time arrives_at);
/* Healed: who is still held goes on. */
void sim_link_fault_let_go(struct sim_slot *slots);

#endif
