/* SPDX-License-Identifier: MIT */
/*
 * tee_pcapng.c - copies the frames between a stack and its link into a capture file.
 *
 * The caller (host loop, simulated link) shows it each frame; the frame goes on untouched. A
 * super-segment is written as the wire packets that it stands for. The comment of each packet is
 * the stack's own reason: why it was sent, or why it was refused.
 */
#include "drivers/discard.h"
#include "drivers/tee_pcapng.h"

#include <stdio.h>

#include "drivers/segment.h"
#include "wire/eth.h"

struct copy {
  struct tct_tee_pcapng *t;
  struct tct_pcapng_packet packet;
};

static void put_packet(void *ctx, const void *bytes, size_t len) {
  struct copy *c = ctx;
  tct_iov v = {bytes, len};
  c->packet.iov = &v;
  c->packet.n_iov = 1;
  c->packet.len = (uint32_t)len;
  tct_pcapng_put(&c->t->w, &c->packet);
}

/* A frame with headers too broken to cut is evidence all the same: it goes in as it is. */
static void put_frame(struct copy *c, const tct_frame *f) {
  if (tct_segment_linked(f, c->t->link_len, put_packet, c) != 0)
    return;
  c->packet.iov = f->iov;
  c->packet.n_iov = f->n_iov;
  c->packet.len = f->len;
  tct_pcapng_put(&c->t->w, &c->packet);
}

int tct_tee_pcapng_open(struct tct_tee_pcapng *t, const char *path, const char *if_name,
                        tct_link link) {
  bool ethernet = link == TCT_LINK_ETHERNET;
  t->link_len = ethernet ? TCT_ETH_HEADER_LEN : 0;
  int err = tct_pcapng_create(&t->w, path);
  if (err == 0)
    err = tct_pcapng_add_if(&t->w, if_name, ethernet ? TCT_PCAPNG_ETHERNET : TCT_PCAPNG_RAW_IP);
  if (err < 0 && t->w.file != NULL) {
    tct_pcapng_close(&t->w);
    tct_discard(path);
  }
  return err < 0 ? err : 0;
}

static const char *join(char *buf, size_t cap, const char *words, const char *note) {
  if (note == NULL || note[0] == '\0')
    return words;
  if (words[0] == '\0')
    return note;
  snprintf(buf, cap, "%s; %s", words, note);
  return buf;
}

void tct_tee_pcapng_out(struct tct_tee_pcapng *t, const tct_frame *f, tct_time at,
                        const char *note) {
  char buf[512];
  const char *why = f->why == TCT_WHY_NONE ? "" : tct_why_text((tct_why)f->why);
  struct copy c = {t, {.at = at, .dir = TCT_PCAPNG_OUTBOUND}};
  c.packet.comment = join(buf, sizeof buf, why, note);
  put_frame(&c, f);
}

void tct_tee_pcapng_in(struct tct_tee_pcapng *t, const tct_frame *f, tct_time at,
                       const char *note) {
  char buf[512], words[96] = "";
  struct copy c = {t, {.at = at, .dir = TCT_PCAPNG_INBOUND}};
  if (f->verdict != TCT_ACCEPTED)
    snprintf(words, sizeof words, "not accepted: %s", tct_verdict_name((tct_verdict)f->verdict));
  c.packet.comment = join(buf, sizeof buf, words, note);
  put_frame(&c, f);
}

void tct_tee_pcapng_raw(struct tct_tee_pcapng *t, const void *packet, size_t len,
                        enum tct_pcapng_dir dir, tct_time at, const char *note) {
  struct copy c = {t, {.at = at, .dir = dir, .comment = note}};
  put_packet(&c, packet, len);
}

int tct_tee_pcapng_close(struct tct_tee_pcapng *t) {
  return tct_pcapng_close(&t->w);
}
