/* SPDX-License-Identifier: MIT */
/* Fixed-size objects by index. See slab.h for what is promised.
 *
 * index = | directory entry | 9 bits: page in the table | page_shift bits: object in the page |
 *
 * Where there are very many, memory is asked for in chunks of 2 MiB, so that an allocator may give
 * huge pages: each object costs a walk through the page tables otherwise, which may cost more than
 * the object itself. */
#include "util/slab.h"

#include "util/assert.h"
#include "util/mem.h"

#define PAGE_BYTES 32768u
#define CHUNK_BYTES (2u << 20) /* a slab that holds ... */
#define CHUNKS_FROM 32u        /* ... so many of them asks for no less */
#define PAGE_ALIGN 64u
#define TABLE_SHIFT 9u
#define TABLE_PAGES (1u << TABLE_SHIFT)

/* As many objects as fit in PAGE_BYTES, a power of two, but no more than the limit asks for. */
static uint32_t choose_page_shift(uint32_t object_bytes, uint32_t limit) {
  uint32_t shift = 0;
  while (((uint64_t)object_bytes << (shift + 1)) <= PAGE_BYTES && (1u << shift) < limit)
    shift++;
  return shift;
}

static uint32_t count_pages(const struct tct_slab *slab, uint32_t objects) {
  return (uint32_t)(((uint64_t)objects + (1u << slab->page_shift) - 1) >> slab->page_shift);
}

static uint32_t count_tables(uint32_t pages) {
  return (uint32_t)(((uint64_t)pages + TABLE_PAGES - 1) >> TABLE_SHIFT);
}

static uint32_t get_page_bytes(const struct tct_slab *slab) {
  return slab->object_bytes << slab->page_shift;
}

static uint32_t pages_in_chunk(const struct tct_slab *slab) {
  return CHUNK_BYTES / get_page_bytes(slab);
}

static uint32_t pages_before_chunks(const struct tct_slab *slab) {
  return CHUNKS_FROM * pages_in_chunk(slab);
}

/* The first pages are asked for one by one. */
static bool is_in_chunk(const struct tct_slab *slab, uint32_t page) {
  return pages_in_chunk(slab) > 1 && page >= pages_before_chunks(slab);
}

/* What of its chunk lies before this page. */
static size_t get_chunk_offset(const struct tct_slab *slab, uint32_t page) {
  return (size_t)(page % pages_in_chunk(slab)) * get_page_bytes(slab);
}

static size_t get_directory_bytes(const struct tct_slab *slab) {
  return count_tables(count_pages(slab, slab->limit)) * sizeof(slab->tables[0]);
}

static void *alloc_zeroed(const struct tct_slab *slab, size_t bytes) {
  void *p = slab->alloc->alloc(slab->alloc->ctx, bytes, PAGE_ALIGN);
  if (p != NULL)
    memset(p, 0, bytes);
  return p;
}

static void release(const struct tct_slab *slab, void *p, size_t bytes) {
  slab->alloc->free(slab->alloc->ctx, p, bytes);
}

/* The place of this page in its table, with directory and table made as needed; NULL without
 * memory. */
static uint8_t **get_page_place(struct tct_slab *slab, uint32_t page) {
  if (slab->tables == NULL)
    slab->tables = alloc_zeroed(slab, get_directory_bytes(slab));
  if (slab->tables == NULL)
    return NULL;
  uint8_t ***table = &slab->tables[page >> TABLE_SHIFT];
  if (*table == NULL)
    *table = alloc_zeroed(slab, TABLE_PAGES * sizeof(**table));
  return *table == NULL ? NULL : &(*table)[page & (TABLE_PAGES - 1)];
}

/* A chunk is not touched before its pages are used: no call clears more than a page. */
static uint8_t *new_page(struct tct_slab *slab, uint32_t page) {
  size_t bytes = get_page_bytes(slab);
  if (!is_in_chunk(slab, page))
    return alloc_zeroed(slab, bytes);
  size_t offset = get_chunk_offset(slab, page);
  if (offset == 0)
    slab->chunk = slab->alloc->alloc(slab->alloc->ctx, CHUNK_BYTES, PAGE_ALIGN);
  return slab->chunk == NULL ? NULL : memset(slab->chunk + offset, 0, bytes);
}

static bool grow(struct tct_slab *slab) {
  uint32_t page = slab->fresh >> slab->page_shift;
  uint8_t **place = get_page_place(slab, page);
  if (place == NULL)
    return false;
  *place = new_page(slab, page);
  if (*place == NULL)
    return false;
  uint64_t objects = ((uint64_t)page + 1) << slab->page_shift;
  slab->capacity = (uint32_t)tct_min_u64(objects, slab->limit);
  return true;
}

