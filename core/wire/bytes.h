/* SPDX-License-Identifier: MIT */
/*
 * bytes.h - network-order reads and writes at any alignment, and the IPv4-in-IPv6 form of
 * addresses. Used by every parser and emitter of wire/; nobody casts bytes to a struct. Callers
 * have checked the length. RFC 9293 section 3.1 leaves no alignment to rely on [RFC9293 MUST-64].
 */
#ifndef TCT_WIRE_BYTES_H
#define TCT_WIRE_BYTES_H

#include <stdbool.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "util/mem.h"

static inline uint16_t tct_bytes_get16(const uint8_t *p) {
  return (uint16_t)((uint32_t)p[0] << 8 | p[1]);
}

static inline uint32_t tct_bytes_get32(const uint8_t *p) {
  return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static inline uint64_t tct_bytes_get64(const uint8_t *p) {
  return (uint64_t)tct_bytes_get32(p) << 32 | tct_bytes_get32(p + 4);
}

static inline void tct_bytes_put16(uint8_t *p, uint16_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static inline void tct_bytes_put32(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 24);
  p[1] = (uint8_t)(v >> 16);
  p[2] = (uint8_t)(v >> 8);
  p[3] = (uint8_t)v;
}

static inline void tct_bytes_put64(uint8_t *p, uint64_t v) {
  tct_bytes_put32(p, (uint32_t)(v >> 32));
  tct_bytes_put32(p + 4, (uint32_t)v);
}

/* The IPv4 half of ::ffff:a.b.c.d is its last four bytes. */
static inline void tct_bytes_get_addr4(const uint8_t *p, tct_addr *a) {
  memset(a->b, 0, 10);
  a->b[10] = 0xff;
  a->b[11] = 0xff;
  memcpy(a->b + 12, p, 4);
}

static inline void tct_bytes_get_addr6(const uint8_t *p, tct_addr *a) {
  memcpy(a->b, p, 16);
}

static inline bool tct_bytes_addr_is_ipv4(const tct_addr *a) {
  static const uint8_t mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  return memcmp(a->b, mapped, sizeof mapped) == 0;
}

#endif
