/* SPDX-License-Identifier: MIT */
/*
 * The world of a plan: stacks with their settings, routers, NATs, middleboxes, attackers, links
 * between them, routes, faults. Called by trial.c before anything runs. All addresses are on one
 * network as far as the stacks know; routers know better.
 */
#include <stdio.h>

#include "sim/trial_run.h"
#include "util/mem.h"

#define US(x) ((tct_time)(x)*1000u)
#define MS(x) ((tct_time)(x)*1000000u)

enum { ROUTERS = 100, NATS = 200 }; /* where their addresses begin */

static tct_addr address(const struct sim_trial_plan *p, uint32_t last) {
  tct_addr v6 = {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)last}};
  return p->ipv6 ? v6 : tct_addr_ipv4(10, 0, 0, (uint8_t)last);
}

tct_addr sim_trial_addr(const struct sim_trial_plan *p, uint32_t host) {
  return address(p, 1 + host);
}

/* ---- Stacks ---- */

static bool has(const struct sim_trial_host *h, uint64_t bit) {
  return (h->features & bit) != 0;
}

static uint8_t on_off(const struct sim_trial_host *h, uint64_t bit) {
  return has(h, bit) ? TCT_ON : TCT_OFF;
}

static tct_cc congestion_of(const struct sim_trial_host *h) {
  if (has(h, SIM_FEATURE_BIT(CUBIC)))
    return TCT_CC_CUBIC;
  if (has(h, SIM_FEATURE_BIT(BBR)))
    return TCT_CC_BBR;
  if (has(h, SIM_FEATURE_BIT(DCTCP)))
    return TCT_CC_DCTCP;
  return has(h, SIM_FEATURE_BIT(NEWRENO)) ? TCT_CC_NEWRENO : TCT_CC_DEFAULT;
}

static void config_protocol(const struct sim_trial_host *h, tct_config *c) {
  c->profile = has(h, SIM_FEATURE_BIT(LINUX)) ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c->no_sack = !has(h, SIM_FEATURE_BIT(SACK));
  c->no_timestamps = !has(h, SIM_FEATURE_BIT(TIMESTAMPS));
  c->no_wscale = !has(h, SIM_FEATURE_BIT(WSCALE));
  c->rack = on_off(h, SIM_FEATURE_BIT(RACK));
  c->tlp = on_off(h, SIM_FEATURE_BIT(TLP));
  c->frto = on_off(h, SIM_FEATURE_BIT(FRTO));
  c->pacing = on_off(h, SIM_FEATURE_BIT(PACING));
  c->slow_start_after_idle = on_off(h, SIM_FEATURE_BIT(IDLE_RESTART));
  c->congestion = (uint8_t)congestion_of(h);
  c->ecn = TCT_ECN_OFF;
  if (has(h, SIM_FEATURE_BIT(ECN)))
    c->ecn = TCT_ECN_ON;
  if (has(h, SIM_FEATURE_BIT(ACCECN)))
    c->ecn = TCT_ECN_ACCURATE;
  c->mtu_probing = has(h, SIM_FEATURE_BIT(PLPMTUD)) ? TCT_MTU_PROBING_ALWAYS : TCT_MTU_PROBING_OFF;
  c->fastopen = TCT_FASTOPEN_NONE;
  if (has(h, SIM_FEATURE_BIT(FASTOPEN)))
    c->fastopen = TCT_FASTOPEN_CLIENT | TCT_FASTOPEN_SERVER | TCT_FASTOPEN_ALL_LISTENERS;
}

