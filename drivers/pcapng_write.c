/* SPDX-License-Identifier: MIT */
/*
 * pcapng_write.c - writes a capture file: little-endian, nanoseconds, one comment per packet.
 *
 * Called by tee_pcapng.c, tests and whoever has packets. Leaves to the caller what a comment says
 * and that packets are plain (segment.c cuts super-segments). A failed write is remembered and ends
 * all writing, so that a full disk gives one error and not one a packet. The format is
 * draft-ietf-opsawg-pcapng.
 */
#define _GNU_SOURCE
#include "drivers/pcapng.h"

#include <errno.h>
#include <string.h>

enum {
  BLOCK_SECTION = 0x0a0d0d0a,
  BLOCK_INTERFACE = 1,
  BLOCK_PACKET = 6,
  OPT_END = 0,
  OPT_COMMENT = 1,
  OPT_EPB_FLAGS = 2,
  OPT_IF_NAME = 2,
  OPT_IF_TSRESOL = 9,
  OPT_SHB_USERAPPL = 4,
  HEAD_MAX = 64 + TCT_PCAPNG_COMMENT_MAX
};

/* A block under construction; what goes beyond cap is a mistake of this file and is not written. */
struct text {
  uint8_t b[HEAD_MAX];
  size_t len;
};

static void put_bytes(struct text *t, const void *p, size_t n) {
  if (n == 0 || n > sizeof t->b - t->len) /* nothing may come as NULL, which memcpy must not see */
    return;
  memcpy(t->b + t->len, p, n);
  t->len += n;
}

static void put16(struct text *t, uint32_t v) {
  uint8_t b[2] = {(uint8_t)v, (uint8_t)(v >> 8)};
  put_bytes(t, b, sizeof b);
}

static void put32(struct text *t, uint32_t v) {
  uint8_t b[4] = {(uint8_t)v, (uint8_t)(v >> 8), (uint8_t)(v >> 16), (uint8_t)(v >> 24)};
  put_bytes(t, b, sizeof b);
}

static void pad4(struct text *t) {
  static const uint8_t zero[4] = {0};
  put_bytes(t, zero, (4 - t->len % 4) % 4);
}

static void put_option(struct text *t, uint16_t code, const void *p, size_t n) {
  put16(t, code);
  put16(t, (uint32_t)n);
  put_bytes(t, p, n);
  pad4(t);
}

static void write_out(struct tct_pcapng_writer *w, const void *p, size_t n) {
  if (w->err != 0 || n == 0)
    return;
  if (w->file == NULL) {
    w->err = w->put(w->ctx, p, n);
  } else if (fwrite(p, 1, n, w->file) != n) {
    w->err = errno != 0 ? -errno : TCT_EPROTO;
  }
}

/* Sets the length behind the type, adds it at the end, and writes. */
static void write_block(struct tct_pcapng_writer *w, struct text *t) {
  uint32_t len = (uint32_t)t->len + 4;
  uint8_t b[4] = {(uint8_t)len, (uint8_t)(len >> 8), (uint8_t)(len >> 16), (uint8_t)(len >> 24)};
  memcpy(t->b + 4, b, sizeof b);
  put32(t, len);
  write_out(w, t->b, t->len);
}

static void write_section(struct tct_pcapng_writer *w) {
  static const char maker[] = "tercet " TCT_VERSION;
  struct text t = {.len = 0};
  put32(&t, BLOCK_SECTION);
  put32(&t, 0);
  put32(&t, 0x1a2b3c4d);
  put16(&t, 1);
  put16(&t, 0);
  put32(&t, UINT32_MAX); /* section length: not said */
  put32(&t, UINT32_MAX);
  put_option(&t, OPT_SHB_USERAPPL, maker, sizeof maker - 1);
  put_option(&t, OPT_END, NULL, 0);
  write_block(w, &t);
}

int tct_pcapng_create(struct tct_pcapng_writer *w, const char *path) {
  memset(w, 0, sizeof *w);
  errno = 0;
  w->file = fopen(path, "wb");
  if (w->file == NULL)
    return w->err = errno != 0 ? -errno : TCT_EACCES;
  write_section(w);
  return w->err;
}

