/* SPDX-License-Identifier: MIT */
/*
 * icmp.h - ICMP for both families under one set of kinds, and what an error quotes.
 *
 * Called by ip/icmp and, for the quote, by TCP and UDP through it. Leaves to them: whether to
 * believe an error (RFC 5927), rate limits, whom never to answer. RFC 792, 1122 section 3.2.2,
 * 4443, 4884 (extensions are cut off), 6918 (deprecated types are OTHER).
 */
#ifndef TCT_WIRE_ICMP_H
#define TCT_WIRE_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "wire/ip.h"

enum {
  TCT_ICMP_HEADER_LEN = 8,
  TCT_ICMP4_ERROR_MAX = 576, /* whole packet, IP header included: RFC 1812 4.3.2.3 */
  TCT_ICMP6_ERROR_MAX = 1280 /* RFC 4443 2.4(c) */
};

enum tct_icmp_kind {
  TCT_ICMP_OTHER, /* not an error and not ours: ignored */
  TCT_ICMP_ECHO_REQUEST,
  TCT_ICMP_ECHO_REPLY,
  TCT_ICMP_REDIRECT,
  TCT_ICMP_UNREACH_NET, /* from here to the end: errors, which are never answered by errors */
  TCT_ICMP_UNREACH_HOST,
  TCT_ICMP_UNREACH_PROTO,
  TCT_ICMP_UNREACH_PORT,
  TCT_ICMP_UNREACH_FRAG_NEEDED, /* mtu, 0 from routers older than RFC 1191 */
  TCT_ICMP_UNREACH_SRC_ROUTE,
  TCT_ICMP_UNREACH_ADMIN,
  TCT_ICMP_UNREACH_OTHER,
  TCT_ICMP_TIME_EXCEEDED_TRANSIT,
  TCT_ICMP_TIME_EXCEEDED_REASSEMBLY,
  TCT_ICMP_PARAM_PROBLEM,  /* pointer; ICMPv6 code 1 is "unknown next header" */
  TCT_ICMP_PACKET_TOO_BIG, /* mtu */
  TCT_ICMP_SOURCE_QUENCH,
  TCT_ICMP_ERROR_OTHER, /* ICMPv6 type below 128 that we do not know: still an error */
  TCT_ICMP_KIND_COUNT
};

struct tct_icmp_hdr {
  enum tct_icmp_kind kind;
  uint8_t type, code;
  uint16_t id, seq;    /* echo */
  uint32_t rest;       /* the second word as it stands */
  uint32_t mtu;        /* FRAG_NEEDED, PACKET_TOO_BIG */
  uint32_t pointer;    /* PARAM_PROBLEM */
  const uint8_t *body; /* echo data, or the quoted packet without RFC 4884 extensions */
  size_t body_len;
};

/* What an error tells about the packet that caused it: one of ours, if it is no lie. */
struct tct_icmp_quote {
  tct_addr src, dst;
  uint8_t proto;
  uint16_t sport, dport; /* TCP and UDP; ICMP echo: sport is the id */
  uint32_t seq;          /* TCP; ICMP echo: the sequence number */
  uint16_t total_len;    /* of the quoted packet as it says */
  bool has_ports, has_seq;
};

static inline bool tct_icmp_kind_is_error(enum tct_icmp_kind k) {
  return k >= TCT_ICMP_UNREACH_NET;
}

/* p is what IP carried. ICMP_SHORT or ACCEPTED; the checksum is a question of its own. */
tct_verdict tct_wire_icmp_parse(uint8_t family, const uint8_t *p, size_t len,
                                struct tct_icmp_hdr *out);
bool tct_wire_icmp_checksum_ok(const tct_addr *src, const tct_addr *dst, const uint8_t *p,
                               size_t len);
/* The same for a frame in pieces, from the packet's IP header on, that ip describes. */
bool tct_wire_icmp_checksum_ok_iov(const struct tct_ip_hdr *ip, const tct_iov *iov, size_t n);
/* Lenient: quotes are short and their checksums may be rewritten. False: no whole IP header
 * of the family. Ports are there only if the quote is long enough to have them. */
bool tct_wire_icmp_parse_quote(uint8_t family, const uint8_t *p, size_t len,
                               struct tct_icmp_quote *out);

/* The family's type and code for a kind, reported, with pointer 0; type 0 and report false when
 * the family has none. */
struct tct_ip_problem tct_wire_icmp_problem(uint8_t family, enum tct_icmp_kind kind);

struct tct_icmp_error {
  struct tct_ip_problem what;
  const uint8_t *quote; /* the packet that caused it, from its IP header; */
  size_t quote_len;     /*   as much of it as may be is quoted */
};
/* Length of the ICMP message that the emit below writes. */
size_t tct_wire_icmp_error_len(uint8_t family, size_t quote_len);
/* The ICMP message (not the IP header), family by the addresses; 0 if cap is too small. */
size_t tct_wire_icmp_emit_error(uint8_t *p, size_t cap, const tct_addr *src, const tct_addr *dst,
                                const struct tct_icmp_error *e);

struct tct_icmp_echo {
  bool is_reply;
  uint16_t id, seq;
  const uint8_t *data;
  size_t len;
};
size_t tct_wire_icmp_emit_echo(uint8_t *p, size_t cap, const tct_addr *src, const tct_addr *dst,
                               const struct tct_icmp_echo *e);

#endif
