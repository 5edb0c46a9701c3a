/* SPDX-License-Identifier: MIT */
/* Several stacks that share an address: they agree whose a frame is, ask only from ports whose
 * answers come back to them, and exactly one answers what all have put together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "tercet/host.h"
#include "wire/icmp.h"
#include "wire/ip.h"
#include "wire/udp.h"

enum { CORES = 4, MTU = 1500 };

static struct {
  tct_stack *s;
  tct_if ifc;
} core[CORES];

static tct_addr addr_of(bool v6, uint8_t last) {
  tct_addr a = tct_addr_ipv4(10, 0, 0, last);
  if (v6)
    a = (tct_addr){{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
  return a;
}

static void make_stack(unsigned i, uint16_t cores) {
  tct_config c;
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = MTU};
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = tct_host_alloc();
  c.deterministic = true;
  c.seed[0] = (uint8_t)(i + 1);
  memset(&c.keys, 0x5a, sizeof c.keys);
  c.cores = cores;
  c.core = (uint16_t)i;
  core[i].s = tct_new(&c, &err);
  assert_non_null(core[i].s);
  assert_int_equal(tct_if_add(core[i].s, &link, &core[i].ifc), TCT_OK);
  assert_int_equal(tct_if_set(core[i].s, core[i].ifc, TCT_IF_UP, 1), TCT_OK);
  assert_int_equal(tct_if_addr_add(core[i].s, core[i].ifc, addr_of(false, 1), 24), TCT_OK);
  assert_int_equal(tct_if_addr_add(core[i].s, core[i].ifc, addr_of(true, 1), 64), TCT_OK);
}

static int setup(void **state) {
  (void)state;
  for (unsigned i = 0; i < CORES; i++)
    make_stack(i, CORES);
  return 0;
}

static int teardown(void **state) {
  (void)state;
  for (unsigned i = 0; i < CORES; i++)
    tct_free(core[i].s);
  return 0;
}

struct packet {
  uint8_t bytes[200];
  tct_iov iov;
  tct_frame f;
};

static uint8_t *start_packet(struct packet *p, struct tct_ip_hdr ip) {
  ip.family = tct_wire_ip_family(&ip.src);
  ip.hop_limit = 64;
  memset(p, 0, sizeof *p);
  size_t len = tct_wire_ip_emit(p->bytes, &ip);
  p->iov = (tct_iov){p->bytes, len + ip.payload_len};
  p->f = (tct_frame){.iov = &p->iov, .n_iov = 1, .len = (uint32_t)p->iov.len};
  return p->bytes + len;
}

/* From peer `last`'s port to ours; only addresses and ports matter. */
static void make_segment(struct packet *p, bool v6, uint8_t last, uint16_t sport, uint16_t dport) {
  struct tct_ip_hdr ip = {
      .src = addr_of(v6, last), .dst = addr_of(v6, 1), .proto = TCT_IPPROTO_TCP, .payload_len = 20};
  uint8_t *l4 = start_packet(p, ip);
  l4[0] = (uint8_t)(sport >> 8), l4[1] = (uint8_t)sport;
  l4[2] = (uint8_t)(dport >> 8), l4[3] = (uint8_t)dport;
}

static void owner__each_frame__all_stacks_agree_and_shares_are_even(void **state) {
  unsigned share[CORES] = {0};
  struct packet p;
  (void)state;
  for (unsigned n = 0; n < 4000; n++) {
    make_segment(&p, n % 2 == 1, (uint8_t)(2 + n % 50), (uint16_t)(1000 + n), 80);
    int owner = tct_frame_owner(core[0].s, &p.f);
    assert_in_range(owner, 0, CORES - 1);
    for (unsigned i = 1; i < CORES; i++)
      assert_int_equal(tct_frame_owner(core[i].s, &p.f), owner);
    share[owner]++;
  }
  for (unsigned i = 0; i < CORES; i++)
    assert_in_range(share[i], 850, 1150);
}

static void owner__alone__anybody(void **state) {
  struct packet p;
  (void)state;
  tct_free(core[0].s);
  make_stack(0, 0);
  make_segment(&p, false, 2, 1000, 80);
  assert_int_equal(tct_frame_owner(core[0].s, &p.f), TCT_OWNER_ANY);
}

static uint16_t connect_from(unsigned i, bool v6, uint16_t port) {
  tct_sock k;
  tct_endpoint to = {.addr = addr_of(v6, 9), .port = port}, local;
  assert_int_equal(tct_sock_open(core[i].s, TCT_TCP, NULL, &k), TCT_OK);
  assert_int_equal(tct_sock_connect(core[i].s, k, &to), TCT_OK);
  assert_int_equal(tct_sock_name(core[i].s, k, &local, NULL), TCT_OK);
  return local.port;
}

static void connect__port__is_one_whose_answers_come_here(void **state) {
  struct packet p;
  (void)state;
  for (unsigned n = 0; n < 200; n++) {
    unsigned i = n % CORES;
    bool v6 = n % 3 == 0;
    uint16_t port = connect_from(i, v6, (uint16_t)(80 + n % 7));
    make_segment(&p, v6, 9, (uint16_t)(80 + n % 7), port);
    assert_int_equal(tct_frame_owner(core[(i + 1) % CORES].s, &p.f), i);
  }
}

