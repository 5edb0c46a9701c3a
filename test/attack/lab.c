/* SPDX-License-Identifier: MIT */
/* The stack under attack, and packets by hand; see lab.h. */
#include "test/attack/lab.h"

#include <stdlib.h>
#include <string.h>

#include "ip/ip.h"
#include "udp/udp.h"
#include "wire/udp.h"

/* ---- D --------------------------------------------------------------------------------------- */

static tct_addr lab_addr6(uint8_t last) {
  return (tct_addr){{0xfd, 7, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, last}};
}

void lab_init(struct lab *l, bool v6, void (*tweak)(tct_config *c)) {
  tct_config c;
  tct_if_config ifc = {.size = sizeof ifc, .link = TCT_LINK_IP, .mtu = 1500};
  int err;
  memset(l, 0, sizeof *l);
  fuzz_mem_init(&l->mem);
  tct_config_init(&c, sizeof c);
  c.alloc = l->mem.vtable;
  c.seed[0] = 42;
  c.deterministic = true;
  c.profile = TCT_PROFILE_STRICT;
  c.epoch_ns = TCT_S(1700000000);
  if (tweak != NULL)
    tweak(&c);
  l->s = tct_new(&c, &err);
  FUZZ_CHECK(l->s != NULL);
  FUZZ_CHECK(tct_if_add(l->s, &ifc, &l->ifc) == TCT_OK);
  FUZZ_CHECK(tct_if_addr_add(l->s, l->ifc, tct_addr_ipv4(10, 0, 0, 1), 24) == TCT_OK);
  FUZZ_CHECK(tct_if_addr_add(l->s, l->ifc, lab_addr6(1), 64) == TCT_OK);
  FUZZ_CHECK(tct_route_add(l->s, tct_addr_ipv4(0, 0, 0, 0), 0, (tct_addr){{0}}, l->ifc) == TCT_OK);
  FUZZ_CHECK(tct_route_add(l->s, (tct_addr){{0}}, 0, (tct_addr){{0}}, l->ifc) == TCT_OK);
  l->v6 = v6;
  l->ours = v6 ? lab_addr6(1) : tct_addr_ipv4(10, 0, 0, 1);
  l->theirs = v6 ? lab_addr6(2) : tct_addr_ipv4(10, 0, 0, 2);
  l->now = TCT_S(1000);
  l->port_next = 4000;
  tct_advance(l->s, l->now);
}

void lab_check(const struct lab *l) {
  tct_tcp_check_all(l->s);
  tct_ip_reasm_check(l->s);
  tct_udp_check(l->s);
  for (uint32_t i = 0; i < l->s->n_ifs; i++)
    tct_ip_reply_check(&l->s->ifs[i].replies);
}

static void abort_all(struct lab *l) {
  tct_sock cursor = {0, 0};
  while (tct_sock_next(l->s, &cursor)) {
    tct_sock k = cursor;
    if (tct_sock_abort(l->s, k) == TCT_OK)
      cursor = (tct_sock){0, 0};
  }
}

/* [I14] [I18] */
void lab_finish(struct lab *l) {
  tct_event ev;
  abort_all(l);
  lab_drain(l);
  for (int i = 0; i < 20; i++) {
    lab_wait(l, TCT_S(60));
    unsigned n = lab_drain(l);
    FUZZ_CHECK(n == 0 || i < 10);
  }
  while (tct_event_next(l->s, &ev))
    continue;
  lab_check(l);
  tct_counters n;
  tct_stack_counters(l->s, &n);
  FUZZ_CHECK(n.ConnsNow == 0);
  FUZZ_CHECK(n.HalfOpenNow == 0);
  FUZZ_CHECK(n.TimeWaitNow == 0);
  FUZZ_CHECK(n.OrphansNow == 0);
  FUZZ_CHECK(n.BufferBytesNow == 0);
  tct_free(l->s);
  fuzz_mem_finish(&l->mem);
}

/* ---- Packets, written by hand ---------------------------------------------------------------- */

static void put16(uint8_t *p, uint32_t v) {
  p[0] = (uint8_t)(v >> 8);
  p[1] = (uint8_t)v;
}

static void put32(uint8_t *p, uint32_t v) {
  put16(p, v >> 16);
  put16(p + 2, v & 0xffff);
}

static uint32_t add16(uint32_t sum, const uint8_t *p, size_t n) {
  for (size_t i = 0; i < n; i += 2) {
    sum += (uint32_t)p[i] << 8 | (i + 1 < n ? p[i + 1] : 0u);
    sum = (sum & 0xffff) + (sum >> 16);
  }
  return sum;
}

uint16_t lab_sum16(const uint8_t *p, size_t n) {
  return (uint16_t)~add16(0, p, n);
}

