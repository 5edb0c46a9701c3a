/* SPDX-License-Identifier: MIT */
/*
 * Routers of the simulated network: what goes on, what is cut, what is answered, and that stacks
 * find their way through them.
 */
#include "test/sim/net.h"

#include <stdlib.h>

#include "sim/ip.h"

struct star { /* scripted ends a and b, each on its own link to the router */
  tct_sim *w;
  tct_sim_router *router;
  struct net_end a, b;
  tct_sim_link *la, *lb;
  unsigned icmp_to_a, fragments_to_b;
  uint8_t icmp_type, icmp_code, hops;
  uint16_t icmp_mtu;
};

static void on_a(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct star *s = ctx;
  unsigned at = f->bytes[0] >> 4 == 4 ? 20 : 40;
  if (!arriving || f->is_tcp || f->dir != 1)
    return;
  s->icmp_to_a++;
  s->icmp_type = f->bytes[at];
  s->icmp_code = f->bytes[at + 1];
  s->icmp_mtu = (uint16_t)(f->bytes[at + 6] << 8 | f->bytes[at + 7]);
}

static void on_b(void *ctx, const tct_sim_frame *f, bool arriving) {
  struct star *s = ctx;
  if (!arriving || f->dir != 1)
    return;
  s->hops = f->bytes[f->bytes[0] >> 4 == 4 ? 8 : 7];
  s->fragments_to_b += !f->is_tcp;
}

static tct_addr six(uint8_t net, uint8_t host) {
  return (tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, net, 0, 0, 0, 0, 0, 0, 0, host}};
}

static struct star *make_star(bool ipv6, uint32_t mtu_bytes) {
  static const tct_sim_path ms = {.delay_ns = 1000000};
  tct_sim_path narrow = {.delay_ns = 1000000, .mtu_bytes = mtu_bytes};
  struct star *s = calloc(1, sizeof *s);
  unsigned len = ipv6 ? 64 : 120;
  assert_non_null(s);
  s->w = tct_sim_new(3);
  s->router = tct_sim_router_new(s->w, tct_addr_ipv4(10, 0, 0, 254), six(1, 254));
  net_end_make(&s->a, s->w, ipv6 ? six(1, 1) : tct_addr_ipv4(10, 0, 1, 1));
  net_end_make(&s->b, s->w, ipv6 ? six(2, 2) : tct_addr_ipv4(10, 0, 2, 2));
  s->la =
      tct_sim_link_new(s->w, tct_sim_peer_end(s->a.peer), tct_sim_router_end(s->router), &ms, &ms);
  s->lb = tct_sim_link_new(s->w, tct_sim_peer_end(s->b.peer), tct_sim_router_end(s->router), &ms,
                           &narrow);
  tct_sim_router_route(s->router, s->a.addr, len, 0);
  tct_sim_router_route(s->router, s->b.addr, len, 1);
  tct_sim_link_tap(s->la, on_a, s);
  tct_sim_link_tap(s->lb, on_b, s);
  return s;
}

static void end_star(struct star *s) {
  tct_sim_free(s->w);
  free(s);
}

static void forward__one_hop_less_and_unchanged(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct star *s = make_star(v6 == 1, 0);
    net_send(&s->a, &s->b, 5, TCT_ACK, 1200);
    tct_sim_run(s->w, SEC(1));
    assert_int_equal(s->b.n, 1);
    assert_int_equal(s->b.at[0], MS(2));
    assert_int_equal(s->b.seg[0].len, 1200);
    assert_int_equal(s->hops, 63);
    assert_int_equal(tct_sim_router_count(s->router).forwarded, 1);
    end_star(s);
  }
}

