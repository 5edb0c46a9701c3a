/* SPDX-License-Identifier: MIT */
/* The IPv4 header. A-numbers are those of the attacks that the test repeats. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/ipv4.h"

/* Parses an exact-size copy. h->payload is made an offset-true pointer into `bytes` again. */
static tct_verdict parse(const uint8_t *bytes, size_t len, struct tct_ip_hdr *h) {
  uint8_t *p = exact_copy(bytes, len);
  memset(h, 0xa5, sizeof *h);
  tct_verdict v = tct_wire_ipv4_parse(p, len, len, h);
  if (v == TCT_ACCEPTED) {
    assert_ptr_equal(h->payload, p + h->header_len);
    h->payload = bytes + h->header_len;
  }
  free(p);
  return v;
}

static void sum_header(uint8_t *p) {
  size_t len = (size_t)(p[0] & 15) * 4;
  tct_bytes_put16(p + 10, 0);
  tct_bytes_put16(p + 10, tct_checksum_of(p, len));
}

/* A packet of total_len bytes with header_len bytes of header, options all NOP. */
static void make_packet(uint8_t *p, size_t header_len, size_t total_len) {
  struct tct_ip_hdr h = {.src = ADDR4(10, 7, 0, 1),
                         .dst = ADDR4(10, 7, 0, 2),
                         .family = 4,
                         .proto = 6,
                         .hop_limit = 64,
                         .id = 7,
                         .dont_frag = true};
  memset(p, 1, total_len);
  tct_wire_ipv4_emit(p, &h);
  p[0] = (uint8_t)(0x40 | header_len / 4);
  tct_bytes_put16(p + 2, (uint16_t)total_len);
  sum_header(p);
}

static void emit__fields__stand_where_rfc791_puts_them(void **state) {
  (void)state;
  static const uint8_t want[20] = {0x45, 0xb9, 0,   120, 0xab, 0xcd, 0x20, 0xb9, 63,  17,
                                   0,    0,    192, 0,   2,    1,    198,  51,   100, 7};
  struct tct_ip_hdr h = {.src = ADDR4(192, 0, 2, 1),
                         .dst = ADDR4(198, 51, 100, 7),
                         .family = 4,
                         .proto = 17,
                         .hop_limit = 63,
                         .tclass = 0xb9,
                         .id = 0xabcd,
                         .frag_more = true,
                         .frag_off_bytes = 1480,
                         .payload_len = 100};
  uint8_t p[20];
  memset(p, 0xa5, sizeof p);
  assert_int_equal(tct_wire_ipv4_emit(p, &h), 20);
  assert_int_equal(naive_add(0, p, 20, 0), 0xffff);
  memset(p + 10, 0, 2);
  assert_memory_equal(p, want, sizeof want);
}

static void emit_then_parse__random_headers__are_the_same(void **state) {
  (void)state;
  uint64_t seed = 2;
  for (int round = 0; round < 20000; round++) {
    struct tct_ip_hdr h = {.src = ADDR4(1, 2, 3, 4), .dst = ADDR4(5, 6, 7, 8), .family = 4}, back;
    uint8_t p[100] = {0};
    h.proto = (uint8_t)next_random(&seed);
    h.hop_limit = (uint8_t)next_random(&seed);
    h.tclass = (uint8_t)next_random(&seed);
    h.id = next_random(&seed) & 0xffff;
    h.dont_frag = next_random(&seed) & 1;
    h.frag_more = next_random(&seed) & 1;
    h.frag_off_bytes = (uint16_t)(next_random(&seed) % 8000 * 8);
    h.payload_len = (uint16_t)(8 * (1 + next_random(&seed) % 9));
    tct_wire_ipv4_emit(p, &h);
    assert_int_equal(parse(p, 20u + h.payload_len, &back), TCT_ACCEPTED);
    assert_true(back.family == 4 && back.proto == h.proto && back.hop_limit == h.hop_limit);
    assert_true(back.tclass == h.tclass && back.id == h.id && back.dont_frag == h.dont_frag);
    assert_true(back.frag_more == h.frag_more && back.frag_off_bytes == h.frag_off_bytes);
    assert_int_equal(back.is_frag, h.frag_more || h.frag_off_bytes != 0);
    assert_true(back.payload_len == h.payload_len && back.payload_have == h.payload_len);
    assert_memory_equal(&back.src, &h.src, 16);
    assert_memory_equal(&back.dst, &h.dst, 16);
    assert_false(back.has_options);
    assert_int_equal(p[back.proto_offset], h.proto);
  }
}