uint16_t lab_sum(const tct_addr *src, const tct_addr *dst, uint8_t proto, const uint8_t *p,
                 size_t n) {
  size_t from = tct_addr_is_ipv4(*src) ? 12 : 0;
  uint8_t tail[8] = {0};
  uint32_t sum = add16(add16(0, src->b + from, 16 - from), dst->b + from, 16 - from);
  put32(tail, (uint32_t)n);
  tail[7] = proto;
  if (proto == TCT_IPPROTO_ICMP) /* IPv4's ICMP has no pseudo-header */
    sum = 0;
  else
    sum = add16(sum, tail, sizeof tail);
  return (uint16_t)~add16(sum, p, n);
}

size_t lab_build_ip(uint8_t *frame, const tct_addr *src, const tct_addr *dst, uint8_t proto,
                    const void *payload, size_t n) {
  bool v4 = tct_addr_is_ipv4(*src);
  size_t header = v4 ? 20 : 40;
  memset(frame, 0, header);
  if (v4) {
    frame[0] = 0x45;
    put16(frame + 2, (uint32_t)(header + n));
    frame[6] = 0x40;
    frame[8] = 60;
    frame[9] = proto;
    memcpy(frame + 12, src->b + 12, 4);
    memcpy(frame + 16, dst->b + 12, 4);
    put16(frame + 10, lab_sum16(frame, 20));
  } else {
    frame[0] = 0x60;
    put16(frame + 4, (uint32_t)n);
    frame[6] = proto;
    frame[7] = 60;
    memcpy(frame + 8, src->b, 16);
    memcpy(frame + 24, dst->b, 16);
  }
  if (n > 0)
    memmove(frame + header, payload, n);
  return header + n;
}

static size_t put_options(const struct lab_peer *p, const struct lab_seg *g, uint8_t *at) {
  size_t n = 0;
  if (p->ts && !g->no_ts && g->opt_len <= 28) {
    memcpy(at, "\1\1\10\12", 4);
    put32(at + 4, p->tsval);
    put32(at + 8, (g->flags & TCT_ACK) != 0 ? p->tsecr : 0);
    n = 12;
  }
  if (g->opt_len > 0)
    memcpy(at + n, g->opt, g->opt_len);
  n += g->opt_len;
  while (n % 4 != 0)
    at[n++] = 0;
  return n;
}

size_t lab_build(const struct lab_peer *p, const struct lab_seg *g, uint8_t *frame) {
  static uint8_t l4[LAB_FRAME_MAX];
  size_t header = 20 + put_options(p, g, l4 + 20);
  put16(l4, p->sport);
  put16(l4 + 2, p->dport);
  put32(l4 + 4, g->seq);
  put32(l4 + 8, g->ack);
  uint32_t offset = g->doff < 0 ? 0 : g->doff > 0 ? (uint32_t)g->doff : (uint32_t)header / 4;
  l4[12] = (uint8_t)(offset << 4 | g->reserved);
  l4[13] = g->flags;
  put16(l4 + 14, g->window);
  put16(l4 + 16, 0);
  put16(l4 + 18, g->urgent);
  if (g->len > 0)
    memcpy(l4 + header, g->data, g->len);
  put16(l4 + 16, lab_sum(&p->theirs, &p->ours, TCT_IPPROTO_TCP, l4, header + g->len));
  return lab_build_ip(frame, &p->theirs, &p->ours, TCT_IPPROTO_TCP, l4, header + g->len);
}

size_t lab_build_error(uint8_t *frame, const tct_addr *src, const tct_addr *dst,
                       const uint8_t type_code_rest[6], const void *quote, size_t n) {
  static uint8_t l4[LAB_FRAME_MAX];
  uint8_t proto = tct_addr_is_ipv4(*src) ? TCT_IPPROTO_ICMP : TCT_IPPROTO_ICMP6;
  memcpy(l4, type_code_rest, 2);
  put16(l4 + 2, 0);
  memcpy(l4 + 4, type_code_rest + 2, 4);
  if (n > 0)
    memcpy(l4 + 8, quote, n);
  put16(l4 + 2, lab_sum(src, dst, proto, l4, n + 8));
  return lab_build_ip(frame, src, dst, proto, l4, n + 8);
}

/* ---- In and out ------------------------------------------------------------------------------ */

tct_verdict lab_in(struct lab *l, const void *frame, size_t n) {
  uint8_t *copy = fuzz_copy(frame, n);
  tct_iov v = {copy, n};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)n, .at = l->now, .verdict = 0xffff};
  FUZZ_CHECK(tct_input(l->s, l->ifc, &f, 1, l->now) == 1);
  FUZZ_CHECK(f.verdict < TCT_VERDICT_COUNT);
  free(copy);
  l->in++;
  return (tct_verdict)f.verdict;
}

