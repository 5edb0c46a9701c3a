/* SPDX-License-Identifier: MIT */
/*
 * Every line of cells.tsv, over IPv4 and IPv6: the state is reached by an exchange of segments, one
 * segment arrives, and what the stack did is what RFC 9293 section 3.10.7 wants. The table is made
 * by tools/cells from the text; a cell here is a line there.
 */
#include <stdio.h>
#include <stdlib.h>

#include "test/lib/at.h"

struct cell {
  char state[24], segment[20], place[8], verdict[8], answer[8], next[24], told[8];
  unsigned read;
  tct_state from;
  bool passive, ipv6;
};

struct segment {
  const char *name;
  uint8_t flags;
  uint32_t len;
  char ack; /* o, d, n, f: old, dup, new, future; 0: none */
};

static const struct segment segments[] = {
    {"SYN", TCT_SYN, 0, 0},
    {"SYN+data", TCT_SYN, 10, 0},
    {"SYN+FIN", TCT_SYN | TCT_FIN, 0, 0},
    {"SYN,ACK", TCT_SYN, 0, 'n'},
    {"SYN,ACK dup", TCT_SYN, 0, 'd'},
    {"ACK old", 0, 0, 'o'},
    {"ACK dup", 0, 0, 'd'},
    {"ACK new", 0, 0, 'n'},
    {"ACK future", 0, 0, 'f'},
    {"RST", TCT_RST, 0, 0},
    {"RST,ACK", TCT_RST, 0, 'n'},
    {"RST,ACK future", TCT_RST, 0, 'f'},
    {"RST+data", TCT_RST, 10, 0},
    {"FIN", TCT_FIN, 0, 0},
    {"FIN,ACK dup", TCT_FIN, 0, 'd'},
    {"FIN,ACK new", TCT_FIN, 0, 'n'},
    {"data dup", 0, 10, 'd'},
    {"data new", 0, 10, 'n'},
    {"data future", 0, 10, 'f'},
    {"data+FIN dup", TCT_FIN, 10, 'd'},
    {"data+FIN new", TCT_FIN, 10, 'n'},
    {"data without ACK", 0, 10, 0},
    {"no bits", 0, 0, 0},
    {"URG,ACK", TCT_URG, 0, 'd'},
    {"URG without ACK", TCT_URG, 0, 0},
};

static struct at a;
static const struct cell *now; /* being played */
static uint32_t heard;         /* to its application */

#define WANT(ok, ...)                                                                              \
  do {                                                                                             \
    if (!(ok)) {                                                                                   \
      print_error("%s x %s, %s, IPv%d: ", now->state, now->segment, now->place,                    \
                  now->ipv6 ? 6 : 4);                                                              \
      print_error(__VA_ARGS__);                                                                    \
      print_error("\n");                                                                           \
      return false;                                                                                \
    }                                                                                              \
  } while (0)

/* ---- where the connection is ------------------------------------------------------------------
 */

static const char *state_now(void) {
  tct_counters n;
  tct_info i = {.size = sizeof i};
  tct_stack_counters(a.s, &n);
  if (n.HalfOpenNow > 0)
    return "SYN-RECEIVED/passive";
  if (a.listener.gen != 0 && tct_sock_accept(a.s, a.listener, NULL, &a.k) == TCT_OK)
    heard |= at_events(&a);
  bool has = tct_sock_info(a.s, a.k, &i) == TCT_OK;
  if (has && i.state == TCT_SYN_RECEIVED)
    return "SYN-RECEIVED/active";
  if (has && i.state != TCT_CLOSED && i.state != TCT_TIME_WAIT && i.state != TCT_LISTEN)
    return at_name((tct_state)i.state);
  if (n.TimeWaitNow > 0)
    return "TIME-WAIT";
  return a.listener.gen != 0 ? "LISTEN" : "CLOSED";
}

static void no_repairs(tct_config *c) { /* nothing leaves but answers for a while */
  c->tlp = c->rack = TCT_OFF;
}

static void reach(const struct cell *c) {
  bool listens = c->passive || c->from == TCT_LISTEN || c->from == TCT_TIME_WAIT;
  at_start(&a, (struct at_how){.state = c->from,
                               .strict = true,
                               .ipv6 = c->ipv6,
                               .passive = listens,
                               .config = no_repairs});
  if (c->from == TCT_ESTABLISHED || c->from == TCT_CLOSE_WAIT) {
    at_write(&a, 100);
    assert_non_null(at_out(&a));
  }
}

