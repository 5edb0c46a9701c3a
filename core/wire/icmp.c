/* SPDX-License-Identifier: MIT */
/*
 * icmp.c - ICMP messages of both families; see icmp.h for what is left to ip/icmp.
 * RFC 792, RFC 1122 section 3.2.2, RFC 4443, RFC 4884 sections 4 and 5.
 */
#include "wire/icmp.h"

#include "util/mem.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv6.h"

enum {
  T4_ECHO_REPLY = 0,
  T4_UNREACH = 3,
  T4_QUENCH = 4,
  T4_REDIRECT = 5,
  T4_ECHO = 8,
  T4_TIME_EXCEEDED = 11,
  T4_PARAM = 12
};
enum {
  T6_UNREACH = 1,
  T6_TOO_BIG = 2,
  T6_TIME_EXCEEDED = 3,
  T6_PARAM = 4,
  T6_ECHO = 128,
  T6_ECHO_REPLY = 129,
  T6_REDIRECT = 137
};
enum { EXTENDED_QUOTE_MIN = 128 }; /* RFC 4884 4: a shorter "length" is no such length */

static const uint8_t unreach4[] = {
    TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_HOST,        TCT_ICMP_UNREACH_PROTO,
    TCT_ICMP_UNREACH_PORT,  TCT_ICMP_UNREACH_FRAG_NEEDED, TCT_ICMP_UNREACH_SRC_ROUTE,
    TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_HOST,        TCT_ICMP_UNREACH_HOST,
    TCT_ICMP_UNREACH_ADMIN, TCT_ICMP_UNREACH_ADMIN,       TCT_ICMP_UNREACH_NET,
    TCT_ICMP_UNREACH_HOST,  TCT_ICMP_UNREACH_ADMIN};
static const uint8_t unreach6[] = {TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_ADMIN,
                                   TCT_ICMP_UNREACH_OTHER, TCT_ICMP_UNREACH_HOST,
                                   TCT_ICMP_UNREACH_PORT,  TCT_ICMP_UNREACH_ADMIN,
                                   TCT_ICMP_UNREACH_ADMIN, TCT_ICMP_UNREACH_SRC_ROUTE};

static enum tct_icmp_kind read_time_exceeded(uint8_t code) {
  if (code > 1)
    return TCT_ICMP_ERROR_OTHER;
  return code == 0 ? TCT_ICMP_TIME_EXCEEDED_TRANSIT : TCT_ICMP_TIME_EXCEEDED_REASSEMBLY;
}

static enum tct_icmp_kind read_kind4(uint8_t type, uint8_t code) {
  switch (type) {
  case T4_ECHO_REPLY:
    return TCT_ICMP_ECHO_REPLY;
  case T4_UNREACH:
    return code < sizeof unreach4 ? (enum tct_icmp_kind)unreach4[code] : TCT_ICMP_UNREACH_OTHER;
  case T4_QUENCH:
    return TCT_ICMP_SOURCE_QUENCH;
  case T4_REDIRECT:
    return TCT_ICMP_REDIRECT;
  case T4_ECHO:
    return TCT_ICMP_ECHO_REQUEST;
  case T4_TIME_EXCEEDED:
    return read_time_exceeded(code);
  case T4_PARAM:
    return TCT_ICMP_PARAM_PROBLEM;
  default:
    return TCT_ICMP_OTHER;
  }
}

static enum tct_icmp_kind read_kind6(uint8_t type, uint8_t code) {
  switch (type) {
  case T6_UNREACH:
    return code < sizeof unreach6 ? (enum tct_icmp_kind)unreach6[code] : TCT_ICMP_UNREACH_OTHER;
  case T6_TOO_BIG:
    return TCT_ICMP_PACKET_TOO_BIG;
  case T6_TIME_EXCEEDED:
    return read_time_exceeded(code);
  case T6_PARAM:
    return TCT_ICMP_PARAM_PROBLEM;
  case T6_ECHO:
    return TCT_ICMP_ECHO_REQUEST;
  case T6_ECHO_REPLY:
    return TCT_ICMP_ECHO_REPLY;
  case T6_REDIRECT:
    return TCT_ICMP_REDIRECT;
  default:
    return type < 128 ? TCT_ICMP_ERROR_OTHER : TCT_ICMP_OTHER;
  }
}

