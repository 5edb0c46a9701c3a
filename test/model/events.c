/* SPDX-License-Identifier: MIT */
/*
 * Sequences of events for a stack and its model: an opening that leads towards one of the states,
 * then segments of which half are what a peer would say next and half are anything.
 */
#include <string.h>

#include "test/model/events.h"
#include "util/prng.h"

#define LEN(a) (sizeof(a) / sizeof(a)[0])

/* ---- drawing -----------------------------------------------------------------------------------
 */

static uint32_t below(struct tct_prng *r, uint32_t n) {
  return tct_prng_below(r, n);
}

static bool chance(struct tct_prng *r, uint32_t percent) {
  return below(r, 100) < percent;
}

static struct event *add(struct sequence *s, unsigned kind) {
  struct event *e = &s->at[s->n++];
  memset(e, 0, sizeof *e);
  e->kind = (uint8_t)kind;
  return e;
}

static struct event *say(struct sequence *s, uint8_t flags, uint32_t len) {
  struct event *e = add(s, EVENT_SEGMENT);
  e->flags = flags;
  e->seq_from = flags & TCT_SYN ? FROM_PEER_ISN : FROM_RCV_NXT;
  e->ack_from = FROM_SND_NXT;
  e->len = len;
  e->window = 65535;
  e->mss = 1460;
  return e;
}

static void open_passive(struct sequence *s) {
  add(s, EVENT_LISTEN);
  say(s, TCT_SYN, 0);
  say(s, TCT_ACK, 0);
}

static void open_active(struct sequence *s) {
  add(s, EVENT_CONNECT);
  say(s, TCT_SYN | TCT_ACK, 0);
}

/* The ways to the states of RFC 9293 figure 5. */
static void lead_to(struct sequence *s, tct_state to, bool active) {
  if (to == TCT_CLOSED)
    return;
  if (to == TCT_LISTEN || (to == TCT_SYN_RECEIVED && !active)) {
    add(s, EVENT_LISTEN);
    if (to == TCT_SYN_RECEIVED)
      say(s, TCT_SYN, 0);
    return;
  }
  if (to == TCT_SYN_SENT || to == TCT_SYN_RECEIVED) {
    add(s, EVENT_CONNECT);
    if (to == TCT_SYN_RECEIVED)
      say(s, TCT_SYN, 0);
    return;
  }
  if (active)
    open_active(s);
  else
    open_passive(s);
  if (to == TCT_CLOSE_WAIT || to == TCT_LAST_ACK)
    say(s, TCT_FIN | TCT_ACK, 0);
  if (to == TCT_FIN_WAIT_1 || to == TCT_FIN_WAIT_2 || to == TCT_CLOSING || to == TCT_LAST_ACK ||
      to == TCT_TIME_WAIT)
    add(s, EVENT_SHUT);
  if (to == TCT_FIN_WAIT_2 || to == TCT_TIME_WAIT)
    say(s, TCT_ACK, 0);
  if (to == TCT_TIME_WAIT)
    say(s, TCT_FIN | TCT_ACK, 0);
  if (to == TCT_CLOSING) /* its FIN does not cover ours */
    say(s, TCT_FIN | TCT_ACK, 0)->ack = -1;
}

static const int32_t steps[] = {0,     0,     0,      1,          -1,          2,
                                -2,    10,    -10,    100,        -100,        1000,
                                -1000, 70000, -70000, 0x40000000, -0x40000000, 0x7fffffff};

/* The bits that mean something to section 3.10.7, in mixes likely and unlikely. */
static const uint8_t mixes[] = {
    TCT_ACK,           TCT_ACK,           TCT_ACK,           TCT_ACK | TCT_FIN,
    TCT_ACK | TCT_FIN, TCT_SYN,           TCT_SYN | TCT_ACK, TCT_RST,
    TCT_RST | TCT_ACK, TCT_ACK | TCT_URG, TCT_FIN,           0,
    TCT_URG,           TCT_SYN | TCT_FIN, TCT_SYN | TCT_RST, TCT_ACK | TCT_PSH};

