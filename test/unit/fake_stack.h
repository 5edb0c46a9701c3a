/* SPDX-License-Identifier: MIT */
/*
 * fake_stack.h - a stack with the real ip/ and udp/ and a TCP that only notes what it is told.
 *
 * Included by one test program each: it defines what stack.c and tcp/ would (so none of their
 * objects is linked). Frames go in as exact-size heap copies, so that a read too far is seen, and
 * come out flat and checked.
 */
#ifndef TCT_TEST_FAKE_STACK_H
#define TCT_TEST_FAKE_STACK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "ip/ip.h"
#include "stack.h"
#include "test/lib/clock.h"
#include "test/lib/failing_alloc.h"
#include "udp/udp.h"
#include "wire/bytes.h"
#include "wire/checksum.h"
#include "wire/icmp.h"
#include "wire/udp.h"

#define FAKE_IFS 4
#define A4(a, b, c, d) ((tct_addr){{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, a, b, c, d}})
#define A6(last) ((tct_addr){{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}})
#define LL6(last) ((tct_addr){{0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}})
#define ANY ((tct_addr){{0}})

struct fake_tcp { /* what TCP was told */
  unsigned inputs, icmps, mtus, removed;
  tct_verdict icmp_answer;
  struct tct_icmp_event event;
  uint32_t mtu, mtu_ifi;
  tct_addr mtu_dst, removed_addr;
  struct tct_ip_hdr ip;
  uint32_t l4_len;
};

struct fake {
  tct_stack s; /* first: a tct_stack * is a struct fake * */
  struct failing_alloc mem;
  struct tct_iface ifs[FAKE_IFS];
  struct tct_out out[TCT_BURST_MAX];
  struct fake_tcp tcp;
  uint8_t frame[70000];
  size_t frame_len;
  uint16_t why;
};

static inline struct fake *fake_of(tct_stack *s) {
  return (struct fake *)(void *)s;
}

/* ---- what stack.c and tcp/ are to the code under test --------------------------------------- */

struct tct_iface *tct_stack_if(tct_stack *s, tct_if i) {
  return i.index < s->n_ifs && i.gen == s->ifs[i.index].gen ? &s->ifs[i.index] : NULL;
}

tct_if tct_stack_if_handle(const tct_stack *s, uint32_t ifi) {
  return (tct_if){ifi, s->ifs[ifi].gen};
}

void *tct_stack_alloc(tct_stack *s, size_t size) {
  void *p = s->alloc.alloc(s->alloc.ctx, size, 16);
  if (p != NULL)
    memset(p, 0, size);
  return p;
}

void tct_stack_free(tct_stack *s, void *p, size_t size) {
  if (p != NULL)
    s->alloc.free(s->alloc.ctx, p, size);
}

bool tct_addr_is_ipv4(tct_addr a) {
  return tct_bytes_addr_is_ipv4(&a);
}

tct_verdict tct_tcp_input(tct_stack *s, struct tct_pkt *p) {
  struct fake_tcp *t = &fake_of(s)->tcp;
  t->inputs++;
  t->ip = p->ip;
  t->l4_len = p->l4_len;
  return TCT_ACCEPTED;
}

tct_verdict tct_tcp_icmp_input(tct_stack *s, const struct tct_icmp_event *e) {
  fake_of(s)->tcp.icmps++;
  fake_of(s)->tcp.event = *e;
  return fake_of(s)->tcp.icmp_answer;
}

int tct_if_set(tct_stack *s, tct_if i, tct_if_what what, uint32_t value) {
  (void)s, (void)i, (void)what, (void)value;
  return TCT_EBADF; /* no test of these layers changes an interface */
}

void tct_tcp_on_no_neighbour(tct_stack *s, struct tct_list *flows) {
  (void)s;
  TCT_ASSERT(tct_list_is_empty(flows)); /* no Ethernet here */
}

void tct_tcp_on_addr_removed(tct_stack *s, tct_addr a) {
  fake_of(s)->tcp.removed++;
  fake_of(s)->tcp.removed_addr = a;
}

void tct_tcp_on_mtu(tct_stack *s, uint32_t ifi, tct_addr dst, uint32_t mtu) {
  struct fake_tcp *t = &fake_of(s)->tcp;
  t->mtus++;
  t->mtu = mtu;
  t->mtu_ifi = ifi;
  t->mtu_dst = dst;
}

/* ---- making and ending ---------------------------------------------------------------------- */

