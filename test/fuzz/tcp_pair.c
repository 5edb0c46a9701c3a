/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: two stacks and a hostile wire. The input says what each side does and what becomes
 * of each frame: lost, doubled, kept back, one bit flipped, or an old one played again. The bytes
 * read are always a prefix of the bytes written; the end of the stream comes after the last byte;
 * when the wire turns honest, whatever still lives finishes within a bounded time.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "stack.h"
#include "tcp/calls.h"
#include "util/time.h"

#ifndef PAIR_TOTAL_MAX /* bytes that each side writes; more of them in tcp_bulk.c */
#define PAIR_TOTAL_MAX 16000
#endif
enum { KEPT_MAX = 64, FRAME_MAX = 1600, STEPS_MAX = 400, TOTAL_MAX = PAIR_TOTAL_MAX };

struct side {
  struct fuzz_mem mem;
  tct_stack *s;
  tct_if ifc;
  tct_sock listener, k;
  bool open, shut, done; /* k is valid; writing is over; CLOSED came */
  uint16_t why;          /* of CLOSED */
  uint32_t wrote, read;
  bool eof;
};

struct kept {
  uint8_t to;
  uint16_t len;
  uint8_t bytes[FRAME_MAX];
};

static struct side sides[2];
static struct kept kept[KEPT_MAX]; /* ring of the last frames sent */
static unsigned n_kept;
static tct_time now;

/* What each side would write in all, made once: byte by byte this was nine tenths of the time. */
static uint8_t stream[2][TOTAL_MAX];

static void make_streams(void) {
  static bool made;
  if (made)
    return;
  made = true;
  for (uint32_t i = 0; i < 2; i++)
    for (uint32_t pos = 0; pos < TOTAL_MAX; pos++)
      stream[i][pos] = (uint8_t)(pos * 31 + pos / 253 + i * 101);
}

/* ---- Set up ---------------------------------------------------------------------------------- */

static tct_addr addr_of(unsigned i, bool v6) {
  uint8_t last = (uint8_t)(i + 1);
  return v6 ? (tct_addr){{0xfd, 7, [15] = last}} : tct_addr_ipv4(10, 0, 0, last);
}

static void start(struct side *d, unsigned i, uint8_t how) {
  tct_config c;
  tct_if_config ifc = {.size = sizeof ifc, .mtu = (how & 8) != 0 ? 1280 : 1500};
  bool v6 = (how & 1) != 0;
  int err;
  memset(d, 0, sizeof *d);
  fuzz_mem_init(&d->mem);
  tct_config_init(&c, sizeof c);
  c.alloc = d->mem.vtable;
  c.seed[0] = (uint8_t)(i + 1);
  c.deterministic = true;
  c.profile = (how & 2) != 0 ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c.no_timestamps = (how & 4) != 0;
  c.no_sack = (how & 16) != 0;
  c.no_wscale = (how & 32) != 0;
  c.rcvbuf_bytes = (how & 64) != 0 ? 8192 : 0;
  c.cookies = (how & 128) != 0 ? TCT_COOKIES_ALWAYS : TCT_COOKIES_OVERFLOW;
  d->s = tct_new(&c, &err);
  FUZZ_CHECK(d->s != NULL);
  FUZZ_CHECK(tct_if_add(d->s, &ifc, &d->ifc) == TCT_OK);
  FUZZ_CHECK(tct_if_addr_add(d->s, d->ifc, addr_of(i, v6), v6 ? 64 : 24) == TCT_OK);
  tct_advance(d->s, now);
}

/* Side 0 listens on port 80 and side 1 connects; or both connect to each other at once. */
static void open_both(bool v6, bool crossing, uint32_t isn) {
  for (unsigned i = 0; i < 2; i++) {
    tct_endpoint here = {.port = (uint16_t)(80 + i)},
                 there = {addr_of(1 - i, v6), (uint16_t)(81 - i), {0, 0}};
    tct_sock k;
    FUZZ_CHECK(tct_sock_open(sides[i].s, TCT_TCP, NULL, &k) == TCT_OK);
    FUZZ_CHECK(tct_sock_bind(sides[i].s, k, &here) == TCT_OK);
    FUZZ_CHECK(tct_sock_set(sides[i].s, k, TCT_OPT_ISN, (int64_t)isn) == TCT_OK);
    if (i == 0 && !crossing) {
      FUZZ_CHECK(tct_sock_listen(sides[i].s, k, 4) == TCT_OK);
      sides[i].listener = k;
      continue;
    }
    FUZZ_CHECK(tct_sock_connect(sides[i].s, k, &there) == TCT_OK);
    sides[i].k = k;
    sides[i].open = true;
  }
}

