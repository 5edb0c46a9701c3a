/* SPDX-License-Identifier: MIT */
/*
 * A router: any number of ports, each with one link. Called by link.c with what arrives; sends on
 * through its links, which have the queues. Keeps no state of flows, and answers nobody who speaks
 * to itself. RFC 1812 sections 4.2, 4.3 and 5.2, RFC 8200 section 3, RFC 4443 section 3.
 */
#include <stdlib.h>

#include "sim/fault.h"
#include "sim/ip.h"
#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

struct port {
  struct sim_node node;
  struct tct_sim_router *router;
};

struct route {
  tct_addr net;
  unsigned prefix_len, port;
};

struct tct_sim_router {
  struct sim_node node; /* no link: for the world to free */
  tct_addr addr4, addr6;
  struct port **ports;
  struct route *routes;
  unsigned n_ports, n_routes;
  uint16_t next_id;
  bool hushed;
  tct_sim_router_counts counts;
};

/* ---- Routes ---- */

static bool is_within(const tct_addr *a, const tct_addr *net, unsigned prefix_len) {
  unsigned whole = prefix_len / 8, rest = prefix_len % 8;
  if (memcmp(a->b, net->b, whole) != 0)
    return false;
  return rest == 0 || ((a->b[whole] ^ net->b[whole]) >> (8 - rest)) == 0;
}

static struct port *find_port(const struct tct_sim_router *r, const tct_addr *dst) {
  const struct route *best = NULL;
  for (unsigned i = 0; i < r->n_routes; i++) {
    const struct route *t = &r->routes[i];
    if ((best == NULL || t->prefix_len > best->prefix_len) &&
        is_within(dst, &t->net, t->prefix_len))
      best = t;
  }
  return best == NULL ? NULL : r->ports[best->port];
}

void tct_sim_router_route(tct_sim_router *r, tct_addr net, unsigned prefix_len, unsigned port) {
  if (port >= r->n_ports || prefix_len > 128)
    return;
  r->routes = sim_world_grow(r->routes, (r->n_routes + 1) * sizeof *r->routes);
  r->routes[r->n_routes++] = (struct route){net, prefix_len, port};
}

/* ---- What cannot go on ---- */

static void report(struct tct_sim_router *r, const struct sim_packet *p, enum tct_icmp_kind kind,
                   uint32_t mtu_bytes) {
  uint8_t error[SIM_IP_ERROR_MAX];
  bool is_v4 = p->bytes[0] >> 4 == 4;
  uint32_t len = 0;
  struct tct_ip_hdr ip;
  struct port *out;
  if (!r->hushed)
    len = sim_icmp_error(p->bytes, p->frame.len, kind, mtu_bytes, is_v4 ? &r->addr4 : &r->addr6,
                         error, sizeof error);
  if (len == 0 || tct_wire_ip_parse(error, len, len, &ip) != TCT_ACCEPTED)
    return;
  out = find_port(r, &ip.dst);
  if (out == NULL)
    return;
  r->counts.icmp_sent++;
  sim_link_send_bytes(&out->node, error, len, TCT_WHY_ICMP_ERROR);
}

struct cut {
  struct port *out;
  uint16_t why;
};

static void send_fragment(void *ctx, const uint8_t *bytes, uint32_t len) {
  const struct cut *c = ctx;
  sim_link_send_bytes(&c->out->node, bytes, len, c->why);
}

/* IPv4 that may be is cut; all else is answered. */
static void handle_too_big(struct tct_sim_router *r, struct port *out, const struct sim_packet *p,
                           const struct tct_ip_hdr *ip, uint32_t mtu_bytes) {
  struct cut c = {out, p->frame.why};
  if (ip->family == 4 && !ip->dont_frag &&
      sim_ip_fragment(p->bytes, p->frame.len, mtu_bytes, r->next_id++, send_fragment, &c)) {
    r->counts.fragmented++;
    return;
  }
  r->counts.too_big++;
  report(r, p, TCT_ICMP_UNREACH_FRAG_NEEDED, mtu_bytes);
}

/* ---- What can ---- */

static void count_hop(uint8_t *b, uint8_t family) {
  uint16_t was;
  if (family == 6) {
    b[7]--;
    return;
  }
  was = tct_bytes_get16(b + 8);
  b[8]--;
  tct_bytes_put16(b + 10,
                  tct_checksum_update16(tct_bytes_get16(b + 10), was, tct_bytes_get16(b + 8)));
}

static void forward(struct tct_sim_router *r, struct sim_packet *p, const struct tct_ip_hdr *ip) {
  struct port *out = find_port(r, &ip->dst);
  struct sim_slot *by = NULL;
  uint32_t mtu_bytes;
  if (out == NULL || out->node.link == NULL) {
    r->counts.unreachable++;
    report(r, p, TCT_ICMP_UNREACH_NET, 0);
    return;
  }
  if (ip->hop_limit <= 1) {
    r->counts.expired++;
    report(r, p, TCT_ICMP_TIME_EXCEEDED_TRANSIT, 0);
    return;
  }
  count_hop(p->bytes, ip->family);
  mtu_bytes = sim_link_mtu(&out->node, &by);
  if (mtu_bytes != 0 && p->frame.len > mtu_bytes) {
    if (by != NULL)
      sim_fault_count_up(by, NULL);
    handle_too_big(r, out, p, ip, mtu_bytes);
    return;
  }
  r->counts.forwarded++;
  sim_link_send_bytes(&out->node, p->bytes, p->frame.len, p->frame.why);
}

static void deliver_to_port(struct sim_node *n, struct sim_packet *p) {
  struct tct_sim_router *r = ((struct port *)(void *)n)->router;
  struct tct_ip_hdr ip;
  tct_verdict v = tct_wire_ip_parse(p->bytes, p->frame.len, p->frame.len, &ip);
  bool is_mine = v == TCT_ACCEPTED &&
                 (memcmp(&ip.dst, &r->addr4, 16) == 0 || memcmp(&ip.dst, &r->addr6, 16) == 0);
  if (v != TCT_ACCEPTED || is_mine)
    r->counts.dropped++;
  else
    forward(r, p, &ip);
  sim_packet_free(n->world, p);
}

/* ---- Life ---- */

static void free_port(struct sim_node *n) {
  free(n);
}

static void free_router(struct sim_node *n) {
  struct tct_sim_router *r = (struct tct_sim_router *)(void *)n;
  free(r->ports);
  free(r->routes);
  free(r);
}

tct_sim_router *tct_sim_router_new(tct_sim *w, tct_addr addr4, tct_addr addr6) {
  tct_sim_router *r = sim_world_alloc(sizeof *r);
  memset(r, 0, sizeof *r);
  r->addr4 = addr4;
  r->addr6 = addr6;
  r->node.free = free_router;
  sim_world_add(w, &r->node);
  return r;
}

tct_sim_end tct_sim_router_end(tct_sim_router *r) {
  struct port *p = sim_world_alloc(sizeof *p);
  memset(p, 0, sizeof *p);
  p->router = r;
  p->node.deliver = deliver_to_port;
  p->node.free = free_port;
  sim_world_add(r->node.world, &p->node);
  r->ports = sim_world_grow(r->ports, (r->n_ports + 1) * sizeof(struct port *));
  r->ports[r->n_ports++] = p;
  return (tct_sim_end){&p->node};
}

void tct_sim_router_hush(tct_sim_router *r, bool hushed) {
  r->hushed = hushed;
}

tct_sim_router_counts tct_sim_router_count(const tct_sim_router *r) {
  return r->counts;
}