tct_verdict lab_send(struct lab *l, const struct lab_peer *p, const struct lab_seg *g) {
  static uint8_t frame[LAB_FRAME_MAX];
  return lab_in(l, frame, lab_build(p, g, frame));
}

/* [I22] every frame parses, its lengths and checksums are right, its options legal. */
static void take_apart(struct lab_got *g) {
  FUZZ_CHECK(tct_wire_ip_parse(g->bytes, g->n, g->n, &g->ip) == TCT_ACCEPTED);
  FUZZ_CHECK((size_t)g->ip.header_len + g->ip.payload_len == g->n);
  FUZZ_CHECK(g->ip.family == 6 || lab_sum16(g->bytes, g->ip.header_len) == 0);
  g->is_tcp = g->is_icmp = false;
  if (g->ip.is_frag)
    return;
  const uint8_t *p = g->ip.payload;
  size_t n = g->ip.payload_len;
  bool no_udp_sum = g->ip.proto == TCT_IPPROTO_UDP && n >= 8 && p[6] == 0 && p[7] == 0;
  FUZZ_CHECK(!no_udp_sum && lab_sum(&g->ip.src, &g->ip.dst, g->ip.proto, p, n) == 0);
  if (g->ip.proto == TCT_IPPROTO_TCP) {
    g->is_tcp = true;
    FUZZ_CHECK(tct_wire_tcp_parse(p, n, &g->tcp) == TCT_ACCEPTED);
    FUZZ_CHECK(!g->tcp.opt.malformed && g->tcp.opt.n_unknown == 0 && g->tcp.reserved == 0);
    g->data = p + g->tcp.header_len;
    g->len = (uint32_t)n - g->tcp.header_len;
  } else if (g->ip.proto == TCT_IPPROTO_ICMP || g->ip.proto == TCT_IPPROTO_ICMP6) {
    g->is_icmp = true;
    FUZZ_CHECK(tct_wire_icmp_parse(g->ip.family, p, n, &g->icmp) == TCT_ACCEPTED);
  }
}

bool lab_out(struct lab *l, struct lab_got *g) {
  tct_frame f;
  if (tct_output(l->s, l->ifc, &f, 1, l->now) == 0)
    return false;
  g->n = 0;
  for (uint32_t i = 0; i < f.n_iov; i++) {
    FUZZ_CHECK(f.iov[i].len <= sizeof g->bytes - g->n);
    memcpy(g->bytes + g->n, f.iov[i].base, f.iov[i].len);
    g->n += f.iov[i].len;
  }
  FUZZ_CHECK(g->n == f.len && f.len <= l->s->ifs[l->ifc.index - 1].cfg.mtu);
  FUZZ_CHECK(f.seg_size == 0 && f.csum == TCT_CSUM_DONE);
  g->why = f.why;
  g->at = l->now;
  take_apart(g);
  l->out++;
  return true;
}

unsigned lab_drain(struct lab *l) {
  static struct lab_got g;
  unsigned n = 0;
  while (lab_out(l, &g))
    FUZZ_CHECK(++n < 100000); /* [I15] */
  return n;
}

void lab_wait(struct lab *l, tct_time ns) {
  tct_time end = l->now + ns;
  for (unsigned n = 0; tct_deadline(l->s) <= end; n++) {
    tct_time at = tct_deadline(l->s);
    l->now = at > l->now ? at : l->now;
    tct_advance(l->s, l->now);
    FUZZ_CHECK(n < 100000); /* a deadline that does not go away */
    if (tct_deadline(l->s) <= l->now)
      break; /* it waits for output */
  }
  l->now = end;
  tct_advance(l->s, l->now);
  for (unsigned n = 0; n < 100 && tct_deadline(l->s) <= l->now; n++)
    tct_advance(l->s, l->now); /* one call does not fire hundreds of timers */
}

bool lab_next(struct lab *l, tct_time ns, struct lab_got *g) {
  tct_time end = l->now + ns;
  for (unsigned n = 0; !lab_out(l, g); n++) {
    tct_time at = tct_deadline(l->s);
    if (at > end) {
      l->now = end;
      tct_advance(l->s, l->now);
      return lab_out(l, g);
    }
    FUZZ_CHECK(n < 100000);
    l->now = at > l->now ? at : l->now;
    tct_advance(l->s, l->now);
  }
  return true;
}

/* ---- Connections ----------------------------------------------------------------------------- */

tct_sock lab_listen(struct lab *l, uint16_t port) {
  tct_sock k;
  tct_endpoint at = {.port = port};
  FUZZ_CHECK(tct_sock_open(l->s, TCT_TCP, NULL, &k) == TCT_OK);
  FUZZ_CHECK(tct_sock_bind(l->s, k, &at) == TCT_OK);
  FUZZ_CHECK(tct_sock_listen(l->s, k, 128) == TCT_OK);
  return k;
}

