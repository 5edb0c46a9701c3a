/* SPDX-License-Identifier: MIT */
/* Known attacks on sequence numbers: A020 to A029. Wraps, replays, blind guesses. */
#include "test/attack/attack.h"

#include "tercet/sim.h"

static struct lab l;
static struct lab_got g;

/* ---- Two honest stacks over a lossy link, from chosen first numbers
 * --------------------------------- */

struct seen {
  uint32_t want;
  unsigned syns;
};

static void look_at_syns(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct seen *s = ctx;
  if (!f->is_tcp || (f->seg.flags & TCT_SYN) == 0 || arriving)
    return;
  assert_int_equal(f->seg.seq, s->want);
  s->syns++;
}

static void transfer_from(uint32_t isn, bool v6) {
  tct_sim *w = tct_sim_new(isn + v6);
  tct_sim_host_config c;
  tct_sim_host *h[2];
  struct seen seen = {.want = isn};
  tct_sim_path path = {.delay_ns = 10000000, .rate_bps = 100000000, .loss_ppm = 50000};
  for (unsigned i = 0; i < 2; i++) {
    tct_sim_config_init(w, &c);
    c.addr = v6 ? (tct_addr){{0xfd, 7, [15] = (uint8_t)(1 + i)}}
                : tct_addr_ipv4(10, 0, 0, (uint8_t)(1 + i));
    c.prefix_len = v6 ? 64 : 24;
    c.stack.profile = TCT_PROFILE_LINUX;
    h[i] = tct_sim_host_new(w, &c);
    assert_non_null(h[i]);
  }
  tct_sim_link *link =
      tct_sim_link_new(w, tct_sim_host_end(h[0]), tct_sim_host_end(h[1]), &path, &path);
  tct_sim_link_tap(link, look_at_syns, &seen);
  tct_sim_flow a = {
      .tx_total = 1000000, .tx_key = 1, .rx_key = 2, .close = TCT_SIM_CLOSE_AFTER_SEND};
  tct_sim_flow b = {
      .tx_total = 1000000, .tx_key = 2, .rx_key = 1, .close = TCT_SIM_CLOSE_AFTER_SEND};
  tct_sim_server v = {.flows = &b, .n_flows = 1};
  assert_int_equal(tct_sim_server_open(&v, h[1]), TCT_OK);
  assert_int_equal(tct_sock_set(tct_sim_host_stack(h[1]), v.app.sock, TCT_OPT_ISN, isn), TCT_OK);
  assert_int_equal(tct_sim_server_start(&v, 80, 4), TCT_OK);
  tct_endpoint to = {.addr = tct_sim_host_addr(h[1]), .port = 80};
  assert_int_equal(tct_sim_flow_open(&a, h[0]), TCT_OK);
  assert_int_equal(tct_sock_set(tct_sim_host_stack(h[0]), a.app.sock, TCT_OPT_ISN, isn), TCT_OK);
  assert_int_equal(tct_sim_flow_connect_sock(&a, &to), TCT_OK);
  tct_sim_run(w, TCT_S(1200));
  assert_true(seen.syns >= 2);
  assert_int_equal(a.rx_done, 1000000);
  assert_int_equal(b.rx_done, 1000000);
  assert_false(a.rx_wrong || b.rx_wrong);
  assert_true(a.closed && b.closed && a.err == 0 && b.err == 0);
  tct_sim_free(w);
}

ATTACK(a020_sequence_wrap_at_2_32) {
  (void)state;
  FOR_BOTH_FAMILIES transfer_from(0xffffffffu - 999, v6);
}

ATTACK(a021_sign_flip_at_2_31) {
  (void)state;
  FOR_BOTH_FAMILIES transfer_from(0x80000000u - 1000, v6);
}

/* ---- Replays and overlaps
 * -------------------------------------------------------------------------- */

ATTACK(a022_old_duplicates_below_the_window) {
  (void)state;
  enum { SEG = 1000, SEGS = 65 };
  FOR_BOTH_FAMILIES {
    static uint8_t data[SEG * SEGS], buf[SEG * SEGS + 1];
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    uint32_t first = p.seq;
    for (size_t i = 0; i < sizeof data; i++)
      data[i] = octet(i);
    for (size_t i = 0; i < SEGS; i++) {
      assert_int_equal(lab_data(&l, &p, data + i * SEG, SEG), TCT_ACCEPTED);
      assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), SEG);
      assert_memory_equal(buf, data + i * SEG, SEG);
      lab_drain(&l);
    }
    lab_wait(&l, TCT_S(1));
    lab_drain(&l);
    for (size_t i = 0; i < SEGS; i++) {
      tct_verdict v = send_data_at(&l, &p, first + (uint32_t)i * SEG, data + i * SEG, SEG);
      assert_int_equal(v, TCT_DROP_SEQ_OUTSIDE_WINDOW);
      expect_bare_ack(&l, &p, &g);
      assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
    }
    lab_finish(&l);
  }
}

