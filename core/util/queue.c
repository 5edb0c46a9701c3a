/* SPDX-License-Identifier: MIT */
/* Byte queue made of chunks. See queue.h for what is promised.
 *
 * A chunk covers [start, start + cap); chunks are sorted and disjoint. After append_space there may
 * be chunks at or after `end` that hold nothing yet. */
#include "util/queue.h"

#include "util/steps.h"
#include "util/assert.h"
#include "util/mem.h"

#define SPAN_MAX 0x40000000u /* bytes in one call; far below 2^31, where order would be lost */

static tct_seq get_chunk_end(const struct tct_chunk *chunk) {
  return tct_seq_add(chunk->start, chunk->cap);
}

static uint32_t get_charge(const struct tct_chunk *chunk) {
  uint32_t block = tct_chunk_block_bytes((enum tct_chunk_class)chunk->kind);
  return chunk->kind == TCT_CHUNK_LENT ? block + chunk->cap : block;
}

/* -- finding --------------------------------------------------------------------------------------
 */

static void remember(struct tct_queue *q, struct tct_chunk *chunk, uint32_t which) {
  q->hint[which] = chunk;
  q->hint_oldest = which ^ 1;
}

static void forget(struct tct_queue *q, const struct tct_chunk *chunk) {
  for (uint32_t i = 0; i < 2; i++)
    if (q->hint[i] == chunk)
      q->hint[i] = NULL;
}

/* The last chunk that starts at or before pos, walking from the known chunk nearest before it; NULL
 * if there is none. */
static struct tct_chunk *find_chunk(struct tct_queue *q, tct_seq pos) {
  if (q->head == NULL || q->tail == NULL || tct_seq_gt(q->head->start, pos)) /* both or neither */
    return NULL;
  if (tct_seq_leq(q->tail->start, pos))
    return q->tail;
  struct tct_chunk *from = q->head;
  uint32_t which = q->hint_oldest;
  for (uint32_t i = 0; i < 2; i++) {
    struct tct_chunk *hint = q->hint[i];
    if (hint != NULL && tct_seq_leq(hint->start, pos) && tct_seq_gt(hint->start, from->start)) {
      from = hint;
      which = i;
    }
  }
  struct tct_chunk *chunk = from;
  while (chunk->next != NULL && tct_seq_leq(chunk->next->start, pos)) {
    chunk = chunk->next;
    q->walk_steps++;
    TCT_STEP();
  }
  if (chunk != from)
    remember(q, chunk, which);
  return chunk;
}

/* -- chunks in and out ----------------------------------------------------------------------------
 */

static void link_after(struct tct_queue *q, struct tct_chunk *prev, struct tct_chunk *chunk) {
  struct tct_chunk **place = prev == NULL ? &q->head : &prev->next;
  chunk->next = *place;
  *place = chunk;
  if (chunk->next == NULL)
    q->tail = chunk;
  q->charged_bytes += get_charge(chunk);
}

/* Where a chunk goes that is off the list and not charged any more. */
static void let_go(struct tct_queue *q, struct tct_chunk_pool *pool, struct tct_chunk *chunk) {
  if (chunk->kind != TCT_CHUNK_LENT) {
    tct_chunk_free(pool, chunk);
    return;
  }
  chunk->next = NULL;
  if (q->returned == NULL)
    q->returned = chunk;
  else
    q->returned_tail->next = chunk;
  q->returned_tail = chunk;
}

/* The chunk is off the list already. */
static void drop_chunk(struct tct_queue *q, struct tct_chunk_pool *pool, struct tct_chunk *chunk) {
  forget(q, chunk);
  q->charged_bytes -= get_charge(chunk);
  let_go(q, pool, chunk);
}

static __attribute__((noinline)) void let_all_go(struct tct_queue *q, struct tct_chunk_pool *pool,
                                                 struct tct_chunk *chunk) {
  while (chunk != NULL) {
    struct tct_chunk *next = chunk->next;
    let_go(q, pool, chunk);
    chunk = next;
  }
}

