/* SPDX-License-Identifier: MIT */
/*
 * Known attacks on resources: A070 to A080 (A079, the neighbour table: link.c).
 * Built twice: attack_resource with smaller counts than the list's, for every day, and attack_full
 * with the list's own, for check-all. The shapes are the same. A070's own counts: bench/flood.c.
 */
#define _GNU_SOURCE
#include "test/attack/attack.h"

#include <time.h>

#include "ip/ip.h"

#ifdef TCT_ATTACK_FULL
#define COUNT(daily, full) (full)
#else
#define COUNT(daily, full) (daily)
#endif

static struct lab l;
static struct lab_got g;
static uint8_t frame[LAB_FRAME_MAX];

static tct_addr spoofed(uint32_t i) {
  if (l.v6)
    return (tct_addr){{0xfd, 9, 0, 0, 0, 0, 0, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), 0, 0, 0,
                       0, (uint8_t)(i >> 8), (uint8_t)i}};
  return tct_addr_ipv4(11, (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)(i | 1));
}

static void send_spoofed_syn(uint32_t i) {
  struct lab_peer p;
  lab_peer_init(&l, &p, 80);
  p.theirs = spoofed(i);
  p.sport = (uint16_t)(1024 + i * 7 % 60000);
  send_at(&l, &p, TCT_SYN, i * 77, 0);
}

static void tweak_small(tct_config *c) {
  c->limits.half_open = 1024;
  c->limits.conns = 2048;
  c->limits.time_wait = 256;
  c->limits.orphans = 64;
  c->limits.buffer_bytes = 16 << 20;
}

/* Room for all of A072, and little memory for queues: the limit holds, not the attacker's count. */
static void tweak_many(tct_config *c) {
  tweak_small(c);
  c->limits.conns = COUNT(2048, 65536);
  c->limits.buffer_bytes = COUNT(16, 512) << 20;
}

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/* All honest clients get through, memory is flat. */
ATTACK(a070_syn_flood) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint64_t flat = 0;
    lab_init(&l, v6, tweak_small);
    tct_sock k = lab_listen(&l, 80);
    for (uint32_t i = 0; i < 30000; i++) {
      send_spoofed_syn(i);
      if (i % 64 == 0)
        lab_drain(&l);
      if (i % 1000 != 999)
        continue;
      lab_drain(&l);
      expect_service(&l, k, 80);
      lab_wait(&l, TCT_MS(100));
      if (i == 9999)
        flat = l.s->memory_bytes;
    }
    assert_true(l.s->memory_bytes <= flat + 4096);
    assert_true(l.s->n.HalfOpenNow <= 1024 && l.s->n.SyncookiesSent > 0);
    lab_finish(&l);
  }
}

static unsigned count_syn_acks(unsigned ms) {
  unsigned n = 0;
  tct_time end = l.now + TCT_MS(ms);
  while (l.now < end && lab_next(&l, end - l.now, &g))
    n += g.is_tcp && g.tcp.flags == (TCT_SYN | TCT_ACK);
  return n;
}

static void tweak_cookies(tct_config *c) {
  c->cookies = TCT_COOKIES_ALWAYS;
}

/* One spoofed SYN: a handful of answers, one with cookies, none after a RST or a hard ICMP error.
 */
ATTACK(a071_syn_ack_amplification) {
  (void)state;
  static const uint8_t unreach4[6] = {3, 3}, unreach6[6] = {1, 4};
  FOR_BOTH_FAMILIES
  for (int how = 0; how < 4; how++) {
    struct lab_peer p;
    lab_init(&l, v6, how == 1 ? tweak_cookies : NULL);
    lab_listen(&l, 80);
    lab_peer_init(&l, &p, 80);
    send_at(&l, &p, TCT_SYN, p.iss, 0);
    expect_flags(&l, &g, TCT_SYN | TCT_ACK);
    static uint8_t quote[100];
    size_t n = g.n < sizeof quote ? g.n : sizeof quote;
    memcpy(quote, g.bytes, n);
    if (how == 2)
      send_at(&l, &p, TCT_RST, p.iss + 1, 0);
    if (how == 3)
      lab_in(&l, frame,
             lab_build_error(frame, &p.theirs, &p.ours, v6 ? unreach6 : unreach4, quote, n));
    unsigned more = count_syn_acks(300000);
    assert_true(how == 0 ? more >= 1 && more <= 5 : more == 0);
    assert_int_equal(l.s->n.HalfOpenNow, 0);
    lab_finish(&l);
  }
}