/* SND.UNA: behind what is outstanding in that state. */
static uint32_t una_of(const struct cell *c) {
  uint32_t nxt = a.peer.rcv_nxt;
  switch (c->from) {
  case TCT_ESTABLISHED:
  case TCT_CLOSE_WAIT:
    return nxt - 100;
  case TCT_FIN_WAIT_2:
  case TCT_TIME_WAIT:
  case TCT_LISTEN:
  case TCT_CLOSED:
    return nxt;
  default:
    return nxt - 1; /* a SYN or a FIN */
  }
}

static uint32_t edge_of(const struct cell *c) {
  bool told = c->from >= TCT_SYN_RECEIVED;
  return told ? a.got.ack + a.got.window_raw : a.peer.snd_nxt + 65535u;
}

static uint32_t place_of(const struct cell *c) {
  uint32_t nxt = a.peer.snd_nxt;
  switch (c->place[0]) {
  case 'l':
    return nxt - 20;
  case 'n':
    return nxt;
  case 'i':
    return nxt + 1000;
  case 'e':
    return edge_of(c) - 1;
  default:
    return edge_of(c);
  }
}

/* ---- one cell ---------------------------------------------------------------------------------
 */

static const struct segment *find_segment(const char *name) {
  for (unsigned i = 0; i < TCT_ARRAY_LEN(segments); i++)
    if (strcmp(segments[i].name, name) == 0)
      return &segments[i];
  fail_msg("no segment '%s'", name);
  return NULL;
}

static tct_seg make_segment(const struct cell *c, const struct segment *g) {
  tct_seg t = at_template(&a);
  uint32_t una = una_of(c);
  t.seq = place_of(c);
  t.ack = g->ack == 'o' ? una - 50 : g->ack == 'd' ? una : a.peer.rcv_nxt;
  t.ack += g->ack == 'f' ? 1000u : 0u;
  if ((g->flags & TCT_SYN) != 0)
    t.mss = 1000;
  return t;
}

/* The one segment that leaves at once or when a delayed ACK is due; NULL: silence. */
static const tct_seg *answer_of(void) {
  const tct_seg *g = at_lose(&a);
  for (unsigned i = 0; g == NULL && i < 5; i++) {
    a.now += TCT_MS(50);
    tct_advance(a.s, a.now);
    g = at_lose(&a);
  }
  return g;
}

static bool check_answer(const struct cell *c, const struct segment *s, const tct_seg *in) {
  const tct_seg *g = answer_of();
  uint8_t syn = TCT_SYN | TCT_ACK;
  WANT((g == NULL) == (strcmp(c->answer, "-") == 0), "answer %s wanted, %s (%#x)", c->answer,
       g == NULL ? "silence" : tct_why_name((tct_why)a.why), g == NULL ? 0u : (unsigned)g->flags);
  if (g == NULL)
    return true;
  uint32_t end = in->seq + s->len + ((s->flags & TCT_SYN) != 0) + ((s->flags & TCT_FIN) != 0);
  if (strcmp(c->answer, "ack") == 0) {
    uint32_t nxt = a.peer.snd_nxt;
    if (c->from == TCT_SYN_SENT)
      nxt = in->seq + 1;
    else if (c->place[0] == 'n' && (strcmp(c->verdict, "taken") == 0))
      nxt = end;
    WANT(g->flags == TCT_ACK && g->ack == nxt && g->seq == a.peer.rcv_nxt && g->len == 0,
         "an ACK of %+d at %+d, flags %#x", (int)(g->ack - a.peer.snd_nxt),
         (int)(g->seq - a.peer.rcv_nxt), (unsigned)g->flags);
  } else if (strcmp(c->answer, "rst") == 0) {
    WANT(g->flags == TCT_RST && g->seq == in->ack, "RST, flags %#x", (unsigned)g->flags);
  } else if (strcmp(c->answer, "rst-ack") == 0) {
    WANT(g->flags == (TCT_RST | TCT_ACK) && g->seq == 0 && g->ack == end, "RST,ACK");
  } else {
    WANT((g->flags & syn) == syn && g->ack == in->seq + 1, "SYN,ACK, flags %#x ack %+d",
         (unsigned)g->flags, (int)(g->ack - in->seq));
    WANT(c->from != TCT_SYN_SENT || g->seq == a.peer.irs, "the SYN's own number, MUST-10");
  }
  WANT(at_lose(&a) == NULL, "a second answer");
  return true;
}

