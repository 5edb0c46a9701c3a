/* SPDX-License-Identifier: MIT */
/*
 * P10 from the model's side: walks of the model of both ends (prove/ends.pml with -DTRACE, run by
 * spin -T) are played to two real stacks, one for each end. A stack gets the calls and the segments
 * that the model's end gets, in its own numbers; after each step these must be equal: the state,
 * SND.UNA, RCV.NXT, the RST that answers and its numbers, whether an ACK is owed, what has been
 * acknowledged; and nothing has left that the model's end might not send. Called by `make check`
 * with the walks in test/model/walks, and by prove/run with new ones.
 *
 *   ends FILE...       one line a step of the model; WORLD begins a walk
 *
 * A byte of the model's peer is UNIT octets, so that a window of few bytes is worth telling
 * (RFC 9293 section 3.8.6.2.2); a byte of its own end is one octet, so that a probe is one.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/lib/at.h"
#include "util/time.h"

enum { UNIT = 1460, ISN_0 = 10, ISN_APART = 20, AGAIN_MAX = 2 };
enum { SYN = 1, ACK = 2, FIN = 4, RST = 8, PSH = 16 }; /* the model's flags */

/* The model's states have the order of ours but for CLOSED's neighbours: told by name. */
static const tct_state states[] = {
    TCT_CLOSED,     TCT_LISTEN,     TCT_SYN_SENT, TCT_SYN_RECEIVED, TCT_ESTABLISHED, TCT_FIN_WAIT_1,
    TCT_FIN_WAIT_2, TCT_CLOSE_WAIT, TCT_CLOSING,  TCT_LAST_ACK,     TCT_TIME_WAIT,
};

struct heard { /* what the stack sent in this step */
  bool ack, only_ack, rst;
  uint32_t acked, rst_seq, rst_ack;
};

struct end {
  struct at a;
  unsigned i;
  bool alive, has_k, has_listener, passive, has_iss;
  uint32_t iss, sent; /* sent: after the last number that has left */
  uint32_t total;     /* bytes of this end's application */
  unsigned again;     /* retransmissions that were waited for */
  struct heard heard;
  /* of the model */
  tct_state st;
  unsigned flags; /* of the segment that came in last */
  unsigned una, rnxt, owes, edge;
  bool rst_due, rst_any, by_segment, by_reader;
  unsigned rst_flags, rst_seq, rst_ack;
};

static struct {
  struct end end[2];
  unsigned buffer;
  bool shut, refuses, on;
  const char *file;
  unsigned line;
  unsigned long walks, steps, segments;
} w;

#define WRONG(e, ...)                                                                              \
  (fprintf(stderr, "%s:%u: end %u: ", w.file, w.line, (e)->i), fprintf(stderr, __VA_ARGS__),       \
   fprintf(stderr, "\n"), fail())

/* ---- numbers -----------------------------------------------------------------------------------
 */

static unsigned first_of(unsigned i) {
  return ISN_0 + ISN_APART * i;
}

static uint32_t own(const struct end *e, unsigned n) {
  return e->iss + n - first_of(e->i);
}

/* Octets of the peer: one for its SYN, UNIT a byte, one for its FIN. What is older than its SYN is
 * windows away. */
static uint32_t theirs(const struct end *e, unsigned n) {
  uint32_t total = w.end[1 - e->i].total, past = n - first_of(1 - e->i);
  if (n <= first_of(1 - e->i))
    return AT_PEER_ISN - (past == 0 ? 0 : 20 * UNIT) + past;
  uint32_t bytes = past - 1 < total ? past - 1 : total;
  return AT_PEER_ISN + 1 + bytes * UNIT + (past - 1 - bytes);
}

static bool is_after(uint32_t a, uint32_t b) {
  return (int32_t)(a - b) > 0;
}

/* ---- the stack ---------------------------------------------------------------------------------
 */

static void config(tct_config *c) {
  c->rack = c->tlp = c->frto = TCT_OFF;
  c->ecn = TCT_ECN_OFF;
  c->delack_ms = 1;
  c->r2_ms = 3000000;
  c->rcvbuf_bytes = c->rcvbuf_max_bytes = w.buffer * UNIT;
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
  if (n.TimeWaitNow > 0)
    return TCT_TIME_WAIT;
  return e->has_listener ? TCT_LISTEN : TCT_CLOSED;
}

static void note_sent(struct end *e, const tct_seg *g) {
  uint32_t stop = g->seq + g->len + ((g->flags & (TCT_SYN | TCT_FIN)) != 0);
  if ((g->flags & TCT_SYN) != 0) {
    e->iss = g->seq;
    e->has_iss = true;
    e->sent = stop;
  } else if (is_after(stop, e->sent)) {
    e->sent = stop;
  }
}

