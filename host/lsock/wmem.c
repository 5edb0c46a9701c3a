/* SPDX-License-Identifier: MIT */
/*
 * wmem.c - how much a write is taken, as Linux counts it. Linux does not count bytes: it fills
 * buffers of many segments, charges each with an overhead, and asks for room only when a new one
 * begins; what is sent is cut off the front of a buffer and becomes buffers of its own. Programs
 * see that in what a write returns and in when poll says POLLOUT. Called by transfer.c and ready.c,
 * in the LINUX profile; the STRICT one leaves the limit to the core. Numbers as Linux 6.18 shows
 * them.
 */
#include "host/lsock/internal.h"

#include <stdlib.h>
#include <string.h>

enum {
  OVERHEAD = 832,         /* of one buffer */
  GOAL_BYTES = 65215,     /* a buffer holds as many whole segments as fit in here */
  AUTO_SEGMENT = 4352,    /* what Linux reckons for a segment when it sizes the buffer itself */
  CORE_SPARE = 4 * 65536, /* the core takes more than we ever hand over */
  PIECES_MAX = 1 << 16
};

struct piece { /* one of Linux's buffers, by stream offset */
  uint64_t begin, end;
  bool is_eor;
};

struct lsock_wmem {
  struct piece *at;
  size_t n, cap;
  uint64_t una, nxt; /* as of the last look */
  uint32_t min_segs; /* tcp_min_tso_segs */
  uint32_t mss, cwnd, wnd, wnd_max, srtt_us, min_rtt_us;
  uint32_t auto_bytes; /* SO_SNDBUF when the program has set none */
};

static struct lsock_wmem *wmem_of(struct lsock_file *f) {
  if (!f->wmem)
    f->wmem = calloc(1, sizeof *f->wmem);
  return f->wmem;
}

void lsock_wmem_free(struct lsock_file *f) {
  if (f->wmem)
    free(f->wmem->at);
  free(f->wmem);
  f->wmem = NULL;
}

/* ---- What there is ----------------------------------------------------------------------------
 */

static bool add_piece(struct lsock_wmem *w, const struct piece *p) {
  if (w->n == w->cap) {
    size_t cap = w->cap ? 2 * w->cap : 16;
    struct piece *at = cap > PIECES_MAX ? NULL : realloc(w->at, cap * sizeof *at);
    if (!at)
      return false;
    w->at = at;
    w->cap = cap;
  }
  w->at[w->n++] = *p;
  return true;
}

/* Bytes that leave in one go: Linux sizes it by the pacing rate. */
static uint64_t chunk_of(const struct lsock_wmem *w) {
  uint64_t rate = w->srtt_us ? (uint64_t)w->cwnd * 2 * 1000000 / w->srtt_us : UINT32_MAX;
  uint64_t bytes = rate >> 10;
  unsigned shift = w->min_rtt_us >> 9;
  bytes += shift < 32 ? 65536u >> shift : 0;
  uint64_t segs = bytes / w->mss < w->min_segs ? w->min_segs : bytes / w->mss;
  return segs * w->mss > GOAL_BYTES ? GOAL_BYTES / w->mss * w->mss : segs * w->mss;
}

/* Everything before `nxt` has left: cut what left now off the buffers that it was in. */
static void cut_sent(struct lsock_wmem *w, uint64_t nxt) {
  struct piece *old = w->at;
  size_t n = w->n;
  uint64_t chunk = chunk_of(w);
  w->at = NULL;
  w->n = w->cap = 0;
  for (size_t i = 0; i < n; i++) {
    struct piece rest = old[i];
    uint64_t upto = rest.end < nxt ? rest.end : nxt;
    while (rest.end > w->nxt && rest.begin < upto) {
      struct piece sent = {rest.begin, rest.begin + chunk < upto ? rest.begin + chunk : upto,
                           false};
      (void)add_piece(w, &sent);
      rest.begin = sent.end;
    }
    if (rest.begin < rest.end)
      (void)add_piece(w, &rest);
  }
  free(old);
  w->nxt = nxt;
}

static void drop_acked(struct lsock_wmem *w, uint64_t una) {
  size_t gone = 0;
  while (gone < w->n && w->at[gone].end <= una)
    gone++;
  w->n -= gone;
  if (gone)
    memmove(w->at, w->at + gone, w->n * sizeof *w->at);
  w->una = una;
}

/* The stream offset of a sequence number; the SYN before and the FIN behind it count for nothing.
 */
static uint64_t offset_of(const struct lsock_file *f, const tct_info *i, uint32_t seq) {
  int32_t left = (int32_t)(i->iss + 1 + (uint32_t)f->tx_bytes - seq);
  if (left <= 0)
    return f->tx_bytes;
  return (uint64_t)left > f->tx_bytes ? 0 : f->tx_bytes - (uint64_t)left;
}

