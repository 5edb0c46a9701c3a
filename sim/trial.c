/* SPDX-License-Identifier: MIT */
/*
 * A trial, played: faults first, then none, then quiet. In the first phase nothing wrong may
 * happen (safety); from the moment the faults stop everything has to come to its end in a bounded
 * time (liveness); then there must be silence, and nothing may be left. Called by `tercet sim`,
 * tests and tools/digest.sh. What holds is judged by the checker (sim_check.h) and, of content, by
 * app.c.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/trial_run.h"
#include "sim/world.h"
#include "util/mem.h"
#include "util/siphash.h"
#include "wire/bytes.h"

#define MS(x) ((tct_time)(x)*1000000u)
#define SEC(x) ((tct_time)(x)*1000000000u)

/* Three of the longest time-outs; what is sent again after the first of them has to get through. */
#define LIVENESS SEC(3 * 120)
/* Until all that was closed is gone: R2 of a stack that retries for long, FIN-WAIT-2, 2 MSL. */
#define PATIENCE SEC(3600)
#define SILENCE SEC(3 * 3600)

/* ---- How long it may take ---- */

static uint64_t slowest_bps(const struct sim_trial_plan *p) {
  uint64_t slowest = 1000000000;
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->link[i].rate_kbps != 0)
      slowest = tct_min_u64(slowest, p->link[i].rate_kbps * UINT64_C(1000));
  return slowest;
}

/* Without SACK and timestamps a flow may get no more through a short queue than that queue holds,
 * each time-out, and the time-outs stay at their longest (RFC 6298 3, 5). */
static uint64_t short_queue_s(const struct sim_trial_plan *p, uint64_t octets) {
  uint64_t longest = 0;
  for (uint32_t i = 0; i < p->n_links; i++)
    if (p->link[i].queue != 0)
      longest = tct_max_u64(longest, octets / p->link[i].queue * 120);
  return longest;
}

/* 3 x max RTO + octets / rate: four times the octets, for headers and what is sent twice. */
static tct_time liveness_bound(const struct sim_trial_plan *p) {
  uint64_t octets = 0, most = 0, idle_minutes = 0;
  for (uint32_t i = 0; i < p->n_flows; i++) {
    const struct sim_trial_flow *f = &p->flow[i];
    uint32_t at_once = tct_min_u32(tct_max_u32(f->parallel, 1), f->conns);
    octets += ((uint64_t)f->up + f->down) * at_once;
    most = tct_max_u64(most, (uint64_t)f->up + f->down);
    idle_minutes = tct_max_u64(idle_minutes, f->idle_minutes);
  }
  return LIVENESS + SEC(idle_minutes * 60) + SEC(octets * 32 / slowest_bps(p)) +
         SEC(short_queue_s(p, most));
}

/* A NAT that gives a mapping another port cuts the connection off for good; so does one that
 * forgets what was silent for two hours (RFC 5382 REQ-5 asks for no more). */
static bool cuts_connections(const struct sim_trial_plan *p) {
  bool has_nat = false;
  for (uint32_t i = 0; i < p->n_faults; i++)
    if (p->fault[i].kind == TCT_SIM_FAULT_NAT_REBIND)
      return true;
  for (uint32_t i = 0; i < p->n_hosts; i++)
    has_nat = has_nat || p->host[i].kind == SIM_TRIAL_NAT;
  for (uint32_t i = 0; i < p->n_flows; i++)
    if (has_nat && p->flow[i].idle_minutes > 120)
      return true;
  return false;
}

/* ---- Playing ---- */

static bool is_wrong(const struct sim_trial *t) {
  return tct_sim_check_failed(t->check) != NULL;
}

static bool is_cut(const struct sim_trial *t) {
  return t->run->until_event != 0 && t->w->events >= t->run->until_event;
}

static bool is_over(void *ctx) {
  struct sim_trial *t = ctx;
  return is_wrong(t) || is_cut(t) || sim_app_is_done(&t->app);
}

