/* SPDX-License-Identifier: MIT */
/*
 * Middleboxes of the simulated network: each way of rewriting is what it says, checksums stay
 * right, and stacks get their octets through all of them.
 */
#include "test/sim/net.h"

#include <stdlib.h>

struct chain { /* end a - box - end b */
  tct_sim *w;
  tct_sim_box *box;
  struct net_end a, b;
};

static void connect_box(tct_sim *w, tct_sim_box *box, tct_sim_end a, tct_sim_end b) {
  static const tct_sim_path ms = {.delay_ns = 1000000};
  tct_sim_link_new(w, a, tct_sim_box_end(box, 0), &ms, &ms);
  tct_sim_link_new(w, tct_sim_box_end(box, 1), b, &ms, &ms);
}

static struct chain *make_chain(bool ipv6) {
  struct chain *c = calloc(1, sizeof *c);
  tct_addr a = tct_addr_ipv4(10, 0, 0, 1), b = tct_addr_ipv4(10, 0, 0, 2);
  assert_non_null(c);
  if (ipv6) {
    a = (tct_addr){{0xfd, [15] = 1}};
    b = (tct_addr){{0xfd, [15] = 2}};
  }
  c->w = tct_sim_new(3);
  c->box = tct_sim_box_new(c->w);
  net_end_make(&c->a, c->w, a);
  net_end_make(&c->b, c->w, b);
  connect_box(c->w, c->box, tct_sim_peer_end(c->a.peer), tct_sim_peer_end(c->b.peer));
  return c;
}

static void end_chain(struct chain *c) {
  tct_sim_free(c->w);
  free(c);
}

static void install(tct_sim *w, tct_sim_fault f) {
  assert_int_equal(tct_sim_fault_install(w, &f), TCT_OK);
}

static void send_and_run(struct chain *c, bool from_a, tct_seg s) {
  static const uint8_t payload[1500] = {'m'};
  if (!from_a) { /* ports are those of a's segments, turned round */
    uint16_t port = s.sport;
    tct_addr addr = s.src;
    s.sport = s.dport;
    s.dport = port;
    s.src = s.dst;
    s.dst = addr;
  }
  tct_sim_peer_send(from_a ? c->a.peer : c->b.peer, &s, payload);
  tct_sim_run(c->w, tct_sim_now(c->w) + MS(10));
}

static tct_seg seg(struct chain *c, uint32_t seq, uint32_t ack, uint8_t flags, uint32_t len) {
  tct_seg s = net_seg(&c->a, &c->b, seq, flags, len);
  s.ack = ack;
  s.window_raw = 30000;
  return s;
}

static void no_fault__passes_unchanged(void **state) {
  struct chain *c = make_chain(false);
  tct_seg s = seg(c, 100, 0, TCT_SYN, 0);
  (void)state;
  s.mss = 1460;
  s.wscale = 7;
  s.has_ts = true;
  send_and_run(c, true, s);
  assert_int_equal(c->b.n, 1);
  assert_int_equal(c->b.seg[0].seq, 100);
  assert_int_equal(c->b.seg[0].mss, 1460);
  assert_int_equal(c->b.seg[0].wscale, 7);
  end_chain(c);
}

