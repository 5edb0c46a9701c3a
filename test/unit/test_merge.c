/* SPDX-License-Identifier: MIT */
/* Packets that continue one another become one frame, others do not: drivers/merge.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/merge.h"
#include "drivers/segment.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { PACKETS = 64, ROOM = 2048, TEXT = 1000, LINK = 14 };

static struct {
  int family;
  size_t link_len;
  size_t n;
  uint8_t packet[PACKETS][ROOM], before[PACKETS][ROOM];
  tct_iov iov[PACKETS];
  tct_frame f[PACKETS];
} b;

static uint8_t *ip_of(size_t i) {
  return b.packet[i] + b.link_len;
}

static uint8_t *tcp_of(size_t i) {
  return ip_of(i) + (b.family == 4 ? 20 : 40);
}

/* Both checksums, after a change. */
static void mend(size_t i) {
  uint8_t *ip = ip_of(i), *tcp = tcp_of(i);
  tct_addr src = tct_addr_ipv4(ip[12], ip[13], ip[14], ip[15]);
  tct_addr dst = tct_addr_ipv4(ip[16], ip[17], ip[18], ip[19]);
  uint32_t len = (uint32_t)tct_bytes_get16(ip + 2) - 20;
  if (b.family == 6) {
    memcpy(&src, ip + 8, 16);
    memcpy(&dst, ip + 24, 16);
    len = tct_bytes_get16(ip + 4);
  } else {
    tct_bytes_put16(ip + 10, 0);
    tct_bytes_put16(ip + 10, tct_checksum_of(ip, 20));
  }
  tct_bytes_put16(tcp + 16, 0);
  tct_bytes_put16(tcp + 16, tct_checksum_of_packet(&src, &dst, TCT_IPPROTO_TCP, tcp, len));
}

/* The next packet of the flow, with timestamps, behind those that are there. */
static void add(uint32_t seq, uint32_t text_len, uint8_t flags) {
  size_t i = b.n++;
  struct tct_ip_hdr ip = {.src = tct_addr_ipv4(192, 0, 2, 1),
                          .dst = tct_addr_ipv4(192, 0, 2, 2),
                          .family = (uint8_t)b.family,
                          .proto = TCT_IPPROTO_TCP,
                          .hop_limit = 64,
                          .dont_frag = true,
                          .payload_len = (uint16_t)(32 + text_len)};
  if (b.family == 6) {
    ip.src = (tct_addr){{0x20, 1, 0xd, 0xb8, 1}};
    ip.dst = (tct_addr){{0x20, 1, 0xd, 0xb8, 2}};
  }
  memset(b.packet[i], 0, ROOM);
  memset(b.packet[i], 0xe0, b.link_len);
  tct_wire_ip_emit(ip_of(i), &ip);
  uint8_t *tcp = tcp_of(i);
  tct_bytes_put16(tcp, 4000);
  tct_bytes_put16(tcp + 2, 80);
  tct_bytes_put32(tcp + 4, seq);
  tct_bytes_put32(tcp + 8, 77);
  tct_bytes_put32(tcp + 12, 8u << 28 | (uint32_t)flags << 16 | 500);
  tct_bytes_put32(tcp + 20, 0x0101080a);
  tct_bytes_put32(tcp + 24, 1111);
  tct_bytes_put32(tcp + 28, 2222);
  for (uint32_t k = 0; k < text_len; k++)
    tcp[32 + k] = (uint8_t)(seq + k * 7);
  mend(i);
  b.iov[i] = (tct_iov){b.packet[i], (size_t)(tcp - b.packet[i]) + 32 + text_len};
  b.f[i] = (tct_frame){.iov = &b.iov[i], .n_iov = 1, .len = (uint32_t)b.iov[i].len};
}

static void begin(int family, size_t link_len) {
  memset(&b, 0, sizeof b);
  b.family = family;
  b.link_len = link_len;
}

static size_t merge(void) {
  memcpy(b.before, b.packet, sizeof b.before);
  return tct_merge(b.f, b.n, b.link_len != 0 ? TCT_LINK_ETHERNET : TCT_LINK_IP, NULL);
}

struct seen {
  size_t n;
};

