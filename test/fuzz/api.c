/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: every public call in any order, with handles that are live, stale, of another kind
 * or made up, and arguments of all sizes, on two stacks that are joined by a wire; memory may run
 * out at any request. No call may crash, leak, or answer anything but a documented kind of number;
 * a stale handle is TCT_EBADF for ever; a socket's CLOSED is its last event.
 */
#include "test/fuzz/fuzz.h"

#include <stdlib.h>
#include <string.h>

#include "ip/ip.h"
#include "stack.h"
#include "tcp/calls.h"
#include "udp/udp.h"
#include "util/time.h"

enum { HANDLES = 24, STEPS_MAX = 400, FRAME_MAX = 2048, BUF = 4096 };

struct side {
  struct fuzz_mem mem;
  tct_stack *s;
  tct_if ifc;
  tct_sock k[HANDLES];
  bool is_stale[HANDLES]; /* the stack said so, or CLOSED came */
  uint64_t lent, back;
};

static struct side sides[2];
static tct_time now;
static uint8_t buf[BUF];
static const uint8_t lendable[BUF] = {1, 2, 3};

static tct_addr addr_of(unsigned i, bool v6) {
  return v6 ? (tct_addr){{0xfd, 7, [15] = (uint8_t)(i + 1)}}
            : tct_addr_ipv4(10, 0, 0, (uint8_t)(i + 1));
}

static bool start(struct side *d, unsigned i, uint8_t how, uint8_t fail) {
  tct_config c;
  tct_if_config ifc = {.size = sizeof ifc, .mtu = 1500};
  int err = 0;
  memset(d, 0, sizeof *d);
  fuzz_mem_init(&d->mem);
  d->mem.fail_in = fail;
  d->mem.fail_every = fail;
  tct_config_init(&c, sizeof c);
  c.alloc = d->mem.vtable;
  c.deterministic = true;
  c.profile = (how & 1) != 0 ? TCT_PROFILE_LINUX : TCT_PROFILE_STRICT;
  c.info = (how & 2) != 0 ? TCT_INFO_BASIC : TCT_INFO_FULL;
  c.fastopen = TCT_FASTOPEN_CLIENT | TCT_FASTOPEN_SERVER | TCT_FASTOPEN_CLIENT_NO_COOKIE |
               TCT_FASTOPEN_SERVER_NO_COOKIE | TCT_FASTOPEN_ALL_LISTENERS;
  c.limits = (tct_limits){.conns = 16,
                          .half_open = 8,
                          .held = 2,
                          .time_wait = 4,
                          .udp = 4,
                          .orphans = 3,
                          .buffer_bytes = 1 << 18,
                          .reasm_bytes = 1 << 14,
                          .reply_bytes = 1 << 13,
                          .routes = 8,
                          .addrs = 8,
                          .ifs = 3};
  d->s = tct_new(&c, &err);
  if (d->s == NULL) {
    FUZZ_CHECK(err == TCT_ENOMEM && fail != 0);
    fuzz_mem_finish(&d->mem);
    return false;
  }
  if (tct_if_add(d->s, &ifc, &d->ifc) != TCT_OK)
    d->ifc = (tct_if){0, 0};
  (void)!tct_if_addr_add(d->s, d->ifc, addr_of(i, false), 24);
  (void)!tct_if_addr_add(d->s, d->ifc, addr_of(i, true), 64);
  tct_advance(d->s, now);
  return true;
}

/* ---- Handles and answers ------------------------------------------------------------------------
 */

static tct_sock pick(struct fuzz_in *in, struct side *d, unsigned *slot) {
  uint8_t at = fuzz_u8(in);
  *slot = at % HANDLES;
  tct_sock k = d->k[*slot];
  if (at >= 240)
    k.index ^= fuzz_u8(in);
  if (at >= 248)
    k.gen += fuzz_u8(in);
  if (at >= 240)
    *slot = HANDLES;
  return k;
}

static void keep(struct side *d, tct_sock k, unsigned slot) {
  FUZZ_CHECK(k.gen != 0);
  d->k[slot % HANDLES] = k;
  d->is_stale[slot % HANDLES] = false;
}

/* A negative answer is an errno; once a handle is stale it stays so. */
static void judge(struct side *d, unsigned slot, long answer) {
  FUZZ_CHECK(answer >= -150);
  if (slot >= HANDLES)
    return;
  FUZZ_CHECK(!d->is_stale[slot] || answer < 0);
}

