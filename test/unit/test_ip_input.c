/* SPDX-License-Identifier: MIT */
/* Which packets are taken, which are refused and by which name, and who hears of it. */
#include "test/unit/fake_stack.h"

static uint8_t pkt[70000];

static tct_verdict send_udp(struct fake *f, uint32_t ifi, tct_addr src, tct_addr dst) {
  return fake_in(f, ifi, pkt, make_udp(pkt, src, dst, 1000, 9, "x"));
}

static const tct_addr martians[] = {
    /* A093 */
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127, 0, 0, 1}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 1, 2, 3}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 224, 0, 0, 1}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 240, 1, 1, 1}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 255, 255, 255, 255}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 255}},
    {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}}, /* our own */
};

static void any_protocol__martian_source__dropped_without_a_word(void **state) {
  (void)state;
  struct fake *f = fake_new();
  for (size_t i = 0; i < TCT_ARRAY_LEN(martians); i++) {
    assert_int_equal(send_udp(f, 0, martians[i], A4(10, 0, 0, 1)), TCT_DROP_IP_SOURCE);
    size_t n = make_echo(pkt, martians[i], A4(10, 0, 0, 1), "abc", 3);
    assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_SOURCE);
    n = make_ip(pkt, (struct tct_ip_hdr){.src = martians[i], .dst = A4(10, 0, 0, 1), .proto = 6},
                "01234567890123456789", 20);
    assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_SOURCE);
  }
  assert_int_equal(f->tcp.inputs, 0);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

static void ipv6__martian_source__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_addr loopback = {{[15] = 1}}, multicast = {{0xff, 2, [15] = 5}};
  assert_int_equal(send_udp(f, 0, loopback, A6(1)), TCT_DROP_IP_SOURCE);
  assert_int_equal(send_udp(f, 0, multicast, A6(1)), TCT_DROP_IP_SOURCE);
  assert_int_equal(send_udp(f, 0, ANY, A6(1)), TCT_DROP_IP_SOURCE);
  assert_int_equal(send_udp(f, 0, A6(1), A6(1)), TCT_DROP_IP_SOURCE);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* ::ffff:10.0.0.1 inside an IPv6 header must not pass for the IPv4 address. */
static void ipv6__ipv4_form_inside__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  size_t n = make_udp(pkt, A6(2), A6(1), 5, 9, "x");
  tct_addr mapped = A4(10, 0, 0, 2), ours = A4(10, 0, 0, 1);
  memcpy(pkt + 8, mapped.b, 16);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_SOURCE);
  n = make_udp(pkt, A6(2), A6(1), 5, 9, "x");
  memcpy(pkt + 24, ours.b, 16);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_NOT_FOR_US);
  fake_free(f);
}

static void any_protocol__others_address__not_for_us(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_addr groups[] = {A4(224, 0, 0, 5), {{0xff, 2, [15] = 5}}};
  assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), A4(10, 0, 0, 3)), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 0, A6(2), A6(3)), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), groups[0]), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 0, A6(2), groups[1]), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), A4(250, 0, 0, 1)), TCT_DROP_IP_NOT_FOR_US);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

static void any_dst_interface__others_address__accepted_and_answered_from_it(void **state) {
  (void)state;
  struct fake *f = fake_new();
  fake_add_if(f, (tct_if_config){.mtu = 1500, .any_dst = true});
  assert_int_equal(send_udp(f, 1, A4(192, 0, 2, 2), A4(198, 51, 100, 3)), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(fake_icmp(f, 1).kind, TCT_ICMP_UNREACH_PORT);
  assert_addr(fake_ip(f).src, A4(198, 51, 100, 3));
  assert_addr(fake_ip(f).dst, A4(192, 0, 2, 2));
  assert_int_equal(send_udp(f, 1, A4(192, 0, 2, 2), A4(127, 0, 0, 1)), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 1, A4(192, 0, 2, 2), A4(240, 0, 0, 1)), TCT_DROP_IP_NOT_FOR_US);
  fake_free(f);
}