/* Mostly there is one. */
static inline void drop_all(struct tct_queue *q, struct tct_chunk_pool *pool) {
  struct tct_chunk *first = q->head;
  q->head = q->tail = q->hint[0] = q->hint[1] = NULL;
  q->charged_bytes = 0;
  if (first != NULL && first->next == NULL)
    let_go(q, pool, first);
  else
    let_all_go(q, pool, first);
}

static void drop_head(struct tct_queue *q, struct tct_chunk_pool *pool) {
  struct tct_chunk *chunk = q->head;
  q->head = chunk->next;
  if (q->head == NULL)
    q->tail = NULL;
  drop_chunk(q, pool, chunk);
}

/* A large chunk only where bytes follow on others, much is held or coming, and most of it will be
 * used. */
static inline struct tct_chunk *take_chunk(struct tct_queue *q, struct tct_chunk_pool *pool,
                                           uint32_t want, uint32_t gap) {
  bool bulk = q->charged_bytes > TCT_QUEUE_BULK_BYTES || want > TCT_QUEUE_BULK_BYTES;
  if (bulk && gap >= tct_chunk_data_bytes(TCT_CHUNK_LARGE) / 2) {
    struct tct_chunk *chunk = tct_chunk_new(pool, TCT_CHUNK_LARGE);
    if (chunk != NULL)
      return chunk;
  }
  return tct_chunk_new(pool, TCT_CHUNK_SMALL);
}

/* A new chunk behind prev (NULL: in front) that covers pos. Bytes that leave a hole before them get
 * a small chunk that starts on a grid, so that a hostile peer's scattered single bytes share
 * blocks: then memory held stays near the span of positions, whatever the order of arrival. */
static struct tct_chunk *insert_chunk(struct tct_queue *q, struct tct_chunk_pool *pool,
                                      struct tct_chunk *prev, tct_seq pos, uint32_t want) {
  tct_seq floor = prev == NULL ? q->begin : get_chunk_end(prev);
  struct tct_chunk *next = prev == NULL ? q->head : prev->next;
  uint32_t gap = next == NULL ? UINT32_MAX : tct_seq_len(pos, next->start);
  bool leaves_hole = pos != floor;
  struct tct_chunk *chunk = take_chunk(q, pool, leaves_hole ? 0 : want, leaves_hole ? 0 : gap);
  if (chunk == NULL)
    return NULL;
  uint32_t room = tct_chunk_data_bytes((enum tct_chunk_class)chunk->kind);
  TCT_ASSERT(room > 0); /* lent memory comes another way */
  chunk->start = leaves_hole ? tct_seq_max(floor, tct_seq_sub(pos, pos % room)) : pos;
  chunk->cap = next == NULL ? room : tct_min_u32(room, tct_seq_len(chunk->start, next->start));
  link_after(q, prev, chunk);
  return chunk;
}

/* The same for the first bytes of an empty queue. */
static struct tct_chunk *begin_chain(struct tct_queue *q, struct tct_chunk_pool *pool,
                                     uint32_t want) {
  struct tct_chunk *chunk = take_chunk(q, pool, want, UINT32_MAX);
  if (chunk == NULL)
    return NULL;
  chunk->start = q->begin;
  chunk->cap = tct_chunk_data_bytes((enum tct_chunk_class)chunk->kind);
  link_after(q, NULL, chunk);
  return chunk;
}

/* What it comes to for a few bytes if a block is idle, as most queues begin: what they hold is
 * read, or acknowledged, before more comes. NULL: it is not so. */
static inline struct tct_chunk *begin_small(struct tct_queue *q, struct tct_chunk_pool *pool,
                                            uint32_t len) {
  const uint32_t room = tct_chunk_data_bytes(TCT_CHUNK_SMALL);
  if (pool->idle[TCT_CHUNK_SMALL] == NULL || len > room)
    return NULL;
  struct tct_chunk *chunk = tct_chunk_new(pool, TCT_CHUNK_SMALL);
  chunk->start = q->begin;
  chunk->cap = room;
  q->head = q->tail = chunk;
  q->charged_bytes += tct_chunk_block_bytes(TCT_CHUNK_SMALL);
  return chunk;
}

