/* SPDX-License-Identifier: MIT */
/*
 * tcp_fastopen_cache.c - what servers told us about Fast Open, by address pair: cookie, MSS, and
 * which form of the option they do not answer. Called by tcp_fastopen_client. Leaves to it what
 * that means. RFC 7413 section 4.1.3.1.
 *
 * Bounded: 512 places in sets of four, chosen by keyed hash; the one longest unused of a set gives
 * way. Made when something is first to be kept; without memory nothing is, and SYNs ask again.
 */
#include "tcp/calls.h"
#include "util/siphash.h"

#define SETS 128u
#define WAYS 4u

struct entry {
  tct_addr laddr, raddr;
  struct tct_fastopen_known known;
  uint32_t used_at; /* the cache's own clock; 0: free */
};
struct tct_fastopen_cache {
  struct entry at[SETS][WAYS];
  uint32_t clock;
};

static struct entry *set_of(const tct_stack *s, const struct tct_tuple *t) {
  uint8_t b[32];
  memcpy(b, t->laddr.b, 16);
  memcpy(b + 16, t->raddr.b, 16);
  return s->tcp->fastopen->at[tct_siphash13(s->keys.table, b, sizeof b) % SETS];
}

static struct entry *find(const tct_stack *s, const struct tct_tuple *t) {
  struct entry *e = s->tcp->fastopen != NULL ? set_of(s, t) : NULL;
  for (unsigned i = 0; e != NULL && i < WAYS; i++) {
    if (e[i].used_at != 0 && memcmp(&e[i].laddr, &t->laddr, sizeof t->laddr) == 0 &&
        memcmp(&e[i].raddr, &t->raddr, sizeof t->raddr) == 0)
      return &e[i];
  }
  return NULL;
}

void tct_tcp_fastopen_cache_get(const tct_stack *s, const struct tct_tuple *t,
                                struct tct_fastopen_known *k) {
  struct entry *e = find(s, t);
  memset(k, 0, sizeof *k);
  if (e == NULL)
    return;
  *k = e->known;
  e->used_at = ++s->tcp->fastopen->clock;
}

/* A free place, or the one longest unused. */
static struct entry *make_place(tct_stack *s, const struct tct_tuple *t) {
  if (s->tcp->fastopen == NULL)
    s->tcp->fastopen = tct_stack_alloc(s, sizeof *s->tcp->fastopen);
  if (s->tcp->fastopen == NULL)
    return NULL;
  struct entry *e = set_of(s, t), *oldest = e;
  for (unsigned i = 1; i < WAYS; i++)
    oldest = e[i].used_at < oldest->used_at ? &e[i] : oldest;
  oldest->laddr = t->laddr;
  oldest->raddr = t->raddr;
  return oldest;
}

void tct_tcp_fastopen_cache_set(tct_stack *s, const struct tct_tuple *t,
                                const struct tct_fastopen_known *k) {
  struct entry *e = find(s, t);
  if (e == NULL)
    e = make_place(s, t);
  if (e == NULL)
    return;
  e->known = *k;
  e->used_at = ++s->tcp->fastopen->clock;
}

void tct_tcp_fastopen_cache_free(tct_stack *s) {
  tct_stack_free(s, s->tcp->fastopen, sizeof *s->tcp->fastopen);
  s->tcp->fastopen = NULL;
}

void tct_fastopen_forget(tct_stack *s) {
  tct_tcp_fastopen_cache_free(s);
}
