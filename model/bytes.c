/* SPDX-License-Identifier: MIT */
/*
 * The model's arrays and its one rule of sequence numbers: count on from the nearest one known.
 * RFC 9293 section 3.4.
 */
#include <stdlib.h>
#include <string.h>

#include "model/model.h"

model_pos model_bytes_near(model_pos near, uint32_t wire) {
  model_pos turn = (model_pos)1 << 32;
  model_pos at = near / turn * turn + wire;
  if (at - near > turn / 2)
    return at - turn;
  if (near - at > turn / 2)
    return at + turn;
  return at;
}

static void make_room(struct model_stream *b, size_t n) {
  if (n <= b->cap)
    return;
  b->cap = 2 * n;
  b->at = realloc(b->at, b->cap);
  b->have = realloc(b->have, b->cap * sizeof b->have[0]);
  if (b->at == NULL || b->have == NULL)
    abort();
}

void model_bytes_put(struct model_stream *b, size_t at, const uint8_t *from, size_t n) {
  make_room(b, at + n);
  for (; b->n < at + n; b->n++)
    b->have[b->n] = false;
  memcpy(b->at + at, from, n);
  for (size_t i = 0; i < n; i++)
    b->have[at + i] = true;
}

size_t model_bytes_whole(const struct model_stream *b, size_t from) {
  size_t n = from;
  while (n < b->n && b->have[n])
    n++;
  return n;
}

void model_bytes_clear(struct model_stream *b) {
  free(b->at);
  free(b->have);
  memset(b, 0, sizeof *b);
}
