/* SPDX-License-Identifier: MIT */
/*
 * Stories of what a path does to a sender: a segment lost among others or behind all others, a
 * time-out that was none, congestion that is told by marks instead of losses, and several senders
 * over one bottleneck. RFC 5681, RFC 2018; RFC 8985; RFC 4015, RFC 5682; RFC 3168; RFC 9438.
 */
#include "cli/stories/stories.h"
#include "cli/stories/view.h"

/* As a program would have it today: all options, Linux's habits. */
static struct scene modern_scene(struct stage *st, const char *title) {
  struct scene s = stage_scene(st, title);
  for (int end = LEFT; end <= RIGHT; end++) {
    s.host[end].stack.no_timestamps = s.host[end].stack.no_sack = false;
    s.host[end].stack.no_wscale = false;
    s.host[end].stack.profile = TCT_PROFILE_LINUX;
  }
  s.relative = true;
  return s;
}

static unsigned count_why(const struct stage *st, unsigned scene, tct_why why) {
  struct pick p = data_of(scene, LEFT);
  p.why = (uint16_t)why;
  return stage_count(st, p);
}

static bool is_again(uint16_t why) {
  static const uint16_t whys[] = {TCT_WHY_RTO,  TCT_WHY_FAST_REXMIT, TCT_WHY_PARTIAL_ACK,
                                  TCT_WHY_RACK, TCT_WHY_REORDER,     TCT_WHY_RESCUE};
  for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++)
    if (why == whys[i])
      return true;
  return false;
}

/* The n-th data segment (from 1) that the client sent again, a probe's included; port 0: of any
 * connection. */
static const struct stage_record *again(const struct stage *st, unsigned scene, uint16_t port,
                                        unsigned nth) {
  struct pick p = data_of(scene, LEFT);
  p.port = port;
  for (unsigned i = 1, n = 0;; i++) {
    const struct stage_record *r = stage_nth(st, p, i);
    if (r->t.at == TCT_NEVER || ((is_again(r->t.why) || r->t.why == TCT_WHY_TLP) && ++n == nth))
      return r;
  }
}

/* ---- fast-retransmit: O2 ---- */

enum { FAST_BYTES = 14480 };

