/* SPDX-License-Identifier: MIT */
/*
 * check_numbers.c - I23: initial sequence numbers, ports, IP identifications and timestamp offsets
 * as somebody off the path would try to guess them: from what the host has told others. Collects
 * while the world runs, judges at its end, and only from NUMBERS_MIN on. Not a proof of randomness:
 * it finds counters, constants and small steps. RFC 6528 section 3, RFC 6056 section 3.3, RFC 6864
 * section 4, RFC 7323 section 5.4.
 */
#include <stdlib.h>

#include "sim/check.h"
#include "util/mem.h"

enum { NUMBERS_MAX = 4096, NUMBERS_MIN = 64 };

/* Numbers told to different peers, in order. */
struct number {
  uint32_t at, step; /* step: from what was told just before */
  uint64_t peer, turn;
};

struct series {
  uint32_t n, cap, bits; /* bits: how wide they are */
  uint32_t last;         /* what was told last, and to whom */
  uint64_t last_peer;
  struct number *told;
};

struct sim_check_numbers {
  struct series isn, port, id, ts;
};

#define ASK(h, i) sim_check_asks((h)->check, TCT_SIM_I##i)
#define WRONG(h, i, ...) sim_check_wrong(h, TCT_SIM_I##i, __VA_ARGS__)

static struct number *add(struct series *s) {
  if (s->n == s->cap) {
    s->cap = s->cap != 0 ? 2 * s->cap : NUMBERS_MIN;
    s->told = sim_world_grow(s->told, s->cap * sizeof *s->told);
  }
  return &s->told[s->n++];
}

/* Only what goes to another peer than the number before: towards one peer it may count up. */
static void note(struct series *s, uint64_t peer, uint32_t number) {
  uint64_t turn = (s->last_peer ^ s->last_peer >> 29) * UINT64_C(0xbf58476d1ce4e5b9) + peer;
  uint32_t step = number - s->last;
  bool same = s->n > 0 && s->last_peer == peer;
  s->last = number;
  s->last_peer = peer;
  if (s->n == NUMBERS_MAX || same)
    return;
  *add(s) = (struct number){number, step, peer, turn};
}

/* The same where all that one peer is told comes from one counter, or has one offset (RFC 7739 5.3,
 * RFC 7323 5.4): if two peers' lie near each other by chance, each turn from one to the other is a
 * near step. So the first such turn counts for all of them. */
static void note_of_pair(struct series *s, uint64_t peer, uint32_t number) {
  uint32_t before = s->n;
  note(s, peer, number);
  for (uint32_t i = 0; s->n > before && i < before; i++)
    if (s->told[i].turn == s->told[before].turn)
      s->n = before;
}

/* A SYN or SYN,ACK that is sent again says nothing new. */
static bool was_told(const struct series *s, uint64_t peer, uint32_t number) {
  for (uint32_t i = s->n; i-- > 0;)
    if (s->told[i].at == number && s->told[i].peer == peer)
      return true;
  return false;
}

static uint64_t peer_of(const tct_addr *a, unsigned port, unsigned local_port) {
  uint64_t low;
  memcpy(&low, a->b + 8, sizeof low);
  return (low ^ (uint64_t)port << 16 ^ local_port) * UINT64_C(0x9e3779b97f4a7c15);
}

static struct sim_check_numbers *numbers_of(struct sim_check_host *h) {
  if (h->numbers == NULL) {
    h->numbers = sim_world_alloc(sizeof *h->numbers);
    memset(h->numbers, 0, sizeof *h->numbers);
    h->numbers->isn.bits = h->numbers->ts.bits = 32;
    h->numbers->port.bits = h->numbers->id.bits = 16;
  }
  return h->numbers;
}

void sim_numbers_sent(struct sim_check_host *h, const tct_sim_frame *f) {
  const tct_seg *g = &f->seg;
  bool v4 = f->len >= 20 && f->bytes[0] >> 4 == 4;
  uint32_t id = v4 ? (uint32_t)f->bytes[4] << 8 | f->bytes[5] : 0;
  uint64_t low;
  if (v4 && id != 0) {
    memcpy(&low, f->bytes + 12, sizeof low);
    note_of_pair(&numbers_of(h)->id, low, id);
  }
  if (!f->is_tcp || (g->flags & TCT_SYN) == 0)
    return;
  uint64_t peer = peer_of(&g->dst, g->dport, g->sport);
  if (!was_told(&numbers_of(h)->isn, peer, g->seq))
    note(&numbers_of(h)->isn, peer, g->seq);
  if (g->has_ts) /* offsets are those of a pair of addresses, whatever the ports */
    note_of_pair(&numbers_of(h)->ts, peer_of(&g->dst, 0, 0), g->tsval);
  if ((g->flags & TCT_ACK) == 0)
    note(&numbers_of(h)->port, peer_of(&g->dst, g->dport, 0), g->sport);
}

/* A guess from the last one, give or take 1/256 of the space, should be right once in 128 times. */
static void judge_steps(struct sim_check_host *h, const char *what, const struct series *s) {
  uint32_t mask = s->bits == 32 ? UINT32_MAX : (1u << s->bits) - 1;
  uint32_t near = (mask >> 8) + 1, hits = 0, same = 0;
  for (uint32_t i = 1; i < s->n; i++) {
    uint32_t step = s->told[i].step & mask;
    hits += step < near || step > mask - near;
    same += i > 1 && step == (s->told[i - 1].step & mask);
  }
  if (hits > s->n / 16 + 4)
    WRONG(h, 23, "%u of %u %s are near the one before", hits, s->n, what);
  if (same > s->n / 16 + 4)
    WRONG(h, 23, "%u of %u %s come in even steps", same, s->n, what);
}

/* Each of the upper bits is set about half of the time: within six standard deviations. */
static void judge_bits(struct sim_check_host *h, const char *what, const struct series *s) {
  uint32_t set[32] = {0};
  uint64_t n = s->n;
  for (uint32_t i = 0; i < s->n; i++)
    for (uint32_t b = 0; b < 32; b++)
      set[b] += s->told[i].at >> b & 1;
  for (uint32_t b = 8; b < 32; b++) {
    int64_t off = (int64_t)(2 * (uint64_t)set[b]) - (int64_t)n;
    if ((uint64_t)(off * off) > 36 * n)
      WRONG(h, 23, "bit %u of %u %s is set %u times", b, s->n, what, set[b]);
  }
}

void sim_numbers_end(struct sim_check_host *h) {
  const struct sim_check_numbers *k = h->numbers;
  if (k == NULL || !ASK(h, 23))
    return;
  if (k->isn.n >= NUMBERS_MIN) {
    judge_steps(h, "initial sequence numbers", &k->isn);
    judge_bits(h, "initial sequence numbers", &k->isn);
  }
  if (k->ts.n >= NUMBERS_MIN)
    judge_steps(h, "timestamps", &k->ts);
  if (k->port.n >= NUMBERS_MIN)
    judge_steps(h, "ports", &k->port);
  if (k->id.n >= NUMBERS_MIN)
    judge_steps(h, "identifications", &k->id);
}

void sim_numbers_free(struct sim_check_host *h) {
  struct sim_check_numbers *k = h->numbers;
  if (k == NULL)
    return;
  free(k->isn.told);
  free(k->port.told);
  free(k->id.told);
  free(k->ts.told);
  free(k);
  h->numbers = NULL;
}
