/* SPDX-License-Identifier: MIT */
/*
 * ether.h - one stack on an Ethernet that belongs to the test: frames written by hand go in as
 * exact copies, what comes out is looked at byte by byte. The stack is 02:..:01, 10.0.0.1/24 and
 * (without duplicate address detection, unless asked) fd07::1/64, with routers 10.0.0.254 and
 * fd07::fe.
 */
#ifndef TEST_LIB_ETHER_H
#define TEST_LIB_ETHER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "link/link.h"
#include "tcp/calls.h"
#include "test/lib/at.h"
#include "test/lib/failing_alloc.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/tcp.h"

struct ether {
  struct failing_alloc mem;
  tct_stack *s;
  tct_if ifc;
  tct_time now;
  uint16_t why;
  size_t len; /* of the last frame that came out */
  uint8_t frame[2048];
};

static inline tct_addr ether4(uint8_t last) {
  return tct_addr_ipv4(10, 0, 0, last);
}

static inline tct_addr ether6(uint8_t last) {
  return (tct_addr){{0xfd, 7, [15] = last}};
}

static inline struct tct_mac ether_mac(uint8_t last) {
  return (struct tct_mac){{2, 0, 0, 0, 0, last}};
}

/* The next frame; false: none now. */
static inline bool ether_out(struct ether *e) {
  tct_frame f;
  if (tct_output(e->s, e->ifc, &f, 1, e->now) == 0)
    return false;
  e->len = 0;
  for (uint32_t i = 0; i < f.n_iov; i++) {
    assert_true(e->len + f.iov[i].len <= sizeof e->frame);
    memcpy(e->frame + e->len, f.iov[i].base, f.iov[i].len);
    e->len += f.iov[i].len;
  }
  assert_int_equal(e->len, f.len);
  e->why = f.why;
  tct_link_check(e->s);
  struct tct_eth_hdr h;
  struct tct_mac own = ether_mac(1);
  assert_int_equal(tct_wire_eth_parse(e->frame, e->len, &h), TCT_ACCEPTED);
  assert_true(tct_wire_eth_equal(&h.src, &own));
  return true;
}

static inline unsigned ether_drain(struct ether *e) {
  unsigned n = 0;
  while (ether_out(e))
    n++;
  return n;
}

static inline void ether_wait(struct ether *e, tct_time span_ns) {
  tct_time end = e->now + span_ns;
  while (tct_deadline(e->s) <= end) {
    tct_time at = tct_deadline(e->s);
    e->now = at > e->now ? at : e->now;
    tct_advance(e->s, e->now);
  }
  e->now = end;
  tct_advance(e->s, e->now);
  tct_link_check(e->s);
}

enum { ETHER_DAD = 1, ETHER_AUTOCONF = 2 /* no IPv6 address or router of the test's */ };

static inline void ether_start_with(struct ether *e, unsigned how, void (*tweak)(tct_config *c)) {
  bool dad = (how & ETHER_DAD) != 0, autoconf = (how & ETHER_AUTOCONF) != 0;
  tct_config c;
  int err;
  tct_if_config ic = {.size = sizeof ic, .link = TCT_LINK_ETHERNET, .mtu = 1500, .no_dad = !dad};
  memset(e, 0, sizeof *e);
  failing_alloc_init(&e->mem);
  at_config(&c, &e->mem, false);
  if (tweak != NULL)
    tweak(&c);
  ic.autoconf = autoconf;
  memcpy(ic.mac, ether_mac(1).b, 6);
  e->s = tct_new(&c, &err);
  assert_non_null(e->s);
  e->now = TCT_S(1000);
  tct_advance(e->s, e->now);
  assert_int_equal(tct_if_add(e->s, &ic, &e->ifc), TCT_OK);
  assert_int_equal(tct_if_addr_add(e->s, e->ifc, ether4(1), 24), TCT_OK);
  if (!autoconf)
    assert_int_equal(tct_if_addr_add(e->s, e->ifc, ether6(1), 64), TCT_OK);
  assert_int_equal(tct_route_add(e->s, tct_addr_ipv4(0, 0, 0, 0), 0, ether4(254), e->ifc), TCT_OK);
  if (!autoconf)
    assert_int_equal(tct_route_add(e->s, (tct_addr){{0}}, 0, ether6(0xfe), e->ifc), TCT_OK);
  if (!dad)
    ether_drain(e); /* announcements */
}

static inline void ether_start(struct ether *e) {
  ether_start_with(e, false, NULL);
}

static inline void ether_end(struct ether *e) {
  tct_link_check(e->s);
  tct_free(e->s);
  failing_alloc_finish(&e->mem);
}

