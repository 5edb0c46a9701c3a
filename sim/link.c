/* SPDX-License-Identifier: MIT */
/*
 * Links: each direction has its own delay, rate, queue and faults, drawn from the world's generator
 * or chosen by rules. Called by nodes that send (sim_link_send) and by the world when a frame
 * arrives. A frame's fate is decided when it is sent, so that a tap can tell it at once.
 */
#include <stdlib.h>

#include "drivers/segment.h"
#include "sim/check.h"
#include "sim/fault.h"
#include "util/mem.h"
#include "util/siphash.h"
#include "util/time.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

struct rule {
  tct_sim_rule what;
  uint32_t seen, used;
};

struct direction {
  tct_sim_path path;
  struct sim_node *to;
  tct_time busy_until; /* when the last bit of the queue will be on the wire */
  struct rule rules[TCT_SIM_RULES_MAX];
  unsigned n_rules;
  struct sim_slot *slots; /* faults of this direction, in the order installed */
};

struct tct_sim_link {
  struct tct_sim_link *next;
  struct tct_sim *world;
  struct direction dir[2];
  tct_sim_tap tap;
  void *tap_ctx;
  tct_sim_carrier carrier; /* NULL: path and rules decide */
  void *carrier_ctx;
};

tct_sim_link *tct_sim_link_new(tct_sim *w, tct_sim_end a, tct_sim_end b, const tct_sim_path *ab,
                               const tct_sim_path *ba) {
  tct_sim_link *l = sim_world_alloc(sizeof *l);
  struct sim_node *na = a.node, *nb = b.node;
  memset(l, 0, sizeof *l);
  l->world = w;
  l->next = w->links;
  w->links = l;
  sim_world_add_target(w, TCT_SIM_CLASS_LINK, l);
  l->dir[0].to = nb;
  l->dir[1].to = na;
  l->dir[0].path = *ab;
  l->dir[1].path = *ba;
  na->link = l;
  na->dir_out = 0;
  nb->link = l;
  nb->dir_out = 1;
  return l;
}

void sim_link_free_all(struct tct_sim *w) {
  for (tct_sim_link *l = w->links, *next; l != NULL; l = next) {
    next = l->next;
    free(l);
  }
  w->links = NULL;
}

void tct_sim_link_set(tct_sim_link *l, unsigned dir, const tct_sim_path *path) {
  l->dir[dir & 1].path = *path;
}

int tct_sim_link_rule(tct_sim_link *l, unsigned dir, const tct_sim_rule *rule) {
  struct direction *d = &l->dir[dir & 1];
  if (d->n_rules == TCT_SIM_RULES_MAX)
    return TCT_ENOBUFS;
  d->rules[d->n_rules++] = (struct rule){.what = *rule};
  return TCT_OK;
}

void tct_sim_link_clear_rules(tct_sim_link *l) {
  l->dir[0].n_rules = 0;
  l->dir[1].n_rules = 0;
}

void tct_sim_link_tap(tct_sim_link *l, tct_sim_tap fn, void *ctx) {
  l->tap = fn;
  l->tap_ctx = ctx;
}

void tct_sim_link_carry(tct_sim_link *l, tct_sim_carrier fn, void *ctx) {
  l->carrier = fn;
  l->carrier_ctx = ctx;
}

void sim_link_fault_add(struct tct_sim_link *l, struct sim_slot *s) {
  struct sim_slot **end = &l->dir[s->what.dir].slots;
  while (*end != NULL)
    end = &(*end)->next;
  *end = s;
}

void sim_link_fault_drop_all(struct tct_sim_link *l) {
  l->dir[0].slots = NULL;
  l->dir[1].slots = NULL;
}

/* ---- Fate ---- */

static bool does_match(const tct_sim_rule *r, const tct_sim_frame *f) {
  bool wants_tcp = r->flags_mask != 0 || r->no_payload || r->len_min != 0 || r->len_max != 0;
  if (!wants_tcp)
    return true;
  if (!f->is_tcp || (f->seg.flags & r->flags_mask) != r->flags)
    return false;
  if (r->no_payload && f->seg.len != 0)
    return false;
  return f->seg.len >= r->len_min && (r->len_max == 0 || f->seg.len <= r->len_max);
}

static const tct_sim_rule *find_rule(struct direction *d, const tct_sim_frame *f) {
  for (unsigned i = 0; i < d->n_rules; i++) {
    struct rule *r = &d->rules[i];
    uint32_t count = r->what.count ? r->what.count : 1;
    if (r->used >= count || !does_match(&r->what, f))
      continue;
    if (r->seen++ < r->what.skip)
      continue;
    r->used++;
    return &r->what;
  }
  return NULL;
}

/* The generator is asked for each fault that has a rate, in this order, whatever the answers: a
 * fault switched off then changes no other's numbers. */