static bool check_told(const struct cell *c) {
  uint32_t news = heard | at_events(&a);
  int err = a.closed > 0 ? a.err : 0;
  bool eof = (news & TCT_EV_EOF) != 0, urgent = (news & TCT_EV_URGENT) != 0;
  int want = strcmp(c->told, "reset") == 0     ? TCT_ECONNRESET
             : strcmp(c->told, "refused") == 0 ? TCT_ECONNREFUSED
                                               : 0;
  WANT(eof == (strcmp(c->told, "eof") == 0), "end of stream %d", eof);
  WANT(urgent == (strcmp(c->told, "urgent") == 0), "urgent %d", urgent);
  WANT(err == want, "error %d", err);
  return true;
}

static bool check_rest(const struct cell *c, const char *next) {
  char buf[64];
  bool dropped = a.verdict != TCT_ACCEPTED;
  WANT(strcmp(c->verdict, "ignored") == 0 || dropped == (strcmp(c->verdict, "dropped") == 0),
       "verdict %s", tct_verdict_name((tct_verdict)a.verdict));
  WANT(strcmp(next, c->next) == 0, "state %s, not %s", next, c->next);
  long n = tct_sock_recv(a.s, a.k, buf, sizeof buf, 0);
  WANT((n > 0 ? (unsigned)n : 0u) == c->read, "%ld bytes read", n);
  return true;
}

static bool play(const struct cell *c) {
  const struct segment *s = find_segment(c->segment);
  now = c;
  reach(c);
  (void)at_events(&a);
  heard = 0;
  tct_seg in = make_segment(c, s);
  struct seg_diff d = {.flags = s->flags, .no_ack = s->ack == 0, .len = s->len};
  d.urgent = (s->flags & TCT_URG) != 0 ? 5 : 0;
  at_raw(&a, &in, d);
  uint16_t verdict = a.verdict;
  bool ok = check_answer(c, s, &in);
  a.verdict = verdict;
  const char *next = state_now(); /* and accepts what waits */
  ok = ok && check_told(c) && check_rest(c, next);
  at_end(&a);
  return ok;
}

/* ---- the table --------------------------------------------------------------------------------
 */

static bool read_cell(char *line, struct cell *c) {
  char rest[80];
  memset(c, 0, sizeof *c);
  if (sscanf(line, "%23[^\t]\t%19[^\t]\t%7[^\t]\t%7[^\t]\t%7[^\t]\t%23[^\t]\t%u\t%7[^\t]\t%79[^\n]",
             c->state, c->segment, c->place, c->verdict, c->answer, c->next, &c->read, c->told,
             rest) != 9)
    return false;
  char name[24];
  snprintf(name, sizeof name, "%s", c->state);
  char *way = strchr(name, '/');
  c->passive = way != NULL && strcmp(way, "/passive") == 0;
  if (way != NULL)
    *way = 0;
  for (unsigned st = 0; st < TCT_STATE_COUNT; st++)
    if (strcmp(at_name((tct_state)st), name) == 0) {
      c->from = (tct_state)st;
      return true;
    }
  return false;
}

static void every_cell__both_families__as_in_the_text(void **state) {
  (void)state;
  FILE *f = fopen("test/cells/cells.tsv", "r");
  char line[256];
  unsigned n = 0, failed = 0;
  assert_non_null(f);
  assert_non_null(fgets(line, sizeof line, f)); /* names of the columns */
  while (fgets(line, sizeof line, f) != NULL) {
    struct cell c;
    assert_true(read_cell(line, &c));
    for (unsigned v6 = 0; v6 < 2; v6++) {
      c.ipv6 = v6 != 0;
      failed += !play(&c);
      n++;
    }
  }
  fclose(f);
  print_message("# %u cells hit and asserted\n", n);
  assert_int_equal(failed, 0);
  assert_true(n >= 11 * 12 * 5 * 2);
}

int main(void) {
  const struct CMUnitTest tests[] = {
      cmocka_unit_test(every_cell__both_families__as_in_the_text),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
