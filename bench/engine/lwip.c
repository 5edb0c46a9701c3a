/* SPDX-License-Identifier: MIT */
/*
 * lwip.c - lwIP as an engine of the benchmark: two libraries made by bench/peers/lwip/build.sh,
 * loaded here, joined by the ring.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <string.h>

#include "bench/engine/engine.h"
#include "bench/peers/lwip/node.h"

static struct {
  struct engine_opts o;
  const struct lwip_node *client, *server;
  const struct lwip_node_counts *c, *s;
} b;

static uint8_t *slot_up(void) {
  return ring_slot(&engine_up);
}
static uint8_t *slot_down(void) {
  return ring_slot(&engine_down);
}
static void commit_up(uint32_t len) {
  ring_commit(&engine_up, len);
}
static void commit_down(uint32_t len) {
  ring_commit(&engine_down, len);
}

static const struct lwip_node *load(const char *file) {
  void *lib = file != NULL ? dlopen(file, RTLD_NOW | RTLD_LOCAL) : NULL;
  if (lib == NULL)
    fprintf(stderr, "bench_engine: %s\n", file != NULL ? dlerror() : "client= and server= missing");
  return lib != NULL ? dlsym(lib, "lwip_node") : NULL;
}

static bool start(const struct engine_opts *o) {
  b.o = *o;
  b.client = load(o->client_lib);
  b.server = load(o->server_lib);
  if (b.client == NULL || b.server == NULL || b.client == b.server)
    return engine_fail("two lwIPs are needed");
  struct lwip_node_setup s = {.address = 0x0a000001,
                              .peer = 0x0a010001,
                              .mtu = (uint16_t)o->mtu,
                              .port = ENGINE_PORT,
                              .now_ns = engine_clock,
                              .slot = slot_up,
                              .commit = commit_up,
                              .source = engine_source,
                              .conns = o->conns,
                              .write_bytes = o->write_bytes,
                              .copy = o->copy};
  if (!b.client->start(&s))
    return engine_fail("lwIP's client did not start");
  s.address = 0x0a010001;
  s.peer = 0x0a000001;
  s.slot = slot_down;
  s.commit = commit_down;
  if (!b.server->start(&s) || !b.server->listen())
    return engine_fail("lwIP's server did not start");
  b.c = b.client->counts();
  b.s = b.server->counts();
  return true;
}

static void describe(char *text, size_t cap) {
  snprintf(
      text, cap,
      "lwIP %s, NO_SYS, raw interface, static pools; windows and send buffers of 256 KiB, "
      "SACK sent, no timestamps, NewReno; C checksum (algorithm 3) %s; %s write; PCB of %u bytes",
      b.client->version(), b.o.checksums ? "on" : "off", b.o.copy ? "copying" : "no-copy",
      (unsigned)b.client->pcb_bytes());
}

static bool turn(void) {
  static unsigned turns;
  uint32_t len, n = 0;
  uint8_t *p;
  if (++turns % 64 == 0) {
    b.client->tick();
    b.server->tick();
  }
  for (; (p = ring_take(&engine_up, &len)) != NULL; n++)
    b.server->input(p, len);
  for (; (p = ring_take(&engine_down, &len)) != NULL; n++)
    b.client->input(p, len);
  return n > 0;
}

static bool turn_until(const uint64_t *count, uint64_t want) {
  uint32_t idle = 0;
  while (*count < want) {
    idle = turn() ? 0 : idle + 1;
    if (idle > 100000000)
      return engine_fail("lwIP came to a halt");
  }
  return true;
}

static bool connect_close(uint64_t n) {
  for (uint64_t i = 0; i < n; i++) {
    if (!b.client->connect(0, true))
      return engine_fail("lwIP has no connection");
    if (!turn_until(&b.c->ended, b.c->ended + 1))
      return false;
    while (turn()) /* the last ACK */
      continue;
  }
  return true;
}

static bool establish(uint32_t conns) {
  for (uint32_t i = 0; i < conns; i++)
    if (!b.client->connect(i, false) || !turn_until(&b.c->connected, b.c->connected + 1) ||
        !turn_until(&b.s->accepted, i + 1))
      return engine_fail("lwIP did not connect");
  b.server->echo(true);
  return true;
}

static bool request(const uint32_t *conn, uint32_t n) {
  if (n > 1)
    b.client->prefetch(conn, n);
  for (uint32_t i = 0; i < n; i++)
    if (!b.client->request(conn[i], ENGINE_REQUEST_BYTES))
      return false;
  return true;
}

static bool exchange(uint32_t n) {
  static uint64_t asked;
  asked += n;
  return turn_until(&b.c->replies, asked);
}

static bool bulk(uint64_t bytes) {
  uint64_t until = b.s->received + bytes;
  uint32_t idle = 0;
  b.server->echo(false);
  while (b.s->received < until) {
    bool wrote = b.client->write(0);
    idle = turn() || wrote ? 0 : idle + 1;
    if (idle > 100000000)
      return engine_fail("lwIP came to a halt");
  }
  return true;
}

static uint64_t packets(void) {
  return engine_up.packets + engine_down.packets;
}

const struct engine engine_lwip = {"lwip",  start,    describe, connect_close, establish,
                                   request, exchange, bulk,     packets};
