/* SPDX-License-Identifier: MIT */
/* Routes, own addresses, and which of them is the source: RFC 1122 3.3.1, RFC 6724 section 5. */
#include "test/unit/fake_stack.h"

static uint32_t route_if(struct fake *f, tct_addr dst) {
  struct tct_ip_path path;
  int err = tct_ip_path(&f->s, dst, ANY, TCT_IP_NO_IF, &path);
  return err == TCT_OK ? path.ifi : (uint32_t)err;
}

static tct_addr source_of(struct fake *f, tct_addr dst) {
  struct tct_ip_path path;
  assert_int_equal(tct_ip_path(&f->s, dst, ANY, TCT_IP_NO_IF, &path), TCT_OK);
  return path.src;
}

static void lookup__several_match__longest_prefix_wins(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if one = fake_add_if(f, (tct_if_config){.mtu = 1500});
  tct_if two = fake_add_if(f, (tct_if_config){.mtu = 1500});
  assert_int_equal(tct_route_add(&f->s, A4(10, 1, 0, 0), 16, ANY, one), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, A4(10, 1, 2, 0), 24, ANY, two), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, A4(10, 1, 2, 7), 32, ANY, one), TCT_OK);
  assert_int_equal(route_if(f, A4(10, 9, 0, 1)), 0);
  assert_int_equal(route_if(f, A4(10, 1, 0, 1)), 1);
  assert_int_equal(route_if(f, A4(10, 1, 2, 1)), 2);
  assert_int_equal(route_if(f, A4(10, 1, 2, 7)), 1);
  assert_int_equal(tct_route_del(&f->s, A4(10, 1, 2, 0), 24), TCT_OK);
  assert_int_equal(route_if(f, A4(10, 1, 2, 1)), 1);
  fake_free(f);
}

/* The table against the obvious way: look at every route. */
static void lookup__random_routes__as_a_plain_scan(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if ifs[3] = {if0(f), fake_add_if(f, (tct_if_config){.mtu = 1500}),
                   fake_add_if(f, (tct_if_config){.mtu = 1500})};
  struct {
    tct_addr prefix;
    unsigned len;
    uint32_t ifi;
  } plain[60];
  unsigned n = 0;
  struct tct_prng r;
  tct_prng_init(&r, (const uint8_t[32]){4});
  while (n < 60) {
    unsigned len = 8 + tct_prng_below(&r, 25);
    tct_addr a = A4(77, (uint8_t)tct_prng_below(&r, 4), (uint8_t)tct_prng_below(&r, 4),
                    (uint8_t)tct_prng_below(&r, 256));
    a = tct_ip_addr_mask(a, len + 96);
    uint32_t ifi = tct_prng_below(&r, 3);
    if (tct_route_add(&f->s, a, len, ANY, ifs[ifi]) != TCT_OK)
      continue; /* twice the same */
    plain[n].prefix = a;
    plain[n].len = len;
    plain[n++].ifi = ifi;
  }
  for (int i = 0; i < 3000; i++) {
    tct_addr a = A4(77, (uint8_t)tct_prng_below(&r, 5), (uint8_t)tct_prng_below(&r, 5),
                    (uint8_t)tct_prng_below(&r, 256));
    unsigned best = 0;
    uint32_t want = 0; /* by the default route */
    for (unsigned k = 0; k < n; k++)
      if (plain[k].len >= best &&
          tct_ip_addr_common_bits(a, plain[k].prefix) >= plain[k].len + 96) {
        best = plain[k].len;
        want = plain[k].ifi;
      }
    assert_int_equal(route_if(f, a), want);
  }
  fake_free(f);
}

/* As tct_if_set does. */
static void set_up(struct fake *f, uint32_t ifi, bool up) {
  f->ifs[ifi].up = up;
  tct_ip_path_forget(&f->s);
}