static tct_endpoint endpoint(struct fuzz_in *in, unsigned peer) {
  tct_endpoint e = {{{0}}, (uint16_t)(80 + fuzz_below(in, 4)), {0, 0}};
  uint8_t shape = fuzz_u8(in);
  if (shape < 160)
    e.addr = addr_of(peer, (shape & 1) != 0);
  else if (shape < 176)
    e.addr = addr_of(1 - peer, (shape & 1) != 0);
  else if (shape < 200)
    for (int i = 0; i < 16; i++)
      e.addr.b[i] = fuzz_u8(in);
  else if (shape < 208)
    e.addr = tct_addr_ipv4(255, 255, 255, 255);
  else if (shape < 216)
    e.addr = tct_addr_ipv4(224, 0, 0, 1);
  if (shape >= 250)
    e.ifc = (tct_if){fuzz_u8(in), fuzz_u8(in)};
  if ((shape & 0x1f) == 0x1f)
    e.port = fuzz_u16(in);
  return e;
}

/* ---- The calls ----------------------------------------------------------------------------------
 */

static void call_open(struct fuzz_in *in, struct side *d, unsigned i) {
  tct_sock k;
  uint8_t what = fuzz_u8(in);
  tct_proto p = (what & 3) == 0 ? TCT_UDP : what == 255 ? (tct_proto)99 : TCT_TCP;
  int r = tct_sock_open(d->s, p, NULL, &k);
  (void)i;
  judge(d, HANDLES, r);
  if (r == TCT_OK)
    keep(d, k, what >> 2);
}

static void call_name(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot);
  tct_endpoint e = endpoint(in, i), a, b;
  void *user;
  switch (fuzz_below(in, 4)) {
  case 0:
    judge(d, slot, tct_sock_bind(d->s, k, &e));
    break;
  case 1:
    judge(d, slot, tct_sock_name(d->s, k, &a, &b));
    break;
  case 2:
    judge(d, slot, tct_sock_user(d->s, k, &user));
    break;
  default:
    judge(d, slot, tct_sock_listen(d->s, k, fuzz_below(in, 5)));
  }
}

static void call_connect(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot);
  tct_endpoint e = endpoint(in, 1 - i);
  judge(d, slot, tct_sock_connect(d->s, k, &e));
}

static void call_accept(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot), child;
  tct_syn_info info;
  (void)i;
  if (tct_sock_accept(d->s, k, NULL, &child) == TCT_OK)
    keep(d, child, fuzz_u8(in));
  if (tct_syn_next(d->s, k, &info)) {
    info.syn.gen += fuzz_u8(in) == 255;
    judge(d, HANDLES, tct_syn_answer(d->s, info.syn, (tct_syn_word)fuzz_below(in, 5), fuzz_u8(in)));
  }
}

static void call_end(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot);
  (void)i;
  switch (fuzz_below(in, 4)) {
  case 0:
    judge(d, slot, tct_sock_close(d->s, k));
    break;
  case 1:
    if (tct_sock_abort(d->s, k) == TCT_OK && slot < HANDLES)
      d->is_stale[slot] = true;
    break;
  default:
    judge(d, slot, tct_sock_shutdown(d->s, k, (tct_how)fuzz_below(in, 4)));
  }
}

static void call_send(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot, n = 1 + fuzz_below(in, 6);
  tct_sock k = pick(in, d, &slot);
  tct_iov v[6];
  size_t len = fuzz_below(in, BUF);
  (void)i;
  switch (fuzz_below(in, 4)) {
  case 0:
    if (tct_sock_tx_lend(d->s, k, lendable, len, 7) == TCT_OK)
      d->lent++;
    break;
  case 1:
    if (tct_sock_tx_space(d->s, k, v, &n) == TCT_OK) {
      FUZZ_CHECK(n >= 1 && n <= 6);
      for (unsigned p = 0; p < n; p++) /* all of the room may be written */
        memset((void *)(uintptr_t)v[p].base, 0x77, v[p].len);
    }
    judge(d, slot, tct_sock_tx_commit(d->s, k, len, fuzz_below(in, 9)));
    break;
  case 2:
    judge(d, slot, tct_sock_mark(d->s, k, fuzz_u32(in), (tct_mark)fuzz_below(in, 3), 5));
    break;
  default: {
    long r = tct_sock_send(d->s, k, buf, len, fuzz_below(in, 18));
    judge(d, slot, r);
    FUZZ_CHECK(r <= (long)len);
  }
  }
}