int tct_pcapng_create_fn(struct tct_pcapng_writer *w, tct_pcapng_put_fn put, void *ctx) {
  memset(w, 0, sizeof *w);
  w->put = put;
  w->ctx = ctx;
  write_section(w);
  return w->err;
}

int tct_pcapng_add_if(struct tct_pcapng_writer *w, const char *name, uint16_t link_type) {
  const uint8_t nanoseconds = 9;
  struct text t = {.len = 0};
  size_t n = strnlen(name, 255);
  if (w->err != 0)
    return w->err;
  if (w->n_ifs >= TCT_PCAPNG_IFS_MAX)
    return TCT_ENOBUFS;
  put32(&t, BLOCK_INTERFACE);
  put32(&t, 0);
  put16(&t, link_type);
  put16(&t, 0);
  put32(&t, TCT_PCAPNG_PACKET_MAX);
  if (n > 0)
    put_option(&t, OPT_IF_NAME, name, n);
  put_option(&t, OPT_IF_TSRESOL, &nanoseconds, 1);
  put_option(&t, OPT_END, NULL, 0);
  write_block(w, &t);
  return w->err != 0 ? w->err : (int)w->n_ifs++;
}

/* What follows the packet's bytes: their padding, options, and the block's length again. */
static void make_tail(struct text *t, const struct tct_pcapng_packet *p) {
  size_t comment_len = p->comment == NULL ? 0 : strnlen(p->comment, TCT_PCAPNG_COMMENT_MAX);
  t->len = (4 - p->len % 4) % 4;
  memset(t->b, 0, 4);
  if (comment_len == 0 && p->dir == TCT_PCAPNG_DIR_UNKNOWN)
    return;
  size_t padding = t->len;
  struct text options = {.len = 0};
  if (comment_len > 0)
    put_option(&options, OPT_COMMENT, p->comment, comment_len);
  if (p->dir != TCT_PCAPNG_DIR_UNKNOWN) {
    put16(&options, OPT_EPB_FLAGS);
    put16(&options, 4);
    put32(&options, (uint32_t)p->dir);
  }
  put_option(&options, OPT_END, NULL, 0);
  memcpy(t->b + padding, options.b, options.len);
  t->len = padding + options.len;
}

_Static_assert(TCT_PCAPNG_INBOUND == 1 && TCT_PCAPNG_OUTBOUND == 2, "the values of epb_flags");
_Static_assert(HEAD_MAX >= 4 + TCT_PCAPNG_COMMENT_MAX + 4 + 8 + 4 + 4, "a tail fits");

void tct_pcapng_put(struct tct_pcapng_writer *w, const struct tct_pcapng_packet *p) {
  struct text head = {.len = 0}, tail;
  uint64_t at = p->at + w->epoch_ns;
  uint64_t have = 0;
  for (size_t i = 0; i < p->n_iov; i++)
    have += p->iov[i].len;
  if (w->err != 0 || p->len > TCT_PCAPNG_PACKET_MAX || have != p->len || p->ifc >= w->n_ifs) {
    w->err = w->err != 0 ? w->err : TCT_EINVAL;
    return;
  }
  make_tail(&tail, p);
  uint32_t block_len = 28 + p->len + (uint32_t)tail.len + 4;
  put32(&head, BLOCK_PACKET);
  put32(&head, block_len);
  put32(&head, p->ifc);
  put32(&head, (uint32_t)(at >> 32));
  put32(&head, (uint32_t)at);
  put32(&head, p->len);
  put32(&head, p->len);
  put32(&tail, block_len);
  write_out(w, head.b, head.len);
  for (size_t i = 0; i < p->n_iov; i++)
    write_out(w, p->iov[i].base, p->iov[i].len);
  write_out(w, tail.b, tail.len);
  w->packets += w->err == 0;
}

void tct_pcapng_flush(struct tct_pcapng_writer *w) {
  if (w->err == 0 && w->file != NULL && fflush(w->file) != 0)
    w->err = -errno;
}

int tct_pcapng_close(struct tct_pcapng_writer *w) {
  if (w->file != NULL && fclose(w->file) != 0 && w->err == 0)
    w->err = -errno;
  w->file = NULL;
  w->put = NULL;
  return w->err;
}