static void lookup__interface_down__next_best_then_netdown(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if one = fake_add_if(f, (tct_if_config){.mtu = 1500});
  assert_int_equal(tct_route_add(&f->s, A4(10, 1, 0, 0), 16, ANY, one), TCT_OK);
  set_up(f, 1, false);
  assert_int_equal(route_if(f, A4(10, 1, 0, 1)), 0);
  set_up(f, 0, false);
  assert_int_equal((int)route_if(f, A4(10, 1, 0, 1)), TCT_ENETDOWN);
  set_up(f, 1, true);
  assert_int_equal(route_if(f, A4(10, 1, 0, 1)), 1);
  fake_free(f);
}

/* The last answer is remembered: nothing that it came from may change behind it. */
static void lookup__asked_again_after_each_change__no_old_answer(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_addr to = A4(10, 5, 0, 9);
  struct tct_ip_path path;
  tct_if two = fake_add_if(f, (tct_if_config){.mtu = 1400});
  for (int round = 0; round < 2; round++) {
    assert_int_equal(route_if(f, to), 0);
    assert_addr(source_of(f, to), A4(10, 0, 0, 1));
    assert_int_equal(tct_if_addr_add(&f->s, two, A4(10, 5, 0, 1), 24), TCT_OK);
    assert_int_equal(route_if(f, to), 1);
    assert_addr(source_of(f, to), A4(10, 5, 0, 1));
    assert_int_equal(tct_if_addr_add(&f->s, two, A4(10, 5, 0, 8), 24), TCT_OK); /* no new route */
    assert_addr(source_of(f, to), A4(10, 5, 0, 1));
    assert_int_equal(tct_ip_path(&f->s, to, A4(10, 5, 0, 1), 1, &path), TCT_OK);
    assert_addr(path.src, A4(10, 5, 0, 1));
    assert_int_equal(tct_if_addr_del(&f->s, two, A4(10, 5, 0, 1)), TCT_OK);
    assert_int_equal(tct_ip_path(&f->s, to, A4(10, 5, 0, 1), 1, &path), TCT_EADDRNOTAVAIL);
    assert_addr(source_of(f, to), A4(10, 5, 0, 8));
    assert_int_equal(route_if(f, to), 1);
    assert_int_equal(tct_route_add(&f->s, to, 32, ANY, if0(f)), TCT_OK);
    assert_int_equal(route_if(f, to), 0);
    assert_int_equal(tct_route_del(&f->s, to, 32), TCT_OK);
    assert_int_equal(route_if(f, to), 1);
    f->ifs[1].cfg.mtu = 1300u + (unsigned)round;
    assert_int_equal(tct_ip_path(&f->s, to, ANY, TCT_IP_NO_IF, &path), TCT_OK);
    assert_int_equal(path.mtu, 1300 + round);
    assert_int_equal(tct_ip_path(&f->s, to, ANY, 0, &path), TCT_OK); /* another question */
    assert_int_equal(path.ifi, 0);
    assert_int_equal(tct_if_addr_del(&f->s, two, A4(10, 5, 0, 8)), TCT_OK);
  }
  fake_free(f);
}

static void lookup__families__each_its_own_default(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(tct_route_del(&f->s, A4(0, 0, 0, 0), 0), TCT_OK);
  assert_int_equal((int)route_if(f, A4(192, 0, 2, 1)), TCT_ENETUNREACH);
  assert_int_equal(route_if(f, (tct_addr){{0x20, 1, [15] = 1}}), 0);
  assert_int_equal(route_if(f, A4(10, 0, 0, 77)), 0); /* on link by our own address */
  assert_int_equal(tct_if_addr_del(&f->s, if0(f), A4(10, 0, 0, 1)), TCT_OK);
  assert_int_equal((int)route_if(f, A4(10, 0, 0, 77)), TCT_ENETUNREACH);
  fake_free(f);
}

