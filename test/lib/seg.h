/* SPDX-License-Identifier: MIT */
/*
 * seg.h - segment literals: a template plus a difference gives the bytes of an IP packet with right
 * checksums. Used by at.c, whose template is "what the scripted peer would say next", so that a
 * test writes down only what is special about its segment.
 */
#ifndef TEST_LIB_SEG_H
#define TEST_LIB_SEG_H

#include <stddef.h>

#include "tercet/tercet.h"

#define SEG_PACKET_MAX 70000

/* All zero: exactly the template, with ACK. */
struct seg_diff {
  uint8_t flags;    /* set in addition to ACK */
  bool no_ack;      /* neither the bit nor a number */
  int32_t seq, ack; /* added to the template's */
  uint32_t len;     /* payload octets; see data */
  const void *data; /* NULL: octet q of the stream is seg_octet(q) */
  uint16_t urgent;  /* the pointer's field; the bit is in flags */
  uint8_t tclass, hop_limit;
  const uint8_t *options; /* replaces the template's options, byte by byte; a multiple of 4 */
  uint8_t options_len;
  uint32_t n_sack, sack[4][2];
  int32_t tsval; /* added to the template's */
  bool no_ts;
  bool bad_checksum;
  bool ghost;        /* at.c: the peer's SND.NXT does not move: a third party, or a duplicate */
  uint16_t seg_size; /* at.c: handed in as one frame of several segments */
};

/* The octet that made-up streams carry at sequence number q: neighbours and far places differ. */
static inline uint8_t seg_octet(uint32_t q) {
  return (uint8_t)((q * 7u) ^ (q >> 8) ^ (q >> 16));
}

/* Returns the packet's length. */
size_t seg_make(const tct_seg *t, const struct seg_diff *d, uint8_t to[SEG_PACKET_MAX]);
/* Parses one packet that a stack made; fails the test if a checksum or a length is wrong. False: it
 * holds no TCP. */
bool seg_read(const uint8_t *p, size_t len, tct_seg *seg, const uint8_t **payload);

#endif
