/* SPDX-License-Identifier: MIT */
/*
 * play.c - makes the calls of a recording again and says where the stack first does something else.
 *
 * Called by `tercet replay` and by tests, with what read.c read. Nothing but the calls goes in: no
 * clock, no device. Every number that a call gave back is compared, and every frame that goes out
 * by its length, bytes (32 bits of a hash) and reason. Socket calls are play_sock.c's.
 */
#include "record/play.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- Memory ---------------------------------------------------------------------------------- */

static bool is_refused(struct record_play *p) {
  const struct record_call *c = p->call;
  if (c == NULL || p->refused_at >= c->n_refused || c->refused[p->refused_at] != p->allocs)
    return false;
  p->refused_at++;
  return true;
}

static void *alloc_as_then(void *ctx, size_t size, size_t align) {
  struct record_play *p = ctx;
  p->allocs++;
  align = align < 16 ? 16 : align;
  if (is_refused(p) || size > p->memory_max - p->memory)
    return NULL;
  void *m = aligned_alloc(align, (size + align - 1) / align * align);
  p->memory += m != NULL ? size : 0;
  return m;
}

static void free_as_then(void *ctx, void *m, size_t size) {
  struct record_play *p = ctx;
  p->memory -= m != NULL ? size : 0;
  free(m);
}

uint8_t *record_play_buffer(struct record_play *p, uint64_t n) {
  if (n > RECORD_BLOB_MAX)
    return NULL;
  if (n > p->buffer_cap || p->buffer == NULL) {
    free(p->buffer);
    p->buffer_cap = n < 65536 ? 65536 : (size_t)n;
    p->dirty = 0;
    p->buffer = calloc(1, p->buffer_cap);
    return p->buffer;
  }
  memset(p->buffer, 0, p->dirty);
  p->dirty = 0;
  return p->buffer;
}

enum record_verdict record_play_wrong(struct record_play *p, const char *what) {
  snprintf(p->why, sizeof p->why, "%s", what);
  return RECORD_BAD;
}

uint64_t record_play_forget(struct record_play *p, uint64_t number) {
  struct record_lent **at = &p->lent;
  while (*at != NULL && (*at)->number != number)
    at = &(*at)->next;
  struct record_lent *done = *at;
  if (done == NULL)
    return 0;
  uint64_t token = done->token;
  *at = done->next;
  free(done);
  return token;
}

static void end_stack(struct record_play *p) {
  tct_free(p->stack);
  p->stack = NULL;
  while (p->lent != NULL)
    (void)record_play_forget(p, p->lent->number);
}

void record_play_init(struct record_play *p) {
  memset(p, 0, sizeof *p);
  p->memory_max = UINT64_C(8) << 30;
}

void record_play_deinit(struct record_play *p) {
  p->call = NULL;
  end_stack(p);
  free(p->buffer);
}

/* ---- Birth and end --------------------------------------------------------------------------- */

static enum record_verdict do_new(struct record_play *p, const struct record_call *c,
                                  int64_t *out) {
  tct_config config;
  int err = TCT_OK;
  end_stack(p);
  p->allocs = 0;
  p->digest = (struct record_digest){0};
  tct_config_init(&config, sizeof config);
  if (!record_config_parse((const char *)c->before, c->before_len, &config, p->why, sizeof p->why))
    return RECORD_BAD;
  config.alloc = (tct_alloc){alloc_as_then, free_as_then, p};
  config.trace = p->trace;
  config.trace_ctx = p->trace_ctx;
  p->stack = tct_new(&config, &err);
  out[0] = p->stack != NULL ? TCT_OK : err;
  return RECORD_SAME;
}

static enum record_verdict do_free(struct record_play *p, const struct record_call *c,
                                   int64_t *out) {
  (void)c;
  (void)out;
  end_stack(p);
  return RECORD_SAME;
}