/* One segment has left. */
static void hear(struct end *e, const tct_seg *g) {
  struct heard *h = &e->heard;
  if ((g->flags & TCT_RST) != 0) {
    h->rst = true;
    h->rst_seq = g->seq;
    h->rst_ack = (g->flags & TCT_ACK) != 0 ? g->ack : 0;
    return;
  }
  note_sent(e, g);
  if ((g->flags & TCT_ACK) == 0)
    return;
  h->ack = true;
  h->acked = g->ack;
  h->only_ack |= g->flags == TCT_ACK && g->len == 0;
}

static void accept_child(struct end *e) {
  if (!e->has_listener || tct_sock_accept(e->a.s, e->a.listener, NULL, &e->a.k) != TCT_OK)
    return;
  e->has_k = true;
  assert_int_equal(tct_sock_close(e->a.s, e->a.listener), TCT_OK); /* the model opens once */
  e->has_listener = false;
  if (e->total > 0)
    assert_int_equal(at_write(&e->a, e->total), e->total);
}

/* Who has no window to leave shut reads at once. */
static void read_all(struct end *e) {
  static uint8_t buf[65536];
  while (!w.shut && e->has_k && tct_sock_recv(e->a.s, e->a.k, buf, sizeof buf, 0) > 0)
    ;
}

