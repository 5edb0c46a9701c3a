/* SPDX-License-Identifier: MIT */
/* Known attacks on IP of both families: A085 to A094, A103 to A110. */
#include "test/attack/attack.h"

#include "ip/ip.h"

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

/* ---- IPv4
 * ---------------------------------------------------------------------------------------------- */

static void fix_sum4(void) {
  size_t len = (frame[0] & 15u) * 4u;
  frame[10] = frame[11] = 0;
  uint16_t sum = lab_sum16(frame, len);
  frame[10] = (uint8_t)(sum >> 8);
  frame[11] = (uint8_t)sum;
}

static size_t build_syn(struct lab_peer *p) {
  lab_peer_init(&l, p, 80);
  struct lab_seg syn = {.flags = TCT_SYN, .seq = p->iss, .window = 65535};
  return lab_build(p, &syn, frame);
}

static void start4(void) {
  lab_init(&l, false, NULL);
  lab_listen(&l, 80);
}

ATTACK(a085_ihl_out_of_range) {
  (void)state;
  static const size_t sizes[] = {20, 24, 40, 60};
  struct lab_peer p;
  start4();
  for (unsigned ihl = 0; ihl < 16; ihl++)
    for (size_t i = 0; i < TCT_ARRAY_LEN(sizes); i++) {
      build_syn(&p);
      if (ihl == 5 && sizes[i] >= 40)
        continue;
      frame[0] = (uint8_t)(0x40 | ihl);
      frame[2] = 0;
      frame[3] = (uint8_t)sizes[i];
      memset(frame + 40, 0, 20);
      fix_sum4();
      assert_true(lab_in(&l, frame, sizes[i]) != TCT_ACCEPTED);
      if (ihl >= 5 && ihl * 4 <= sizes[i])
        lab_drain(&l); /* in range: garbage options may draw a parameter problem */
      expect_silence(&l);
    }
  assert_int_equal(l.s->n.HalfOpenNow, 0);
  lab_finish(&l);
}

ATTACK(a086_bad_header_checksum_or_version) {
  (void)state;
  struct lab_peer p;
  start4();
  size_t n = build_syn(&p);
  for (size_t bit = 0; bit < 160; bit++) {
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
    assert_true(lab_in(&l, frame, n) != TCT_ACCEPTED);
    expect_silence(&l);
    frame[bit / 8] ^= (uint8_t)(1u << bit % 8);
  }
  for (unsigned version = 0; version < 16; version++) {
    if (version == 4)
      continue;
    frame[0] = (uint8_t)(version << 4 | 5);
    fix_sum4();
    assert_true(lab_in(&l, frame, n) != TCT_ACCEPTED);
    expect_silence(&l);
  }
  assert_int_equal(l.s->n.HalfOpenNow, 0);
  lab_finish(&l);
}

/* Puts options into the header of the packet in frame; returns its new length. */
static size_t add_options(size_t n, const uint8_t *opt, size_t len) {
  memmove(frame + 20 + len, frame + 20, n - 20);
  memcpy(frame + 20, opt, len);
  n += len;
  frame[0] = (uint8_t)(0x45 + len / 4);
  frame[2] = (uint8_t)(n >> 8);
  frame[3] = (uint8_t)n;
  fix_sum4();
  return n;
}

/* Source routes are refused by default (RFC 7126 4.3); an option that is no option answers at most
 * by a parameter problem, into whose quote it is copied. */
ATTACK(a087_malformed_ip_options) {
  (void)state;
  static const uint8_t kinds[] = {131, 137, 7, 68, 148, 200};
  struct lab_peer p;
  start4();
  for (size_t i = 0; i < TCT_ARRAY_LEN(kinds); i++)
    for (unsigned len = 0; len <= 40; len++)
      for (unsigned pointer = 0; pointer < 256; pointer += 3) {
        uint8_t opt[40] = {0};
        opt[0] = kinds[i];
        opt[1] = (uint8_t)len;
        opt[2] = (uint8_t)pointer;
        if (len > 4 && len < 30)
          opt[len] = kinds[i]; /* and again */
        size_t n = build_syn(&p);
        n = add_options(n, opt, 40);
        tct_verdict v = lab_in(&l, frame, n);
        bool route = kinds[i] == 131 || kinds[i] == 137;
        assert_true(!route || v != TCT_ACCEPTED);
        while (lab_out(&l, &g)) {
          assert_true(g.n <= 576);
          if (!g.is_tcp)
            continue;
          send_at(&l, &p, TCT_RST, p.iss + 1, 0);
        }
      }
  lab_finish(&l);
}

