/* SPDX-License-Identifier: MIT */
/* The IPv6 header and its chain. A-numbers are those of the attacks that the test repeats. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/ipv6.h"

enum { HBH = 0, TCP = 6, UDP = 17, ROUTING = 43, FRAGMENT = 44, ICMP6 = 58, NONE = 59, DEST = 60 };

struct packet {
  uint8_t b[3000];
  size_t len;
  size_t next_at; /* the byte that names what is added next */
};

static void start(struct packet *k) {
  tct_addr src = ADDR6(1), dst = ADDR6(2);
  memset(k, 0, sizeof *k);
  k->b[0] = 0x60;
  k->b[7] = 64;
  memcpy(k->b + 8, src.b, 16);
  memcpy(k->b + 24, dst.b, 16);
  k->len = 40;
  k->next_at = 6;
  k->b[6] = NONE;
}

static void set_payload_len(struct packet *k) {
  tct_bytes_put16(k->b + 4, (uint16_t)(k->len - 40));
}

/* An extension header of 8 * units bytes, its options one PadN (or pads the rest of what is set).
 */
static uint8_t *add_ext(struct packet *k, uint8_t kind, size_t units) {
  uint8_t *p = k->b + k->len;
  k->b[k->next_at] = kind;
  k->next_at = k->len;
  k->len += units * 8;
  memset(p, 0, units * 8);
  p[0] = NONE;
  p[1] = kind == FRAGMENT ? 0 : (uint8_t)(units - 1);
  set_payload_len(k);
  return p;
}

static void add_fragment(struct packet *k, unsigned offset_bytes, bool more) {
  uint8_t *p = add_ext(k, FRAGMENT, 1);
  tct_bytes_put16(p + 2, (uint16_t)(offset_bytes | (more ? 1 : 0)));
  tct_bytes_put32(p + 4, 0xdeadbeef);
}

static void add_payload(struct packet *k, uint8_t proto, size_t len) {
  k->b[k->next_at] = proto;
  memset(k->b + k->len, 0x42, len);
  if (proto == TCP && len > 12)
    k->b[k->len + 12] = 0x50;
  k->len += len;
  set_payload_len(k);
}

static tct_verdict parse_len(const struct packet *k, size_t len, struct tct_ip_hdr *h) {
  uint8_t *p = exact_copy(k->b, len);
  memset(h, 0xa5, sizeof *h);
  tct_verdict v = tct_wire_ipv6_parse(p, len, len, h);
  if (v == TCT_ACCEPTED)
    assert_ptr_equal(h->payload, p + h->header_len);
  free(p);
  return v;
}

static tct_verdict parse(const struct packet *k, struct tct_ip_hdr *h) {
  return parse_len(k, k->len, h);
}

static void expect_problem(const struct tct_ip_hdr *h, uint8_t code, uint32_t pointer) {
  assert_true(h->problem.report);
  assert_int_equal(h->problem.type, 4);
  assert_int_equal(h->problem.code, code);
  assert_int_equal(h->problem.pointer, pointer);
}

static void emit__fields__stand_where_rfc8200_puts_them(void **state) {
  (void)state;
  struct tct_ip_hdr h = {.src = ADDR6(1),
                         .dst = ADDR6(2),
                         .family = 6,
                         .proto = 17,
                         .hop_limit = 63,
                         .tclass = 0xb9,
                         .flow_label = 0xabcde,
                         .payload_len = 100};
  uint8_t want[48] = {0x6b, 0x9a, 0xbc, 0xde, 0, 100, 17, 63};
  uint8_t p[48];
  memcpy(want + 8, h.src.b, 16);
  memcpy(want + 24, h.dst.b, 16);
  assert_int_equal(tct_wire_ipv6_emit(p, &h), 40);
  assert_memory_equal(p, want, 40);
  static const uint8_t fragment[8] = {17, 0, 0x05, 0xa9, 1, 2, 3, 4};
  h.is_frag = h.frag_more = true;
  h.frag_off_bytes = 1448;
  h.id = 0x01020304;
  want[5] = 108;
  want[6] = 44;
  memcpy(want + 40, fragment, 8);
  assert_int_equal(tct_wire_ipv6_emit(p, &h), 48);
  assert_memory_equal(p, want, 48);
}