/* Cut again it is the packet that it was; of IPv4 the identification counts up from the first. */
static void on_cut(void *ctx, const void *packet, size_t len) {
  struct seen *s = ctx;
  uint8_t was[ROOM];
  size_t i = s->n++;
  memcpy(was, b.before[i], sizeof was);
  assert_true(len <= ROOM);
  if (b.family == 4) {
    uint8_t *ip = was + b.link_len;
    tct_bytes_put16(ip + 4, tct_bytes_get16((const uint8_t *)packet + b.link_len + 4));
    tct_bytes_put16(ip + 10, 0);
    tct_bytes_put16(ip + 10, tct_checksum_of(ip, 20));
  }
  assert_memory_equal(packet, was, len);
}

static void expect_cut_gives_all(size_t left) {
  struct seen s = {0};
  for (size_t i = 0; i < left; i++)
    assert_int_not_equal(tct_segment_linked(&b.f[i], b.link_len, on_cut, &s), 0);
  assert_int_equal(s.n, b.n);
}

static void train__is_one_frame__and_cut_again_the_packets_that_came(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (size_t link = 0; link <= LINK; link += LINK) {
      begin(family, link);
      for (uint32_t i = 0; i < 4; i++) /* over the end of the numbers */
        add(0xfffffa00u + i * TEXT, TEXT, TCT_ACK);
      add(0xfffffa00u + 4 * TEXT, 123, TCT_ACK | TCT_PSH);
      assert_int_equal(merge(), 1);
      assert_int_equal(b.f[0].seg_size, TEXT);
      assert_int_equal(b.f[0].n_iov, 5);
      assert_int_equal(b.f[0].csum, TCT_CSUM_GOOD);
      assert_int_equal(b.f[0].len, b.iov[0].len + 3 * TEXT + 123);
      assert_int_equal(tcp_of(0)[13], TCT_ACK | TCT_PSH);
      expect_cut_gives_all(1);
    }
}

static void end_of_a_train__short_or_pushed__begins_a_new_frame(void **state) {
  (void)state;
  begin(4, 0);
  add(1000, TEXT, TCT_ACK);
  add(1000 + TEXT, TEXT, TCT_ACK | TCT_PSH);
  add(1000 + 2 * TEXT, TEXT, TCT_ACK);
  add(1000 + 3 * TEXT, 10, TCT_ACK);
  add(1010 + 3 * TEXT, TEXT, TCT_ACK); /* longer than the one before */
  add(1010 + 4 * TEXT, TEXT, TCT_ACK);
  assert_int_equal(merge(), 3);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(b.f[i].n_iov, 2);
  expect_cut_gives_all(3);
}

static bool is_between(int at, int first, int last) {
  return at >= first && at <= last;
}

/* One bit of the headers of the second packet is another. */
static size_t merge_with_bit(int family, int at, uint8_t bit) {
  int tcp = LINK + (family == 4 ? 20 : 40);
  bool is_ip4_sum = family == 4 && is_between(at, LINK + 10, LINK + 11);
  begin(family, LINK);
  add(1000, TEXT, TCT_ACK);
  add(1000 + TEXT, TEXT, TCT_ACK);
  b.packet[1][at] ^= bit;
  if (!is_ip4_sum && !is_between(at, tcp + 16, tcp + 17) && at != LINK)
    mend(1);
  return merge();
}

static void other_header__is_not_joined(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2) {
    int ip = LINK, tcp = LINK + (family == 4 ? 20 : 40);
    for (int at = 0; at < tcp + 32; at++)
      for (unsigned bit = 1; bit < 256; bit *= 2) {
        bool is_length =
            family == 4 ? is_between(at, ip + 2, ip + 3) : is_between(at, ip + 4, ip + 5);
        bool is_id = family == 4 && is_between(at, ip + 4, ip + 5);
        bool is_push = at == tcp + 13 && bit == TCT_PSH;
        if (!is_length) /* it says how much text there is: other tests */
          assert_int_equal(merge_with_bit(family, at, (uint8_t)bit), is_id || is_push ? 1 : 2);
      }
  }
}

static void wrong_checksum__goes_on_alone__the_rest_is_joined(void **state) {
  (void)state;
  begin(6, 0);
  for (uint32_t i = 0; i < 5; i++)
    add(1000 + i * TEXT, TEXT, TCT_ACK);
  tcp_of(2)[40] ^= 0x80;
  assert_int_equal(merge(), 3);
  assert_int_equal(b.f[0].n_iov, 2);
  assert_int_equal(b.f[1].n_iov, 1);
  assert_int_equal(b.f[1].csum, TCT_CSUM_CHECK); /* the stack looks, and says so */
  assert_int_equal(b.f[2].n_iov, 2);
}

