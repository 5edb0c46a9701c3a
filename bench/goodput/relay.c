/* SPDX-License-Identifier: MIT */
/*
 * relay.c - the link between two kernels' TCPs: reads packets from two TUN devices, asks path.c
 * when each arrives, and writes it to the other device at that time. Called by kernel.c.
 *
 * A packet's times are computed from when it was read, never from when others were written: a relay
 * that wakes up late makes the round trip longer, but does not slow the bottleneck down.
 */
#define _GNU_SOURCE
#include "bench/goodput/relay.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PACKET_MAX = 1600, AT_ONCE = 64 };

struct parcel {
  uint64_t due_ns, order;
  uint32_t len;
  unsigned dir;
  uint8_t bytes[];
};

/* A binary heap by due time, then by order of arrival. */
struct heap {
  struct parcel **at;
  size_t n, cap;
  uint64_t order;
};

uint64_t goodput_monotonic_ns(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * UINT64_C(1000000000) + (uint64_t)t.tv_nsec;
}

/* ---- The heap ---- */

static bool is_sooner(const struct parcel *a, const struct parcel *b) {
  return a->due_ns < b->due_ns || (a->due_ns == b->due_ns && a->order < b->order);
}

static void push(struct heap *h, struct parcel *p) {
  size_t i = h->n++;
  if (h->n > h->cap) {
    h->cap = h->cap ? h->cap * 2 : 1024;
    h->at = realloc(h->at, h->cap * sizeof(struct parcel *));
    if (h->at == NULL)
      abort();
  }
  for (; i > 0 && is_sooner(p, h->at[(i - 1) / 2]); i = (i - 1) / 2)
    h->at[i] = h->at[(i - 1) / 2];
  h->at[i] = p;
}

static struct parcel *pop(struct heap *h) {
  struct parcel *first = h->at[0], *last = h->at[--h->n];
  size_t i = 0, child;
  while ((child = 2 * i + 1) < h->n) {
    if (child + 1 < h->n && is_sooner(h->at[child + 1], h->at[child]))
      child++;
    if (!is_sooner(h->at[child], last))
      break;
    h->at[i] = h->at[child];
    i = child;
  }
  h->at[i] = last;
  return first;
}

/* ---- In and out ---- */

static bool is_tcp4(const uint8_t *b, ssize_t len) {
  return len >= 40 && b[0] >> 4 == 4 && b[9] == 6;
}

/* True while there may be more. */
static bool take_one(struct goodput_relay *r, struct heap *h, unsigned dir) {
  uint8_t bytes[PACKET_MAX];
  ssize_t len = read(r->tun[dir], bytes, sizeof bytes);
  uint64_t due_ns;
  struct parcel *p;
  if (len <= 0)
    return false;
  if (!is_tcp4(bytes, len))
    return true;
  due_ns = goodput_path_carry(&r->path, dir, goodput_monotonic_ns(), bytes, (uint32_t)len);
  if (due_ns == GOODPUT_LOST)
    return true;
  p = malloc(sizeof *p + (size_t)len);
  if (p == NULL)
    abort();
  p->due_ns = due_ns;
  p->order = h->order++;
  p->len = (uint32_t)len;
  p->dir = dir;
  memcpy(p->bytes, bytes, (size_t)len);
  push(h, p);
  return true;
}

static void note_lateness(struct goodput_relay *r, uint64_t late_ns) {
  uint64_t bin = late_ns / GOODPUT_LATE_BIN_NS;
  r->late[bin < GOODPUT_LATE_BINS ? bin : GOODPUT_LATE_BINS - 1]++;
  if (late_ns > r->late_max_ns)
    r->late_max_ns = late_ns;
}

/* Writes what is due. A few at a time, so that the devices' queues are looked at in between. */
static void give_due(struct goodput_relay *r, struct heap *h) {
  for (unsigned i = 0; i < AT_ONCE && h->n > 0; i++) {
    uint64_t now_ns = goodput_monotonic_ns();
    struct parcel *p;
    if (h->at[0]->due_ns > now_ns)
      return;
    p = pop(h);
    note_lateness(r, now_ns - p->due_ns);
    if (write(r->tun[1 - p->dir], p->bytes, p->len) == (ssize_t)p->len)
      r->carried++;
    else
      r->refused++;
    free(p);
  }
}

static int sleep_until(const struct goodput_relay *r, const struct heap *h, uint64_t until_ns) {
  struct pollfd fd[2] = {{.fd = r->tun[0], .events = POLLIN}, {.fd = r->tun[1], .events = POLLIN}};
  uint64_t wake_ns = h->n > 0 && h->at[0]->due_ns < until_ns ? h->at[0]->due_ns : until_ns;
  uint64_t now_ns = goodput_monotonic_ns(), wait_ns = wake_ns > now_ns ? wake_ns - now_ns : 0;
  struct timespec t = {.tv_sec = (time_t)(wait_ns / 1000000000),
                       .tv_nsec = (long)(wait_ns % 1000000000)};
  return ppoll(fd, 2, &t, NULL) < 0 && errno != EINTR ? -errno : 0;
}

int goodput_relay_run(struct goodput_relay *r, uint64_t until_ns) {
  struct heap h = {0};
  int err = 0;
  while (err == 0 && goodput_monotonic_ns() < until_ns) {
    for (unsigned dir = 0; dir < 2; dir++)
      for (unsigned i = 0; i < AT_ONCE && take_one(r, &h, dir); i++) {
      }
    give_due(r, &h);
    err = sleep_until(r, &h, until_ns);
  }
  while (h.n > 0)
    free(pop(&h));
  free(h.at);
  return err;
}

uint64_t goodput_relay_late_ns(const struct goodput_relay *r, unsigned permille) {
  uint64_t total = 0, seen = 0;
  unsigned i;
  for (i = 0; i < GOODPUT_LATE_BINS; i++)
    total += r->late[i];
  for (i = 0; i + 1 < GOODPUT_LATE_BINS; i++) {
    seen += r->late[i];
    if (seen * 1000 >= total * permille)
      break;
  }
  return (uint64_t)(i + 1) * GOODPUT_LATE_BIN_NS;
}
