/* SPDX-License-Identifier: MIT */
/*
 * check.c - the two sums of a recording: CRC-32 over each block of the file, and a digest over all
 * frames that left the stack, which a replay must reach again.
 *
 * Called by the tap, the reader and the player. Neither sum is a defence against forgery.
 */
#include "record/calls.h"

#include <string.h>

enum { CRC_LANES = 8 };

struct crc_table {
  uint32_t lane[CRC_LANES][256];
};

/* Slicing by eight: lane k is what a byte does k bytes later. The polynomial is Ethernet's. */
static const struct crc_table *crc_table(void) {
  static _Thread_local struct crc_table t;
  if (t.lane[0][1] != 0)
    return &t;
  for (uint32_t i = 0; i < 256; i++) {
    uint32_t c = i;
    for (unsigned bit = 0; bit < 8; bit++)
      c = (c >> 1) ^ ((c & 1) != 0 ? 0xedb88320u : 0);
    t.lane[0][i] = c;
  }
  for (uint32_t i = 0; i < 256; i++)
    for (unsigned k = 1; k < CRC_LANES; k++)
      t.lane[k][i] = (t.lane[k - 1][i] >> 8) ^ t.lane[0][t.lane[k - 1][i] & 0xff];
  return &t;
}

static uint32_t load_32(const uint8_t *b) {
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

uint32_t record_check_crc(const void *bytes, size_t len) {
  const struct crc_table *t = crc_table();
  const uint8_t *b = bytes;
  uint32_t c = UINT32_MAX;
  for (; len >= CRC_LANES; len -= CRC_LANES, b += CRC_LANES) {
    uint32_t low = load_32(b) ^ c, high = load_32(b + 4);
    c = t->lane[7][low & 0xff] ^ t->lane[6][low >> 8 & 0xff] ^ t->lane[5][low >> 16 & 0xff] ^
        t->lane[4][low >> 24] ^ t->lane[3][high & 0xff] ^ t->lane[2][high >> 8 & 0xff] ^
        t->lane[1][high >> 16 & 0xff] ^ t->lane[0][high >> 24];
  }
  for (; len > 0; len--, b++)
    c = (c >> 8) ^ t->lane[0][(c ^ *b) & 0xff];
  return ~c;
}

/* ---- The digest: multiply and fold, eight bytes at a time -------------------------------------
 */

static uint64_t mix(uint64_t h, uint64_t word) {
  h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
  return h ^ h >> 29;
}

static uint64_t load_64(const uint8_t *b) {
  return load_32(b) | (uint64_t)load_32(b + 4) << 32;
}

struct hash {
  uint64_t h;
  uint8_t part[8]; /* of a word that the next piece completes */
  unsigned n_part;
};

static void hash_piece(struct hash *x, const uint8_t *b, size_t len) {
  while (x->n_part > 0 && len > 0) {
    x->part[x->n_part++] = *b++;
    len--;
    if (x->n_part < 8)
      continue;
    x->h = mix(x->h, load_64(x->part));
    x->n_part = 0;
  }
  for (; len >= 8; len -= 8, b += 8)
    x->h = mix(x->h, load_64(b));
  for (; len > 0; len--)
    x->part[x->n_part++] = *b++;
}

uint64_t record_check_hash(const tct_iov *v, uint32_t n) {
  struct hash x = {.h = 1};
  uint64_t total = 0;
  for (uint32_t i = 0; i < n; i++) {
    hash_piece(&x, v[i].base, v[i].len);
    total += v[i].len;
  }
  memset(x.part + x.n_part, 0, sizeof x.part - x.n_part);
  return mix(mix(x.h, load_64(x.part)), total);
}

void record_check_frame(struct record_digest *d, const tct_frame *f, tct_time now,
                        struct record_frame *out) {
  uint64_t h = record_check_hash(f->iov, f->n_iov);
  *out = (struct record_frame){f->len, (uint32_t)h, f->why, f->seg_size, f->csum};
  d->sum = mix(mix(d->sum, h), now);
  d->sum = mix(d->sum, (uint64_t)f->why << 32 | (uint64_t)f->seg_size << 8 | f->csum);
  d->frames++;
}

uint8_t *record_check_put(uint8_t *p, const struct record_frame *f) {
  p = record_put(p, f->len);
  for (unsigned i = 0; i < 4; i++)
    *p++ = (uint8_t)(f->hash >> 8 * i);
  p = record_put(p, f->why);
  p = record_put(p, f->seg_size);
  return record_put(p, f->csum);
}

void record_check_get(struct record_cursor *c, struct record_frame *f) {
  memset(f, 0, sizeof *f);
  f->len = (uint32_t)record_get(c);
  if (c->end - c->p < 4) {
    c->bad = true;
    return;
  }
  f->hash = load_32(c->p);
  c->p += 4;
  f->why = (uint16_t)record_get(c);
  f->seg_size = (uint16_t)record_get(c);
  f->csum = (uint8_t)record_get(c);
}
