/* SPDX-License-Identifier: MIT */
/*
 * What recording costs: two stacks that hand each other their frames, one of them recorded or not,
 * in CPU time of this thread. Each way several times, in turns; the least of each counts.
 *
 *   record_cost [FILE]
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tercet/record.h"

enum { TURNS = 5, PIECE = 65536 };
static const uint64_t TOTAL = 256u << 20;

struct end {
  tct_stack *s;
  tct_if ifc;
};

static void *take(void *ctx, size_t size, size_t align) {
  (void)ctx;
  return aligned_alloc(align, (size + align - 1) / align * align);
}

static void give(void *ctx, void *p, size_t size) {
  (void)ctx;
  (void)size;
  free(p);
}

static struct end make(tct_record *r, uint8_t number) {
  struct end e = {NULL, {0, 0}};
  tct_config c;
  tct_if_config i = {.size = sizeof i, .link = TCT_LINK_IP, .mtu = 1500};
  int err;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){take, give, NULL};
  c.deterministic = true;
  e.s = tct_record_new(r, &c, &err);
  if (e.s == NULL || tct_if_add(e.s, &i, &e.ifc) < 0)
    exit(1);
  (void)tct_if_addr_add(e.s, e.ifc, tct_addr_ipv4(10, 0, 0, number), 24);
  return e;
}

static size_t carry(struct end *from, struct end *to, tct_time now) {
  tct_frame f[TCT_BURST_MAX];
  size_t n = tct_output(from->s, from->ifc, f, TCT_BURST_MAX, now);
  for (size_t k = 0; k < n; k++)
    f[k].at = now;
  if (n > 0)
    tct_input(to->s, to->ifc, f, n, now);
  return n;
}

static void drop_events(struct end *e) {
  tct_event ev;
  while (tct_event_next(e->s, &ev)) {
  }
}

/* Bytes over one connection until all have arrived; frames that passed. */
static uint64_t transfer(struct end *a, struct end *b) {
  static uint8_t piece[PIECE];
  tct_endpoint at = {.port = 80}, to = {.addr = tct_addr_ipv4(10, 0, 0, 2), .port = 80};
  tct_sock l, k, child = {0, 0};
  tct_time now = 1000000000;
  uint64_t sent = 0, got = 0, frames = 0;
  if (tct_sock_open(b->s, TCT_TCP, NULL, &l) < 0 || tct_sock_bind(b->s, l, &at) < 0 ||
      tct_sock_listen(b->s, l, 5) < 0 || tct_sock_open(a->s, TCT_TCP, NULL, &k) < 0 ||
      tct_sock_connect(a->s, k, &to) < 0)
    exit(1);
  while (got < TOTAL) {
    now += 100000;
    tct_advance(a->s, now);
    tct_advance(b->s, now);
    drop_events(a);
    drop_events(b);
    long n = sent < TOTAL ? tct_sock_send(a->s, k, piece, PIECE, 0) : 0;
    sent += n > 0 ? (uint64_t)n : 0;
    for (size_t moved = 1; moved > 0; frames += moved)
      moved = carry(a, b, now) + carry(b, a, now);
    if (child.gen == 0 && tct_sock_accept(b->s, l, NULL, &child) < 0)
      continue;
    while ((n = tct_sock_recv(b->s, child, piece, PIECE, 0)) > 0)
      got += (uint64_t)n;
  }
  return frames;
}

static double cpu_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

struct run {
  double seconds;
  uint64_t frames, bytes;
};

/* who: 0 nobody is recorded, 1 the sender, 2 the receiver */
static struct run run_once(unsigned who, const char *path) {
  char error[300];
  tct_record *r =
      who > 0 ? tct_record_open(path, "program=record_cost\n", error, sizeof error) : NULL;
  struct run x = {0};
  if (who > 0 && r == NULL) {
    fprintf(stderr, "record_cost: %s\n", error);
    exit(2);
  }
  double begin = cpu_seconds();
  struct end a = make(who == 1 ? r : NULL, 1), b = make(who == 2 ? r : NULL, 2);
  x.frames = transfer(&a, &b);
  tct_free(a.s);
  tct_free(b.s);
  x.bytes = r != NULL ? tct_record_bytes(r) : 0;
  if (tct_record_close(r) < 0)
    exit(2);
  x.seconds = cpu_seconds() - begin;
  return x;
}

int main(int argc, char **argv) {
  static const char *const words[] = {"not recorded", "the sender", "the receiver"};
  const char *path = argc > 1 ? argv[1] : "/tmp/tercet-record-cost.rec";
  struct run best[3] = {{1e9, 0, 0}, {1e9, 0, 0}, {1e9, 0, 0}};
  for (unsigned turn = 0; turn < TURNS * 3; turn++) {
    struct run x = run_once(turn % 3, path);
    if (x.seconds < best[turn % 3].seconds)
      best[turn % 3] = x;
  }
  for (unsigned i = 0; i < 3; i++)
    printf(
        "%-13s %6.3f s CPU for %llu MB and %llu frames (%.0f ns a frame), %+.0f %%; file %.1f MB\n",
        words[i], best[i].seconds, (unsigned long long)(TOTAL >> 20),
        (unsigned long long)best[i].frames, best[i].seconds * 1e9 / (double)best[i].frames,
        (best[i].seconds / best[0].seconds - 1) * 100, (double)best[i].bytes / 1e6);
  unlink(path);
  return 0;
}