static void turn(struct end *e) {
  for (unsigned n = 0; n < 3; n++) {
    for (const tct_seg *g; (g = at_lose(&e->a)) != NULL;)
      hear(e, g);
    (void)at_events(&e->a);
    accept_child(e);
    read_all(e);
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

/* ---- calls -------------------------------------------------------------------------------------
 */

static void begin(struct end *e, unsigned i) {
  memset(e, 0, sizeof *e);
  e->i = i;
  at_start(&e->a, (struct at_how){.state = TCT_CLOSED, .strict = true, .config = config});
  e->alive = true;
  e->iss = e->sent = 5000;
  at_set(&e->a, TCT_OPT_NODELAY, 1);
}

static void finish(void) {
  for (unsigned i = 0; i < 2 && w.on; i++)
    at_end(&w.end[i].a);
  w.on = false;
}

static void open_end(struct end *e, bool passive, unsigned total) {
  tct_endpoint own_port = {e->a.local, AT_PORT, {0, 0}};
  tct_endpoint peer = {e->a.peer.addr, e->a.peer.port, {0, 0}};
  e->total = total;
  assert_int_equal(tct_sock_bind(e->a.s, e->a.k, &own_port), TCT_OK);
  if (passive) {
    e->a.listener = e->a.k;
    e->has_listener = e->passive = true;
    assert_int_equal(tct_sock_listen(e->a.s, e->a.k, 8), TCT_OK);
    return;
  }
  e->has_k = true;
  assert_int_equal(tct_sock_connect(e->a.s, e->a.k, &peer), TCT_OK);
  if (total > 0)
    assert_int_equal(at_write(&e->a, total), total);
}

static void close_end(struct end *e) {
  if (e->has_listener) {
    assert_int_equal(tct_sock_close(e->a.s, e->a.listener), TCT_OK);
    e->has_listener = false;
  } else if (w.refuses || e->st == TCT_SYN_SENT) {
    assert_int_equal(tct_sock_close(e->a.s, e->a.k), TCT_OK);
  } else {
    assert_int_equal(tct_sock_shutdown(e->a.s, e->a.k, TCT_SHUT_WR), TCT_OK);
  }
}

static void abort_end(struct end *e) {
  assert_int_equal(tct_sock_abort(e->a.s, e->a.k), TCT_OK);
  e->has_k = false;
}

static void read_one(struct end *e) {
  uint8_t buf[UNIT];
  if (e->has_k)
    assert_int_equal(tct_sock_recv(e->a.s, e->a.k, buf, sizeof buf, 0), UNIT);
}

/* The peer is gone: something must be under way that nobody answers. */
static void give_up(struct end *e) {
  bool idle = e->st == TCT_ESTABLISHED || e->st == TCT_CLOSE_WAIT;
  if (e->has_k && idle)
    (void)at_write(&e->a, 1);
  pass(e, TCT_S(40000));
  if (e->has_listener) { /* its record is gone; the listener itself gives up nothing */
    assert_false(is_record(e));
    assert_int_equal(tct_sock_close(e->a.s, e->a.listener), TCT_OK);
    e->has_listener = false;
  }
}

/* ---- segments ----------------------------------------------------------------------------------
 */

/* A window of bytes ends with the FIN, one of octets does not: what comes after a FIN that is
 * missing is as far away as another byte. */
static uint32_t beyond_fin(const struct end *e, unsigned seq) {
  unsigned fin = first_of(1 - e->i) + 1 + w.end[1 - e->i].total;
  return seq > fin && e->rnxt <= fin ? UNIT - 1 : 0;
}

static void arrive(struct end *e, unsigned flags, unsigned seq, unsigned ack, unsigned window) {
  tct_seg t = at_template(&e->a);
  struct seg_diff d = {.len = flags & PSH ? UNIT : 0, .no_ack = (flags & ACK) == 0};
  t.seq = theirs(e, seq) + beyond_fin(e, seq);
  t.ack = own(e, ack);
  t.window_raw = (uint16_t)window;
  t.mss = flags & SYN ? UNIT : 0;
  d.flags = (uint8_t)((flags & SYN ? TCT_SYN : 0) | (flags & FIN ? TCT_FIN : 0) |
                      (flags & RST ? TCT_RST : 0) | (flags & PSH ? TCT_PSH : 0));
  e->flags = flags;
  (void)at_raw(&e->a, &t, d);
  w.segments++;
}

/* What the model sends for the first time the stack has sent, or sends in time. Of what is sent
 * again some is waited for. */
static void expect_sent(struct end *e, unsigned flags, unsigned seq) {
  uint32_t from = own(e, seq), stop = from + (flags & PSH ? 1 : 0) + (flags & (SYN | FIN) ? 1 : 0);
  tct_time end = e->a.now + TCT_S(200);
  if ((flags & (PSH | FIN)) == 0)
    return;
  bool again = !is_after(stop, e->sent);
  uint32_t was = e->sent;
  if (again && e->again++ >= AGAIN_MAX)
    return;
  if (again)
    e->sent = from;
  while (is_after(stop, e->sent) && e->a.now < end)
    pass(e, TCT_S(1));
  if (is_after(stop, e->sent))
    WRONG(e, "the model sends %u to the number %u%s, the stack does not", flags, seq,
          again ? " again" : "");
  if (is_after(was, e->sent))
    e->sent = was;
}

/* ---- after a step ------------------------------------------------------------------------------
 */

static void compare_rst(const struct end *e) {
  const struct heard *h = &e->heard;
  if (h->rst != (e->rst_due || e->rst_any))
    WRONG(e, "%s RST", h->rst ? "the stack sends a" : "the stack sends no");
  if (!e->rst_due || e->rst_any)
    return;
  uint32_t seq = e->rst_flags & ACK ? 0 : own(e, e->rst_seq);
  uint32_t ack = e->rst_flags & ACK ? theirs(e, e->rst_ack) : 0;
  if (h->rst_seq != seq || h->rst_ack != ack)
    WRONG(e, "RST %u, %u, not %u, %u", h->rst_seq, h->rst_ack, seq, ack);
}

static void compare_numbers(const struct end *e, const tct_info *i, unsigned rnxt) {
  if (i->size == 0 || i->state < TCT_SYN_SENT || i->state == TCT_TIME_WAIT)
    return;
  if (i->snd_una != own(e, e->una))
    WRONG(e, "SND.UNA is ISS + %u, not ISS + %u", i->snd_una - e->iss, e->una - first_of(e->i));
  if (i->state >= TCT_SYN_RECEIVED && i->rcv_nxt != theirs(e, rnxt))
    WRONG(e, "RCV.NXT is %u, not %u", i->rcv_nxt - AT_PEER_ISN, theirs(e, rnxt) - AT_PEER_ISN);
}

static void compare_answers(const struct end *e, unsigned owed, unsigned rnxt) {
  const struct heard *h = &e->heard;
  bool open = e->st >= TCT_SYN_RECEIVED;
  bool old_syn = e->st == TCT_TIME_WAIT && e->flags == SYN; /* silence, for MAY-2's sake */
  bool must =
      e->by_segment || (e->by_reader && e->st >= TCT_ESTABLISHED && e->st <= TCT_FIN_WAIT_2);
  if (open && must && !old_syn && e->owes && !owed && !h->ack)
    WRONG(e, "an ACK is owed, none was sent (%s)", tct_verdict_name((tct_verdict)e->a.verdict));
  if (e->by_segment && open && !e->owes && h->only_ack)
    WRONG(e, "an ACK was sent, none is owed");
  if (open && h->ack && h->acked != theirs(e, rnxt))
    WRONG(e, "%u is acknowledged, not %u", h->acked - AT_PEER_ISN, theirs(e, rnxt) - AT_PEER_ISN);
  /* the peer's window, or one number into a shut one; a FIN in SYN-RECEIVED asks for none */
  unsigned edge = e->edge > e->una + 1 ? e->edge : e->una + 1;
  if (e->st >= TCT_ESTABLISHED && e->una > first_of(e->i) && is_after(e->sent, own(e, edge)))
    WRONG(e, "sent up to ISS + %u, the window ends at ISS + %u", e->sent - e->iss,
          edge - first_of(e->i));
}

/* So long that delayed ACKs are out and answers are not limited. */
static tct_time time_after(const struct end *e, bool record) {
  if (record)
    return TCT_MS(400);
  if (e->st == TCT_TIME_WAIT)
    return TCT_MS(1100);
  return TCT_MS(e->by_segment ? 110 : 2);
}

static void compare(struct end *e, const unsigned *is) {
  tct_info info;
  unsigned owed = e->owes;
  tct_state before = e->st;
  bool record = is_record(e);
  tct_time span = time_after(e, record);
  e->st = states[is[0]];
  e->una = is[1];
  e->rnxt = is[3];
  e->owes = is[4];
  e->edge = is[5] > e->edge ? is[5] : e->edge; /* an old segment may tell of less */
  pass(e, span);
  tct_state st = state_of(e, &info);
  if (st != e->st)
    WRONG(e, "%s, not %s (before: %s)", at_name(st), at_name(e->st), at_name(before));
  if (!record)
    compare_numbers(e, &info, is[3]);
  compare_rst(e);
  compare_answers(e, owed, is[3]);
  e->heard = (struct heard){0};
  e->rst_due = e->rst_any = e->by_segment = e->by_reader = false;
  w.steps++;
}

/* ---- lines -------------------------------------------------------------------------------------
 */

static void begin_walk(const unsigned *v) {
  finish();
  w.buffer = v[0];
  w.shut = v[1] != 0;
  w.refuses = v[2] != 0;
  w.on = true;
  w.walks++;
  begin(&w.end[0], 0);
  begin(&w.end[1], 1);
}

static void take_put(struct end *e, const unsigned *v) {
  if ((v[0] & RST) == 0) {
    expect_sent(e, v[0], v[1]);
    return;
  }
  e->rst_due = true;
  e->rst_flags = v[0];
  e->rst_seq = v[1];
  e->rst_ack = v[2];
}

static void take_step(struct end *e, const char *what, const unsigned *v) {
  if (strcmp(what, "OPEN") == 0 || strcmp(what, "LISTEN") == 0) {
    open_end(e, what[0] == 'L', v[0]);
  } else if (strcmp(what, "IN") == 0) {
    e->by_segment = true;
    arrive(e, v[0], v[1], v[2], v[3]);
  } else if (strcmp(what, "CLOSE") == 0) {
    close_end(e);
  } else if (strcmp(what, "ABORT") == 0) {
    abort_end(e);
  } else if (strcmp(what, "READ") == 0) {
    e->by_reader = true;
    read_one(e);
  } else if (strcmp(what, "GIVE_UP") == 0) {
    give_up(e);
  } else if (strcmp(what, "WAIT_OVER") == 0) {
    pass(e, TCT_S(1000));
  } else if (strcmp(what, "ABORTS") == 0) {
    e->rst_any = true;
  } else if (strcmp(what, "PUT") == 0) {
    take_put(e, v);
  } else if (strcmp(what, "IS") == 0) {
    compare(e, v);
  } else {
    WRONG(e, "'%s' is no step", what);
  }
}

static void play(FILE *f) {
  char line[200], what[20];
  unsigned i, v[6];
  for (w.line = 1; fgets(line, sizeof line, f) != NULL; w.line++) {
    memset(v, 0, sizeof v);
    if (line[0] != '@')
      continue;
    int n =
        sscanf(line, "@ %u %19s %u %u %u %u %u %u", &i, what, v, v + 1, v + 2, v + 3, v + 4, v + 5);
    assert_true(n >= 2 && i < 2);
    if (strcmp(what, "WORLD") == 0) {
      begin_walk(v);
      continue;
    }
    assert_true(w.on);
    take_step(&w.end[i], what, v);
  }
  finish();
}

static char **files;

static void walks__each_step__stack_and_model_agree(void **state) {
  (void)state;
  for (char **name = files; *name != NULL; name++) {
    FILE *f = fopen(*name, "r");
    assert_non_null(f);
    w.file = *name;
    play(f);
    (void)fclose(f);
  }
  assert_true(w.walks > 0 && w.segments > 0);
  printf("# %lu walks, %lu steps, %lu segments\n", w.walks, w.steps, w.segments);
}

int main(int argc, char **argv) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(walks__each_step__stack_and_model_agree),
  };
  (void)argc;
  files = argv + 1;
  return cmocka_run_group_tests(tests, NULL, NULL);
}
