/* SPDX-License-Identifier: MIT */
/* The urgent mechanism, both ways, as the application sees it. RFC 9293 section 3.8.5. */
#define _POSIX_C_SOURCE 200809L
#include "test/lib/at.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>

static void start(struct at *a) {
  at_start(a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
}

static long write_urgent(struct at *a, size_t len) {
  static uint8_t buf[200000];
  for (size_t i = 0; i < len; i++)
    buf[i] = seg_octet(a->written + (uint32_t)i);
  long n = tct_sock_send(a->s, a->k, buf, len, TCT_MSG_URGENT);
  if (n > 0)
    a->written += (uint32_t)n;
  return n;
}

/* [RFC9293 MUST-30] [RFC9293 MUST-62] One urgent octet at the start: the pointer is 1. */
static void one_urgent_octet__segment__points_behind_it(void **state) {
  (void)state;
  struct at a;
  start(&a);
  assert_int_equal(write_urgent(&a, 1), 1);
  const tct_seg *g = at_out(&a);
  at_is(&a, g, TCT_ACK | TCT_PSH | TCT_URG, 0, 1);
  assert_int_equal(g->urgent, 1);
  AT_IN(&a, .len = 0);
  at_write(&a, 10); /* the mark has passed */
  at_is(&a, at_out(&a), TCT_ACK | TCT_PSH, 0, 10);
  at_end(&a);
}

/* [RFC9293 MUST-31] Runs of any length: the pointer is renewed and saturates. */
static void urgent_run__of_each_length__arrives_whole_with_its_end(void **state) {
  (void)state;
  static const uint32_t lengths[] = {1, 1000, 1001, 70000, 150000};
  for (unsigned i = 0; i < TCT_ARRAY_LEN(lengths); i++) {
    struct at a;
    start(&a);
    assert_int_equal(write_urgent(&a, lengths[i]), lengths[i]);
    uint32_t end = a.written;
    unsigned turns = 0;
    while (a.peer.rcv_nxt != end && turns++ < 2000) {
      const tct_seg *g = at_out(&a);
      if (g == NULL) {
        AT_IN(&a, .len = 0);
        continue;
      }
      assert_true((g->flags & TCT_URG) != 0);
      uint32_t left = end - g->seq;
      assert_int_equal(g->urgent, left > 65535 ? 65535 : left);
      for (uint32_t k = 0; k < g->len; k++)
        assert_int_equal(a.payload[k], seg_octet(g->seq + k));
    }
    assert_int_equal(a.peer.rcv_nxt, end);
    at_end(&a);
  }
}

/* [RFC9293 MUST-31] [RFC9293 MUST-33] A run longer than the pointer's field comes in. */
static void urgent_run_in__longer_than_the_field__is_read_in_order_and_counted(void **state) {
  (void)state;
  struct at a;
  start(&a);
  uint32_t end = a.peer.snd_nxt + 100000;
  uint32_t left = 100000;
  long read = 0;
  while (left > 0) {
    uint16_t up = (uint16_t)(end - a.peer.snd_nxt > 65535 ? 65535 : end - a.peer.snd_nxt);
    AT_IN(&a, .len = 1000, .flags = TCT_URG, .urgent = up);
    left -= 1000;
    (void)at_drain(&a);
    if (left % 5000 == 0)
      read += at_read(&a, 5000);
    int64_t unread = at_get(&a, TCT_OPT_URGENT_UNREAD);
    assert_true(unread > 0 || read == 100000);
  }
  assert_int_equal(read, 100000);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 0);
  at_end(&a);
}

