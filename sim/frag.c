/* SPDX-License-Identifier: MIT */
/*
 * Cuts an IP packet into fragments, as a router does with IPv4 and as a source does with IPv6
 * (which no router may: link faults do it to see reassembly at work). Called by router.c and
 * link_fault.c. RFC 791 section 3.2, RFC 8200 section 4.5.
 */
#include "sim/ip.h"
#include "util/mem.h"
#include "util/time.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ip.h"

enum { V4_MORE = 0x2000, V4_DONT = 0x4000, V4_OFFSET = 0x1fff };

struct cut {
  const uint8_t *packet;
  uint32_t head, body, room; /* header and payload octets; payload that fits a fragment */
  uint32_t base;             /* the packet's own offset, if it is a fragment */
  uint32_t id;
  bool more; /* after the packet's own last octet */
  sim_ip_fn fn;
  void *ctx;
};

static void emit_v4(const struct cut *c, uint32_t at, uint32_t n) {
  uint8_t f[SIM_IP_FRAGMENT_MAX];
  bool more = c->more || at + n < c->body;
  memcpy(f, c->packet, c->head);
  memcpy(f + c->head, c->packet + c->head + at, n);
  tct_bytes_put16(f + 2, (uint16_t)(c->head + n));
  tct_bytes_put16(f + 4, (uint16_t)c->id);
  tct_bytes_put16(f + 6, (uint16_t)((c->base + at) / 8 | (more ? V4_MORE : 0)));
  tct_bytes_put16(f + 10, 0);
  tct_bytes_put16(f + 10, tct_checksum_of(f, c->head));
  c->fn(c->ctx, f, c->head + n);
}

static void emit_v6(const struct cut *c, uint32_t at, uint32_t n) {
  uint8_t f[SIM_IP_FRAGMENT_MAX];
  uint8_t *x = f + TCT_IP6_HEADER_LEN;
  memcpy(f, c->packet, TCT_IP6_HEADER_LEN);
  tct_bytes_put16(f + 4, (uint16_t)(n + TCT_IP6_FRAGMENT_LEN));
  f[6] = TCT_IPPROTO_FRAGMENT;
  x[0] = c->packet[6];
  x[1] = 0;
  tct_bytes_put16(x + 2, (uint16_t)(at | (at + n < c->body)));
  tct_bytes_put32(x + 4, c->id);
  memcpy(x + TCT_IP6_FRAGMENT_LEN, c->packet + TCT_IP6_HEADER_LEN + at, n);
  c->fn(c->ctx, f, TCT_IP6_HEADER_LEN + TCT_IP6_FRAGMENT_LEN + n);
}

static bool read_v4(struct cut *c, uint32_t len) {
  uint32_t field = tct_bytes_get16(c->packet + 6), total = tct_bytes_get16(c->packet + 2);
  c->head = (c->packet[0] & 15u) * 4;
  if (c->head < TCT_IP4_HEADER_LEN || total < c->head || total > len)
    return false;
  c->body = total - c->head;
  c->base = (field & V4_OFFSET) * 8;
  c->more = (field & V4_MORE) != 0;
  if (c->base != 0 || c->more)
    c->id = tct_bytes_get16(c->packet + 4);
  return true;
}

/* Only what has no extension header yet: hosts here send no others. */
static bool read_v6(struct cut *c, uint32_t len) {
  uint8_t next = c->packet[6];
  bool plain = next == TCT_IPPROTO_TCP || next == TCT_IPPROTO_UDP || next == TCT_IPPROTO_ICMP6;
  c->head = TCT_IP6_HEADER_LEN + TCT_IP6_FRAGMENT_LEN;
  c->body = tct_bytes_get16(c->packet + 4);
  return plain && TCT_IP6_HEADER_LEN + c->body <= len;
}

bool sim_ip_fragment(const uint8_t *packet, uint32_t len, uint32_t mtu_bytes, uint32_t id,
                     sim_ip_fn fn, void *ctx) {
  struct cut c = {.packet = packet, .id = id, .fn = fn, .ctx = ctx};
  bool is_v6 = len >= TCT_IP6_HEADER_LEN && packet[0] >> 4 == 6;
  bool is_v4 = len >= TCT_IP4_HEADER_LEN && packet[0] >> 4 == 4;
  if (is_v6 ? !read_v6(&c, len) : !(is_v4 && read_v4(&c, len)))
    return false;
  mtu_bytes = tct_min_u32(mtu_bytes, SIM_IP_FRAGMENT_MAX);
  if (mtu_bytes < c.head + 8)
    return false;
  c.room = (mtu_bytes - c.head) / 8 * 8;
  for (uint32_t at = 0; at < c.body; at += c.room) {
    uint32_t n = tct_min_u32(c.room, c.body - at);
    if (is_v6)
      emit_v6(&c, at, n);
    else
      emit_v4(&c, at, n);
  }
  return true;
}
