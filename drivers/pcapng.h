/* SPDX-License-Identifier: MIT */
/*
 * pcapng.h - capture files, written and read: packets with time, direction and a comment.
 *
 * The writer streams to a file or to a callback; the reader streams from a file or from memory.
 * Neither keeps packets. See pcapng_write.c and pcapng_read.c.
 */
#ifndef TCT_PCAPNG_H
#define TCT_PCAPNG_H

#include <stdio.h>

#include "tercet/tercet.h"

enum {
  TCT_PCAPNG_ETHERNET = 1,
  TCT_PCAPNG_RAW_IP = 101 /* IPv4 and IPv6 bare, told apart by their first half-byte */
};
enum tct_pcapng_dir { TCT_PCAPNG_DIR_UNKNOWN, TCT_PCAPNG_INBOUND, TCT_PCAPNG_OUTBOUND };

enum {
  TCT_PCAPNG_IFS_MAX = 1024,              /* interfaces of one section */
  TCT_PCAPNG_PACKET_MAX = 256 * 1024,     /* longer ones are refused */
  TCT_PCAPNG_BLOCK_MAX = 2 * 1024 * 1024, /* of the blocks we look into; others are skipped */
  TCT_PCAPNG_COMMENT_MAX = 4096
};

/* ---- Writing --------------------------------------------------------------------------------- */

/* 0, or a negated errno; after the first failure it is not called again. */
typedef int (*tct_pcapng_put_fn)(void *ctx, const void *bytes, size_t len);

struct tct_pcapng_packet {
  uint32_t ifc; /* what tct_pcapng_add_if returned */
  tct_time at;  /* ns; the writer's epoch_ns is added */
  const tct_iov *iov;
  size_t n_iov;
  uint32_t len; /* bytes over all pieces */
  enum tct_pcapng_dir dir;
  const char *comment; /* NULL: none */
};

struct tct_pcapng_writer {
  FILE *file; /* NULL: put is used */
  tct_pcapng_put_fn put;
  void *ctx;
  uint64_t epoch_ns; /* wall time at time 0, for captures of a monotonic clock */
  uint64_t packets;
  uint32_t n_ifs;
  int err; /* the first failure, a negated errno */
};

/* Creates or empties the file and writes the section header. 0 or a negated errno. */
int tct_pcapng_create(struct tct_pcapng_writer *w, const char *path) TCT_MUST_CHECK;
int tct_pcapng_create_fn(struct tct_pcapng_writer *w, tct_pcapng_put_fn put,
                         void *ctx) TCT_MUST_CHECK;
/* Interfaces may be added at any time before their first packet. Returns the number, or < 0. */
int tct_pcapng_add_if(struct tct_pcapng_writer *w, const char *name, uint16_t link_type);
/* Failures are remembered: look at w->err, or at what close returns. */
void tct_pcapng_put(struct tct_pcapng_writer *w, const struct tct_pcapng_packet *p);
void tct_pcapng_flush(struct tct_pcapng_writer *w);
/* The first failure of the whole file, or 0. */
int tct_pcapng_close(struct tct_pcapng_writer *w);

/* ---- Reading --------------------------------------------------------------------------------- */

struct tct_pcapng_record {
  uint64_t number; /* from 1, as Wireshark counts */
  uint64_t offset; /* of its block in the file */
  uint32_t ifc;
  uint16_t link_type;
  bool has_time;
  tct_time at; /* ns since 1970 */
  const uint8_t *bytes;
  uint32_t len, wire_len; /* captured; on the wire */
  enum tct_pcapng_dir dir;
  const char *comment; /* "": none; several are joined by line ends; bytes as in the file */
};

struct tct_pcapng_reader;
/* NULL when it cannot be opened or is no pcapng file: the sentence is in error. */
struct tct_pcapng_reader *tct_pcapng_open(const char *path, char *error, size_t cap);
/* The bytes stay the caller's; name is for messages. */
struct tct_pcapng_reader *tct_pcapng_open_mem(const void *bytes, size_t len, const char *name,
                                              char *error, size_t cap);
/* 1: a packet, valid until the next call. 0: the end. < 0: TCT_EPROTO (the file is wrong) or a
 * negated errno, and tct_pcapng_error says what and where; it stays so. */
int tct_pcapng_next(struct tct_pcapng_reader *r, struct tct_pcapng_record *out);
const char *tct_pcapng_error(const struct tct_pcapng_reader *r);
void tct_pcapng_reader_free(struct tct_pcapng_reader *r);

#endif