static void draw_odd(struct sequence *s, struct tct_prng *r) {
  static const uint16_t windows[] = {65535, 65535, 65535, 10000, 1460, 500, 1, 0};
  static const uint32_t lengths[] = {0, 0, 0, 1, 10, 100, 1000, 1460};
  static const uint16_t sizes[] = {1460, 1460, 536, 0};
  struct event *e = add(s, EVENT_SEGMENT);
  e->flags = mixes[below(r, LEN(mixes))];
  e->seq_from = (uint8_t)below(r, 3);
  if (chance(r, 20))
    e->seq_from = FROM_PEER_ISN;
  e->ack_from = (uint8_t)(FROM_SND_UNA + below(r, 3));
  e->seq = chance(r, 40) ? 0 : steps[below(r, LEN(steps))];
  e->ack = chance(r, 60) ? 0 : steps[below(r, LEN(steps))];
  e->len = lengths[below(r, LEN(lengths))];
  e->window = windows[below(r, LEN(windows))];
  e->mss = sizes[below(r, LEN(sizes))];
  e->stamp = chance(r, 80) ? STAMP_NEW : (uint8_t)(1 + below(r, 2));
  e->urgent = e->flags & TCT_URG ? (uint16_t)below(r, 20) : 0;
}

static void draw_likely(struct sequence *s, struct tct_prng *r) {
  switch (below(r, 8)) {
  case 0:
    say(s, TCT_SYN, 0)->seq = (int32_t)below(r, 3) * 1000;
    break;
  case 1:
    say(s, TCT_SYN | TCT_ACK, 0);
    break;
  case 2:
  case 3:
    say(s, TCT_ACK, 0);
    break;
  case 4:
    say(s, TCT_ACK | TCT_FIN, below(r, 2) * 10);
    break;
  default:
    say(s, TCT_ACK | TCT_PSH, 1 + below(r, 600));
  }
}

static void draw_call(struct sequence *s, struct tct_prng *r) {
  static const uint8_t kinds[] = {EVENT_WRITE,  EVENT_WRITE,   EVENT_WRITE, EVENT_SHUT,
                                  EVENT_SHUT,   EVENT_CLOSE,   EVENT_READ,  EVENT_READ_NOT,
                                  EVENT_LISTEN, EVENT_CONNECT, EVENT_ABORT, EVENT_PASS};
  struct event *e = add(s, kinds[below(r, LEN(kinds))]);
  if (e->kind == EVENT_WRITE)
    e->len = 1 + below(r, chance(r, 20) ? 3000 : 300);
}

void events_draw(struct sequence *s, uint64_t seed) {
  static const uint32_t isns[] = {1000,       0,          0xffffffff, 0xfffffffe,
                                  0x7fffffff, 0x80000000, 0xffffff00};
  struct tct_prng r;
  uint8_t key[32] = {0};
  memcpy(key, &seed, sizeof seed);
  tct_prng_init(&r, key);
  memset(s, 0, sizeof *s);
  s->ipv6 = chance(&r, 30);
  s->timestamps = chance(&r, 30);
  s->peer_isn = chance(&r, 60) ? isns[below(&r, LEN(isns))] : tct_prng_u32(&r);
  s->rcv_buffer = 65535;
  lead_to(s, (tct_state)below(&r, TCT_STATE_COUNT), chance(&r, 50));
  unsigned n = s->n + 1 + below(&r, 12);
  while (s->n < n) {
    uint32_t kind = below(&r, 100);
    if (kind < 45)
      draw_odd(s, &r);
    else if (kind < 80)
      draw_likely(s, &r);
    else
      draw_call(s, &r);
  }
}

/* ---- shrinking ---------------------------------------------------------------------------------
 */

static bool still_differs(const struct sequence *s, struct difference *d) {
  static struct tally t;
  struct difference got;
  if (pair_run(s, &t, &got) || got.what == NULL || strcmp(got.what, d->what) != 0)
    return false;
  *d = got;
  return true;
}

static bool drop_one(struct sequence *s, struct difference *d) {
  for (unsigned i = s->n; i-- > 0;) {
    struct sequence t = *s;
    memmove(t.at + i, t.at + i + 1, (t.n - i - 1) * sizeof t.at[0]);
    t.n--;
    if (still_differs(&t, d)) {
      *s = t;
      return true;
    }
  }
  return false;
}

