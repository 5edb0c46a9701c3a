/* SPDX-License-Identifier: MIT */
/* The TCP header and its checksum. A-numbers are those of the attacks that the test repeats. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/tcp.h"

static const tct_addr SRC4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 7, 0, 1}};
static const tct_addr DST4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 7, 0, 2}};
static const tct_addr SRC6 = {{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1}};
static const tct_addr DST6 = {{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2}};

static tct_verdict parse(const uint8_t *bytes, size_t len, struct tct_tcp_hdr *h) {
  uint8_t *p = exact_copy(bytes, len);
  memset(h, 0xa5, sizeof *h);
  tct_verdict v = tct_wire_tcp_parse(p, len, h);
  free(p);
  return v;
}

static struct tct_tcp_hdr sample(void) {
  struct tct_tcp_hdr h = {.sport = 40000,
                          .dport = 80,
                          .seq = 0xfffffff0,
                          .ack = 0x01020304,
                          .flags = TCT_ACK | TCT_PSH,
                          .window = 502,
                          .urgent = 9};
  h.opt.has_ts = true;
  h.opt.tsval = 77;
  h.opt.tsecr = 66;
  return h;
}

/* A header of 32 bytes and `payload` bytes after it, checksummed. */
static size_t make_segment(uint8_t *p, size_t payload, const tct_addr *src, const tct_addr *dst) {
  struct tct_tcp_hdr h = sample();
  size_t header_len = tct_wire_tcp_emit(p, &h, TCT_TCP_OPT_LINUX);
  for (size_t i = 0; i < payload; i++)
    p[header_len + i] = (uint8_t)(i * 37 + 1);
  tct_iov iov = {p + header_len, payload};
  tct_wire_tcp_finish(p, src, dst, &iov, 1);
  return header_len + payload;
}

static void emit__fields__stand_where_rfc9293_puts_them(void **state) {
  (void)state;
  static const uint8_t want[32] = {0x9c, 0x40, 0,    80, 0xff, 0xff, 0xff, 0xf0, 1, 2, 3,
                                   4,    0x81, 0x18, 1,  0xf6, 0,    0,    0,    9, 1, 1,
                                   8,    10,   0,    0,  0,    77,   0,    0,    0, 66};
  struct tct_tcp_hdr h = sample();
  uint8_t p[TCT_TCP_HEADER_MAX];
  memset(p, 0xa5, sizeof p);
  h.ae = true;
  assert_int_equal(tct_wire_tcp_emit(p, &h, TCT_TCP_OPT_LINUX), 32);
  assert_memory_equal(p, want, sizeof want);
}

static void emit_then_parse__random_headers__are_the_same(void **state) {
  (void)state;
  uint64_t seed = 11;
  for (int round = 0; round < 20000; round++) {
    struct tct_tcp_hdr h = {0}, back;
    uint8_t p[TCT_TCP_HEADER_MAX];
    h.sport = (uint16_t)next_random(&seed);
    h.dport = (uint16_t)next_random(&seed);
    h.seq = next_random(&seed) << 1;
    h.ack = next_random(&seed) << 1;
    h.flags = (uint8_t)next_random(&seed);
    h.ae = next_random(&seed) & 1;
    h.window = (uint16_t)next_random(&seed);
    h.urgent = (uint16_t)next_random(&seed);
    h.opt.has_mss = next_random(&seed) & 1;
    h.opt.mss = h.opt.has_mss ? (uint16_t)next_random(&seed) : 0;
    size_t len = tct_wire_tcp_emit(p, &h, TCT_TCP_OPT_STRICT);
    assert_int_equal(parse(p, len, &back), TCT_ACCEPTED);
    assert_int_equal(back.header_len, len);
    assert_true(back.sport == h.sport && back.dport == h.dport && back.seq == h.seq);
    assert_true(back.ack == h.ack && back.flags == h.flags && back.ae == h.ae);
    assert_true(back.window == h.window && back.urgent == h.urgent && back.reserved == 0);
    assert_true(back.opt.has_mss == h.opt.has_mss && back.opt.mss == h.opt.mss);
  }
}