static void emit_then_parse__random_headers__are_the_same(void **state) {
  (void)state;
  uint64_t seed = 6;
  for (int round = 0; round < 20000; round++) {
    struct tct_ip_hdr h = {.src = ADDR6(3), .dst = ADDR6(4), .family = 6, .proto = 17}, back;
    struct packet k;
    memset(&k, 0, sizeof k);
    h.hop_limit = (uint8_t)next_random(&seed);
    h.tclass = (uint8_t)next_random(&seed);
    h.flow_label = next_random(&seed) & 0xfffff;
    h.frag_more = next_random(&seed) & 1;
    h.frag_off_bytes = (uint16_t)(next_random(&seed) % 8000 * 8 * (next_random(&seed) & 1));
    h.is_frag = h.frag_more || h.frag_off_bytes != 0;
    h.id = h.is_frag ? next_random(&seed) : 0;
    h.payload_len = (uint16_t)(8 * (1 + next_random(&seed) % 9));
    k.len = tct_wire_ipv6_emit(k.b, &h) + h.payload_len;
    assert_int_equal(parse(&k, &back), TCT_ACCEPTED);
    assert_true(back.family == 6 && back.proto == 17 && back.hop_limit == h.hop_limit);
    assert_true(back.tclass == h.tclass && back.flow_label == h.flow_label && back.id == h.id);
    assert_true(back.frag_more == h.frag_more && back.frag_off_bytes == h.frag_off_bytes);
    assert_true(back.is_frag == h.is_frag && back.payload_len == h.payload_len);
    assert_int_equal(k.b[back.proto_offset], 17);
    assert_memory_equal(&back.src, &h.src, 16);
    assert_memory_equal(&back.dst, &h.dst, 16);
  }
}

static void parse__every_truncation__is_refused(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_ext(&k, HBH, 1);
  add_ext(&k, DEST, 2);
  add_payload(&k, TCP, 20);
  for (size_t len = 0; len < k.len; len++)
    assert_int_equal(parse_len(&k, len, &h), len < 40 ? TCT_DROP_IP_SHORT : TCT_DROP_IP_TOTAL_LEN);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_int_equal(h.header_len, 64);
}

/* A109 */
static void parse__payload_length__above_refused_below_cuts(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  for (unsigned said = 0; said < 120; said++) {
    start(&k);
    add_payload(&k, UDP, 50);
    tct_bytes_put16(k.b + 4, (uint16_t)said);
    assert_int_equal(parse(&k, &h), said > 50 ? TCT_DROP_IP_TOTAL_LEN : TCT_ACCEPTED);
    if (said <= 50)
      assert_true(h.payload_len == said && h.payload_have == said);
  }
}

static void parse__payload_in_later_pieces__says_how_much_is_here(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_payload(&k, TCP, 100);
  uint8_t *exact = exact_copy(k.b, 60);
  assert_int_equal(tct_wire_ipv6_parse(exact, 60, 140, &h), TCT_ACCEPTED);
  assert_true(h.payload_len == 100 && h.payload_have == 20);
  free(exact);
}

static void parse__ipv4_mapped_addresses__do_not_pass_for_ipv4(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  tct_addr mapped = ADDR4(10, 7, 0, 1);
  start(&k);
  add_payload(&k, TCP, 20);
  memcpy(k.b + 8, mapped.b, 16);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP_SOURCE);
  start(&k);
  add_payload(&k, TCP, 20);
  memcpy(k.b + 24, mapped.b, 16);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP_NOT_FOR_US);
}

static void chain__all_kinds_in_order__ends_at_the_upper_layer(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_ext(&k, HBH, 1);
  add_ext(&k, DEST, 3);
  add_ext(&k, ROUTING, 2);
  add_ext(&k, DEST, 1);
  add_payload(&k, TCP, 33);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_true(h.proto == TCP && h.payload_len == 33 && h.header_len == 40 + 56);
  assert_true(h.has_options && !h.is_frag && h.ext_headers == 4);
  assert_int_equal(h.proto_offset, 40 + 48);
}

static void chain__unknown_upper_layer__is_left_to_ip_with_its_offset(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_ext(&k, DEST, 1);
  add_payload(&k, 253, 9);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_true(h.proto == 253 && h.proto_offset == 40 && h.payload_len == 9);
}

static void chain__no_next_header__is_dropped_silently(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_payload(&k, NONE, 5);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_NO_NEXT);
  assert_false(h.problem.report);
  start(&k);
  add_ext(&k, DEST, 1);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_NO_NEXT);
}

