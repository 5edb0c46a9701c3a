/* SPDX-License-Identifier: MIT */
/*
 * tercet.c - this project's stack as an engine of the benchmark: two stacks, the frames of one
 * written into slots (or handed over as they are) and given to the other in bursts.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "bench/engine/engine.h"
#include "drivers/fast_sum.h"
#include "drivers/merge.h"
#include "drivers/segment.h"
#include "tercet/tercet.h"

struct side {
  tct_stack *stack;
  tct_if ifc;
  struct ring *out;
  tct_frame frames[TCT_BURST_MAX];
  tct_iov iov[TCT_BURST_MAX];
};

static struct {
  struct engine_opts o;
  struct side client, server;
  tct_sock listener[64]; /* on ports from ENGINE_PORT on: one pair has but 64 k ports */
  tct_sock *conns;       /* the client's ends */
  uint64_t connected, replies, received, ended, accepted;
  uint64_t frames; /* handed over as they are */
  uint32_t next;
  bool echo, closing, bulk;
} b;

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  if (align <= 16 && size < 1u << 21)
    return malloc(size);
  if (size < 1u << 21)
    return aligned_alloc(align, (size + align - 1) / align * align);
  size = (size + (1u << 21) - 1) >> 21 << 21;
  void *p = aligned_alloc(1u << 21, size);
  if (p != NULL)
    (void)madvise(p, size, MADV_HUGEPAGE);
  return p;
}

static void give_back(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static tct_addr address(unsigned side) {
  tct_addr six = {{0xfd, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, (uint8_t)side, 0, 1}};
  return b.o.ipv6 ? six : tct_addr_ipv4(10, (uint8_t)side, 0, 1);
}

static bool start_side(struct side *me, unsigned number, struct ring *out) {
  tct_config c;
  tct_if_config link = {
      .size = sizeof link, .link = TCT_LINK_IP, .mtu = b.o.mtu, .csum_offload = !b.o.checksums};
  int err;
  if (b.o.merge && b.o.slots)
    link.gso_max_bytes = TCT_SEGMENT_GSO_BYTES_MAX, link.gso_max_segs = TCT_BURST_MAX;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_back, NULL};
  memset(c.seed, (int)number + 1, sizeof c.seed);
  c.sum = tct_fast_sum();
  c.copy_sum = tct_fast_copy_sum();
  c.limits.conns = b.o.conns + 4096;
  c.limits.time_wait = b.o.time_wait;
  c.limits.buffer_bytes = UINT64_C(8) << 30;
  c.port_first = 1024;
  c.port_last = 65535;
  c.sndbuf_bytes = c.sndbuf_max_bytes = c.rcvbuf_bytes = c.rcvbuf_max_bytes = b.o.buffer_bytes;
  if (b.o.parity) { /* what lwIP does, and no more */
    c.info = TCT_INFO_BASIC;
    c.no_timestamps = true;
    c.ecn = TCT_ECN_OFF;
    c.congestion = TCT_CC_NEWRENO;
    c.rack = c.tlp = c.frto = TCT_OFF;
  }
  me->out = out;
  me->stack = tct_new(&c, &err);
  if (me->stack == NULL || tct_if_add(me->stack, &link, &me->ifc) < 0 ||
      tct_if_set(me->stack, me->ifc, TCT_IF_UP, 1) < 0)
    return engine_fail("no stack");
  if (tct_if_addr_add(me->stack, me->ifc, address(number), 8) < 0)
    return engine_fail("no address");
  return true;
}

static bool start(const struct engine_opts *o) {
  b.o = *o;
  b.conns = calloc(o->conns, sizeof *b.conns);
  if (b.conns == NULL || b.o.ports > 64 || !start_side(&b.client, 0, &engine_up) ||
      !start_side(&b.server, 1, &engine_down))
    return false;
  for (uint32_t k = 0; k < b.o.ports; k++) {
    tct_endpoint here = {.port = (uint16_t)(ENGINE_PORT + k)};
    if (tct_sock_open(b.server.stack, TCT_TCP, NULL, &b.listener[k]) < 0 ||
        tct_sock_bind(b.server.stack, b.listener[k], &here) < 0 ||
        tct_sock_listen(b.server.stack, b.listener[k], 4096) < 0)
      return engine_fail("no listener");
  }
  return true;
}

static const char *how_carried(void) {
  if (!b.o.slots)
    return "handed over as they are";
  return b.o.merge ? "cut into slots and joined from them in software"
                   : "copied into slots one by one";
}

static void describe(char *text, size_t cap) {
  snprintf(text, cap,
           "tercet %s, %s profile; buffers of %u bytes; frames %s; TIME-WAIT records %u; software "
           "checksums %s",
           TCT_VERSION,
           b.o.parity ? "parity (no timestamps, NewReno, no RACK-TLP, no ECN, BASIC info)"
                      : "full (LINUX: timestamps, SACK, CUBIC, RACK-TLP, ECN passive, FULL info)",
           b.o.buffer_bytes, how_carried(), b.o.time_wait, b.o.checksums ? "on" : "off");
}

