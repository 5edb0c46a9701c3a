/* SPDX-License-Identifier: MIT */
/*
 * ipv6.c - the IPv6 header and its chain of extension headers.
 *
 * Called through ip.c and, with a reassembled payload, by ip_reasm. Leaves to ip/: whether the
 * addresses are legal and ours, reassembly, whether a problem is reported, unknown upper layers.
 * Work is bounded: TCT_IP6_EXT_HEADERS_MAX headers of TCT_IP6_EXT_BYTES_MAX bytes in all.
 * RFC 8200 sections 3 and 4, RFC 5095 (no type 0 routing), 6946 (atomic fragments), 7112 (the
 * first fragment holds the whole chain), 8504 section 5.3 (limits).
 */
#include "wire/ipv6.h"

#include "util/mem.h"
#include "wire/bytes.h"

enum { PARAM_PROBLEM = 4, BAD_FIELD = 0, BAD_NEXT_HEADER = 1, BAD_OPTION = 2, BAD_FIRST = 3 };
enum { AT_PAYLOAD_LEN = 4, AT_NEXT_HEADER = 6 };
enum { OPT_PAD1 = 0 };
enum { ACT_SKIP = 0, ACT_DROP = 1, ACT_REPORT = 2, ACT_REPORT_UNICAST = 3 };

static tct_verdict refuse(struct tct_ip_hdr *h, tct_verdict v, uint8_t code, size_t pointer) {
  h->problem = (struct tct_ip_problem){
      .type = PARAM_PROBLEM, .code = code, .report = true, .pointer = (uint32_t)pointer};
  return v;
}

static bool is_extension(uint8_t next_header) {
  return next_header == TCT_IPPROTO_HOP_BY_HOP || next_header == TCT_IPPROTO_ROUTING ||
         next_header == TCT_IPPROTO_FRAGMENT || next_header == TCT_IPPROTO_DEST_OPTS;
}

size_t tct_wire_ipv6_ext_len(uint8_t next_header, const uint8_t *p, size_t have) {
  if (!is_extension(next_header) || have < 8)
    return 0;
  return next_header == TCT_IPPROTO_FRAGMENT ? TCT_IP6_FRAGMENT_LEN : ((size_t)p[1] + 1) * 8;
}

/* An option that nobody here knows says itself, in its two high bits, what is to be done. */
static tct_verdict refuse_option(struct tct_ip_hdr *h, uint8_t type, size_t at) {
  bool multicast = h->dst.b[0] == 0xff;
  if (type >> 6 == ACT_REPORT || (type >> 6 == ACT_REPORT_UNICAST && !multicast))
    return refuse(h, TCT_DROP_IP6_OPTION, BAD_OPTION, h->header_len + at);
  return TCT_DROP_IP6_OPTION;
}

/* Hop-by-hop or destination options, len bytes at h->payload. Each step moves on by one at least.
 */
static tct_verdict walk_options(struct tct_ip_hdr *h, size_t len) {
  const uint8_t *p = h->payload;
  size_t at = 2;
  while (at < len) {
    uint8_t type = p[at];
    if (type == OPT_PAD1) {
      at++;
      continue;
    }
    if (len - at < 2 || p[at + 1] > len - at - 2)
      return refuse(h, TCT_DROP_IP6_OPTION, BAD_FIELD, h->header_len + at);
    if (type >> 6 != ACT_SKIP)
      return refuse_option(h, type, at);
    at += 2u + p[at + 1];
  }
  return TCT_ACCEPTED;
}

/* Whatever its type, a routing header that still wants to go somewhere is not for a host. */
static tct_verdict check_routing(struct tct_ip_hdr *h) {
  if (h->payload[3] == 0)
    return TCT_ACCEPTED;
  return refuse(h, TCT_DROP_IP6_ROUTING, BAD_FIELD, h->header_len + 2u);
}

/* RFC 8200 4.5, with the pointers it asks for. */
static tct_verdict check_fragment(struct tct_ip_hdr *h) {
  uint32_t len = (uint32_t)h->payload_len - TCT_IP6_FRAGMENT_LEN;
  if (h->frag_more && (len % 8 != 0 || len == 0))
    return refuse(h, TCT_DROP_FRAGMENT_SIZE, BAD_FIELD, AT_PAYLOAD_LEN);
  if (h->frag_off_bytes + len > UINT16_MAX)
    return refuse(h, TCT_DROP_FRAGMENT_TOO_BIG, BAD_FIELD, h->header_len + 2u);
  return TCT_ACCEPTED;
}

