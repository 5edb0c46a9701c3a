/* SPDX-License-Identifier: MIT */
/*
 * A NAT: inside addresses and ports become one outside address with ports of its own, the same for
 * all peers of an inside port. Called by link.c with what arrives at its two ends. Drops fragments,
 * which have no ports. RFC 3022, RFC 4787 (mapping), RFC 5382, RFC 5508 (ICMP).
 */
#include <stdlib.h>

#include "sim/fault.h"
#include "sim/rewrite.h"
#include "util/mem.h"
#include "util/siphash.h"
#include "util/time.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"

enum { BUCKETS = 1024, NONE = -1, IDLE_S = 7440 };

struct mapping {
  tct_addr inside;
  uint16_t inside_port, outside_port;
  uint8_t proto;
  bool in_use, is_fixed; /* fixed: set up by hand, never forgotten */
  tct_time used_at;
  int next_inside, next_outside; /* in its buckets */
};

struct side {
  struct sim_node node;
  struct tct_sim_nat *nat;
  bool is_inside;
};

struct tct_sim_nat {
  struct sim_node node; /* no link: for the world to free */
  tct_sim_nat_config config;
  struct side *inside, *outside;
  struct mapping *mappings;
  uint32_t n, n_used; /* of mappings[] ever used; in use now */
  uint16_t next_port;
  int by_inside[BUCKETS], by_outside[BUCKETS];
  struct sim_slot *slots;
};

/* ---- The table ---- */

static unsigned inside_bucket(const tct_addr *a, uint16_t port, uint8_t proto) {
  static const uint64_t key[2] = {1, 2};
  uint8_t bytes[19];
  memcpy(bytes, a->b, 16);
  tct_bytes_put16(bytes + 16, port);
  bytes[18] = proto;
  return (unsigned)(tct_siphash13(key, bytes, sizeof bytes) % BUCKETS);
}

static unsigned outside_bucket(uint16_t port, uint8_t proto) {
  return (port ^ (unsigned)proto << 4) % BUCKETS;
}

static struct mapping *find_inside(struct tct_sim_nat *n, const tct_addr *a, uint16_t port,
                                   uint8_t proto) {
  for (int i = n->by_inside[inside_bucket(a, port, proto)]; i != NONE;) {
    struct mapping *m = &n->mappings[i];
    if (m->inside_port == port && m->proto == proto && memcmp(&m->inside, a, sizeof *a) == 0)
      return m;
    i = m->next_inside;
  }
  return NULL;
}

static struct mapping *find_outside(struct tct_sim_nat *n, uint16_t port, uint8_t proto) {
  for (int i = n->by_outside[outside_bucket(port, proto)]; i != NONE;) {
    struct mapping *m = &n->mappings[i];
    if (m->outside_port == port && m->proto == proto)
      return m;
    i = m->next_outside;
  }
  return NULL;
}

static void unlink_outside(struct tct_sim_nat *n, const struct mapping *m) {
  int me = (int)(m - n->mappings);
  int *at = &n->by_outside[outside_bucket(m->outside_port, m->proto)];
  while (*at != me)
    at = &n->mappings[*at].next_outside;
  *at = m->next_outside;
}

static void link_outside(struct tct_sim_nat *n, struct mapping *m, uint16_t port) {
  int *head = &n->by_outside[outside_bucket(port, m->proto)];
  m->outside_port = port;
  m->next_outside = *head;
  *head = (int)(m - n->mappings);
}

static void forget(struct tct_sim_nat *n, struct mapping *m) {
  int me = (int)(m - n->mappings);
  int *at = &n->by_inside[inside_bucket(&m->inside, m->inside_port, m->proto)];
  while (*at != me)
    at = &n->mappings[*at].next_inside;
  *at = m->next_inside;
  unlink_outside(n, m);
  m->in_use = false;
  n->n_used--;
}

static bool is_stale(const struct tct_sim_nat *n, const struct mapping *m) {
  return !m->is_fixed && tct_time_sub(n->node.world->now, m->used_at) > n->config.idle_ns;
}

/* A free place, or that of the one unused for longest; NULL: all are fixed. */
static struct mapping *take_place(struct tct_sim_nat *n) {
  struct mapping *oldest = NULL;
  if (n->n < n->config.mappings_max)
    return &n->mappings[n->n++];
  for (uint32_t i = 0; i < n->n; i++) {
    struct mapping *m = &n->mappings[i];
    if (!m->in_use)
      return m;
    if (!m->is_fixed && (oldest == NULL || m->used_at < oldest->used_at))
      oldest = m;
  }
  if (oldest != NULL)
    forget(n, oldest);
  return oldest;
}

/* The next port that is free; 0: none. */
static uint16_t take_port(struct tct_sim_nat *n, uint8_t proto) {
  uint32_t span = (uint32_t)n->config.port_last - n->config.port_first + 1;
  for (uint32_t i = 0; i < span; i++) {
    uint16_t port = n->next_port;
    n->next_port = port == n->config.port_last ? n->config.port_first : (uint16_t)(port + 1);
    if (find_outside(n, port, proto) == NULL)
      return port;
  }
  return 0;
}