/* The chunk that covers pos, made if need be; NULL without memory. */
static struct tct_chunk *reach(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos,
                               uint32_t want) {
  if (q->head == NULL && pos == q->begin)
    return begin_chain(q, pool, want);
  struct tct_chunk *chunk = find_chunk(q, pos);
  if (chunk != NULL && tct_seq_lt(pos, get_chunk_end(chunk)))
    return chunk;
  return insert_chunk(q, pool, chunk, pos, want);
}

/* -- life -----------------------------------------------------------------------------------------
 */

void tct_queue_init(struct tct_queue *q, tct_seq begin) {
  *q = (struct tct_queue){.begin = begin, .end = begin};
}

void tct_queue_deinit(struct tct_queue *q, struct tct_chunk_pool *pool) {
  if (q->head != NULL)
    tct_queue_discard_from(q, pool, q->begin);
}

/* -- writing --------------------------------------------------------------------------------------
 */

/* Here, and in write for the usual case, stream bytes are copied in. Lent memory is not ours to
 * write; what arrives for it again is there already. */
static uint32_t copy_in(struct tct_chunk *chunk, tct_seq pos, const uint8_t *from, uint32_t len) {
  uint32_t offset = tct_seq_len(chunk->start, pos);
  uint32_t piece = tct_min_u32(len, chunk->cap - offset);
  if (chunk->kind == TCT_CHUNK_LENT)
    return piece;
  memcpy(chunk->data + offset, from, piece);
  chunk->fill = tct_max_u32(chunk->fill, offset + piece);
  return piece;
}

static bool fits_behind(const struct tct_chunk *chunk, tct_seq pos, uint32_t len) {
  return chunk->kind != TCT_CHUNK_LENT && tct_seq_leq(chunk->start, pos) &&
         tct_seq_len(chunk->start, pos) + len <= chunk->cap;
}

static __attribute__((noinline)) uint32_t write_anywhere(struct tct_queue *q,
                                                         struct tct_chunk_pool *pool, tct_seq pos,
                                                         const uint8_t *from, uint32_t len) {
  uint32_t done = 0;
  while (done < len) {
    tct_seq at = tct_seq_add(pos, done);
    struct tct_chunk *chunk = reach(q, pool, at, len - done);
    if (chunk == NULL)
      break;
    done += copy_in(chunk, at, from + done, len - done);
  }
  if (done > 0)
    q->end = tct_seq_max(q->end, tct_seq_add(pos, done));
  return done;
}

/* Mostly behind the last bytes, or as the first of an empty queue, and all in one chunk. */
TCT_HOT static inline uint32_t write(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos,
                                     const void *data, uint32_t len) {
  TCT_ASSERT(len <= SPAN_MAX && tct_seq_len(q->begin, pos) <= SPAN_MAX);
  struct tct_chunk *chunk = q->tail;
  if (pos != q->end || len == 0)
    return write_anywhere(q, pool, pos, data, len);
  if (q->head == NULL && pos == q->begin)
    chunk = begin_small(q, pool, len);
  if (chunk == NULL || !fits_behind(chunk, pos, len))
    return write_anywhere(q, pool, pos, data, len);
  uint32_t offset = tct_seq_len(chunk->start, pos);
  chunk->fill = tct_max_u32(chunk->fill, offset + len);
  q->end = tct_seq_add(pos, len);
  memcpy(chunk->data + offset, data, len);
  return len;
}

uint32_t tct_queue_write_at(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos,
                            const void *data, uint32_t len) {
  return write(q, pool, pos, data, len);
}

uint32_t tct_queue_append(struct tct_queue *q, struct tct_chunk_pool *pool, const void *data,
                          uint32_t len) {
  q->reserved_bytes = 0;
  return write(q, pool, q->end, data, len);
}

