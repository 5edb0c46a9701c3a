/* SPDX-License-Identifier: MIT */
/*
 * show_story.h - made-up conversations for the tests of cli/show: a list of trace and link events
 * in order of time, played into a show. Times in microseconds, numbers relative to the ISNs.
 */
#ifndef TCT_TEST_SHOW_STORY_H
#define TCT_TEST_SHOW_STORY_H

#include <stdlib.h>
#include <string.h>

#include "cli/show/show.h"
#include "wire/ip.h"
#include "wire/tcp.h"

enum { STORY_MAX = 4000, L = SHOW_LEFT, R = SHOW_RIGHT };
enum { SYN = TCT_SYN, ACK = TCT_ACK, FIN = TCT_FIN, RST = TCT_RST, PSH = TCT_PSH };

struct story_event {
  tct_time at;
  int end;
  bool is_link, is_note;
  enum show_fate fate;
  tct_trace t;
  const char *note;
};

struct story {
  struct story_event ev[STORY_MAX];
  size_t n;
  unsigned traced;
  bool no_link; /* as on a real wire: nobody tells what became of a packet */
  uint32_t isn[2];
  tct_addr addr[2];
  uint16_t port[2];
  uint16_t window;
  bool syn_options;
};

static inline void story_init(struct story *y, unsigned traced) {
  memset(y, 0, sizeof *y);
  y->traced = traced;
  y->isn[L] = 2881031902u;
  y->isn[R] = 4021558117u;
  y->addr[L] = tct_addr_ipv4(192, 0, 2, 10);
  y->addr[R] = tct_addr_ipv4(192, 0, 2, 80);
  y->port[L] = 40112;
  y->port[R] = 80;
  y->window = 64240;
  y->syn_options = true;
}

static inline struct story_event *story_add(struct story *y, tct_time us, int end) {
  struct story_event *e = &y->ev[y->n++];
  if (y->n == STORY_MAX)
    abort();
  memset(e, 0, sizeof *e);
  e->at = 1000000 + us * 1000; /* the clock does not begin with the story */
  e->end = end;
  e->t.at = e->at;
  e->t.local = y->addr[end];
  e->t.remote = y->addr[!end];
  e->t.lport = y->port[end];
  e->t.rport = y->port[!end];
  return e;
}

static inline tct_seg story_seg(const struct story *y, int from, uint8_t flags, uint32_t seq,
                                uint32_t ack, uint32_t len) {
  tct_seg s = {.src = y->addr[from],
               .dst = y->addr[!from],
               .sport = y->port[from],
               .dport = y->port[!from],
               .seq = y->isn[from] + seq,
               .ack = (flags & ACK) != 0 ? y->isn[!from] + ack : 0,
               .len = len,
               .flags = flags,
               .hop_limit = 64,
               .wscale = 0xff,
               .window_raw = (flags & SYN) != 0 ? y->window : (uint16_t)(y->window / 128)};
  s.window_bytes = (flags & SYN) != 0 ? s.window_raw : s.window_raw * 128u;
  if ((flags & SYN) != 0 && y->syn_options) {
    s.mss = 1460;
    s.sack_permitted = s.has_ts = true;
    s.wscale = 7;
    s.tsval = 1000;
  }
  if ((flags & RST) != 0)
    s.window_raw = 0, s.window_bytes = 0;
  return s;
}

static inline void story_state(struct story *y, int end, tct_time us, tct_state from,
                               tct_state to) {
  if ((y->traced >> end & 1) == 0)
    return;
  struct story_event *e = story_add(y, us, end);
  e->t.kind = TCT_TRACE_STATE;
  e->t.state_old = (uint8_t)from;
  e->t.state_new = (uint8_t)to;
}

static inline void story_listen(struct story *y, int end) {
  if ((y->traced >> end & 1) == 0)
    return;
  struct story_event *e = story_add(y, 0, end);
  memset(&e->t.remote, 0, sizeof e->t.remote);
  e->t.rport = 0;
  e->t.kind = TCT_TRACE_STATE;
  e->t.state_old = TCT_CLOSED;
  e->t.state_new = TCT_LISTEN;
}

