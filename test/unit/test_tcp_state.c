/* SPDX-License-Identifier: MIT */
/*
 * The states: every pair of the table, and what FIN, ACK, RST, CLOSE and ABORT do in each state,
 * for both families, with states reached by exchanged segments.
 */
#include "test/lib/at.h"
#include "test/lib/expect_trap.h"
#include "test/lib/leaf.h"

#define ACK TCT_ACK
#define FIN_ACK (TCT_FIN | TCT_ACK)
#define RST_ACK (TCT_RST | TCT_ACK)

/* ---- the table ------------------------------------------------------------------------------- */

/* RFC 9293 figure 5, and CLOSED from anywhere; written down apart from the code. */
static const struct {
  tct_state from, to;
} legal[] = {
    {TCT_CLOSED, TCT_LISTEN},           {TCT_CLOSED, TCT_SYN_SENT},
    {TCT_CLOSED, TCT_SYN_RECEIVED},     {TCT_LISTEN, TCT_CLOSED},
    {TCT_SYN_SENT, TCT_SYN_RECEIVED},   {TCT_SYN_SENT, TCT_ESTABLISHED},
    {TCT_SYN_SENT, TCT_CLOSED},         {TCT_SYN_RECEIVED, TCT_ESTABLISHED},
    {TCT_SYN_RECEIVED, TCT_FIN_WAIT_1}, {TCT_SYN_RECEIVED, TCT_CLOSE_WAIT},
    {TCT_SYN_RECEIVED, TCT_CLOSED},     {TCT_ESTABLISHED, TCT_FIN_WAIT_1},
    {TCT_ESTABLISHED, TCT_CLOSE_WAIT},  {TCT_ESTABLISHED, TCT_CLOSED},
    {TCT_FIN_WAIT_1, TCT_FIN_WAIT_2},   {TCT_FIN_WAIT_1, TCT_CLOSING},
    {TCT_FIN_WAIT_1, TCT_TIME_WAIT},    {TCT_FIN_WAIT_1, TCT_CLOSED},
    {TCT_FIN_WAIT_2, TCT_TIME_WAIT},    {TCT_FIN_WAIT_2, TCT_CLOSED},
    {TCT_CLOSE_WAIT, TCT_LAST_ACK},     {TCT_CLOSE_WAIT, TCT_CLOSED},
    {TCT_CLOSING, TCT_TIME_WAIT},       {TCT_CLOSING, TCT_CLOSED},
    {TCT_LAST_ACK, TCT_CLOSED},         {TCT_TIME_WAIT, TCT_CLOSED},
};

static bool is_legal(tct_state from, tct_state to) {
  for (unsigned i = 0; i < TCT_ARRAY_LEN(legal); i++) {
    if (legal[i].from == from && legal[i].to == to)
      return true;
  }
  return from == to;
}

struct move {
  struct leaf f;
  tct_state to;
};

static void make_move(void *arg) {
  struct move *m = arg;
  tct_tcp_state_set(&m->f.s, &m->f.c, m->to, TCT_WHY_NONE);
}

static void every_pair__move__is_made_or_trapped(void **state) {
  (void)state;
  static struct move m;
  for (unsigned from = 0; from < TCT_STATE_COUNT; from++) {
    for (unsigned to = 0; to < TCT_STATE_COUNT; to++) {
      leaf_init(&m.f, true);
      m.f.c.state = (uint8_t)from;
      m.to = (tct_state)to;
      if (is_legal((tct_state)from, m.to))
        make_move(&m);
      else if (!call_traps(make_move, &m))
        fail_msg("%s to %s was made", at_name((tct_state)from), at_name(m.to));
      if (is_legal((tct_state)from, m.to))
        assert_int_equal(m.f.c.state, to);
      leaf_end(&m.f);
    }
  }
}

static void established__counter__follows_entries_and_exits(void **state) {
  (void)state;
  struct leaf f;
  leaf_init(&f, true);
  f.c.state = TCT_SYN_SENT;
  f.s.n.CurrEstab = 0;
  tct_tcp_state_set(&f.s, &f.c, TCT_ESTABLISHED, TCT_WHY_NONE);
  assert_int_equal(f.s.n.CurrEstab, 1);
  tct_tcp_state_set(&f.s, &f.c, TCT_CLOSE_WAIT, TCT_WHY_NONE);
  assert_int_equal(f.s.n.CurrEstab, 1);
  tct_tcp_state_set(&f.s, &f.c, TCT_LAST_ACK, TCT_WHY_NONE);
  assert_int_equal(f.s.n.CurrEstab, 0);
  leaf_end(&f);
}

/* ---- every state is reached ------------------------------------------------------------------ */

static void every_state__both_families_both_ways__is_reached(void **state) {
  (void)state;
  for (unsigned st = TCT_CLOSED; st < TCT_STATE_COUNT; st++) {
    for (unsigned k = 0; k < 8; k++) {
      struct at a;
      at_start(&a, (struct at_how){.state = (tct_state)st,
                                   .ipv6 = (k & 1) != 0,
                                   .passive = (k & 2) != 0,
                                   .strict = (k & 4) != 0});
      at_end(&a);
    }
  }
}

