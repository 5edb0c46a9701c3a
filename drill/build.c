/* SPDX-License-Identifier: MIT */
/*
 * build.c - a '<' line to bytes, and into the stack. Called by run.c. The payload is the pattern of
 * frame.c at its place in the stream, so that whatever is delivered can be checked; TTL 255, ID 0,
 * DF clear, as packetdrill sends them.
 */
#include "drill/run.h"

#include <string.h>

enum { BUILD_CAP = 65535 + 128 };

struct build {
  struct drill_run *r;
  const struct drill_packet *k;
  struct drill_conn *c;
  tct_addr src, dst;
  uint16_t sport, dport;
  uint8_t *p; /* the whole packet */
  size_t l4_at, len;
  bool is_v6;
};

void drill_build_put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

void drill_build_put32(uint8_t *p, uint32_t v) {
  drill_build_put16(p, v >> 16);
  drill_build_put16(p + 2, v);
}

/* The byte beside the version, as a line tells it. */
uint8_t drill_build_tos(enum drill_ecn_word ecn, uint8_t tos) {
  static const uint8_t bits[] = {[DRILL_ECN_ECT0] = 2, [DRILL_ECN_ECT1] = 1, [DRILL_ECN_CE] = 3};
  if (ecn == DRILL_ECN_TOS)
    return tos;
  return ecn <= DRILL_ECN_CE ? bits[ecn] : 0;
}

static uint8_t proto_of(const struct build *b) {
  switch (b->k->proto) {
  case DRILL_UDP:
    return 17;
  case DRILL_ICMP:
    return b->is_v6 ? 58 : 1;
  default:
    return 6;
  }
}

static size_t put_ipv4(struct build *b, uint8_t *p, uint8_t proto, size_t payload) {
  const struct drill_twist *t = &b->k->twist;
  size_t options = (t->ip_options_len + 3) / 4 * 4, header = 20 + options;
  p[0] = (uint8_t)(0x40 | header / 4);
  p[1] = drill_build_tos(b->k->ecn, b->k->tos);
  drill_build_put16(p + 2, t->iplen >= 0 ? (uint32_t)t->iplen : (uint32_t)(header + payload));
  p[8] = b->k->ttl >= 0 ? (uint8_t)b->k->ttl : 255;
  p[9] = proto;
  memcpy(p + 12, b->src.b + 12, 4);
  memcpy(p + 16, b->dst.b + 12, 4);
  if (t->ip_options_len)
    memcpy(p + 20, t->ip_options, t->ip_options_len);
  drill_build_put16(p + 10, drill_frame_fold(drill_frame_sum(p, header, 0)) + t->bad_ip_sum);
  return header;
}

static size_t put_ipv6(struct build *b, uint8_t *p, uint8_t proto, size_t payload) {
  uint32_t label = b->k->flowlabel >= 0 ? (uint32_t)b->k->flowlabel : 0;
  drill_build_put32(p, 6u << 28 | (uint32_t)drill_build_tos(b->k->ecn, b->k->tos) << 20 | label);
  drill_build_put16(p + 4,
                    b->k->twist.iplen >= 0 ? (uint32_t)b->k->twist.iplen : (uint32_t)payload);
  p[6] = proto;
  p[7] = b->k->ttl >= 0 ? (uint8_t)b->k->ttl : 255;
  memcpy(p + 8, b->src.b, 16);
  memcpy(p + 24, b->dst.b, 16);
  return 40;
}

/* The transport header and payload stand at l4_at; the IP header goes before, sums are filled in.
 */
static void finish(struct build *b, size_t sum_at) {
  size_t payload = b->len - b->l4_at;
  struct drill_frame f = {.version = b->is_v6 ? 6 : 4, .src = b->src, .dst = b->dst};
  f.proto = proto_of(b);
  if (b->is_v6)
    put_ipv6(b, b->p, f.proto, payload);
  else
    put_ipv4(b, b->p, f.proto, payload);
  uint32_t sum = f.proto == 1 ? 0 : drill_frame_pseudo(&f, (uint32_t)payload);
  uint16_t field = drill_frame_fold(drill_frame_sum(b->p + b->l4_at, payload, sum));
  if (f.proto == 17 && field == 0)
    field = 0xffff;
  drill_build_put16(b->p + b->l4_at + sum_at,
                    (uint32_t)field ^ (b->k->twist.bad_sum ? 0x5555u : 0u));
}