/* RFC 1191 4, RFC 4443 3.2. */
static void too_big__answered_with_the_mtu(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct star *s = make_star(v6 == 1, 1300);
    net_send(&s->a, &s->b, 5, TCT_ACK, 1400);
    tct_sim_run(s->w, SEC(1));
    assert_int_equal(s->b.n, 0);
    assert_int_equal(s->icmp_to_a, 1);
    assert_int_equal(s->icmp_type, v6 ? 2 : 3);
    assert_int_equal(s->icmp_code, v6 ? 0 : 4);
    assert_int_equal(s->icmp_mtu, 1300);
    tct_sim_router_hush(s->router, true);
    net_send(&s->a, &s->b, 5, TCT_ACK, 1400);
    tct_sim_run(s->w, SEC(2));
    assert_int_equal(s->icmp_to_a, 1);
    assert_int_equal(tct_sim_router_count(s->router).too_big, 2);
    end_star(s);
  }
}

static void mtu_change__of_the_far_link__the_router_answers(void **state) {
  struct star *s = make_star(false, 0);
  const tct_sim_fault f = {.kind = TCT_SIM_FAULT_MTU_CHANGE, .target = 1, .dir = 1, .a = 1000};
  (void)state;
  assert_int_equal(tct_sim_fault_install(s->w, &f), TCT_OK);
  net_send(&s->a, &s->b, 5, TCT_ACK, 1200);
  tct_sim_run(s->w, SEC(1));
  assert_int_equal(s->icmp_mtu, 1000);
  assert_int_equal(tct_sim_fault_count(s->w, TCT_SIM_FAULT_MTU_CHANGE), 1);
  tct_sim_heal(s->w);
  net_send(&s->a, &s->b, 5, TCT_ACK, 1200);
  tct_sim_run(s->w, SEC(2));
  assert_int_equal(s->b.n, 1);
  end_star(s);
}

/* A frame by hand: don't-fragment is not set, or the hop limit is 1. */
static uint32_t make_frame(const struct star *s, uint8_t *bytes, uint32_t cap, uint32_t len,
                           uint8_t hops, bool may_cut) {
  static const uint8_t payload[1400] = {'y'};
  tct_seg seg = net_seg(&s->a, &s->b, 9, TCT_ACK, len);
  uint32_t n, sum = 0;
  seg.hop_limit = hops;
  n = tct_sim_seg_emit(&seg, payload, bytes, cap);
  if (!may_cut)
    return n;
  bytes[6] = 0;
  bytes[10] = bytes[11] = 0;
  for (unsigned i = 0; i < 20; i += 2)
    sum += (uint32_t)(bytes[i] << 8 | bytes[i + 1]);
  sum = (sum & 0xffff) + (sum >> 16);
  sum = ~(sum + (sum >> 16)) & 0xffff;
  bytes[10] = (uint8_t)(sum >> 8);
  bytes[11] = (uint8_t)sum;
  return n;
}

/* RFC 791 3.2: 1240 octets behind the header through 576: 552 + 552 + 136. */
static void may_be_cut__in_fragments(void **state) {
  struct star *s = make_star(false, 576);
  uint8_t bytes[1500];
  uint32_t n = make_frame(s, bytes, sizeof bytes, 1220, 64, true);
  (void)state;
  tct_sim_link_inject(s->la, 0, bytes, n);
  tct_sim_run(s->w, SEC(1));
  assert_int_equal(s->fragments_to_b, 3);
  assert_int_equal(s->icmp_to_a, 0);
  assert_int_equal(tct_sim_router_count(s->router).fragmented, 1);
  end_star(s);
}

static void hop_limit_is_over__answered(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct star *s = make_star(v6 == 1, 0);
    uint8_t bytes[1500];
    uint32_t n = make_frame(s, bytes, sizeof bytes, 100, 1, false);
    tct_sim_link_inject(s->la, 0, bytes, n);
    tct_sim_run(s->w, SEC(1));
    assert_int_equal(s->b.n, 0);
    assert_int_equal(s->icmp_to_a, 1);
    assert_int_equal(s->icmp_type, v6 ? 3 : 11);
    assert_int_equal(tct_sim_router_count(s->router).expired, 1);
    end_star(s);
  }
}

