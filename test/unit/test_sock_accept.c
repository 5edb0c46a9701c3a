/* SPDX-License-Identifier: MIT */
/* sock/: what waits to be accepted, as an application sees it. */
#include "test/unit/wire_peer.h"

static struct wire w;
static tct_sock k; /* the socket under test */

static int setup(void **state) {
  (void)state;
  wire_init(&w, TCT_PROFILE_LINUX);
  w.cfg.no_timestamps = true;
  wire_open(&w);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  wire_close(&w);
  return 0;
}

static void child__before_accept__is_silent_and_out_of_reach(void **state) {
  (void)state;
  char buf[8];
  void *user;
  tct_sock l = listen_on(&w, ANY, PORT, 5), child, next = {0, 0};
  struct seg sa = handshake(&w, PEER_PORT, 500);
  child = w.got_by;
  put(&w, (struct seg){.flags = TCT_ACK, .seq = 501, .ack = sa.seq + 1, .len = 5});
  assert_int_equal(events_of(&w, l, NULL), TCT_EV_ACCEPT);
  assert_int_equal(tct_sock_ready(w.s, l), TCT_EV_ACCEPT);
  assert_int_equal(tct_sock_recv(w.s, child, buf, 8, 0), TCT_EBADF);
  assert_int_equal(tct_sock_abort(w.s, child), TCT_EBADF);
  assert_int_equal(tct_sock_user(w.s, child, &user), TCT_EBADF);
  assert_true(tct_sock_next(w.s, &next));
  assert_int_equal(next.index, l.index);
  assert_false(tct_sock_next(w.s, &next));
  assert_int_equal(tct_sock_accept(w.s, l, &sa, &k), TCT_OK);
  assert_int_equal(k.index, child.index);
  assert_int_equal(tct_sock_ready(w.s, l), 0);
  tct_event ev = {0};
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_READABLE); /* what came before */
  assert_ptr_equal(ev.user, &sa);
  assert_int_equal(tct_sock_recv(w.s, k, buf, 8, 0), 5);
}

static void child__reset_before_accept__accepted_and_closed(void **state) {
  (void)state;
  tct_event ev = {0};
  tct_sock l = listen_on(&w, ANY, PORT, 5);
  (void)handshake(&w, PEER_PORT, 500);
  put(&w, (struct seg){.flags = TCT_RST, .seq = 501});
  assert_int_equal(tct_sock_accept(w.s, l, NULL, &k), TCT_OK);
  assert_int_equal(events_of(&w, k, &ev), TCT_EV_CLOSED);
  assert_int_equal(ev.err, TCT_ECONNRESET);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test_setup_teardown(child__before_accept__is_silent_and_out_of_reach, setup,
                                      teardown),
      cmocka_unit_test_setup_teardown(child__reset_before_accept__accepted_and_closed, setup,
                                      teardown),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
