/* SPDX-License-Identifier: MIT */
/*
 * cores.c - what a second core brings: one server stack a core that share an address and nothing
 * else (tct_config.cores), a client beside each, 64-byte round trips over 32 connections a core.
 * Run by tools/bench; prints one line.
 *
 *   bench_cores [cores=N] [strays=0|1] [ms=N]
 *
 * strays=0: the queue that frames come by is always their owner's. strays=1: never (the worst that
 * a device's choice of queue can do): each frame crosses to its owner by the ring of host/ring.h,
 * and so does each answer on its way back to that client, which a device would spare us.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drivers/fast_sum.h"
#include "host/ring.h"

enum { CORES_MAX = 16, CONNS = 32, REQUEST = 64, PORT = 7, FRAME_MAX = 256 };

struct side {
  tct_stack *stack;
  tct_if ifc;
};

struct core {
  _Alignas(64) unsigned number;
  struct side server, client;
  tct_sock conns[CONNS], listener;
  uint64_t replies;         /* requests answered */
  uint64_t cpu_ns, counted; /* of the measured time */
  uint8_t slot[TCT_BURST_MAX][FRAME_MAX];
};

static struct {
  unsigned cores, ms;
  bool strays;
  tct_keys keys;
  struct core core[CORES_MAX];
  struct tct_ring *up, *down;         /* [from * cores + to]: to a server, to a client */
  pthread_barrier_t listening, begin; /* the second with main(), which keeps the time */
  _Atomic bool over;
  _Atomic unsigned ready, through; /* connections that stand, cores that have ended */
} b;

static void stop(const char *what) {
  fprintf(stderr, "bench_cores: %s\n", what);
  exit(1);
}