static struct mapping *add(struct tct_sim_nat *n, const tct_addr *a, uint16_t inside_port,
                           uint16_t outside_port, uint8_t proto) {
  struct mapping *m = outside_port != 0 ? take_place(n) : NULL;
  int *head = &n->by_inside[inside_bucket(a, inside_port, proto)];
  if (m == NULL)
    return NULL;
  memset(m, 0, sizeof *m);
  m->inside = *a;
  m->inside_port = inside_port;
  m->proto = proto;
  m->in_use = true;
  m->used_at = n->node.world->now;
  m->next_inside = *head;
  *head = (int)(m - n->mappings);
  link_outside(n, m, outside_port);
  n->n_used++;
  return m;
}

static void move(struct tct_sim_nat *n, struct mapping *m) {
  uint16_t port = take_port(n, m->proto);
  if (m->is_fixed || port == 0)
    return;
  unlink_outside(n, m);
  link_outside(n, m, port);
}

/* ---- Translation ---- */

/* Where the port that tells flows apart stands in what IP carries; UINT32_MAX: there is none. */
static uint32_t port_at(const struct sim_view *v, bool source) {
  uint8_t type = v->upper_len >= 8 ? v->upper[0] : 0;
  if (v->upper_len < 8)
    return UINT32_MAX;
  if (v->ip.proto == TCT_IPPROTO_TCP || v->ip.proto == TCT_IPPROTO_UDP)
    return source ? 0 : 2;
  if (v->ip.proto == TCT_IPPROTO_ICMP && (type == 8 || type == 0))
    return 4;
  return v->ip.proto == TCT_IPPROTO_ICMP6 && (type == 128 || type == 129) ? 4 : UINT32_MAX;
}

static bool is_error(const struct sim_view *v) {
  struct tct_icmp_hdr h;
  if (v->ip.proto != TCT_IPPROTO_ICMP && v->ip.proto != TCT_IPPROTO_ICMP6)
    return false;
  return tct_wire_icmp_parse(v->ip.family, v->upper, v->upper_len, &h) == TCT_ACCEPTED &&
         tct_icmp_kind_is_error(h.kind);
}

/* An error quotes a packet that went the other way: what it quotes is put as its sender knows it.
 * The quote is rewritten as bytes of the ICMP message, so that its checksum follows. */
static bool translate_quote(struct tct_sim_nat *n, struct sim_view *v, bool outwards) {
  const uint32_t quote_at = TCT_ICMP_HEADER_LEN;
  bool is_v4 = v->ip.family == 4;
  uint32_t head = is_v4 ? 20 : 40, room = v->upper_len - quote_at;
  uint32_t addr_at = quote_at + (is_v4 ? (outwards ? 16u : 12u) : (outwards ? 24u : 8u));
  struct tct_icmp_quote q;
  struct mapping *m;
  const tct_addr *to;
  if (room < head + 4 || !tct_wire_icmp_parse_quote(v->ip.family, v->upper + quote_at, room, &q) ||
      !q.has_ports || (is_v4 && (v->upper[quote_at] & 15) != 5))
    return false;
  m = outwards ? find_inside(n, &q.dst, q.dport, q.proto) : find_outside(n, q.sport, q.proto);
  if (m == NULL || is_stale(n, m))
    return false;
  to = outwards ? &n->config.outside : &m->inside;
  sim_rewrite_upper(v, addr_at, to->b + (is_v4 ? 12 : 0), is_v4 ? 4 : 16);
  sim_rewrite_upper16(v, quote_at + head + (outwards ? 2u : 0u),
                      outwards ? m->outside_port : m->inside_port);
  if (is_v4) {
    sim_rewrite_upper16(v, quote_at + 10, 0);
    sim_rewrite_upper16(v, quote_at + 10, tct_checksum_of(v->upper + quote_at, head));
  }
  sim_rewrite_addr(v, outwards, to);
  return true;
}

static void strike(struct tct_sim_nat *n, struct mapping *m) {
  for (struct sim_slot *s = n->slots; s != NULL; s = s->next)
    if (s->what.rate_ppm != 0 && sim_fault_strikes(s)) {
      sim_fault_count_up(s, NULL);
      move(n, m);
    }
}

static bool translate_out(struct tct_sim_nat *n, struct sim_view *v) {
  uint32_t at = port_at(v, true);
  uint16_t port;
  struct mapping *m;
  if (is_error(v))
    return translate_quote(n, v, true);
  if (at == UINT32_MAX)
    return false;
  port = tct_bytes_get16(v->upper + at);
  m = find_inside(n, &v->ip.src, port, v->ip.proto);
  if (m != NULL && is_stale(n, m)) {
    forget(n, m);
    m = NULL;
  }
  if (m == NULL)
    m = add(n, &v->ip.src, port, take_port(n, v->ip.proto), v->ip.proto);
  if (m == NULL)
    return false;
  strike(n, m);
  m->used_at = n->node.world->now;
  sim_rewrite_addr(v, true, &n->config.outside);
  sim_rewrite_upper16(v, at, m->outside_port);
  return true;
}