static void loopback_interface__loopback_and_own_addresses__legal(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if lo = fake_add_if(f, (tct_if_config){.mtu = 65535, .loopback = true});
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(127, 0, 0, 1), 8), TCT_EINVAL);
  assert_int_equal(tct_if_addr_add(&f->s, lo, A4(127, 0, 0, 1), 8), TCT_OK);
  assert_int_equal(send_udp(f, 1, A4(127, 0, 0, 1), A4(127, 0, 0, 1)), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(send_udp(f, 1, A4(10, 0, 0, 1), A4(10, 0, 0, 1)), TCT_DROP_UDP_NO_SOCKET);
  assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), A4(127, 0, 0, 1)), TCT_DROP_IP_NOT_FOR_US);
  fake_free(f);
}

static void link_local__other_interface__not_for_us(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if other = fake_add_if(f, (tct_if_config){.mtu = 1500});
  assert_int_equal(tct_if_addr_add(&f->s, other, LL6(1), 64), TCT_OK);
  assert_int_equal(send_udp(f, 0, LL6(2), LL6(1)), TCT_DROP_IP_NOT_FOR_US);
  assert_int_equal(send_udp(f, 1, LL6(2), LL6(1)), TCT_DROP_UDP_NO_SOCKET);
  assert_true(fake_out(f, 1)); /* back on the link that it came from */
  assert_false(fake_out(f, 0));
  fake_free(f);
}

static void interface_down__any_frame__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  f->ifs[0].up = false;
  assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), A4(10, 0, 0, 1)), TCT_DROP_IF_DOWN);
  fake_free(f);
}

/* A094: neither echo nor a closed port answers a group. */
static void group__echo_or_closed_port__no_answer(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_addr groups4[] = {A4(255, 255, 255, 255), A4(10, 0, 0, 255), A4(224, 0, 0, 1)};
  tct_addr all_nodes = {{0xff, 2, [15] = 1}};
  for (size_t i = 0; i < TCT_ARRAY_LEN(groups4); i++) {
    size_t n = make_echo(pkt, A4(10, 0, 0, 2), groups4[i], "abc", 3);
    assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_BROADCAST);
    assert_int_equal(send_udp(f, 0, A4(10, 0, 0, 2), groups4[i]), TCT_DROP_UDP_NO_SOCKET);
  }
  size_t n = make_echo(pkt, A6(2), all_nodes, "abc", 3);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP_BROADCAST);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* A092 */
static void tunnel_protocols__inner_syn__not_unpacked(void **state) {
  (void)state;
  const uint8_t protos[] = {4, 41, 47, 253};
  for (size_t i = 0; i < sizeof protos; i++) {
    struct fake *f = fake_new();
    uint8_t inner[40];
    struct tct_ip_hdr h = {.src = A4(10, 0, 0, 9), .dst = A4(10, 0, 0, 1), .proto = 6};
    make_ip(inner, h, "01234567890123456789", 20);
    h.proto = protos[i];
    size_t n = make_ip(pkt, h, inner, sizeof inner);
    assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_NO_PROTOCOL);
    assert_int_equal(f->tcp.inputs, 0);
    struct tct_icmp_hdr e = fake_icmp(f, 0);
    assert_int_equal(e.kind, TCT_ICMP_UNREACH_PROTO);
    assert_memory_equal(e.body, pkt, n);
    fake_free(f);
  }
}

static void ipv6__unknown_protocol__parameter_problem_points_at_it(void **state) {
  (void)state;
  struct fake *f = fake_new();
  const uint8_t l4[16] = {200, 0, 1, 4}; /* a hop-by-hop header of padding, then 200 */
  size_t n = make_ip(pkt, (struct tct_ip_hdr){.src = A6(2), .dst = A6(1), .proto = 0}, l4, 16);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_NO_PROTOCOL);
  struct tct_icmp_hdr e = fake_icmp(f, 0);
  assert_int_equal(e.kind, TCT_ICMP_PARAM_PROBLEM);
  assert_int_equal(e.code, 1);
  assert_int_equal(e.pointer, 40);
  fake_free(f);
}