static void put_payload(struct build *b, uint8_t *p, uint32_t offset) {
  const struct drill_twist *t = &b->k->twist;
  for (uint32_t i = 0; i < b->k->len; i++)
    p[i] =
        t->payload && i < t->payload_len ? (uint8_t)t->payload[i] : drill_frame_pattern(offset + i);
  if (t->payload && b->c)
    b->c->own_rx = true;
}

/* The newest TSval that left: for sketches, whose lines expect nothing and so name none. */
static bool find_newest_ts(const struct build *b, uint32_t *live) {
  bool found = false;
  for (const struct drill_frame *f = b->r->frames; f; f = f->next) {
    if (!f->is_out || f->conn != b->c || f->proto != 6)
      continue;
    for (size_t i = 0; i + 10 <= f->options_len && f->options[i] != 0;) {
      const uint8_t *o = f->options + i;
      if (o[0] == 8) {
        *live = (uint32_t)o[2] << 24 | (uint32_t)o[3] << 16 | (uint32_t)o[4] << 8 | o[5];
        found = true;
      }
      i += o[0] == 1 ? 1 : o[1];
    }
  }
  return found;
}

/* The TSecr that stands for a TSval of ours which the script has seen. */
static bool map_ecr(struct build *b, uint32_t script, uint32_t *live) {
  const struct drill_conn *c = b->c;
  for (unsigned i = c->n_ts; i-- > 0;) {
    if (c->ts[i].script != script)
      continue;
    *live = c->ts[i].live;
    return true;
  }
  if (b->r->set->ts_ecr_scaled && c->n_ts) {
    *live = c->ts[0].live + (script - c->ts[0].script);
    return true;
  }
  if (b->r->is_logged && find_newest_ts(b, live))
    return true;
  return drill_run_fail(b->r, "TS ecr %u: no expected packet had TS val %u", script, script);
}

static bool put_option(struct build *b, const struct drill_option *o, uint8_t *p) {
  memcpy(p, o->bytes, o->len);
  for (unsigned i = 0; i < o->n_sack * 2; i++)
    drill_build_put32(p + 2 + i * 4, drill_conn_ack_in(b->c, b->k, o->sack[i]));
  if (!o->has_ts || !(b->k->flags & TCT_ACK))
    return true;
  uint32_t live = 0;
  if (!map_ecr(b, o->tsecr, &live))
    return false;
  drill_build_put32(p + 6, live);
  return true;
}

static bool put_tcp(struct build *b) {
  const struct drill_packet *k = b->k;
  const struct drill_twist *t = &k->twist;
  uint8_t *p = b->p + b->l4_at;
  size_t header = 20;
  for (unsigned i = 0; i < k->n_options; i++) {
    if (k->md5 || (k->options[i].kind == 19 && k->options[i].len == 18 && !k->options[i].bytes[2]))
      return drill_run_fail(b->r, "TCP MD5 signatures are not supported");
    if (!put_option(b, &k->options[i], p + header))
      return false;
    header += k->options[i].len;
  }
  drill_build_put16(p, b->sport);
  drill_build_put16(p + 2, b->dport);
  drill_build_put32(p + 4, drill_conn_seq_in(b->c, k));
  if (k->has_ack)
    drill_build_put32(p + 8, k->flags & TCT_ACK ? drill_conn_ack_in(b->c, k, k->ack) : k->ack);
  p[12] = (uint8_t)((t->doff >= 0 ? (size_t)t->doff : header / 4) << 4);
  p[12] |= t->reserved >= 0 ? (uint8_t)t->reserved : (uint8_t)k->ae;
  p[13] = k->flags;
  drill_build_put16(p + 14, k->win);
  drill_build_put16(p + 18, k->urg);
  uint32_t syn = k->flags & TCT_SYN ? 1 : 0;
  put_payload(b, p + header, drill_conn_seq_in(b->c, k) + syn - b->c->isn_remote - 1);
  b->len = b->l4_at + header + k->len;
  finish(b, 16);
  return true;
}

static bool put_udp(struct build *b) {
  uint8_t *p = b->p + b->l4_at;
  drill_build_put16(p, b->sport);
  drill_build_put16(p + 2, b->dport);
  drill_build_put16(p + 4, 8 + b->k->len);
  put_payload(b, p + 8, 0);
  b->len = b->l4_at + 8 + b->k->len;
  finish(b, 6);
  return true;
}