/* One fragment, of either family, of a UDP datagram for port 9 (sum 0). */
static size_t build_fragment(uint16_t id, size_t off, const uint8_t *data, size_t n, bool more) {
  static uint8_t body[66000];
  memcpy(body + 8, data, n);
  if (l.v6) {
    memset(body, 0, 8);
    body[0] = TCT_IPPROTO_UDP;
    body[2] = (uint8_t)(off >> 8);
    body[3] = (uint8_t)(off | (more ? 1u : 0u));
    body[6] = (uint8_t)(id >> 8);
    body[7] = (uint8_t)id;
    return lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_FRAGMENT, body, n + 8);
  }
  size_t all = lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_UDP, body + 8, n);
  frame[4] = (uint8_t)(id >> 8);
  frame[5] = (uint8_t)id;
  frame[6] = (uint8_t)((more ? 0x20u : 0u) | off >> 11);
  frame[7] = (uint8_t)(off >> 3);
  fix_sum4();
  return all;
}

static tct_verdict send_fragment(uint16_t id, size_t off, size_t n, bool more, uint8_t fill) {
  uint8_t data[2000];
  memset(data, fill, sizeof data);
  memcpy(data, "\0\7\0\x09\0\x48\0\0", off == 0 && n >= 8 ? 8 : 0);
  return lab_in(&l, frame, build_fragment(id, off, data, n, more));
}

/* Every overlap on an 8-byte grid: the datagram is gone for good, the same way each time. */
static void try_overlaps(tct_sock k) {
  uint8_t buf[100];
  uint16_t id = 0;
  for (size_t off = 0; off < 72; off += 8)
    for (size_t n = 8; off + n <= 72; n += 8) {
      bool beside = off + n <= 24 || off >= 48, same = off == 24 && n == 24;
      bool alone = off == 0 && n == 72; /* no fragment at all */
      if (beside || alone)
        continue;
      id++;
      assert_int_equal(send_fragment(id, 24, 24, true, 1), TCT_HELD_FRAGMENT);
      tct_verdict v = send_fragment(id, off, n, off + n < 72, same ? 1 : 2);
      assert_int_equal(v, same ? TCT_HELD_FRAGMENT : TCT_DROP_FRAGMENT_OVERLAP);
      if (same)
        continue;
      for (size_t part = 0; part < 72; part += 24) /* all of it, as it should have been */
        assert_true(send_fragment(id, part, 24, part < 48, 1) != TCT_ACCEPTED);
      assert_int_equal(tct_dgram_recv(l.s, k, NULL, buf, sizeof buf, 0), TCT_EAGAIN);
    }
  lab_wait(&l, TCT_S(121));
  lab_drain(&l);
  assert_int_equal(l.s->ip->reasm.bytes, 0);
}

static tct_sock open_udp(void) {
  tct_sock k;
  tct_endpoint at = {.port = 9};
  assert_int_equal(tct_sock_open(l.s, TCT_UDP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_bind(l.s, k, &at), TCT_OK);
  return k;
}

ATTACK(a088_teardrop) {
  (void)state;
  start4();
  tct_sock k = open_udp();
  assert_int_equal(send_fragment(999, 0, 40, true, 1), TCT_HELD_FRAGMENT);
  assert_int_equal(send_fragment(999, 24, 4, false, 1), TCT_DROP_FRAGMENT_OVERLAP);
  try_overlaps(k);
  lab_finish(&l);
}

ATTACK(a089_ping_of_death) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    open_udp();
    assert_int_equal(send_fragment(1, 65528, 100, false, 0), TCT_DROP_FRAGMENT_TOO_BIG);
    assert_int_equal(send_fragment(1, 65528, 8, false, 0), TCT_DROP_FRAGMENT_TOO_BIG);
    lab_drain(&l);
    assert_int_equal(l.s->ip->reasm.bytes, 0);
    lab_finish(&l);
  }
}