/* Where the quote ends if the message says so (RFC 4884); what follows are extensions. */
static size_t find_quote_end(uint8_t family, const uint8_t *p, size_t body_len) {
  uint8_t type = p[0];
  size_t said = 0;
  if (family == 4 && (type == T4_UNREACH || type == T4_TIME_EXCEEDED || type == T4_PARAM))
    said = (size_t)p[5] * 4;
  if (family == 6 && (type == T6_UNREACH || type == T6_TIME_EXCEEDED))
    said = (size_t)p[4] * 8;
  return said >= EXTENDED_QUOTE_MIN && said <= body_len ? said : body_len;
}

tct_verdict tct_wire_icmp_parse(uint8_t family, const uint8_t *p, size_t len,
                                struct tct_icmp_hdr *out) {
  memset(out, 0, sizeof *out);
  if (len < TCT_ICMP_HEADER_LEN)
    return TCT_DROP_ICMP_SHORT;
  out->type = p[0];
  out->code = p[1];
  out->kind = family == 4 ? read_kind4(p[0], p[1]) : read_kind6(p[0], p[1]);
  out->rest = tct_bytes_get32(p + 4);
  out->id = tct_bytes_get16(p + 4);
  out->seq = tct_bytes_get16(p + 6);
  if (out->kind == TCT_ICMP_UNREACH_FRAG_NEEDED)
    out->mtu = out->seq;
  if (out->kind == TCT_ICMP_PACKET_TOO_BIG)
    out->mtu = out->rest;
  if (out->kind == TCT_ICMP_PARAM_PROBLEM)
    out->pointer = family == 4 ? p[4] : out->rest;
  out->body = p + TCT_ICMP_HEADER_LEN;
  out->body_len = find_quote_end(family, p, len - TCT_ICMP_HEADER_LEN);
  return TCT_ACCEPTED;
}

/* Only ICMPv6 covers a pseudo-header. */
static void start_sum(struct tct_checksum *c, const tct_addr *src, const tct_addr *dst,
                      size_t len) {
  tct_checksum_init(c);
  if (!tct_bytes_addr_is_ipv4(src))
    tct_checksum_feed_pseudo(c, src, dst, TCT_IPPROTO_ICMP6, (uint32_t)len);
}

bool tct_wire_icmp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                               size_t len) {
  struct tct_checksum c;
  start_sum(&c, src, dst, len);
  tct_checksum_feed(&c, p, len);
  return tct_checksum_is_ok(&c);
}

bool tct_wire_icmp_checksum_ok_iov(const struct tct_ip_hdr *ip, const tct_iov *iov, size_t n) {
  struct tct_checksum c;
  start_sum(&c, &ip->src, &ip->dst, ip->payload_len);
  tct_checksum_feed_iov(&c, iov, n, ip->header_len, ip->payload_len);
  return tct_checksum_is_ok(&c);
}

/* ---- What an error quotes ------------------------------------------------------------------- */

/* The first bytes of the quoted upper layer, at least 8 of them if the router kept RFC 792. */
static void read_upper(const uint8_t *p, size_t len, struct tct_icmp_quote *q) {
  bool is_echo = (q->proto == TCT_IPPROTO_ICMP && len > 0 && p[0] == T4_ECHO) ||
                 (q->proto == TCT_IPPROTO_ICMP6 && len > 0 && p[0] == T6_ECHO);
  if ((q->proto == TCT_IPPROTO_TCP || q->proto == TCT_IPPROTO_UDP) && len >= 4) {
    q->sport = tct_bytes_get16(p);
    q->dport = tct_bytes_get16(p + 2);
    q->has_ports = true;
  }
  if (q->proto == TCT_IPPROTO_TCP && len >= 8) {
    q->seq = tct_bytes_get32(p + 4);
    q->has_seq = true;
  }
  if (is_echo && len >= 8) {
    q->sport = tct_bytes_get16(p + 4);
    q->seq = tct_bytes_get16(p + 6);
    q->has_ports = true;
    q->has_seq = true;
  }
}

