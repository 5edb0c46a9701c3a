/* SPDX-License-Identifier: MIT */
/*
 * mesh.c - several hosts on one device, a thread and a stack each, sharing nothing but rings.
 *
 * The kernel spreads the device's packets over its queues by a rule of its own and remembers for
 * three seconds which queue a flow was answered from; the core's rule (tct_frame_owner) is what
 * counts, so a frame that comes to another core is handed on, never answered. Called by loop.c;
 * made by the program before its hosts.
 */
#define _GNU_SOURCE
#include "host/mesh.h"

#include <stdlib.h>
#include <sys/eventfd.h>
#include <sys/random.h>
#include <unistd.h>

#include "host/host.h"

static struct tct_ring *ring_between(struct tct_host_mesh *m, unsigned from, unsigned to) {
  return &m->ring[from * m->n + to];
}

/* ---- Birth and end --------------------------------------------------------------------------- */

static bool open_core(struct tct_mesh_core *c) {
  c->event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
  return c->event_fd >= 0;
}

tct_host_mesh *tct_host_mesh_new(unsigned cores) {
  if (cores < 1 || cores > TCT_MESH_CORES_MAX)
    return NULL;
  tct_host_mesh *m = aligned_alloc(64, (sizeof *m + 63) / 64 * 64);
  if (m == NULL)
    return NULL;
  *m = (struct tct_host_mesh){.n = cores};
  for (unsigned i = 0; i < cores; i++)
    m->core[i].event_fd = -1;
  m->ring = aligned_alloc(64, (size_t)cores * cores * sizeof *m->ring);
  bool ok = m->ring != NULL && getrandom(&m->keys, sizeof m->keys, 0) == sizeof m->keys;
  for (unsigned i = 0; m->ring != NULL && i < cores * cores; i++)
    m->ring[i].head = m->ring[i].tail = 0; /* the bytes cost nothing until they are used */
  for (unsigned i = 0; ok && i < cores; i++)
    ok = open_core(&m->core[i]);
  if (ok)
    return m;
  tct_host_mesh_free(m);
  return NULL;
}

void tct_host_mesh_free(tct_host_mesh *m) {
  if (m == NULL)
    return;
  for (unsigned i = 0; i < m->n; i++)
    if (m->core[i].event_fd >= 0)
      close(m->core[i].event_fd);
  free(m->ring);
  free(m);
}

uint64_t tct_host_mesh_strays(const tct_host_mesh *m) {
  uint64_t n = 0;
  for (unsigned i = 0; i < m->n; i++)
    n += m->core[i].strays;
  return n;
}

/* ---- Waking ---------------------------------------------------------------------------------- */

static void wake(struct tct_mesh_core *c) {
  ssize_t wrote = write(c->event_fd, &(uint64_t){1}, 8);
  (void)wrote; /* it can only fail because it is signalled already */
}

void tct_host_mesh_poke(tct_host_mesh *m, unsigned core) {
  atomic_store(&m->core[core].poked, true);
  wake(&m->core[core]);
}

static bool has_frames(tct_host *h) {
  for (unsigned i = 0; i < h->mesh->n; i++)
    if (!tct_ring_is_empty(ring_between(h->mesh, i, h->core)))
      return true;
  return false;
}

/* First say "asleep", then look once more: a writer first writes, then looks whether we sleep. */
bool tct_host_mesh_may_sleep(tct_host *h) {
  atomic_store(&h->mesh->core[h->core].asleep, true);
  if (!has_frames(h))
    return true;
  tct_host_mesh_awake(h);
  return false;
}

void tct_host_mesh_awake(tct_host *h) {
  struct tct_mesh_core *c = &h->mesh->core[h->core];
  uint64_t count;
  atomic_store(&c->asleep, false);
  ssize_t got = read(c->event_fd, &count, sizeof count);
  (void)got; /* nothing there: nobody woke us */
  if (atomic_exchange(&c->poked, false) && h->poke_fn != NULL)
    h->poke_fn(h->poke_ctx);
}

/* ---- Frames ---------------------------------------------------------------------------------- */

static void hand_on(tct_host *h, unsigned to, const tct_frame *f) {
  struct tct_mesh_core *self = &h->mesh->core[h->core], *other = &h->mesh->core[to];
  if (!tct_ring_put(ring_between(h->mesh, h->core, to), f)) {
    atomic_fetch_add_explicit(&self->lost, 1, memory_order_relaxed);
    return;
  }
  atomic_fetch_add_explicit(&self->strays, 1, memory_order_relaxed);
  if (atomic_load(&other->asleep))
    wake(other);
}

size_t tct_host_mesh_steer(tct_host *h, tct_frame *f, size_t n) {
  size_t kept = 0;
  for (size_t i = 0; i < n; i++) {
    int owner = tct_frame_owner(h->stack, &f[i]);
    bool ours = owner < 0 || (unsigned)owner == h->core;
    for (unsigned to = 0; owner == TCT_OWNER_ALL && to < h->mesh->n; to++)
      if (to != h->core)
        hand_on(h, to, &f[i]);
    if (!ours)
      hand_on(h, (unsigned)owner, &f[i]);
    else
      f[kept++] = f[i];
  }
  return kept;
}

size_t tct_host_mesh_take(tct_host *h, tct_frame *f, tct_iov *v, size_t n) {
  for (unsigned i = 0; i < h->mesh->n; i++) {
    struct tct_ring *r = ring_between(h->mesh, i, h->core);
    if (h->taken[i] > 0)
      tct_ring_release(r, h->taken[i]);
    h->taken[i] = 0;
  }
  size_t got = 0;
  for (unsigned i = 0; i < h->mesh->n && got < n; i++) {
    h->taken[i] =
        (uint32_t)tct_ring_peek(ring_between(h->mesh, i, h->core), f + got, v + got, n - got);
    got += h->taken[i];
  }
  return got;
}
