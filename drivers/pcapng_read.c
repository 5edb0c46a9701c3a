/* SPDX-License-Identifier: MIT */
/*
 * pcapng_read.c - reads capture files, block by block, in either byte order; also the older format
 * that tcpdump writes, which is one section with one interface.
 *
 * Called by explain, by tests and by the browser's page. Knows section, interface, enhanced and
 * simple packet blocks; everything else is skipped by its length. The file is hostile: every
 * length is checked against the block that holds it, the block against a bound and against its
 * own repeated length. The first error ends reading, with one sentence that names file, byte and
 * what is wrong. The format is draft-ietf-opsawg-pcapng.
 */
#define _GNU_SOURCE
#include "drivers/pcapng.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

enum {
  BLOCK_SECTION = 0x0a0d0d0a,
  BLOCK_INTERFACE = 1,
  BLOCK_SIMPLE = 3,
  BLOCK_PACKET = 6,
  OPT_END = 0,
  OPT_COMMENT = 1,
  OPT_EPB_FLAGS = 2,
  OPT_IF_TSRESOL = 9,
  OPT_IF_TSOFFSET = 14,
  SECTION_MIN = 28,
  OLD_HEADER = 24, /* of the file */
  OLD_RECORD = 16  /* before each packet */
};

struct interface {
  uint16_t link_type;
  uint8_t resolution; /* if_tsresol: 10^-n, with the top bit 2^-n */
  uint32_t snap_len;
  int64_t offset_s;
};

struct tct_pcapng_reader {
  FILE *file; /* NULL: memory */
  const uint8_t *mem;
  size_t mem_len;
  uint64_t at, block_at; /* next byte; first byte of this block */
  uint64_t packets;
  uint8_t *block; /* the body of this block, the type and lengths left out */
  size_t block_cap, block_len;
  struct interface *ifs;
  uint32_t n_ifs, ifs_cap;
  bool big_endian, is_old;
  int failed;
  char name[256];
  char error[512];
  char comment[TCT_PCAPNG_COMMENT_MAX + 1];
};

__attribute__((format(printf, 3, 4))) static int fail(struct tct_pcapng_reader *r, int err,
                                                      const char *format, ...) {
  char words[200];
  va_list args;
  va_start(args, format);
  vsnprintf(words, sizeof words, format, args);
  va_end(args);
  snprintf(r->error, sizeof r->error, "%s: %s (block at byte %llu)", r->name, words,
           (unsigned long long)r->block_at);
  r->failed = err;
  return err;
}

static uint32_t get16(const struct tct_pcapng_reader *r, const uint8_t *p) {
  return r->big_endian ? (uint32_t)p[0] << 8 | p[1] : (uint32_t)p[1] << 8 | p[0];
}

static uint32_t get32(const struct tct_pcapng_reader *r, const uint8_t *p) {
  return r->big_endian ? get16(r, p) << 16 | get16(r, p + 2) : get16(r, p + 2) << 16 | get16(r, p);
}

static size_t read_some(struct tct_pcapng_reader *r, void *to, size_t n) {
  size_t got = n;
  if (r->file != NULL) {
    got = fread(to, 1, n, r->file);
  } else {
    if (got > r->mem_len - r->at)
      got = r->mem_len - (size_t)r->at;
    if (got != 0)
      memcpy(to, r->mem + r->at, got);
  }
  r->at += got;
  return got;
}

static int fail_short(struct tct_pcapng_reader *r) {
  if (r->file != NULL && ferror(r->file))
    return fail(r, errno != 0 ? -errno : TCT_EPROTO, "cannot be read: %s", strerror(errno));
  return fail(r, TCT_EPROTO,
              "ends in the middle of a block, as when the program that wrote it was stopped");
}

static int skip(struct tct_pcapng_reader *r, uint32_t n) {
  uint8_t buf[4096];
  while (n > 0) {
    size_t want = n < sizeof buf ? n : sizeof buf;
    if (read_some(r, buf, want) != want)
      return fail_short(r);
    n -= (uint32_t)want;
  }
  return 0;
}