/* First and last eight bytes of 64 kB, from 10000 datagrams. */
ATTACK(a090_rose) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    open_udp();
    for (unsigned i = 0; i < 10000; i++) {
      send_fragment((uint16_t)i, 0, 8, true, 0);
      send_fragment((uint16_t)i, 65400, 8, false, 0);
      assert_true(l.s->ip->reasm.bytes <= 1u << 20);
      lab_drain(&l);
    }
    assert_true(l.s->ip->reasm.bytes > 0);
    lab_wait(&l, TCT_S(121));
    unsigned n = 0;
    while (lab_out(&l, &g)) {
      assert_true(g.is_icmp && g.icmp.kind == TCT_ICMP_TIME_EXCEEDED_REASSEMBLY);
      n++;
    }
    assert_in_range(n, 1, 20); /* rate-limited; the front was seen */
    assert_int_equal(l.s->ip->reasm.bytes, 0);
    send_fragment(7, 65400, 8, false, 0); /* without the front: no word */
    lab_wait(&l, TCT_S(121));
    expect_silence(&l);
    lab_finish(&l);
  }
}

ATTACK(a091_fragment_size_rules) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    open_udp();
    for (size_t n = 9; n < 16; n++)
      assert_int_equal(send_fragment(1, 0, n, true, 0), TCT_DROP_FRAGMENT_SIZE);
    assert_int_equal(send_fragment(1, 8, 0, true, 0), TCT_DROP_FRAGMENT_SIZE);
    assert_int_equal(send_fragment(1, 8, 0, false, 0), TCT_DROP_FRAGMENT_SIZE);
    assert_int_equal(send_fragment(1, 65528, 8, true, 0), TCT_DROP_FRAGMENT_TOO_BIG);
    assert_int_equal(l.s->ip->reasm.bytes, 0);
    lab_finish(&l);
  }
}

/* Nothing is ever unpacked. */
ATTACK(a092_tunnel_packets) {
  (void)state;
  static const uint8_t protos[] = {4, 41, 47, 50, 51, 94, 115, 137};
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    uint8_t inner[200];
    lab_init(&l, v6, NULL);
    lab_listen(&l, 80);
    for (size_t i = 0; i < TCT_ARRAY_LEN(protos); i++) {
      size_t n = build_syn(&p);
      memcpy(inner, frame, n);
      tct_verdict v =
          lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, protos[i], inner, n));
      assert_true(v == TCT_DROP_NO_PROTOCOL || v == TCT_DROP_IP6_EXT_HEADER);
      while (lab_out(&l, &g))
        assert_true(g.is_icmp);
      lab_wait(&l, TCT_S(1));
    }
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    lab_finish(&l);
  }
}

/* From each: a SYN, an echo, a datagram. */
static void try_source(tct_addr src) {
  uint8_t l4[8] = {8, 0, 0, 0, 0, 1, 0, 1}, udp[8] = {0, 7, 0, 99, 0, 8};
  uint8_t icmp = l.v6 ? TCT_IPPROTO_ICMP6 : TCT_IPPROTO_ICMP;
  struct lab_peer p;
  l4[0] = l.v6 ? 128 : 8;
  uint16_t sum = lab_sum(&src, &l.ours, icmp, l4, 8);
  l4[2] = (uint8_t)(sum >> 8);
  l4[3] = (uint8_t)sum;
  assert_int_equal(lab_in(&l, frame, lab_build_ip(frame, &src, &l.ours, icmp, l4, 8)),
                   TCT_DROP_IP_SOURCE);
  tct_verdict v = lab_in(&l, frame, lab_build_ip(frame, &src, &l.ours, TCT_IPPROTO_UDP, udp, 8));
  assert_int_equal(v, TCT_DROP_IP_SOURCE);
  lab_peer_init(&l, &p, 80);
  p.theirs = src;
  assert_int_equal(send_at(&l, &p, TCT_SYN, 1, 0), TCT_DROP_IP_SOURCE);
  expect_silence(&l);
}

