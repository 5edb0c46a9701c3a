/* SPDX-License-Identifier: MIT */
/*
 * Stories of closing: four segments, three, both at once, an abort; one direction after the other;
 * a late close; and what TIME-WAIT is for. RFC 9293 sections 3.6, 3.10.4-5, 3.10.7.
 */
#include "cli/stories/stories.h"

static struct pick from_close(unsigned scene, int end) {
  struct pick p = sent(scene, end);
  p.from = MS(100);
  return p;
}

/* The client closes at 118 ms; the server `late` after it has read the end. */
static void play_close(struct stage *st, const char *title, tct_time late) {
  struct talk t = {.server = {.close = TCT_SIM_CLOSE_ON_EOF, .close_after_ns = late}};
  struct scene s = stage_scene(st, title);
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close_after_ns = MS(100);
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(5));
  st->fact[st->scene] = t.client.closed && t.server.closed && !t.client.err && !t.server.err;
  stage_end(st);
}

static unsigned closing_segments(struct stage *st, unsigned scene) {
  return stage_count(st, from_close(scene, LEFT)) + stage_count(st, from_close(scene, RIGHT));
}

/* ---- close-four: S4 ---- */

void story_close_four_play(struct stage *st) {
  play_close(st, "the server closes 50 ms later", MS(50));
  stage_say(st, " %u segments: a FIN and its ACK each way.", closing_segments(st, 1));
}

bool story_close_four_check(struct stage *st) {
  const tct_seg *fin = stage_seg(st, from_close(1, LEFT), 1);
  const tct_seg *ack = stage_seg(st, from_close(1, RIGHT), 1);
  const tct_seg *fin2 = stage_seg(st, from_close(1, RIGHT), 2);
  const tct_seg *ack2 = stage_seg(st, from_close(1, LEFT), 2);
  EXPECT(st, closing_segments(st, 1) == 4 && st->fact[1]);
  EXPECT(st, fin->flags == (TCT_FIN | TCT_ACK) && fin->seq == 501 && fin->ack == 301);
  EXPECT(st, ack->flags == TCT_ACK && ack->ack == 502);
  EXPECT(st, fin2->flags == (TCT_FIN | TCT_ACK) && fin2->seq == 301 && fin2->ack == 502);
  EXPECT(st, ack2->flags == TCT_ACK && ack2->seq == 502 && ack2->ack == 302);
  EXPECT(st, stage_went(st, 1, LEFT, TCT_FIN_WAIT_1, TCT_FIN_WAIT_2) != TCT_NEVER);
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_CLOSE_WAIT, TCT_LAST_ACK) != TCT_NEVER);
  EXPECT(st, stage_state(st, 1, LEFT) == TCT_TIME_WAIT);
  EXPECT(st, stage_state(st, 1, RIGHT) == TCT_CLOSED);
  return true;
}

/* ---- close-three: S4, S25 ---- */

void story_close_three_play(struct stage *st) {
  play_close(st, "the server closes at the instant it reads the end", 0);
  stage_say(st, " %u segments: the server's ACK and FIN share one.", closing_segments(st, 1));
}

bool story_close_three_check(struct stage *st) {
  const tct_seg *both = stage_seg(st, from_close(1, RIGHT), 1);
  EXPECT(st, closing_segments(st, 1) == 3 && st->fact[1]);
  EXPECT(st, both->flags == (TCT_FIN | TCT_ACK) && both->seq == 301 && both->ack == 502);
  /* FIN-WAIT-2 lasts no time: the FIN came with the ACK. */
  EXPECT(st, stage_went(st, 1, LEFT, TCT_FIN_WAIT_1, TCT_FIN_WAIT_2) == MS(136));
  EXPECT(st, stage_went(st, 1, LEFT, TCT_FIN_WAIT_2, TCT_TIME_WAIT) == MS(136));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_LAST_ACK, TCT_CLOSED) == MS(145));
  return true;
}

/* ---- close-simultaneous: S4 ---- */

void story_close_simultaneous_play(struct stage *st) {
  struct talk t = {.client = {.close = TCT_SIM_CLOSE_AFTER_SEND, .close_after_ns = MS(109)}};
  struct scene s = stage_scene(st, "both close at once");
  t.server.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close_after_ns = MS(100);
  s.names[LEFT] = "A";
  s.names[RIGHT] = "B";
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(5));
  st->fact[1] = t.client.closed && t.server.closed && !t.client.err && !t.server.err;
  stage_end(st);
  stage_say(st, " %u segments: the FINs cross, each is acknowledged; both ends wait.",
            closing_segments(st, 1));
}