static tct_verdict read_fragment(struct tct_ip_hdr *h) {
  const uint8_t *p = h->payload;
  uint16_t word = tct_bytes_get16(p + 2);
  if (h->has_frag_hdr)
    return TCT_DROP_IP6_EXT_CHAIN; /* nested: nobody has an honest use for it */
  h->has_frag_hdr = true;
  h->frag_off_bytes = word & 0xfff8;
  h->frag_more = (word & 1) != 0;
  h->id = tct_bytes_get32(p + 4);
  h->is_frag = h->frag_more || h->frag_off_bytes != 0;
  return check_fragment(h);
}

/* Makes the header of len bytes at h->payload part of what is done. */
static void step_over(struct tct_ip_hdr *h, size_t len) {
  h->proto = h->payload[0];
  h->proto_offset = h->header_len;
  h->payload += len;
  h->header_len = (uint16_t)(h->header_len + len);
  h->payload_len = (uint16_t)(h->payload_len - len);
  h->payload_have = (uint16_t)(h->payload_have - len);
}

/* One extension header: its place in the order, its length, its content. */
static tct_verdict take_extension(struct tct_ip_hdr *h) {
  size_t walked = (size_t)h->header_len - TCT_IP6_HEADER_LEN;
  if (h->proto == TCT_IPPROTO_HOP_BY_HOP && walked > 0)
    return refuse(h, TCT_DROP_IP6_EXT_CHAIN, BAD_NEXT_HEADER, h->proto_offset);
  size_t len = tct_wire_ipv6_ext_len(h->proto, h->payload, h->payload_have);
  if (len == 0 || len > h->payload_have)
    return TCT_DROP_IP6_EXT_HEADER;
  if (h->ext_headers >= TCT_IP6_EXT_HEADERS_MAX || walked + len > TCT_IP6_EXT_BYTES_MAX)
    return TCT_DROP_IP6_EXT_CHAIN;
  h->ext_headers++;

  tct_verdict v;
  if (h->proto == TCT_IPPROTO_FRAGMENT)
    v = read_fragment(h);
  else if (h->proto == TCT_IPPROTO_ROUTING)
    v = check_routing(h);
  else
    v = walk_options(h, len);
  h->has_options |= h->proto != TCT_IPPROTO_FRAGMENT;
  if (v == TCT_ACCEPTED)
    step_over(h, len);
  return v;
}

/* Until the upper layer or, in a fragment, right behind the fragment header. */
static tct_verdict walk_chain(struct tct_ip_hdr *h) {
  while (is_extension(h->proto) && !h->is_frag) {
    tct_verdict v = take_extension(h);
    if (v != TCT_ACCEPTED)
      return v;
  }
  return TCT_ACCEPTED;
}

/* Bytes of upper-layer header that must be there to say that the chain is whole. */
static size_t upper_min(uint8_t proto, const uint8_t *p, size_t have) {
  if (proto == TCT_IPPROTO_TCP)
    return have >= 13 && p[12] >> 4 > 5 ? (size_t)(p[12] >> 4) * 4 : 20;
  if (proto == TCT_IPPROTO_UDP)
    return 8;
  return proto == TCT_IPPROTO_ICMP6 ? 4 : 0;
}

/* RFC 7112 5: looks ahead on a copy, for the payload of a fragment begins behind its header. */
static tct_verdict check_first_fragment(struct tct_ip_hdr *h) {
  struct tct_ip_hdr ahead = *h;
  ahead.is_frag = false;
  tct_verdict v = walk_chain(&ahead);
  if (v == TCT_ACCEPTED &&
      ahead.payload_have >= upper_min(ahead.proto, ahead.payload, ahead.payload_have))
    return TCT_ACCEPTED;
  if (v != TCT_ACCEPTED && v != TCT_DROP_IP6_EXT_HEADER) {
    h->problem = ahead.problem;
    return v;
  }
  return refuse(h, TCT_DROP_IP6_FRAGMENT_CHAIN, BAD_FIRST, 0);
}

