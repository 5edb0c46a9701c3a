/* SPDX-License-Identifier: MIT */
/*
 * path.c - the bottleneck and the faults; see path.h. The way of a packet: chance, policer,
 * drop-tail queue, wire, propagation (in which it may be late), stall.
 */
#include "bench/goodput/path.h"

#include <string.h>

#define SEC UINT64_C(1000000000)

enum { SALT_LOSS = 1, SALT_REORDER = 2, SALT_LATE_BY = 3, SALT_STALL = 4 };

/* ---- The trace: a number for (seed, direction, packet, question), no state ---- */

static uint64_t mix(uint64_t x) {
  x = (x ^ x >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  x = (x ^ x >> 27) * UINT64_C(0x94d049bb133111eb);
  return x ^ x >> 31;
}

static uint64_t draw(const struct goodput_path *p, unsigned dir, uint64_t n, unsigned salt) {
  uint64_t key = mix(p->seed * UINT64_C(0x9e3779b97f4a7c15) + salt * 2u + dir);
  return mix(key + n * UINT64_C(0x9e3779b97f4a7c15));
}

static uint64_t draw_below(const struct goodput_path *p, unsigned dir, uint64_t n, unsigned salt,
                           uint64_t bound) {
  return (draw(p, dir, n, salt) >> 16) % bound;
}

static bool has_fault(const struct goodput_path *p, uint64_t n, unsigned salt, uint32_t ppm) {
  return ppm != 0 && draw_below(p, 0, n, salt, 1000000) < ppm;
}

/* Each begins two to five seconds after the last one's end. */
static void make_stalls(struct goodput_path *p) {
  const struct goodput_row *r = p->row;
  uint64_t at = 0;
  for (unsigned i = 0; r->stall_max_ns != 0 && i < GOODPUT_STALLS_MAX; i++) {
    uint64_t spread = r->stall_max_ns - r->stall_min_ns + 1;
    at += 2 * SEC + draw_below(p, 0, i, SALT_STALL, 3 * SEC);
    p->stall[i][0] = at;
    at += r->stall_min_ns + draw_below(p, 1, i, SALT_STALL, spread);
    p->stall[i][1] = at;
    p->n_stalls = i + 1;
  }
}

void goodput_path_init(struct goodput_path *p, const struct goodput_row *r, uint64_t seed) {
  memset(p, 0, sizeof *p);
  p->row = r;
  p->seed = seed;
  p->side[0].token_bits = (uint64_t)r->policer_bytes * 8u;
  make_stalls(p);
}

/* ---- What is in the packet ---- */

static uint32_t get32(const uint8_t *b) {
  return (uint32_t)b[0] << 24 | (uint32_t)b[1] << 16 | (uint32_t)b[2] << 8 | b[3];
}

static unsigned flow_of(const uint8_t *tcp, unsigned dir) {
  unsigned port = dir == 0 ? (unsigned)tcp[2] << 8 | tcp[3] : (unsigned)tcp[0] << 8 | tcp[1];
  return (port - GOODPUT_PORT) % GOODPUT_FLOWS;
}

static bool is_before(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) < 0; /* not a mistake: bench code, outside of the core's seq.h */
}

/* True when something of it was dropped and not sent again since. */
static bool take_drops(struct goodput_count *c, uint32_t seq, uint32_t end) {
  bool found = false, whole = false;
  if (c->n_drops - c->n_repaired > GOODPUT_DROPS_MAX)
    c->n_repaired = c->n_drops - GOODPUT_DROPS_MAX;
  for (uint64_t i = c->n_repaired; i < c->n_drops && !whole; i++) {
    uint32_t *drop = c->drop[i % GOODPUT_DROPS_MAX];
    if (drop[0] == drop[1] || !is_before(drop[0], end) || !is_before(seq, drop[1]))
      continue;
    found = true;
    whole = drop[0] == seq;
    if (is_before(end, drop[1]))
      drop[0] = end;
    else
      drop[1] = drop[0];
  }
  while (c->n_repaired < c->n_drops && c->drop[c->n_repaired % GOODPUT_DROPS_MAX][0] ==
                                           c->drop[c->n_repaired % GOODPUT_DROPS_MAX][1])
    c->n_repaired++;
  return found;
}

static void count_resent(struct goodput_count *c, uint32_t seq, uint32_t end) {
  bool needless = !take_drops(c, seq, end);
  c->resent_segs++;
  c->needless_segs += needless;
  if (is_before(seq, c->recover))
    return;
  c->episodes++;
  c->mistakes += needless;
  c->recover = c->highest;
}

static void count_segment(struct goodput_count *c, const uint8_t *tcp, uint32_t payload,
                          bool dropped) {
  uint32_t seq = get32(tcp + 4), end = seq + payload;
  if (payload == 0)
    return;
  if (!c->started) {
    c->started = true;
    c->isn = c->highest = c->recover = seq;
  }
  c->data_segs++;
  if (is_before(seq, c->highest))
    count_resent(c, seq, end);
  if (is_before(c->highest, end))
    c->highest = end;
  if (dropped) {
    c->drop[c->n_drops % GOODPUT_DROPS_MAX][0] = seq;
    c->drop[c->n_drops++ % GOODPUT_DROPS_MAX][1] = end;
  }
}