void story_fast_retransmit_play(struct stage *st) {
  static const tct_sim_rule lose_third = {.len_min = 500, .skip = 2, .fate = TCT_SIM_LOST};
  struct talk t = {.client = {.tx_total = FAST_BYTES, .tx_key = 5, .start_after_ns = MS(10)},
                   .server = {.rx_key = 5, .close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = modern_scene(st, "the third of ten segments is lost");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close_after_ns = MS(60);
  s.path[LEFT].rate_bps = 20000000;
  stage_begin(st, &s);
  MUST(st, tct_sim_link_rule(st->link, LEFT, &lose_third));
  talk_start(st, &t, NO_ISN, NO_ISN);
  stage_run(st, SEC(5));
  st->fact[0] = t.server.rx_done == FAST_BYTES && !t.server.rx_wrong;
  stage_end(st);
  const struct stage_record *first = stage_nth(st, data_of(1, LEFT), 3);
  const struct stage_record *second = again(st, 1, 0, 1);
  stage_say(st,
            " Seven later segments arrived, and each ACK said so. The lost one went again after");
  stage_say(st, " %llu ms, one round trip; a time-out would have taken 200 ms at least.",
            (unsigned long long)((second->t.at - first->t.at) / 1000000));
}

bool story_fast_retransmit_check(struct stage *st) {
  const struct stage_record *first = stage_nth(st, data_of(1, LEFT), 3);
  const struct stage_record *second = again(st, 1, 0, 1);
  struct pick dups = sent_with(1, RIGHT, TCT_ACK | TCT_FIN, TCT_ACK);
  dups.why = TCT_WHY_ACK_DUP;
  EXPECT(st, st->fact[0]);
  EXPECT(st, stage_fates(st, 1, LEFT, TCT_SIM_LOST) == 1);
  EXPECT(st, second->t.seg.seq == first->t.seg.seq && second->t.seg.len == first->t.seg.len);
  EXPECT(st, second->t.at - first->t.at < MS(36)); /* before the second round trip is over */
  EXPECT(st, count_why(st, 1, TCT_WHY_RTO) == 0 && again(st, 1, 0, 2)->t.at == TCT_NEVER);
  /* RFC 2018 4: each tells what did arrive. */
  EXPECT(st, stage_count(st, dups) >= 3 && stage_seg(st, dups, 1)->n_sack == 1);
  EXPECT(st, stage_seg(st, dups, 1)->ack == first->t.seg.seq);
  return true;
}

/* ---- tail-loss: O2 ---- */

void story_tail_loss_play(struct stage *st) {
  static const tct_sim_rule lose_last = {
      .len_min = 500, .skip = 8, .count = 2, .fate = TCT_SIM_LOST};
  struct talk t = {.client = {.tx_total = FAST_BYTES, .tx_key = 5, .start_after_ns = MS(10)},
                   .server = {.rx_key = 5, .close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = modern_scene(st, "the last two of ten segments are lost: nothing follows them");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close_after_ns = MS(300);
  s.path[LEFT].rate_bps = 20000000;
  stage_begin(st, &s);
  MUST(st, tct_sim_link_rule(st->link, LEFT, &lose_last));
  talk_start(st, &t, NO_ISN, NO_ISN);
  stage_run(st, SEC(5));
  st->fact[0] = t.server.rx_done == FAST_BYTES && !t.server.rx_wrong;
  stage_end(st);
  const struct stage_record *probe = again(st, 1, 0, 1);
  stage_say(
      st, " Nothing arrived after them that could tell. So the sender asked, %llu ms after its",
      (unsigned long long)((probe->t.at - stage_nth(st, data_of(1, LEFT), 10)->t.at) / 1000000));
  stage_say(
      st, " last word, by sending the last segment again: a tail loss probe. Its SACK showed the");
  stage_say(st,
            " hole before it. A time-out comes after 200 ms at least, and costs the whole window.");
}

bool story_tail_loss_check(struct stage *st) {
  const struct stage_record *last = stage_nth(st, data_of(1, LEFT), 10);
  const struct stage_record *probe = again(st, 1, 0, 1);
  EXPECT(st, st->fact[0]);
  EXPECT(st, stage_fates(st, 1, LEFT, TCT_SIM_LOST) == 2);
  EXPECT(st, probe->t.why == TCT_WHY_TLP && probe->t.seg.seq == last->t.seg.seq);
  /* RFC 8985 7.2: after two round trips of silence, and before the time-out. */
  EXPECT(st, probe->t.at - last->t.at >= MS(36) && probe->t.at - last->t.at < MS(100));
  /* What the probe's ACK tells is enough for the other one. */
  EXPECT(st, again(st, 1, 0, 2)->t.at < probe->t.at + MS(20));
  EXPECT(st, again(st, 1, 0, 3)->t.at == TCT_NEVER && count_why(st, 1, TCT_WHY_RTO) == 0);
  return true;
}

/* ---- false-alarm: O2 ---- */

enum { ALARM_BYTES = 260000, ALARM_AT_MS = 60, ALARM_WAY_MS = 400 };

/* Nothing is lost and nothing overtakes: the way is longer from now on. */
static void lengthen(void *ctx) {
  struct stage *st = ctx;
  for (unsigned end = LEFT; end <= RIGHT; end++) {
    tct_sim_path longer = st->now.path[end];
    longer.delay_ns = MS(ALARM_WAY_MS);
    tct_sim_link_set(st->link, end, &longer);
  }
}

static const struct stage_record *first_alarm(const struct stage *st) {
  struct pick p = data_of(1, LEFT);
  p.why = TCT_WHY_RTO;
  return stage_nth(st, p, 1);
}

/* The client's window as of a time. */
static uint32_t window_at(const struct stage *st, unsigned scene, tct_time at) {
  uint32_t window = 0;
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    if (r->scene == scene && r->end == LEFT && r->t.kind == TCT_TRACE_CC && r->t.at <= at)
      window = r->t.value;
  }
  return window;
}

void story_false_alarm_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = ALARM_BYTES, .tx_key = 5},
                   .server = {.rx_key = 5, .close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = modern_scene(st, "the round trip grows from 18 to 800 ms; nothing is lost");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  s.path[LEFT].rate_bps = 20000000;
  stage_begin(st, &s);
  tct_sim_at(st->world, MS(ALARM_AT_MS), lengthen, st);
  stage_note_at(st, MS(ALARM_AT_MS), "from here on each way takes 400 ms instead of 9");
  talk_start(st, &t, NO_ISN, NO_ISN);
  stage_run(st, SEC(20));
  st->fact[0] = t.server.rx_done == ALARM_BYTES && !t.server.rx_wrong;
  stage_end(st);
  const struct stage_record *alarm = first_alarm(st);
  uint32_t before = window_at(st, 1, alarm->t.at - 1), cut = window_at(st, 1, alarm->t.at);
  tct_time healed = alarm->t.at;
  while (healed < alarm->t.at + SEC(1) && window_at(st, 1, healed) < before)
    healed += MS(1);
  st->fact[1] = before;
  st->fact[2] = cut;
  st->fact[3] = healed - alarm->t.at;
  stage_say(st,
            " The time-out of the short way fired and cut the window from %u to %u octets. %llu ms",
            before, cut, (unsigned long long)(st->fact[3] / 1000000));
  stage_say(
      st, " later the ACKs of the first copies came: their timestamps say which copy they answer.");
  stage_say(st, " The sender saw that nothing had been lost, and took its window back.");
}

bool story_false_alarm_check(struct stage *st) {
  const struct stage_record *alarm = first_alarm(st);
  EXPECT(st, st->fact[0]);
  EXPECT(st, stage_fates(st, 1, 2, TCT_SIM_LOST) == 0);
  EXPECT(st, alarm->t.at != TCT_NEVER);
  EXPECT(st, st->fact[1] > 4 * st->fact[2]);      /* RFC 5681 3.1: one segment after a time-out */
  EXPECT(st, st->fact[3] < MS(2 * ALARM_WAY_MS)); /* RFC 4015: and all of it back */
  return true;
}

/* ---- ecn: O2 ---- */

enum { ECN_BYTES = 300000, ECN_RATE = 10000000, ECN_QUEUE = 50000, ECN_MARK = 9000 };

struct ecn_run {
  tct_time took, slowest; /* slowest: the way through the queue */
  unsigned lost, marked;
  uint64_t arrived;
};

static unsigned count_marked(const struct stage *st, unsigned scene) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_frames; i++)
    n += st->frames[i].scene == scene && st->frames[i].f.marked;
  return n;
}