uint32_t tct_queue_append_space(struct tct_queue *q, struct tct_chunk_pool *pool, tct_iov *iov,
                                unsigned *n, uint32_t want) {
  TCT_ASSERT(want <= SPAN_MAX && tct_queue_len(q) <= SPAN_MAX);
  unsigned pieces = 0;
  uint32_t offered = 0;
  while (pieces < *n && offered < want) {
    tct_seq at = tct_seq_add(q->end, offered);
    struct tct_chunk *chunk = reach(q, pool, at, want - offered);
    if (chunk == NULL)
      break;
    uint32_t offset = tct_seq_len(chunk->start, at);
    uint32_t piece = tct_min_u32(want - offered, chunk->cap - offset);
    iov[pieces++] = (tct_iov){.base = chunk->data + offset, .len = piece};
    offered += piece;
  }
  *n = pieces;
  q->reserved_bytes = offered;
  return offered;
}

bool tct_queue_append_commit(struct tct_queue *q, uint32_t len) {
  if (len > q->reserved_bytes)
    return false;
  q->reserved_bytes = 0;
  while (len > 0) {
    struct tct_chunk *chunk = find_chunk(q, q->end);
    TCT_ASSERT(chunk != NULL);
    uint32_t offset = tct_seq_len(chunk->start, q->end);
    uint32_t piece = tct_min_u32(len, chunk->cap - offset);
    chunk->fill = offset + piece;
    q->end = tct_seq_add(q->end, piece);
    len -= piece;
  }
  return true;
}

bool tct_queue_append_lent(struct tct_queue *q, struct tct_chunk_pool *pool, const void *base,
                           uint32_t len, uint64_t token) {
  TCT_ASSERT(len > 0 && len <= SPAN_MAX && tct_queue_len(q) <= SPAN_MAX);
  struct tct_chunk *chunk = tct_chunk_new(pool, TCT_CHUNK_LENT);
  if (chunk == NULL)
    return false;
  tct_queue_discard_from(q, pool, q->end);
  if (q->tail != NULL)
    q->tail->cap = q->tail->fill; /* what room it has left would lie behind the lent bytes */
  chunk->data = (uint8_t *)base;  /* never written: see copy_in */
  chunk->token = token;
  chunk->start = q->end;
  chunk->cap = len;
  chunk->fill = len;
  link_after(q, q->tail, chunk);
  q->end = tct_seq_add(q->end, len);
  return true;
}

bool tct_queue_returned_pop(struct tct_queue *q, struct tct_chunk_pool *pool, uint64_t *token) {
  struct tct_chunk *chunk = q->returned;
  if (chunk == NULL)
    return false;
  q->returned = chunk->next;
  *token = chunk->token;
  tct_chunk_free(pool, chunk);
  return true;
}

/* -- giving up ------------------------------------------------------------------------------------
 */

TCT_HOT void tct_queue_consume_to(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos) {
  TCT_ASSERT(tct_seq_leq(q->begin, pos) && tct_seq_leq(pos, q->end));
  q->begin = pos;
  if (pos == q->end && q->reserved_bytes == 0) {
    drop_all(q, pool);
    return;
  }
  while (q->head != NULL && tct_seq_leq(get_chunk_end(q->head), pos))
    drop_head(q, pool);
}

/* The chunk that holds the last byte before pos keeps its room, but for lent memory: that has none.
 */
static void cut_chunk(struct tct_queue *q, struct tct_chunk *chunk, tct_seq pos) {
  chunk->fill = tct_min_u32(chunk->fill, tct_seq_len(chunk->start, pos));
  if (chunk->kind != TCT_CHUNK_LENT)
    return;
  q->charged_bytes -= chunk->cap - chunk->fill;
  chunk->cap = chunk->fill;
}

void tct_queue_discard_from(struct tct_queue *q, struct tct_chunk_pool *pool, tct_seq pos) {
  TCT_ASSERT(tct_seq_leq(q->begin, pos) && tct_seq_leq(pos, q->end));
  struct tct_chunk *keep = pos == q->begin ? NULL : find_chunk(q, tct_seq_sub(pos, 1));
  struct tct_chunk *rest = keep == NULL ? q->head : keep->next;
  q->reserved_bytes = 0;
  q->end = pos;
  q->tail = keep;
  if (keep == NULL)
    q->head = NULL;
  else {
    keep->next = NULL;
    cut_chunk(q, keep, pos);
  }
  while (rest != NULL) {
    struct tct_chunk *next = rest->next;
    drop_chunk(q, pool, rest);
    rest = next;
  }
}

