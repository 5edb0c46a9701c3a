/* SPDX-License-Identifier: MIT */
/*
 * A whole session - open, listen, connect, accept, transfer both ways, close - with the 1st, 2nd,
 * 3rd … request for memory refused on either side, and with all requests refused from then on.
 * Nothing may crash, leak or hang; one refusal must not even stop the transfer.
 */
#include "test/lib/at.h"
#include "test/lib/world.h"

#include <stdio.h>

#define TOTAL 60000u /* octets each way */

struct end {
  tct_sock k;
  bool open, shut, eof, closed;
  int err;
  uint32_t sent, got;
};

struct session {
  struct world w;
  tct_sock listener;
  struct end end[2]; /* 0 connects */
};

static void fill(uint8_t *buf, uint32_t at, size_t n) {
  for (size_t i = 0; i < n; i++)
    buf[i] = seg_octet(at + (uint32_t)i);
}

static void write_some(struct session *x, unsigned i) {
  struct end *e = &x->end[i];
  uint8_t buf[3000];
  while (e->sent < TOTAL) {
    size_t n = TOTAL - e->sent < sizeof buf ? TOTAL - e->sent : sizeof buf;
    fill(buf, e->sent, n);
    long took = tct_sock_send(x->w.s[i], e->k, buf, n, 0);
    if (took <= 0)
      return; /* full, no memory, or over: the next turn tries again */
    e->sent += (uint32_t)took;
  }
  bool connected = (tct_sock_ready(x->w.s[i], e->k) & TCT_EV_CONNECTED) != 0;
  if (!e->shut && connected)
    e->shut = tct_sock_shutdown(x->w.s[i], e->k, TCT_SHUT_WR) == TCT_OK;
}

static void read_some(struct session *x, unsigned i) {
  struct end *e = &x->end[i];
  uint8_t buf[3000], want[3000];
  long n;
  while ((n = tct_sock_recv(x->w.s[i], e->k, buf, sizeof buf, 0)) > 0) {
    fill(want, e->got, (size_t)n);
    assert_memory_equal(buf, want, (size_t)n);
    e->got += (uint32_t)n;
  }
  if (n == 0)
    e->eof = true;
}

static void pull_events(struct session *x, unsigned i) {
  tct_event ev;
  struct end *e = &x->end[i];
  while (tct_event_next(x->w.s[i], &ev)) {
    if (!e->open || ev.sock.index != e->k.index || ev.sock.gen != e->k.gen)
      continue;
    if ((ev.flags & TCT_EV_CLOSED) == 0)
      continue;
    assert_false(e->closed);
    e->closed = true;
    e->err = ev.err;
  }
}

static void turn(void *ctx) {
  struct session *x = ctx;
  struct end *child = &x->end[1];
  if (!child->open)
    child->open = tct_sock_accept(x->w.s[1], x->listener, NULL, &child->k) == TCT_OK;
  for (unsigned i = 0; i < 2; i++) {
    if (x->end[i].open && !x->end[i].closed) {
      read_some(x, i);
      write_some(x, i);
    }
    pull_events(x, i);
  }
}

/* Twice, since one request in all is refused; false: refused for good. */
#define TRY(call)                                                                                  \
  do {                                                                                             \
    int e_ = (call);                                                                               \
    if (e_ != TCT_OK)                                                                              \
      e_ = (call);                                                                                 \
    if (e_ != TCT_OK) {                                                                            \
      assert_true(e_ == TCT_ENOMEM || e_ == TCT_ENOBUFS);                                          \
      return false;                                                                                \
    }                                                                                              \
  } while (0)

static bool set_up(struct session *x) {
  struct world *w = &x->w;
  tct_endpoint at = {w->addr[1], 80, {0, 0}};
  TRY(tct_sock_open(w->s[1], TCT_TCP, NULL, &x->listener));
  TRY(tct_sock_bind(w->s[1], x->listener, &at));
  TRY(tct_sock_listen(w->s[1], x->listener, 5));
  TRY(tct_sock_open(w->s[0], TCT_TCP, NULL, &x->end[0].k));
  TRY(tct_sock_connect(w->s[0], x->end[0].k, &at));
  x->end[0].open = true;
  return true;
}

static bool is_whole(const struct session *x) {
  return x->end[0].closed && x->end[1].closed && x->end[0].got == TOTAL && x->end[1].got == TOTAL;
}

static void limits(tct_config *c) {
  c->limits.conns = 64; /* small tables: their growth is part of the story */
  c->limits.buffer_bytes = 1u << 20;
}

