/* SPDX-License-Identifier: MIT */
/* Unit tests of the command line's own parsers: options, URLs, HOST:PORT. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cli/args.h"
#include "cli/url.h"

/* ---- Options ------------------------------------------------------------------------------------
 */

static bool flag;
static const char *text;
static uint32_t number;
static char called[32];

static const char *take(void *to, const char *value) {
  (void)to;
  snprintf(called, sizeof called, "%s", value);
  return strcmp(value, "bad") == 0 ? "that is bad" : NULL;
}

static const struct args_option options[] = {
    {"flag", 'f', ARGS_FLAG, &flag, NULL, "a flag", 0, 0, NULL},
    {"text", 't', ARGS_TEXT, &text, "T", "a text", 0, 0, NULL},
    {"number", 0, ARGS_NUMBER, &number, "N", "a number", 5, 10, NULL},
    {"call", 0, ARGS_CALL, NULL, "C", "a call", 0, 0, take},
    {0}};
static const struct args_verb verb = {"try", "A [B]", "Tries.", NULL, {options, NULL, NULL}, 1, 2};

static int parse(struct args *a, int n, char **words) {
  flag = false;
  text = NULL;
  number = 0;
  called[0] = '\0';
  return args_parse(&verb, n, words, a);
}

#define PARSE(a, ...)                                                                              \
  parse(a, (int)(sizeof((const char *[]){"try", __VA_ARGS__}) / sizeof(char *)),                   \
        (char *[]){(char *)(uintptr_t) "try", __VA_ARGS__, NULL})
#define W(s) ((char *)(uintptr_t)(s))

static void options__any_order_and_form__are_stored(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, W("x"), W("--flag"), W("--text=a=b"), W("--number"), W("7"), W("y")),
                   ARGS_GO);
  assert_true(flag);
  assert_string_equal(text, "a=b");
  assert_int_equal(number, 7);
  assert_int_equal(a.n, 2);
  assert_string_equal(a.operand[1], "y");
  assert_int_equal(PARSE(&a, W("-f"), W("-tq"), W("--call"), W("z"), W("--"), W("-f")), ARGS_GO);
  assert_string_equal(text, "q");
  assert_string_equal(called, "z");
  assert_string_equal(a.operand[0], "-f");
  assert_int_equal(PARSE(&a, W("-")), ARGS_GO); /* a word, not an option */
}

static void options__wrong__exit_2(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, W("x"), W("--nope")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("-z")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--flag=1")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--text")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--number"), W("4")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--number=99999999999")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--number=")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("--call"), W("bad")), 2);
  assert_int_equal(PARSE(&a, W("--flag")), 2);
  assert_int_equal(PARSE(&a, W("x"), W("y"), W("z")), 2);
}

static void options__help__exit_0(void **state) {
  struct args a;
  (void)state;
  assert_int_equal(PARSE(&a, W("--help")), 0);
  assert_int_equal(PARSE(&a, W("x"), W("-h")), 0);
}

/* ---- URLs ---------------------------------------------------------------------------------------
 */

static void check_url(const char *in, const char *host, unsigned port, const char *target) {
  struct url u;
  const char *wrong = url_parse(&u, in);
  if (wrong != NULL)
    fail_msg("%s: %s", in, wrong);
  assert_string_equal(u.host, host);
  assert_int_equal(u.port, port);
  assert_string_equal(u.target, target);
}

static void url__right__is_taken_apart(void **state) {
  (void)state;
  check_url("http://h", "h", 80, "/");
  check_url("HTTP://a-b.example:8080/x/y?z#f", "a-b.example", 8080, "/x/y?z");
  check_url("http://10.7.0.2:81?q", "10.7.0.2", 81, "/?q");
  check_url("http://[fd07::2]:82/", "fd07::2", 82, "/");
  check_url("http://[::1]/a@b", "::1", 80, "/a@b");
}

static void url__wrong__is_named(void **state) {
  static const char *const bad[] = {"",
                                    "h",
                                    "ftp://h/",
                                    "https://h/",
                                    "http://",
                                    "http:///x",
                                    "http://h:/",
                                    "http://h:0/",
                                    "http://h:65536",
                                    "http://h:8x/",
                                    "http://a b",
                                    "http://h/a b",
                                    "http://h/\x80",
                                    "http://[fd07::2/",
                                    "http://[10.0.0.1]/",
                                    "http://[x]/",
                                    "http://u@h/",
                                    "http://u:p@h/",
                                    "http://h\\x"};
  struct url u;
  (void)state;
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
    if (url_parse(&u, bad[i]) == NULL)
      fail_msg("'%s' was taken", bad[i]);
}

static void url__too_long__is_refused(void **state) {
  static char in[4000];
  struct url u;
  (void)state;
  memset(in, 'a', sizeof in - 1);
  memcpy(in, "http://h/", 9);
  assert_non_null(url_parse(&u, in));
  memset(in, 'a', 400);
  memcpy(in, "http://", 7);
  in[400] = '\0';
  assert_non_null(url_parse(&u, in));
}

static void host_port__both_needed__or_named(void **state) {
  struct url u;
  (void)state;
  assert_null(url_parse_host_port(&u, "example.net:443"));
  assert_int_equal(u.port, 443);
  assert_null(url_parse_host_port(&u, "[fd07::1]:80"));
  assert_string_equal(u.host, "fd07::1");
  assert_non_null(url_parse_host_port(&u, "example.net"));
  assert_non_null(url_parse_host_port(&u, "fd07::1:80"));
  assert_non_null(url_parse_host_port(&u, ":80"));
  assert_non_null(url_parse_host_port(&u, "h:80/x"));
}

static void resolve__address_of_a_family_we_lack__is_refused(void **state) {
  struct url u;
  tct_endpoint e;
  (void)state;
  assert_null(url_parse_host_port(&u, "10.7.0.1:80"));
  assert_null(url_resolve(&u, true, false, &e));
  assert_int_equal(e.port, 80);
  assert_true(tct_addr_is_ipv4(e.addr));
  assert_non_null(url_resolve(&u, false, true, &e));
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(options__any_order_and_form__are_stored),
      cmocka_unit_test(options__wrong__exit_2),
      cmocka_unit_test(options__help__exit_0),
      cmocka_unit_test(url__right__is_taken_apart),
      cmocka_unit_test(url__wrong__is_named),
      cmocka_unit_test(url__too_long__is_refused),
      cmocka_unit_test(host_port__both_needed__or_named),
      cmocka_unit_test(resolve__address_of_a_family_we_lack__is_refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