ATTACK(a093_martian_sources) {
  (void)state;
  start4();
  const tct_addr bad4[] = {
      tct_addr_ipv4(127, 0, 0, 1), tct_addr_ipv4(127, 255, 0, 9), tct_addr_ipv4(0, 0, 0, 0),
      tct_addr_ipv4(0, 1, 2, 3),   tct_addr_ipv4(240, 0, 0, 1),   tct_addr_ipv4(255, 255, 255, 255),
      tct_addr_ipv4(224, 0, 0, 5), tct_addr_ipv4(10, 0, 0, 255),  tct_addr_ipv4(10, 0, 0, 1)};
  for (size_t i = 0; i < TCT_ARRAY_LEN(bad4); i++)
    try_source(bad4[i]);
  lab_finish(&l);
  lab_init(&l, true, NULL);
  lab_listen(&l, 80);
  const tct_addr bad6[] = {{{[15] = 1}}, {{0}}, {{0xff, 2, [15] = 1}}, {{0xfd, 7, [15] = 1}}};
  for (size_t i = 0; i < TCT_ARRAY_LEN(bad6); i++)
    try_source(bad6[i]);
  lab_finish(&l);
}

ATTACK(a094_broadcast_ping) {
  (void)state;
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    const tct_addr to4[] = {tct_addr_ipv4(255, 255, 255, 255), tct_addr_ipv4(10, 0, 0, 255),
                            tct_addr_ipv4(224, 0, 0, 1)};
    const tct_addr to6[] = {{{0xff, 2, [15] = 1}}, {{0xff, 1, [15] = 1}}, {{0xff, 2, [15] = 2}}};
    uint8_t icmp = v6 ? TCT_IPPROTO_ICMP6 : TCT_IPPROTO_ICMP;
    for (size_t i = 0; i < 3; i++) {
      const tct_addr *dst = v6 ? &to6[i] : &to4[i];
      uint8_t l4[8] = {v6 ? 128 : 8, 0, 0, 0, 0, 1, 0, 1};
      uint16_t sum = lab_sum(&l.theirs, dst, icmp, l4, 8);
      l4[2] = (uint8_t)(sum >> 8);
      l4[3] = (uint8_t)sum;
      lab_in(&l, frame, lab_build_ip(frame, &l.theirs, dst, icmp, l4, 8));
      expect_silence(&l);
    }
    lab_finish(&l);
  }
}

/* ---- IPv6
 * ---------------------------------------------------------------------------------------------- */

static void start6(void) {
  lab_init(&l, true, NULL);
  lab_listen(&l, 80);
}

/* An extension header before a SYN: bytes `ext`, n of them, type `kind`. */
static tct_verdict send_behind(uint8_t kind, const uint8_t *ext, size_t n) {
  struct lab_peer p;
  uint8_t body[4000];
  size_t all = build_syn(&p);
  memcpy(body, ext, n);
  memcpy(body + n, frame + 40, all - 40);
  return lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, kind, body, n + all - 40));
}

/* Answers are errors, few and short. */
static void expect_errors_at_most(unsigned most) {
  unsigned n = 0;
  while (lab_out(&l, &g)) {
    assert_true(g.is_icmp && tct_icmp_kind_is_error(g.icmp.kind) && g.n <= 1280);
    n++;
  }
  assert_true(n <= most);
}

ATTACK(a103_extension_header_length_wraps) {
  (void)state;
  static const uint8_t kinds[] = {0, 43, 60, 44, 51, 135};
  start6();
  for (size_t i = 0; i < TCT_ARRAY_LEN(kinds); i++)
    for (unsigned len = 0; len < 256; len++) {
      uint8_t ext[8] = {TCT_IPPROTO_TCP, (uint8_t)len, 1, 4};
      tct_verdict v = send_behind(kinds[i], ext, sizeof ext);
      assert_true(v != TCT_ACCEPTED || len == 0 || kinds[i] == 44);
      if (v == TCT_ACCEPTED)
        lab_drain(&l);
      expect_errors_at_most(1);
    }
  lab_finish(&l);
}

