/* SPDX-License-Identifier: MIT */
/*
 * frame.c - takes frames apart for the runner and checks what every frame of ours must be. Called
 * by world.c. It reads bytes on its own and shares nothing with the core's parsers, so that an
 * error there cannot hide itself here.
 */
#include "drill/run.h"

#include <string.h>

static uint32_t get16(const uint8_t *p) {
  return (uint32_t)p[0] << 8 | p[1];
}

static uint32_t get32(const uint8_t *p) {
  return get16(p) << 16 | get16(p + 2);
}

uint8_t drill_frame_pattern(uint32_t offset) {
  uint32_t x = offset * 2654435761u;
  return (uint8_t)((x >> 24) ^ (x >> 11) ^ offset);
}

uint32_t drill_frame_sum(const uint8_t *p, size_t len, uint32_t sum) {
  for (size_t i = 0; i + 1 < len; i += 2)
    sum += get16(p + i);
  if (len % 2)
    sum += (uint32_t)p[len - 1] << 8;
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return sum;
}

uint16_t drill_frame_fold(uint32_t sum) {
  while (sum >> 16)
    sum = (sum & 0xffff) + (sum >> 16);
  return (uint16_t)~sum;
}

uint32_t drill_frame_pseudo(const struct drill_frame *f, uint32_t len) {
  size_t from = f->version == 4 ? 12 : 0;
  uint32_t sum = drill_frame_sum(f->src.b + from, 16 - from, 0);
  sum = drill_frame_sum(f->dst.b + from, 16 - from, sum);
  return sum + f->proto + (len >> 16) + (len & 0xffff);
}

static void decode_ipv4(struct drill_frame *f) {
  const uint8_t *p = f->bytes;
  size_t header = (size_t)(p[0] & 15) * 4;
  if (f->len < 20 || header < 20 || header > f->len || get16(p + 2) != f->len) {
    f->broken = "IPv4 header: lengths are wrong";
    return;
  }
  if (drill_frame_fold(drill_frame_sum(p, header, 0)) != 0)
    f->broken = "IPv4 header checksum";
  f->tos = p[1];
  f->ttl = p[8];
  f->proto = p[9];
  f->src = tct_addr_ipv4(p[12], p[13], p[14], p[15]);
  f->dst = tct_addr_ipv4(p[16], p[17], p[18], p[19]);
  f->l4_at = header;
  if (get16(p + 6) & 0x3fff)
    f->proto = 0; /* a fragment: nothing to read behind it */
}

static void decode_ipv6(struct drill_frame *f) {
  const uint8_t *p = f->bytes;
  if (f->len < 40 || get16(p + 4) != f->len - 40) {
    f->broken = "IPv6 header: lengths are wrong";
    return;
  }
  uint32_t first = get32(p);
  f->tos = (uint8_t)(first >> 20);
  f->flowlabel = first & 0xfffff;
  f->proto = p[6];
  f->ttl = p[7];
  memcpy(f->src.b, p + 8, 16);
  memcpy(f->dst.b, p + 24, 16);
  f->l4_at = 40;
}

static void check_l4_sum(struct drill_frame *f) {
  size_t len = f->len - f->l4_at;
  uint32_t sum = f->proto == 1 ? 0 : drill_frame_pseudo(f, (uint32_t)len);
  if (drill_frame_fold(drill_frame_sum(f->bytes + f->l4_at, len, sum)) != 0)
    f->broken = "checksum of the transport header";
}

/* [RFC9293 MUST-65], [RFC9293 MUST-68], [RFC9293 MUST-69]: of every segment that we send. */
static void check_options(struct drill_frame *f) {
  for (size_t i = 0; i < f->options_len;) {
    const uint8_t *o = f->options + i;
    if (o[0] == 0) {
      for (; i < f->options_len; i++)
        if (f->options[i] != 0)
          f->broken = "bytes after the end of the options are not zero";
      return;
    }
    size_t len = o[0] == 1 ? 1 : i + 1 < f->options_len ? o[1] : 0;
    if (len == 0 || i + len > f->options_len || (o[0] != 1 && len < 2)) {
      f->broken = "an option's length is impossible";
      return;
    }
    if (o[0] == 2 && !(f->flags & TCT_SYN))
      f->broken = "an MSS option without SYN";
    i += len;
  }
}

static void decode_tcp(struct drill_frame *f) {
  const uint8_t *p = f->bytes + f->l4_at;
  size_t len = f->len - f->l4_at, header = len >= 20 ? (size_t)(p[12] >> 4) * 4 : 0;
  if (header < 20 || header > len) {
    f->broken = "TCP header: data offset is wrong";
    f->proto = 0;
    return;
  }
  f->sport = (uint16_t)get16(p);
  f->dport = (uint16_t)get16(p + 2);
  f->seq = get32(p + 4);
  f->ack = get32(p + 8);
  f->reserved = p[12] & 15;
  f->ae = p[12] & 1;
  f->flags = p[13];
  f->win = (uint16_t)get16(p + 14);
  f->urg = (uint16_t)get16(p + 18);
  f->options = p + 20;
  f->options_len = header - 20;
  f->payload_at = f->l4_at + header;
  f->payload_len = len - header;
  check_options(f);
}

static void decode_udp(struct drill_frame *f) {
  const uint8_t *p = f->bytes + f->l4_at;
  if (f->len - f->l4_at < 8 || get16(p + 4) != f->len - f->l4_at) {
    f->broken = "UDP header: length is wrong";
    return;
  }
  f->sport = (uint16_t)get16(p);
  f->dport = (uint16_t)get16(p + 2);
  f->payload_at = f->l4_at + 8;
  f->payload_len = f->len - f->payload_at;
}

void drill_frame_decode(struct drill_frame *f) {
  f->version = f->len ? f->bytes[0] >> 4 : 0;
  if (f->version == 4)
    decode_ipv4(f);
  else if (f->version == 6)
    decode_ipv6(f);
  else
    f->broken = "neither IPv4 nor IPv6";
  if (!f->l4_at)
    return;
  if (f->proto == 6)
    decode_tcp(f);
  if (f->proto == 17)
    decode_udp(f);
  if ((f->proto == 1 || f->proto == 58) && f->len >= f->l4_at + 8) {
    f->icmp_type = f->bytes[f->l4_at];
    f->icmp_code = f->bytes[f->l4_at + 1];
  }
  bool is_known = f->proto == 1 || f->proto == 6 || f->proto == 17 || f->proto == 58;
  if (is_known && !f->broken)
    check_l4_sum(f);
}
