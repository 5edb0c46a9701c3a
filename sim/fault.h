/* SPDX-License-Identifier: MIT */
/*
 * fault.h - what the files that do harm (link_fault.c, host.c, nat.c, box.c) share: installed
 * faults, whether one strikes now, and the counts. The list of kinds is sim_net.h's.
 */
#ifndef SIM_FAULT_H
#define SIM_FAULT_H

#include "sim/world.h"

struct sim_slot { /* one installed fault, at one direction of one target */
  struct sim_slot *next_all, *next;
  struct tct_sim *world;
  tct_sim_fault what;
  void *target;
  uint32_t run;            /* of a burst: so many are still to come */
  tct_time busy_until;     /* RATE_LIMIT: when its last bit will have left */
  struct sim_packet *held; /* REORDER_COUNT: waits until so many have passed, or this long */
  uint32_t held_for;
  tct_time held_until;
  bool is_over;  /* healed */
  uint64_t seen; /* ALLOC_FAILURE, ACK_THIN: so many came by */
};

static inline unsigned sim_fault_group(tct_sim_fault_kind kind) {
  return (unsigned)kind + 1u;
}

/* Between start and stop. */
bool sim_fault_is_on(const struct sim_slot *s);
/* It is on, and chance or a running burst has it that this one is harmed. */
bool sim_fault_strikes(struct sim_slot *s);
/* Harm was done, by s, in some cases to p. */
void sim_fault_count_up(struct sim_slot *s, struct sim_packet *p);
/* 0 .. bound-1 in the group of the fault. */
uint32_t sim_fault_below(struct sim_slot *s, uint32_t bound);
/* A span up to a (or, when that is 0, up to usual_ns) of what nanoseconds are drawn. */
tct_time sim_fault_span(struct sim_slot *s, uint64_t up_to_ns, tct_time usual_ns);
void sim_fault_free_all(struct tct_sim *w);

/* Each class takes its slots (heads of lists through `next`) and lets go of them. */
void sim_link_fault_add(struct tct_sim_link *l, struct sim_slot *s);
void sim_link_fault_drop_all(struct tct_sim_link *l);
void sim_host_fault_add(struct tct_sim_host *h, struct sim_slot *s);
void sim_host_fault_drop_all(struct tct_sim_host *h);
void sim_nat_fault_add(struct tct_sim_nat *n, struct sim_slot *s);
void sim_nat_fault_drop_all(struct tct_sim_nat *n);
void sim_box_fault_add(struct tct_sim_box *b, struct sim_slot *s);
void sim_box_fault_drop_all(struct tct_sim_box *b);

#endif