/* ---- The wire -------------------------------------------------------------------------------- */

static void deliver(const struct kept *f, const uint8_t *bytes) {
  struct side *d = &sides[f->to];
  uint8_t *copy = fuzz_copy(bytes, f->len);
  tct_iov v = {copy, f->len};
  tct_frame in = {.iov = &v, .n_iov = 1, .len = f->len, .at = now};
  FUZZ_CHECK(tct_input(d->s, d->ifc, &in, 1, now) == 1 && in.verdict < TCT_VERDICT_COUNT);
  free(copy);
}

/* One frame of side i, to be decided on; NULL: none. */
static struct kept *pull(unsigned i) {
  struct kept *f = &kept[n_kept % KEPT_MAX];
  size_t n = tct_output_copy(sides[i].s, sides[i].ifc, f->bytes, sizeof f->bytes, now);
  if (n == 0)
    return NULL;
  n_kept++;
  f->to = (uint8_t)(1 - i);
  f->len = (uint16_t)n;
  return f;
}

static void flip(const struct kept *f, uint32_t bit) {
  uint8_t bytes[FRAME_MAX];
  memcpy(bytes, f->bytes, f->len);
  bytes[bit / 8 % f->len] ^= (uint8_t)(1u << bit % 8);
  deliver(f, bytes);
}

static void carry_one(struct fuzz_in *in, unsigned i) {
  struct kept *f = pull(i);
  uint8_t fate = fuzz_u8(in);
  if (f == NULL)
    return;
  if (fate < 40) /* lost, or kept back: an old one may be played later */
    return;
  if (fate < 56)
    flip(f, fuzz_u16(in));
  if (fate < 72)
    deliver(f, f->bytes);
  deliver(f, f->bytes);
}

static void carry_all(void) {
  unsigned rounds = 0;
  for (bool more = true; more;) {
    FUZZ_CHECK(++rounds < 1000); /* [I15]: no exchange without end at one instant */
    more = false;
    for (unsigned i = 0; i < 2; i++)
      for (struct kept *f = pull(i); f != NULL; f = pull(i)) {
        deliver(f, f->bytes);
        more = true;
      }
  }
}

static void replay_old(struct fuzz_in *in) {
  unsigned n = n_kept < KEPT_MAX ? n_kept : KEPT_MAX;
  if (n == 0)
    return;
  const struct kept *f = &kept[fuzz_below(in, n)];
  deliver(f, f->bytes);
}

/* ---- The applications ------------------------------------------------------------------------ */

static void take_events(unsigned i) {
  struct side *d = &sides[i];
  tct_event ev;
  while (tct_event_next(d->s, &ev)) {
    if (!d->open && !d->done && (ev.flags & TCT_EV_ACCEPT) != 0 &&
        tct_sock_accept(d->s, d->listener, NULL, &d->k) == TCT_OK)
      d->open = true;
    if (!d->open || ev.sock.index != d->k.index || ev.sock.gen != d->k.gen)
      continue;
    FUZZ_CHECK(!d->done); /* CLOSED is the last word, once [I4] */
    if ((ev.flags & TCT_EV_CLOSED) == 0)
      continue;
    d->done = true;
    d->open = false;
    d->why = ev.why;
  }
}

static void read_some(unsigned i, uint32_t max) {
  struct side *d = &sides[i];
  static uint8_t buf[65536];
  if (!d->open)
    return;
  long n = tct_sock_recv(d->s, d->k, buf, max, 0);
  FUZZ_CHECK(n <= 0 || !d->eof);
  if (n > 0) {
    FUZZ_CHECK((uint32_t)n <= sides[1 - i].wrote - d->read);
    FUZZ_CHECK(memcmp(buf, stream[1 - i] + d->read, (size_t)n) == 0); /* [I1] [I2] */
    d->read += (uint32_t)n;
  }
  if (n == 0 && max > 0) {
    FUZZ_CHECK(sides[1 - i].shut && d->read == sides[1 - i].wrote); /* [I2] */
    d->eof = true;
  }
}