static struct lsock_wmem *look(struct lsock *l, struct lsock_file *f) {
  tct_info i = {.size = sizeof i};
  struct lsock_wmem *w = wmem_of(f);
  if (!w || !f->has_handle || tct_sock_info(l->stack, f->handle, &i) < 0)
    return NULL;
  tct_config c;
  tct_config_get(l->stack, &c);
  w->min_segs = c.min_tso_segs;
  w->mss = i.snd_mss ? i.snd_mss : 536;
  w->cwnd = i.snd_cwnd;
  w->wnd = i.snd_wnd;
  w->wnd_max = i.snd_wnd > w->wnd_max ? i.snd_wnd : w->wnd_max;
  w->srtt_us = i.rtt;
  w->min_rtt_us = i.min_rtt;
  uint64_t nxt = offset_of(f, &i, i.snd_nxt);
  if (nxt > w->nxt)
    cut_sent(w, nxt);
  drop_acked(w, offset_of(f, &i, i.snd_una));
  return w;
}

static uint64_t queued(const struct lsock_file *f) {
  return f->tx_bytes - f->wmem->una + f->wmem->n * OVERHEAD;
}

/* ---- Limits -----------------------------------------------------------------------------------
 */

/* tcp_wmem's default at first; with the connection, room for twice the window. */
static uint32_t limit_of(struct lsock *l, struct lsock_file *f) {
  struct lsock_wmem *w = f->wmem;
  tct_config c;
  if (f->sndbuf)
    return f->sndbuf;
  tct_config_get(l->stack, &c);
  uint32_t segs = w && w->mss ? w->cwnd / w->mss : 0;
  uint32_t bytes = 2 * (segs < 10 ? 10 : segs) * AUTO_SEGMENT;
  bytes = bytes > c.sndbuf_max_bytes ? c.sndbuf_max_bytes : bytes;
  bytes = f->phase == LSOCK_CONNECTED && bytes > c.sndbuf_bytes ? bytes : c.sndbuf_bytes;
  if (!w)
    return bytes;
  w->auto_bytes = bytes > w->auto_bytes ? bytes : w->auto_bytes;
  return w->auto_bytes;
}

uint32_t lsock_wmem_limit(struct lsock *l, struct lsock_file *f) {
  return limit_of(l, f);
}

uint32_t lsock_wmem_core_limit(uint32_t linux_limit) {
  return linux_limit + CORE_SPARE;
}

static uint64_t lowat_of(struct lsock *l, const struct lsock_file *f) {
  int64_t lowat = 0;
  if (tct_sock_get(l->stack, f->handle, TCT_OPT_NOTSENT_LOWAT, &lowat) < 0)
    lowat = 0;
  return lowat <= 0 || lowat >= UINT32_MAX ? UINT64_MAX : (uint64_t)lowat;
}

bool lsock_wmem_is_writeable(struct lsock *l, struct lsock_file *f) {
  struct lsock_wmem *w = look(l, f);
  if (!w)
    return true;
  uint64_t used = queued(f), limit = limit_of(l, f), unsent = f->tx_bytes - w->nxt;
  return used < limit && limit - used >= used / 2 && unsent * 2 < lowat_of(l, f);
}

uint32_t lsock_wmem_queued(struct lsock *l, struct lsock_file *f) {
  return look(l, f) ? (uint32_t)queued(f) : 0;
}

/* ---- Writing ----------------------------------------------------------------------------------
 */

/* No larger than half of the largest window that the peer ever offered. */
static uint64_t goal_of(const struct lsock_wmem *w) {
  uint64_t bytes = GOAL_BYTES, half = w->wnd_max > 536 ? w->wnd_max / 2 : w->wnd_max;
  if (half && bytes > half)
    bytes = half;
  return bytes < w->mss ? w->mss : bytes / w->mss * w->mss;
}

/* A full buffer is pushed at once, which makes room in it. Our output is pulled later: reckon what
 * will leave then. */
static void foresee(struct lsock_file *f) {
  struct lsock_wmem *w = f->wmem;
  uint64_t window = w->cwnd < w->wnd ? w->cwnd : w->wnd, flight = w->nxt - w->una;
  uint64_t may = window > flight ? (window - flight) / w->mss * w->mss : 0;
  uint64_t unsent = f->tx_bytes - w->nxt;
  may = may < unsent ? may : unsent / w->mss * w->mss;
  if (may)
    cut_sent(w, w->nxt + may);
}

static struct piece *open_piece(struct lsock_wmem *w) {
  struct piece *last = w->n ? &w->at[w->n - 1] : NULL;
  bool is_open =
      last && !last->is_eor && last->end > w->nxt && last->end - last->begin < goal_of(w);
  return is_open ? last : NULL;
}

size_t lsock_wmem_room(struct lsock *l, struct lsock_file *f) {
  struct lsock_wmem *w = look(l, f);
  if (!w)
    return SIZE_MAX;
  const struct piece *tail = open_piece(w);
  if (tail)
    return goal_of(w) - (tail->end - tail->begin);
  if (queued(f) >= limit_of(l, f) || f->tx_bytes - w->nxt >= lowat_of(l, f))
    return 0;
  return goal_of(w);
}

void lsock_wmem_took(struct lsock_file *f, size_t n, bool is_eor) {
  struct lsock_wmem *w = f->wmem;
  struct piece *tail = w ? open_piece(w) : NULL;
  f->tx_bytes += n;
  if (!w)
    return;
  if (tail)
    tail->end += n;
  else if (!add_piece(w, &(struct piece){f->tx_bytes - n, f->tx_bytes, false}))
    return;
  tail = &w->at[w->n - 1];
  tail->is_eor = is_eor;
  if (tail->end - tail->begin >= goal_of(w))
    foresee(f);
}
