/* SPDX-License-Identifier: MIT */
/* ICMP of both families, and what errors quote. A-numbers are those of the attacks repeated. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/icmp.h"
#include "wire/tcp.h"

static const tct_addr SRC4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 7, 0, 1}};
static const tct_addr DST4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 7, 0, 2}};
static const tct_addr SRC6 = {{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const tct_addr DST6 = {{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

static struct tct_icmp_hdr parse8(uint8_t family, uint8_t type, uint8_t code, uint32_t rest) {
  struct tct_icmp_hdr h;
  uint8_t b[8] = {type, code};
  tct_bytes_put32(b + 4, rest);
  uint8_t *p = exact_copy(b, 8);
  assert_int_equal(tct_wire_icmp_parse(family, p, 8, &h), TCT_ACCEPTED);
  free(p);
  return h;
}

static enum tct_icmp_kind kind_of(uint8_t family, uint8_t type, uint8_t code) {
  return parse8(family, type, code, 0).kind;
}

static void parse__icmp4_types__are_named(void **state) {
  (void)state;
  static const enum tct_icmp_kind unreach[] = {
      TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_HOST,        TCT_ICMP_UNREACH_PROTO,
      TCT_ICMP_UNREACH_PORT,  TCT_ICMP_UNREACH_FRAG_NEEDED, TCT_ICMP_UNREACH_SRC_ROUTE,
      TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_HOST,        TCT_ICMP_UNREACH_HOST,
      TCT_ICMP_UNREACH_ADMIN, TCT_ICMP_UNREACH_ADMIN,       TCT_ICMP_UNREACH_NET,
      TCT_ICMP_UNREACH_HOST,  TCT_ICMP_UNREACH_ADMIN,       TCT_ICMP_UNREACH_OTHER,
      TCT_ICMP_UNREACH_OTHER};
  for (uint8_t code = 0; code < 16; code++)
    assert_int_equal(kind_of(4, 3, code), unreach[code]);
  assert_int_equal(kind_of(4, 3, 255), TCT_ICMP_UNREACH_OTHER);
  assert_int_equal(kind_of(4, 0, 0), TCT_ICMP_ECHO_REPLY);
  assert_int_equal(kind_of(4, 4, 0), TCT_ICMP_SOURCE_QUENCH);
  assert_int_equal(kind_of(4, 5, 1), TCT_ICMP_REDIRECT);
  assert_int_equal(kind_of(4, 8, 0), TCT_ICMP_ECHO_REQUEST);
  assert_int_equal(kind_of(4, 11, 0), TCT_ICMP_TIME_EXCEEDED_TRANSIT);
  assert_int_equal(kind_of(4, 11, 1), TCT_ICMP_TIME_EXCEEDED_REASSEMBLY);
  assert_int_equal(kind_of(4, 12, 0), TCT_ICMP_PARAM_PROBLEM);
  assert_int_equal(kind_of(4, 13, 0), TCT_ICMP_OTHER);
  assert_int_equal(kind_of(4, 128, 0), TCT_ICMP_OTHER);
}

static void parse__icmp6_types__are_named(void **state) {
  (void)state;
  static const enum tct_icmp_kind unreach[] = {
      TCT_ICMP_UNREACH_NET,   TCT_ICMP_UNREACH_ADMIN,     TCT_ICMP_UNREACH_OTHER,
      TCT_ICMP_UNREACH_HOST,  TCT_ICMP_UNREACH_PORT,      TCT_ICMP_UNREACH_ADMIN,
      TCT_ICMP_UNREACH_ADMIN, TCT_ICMP_UNREACH_SRC_ROUTE, TCT_ICMP_UNREACH_OTHER};
  for (uint8_t code = 0; code < 9; code++)
    assert_int_equal(kind_of(6, 1, code), unreach[code]);
  assert_int_equal(kind_of(6, 2, 0), TCT_ICMP_PACKET_TOO_BIG);
  assert_int_equal(kind_of(6, 3, 0), TCT_ICMP_TIME_EXCEEDED_TRANSIT);
  assert_int_equal(kind_of(6, 3, 1), TCT_ICMP_TIME_EXCEEDED_REASSEMBLY);
  assert_int_equal(kind_of(6, 3, 2), TCT_ICMP_ERROR_OTHER);
  assert_int_equal(kind_of(6, 4, 1), TCT_ICMP_PARAM_PROBLEM);
  assert_int_equal(kind_of(6, 127, 0), TCT_ICMP_ERROR_OTHER);
  assert_int_equal(kind_of(6, 128, 0), TCT_ICMP_ECHO_REQUEST);
  assert_int_equal(kind_of(6, 129, 0), TCT_ICMP_ECHO_REPLY);
  assert_int_equal(kind_of(6, 135, 0), TCT_ICMP_OTHER);
  assert_int_equal(kind_of(6, 137, 0), TCT_ICMP_REDIRECT);
  assert_int_equal(kind_of(6, 8, 0), TCT_ICMP_ERROR_OTHER);
}

static void is_error__every_type__errors_only(void **state) {
  (void)state;
  for (unsigned type = 0; type < 256; type++) {
    bool error4 = type == 3 || type == 4 || type == 11 || type == 12;
    assert_int_equal(tct_icmp_kind_is_error(kind_of(4, (uint8_t)type, 0)), error4);
    assert_int_equal(tct_icmp_kind_is_error(kind_of(6, (uint8_t)type, 0)), type < 128);
  }
}

static void parse__mtu_and_pointer__from_the_right_place(void **state) {
  (void)state;
  assert_int_equal(parse8(4, 3, 4, 0x00000578).mtu, 1400);
  assert_int_equal(parse8(4, 3, 4, 0xffff0578).mtu, 1400);
  assert_int_equal(parse8(4, 3, 3, 0x00000578).mtu, 0);
  assert_int_equal(parse8(6, 2, 0, 0x00012345).mtu, 0x12345);
  assert_int_equal(parse8(4, 12, 0, 0x14000000).pointer, 20);
  assert_int_equal(parse8(6, 4, 0, 42).pointer, 42);
}

static void parse__every_truncation__is_short(void **state) {
  (void)state;
  struct tct_icmp_hdr h;
  for (size_t len = 0; len < 8; len++) {
    uint8_t *p = exact_copy("\3\1\0\0\0\0\0\0", len);
    assert_int_equal(tct_wire_icmp_parse(4, p, len, &h), TCT_DROP_ICMP_SHORT);
    assert_int_equal(tct_wire_icmp_parse(6, p, len, &h), TCT_DROP_ICMP_SHORT);
    free(p);
  }
}

/* RFC 4884: the quote ends where the length byte says, if that is not absurd */
static void parse__extensions_after_the_quote__are_cut_off(void **state) {
  (void)state;
  uint8_t p[208] = {3, 1};
  struct tct_icmp_hdr h;
  static const struct {
    uint8_t said;
    size_t want;
  } rows4[] = {{0, 200}, {31, 200}, {32, 128}, {40, 160}, {50, 200}, {51, 200}, {255, 200}};
  for (size_t i = 0; i < sizeof rows4 / sizeof rows4[0]; i++) {
    p[5] = rows4[i].said;
    tct_wire_icmp_parse(4, p, sizeof p, &h);
    assert_int_equal(h.body_len, rows4[i].want);
  }
  p[0] = 1;
  p[5] = 0;
  p[4] = 16;
  tct_wire_icmp_parse(6, p, sizeof p, &h);
  assert_int_equal(h.body_len, 128);
  p[0] = 2; /* "too big" has its MTU there */
  tct_wire_icmp_parse(6, p, sizeof p, &h);
  assert_int_equal(h.body_len, 200);
}