void lab_peer_init(struct lab *l, struct lab_peer *p, uint16_t dport) {
  *p = (struct lab_peer){.ours = l->ours,
                         .theirs = l->theirs,
                         .dport = dport,
                         .sport = l->port_next++,
                         .iss = 1000000,
                         .window = 65535,
                         .tsval = 5000};
  p->seq = p->iss;
  l->port_next = l->port_next == 65535 ? 1024 : (uint16_t)(l->port_next + 1);
}

void lab_note(struct lab_peer *p, const struct lab_got *g) {
  if (!g->is_tcp || g->tcp.sport != p->dport || g->tcp.dport != p->sport)
    return;
  uint32_t len = g->len + ((g->tcp.flags & TCT_FIN) != 0) + ((g->tcp.flags & TCT_SYN) != 0);
  if (g->tcp.seq == p->ack)
    p->ack += len;
  if (g->tcp.opt.has_ts)
    p->tsecr = g->tcp.opt.tsval;
}

void lab_open(struct lab *l, struct lab_peer *p, uint16_t dport, const void *opt, size_t opt_len) {
  static struct lab_got g;
  lab_peer_init(l, p, dport);
  p->ts = false; /* the caller's options have them, or not */
  struct lab_seg syn = {
      .flags = TCT_SYN, .seq = p->iss, .window = p->window, .opt = opt, .opt_len = opt_len};
  FUZZ_CHECK(lab_send(l, p, &syn) == TCT_ACCEPTED);
  FUZZ_CHECK(lab_next(l, 0, &g) && g.is_tcp && g.tcp.flags == (TCT_SYN | TCT_ACK));
  FUZZ_CHECK(g.tcp.ack == p->iss + 1 && g.tcp.dport == p->sport);
  p->irs = g.tcp.seq;
  p->ack = p->irs + 1;
  p->seq = p->iss + 1;
  p->ts = g.tcp.opt.has_ts;
  p->tsecr = g.tcp.opt.tsval;
  p->tsval++;
  FUZZ_CHECK(lab_ack(l, p) == TCT_ACCEPTED);
}

void lab_establish(struct lab *l, struct lab_peer *p, tct_sock k, uint16_t dport, bool ts) {
  static const uint8_t rich[] = {2,    4,    5, 0xb4, 4, 2, 8, 10, 0, 0,
                                 0x13, 0x88, 0, 0,    0, 0, 1, 3,  3, 2};
  lab_open(l, p, dport, rich, ts ? sizeof rich : 4);
  FUZZ_CHECK(tct_sock_accept(l->s, k, NULL, &p->sock) == TCT_OK);
  lab_drain(l);
}

void lab_connect(struct lab *l, struct lab_peer *p, struct lab_got *g) {
  tct_sock k;
  lab_peer_init(l, p, 0);
  tct_endpoint to = {.addr = p->theirs, .port = p->sport};
  FUZZ_CHECK(tct_sock_open(l->s, TCT_TCP, NULL, &k) == TCT_OK);
  FUZZ_CHECK(tct_sock_connect(l->s, k, &to) == TCT_OK);
  FUZZ_CHECK(lab_next(l, 0, g) && g->is_tcp && g->tcp.flags == TCT_SYN);
  p->sock = k;
  p->dport = g->tcp.sport;
  p->irs = g->tcp.seq;
  p->ack = p->irs + 1;
}

tct_verdict lab_data(struct lab *l, struct lab_peer *p, const void *data, size_t n) {
  struct lab_seg g = {.flags = TCT_ACK | TCT_PSH,
                      .seq = p->seq,
                      .ack = p->ack,
                      .window = p->window,
                      .data = data,
                      .len = n};
  p->seq += (uint32_t)n;
  return lab_send(l, p, &g);
}

tct_verdict lab_ack(struct lab *l, struct lab_peer *p) {
  struct lab_seg g = {.flags = TCT_ACK, .seq = p->seq, .ack = p->ack, .window = p->window};
  return lab_send(l, p, &g);
}

long lab_read(struct lab *l, tct_sock k, void *buf, size_t n) {
  return tct_sock_recv(l->s, k, buf, n, 0);
}

uint32_t lab_events(struct lab *l, tct_sock k, int *err, uint16_t *why) {
  tct_event ev;
  uint32_t flags = 0;
  while (tct_event_next(l->s, &ev)) {
    if (ev.sock.index != k.index || ev.sock.gen != k.gen)
      continue;
    flags |= ev.flags;
    if (err != NULL && (ev.flags & (TCT_EV_CLOSED | TCT_EV_SOFT_ERROR)) != 0)
      *err = ev.err;
    if (why != NULL && (ev.flags & TCT_EV_CLOSED) != 0)
      *why = ev.why;
  }
  return flags;
}