static void config_resources(const struct sim_trial_host *h, tct_config *c) {
  c->info = has(h, SIM_FEATURE_BIT(BASIC)) ? TCT_INFO_BASIC : TCT_INFO_FULL;
  c->cookies = has(h, SIM_FEATURE_BIT(COOKIES)) ? TCT_COOKIES_ALWAYS : TCT_COOKIES_OVERFLOW;
  c->rcvbuf_bytes = h->rcvbuf;
  c->sndbuf_bytes = h->sndbuf;
  if (!has(h, SIM_FEATURE_BIT(AUTOTUNE))) {
    c->rcvbuf_max_bytes = h->rcvbuf != 0 ? h->rcvbuf : 65536;
    c->sndbuf_max_bytes = h->sndbuf != 0 ? h->sndbuf : 65536;
    c->rcvbuf_bytes = c->rcvbuf_max_bytes;
    c->sndbuf_bytes = c->sndbuf_max_bytes;
  }
  if (h->iw != 0)
    c->initial_window_segs = (uint8_t)h->iw;
  c->delack_ms = has(h, SIM_FEATURE_BIT(DELACK)) ? h->delack_ms : 1;
  c->no_quickack = !has(h, SIM_FEATURE_BIT(QUICKACK));
  c->limits.half_open = h->half_open;
  c->limits.time_wait = h->time_wait;
  c->limits.conns = h->conns;
  c->limits.buffer_bytes = h->buffers;
}

static bool build_stack(struct sim_trial *t, struct sim_trial_node *n) {
  const struct sim_trial_host *h = n->plan;
  tct_sim_host_config c;
  tct_sim_config_init(t->w, &c);
  config_protocol(h, &c.stack);
  config_resources(h, &c.stack);
  c.addr = n->addr;
  c.prefix_len = t->plan->ipv6 ? 64 : 24;
  c.mtu = h->mtu;
  c.burst = h->burst;
  c.one_by_one = t->plan->one_by_one != 0;
  c.give_back = (tct_sim_give_back)t->plan->give_back;
  c.clock_ns = US(h->clock_us);
  c.gso_max_bytes = has(h, SIM_FEATURE_BIT(GSO)) ? 65536 : 0;
  c.csum_offload = has(h, SIM_FEATURE_BIT(CSUM));
  c.record = n->index == t->run->record_host ? t->run->record : NULL;
  c.stack.no_fast_path = t->run->no_fast_path;
  sim_watch_init(n, &c.stack);
  n->host = tct_sim_host_new(t->w, &c);
  return n->host != NULL;
}

/* ---- Nodes ---- */

static void build_nat(struct sim_trial *t, struct sim_trial_node *n) {
  tct_sim_nat_config c = {.outside = n->addr};
  n->nat = tct_sim_nat_new(t->w, &c);
}

static bool build_node(struct sim_trial *t, uint32_t i, uint32_t *ordinals) {
  struct sim_trial_node *n = &t->node[i];
  n->trial = t;
  n->index = i;
  n->plan = &t->plan->host[i];
  n->ordinal = ordinals[n->plan->kind]++;
  n->addr = address(t->plan, 1 + i);
  switch ((sim_trial_kind)n->plan->kind) {
  case SIM_TRIAL_STACK:
    return build_stack(t, n);
  case SIM_TRIAL_ROUTER:
    n->addr = address(t->plan, ROUTERS + i);
    n->router = tct_sim_router_new(t->w, n->addr, n->addr);
    return n->router != NULL;
  case SIM_TRIAL_NAT:
    n->addr = address(t->plan, NATS + i);
    build_nat(t, n);
    return n->nat != NULL;
  case SIM_TRIAL_MIDDLEBOX:
    n->box = tct_sim_box_new(t->w);
    return n->box != NULL;
  case SIM_TRIAL_ATTACKER:
    n->attacker = tct_sim_attacker_new(t->w);
    return n->attacker != NULL;
  case SIM_TRIAL_KIND_COUNT:
    break;
  }
  return false;
}

/* ---- Links ---- */

/* Of a NAT the first link is the inside, the second the outside. */
static tct_sim_end end_of(struct sim_trial_node *n) {
  if (n->host != NULL)
    return tct_sim_host_end(n->host);
  if (n->router != NULL)
    return tct_sim_router_end(n->router);
  if (n->nat != NULL)
    return n->n_links == 0 ? tct_sim_nat_inside(n->nat) : tct_sim_nat_outside(n->nat);
  if (n->box != NULL)
    return tct_sim_box_end(n->box, n->n_links);
  return tct_sim_attacker_end(n->attacker);
}

static uint32_t ends_max(const struct sim_trial_node *n) {
  if (n->router != NULL)
    return SIM_TRIAL_LINKS_MAX;
  return n->nat != NULL || n->box != NULL ? 2 : 1;
}

