/* SPDX-License-Identifier: MIT */
/*
 * attack.h - what the tests of known attacks share, over lab.h. Each test is one row of the list of
 * known attacks and has its number: a024_… is row A024. docs/security.md tells what each row is and
 * which wait for code that is not there.
 */
#ifndef TEST_ATTACK_ATTACK_H
#define TEST_ATTACK_ATTACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "test/attack/lab.h"

#define ATTACK(name) static void name(void **state)
#define FOR_BOTH_FAMILIES for (int v6 = 0; v6 < 2; v6++)
#define FLAG(f) ((uint8_t)(f))

/* D sends, P reads and acknowledges. */
struct stream {
  size_t want; /* bytes that D's application writes in all */
  size_t wrote, got;
  unsigned frames;           /* with data */
  uint32_t seg_max, seg_min; /* bytes; min leaves out the last segment */
};

static inline uint8_t octet(size_t i) {
  return (uint8_t)(i * 13 + i / 251);
}

static inline void write_more(struct lab *l, tct_sock k, struct stream *st) {
  uint8_t buf[4096];
  while (st->wrote < st->want) {
    size_t n = st->want - st->wrote < sizeof buf ? st->want - st->wrote : sizeof buf;
    for (size_t i = 0; i < n; i++)
      buf[i] = octet(st->wrote + i);
    long took = tct_sock_send(l->s, k, buf, n, 0);
    if (took <= 0)
      return;
    st->wrote += (size_t)took;
  }
}

/* In order only: what is not is left to D's retransmission. False: D fell silent too long. */
static inline bool read_stream(struct lab *l, struct lab_peer *p, struct stream *st,
                               tct_time limit) {
  static struct lab_got g;
  while (st->got < st->want) {
    write_more(l, p->sock, st);
    if (!lab_next(l, limit, &g))
      return false;
    if (!g.is_tcp || g.len == 0)
      continue;
    st->frames++;
    st->seg_max = g.len > st->seg_max ? g.len : st->seg_max;
    if (g.tcp.seq == p->ack) {
      for (uint32_t i = 0; i < g.len; i++)
        assert_int_equal(g.data[i], octet(st->got + i));
      st->got += g.len;
      if (st->got < st->want && (st->seg_min == 0 || g.len < st->seg_min))
        st->seg_min = g.len;
      lab_note(p, &g);
    }
    p->tsval++;
    lab_ack(l, p);
  }
  return true;
}

static inline tct_state state_of(struct lab *l, tct_sock k) {
  tct_info info = {.size = sizeof info};
  return tct_sock_info(l->s, k, &info) == TCT_OK ? (tct_state)info.state : TCT_CLOSED;
}

static inline tct_info info_of(struct lab *l, tct_sock k) {
  tct_info info = {.size = sizeof info};
  assert_int_equal(tct_sock_info(l->s, k, &info), TCT_OK);
  return info;
}

/* One segment, flags only, at the peer's numbers. */
static inline tct_verdict send_flags(struct lab *l, struct lab_peer *p, unsigned flags) {
  struct lab_seg g = {.flags = FLAG(flags), .seq = p->seq, .ack = p->ack, .window = p->window};
  return lab_send(l, p, &g);
}

static inline tct_verdict send_at(struct lab *l, struct lab_peer *p, unsigned flags, uint32_t seq,
                                  uint32_t ack) {
  struct lab_seg g = {.flags = FLAG(flags), .seq = seq, .ack = ack, .window = p->window};
  return lab_send(l, p, &g);
}

static inline tct_verdict send_data_at(struct lab *l, struct lab_peer *p, uint32_t seq,
                                       const void *data, size_t n) {
  struct lab_seg g = {.flags = TCT_ACK | TCT_PSH,
                      .seq = seq,
                      .ack = p->ack,
                      .window = p->window,
                      .data = data,
                      .len = n};
  return lab_send(l, p, &g);
}

/* Exactly one frame leaves now, a TCP segment with these flags. */
static inline void expect_flags(struct lab *l, struct lab_got *g, unsigned flags) {
  assert_true(lab_out(l, g));
  assert_true(g->is_tcp);
  assert_int_equal(g->tcp.flags, flags);
}

static inline void expect_silence(struct lab *l) {
  assert_int_equal(lab_drain(l), 0);
}

/* An ACK of the right numbers and nothing else: challenge, duplicate or old. */
static inline void expect_bare_ack(struct lab *l, const struct lab_peer *p, struct lab_got *g) {
  expect_flags(l, g, TCT_ACK);
  assert_int_equal(g->len, 0);
  assert_int_equal(g->tcp.ack, p->seq);
  expect_silence(l);
}

/* New honest clients are served. */
static inline void expect_service(struct lab *l, tct_sock listener, uint16_t port) {
  struct lab_peer p;
  uint8_t buf[16];
  struct lab_peer *q = &p;
  lab_establish(l, q, listener, port, true);
  assert_int_equal(lab_data(l, q, "hello", 5), TCT_ACCEPTED);
  assert_int_equal(lab_read(l, q->sock, buf, sizeof buf), 5);
  assert_memory_equal(buf, "hello", 5);
  assert_int_equal(tct_sock_abort(l->s, q->sock), TCT_OK);
  lab_drain(l);
}

#endif
