/* SPDX-License-Identifier: MIT */
/*
 * checksum.h - the Internet checksum over pieces of any length, in any order of alignment.
 *
 * Feed the pieces in the order they have on the wire; a piece of odd length shifts those after it
 * and the state remembers that. All results are host-order numbers that are stored with
 * tct_bytes_put16. Used by the emitters and parsers of wire/ and by whoever copies payload.
 * RFC 1071 (sum), RFC 1624 (update), RFC 9293 section 3.1 and RFC 8200 section 8.1 (pseudo-header).
 */
#ifndef TCT_WIRE_CHECKSUM_H
#define TCT_WIRE_CHECKSUM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"

/* sum: 16-bit words in the byte order of memory, carries not yet folded in. At most 0x10000 is
 * added per piece, so 2^47 pieces fit. */
struct tct_checksum {
  uint64_t sum;
  bool odd;        /* an odd number of bytes was fed so far */
  tct_sum_fn fast; /* for long pieces; NULL: none */
  tct_copy_sum_fn fast_copy;
};

void tct_checksum_init(struct tct_checksum *c);
void tct_checksum_init_with(struct tct_checksum *c, tct_sum_fn fast);
void tct_checksum_feed(struct tct_checksum *c, const void *p, size_t len);
/* len bytes of the n pieces, after the first `skip` of them; fewer if the pieces hold fewer. */
void tct_checksum_feed_iov(struct tct_checksum *c, const tct_iov *iov, size_t n, size_t skip,
                           size_t len);
/* Copies and feeds in one pass. dst and src do not overlap. */
void tct_checksum_copy(struct tct_checksum *c, void *dst, const void *src, size_t len);
/* Pseudo-header of either family; len counts the upper-layer header and its data. Feed it first. */
void tct_checksum_feed_pseudo(struct tct_checksum *c, const tct_addr *src, const tct_addr *dst,
                              uint8_t proto, uint32_t len);

uint16_t tct_checksum_sum(const struct tct_checksum *c);   /* folded, not complemented */
uint16_t tct_checksum_field(const struct tct_checksum *c); /* what the header field must hold */
bool tct_checksum_is_ok(const struct tct_checksum *c);     /* field was part of what was fed */

/* For who adds numbers up that are not in memory yet: a sum of 16-bit or 32-bit words as numbers,
 * folded to 16 bits. Congruent mod 0xffff, and 0 only for 0: that is what keeps the two zeros of
 * ones' complement apart. */
static inline uint32_t tct_checksum_fold(uint64_t sum) {
  sum += sum << 32 | sum >> 32; /* both halves added, the carry come round: in the upper one */
  uint32_t half = (uint32_t)(sum >> 32);
  half += half << 16 | half >> 16;
  return half >> 16;
}
/* ... and that of pieces in memory, as such a number. fast: as in init_with. */
uint32_t tct_checksum_sum_iov(const tct_iov *iov, size_t n, tct_sum_fn fast);

/* Of a whole TCP or UDP packet in one piece, pseudo-header and all: the same in fewer steps. */
bool tct_checksum_is_packet_ok(const tct_addr *src, const tct_addr *dst, uint8_t proto,
                               const void *p, uint32_t len, tct_sum_fn fast);
/* ... and its field, which is 0 in p now. */
uint16_t tct_checksum_of_packet(const tct_addr *src, const tct_addr *dst, uint8_t proto,
                                const void *p, uint32_t len);

uint16_t tct_checksum_of(const void *p, size_t len); /* the field for one flat piece */
uint16_t tct_checksum_of_sum(uint64_t sum); /* ... whose words in memory's order were added up */
/* The new field when a 16-bit or 32-bit value under it changes. */
uint16_t tct_checksum_update16(uint16_t field, uint16_t was, uint16_t is);
uint16_t tct_checksum_update32(uint16_t field, uint32_t was, uint32_t is);

#endif
