/* SPDX-License-Identifier: MIT */
/* Known attacks by watching: A081 to A083, A084, and on UDP and the interface: A117 to A119. */
#include "test/attack/attack.h"

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

/* ---- What one peer can tell
 * -------------------------------------------------------------------------- */

static uint16_t connect_to(tct_addr dst, uint16_t port) {
  tct_sock k;
  tct_endpoint to = {.addr = dst, .port = port};
  assert_int_equal(tct_sock_open(l.s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_connect(l.s, k, &to), TCT_OK);
  assert_true(lab_next(&l, 0, &g));
  return g.tcp.sport;
}

/* Steps between neighbours: neither one, nor the same over and over. */
static void expect_unordered(const uint16_t *port, unsigned n) {
  unsigned by_one = 0, same_step = 0;
  for (unsigned i = 1; i < n; i++) {
    uint16_t step = (uint16_t)(port[i] - port[i - 1]);
    by_one += step == 1 || step == 2;
    same_step += i > 1 && step == (uint16_t)(port[i - 1] - port[i - 2]);
  }
  assert_true(by_one < n / 10 && same_step < n / 10);
}

/* RFC 6056: to one destination each port once, to others from elsewhere. */
ATTACK(a081_predictable_source_ports) {
  (void)state;
  enum { N = 500 };
  FOR_BOTH_FAMILIES {
    static uint16_t here[N], there[N];
    static bool seen[65536];
    memset(seen, 0, sizeof seen);
    lab_init(&l, v6, NULL);
    unsigned same_offset = 0;
    for (unsigned i = 0; i < N; i++) {
      tct_addr other = l.theirs;
      here[i] = connect_to(l.theirs, 80);
      other.b[15] = (uint8_t)(3 + i % 200);
      there[i] = connect_to(other, 80);
      assert_false(seen[here[i]]); /* unused before reused */
      seen[here[i]] = true;
      same_offset +=
          i > 0 && (uint16_t)(there[i] - here[i]) == (uint16_t)(there[i - 1] - here[i - 1]);
    }
    expect_unordered(there, N);
    assert_true(same_offset < N / 10); /* what one server sees tells nothing of another's */
    lab_finish(&l);
  }
}

static uint16_t ping_id(tct_addr from) {
  uint8_t l4[8] = {8, 0, 0, 0, 0, 1, 0, 1};
  uint16_t sum = lab_sum(&from, &l.ours, TCT_IPPROTO_ICMP, l4, 8);
  l4[2] = (uint8_t)(sum >> 8);
  l4[3] = (uint8_t)sum;
  lab_in(&l, frame, lab_build_ip(frame, &from, &l.ours, TCT_IPPROTO_ICMP, l4, 8));
  assert_true(lab_next(&l, 0, &g));
  assert_true(g.ip.dont_frag || g.ip.id != 0 || true);
  return g.ip.dont_frag ? 0 : (uint16_t)g.ip.id;
}

/* Idle scan: how far the identifier to one peer has moved must not count what went to another. */
ATTACK(a082_global_ip_id_counter) {
  (void)state;
  lab_init(&l, false, NULL);
  tct_addr other = tct_addr_ipv4(10, 0, 0, 99);
  unsigned told = 0;
  for (unsigned i = 0; i < 50; i++) {
    uint16_t before = ping_id(l.theirs);
    for (unsigned k = 0; k < i % 5; k++)
      ping_id(other);
    uint16_t after = ping_id(l.theirs);
    told += before != 0 && (uint16_t)(after - before) == 1 + i % 5;
  }
  /* One step in five is right by chance when i % 5 is 0; a shared counter would tell each time. */
  assert_true(told <= 10 + 3);
  lab_finish(&l);
}

static uint8_t boot;

static void tweak_boot(tct_config *c) {
  c->seed[2] = boot;
}

static uint32_t tsval_to(tct_addr dst) {
  struct lab_peer p;
  lab_peer_init(&l, &p, 80);
  p.theirs = dst;
  struct lab_seg syn = {.flags = TCT_SYN,
                        .seq = 1,
                        .window = 1000,
                        .opt = "\1\1\10\12\0\0\0\1\0\0\0\0",
                        .opt_len = 12};
  lab_send(&l, &p, &syn);
  assert_true(lab_next(&l, 0, &g) && g.tcp.opt.has_ts);
  return g.tcp.opt.tsval;
}

/* Not the uptime, not the same for two peers, another one after a restart. */
ATTACK(a083_timestamp_clock_leak) {
  (void)state;
  uint32_t first = 0;
  FOR_BOTH_FAMILIES
  for (boot = 1; boot <= 2; boot++) {
    lab_init(&l, v6, tweak_boot);
    lab_listen(&l, 80);
    tct_addr other = l.theirs;
    other.b[15] = 77;
    uint32_t a = tsval_to(l.theirs), b = tsval_to(other), up_ms = (uint32_t)(l.now / 1000000);
    assert_true(a - b + 100000 > 200000);
    assert_true(a - up_ms + 100000 > 200000);
    assert_true(boot == 1 || a - first + 100000 > 200000);
    first = a;
    lab_finish(&l);
  }
}

/* Freed and new memory is full of a pattern (fuzz.c): none of it in any byte that leaves. The MSan
 * build of `make check-all` looks at every byte of all these tests. */
ATTACK(a084_uninitialised_bytes_in_replies) {
  (void)state;
  static const uint8_t pattern[6] = {0xa5, 0xa5, 0xa5, 0xa5, 0xa5, 0xa5};
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    lab_listen(&l, 80);
    for (unsigned i = 0; i < 64; i++) {
      struct lab_peer p;
      uint8_t opt[40];
      memset(opt, (int)i, sizeof opt);
      lab_peer_init(&l, &p, (uint16_t)(79 + i % 3));
      struct lab_seg seg = {
          .flags = FLAG(i), .seq = 1, .ack = 2, .opt = opt, .opt_len = 4 * (i % 11)};
      lab_send(&l, &p, &seg);
      uint8_t udp[16] = {0, 9, 0, (uint8_t)i, 0, 16};
      lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_UDP, udp, 16));
      lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, (uint8_t)(100 + i), udp, 16));
      lab_wait(&l, TCT_S(1));
      while (lab_out(&l, &g))
        for (size_t at = 0; at + sizeof pattern <= g.n; at++)
          assert_memory_not_equal(g.bytes + at, pattern, sizeof pattern);
    }
    lab_finish(&l);
  }
}