/* Each end sees one consistent stream of the other; SACK blocks are shifted, too, or are not. */
static void seq_shift__both_ways_and_sack(void **state) {
  (void)state;
  for (int forgets_sack = 0; forgets_sack < 2; forgets_sack++)
    for (int v6 = 0; v6 < 2; v6++) {
      struct chain *c = make_chain(v6 == 1);
      uint32_t there, back;
      tct_seg s;
      install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_SEQ_SHIFT, .b = (uint64_t)forgets_sack});
      send_and_run(c, true, seg(c, 100, 0, TCT_SYN, 0));
      there = c->b.seg[0].seq - 100;
      assert_int_not_equal(there, 0);
      send_and_run(c, false, seg(c, 900, c->b.seg[0].seq + 1, TCT_SYN | TCT_ACK, 0));
      assert_int_equal(c->a.seg[0].ack, 101);
      back = c->a.seg[0].seq - 900;
      tct_sim_heal(c->w); /* the flow lives: its numbers stay shifted */
      s = seg(c, 101, c->a.seg[0].seq + 1, TCT_ACK, 10);
      s.n_sack = 1;
      s.sack[0][0] = 950 + back;
      s.sack[0][1] = 960 + back;
      send_and_run(c, true, s);
      assert_int_equal(c->b.seg[1].seq, 101 + there);
      assert_int_equal(c->b.seg[1].ack, 901);
      assert_int_equal(c->b.seg[1].sack[0][0], forgets_sack ? 950 + back : 950);
      assert_int_equal(c->b.seg[1].sack[0][1], forgets_sack ? 960 + back : 960);
      assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_SEQ_SHIFT), 1);
      end_chain(c);
    }
}

static void option_strip__only_the_named_ones(void **state) {
  struct chain *c = make_chain(false);
  tct_seg s = seg(c, 100, 0, TCT_SYN, 0);
  (void)state;
  s.mss = 1400;
  s.wscale = 7;
  s.has_ts = true;
  s.sack_permitted = true;
  install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_OPTION_STRIP,
                                .a = TCT_SIM_STRIP_TS | TCT_SIM_STRIP_WSCALE});
  send_and_run(c, true, s);
  assert_int_equal(c->b.n, 1); /* the checksum is right */
  assert_int_equal(c->b.seg[0].mss, 1400);
  assert_true(c->b.seg[0].sack_permitted);
  assert_false(c->b.seg[0].has_ts);
  assert_int_equal(c->b.seg[0].wscale, 0xff);
  s.flags = TCT_ACK; /* not a SYN: left alone */
  send_and_run(c, true, s);
  assert_true(c->b.seg[1].has_ts);
  install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_OPTION_STRIP, .b = 1});
  send_and_run(c, true, s);
  assert_false(c->b.seg[2].has_ts);
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_OPTION_STRIP), 2);
  end_chain(c);
}

static void window_change__never_more(void **state) {
  struct chain *c = make_chain(false);
  (void)state;
  install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_WINDOW_CHANGE, .a = 500});
  send_and_run(c, true, seg(c, 1, 1, TCT_ACK, 3));
  assert_int_equal(c->b.seg[0].window_raw, 500);
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_WINDOW_CHANGE), 1);
  end_chain(c);
}

static void ecn_bleach__ip_tcp_or_both(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++)
    for (uint64_t a = 0; a < 4; a++) {
      struct chain *c = make_chain(v6 == 1);
      tct_seg s = seg(c, 1, 1, TCT_ACK | TCT_ECE, 3);
      s.tclass = 0x83;
      install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ECN_BLEACH, .a = a});
      send_and_run(c, true, s);
      assert_int_equal(c->b.n, 1);
      assert_int_equal(c->b.seg[0].tclass, a == 2 ? 0x83 : 0x80);
      assert_int_equal(c->b.seg[0].flags & TCT_ECE, a >= 2 ? 0 : TCT_ECE);
      assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_ECN_BLEACH), 1);
      end_chain(c);
    }
}

static void ack_thin__one_in_three_passes_and_duplicates_all(void **state) {
  struct chain *c = make_chain(false);
  (void)state;
  install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ACK_THIN, .a = 3});
  send_and_run(c, true, seg(c, 100, 0, TCT_SYN, 0));
  for (uint32_t i = 0; i <= 30; i++)
    send_and_run(c, true, seg(c, 101, 1000 + i * 1000, TCT_ACK, 0));
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_ACK_THIN), 20);
  assert_int_equal(c->b.n, 2 + 10);
  for (unsigned i = 0; i < 5; i++) /* they do not move on */
    send_and_run(c, true, seg(c, 101, 31000, TCT_ACK, 0));
  assert_int_equal(c->b.n, 12 + 5);
  end_chain(c);
}

