/* SPDX-License-Identifier: MIT */
/*
 * The content that flow.c writes and expects. Keys differ by where they begin in one long sequence,
 * of which the world holds as much as was asked for, up to a bound.
 */
#include "sim/content.h"

#include "util/mem.h"

#define FACTOR UINT64_C(2654435761)

enum { BLOCK = 1 << 16, KEPT_MAX = 1 << 24 };

/* A multiplicative mix of 32 bits of the position: cheap, neighbours differ, nothing wraps. */
uint8_t tct_sim_flow_octet(uint64_t key, uint64_t position) {
  uint64_t x = ((position & UINT32_MAX) + (key & 0xffff)) * FACTOR;
  return (uint8_t)(x >> 24 ^ x >> 41);
}

static void add_block(struct tct_sim *w) {
  uint64_t x = w->content_len * FACTOR;
  uint8_t *to;
  w->content = sim_world_grow(w->content, w->content_len + BLOCK);
  to = w->content + w->content_len;
  for (uint32_t i = 0; i < BLOCK; i++, x += FACTOR)
    to[i] = (uint8_t)(x >> 24 ^ x >> 41);
  w->content_len += BLOCK;
}

/* Those `len` octets, or NULL if that far is not kept. */
static const uint8_t *keep(struct tct_sim *w, uint64_t key, uint64_t position, size_t len) {
  uint64_t from = position + (key & 0xffff);
  if (from + len > KEPT_MAX)
    return NULL;
  while (w->content_len < from + len)
    add_block(w);
  return w->content + from;
}

void sim_content_fill(struct tct_sim *w, uint64_t key, uint64_t position, uint8_t *to, size_t len) {
  const uint8_t *kept = keep(w, key, position, len);
  if (kept != NULL)
    memcpy(to, kept, len);
  for (size_t i = 0; i < len && kept == NULL; i++)
    to[i] = tct_sim_flow_octet(key, position + i);
}

bool sim_content_is(struct tct_sim *w, uint64_t key, uint64_t position, const uint8_t *bytes,
                    size_t len) {
  const uint8_t *kept = keep(w, key, position, len);
  if (kept != NULL)
    return memcmp(bytes, kept, len) == 0;
  for (size_t i = 0; i < len; i++)
    if (bytes[i] != tct_sim_flow_octet(key, position + i))
      return false;
  return true;
}
