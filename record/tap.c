/* SPDX-License-Identifier: MIT */
/*
 * tap.c - the wrappers of the calls that make, feed, empty and configure a stack: each is written
 * down before it is made, its results after. Those of sockets are tap_sock.c's.
 *
 * Called in place of the core's functions by whoever includes tercet/record.h. A stack that nobody
 * records goes straight through.
 */
#include <stdlib.h>
#include <string.h>

#include "record/write.h"

_Thread_local tct_record *tct_tap_recorders;

/* ---- Memory: which requests were refused is the one thing that the calls do not show ----------
 */

static void *alloc_seen(void *ctx, size_t size, size_t align) {
  tct_record *r = ctx;
  void *p = r->inner.alloc(r->inner.ctx, size, align);
  r->allocs++;
  if (p != NULL)
    return p;
  uint8_t *to = record_write_begin(r, 2 * RECORD_VARINT_MAX);
  if (to != NULL)
    record_write_end(r, record_put(to, r->allocs), RECORD_NO_MEMORY);
  return NULL;
}

static void free_seen(void *ctx, void *p, size_t size) {
  tct_record *r = ctx;
  r->inner.free(r->inner.ctx, p, size);
}

static bool is_same_alloc(const tct_alloc *a, const tct_alloc *b) {
  return a->alloc == b->alloc && a->free == b->free && a->ctx == b->ctx;
}

/* ---- Birth and end --------------------------------------------------------------------------- */

tct_stack *tct_record_new(tct_record *r, const tct_config *c, int *err) {
  if (r == NULL || r->stack != NULL || c->size != sizeof *c || c->alloc.alloc == NULL ||
      c->alloc.free == NULL)
    return tct_new(c, err);
  tct_config config = *c;
  char text[RECORD_CONFIG_MAX];
  r->inner = c->alloc;
  r->outer = config.alloc = (tct_alloc){alloc_seen, free_seen, r};
  r->allocs = 0;
  r->now = 0;
  r->digest = (struct record_digest){0};
  tct_iov v = {text, record_config_text(c, text)};
  record_write_call(r, RECORD_NEW, NULL, 0, &v, 1);
  r->stack = tct_new(&config, err);
  (void)tct_tap_done(r, r->stack != NULL ? TCT_OK : *err);
  if (r->stack == NULL)
    return NULL;
  r->next = tct_tap_recorders;
  tct_tap_recorders = r;
  return r->stack;
}

void tct_tap_leave(tct_record *r) {
  for (tct_record **at = &tct_tap_recorders; *at != NULL; at = &(*at)->next)
    if (*at == r) {
      *at = r->next;
      return;
    }
}

void tct_tap_free(tct_stack *s) {
  tct_record *r = s != NULL ? tct_tap_of(s) : NULL;
  if (r != NULL)
    record_write_call(r, RECORD_FREE, NULL, 0, NULL, 0);
  tct_free(s);
  if (r == NULL)
    return;
  TAP_CALL(r, RECORD_END, NULL, 0, r->digest.sum, r->digest.frames, r->digest.calls);
  tct_tap_leave(r);
  r->stack = NULL;
}

/* ---- Frames and time ------------------------------------------------------------------------- */

/* A time as the difference to the last one. */
static uint64_t step_to(tct_record *r, tct_time now) {
  uint64_t step = record_zigzag((int64_t)(now - r->now));
  r->now = now;
  return step;
}

/* What is unlike an ordinary frame: one piece, nothing from the device. */
static bool is_plain(const tct_frame *f) {
  return f->n_iov == 1 && f->iov[0].len == f->len && f->seg_size == 0 &&
         f->csum == TCT_CSUM_CHECK && f->flags == 0 && f->token == 0;
}

static size_t frame_room(const tct_frame *f) {
  size_t len = RECORD_VARINT_MAX * (10u + f->n_iov);
  for (uint32_t i = 0; i < f->n_iov; i++)
    len += f->iov[i].len;
  return len;
}

static uint8_t *put_frame(uint8_t *p, const tct_frame *f, tct_time now) {
  bool plain = is_plain(f);
  p = record_put(p, plain ? 1 : 0);
  p = record_put(p, f->len);
  p = record_put(p, record_zigzag((int64_t)(now - f->at)));
  if (!plain) {
    const uint64_t odd[] = {f->csum,        f->flags, f->seg_size, f->csum_start,
                            f->csum_offset, f->token, f->n_iov};
    for (unsigned i = 0; i < sizeof odd / sizeof odd[0]; i++)
      p = record_put(p, odd[i]);
    for (uint32_t i = 0; i < f->n_iov; i++)
      p = record_put(p, f->iov[i].len);
  }
  for (uint32_t i = 0; i < f->n_iov; i++) {
    memcpy(p, f->iov[i].base, f->iov[i].len);
    p += f->iov[i].len;
  }
  return p;
}

