/* SPDX-License-Identifier: MIT */
/*
 * From a seed to a plan: topology, hosts, faults, flows, acts. A swarm: what a trial has or has not
 * is drawn first, each feature on with 1/2 and each fault with the trial's own chance, then how
 * much of it, each order of magnitude alike. Half of the seeds are steered: they do something rare
 * to a connection in a drawn state. Called by whoever plays trials; plays nothing itself.
 */
#include "sim/draw.h"
#include "sim/trial.h"
#include "util/mem.h"

enum { STREAM_WORLD, STREAM_HOSTS, STREAM_FAULTS, STREAM_FLOWS, STREAM_ACTS };

struct drawing {
  struct sim_trial_plan *p;
  struct sim_draw d;
  uint64_t seed;
  unsigned flags;
  uint32_t client[SIM_TRIAL_HOSTS_MAX], server[SIM_TRIAL_HOSTS_MAX]; /* who may be which */
  uint32_t n_clients, n_servers;
  bool has_nat;
};

static void use_stream(struct drawing *g, uint64_t stream) {
  sim_draw_init(&g->d, g->seed, stream);
}

/* ---- Topology ---- */

static uint32_t add_host(struct drawing *g, sim_trial_kind kind) {
  g->p->host[g->p->n_hosts].kind = kind;
  return g->p->n_hosts++;
}

static uint32_t add_stack(struct drawing *g, bool client, bool server) {
  uint32_t i = add_host(g, SIM_TRIAL_STACK);
  if (client)
    g->client[g->n_clients++] = i;
  if (server)
    g->server[g->n_servers++] = i;
  return i;
}

static void add_link(struct drawing *g, uint32_t a, uint32_t b) {
  struct sim_trial_link *l = &g->p->link[g->p->n_links++];
  struct sim_draw *d = &g->d;
  *l = (struct sim_trial_link){.a = a, .b = b};
  l->delay_us = sim_draw_coin(d) ? sim_draw_skewed(d, 1, 2000) : sim_draw_skewed(d, 100, 100000);
  if (sim_draw_coin(d))
    l->rate_kbps = sim_draw_skewed(d, 500, 1000000);
  if (l->rate_kbps != 0 && sim_draw_coin(d))
    l->queue = sim_draw_skewed(d, 5000, 500000);
  if (l->rate_kbps != 0 && sim_draw_coin(d))
    l->mark = sim_draw_skewed(d, 1000, 100000);
}

static void draw_pair(struct drawing *g) {
  uint32_t a = add_stack(g, true, true);
  add_link(g, a, add_stack(g, true, true));
}

static void draw_star(struct drawing *g) {
  bool small = (g->flags & SIM_TRIAL_SMALL) != 0;
  uint32_t n = sim_draw_skewed(&g->d, 2, small ? 4 : 16), hub = add_host(g, SIM_TRIAL_ROUTER);
  for (uint32_t i = 0; i < n; i++)
    add_link(g, hub, add_stack(g, true, true));
  if (sim_draw_coin(&g->d))
    add_link(g, hub, add_host(g, SIM_TRIAL_ATTACKER));
}

static void draw_box(struct drawing *g) {
  uint32_t a = add_stack(g, true, true), box = add_host(g, SIM_TRIAL_MIDDLEBOX);
  add_link(g, a, box);
  add_link(g, box, add_stack(g, true, true));
}

/* Clients behind a NAT: the link to its inside is its first. */
static void draw_nat(struct drawing *g) {
  uint32_t a = add_stack(g, true, false), nat = add_host(g, SIM_TRIAL_NAT);
  g->has_nat = true;
  add_link(g, a, nat);
  add_link(g, nat, add_stack(g, false, true));
}

/* Clients - router - NAT - middlebox - router - servers. */
static void draw_chain(struct drawing *g) {
  uint32_t inner = add_host(g, SIM_TRIAL_ROUTER), nat = add_host(g, SIM_TRIAL_NAT);
  uint32_t box = add_host(g, SIM_TRIAL_MIDDLEBOX), outer = add_host(g, SIM_TRIAL_ROUTER);
  uint32_t clients = sim_draw_range(&g->d, 1, 3), servers = sim_draw_range(&g->d, 1, 3);
  g->has_nat = true;
  for (uint32_t i = 0; i < clients; i++)
    add_link(g, add_stack(g, true, false), inner);
  add_link(g, inner, nat);
  add_link(g, nat, box);
  add_link(g, box, outer);
  for (uint32_t i = 0; i < servers; i++)
    add_link(g, outer, add_stack(g, false, true));
  if (sim_draw_coin(&g->d))
    add_link(g, outer, add_host(g, SIM_TRIAL_ATTACKER));
}

