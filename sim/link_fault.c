/* SPDX-License-Identifier: MIT */
/*
 * What each fault of a link does to a frame that was sent. Called by link.c: first for limits, then
 * for the frame's fate and time, last, when the tap was told, for its bytes. Each harm is counted
 * here, where it is done. When a fault is on and whether it strikes is fault.c's.
 */
#include "sim/link_fault.h"

#include <stdlib.h>

#include "sim/ip.h"
#include "util/mem.h"
#include "util/seq.h"
#include "util/time.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"

static uint64_t or_else(uint64_t value, uint64_t usual) {
  return value ? value : usual;
}

/* ---- Limits ---- */

void sim_link_fault_limits(struct sim_slot *slots, struct sim_limits *m) {
  for (struct sim_slot *s = slots; s != NULL; s = s->next) {
    if (!sim_fault_is_on(s))
      continue;
    if (s->what.kind == TCT_SIM_FAULT_RATE_LIMIT) {
      m->rate_bps = or_else(s->what.a, 1000000);
      m->rate = s;
    } else if (s->what.kind == TCT_SIM_FAULT_QUEUE_LIMIT) {
      m->queue_bytes = (uint32_t)or_else(s->what.a, 4500);
      m->queue = s;
    } else if (s->what.kind == TCT_SIM_FAULT_MTU_CHANGE) {
      m->mtu_bytes = (uint32_t)or_else(s->what.a, 1280);
      m->mtu = s;
    }
  }
}

static void answer(struct sim_slot *s, const struct sim_packet *p, enum tct_icmp_kind kind,
                   uint32_t mtu_bytes) {
  static const tct_addr any;
  uint8_t error[SIM_IP_ERROR_MAX];
  uint32_t len = sim_icmp_error(p->bytes, p->frame.len, kind, mtu_bytes, &any, error, sizeof error);
  if (len != 0)
    sim_link_inject_at(p->link, !p->frame.dir, error, len, s->world->now, s);
}

/* As a router that stood at the link's beginning: IPv4 that may be is cut, all else answered. */
bool sim_link_fault_too_big(const struct sim_limits *m, struct sim_passing *y) {
  struct sim_packet *p = y->p;
  bool may_cut = p->bytes[0] >> 4 == 4 && p->frame.len >= 20 && (p->bytes[6] & 0x40) == 0;
  if (m->mtu == NULL)
    return false;
  sim_fault_count_up(m->mtu, p);
  if (!may_cut) {
    answer(m->mtu, p, TCT_ICMP_UNREACH_FRAG_NEEDED, m->mtu_bytes);
    return false;
  }
  y->fragment_bytes = m->mtu_bytes;
  y->in_order = true;
  return true;
}

/* ---- Loss ---- */

static void lose(struct sim_slot *s, struct sim_passing *y) {
  sim_fault_count_up(s, y->p);
  y->p->frame.fate = TCT_SIM_LOST;
  y->p->frame.arrives_at = TCT_NEVER;
}

/* Whether the frame is of the kind that this fault is after. */
static bool is_prey(const struct sim_slot *s, const struct sim_packet *p) {
  const tct_sim_frame *f = &p->frame;
  unsigned flags = f->seg.flags & (TCT_SYN | TCT_ACK | TCT_FIN | TCT_RST);
  switch (s->what.kind) {
  case TCT_SIM_FAULT_LOSS_SYN_ACK:
    return f->is_tcp && (flags & (TCT_SYN | TCT_ACK)) == (TCT_SYN | TCT_ACK);
  case TCT_SIM_FAULT_LOSS_PURE_ACK:
    return f->is_tcp && flags == TCT_ACK && f->seg.len == 0;
  case TCT_SIM_FAULT_LOSS_FIN:
    return f->is_tcp && (flags & TCT_FIN) != 0;
  case TCT_SIM_FAULT_BLACK_HOLE:
    return f->len > or_else(s->what.a, 1280);
  case TCT_SIM_FAULT_ICMP_FORGED:
  case TCT_SIM_FAULT_BLIND_INJECTION:
    return f->is_tcp && !f->injected;
  case TCT_SIM_FAULT_REPLAY:
  case TCT_SIM_FAULT_ICMP_TRUE:
    return !f->injected;
  case TCT_SIM_FAULT_TRUNCATE:
    return f->len > 1;
  default:
    return true;
  }
}

/* ---- Time ---- */

static void delay(struct sim_slot *s, struct sim_passing *y, tct_time by_ns) {
  sim_fault_count_up(s, y->p);
  y->p->frame.arrives_at = tct_time_add(y->p->frame.arrives_at, by_ns);
  if (s->what.kind == TCT_SIM_FAULT_REORDER_TIME && y->p->frame.fate == TCT_SIM_DELIVERED)
    y->p->frame.fate = TCT_SIM_DELAYED;
}

