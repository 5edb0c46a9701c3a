/* SPDX-License-Identifier: MIT */
/*
 * conv_link.c - the link's word about packets: what it did to the ones we know, and rows for the
 * ones that no trace told of (a scripted peer, an attacker, ICMP). Called by show.c.
 */
#include "cli/show/conv.h"

#include <stdio.h>

#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/tcp.h"
#include "wire/udp.h"

static void fill_seg(tct_seg *seg, const struct tct_ip_hdr *ip, const struct tct_tcp_hdr *h) {
  *seg = (tct_seg){.src = ip->src,
                   .dst = ip->dst,
                   .sport = h->sport,
                   .dport = h->dport,
                   .seq = h->seq,
                   .ack = h->ack,
                   .len = (uint32_t)(ip->payload_len - h->header_len),
                   .flags = h->flags,
                   .hop_limit = ip->hop_limit,
                   .tclass = ip->tclass,
                   .wscale = h->opt.has_wscale ? h->opt.wscale : 0xff,
                   .window_raw = h->window,
                   .window_bytes = h->window,
                   .urgent = h->urgent,
                   .mss = h->opt.has_mss ? h->opt.mss : 0,
                   .sack_permitted = h->opt.sack_permitted,
                   .has_ts = h->opt.has_ts,
                   .tsval = h->opt.tsval,
                   .tsecr = h->opt.tsecr,
                   .n_sack = h->opt.n_sack};
  for (unsigned i = 0; i < h->opt.n_sack; i++) {
    seg->sack[i][0] = h->opt.sack[i].begin;
    seg->sack[i][1] = h->opt.sack[i].end;
  }
}

static struct show_row *find_unlinked(struct conv *v, const struct show_conn *c, int from,
                                      const tct_seg *seg) {
  for (size_t i = 0; i < v->n; i++) {
    struct show_row *r = conv_at(v, i);
    if (r->kind != SHOW_SEG || r->conn != c || r->from != from || r->proto != SHOW_TCP)
      continue;
    if (r->segs > 1 && seg->len != 0 && seg->seq - r->seg.seq < r->seg.len)
      return r;
    if (!r->has_link && r->seg.seq == seg->seq && r->seg.flags == seg->flags &&
        r->seg.len == seg->len && r->seg.ack == seg->ack)
      return r;
  }
  return NULL;
}

static void set_fate(struct show_row *r, enum show_fate fate) {
  r->has_link = true;
  if (r->fate == SHOW_DELIVERED)
    r->fate = (uint8_t)fate;
  r->copies = fate == SHOW_DUPLICATED ? 2 : 1;
}

static void on_tcp(struct conv *v, int from, const struct tct_ip_hdr *ip, enum show_fate fate,
                   tct_time at) {
  struct tct_tcp_hdr h;
  tct_seg seg;
  if (tct_wire_tcp_parse(ip->payload, ip->payload_have, &h) != TCT_ACCEPTED ||
      h.header_len > ip->payload_len)
    return;
  fill_seg(&seg, ip, &h);
  struct show_conn *c = conv_conn_of_seg(v, from, &seg);
  if (c == NULL)
    return;
  struct show_row *r = find_unlinked(v, c, from, &seg);
  if (r == NULL) {
    r = conv_add_seg(v, c, from, &seg, at);
    if (r == NULL)
      return;
    r->is_injected = conv_is_traced(v, from);
    conv_conn_count(c, r);
    if (!conv_is_traced(v, from))
      conv_state_infer_from_peer(v, r);
  }
  set_fate(r, fate);
}

static const char *icmp_words(enum tct_icmp_kind k) {
  switch (k) {
  case TCT_ICMP_ECHO_REQUEST:
    return "echo request";
  case TCT_ICMP_ECHO_REPLY:
    return "echo reply";
  case TCT_ICMP_UNREACH_NET:
    return "network unreachable";
  case TCT_ICMP_UNREACH_HOST:
    return "host unreachable";
  case TCT_ICMP_UNREACH_PROTO:
    return "protocol unreachable";
  case TCT_ICMP_UNREACH_PORT:
    return "port unreachable";
  case TCT_ICMP_UNREACH_FRAG_NEEDED:
    return "too big, and it may not be fragmented";
  case TCT_ICMP_UNREACH_ADMIN:
    return "forbidden by policy";
  case TCT_ICMP_TIME_EXCEEDED_TRANSIT:
    return "hop limit used up on the way";
  case TCT_ICMP_TIME_EXCEEDED_REASSEMBLY:
    return "fragments missing";
  case TCT_ICMP_PARAM_PROBLEM:
    return "header problem";
  case TCT_ICMP_PACKET_TOO_BIG:
    return "packet too big";
  case TCT_ICMP_SOURCE_QUENCH:
    return "source quench (obsolete)";
  default:
    return tct_icmp_kind_is_error(k) ? "error" : "message";
  }
}

