/* SPDX-License-Identifier: MIT */
/* The header between a stack's frames and Linux's offloads: each field, both ways. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>
#include <linux/virtio_net.h>

#include "drivers/vnet.h"

enum { IP4 = 20, IP6 = 40, TCP_LEN = 32, SUM_AT = 16 };

/* A packet of `family` whose TCP header is 32 bytes long; only what vnet.c looks at is set. */
static size_t make_packet(uint8_t *p, unsigned family) {
  size_t ip = family == 4 ? IP4 : IP6;
  memset(p, 0, ip + TCP_LEN);
  p[0] = (uint8_t)(family << 4 | (family == 4 ? 5 : 0));
  p[ip + 12] = TCP_LEN / 4 << 4;
  return ip + TCP_LEN;
}

static bool read_header(struct virtio_net_hdr v, unsigned family, tct_frame *f) {
  uint8_t hdr[TCT_VNET_HDR_LEN], packet[128];
  size_t len = make_packet(packet, family);
  memset(f, 0, sizeof *f);
  memcpy(hdr, &v, sizeof hdr);
  return tct_vnet_read(hdr, packet, len, 0, f);
}

static void read__plain_header__checksum_is_to_be_checked(void **state) {
  (void)state;
  tct_frame f;
  assert_true(read_header((struct virtio_net_hdr){0}, 4, &f));
  assert_int_equal(f.csum, TCT_CSUM_CHECK);
  assert_int_equal(f.seg_size, 0);
}

static void read__open_checksum__is_partial_at_its_place(void **state) {
  (void)state;
  tct_frame f;
  struct virtio_net_hdr v = {
      .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = IP4, .csum_offset = SUM_AT};
  assert_true(read_header(v, 4, &f));
  assert_int_equal(f.csum, TCT_CSUM_PARTIAL);
  assert_int_equal(f.csum_start, IP4);
  assert_int_equal(f.csum_offset, SUM_AT);
}

static void read__checksum_past_the_packet__is_refused(void **state) {
  (void)state;
  tct_frame f;
  struct virtio_net_hdr v = {
      .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = IP4 + TCP_LEN - 1, .csum_offset = 0};
  assert_false(read_header(v, 4, &f));
  v.csum_start = UINT16_MAX;
  v.csum_offset = UINT16_MAX;
  assert_false(read_header(v, 4, &f));
}

static void read__checked_by_the_device__is_good(void **state) {
  (void)state;
  tct_frame f;
  assert_true(read_header((struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_DATA_VALID}, 6, &f));
  assert_int_equal(f.csum, TCT_CSUM_GOOD);
}

static void read__merged_segments__keep_their_size(void **state) {
  (void)state;
  tct_frame f;
  struct virtio_net_hdr v = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN,
                             .gso_size = 1440};
  assert_true(read_header(v, 6, &f));
  assert_int_equal(f.seg_size, 1440);
}

static void read__kind_that_the_packet_is_not__is_refused(void **state) {
  (void)state;
  tct_frame f;
  struct virtio_net_hdr v = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV6, .gso_size = 1440};
  assert_false(read_header(v, 4, &f));
  v.gso_type = VIRTIO_NET_HDR_GSO_TCPV4;
  assert_false(read_header(v, 6, &f));
  v.gso_size = 0;
  assert_false(read_header(v, 4, &f));
  v.gso_type = VIRTIO_NET_HDR_GSO_UDP;
  v.gso_size = 1440;
  assert_false(read_header(v, 4, &f));
}

static bool write_header(tct_frame *f, unsigned family, struct virtio_net_hdr *v) {
  uint8_t hdr[TCT_VNET_HDR_LEN], packet[128];
  tct_iov iov = {packet, make_packet(packet, family)};
  f->iov = &iov;
  f->n_iov = 1;
  memset(hdr, 0xee, sizeof hdr);
  bool ok = tct_vnet_write(f, 0, hdr);
  memcpy(v, hdr, sizeof *v);
  f->iov = NULL;
  return ok;
}

static void write__finished_packet__header_of_zeros(void **state) {
  (void)state;
  tct_frame f = {.csum = TCT_CSUM_DONE};
  struct virtio_net_hdr v;
  static const uint8_t zeros[TCT_VNET_HDR_LEN];
  assert_true(write_header(&f, 4, &v));
  assert_memory_equal(&v, zeros, sizeof zeros);
}