/* A101: exactly the bytes that came go back, and their sum is right */
static void echo__any_length__comes_back_equal(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++)
    for (size_t len = 0; len < 90; len++) {
      const tct_addr *src = v6 ? &SRC6 : &SRC4, *dst = v6 ? &DST6 : &DST4;
      uint8_t data[90];
      for (size_t i = 0; i < sizeof data; i++)
        data[i] = (uint8_t)(i * 7);
      struct tct_icmp_echo e = {
          .is_reply = len % 2, .id = 0xabcd, .seq = 3, .data = data, .len = len};
      struct tct_icmp_hdr h;
      uint8_t *p = malloc(8 + len);
      assert_non_null(p);
      assert_int_equal(tct_wire_icmp_emit_echo(p, 8 + len, src, dst, &e), 8 + len);
      assert_int_equal(tct_wire_icmp_emit_echo(p, 7 + len, src, dst, &e), 0);
      assert_true(tct_wire_icmp_checksum_ok(src, dst, p, 8 + len));
      assert_int_equal(tct_wire_icmp_parse(v6 ? 6 : 4, p, 8 + len, &h), TCT_ACCEPTED);
      assert_int_equal(h.kind, len % 2 ? TCT_ICMP_ECHO_REPLY : TCT_ICMP_ECHO_REQUEST);
      assert_true(h.id == 0xabcd && h.seq == 3 && h.body_len == len && h.body == p + 8);
      assert_memory_equal(h.body, data, len);
      free(p);
    }
}

