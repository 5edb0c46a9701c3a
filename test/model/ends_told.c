/* SPDX-License-Identifier: MIT */
/*
 * P10 from the code's side: two real stacks at the ends of a net that loses, doubles and reorders,
 * calls at random moments; what each end got, sent and then was is written down for the model of
 * both ends (prove/ends.pml with -DFOLLOWS), which must be able to do the same. Called by
 * prove/run.
 *
 *   ends_told SEED WALKS PREFIX       writes PREFIX1 to PREFIXn, one line a step
 *
 * Numbers are told as the model has them: end 0 begins at 10, end 1 at 30. Windows are larger than
 * all there is to send, so none is ever shut: test/model/ends.c has those.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/lib/at.h"
#include "util/time.h"

enum { SYN = 1, ACK = 2, FIN = 4, RST = 8 }; /* the model's flags */
enum { ISN_0 = 10, ISN_APART = 20, NET_MAX = 4, STEPS_MAX = 120, UNKNOWN = 64, WINDOW = 6 };

struct end {
  struct at a;
  unsigned i, total;
  bool has_k, has_listener, has_iss, closed, over;
  uint32_t iss;
  bool rst, acked, bare; /* sent in this step */
};

struct net { /* to one end */
  tct_seg at[NET_MAX];
  unsigned n;
};

static struct {
  struct end end[2];
  struct net net[2];
  uint32_t random;
  bool aborts, crossing, stop;
  FILE *out;
} w;

static uint32_t draw(uint32_t below) {
  w.random = w.random * 1664525u + 1013904223u;
  return (w.random >> 8) % below;
}

/* ---- told ---------------------------------------------------------------------------------------
 */

static void tell(char what, const struct end *e, unsigned n, const unsigned *v) {
  (void)fprintf(w.out, "%c%c", what, (char)('0' + e->i));
  for (unsigned i = 0; i < n; i++)
    (void)fputc((int)('0' + (v[i] <= UNKNOWN ? v[i] : UNKNOWN)), w.out);
  (void)fputc('\n', w.out);
}

/* 0 for what is far away: the number of a RST that has none. */
static unsigned number_of(const struct end *whose, uint32_t wire) {
  uint32_t n = wire - whose->iss + ISN_0 + ISN_APART * whose->i;
  return whose->has_iss && n < UNKNOWN ? n : 0;
}

static unsigned flags_of(const tct_seg *g) {
  return (g->flags & TCT_SYN ? SYN : 0u) | (g->flags & TCT_ACK ? ACK : 0u) |
         (g->flags & TCT_FIN ? FIN : 0u) | (g->flags & TCT_RST ? RST : 0u);
}

/* ---- an end -------------------------------------------------------------------------------------
 */

static void config(tct_config *c) {
  c->rack = c->tlp = c->frto = TCT_OFF;
  c->ecn = TCT_ECN_OFF;
  c->delack_ms = 1;
  c->r2_ms = 3000000;
}

static bool is_record(const struct end *e) {
  tct_counters n;
  tct_stack_counters(e->a.s, &n);
  return n.HalfOpenNow > 0;
}

static tct_state state_of(struct end *e, tct_info *i) {
  tct_counters n;
  memset(i, 0, sizeof *i);
  i->size = sizeof *i;
  tct_stack_counters(e->a.s, &n);
  if (n.HalfOpenNow > 0)
    return TCT_SYN_RECEIVED;
  if (e->has_k && tct_sock_info(e->a.s, e->a.k, i) == TCT_OK && i->state != TCT_CLOSED &&
      i->state != TCT_TIME_WAIT)
    return (tct_state)i->state;
  i->size = 0;
  if (n.TimeWaitNow > 0)
    return TCT_TIME_WAIT;
  return e->has_listener ? TCT_LISTEN : TCT_CLOSED;
}

static void send_off(struct end *e, const tct_seg *g) {
  struct net *to = &w.net[1 - e->i];
  if ((g->flags & TCT_SYN) != 0) {
    e->iss = g->seq;
    e->has_iss = true;
  }
  e->rst |= (g->flags & TCT_RST) != 0;
  e->acked |= (g->flags & TCT_ACK) != 0;
  e->bare |= g->flags == TCT_ACK && g->len == 0;
  unsigned ack = g->flags & TCT_ACK ? number_of(&w.end[1 - e->i], g->ack) : 0;
  tell('P', e, 4, (unsigned[]){flags_of(g), number_of(e, g->seq), ack, g->len});
  if (to->n < NET_MAX)
    to->at[to->n++] = *g;
}

