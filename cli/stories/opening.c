/* SPDX-License-Identifier: MIT */
/*
 * Stories of opening: the ordinary one, its header, both roles, both at once, equal numbers, four
 * kinds of door, data that is in a hurry. RFC 9293 sections 3.4, 3.5, 3.10.7.
 */
#include <string.h>

#include "cli/stories/stories.h"
#include "cli/stories/view.h"

/* ---- open-close: S5, S9, S13, S14, S20 ---- */

void story_open_close_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 10, .close = TCT_SIM_CLOSE_AFTER_SEND},
                   .server = {.close = TCT_SIM_CLOSE_ON_EOF}};
  struct scene s = stage_scene(st, "open, ten octets, close");
  t.client.start_after_ns = MS(30);
  t.client.close_after_ns = MS(40);
  t.server.close_after_ns = MS(20);
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(2));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.server.rx_wrong;
  stage_end(st);
  stage_say(st,
            " The SYN has number 500 and uses it up: the first octet is 501, the FIN comes after "
            "the last octet, at 511.");
}

static bool check_open_close_opening(struct stage *st) {
  const tct_seg *syn = stage_seg(st, sent(1, LEFT), 1);
  const tct_seg *syn_ack = stage_seg(st, sent(1, RIGHT), 1);
  const tct_seg *ack = stage_seg(st, sent(1, LEFT), 2), *data = stage_seg(st, sent(1, LEFT), 3);
  /* Only the first segment lacks the ACK flag. */
  EXPECT(st, syn->flags == TCT_SYN && syn->seq == 500 && syn->ack == 0);
  EXPECT(st, stage_count(st, sent_with(1, LEFT, TCT_ACK, 0)) == 1);
  EXPECT(st, stage_count(st, sent_with(1, RIGHT, TCT_ACK, 0)) == 0);
  EXPECT(st, syn_ack->flags == (TCT_SYN | TCT_ACK));
  EXPECT(st, syn_ack->seq == 300 && syn_ack->ack == 501);
  EXPECT(st, ack->flags == TCT_ACK && ack->seq == 501 && ack->ack == 301 && ack->len == 0);
  EXPECT(st, data->seq == 501 && data->len == 10 && data->ack == 301);
  return true;
}

bool story_open_close_check(struct stage *st) {
  const tct_seg *fin = stage_seg(st, sent_with(1, LEFT, TCT_FIN, TCT_FIN), 1);
  const tct_seg *fin2 = stage_seg(st, sent_with(1, RIGHT, TCT_FIN, TCT_FIN), 1);
  if (!check_open_close_opening(st))
    return false;
  EXPECT(st, fin->seq == 511 && fin->flags == (TCT_FIN | TCT_ACK));
  EXPECT(st, fin2->seq == 301 && fin2->ack == 512);
  /* No SYN in the close: both were in the first two segments. */
  EXPECT(st, stage_count(st, sent_with(1, LEFT, TCT_SYN, TCT_SYN)) == 1);
  EXPECT(st, stage_count(st, sent_with(1, RIGHT, TCT_SYN, TCT_SYN)) == 1);
  EXPECT(st, stage_went(st, 1, LEFT, TCT_SYN_SENT, TCT_ESTABLISHED) == MS(18));
  EXPECT(st, stage_went(st, 1, RIGHT, TCT_SYN_RECEIVED, TCT_ESTABLISHED) == MS(27));
  EXPECT(st, stage_state(st, 1, LEFT) == TCT_TIME_WAIT);
  EXPECT(st, stage_state(st, 1, RIGHT) == TCT_CLOSED);
  EXPECT(st, st->fact[0] == 10 && st->fact[1] == 0);
  return true;
}

/* ---- header: S6, S9, S13 ---- */

void story_header_play(struct stage *st) {
  struct talk t = {.client = {.close = TCT_SIM_KEEP_OPEN}};
  struct scene s = stage_scene(st, "three headers");
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, MS(100));
  stage_end(st);
  for (unsigned i = 1; i <= 3; i++)
    view_header(st, stage_frame_nth(st, 1, i));
}

bool story_header_check(struct stage *st) {
  static const uint8_t last[3] = {500 % 256, 300 % 256, 501 % 256};
  for (unsigned i = 1; i <= 3; i++) {
    const struct stage_frame *f = stage_frame_nth(st, 1, i);
    const uint8_t *tcp = f->kept == NULL ? NULL : f->kept + 20;
    EXPECT(st, tcp != NULL && f->f.len >= 40);
    EXPECT(st, ((tcp[13] & TCT_SYN) != 0) == (i < 3));
    EXPECT(st, ((tcp[13] & TCT_ACK) != 0) == (i > 1));
    /* The number beside the flag is 32 bits: 500, 300, 501. */
    EXPECT(st, tcp[4] == 0 && tcp[5] == 0 && tcp[6] == 1 && tcp[7] == last[i - 1]);
    EXPECT(st, i > 1 || (tcp[8] | tcp[9] | tcp[10] | tcp[11]) == 0);
  }
  return true;
}