static int reserve_block(struct tct_pcapng_reader *r, size_t n) {
  if (n <= r->block_cap)
    return 0;
  uint8_t *p = realloc(r->block, n);
  if (p == NULL)
    return fail(r, TCT_ENOMEM, "no memory for a block of %zu bytes", n);
  r->block = p;
  r->block_cap = n;
  return 0;
}

/* The body and the repeated length. `done` bytes of the body are there already. */
static int read_body(struct tct_pcapng_reader *r, uint32_t len, uint32_t done) {
  uint8_t again[4];
  r->block_len = len - 12;
  if (len - 12 > done && read_some(r, r->block + done, len - 12 - done) != len - 12 - done)
    return fail_short(r);
  if (read_some(r, again, 4) != 4)
    return fail_short(r);
  if (get32(r, again) != len)
    return fail(r, TCT_EPROTO, "a block says it has %u bytes at its start and %u at its end", len,
                get32(r, again));
  return 0;
}

static bool is_known(uint32_t type) {
  return type == BLOCK_SECTION || type == BLOCK_INTERFACE || type == BLOCK_SIMPLE ||
         type == BLOCK_PACKET;
}

static int check_len(struct tct_pcapng_reader *r, uint32_t type, uint32_t len) {
  uint32_t least = type == BLOCK_SECTION     ? SECTION_MIN
                   : type == BLOCK_INTERFACE ? 20
                   : type == BLOCK_SIMPLE    ? 16
                   : type == BLOCK_PACKET    ? 32
                                             : 12;
  if (len < least || len % 4 != 0)
    return fail(r, TCT_EPROTO, "block length %u is impossible", len);
  if (is_known(type) && len > TCT_PCAPNG_BLOCK_MAX)
    return fail(r, TCT_EPROTO, "a block of %u bytes is more than the %d we read", len,
                TCT_PCAPNG_BLOCK_MAX);
  return 0;
}

/* The byte order is known only after the magic that follows the length. */
static int read_section(struct tct_pcapng_reader *r, const uint8_t *length) {
  uint8_t magic[4];
  if (read_some(r, magic, 4) != 4)
    return fail_short(r);
  r->big_endian = magic[0] == 0x1a;
  if (get32(r, magic) != 0x1a2b3c4d)
    return fail(r, TCT_EPROTO, "a section without the byte-order mark of pcapng");
  uint32_t len = get32(r, length);
  int err = check_len(r, BLOCK_SECTION, len);
  if (err == 0)
    err = reserve_block(r, len);
  if (err != 0)
    return err;
  memcpy(r->block, magic, 4);
  err = read_body(r, len, 4);
  if (err == 0 && get16(r, r->block + 4) != 1)
    return fail(r, TCT_EPROTO, "pcapng version %u.%u; we read version 1", get16(r, r->block + 4),
                get16(r, r->block + 6));
  r->n_ifs = 0; /* interfaces belong to their section */
  return err;
}

/* Calls fn for each option from p on; a length that lies ends the list. */
typedef void (*option_fn)(struct tct_pcapng_reader *r, void *ctx, uint32_t code, const uint8_t *p,
                          uint32_t len);

static void walk_options(struct tct_pcapng_reader *r, size_t from, option_fn fn, void *ctx) {
  while (from + 4 <= r->block_len) {
    uint32_t code = get16(r, r->block + from), len = get16(r, r->block + from + 2);
    from += 4;
    if (code == OPT_END || len > r->block_len - from)
      return;
    fn(r, ctx, code, r->block + from, len);
    from += (len + 3) & ~(size_t)3;
  }
}

static void on_interface_option(struct tct_pcapng_reader *r, void *ctx, uint32_t code,
                                const uint8_t *p, uint32_t len) {
  struct interface *i = ctx;
  if (code == OPT_IF_TSRESOL && len == 1)
    i->resolution = p[0];
  if (code == OPT_IF_TSOFFSET && len == 8) {
    uint64_t high = get32(r, r->big_endian ? p : p + 4), low = get32(r, r->big_endian ? p + 4 : p);
    i->offset_s = (int64_t)(high << 32 | low);
  }
}