/* The digest of everything that this stack sent. */
static enum record_verdict compare_end(struct record_play *p, const struct record_call *c) {
  const struct record_digest *d = &p->digest;
  p->ended++;
  if (c->arg[0] == d->sum && c->arg[1] == d->frames && c->arg[2] == d->calls)
    return RECORD_SAME;
  snprintf(p->why, sizeof p->why,
           "the digest of all frames is %016" PRIx64 " (%" PRIu64 " frames, %" PRIu64
           " calls), recorded was %016" PRIx64 " (%" PRIu64 " frames, %" PRIu64 " calls)",
           d->sum, d->frames, d->calls, c->arg[0], c->arg[1], c->arg[2]);
  return RECORD_DIFFERENT;
}

/* ---- Frames in ------------------------------------------------------------------------------- */

struct batch {
  tct_frame *frame;
  tct_iov *iov;
  size_t n_iov, cap_iov;
};

static bool take_pieces(struct batch *b, tct_frame *f, struct record_cursor *k, bool plain) {
  uint64_t len[64] = {f->len}, sum = 0;
  if (f->n_iov < 1 || f->n_iov > 64)
    return false;
  for (uint32_t i = 0; i < f->n_iov && !plain; i++)
    len[i] = record_get(k);
  for (uint32_t i = 0; i < f->n_iov; i++) {
    if (k->bad || len[i] > (uint64_t)(k->end - k->p) || b->n_iov == b->cap_iov)
      return false;
    b->iov[b->n_iov++] = (tct_iov){k->p, (size_t)len[i]};
    k->p += len[i];
    sum += len[i];
  }
  return sum == f->len;
}

/* As tap.c's put_frame wrote it. */
static bool take_frame(struct batch *b, tct_frame *f, struct record_cursor *k, tct_time now) {
  bool plain = record_get(k) == 1;
  *f = (tct_frame){.n_iov = 1};
  f->len = (uint32_t)record_get(k);
  f->at = now - (uint64_t)record_unzigzag(record_get(k));
  if (!plain) {
    f->csum = (uint8_t)record_get(k);
    f->flags = (uint8_t)record_get(k);
    f->seg_size = (uint16_t)record_get(k);
    f->csum_start = (uint16_t)record_get(k);
    f->csum_offset = (uint16_t)record_get(k);
    f->token = record_get(k);
    f->n_iov = (uint32_t)record_get(k);
  }
  f->iov = b->iov + b->n_iov;
  return take_pieces(b, f, k, plain);
}

static enum record_verdict compare_verdicts(struct record_play *p, const struct record_call *c,
                                            const tct_frame *f) {
  struct record_cursor k = record_cursor_at(c->after, c->after_len);
  for (uint64_t i = 0; c->has_result && i < c->arg[3]; i++) {
    uint64_t then = record_get(&k);
    if (then == f[i].verdict && !k.bad)
      continue;
    snprintf(p->why, sizeof p->why, "frame %" PRIu64 " of %" PRIu64 " was judged %s, now it is %s",
             i + 1, c->arg[3],
             then < TCT_VERDICT_COUNT ? tct_verdict_name((tct_verdict)then) : "unknown",
             tct_verdict_name((tct_verdict)f[i].verdict));
    return RECORD_DIFFERENT;
  }
  return RECORD_SAME;
}

static enum record_verdict input_batch(struct record_play *p, const struct record_call *c,
                                       struct batch *b, int64_t *out) {
  struct record_cursor k = record_cursor_at(c->before, c->before_len);
  uint64_t n = c->arg[3];
  for (uint64_t i = 0; i < n; i++)
    if (!take_frame(b, &b->frame[i], &k, c->now))
      return record_play_wrong(p, "a frame that came in is not whole");
  out[0] = (int64_t)tct_input(p->stack, record_play_if_at(c, 1), b->frame, (size_t)n, c->now);
  for (uint64_t i = 0; p->frame != NULL && i < n; i++)
    p->frame(p->frame_ctx, &b->frame[i], false, c->now);
  return compare_verdicts(p, c, b->frame);
}

