/* SPDX-License-Identifier: MIT */
/*
 * A host: one tercet stack, driven as a real driver would drive it. Frames in (a burst at a time),
 * then time, then news to the applications, then frames out until there are none, then sleep until
 * the stack's deadline. Called by the world and by link.c; applications are flow.c's or the
 * caller's. [tercet.h: the wire and the clock]
 */
#include <stdlib.h>

#include "sim/check.h"
#include "sim/host.h"
#include "stack_probe.h"
#include "util/mem.h"
#include "util/time.h"

/* ---- Memory: counted, so that tests can see what is left ---- */

static void *alloc_counted(void *ctx, size_t size, size_t align) {
  struct tct_sim_host *h = ctx;
  size_t rounded = (size + align - 1) / align * align;
  void *p = h->slots != NULL && sim_host_fault_alloc(h) ? NULL : aligned_alloc(align, rounded);
  if (p != NULL)
    h->memory += size;
  return p;
}

static void free_counted(void *ctx, void *p, size_t size) {
  struct tct_sim_host *h = ctx;
  if (p != NULL)
    h->memory -= size;
  free(p);
}

size_t tct_sim_host_memory(const tct_sim_host *h) {
  return h->memory;
}

/* ---- Running ---- */

static void wake(void *ctx, void *arg) {
  struct tct_sim_host *h = ctx;
  (void)arg;
  if (h->wake_at <= h->node.world->now)
    h->wake_at = TCT_NEVER;
  sim_host_run(h);
}

/* A wake-up that is too early does no harm; so a deadline that moved later costs no new event. */
static void sleep_until(struct tct_sim_host *h, tct_time d) {
  if (d != TCT_NEVER)
    d = sim_clock_when(&h->clock, h->node.world->now, d);
  if (d == TCT_NEVER || d >= h->wake_at)
    return;
  h->wake_at = d;
  sim_world_schedule(h->node.world, d, wake, h, NULL);
}

static void hand_over(struct tct_sim_host *h, struct sim_packet *const *p, tct_frame *f, unsigned n,
                      tct_time now) {
  if (h->node.check != NULL)
    sim_check_input(&h->node, p, f, n, now);
  else
    tct_input(h->stack, h->ifc, f, n, now);
}

static void take_inbox(struct tct_sim_host *h) {
  tct_frame f[TCT_BURST_MAX];
  tct_iov iov[TCT_BURST_MAX];
  unsigned n = h->n_inbox;
  tct_time now = sim_host_clock(h);
  memset(f, 0, n * sizeof f[0]);
  for (unsigned i = 0; i < n; i++) {
    iov[i] = (tct_iov){h->inbox[i]->bytes, h->inbox[i]->frame.len};
    f[i] = (tct_frame){.iov = &iov[i], .n_iov = 1, .len = h->inbox[i]->frame.len, .at = now};
  }
  unsigned each = h->config.one_by_one ? 1 : n;
  for (unsigned i = 0; i < n && h->stack != NULL; i += each)
    hand_over(h, h->inbox + i, f + i, each, now);
  for (unsigned i = 0; i < n; i++) {
    if (f[i].verdict != TCT_ACCEPTED)
      sim_host_fault_verdict(h, f[i].verdict);
    sim_packet_free(h->node.world, h->inbox[i]);
  }
  h->n_inbox = 0;
}

static unsigned tell_applications(struct tct_sim_host *h) {
  tct_event ev;
  unsigned n = 0;
  while (h->stack != NULL && !sim_world_is_stuck(h->node.world) && tct_event_next(h->stack, &ev)) {
    tct_sim_app *app = ev.user;
    n++;
    sim_world_count_step(h->node.world);
    if (h->node.check != NULL)
      sim_check_event(&h->node, &ev);
    if (app != NULL)
      app->on_event(app, &ev);
  }
  return n;
}