static bool read_quote4(const uint8_t *p, size_t len, struct tct_icmp_quote *q) {
  size_t header_len = len > 0 ? (size_t)(p[0] & 15) * 4 : 0;
  if (len < TCT_IP4_HEADER_LEN || p[0] >> 4 != 4 || header_len < TCT_IP4_HEADER_LEN)
    return false;
  tct_bytes_get_addr4(p + 12, &q->src);
  tct_bytes_get_addr4(p + 16, &q->dst);
  q->proto = p[9];
  q->total_len = tct_bytes_get16(p + 2);
  bool is_first = (tct_bytes_get16(p + 6) & 0x1fff) == 0;
  if (is_first && header_len < len)
    read_upper(p + header_len, len - header_len, q);
  return true;
}

static bool read_quote6(const uint8_t *p, size_t len, struct tct_icmp_quote *q) {
  if (len < TCT_IP6_HEADER_LEN || p[0] >> 4 != 6)
    return false;
  tct_bytes_get_addr6(p + 8, &q->src);
  tct_bytes_get_addr6(p + 24, &q->dst);
  uint32_t total_len = (uint32_t)tct_bytes_get16(p + 4) + TCT_IP6_HEADER_LEN;
  q->total_len = total_len < UINT16_MAX ? (uint16_t)total_len : UINT16_MAX;
  q->proto = p[6];
  size_t at = TCT_IP6_HEADER_LEN;
  bool is_first = true;
  for (int i = 0; i < TCT_IP6_EXT_HEADERS_MAX && is_first; i++) {
    size_t ext = tct_wire_ipv6_ext_len(q->proto, p + at, len - at);
    if (ext == 0 || ext > len - at)
      break;
    if (q->proto == TCT_IPPROTO_FRAGMENT)
      is_first = (tct_bytes_get16(p + at + 2) & 0xfff8) == 0;
    q->proto = p[at];
    at += ext;
  }
  if (is_first)
    read_upper(p + at, len - at, q);
  return true;
}

bool tct_wire_icmp_parse_quote(uint8_t family, const uint8_t *p, size_t len,
                               struct tct_icmp_quote *out) {
  memset(out, 0, sizeof *out);
  return family == 4 ? read_quote4(p, len, out) : read_quote6(p, len, out);
}

/* ---- Out ------------------------------------------------------------------------------------ */

struct type_code {
  uint8_t type4, code4, type6, code6;
};

/* Type 0 is no error in either family: it stands for "there is none". */
static const struct type_code errors[TCT_ICMP_KIND_COUNT] = {
    [TCT_ICMP_UNREACH_NET] = {T4_UNREACH, 0, T6_UNREACH, 0},
    [TCT_ICMP_UNREACH_HOST] = {T4_UNREACH, 1, T6_UNREACH, 3},
    [TCT_ICMP_UNREACH_PROTO] = {T4_UNREACH, 2, T6_PARAM, 1},
    [TCT_ICMP_UNREACH_PORT] = {T4_UNREACH, 3, T6_UNREACH, 4},
    [TCT_ICMP_UNREACH_FRAG_NEEDED] = {T4_UNREACH, 4, T6_TOO_BIG, 0},
    [TCT_ICMP_UNREACH_SRC_ROUTE] = {T4_UNREACH, 5, T6_UNREACH, 7},
    [TCT_ICMP_UNREACH_ADMIN] = {T4_UNREACH, 13, T6_UNREACH, 1},
    [TCT_ICMP_TIME_EXCEEDED_TRANSIT] = {T4_TIME_EXCEEDED, 0, T6_TIME_EXCEEDED, 0},
    [TCT_ICMP_TIME_EXCEEDED_REASSEMBLY] = {T4_TIME_EXCEEDED, 1, T6_TIME_EXCEEDED, 1},
    [TCT_ICMP_PARAM_PROBLEM] = {T4_PARAM, 0, T6_PARAM, 0},
    [TCT_ICMP_PACKET_TOO_BIG] = {T4_UNREACH, 4, T6_TOO_BIG, 0},
};

