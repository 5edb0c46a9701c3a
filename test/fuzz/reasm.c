/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: fragments. Four datagrams are cut up by the input, in any order, with overlaps, lies
 * about the end and changed bytes; their UDP sums are right (or, for IPv4, absent), so whatever
 * reaches the socket is judged here: a datagram all of whose bytes were sent at these places, and
 * one of which no two fragments ever disagreed. An honest one among them must arrive.
 */
#include "test/attack/lab.h"

#include <string.h>

#include "ip/ip.h"

enum { IDS = 4, WHOLE = 512, STEPS_MAX = 200 };

struct dgram {
  uint8_t bytes[WHOLE]; /* the true datagram, UDP header included */
  size_t len;
  bool has[WHOLE]; /* sent since it was last whole */
  bool is_spoilt;  /* by overlap, other bytes, or another end */
};

static struct lab lab;
static struct dgram dgrams[IDS];
static tct_sock udp;
static uint8_t frame[2048];

static void make_dgram(struct dgram *d, uint8_t id, uint8_t len, bool no_sum) {
  d->len = 8u + len * 2u;
  for (size_t i = 8; i < d->len; i++)
    d->bytes[i] = (uint8_t)(i * 7 + id * 64);
  memcpy(d->bytes, "\x10\0\0\x09\0\0\0\0", 8);
  d->bytes[1] = id;
  d->bytes[4] = (uint8_t)(d->len >> 8);
  d->bytes[5] = (uint8_t)d->len;
  uint16_t sum = lab_sum(&lab.theirs, &lab.ours, TCT_IPPROTO_UDP, d->bytes, d->len);
  sum = sum == 0 ? 0xffff : sum;
  if (no_sum)
    return;
  d->bytes[6] = (uint8_t)(sum >> 8);
  d->bytes[7] = (uint8_t)sum;
}

static size_t build(uint8_t id, size_t off, const uint8_t *p, size_t n, bool more) {
  uint16_t field = (uint16_t)(off | (more ? 1u : 0u));
  if (lab.v6) {
    uint8_t body[8 + WHOLE] = {
        TCT_IPPROTO_UDP, 0, (uint8_t)(field >> 8), (uint8_t)field, 0, 0, 0, id};
    memcpy(body + 8, p, n);
    return lab_build_ip(frame, &lab.theirs, &lab.ours, TCT_IPPROTO_FRAGMENT, body, 8 + n);
  }
  size_t all = lab_build_ip(frame, &lab.theirs, &lab.ours, TCT_IPPROTO_UDP, p, n);
  frame[5] = id;
  frame[6] = (uint8_t)((more ? 0x20u : 0u) | off >> 11);
  frame[7] = (uint8_t)(off >> 3);
  frame[10] = frame[11] = 0;
  uint16_t sum = lab_sum16(frame, 20);
  frame[10] = (uint8_t)(sum >> 8);
  frame[11] = (uint8_t)sum;
  return all;
}

/* What the rules say of this fragment, by our own book. */
static void note(struct dgram *d, size_t off, size_t n, bool changed, bool lies) {
  bool any = false, all = true;
  for (size_t i = off; i < off + n; i++) {
    any = any || d->has[i];
    all = all && d->has[i];
    d->has[i] = true;
  }
  d->is_spoilt = d->is_spoilt || changed || lies || any;
  (void)all;
}

static bool is_whole(const struct dgram *d) {
  for (size_t i = 0; i < d->len; i++)
    if (!d->has[i])
      return false;
  return true;
}

/* Whatever came: it is one of ours, to the byte. True if it is d. */
static bool take_dgram(const struct dgram *d) {
  uint8_t buf[WHOLE];
  long n = tct_dgram_recv(lab.s, udp, NULL, buf, sizeof buf, 0);
  if (n < 0)
    return false;
  FUZZ_CHECK((size_t)n == d->len - 8 && memcmp(buf, d->bytes + 8, (size_t)n) == 0);
  FUZZ_CHECK(tct_dgram_recv(lab.s, udp, NULL, buf, sizeof buf, 0) < 0);
  return true;
}

