/* SPDX-License-Identifier: MIT */
/*
 * hash.h - a quick chain over many octets, the same on every machine: the digest of all frames, and
 * what applications read. Chance does not collide it; who wants to, can.
 */
#ifndef SIM_HASH_H
#define SIM_HASH_H

#include <stddef.h>
#include <stdint.h>

uint64_t sim_hash(uint64_t chain, const void *bytes, size_t len);

#endif
