/* SPDX-License-Identifier: MIT */
/* Copying out of a frame that lies in several pieces. Used wherever payload is kept: reassembly,
 * ICMP quotes, UDP. The caller knows how much there is; what the pieces lack is not copied. */
#ifndef TCT_UTIL_PIECES_H
#define TCT_UTIL_PIECES_H

#include <stddef.h>
#include <stdint.h>

#include "tercet/tercet.h"
#include "util/mem.h"

/* Copies len bytes of the n pieces, after the first `skip`; returns how many there were. */
static inline size_t tct_pieces_copy(void *to, const tct_iov *iov, size_t n, size_t skip,
                                     size_t len) {
  uint8_t *at = to;
  size_t done = 0;
  for (size_t i = 0; i < n && done < len; i++) {
    if (skip >= iov[i].len) {
      skip -= iov[i].len;
      continue;
    }
    size_t take = tct_min_size(iov[i].len - skip, len - done);
    memcpy(at + done, (const uint8_t *)iov[i].base + skip, take);
    done += take;
    skip = 0;
  }
  return done;
}

#endif
