/* SPDX-License-Identifier: MIT */
/*
 * NATs of the simulated network: mapping, the way back, errors with what they quote, rebinding, and
 * transfers of stacks through one, both families.
 */
#include "test/sim/net.h"

#include <stdlib.h>

struct chain { /* inside end a - NAT - outside end b */
  tct_sim *w;
  tct_sim_nat *nat;
  struct net_end a, b, a2;
  tct_sim_link *in, *out;
  unsigned icmp_to_a;
  uint8_t error[600];
};

static tct_addr six(uint8_t net, uint8_t host) {
  return (tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host}};
}

static void on_inside(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct chain *c = ctx;
  if (!arriving || f->dir != 1 || f->is_tcp || f->len > sizeof c->error)
    return;
  c->icmp_to_a++;
  memcpy(c->error, f->bytes, f->len);
}

static struct chain *make_chain(bool ipv6, const tct_sim_nat_config *more) {
  static const tct_sim_path ms = {.delay_ns = 1000000};
  struct chain *c = calloc(1, sizeof *c);
  tct_sim_nat_config nc = more ? *more : (tct_sim_nat_config){.port_first = 5000};
  assert_non_null(c);
  nc.outside = ipv6 ? six(9, 9) : tct_addr_ipv4(192, 0, 2, 9);
  c->w = tct_sim_new(3);
  c->nat = tct_sim_nat_new(c->w, &nc);
  net_end_make(&c->a, c->w, ipv6 ? six(1, 1) : tct_addr_ipv4(10, 0, 1, 1));
  net_end_make(&c->b, c->w, ipv6 ? six(2, 2) : tct_addr_ipv4(198, 51, 100, 2));
  c->a2 = c->a;
  c->in = tct_sim_link_new(c->w, tct_sim_peer_end(c->a.peer), tct_sim_nat_inside(c->nat), &ms, &ms);
  c->out =
      tct_sim_link_new(c->w, tct_sim_peer_end(c->b.peer), tct_sim_nat_outside(c->nat), &ms, &ms);
  tct_sim_link_tap(c->in, on_inside, c);
  return c;
}

static void end_chain(struct chain *c) {
  tct_sim_free(c->w);
  free(c);
}

static void answer(struct chain *c, unsigned i, uint32_t seq) {
  static const uint8_t payload[100] = {'z'};
  tct_seg r = tct_sim_seg_reply(&c->b.seg[i]);
  r.flags = TCT_ACK;
  r.seq = seq;
  r.len = 33;
  tct_sim_peer_send(c->b.peer, &r, payload);
}

static void out_and_back__own_port_and_right_checksums(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct chain *c = make_chain(v6 == 1, NULL);
    net_send(&c->a, &c->b, 1, TCT_SYN, 0);
    net_send(&c->a, &c->b, 2, TCT_ACK, 101);
    tct_sim_run(c->w, SEC(1));
    assert_int_equal(c->b.n, 2);
    assert_int_equal(c->b.seg[0].sport, 5000);
    assert_int_equal(c->b.seg[1].sport, 5000);
    assert_int_equal(tct_sim_nat_mappings(c->nat), 1);
    answer(c, 0, 77);
    tct_sim_run(c->w, SEC(2));
    assert_int_equal(c->a.n, 1);
    assert_int_equal(c->a.seg[0].dport, 1000);
    assert_memory_equal(&c->a.seg[0].dst, &c->a.addr, sizeof(tct_addr));
    end_chain(c);
  }
}

static void from_outside__only_to_what_is_mapped(void **state) {
  struct chain *c = make_chain(false, NULL);
  struct net_end there = c->b;
  tct_endpoint inside = {.addr = c->a.addr, .port = 8080};
  (void)state;
  there.addr = tct_addr_ipv4(192, 0, 2, 9);
  net_send(&c->b, &there, 1, TCT_SYN, 0); /* to port 80 */
  tct_sim_run(c->w, SEC(1));
  assert_int_equal(c->a.n, 0);
  assert_int_equal(tct_sim_nat_forward(c->nat, 80, &inside), TCT_OK);
  assert_int_equal(tct_sim_nat_forward(c->nat, 80, &inside), TCT_EADDRINUSE);
  net_send(&c->b, &there, 1, TCT_SYN, 0);
  tct_sim_run(c->w, SEC(2));
  assert_int_equal(c->a.n, 1);
  assert_int_equal(c->a.seg[0].dport, 8080);
  end_chain(c);
}

static void send_from_port(struct chain *c, uint16_t port) {
  tct_seg s = net_seg(&c->a, &c->b, 1, TCT_SYN, 0);
  s.sport = port;
  tct_sim_peer_send(c->a.peer, &s, NULL);
}

static void full_table__the_oldest_makes_room(void **state) {
  const tct_sim_nat_config two = {.port_first = 5000, .mappings_max = 2};
  struct chain *c = make_chain(false, &two);
  (void)state;
  for (uint16_t i = 0; i < 3; i++) {
    send_from_port(c, (uint16_t)(1000 + i));
    tct_sim_run(c->w, SEC(1) * (i + 1u));
  }
  assert_int_equal(tct_sim_nat_mappings(c->nat), 2);
  answer(c, 0, 1); /* its mapping is gone */
  answer(c, 1, 1);
  answer(c, 2, 1);
  tct_sim_run(c->w, SEC(5));
  assert_int_equal(c->a.n, 2);
  assert_int_equal(c->a.seg[0].dport, 1001);
  end_chain(c);
}