/* RFC 1122 3.2.2: no error about an error, or it would never end. */
static void error_about_an_error__none(void **state) {
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct star *s = make_star(v6 == 1, 0);
    uint8_t bytes[1500], first[SIM_IP_ERROR_MAX], second[SIM_IP_ERROR_MAX];
    uint32_t n = make_frame(s, bytes, sizeof bytes, 100, 64, false);
    n = sim_icmp_error(bytes, n, TCT_ICMP_UNREACH_HOST, 0, &s->b.addr, first, sizeof first);
    assert_true(n > 0);
    assert_int_equal(sim_icmp_error(first, n, TCT_ICMP_TIME_EXCEEDED_TRANSIT, 0, &s->b.addr, second,
                                    sizeof second),
                     0);
    end_star(s);
  }
}

static void no_route__answered__and_the_longest_prefix_wins(void **state) {
  struct star *s = make_star(false, 0);
  tct_addr b = s->b.addr;
  (void)state;
  s->b.addr = tct_addr_ipv4(10, 9, 9, 9);
  net_send(&s->a, &s->b, 5, TCT_ACK, 10);
  tct_sim_run(s->w, SEC(1));
  assert_int_equal(s->icmp_type, 3);
  assert_int_equal(s->icmp_code, 0);
  tct_sim_router_route(s->router, b, 128, 0); /* back where it came from */
  s->b.addr = b;
  net_send(&s->a, &s->b, 5, TCT_ACK, 10);
  tct_sim_run(s->w, SEC(2));
  assert_int_equal(s->b.n, 0);
  assert_int_equal(s->a.n, 1);
  end_star(s);
}

/* ---- Stacks behind routers ---- */

/* host - 1500 - router - 1280 - router - 1500 - host: path MTU discovery, both ways. */
static void stacks__narrow_middle__path_mtu_is_found(void **state) {
  static const tct_sim_path wide = {.delay_ns = 1000000};
  static const tct_sim_path narrow = {.delay_ns = 5000000, .mtu_bytes = 1280};
  (void)state;
  for (int v6 = 0; v6 < 2; v6++) {
    struct net_pair p;
    tct_addr a = v6 ? six(1, 1) : tct_addr_ipv4(10, 0, 1, 1);
    tct_addr b = v6 ? six(2, 2) : tct_addr_ipv4(10, 0, 2, 2);
    tct_endpoint to = {.addr = b, .port = 80};
    tct_sim_router *r[2];
    memset(&p, 0, sizeof p);
    p.w = tct_sim_new(5);
    p.host[0] = net_host(p.w, a, v6 ? 64 : 24);
    p.host[1] = net_host(p.w, b, v6 ? 64 : 24);
    for (int i = 0; i < 2; i++) {
      tct_addr via = tct_addr_ipv4(10, 0, (uint8_t)(i + 1), 254);
      r[i] = tct_sim_router_new(p.w, via, six((uint8_t)(i + 1), 254));
      tct_sim_link_new(p.w, tct_sim_host_end(p.host[i]), tct_sim_router_end(r[i]), &wide, &wide);
      tct_sim_router_route(r[i], i ? b : a, v6 ? 64 : 120, 0);
      net_route_all(p.host[i], v6 == 1);
    }
    tct_sim_link_new(p.w, tct_sim_router_end(r[0]), tct_sim_router_end(r[1]), &narrow, &narrow);
    tct_sim_router_route(r[0], b, v6 ? 64 : 120, 1);
    tct_sim_router_route(r[1], a, v6 ? 64 : 120, 1);
    net_start(&p, &to, 200000);
    tct_sim_run(p.w, SEC(300));
    net_expect_whole(&p);
    assert_true(tct_sim_router_count(r[0]).icmp_sent > 0);
    assert_true(tct_sim_router_count(r[1]).icmp_sent > 0);
    tct_sim_free(p.w);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(forward__one_hop_less_and_unchanged),
      cmocka_unit_test(too_big__answered_with_the_mtu),
      cmocka_unit_test(mtu_change__of_the_far_link__the_router_answers),
      cmocka_unit_test(may_be_cut__in_fragments),
      cmocka_unit_test(hop_limit_is_over__answered),
      cmocka_unit_test(error_about_an_error__none),
      cmocka_unit_test(no_route__answered__and_the_longest_prefix_wins),
      cmocka_unit_test(stacks__narrow_middle__path_mtu_is_found),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
