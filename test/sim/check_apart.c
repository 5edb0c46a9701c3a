/* SPDX-License-Identifier: MIT */
/*
 * The same connection in two worlds: what I21, I31 and I32 compare. One connection must look the
 * same whether others are there or not, and the digests must tell when it does not.
 */
#include "test/sim/bites.h"

/* ---- I21, I31, I32: the same connection in two worlds ---- */

enum { OTHERS = 5, SLOW_BPS = 2000000 };

struct pair_of_worlds {
  tct_sim_flow client[1 + OTHERS], server[1 + OTHERS];
  tct_sim_server listener;
};

static void start_flow(struct rig *r, tct_sim_flow *f, uint16_t port, uint64_t octets) {
  tct_endpoint from = {.port = port}, to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 81};
  f->tx_total = octets;
  f->rx_any = true;
  f->close = TCT_SIM_CLOSE_AFTER_SEND;
  assert_int_equal(tct_sim_flow_open(f, r->host[0]), 0);
  assert_int_equal(tct_sock_bind(tct_sim_host_stack(r->host[0]), f->app.sock, &from), 0);
  assert_int_equal(tct_sim_flow_connect_sock(f, &to), 0);
}

/* What the connection from port 5000 draws from both ends, with `others` beside it. */
static uint64_t run_beside(unsigned others, uint64_t octets, uint64_t rate_bps, uint64_t *acks) {
  static struct pair_of_worlds p;
  const tct_sim_path path = {.delay_ns = 10000000, .rate_bps = rate_bps};
  struct rig r;
  uint64_t n, digest;
  memset(&p, 0, sizeof p);
  make(&r);
  tct_sim_link_set(r.link, 0, &path);
  p.listener.flows = p.server;
  p.listener.n_flows = 1 + others;
  for (unsigned i = 0; i <= others; i++) {
    p.server[i].rx_any = true;
    p.server[i].tx_total = 20000;
    p.server[i].close = TCT_SIM_CLOSE_ON_EOF;
  }
  assert_int_equal(tct_sim_server_listen(&p.listener, r.host[1], 81, 16), 0);
  start_flow(&r, &p.client[0], 5000, octets);
  for (unsigned i = 1; i <= others; i++)
    start_flow(&r, &p.client[i], (uint16_t)(5000 + i), 30000);
  tct_sim_run(r.w, SEC(20));
  assert_content(&r);
  assert_true(p.client[0].closed);
  *acks = tct_sim_check_acks(r.k, r.host[1], 81, 5000, &n);
  assert_true(n > 0);
  digest = tct_sim_check_digest(r.k, r.host[0], 5000, 81) ^
           tct_sim_check_digest(r.k, r.host[1], 81, 5000) << 1;
  tct_sim_free(r.w);
  return digest;
}

/* On a link that is not shared by its rate nobody is in anybody's way. */
static void i21__same_connection_beside_others__same_frames_and_times(void **state) {
  uint64_t acks[2];
  (void)state;
  uint64_t alone = run_beside(0, 50000, 0, &acks[0]);
  assert_true(alone == run_beside(OTHERS, 50000, 0, &acks[1]));
  assert_true(acks[0] == acks[1]);
}

static void i21__on_a_slow_link__digest_tells_that_others_were_there(void **state) {
  uint64_t acks;
  (void)state;
  uint64_t alone = run_beside(0, 50000, SLOW_BPS, &acks);
  assert_true(alone != run_beside(OTHERS, 50000, SLOW_BPS, &acks));
}

static void i31__i32__other_frames__digests_tell(void **state) {
  uint64_t acks[2];
  (void)state;
  uint64_t one = run_beside(0, 50000, 0, &acks[0]);
  assert_true(one != run_beside(0, 60000, 0, &acks[1]));
  assert_true(acks[0] != acks[1]);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(i21__same_connection_beside_others__same_frames_and_times),
      cmocka_unit_test(i21__on_a_slow_link__digest_tells_that_others_were_there),
      cmocka_unit_test(i31__i32__other_frames__digests_tell),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
