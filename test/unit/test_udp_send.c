/* SPDX-License-Identifier: MIT */
/* udp/udp_output.c and the sending half of udp.c: sizes, fragments, fair turns, lifetimes. */
#include "test/unit/udp_test.h"

/* ---- sending --------------------------------------------------------------------------------- */

static void send__bad_arguments__named_errors(void **state) {
  (void)state;
  struct fake *f = fake_new();
  static uint8_t data[70000];
  tct_sock k = open_sock(f);
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  tct_dgram none = {.len = 0};
  assert_int_equal(tct_udp_send(&f->s, k, NULL, data, 1), TCT_EDESTADDRREQ);
  assert_int_equal(tct_udp_send(&f->s, k, &none, data, 1), TCT_EDESTADDRREQ);
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 65508), TCT_EMSGSIZE);
  assert_int_equal(tct_udp_send(&f->s, k, &d, NULL, 1), TCT_EINVAL);
  d.remote.port = 0;
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_EINVAL);
  d.remote.port = 7;
  d.remote.addr = A4(255, 255, 255, 255);
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_EACCES);
  d.remote.addr = A4(10, 0, 0, 255);
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_EACCES);
  assert_int_equal(connect_to(f, k, A4(10, 0, 0, 255), 7), TCT_EACCES);
  assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_BROADCAST, 1), TCT_OK);
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), 1);
  d.remote.addr = peer4;
  d.local.addr = A4(10, 0, 0, 99);
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_EADDRNOTAVAIL);
  d.local.addr = ANY;
  d.local.port = 1;
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_EADDRNOTAVAIL);
  d.local.port = 0;
  assert_int_equal(tct_route_del(&f->s, ANY, 0), TCT_OK);
  d.remote.addr = (tct_addr){{0x20, 1, [15] = 1}};
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, 1), TCT_ENETUNREACH);
  fake_free(f);
}

static void send__seg_size__cut_into_datagrams(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  tct_dgram d = {
      .remote = {.addr = A6(2), .port = 7}, .seg_size = 4, .hop_limit = 9, .tclass = 0x28};
  assert_int_equal(tct_udp_send(&f->s, k, &d, "aaaabbbbcc", 10), 10);
  const char *want[] = {"aaaa", "bbbb", "cc"};
  for (int i = 0; i < 3; i++) {
    assert_true(fake_out(f, 0));
    struct tct_ip_hdr h = fake_ip(f);
    assert_int_equal(h.payload_len, 8 + strlen(want[i]));
    assert_memory_equal(h.payload + 8, want[i], strlen(want[i]));
    assert_true(tct_wire_udp_checksum_ok(&h.src, &h.dst, h.payload, h.payload_len));
    assert_int_equal(h.hop_limit, 9);
    assert_int_equal(h.tclass, 0x28);
    assert_int_not_equal(h.flow_label, 0);
  }
  assert_false(fake_out(f, 0));
  d.seg_size = 1453;
  assert_int_equal(tct_udp_send(&f->s, k, &d, "x", 1), TCT_EMSGSIZE);
  fake_free(f);
}

/* A datagram larger than the path: fragments, put together by another stack. */
static void send__larger_than_the_path__fragments(void **state) {
  (void)state;
  static uint8_t data[5000], got[6000];
  for (size_t i = 0; i < sizeof data; i++)
    data[i] = (uint8_t)(i / 3);
  for (int v6 = 0; v6 < 2; v6++) {
    struct fake *f = fake_new(), *peer = fake_new();
    tct_addr own = v6 ? A6(1) : ours4, to = v6 ? A6(2) : peer4;
    assert_int_equal(tct_if_addr_add(&peer->s, if0(peer), to, v6 ? 64 : 24), TCT_OK);
    assert_int_equal(tct_if_addr_del(&peer->s, if0(peer), own), TCT_OK);
    tct_sock reader = bound(peer, ANY, 7), k = bound(f, ANY, 9);
    tct_dgram d = {.remote = {.addr = to, .port = 7}};
    assert_int_equal(tct_udp_send(&f->s, k, &d, data, sizeof data), (long)sizeof data);
    int frames = 0;
    for (; fake_out(f, 0); frames++) {
      assert_int_equal(f->why, TCT_WHY_FRAGMENT);
      fake_in(peer, 0, f->frame, f->frame_len);
    }
    assert_int_equal(frames, 4);
    assert_int_equal(tct_udp_recv(&peer->s, reader, NULL, got, sizeof got, 0), (long)sizeof data);
    assert_memory_equal(got, data, sizeof data);
    fake_free(f);
    fake_free(peer);
  }
}