static int read_interface(struct tct_pcapng_reader *r) {
  if (r->n_ifs == TCT_PCAPNG_IFS_MAX)
    return fail(r, TCT_EPROTO, "more than %d interfaces", TCT_PCAPNG_IFS_MAX);
  if (r->n_ifs == r->ifs_cap) {
    uint32_t cap = r->ifs_cap == 0 ? 4 : r->ifs_cap * 2;
    struct interface *p = realloc(r->ifs, cap * sizeof *p);
    if (p == NULL)
      return fail(r, TCT_ENOMEM, "no memory for %u interfaces", cap);
    r->ifs = p;
    r->ifs_cap = cap;
  }
  struct interface *i = &r->ifs[r->n_ifs++];
  *i = (struct interface){.link_type = (uint16_t)get16(r, r->block),
                          .resolution = 6,
                          .snap_len = get32(r, r->block + 4)};
  walk_options(r, 8, on_interface_option, i);
  return 0;
}

static uint64_t mul_saturating(uint64_t a, uint64_t b) {
  return b != 0 && a > UINT64_MAX / b ? UINT64_MAX : a * b;
}

/* Clocks beyond what 64 bits of nanoseconds hold (year 2554) stop there. */
static tct_time to_ns(const struct interface *i, uint64_t units) {
  unsigned n = i->resolution & 0x7f;
  uint64_t ns = 0;
  if ((i->resolution & 0x80) != 0) {
    uint64_t whole = n < 64 ? units >> n : 0;
    uint64_t part = n == 0 ? 0 : n < 64 ? units & (UINT64_MAX >> (64 - n)) : units;
    for (; n > 34; n--) /* so that part * 10^9 fits; what goes is below a nanosecond */
      part >>= 1;
    part = part * 1000000000u >> n;
    ns = mul_saturating(whole, 1000000000u);
    ns = ns > UINT64_MAX - part ? UINT64_MAX : ns + part;
  } else {
    ns = units;
    for (; n < 9; n++)
      ns = mul_saturating(ns, 10);
    for (; n > 9 && ns != 0; n--)
      ns /= 10;
  }
  uint64_t shift =
      mul_saturating((uint64_t)(i->offset_s < 0 ? -(i->offset_s + 1) : i->offset_s), 1000000000u);
  if (i->offset_s < 0)
    return ns > shift + 1000000000u && shift < UINT64_MAX / 2 ? ns - shift - 1000000000u : 0;
  return ns > UINT64_MAX - shift ? UINT64_MAX : ns + shift;
}

static void on_packet_option(struct tct_pcapng_reader *r, void *ctx, uint32_t code,
                             const uint8_t *p, uint32_t len) {
  struct tct_pcapng_record *out = ctx;
  if (code == OPT_EPB_FLAGS && len == 4) {
    uint32_t dir = get32(r, p) & 3;
    out->dir = dir == 3 ? TCT_PCAPNG_DIR_UNKNOWN : (enum tct_pcapng_dir)dir;
  }
  if (code != OPT_COMMENT)
    return;
  size_t have = strlen(r->comment);
  size_t room = TCT_PCAPNG_COMMENT_MAX - have;
  if (have > 0 && room > 0) {
    r->comment[have++] = '\n';
    room--;
  }
  size_t n = strnlen((const char *)p, len < room ? len : room);
  memcpy(r->comment + have, p, n);
  r->comment[have + n] = '\0';
}