/* Returns how many requests side `side` made; *whole: everything arrived and closed in order. */
static size_t run(unsigned side, size_t n, bool after, bool *whole) {
  static struct session x;
  struct world_how how = {.config = limits, .ipv6 = n % 2 != 0, .linux_profile = n % 3 == 0};
  memset(&x, 0, sizeof x);
  failing_alloc_init(&x.w.mem[0]);
  failing_alloc_init(&x.w.mem[1]);
  failing_alloc_fail_nth(&x.w.mem[side], n);
  x.w.mem[side].fail_after = after;
  *whole = false;
  bool made = world_start(&x.w, how, true);
  if (made && set_up(&x)) {
    x.w.turn = turn;
    x.w.ctx = &x;
    for (unsigned i = 0; i < 3000 && !is_whole(&x); i++)
      world_run(&x.w, x.w.now + TCT_MS(100));
    *whole = is_whole(&x) && x.end[0].err == 0 && x.end[1].err == 0;
  }
  size_t failed = x.w.mem[side].failed, requests = x.w.mem[side].requests;
  if (made && !*whole && !after && x.end[0].open)
    print_message("side %u, request %zu: got %u and %u, closed %d %d, err %d %d\n", side, n,
                  x.end[0].got, x.end[1].got, x.end[0].closed, x.end[1].closed, x.end[0].err,
                  x.end[1].err);
  world_end(&x.w);
  return failed > 0 ? requests : 0;
}

/* One refusal. Only what makes the stack itself may then be refused for good. */
static void n_th_request_refused__either_side__session_is_whole_all_the_same(void **state) {
  (void)state;
  for (unsigned side = 0; side < 2; side++) {
    unsigned whole_runs = 0, refused_runs = 0;
    for (size_t n = 1;; n++) {
      bool whole;
      size_t requests = run(side, n, false, &whole);
      if (requests == 0) {
        assert_true(whole);
        break;
      }
      whole_runs += whole;
      refused_runs += !whole;
    }
    assert_true(whole_runs > refused_runs);
    assert_true(refused_runs < 25); /* tct_new and the interface */
  }
}

/* Memory is gone for good from the n-th request on: no crash, no leak; whatever ends, ends cleanly.
 */
static void all_requests_refused_from_the_n_th_on__either_side__nothing_breaks(void **state) {
  (void)state;
  for (unsigned side = 0; side < 2; side++) {
    for (size_t n = 1;; n++) {
      bool whole;
      if (run(side, n, true, &whole) == 0)
        break;
    }
  }
}

/* ---- a stack without memory can still close -------------------------------------------------- */

static void no_memory_left__established__close_and_its_handshake_work(void **state) {
  (void)state;
  for (unsigned strict = 0; strict < 2; strict++) {
    struct at a;
    at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = strict != 0, .ts = true});
    a.mem.fail_at = 1;
    a.mem.fail_after = true;
    assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
    assert_non_null(at_lose(&a));
    assert_int_equal(a.got.flags, TCT_FIN | TCT_ACK);
    const tct_seg *g = at_wait(&a, TCT_S(10)); /* and again when it is lost */
    assert_true((g->flags & TCT_FIN) != 0);
    AT_IN(&a, .len = 0);
    assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
    AT_IN(&a, .flags = TCT_FIN);
    assert_non_null(at_out(&a));
    assert_int_equal(a.got.flags, TCT_ACK);
    (void)at_events(&a);
    assert_int_equal(a.closed, 1);
    at_end(&a);
  }
}

static void no_memory_left__data_arrives__is_refused_by_name_and_not_acknowledged(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  a.mem.fail_at = 1;
  a.mem.fail_after = true;
  assert_int_equal(AT_IN(&a, .len = 100, .ghost = true), TCT_DROP_NO_MEMORY);
  assert_int_equal(AT_IN(&a, .len = 100, .flags = TCT_FIN, .ghost = true), TCT_DROP_NO_MEMORY);
  assert_int_equal(at_state(&a), TCT_ESTABLISHED);
  assert_int_equal(at_info(&a).rcv_nxt, a.peer.snd_nxt);
  long n = at_write(&a, 10);
  assert_true(n == TCT_ENOMEM || n == TCT_ENOBUFS);
  a.mem.fail_at = 0;
  (void)at_drain(&a);
  AT_IN(&a, .len = 100);
  assert_int_equal(at_read(&a, 100), 100);
  assert_int_equal(at_write(&a, 10), 10);
  (void)at_wait(&a, TCT_S(1));
  at_end(&a);
}

/* The peer's numbers and probes are answered from the connection's own block. */
static void no_memory_left__probes_rst_and_keepalive__work(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_ESTABLISHED, .strict = true});
  at_set(&a, TCT_OPT_KEEPALIVE, 1);
  at_set(&a, TCT_OPT_KEEPIDLE_S, 5);
  a.mem.fail_at = 1;
  a.mem.fail_after = true;
  AT_IN(&a, .seq = -1, .ghost = true);
  at_is(&a, at_out(&a), TCT_ACK, 0, 0);
  (void)at_wait(&a, TCT_S(6));
  assert_int_equal(a.why, TCT_WHY_KEEPALIVE);
  AT_IN(&a, .flags = TCT_RST);
  (void)at_events(&a);
  assert_int_equal(a.err, TCT_ECONNRESET);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(n_th_request_refused__either_side__session_is_whole_all_the_same),
      cmocka_unit_test(all_requests_refused_from_the_n_th_on__either_side__nothing_breaks),
      cmocka_unit_test(no_memory_left__established__close_and_its_handshake_work),
      cmocka_unit_test(no_memory_left__data_arrives__is_refused_by_name_and_not_acknowledged),
      cmocka_unit_test(no_memory_left__probes_rst_and_keepalive__work),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