static void turn(struct end *e) {
  static uint8_t buf[100];
  for (unsigned n = 0; n < 3; n++) {
    for (const tct_seg *g; (g = at_lose(&e->a)) != NULL;)
      send_off(e, g);
    (void)at_events(&e->a);
    if (e->has_listener && tct_sock_accept(e->a.s, e->a.listener, NULL, &e->a.k) == TCT_OK) {
      e->has_k = true;
      e->has_listener = false;
      assert_int_equal(tct_sock_close(e->a.s, e->a.listener), TCT_OK);
      if (e->total > 0)
        assert_int_equal(at_write(&e->a, e->total), e->total);
    }
    while (e->has_k && tct_sock_recv(e->a.s, e->a.k, buf, sizeof buf, 0) > 0)
      ;
  }
}

static void pass(struct end *e, tct_time ns) {
  tct_time end = e->a.now + ns;
  turn(e);
  while (e->a.now < end) {
    tct_time due = tct_deadline(e->a.s);
    e->a.now = due <= e->a.now ? e->a.now : due < end ? due : end;
    tct_advance(e->a.s, e->a.now);
    turn(e);
  }
}

/* The end of a step. */
static void settle(struct end *e, tct_time ns) {
  tct_info i;
  pass(e, ns);
  tct_state st = state_of(e, &i);
  bool open = i.size != 0 && st >= TCT_SYN_RECEIVED && !is_record(e);
  unsigned una = open ? number_of(e, i.snd_una) : UNKNOWN;
  unsigned rnxt = open ? number_of(&w.end[1 - e->i], i.rcv_nxt) : UNKNOWN;
  static const unsigned model[TCT_STATE_COUNT] = {
      [TCT_CLOSED] = 0,      [TCT_LISTEN] = 1,     [TCT_SYN_SENT] = 2,   [TCT_SYN_RECEIVED] = 3,
      [TCT_ESTABLISHED] = 4, [TCT_FIN_WAIT_1] = 5, [TCT_FIN_WAIT_2] = 6, [TCT_CLOSE_WAIT] = 7,
      [TCT_CLOSING] = 8,     [TCT_LAST_ACK] = 9,   [TCT_TIME_WAIT] = 10,
  };
  tell('X', e, 6, (unsigned[]){model[st], una, rnxt, e->rst, e->acked, e->bare});
  e->rst = e->acked = e->bare = false;
  e->over = st == TCT_CLOSED;
}

/* ---- what may happen ----------------------------------------------------------------------------
 */

static void begin(struct end *e, unsigned i) {
  tct_endpoint own = {{{0}}, AT_PORT, {0, 0}}, peer;
  memset(e, 0, sizeof *e);
  e->i = i;
  e->total = draw(3);
  at_start(&e->a, (struct at_how){.state = TCT_CLOSED, .strict = true, .config = config});
  at_set(&e->a, TCT_OPT_NODELAY, 1);
  own.addr = e->a.local;
  peer = (tct_endpoint){e->a.peer.addr, e->a.peer.port, {0, 0}};
  assert_int_equal(tct_sock_bind(e->a.s, e->a.k, &own), TCT_OK);
  bool listens = i == 1 && !w.crossing;
  tell(listens ? 'L' : 'O', e, 1, &e->total);
  e->has_k = !listens;
  e->has_listener = listens;
  e->a.listener = e->a.k;
  if (listens) {
    assert_int_equal(tct_sock_listen(e->a.s, e->a.k, 8), TCT_OK);
  } else {
    assert_int_equal(tct_sock_connect(e->a.s, e->a.k, &peer), TCT_OK);
    assert_true(e->total == 0 || at_write(&e->a, e->total) == e->total);
  }
  settle(e, TCT_MS(2));
}

static void close_end(struct end *e) {
  tct_info i;
  tct_state st = state_of(e, &i);
  if (e->closed || st < TCT_SYN_SENT || is_record(e) || (st == TCT_SYN_SENT && draw(8) != 0))
    return;
  if (st == TCT_SYN_RECEIVED && e->total > 0)
    return; /* waits for ESTABLISHED (RFC 9293 3.10.4), which the model leaves out */
  e->closed = true;
  tell('C', e, 0, NULL);
  if (st == TCT_SYN_SENT)
    assert_int_equal(tct_sock_close(e->a.s, e->a.k), TCT_OK);
  else
    (void)tct_sock_shutdown(e->a.s, e->a.k, TCT_SHUT_WR);
  settle(e, TCT_MS(2));
}