static void write_input(tct_record *r, tct_if i, const tct_frame *f, size_t n, tct_time now) {
  const uint64_t args[] = {step_to(r, now), i.index, i.gen, n};
  size_t max = RECORD_VARINT_MAX * 5;
  for (size_t k = 0; k < n; k++)
    max += frame_room(&f[k]);
  uint8_t *p = record_write_begin(r, max + 5);
  if (p == NULL)
    return;
  for (unsigned k = 0; k < 4; k++)
    p = record_put(p, args[k]);
  uint8_t *length = p;
  p += 5; /* a number of five bytes, filled in when it is known */
  for (size_t k = 0; k < n; k++)
    p = put_frame(p, &f[k], now);
  size_t len = (size_t)(p - length) - 5;
  for (unsigned k = 0; k < 5; k++)
    length[k] = (uint8_t)((len >> 7 * k & 0x7f) | (k < 4 ? 0x80u : 0u));
  record_write_end(r, p, RECORD_INPUT);
  r->digest.calls++;
}

static void write_verdicts(tct_record *r, const tct_frame *f, size_t n, size_t result) {
  uint8_t *p = record_write_begin(r, RECORD_VARINT_MAX * 3 + 3 * n);
  if (p == NULL)
    return;
  p = record_put(p, record_zigzag((int64_t)result));
  *p++ = 1;
  uint8_t *length = p;
  p += 3;
  for (size_t k = 0; k < n; k++)
    p = record_put(p, f[k].verdict);
  size_t len = (size_t)(p - length) - 3;
  for (unsigned k = 0; k < 3; k++)
    length[k] = (uint8_t)((len >> 7 * k & 0x7f) | (k < 2 ? 0x80u : 0u));
  record_write_end(r, p, RECORD_RESULT);
}

size_t tct_tap_input(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL || n == 0)
    return tct_input(s, i, f, n, now);
  write_input(r, i, f, n, now);
  size_t result = tct_input(s, i, f, n, now);
  write_verdicts(r, f, n, result);
  return result;
}

size_t tct_tap_output(tct_stack *s, tct_if i, tct_frame *f, size_t n, tct_time now) {
  tct_record *r = tct_tap_of(s);
  uint8_t kept[TCT_BURST_MAX * RECORD_FRAME_MAX], *p = kept;
  if (r == NULL)
    return tct_output(s, i, f, n, now);
  TAP_CALL(r, RECORD_OUTPUT, NULL, 0, step_to(r, now), i.index, i.gen, n);
  size_t made = tct_output(s, i, f, n, now);
  for (size_t k = 0; k < made; k++) {
    struct record_frame one;
    record_check_frame(&r->digest, &f[k], now, &one);
    p = record_check_put(p, &one);
  }
  tct_iov v = {kept, (size_t)(p - kept)};
  record_write_result(r, &(int64_t){(int64_t)made}, 1, &v, 1);
  return made;
}

size_t tct_tap_output_copy(tct_stack *s, tct_if i, void *buf, size_t cap, tct_time now) {
  tct_record *r = tct_tap_of(s);
  uint8_t kept[RECORD_FRAME_MAX], *p = kept;
  if (r == NULL)
    return tct_output_copy(s, i, buf, cap, now);
  TAP_CALL(r, RECORD_OUTPUT_COPY, NULL, 0, step_to(r, now), i.index, i.gen, cap);
  size_t len = tct_output_copy(s, i, buf, cap, now);
  if (len > 0) {
    tct_iov one = {buf, len};
    struct record_frame kept_frame;
    record_check_frame(&r->digest, &(tct_frame){.iov = &one, .n_iov = 1, .len = (uint32_t)len}, now,
                       &kept_frame);
    p = record_check_put(p, &kept_frame);
  }
  tct_iov v = {kept, (size_t)(p - kept)};
  record_write_result(r, &(int64_t){(int64_t)len}, 1, &v, 1);
  return len;
}

void tct_tap_advance(tct_stack *s, tct_time now) {
  tct_record *r = tct_tap_of(s);
  if (r != NULL)
    TAP_CALL(r, RECORD_ADVANCE, NULL, 0, step_to(r, now));
  tct_advance(s, now);
}

bool tct_tap_returned_next(tct_stack *s, uint64_t *token) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_returned_next(s, token);
  record_write_call(r, RECORD_RETURNED_NEXT, NULL, 0, NULL, 0);
  bool found = tct_returned_next(s, token);
  const int64_t outs[] = {found, found ? (int64_t)*token : 0};
  record_write_result(r, outs, 2, NULL, 0);
  return found;
}

bool tct_tap_event_next(tct_stack *s, tct_event *ev) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_event_next(s, ev);
  record_write_call(r, RECORD_EVENT_NEXT, NULL, 0, NULL, 0);
  bool found = tct_event_next(s, ev);
  int64_t outs[6] = {found};
  if (found) {
    const int64_t news[] = {found, ev->sock.index, ev->sock.gen, ev->flags, ev->err, ev->why};
    memcpy(outs, news, sizeof outs);
  }
  record_write_result(r, outs, 6, NULL, 0);
  return found;
}

/* ---- Configuration --------------------------------------------------------------------------- */