/* -- reading --------------------------------------------------------------------------------------
 */

/* Bytes written in this chunk from pos on; 0 if pos lies outside. */
static uint32_t get_written(const struct tct_chunk *chunk, tct_seq pos) {
  tct_seq written_end = tct_seq_add(chunk->start, chunk->fill);
  return tct_seq_leq(chunk->start, pos) ? tct_seq_ahead(pos, written_end) : 0;
}

static __attribute__((noinline)) uint32_t peek_chunks(struct tct_queue *q, tct_seq pos,
                                                      uint32_t len, tct_iov *iov, unsigned *n) {
  unsigned pieces = 0;
  uint32_t covered = 0;
  uint32_t wanted = tct_min_u32(len, tct_seq_ahead(pos, q->end));
  struct tct_chunk *chunk = wanted == 0 ? NULL : find_chunk(q, pos);
  for (; chunk != NULL && pieces < *n && covered < wanted; chunk = chunk->next) {
    tct_seq at = tct_seq_add(pos, covered);
    uint32_t piece = tct_min_u32(get_written(chunk, at), wanted - covered);
    if (piece == 0)
      break;
    iov[pieces++] = (tct_iov){.base = chunk->data + tct_seq_len(chunk->start, at), .len = piece};
    covered += piece;
  }
  *n = pieces;
  return covered;
}

TCT_HOT uint32_t tct_queue_peek(struct tct_queue *q, tct_seq pos, uint32_t len, tct_iov *iov,
                                unsigned *n) {
  TCT_ASSERT(tct_seq_leq(q->begin, pos));
  const struct tct_chunk *tail = q->tail;
  if (tail == NULL || *n == 0 || len == 0 || get_written(tail, pos) < len)
    return peek_chunks(q, pos, len, iov, n);
  *iov = (tct_iov){.base = tail->data + tct_seq_len(tail->start, pos), .len = len};
  *n = 1;
  return len;
}

uint32_t tct_queue_copy_out(struct tct_queue *q, tct_seq pos, void *to, uint32_t len) {
  uint8_t *out = to;
  uint32_t done = 0;
  while (done < len) {
    tct_iov iov[4];
    unsigned n = TCT_ARRAY_LEN(iov);
    if (tct_queue_peek(q, tct_seq_add(pos, done), len - done, iov, &n) == 0)
      break;
    for (unsigned i = 0; i < n; i++) {
      memcpy(out + done, iov[i].base, iov[i].len);
      done += (uint32_t)iov[i].len;
    }
  }
  return done;
}

/* -- invariants -----------------------------------------------------------------------------------
 */

void tct_queue_check(const struct tct_queue *q) {
  const struct tct_chunk *last = NULL;
  uint32_t charged = 0;
  bool lost[2] = {q->hint[0] != NULL, q->hint[1] != NULL};
  TCT_ASSERT(tct_seq_leq(q->begin, q->end));
  for (const struct tct_chunk *c = q->head; c != NULL; last = c, c = c->next) {
    TCT_ASSERT(c->fill <= c->cap && c->cap > 0);
    TCT_ASSERT(tct_seq_leq(tct_seq_add(c->start, c->fill), tct_seq_max(c->start, q->end)));
    TCT_ASSERT(tct_seq_gt(get_chunk_end(c), q->begin));
    TCT_ASSERT(last == NULL || tct_seq_leq(get_chunk_end(last), c->start));
    charged += get_charge(c);
    for (int i = 0; i < 2; i++)
      lost[i] = lost[i] && q->hint[i] != c;
  }
  TCT_ASSERT(!lost[0] && !lost[1]); /* each hint is a chunk of this queue */
  TCT_ASSERT(last == q->tail);
  TCT_ASSERT(charged == q->charged_bytes);
}
