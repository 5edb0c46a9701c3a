/* SPDX-License-Identifier: MIT */
/*
 * http_map.c - maps the files that are being served, so that their bytes go from the page cache to
 * the device without a copy of ours: a map is shared by all answers that send the file.
 *
 * Called by http_response.c and http_pump.c; tokens come back through http_server.c. At most
 * MAPS_MAX files of each thread; the one that was wanted longest ago makes way, and none is kept
 * for long when nobody wants it, as a map keeps a deleted file's blocks. A map shows the file as it
 * is now, like reading would.
 *
 * A file may become shorter while its bytes wait to be sent. http_map_look sees that before frames
 * are made, and who sends it is cut off (http_server.c). In the moment between the two a byte that
 * is gone is a SIGBUS, whose page is replaced by zeros, or a write that the kernel refuses.
 */
#define _GNU_SOURCE
#include "cli/http_map.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MAPS_MAX = 64, WORTH_BYTES = 16384, IDLE_TICKS_MAX = 10 };

static _Thread_local struct http_map maps[MAPS_MAX];
static _Thread_local uint64_t uses;
static _Thread_local volatile sig_atomic_t any_broke;

/* ---- Files that become shorter ----------------------------------------------------------------
 */

static struct http_map *map_of(const uint8_t *at) {
  for (unsigned i = 0; i < MAPS_MAX; i++)
    if (maps[i].base != NULL && at >= maps[i].base && at < maps[i].base + maps[i].size)
      return &maps[i];
  return NULL;
}

static void on_bus(int number, siginfo_t *info, void *ctx) {
  uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE);
  void *at = (void *)((uintptr_t)info->si_addr / page * page);
  struct http_map *m = map_of(info->si_addr);
  (void)ctx;
  if (m == NULL ||
      mmap(at, page, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED) {
    (void)signal(number, SIG_DFL); /* it happens again, and ends the program */
    return;
  }
  m->broken = any_broke = 1;
}

uint64_t http_map_bit(const struct http_map *m) {
  _Static_assert(MAPS_MAX <= 64, "one bit each");
  return (uint64_t)1 << (m - maps);
}

/* A byte behind the end in the last page that is left reads as zero, without a signal. */
void http_map_look(void) {
  struct stat st = {0};
  for (unsigned i = 0; i < MAPS_MAX; i++) {
    struct http_map *m = &maps[i];
    if (m->lent > 0 && !m->broken && (fstat(m->fd, &st) < 0 || (uint64_t)st.st_size < m->size))
      m->broken = any_broke = 1;
  }
}

uint64_t http_map_broke(void) {
  uint64_t broken = 0;
  if (any_broke == 0)
    return 0;
  any_broke = 0;
  for (unsigned i = 0; i < MAPS_MAX; i++)
    if (maps[i].base != NULL && maps[i].broken)
      broken |= http_map_bit(&maps[i]);
  return broken;
}

static void catch_bus(void) {
  struct sigaction act = {.sa_sigaction = on_bus, .sa_flags = SA_SIGINFO};
  sigemptyset(&act.sa_mask);
  (void)sigaction(SIGBUS, &act, NULL);
}

/* ---- Maps -------------------------------------------------------------------------------------
 */

static void let_go(struct http_map *m) {
  (void)munmap((void *)(uintptr_t)m->base, m->size);
  close(m->fd);
  m->base = NULL;
}

static struct http_map *find(const struct http_file *f) {
  for (unsigned i = 0; i < MAPS_MAX; i++)
    if (maps[i].base != NULL && !maps[i].broken && maps[i].inode == f->inode &&
        maps[i].device == f->device && maps[i].size == f->size)
      return &maps[i];
  return NULL;
}

/* A free one, or the one that was wanted longest ago and that nobody uses. */
static struct http_map *find_place(void) {
  struct http_map *best = NULL;
  for (unsigned i = 0; i < MAPS_MAX; i++) {
    struct http_map *m = &maps[i];
    if (m->base == NULL)
      return m;
    if (m->users == 0 && (best == NULL || m->used_at < best->used_at))
      best = m;
  }
  if (best != NULL)
    let_go(best);
  return best;
}

static struct http_map *add(const struct http_file *f) {
  struct http_map *m = f->size <= SIZE_MAX ? find_place() : NULL;
  if (m == NULL)
    return NULL;
  int fd = fcntl(f->fd, F_DUPFD_CLOEXEC, 0);
  if (fd < 0)
    return NULL;
  void *base = mmap(NULL, (size_t)f->size, PROT_READ, MAP_SHARED, fd, 0);
  if (base == MAP_FAILED) {
    close(fd);
    return NULL;
  }
  catch_bus();
  *m = (struct http_map){
      .base = base, .size = (size_t)f->size, .device = f->device, .inode = f->inode, .fd = fd};
  return m;
}

struct http_map *http_map_get(const struct http_file *f) {
  if (f->size < WORTH_BYTES)
    return NULL;
  struct http_map *m = find(f);
  if (m == NULL)
    m = add(f);
  if (m == NULL)
    return NULL;
  m->used_at = ++uses;
  m->idle_ticks = 0;
  m->users++;
  return m;
}

void http_map_put(struct http_map *m) {
  m->users--;
}

uint64_t http_map_lend(struct http_map *m) {
  m->users++;
  m->lent++;
  return (uint64_t)(m - maps);
}

void http_map_return(uint64_t token) {
  maps[token].lent--;
  http_map_put(&maps[token]);
}

void http_map_tick(void) {
  for (unsigned i = 0; i < MAPS_MAX; i++)
    if (maps[i].base != NULL && maps[i].users == 0 && ++maps[i].idle_ticks > IDLE_TICKS_MAX)
      let_go(&maps[i]);
}
