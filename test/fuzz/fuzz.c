/* SPDX-License-Identifier: MIT */
/* What the fuzz targets share; see fuzz.h. Linked with each of them, replay.c and test/attack,
   which has a fuzz_fail of its own. */
#include "test/fuzz/fuzz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

__attribute__((weak)) void fuzz_fail(const char *file, int line, const char *what) {
  fflush(stdout);
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, what);
  abort();
}

uint8_t fuzz_u8(struct fuzz_in *in) {
  if (in->left == 0)
    return 0;
  in->left--;
  return *in->p++;
}

uint16_t fuzz_u16(struct fuzz_in *in) {
  uint16_t high = fuzz_u8(in);
  return (uint16_t)(high << 8 | fuzz_u8(in));
}

uint32_t fuzz_u32(struct fuzz_in *in) {
  uint32_t high = fuzz_u16(in);
  return high << 16 | fuzz_u16(in);
}

uint32_t fuzz_below(struct fuzz_in *in, uint32_t bound) {
  return (bound <= 256 ? fuzz_u8(in) : fuzz_u16(in)) % bound;
}

const uint8_t *fuzz_take(struct fuzz_in *in, size_t *n) {
  const uint8_t *at = in->p;
  if (*n > in->left)
    *n = in->left;
  in->p += *n;
  in->left -= *n;
  return at;
}

/* ---- Memory ------------------------------------------------------------------------------------
 */

enum { HEAD = 64 }; /* before each block: its size, and alignment for all that the core asks */

static void *take(void *ctx, size_t size, size_t align) {
  struct fuzz_mem *m = ctx;
  FUZZ_CHECK(size > 0 && align > 0 && align <= HEAD);
  if (m->fail_in > 0 && --m->fail_in == 0) {
    m->fail_in = m->fail_every;
    return NULL;
  }
  uint8_t *p = aligned_alloc(HEAD, (HEAD + size + HEAD - 1) / HEAD * HEAD);
  FUZZ_CHECK(p != NULL);
  memcpy(p, &size, sizeof size);
  memset(p + HEAD, 0xa5, size);
  m->blocks++;
  m->bytes += size;
  return p + HEAD;
}

static void give_back(void *ctx, void *p, size_t size) {
  struct fuzz_mem *m = ctx;
  size_t was;
  if (p == NULL)
    return;
  memcpy(&was, (uint8_t *)p - HEAD, sizeof was);
  FUZZ_CHECK(was == size);
  m->blocks--;
  m->bytes -= size;
  free((uint8_t *)p - HEAD);
}

void fuzz_mem_init(struct fuzz_mem *m) {
  *m = (struct fuzz_mem){.vtable = {take, give_back, m}};
}

void fuzz_mem_finish(struct fuzz_mem *m) {
  FUZZ_CHECK(m->blocks == 0 && m->bytes == 0);
}

uint8_t *fuzz_copy(const void *p, size_t n) {
  uint8_t *to = malloc(n > 0 ? n : 1);
  FUZZ_CHECK(to != NULL);
  if (n > 0)
    memcpy(to, p, n);
  return to;
}
