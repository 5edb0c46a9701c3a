/* SPDX-License-Identifier: MIT */
/* What test_udp.c and test_udp_send.c share: a socket on a fake stack, datagrams in, text out. */
#ifndef TCT_TEST_UDP_TEST_H
#define TCT_TEST_UDP_TEST_H

#include "test/unit/fake_stack.h"

static uint8_t pkt[70000];
static const tct_addr ours4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 1}};
static const tct_addr peer4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 0, 0, 2}};
static const tct_addr any4 = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0, 0, 0}};

static inline tct_sock open_sock(struct fake *f) {
  tct_sock k;
  assert_int_equal(tct_udp_open(&f->s, NULL, &k), TCT_OK);
  return k;
}

static inline int bind_to(struct fake *f, tct_sock k, tct_addr a, uint16_t port) {
  tct_endpoint at = {.addr = a, .port = port};
  return tct_udp_bind(&f->s, k, &at);
}

static inline int connect_to(struct fake *f, tct_sock k, tct_addr a, uint16_t port) {
  tct_endpoint to = {.addr = a, .port = port};
  return tct_udp_connect(&f->s, k, &to);
}

static inline tct_sock bound(struct fake *f, tct_addr a, uint16_t port) {
  tct_sock k = open_sock(f);
  assert_int_equal(bind_to(f, k, a, port), TCT_OK);
  return k;
}

static inline tct_verdict in_udp(struct fake *f, tct_addr src, uint16_t sport, tct_addr dst,
                                 uint16_t dport, const char *text) {
  return fake_in(f, 0, pkt, make_udp(pkt, src, dst, sport, dport, text));
}

static inline void expect_text(struct fake *f, tct_sock k, const char *text) {
  char got[2048];
  tct_dgram d;
  long n = tct_udp_recv(&f->s, k, &d, got, sizeof got, 0);
  assert_int_equal(n, strlen(text));
  assert_int_equal(d.len, n);
  assert_memory_equal(got, text, strlen(text));
}

static inline void expect_nothing(struct fake *f, tct_sock k) {
  char got[8];
  assert_int_equal(tct_udp_recv(&f->s, k, NULL, got, sizeof got, 0), TCT_EAGAIN);
}

#endif
