/* SPDX-License-Identifier: MIT */
/*
 * sim_shrink.c - tercet sim --shrink: a failing trial made small, and what is left written down: a
 * plan file with its choices, a capture, and a recording of the stack at fault.
 *
 * Called by sim.c. The search itself is the simulator's (sim/shrink.h).
 */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "cli/args.h"
#include "cli/replay.h"
#include "cli/sim.h"
#include "sim/shrink.h"

struct search {
  sim_shrink s;
  double began, seconds;
  bool live; /* a line that is written over, on a terminal */
};

static double now_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static bool has_time(void *ctx) {
  const struct search *x = ctx;
  return now_seconds() - x->began < x->seconds;
}

static void tell(void *ctx, const char *what) {
  const struct search *x = ctx;
  const sim_shrink *s = &x->s;
  if (!x->live)
    return;
  fprintf(stderr,
          "\r# %.1f s, %u plays: %" PRIu64 " frames to the failure, %u hosts, %u flows, %u faults",
          now_seconds() - x->began, (unsigned)s->plays, s->result.frame, (unsigned)s->plan.n_hosts,
          (unsigned)s->plan.n_flows, (unsigned)s->plan.n_faults);
  if (s->tape.n > 0)
    fprintf(stderr, ", %zu choices", sim_shrink_choices(&s->tape));
  fprintf(stderr, " (%s)\033[K", what);
}

static int write_plan(struct search *x, const char *path) {
  FILE *f = fopen(path, "w");
  if (f == NULL)
    return -errno;
  fprintf(f, "# I%u: %s\n", x->s.result.invariant, x->s.result.what);
  sim_trial_print(&x->s.plan, f);
  sim_shrink_print_tape(&x->s.tape, f);
  bool good = ferror(f) == 0;
  return fclose(f) == 0 && good ? 0 : -EIO;
}

static int write_recording(struct search *x, const char *path) {
  char about[300], error[300];
  struct sim_trial_result r;
  snprintf(about, sizeof about,
           "program=tercet sim, host %u\nversion=%s\nside=left\nleft=this host\nright=the other\n",
           x->s.result.host, TCT_VERSION);
  tct_record *rec = tct_record_open(path, about, error, sizeof error);
  struct sim_trial_run run = {.record = rec, .record_host = x->s.result.host};
  if (rec == NULL)
    return -EIO;
  sim_shrink_replay(&x->s, &run, &r);
  return tct_record_close(rec);
}

static int capture(struct search *x, const char *path) {
  tct_sim_tape *t = x->s.tape.n > 0 ? &x->s.tape : NULL;
  return sim_capture(&x->s.plan, t, x->s.result.event, path);
}

static int write_all(const struct args_verb *verb, struct search *x, const char *stem) {
  char path[4][300];
  int err[3];
  snprintf(path[0], sizeof path[0], "%s.plan", stem);
  snprintf(path[1], sizeof path[1], "%s.rec", stem);
  snprintf(path[2], sizeof path[2], "%s.pcapng", stem);
  snprintf(path[3], sizeof path[3], "%s.pkt", stem);
  err[0] = write_plan(x, path[0]);
  err[1] = write_recording(x, path[1]);
  err[2] = capture(x, path[2]);
  for (unsigned i = 0; i < 3; i++)
    if (err[i] < 0)
      return args_fail(verb, ARGS_EXIT_USAGE, "cannot write %s: %s", path[i], strerror(-err[i]));
  printf("tercet sim --plan %s          # plays it again\n", path[0]);
  printf("tercet replay --step %s       # the stack at fault alone, call by call\n", path[1]);
  if (script_write(path[1], path[3], x->s.result.what))
    printf("tercet drill %s               # the same as a packet script: a sketch\n", path[3]);
  printf("tercet plot %s                # or Wireshark: every packet says why\n", path[2]);
  return ARGS_EXIT_NETWORK; /* an invariant does not hold */
}

int sim_shrink_verb(const struct args_verb *verb, const struct sim_trial_plan *plan,
                    uint32_t seconds, const char *stem) {
  static struct search x;
  x.began = now_seconds();
  x.seconds = seconds;
  x.live = isatty(STDERR_FILENO) != 0;
  x.s.plan = *plan;
  x.s.go_on = has_time;
  x.s.tell = tell;
  x.s.ctx = &x;
  if (!sim_shrink_run(&x.s)) {
    printf("nothing to shrink: every invariant holds\n");
    return ARGS_EXIT_OK;
  }
  if (x.live)
    fputc('\n', stderr);
  printf("I%u after %" PRIu64 " frames, %zu choices, in %.1f s: %s\n", x.s.result.invariant,
         x.s.result.frame, sim_shrink_choices(&x.s.tape), now_seconds() - x.began, x.s.result.what);
  int code = write_all(verb, &x, stem);
  tct_sim_tape_free(&x.s.tape);
  return code;
}
