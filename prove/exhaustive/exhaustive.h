/* SPDX-License-Identifier: MIT */
/* exhaustive.h - for the programs of this folder, which try a code on everything within a small
 * scope: a goal is one claim over one scope. Each prints what it tried; prove/run adds up. */
#ifndef PROVE_EXHAUSTIVE_H
#define PROVE_EXHAUSTIVE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

static uint64_t cases;
static unsigned goals;

/* A claim was looked at; the first one that fails ends the program. */
#define CLAIM(x, ...)                                                                              \
  do {                                                                                             \
    cases++;                                                                                       \
    if (!(x)) {                                                                                    \
      printf("not ok %s:%d %s: ", __FILE__, __LINE__, #x);                                         \
      printf(__VA_ARGS__);                                                                         \
      printf("\n");                                                                                \
      exit(1);                                                                                     \
    }                                                                                              \
  } while (0)

/* All cases of one goal were tried. */
static inline void settle(const char *goal) {
  printf("ok %s: %llu cases\n", goal, (unsigned long long)cases);
  if (cases == 0)
    exit(1);
  cases = 0;
  goals++;
}

#endif