/* The connection that an ICMP error speaks of: the quoted packet went the other way. */
static struct show_conn *conn_of_quote(struct conv *v, int from, const struct tct_ip_hdr *ip,
                                       const struct tct_icmp_hdr *h) {
  struct tct_icmp_quote q;
  if (!tct_icmp_kind_is_error(h->kind) ||
      !tct_wire_icmp_parse_quote(ip->family, h->body, h->body_len, &q) ||
      q.proto != TCT_IPPROTO_TCP || !q.has_ports)
    return NULL;
  return conv_conn_find(v, !from, &q.src, q.sport, &q.dst, q.dport);
}

static void describe(struct conv *v, struct show_row *r, const struct tct_ip_hdr *ip) {
  struct tct_icmp_hdr icmp;
  struct tct_udp_hdr udp;
  bool is_icmp = ip->proto == TCT_IPPROTO_ICMP || ip->proto == TCT_IPPROTO_ICMP6;
  if (ip->is_frag) {
    r->proto = SHOW_OTHER;
    snprintf(r->text, sizeof r->text, "IP fragment at %u, %u B", ip->frag_off_bytes,
             ip->payload_len);
  } else if (is_icmp && tct_wire_icmp_parse(ip->family, ip->payload, ip->payload_have, &icmp) ==
                            TCT_ACCEPTED) {
    r->proto = SHOW_ICMP;
    r->conn = conn_of_quote(v, r->from, ip, &icmp);
    snprintf(r->text, sizeof r->text, "ICMP%s %s", ip->family == 6 ? "v6" : "",
             icmp_words(icmp.kind));
    if (icmp.mtu != 0)
      snprintf(r->text, sizeof r->text, "ICMP%s %s: MTU is %u", ip->family == 6 ? "v6" : "",
               icmp_words(icmp.kind), icmp.mtu);
  } else if (ip->proto == TCT_IPPROTO_UDP &&
             tct_wire_udp_parse(ip->payload, ip->payload_have, ip->payload_len, &udp) ==
                 TCT_ACCEPTED) {
    r->proto = SHOW_UDP;
    snprintf(r->text, sizeof r->text, "UDP %u > %u  %u B", udp.sport, udp.dport, udp.len - 8u);
  } else {
    r->proto = SHOW_OTHER;
    snprintf(r->text, sizeof r->text, "IP protocol %u, %u B", ip->proto, ip->payload_len);
  }
}

static void on_other(struct conv *v, int from, const struct tct_ip_hdr *ip, enum show_fate fate,
                     tct_time at) {
  struct show_row *r = NULL;
  tct_seg seg = {.src = ip->src, .dst = ip->dst, .len = ip->payload_len};
  for (size_t i = 0; i < v->n && r == NULL; i++) {
    struct show_row *x = conv_at(v, i);
    if (x->kind == SHOW_SEG && x->from == from && x->proto != SHOW_TCP && !x->has_link)
      r = x;
  }
  if (r == NULL)
    r = conv_add_seg(v, NULL, from, &seg, at);
  if (r == NULL)
    return;
  set_fate(r, fate);
  describe(v, r, ip);
}

void conv_link(struct conv *v, int from, const void *packet, size_t len, enum show_fate fate,
               tct_time at) {
  struct tct_ip_hdr ip;
  conv_flush(v, at);
  if (tct_wire_ip_parse(packet, len, len, &ip) != TCT_ACCEPTED)
    return;
  if (ip.proto == TCT_IPPROTO_TCP && !ip.is_frag)
    on_tcp(v, from, &ip, fate, at);
  else
    on_other(v, from, &ip, fate, at);
}
