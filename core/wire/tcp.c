/* SPDX-License-Identifier: MIT */
/*
 * tcp.c - the TCP header: fields in and out, checksum checked and made. Called by the way in
 * (before demux) and by tcp_output. Options are tcp_opt.c. RFC 9293 section 3.1.
 */
#include "wire/tcp.h"

#include "util/mem.h"
#include "util/plant.h"
#include "util/rule.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { AT_OFFSET = 12, AT_FLAGS = 13 };

tct_verdict tct_wire_tcp_parse(const uint8_t *p, size_t len, struct tct_tcp_hdr *out) {
  if (len < TCT_TCP_HEADER_LEN) {
    memset(out, 0, sizeof *out);
    return TCT_DROP_TCP_SHORT;
  }
  size_t header_len = (size_t)(p[AT_OFFSET] >> 4) * 4;
  out->sport = tct_bytes_get16(p);
  out->dport = tct_bytes_get16(p + 2);
  out->seq = tct_bytes_get32(p + 4);
  out->ack = tct_bytes_get32(p + 8);
  out->flags = p[AT_FLAGS];
  out->ae = (p[AT_OFFSET] & 1) != 0;
  out->reserved = p[AT_OFFSET] >> 1 & 7; /* kept for traces only [RFC9293 EP-52] */
  out->window = tct_bytes_get16(p + 14);
  out->urgent = tct_bytes_get16(p + 18);
  out->header_len = (uint8_t)header_len;
  /* An offset below five or past the segment's end is malformed [RFC9293 EP-53]. */
  bool fits = header_len >= TCT_TCP_HEADER_LEN && header_len <= len;
  /* Options may stand in any segment, whatever its flags [RFC9293 MUST-5]. */
  bool read = TCT_RULE_ELSE(MUST_5, true, (out->flags & TCT_SYN) != 0);
  size_t opt_len = fits && read ? header_len - TCT_TCP_HEADER_LEN : 0;
  tct_wire_tcp_opt_parse(p + TCT_TCP_HEADER_LEN, opt_len, &out->opt);
  return fits ? TCT_ACCEPTED : TCT_DROP_TCP_OFFSET;
}

/* [RFC9293 MUST-3] */
static bool judge_sum(const struct tct_checksum *c) {
  return TCT_RULE_ELSE(MUST_3, tct_checksum_is_ok(c), true);
}

bool tct_wire_tcp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                              size_t len) {
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_TCP, (uint32_t)len);
  tct_checksum_feed(&c, p, len);
  return judge_sum(&c);
}

bool tct_wire_tcp_checksum_ok_flat(const struct tct_ip_hdr *ip, const uint8_t *p, uint32_t len,
                                   tct_sum_fn fast) {
  bool ok = tct_checksum_is_packet_ok(&ip->src, &ip->dst, TCT_IPPROTO_TCP, p, len, fast);
  return TCT_RULE_ELSE(MUST_3, ok, true);
}

bool tct_wire_tcp_checksum_ok_iov(const struct tct_ip_hdr *ip, const tct_iov *iov, size_t n,
                                  tct_sum_fn fast) {
  struct tct_checksum c;
  tct_checksum_init_with(&c, fast);
  tct_checksum_feed_pseudo(&c, &ip->src, &ip->dst, TCT_IPPROTO_TCP, ip->payload_len);
  tct_checksum_feed_iov(&c, iov, n, ip->header_len, ip->payload_len);
  return judge_sum(&c);
}

size_t tct_wire_tcp_emit(uint8_t *p, const struct tct_tcp_hdr *h, enum tct_tcp_opt_layout layout) {
  size_t opt_len =
      tct_wire_tcp_opt_emit(p + TCT_TCP_HEADER_LEN, TCT_TCP_OPT_BYTES_MAX, &h->opt, layout);
  size_t len = TCT_TCP_HEADER_LEN + opt_len;
  tct_bytes_put16(p, h->sport);
  tct_bytes_put16(p + 2, h->dport);
  tct_bytes_put32(p + 4, h->seq);
  tct_bytes_put32(p + 8, h->ack);
  /* The reserved bits go out as zero whatever h holds [RFC9293 EP-52]. */
  p[AT_OFFSET] = (uint8_t)(len / 4 << 4 | (h->ae ? 1 : 0));
  p[AT_FLAGS] = h->flags;
  tct_bytes_put16(p + 14, h->window);
  tct_bytes_put16(p + TCT_TCP_CHECKSUM_AT, 0);
  tct_bytes_put16(p + 18, h->urgent);
  return len;
}

/* The pieces say how long the payload is. */
static size_t add_lengths(const tct_iov *iov, size_t n) {
  size_t len = 0;
  for (size_t i = 0; i < n; i++)
    len += iov[i].len;
  return len;
}

void tct_wire_tcp_finish(uint8_t *p, const tct_addr *src, const tct_addr *dst, const tct_iov *iov,
                         size_t n) {
  tct_wire_tcp_finish_with(p, src, dst, &(struct tct_wire_payload){iov, n, NULL});
}

static uint16_t sum_with(const uint8_t *p, const tct_addr *src, const tct_addr *dst,
                         const struct tct_wire_payload *payload, size_t header_len,
                         size_t payload_len) {
  struct tct_checksum c;
  tct_checksum_init_with(&c, payload->fast);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_TCP, (uint32_t)(header_len + payload_len));
  tct_checksum_feed(&c, p, header_len);
  size_t summed = TCT_PLANT(ODD_OCTET_UNSUMMED) ? payload_len & ~(size_t)1 : payload_len;
  tct_checksum_feed_iov(&c, payload->iov, payload->n, 0, summed);
  return tct_checksum_field(&c);
}

void tct_wire_tcp_finish_with(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                              const struct tct_wire_payload *payload) {
  size_t header_len = (size_t)(p[AT_OFFSET] >> 4) * 4;
  size_t payload_len = add_lengths(payload->iov, payload->n);
  tct_bytes_put16(p + TCT_TCP_CHECKSUM_AT, 0);
  uint16_t field = payload_len == 0
                       ? tct_checksum_of_packet(src, dst, TCT_IPPROTO_TCP, p, (uint32_t)header_len)
                       : sum_with(p, src, dst, payload, header_len, payload_len);
  /* [RFC9293 MUST-2] */
  tct_bytes_put16(p + TCT_TCP_CHECKSUM_AT, (uint16_t)TCT_RULE_ELSE(MUST_2, field, 0));
}

void tct_wire_tcp_finish_partial(uint8_t *p, const tct_addr *src, const tct_addr *dst,
                                 uint32_t payload_len) {
  struct tct_checksum c;
  uint32_t header_len = (uint32_t)(p[AT_OFFSET] >> 4) * 4;
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_TCP, header_len + payload_len);
  tct_bytes_put16(p + TCT_TCP_CHECKSUM_AT, tct_checksum_sum(&c));
}
