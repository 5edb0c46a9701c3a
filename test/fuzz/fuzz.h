/* SPDX-License-Identifier: MIT */
/*
 * fuzz.h - what the fuzz targets share: taking an input apart, a check that always counts, and an
 * allocator that can say no. Each target is one file with LLVMFuzzerTestOneInput; libFuzzer calls
 * it in `make fuzz`, replay.c in `make check`. A target looks at nothing but its input: no clock,
 * no addresses, no files, so that each finding repeats.
 */
#ifndef TEST_FUZZ_FUZZ_H
#define TEST_FUZZ_FUZZ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the program with the place and the condition. */
void fuzz_fail(const char *file, int line, const char *what);
#define FUZZ_CHECK(x) ((x) ? (void)0 : fuzz_fail(__FILE__, __LINE__, #x))

/* ---- The input as numbers: zeros when it is used up -------------------------------------------
 */

struct fuzz_in {
  const uint8_t *p;
  size_t left;
};

uint8_t fuzz_u8(struct fuzz_in *in);
uint16_t fuzz_u16(struct fuzz_in *in);
uint32_t fuzz_u32(struct fuzz_in *in);
/* 0 .. bound-1, from one or two bytes; bound <= 65536. */
uint32_t fuzz_below(struct fuzz_in *in, uint32_t bound);
/* Up to n bytes of the input where they lie; *n is how many. */
const uint8_t *fuzz_take(struct fuzz_in *in, size_t *n);

/* ---- Memory ------------------------------------------------------------------------------------
 */

struct fuzz_mem {
  tct_alloc vtable; /* for tct_config; points back here */
  size_t blocks, bytes;
  uint32_t fail_in; /* the n-th request from now fails, then again every fail_every; 0: never */
  uint32_t fail_every;
};
/* Stays where it is until finish. Every block keeps its size and is filled with a pattern. */
void fuzz_mem_init(struct fuzz_mem *m);
/* Nothing may be out. */
void fuzz_mem_finish(struct fuzz_mem *m);

/* A copy of exactly this size on the heap, so that one byte too far is seen. free() it. */
uint8_t *fuzz_copy(const void *p, size_t n);

#endif