/* [RFC9293 MUST-32] [RFC9293 MUST-30] */
static void urgent_pointer_in__new_further_or_the_same__notice_notice_none(void **state) {
  (void)state;
  struct at a;
  start(&a);
  AT_IN(&a, .len = 10, .flags = TCT_URG, .urgent = 20);
  assert_true((at_events(&a) & TCT_EV_URGENT) != 0);
  AT_IN(&a, .len = 5, .flags = TCT_URG, .urgent = 10);
  assert_int_equal(at_events(&a) & TCT_EV_URGENT, 0);
  AT_IN(&a, .len = 5, .flags = TCT_URG, .urgent = 10);
  assert_true((at_events(&a) & TCT_EV_URGENT) != 0);
  AT_IN(&a, .len = 5); /* no URG: no word about it */
  assert_int_equal(at_events(&a) & TCT_EV_URGENT, 0);
  assert_true((tct_sock_ready(a.s, a.k) & TCT_EV_URGENT) != 0);
  assert_int_equal(at_read(&a, 100), 25);
  assert_int_equal(tct_sock_ready(a.s, a.k) & TCT_EV_URGENT, 0);
  at_end(&a);
}

/* [RFC9293 MUST-33] Before, during and after reading past the mark. */
static void urgent_unread__asked_while_reading__counts_down(void **state) {
  (void)state;
  struct at a;
  start(&a);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 0);
  AT_IN(&a, .len = 30, .flags = TCT_URG, .urgent = 10);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 10);
  assert_int_equal(at_read(&a, 9), 9);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 1);
  assert_int_equal(at_read(&a, 1), 1);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 0);
  assert_int_equal(at_read(&a, 100), 20);
  at_end(&a);
}

/* Announced long before it comes: known, and still unread. */
static void urgent_announced_ahead__no_octet_yet__is_counted(void **state) {
  (void)state;
  struct at a;
  start(&a);
  AT_IN(&a, .flags = TCT_URG, .urgent = 500);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 500);
  assert_true((at_events(&a) & TCT_EV_URGENT) != 0);
  at_end(&a);
}

/* A pointer into the past, or without any data ever: nothing to say. */
static void urgent_pointer_into_the_past__is_no_news(void **state) {
  (void)state;
  struct at a;
  start(&a);
  AT_IN(&a, .len = 100);
  assert_int_equal(at_read(&a, 100), 100);
  (void)at_drain(&a);
  (void)at_events(&a);
  AT_IN(&a, .flags = TCT_URG, .urgent = 0);
  assert_int_equal(at_events(&a) & TCT_EV_URGENT, 0);
  assert_int_equal(at_get(&a, TCT_OPT_URGENT_UNREAD), 0);
  at_end(&a);
}

static bool mentions(const char *path, const char *word) {
  static char line[4096];
  FILE *f = fopen(path, "r");
  bool found = false;
  assert_non_null(f);
  while (!found && fgets(line, sizeof line, f) != NULL)
    found = strstr(line, word) != NULL;
  fclose(f);
  return found;
}

/* [RFC9293 SHLD-13] [RFC9293 SHLD-23] Rules for applications: the command sends nothing urgent and
 * leaves Diffserv alone. The tests run in the source tree. */
static void the_command__its_sources__ask_for_neither(void **state) {
  (void)state;
  static const char *const patterns[] = {"cli/*.c", "cli/*/*.c", "examples/*.c"};
  size_t files = 0;
  for (unsigned i = 0; i < TCT_ARRAY_LEN(patterns); i++) {
    glob_t g;
    if (glob(patterns[i], 0, NULL, &g) != 0)
      continue;
    for (size_t k = 0; k < g.gl_pathc; k++, files++) {
      if (mentions(g.gl_pathv[k], "TCT_MSG_URGENT") || mentions(g.gl_pathv[k], "TCT_OPT_DSCP"))
        fail_msg("%s", g.gl_pathv[k]);
    }
    globfree(&g);
  }
  if (files == 0)
    skip(); /* not run in the source tree */
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(one_urgent_octet__segment__points_behind_it),
      cmocka_unit_test(urgent_run__of_each_length__arrives_whole_with_its_end),
      cmocka_unit_test(urgent_run_in__longer_than_the_field__is_read_in_order_and_counted),
      cmocka_unit_test(urgent_pointer_in__new_further_or_the_same__notice_notice_none),
      cmocka_unit_test(urgent_unread__asked_while_reading__counts_down),
      cmocka_unit_test(urgent_announced_ahead__no_octet_yet__is_counted),
      cmocka_unit_test(urgent_pointer_into_the_past__is_no_news),
      cmocka_unit_test(the_command__its_sources__ask_for_neither),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
