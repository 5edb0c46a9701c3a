/* SPDX-License-Identifier: MIT */
/*
 * main.c - measures one thing of one engine, by CPU time of this thread, and prints one line a
 * repetition. Called by tools/bench, which interleaves engines and compares.
 *
 *   bench_engine ENGINE WHAT [name=value ...]
 *
 * WHAT: connect-close, round-trips, bulk. Values, with their defaults: ms=300 (CPU time a
 * repetition), reps=1, mtu=1500, checksums=1, parity=0, conns=1, hot=0 (use so few of them; 0:
 * all), batch=1, copy=0, slots=1, buffer=262144, write=32768, time_wait=32, ports=1, ipv6=0,
 * merge=1, client=FILE and server=FILE (an engine's libraries).
 */
#define _GNU_SOURCE
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "bench/engine/engine.h"

struct ring engine_up, engine_down;
static uint8_t *source;
static uint32_t source_at;

bool engine_fail(const char *what) {
  fprintf(stderr, "bench_engine: %s\n", what);
  return false;
}

bool ring_init(struct ring *r, uint32_t mtu) {
  memset(r, 0, sizeof *r);
  r->slot_bytes = (mtu + 127u) / 64u * 64u;
  r->memory = aligned_alloc(64, (size_t)r->slot_bytes * RING_SLOTS);
  if (r->memory == NULL)
    return engine_fail("no memory for the ring");
  memset(r->memory, 0, (size_t)r->slot_bytes * RING_SLOTS);
  return true;
}

const uint8_t *engine_source(uint32_t len) {
  if (source_at + len > ENGINE_SOURCE_BYTES)
    source_at = 0;
  const uint8_t *p = source + source_at;
  source_at += len;
  return p;
}

