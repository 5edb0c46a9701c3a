/* SPDX-License-Identifier: MIT */
/*
 * See twins.h. Each twin lives in an arena of its own, which gives the same offsets for the same
 * requests: so their memory can be compared word by word, pointers into the arena by their offset.
 */
#include "test/lib/twins.h"

#include <string.h>

#include "stack.h"
#include "tcp/calls.h"

enum { ARENA_BYTES = 4 << 20, CLASSES = 24, FRAME_MAX = 3000, KEPT_MAX = 64, STEPS_MAX = 600 };
enum { FAST, SLOW, PEER, STACKS };

/* ---- Memory: powers of two, each size's free blocks on a list ---------------------------------
 */

struct arena {
  uint64_t used;
  uint64_t free_at[CLASSES]; /* offset of the first, 0: none */
  uint8_t bytes[ARENA_BYTES] __attribute__((aligned(64)));
};

static struct arena arenas[STACKS];

static unsigned class_of(size_t size) {
  unsigned k = 6;
  while ((size_t)1 << k < size)
    k++;
  return k;
}

static void *take(void *ctx, size_t size, size_t align) {
  struct arena *a = ctx;
  unsigned k = class_of(size);
  uint64_t at = a->free_at[k];
  (void)align;
  if (at != 0) {
    memcpy(&a->free_at[k], a->bytes + at, sizeof at);
    return a->bytes + at;
  }
  if (a->used + ((uint64_t)1 << k) > ARENA_BYTES)
    return NULL;
  at = a->used;
  a->used += (uint64_t)1 << k;
  return a->bytes + at;
}

static void give_back(void *ctx, void *p, size_t size) {
  struct arena *a = ctx;
  unsigned k = class_of(size);
  if (p == NULL)
    return;
  memset(p, 0, (size_t)1 << k); /* what was left over is none of the comparison's business */
  memcpy(p, &a->free_at[k], sizeof a->free_at[k]);
  a->free_at[k] = (uint64_t)((uint8_t *)p - a->bytes);
}

/* ---- The three --------------------------------------------------------------------------------
 */

struct frame {
  uint8_t from;
  uint16_t len;
  uint8_t bytes[FRAME_MAX];
};

static struct twins {
  tct_stack *s[STACKS];
  tct_if ifc[STACKS];
  tct_sock listener[STACKS], k[STACKS];
  bool open[STACKS];
  uint32_t wrote[STACKS];
  tct_time now;
  uint64_t set_up_at; /* what the stacks take before there is a socket ends here */
  struct frame kept[KEPT_MAX];
  unsigned n_kept;
  uint8_t faults; /* of 256 frames so many are lost; half as many spoilt, and as many doubled */
  uint8_t mark;   /* IP's two bits of what the peer sends from now on */
  const uint8_t *data;
  size_t left;
  void (*fail)(const char *what);
} t;

static void expect(bool so, const char *what) {
  if (!so)
    t.fail(what);
}

static uint8_t next8(void) {
  if (t.left == 0)
    return 0;
  t.left--;
  return *t.data++;
}

static uint16_t next16(void) {
  uint16_t high = next8();
  return (uint16_t)(high << 8 | next8());
}

static const tct_cc algorithms[] = {TCT_CC_CUBIC, TCT_CC_NEWRENO, TCT_CC_CUBIC, TCT_CC_BBR};