static void checksum__any_bit_flipped__is_not_ok(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    tct_addr src = v6 ? SRC6 : SRC4, dst = v6 ? DST6 : DST4;
    struct tct_icmp_echo e = {.id = 1, .seq = 2, .data = (const uint8_t *)"hello", .len = 5};
    uint8_t frame[60] = {0};
    uint8_t *p = frame + 40;
    size_t len = tct_wire_icmp_emit_echo(p, 20, &src, &dst, &e);
    struct tct_ip_hdr ip = {.src = src, .dst = dst, .header_len = 40, .payload_len = (uint16_t)len};
    tct_iov iov[] = {{frame, 45}, {frame + 45, 15}};
    assert_true(tct_wire_icmp_checksum_ok_iov(&ip, iov, 2));
    for (size_t bit = 0; bit < len * 8; bit++) {
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_false(tct_wire_icmp_checksum_ok(&src, &dst, p, len));
      assert_false(tct_wire_icmp_checksum_ok_iov(&ip, iov, 2));
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    dst.b[15] ^= 1; /* only ICMPv6 covers the addresses */
    assert_int_equal(tct_wire_icmp_checksum_ok(&src, &dst, p, len), !v6);
  }
}

/* ---- Quotes ---------------------------------------------------------------------------------- */

static size_t make_quoted(uint8_t *p, bool v6, uint8_t proto) {
  struct tct_ip_hdr ip = {.src = v6 ? SRC6 : SRC4,
                          .dst = v6 ? DST6 : DST4,
                          .family = v6 ? 6 : 4,
                          .proto = proto,
                          .hop_limit = 1,
                          .payload_len = 20};
  struct tct_tcp_hdr h = {.sport = 40000, .dport = 443, .seq = 0x90abcdef, .flags = TCT_SYN};
  size_t at = tct_wire_ip_emit(p, &ip);
  return at + tct_wire_tcp_emit(p + at, &h, TCT_TCP_OPT_LINUX);
}

static bool parse_quote(uint8_t family, const uint8_t *b, size_t len, struct tct_icmp_quote *q) {
  uint8_t *p = exact_copy(b, len);
  memset(q, 0xa5, sizeof *q);
  bool good = tct_wire_icmp_parse_quote(family, p, len, q);
  free(p);
  return good;
}

static void quote__every_truncation__gives_what_is_there(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    uint8_t p[120], family = v6 ? 6 : 4;
    size_t len = make_quoted(p, v6, 6), ip_len = v6 ? 40 : 20;
    for (size_t n = 0; n <= len; n++) {
      struct tct_icmp_quote q;
      assert_int_equal(parse_quote(family, p, n, &q), n >= ip_len);
      assert_int_equal(q.has_ports, n >= ip_len + 4);
      assert_int_equal(q.has_seq, n >= ip_len + 8);
      if (n < ip_len)
        continue;
      assert_true(q.proto == 6 && q.total_len == len);
      assert_memory_equal(&q.src, v6 ? &SRC6 : &SRC4, 16);
      assert_memory_equal(&q.dst, v6 ? &DST6 : &DST4, 16);
      if (q.has_ports)
        assert_true(q.sport == 40000 && q.dport == 443);
      if (q.has_seq)
        assert_int_equal(q.seq, 0x90abcdef);
    }
  }
}

static void quote__of_other_protocols__has_what_they_have(void **state) {
  (void)state;
  uint8_t p[120];
  struct tct_icmp_quote q;
  size_t len = make_quoted(p, false, 17);
  assert_true(parse_quote(4, p, len, &q));
  assert_true(q.has_ports && !q.has_seq && q.dport == 443);
  len = make_quoted(p, false, 47);
  assert_true(parse_quote(4, p, len, &q));
  assert_true(!q.has_ports && !q.has_seq && q.proto == 47);
  for (int v6 = 0; v6 < 2; v6++) {
    make_quoted(p, v6, v6 ? 58 : 1);
    uint8_t *icmp = p + (v6 ? 40 : 20);
    memcpy(icmp, v6 ? "\200\0\0\0\x12\x34\0\7" : "\10\0\0\0\x12\x34\0\7", 8);
    assert_true(parse_quote(v6 ? 6 : 4, p, (v6 ? 40 : 20) + 8, &q));
    assert_true(q.has_ports && q.sport == 0x1234 && q.has_seq && q.seq == 7);
  }
}

