/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: ICMP of both families, the packets that errors quote, and the errors that we would
 * write about arbitrary bytes.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "wire/icmp.h"

static void check_quote(uint8_t family, const uint8_t *p, size_t n) {
  struct tct_icmp_quote q;
  uint8_t *exact = fuzz_copy(p, n);
  if (tct_wire_icmp_parse_quote(family, exact, n, &q)) {
    FUZZ_CHECK(n >= (family == 4 ? 20u : 40u));
    FUZZ_CHECK(!q.has_seq || q.has_ports);
  }
  free(exact);
}

static void check_error(uint8_t family, const uint8_t *p, size_t n, enum tct_icmp_kind kind) {
  tct_addr src = family == 4 ? tct_addr_ipv4(10, 0, 0, 2) : (tct_addr){{0xfd, 1}};
  tct_addr dst = family == 4 ? tct_addr_ipv4(10, 0, 0, 1) : (tct_addr){{0xfd, 2}};
  struct tct_icmp_error e = {tct_wire_icmp_problem(family, kind), p, n};
  struct tct_icmp_hdr h;
  static uint8_t out[2048];
  size_t want = tct_wire_icmp_error_len(family, n);
  size_t max = family == 4 ? TCT_ICMP4_ERROR_MAX - 20 : TCT_ICMP6_ERROR_MAX - 40;
  FUZZ_CHECK(want >= TCT_ICMP_HEADER_LEN && want <= max);
  if (e.what.type == 0 && !e.what.report)
    return;
  FUZZ_CHECK(tct_wire_icmp_emit_error(out, want - 1, &src, &dst, &e) == 0);
  FUZZ_CHECK(tct_wire_icmp_emit_error(out, sizeof out, &src, &dst, &e) == want);
  FUZZ_CHECK(tct_wire_icmp_checksum_ok(&src, &dst, out, want));
  FUZZ_CHECK(tct_wire_icmp_parse(family, out, want, &h) == TCT_ACCEPTED);
  FUZZ_CHECK(h.type == e.what.type && h.code == e.what.code); /* some kinds are another's in IPv4 */
  FUZZ_CHECK(tct_icmp_kind_is_error(h.kind) == tct_icmp_kind_is_error(kind));
  FUZZ_CHECK(h.body_len <= n && (n == 0 || memcmp(h.body, p, h.body_len) == 0));
}

static void check_echo(uint8_t family, const uint8_t *p, size_t n) {
  tct_addr src = family == 4 ? tct_addr_ipv4(10, 0, 0, 2) : (tct_addr){{0xfd, 1}};
  tct_addr dst = family == 4 ? tct_addr_ipv4(10, 0, 0, 1) : (tct_addr){{0xfd, 2}};
  struct tct_icmp_echo e = {(n & 1) != 0, 7, 9, p, n};
  struct tct_icmp_hdr h;
  uint8_t *out = malloc(n + 8);
  FUZZ_CHECK(out != NULL);
  FUZZ_CHECK(tct_wire_icmp_emit_echo(out, n + 7, &src, &dst, &e) == 0);
  FUZZ_CHECK(tct_wire_icmp_emit_echo(out, n + 8, &src, &dst, &e) == n + 8);
  FUZZ_CHECK(tct_wire_icmp_checksum_ok(&src, &dst, out, n + 8));
  FUZZ_CHECK(tct_wire_icmp_parse(family, out, n + 8, &h) == TCT_ACCEPTED);
  FUZZ_CHECK(h.kind == (e.is_reply ? TCT_ICMP_ECHO_REPLY : TCT_ICMP_ECHO_REQUEST));
  FUZZ_CHECK(h.id == 7 && h.seq == 9 && h.body_len == n && memcmp(h.body, p, n) == 0);
  free(out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct tct_icmp_hdr h;
  if (size < 2 || size > 3000)
    return 0;
  uint8_t family = (data[0] & 1) != 0 ? 4 : 6;
  const uint8_t *p = data + 2;
  size_t n = size - 2;
  uint8_t *exact = fuzz_copy(p, n);
  tct_verdict v = tct_wire_icmp_parse(family, exact, n, &h);
  FUZZ_CHECK(v == TCT_ACCEPTED || v == TCT_DROP_ICMP_SHORT);
  if (v == TCT_ACCEPTED) {
    FUZZ_CHECK(h.kind < TCT_ICMP_KIND_COUNT);
    FUZZ_CHECK(h.body >= exact && h.body + h.body_len <= exact + n);
    if (tct_icmp_kind_is_error(h.kind))
      check_quote(family, h.body, h.body_len);
  }
  check_quote(family, p, n);
  check_error(family, p, n, data[1] % TCT_ICMP_KIND_COUNT);
  check_echo(family, exact, n);
  free(exact);
  return 0;
}