static int fill_packet(struct tct_pcapng_reader *r, struct tct_pcapng_record *out, size_t at) {
  if (out->ifc >= r->n_ifs)
    return fail(r, TCT_EPROTO, "a packet of interface %u, which was not described", out->ifc);
  if (out->len > r->block_len - at)
    return fail(r, TCT_EPROTO, "a packet of %u bytes in a block with room for %zu", out->len,
                r->block_len - at);
  if (out->len > TCT_PCAPNG_PACKET_MAX)
    return fail(r, TCT_EPROTO, "a packet of %u bytes is more than the %d we read", out->len,
                TCT_PCAPNG_PACKET_MAX);
  out->bytes = r->block + at;
  out->link_type = r->ifs[out->ifc].link_type;
  out->number = ++r->packets;
  out->offset = r->block_at;
  out->comment = r->comment;
  return 1;
}

static int read_packet(struct tct_pcapng_reader *r, struct tct_pcapng_record *out) {
  const uint8_t *p = r->block;
  *out = (struct tct_pcapng_record){
      .ifc = get32(r, p), .len = get32(r, p + 12), .wire_len = get32(r, p + 16)};
  int got = fill_packet(r, out, 20);
  if (got != 1)
    return got;
  out->has_time = true;
  out->at = to_ns(&r->ifs[out->ifc], (uint64_t)get32(r, p + 4) << 32 | get32(r, p + 8));
  walk_options(r, 20 + (((size_t)out->len + 3) & ~(size_t)3), on_packet_option, out);
  return 1;
}

static int read_simple(struct tct_pcapng_reader *r, struct tct_pcapng_record *out) {
  *out = (struct tct_pcapng_record){.wire_len = get32(r, r->block)};
  uint32_t snap = r->n_ifs > 0 ? r->ifs[0].snap_len : 0;
  out->len = snap != 0 && snap < out->wire_len ? snap : out->wire_len;
  return fill_packet(r, out, 4);
}

/* 1: out is filled; 0: a block without a packet; < 0: failed. */
static int read_block(struct tct_pcapng_reader *r, const uint8_t *head,
                      struct tct_pcapng_record *out) {
  uint32_t type = get32(r, head), len = get32(r, head + 4);
  r->comment[0] = '\0';
  if (type == BLOCK_SECTION)
    return read_section(r, head + 4);
  int err = check_len(r, type, len);
  if (err == 0 && !is_known(type))
    return skip(r, len - 8);
  if (err == 0)
    err = reserve_block(r, len);
  if (err == 0)
    err = read_body(r, len, 0);
  if (err != 0)
    return err;
  if (type == BLOCK_INTERFACE)
    return read_interface(r);
  return type == BLOCK_PACKET ? read_packet(r, out) : read_simple(r, out);
}

/* ---- The older format ------------------------------------------------------------------------ */

/* Microseconds, or nanoseconds by another magic; false: neither. */
static bool is_old_magic(struct tct_pcapng_reader *r, const uint8_t *head, uint8_t *resolution) {
  for (int big = 0; big < 2; big++) {
    r->big_endian = big != 0;
    uint32_t magic = get32(r, head);
    *resolution = magic == 0xa1b23c4d ? 9 : 6;
    if (magic == 0xa1b2c3d4 || magic == 0xa1b23c4d)
      return true;
  }
  r->big_endian = false;
  return false;
}

static int begin_old(struct tct_pcapng_reader *r, uint8_t resolution) {
  uint8_t rest[OLD_HEADER - 8]; /* after magic and version */
  if (read_some(r, rest, sizeof rest) != sizeof rest)
    return fail_short(r);
  r->ifs = calloc(1, sizeof *r->ifs);
  if (r->ifs == NULL)
    return fail(r, TCT_ENOMEM, "no memory");
  r->n_ifs = r->ifs_cap = 1;
  r->ifs[0] =
      (struct interface){.link_type = (uint16_t)get16(r, r->big_endian ? rest + 14 : rest + 12),
                         .resolution = resolution};
  r->is_old = true;
  return 0;
}