/* ---- UDP
 * --------------------------------------------------------------------------------------------- */

static tct_sock open_udp(uint16_t port) {
  tct_sock k;
  tct_endpoint at = {.port = port};
  assert_int_equal(tct_sock_open(l.s, TCT_UDP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_bind(l.s, k, &at), TCT_OK);
  return k;
}

/* A datagram of n bytes of data that says `said` is its length; sum over what it says, if that is
 * there. */
static tct_verdict send_udp(size_t n, uint32_t said, int sum_mode) {
  uint8_t l4[600];
  for (size_t i = 0; i < n; i++)
    l4[8 + i] = octet(i);
  memcpy(l4, "\x10\0\0\x09\0\0\0\0", 8);
  l4[4] = (uint8_t)(said >> 8);
  l4[5] = (uint8_t)said;
  size_t over = said >= 8 && said <= n + 8 ? said : n + 8;
  uint16_t sum = lab_sum(&l.theirs, &l.ours, TCT_IPPROTO_UDP, l4, over);
  sum = sum == 0 ? 0xffff : sum;
  if (sum_mode != 0) {
    l4[6] = (uint8_t)(sum >> 8);
    l4[7] = (uint8_t)(sum + (sum_mode == 2));
  }
  return lab_in(&l, frame, lab_build_ip(frame, &l.theirs, &l.ours, TCT_IPPROTO_UDP, l4, n + 8));
}

ATTACK(a117_udp_length_lies) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[600];
    lab_init(&l, v6, NULL);
    tct_sock k = open_udp(9);
    static const uint32_t bad[] = {1, 7, 109, 110, 65535};
    for (size_t i = 0; i < TCT_ARRAY_LEN(bad); i++) {
      tct_verdict v = send_udp(100, bad[i], 1);
      assert_true(v == TCT_DROP_UDP_LEN || v == TCT_DROP_UDP_SHORT);
    }
    assert_true(send_udp(100, 0, 1) != TCT_ACCEPTED); /* not even "jumbogram" */
    assert_int_equal(tct_dgram_recv(l.s, k, NULL, buf, sizeof buf, 0), TCT_EAGAIN);
    for (uint32_t said = 8; said <= 108; said += 25) {
      assert_int_equal(send_udp(100, said, 1), TCT_ACCEPTED);
      assert_int_equal(tct_dgram_recv(l.s, k, NULL, buf, sizeof buf, 0), said - 8);
    }
    expect_silence(&l);
    lab_finish(&l);
  }
}