/* Complete handshakes, a request, then a shut window for ever. */
ATTACK(a072_sockstress) {
  (void)state;
  enum { N = COUNT(1000, 50000) };
  FOR_BOTH_FAMILIES {
    static tct_sock socks[N];
    static struct stream st;
    lab_init(&l, v6, tweak_many);
    tct_sock k = lab_listen(&l, 80);
    uint64_t before = l.s->memory_bytes;
    for (unsigned i = 0; i < N; i++) {
      struct lab_peer p;
      l.theirs.b[15] = (uint8_t)(2 + i / 20000); /* one has not as many ports */
      lab_establish(&l, &p, k, 80, false);
      socks[i] = p.sock;
      p.window = 0;
      lab_ack(&l, &p);
      st = (struct stream){.want = 4096};
      write_more(&l, p.sock, &st);
      lab_drain(&l);
    }
    /* What the application wrote, and little more. */
    assert_true((l.s->memory_bytes - before) / N <= 4096 * 2 + 4096);
    expect_service(&l, k, 80);
    lab_wait(&l, TCT_S(1));
    lab_drain(&l);
    for (unsigned i = 0; i < N; i++)
      assert_int_equal(tct_sock_abort(l.s, socks[i]), TCT_OK);
    lab_drain(&l);
    lab_finish(&l);
  }
}

/* The same, but the application has closed: orphans are counted, and each has an end. */
ATTACK(a073_netkill) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct stream st;
    lab_init(&l, v6, tweak_small);
    tct_sock k = lab_listen(&l, 80);
    for (unsigned i = 0; i < COUNT(200, 10000); i++) {
      struct lab_peer p;
      lab_establish(&l, &p, k, 80, false);
      p.window = 0;
      lab_ack(&l, &p);
      st = (struct stream){.want = 65536};
      write_more(&l, p.sock, &st);
      assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
      lab_drain(&l);
      lab_events(&l, p.sock, NULL, NULL); /* handles are given back by pulling CLOSED */
      assert_true(l.s->n.OrphansNow <= 65);
      assert_true(l.s->n.ConnsNow <= 67);
    }
    assert_true(l.s->chunks.used_bytes <= 65 * 131072);
    for (int i = 0; i < 1200; i++) {
      lab_wait(&l, TCT_S(1));
      lab_drain(&l);
    }
    assert_int_equal(l.s->n.OrphansNow, 0); /* R2 of an unanswered probe */
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

ATTACK(a074_fin_wait_2_orphans) {
  (void)state;
  FOR_BOTH_FAMILIES {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (unsigned i = 0; i < COUNT(500, 10000); i++) {
      lab_establish(&l, &p, k, 80, false);
      assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
      lab_drain(&l);
      p.ack++;
      lab_ack(&l, &p);
      lab_drain(&l); /* the loop's own order: a timer starts when output has been asked */
    }
    assert_int_equal(l.s->n.OrphansNow, COUNT(500, 10000));
    lab_wait(&l, TCT_S(61));
    lab_drain(&l);
    assert_int_equal(l.s->n.OrphansNow, 0);
    lab_wait(&l, TCT_S(241)); /* whatever follows, too */
    send_flags(&l, &p, TCT_FIN | TCT_ACK);
    expect_flags(&l, &g, TCT_RST);
    lab_finish(&l);
  }
}

ATTACK(a075_time_wait_flood) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint64_t flat = 0;
    lab_init(&l, v6, tweak_small);
    tct_sock k = lab_listen(&l, 80);
    for (unsigned i = 0; i < COUNT(2000, 500000); i++) {
      struct lab_peer p;
      tct_event ev;
      lab_establish(&l, &p, k, 80, true);
      assert_int_equal(tct_sock_close(l.s, p.sock), TCT_OK);
      lab_drain(&l);
      p.ack++;
      p.tsval++;
      send_flags(&l, &p, TCT_FIN | TCT_ACK);
      lab_drain(&l);
      while (tct_event_next(l.s, &ev))
        continue;
      assert_true(l.s->n.TimeWaitNow <= 256);
      if (i == 600)
        flat = l.s->memory_bytes;
    }
    assert_int_equal(l.s->n.TimeWaitNow, 256);
    assert_true(l.s->memory_bytes <= flat + 4096);
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