static void draw_topology(struct drawing *g) {
  static void (*const draws[])(struct drawing *) = {draw_pair, draw_star, draw_box, draw_nat,
                                                    draw_chain};
  static const uint8_t weights[] = {10, 4, 3, 2, 1};
  use_stream(g, STREAM_WORLD);
  g->p->ipv6 = sim_draw_coin(&g->d);
  g->p->heal_ms = sim_draw_range(&g->d, 10000, 60000);
  g->p->give_back = sim_draw_below(&g->d, 3);
  draws[sim_draw_weighted(&g->d, weights, sizeof weights)](g);
}

/* ---- Hosts ---- */

static uint64_t one_of_two(struct drawing *g, uint64_t features, uint64_t a, uint64_t b) {
  if ((features & (a | b)) == (a | b))
    features &= ~(sim_draw_coin(&g->d) ? a : b);
  return features;
}

static uint64_t draw_features(struct drawing *g) {
  static const uint64_t cc[4] = {SIM_FEATURE_BIT(NEWRENO), SIM_FEATURE_BIT(CUBIC),
                                 SIM_FEATURE_BIT(BBR), SIM_FEATURE_BIT(DCTCP)};
  uint64_t f = sim_draw_subset(&g->d, (UINT64_C(1) << SIM_FEATURE_COUNT) - 1);
  f &= ~(cc[0] | cc[1] | cc[2] | cc[3] | SIM_FEATURE_BIT(IPV6) | SIM_FEATURE_BIT(UDP) |
         SIM_FEATURE_BIT(FRAGMENTS));
  f |= cc[sim_draw_below(&g->d, 4)];
  if (g->p->ipv6)
    f |= SIM_FEATURE_BIT(IPV6);
  return one_of_two(g, f, SIM_FEATURE_BIT(ECN), SIM_FEATURE_BIT(ACCECN));
}

static void draw_stack(struct drawing *g, struct sim_trial_host *h) {
  struct sim_draw *d = &g->d;
  uint32_t mtu_min = g->p->ipv6 ? 1280 : 576;
  h->mtu = sim_draw_coin(d) ? 1500 : sim_draw_range(d, mtu_min, 1500);
  h->burst = h->features & SIM_FEATURE_BIT(BURSTS) ? sim_draw_skewed(d, 2, 64) : 1;
  if (h->features & SIM_FEATURE_BIT(COARSE_CLOCK))
    h->clock_us = sim_draw_skewed(d, 10, 20000);
  if (h->features & SIM_FEATURE_BIT(SMALL_BUFFERS)) {
    h->rcvbuf = sim_draw_skewed(d, 2048, 32768);
    h->sndbuf = sim_draw_skewed(d, 2048, 32768);
  }
  if (sim_draw_coin(d))
    h->iw = sim_draw_range(d, 1, 20);
  if (sim_draw_chance(d, 1, 8)) {
    h->half_open = sim_draw_range(d, 1, 8);
    h->time_wait = sim_draw_range(d, 1, 8);
  }
}

static void draw_hosts(struct drawing *g) {
  uint64_t same;
  bool unlike;
  use_stream(g, STREAM_HOSTS);
  same = draw_features(g);
  unlike = sim_draw_chance(&g->d, 1, 3);
  for (uint32_t i = 0; i < g->p->n_hosts; i++) {
    struct sim_trial_host *h = &g->p->host[i];
    if (h->kind != SIM_TRIAL_STACK)
      continue;
    h->features = unlike ? draw_features(g) : same;
    draw_stack(g, h);
  }
}

/* ---- Faults ---- */

#define US UINT64_C(1000)
#define MS UINT64_C(1000000)

struct fault_range {
  uint8_t kind;
  uint32_t rate_low, rate_high; /* ppm; 0, 0: all frames, once */
  uint32_t burst;
  uint32_t low, high; /* of a, in ... */
  uint64_t unit;      /* ... 0: a is left to the fault's own default */
};