/* A105: what the two high bits of an unknown option ask for. */
static void ipv6_option__action_bits__decide(void **state) {
  (void)state;
  tct_addr all_nodes = {{0xff, 2, [15] = 1}};
  const struct {
    uint8_t type;
    bool drop, tell_unicast, tell_group;
  } rows[] = {{0x1e, false, false, false},
              {0x5e, true, false, false},
              {0x9e, true, true, true},
              {0xde, true, true, false}};
  for (size_t i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    uint8_t l4[16] = {59, 0, rows[i].type, 4};
    struct fake *f = fake_new();
    struct tct_ip_hdr h = {.src = A6(2), .dst = A6(1), .proto = 60};
    size_t n = make_ip(pkt, h, l4, sizeof l4);
    tct_verdict want = rows[i].drop ? TCT_DROP_IP6_OPTION : TCT_DROP_IP6_NO_NEXT;
    assert_int_equal(fake_in(f, 0, pkt, n), want);
    assert_int_equal(fake_out(f, 0), rows[i].tell_unicast);
    h.dst = all_nodes;
    n = make_ip(pkt, h, l4, sizeof l4);
    assert_int_equal(fake_in(f, 0, pkt, n), want);
    assert_int_equal(fake_out(f, 0), rows[i].tell_group);
    fake_free(f);
  }
}

/* A refusal by the parser is told only to whom it concerns and who may hear it. */
static void ipv6_option__reported_but_not_for_us__silence(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint8_t l4[16] = {59, 0, 0x9e, 4};
  size_t n = make_ip(pkt, (struct tct_ip_hdr){.src = A6(2), .dst = A6(9), .proto = 60}, l4, 16);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP6_OPTION);
  n = make_ip(pkt, (struct tct_ip_hdr){.src = A6(1), .dst = A6(1), .proto = 60}, l4, 16);
  assert_int_equal(fake_in(f, 0, pkt, n), TCT_DROP_IP6_OPTION);
  assert_false(fake_out(f, 0));
  fake_free(f);
}

/* A007 and A109: what lies behind the packet's own end is nobody's. */
static void udp__frame_longer_than_packet__padding_ignored(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_sock k;
  tct_endpoint at = {.port = 9};
  char got[100];
  assert_int_equal(tct_udp_open(&f->s, NULL, &k), TCT_OK);
  assert_int_equal(tct_udp_bind(&f->s, k, &at), TCT_OK);
  size_t n = make_udp(pkt, A4(10, 0, 0, 2), A4(10, 0, 0, 1), 5, 9, "z");
  memset(pkt + n, 0xaa, 60);
  assert_int_equal(fake_in(f, 0, pkt, 60), TCT_ACCEPTED);
  assert_int_equal(tct_udp_recv(&f->s, k, NULL, got, sizeof got, 0), 1);
  assert_int_equal(got[0], 'z');
  n = make_udp(pkt, A4(10, 0, 0, 2), A4(10, 0, 0, 1), 5, 9, "long");
  assert_int_equal(fake_in(f, 0, pkt, n - 1), TCT_DROP_IP_TOTAL_LEN); /* A006 */
  fake_free(f);
}

static void super_frame__neither_tcp_nor_udp__dropped(void **state) {
  (void)state;
  struct fake *f = fake_new();
  size_t n = make_echo(pkt, A4(10, 0, 0, 2), A4(10, 0, 0, 1), "abc", 3);
  tct_iov v = {pkt, n};
  tct_frame frame = {.iov = &v, .n_iov = 1, .len = (uint32_t)n, .seg_size = 1};
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_DROP_IP_TOTAL_LEN);
  struct tct_ip_hdr h = {.src = A4(10, 0, 0, 2),
                         .dst = A4(10, 0, 0, 1),
                         .proto = 6,
                         .frag_more = true,
                         .is_frag = true};
  v.len = frame.len = (uint32_t)make_ip(pkt, h, "0123456789012345", 16);
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_DROP_IP_TOTAL_LEN);
  fake_free(f);
}