/* The packet of ours that an error quotes: IP header and eight bytes, seen from the other side. */
static size_t put_quote(struct build *b, uint8_t *p) {
  static const uint8_t protos[] = {
      [DRILL_TCP] = 6, [DRILL_UDP] = 17, [DRILL_ICMP] = 1, [DRILL_RAW] = 0};
  const struct drill_packet *k = b->k;
  size_t l4 = k->quoted == DRILL_TCP ? 20 : 8;
  struct drill_packet plain = {.ttl = 64, .flowlabel = -1, .twist = {.iplen = -1}};
  struct build q = {.r = b->r, .k = &plain, .src = b->c->local, .dst = b->c->remote};
  size_t header = b->is_v6 ? put_ipv6(&q, p, protos[k->quoted], l4 + k->quoted_len)
                           : put_ipv4(&q, p, protos[k->quoted], l4 + k->quoted_len);
  drill_build_put16(p + header, k->twist.sport >= 0 ? (uint32_t)k->twist.sport : b->c->lport);
  drill_build_put16(p + header + 2, k->twist.dport >= 0 ? (uint32_t)k->twist.dport : b->c->rport);
  if (k->quoted == DRILL_TCP)
    drill_build_put32(p + header + 4, k->quoted_seq + b->c->isn_live);
  else
    drill_build_put16(p + header + 4, 8 + k->quoted_len);
  return header + 8;
}

static bool is_error(const struct build *b) {
  if (b->is_v6)
    return b->k->icmp_type < 128;
  uint8_t t = b->k->icmp_type;
  return t == 3 || t == 4 || t == 5 || t == 11 || t == 12;
}

static bool put_icmp(struct build *b) {
  uint8_t *p = b->p + b->l4_at;
  p[0] = b->k->icmp_type;
  p[1] = b->k->icmp_code;
  b->len = b->l4_at + 8;
  if (b->k->has_mtu && b->is_v6)
    drill_build_put32(p + 4, b->k->mtu);
  else if (b->k->has_mtu)
    drill_build_put16(p + 6, b->k->mtu);
  if (is_error(b)) {
    if (!b->c || !b->c->rport)
      return drill_run_fail(b->r, "there is no connection whose packet this error could quote");
    b->len += put_quote(b, p + 8);
  } else {
    drill_build_put16(p + 4, b->k->icmp_id);
    b->len += b->k->len;
  }
  finish(b, 2);
  return true;
}

static void set_ends(struct build *b) {
  const struct drill_twist *t = &b->k->twist;
  b->src = b->c ? b->c->remote : b->r->remote;
  b->dst = b->c ? b->c->local : b->r->local;
  if (t->src)
    b->src = drill_conn_address(t->src);
  if (t->dst)
    b->dst = drill_conn_address(t->dst);
  b->sport = b->k->sport ? b->k->sport : b->c ? b->c->rport : 0;
  b->dport = b->k->dport ? b->k->dport : b->c ? b->c->lport : 0;
  if (t->sport >= 0)
    b->sport = (uint16_t)t->sport;
  if (t->dport >= 0)
    b->dport = (uint16_t)t->dport;
}

bool drill_build_inject(struct drill_run *r, const struct drill_packet *k) {
  if (k->proto == DRILL_RAW) {
    uint8_t *copy = drill_arena_get(r->arena, k->raw_len + 1);
    memcpy(copy, k->raw, k->raw_len);
    return drill_world_inject(r, copy, k->raw_len, k->twist.is_more);
  }
  struct build b = {.r = r, .k = k, .is_v6 = r->set->ip == DRILL_IP6};
  b.c = drill_conn_for_in(r, k);
  if (r->failure)
    return false;
  set_ends(&b);
  b.p = drill_arena_get(r->arena, BUILD_CAP);
  b.l4_at = b.is_v6 ? 40 : 20 + (k->twist.ip_options_len + 3) / 4 * 4;
  bool ok = k->proto == DRILL_TCP   ? put_tcp(&b)
            : k->proto == DRILL_UDP ? put_udp(&b)
                                    : put_icmp(&b);
  if (!ok)
    return false;
  b.len = drill_build_encap(r, k, &b.p, b.len);
  size_t len =
      k->twist.trunc >= 0 && (size_t)k->twist.trunc < b.len ? (size_t)k->twist.trunc : b.len;
  return drill_world_inject(r, b.p, len, k->twist.is_more);
}