/* ---- The way ---- */

static uint64_t wire_ns(const struct goodput_row *r, uint64_t bytes) {
  return bytes * 8u * SEC / r->rate_bps;
}

static bool does_policer_drop(struct goodput_path *p, struct goodput_side *d, uint64_t now_ns,
                              uint32_t len) {
  const struct goodput_row *r = p->row;
  uint64_t full = (uint64_t)r->policer_bytes * 8u, new_bits;
  if (r->policer_bps == 0 || d != &p->side[0])
    return false;
  new_bits = (now_ns - d->tokens_at_ns) * (r->policer_bps / 1000u) / (SEC / 1000u);
  if (new_bits > 0) {
    d->token_bits = d->token_bits + new_bits < full ? d->token_bits + new_bits : full;
    d->tokens_at_ns = now_ns;
  }
  if (d->token_bits < (uint64_t)len * 8u)
    return true;
  d->token_bits -= (uint64_t)len * 8u;
  return false;
}

static bool is_queue_full(const struct goodput_path *p, const struct goodput_side *d,
                          uint64_t now_ns, uint32_t len) {
  uint64_t waiting_ns = d->busy_until_ns > now_ns ? d->busy_until_ns - now_ns : 0;
  return waiting_ns + wire_ns(p->row, len) > wire_ns(p->row, p->row->queue_bytes);
}

/* Behind a stall packets wait in their order, and leave at the link's rate when it is over. */
static uint64_t pass_stalls(const struct goodput_path *p, struct goodput_side *d, uint64_t at_ns,
                            uint32_t len) {
  if (at_ns < d->out_ns + wire_ns(p->row, len))
    at_ns = d->out_ns + wire_ns(p->row, len);
  for (unsigned i = 0; i < p->n_stalls; i++) {
    uint64_t from = p->start_ns + p->stall[i][0], until = p->start_ns + p->stall[i][1];
    if (at_ns >= from && at_ns < until)
      at_ns = until;
  }
  d->out_ns = at_ns;
  return at_ns;
}

static uint64_t keep_order(struct goodput_side *d, uint64_t at_ns) {
  d->out_ns = at_ns > d->out_ns ? at_ns : d->out_ns;
  return d->out_ns;
}

static uint64_t propagate(struct goodput_path *p, unsigned dir, uint64_t n, unsigned flow) {
  const struct goodput_row *r = p->row;
  uint64_t delay_ns = (r->rtt_ns + r->flow_rtt_ns[flow]) / 2;
  if (dir == 0 && has_fault(p, n, SALT_REORDER, r->reorder_ppm)) {
    p->late++;
    delay_ns += 1 + draw_below(p, 0, n, SALT_LATE_BY, r->reorder_max_ns);
  }
  return delay_ns;
}

static bool is_dropped(struct goodput_path *p, unsigned dir, uint64_t n, uint64_t now_ns,
                       uint32_t len) {
  struct goodput_side *d = &p->side[dir];
  if (dir == 0 && has_fault(p, n, SALT_LOSS, p->row->loss_ppm)) {
    p->dropped_by_fault++;
    return true;
  }
  if (does_policer_drop(p, d, now_ns, len)) {
    p->dropped_by_policer++;
    return true;
  }
  if (is_queue_full(p, d, now_ns, len)) {
    p->dropped_by_queue++;
    return true;
  }
  return false;
}

static uint64_t decide(struct goodput_path *p, unsigned dir, uint64_t now_ns, uint32_t len,
                       unsigned flow) {
  struct goodput_side *d = &p->side[dir];
  uint64_t n = d->n++, at_ns;
  if (is_dropped(p, dir, n, now_ns, len))
    return GOODPUT_LOST;
  d->busy_until_ns = (d->busy_until_ns > now_ns ? d->busy_until_ns : now_ns) + wire_ns(p->row, len);
  at_ns = d->busy_until_ns + propagate(p, dir, n, flow);
  if (dir == 0 && p->n_stalls != 0)
    return pass_stalls(p, d, at_ns, len);
  return p->resequence ? keep_order(d, at_ns) : at_ns;
}

uint64_t goodput_path_carry(struct goodput_path *p, unsigned dir, uint64_t now_ns,
                            const uint8_t *packet, uint32_t len) {
  const uint8_t *tcp = packet + (packet[0] & 15u) * 4u;
  uint32_t headers = (packet[0] & 15u) * 4u + (tcp[12] >> 4) * 4u;
  unsigned flow = flow_of(tcp, dir);
  uint64_t at_ns;
  if (!p->started) {
    p->started = true;
    p->start_ns = now_ns;
  }
  at_ns = decide(p, dir, now_ns, len, flow);
  if (dir == 0)
    count_segment(&p->count[flow], tcp, len - headers, at_ns == GOODPUT_LOST);
  return at_ns;
}