/* Set, they change nothing else; they go out as zero [RFC9293 EP-52]. */
static void reserved_bits__ignored_in__zero_out(void **state) {
  (void)state;
  uint8_t p[64];
  struct tct_tcp_hdr plain, h;
  size_t len = make_segment(p, 0, &SRC4, &DST4);
  assert_int_equal(parse(p, len, &plain), TCT_ACCEPTED);
  p[12] |= 0x0e;
  assert_int_equal(parse(p, len, &h), TCT_ACCEPTED);
  assert_int_equal(h.reserved, 7);
  assert_true(h.flags == plain.flags && h.header_len == plain.header_len && !h.ae);
  assert_true(h.opt.has_ts);
  tct_wire_tcp_emit(p, &h, TCT_TCP_OPT_LINUX);
  assert_int_equal(p[12] & 0x0e, 0);
}

/* [RFC9293 MUST-5] A018: all flags, with the same options */
static void options__in_a_segment_of_any_flags__are_read(void **state) {
  (void)state;
  uint8_t p[64];
  size_t len = make_segment(p, 3, &SRC4, &DST4);
  for (unsigned flags = 0; flags < 256; flags++) {
    struct tct_tcp_hdr h;
    p[13] = (uint8_t)flags;
    assert_int_equal(parse(p, len, &h), TCT_ACCEPTED);
    assert_int_equal(h.flags, flags);
    assert_true(h.opt.has_ts);
    assert_int_equal(h.opt.tsval, 77);
  }
}

static void parse__shorter_than_20__is_short(void **state) {
  (void)state;
  uint8_t p[64];
  struct tct_tcp_hdr h;
  make_segment(p, 0, &SRC4, &DST4);
  for (size_t len = 0; len < 20; len++)
    assert_int_equal(parse(p, len, &h), TCT_DROP_TCP_SHORT);
  for (size_t len = 20; len < 32; len++)
    assert_int_equal(parse(p, len, &h), TCT_DROP_TCP_OFFSET);
  assert_int_equal(parse(p, 32, &h), TCT_ACCEPTED);
}

/* A004 */
static void parse__every_data_offset_and_payload__below_5_or_past_the_end_refused(void **state) {
  (void)state;
  uint8_t p[80] = {0};
  for (size_t offset = 0; offset < 16; offset++)
    for (size_t len = 20; len <= 80; len++) {
      struct tct_tcp_hdr h;
      p[12] = (uint8_t)(offset << 4);
      bool good = offset >= 5 && offset * 4 <= len;
      assert_int_equal(parse(p, len, &h), good ? TCT_ACCEPTED : TCT_DROP_TCP_OFFSET);
      if (good)
        assert_int_equal(h.header_len, offset * 4);
    }
}

/* A016, A017: the pointer is only a number here */
static void parse__any_urgent_pointer__comes_through(void **state) {
  (void)state;
  static const uint16_t pointers[] = {0, 1, 11, 1000, 65535};
  for (size_t i = 0; i < sizeof pointers / sizeof pointers[0]; i++) {
    uint8_t p[64];
    struct tct_tcp_hdr h;
    size_t len = make_segment(p, 10, &SRC4, &DST4);
    p[13] |= TCT_URG;
    tct_bytes_put16(p + 18, pointers[i]);
    assert_int_equal(parse(p, len, &h), TCT_ACCEPTED);
    assert_int_equal(h.urgent, pointers[i]);
  }
}

