/* SPDX-License-Identifier: MIT */
/*
 * What faults do to a host: it stands still, crashes, has a wrong clock, runs out of memory. Called
 * by host.c at each frame, run and allocation, and by the world at the times that a fault names.
 * Each harm is counted here.
 */
#include <stdlib.h>

#include "sim/host.h"
#include "util/mem.h"
#include "util/time.h"

static uint64_t or_else(uint64_t value, uint64_t usual) {
  return value ? value : usual;
}

/* ---- Standing still ---- */

bool sim_host_fault_is_paused(const struct tct_sim_host *h) {
  return h->node.world->now < h->paused_until;
}

/* What had waited arrives as one burst. */
static void resume(struct tct_sim_host *h) {
  struct sim_packet *p = h->ring;
  h->paused_until = 0;
  h->ring = NULL;
  h->n_ring = 0;
  for (struct sim_packet *next; p != NULL; p = next) {
    next = p->next;
    sim_host_deliver(h, p);
  }
  sim_host_run(h);
}

static void resume_late(void *ctx, void *arg) {
  struct tct_sim_host *h = ctx;
  (void)arg;
  if (h->paused_until != 0 && !sim_host_fault_is_paused(h))
    resume(h);
}

static void pause_host(struct tct_sim_host *h, struct sim_slot *s) {
  tct_time usual = s->what.rate_ppm == 0 && s->what.stop > s->what.start
                       ? s->what.stop - s->what.start
                       : TCT_MS(100);
  if (sim_host_fault_is_paused(h))
    return;
  sim_fault_count_up(s, NULL);
  h->paused_until = tct_time_add(s->world->now, or_else(s->what.a, usual));
  sim_world_schedule(s->world, h->paused_until, resume_late, h, NULL);
}

static void keep_in_ring(struct tct_sim_host *h, struct sim_packet *p) {
  uint32_t room = 256;
  for (const struct sim_slot *s = h->slots; s != NULL; s = s->next)
    if (s->what.kind == TCT_SIM_FAULT_HOST_PAUSE && s->what.b != 0)
      room = (uint32_t)s->what.b;
  if (h->n_ring >= room) {
    sim_packet_free(h->node.world, p);
    return;
  }
  if (h->ring == NULL)
    h->ring_end = &h->ring;
  p->next = NULL;
  *h->ring_end = p;
  h->ring_end = &p->next;
  h->n_ring++;
}

void sim_host_fault_drop_ring(struct tct_sim_host *h) {
  for (struct sim_packet *p = h->ring, *next; p != NULL; p = next) {
    next = p->next;
    sim_packet_free(h->node.world, p);
  }
  h->ring = NULL;
  h->n_ring = 0;
}

/* ---- Crashing ---- */

static void boot_late(void *ctx, void *arg) {
  struct tct_sim_host *h = ctx;
  (void)arg;
  tct_sim_host_boot(h);
}

static void crash(struct tct_sim_host *h, struct sim_slot *s) {
  if (h->stack == NULL)
    return;
  sim_fault_count_up(s, NULL);
  tct_sim_host_crash(h);
  sim_world_schedule(s->world, tct_time_add(s->world->now, or_else(s->what.a, TCT_S(1))), boot_late,
                     h, NULL);
}

/* ---- Clocks ---- */

static void set_clock(struct tct_sim_host *h) {
  uint32_t rate_ppm = SIM_CLOCK_TRUE_RATE;
  tct_time tick_ns = h->config.clock_ns;
  for (const struct sim_slot *s = h->slots; s != NULL; s = s->next) {
    if (!sim_fault_is_on(s))
      continue;
    if (s->what.kind == TCT_SIM_FAULT_CLOCK_RATE)
      rate_ppm = (uint32_t)or_else(s->what.a, 1010000);
    if (s->what.kind == TCT_SIM_FAULT_CLOCK_COARSE)
      tick_ns = or_else(s->what.a, TCT_MS(10));
  }
  sim_clock_set(&h->clock, h->node.world->now, rate_ppm, tick_ns);
}

static void jump(struct tct_sim_host *h, struct sim_slot *s) {
  sim_fault_count_up(s, NULL);
  sim_clock_jump(&h->clock, s->world->now, or_else(s->what.a, TCT_S(1)));
}