static void write__open_checksum__asks_the_kernel(void **state) {
  (void)state;
  tct_frame f = {.csum = TCT_CSUM_PARTIAL, .csum_start = IP6, .csum_offset = 6};
  struct virtio_net_hdr v;
  assert_true(write_header(&f, 6, &v));
  assert_int_equal(v.flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
  assert_int_equal(v.csum_start, IP6);
  assert_int_equal(v.csum_offset, 6);
  assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_NONE);
}

static void check_super(unsigned family, uint8_t flags, uint8_t type) {
  size_t ip = family == 4 ? IP4 : IP6;
  tct_frame f = {.csum = TCT_CSUM_PARTIAL,
                 .csum_start = (uint16_t)ip,
                 .csum_offset = SUM_AT,
                 .seg_size = 1448,
                 .flags = flags};
  struct virtio_net_hdr v;
  assert_true(write_header(&f, family, &v));
  assert_int_equal(v.gso_type, type);
  assert_int_equal(v.gso_size, 1448);
  assert_int_equal(v.hdr_len, ip + TCP_LEN);
}

static void write__super_segment__type_size_and_headers(void **state) {
  (void)state;
  check_super(4, 0, VIRTIO_NET_HDR_GSO_TCPV4);
  check_super(6, 0, VIRTIO_NET_HDR_GSO_TCPV6);
  check_super(6, TCT_FRAME_CWR_FIRST_ONLY, VIRTIO_NET_HDR_GSO_TCPV6 | VIRTIO_NET_HDR_GSO_ECN);
}

static void write__several_datagrams__are_cut_by_us(void **state) {
  (void)state;
  tct_frame f = {.csum = TCT_CSUM_PARTIAL, .csum_start = IP4, .csum_offset = 6, .seg_size = 1200};
  struct virtio_net_hdr v;
  assert_false(write_header(&f, 4, &v));
  f = (tct_frame){.csum = TCT_CSUM_DONE, .seg_size = 1200};
  assert_false(write_header(&f, 4, &v));
}

/* TAP: everything lies an Ethernet header further, and all offsets count from the frame's start. */
static void both__ethernet__family_is_read_behind_the_link_header(void **state) {
  (void)state;
  enum { ETH = 14 };
  uint8_t hdr[TCT_VNET_HDR_LEN], frame[ETH + 128] = {0x45}; /* a MAC that looks like IPv4 */
  size_t len = ETH + make_packet(frame + ETH, 6);
  struct virtio_net_hdr v = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
                             .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
                             .gso_size = 1440,
                             .csum_start = ETH + IP6,
                             .csum_offset = SUM_AT};
  tct_frame f = {0};
  memcpy(hdr, &v, sizeof hdr);
  assert_true(tct_vnet_read(hdr, frame, len, ETH, &f));
  assert_int_equal(f.seg_size, 1440);
  assert_int_equal(f.csum_start, ETH + IP6);
  assert_false(tct_vnet_read(hdr, frame, ETH - 1, ETH, &f));
  tct_iov iov = {frame, len};
  f.iov = &iov;
  f.n_iov = 1;
  memset(&v, 0, sizeof v);
  assert_true(tct_vnet_write(&f, ETH, hdr));
  memcpy(&v, hdr, sizeof v);
  assert_int_equal(v.gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
  assert_int_equal(v.hdr_len, ETH + IP6 + TCP_LEN);
  iov.len = ETH; /* the link header as a piece of its own: cut in software */
  assert_false(tct_vnet_write(&f, ETH, hdr));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(read__plain_header__checksum_is_to_be_checked),
      cmocka_unit_test(read__open_checksum__is_partial_at_its_place),
      cmocka_unit_test(read__checksum_past_the_packet__is_refused),
      cmocka_unit_test(read__checked_by_the_device__is_good),
      cmocka_unit_test(read__merged_segments__keep_their_size),
      cmocka_unit_test(read__kind_that_the_packet_is_not__is_refused),
      cmocka_unit_test(write__finished_packet__header_of_zeros),
      cmocka_unit_test(write__open_checksum__asks_the_kernel),
      cmocka_unit_test(write__super_segment__type_size_and_headers),
      cmocka_unit_test(write__several_datagrams__are_cut_by_us),
      cmocka_unit_test(both__ethernet__family_is_read_behind_the_link_header),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