static uint8_t *locate(const struct tct_slab *slab, uint32_t index) {
  uint32_t page = index >> slab->page_shift;
  uint32_t object = index & ((1u << slab->page_shift) - 1);
  uint8_t *base = slab->tables[page >> TABLE_SHIFT][page & (TABLE_PAGES - 1)];
  return base + (size_t)object * slab->object_bytes;
}

void tct_slab_init(struct tct_slab *slab, const tct_alloc *alloc, uint32_t object_bytes,
                   uint32_t link_offset, uint32_t limit) {
  TCT_ASSERT(object_bytes % 8 == 0 && object_bytes <= (1u << 20));
  TCT_ASSERT(link_offset <= object_bytes - 4);
  TCT_ASSERT(limit < TCT_SLAB_NONE);
  *slab = (struct tct_slab){
      .alloc = alloc,
      .object_bytes = object_bytes,
      .link_offset = link_offset,
      .limit = limit,
      .free_head = TCT_SLAB_NONE,
      .page_shift = choose_page_shift(object_bytes, limit),
  };
}

static void free_page(struct tct_slab *slab, uint32_t page, uint8_t *at) {
  if (!is_in_chunk(slab, page))
    release(slab, at, get_page_bytes(slab));
  else if (get_chunk_offset(slab, page) == 0)
    release(slab, at, CHUNK_BYTES);
}

static void free_table(struct tct_slab *slab, uint32_t number, uint8_t **table) {
  for (uint32_t i = 0; i < TABLE_PAGES; i++)
    if (table[i] != NULL)
      free_page(slab, (number << TABLE_SHIFT) + i, table[i]);
  release(slab, table, TABLE_PAGES * sizeof(*table));
}

void tct_slab_deinit(struct tct_slab *slab) {
  if (slab->tables != NULL) {
    uint32_t tables = count_tables(count_pages(slab, slab->limit));
    for (uint32_t i = 0; i < tables; i++)
      if (slab->tables[i] != NULL)
        free_table(slab, i, slab->tables[i]);
    release(slab, slab->tables, get_directory_bytes(slab));
  }
  tct_slab_init(slab, slab->alloc, slab->object_bytes, slab->link_offset, slab->limit);
}

void *tct_slab_alloc(struct tct_slab *slab, uint32_t *index) {
  uint8_t *object;
  if (slab->free_head != TCT_SLAB_NONE) {
    *index = slab->free_head;
    object = locate(slab, *index);
    memcpy(&slab->free_head, object + slab->link_offset, sizeof(slab->free_head));
  } else {
    if (slab->fresh == slab->limit || (slab->fresh == slab->capacity && !grow(slab)))
      return NULL;
    *index = slab->fresh++;
    object = locate(slab, *index);
  }
  slab->used++;
  return object;
}

void tct_slab_free(struct tct_slab *slab, uint32_t index) {
  TCT_ASSERT(index < slab->fresh && slab->used > 0);
  memcpy(locate(slab, index) + slab->link_offset, &slab->free_head, sizeof(slab->free_head));
  slab->free_head = index;
  slab->used--;
}

void *tct_slab_at(const struct tct_slab *slab, uint32_t index) {
  return index < slab->fresh ? locate(slab, index) : NULL;
}

static uint64_t get_bytes_of(const struct tct_slab *slab, uint32_t pages) {
  uint32_t single = pages;
  if (pages > 0 && is_in_chunk(slab, pages - 1))
    single = pages_before_chunks(slab);
  uint32_t rest = pages - single, in_chunk = pages_in_chunk(slab);
  uint64_t chunks = rest == 0 ? 0 : ((uint64_t)rest + in_chunk - 1) / in_chunk;
  return (uint64_t)single * get_page_bytes(slab) + chunks * CHUNK_BYTES;
}

uint64_t tct_slab_bytes(const struct tct_slab *slab) {
  if (slab->tables == NULL)
    return 0;
  uint32_t pages = count_pages(slab, slab->capacity);
  return get_bytes_of(slab, pages) +
         (uint64_t)count_tables(pages) * TABLE_PAGES * sizeof(slab->tables[0][0]) +
         get_directory_bytes(slab);
}

/* As many free objects on the list as the counters say: a double free makes a ring, or too few. */
void tct_slab_check(const struct tct_slab *slab) {
  TCT_ASSERT(slab->used <= slab->fresh && slab->fresh <= slab->capacity);
  TCT_ASSERT(slab->capacity <= slab->limit);
  uint32_t expected = slab->fresh - slab->used;
  uint32_t index = slab->free_head;
  for (; expected > 0; expected--) {
    TCT_ASSERT(index < slab->fresh);
    memcpy(&index, locate(slab, index) + slab->link_offset, sizeof(index));
  }
  TCT_ASSERT(index == TCT_SLAB_NONE);
}