/* ---- roles: S7 ---- */

static void play_role(struct stage *st, int active, const char *title) {
  struct talk t = {.client = {.close = TCT_SIM_KEEP_OPEN}};
  struct scene s = stage_scene(st, title);
  s.names[active] = "active side";
  s.names[1 - active] = "passive side";
  stage_begin(st, &s);
  talk_listen(st, &t, 1 - active, 300);
  talk_connect(st, &t, active, 500);
  stage_run(st, MS(100));
  st->fact[active] = t.client.connected && t.server.connected;
  stage_end(st);
}

void story_roles_play(struct stage *st) {
  play_role(st, LEFT, "the left end opens");
  play_role(st, RIGHT, "the right end opens");
}

static bool check_role(struct stage *st, unsigned scene, int active) {
  EXPECT(st, stage_seg(st, sent(scene, active), 1)->flags == TCT_SYN);
  EXPECT(st, stage_seg(st, sent(scene, 1 - active), 1)->flags == (TCT_SYN | TCT_ACK));
  EXPECT(st, stage_went(st, scene, active, TCT_SYN_SENT, TCT_ESTABLISHED) == MS(18));
  EXPECT(st, stage_went(st, scene, 1 - active, TCT_SYN_RECEIVED, TCT_ESTABLISHED) == MS(27));
  EXPECT(st, st->fact[active]);
  return true;
}

bool story_roles_check(struct stage *st) {
  return check_role(st, 1, LEFT) && check_role(st, 2, RIGHT);
}

/* ---- simultaneous-open: S4, O2 ---- */

void story_simultaneous_open_play(struct stage *st) {
  tct_sim_flow f[2] = {{.tx_total = 0}, {.tx_total = 0}};
  struct scene s = stage_scene(st, "both open at once");
  s.names[LEFT] = "A";
  s.names[RIGHT] = "B";
  stage_begin(st, &s);
  for (int end = LEFT; end <= RIGHT; end++) {
    tct_endpoint local = end == LEFT ? stage_client() : stage_server();
    tct_endpoint remote = end == LEFT ? stage_server() : stage_client();
    MUST(st, tct_sim_flow_open(&f[end], st->host[end]));
    MUST(st, tct_sock_bind(stage_stack(st, end), f[end].app.sock, &local));
    talk_set_isn(st, end, f[end].app.sock, end == LEFT ? 100 : 300);
    MUST(st, tct_sim_flow_connect_sock(&f[end], &remote));
  }
  stage_run(st, MS(500));
  st->fact[0] = f[LEFT].connected && f[RIGHT].connected;
  stage_end(st);
  stage_say(st, " %u segments, one connection: nobody listened.", stage_frames(st, 1, 2));
}

bool story_simultaneous_open_check(struct stage *st) {
  for (int end = LEFT; end <= RIGHT; end++) {
    const tct_seg *syn = stage_seg(st, sent(1, end), 1), *syn_ack = stage_seg(st, sent(1, end), 2);
    uint32_t mine = end == LEFT ? 100 : 300, others = end == LEFT ? 300 : 100;
    EXPECT(st, syn->flags == TCT_SYN && syn->seq == mine);
    EXPECT(st, syn_ack->flags == (TCT_SYN | TCT_ACK));
    EXPECT(st, syn_ack->seq == mine && syn_ack->ack == others + 1);
    EXPECT(st, stage_went(st, 1, end, TCT_SYN_SENT, TCT_SYN_RECEIVED) == MS(9));
    EXPECT(st, stage_went(st, 1, end, TCT_SYN_RECEIVED, TCT_ESTABLISHED) == MS(18));
  }
  EXPECT(st, stage_frames(st, 1, 2) == 4);
  EXPECT(st, st->fact[0]);
  return true;
}

/* ---- equal-isns: S17 ---- */

void story_equal_isns_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 10, .start_after_ns = MS(30)}};
  struct scene s = stage_scene(st, "both begin with 500");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  stage_begin(st, &s);
  talk_start(st, &t, 500, 500);
  stage_run(st, SEC(1));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.client.closed && t.server.closed && t.client.err == 0 && t.server.err == 0;
  stage_end(st);
}