/* A segment that leaves at `us` and arrives at `arrives` (0: never). */
static inline struct story_event *story_send_seg(struct story *y, int from, tct_time us,
                                                 tct_time arrives, tct_seg seg, tct_why why,
                                                 enum show_fate fate) {
  struct story_event *out = NULL;
  if ((y->traced >> from & 1) != 0) {
    out = story_add(y, us, from);
    out->t.kind = TCT_TRACE_SEG_OUT;
    out->t.why = (uint16_t)why;
    out->t.seg = seg;
  }
  if (!y->no_link) {
    struct story_event *link = story_add(y, us, from);
    link->is_link = true;
    link->fate = fate;
    link->t.seg = seg;
  }
  if (arrives != 0 && (y->traced >> !from & 1) != 0) {
    struct story_event *in = story_add(y, arrives, !from);
    in->t.kind = TCT_TRACE_SEG_IN;
    in->t.seg = seg;
    return in;
  }
  return out;
}

static inline struct story_event *story_send(struct story *y, int from, tct_time us,
                                             tct_time arrives, uint8_t flags, uint32_t seq,
                                             uint32_t ack, uint32_t len, tct_why why) {
  enum show_fate fate = arrives == 0 ? SHOW_LOST : SHOW_DELIVERED;
  return story_send_seg(y, from, us, arrives, story_seg(y, from, flags, seq, ack, len), why, fate);
}

static inline void story_note(struct story *y, tct_time us, const char *text) {
  struct story_event *e = story_add(y, us, L);
  e->is_note = true;
  e->note = text;
}

/* The packet as the link would see it. */
static inline size_t story_packet(const tct_seg *seg, uint8_t *p, size_t cap) {
  struct tct_tcp_hdr h = {.sport = seg->sport,
                          .dport = seg->dport,
                          .seq = seg->seq,
                          .ack = seg->ack,
                          .flags = seg->flags,
                          .window = seg->window_raw};
  struct tct_ip_hdr ip = {
      .src = seg->src, .dst = seg->dst, .proto = TCT_IPPROTO_TCP, .hop_limit = 64};
  h.opt.has_mss = seg->mss != 0;
  h.opt.mss = seg->mss;
  ip.family = tct_wire_ip_family(&seg->src);
  uint8_t header[60];
  size_t tcp_len = tct_wire_tcp_emit(header, &h, TCT_TCP_OPT_LINUX);
  ip.payload_len = (uint16_t)(tcp_len + seg->len);
  size_t ip_len = tct_wire_ip_emit(p, &ip);
  if (ip_len + tcp_len + seg->len > cap)
    abort();
  memcpy(p + ip_len, header, tcp_len);
  memset(p + ip_len + tcp_len, 'x', seg->len);
  return ip_len + tcp_len + seg->len;
}

static inline int story_compare(const void *a, const void *b) {
  const struct story_event *x = a, *y = b;
  return x->at < y->at ? -1 : x->at > y->at;
}

/* Insertion sort: stable, and the list is nearly in order. */
static inline void story_sort(struct story *y) {
  for (size_t i = 1; i < y->n; i++)
    for (size_t k = i; k > 0 && story_compare(&y->ev[k - 1], &y->ev[k]) > 0; k--) {
      struct story_event e = y->ev[k];
      y->ev[k] = y->ev[k - 1];
      y->ev[k - 1] = e;
    }
}

static inline void story_play(struct story *y, struct show *s) {
  static uint8_t packet[70000];
  story_sort(y);
  for (size_t i = 0; i < y->n; i++) {
    const struct story_event *e = &y->ev[i];
    if (e->is_note)
      show_note(s, e->at, e->note);
    else if (e->is_link)
      show_link(s, e->end, packet, story_packet(&e->t.seg, packet, sizeof packet), e->fate, e->at);
    else
      show_trace(s, e->end, &e->t);
  }
}

/* ---- The stories ----------------------------------------------------------------------------- */

