/* SPDX-License-Identifier: MIT */
/* Addresses as text and back. RFC 4291 2.2, RFC 5952. */
#define _POSIX_C_SOURCE 200809L
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <arpa/inet.h>
#include <cmocka.h>

#include "tercet/tercet.h"
#include "util/prng.h"

static void round_trip(const char *in, const char *out) {
  char buf[46];
  tct_addr a;
  if (tct_addr_parse(in, &a) != TCT_OK)
    fail_msg("%s was refused", in);
  size_t n = tct_addr_text(a, buf, sizeof buf);
  assert_int_equal(n, strlen(buf));
  assert_string_equal(buf, out);
}

static void addresses__text__is_the_short_form(void **state) {
  (void)state;
  round_trip("10.0.0.1", "10.0.0.1");
  round_trip("255.255.255.255", "255.255.255.255");
  round_trip("::", "::");
  round_trip("::1", "::1");
  round_trip("fe80::1", "fe80::1");
  round_trip("2001:DB8::1", "2001:db8::1");
  round_trip("2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1");    /* the first of equals */
  round_trip("2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"); /* never for one group */
  round_trip("1:2:3:4:5:6:7::", "1:2:3:4:5:6:7:0");
  round_trip("0001:0002::", "1:2::");
}

static void nonsense__parse__is_refused(void **state) {
  (void)state;
  static const char *const wrong[] = {"",
                                      ".",
                                      "1.2.3",
                                      "1.2.3.4.5",
                                      "256.1.1.1",
                                      "1.2.3.-4",
                                      "1.2.3.4 ",
                                      " 1.2.3.4",
                                      "a.b.c.d",
                                      ":",
                                      ":::",
                                      "1::2::3",
                                      "12345::",
                                      "1:2:3:4:5:6:7",
                                      "1:2:3:4:5:6:7:8:9",
                                      "g::",
                                      "1:2:3:4:5:6:7:8::",
                                      "1.2.3.",
                                      "1..2.3",
                                      "::1%eth0",
                                      "::1/64",
                                      "99999999999999999999.1.1.1",
                                      "1:",
                                      ":1",
                                      "01.2.3.4"};
  for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
    tct_addr a;
    if (tct_addr_parse(wrong[i], &a) != TCT_EINVAL)
      fail_msg("'%s' was taken", wrong[i]);
  }
}

/* Against libc's reader and writer. */
static void random_addresses__text__agrees_with_inet_ntop(void **state) {
  (void)state;
  struct tct_prng rng;
  uint8_t seed[32] = {1};
  tct_prng_init(&rng, seed);
  for (unsigned i = 0; i < 20000; i++) {
    tct_addr a, back;
    char ours[46], theirs[46];
    for (unsigned k = 0; k < 16; k += 2) {
      bool zero = tct_prng_u32(&rng) % 2 == 0;
      a.b[k] = zero ? 0 : (uint8_t)tct_prng_u32(&rng);
      a.b[k + 1] = zero ? 0 : (uint8_t)tct_prng_u32(&rng);
    }
    if (a.b[0] == 0 && a.b[1] == 0)
      a.b[0] = 0x20; /* no forms with an embedded IPv4 address: a matter of taste */
    tct_addr_text(a, ours, sizeof ours);
    assert_non_null(inet_ntop(AF_INET6, a.b, theirs, sizeof theirs));
    assert_string_equal(ours, theirs);
    assert_int_equal(tct_addr_parse(ours, &back), TCT_OK);
    assert_memory_equal(&a, &back, sizeof a);
  }
}

static void short_buffer__text__never_overruns(void **state) {
  (void)state;
  tct_addr a;
  assert_int_equal(tct_addr_parse("2001:db8:1111:2222:3333:4444:5555:6666", &a), TCT_OK);
  for (size_t cap = 0; cap < 46; cap++) {
    char buf[47];
    memset(buf, 'x', sizeof buf);
    (void)tct_addr_text(a, buf, cap);
    for (size_t k = cap; k < sizeof buf; k++)
      assert_int_equal(buf[k], 'x');
  }
}

static void ipv4__form__is_told_apart(void **state) {
  (void)state;
  tct_addr a = tct_addr_ipv4(1, 2, 3, 4), b;
  assert_true(tct_addr_is_ipv4(a));
  assert_int_equal(tct_addr_parse("::1.2.3.4", &b) == TCT_OK ? tct_addr_is_ipv4(b) : 0, 0);
  assert_int_equal(tct_addr_parse("::ffff:1.2.3.4", &b), TCT_OK);
  assert_memory_equal(&a, &b, sizeof a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(addresses__text__is_the_short_form),
      cmocka_unit_test(nonsense__parse__is_refused),
      cmocka_unit_test(random_addresses__text__agrees_with_inet_ntop),
      cmocka_unit_test(short_buffer__text__never_overruns),
      cmocka_unit_test(ipv4__form__is_told_apart),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