/* clang-format off */
static const struct fault_range ranges[] = {
    {TCT_SIM_FAULT_LOSS, 200, 60000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_LOSS_BURST, 50, 5000, 20, 0, 0, 0},
    {TCT_SIM_FAULT_LOSS_SYN_ACK, 50000, 500000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_LOSS_PURE_ACK, 1000, 200000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_LOSS_FIN, 50000, 500000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_LOSS_ONE_WAY, 1000, 60000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_DUPLICATE, 500, 100000, 0, 1, 20000, US},
    {TCT_SIM_FAULT_REORDER_TIME, 500, 100000, 0, 1, 50000, US},
    {TCT_SIM_FAULT_REORDER_COUNT, 500, 100000, 0, 1, 30, 1},
    {TCT_SIM_FAULT_DELAY_STEP, 0, 0, 0, 1, 400, MS},
    {TCT_SIM_FAULT_JITTER, 0, 0, 0, 10, 20000, US},
    {TCT_SIM_FAULT_RATE_LIMIT, 0, 0, 0, 300, 100000, 1000},
    {TCT_SIM_FAULT_QUEUE_LIMIT, 0, 0, 0, 3000, 100000, 1},
    {TCT_SIM_FAULT_MTU_CHANGE, 0, 0, 0, 1280, 1480, 1},
    {TCT_SIM_FAULT_BLACK_HOLE, 0, 0, 0, 1280, 1480, 1},
    {TCT_SIM_FAULT_TRUNCATE, 200, 30000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_FLIP, 200, 30000, 0, 1, 1, 1},
    {TCT_SIM_FAULT_FLIP_CRC, 200, 30000, 0, 1, 8, 1},
    {TCT_SIM_FAULT_FRAGMENT, 500, 100000, 0, 256, 1000, 1},
    {TCT_SIM_FAULT_ICMP_TRUE, 200, 20000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_ICMP_FORGED, 200, 50000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_REPLAY, 200, 50000, 0, 10, 240000, MS},
    {TCT_SIM_FAULT_BLIND_INJECTION, 200, 50000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_SEQ_SHIFT, 0, 0, 0, 0, 0, 0},
    {TCT_SIM_FAULT_OPTION_STRIP, 0, 0, 0, 0, 0, 0},
    {TCT_SIM_FAULT_WINDOW_CHANGE, 1000, 200000, 0, 500, 60000, 1},
    {TCT_SIM_FAULT_ECN_BLEACH, 0, 0, 0, 1, 3, 1},
    {TCT_SIM_FAULT_ACK_THIN, 0, 0, 0, 2, 6, 1},
    {TCT_SIM_FAULT_ACK_DIVIDE, 1000, 300000, 0, 2, 5, 1},
    {TCT_SIM_FAULT_NAT_REBIND, 5000, 100000, 0, 0, 0, 0},
    {TCT_SIM_FAULT_HOST_PAUSE, 300, 20000, 0, 1, 800, MS},
    {TCT_SIM_FAULT_HOST_CRASH, 0, 0, 0, 1, 4000, MS},
    {TCT_SIM_FAULT_CLOCK_JUMP, 0, 0, 0, 1, 5000, MS},
    {TCT_SIM_FAULT_CLOCK_RATE, 0, 0, 0, 950000, 1050000, 1},
    {TCT_SIM_FAULT_CLOCK_COARSE, 0, 0, 0, 1, 100, MS},
    {TCT_SIM_FAULT_ALLOC_FAILURE, 4000, 200000, 0, 0, 0, 0},
};
/* clang-format on */

static uint32_t pick_host(struct drawing *g, sim_trial_kind kind) {
  uint32_t found[SIM_TRIAL_HOSTS_MAX], n = 0;
  for (uint32_t i = 0; i < g->p->n_hosts; i++)
    if (g->p->host[i].kind == kind)
      found[n++] = i;
  return n == 0 ? SIM_TRIAL_HOSTS_MAX : found[sim_draw_below(&g->d, n)];
}