enum { CELL = 50, CELLS = 4 };
static uint8_t cells[CELL * CELLS];

/* The blocks of an ACK are exactly the runs that P has sent above the gap (without D-SACK, which
 * comes first and lies below the ACK or inside a block). */
static void expect_blocks(const struct lab_peer *p, uint32_t base, const bool *has) {
  unsigned edge = 0, runs = 0;
  while (edge < CELLS && has[edge])
    edge++;
  assert_int_equal(g.tcp.ack, base + edge * CELL);
  unsigned first = 0;
  const struct tct_tcp_sack_block *b = g.tcp.opt.sack;
  if (g.tcp.opt.n_sack > 0) {
    bool below = (int32_t)(b[0].end - g.tcp.ack) <= 0;
    bool inside = g.tcp.opt.n_sack > 1 && b[0].begin - b[1].begin <= b[1].end - b[1].begin &&
                  b[0].end - b[1].begin <= b[1].end - b[1].begin;
    first = below || inside;
  }
  for (unsigned i = edge; i < CELLS; i++) {
    if (!has[i] || has[i - 1])
      continue;
    unsigned end = i;
    while (end < CELLS && has[end])
      end++;
    runs++;
    bool told = false;
    for (unsigned n = first; n < g.tcp.opt.n_sack; n++)
      told = told || (b[n].begin == base + i * CELL && b[n].end == base + end * CELL);
    assert_true(told);
  }
  assert_int_equal(g.tcp.opt.n_sack - first, runs);
  (void)p;
}

static void send_range(struct lab_peer *p, uint32_t base, unsigned from, unsigned to, bool *has) {
  send_data_at(&l, p, base + from * CELL, cells + from * CELL, (to - from) * CELL);
  for (unsigned i = from; i < to; i++)
    has[i] = true;
  unsigned n = 0;
  while (lab_next(&l, TCT_MS(600), &g)) {
    expect_blocks(p, base, has);
    assert_true(++n <= 2);
  }
  assert_true(n > 0);
}

static void try_overlap(tct_sock k, const unsigned r[6]) {
  struct lab_peer p;
  bool has[CELLS + 1] = {false};
  uint8_t buf[CELL * CELLS + 1];
  lab_establish(&l, &p, k, 80, true);
  uint32_t base = p.seq;
  for (int i = 0; i < 6; i += 2)
    if (r[i] < r[i + 1])
      send_range(&p, base, r[i], r[i + 1], has);
  send_range(&p, base, 0, CELLS, has); /* and all of it */
  assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), sizeof cells);
  assert_memory_equal(buf, cells, sizeof cells);
  tct_sock_abort(l.s, p.sock);
  lab_drain(&l);
}

/* All pairs and triples of ranges on the grid, in each order. */
ATTACK(a023_overlapping_segments) {
  (void)state;
  unsigned list[10][2], n = 0;
  for (size_t i = 0; i < sizeof cells; i++)
    cells[i] = octet(i);
  for (unsigned a = 0; a < CELLS; a++)
    for (unsigned b = a + 1; b <= CELLS; b++, n++) {
      list[n][0] = a;
      list[n][1] = b;
    }
  FOR_BOTH_FAMILIES {
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    for (unsigned a = 0; a < n; a++)
      for (unsigned b = 0; b < n; b++)
        for (unsigned c = 0; c <= n; c++) {
          if ((a + b + c) % 2 != (unsigned)v6) /* half of them in each family */
            continue;
          unsigned r[6] = {list[a][0],
                           list[a][1],
                           list[b][0],
                           list[b][1],
                           c < n ? list[c][0] : 0,
                           c < n ? list[c][1] : 0};
          try_overlap(k, r);
        }
    lab_finish(&l);
  }
}

/* ---- Blind guesses
 * --------------------------------------------------------------------------------- */

