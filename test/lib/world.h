/* SPDX-License-Identifier: MIT */
/*
 * world.h - two stacks back to back in virtual time, in a few lines: a fixed delay each way, and
 * one hook that may lose a frame. For tests of the API from both ends; faults, rates and many hosts
 * are sim/'s.
 */
#ifndef TEST_LIB_WORLD_H
#define TEST_LIB_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "test/lib/failing_alloc.h"
#include "tercet/tercet.h"

struct world_frame;
struct world {
  struct failing_alloc mem[2];
  tct_stack *s[2];
  tct_if ifc[2];
  tct_addr addr[2];
  tct_time now, delay_ns;
  bool ipv6;
  struct world_frame *first, *last; /* on the wire */
  uint64_t digest;                  /* over every frame sent: bytes, side and time */
  unsigned frames;
  /* May be NULL. True: this frame is lost. */
  bool (*lose)(void *ctx, unsigned from, const uint8_t *bytes, size_t len);
  void (*turn)(void *ctx); /* after each instant: the applications */
  void *ctx;
};

struct world_how {
  bool ipv6, linux_profile;
  bool ethernet; /* 02:00:00:00:00:01 and :02 */
  uint8_t seed;
  tct_time delay_ns; /* 0: 10 ms */
  void (*config)(tct_config *c);
  uint32_t burst;
};

/* Side 0 is 10.0.0.1 or fd07::1, side 1 ends in 2. False when memory is refused (mem[] must then be
 * initialised by the caller and preset by `keep`); else fails the test. */
bool world_start(struct world *w, struct world_how how, bool keep);
void world_end(struct world *w);
/* Plays until nothing is left to do before `until`. */
void world_run(struct world *w, tct_time until);
/* All frames that wait in both stacks go onto the wire. */
void world_flush(struct world *w);

#endif
