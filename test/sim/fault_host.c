/* SPDX-License-Identifier: MIT */
/* Faults that only a stack can show, and those of hosts: pauses, crashes, clocks, memory. */
#include "test/sim/net.h"

static void install(tct_sim *w, tct_sim_fault f) {
  assert_int_equal(tct_sim_fault_install(w, &f), TCT_OK);
}

static void make_stacks(struct net_pair *p, const tct_sim_path *path) {
  memset(p, 0, sizeof *p);
  p->w = tct_sim_new(5);
  p->host[0] = net_host(p->w, tct_addr_ipv4(10, 0, 0, 1), 24);
  p->host[1] = net_host(p->w, tct_addr_ipv4(10, 0, 0, 2), 24);
  tct_sim_link_new(p->w, tct_sim_host_end(p->host[0]), tct_sim_host_end(p->host[1]), path, path);
}

static void start_stacks(struct net_pair *p, uint64_t octets) {
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  net_start(p, &to, octets);
}

static const tct_sim_path ten_ms = {.delay_ns = 10000000};

/* What is flipped, cut, forged, replayed or in fragments does not hurt a stream. */
static void stream__each_link_fault_at_a_tenth__arrives_whole(void **state) {
  (void)state;
  for (unsigned k = 0; k < TCT_SIM_FAULT_COUNT; k++) {
    struct net_pair p;
    if (tct_sim_fault_class_of(k) != TCT_SIM_CLASS_LINK)
      continue;
    make_stacks(&p, &ten_ms);
    install(p.w, (tct_sim_fault){.kind = (uint8_t)k, .dir = TCT_SIM_BOTH, .rate_ppm = 100000});
    start_stacks(&p, 100000);
    tct_sim_run(p.w, SEC(20));
    if (k != TCT_SIM_FAULT_QUEUE_LIMIT && k != TCT_SIM_FAULT_LOSS_SYN_ACK &&
        k != TCT_SIM_FAULT_LOSS_FIN && tct_sim_fault_count(p.w, k) == 0)
      fail_msg("%s did nothing", tct_sim_fault_name(k));
    tct_sim_heal(p.w);
    tct_sim_run(p.w, SEC(600));
    net_expect_whole(&p);
    tct_sim_free(p.w);
  }
}

/* The quote names the connection, so that only its sequence number gives the lie away (RFC 5927).
 */
static void icmp_forged__at_a_stack__refused_for_its_sequence(void **state) {
  struct net_pair p;
  uint64_t refused = 0;
  (void)state;
  make_stacks(&p, &ten_ms);
  start_stacks(&p, 100000);
  tct_sim_run(p.w, MS(30));
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ICMP_FORGED, .dir = TCT_SIM_BOTH, .a = 32});
  tct_sim_run(p.w, MS(90));
  tct_sim_heal(p.w);
  for (unsigned i = 0; i < 2; i++)
    refused += tct_verdict_count(tct_sim_host_stack(p.host[i]), TCT_DROP_ICMP_SEQUENCE);
  assert_in_range(refused, 30, tct_sim_fault_count(p.w, TCT_SIM_FAULT_ICMP_FORGED));
  tct_sim_run(p.w, SEC(300));
  net_expect_whole(&p);
  tct_sim_free(p.w);
}

static void fragments__any_order__reassembled(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_FRAGMENT, .dir = TCT_SIM_BOTH});
  start_stacks(&p, 50000);
  tct_sim_run(p.w, SEC(300));
  net_expect_whole(&p);
  assert_in_range(tct_sim_fault_count(p.w, TCT_SIM_FAULT_FRAGMENT), 68, 500);
  tct_sim_free(p.w);
}

static void host_pause__stands_still_and_goes_on(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_HOST_PAUSE, .target = 1, .a = SEC(2)});
  start_stacks(&p, 1000);
  tct_sim_run(p.w, SEC(2) - 1);
  assert_false(p.client.connected);
  tct_sim_run(p.w, SEC(100));
  net_expect_whole(&p);
  assert_in_range(p.client.connected_at, SEC(2), SEC(2) + MS(11));
  assert_int_equal(tct_sim_fault_count(p.w, TCT_SIM_FAULT_HOST_PAUSE), 1);
  tct_sim_free(p.w);
}

static void host_pause__frames_beyond_its_ring_are_lost(void **state) {
  static const tct_sim_path ideal;
  tct_sim *w = tct_sim_new(1);
  tct_counters c;
  struct net_end far;
  tct_sim_host *h = net_host(w, tct_addr_ipv4(10, 0, 0, 1), 24);
  struct net_end near = {.addr = tct_addr_ipv4(10, 0, 0, 1)};
  (void)state;
  net_end_make(&far, w, tct_addr_ipv4(10, 0, 0, 2));
  tct_sim_link_new(w, tct_sim_peer_end(far.peer), tct_sim_host_end(h), &ideal, &ideal);
  install(w, (tct_sim_fault){.kind = TCT_SIM_FAULT_HOST_PAUSE, .a = SEC(1), .b = 3});
  tct_sim_run(w, MS(1));
  for (uint32_t i = 0; i < 10; i++)
    net_send(&far, &near, i, TCT_SYN, 0);
  tct_sim_run(w, SEC(2));
  tct_stack_counters(tct_sim_host_stack(h), &c);
  assert_int_equal(c.InSegs, 3);
  tct_sim_free(w);
}

