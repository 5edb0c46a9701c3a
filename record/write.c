/* SPDX-License-Identifier: MIT */
/*
 * write.c - the file of a recording: blocks with a check sum, written through a mapping.
 *
 * Called by the taps. Mapped memory is the file, so that everything up to the last call is in it
 * even if the program is killed or crashes in the middle of one; an entry counts from the moment
 * its first byte is set, which is done last. The layout is in docs/record.md.
 */
#define _GNU_SOURCE
#include "record/write.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { WINDOW_LEN = 4 << 20, PAGE = 4096 }; /* PAGE: what offsets of mappings are multiples of */

static void fail(tct_record *r, int err) {
  if (r->err == 0)
    r->err = err;
}

/* ---- The window ------------------------------------------------------------------------------ */

static void close_window(tct_record *r) {
  if (r->window_len > 0)
    munmap(r->window, r->window_len);
  r->window_len = 0;
}

/* Space on the disk is taken first: a full disk must be an error and not a signal. */
static bool open_window(tct_record *r, uint64_t at, size_t need) {
  uint64_t begin = at - at % (uint64_t)sysconf(_SC_PAGESIZE);
  size_t len = (size_t)(at - begin) + need;
  close_window(r);
  len = len < WINDOW_LEN ? WINDOW_LEN : (len + PAGE - 1) / PAGE * PAGE;
  int err = posix_fallocate(r->fd, (off_t)begin, (off_t)len);
  if (err != 0) {
    fail(r, -err);
    return false;
  }
  void *p = mmap(NULL, len, PROT_READ | PROT_WRITE, MAP_SHARED, r->fd, (off_t)begin);
  if (p == MAP_FAILED) {
    fail(r, -errno);
    return false;
  }
  r->window = p;
  r->window_len = len;
  r->window_at = begin;
  return true;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

static void put_32(uint8_t *to, uint32_t v) {
  for (unsigned i = 0; i < 4; i++)
    to[i] = (uint8_t)(v >> 8 * i);
}

static void close_block(tct_record *r) {
  if (r->block == NULL)
    return;
  put_32(r->block + 8, record_check_crc(r->block + RECORD_HEADER_LEN, r->used));
  put_32(r->block + 4, (uint32_t)r->used);
  r->bytes += RECORD_HEADER_LEN + r->used;
  r->block = NULL;
}

static bool open_block(tct_record *r, size_t need) {
  size_t room = need < RECORD_BLOCK_LEN ? RECORD_BLOCK_LEN : need;
  size_t whole = RECORD_HEADER_LEN + room;
  if (r->window_len == 0 || r->bytes + whole > r->window_at + r->window_len)
    if (!open_window(r, r->bytes, whole))
      return false;
  r->block = r->window + (r->bytes - r->window_at);
  put_32(r->block, RECORD_MARK);
  put_32(r->block + 4, 0); /* not closed */
  put_32(r->block + 8, 0);
  put_32(r->block + 12, r->blocks++);
  r->room = room;
  r->used = 0;
  return true;
}

/* ---- Entries --------------------------------------------------------------------------------- */

uint8_t *record_write_begin(tct_record *r, size_t max) {
  if (r->err == 0 && max > RECORD_BLOCK_MAX)
    fail(r, -EFBIG);
  if (r->err != 0)
    return NULL;
  if (r->block != NULL && max > r->room - r->used)
    close_block(r);
  if (r->block == NULL && !open_block(r, max))
    return NULL;
  return r->block + RECORD_HEADER_LEN + r->used + 1;
}

void record_write_end(tct_record *r, const uint8_t *end, enum record_op op) {
  uint8_t *first = r->block + RECORD_HEADER_LEN + r->used;
  r->used = (size_t)(end - (r->block + RECORD_HEADER_LEN));
  __atomic_store_n(first, (uint8_t)op, __ATOMIC_RELEASE);
}

static size_t length_of(const tct_iov *v, unsigned n) {
  size_t len = 0;
  for (unsigned i = 0; i < n; i++)
    len += v[i].len;
  return len;
}

static uint8_t *put_bytes(uint8_t *p, const tct_iov *v, unsigned n) {
  p = record_put(p, length_of(v, n));
  for (unsigned i = 0; i < n; i++) {
    if (v[i].len > 0)
      memcpy(p, v[i].base, v[i].len);
    p += v[i].len;
  }
  return p;
}

void record_write_call(tct_record *r, enum record_op op, const uint64_t *args, unsigned n_args,
                       const tct_iov *before, unsigned n_before) {
  const struct record_shape *h = record_calls_shape(op);
  size_t max = RECORD_VARINT_MAX * (n_args + 2u) + length_of(before, n_before);
  uint8_t *p = record_write_begin(r, max);
  if (p == NULL)
    return;
  for (unsigned i = 0; i < n_args; i++)
    p = record_put(p, args[i]);
  if (h->before[0] != '\0')
    p = put_bytes(p, before, n_before);
  record_write_end(r, p, op);
  r->digest.calls++;
}

void record_write_result(tct_record *r, const int64_t *outs, unsigned n_outs, const tct_iov *after,
                         unsigned n_after) {
  size_t max = RECORD_VARINT_MAX * (n_outs + 3u) + length_of(after, n_after);
  uint8_t *p = record_write_begin(r, max);
  if (p == NULL)
    return;
  for (unsigned i = 0; i < n_outs; i++)
    p = record_put(p, record_zigzag(outs[i]));
  *p++ = after != NULL;
  if (after != NULL)
    p = put_bytes(p, after, n_after);
  record_write_end(r, p, RECORD_RESULT);
}

/* ---- Opening and closing ----------------------------------------------------------------------
 */

static bool begin_file(tct_record *r, const char *path, const char *about) {
  r->fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (r->fd < 0) {
    fail(r, -errno);
    return false;
  }
  if (pwrite(r->fd, RECORD_MAGIC, RECORD_MAGIC_LEN, 0) != RECORD_MAGIC_LEN) {
    fail(r, errno != 0 ? -errno : -EIO);
    return false;
  }
  r->bytes = RECORD_MAGIC_LEN;
  record_write_call(r, RECORD_ABOUT, NULL, 0, &(tct_iov){about, strlen(about)}, 1);
  r->digest.calls = 0;
  return r->err == 0;
}

tct_record *tct_record_open(const char *path, const char *about, char *error, size_t cap) {
  tct_record *r = calloc(1, sizeof *r);
  if (r == NULL) {
    snprintf(error, cap, "out of memory");
    return NULL;
  }
  r->fd = -1;
  errno = 0;
  if (begin_file(r, path, about))
    return r;
  snprintf(error, cap, "cannot record to %s: %s", path, strerror(-r->err));
  close_window(r);
  if (r->fd >= 0)
    close(r->fd);
  free(r);
  return NULL;
}

uint64_t tct_record_bytes(const tct_record *r) {
  return r->bytes + (r->block != NULL ? RECORD_HEADER_LEN + r->used : 0);
}

int tct_record_close(tct_record *r) {
  if (r == NULL)
    return 0;
  tct_tap_leave(r);
  close_block(r);
  close_window(r);
  if (ftruncate(r->fd, (off_t)r->bytes) < 0)
    fail(r, -errno);
  if (close(r->fd) < 0)
    fail(r, -errno);
  int err = r->err;
  if (r->stack == NULL) /* else its allocator is still ours: better a leak than a crash */
    free(r);
  return err;
}
