/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: the fast path against the general one. Two stacks that differ in that switch alone
 * get the same calls and the same frames of one peer, over a wire that loses, doubles, delays and
 * spoils; their memory must stay alike, bit for bit, and so must all that comes out of them.
 */
#include "test/fuzz/fuzz.h"
#include "test/lib/twins.h"

static void fail(const char *what) {
  fuzz_fail(__FILE__, __LINE__, what);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct twins_result r = {0, 0};
  twins_play(data, size, fail, &r);
  return 0;
}
