/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: tcp_pair.c with streams of 200,000 bytes, so that windows grow, buffers are tuned
 * and losses have long flights around them. A tenth as fast as tcp_pair, for which that is too
 * slow.
 */
#define PAIR_TOTAL_MAX 200000
#include "test/fuzz/tcp_pair.c"