static void fill_with_octets(uint8_t *data, size_t len) {
  for (size_t i = 0; i < len; i++)
    data[i] = octet(i);
}

/* The peer sends all of it, and the application has it; `buf` holds one byte more than `len`. */
static void expect_all_of_it(struct lab_peer *p, const uint8_t *data, uint8_t *buf, uint32_t len) {
  for (uint32_t at = 0; at < len; at += 1000) {
    send_data_at(&l, p, p->seq + at, data + at, 1000);
    lab_drain(&l);
  }
  size_t got = 0;
  for (long n; (n = lab_read(&l, p->sock, buf + got, len + 1 - got)) > 0; got += (size_t)n)
    continue;
  assert_int_equal(got, len);
  assert_memory_equal(buf, data, len);
}

/* One byte at every second place of the window, then all of it. */
ATTACK(a076_segment_smack) {
  (void)state;
  FOR_BOTH_FAMILIES {
    static uint8_t data[60000], buf[60001];
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    fill_with_octets(data, sizeof data);
    uint64_t before = l.s->memory_bytes;
    for (uint32_t i = 0; i < 60000; i++) { /* 29989 is prime to 30000: each once, twice over */
      uint32_t at = i % 30000 * 29989 % 30000 * 2 + 1;
      send_data_at(&l, &p, p.seq + at, data + at, 1);
      if (i % 16 == 0)
        lab_drain(&l);
    }
    lab_drain(&l);
    assert_true(l.s->memory_bytes - before <=
                2 * 65536 + (192 << 10)); /* ranges are capped, so are chunks */
    uint32_t steps = tct_tcp_block_at(l.s, p.sock)->active->rx.walk_steps;
    assert_true(steps <= 60000 * 64u);
    expect_all_of_it(&p, data, buf, sizeof data);
    lab_finish(&l);
  }
}

static void tweak_wide(tct_config *c) {
  c->rcvbuf_bytes = c->rcvbuf_max_bytes = 2 << 20;
}

/* The same with a window of 1 MB and more pieces than there may be ranges: CPU time of a segment,
 * in the last 2000 of which each is one too many, is not far above that in the first 2000. What a
 * busy machine adds is not judged; what grows with the attacker's pieces would be 250 times as
 * much. */
ATTACK(a076_segment_smack_wide) {
  (void)state;
  enum { N = COUNT(10000, 500000), PART = 2000 };
  FOR_BOTH_FAMILIES {
    static uint8_t data[2 * N], buf[2 * N + 1];
    struct lab_peer p;
    uint64_t first = 0, last = 0;
    lab_init(&l, v6, tweak_wide);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, true);
    fill_with_octets(data, sizeof data);
    uint64_t before = l.s->memory_bytes;
    for (uint32_t i = 0; i < 2 * N; i++) { /* 29989 is prime to N */
      uint32_t at = (uint32_t)((uint64_t)(i % N) * 29989 % N) * 2 + 1;
      uint64_t began = cpu_ns();
      send_data_at(&l, &p, p.seq + at, data + at, 1);
      uint64_t took = cpu_ns() - began;
      first += i < PART ? took : 0;
      last += i >= 2 * N - PART ? took : 0;
      if (i % 16 == 0)
        lab_drain(&l);
    }
    lab_drain(&l);
    uint64_t grew = l.s->memory_bytes - before;
    printf("# %u pieces twice, %s: %.0f ns a segment at first, %.0f at last; %.0f KiB\n", N,
           v6 ? "IPv6" : "IPv4", (double)first / PART, (double)last / PART, (double)grew / 1024);
    assert_true(grew <= 5u << 20);
    assert_true(last <= first * 20);
    expect_all_of_it(&p, data, buf, sizeof data);
    lab_finish(&l);
  }
}

