/* SPDX-License-Identifier: MIT */
/*
 * checksum.c - the Internet checksum; see checksum.h.
 *
 * The sum does not care in which byte order its words are added, as long as it is one order
 * (RFC 1071 section 2 B): words are taken as memory holds them and the result alone is turned
 * round, through bytes, so that no code here asks which machine it is on.
 */
#include "wire/checksum.h"

#include "util/mem.h"
#include "wire/bytes.h"

static uint64_t add_halves(uint64_t sum, uint64_t v) {
  return sum + (v & 0xffffffff) + (v >> 32);
}

/* The carry of an addition comes round: 2^64 - 1 is a multiple of 0xffff. */
static uint64_t add_around(uint64_t sum, uint64_t v) {
  sum += v;
  return sum + (sum < v);
}

static uint64_t sum_two(const uint8_t *p) {
  uint64_t v[2];
  memcpy(v, p, sizeof v);
  return add_around(v[0], v[1]);
}

/* A short piece, or the end of one; an odd last byte counts as the first of two. */
static inline uint64_t add_short(uint64_t sum, const uint8_t *p, size_t len) {
  uint64_t v;
  for (; len >= 32; len -= 32, p += 32)
    sum = add_around(add_around(sum, sum_two(p)), sum_two(p + 16));
  for (; len >= 8; len -= 8, p += 8) {
    memcpy(&v, p, 8);
    sum = add_around(sum, v);
  }
  uint64_t rest = 0;
  if (len & 4) {
    uint32_t four;
    memcpy(&four, p, 4);
    rest = four;
    p += 4;
  }
  if (len & 2) {
    uint16_t two;
    memcpy(&two, p, 2);
    rest += two;
    p += 2;
  }
  if (len & 1) {
    uint8_t last[2] = {*p, 0};
    uint16_t two;
    memcpy(&two, last, 2);
    rest += two;
  }
  return add_around(sum, rest);
}

/* With room for what is added. */
static uint64_t sum_tail(const uint8_t *p, size_t len) {
  return add_halves(0, add_short(0, p, len));
}

/* Two words at a time, in whatever way this machine does that: a vector unit where there is one, as
 * the compiler was told. Halves of 64-bit words cannot overflow before 2^34 bytes. */
typedef uint64_t lanes __attribute__((vector_size(16)));

static lanes load(const uint8_t *p) {
  lanes v;
  memcpy(&v, p, sizeof v);
  return v;
}

static lanes split(lanes v) {
  const lanes low = {0xffffffff, 0xffffffff};
  return (v & low) + (v >> 32);
}

#define SHORT_BYTES 128u /* less is added up sooner than a vector unit is set up */

/* Four sums that do not wait for each other. */
static uint64_t sum_words(const uint8_t *p, size_t len) {
  lanes a = {0, 0}, b = a, c = a, d = a;
  if (len < SHORT_BYTES)
    return sum_tail(p, len);
  for (; len >= 64; len -= 64, p += 64) {
    a += split(load(p));
    b += split(load(p + 16));
    c += split(load(p + 32));
    d += split(load(p + 48));
  }
  a += b + c + d;
  return a[0] + a[1] + sum_tail(p, len);
}

static uint64_t copy_words(uint8_t *dst, const uint8_t *p, size_t len) {
  lanes a = {0, 0}, b = a, c = a, d = a;
  for (; len >= 64; len -= 64, p += 64, dst += 64) {
    lanes v = load(p), w = load(p + 16), x = load(p + 32), y = load(p + 48);
    memcpy(dst, &v, 16);
    memcpy(dst + 16, &w, 16);
    memcpy(dst + 32, &x, 16);
    memcpy(dst + 48, &y, 16);
    a += split(v);
    b += split(w);
    c += split(x);
    d += split(y);
  }
  memcpy(dst, p, len);
  a += b + c + d;
  return a[0] + a[1] + sum_tail(p, len);
}

/* At an odd offset each byte is in the other half of its word: the same as swapping the sum. */
static void add_piece(struct tct_checksum *c, uint64_t sum, size_t len) {
  uint32_t s = tct_checksum_fold(sum);
  if (c->odd)
    s = (s >> 8 | s << 8) & 0xffff;
  c->sum += s;
  c->odd ^= (len & 1) != 0;
}

void tct_checksum_init(struct tct_checksum *c) {
  tct_checksum_init_with(c, NULL);
}

void tct_checksum_init_with(struct tct_checksum *c, tct_sum_fn fast) {
  c->sum = 0;
  c->odd = false;
  c->fast = fast;
  c->fast_copy = NULL;
}

#define FAST_FROM 128u

void tct_checksum_feed(struct tct_checksum *c, const void *p, size_t len) {
  if (len >= FAST_FROM && c->fast != NULL)
    add_piece(c, c->fast(p, len), len);
  else if (len > 0)
    add_piece(c, sum_words(p, len), len);
}