static void start(unsigned i, uint8_t how, uint8_t more) {
  tct_config c;
  tct_if_config ifc = {.size = sizeof ifc, .mtu = (how & 8) != 0 ? 1280 : 1500};
  int err;
  memset(arenas[i].bytes, 0, arenas[i].used);
  memset(&arenas[i], 0, offsetof(struct arena, bytes));
  arenas[i].used = 64;
  tct_config_init(&c, sizeof c);
  c.alloc = (tct_alloc){take, give_back, &arenas[i]};
  c.seed[0] = i == PEER ? 2 : 1;
  c.deterministic = true;
  c.profile = (how & 2) != 0 ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c.no_timestamps = (how & 4) != 0;
  c.no_sack = (how & 16) != 0;
  c.no_wscale = (how & 32) != 0;
  c.rcvbuf_bytes = (how & 64) != 0 ? 8192 : 0;
  c.info = (how & 128) != 0 ? TCT_INFO_BASIC : TCT_INFO_FULL;
  c.congestion = (uint8_t)algorithms[more & 3];
  c.ecn = (more & 4) != 0 ? TCT_ECN_ON : TCT_ECN_PASSIVE;
  c.limits = (tct_limits){.conns = 16,
                          .half_open = 16,
                          .time_wait = 16,
                          .udp = 4,
                          .orphans = 16,
                          .buffer_bytes = (more & 8) != 0 ? 40000 : 1 << 20};
  c.no_fast_path = i == SLOW;
  t.s[i] = tct_new(&c, &err);
  expect(t.s[i] != NULL, "a stack");
  expect(tct_if_add(t.s[i], &ifc, &t.ifc[i]) == TCT_OK, "an interface");
  tct_addr a = tct_addr_ipv4(10, 0, 0, i == PEER ? 2 : 1), six = {{0xfd, 7, [15] = a.b[15]}};
  expect(tct_if_addr_add(t.s[i], t.ifc[i], (how & 1) != 0 ? six : a, (how & 1) != 0 ? 64 : 24) ==
             TCT_OK,
         "an address");
  tct_advance(t.s[i], t.now);
}

/* The twins listen, or connect. */
static void open_all(uint8_t how, bool twins_listen, int64_t isn) {
  for (unsigned n = 0; n < STACKS; n++) {
    unsigned i = twins_listen ? n : STACKS - 1 - n;
    bool listens = (i != PEER) == twins_listen;
    tct_addr a = tct_addr_ipv4(10, 0, 0, i == PEER ? 1 : 2), six = {{0xfd, 7, [15] = a.b[15]}};
    tct_endpoint here = {.port = listens ? 80 : 4000},
                 there = {.addr = (how & 1) != 0 ? six : a, .port = 80};
    tct_sock k;
    expect(tct_sock_open(t.s[i], TCT_TCP, NULL, &k) == TCT_OK, "a socket");
    expect(tct_sock_bind(t.s[i], k, &here) == TCT_OK, "a port");
    expect(tct_sock_set(t.s[i], k, TCT_OPT_ISN, isn) == TCT_OK, "numbers");
    if (listens) {
      t.listener[i] = k;
      expect(tct_sock_listen(t.s[i], k, 4) == TCT_OK, "a listener");
      continue;
    }
    expect(tct_sock_connect(t.s[i], k, &there) == TCT_OK, "a connection");
    t.k[i] = k;
    t.open[i] = true;
  }
}

/* ---- Are they alike? --------------------------------------------------------------------------
 */

/* Part of the template that only the short way out has. */
static bool is_in_template(uint64_t at) {
  const struct tct_slab *conns = &t.s[FAST]->tcp->conns;
  for (uint32_t i = 0; i < tct_slab_index_end(conns); i++) {
    const struct tct_tcp_active *a = ((const struct tct_tcp *)tct_slab_at(conns, i))->active;
    uint64_t from = a != NULL ? (uint64_t)((const uint8_t *)&a->head - arenas[FAST].bytes) : 0;
    if (a != NULL && at + 8 > from && at < from + sizeof a->head)
      return true;
  }
  return false;
}

/* A block that was given back and is kept for the next: nobody reads what is left in it. */
static bool is_in_kept(uint64_t at, const void *kept, size_t size) {
  uint64_t from = (uint64_t)((const uint8_t *)kept - arenas[FAST].bytes);
  return kept != NULL && at + 8 > from && at < from + size;
}

static bool is_word_of(uint64_t at, const void *field) {
  uint64_t from = (uint64_t)((const uint8_t *)field - arenas[FAST].bytes);
  return at == (from & ~(uint64_t)7);
}

