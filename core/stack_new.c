/* SPDX-License-Identifier: MIT */
/*
 * stack_new.c - birth and end of a stack: configuration with its defaults resolved, keys,
 * interfaces. Called by the application before and after the loop. Leaves everything that moves to
 * stack.c.
 */
#include "stack.h"

#include "tcp/calls.h"

#define KEY_WORDS (sizeof(tct_keys) / 8u) /* keys are pairs of words */
#define IFS_MAX 255u                      /* a connection keeps its interface in a byte */

void tct_config_init(tct_config *c, size_t size) {
  memset(c, 0, size);
  c->size = size;
}

static uint32_t or_default(uint32_t value, uint32_t otherwise) {
  return value != 0 ? value : otherwise;
}

static void resolve_limits(tct_limits *l) {
  l->conns = tct_min_u32(or_default(l->conns, 1u << 20), TCT_SOCK_UDP_BIT - 1);
  l->half_open = or_default(l->half_open, 65536);
  l->held = or_default(l->held, 1024);
  l->time_wait = or_default(l->time_wait, 262144);
  l->udp = tct_min_u32(or_default(l->udp, 65536), TCT_SOCK_UDP_BIT - 1);
  l->orphans = or_default(l->orphans, 16384);
  l->buffer_bytes = l->buffer_bytes != 0 ? l->buffer_bytes : 1u << 30;
  l->reasm_bytes = or_default(l->reasm_bytes, 1u << 20);
  l->reply_bytes = or_default(l->reply_bytes, 256u << 10);
  l->routes = or_default(l->routes, 1024);
  l->addrs = or_default(l->addrs, 1024);
  l->neighbours = or_default(l->neighbours, 1024);
  l->ifs = tct_min_u32(or_default(l->ifs, 64), IFS_MAX);
}

/* After this no zero means "default". */
static void resolve(tct_config *c) {
  const struct tct_tcp_profile *p = tct_tcp_profile(c->profile);
  resolve_limits(&c->limits);
  c->sndbuf_bytes = or_default(c->sndbuf_bytes, p->sndbuf_bytes);
  c->rcvbuf_bytes = or_default(c->rcvbuf_bytes, p->rcvbuf_bytes);
  c->rcvbuf_max_bytes =
      tct_max_u32(or_default(c->rcvbuf_max_bytes, p->rcvbuf_max_bytes), c->rcvbuf_bytes);
  c->sndbuf_max_bytes =
      tct_max_u32(or_default(c->sndbuf_max_bytes, p->sndbuf_max_bytes), c->sndbuf_bytes);
  c->notsent_lowat_bytes = or_default(c->notsent_lowat_bytes, UINT32_MAX);
  c->msl_ms = or_default(c->msl_ms, p->msl_ms);
  c->fin_wait_2_ms = or_default(c->fin_wait_2_ms, p->fin_wait_2_ms);
  c->rto_min_ms = or_default(c->rto_min_ms, p->rto_min_ms);
  c->rto_max_ms = or_default(c->rto_max_ms, p->rto_max_ms);
  c->rto_initial_ms = or_default(c->rto_initial_ms, p->rto_initial_ms);
  c->delack_ms = or_default(c->delack_ms, p->delack_ms);
  c->syn_retries = c->syn_retries != 0 ? c->syn_retries : p->syn_retries;
  c->syn_ack_retries = c->syn_ack_retries != 0 ? c->syn_ack_retries : p->syn_ack_retries;
  c->data_retries = c->data_retries != 0 ? c->data_retries : p->data_retries;
  c->initial_window_segs = c->initial_window_segs != 0 ? c->initial_window_segs : 10;
  c->min_tso_segs = c->min_tso_segs != 0 ? c->min_tso_segs : p->min_tso_segs;
  c->mss_min = c->mss_min != 0 ? c->mss_min : 48;
  c->port_first = c->port_first != 0 ? c->port_first : p->port_first;
  c->port_last = c->port_last != 0 ? c->port_last : p->port_last;
  c->hop_limit = c->hop_limit != 0 ? c->hop_limit : 64;
  c->ecn = c->ecn != TCT_ECN_DEFAULT ? c->ecn : TCT_ECN_PASSIVE;
  c->mtu_base_mss = c->mtu_base_mss != 0 ? c->mtu_base_mss : 1024;
  c->mtu_probe_floor = c->mtu_probe_floor != 0 ? c->mtu_probe_floor : 48;
  c->mtu_probe_threshold = c->mtu_probe_threshold != 0 ? c->mtu_probe_threshold : 8;
  c->mtu_probe_interval_s = or_default(c->mtu_probe_interval_s, 600);
  c->ecn_option = c->ecn_option != 0 ? c->ecn_option : TCT_ECN_OPTION_ALWAYS;
  c->ecn_fallback = c->ecn_fallback != TCT_DEFAULT ? c->ecn_fallback : TCT_ON;
  c->pacing = c->pacing != TCT_DEFAULT ? c->pacing : TCT_OFF;
  c->pacing_ss_percent = c->pacing_ss_percent != 0 ? c->pacing_ss_percent : 200;
  c->pacing_ca_percent = c->pacing_ca_percent != 0 ? c->pacing_ca_percent : 120;
  c->congestion = c->congestion != TCT_CC_DEFAULT ? c->congestion : p->congestion;
  c->slow_start_after_idle =
      c->slow_start_after_idle != TCT_DEFAULT ? c->slow_start_after_idle : TCT_ON;
  c->rack = c->rack == TCT_DEFAULT ? TCT_ON : c->rack;
  c->tlp = c->tlp == TCT_DEFAULT ? TCT_ON : c->tlp;
  c->frto = c->frto == TCT_DEFAULT ? TCT_ON : c->frto;
  c->reordering = c->reordering != 0 ? c->reordering : 3;
  c->max_reordering = c->max_reordering != 0 ? c->max_reordering : 300;
  c->fastopen = or_default(c->fastopen, p->fastopen);
}

