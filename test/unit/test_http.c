/* SPDX-License-Identifier: MIT */
/* Unit tests of the HTTP pieces that need no network: heads, ranges, dates, paths, bodies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cli/http_date.h"
#include "cli/http_file.h"
#include "cli/http_range.h"
#include "cli/http_reply.h"
#include "cli/http_request.h"

static char buf[70000];

static int parse(struct http_request *r, const char *text) {
  size_t len = strlen(text);
  memcpy(buf, text, len + 1);
  return http_request_parse(r, buf, http_head_end(buf, len));
}

static int status_of(const char *text) {
  struct http_request r;
  return parse(&r, text);
}

/* ---- Request heads ------------------------------------------------------------------------------
 */

static void head__each_byte_missing__is_not_complete(void **state) {
  const char *text = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";
  (void)state;
  for (size_t n = 0; n < strlen(text); n++)
    assert_int_equal(http_head_end(text, n), 0);
  assert_int_equal(http_head_end(text, strlen(text)), strlen(text));
}

static void head__bare_newlines_or_blank_lines_first__are_understood(void **state) {
  (void)state;
  assert_int_equal(http_head_end("GET / HTTP/1.0\n\nrest", 20), 16);
  assert_int_equal(http_head_end("\r\n\r\nGET / HTTP/1.0\r\n\r\n", 22), 22);
  assert_int_equal(http_head_end("\r\n\r\n", 4), 0);
  assert_int_equal(status_of("\r\nGET / HTTP/1.0\r\n\r\n"), 0);
}

static void request__all_fields__are_found(void **state) {
  struct http_request r;
  (void)state;
  assert_int_equal(parse(&r, "GET /a%20b?q=1 HTTP/1.1\r\nhOst: x:80\r\nRange: bytes=0-1\r\n"
                             "If-None-Match:  \"e\" \t\r\nIf-Range: \"f\"\r\n"
                             "Content-Length: 12\r\nX-Other: y\r\n\r\n"),
                   0);
  assert_int_equal(r.method, HTTP_GET);
  assert_string_equal(r.target, "/a%20b?q=1");
  assert_string_equal(r.host, "x:80");
  assert_string_equal(r.range, "bytes=0-1");
  assert_string_equal(r.if_none_match, "\"e\"");
  assert_string_equal(r.if_range, "\"f\"");
  assert_true(r.has_length);
  assert_int_equal(r.content_length, 12);
  assert_true(r.keep_alive);
}