static void ack_divide__moves_on_by_parts(void **state) {
  struct chain *c = make_chain(false);
  (void)state;
  install(c->w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ACK_DIVIDE, .a = 4});
  send_and_run(c, true, seg(c, 100, 0, TCT_SYN, 0));
  send_and_run(c, true, seg(c, 101, 1000, TCT_ACK, 0));
  send_and_run(c, true, seg(c, 101, 2000, TCT_ACK, 0));
  assert_int_equal(c->b.n, 2 + 4);
  for (unsigned i = 0; i < 4; i++)
    assert_int_equal(c->b.seg[2 + i].ack, 1250 + 250 * i);
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_ACK_DIVIDE), 1);
  end_chain(c);
}

/* ---- Stacks through it ---- */

static void run_stacks(const tct_sim_fault *f, unsigned seed) {
  struct net_pair p;
  tct_sim_box *box;
  tct_sim_host_config hc;
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  memset(&p, 0, sizeof p);
  p.w = tct_sim_new(seed);
  for (uint8_t i = 0; i < 2; i++) {
    tct_sim_config_init(p.w, &hc);
    hc.addr = tct_addr_ipv4(10, 0, 0, (uint8_t)(i + 1));
    hc.prefix_len = 24;
    hc.stack.ecn = TCT_ECN_ACCURATE;
    p.host[i] = tct_sim_host_new(p.w, &hc);
  }
  box = tct_sim_box_new(p.w);
  connect_box(p.w, box, tct_sim_host_end(p.host[0]), tct_sim_host_end(p.host[1]));
  install(p.w, *f);
  install(p.w,
          (tct_sim_fault){
              .kind = TCT_SIM_FAULT_LOSS, .dir = TCT_SIM_BOTH, .rate_ppm = 20000, .target = 1});
  net_start(&p, &to, 200000);
  tct_sim_run(p.w, SEC(2));
  if (tct_sim_fault_count(p.w, f->kind) == 0)
    fail_msg("%s did nothing", tct_sim_fault_name(f->kind));
  tct_sim_run(p.w, SEC(20));
  tct_sim_heal(p.w);
  tct_sim_run(p.w, SEC(600));
  net_expect_whole(&p);
  tct_sim_free(p.w);
}

static void stacks__each_rewriting__octets_arrive(void **state) {
  static const tct_sim_fault rows[] = {{.kind = TCT_SIM_FAULT_SEQ_SHIFT},
                                       {.kind = TCT_SIM_FAULT_SEQ_SHIFT, .b = 1},
                                       {.kind = TCT_SIM_FAULT_OPTION_STRIP},
                                       {.kind = TCT_SIM_FAULT_OPTION_STRIP, .a = 2},
                                       {.kind = TCT_SIM_FAULT_OPTION_STRIP, .a = 8},
                                       {.kind = TCT_SIM_FAULT_WINDOW_CHANGE, .a = 4000},
                                       {.kind = TCT_SIM_FAULT_ECN_BLEACH, .a = 3},
                                       {.kind = TCT_SIM_FAULT_ACK_THIN, .a = 4},
                                       {.kind = TCT_SIM_FAULT_ACK_DIVIDE}};
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++)
    for (unsigned seed = 1; seed < 4; seed++)
      run_stacks(&rows[i], seed);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(no_fault__passes_unchanged),
      cmocka_unit_test(seq_shift__both_ways_and_sack),
      cmocka_unit_test(option_strip__only_the_named_ones),
      cmocka_unit_test(window_change__never_more),
      cmocka_unit_test(ecn_bleach__ip_tcp_or_both),
      cmocka_unit_test(ack_thin__one_in_three_passes_and_duplicates_all),
      cmocka_unit_test(ack_divide__moves_on_by_parts),
      cmocka_unit_test(stacks__each_rewriting__octets_arrive),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
