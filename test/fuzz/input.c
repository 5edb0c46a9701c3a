/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: arbitrary frames, and almost right ones, into a stack that has listeners (one that
 * asks first), connections in several states, a SYN on its way, a TIME-WAIT record and UDP sockets.
 * The first bytes choose which. After each step every frame that comes out is checked, and all
 * invariants; at the end everything must be gone.
 */
#include "test/attack/lab.h"

#include <stdlib.h>
#include <string.h>

enum { PEERS = 6, STEPS_MAX = 300, ANSWERS_MAX = 200, DATA_MAX = 1400 };

static struct lab lab;
static struct lab_peer peers[PEERS];
static tct_sock listener, asker, udp;
static struct lab_got got;
static uint8_t frame[LAB_FRAME_MAX];
static uint8_t zeros[DATA_MAX];

static void tweak_small(tct_config *c) {
  c->limits = (tct_limits){.conns = 24,
                           .half_open = 16,
                           .held = 4,
                           .time_wait = 8,
                           .udp = 4,
                           .orphans = 4,
                           .buffer_bytes = 1 << 20,
                           .reasm_bytes = 1 << 15,
                           .reply_bytes = 1 << 14};
  c->fastopen = TCT_FASTOPEN_CLIENT | TCT_FASTOPEN_SERVER | TCT_FASTOPEN_CLIENT_NO_COOKIE |
                TCT_FASTOPEN_SERVER_NO_COOKIE | TCT_FASTOPEN_ALL_LISTENERS;
}

static void tweak_linux(tct_config *c) {
  tweak_small(c);
  c->profile = TCT_PROFILE_LINUX;
  c->cookies = TCT_COOKIES_ALWAYS;
  c->info = TCT_INFO_BASIC;
}

/* ---- What the input talks to -------------------------------------------------------------------
 */

static tct_sock open_udp(void) {
  tct_sock k;
  tct_endpoint at = {.port = 9};
  FUZZ_CHECK(tct_sock_open(lab.s, TCT_UDP, NULL, &k) == TCT_OK);
  FUZZ_CHECK(tct_sock_bind(lab.s, k, &at) == TCT_OK);
  return k;
}

static void send_flags(struct lab_peer *p, uint8_t flags) {
  struct lab_seg g = {.flags = flags, .seq = p->seq, .ack = p->ack, .window = p->window};
  lab_send(&lab, p, &g);
  p->seq += (flags & TCT_FIN) != 0;
}

static void pull(void) {
  unsigned n = 0;
  while (lab_out(&lab, &got)) {
    FUZZ_CHECK(++n <= ANSWERS_MAX); /* [I16], and no frame has room for more */
    for (int i = 0; i < PEERS; i++)
      lab_note(&peers[i], &got);
  }
}

static void make_time_wait(struct lab_peer *p) {
  lab_establish(&lab, p, listener, 80, true);
  tct_sock_close(lab.s, p->sock);
  pull();
  lab_ack(&lab, p);
  send_flags(p, TCT_FIN | TCT_ACK);
  pull();
}

static void set_up(uint8_t how, uint8_t more) {
  int64_t ask = TCT_SYN_ASK;
  lab_init(&lab, (how & 1) != 0, (how & 2) != 0 ? tweak_linux : tweak_small);
  memset(peers, 0, sizeof peers);
  listener = lab_listen(&lab, 80);
  asker = lab_listen(&lab, 81);
  FUZZ_CHECK(tct_sock_set(lab.s, asker, TCT_OPT_SYN_POLICY, ask) == TCT_OK);
  udp = open_udp();
  lab_establish(&lab, &peers[0], listener, 80, (how & 4) != 0);
  lab_establish(&lab, &peers[1], listener, 80, (how & 8) != 0);
  lab_connect(&lab, &peers[2], &got);
  lab_peer_init(&lab, &peers[3], 80); /* nothing yet */
  lab_peer_init(&lab, &peers[4], 81);
  if ((how & 16) != 0)
    make_time_wait(&peers[5]);
  if ((how & 32) != 0) /* data in flight */
    FUZZ_CHECK(tct_sock_send(lab.s, peers[0].sock, zeros, sizeof zeros, 0) > 0);
  if ((how & 64) != 0)
    tct_sock_shutdown(lab.s, peers[1].sock, TCT_SHUT_WR);
  if ((how & 128) != 0)
    send_flags(&peers[1], TCT_FIN | TCT_ACK);
  if ((more & 1) != 0)
    tct_sock_close(lab.s, peers[0].sock);
  if ((more & 2) != 0)
    tct_sock_close(lab.s, peers[1].sock);
  pull();
}

/* ---- Steps --------------------------------------------------------------------------------------
 */