static void call_recv(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot, n = 1 + fuzz_below(in, 6);
  tct_sock k = pick(in, d, &slot);
  tct_iov v[6];
  uint64_t token;
  (void)i;
  switch (fuzz_below(in, 4)) {
  case 0:
    if (tct_sock_rx_peek(d->s, k, v, &n) >= 0) {
      FUZZ_CHECK(n <= 6);
      for (unsigned p = 0; p < n; p++)
        memcpy(buf, v[p].base, v[p].len < BUF ? v[p].len : BUF);
    }
    judge(d, slot, tct_sock_rx_consume(d->s, k, fuzz_below(in, 2000)));
    break;
  case 1:
    while (tct_sock_mark_next(d->s, k, &token))
      FUZZ_CHECK(token == 5);
    break;
  case 2:
    tct_sock_prefetch(d->s, &k, 1);
    FUZZ_CHECK(tct_sock_ready(d->s, k) <= 2047);
    break;
  default: {
    uint32_t len = fuzz_below(in, BUF);
    long r = tct_sock_recv(d->s, k, buf, len, fuzz_below(in, 12));
    judge(d, slot, r);
    FUZZ_CHECK(r <= (long)len);
  }
  }
}

static void call_option(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot);
  tct_opt o = (tct_opt)fuzz_below(in, TCT_OPT_ISN + 3);
  uint8_t shape = fuzz_u8(in);
  int64_t value = shape < 64    ? fuzz_u8(in)
                  : shape < 128 ? fuzz_u16(in)
                  : shape < 192 ? fuzz_u32(in)
                                : -(int64_t)fuzz_u32(in);
  tct_info info;
  (void)i;
  if (shape == 255)
    value = (int64_t)((uint64_t)value << 31);
  judge(d, slot, tct_sock_set(d->s, k, o, value));
  if (tct_sock_get(d->s, k, o, &value) < 0)
    value = 0;
  memset(&info, 0, sizeof info);
  info.size = (shape & 1) != 0 ? sizeof info : fuzz_u8(in);
  judge(d, slot, tct_sock_info(d->s, k, &info));
}

static void call_dgram(struct fuzz_in *in, struct side *d, unsigned i) {
  unsigned slot;
  tct_sock k = pick(in, d, &slot);
  tct_dgram g = {.remote = endpoint(in, 1 - i), .seg_size = fuzz_u16(in)};
  size_t len = fuzz_below(in, BUF);
  if ((fuzz_u8(in) & 7) == 0)
    g.local = endpoint(in, i);
  g.hop_limit = fuzz_u8(in);
  judge(d, slot, tct_dgram_send(d->s, k, &g, buf, len));
  long r = tct_dgram_recv(d->s, k, &g, buf, len, fuzz_below(in, 12));
  judge(d, slot, r);
  FUZZ_CHECK(r <= (long)len);
}

static void call_stack(struct fuzz_in *in, struct side *d, unsigned i) {
  tct_if ifc = d->ifc;
  tct_endpoint e = endpoint(in, i);
  tct_keys keys;
  tct_if_config c = {.size = sizeof c, .mtu = fuzz_u16(in)};
  if ((fuzz_u8(in) & 15) == 0)
    ifc.gen ^= 1;
  switch (fuzz_below(in, 8)) {
  case 0:
    judge(d, HANDLES, tct_if_addr_add(d->s, ifc, e.addr, fuzz_u8(in)));
    break;
  case 1:
    judge(d, HANDLES, tct_if_addr_del(d->s, ifc, e.addr));
    break;
  case 2:
    judge(d, HANDLES, tct_route_add(d->s, e.addr, fuzz_u8(in), (tct_addr){{0}}, ifc));
    break;
  case 3:
    judge(d, HANDLES, tct_route_del(d->s, e.addr, fuzz_u8(in)));
    break;
  case 4:
    judge(d, HANDLES, tct_if_set(d->s, ifc, TCT_IF_UP, fuzz_u8(in) & 3));
    break;
  case 5:
    judge(d, HANDLES, tct_if_set(d->s, ifc, TCT_IF_MTU, 500u + fuzz_below(in, 1001)));
    break;
  case 6:
    judge(d, HANDLES, tct_if_add(d->s, &c, &ifc));
    break;
  default:
    memset(&keys, fuzz_u8(in), sizeof keys);
    judge(d, HANDLES, tct_keys_set(d->s, &keys));
    if (fuzz_u8(in) == 0)
      tct_drain(d->s, now + TCT_S(fuzz_u8(in)));
  }
}