static void request__version_and_connection__decide_keep_alive(void **state) {
  struct http_request r;
  (void)state;
  assert_int_equal(parse(&r, "GET / HTTP/1.0\r\n\r\n"), 0);
  assert_false(r.keep_alive);
  assert_int_equal(parse(&r, "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), 0);
  assert_true(r.keep_alive);
  assert_int_equal(parse(&r, "GET / HTTP/1.1\r\nHost: x\r\nConnection: x , close\r\n\r\n"), 0);
  assert_false(r.keep_alive);
}

static void request__absolute_form__keeps_only_the_path(void **state) {
  struct http_request r;
  (void)state;
  assert_int_equal(parse(&r, "GET http://h:81/p/q?x HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  assert_string_equal(r.target, "/p/q?x");
  assert_int_equal(parse(&r, "GET http://h HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  assert_string_equal(r.target, "/");
  assert_int_equal(parse(&r, "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n"), 0);
  assert_string_equal(r.target, "*");
}

static void request__what_can_be_read_in_two_ways__is_refused(void **state) {
  (void)state;
  assert_int_equal(status_of("GET / HTTP/1.1\r\n\r\n"), 400); /* no Host */
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost : a\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\rb\r\n\r\n"), 400);
  assert_int_equal(
      status_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n"),
      400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\n"), 400);
  assert_int_equal(
      status_of("GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
                   501);
}

static void request__wrong_line__gets_its_own_status(void **state) {
  (void)state;
  assert_int_equal(status_of("GET /\r\n\r\n"), 400);
  assert_int_equal(status_of("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  assert_int_equal(status_of("G(T / HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  assert_int_equal(status_of("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  assert_int_equal(status_of("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), 400);
  assert_int_equal(status_of("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), 505);
  assert_int_equal(status_of("PRI * HTTP/2.0\r\n\r\n"), 505);
  assert_int_equal(status_of("GET / HTTP/11\r\n\r\n"), 400);
}

static void request__too_many_fields__is_refused(void **state) {
  static char text[4096];
  size_t at = (size_t)sprintf(text, "GET / HTTP/1.1\r\nHost: a\r\n");
  (void)state;
  for (int i = 0; i < HTTP_FIELDS_MAX; i++)
    at += (size_t)sprintf(text + at, "A%d: b\r\n", i);
  sprintf(text + at, "\r\n");
  assert_int_equal(status_of(text), 431);
}

/* Whatever the bytes are, the parser stays inside them (the sanitizers watch) and says a status. */
static void request__mutated_at_random__never_crashes(void **state) {
  const char *text = "GET /a/b%41?c HTTP/1.1\r\nHost: x\r\nRange: bytes=1-2,-5\r\n"
                     "Content-Length: 5\r\nConnection: close, x\r\n\r\n";
  uint64_t rng = 88172645463325252u;
  size_t len = strlen(text);
  (void)state;
  for (int round = 0; round < 200000; round++) {
    char *copy = malloc(len);
    assert_non_null(copy);
    memcpy(copy, text, len);
    for (int k = 0; k < 3; k++) {
      rng ^= rng << 13, rng ^= rng >> 7, rng ^= rng << 17;
      copy[rng % len] = (char)(rng >> 32);
    }
    size_t head = http_head_end(copy, len);
    assert_true(head <= len);
    struct http_request r;
    int status = http_request_parse(&r, copy, head > 0 ? head : len);
    assert_true(status == 0 || (status >= 400 && status <= 505));
    if (status == 0)
      assert_non_null(r.target);
    free(copy);
  }
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static void check_range(const char *field, uint64_t from, uint64_t count) {
  struct http_range r[HTTP_RANGES_MAX];
  assert_int_equal(http_range_parse(field, 1000, r), 1);
  assert_int_equal(r[0].from, from);
  assert_int_equal(r[0].count, count);
}

static void range__each_form__names_its_bytes(void **state) {
  (void)state;
  check_range("bytes=0-0", 0, 1);
  check_range("bytes=10-19", 10, 10);
  check_range("bytes=990-", 990, 10);
  check_range("bytes=-5", 995, 5);
  check_range("bytes=-5000", 0, 1000);
  check_range("Bytes= 5-99999999999999999999999", 5, 995);
  check_range("bytes=5000-6000,7-8", 7, 2); /* the unsatisfiable one is left out */
}

static void range__nothing_inside_the_file__is_416(void **state) {
  struct http_range r[HTTP_RANGES_MAX];
  (void)state;
  assert_int_equal(http_range_parse("bytes=1000-", 1000, r), -1);
  assert_int_equal(http_range_parse("bytes=-0", 1000, r), -1);
  assert_int_equal(http_range_parse("bytes=0-", 0, r), -1);
}

static void range__not_understood_or_greedy__is_ignored(void **state) {
  struct http_range r[HTTP_RANGES_MAX];
  (void)state;
  assert_int_equal(http_range_parse("lines=1-2", 1000, r), 0);
  assert_int_equal(http_range_parse("bytes=2-1", 1000, r), 0);
  assert_int_equal(http_range_parse("bytes=-", 1000, r), 0);
  assert_int_equal(http_range_parse("bytes=1-2;3", 1000, r), 0);
  assert_int_equal(http_range_parse("bytes=0-999,0-999", 1000, r), 0);
  assert_int_equal(http_range_parse("bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8,9-9,10-10,11-11,"
                                    "12-12,13-13,14-14,15-15,16-16",
                                    1000, r),
                   0);
}

static void range__several__keep_their_order(void **state) {
  struct http_range r[HTTP_RANGES_MAX];
  (void)state;
  assert_int_equal(http_range_parse("bytes=10-19, -10,0-4", 1000, r), 3);
  assert_int_equal(r[0].from, 10);
  assert_int_equal(r[1].from, 990);
  assert_int_equal(r[2].count, 5);
}

/* ---- Dates ----------------------------------------------------------------------------------- */

static void date__three_forms__are_one_moment(void **state) {
  char text[HTTP_DATE_LEN];
  time_t t;
  (void)state;
  http_date_format(784111777, text);
  assert_string_equal(text, "Sun, 06 Nov 1994 08:49:37 GMT");
  assert_true(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT", &t));
  assert_int_equal(t, 784111777);
  assert_true(http_date_parse("Sunday, 06-Nov-94 08:49:37 GMT", &t));
  assert_int_equal(t, 784111777);
  assert_true(http_date_parse("Sun Nov  6 08:49:37 1994", &t));
  assert_int_equal(t, 784111777);
}

static void date__nonsense__is_refused(void **state) {
  time_t t;
  (void)state;
  assert_false(http_date_parse("", &t));
  assert_false(http_date_parse("yesterday", &t));
  assert_false(http_date_parse("Sun, 06 Nov 1994 08:49:37 GMT+1", &t));
  assert_false(http_date_parse("Sun, 46 Nov 1994 08:49:37 GMT", &t));
  assert_false(http_date_parse("Sun, 06 Foo 1994 08:49:37 GMT", &t));
}

/* ---- Paths ----------------------------------------------------------------------------------- */

static int decode(const char *target, const char *want) {
  char path[64] = "";
  int status = http_path_decode(target, path, sizeof path);
  if (status == 0)
    assert_string_equal(path, want);
  return status;
}

static void path__escapes_and_query__are_undone(void **state) {
  (void)state;
  assert_int_equal(decode("/", ""), 0);
  assert_int_equal(decode("/a%20b/c?d=/e", "a b/c"), 0);
  assert_int_equal(decode("///x", "x"), 0);
  assert_int_equal(decode("/%2fetc/passwd", "etc/passwd"), 0);
  assert_int_equal(decode("/..a/b..", "..a/b.."), 0);
}

static void path__leading_outside__is_not_found(void **state) {
  (void)state;
  assert_int_equal(decode("/..", ""), 404);
  assert_int_equal(decode("/a/../../b", ""), 404);
  assert_int_equal(decode("/%2e%2E/etc", ""), 404);
  assert_int_equal(decode("/a/%2e./", ""), 404);
}

static void path__malformed__is_refused(void **state) {
  (void)state;
  assert_int_equal(decode("/%", ""), 400);
  assert_int_equal(decode("/%4", ""), 400);
  assert_int_equal(decode("/%zz", ""), 400);
  assert_int_equal(decode("/a%00b", ""), 400);
  assert_int_equal(decode("/0123456789012345678901234567890123456789012345678901234567890123", ""),
                   414);
}

static void escape__markup__becomes_harmless(void **state) {
  char out[128];
  size_t at = 0;
  (void)state;
  assert_true(http_escape_html(out, sizeof out, &at, "<a href=\"x\">&'"));
  assert_string_equal(out, "&lt;a href=&quot;x&quot;&gt;&amp;&#39;");
  at = 0;
  assert_true(http_escape_url(out, sizeof out, &at, "a b/\xc3\xa4?#%"));
  assert_string_equal(out, "a%20b/%C3%A4%3F%23%25");
  at = 0;
  assert_false(http_escape_url(out, 4, &at, "   "));
}

/* ---- Replies --------------------------------------------------------------------------------- */

static const char *parse_reply(struct http_reply *r, const char *text) {
  size_t len = strlen(text);
  memcpy(buf, text, len + 1);
  return http_reply_parse(r, buf, len);
}

static void reply__usual__is_understood(void **state) {
  struct http_reply r;
  (void)state;
  assert_null(
      parse_reply(&r, "HTTP/1.1 200 OK\r\nContent-Length: 42\r\nContent-Type: text/html\r\n\r\n"));
  assert_int_equal(r.status, 200);
  assert_true(r.has_length && r.is_text && !r.chunked);
  assert_int_equal(r.length, 42);
  assert_null(parse_reply(&r, "HTTP/1.0 301\r\nLocation:/x \r\n\r\n"));
  assert_string_equal(r.location, "/x");
}

static void reply__wrong__is_named(void **state) {
  struct http_reply r;
  (void)state;
  assert_non_null(parse_reply(&r, "SSH-2.0-OpenSSH\r\n\r\n"));
  assert_non_null(parse_reply(&r, "HTTP/1.1 abc\r\n\r\n"));
  assert_non_null(parse_reply(&r, "HTTP/1.1 200 OK\r\nContent-Length:\r\n\r\n"));
  assert_non_null(parse_reply(&r, "HTTP/1.1 200 OK\r\nContent-Length: 5x\r\n\r\n"));
  assert_non_null(parse_reply(&r, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n"));
  assert_non_null(parse_reply(&r, "HTTP/1.1 200 OK\r\nnonsense\r\n\r\n"));
}

/* Feeds text in pieces of `step`; returns the payload's length, or -1. */
static long feed(const char *text, size_t step, char *out, bool *done) {
  struct http_body b;
  struct http_reply r = {.status = 200, .chunked = true};
  size_t at = 0, len = strlen(text), n = 0;
  http_body_init(&b, &r);
  while (at < len && !b.done) {
    size_t have = len - at < step ? len - at : step, payload;
    long frame = http_body_next(&b, text + at, have, &payload);
    if (frame < 0)
      return -1;
    at += (size_t)frame;
    memcpy(out + n, text + at, payload);
    http_body_took(&b, payload);
    at += payload;
    n += payload;
  }
  *done = b.done;
  return (long)n;
}

static void chunked__cut_anywhere__gives_the_same_bytes(void **state) {
  const char *text = "5\r\nhello\r\n1;x=y\r\n \r\n00A\r\n0123456789\r\n0\r\nTrailer: x\r\n\r\nmore";
  char out[64];
  bool done;
  (void)state;
  for (size_t step = 1; step < 40; step++) {
    assert_int_equal(feed(text, step, out, &done), 16);
    assert_memory_equal(out, "hello 0123456789", 16);
    assert_true(done);
  }
}

static void chunked__malformed__is_refused(void **state) {
  char out[64];
  bool done;
  (void)state;
  assert_int_equal(feed("x\r\n", 9, out, &done), -1);
  assert_int_equal(feed("\r\n", 9, out, &done), -1);
  assert_int_equal(feed("5\r\nhelloworld\r\n", 99, out, &done), -1);
  assert_int_equal(feed("1234567890abcdef0\r\n", 99, out, &done), -1);
  assert_int_equal(feed("5x\r\n", 9, out, &done), -1);
}

static void chunked__ends_early__is_not_done(void **state) {
  char out[64];
  bool done = true;
  (void)state;
  assert_int_equal(feed("5\r\nhel", 99, out, &done), 3);
  assert_false(done);
  assert_int_equal(feed("5\r\nhello\r\n0\r\n", 99, out, &done), 5);
  assert_false(done);
}

static void length__zero_or_more__ends_exactly(void **state) {
  struct http_body b;
  size_t payload;
  (void)state;
  http_body_init(&b, &(struct http_reply){.status = 200, .has_length = true, .length = 0});
  assert_true(b.done);
  http_body_init(&b, &(struct http_reply){.status = 200, .has_length = true, .length = 3});
  assert_int_equal(http_body_next(&b, "abcdef", 6, &payload), 0);
  assert_int_equal(payload, 3);
  http_body_took(&b, 3);
  assert_true(b.done);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(head__each_byte_missing__is_not_complete),
      cmocka_unit_test(head__bare_newlines_or_blank_lines_first__are_understood),
      cmocka_unit_test(request__all_fields__are_found),
      cmocka_unit_test(request__version_and_connection__decide_keep_alive),
      cmocka_unit_test(request__absolute_form__keeps_only_the_path),
      cmocka_unit_test(request__what_can_be_read_in_two_ways__is_refused),
      cmocka_unit_test(request__wrong_line__gets_its_own_status),
      cmocka_unit_test(request__too_many_fields__is_refused),
      cmocka_unit_test(request__mutated_at_random__never_crashes),
      cmocka_unit_test(range__each_form__names_its_bytes),
      cmocka_unit_test(range__nothing_inside_the_file__is_416),
      cmocka_unit_test(range__not_understood_or_greedy__is_ignored),
      cmocka_unit_test(range__several__keep_their_order),
      cmocka_unit_test(date__three_forms__are_one_moment),
      cmocka_unit_test(date__nonsense__is_refused),
      cmocka_unit_test(path__escapes_and_query__are_undone),
      cmocka_unit_test(path__leading_outside__is_not_found),
      cmocka_unit_test(path__malformed__is_refused),
      cmocka_unit_test(escape__markup__becomes_harmless),
      cmocka_unit_test(reply__usual__is_understood),
      cmocka_unit_test(reply__wrong__is_named),
      cmocka_unit_test(chunked__cut_anywhere__gives_the_same_bytes),
      cmocka_unit_test(chunked__malformed__is_refused),
      cmocka_unit_test(chunked__ends_early__is_not_done),
      cmocka_unit_test(length__zero_or_more__ends_exactly),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
