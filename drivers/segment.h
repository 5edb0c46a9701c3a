/* SPDX-License-Identifier: MIT */
/* segment.h - one frame of the core into the packets that a plain wire carries. See segment.c. */
#ifndef TCT_SEGMENT_H
#define TCT_SEGMENT_H

#include "tercet/tercet.h"
#include "wire/ip.h"
#include "wire/tcp.h"

enum {
  /* of payload: an IPv4 packet counts its headers too, and its length has 16 bits */
  TCT_SEGMENT_GSO_BYTES_MAX = 65535 - TCT_IP6_HEADER_LEN - TCT_TCP_HEADER_MAX,
  TCT_SEGMENT_LINK_MAX = 14,
  TCT_SEGMENT_PACKET_MAX = TCT_SEGMENT_LINK_MAX + TCT_IP6_HEADER_LEN + 65535,
  TCT_SEGMENT_HEADERS_MAX =
      TCT_SEGMENT_LINK_MAX + TCT_IP6_HEADER_LEN + TCT_IP6_EXT_BYTES_MAX + TCT_TCP_HEADER_MAX
};

/* A frame that is being cut; segment.c's alone. */
struct tct_cut {
  const tct_frame *f;
  tct_copy_sum_fn copy_sum;
  size_t link_len, headers_len, l4_at; /* headers_len: link, IP and TCP or UDP header */
  size_t piece, offset;                /* where the next byte of the frame is */
  uint32_t payload_len, done, nth;
  uint32_t ip_sum, l4_sum; /* of what all packets have in common, as numbers */
  uint32_t seq;
  uint16_t id;
  uint8_t family, proto, tcp_flags;
  bool whole;       /* one packet: nothing to cut, perhaps a checksum to make */
  bool no_checksum; /* UDP over IPv4 whose sender made none */
  uint8_t headers[TCT_SEGMENT_HEADERS_MAX];
};

/* Begins to cut f, which has a link header of link_len bytes (0, or 14 on Ethernet) that each
 * packet gets, too. f and its pieces stay as they are until the last packet. copy_sum: as in
 * tct_config, may be NULL. */
void tct_segment_begin(struct tct_cut *c, const tct_frame *f, size_t link_len,
                       tct_copy_sum_fn copy_sum);
/* The next packet, flat, from its first header on, every checksum complete. Returns its length; 0
 * after the last, and at once where f is no IP packet that could be cut, or cap is too small. */
size_t tct_segment_next(struct tct_cut *c, uint8_t *to, size_t cap);

/* One packet; valid during the call. */
typedef void (*tct_segment_fn)(void *ctx, const void *packet, size_t len);

/* Calls fn for each packet of f in order. Returns how many there were; 0: f is no IP packet that
 * could be cut (its headers lie), and fn was not called. */
size_t tct_segment(const tct_frame *f, tct_segment_fn fn, void *ctx);
/* The same of frames with a link header. */
size_t tct_segment_linked(const tct_frame *f, size_t link_len, tct_segment_fn fn, void *ctx);

/* True when f is one packet as it stands, so that nothing above need be called. */
static inline bool tct_segment_is_plain(const tct_frame *f) {
  return f->seg_size == 0 && f->csum == TCT_CSUM_DONE;
}

#endif