static void route_calls__bad_arguments__named_errors(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_stack *s = &f->s;
  tct_if stale = {0, 1};
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 16, ANY, stale), TCT_EBADF);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 33, ANY, if0(f)), TCT_EINVAL);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 1), 16, ANY, if0(f)), TCT_EINVAL);
  assert_int_equal(tct_route_add(s, A6(0), 129, ANY, if0(f)), TCT_EINVAL);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 16, A6(3), if0(f)), TCT_EINVAL);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 16, A4(224, 0, 0, 1), if0(f)), TCT_EINVAL);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 16, A4(10, 0, 0, 9), if0(f)), TCT_OK);
  assert_int_equal(tct_route_add(s, A4(10, 1, 0, 0), 16, ANY, if0(f)), TCT_EEXIST);
  assert_int_equal(tct_route_del(s, A4(10, 2, 0, 0), 16), TCT_ENOENT);
  /* What is on-link by an address goes with that. */
  assert_int_equal(tct_route_del(s, A4(10, 0, 0, 0), 24), TCT_ENOENT);
  assert_int_equal(tct_if_addr_add(s, stale, A4(10, 0, 0, 9), 24), TCT_EBADF);
  assert_int_equal(tct_if_addr_add(s, if0(f), A4(10, 0, 0, 1), 24), TCT_EEXIST);
  assert_int_equal(tct_if_addr_add(s, if0(f), A4(10, 0, 0, 2), 33), TCT_EINVAL);
  assert_int_equal(tct_if_addr_add(s, if0(f), A4(224, 0, 0, 2), 24), TCT_EINVAL);
  assert_int_equal(tct_if_addr_add(s, if0(f), ANY, 24), TCT_EINVAL);
  assert_int_equal(tct_if_addr_del(s, if0(f), A4(10, 0, 0, 2)), TCT_EADDRNOTAVAIL);
  fake_free(f);
}

static void limits__reached__enobufs(void **state) {
  (void)state;
  tct_limits l = {.udp = 4,
                  .buffer_bytes = 1000,
                  .reasm_bytes = 5000,
                  .reply_bytes = 5000,
                  .routes = 3,
                  .addrs = 3};
  struct fake *f = fake_new_with(&l);
  assert_int_equal(tct_route_add(&f->s, A4(10, 1, 0, 0), 16, ANY, if0(f)), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, A4(10, 2, 0, 0), 16, ANY, if0(f)), TCT_ENOBUFS);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 2), 24), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 3), 24), TCT_ENOBUFS);
  fake_free(f);
}

static void mtu_below_1280__no_ipv6_address(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if small = fake_add_if(f, (tct_if_config){.mtu = 1279});
  assert_int_equal(tct_if_addr_add(&f->s, small, A6(9), 64), TCT_EINVAL);
  assert_int_equal(tct_if_addr_add(&f->s, small, A4(10, 9, 0, 1), 24), TCT_OK);
  fake_free(f);
}

static void broadcast__two_addresses_in_a_subnet__until_the_last_goes(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_true(tct_ip_is_broadcast(&f->s, A4(10, 0, 0, 255)));
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 2), 24), TCT_OK);
  assert_int_equal(tct_if_addr_del(&f->s, if0(f), A4(10, 0, 0, 1)), TCT_OK);
  assert_true(tct_ip_is_broadcast(&f->s, A4(10, 0, 0, 255)));
  assert_int_equal(tct_if_addr_del(&f->s, if0(f), A4(10, 0, 0, 2)), TCT_OK);
  assert_false(tct_ip_is_broadcast(&f->s, A4(10, 0, 0, 255)));
  assert_true(tct_ip_is_broadcast(&f->s, A4(255, 255, 255, 255)));
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 4), 31), TCT_OK);
  assert_false(tct_ip_is_broadcast(&f->s, A4(10, 0, 0, 5))); /* RFC 3021 */
  fake_free(f);
}

static void address_deleted__on_two_interfaces__tcp_told_after_the_last(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if one = fake_add_if(f, (tct_if_config){.mtu = 1500});
  assert_int_equal(tct_if_addr_add(&f->s, one, A4(10, 0, 0, 1), 24), TCT_OK);
  assert_int_equal(tct_if_addr_del(&f->s, if0(f), A4(10, 0, 0, 1)), TCT_OK);
  assert_int_equal(f->tcp.removed, 0);
  assert_true(tct_ip_is_local(&f->s, A4(10, 0, 0, 1)));
  assert_int_equal(tct_if_addr_del(&f->s, one, A4(10, 0, 0, 1)), TCT_OK);
  assert_int_equal(f->tcp.removed, 1);
  assert_addr(f->tcp.removed_addr, A4(10, 0, 0, 1));
  assert_false(tct_ip_is_local(&f->s, A4(10, 0, 0, 1)));
  fake_free(f);
}

