/* SPDX-License-Identifier: MIT */
/*
 * A peer that is no stack: it shows each segment to a script and sends what the script says, right
 * or wrong. Also the two helpers that make and read such segments. Called by link.c and by scripts;
 * keeps no connection state. RFC 9293 section 3.1.
 */
#include <stdlib.h>

#include "sim/world.h"
#include "util/mem.h"
#include "wire/ip.h"
#include "wire/tcp.h"

struct tct_sim_peer {
  struct sim_node node;
  tct_sim_peer_fn fn;
  void *ctx;
  tct_trace_fn trace;
  void *trace_ctx;
};

static void tell_trace(struct tct_sim_peer *p, tct_trace_kind kind, const tct_seg *seg) {
  bool out = kind == TCT_TRACE_SEG_OUT;
  tct_trace t = {.kind = (uint8_t)kind, .at = p->node.world->now, .seg = *seg};
  if (p->trace == NULL)
    return;
  t.local = out ? seg->src : seg->dst;
  t.remote = out ? seg->dst : seg->src;
  t.lport = out ? seg->sport : seg->dport;
  t.rport = out ? seg->dport : seg->sport;
  p->trace(p->trace_ctx, &t);
}

static void deliver_to_peer(struct sim_node *n, struct sim_packet *packet) {
  struct tct_sim_peer *p = (struct tct_sim_peer *)(void *)n;
  const uint8_t *payload = NULL;
  tct_seg seg;
  if (tct_sim_seg_parse(packet->bytes, packet->frame.len, &seg, &payload)) {
    tell_trace(p, TCT_TRACE_SEG_IN, &seg);
    if (p->fn != NULL)
      p->fn(p->ctx, p, &seg, payload);
  }
  sim_packet_free(n->world, packet);
}

static void free_peer(struct sim_node *n) {
  free(n);
}

tct_sim_peer *tct_sim_peer_new(tct_sim *w, tct_sim_peer_fn fn, void *ctx, tct_trace_fn trace,
                               void *trace_ctx) {
  tct_sim_peer *p = sim_world_alloc(sizeof *p);
  memset(p, 0, sizeof *p);
  p->fn = fn;
  p->ctx = ctx;
  p->trace = trace;
  p->trace_ctx = trace_ctx;
  p->node.deliver = deliver_to_peer;
  p->node.free = free_peer;
  sim_world_add(w, &p->node);
  return p;
}

tct_sim_end tct_sim_peer_end(tct_sim_peer *p) {
  return (tct_sim_end){&p->node};
}

void tct_sim_peer_send(tct_sim_peer *p, const tct_seg *seg, const void *payload) {
  uint32_t cap = TCT_IP_EMIT_MAX + TCT_TCP_HEADER_MAX + seg->len;
  uint8_t *bytes = sim_world_alloc(cap);
  uint32_t len = tct_sim_seg_emit(seg, payload, bytes, cap);
  tell_trace(p, TCT_TRACE_SEG_OUT, seg);
  sim_link_send_bytes(&p->node, bytes, len, TCT_WHY_NONE);
  free(bytes);
}

tct_seg tct_sim_seg_reply(const tct_seg *seg) {
  tct_seg r;
  memset(&r, 0, sizeof r);
  r.src = seg->dst;
  r.dst = seg->src;
  r.sport = seg->dport;
  r.dport = seg->sport;
  r.wscale = 0xff;
  return r;
}

static void options_from_seg(struct tct_tcp_opts *o, const tct_seg *seg) {
  o->has_mss = seg->mss != 0;
  o->mss = seg->mss;
  o->has_wscale = seg->wscale != 0xff;
  o->wscale = seg->wscale;
  o->sack_permitted = seg->sack_permitted;
  o->has_ts = seg->has_ts;
  o->tsval = seg->tsval;
  o->tsecr = seg->tsecr;
  o->n_sack = seg->n_sack;
  for (unsigned i = 0; i < seg->n_sack; i++)
    o->sack[i] = (struct tct_tcp_sack_block){seg->sack[i][0], seg->sack[i][1]};
}