/* A frame in pieces: the header in the first, the rest anywhere. */
static void echo__frame_in_pieces__answered_whole(void **state) {
  (void)state;
  struct fake *f = fake_new();
  size_t n = make_echo(pkt, A4(10, 0, 0, 2), A4(10, 0, 0, 1), "abcdefghij", 10);
  tct_iov v[4] = {{pkt, 28}, {pkt + 28, 3}, {pkt + 31, 0}, {pkt + 31, n - 31}};
  tct_frame frame = {.iov = v, .n_iov = 4, .len = (uint32_t)n};
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_ACCEPTED);
  struct tct_icmp_hdr e = fake_icmp(f, 0);
  assert_int_equal(e.body_len, 10);
  assert_memory_equal(e.body, "abcdefghij", 10);
  frame.n_iov = 0;
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_DROP_IP_SHORT);
  frame.n_iov = 3; /* claims more than it has */
  assert_int_equal(fake_in_frame(f, 0, &frame), TCT_DROP_IP_TOTAL_LEN);
  fake_free(f);
}

/* Noise of all lengths, and noise behind a good header: no crash, always a verdict. */
static void noise__any_length__has_a_verdict(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint64_t seed = 5;
  for (int i = 0; i < 20000; i++) {
    size_t len = (size_t)(i % 120);
    for (size_t k = 0; k < len; k++) {
      seed = seed * 6364136223846793005u + 1442695040888963407u;
      pkt[k] = (uint8_t)(seed >> 40);
    }
    if (i % 2 == 0 && len >= 40) {
      struct tct_ip_hdr h = {.src = i % 4 == 0 ? A6(2) : A4(10, 0, 0, 2),
                             .dst = i % 4 == 0 ? A6(1) : A4(10, 0, 0, 1)};
      const uint8_t protos[] = {0, 1, 17, 43, 44, 58, 60, 6};
      h.proto = protos[i / 4 % 8];
      uint8_t body[120];
      memcpy(body, pkt, len);
      len = make_ip(pkt, h, body, len - 40);
    }
    tct_verdict v = fake_in(f, 0, pkt, len);
    assert_true(v < TCT_VERDICT_COUNT);
    while (fake_out(f, 0))
      ;
  }
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(any_protocol__martian_source__dropped_without_a_word),
      cmocka_unit_test(ipv6__martian_source__dropped),
      cmocka_unit_test(ipv6__ipv4_form_inside__dropped),
      cmocka_unit_test(any_protocol__others_address__not_for_us),
      cmocka_unit_test(any_dst_interface__others_address__accepted_and_answered_from_it),
      cmocka_unit_test(loopback_interface__loopback_and_own_addresses__legal),
      cmocka_unit_test(link_local__other_interface__not_for_us),
      cmocka_unit_test(interface_down__any_frame__dropped),
      cmocka_unit_test(group__echo_or_closed_port__no_answer),
      cmocka_unit_test(tunnel_protocols__inner_syn__not_unpacked),
      cmocka_unit_test(ipv6__unknown_protocol__parameter_problem_points_at_it),
      cmocka_unit_test(ipv6_option__action_bits__decide),
      cmocka_unit_test(ipv6_option__reported_but_not_for_us__silence),
      cmocka_unit_test(udp__frame_longer_than_packet__padding_ignored),
      cmocka_unit_test(super_frame__neither_tcp_nor_udp__dropped),
      cmocka_unit_test(echo__frame_in_pieces__answered_whole),
      cmocka_unit_test(noise__any_length__has_a_verdict),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