static void reorder(struct sim_slot *s, struct sim_passing *y) {
  delay(s, y, sim_fault_span(s, s->what.a, TCT_MS(10)));
}

static void step(struct sim_slot *s, struct sim_passing *y) {
  delay(s, y, or_else(s->what.a, TCT_MS(50)));
}

static void jitter(struct sim_slot *s, struct sim_passing *y) {
  delay(s, y, sim_fault_span(s, s->what.a, TCT_MS(5)));
}

/* ---- Held back until so many have passed ---- */

static void release(struct sim_slot *s, tct_time at) {
  struct sim_packet *p = s->held;
  s->held = NULL;
  sim_link_arrive_at(p, at);
}

static void release_late(void *ctx, void *arg) {
  struct sim_slot *s = ctx;
  (void)arg;
  if (s->held != NULL && s->world->now >= s->held_until)
    release(s, s->world->now);
}

static void hold(struct sim_slot *s, struct sim_passing *y) {
  if (s->held != NULL || y->holder != NULL)
    return;
  sim_fault_count_up(s, y->p);
  y->p->frame.fate = TCT_SIM_DELAYED;
  y->holder = s;
}

static void keep(struct sim_slot *s, struct sim_packet *p) {
  s->held = p;
  s->held_for = (uint32_t)or_else(s->what.a, 3);
  s->held_until = tct_time_add(p->frame.arrives_at, or_else(s->what.b, TCT_MS(200)));
  sim_world_schedule(s->world, s->held_until, release_late, s, NULL);
}

void sim_link_fault_passed(struct sim_slot *slots, const struct sim_passing *y,
                           tct_time arrives_at) {
  for (struct sim_slot *s = slots; s != NULL; s = s->next)
    if (s->held != NULL && s != y->holder && --s->held_for == 0)
      release(s, arrives_at);
}

void sim_link_fault_let_go(struct sim_slot *slots) {
  for (struct sim_slot *s = slots; s != NULL; s = s->next)
    if (s->held != NULL)
      release(s, s->world->now);
}

/* ---- Company ---- */

static void duplicate(struct sim_slot *s, struct sim_passing *y) {
  struct sim_packet *c;
  sim_fault_count_up(s, y->p);
  c = sim_packet_copy(s->world, y->p);
  c->frame.copy = true;
  if (y->p->frame.fate == TCT_SIM_DELIVERED)
    y->p->frame.fate = TCT_SIM_DUPLICATED;
  sim_link_arrive_at(c, tct_time_add(c->frame.arrives_at, sim_fault_span(s, s->what.a, TCT_MS(1))));
}

static void replay(struct sim_slot *s, struct sim_passing *y) {
  tct_time later = sim_fault_span(s, s->what.a, TCT_S(240));
  sim_fault_count_up(s, NULL);
  sim_link_inject_at(y->p->link, y->p->frame.dir, y->p->bytes, y->p->frame.len,
                     tct_time_add(s->world->now, later), s);
}

/* The flow as the receiver of this frame, or its sender, knows it. */
static tct_sim_aim aim_at(const tct_seg *seg, bool at_sender) {
  tct_sim_aim a = {seg->src, seg->dst, seg->sport, seg->dport};
  if (at_sender)
    a = (tct_sim_aim){seg->dst, seg->src, seg->dport, seg->sport};
  return a;
}

static void inject_forgery(struct sim_slot *s, const struct sim_passing *y, unsigned dir,
                           const struct sim_forgery *f) {
  uint8_t bytes[1600];
  uint32_t len = sim_forge(f, bytes, sizeof bytes);
  tct_time later = sim_fault_span(s, s->what.b, TCT_MS(10));
  if (len == 0)
    return;
  sim_fault_count_up(s, NULL);
  sim_link_inject_at(y->p->link, dir, bytes, len, tct_time_add(s->world->now, later), s);
}

static void inject_segment(struct sim_slot *s, struct sim_passing *y) {
  unsigned group = sim_fault_group(TCT_SIM_FAULT_BLIND_INJECTION);
  unsigned shot = sim_forge_pick(s->world, group, (uint32_t)or_else(s->what.a & 31, 31));
  tct_sim_aim aim = aim_at(&y->p->frame.seg, false);
  struct sim_forgery f = sim_forge_draw(s->world, group, &aim, (tct_sim_shot)shot);
  inject_forgery(s, y, y->p->frame.dir, &f);
}

/* Quotes a sequence number that lies at least a quarter of all numbers off; one error in eight that
 * tells of a smaller path is from somebody who can see the segments. */