static bool is_stopped(void *ctx) {
  struct sim_trial *t = ctx;
  return is_wrong(t) || is_cut(t);
}

/* False: there is no going on. */
static bool run_until(struct sim_trial *t, tct_time until, bool (*done)(void *)) {
  tct_sim_outcome o = tct_sim_run_while(t->w, until, done, t);
  if (o == TCT_SIM_STUCK && !is_wrong(t))
    tct_sim_check_fail(t->check, TCT_SIM_I15, 0, "too much happens at one instant");
  return !is_stopped(t) && o != TCT_SIM_STUCK;
}

/* Socket calls come next: let every stack know the time, and act on it after. */
static void kick_all(struct sim_trial *t) {
  for (uint32_t i = 0; i < t->plan->n_hosts; i++)
    if (t->node[i].host != NULL)
      tct_sim_host_kick(t->node[i].host);
}

static void on_host(void *ctx, tct_sim_host *h, bool up) {
  struct sim_trial *t = ctx;
  sim_app_on_host(&t->app, t->flow, t->plan->n_flows, h, up);
}

static void start_flows(struct sim_trial *t) {
  sim_app_world_init(&t->app, t->w, t->check);
  sim_watch_start(t);
  for (uint32_t i = 0; i < t->plan->n_hosts; i++)
    if (t->node[i].host != NULL)
      tct_sim_host_watch(t->node[i].host, on_host, t);
  for (uint32_t i = 0; i < t->plan->n_flows; i++) {
    const struct sim_trial_flow *p = &t->plan->flow[i];
    struct sim_trial_node *client = &t->node[p->client], *server = &t->node[p->server];
    t->flow[i] = (struct sim_app_flow){.world = &t->app,
                                       .plan = p,
                                       .client = client->host,
                                       .server = server->host,
                                       .client_addr = client->addr,
                                       .server_addr = server->addr,
                                       .client_features = client->plan->features,
                                       .server_features = server->plan->features};
    sim_app_flow_start(&t->flow[i]);
  }
}

static void boot_all(struct sim_trial *t) {
  for (uint32_t i = 0; i < t->plan->n_hosts; i++)
    if (t->node[i].host != NULL)
      tct_sim_host_boot(t->node[i].host);
}

static void heal(struct sim_trial *t) {
  tct_sim_heal(t->w);
  boot_all(t);
  tct_sim_check_heal(t->check);
  kick_all(t);
  sim_app_heal(&t->app, t->flow, t->plan->n_flows);
  kick_all(t);
}

/* Applications give up what is left; then the stacks have to come to an end by themselves. */
static bool end_all(struct sim_trial *t) {
  char text[120];
  kick_all(t);
  sim_app_end_all(&t->app, t->flow, t->plan->n_flows);
  kick_all(t);
  if (!run_until(t, tct_sim_now(t->w) + PATIENCE, is_over))
    return false;
  if (sim_app_is_done(&t->app))
    return true;
  snprintf(text, sizeof text, "%u sockets were closed and never said so", (unsigned)t->app.pending);
  tct_sim_check_fail(t->check, TCT_SIM_I13, 0, text);
  return false;
}

static void play_phases(struct sim_trial *t) {
  if (!run_until(t, MS(t->plan->heal_ms), is_over))
    return;
  heal(t);
  if (!run_until(t, tct_sim_now(t->w) + liveness_bound(t->plan), is_over))
    return;
  if (!cuts_connections(t->plan))
    tct_sim_check_live(t->check);
  if (is_wrong(t) || !end_all(t))
    return;
  if (!run_until(t, tct_sim_now(t->w) + PATIENCE, is_stopped))
    return;
  tct_sim_check_quiet(t->check, true);
  if (!run_until(t, tct_sim_now(t->w) + SILENCE, is_stopped))
    return;
  tct_sim_check_busy(t->check);
  tct_sim_check_end(t->check);
}

