/* SPDX-License-Identifier: MIT */
/* SipHash: a keyed 64-bit hash that outsiders without the key can neither predict nor collide.
 *
 * 1-3 serves hash tables on the packet path; 2-4 serves initial sequence numbers, ports, cookies
 * and the generator in prng.c. Input and key are read as little-endian bytes, so all machines
 * agree. */
#ifndef TCT_UTIL_SIPHASH_H
#define TCT_UTIL_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* Sixteen key bytes to the two words that the hash takes. */
void tct_siphash_key(uint64_t key[2], const uint8_t bytes[16]);

uint64_t tct_siphash13(const uint64_t key[2], const void *data, size_t len);
uint64_t tct_siphash24(const uint64_t key[2], const void *data, size_t len);

#endif
