/* SPDX-License-Identifier: MIT */
/* Headers that leave: what is said in the identification of a packet that may not be cut, and of
 * one that may. */
#include "test/unit/fake_stack.h"

static struct tct_ip_tx to_peer(bool dont_frag) {
  return (struct tct_ip_tx){.src = A4(10, 0, 0, 1),
                            .dst = A4(10, 0, 0, 2),
                            .proto = 6,
                            .hop_limit = 64,
                            .dont_frag = dont_frag};
}

static struct tct_ip_hdr header(struct fake *f, bool dont_frag, uint8_t *p) {
  struct tct_ip_tx tx = to_peer(dont_frag);
  struct tct_ip_hdr h;
  memset(p, 0, 40);
  assert_int_equal(tct_ip_output_header(&f->s, &tx, 20, p), 20);
  assert_int_equal(tct_wire_ip_parse(p, 40, 40, &h), TCT_ACCEPTED);
  return h;
}

/* [RFC9293 MAY-4] The same bytes again: the same packet, its identification too. */
static void dont_fragment__sent_again__is_the_same_header(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint8_t first[40], again[40];
  struct tct_ip_hdr h = header(f, true, first);
  assert_true(h.dont_frag);
  assert_int_equal(h.id, 0);
  header(f, true, again);
  assert_memory_equal(first, again, 20);
  fake_free(f);
}

static void may_fragment__sent_again__has_another_id(void **state) {
  (void)state;
  struct fake *f = fake_new();
  uint8_t p[40];
  uint32_t id = header(f, false, p).id;
  for (int i = 0; i < 1000; i++) {
    uint32_t next = header(f, false, p).id;
    assert_int_not_equal(next, id);
    id = next;
  }
  fake_free(f);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(dont_fragment__sent_again__is_the_same_header),
      cmocka_unit_test(may_fragment__sent_again__has_another_id),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