static void parse__every_truncation__is_refused(void **state) {
  (void)state;
  uint8_t p[40];
  struct tct_ip_hdr h;
  make_packet(p, 20, 40);
  for (size_t len = 0; len < 40; len++)
    assert_int_equal(parse(p, len, &h), len < 20 ? TCT_DROP_IP_SHORT : TCT_DROP_IP_TOTAL_LEN);
  assert_int_equal(parse(p, 40, &h), TCT_ACCEPTED);
}

/* A005 */
static void parse__total_length_below_the_header__is_refused(void **state) {
  (void)state;
  uint8_t p[60];
  struct tct_ip_hdr h;
  for (unsigned total = 0; total < 24; total++) {
    make_packet(p, 24, 60);
    tct_bytes_put16(p + 2, (uint16_t)total);
    sum_header(p);
    assert_int_equal(parse(p, 60, &h), TCT_DROP_IP_TOTAL_LEN);
  }
  make_packet(p, 20, 60);
  tct_bytes_put16(p + 2, 20);
  sum_header(p);
  assert_int_equal(parse(p, 60, &h), TCT_ACCEPTED);
  assert_int_equal(h.payload_len, 0);
}

/* A006, A101 */
static void parse__total_length_above_the_frame__is_refused(void **state) {
  (void)state;
  uint8_t p[60];
  struct tct_ip_hdr h;
  static const uint16_t totals[] = {61, 64, 1500, 65535};
  for (size_t i = 0; i < 4; i++) {
    make_packet(p, 20, 60);
    tct_bytes_put16(p + 2, totals[i]);
    sum_header(p);
    assert_int_equal(parse(p, 60, &h), TCT_DROP_IP_TOTAL_LEN);
  }
}

/* A007 */
static void parse__link_padding__is_left_out(void **state) {
  (void)state;
  uint8_t p[60];
  struct tct_ip_hdr h;
  memset(p, 0xaa, sizeof p);
  make_packet(p, 20, 41);
  assert_int_equal(parse(p, 60, &h), TCT_ACCEPTED);
  assert_true(h.payload_len == 21 && h.payload_have == 21);
}

static void parse__payload_in_later_pieces__says_how_much_is_here(void **state) {
  (void)state;
  uint8_t p[60];
  struct tct_ip_hdr h;
  make_packet(p, 20, 60);
  uint8_t *exact = exact_copy(p, 45);
  assert_int_equal(tct_wire_ipv4_parse(exact, 45, 60, &h), TCT_ACCEPTED);
  assert_true(h.payload_len == 40 && h.payload_have == 25);
  free(exact);
}

/* A085 */
static void parse__every_header_length__below_5_or_past_the_packet_refused(void **state) {
  (void)state;
  static const size_t sizes[] = {20, 24, 60};
  for (size_t s = 0; s < 3; s++)
    for (size_t ihl = 0; ihl < 16; ihl++) {
      uint8_t p[60];
      struct tct_ip_hdr h;
      make_packet(p, 20, sizes[s]);
      p[0] = (uint8_t)(0x40 | ihl);
      if (ihl >= 5 && ihl * 4 <= sizes[s])
        sum_header(p);
      bool good = ihl >= 5 && ihl * 4 <= sizes[s];
      assert_int_equal(parse(p, sizes[s], &h), good ? TCT_ACCEPTED : TCT_DROP_IP_HEADER_LEN);
      if (good)
        assert_int_equal(h.header_len, ihl * 4);
    }
}