/* ---- RFC 6724 section 5 ---------------------------------------------------------------------- */

static const tct_addr global6 = {{0x20, 1, 0x0d, 0xb8, [15] = 1}};
static const tct_addr global6_far = {{0x20, 1, 0x0d, 0xb8, 0, 9, [15] = 1}};
static const tct_addr six_to_four = {{0x20, 2, 0xc0, [15] = 1}};

static void source__rule_1__own_address_itself(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), global6, 64), TCT_OK);
  assert_addr(source_of(f, global6), global6);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A6(5), 64), TCT_OK);
  assert_addr(source_of(f, A6(1)), A6(1));
  assert_addr(source_of(f, A6(5)), A6(5)); /* of one subnet: only this rule tells them apart */
  fake_free(f);
}

static void source__rule_2__scope_large_enough(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(tct_if_addr_del(&f->s, if0(f), A6(1)), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), LL6(1), 64), TCT_OK);
  assert_addr(source_of(f, global6_far), LL6(1)); /* better than none */
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), global6, 64), TCT_OK);
  assert_addr(source_of(f, global6_far), global6);
  assert_addr(source_of(f, (tct_addr){{0xc0, [15] = 1}}), global6); /* though fe80:: is longer */
  struct tct_ip_path path;
  assert_int_equal(tct_ip_path(&f->s, LL6(9), ANY, 0, &path), TCT_OK);
  assert_addr(path.src, LL6(1)); /* and no larger than needed */
  fake_free(f);
}

static void source__rule_5__of_the_outgoing_interface(void **state) {
  (void)state;
  struct fake *f = fake_new();
  tct_if one = fake_add_if(f, (tct_if_config){.mtu = 1500});
  assert_int_equal(tct_if_addr_add(&f->s, one, A4(192, 0, 2, 1), 24), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, A4(10, 0, 5, 0), 24, ANY, one), TCT_OK);
  assert_addr(source_of(f, A4(10, 0, 5, 1)), A4(192, 0, 2, 1));
  assert_addr(source_of(f, A4(192, 0, 3, 1)), A4(10, 0, 0, 1));
  fake_free(f);
}

static void source__rule_6__label_before_length(void **state) {
  (void)state;
  struct fake *f = fake_new(); /* fd07::1 has label 13 */
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), six_to_four, 64), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), global6, 64), TCT_OK);
  assert_addr(source_of(f, (tct_addr){{0x20, 2, 0xff, [15] = 9}}), six_to_four);
  assert_addr(source_of(f, (tct_addr){{0x26, 7, [15] = 9}}), global6);
  assert_addr(source_of(f, (tct_addr){{0xfd, 99, [15] = 9}}), A6(1));
  fake_free(f);
}

static void source__rule_8__longest_match_up_to_its_prefix(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 7, 1), 24), TCT_OK);
  assert_addr(source_of(f, A4(10, 0, 7, 200)), A4(10, 0, 7, 1));
  assert_addr(source_of(f, A4(10, 0, 0, 200)), A4(10, 0, 0, 1));
  /* Beyond the prefix nothing counts: of equals, the first. */
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 201), 24), TCT_OK);
  assert_addr(source_of(f, A4(10, 0, 0, 200)), A4(10, 0, 0, 1));
  fake_free(f);
}

static void source__wanted__must_be_ours_and_of_the_family(void **state) {
  (void)state;
  struct fake *f = fake_new();
  struct tct_ip_path path;
  tct_addr dst = A4(192, 0, 2, 1);
  assert_int_equal(tct_ip_path(&f->s, dst, A4(10, 0, 0, 1), TCT_IP_NO_IF, &path), TCT_OK);
  assert_int_equal(tct_ip_path(&f->s, dst, A4(10, 0, 0, 2), TCT_IP_NO_IF, &path),
                   TCT_EADDRNOTAVAIL);
  assert_int_equal(tct_ip_path(&f->s, dst, A6(1), TCT_IP_NO_IF, &path), TCT_EADDRNOTAVAIL);
  assert_int_equal(tct_ip_path(&f->s, dst, A4(0, 0, 0, 0), TCT_IP_NO_IF, &path), TCT_OK);
  fake_free(f);
}