/* Values nearer to what a peer would have said. */
static bool simplify_one(struct sequence *s, struct difference *d) {
  for (unsigned i = 0; i < s->n; i++)
    for (unsigned what = 0; what < 8; what++) {
      struct sequence t = *s;
      struct event *e = &t.at[i];
      bool ours = e->kind == EVENT_SEGMENT;
      if (what == 0)
        e->len = e->kind == EVENT_WRITE ? 1 : 0;
      else if (what == 1)
        e->seq = 0;
      else if (what == 2)
        e->ack = 0;
      else if (what == 3 && ours)
        e->window = 65535;
      else if (what == 4 && ours)
        e->flags &= (uint8_t) ~(TCT_PSH | TCT_URG);
      else if (what == 5)
        e->urgent = 0;
      else if (what == 6 && ours)
        e->mss = 1460;
      else if (what == 7)
        e->stamp = STAMP_NEW;
      if (memcmp(&t, s, sizeof t) != 0 && still_differs(&t, d)) {
        *s = t;
        return true;
      }
    }
  return false;
}

void events_shrink(struct sequence *s, struct difference *d) {
  s->n = d->event + 1 < s->n ? d->event + 1 : s->n;
  while (drop_one(s, d) || simplify_one(s, d)) {
  }
}

/* ---- words -------------------------------------------------------------------------------------
 */

static const char *const kind_names[] = {"segment", "connect", "listen",   "write", "shut",
                                         "close",   "abort",   "read-not", "read",  "pass"};
static const char *const anchor_names[] = {"RCV.NXT", "EDGE", "IRS",     "SND.UNA",
                                           "SND.NXT", "ISS",  "PEER.ISN"};

static void print_flags(FILE *to, uint8_t flags) {
  static const char letters[] = "FSRPAU";
  for (unsigned i = 0; i < 6; i++)
    if (flags & (1u << i))
      fputc(letters[i], to);
  if (flags == 0)
    fputc('-', to);
}

static void print_event(FILE *to, const struct event *e) {
  fprintf(to, "  %s", kind_names[e->kind]);
  if (e->kind == EVENT_SEGMENT) {
    fputc(' ', to);
    print_flags(to, e->flags);
    fprintf(to, " seq %s%+d", anchor_names[e->seq_from], (int)e->seq);
    if (e->flags & TCT_ACK)
      fprintf(to, " ack %s%+d", anchor_names[e->ack_from], (int)e->ack);
    fprintf(to, " win %u", (unsigned)e->window);
    if (e->urgent != 0)
      fprintf(to, " urg %u", (unsigned)e->urgent);
    if (e->stamp != STAMP_NEW)
      fputs(e->stamp == STAMP_OLD ? " TS old" : " no TS", to);
    if (e->flags & TCT_SYN)
      fprintf(to, " mss %u", (unsigned)e->mss);
  }
  if (e->len != 0)
    fprintf(to, " len %u", (unsigned)e->len);
  fputc('\n', to);
}

static void print_answer(FILE *to, const char *who, const struct answer *a) {
  fprintf(to, "  %-5s %s", who, tct_state_name(a->state));
  if (a->rst)
    fprintf(to, " RST seq %u%s ack %u", a->rst_seq, a->rst_has_ack ? ",ACK" : "", a->rst_ack);
  if (a->syn)
    fprintf(to, " SYN %u", a->syn_seq);
  if (a->ack)
    fprintf(to, " ack %u win %u", a->acked, a->window);
  if (a->data)
    fprintf(to, " data %u-%u", a->data_from, a->data_to);
  if (a->fin)
    fprintf(to, " FIN %u", a->fin_seq);
  if (a->again)
    fprintf(to, " again");
  fprintf(to, "; read %llu%s%s, err %d\n", (unsigned long long)a->got, a->eof ? " EOF" : "",
          a->urgent ? " urgent" : "", a->err);
}

void events_print(FILE *to, const struct sequence *s, const struct difference *d) {
  fprintf(to, "# differs in: %s, in %s, after event %u (IPv%d%s, peer's ISN %u)\n", d->what,
          tct_state_name(d->before), d->event + 1, s->ipv6 ? 6 : 4,
          s->timestamps ? ", timestamps" : "", s->peer_isn);
  for (unsigned i = 0; i < s->n; i++)
    print_event(to, &s->at[i]);
  print_answer(to, "core", &d->core);
  print_answer(to, "model", &d->model);
}