static void good_checksum_of_the_device__is_believed(void **state) {
  (void)state;
  begin(4, 0);
  for (uint32_t i = 0; i < 2; i++) {
    add(1000 + i * TEXT, TEXT, TCT_ACK);
    tcp_of(i)[16] ^= 0xff;
    b.f[i].csum = TCT_CSUM_GOOD;
  }
  assert_int_equal(merge(), 1);
}

static void what_says_more_than_data__is_left_alone(void **state) {
  (void)state;
  static const uint8_t flags[] = {TCT_SYN,
                                  TCT_FIN | TCT_ACK,
                                  TCT_RST | TCT_ACK,
                                  TCT_URG | TCT_ACK,
                                  TCT_ECE | TCT_ACK,
                                  TCT_CWR | TCT_ACK,
                                  0};
  for (size_t k = 0; k < sizeof flags; k++) {
    begin(4, 0);
    add(1000, TEXT, flags[k]);
    add(1000 + TEXT, TEXT, flags[k]);
    assert_int_equal(merge(), 2);
    expect_cut_gives_all(2);
  }
  begin(4, 0); /* ACKs alone */
  add(1000, 0, TCT_ACK);
  add(1000, 0, TCT_ACK);
  assert_int_equal(merge(), 2);
}

static void frames_of_other_kinds__pass_untouched(void **state) {
  (void)state;
  begin(4, 0);
  add(1000, TEXT, TCT_ACK);
  add(1000 + TEXT, TEXT, TCT_ACK);
  add(1000 + 2 * TEXT, TEXT, TCT_ACK);
  add(1000 + 3 * TEXT, TEXT, TCT_ACK);
  b.f[1].csum = TCT_CSUM_PARTIAL;
  b.f[2].flags = TCT_FRAME_LENT;
  b.f[3].seg_size = 500;
  assert_int_equal(merge(), 4);
  assert_memory_equal(b.packet, b.before, sizeof b.packet);
}

static void pieces_that_are_no_neighbours__stay_frames(void **state) {
  (void)state;
  begin(4, 0);
  for (uint32_t i = 0; i < 3; i++)
    add(1000 + i * TEXT, TEXT, TCT_ACK);
  b.f[1] = b.f[2]; /* the array has a hole where it was */
  b.n = 2;
  tct_bytes_put32(tcp_of(2) + 4, 1000 + TEXT);
  mend(2);
  assert_int_equal(merge(), 2);
}

static void padding_behind_the_packet__is_no_data(void **state) {
  (void)state;
  begin(4, LINK);
  for (uint32_t i = 0; i < 3; i++) {
    add(1000 + i * 6, 6, TCT_ACK);
    b.iov[i].len += 9;
    b.f[i].len += 9;
  }
  assert_int_equal(merge(), 1);
  assert_int_equal(b.f[0].len, LINK + 20 + 32 + 18);
  expect_cut_gives_all(1);
}

static void frame_that_says_too_much_or_ends_early__is_left_alone(void **state) {
  (void)state;
  for (size_t have = 0; have < 20 + 32 + 6; have++) {
    begin(4, 0);
    add(1000, 6, TCT_ACK);
    add(1006, 6, TCT_ACK);
    b.iov[0].len = b.f[0].len = (uint32_t)have;
    assert_int_equal(merge(), 2);
  }
}

static void sixty_four_kilobytes__are_the_most(void **state) {
  (void)state;
  begin(4, 0);
  for (uint32_t i = 0; i < 60; i++)
    add(1000 + i * 1500, 1500, TCT_ACK);
  assert_int_equal(merge(), 2);
  assert_int_equal(b.f[0].n_iov, (65535 - 52) / 1500);
  expect_cut_gives_all(2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(train__is_one_frame__and_cut_again_the_packets_that_came),
      cmocka_unit_test(end_of_a_train__short_or_pushed__begins_a_new_frame),
      cmocka_unit_test(other_header__is_not_joined),
      cmocka_unit_test(wrong_checksum__goes_on_alone__the_rest_is_joined),
      cmocka_unit_test(good_checksum_of_the_device__is_believed),
      cmocka_unit_test(what_says_more_than_data__is_left_alone),
      cmocka_unit_test(frames_of_other_kinds__pass_untouched),
      cmocka_unit_test(pieces_that_are_no_neighbours__stay_frames),
      cmocka_unit_test(padding_behind_the_packet__is_no_data),
      cmocka_unit_test(frame_that_says_too_much_or_ends_early__is_left_alone),
      cmocka_unit_test(sixty_four_kilobytes__are_the_most),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