static tct_sim_fate draw_fate(struct tct_sim *w, const tct_sim_path *p) {
  bool lost = sim_world_chance(w, sim_fault_group(TCT_SIM_FAULT_LOSS), p->loss_ppm);
  bool duplicated = sim_world_chance(w, sim_fault_group(TCT_SIM_FAULT_DUPLICATE), p->duplicate_ppm);
  bool late = sim_world_chance(w, sim_fault_group(TCT_SIM_FAULT_REORDER_TIME), p->reorder_ppm);
  bool corrupted = sim_world_chance(w, sim_fault_group(TCT_SIM_FAULT_FLIP), p->corrupt_ppm);
  if (lost)
    return TCT_SIM_LOST;
  if (corrupted)
    return TCT_SIM_CORRUPTED;
  if (duplicated)
    return TCT_SIM_DUPLICATED;
  return late ? TCT_SIM_DELAYED : TCT_SIM_DELIVERED;
}

static tct_time wire_time(const tct_sim_path *p, uint32_t len) {
  return p->rate_bps ? (tct_time)((uint64_t)len * 8u * 1000000000u / p->rate_bps) : 0;
}

/* More than so many bytes wait; 0: no matter how many. */
static bool waits_more(const struct direction *d, tct_time now, uint32_t bytes) {
  const tct_sim_path *p = &d->path;
  if (p->rate_bps == 0 || bytes == 0)
    return false;
  return tct_time_sub(d->busy_until, now) > wire_time(p, bytes);
}

/* RFC 3168 5: what may be marked instead of dropped says so; IPv4's checksum follows. */
static void mark(struct sim_packet *p) {
  uint8_t *b = p->bytes;
  bool is_v4 = p->frame.len >= 20 && b[0] >> 4 == 4, is_v6 = p->frame.len >= 40 && b[0] >> 4 == 6;
  unsigned shift = is_v6 ? 4 : 0;
  if (!(is_v4 || is_v6) || (b[1] >> shift & 3) == 0)
    return;
  b[1] = (uint8_t)(b[1] | 3 << shift);
  if (is_v4) {
    tct_bytes_put16(b + 10, 0);
    tct_bytes_put16(b + 10, tct_checksum_of(b, (size_t)(b[0] & 15) * 4));
  }
  p->frame.marked = true;
  p->frame.seg.tclass |= 3;
}

/* ---- The way ---- */

static void tell_tap(tct_sim_link *l, const tct_sim_frame *f, bool arriving) {
  if (l->tap != NULL)
    l->tap(l->tap_ctx, f, arriving);
}

static void add_to_digest(struct tct_sim *w, const tct_sim_frame *f) {
  const uint64_t key[2] = {w->digest, f->sent_at << 1 | f->dir};
  if (!w->no_digest)
    w->digest = tct_siphash24(key, f->bytes, f->len);
}

static struct sim_packet *copy_packet(const struct sim_packet *p) {
  size_t size = sizeof *p + p->frame.len;
  struct sim_packet *c = sim_world_alloc(size);
  memcpy(c, p, size);
  c->frame.bytes = c->bytes;
  return c;
}

static void send_copy(struct direction *d, const struct sim_packet *p, tct_time extra_ns) {
  struct sim_packet *c = copy_packet(p);
  c->frame.copy = true;
  c->frame.arrives_at = tct_time_add(p->frame.arrives_at, extra_ns);
  sim_world_schedule(p->link->world, c->frame.arrives_at, sim_link_arrive, d, c);
}

static void flip_a_bit(struct tct_sim *w, struct sim_packet *p) {
  uint32_t bit = sim_world_draw(w, sim_fault_group(TCT_SIM_FAULT_FLIP), p->frame.len * 8u);
  p->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  p->frame.harmed = true;
}

/* When it arrives if nothing is wrong with it, and the queue's new end. */
static tct_time pass_queue(struct tct_sim *w, struct direction *d, uint32_t len) {
  const tct_sim_path *p = &d->path;
  tct_time start = tct_time_max(w->now, d->busy_until);
  d->busy_until = start + wire_time(p, len);
  if (p->jitter_ns == 0)
    return d->busy_until + p->delay_ns;
  return d->busy_until + p->delay_ns +
         sim_world_draw(w, sim_fault_group(TCT_SIM_FAULT_JITTER), (uint32_t)p->jitter_ns + 1);
}

static void decide(struct direction *d, struct sim_packet *p, tct_time *extra_ns) {
  struct tct_sim *w = p->link->world;
  const tct_sim_rule *rule = find_rule(d, &p->frame);
  p->frame.fate = (uint8_t)draw_fate(w, &d->path);
  *extra_ns = p->frame.fate == TCT_SIM_DELAYED ? d->path.reorder_ns : 0;
  if (rule != NULL) {
    p->frame.fate = (uint8_t)rule->fate;
    *extra_ns = rule->extra_ns;
  }
  if (waits_more(d, w->now, d->path.queue_bytes))
    p->frame.fate = TCT_SIM_QUEUE_FULL;
  else if (waits_more(d, w->now, d->path.mark_bytes))
    mark(p);
}