bool story_close_simultaneous_check(struct stage *st) {
  for (int end = LEFT; end <= RIGHT; end++) {
    const tct_seg *fin = stage_seg(st, from_close(1, end), 1);
    const tct_seg *ack = stage_seg(st, from_close(1, end), 2);
    uint32_t mine = end == LEFT ? 501 : 301, others = end == LEFT ? 301 : 501;
    EXPECT(st, fin->flags == (TCT_FIN | TCT_ACK) && fin->seq == mine && fin->ack == others);
    EXPECT(st, ack->flags == TCT_ACK && ack->seq == mine + 1 && ack->ack == others + 1);
    EXPECT(st, stage_nth(st, from_close(1, end), 1)->t.at == MS(127));
    EXPECT(st, stage_went(st, 1, end, TCT_FIN_WAIT_1, TCT_CLOSING) == MS(136));
    EXPECT(st, stage_went(st, 1, end, TCT_CLOSING, TCT_TIME_WAIT) == MS(145));
  }
  EXPECT(st, closing_segments(st, 1) == 4 && st->fact[1]);
  return true;
}

/* ---- abort: S4, O2 ---- */

void story_abort_play(struct stage *st) {
  struct talk t = {.client = {.close = TCT_SIM_KEEP_OPEN}};
  struct scene s = stage_scene(st, "the client aborts");
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, MS(118));
  MUST(st, tct_sock_abort(stage_stack(st, LEFT), t.client.app.sock));
  tct_sim_host_kick(st->host[LEFT]);
  stage_run(st, SEC(1));
  st->fact[0] = t.server.closed;
  st->fact[1] = (uint64_t)-t.server.err;
  stage_end(st);
  stage_say(st, " One segment, and no answer: %s, says the server's stack.",
            tct_strerror(-(int)st->fact[1]));
}

bool story_abort_check(struct stage *st) {
  const tct_seg *rst = stage_seg(st, from_close(1, LEFT), 1);
  EXPECT(st, closing_segments(st, 1) == 1);
  EXPECT(st, (rst->flags & TCT_RST) && rst->seq == 501);
  EXPECT(st, stage_went(st, 1, LEFT, TCT_ESTABLISHED, TCT_CLOSED) == MS(118));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_ESTABLISHED, TCT_CLOSED) == MS(127));
  EXPECT(st, st->fact[0] && st->fact[1] == (uint64_t)-TCT_ECONNRESET);
  return true;
}

/* ---- half-close: S23, S24 ---- */

enum { HALF_BYTES = 5000 };

void story_half_close_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 100, .start_after_ns = MS(30), .rx_key = 3},
                   .server = {.tx_total = HALF_BYTES, .start_after_ns = MS(250), .tx_key = 3}};
  struct scene s = stage_scene(st, "the client has said all; the server has not");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  t.server.close_after_ns = MS(50);
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_note_at(st, MS(150), "half-closed: FIN-WAIT-2 here, CLOSE-WAIT there");
  stage_run(st, SEC(2));
  st->fact[0] = t.client.rx_done;
  st->fact[1] = t.client.rx_wrong;
  st->fact[2] = t.client.closed && t.server.closed && !t.client.err && !t.server.err;
  stage_end(st);
  stage_say(st, " %llu octets arrived after the client's FIN.", (unsigned long long)st->fact[0]);
}

bool story_half_close_check(struct stage *st) {
  const struct stage_record *fin = stage_nth(st, sent_with(1, LEFT, TCT_FIN, TCT_FIN), 1);
  struct pick after = data_of(1, RIGHT);
  uint32_t octets = 0;
  after.from = fin->t.at;
  for (unsigned i = stage_count(st, after); i > 0; i--)
    octets += stage_seg(st, after, i)->len;
  EXPECT(st, (fin->t.seg.flags & TCT_ACK) && fin->t.seg.seq + fin->t.seg.len == 601);
  EXPECT(st, octets == HALF_BYTES && st->fact[0] == HALF_BYTES && !st->fact[1] && st->fact[2]);
  EXPECT(st, stage_went(st, 1, LEFT, TCT_FIN_WAIT_1, TCT_FIN_WAIT_2) < MS(150));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_ESTABLISHED, TCT_CLOSE_WAIT) < MS(150));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_CLOSE_WAIT, TCT_LAST_ACK) > MS(250));
  /* What the client sends after its FIN has no octets in it. */
  after = data_of(1, LEFT);
  after.from = fin->t.at + 1;
  EXPECT(st, stage_count(st, after) == 0);
  return true;
}

/* ---- late-close: S25 ---- */

