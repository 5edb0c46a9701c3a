/* SPDX-License-Identifier: MIT */
/*
 * ip.h - one host-order header for both IP families, so that everything above sees one path.
 *
 * Called by ip_input, ip_output and ip_reasm. Leaves to them: whether the packet is for us, what
 * to do with a problem that may be reported, reassembly. RFC 791, RFC 1122 section 3.2.1, RFC 8200.
 */
#ifndef TCT_WIRE_IP_H
#define TCT_WIRE_IP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"

enum {
  TCT_IPPROTO_HOP_BY_HOP = 0,
  TCT_IPPROTO_ICMP = 1,
  TCT_IPPROTO_TCP = 6,
  TCT_IPPROTO_UDP = 17,
  TCT_IPPROTO_ROUTING = 43,
  TCT_IPPROTO_FRAGMENT = 44,
  TCT_IPPROTO_ICMP6 = 58,
  TCT_IPPROTO_NONE = 59,
  TCT_IPPROTO_DEST_OPTS = 60
};

enum {
  TCT_IP4_HEADER_LEN = 20, /* without options: we send none */
  TCT_IP6_HEADER_LEN = 40,
  TCT_IP6_FRAGMENT_LEN = 8,
  TCT_IP_EMIT_MAX = 48,        /* the longest that tct_wire_ip_emit writes */
  TCT_IP6_EXT_HEADERS_MAX = 8, /* longer chains are refused: a bound on work, RFC 8504 5.3 */
  TCT_IP6_EXT_BYTES_MAX = 1024 /* all extension headers together; RH0 of 40 hops is 648 */
};

/* The ICMP error that RFC 792 or RFC 4443 wants for a refused packet. `report` is what those say
 * about this error; the rules common to all errors (multicast, rate) are ip/icmp's. An ICMPv6
 * type 4 code 2 is the one that may answer a multicast. */
struct tct_ip_problem {
  uint8_t type, code;
  bool report;
  uint32_t pointer; /* byte offset in the packet, or the MTU of a "too big" */
};

struct tct_ip_hdr {
  tct_addr src, dst;
  uint8_t family; /* 4 or 6; 0 when not even that is known */
  uint8_t proto;  /* what payload is; for a fragment: what the whole begins with */
  uint8_t hop_limit;
  uint8_t tclass;          /* DSCP and ECN as one byte */
  uint32_t id;             /* of the fragment; IPv4: the ID field, always */
  uint32_t flow_label;     /* IPv6, 20 bits */
  uint16_t frag_off_bytes; /* multiple of 8 */
  bool frag_more;
  bool dont_frag;        /* IPv4; IPv6: set by parse, routers never fragment */
  bool is_frag;          /* needs reassembly (an atomic fragment does not, RFC 6946) */
  bool has_frag_hdr;     /* IPv6: a fragment header was seen, atomic or not */
  bool has_options;      /* IPv4 options or IPv6 extension headers other than Fragment */
  uint8_t ext_headers;   /* IPv6: how many were walked */
  uint16_t header_len;   /* packet start to payload, extension headers included */
  uint16_t payload_len;  /* as the packet says; never beyond the frame */
  uint16_t payload_have; /* of them readable at payload; the rest lies in later pieces */
  uint16_t proto_offset; /* of the byte that names proto, for parameter problems */
  const uint8_t *payload;
  struct tct_ip_problem problem; /* meaningful when parse refused; type 0: nothing to say */
};

/* p[0..have) is the frame's first piece, frame_len >= have the whole frame. Bytes after the
 * packet's own end (link padding) are left out. On refusal, what was read before stays filled in,
 * so that an error can be addressed. */
tct_verdict tct_wire_ip_parse(const uint8_t *p, size_t have, size_t frame_len,
                              struct tct_ip_hdr *h);
/* How much tct_wire_ip_emit will write: 20, 40 or (IPv6 fragment) 48. */
size_t tct_wire_ip_emit_len(const struct tct_ip_hdr *h);
/* Writes the header of h->family from src, dst, proto, hop_limit, tclass, payload_len and the
 * family's own fields; IPv6 with is_frag adds the fragment header. Returns its length. */
size_t tct_wire_ip_emit(uint8_t *p, const struct tct_ip_hdr *h);
/* 4 or 6, by the form of the address. */
uint8_t tct_wire_ip_family(const tct_addr *a);

#endif