/* Fewer frames than there is room for: there are no more. */
static void send_all(struct tct_sim_host *h) {
  tct_frame f[TCT_BURST_MAX];
  size_t n = TCT_BURST_MAX;
  while (h->stack != NULL && n == TCT_BURST_MAX && !sim_world_is_stuck(h->node.world)) {
    n = tct_output(h->stack, h->ifc, f, TCT_BURST_MAX, sim_host_clock(h));
    for (size_t i = 0; i < n; i++)
      sim_link_send(&h->node, &f[i]);
  }
}

/* Sends, and lets time-outs that are due at once come to pass. The next deadline after that. */
static tct_time send_and_advance(struct tct_sim_host *h, bool *due) {
  tct_time d, now;
  *due = false;
  send_all(h);
  if (h->stack == NULL || sim_world_is_stuck(h->node.world))
    return TCT_NEVER;
  d = tct_deadline(h->stack);
  now = sim_host_clock(h);
  if (d > now)
    return d;
  *due = true;
  sim_world_count_step(h->node.world);
  tct_advance(h->stack, now);
  return TCT_NEVER;
}

/* I31. What is kept for no time goes at the next tct_advance. */
static void choose_give_back(struct tct_sim_host *h) {
  bool now = false;
  if (h->config.give_back == TCT_SIM_GIVE_BACK_AT_RANDOM) {
    h->give_draw = (uint32_t)(((uint64_t)h->give_draw * 1664525u + 1013904223u) & UINT32_MAX);
    now = h->give_draw >> 30 == 0;
  }
  tct_stack_probe_keep(h->stack, now ? 0 : TCT_NEVER);
}

void sim_host_run(struct tct_sim_host *h) {
  tct_time deadline;
  bool due;
  if (h->stack == NULL || h->running || sim_host_fault_is_paused(h))
    return;
  if (h->slots != NULL)
    sim_host_fault_run(h);
  if (h->config.give_back != TCT_SIM_GIVE_BACK_LATER)
    choose_give_back(h);
  h->running = true;
  tct_advance(h->stack, sim_host_clock(h));
  (void)tell_applications(h);
  do { /* each round again while there is something to do; most have none */
    deadline = send_and_advance(h, &due);
  } while (tell_applications(h) != 0 || due);
  h->running = false;
  if (h->stack == NULL)
    return;
  if (h->node.check != NULL)
    sim_check_step(&h->node);
  sleep_until(h, deadline);
}

static void run_burst(void *ctx, void *arg) {
  struct tct_sim_host *h = ctx;
  (void)arg;
  h->run_is_due = false;
  take_inbox(h);
  sim_host_run(h);
}

void sim_host_deliver(struct tct_sim_host *h, struct sim_packet *p) {
  struct tct_sim *w = h->node.world;
  h->inbox[h->n_inbox++] = p;
  if (h->n_inbox >= h->config.burst) {
    take_inbox(h);
    sim_host_run(h);
  } else if (!h->run_is_due) {
    /* After everything that arrives at this very instant: a driver drains before it answers. */
    h->run_is_due = true;
    sim_world_schedule(w, w->now, run_burst, h, NULL);
  }
}

static void deliver_to_host(struct sim_node *n, struct sim_packet *p) {
  struct tct_sim_host *h = (struct tct_sim_host *)(void *)n;
  if (h->slots == NULL || !sim_host_fault_frame(h, p))
    sim_host_deliver(h, p);
}

static void act_host(struct sim_node *n) {
  sim_host_run((struct tct_sim_host *)(void *)n);
}

void tct_sim_host_kick(tct_sim_host *h) {
  sim_host_run(h);
}

/* ---- Life ---- */

void tct_sim_host_watch(tct_sim_host *h, tct_sim_host_fn fn, void *ctx) {
  h->watch = fn;
  h->watch_ctx = ctx;
}

static void tell_watch(struct tct_sim_host *h, bool up) {
  if (h->watch != NULL)
    h->watch(h->watch_ctx, h, up);
}

static void drop_inbox(struct tct_sim_host *h) {
  for (unsigned i = 0; i < h->n_inbox; i++)
    sim_packet_free(h->node.world, h->inbox[i]);
  h->n_inbox = 0;
}