static void send_fragment(struct fuzz_in *in) {
  uint8_t shape = fuzz_u8(in), id = shape & 3;
  struct dgram *d = &dgrams[id];
  size_t off = fuzz_below(in, 64) * 8u, n = fuzz_below(in, 16) * 8u + ((shape & 4) != 0 ? 3u : 0u);
  if (off >= d->len)
    off = 0;
  if (off + n >= d->len || n == 0)
    n = d->len - off;
  bool more = off + n < d->len, lies = (shape & 0x30) == 0x30;
  bool odd = more != lies && n % 8 != 0; /* refused alone: no part of anything */
  uint8_t bytes[WHOLE];
  memcpy(bytes, d->bytes + off, n);
  bool changed = (shape & 0xc0) == 0xc0;
  if (changed)
    bytes[n / 2] ^= 0x55;
  bool was_clean = !d->is_spoilt;
  tct_verdict v = lab_in(&lab, frame, build(id, off, bytes, n, more != lies));
  if (odd) {
    FUZZ_CHECK(v == TCT_DROP_FRAGMENT_SIZE);
    return;
  }
  if (off == 0 && n == d->len && !lies) { /* atomic or not cut at all: on its own */
    if (!changed)
      FUZZ_CHECK(take_dgram(d));
    else
      (void)!tct_dgram_recv(lab.s, udp, NULL, bytes, sizeof bytes, 0);
    return;
  }
  note(d, off, n, changed, lies);
  bool came = false;
  if (!d->is_spoilt && is_whole(d) && was_clean) {
    came = take_dgram(d);
    FUZZ_CHECK(came && v == TCT_ACCEPTED);
  } else if (v == TCT_ACCEPTED) {
    /* Repeated or changed somewhere: still only if the sum is right, or there is none (IPv4). */
    long got = tct_dgram_recv(lab.s, udp, NULL, bytes, sizeof bytes, 0);
    FUZZ_CHECK(got < (long)WHOLE);
    came = true;
  }
  if (came) {
    memset(d->has, 0, sizeof d->has);
    d->is_spoilt = false;
  }
}

static void pass_time(struct fuzz_in *in) {
  lab_wait(&lab, TCT_S(fuzz_below(in, 4) * 20));
  lab_drain(&lab);
  for (int i = 0; i < IDS; i++) /* some may be gone: only what begins anew is sure */
    dgrams[i].is_spoilt = true;
  if (tct_slab_used(&lab.s->ip->reasm.dgrams) > 0)
    return;
  for (int i = 0; i < IDS; i++) {
    memset(dgrams[i].has, 0, sizeof dgrams[i].has);
    dgrams[i].is_spoilt = false;
  }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  struct fuzz_in in = {data, size};
  tct_endpoint at = {.port = 9};
  uint8_t how = fuzz_u8(&in);
  lab_init(&lab, (how & 1) != 0, NULL);
  FUZZ_CHECK(tct_sock_open(lab.s, TCT_UDP, NULL, &udp) == TCT_OK);
  FUZZ_CHECK(tct_sock_bind(lab.s, udp, &at) == TCT_OK);
  memset(dgrams, 0, sizeof dgrams);
  for (uint8_t i = 0; i < IDS; i++)
    make_dgram(&dgrams[i], i, fuzz_u8(&in) % 252, (how & 2) != 0 && !lab.v6);
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    if (fuzz_below(&in, 16) == 15)
      pass_time(&in);
    else
      send_fragment(&in);
    lab_drain(&lab);
    lab_check(&lab);
  }
  lab_wait(&lab, TCT_S(120));
  lab_drain(&lab);
  FUZZ_CHECK(lab.s->ip->reasm.bytes == 0 && tct_slab_used(&lab.s->ip->reasm.dgrams) == 0);
  lab_finish(&lab);
  return 0;
}