static bool build_link(struct sim_trial *t, uint32_t i) {
  const struct sim_trial_link *l = &t->plan->link[i];
  struct sim_trial_node *a = &t->node[l->a], *b = &t->node[l->b];
  tct_sim_path p = {.delay_ns = US(l->delay_us),
                    .jitter_ns = US(l->jitter_us),
                    .rate_bps = (uint64_t)l->rate_kbps * 1000u,
                    .queue_bytes = l->queue,
                    .mark_bytes = l->mark};
  if (a->n_links >= ends_max(a) || b->n_links >= ends_max(b))
    return false;
  t->link[i] = tct_sim_link_new(t->w, end_of(a), end_of(b), &p, &p);
  a->link[a->n_links++] = i;
  b->link[b->n_links++] = i;
  return true;
}

/* ---- Routes ---- */

struct reach { /* what lies behind a router's port */
  struct sim_trial *t;
  struct sim_trial_node *router;
  uint32_t port;
  uint32_t seen; /* nodes passed, a bit each */
};

static void add_route(const struct reach *r, const struct sim_trial_node *to) {
  tct_sim_router_route(r->router->router, to->addr, 128, r->port);
}

static struct sim_trial_node *far_node(struct sim_trial *t, uint32_t link, uint32_t from) {
  const struct sim_trial_link *l = &t->plan->link[link];
  return &t->node[l->a == from ? l->b : l->a];
}

static void pass_node(struct reach *r, struct sim_trial_node *n, uint32_t came_by);

static void pass_link(struct reach *r, uint32_t link, uint32_t from) {
  struct sim_trial_node *n = far_node(r->t, link, from);
  if ((r->seen >> n->index & 1) == 0)
    pass_node(r, n, link);
}

/* From outside nothing behind a NAT has an address. */
static void pass_node(struct reach *r, struct sim_trial_node *n, uint32_t came_by) {
  bool outside = n->nat != NULL && n->link[0] != came_by;
  r->seen |= UINT32_C(1) << n->index;
  if (n->host != NULL || outside)
    add_route(r, n);
  if (n->host != NULL || n->attacker != NULL || outside)
    return;
  for (uint32_t i = 0; i < n->n_links; i++)
    if (n->link[i] != came_by)
      pass_link(r, n->link[i], n->index);
}

static void build_routes(struct sim_trial *t) {
  for (uint32_t i = 0; i < t->plan->n_hosts; i++) {
    struct sim_trial_node *n = &t->node[i];
    for (uint32_t port = 0; n->router != NULL && port < n->n_links; port++) {
      struct reach r = {t, n, port, UINT32_C(1) << i};
      pass_link(&r, n->link[port], i);
    }
  }
}

/* ---- Faults ---- */

static int build_fault(struct sim_trial *t, const struct sim_trial_fault *p) {
  bool of_link = tct_sim_fault_class_of(p->kind) == TCT_SIM_CLASS_LINK;
  tct_sim_fault f = {.kind = (uint8_t)p->kind,
                     .dir = (uint8_t)p->dir,
                     .target = of_link ? p->target : t->node[p->target].ordinal,
                     .rate_ppm = p->rate_ppm,
                     .burst = p->burst,
                     .start = MS(p->start_ms),
                     .stop = MS(p->stop_ms),
                     .a = p->a,
                     .b = p->b};
  return tct_sim_fault_install(t->w, &f);
}

static bool fails(struct sim_trial *t, const char *what, uint32_t i) {
  snprintf(t->wrong, sizeof t->wrong, "%s %u cannot be made", what, (unsigned)i);
  return false;
}

bool sim_trial_build(struct sim_trial *t) {
  uint32_t ordinals[SIM_TRIAL_KIND_COUNT] = {0};
  for (uint32_t i = 0; i < t->plan->n_hosts; i++)
    if (!build_node(t, i, ordinals))
      return fails(t, "host", i);
  for (uint32_t i = 0; i < t->plan->n_links; i++)
    if (!build_link(t, i))
      return fails(t, "link", i);
  build_routes(t);
  for (uint32_t i = 0; i < t->plan->n_faults; i++)
    if (build_fault(t, &t->plan->fault[i]) < 0)
      return fails(t, "fault", i);
  return true;
}
