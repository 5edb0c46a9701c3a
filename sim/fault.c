/* SPDX-License-Identifier: MIT */
/*
 * Faults: their names, who has which, whether one strikes, and how often it did. Called by callers
 * of sim_net.h to install and heal, and by the files that do the harm; does none itself.
 */
#include "sim/fault.h"

#include <stdlib.h>
#include <string.h>

#include "util/time.h"

static const struct kind {
  const char *word, *text;
  tct_sim_fault_class target;
} kinds[TCT_SIM_FAULT_COUNT] = {
#define X(name, word, target, text) {word, text, TCT_SIM_CLASS_##target},
    TCT_SIM_FAULTS(X)
#undef X
};

const char *tct_sim_fault_name(unsigned kind) {
  return kind < TCT_SIM_FAULT_COUNT ? kinds[kind].word : NULL;
}

const char *tct_sim_fault_text(unsigned kind) {
  return kind < TCT_SIM_FAULT_COUNT ? kinds[kind].text : NULL;
}

tct_sim_fault_class tct_sim_fault_class_of(unsigned kind) {
  return kind < TCT_SIM_FAULT_COUNT ? kinds[kind].target : TCT_SIM_CLASS_APP;
}

int tct_sim_fault_find(const char *word) {
  for (int i = 0; i < TCT_SIM_FAULT_COUNT; i++)
    if (strcmp(kinds[i].word, word) == 0)
      return i;
  return -1;
}

/* ---- Strikes ---- */

bool sim_fault_is_on(const struct sim_slot *s) {
  tct_time now = s->world->now;
  return !s->is_over && now >= s->what.start && (s->what.stop == 0 || now < s->what.stop);
}

uint32_t sim_fault_below(struct sim_slot *s, uint32_t bound) {
  return sim_world_draw(s->world, sim_fault_group((tct_sim_fault_kind)s->what.kind), bound);
}

/* LOSS_BURST's lengths are drawn around the mean, the others' are what they are. */
static uint32_t burst_length(struct sim_slot *s) {
  uint32_t burst = s->what.burst;
  if (burst < 2)
    return 0;
  return s->what.kind == TCT_SIM_FAULT_LOSS_BURST ? sim_fault_below(s, 2 * burst - 1) : burst - 1;
}

bool sim_fault_strikes(struct sim_slot *s) {
  unsigned group = sim_fault_group((tct_sim_fault_kind)s->what.kind);
  if (!sim_fault_is_on(s))
    return false;
  if (s->what.rate_ppm == 0)
    return true;
  if (s->run > 0) {
    s->run--;
    return true;
  }
  if (!sim_world_chance(s->world, group, s->what.rate_ppm))
    return false;
  s->run = burst_length(s);
  return true;
}

/* Drawn in steps of a 2^31st when it is long, so that one draw of 32 bits does. */
tct_time sim_fault_span(struct sim_slot *s, uint64_t up_to_ns, tct_time usual_ns) {
  tct_time most = up_to_ns ? up_to_ns : usual_ns, step = 1 + (most >> 31);
  return step * sim_fault_below(s, (uint32_t)(most / step) + 1);
}

void sim_fault_count_up(struct sim_slot *s, struct sim_packet *p) {
  s->world->fault_counts[s->what.kind]++;
  if (p != NULL)
    p->frame.faults |= UINT64_C(1) << s->what.kind;
}

uint64_t tct_sim_fault_count(const tct_sim *w, unsigned kind) {
  return kind < TCT_SIM_FAULT_COUNT ? w->fault_counts[kind] : 0;
}

void tct_sim_fault_note(tct_sim *w, unsigned kind) {
  if (kind < TCT_SIM_FAULT_COUNT)
    w->fault_counts[kind]++;
}

/* ---- Coming and going ---- */

static void give_slot(tct_sim_fault_class c, struct sim_slot *s) {
  if (c == TCT_SIM_CLASS_LINK)
    sim_link_fault_add(s->target, s);
  else if (c == TCT_SIM_CLASS_HOST)
    sim_host_fault_add(s->target, s);
  else if (c == TCT_SIM_CLASS_NAT)
    sim_nat_fault_add(s->target, s);
  else
    sim_box_fault_add(s->target, s);
}

static void install_one(tct_sim *w, const tct_sim_fault *f, tct_sim_fault_class c, uint8_t dir) {
  struct sim_slot *s = sim_world_alloc(sizeof *s);
  memset(s, 0, sizeof *s);
  s->world = w;
  s->what = *f;
  s->what.dir = dir;
  s->target = w->targets[c].at[f->target];
  *w->last_slot = s;
  w->last_slot = &s->next_all;
  give_slot(c, s);
}

int tct_sim_fault_install(tct_sim *w, const tct_sim_fault *f) {
  tct_sim_fault_class c = tct_sim_fault_class_of(f->kind);
  bool two_ways = c == TCT_SIM_CLASS_LINK && f->dir == TCT_SIM_BOTH;
  if (c == TCT_SIM_CLASS_APP || f->target >= w->targets[c].n || f->dir > TCT_SIM_BOTH)
    return TCT_EINVAL;
  install_one(w, f, c, f->dir & 1);
  if (two_ways && f->kind != TCT_SIM_FAULT_LOSS_ONE_WAY)
    install_one(w, f, c, 1);
  return TCT_OK;
}

/* The slots stay, out of anybody's list and over: events on their way may still name them. */
void tct_sim_heal(tct_sim *w) {
  for (uint32_t i = 0; i < w->targets[TCT_SIM_CLASS_LINK].n; i++)
    sim_link_fault_drop_all(w->targets[TCT_SIM_CLASS_LINK].at[i]);
  for (uint32_t i = 0; i < w->targets[TCT_SIM_CLASS_HOST].n; i++)
    sim_host_fault_drop_all(w->targets[TCT_SIM_CLASS_HOST].at[i]);
  for (uint32_t i = 0; i < w->targets[TCT_SIM_CLASS_NAT].n; i++)
    sim_nat_fault_drop_all(w->targets[TCT_SIM_CLASS_NAT].at[i]);
  for (uint32_t i = 0; i < w->targets[TCT_SIM_CLASS_BOX].n; i++)
    sim_box_fault_drop_all(w->targets[TCT_SIM_CLASS_BOX].at[i]);
  for (struct sim_slot *s = w->slots; s != NULL; s = s->next_all)
    s->is_over = true;
}

void sim_fault_free_all(struct tct_sim *w) {
  for (struct sim_slot *s = w->slots, *next; s != NULL; s = next) {
    next = s->next_all;
    free(s->held);
    free(s);
  }
  w->slots = NULL;
}
