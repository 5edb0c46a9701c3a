/* SPDX-License-Identifier: MIT */
/*
 * Stories of the window: ten segments at once but a thousand in all; two rulers, one a direction.
 * RFC 9293 sections 3.3.1, 3.4, 3.8.6; RFC 5681, RFC 6928.
 */
#include <string.h>

#include "cli/stories/stories.h"
#include "cli/stories/view.h"

/* ---- ten-segments: S11, S12, O2 ---- */

enum { TEN_MSS = 100, TEN_WINDOW = 1000, TEN_BYTES = 100000 };

static void play_ten(struct stage *st, const char *title, unsigned first_segs) {
  struct talk t = {.client = {.tx_total = TEN_BYTES, .start_after_ns = MS(10)}};
  struct scene s = stage_scene(st, title);
  tct_sock k;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  s.host[LEFT].stack.initial_window_segs = (uint8_t)first_segs;
  stage_begin(st, &s);
  t.listener.flows = &t.server;
  t.listener.n_flows = 1;
  MUST(st, tct_sim_server_open(&t.listener, st->host[RIGHT]));
  k = t.listener.app.sock;
  MUST(st, tct_sock_set(stage_stack(st, RIGHT), k, TCT_OPT_MAXSEG, TEN_MSS));
  MUST(st, tct_sock_set(stage_stack(st, RIGHT), k, TCT_OPT_WINDOW_CLAMP, TEN_WINDOW));
  talk_set_isn(st, RIGHT, k, 300);
  MUST(st, tct_sim_server_start(&t.listener, SERVER_PORT, 16));
  talk_connect(st, &t, LEFT, 500);
  stage_run(st, MS(75));
  stage_curtain(st);
  stage_run(st, SEC(60));
  st->fact[st->scene] = t.server.rx_done;
  stage_end(st);
}

/* The most octets that were sent and not yet acknowledged, by what the sender saw. */
static uint32_t most_in_flight(const struct stage *st, unsigned scene) {
  uint32_t una = 501, nxt = 501, most = 0;
  for (size_t i = 0; i < st->n_records; i++) {
    const struct stage_record *r = &st->records[i];
    const tct_seg *g = &r->t.seg;
    if (r->scene != scene || r->end != LEFT)
      continue;
    if (r->t.kind == TCT_TRACE_SEG_OUT && g->len > 0)
      nxt = g->seq + g->len;
    if (r->t.kind == TCT_TRACE_SEG_IN && g->ack > una)
      una = g->ack;
    if (nxt - una > most && nxt > una)
      most = nxt - una;
  }
  return most;
}

/* Segments of data that left before the first acknowledgment of data came. */
static unsigned first_burst(const struct stage *st, unsigned scene) {
  struct pick p = data_of(scene, LEFT), acks = got(scene, LEFT);
  unsigned n = stage_count(st, acks);
  for (unsigned i = 1; i <= n; i++) {
    if (stage_seg(st, acks, i)->ack <= 501)
      continue;
    p.to = stage_nth(st, acks, i)->t.at - 1;
    break;
  }
  return stage_count(st, p);
}

void story_ten_segments_play(struct stage *st) {
  play_ten(st, "window 1000, MSS 100: ten leave, then a pause", 10);
  if (stage_is_shown(st)) {
    view_header(st, stage_frame_nth(st, 1, 2));
    stage_say(st, " … and so on: %u segments in all, never more than %u in flight.\n",
              stage_count(st, data_of(1, LEFT)), most_in_flight(st, 1) / TEN_MSS);
  }
  play_ten(st, "the same with the smaller initial window of RFC 5681", 4);
  stage_say(st, " Now four leave first: the congestion window counts too.");
}

bool story_ten_segments_check(struct stage *st) {
  const tct_seg *syn_ack = stage_seg(st, sent(1, RIGHT), 1);
  EXPECT(st, syn_ack->mss == TEN_MSS && syn_ack->window_raw == TEN_WINDOW);
  for (unsigned scene = 1; scene <= 2; scene++) {
    EXPECT(st, stage_count(st, data_of(scene, LEFT)) == TEN_BYTES / TEN_MSS);
    EXPECT(st, stage_seg(st, data_of(scene, LEFT), 1)->len == TEN_MSS);
    EXPECT(st, most_in_flight(st, scene) == TEN_WINDOW);
    EXPECT(st, st->fact[scene] == TEN_BYTES);
    /* Segments of 100 are full ones here: every second is acknowledged. [RFC9293 SHLD-19] */
    EXPECT(st, stage_seg(st, got(scene, LEFT), 2)->ack == 501 + 2 * TEN_MSS);
  }
  EXPECT(st, first_burst(st, 1) == 10 && first_burst(st, 2) == 4);
  return true;
}