struct ups {
  unsigned down, up;
};

static void on_host(void *ctx, tct_sim_host *h, bool up) {
  struct ups *u = ctx;
  (void)h;
  u->up += up;
  u->down += !up;
}

static void host_crash__state_is_lost_and_the_peer_reset(void **state) {
  struct net_pair p;
  struct ups ups = {0, 0};
  (void)state;
  make_stacks(&p, &ten_ms);
  tct_sim_host_watch(p.host[1], on_host, &ups);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_HOST_CRASH, .target = 1, .start = MS(35)});
  start_stacks(&p, 1000000);
  tct_sim_run(p.w, MS(36));
  assert_true(p.client.connected);
  assert_null(tct_sim_host_stack(p.host[1]));
  tct_sim_run(p.w, SEC(100));
  assert_non_null(tct_sim_host_stack(p.host[1]));
  assert_int_equal(ups.down, 1);
  assert_int_equal(ups.up, 1);
  assert_int_equal(p.client.err, TCT_ECONNRESET);
  assert_int_equal(tct_sim_fault_count(p.w, TCT_SIM_FAULT_HOST_CRASH), 1);
  tct_sim_free(p.w);
}

static void host_crash__healed_while_down__is_up_again(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_HOST_CRASH, .a = SEC(500)});
  tct_sim_run(p.w, SEC(1));
  assert_null(tct_sim_host_stack(p.host[0]));
  tct_sim_heal(p.w);
  assert_non_null(tct_sim_host_stack(p.host[0]));
  tct_sim_free(p.w);
}

static void clocks__jump_rate_coarse__shown_and_never_back(void **state) {
  struct net_pair p;
  tct_sim_host *h;
  tct_time last = 0;
  (void)state;
  make_stacks(&p, &ten_ms);
  h = p.host[0];
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_CLOCK_JUMP, .start = SEC(1), .a = SEC(10)});
  install(p.w,
          (tct_sim_fault){
              .kind = TCT_SIM_FAULT_CLOCK_RATE, .start = SEC(2), .stop = SEC(3), .a = 2000000});
  install(p.w,
          (tct_sim_fault){
              .kind = TCT_SIM_FAULT_CLOCK_COARSE, .start = SEC(4), .stop = SEC(5), .a = MS(7)});
  for (tct_time t = 0; t < SEC(6); t += MS(1)) {
    tct_sim_run(p.w, t);
    assert_true(tct_sim_host_clock(h) >= last);
    last = tct_sim_host_clock(h);
    if (t == MS(500))
      assert_int_equal(last, MS(500));
    if (t == MS(1500))
      assert_int_equal(last, MS(11500));
    if (t == MS(2500))
      assert_int_equal(last, MS(13000));
    if (t == MS(3500))
      assert_int_equal(last, MS(14500));
    if (t == MS(4500))
      assert_int_equal(last % MS(7), 0);
    if (t == MS(5500))
      assert_int_equal(last, MS(16500));
  }
  assert_int_equal(tct_sim_fault_count(p.w, TCT_SIM_FAULT_CLOCK_JUMP), 1);
  assert_true(tct_sim_fault_count(p.w, TCT_SIM_FAULT_CLOCK_RATE) > 0);
  assert_true(tct_sim_fault_count(p.w, TCT_SIM_FAULT_CLOCK_COARSE) > 0);
  tct_sim_free(p.w);
}

/* A clock at half speed: the peer is dead, and the first retransmission takes two true seconds. */
static void clock_rate__timers_follow_it(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_CLOCK_RATE, .a = 500000});
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS});
  start_stacks(&p, 1000);
  tct_sim_run(p.w, SEC(2) - MS(1));
  assert_int_equal(tct_sim_frames(p.w), 1);
  tct_sim_run(p.w, SEC(2) + MS(1));
  assert_int_equal(tct_sim_frames(p.w), 2);
  tct_sim_free(p.w);
}

/* It sleeps until its first retransmission, at one second; from 0.1 s on its clock is twice as
 * fast. */
static void clock_rate__changes_while_asleep__wakes_in_time(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_CLOCK_RATE, .a = 2000000, .start = MS(100)});
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_LOSS});
  start_stacks(&p, 1000);
  tct_sim_run(p.w, MS(549));
  assert_int_equal(tct_sim_frames(p.w), 1);
  tct_sim_run(p.w, MS(551));
  assert_int_equal(tct_sim_frames(p.w), 2);
  tct_sim_free(p.w);
}