ATTACK(a104_very_long_header_chains) {
  (void)state;
  static uint8_t chain[1440];
  start6();
  for (size_t i = 0; i < sizeof chain; i += 8) {
    memcpy(chain + i, "\x3c\0\1\4\0\0\0\0", 8);
    if (i + 8 == sizeof chain)
      chain[i] = TCT_IPPROTO_TCP;
  }
  assert_int_equal(send_behind(TCT_IPPROTO_DEST_OPTS, chain, sizeof chain), TCT_DROP_IP6_EXT_CHAIN);
  expect_errors_at_most(1);
  memmove(chain + 64, chain + sizeof chain - 8, 8); /* nine of them: one more than may be */
  assert_int_equal(send_behind(TCT_IPPROTO_DEST_OPTS, chain, 72), TCT_DROP_IP6_EXT_CHAIN);
  expect_errors_at_most(1);
  const uint8_t late_hop[16] = {0, 0, 1, 4, 0, 0, 0, 0, TCT_IPPROTO_TCP, 0, 1, 4};
  assert_true(send_behind(TCT_IPPROTO_DEST_OPTS, late_hop, 16) != TCT_ACCEPTED);
  assert_true(lab_out(&l, &g) && g.icmp.kind == TCT_ICMP_PARAM_PROBLEM);
  const uint8_t nested[16] = {44, 0, 0, 0, 0, 0, 0, 1, TCT_IPPROTO_TCP, 0, 0, 0, 0, 0, 0, 2};
  assert_true(send_behind(TCT_IPPROTO_FRAGMENT, nested, 16) != TCT_ACCEPTED);
  expect_errors_at_most(1);
  assert_int_equal(l.s->n.HalfOpenNow, 0);
  lab_finish(&l);
}

ATTACK(a105_unknown_option_action_bits) {
  (void)state;
  start6();
  for (unsigned bits = 0; bits < 4; bits++)
    for (unsigned hop = 0; hop < 2; hop++) {
      uint8_t ext[8] = {TCT_IPPROTO_TCP, 0, (uint8_t)(bits << 6 | 0x1e), 4};
      tct_verdict v = send_behind(hop ? TCT_IPPROTO_HOP_BY_HOP : TCT_IPPROTO_DEST_OPTS, ext, 8);
      assert_int_equal(v, bits == 0 ? TCT_ACCEPTED : TCT_DROP_IP6_OPTION);
      bool said = lab_out(&l, &g);
      assert_int_equal(said, bits != 1);
      if (bits >= 2)
        assert_true(g.is_icmp && g.icmp.kind == TCT_ICMP_PARAM_PROBLEM && g.icmp.code == 2 &&
                    g.icmp.pointer == 42);
      lab_wait(&l, TCT_S(2));
      lab_drain(&l);
    }
  lab_finish(&l);
}

ATTACK(a106_type_0_routing_header) {
  (void)state;
  start6();
  for (unsigned left = 0; left <= 40; left += 40) {
    uint8_t ext[8 + 640] = {TCT_IPPROTO_TCP, 80, 0, (uint8_t)left};
    tct_verdict v = send_behind(TCT_IPPROTO_ROUTING, ext, sizeof ext);
    assert_int_equal(v, left == 0 ? TCT_ACCEPTED : TCT_DROP_IP6_ROUTING);
    assert_true(lab_out(&l, &g));
    assert_true(left == 0 ? g.is_tcp : g.is_icmp && g.icmp.kind == TCT_ICMP_PARAM_PROBLEM);
    expect_silence(&l);
  }
  lab_finish(&l);
}

ATTACK(a107_overlapping_ipv6_fragments) {
  (void)state;
  start6();
  try_overlaps(open_udp());
  lab_finish(&l);
}