static void quote__of_a_later_fragment__has_no_ports(void **state) {
  (void)state;
  uint8_t p[120] = {0};
  struct tct_icmp_quote q;
  size_t len = make_quoted(p, false, 6);
  tct_bytes_put16(p + 6, 0x0001);
  assert_true(parse_quote(4, p, len, &q));
  assert_true(!q.has_ports && !q.has_seq);
  tct_bytes_put16(p + 6, 0x2000);
  assert_true(parse_quote(4, p, len, &q));
  assert_true(q.has_ports);
}

static void quote__ipv4_options_and_lies__are_stepped_over(void **state) {
  (void)state;
  uint8_t p[120] = {0};
  struct tct_icmp_quote q;
  size_t len = make_quoted(p, false, 6);
  memmove(p + 28, p + 20, 20);
  p[0] = 0x47;
  assert_true(parse_quote(4, p, len + 8, &q));
  assert_true(q.has_seq && q.sport == 40000);
  p[0] = 0x4f;
  assert_true(parse_quote(4, p, len + 8, &q));
  assert_false(q.has_ports);
  p[0] = 0x44;
  assert_false(parse_quote(4, p, len + 8, &q));
  p[0] = 0x65;
  assert_false(parse_quote(4, p, len + 8, &q));
  make_quoted(p, true, 6);
  assert_false(parse_quote(4, p, 60, &q));
  p[0] = 0x45;
  assert_false(parse_quote(6, p, 60, &q));
}

static void quote__ipv6_extension_headers__are_walked(void **state) {
  (void)state;
  uint8_t p[160] = {0};
  struct tct_icmp_quote q;
  make_quoted(p, true, 6);
  memmove(p + 40 + 24, p + 40, 20);
  static const uint8_t ext[24] = {43, 0, 1, 4, 0, 0, 0, 0, 44, 0, 0, 0,
                                  0,  0, 0, 0, 6, 0, 0, 1, 0,  0, 0, 9};
  memcpy(p + 40, ext, sizeof ext);
  p[6] = 0;
  for (size_t n = 40; n <= 84; n++) {
    assert_true(parse_quote(6, p, n, &q));
    assert_int_equal(q.has_ports, n >= 64 + 4);
    assert_int_equal(q.has_seq, n >= 64 + 8);
    assert_int_equal(q.proto, n < 48 ? 0 : n < 56 ? 43 : n < 64 ? 44 : 6);
  }
  p[40 + 16 + 3] = 0x08; /* not the first fragment */
  assert_true(parse_quote(6, p, 84, &q));
  assert_true(q.proto == 6 && !q.has_ports);
}

static void quote__storm_of_nonsense__stays_in_bounds(void **state) {
  (void)state;
  uint64_t seed = 9;
  unsigned ports = 0;
  for (int round = 0; round < 100000; round++) {
    uint8_t p[160];
    struct tct_icmp_quote q;
    bool v6 = next_random(&seed) & 1;
    for (size_t i = 0; i < sizeof p; i++)
      p[i] = (uint8_t)(next_random(&seed) % 3 ? next_random(&seed) % 3 : next_random(&seed));
    size_t len = make_quoted(p, v6, (uint8_t)(next_random(&seed) % 2 ? 6 : 60));
    len += next_random(&seed) % 60;
    for (size_t i = next_random(&seed) % 4; i > 0; i--)
      p[next_random(&seed) % len] = (uint8_t)next_random(&seed);
    bool good = parse_quote(v6 ? 6 : 4, p, next_random(&seed) % (len + 1), &q);
    assert_true(good || (!q.has_ports && !q.has_seq));
    ports += q.has_ports;
  }
  assert_true(ports > 1000);
}

/* ---- Errors out ------------------------------------------------------------------------------ */

static void error__any_quote__is_cut_to_the_family_limit(void **state) {
  (void)state;
  static uint8_t quote[3000];
  for (size_t i = 0; i < sizeof quote; i++)
    quote[i] = (uint8_t)(i * 13);
  for (int v6 = 0; v6 < 2; v6++)
    for (size_t len = 0; len <= sizeof quote; len += 1 + len / 50) {
      const tct_addr *src = v6 ? &SRC6 : &SRC4, *dst = v6 ? &DST6 : &DST4;
      uint8_t family = v6 ? 6 : 4, p[1300];
      size_t max = v6 ? 1280 - 40 : 576 - 20;
      size_t want = 8 + len < max ? 8 + len : max;
      struct tct_icmp_error e = {.what = tct_wire_icmp_problem(family, TCT_ICMP_UNREACH_PORT),
                                 .quote = quote,
                                 .quote_len = len};
      struct tct_icmp_hdr h;
      assert_int_equal(tct_wire_icmp_error_len(family, len), want);
      assert_int_equal(tct_wire_icmp_emit_error(p, sizeof p, src, dst, &e), want);
      assert_int_equal(tct_wire_icmp_emit_error(p, want - 1, src, dst, &e), 0);
      assert_true(tct_wire_icmp_checksum_ok(src, dst, p, want));
      assert_int_equal(tct_wire_icmp_parse(family, p, want, &h), TCT_ACCEPTED);
      assert_int_equal(h.kind, TCT_ICMP_UNREACH_PORT);
      assert_int_equal(h.body_len, want - 8);
      assert_memory_equal(h.body, quote, want - 8);
    }
}