/* A caller that kept its own configuration has its own allocator in it: that is like ours. */
int tct_tap_config_set(tct_stack *s, const tct_config *c) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL || c->size != sizeof *c)
    return tct_config_set(s, c);
  tct_config now, next = *c;
  char text[RECORD_CONFIG_MAX];
  tct_config_get(s, &now);
  if (is_same_alloc(&next.alloc, &r->inner))
    next.alloc = r->outer;
  bool like = is_same_alloc(&next.alloc, &now.alloc) && next.trace == now.trace &&
              next.trace_ctx == now.trace_ctx;
  tct_iov v = {text, record_config_text(c, text)};
  TAP_CALL(r, RECORD_CONFIG_SET, &v, 1, like);
  return tct_tap_done(r, tct_config_set(s, &next));
}

int tct_tap_keys_set(tct_stack *s, const tct_keys *k) {
  tct_record *r = tct_tap_of(s);
  uint8_t bytes[sizeof *k];
  if (r == NULL)
    return tct_keys_set(s, k);
  record_config_put_keys(k, bytes);
  record_write_call(r, RECORD_KEYS_SET, NULL, 0, &(tct_iov){bytes, sizeof bytes}, 1);
  return tct_tap_done(r, tct_keys_set(s, k));
}

int tct_tap_if_add(tct_stack *s, const tct_if_config *c, tct_if *out) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL || c->size != sizeof *c)
    return tct_if_add(s, c, out);
  uint8_t link[RECORD_IF_LINK_BYTES]; /* what Ethernet has more */
  memcpy(link, c->mac, sizeof c->mac);
  link[sizeof c->mac] = c->no_dad;
  link[sizeof c->mac + 1] = c->autoconf;
  tct_iov v = {link, sizeof link};
  TAP_CALL(r, RECORD_IF_ADD, &v, c->link == TCT_LINK_ETHERNET, c->link, c->mtu, c->gso_max_bytes,
           c->gso_max_segs, c->csum_offload, c->any_dst, c->loopback);
  int err = tct_if_add(s, c, out);
  const int64_t outs[] = {err, err < 0 ? 0 : out->index, err < 0 ? 0 : out->gen};
  record_write_result(r, outs, 3, NULL, 0);
  return err;
}

int tct_tap_if_set(tct_stack *s, tct_if i, tct_if_what what, uint32_t value) {
  tct_record *r = tct_tap_of(s);
  if (r == NULL)
    return tct_if_set(s, i, what, value);
  TAP_CALL(r, RECORD_IF_SET, NULL, 0, i.index, i.gen, what, value);
  return tct_tap_done(r, tct_if_set(s, i, what, value));
}

int tct_tap_if_addr_add(tct_stack *s, tct_if i, tct_addr a, unsigned prefix_len) {
  tct_record *r = tct_tap_of(s);
  tct_iov v = {a.b, sizeof a.b};
  if (r == NULL)
    return tct_if_addr_add(s, i, a, prefix_len);
  TAP_CALL(r, RECORD_IF_ADDR_ADD, &v, 1, i.index, i.gen, prefix_len);
  return tct_tap_done(r, tct_if_addr_add(s, i, a, prefix_len));
}

int tct_tap_if_addr_del(tct_stack *s, tct_if i, tct_addr a) {
  tct_record *r = tct_tap_of(s);
  tct_iov v = {a.b, sizeof a.b};
  if (r == NULL)
    return tct_if_addr_del(s, i, a);
  TAP_CALL(r, RECORD_IF_ADDR_DEL, &v, 1, i.index, i.gen);
  return tct_tap_done(r, tct_if_addr_del(s, i, a));
}

int tct_tap_route_add(tct_stack *s, tct_addr dst, unsigned prefix_len, tct_addr gateway, tct_if i) {
  tct_record *r = tct_tap_of(s);
  tct_iov v[] = {{dst.b, sizeof dst.b}, {gateway.b, sizeof gateway.b}};
  if (r == NULL)
    return tct_route_add(s, dst, prefix_len, gateway, i);
  TAP_CALL(r, RECORD_ROUTE_ADD, v, 2, prefix_len, i.index, i.gen);
  return tct_tap_done(r, tct_route_add(s, dst, prefix_len, gateway, i));
}

int tct_tap_route_del(tct_stack *s, tct_addr dst, unsigned prefix_len) {
  tct_record *r = tct_tap_of(s);
  tct_iov v = {dst.b, sizeof dst.b};
  if (r == NULL)
    return tct_route_del(s, dst, prefix_len);
  TAP_CALL(r, RECORD_ROUTE_DEL, &v, 1, prefix_len);
  return tct_tap_done(r, tct_route_del(s, dst, prefix_len));
}

void tct_tap_fastopen_forget(tct_stack *s) {
  tct_record *r = tct_tap_of(s);
  if (r != NULL)
    record_write_call(r, RECORD_FASTOPEN_FORGET, NULL, 0, NULL, 0);
  tct_fastopen_forget(s);
}

void tct_tap_drain(tct_stack *s, tct_time deadline) {
  tct_record *r = tct_tap_of(s);
  if (r != NULL)
    TAP_CALL(r, RECORD_DRAIN, NULL, 0, deadline);
  tct_drain(s, deadline);
}