/* ---- The link -------------------------------------------------------------------------------- */

/* Where nobody looks at checksums. */
static uint64_t copy_only(void *to, const void *from, size_t len) {
  memcpy(to, from, len);
  return 0;
}

static void copy_plain(const tct_frame *f, struct ring *r) {
  uint8_t *p = ring_slot(r), *at = p;
  if (p == NULL)
    return;
  for (uint32_t k = 0; k < f->n_iov; k++) {
    memcpy(at, f->iov[k].base, f->iov[k].len);
    at += f->iov[k].len;
  }
  ring_commit(r, (uint32_t)(at - p));
}

/* As a driver without offload does: packets of the link's size, their sums made on the way. */
static void cut_to_slots(const tct_frame *f, struct ring *r) {
  struct tct_cut cut;
  size_t len;
  uint8_t *p;
  tct_segment_begin(&cut, f, 0, b.o.checksums ? tct_fast_copy_sum() : copy_only);
  while ((p = ring_slot(r)) != NULL && (len = tct_segment_next(&cut, p, r->slot_bytes)) > 0)
    ring_commit(r, (uint32_t)len);
}

static size_t output_frames(struct side *from, uint64_t now) {
  size_t n = tct_output(from->stack, from->ifc, from->frames, TCT_BURST_MAX, now);
  for (size_t i = 0; i < n; i++) /* where nobody looks at sums, an open one is no matter */
    if (tct_segment_is_plain(&from->frames[i]) || (!b.o.checksums && from->frames[i].seg_size == 0))
      copy_plain(&from->frames[i], from->out);
    else
      cut_to_slots(&from->frames[i], from->out);
  return n;
}

/* Each packet made by the stack, straight into its slot, the checksum made on the way. */
static size_t output_packets(struct side *from, uint64_t now) {
  size_t n = 0, len;
  uint8_t *p;
  while (n < TCT_BURST_MAX && (p = ring_slot(from->out)) != NULL &&
         (len = tct_output_copy(from->stack, from->ifc, p, from->out->slot_bytes, now)) > 0) {
    ring_commit(from->out, (uint32_t)len);
    n++;
  }
  return n;
}

static size_t take_from_slots(struct side *from, struct side *to) {
  size_t n = 0;
  uint32_t len;
  uint8_t *p;
  while (n < TCT_BURST_MAX && (p = ring_take(from->out, &len)) != NULL) {
    to->iov[n] = (tct_iov){p, len};
    to->frames[n] = (tct_frame){.iov = &to->iov[n], .n_iov = 1, .len = len};
    to->frames[n].csum = b.o.checksums ? TCT_CSUM_CHECK : TCT_CSUM_GOOD;
    n++;
  }
  return b.o.merge ? tct_merge(to->frames, n, TCT_LINK_IP, tct_fast_sum()) : n;
}

static size_t carry_slots(struct side *from, struct side *to, uint64_t now) {
  bool alone = b.bulk && b.o.checksums && !b.o.merge;
  size_t n = alone ? output_packets(from, now) : output_frames(from, now), taken;
  while (n > 0 && (taken = take_from_slots(from, to)) > 0)
    tct_input(to->stack, to->ifc, to->frames, taken, now);
  return n;
}

/* One burst. Returns its frames. */
static size_t carry(struct side *from, struct side *to) {
  uint64_t now = engine_now();
  if (b.o.slots)
    return carry_slots(from, to, now);
  size_t n = tct_output(from->stack, from->ifc, from->frames, TCT_BURST_MAX, now);
  b.frames += n;
  for (size_t i = 0; i < n; i++) {
    from->frames[i].csum = b.o.checksums ? TCT_CSUM_CHECK : TCT_CSUM_GOOD;
    from->frames[i].flags = 0;
  }
  if (n > 0)
    tct_input(to->stack, to->ifc, from->frames, n, now);
  return n;
}

/* ---- The applications ------------------------------------------------------------------------ */

static void read_server(tct_sock k) {
  tct_iov v[24];
  unsigned n = 24;
  size_t len = 0;
  if (tct_sock_rx_peek(b.server.stack, k, v, &n) < 0)
    return;
  for (unsigned i = 0; i < n; i++) {
    if (b.echo && tct_sock_send(b.server.stack, k, v[i].base, v[i].len, 0) != (long)v[i].len)
      (void)engine_fail("an echo was not taken");
    len += v[i].len;
  }
  b.received += len;
  (void)!tct_sock_rx_consume(b.server.stack, k, len);
}