struct tct_ip_problem tct_wire_icmp_problem(uint8_t family, enum tct_icmp_kind kind) {
  struct tct_ip_problem none = {0};
  if ((unsigned)kind >= TCT_ICMP_KIND_COUNT)
    return none;
  const struct type_code *e = &errors[kind];
  struct tct_ip_problem out = {.type = family == 4 ? e->type4 : e->type6,
                               .code = family == 4 ? e->code4 : e->code6,
                               .report = true};
  return out.type != 0 ? out : none;
}

size_t tct_wire_icmp_error_len(uint8_t family, size_t quote_len) {
  size_t max = family == 4 ? TCT_ICMP4_ERROR_MAX - TCT_IP4_HEADER_LEN
                           : TCT_ICMP6_ERROR_MAX - TCT_IP6_HEADER_LEN;
  size_t len = TCT_ICMP_HEADER_LEN + (quote_len < max ? quote_len : max);
  return len < max ? len : max;
}

static void finish_message(uint8_t *p, size_t len, const tct_addr *src, const tct_addr *dst) {
  struct tct_checksum c;
  tct_bytes_put16(p + 2, 0);
  start_sum(&c, src, dst, len);
  tct_checksum_feed(&c, p, len);
  tct_bytes_put16(p + 2, tct_checksum_field(&c));
}

size_t tct_wire_icmp_emit_error(uint8_t *p, size_t cap, const tct_addr *src, const tct_addr *dst,
                                const struct tct_icmp_error *e) {
  uint8_t family = tct_bytes_addr_is_ipv4(src) ? 4 : 6;
  size_t len = tct_wire_icmp_error_len(family, e->quote_len);
  if (len > cap)
    return 0;
  /* An IPv4 parameter problem keeps its pointer in the word's first byte. */
  bool high = family == 4 && e->what.type == T4_PARAM;
  if (len > TCT_ICMP_HEADER_LEN)
    memmove(p + TCT_ICMP_HEADER_LEN, e->quote, len - TCT_ICMP_HEADER_LEN);
  p[0] = e->what.type;
  p[1] = e->what.code;
  tct_bytes_put32(p + 4, high ? (e->what.pointer & 0xff) << 24 : e->what.pointer);
  finish_message(p, len, src, dst);
  return len;
}

size_t tct_wire_icmp_emit_echo(uint8_t *p, size_t cap, const tct_addr *src, const tct_addr *dst,
                               const struct tct_icmp_echo *e) {
  bool v4 = tct_bytes_addr_is_ipv4(src);
  if (cap < TCT_ICMP_HEADER_LEN || e->len > cap - TCT_ICMP_HEADER_LEN)
    return 0;
  if (e->len > 0)
    memmove(p + TCT_ICMP_HEADER_LEN, e->data, e->len);
  p[0] = e->is_reply ? (v4 ? T4_ECHO_REPLY : T6_ECHO_REPLY) : (v4 ? T4_ECHO : T6_ECHO);
  p[1] = 0;
  tct_bytes_put16(p + 4, e->id);
  tct_bytes_put16(p + 6, e->seq);
  finish_message(p, TCT_ICMP_HEADER_LEN + e->len, src, dst);
  return TCT_ICMP_HEADER_LEN + e->len;
}
