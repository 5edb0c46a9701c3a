/* SPDX-License-Identifier: MIT */
/* Segments from literals and back; see seg.h. Uses the core's own wire/ functions. */
#include "test/lib/seg.h"

#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include "wire/ip.h"
#include "wire/tcp.h"

static void put_octets(uint32_t seq, const struct seg_diff *d, uint8_t *to) {
  for (uint32_t i = 0; i < d->len; i++)
    to[i] = d->data != NULL ? ((const uint8_t *)d->data)[i] : seg_octet(seq + i);
}

static void fill_options(const tct_seg *t, const struct seg_diff *d, struct tct_tcp_opts *o) {
  o->has_mss = t->mss != 0;
  o->mss = t->mss;
  o->has_wscale = t->wscale != 0xff;
  o->wscale = t->wscale;
  o->sack_permitted = t->sack_permitted;
  o->has_ts = t->has_ts && !d->no_ts;
  o->tsval = t->tsval + (uint32_t)d->tsval;
  o->tsecr = t->tsecr;
  o->n_sack = (uint8_t)d->n_sack;
  for (uint32_t i = 0; i < d->n_sack; i++)
    o->sack[i] = (struct tct_tcp_sack_block){d->sack[i][0], d->sack[i][1]};
}

static size_t make_tcp(const tct_seg *t, const struct seg_diff *d, uint8_t *to) {
  struct tct_tcp_hdr h;
  memset(&h, 0, sizeof h);
  h.sport = t->sport;
  h.dport = t->dport;
  h.seq = t->seq + (uint32_t)d->seq;
  h.flags = (uint8_t)(t->flags | d->flags | (d->no_ack ? 0 : TCT_ACK));
  h.ack = d->no_ack ? 0 : t->ack + (uint32_t)d->ack;
  h.window = t->window_raw;
  h.urgent = d->urgent;
  if (d->options == NULL)
    fill_options(t, d, &h.opt);
  size_t len = tct_wire_tcp_emit(to, &h, TCT_TCP_OPT_STRICT);
  if (d->options != NULL) {
    memcpy(to + len, d->options, d->options_len);
    len += d->options_len;
    to[12] = (uint8_t)(len / 4 << 4);
  }
  put_octets(h.seq + ((h.flags & TCT_SYN) != 0 ? 1u : 0u), d, to + len);
  tct_iov rest = {to + TCT_TCP_HEADER_LEN, len - TCT_TCP_HEADER_LEN + d->len};
  if (d->options !=
      NULL) { /* the sum over a header of 20 bytes is told a length that it cannot see */
    uint8_t head[TCT_TCP_HEADER_LEN];
    memcpy(head, to, sizeof head);
    head[12] = 5 << 4;
    tct_wire_tcp_finish(head, &t->src, &t->dst, &rest, 1);
    uint32_t sum = (uint32_t)(head[16] << 8 | head[17]);
    sum += 0xffffu - (uint32_t)((to[12] - head[12]) << 8); /* one's complement: take the rest off */
    sum = (sum & 0xffff) + (sum >> 16);
    to[16] = (uint8_t)(sum >> 8);
    to[17] = (uint8_t)sum;
    return len + d->len;
  }
  tct_iov body = {to + len, d->len};
  tct_wire_tcp_finish(to, &t->src, &t->dst, &body, d->len > 0 ? 1 : 0);
  return len + d->len;
}

size_t seg_make(const tct_seg *t, const struct seg_diff *d, uint8_t to[SEG_PACKET_MAX]) {
  struct tct_ip_hdr ip;
  memset(&ip, 0, sizeof ip);
  ip.src = t->src;
  ip.dst = t->dst;
  ip.family = tct_wire_ip_family(&t->src);
  ip.proto = TCT_IPPROTO_TCP;
  ip.hop_limit = d->hop_limit != 0 ? d->hop_limit : 64;
  ip.tclass = d->tclass;
  ip.dont_frag = true;
  size_t head = tct_wire_ip_emit_len(&ip);
  assert_true(head + TCT_TCP_HEADER_MAX + d->len <= SEG_PACKET_MAX);
  size_t body = make_tcp(t, d, to + head);
  if (d->bad_checksum)
    to[head + TCT_TCP_CHECKSUM_AT] ^= 0x10;
  ip.payload_len = (uint16_t)body;
  tct_wire_ip_emit(to, &ip);
  return head + body;
}

static void read_options(const struct tct_tcp_opts *o, tct_seg *seg) {
  assert_false(o->malformed);
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

bool seg_read(const uint8_t *p, size_t len, tct_seg *seg, const uint8_t **payload) {
  struct tct_ip_hdr ip;
  struct tct_tcp_hdr h;
  memset(seg, 0, sizeof *seg);
  assert_int_equal(tct_wire_ip_parse(p, len, len, &ip), TCT_ACCEPTED);
  assert_int_equal(ip.header_len + ip.payload_len, len);
  seg->src = ip.src;
  seg->dst = ip.dst;
  seg->hop_limit = ip.hop_limit;
  seg->tclass = ip.tclass;
  if (ip.proto != TCT_IPPROTO_TCP)
    return false;
  assert_true(tct_wire_tcp_checksum_ok(&ip.src, &ip.dst, ip.payload, ip.payload_len));
  assert_int_equal(tct_wire_tcp_parse(ip.payload, ip.payload_len, &h), TCT_ACCEPTED);
  seg->sport = h.sport;
  seg->dport = h.dport;
  seg->seq = h.seq;
  seg->ack = h.ack;
  seg->flags = h.flags;
  seg->len = (uint32_t)ip.payload_len - h.header_len;
  seg->window_raw = h.window;
  seg->window_bytes = h.window;
  seg->urgent = h.urgent;
  read_options(&h.opt, seg);
  *payload = ip.payload + h.header_len;
  return true;
}