/* Any bytes; then the same with lengths and sums put right, so that they get further in. */
static void step_raw(struct fuzz_in *in) {
  size_t n = fuzz_u8(in);
  const uint8_t *p = fuzz_take(in, &n);
  lab_in(&lab, p, n);
  if (n < 20 || n > sizeof frame)
    return;
  memcpy(frame, p, n);
  bool v4 = frame[0] >> 4 == 4;
  size_t header = v4 ? (frame[0] & 15u) * 4 : 40;
  if (header < 20 || n < header + 8)
    return;
  uint8_t proto = v4 ? frame[9] : frame[6];
  tct_addr src = lab.theirs, dst = lab.ours;
  size_t at = proto == TCT_IPPROTO_TCP ? 16 : proto == TCT_IPPROTO_UDP ? 6 : 2;
  size_t whole = lab_build_ip(frame + 4000, &src, &dst, proto, frame + header, n - header);
  uint8_t *l4 = frame + 4000 + (whole - (n - header));
  if (n - header < at + 2)
    return;
  memset(l4 + at, 0, 2);
  uint16_t sum = lab_sum(&src, &dst, proto, l4, n - header);
  l4[at] = (uint8_t)(sum >> 8);
  l4[at + 1] = (uint8_t)sum;
  lab_in(&lab, frame + 4000, whole);
}

/* A segment near what the connection expects. */
static void step_segment(struct fuzz_in *in) {
  struct lab_peer *p = &peers[fuzz_below(in, PEERS)];
  uint8_t opt[40];
  uint8_t shape = fuzz_u8(in);
  struct lab_seg g = {.flags = fuzz_u8(in), .seq = p->seq, .ack = p->ack, .window = p->window};
  if ((shape & 1) != 0)
    g.seq += (uint32_t)(int32_t)(int16_t)fuzz_u16(in) << (shape >> 6) * 5;
  if ((shape & 2) != 0)
    g.ack += (uint32_t)(int32_t)(int16_t)fuzz_u16(in) << (shape >> 6) * 5;
  if ((shape & 4) != 0)
    g.window = fuzz_u16(in);
  if ((shape & 8) != 0) {
    g.opt_len = fuzz_below(in, 41);
    const void *from = fuzz_take(in, &g.opt_len); /* fewer if the input ends */
    g.opt = memcpy(opt, from, g.opt_len);
    g.no_ts = g.opt_len > 28;
  }
  if ((shape & 16) != 0) {
    g.data = zeros;
    g.len = fuzz_below(in, DATA_MAX);
  }
  if ((shape & 32) != 0)
    g.urgent = fuzz_u16(in);
  p->tsval += fuzz_below(in, 8) == 7 ? 0x40000000u : 1;
  tct_verdict v = lab_send(&lab, p, &g);
  if (v != TCT_ACCEPTED || g.seq != p->seq)
    return;
  p->seq += (uint32_t)g.len + ((g.flags & TCT_FIN) != 0) + ((g.flags & TCT_SYN) != 0);
}

/* An ICMP error that quotes a connection's segment, or nearly. */
static void step_error(struct fuzz_in *in) {
  struct lab_peer *p = &peers[fuzz_below(in, PEERS)];
  static uint8_t quote[100];
  uint8_t head[6] = {fuzz_u8(in), fuzz_u8(in), fuzz_u8(in), fuzz_u8(in), fuzz_u8(in), fuzz_u8(in)};
  struct lab_peer back = *p; /* as D would have sent it */
  back.ours = p->theirs;
  back.theirs = p->ours;
  back.dport = p->sport;
  back.sport = p->dport;
  struct lab_seg g = {.flags = TCT_ACK, .seq = p->ack + fuzz_below(in, 4) - 1, .ack = p->seq};
  size_t n = lab_build(&back, &g, quote);
  size_t cut = fuzz_u8(in);
  if (cut < n)
    n = cut;
  lab_in(&lab, frame, lab_build_error(frame, &p->theirs, &p->ours, head, quote, n));
}

static void step_udp(struct fuzz_in *in) {
  uint8_t l4[8 + 256] = {0x12, 0x34, 0, 9};
  uint8_t shape = fuzz_u8(in);
  size_t n = 8 + fuzz_below(in, 256);
  uint32_t said = (uint32_t)n + ((shape & 1) != 0 ? fuzz_u8(in) - 128u : 0);
  l4[3] = (shape & 2) != 0 ? fuzz_u8(in) : 9;
  l4[4] = (uint8_t)(said >> 8);
  l4[5] = (uint8_t)said;
  if ((shape & 4) == 0) {
    uint16_t sum = lab_sum(&lab.theirs, &lab.ours, TCT_IPPROTO_UDP, l4, n);
    l4[6] = (uint8_t)(sum >> 8);
    l4[7] = (uint8_t)sum;
  }
  lab_in(&lab, frame, lab_build_ip(frame, &lab.theirs, &lab.ours, TCT_IPPROTO_UDP, l4, n));
}