static void problem__every_kind__is_read_back_as_itself(void **state) {
  (void)state;
  for (int k = TCT_ICMP_OTHER; k < TCT_ICMP_KIND_COUNT; k++)
    for (int v6 = 0; v6 < 2; v6++) {
      enum tct_icmp_kind kind = (enum tct_icmp_kind)k;
      struct tct_ip_problem what = tct_wire_icmp_problem(v6 ? 6 : 4, kind);
      assert_int_equal(what.report, what.type != 0);
      if (!what.report)
        continue;
      if (v6 && kind == TCT_ICMP_UNREACH_FRAG_NEEDED)
        kind = TCT_ICMP_PACKET_TOO_BIG;
      if (!v6 && kind == TCT_ICMP_PACKET_TOO_BIG)
        kind = TCT_ICMP_UNREACH_FRAG_NEEDED;
      if (v6 && kind == TCT_ICMP_UNREACH_PROTO)
        kind = TCT_ICMP_PARAM_PROBLEM;
      assert_int_equal(kind_of(v6 ? 6 : 4, what.type, what.code), kind);
    }
  assert_false(tct_wire_icmp_problem(4, TCT_ICMP_ECHO_REQUEST).report);
  assert_false(tct_wire_icmp_problem(4, (enum tct_icmp_kind)999).report);
}

static void error__pointer_and_mtu__stand_where_the_family_wants_them(void **state) {
  (void)state;
  uint8_t p[64];
  struct tct_icmp_hdr h;
  struct tct_icmp_error e = {.quote = (const uint8_t *)"q", .quote_len = 1};
  e.what = (struct tct_ip_problem){.type = 12, .report = true, .pointer = 22};
  tct_wire_icmp_parse(4, p, tct_wire_icmp_emit_error(p, 64, &SRC4, &DST4, &e), &h);
  assert_int_equal(h.pointer, 22);
  e.what = (struct tct_ip_problem){.type = 3, .code = 4, .report = true, .pointer = 1400};
  tct_wire_icmp_parse(4, p, tct_wire_icmp_emit_error(p, 64, &SRC4, &DST4, &e), &h);
  assert_int_equal(h.mtu, 1400);
  e.what = (struct tct_ip_problem){.type = 4, .code = 1, .report = true, .pointer = 48};
  tct_wire_icmp_parse(6, p, tct_wire_icmp_emit_error(p, 64, &SRC6, &DST6, &e), &h);
  assert_int_equal(h.pointer, 48);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse__icmp4_types__are_named),
      cmocka_unit_test(parse__icmp6_types__are_named),
      cmocka_unit_test(is_error__every_type__errors_only),
      cmocka_unit_test(parse__mtu_and_pointer__from_the_right_place),
      cmocka_unit_test(parse__every_truncation__is_short),
      cmocka_unit_test(parse__extensions_after_the_quote__are_cut_off),
      cmocka_unit_test(echo__any_length__comes_back_equal),
      cmocka_unit_test(checksum__any_bit_flipped__is_not_ok),
      cmocka_unit_test(quote__every_truncation__gives_what_is_there),
      cmocka_unit_test(quote__of_other_protocols__has_what_they_have),
      cmocka_unit_test(quote__of_a_later_fragment__has_no_ports),
      cmocka_unit_test(quote__ipv4_options_and_lies__are_stepped_over),
      cmocka_unit_test(quote__ipv6_extension_headers__are_walked),
      cmocka_unit_test(quote__storm_of_nonsense__stays_in_bounds),
      cmocka_unit_test(error__any_quote__is_cut_to_the_family_limit),
      cmocka_unit_test(problem__every_kind__is_read_back_as_itself),
      cmocka_unit_test(error__pointer_and_mtu__stand_where_the_family_wants_them),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
