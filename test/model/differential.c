/* SPDX-License-Identifier: MIT */
/*
 * Random sequences of segments, calls and time, given to the stack and to the model of RFC 9293:
 * both must say the same. Without arguments 20,000 sequences; `make model` asks for more.
 *
 *   differential [--sequences N] [--seed FIRST] [--all]
 *
 * --all goes on after a difference and prints one of each kind.
 */
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "test/model/events.h"
#include "test/model/judge.h"

enum { KINDS_MAX = 200 };

struct seen { /* differences of one kind: what, in which state, after which event */
  const char *what;
  tct_state before;
  uint8_t kind, flags;
  uint64_t count;
};

struct run {
  uint64_t first, n, at;
  bool all;
  struct tally tally;
  struct seen seen[KINDS_MAX];
  unsigned n_seen;
  uint64_t differ;
};

static struct run run = {.first = 1, .n = 20000};

static bool is_new(const struct sequence *s, const struct difference *d) {
  const struct event *e = &s->at[d->event];
  for (unsigned i = 0; i < run.n_seen; i++) {
    struct seen *k = &run.seen[i];
    if (k->what == d->what && k->before == d->before && k->kind == e->kind &&
        k->flags == (e->flags & ~TCT_PSH)) {
      k->count++;
      return false;
    }
  }
  if (run.n_seen < KINDS_MAX)
    run.seen[run.n_seen++] =
        (struct seen){d->what, d->before, e->kind, (uint8_t)(e->flags & ~TCT_PSH), 1};
  return true;
}

static void meet_difference(struct sequence *s, struct difference *d, uint64_t seed) {
  run.differ++;
  if (!is_new(s, d))
    return;
  events_shrink(s, d);
  printf("# seed %llu\n", (unsigned long long)seed);
  events_print(stdout, s, d);
}

/* A failed assertion in the stack is a find as well. */
static void on_trap(int signal) {
  printf("# signal %d in seed %llu\n", signal, (unsigned long long)run.at);
  struct sequence s;
  events_draw(&s, run.at);
  events_print(stdout, &s, &(struct difference){.what = "the stack stopped"});
  printf("not ok - stack and model agree\n");
  fflush(stdout);
  _Exit(1);
}

static void run_all(void) {
  for (uint64_t i = 0; i < run.n; i++) {
    struct sequence s;
    struct difference d;
    run.at = run.first + i;
    events_draw(&s, run.at);
    if (pair_run(&s, &run.tally, &d))
      continue;
    meet_difference(&s, &d, run.first + i);
    if (!run.all)
      return;
  }
}

static void print_counts(void) {
  const char *clause, *name;
  unsigned cells = 0;
  for (unsigned st = 0; st < TCT_STATE_COUNT; st++)
    for (unsigned f = 0; f < 64; f++)
      cells += run.tally.cells[st][f] > 0;
  printf("# %llu sequences, %llu events, %llu segments; %u pairs of state and control bits\n",
         (unsigned long long)run.tally.sequences, (unsigned long long)run.tally.events,
         (unsigned long long)run.tally.segments, cells);
  for (unsigned i = 0; (name = judge_row(i, &clause)) != NULL; i++)
    printf("# allowed %8llu  %s (%s)\n", (unsigned long long)run.tally.allowed[i], name, clause);
}

static void read_arguments(int argc, char **argv) {
  for (int i = 1; i < argc; i++) {
    if (strcmp(argv[i], "--all") == 0)
      run.all = true;
    else if (i + 1 < argc && strcmp(argv[i], "--sequences") == 0)
      run.n = strtoull(argv[++i], NULL, 10);
    else if (i + 1 < argc && strcmp(argv[i], "--seed") == 0)
      run.first = strtoull(argv[++i], NULL, 10);
  }
}

int main(int argc, char **argv) {
  setvbuf(stdout, NULL, _IOLBF, 0);
  read_arguments(argc, argv);
  signal(SIGILL, on_trap);
  signal(SIGABRT, on_trap);
  signal(SIGSEGV, on_trap);
  run_all();
  print_counts();
  if (run.all)
    for (unsigned i = 0; i < run.n_seen; i++)
      printf("# %8llu  %s in %s after %u %#x\n", (unsigned long long)run.seen[i].count,
             run.seen[i].what, tct_state_name(run.seen[i].before), run.seen[i].kind,
             (unsigned)run.seen[i].flags);
  printf("%s - stack and model agree\n", run.differ == 0 ? "ok" : "not ok");
  return run.differ != 0;
}