/* What differs by right: the switch, what counts its use, what is made for its use. */
static bool may_differ(uint64_t at) {
  const struct tct_stack *s = t.s[FAST];
  return is_word_of(at, &s->cfg.no_fast_path) || is_word_of(at, &s->tcp->fast_segs) ||
         is_word_of(at, &s->tcp->plain_n) || is_in_template(at) ||
         is_in_kept(at, s->tcp->kept_active, sizeof(struct tct_tcp_active)) ||
         is_in_kept(at, s->tcp->kept_extra, sizeof(struct tct_extra));
}

static bool is_same_place(uintptr_t x, uintptr_t y) {
  uintptr_t a = (uintptr_t)&arenas[FAST], b = (uintptr_t)&arenas[SLOW];
  return x - a < sizeof arenas[FAST] && y - b < sizeof arenas[SLOW] && x - a == y - b;
}

/* Padding is compared as well: it may never have been written. */
#if defined(__clang__)
__attribute__((no_sanitize("memory")))
#endif
static void
compare_range(uint64_t from, uint64_t upto) {
  for (uint64_t at = from; at < upto; at += sizeof(uintptr_t)) {
    uintptr_t x, y;
    const uint8_t *a = arenas[FAST].bytes + at, *b = arenas[SLOW].bytes + at;
    if (*(const uintptr_t *)(const void *)a == *(const uintptr_t *)(const void *)b)
      continue;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    if (!is_same_place(x, y) && !may_differ(at))
      t.fail("the memory of both");
  }
}

static void compare_block(const void *p, size_t len) {
  uint64_t from = (uint64_t)((const uint8_t *)p - arenas[FAST].bytes);
  compare_range(from, from + len);
}

/* The stack, TCP's state, and all that was asked for since the addresses were there: their tables
 * have padding that is copied from wherever it was. */
static void compare_memory(void) {
  expect(arenas[FAST].used == arenas[SLOW].used, "memory asked for");
  compare_block(t.s[FAST], sizeof *t.s[FAST]);
  compare_block(t.s[FAST]->tcp, sizeof *t.s[FAST]->tcp);
  compare_range(t.set_up_at, arenas[FAST].used);
}

/* ---- The wire ---------------------------------------------------------------------------------
 */

static tct_verdict deliver_to(unsigned i, const uint8_t *bytes, uint16_t len) {
  tct_iov v = {(uint8_t *)bytes, len};
  tct_frame in = {.iov = &v, .n_iov = 1, .len = len, .at = t.now};
  expect(tct_input(t.s[i], t.ifc[i], &in, 1, t.now) == 1, "a frame in");
  return (tct_verdict)in.verdict;
}

static void deliver(unsigned from, const uint8_t *bytes, uint16_t len) {
  if (from != PEER) {
    (void)deliver_to(PEER, bytes, len);
    return;
  }
  tct_verdict v = deliver_to(FAST, bytes, len);
  expect(deliver_to(SLOW, bytes, len) == v, "a verdict");
}

static size_t pull_one(unsigned i, struct frame *f) {
  size_t n = tct_output_copy(t.s[i], t.ifc[i], f->bytes, sizeof f->bytes, t.now);
  f->from = (uint8_t)i;
  f->len = (uint16_t)n;
  return n;
}

/* One frame of the peer, or of both twins: theirs are alike. NULL: none. */
static struct frame *pull(bool peer) {
  static struct frame other;
  struct frame *f = &t.kept[t.n_kept % KEPT_MAX];
  size_t n = pull_one(peer ? PEER : FAST, f);
  if (!peer) {
    expect(pull_one(SLOW, &other) == n, "the length of a frame");
    expect(memcmp(other.bytes, f->bytes, n) == 0, "a frame");
  }
  t.n_kept += n > 0;
  return n > 0 ? f : NULL;
}

/* Sets IP's two bits, and mends the checksum of IPv4's header. */
static void mark(struct frame *f) {
  if (f->from != PEER || t.mark == 0)
    return;
  if (f->bytes[0] >> 4 == 6) {
    f->bytes[1] = (uint8_t)((f->bytes[1] & 0xcf) | t.mark << 4);
    return;
  }
  f->bytes[1] = (uint8_t)((f->bytes[1] & 0xfc) | t.mark);
  f->bytes[10] = f->bytes[11] = 0;
  uint16_t sum = tct_checksum_of(f->bytes, 20);
  f->bytes[10] = (uint8_t)(sum >> 8);
  f->bytes[11] = (uint8_t)sum;
}

