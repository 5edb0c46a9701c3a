/* SPDX-License-Identifier: MIT */
/*
 * udp.c - the UDP header and the three rules of its checksum: none means none (IPv4), none is
 * forbidden (IPv6), and a computed zero is sent as all ones. Called by udp/udp.c. RFC 768,
 * RFC 1122 section 4.1.3.4, RFC 8200 section 8.1.
 */
#include "wire/udp.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { AT_LEN = 4, AT_CHECKSUM = 6 };

tct_verdict tct_wire_udp_parse(const uint8_t *p, size_t have, size_t len, struct tct_udp_hdr *out) {
  memset(out, 0, sizeof *out);
  if (have < TCT_UDP_HEADER_LEN || len < TCT_UDP_HEADER_LEN)
    return TCT_DROP_UDP_SHORT;
  out->sport = tct_bytes_get16(p);
  out->dport = tct_bytes_get16(p + 2);
  out->len = tct_bytes_get16(p + AT_LEN);
  out->checksum = tct_bytes_get16(p + AT_CHECKSUM);
  if (out->len < TCT_UDP_HEADER_LEN || out->len > len)
    return TCT_DROP_UDP_LEN;
  return TCT_ACCEPTED;
}

bool tct_wire_udp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                              size_t len) {
  struct tct_checksum c;
  if (tct_bytes_get16(p + AT_CHECKSUM) == 0)
    return tct_bytes_addr_is_ipv4(src);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_UDP, (uint32_t)len);
  tct_checksum_feed(&c, p, len);
  return tct_checksum_is_ok(&c);
}

bool tct_wire_udp_checksum_ok_iov(const struct tct_ip_hdr *ip, const struct tct_udp_hdr *udp,
                                  const tct_iov *iov, size_t n) {
  struct tct_checksum c;
  if (udp->checksum == 0)
    return tct_bytes_addr_is_ipv4(&ip->src);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, &ip->src, &ip->dst, TCT_IPPROTO_UDP, udp->len);
  tct_checksum_feed_iov(&c, iov, n, ip->header_len, udp->len);
  return tct_checksum_is_ok(&c);
}

size_t tct_wire_udp_emit(uint8_t *p, uint16_t sport, uint16_t dport, uint16_t payload_len) {
  tct_bytes_put16(p, sport);
  tct_bytes_put16(p + 2, dport);
  tct_bytes_put16(p + AT_LEN, (uint16_t)(TCT_UDP_HEADER_LEN + payload_len));
  tct_bytes_put16(p + AT_CHECKSUM, 0);
  return TCT_UDP_HEADER_LEN;
}

void tct_wire_udp_finish(uint8_t *p, const tct_addr *src, const tct_addr *dst, const tct_iov *iov,
                         size_t n) {
  struct tct_checksum c;
  uint16_t len = tct_bytes_get16(p + AT_LEN);
  tct_bytes_put16(p + AT_CHECKSUM, 0);
  tct_checksum_init(&c);
  tct_checksum_feed_pseudo(&c, src, dst, TCT_IPPROTO_UDP, len);
  tct_checksum_feed(&c, p, TCT_UDP_HEADER_LEN);
  tct_checksum_feed_iov(&c, iov, n, 0, len - (size_t)TCT_UDP_HEADER_LEN);
  uint16_t field = tct_checksum_field(&c);
  tct_bytes_put16(p + AT_CHECKSUM, field != 0 ? field : 0xffff);
}