static void serve(void) {
  tct_event ev;
  while (tct_event_next(b.server.stack, &ev)) {
    tct_sock child;
    while ((ev.flags & TCT_EV_ACCEPT) != 0 &&
           tct_sock_accept(b.server.stack, ev.sock, NULL, &child) == TCT_OK)
      b.accepted++;
    if ((ev.flags & TCT_EV_READABLE) != 0)
      read_server(ev.sock);
    if ((ev.flags & TCT_EV_EOF) != 0)
      (void)tct_sock_close(b.server.stack, ev.sock);
  }
}

static void read_client(tct_sock k) {
  tct_iov v;
  unsigned n = 1;
  if (tct_sock_rx_peek(b.client.stack, k, &v, &n) < 0 || n == 0)
    return;
  b.replies += v.len / ENGINE_REQUEST_BYTES;
  (void)!tct_sock_rx_consume(b.client.stack, k, v.len);
}

static void use(void) {
  tct_event ev;
  uint64_t token;
  while (tct_event_next(b.client.stack, &ev)) {
    if ((ev.flags & TCT_EV_CONNECTED) != 0)
      b.connected++;
    if ((ev.flags & TCT_EV_CONNECTED) != 0 && b.closing)
      (void)tct_sock_close(b.client.stack, ev.sock);
    if ((ev.flags & TCT_EV_READABLE) != 0)
      read_client(ev.sock);
    if ((ev.flags & TCT_EV_CLOSED) != 0)
      b.ended++;
  }
  while (tct_returned_next(b.client.stack, &token))
    continue;
}

/* There and back, once. False: nothing moved. */
static bool turn(void) {
  static unsigned turns;
  if (++turns % 64 == 0) {
    tct_advance(b.client.stack, engine_now());
    tct_advance(b.server.stack, engine_now());
  }
  size_t n = carry(&b.client, &b.server);
  serve();
  n += carry(&b.server, &b.client);
  use();
  return n > 0;
}

/* Turns until *count is `want`; a thousand idle ones are too many. */
static bool turn_until(const uint64_t *count, uint64_t want) {
  uint32_t idle = 0;
  while (*count < want) {
    idle = turn() ? 0 : idle + 1;
    if (idle > 100000000)
      return engine_fail("tercet came to a halt");
  }
  return true;
}

static bool connect_one(tct_sock *k) {
  tct_endpoint to = {.addr = address(1), .port = (uint16_t)(ENGINE_PORT + b.next)};
  b.next = (b.next + 1) % b.o.ports;
  if (tct_sock_open(b.client.stack, TCT_TCP, NULL, k) < 0)
    return engine_fail("no socket");
  if (tct_sock_connect(b.client.stack, *k, &to) < 0)
    return engine_fail("no connection");
  return true;
}

static bool connect_close(uint64_t n) {
  b.closing = true;
  for (uint64_t i = 0; i < n; i++) {
    tct_sock k;
    if (!connect_one(&k) || !turn_until(&b.ended, b.ended + 1))
      return false;
  }
  return true;
}

static bool establish(uint32_t conns) {
  for (uint32_t i = 0; i < conns; i++)
    if (!connect_one(&b.conns[i]) || !turn_until(&b.connected, b.connected + 1))
      return false;
  b.echo = true;
  return turn_until(&b.accepted, conns);
}

static bool request(const uint32_t *conn, uint32_t n) {
  tct_sock k[ENGINE_BATCH_MAX];
  for (uint32_t i = 0; i < n; i++)
    k[i] = b.conns[conn[i]];
  if (n > 1)
    tct_sock_prefetch(b.client.stack, k, n);
  for (uint32_t i = 0; i < n; i++) {
    const uint8_t *p = engine_source(ENGINE_REQUEST_BYTES);
    if (tct_sock_send(b.client.stack, k[i], p, ENGINE_REQUEST_BYTES, 0) != ENGINE_REQUEST_BYTES)
      return false;
  }
  return true;
}

static bool exchange(uint32_t n) {
  static uint64_t asked;
  asked += n;
  return turn_until(&b.replies, asked);
}

static bool write_some(void) {
  uint32_t len = b.o.write_bytes;
  if (b.o.copy)
    return tct_sock_send(b.client.stack, b.conns[0], engine_source(len), len, 0) > 0;
  return tct_sock_tx_lend(b.client.stack, b.conns[0], engine_source(len), len, 1) == TCT_OK;
}

static bool bulk(uint64_t bytes) {
  uint64_t until = b.received + bytes;
  b.echo = false;
  b.bulk = true;
  while (b.received < until) {
    while (write_some())
      continue;
    turn();
  }
  return true;
}

static uint64_t packets(void) {
  return b.frames + engine_up.packets + engine_down.packets;
}

const struct engine engine_tercet = {"tercet", start,    describe, connect_close, establish,
                                     request,  exchange, bulk,     packets};