static void carry_one(bool peer) {
  struct frame *f = pull(peer);
  uint8_t fate = next8();
  if (f == NULL || fate < t.faults) /* lost, or kept back: an old one may be played later */
    return;
  mark(f);
  if (fate < t.faults + t.faults / 2) {
    uint16_t bit = next16();
    struct frame spoilt = *f;
    spoilt.bytes[bit / 8 % f->len] ^= (uint8_t)(1u << bit % 8);
    deliver(f->from, spoilt.bytes, f->len);
  }
  if (fate < 2 * t.faults)
    deliver(f->from, f->bytes, f->len);
  deliver(f->from, f->bytes, f->len);
}

static void carry_all(void) {
  unsigned moved = 1;
  for (unsigned rounds = 0; moved > 0 && rounds < 200; rounds++) {
    moved = 0;
    for (unsigned peer = 0; peer < 2; peer++)
      for (struct frame *f = pull(peer == 1); f != NULL && moved < 400; f = pull(peer == 1)) {
        deliver(f->from, f->bytes, f->len);
        moved++;
      }
  }
}

static void replay_old(void) {
  unsigned n = t.n_kept < KEPT_MAX ? t.n_kept : KEPT_MAX;
  if (n == 0)
    return;
  const struct frame *f = &t.kept[next8() % n];
  deliver(f->from, f->bytes, f->len);
}

/* ---- The applications -------------------------------------------------------------------------
 */

static bool take_event(unsigned i, tct_event *ev) {
  if (!tct_event_next(t.s[i], ev))
    return false;
  if ((ev->flags & TCT_EV_ACCEPT) != 0 && !t.open[i])
    t.open[i] = tct_sock_accept(t.s[i], t.listener[i], NULL, &t.k[i]) == TCT_OK;
  else if (ev->sock.index == t.k[i].index && (ev->flags & TCT_EV_CLOSED) != 0)
    t.open[i] = false;
  return true;
}

static void take_events(void) {
  tct_event a, b;
  while (take_event(PEER, &a))
    continue;
  for (bool more = true; more;) {
    more = take_event(FAST, &a);
    expect(take_event(SLOW, &b) == more, "an event");
    if (more)
      expect(a.flags == b.flags && a.err == b.err && a.sock.index == b.sock.index &&
                 a.sock.gen == b.sock.gen && a.why == b.why,
             "what it says");
  }
}

static void write_to(unsigned i, uint32_t len, unsigned flags) {
  static uint8_t bytes[65536];
  for (uint32_t n = 0; n < len; n++)
    bytes[n] = (uint8_t)((t.wrote[i] + n) * 31);
  long n = t.open[i] ? tct_sock_send(t.s[i], t.k[i], bytes, len, flags) : 0;
  t.wrote[i] += n > 0 ? (uint32_t)n : 0;
}

static void write_some(bool peer, uint32_t len, unsigned flags) {
  for (unsigned i = 0; i < STACKS; i++)
    if ((i == PEER) == peer)
      write_to(i, len, flags);
  expect(t.wrote[FAST] == t.wrote[SLOW], "bytes taken");
}

static long read_from(unsigned i, uint32_t len) {
  static uint8_t buf[65536];
  return t.open[i] ? tct_sock_recv(t.s[i], t.k[i], buf, len, 0) : 0;
}

static void read_some(bool peer, uint32_t len) {
  if (peer) {
    (void)read_from(PEER, len);
    return;
  }
  long n = read_from(FAST, len);
  expect(read_from(SLOW, len) == n, "bytes read");
}

static void pass_time(tct_time span) {
  t.now += span;
  for (unsigned i = 0; i < STACKS; i++)
    tct_advance(t.s[i], t.now);
}