static void abort_end(struct end *e) {
  tct_info i;
  tct_state st = state_of(e, &i);
  if (!w.aborts || draw(4) != 0 || st < TCT_SYN_SENT || st == TCT_TIME_WAIT || is_record(e))
    return;
  e->closed = true;
  tell('A', e, 0, NULL);
  assert_int_equal(tct_sock_abort(e->a.s, e->a.k), TCT_OK);
  e->has_k = false;
  settle(e, TCT_MS(2));
}

static void take_out(struct net *n, unsigned at) {
  memmove(&n->at[at], &n->at[at + 1], (n->n - at - 1) * sizeof n->at[0]);
  n->n--;
}

static void deliver(struct end *e) {
  struct net *n = &w.net[e->i];
  if (n->n == 0)
    return;
  unsigned at = draw(3) == 0 ? draw(n->n) : 0, fate = draw(10);
  tct_seg g = n->at[at];
  if (fate != 0 || n->n == NET_MAX) /* else it comes again */
    take_out(n, at);
  if (fate == 1)
    return;
  bool acks = (g.flags & TCT_ACK) != 0;
  unsigned ack = acks ? number_of(e, g.ack) : 0;
  tell('I', e, 5,
       (unsigned[]){flags_of(&g), number_of(&w.end[1 - e->i], g.seq), ack,
                    g.flags & TCT_RST ? 0 : WINDOW, g.len});
  tct_seg t = at_template(&e->a);
  struct seg_diff d = {.len = g.len, .no_ack = !acks};
  t.seq = g.seq;
  t.ack = g.ack;
  t.window_raw = g.window_raw;
  t.mss = g.flags & TCT_SYN ? 1460 : 0;
  d.flags = g.flags & (TCT_SYN | TCT_FIN | TCT_RST | TCT_PSH);
  bool record = is_record(e);
  tct_info i;
  bool waits = state_of(e, &i) == TCT_TIME_WAIT;
  (void)at_raw(&e->a, &t, d);
  settle(e, record ? TCT_MS(400) : waits ? TCT_MS(1100) : TCT_MS(110));
}

/* To the next time-out of one end. 2 MSL outlast what is under way. */
static void wait_for(struct end *e) {
  tct_info i;
  bool waits = state_of(e, &i) == TCT_TIME_WAIT, record = is_record(e);
  tct_time due = tct_deadline(e->a.s);
  if (waits && (w.net[0].n > 0 || w.net[1].n > 0))
    return;
  if (waits)
    tell('T', e, 0, NULL);
  if (due == TCT_NEVER && !waits)
    return;
  if (!waits)
    pass(e, due > e->a.now ? due - e->a.now + 1 : 1);
  w.stop = record && !is_record(e); /* to LISTEN; the model has no listener behind any more */
  if (w.stop)
    return;
  if (!waits && state_of(e, &i) == TCT_CLOSED && !e->over)
    tell('G', e, 0, NULL);
  settle(e, waits ? TCT_S(300) : TCT_MS(1));
}

static void walk(uint32_t seed) {
  w.random = seed;
  w.crossing = draw(2) != 0;
  w.aborts = draw(3) == 0;
  w.net[0].n = w.net[1].n = 0;
  w.stop = false;
  begin(&w.end[0], 0);
  begin(&w.end[1], 1);
  for (unsigned n = 0; n < STEPS_MAX && !w.stop && !(w.end[0].over && w.end[1].over); n++) {
    struct end *e = &w.end[draw(2)];
    unsigned what = draw(20);
    if (what < 13)
      deliver(e);
    else if (what < 15)
      close_end(e);
    else if (what == 15)
      abort_end(e);
    else
      wait_for(e);
  }
  at_end(&w.end[0].a);
  at_end(&w.end[1].a);
}

static char **words;

static void walks__random__are_told(void **state) {
  char name[300];
  unsigned long seed = strtoul(words[1], NULL, 10), n = strtoul(words[2], NULL, 10);
  (void)state;
  for (unsigned long i = 1; i <= n; i++) {
    (void)snprintf(name, sizeof name, "%s%lu", words[3], i);
    w.out = fopen(name, "w");
    assert_non_null(w.out);
    walk((uint32_t)((seed + i) * 7919u));
    (void)fputs("E\n", w.out);
    assert_int_equal(fclose(w.out), 0);
  }
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(walks__random__are_told)};
  words = argv;
  return argc != 4 ? 2 : cmocka_run_group_tests(tests, NULL, NULL);
}
