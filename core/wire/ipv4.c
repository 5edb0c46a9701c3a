/* SPDX-License-Identifier: MIT */
/*
 * ipv4.c - the IPv4 header: all its checks, its options walked but not followed.
 *
 * Called through ip.c. Leaves to ip/: whether the addresses are legal and ours, reassembly, whether
 * a problem is reported. RFC 791 section 3.1, RFC 1122 section 3.2.1, RFC 6274 section 3, RFC 7126.
 */
#include "wire/ipv4.h"

#include "util/mem.h"
#include "util/rule.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { OPT_END = 0, OPT_NOP = 1, OPT_LSRR = 131, OPT_SSRR = 137 };
enum { FLAG_DF = 0x4000, FLAG_MF = 0x2000, OFFSET_MASK = 0x1fff };
enum { AT_TOTAL_LEN = 2, AT_PROTO = 9, AT_CHECKSUM = 10 };

/* Of a header without options, as nearly all are: five words, one fold; else as any other piece. */
static uint16_t checksum_of(const uint8_t *p, size_t header_len) {
  uint32_t w[5];
  if (header_len != TCT_IP4_HEADER_LEN)
    return tct_checksum_of(p, header_len);
  memcpy(w, p, sizeof w);
  return tct_checksum_of_sum((uint64_t)w[0] + w[1] + w[2] + w[3] + w[4]);
}

static tct_verdict refuse_option(struct tct_ip_hdr *h, size_t at) {
  h->problem =
      (struct tct_ip_problem){.type = 12, .code = 0, .report = true, .pointer = (uint32_t)at};
  return TCT_DROP_IP_OPTIONS;
}

/* Options nobody here has use for are stepped over [RFC9293 MUST-50]; each step moves at least one
 * byte on, so the walk ends. Source routes are refused and not reported: RFC 7126 4.3, and an error
 * would have to go back along them. */
static tct_verdict walk_options(const uint8_t *p, size_t header_len, struct tct_ip_hdr *h) {
  size_t at = TCT_IP4_HEADER_LEN;
  while (at < header_len && p[at] != OPT_END) {
    if (p[at] == OPT_NOP) {
      at++;
      continue;
    }
    size_t room = header_len - at;
    size_t len = room >= 2 ? p[at + 1] : 0;
    if (len < 2 || len > room)
      return refuse_option(h, at);
    if (p[at] == OPT_LSRR || p[at] == OPT_SSRR)
      return TCT_DROP_IP_SOURCE_ROUTE;
    if (!TCT_RULE(MUST_50))
      return TCT_DROP_IP_OPTIONS;
    at += len;
  }
  return TCT_ACCEPTED;
}

static void read_fixed(const uint8_t *p, struct tct_ip_hdr *h) {
  uint16_t frag = tct_bytes_get16(p + 6);
  h->tclass = p[1];
  h->id = tct_bytes_get16(p + 4);
  h->dont_frag = (frag & FLAG_DF) != 0;
  h->frag_more = (frag & FLAG_MF) != 0;
  h->frag_off_bytes = (uint16_t)((frag & OFFSET_MASK) * 8);
  h->is_frag = (frag & (FLAG_MF | OFFSET_MASK)) != 0;
  h->hop_limit = p[8];
  h->proto = p[AT_PROTO];
  h->proto_offset = AT_PROTO;
  tct_bytes_get_addr4(p + 12, &h->src);
  tct_bytes_get_addr4(p + 16, &h->dst);
}

/* RFC 791: all but the last are multiples of 8, and the whole fits in 65535. */
static tct_verdict check_fragment(const struct tct_ip_hdr *h) {
  if (h->frag_more && (h->payload_len % 8 != 0 || h->payload_len == 0))
    return TCT_DROP_FRAGMENT_SIZE;
  if ((uint32_t)h->frag_off_bytes + h->payload_len > UINT16_MAX)
    return TCT_DROP_FRAGMENT_TOO_BIG;
  return TCT_ACCEPTED;
}

tct_verdict tct_wire_ipv4_parse(const uint8_t *p, size_t have, size_t frame_len,
                                struct tct_ip_hdr *h) {
  memset(h, 0, sizeof *h);
  if (have < TCT_IP4_HEADER_LEN)
    return TCT_DROP_IP_SHORT;
  if (p[0] >> 4 != 4)
    return TCT_DROP_IP_VERSION;
  size_t header_len = (size_t)(p[0] & 15) * 4;
  size_t total_len = tct_bytes_get16(p + AT_TOTAL_LEN);
  if (header_len < TCT_IP4_HEADER_LEN || header_len > have)
    return TCT_DROP_IP_HEADER_LEN;
  if (total_len < header_len || total_len > frame_len)
    return TCT_DROP_IP_TOTAL_LEN;
  if (checksum_of(p, header_len) != 0)
    return TCT_DROP_IP_CHECKSUM;

  h->family = 4;
  read_fixed(p, h);
  h->has_options = header_len > TCT_IP4_HEADER_LEN;
  h->header_len = (uint16_t)header_len;
  h->payload = p + header_len;
  h->payload_len = (uint16_t)(total_len - header_len);
  h->payload_have = (uint16_t)((total_len < have ? total_len : have) - header_len);
  tct_verdict v = walk_options(p, header_len, h);
  return v != TCT_ACCEPTED ? v : check_fragment(h);
}

size_t tct_wire_ipv4_emit(uint8_t *p, const struct tct_ip_hdr *h) {
  uint32_t frag = (uint32_t)h->frag_off_bytes / 8;
  if (h->dont_frag)
    frag |= FLAG_DF;
  if (h->frag_more)
    frag |= FLAG_MF;
  p[0] = 0x45;
  p[1] = h->tclass;
  tct_bytes_put16(p + AT_TOTAL_LEN, (uint16_t)(TCT_IP4_HEADER_LEN + h->payload_len));
  tct_bytes_put16(p + 4, (uint16_t)h->id);
  tct_bytes_put16(p + 6, (uint16_t)frag);
  p[8] = h->hop_limit;
  p[AT_PROTO] = h->proto;
  tct_bytes_put16(p + AT_CHECKSUM, 0);
  memcpy(p + 12, h->src.b + 12, 4);
  memcpy(p + 16, h->dst.b + 12, 4);
  tct_bytes_put16(p + AT_CHECKSUM, checksum_of(p, TCT_IP4_HEADER_LEN));
  return TCT_IP4_HEADER_LEN;
}