/* ---- The wire, time, news -------------------------------------------------------------------- */

static void carry(struct fuzz_in *in, struct side *d, unsigned i) {
  static uint8_t frame[FRAME_MAX];
  uint8_t how = fuzz_u8(in);
  for (unsigned n = how & 15; n < 16; n++) {
    size_t len = tct_output_copy(d->s, d->ifc, frame, sizeof frame, now);
    if (len == 0)
      return;
    if (how >= 240)
      frame[fuzz_u16(in) % len] ^= 1;
    uint8_t *copy = fuzz_copy(frame, len);
    tct_iov v = {copy, len};
    tct_frame f = {.iov = &v, .n_iov = 1, .len = (uint32_t)len, .at = now};
    struct side *to = &sides[1 - i];
    if ((how & 0x30) != 0x30)
      FUZZ_CHECK(tct_input(to->s, to->ifc, &f, 1, now) == 1 && f.verdict < TCT_VERDICT_COUNT);
    free(copy);
  }
}

static void pass_time(struct fuzz_in *in, struct side *d, unsigned i) {
  static const tct_time spans[] = {0,        TCT_MS(1), TCT_MS(200), TCT_S(1),
                                   TCT_S(3), TCT_S(70), TCT_S(300)};
  (void)d;
  (void)i;
  now += spans[fuzz_below(in, 7)];
  tct_advance(sides[0].s, now);
  tct_advance(sides[1].s, now);
}

static void take_events(struct fuzz_in *in, struct side *d, unsigned i) {
  tct_event ev;
  uint64_t token;
  (void)in;
  (void)i;
  while (tct_event_next(d->s, &ev))
    for (unsigned n = 0; n < HANDLES; n++) {
      if (d->k[n].gen != ev.sock.gen || d->k[n].index != ev.sock.index)
        continue;
      FUZZ_CHECK(!d->is_stale[n]);
      if ((ev.flags & TCT_EV_CLOSED) == 0)
        continue;
      d->is_stale[n] = true;
      FUZZ_CHECK(ev.why < TCT_WHY_COUNT && tct_sock_ready(d->s, ev.sock) == TCT_EBADF);
    }
  while (tct_returned_next(d->s, &token)) {
    FUZZ_CHECK(token == 7);
    d->back++;
  }
  FUZZ_CHECK(d->back <= d->lent);
}

static void check(struct side *d) {
  tct_tcp_check_all(d->s);
  tct_ip_reasm_check(d->s);
  tct_udp_check(d->s);
}

/* Everything aborted, time gone by: no memory is held for anybody. */
static void finish(struct side *d) {
  tct_sock cursor = {0, 0};
  tct_counters n;
  d->mem.fail_in = 0;
  while (tct_sock_next(d->s, &cursor))
    if (tct_sock_abort(d->s, cursor) == TCT_OK)
      cursor = (tct_sock){0, 0};
  for (int i = 0; i < 10; i++)
    tct_advance(d->s, now + TCT_S(100) * (tct_time)(i + 1));
  take_events(NULL, d, 0);
  tct_stack_counters(d->s, &n);
  FUZZ_CHECK(n.ConnsNow == 0 && n.HalfOpenNow == 0 && n.OrphansNow == 0 && n.TimeWaitNow == 0);
  FUZZ_CHECK(n.BufferBytesNow == 0 && n.HeldNow == 0 && n.ActiveNow == 0 && n.CurrEstab == 0);
  FUZZ_CHECK(d->back == d->lent);
  tct_free(d->s);
  fuzz_mem_finish(&d->mem);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const calls[])(struct fuzz_in *, struct side *, unsigned) = {
      call_open, call_name,   call_connect, call_accept, call_end, call_send,
      call_recv, call_option, call_dgram,   call_stack,  carry,    carry,
      carry,     pass_time,   take_events,  call_send};
  struct fuzz_in in = {data, size};
  uint8_t how = fuzz_u8(&in), fail = fuzz_u8(&in);
  now = TCT_S(1000);
  if (!start(&sides[0], 0, how, fail))
    return 0;
  if (!start(&sides[1], 1, how >> 2, 0)) /* memory fails on one side only */
    return 0;
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    uint8_t op = fuzz_u8(&in);
    unsigned i = op >> 7;
    calls[op & 15](&in, &sides[i], i);
    check(&sides[0]);
    check(&sides[1]);
  }
  finish(&sides[0]);
  finish(&sides[1]);
  return 0;
}
