/* SPDX-License-Identifier: MIT */
/*
 * host.h - a simulated host's insides, for host.c, which runs it, and host_fault.c, which disturbs
 * it.
 */
#ifndef SIM_HOST_H
#define SIM_HOST_H

#include "sim/clock.h"
#include "sim/fault.h"

struct tct_sim_host {
  struct sim_node node;
  tct_sim_host_config config;
  tct_stack *stack;
  tct_if ifc;
  tct_time wake_at; /* the earliest wake-up that is in the heap */
  size_t memory;    /* bytes that the stack's allocator has out */
  struct sim_packet *inbox[TCT_BURST_MAX];
  unsigned n_inbox;
  bool run_is_due, running, booting;
  uint32_t give_draw; /* generator of give_back alone: the world's would draw another world */
  tct_sim_host_fn watch;
  void *watch_ctx;
  struct sim_clock clock;
  /* host_fault.c's: */
  struct sim_slot *slots; /* faults, the last installed first */
  tct_time paused_until;
  struct sim_packet *ring, **ring_end; /* what came during the pause */
  uint32_t n_ring;
};

static inline tct_time sim_host_clock(const struct tct_sim_host *h) {
  return sim_clock_read(&h->clock, h->node.world->now);
}

/* host.c */
void sim_host_deliver(struct tct_sim_host *h, struct sim_packet *p);
void sim_host_run(struct tct_sim_host *h);

/* host_fault.c: a frame has come. True: a pause took it over, or a crash. */
bool sim_host_fault_frame(struct tct_sim_host *h, struct sim_packet *p);
bool sim_host_fault_is_paused(const struct tct_sim_host *h);
/* The host acts: by a wrong clock? */
void sim_host_fault_run(struct tct_sim_host *h);
/* This allocation is to fail. */
bool sim_host_fault_alloc(struct tct_sim_host *h);
/* The stack refused a frame so. */
void sim_host_fault_verdict(struct tct_sim_host *h, uint16_t verdict);
void sim_host_fault_drop_ring(struct tct_sim_host *h);

#endif
