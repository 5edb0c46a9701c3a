/* SPDX-License-Identifier: MIT */
/* The UDP header. A-numbers are those of the attacks that the test repeats. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/udp.h"

static size_t make_datagram(uint8_t *p, size_t payload, const tct_addr *src, const tct_addr *dst) {
  tct_wire_udp_emit(p, 5353, 53, (uint16_t)payload);
  for (size_t i = 0; i < payload; i++)
    p[8 + i] = (uint8_t)(i * 11 + 3);
  tct_iov iov[] = {{p + 8, payload / 3}, {p + 8 + payload / 3, payload - payload / 3}};
  tct_wire_udp_finish(p, src, dst, iov, 2);
  return 8 + payload;
}

static tct_verdict parse(const uint8_t *bytes, size_t len, struct tct_udp_hdr *h) {
  uint8_t *p = exact_copy(bytes, len);
  tct_verdict v = tct_wire_udp_parse(p, len, len, h);
  free(p);
  return v;
}

static void emit_then_parse__both_families__same_and_summed(void **state) {
  (void)state;
  for (size_t payload = 0; payload < 70; payload++)
    for (int v6 = 0; v6 < 2; v6++) {
      tct_addr src = v6 ? ADDR6(1) : ADDR4(10, 7, 0, 1);
      tct_addr dst = v6 ? ADDR6(2) : ADDR4(10, 7, 0, 2);
      uint8_t p[80];
      struct tct_udp_hdr h;
      size_t len = make_datagram(p, payload, &src, &dst);
      assert_int_equal(parse(p, len, &h), TCT_ACCEPTED);
      assert_true(h.sport == 5353 && h.dport == 53 && h.len == len && h.checksum != 0);
      assert_true(tct_wire_udp_checksum_ok(&src, &dst, p, len));
      for (size_t bit = 0; bit < len * 8; bit++) {
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
        assert_false(tct_wire_udp_checksum_ok(&src, &dst, p, len) && tct_bytes_get16(p + 6) != 0);
        p[bit / 8] ^= (uint8_t)(1 << bit % 8);
      }
    }
}

static void parse__shorter_than_8__is_short(void **state) {
  (void)state;
  uint8_t p[16] = {0};
  struct tct_udp_hdr h;
  for (size_t len = 0; len < 8; len++)
    assert_int_equal(parse(p, len, &h), TCT_DROP_UDP_SHORT);
}

/* A117 */
static void parse__every_length_field__bad_ones_refused(void **state) {
  (void)state;
  uint8_t p[30] = {0};
  for (size_t real = 8; real <= sizeof p; real++)
    for (unsigned said = 0; said <= 65535; said += said < 60 ? 1 : 65535 - 60) {
      struct tct_udp_hdr h;
      tct_bytes_put16(p + 4, (uint16_t)said);
      bool good = said >= 8 && said <= real;
      assert_int_equal(parse(p, real, &h), good ? TCT_ACCEPTED : TCT_DROP_UDP_LEN);
      assert_int_equal(h.len, said);
    }
}

/* A117: of a packet longer than its datagram exactly len - 8 bytes are summed and delivered */
static void parse__bytes_after_the_datagram__are_not_part_of_it(void **state) {
  (void)state;
  tct_addr src = ADDR4(10, 7, 0, 1), dst = ADDR4(10, 7, 0, 2);
  uint8_t p[40];
  struct tct_udp_hdr h;
  memset(p, 0xaa, sizeof p);
  size_t len = make_datagram(p, 5, &src, &dst);
  assert_int_equal(parse(p, sizeof p, &h), TCT_ACCEPTED);
  assert_int_equal(h.len, len);
  assert_true(tct_wire_udp_checksum_ok(&src, &dst, p, h.len));
  uint8_t frame[60] = {0};
  memcpy(frame + 20, p, 40);
  struct tct_ip_hdr ip = {.src = src, .dst = dst, .header_len = 20, .payload_len = 40};
  tct_iov iov[] = {{frame, 30}, {frame + 30, 30}};
  assert_true(tct_wire_udp_checksum_ok_iov(&ip, &h, iov, 2));
  frame[31] ^= 4;
  assert_false(tct_wire_udp_checksum_ok_iov(&ip, &h, iov, 2));
}

/* A118 */
static void checksum__absent__fine_for_ipv4_only(void **state) {
  (void)state;
  tct_addr src4 = ADDR4(10, 7, 0, 1), dst4 = ADDR4(10, 7, 0, 2);
  tct_addr src6 = ADDR6(1), dst6 = ADDR6(2);
  uint8_t p[12] = {0, 1, 0, 2, 0, 12, 0, 0, 1, 2, 3, 4};
  struct tct_udp_hdr h = {.len = 12, .checksum = 0};
  struct tct_ip_hdr ip4 = {.src = src4, .dst = dst4}, ip6 = {.src = src6, .dst = dst6};
  tct_iov iov = {p, sizeof p};
  assert_true(tct_wire_udp_checksum_ok(&src4, &dst4, p, sizeof p));
  assert_false(tct_wire_udp_checksum_ok(&src6, &dst6, p, sizeof p));
  assert_true(tct_wire_udp_checksum_ok_iov(&ip4, &h, &iov, 1));
  assert_false(tct_wire_udp_checksum_ok_iov(&ip6, &h, &iov, 1));
}

/* A118: the payload is chosen so that the sum is all ones */
static void finish__computed_zero__is_sent_as_all_ones(void **state) {
  (void)state;
  tct_addr src = ADDR4(10, 7, 0, 1), dst = ADDR4(10, 7, 0, 2);
  uint8_t p[10];
  uint8_t data[2] = {0, 0};
  tct_iov iov = {data, 2};
  tct_wire_udp_emit(p, 5353, 53, 2);
  tct_wire_udp_finish(p, &src, &dst, &iov, 1);
  memcpy(data, p + 6, 2);
  tct_wire_udp_finish(p, &src, &dst, &iov, 1);
  assert_int_equal(tct_bytes_get16(p + 6), 0xffff);
  memcpy(p + 8, data, 2);
  assert_true(tct_wire_udp_checksum_ok(&src, &dst, p, sizeof p));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(emit_then_parse__both_families__same_and_summed),
      cmocka_unit_test(parse__shorter_than_8__is_short),
      cmocka_unit_test(parse__every_length_field__bad_ones_refused),
      cmocka_unit_test(parse__bytes_after_the_datagram__are_not_part_of_it),
      cmocka_unit_test(checksum__absent__fine_for_ipv4_only),
      cmocka_unit_test(finish__computed_zero__is_sent_as_all_ones),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
