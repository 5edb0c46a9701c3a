/* SPDX-License-Identifier: MIT */
/* The fork between the families: right one taken, everything else refused. */
#include "test/unit/wire_test.h"

#include "wire/bytes.h"
#include "wire/ip.h"

static void parse__what_was_emitted__takes_the_right_family(void **state) {
  (void)state;
  struct tct_ip_hdr h4 = {.src = ADDR4(10, 7, 0, 1),
                          .dst = ADDR4(10, 7, 0, 2),
                          .family = 4,
                          .proto = 6,
                          .payload_len = 9};
  struct tct_ip_hdr h6 = {
      .src = ADDR6(1), .dst = ADDR6(2), .family = 6, .proto = 6, .payload_len = 9};
  struct tct_ip_hdr frag6 = h6;
  frag6.is_frag = true;
  frag6.frag_off_bytes = 8;
  const struct tct_ip_hdr *all[] = {&h4, &h6, &frag6};
  static const size_t lens[] = {20, 40, 48};
  for (size_t i = 0; i < 3; i++) {
    uint8_t p[TCT_IP_EMIT_MAX + 9] = {0};
    struct tct_ip_hdr back;
    assert_int_equal(tct_wire_ip_emit_len(all[i]), lens[i]);
    assert_int_equal(tct_wire_ip_emit(p, all[i]), lens[i]);
    assert_int_equal(tct_wire_ip_parse(p, lens[i] + 9, lens[i] + 9, &back), TCT_ACCEPTED);
    assert_int_equal(back.family, all[i]->family);
    assert_int_equal(tct_wire_ip_family(&back.src), back.family);
    assert_int_equal(back.payload_len, 9);
    assert_int_equal(back.is_frag, all[i]->is_frag);
  }
}

/* A086: every version but ours, silently */
static void parse__other_versions_and_nothing__are_refused(void **state) {
  (void)state;
  struct tct_ip_hdr h;
  for (unsigned version = 0; version < 16; version++) {
    uint8_t p[60] = {(uint8_t)(version << 4 | 5)};
    tct_verdict v = tct_wire_ip_parse(p, sizeof p, sizeof p, &h);
    assert_int_not_equal(v, version == 6 ? TCT_DROP_IP_VERSION : TCT_ACCEPTED);
    assert_int_equal(v == TCT_DROP_IP_VERSION, version != 4 && version != 6);
    assert_false(h.problem.report);
  }
  uint8_t *none = exact_copy("", 0);
  assert_int_equal(tct_wire_ip_parse(none, 0, 0, &h), TCT_DROP_IP_SHORT);
  free(none);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(parse__what_was_emitted__takes_the_right_family),
      cmocka_unit_test(parse__other_versions_and_nothing__are_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