static void idle__forgotten(void **state) {
  const tct_sim_nat_config short_memory = {.port_first = 5000, .idle_ns = 10000000000u};
  struct chain *c = make_chain(false, &short_memory);
  (void)state;
  send_from_port(c, 1000);
  tct_sim_run(c->w, SEC(11));
  answer(c, 0, 1);
  tct_sim_run(c->w, SEC(12));
  assert_int_equal(c->a.n, 0);
  send_from_port(c, 1000);
  tct_sim_run(c->w, SEC(13));
  assert_int_equal(c->b.seg[1].sport, 5001);
  end_chain(c);
}

static void rebind__another_port_and_counted(void **state) {
  struct chain *c = make_chain(false, NULL);
  const tct_sim_fault f = {.kind = TCT_SIM_FAULT_NAT_REBIND, .start = MS(500)};
  const tct_sim_fault often = {.kind = TCT_SIM_FAULT_NAT_REBIND, .rate_ppm = 1000000};
  (void)state;
  assert_int_equal(tct_sim_fault_install(c->w, &f), TCT_OK);
  send_from_port(c, 1000);
  send_from_port(c, 1001);
  tct_sim_run(c->w, SEC(1));
  send_from_port(c, 1000);
  tct_sim_run(c->w, SEC(2));
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_NAT_REBIND), 2);
  assert_int_not_equal(c->b.seg[0].sport, c->b.seg[2].sport);
  answer(c, 0, 1); /* to the old port */
  tct_sim_run(c->w, SEC(3));
  assert_int_equal(c->a.n, 0);
  assert_int_equal(tct_sim_fault_install(c->w, &often), TCT_OK);
  send_from_port(c, 1000);
  tct_sim_run(c->w, SEC(4));
  assert_int_equal(tct_sim_fault_count(c->w, TCT_SIM_FAULT_NAT_REBIND), 3);
  assert_int_not_equal(c->b.seg[2].sport, c->b.seg[3].sport);
  end_chain(c);
}

/* RFC 5508 4: the quote names the packet as the inside host sent it. */
static void error_from_outside__quote_is_translated(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct chain *c = make_chain(v6 == 1, NULL);
    const tct_sim_fault f = {.kind = TCT_SIM_FAULT_ICMP_TRUE, .target = 1, .dir = 1};
    unsigned icmp = v6 ? 40 : 20, quote = icmp + 8, tcp = quote + icmp;
    assert_int_equal(tct_sim_fault_install(c->w, &f), TCT_OK);
    net_send(&c->a, &c->b, 1, TCT_SYN, 0);
    tct_sim_run(c->w, SEC(1));
    assert_int_equal(c->icmp_to_a, 1);
    assert_memory_equal(c->error + (v6 ? 24 : 16), c->a.addr.b + (v6 ? 0 : 12), v6 ? 16 : 4);
    assert_memory_equal(c->error + quote + (v6 ? 8 : 12), c->a.addr.b + (v6 ? 0 : 12), v6 ? 16 : 4);
    assert_int_equal(c->error[tcp] << 8 | c->error[tcp + 1], 1000);
    end_chain(c);
  }
}

/* Two clients behind one address; the server stands outside. */
static void stacks__transfers_through_it(void **state) {
  static const tct_sim_path ms = {.delay_ns = 1000000, .loss_ppm = 20000};
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct net_pair p;
    tct_sim_nat_config nc = {.outside = v6 ? six(2, 9) : tct_addr_ipv4(10, 0, 2, 9)};
    tct_endpoint to = {.addr = v6 ? six(2, 2) : tct_addr_ipv4(10, 0, 2, 2), .port = 80};
    tct_sim_nat *nat;
    memset(&p, 0, sizeof p);
    p.w = tct_sim_new(5);
    nat = tct_sim_nat_new(p.w, &nc);
    p.host[0] = net_host(p.w, v6 ? six(1, 1) : tct_addr_ipv4(10, 0, 1, 1), v6 ? 64 : 24);
    p.host[1] = net_host(p.w, to.addr, v6 ? 64 : 24);
    net_route_all(p.host[0], v6 == 1);
    tct_sim_link_new(p.w, tct_sim_host_end(p.host[0]), tct_sim_nat_inside(nat), &ms, &ms);
    tct_sim_link_new(p.w, tct_sim_nat_outside(nat), tct_sim_host_end(p.host[1]), &ms, &ms);
    net_start(&p, &to, 300000);
    tct_sim_run(p.w, SEC(300));
    net_expect_whole(&p);
    tct_sim_free(p.w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(out_and_back__own_port_and_right_checksums),
      cmocka_unit_test(from_outside__only_to_what_is_mapped),
      cmocka_unit_test(full_table__the_oldest_makes_room),
      cmocka_unit_test(idle__forgotten),
      cmocka_unit_test(rebind__another_port_and_counted),
      cmocka_unit_test(error_from_outside__quote_is_translated),
      cmocka_unit_test(stacks__transfers_through_it),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
