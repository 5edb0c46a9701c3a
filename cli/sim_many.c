/* SPDX-License-Identifier: MIT */
/*
 * Many seeds in several processes: each takes the next seed from a shared counter until there is
 * none or the time is up; counts are added up at the end. Called by sim.c. Processes, because a
 * bug that kills one should say which seed it was.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "cli/sim.h"
#include "cli/term.h"

enum { FAILURES_SHOWN = 200, TWICE_EVERY = 8 };

struct shared {
  _Atomic uint64_t next, trials, packets, connections, digest;
  _Atomic unsigned failed;
  _Atomic uint64_t playing[SIM_JOBS_MAX]; /* the seed that a job is at */
  struct sim_trial_counts counts[];       /* one a job */
};

static double now_s(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static double cpu_of_children_s(void) {
  struct rusage u;
  getrusage(RUSAGE_CHILDREN, &u);
  return (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
         (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6;
}

/* ---- A job ---- */

static void play_seed(struct shared *sh, struct sim_trial_counts *counts, uint64_t seed,
                      const struct sim_many *m) {
  static struct sim_trial_plan plan;
  struct sim_trial_run run = {.counts = counts, .skip = m->skip, .again = seed % TWICE_EVERY == 0};
  struct sim_trial_result r;
  uint64_t before = counts->connections;
  sim_trial_draw(&plan, seed, m->small ? SIM_TRIAL_SMALL : 0);
  sim_trial_play(&plan, &run, &r);
  atomic_fetch_xor(&sh->digest, sim_trial_digest(&plan, &r));
  atomic_fetch_add(&sh->trials, 1);
  atomic_fetch_add(&sh->packets, r.frames);
  atomic_fetch_add(&sh->connections, counts->connections - before);
  if (r.failed && atomic_fetch_add(&sh->failed, 1) < FAILURES_SHOWN) {
    sim_print_failure(&r, seed, m->small, stdout);
    fflush(stdout);
  }
}

static void run_job(struct shared *sh, const struct sim_many *m, uint32_t job, double until) {
  for (;;) {
    uint64_t seed = atomic_fetch_add(&sh->next, 1);
    if (seed > m->last || (m->seconds != 0 && now_s() >= until))
      break;
    atomic_store(&sh->playing[job], seed);
    play_seed(sh, &sh->counts[job], seed, m);
  }
  fflush(stdout);
  _exit(0);
}

/* ---- The parent ---- */

static void show(const struct shared *sh, const struct sim_many *m, double started) {
  double s = now_s() - started;
  fprintf(stderr,
          "\r%" PRIu64 " of %" PRIu64 " seeds, %" PRIu64 " connections, %.1f M packets, %.0f k/s, "
          "%u failed ",
          atomic_load(&sh->trials), m->last - m->first + 1, atomic_load(&sh->connections),
          (double)atomic_load(&sh->packets) / 1e6,
          s > 0 ? (double)atomic_load(&sh->packets) / s / 1e3 : 0, atomic_load(&sh->failed));
  fflush(stderr);
}

/* The seed that killed it is told, and the slot's number returned; n: it ended well. */
static uint32_t take_dead(struct shared *sh, const pid_t *pids, uint32_t n, pid_t pid, int status) {
  for (uint32_t i = 0; i < n; i++) {
    if (pids[i] != pid || (WIFEXITED(status) && WEXITSTATUS(status) == 0))
      continue;
    atomic_fetch_add(&sh->failed, 1);
    printf("tercet sim --seed %" PRIu64 "  # killed its process (%s %d)\n",
           atomic_load(&sh->playing[i]), WIFSIGNALED(status) ? "signal" : "exit code",
           WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    fflush(stdout);
    return i;
  }
  return n;
}

static bool start_job(struct shared *sh, const struct sim_many *m, pid_t *pids, uint32_t i,
                      double until) {
  pids[i] = fork();
  if (pids[i] == 0)
    run_job(sh, m, i, until);
  return pids[i] > 0;
}

static void wait_all(struct shared *sh, const struct sim_many *m, pid_t *pids, double started) {
  struct term t;
  struct timespec tick = {0, 200000000};
  uint32_t left = m->jobs;
  term_init(&t, stderr);
  while (left > 0) {
    int status;
    pid_t pid = waitpid(-1, &status, t.tty ? WNOHANG : 0);
    if (pid > 0) {
      uint32_t dead = take_dead(sh, pids, m->jobs, pid, status);
      if (dead == m->jobs || !start_job(sh, m, pids, dead, started + m->seconds))
        left--;
    } else if (pid < 0 && errno != EINTR) {
      break;
    } else if (t.tty) {
      show(sh, m, started);
      nanosleep(&tick, NULL);
    }
  }
  if (t.tty)
    fprintf(stderr, "\r%*s\r", (int)t.width - 1, "");
}

bool sim_many_play(struct sim_many *m, struct sim_trial_counts *counts, uint64_t *digest,
                   unsigned *failed) {
  size_t size = sizeof(struct shared) + m->jobs * sizeof(struct sim_trial_counts);
  struct shared *sh = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  double started = now_s(), cpu = cpu_of_children_s();
  pid_t pids[SIM_JOBS_MAX];
  if (sh == MAP_FAILED)
    return false;
  atomic_store(&sh->next, m->first);
  fflush(stdout);
  for (uint32_t i = 0; i < m->jobs; i++) {
    if (!start_job(sh, m, pids, i, started + m->seconds))
      return false;
  }
  wait_all(sh, m, pids, started);
  for (uint32_t i = 0; i < m->jobs; i++)
    sim_trial_counts_add(counts, &sh->counts[i]);
  *digest = atomic_load(&sh->digest);
  *failed = atomic_load(&sh->failed);
  m->cpu_seconds = cpu_of_children_s() - cpu;
  m->wall_seconds = now_s() - started;
  munmap(sh, size);
  return true;
}
