/* SPDX-License-Identifier: MIT */
/*
 * Stories of trouble: what a handshake does not protect from, a flood of SYNs, a crash; and the
 * ports that everybody knows. RFC 9293 sections 3.5.1, 3.10.7, 7; RFC 4987; RFC 5961.
 */
#include <stdio.h>
#include <string.h>

#include "cli/stories/stories.h"
#include "cli/stories/view.h"

/* ---- not-secret: S1 ---- */

enum { SECRET_LEN = 22, FORGED_LEN = 10 };
static const char secret[] = "user eve pay 10 to bob";
static const char forged[] = "0000 coins";

/* Somebody between the two saw a segment, and makes the next one. */
static void inject_forgery(struct stage *st) {
  const tct_seg *seen = stage_seg(st, data_of(1, LEFT), 1);
  tct_seg f = *seen;
  uint8_t bytes[128];
  uint32_t len;
  f.seq = seen->seq + seen->len;
  f.len = FORGED_LEN;
  len = tct_sim_seg_emit(&f, forged, bytes, sizeof bytes);
  tct_sim_link_inject(st->link, LEFT, bytes, len);
}

static void read_as_server(struct stage *st, tct_sock k, char *text, size_t cap) {
  long n = tct_sock_recv(stage_stack(st, RIGHT), k, text, cap - 1, 0);
  st->fact[0] = n > 0 ? (uint64_t)n : 0;
  text[st->fact[0]] = 0;
  st->fact[1] = n == SECRET_LEN + FORGED_LEN && memcmp(text + SECRET_LEN, forged, FORGED_LEN) == 0;
}

void story_not_secret_play(struct stage *st) {
  struct talk t = {.client = {.tx_bytes = (const uint8_t *)secret, .tx_total = SECRET_LEN}};
  struct scene s = stage_scene(st, "a third party reads, then writes");
  char text[64];
  t.client.start_after_ns = MS(30);
  t.server.rx_paused = true;
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  stage_run(st, MS(80));
  stage_note(st, "a third party, who saw the numbers, writes ten octets as the client");
  inject_forgery(st);
  stage_run(st, MS(274));
  stage_curtain(st);
  stage_run(st, SEC(2));
  st->fact[2] = stage_frames(st, 1, 2);
  read_as_server(st, t.server.app.sock, text, sizeof text);
  stage_end(st);
  stage_say(st, " What anybody on the way can read:");
  view_payload(st, stage_frame_nth(st, 1, 4));
  stage_say(st, " What the server's application read: \"%s\"", text);
  stage_say(st, " TCP-AO (RFC 5925), TLS or IPsec would help; this stack has none of them yet.");
}

bool story_not_secret_check(struct stage *st) {
  const struct stage_frame *f = stage_frame_nth(st, 1, 4);
  struct pick forgery = got(1, RIGHT);
  forgery.len_min = 1;
  /* The words stand in the frame as they are. */
  EXPECT(st, f->kept != NULL && f->f.len >= SECRET_LEN);
  EXPECT(st, memcmp(f->kept + f->f.len - SECRET_LEN, secret, SECRET_LEN) == 0);
  forgery.to = MS(300);
  EXPECT(st, stage_count(st, forgery) == 2);
  EXPECT(st, stage_seg(st, forgery, 2)->seq == 501 + SECRET_LEN);
  EXPECT(st, st->fact[0] == SECRET_LEN + FORGED_LEN && st->fact[1]);
  /* The two ends now disagree about numbers; their ACKs to each other must die out. */
  EXPECT(st, st->fact[2] < 60);
  return true;
}

/* ---- well-known-ports: O1 ---- */

static const struct known_port {
  uint16_t port;
  const char *name, *use;
} known_ports[] = {
    {22, "ssh", "remote login, encrypted"},
    {25, "smtp", "mail between servers"},
    {53, "domain", "names to addresses, when UDP is too small"},
    {80, "http", "web pages"},
    {110, "pop3", "fetching mail"},
    {143, "imap", "reading mail"},
    {443, "https", "web pages, encrypted"},
};
enum { N_KNOWN_PORTS = sizeof known_ports / sizeof known_ports[0] };