static tct_time slowest_way(const struct stage *st, unsigned scene) {
  tct_time slowest = 0;
  for (size_t i = 0; i < st->n_frames; i++) {
    const struct stage_frame *f = &st->frames[i];
    bool counts = f->scene == scene && f->f.dir == LEFT && f->f.arrives_at != TCT_NEVER;
    if (counts && f->f.arrives_at - f->f.sent_at > slowest)
      slowest = f->f.arrives_at - f->f.sent_at;
  }
  return slowest;
}

static void run_ecn(struct stage *st, const char *title, tct_ecn ecn, struct ecn_run *run) {
  struct talk t = {.client = {.tx_total = ECN_BYTES, .tx_key = 3},
                   .server = {.rx_key = 3, .close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = modern_scene(st, title);
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  for (int end = LEFT; end <= RIGHT; end++)
    s.host[end].stack.ecn = (uint8_t)ecn;
  s.path[LEFT].rate_bps = ECN_RATE;
  s.path[LEFT].queue_bytes = ECN_QUEUE;
  s.path[LEFT].mark_bytes = ECN_MARK;
  stage_begin(st, &s);
  talk_start(st, &t, NO_ISN, NO_ISN);
  stage_run(st, SEC(20));
  run->took = t.server.eof_at;
  run->arrived = t.server.rx_wrong ? 0 : t.server.rx_done;
  run->lost = stage_fates(st, st->scene, LEFT, TCT_SIM_QUEUE_FULL);
  run->marked = count_marked(st, st->scene);
  run->slowest = slowest_way(st, st->scene);
  stage_end(st);
}

void story_ecn_play(struct stage *st) {
  struct ecn_run plain, marked;
  run_ecn(st, "a router's queue overflows: the sender learns of it by losses", TCT_ECN_OFF, &plain);
  run_ecn(st, "the same router marks what may be marked: ECN agreed in the handshake", TCT_ECN_ON,
          &marked);
  stage_say(st, " Without ECN: %u lost in the queue, which delayed others by up to %llu ms.",
            plain.lost, (unsigned long long)((plain.slowest - MS(9)) / 1000000));
  stage_say(st,
            " With ECN:    %u lost, %u marked, delayed by at most %llu ms. The marks came back as",
            marked.lost, marked.marked, (unsigned long long)((marked.slowest - MS(9)) / 1000000));
  stage_say(st,
            " ECE; the sender said CWR and slowed down as if it had lost something, but had not.");
  st->fact[0] = plain.lost;
  st->fact[1] = plain.marked;
  st->fact[2] = marked.lost;
  st->fact[3] = marked.marked;
  st->fact[5] = plain.slowest > marked.slowest;
  st->fact[4] = plain.arrived == ECN_BYTES && marked.arrived == ECN_BYTES;
}

bool story_ecn_check(struct stage *st) {
  const tct_seg *syn = stage_seg(st, sent_with(2, LEFT, TCT_SYN, TCT_SYN), 1);
  const tct_seg *answer = stage_seg(st, sent_with(2, RIGHT, TCT_SYN, TCT_SYN), 1);
  EXPECT(st, st->fact[4]);
  EXPECT(st, st->fact[0] > 0 && st->fact[1] == 0); /* nobody said that it may be marked */
  EXPECT(st, st->fact[2] == 0 && st->fact[3] > 0 && st->fact[5]);
  /* RFC 3168 6.1.1: asked for by both bits, agreed to by one. */
  EXPECT(st, (syn->flags & (TCT_ECE | TCT_CWR)) == (TCT_ECE | TCT_CWR));
  EXPECT(st, (answer->flags & (TCT_ECE | TCT_CWR)) == TCT_ECE);
  EXPECT(st, stage_count(st, sent_with(2, RIGHT, TCT_ECE | TCT_SYN, TCT_ECE)) > 0);
  EXPECT(st, stage_count(st, sent_with(2, LEFT, TCT_CWR | TCT_SYN, TCT_CWR)) > 0);
  EXPECT(st, count_why(st, 2, TCT_WHY_FAST_REXMIT) == 0 && count_why(st, 2, TCT_WHY_RTO) == 0);
  return true;
}

/* ---- race: O2 ---- */

enum { RACERS = 3, RACE_PORT = 40112, RACE_SECONDS = 12, RACE_RATE = 10000000, RACE_QUEUE = 50000 };

struct racer {
  const char *name;
  tct_cc cc;
  tct_sim_flow from;
  bool runs; /* this stack has the algorithm */
};

struct race {
  struct racer racer[RACERS];
  tct_sim_flow to[RACERS];
  tct_sim_server listener;
  unsigned n;
};

static void start_racer(struct stage *st, struct race *r, unsigned i) {
  struct racer *k = &r->racer[i];
  tct_endpoint local = {.addr = st->now.host[LEFT].addr, .port = (uint16_t)(RACE_PORT + i)};
  tct_endpoint remote = {.addr = st->now.host[RIGHT].addr, .port = SERVER_PORT};
  k->from.tx_total = 1u << 30; /* more than there is time for */
  MUST(st, tct_sim_flow_open(&k->from, st->host[LEFT]));
  k->runs = tct_sock_set(stage_stack(st, LEFT), k->from.app.sock, TCT_OPT_CONGESTION, k->cc) >= 0;
  if (!k->runs)
    return;
  MUST(st, tct_sock_bind(stage_stack(st, LEFT), k->from.app.sock, &local));
  MUST(st, tct_sim_flow_connect_sock(&k->from, &remote));
  r->n++;
}

/* The server's flows come in the order of accepting, which is that of the ports here. */
static void count_race(struct stage *st, const struct race *r) {
  unsigned taken = 0;
  for (unsigned i = 0; i < RACERS; i++) {
    st->fact[i] = r->racer[i].runs ? r->to[taken++].rx_done : 0;
    st->fact[RACERS] += st->fact[i];
  }
  st->fact[RACERS + 1] = r->n;
}

static unsigned count_again(const struct stage *st, uint16_t port) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_records; i++) {
    const tct_trace *t = &st->records[i].t;
    n += t->kind == TCT_TRACE_SEG_OUT && t->lport == port && is_again(t->why);
  }
  return n;
}