static void ask_carrier(const tct_sim_link *l, struct sim_packet *p) {
  p->frame.arrives_at = l->carrier(l->carrier_ctx, &p->frame);
  p->frame.fate = p->frame.arrives_at == TCT_NEVER ? TCT_SIM_LOST : TCT_SIM_DELIVERED;
}

/* Fate and time of arrival by path and rules; returns what a copy is late by. */
static tct_time ask_path(struct direction *d, struct sim_packet *p) {
  struct tct_sim *w = p->link->world;
  tct_time extra_ns;
  decide(d, p, &extra_ns);
  p->frame.arrives_at = TCT_NEVER;
  if (p->frame.fate != TCT_SIM_LOST && p->frame.fate != TCT_SIM_QUEUE_FULL) {
    p->frame.arrives_at = pass_queue(w, d, p->frame.len);
    if (p->frame.fate == TCT_SIM_DELAYED)
      p->frame.arrives_at += extra_ns;
  }
  return extra_ns;
}

static void start_packet(struct direction *d, struct sim_packet *p) {
  struct tct_sim *w = p->link->world;
  tct_time extra_ns = 0;
  if (p->link->carrier != NULL)
    ask_carrier(p->link, p);
  else
    extra_ns = ask_path(d, p);
  tell_tap(p->link, &p->frame, false);
  if (p->frame.arrives_at == TCT_NEVER) {
    free(p);
    return;
  }
  if (p->frame.fate == TCT_SIM_CORRUPTED)
    flip_a_bit(w, p);
  sim_world_schedule(w, p->frame.arrives_at, sim_link_arrive, d, p);
  if (p->frame.fate == TCT_SIM_DUPLICATED)
    send_copy(d, p, extra_ns);
}

void sim_link_arrive(void *ctx, void *packet) {
  struct direction *d = ctx;
  struct sim_packet *p = packet;
  tell_tap(p->link, &p->frame, true);
  d->to->deliver(d->to, p);
}

static struct sim_packet *new_packet(tct_sim_link *l, unsigned dir, uint32_t len) {
  struct sim_packet *p = sim_world_alloc(sizeof *p + len);
  memset(p, 0, sizeof *p);
  p->link = l;
  p->frame.dir = (uint8_t)(dir & 1);
  p->frame.number = ++l->world->frames;
  p->frame.sent_at = l->world->now;
  p->frame.bytes = p->bytes;
  p->frame.len = len;
  return p;
}

/* from: NULL if no node of the link sent it. */
static void launch(struct sim_node *from, struct sim_packet *p) {
  const uint8_t *payload;
  struct tct_sim *w = p->link->world;
  p->frame.is_tcp = tct_sim_seg_parse(p->bytes, p->frame.len, &p->frame.seg, &payload);
  add_to_digest(w, &p->frame);
  sim_world_count_step(w);
  if (from != NULL && from->check != NULL)
    sim_check_sent(from, &p->frame);
  start_packet(&p->link->dir[p->frame.dir], p);
}

static void launch_bytes(struct sim_node *from, const void *bytes, uint32_t len, uint16_t why) {
  struct sim_packet *p;
  if (from->link == NULL)
    return;
  p = new_packet(from->link, from->dir_out, len);
  p->frame.why = why;
  memcpy(p->bytes, bytes, len);
  launch(from, p);
}

struct cut {
  struct sim_node *from;
  uint16_t why;
};

static void launch_cut(void *ctx, const void *packet, size_t len) {
  const struct cut *c = ctx;
  launch_bytes(c->from, packet, (uint32_t)len, c->why);
}

static void launch_pieces(struct sim_node *from, const tct_frame *f) {
  struct sim_packet *p;
  size_t at = 0;
  if (from->link == NULL)
    return;
  p = new_packet(from->link, from->dir_out, f->len);
  p->frame.why = f->why;
  for (uint32_t i = 0; i < f->n_iov && at < f->len; i++) {
    size_t n = tct_min_size(f->iov[i].len, f->len - at);
    memcpy(p->bytes + at, f->iov[i].base, n);
    at += n;
  }
  launch(from, p);
}

/* Links carry wire segments only: a super-segment is cut here, as a device would. */
void sim_link_send(struct sim_node *from, const tct_frame *f) {
  struct cut c = {from, f->why};
  if (tct_segment_is_plain(f))
    launch_pieces(from, f);
  else
    tct_segment(f, launch_cut, &c);
}

void sim_link_send_bytes(struct sim_node *from, const void *bytes, uint32_t len, uint16_t why) {
  launch_bytes(from, bytes, len, why);
}

void tct_sim_link_inject(tct_sim_link *l, unsigned dir, const void *bytes, uint32_t len) {
  struct sim_packet *p = new_packet(l, dir, len);
  p->frame.injected = true;
  memcpy(p->bytes, bytes, len);
  launch(NULL, p);
}