static uint64_t read_clock(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

uint64_t engine_clock(void) {
  return read_clock(CLOCK_MONOTONIC_COARSE);
}

uint64_t engine_now(void) {
  static uint64_t now;
  static unsigned calls;
  if (calls++ % 64 == 0)
    now = engine_clock();
  return now;
}

/* ---- What is asked for ----------------------------------------------------------------------- */

struct job {
  const struct engine *engine;
  const char *what;
  struct engine_opts o;
  uint32_t ms, reps, hot;
};

static const struct {
  const char *name;
  size_t at;
} numbers[] = {
    {"ms", offsetof(struct job, ms)},
    {"reps", offsetof(struct job, reps)},
    {"hot", offsetof(struct job, hot)},
    {"mtu", offsetof(struct job, o.mtu)},
    {"conns", offsetof(struct job, o.conns)},
    {"batch", offsetof(struct job, o.batch)},
    {"buffer", offsetof(struct job, o.buffer_bytes)},
    {"write", offsetof(struct job, o.write_bytes)},
    {"time_wait", offsetof(struct job, o.time_wait)},
    {"ports", offsetof(struct job, o.ports)},
};
static const struct {
  const char *name;
  size_t at;
} switches[] = {
    {"checksums", offsetof(struct job, o.checksums)}, {"parity", offsetof(struct job, o.parity)},
    {"copy", offsetof(struct job, o.copy)},           {"slots", offsetof(struct job, o.slots)},
    {"ipv6", offsetof(struct job, o.ipv6)},           {"merge", offsetof(struct job, o.merge)},
};

static bool set_value(struct job *j, const char *name, size_t len, const char *value) {
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
    if (strncmp(numbers[i].name, name, len) == 0 && numbers[i].name[len] == 0) {
      *(uint32_t *)((char *)j + numbers[i].at) = (uint32_t)strtoul(value, NULL, 0);
      return true;
    }
  for (size_t i = 0; i < sizeof switches / sizeof switches[0]; i++)
    if (strncmp(switches[i].name, name, len) == 0 && switches[i].name[len] == 0) {
      *(bool *)((char *)j + switches[i].at) = value[0] != '0';
      return true;
    }
  if (strncmp("client", name, len) == 0)
    j->o.client_lib = value;
  else if (strncmp("server", name, len) == 0)
    j->o.server_lib = value;
  else
    return engine_fail("no such value");
  return true;
}

static bool read_args(struct job *j, int argc, char **argv) {
  static const struct engine *const engines[] = {&engine_tercet, &engine_lwip};
  if (argc < 3)
    return engine_fail("usage: bench_engine ENGINE WHAT [name=value ...]");
  for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
    if (strcmp(engines[i]->name, argv[1]) == 0)
      j->engine = engines[i];
  j->what = argv[2];
  for (int i = 3; i < argc; i++) {
    const char *eq = strchr(argv[i], '=');
    if (eq == NULL || !set_value(j, argv[i], (size_t)(eq - argv[i]), eq + 1))
      return engine_fail(argv[i]);
  }
  return j->engine != NULL ? true : engine_fail("no such engine");
}

/* ---- Measuring ------------------------------------------------------------------------------- */

static uint32_t *order; /* the connections, shuffled: each is used before one is used again */
static uint32_t order_n, order_at;

static bool shuffle(uint32_t conns, uint32_t hot) {
  uint64_t x = 88172645463325252u;
  order = malloc((conns + ENGINE_BATCH_MAX) * sizeof *order);
  if (order == NULL)
    return engine_fail("no memory");
  for (uint32_t i = 0; i < conns; i++)
    order[i] = i;
  for (uint32_t i = conns - 1; i > 0; i--) {
    x ^= x << 13, x ^= x >> 7, x ^= x << 17;
    uint32_t k = (uint32_t)(x % (i + 1)), v = order[i];
    order[i] = order[k];
    order[k] = v;
  }
  order_n = hot != 0 && hot < conns ? hot : conns;
  for (uint32_t i = 0; i < ENGINE_BATCH_MAX; i++) /* so that a batch goes on at the beginning */
    order[order_n + i] = order[i % order_n];
  return true;
}

static bool round_trips(const struct job *j, uint64_t n) {
  uint32_t batch = j->o.batch < order_n ? j->o.batch : order_n;
  for (uint64_t done = 0; done < n; done += batch) {
    if (!j->engine->request(&order[order_at], batch))
      return engine_fail("a request was not taken");
    order_at = (order_at + batch) % order_n;
    if (!j->engine->exchange(batch))
      return false;
  }
  return true;
}

static bool run(const struct job *j, uint64_t n) {
  if (strcmp(j->what, "connect-close") == 0)
    return j->engine->connect_close(n);
  if (strcmp(j->what, "round-trips") == 0)
    return round_trips(j, n);
  return j->engine->bulk(n);
}

static bool prepare(const struct job *j) {
  if (!ring_init(&engine_up, j->o.mtu) || !ring_init(&engine_down, j->o.mtu) ||
      !j->engine->start(&j->o))
    return false;
  if (strcmp(j->what, "connect-close") == 0) /* as many in TIME-WAIT as are to be, before */
    return j->engine->connect_close(j->o.time_wait + 1000);
  if (!shuffle(j->o.conns, j->hot) || !j->engine->establish(j->o.conns))
    return false;
  return strcmp(j->what, "bulk") != 0 || j->engine->bulk(64u << 20);
}

/* So many that they take a tenth of the time asked for; then that time; the first is no result. */
static bool measure(const struct job *j) {
  uint64_t step = strcmp(j->what, "bulk") == 0 ? 8u << 20 : 1024;
  uint64_t n = step, began = read_clock(CLOCK_THREAD_CPUTIME_ID), took;
  if (!run(j, order_n > n ? (n = order_n) : n)) /* each connection once, so that all are alike */
    return false;
  took = read_clock(CLOCK_THREAD_CPUTIME_ID) - began;
  n = (uint64_t)((double)n * j->ms * 1e6 / (double)(took + 1));
  n = (n / step + 1) * step;
  for (uint32_t rep = 0; rep < j->reps; rep++) {
    uint64_t packets = j->engine->packets(), wall = read_clock(CLOCK_MONOTONIC);
    began = read_clock(CLOCK_THREAD_CPUTIME_ID);
    if (!run(j, n))
      return false;
    took = read_clock(CLOCK_THREAD_CPUTIME_ID) - began;
    wall = read_clock(CLOCK_MONOTONIC) - wall;
    printf("n=%" PRIu64 " cpu_ns=%" PRIu64 " wall_ns=%" PRIu64 " packets=%" PRIu64 "\n", n, took,
           wall, j->engine->packets() - packets);
  }
  return true;
}

static bool make_source(void) {
  source = aligned_alloc(64, ENGINE_SOURCE_BYTES);
  for (uint32_t i = 0; source != NULL && i < ENGINE_SOURCE_BYTES; i++)
    source[i] = (uint8_t)(i * 2654435761u >> 24);
  return source != NULL;
}

int main(int argc, char **argv) {
  struct job j = {.ms = 300, .reps = 1};
  char text[400];
  cpu_set_t one;
  j.o = (struct engine_opts){.mtu = 1500,
                             .conns = 1,
                             .batch = 1,
                             .time_wait = 32,
                             .ports = 1,
                             .buffer_bytes = 262144,
                             .write_bytes = 32768,
                             .checksums = true,
                             .slots = true,
                             .merge = true};
  if (!read_args(&j, argc, argv) || !make_source())
    return 2;
  if (j.o.batch == 0 || j.o.batch > ENGINE_BATCH_MAX) {
    (void)engine_fail("batch is 1 to 64");
    return 2;
  }
  CPU_ZERO(&one);
  CPU_SET((unsigned)sched_getcpu(), &one);
  (void)sched_setaffinity(0, sizeof one, &one); /* where it is: the other one may be as busy */
  if (!prepare(&j))
    return 1;
  j.engine->describe(text, sizeof text);
  printf("# %s\n", text);
  return measure(&j) ? 0 : 1;
}
