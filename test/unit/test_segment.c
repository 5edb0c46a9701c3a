/* SPDX-License-Identifier: MIT */
/* Super-segments and open checksums become plain packets: drivers/segment.c. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "drivers/segment.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/tcp.h"
#include "wire/udp.h"

enum { MAX = 70000 };

struct seen {
  size_t n, len[64];
  uint8_t packet[64][2100];
  uint8_t joined[MAX]; /* payloads in order */
  size_t joined_len;
  uint8_t proto;
};

static uint8_t flat[MAX];
static tct_iov pieces[200];
static struct seen seen;

static void on_packet(void *ctx, const void *p, size_t len) {
  struct seen *s = ctx;
  struct tct_ip_hdr ip;
  assert_true(s->n < 64 && len <= sizeof s->packet[0]);
  memcpy(s->packet[s->n], p, len);
  s->len[s->n++] = len;
  assert_int_equal(tct_wire_ip_parse(p, len, len, &ip), TCT_ACCEPTED);
  assert_int_equal(ip.header_len + ip.payload_len, len);
  size_t header = ip.proto == TCT_IPPROTO_TCP ? (size_t)(ip.payload[12] >> 4) * 4 : 8;
  if (ip.proto == TCT_IPPROTO_TCP)
    assert_true(tct_wire_tcp_checksum_ok(&ip.src, &ip.dst, ip.payload, ip.payload_len));
  else
    assert_true(tct_wire_udp_checksum_ok(&ip.src, &ip.dst, ip.payload, ip.payload_len));
  memcpy(s->joined + s->joined_len, ip.payload + header, ip.payload_len - header);
  s->joined_len += ip.payload_len - header;
}

static tct_addr addr_of(int family, uint8_t last) {
  tct_addr a = {{0x20, 1, 0xd, 0xb8}};
  if (family == 4)
    a = tct_addr_ipv4(192, 0, 2, last);
  a.b[15] = last;
  return a;
}

/* Header and payload in pieces of odd sizes; checksum open or missing as `csum` says. */
static tct_frame make_frame(int family, uint8_t proto, uint32_t payload, uint16_t seg_size,
                            uint8_t csum) {
  struct tct_ip_hdr ip = {.src = addr_of(family, 1),
                          .dst = addr_of(family, 2),
                          .family = (uint8_t)family,
                          .proto = proto,
                          .hop_limit = 64,
                          .id = 0xfffe};
  struct tct_tcp_hdr h = {.sport = 80,
                          .dport = 4000,
                          .seq = 0xfffff000u,
                          .ack = 7,
                          .window = 500,
                          .flags = TCT_ACK | TCT_PSH | TCT_FIN | TCT_CWR};
  uint8_t l4[60];
  size_t l4_len = 8;
  if (proto == TCT_IPPROTO_TCP)
    l4_len = tct_wire_tcp_emit(l4, &h, TCT_TCP_OPT_LINUX);
  else
    tct_wire_udp_emit(l4, 53, 4000, (uint16_t)payload);
  ip.payload_len = (uint16_t)(l4_len + payload);
  size_t ip_len = tct_wire_ip_emit(flat, &ip);
  memcpy(flat + ip_len, l4, l4_len);
  for (uint32_t i = 0; i < payload; i++)
    flat[ip_len + l4_len + i] = (uint8_t)(i * 7 + i / 251);
  tct_frame f = {.iov = pieces,
                 .len = (uint32_t)(ip_len + l4_len + payload),
                 .seg_size = seg_size,
                 .csum = csum};
  f.csum_start = (uint16_t)ip_len;
  f.csum_offset = proto == TCT_IPPROTO_TCP ? 16 : 6;
  if (csum == TCT_CSUM_PARTIAL) {
    struct tct_checksum c;
    tct_checksum_init(&c);
    tct_checksum_feed_pseudo(&c, &ip.src, &ip.dst, proto, (uint32_t)(l4_len + payload));
    tct_bytes_put16(flat + ip_len + f.csum_offset, tct_checksum_sum(&c));
  }
  size_t at = ip_len + l4_len;
  pieces[f.n_iov++] = (tct_iov){flat, at};
  for (size_t step = 1; at < f.len; at += step) {
    step = at + step + 631 > f.len ? f.len - at : step + 631;
    pieces[f.n_iov++] = (tct_iov){flat + at, step};
  }
  memset(&seen, 0, sizeof seen);
  return f;
}

static void check_payload(const tct_frame *f, uint32_t payload) {
  assert_int_equal(seen.joined_len, payload);
  assert_memory_equal(seen.joined, flat + f->len - payload, payload);
}

static void tcp_super_segment__is_cut__numbers_flags_and_sums_are_right(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (uint8_t csum = TCT_CSUM_GOOD; csum <= TCT_CSUM_PARTIAL; csum++) {
      tct_frame f = make_frame(family, TCT_IPPROTO_TCP, 5000, 1448, csum);
      f.flags = TCT_FRAME_CWR_FIRST_ONLY;
      assert_int_equal(tct_segment(&f, on_packet, &seen), 4);
      check_payload(&f, 5000);
      size_t ip_len = family == 4 ? 20 : 40;
      for (uint32_t i = 0; i < 4; i++) {
        const uint8_t *tcp = seen.packet[i] + ip_len;
        assert_int_equal(tct_bytes_get32(tcp + 4), 0xfffff000u + i * 1448);
        assert_int_equal(tcp[13] & (TCT_FIN | TCT_PSH), i == 3 ? TCT_FIN | TCT_PSH : 0);
        assert_int_equal(tcp[13] & TCT_CWR, i == 0 ? TCT_CWR : 0);
        if (family == 4) /* counts up and wraps */
          assert_int_equal(tct_bytes_get16(seen.packet[i] + 4), (uint16_t)(0xfffe + i));
      }
    }
}