ATTACK(a118_udp_checksum_rules) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[600];
    lab_init(&l, v6, NULL);
    tct_sock k = open_udp(9);
    assert_int_equal(send_udp(20, 28, 0), v6 ? TCT_DROP_UDP_CHECKSUM : TCT_ACCEPTED);
    assert_int_equal(send_udp(20, 28, 2), TCT_DROP_UDP_CHECKSUM);
    assert_int_equal(tct_dgram_recv(l.s, k, NULL, buf, sizeof buf, 0), v6 ? TCT_EAGAIN : 20);
    /* One of all payloads of two bytes makes a sum of zero: it is sent as ones, and lab_out refuses
     * none. */
    unsigned ones = 0;
    for (uint32_t i = 0; i < 65536; i++) {
      uint8_t two[2] = {(uint8_t)(i >> 8), (uint8_t)i};
      tct_dgram d = {.remote = {.addr = l.theirs, .port = 7}};
      assert_int_equal(tct_dgram_send(l.s, k, &d, two, 2), 2);
      assert_true(lab_out(&l, &g));
      ones += g.ip.payload[6] == 0xff && g.ip.payload[7] == 0xff;
    }
    assert_in_range(ones, 1, 2);
    lab_finish(&l);
  }
}

/* ---- The interface: whatever is called when an event is told
 * --------------------------------------------- */

/* There are no callbacks; the like of it is a call on every handle between two pulls. */
ATTACK(a119_close_between_events) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (unsigned what = 0; what < 6; what++) {
    struct lab_peer p[8];
    tct_event ev;
    uint8_t buf[16];
    unsigned after = 0;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (int i = 0; i < 8; i++) {
      lab_establish(&l, &p[i], k, 80, false);
      lab_data(&l, &p[i], "data", 4);
      send_flags(&l, &p[i], i % 2 ? TCT_FIN | TCT_ACK : TCT_RST);
    }
    assert_true(tct_event_next(l.s, &ev)); /* while the first is told, the others go */
    for (int i = 0; i < 8; i++) {
      tct_sock s = p[i].sock;
      switch (what) {
      case 0:
        tct_sock_abort(l.s, s);
        break;
      case 1:
        tct_sock_close(l.s, s);
        break;
      case 2:
        tct_sock_shutdown(l.s, s, TCT_SHUT_RDWR);
        break;
      case 3:
        (void)!tct_sock_send(l.s, s, "answer", 6, 0);
        break;
      case 4:
        (void)!tct_sock_recv(l.s, s, buf, sizeof buf, 0);
        break;
      default:
        tct_sock_close(l.s, k);
        break;
      }
    }
    while (tct_event_next(l.s, &ev)) {
      after++;
      for (int i = 0; what == 0 && i < 8; i++) /* an aborted one is never heard of again */
        assert_true(ev.sock.gen != p[i].sock.gen || ev.sock.index != p[i].sock.index);
      tct_sock_abort(l.s, ev.sock);
    }
    assert_true(after <= 20);
    lab_check(&l);
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a081_predictable_source_ports),
      cmocka_unit_test(a082_global_ip_id_counter),
      cmocka_unit_test(a083_timestamp_clock_leak),
      cmocka_unit_test(a084_uninitialised_bytes_in_replies),
      cmocka_unit_test(a117_udp_length_lies),
      cmocka_unit_test(a118_udp_checksum_rules),
      cmocka_unit_test(a119_close_between_events),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