static void set_some(bool peer, uint8_t which, uint8_t value) {
  static const struct {
    tct_opt o;
    int64_t value[4];
  } sets[] = {{TCT_OPT_NODELAY, {0, 1, 1, 1}},       {TCT_OPT_CORK, {0, 1, 0, 0}},
              {TCT_OPT_RCVLOWAT, {1, 100, 5000, 1}}, {TCT_OPT_NOTSENT_LOWAT, {0, 1000, 20000, 0}},
              {TCT_OPT_KEEPALIVE, {0, 1, 1, 1}},     {TCT_OPT_USER_TIMEOUT_MS, {0, 500, 5000, 0}},
              {TCT_OPT_QUICKACK, {0, 1, 1, 0}},      {TCT_OPT_MTU_PROBING, {0, 1, 2, 0}}};
  for (unsigned i = 0; i < STACKS; i++)
    if ((i == PEER) == peer && t.open[i])
      (void)!tct_sock_set(t.s[i], t.k[i], sets[which % 8].o, sets[which % 8].value[value % 4]);
}

static void end(bool peer, uint8_t how) {
  for (unsigned i = 0; i < STACKS; i++) {
    if ((i == PEER) != peer || !t.open[i])
      continue;
    if (how > 250)
      tct_sock_abort(t.s[i], t.k[i]);
    else if (how > 240)
      tct_sock_close(t.s[i], t.k[i]);
    else if (how > 220)
      (void)!tct_sock_shutdown(t.s[i], t.k[i], TCT_SHUT_WR);
    if (how > 240)
      t.open[i] = false;
  }
}

static unsigned flags_of(uint8_t b) {
  return b < 200 ? b & TCT_MSG_MORE : b & (TCT_MSG_MORE | TCT_MSG_EOR | TCT_MSG_URGENT);
}

static void step(void) {
  static const tct_time spans[] = {TCT_US(100), TCT_MS(1),   TCT_MS(5), TCT_MS(20),
                                   TCT_MS(60),  TCT_MS(300), TCT_S(2),  TCT_S(30)};
  uint8_t op = next8();
  bool peer = (op & 1) != 0;
  switch (op >> 1 & 15) {
  case 0:
  case 1:
  case 2:
    for (unsigned n = 1 + (op >> 5); n > 0; n--)
      carry_one(peer);
    break;
  case 3:
  case 4:
    carry_all();
    break;
  case 5:
    replay_old();
    break;
  case 6:
  case 7:
    read_some(peer, next16());
    break;
  case 8:
    write_some(peer, next16(), flags_of(next8()));
    break;
  case 9:
  case 10:
    write_some(peer, next16(), 0);
    break;
  case 11:
    write_some(peer, next8(), 0);
    break;
  case 12:
  case 13:
    pass_time(spans[next8() % 8]);
    break;
  case 14:
    t.mark = next8() & 3;
    set_some(peer, next8(), op >> 5);
    break;
  default:
    end(peer, next8());
  }
  take_events();
  compare_memory();
  expect(tct_deadline(t.s[FAST]) == tct_deadline(t.s[SLOW]), "the next deadline");
}

void twins_play(const uint8_t *data, size_t size, void (*fail)(const char *what),
                struct twins_result *r) {
  static const int64_t isns[] = {1, 0xfffff000u, 0x7ffff000u, 0x80000000u};
  memset(&t, 0, sizeof t);
  t.data = data;
  t.left = size;
  t.fail = fail;
  t.now = TCT_S(1000);
  static const uint8_t faults[] = {0, 2, 8, 40};
  uint8_t how = next8(), more = next8(), theirs = next8();
  t.faults = faults[theirs & 3];
  for (unsigned i = 0; i < STACKS; i++)
    start(i, i == PEER ? how ^ (theirs & 0x74) : how, more);
  t.set_up_at = arenas[FAST].used;
  open_all(how, (more & 16) != 0, isns[more >> 6]);
  carry_all();
  for (unsigned n = 0; t.left > 0 && n < STEPS_MAX; n++)
    step();
  r->fast_segs += t.s[FAST]->tcp->fast_segs;
  r->segs += t.s[FAST]->n.InSegs;
  expect(t.s[SLOW]->tcp->fast_segs == 0, "the switch");
  for (unsigned i = 0; i < STACKS; i++)
    tct_free(t.s[i]);
}