static enum record_verdict do_input(struct record_play *p, const struct record_call *c,
                                    int64_t *out) {
  uint64_t n = c->arg[3];
  if (n > RECORD_FRAMES_MAX)
    return record_play_wrong(p, "more frames came in at once than a recording may have");
  struct batch b = {.cap_iov = (size_t)n * 4 + 64};
  b.frame = calloc((size_t)n + 1, sizeof *b.frame);
  b.iov = calloc(b.cap_iov, sizeof *b.iov);
  enum record_verdict v = b.frame != NULL && b.iov != NULL ? input_batch(p, c, &b, out)
                                                           : record_play_wrong(p, "out of memory");
  free(b.frame);
  free(b.iov);
  return v;
}

/* ---- Frames out ------------------------------------------------------------------------------ */

static bool compare_frame(struct record_play *p, const struct record_frame *then,
                          const struct record_frame *now, size_t i) {
  if (then->len == now->len && then->hash == now->hash && then->why == now->why &&
      then->seg_size == now->seg_size && then->csum == now->csum)
    return true;
  const char *what = then->len != now->len     ? "another length"
                     : then->why != now->why   ? "another reason"
                     : then->hash != now->hash ? "other bytes"
                                               : "other hints for the device";
  snprintf(p->why, sizeof p->why,
           "frame %zu has %s: recorded were %u bytes (%s), now there are %u bytes (%s)", i + 1,
           what, then->len,
           then->why < TCT_WHY_COUNT ? tct_why_text((tct_why)then->why) : "unknown", now->len,
           tct_why_text((tct_why)now->why));
  return false;
}

/* All that were made are shown, then compared as far as both went. */
static enum record_verdict compare_frames(struct record_play *p, const struct record_call *c,
                                          const tct_frame *f, size_t n) {
  struct record_cursor k = record_cursor_at(c->after, c->after_len);
  bool same = true;
  for (size_t i = 0; i < n; i++) {
    struct record_frame then, now;
    record_check_frame(&p->digest, &f[i], c->now, &now);
    if (p->frame != NULL)
      p->frame(p->frame_ctx, &f[i], true, c->now);
    if (k.p == k.end || !same || !c->has_result)
      continue; /* the number of frames says it all */
    record_check_get(&k, &then);
    same = compare_frame(p, &then, &now, i);
  }
  return same ? RECORD_SAME : RECORD_DIFFERENT;
}

static enum record_verdict do_output(struct record_play *p, const struct record_call *c,
                                     int64_t *out) {
  tct_frame f[TCT_BURST_MAX];
  size_t n = c->arg[3] < TCT_BURST_MAX ? (size_t)c->arg[3] : TCT_BURST_MAX;
  memset(f, 0, sizeof f);
  n = tct_output(p->stack, record_play_if_at(c, 1), f, n, c->now);
  out[0] = (int64_t)n;
  return compare_frames(p, c, f, n);
}

static enum record_verdict do_output_copy(struct record_play *p, const struct record_call *c,
                                          int64_t *out) {
  enum { PACKET_MAX = 65536 };
  size_t cap = c->arg[3] < PACKET_MAX ? (size_t)c->arg[3] : PACKET_MAX;
  uint8_t *buf = record_play_buffer(p, PACKET_MAX);
  if (buf == NULL)
    return record_play_wrong(p, "out of memory");
  size_t len = tct_output_copy(p->stack, record_play_if_at(c, 1), buf, cap, c->now);
  p->dirty = len;
  tct_iov v = {buf, len};
  tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)len};
  out[0] = (int64_t)len;
  return len == 0 ? RECORD_SAME : compare_frames(p, c, &f, 1);
}

/* ---- Time, news ------------------------------------------------------------------------------ */

static enum record_verdict do_advance(struct record_play *p, const struct record_call *c,
                                      int64_t *out) {
  (void)out;
  tct_advance(p->stack, c->now);
  return RECORD_SAME;
}

