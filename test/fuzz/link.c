/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: arbitrary Ethernet frames, and almost right ARP and neighbour discovery, into a
 * stack with a small neighbour table, flows that wait, datagrams and an address under test, while
 * time goes by. After each step the table's invariants are checked; what comes out must be from our
 * MAC. Also the three parsers on the raw bytes.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "link/link.h"
#include "tcp/calls.h"
#include "wire/bytes.h"
#include "wire/checksum.h"

enum { STEPS_MAX = 200, FRAME_MAX = 300 };

static const struct tct_mac own = {{2, 0, 0, 0, 0, 1}};
static tct_stack *s;
static tct_if ifc;
static tct_time now;
static uint8_t frame[FRAME_MAX];

static tct_addr pick_addr(struct fuzz_in *in, bool v6) {
  tct_addr a = v6 ? (tct_addr){{0xfd, 7}} : tct_addr_ipv4(10, 0, 0, 0);
  uint8_t b = fuzz_u8(in);
  a.b[15] = b & 31;
  if (b > 250)
    return v6 ? (tct_addr){{0}} : tct_addr_ipv4(0, 0, 0, 0);
  return a;
}

static struct tct_mac pick_mac(struct fuzz_in *in) {
  uint8_t b = fuzz_u8(in);
  return b == 255 ? tct_wire_eth_broadcast() : (struct tct_mac){{2, 0, 0, 0, 0, b & 31}};
}

static void start(struct fuzz_mem *mem) {
  tct_config c;
  tct_if_config i = {.size = sizeof i, .link = TCT_LINK_ETHERNET, .mtu = 1500, .autoconf = true};
  int err;
  fuzz_mem_init(mem);
  tct_config_init(&c, sizeof c);
  c.alloc = mem->vtable;
  c.deterministic = true;
  c.limits.neighbours = 8;
  c.limits.reply_bytes = 16384;
  now = TCT_S(1000);
  s = tct_new(&c, &err);
  FUZZ_CHECK(s != NULL);
  tct_advance(s, now);
  memcpy(i.mac, own.b, 6);
  FUZZ_CHECK(tct_if_add(s, &i, &ifc) == TCT_OK);
  FUZZ_CHECK(tct_if_addr_add(s, ifc, tct_addr_ipv4(10, 0, 0, 1), 24) == TCT_OK);
  FUZZ_CHECK(tct_if_addr_add(s, ifc, (tct_addr){{0xfd, 7, [15] = 1}}, 64) == TCT_OK);
}

static void give(size_t n) {
  uint8_t *copy = fuzz_copy(frame, n);
  tct_iov v = {copy, n};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)n};
  FUZZ_CHECK(tct_input(s, ifc, &f, 1, now) == 1 && f.verdict < TCT_VERDICT_COUNT);
  FUZZ_CHECK(v.base == copy && v.len == n && f.len == n);
  free(copy);
}

static void give_raw(struct fuzz_in *in) {
  static const uint16_t types[] = {TCT_ETH_IP4, TCT_ETH_ARP, TCT_ETH_IP6};
  size_t n = fuzz_below(in, FRAME_MAX);
  const uint8_t *p = fuzz_take(in, &n);
  memcpy(frame, p, n);
  if (n >= TCT_ETH_HEADER_LEN && (frame[12] & 1) != 0) {
    struct tct_eth_hdr h = {own, {{2, 0, 0, 0, 0, 5}}, types[frame[13] % 3]};
    tct_wire_eth_emit(frame, &h);
  }
  give(n);
}

static void give_arp(struct fuzz_in *in) {
  struct tct_eth_hdr h = {pick_mac(in), pick_mac(in), TCT_ETH_ARP};
  struct tct_arp a = {.op = (uint16_t)(1 + (fuzz_u8(in) & 1)),
                      .sender_mac = pick_mac(in),
                      .target_mac = pick_mac(in),
                      .sender = pick_addr(in, false),
                      .target = pick_addr(in, false)};
  tct_wire_eth_emit(frame, &h);
  tct_wire_arp_emit(frame + TCT_ETH_HEADER_LEN, &a);
  give(TCT_ETH_HEADER_LEN + TCT_ARP_LEN);
}