void story_well_known_ports_play(struct stage *st) {
  tct_sim_server listeners[N_KNOWN_PORTS];
  tct_sim_flow servers[N_KNOWN_PORTS], clients[N_KNOWN_PORTS];
  struct scene s = stage_scene(st, "one connection to each of seven well-known ports");
  s.relative = true;
  memset(listeners, 0, sizeof listeners);
  memset(servers, 0, sizeof servers);
  memset(clients, 0, sizeof clients);
  stage_begin(st, &s);
  for (unsigned i = 0; i < N_KNOWN_PORTS; i++) {
    tct_endpoint to = stage_server();
    to.port = known_ports[i].port;
    listeners[i].flows = &servers[i];
    listeners[i].n_flows = 1;
    servers[i].close = TCT_SIM_CLOSE_ON_EOF;
    clients[i].close = TCT_SIM_CLOSE_AFTER_SEND;
    MUST(st, tct_sim_server_listen(&listeners[i], st->host[RIGHT], to.port, 4));
    stage_run(st, MS(100 * i));
    MUST(st, tct_sim_flow_connect(&clients[i], st->host[LEFT], &to));
  }
  stage_run(st, SEC(2));
  for (unsigned i = 0; i < N_KNOWN_PORTS; i++)
    st->fact[i] = clients[i].connected;
  stage_end(st);
  stage_say(st, " %-6s %-8s %s", "port", "name", "what for");
  for (unsigned i = 0; i < N_KNOWN_PORTS; i++)
    stage_say(st, " %-6u %-8s %s", known_ports[i].port, known_ports[i].name, known_ports[i].use);
}

bool story_well_known_ports_check(struct stage *st) {
  for (unsigned i = 0; i < N_KNOWN_PORTS; i++) {
    struct pick p = sent_with(1, LEFT, TCT_SYN, TCT_SYN), q = sent_with(1, RIGHT, TCT_SYN, TCT_SYN);
    p.port = q.port = known_ports[i].port;
    EXPECT(st, stage_count(st, p) == 1 && stage_count(st, q) == 1);
    EXPECT(st, stage_seg(st, p, 1)->dport == known_ports[i].port);
    /* The other port is one nobody needs to know. */
    EXPECT(st, stage_seg(st, p, 1)->sport >= 1024 && st->fact[i]);
  }
  return true;
}

/* ---- syn-flood: O2 ---- */

enum { FLOOD_SYNS = 1000, FLOOD_ROOM = 64 };

struct flood {
  struct stage *st;
  unsigned n;
};

static void flood_some(void *ctx) {
  struct flood *f = ctx;
  uint8_t bytes[128];
  for (unsigned i = 0; i < 20 && f->n < FLOOD_SYNS; i++, f->n++) {
    tct_seg syn = {.src = tct_addr_ipv4(198, 51, 100, (uint8_t)(1 + f->n % 250)),
                   .dst = stage_server().addr,
                   .dport = SERVER_PORT,
                   .flags = TCT_SYN};
    syn.sport = (uint16_t)(1024 + f->n);
    syn.seq = f->n * 7919;
    syn.window_raw = 1024;
    syn.mss = 1460;
    syn.wscale = 0xff;
    tct_sim_link_inject(f->st->link, LEFT, bytes,
                        tct_sim_seg_emit(&syn, NULL, bytes, sizeof bytes));
  }
  if (f->n < FLOOD_SYNS)
    tct_sim_at(f->st->world, tct_sim_now(f->st->world) + MS(10), flood_some, f);
}

static void play_flood(struct stage *st, const char *title, tct_cookies cookies) {
  struct talk t = {.client = {.tx_total = 10, .start_after_ns = MS(30)}};
  struct scene s = stage_scene(st, title);
  struct flood f = {st, 0};
  tct_counters c;
  t.client.close = TCT_SIM_CLOSE_AFTER_SEND;
  t.server.close = TCT_SIM_CLOSE_ON_EOF;
  s.only_port = CLIENT_PORT;
  s.host[RIGHT].stack.cookies = cookies;
  s.host[RIGHT].stack.limits.half_open = FLOOD_ROOM;
  stage_begin(st, &s);
  talk_listen(st, &t, RIGHT, NO_ISN);
  flood_some(&f);
  stage_run(st, MS(300));
  stage_note(st, "%u SYNs from invented addresses so far; room for %d", f.n, FLOOD_ROOM);
  talk_connect(st, &t, LEFT, 500);
  stage_run(st, SEC(5));
  tct_stack_counters(stage_stack(st, RIGHT), &c);
  st->fact[st->scene * 8] = t.client.connected;
  st->fact[st->scene * 8 + 1] = t.server.rx_done;
  st->fact[st->scene * 8 + 2] = c.SyncookiesSent;
  st->fact[st->scene * 8 + 3] = c.SyncookiesRecv;
  st->fact[st->scene * 8 + 4] = c.HalfOpenNow;
  stage_end(st);
}

void story_syn_flood_play(struct stage *st) {
  play_flood(st, "with cookies, once the room is full", TCT_COOKIES_OVERFLOW);
  stage_say(st, " Connected: the server stored nothing, its own number held all it needed.\n");
  play_flood(st, "without cookies", TCT_COOKIES_NEVER);
  stage_say(st, " Not connected: those who only pretend to come have taken all the room.");
}

