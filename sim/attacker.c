/* SPDX-License-Identifier: MIT */
/*
 * A host that is no party: it sends forgeries under anybody's address, and may replay what it has
 * seen pass. Called by tests and trials, which aim it, and by link.c for the links it listens to.
 * The forgeries are forge.c's. RFC 5961, RFC 5927, RFC 6528.
 */
#include <stdlib.h>

#include "sim/fault.h"
#include "sim/ip.h"
#include "util/mem.h"
#include "util/time.h"

enum { SEEN_MAX = 1024, SHOT_BYTES_MAX = 1600 };

struct volley {
  struct volley *next;
  tct_sim_aim aim;
  uint32_t shots, left;
  tct_time every_ns;
};

struct seen {
  uint8_t *bytes;
  uint32_t len;
};

struct tct_sim_attacker {
  struct sim_node node;
  struct volley *volleys;
  struct seen *seen; /* a ring */
  uint32_t n_seen, next_seen;
  uint64_t shots;
};

static unsigned group_of(void) {
  return sim_fault_group(TCT_SIM_FAULT_BLIND_INJECTION);
}

void tct_sim_attacker_shoot(tct_sim_attacker *a, const tct_sim_aim *aim, tct_sim_shot shot) {
  struct sim_forgery f = sim_forge_draw(a->node.world, group_of(), aim, shot);
  uint8_t bytes[SHOT_BYTES_MAX];
  uint32_t len = sim_forge(&f, bytes, sizeof bytes);
  if (len == 0)
    return;
  a->shots++;
  tct_sim_fault_note(a->node.world, shot < TCT_SIM_SHOT_ICMP_UNREACH ? TCT_SIM_FAULT_BLIND_INJECTION
                                                                     : TCT_SIM_FAULT_ICMP_FORGED);
  sim_link_send_bytes(&a->node, bytes, len, TCT_WHY_NONE);
}

static void fire(void *ctx, void *arg) {
  struct tct_sim_attacker *a = ctx;
  struct volley *v = arg;
  unsigned shot = sim_forge_pick(a->node.world, group_of(), v->shots);
  tct_sim_attacker_shoot(a, &v->aim, (tct_sim_shot)shot);
  if (--v->left > 0)
    sim_world_schedule(a->node.world, tct_time_add(a->node.world->now, v->every_ns), fire, a, v);
}

void tct_sim_attacker_volley(tct_sim_attacker *a, const tct_sim_aim *aim, uint32_t shots,
                             uint32_t n, tct_time every_ns) {
  struct volley *v;
  shots &= (1u << TCT_SIM_SHOT_COUNT) - 1;
  if (n == 0 || shots == 0)
    return;
  v = sim_world_alloc(sizeof *v);
  *v = (struct volley){a->volleys, *aim, shots, n, every_ns};
  a->volleys = v;
  sim_world_schedule(a->node.world, a->node.world->now, fire, a, v);
}

/* ---- Replays ---- */

void sim_attacker_hear(struct tct_sim_attacker *a, const void *bytes, uint32_t len) {
  struct seen *s = &a->seen[a->next_seen];
  s->bytes = sim_world_grow(s->bytes, len);
  s->len = len;
  memcpy(s->bytes, bytes, len);
  a->next_seen = (a->next_seen + 1) % SEEN_MAX;
  a->n_seen = tct_min_u32(a->n_seen + 1, SEEN_MAX);
}

void tct_sim_attacker_listen(tct_sim_attacker *a, tct_sim_link *l) {
  if (a->seen == NULL) {
    a->seen = sim_world_alloc(SEEN_MAX * sizeof *a->seen);
    memset(a->seen, 0, SEEN_MAX * sizeof *a->seen);
  }
  sim_link_listen(l, a);
}

bool tct_sim_attacker_replay(tct_sim_attacker *a) {
  struct tct_sim *w = a->node.world;
  const struct seen *s;
  if (a->n_seen == 0)
    return false;
  s = &a->seen[sim_world_draw(w, sim_fault_group(TCT_SIM_FAULT_REPLAY), a->n_seen)];
  a->shots++;
  tct_sim_fault_note(w, TCT_SIM_FAULT_REPLAY);
  sim_link_send_bytes(&a->node, s->bytes, s->len, TCT_WHY_NONE);
  return true;
}

uint64_t tct_sim_attacker_shots(const tct_sim_attacker *a) {
  return a->shots;
}

/* ---- Life ---- */

/* It listens to no answer. */
static void deliver_to_attacker(struct sim_node *n, struct sim_packet *p) {
  sim_packet_free(n->world, p);
}

static void free_attacker(struct sim_node *n) {
  struct tct_sim_attacker *a = (struct tct_sim_attacker *)(void *)n;
  for (uint32_t i = 0; a->seen != NULL && i < SEEN_MAX; i++)
    free(a->seen[i].bytes);
  free(a->seen);
  for (struct volley *v = a->volleys, *next; v != NULL; v = next) {
    next = v->next;
    free(v);
  }
  free(a);
}

tct_sim_attacker *tct_sim_attacker_new(tct_sim *w) {
  tct_sim_attacker *a = sim_world_alloc(sizeof *a);
  memset(a, 0, sizeof *a);
  a->node.deliver = deliver_to_attacker;
  a->node.free = free_attacker;
  sim_world_add(w, &a->node);
  return a;
}

tct_sim_end tct_sim_attacker_end(tct_sim_attacker *a) {
  return (tct_sim_end){&a->node};
}