/* A UDP datagram for port 9 in two fragments of 24 bytes; `part` 0 or 1. */
static size_t build_part(const tct_addr *src, uint32_t id, int part) {
  uint8_t l4[48] = {0x10, 0, 0, 9, 0, 48}, body[32] = {TCT_IPPROTO_UDP};
  uint16_t sum = lab_sum(src, &l.ours, TCT_IPPROTO_UDP, l4, sizeof l4);
  l4[6] = (uint8_t)(sum >> 8);
  l4[7] = (uint8_t)sum;
  if (l.v6) {
    body[3] = (uint8_t)(part == 0 ? 1 : 24);
    body[4] = (uint8_t)(id >> 24);
    body[5] = (uint8_t)(id >> 16);
    body[6] = (uint8_t)(id >> 8);
    body[7] = (uint8_t)id;
    memcpy(body + 8, l4 + part * 24, 24);
    return lab_build_ip(frame, src, &l.ours, TCT_IPPROTO_FRAGMENT, body, 32);
  }
  size_t n = lab_build_ip(frame, src, &l.ours, TCT_IPPROTO_UDP, l4 + part * 24, 24);
  frame[4] = (uint8_t)(id >> 8);
  frame[5] = (uint8_t)id;
  frame[6] = part == 0 ? 0x20 : 0;
  frame[7] = part == 0 ? 0 : 3;
  frame[10] = frame[11] = 0;
  sum = lab_sum16(frame, 20);
  frame[10] = (uint8_t)(sum >> 8);
  frame[11] = (uint8_t)sum;
  return n;
}

/* Half datagrams from one place and from everywhere; an honest one each second gets through. */
ATTACK(a077_fragment_smack) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int everywhere = 0; everywhere < 2; everywhere++) {
    tct_sock udp;
    tct_endpoint at = {.port = 9};
    unsigned sent = 0, came = 0;
    lab_init(&l, v6, NULL);
    assert_int_equal(tct_sock_open(l.s, TCT_UDP, NULL, &udp), TCT_OK);
    assert_int_equal(tct_sock_bind(l.s, udp, &at), TCT_OK);
    for (uint32_t i = 0; i < COUNT(40000, 100000); i++) {
      tct_addr src = spoofed(everywhere ? i : 1);
      lab_in(&l, frame, build_part(&src, i, 0));
      assert_true(l.s->ip->reasm.bytes <= 1u << 20);
      if (i % 1000 != 999)
        continue;
      lab_in(&l, frame, build_part(&l.theirs, i, 0));
      for (uint32_t k = 0; k < 100; k++) { /* between its two halves the flood goes on */
        src = spoofed(everywhere ? i + k * 131 : 1);
        lab_in(&l, frame, build_part(&src, i + 50000 + k, 0));
      }
      sent++;
      came += lab_in(&l, frame, build_part(&l.theirs, i, 1)) == TCT_ACCEPTED;
      uint8_t buf[64];
      while (tct_dgram_recv(l.s, udp, NULL, buf, sizeof buf, 0) > 0)
        continue;
      lab_wait(&l, TCT_S(1));
      lab_drain(&l);
    }
    assert_true(came * 10 >= sent * 9);
    lab_finish(&l);
  }
}

/* Nobody accepts: the queue keeps its length, clients that were told they are connected are not
 * forgotten, and service returns with the application. */
ATTACK(a078_accept_queue_full) {
  (void)state;
  FOR_BOTH_FAMILIES {
    tct_sock k, child;
    tct_endpoint at = {.port = 80};
    lab_init(&l, v6, NULL);
    assert_int_equal(tct_sock_open(l.s, TCT_TCP, NULL, &k), TCT_OK);
    assert_int_equal(tct_sock_bind(l.s, k, &at), TCT_OK);
    assert_int_equal(tct_sock_listen(l.s, k, 4), TCT_OK);
    for (unsigned i = 0; i < 1000; i++) {
      struct lab_peer p;
      lab_peer_init(&l, &p, 80);
      send_at(&l, &p, TCT_SYN, p.iss, 0);
      if (!lab_out(&l, &g))
        continue;
      send_at(&l, &p, TCT_ACK, p.iss + 1, g.tcp.seq + 1);
      lab_drain(&l);
    }
    assert_true(l.s->n.ConnsNow <= 1 + 4 + 1);
    assert_true(l.s->n.HalfOpenNow <= 5);
    assert_true(l.s->n.ListenDrops + l.s->n.ListenOverflows > 900);
    unsigned n = 0;
    while (tct_sock_accept(l.s, k, NULL, &child) == TCT_OK)
      n++;
    assert_in_range(n, 4, 5);
    lab_drain(&l);
    lab_wait(&l, TCT_S(100));
    lab_drain(&l);
    while (tct_sock_accept(l.s, k, NULL, &child) == TCT_OK)
      continue;
    expect_service(&l, k, 80);
    lab_finish(&l);
  }
}