static uint32_t pick_target(struct drawing *g, unsigned kind) {
  switch (tct_sim_fault_class_of(kind)) {
  case TCT_SIM_CLASS_LINK:
    return sim_draw_below(&g->d, g->p->n_links);
  case TCT_SIM_CLASS_HOST:
    return pick_host(g, SIM_TRIAL_STACK);
  case TCT_SIM_CLASS_NAT:
    return pick_host(g, SIM_TRIAL_NAT);
  case TCT_SIM_CLASS_BOX:
    return pick_host(g, SIM_TRIAL_MIDDLEBOX);
  case TCT_SIM_CLASS_APP:
    break;
  }
  return SIM_TRIAL_HOSTS_MAX;
}

static void add_fault(struct drawing *g, const struct fault_range *r, uint32_t mildness) {
  struct sim_trial_fault *f = &g->p->fault[g->p->n_faults];
  struct sim_draw *d = &g->d;
  memset(f, 0, sizeof *f);
  f->kind = r->kind;
  f->target = pick_target(g, r->kind);
  f->dir = sim_draw_below(d, 3);
  if (r->rate_high != 0)
    f->rate_ppm = tct_max_u32(sim_draw_skewed(d, r->rate_low, r->rate_high) / mildness, 1);
  if (r->burst != 0)
    f->burst = sim_draw_skewed(d, 2, r->burst);
  if (r->unit != 0)
    f->a = sim_draw_skewed(d, r->low, r->high) * r->unit;
  /* Most of what a trial does happens in its first seconds. */
  f->start_ms = sim_draw_chance(d, 1, 2) ? 0 : sim_draw_skewed(d, 1, g->p->heal_ms / 2);
  if (sim_draw_coin(d))
    f->stop_ms = f->start_ms + sim_draw_skewed(d, 10, g->p->heal_ms);
  if (f->stop_ms > g->p->heal_ms)
    f->stop_ms = 0;
  if (f->target < SIM_TRIAL_HOSTS_MAX)
    g->p->n_faults++;
  else /* no such host here */
    memset(f, 0, sizeof *f);
}

/* Which allocation fails depends on how large the records are, and thus on the machine: small
 * trials are for comparing machines. */
static bool is_of_machine(const struct drawing *g, const struct fault_range *r) {
  return (g->flags & SIM_TRIAL_SMALL) != 0 && r->kind == TCT_SIM_FAULT_ALLOC_FAILURE;
}

static void draw_faults(struct drawing *g) {
  static const uint8_t chances[] = {0, 1, 2, 4}; /* of 8 */
  uint32_t mode, mildness;
  use_stream(g, STREAM_FAULTS);
  mode = sim_draw_below(&g->d, 4);
  mildness = mode == 3 ? 8 : 1;
  for (unsigned i = 0; i < TCT_ARRAY_LEN(ranges); i++)
    if (sim_draw_chance(&g->d, chances[mode], 8) && !is_of_machine(g, &ranges[i]))
      add_fault(g, &ranges[i], mildness);
}

/* ---- Flows ---- */

static uint32_t draw_octets(struct drawing *g) {
  uint32_t shrink = (g->flags & SIM_TRIAL_SMALL) != 0 ? 8 : 1;
  static const uint8_t weights[] = {1, 2, 6, 1};
  switch (sim_draw_weighted(&g->d, weights, sizeof weights)) {
  case 0:
    return 0;
  case 1:
    return sim_draw_skewed(&g->d, 1, 4000);
  case 2:
    return sim_draw_range(&g->d, 15000, 70000) / shrink;
  default:
    return sim_draw_skewed(&g->d, 50000, 400000) / shrink;
  }
}

static sim_talk_end draw_end(struct drawing *g) {
  static const uint8_t weights[SIM_END_COUNT] = {20, 8, 3, 1, 1};
  return (sim_talk_end)sim_draw_weighted(&g->d, weights, SIM_END_COUNT);
}

/* So many calls that a connection of one octet a segment does not fill the whole trial. */
static void draw_pieces(struct drawing *g, struct sim_trial_flow *f) {
  struct sim_draw *d = &g->d;
  if (sim_draw_chance(d, 1, 3))
    f->write_max = sim_draw_skewed(d, 1, 4000);
  if (f->write_max != 0) {
    f->up = tct_min_u32(f->up, f->write_max * 150);
    f->down = tct_min_u32(f->down, f->write_max * 150);
  }
  if (sim_draw_chance(d, 1, 4))
    f->read_max = sim_draw_skewed(d, 64, 8000);
  if (sim_draw_chance(d, 1, 3))
    f->rounds = sim_draw_skewed(d, 1, 40);
}