static inline tct_if fake_add_if(struct fake *f, tct_if_config cfg) {
  struct tct_iface *ifc = &f->ifs[f->s.n_ifs];
  assert_true(f->s.n_ifs < FAKE_IFS);
  *ifc = (struct tct_iface){.cfg = cfg, .gen = 7 + f->s.n_ifs, .up = true};
  tct_list_init(&ifc->tcp_ready);
  tct_list_init(&ifc->udp_ready);
  if (f->s.ip != NULL)
    tct_ip_path_forget(&f->s);
  return tct_stack_if_handle(&f->s, f->s.n_ifs++);
}

/* Interface 0: MTU 1500, nothing more. Returns TCT_OK, or what the layers said to no memory. */
static inline int fake_start(struct fake *f, const tct_limits *limits) {
  static const uint8_t seed[32] = {1, 2, 3};
  failing_alloc_init(&f->mem);
  f->s.alloc = f->mem.vtable;
  f->s.ifs = f->ifs;
  f->s.out = f->out;
  f->s.cfg.hop_limit = 64;
  f->s.cfg.port_first = 40000;
  f->s.cfg.port_last = 40999;
  f->s.cfg.limits = (tct_limits){.udp = 64,
                                 .buffer_bytes = 1 << 20,
                                 .reasm_bytes = 1 << 20,
                                 .reply_bytes = 256 << 10,
                                 .routes = 64,
                                 .addrs = 64};
  if (limits != NULL)
    f->s.cfg.limits = *limits;
  clock_set(&f->s, TCT_S(1000));
  f->tcp.icmp_answer = TCT_ACCEPTED;
  tct_prng_init(&f->s.prng, seed);
  f->s.keys.table[0] = 99;
  fake_add_if(f, (tct_if_config){.mtu = 1500});
  return TCT_OK;
}

static inline tct_if if0(struct fake *f) {
  return tct_stack_if_handle(&f->s, 0);
}

/* Ours: 10.0.0.1/24 and fd07::1/64 on interface 0, default routes of both families there. */
static inline struct fake *fake_new_with(const tct_limits *limits) {
  struct fake *f = calloc(1, sizeof *f);
  assert_non_null(f);
  fake_start(f, limits);
  assert_int_equal(tct_ip_new(&f->s), TCT_OK);
  assert_int_equal(tct_udp_new(&f->s), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A4(10, 0, 0, 1), 24), TCT_OK);
  assert_int_equal(tct_if_addr_add(&f->s, if0(f), A6(1), 64), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, A4(0, 0, 0, 0), 0, ANY, if0(f)), TCT_OK);
  assert_int_equal(tct_route_add(&f->s, ANY, 0, ANY, if0(f)), TCT_OK);
  return f;
}

static inline struct fake *fake_new(void) {
  return fake_new_with(NULL);
}

static inline void fake_check(struct fake *f) {
  tct_ip_reasm_check(&f->s);
  tct_udp_check(&f->s);
  for (uint32_t i = 0; i < f->s.n_ifs; i++)
    tct_ip_reply_check(&f->ifs[i].replies);
}

static inline void fake_free(struct fake *f) {
  fake_check(f);
  tct_udp_free(&f->s);
  tct_ip_free(&f->s);
  failing_alloc_finish(&f->mem);
  free(f);
}

/* ---- packets --------------------------------------------------------------------------------- */

static inline size_t make_ip(uint8_t *p, struct tct_ip_hdr h, const void *l4, size_t len) {
  h.family = tct_bytes_addr_is_ipv4(&h.src) ? 4 : 6;
  h.payload_len = (uint16_t)len;
  if (h.hop_limit == 0)
    h.hop_limit = 60;
  size_t header = tct_wire_ip_emit(p, &h);
  if (len > 0)
    memcpy(p + header, l4, len);
  return header + len;
}

/* An UDP datagram alone. */
static inline size_t make_l4(uint8_t *p, tct_addr src, tct_addr dst, const uint16_t port[2],
                             const char *text) {
  tct_iov v = {text, strlen(text)};
  size_t header = tct_wire_udp_emit(p, port[0], port[1], (uint16_t)v.len);
  tct_wire_udp_finish(p, &src, &dst, &v, 1);
  memcpy(p + header, text, v.len);
  return header + v.len;
}