/* Then they can be guessed, of course. */
static bool presets_numbers(const struct sim_trial_plan *p) {
  for (uint32_t i = 0; i < p->n_flows; i++)
    if (p->flow[i].isn != 0)
      return true;
  return false;
}

/* ---- The result ---- */

/* The checker counts stacks in the order made, the plan all of its hosts. */
static unsigned host_of(const struct sim_trial *t, unsigned stack) {
  for (uint32_t i = 0; i < t->plan->n_hosts; i++)
    if (t->plan->host[i].kind == SIM_TRIAL_STACK && stack-- == 0)
      return i;
  return 0;
}

static void tell_failure(const struct sim_trial *t, struct sim_trial_result *out) {
  const tct_sim_failure *f = tct_sim_check_failed(t->check);
  out->failed = f != NULL || t->wrong[0] != '\0';
  if (f == NULL) {
    memcpy(out->what, t->wrong, sizeof t->wrong);
    return;
  }
  out->invariant = (unsigned)f->id;
  out->event = f->event;
  out->frame = f->frame;
  out->at = f->at;
  out->host = host_of(t, f->host);
  memcpy(out->what, f->text, sizeof out->what);
}

static void tell_result(const struct sim_trial *t, struct sim_trial_result *out) {
  memset(out, 0, sizeof *out);
  tell_failure(t, out);
  out->frames = tct_sim_frames(t->w);
  out->events = t->w->events;
  out->digest = tct_sim_digest(t->w);
  out->ended_at = tct_sim_now(t->w);
}

uint64_t sim_trial_digest(const struct sim_trial_plan *p, const struct sim_trial_result *r) {
  const uint64_t key[2] = {p->seed, r->frames};
  uint8_t bytes[8];
  tct_bytes_put64(bytes, r->digest);
  return tct_siphash13(key, bytes, sizeof bytes);
}

const char *sim_trial_skip(const char *list, uint64_t *bits) {
  while (*list != '\0') {
    unsigned long n = list[0] == 'I' ? strtoul(list + 1, NULL, 10) : 0;
    if (n == 0 || n >= TCT_SIM_I_COUNT)
      return list;
    *bits |= UINT64_C(1) << n;
    list += strcspn(list, ",");
    list += *list == ',';
  }
  return NULL;
}

static void switch_checks(struct sim_trial *t) {
  tct_sim_check_switch(t->check, TCT_SIM_I23, !presets_numbers(t->plan));
  for (unsigned i = 1; i < TCT_SIM_I_COUNT; i++)
    if ((t->run->skip >> i & 1) != 0)
      tct_sim_check_switch(t->check, (tct_sim_invariant)i, false);
}

void sim_trial_play(const struct sim_trial_plan *p, const struct sim_trial_run *run,
                    struct sim_trial_result *out) {
  struct sim_trial_counts *own = NULL;
  struct sim_trial *t = sim_world_alloc(sizeof *t);
  memset(t, 0, sizeof *t);
  if (run->counts == NULL)
    own = sim_world_alloc(sizeof *own);
  t->counts = own != NULL ? own : run->counts;
  t->plan = p;
  t->run = run;
  t->w = tct_sim_new(p->seed);
  t->check = tct_sim_check_new(t->w);
  tct_sim_tape_set(t->w, run->tape);
  switch_checks(t);
  if (sim_trial_build(t)) {
    start_flows(t);
    play_phases(t);
    sim_watch_end(t);
  }
  tell_result(t, out);
  tct_sim_free(t->w);
  sim_app_world_deinit(&t->app);
  for (uint32_t i = 0; i < p->n_hosts; i++)
    sim_watch_free(&t->node[i]);
  free(own);
  free(t);
  if (run->again && !out->failed && run->until_event == 0)
    sim_trial_again(p, run, out);
}