static void draw_manners(struct drawing *g, struct sim_trial_flow *f) {
  struct sim_draw *d = &g->d;
  f->client_end = draw_end(g);
  f->server_end = draw_end(g);
  if (f->client_end == SIM_END_CLOSE_ON_EOF && f->server_end == SIM_END_CLOSE_ON_EOF)
    f->server_end = SIM_END_SHUT_AFTER_SEND; /* else they wait for each other until heal */
  if (sim_draw_chance(d, 1, 8))
    f->client_slow_ms = sim_draw_skewed(d, 1, 300);
  if (sim_draw_chance(d, 1, 8))
    f->server_slow_ms = sim_draw_skewed(d, 1, 300);
  if (sim_draw_chance(d, 1, 24))
    f->client_stop = 1 + sim_draw_below(d, f->down + 1);
  if (sim_draw_chance(d, 1, 24))
    f->server_stop = 1 + sim_draw_below(d, f->up + 1);
  if (sim_draw_chance(d, 1, 8)) {
    f->client_deed_at = sim_draw_skewed(d, 1, 30);
    f->client_deed = sim_draw_range(d, SIM_DEED_CLOSE, SIM_DEED_ABORT);
  }
  if (sim_draw_chance(d, 1, 8)) {
    f->server_deed_at = sim_draw_skewed(d, 1, 30);
    f->server_deed = sim_draw_range(d, SIM_DEED_CLOSE, SIM_DEED_ABORT);
  }
  if (sim_draw_chance(d, 1, 10))
    f->think_ms = sim_draw_skewed(d, 1, 500);
  if (sim_draw_chance(d, 1, 30))
    f->idle_minutes = sim_draw_skewed(d, 60, 86400);
}

static void make_datagrams(struct drawing *g, struct sim_trial_flow *f) {
  struct sim_draw *d = &g->d;
  uint64_t features = SIM_FEATURE_BIT(UDP);
  f->talk = SIM_TALK_DATAGRAMS;
  f->conns = 1;
  f->dgram = sim_draw_coin(d) ? sim_draw_range(d, 4, 1200) : sim_draw_range(d, 1200, 8000);
  f->up = f->dgram * sim_draw_skewed(d, 1, 60);
  if (f->dgram > 1472)
    features |= SIM_FEATURE_BIT(FRAGMENTS);
  g->p->host[f->client].features |= features;
  g->p->host[f->server].features |= features;
}

/* Where a connection may end without TIME-WAIT (by RST), an old segment may fit the next one of the
 * same tuple: nothing in TCP but timestamps prevents it. */
static bool keeps_old_segments(const struct sim_trial_plan *p) {
  for (uint32_t i = 0; i < p->n_faults; i++)
    if (p->fault[i].kind == TCT_SIM_FAULT_REPLAY || p->fault[i].kind == TCT_SIM_FAULT_DUPLICATE ||
        p->fault[i].kind == TCT_SIM_FAULT_REORDER_TIME ||
        p->fault[i].kind == TCT_SIM_FAULT_REORDER_COUNT)
      return true;
  return false;
}

static void draw_numbers(struct drawing *g, struct sim_trial_flow *f) {
  static const uint32_t corners[3] = {0xffffffff, 0x7fffffff, 70000};
  if (sim_draw_chance(&g->d, 1, 6))
    f->isn = corners[sim_draw_below(&g->d, 3)] - sim_draw_below(&g->d, 60000);
  f->fastopen =
      (g->p->host[f->client].features & SIM_FEATURE_BIT(FASTOPEN)) != 0 && sim_draw_coin(&g->d);
  if (sim_draw_chance(&g->d, 1, 8) && !keeps_old_segments(g->p)) { /* again and again */
    f->local_port = 40000 + g->p->n_flows;
    f->parallel = 1;
  }
}

