/* SPDX-License-Identifier: MIT */
/*
 * Stories of numbers: what is acknowledged, where initial sequence numbers come from, what MSS and
 * window count. RFC 9293 sections 3.4, 3.4.1, 3.7.1, 3.10.7.3; RFC 6528; RFC 7323 section 2.
 */
#include <stdio.h>
#include <string.h>

#include "cli/stories/stories.h"
#include "cli/stories/view.h"

/* ---- two-answers: S15 ---- */

struct misprint {
  unsigned answered;
};

/* Answers as the page prints it: the number for a SYN of 500 is said to be 5001. */
static void on_misprint(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct misprint *m = ctx;
  tct_seg r = tct_sim_seg_reply(seg);
  (void)payload;
  if (!(seg->flags & TCT_SYN) || m->answered++ > 0)
    return;
  r.flags = TCT_SYN | TCT_ACK;
  r.seq = 300;
  r.ack = 5001;
  r.mss = 1460;
  r.window_raw = 65535;
  tct_sim_peer_send(p, &r, NULL);
}

void story_two_answers_play(struct stage *st) {
  struct talk t = {.client = {.close = TCT_SIM_KEEP_OPEN}}, u = t;
  struct misprint m = {0};
  struct scene s = stage_scene(st, "right: 500 is answered by 501");
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, MS(1500));
  st->fact[0] = t.client.connected && t.server.connected;
  stage_end(st);

  s = stage_scene(st, "as printed on the page: 500 is answered by 5001");
  s.is_peer[RIGHT] = true;
  s.script = on_misprint;
  s.script_ctx = &m;
  stage_begin(st, &s);
  talk_connect(st, &u, LEFT, 500);
  stage_run(st, MS(1500));
  st->fact[1] = u.client.connected;
  stage_end(st);
  view_side_by_side(st, 1, 2, 4);
}

bool story_two_answers_check(struct stage *st) {
  const tct_seg *rst = stage_seg(st, sent(2, LEFT), 2);
  const struct stage_record *again = stage_nth(st, sent(2, LEFT), 3);
  EXPECT(st, stage_seg(st, sent(1, RIGHT), 1)->ack == 501 && st->fact[0]);
  EXPECT(st, stage_seg(st, sent(1, LEFT), 2)->seq == 501);
  EXPECT(st, stage_seg(st, sent(1, LEFT), 2)->ack == 301);
  EXPECT(st, stage_count(st, sent(1, LEFT)) == 2 && stage_count(st, sent(1, RIGHT)) == 1);
  EXPECT(st, rst->flags == TCT_RST && rst->seq == 5001);
  EXPECT(st, stage_state(st, 2, LEFT) == TCT_SYN_SENT && !st->fact[1]);
  EXPECT(st, again->t.seg.flags == TCT_SYN && again->t.seg.seq == 500 && again->t.at == SEC(1));
  return true;
}

/* ---- wrap: S15 ---- */

static void ask_wrap(struct stage *st) {
  char line[64];
  if (!st->opts.ask)
    return;
  fprintf(st->opts.show.out,
          "  The SYN's number is 4294967295. Which number will acknowledge it? ");
  fflush(st->opts.show.out);
  if (fgets(line, sizeof line, stdin) == NULL)
    return;
  line[strcspn(line, "\n")] = 0;
  stage_say(st, strcmp(line, "0") == 0 ? "  Yes: 0.\n" : "  It is 0: numbers wrap at 2^32.\n");
}

void story_wrap_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 10, .start_after_ns = MS(30)}};
  struct scene s = stage_scene(st, "after 4294967295 comes 0");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  ask_wrap(st);
  stage_begin(st, &s);
  talk_start(st, &t, 4294967295, 300);
  stage_run(st, SEC(1));
  st->fact[0] = t.server.rx_done;
  stage_end(st);
}

bool story_wrap_check(struct stage *st) {
  const tct_seg *syn_ack = stage_seg(st, sent(1, RIGHT), 1);
  const tct_seg *fin = stage_seg(st, sent_with(1, LEFT, TCT_FIN, TCT_FIN), 1);
  EXPECT(st, stage_seg(st, sent(1, LEFT), 1)->seq == UINT32_MAX);
  EXPECT(st, (syn_ack->flags & TCT_ACK) && syn_ack->ack == 0);
  EXPECT(st, stage_seg(st, sent(1, LEFT), 2)->seq == 0);
  EXPECT(st, stage_seg(st, data_of(1, LEFT), 1)->seq == 0);
  EXPECT(st, fin->seq + fin->len == 10);
  EXPECT(st, st->fact[0] == 10);
  return true;
}

/* ---- isn-clock: S8 ---- */

enum { ISN_PORTS = 4 };

