/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: IPv4 and IPv6 headers with options and extension headers, of frames whose first
 * piece is shorter than they are. What is accepted lies inside the frame and comes back when
 * written again.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/checksum.h"
#include "wire/ipv6.h"

static void check_bounds(const struct tct_ip_hdr *h, const uint8_t *p, size_t have, size_t all) {
  FUZZ_CHECK(h->family == 4 || h->family == 6);
  FUZZ_CHECK((size_t)h->header_len + h->payload_len <= all);
  FUZZ_CHECK(h->header_len <= have && h->payload == p + h->header_len);
  FUZZ_CHECK(h->payload_have <= h->payload_len && h->header_len + h->payload_have <= (int)have);
  FUZZ_CHECK(h->proto_offset < h->header_len);
  FUZZ_CHECK(h->frag_off_bytes % 8 == 0);
  FUZZ_CHECK(h->is_frag == (h->frag_more || h->frag_off_bytes != 0));
  FUZZ_CHECK(tct_wire_ip_family(&h->src) == h->family || h->family == 6);
}

static void check_round_trip(const struct tct_ip_hdr *h) {
  uint8_t p[TCT_IP_EMIT_MAX];
  struct tct_ip_hdr again;
  if (h->family == 6 && (tct_wire_ip_family(&h->src) == 4 || tct_wire_ip_family(&h->dst) == 4))
    return; /* mapped addresses on the wire: ip_input's business */
  size_t n = tct_wire_ip_emit(p, h);
  FUZZ_CHECK(n == tct_wire_ip_emit_len(h) && n <= sizeof p);
  tct_verdict v = tct_wire_ip_parse(p, n, n + h->payload_len, &again);
  FUZZ_CHECK(v == TCT_ACCEPTED || h->is_frag || h->proto == TCT_IPPROTO_NONE || h->family == 6);
  if (v != TCT_ACCEPTED)
    return;
  FUZZ_CHECK(memcmp(&again.src, &h->src, 16) == 0 && memcmp(&again.dst, &h->dst, 16) == 0);
  FUZZ_CHECK(again.proto == h->proto && again.hop_limit == h->hop_limit);
  FUZZ_CHECK(again.tclass == h->tclass && again.payload_len == h->payload_len);
  FUZZ_CHECK(again.is_frag == h->is_frag && again.frag_off_bytes == h->frag_off_bytes);
}

static void parse_chain(const uint8_t *p, size_t n, uint8_t next) {
  struct tct_ip_hdr h = {.family = 6, .header_len = 48, .is_frag = true, .has_frag_hdr = true};
  uint8_t *exact = fuzz_copy(p, n);
  if (tct_wire_ipv6_parse_chain(next, exact, n, &h) == TCT_ACCEPTED) {
    FUZZ_CHECK(!h.is_frag && h.payload >= exact && h.payload <= exact + n);
    FUZZ_CHECK(h.payload + h.payload_len == exact + n);
  }
  free(exact);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tct_ip_hdr h;
  if (size < 3 || size > 4000)
    return 0;
  const uint8_t *p = data + 3;
  size_t n = size - 3, all = n + ((data[0] & 1) != 0 ? data[1] * 8u : 0);
  uint8_t *exact = fuzz_copy(p, n);
  if ((data[0] & 2) != 0 && n >= 20 && exact[0] >> 4 == 4) { /* else few get past the checksum */
    size_t len = (exact[0] & 15u) * 4 < n ? (exact[0] & 15u) * 4 : n;
    exact[10] = exact[11] = 0;
    uint16_t sum = tct_checksum_of(exact, len);
    exact[10] = (uint8_t)(sum >> 8);
    exact[11] = (uint8_t)sum;
  }
  tct_verdict v = tct_wire_ip_parse(exact, n, all, &h);
  FUZZ_CHECK((unsigned)v < TCT_VERDICT_COUNT);
  if (v == TCT_ACCEPTED) {
    check_bounds(&h, exact, n, all);
    check_round_trip(&h);
  } else {
    FUZZ_CHECK(!h.problem.report || h.family != 0);
  }
  parse_chain(p, n, data[2]);
  free(exact);
  return 0;
}