bool story_equal_isns_check(struct stage *st) {
  EXPECT(st, stage_seg(st, sent(1, LEFT), 1)->seq == 500);
  EXPECT(st, stage_seg(st, sent(1, RIGHT), 1)->seq == 500);
  EXPECT(st, stage_seg(st, sent(1, RIGHT), 1)->ack == 501);
  EXPECT(st, stage_seg(st, sent(1, LEFT), 2)->ack == 501);
  EXPECT(st, st->fact[0] == 10 && st->fact[1] == 1);
  return true;
}

/* ---- doors: S16, O2 ---- */

enum { DOOR_OPEN = 1, DOOR_CLOSED, DOOR_FILTERED, DOOR_BACKLOG };

static void tell_door(struct stage *st, const tct_sim_flow *f) {
  if (f->connected)
    stage_say(st, " connect() reports: connected.\n");
  else
    stage_say(st, " connect() reports: %s.\n", tct_strerror(f->err));
}

static void keep_door(struct stage *st, unsigned scene, const tct_sim_flow *f) {
  st->fact[scene * 4] = f->connected;
  st->fact[scene * 4 + 1] = (uint64_t)-f->err;
  st->fact[scene * 4 + 2] = f->connected ? f->connected_at : f->closed_at;
}

static void play_door(struct stage *st, const char *title, unsigned door) {
  struct talk t = {.client = {.close = TCT_SIM_KEEP_OPEN}};
  struct scene s = stage_scene(st, title);
  if (door == DOOR_FILTERED)
    s.path[LEFT].loss_ppm = 1000000;
  stage_begin(st, &s);
  if (door != DOOR_CLOSED)
    talk_listen(st, &t, RIGHT, 300);
  talk_connect(st, &t, LEFT, 500);
  stage_run(st, door == DOOR_FILTERED ? SEC(1000) : SEC(1));
  keep_door(st, door, &t.client);
  stage_end(st);
  tell_door(st, &t.client);
}

struct backlog {
  tct_sim_server listener;
  tct_sim_flow accepted[3], early[2], late;
};

static void accept_all(void *ctx) {
  struct backlog *b = ctx;
  b->listener.n_flows = 3;
  tct_sim_server_poke(&b->listener);
}

/* Backlog 1 lets two wait, as on Linux; the third SYN meets silence until there is room. */
static void play_backlog(struct stage *st) {
  struct backlog b = {.late = {.tx_total = 0}};
  struct scene s = stage_scene(st, "open, but nobody accepts");
  tct_endpoint to = stage_server(), from = stage_client();
  s.only_port = CLIENT_PORT;
  stage_begin(st, &s);
  b.listener.flows = b.accepted;
  MUST(st, tct_sim_server_listen(&b.listener, st->host[RIGHT], SERVER_PORT, 1));
  for (int i = 0; i < 2; i++)
    MUST(st, tct_sim_flow_connect(&b.early[i], st->host[LEFT], &to));
  stage_run(st, MS(100));
  stage_note(st, "two connections wait to be accepted: backlog 1 is full");
  MUST(st, tct_sim_flow_open(&b.late, st->host[LEFT]));
  MUST(st, tct_sock_bind(stage_stack(st, LEFT), b.late.app.sock, &from));
  talk_set_isn(st, LEFT, b.late.app.sock, 500);
  MUST(st, tct_sim_flow_connect_sock(&b.late, &to));
  tct_sim_at(st->world, SEC(2), accept_all, &b);
  stage_note_at(st, SEC(2), "the server's application accepts at last");
  stage_run(st, SEC(5));
  keep_door(st, DOOR_BACKLOG, &b.late);
  st->fact[0] = b.listener.n_taken;
  stage_end(st);
  tell_door(st, &b.late);
}

void story_doors_play(struct stage *st) {
  play_door(st, "an open port", DOOR_OPEN);
  play_door(st, "a closed port", DOOR_CLOSED);
  play_door(st, "a filtered port: every segment to it vanishes", DOOR_FILTERED);
  play_backlog(st);
}

static bool check_refused(struct stage *st) {
  const tct_seg *rst = stage_seg(st, sent(DOOR_CLOSED, RIGHT), 1);
  EXPECT(st, stage_count(st, sent(DOOR_CLOSED, RIGHT)) == 1);
  EXPECT(st, rst->flags == (TCT_RST | TCT_ACK) && rst->seq == 0 && rst->ack == 501);
  EXPECT(st, stage_count(st, sent(DOOR_CLOSED, LEFT)) == 1);
  EXPECT(st, !st->fact[DOOR_CLOSED * 4]);
  EXPECT(st, st->fact[DOOR_CLOSED * 4 + 1] == (uint64_t)-TCT_ECONNREFUSED);
  return true;
}

