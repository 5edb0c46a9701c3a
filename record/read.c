/* SPDX-License-Identifier: MIT */
/*
 * read.c - takes a recording apart: blocks, entries, calls with their results.
 *
 * Called by the player and by `tercet replay`. The file may be anybody's: nothing in it is believed
 * before it was looked at. A last block that was never closed, or that stops early, is read as far
 * as its entries are whole: so a recording survives the crash that it is about.
 */
#include "record/read.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct bytes {
  uint8_t *p;
  size_t len, cap;
};

struct record_reader {
  FILE *file;
  char name[200], error[400];
  struct bytes block; /* without its header */
  size_t at;          /* of the next entry in it */
  uint64_t offset;    /* of the block in the file */
  uint64_t next_offset;
  uint32_t blocks;
  bool open;   /* the block was not closed: its entries are checked one by one */
  bool cut;    /* nothing follows */
  bool failed; /* error says why */
  struct bytes kept, about;
  uint64_t *refused;
  size_t n_refused, cap_refused;
  uint64_t calls;
  tct_time now;
};

/* ---- Errors and memory ----------------------------------------------------------------------- */

static bool fail(struct record_reader *r, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static bool fail(struct record_reader *r, const char *format, ...) {
  va_list args;
  int n = snprintf(r->error, sizeof r->error, "%s: ", r->name);
  va_start(args, format);
  vsnprintf(r->error + n, sizeof r->error - (size_t)n, format, args);
  va_end(args);
  r->failed = true;
  return false;
}

static bool fail_here(struct record_reader *r, const char *what) {
  return fail(r, "block %" PRIu32 ", which begins at byte %" PRIu64 ", %s", r->blocks - 1,
              r->offset, what);
}

static bool reserve(struct record_reader *r, struct bytes *b, size_t cap) {
  if (cap <= b->cap)
    return true;
  uint8_t *p = realloc(b->p, cap);
  if (p == NULL)
    return fail(r, "out of memory");
  b->p = p;
  b->cap = cap;
  return true;
}

static bool copy(struct record_reader *r, struct bytes *to, const void *from, size_t len) {
  if (!reserve(r, to, len + 1))
    return false;
  if (len > 0)
    memcpy(to->p, from, len);
  to->p[len] = '\0';
  to->len = len;
  return true;
}

/* ---- Blocks ---------------------------------------------------------------------------------- */

/* Grows with what is really there: a length that lies must not cost memory. */
static bool read_bytes(struct record_reader *r, size_t want) {
  r->block.len = 0;
  while (r->block.len < want) {
    size_t piece = want - r->block.len < RECORD_BLOCK_LEN ? want - r->block.len : RECORD_BLOCK_LEN;
    size_t cap = r->block.len + piece;
    if (cap > r->block.cap && !reserve(r, &r->block, cap > 2 * r->block.cap ? cap : 2 * cap))
      return false;
    size_t got = fread(r->block.p + r->block.len, 1, piece, r->file);
    r->block.len += got;
    if (got < piece)
      break;
  }
  return !ferror(r->file) || fail(r, "cannot be read: %s", strerror(errno));
}

static uint32_t word(const uint8_t *p) {
  return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static bool stop_here(struct record_reader *r) {
  r->cut = true;
  r->block.len = r->at = 0;
  return true;
}

static bool check_header(struct record_reader *r, const uint8_t *h) {
  if (word(h) != RECORD_MARK)
    return fail_here(r, "is no block of a recording");
  if (word(h + 12) != r->blocks - 1)
    return fail_here(r, "has another number: blocks are missing or in the wrong order");
  if (word(h + 4) > RECORD_BLOCK_MAX)
    return fail_here(r, "is longer than any block may be");
  return true;
}

/* The next block into r->block, which may then be empty: the end. */
static bool load_block(struct record_reader *r) {
  uint8_t h[RECORD_HEADER_LEN];
  static const uint8_t zeros[RECORD_HEADER_LEN];
  r->offset = r->next_offset;
  size_t got = fread(h, 1, sizeof h, r->file);
  r->at = 0;
  r->block.len = 0;
  r->blocks++;
  if (got == 0 && !ferror(r->file))
    return true;
  if (got < sizeof h || memcmp(h, zeros, sizeof h) == 0)
    return stop_here(r);
  if (!check_header(r, h))
    return false;
  size_t len = word(h + 4);
  if (!read_bytes(r, len != 0 ? len : RECORD_BLOCK_MAX))
    return false;
  r->next_offset = r->offset + sizeof h + len;
  r->open = len == 0 || r->block.len < len;
  if (!r->open && record_check_crc(r->block.p, len) != word(h + 8))
    return fail_here(r, "is damaged: its check sum is wrong");
  return true;
}

/* ---- Entries --------------------------------------------------------------------------------- */

/* What is not whole in an open block was never finished. */
static bool is_unfinished(struct record_reader *r) {
  return r->open ? stop_here(r) : fail_here(r, "holds an entry that is not whole");
}

static bool take_blob(struct record_cursor *k, const uint8_t **p, size_t *len) {
  uint64_t n = record_get(k);
  if (k->bad || n > (uint64_t)(k->end - k->p))
    return false;
  *p = k->p;
  *len = (size_t)n;
  k->p += n;
  return true;
}

static bool take_args(struct record_reader *r, struct record_call *c, struct record_cursor *k) {
  const struct record_shape *h = record_calls_shape(c->op);
  unsigned n = record_calls_count(h->args);
  for (unsigned i = 0; i < n; i++)
    c->arg[i] = record_get(k);
  if (h->before[0] != '\0' && !take_blob(k, &c->before, &c->before_len))
    return false;
  if (strncmp(h->args, "now", 3) == 0)
    r->now = c->arg[0] = r->now + (uint64_t)record_unzigzag(c->arg[0]);
  if (c->op == RECORD_NEW)
    r->now = 0;
  return !k->bad;
}

static bool take_result(struct record_call *c, struct record_cursor *k) {
  const struct record_shape *h = record_calls_shape(c->op);
  unsigned n = record_calls_count(h->outs);
  for (unsigned i = 0; i < n; i++)
    c->out[i] = record_unzigzag(record_get(k));
  bool has_bytes = k->p < k->end && *k->p == 1;
  if (k->p == k->end)
    return false;
  k->p++;
  c->has_result = !has_bytes || take_blob(k, &c->after, &c->after_len);
  return c->has_result;
}

/* 0 at the end; the block is loaded that holds the next entry. */
static int next_op(struct record_reader *r) {
  if (r->at == r->block.len && !r->cut && !r->open && !load_block(r))
    return -1;
  if (r->at >= r->block.len)
    return 0;
  unsigned op = r->block.p[r->at];
  if (op == RECORD_NOTHING && r->open) {
    stop_here(r);
    return 0;
  }
  if (record_calls_shape(op) != NULL)
    return (int)op;
  fail_here(r, "holds a call that this tercet does not know");
  return -1;
}

static bool add_refused(struct record_reader *r, struct record_cursor *k) {
  uint64_t number = record_get(k);
  if (k->bad)
    return false;
  if (r->n_refused == r->cap_refused) {
    size_t cap = r->cap_refused == 0 ? 16 : 2 * r->cap_refused;
    uint64_t *p = realloc(r->refused, cap * sizeof *p);
    if (p == NULL)
      return fail(r, "out of memory");
    r->refused = p;
    r->cap_refused = cap;
  }
  r->refused[r->n_refused++] = number;
  return true;
}

static struct record_cursor cursor_of(const struct record_reader *r) {
  return (struct record_cursor){r->block.p + r->at + 1, r->block.p + r->block.len, false};
}

/* The bytes of a call outlive its block if the result stands in the next one. */
static bool keep_before(struct record_reader *r, struct record_call *c) {
  if (r->at < r->block.len || c->before_len == 0 || c->before == r->kept.p)
    return true;
  if (!copy(r, &r->kept, c->before, c->before_len))
    return false;
  c->before = r->kept.p;
  return true;
}

/* From the call to its result, over refused allocations; none of it at the end of a cut file. */
static bool finish_call(struct record_reader *r, struct record_call *c) {
  bool wanted = record_calls_has_result(record_calls_shape(c->op));
  r->n_refused = 0;
  for (;;) {
    int op = keep_before(r, c) ? next_op(r) : -1;
    if (op < 0)
      return false;
    bool refused = op == RECORD_NO_MEMORY, result = op == RECORD_RESULT && wanted;
    if (op != 0 && !refused && !result && wanted)
      return fail_here(r, "has a call without its result");
    if (!refused && !result)
      break;
    struct record_cursor k = cursor_of(r);
    if (!(refused ? add_refused(r, &k) : take_result(c, &k)))
      return !r->failed && is_unfinished(r);
    r->at = (size_t)(k.p - r->block.p);
    if (result)
      break;
  }
  c->refused = r->refused;
  c->n_refused = r->n_refused;
  return true;
}

int record_read_next(struct record_reader *r, struct record_call *c) {
  int op = r->failed ? -1 : next_op(r);
  if (op <= 0)
    return op;
  memset(c, 0, sizeof *c);
  c->op = (enum record_op)op;
  c->offset = r->offset;
  struct record_cursor k = cursor_of(r);
  if (c->op == RECORD_RESULT || c->op == RECORD_NO_MEMORY) {
    fail_here(r, "has a result without its call");
    return -1;
  }
  if (!take_args(r, c, &k))
    return !r->failed && is_unfinished(r) ? 0 : -1;
  r->at = (size_t)(k.p - r->block.p);
  if (c->op != RECORD_ABOUT && c->op != RECORD_END)
    r->calls++;
  c->number = r->calls;
  c->now = r->now;
  if (c->op != RECORD_ABOUT && c->op != RECORD_END && !finish_call(r, c))
    return -1;
  return 1;
}

/* ---- Opening --------------------------------------------------------------------------------- */

static bool begin(struct record_reader *r) {
  char magic[RECORD_MAGIC_LEN] = {0};
  struct record_call c;
  size_t n = fread(magic, 1, sizeof magic, r->file), same = sizeof magic - 2;
  if (n != sizeof magic || memcmp(magic, RECORD_MAGIC, same) != 0)
    return fail(r, "is no recording (--record makes them)");
  if (memcmp(magic, RECORD_MAGIC, sizeof magic) != 0)
    return fail(r, "is a recording of another version than 1");
  r->next_offset = RECORD_MAGIC_LEN;
  int got = record_read_next(r, &c);
  if (got < 0)
    return false;
  if (got == 0 || c.op != RECORD_ABOUT)
    return fail(r, "does not begin as a recording does");
  return copy(r, &r->about, c.before, c.before_len);
}

struct record_reader *record_read_stream(FILE *f, const char *name, char *error, size_t cap) {
  struct record_reader *r = calloc(1, sizeof *r);
  if (r == NULL) {
    snprintf(error, cap, "out of memory");
    fclose(f);
    return NULL;
  }
  r->file = f;
  snprintf(r->name, sizeof r->name, "%s", name);
  if (begin(r))
    return r;
  snprintf(error, cap, "%s", r->error);
  record_read_free(r);
  return NULL;
}

struct record_reader *record_read_open(const char *path, char *error, size_t cap) {
  FILE *f = fopen(path, "rb");
  if (f != NULL)
    return record_read_stream(f, path, error, cap);
  snprintf(error, cap, "cannot read %s: %s", path, strerror(errno));
  return NULL;
}

void record_read_free(struct record_reader *r) {
  if (r == NULL)
    return;
  fclose(r->file);
  free(r->block.p);
  free(r->kept.p);
  free(r->about.p);
  free(r->refused);
  free(r);
}

const char *record_read_error(const struct record_reader *r) {
  return r->error;
}

bool record_read_is_cut(const struct record_reader *r) {
  return r->cut || r->open;
}

void record_read_about(const struct record_reader *r, const char *key, char *value, size_t cap) {
  const char *line = (const char *)r->about.p;
  size_t n = strlen(key);
  value[0] = '\0';
  while (line != NULL && *line != '\0') {
    size_t len = strcspn(line, "\n");
    if (len > n && memcmp(line, key, n) == 0 && line[n] == '=') {
      snprintf(value, cap, "%.*s", (int)(len - n - 1), line + n + 1);
      return;
    }
    line += len + (line[len] == '\n');
  }
}