static bool translate_in(struct tct_sim_nat *n, struct sim_view *v) {
  uint32_t at = port_at(v, false);
  struct mapping *m;
  if (memcmp(&v->ip.dst, &n->config.outside, sizeof v->ip.dst) != 0)
    return false;
  if (is_error(v))
    return translate_quote(n, v, false);
  if (at == UINT32_MAX)
    return false;
  m = find_outside(n, tct_bytes_get16(v->upper + at), v->ip.proto);
  if (m == NULL || is_stale(n, m))
    return false;
  sim_rewrite_addr(v, false, &m->inside);
  sim_rewrite_upper16(v, at, m->inside_port);
  return true;
}

static void deliver_to_side(struct sim_node *node, struct sim_packet *p) {
  struct side *from = (struct side *)(void *)node;
  struct tct_sim_nat *n = from->nat;
  struct side *to = from->is_inside ? n->outside : n->inside;
  struct sim_view v;
  if (sim_rewrite_open(p->bytes, p->frame.len, &v) &&
      (from->is_inside ? translate_out(n, &v) : translate_in(n, &v)))
    sim_link_send_bytes(&to->node, p->bytes, p->frame.len, p->frame.why);
  sim_packet_free(node->world, p);
}

/* ---- Faults ---- */

void tct_sim_nat_rebind(tct_sim_nat *n) {
  for (uint32_t i = 0; i < n->n; i++)
    if (n->mappings[i].in_use)
      move(n, &n->mappings[i]);
}

static void rebind_at_start(void *ctx, void *arg) {
  struct sim_slot *s = ctx;
  struct tct_sim_nat *n = s->target;
  (void)arg;
  if (s->is_over)
    return;
  for (uint32_t i = 0; i < n->n_used; i++)
    sim_fault_count_up(s, NULL);
  tct_sim_nat_rebind(n);
}

void sim_nat_fault_add(struct tct_sim_nat *n, struct sim_slot *s) {
  s->next = n->slots;
  n->slots = s;
  if (s->what.rate_ppm == 0)
    sim_world_schedule(s->world, s->what.start, rebind_at_start, s, NULL);
}

void sim_nat_fault_drop_all(struct tct_sim_nat *n) {
  n->slots = NULL;
}

/* ---- Life ---- */

static void free_side(struct sim_node *node) {
  free(node);
}

static void free_nat(struct sim_node *node) {
  struct tct_sim_nat *n = (struct tct_sim_nat *)(void *)node;
  free(n->mappings);
  free(n);
}

static struct side *new_side(struct tct_sim_nat *n, bool is_inside) {
  struct side *s = sim_world_alloc(sizeof *s);
  memset(s, 0, sizeof *s);
  s->nat = n;
  s->is_inside = is_inside;
  s->node.deliver = deliver_to_side;
  s->node.free = free_side;
  sim_world_add(n->node.world, &s->node);
  return s;
}

static void set_defaults(tct_sim_nat_config *c) {
  if (c->port_first == 0)
    c->port_first = 1024;
  if (c->port_last < c->port_first)
    c->port_last = 65535;
  if (c->mappings_max == 0)
    c->mappings_max = 1024;
  if (c->idle_ns == 0)
    c->idle_ns = TCT_S(IDLE_S);
}

tct_sim_nat *tct_sim_nat_new(tct_sim *w, const tct_sim_nat_config *c) {
  tct_sim_nat *n = sim_world_alloc(sizeof *n);
  memset(n, 0, sizeof *n);
  n->config = *c;
  set_defaults(&n->config);
  n->next_port = n->config.port_first;
  n->mappings = sim_world_alloc(n->config.mappings_max * sizeof *n->mappings);
  for (unsigned i = 0; i < BUCKETS; i++)
    n->by_inside[i] = n->by_outside[i] = NONE;
  n->node.free = free_nat;
  sim_world_add(w, &n->node);
  sim_world_add_target(w, TCT_SIM_CLASS_NAT, n);
  n->inside = new_side(n, true);
  n->outside = new_side(n, false);
  return n;
}

tct_sim_end tct_sim_nat_inside(tct_sim_nat *n) {
  return (tct_sim_end){&n->inside->node};
}

tct_sim_end tct_sim_nat_outside(tct_sim_nat *n) {
  return (tct_sim_end){&n->outside->node};
}

int tct_sim_nat_forward(tct_sim_nat *n, uint16_t port, const tct_endpoint *inside) {
  static const uint8_t protos[] = {TCT_IPPROTO_TCP, TCT_IPPROTO_UDP};
  for (unsigned i = 0; i < 2; i++) {
    struct mapping *m;
    if (find_outside(n, port, protos[i]) != NULL)
      return TCT_EADDRINUSE;
    m = add(n, &inside->addr, inside->port, port, protos[i]);
    if (m == NULL)
      return TCT_ENOBUFS;
    m->is_fixed = true;
  }
  return TCT_OK;
}

uint32_t tct_sim_nat_mappings(const tct_sim_nat *n) {
  return n->n_used;
}