void tct_sim_host_crash(tct_sim_host *h) {
  tct_stack *s = h->stack;
  h->stack = NULL;
  drop_inbox(h);
  if (h->node.check != NULL)
    sim_check_crash(&h->node);
  sim_host_fault_drop_ring(h);
  if (s == NULL)
    return;
  tct_free(s);
  tell_watch(h, false);
}

static bool add_interface(struct tct_sim_host *h) {
  tct_if_config c = {.size = sizeof c, .link = TCT_LINK_IP, .mtu = h->config.mtu};
  c.gso_max_bytes = h->config.gso_max_bytes;
  c.gso_max_segs = h->config.gso_max_bytes ? 64 : 0;
  c.csum_offload = h->config.csum_offload;
  return tct_if_add(h->stack, &c, &h->ifc) == TCT_OK &&
         tct_if_addr_add(h->stack, h->ifc, h->config.addr, h->config.prefix_len) >= 0;
}

/* No allocation fails meanwhile: what a fault is to show comes later. */
static bool make_stack(struct tct_sim_host *h) {
  bool ok = false;
  int err = 0;
  h->booting = true;
  h->stack = tct_record_new(h->config.record, &h->config.stack, &err);
  if (h->stack != NULL) {
    tct_advance(h->stack, sim_host_clock(h));
    if (h->node.check != NULL)
      sim_check_boot(&h->node, h->stack);
    ok = add_interface(h);
  }
  h->booting = false;
  return ok;
}

bool tct_sim_host_boot(tct_sim_host *h) {
  if (h->stack != NULL)
    return true;
  h->wake_at = TCT_NEVER;
  if (make_stack(h)) {
    tell_watch(h, true);
    return true;
  }
  tct_sim_host_crash(h);
  return false;
}

static void free_host(struct sim_node *n) {
  struct tct_sim_host *h = (struct tct_sim_host *)(void *)n;
  h->watch = NULL;
  tct_sim_host_crash(h);
  free(n);
}

void tct_sim_config_init(tct_sim *w, tct_sim_host_config *c) {
  memset(c, 0, sizeof *c);
  tct_config_init(&c->stack, sizeof c->stack);
  c->stack.deterministic = true;
  c->stack.profile = TCT_PROFILE_STRICT;
  tct_prng_fill(&w->prng, c->stack.seed, sizeof c->stack.seed);
}

tct_sim_host *tct_sim_host_new(tct_sim *w, const tct_sim_host_config *c) {
  tct_sim_host *h = sim_world_alloc(sizeof *h);
  memset(h, 0, sizeof *h);
  h->config = *c;
  if (h->config.mtu == 0)
    h->config.mtu = 1500;
  h->config.burst = tct_clamp_u32(h->config.burst, 1, TCT_BURST_MAX);
  h->config.stack.alloc = (tct_alloc){alloc_counted, free_counted, h};
  h->give_draw = c->addr.b[15];
  sim_clock_init(&h->clock, h->config.clock_ns);
  h->node.deliver = deliver_to_host;
  h->node.act = act_host;
  h->node.free = free_host;
  sim_world_add(w, &h->node);
  sim_world_add_target(w, TCT_SIM_CLASS_HOST, h);
  if (w->check != NULL)
    sim_check_attach(w, &h->node, h, &h->config);
  return tct_sim_host_boot(h) ? h : NULL;
}

tct_sim_end tct_sim_host_end(tct_sim_host *h) {
  return (tct_sim_end){&h->node};
}

tct_stack *tct_sim_host_stack(tct_sim_host *h) {
  return h->stack;
}

tct_if tct_sim_host_if(const tct_sim_host *h) {
  return h->ifc;
}

tct_sim *tct_sim_host_world(const tct_sim_host *h) {
  return h->node.world;
}

tct_addr tct_sim_host_addr(const tct_sim_host *h) {
  return h->config.addr;
}

tct_time tct_sim_host_clock(const tct_sim_host *h) {
  return sim_host_clock(h);
}