static uint64_t clock_of(clockid_t which) {
  struct timespec t;
  clock_gettime(which, &t);
  return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static tct_time now(void) {
  return clock_of(CLOCK_MONOTONIC_COARSE);
}

static void *get_memory(void *ctx, size_t size, size_t align) {
  (void)ctx;
  return aligned_alloc(align < 16 ? 16 : align, (size + align - 1) / align * align);
}

static void give_back(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static tct_addr address_of_client(unsigned core) {
  return tct_addr_ipv4(10, 1, 0, (uint8_t)(core + 1));
}

static void start_side(struct side *me, tct_addr addr, unsigned core, unsigned cores) {
  tct_if_config link = {.size = sizeof link, .link = TCT_LINK_IP, .mtu = 1500};
  tct_config c;
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){get_memory, give_back, NULL};
  memset(c.seed, (int)(core + 1), sizeof c.seed);
  c.sum = tct_fast_sum();
  c.cores = (uint16_t)cores;
  c.core = (uint16_t)core;
  if (cores > 0)
    c.keys = b.keys;
  me->stack = tct_new(&c, &err);
  if (me->stack == NULL || tct_if_add(me->stack, &link, &me->ifc) < 0 ||
      tct_if_set(me->stack, me->ifc, TCT_IF_UP, 1) < 0 ||
      tct_if_addr_add(me->stack, me->ifc, addr, 8) < 0)
    stop("no stack");
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static bool is_for(const tct_frame *f, unsigned client) {
  tct_addr a = address_of_client(client);
  return memcmp((const uint8_t *)f->iov[0].base + 16, a.b + 12, 4) == 0;
}

static unsigned client_of(const tct_frame *f) {
  unsigned i = 0;
  while (i + 1 < b.cores && !is_for(f, i))
    i++;
  return i;
}

static void copy_to_slot(struct core *me, size_t slot, tct_frame *f, tct_iov *v) {
  uint8_t *at = me->slot[slot];
  for (uint32_t k = 0; k < f->n_iov; k++) {
    memcpy(at, f->iov[k].base, f->iov[k].len);
    at += f->iov[k].len;
  }
  *v = (tct_iov){me->slot[slot], f->len};
  *f = (tct_frame){.iov = v, .n_iov = 1, .len = f->len, .csum = TCT_CSUM_CHECK};
}

/* What `from` has to say; each frame goes into `to` or over the ring of whoever `whose` names. */
static void carry(struct core *me, struct side *from, struct side *to, struct tct_ring *rings) {
  tct_frame f[TCT_BURST_MAX], kept[TCT_BURST_MAX];
  tct_iov v[TCT_BURST_MAX];
  size_t n = tct_output(from->stack, from->ifc, f, TCT_BURST_MAX, now()), n_kept = 0;
  for (size_t i = 0; i < n; i++) {
    int whose = (int)me->number;
    if (b.cores > 1)
      whose = rings == b.up ? tct_frame_owner(me->server.stack, &f[i]) : (int)client_of(&f[i]);
    f[i].csum = TCT_CSUM_CHECK;
    if (whose >= 0 && (unsigned)whose != me->number) {
      (void)tct_ring_put(&rings[me->number * b.cores + (unsigned)whose], &f[i]);
      continue;
    }
    kept[n_kept] = f[i];
    copy_to_slot(me, n_kept, &kept[n_kept], &v[n_kept]);
    n_kept++;
  }
  if (n_kept > 0)
    tct_input(to->stack, to->ifc, kept, n_kept, now());
}

static void take(struct core *me, struct side *to, struct tct_ring *rings) {
  tct_frame f[TCT_BURST_MAX];
  tct_iov v[TCT_BURST_MAX];
  for (unsigned from = 0; from < b.cores; from++) {
    struct tct_ring *r = &rings[from * b.cores + me->number];
    size_t n = from == me->number ? 0 : tct_ring_peek(r, f, v, TCT_BURST_MAX);
    if (n == 0)
      continue;
    tct_input(to->stack, to->ifc, f, n, now());
    tct_ring_release(r, n);
  }
}

/* ---- Both ends ------------------------------------------------------------------------------- */

static void serve(struct side *me) {
  tct_event ev;
  while (tct_event_next(me->stack, &ev)) {
    tct_sock child;
    tct_iov v[4];
    unsigned n = 4;
    while ((ev.flags & TCT_EV_ACCEPT) != 0 &&
           tct_sock_accept(me->stack, ev.sock, NULL, &child) == TCT_OK)
      continue;
    if ((ev.flags & TCT_EV_READABLE) == 0 || tct_sock_rx_peek(me->stack, ev.sock, v, &n) < 0)
      continue;
    size_t len = 0;
    for (unsigned i = 0; i < n; i++, len += v[i - 1].len)
      if (tct_sock_send(me->stack, ev.sock, v[i].base, v[i].len, 0) != (long)v[i].len)
        stop("an echo was not taken");
    (void)!tct_sock_rx_consume(me->stack, ev.sock, len);
  }
}

static void use(struct core *me) {
  tct_event ev;
  while (tct_event_next(me->client.stack, &ev)) {
    tct_iov v;
    unsigned n = 1;
    b.ready += (ev.flags & TCT_EV_CONNECTED) != 0;
    if ((ev.flags & TCT_EV_READABLE) == 0 ||
        tct_sock_rx_peek(me->client.stack, ev.sock, &v, &n) < 0 || n == 0)
      continue;
    me->replies += v.len / REQUEST;
    (void)!tct_sock_rx_consume(me->client.stack, ev.sock, v.len);
  }
}

static void turn(struct core *me) {
  carry(me, &me->client, &me->server, b.up);
  take(me, &me->server, b.up);
  serve(&me->server);
  carry(me, &me->server, &me->client, b.down);
  take(me, &me->client, b.down);
  use(me);
}

/* A connection whose owner is the one that is wanted: ports are tried until one is. */
static void connect_one(struct core *me, unsigned i) {
  unsigned wanted = (me->number + (b.strays ? 1 : 0)) % b.cores;
  tct_endpoint to = {.addr = tct_addr_ipv4(10, 0, 0, 1), .port = PORT};
  for (unsigned tries = 0; tries < 1000; tries++) {
    tct_frame f;
    if (tct_sock_open(me->client.stack, TCT_TCP, NULL, &me->conns[i]) < 0 ||
        tct_sock_connect(me->client.stack, me->conns[i], &to) < 0 ||
        tct_output(me->client.stack, me->client.ifc, &f, 1, now()) != 1)
      stop("no connection");
    if (b.cores == 1 || tct_frame_owner(me->server.stack, &f) == (int)wanted)
      return; /* this SYN is lost; it goes again after a second */
    (void)tct_sock_abort(me->client.stack, me->conns[i]);
  }
  stop("no port has the wanted owner");
}

static void establish(struct core *me) {
  tct_endpoint here = {.port = PORT};
  struct side *s = &me->server;
  if (tct_sock_open(s->stack, TCT_TCP, NULL, &me->listener) < 0 ||
      tct_sock_bind(s->stack, me->listener, &here) < 0 ||
      tct_sock_listen(s->stack, me->listener, 4096) < 0)
    stop("no listener");
  pthread_barrier_wait(&b.listening);
  for (unsigned i = 0; i < CONNS; i++)
    connect_one(me, i);
  uint64_t last = now() + UINT64_C(20000000000);
  while (b.ready < b.cores * CONNS && now() < last) {
    tct_advance(me->client.stack, now());
    tct_advance(me->server.stack, now());
    turn(me);
  }
  if (b.ready < b.cores * CONNS)
    stop("connections did not open");
}

static void *run(void *arg) {
  static const uint8_t request[REQUEST] = {1};
  struct core *me = arg;
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(me->number, &one);
  (void)pthread_setaffinity_np(pthread_self(), sizeof one, &one);
  start_side(&me->server, tct_addr_ipv4(10, 0, 0, 1), me->number, b.cores > 1 ? b.cores : 0);
  start_side(&me->client, address_of_client(me->number), me->number + 100, 0);
  establish(me);
  pthread_barrier_wait(&b.begin);
  uint64_t began = clock_of(CLOCK_THREAD_CPUTIME_ID), asked = me->replies, first = me->replies;
  while (!b.over || me->replies < asked) {
    tct_advance(me->client.stack, now());
    tct_advance(me->server.stack, now());
    for (unsigned i = 0; me->replies == asked && !b.over && i < CONNS; i++)
      if (tct_sock_send(me->client.stack, me->conns[i], request, REQUEST, 0) != REQUEST)
        stop("a request was not taken");
      else if (i + 1 == CONNS)
        asked += CONNS;
    turn(me);
  }
  me->cpu_ns = clock_of(CLOCK_THREAD_CPUTIME_ID) - began;
  me->counted = me->replies - first;
  for (b.through++; b.through < b.cores;) /* others still want answers */
    turn(me);
  return NULL;
}

static void read_option(const char *word) {
  unsigned n;
  if (sscanf(word, "cores=%u", &n) == 1 && n >= 1 && n <= CORES_MAX)
    b.cores = n;
  else if (sscanf(word, "strays=%u", &n) == 1)
    b.strays = n != 0;
  else if (sscanf(word, "ms=%u", &n) == 1 && n > 0)
    b.ms = n;
  else
    stop("usage: bench_cores [cores=N] [strays=0|1] [ms=N]");
}

int main(int argc, char **argv) {
  pthread_t thread[CORES_MAX];
  uint64_t trips = 0, cpu_ns = 0;
  b.cores = 1;
  b.ms = 500;
  for (int i = 1; i < argc; i++)
    read_option(argv[i]);
  memset(&b.keys, 7, sizeof b.keys);
  b.up = aligned_alloc(64, sizeof *b.up * b.cores * b.cores);
  b.down = aligned_alloc(64, sizeof *b.down * b.cores * b.cores);
  if (b.up == NULL || b.down == NULL)
    stop("no memory");
  memset(b.up, 0, sizeof *b.up * b.cores * b.cores);
  memset(b.down, 0, sizeof *b.down * b.cores * b.cores);
  pthread_barrier_init(&b.listening, NULL, b.cores);
  pthread_barrier_init(&b.begin, NULL, b.cores + 1);
  for (unsigned i = 0; i < b.cores; i++) {
    b.core[i].number = i;
    pthread_create(&thread[i], NULL, run, &b.core[i]);
  }
  pthread_barrier_wait(&b.begin);
  uint64_t began = clock_of(CLOCK_MONOTONIC);
  struct timespec t = {b.ms / 1000, (long)(b.ms % 1000) * 1000000};
  nanosleep(&t, NULL);
  b.over = true;
  for (unsigned i = 0; i < b.cores; i++)
    pthread_join(thread[i], NULL);
  uint64_t wall_ns = clock_of(CLOCK_MONOTONIC) - began;
  for (unsigned i = 0; i < b.cores; i++) {
    trips += b.core[i].counted;
    cpu_ns += b.core[i].cpu_ns;
  }
  printf("trips_per_s\t%.6g\ncpu_ns_each\t%.6g\n", (double)trips * 1e9 / (double)wall_ns,
         (double)cpu_ns / (double)trips);
  return 0;
}