static void name_racers(struct stage *st, const struct race *r) {
  if (st->plot == NULL)
    return;
  st->plot_view.all = true;
  st->plot_view.title = st->now.title;
  for (unsigned i = 0; i < RACERS; i++)
    plot_name_flow(st->plot, (uint16_t)(RACE_PORT + i), r->racer[i].name);
}

static void tell_race(struct stage *st, const struct race *r) {
  uint64_t whole = (uint64_t)RACE_RATE / 8 * RACE_SECONDS;
  for (unsigned i = 0; i < RACERS; i++) {
    uint16_t port = (uint16_t)(RACE_PORT + i);
    if (!r->racer[i].runs) {
      stage_say(st, " %-8s is not in this build.", r->racer[i].name);
      continue;
    }
    stage_say(st, " %-8s %5.2f Mbit/s, %2u %% of the link, %4u segments sent again",
              r->racer[i].name, (double)st->fact[i] * 8 / RACE_SECONDS / 1e6,
              (unsigned)(st->fact[i] * 100 / whole), count_again(st, port));
    view_windows(st, st->scene, port, SEC(RACE_SECONDS));
  }
  stage_say(st, " Each line above: the congestion window over %u s. All share one queue of %u kB.",
            (unsigned)RACE_SECONDS, RACE_QUEUE / 1000);
  stage_say(st, " tercet demo race --plot race.svg draws them side by side.");
}

