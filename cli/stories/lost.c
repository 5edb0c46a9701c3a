/* SPDX-License-Identifier: MIT */
/*
 * Stories of segments that do not arrive, or arrive wrong, while a connection opens; and of a link
 * that loses a fifth of everything. RFC 9293 sections 3.5, 3.8.1, 3.10.7.3-4; RFC 6298.
 */
#include "cli/stories/stories.h"

static const tct_sim_rule lose_syn = {
    .flags_mask = TCT_SYN | TCT_ACK, .flags = TCT_SYN, .fate = TCT_SIM_LOST};
static const tct_sim_rule lose_syn_ack = {
    .flags_mask = TCT_SYN | TCT_ACK, .flags = TCT_SYN | TCT_ACK, .fate = TCT_SIM_LOST};
static const tct_sim_rule lose_ack = {.flags_mask = TCT_SYN | TCT_ACK | TCT_FIN | TCT_RST,
                                      .flags = TCT_ACK,
                                      .no_payload = true,
                                      .fate = TCT_SIM_LOST};

static void play_lost(struct stage *st, const char *title, int dir, const tct_sim_rule *rule) {
  struct talk t = {.client = {.tx_total = 20, .start_after_ns = MS(50)},
                   .server = {.close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = stage_scene(st, title);
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.client.close_after_ns = MS(50);
  stage_begin(st, &s);
  MUST(st, tct_sim_link_rule(st->link, (unsigned)dir, rule));
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(10));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.client.closed && t.server.closed && t.client.err == 0 && t.server.err == 0;
  stage_end(st);
}

static bool check_healed(struct stage *st) {
  EXPECT(st, stage_fates(st, 1, 2, TCT_SIM_LOST) == 1);
  EXPECT(st, st->fact[0] == 20 && st->fact[1]);
  return true;
}

/* ---- lost-syn: S19, O2 ---- */

void story_lost_syn_play(struct stage *st) {
  play_lost(st, "segment 1, the SYN, is lost", LEFT, &lose_syn);
}

bool story_lost_syn_check(struct stage *st) {
  struct pick syns = sent_with(1, LEFT, TCT_SYN, TCT_SYN);
  if (!check_healed(st))
    return false;
  EXPECT(st, stage_count(st, syns) == 2);
  EXPECT(st, stage_nth(st, syns, 2)->t.at == SEC(1) && stage_seg(st, syns, 2)->seq == 500);
  EXPECT(st, stage_nth(st, syns, 2)->t.why == TCT_WHY_SYN_REXMIT);
  EXPECT(st, stage_went(st, 1, LEFT, TCT_SYN_SENT, TCT_ESTABLISHED) == SEC(1) + MS(18));
  return true;
}

/* ---- lost-syn-ack: S19, O2 ---- */

void story_lost_syn_ack_play(struct stage *st) {
  play_lost(st, "segment 2, the SYN,ACK, is lost", RIGHT, &lose_syn_ack);
}

bool story_lost_syn_ack_check(struct stage *st) {
  struct pick answers = sent_with(1, RIGHT, TCT_SYN, TCT_SYN);
  if (!check_healed(st))
    return false;
  EXPECT(st, stage_count(st, answers) == 2); /* timer and repeated SYN agree on one answer */
  EXPECT(st, stage_seg(st, answers, 2)->seq == 300 && stage_seg(st, answers, 2)->ack == 501);
  /* Sent is not arrived: both ends waited, one in SYN-SENT, one in SYN-RECEIVED. */
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_LISTEN, TCT_SYN_RECEIVED) == MS(9));
  EXPECT(st, stage_went(st, 1, LEFT, TCT_SYN_SENT, TCT_ESTABLISHED) >= SEC(1));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_SYN_RECEIVED, TCT_ESTABLISHED) >= SEC(1));
  return true;
}

/* ---- lost-ack: S19, S21 ---- */

void story_lost_ack_play(struct stage *st) {
  play_lost(st, "segment 3, the ACK, is lost", LEFT, &lose_ack);
}

bool story_lost_ack_check(struct stage *st) {
  const struct stage_record *data = stage_nth(st, data_of(1, LEFT), 1);
  struct pick arrived = got(1, RIGHT);
  arrived.len_min = 1;
  if (!check_healed(st))
    return false;
  EXPECT(st, stage_went(st, 1, LEFT, TCT_SYN_SENT, TCT_ESTABLISHED) == MS(18));
  EXPECT(st, data->t.seg.seq == 501 && data->t.seg.ack == 301);
  /* The data's own ACK opens the connection, at the moment it arrives. */
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_SYN_RECEIVED, TCT_ESTABLISHED) ==
                 stage_nth(st, arrived, 1)->t.at);
  EXPECT(st, stage_nth(st, arrived, 1)->t.at == data->t.at + MS(9));
  return true;
}