static void draw_flow(struct drawing *g, uint32_t conns_max) {
  static const uint8_t weights[SIM_TALK_COUNT] = {20, 2, 2};
  struct sim_trial_flow *f = &g->p->flow[g->p->n_flows];
  struct sim_draw *d = &g->d;
  memset(f, 0, sizeof *f);
  f->client = g->client[sim_draw_below(d, g->n_clients)];
  do {
    f->server = g->server[sim_draw_below(d, g->n_servers)];
  } while (f->server == f->client);
  f->talk = sim_draw_weighted(d, weights, SIM_TALK_COUNT);
  f->port = 1000 + g->p->n_flows;
  f->conns = sim_draw_skewed(d, 1, conns_max);
  f->parallel = sim_draw_skewed(d, 1, 8);
  f->backlog = sim_draw_chance(d, 1, 5) ? sim_draw_range(d, 1, 2) : 16;
  f->start_ms = sim_draw_coin(d) ? 0 : sim_draw_skewed(d, 1, 3000);
  f->gap_ms = sim_draw_coin(d) ? 0 : sim_draw_skewed(d, 1, 1000);
  f->up = draw_octets(g);
  f->down = draw_octets(g);
  draw_pieces(g, f);
  draw_manners(g, f);
  draw_numbers(g, f);
  if (f->talk == SIM_TALK_SIMULTANEOUS && g->has_nat)
    f->talk = SIM_TALK_STREAM; /* nobody outside can name the inside */
  if (f->talk == SIM_TALK_SIMULTANEOUS) {
    f->conns = f->parallel = 1;
    f->local_port = 40000 + g->p->n_flows;
  }
  if (f->talk == SIM_TALK_DATAGRAMS)
    make_datagrams(g, f);
  g->p->n_flows++;
}

static void draw_flows(struct drawing *g) {
  bool small = (g->flags & SIM_TRIAL_SMALL) != 0;
  uint32_t n;
  use_stream(g, STREAM_FLOWS);
  n = small ? sim_draw_range(&g->d, 1, 3)
            : sim_draw_range(&g->d, 1, 5) + (g->p->n_hosts > 6 ? 4u : 0u);
  for (uint32_t i = 0; i < n; i++)
    draw_flow(g, small ? 3 : 20);
}

/* ---- Acts: half of the seeds do something rare ---- */

static sim_where draw_where(struct drawing *g, sim_deed deed) {
  /* Where they would be taken, data and FIN of a third party spoil the stream: that is TCP. */
  if (deed == SIM_DEED_FORGE_DATA || deed == SIM_DEED_FORGE_FIN)
    return sim_draw_coin(&g->d) ? SIM_LEFT : SIM_BEYOND;
  return (sim_where)sim_draw_below(&g->d, SIM_WHERE_COUNT);
}

static void draw_act(struct drawing *g) {
  struct sim_trial_act *a = &g->p->act[g->p->n_acts++];
  struct sim_draw *d = &g->d;
  bool client = sim_draw_coin(d);
  a->host = client ? g->client[sim_draw_below(d, g->n_clients)]
                   : g->server[sim_draw_below(d, g->n_servers)];
  a->state = sim_draw_range(d, TCT_SYN_SENT, TCT_TIME_WAIT);
  a->nth = sim_draw_skewed(d, 1, 6);
  a->after_us = sim_draw_coin(d) ? 0 : sim_draw_skewed(d, 1, 200000);
  a->deed = sim_draw_range(d, SIM_DEED_CLOSE, SIM_DEED_COUNT - 1);
  if (a->deed == SIM_DEED_CRASH && !sim_draw_chance(d, 1, 4))
    a->deed = SIM_DEED_CUT_WIRE;
  a->where = draw_where(g, (sim_deed)a->deed);
}

static void draw_acts(struct drawing *g) {
  uint32_t n;
  use_stream(g, STREAM_ACTS);
  if (sim_draw_coin(&g->d))
    return;
  n = sim_draw_range(&g->d, 1, SIM_TRIAL_ACTS_MAX);
  for (uint32_t i = 0; i < n; i++)
    draw_act(g);
}

void sim_trial_draw(struct sim_trial_plan *p, uint64_t seed, unsigned flags) {
  struct drawing g = {.p = p, .seed = seed, .flags = flags};
  memset(p, 0, sizeof *p);
  p->seed = seed;
  draw_topology(&g);
  draw_hosts(&g);
  draw_faults(&g);
  draw_flows(&g);
  draw_acts(&g);
}