static void read_fixed(const uint8_t *p, struct tct_ip_hdr *h) {
  uint32_t word = tct_bytes_get32(p);
  h->family = 6;
  h->tclass = (uint8_t)(word >> 20);
  h->flow_label = word & 0xfffff;
  h->dont_frag = true;
  h->proto = p[AT_NEXT_HEADER];
  h->proto_offset = AT_NEXT_HEADER;
  h->hop_limit = p[7];
  tct_bytes_get_addr6(p + 8, &h->src);
  tct_bytes_get_addr6(p + 24, &h->dst);
  h->header_len = TCT_IP6_HEADER_LEN;
  h->payload = p + TCT_IP6_HEADER_LEN;
}

/* Inside, a mapped address *is* an IPv4 address: one that came in an IPv6 header would pass for a
 * peer that it is not (RFC 4942 2.2). */
static tct_verdict check_mapped(const struct tct_ip_hdr *h) {
  if (tct_bytes_addr_is_ipv4(&h->src))
    return TCT_DROP_IP_SOURCE;
  return tct_bytes_addr_is_ipv4(&h->dst) ? TCT_DROP_IP_NOT_FOR_US : TCT_ACCEPTED;
}

tct_verdict tct_wire_ipv6_parse(const uint8_t *p, size_t have, size_t frame_len,
                                struct tct_ip_hdr *h) {
  memset(h, 0, sizeof *h);
  if (have < TCT_IP6_HEADER_LEN)
    return TCT_DROP_IP_SHORT;
  if (p[0] >> 4 != 6)
    return TCT_DROP_IP_VERSION;
  size_t payload_len = tct_bytes_get16(p + AT_PAYLOAD_LEN);
  if (payload_len > frame_len - TCT_IP6_HEADER_LEN)
    return TCT_DROP_IP_TOTAL_LEN;

  size_t after = have - TCT_IP6_HEADER_LEN;
  read_fixed(p, h);
  h->payload_len = (uint16_t)payload_len;
  h->payload_have = (uint16_t)(payload_len < after ? payload_len : after);
  tct_verdict v = check_mapped(h);
  if (v == TCT_ACCEPTED)
    v = walk_chain(h);
  if (v == TCT_ACCEPTED && h->is_frag && h->frag_off_bytes == 0)
    v = check_first_fragment(h);
  if (v == TCT_ACCEPTED && h->proto == TCT_IPPROTO_NONE && !h->is_frag)
    v = TCT_DROP_IP6_NO_NEXT;
  return v;
}

tct_verdict tct_wire_ipv6_parse_chain(uint8_t next_header, const uint8_t *payload, size_t len,
                                      struct tct_ip_hdr *h) {
  if (len > UINT16_MAX)
    return TCT_DROP_FRAGMENT_TOO_BIG;
  h->is_frag = false;
  h->has_frag_hdr = true;
  h->proto = next_header;
  h->payload = payload;
  h->payload_len = (uint16_t)len;
  h->payload_have = (uint16_t)len;
  tct_verdict v = walk_chain(h);
  return v == TCT_ACCEPTED && h->proto == TCT_IPPROTO_NONE ? TCT_DROP_IP6_NO_NEXT : v;
}

static size_t emit_fragment(uint8_t *p, const struct tct_ip_hdr *h) {
  p[0] = h->proto;
  p[1] = 0;
  tct_bytes_put16(p + 2, (uint16_t)((h->frag_off_bytes & 0xfff8) | (h->frag_more ? 1 : 0)));
  tct_bytes_put32(p + 4, h->id);
  return TCT_IP6_FRAGMENT_LEN;
}

size_t tct_wire_ipv6_emit(uint8_t *p, const struct tct_ip_hdr *h) {
  size_t fragment_len = h->is_frag ? TCT_IP6_FRAGMENT_LEN : 0;
  tct_bytes_put32(p, 6u << 28 | (uint32_t)h->tclass << 20 | (h->flow_label & 0xfffff));
  tct_bytes_put16(p + AT_PAYLOAD_LEN, (uint16_t)(h->payload_len + fragment_len));
  p[AT_NEXT_HEADER] = h->is_frag ? TCT_IPPROTO_FRAGMENT : h->proto;
  p[7] = h->hop_limit;
  memcpy(p + 8, h->src.b, 16);
  memcpy(p + 24, h->dst.b, 16);
  if (h->is_frag)
    emit_fragment(p + TCT_IP6_HEADER_LEN, h);
  return TCT_IP6_HEADER_LEN + fragment_len;
}