static enum record_verdict do_returned_next(struct record_play *p, const struct record_call *c,
                                            int64_t *out) {
  uint64_t number = 0;
  (void)c;
  out[0] = tct_returned_next(p->stack, &number);
  out[1] = out[0] != 0 ? (int64_t)record_play_forget(p, number) : 0;
  return RECORD_SAME;
}

static enum record_verdict do_event_next(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  tct_event ev = {0};
  (void)c;
  if (!tct_event_next(p->stack, &ev))
    return RECORD_SAME;
  const int64_t news[] = {1, ev.sock.index, ev.sock.gen, ev.flags, ev.err, ev.why};
  memcpy(out, news, sizeof news);
  return RECORD_SAME;
}

static enum record_verdict do_drain(struct record_play *p, const struct record_call *c,
                                    int64_t *out) {
  (void)out;
  tct_drain(p->stack, c->arg[0]);
  return RECORD_SAME;
}

static enum record_verdict do_fastopen_forget(struct record_play *p, const struct record_call *c,
                                              int64_t *out) {
  (void)c;
  (void)out;
  tct_fastopen_forget(p->stack);
  return RECORD_SAME;
}

/* ---- Configuration --------------------------------------------------------------------------- */

static enum record_verdict do_config_set(struct record_play *p, const struct record_call *c,
                                         int64_t *out) {
  tct_config config;
  tct_config_get(p->stack, &config);
  if (!record_config_parse((const char *)c->before, c->before_len, &config, p->why, sizeof p->why))
    return RECORD_BAD;
  if (c->arg[0] == 0)
    config.alloc.ctx = NULL; /* the caller had exchanged it: that is refused */
  out[0] = tct_config_set(p->stack, &config);
  return RECORD_SAME;
}

static enum record_verdict do_keys_set(struct record_play *p, const struct record_call *c,
                                       int64_t *out) {
  tct_keys k;
  if (!record_config_get_keys(c->before, c->before_len, &k))
    return record_play_wrong(p, "keys are not whole");
  out[0] = tct_keys_set(p->stack, &k);
  return RECORD_SAME;
}

static enum record_verdict do_if_add(struct record_play *p, const struct record_call *c,
                                     int64_t *out) {
  tct_if_config i = {.size = sizeof i, .link = (tct_link)c->arg[0]};
  tct_if made = {0, 0};
  i.mtu = (uint32_t)c->arg[1];
  i.gso_max_bytes = (uint32_t)c->arg[2];
  i.gso_max_segs = (uint32_t)c->arg[3];
  i.csum_offload = c->arg[4] != 0;
  i.any_dst = c->arg[5] != 0;
  i.loopback = c->arg[6] != 0;
  if (i.link == TCT_LINK_ETHERNET && c->before_len == RECORD_IF_LINK_BYTES) {
    memcpy(i.mac, c->before, sizeof i.mac);
    i.no_dad = c->before[sizeof i.mac] != 0;
    i.autoconf = c->before[sizeof i.mac + 1] != 0;
  }
  out[0] = tct_if_add(p->stack, &i, &made);
  out[1] = out[0] < 0 ? 0 : made.index;
  out[2] = out[0] < 0 ? 0 : made.gen;
  return RECORD_SAME;
}

static enum record_verdict do_if_set(struct record_play *p, const struct record_call *c,
                                     int64_t *out) {
  out[0] =
      tct_if_set(p->stack, record_play_if_at(c, 0), (tct_if_what)c->arg[2], (uint32_t)c->arg[3]);
  return RECORD_SAME;
}

static bool take_addrs(struct record_play *p, const struct record_call *c, tct_addr *a, size_t n) {
  bool whole = c->before_len == n * sizeof *a;
  if (whole)
    memcpy(a, c->before, n * sizeof *a);
  else
    (void)record_play_wrong(p, "an address is not whole");
  return whole;
}