static size_t emit_tcp(const tct_seg *seg, const void *payload, uint8_t *to) {
  struct tct_tcp_hdr h;
  tct_iov iov = {payload, seg->len};
  size_t len;
  memset(&h, 0, sizeof h);
  h.sport = seg->sport;
  h.dport = seg->dport;
  h.seq = seg->seq;
  h.ack = seg->ack;
  h.flags = seg->flags;
  h.window = seg->window_raw;
  h.urgent = seg->urgent;
  options_from_seg(&h.opt, seg);
  len = tct_wire_tcp_emit(to, &h, TCT_TCP_OPT_STRICT);
  tct_wire_tcp_finish(to, &seg->src, &seg->dst, &iov, seg->len ? 1 : 0);
  if (seg->len)
    memcpy(to + len, payload, seg->len);
  return len + seg->len;
}

uint32_t tct_sim_seg_emit(const tct_seg *seg, const void *payload, uint8_t *to, uint32_t cap) {
  struct tct_ip_hdr ip;
  size_t head, body;
  memset(&ip, 0, sizeof ip);
  ip.src = seg->src;
  ip.dst = seg->dst;
  ip.family = tct_wire_ip_family(&seg->src);
  ip.proto = TCT_IPPROTO_TCP;
  ip.hop_limit = seg->hop_limit ? seg->hop_limit : 64;
  ip.tclass = seg->tclass;
  ip.dont_frag = true;
  head = tct_wire_ip_emit_len(&ip);
  if (head + TCT_TCP_HEADER_MAX + seg->len > cap)
    return 0;
  body = emit_tcp(seg, payload, to + head);
  ip.payload_len = (uint16_t)body;
  tct_wire_ip_emit(to, &ip);
  return (uint32_t)(head + body);
}

static void seg_from_header(tct_seg *seg, const struct tct_ip_hdr *ip,
                            const struct tct_tcp_hdr *h) {
  seg->src = ip->src;
  seg->dst = ip->dst;
  seg->hop_limit = ip->hop_limit;
  seg->tclass = ip->tclass;
  seg->sport = h->sport;
  seg->dport = h->dport;
  seg->seq = h->seq;
  seg->ack = h->ack;
  seg->len = (uint32_t)ip->payload_len - h->header_len;
  seg->flags = h->flags;
  seg->window_raw = h->window;
  seg->window_bytes = h->window;
  seg->urgent = h->urgent;
}

static void seg_from_options(tct_seg *seg, const struct tct_tcp_opts *o) {
  seg->mss = o->has_mss ? o->mss : 0;
  seg->wscale = o->has_wscale ? o->wscale : 0xff;
  seg->sack_permitted = o->sack_permitted;
  seg->has_ts = o->has_ts;
  seg->tsval = o->tsval;
  seg->tsecr = o->tsecr;
  seg->n_sack = o->n_sack;
  for (unsigned i = 0; i < o->n_sack; i++) {
    seg->sack[i][0] = o->sack[i].begin;
    seg->sack[i][1] = o->sack[i].end;
  }
}

bool tct_sim_seg_parse(const uint8_t *bytes, uint32_t len, tct_seg *seg, const uint8_t **payload) {
  struct tct_ip_hdr ip;
  struct tct_tcp_hdr h;
  memset(seg, 0, sizeof *seg);
  if (tct_wire_ip_parse(bytes, len, len, &ip) != TCT_ACCEPTED)
    return false;
  if (ip.proto != TCT_IPPROTO_TCP || ip.is_frag)
    return false;
  if (tct_wire_tcp_parse(ip.payload, ip.payload_len, &h) != TCT_ACCEPTED)
    return false;
  seg_from_header(seg, &ip, &h);
  seg_from_options(seg, &h.opt);
  *payload = ip.payload + h.header_len;
  return true;
}