/* Open, 77 bytes up, 5792 bytes down in four segments, closed by the server. */
static inline void story_normal(struct story *y) {
  story_listen(y, R);
  story_state(y, L, 0, TCT_CLOSED, TCT_SYN_SENT);
  story_send(y, L, 0, 9100, SYN, 0, 0, 0, TCT_WHY_SYN);
  story_state(y, R, 9100, TCT_LISTEN, TCT_SYN_RECEIVED);
  story_send(y, R, 9100, 18200, SYN | ACK, 0, 1, 0, TCT_WHY_SYN_ACK);
  story_state(y, L, 18200, TCT_SYN_SENT, TCT_ESTABLISHED);
  story_send(y, L, 18300, 27400, ACK, 1, 1, 0, TCT_WHY_HANDSHAKE_ACK);
  story_state(y, R, 27400, TCT_SYN_RECEIVED, TCT_ESTABLISHED);
  story_send(y, L, 18400, 27500, PSH | ACK, 1, 1, 77, TCT_WHY_DATA);
  story_send(y, R, 27500, 36600, ACK, 1, 78, 0, TCT_WHY_ACK_QUICK);
  for (unsigned i = 0; i < 4; i++)
    story_send(y, R, 28500 + i, 37600 + i, ACK, 1 + i * 1448, 78, 1448, TCT_WHY_DATA);
  story_send(y, L, 40700, 49800, ACK, 78, 5793, 0, TCT_WHY_ACK_DELAYED);
  story_state(y, R, 50000, TCT_ESTABLISHED, TCT_FIN_WAIT_1);
  story_send(y, R, 50000, 59100, FIN | ACK, 5793, 78, 0, TCT_WHY_FIN);
  story_state(y, L, 59100, TCT_ESTABLISHED, TCT_CLOSE_WAIT);
  story_send(y, L, 59100, 68200, ACK, 78, 5794, 0, TCT_WHY_ACK_FIN);
  story_state(y, R, 68200, TCT_FIN_WAIT_1, TCT_FIN_WAIT_2);
  story_state(y, L, 60100, TCT_CLOSE_WAIT, TCT_LAST_ACK);
  story_send(y, L, 60100, 69200, FIN | ACK, 78, 5794, 0, TCT_WHY_FIN);
  story_state(y, R, 69200, TCT_FIN_WAIT_2, TCT_TIME_WAIT);
  story_send(y, R, 69200, 78300, ACK, 5794, 79, 0, TCT_WHY_ACK_FIN);
  story_state(y, L, 78300, TCT_LAST_ACK, TCT_CLOSED);
}

static inline void story_open(struct story *y) {
  story_listen(y, R);
  story_state(y, L, 0, TCT_CLOSED, TCT_SYN_SENT);
  story_send(y, L, 0, 9000, SYN, 0, 0, 0, TCT_WHY_SYN);
  story_state(y, R, 9000, TCT_LISTEN, TCT_SYN_RECEIVED);
  story_send(y, R, 9000, 18000, SYN | ACK, 0, 1, 0, TCT_WHY_SYN_ACK);
  story_state(y, L, 18000, TCT_SYN_SENT, TCT_ESTABLISHED);
  story_send(y, L, 18000, 27000, ACK, 1, 1, 0, TCT_WHY_HANDSHAKE_ACK);
  story_state(y, R, 27000, TCT_SYN_RECEIVED, TCT_ESTABLISHED);
}

/* Ten segments, the third is lost; duplicate ACKs with SACK; fast retransmit; one segment doubled,
 * one damaged; the client resets. */
static inline void story_lossy(struct story *y) {
  story_open(y);
  for (unsigned i = 0; i < 10; i++)
    story_send(y, L, 18100 + i * 10, i == 2 ? 0 : 27100 + i * 10, ACK, 1 + i * 1000, 1, 1000,
               TCT_WHY_DATA);
  story_send(y, R, 27110, 36110, ACK, 1, 2001, 0, TCT_WHY_ACK_SECOND);
  for (unsigned i = 3; i < 10; i++) {
    tct_seg seg = story_seg(y, R, ACK, 1, 2001, 0);
    seg.n_sack = 1;
    seg.sack[0][0] = y->isn[L] + 3001;
    seg.sack[0][1] = y->isn[L] + 1001 + i * 1000;
    story_send_seg(y, R, 27100 + i * 10, 36100 + i * 10, seg, TCT_WHY_ACK_DUP, SHOW_DELIVERED);
  }
  story_send(y, L, 36150, 45150, ACK, 2001, 1, 1000, TCT_WHY_FAST_REXMIT);
  story_send(y, R, 45150, 54150, ACK, 1, 10001, 0, TCT_WHY_ACK_GAP_FILLED);
  tct_seg twice = story_seg(y, L, PSH | ACK, 10001, 1, 500);
  story_send_seg(y, L, 60000, 69000, twice, TCT_WHY_DATA, SHOW_DUPLICATED);
  story_send(y, R, 69000, 78000, ACK, 1, 10501, 0, TCT_WHY_ACK_DELAYED);
  struct story_event *again = story_add(y, 70000, R);
  again->t.kind = TCT_TRACE_SEG_IN;
  again->t.seg = twice;
  again->t.verdict = TCT_DROP_SEQ_OUTSIDE_WINDOW;
  tct_seg bad = story_seg(y, L, PSH | ACK, 10501, 1, 200);
  story_send_seg(y, L, 90000, 0, bad, TCT_WHY_DATA, SHOW_CORRUPTED);
  struct story_event *drop = story_add(y, 99000, R);
  drop->t.kind = TCT_TRACE_DROP;
  drop->t.verdict = TCT_DROP_TCP_CHECKSUM;
  story_send(y, L, 390000, 399000, PSH | ACK, 10501, 1, 200, TCT_WHY_RTO);
  story_send(y, R, 399000, 408000, ACK, 1, 10701, 0, TCT_WHY_ACK_DELAYED);
  story_state(y, L, 420000, TCT_ESTABLISHED, TCT_CLOSED);
  story_send(y, L, 420000, 429000, RST | ACK, 10701, 1, 0, TCT_WHY_RST_ABORT);
  story_state(y, R, 429000, TCT_ESTABLISHED, TCT_CLOSED);
}