/* Opens from that port, takes the ISN from the record, and resets, so that no TIME-WAIT is left. */
static uint32_t draw_isn(struct stage *st, uint16_t port, tct_time at) {
  tct_sim_flow f = {.tx_total = 0};
  tct_endpoint from = stage_client(), to = stage_server();
  struct pick syn = sent_with(st->scene, LEFT, TCT_SYN, TCT_SYN);
  from.port = port;
  syn.port = port;
  syn.from = at;
  stage_run(st, at);
  MUST(st, tct_sim_flow_open(&f, st->host[LEFT]));
  MUST(st, tct_sock_bind(stage_stack(st, LEFT), f.app.sock, &from));
  MUST(st, tct_sim_flow_connect_sock(&f, &to));
  stage_run(st, at + MS(100));
  MUST(st, tct_sock_abort(stage_stack(st, LEFT), f.app.sock));
  tct_sim_host_kick(st->host[LEFT]);
  stage_run(st, at + MS(200));
  return stage_seg(st, syn, 1)->seq;
}

void story_isn_clock_play(struct stage *st) {
  tct_sim_server listener = {.n_flows = 0};
  tct_sim_flow accepted[2 + ISN_PORTS] = {{.tx_total = 0}};
  struct scene s = stage_scene(st, "the same ports twice, one second apart, then other ports");
  stage_begin(st, &s);
  listener.flows = accepted;
  listener.n_flows = 2 + ISN_PORTS;
  MUST(st, tct_sim_server_listen(&listener, st->host[RIGHT], SERVER_PORT, 16));
  st->fact[0] = draw_isn(st, CLIENT_PORT, SEC(1));
  st->fact[1] = draw_isn(st, CLIENT_PORT, SEC(2));
  for (unsigned i = 0; i < ISN_PORTS; i++)
    st->fact[2 + i] = draw_isn(st, (uint16_t)(CLIENT_PORT + 1 + i), SEC(3) + i * MS(250));
  stage_end(st);
  stage_say(st, " port %u at 1 s: ISN %10u", CLIENT_PORT, (unsigned)st->fact[0]);
  stage_say(st, " port %u at 2 s: ISN %10u   %u more: one tick each 4 microseconds", CLIENT_PORT,
            (unsigned)st->fact[1], (uint32_t)(st->fact[1] - st->fact[0]));
  for (unsigned i = 0; i < ISN_PORTS; i++)
    stage_say(st, " port %u       : ISN %10u   %s", CLIENT_PORT + 1 + i, (unsigned)st->fact[2 + i],
              i == 0 ? "other ports: a keyed hash moves them apart" : "");
}

bool story_isn_clock_check(struct stage *st) {
  uint32_t second = (uint32_t)(st->fact[1] - st->fact[0]);
  EXPECT(st, second >= 249000 && second <= 251000);
  /* Each other port lies far from what the clock alone would say. */
  for (unsigned i = 0; i < ISN_PORTS; i++) {
    uint32_t apart = (uint32_t)(st->fact[2 + i] - st->fact[1 + i]);
    EXPECT(st, apart > 2000000 && apart < UINT32_MAX - 2000000);
  }
  return true;
}

/* ---- mss: S10, S11 ---- */

static void set_mss(struct stage *st, int end, tct_sock k, int mss) {
  MUST(st, tct_sock_set(stage_stack(st, end), k, TCT_OPT_MAXSEG, mss));
}

static void talk_with_mss(struct stage *st, struct talk *t, int client_mss, int server_mss) {
  tct_endpoint from = stage_client(), to = stage_server();
  t->listener.flows = &t->server;
  t->listener.n_flows = 1;
  MUST(st, tct_sim_server_open(&t->listener, st->host[RIGHT]));
  set_mss(st, RIGHT, t->listener.app.sock, server_mss);
  talk_set_isn(st, RIGHT, t->listener.app.sock, 300);
  MUST(st, tct_sim_server_start(&t->listener, SERVER_PORT, 16));
  MUST(st, tct_sim_flow_open(&t->client, st->host[LEFT]));
  MUST(st, tct_sock_bind(stage_stack(st, LEFT), t->client.app.sock, &from));
  set_mss(st, LEFT, t->client.app.sock, client_mss);
  talk_set_isn(st, LEFT, t->client.app.sock, 500);
  MUST(st, tct_sim_flow_connect_sock(&t->client, &to));
}

void story_mss_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 5600, .start_after_ns = MS(30), .rx_key = 1},
                   .server = {.tx_total = 5000, .start_after_ns = MS(120), .tx_key = 1}};
  struct scene s = stage_scene(st, "the client states 1000, the server 1400");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  stage_begin(st, &s);
  talk_with_mss(st, &t, 1000, 1400);
  /* The option limits our own sending, too: lifted, so that only the peer's word counts. */
  stage_run(st, MS(20));
  set_mss(st, LEFT, t.client.app.sock, 1460);
  stage_run(st, SEC(2));
  st->fact[0] = t.server.rx_done;
  st->fact[1] = t.client.rx_done;
  stage_end(st);
  view_header(st, stage_frame_nth(st, 1, 1));
  stage_say(st, " 1000 is 03e8 in hex, in octets; nothing was bargained over.");
}