static enum record_verdict do_if_addr(struct record_play *p, const struct record_call *c,
                                      int64_t *out) {
  tct_if i = record_play_if_at(c, 0);
  tct_addr a;
  if (!take_addrs(p, c, &a, 1))
    return RECORD_BAD;
  out[0] = c->op == RECORD_IF_ADDR_ADD ? tct_if_addr_add(p->stack, i, a, (unsigned)c->arg[2])
                                       : tct_if_addr_del(p->stack, i, a);
  return RECORD_SAME;
}

static enum record_verdict do_route_add(struct record_play *p, const struct record_call *c,
                                        int64_t *out) {
  tct_addr a[2];
  if (!take_addrs(p, c, a, 2))
    return RECORD_BAD;
  out[0] = tct_route_add(p->stack, a[0], (unsigned)c->arg[0], a[1], record_play_if_at(c, 1));
  return RECORD_SAME;
}

static enum record_verdict do_route_del(struct record_play *p, const struct record_call *c,
                                        int64_t *out) {
  tct_addr a;
  if (!take_addrs(p, c, &a, 1))
    return RECORD_BAD;
  out[0] = tct_route_del(p->stack, a, (unsigned)c->arg[0]);
  return RECORD_SAME;
}

/* ---- One call -------------------------------------------------------------------------------- */

static const record_play_fn stack_calls[RECORD_OPS] = {
    [RECORD_NEW] = do_new,
    [RECORD_FREE] = do_free,
    [RECORD_INPUT] = do_input,
    [RECORD_OUTPUT] = do_output,
    [RECORD_OUTPUT_COPY] = do_output_copy,
    [RECORD_ADVANCE] = do_advance,
    [RECORD_RETURNED_NEXT] = do_returned_next,
    [RECORD_EVENT_NEXT] = do_event_next,
    [RECORD_CONFIG_SET] = do_config_set,
    [RECORD_KEYS_SET] = do_keys_set,
    [RECORD_IF_ADD] = do_if_add,
    [RECORD_IF_SET] = do_if_set,
    [RECORD_IF_ADDR_ADD] = do_if_addr,
    [RECORD_IF_ADDR_DEL] = do_if_addr,
    [RECORD_ROUTE_ADD] = do_route_add,
    [RECORD_ROUTE_DEL] = do_route_del,
    [RECORD_FASTOPEN_FORGET] = do_fastopen_forget,
    [RECORD_DRAIN] = do_drain,
};

static enum record_verdict compare_outs(struct record_play *p, const struct record_call *c) {
  const struct record_shape *h = record_calls_shape(c->op);
  unsigned n = record_calls_count(h->outs);
  char word[24];
  for (unsigned i = 0; i < n && c->has_result; i++) {
    if (p->out[i] == c->out[i])
      continue;
    record_calls_word(h->outs, i, word);
    snprintf(p->why, sizeof p->why, "%s was %" PRId64 ", now it is %" PRId64, word, c->out[i],
             p->out[i]);
    return RECORD_DIFFERENT;
  }
  return RECORD_SAME;
}

enum record_verdict record_play_call(struct record_play *p, const struct record_call *c) {
  if (c->op == RECORD_END)
    return compare_end(p, c);
  record_play_fn fn = stack_calls[c->op] != NULL ? stack_calls[c->op] : record_play_sock[c->op];
  if (fn == NULL)
    return c->op == RECORD_ABOUT ? RECORD_SAME : record_play_wrong(p, "that is no call");
  if (p->stack == NULL && c->op != RECORD_NEW)
    return record_play_wrong(p, "there is no stack yet, or none any more");
  p->call = c;
  p->refused_at = 0;
  p->why[0] = '\0';
  memset(p->out, 0, sizeof p->out);
  enum record_verdict v = fn(p, c, p->out);
  p->call = NULL;
  p->digest.calls++;
  return v == RECORD_SAME ? compare_outs(p, c) : v;
}