static void give_nd(struct fuzz_in *in) {
  uint8_t how = fuzz_u8(in);
  struct tct_nd nd = {.type = (how & 1) != 0 ? TCT_ND_SOLICIT : TCT_ND_ADVERT,
                      .solicited = (how & 2) != 0,
                      .override = (how & 4) != 0,
                      .has_mac = (how & 8) != 0,
                      .target = pick_addr(in, true),
                      .mac = pick_mac(in)};
  tct_addr src = pick_addr(in, true);
  tct_addr dst = (how & 16) != 0 ? tct_wire_nd_solicited_node(&nd.target) : pick_addr(in, true);
  struct tct_eth_hdr h = {(how & 32) != 0 ? own : tct_wire_eth_multicast(&dst), pick_mac(in),
                          TCT_ETH_IP6};
  size_t at = TCT_ETH_HEADER_LEN + TCT_IP6_HEADER_LEN;
  size_t n = tct_wire_nd_emit(frame + at, &src, &dst, &nd);
  struct tct_ip_hdr ip = {.src = src,
                          .dst = dst,
                          .family = 6,
                          .proto = TCT_IPPROTO_ICMP6,
                          .hop_limit = (how & 64) != 0 ? 254 : 255,
                          .payload_len = (uint16_t)n};
  tct_wire_eth_emit(frame, &h);
  tct_wire_ip_emit(frame + TCT_ETH_HEADER_LEN, &ip);
  give(at + n);
}

static void open_flow(struct fuzz_in *in) {
  tct_sock k;
  uint8_t how = fuzz_u8(in);
  tct_endpoint to = {.addr = pick_addr(in, (how & 1) != 0), .port = 9};
  if (tct_sock_open(s, (how & 2) != 0 ? TCT_TCP : TCT_UDP, NULL, &k) != TCT_OK)
    return;
  if ((how & 2) != 0)
    (void)!tct_sock_connect(s, k, &to);
  else
    (void)!tct_dgram_send(s, k, &(tct_dgram){.remote = to}, "datagram", 8);
  if ((how & 4) != 0)
    (void)!tct_sock_abort(s, k);
}

static void pull(unsigned most) {
  tct_frame f;
  while (most-- > 0 && tct_output(s, ifc, &f, 1, now) == 1) {
    struct tct_eth_hdr h;
    uint32_t sum = 0;
    for (uint32_t i = 0; i < f.n_iov; i++)
      sum += (uint32_t)f.iov[i].len;
    FUZZ_CHECK(sum == f.len);
    FUZZ_CHECK(tct_wire_eth_parse(f.iov[0].base, f.iov[0].len, &h) == TCT_ACCEPTED);
    FUZZ_CHECK(tct_wire_eth_equal(&h.src, &own));
  }
}

static void change(struct fuzz_in *in) {
  uint8_t how = fuzz_u8(in);
  tct_addr a = pick_addr(in, (how & 1) != 0);
  if ((how & 2) != 0)
    (void)tct_if_addr_add(s, ifc, a, 24);
  else
    (void)tct_if_addr_del(s, ifc, a);
  if ((how & 12) == 12)
    (void)tct_if_set(s, ifc, TCT_IF_UP, (how & 16) == 0);
}

static void step(struct fuzz_in *in) {
  switch (fuzz_u8(in) % 8) {
  case 0:
    give_raw(in);
    break;
  case 1:
    give_arp(in);
    break;
  case 2:
    give_nd(in);
    break;
  case 3:
    open_flow(in);
    break;
  case 4:
    now += TCT_MS(fuzz_u16(in));
    tct_advance(s, now);
    break;
  case 5:
    change(in);
    break;
  default:
    pull(fuzz_u8(in));
  }
  tct_link_check(s);
  tct_tcp_check_all(s);
}

static void parse_raw(const uint8_t *data, size_t size) {
  struct tct_eth_hdr eth;
  struct tct_arp arp;
  struct tct_nd nd;
  uint8_t *copy = fuzz_copy(data, size), again[TCT_ARP_LEN];
  (void)tct_wire_eth_parse(copy, size, &eth);
  if (tct_wire_arp_parse(copy, size, &arp) == TCT_ACCEPTED) {
    tct_wire_arp_emit(again, &arp);
    FUZZ_CHECK(memcmp(again, copy, sizeof again) == 0);
  }
  if (tct_wire_nd_parse(copy, size, &nd) == TCT_ACCEPTED)
    FUZZ_CHECK(tct_wire_nd_is_type(nd.type) && (!nd.has_mac || size >= 16));
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_mem mem;
  struct fuzz_in in = {data, size};
  parse_raw(data, size);
  start(&mem);
  for (int i = 0; i < STEPS_MAX && in.left > 0; i++)
    step(&in);
  tct_free(s);
  fuzz_mem_finish(&mem);
  return 0;
}