static bool all_zero(const void *p, size_t n) {
  const uint8_t *b = p;
  for (size_t i = 0; i < n; i++) {
    if (b[i] != 0)
      return false;
  }
  return true;
}

/* Of a resolved one: what was left at 0 must fit what was given, too. */
static bool is_valid(const tct_config *c) {
  bool seeded = c->deterministic || !all_zero(c->seed, sizeof c->seed);
  return c->size == sizeof *c && c->alloc.alloc != NULL && c->alloc.free != NULL && seeded &&
         (c->congestion == TCT_CC_DEFAULT || tct_tcp_cc_is_known((tct_cc)c->congestion)) &&
         (c->cores < 2 || c->core < c->cores) && c->port_first <= c->port_last &&
         c->delack_ms < 500 && c->rto_min_ms <= c->rto_max_ms &&
         c->rto_max_ms <= TCT_RTO_LIMIT_MS && c->rto_initial_ms <= TCT_RTO_LIMIT_MS;
}

/* Keys that were not given come from the seed; given ones are kept. */
static void draw_keys(tct_stack *s, const tct_keys *given) {
  uint64_t *to = (uint64_t *)&s->keys;
  const uint64_t *from = (const uint64_t *)given;
  for (size_t i = 0; i < KEY_WORDS; i += 2) {
    bool absent = from[i] == 0 && from[i + 1] == 0;
    to[i] = absent ? tct_prng_u64(&s->prng) : from[i];
    to[i + 1] = absent ? tct_prng_u64(&s->prng) : from[i + 1];
  }
}

/* What is in the tables was hashed with the table key, and records derive their timestamp offset:
 * these two stay while there are sockets or records. */
int tct_keys_set(tct_stack *s, const tct_keys *k) {
  tct_keys before = s->keys;
  bool in_use = s->n.ConnsNow != 0 || s->n.TimeWaitNow != 0 || s->n.HalfOpenNow != 0;
  draw_keys(s, k);
  if (!in_use)
    return TCT_OK;
  memcpy(s->keys.table, before.table, sizeof before.table);
  memcpy(s->keys.ts, before.ts, sizeof before.ts);
  return TCT_OK;
}

/* The allocator as the stack uses it: counted. */
static void *alloc_counted(void *ctx, size_t size, size_t align) {
  tct_stack *s = ctx;
  void *p = s->cfg.alloc.alloc(s->cfg.alloc.ctx, size, align);
  if (p != NULL)
    s->memory_bytes += size;
  return p;
}

static void free_counted(void *ctx, void *p, size_t size) {
  tct_stack *s = ctx;
  s->memory_bytes -= size;
  s->cfg.alloc.free(s->cfg.alloc.ctx, p, size);
}

void tct_config_get(const tct_stack *s, tct_config *c) {
  *c = s->cfg;
}

/* Fast Open's may change. */
static bool are_same_keys(const tct_keys *a, const tct_keys *b) {
  tct_keys like = *a;
  memcpy(like.fastopen, b->fastopen, sizeof like.fastopen);
  return memcmp(&like, b, sizeof like) == 0;
}

static void take_fastopen_keys(tct_stack *s, const tct_keys *k) {
  for (unsigned i = 0; i < 2; i++) {
    bool absent = all_zero(k->fastopen[i], sizeof k->fastopen[i]);
    for (unsigned j = 0; j < 2; j++)
      s->keys.fastopen[i][j] = absent ? tct_prng_u64(&s->prng) : k->fastopen[i][j];
  }
}

static bool are_same_limits(const tct_limits *a, const tct_limits *b) {
  return a->conns == b->conns && a->half_open == b->half_open && a->held == b->held &&
         a->time_wait == b->time_wait && a->udp == b->udp && a->orphans == b->orphans &&
         a->buffer_bytes == b->buffer_bytes && a->reasm_bytes == b->reasm_bytes &&
         a->reply_bytes == b->reply_bytes && a->routes == b->routes && a->addrs == b->addrs &&
         a->ifs == b->ifs && a->neighbours == b->neighbours;
}