static void inject_error(struct sim_slot *s, struct sim_passing *y) {
  unsigned group = sim_fault_group(TCT_SIM_FAULT_ICMP_FORGED);
  uint32_t all = 7u << TCT_SIM_SHOT_ICMP_UNREACH;
  unsigned shot = sim_forge_pick(s->world, group, (uint32_t)or_else(s->what.a & all, all));
  tct_sim_aim aim = aim_at(&y->p->frame.seg, true);
  struct sim_forgery f = sim_forge_draw(s->world, group, &aim, (tct_sim_shot)shot);
  bool sees = shot == TCT_SIM_SHOT_ICMP_TOO_BIG && f.seq % 8 == 0;
  f.seq = tct_seq_add(y->p->frame.seg.seq, sees ? 0 : (UINT32_C(1) << 30) + f.seq / 2);
  inject_forgery(s, y, !y->p->frame.dir, &f);
}

static void refuse(struct sim_slot *s, struct sim_passing *y) {
  static const enum tct_icmp_kind kinds[] = {TCT_ICMP_UNREACH_NET, TCT_ICMP_UNREACH_HOST,
                                             TCT_ICMP_TIME_EXCEEDED_TRANSIT, TCT_ICMP_UNREACH_ADMIN,
                                             TCT_ICMP_UNREACH_PORT};
  unsigned kind = sim_forge_pick(s->world, sim_fault_group(TCT_SIM_FAULT_ICMP_TRUE),
                                 (uint32_t)or_else(s->what.a & 31, 7));
  answer(s, y->p, kinds[kind], 0);
  lose(s, y);
}

/* ---- Bytes: decided here, done when the tap was told ---- */

static void truncate_frame(struct sim_slot *s, struct sim_passing *y) {
  sim_fault_count_up(s, y->p);
  y->p->frame.fate = TCT_SIM_CORRUPTED;
  y->cut_to_bytes = 1 + sim_fault_below(s, y->p->frame.len - 1);
}

static void flip(struct sim_slot *s, struct sim_passing *y) {
  uint32_t most = tct_clamp_u32((uint32_t)s->what.a, 1, 15);
  sim_fault_count_up(s, y->p);
  y->p->frame.fate = TCT_SIM_CORRUPTED;
  y->flip_bits = 1 + sim_fault_below(s, most);
  y->flip_at = sim_fault_below(s, y->p->frame.len * 8u);
}

static void fragment(struct sim_slot *s, struct sim_passing *y) {
  uint32_t most = (uint32_t)or_else(s->what.a, 576), least = 48 + 16;
  if (y->fragment_bytes != 0)
    return;
  y->fragment_bytes = most > least ? least + sim_fault_below(s, most - least + 1) : most;
  if (y->p->frame.len <= y->fragment_bytes)
    y->fragment_bytes = 0;
  else
    sim_fault_count_up(s, y->p);
}

static void (*const acts[TCT_SIM_FAULT_COUNT])(struct sim_slot *s, struct sim_passing *y) = {
    [TCT_SIM_FAULT_LOSS] = lose,           [TCT_SIM_FAULT_LOSS_BURST] = lose,
    [TCT_SIM_FAULT_LOSS_SYN_ACK] = lose,   [TCT_SIM_FAULT_LOSS_PURE_ACK] = lose,
    [TCT_SIM_FAULT_LOSS_FIN] = lose,       [TCT_SIM_FAULT_LOSS_ONE_WAY] = lose,
    [TCT_SIM_FAULT_BLACK_HOLE] = lose,     [TCT_SIM_FAULT_FLIP_CRC] = lose,
    [TCT_SIM_FAULT_DUPLICATE] = duplicate, [TCT_SIM_FAULT_REORDER_TIME] = reorder,
    [TCT_SIM_FAULT_REORDER_COUNT] = hold,  [TCT_SIM_FAULT_DELAY_STEP] = step,
    [TCT_SIM_FAULT_JITTER] = jitter,       [TCT_SIM_FAULT_TRUNCATE] = truncate_frame,
    [TCT_SIM_FAULT_FLIP] = flip,           [TCT_SIM_FAULT_FRAGMENT] = fragment,
    [TCT_SIM_FAULT_ICMP_TRUE] = refuse,    [TCT_SIM_FAULT_ICMP_FORGED] = inject_error,
    [TCT_SIM_FAULT_REPLAY] = replay,       [TCT_SIM_FAULT_BLIND_INJECTION] = inject_segment,
};

