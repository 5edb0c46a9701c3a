/* SPDX-License-Identifier: MIT */
/* P4: the Internet checksum, over all sums of 64 bits and all fields. The loops over bytes are
 * prove/contracts' affair (memory) and prove/exhaustive's (every split). RFC 1071, RFC 1624. */
#include "wire/checksum.c"

/* sum - n is a multiple of 65535, shown by its quotient: no division. */
static bool differ_by(uint64_t sum, uint64_t n, uint64_t quotient) {
  return sum - n == (quotient << 16) - quotient;
}

bool lemma_fold_fits_in_16_bits(uint64_t sum) {
  return tct_checksum_fold(sum) <= 0xffff;
}

bool lemma_fold_is_zero_for_zero_only(uint64_t sum) {
  return (tct_checksum_fold(sum) == 0) == (sum == 0);
}

/* Both steps of the fold add the carry that leaves at the top in again at the bottom, which keeps
 * the remainder: 2^32 - 1 = 65535 * 65537. */
bool lemma_fold_keeps_the_remainder(uint64_t sum) {
  uint64_t two = (sum & 0xffffffff) + (sum >> 32), carry = two >> 32;
  uint64_t half = (two & 0xffffffff) + carry;
  uint64_t one = (half & 0xffff) + (half >> 16), last = one >> 16;
  uint64_t high = (sum >> 32) + carry;
  return tct_checksum_fold(sum) == (one & 0xffff) + last && differ_by(sum, half, (high << 16) + high) &&
         differ_by(half, (one & 0xffff) + last, (half >> 16) + last);
}

bool lemma_halves_keep_the_remainder(uint64_t sum, uint64_t v) {
  if (sum >> 62 != 0)
    return true;
  uint64_t high = v >> 32;
  return add_halves(sum, v) == sum + (v & 0xffffffff) + high && add_halves(sum, v) >= sum &&
         add_halves(sum, v) - sum <= 0x1fffffffeu;
}

/* A sum may be folded on the way, so pieces may be added one by one. (For larger sums it follows
 * from the remainder and from zero standing for zero alone.) */
bool lemma_fold_on_the_way(uint16_t a, uint16_t b, uint16_t c) {
  uint64_t sum = (uint64_t)a + b + c;
  return tct_checksum_fold(sum) == tct_checksum_fold((uint64_t)tct_checksum_fold((uint64_t)a + b) + c);
}

static uint32_t turn(uint32_t s) {
  return (s >> 8 | s << 8) & 0xffff;
}

/* A piece at an odd offset: turning the folded sum round is adding bytes in the other halves. */
bool lemma_turned_sum_is_sum_of_turned(uint16_t a, uint16_t b) {
  return turn(tct_checksum_fold((uint64_t)a + b)) == tct_checksum_fold((uint64_t)turn(a) + turn(b));
}

bool lemma_odd_piece_is_added_turned(uint32_t sum, uint64_t piece, bool odd, uint8_t len) {
  struct tct_checksum c;
  c.sum = sum;
  c.odd = odd;
  add_piece(&c, piece, len);
  uint32_t s = tct_checksum_fold(piece);
  return c.sum == (uint64_t)sum + (odd ? turn(s) : s) && c.odd == (odd != ((len & 1) != 0)) &&
         c.sum - sum <= 0xffff;
}

static uint16_t field_of(uint16_t rest, uint16_t word) {
  return (uint16_t)~tct_checksum_fold((uint64_t)rest + word);
}

/* Incremental is full, for every field, old and new word: all of the rest of the packet is one
 * folded number. The whole is not zero (no packet is: its version, its protocol). */
bool lemma_update_is_full(uint16_t rest, uint16_t was, uint16_t is) {
  if ((uint32_t)rest + is == 0 || (uint32_t)rest + was == 0)
    return true;
  return tct_checksum_update16(field_of(rest, was), was, is) == field_of(rest, is);
}

bool refuted_update_is_full_for_no_bytes_at_all(uint16_t rest, uint16_t was, uint16_t is) {
  return tct_checksum_update16(field_of(rest, was), was, is) == field_of(rest, is);
}

/* 32 bits are twice 16, the other half being part of the rest. */
bool lemma_update_of_two_words_is_two_updates(uint16_t field, uint32_t was, uint32_t is) {
  uint16_t half = tct_checksum_update16(field, (uint16_t)(was >> 16), (uint16_t)(is >> 16));
  return tct_checksum_update32(field, was, is) ==
         tct_checksum_update16(half, (uint16_t)was, (uint16_t)is);
}

bool lemma_update_to_the_same_changes_nothing(uint16_t rest, uint16_t word) {
  uint16_t field = field_of(rest, word);
  return (uint32_t)rest + word == 0 || tct_checksum_update16(field, word, word) == field;
}

/* The field makes the sum all ones: what is sent is taken. */
bool lemma_what_is_sent_is_taken(uint32_t sum) {
  uint16_t field = (uint16_t)~tct_checksum_fold(sum);
  return tct_checksum_fold((uint64_t)sum + field) == 0xffff;
}

/* A mapped IPv4 address has 0xffff more than the address alone, which is nothing. */
bool lemma_mapped_prefix_adds_nothing(uint32_t sum) {
  return sum == 0 || tct_checksum_fold((uint64_t)sum + 0xffff) == tct_checksum_fold(sum);
}