/* The SYN again after 1, 2, 4, ... s, always the same, and at least three minutes of patience. */
static bool check_filtered(struct stage *st) {
  struct pick syns = sent_with(DOOR_FILTERED, LEFT, TCT_SYN, TCT_SYN);
  EXPECT(st, stage_count(st, syns) >= 5);
  EXPECT(st, stage_count(st, sent(DOOR_FILTERED, RIGHT)) == 0);
  EXPECT(st, stage_nth(st, syns, 2)->t.at == SEC(1) && stage_nth(st, syns, 3)->t.at == SEC(3));
  EXPECT(st, stage_seg(st, syns, 3)->seq == 500);
  EXPECT(st, st->fact[DOOR_FILTERED * 4 + 1] == (uint64_t)-TCT_ETIMEDOUT);
  EXPECT(st, st->fact[DOOR_FILTERED * 4 + 2] >= SEC(180));
  return true;
}

static bool check_backlog(struct stage *st) {
  struct pick syns = sent_with(DOOR_BACKLOG, LEFT, TCT_SYN, TCT_SYN);
  struct pick answers = sent_with(DOOR_BACKLOG, RIGHT, TCT_SYN, TCT_SYN);
  syns.port = answers.port = CLIENT_PORT;
  EXPECT(st, stage_count(st, syns) == 3);
  EXPECT(st, stage_count(st, answers) == 1);
  EXPECT(st, stage_nth(st, answers, 1)->t.at > SEC(3));
  EXPECT(st, st->fact[DOOR_BACKLOG * 4] && st->fact[0] == 3);
  return true;
}

bool story_doors_check(struct stage *st) {
  EXPECT(st, st->fact[DOOR_OPEN * 4] && st->fact[DOOR_OPEN * 4 + 2] == MS(18));
  return check_refused(st) && check_filtered(st) && check_backlog(st);
}

/* ---- early-data: S22 ----
 * A half-open record has no room for octets: like Linux, the server acknowledges the SYN alone, and
 * the client sends them again. */

struct early {
  uint32_t server_next;
  bool answered;
};

/* A client whose SYN carries ten octets, and which repeats what is not acknowledged. */
static void on_early(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct early *e = ctx;
  tct_seg r = tct_sim_seg_reply(seg);
  (void)payload;
  if (!(seg->flags & TCT_SYN))
    return;
  r.seq = 501;
  r.ack = seg->seq + 1;
  r.flags = TCT_ACK;
  r.window_raw = 65535;
  if (seg->ack == 511)
    r.seq = 511;
  else
    r.len = 10;
  e->answered = true;
  tct_sim_peer_send(p, &r, "octets SYN");
}

static void send_early_syn(struct stage *st) {
  tct_endpoint from = stage_client(), to = stage_server();
  tct_seg syn = {.src = from.addr, .dst = to.addr, .sport = from.port, .dport = to.port};
  syn.seq = 500;
  syn.flags = TCT_SYN;
  syn.window_raw = 65535;
  syn.mss = 1460;
  syn.wscale = 0xff;
  syn.len = 10;
  tct_sim_peer_send(st->peer, &syn, "octets SYN");
}

void story_early_data_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 10}}, u = {.server = {.rx_any = true}};
  struct early e = {.answered = false};
  struct scene s = stage_scene(st, "data in the third segment");
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, MS(500));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.server.first_rx_at;
  stage_end(st);

  s = stage_scene(st, "data on the SYN, no Fast Open");
  s.is_peer[LEFT] = true;
  s.script = on_early;
  s.script_ctx = &e;
  stage_begin(st, &s);
  talk_listen(st, &u, RIGHT, 300);
  send_early_syn(st);
  stage_run(st, SEC(3));
  st->fact[2] = u.server.rx_done;
  st->fact[3] = u.server.first_rx_at;
  stage_end(st);
  stage_say(st, " In the third segment: delivered at %.1f ms, with the handshake's end.",
            (double)st->fact[1] / 1e6);
  stage_say(st, " On the SYN: not acknowledged there, sent again, delivered at %.1f ms.",
            (double)st->fact[3] / 1e6);
  stage_say(st, " Fast Open (RFC 7413) would hand it over with the SYN; this stack has none yet.");
}

bool story_early_data_check(struct stage *st) {
  const tct_seg *third = stage_seg(st, sent(1, LEFT), 2);
  tct_time open = stage_went(st, 2, RIGHT, TCT_SYN_RECEIVED, TCT_ESTABLISHED);
  EXPECT(st, third->seq == 501 && third->ack == 301 && third->len == 10);
  EXPECT(st, st->fact[0] == 10 && st->fact[1] == MS(27));
  EXPECT(st, open != TCT_NEVER && st->fact[2] == 10 && st->fact[3] >= open);
  EXPECT(st, stage_seg(st, sent(2, RIGHT), 1)->flags == (TCT_SYN | TCT_ACK));
  return true;
}