static void owner__error_that_quotes_us__is_whose_packet_it_quotes(void **state) {
  struct packet quoted, p;
  (void)state;
  for (unsigned n = 0; n < 40; n++) {
    uint16_t port = connect_from(n % CORES, false, 80);
    struct tct_ip_hdr ip = {.src = addr_of(false, 1),
                            .dst = addr_of(false, 9),
                            .proto = TCT_IPPROTO_TCP,
                            .payload_len = 20};
    uint8_t *l4 = start_packet(&quoted, ip);
    l4[0] = (uint8_t)(port >> 8), l4[1] = (uint8_t)port, l4[3] = 80;
    struct tct_icmp_error e = {.what = tct_wire_icmp_problem(4, TCT_ICMP_UNREACH_HOST),
                               .quote = quoted.bytes,
                               .quote_len = quoted.iov.len};
    struct tct_ip_hdr from = {.src = addr_of(false, 7),
                              .dst = addr_of(false, 1),
                              .proto = TCT_IPPROTO_ICMP,
                              .payload_len = (uint16_t)tct_wire_icmp_error_len(4, e.quote_len)};
    uint8_t *icmp = start_packet(&p, from);
    assert_int_equal(tct_wire_icmp_emit_error(icmp, 150, &from.src, &from.dst, &e),
                     from.payload_len);
    assert_int_equal(tct_frame_owner(core[0].s, &p.f), n % CORES);
  }
}

static void owner__echo_request__anybody(void **state) {
  struct packet p;
  (void)state;
  struct tct_ip_hdr ip = {.src = addr_of(false, 7),
                          .dst = addr_of(false, 1),
                          .proto = TCT_IPPROTO_ICMP,
                          .payload_len = 16};
  start_packet(&p, ip)[0] = 8;
  assert_int_equal(tct_frame_owner(core[0].s, &p.f), TCT_OWNER_ANY);
}

/* A datagram to a closed port, in two fragments; how many stacks say that the port is closed. */
static unsigned answers_to_fragments(bool v6, uint16_t sport) {
  uint8_t datagram[32] = {0};
  struct tct_ip_hdr ip = {.src = addr_of(v6, 3),
                          .dst = addr_of(v6, 1),
                          .proto = TCT_IPPROTO_UDP,
                          .id = sport,
                          .is_frag = true};
  unsigned answers = 0;
  tct_iov payload = {datagram + TCT_UDP_HEADER_LEN, sizeof datagram - TCT_UDP_HEADER_LEN};
  (void)tct_wire_udp_emit(datagram, sport, 99, (uint16_t)payload.len);
  tct_wire_udp_finish(datagram, &ip.src, &ip.dst, &payload, 1);
  for (unsigned half = 0; half < 2; half++) {
    struct packet p;
    ip.frag_off_bytes = (uint16_t)(half * 16);
    ip.frag_more = half == 0;
    ip.payload_len = 16;
    memcpy(start_packet(&p, ip), datagram + half * 16, 16);
    assert_int_equal(tct_frame_owner(core[0].s, &p.f), TCT_OWNER_ALL);
    for (unsigned i = 0; i < CORES; i++) {
      (void)tct_input(core[i].s, core[i].ifc, &p.f, 1, 1);
      if (half == 1 && p.f.verdict != TCT_DROP_OTHER_CORE)
        assert_int_equal(p.f.verdict, TCT_DROP_UDP_NO_SOCKET);
    }
  }
  for (unsigned i = 0; i < CORES; i++) {
    tct_frame out;
    answers += tct_output(core[i].s, core[i].ifc, &out, 1, 1) == 1 ? 1u : 0u;
  }
  return answers;
}

static void fragments__put_together_by_all__one_answers(void **state) {
  (void)state;
  for (uint16_t n = 0; n < 6; n++) {
    assert_int_equal(answers_to_fragments(false, (uint16_t)(2000 + n)), 1);
    assert_int_equal(answers_to_fragments(true, (uint16_t)(3000 + n)), 1);
  }
}

static void config__core_beyond_cores__refused(void **state) {
  tct_config c;
  int err = 0;
  (void)state;
  tct_config_get(core[0].s, &c);
  c.core = CORES;
  assert_null(tct_new(&c, &err));
  assert_int_equal(err, TCT_EINVAL);
  c.core = 1;
  assert_int_equal(tct_config_set(core[0].s, &c), TCT_EINVAL);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void) {
  const struct CMUnitTest tests[] = {
      T(owner__each_frame__all_stacks_agree_and_shares_are_even),
      T(owner__alone__anybody),
      T(connect__port__is_one_whose_answers_come_here),
      T(owner__error_that_quotes_us__is_whose_packet_it_quotes),
      T(owner__echo_request__anybody),
      T(fragments__put_together_by_all__one_answers),
      T(config__core_beyond_cores__refused),
  };
  return cmocka_run_group_tests(tests, NULL, NULL);
}