ATTACK(a108_first_fragment_without_upper_header) {
  (void)state;
  start6();
  uint8_t body[16] = {TCT_IPPROTO_TCP, 0, 0, 1, 0, 0, 0, 9};
  size_t n = lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_FRAGMENT, body, 16);
  assert_int_equal(lab_in(&l, frame, n), TCT_DROP_IP6_FRAGMENT_CHAIN);
  assert_true(lab_out(&l, &g) && g.icmp.kind == TCT_ICMP_PARAM_PROBLEM && g.icmp.code == 3);
  body[0] = TCT_IPPROTO_DEST_OPTS; /* a chain that is split */
  body[8] = TCT_IPPROTO_TCP;
  body[9] = 3;
  n = lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_FRAGMENT, body, 16);
  assert_int_equal(lab_in(&l, frame, n), TCT_DROP_IP6_FRAGMENT_CHAIN);
  expect_errors_at_most(1);
  assert_int_equal(l.s->ip->reasm.bytes, 0);
  lab_finish(&l);
}

/* Above: dropped. Below: what lies behind is no part of it. */
ATTACK(a109_payload_length_mismatch) {
  (void)state;
  struct lab_peer p;
  start6();
  for (unsigned more = 1; more < 200; more += 13) {
    size_t n = build_syn(&p);
    frame[5] = (uint8_t)(20 + more);
    assert_int_equal(lab_in(&l, frame, n), TCT_DROP_IP_TOTAL_LEN);
    expect_silence(&l);
  }
  for (unsigned extra = 1; extra < 100; extra += 13) {
    size_t n = build_syn(&p);
    memset(frame + n, 0xaa, extra);
    assert_int_equal(lab_in(&l, frame, n + extra), TCT_ACCEPTED);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
  }
  for (unsigned less = 1; less <= 20; less++) {
    size_t n = build_syn(&p);
    frame[5] = (uint8_t)(20 - less);
    assert_true(lab_in(&l, frame, n) != TCT_ACCEPTED);
    expect_silence(&l);
  }
  lab_finish(&l);
}

ATTACK(a110_packet_too_big_below_1280) {
  (void)state;
  static const uint32_t mtus[] = {1279, 600, 68, 0};
  for (size_t i = 0; i < TCT_ARRAY_LEN(mtus); i++) {
    struct lab_peer p;
    struct stream st = {.want = 20000};
    start6();
    lab_connect(&l, &p, &g);
    struct lab_seg answer = {.flags = TCT_SYN | TCT_ACK,
                             .seq = p.iss,
                             .ack = p.ack,
                             .window = 65535,
                             .opt = "\2\4\5\xa0",
                             .opt_len = 4};
    lab_send(&l, &p, &answer);
    p.seq++;
    write_more(&l, p.sock, &st);
    lab_next(&l, 0, &g);
    while (g.len == 0)
      assert_true(lab_next(&l, 0, &g));
    uint8_t head[6] = {2, 0, 0, 0, (uint8_t)(mtus[i] >> 8), (uint8_t)mtus[i]};
    static uint8_t quote[200];
    memcpy(quote, g.bytes, sizeof quote);
    lab_in(&l, frame, lab_build_error(frame, &p.theirs, &p.ours, head, quote, sizeof quote));
    assert_true(info_of(&l, p.sock).snd_mss >= 1220);
    lab_ack(&l, &p);
    assert_true(read_stream(&l, &p, &st, TCT_S(60)));
    assert_int_equal(st.seg_max, 1440); /* not believed at all; lab_out saw no fragment header */
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a085_ihl_out_of_range),
      cmocka_unit_test(a086_bad_header_checksum_or_version),
      cmocka_unit_test(a087_malformed_ip_options),
      cmocka_unit_test(a088_teardrop),
      cmocka_unit_test(a089_ping_of_death),
      cmocka_unit_test(a090_rose),
      cmocka_unit_test(a091_fragment_size_rules),
      cmocka_unit_test(a092_tunnel_packets),
      cmocka_unit_test(a093_martian_sources),
      cmocka_unit_test(a094_broadcast_ping),
      cmocka_unit_test(a103_extension_header_length_wraps),
      cmocka_unit_test(a104_very_long_header_chains),
      cmocka_unit_test(a105_unknown_option_action_bits),
      cmocka_unit_test(a106_type_0_routing_header),
      cmocka_unit_test(a107_overlapping_ipv6_fragments),
      cmocka_unit_test(a108_first_fragment_without_upper_header),
      cmocka_unit_test(a109_payload_length_mismatch),
      cmocka_unit_test(a110_packet_too_big_below_1280),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