/* [RFC9293 EP-17] [RFC9293 EP-18] [RFC9293 EP-19] */
ATTACK(a024_blind_reset_in_window) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (int ts = 0; ts < 2; ts++) {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, ts);
    uint32_t wnd = info_of(&l, p.sock).rcv_wnd;
    uint32_t inside[] = {p.seq + 1, p.seq + wnd / 2, p.seq + wnd - 1};
    uint32_t outside[] = {p.seq - 1, p.seq + wnd, p.seq + wnd + 1, p.seq - 100000,
                          p.seq + 0x80000000u};
    for (size_t i = 0; i < TCT_ARRAY_LEN(outside); i++) {
      assert_int_equal(send_at(&l, &p, TCT_RST, outside[i], 0), TCT_DROP_RST_OUTSIDE_WINDOW);
      expect_silence(&l);
    }
    for (size_t i = 0; i < TCT_ARRAY_LEN(inside); i++) {
      assert_int_equal(send_at(&l, &p, TCT_RST, inside[i], 0), TCT_DROP_RST_CHALLENGED);
      expect_bare_ack(&l, &p, &g);
      assert_int_equal(g.why, TCT_WHY_ACK_CHALLENGE);
      lab_wait(&l, TCT_S(2));
    }
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    assert_int_equal(send_at(&l, &p, TCT_RST, p.seq, 0), TCT_ACCEPTED);
    int err = 0;
    assert_true((lab_events(&l, p.sock, &err, NULL) & TCT_EV_CLOSED) != 0);
    assert_int_equal(err, TCT_ECONNRESET);
    expect_silence(&l);
    lab_finish(&l);
  }
}

/* Anywhere, with and without ACK, with and without the agreed timestamp. [RFC9293 EP-23] */
ATTACK(a025_blind_syn) {
  (void)state;
  FOR_BOTH_FAMILIES
  for (unsigned how = 0; how < 8; how++) {
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, (how & 4) != 0);
    uint32_t seqs[] = {p.seq, p.seq + 1000, p.seq - 1000, p.seq + 0x40000000u};
    for (size_t i = 0; i < TCT_ARRAY_LEN(seqs); i++) {
      struct lab_seg syn = {.flags = FLAG(TCT_SYN | ((how & 1) != 0 ? TCT_ACK : 0)),
                            .seq = seqs[i],
                            .ack = p.ack,
                            .window = 1000,
                            .no_ts = (how & 2) != 0};
      tct_verdict v = lab_send(&l, &p, &syn);
      assert_true(v != TCT_ACCEPTED);
      expect_bare_ack(&l, &p, &g);
      lab_wait(&l, TCT_S(2));
    }
    assert_int_equal(state_of(&l, p.sock), TCT_ESTABLISHED);
    lab_finish(&l);
  }
}

/* The acceptable range of ACKs is what was ever in flight. [RFC9293 MAY-12] */
ATTACK(a026_blind_data_injection) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[16];
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, false);
    uint32_t acks[] = {p.ack - 65535 - 1, p.ack + 1, p.ack + 0x40000000u, p.ack - 0x40000000u};
    for (size_t i = 0; i < TCT_ARRAY_LEN(acks); i++) {
      struct lab_seg bad = {.flags = TCT_ACK,
                            .seq = p.seq,
                            .ack = acks[i],
                            .window = 65535,
                            .data = "evil",
                            .len = 4};
      tct_verdict v = lab_send(&l, &p, &bad);
      assert_true(v == TCT_DROP_ACK_TOO_OLD || v == TCT_DROP_ACK_UNSENT);
      expect_bare_ack(&l, &p, &g);
      assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
      lab_wait(&l, TCT_S(2));
    }
    struct lab_seg old = {.flags = TCT_ACK,
                          .seq = p.seq,
                          .ack = p.ack - 65535,
                          .window = 65535,
                          .data = "good",
                          .len = 4}; /* the oldest that may be */
    assert_int_equal(lab_send(&l, &p, &old), TCT_ACCEPTED);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), 4);
    lab_finish(&l);
  }
}

/* ---- Initial numbers
 * ------------------------------------------------------------------------------- */

static uint8_t boot;

static void tweak_boot(tct_config *c) {
  c->seed[1] = boot;
  c->cookies = TCT_COOKIES_NEVER;
}

static uint32_t ask_isn(uint16_t sport, uint16_t dport) {
  struct lab_peer p;
  lab_peer_init(&l, &p, dport);
  p.sport = sport;
  struct lab_seg syn = {.flags = TCT_SYN, .seq = p.iss, .window = 1000};
  assert_int_equal(lab_send(&l, &p, &syn), TCT_ACCEPTED);
  expect_flags(&l, &g, TCT_SYN | TCT_ACK);
  uint32_t isn = g.tcp.seq;
  send_at(&l, &p, TCT_RST, p.iss + 1, 0);
  expect_silence(&l);
  return isn;
}