static uint32_t largest(const struct stage *st, unsigned scene, int end) {
  uint32_t most = 0;
  unsigned n = stage_count(st, data_of(scene, end));
  for (unsigned i = 1; i <= n; i++) {
    uint32_t len = stage_seg(st, data_of(scene, end), i)->len;
    if (len > most)
      most = len;
  }
  return most;
}

static unsigned count_mss(const struct stage *st, unsigned scene, int end) {
  unsigned n = stage_count(st, sent(scene, end)), with = 0;
  for (unsigned i = 1; i <= n; i++)
    with += stage_seg(st, sent(scene, end), i)->mss != 0;
  return with;
}

bool story_mss_check(struct stage *st) {
  EXPECT(st, stage_seg(st, sent(1, LEFT), 1)->mss == 1000);
  EXPECT(st, stage_seg(st, sent(1, RIGHT), 1)->mss == 1400);
  EXPECT(st, largest(st, 1, LEFT) == 1400 && largest(st, 1, RIGHT) == 1000);
  EXPECT(st, count_mss(st, 1, LEFT) == 1 && count_mss(st, 1, RIGHT) == 1);
  EXPECT(st, st->fact[0] == 5600 && st->fact[1] == 5000);
  return true;
}

/* ---- no-mss: S18 ---- */

struct mute {
  uint32_t next;
};

/* A client that states no MSS, and acknowledges all it gets. */
static void on_mute(void *ctx, tct_sim_peer *p, const tct_seg *seg, const uint8_t *payload) {
  struct mute *m = ctx;
  tct_seg r = tct_sim_seg_reply(seg);
  (void)payload;
  r.flags = TCT_ACK;
  r.seq = 501;
  r.window_raw = 65535;
  if (seg->flags & TCT_SYN)
    m->next = seg->seq + 1;
  else if (seg->len > 0 && seg->seq == m->next)
    m->next += seg->len;
  else
    return;
  r.ack = m->next;
  tct_sim_peer_send(p, &r, NULL);
}

static void play_mute(struct stage *st, const char *title, tct_addr from, tct_addr to) {
  struct talk t = {.server = {.tx_total = 3000}};
  struct mute m = {0};
  struct scene s = stage_scene(st, title);
  tct_seg syn = {.src = from, .dst = to, .sport = CLIENT_PORT, .dport = SERVER_PORT};
  syn.seq = 500;
  syn.flags = TCT_SYN;
  syn.window_raw = 65535;
  syn.wscale = 0xff;
  s.is_peer[LEFT] = true;
  s.script = on_mute;
  s.script_ctx = &m;
  s.host[RIGHT].addr = to;
  stage_begin(st, &s);
  talk_listen(st, &t, RIGHT, 300);
  tct_sim_peer_send(st->peer, &syn, NULL);
  stage_run(st, MS(500));
  st->fact[st->scene] = m.next;
  stage_end(st);
}

void story_no_mss_play(struct stage *st) {
  tct_addr from, to;
  play_mute(st, "IPv4: the SYN has no MSS option", stage_client().addr, stage_server().addr);
  if (tct_addr_parse("2001:db8::10", &from) < 0 || tct_addr_parse("2001:db8::80", &to) < 0)
    return;
  play_mute(st, "IPv6: the SYN has no MSS option", from, to);
}

bool story_no_mss_check(struct stage *st) {
  EXPECT(st, stage_seg(st, got(1, RIGHT), 1)->mss == 0);
  EXPECT(st, largest(st, 1, RIGHT) == 536 && largest(st, 2, RIGHT) == 1220);
  EXPECT(st, stage_seg(st, sent(1, RIGHT), 1)->mss == 1460);
  EXPECT(st, stage_seg(st, sent(2, RIGHT), 1)->mss == 1440);
  EXPECT(st, st->fact[1] == 3301 && st->fact[2] == 3301);
  return true;
}

/* ---- window-scale: S18, O2 ---- */

void story_window_scale_play(struct stage *st) {
  struct talk t = {.client = {.tx_total = 4000, .start_after_ns = MS(30)}};
  struct scene s = stage_scene(st, "scale 7: the field times 128, but never in a SYN");
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  for (int end = LEFT; end <= RIGHT; end++) {
    s.host[end].stack.no_wscale = false;
    s.host[end].stack.rcvbuf_bytes = 4u << 20;
  }
  s.show_window = true;
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, SEC(1));
  stage_end(st);
}

bool story_window_scale_check(struct stage *st) {
  for (int end = LEFT; end <= RIGHT; end++) {
    const tct_seg *syn = stage_seg(st, sent(1, end), 1), *later = stage_seg(st, sent(1, end), 2);
    EXPECT(st, syn->wscale != 0xff && syn->wscale >= 1);
    EXPECT(st, syn->window_bytes == syn->window_raw);
    EXPECT(st, later->wscale == 0xff);
    EXPECT(st, later->window_bytes == (uint32_t)later->window_raw << syn->wscale);
    EXPECT(st, later->window_bytes > 65535);
  }
  return true;
}
