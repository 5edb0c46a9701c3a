/* SPDX-License-Identifier: MIT */
/*
 * Rewriting packets in the path, with checksums updated and not computed anew: damage stays
 * visible. Called by nat.c and box.c. RFC 1624, RFC 3022 section 4.2.
 */
#include "sim/rewrite.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

static uint32_t find_sum(const struct sim_view *v) {
  switch (v->ip.proto) {
  case TCT_IPPROTO_TCP:
    return 16;
  case TCT_IPPROTO_UDP:
    return v->upper_len >= 8 && tct_bytes_get16(v->upper + 6) != 0 ? 6 : UINT32_MAX;
  case TCT_IPPROTO_ICMP:
  case TCT_IPPROTO_ICMP6:
    return 2;
  default:
    return UINT32_MAX;
  }
}

bool sim_rewrite_open(uint8_t *packet, uint32_t len, struct sim_view *v) {
  memset(v, 0, sizeof *v);
  if (tct_wire_ip_parse(packet, len, len, &v->ip) != TCT_ACCEPTED)
    return false;
  v->b = packet;
  v->len = len;
  v->upper = packet + v->ip.header_len;
  v->upper_len = v->ip.is_frag ? 0 : v->ip.payload_len;
  v->sum_at = find_sum(v);
  if (v->sum_at != UINT32_MAX && v->sum_at + 2 > v->upper_len)
    v->sum_at = UINT32_MAX;
  return true;
}

static void fix_sum(struct sim_view *v, uint16_t was, uint16_t is) {
  uint16_t sum;
  if (v->sum_at == UINT32_MAX)
    return;
  sum = tct_checksum_update16(tct_bytes_get16(v->upper + v->sum_at), was, is);
  if (sum == 0 && v->ip.proto == TCT_IPPROTO_UDP) /* which would say that there is none */
    sum = 0xffff;
  tct_bytes_put16(v->upper + v->sum_at, sum);
}

/* Octet n of the message is the high or the low half of a word of the sum. */
static uint16_t as_word(uint32_t n, uint8_t octet) {
  return (uint16_t)(n % 2 == 0 ? octet << 8 : octet);
}

void sim_rewrite_upper(struct sim_view *v, uint32_t at, const void *to, uint32_t n) {
  const uint8_t *octets = to;
  for (uint32_t i = 0; i < n && at + i < v->upper_len; i++) {
    fix_sum(v, as_word(at + i, v->upper[at + i]), as_word(at + i, octets[i]));
    v->upper[at + i] = octets[i];
  }
}

void sim_rewrite_upper16(struct sim_view *v, uint32_t at, uint16_t to) {
  uint8_t octets[2];
  tct_bytes_put16(octets, to);
  sim_rewrite_upper(v, at, octets, sizeof octets);
}

void sim_rewrite_upper32(struct sim_view *v, uint32_t at, uint32_t to) {
  uint8_t octets[4];
  tct_bytes_put32(octets, to);
  sim_rewrite_upper(v, at, octets, sizeof octets);
}

static void put_v4_word(struct sim_view *v, uint32_t at, uint16_t to) {
  uint16_t was = tct_bytes_get16(v->b + at);
  tct_bytes_put16(v->b + at, to);
  tct_bytes_put16(v->b + 10, tct_checksum_update16(tct_bytes_get16(v->b + 10), was, to));
}

/* The pseudo-header has the address, but in ICMP for IPv4. */
void sim_rewrite_addr(struct sim_view *v, bool source, const tct_addr *to) {
  bool is_v4 = v->ip.family == 4;
  uint32_t at = is_v4 ? (source ? 12 : 16) : (source ? 8 : 24), n = is_v4 ? 4 : 16;
  const uint8_t *octets = to->b + (is_v4 ? 12 : 0);
  bool in_sum = v->upper_len > 0 && v->ip.proto != TCT_IPPROTO_ICMP;
  for (uint32_t i = 0; i < n; i += 2) {
    uint16_t was = tct_bytes_get16(v->b + at + i), is = tct_bytes_get16(octets + i);
    if (in_sum)
      fix_sum(v, was, is);
    if (is_v4)
      put_v4_word(v, at + i, is);
    else
      tct_bytes_put16(v->b + at + i, is);
  }
  if (source)
    v->ip.src = *to;
  else
    v->ip.dst = *to;
}

void sim_rewrite_ecn(struct sim_view *v, unsigned ecn) {
  uint16_t word = tct_bytes_get16(v->b);
  if (v->ip.family == 4)
    put_v4_word(v, 0, (uint16_t)((word & 0xfffcu) | ecn));
  else
    tct_bytes_put16(v->b, (uint16_t)((word & 0xffcfu) | ecn << 4));
}