/* A103: each length byte against each real length */
static void chain__header_length_past_the_packet__is_dropped(void **state) {
  (void)state;
  static const uint8_t kinds[] = {HBH, DEST, ROUTING};
  for (size_t kind = 0; kind < 3; kind++)
    for (unsigned said = 0; said < 256; said++)
      for (size_t real = 0; real <= 40; real++) {
        struct packet k;
        struct tct_ip_hdr h;
        start(&k);
        k.b[6] = kinds[kind];
        k.len = 40 + real;
        set_payload_len(&k);
        if (real > 0)
          k.b[40] = UDP;
        if (real > 1)
          k.b[41] = (uint8_t)said;
        bool fits = real >= 8 && (said + 1) * 8 <= real;
        assert_int_equal(parse(&k, &h), fits ? TCT_ACCEPTED : TCT_DROP_IP6_EXT_HEADER);
        if (fits)
          assert_int_equal(h.payload_len, real - (said + 1) * 8);
      }
}

/* A104 */
static void chain__longer_than_the_limits__is_dropped(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  for (size_t n = 1; n <= 180; n++) {
    start(&k);
    for (size_t i = 0; i < n; i++)
      add_ext(&k, DEST, 1);
    add_payload(&k, UDP, 8);
    bool good = n <= TCT_IP6_EXT_HEADERS_MAX;
    assert_int_equal(parse(&k, &h), good ? TCT_ACCEPTED : TCT_DROP_IP6_EXT_CHAIN);
  }
  for (size_t units = 120; units <= 140; units++) {
    start(&k);
    add_ext(&k, DEST, 2);
    add_ext(&k, DEST, units - 2);
    add_payload(&k, UDP, 8);
    bool good = units * 8 <= TCT_IP6_EXT_BYTES_MAX;
    assert_int_equal(parse(&k, &h), good ? TCT_ACCEPTED : TCT_DROP_IP6_EXT_CHAIN);
  }
}

/* A104 */
static void chain__hop_by_hop_not_first__is_an_unknown_next_header(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_ext(&k, DEST, 1);
  add_ext(&k, HBH, 1);
  add_payload(&k, UDP, 8);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_EXT_CHAIN);
  expect_problem(&h, 1, 40);
}

/* A104 */
static void chain__nested_fragment_headers__are_dropped(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_fragment(&k, 0, false);
  add_fragment(&k, 0, true);
  add_payload(&k, UDP, 8);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_EXT_CHAIN);
  start(&k);
  add_fragment(&k, 0, true);
  add_fragment(&k, 0, false);
  add_payload(&k, UDP, 8);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_EXT_CHAIN);
}

/* A105: high bits 00 01 10 11, to a unicast and to a multicast address */
static void options__unknown__do_as_their_high_bits_say(void **state) {
  (void)state;
  for (unsigned type = 2; type < 256; type++)
    for (int multicast = 0; multicast < 2; multicast++)
      for (int hop = 0; hop < 2; hop++) {
        struct packet k;
        struct tct_ip_hdr h;
        start(&k);
        uint8_t *p = add_ext(&k, hop ? HBH : DEST, 1);
        static const uint8_t body[] = {0, 0, 2, 7, 7};
        p[2] = 0; /* Pad1 */
        p[3] = (uint8_t)type;
        p[4] = 3;
        memcpy(p + 5, body + 2, 3);
        add_payload(&k, UDP, 8);
        if (multicast)
          k.b[24] = 0xff;
        tct_verdict v = parse(&k, &h);
        assert_int_equal(v, type < 64 ? TCT_ACCEPTED : TCT_DROP_IP6_OPTION);
        bool report = type >= 192 ? !multicast : type >= 128;
        assert_int_equal(h.problem.report, report);
        if (report)
          expect_problem(&h, 2, 43);
      }
}

static void options__overrun_their_header__problem_points_at_them(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  for (unsigned len = 0; len < 256; len++) {
    start(&k);
    uint8_t *p = add_ext(&k, DEST, 2);
    p[2] = 1; /* PadN */
    p[3] = (uint8_t)len;
    add_payload(&k, UDP, 8);
    assert_int_equal(parse(&k, &h), len <= 12 ? TCT_ACCEPTED : TCT_DROP_IP6_OPTION);
    if (len > 12)
      expect_problem(&h, 0, 42);
  }
  start(&k);
  uint8_t *p = add_ext(&k, DEST, 1);
  p[7] = 1; /* a PadN without room for its length */
  add_payload(&k, UDP, 8);
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_OPTION);
  expect_problem(&h, 0, 47);
}

/* A106, and the same for every other type */
static void routing__segments_left__problem_points_at_the_type(void **state) {
  (void)state;
  for (unsigned type = 0; type < 256; type++)
    for (unsigned left = 0; left <= 40; left += 40) {
      struct packet k;
      struct tct_ip_hdr h;
      start(&k);
      uint8_t *p = add_ext(&k, ROUTING, 81);
      p[2] = (uint8_t)type;
      p[3] = (uint8_t)left;
      add_payload(&k, TCP, 20);
      assert_int_equal(parse(&k, &h), left ? TCT_DROP_IP6_ROUTING : TCT_ACCEPTED);
      if (left)
        expect_problem(&h, 0, 42);
    }
}