static bool is_same_make(const tct_config *a, const tct_config *b) {
  return a->alloc.alloc == b->alloc.alloc && a->alloc.free == b->alloc.free &&
         a->alloc.ctx == b->alloc.ctx && memcmp(a->seed, b->seed, sizeof a->seed) == 0 &&
         a->deterministic == b->deterministic && are_same_keys(&a->keys, &b->keys) &&
         a->epoch_ns == b->epoch_ns && a->profile == b->profile && a->info == b->info &&
         a->cores == b->cores && a->core == b->core && are_same_limits(&a->limits, &b->limits) &&
         a->trace == b->trace && a->trace_ctx == b->trace_ctx;
}

int tct_config_set(tct_stack *s, const tct_config *c) {
  tct_config next = *c;
  if (c->size != sizeof *c || !is_same_make(c, &s->cfg))
    return TCT_EINVAL;
  resolve(&next);
  if (!is_valid(&next))
    return TCT_EINVAL;
  if (next.fastopen_blackhole_s != s->cfg.fastopen_blackhole_s)
    s->tcp->fastopen_off_n = 0; /* as writing Linux's sysctl does */
  if (memcmp(next.keys.fastopen, s->cfg.keys.fastopen, sizeof next.keys.fastopen) != 0)
    take_fastopen_keys(s, &next.keys);
  s->cfg = next;
  return TCT_OK;
}

static int new_parts(tct_stack *s) {
  s->ifs = tct_stack_alloc(s, s->cfg.limits.ifs * sizeof *s->ifs);
  s->out = tct_stack_alloc(s, TCT_BURST_MAX * sizeof *s->out);
  if (s->ifs == NULL || s->out == NULL)
    return TCT_ENOMEM;
  int e = tct_ip_new(s);
  if (e == TCT_OK)
    e = tct_tcp_new(s);
  return e == TCT_OK ? tct_udp_new(s) : e;
}

tct_stack *tct_new(const tct_config *c, int *err) {
  tct_stack *s = NULL;
  tct_config resolved;
  *err = TCT_EINVAL;
  if (c->size != sizeof *c)
    return NULL;
  resolved = *c;
  resolve(&resolved);
  if (!is_valid(&resolved))
    return NULL;
  s = c->alloc.alloc(c->alloc.ctx, sizeof *s, 64);
  if (s == NULL) {
    *err = TCT_ENOMEM;
    return NULL;
  }
  memset(s, 0, sizeof *s);
  s->cfg = resolved;
  s->alloc = (tct_alloc){alloc_counted, free_counted, s};
  tct_prng_init(&s->prng, c->seed);
  draw_keys(s, &c->keys);
  tct_wheel_init(&s->wheel, 0);
  tct_list_init(&s->events);
  tct_chunk_pool_init(&s->chunks, &s->alloc, s->cfg.limits.buffer_bytes, 4u << 20);
  *err = new_parts(s);
  if (*err == TCT_OK)
    return s;
  tct_free(s);
  return NULL;
}

void tct_free(tct_stack *s) {
  if (s == NULL)
    return;
  tct_alloc a = s->cfg.alloc;
  tct_tcp_free(s);
  tct_udp_free(s);
  tct_link_free(s);
  tct_ip_free(s);
  tct_chunk_pool_deinit(&s->chunks);
  tct_stack_free(s, s->tokens, s->tokens_cap * sizeof *s->tokens);
  tct_stack_free(s, s->out, TCT_BURST_MAX * sizeof *s->out);
  tct_stack_free(s, s->ifs, s->cfg.limits.ifs * sizeof *s->ifs);
  TCT_ASSERT(s->memory_bytes == 0);
  a.free(a.ctx, s, sizeof *s);
}

/* ---- Interfaces ------------------------------------------------------------------------------ */

int tct_if_add(tct_stack *s, const tct_if_config *c, tct_if *out) {
  if (c->size != sizeof *c || c->mtu < 576)
    return TCT_EINVAL;
  if (s->n_ifs >= s->cfg.limits.ifs)
    return TCT_ENOBUFS;
  int err = tct_link_if_add(s, c);
  if (err != TCT_OK)
    return err;
  struct tct_iface *i = &s->ifs[s->n_ifs];
  memset(i, 0, sizeof *i);
  i->cfg = *c;
  i->gen = tct_prng_u32(&s->prng) | 1u;
  i->up = true;
  tct_list_init(&i->tcp_ready);
  tct_list_init(&i->udp_ready);
  if (!tct_ip_reply_init(s, &i->replies))
    return TCT_ENOMEM;
  tct_ip_path_forget(s);
  *out = tct_stack_if_handle(s, s->n_ifs++);
  return TCT_OK;
}

/* A larger or smaller MTU reaches all connections of the interface; while it is down they wait. */
int tct_if_set(tct_stack *s, tct_if i, tct_if_what what, uint32_t value) {
  struct tct_iface *ifc = tct_stack_if(s, i);
  if (ifc == NULL)
    return TCT_EBADF;
  if (what == TCT_IF_UP) {
    ifc->up = value != 0;
    tct_ip_path_forget(s);
    return TCT_OK;
  }
  if (what != TCT_IF_MTU || value < 576)
    return TCT_EINVAL;
  ifc->cfg.mtu = value;
  tct_tcp_on_mtu(s, i.index - 1, (tct_addr){{0}}, value);
  return TCT_OK;
}