static void step_fragment(struct fuzz_in *in) {
  uint8_t body[8 + 80] = {0};
  uint8_t shape = fuzz_u8(in);
  uint16_t off = (uint16_t)(fuzz_below(in, 12) << (shape & 64 ? 10 : 3)), id = shape & 3;
  size_t len = fuzz_below(in, 80), header = lab.v6 ? 40 : 20, n;
  uint16_t field = (uint16_t)(off | ((shape & 4) != 0));
  body[0] = (shape & 8) != 0 ? TCT_IPPROTO_TCP : TCT_IPPROTO_UDP;
  if (lab.v6) {
    body[2] = (uint8_t)(field >> 8);
    body[3] = (uint8_t)field;
    body[7] = (uint8_t)id;
    n = lab_build_ip(frame, &lab.theirs, &lab.ours, TCT_IPPROTO_FRAGMENT, body, 8 + len);
  } else {
    n = lab_build_ip(frame, &lab.theirs, &lab.ours, body[0], body + 8, len);
    frame[5] = (uint8_t)id;
    frame[6] = (uint8_t)((shape & 4 ? 0x20 : 0) | off >> 11);
    frame[7] = (uint8_t)(off >> 3);
    memset(frame + 10, 0, 2);
    uint16_t sum = lab_sum16(frame, header);
    frame[10] = (uint8_t)(sum >> 8);
    frame[11] = (uint8_t)sum;
  }
  lab_in(&lab, frame, n);
}

/* A frame in pieces, perhaps a super-segment, perhaps with its sum vouched for. */
static void step_pieces(struct fuzz_in *in) {
  struct lab_peer *p = &peers[fuzz_below(in, 2)];
  struct lab_seg g = {.flags = TCT_ACK,
                      .seq = p->seq,
                      .ack = p->ack,
                      .window = p->window,
                      .data = zeros,
                      .len = fuzz_below(in, DATA_MAX)};
  size_t n = lab_build(p, &g, frame), cut = fuzz_below(in, 200);
  cut = cut < n ? cut : n;
  uint8_t *a = fuzz_copy(frame, cut), *b = fuzz_copy(frame + cut, n - cut);
  tct_iov v[2] = {{a, cut}, {b, n - cut}};
  tct_frame f = {.iov = v,
                 .n_iov = 2,
                 .len = (uint32_t)n,
                 .seg_size = fuzz_u8(in),
                 .csum = fuzz_u8(in) % 3,
                 .at = lab.now};
  FUZZ_CHECK(tct_input(lab.s, lab.ifc, &f, 1, lab.now) == 1 && f.verdict < TCT_VERDICT_COUNT);
  free(a);
  free(b);
  p->tsval++;
}

static void step_time(struct fuzz_in *in) {
  static const tct_time spans[] = {TCT_MS(1), TCT_MS(40), TCT_MS(250), TCT_S(1),
                                   TCT_S(10), TCT_S(61),  TCT_S(1000), TCT_S(86400) * 50};
  tct_time end = lab.now + spans[fuzz_below(in, 8)];
  for (unsigned n = 0; n < 2000 && lab_next(&lab, end - lab.now, &got); n++)
    for (int i = 0; i < PEERS; i++)
      lab_note(&peers[i], &got);
  if (lab.now < end)
    lab_wait(&lab, end - lab.now);
}

static void answer_syn(struct fuzz_in *in) {
  tct_syn_info info;
  if (tct_syn_next(lab.s, asker, &info))
    (void)!tct_syn_answer(lab.s, info.syn, (tct_syn_word)fuzz_below(in, 4), fuzz_u8(in));
}

static void step_app(struct fuzz_in *in) {
  struct lab_peer *p = &peers[fuzz_below(in, PEERS)];
  uint8_t buf[600];
  tct_event ev;
  tct_sock child;
  switch (fuzz_below(in, 9)) {
  case 0:
    (void)!tct_sock_recv(lab.s, p->sock, buf, fuzz_below(in, 600), 0);
    break;
  case 1:
    (void)!tct_sock_send(lab.s, p->sock, zeros, fuzz_below(in, DATA_MAX), fuzz_below(in, 8));
    break;
  case 2:
    tct_sock_shutdown(lab.s, p->sock, (tct_how)fuzz_below(in, 3));
    break;
  case 3:
    tct_sock_close(lab.s, p->sock);
    break;
  case 4:
    tct_sock_abort(lab.s, p->sock);
    break;
  case 5:
    if (tct_sock_accept(lab.s, listener, NULL, &child) == TCT_OK)
      p->sock = child;
    break;
  case 6:
    (void)!tct_dgram_recv(lab.s, udp, NULL, buf, sizeof buf, 0);
    break;
  case 7:
    answer_syn(in);
    break;
  default:
    while (tct_event_next(lab.s, &ev))
      continue;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const steps[])(struct fuzz_in *) = {
      step_segment, step_segment,  step_segment, step_segment, step_raw, step_error,
      step_udp,     step_fragment, step_pieces,  step_time,    step_app, step_app};
  struct fuzz_in in = {data, size};
  uint8_t how = fuzz_u8(&in), more = fuzz_u8(&in);
  set_up(how, more);
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    steps[fuzz_below(&in, 12)](&in);
    pull();
    lab_check(&lab);
  }
  lab_finish(&lab);
  return 0;
}