static void fragment__header__is_read(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_ext(&k, HBH, 1);
  add_fragment(&k, 1448, true);
  add_payload(&k, TCP, 64);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_true(h.is_frag && h.frag_more && h.frag_off_bytes == 1448 && h.id == 0xdeadbeef);
  assert_true(h.proto == TCP && h.payload_len == 64 && h.header_len == 56);
  assert_int_equal(h.proto_offset, 48);
}

static void fragment__atomic__is_handled_alone(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_fragment(&k, 0, false);
  add_ext(&k, DEST, 1);
  add_payload(&k, TCP, 20);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_true(!h.is_frag && h.has_frag_hdr && h.proto == TCP && h.header_len == 56);
}

static void fragment__sizes__are_checked_with_the_pointers_of_rfc8200(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  for (size_t len = 20; len < 60; len++) {
    start(&k);
    add_fragment(&k, 0, true);
    add_payload(&k, TCP, len);
    assert_int_equal(parse(&k, &h), len % 8 ? TCT_DROP_FRAGMENT_SIZE : TCT_ACCEPTED);
    if (len % 8)
      expect_problem(&h, 0, 4);
  }
  start(&k);
  add_fragment(&k, 65528, false);
  add_payload(&k, TCP, 7);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  start(&k);
  add_fragment(&k, 65528, false);
  add_payload(&k, TCP, 8);
  assert_int_equal(parse(&k, &h), TCT_DROP_FRAGMENT_TOO_BIG);
  expect_problem(&h, 0, 42);
  start(&k);
  add_fragment(&k, 8, true);
  assert_int_equal(parse(&k, &h), TCT_DROP_FRAGMENT_SIZE);
}

/* A108 */
static void fragment__first_without_the_whole_chain__is_problem_3(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  static const uint8_t protos[] = {TCP, UDP, ICMP6, 253};
  static const size_t needs[] = {24, 8, 8, 8}; /* in units of 8, as fragments are */
  for (size_t i = 0; i < 4; i++)
    for (size_t len = 8; len <= 32; len += 8) {
      start(&k);
      add_fragment(&k, 0, true);
      add_payload(&k, protos[i], len);
      bool good = len >= needs[i];
      assert_int_equal(parse(&k, &h), good ? TCT_ACCEPTED : TCT_DROP_IP6_FRAGMENT_CHAIN);
      if (!good)
        expect_problem(&h, 3, 0);
    }
  start(&k);
  add_fragment(&k, 0, true);
  k.b[add_ext(&k, DEST, 2) - k.b + 1] = 2; /* says 24 bytes, 16 are here */
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_FRAGMENT_CHAIN);
  expect_problem(&h, 3, 0);
  start(&k);
  add_fragment(&k, 0, true);
  add_ext(&k, DEST, 1);
  add_payload(&k, TCP, 24);
  k.b[k.len - 24 + 12] = 0xf0; /* TCP options in the next fragment */
  assert_int_equal(parse(&k, &h), TCT_DROP_IP6_FRAGMENT_CHAIN);
}

static void fragment__first_with_a_chain__payload_begins_behind_the_fragment_header(void **state) {
  (void)state;
  struct packet k;
  struct tct_ip_hdr h;
  start(&k);
  add_fragment(&k, 0, true);
  add_ext(&k, DEST, 1);
  add_payload(&k, TCP, 24);
  assert_int_equal(parse(&k, &h), TCT_ACCEPTED);
  assert_true(h.is_frag && h.proto == DEST && h.payload_len == 32 && h.header_len == 48);
}

static void parse_chain__after_reassembly__goes_on_to_the_upper_layer(void **state) {
  (void)state;
  struct packet k, first;
  struct tct_ip_hdr h;
  start(&first);
  add_fragment(&first, 0, true);
  add_ext(&first, DEST, 1);
  add_payload(&first, TCP, 24);
  assert_int_equal(parse(&first, &h), TCT_ACCEPTED);
  start(&k);
  add_ext(&k, DEST, 1);
  add_payload(&k, TCP, 500);
  uint8_t *whole = exact_copy(k.b + 40, k.len - 40);
  assert_int_equal(tct_wire_ipv6_parse_chain(h.proto, whole, k.len - 40, &h), TCT_ACCEPTED);
  assert_true(h.proto == TCP && h.payload_len == 500 && h.payload == whole + 8 && !h.is_frag);
  assert_int_equal(h.src.b[15], 1);
  free(whole);
}