void tct_checksum_feed_iov(struct tct_checksum *c, const tct_iov *iov, size_t n, size_t skip,
                           size_t len) {
  for (size_t i = 0; i < n && len > 0; i++) {
    size_t off = skip < iov[i].len ? skip : iov[i].len;
    size_t take = iov[i].len - off < len ? iov[i].len - off : len;
    if (take > 0)
      tct_checksum_feed(c, (const uint8_t *)iov[i].base + off, take);
    skip -= off;
    len -= take;
  }
}

void tct_checksum_copy(struct tct_checksum *c, void *dst, const void *src, size_t len) {
  if (len >= FAST_FROM && c->fast_copy != NULL)
    add_piece(c, c->fast_copy(dst, src, len), len);
  else if (len > 0)
    add_piece(c, copy_words(dst, src, len), len);
}

/* One path for both families: a mapped IPv4 address has 0xffff more than the address itself, and
 * 0xffff is nothing to this sum. The protocol makes the sum non-zero, so the two zeros agree. */
static inline uint64_t sum_pseudo(const tct_addr *src, const tct_addr *dst, uint8_t proto,
                                  uint32_t len) {
  uint8_t b[8];
  uint64_t rest;
  tct_bytes_put32(b, len);
  tct_bytes_put32(b + 4, proto);
  memcpy(&rest, b, 8);
  return add_around(add_around(rest, sum_two(src->b)), sum_two(dst->b));
}

void tct_checksum_feed_pseudo(struct tct_checksum *c, const tct_addr *src, const tct_addr *dst,
                              uint8_t proto, uint32_t len) {
  add_piece(c, sum_pseudo(src, dst, proto, len), 40);
}

static uint32_t sum_packet(const tct_addr *src, const tct_addr *dst, uint8_t proto, const void *p,
                           uint32_t len, tct_sum_fn fast) {
  uint64_t sum = sum_pseudo(src, dst, proto, len);
  if (len < SHORT_BYTES)
    return tct_checksum_fold(add_short(sum, p, len));
  return tct_checksum_fold(
      add_around(sum, len >= FAST_FROM && fast != NULL ? fast(p, len) : sum_words(p, len)));
}

bool tct_checksum_is_packet_ok(const tct_addr *src, const tct_addr *dst, uint8_t proto,
                               const void *p, uint32_t len, tct_sum_fn fast) {
  return sum_packet(src, dst, proto, p, len, fast) == 0xffff;
}

uint16_t tct_checksum_of_packet(const tct_addr *src, const tct_addr *dst, uint8_t proto,
                                const void *p, uint32_t len) {
  return tct_checksum_of_sum(sum_packet(src, dst, proto, p, len, NULL));
}

uint16_t tct_checksum_sum(const struct tct_checksum *c) {
  uint16_t word = (uint16_t)tct_checksum_fold(c->sum);
  uint8_t b[2];
  memcpy(b, &word, 2);
  return tct_bytes_get16(b);
}

uint32_t tct_checksum_sum_iov(const tct_iov *iov, size_t n, tct_sum_fn fast) {
  struct tct_checksum c = {.fast = fast};
  if (n == 1) {
    bool use = iov->len >= FAST_FROM && fast != NULL;
    c.sum = use ? fast(iov->base, iov->len) : sum_words(iov->base, iov->len);
    return tct_checksum_sum(&c);
  }
  for (size_t i = 0; i < n; i++)
    tct_checksum_feed(&c, iov[i].base, iov[i].len);
  return tct_checksum_sum(&c);
}

uint16_t tct_checksum_field(const struct tct_checksum *c) {
  return (uint16_t)~tct_checksum_sum(c);
}

bool tct_checksum_is_ok(const struct tct_checksum *c) {
  return tct_checksum_sum(c) == 0xffff;
}

uint16_t tct_checksum_of_sum(uint64_t sum) {
  struct tct_checksum c = {.sum = sum};
  return tct_checksum_field(&c);
}

uint16_t tct_checksum_of(const void *p, size_t len) {
  struct tct_checksum c;
  tct_checksum_init(&c);
  tct_checksum_feed(&c, p, len);
  return tct_checksum_field(&c);
}

/* RFC 1624 equation 3, which never makes the wrong zero. */
uint16_t tct_checksum_update16(uint16_t field, uint16_t was, uint16_t is) {
  uint64_t sum = (uint64_t)(uint16_t)~field + (uint16_t)~was + is;
  return (uint16_t)~tct_checksum_fold(sum);
}

uint16_t tct_checksum_update32(uint16_t field, uint32_t was, uint32_t is) {
  field = tct_checksum_update16(field, (uint16_t)(was >> 16), (uint16_t)(is >> 16));
  return tct_checksum_update16(field, (uint16_t)was, (uint16_t)is);
}