void sim_link_fault_frame(struct sim_slot *slots, struct sim_passing *y) {
  for (struct sim_slot *s = slots; s != NULL && y->p->frame.arrives_at != TCT_NEVER; s = s->next)
    if (acts[s->what.kind] != NULL && is_prey(s, y->p) && sim_fault_strikes(s))
      acts[s->what.kind](s, y);
}

/* ---- The bytes ---- */

static void flip_bits(struct sim_packet *p, uint32_t at, uint32_t n) {
  for (uint32_t i = at; i < at + n && i < p->frame.len * 8u; i++)
    p->bytes[i / 8] ^= (uint8_t)(0x80u >> i % 8);
}

enum { OVERLAP_EVERY = 4 }; /* of what the fault cuts */

struct pieces {
  struct tct_sim *world;
  struct sim_packet *of, *piece[256];
  uint32_t n;
};

static void take_piece(void *ctx, const uint8_t *bytes, uint32_t len) {
  struct pieces *q = ctx;
  struct sim_packet *c;
  if (q->n == sizeof q->piece / sizeof q->piece[0])
    return;
  c = sim_packet_new(q->world, len);
  c->link = q->of->link;
  c->frame = q->of->frame;
  c->frame.is_tcp = false;
  c->frame.bytes = c->bytes;
  c->frame.len = len;
  memcpy(c->bytes, bytes, len);
  q->piece[q->n++] = c;
}

/* A forged piece that lies over the end of the first one and the beginning of the second, two words
 * of it changed about so that no sum tells: whoever accepts overlaps may give a text that nobody
 * sent. As it ends inside of two others no whole can be made of it otherwise [RFC 5722 4]. */
static void forge_overlap(struct pieces *q) {
  bool is_v6 = q->n > 0 && q->piece[0]->bytes[0] >> 4 == 6;
  uint32_t head = is_v6 ? TCT_IP6_HEADER_LEN + TCT_IP6_FRAGMENT_LEN : TCT_IP4_HEADER_LEN;
  uint32_t room = q->n > 0 ? q->piece[0]->frame.len - head : 0, at = room / 16 * 8;
  uint8_t bytes[SIM_IP_FRAGMENT_MAX], word[2];
  if (q->n < 3 || at == 0 || at == room || (!is_v6 && (q->piece[0]->bytes[0] & 15u) != 5))
    return;
  memcpy(bytes, q->piece[0]->bytes, head + room);
  memcpy(bytes + head, q->piece[0]->bytes + head + at, room - at);
  memcpy(bytes + head + room - at, q->piece[1]->bytes + head, at);
  memcpy(word, bytes + head, 2);
  memcpy(bytes + head, bytes + head + room - 2, 2);
  memcpy(bytes + head + room - 2, word, 2);
  if (is_v6) {
    tct_bytes_put16(bytes + 42, (uint16_t)(at | 1));
  } else {
    tct_bytes_put16(bytes + 6, (uint16_t)(tct_bytes_get16(bytes + 6) + at / 8));
    tct_bytes_put16(bytes + 10, 0);
    tct_bytes_put16(bytes + 10, tct_checksum_of(bytes, head));
  }
  take_piece(q, bytes, head + room);
}

/* Fragments set out in drawn order, a little apart. The ID is the frame's number: no two wholes
 * share it within the life of a fragment. */
static bool send_fragments(struct sim_passing *y) {
  struct tct_sim *w = y->world;
  struct pieces q = {.world = w, .of = y->p};
  unsigned group = sim_fault_group(TCT_SIM_FAULT_FRAGMENT);
  tct_time at = y->p->frame.arrives_at;
  if (!sim_ip_fragment(y->p->bytes, y->p->frame.len, y->fragment_bytes,
                       (uint32_t)y->p->frame.number, take_piece, &q))
    return false;
  if (!y->in_order && y->p->frame.number % OVERLAP_EVERY == 0)
    forge_overlap(&q);
  while (q.n > 0) {
    uint32_t i = y->in_order ? 0 : sim_world_draw(w, group, q.n);
    sim_link_arrive_at(q.piece[i], at);
    memmove(&q.piece[i], &q.piece[i + 1], (--q.n - i) * sizeof(void *));
    at += y->in_order ? 0 : sim_world_draw(w, group, 100000);
  }
  sim_packet_free(w, y->p);
  return true;
}

bool sim_link_fault_alter(struct sim_passing *y) {
  struct sim_packet *p = y->p;
  if (y->flip_bits != 0)
    flip_bits(p, y->flip_at, y->flip_bits);
  if (y->cut_to_bytes != 0)
    p->frame.len = y->cut_to_bytes;
  if (y->fragment_bytes != 0 && send_fragments(y))
    return true;
  if (y->holder != NULL)
    keep(y->holder, p);
  return y->holder != NULL;
}
