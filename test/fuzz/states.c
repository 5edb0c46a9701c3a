/* SPDX-License-Identifier: MIT */
/*
 * Fuzz target: one stack and one peer, brought by an exchange of segments to one of the eleven
 * states of RFC 9293 (the first byte says which, the second how), then met with segments near what
 * it expects, raw bytes, ICMP errors, calls and time. Every assertion of the core is on and its
 * invariants are checked after each frame: no valid state may have an input that breaks one. It is
 * a search, not a proof. Whole stacks with many peers are input.c's; two ends are tcp_pair.c's.
 */
#include "test/lib/at.h"

#include "test/fuzz/fuzz.h"
#include "util/time.h"
#include "wire/icmp.h"

enum { STEPS_MAX = 40, OUT_MAX = 400 };

static const int32_t distances[] = {1,     -1,    2,         -2,          10,    -10,
                                    1000,  -1000, 65535,     -65535,      65536, 100000,
                                    -1001, 0,     INT32_MAX, -0x40000000, 999,   INT32_MIN};

static const uint8_t mixes[] = {0,       TCT_FIN,           TCT_SYN,           TCT_RST,
                                TCT_PSH, TCT_URG,           TCT_FIN | TCT_PSH, TCT_SYN | TCT_FIN,
                                TCT_ECE, TCT_CWR | TCT_ECE, TCT_SYN | TCT_RST, TCT_RST | TCT_FIN};

static int32_t distance(struct fuzz_in *in) {
  uint8_t b = fuzz_u8(in);
  if (b < 128)
    return 0;
  if (b >= 240)
    return (int32_t)fuzz_u32(in);
  return distances[b % (sizeof distances / sizeof distances[0])];
}

static void pull(struct at *a) {
  unsigned n = 0;
  while (at_out(a) != NULL)
    FUZZ_CHECK(++n <= OUT_MAX);
}

static void step_segment(struct at *a, struct fuzz_in *in) {
  uint8_t shape = fuzz_u8(in);
  struct seg_diff d = {.flags = mixes[fuzz_below(in, sizeof mixes)],
                       .seq = distance(in),
                       .ack = distance(in),
                       .no_ack = (shape & 7) == 7,
                       .ghost = (shape & 0x18) == 0x18};
  if ((shape & 0x20) != 0)
    d.len = fuzz_below(in, 1001);
  if ((shape & 0x40) != 0)
    d.urgent = fuzz_u16(in);
  if ((shape & 0x80) != 0) {
    uint8_t more = fuzz_u8(in);
    d.n_sack = a->how.sack ? more % 4 : 0;
    for (uint32_t i = 0; i < d.n_sack; i++) {
      d.sack[i][0] = a->peer.rcv_nxt + (uint32_t)distance(in);
      d.sack[i][1] = d.sack[i][0] + fuzz_below(in, 3000);
    }
    d.tsval = (more & 16) != 0 ? distance(in) : 0;
    d.no_ts = (more & 32) != 0;
    d.tclass = more >> 6;
    a->peer.window = (more & 8) != 0 ? fuzz_u16(in) : a->peer.window;
  }
  (void)at_in(a, d);
}

static void step_options(struct at *a, struct fuzz_in *in) {
  size_t n = (size_t)fuzz_below(in, 11) * 4;
  const uint8_t *p = fuzz_take(in, &n);
  (void)AT_IN(a, .options = p, .options_len = (uint8_t)(n & ~(size_t)3), .no_ts = true,
              .flags = mixes[fuzz_below(in, sizeof mixes)]);
}

static void step_again(struct at *a, struct fuzz_in *in) { /* what the stack sent, or ICMP of it */
  if (a->frame_len == 0)
    return;
  if ((fuzz_u8(in) & 1) != 0)
    (void)at_icmp(a, TCT_ICMP_UNREACH_NET + fuzz_below(in, 13), fuzz_u16(in));
  else
    (void)at_packet(a, a->frame, a->frame_len);
}

static void step_time(struct at *a, struct fuzz_in *in) {
  static const tct_time spans[] = {TCT_MS(1), TCT_MS(40), TCT_MS(250), TCT_S(1),
                                   TCT_S(4),  TCT_S(61),  TCT_S(121),  TCT_S(1000)};
  tct_time end = a->now + spans[fuzz_below(in, 8)];
  for (unsigned n = 0; n < OUT_MAX && a->now < end; n++) {
    tct_time due = tct_deadline(a->s);
    a->now = due <= a->now ? a->now + 1 : tct_time_min(due, end);
    tct_advance(a->s, a->now);
    pull(a);
  }
}

static void step_call(struct at *a, struct fuzz_in *in) {
  static uint8_t buf[4096];
  uint8_t what = fuzz_u8(in);
  tct_event ev;
  tct_sock child;
  switch (what % 8) {
  case 0:
    (void)!tct_sock_recv(a->s, a->k, buf, fuzz_below(in, sizeof buf), 0);
    break;
  case 1:
  case 2:
    (void)!tct_sock_send(a->s, a->k, buf, fuzz_below(in, sizeof buf), what >> 6);
    break;
  case 3:
    tct_sock_shutdown(a->s, a->k, (tct_how)(what / 8 % 3));
    break;
  case 4:
    if (tct_sock_accept(a->s, a->listener, NULL, &child) == TCT_OK)
      a->k = child;
    break;
  case 5:
    if (what >= 0x80)
      tct_sock_close(a->s, a->k);
    break;
  case 6:
    if (what >= 0xe0)
      tct_sock_abort(a->s, a->k);
    break;
  default:
    while (tct_event_next(a->s, &ev))
      continue;
  }
  tct_tcp_check_all(a->s);
}

static struct at_how how_of(uint8_t state, uint8_t how) {
  return (struct at_how){.state = (tct_state)(state % TCT_STATE_COUNT),
                         .ipv6 = (how & 1) != 0,
                         .passive = (how & 2) != 0,
                         .strict = (how & 4) != 0,
                         .ts = (how & 8) != 0,
                         .sack = (how & 16) != 0,
                         .wscale = (uint8_t)((how & 32) != 0 ? 8 : 0),
                         .mss = (how & 64) != 0 ? 536 : 0,
                         .window = (how & 128) != 0 ? 3000 : 0};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static void (*const steps[])(struct at *, struct fuzz_in *) = {
      step_segment, step_segment, step_segment, step_segment,
      step_options, step_again,   step_time,    step_call};
  static struct at a; /* 70 kB, cleared by at_start but for the frame */
  struct fuzz_in in = {data, size};
  uint8_t state = fuzz_u8(&in), how = fuzz_u8(&in);
  at_start(&a, how_of(state, how));
  for (unsigned n = 0; in.left > 0 && n < STEPS_MAX; n++) {
    steps[fuzz_u8(&in) % 8](&a, &in);
    pull(&a);
  }
  at_end(&a);
  return 0;
}
