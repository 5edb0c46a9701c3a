/* SPDX-License-Identifier: MIT */
/*
 * tee_pcapng.h - what passes between a stack and its link, copied into a capture file with the
 * reason of each packet as its comment. Middleware: the caller shows it every frame. See .c.
 */
#ifndef TCT_TEE_PCAPNG_H
#define TCT_TEE_PCAPNG_H

#include "drivers/pcapng.h"

struct tct_tee_pcapng {
  struct tct_pcapng_writer w;
  size_t link_len; /* of the header before the IP header */
};

/* One interface is made, named if_name. 0 or a negated errno, and then no file is left behind. */
int tct_tee_pcapng_open(struct tct_tee_pcapng *t, const char *path, const char *if_name,
                        tct_link link) TCT_MUST_CHECK;
/* A frame that tct_output gave: the comment is its `why`. note, if any, is added (may be NULL). */
void tct_tee_pcapng_out(struct tct_tee_pcapng *t, const tct_frame *f, tct_time at,
                        const char *note);
/* A frame after tct_input: a verdict other than ACCEPTED is the comment. */
void tct_tee_pcapng_in(struct tct_tee_pcapng *t, const tct_frame *f, tct_time at, const char *note);
/* A flat packet that no stack of ours made, dir as the capture should say. */
void tct_tee_pcapng_raw(struct tct_tee_pcapng *t, const void *packet, size_t len,
                        enum tct_pcapng_dir dir, tct_time at, const char *note);
/* Flushes; the first failure of the file, or 0. */
int tct_tee_pcapng_close(struct tct_tee_pcapng *t);

#endif