static void write_some(unsigned i, uint32_t max, unsigned flags) {
  struct side *d = &sides[i];
  if (!d->open || d->shut || d->wrote + max > TOTAL_MAX)
    return;
  long n = tct_sock_send(d->s, d->k, stream[i] + d->wrote, max, flags);
  FUZZ_CHECK(n <= (long)max);
  if (n > 0)
    d->wrote += (uint32_t)n;
}

/* While it still opens that would be the end of it, before a word was said. */
static void shut(unsigned i) {
  struct side *d = &sides[i];
  if (d->open && (tct_sock_ready(d->s, d->k) & TCT_EV_CONNECTED) == 0)
    return;
  if (sides[i].open && tct_sock_shutdown(sides[i].s, sides[i].k, TCT_SHUT_WR) == TCT_OK)
    sides[i].shut = true;
}

static void pass_time(tct_time span) {
  now += span;
  for (unsigned i = 0; i < 2; i++)
    tct_advance(sides[i].s, now);
}

static void check(void) {
  for (unsigned i = 0; i < 2; i++) {
    take_events(i);
    tct_tcp_check_all(sides[i].s);
  }
}

static void step(struct fuzz_in *in) {
  static const tct_time spans[] = {TCT_MS(1), TCT_MS(10), TCT_MS(100), TCT_MS(300),
                                   TCT_S(1),  TCT_S(3),   TCT_S(9),    TCT_S(40)};
  uint8_t op = fuzz_u8(in);
  unsigned i = op & 1;
  switch (op >> 1 & 15) {
  case 0:
  case 1:
  case 2:
  case 3:
  case 4:
    carry_one(in, i);
    break;
  case 5:
    carry_all();
    break;
  case 6:
    replay_old(in);
    break;
  case 7:
  case 8:
    read_some(i, fuzz_u16(in));
    break;
  case 9:
  case 10:
    write_some(i, fuzz_u16(in), fuzz_u8(in) & (TCT_MSG_MORE | TCT_MSG_EOR | TCT_MSG_URGENT));
    break;
  case 11:
    write_some(i, fuzz_u8(in), 0);
    break;
  case 12:
  case 13:
    pass_time(spans[fuzz_below(in, 8)]);
    break;
  case 14:
    carry_one(in, i);
    carry_one(in, i);
    break;
  default:
    if (fuzz_u8(in) > 200)
      shut(i);
  }
}

/* ---- After the faults: [I13] ----------------------------------------------------------------- */

static bool is_over(unsigned i) {
  return sides[i].done || (!sides[i].open && i == 0 && sides[1].done);
}

static void finish(void) {
  tct_time end = now + TCT_S(1200);
  while (now < end && !(is_over(0) && is_over(1))) {
    carry_all();
    check();
    for (unsigned i = 0; i < 2; i++) {
      read_some(i, 60000);
      shut(i);
      if (sides[i].open && sides[i].eof && sides[i].shut)
        tct_sock_close(sides[i].s, sides[i].k);
    }
    carry_all();
    check();
    tct_time next = tct_time_min(tct_deadline(sides[0].s), tct_deadline(sides[1].s));
    pass_time(next <= now ? TCT_MS(1) : tct_time_min(next - now, TCT_S(10)));
  }
  FUZZ_CHECK(is_over(0) && is_over(1));
  for (unsigned i = 0; i < 2; i++) /* [I5] */
    if (sides[i].done && sides[i].why == TCT_WHY_CLOSED && sides[1 - i].why == TCT_WHY_CLOSED)
      FUZZ_CHECK(sides[i].read == sides[1 - i].wrote);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static const uint32_t isns[] = {1, 0xfffffc00u, 0x7ffffc00u, 0x80000000u};
  struct fuzz_in in = {data, size};
  uint8_t how = fuzz_u8(&in), more = fuzz_u8(&in);
  make_streams();
  now = TCT_S(1000);
  n_kept = 0;
  for (unsigned i = 0; i < 2; i++)
    start(&sides[i], i, i == 0 ? how : how ^ (more & 0xfe & ~0x09u));
  open_both((how & 1) != 0, (more & 1) != 0, isns[more >> 6]);
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    step(&in);
    check();
  }
  finish();
  for (unsigned i = 0; i < 2; i++) {
    tct_free(sides[i].s);
    fuzz_mem_finish(&sides[i].mem);
  }
  return 0;
}