/* ---- rulers: S3, S14, S23 ---- */

enum { RULER_UP = 3000, RULER_DOWN = 6000, RULER_SAMPLES = 12 };

struct rulers {
  struct stage *st;
  struct talk t;
  struct view_ruler now[2]; /* LEFT: the client's numbers, RIGHT: the server's */
  unsigned n;
  bool went_back, alone[2]; /* alone: it moved while the other stood still */
};

static void read_sender(struct stage *st, int end, tct_sock k, struct view_ruler r[2]) {
  tct_info i = {.size = sizeof i};
  if (tct_sock_info(stage_stack(st, end), k, &i) < 0)
    return;
  r[end].una = i.snd_una - i.iss;
  r[end].nxt = i.snd_nxt - i.iss;
  if (i.rcv_nxt != 0)
    r[1 - end].rcv_nxt = i.rcv_nxt - i.irs;
}

static void sample_rulers(void *ctx) {
  struct rulers *k = ctx;
  struct view_ruler was[2];
  bool moved[2];
  memcpy(was, k->now, sizeof was);
  read_sender(k->st, LEFT, k->t.client.app.sock, k->now);
  if (k->t.server.connected)
    read_sender(k->st, RIGHT, k->t.server.app.sock, k->now);
  for (int d = LEFT; d <= RIGHT; d++) {
    const struct view_ruler *n = &k->now[d];
    moved[d] = memcmp(&was[d], n, sizeof *n) != 0;
    if (n->una < was[d].una || n->nxt < was[d].nxt || n->rcv_nxt < was[d].rcv_nxt)
      k->went_back = true;
    if (n->una > n->nxt || n->una > n->rcv_nxt)
      k->went_back = true;
  }
  for (int d = LEFT; d <= RIGHT; d++)
    k->alone[d] |= moved[d] && !moved[1 - d];
  if (moved[LEFT] || moved[RIGHT])
    view_rulers(k->st, tct_sim_now(k->st->world), k->now);
}

void story_rulers_play(struct stage *st) {
  struct rulers k = {.st = st,
                     .t = {.client = {.tx_total = RULER_UP, .rx_key = 1},
                           .server = {.tx_total = RULER_DOWN, .tx_key = 1}}};
  struct scene s = stage_scene(st, "two directions, two rulers");
  k.t.client.start_after_ns = MS(10);
  k.t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  k.t.server.start_after_ns = MS(60);
  k.t.server.close = TCT_SIM_CLOSE_ON_EOF;
  k.t.server.close_after_ns = MS(20);
  s.hidden = st->opts.show.mode != SHOW_JSON && st->opts.svg_path == NULL;
  k.now[LEFT].end = 1 + RULER_UP + 1;
  k.now[RIGHT].end = 1 + RULER_DOWN + 1;
  stage_begin(st, &s);
  talk_start(st, &k.t, 500, 300);
  for (unsigned i = 0; i < RULER_SAMPLES; i++)
    tct_sim_at(st->world, MS(5 + 13 * i), sample_rulers, &k);
  stage_run(st, SEC(2));
  st->fact[0] = k.went_back;
  st->fact[1] = k.alone[LEFT];
  st->fact[2] = k.alone[RIGHT];
  st->fact[3] = k.t.client.rx_done;
  st->fact[4] = k.t.server.rx_done;
  stage_end(st);
  stage_say(st, " client: SYN +0 (500), octets +1 to +%d, FIN +%d;", RULER_UP, RULER_UP + 1);
  stage_say(st, " server: SYN +0 (300), octets +1 to +%d, FIN +%d.", RULER_DOWN, RULER_DOWN + 1);
}

bool story_rulers_check(struct stage *st) {
  const tct_seg *fin = stage_seg(st, sent_with(1, LEFT, TCT_FIN, TCT_FIN), 1);
  EXPECT(st, !st->fact[0] && st->fact[1] && st->fact[2]);
  EXPECT(st, st->fact[3] == RULER_DOWN && st->fact[4] == RULER_UP);
  /* SYN at the ISN, the first octet one later, FIN after the last octet: a number each. */
  EXPECT(st, stage_seg(st, data_of(1, LEFT), 1)->seq == 501);
  EXPECT(st, fin->seq + fin->len == 501 + RULER_UP);
  EXPECT(st, stage_seg(st, got_with(1, LEFT, TCT_FIN, TCT_FIN), 1)->ack == 500 + 2 + RULER_UP);
  return true;
}