/* Both open at once, both close at once. */
static inline void story_crossing(struct story *y) {
  for (int e = 0; e < 2; e++) {
    story_state(y, e, 0, TCT_CLOSED, TCT_SYN_SENT);
    story_send(y, e, 0, 9000, SYN, 0, 0, 0, TCT_WHY_SYN);
  }
  for (int e = 0; e < 2; e++) {
    story_state(y, e, 9000, TCT_SYN_SENT, TCT_SYN_RECEIVED);
    story_send(y, e, 9000, 18000, SYN | ACK, 0, 1, 0, TCT_WHY_SYN_ACK);
    story_state(y, e, 18000, TCT_SYN_RECEIVED, TCT_ESTABLISHED);
  }
  for (int e = 0; e < 2; e++) {
    story_state(y, e, 30000, TCT_ESTABLISHED, TCT_FIN_WAIT_1);
    story_send(y, e, 30000, 39000, FIN | ACK, 1, 1, 0, TCT_WHY_FIN);
  }
  for (int e = 0; e < 2; e++) {
    story_state(y, e, 39000, TCT_FIN_WAIT_1, TCT_CLOSING);
    story_send(y, e, 39000, 48000, ACK, 2, 2, 0, TCT_WHY_ACK_FIN);
    story_state(y, e, 48000, TCT_CLOSING, TCT_TIME_WAIT);
    story_state(y, e, 60048000, TCT_TIME_WAIT, TCT_CLOSED);
  }
}

/* A bulk transfer: the window doubles each round trip. */
static inline void story_bulk(struct story *y) {
  story_open(y);
  uint32_t next = 1, acked = 1;
  tct_time t = 18100;
  for (unsigned round = 0, n = 10; round < 4; round++, n *= 2, t += 18040) {
    for (unsigned i = 0; i < n; i++, next += 1448)
      story_send(y, L, t + i * 20, t + 9000 + i * 20, ACK, next, 1, 1448, TCT_WHY_DATA);
    for (unsigned i = 1; i < n; i += 2) {
      acked += 2 * 1448;
      story_send(y, R, t + 9000 + i * 20, t + 18000 + i * 20, ACK, 1, acked, 0, TCT_WHY_ACK_SECOND);
    }
  }
}

static inline void story_refused(struct story *y) {
  story_state(y, L, 0, TCT_CLOSED, TCT_SYN_SENT);
  story_send(y, L, 0, 9000, SYN, 0, 0, 0, TCT_WHY_SYN);
  y->isn[R] = 0; /* SEQ=0 */
  story_send(y, R, 9000, 18000, RST | ACK, 0, 1, 0, TCT_WHY_RST_NO_SOCKET);
  story_state(y, L, 18000, TCT_SYN_SENT, TCT_CLOSED);
}

/* 200 SYNs of strangers, all answered, none completed; each by another port. */
static inline void story_flood(struct story *y) {
  story_listen(y, R);
  for (unsigned i = 0; i < 200; i++) {
    y->addr[L] = tct_addr_ipv4(198, 51, 100, (uint8_t)(i + 1));
    y->port[L] = (uint16_t)(2000 + i);
    y->isn[L] = 7000 * i;
    story_send(y, L, i * 100, i * 100 + 9000, SYN, 0, 0, 0, TCT_WHY_NONE);
    story_state(y, R, i * 100 + 9000, TCT_LISTEN, TCT_SYN_RECEIVED);
    story_send(y, R, i * 100 + 9000, i * 100 + 18000, SYN | ACK, 0, 1, 0,
               i < 128 ? TCT_WHY_SYN_ACK : TCT_WHY_SYN_ACK_COOKIE);
  }
}

#endif