static void parse_chain__fragment_or_hop_by_hop_inside__is_dropped(void **state) {
  (void)state;
  struct packet first;
  struct tct_ip_hdr h;
  uint8_t inner[16] = {UDP};
  start(&first);
  add_fragment(&first, 0, true);
  add_payload(&first, TCP, 24);
  assert_int_equal(parse(&first, &h), TCT_ACCEPTED);
  struct tct_ip_hdr again = h;
  assert_int_equal(tct_wire_ipv6_parse_chain(FRAGMENT, inner, 16, &again), TCT_DROP_IP6_EXT_CHAIN);
  again = h;
  assert_int_equal(tct_wire_ipv6_parse_chain(HBH, inner, 16, &again), TCT_DROP_IP6_EXT_CHAIN);
  again = h;
  assert_int_equal(tct_wire_ipv6_parse_chain(NONE, inner, 16, &again), TCT_DROP_IP6_NO_NEXT);
  again = h;
  assert_int_equal(tct_wire_ipv6_parse_chain(UDP, inner, 70000, &again), TCT_DROP_FRAGMENT_TOO_BIG);
}

static void parse__storm_of_nonsense__stays_in_bounds(void **state) {
  (void)state;
  static const uint8_t kinds[] = {HBH, DEST, ROUTING, FRAGMENT};
  uint64_t seed = 8;
  unsigned accepted = 0;
  for (int round = 0; round < 100000; round++) {
    struct packet k;
    struct tct_ip_hdr h;
    start(&k);
    size_t n = next_random(&seed) % 4;
    for (size_t i = 0; i < n; i++)
      add_ext(&k, kinds[next_random(&seed) % 4], 1 + next_random(&seed) % 3);
    add_payload(&k, next_random(&seed) % 2 ? TCP : UDP, next_random(&seed) % 40);
    for (size_t i = next_random(&seed) % 4; i > 0; i--)
      k.b[4 + next_random(&seed) % (k.len - 4)] = (uint8_t)next_random(&seed);
    tct_verdict v = parse(&k, &h);
    assert_true(h.family == 6 || v == TCT_DROP_IP_TOTAL_LEN);
    if (v == TCT_ACCEPTED) {
      accepted++;
      assert_true((size_t)h.header_len + h.payload_len <= k.len);
      assert_true(h.ext_headers <= TCT_IP6_EXT_HEADERS_MAX && h.proto_offset < h.header_len);
    }
  }
  assert_true(accepted > 1000 && accepted < 99000);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(emit__fields__stand_where_rfc8200_puts_them),
      cmocka_unit_test(emit_then_parse__random_headers__are_the_same),
      cmocka_unit_test(parse__every_truncation__is_refused),
      cmocka_unit_test(parse__payload_length__above_refused_below_cuts),
      cmocka_unit_test(parse__payload_in_later_pieces__says_how_much_is_here),
      cmocka_unit_test(parse__ipv4_mapped_addresses__do_not_pass_for_ipv4),
      cmocka_unit_test(chain__all_kinds_in_order__ends_at_the_upper_layer),
      cmocka_unit_test(chain__unknown_upper_layer__is_left_to_ip_with_its_offset),
      cmocka_unit_test(chain__no_next_header__is_dropped_silently),
      cmocka_unit_test(chain__header_length_past_the_packet__is_dropped),
      cmocka_unit_test(chain__longer_than_the_limits__is_dropped),
      cmocka_unit_test(chain__hop_by_hop_not_first__is_an_unknown_next_header),
      cmocka_unit_test(chain__nested_fragment_headers__are_dropped),
      cmocka_unit_test(options__unknown__do_as_their_high_bits_say),
      cmocka_unit_test(options__overrun_their_header__problem_points_at_them),
      cmocka_unit_test(routing__segments_left__problem_points_at_the_type),
      cmocka_unit_test(fragment__header__is_read),
      cmocka_unit_test(fragment__atomic__is_handled_alone),
      cmocka_unit_test(fragment__sizes__are_checked_with_the_pointers_of_rfc8200),
      cmocka_unit_test(fragment__first_without_the_whole_chain__is_problem_3),
      cmocka_unit_test(fragment__first_with_a_chain__payload_begins_behind_the_fragment_header),
      cmocka_unit_test(parse_chain__after_reassembly__goes_on_to_the_upper_layer),
      cmocka_unit_test(parse_chain__fragment_or_hop_by_hop_inside__is_dropped),
      cmocka_unit_test(parse__storm_of_nonsense__stays_in_bounds),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
