/* SPDX-License-Identifier: MIT */
/*
 * engine.h - what a TCP must offer to be measured: two instances of it in this process, a client
 * and a server, joined by ring.h. main.c measures, tercet.c and lwip.c are the engines. Each does
 * its work in the way that suits it best; all see the same packets, sizes and orders.
 */
#ifndef TCT_BENCH_ENGINE_H
#define TCT_BENCH_ENGINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "bench/engine/ring.h"

struct engine_opts {
  const char *client_lib, *server_lib; /* of an engine that is loaded */
  uint32_t mtu, conns, batch, time_wait;
  uint32_t ports;        /* the server listens on so many, and the client takes turns */
  uint32_t buffer_bytes; /* of each direction of a connection */
  uint32_t write_bytes;  /* of one write in bulk */
  bool merge; /* super-segments are cut before the slots, and packets joined after them */
  bool checksums, parity, copy, slots, ipv6;
};

/* Each call but `describe` returns false when something went wrong, having said so. */
struct engine {
  const char *name;
  bool (*start)(const struct engine_opts *o);
  void (*describe)(char *text, size_t cap);
  bool (*connect_close)(uint64_t n); /* n connections, one after the other */
  bool (*establish)(uint32_t conns); /* connections that stay: numbers 0 to conns - 1 */
  /* 64 bytes on each of n connections queued by the client, to be echoed */
  bool (*request)(const uint32_t *conn, uint32_t n);
  bool (*exchange)(uint32_t n); /* until so many more replies have come */
  bool (*bulk)(uint64_t bytes); /* client to server on connection 0 */
  uint64_t (*packets)(void);    /* both ways, since the start */
};

enum {
  ENGINE_BATCH_MAX = 64,
  ENGINE_REQUEST_BYTES = 64,
  ENGINE_PORT = 7,
  ENGINE_SOURCE_BYTES = 512 * 1024
};

extern const struct engine engine_tercet, engine_lwip;
extern struct ring engine_up, engine_down; /* client to server, server to client */

/* Bulk data of which no piece is like another: a rotating set, so that it is not in L1. */
const uint8_t *engine_source(uint32_t len);
/* The coarse clock, nanoseconds: read now, or in one of 64 calls and else as it was. */
uint64_t engine_clock(void);
uint64_t engine_now(void);
bool engine_fail(const char *what);

#endif