static void link_local__no_interface_named__unreachable(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), LL6(1), 64), TCT_OK);
  assert_int_equal((int)route_if(f, LL6(2)), TCT_ENETUNREACH);
  struct tct_ip_path path;
  assert_int_equal(tct_ip_path(&f->s, LL6(2), ANY, 0, &path), TCT_OK);
  fake_free(f);
}

static void loopback__leaves_by_loopback_only(void **state) {
  (void)state;
  struct fake *f = fake_new();
  assert_int_equal((int)route_if(f, A4(127, 0, 0, 1)), TCT_ENETUNREACH); /* not by the default */
  tct_if lo = fake_add_if(f, (tct_if_config){.mtu = 65535, .loopback = true});
  assert_int_equal(tct_if_addr_add(&f->s, lo, A4(127, 0, 0, 1), 8), TCT_OK);
  assert_int_equal(route_if(f, A4(127, 0, 0, 1)), 1);
  assert_int_equal(route_if(f, A4(10, 0, 0, 1)), 1); /* ourselves */
  assert_addr(source_of(f, A4(10, 0, 0, 1)), A4(10, 0, 0, 1));
  assert_addr(source_of(f, A4(192, 0, 2, 1)), A4(10, 0, 0, 1)); /* never 127.0.0.1 */
  fake_free(f);
}

static void add_body(struct failing_alloc *a, void *arg) {
  (void)a;
  struct fake *f = arg;
  f->s.alloc = a->vtable;
  f->s.ip = NULL;
  if (tct_ip_new(&f->s) != TCT_OK)
    return;
  for (uint8_t i = 1; i < 20; i++) {
    int err = tct_if_addr_add(&f->s, if0(f), A4(10, i, 0, 1), 24);
    assert_true(err == TCT_OK || err == TCT_ENOMEM);
    assert_int_equal(tct_ip_is_local(&f->s, A4(10, i, 0, 1)), err == TCT_OK);
    err = tct_route_add(&f->s, A4(11, i, 0, 0), 16, ANY, if0(f));
    assert_true(err == TCT_OK || err == TCT_ENOMEM);
  }
  tct_ip_free(&f->s);
}

static void memory_fails__each_time__nothing_half_done(void **state) {
  (void)state;
  struct fake *f = calloc(1, sizeof *f);
  fake_start(f, NULL);
  assert_true(failing_alloc_each(add_body, f) > 3);
  free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(lookup__several_match__longest_prefix_wins),
      cmocka_unit_test(lookup__random_routes__as_a_plain_scan),
      cmocka_unit_test(lookup__interface_down__next_best_then_netdown),
      cmocka_unit_test(lookup__asked_again_after_each_change__no_old_answer),
      cmocka_unit_test(lookup__families__each_its_own_default),
      cmocka_unit_test(route_calls__bad_arguments__named_errors),
      cmocka_unit_test(limits__reached__enobufs),
      cmocka_unit_test(mtu_below_1280__no_ipv6_address),
      cmocka_unit_test(broadcast__two_addresses_in_a_subnet__until_the_last_goes),
      cmocka_unit_test(address_deleted__on_two_interfaces__tcp_told_after_the_last),
      cmocka_unit_test(source__rule_1__own_address_itself),
      cmocka_unit_test(source__rule_2__scope_large_enough),
      cmocka_unit_test(source__rule_5__of_the_outgoing_interface),
      cmocka_unit_test(source__rule_6__label_before_length),
      cmocka_unit_test(source__rule_8__longest_match_up_to_its_prefix),
      cmocka_unit_test(source__wanted__must_be_ours_and_of_the_family),
      cmocka_unit_test(link_local__no_interface_named__unreachable),
      cmocka_unit_test(loopback__leaves_by_loopback_only),
      cmocka_unit_test(memory_fails__each_time__nothing_half_done),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
