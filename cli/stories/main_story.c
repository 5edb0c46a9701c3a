/* SPDX-License-Identifier: MIT */
/*
 * The story that `tercet demo` plays when none is named: a connection opens over an 18 ms link, a
 * file is fetched while segments are lost, both sides close. All options as a program would have
 * them. RFC 9293 section 3.
 */
#include "cli/stories/stories.h"

enum { FILE_BYTES = 64000, REQUEST_BYTES = 77 };

static void watch(struct stage *st, struct talk *t) {
  st->fact[0] = t->client.rx_done;
  st->fact[1] = t->client.rx_wrong;
  st->fact[2] = t->server.rx_done;
  st->fact[3] = t->client.closed && t->server.closed && !t->client.err && !t->server.err;
}

void story_main_play(struct stage *st) {
  /* The fourth full segment is lost for certain, whatever the seed says about the others. */
  static const tct_sim_rule lose_one = {.len_min = 500, .skip = 3, .fate = TCT_SIM_LOST};
  struct talk t = {.client = {.tx_total = REQUEST_BYTES, .start_after_ns = MS(1), .rx_key = 1},
                   .server = {.tx_total = FILE_BYTES, .start_after_ns = MS(12), .tx_key = 1}};
  struct scene s = stage_scene(st, "a file over an 18 ms link that loses segments");
  for (int end = LEFT; end <= RIGHT; end++) {
    s.host[end].stack.no_timestamps = s.host[end].stack.no_sack = false;
    s.host[end].stack.no_wscale = false;
    s.host[end].stack.profile = TCT_PROFILE_LINUX;
    s.path[end].rate_bps = 50000000;
  }
  s.path[RIGHT].loss_ppm = 10000;
  s.relative = true;
  t.server.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close = TCT_SIM_CLOSE_ON_EOF;
  stage_begin(st, &s);
  MUST(st, tct_sim_link_rule(st->link, RIGHT, &lose_one));
  talk_start(st, &t, NO_ISN, NO_ISN);
  stage_run(st, SEC(20));
  watch(st, &t);
  stage_end(st);
}

bool story_main_check(struct stage *st) {
  const tct_seg *syn = stage_seg(st, sent(1, LEFT), 1), *syn_ack = stage_seg(st, sent(1, RIGHT), 1);
  EXPECT(st, syn->flags == TCT_SYN && syn->mss == 1460 && syn->has_ts && syn->sack_permitted);
  EXPECT(st, syn_ack->flags == (TCT_SYN | TCT_ACK) && syn_ack->ack == syn->seq + 1);
  EXPECT(st, stage_fates(st, 1, 1, TCT_SIM_LOST) >= 1);
  EXPECT(st, st->fact[0] == FILE_BYTES && !st->fact[1] && st->fact[2] == REQUEST_BYTES);
  EXPECT(st, st->fact[3]);
  EXPECT(st, stage_state(st, 1, LEFT) == TCT_CLOSED);
  return true;
}