void story_late_close_play(struct stage *st) {
  play_close(st, "the server's application closes 3 s later", SEC(3));
  play_close(st, "the server's application closes at once", 0);
}

bool story_late_close_check(struct stage *st) {
  tct_time end = MS(127);
  EXPECT(st, stage_nth(st, from_close(1, RIGHT), 1)->t.at == end);
  EXPECT(st, stage_seg(st, from_close(1, RIGHT), 1)->flags == TCT_ACK);
  EXPECT(st, stage_nth(st, from_close(1, RIGHT), 2)->t.at == end + SEC(3));
  EXPECT(st, stage_seg(st, from_close(1, RIGHT), 2)->flags == (TCT_FIN | TCT_ACK));
  EXPECT(st, stage_count(st, from_close(1, RIGHT)) == 2);
  EXPECT(st, stage_count(st, from_close(2, RIGHT)) == 1);
  EXPECT(st, stage_nth(st, from_close(2, RIGHT), 1)->t.at == end);
  EXPECT(st, stage_seg(st, from_close(2, RIGHT), 1)->flags == (TCT_FIN | TCT_ACK));
  EXPECT(st, st->fact[1] && st->fact[2]);
  return true;
}

/* ---- time-wait: S26 ---- */

/* Twice the maximum segment lifetime of RFC 9293: 2 * 120 s. */
#define TWO_MSL SEC(240)

struct countdown {
  struct stage *st;
};

static tct_time last_fin_at(const struct stage *st) {
  struct pick fins = got_with(1, LEFT, TCT_FIN, TCT_FIN);
  unsigned n = stage_count(st, fins);
  return n == 0 ? 0 : stage_nth(st, fins, n)->t.at;
}

static void note_countdown(void *ctx) {
  struct countdown *c = ctx;
  tct_time left = last_fin_at(c->st) + TWO_MSL - tct_sim_now(c->st->world);
  stage_note(c->st, "TIME-WAIT: %.1f s to go", (double)left / 1e9);
}

void story_time_wait_play(struct stage *st) {
  tct_sim_rule lose_last = {.flags_mask = TCT_SYN | TCT_FIN | TCT_RST | TCT_ACK,
                            .flags = TCT_ACK,
                            .no_payload = true,
                            .skip = 1,
                            .fate = TCT_SIM_LOST};
  struct talk t = {.server = {.close = TCT_SIM_CLOSE_ON_EOF, .close_after_ns = MS(50)}};
  struct scene s = stage_scene(st, "the last ACK is lost");
  struct countdown c = {st};
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close_after_ns = MS(100);
  stage_begin(st, &s);
  MUST(st, tct_sim_link_rule(st->link, LEFT, &lose_last));
  talk_start(st, &t, 500, 300);
  tct_sim_at(st->world, MS(700), note_countdown, &c);
  tct_sim_at(st->world, MS(1500), note_countdown, &c);
  for (unsigned i = 1; i < 4; i++)
    tct_sim_at(st->world, SEC(60 * i), note_countdown, &c);
  stage_run(st, SEC(300));
  st->fact[0] = t.client.closed && t.server.closed && !t.client.err && !t.server.err;
  stage_end(st);
  stage_say(st, " The FIN came again at %.3f s, was answered, and the count of 240 s began anew.",
            (double)last_fin_at(st) / 1e9);
}

bool story_time_wait_check(struct stage *st) {
  struct pick fins = got_with(1, LEFT, TCT_FIN, TCT_FIN);
  tct_time again = stage_nth(st, fins, 2)->t.at;
  tct_time end = stage_went(st, 1, LEFT, TCT_TIME_WAIT, TCT_CLOSED);
  struct pick answers = sent(1, LEFT);
  EXPECT(st, stage_fates(st, 1, 0, TCT_SIM_LOST) == 1);
  EXPECT(st, stage_count(st, fins) == 2);
  EXPECT(st, stage_seg(st, fins, 2)->seq == 301 && stage_seg(st, fins, 2)->ack == 502);
  answers.from = answers.to = again;
  EXPECT(st, stage_count(st, answers) == 1);
  EXPECT(st, stage_seg(st, answers, 1)->flags == TCT_ACK);
  EXPECT(st, stage_seg(st, answers, 1)->seq == 502 && stage_seg(st, answers, 1)->ack == 302);
  /* The other side closes when that answer comes; this side, 2 MSL after the second FIN. */
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_LAST_ACK, TCT_CLOSED) == again + MS(9));
  EXPECT(st, end != TCT_NEVER && end >= again + TWO_MSL && end <= again + TWO_MSL + MS(200));
  EXPECT(st, st->fact[0]);
  return true;
}
