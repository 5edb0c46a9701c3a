/* SPDX-License-Identifier: MIT */
/*
 * P8: util/wheel.c, two timers and every sequence of three acts (arm either, cancel either, let
 * time pass) over instants around the borders of slots and levels, from starts near 0, near each
 * level's border and near the end of time. After each act: a timer that is due is handed over by
 * the next advance and never before; each fires once; and
 * next() is never later than the earliest deadline, and exact when nothing was cancelled.
 */
#include "prove/exhaustive/exhaustive.h"
#include "util/mem.h"
#include "util/wheel.c"

#define TIMERS 2u
#define ACTS 3u

static const tct_time tick = (tct_time)1 << TCT_WHEEL_TICK_SHIFT;
static struct tct_wheel wheel;
static struct tct_list node[TIMERS];
static tct_time deadline[TIMERS]; /* TCT_NEVER: not armed */
static bool exact;                /* nothing was cancelled or moved since the wheel was empty */

static tct_time earliest(void) {
  return tct_time_min(deadline[0], deadline[1]);
}

static void check(const char *when) {
  tct_wheel_check(&wheel);
  tct_time next = tct_wheel_next(&wheel);
  CLAIM(next <= earliest(), "%s: next %llu", when, (unsigned long long)next);
  CLAIM(!exact || next == earliest(), "%s: next %llu, due %llu", when, (unsigned long long)next,
        (unsigned long long)earliest());
}

static void arm(unsigned i, tct_time at) {
  if (deadline[i] != TCT_NEVER)
    exact = false;
  tct_wheel_arm(&wheel, &node[i], at);
  deadline[i] = at;
  check("arm");
}

static void cancel(unsigned i) {
  exact = exact && deadline[i] == TCT_NEVER;
  tct_wheel_cancel(&wheel, &node[i]);
  deadline[i] = TCT_NEVER;
  if (earliest() == TCT_NEVER)
    exact = true;
  check("cancel");
}

/* As the owner does: what is due fires, what was handed over early is armed again. */
static void pass(tct_time now) {
  struct tct_list due;
  unsigned turns = 0;
  tct_list_init(&due);
  while (tct_wheel_next(&wheel) <= now) {
    CLAIM(++turns <= 2 * TIMERS * (TCT_WHEEL_LEVELS + 1), "no end");
    tct_wheel_advance(&wheel, now, &due);
    for (struct tct_list *n = tct_list_pop_head(&due); n != NULL; n = tct_list_pop_head(&due)) {
      unsigned i = (unsigned)(n - node);
      CLAIM(deadline[i] != TCT_NEVER, "fired though not armed");
      if (deadline[i] > now) {
        tct_wheel_arm(&wheel, n, deadline[i]);
        continue;
      }
      deadline[i] = TCT_NEVER;
    }
  }
  tct_wheel_advance(&wheel, now, &due);
  CLAIM(tct_list_is_empty(&due) && earliest() > now, "late");
  if (earliest() == TCT_NEVER)
    exact = true;
  check("pass");
}

static const tct_time steps[] = {0,
                                 1,
                                 (1u << 17) - 1,
                                 1u << 17,
                                 (1u << 17) + 1,
                                 (tct_time)63 << 17,
                                 (tct_time)64 << 17,
                                 ((tct_time)65 << 17) - 1,
                                 (tct_time)4095 << 17,
                                 (tct_time)4096 << 17,
                                 ((tct_time)4096 << 17) + 1,
                                 (tct_time)1 << 35,
                                 (tct_time)1 << 41};
#define STEPS TCT_ARRAY_LEN(steps)
#define KINDS (TIMERS * STEPS + TIMERS + STEPS)

static void act(unsigned kind) {
  if (kind < TIMERS * STEPS)
    arm(kind / STEPS, tct_time_add(wheel.now, steps[kind % STEPS]));
  else if (kind < TIMERS * STEPS + TIMERS)
    cancel(kind - TIMERS * STEPS);
  else
    pass(tct_time_min(tct_time_add(wheel.now, steps[kind - TIMERS * STEPS - TIMERS]),
                      TCT_NEVER - 1));
}

/* What is left is brought to its end: each fires once. */
static void play(tct_time start, const unsigned kinds[ACTS]) {
  tct_wheel_init(&wheel, start);
  for (unsigned i = 0; i < TIMERS; i++) {
    tct_list_init(&node[i]);
    deadline[i] = TCT_NEVER;
  }
  exact = true;
  for (unsigned i = 0; i < ACTS; i++)
    act(kinds[i]);
  while (earliest() != TCT_NEVER)
    pass(earliest());
  CLAIM(tct_wheel_next(&wheel) == TCT_NEVER || !exact, "something stays");
}

int main(void) {
  const tct_time starts[] = {0,
                             tick - 1,
                             64 * tick - 1,
                             63 * tick,
                             ((tct_time)1 << 29) - 1,
                             ((tct_time)1 << 35) - tick,
                             ((tct_time)1 << 53) - 1,
                             ((tct_time)1 << 63) - 1,
                             TCT_NEVER - ((tct_time)1 << 42)};
  for (unsigned s = 0; s < TCT_ARRAY_LEN(starts); s++) {
    for (unsigned n = 0; n < KINDS * KINDS * KINDS; n++)
      play(starts[s], (const unsigned[]){n % KINDS, n / KINDS % KINDS, n / KINDS / KINDS});
  }
  settle("P8 wheel: each timer once, never early, never late, next() never late, across levels");
  printf("%u goals, %u proved\n", goals, goals);
  return 0;
}