void story_race_play(struct stage *st) {
  static struct race r;
  struct scene s = modern_scene(st, "three senders, one bottleneck of 10 Mbit/s and 40 ms");
  r = (struct race){.racer = {{.name = "NewReno", .cc = TCT_CC_NEWRENO},
                              {.name = "CUBIC", .cc = TCT_CC_CUBIC},
                              {.name = "BBR", .cc = TCT_CC_BBR}}};
  s.hidden = true; /* twenty thousand segments */
  for (int end = LEFT; end <= RIGHT; end++)
    s.path[end].delay_ns = MS(20);
  s.path[LEFT].rate_bps = RACE_RATE;
  s.path[LEFT].queue_bytes = RACE_QUEUE;
  stage_begin(st, &s);
  r.listener.flows = r.to;
  r.listener.n_flows = RACERS;
  MUST(st, tct_sim_server_listen(&r.listener, st->host[RIGHT], SERVER_PORT, 16));
  for (unsigned i = 0; i < RACERS; i++) {
    r.to[i].rx_any = true;
    start_racer(st, &r, i);
  }
  stage_run(st, SEC(RACE_SECONDS));
  count_race(st, &r);
  name_racers(st, &r);
  stage_end(st);
  tell_race(st, &r);
}

/* How often a window changed in the second half of the race. */
static unsigned count_changes(const struct stage *st, uint16_t port) {
  unsigned n = 0;
  for (size_t i = 0; i < st->n_records; i++) {
    const tct_trace *t = &st->records[i].t;
    n += t->kind == TCT_TRACE_CC && t->lport == port && t->at > SEC(RACE_SECONDS / 2);
  }
  return n;
}

bool story_race_check(struct stage *st) {
  uint64_t whole = (uint64_t)RACE_RATE / 8 * RACE_SECONDS, n = st->fact[RACERS + 1];
  EXPECT(st, n >= 2);
  EXPECT(st, st->fact[RACERS] > whole * 85 / 100 && st->fact[RACERS] <= whole);
  /* Nobody starves: a tenth of a fair share at the least. */
  for (unsigned i = 0; i < n; i++)
    EXPECT(st, st->fact[i] > whole / n / 10);
  /* RFC 5681 3.1: one segment a round trip, and back at a loss; it never stands still. */
  EXPECT(st, count_changes(st, RACE_PORT) > 20 && count_changes(st, RACE_PORT + 1) > 20);
  EXPECT(st, stage_fates(st, 1, LEFT, TCT_SIM_QUEUE_FULL) > 0);
  return true;
}