static inline size_t make_udp(uint8_t *p, tct_addr src, tct_addr dst, uint16_t sport,
                              uint16_t dport, const char *text) {
  uint8_t l4[2048];
  size_t len = make_l4(l4, src, dst, (uint16_t[2]){sport, dport}, text);
  return make_ip(p, (struct tct_ip_hdr){.src = src, .dst = dst, .proto = TCT_IPPROTO_UDP}, l4, len);
}

static inline size_t make_echo(uint8_t *p, tct_addr src, tct_addr dst, const void *data, size_t n) {
  static uint8_t l4[66000];
  struct tct_icmp_echo e = {false, 77, 5, data, n};
  size_t len = tct_wire_icmp_emit_echo(l4, sizeof l4, &src, &dst, &e);
  bool v4 = tct_bytes_addr_is_ipv4(&src);
  return make_ip(p, (struct tct_ip_hdr){.src = src, .dst = dst, .proto = v4 ? 1 : 58}, l4, len);
}

/* An ICMP error from `from` to `to`, quoting. */
static inline size_t make_error(uint8_t *p, tct_addr from, tct_addr to, struct tct_ip_problem what,
                                const void *quote, size_t n) {
  uint8_t l4[1280];
  struct tct_icmp_error e = {what, quote, n};
  size_t len = tct_wire_icmp_emit_error(l4, sizeof l4, &from, &to, &e);
  bool v4 = tct_bytes_addr_is_ipv4(&from);
  return make_ip(p, (struct tct_ip_hdr){.src = from, .dst = to, .proto = v4 ? 1 : 58}, l4, len);
}

/* ---- in and out ------------------------------------------------------------------------------ */

static inline tct_verdict fake_in_frame(struct fake *f, uint32_t ifi, tct_frame *frame) {
  frame->at = f->s.now;
  tct_verdict v = tct_ip_input(&f->s, ifi, frame);
  f->s.verdicts[v]++;
  return v;
}

static inline tct_verdict fake_in(struct fake *f, uint32_t ifi, const void *p, size_t len) {
  uint8_t *copy = malloc(len > 0 ? len : 1);
  assert_non_null(copy);
  memcpy(copy, p, len);
  tct_iov v = {copy, len};
  tct_frame frame = {.iov = &v, .n_iov = 1, .len = (uint32_t)len};
  tct_verdict verdict = fake_in_frame(f, ifi, &frame);
  free(copy);
  return verdict;
}

/* As tct_output with n = 1 would: answers, then datagrams. False: nothing to send. */
static inline bool fake_out(struct fake *f, uint32_t ifi) {
  tct_frame frame;
  size_t n = tct_ip_reply_output(&f->s, ifi, &frame, f->out, 1);
  if (n == 0)
    n = tct_udp_output(&f->s, ifi, &frame, f->out, 1);
  f->frame_len = 0;
  if (n == 0)
    return false;
  for (uint32_t i = 0; i < frame.n_iov; i++) {
    assert_true(f->frame_len + frame.iov[i].len <= sizeof f->frame);
    memcpy(f->frame + f->frame_len, frame.iov[i].base, frame.iov[i].len);
    f->frame_len += frame.iov[i].len;
  }
  assert_int_equal(f->frame_len, frame.len);
  assert_true(frame.len <= f->ifs[ifi].cfg.mtu);
  f->why = frame.why;
  return true;
}

static inline struct tct_ip_hdr fake_ip(const struct fake *f) {
  struct tct_ip_hdr h;
  assert_int_equal(tct_wire_ip_parse(f->frame, f->frame_len, f->frame_len, &h), TCT_ACCEPTED);
  assert_int_equal(h.header_len + h.payload_len, f->frame_len);
  return h;
}

/* The next answer, which must be an ICMP message. */
static inline struct tct_icmp_hdr fake_icmp(struct fake *f, uint32_t ifi) {
  assert_true(fake_out(f, ifi));
  struct tct_ip_hdr h = fake_ip(f);
  struct tct_icmp_hdr i;
  assert_int_equal(h.proto, h.family == 4 ? 1 : 58);
  assert_true(tct_wire_icmp_checksum_ok(&h.src, &h.dst, h.payload, h.payload_len));
  assert_int_equal(tct_wire_icmp_parse(h.family, h.payload, h.payload_len, &i), TCT_ACCEPTED);
  return i;
}

#define assert_addr(is, want)                                                                      \
  do {                                                                                             \
    tct_addr addr_is = (is), addr_want = (want);                                                   \
    assert_memory_equal(addr_is.b, addr_want.b, 16);                                               \
  } while (0)

#endif
