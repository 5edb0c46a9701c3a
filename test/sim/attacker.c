/* SPDX-License-Identifier: MIT */
/*
 * Attackers of the simulated network: what they send looks as if it came from the flow, and a
 * transfer between stacks survives volleys of it and replays of its own past.
 */
#include "test/sim/net.h"

#include <stdlib.h>

struct ring { /* scripted victim - link - attacker */
  tct_sim *w;
  tct_sim_attacker *attacker;
  struct net_end victim;
  unsigned others;
};

static void on_tap(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct ring *r = ctx;
  r->others += arriving && !f->is_tcp;
}

static struct ring *make_ring(bool ipv6) {
  static const tct_sim_path ms = {.delay_ns = 1000000};
  struct ring *r = calloc(1, sizeof *r);
  tct_sim_link *l;
  assert_non_null(r);
  r->w = tct_sim_new(3);
  r->attacker = tct_sim_attacker_new(r->w);
  net_end_make(&r->victim, r->w, ipv6 ? (tct_addr){{0xfd, [15] = 1}} : tct_addr_ipv4(10, 0, 0, 1));
  l = tct_sim_link_new(r->w, tct_sim_attacker_end(r->attacker), tct_sim_peer_end(r->victim.peer),
                       &ms, &ms);
  tct_sim_link_tap(l, on_tap, r);
  return r;
}

static void volley__each_shot_once_each_millisecond(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct ring *r = make_ring(v6 == 1);
    tct_sim_aim aim = {.dst = r->victim.addr, .sport = 7, .dport = 8};
    aim.src = v6 ? (tct_addr){{0xfd, [15] = 2}} : tct_addr_ipv4(10, 0, 0, 2);
    tct_sim_attacker_volley(r->attacker, &aim, 0xffffffff, 400, MS(1));
    tct_sim_run(r->w, SEC(1));
    assert_int_equal(tct_sim_attacker_shots(r->attacker), 400);
    assert_int_equal(r->victim.n + r->others, 400);
    assert_in_range(r->others, 110, 190); /* three of eight are ICMP */
    assert_int_equal(tct_sim_fault_count(r->w, TCT_SIM_FAULT_BLIND_INJECTION), r->victim.n);
    assert_int_equal(tct_sim_fault_count(r->w, TCT_SIM_FAULT_ICMP_FORGED), r->others);
    assert_memory_equal(&r->victim.seg[0].src, &aim.src, sizeof aim.src);
    tct_sim_free(r->w);
    free(r);
  }
}

/* Two stacks behind a router; the attacker on a third port, hearing one link. */
struct stage {
  struct net_pair p;
  tct_sim_attacker *attacker;
  tct_sim_aim at_client, at_server;
};

static void make_stage(struct stage *s, bool ipv6) {
  static const tct_sim_path ms = {.delay_ns = 5000000};
  tct_addr a = ipv6 ? (tct_addr){{0xfd, [15] = 1}} : tct_addr_ipv4(10, 0, 0, 1);
  tct_addr b = ipv6 ? (tct_addr){{0xfd, [15] = 2}} : tct_addr_ipv4(10, 0, 0, 2);
  tct_endpoint to = {.addr = b, .port = 80};
  tct_sim_router *r;
  tct_sim_link *l;
  memset(s, 0, sizeof *s);
  s->p.w = tct_sim_new(9);
  s->p.host[0] = net_host(s->p.w, a, ipv6 ? 64 : 24);
  s->p.host[1] = net_host(s->p.w, b, ipv6 ? 64 : 24);
  r = tct_sim_router_new(s->p.w, tct_addr_ipv4(10, 0, 0, 254), (tct_addr){{0xfd, [15] = 254}});
  l = tct_sim_link_new(s->p.w, tct_sim_host_end(s->p.host[0]), tct_sim_router_end(r), &ms, &ms);
  tct_sim_link_new(s->p.w, tct_sim_host_end(s->p.host[1]), tct_sim_router_end(r), &ms, &ms);
  s->attacker = tct_sim_attacker_new(s->p.w);
  tct_sim_link_new(s->p.w, tct_sim_attacker_end(s->attacker), tct_sim_router_end(r), &ms, &ms);
  tct_sim_router_route(r, a, 128, 0);
  tct_sim_router_route(r, b, 128, 1);
  tct_sim_attacker_listen(s->attacker, l);
  net_start(&s->p, &to, 400000);
  tct_sim_run(s->p.w, MS(50));
  assert_true(s->p.client.connected);
  {
    tct_endpoint local, remote;
    tct_stack *stack = tct_sim_host_stack(s->p.host[0]);
    assert_int_equal(tct_sock_name(stack, s->p.client.app.sock, &local, &remote), TCT_OK);
    s->at_client = (tct_sim_aim){b, a, 80, local.port};
    s->at_server = (tct_sim_aim){a, b, local.port, 80};
  }
}

static void transfer__under_volleys_of_everything__whole(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct stage s;
    make_stage(&s, v6 == 1);
    tct_sim_attacker_volley(s.attacker, &s.at_client, 0xff, 2000, 100000);
    tct_sim_attacker_volley(s.attacker, &s.at_server, 0xff, 2000, 100000);
    tct_sim_run(s.p.w, SEC(300));
    net_expect_whole(&s.p);
    assert_int_equal(tct_sim_attacker_shots(s.attacker), 4000);
    tct_sim_free(s.p.w);
  }
}

static void replay_one(void *ctx) {
  struct stage *s = ctx;
  (void)tct_sim_attacker_replay(s->attacker);
}

static void transfer__under_replays__whole(void **state) {
  struct stage s;
  (void)state;
  make_stage(&s, false);
  for (unsigned i = 0; i < 500; i++)
    tct_sim_at(s.p.w, MS(50) + MS(i), replay_one, &s);
  tct_sim_run(s.p.w, SEC(300));
  net_expect_whole(&s.p);
  assert_int_equal(tct_sim_attacker_shots(s.attacker), 500);
  tct_sim_free(s.p.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(volley__each_shot_once_each_millisecond),
      cmocka_unit_test(transfer__under_volleys_of_everything__whole),
      cmocka_unit_test(transfer__under_replays__whole),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
