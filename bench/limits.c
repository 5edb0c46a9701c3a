/* SPDX-License-Identifier: MIT */
/*
 * limits.c - what this machine can do at all, one core: copying, summing, both at once, in pieces
 * of several sizes out of sets of several sizes; system calls; clocks; waiting for memory. What
 * the stack is measured against. Called by tools/bench. Output: name<TAB>value lines.
 *
 *   bench_limits [ms]    CPU milliseconds a row, 60
 */
#define _GNU_SOURCE
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "wire/checksum.h"

static uint64_t budget_ns = 60000000;
static volatile uint64_t sink;

static uint64_t cpu_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static void *memory(size_t size) {
  void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED)
    exit(1);
  (void)madvise(p, size, MADV_HUGEPAGE);
  memset(p, 1, size);
  return p;
}

enum what { COPY, SUM, COPY_THEN_SUM, COPY_AND_SUM };

static void work(enum what what, uint8_t *dst, const uint8_t *src, size_t unit) {
  struct tct_checksum c;
  tct_checksum_init(&c);
  if (what == COPY || what == COPY_THEN_SUM)
    memcpy(dst, src, unit);
  if (what == SUM)
    tct_checksum_feed(&c, src, unit);
  if (what == COPY_THEN_SUM)
    tct_checksum_feed(&c, dst, unit);
  if (what == COPY_AND_SUM)
    tct_checksum_copy(&c, dst, src, unit);
  sink += c.sum + dst[0];
}

/* GB/s over a set of `set` bytes, source and destination together for copies. */
static double rate(enum what what, size_t set, size_t unit) {
  static uint8_t *p;
  static size_t have;
  if (have < set) {
    p = memory(set);
    have = set;
  }
  size_t half = what == SUM ? set : set / 2, n = half / unit;
  uint64_t began = cpu_ns(), took = 0, bytes = 0;
  while (took < budget_ns) {
    for (size_t i = 0; i < n; i++)
      work(what, what == SUM ? p : p + half + i * unit, p + i * unit, unit);
    bytes += n * unit;
    took = cpu_ns() - began;
  }
  return (double)bytes / (double)took;
}

static void table(void) {
  static const struct {
    const char *name;
    size_t set, unit;
  } sets[] = {{"L1 16 KiB", 32 << 10, 16 << 10},
              {"L1, 1460 B", 32 << 10, 1460},
              {"512 KiB, 64 KiB", 512 << 10, 64 << 10},
              {"512 KiB, 1460 B", 512 << 10, 1460},
              {"64 MiB", 64 << 20, 64 << 10},
              {"1.5 GiB", 1536u << 20, 64 << 10},
              {"64 B", 32 << 10, 64}};
  static const char *const names[] = {"memcpy", "checksum", "memcpy, then checksum",
                                      "copy and checksum in one pass"};
  for (size_t k = 0; k < sizeof sets / sizeof sets[0]; k++)
    for (int w = COPY; w <= COPY_AND_SUM; w++)
      printf("%s | %s\t%.2f\tGB/s\n", names[w], sets[k].name,
             rate((enum what)w, sets[k].set, sets[k].unit));
}

#define REPEAT(name, what)                                                                         \
  do {                                                                                             \
    uint64_t began = cpu_ns(), took = 0, did = 0;                                                  \
    while (took < budget_ns) {                                                                     \
      for (int i = 0; i < 1000; i++)                                                               \
        what;                                                                                      \
      did += 1000;                                                                                 \
      took = cpu_ns() - began;                                                                     \
    }                                                                                              \
    printf("%s\t%.1f\tns\n", name, (double)took / (double)did);                                    \
  } while (0)

static void calls(void) {
  struct timespec t;
  REPEAT("getppid", sink += (uint64_t)syscall(SYS_getppid));
  REPEAT("clock_gettime MONOTONIC", (clock_gettime(CLOCK_MONOTONIC, &t), sink += 1));
  REPEAT("clock_gettime MONOTONIC_COARSE", (clock_gettime(CLOCK_MONOTONIC_COARSE, &t), sink += 1));
  REPEAT("clock_gettime THREAD_CPUTIME", (clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t), sink += 1));
}

/* Each place holds where to go next: one line after another, in no order. */
static void latency(const char *name, size_t bytes) {
  size_t n = bytes / 64;
  uint8_t *p = memory(bytes);
  uint32_t *next = malloc(n * sizeof *next);
  if (next == NULL)
    exit(1);
  uint64_t x = 88172645463325252u;
  for (size_t i = 0; i < n; i++)
    next[i] = (uint32_t)i;
  for (size_t i = n - 1; i > 0; i--) { /* one cycle through all (Sattolo) */
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    size_t k = x % i;
    uint32_t v = next[i];
    next[i] = next[k];
    next[k] = v;
  }
  for (size_t i = 0; i < n; i++)
    memcpy(p + i * 64, &next[i], sizeof next[i]);
  free(next);
  uint32_t at = 0;
  REPEAT(name, memcpy(&at, p + (size_t)at * 64, sizeof at));
  sink += at;
  munmap(p, bytes);
}

int main(int argc, char **argv) {
  if (argc > 1)
    budget_ns = strtoull(argv[1], NULL, 0) * 1000000u;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET((unsigned)sched_getcpu(), &one);
  (void)sched_setaffinity(0, sizeof one, &one);
  table();
  calls();
  latency("load, 16 KiB", 16 << 10);
  latency("load, 512 KiB", 512 << 10);
  latency("load, 16 MiB", 16 << 20);
  latency("load, 1 GiB", 1 << 30);
  return 0;
}