static void tcp_super_segment__cwr_for_all__stays_on_all(void **state) {
  (void)state;
  tct_frame f = make_frame(4, TCT_IPPROTO_TCP, 3000, 1000, TCT_CSUM_PARTIAL);
  assert_int_equal(tct_segment(&f, on_packet, &seen), 3);
  for (size_t i = 0; i < 3; i++)
    assert_int_equal(seen.packet[i][20 + 13] & TCT_CWR, TCT_CWR);
}

static void udp_super_segment__is_cut__lengths_and_sums_are_right(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2) {
    tct_frame f = make_frame(family, TCT_IPPROTO_UDP, 2501, 1200, TCT_CSUM_PARTIAL);
    assert_int_equal(tct_segment(&f, on_packet, &seen), 3);
    check_payload(&f, 2501);
    assert_int_equal(tct_bytes_get16(seen.packet[2] + (family == 4 ? 20 : 40) + 4), 8 + 101);
  }
}

static void partial_checksum__one_packet__is_finished(void **state) {
  (void)state;
  for (int family = 4; family <= 6; family += 2)
    for (uint32_t payload = 0; payload < 40; payload++) {
      tct_frame f = make_frame(family, TCT_IPPROTO_TCP, payload, 0, TCT_CSUM_PARTIAL);
      assert_int_equal(tct_segment(&f, on_packet, &seen), 1);
      check_payload(&f, payload);
    }
}

static void good_checksum_of_the_device__is_made_whole(void **state) {
  (void)state;
  tct_frame f = make_frame(4, TCT_IPPROTO_TCP, 700, 0, TCT_CSUM_GOOD);
  assert_int_equal(tct_segment(&f, on_packet, &seen), 1);
  check_payload(&f, 700);
}

static void count_packet(void *ctx, const void *p, size_t len) {
  size_t *n = ctx;
  (void)p;
  (void)len;
  (*n)++;
}

static void plain_frame__in_pieces__comes_out_flat_and_unchanged(void **state) {
  (void)state;
  tct_frame f = make_frame(6, TCT_IPPROTO_TCP, 1000, 0, TCT_CSUM_PARTIAL);
  assert_int_equal(tct_segment(&f, on_packet, &seen), 1);
  memcpy(flat, seen.packet[0], seen.len[0]); /* now with its checksum */
  f.csum = TCT_CSUM_DONE;
  memset(&seen, 0, sizeof seen);
  assert_int_equal(tct_segment(&f, on_packet, &seen), 1);
  assert_int_equal(seen.len[0], f.len);
  assert_memory_equal(seen.packet[0], flat, f.len);
}

static void lying_headers__no_packet_comes_out(void **state) {
  (void)state;
  size_t n = 0;
  tct_frame f = make_frame(4, TCT_IPPROTO_TCP, 3000, 1000, TCT_CSUM_PARTIAL);
  flat[0] = 0x25; /* version 2 */
  assert_int_equal(tct_segment(&f, count_packet, &n), 0);
  f = make_frame(4, TCT_IPPROTO_TCP, 3000, 1000, TCT_CSUM_PARTIAL);
  flat[20 + 12] = 0xf0; /* a TCP header longer than the first piece */
  pieces[0].len = 40;
  assert_int_equal(tct_segment(&f, count_packet, &n), 0);
  f = make_frame(4, TCT_IPPROTO_TCP, 100, 0, TCT_CSUM_PARTIAL);
  f.csum_start = 65000;
  assert_int_equal(tct_segment(&f, count_packet, &n), 0);
  f = make_frame(4, TCT_IPPROTO_TCP, 3000, 1000, TCT_CSUM_PARTIAL);
  f.n_iov = 0;
  assert_int_equal(tct_segment(&f, count_packet, &n), 0);
  assert_int_equal(n, 0);
}

static void on_linked(void *ctx, const void *p, size_t len) {
  static const uint8_t link[14] = "ethernet head";
  assert_true(len > sizeof link);
  assert_memory_equal(p, link, sizeof link);
  on_packet(ctx, (const uint8_t *)p + sizeof link, len - sizeof link);
}

static void ethernet__super_segment_is_cut__each_packet_has_the_link_header(void **state) {
  (void)state;
  static uint8_t linked[MAX];
  for (int family = 4; family <= 6; family += 2) {
    tct_frame f = make_frame(family, TCT_IPPROTO_TCP, 5000, 1400, TCT_CSUM_PARTIAL);
    size_t first = pieces[0].len;
    memcpy(linked, "ethernet head", 14);
    memcpy(linked + 14, flat, first);
    pieces[0] = (tct_iov){linked, first + 14};
    f.len += 14;
    f.csum_start = (uint16_t)(f.csum_start + 14);
    assert_int_equal(tct_segment_linked(&f, 14, on_linked, &seen), 4);
    f.len -= 14;
    check_payload(&f, 5000);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(tcp_super_segment__is_cut__numbers_flags_and_sums_are_right),
      cmocka_unit_test(tcp_super_segment__cwr_for_all__stays_on_all),
      cmocka_unit_test(udp_super_segment__is_cut__lengths_and_sums_are_right),
      cmocka_unit_test(partial_checksum__one_packet__is_finished),
      cmocka_unit_test(good_checksum_of_the_device__is_made_whole),
      cmocka_unit_test(plain_frame__in_pieces__comes_out_flat_and_unchanged),
      cmocka_unit_test(lying_headers__no_packet_comes_out),
      cmocka_unit_test(ethernet__super_segment_is_cut__each_packet_has_the_link_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