bool story_syn_flood_check(struct stage *st) {
  struct pick cookie = sent_with(1, RIGHT, TCT_SYN, TCT_SYN), answer = cookie;
  cookie.why = TCT_WHY_SYN_ACK_COOKIE;
  cookie.port = answer.port = CLIENT_PORT;
  EXPECT(st, stage_count(st, cookie) == 1);
  EXPECT(st, st->fact[8] && st->fact[9] == 10);
  EXPECT(st, st->fact[10] > FLOOD_SYNS / 2 && st->fact[11] == 1 && st->fact[12] <= FLOOD_ROOM);
  answer.scene = 2;
  EXPECT(st, stage_count(st, answer) == 0 && !st->fact[16] && st->fact[18] == 0);
  return true;
}

/* ---- crash: O2 ---- */

static void crash_server(void *ctx) {
  struct stage *st = ctx;
  stage_note(st, "the server loses its memory and starts again");
  tct_sim_host_crash(st->host[RIGHT]);
  st->fact[0] = tct_sim_host_boot(st->host[RIGHT]);
}

static void play_server_crash(struct stage *st) {
  struct talk t = {.client = {.tx_total = 10, .start_after_ns = MS(200)}};
  struct scene s = stage_scene(st, "the server crashed; the client speaks first");
  stage_begin(st, &s);
  talk_start(st, &t, 500, 300);
  tct_sim_at(st->world, MS(100), crash_server, st);
  stage_run(st, SEC(1));
  st->fact[1] = t.client.closed;
  st->fact[2] = (uint64_t)-t.client.err;
  stage_end(st);
}

static void play_client_crash(struct stage *st) {
  struct talk t = {.client = {.tx_total = 0}};
  tct_sim_flow again = {.tx_total = 10}, servers[2] = {{.tx_total = 0}, {.tx_total = 0}};
  struct scene s = stage_scene(st, "the client crashed, and opens again from the same port");
  tct_endpoint from = stage_client(), to = stage_server();
  stage_begin(st, &s);
  talk_listen(st, &t, RIGHT, 300);
  t.listener.flows = servers;
  t.listener.n_flows = 2;
  talk_connect(st, &t, LEFT, 100);
  stage_run(st, MS(100));
  stage_note(st, "the client loses its memory and starts again");
  tct_sim_host_crash(st->host[LEFT]);
  st->fact[3] = tct_sim_host_boot(st->host[LEFT]);
  MUST(st, tct_sim_flow_open(&again, st->host[LEFT]));
  MUST(st, tct_sock_bind(stage_stack(st, LEFT), again.app.sock, &from));
  talk_set_isn(st, LEFT, again.app.sock, 400);
  MUST(st, tct_sim_flow_connect_sock(&again, &to));
  stage_run(st, SEC(4));
  st->fact[4] = servers[0].closed;
  st->fact[5] = (uint64_t)-servers[0].err;
  st->fact[6] = again.connected;
  st->fact[7] = servers[1].rx_done;
  stage_end(st);
}

void story_crash_play(struct stage *st) {
  play_server_crash(st);
  play_client_crash(st);
}

bool story_crash_check(struct stage *st) {
  struct pick rst = sent_with(1, RIGHT, TCT_RST, TCT_RST);
  const tct_seg *data = stage_seg(st, data_of(1, LEFT), 1);
  const tct_seg *challenge = stage_seg(st, sent(2, RIGHT), 2);
  const tct_seg *reset = stage_seg(st, sent_with(2, LEFT, TCT_RST, TCT_RST), 1);
  const struct stage_record *syn = stage_nth(st, sent_with(2, LEFT, TCT_SYN, TCT_SYN), 3);
  EXPECT(st, st->fact[0] && stage_count(st, rst) == 1);
  EXPECT(st, stage_seg(st, rst, 1)->seq == data->ack);
  EXPECT(st, st->fact[1] && st->fact[2] == (uint64_t)-TCT_ECONNRESET);
  /* Figure 9: the SYN out of place is answered by an ACK of the old numbers, that by a RST. */
  EXPECT(st, stage_seg(st, sent_with(2, LEFT, TCT_SYN, TCT_SYN), 2)->seq == 400);
  EXPECT(st, challenge->flags == TCT_ACK && challenge->seq == 301 && challenge->ack == 101);
  EXPECT(st, reset->flags == TCT_RST && reset->seq == 101);
  EXPECT(st, st->fact[4] && st->fact[5] == (uint64_t)-TCT_ECONNRESET);
  EXPECT(st, syn->t.seg.seq == 400 && syn->t.at == MS(100) + SEC(1));
  EXPECT(st, st->fact[6] && st->fact[7] == 10);
  return true;
}
