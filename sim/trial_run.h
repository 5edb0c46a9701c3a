/* SPDX-License-Identifier: MIT */
/*
 * trial_run.h - a trial while it is played: shared by trial.c (phases), trial_build.c (the world of
 * a plan), trial_watch.c (what is counted, and acts).
 */
#ifndef SIM_TRIAL_RUN_H
#define SIM_TRIAL_RUN_H

#include "sim/app.h"
#include "sim/trial_count.h"

/* What is known of a connection, at one host, from what its stack tells. A cache by tuple. */
struct sim_watch_conn {
  bool used, has_ts;
  uint8_t state;
  uint16_t edge; /* the last: old * TCT_STATE_COUNT + new; SIM_EDGES: none */
  uint16_t lport, rport;
  tct_addr local, remote;
  uint32_t seq, ack;     /* next of what it sent; what it asks for */
  uint32_t heard_ack;    /* the newest that it was sent */
  uint32_t window;       /* octets, that it offers */
  uint32_t tsval, tsecr; /* of a segment towards it */
  uint16_t heard_window;
};
enum { SIM_WATCH_CONNS = 256 };

struct sim_watch_sock { /* packets of one socket, by index */
  uint32_t gen, packets;
};

struct sim_trial_node {
  struct sim_trial *trial;
  const struct sim_trial_host *plan;
  uint32_t index;   /* in the plan */
  uint32_t ordinal; /* among those of its kind: what a fault's target counts */
  tct_addr addr;
  tct_sim_host *host; /* one of these five */
  tct_sim_router *router;
  tct_sim_nat *nat;
  tct_sim_box *box;
  tct_sim_attacker *attacker;
  uint32_t n_links, link[SIM_TRIAL_LINKS_MAX]; /* in the plan's order */
  struct sim_watch_conn *conns;                /* of stacks */
  struct sim_watch_sock *socks;
  uint32_t n_socks;
};

struct sim_trial_doing { /* an act of the plan, waiting or under way */
  struct sim_trial *trial;
  const struct sim_trial_act *plan;
  uint32_t left; /* entries of the state still to come */
  tct_sock sock;
  struct sim_watch_conn conn;
};

struct sim_trial {
  const struct sim_trial_plan *plan;
  const struct sim_trial_run *run;
  struct sim_trial_counts *counts; /* never NULL while it is played */
  tct_sim *w;
  tct_sim_check *check;
  struct sim_trial_node node[SIM_TRIAL_HOSTS_MAX];
  tct_sim_link *link[SIM_TRIAL_LINKS_MAX];
  struct sim_app_world app;
  struct sim_app_flow flow[SIM_TRIAL_FLOWS_MAX];
  struct sim_trial_doing doing[SIM_TRIAL_ACTS_MAX];
  char wrong[160]; /* the plan cannot be built */
};

/* trial_build.c: hosts, links, routes, faults. False: t->wrong says why. */
bool sim_trial_build(struct sim_trial *t);
tct_addr sim_trial_addr(const struct sim_trial_plan *p, uint32_t host);

/* trial_watch.c */
void sim_watch_init(struct sim_trial_node *n, tct_config *c);
void sim_watch_free(struct sim_trial_node *n);
void sim_watch_links(struct sim_trial *t);
void sim_watch_start(struct sim_trial *t); /* acts wait for their states */
void sim_watch_end(struct sim_trial *t);   /* what is only known at the end */

/* trial_act.c: does what an act says, now. */
void sim_act_do(struct sim_trial_doing *d);

#endif