/* ---- events ---------------------------------------------------------------------------------- */

enum what { FIN_IN, FIN_OLD_ACK_IN, ACK_IN, RST_IN, CLOSE, SHUT_WR };

struct event_row {
  tct_state from;
  enum what what;
  tct_state to;
  int err;       /* of CLOSED, when to is CLOSED */
  uint8_t reply; /* flags of the one segment that answers, 0: none */
};

static void play(struct at *a, enum what what) {
  switch (what) {
  case FIN_IN:
    AT_IN(a, .flags = TCT_FIN);
    break;
  case FIN_OLD_ACK_IN:
    AT_IN(a, .flags = TCT_FIN, .ack = -1);
    break;
  case ACK_IN:
    AT_IN(a, .len = 0);
    break;
  case RST_IN:
    AT_IN(a, .flags = TCT_RST);
    break;
  case CLOSE:
    assert_int_equal(tct_sock_close(a->s, a->k), TCT_OK);
    break;
  case SHUT_WR:
    assert_int_equal(tct_sock_shutdown(a->s, a->k, TCT_SHUT_WR), TCT_OK);
    break;
  }
}

static void check_row(const struct event_row *row, bool ipv6) {
  struct at a;
  at_start(&a, (struct at_how){.state = row->from, .ipv6 = ipv6, .strict = true});
  play(&a, row->what);
  if (at_state(&a) != row->to)
    fail_msg("%s, event %d: %s instead of %s", at_name(row->from), row->what, at_name(at_state(&a)),
             at_name(row->to));
  if (row->reply != 0) {
    assert_non_null(at_out(&a));
    assert_int_equal(a.got.flags, row->reply);
  }
  at_quiet(&a);
  (void)at_events(&a);
  bool over = row->to == TCT_CLOSED || row->to == TCT_TIME_WAIT;
  assert_int_equal(a.closed, over ? 1 : 0);
  if (over)
    assert_int_equal(a.err, row->err);
  at_end(&a);
}

/* [RFC9293 EP-37] [RFC9293 EP-38] [RFC9293 EP-29] [RFC9293 EP-30] [RFC9293 EP-40] [RFC9293 EP-18]
 * [RFC9293 EP-21] [RFC9293 EP-8] [RFC9293 EP-20] [RFC9293 EP-39] [RFC9293 MUST-12] [RFC9293
 * MUST-11] */
static void each_state__each_event__next_state_answer_and_error(void **state) {
  (void)state;
  static const struct event_row rows[] = {
      {TCT_SYN_SENT, FIN_IN, TCT_SYN_SENT, 0, 0},
      {TCT_SYN_SENT, RST_IN, TCT_CLOSED, TCT_ECONNREFUSED, 0},
      {TCT_SYN_SENT, CLOSE, TCT_CLOSED, 0, 0},
      {TCT_SYN_RECEIVED, ACK_IN, TCT_ESTABLISHED, 0, 0},
      {TCT_SYN_RECEIVED, FIN_IN, TCT_CLOSE_WAIT, 0, ACK},
      {TCT_SYN_RECEIVED, RST_IN, TCT_CLOSED, TCT_ECONNREFUSED, 0},
      {TCT_SYN_RECEIVED, CLOSE, TCT_FIN_WAIT_1, 0, FIN_ACK},
      {TCT_SYN_RECEIVED, SHUT_WR, TCT_FIN_WAIT_1, 0, FIN_ACK},
      {TCT_ESTABLISHED, FIN_IN, TCT_CLOSE_WAIT, 0, ACK},
      {TCT_ESTABLISHED, ACK_IN, TCT_ESTABLISHED, 0, 0},
      {TCT_ESTABLISHED, RST_IN, TCT_CLOSED, TCT_ECONNRESET, 0},
      {TCT_ESTABLISHED, CLOSE, TCT_FIN_WAIT_1, 0, FIN_ACK},
      {TCT_ESTABLISHED, SHUT_WR, TCT_FIN_WAIT_1, 0, FIN_ACK},
      {TCT_FIN_WAIT_1, ACK_IN, TCT_FIN_WAIT_2, 0, 0},
      {TCT_FIN_WAIT_1, FIN_IN, TCT_TIME_WAIT, 0, ACK},
      {TCT_FIN_WAIT_1, FIN_OLD_ACK_IN, TCT_CLOSING, 0, ACK},
      {TCT_FIN_WAIT_1, RST_IN, TCT_CLOSED, TCT_ECONNRESET, 0},
      {TCT_FIN_WAIT_1, CLOSE, TCT_FIN_WAIT_1, 0, 0},
      {TCT_FIN_WAIT_2, ACK_IN, TCT_FIN_WAIT_2, 0, 0},
      {TCT_FIN_WAIT_2, FIN_IN, TCT_TIME_WAIT, 0, ACK},
      {TCT_FIN_WAIT_2, RST_IN, TCT_CLOSED, TCT_ECONNRESET, 0},
      {TCT_FIN_WAIT_2, CLOSE, TCT_FIN_WAIT_2, 0, 0},
      {TCT_CLOSE_WAIT, ACK_IN, TCT_CLOSE_WAIT, 0, 0},
      {TCT_CLOSE_WAIT, RST_IN, TCT_CLOSED, TCT_ECONNRESET, 0},
      {TCT_CLOSE_WAIT, CLOSE, TCT_LAST_ACK, 0, FIN_ACK},
      {TCT_CLOSE_WAIT, SHUT_WR, TCT_LAST_ACK, 0, FIN_ACK},
      {TCT_CLOSING, ACK_IN, TCT_TIME_WAIT, 0, 0},
      {TCT_CLOSING, RST_IN, TCT_CLOSED, 0, 0},
      {TCT_CLOSING, CLOSE, TCT_CLOSING, 0, 0},
      {TCT_LAST_ACK, ACK_IN, TCT_CLOSED, 0, 0},
      {TCT_LAST_ACK, RST_IN, TCT_CLOSED, 0, 0},
      {TCT_LAST_ACK, CLOSE, TCT_LAST_ACK, 0, 0},
  };
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    check_row(&rows[i], false);
    check_row(&rows[i], true);
  }
}

