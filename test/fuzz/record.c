/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: recordings that nobody made. The first byte chooses: the rest is a whole file; or
 * the inside of a block, with the right check sum or never closed; or calls for the player, with
 * handles that exist. Whatever they say, all memory comes back and nothing is read past the end.
 */
#define _GNU_SOURCE
#include "test/fuzz/fuzz.h"

#include <stdio.h>
#include <string.h>

#include "record/play.h"

enum { FILE_MAX = 8192, MEMORY_MAX = 16 << 20, CALLS_MAX = 300 };

/* ---- Files ----------------------------------------------------------------------------------- */

static void play_file(const uint8_t *bytes, size_t len) {
  char error[300], text[300];
  struct record_play p;
  struct record_call c;
  FILE *f = fmemopen((void *)(uintptr_t)bytes, len, "rb");
  FUZZ_CHECK(f != NULL);
  struct record_reader *r = record_read_stream(f, "fuzz", error, sizeof error);
  if (r == NULL) {
    FUZZ_CHECK(error[0] != '\0');
    return;
  }
  record_play_init(&p);
  p.memory_max = MEMORY_MAX;
  int got;
  while ((got = record_read_next(r, &c)) == 1 && c.number < CALLS_MAX) {
    FUZZ_CHECK(c.offset < len && c.before_len <= len && c.after_len <= len);
    record_calls_text(&c, text, sizeof text);
    if (record_play_call(&p, &c) == RECORD_BAD)
      FUZZ_CHECK(p.why[0] != '\0');
  }
  FUZZ_CHECK(got >= 0 || record_read_error(r)[0] != '\0');
  record_play_deinit(&p);
  FUZZ_CHECK(p.memory == 0);
  record_read_free(r);
}

static void put_32(uint8_t *to, uint32_t v) {
  for (unsigned i = 0; i < 4; i++)
    to[i] = (uint8_t)(v >> 8 * i);
}

static void play_block(const uint8_t *data, size_t len, bool closed) {
  static const uint8_t about[] = {RECORD_ABOUT, 4, 'a', '=', 'b', '\n'};
  uint8_t file[RECORD_MAGIC_LEN + RECORD_HEADER_LEN + sizeof about + FILE_MAX];
  uint8_t *body = file + RECORD_MAGIC_LEN + RECORD_HEADER_LEN;
  len = len < FILE_MAX ? len : FILE_MAX;
  memcpy(file, RECORD_MAGIC, RECORD_MAGIC_LEN);
  memcpy(body, about, sizeof about);
  memcpy(body + sizeof about, data, len);
  len += sizeof about;
  put_32(file + 16, RECORD_MARK);
  put_32(file + 20, closed ? (uint32_t)len : 0);
  put_32(file + 24, record_check_crc(body, len));
  put_32(file + 28, 0);
  play_file(file, RECORD_MAGIC_LEN + RECORD_HEADER_LEN + len);
}

/* ---- Calls ----------------------------------------------------------------------------------- */

static enum record_verdict call(struct record_play *p, struct record_call *c) {
  c->number++;
  return record_play_call(p, c);
}

static tct_if begin(struct record_play *p, struct record_call *c) {
  static const char config[] = "deterministic=1\nlimits.buffer_bytes=4000000\nfastopen=3\n";
  static const uint8_t addr[16] = {[10] = 0xff, [11] = 0xff, 10, 0, 0, 1};
  *c = (struct record_call){.op = RECORD_NEW, .before = (const uint8_t *)config};
  c->before_len = sizeof config - 1;
  FUZZ_CHECK(call(p, c) == RECORD_SAME);
  *c = (struct record_call){.op = RECORD_IF_ADD, .arg = {0, 1500}};
  (void)call(p, c);
  tct_if made = {(uint32_t)p->out[1], (uint32_t)p->out[2]};
  *c = (struct record_call){.op = RECORD_IF_ADDR_ADD, .before = addr, .before_len = 16};
  c->arg[0] = made.index;
  c->arg[1] = made.gen;
  c->arg[2] = 24;
  FUZZ_CHECK(call(p, c) == RECORD_SAME && p->out[0] >= 0);
  return made;
}

static uint64_t number(struct fuzz_in *in) {
  switch (fuzz_below(in, 8)) {
  case 0:
    return fuzz_u8(in);
  case 1:
    return fuzz_u16(in);
  case 2:
    return fuzz_u32(in);
  case 3:
    return (uint64_t)fuzz_u32(in) << 32 | fuzz_u32(in);
  default:
    return fuzz_below(in, 4);
  }
}

/* The n-th socket that there is, into the first two arguments. */
static void choose_sock(struct record_play *p, struct record_call *c, unsigned n) {
  tct_sock k = {0, 0};
  for (unsigned i = 0; i <= n % 8; i++)
    if (!tct_sock_next(p->stack, &k))
      break;
  c->arg[0] = k.index;
  c->arg[1] = k.gen;
}

static void play_calls(struct fuzz_in *in) {
  struct record_play p;
  struct record_call c;
  char text[300];
  tct_time now = 0;
  record_play_init(&p);
  p.memory_max = MEMORY_MAX;
  tct_if made = begin(&p, &c);
  for (unsigned i = 0; i < CALLS_MAX && in->left > 0; i++) {
    memset(&c, 0, sizeof c);
    c.op = (enum record_op)(1 + fuzz_below(in, RECORD_OPS - 1));
    const struct record_shape *h = record_calls_shape(c.op);
    unsigned n = record_calls_count(h->args);
    for (unsigned k = 0; k < n; k++)
      c.arg[k] = number(in);
    if (strncmp(h->args, "now if", 6) == 0 && c.arg[1] != 3) {
      c.arg[1] = made.index;
      c.arg[2] = made.gen;
    }
    if (strncmp(h->args, "sock", 4) == 0 && p.stack != NULL)
      choose_sock(&p, &c, fuzz_u8(in));
    size_t before = h->before[0] != '\0' ? fuzz_u8(in) : 0, after = fuzz_below(in, 4) * 20;
    c.before = fuzz_take(in, &before);
    c.before_len = before;
    c.after = fuzz_take(in, &after);
    c.after_len = after;
    c.has_result = after > 0;
    if (strncmp(h->args, "now", 3) == 0)
      c.arg[0] = now = now + c.arg[0] % 100000000000u;
    c.now = now;
    record_calls_text(&c, text, sizeof text);
    (void)record_play_call(&p, &c);
  }
  record_play_deinit(&p);
  FUZZ_CHECK(p.memory == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_in in = {data, size};
  unsigned way = fuzz_below(&in, 4);
  if (way == 3)
    play_calls(&in);
  else if (way == 0 && in.left > 0)
    play_file(in.p, in.left);
  else
    play_block(in.p, in.left, way == 1);
  return 0;
}