/* A086 */
static void parse__any_header_bit_flipped__is_refused(void **state) {
  (void)state;
  for (size_t header_len = 20; header_len <= 60; header_len += 20) {
    uint8_t p[80];
    struct tct_ip_hdr h;
    make_packet(p, header_len, 80);
    for (size_t bit = 0; bit < header_len * 8; bit++) {
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
      tct_verdict v = parse(p, 80, &h);
      assert_int_not_equal(v, TCT_ACCEPTED);
      assert_true(bit >= 32 ? v == TCT_DROP_IP_CHECKSUM : true);
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_int_equal(parse(p, 80, &h), TCT_ACCEPTED);
  }
}

static tct_verdict parse_options(const uint8_t *options, size_t len, struct tct_ip_hdr *h) {
  uint8_t p[80];
  size_t header_len = 20 + (len + 3) / 4 * 4;
  make_packet(p, header_len, header_len + 20);
  memset(p + 20, 0, header_len - 20);
  memcpy(p + 20, options, len);
  sum_header(p);
  return parse(p, header_len + 20, h);
}

/* Timestamp, record route, security, stream id, router alert, unknown [RFC9293 MUST-50] */
static void parse__options_of_no_use_to_tcp__are_ignored(void **state) {
  (void)state;
  static const uint8_t kinds[] = {68, 7, 130, 136, 148, 25, 205, 255};
  for (size_t k = 0; k < sizeof kinds; k++)
    for (uint8_t len = 2; len <= 39; len++) {
      uint8_t b[40] = {1, kinds[k], len};
      struct tct_ip_hdr h;
      assert_int_equal(parse_options(b, sizeof b, &h), TCT_ACCEPTED);
      assert_true(h.has_options && h.header_len == 60 && h.payload_len == 20);
    }
}

/* A087 */
static void parse__source_routes__refused_and_not_reported(void **state) {
  (void)state;
  for (unsigned kind = 131; kind <= 137; kind += 6)
    for (unsigned len = 0; len <= 41; len++)
      for (unsigned pointer = 0; pointer < 256; pointer += 5) {
        uint8_t b[40] = {(uint8_t)kind, (uint8_t)len, (uint8_t)pointer};
        struct tct_ip_hdr h;
        tct_verdict v = parse_options(b, sizeof b, &h);
        bool whole = len >= 2 && len <= 40;
        assert_int_equal(v, whole ? TCT_DROP_IP_SOURCE_ROUTE : TCT_DROP_IP_OPTIONS);
        assert_int_equal(h.problem.report, !whole);
      }
}

static void parse__source_route_behind_others__is_still_found(void **state) {
  (void)state;
  struct tct_ip_hdr h;
  static const uint8_t b[] = {7, 7, 4, 0, 0, 0, 0, 1, 137, 7, 4, 1, 2, 3, 4, 0};
  assert_int_equal(parse_options(b, sizeof b, &h), TCT_DROP_IP_SOURCE_ROUTE);
  static const uint8_t ended[] = {1, 0, 137, 7, 4, 1, 2, 3};
  assert_int_equal(parse_options(ended, sizeof ended, &h), TCT_ACCEPTED);
}

/* A087 */
static void parse__malformed_option__problem_points_at_it(void **state) {
  (void)state;
  struct tct_ip_hdr h;
  static const uint8_t lengths[] = {0, 1, 7, 255};
  for (size_t i = 0; i < sizeof lengths; i++) {
    uint8_t b[8] = {1, 1, 7, lengths[i], 0, 0, 0, 0};
    assert_int_equal(parse_options(b, sizeof b, &h), TCT_DROP_IP_OPTIONS);
    assert_true(h.problem.report && h.problem.type == 12 && h.problem.code == 0);
    assert_int_equal(h.problem.pointer, 22);
  }
  static const uint8_t cut[] = {1, 1, 1, 7};
  assert_int_equal(parse_options(cut, sizeof cut, &h), TCT_DROP_IP_OPTIONS);
  assert_int_equal(h.problem.pointer, 23);
  assert_int_equal(h.src.b[12], 10);
}

static tct_verdict parse_fragment(uint16_t word, size_t payload_len, struct tct_ip_hdr *h) {
  uint8_t *p = malloc(20 + payload_len);
  assert_non_null(p);
  make_packet(p, 20, 20 + payload_len);
  tct_bytes_put16(p + 6, word);
  sum_header(p);
  tct_verdict v = parse(p, 20 + payload_len, h);
  free(p);
  return v;
}

static void parse__fragments__sizes_are_checked(void **state) {
  (void)state;
  struct tct_ip_hdr h;
  assert_int_equal(parse_fragment(0x2000, 16, &h), TCT_ACCEPTED);
  assert_true(h.is_frag && h.frag_more && h.frag_off_bytes == 0);
  assert_int_equal(parse_fragment(0x0002, 13, &h), TCT_ACCEPTED);
  assert_true(h.is_frag && !h.frag_more && h.frag_off_bytes == 16);
  assert_int_equal(parse_fragment(0x2000, 13, &h), TCT_DROP_FRAGMENT_SIZE);
  assert_int_equal(parse_fragment(0x2000, 0, &h), TCT_DROP_FRAGMENT_SIZE);
  assert_int_equal(parse_fragment(0x1fff, 7, &h), TCT_ACCEPTED);
  assert_int_equal(parse_fragment(0x1fff, 8, &h), TCT_DROP_FRAGMENT_TOO_BIG);
  assert_int_equal(parse_fragment(0x8000, 8, &h), TCT_ACCEPTED); /* the reserved bit */
  assert_false(h.is_frag);
}

static void parse__storm_of_nonsense__stays_in_bounds(void **state) {
  (void)state;
  uint64_t seed = 4;
  unsigned accepted = 0;
  for (int round = 0; round < 100000; round++) {
    uint8_t p[80];
    struct tct_ip_hdr h;
    size_t header_len = 20 + next_random(&seed) % 11 * 4;
    size_t len = header_len + next_random(&seed) % 20;
    make_packet(p, header_len, len);
    for (size_t i = 20; i < header_len; i++)
      if (next_random(&seed) % 4 == 0)
        p[i] = (uint8_t)next_random(&seed);
    p[next_random(&seed) % len] = (uint8_t)next_random(&seed);
    if ((p[0] & 15u) * 4u <= len)
      sum_header(p);
    if (parse(p, len, &h) == TCT_ACCEPTED) {
      accepted++;
      assert_true((size_t)h.header_len + h.payload_len <= len);
    }
  }
  assert_true(accepted > 1000 && accepted < 99000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(emit__fields__stand_where_rfc791_puts_them),
      cmocka_unit_test(emit_then_parse__random_headers__are_the_same),
      cmocka_unit_test(parse__every_truncation__is_refused),
      cmocka_unit_test(parse__total_length_below_the_header__is_refused),
      cmocka_unit_test(parse__total_length_above_the_frame__is_refused),
      cmocka_unit_test(parse__link_padding__is_left_out),
      cmocka_unit_test(parse__payload_in_later_pieces__says_how_much_is_here),
      cmocka_unit_test(parse__every_header_length__below_5_or_past_the_packet_refused),
      cmocka_unit_test(parse__any_header_bit_flipped__is_refused),
      cmocka_unit_test(parse__options_of_no_use_to_tcp__are_ignored),
      cmocka_unit_test(parse__source_routes__refused_and_not_reported),
      cmocka_unit_test(parse__source_route_behind_others__is_still_found),
      cmocka_unit_test(parse__malformed_option__problem_points_at_it),
      cmocka_unit_test(parse__fragments__sizes_are_checked),
      cmocka_unit_test(parse__storm_of_nonsense__stays_in_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