/* ---- wrong-ack: S21 ---- */

struct wrong {
  unsigned sent;
};

static void on_wrong(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct wrong *w = ctx;
  tct_seg r = tct_sim_seg_reply(seg);
  (void)payload;
  r.flags = TCT_ACK;
  r.window_raw = 65535;
  r.seq = 501;
  if (seg->flags & TCT_SYN)
    r.ack = w->sent == 0 ? 3001 : seg->seq + 1;
  else if (seg->flags & TCT_RST)
    r.ack = 301;
  else
    return;
  w->sent++;
  tct_sim_peer_send(p, &r, NULL);
}

void story_wrong_ack_play(struct stage *st) {
  struct talk t = {.server = {.close = TCT_SIM_KEEP_OPEN}};
  struct wrong w = {0};
  struct scene s = stage_scene(st, "the third segment acknowledges 3001 instead of 301");
  tct_endpoint from = stage_client(), to = stage_server();
  tct_seg syn = {.src = from.addr, .dst = to.addr, .sport = from.port, .dport = to.port};
  syn.seq = 500;
  syn.flags = TCT_SYN;
  syn.window_raw = 65535;
  syn.mss = 1460;
  syn.wscale = 0xff;
  s.is_peer[LEFT] = true;
  s.script = on_wrong;
  s.script_ctx = &w;
  stage_begin(st, &s);
  talk_listen(st, &t, RIGHT, 300);
  tct_sim_peer_send(st->peer, &syn, NULL);
  stage_run(st, MS(500));
  st->fact[0] = t.server.connected;
  stage_end(st);
}

bool story_wrong_ack_check(struct stage *st) {
  struct pick resets = sent_with(1, RIGHT, TCT_RST, TCT_RST);
  struct pick arrived = got_with(1, RIGHT, TCT_ACK | TCT_SYN, TCT_ACK);
  EXPECT(st, stage_count(st, resets) == 1);
  EXPECT(st, stage_seg(st, resets, 1)->flags == TCT_RST && stage_seg(st, resets, 1)->seq == 3001);
  EXPECT(st, stage_seg(st, arrived, 1)->ack == 3001 && stage_seg(st, arrived, 2)->ack == 301);
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_SYN_RECEIVED, TCT_ESTABLISHED) ==
                 stage_nth(st, arrived, 2)->t.at);
  EXPECT(st, st->fact[0]);
  return true;
}

/* ---- lossy: S2, O2 ---- */

enum { LOSSY_BYTES = 50000 };

void story_lossy_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = LOSSY_BYTES, .tx_key = 7},
                   .server = {.rx_key = 7, .close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = stage_scene(st, "one segment in five is lost, both ways");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  s.host[LEFT].stack.no_sack = s.host[RIGHT].stack.no_sack = false;
  s.path[LEFT].loss_ppm = s.path[RIGHT].loss_ppm = 200000;
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(200));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.server.rx_wrong;
  st->fact[2] = t.server.eof;
  stage_end(st);
  stage_say(st, " %llu octets arrived, %s; %u of %u segments were lost on the way.",
            (unsigned long long)st->fact[0],
            st->fact[1] ? "NOT the ones sent" : "each the one that was sent",
            stage_fates(st, 1, 2, TCT_SIM_LOST), stage_frames(st, 1, 2));
}

bool story_lossy_check(struct stage *st) {
  unsigned lost = stage_fates(st, 1, 2, TCT_SIM_LOST), all = stage_frames(st, 1, 2);
  struct pick again = data_of(1, LEFT);
  unsigned first = 0;
  EXPECT(st, st->fact[0] == LOSSY_BYTES && !st->fact[1] && st->fact[2]);
  EXPECT(st, lost > 0 && lost * 100 > all * 5 && lost * 100 < all * 40);
  /* More octets were sent than there are: some of them again, and for a stated reason. */
  static const uint16_t whys[] = {TCT_WHY_RTO, TCT_WHY_FAST_REXMIT, TCT_WHY_RACK, TCT_WHY_REORDER,
                                  TCT_WHY_TLP};
  for (size_t i = 0; i < sizeof whys / sizeof whys[0]; i++) {
    again.why = whys[i];
    first += stage_count(st, again);
  }
  EXPECT(st, first > 0);
  EXPECT(st, stage_fates(st, 1, 0, TCT_SIM_LOST) > 0);
  return true;
}
