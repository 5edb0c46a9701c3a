/* SPDX-License-Identifier: MIT */
/*
 * The moves of the core against the table that the model of both ends is made of
 * (prove/transitions.def): every row is taken, with its answer, and every event without a row moves
 * nothing.
 */
#include "test/lib/at.h"

enum event { OPEN, LISTEN, CLOSE, ABORT, GIVE_UP, WAIT_OVER, SYN, SYN_ACK, ACK, RST, DATA, FIN };
#define EVENTS (FIN + 1)
enum answer { SAYS_NONE, SAYS_ACK, SAYS_RST, SAYS_SYN, SAYS_SYN_ACK, SAYS_FIN };

static const struct row {
  tct_state from;
  enum event event;
  tct_state to;
  enum answer answer;
  bool record; /* where a listener stands behind */
} rows[] = {
#define MOVE(from, event, to, answer) {TCT_##from, event, TCT_##to, SAYS_##answer, false},
#define RECORD(from, event, to, answer) {TCT_##from, event, TCT_##to, SAYS_##answer, true},
#include "prove/transitions.def"
};

static const struct row *find_row(tct_state from, enum event e, bool passive) {
  const struct row *found = NULL;
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    const struct row *r = &rows[i];
    bool rules = r->record ? passive : !(passive && from == TCT_SYN_RECEIVED);
    if (r->from == from && r->event == e && rules)
      found = r;
  }
  return found;
}

/* ---- The moves that are seen ------------------------------------------------------------------
 */

struct moves {
  unsigned n;
  tct_state from, to; /* of the first */
};

static void note(void *ctx, const tct_trace *t) {
  struct moves *m = ctx;
  if (t->kind != TCT_TRACE_STATE)
    return;
  if (m->n++ == 0) {
    m->from = (tct_state)t->state_old;
    m->to = (tct_state)t->state_new;
  }
}

static struct moves seen;

static void config_trace(tct_config *c) {
  c->trace = note;
  c->trace_ctx = &seen;
}

/* ---- Events -----------------------------------------------------------------------------------
 */

static tct_sock handle(struct at *a) {
  return a->how.state == TCT_LISTEN ? a->listener : a->k;
}

static bool is_record(const struct at *a) {
  return a->how.state == TCT_SYN_RECEIVED && a->how.passive;
}

static bool call(struct at *a, enum event e) {
  tct_endpoint peer = {a->peer.addr, a->peer.port, {0, 0}};
  tct_endpoint own = {a->local, AT_PORT, {0, 0}};
  tct_sock k = handle(a);
  if (is_record(a))
    return false; /* nobody has a handle of it */
  if (e == OPEN)
    assert_int_equal(tct_sock_connect(a->s, k, &peer) == TCT_OK,
                     find_row(a->how.state, e, a->how.passive) != NULL);
  if (e == LISTEN && a->how.state == TCT_CLOSED)
    assert_int_equal(tct_sock_bind(a->s, k, &own), TCT_OK);
  if (e == LISTEN)
    assert_int_equal(tct_sock_listen(a->s, k, 8) == TCT_OK,
                     find_row(a->how.state, e, a->how.passive) != NULL ||
                         a->how.state == TCT_LISTEN);
  if (e == CLOSE)
    assert_int_equal(tct_sock_close(a->s, k), TCT_OK);
  if (e == ABORT)
    assert_int_equal(tct_sock_abort(a->s, k), TCT_OK);
  return true;
}

/* The application closes without a move where that is no event of its own. */
static void close_quietly(struct at *a) {
  if (find_row(a->how.state, CLOSE, a->how.passive) == NULL && a->how.state != TCT_CLOSED &&
      !is_record(a))
    assert_int_equal(tct_sock_close(a->s, a->k), TCT_OK);
}

static bool pass(struct at *a, enum event e) {
  tct_state st = a->how.state;
  bool waits = st == TCT_FIN_WAIT_2 || st == TCT_TIME_WAIT;
  if (waits != (e == WAIT_OVER) || st == TCT_LISTEN || st == TCT_CLOSED)
    return false;
  if (e == WAIT_OVER)
    close_quietly(a);
  else if (st == TCT_ESTABLISHED || st == TCT_CLOSE_WAIT)
    assert_int_equal(at_write(a, 100), 100);
  at_pass(a, TCT_S(3600));
  return true;
}