void sim_host_fault_run(struct tct_sim_host *h) {
  for (struct sim_slot *s = h->slots; s != NULL; s = s->next)
    if ((s->what.kind == TCT_SIM_FAULT_CLOCK_RATE || s->what.kind == TCT_SIM_FAULT_CLOCK_COARSE) &&
        sim_fault_is_on(s))
      sim_fault_count_up(s, NULL);
}

/* ---- Memory and room ---- */

static bool is_nth(struct sim_slot *s) {
  s->seen++;
  return s->seen >= s->what.a && s->seen - s->what.a < or_else(s->what.b, 1);
}

bool sim_host_fault_alloc(struct tct_sim_host *h) {
  for (struct sim_slot *s = h->slots; s != NULL; s = s->next) {
    if (s->what.kind != TCT_SIM_FAULT_ALLOC_FAILURE || !sim_fault_is_on(s) || h->booting)
      continue;
    if (s->what.a != 0 ? is_nth(s) : sim_fault_strikes(s)) {
      sim_fault_count_up(s, NULL);
      return true;
    }
  }
  return false;
}

void sim_host_fault_verdict(struct tct_sim_host *h, uint16_t verdict) {
  switch (verdict) {
  case TCT_DROP_FRAGMENT_LIMIT:
  case TCT_DROP_SYN_BACKLOG:
  case TCT_DROP_SYN_LIMIT:
  case TCT_DROP_ACCEPT_QUEUE:
  case TCT_DROP_OUT_OF_ORDER_LIMIT:
  case TCT_DROP_REPLY_QUEUE_FULL:
  case TCT_DROP_UDP_QUEUE_FULL:
  case TCT_DROP_NO_MEMORY:
    tct_sim_fault_note(h->node.world, TCT_SIM_FAULT_TABLE_FULL);
    break;
  default:
    break;
  }
}

void tct_sim_small_tables(tct_sim_host_config *c, uint32_t n) {
  tct_limits *m = &c->stack.limits;
  m->conns = m->half_open = m->held = m->time_wait = m->udp = m->orphans = n;
  m->buffer_bytes = (uint64_t)n * 65536;
  m->reasm_bytes = n * 4096;
  m->reply_bytes = 4096 + n * 128;
}

/* ---- When ---- */

static void strike_at_frame(struct tct_sim_host *h, struct sim_slot *s) {
  if (s->what.kind == TCT_SIM_FAULT_HOST_PAUSE)
    pause_host(h, s);
  else if (s->what.kind == TCT_SIM_FAULT_HOST_CRASH)
    crash(h, s);
  else
    jump(h, s);
}

static bool is_instant(const struct sim_slot *s) {
  return s->what.kind == TCT_SIM_FAULT_HOST_PAUSE || s->what.kind == TCT_SIM_FAULT_HOST_CRASH ||
         s->what.kind == TCT_SIM_FAULT_CLOCK_JUMP;
}

bool sim_host_fault_frame(struct tct_sim_host *h, struct sim_packet *p) {
  for (struct sim_slot *s = h->slots; s != NULL; s = s->next)
    if (is_instant(s) && s->what.rate_ppm != 0 && sim_fault_strikes(s))
      strike_at_frame(h, s);
  if (!sim_host_fault_is_paused(h))
    return false;
  keep_in_ring(h, p);
  return true;
}

static void strike_at_start(void *ctx, void *arg) {
  struct sim_slot *s = ctx;
  struct tct_sim_host *h = s->target;
  (void)arg;
  if (s->is_over)
    return;
  if (is_instant(s))
    strike_at_frame(h, s);
  else
    set_clock(h);
  sim_host_run(h);
}

void sim_host_fault_add(struct tct_sim_host *h, struct sim_slot *s) {
  bool is_clock =
      s->what.kind == TCT_SIM_FAULT_CLOCK_RATE || s->what.kind == TCT_SIM_FAULT_CLOCK_COARSE;
  s->next = h->slots;
  h->slots = s;
  if (is_clock || (is_instant(s) && s->what.rate_ppm == 0))
    sim_world_schedule(s->world, s->what.start, strike_at_start, s, NULL);
  if (is_clock && s->what.stop != 0)
    sim_world_schedule(s->world, s->what.stop, strike_at_start, s, NULL);
}

void sim_host_fault_drop_all(struct tct_sim_host *h) {
  bool had_any = h->slots != NULL;
  h->slots = NULL;
  if (!had_any)
    return;
  set_clock(h);
  if (h->stack == NULL)
    tct_sim_host_boot(h);
  if (h->paused_until != 0)
    resume(h);
  sim_host_run(h);
}