static inline tct_verdict ether_in(struct ether *e, const void *frame, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, frame, len);
  tct_iov v = {copy, len};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)len};
  assert_int_equal(tct_input(e->s, e->ifc, &f, 1, e->now), 1);
  assert_true(v.base == copy && v.len == len && f.len == len); /* given back as it was */
  free(copy);
  tct_link_check(e->s);
  return (tct_verdict)f.verdict;
}

static inline size_t ether_header(uint8_t *p, struct tct_mac dst, struct tct_mac src,
                                  uint16_t type) {
  struct tct_eth_hdr h = {dst, src, type};
  return tct_wire_eth_emit(p, &h);
}

static inline tct_verdict ether_arp(struct ether *e, const struct tct_arp *a, struct tct_mac dst) {
  uint8_t p[64] = {0}; /* padded, as on the wire */
  size_t at = ether_header(p, dst, a->sender_mac, TCT_ETH_ARP);
  tct_wire_arp_emit(p + at, a);
  return ether_in(e, p, 60);
}

/* An IP packet in p after the Ethernet header, the payload already there; returns its length. */
static inline size_t ether_ip(uint8_t *p, tct_addr src, tct_addr dst, uint8_t proto, uint8_t hops,
                              size_t payload) {
  struct tct_ip_hdr h = {.src = src,
                         .dst = dst,
                         .family = tct_addr_is_ipv4(dst) ? 4 : 6,
                         .proto = proto,
                         .hop_limit = hops,
                         .payload_len = (uint16_t)payload};
  return tct_wire_ip_emit(p + TCT_ETH_HEADER_LEN, &h) + TCT_ETH_HEADER_LEN + payload;
}

static inline tct_verdict ether_nd(struct ether *e, tct_addr src, tct_addr dst,
                                   const struct tct_nd *nd, uint8_t from) {
  uint8_t p[128];
  size_t len = tct_wire_nd_emit(p + TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN, &src, &dst, nd);
  struct tct_mac to = dst.b[0] == 0xff ? tct_wire_eth_multicast(&dst) : ether_mac(1);
  ether_header(p, to, ether_mac(from), TCT_ETH_IP6);
  return ether_in(e, p, ether_ip(p, src, dst, TCT_IPPROTO_ICMP6, 255, len));
}

/* 10.0.0.x or fd07::x, at 02:..:x, says so in answer to a question of ours. */
static inline tct_verdict ether_answer(struct ether *e, bool v6, uint8_t x) {
  struct tct_arp a = {.op = TCT_ARP_REPLY,
                      .sender_mac = ether_mac(x),
                      .sender = ether4(x),
                      .target_mac = ether_mac(1),
                      .target = ether4(1)};
  struct tct_nd nd = {.type = TCT_ND_ADVERT,
                      .solicited = true,
                      .override = true,
                      .target = ether6(x),
                      .has_mac = true,
                      .mac = ether_mac(x)};
  return v6 ? ether_nd(e, ether6(x), ether6(1), &nd, x) : ether_arp(e, &a, ether_mac(1));
}

/* The frame that came out asks for target, of everybody or of 02:..:unicast_to. */
static inline bool ether_is_question(const struct ether *e, bool v6, tct_addr target,
                                     uint8_t unicast_to) {
  struct tct_eth_hdr h;
  struct tct_mac to = ether_mac(unicast_to);
  tct_addr group = tct_wire_nd_solicited_node(&target);
  if (unicast_to == 0)
    to = v6 ? tct_wire_eth_multicast(&group) : tct_wire_eth_broadcast();
  (void)tct_wire_eth_parse(e->frame, e->len, &h);
  if (!tct_wire_eth_equal(&h.dst, &to))
    return false;
  if (!v6) {
    struct tct_arp a;
    return h.type == TCT_ETH_ARP &&
           tct_wire_arp_parse(e->frame + 14, e->len - 14, &a) == TCT_ACCEPTED &&
           a.op == TCT_ARP_REQUEST && memcmp(a.target.b, target.b, 16) == 0;
  }
  struct tct_nd nd;
  return h.type == TCT_ETH_IP6 && e->frame[14 + 7] == 255 &&
         tct_wire_nd_parse(e->frame + 54, e->len - 54, &nd) == TCT_ACCEPTED &&
         nd.type == TCT_ND_SOLICIT && memcmp(nd.target.b, target.b, 16) == 0;
}

static inline bool ether_is_to(const struct ether *e, uint8_t x) {
  struct tct_mac to = ether_mac(x);
  return memcmp(e->frame, to.b, 6) == 0;
}

static inline tct_sock ether_connect(struct ether *e, tct_addr to) {
  tct_sock k;
  tct_endpoint at = {.addr = to, .port = 80};
  assert_int_equal(tct_sock_open(e->s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_connect(e->s, k, &at), TCT_OK);
  return k;
}

#endif