static bool segment(struct at *a, enum event e) {
  tct_state st = a->how.state;
  bool unacked =
      st == TCT_SYN_RECEIVED || st == TCT_FIN_WAIT_1 || st == TCT_CLOSING || st == TCT_LAST_ACK;
  switch (e) {
  case SYN:
    AT_IN(a, .flags = TCT_SYN, .no_ack = true);
    break;
  case SYN_ACK:
    AT_IN(a, .flags = TCT_SYN);
    break;
  case ACK:
    AT_IN(a, .len = 0);
    break;
  case RST:
    AT_IN(a, .flags = TCT_RST);
    break;
  case DATA:
    close_quietly(a);
    AT_IN(a, .len = 10, .ack = unacked ? -1 : 0);
    break;
  default:
    AT_IN(a, .flags = TCT_FIN, .ack = unacked ? -1 : 0);
    break;
  }
  return true;
}

static bool happen(struct at *a, enum event e) {
  if (e <= ABORT)
    return call(a, e);
  return e <= WAIT_OVER ? pass(a, e) : segment(a, e);
}

/* ---- Answers ----------------------------------------------------------------------------------
 */

static bool is_answer(const tct_seg *g, enum answer want) {
  static const uint8_t flags[] = {
      [SAYS_ACK] = TCT_ACK,
      [SAYS_RST] = TCT_RST,
      [SAYS_SYN] = TCT_SYN,
      [SAYS_FIN] = TCT_FIN,
      [SAYS_SYN_ACK] = TCT_SYN | TCT_ACK,
  };
  if (want == SAYS_NONE || g == NULL)
    return want == SAYS_NONE && g == NULL;
  uint8_t ends = g->flags & (TCT_SYN | TCT_FIN | TCT_RST);
  return (g->flags & flags[want]) == flags[want] && ends == (flags[want] & ~TCT_ACK);
}

static void take_row(const struct row *r, bool ipv6, bool passive) {
  struct at a;
  at_start(&a, (struct at_how){.state = r->from,
                               .strict = true,
                               .ipv6 = ipv6,
                               .passive = passive,
                               .config = config_trace});
  seen = (struct moves){0};
  assert_true(happen(&a, r->event));
  bool moved = seen.n == 1 && seen.from == r->from && seen.to == r->to;
  if (r->event == LISTEN) /* a call that nobody is told of */
    moved = at_state(&a) == TCT_LISTEN;
  if (!moved)
    fail_msg("%s, event %u: %u moves, to %s, not %s", at_name(r->from), r->event, seen.n,
             at_name(seen.to), at_name(r->to));
  if (r->event != GIVE_UP && r->event != WAIT_OVER) {
    const tct_seg *g = r->answer == SAYS_ACK ? at_wait(&a, TCT_S(1)) : at_out(&a);
    if (!is_answer(g, r->answer))
      fail_msg("%s, event %u: another answer", at_name(r->from), r->event);
  }
  (void)at_drain(&a);
  at_end(&a);
}

static void each_row__event__moves_and_answers(void **state) {
  (void)state;
  for (unsigned i = 0; i < TCT_ARRAY_LEN(rows); i++) {
    for (unsigned how = 0; how < 4; how++) {
      if (find_row(rows[i].from, rows[i].event, (how & 2) != 0) == &rows[i])
        take_row(&rows[i], (how & 1) != 0, (how & 2) != 0);
    }
  }
}

static void each_state__event_without_a_row__moves_nothing(void **state) {
  (void)state;
  for (unsigned n = 0; n < TCT_STATE_COUNT * EVENTS * 2; n++) {
    tct_state st = (tct_state)(n / EVENTS % TCT_STATE_COUNT);
    enum event e = (enum event)(n % EVENTS);
    bool passive = n >= TCT_STATE_COUNT * EVENTS;
    struct at a;
    if (find_row(st, e, passive) != NULL)
      continue;
    at_start(&a, (struct at_how){
                     .state = st, .strict = true, .passive = passive, .config = config_trace});
    seen = (struct moves){0};
    (void)happen(&a, e);
    if (seen.n != 0)
      fail_msg("%s, event %u: %u moves, to %s", at_name(st), e, seen.n, at_name(seen.to));
    (void)at_drain(&a);
    at_end(&a);
  }
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(each_row__event__moves_and_answers),
      cmocka_unit_test(each_state__event_without_a_row__moves_nothing),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