/* [RFC9293 EP-41] */
static void each_state__abort__sends_rst_where_one_is_owed(void **state) {
  (void)state;
  for (unsigned st = TCT_CLOSED; st < TCT_STATE_COUNT; st++) {
    struct at a;
    bool owed = st == TCT_SYN_RECEIVED || st == TCT_ESTABLISHED || st == TCT_FIN_WAIT_1 ||
                st == TCT_FIN_WAIT_2 || st == TCT_CLOSE_WAIT;
    at_start(&a, (struct at_how){.state = (tct_state)st, .strict = true});
    uint32_t nxt = st >= TCT_SYN_SENT ? at_info(&a).snd_nxt : 0;
    assert_int_equal(tct_sock_abort(a.s, a.k), TCT_OK);
    if (owed) {
      const tct_seg *g = at_out(&a);
      assert_non_null(g);
      assert_true((g->flags & TCT_RST) != 0);
      assert_int_equal(g->seq, nxt);
    }
    at_quiet(&a);
    (void)at_events(&a);
    assert_int_equal(a.closed, 0); /* stale at once, and no event follows */
    assert_int_equal(tct_sock_abort(a.s, a.k), TCT_EBADF);
    at_end(&a);
  }
}

/* Closed before our SYN was acknowledged: its ACK makes the connection whole, FIN and all. */
static void simultaneous_open_closed_at_once__acks__end_in_order(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .strict = true});
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  assert_non_null(at_out(&a));
  assert_int_equal(a.got.flags, FIN_ACK);
  AT_IN(&a, .len = 100, .ack = -1); /* the SYN alone */
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_1);
  assert_true(at_info(&a).snd_cwnd >= 1000);
  assert_int_equal(at_read(&a, 1000), 100);
  (void)at_drain(&a);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  AT_IN(&a, .flags = TCT_FIN);
  assert_int_equal(at_state(&a), TCT_TIME_WAIT);
  at_end(&a);
}

/* [RFC9293 EP-40] Queued data waits for ESTABLISHED, and the FIN for the data. */
static void syn_received__close_with_queued_data__data_then_fin(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .strict = true});
  assert_int_equal(at_write(&a, 300), 300);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  at_quiet(&a);
  AT_IN(&a, .len = 0);
  const tct_seg *g = at_out(&a);
  at_is(&a, g, FIN_ACK | TCT_PSH, 0, 300);
  AT_IN(&a, .len = 0);
  assert_int_equal(at_state(&a), TCT_FIN_WAIT_2);
  at_end(&a);
}

/* The peer's FIN comes with the ACK that completes the handshake, while ours is queued. */
static void syn_received__close_with_queued_data_and_fin_in__last_ack(void **state) {
  (void)state;
  struct at a;
  at_start(&a, (struct at_how){.state = TCT_SYN_RECEIVED, .strict = true});
  assert_int_equal(at_write(&a, 300), 300);
  assert_int_equal(tct_sock_shutdown(a.s, a.k, TCT_SHUT_WR), TCT_OK);
  AT_IN(&a, .flags = TCT_FIN);
  while (at_out(&a) != NULL)
    ;
  assert_int_equal(a.peer.rcv_nxt, a.peer.irs + 1 + 300 + 1);
  AT_IN(&a, .len = 0);
  tct_state st = at_state(&a);
  assert_true(st == TCT_CLOSED || st == TCT_TIME_WAIT);
  at_end(&a);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_pair__move__is_made_or_trapped),
      cmocka_unit_test(established__counter__follows_entries_and_exits),
      cmocka_unit_test(every_state__both_families_both_ways__is_reached),
      cmocka_unit_test(each_state__each_event__next_state_answer_and_error),
      cmocka_unit_test(each_state__abort__sends_rst_where_one_is_owed),
      cmocka_unit_test(simultaneous_open_closed_at_once__acks__end_in_order),
      cmocka_unit_test(syn_received__close_with_queued_data__data_then_fin),
      cmocka_unit_test(syn_received__close_with_queued_data_and_fin_in__last_ack),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