static void alloc_failure__of_all__boots_all_the_same(void **state) {
  struct net_pair p;
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ALLOC_FAILURE});
  tct_sim_host_crash(p.host[0]);
  assert_true(tct_sim_host_boot(p.host[0]));
  tct_sim_free(p.w);
}

static void stream__each_host_fault_often__arrives_whole(void **state) {
  static const tct_sim_fault rows[] = {
      {.kind = TCT_SIM_FAULT_HOST_PAUSE, .rate_ppm = 50000},
      {.kind = TCT_SIM_FAULT_CLOCK_JUMP, .rate_ppm = 50000, .a = 50000000},
      {.kind = TCT_SIM_FAULT_CLOCK_RATE},
      {.kind = TCT_SIM_FAULT_CLOCK_COARSE},
      {.kind = TCT_SIM_FAULT_ALLOC_FAILURE, .rate_ppm = 400000}};
  (void)state;
  for (unsigned i = 0; i < sizeof rows / sizeof rows[0]; i++) {
    struct net_pair p;
    make_stacks(&p, &ten_ms);
    start_stacks(&p, 300000);
    tct_sim_run(p.w, MS(25));
    install(p.w, rows[i]);
    tct_sim_run(p.w, SEC(5));
    if (tct_sim_fault_count(p.w, rows[i].kind) == 0)
      fail_msg("%s did nothing", tct_sim_fault_name(rows[i].kind));
    tct_sim_heal(p.w);
    tct_sim_run(p.w, SEC(600));
    net_expect_whole(&p);
    tct_sim_free(p.w);
  }
}

static void alloc_failure__the_nth__just_that_one(void **state) {
  struct net_pair p;
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  (void)state;
  make_stacks(&p, &ten_ms);
  install(p.w, (tct_sim_fault){.kind = TCT_SIM_FAULT_ALLOC_FAILURE, .a = 1});
  assert_int_equal(tct_sim_flow_connect(&p.client, p.host[0], &to), TCT_ENOMEM);
  assert_int_equal(tct_sim_fault_count(p.w, TCT_SIM_FAULT_ALLOC_FAILURE), 1);
  start_stacks(&p, 20000);
  tct_sim_run(p.w, SEC(60));
  net_expect_whole(&p);
  assert_int_equal(tct_sim_fault_count(p.w, TCT_SIM_FAULT_ALLOC_FAILURE), 1);
  tct_sim_free(p.w);
}

static void table_full__small_tables__refusals_are_counted(void **state) {
  struct net_pair p;
  tct_sim_host_config c;
  tct_sim_flow more[12];
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  (void)state;
  memset(&p, 0, sizeof p);
  memset(more, 0, sizeof more);
  p.w = tct_sim_new(5);
  p.host[0] = net_host(p.w, tct_addr_ipv4(10, 0, 0, 1), 24);
  tct_sim_config_init(p.w, &c);
  c.addr = to.addr;
  c.prefix_len = 24;
  tct_sim_small_tables(&c, 2);
  c.stack.cookies = TCT_COOKIES_NEVER;
  p.host[1] = tct_sim_host_new(p.w, &c);
  tct_sim_link_new(p.w, tct_sim_host_end(p.host[0]), tct_sim_host_end(p.host[1]), &ten_ms, &ten_ms);
  start_stacks(&p, 1000);
  for (unsigned i = 0; i < 12; i++)
    assert_int_equal(tct_sim_flow_connect(&more[i], p.host[0], &to), TCT_OK);
  tct_sim_run(p.w, SEC(5));
  assert_in_range(tct_sim_fault_count(p.w, TCT_SIM_FAULT_TABLE_FULL), 1, 100000);
  tct_sim_free(p.w);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(stream__each_link_fault_at_a_tenth__arrives_whole),
      cmocka_unit_test(icmp_forged__at_a_stack__refused_for_its_sequence),
      cmocka_unit_test(fragments__any_order__reassembled),
      cmocka_unit_test(host_pause__stands_still_and_goes_on),
      cmocka_unit_test(host_pause__frames_beyond_its_ring_are_lost),
      cmocka_unit_test(host_crash__state_is_lost_and_the_peer_reset),
      cmocka_unit_test(host_crash__healed_while_down__is_up_again),
      cmocka_unit_test(clocks__jump_rate_coarse__shown_and_never_back),
      cmocka_unit_test(clock_rate__timers_follow_it),
      cmocka_unit_test(clock_rate__changes_while_asleep__wakes_in_time),
      cmocka_unit_test(alloc_failure__of_all__boots_all_the_same),
      cmocka_unit_test(stream__each_host_fault_often__arrives_whole),
      cmocka_unit_test(alloc_failure__the_nth__just_that_one),
      cmocka_unit_test(table_full__small_tables__refusals_are_counted),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