/* Ones among n numbers' bits at one place, and equal neighbours, lie near one half. */
static void expect_noise(const uint32_t *v, unsigned n) {
  for (unsigned bit = 0; bit < 32; bit++) {
    unsigned ones = 0, same = 0;
    for (unsigned i = 0; i < n; i++) {
      ones += v[i] >> bit & 1;
      same += i > 0 && (v[i] >> bit & 1) == (v[i - 1] >> bit & 1);
    }
    assert_in_range(ones, n / 2 - n / 8, n / 2 + n / 8); /* far beyond six sigma */
    assert_in_range(same, n / 2 - n / 8, n / 2 + n / 8);
  }
}

/* [RFC9293 MUST-8] [RFC9293 SHLD-1] */
ATTACK(a027_predictable_isn) {
  (void)state;
  enum { N = 4096 };
  static uint32_t first[N], second[N], diff[N];
  FOR_BOTH_FAMILIES {
    for (boot = 1; boot <= 2; boot++) {
      uint32_t *v = boot == 1 ? first : second;
      lab_init(&l, v6, tweak_boot);
      lab_listen(&l, 80);
      for (unsigned i = 0; i < N; i++)
        v[i] = ask_isn((uint16_t)(1024 + i), 80);
      uint32_t was = ask_isn(9, 80);
      for (unsigned i = 0; i < 100; i++) { /* one tuple: up with the clock, 250 a millisecond */
        lab_wait(&l, TCT_MS(1));
        uint32_t is = ask_isn(9, 80);
        assert_int_equal(is - was, 250);
        was = is;
      }
      lab_finish(&l);
    }
    for (unsigned i = 0; i < N; i++)
      diff[i] = second[i] - first[i];
    expect_noise(first, N);
    expect_noise(second, N);
    expect_noise(diff, N); /* two lives of one machine have nothing in common */
  }
}

/* ---- Timestamps
 * ------------------------------------------------------------------------------------- */

ATTACK(a028_paws_poisoning) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[16];
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, true);
    uint32_t tsval = p.tsval, wnd = info_of(&l, p.sock).rcv_wnd;
    uint32_t seqs[] = {p.seq - 1000, p.seq + wnd + 1, p.seq + 0x40000000u, p.seq + 100};
    for (size_t i = 0; i < TCT_ARRAY_LEN(seqs);
         i++) { /* the last is in the window, not at its edge */
      p.tsval = tsval + 0x40000000u;
      send_data_at(&l, &p, seqs[i], "evil", 4);
      lab_drain(&l);
      lab_wait(&l, TCT_S(2));
    }
    p.tsval = tsval + 1;
    assert_int_equal(lab_data(&l, &p, "real", 4), TCT_ACCEPTED);
    assert_int_equal(lab_read(&l, p.sock, buf, 4), 4);
    assert_memory_equal(buf, "real", 4);
    lab_finish(&l);
  }
}

ATTACK(a029_timestamp_missing) {
  (void)state;
  FOR_BOTH_FAMILIES {
    uint8_t buf[16];
    struct lab_peer p;
    lab_init(&l, v6, NULL);
    tct_sock k = lab_listen(&l, 80);
    lab_establish(&l, &p, k, 80, true);
    struct lab_seg bare = {.flags = TCT_ACK,
                           .seq = p.seq,
                           .ack = p.ack,
                           .window = 1000,
                           .data = "x",
                           .len = 1,
                           .no_ts = true};
    assert_int_equal(lab_send(&l, &p, &bare), TCT_DROP_NO_TIMESTAMP);
    expect_silence(&l);
    assert_int_equal(lab_read(&l, p.sock, buf, sizeof buf), TCT_EAGAIN);
    struct lab_seg rst = {.flags = TCT_RST, .seq = p.seq, .no_ts = true};
    assert_int_equal(lab_send(&l, &p, &rst), TCT_ACCEPTED);
    assert_int_equal(state_of(&l, p.sock), TCT_CLOSED);
    lab_finish(&l);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(a020_sequence_wrap_at_2_32),
      cmocka_unit_test(a021_sign_flip_at_2_31),
      cmocka_unit_test(a022_old_duplicates_below_the_window),
      cmocka_unit_test(a023_overlapping_segments),
      cmocka_unit_test(a024_blind_reset_in_window),
      cmocka_unit_test(a025_blind_syn),
      cmocka_unit_test(a026_blind_data_injection),
      cmocka_unit_test(a027_predictable_isn),
      cmocka_unit_test(a028_paws_poisoning),
      cmocka_unit_test(a029_timestamp_missing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
