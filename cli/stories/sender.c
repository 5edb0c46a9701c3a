/* SPDX-License-Identifier: MIT */
/*
 * Stories of what a path does to a sender: congestion that is told by marks instead of losses, and
 * several senders over one bottleneck. RFC 3168; RFC 5681, RFC 9438.
 */
#include "cli/stories/stories.h"

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