/* ---- A080
 * ------------------------------------------------------------------------------------------ */

/* Memory fails at the n-th request of a scripted session, once or from then on again and again. */
static bool run_session(bool v6, uint32_t nth, uint32_t every) {
  struct lab_peer p;
  struct stream st = {.want = 20000};
  uint8_t buf[4096];
  tct_sock child;
  lab_init(&l, v6, NULL);
  tct_sock k = lab_listen(&l, 80);
  l.mem.fail_in = nth;
  l.mem.fail_every = every;
  lab_peer_init(&l, &p, 80);
  struct lab_seg syn = {
      .flags = TCT_SYN, .seq = p.iss, .window = 65535, .opt = "\2\4\5\xb4\4\2\1\1", .opt_len = 8};
  for (int try = 0; try < 40 && state_of(&l, k) == TCT_LISTEN; try++) {
    lab_send(&l, &p, &syn);
    if (lab_next(&l, TCT_S(1), &g) && g.tcp.flags == (TCT_SYN | TCT_ACK))
      break;
  }
  p.irs = g.tcp.seq;
  p.ack = p.irs + 1;
  p.seq = p.iss + 1;
  bool open = false;
  for (int try = 0; try < 40 && !open; try++) {
    lab_ack(&l, &p);
    open = tct_sock_accept(l.s, k, NULL, &child) == TCT_OK;
    lab_wait(&l, TCT_S(1));
    lab_drain(&l);
  }
  if (open) {
    uint32_t in = 0;
    p.sock = child;
    for (int try = 0; try < 60 && in < 3000; try++) { /* whatever was not taken is sent again */
      uint8_t data[3000];
      for (size_t i = 0; i < sizeof data; i++)
        data[i] = octet(i);
      send_data_at(&l, &p, p.seq + 1500, data + 1500, 1500);
      send_data_at(&l, &p, p.seq, data, 1500);
      for (long n; (n = lab_read(&l, child, buf, sizeof buf)) > 0; in += (uint32_t)n)
        for (long i = 0; i < n; i++)
          assert_int_equal(buf[i], octet(in + (size_t)i));
      lab_wait(&l, TCT_MS(300));
      lab_drain(&l);
    }
    if (state_of(&l, child) == TCT_ESTABLISHED) {
      assert_int_equal(in, 3000);
      p.seq += 3000;
      assert_true(read_stream(&l, &p, &st, TCT_S(130)) || state_of(&l, child) != TCT_ESTABLISHED);
    }
  }
  bool failed = l.mem.fail_in != nth; /* the n-th came */
  bool reached = l.mem.fail_in == 0 || every != 0;
  l.mem.fail_in = 0;
  lab_finish(&l);
  return failed && reached;
}

ATTACK(a080_allocation_failure_anywhere) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint32_t nth = 1;
    while (run_session(v6, nth, 0))
      nth++;
    assert_true(nth > 5);
    for (nth = 1; nth < 30; nth++)
      run_session(v6, nth, 3); /* and every third from then on */
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a070_syn_flood),
      cmocka_unit_test(a071_syn_ack_amplification),
      cmocka_unit_test(a072_sockstress),
      cmocka_unit_test(a073_netkill),
      cmocka_unit_test(a074_fin_wait_2_orphans),
      cmocka_unit_test(a075_time_wait_flood),
      cmocka_unit_test(a076_segment_smack),
      cmocka_unit_test(a076_segment_smack_wide),
      cmocka_unit_test(a077_fragment_smack),
      cmocka_unit_test(a078_accept_queue_full),
      cmocka_unit_test(a080_allocation_failure_anywhere),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