/* The MTU fell while the datagram waited: never a frame above it. */
static void output__mtu_fell_meanwhile__cut(void **state) {
  (void)state;
  struct fake *f = fake_new();
  static uint8_t data[1400];
  tct_sock k = bound(f, ANY, 9);
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  assert_int_equal(tct_udp_send(&f->s, k, &d, data, sizeof data), 1400);
  f->ifs[0].cfg.mtu = 600;
  tct_frame frame;
  assert_int_equal(tct_udp_output(&f->s, 0, &frame, f->out, 1), 0);
  unsigned frames = 0;
  while (fake_out(f, 0)) /* asserts the size */
    frames++;
  assert_int_equal(frames, 3);
  fake_free(f);
}

static void pmtu_discover__on_or_off__dont_fragment_bit(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  assert_int_equal(connect_to(f, k, peer4, 7), TCT_OK);
  for (int on = 1; on >= 0; on--) {
    assert_int_equal(tct_udp_set(&f->s, k, TCT_OPT_PMTU_DISCOVER, on), TCT_OK);
    assert_int_equal(tct_udp_send(&f->s, k, NULL, "x", 1), 1);
    assert_true(fake_out(f, 0));
    assert_int_equal(fake_ip(f).dont_frag, on);
  }
  fake_free(f);
}

/* Sockets take turns. */
static void output__two_busy_sockets__alternate(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock a = bound(f, ANY, 1), b = bound(f, ANY, 2);
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  for (int i = 0; i < 3; i++)
    assert_int_equal(tct_udp_send(&f->s, a, &d, "a", 1), 1);
  for (int i = 0; i < 3; i++)
    assert_int_equal(tct_udp_send(&f->s, b, &d, "b", 1), 1);
  for (uint16_t i = 0; i < 6; i++) {
    assert_true(fake_out(f, 0));
    assert_int_equal(tct_bytes_get16(fake_ip(f).payload), 1 + i % 2);
  }
  fake_free(f);
}

/* A datagram is kept while its frame is shown, and no longer. */
static void output__next_call__memory_of_what_was_sent_given_back(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  tct_dgram d = {.remote = {.addr = peer4, .port = 7}};
  size_t before = f->mem.bytes_out;
  assert_int_equal(tct_udp_send(&f->s, k, &d, "kept", 4), 4);
  tct_frame frames[2];
  assert_int_equal(tct_udp_output(&f->s, 0, frames, f->out, 1), 1);
  assert_int_equal(tct_udp_output(&f->s, 0, frames + 1, f->out + 1, 1), 0); /* the same burst */
  assert_int_equal(memcmp(frames[0].iov[1].base, "kept", 4), 0); /* instrumented: sees a free */
  assert_int_equal(tct_udp_output(&f->s, 0, frames, f->out, 1), 0);
  assert_int_equal(f->mem.bytes_out, before);
  fake_free(f);
}

static void multicast__sent__one_hop_and_needs_no_permission(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k = bound(f, ANY, 9);
  tct_dgram d = {.remote = {.addr = A4(224, 0, 0, 251), .port = 5353, .ifc = if0(f)}};
  assert_int_equal(tct_udp_send(&f->s, k, &d, "x", 1), 1);
  assert_true(fake_out(f, 0));
  assert_int_equal(fake_ip(f).hop_limit, 1);
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(send__bad_arguments__named_errors),
      cmocka_unit_test(send__seg_size__cut_into_datagrams),
      cmocka_unit_test(send__larger_than_the_path__fragments),
      cmocka_unit_test(output__mtu_fell_meanwhile__cut),
      cmocka_unit_test(pmtu_discover__on_or_off__dont_fragment_bit),
      cmocka_unit_test(output__two_busy_sockets__alternate),
      cmocka_unit_test(output__next_call__memory_of_what_was_sent_given_back),
      cmocka_unit_test(multicast__sent__one_hop_and_needs_no_permission),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
