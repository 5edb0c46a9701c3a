/* SPDX-License-Identifier: MIT */
/*
 * world.h - what the files of sim/ share: the event heap, nodes, and frames under way.
 *
 * Each file owns its struct: world.c the world, host.c hosts, link.c links, peer.c peers. A node is
 * anything a link ends at: it is given frames and, after a scripted action, a chance to act.
 */
#ifndef SIM_WORLD_H
#define SIM_WORLD_H

#include "tercet/sim.h"
#include "tercet/sim_net.h"
#include "util/prng.h"

/* More than this many steps without the clock moving is taken for a loop. */
#define SIM_STEPS_PER_INSTANT_MAX 200000u

/* A frame in flight: one block, given back by whoever takes it off the link. */
struct sim_packet {
  struct sim_packet *next; /* of its pool, or of its link's queue */
  struct tct_sim_link *link;
  uint64_t order;      /* among events of its time */
  uint32_t cap;        /* of bytes[] */
  bool queued;         /* in its link's queue: only the first of those stands in the heap */
  tct_sim_frame frame; /* frame.bytes points to bytes[] */
  uint8_t bytes[];
};

struct sim_packet *sim_packet_new(struct tct_sim *w, uint32_t len);
struct sim_packet *sim_packet_copy(struct tct_sim *w, const struct sim_packet *p);
void sim_packet_free(struct tct_sim *w, struct sim_packet *p);
void sim_packet_free_pools(struct tct_sim *w);

struct sim_slot; /* fault.h */

struct sim_node {
  struct sim_node *next; /* all nodes of the world, in the order made */
  struct tct_sim *world;
  struct tct_sim_link *link;
  unsigned dir_out; /* the link's direction that leads away from this node */
  void (*deliver)(struct sim_node *n, struct sim_packet *p); /* takes the packet over */
  void (*act)(struct sim_node *n);                           /* NULL: it never does by itself */
  void (*free)(struct sim_node *n);
  struct sim_check_host *check; /* NULL: not watched. Owner: check.c */
};

typedef void (*sim_event_fn)(void *ctx, void *arg);

struct sim_event {
  tct_time at;
  uint64_t order; /* among equals in time: first scheduled, first run */
  sim_event_fn fn;
  void *ctx, *arg;
};

struct sim_heap {
  struct sim_event *at;
  size_t n, cap;
};

void sim_heap_push(struct sim_heap *h, const struct sim_event *e);
/* The earliest, or NULL. */
const struct sim_event *sim_heap_first(const struct sim_heap *h);
struct sim_event sim_heap_pop(struct sim_heap *h);
/* The same, and e goes in: cheaper than one after the other. */
struct sim_event sim_heap_replace(struct sim_heap *h, const struct sim_event *e);

/* What faults can be aimed at, in the order made: the index is tct_sim_fault.target. */
struct sim_targets {
  void **at;
  uint32_t n, cap;
};

struct tct_sim {
  tct_time now;
  uint64_t order;
  struct sim_heap heap;
  struct tct_prng prng;
  struct sim_packet *free_small, *free_large; /* pools of packet.c */
  uint8_t *content;                           /* the beginning of all made-up content: content.c */
  size_t content_len;
  struct sim_node *first, **last;
  struct tct_sim_link *links;
  uint64_t frames, digest;
  bool no_digest;
  uint32_t steps;              /* at this instant */
  uint64_t events;             /* run so far */
  struct tct_sim_check *check; /* check.c; NULL: nothing is checked */
  struct tct_sim_tape *tape;
  struct sim_targets targets[TCT_SIM_CLASS_APP];
  struct sim_slot *slots, **last_slot; /* faults installed, in that order */
  uint64_t fault_counts[TCT_SIM_FAULT_COUNT];
};

/* Memory that the simulation itself needs: there is no going on without it. */
void *sim_world_alloc(size_t size);
void *sim_world_grow(void *p, size_t size);
void sim_world_add(struct tct_sim *w, struct sim_node *n);
void sim_world_schedule(struct tct_sim *w, tct_time at, sim_event_fn fn, void *ctx, void *arg);
/* The same for what has had its place among equals since before. */
void sim_world_schedule_as(struct tct_sim *w, tct_time at, uint64_t order, sim_event_fn fn,
                           void *ctx, void *arg);
void sim_world_count_step(struct tct_sim *w);
bool sim_world_is_stuck(const struct tct_sim *w);
/* All random choices of a running world are made by these two, and stand on its tape. `group` is
 * sim_fault_group(kind) or 0. */
uint32_t sim_world_draw(struct tct_sim *w, unsigned group, uint32_t bound);
/* True with a chance of ppm in a million. Draws nothing when ppm is 0. */
bool sim_world_chance_drawn(struct tct_sim *w, unsigned group, uint32_t ppm);
static inline bool sim_world_chance(struct tct_sim *w, unsigned group, uint32_t ppm) {
  return ppm != 0 && sim_world_chance_drawn(w, group, ppm);
}
void sim_world_add_target(struct tct_sim *w, tct_sim_fault_class c, void *target);

/* A node puts a frame on its link; link.c copies it. */
void sim_link_send(struct sim_node *from, const tct_frame *f);
void sim_link_send_bytes(struct sim_node *from, const void *bytes, uint32_t len, uint16_t why);
/* What may go out there now without being too big; 0: anything. *by: the fault that has it so. */
uint32_t sim_link_mtu(const struct sim_node *from, struct sim_slot **by);
/* For faults: p, which has passed its link, will be there at that time. */
void sim_link_arrive_at(struct sim_packet *p, tct_time at);
/* For faults: a third party's frame, launched at that time if `by` is not healed before. */
void sim_link_inject_at(struct tct_sim_link *l, unsigned dir, const void *bytes, uint32_t len,
                        tct_time at, struct sim_slot *by);
/* Events with a packet that is freed with the world. */
void sim_link_arrive(void *ctx, void *packet);
void sim_link_launch_late(void *ctx, void *packet);
/* What arrives next behind that packet, on the same way; false: nothing stands in line there. */
bool sim_link_next_arrival(void *ctx, const void *packet, struct sim_event *e);
void sim_link_free_all(struct tct_sim *w);
/* a hears all frames that are sent there, but those that third parties put on it. */
void sim_link_listen(struct tct_sim_link *l, struct tct_sim_attacker *a);
void sim_attacker_hear(struct tct_sim_attacker *a, const void *bytes, uint32_t len);

#endif
