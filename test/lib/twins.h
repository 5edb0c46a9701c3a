/* SPDX-License-Identifier: MIT */
/*
 * twins.h - two stacks that differ in one switch, the fast path, and a peer for both. Whatever
 * happens to the one happens to the other; after each thing that does, all their memory must be
 * alike, bit for bit, and every frame, event and result. For test/fuzz/fast.c and
 * test/unit/test_tcp_fast.c.
 */
#ifndef TEST_LIB_TWINS_H
#define TEST_LIB_TWINS_H

#include <stddef.h>
#include <stdint.h>

struct twins_result {
  uint64_t fast_segs, segs; /* taken by the fast path, of all; of the twin that has one */
};

/* The bytes say what kind of connection it is, what each side does, and what becomes of each frame.
 * fail(what) is called, and must not return, when something differs. */
void twins_play(const uint8_t *data, size_t size, void (*fail)(const char *what),
                struct twins_result *r);

#endif