static int read_old(struct tct_pcapng_reader *r, struct tct_pcapng_record *out) {
  uint8_t head[OLD_RECORD];
  r->block_at = r->at;
  size_t n = read_some(r, head, sizeof head);
  if (n == 0 && (r->file == NULL || !ferror(r->file)))
    return 0;
  if (n < sizeof head)
    return fail_short(r);
  *out = (struct tct_pcapng_record){.len = get32(r, head + 8), .wire_len = get32(r, head + 12)};
  if (out->len > TCT_PCAPNG_PACKET_MAX)
    return fail(r, TCT_EPROTO, "a packet of %u bytes is more than the %d we read", out->len,
                TCT_PCAPNG_PACKET_MAX);
  if (reserve_block(r, out->len + 1) != 0)
    return r->failed;
  if (out->len != 0 && read_some(r, r->block, out->len) != out->len)
    return fail_short(r);
  r->block_len = out->len;
  out->has_time = true;
  out->at = mul_saturating(get32(r, head), 1000000000u);
  out->at += mul_saturating(get32(r, head + 4), r->ifs[0].resolution == 9 ? 1 : 1000);
  return fill_packet(r, out, 0);
}

/* ---- Both ------------------------------------------------------------------------------------ */

int tct_pcapng_next(struct tct_pcapng_reader *r, struct tct_pcapng_record *out) {
  uint8_t head[8];
  int got = 0;
  if (r->is_old && r->failed == 0)
    return read_old(r, out);
  while (r->failed == 0 && got == 0) {
    r->block_at = r->at;
    size_t n = read_some(r, head, sizeof head);
    if (n == 0 && (r->file == NULL || !ferror(r->file)))
      return 0;
    got = n < sizeof head ? fail_short(r) : read_block(r, head, out);
  }
  return r->failed != 0 ? r->failed : got;
}

/* The first block, which must be a section, or the older format's header. */
static int begin(struct tct_pcapng_reader *r) {
  uint8_t head[8] = {0}, resolution;
  size_t n = read_some(r, head, sizeof head);
  if (n >= 4 && is_old_magic(r, head, &resolution))
    return n < sizeof head ? fail_short(r) : begin_old(r, resolution);
  if (n < sizeof head || get32(r, head) != BLOCK_SECTION)
    return fail(r, TCT_EPROTO,
                n == 0 ? "the file is empty" : "this is no capture file (pcapng or pcap)");
  return read_section(r, head + 4);
}

static struct tct_pcapng_reader *start(struct tct_pcapng_reader *r, char *error, size_t cap) {
  if (r->failed == 0 && begin(r) == 0)
    return r;
  snprintf(error, cap, "%s", r->error);
  tct_pcapng_reader_free(r);
  return NULL;
}

static struct tct_pcapng_reader *new_reader(const char *name, char *error, size_t cap) {
  struct tct_pcapng_reader *r = calloc(1, sizeof *r);
  if (r == NULL)
    snprintf(error, cap, "%s: no memory", name);
  else
    snprintf(r->name, sizeof r->name, "%s", name);
  return r;
}

struct tct_pcapng_reader *tct_pcapng_open(const char *path, char *error, size_t cap) {
  struct tct_pcapng_reader *r = new_reader(path, error, cap);
  if (r == NULL)
    return NULL;
  r->file = fopen(path, "rb");
  if (r->file == NULL) {
    snprintf(r->error, sizeof r->error, "cannot open %s: %s", path, strerror(errno));
    r->failed = -errno;
  }
  return start(r, error, cap);
}

struct tct_pcapng_reader *tct_pcapng_open_mem(const void *bytes, size_t len, const char *name,
                                              char *error, size_t cap) {
  struct tct_pcapng_reader *r = new_reader(name, error, cap);
  if (r == NULL)
    return NULL;
  r->mem = bytes;
  r->mem_len = len;
  return start(r, error, cap);
}

const char *tct_pcapng_error(const struct tct_pcapng_reader *r) {
  return r->error;
}

void tct_pcapng_reader_free(struct tct_pcapng_reader *r) {
  if (r == NULL)
    return;
  if (r->file != NULL)
    fclose(r->file);
  free(r->block);
  free(r->ifs);
  free(r);
}