/* The sum over pseudo-header, header and data, odd lengths too, is all ones [RFC9293 MUST-2]. */
static void finish__any_length_and_pieces__sum_is_correct(void **state) {
  (void)state;
  for (size_t payload = 0; payload < 100; payload++)
    for (size_t cut = 0; cut <= payload; cut += 1 + payload / 9) {
      uint8_t p[160];
      size_t len = make_segment(p, payload, &SRC4, &DST4);
      uint16_t whole = tct_bytes_get16(p + 16);
      tct_iov iov[] = {{p + 32, cut}, {NULL, 0}, {p + 32 + cut, payload - cut}};
      tct_wire_tcp_finish(p, &SRC4, &DST4, iov, 3);
      assert_int_equal(tct_bytes_get16(p + 16), whole);
      uint8_t pseudo[12] = {10, 7, 0, 1, 10, 7, 0, 2, 0, 6, 0, (uint8_t)len};
      uint32_t sum = naive_add(0, pseudo, sizeof pseudo, 0);
      assert_int_equal(naive_add(sum, p, len, 0), 0xffff);
      assert_true(tct_wire_tcp_checksum_ok(&SRC4, &DST4, p, len));
    }
}

/* A015: each flipped bit of segment or addresses, both families [RFC9293 MUST-3] */
static void checksum__any_bit_flipped__is_not_ok(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    tct_addr src = v6 ? SRC6 : SRC4, dst = v6 ? DST6 : DST4;
    uint8_t p[160];
    size_t len = make_segment(p, 100, &src, &dst);
    assert_true(tct_wire_tcp_checksum_ok(&src, &dst, p, len));
    for (size_t bit = 0; bit < len * 8; bit++) {
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_false(tct_wire_tcp_checksum_ok(&src, &dst, p, len));
      p[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    for (size_t bit = v6 ? 0 : 96; bit < 128; bit++) {
      dst.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
      assert_false(tct_wire_tcp_checksum_ok(&src, &dst, p, len));
      dst.b[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_false(tct_wire_tcp_checksum_ok(&src, &dst, p, len - 1));
  }
}

/* A007: padding behind the packet is in no sum */
static void checksum_of_pieces__with_link_padding__is_ok(void **state) {
  (void)state;
  uint8_t frame[20 + 160 + 6];
  memset(frame, 0xaa, sizeof frame);
  size_t len = make_segment(frame + 20, 33, &SRC4, &DST4);
  struct tct_ip_hdr ip = {
      .src = SRC4, .dst = DST4, .family = 4, .header_len = 20, .payload_len = (uint16_t)len};
  tct_iov iov[] = {{frame, 20 + 32}, {frame + 52, 11}, {frame + 63, 22 + 6}};
  assert_true(tct_wire_tcp_checksum_ok_iov(&ip, iov, 3, NULL));
  frame[60] ^= 1;
  assert_false(tct_wire_tcp_checksum_ok_iov(&ip, iov, 3, NULL));
}

/* What a device does with it: sums from the TCP header on, field included, and complements. */
static void finish_partial__completed_by_a_device__is_ok(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    const tct_addr *src = v6 ? &SRC6 : &SRC4, *dst = v6 ? &DST6 : &DST4;
    uint8_t p[160];
    size_t len = make_segment(p, 61, src, dst);
    tct_wire_tcp_finish_partial(p, src, dst, 61);
    tct_bytes_put16(p + 16, (uint16_t)~naive_add(0, p, len, 0));
    assert_true(tct_wire_tcp_checksum_ok(src, dst, p, len));
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(emit__fields__stand_where_rfc9293_puts_them),
      cmocka_unit_test(emit_then_parse__random_headers__are_the_same),
      cmocka_unit_test(reserved_bits__ignored_in__zero_out),
      cmocka_unit_test(options__in_a_segment_of_any_flags__are_read),
      cmocka_unit_test(parse__shorter_than_20__is_short),
      cmocka_unit_test(parse__every_data_offset_and_payload__below_5_or_past_the_end_refused),
      cmocka_unit_test(parse__any_urgent_pointer__comes_through),
      cmocka_unit_test(finish__any_length_and_pieces__sum_is_correct),
      cmocka_unit_test(checksum__any_bit_flipped__is_not_ok),
      cmocka_unit_test(checksum_of_pieces__with_link_padding__is_ok),
      cmocka_unit_test(finish_partial__completed_by_a_device__is_ok),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
