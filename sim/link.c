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
#include "sim/hash.h"
#include "sim/link_fault.h"
#include "util/mem.h"
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
  struct sim_slot *slots;         /* faults of this direction, in the order installed */
  struct sim_packet *head, *tail; /* on their way in order of arrival; head stands in the heap */
};

struct tct_sim_link {
  struct tct_sim_link *next;
  struct tct_sim *world;
  struct direction dir[2];
  tct_sim_tap tap;
  void *tap_ctx;
  tct_sim_carrier carrier; /* NULL: path and rules decide */
  void *carrier_ctx;
  struct tct_sim_attacker *listener;
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

static void free_queue(struct tct_sim *w, struct direction *d) {
  for (struct sim_packet *p = d->head, *next; p != NULL; p = next) {
    next = p->next;
    sim_packet_free(w, p);
  }
}

void sim_link_free_all(struct tct_sim *w) {
  for (tct_sim_link *l = w->links, *next; l != NULL; l = next) {
    next = l->next;
    free_queue(w, &l->dir[0]);
    free_queue(w, &l->dir[1]);
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

void sim_link_listen(struct tct_sim_link *l, struct tct_sim_attacker *a) {
  l->listener = a;
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
  for (unsigned dir = 0; dir < 2; dir++) {
    sim_link_fault_let_go(l->dir[dir].slots);
    l->dir[dir].slots = NULL;
  }
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

static tct_time wire_time(uint64_t rate_bps, uint32_t len) {
  return rate_bps ? (tct_time)((uint64_t)len * 8u * 1000000000u / rate_bps) : 0;
}

/* More than so many bytes wait; 0: no matter how many. */
static bool waits_more(const struct direction *d, uint64_t rate_bps, tct_time now, uint32_t bytes) {
  if (rate_bps == 0 || bytes == 0)
    return false;
  return tct_time_sub(d->busy_until, now) > wire_time(rate_bps, bytes);
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
  uint64_t when = f->sent_at << 1 | f->dir;
  if (!w->no_digest)
    w->digest = sim_hash(w->digest ^ when, f->bytes, f->len);
}

static void flip_a_bit(struct tct_sim *w, struct sim_packet *p) {
  uint32_t bit = sim_world_draw(w, sim_fault_group(TCT_SIM_FAULT_FLIP), p->frame.len * 8u);
  p->bytes[bit / 8] ^= (uint8_t)(1u << (bit % 8));
  p->frame.harmed = true;
}

/* When it arrives if nothing is wrong with it, and the queue's new end. */
static tct_time pass_queue(struct tct_sim *w, struct direction *d, uint64_t rate_bps,
                           uint32_t len) {
  const tct_sim_path *p = &d->path;
  tct_time start = tct_time_max(w->now, d->busy_until);
  d->busy_until = start + wire_time(rate_bps, len);
  if (p->jitter_ns == 0)
    return d->busy_until + p->delay_ns;
  return d->busy_until + p->delay_ns +
         sim_world_draw(w, sim_fault_group(TCT_SIM_FAULT_JITTER), (uint32_t)p->jitter_ns + 1);
}

/* What the path allows, or a fault has made of it. */
static struct sim_limits limits_of(const struct direction *d) {
  struct sim_limits m = {
      d->path.rate_bps, d->path.queue_bytes, d->path.mtu_bytes, NULL, NULL, NULL};
  if (d->slots != NULL)
    sim_link_fault_limits(d->slots, &m);
  return m;
}

static bool is_too_big(const struct sim_limits *m, const struct sim_packet *p) {
  return m->mtu_bytes != 0 && p->frame.len > m->mtu_bytes;
}

static void decide(struct direction *d, const struct sim_limits *m, struct sim_passing *y) {
  struct sim_packet *p = y->p;
  struct tct_sim *w = p->link->world;
  const tct_sim_rule *rule = find_rule(d, &p->frame);
  p->frame.fate = (uint8_t)draw_fate(w, &d->path);
  y->extra_ns = p->frame.fate == TCT_SIM_DELAYED ? d->path.reorder_ns : 0;
  if (rule != NULL) {
    p->frame.fate = (uint8_t)rule->fate;
    y->extra_ns = rule->extra_ns;
  }
  if (is_too_big(m, p) && !sim_link_fault_too_big(m, y))
    p->frame.fate = TCT_SIM_LOST;
  if (waits_more(d, m->rate_bps, w->now, m->queue_bytes)) {
    p->frame.fate = TCT_SIM_QUEUE_FULL;
    if (m->queue != NULL)
      sim_fault_count_up(m->queue, p);
  } else if (waits_more(d, m->rate_bps, w->now, d->path.mark_bytes)) {
    mark(p);
  }
}

static bool is_lost(const struct sim_packet *p) {
  return p->frame.fate == TCT_SIM_LOST || p->frame.fate == TCT_SIM_QUEUE_FULL;
}

static void ask_carrier(const tct_sim_link *l, struct sim_packet *p) {
  p->frame.arrives_at = l->carrier(l->carrier_ctx, &p->frame);
  p->frame.fate = p->frame.arrives_at == TCT_NEVER ? TCT_SIM_LOST : TCT_SIM_DELIVERED;
}

/* Fate and time of arrival by path, rules and faults. */
static void ask_path(struct direction *d, struct sim_passing *y) {
  struct sim_packet *p = y->p;
  struct sim_limits m = limits_of(d);
  decide(d, &m, y);
  p->frame.arrives_at = TCT_NEVER;
  if (is_lost(p))
    return;
  p->frame.arrives_at = pass_queue(p->link->world, d, m.rate_bps, p->frame.len);
  if (p->frame.fate == TCT_SIM_DELAYED)
    p->frame.arrives_at += y->extra_ns;
  if (m.rate != NULL)
    sim_fault_count_up(m.rate, p);
  y->twice = p->frame.fate == TCT_SIM_DUPLICATED;
  if (d->slots != NULL)
    sim_link_fault_frame(d->slots, y);
}

static void send_copy(const struct sim_packet *p, tct_time extra_ns) {
  struct sim_packet *c = sim_packet_copy(p->link->world, p);
  c->frame.copy = true;
  sim_link_arrive_at(c, tct_time_add(p->frame.arrives_at, extra_ns));
}

/* A tap sees what was sent, and what becomes of it; only then is it altered. */
static void start_packet(struct direction *d, struct sim_packet *p) {
  struct tct_sim *w = p->link->world;
  struct sim_passing y = {.world = w, .p = p};
  tct_time arrives_at;
  if (p->link->carrier != NULL)
    ask_carrier(p->link, p);
  else
    ask_path(d, &y);
  tell_tap(p->link, &p->frame, false);
  arrives_at = p->frame.arrives_at;
  if (arrives_at == TCT_NEVER) {
    sim_packet_free(w, p);
    return;
  }
  if (p->frame.fate == TCT_SIM_CORRUPTED && y.flip_bits == 0)
    flip_a_bit(w, p);
  if (d->slots == NULL || !sim_link_fault_alter(&y)) {
    sim_link_arrive_at(p, arrives_at);
    if (y.twice)
      send_copy(p, y.extra_ns);
  }
  if (d->slots != NULL)
    sim_link_fault_passed(d->slots, &y, arrives_at);
}

/* ---- Arriving ---- */

static void push_arrival(struct direction *d, struct sim_packet *p) {
  sim_world_schedule_as(p->link->world, p->frame.arrives_at, p->order, sim_link_arrive, d, p);
}

/* Those that arrive in the order sent wait in the direction's own queue: the heap has only the
 * first of them. Their order among all events is what it would be if all stood there. */
void sim_link_arrive_at(struct sim_packet *p, tct_time at) {
  struct tct_sim *w = p->link->world;
  struct direction *d = &p->link->dir[p->frame.dir];
  p->frame.arrives_at = tct_time_max(at, w->now);
  p->order = w->order++;
  p->next = NULL;
  p->queued = d->head == NULL || p->frame.arrives_at >= d->tail->frame.arrives_at;
  if (!p->queued || d->head == NULL)
    push_arrival(d, p);
  if (!p->queued)
    return;
  if (d->head == NULL)
    d->head = p;
  else
    d->tail->next = p;
  d->tail = p;
}

bool sim_link_next_arrival(void *ctx, const void *packet, struct sim_event *e) {
  const struct sim_packet *p = packet;
  if (!p->queued || p->next == NULL)
    return false;
  *e = (struct sim_event){p->next->frame.arrives_at, p->next->order, sim_link_arrive, ctx, p->next};
  return true;
}

void sim_link_arrive(void *ctx, void *packet) {
  struct direction *d = ctx;
  struct sim_packet *p = packet;
  if (p->queued)
    d->head = p->next; /* whose arrival stands in the heap already */
  tell_tap(p->link, &p->frame, true);
  d->to->deliver(d->to, p);
}

/* ---- Setting out ---- */

static struct sim_packet *new_packet(tct_sim_link *l, unsigned dir, uint32_t len) {
  struct sim_packet *p = sim_packet_new(l->world, len);
  p->link = l;
  p->frame.dir = (uint8_t)(dir & 1);
  return p;
}

/* from: NULL if no node of the link sent it. */
static void launch(struct sim_node *from, struct sim_packet *p) {
  const uint8_t *payload;
  struct tct_sim *w = p->link->world;
  p->frame.number = ++w->frames;
  p->frame.sent_at = w->now;
  p->frame.is_tcp = tct_sim_seg_parse(p->bytes, p->frame.len, &p->frame.seg, &payload);
  add_to_digest(w, &p->frame);
  if (p->link->listener != NULL && !p->frame.injected)
    sim_attacker_hear(p->link->listener, p->bytes, p->frame.len);
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

void sim_link_inject_at(struct tct_sim_link *l, unsigned dir, const void *bytes, uint32_t len,
                        tct_time at, struct sim_slot *by) {
  struct sim_packet *p = new_packet(l, dir, len);
  p->frame.injected = true;
  p->frame.faults = UINT64_C(1) << by->what.kind;
  memcpy(p->bytes, bytes, len);
  sim_world_schedule(l->world, at, sim_link_launch_late, by, p);
}

void sim_link_launch_late(void *ctx, void *packet) {
  const struct sim_slot *by = ctx;
  struct sim_packet *p = packet;
  if (by->is_over)
    sim_packet_free(p->link->world, p);
  else
    launch(NULL, p);
}

uint32_t sim_link_mtu(const struct sim_node *from, struct sim_slot **by) {
  struct sim_limits m = limits_of(&from->link->dir[from->dir_out]);
  *by = m.mtu;
  return m.mtu_bytes;
}
